//! Whose a session is, and what was passed for it.

use serde_json::{Value, json};

use super::{Folder, ROLE, analyze, background, call, grants, lines, removed, trimtrail};

/// Who passes a managed policy for a session may need of it what its holders do not.
#[test]
fn a_policy_that_was_passed_for_a_session_is_held() {
    let folder = Folder::new();
    let policy = "arn:aws:iam::111122223333:policy/m";
    let mut grants: Value = serde_json::from_str(&grants(&["sts:AssumeRole"])).expect("JSON");
    grants["RoleDetailList"][0]["AttachedManagedPolicies"] = json!([{"PolicyName": "m", "PolicyArn": policy}]);
    let statement = json!({"Effect": "Allow", "Action": ["sns:ListTopics", "glue:DeleteDevEndpoint"], "Resource": "*"});
    grants["Policies"] = json!([{"PolicyName": "m", "PolicyId": "ANPAM", "Arn": policy, "Path": "/", "DefaultVersionId": "v1",
        "AttachmentCount": 1, "IsAttachable": true, "CreateDate": "2020-01-01T00:00:00Z", "UpdateDate": "2020-01-01T00:00:00Z",
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement": [statement]}}]}]);
    let grants = folder.write("g.json", &grants.to_string());
    let held = |request: Value| {
        let mut events = background();
        events.push(call(7, "sts", "AssumeRole", &json!({ "requestParameters": request })));
        let logs = folder.write("l.ndjson", &lines(&events));
        let arguments = [
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
        ];
        let result: Value = serde_json::from_slice(&trimtrail(&arguments).stdout).expect("a result");
        let mut suggestions = result["suggestions"].as_array().expect("a list").iter();
        let of_policy = suggestions.find(|suggestion| suggestion["policy_arn"] == policy);
        of_policy.expect("a suggestion")["held"].as_str().map(str::to_owned)
    };
    let role = "arn:aws:iam::111122223333:role/other";
    assert_eq!(held(json!({"roleArn": role, "roleSessionName": "s"})), None);
    for policies in [
        json!([{ "arn": policy }]),
        json!([policy]),
        json!({"member": [{ "arn": policy }]}),
    ] {
        let held = held(json!({"roleArn": role, "roleSessionName": "s", "policyArns": policies}));
        assert!(held.expect("held").contains("passed as a session policy"), "{policies}");
    }
}

/// A session is its issuer's, by whatever the event tells of that: its id, or its account and name.
#[test]
fn a_session_is_told_by_any_part_of_its_issuer() {
    let folder = Folder::new();
    for issuer in [
        json!({"principalId": "AROAAPP"}),
        json!({"type": "Role", "accountId": "111122223333", "userName": "app"}),
        json!({"type": "Role", "accountId": "111122223333", "userName": "APP"}),
        json!({ "arn": ROLE }),
    ] {
        let identity = json!({"type": "AssumedRole", "accountId": "111122223333", "accessKeyId": "ASIAAPP",
            "sessionContext": {"sessionIssuer": issuer}});
        let mut events = background();
        events.push(call(
            9,
            "sqs",
            "CreateQueue",
            &json!({"userIdentity": identity, "requestParameters": {"queueName": "q"}}),
        ));
        let logs = folder.write("l.ndjson", &lines(&events));
        let result = analyze(
            &folder,
            &logs,
            &["sqs:CreateQueue", "sns:ListTopics", "glue:DeleteDevEndpoint"],
            &[],
        );
        assert_eq!(removed(&result), ["glue:DeleteDevEndpoint"], "{issuer}");
    }
}
