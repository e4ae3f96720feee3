//! What CloudTrail and IAM are known to do, one case a test: who is billed, what a call needed, what its outcome proves.
//!
//! Sources: CloudTrail user guide (record contents, userIdentity), IAM user guide (forward access sessions, identifiers,
//! access denied messages, PassRole), EKS user guide (Pod Identity, IRSA), the services' own guides where a test says so.

mod requests;
mod second;

use serde_json::{Value, json};
use trimtrail::inside::attribute::{self, Attribution, PrincipalKind, WorkloadKind};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::progress::Progress;
use trimtrail::inside::resolve::{self, Outcome};
use trimtrail::inside::usage::{self, Table};
use trimtrail::inside::{coverage::Coverage, source};

use super::journey::{
    ACCOUNT, Folder, ROLE, allow, analyze, call, check_grade, grade, options, role, secret, suggested,
};
use super::resolved::{of_event as resolved, with_event};

/// Kind, ARN and id of who is billed; nothing where nobody is.
fn billed(event: &Value) -> Option<(PrincipalKind, String, String)> {
    with_event(event, |event| match attribute::attribute(event) {
        Attribution::Principal(who) => Some((who.kind, who.arn.into_owned(), who.id.to_owned())),
        Attribution::NotACall(_) | Attribution::Nobody => None,
    })
}

/// `action on resource, …` of each need, `…` where the log does not tell all.
#[track_caller]
fn check_needs(event: &Value, expected: &[&str]) {
    let catalog = Catalog::embedded();
    let needs: Vec<String> = resolved(event)
        .needs
        .iter()
        .map(|call| {
            let all = if call.complete { "" } else { " …" };
            format!("{} on {}{all}", catalog.name(call.action), call.resources.join(", "))
        })
        .collect();
    assert_eq!(needs, expected);
}

#[track_caller]
fn check_may_need(event: &Value, action: &str) {
    let catalog = Catalog::embedded();
    let may_need = resolved(event).may_need;
    assert!(
        may_need.iter().any(|call| catalog.name(call.action) == action),
        "{action}"
    );
}

fn collected(events: &[Value]) -> (Table, Coverage) {
    let folder = Folder::new();
    for (index, event) in events.iter().enumerate() {
        let records = json!({ "Records": [event] }).to_string();
        std::fs::write(folder.0.join(format!("{index}.json")), records).expect("a file");
    }
    let sources = source::find(&[folder.0.display().to_string()]).expect("files");
    usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads")
}

/// Workload kind, namespace and name of each session's calls.
fn workloads(events: &[Value]) -> Vec<Option<(WorkloadKind, String, String)>> {
    let (table, _) = collected(events);
    let of = |workload: usage::WorkloadCalls| {
        let workload = workload.actor.workload.clone()?;
        Some((workload.kind, workload.namespace.unwrap_or_default(), workload.name))
    };
    table.workloads.into_iter().map(of).collect()
}

fn identity(event: &Value, identity: Value) -> Value {
    let mut event = event.clone();
    event["userIdentity"] = identity;
    event
}

fn get_object(more: Value) -> Value {
    let mut parameters = json!({"bucketName": "b", "key": "k"});
    for (name, value) in more.as_object().expect("an object") {
        parameters[name] = value.clone();
    }
    call(3, "s3", "GetObject", json!({"requestParameters": parameters}))
}

// Attribution

