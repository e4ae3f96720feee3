//! Which conditions hold wherever others do: rows, and every proof against two evaluations of many requests.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{context_of, parse};
use crate::iam::Answer::{No, Yes};
use crate::iam::Version;
use crate::iam::condition::{Condition, implies};
use crate::iam::pattern::Effort;
use crate::iam::request::MissingKeys;

fn condition(operator: &str, values: &Value) -> Condition {
    parse(&json!({operator: {"k": values}}), "Condition", Version::V2012)
        .unwrap()
        .remove(0)
}

fn check(given: (&str, Value), then: (&str, Value), expected: bool) {
    let (one, two) = (condition(given.0, &given.1), condition(then.0, &then.1));
    assert_eq!(
        implies(&one, &two, &Effort::of(100_000)),
        expected,
        "{given:?} {then:?}"
    );
}

#[test]
fn what_a_text_equals_it_is_like() {
    check(
        ("StringEquals", json!("eu-west-1")),
        ("StringLike", json!("eu-*")),
        true,
    );
    check(
        ("StringEquals", json!("us-west-1")),
        ("StringLike", json!("eu-*")),
        false,
    );
    check(
        ("StringLike", json!("eu-*")),
        ("StringEquals", json!("eu-west-1")),
        false,
    );
    check(
        ("StringLike", json!("eu-west-1")),
        ("StringEquals", json!("eu-west-1")),
        true,
    );
    check(
        ("StringEquals", json!("A")),
        ("StringEqualsIgnoreCase", json!("a")),
        true,
    );
    check(
        ("StringEqualsIgnoreCase", json!("a")),
        ("StringEquals", json!("a")),
        false,
    );
    check(
        ("StringEquals", json!("${aws:username}")),
        ("StringLike", json!("*")),
        false,
    );
}

#[test]
fn what_a_text_equals_is_no_other() {
    check(("StringEquals", json!("b")), ("StringNotEquals", json!("a")), true);
    check(
        ("StringEquals", json!(["b", "c"])),
        ("StringNotEquals", json!(["a", "d"])),
        true,
    );
    check(
        ("StringEquals", json!(["b", "a"])),
        ("StringNotEquals", json!("a")),
        false,
    );
    check(
        ("StringEquals", json!("eu-west-1")),
        ("StringNotLike", json!("us-*")),
        true,
    );
    check(
        ("StringEquals", json!("us-west-1")),
        ("StringNotLike", json!("us-*")),
        false,
    );
    check(("StringNotEquals", json!("a")), ("StringEquals", json!("b")), false);
    check(("StringNotLike", json!("a*")), ("StringNotEquals", json!("ab")), true);
    check(("StringNotEquals", json!("ab")), ("StringNotLike", json!("a*")), false);
}

#[test]
fn smaller_bounds_imply_larger_ones() {
    check(
        ("NumericLessThan", json!("5")),
        ("NumericLessThanEquals", json!("5")),
        true,
    );
    check(
        ("NumericLessThanEquals", json!("5")),
        ("NumericLessThan", json!("5")),
        false,
    );
    check(
        ("NumericLessThanEquals", json!("5")),
        ("NumericLessThan", json!("5.5")),
        true,
    );
    check(
        ("NumericGreaterThan", json!("7")),
        ("NumericGreaterThan", json!("5")),
        true,
    );
    check(
        ("NumericGreaterThan", json!("5")),
        ("NumericGreaterThan", json!("7")),
        false,
    );
    check(("NumericEquals", json!("3")), ("NumericLessThan", json!("5")), true);
    check(("NumericLessThan", json!("3")), ("NumericNotEquals", json!("5")), true);
    check(("NumericLessThan", json!("9")), ("NumericNotEquals", json!("5")), false);
    check(
        ("DateLessThan", json!("2026-01-01T00:00:00Z")),
        ("DateLessThan", json!("2027-01-01T00:00:00Z")),
        true,
    );
    check(
        ("DateGreaterThan", json!("2026-01-01T00:00:00Z")),
        ("DateGreaterThan", json!("2027-01-01T00:00:00Z")),
        false,
    );
    // Beyond what fractions hold exactly nothing is claimed.
    check(
        ("NumericLessThan", json!("9007199254740993")),
        ("NumericLessThan", json!("9007199254740993.5")),
        false,
    );
}

#[test]
fn networks_in_networks_and_apart() {
    check(
        ("IpAddress", json!("10.1.0.0/16")),
        ("IpAddress", json!("10.0.0.0/8")),
        true,
    );
    check(
        ("IpAddress", json!("10.0.0.0/8")),
        ("IpAddress", json!("10.1.0.0/16")),
        false,
    );
    check(
        ("IpAddress", json!("10.1.0.0/16")),
        ("NotIpAddress", json!("192.168.0.0/16")),
        true,
    );
    check(
        ("IpAddress", json!("10.1.0.0/16")),
        ("NotIpAddress", json!("10.0.0.0/8")),
        false,
    );
}

