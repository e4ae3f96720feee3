//! What an archive can show and what it cannot: trails, changes to them, digests, and what is given beside the logs.

mod accessed;
mod classes;
mod holes;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use trimtrail::inside::analysis::{self, Archive};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::coverage::Coverage;
use trimtrail::inside::gap::{Gap, Grade};
use trimtrail::inside::grants::{self, Grants, SupplementFiles};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::report::Report;
use trimtrail::inside::rightsize::{EvidenceLevel, Options};
use trimtrail::inside::time::{DAY, Window};
use trimtrail::inside::{source, usage};

use super::reported;

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const TRAIL: &str = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main";

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-observability-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    fn file(&self, name: &str, value: &Value) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, value.to_string()).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An event of somebody else on a day of October 2026, overridden by `more`.
fn event(day: u32, source: &str, name: &str, reads: bool, more: &Value) -> Value {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut event = json!({
        "eventVersion": "1.09", "eventTime": format!("2026-10-{day:02}T12:00:00Z"), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "eu-west-1", "eventID": format!("event-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "recipientAccountId": ACCOUNT,
        "readOnly": reads, "requestParameters": null, "responseElements": null, "sourceIPAddress": "192.0.2.1",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT}});
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// The same by a session of the role `app`.
fn by_app(mut event: Value) -> Value {
    event["userIdentity"] = json!({"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": ACCOUNT, "accessKeyId": "ASIAAPP",
        "arn": "arn:aws:sts::111122223333:assumed-role/app/s",
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": ROLE, "accountId": ACCOUNT, "userName": "app"}}});
    event
}

/// Reads and writes of somebody else on these days, and KMS among them.
fn background(days: impl Iterator<Item = u32>, reads: bool) -> Vec<Value> {
    let mut events = Vec::new();
    for day in days {
        for region in ["eu-west-1", "us-east-1"] {
            let region = json!({"awsRegion": region});
            events.push(event(day, "ec2", "CreateTags", false, &region));
            if reads {
                events.push(event(day, "ec2", "DescribeVpcs", true, &region));
                events.push(event(day, "kms", "Decrypt", true, &region));
            }
        }
    }
    events
}

fn full() -> Vec<Value> {
    background(1..=14, true)
}

/// A read or write of an object by somebody else.
fn object(day: u32, bucket: &str, name: &str) -> Value {
    event(
        day,
        "s3",
        name,
        name.starts_with("Get"),
        &json!({"eventCategory": "Data", "managementEvent": false, "requestParameters": {"bucketName": bucket, "key": "k"},
            "resources": [{"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/k")}, {"type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}"), "accountId": ACCOUNT}]}),
    )
}

fn statement(action: &Value, resource: &Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn role(statements: &[Value]) -> Value {
    role_of("2025-01-01T00:00:00Z", statements)
}

fn role_of(created: &str, statements: &[Value]) -> Value {
    json!({"RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/", "CreateDate": created,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}], "AttachedManagedPolicies": []}]})
}

/// An archive, what is granted, and what is given beside them.
#[derive(Default)]
struct Case {
    events: Vec<Value>,
    digests: Vec<Value>,
    statements: Vec<Value>,
    trail_config: Vec<Value>,
    last_accessed: Vec<Value>,
    org_policies: Vec<Value>,
    exclude: Vec<usage::ExcludeRule>,
    evidence: EvidenceLevel,
    /// When the role was made, where it matters.
    created: Option<&'static str>,
}

/// What an archive and the grants come to, before anything is suggested.
struct Read {
    table: usage::Table,
    coverage: Coverage,
    grants: Grants,
    gaps: Vec<Gap>,
}

impl Case {
    fn of(events: Vec<Value>, action: &str, resource: &str) -> Case {
        Case {
            events,
            statements: vec![statement(&json!(action), &json!(resource))],
            ..Case::default()
        }
    }

    fn read(&self) -> Read {
        let folder = Folder::new();
        folder.file("log.json", &json!({"Records": self.events}));
        for (number, digest) in self.digests.iter().enumerate() {
            folder.file(&format!("digest-{number}.json"), digest);
        }
        let sources = source::find(&[folder.0.display().to_string()]).expect("files");
        let beside = Folder::new();
        let files = |kind: &str, values: &[Value]| -> Vec<PathBuf> {
            let each = values.iter().enumerate();
            each.map(|(number, value)| beside.file(&format!("{kind}-{number}.json"), value))
                .collect()
        };
        let supplements = SupplementFiles {
            trail_config: files("trail", &self.trail_config),
            last_accessed: files("accessed", &self.last_accessed),
            credential_report: Vec::new(),
            org_policies: files("organization", &self.org_policies),
            ..SupplementFiles::default()
        };
        let options = usage::Options {
            threads: 2,
            exclude: self.exclude.clone(),
            ..usage::Options::default()
        };
        let (table, coverage) = usage::collect(&sources, &options, &Progress::silent()).expect("threads");
        let mut grants = grants::read(&[(
            "grants".to_owned(),
            role_of(self.created.unwrap_or("2025-01-01T00:00:00Z"), &self.statements).to_string(),
        )])
        .expect("grants");
        grants.supplements = supplements.load().expect("supplements");
        let gaps = analysis::gaps(Catalog::embedded(), &Archive::new(&table, &coverage), &grants, true);
        Read {
            table,
            coverage,
            grants,
            gaps,
        }
    }

