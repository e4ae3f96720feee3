//! Grants of which a part cannot be read: whoever holds that part is held with the reason, and nobody is passed over.

use serde_json::{Value, json};

use super::evidence::{Folder, background, lines, trimtrail};

const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const USER: &str = "arn:aws:iam::111122223333:user/ann";

fn allow(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

fn role() -> Value {
    json!({"Path": "/", "RoleName": "app", "RoleId": "AROAAPP", "Arn": ROLE, "CreateDate": "2020-01-01T00:00:00Z",
        "AttachedManagedPolicies": [],
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": allow(&["sns:CreateTopic", "sqs:DeleteQueue"])}]})
}

/// Why the suggestions that these grants lead to are held; an empty text for each that is not.
fn holds(grants: &Value) -> Vec<String> {
    let folder = Folder::new();
    let logs = folder.write("logs.ndjson", &lines(&background()));
    let grants = folder.write("grants.json", &grants.to_string());
    let output = trimtrail(&[
        "analyze",
        "--logs",
        &logs,
        "--grants",
        &grants,
        "--format",
        "json",
        "--min-window",
        "0d",
        "--grace",
        "0d",
    ]);
    let result: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let suggestions = result["suggestions"].as_array().expect("a list").iter();
    suggestions
        .map(|suggestion| suggestion["held"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn account(role: &Value) -> Value {
    json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": [role]})
}

#[track_caller]
fn check_held(grants: &Value, why: &str) {
    let holds = holds(grants);
    assert!(!holds.is_empty(), "nothing is passed over: {why}");
    for held in holds {
        assert!(held.contains(why), "{held:?} lacks {why:?}");
    }
}

#[test]
fn what_can_be_read_whole_is_ready() {
    assert_eq!(holds(&account(&role())), [""]);
}

#[test]
fn an_attached_policy_without_a_document_holds_its_role() {
    let mut role = role();
    role["AttachedManagedPolicies"] =
        json!([{"PolicyName": "gone", "PolicyArn": "arn:aws:iam::111122223333:policy/gone"}]);
    check_held(
        &account(&role),
        "attached policy arn:aws:iam::111122223333:policy/gone has no document",
    );
}

#[test]
fn an_inline_policy_that_is_no_policy_holds_the_others() {
    for document in [
        json!("not a policy"),
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps"}]}),
    ] {
        let mut role = role();
        let other = json!({"PolicyName": "odd", "PolicyDocument": document});
        role["RolePolicyList"].as_array_mut().expect("a list").push(other);
        check_held(&account(&role), "its policy odd cannot be understood");
    }
}

#[test]
fn a_managed_policy_that_is_no_policy_holds_the_others() {
    let arn = "arn:aws:iam::111122223333:policy/odd";
    let mut role = role();
    role["AttachedManagedPolicies"] = json!([{"PolicyName": "odd", "PolicyArn": arn}]);
    let mut grants = account(&role);
    grants["Policies"] = json!([{"Arn": arn, "PolicyName": "odd", "AttachmentCount": 1, "DefaultVersionId": "v1",
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": "%7Bnot"}]}]);
    check_held(&grants, "its policy odd cannot be understood");
}

#[test]
fn a_trust_policy_that_is_no_policy_holds_the_role() {
    let mut role = role();
    role["AssumeRolePolicyDocument"] = json!("%7B%22Version");
    check_held(&account(&role), "its trust policy cannot be understood");
}

/// A user in a group, beside a policy of its own.
fn in_a_group(groups: &[Value], named: &[&str]) -> Value {
    let user = json!({"Path": "/", "UserName": "ann", "UserId": "AIDAANN", "Arn": USER, "CreateDate": "2020-01-01T00:00:00Z",
        "GroupList": named, "AttachedManagedPolicies": [],
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": allow(&["sns:CreateTopic", "sqs:DeleteQueue"])}]});
    json!({"UserDetailList": [user], "GroupDetailList": groups, "Policies": [], "RoleDetailList": []})
}

fn group(attached: &Value) -> Value {
    json!({"Path": "/", "GroupName": "devs", "GroupId": "AGPADEVS", "Arn": "arn:aws:iam::111122223333:group/devs",
        "CreateDate": "2020-01-01T00:00:00Z", "AttachedManagedPolicies": attached,
        "GroupPolicyList": [{"PolicyName": "theirs", "PolicyDocument": allow(&["sqs:ListQueues", "sqs:PurgeQueue"])}]})
}

#[test]
fn a_group_that_is_not_there_holds_its_members() {
    check_held(&in_a_group(&[], &["devs"]), "group devs is not in the export");
}

#[test]
fn what_a_group_has_and_nobody_can_read_holds_the_group_and_its_members() {
    let attached = json!([{"PolicyName": "gone", "PolicyArn": "arn:aws:iam::111122223333:policy/gone"}]);
    let grants = in_a_group(&[group(&attached)], &["devs"]);
    check_held(
        &grants,
        "group/devs: attached policy arn:aws:iam::111122223333:policy/gone has no document",
    );
    assert_eq!(holds(&grants).len(), 2, "of the user and of the group");
}

#[test]
fn a_policy_that_others_have_too_is_listed_and_not_edited() {
    let arn = "arn:aws:iam::111122223333:policy/shared";
    let mut role = role();
    role["RolePolicyList"] = json!([]);
    role["AttachedManagedPolicies"] = json!([{"PolicyName": "shared", "PolicyArn": arn}]);
    let version = json!({"VersionId": "v1", "IsDefaultVersion": true, "Document": allow(&["sns:CreateTopic", "sqs:DeleteQueue"])});
    for (count, edits) in [(json!(1), 1), (json!(2), 0), (Value::Null, 0)] {
        let mut grants = account(&role);
        grants["Policies"] = json!([{"Arn": arn, "PolicyName": "shared", "AttachmentCount": count, "DefaultVersionId": "v1",
            "PolicyVersionList": [version]}]);
        assert_eq!(holds(&grants).len(), edits, "{count}");
    }
}
