//! The whole journey on small archives: events and grants in, grades and proved suggestions out.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use trimtrail::inside::analysis::{self, Archive};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::progress::Progress;
use trimtrail::inside::report::Report;
use trimtrail::inside::rightsize::{EvidenceLevel, Keep, KeepRule, Options};
use trimtrail::inside::{grants, source, usage};

use super::reported;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/app";

/// A folder that goes when the test does.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "trimtrail-journey-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A call of the role `app` on some day of October 2026, overridden by `more`.
pub(crate) fn call(day: u32, source: &str, name: &str, more: Value) -> Value {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut event = json!({
        "eventVersion": "1.09", "eventTime": format!("2026-10-{day:02}T12:00:00Z"),
        "eventSource": format!("{source}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "eventID": format!("event-{}", NEXT.fetch_add(1, Ordering::Relaxed)), "eventType": "AwsApiCall",
        "eventCategory": "Management", "managementEvent": true, "recipientAccountId": ACCOUNT, "readOnly": true,
        "requestParameters": null, "responseElements": null,
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": ACCOUNT, "accessKeyId": "ASIAAPP",
            "arn": "arn:aws:sts::111122223333:assumed-role/app/s",
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": ROLE, "accountId": ACCOUNT, "userName": "app"}}}
    });
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// Somebody else's reads and writes on every day and in both regions that matter, so that silence proves something.
pub(crate) fn background() -> Vec<Value> {
    let mut events = Vec::new();
    for day in 1..=14 {
        for region in ["eu-west-1", "us-east-1"] {
            for (name, read) in [("DescribeVpcs", true), ("CreateTags", false)] {
                let other = json!({"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT});
                events.push(call(
                    day,
                    "ec2",
                    name,
                    json!({"awsRegion": region, "readOnly": read, "userIdentity": other}),
                ));
            }
        }
    }
    events
}

/// Grants of the role `app` with one inline policy.
pub(crate) fn role(document: &Value) -> Value {
    json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": [{
        "Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": document}], "AttachedManagedPolicies": []}]})
}

pub(crate) fn allow(action: &Value, resource: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
}

pub(crate) fn options() -> Options {
    Options {
        min_window: 7,
        ..Options::default()
    }
}

pub(crate) fn analyze(events: &[Value], grants: &Value, options: &Options, threads: usize) -> Report {
    let folder = Folder::new();
    let half = events.len() / 2;
    for (name, part) in [("a.json", &events[..half]), ("b.json", &events[half..])] {
        fs::write(folder.0.join(name), json!({"Records": part}).to_string()).expect("a file");
    }
    let sources = source::find(&[folder.0.display().to_string()]).expect("two files");
    let collecting = usage::Options {
        threads,
        ..usage::Options::default()
    };
    let (table, coverage) = usage::collect(&sources, &collecting, &Progress::silent()).expect("threads");
    let grants = grants::read(&[("grants".to_owned(), grants.to_string())]).expect("grants");
    assert!(coverage.span.is_some(), "no event");
    let books = (
        coverage.records,
        coverage.events_used
            + coverage.events_unmapped
            + coverage.events_unattributed
            + coverage.events_not_calls
            + coverage.records_skipped(),
    );
    assert_eq!(books.0, books.1, "the books close");
    reported((&table, &coverage), &grants, &analysis::Options::of(options))
}

/// The grade of an action in a report: of its own line, or of the group that names it.
pub(crate) fn grade(report: &Report, action: &str) -> String {
    let principal = report
        .principals
        .iter()
        .find(|principal| principal.arn == ROLE)
        .expect("the role");
    if let Some(line) = principal.actions.iter().find(|line| line.action == action) {
        return line.grade.name().to_owned();
    }
    let wanted = Catalog::embedded().id(action).expect("an action");
    let group = principal.action_groups.iter().find(|group| {
        group
            .patterns
            .iter()
            .any(|pattern| Catalog::embedded().expand(pattern).contains(&wanted))
    });
    group.map_or("not granted", |group| group.grade.name()).to_owned()
}

