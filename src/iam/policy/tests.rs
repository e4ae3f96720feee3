//! Documents in, documents out: what parses, what is refused, and that printing loses nothing.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn check_error(text: &str, expected: &str) {
    assert_eq!(Policy::parse(text).unwrap_err().to_string(), expected, "{text}");
}

fn check_statement_error(statement: Value, expected: &str) {
    let document = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, statement]});
    assert_eq!(
        Policy::from_value(&document).unwrap_err().to_string(),
        expected,
        "{statement}"
    );
}

#[test]
fn a_statement_may_be_an_object_or_an_array() {
    let object = Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#).unwrap();
    let array = Policy::parse(r#"{"Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["*"]}]}"#).unwrap();
    assert_eq!(object.statements[0].action, array.statements[0].action);
    assert_eq!(object.statements[0].resource, array.statements[0].resource);
}

#[test]
fn a_missing_version_means_2008() {
    let version = |text: &str| Policy::parse(text).unwrap().version;
    assert_eq!(version(r#"{"Statement":[]}"#), Version::V2008);
    assert_eq!(version(r#"{"Version":"2008-10-17","Statement":[]}"#), Version::V2008);
    assert_eq!(version(r#"{"Version":"2012-10-17","Statement":[]}"#), Version::V2012);
}

#[test]
fn damaged_json_names_line_and_column() {
    check_error(
        "{\n  \"Statement\": [}",
        "line 2 column 17: not valid JSON: expected value",
    );
    check_error(
        "{\"Statement\": [],\n \"Statement\": []}",
        "line 2 column 12: not valid JSON: key `Statement` stands twice in one object",
    );
    check_error(
        "{\"Statement\": []} x",
        "line 1 column 19: not valid JSON: trailing characters",
    );
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let text = format!("{{\"Statement\": {}", "[".repeat(1_000_000));
    assert!(
        Policy::parse(&text)
            .unwrap_err()
            .to_string()
            .contains("recursion limit exceeded")
    );
}

#[test]
fn what_is_unknown_is_refused_by_name() {
    check_error("[]", "line 1 column 1: policy: must be an object, not an array");
    check_error("{}", "line 1 column 1: Statement: is missing");
    check_error(
        r#"{"Statement":[],"Statment":[]}"#,
        "line 1 column 17: Statment: unknown element",
    );
    check_error(
        r#"{"Version":"2012-10-18","Statement":[]}"#,
        "line 1 column 2: Version: unknown version `2012-10-18`",
    );
    check_error(
        r#"{"Version":2012,"Statement":[]}"#,
        "line 1 column 2: Version: must be a string, not a number",
    );
    check_statement_error(json!([]), "Statement[1]: must be an object, not an array");
    check_statement_error(
        json!({"Action": "*", "Resource": "*"}),
        "Statement[1].Effect: is missing",
    );
    check_statement_error(
        json!({"Effect": "allow", "Action": "*", "Resource": "*"}),
        "Statement[1].Effect: must be Allow or Deny, not `allow`",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Resource": "*"}),
        "Statement[1]: has neither Action nor NotAction",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}),
        "Statement[1]: has both Action and NotAction",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": ["s3:*", 7], "Resource": "*"}),
        "Statement[1].Action[1]: must be a string, not a number",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": [], "Resource": "*"}),
        "Statement[1].Action: is empty",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": "*", "Resource": {"Fn::Sub": "x"}}),
        "Statement[1].Resource: must be a string or an array of strings, not an object",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Conditions": {}}),
        "Statement[1].Conditions: unknown element",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEqual": {"a": "b"}}}),
        "Statement[1].Condition.StringEqual: unknown operator",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a": null}}}),
        "Statement[1].Condition.StringEquals.a: must be a string, number or boolean, not null",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": "*", "Principal": {"Aws": "*"}}),
        "Statement[1].Principal: unknown kind of principal `Aws`",
    );
    check_statement_error(
        json!({"Effect": "Allow", "Action": "*", "Principal": "111122223333"}),
        "Statement[1].Principal: must be \"*\" or an object, not a string",
    );
    check_statement_error(
        json!({"Sid": 1, "Effect": "Allow", "Action": "*"}),
        "Statement[1].Sid: must be a string, not a number",
    );
}

#[test]
fn an_error_points_at_the_line_and_column_of_its_element() {
    check_error(
        "{\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"*\"},\n    {\"Effect\": \"Allow\", \"Conditions\": {}}]}",
        "line 4 column 25: Statement[1].Conditions: unknown element",
    );
    check_error(
        "{\"Statement\":\n {\"Effect\": \"Allow\", \"Action\": [\"é:x\", 7]}}",
        "line 2 column 40: Statement[0].Action[1]: must be a string, not a number",
    );
    check_error(
        "{\"Statement\":\n {\"Effect\": \"Allow\", \"Action\": \"*\",\n\t\"Condition\": {\"StringEqual\": {\"a\": [\"\\\"}\"]}}}}",
        "line 3 column 16: Statement[0].Condition.StringEqual: unknown operator",
    );
    check_error(
        "{\"Id\": {\"Statement\": [{}]},\n\"Statement\": [1,\n2]}",
        "line 2 column 15: Statement[0]: must be an object, not a number",
    );
    // What is missing is looked for in what lacks it.
    check_error(
        "{\"Statement\": [\n\n  {\"Action\": \"*\"}]}",
        "line 3 column 3: Statement[0].Effect: is missing",
    );
}

fn check_wrapped(text: &str, actions: usize) {
    let policy = Policy::parse_wrapped(text).unwrap();
    assert_eq!(policy.statements.len(), actions, "{text}");
}

#[test]
fn a_policy_is_found_in_what_the_cli_prints_around_it() {
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let text = serde_json::to_string(policy).unwrap();
    let encoded = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22a+b%22%7D%7D";
    for wrapped in [
        policy.to_owned(),
        format!("\u{feff}{policy}\n"),
        format!(r#"{{"PolicyVersion":{{"Document":{policy},"VersionId":"v3","IsDefaultVersion":true}}}}"#),
        format!(r#"{{"PolicyVersion":{{"Document":"{encoded}"}}}}"#),
        format!(r#"{{"RoleName":"r","PolicyName":"p","PolicyDocument":{policy}}}"#),
        format!(r#"{{"Role":{{"RoleName":"r","AssumeRolePolicyDocument":{policy}}}}}"#),
        format!(r#"{{"Policy":{text}}}"#),
        format!(r#"{{"Policy":{{"PolicySummary":{{"Id":"p-1"}},"Content":{text}}}}}"#),
        format!(r#"{{"Attributes":{{"Policy":{text}}}}}"#),
        text.clone(),
        format!("{encoded}\n"),
    ] {
        check_wrapped(&wrapped, 1);
    }
    let plus = Policy::parse_wrapped(encoded).unwrap();
    assert_eq!(resource_of(&plus.statements[0]), ["a+b"]);
}

fn resource_of(statement: &Statement) -> Vec<&str> {
    match &statement.resource {
        ResourcePart::Resource(resources) | ResourcePart::NotResource(resources) => {
            resources.iter().map(Resource::text).collect()
        }
        ResourcePart::None => Vec::new(),
    }
}

#[test]
fn an_error_in_a_wrapped_policy_points_into_the_file() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Policy::parse_wrapped(text).unwrap_err().to_string(), expected, "{text}");
    };
    check(
        "{\"PolicyVersion\": {\n \"Document\": {\"Statement\": {\"Effect\": \"Grant\"}}}}",
        "line 2 column 29: PolicyVersion.Document.Statement[0].Effect: must be Allow or Deny, not `Grant`",
    );
    check(
        "{\n\"Policy\": \"{}\"}",
        "line 2 column 1: Policy: line 1 column 1 of the text in it: Statement: is missing",
    );
    // What describes a policy does not hold it.
    check(
        r#"{"Policy": {"PolicyName": "p", "DefaultVersionId": "v1"}}"#,
        "line 1 column 2: Policy: unknown element",
    );
    check("%7B", "line 1 column 1: not valid JSON: EOF while parsing an object");
    check("%FF", "policy: is in URL encoding, but not of UTF-8 text");
}

#[test]
fn principals_of_every_kind() {
    let document = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {
        "AWS": ["111122223333", "*"], "Service": "ec2.amazonaws.com", "Federated": "accounts.google.com", "CanonicalUser": "79a5"}}});
    let policy = Policy::from_value(&document).unwrap();
    let expected = [
        Principal::Aws("111122223333".into()),
        Principal::Everyone,
        Principal::Service("ec2.amazonaws.com".into()),
        Principal::Federated("accounts.google.com".into()),
        Principal::CanonicalUser("79a5".into()),
    ];
    assert_eq!(
        policy.statements[0].principal,
        PrincipalPart::Principal(expected.into())
    );
}

#[test]
fn what_was_not_changed_prints_as_it_was_written() {
    let text = concat!(
        r#"{"Statement":[{"Resource":["*"],"Action":["S3:getObject"],"Effect":"Allow"},"#,
        r#"{"Sid":"d","Effect":"Deny","NotAction":"s3:*","Resource":"*","Condition":{"bool":{"aws:SecureTransport":false}}}],"#,
        r#""Version":"2012-10-17"}"#,
    );
    let mut policy = Policy::parse(text).unwrap();
    assert_eq!(policy.to_string(), text);
    policy.statements[0].action = ActionPart::Action(vec![
        ActionPattern::new("s3:GetObject"),
        ActionPattern::new("s3:PutObject"),
    ]);
    assert_eq!(
        policy.to_string(),
        text.replace(r#"["S3:getObject"]"#, r#"["s3:GetObject","s3:PutObject"]"#)
    );
    policy.statements.remove(0);
    assert_eq!(
        policy.to_string(),
        r#"{"Statement":[{"Sid":"d","Effect":"Deny","NotAction":"s3:*","Resource":"*","Condition":{"bool":{"aws:SecureTransport":false}}}],"Version":"2012-10-17"}"#
    );
}

#[test]
fn each_changed_part_prints_in_its_place() {
    let mut statement = Policy::parse(r#"{"Version":"2012-10-17","Statement":{"Sid":"a","Effect":"Deny","NotAction":"s3:*","NotResource":"*","Condition":{"Bool":{"k":"true"}}}}"#)
        .unwrap()
        .statements
        .remove(0);
    let other = Policy::parse(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":["a:b","a:c"],"Resource":["x","y"],"Condition":{"StringLike":{"k":["a","b"]}}}}"#)
        .unwrap()
        .statements
        .remove(0);
    statement.sid = None;
    statement.effect = other.effect;
    statement.principal = other.principal.clone();
    statement.action = other.action.clone();
    statement.resource = other.resource.clone();
    statement.conditions = other.conditions.clone();
    let printed = Statement::from_value(&statement.to_value(), 0, Version::V2012).unwrap();
    assert_eq!(
        (
            printed.sid,
            printed.effect,
            printed.principal,
            printed.action,
            printed.resource,
            printed.conditions
        ),
        (
            None,
            other.effect,
            other.principal,
            other.action,
            other.resource,
            other.conditions
        )
    );
}

fn one_or_many(texts: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        texts.prop_map(Value::from),
        prop::collection::vec(texts, 1..4).prop_map(Value::from)
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(vec![
        "StringEquals",
        "ForAnyValue:stringLike",
        "NumericLessThanIfExists",
        "Null",
        "Bool",
    ]);
    let scalar = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z${}:]{0,6}".prop_map(Value::from)
    ];
    let keys = prop::collection::btree_map(
        "[a-zA-Z]{1,4}",
        prop_oneof![
            scalar.clone(),
            prop::collection::vec(scalar, 0..3).prop_map(Value::from)
        ],
        0..3,
    );
    let conditions = prop::collection::btree_map(operator, keys, 0..3);
    let principal = prop_oneof![
        Just(json!("*")),
        one_or_many("[a-z*]{1,4}").prop_map(|texts| json!({"AWS": texts, "Service": "s"}))
    ];
    (
        any::<[bool; 4]>(),
        prop::option::of("[A-Za-z0-9]{0,5}"),
        one_or_many("[a-zA-Z*?:]{1,6}"),
        prop::option::of(one_or_many("[a-z*?:${}]{1,8}")),
        prop::option::of(principal),
        prop::option::of(conditions),
    )
        .prop_map(
            |([allow, action, resource, named], sid, actions, resources, principal, conditions)| {
                let mut out = Map::new();
                if let Some(sid) = sid {
                    out.insert("Sid".into(), sid.into());
                }
                out.insert(if action { "Action" } else { "NotAction" }.into(), actions);
                out.insert("Effect".into(), if allow { "Allow" } else { "Deny" }.into());
                if let Some(resources) = resources {
                    out.insert(if resource { "Resource" } else { "NotResource" }.into(), resources);
                }
                if let Some(principal) = principal {
                    out.insert(if named { "Principal" } else { "NotPrincipal" }.into(), principal);
                }
                if let Some(conditions) = conditions {
                    out.insert("Condition".into(), json!(conditions));
                }
                Value::Object(out)
            },
        )
}

proptest! {
    #[test]
    fn parsing_what_was_printed_gives_the_same_policy(
        statements in prop::collection::vec(statement(), 0..4), dated in any::<bool>(), single in any::<bool>(),
    ) {
        let mut document = json!({"Id": "x"});
        if dated {
            document["Version"] = json!("2012-10-17");
        }
        document["Statement"] = match statements.as_slice() {
            [one] if single => one.clone(),
            many => Value::from(many.to_vec()),
        };
        let policy = Policy::from_value(&document).unwrap();
        prop_assert_eq!(policy.to_value(), document);
        prop_assert_eq!(Policy::parse(&policy.to_string()).unwrap(), policy);
    }

    #[test]
    fn no_text_makes_parsing_panic(text in r#"[\[\]{}",:a-zA-Z0-9]{0,40}"#) {
        let _ = Policy::parse(&text);
    }
}
