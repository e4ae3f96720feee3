//! The contract: malformed cases are answered, never guessed at.

use super::*;
use serde_json::json;

fn check(case: Value, expected: &str) {
    let line = decide(&case);
    assert_eq!(line["decision"], "unknown", "{case}");
    assert_eq!(line["error"], expected, "{case}");
}

fn with(field: &str, value: Value) -> Value {
    let mut case = json!({"request": {"principal": "p", "action": "s3:GetObject", "resource": "*", "context": {}}});
    case[field] = value;
    case
}

#[test]
fn a_malformed_case_says_what_is_wrong() {
    check(json!(7), "case: must be an object");
    check(json!({}), "request: is missing");
    check(json!({"request": {}}), "request.action: is missing");
    check(
        with("identity_policy", json!([])),
        "case: unknown field `identity_policy`",
    );
    check(
        with("identity_policies", json!({})),
        "identity_policies: must be an array",
    );
    check(
        with("identity_policies", json!([{"Statement": 7}])),
        "identity_policies[0]: Statement[0]: must be an object, not a number",
    );
    check(
        with(
            "service_control_policies",
            json!([[{"Statement": {"Effect": "Grant", "Action": "*", "Resource": "*"}}]]),
        ),
        "service_control_policies[0][0]: Statement[0].Effect: must be Allow or Deny, not `Grant`",
    );
    check(
        with(
            "resource_policy",
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}),
        ),
        "resource_policy.Statement[0]: has neither Principal nor NotPrincipal",
    );
    check(
        with(
            "identity_policies",
            json!([{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}]),
        ),
        "identity_policies[0].Statement[0]: names a principal, which only resource policies do",
    );
    check(
        with(
            "session_policies",
            json!([{"Statement": {"Effect": "Allow", "Action": "*"}}]),
        ),
        "session_policies[0].Statement[0]: has neither Resource nor NotResource",
    );
    let mut action = with("name", json!("n"));
    action["request"]["action"] = json!("GetObject");
    check(action.clone(), "request.action: `GetObject` is no `service:Action`");
    assert_eq!(decide(&action)["name"], "n");
    let mut context = with("name", json!("n"));
    context["request"]["context"] = json!({"k": {"a": 1}});
    check(
        context,
        "request.context.k: must be a string, number or boolean, or an array of them",
    );
}

#[test]
fn a_policy_may_come_as_its_text() {
    let mut case = with(
        "identity_policies",
        json!([r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#]),
    );
    case["request"]["principal"] = json!("arn:aws:iam::111122223333:user/ana");
    assert_eq!(decide(&case)["decision"], "allowed");
}

#[test]
fn scalars_in_the_context_count_as_text() {
    let condition = json!({"Bool": {"a": "true"}, "NumericEquals": {"b": "5"}, "StringEquals": {"c": "x"}});
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}});
    let mut case = with("identity_policies", json!([policy]));
    case["request"]["principal"] = json!("arn:aws:iam::111122223333:user/ana");
    case["request"]["context"] = json!({"a": true, "b": 5, "c": ["x"]});
    assert_eq!(decide(&case)["decision"], "allowed");
}
