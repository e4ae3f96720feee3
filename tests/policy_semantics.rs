//! What policies mean, case by case: the numbered cases on policy semantics that the design lists (29 to 41, and 47).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trimtrail::inside::grants;
use trimtrail::inside::iam::subset::{self, Verdict};
use trimtrail::inside::iam::{Policy, arn, simulate};
use trimtrail::inside::rightsize::EvidenceLevel;

use crate::pipeline::{ROLE, background, call, run_on, suggested};

fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: Value, resource: Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn policy(document: &Value) -> Policy {
    Policy::from_value(document).expect("a policy")
}

#[track_caller]
fn check_decision(document: &Value, action: &str, resource: &str, expected: &str) {
    let request = json!({"principal": ROLE, "action": action, "resource": resource, "context": {}});
    let line = simulate::decide(&json!({"request": request, "identity_policies": [document]}));
    assert_eq!(line["decision"], expected, "{action} on {resource}: {line}");
}

/// Whether `new` is proved to allow no more than `old`; whatever is refuted must be real.
#[track_caller]
fn check_narrower(old: &Value, new: &Value, expected: bool) {
    let verdict = subset::allows_no_more(&policy(old), &policy(new));
    assert_eq!(
        verdict == Verdict::Proved,
        expected,
        "{new} in place of {old}: {verdict:?}"
    );
    if let Verdict::Refuted(witness) = verdict {
        assert_eq!(simulate::decide(&witness.case(new))["decision"], "allowed");
        assert_ne!(simulate::decide(&witness.case(old))["decision"], "allowed");
    }
}

#[track_caller]
fn check_keeps(old: &Value, new: &Value, action: &str, shape: &str, expected: bool) {
    let kept = subset::keeps(&policy(old), &policy(new), action, shape);
    assert_eq!(
        kept.is_ok(),
        expected,
        "{action} on {shape}, {new} in place of {old}: {kept:?}"
    );
}

fn secret() -> Value {
    let id = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";
    call(
        3,
        "secretsmanager",
        "GetSecretValue",
        json!({"requestParameters": {"secretId": id}}),
    )
}

fn events(more: &[Value]) -> Vec<Value> {
    [background(), more.to_vec()].concat()
}

#[test]
fn case_29_actions_ignore_case_and_resources_do_not() {
    let policy = document(json!([allow(json!("S3:getobject"), json!("arn:aws:s3:::b/*"))]));
    check_decision(&policy, "s3:GetObject", "arn:aws:s3:::b/k", "allowed");
    check_decision(&policy, "s3:GetObject", "arn:aws:s3:::B/k", "implicitly_denied");
}

#[test]
fn case_30_without_a_version_a_variable_is_text_and_no_version_is_added() {
    let old = json!({"Statement": [allow(json!("secretsmanager:*"), json!("arn:aws:secretsmanager:*:*:secret:${aws:username}*")),
        allow(json!(["secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"]), json!("*"))]});
    check_decision(
        &old,
        "secretsmanager:ListSecrets",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:${aws:username}-x",
        "allowed",
    );
    let new = suggested(&events(&[secret()]), &old, EvidenceLevel::Conservative).expect("a suggestion");
    assert_eq!(new.get("Version"), None, "{new}");
    assert!(!new.to_string().contains("DeleteSecret"), "{new}");
    // Dated, the same text would be a variable: neither may stand in the other's place.
    let mut dated = old.clone();
    dated["Version"] = json!("2012-10-17");
    check_narrower(&old, &dated, false);
    check_narrower(&dated, &old, false);
}

#[test]
fn case_31_an_observed_literal_is_escaped_where_a_policy_can_hold_it() {
    let literal = arn::escape_literal("arn:aws:s3:::b/a*b?.txt").expect("an escape");
    assert_eq!(literal, "arn:aws:s3:::b/a${*}b${?}.txt");
    let old = document(json!([allow(json!("s3:*"), json!("arn:aws:s3:::b/*"))]));
    let new = document(json!([allow(json!("s3:GetObject"), json!(literal))]));
    check_narrower(&old, &new, true);
    check_keeps(&old, &new, "s3:GetObject", &literal, true);
    check_decision(&new, "s3:GetObject", "arn:aws:s3:::b/a*b?.txt", "allowed");
    check_decision(&new, "s3:GetObject", "arn:aws:s3:::b/axbx.txt", "implicitly_denied");
    // In a document of 2008 the escape is text, and what was used would be lost: only the source pattern keeps it.
    let undated = |document: &Value| json!({"Statement": document["Statement"]});
    check_keeps(&undated(&old), &undated(&new), "s3:GetObject", &literal, false);
    check_keeps(&undated(&old), &undated(&old), "s3:GetObject", &literal, true);
    assert_eq!(arn::escape_literal("arn:aws:s3:::b/\u{4e2d}"), None);
}

