//! Each operator on rows of (condition, context, expected); calendar and numbers against a second computation.

mod implied;

use super::*;
use crate::iam::Answer::{self, No, Unknown, Yes};
use crate::iam::request::Context;
use crate::iam::request::MissingKeys;
use proptest::prelude::*;
use serde_json::{Value, json};

fn context_of(context: &Value) -> Context {
    let mut out = Context::default();
    for (key, value) in context.as_object().unwrap() {
        match value {
            Value::Null => out.set_unknown(key),
            Value::Array(values) => out.set(key, values.iter().map(|v| v.as_str().unwrap().to_owned()).collect()),
            one => out.set(key, vec![one.as_str().unwrap().to_owned()]),
        }
    }
    out
}

fn answer(operator: &str, values: Value, context: Value) -> Answer {
    let conditions = parse(&json!({operator: {"k": values}}), "Condition", Version::V2012).unwrap();
    conditions[0].holds(&context_of(&context), &mut MissingKeys::new())
}

fn check(operator: &str, values: Value, context: Value, expected: Answer) {
    let found = answer(operator, values.clone(), context.clone());
    assert_eq!(found, expected, "{operator} {values} in {context}");
}

/// The condition on a request that carries `k` with one value.
fn on(operator: &str, policy: &str, request: &str, expected: Answer) {
    check(operator, json!(policy), json!({"k": request}), expected);
}

/// A positive operator and the one that turns it round.
fn pair(positive: &str, negative: &str, policy: &str, request: &str, expected: Answer) {
    on(positive, policy, request, expected);
    on(negative, policy, request, holds::not(expected));
}

#[test]
fn strings() {
    for (policy, request, expected) in [
        ("a", "a", Yes),
        ("a", "A", No),
        ("a", "b", No),
        ("", "", Yes),
        ("a*", "ab", No),
        ("a*", "a*", Yes),
        ("a?", "ab", No),
        ("${*}", "*", Yes),
        ("${$}{x}", "${x}", Yes),
        ("é", "é", Yes),
        (" a", "a", No),
    ] {
        pair("StringEquals", "StringNotEquals", policy, request, expected);
        pair("stringequals", "STRINGNOTEQUALS", policy, request, expected);
    }
    for (policy, request, expected) in [
        ("a", "A", Yes),
        ("Straße", "STRAßE", Yes),
        ("a", "b", No),
        ("a*", "AB", No),
    ] {
        pair(
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            policy,
            request,
            expected,
        );
    }
    for (policy, request, expected) in [
        ("a*", "ab", Yes),
        ("a*", "a", Yes),
        ("a*", "A", No),
        ("a?", "a", No),
        ("a?", "ab", Yes),
        ("*", "", Yes),
        ("?*", "", No),
        ("a:*:b", "a:x:y:b", Yes),
        ("a${*}", "ab", No),
        ("a${*}", "a*", Yes),
        ("home/${?}", "home/?", Yes),
    ] {
        pair("StringLike", "StringNotLike", policy, request, expected);
    }
}

#[test]
fn numbers() {
    for (policy, request, order) in [
        ("5", "5", std::cmp::Ordering::Equal),
        ("5", "4", std::cmp::Ordering::Less),
        ("5", "6", std::cmp::Ordering::Greater),
        ("5", "5.0", std::cmp::Ordering::Equal),
        ("5", "-5", std::cmp::Ordering::Less),
        ("0.1", "0.10", std::cmp::Ordering::Equal),
        ("1e3", "1000", std::cmp::Ordering::Equal),
        ("9007199254740993", "9007199254740992", std::cmp::Ordering::Less),
        ("-1", "0", std::cmp::Ordering::Greater),
    ] {
        let yes = |holds: bool| if holds { Yes } else { No };
        on("NumericEquals", policy, request, yes(order.is_eq()));
        on("NumericNotEquals", policy, request, yes(order.is_ne()));
        on("NumericLessThan", policy, request, yes(order.is_lt()));
        on("NumericLessThanEquals", policy, request, yes(order.is_le()));
        on("NumericGreaterThan", policy, request, yes(order.is_gt()));
        on("NumericGreaterThanEquals", policy, request, yes(order.is_ge()));
    }
    for broken in ["five", "", "0x5", "inf", "NaN", "5 "] {
        on("NumericEquals", "5", broken, Unknown);
        on("NumericNotEquals", "5", broken, Unknown);
        on("NumericLessThan", broken, "5", Unknown);
    }
    check("NumericEquals", json!([5, 6]), json!({"k": "6"}), Yes);
    check("NumericEquals", json!(5), json!({"k": "5"}), Yes);
}