#[track_caller]
pub(crate) fn check_grade(events: &[Value], action: &Value, resource: &Value, asked: &str, expected: &str) {
    let events = [background(), events.to_vec()].concat();
    let report = analyze(&events, &role(&allow(action, resource)), &options(), 1);
    assert_eq!(grade(&report, asked), expected, "{asked}");
}

/// What stands in the place of a document, given these events; `None` where nothing is suggested.
pub(crate) fn suggested(events: &[Value], document: &Value, options: &Options) -> Option<Value> {
    let events = [background(), events.to_vec()].concat();
    let report = analyze(&events, &role(document), options, 1);
    report
        .suggestions
        .iter()
        .find(|suggestion| suggestion.step == "actions")
        .map(|suggestion| suggestion.after().value())
}

#[track_caller]
fn check_rewrite(events: &[Value], document: &Value, expected: Option<&Value>) {
    assert_eq!(suggested(events, document, &options()).as_ref(), expected);
}

pub(crate) fn secret() -> Value {
    call(
        3,
        "secretsmanager",
        "GetSecretValue",
        json!({"requestParameters": {"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"}}),
    )
}

#[test]
fn a_call_is_use() {
    check_grade(
        &[secret()],
        &json!("secretsmanager:*"),
        &json!("*"),
        "secretsmanager:GetSecretValue",
        "used",
    );
}

#[test]
fn what_the_archive_would_have_shown_is_unused() {
    check_grade(
        &[secret()],
        &json!("secretsmanager:*"),
        &json!("*"),
        "secretsmanager:DeleteSecret",
        "unused",
    );
}

#[test]
fn object_reads_without_data_events_are_unobservable() {
    check_grade(&[], &json!("s3:*"), &json!("*"), "s3:GetObject", "unobservable");
}

