//! Resource patterns under both readings, variables and escapes.

use super::*;
use proptest::prelude::*;

fn resource(text: &str) -> Resource {
    Resource::new(text, Version::V2012)
}

impl Resource {
    /// Whether the pattern matches under both readings, whatever its variables hold.
    fn certainly_matches(&self, arn: &str) -> bool {
        self.answer(arn, &mut |_| Value::Unknown) == Answer::Yes
    }

    /// Whether the pattern matches under either reading, for some value of its variables.
    fn possibly_matches(&self, arn: &str) -> bool {
        self.answer(arn, &mut |_| Value::Unknown) != Answer::No
    }
}

/// (certainly, possibly)
fn check(pattern: &str, arn: &str, certainly: bool, possibly: bool) {
    let pattern = resource(pattern);
    assert_eq!(
        (pattern.certainly_matches(arn), pattern.possibly_matches(arn)),
        (certainly, possibly),
        "{pattern} on {arn}"
    );
    assert_eq!(pattern.may_name(arn), possibly, "{pattern} on {arn}");
}

fn check_includes(outer: &str, inner: &str, expected: bool) {
    assert_eq!(
        includes(&resource(outer), &resource(inner)),
        expected,
        "{outer} includes {inner}"
    );
}

#[test]
fn an_arn_has_six_segments_and_the_last_keeps_its_colons() {
    let arn = Arn::parse("arn:aws:logs:eu-west-1:111122223333:log-group:a:*").unwrap();
    assert_eq!(
        (arn.service, arn.region, arn.account, arn.resource),
        ("logs", "eu-west-1", "111122223333", "log-group:a:*")
    );
    assert_eq!(Arn::parse("*"), None);
    assert_eq!(Arn::parse("arn:aws:s3"), None);
    assert_eq!(Arn::parse("urn:aws:s3:::b"), None);
}

#[test]
fn both_readings_of_a_pattern() {
    check("*", "arn:aws:s3:::b", true, true);
    check("*", "*", true, true);
    check("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", true, true);
    check("arn:aws:s3:::b/*", "arn:aws:s3:::B/a", false, false);
    check("arn:aws:s3:::b/?", "arn:aws:s3:::b/", false, false);
    check(
        "arn:aws:ec2:*:*:instance/*",
        "arn:aws:ec2:eu-west-1:1:instance/i",
        true,
        true,
    );
    check(
        "arn:aws:ec2:*:instance/*",
        "arn:aws:ec2:eu-west-1:1:instance/i",
        false,
        true,
    );
    check("arn:aws:s3:*", "arn:aws:s3:::b", false, true);
    check("arn:*:role/x", "arn:aws:iam::1:role/x", false, true);
    check("arn:aws:sqs:us?east-1:1:q", "arn:aws:sqs:us-east-1:1:q", true, true);
    check("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/ana", false, true);
    check("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::c/ana", false, false);
    check("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", true, true);
    check("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", false, false);
    check("arn:aws:s3:::b/${", "arn:aws:s3:::b/${", true, true);
}

#[test]
fn inclusion_goes_segment_by_segment() {
    check_includes("arn:aws:s3:::b/*", "arn:aws:s3:::b/logs/*", true);
    check_includes("arn:aws:s3:::*", "arn:aws:s3:::b/a:b/*", true);
    check_includes("arn:aws:sqs:us-*:1:q", "arn:aws:sqs:*:1:q", false);
    check_includes("arn:aws:sqs:*:*:q", "arn:aws:sqs:us-*:1:q", true);
    check_includes("*", "arn:aws:s3:::b", true);
    check_includes("*", "*", true);
    check_includes("arn:*", "*", false);
    check_includes("arn:aws:s3:*", "arn:aws:s3:::b", false);
    check_includes("arn:aws:s3:*", "arn:aws:s3:*", true);
    check_includes("arn:aws:sqs:*?:1:q", "arn:aws:sqs:?*:1:q", false);
    check_includes("arn:aws:sqs:?*:1:q", "arn:aws:sqs:*?:1:q", true);
}