#[test]
fn dates() {
    for (policy, request, order) in [
        (
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00Z",
            std::cmp::Ordering::Equal,
        ),
        ("2024-01-01T00:00:00Z", "2023-12-31T23:59:59Z", std::cmp::Ordering::Less),
        (
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.001Z",
            std::cmp::Ordering::Greater,
        ),
        (
            "2024-01-01T00:00:00Z",
            "2024-01-01T01:00:00+01:00",
            std::cmp::Ordering::Equal,
        ),
        (
            "2024-01-01T00:00:00Z",
            "2023-12-31T19:00:00-0500",
            std::cmp::Ordering::Equal,
        ),
        ("2024-01-01T00:00:00Z", "1704067200", std::cmp::Ordering::Equal),
        ("1704067200", "2024-01-01", std::cmp::Ordering::Equal),
        ("2024-01", "2024-01-01T00:00Z", std::cmp::Ordering::Equal),
        ("2024-03-01", "2024-02-29", std::cmp::Ordering::Less),
        ("0", "1970-01-01T00:00:01Z", std::cmp::Ordering::Greater),
        ("-86400", "1969-12-31", std::cmp::Ordering::Equal),
    ] {
        let yes = |holds: bool| if holds { Yes } else { No };
        on("DateEquals", policy, request, yes(order.is_eq()));
        on("DateNotEquals", policy, request, yes(order.is_ne()));
        on("DateLessThan", policy, request, yes(order.is_lt()));
        on("DateLessThanEquals", policy, request, yes(order.is_le()));
        on("DateGreaterThan", policy, request, yes(order.is_gt()));
        on("DateGreaterThanEquals", policy, request, yes(order.is_ge()));
    }
    for broken in [
        "2024",
        "2023-02-29",
        "2024-13-01",
        "yesterday",
        "",
        "2024-01-01T25:00:00Z",
        "2024-1-1",
        "T",
        "é",
        "2024-01-01T00:00+é",
    ] {
        on("DateLessThan", broken, "2024-01-01", Unknown);
        on("DateNotEquals", "2024-01-01", broken, Unknown);
    }
}

#[test]
fn booleans_binaries_and_null() {
    on("Bool", "true", "true", Yes);
    on("Bool", "true", "True", Yes);
    on("Bool", "false", "true", No);
    on("Bool", "true", "yes", Unknown);
    check("Bool", json!(true), json!({"k": "true"}), Yes);
    check("Bool", json!("false"), json!({}), No);
    check("BoolIfExists", json!("false"), json!({}), Yes);
    check("Bool", json!(["true", "false"]), json!({"k": "false"}), Yes);
    on("BinaryEquals", "QmluYXJ5", "QmluYXJ5", Yes);
    on("BinaryEquals", "QmluYXJ5", "qmluYXJ5", No);
    check("Null", json!("true"), json!({}), Yes);
    check("Null", json!("true"), json!({"k": "x"}), No);
    check("Null", json!("false"), json!({}), No);
    check("Null", json!("false"), json!({"k": "x"}), Yes);
    check("Null", json!("true"), json!({"k": []}), Yes);
    check("Null", json!(false), json!({"k": ["a", "b"]}), Yes);
    check("Null", json!(["true", "false"]), json!({}), Yes);
    check("Null", json!("true"), json!({"k": null}), Unknown);
    check("Null", json!("maybe"), json!({}), Unknown);
}

