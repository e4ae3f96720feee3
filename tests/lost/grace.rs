//! Changes after which a principal is left alone for a while.

use serde_json::json;

use super::{ACCOUNT, DAYS, analyze, event, grants, gzip, key, whole};

/// What a boundary did not let through stands as not used until it is known what the new one lets through.
#[test]
fn grace_begins_anew_with_a_boundary_and_with_a_creation_that_the_log_shows() {
    let boundary = "arn:aws:iam::111122223333:policy/edge";
    let mut bounded = grants(&json!("2024-01-01T00:00:00Z"));
    bounded["RoleDetailList"][0]["PermissionsBoundary"] =
        json!({"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": boundary});
    bounded["Policies"] = json!([{"PolicyName": "edge", "Arn": boundary, "Path": "/", "DefaultVersionId": "v2", "PolicyVersionList": [
        {"VersionId": "v2", "IsDefaultVersion": true, "CreateDate": "2024-01-01T00:00:00Z",
         "Document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}]}]);
    let role = json!({"roleName": "app"});
    for (name, asked, is_held) in [
        ("PutRolePermissionsBoundary", &role, true),
        ("DeleteRolePermissionsBoundary", &role, true),
        ("CreatePolicyVersion", &json!({"policyArn": boundary}), true),
        ("CreateRole", &role, true),
        ("GetRole", &role, false),
    ] {
        let folder = whole();
        folder.write("grants.json", bounded.to_string().as_bytes());
        let mut change = event(DAYS - 3, 40, "iam", name, !is_held);
        change["requestParameters"] = asked.clone();
        change["userIdentity"] = json!({"type": "IAMUser", "principalId": "AIDAX", "accountId": ACCOUNT, "arn": "arn:aws:iam::111122223333:user/x"});
        folder.write(&key(DAYS - 3, 2), &gzip(&[change]));
        let answer = analyze(&folder, &["--grace", "7d"]);
        assert_eq!(answer.ready.is_empty(), is_held, "{name}: {:?}", answer.held);
    }
}