#[test]
fn case_32_not_action_becomes_the_observed_actions() {
    let old = document(json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]));
    let new = document(json!([allow(json!(["s3:ListAllMyBuckets"]), json!("*"))]));
    check_narrower(&old, &new, true);
    check_keeps(&old, &new, "s3:ListAllMyBuckets", "*", true);
    let seen = call(3, "s3", "ListBuckets", json!({}));
    let suggested = suggested(&events(&[seen]), &old, EvidenceLevel::Aggressive).expect("a suggestion");
    let statement = &suggested["Statement"][0];
    assert_eq!(statement.get("NotAction"), None, "{suggested}");
    assert_eq!(statement["Resource"], "*");
    let actions = statement["Action"].to_string();
    assert!(
        actions.contains("\"s3:ListAllMyBuckets\"") && !actions.contains("\"iam:"),
        "{suggested}"
    );
}

#[test]
fn case_33_a_wildcard_over_todays_actions_is_rejected() {
    let old = document(json!([allow(json!(["s3:GetObject", "s3:GetObjectAcl"]), json!("*"))]));
    check_narrower(
        &old,
        &document(json!([allow(json!("s3:GetObject*"), json!("*"))])),
        false,
    );
}

#[test]
fn case_34_a_product_of_two_statements_is_rejected() {
    let old = document(json!([
        allow(json!("s3:A"), json!("arn:aws:s3:::x")),
        allow(json!("s3:B"), json!("arn:aws:s3:::y"))
    ]));
    let resources = json!(["arn:aws:s3:::x", "arn:aws:s3:::y"]);
    check_narrower(
        &old,
        &document(json!([allow(json!(["s3:A", "s3:B"]), resources)])),
        false,
    );
}

#[test]
fn case_35_both_statements_that_may_have_allowed_a_call_stay() {
    let tagged = |value: &str, more: &str| {
        let mut statement = allow(json!(["secretsmanager:GetSecretValue", more]), json!("*"));
        statement["Condition"] = json!({"StringEquals": {"aws:ResourceTag/a": value}});
        statement
    };
    let plain = allow(
        json!(["secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"]),
        json!("*"),
    );
    let old = document(json!([
        tagged("1", "secretsmanager:PutSecretValue"),
        plain,
        tagged("2", "secretsmanager:DeleteSecret")
    ]));
    let new = suggested(&events(&[secret()]), &old, EvidenceLevel::Conservative).expect("a suggestion");
    let kept = new["Statement"].as_array().expect("statements");
    assert_eq!(kept.len(), 3, "{new}");
    assert!(
        kept.iter()
            .all(|statement| statement["Action"].to_string().contains("GetSecretValue")),
        "{new}"
    );
    // Where either tag may have been the reason, neither statement may go.
    let either = document(json!([tagged("1", "s3:A"), tagged("2", "s3:A")]));
    for left in ["1", "2"] {
        let one = document(json!([tagged(left, "s3:A")]));
        check_keeps(&either, &one, "secretsmanager:GetSecretValue", "*", false);
    }
    check_keeps(&either, &either, "secretsmanager:GetSecretValue", "*", true);
}

#[test]
fn case_36_an_action_without_resource_level_support_is_not_narrowed_to_a_resource() {
    let old = document(json!([allow(json!("ec2:DescribeInstances"), json!("*"))]));
    let instance = json!("arn:aws:ec2:eu-west-1:111122223333:instance/i-1");
    let new = document(json!([allow(json!("ec2:DescribeInstances"), instance)]));
    check_narrower(&old, &new, true);
    check_keeps(&old, &new, "ec2:DescribeInstances", "*", false);
}

#[test]
fn case_37_denials_are_copied_byte_for_byte() {
    let deny = json!({"Condition": {"bool": {"aws:SecureTransport": false}}, "Resource": ["*"], "NotAction": "secretsmanager:*",
        "Sid": "d", "Effect": "Deny"});
    let old = document(json!([
        allow(
            json!(["secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"]),
            json!("*")
        ),
        deny
    ]));
    let new = suggested(&events(&[secret()]), &old, EvidenceLevel::Conservative).expect("a suggestion");
    assert_eq!(new["Statement"][1].to_string(), deny.to_string());
    let mut lost = new.clone();
    lost["Statement"].as_array_mut().expect("statements").remove(1);
    check_narrower(&old, &new, true);
    check_narrower(
        &document(json!([allow(json!("*"), json!("*")), deny])),
        &document(json!([allow(json!("*"), json!("*"))])),
        false,
    );
}