#[test]
fn addresses() {
    for (policy, request, expected) in [
        ("10.0.0.0/8", "10.255.0.1", Yes),
        ("10.0.0.0/8", "11.0.0.1", No),
        ("10.1.2.3", "10.1.2.3", Yes),
        ("10.1.2.3/32", "10.1.2.4", No),
        ("10.1.2.77/24", "10.1.2.3", Yes),
        ("0.0.0.0/0", "255.255.255.255", Yes),
        ("2001:db8::/32", "2001:db8:1::1", Yes),
        ("2001:db8::/32", "2001:db9::1", No),
        ("::/0", "2001:db9::1", Yes),
        ("2001:DB8::1", "2001:db8:0:0:0:0:0:1", Yes),
        ("10.0.0.0/8", "2001:db8::1", No),
        ("::/0", "10.0.0.1", No),
        ("10.0.0.0/33", "10.0.0.1", Unknown),
        ("10.0.0.0/8", "AWS Internal", Unknown),
        ("10.0.0.0/-1", "10.0.0.1", Unknown),
        ("10.0.0", "10.0.0.1", Unknown),
    ] {
        pair("IpAddress", "NotIpAddress", policy, request, expected);
    }
}

#[test]
fn arns() {
    for (policy, request, expected) in [
        ("arn:aws:iam::1:role/x", "arn:aws:iam::1:role/x", Yes),
        ("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a/b", Yes),
        ("arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", Yes),
        ("arn:aws:iam::*:role/x", "arn:aws:iam::1:a:role/x", No),
        ("arn:aws:iam::1:role/x", "arn:aws:iam::1:role/X", No),
        ("arn:aws:sns:*:1:t", "arn:aws:sns:eu-west-1:1:t", Yes),
        ("arn:aws:sns:*:1:t", "arn:aws:sns:eu-west-1:2:t", No),
        ("arn:*:s3:::b?", "arn:aws-cn:s3:::bb", Yes),
        ("arn:aws:s3:::b/*", "not an arn", No),
        ("arn:aws:logs:*:*:log-group:*", "arn:aws:logs:r:1:log-group:a:b", Yes),
        ("*", "arn:aws:iam::1:role/x", Yes),
        ("arn:aws:iam::*", "arn:aws:iam::1:role/x", Unknown),
    ] {
        pair("ArnEquals", "ArnNotEquals", policy, request, expected);
        pair("ArnLike", "ArnNotLike", policy, request, expected);
    }
}

#[test]
fn an_absent_key_fails_what_is_positive_and_meets_what_is_negated() {
    for (name, comparison) in Comparison::ALL {
        let value = if name.starts_with("Date") { "2024-01-01" } else { "5" };
        let negated = name.contains("Not");
        if *comparison == Comparison::Null {
            continue;
        }
        check(name, json!(value), json!({}), if negated { Yes } else { No });
        check(name, json!(value), json!({"k": []}), if negated { Yes } else { No });
        check(&format!("{name}IfExists"), json!(value), json!({}), Yes);
        check(&format!("ForAllValues:{name}"), json!(value), json!({}), Yes);
        check(&format!("ForAllValues:{name}"), json!(value), json!({"k": []}), Yes);
        check(&format!("ForAnyValue:{name}"), json!(value), json!({}), No);
        check(&format!("ForAnyValue:{name}IfExists"), json!(value), json!({}), No);
    }
}

#[test]
fn an_unknown_key_leaves_every_operator_open_and_is_named() {
    for (name, comparison) in Comparison::ALL {
        for set in ["", "ForAllValues:", "ForAnyValue:"] {
            for suffix in ["", "IfExists"] {
                if *comparison == Comparison::Null && !suffix.is_empty() {
                    continue;
                }
                let operator = format!("{set}{name}{suffix}");
                let conditions = parse(&json!({&operator: {"aws:K": "5"}}), "", Version::V2012).unwrap();
                let mut missing = MissingKeys::new();
                assert_eq!(
                    conditions[0].holds(&context_of(&json!({"AWS:k": null})), &mut missing),
                    Unknown,
                    "{operator}"
                );
                assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["aws:K"], "{operator}");
            }
        }
    }
}