#[test]
fn sso_session_is_billed_to_its_issuer_with_the_path() {
    let issuer =
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/us-east-2/AWSReservedSSO_Admin_0123456789abcdef";
    let event = identity(
        &secret(),
        json!({"type": "AssumedRole", "principalId": "AROASSO:e@x", "accountId": ACCOUNT,
            "arn": "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/e@x",
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROASSO", "arn": issuer, "accountId": ACCOUNT}}}),
    );
    assert_eq!(
        billed(&event),
        Some((PrincipalKind::Role, issuer.to_owned(), "AROASSO".to_owned()))
    );
}

#[test]
fn permission_set_role_is_not_rewritten() {
    check_not_rewritten(
        "/aws-reserved/sso.amazonaws.com/us-east-2/",
        "AWSReservedSSO_Admin_0123456789abcdef",
    );
}

#[test]
fn service_linked_role_is_not_rewritten() {
    check_not_rewritten("/aws-service-role/rds.amazonaws.com/", "AWSServiceRoleForRDS");
}

#[track_caller]
fn check_not_rewritten(path: &str, name: &str) {
    let mut grants = role(&allow(&json!("secretsmanager:*"), &json!("*")));
    grants["RoleDetailList"][0]["Path"] = json!(path);
    grants["RoleDetailList"][0]["RoleName"] = json!(name);
    grants["RoleDetailList"][0]["Arn"] = json!(format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"));
    let report = analyze(&[secret()], &grants, &options(), 1);
    assert!(report.suggestions.is_empty());
    assert!(!report.principals[0].rewritable);
}

#[test]
fn two_ids_of_one_role_name_are_two_principals() {
    let mut later = secret();
    later["userIdentity"]["principalId"] = json!("AROANEW:s");
    later["userIdentity"]["sessionContext"]["sessionIssuer"]["principalId"] = json!("AROANEW");
    let (table, _) = collected(&[secret(), later]);
    let ids: Vec<&str> = table.signatures.iter().map(|seen| &*seen.signature.caller.id).collect();
    assert_eq!(ids, ["AROAAPP", "AROANEW"]);
}

#[test]
fn call_by_a_service_for_a_role_is_billed_to_the_role() {
    let mut event = call(3, "kms", "Decrypt", json!({}));
    event["userIdentity"]["invokedBy"] = json!("secretsmanager.amazonaws.com");
    assert_eq!(
        billed(&event),
        Some((PrincipalKind::Role, ROLE.to_owned(), "AROAAPP".to_owned()))
    );
}

fn pod_seed(parameters: Value) -> Value {
    identity(
        &call(
            3,
            "sts",
            "AssumeRole",
            json!({"requestParameters": parameters, "responseElements": {
                "credentials": {"accessKeyId": "ASIAAPP"}, "assumedRoleUser": {"assumedRoleId": "AROAAPP:eks-prod-pod"}}}),
        ),
        json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"}),
    )
}

#[test]
fn assume_role_by_pod_identity_bills_nobody_and_seeds_the_session() {
    let tags = json!([{"key": "eks-cluster-name", "value": "prod"}, {"key": "kubernetes-namespace", "value": "shop"},
        {"key": "kubernetes-service-account", "value": "orders"}]);
    let seed = pod_seed(json!({"roleArn": ROLE, "roleSessionName": "eks-prod-pod", "tags": tags}));
    assert_eq!(billed(&seed), None);
    let expected = (WorkloadKind::PodIdentity, "shop".to_owned(), "orders".to_owned());
    assert_eq!(workloads(&[seed, secret()]), [Some(expected)]);
}

#[test]
fn service_event_without_an_identity_type_is_no_call() {
    let event = json!({"eventTime": "2026-10-03T12:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": "RotateKey",
        "awsRegion": "eu-west-1", "eventType": "AwsServiceEvent", "recipientAccountId": ACCOUNT,
        "userIdentity": {"accountId": ACCOUNT, "invokedBy": "AWS Internal"}});
    let (table, coverage) = collected(&[event]);
    assert_eq!(
        (table.rows.len(), coverage.records, coverage.events_not_calls),
        (0, 1, 1)
    );
}

#[test]
fn the_owners_copy_of_a_foreign_assume_role_bills_the_caller_once() {
    let user = "arn:aws:iam::111122223333:user/ann";
    let assume =
        json!({"sharedEventID": "shared", "requestParameters": {"roleArn": "arn:aws:iam::444455556666:role/r"}});
    let callers = identity(
        &call(3, "sts", "AssumeRole", assume.clone()),
        json!({"type": "IAMUser", "principalId": "AIDAANN", "arn": user, "accountId": ACCOUNT}),
    );
    let mut owners = identity(
        &call(3, "sts", "AssumeRole", assume),
        json!({"type": "AWSAccount", "principalId": "AIDAANN", "accountId": ACCOUNT}),
    );
    owners["recipientAccountId"] = json!("444455556666");
    let (table, _) = collected(&[callers, owners]);
    let kinds: Vec<(PrincipalKind, u64)> = table
        .rows
        .iter()
        .map(|row| (table.signatures[row.signature].signature.caller.kind, row.calls))
        .collect();
    assert_eq!(kinds, [(PrincipalKind::User, 1), (PrincipalKind::Account, 1)]);
}

#[test]
fn one_event_id_in_two_files_counts_once() {
    let event = secret();
    let (table, coverage) = collected(&[event.clone(), event]);
    assert_eq!(table.rows.iter().map(|row| row.calls).sum::<u64>(), 1);
    assert_eq!((coverage.events_used, coverage.records_skipped()), (1, 1));
}

#[test]
fn one_call_under_two_event_ids_counts_twice_and_changes_no_action() {
    let mut copy = secret();
    copy["eventID"] = json!("another");
    let (table, _) = collected(&[secret(), copy]);
    assert_eq!((table.signatures.len(), table.rows[0].calls), (1, 2));
}

#[test]
fn user_with_a_temporary_key_is_billed_as_the_user() {
    let user = "arn:aws:iam::111122223333:user/ops/ann";
    let event = identity(
        &secret(),
        json!({"type": "IAMUser", "principalId": "AIDAANN", "arn": user, "accountId": ACCOUNT, "accessKeyId": "ASIAANN",
            "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}),
    );
    assert_eq!(
        billed(&event),
        Some((PrincipalKind::User, user.to_owned(), "AIDAANN".to_owned()))
    );
}

#[test]
fn correction_of_an_earlier_record_adds_evidence_and_no_call() {
    let mut correction = secret();
    correction["addendum"] =
        json!({"reason": "UPDATED_DATA", "updatedFields": "requestParameters", "originalEventID": "event-0"});
    correction["requestParameters"]["secretId"] =
        json!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:db2-AbCdE1");
    let (table, coverage) = collected(&[secret(), correction]);
    let calls: u64 = table.rows.iter().map(|row| row.calls).sum();
    let resources: usize = table.rows.iter().map(|row| row.resources.len()).sum();
    assert_eq!((calls, resources), (1, 2));
    assert_eq!(
        (coverage.records, coverage.events_used, coverage.events_not_calls),
        (2, 1, 1)
    );
}

#[test]
fn late_record_is_a_call() {
    let mut late = secret();
    late["addendum"] = json!({"reason": "DELIVERY_DELAY"});
    assert_eq!(collected(&[late]).0.rows[0].calls, 1);
}

// Kubernetes

fn web_identity_seed(user_name: &str, provider: &str, key: &str, role_id: &str) -> Value {
    identity(
        &call(
            3,
            "sts",
            "AssumeRoleWithWebIdentity",
            json!({"requestParameters": {"roleArn": ROLE, "roleSessionName": "1699456147945229070"}, "responseElements": {
                "credentials": {"accessKeyId": key}, "assumedRoleUser": {"assumedRoleId": format!("{role_id}:1699456147945229070")}}}),
        ),
        json!({"type": "WebIdentityUser", "userName": user_name, "identityProvider": provider}),
    )
}

const EKS: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF";

#[test]
fn web_identity_of_a_service_account_names_the_workload_of_its_session() {
    let seed = web_identity_seed("system:serviceaccount:argo:exec", EKS, "ASIAAPP", "AROAAPP");
    let expected = (WorkloadKind::ServiceAccount, "argo".to_owned(), "exec".to_owned());
    assert_eq!(workloads(&[secret(), seed]), [Some(expected)]);
}

#[test]
fn web_identity_of_a_repository_is_no_service_account() {
    let github = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let seed = web_identity_seed("repo:o/r:ref:refs/heads/main", github, "ASIAAPP", "AROAAPP");
    let expected = (
        WorkloadKind::WebIdentity,
        String::new(),
        "repo:o/r:ref:refs/heads/main".to_owned(),
    );
    assert_eq!(workloads(&[seed, secret()]), [Some(expected)]);
}

#[test]
fn same_access_key_under_another_role_is_not_joined() {
    let seed = web_identity_seed("system:serviceaccount:argo:exec", EKS, "ASIAAPP", "AROAOTHER");
    assert_eq!(workloads(&[seed, secret()]), [None]);
}

#[test]
fn target_role_without_tags_is_joined_by_its_external_id() {
    let external = "eu-west-1/111122223333/prod/shop/orders";
    let mut chained = call(
        3,
        "sts",
        "AssumeRole",
        json!({"requestParameters": {"roleArn": "arn:aws:iam::444455556666:role/target", "externalId": external, "tags": [{"key": "a", "value": "b"}]},
            "responseElements": {"credentials": {"accessKeyId": "ASIATARGET"}, "assumedRoleUser": {"assumedRoleId": "AROATARGET:eks"}}}),
    );
    chained["userIdentity"]["invokedBy"] = json!("pods.eks.amazonaws.com");
    let opener = with_event(&chained, |event| attribute::seed(event).map(|seed| seed.opening.opener));
    let Some(attribute::Opener::Named(workload)) = opener.as_deref() else {
        panic!("{opener:?}");
    };
    assert_eq!(workload.kind, WorkloadKind::PodIdentity);
    assert_eq!(
        (workload.namespace.as_deref(), workload.name.as_str()),
        (Some("shop"), "orders")
    );
    let target = "arn:aws:iam::444455556666:role/target";
    check_needs(
        &chained,
        &[
            &format!("sts:AssumeRole on {target}"),
            &format!("sts:TagSession on {target}"),
        ],
    );
}

fn node(event: &Value) -> Value {
    identity(
        event,
        json!({"type": "AssumedRole", "principalId": "AROANODE:i-0123456789abcdef0", "accountId": ACCOUNT, "accessKeyId": "ASIANODE",
            "arn": "arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0",
            "sessionContext": {"ec2RoleDelivery": "2.0", "sessionIssuer": {"type": "Role", "principalId": "AROANODE",
                "arn": "arn:aws:iam::111122223333:role/node", "accountId": ACCOUNT}}}),
    )
}

#[test]
fn assume_role_for_pod_identity_bills_the_node_role() {
    let event = node(&call(
        3,
        "eks-auth",
        "AssumeRoleForPodIdentity",
        json!({"requestParameters": {"clusterName": "prod"}}),
    ));
    let billed = billed(&event).expect("the node role");
    assert_eq!(billed.1, "arn:aws:iam::111122223333:role/node");
    let catalog = Catalog::embedded();
    assert_eq!(
        catalog.name(resolved(&event).needs[0].action),
        "eks-auth:AssumeRoleForPodIdentity"
    );
    let node = (WorkloadKind::Ec2, String::new(), "i-0123456789abcdef0".to_owned());
    assert_eq!(workloads(&[event]), [Some(node)]);
}

#[test]
fn pod_that_uses_the_node_role_is_billed_to_the_node_role() {
    let mut event = node(&get_object(json!({})));
    event["userAgent"] = json!("my-app/1.0 aws-sdk-go/1.44");
    assert_eq!(
        billed(&event).expect("the node role").1,
        "arn:aws:iam::111122223333:role/node"
    );
    let node = (WorkloadKind::Ec2, String::new(), "i-0123456789abcdef0".to_owned());
    assert_eq!(workloads(&[event]), [Some(node)]);
}

// Outcome

#[test]
fn dry_run_is_authorised_and_unauthorized_operation_is_denied() {
    assert_eq!(resolve::of_code("Client.DryRunOperation"), Outcome::Authorised);
    assert_eq!(resolve::of_code("Client.UnauthorizedOperation"), Outcome::Denied);
}

#[test]
fn throttled_call_keeps_its_action() {
    let throttled = call(
        3,
        "secretsmanager",
        "ListSecrets",
        json!({"errorCode": "ThrottlingException"}),
    );
    check_grade(
        &[throttled],
        &json!("secretsmanager:*"),
        &json!("*"),
        "secretsmanager:ListSecrets",
        "used",
    );
}

#[test]
fn denial_by_an_scp_is_no_use_and_adds_nothing() {
    let message = "User: x is not authorized to perform: secretsmanager:DeleteSecret because no service control policy allows the secretsmanager:DeleteSecret action";
    let denied = call(
        3,
        "secretsmanager",
        "DeleteSecret",
        json!({"errorCode": "AccessDenied", "errorMessage": message}),
    );
    let granted = allow(&json!("secretsmanager:Get*"), &json!("*"));
    let after = suggested(&[denied, secret()], &granted, &options()).expect("a suggestion");
    assert_eq!(after, allow(&json!("secretsmanager:GetSecretValue"), &json!("*")));
}

#[test]
fn object_read_that_s3_denied_without_naming_an_action_keeps() {
    let mut denied = get_object(json!({}));
    denied["errorCode"] = json!("AccessDenied");
    denied["errorMessage"] = json!("Access Denied");
    check_grade(
        &[denied],
        &json!(["s3:GetObject", "s3:DeleteObject"]),
        &json!("*"),
        "s3:GetObject",
        "used",
    );
}

#[test]
fn missing_key_keeps_the_right_to_list_the_bucket() {
    let mut missing = get_object(json!({}));
    missing["errorCode"] = json!("NoSuchKey");
    check_grade(
        &[missing],
        &json!("s3:List*"),
        &json!("arn:aws:s3:::b"),
        "s3:ListBucket",
        "inferred",
    );
}

#[test]
fn success_that_no_statement_allows_is_elsewhere_and_adds_nothing() {
    let report = analyze(
        &[super::journey::background(), vec![secret()]].concat(),
        &role(&allow(&json!("ec2:TerminateInstances"), &json!("*"))),
        &options(),
        1,
    );
    assert_eq!(
        report.principals[0].elsewhere[0].action,
        "secretsmanager:GetSecretValue"
    );
    assert!(
        report
            .suggestions
            .iter()
            .all(|suggestion| !suggestion.after().to_string().contains("GetSecretValue"))
    );
}