    fn run(&self) -> Report {
        let Read {
            table,
            coverage,
            grants,
            ..
        } = self.read();
        let options = analysis::Options::of(&Options {
            min_window: 7,
            evidence: self.evidence,
            ..Options::default()
        });
        let report = reported((&table, &coverage), &grants, &options);
        let books = &report.coverage;
        assert_eq!(
            books.records,
            books.events_used
                + books.events_unmapped
                + books.events_unattributed
                + books.events_not_calls
                + books.skipped.iter().map(|skipped| skipped.records).sum::<u64>(),
            "the books close"
        );
        report
    }

    /// Grade and reason of an action: the most protective of all statements.
    fn grade(&self, action: &str) -> (Grade, String) {
        let read = self.read();
        let action = Catalog::embedded().id(action).expect("an action");
        let slices = read.gaps[0]
            .slices
            .iter()
            .filter(|slice| slice.granted.contains(action));
        let grades = slices.map(|slice| (slice.grade(action), slice.why(action)));
        grades.min().expect("it is granted")
    }

    #[track_caller]
    fn check(&self, action: &str, expected: Grade) {
        let (grade, why) = self.grade(action);
        assert_eq!(grade, expected, "{action}: {why}");
    }
}

/// The configuration of the trail `main`, in all regions.
fn trail(selectors: &Value) -> Vec<Value> {
    let mut selectors = selectors.clone();
    selectors["TrailARN"] = json!(TRAIL);
    let described = json!({"trailList": [{"Name": "main", "HomeRegion": "eu-west-1", "TrailARN": TRAIL, "IsMultiRegionTrail": true,
        "IncludeGlobalServiceEvents": true, "IsOrganizationTrail": false, "LogFileValidationEnabled": true}]});
    vec![described, selectors]
}