pub(crate) fn object_event() -> Value {
    let other = json!({"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT});
    call(
        5,
        "s3",
        "GetObject",
        json!({"eventCategory": "Data", "managementEvent": false, "userIdentity": other,
        "requestParameters": {"bucketName": "a", "key": "k"},
        "resources": [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::a/k"}, {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::a", "accountId": ACCOUNT}]}),
    )
}

#[test]
fn object_reads_are_judged_on_the_bucket_whose_data_events_are_on() {
    check_grade(
        &[object_event()],
        &json!("s3:*"),
        &json!("arn:aws:s3:::a/*"),
        "s3:GetObject",
        "unused",
    );
}

#[test]
fn object_reads_are_not_judged_on_another_bucket() {
    check_grade(
        &[object_event()],
        &json!("s3:*"),
        &json!("arn:aws:s3:::b/*"),
        "s3:GetObject",
        "unobservable",
    );
}

#[test]
fn object_reads_are_not_judged_on_all_buckets() {
    check_grade(
        &[object_event()],
        &json!("s3:*"),
        &json!("*"),
        "s3:GetObject",
        "unobservable",
    );
}

#[test]
fn pass_role_is_never_unused() {
    check_grade(&[], &json!("iam:*"), &json!("*"), "iam:PassRole", "unobservable");
}

#[test]
fn kms_without_any_event_of_it_is_outside_coverage() {
    check_grade(&[], &json!("kms:*"), &json!("*"), "kms:Decrypt", "outside-coverage");
}

#[test]
fn a_region_without_events_is_outside_coverage() {
    let resource = json!("arn:aws:sqs:ap-south-1:111122223333:q");
    check_grade(&[], &json!("sqs:*"), &resource, "sqs:DeleteQueue", "outside-coverage");
}

#[test]
fn a_denial_that_names_the_action_is_denied_only() {
    let message = "User: arn:aws:sts::111122223333:assumed-role/app/s is not authorized to perform: secretsmanager:DeleteSecret because no service control policy allows";
    let denied = call(
        3,
        "secretsmanager",
        "DeleteSecret",
        json!({"errorCode": "AccessDenied", "errorMessage": message}),
    );
    check_grade(
        &[denied],
        &json!("secretsmanager:*"),
        &json!("*"),
        "secretsmanager:DeleteSecret",
        "denied-only",
    );
}

#[test]
fn a_denial_that_names_nothing_keeps() {
    let denied = call(
        3,
        "s3",
        "GetBucketAcl",
        json!({"errorCode": "AccessDenied", "errorMessage": "Access Denied", "requestParameters": {"bucketName": "a"}}),
    );
    check_grade(&[denied], &json!("s3:*"), &json!("*"), "s3:GetBucketAcl", "used");
}

#[test]
fn use_under_an_earlier_id_of_the_name_keeps() {
    let mut event = secret();
    event["userIdentity"]["principalId"] = json!("AROAOLD:s");
    event["userIdentity"]["sessionContext"]["sessionIssuer"]["principalId"] = json!("AROAOLD");
    check_grade(
        &[event],
        &json!("secretsmanager:*"),
        &json!("*"),
        "secretsmanager:GetSecretValue",
        "used",
    );
}

#[test]
fn use_by_a_service_for_the_role_is_the_roles_use() {
    let mut event = call(
        3,
        "kms",
        "Decrypt",
        json!({"resources": [{"type": "AWS::KMS::Key", "ARN": "arn:aws:kms:eu-west-1:111122223333:key/k"}]}),
    );
    event["userIdentity"]["invokedBy"] = json!("secretsmanager.amazonaws.com");
    check_grade(&[event], &json!("kms:*"), &json!("*"), "kms:Decrypt", "used");
}

#[test]
fn a_wildcard_becomes_what_is_used() {
    check_rewrite(
        &[secret()],
        &allow(&json!("secretsmanager:Get*"), &json!("*")),
        Some(&allow(&json!("secretsmanager:GetSecretValue"), &json!("*"))),
    );
}

#[test]
fn nothing_goes_where_all_is_used() {
    check_rewrite(
        &[secret()],
        &allow(&json!("secretsmanager:GetSecretValue"), &json!("*")),
        None,
    );
}

#[test]
fn an_action_newer_than_the_catalog_stays() {
    let before = allow(
        &json!([
            "secretsmanager:BrandNew",
            "secretsmanager:DeleteSecret",
            "secretsmanager:GetSecretValue"
        ]),
        &json!("*"),
    );
    // Nobody can tell whether it was used.
    let of = |action: &str| json!({"Effect": "Allow", "Action": [action], "Resource": "*"});
    let after = json!({"Version": "2012-10-17", "Statement": [of("secretsmanager:GetSecretValue"), of("secretsmanager:BrandNew")]});
    check_rewrite(&[secret()], &before, Some(&after));
}

#[test]
fn conditions_sids_denials_and_order_stay() {
    let deny = json!({"Sid": "No", "Effect": "Deny", "NotAction": ["secretsmanager:*"], "Resource": "*"});
    let condition = json!({"StringEquals": {"aws:ResourceTag/team": "a"}});
    let before = json!({"Version": "2012-10-17", "Id": "x", "Statement": [deny,
        {"Sid": "Some", "Effect": "Allow", "Action": ["secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue"], "Resource": "*", "Condition": condition}]});
    let after = json!({"Version": "2012-10-17", "Id": "x", "Statement": [deny,
        {"Sid": "Some", "Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": "*", "Condition": condition}]});
    check_rewrite(&[secret()], &before, Some(&after));
}

#[test]
fn a_single_statement_object_stays_one() {
    let before = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "secretsmanager:Get*", "NotResource": "arn:aws:s3:::x"}});
    let after = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "NotResource": "arn:aws:s3:::x"}});
    check_rewrite(&[secret()], &before, Some(&after));
}