#[test]
fn several_values_of_the_request() {
    for (operator, values, request, expected) in [
        ("ForAllValues:StringEquals", json!(["a", "b"]), json!(["a"]), Yes),
        ("ForAllValues:StringEquals", json!(["a", "b"]), json!(["a", "b"]), Yes),
        ("ForAllValues:StringEquals", json!(["a", "b"]), json!(["a", "c"]), No),
        ("ForAnyValue:StringEquals", json!(["a", "b"]), json!(["c", "a"]), Yes),
        ("ForAnyValue:StringEquals", json!(["a", "b"]), json!(["c", "d"]), No),
        (
            "ForAllValues:StringNotEquals",
            json!(["a", "b"]),
            json!(["c", "d"]),
            Yes,
        ),
        ("ForAllValues:StringNotEquals", json!(["a", "b"]), json!(["c", "a"]), No),
        ("ForAnyValue:StringNotEquals", json!(["a", "b"]), json!(["c", "a"]), Yes),
        ("ForAnyValue:StringNotEquals", json!(["a", "b"]), json!(["b", "a"]), No),
        ("ForAllValues:StringLike", json!("a*"), json!(["ab", "ac"]), Yes),
        ("ForAnyValue:StringLike", json!("a*"), json!(["b", "c"]), No),
        (
            "ForAnyValue:ArnLike",
            json!("arn:aws:s3:::*"),
            json!(["x", "arn:aws:s3:::b"]),
            Yes,
        ),
        ("ForAllValues:NumericLessThan", json!("5"), json!(["1", "2"]), Yes),
        (
            "ForAnyValue:IpAddress",
            json!("10.0.0.0/8"),
            json!(["1.1.1.1", "10.0.0.1"]),
            Yes,
        ),
        ("foranyvalue:stringequalsifexists", json!("a"), json!(["a"]), Yes),
        // Without a qualifier, values that agree decide, and values that do not leave it open.
        ("StringEquals", json!(["a", "b"]), json!(["a", "b"]), Yes),
        ("StringEquals", json!("a"), json!(["b", "c"]), No),
        ("StringEquals", json!("a"), json!(["a", "c"]), Unknown),
        ("StringNotEquals", json!("a"), json!(["a", "c"]), Unknown),
    ] {
        check(operator, values, json!({"k": request}), expected);
    }
}

#[test]
fn several_values_of_the_policy_are_alternatives_and_negation_excludes_all() {
    check("StringEquals", json!(["a", "b"]), json!({"k": "b"}), Yes);
    check("StringNotEquals", json!(["a", "b"]), json!({"k": "b"}), No);
    check("StringNotEquals", json!(["a", "b"]), json!({"k": "c"}), Yes);
    check(
        "NotIpAddress",
        json!(["10.0.0.0/8", "1.1.1.1"]),
        json!({"k": "1.1.1.1"}),
        No,
    );
    check("StringEquals", json!([]), json!({"k": "a"}), No);
    check("StringNotEquals", json!([]), json!({"k": "a"}), Yes);
}

