//! The payload tree: against `serde_json`'s, and the points where it is more lenient.

use proptest::prelude::*;

use super::{Value, members, parse};

/// The same tree in `serde_json`'s terms; of members with one name the last.
fn theirs(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(text) => serde_json::from_str(text).unwrap(),
        Value::String(text) => text.as_ref().into(),
        Value::Array(elements) => elements.iter().map(theirs).collect::<Vec<_>>().into(),
        Value::Object(members) => serde_json::Value::Object(
            members
                .iter()
                .map(|(key, value)| (key.to_string(), theirs(value)))
                .collect(),
        ),
    }
}

fn check(text: &str) {
    assert_eq!(
        parse(text).as_ref().map(theirs),
        serde_json::from_str(text).ok(),
        "{text}"
    );
}

#[test]
fn agrees_with_serde_json() {
    check(r#"{"a":1,"b":[true,null,"x\u0041\n"],"c":{"d":{}},"a":-2.5}"#);
    check(" [ ] ");
    check("\"text\"");
    check("12");
    check("{\"a\":}");
    check("{\"a\":1} x");
    check("");
}

#[test]
fn lenient_where_serde_json_refuses() {
    assert_eq!(parse("1e400"), Some(Value::Number("1e400")));
    assert_eq!(parse(r#""\ud800""#), Some(Value::String("\u{fffd}".into())));
}

#[test]
fn depth_is_bounded() {
    assert!(parse(&("[".repeat(120) + &"]".repeat(120))).is_some());
    assert!(parse(&("[".repeat(121) + &"]".repeat(121))).is_none());
    assert!(parse(&"{\"a\":".repeat(100_000)).is_none());
}

#[test]
fn get_ignores_the_case_of_the_first_letter_only() {
    let tree = parse(r#"{"BucketName":"a","x":1,"x":2,"":0}"#).unwrap();
    assert_eq!(tree.get("bucketName").and_then(Value::as_str), Some("a"));
    assert_eq!(tree.get("bucketname"), None);
    assert_eq!(tree.get("X"), Some(&Value::Number("2")));
    assert_eq!(tree.get(""), Some(&Value::Number("0")));
    assert_eq!(Value::Null.get("x"), None);
}

#[test]
fn names_without_the_tree() {
    let names = |text| members(text).map(|(name, _)| name.into_owned()).collect::<Vec<_>>();
    assert_eq!(
        names(r#" {"a":{"b":1},"c\u0064":[{"e":2}], "f" : "}" }"#),
        ["a", "cd", "f"]
    );
    assert_eq!(names("{}"), [""; 0]);
    assert_eq!(names("[1]"), [""; 0]);
    assert_eq!(names(r#"{"a":1,"b":"#), ["a"]);
    let pairs = members(r#"{"a": [1, 2] ,"b":"x"}"#)
        .map(|(_, raw)| raw)
        .collect::<Vec<_>>();
    assert_eq!(pairs, ["[1, 2]", "\"x\""]);
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 48, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec(("\\PC{0,6}", inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_serde_json_writes(tree in tree(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) }.unwrap();
        prop_assert_eq!(parse(&text).as_ref().map(theirs), Some(tree.clone()));
        let names: Vec<String> = members(&text).map(|(name, _)| name.into_owned()).collect();
        let expected: Vec<String> = tree.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        prop_assert_eq!(names, expected);
    }
}