#[test]
fn a_statement_of_which_nothing_is_left_goes() {
    let stays = json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"});
    let before = json!({"Version": "2012-10-17", "Statement": [stays, {"Effect": "Allow", "Action": "ec2:TerminateInstances", "Resource": "*"}]});
    check_rewrite(
        &[secret()],
        &before,
        Some(&json!({"Version": "2012-10-17", "Statement": [stays]})),
    );
}

#[test]
fn a_keep_rule_keeps() {
    let rule = KeepRule {
        principal: "app".to_owned(),
        action: Some("ec2:Terminate*".to_owned()),
        reason: "emergencies".to_owned(),
        expires: None,
        own: false,
    };
    let options = Options {
        keep: Keep(vec![rule]),
        ..options()
    };
    assert_eq!(
        suggested(
            &[secret()],
            &allow(&json!("ec2:TerminateInstances"), &json!("*")),
            &options
        ),
        None
    );
}

#[test]
fn running_again_on_the_suggestion_changes_nothing() {
    let document = allow(&json!(["s3:*", "secretsmanager:*", "ec2:*"]), &json!("*"));
    let after = suggested(&[secret()], &document, &options()).expect("something goes");
    assert_ne!(after, document);
    check_rewrite(&[secret()], &after, None);
}

#[test]
fn each_evidence_level_removes_what_the_one_before_does() {
    let document = allow(&json!("*"), &json!("*"));
    let mut kept = Vec::new();
    for evidence in [
        EvidenceLevel::Conservative,
        EvidenceLevel::Balanced,
        EvidenceLevel::Aggressive,
    ] {
        let after = suggested(&[secret()], &document, &Options { evidence, ..options() }).expect("something goes");
        let actions: std::collections::BTreeSet<_> = after["Statement"]
            .as_array()
            .expect("statements")
            .iter()
            .flat_map(|statement| match &statement["Action"] {
                Value::Array(actions) => actions.clone(),
                action => vec![action.clone()],
            })
            .flat_map(|action| Catalog::embedded().expand(action.as_str().expect("a pattern")))
            .collect();
        kept.push(actions);
    }
    assert!(kept[1].is_subset(&kept[0]) && kept[2].is_subset(&kept[1]));
    assert!(kept[2].contains(&Catalog::embedded().id("iam:PassRole").expect("an action")));
}

fn held(created: &str, min_window: u16, events: &[Value]) -> Option<String> {
    let mut grants = role(&allow(&json!("ec2:TerminateInstances"), &json!("*")));
    grants["RoleDetailList"][0]["CreateDate"] = json!(created);
    let events = [background(), events.to_vec()].concat();
    let report = analyze(
        &events,
        &grants,
        &Options {
            min_window,
            ..Options::default()
        },
        1,
    );
    report.suggestions[0].held.clone()
}

#[test]
fn an_old_active_role_is_not_held() {
    let again = call(10, "sts", "GetCallerIdentity", json!({"requestParameters": null}));
    assert_eq!(held("2025-01-01T00:00:00Z", 7, &[secret(), again]), None);
}

#[test]
fn a_short_archive_holds() {
    assert!(
        held("2025-01-01T00:00:00Z", 90, &[secret()])
            .expect("held")
            .contains("--min-window 90d")
    );
}

#[test]
fn a_young_role_is_held() {
    assert!(
        held("2026-10-10T00:00:00Z", 7, &[secret()])
            .expect("held")
            .contains("younger")
    );
}

#[test]
fn a_recent_change_holds() {
    assert!(
        held("2026-09-25T00:00:00Z", 7, &[secret()])
            .expect("held")
            .contains("--grace")
    );
}

#[test]
fn an_idle_role_is_held() {
    assert!(held("2025-01-01T00:00:00Z", 7, &[]).expect("held").contains("no call"));
}