#[test]
fn variables_take_their_value_from_the_request() {
    for (operator, policy, context, expected) in [
        (
            "StringEquals",
            "${aws:username}",
            json!({"k": "ana", "aws:username": "ana"}),
            Yes,
        ),
        (
            "StringEquals",
            "${aws:UserName}",
            json!({"k": "ana", "AWS:username": "ana"}),
            Yes,
        ),
        (
            "StringEquals",
            "u-${aws:username}-x",
            json!({"k": "u-ana-x", "aws:username": "ana"}),
            Yes,
        ),
        (
            "StringLike",
            "${aws:username}/*",
            json!({"k": "ana/x", "aws:username": "ana"}),
            Yes,
        ),
        // What a variable holds is text, wildcards in it too.
        (
            "StringLike",
            "${aws:username}",
            json!({"k": "ana", "aws:username": "*"}),
            No,
        ),
        (
            "StringLike",
            "${aws:username}",
            json!({"k": "*", "aws:username": "*"}),
            Yes,
        ),
        (
            "ArnLike",
            "arn:aws:iam::1:user/${aws:username}",
            json!({"k": "arn:aws:iam::1:user/ana", "aws:username": "ana"}),
            Yes,
        ),
        ("StringEquals", "${aws:username, 'nobody'}", json!({"k": "nobody"}), Yes),
        (
            "StringEquals",
            "${aws:username, 'nobody'}",
            json!({"k": "ana", "aws:username": "ana"}),
            Yes,
        ),
        (
            "StringEquals",
            "${aws:username, 'nobody'}",
            json!({"k": "nobody", "aws:username": "ana"}),
            No,
        ),
        ("StringEquals", "${aws:username}", json!({"k": "ana"}), No),
        ("StringNotEquals", "${aws:username}", json!({"k": "ana"}), Yes),
        (
            "StringNotEquals",
            "${aws:username}",
            json!({"k": "ana", "aws:username": "bo"}),
            Yes,
        ),
        (
            "StringEquals",
            "${aws:username}",
            json!({"k": "ana", "aws:username": null}),
            Unknown,
        ),
        (
            "StringEquals",
            "${aws:username}",
            json!({"k": "ana", "aws:username": ["ana", "bo"]}),
            Unknown,
        ),
        (
            "ArnLike",
            "arn:aws:iam::1:user/${aws:username}",
            json!({"k": "arn:aws:iam::1:user/a", "aws:username": null}),
            Unknown,
        ),
    ] {
        check(operator, json!(policy), context, expected);
    }
}

#[test]
fn braces_are_text_before_2012() {
    let conditions = parse(&json!({"StringEquals": {"k": "${aws:username}"}}), "", Version::V2008).unwrap();
    let mut missing = MissingKeys::new();
    assert_eq!(
        conditions[0].holds(&context_of(&json!({"k": "${aws:username}"})), &mut missing),
        Yes
    );
    assert_eq!(
        conditions[0].holds(&context_of(&json!({"k": "a", "aws:username": "a"})), &mut missing),
        No
    );
}

#[test]
fn an_unknown_operator_is_an_error_that_names_it() {
    for operator in [
        "StringEqual",
        "NullIfExists",
        "ForSomeValues:StringEquals",
        "",
        "IfExists",
        "ForAllValues:",
        "Boolean",
        "éxists",
    ] {
        let error = parse(&json!({operator: {"k": "v"}}), "Statement[1].Condition", Version::V2012).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("Statement[1].Condition.{operator}: unknown operator")
        );
    }
}

proptest! {
    #[test]
    fn a_date_is_what_the_calendar_library_says(seconds in -60_000_000_000_i64..250_000_000_000) {
        let written = jiff::Timestamp::from_second(seconds).unwrap().to_string();
        if !written.starts_with('-') {
            prop_assert_eq!(date::parse(&written), Some((seconds, 0)), "{}", written);
        }
    }

    #[test]
    fn whole_numbers_compare_as_they_do_elsewhere(a in any::<i64>(), b in any::<i64>()) {
        let found = answer("NumericLessThan", json!(a.to_string()), json!({"k": b.to_string()}));
        prop_assert_eq!(found, if b < a { Yes } else { No });
    }

    #[test]
    fn no_text_makes_a_comparison_panic(policy in ".{0,20}", request in ".{0,20}", pick in 0..Comparison::ALL.len()) {
        let (name, _) = Comparison::ALL[pick];
        answer(name, json!(policy), json!({"k": request}));
    }

    #[test]
    fn a_date_like_text_never_panics(text in "[-0-9TZ:.+é]{0,24}") {
        let _ = date::parse(&text);
    }

    #[test]
    fn an_address_is_in_its_own_network(address in any::<[u8; 4]>(), bits in 0..=32_u32) {
        let address = std::net::Ipv4Addr::from(address).to_string();
        prop_assert_eq!(answer("IpAddress", json!(format!("{address}/{bits}")), json!({"k": address})), Yes);
    }
}