#[test]
fn a_union_may_include_in_one_segment() {
    let outers = [
        resource("arn:aws:s3:::b/?"),
        resource("arn:aws:s3:::b/??*"),
        resource("arn:aws:s3:::c/*"),
    ];
    let outers: Vec<&Resource> = outers.iter().collect();
    assert!(union_includes(
        &outers,
        &[&resource("arn:aws:s3:::b/?*")],
        &Effort::default()
    ));
    assert!(!union_includes(
        &outers,
        &[&resource("arn:aws:s3:::b/*")],
        &Effort::default()
    ));
    let regions = [resource("arn:aws:sqs:?:1:q"), resource("arn:aws:sqs:??*:2:q")];
    let regions: Vec<&Resource> = regions.iter().collect();
    assert!(!union_includes(
        &regions,
        &[&resource("arn:aws:sqs:?*:1:q")],
        &Effort::default()
    ));
}

#[test]
fn a_literal_that_a_policy_cannot_hold_has_no_escape() {
    assert_eq!(escape_literal("a*b?.txt").as_deref(), Some("a${*}b${?}.txt"));
    assert_eq!(escape_literal("${aws:username}").as_deref(), Some("${$}{aws:username}"));
    assert_eq!(escape_literal("ÿ\t").as_deref(), Some("ÿ\t"));
    assert_eq!(escape_literal("中"), None);
    assert_eq!(escape_literal("\0"), None);
}

#[test]
fn a_shape_holds_escapes_and_any_other_dollar_is_itself() {
    for (text, shape, pattern) in [
        ("a*b?", "a${*}b${?}", "a${*}b${?}"),
        ("a$b", "a$b", "a${$}b"),
        ("${aws:username}", "${$}{aws:username}", "${$}{aws:username}"),
        ("$*", "${$}${*}", "${$}${*}"),
        ("a", "a", "a"),
    ] {
        assert_eq!((&*literal(text), &*of_shape(&literal(text))), (shape, pattern));
    }
    assert_eq!(of_shape("a*$?${x}$"), "a*${$}?${$}{x}${$}");
}

proptest! {
    #[test]
    fn a_literal_shape_matches_itself_alone(text in "[a-c*?${}:/]{0,12}", other in "[a-c*?${}:/]{0,12}") {
        let pattern = resource(&of_shape(&literal(&text)));
        prop_assert!(pattern.certainly_matches(&text));
        prop_assert_eq!(pattern.possibly_matches(&other), text == other);
    }

    #[test]
    fn an_escaped_literal_matches_itself_alone(literal in "[a-c*?${}:/]{0,12}", other in "[a-c*?${}:/]{0,12}") {
        let pattern = resource(&escape_literal(&literal).unwrap());
        prop_assert!(pattern.certainly_matches(&literal));
        prop_assert_eq!(pattern.possibly_matches(&other), literal == other);
    }

    #[test]
    fn what_is_certain_is_possible_and_what_is_included_is_matched(
        outer in "[a*?:]{0,10}", inner in "[a*?:]{0,10}", text in "[ab:]{0,12}",
    ) {
        let (outer, inner) = (resource(&outer), resource(&inner));
        prop_assert!(!outer.certainly_matches(&text) || outer.possibly_matches(&text));
        prop_assert_eq!(outer.may_name(&text), outer.possibly_matches(&text));
        if includes(&outer, &inner) {
            prop_assert!(!inner.certainly_matches(&text) || outer.certainly_matches(&text));
            prop_assert!(!inner.possibly_matches(&text) || outer.possibly_matches(&text));
        }
        if outer.possibly_matches(&text) && inner.possibly_matches(&text) {
            prop_assert!(overlaps(&outer, &inner));
        }
    }

    #[test]
    fn no_text_makes_a_pattern_panic(pattern in ".{0,24}", text in ".{0,24}") {
        resource(&pattern).certainly_matches(&text);
    }
}

#[test]
fn kinds_of_one_service_have_nothing_in_common_in_their_segments() {
    let check = |a: &str, b: &str, expected: bool| {
        let of = |text: &str| Resource::new(text, Version::V2012);
        assert_eq!(overlaps_in_segments(&of(a), &of(b)), expected, "{a} and {b}");
    };
    let volume = "arn:*:ec2:*:111122223333:volume/*";
    check("arn:aws:ec2:*:*:vpc/*", volume, false);
    check("arn:aws:ec2:*:*:volume/vol-1", volume, true);
    check("arn:aws:ec2:*:*:*", volume, true);
    check("arn:aws:ec2:*", volume, true);
    check("arn:aws:ec2:eu-west-1:444455556666:volume/*", volume, false);
    // A wildcard that was left to stand for the account as well.
    check(
        "arn:aws:logs:*:log-group:/app:*",
        "arn:*:logs:*:111122223333:log-group:*",
        true,
    );
}