/// The role and a second one share a managed policy.
fn shared(attachments: u64) -> Value {
    let mut grants = role(&allow(&json!("sts:GetCallerIdentity"), &json!("*")));
    let arn = "arn:aws:iam::111122223333:policy/shared";
    grants["RoleDetailList"][0]["RolePolicyList"] = json!([]);
    grants["RoleDetailList"][0]["AttachedManagedPolicies"] = json!([{"PolicyName": "shared", "PolicyArn": arn}]);
    let mut other = grants["RoleDetailList"][0].clone();
    other["Arn"] = json!("arn:aws:iam::111122223333:role/other");
    other["RoleName"] = json!("other");
    other["RoleId"] = json!("AROAOTHER");
    grants["RoleDetailList"].as_array_mut().expect("roles").push(other);
    grants["Policies"] = json!([{"PolicyName": "shared", "Arn": arn, "DefaultVersionId": "v2", "AttachmentCount": attachments, "PolicyVersionList": [
        {"VersionId": "v1", "IsDefaultVersion": false, "Document": allow(&json!("*"), &json!("*"))},
        {"VersionId": "v2", "IsDefaultVersion": true, "Document": allow(&json!(["ec2:TerminateInstances", "secretsmanager:GetSecretValue"]), &json!("*"))}]}]);
    grants
}

#[test]
fn a_shared_policy_is_judged_for_all_who_have_it() {
    let events = [background(), vec![secret()]].concat();
    let report = analyze(&events, &shared(2), &options(), 1);
    assert_eq!(
        report.suggestions[0].removed.iter().collect::<Vec<_>>(),
        ["ec2:TerminateInstances"]
    );
    assert_eq!(report.suggestions[0].affects.len(), 2);
}

#[test]
fn a_policy_with_unseen_attachments_is_left_alone() {
    let events = [background(), vec![secret()]].concat();
    assert!(analyze(&events, &shared(3), &options(), 1).suggestions.is_empty());
}

#[test]
fn a_call_that_no_policy_allows_is_elsewhere_and_adds_nothing() {
    let events = [background(), vec![secret()]].concat();
    let report = analyze(
        &events,
        &role(&allow(&json!("ec2:TerminateInstances"), &json!("*"))),
        &options(),
        1,
    );
    assert_eq!(
        report.principals[0].elsewhere[0].action,
        "secretsmanager:GetSecretValue"
    );
    assert_eq!(report.suggestions[0].change, "delete");
}

#[test]
fn threads_and_duplicates_change_nothing_but_counts() {
    let mut events = [background(), vec![secret(), object_event()]].concat();
    let document = role(&allow(&json!(["s3:*", "secretsmanager:*"]), &json!("*")));
    let once = analyze(&events, &document, &options(), 1);
    events.extend(events.clone());
    let twice = analyze(&events, &document, &options(), 2);
    assert_eq!(once.principals, twice.principals);
    assert_eq!(
        serde_json::to_value(&once.suggestions).expect("JSON"),
        serde_json::to_value(&twice.suggestions).expect("JSON")
    );
    assert_eq!(
        twice
            .coverage
            .skipped
            .iter()
            .map(|skipped| skipped.records)
            .sum::<u64>(),
        once.coverage.records
    );
}

#[test]
fn a_result_read_back_is_the_same() {
    let events = [background(), vec![secret()]].concat();
    let report = analyze(
        &events,
        &role(&allow(&json!("secretsmanager:*"), &json!("*"))),
        &options(),
        1,
    );
    let text = serde_json::to_string(&report).expect("JSON");
    assert_eq!(
        serde_json::to_string(&Report::from_json(&text).expect("a result")).expect("JSON"),
        text
    );
}

#[test]
fn a_result_whose_suggestion_was_widened_is_refused() {
    let events = [background(), vec![secret()]].concat();
    let report = analyze(
        &events,
        &role(&allow(&json!("secretsmanager:*"), &json!("*"))),
        &options(),
        1,
    );
    let mut value = serde_json::to_value(&report).expect("JSON");
    value["suggestions"][0]["after"] = allow(&json!("*"), &json!("*"));
    assert!(Report::from_json(&value.to_string()).is_err());
}

