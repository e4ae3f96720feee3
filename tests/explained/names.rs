//! Names that AWS does not tell apart by case: a request in another case than the entity's found the entity.

use serde_json::{Value, json};

use super::{policy, statement};
use crate::journey::{analyze, background, call, options, role};

/// The grants of the role, and another role, a user and a group of the account.
fn grants(document: &Value) -> Value {
    let mut grants = role(document);
    let trust = json!({"Version": "2012-10-17", "Statement": []});
    let arn = |kind: &str, name: &str| format!("arn:aws:iam::111122223333:{kind}/{name}");
    let mut other = grants["RoleDetailList"][0].clone();
    other["RoleName"] = json!("Deploy");
    other["RoleId"] = json!("AROAEXAMPLEDEPLOY0001");
    other["Arn"] = json!(arn("role", "Deploy"));
    other["AssumeRolePolicyDocument"] = trust;
    other["RolePolicyList"] = json!([]);
    other["AttachedManagedPolicies"] = json!([]);
    grants["RoleDetailList"].as_array_mut().expect("roles").push(other);
    grants["UserDetailList"] = json!([{"UserName": "Alice", "UserId": "AIDAEXAMPLEALICE00001", "Path": "/",
        "Arn": arn("user", "Alice"), "CreateDate": "2020-01-01T00:00:00Z"}]);
    grants["GroupDetailList"] = json!([{"GroupName": "Admins", "GroupId": "AGPAEXAMPLEADMINS0001", "Path": "/",
        "Arn": arn("group", "Admins"), "CreateDate": "2020-01-01T00:00:00Z"}]);
    grants
}

/// Two statements of one action: one on the entity, one on names such as the request wrote it.
#[track_caller]
fn check(name: &str, request: &Value, entity: &str, written: &str) {
    let action = format!("iam:{name}");
    let arn = |path: &str| format!("arn:aws:iam::111122223333:{path}");
    let statements = [
        statement(&action, &arn(entity)),
        statement(&action, &arn(written)),
        statement("iam:DeleteRole", "*"),
    ];
    let event = call(
        3,
        "iam",
        name,
        json!({"awsRegion": "us-east-1", "requestParameters": request}),
    );
    let events = [background(), vec![event]].concat();
    let report = analyze(&events, &grants(&policy(&statements)), &options(), 1);
    let mut steps = report
        .suggestions
        .iter()
        .filter(|suggestion| suggestion.step == "actions");
    let after = steps.next().expect("iam:DeleteRole goes").after().value().to_string();
    assert!(!after.contains("iam:DeleteRole"), "{after}");
    assert!(
        after.contains(&format!("\"{}\"", arn(entity))),
        "{entity} went: {after}"
    );
}

#[test]
fn a_role_that_a_request_writes_in_another_case_keeps_its_grant() {
    let document = json!({"roleName": "DEPLOY", "policyDocument": "{}"});
    check("UpdateAssumeRolePolicy", &document, "role/Deploy", "role/DEPLOY*");
    check(
        "TagRole",
        &json!({"roleName": "deploy", "tags": []}),
        "role/Deploy",
        "role/d*",
    );
    check("GetRole", &json!({"roleName": "dEPLOY"}), "role/Deploy", "role/dE*");
}

#[test]
fn a_user_or_group_that_a_request_writes_in_another_case_keeps_its_grant() {
    check(
        "DeleteAccessKey",
        &json!({"userName": "alice", "accessKeyId": "AKIA"}),
        "user/Alice",
        "user/a*",
    );
    let member = json!({"groupName": "ADMINS", "userName": "Alice"});
    check("AddUserToGroup", &member, "group/Admins", "group/ADM*");
}

#[test]
fn an_entity_that_nobody_knows_may_be_spelled_in_any_case() {
    check(
        "UpdateAssumeRolePolicy",
        &json!({"roleName": "gone", "policyDocument": "{}"}),
        "role/Gone",
        "role/g*",
    );
    check(
        "GetServerCertificate",
        &json!({"serverCertificateName": "web"}),
        "server-certificate/Web",
        "server-certificate/w*",
    );
}
