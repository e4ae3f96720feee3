//! Findings about chains of roles: each where it should be, and its neighbours where it should not.

use super::*;

/// A role: its name, whom it trusts, statements of what it may do.
fn role(name: &str, principal: &Value, statements: &Value) -> Value {
    json!({"Arn": arn(name), "RoleName": name, "RoleId": format!("AROA{name}"), "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust(&json!({"Principal": principal, "Action": "sts:AssumeRole"})),
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
        "AttachedManagedPolicies": []})
}

fn arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn may(action: &str, resource: &str) -> Value {
    json!([{"Effect": "Allow", "Action": action, "Resource": resource}])
}

fn takes(name: &str) -> Value {
    may("sts:AssumeRole", &arn(name))
}

fn by(name: &str) -> Value {
    json!({"AWS": arn(name)})
}

/// Ids and whose, of findings about chains alone.
fn chains(roles: &[Value], events: &[Value]) -> Vec<String> {
    let events = used(events);
    let told = told(&events, &json!({"RoleDetailList": roles}), None, &Options::default());
    let ids = ["administrator-through-roles", "pass-through-role", "role-cycle"];
    let told = told.into_iter().filter(|told| ids.contains(&told.finding.id));
    told.map(|told| format!("{:?} {}", told.finding.severity, told.finding.title))
        .collect()
}

fn service() -> Value {
    json!({"Service": "ec2.amazonaws.com"})
}

#[test]
fn administrator_is_told_over_two_roles_and_not_over_one_or_behind_a_denial() {
    let boss = role("boss", &by("hop"), &may("*", "*"));
    let hop = json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sqs:SendMessage"], "Resource": "*"}]);
    let start = role("start", &service(), &may("sqs:SendMessage", "*"));
    let told = ["High role start may become administrator by way of 2 roles"];
    assert_eq!(
        chains(&[boss.clone(), role("hop", &by("start"), &hop), start.clone()], &[]),
        told
    );
    // The one that takes the boss itself is told by `escalation`.
    assert_eq!(
        chains(&[boss.clone(), role("hop", &service(), &hop), start.clone()], &[]),
        [""; 0]
    );
    let mut guarded = role("hop", &by("start"), &hop);
    guarded["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = json!({"StringEquals": {"sts:ExternalId": "x"}});
    let told = ["Medium role start might become administrator by way of 2 roles"];
    assert_eq!(chains(&[boss.clone(), guarded, start.clone()], &[]), told);
    let mut denied = role("hop", &by("start"), &hop);
    let statements = denied["AssumeRolePolicyDocument"]["Statement"]
        .as_array_mut()
        .expect("statements");
    statements.push(json!({"Effect": "Deny", "Principal": {"AWS": arn("start")}, "Action": "sts:AssumeRole"}));
    assert_eq!(chains(&[boss, denied, start], &[]), [""; 0]);
}

#[test]
fn a_role_passes_through_where_it_is_granted_nothing_else_or_did_nothing_else() {
    let next = role("next", &by("app"), &may("sqs:SendMessage", "*"));
    let told = ["Low role app only leads to other roles"];
    assert_eq!(
        chains(&[role("app", &service(), &takes("next")), next.clone()], &[]),
        told
    );
    let more = json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sqs:SendMessage"], "Resource": "*"}]);
    assert_eq!(
        chains(&[role("corridor", &service(), &more), next.clone()], &[]),
        [""; 0]
    );
    // `app` describes VPCs in these events, so that it does something itself where it may.
    let works = json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "ec2:DescribeVpcs"], "Resource": "*"}]);
    assert_eq!(chains(&[role("app", &service(), &works), next], &[]), [""; 0]);
}

#[test]
fn roles_in_a_circle_are_told_once_and_a_line_is_not() {
    let does = |name: &str| {
        json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn(name)},
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}])
    };
    let circle = [
        role("a", &by("c"), &does("b")),
        role("b", &by("a"), &does("c")),
        role("c", &by("b"), &does("a")),
    ];
    assert_eq!(
        chains(&circle, &[]),
        ["Medium 3 roles take each other in a circle, a among them"]
    );
    let line = [
        role("a", &service(), &does("b")),
        role("b", &by("a"), &does("c")),
        role("c", &by("b"), &does("x")),
    ];
    assert_eq!(chains(&line, &[]), [""; 0]);
}