#[test]
fn the_strict_form_implies_the_one_that_holds_without_the_key() {
    check(
        ("StringEquals", json!("a")),
        ("StringEqualsIfExists", json!(["a", "b"])),
        true,
    );
    check(
        ("StringEqualsIfExists", json!("a")),
        ("StringEquals", json!("a")),
        false,
    );
    check(
        ("StringEqualsIfExists", json!("b")),
        ("StringNotEquals", json!("a")),
        true,
    );
    check(
        ("ForAnyValue:StringEquals", json!("a")),
        ("ForAllValues:StringEquals", json!("a")),
        false,
    );
}

const OPERATORS: [&str; 17] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "IpAddress",
    "NotIpAddress",
    "Bool",
    "DateLessThan",
    "DateGreaterThanEquals",
];
const VALUES: [&str; 22] = [
    "a",
    "A",
    "b",
    "ab",
    "a*",
    "*",
    "?",
    "a?b",
    "",
    "1",
    "2",
    "2.5",
    "-3",
    "1e1",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "true",
    "false",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "2027-06-01T12:00:00+02:00",
];

/// One value of a request under one condition, as the guide puts it; by other means than the engine. `None` where the value
/// is none of the operator's kind.
fn meets(condition: &Condition, value: &str) -> Option<bool> {
    let name = &condition.operator_text;
    let plain = name.trim_end_matches("IfExists");
    let any = |test: &dyn Fn(&str) -> Option<bool>| -> Option<bool> {
        let all: Option<Vec<bool>> = condition.values.iter().map(|own| test(own)).collect();
        all.map(|all| all.contains(&true))
    };
    let negated = |answer: Option<bool>, not: bool| answer.map(|answer| answer != not);
    let like = |own: &str| -> Option<bool> {
        let expression = regex::escape(own).replace(r"\*", "(?s:.*)").replace(r"\?", "(?s:.)");
        Some(regex::Regex::new(&format!("^{expression}$")).unwrap().is_match(value))
    };
    let number = |own: &str| value.parse::<f64>().ok()?.partial_cmp(&own.parse::<f64>().ok()?);
    let date = |text: &str| -> Option<i64> {
        let text = if text.len() == 10 {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        Some(text.parse::<jiff::Timestamp>().ok()?.as_second())
    };
    let network = |own: &str| -> Option<bool> {
        let address: std::net::Ipv4Addr = value.parse().ok()?;
        let (base, bits) = own.split_once('/').unwrap_or((own, "32"));
        let (base, bits): (std::net::Ipv4Addr, u32) = (base.parse().ok()?, bits.parse().ok()?);
        let cut = |address: std::net::Ipv4Addr| u64::from(address.to_bits()) >> (32 - bits);
        Some(cut(base) == cut(address))
    };
    match plain {
        "StringEquals" | "StringNotEquals" => negated(any(&|own| Some(own == value)), plain == "StringNotEquals"),
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => negated(
            any(&|own| Some(own.eq_ignore_ascii_case(value))),
            plain == "StringNotEqualsIgnoreCase",
        ),
        "StringLike" | "StringNotLike" => negated(any(&like), plain == "StringNotLike"),
        "NumericEquals" | "NumericNotEquals" => {
            negated(any(&|own| Some(number(own)?.is_eq())), plain == "NumericNotEquals")
        }
        "NumericLessThan" => any(&|own| Some(number(own)?.is_lt())),
        "NumericLessThanEquals" => any(&|own| Some(number(own)?.is_le())),
        "NumericGreaterThan" => any(&|own| Some(number(own)?.is_gt())),
        "NumericGreaterThanEquals" => any(&|own| Some(number(own)?.is_ge())),
        "DateLessThan" => any(&|own| Some(date(value)? < date(own)?)),
        "DateGreaterThanEquals" => any(&|own| Some(date(value)? >= date(own)?)),
        "IpAddress" | "NotIpAddress" => negated(any(&network), plain == "NotIpAddress"),
        _ => any(&|own| Some(own == value)),
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    (
        prop::sample::select(&OPERATORS[..]),
        any::<bool>(),
        prop::collection::vec(prop::sample::select(&VALUES[..]), 1..3),
    )
        .prop_map(|(operator, if_exists, values)| {
            let operator = if if_exists {
                format!("{operator}IfExists")
            } else {
                operator.to_owned()
            };
            condition(&operator, &json!(values))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_proved_fails_in_a_request(given in any_condition(), then in any_condition()) {
        if !implies(&given, &then, &Effort::of(100_000)) {
            return Ok(());
        }
        let answer = |condition: &Condition, context: &Value| {
            condition.holds(&context_of(context), &mut MissingKeys::new())
        };
        let absent = json!({});
        prop_assert!(answer(&given, &absent) != Yes || answer(&then, &absent) == Yes, "without the key");
        for value in VALUES {
            let context = json!({"k": value});
            prop_assert!(
                answer(&given, &context) != Yes || answer(&then, &context) == Yes,
                "{:?} holds for {value}, {:?} does not", given, then
            );
            prop_assert!(answer(&given, &context) != Yes || answer(&then, &context) != No);
            if let (Some(one), Some(two)) = (meets(&given, value), meets(&then, value)) {
                prop_assert!(!one || two, "{value}: {given:?} {then:?}");
            }
        }
    }
}