#[test]
fn case_38_inclusion_of_patterns_segment_by_segment() {
    let on = |resource: &str| document(json!([allow(json!("sqs:*"), json!(resource))]));
    for (outer, inner, expected) in [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/logs/*", true),
        ("arn:aws:s3:::b/*?", "arn:aws:s3:::b/?*", true),
        ("arn:aws:s3:::b/?*", "arn:aws:s3:::b/*?", true),
        ("arn:aws:sqs:us-*:1:q", "arn:aws:sqs:*:1:q", false),
        ("arn:aws:sqs:*:1:q", "arn:aws:sqs:us-*:1:q", true),
    ] {
        check_narrower(&on(outer), &on(inner), expected);
    }
}

#[test]
fn case_39_a_laxer_condition_is_rejected_and_an_added_key_keeps_nothing() {
    let on = |condition: Value| {
        let mut statement = allow(json!("s3:*"), json!("*"));
        statement["Condition"] = condition;
        document(json!([statement]))
    };
    let old = on(json!({"StringEquals": {"aws:ResourceTag/a": "1"}}));
    check_narrower(
        &old,
        &on(json!({"StringEqualsIfExists": {"aws:ResourceTag/a": "1"}})),
        false,
    );
    let more = on(json!({"StringEquals": {"aws:ResourceTag/a": "1", "aws:RequestedRegion": "eu-west-1"}}));
    check_narrower(&old, &more, true);
    check_keeps(&old, &more, "s3:GetObject", "*", false);
    check_keeps(&old, &old, "s3:GetObject", "*", true);
}

#[test]
fn case_40_documents_come_as_objects_and_in_url_encoding_and_the_default_version_counts() {
    let object = r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/a+b"}}"#;
    let encoded: String = object
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let export = json!({"UserDetailList": [], "GroupDetailList": [],
        "RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/",
            "RolePolicyList": [{"PolicyName": "encoded", "PolicyDocument": encoded}, {"PolicyName": "text", "PolicyDocument": object}],
            "AttachedManagedPolicies": [{"PolicyName": "m", "PolicyArn": "arn:aws:iam::111122223333:policy/m"}]}],
        "Policies": [{"PolicyName": "m", "Arn": "arn:aws:iam::111122223333:policy/m", "DefaultVersionId": "v1", "PolicyVersionList": [
            {"VersionId": "v2", "IsDefaultVersion": false, "Document": document(json!([allow(json!("*"), json!("*"))]))},
            {"VersionId": "v1", "IsDefaultVersion": true, "Document": serde_json::from_str::<Value>(object).expect("JSON")}]}]});
    let grants = grants::read(&[("grants".to_owned(), export.to_string())]).expect("grants");
    assert_eq!(grants.policies.len(), 3);
    for held in &grants.policies {
        let policy = held.policy.as_ref().expect("a policy");
        check_decision(&policy.to_value(), "s3:GetObject", "arn:aws:s3:::b/a+b", "allowed");
        check_decision(
            &policy.to_value(),
            "s3:GetObject",
            "arn:aws:s3:::b/a b",
            "implicitly_denied",
        );
    }
}

#[test]
fn case_41_a_principal_with_an_unseen_document_is_reported_and_held() {
    let export = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [],
        "RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document(json!([allow(json!("secretsmanager:*"), json!("*"))]))}],
            "AttachedManagedPolicies": [{"PolicyName": "gone", "PolicyArn": "arn:aws:iam::111122223333:policy/gone"}]}]});
    let grants = grants::read(&[("grants".to_owned(), export.to_string())]).expect("grants");
    let role = &grants.principals[0];
    assert!(
        role.unknown.iter().any(|why| why.contains("policy/gone")),
        "{:?}",
        role.unknown
    );
    let calls = [super::journey::background(), vec![secret()]].concat();
    let report = super::journey::analyze(&calls, &export, &super::journey::options(), 1);
    assert_eq!(report.suggestions.len(), 1);
    let held = report.suggestions[0].held.as_deref().unwrap_or_default();
    assert!(held.contains("policy/gone has no document"), "{held:?}");
}

#[test]
fn case_47_a_suggestion_is_a_fixpoint_and_every_kept_statement_is_needed() {
    let seen = [
        secret(),
        call(4, "ec2", "DescribeInstances", json!({})),
        call(
            5,
            "iam",
            "GetRole",
            json!({"requestParameters": {"roleName": "r"}, "awsRegion": "us-east-1"}),
        ),
    ];
    let old = document(json!([
        allow(
            json!(["secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"]),
            json!("*")
        ),
        allow(json!(["ec2:DescribeInstances", "ec2:TerminateInstances"]), json!("*")),
        allow(json!(["iam:GetRole", "iam:DeleteRole"]), json!("arn:aws:iam::*:role/*")),
    ]));
    let new = suggested(&events(&seen), &old, EvidenceLevel::Conservative).expect("a suggestion");
    assert_eq!(
        suggested(&events(&seen), &new, EvidenceLevel::Conservative),
        None,
        "{new}"
    );
    let run = run_on(&events(&seen), &new, EvidenceLevel::Conservative);
    let catalog = trimtrail::inside::catalog::Catalog::embedded();
    let mut broken = BTreeSet::new();
    for at in 0..3 {
        let mut without = new.clone();
        without["Statement"].as_array_mut().expect("statements").remove(at);
        let (lost, _) = trimtrail::inside::verify::losses(catalog, &policy(&old), &policy(&without), &run.gaps[0]);
        assert!(!lost.is_empty(), "nothing needs {}", new["Statement"][at]);
        broken.extend(lost.into_iter().map(|loss| loss.action));
    }
    for action in ["secretsmanager:GetSecretValue", "ec2:DescribeInstances", "iam:GetRole"] {
        assert!(broken.contains(action), "{broken:?}");
    }
}
