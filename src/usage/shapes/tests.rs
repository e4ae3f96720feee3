//! Shapes cover what they were made from, and depend on neither order nor the way in which they were merged.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::iam::pattern;

#[track_caller]
fn check(arn: &str, expected: &str) {
    assert_eq!(generalise(arn), expected);
}

#[test]
fn dates_hashes_and_uuids_in_object_keys_generalise() {
    check("arn:aws:s3:::b/logs/2026-10-01/x", "arn:aws:s3:::b/logs/*/*");
    check("arn:aws:s3:::b/year=2026/x.parquet", "arn:aws:s3:::b/*/x.parquet");
    check("arn:aws:s3:::b/5f2c3a9e77aa0b11/x", "arn:aws:s3:::b/*/x");
    check(
        "arn:aws:s3:::b/0b9f3c1e-5a1d-4f0e-9c55-1d2e3f4a5b6c",
        "arn:aws:s3:::b/*",
    );
    check("arn:aws:s3:::b/a/b/c/d", "arn:aws:s3:::b/a/b/*");
}

#[test]
fn names_that_people_give_stay() {
    check(
        "arn:aws:s3:::bucket-2026-10-01/reports/today",
        "arn:aws:s3:::bucket-2026-10-01/reports/today",
    );
    check(
        "arn:aws:dynamodb:eu-west-1:1:table/orders-20261001",
        "arn:aws:dynamodb:eu-west-1:1:table/orders-20261001",
    );
    let key = "arn:aws:kms:eu-west-1:1:key/0b9f3c1e-5a1d-4f0e-9c55-1d2e3f4a5b6c";
    check(key, key);
    check("not an arn", "not an arn");
}

#[test]
fn ids_of_tasks_streams_and_executions_generalise() {
    check(
        "arn:aws:ecs:eu-west-1:1:task/prod/0123456789abcdef0123456789abcdef",
        "arn:aws:ecs:eu-west-1:1:task/prod/*",
    );
    check(
        "arn:aws:states:eu-west-1:1:execution:flow:0b9f3c1e-5a1d-4f0e-9c55-1d2e3f4a5b6c",
        "arn:aws:states:eu-west-1:1:execution:flow:*",
    );
    check(
        "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f:log-stream:2026/10/01/[$LATEST]0a1b2c",
        "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f:log-stream:*",
    );
}

#[test]
fn more_children_than_a_node_may_have_become_a_wildcard() {
    let arns = |children: usize| -> Vec<String> {
        (0..children)
            .map(|child| format!("arn:aws:s3:::b/{child:03}"))
            .collect()
    };
    let of = |arns: &[String]| shapes(arns.iter().map(String::as_str));
    let with = |mut arns: Vec<String>, more: &[&str]| {
        arns.extend(more.iter().map(|more| (*more).to_owned()));
        arns
    };
    // 32 names stay, beside the folder itself and what another bucket holds.
    let kept = with(arns(32), &["arn:aws:s3:::b/", "arn:aws:s3:::c", "arn:aws:s3:::c/x"]);
    let mut sorted = kept.clone();
    sorted.sort();
    assert_eq!(of(&kept), sorted);
    assert_eq!(
        of(&with(arns(33), &["arn:aws:s3:::c"])),
        ["arn:aws:s3:::b/*", "arn:aws:s3:::c"]
    );
    let starred = with(arns(32), &["arn:aws:s3:::b/*", "arn:aws:s3:::b/"]);
    assert_eq!(of(&starred), ["arn:aws:s3:::b/*"]);
}

#[test]
fn no_depth_is_too_deep() {
    let deep = format!("arn:aws:dynamodb:eu-west-1:1:table{}", "/a".repeat(100_000));
    let arns: Vec<String> = (0..40).map(|leaf| format!("{deep}/{leaf}")).collect();
    assert_eq!(shapes(arns.iter().map(String::as_str)), [format!("{deep}/*")]);
}

/// Ledgers merged in some way: parts, and parts of parts.
#[derive(Clone, Debug)]
enum Merge {
    Part(Vec<String>),
    Of(Vec<Merge>),
}

impl Merge {
    fn arns(&self) -> Vec<&str> {
        match self {
            Merge::Part(arns) => arns.iter().map(String::as_str).collect(),
            Merge::Of(parts) => parts.iter().flat_map(Merge::arns).collect(),
        }
    }

    fn shapes(&self) -> Vec<String> {
        match self {
            Merge::Part(arns) => shapes(arns.iter().map(String::as_str)),
            Merge::Of(parts) => {
                let parts: Vec<String> = parts.iter().flat_map(Merge::shapes).collect();
                shapes(parts.iter().map(String::as_str))
            }
        }
    }
}

/// Few names a level, so that nodes fill up and collapse at each of them.
fn arn() -> impl Strategy<Value = String> {
    let name = prop_oneof![9 => "[a-f][0-9]", 1 => Just(String::new()), 1 => Just("*".to_owned())];
    let separator = prop_oneof![Just("/"), Just(":")];
    (0..3_u8, vec((name, separator), 0..4)).prop_map(|(bucket, rest)| {
        let tail: String = rest
            .iter()
            .map(|(name, separator)| format!("{separator}{name}"))
            .collect();
        format!("arn:aws:s3:::{bucket}{tail}")
    })
}

fn merge() -> impl Strategy<Value = Merge> {
    let part = vec(arn(), 0..60).prop_map(Merge::Part);
    part.prop_recursive(4, 40, 4, |inner| vec(inner, 1..4).prop_map(Merge::Of))
}

proptest! {
    #[test]
    fn merging_in_any_way_gives_the_same(merge in merge(), reverse: bool) {
        let mut arns = merge.arns();
        if reverse {
            arns.reverse();
        }
        prop_assert_eq!(merge.shapes(), shapes(arns.iter().copied()));
    }

    #[test]
    fn every_arn_stays_covered(arns in vec(arn(), 0..200)) {
        let shapes = shapes(arns.iter().map(String::as_str));
        for arn in &arns {
            prop_assert!(shapes.iter().any(|shape| pattern::matches(shape, arn)), "{arn}");
        }
    }

    #[test]
    fn generalising_covers_and_happens_once(arn in arn()) {
        let shape = generalise(&arn);
        prop_assert!(pattern::matches(&shape, &arn));
        prop_assert_eq!(generalise(&shape), shape);
    }
}