#[test]
fn the_sample_shows_what_its_story_tells() {
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let sources = source::find(&[sample.join("AWSLogs").display().to_string()]).expect("the sample");
    let (table, coverage) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let grants = grants::load(&[sample.join("grants")]).expect("grants");
    let catalog = Catalog::embedded();
    let options = analysis::Options::of(&options());
    let found = analysis::analyse(catalog, &Archive::new(&table, &coverage), &grants, &options);
    let grade = |name: &str, action: &str| {
        let index = grants
            .principals
            .iter()
            .position(|principal| principal.name == name)
            .expect("a principal");
        let id = catalog.id(action).expect("an action");
        let grades = found.gaps[index].by_grade();
        grades
            .iter()
            .find(|(_, set)| set.contains(id))
            .map_or("not granted", |(grade, _)| grade.name())
    };
    // The claims of sample-logs/README.md, one a line.
    for (name, action, expected) in [
        ("shop-alb-controller", "elasticloadbalancing:RegisterTargets", "used"),
        ("shop-alb-controller", "ec2:CreateTags", "inferred"),
        ("shop-alb-controller", "shield:CreateProtection", "unused"),
        ("shop-external-dns", "route53:ChangeResourceRecordSets", "used"),
        ("shop-external-dns", "route53:DeleteHostedZone", "unused"),
        ("shop-external-secrets", "kms:Decrypt", "used"),
        ("shop-external-secrets", "secretsmanager:DeleteSecret", "unused"),
        ("shop-orders", "s3:GetObject", "used"),
        ("shop-orders", "dynamodb:GetItem", "unobservable"),
        ("shop-orders", "dynamodb:DeleteTable", "unused"),
        ("shop-node", "eks-auth:AssumeRoleForPodIdentity", "used"),
        ("shop-node", "s3:DeleteBucket", "unused"),
        ("ci-deploy", "lambda:UpdateFunctionCode", "used"),
        ("ci-deploy", "iam:PassRole", "inferred"),
        ("ci-deploy", "rds:CreateDBInstance", "denied-only"),
        ("ci-deploy", "iam:CreateAccessKey", "unused"),
        ("old-backup", "s3:DeleteBucket", "unused"),
        ("old-backup", "s3:GetObject", "unobservable"),
        ("nightly-report", "sns:Publish", "unobservable"),
        ("month-close", "rds:CreateDBSnapshot", "used"),
        ("thumbnailer", "s3:GetObject", "unobservable"),
        ("lake-ingest", "glue:PutResourcePolicy", "denied-only"),
        ("lake-ingest", "s3:DeleteBucket", "outside-coverage"),
        ("cost-export", "ce:StartCostAllocationTagBackfill", "outside-coverage"),
        ("data-reader", "glue:GetTable", "used"),
    ] {
        assert_eq!(grade(name, action), expected, "{name} {action}");
    }
    let records: u64 = coverage.records;
    let parts = [
        coverage.events_used,
        coverage.events_unmapped,
        coverage.events_unattributed,
        coverage.events_not_calls,
        coverage.records_skipped(),
    ];
    assert_eq!(records, parts.iter().sum::<u64>());
    // Three events and a file of nineteen come twice; the torn file hides how many it lost.
    assert_eq!(coverage.records_skipped(), 22);
    let whys: BTreeMap<String, u64> = coverage
        .skipped()
        .into_iter()
        .map(|(_, why, records)| (why, records))
        .collect();
    assert!(whys.keys().any(|why| why.contains("ends early")));
    assert_eq!((found.unfit.len(), found.refused.len()), (0, 0));
    let ready = found
        .proved
        .iter()
        .filter(|(proposal, _)| proposal.held.is_none())
        .count();
    // Three would lose the last write that they name of a service whose reads are used.
    // One more has nothing that may go, as what its torn file held is unknown.
    assert_eq!((ready, found.proved.len() - ready), (10, 7));
}