fn basic(read_write: &str, excluded: &[&str], s3: &[&str]) -> Value {
    json!({"EventSelectors": [{"ReadWriteType": read_write, "IncludeManagementEvents": true, "ExcludeManagementEventSources": excluded,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": s3}]}]})
}

fn change(day: u32, name: &str, request: &Value) -> Value {
    event(day, "cloudtrail", name, false, &json!({"requestParameters": request}))
}

fn digest(day: u32, hour: u32, files: &[&str]) -> Value {
    let end = format!("2026-10-{day:02}T{hour:02}:59:59Z");
    let files: Vec<Value> = files
        .iter()
        .map(|time| json!({"oldestEventTime": time, "newestEventTime": time}))
        .collect();
    json!({"awsAccountId": ACCOUNT, "digestStartTime": format!("2026-10-{day:02}T{hour:02}:00:00Z"), "digestEndTime": end,
        "digestS3Object": format!("AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-west-1/2026/10/{day:02}/{ACCOUNT}_CloudTrail-Digest_eu-west-1_main_eu-west-1_202610{day:02}T{hour:02}5959Z.json.gz"),
        "logFiles": files})
}

/// Whatever there is.
fn everything() -> Value {
    statement(&json!("*"), &json!("*"))
}

// ---- cases 44 to 46

#[test]
fn case_44_what_is_never_logged_is_kept() {
    Case::of(full(), "*", "*").check("logs:PutLogEvents", Grade::Unobservable);
    let mut case = Case::of(full(), "logs:*", "*");
    case.evidence = EvidenceLevel::Balanced;
    case.check("logs:PutLogEvents", Grade::Unobservable);
}

#[test]
fn case_45_a_young_role_is_not_shrunk() {
    let mut grants = role(&[statement(&json!("ec2:*"), &json!("*"))]);
    grants["RoleDetailList"][0]["CreateDate"] = json!("2026-09-24T00:00:00Z");
    let folder = Folder::new();
    let mut events = full();
    events.push(by_app(event(3, "ec2", "DescribeVpcs", true, &json!({}))));
    folder.file("log.json", &json!({"Records": events}));
    let sources = source::find(&[folder.0.display().to_string()]).expect("files");
    let (table, coverage) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let grants = grants::read(&[("g".to_owned(), grants.to_string())]).expect("grants");
    let catalog = Catalog::embedded();
    // The archive spans 90 days, the role 20.
    let end = coverage.span.expect("events").end;
    let archive = Archive {
        window: Some(Window {
            first: end - 90 * DAY,
            end,
        }),
        ..Archive::new(&table, &coverage)
    };
    let options = analysis::Options::of(&Options {
        evidence: EvidenceLevel::Aggressive,
        ..Options::default()
    });
    let found = analysis::analyse(catalog, &archive, &grants, &options);
    assert!(!found.proved.is_empty() && found.refused.is_empty());
    for (proposal, _) in found.proved {
        let held = proposal.held.unwrap_or_default();
        assert!(held.contains("20 days old, younger than --min-window 90d"), "{held}");
    }
}

#[test]
fn case_46_what_is_no_call_is_not_counted() {
    let mut events = full();
    let before = Case::of(events.clone(), "s3:DeleteBucket", "*")
        .run()
        .coverage
        .events_used;
    let insight = json!({"eventVersion": "1.07", "eventTime": "2026-10-03T12:00:00Z", "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight"});
    events.push(insight);
    for (category, kind) in [
        ("NetworkActivity", "AwsVpceEvent"),
        ("Aggregated", "AwsAggregatedEvent"),
    ] {
        events.push(by_app(event(
            3,
            "s3",
            "DeleteBucket",
            false,
            &json!({"eventCategory": category, "eventType": kind}),
        )));
    }
    let mut case = Case::of(events, "s3:DeleteBucket", "*");
    case.digests.push(digest(3, 12, &[]));
    let report = case.run();
    assert_eq!(report.coverage.events_used, before);
    assert_eq!(report.coverage.events_not_calls, 3);
    case.check("s3:DeleteBucket", Grade::Unused);
}

// ---- organization policies, excluded use

#[test]
fn organization_policies_are_an_attribute_and_never_a_reason() {
    let everything =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"}]});
    let only_sqs = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sqs:*", "iam:*"], "Resource": "*"}]});
    let rcp = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sqs:CreateQueue", "Resource": "*"}]});
    let mut case = Case::of(full(), "unused", "*");
    case.statements = vec![statement(
        &json!([
            "sqs:DeleteQueue",
            "sqs:CreateQueue",
            "sqs:AddPermission",
            "ec2:DeleteVpc"
        ]),
        &json!("*"),
    )];
    let before = case.run();
    case.org_policies = vec![
        json!({ACCOUNT: {"service_control_policies": [[everything, deny], [only_sqs]], "resource_control_policies": [[rcp]]}}),
    ];
    let after = case.run();
    assert!(!before.coverage.organization_policies);
    assert!(after.coverage.organization_policies);
    let blocked: BTreeMap<&str, Option<&str>> = after.principals[0]
        .actions
        .iter()
        .map(|action| (action.action.as_str(), action.blocked_by.as_deref()))
        .collect();
    let expected = [
        ("ec2:DeleteVpc", Some("scp")),
        ("sqs:AddPermission", None),
        ("sqs:CreateQueue", Some("rcp")),
        ("sqs:DeleteQueue", Some("scp")),
    ];
    assert_eq!(blocked, BTreeMap::from(expected));
    let grades = |report: &Report| {
        report.principals[0]
            .actions
            .iter()
            .map(|action| action.grade)
            .collect::<Vec<_>>()
    };
    assert_eq!(grades(&before), grades(&after));
    assert_eq!(before.suggestions, after.suggestions);
}

#[test]
fn excluded_use_is_no_use_and_is_told() {
    let mut attack = by_app(event(5, "ec2", "DescribeVpcs", true, &json!({})));
    attack["sourceIPAddress"] = json!("203.0.113.9");
    let mut case = Case::of(full(), "ec2:*", "*");
    case.events.push(attack);
    case.check("ec2:DescribeVpcs", Grade::Used);
    case.exclude = vec![usage::ExcludeRule {
        ip: Some("203.0.113.0/24".to_owned()),
        reason: "incident 7".to_owned(),
        ..usage::ExcludeRule::default()
    }];
    case.check("ec2:DescribeVpcs", Grade::Unused);
    let report = case.run();
    let excluded = &report.coverage.excluded;
    assert_eq!(excluded.len(), 1);
    assert_eq!(
        (excluded[0].rule.as_str(), excluded[0].events),
        ("use by ip 203.0.113.0/24: incident 7", 1)
    );
    assert!(
        report
            .coverage
            .skipped
            .iter()
            .any(|skipped| skipped.what == excluded[0].rule && skipped.records == 1)
    );
}
