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
        "identity_policies[0].Statement[0]: must be an object, not a number",
    );
    check(
        with(
            "service_control_policies",
            json!([[{"Statement": {"Effect": "Grant", "Action": "*", "Resource": "*"}}]]),
        ),
        "service_control_policies[0][0].Statement[0].Effect: must be Allow or Deny, not `Grant`",
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

fn check_lines(text: &str, expected: &[&str]) {
    let found: Vec<String> = lines(text)
        .into_iter()
        .map(|line| match line {
            Ok(line) => line.error.unwrap_or_else(|| line.decision.to_owned()),
            Err(torn) => format!("torn: {torn}"),
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

const ALLOWED: &str = concat!(
    r#"{"request":{"principal":"arn:aws:iam::111122223333:user/a","action":"s3:Get","resource":"*"},"#,
    r#""identity_policies":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}]}"#
);

#[test]
fn a_malformed_case_points_at_its_line_and_the_run_goes_on() {
    check_lines(ALLOWED, &["allowed"]);
    check_lines(&format!("[{ALLOWED},\n{ALLOWED}]"), &["allowed", "allowed"]);
    check_lines(&format!("{ALLOWED}\n{ALLOWED}\n\n"), &["allowed", "allowed"]);
    check_lines("", &[]);
    check_lines("[]\n[ ]", &[]);
    check_lines(
        &format!("[{ALLOWED},\n {{\"request\": 7}}, {ALLOWED}]"),
        &["allowed", "line 2 column 3: request: must be an object", "allowed"],
    );
    let twice =
        r#"{"request":{"principal":"p","action":"a:b","resource":"*"},"resource_policy":null,"resource_policy":null}"#;
    check_lines(
        &format!("{twice}\n{ALLOWED}"),
        &[
            "line 1 column 99: not valid JSON: key `resource_policy` stands twice in one object",
            "allowed",
        ],
    );
    let operator = ALLOWED.replace(
        r#""Resource":"*"}"#,
        "\n\"Resource\":\"*\",\"Condition\":{\"Like\":{}}}",
    );
    check_lines(
        &format!("{ALLOWED}\n{operator}\n{ALLOWED}"),
        &[
            "allowed",
            "line 3 column 29: identity_policies[0].Statement[0].Condition.Like: unknown operator",
            "allowed",
        ],
    );
}

#[test]
fn a_torn_line_is_one_malformed_case_and_a_torn_array_ends_the_run() {
    check_lines(
        &format!("{ALLOWED}\n{{\"request\": [}}\n{ALLOWED}"),
        &["allowed", "line 2 column 14: not valid JSON: expected value", "allowed"],
    );
    check_lines(
        &format!("[{ALLOWED},\n{{\"request\":"),
        &[
            "allowed",
            "torn: line 2 column 11: not valid JSON: EOF while parsing a value",
        ],
    );
    check_lines("nonsense", &["torn: line 1 column 2: not valid JSON: expected ident"]);
}

#[test]
fn resource_control_policies_concern_everybody_and_may_say_so() {
    let with_principal = |principal: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        if !principal.is_null() {
            statement["Principal"] = principal;
        }
        let mut case = with("resource_control_policies", json!([[{"Statement": statement}]]));
        case["request"]["principal"] = json!("arn:aws:iam::111122223333:user/ana");
        case["identity_policies"] = json!([{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]);
        case
    };
    assert_eq!(decide(&with_principal(json!("*")))["decision"], "allowed");
    assert_eq!(decide(&with_principal(Value::Null))["decision"], "allowed");
    check(
        with_principal(json!({"AWS": "111122223333"})),
        "resource_control_policies[0][0].Statement[0]: names a principal other than \"*\", which no resource control policy may",
    );
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let deep = "[".repeat(1_000_000);
    check_lines(
        &format!("{{\"request\": {deep}\n{ALLOWED}"),
        &[
            &format!(
                "line 2 column {}: not valid JSON: EOF while parsing a list",
                ALLOWED.len()
            ),
            "allowed",
        ],
    );
}
