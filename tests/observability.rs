//! What an archive can show and what it cannot: trails, changes to them, digests, and what is given beside the logs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use trimtrail::catalog::Catalog;
use trimtrail::coverage::Coverage;
use trimtrail::gap::{self, Gap, Grade};
use trimtrail::grants::{self, Grants, SupplementFiles};
use trimtrail::progress::Progress;
use trimtrail::report::{self, Inputs, Report};
use trimtrail::rightsize::{self, EvidenceLevel, Options};
use trimtrail::{source, usage, verify};

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
    json!({"RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
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
}

/// What an archive and the grants come to, before anything is suggested.
struct Read {
    table: usage::Table,
    coverage: Coverage,
    window: (i64, i64),
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
        };
        let options = usage::Options {
            threads: 2,
            exclude: self.exclude.clone(),
            ..usage::Options::default()
        };
        let (table, coverage) = usage::collect(&sources, &options, &Progress::silent()).expect("threads");
        let mut grants = grants::read(&[("grants".to_owned(), role(&self.statements).to_string())]).expect("grants");
        grants.supplements = supplements.load().expect("supplements");
        let window = coverage.span.expect("events");
        let gaps = gap::classify(Catalog::embedded(), &table, &grants, &coverage, window);
        Read {
            table,
            coverage,
            window,
            grants,
            gaps,
        }
    }

    fn run(&self) -> Report {
        let Read {
            table,
            coverage,
            window,
            grants,
            gaps,
        } = self.read();
        let catalog = Catalog::embedded();
        let options = Options {
            min_window: 7,
            evidence: self.evidence,
            ..Options::default()
        };
        let (proposals, _) = rightsize::propose(catalog, &table, &grants, &gaps, window, &options);
        let proved = proposals
            .into_iter()
            .map(|proposal| {
                let proved = verify::prove(catalog, &grants, &gaps, &proposal);
                let proved = proved.unwrap_or_else(|refused| panic!("{:?}", refused[0].1));
                (proposal, proved)
            })
            .collect();
        let report = report::build(Inputs {
            version: "0",
            catalog,
            table: &table,
            coverage: &coverage,
            grants: &grants,
            gaps: &gaps,
            window: Some(window),
            proved,
            refused: Vec::new(),
            alternatives: Vec::new(),
            impossible: Vec::new(),
            backtest: None,
            options: &options,
            shown: None,
        });
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

// ---- case 42

#[test]
fn case_42_without_data_events_object_reads_are_unobservable() {
    Case::of(full(), "s3:*", "*").check("s3:GetObject", Grade::Unobservable);
    Case::of(full(), "s3:*", "arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unobservable);
    // Management actions of the same service are not.
    Case::of(full(), "s3:*", "*").check("s3:DeleteBucket", Grade::Unused);
}

#[test]
fn case_42_data_events_of_bucket_a_judge_bucket_a_alone() {
    let mut events = full();
    events.push(object(5, "a", "GetObject"));
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unused);
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::b/*").check("s3:GetObject", Grade::Unobservable);
    Case::of(events.clone(), "s3:*", "*").check("s3:GetObject", Grade::Unobservable);
    // Both statements in one policy: the action shows the most protective, and the slice that differs.
    let mut case = Case::of(events, "s3:GetObject", "arn:aws:s3:::a/*");
    case.statements
        .push(statement(&json!("s3:GetObject"), &json!("arn:aws:s3:::b/*")));
    let report = case.run();
    let action = &report.principals[0].actions[0];
    assert_eq!(
        (action.action.as_str(), action.grade),
        ("s3:GetObject", Grade::Unobservable)
    );
    assert_eq!(action.by_resource.len(), 1);
    assert_eq!(action.by_resource[0].resources, ["arn:aws:s3:::a/*"]);
    assert_eq!(action.by_resource[0].grade, Grade::Unused);
}

#[test]
fn data_events_that_read_say_nothing_of_writes() {
    let mut events = full();
    events.push(object(5, "a", "GetObject"));
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::a/*").check("s3:PutObject", Grade::Unobservable);
    events.push(object(6, "a", "PutObject"));
    Case::of(events, "s3:*", "arn:aws:s3:::a/*").check("s3:PutObject", Grade::Unused);
}

#[test]
fn a_trail_told_to_log_bucket_a_judges_bucket_a_alone() {
    let mut events = full();
    events.push(object(5, "c", "GetObject"));
    let case = |resource: &str| Case {
        trail_config: trail(&basic("All", &[], &["arn:aws:s3:::a/"])),
        ..Case::of(events.clone(), "s3:*", resource)
    };
    case("arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unused);
    case("arn:aws:s3:::a").check("s3:ListBucket", Grade::Unused);
    case("arn:aws:s3:::b/*").check("s3:GetObject", Grade::Unobservable);
    case("*").check("s3:GetObject", Grade::Unobservable);
}

#[test]
fn a_configuration_does_not_speak_for_files_that_are_not_there() {
    // The trail logs objects, but the archive holds no such event of anyone: it may be another trail's.
    let case = Case {
        trail_config: trail(&basic("All", &[], &["arn:aws:s3"])),
        ..Case::of(full(), "s3:*", "*")
    };
    case.check("s3:GetObject", Grade::Unobservable);
}

// ---- case 43

#[test]
fn case_43_a_write_only_trail_shows_no_reads() {
    let case = || Case {
        trail_config: trail(&basic("WriteOnly", &[], &[])),
        ..Case::of(background(1..=14, false), "*", "*")
    };
    case().check("kms:Decrypt", Grade::Unobservable);
    case().check("ec2:DescribeVpcs", Grade::Unobservable);
    case().check("ec2:DeleteVpc", Grade::Unused);
    // Without the configuration nobody knows why there are none.
    Case::of(background(1..=14, false), "*", "*").check("kms:Decrypt", Grade::OutsideCoverage);
}

#[test]
fn case_43_a_trail_that_excludes_kms_does_not_show_it() {
    let case = || Case {
        trail_config: trail(&basic("All", &["kms.amazonaws.com"], &[])),
        ..Case::of(full(), "*", "*")
    };
    case().check("kms:Encrypt", Grade::Unobservable);
    case().check("ec2:DescribeVpcs", Grade::Unused);
}

#[test]
fn case_43_after_put_event_selectors_only_the_later_stretch_counts() {
    // From the 7th on the trail logs writes alone: reads of the days before prove nothing of those after.
    let mut events = [background(1..=7, true), background(8..=14, false)].concat();
    let selectors = json!({"trailName": "main", "eventSelectors": [{"readWriteType": "WriteOnly", "includeManagementEvents": true, "dataResources": []}]});
    events.push(change(7, "PutEventSelectors", &selectors));
    Case::of(events.clone(), "*", "*").check("kms:Encrypt", Grade::OutsideCoverage);
    Case::of(events.clone(), "*", "*").check("ec2:DeleteVpc", Grade::Unused);
    // The other way round: objects are logged from the 7th on.
    let mut events = full();
    let selectors = json!({"trailName": "main", "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": true,
        "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::a/"]}]}]});
    events.push(change(7, "PutEventSelectors", &selectors));
    events.push(object(9, "a", "GetObject"));
    let (grade, why) = Case::of(events, "s3:*", "arn:aws:s3:::a/*").grade("s3:GetObject");
    assert_eq!(grade, Grade::Unobservable);
    assert!(why.contains("2026-10-01T12:00Z to 2026-10-07T12:00Z"), "{why}");
}

#[test]
fn what_a_change_excludes_is_hidden_although_others_are_seen() {
    let mut events = full();
    let selectors = json!({"trailName": "main", "advancedEventSelectors": [
        {"fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}, {"field": "eventSource", "notEquals": ["kms.amazonaws.com"]}]}]});
    events.push(change(7, "PutEventSelectors", &selectors));
    Case::of(events.clone(), "*", "*").check("kms:Encrypt", Grade::Unobservable);
    Case::of(events, "*", "*").check("ec2:DescribeVpcs", Grade::Unused);
}

#[test]
fn a_selector_by_caller_hides_that_role_alone() {
    let selectors = |who: &str| {
        json!({"AdvancedEventSelectors": [
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
                {"Field": "userIdentity.arn", "NotStartsWith": [format!("arn:aws:sts::111122223333:assumed-role/{who}/")]}]}]})
    };
    let case = |who: &str| {
        let mut events = full();
        events.push(object(5, "a", "GetObject"));
        Case {
            trail_config: trail(&selectors(who)),
            ..Case::of(events, "s3:*", "arn:aws:s3:::a/*")
        }
    };
    case("app").check("s3:GetObject", Grade::Unobservable);
    case("other").check("s3:GetObject", Grade::Unused);
}

#[test]
fn the_hours_in_which_logging_was_stopped_are_a_hole() {
    let stopped = |hours: &[(u32, &str)]| {
        let mut events = full();
        for (day, name) in hours {
            events.push(change(*day, name, &json!({"name": TRAIL})));
        }
        Case::of(events, "*", "*")
    };
    // Events at noon of each day go on: another trail delivered them.
    stopped(&[(4, "StopLogging"), (8, "StartLogging")]).check("ec2:DeleteVpc", Grade::Unused);
    // An hour without any event between: what happened then nobody saw.
    let mut case = stopped(&[(4, "StopLogging")]);
    let mut start = change(4, "StartLogging", &json!({"name": TRAIL}));
    start["eventTime"] = json!("2026-10-04T15:00:00Z");
    case.events.push(start);
    let (grade, why) = case.grade("ec2:DeleteVpc");
    assert_eq!(grade, Grade::OutsideCoverage, "{why}");
    assert!(
        why.contains("was stopped from 2026-10-04T12:00Z to 2026-10-04T15:00Z"),
        "{why}"
    );
}

#[test]
fn a_trail_made_and_stopped_in_the_archives_time_leaves_no_hole() {
    let mut events = full();
    events.push(change(5, "CreateTrail", &json!({"name": "test"})));
    for (hour, name) in [(13, "StartLogging"), (14, "StopLogging"), (15, "DeleteTrail")] {
        let mut change = change(5, name, &json!({"name": "test"}));
        change["eventTime"] = json!(format!("2026-10-05T{hour}:00:00Z"));
        events.push(change);
    }
    Case::of(events, "*", "*").check("ec2:DeleteVpc", Grade::Unused);
}

#[test]
fn a_trail_that_is_changed_every_day_must_still_show_each_class() {
    let selectors = json!({"trailName": "main", "eventSelectors": [{"readWriteType": "WriteOnly", "includeManagementEvents": true}]});
    let changed = |reads: bool| {
        let mut events = background(1..=14, false);
        events.extend(background([1, 14].into_iter(), true));
        if reads {
            events.extend(background(2..=13, true));
        }
        events.extend((2..=13).map(|day| {
            let mut change = change(day, "PutEventSelectors", &selectors);
            change["eventTime"] = json!(format!("2026-10-{day:02}T13:00:00Z"));
            change
        }));
        Case::of(events, "ec2:*", "arn:aws:ec2:eu-west-1:111122223333:vpc/*")
    };
    changed(false).check("ec2:DescribeVpcAttribute", Grade::OutsideCoverage);
    changed(true).check("ec2:DescribeVpcAttribute", Grade::Unused);
}

#[test]
fn changes_within_a_day_do_not_excuse_what_was_never_seen() {
    let mut events = background([5].into_iter(), true);
    events.retain(|event| event["eventSource"] != "kms.amazonaws.com");
    for hour in [13, 14, 15] {
        let mut change = change(5, "UpdateTrail", &json!({"name": "main"}));
        change["eventTime"] = json!(format!("2026-10-05T{hour}:00:00Z"));
        events.push(change);
    }
    Case::of(events.clone(), "s3:*", "*").check("s3:GetObject", Grade::Unobservable);
    Case::of(events.clone(), "s3:*", "arn:aws:s3:::a/*").check("s3:GetObject", Grade::Unobservable);
    Case::of(events.clone(), "kms:*", "*").check("kms:Encrypt", Grade::OutsideCoverage);
    Case::of(events, "ec2:*", "*").check("ec2:DeleteVpc", Grade::Unused);
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
    let window = (
        coverage.span.expect("events").1 - 90 * 86_400,
        coverage.span.expect("events").1,
    );
    let gaps = gap::classify(catalog, &table, &grants, &coverage, window);
    let options = Options {
        evidence: EvidenceLevel::Aggressive,
        ..Options::default()
    };
    let (proposals, _) = rightsize::propose(catalog, &table, &grants, &gaps, window, &options);
    assert!(!proposals.is_empty());
    for proposal in proposals {
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

// ---- holes, digests, regions

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

/// Somebody's reads and writes every hour of the 1st to the 4th and of the 9th to the 14th.
fn with_a_silence() -> Vec<Value> {
    let mut events = background([1, 2, 3, 4, 9, 10, 11, 12, 13, 14].into_iter(), true);
    let mut more = Vec::new();
    for event in &events {
        for hour in [0, 6, 18, 23] {
            let mut event = event.clone();
            let day = event["eventTime"].as_str().expect("a time")[..10].to_owned();
            event["eventTime"] = json!(format!("{day}T{hour:02}:00:00Z"));
            event["eventID"] = json!(format!("{}-{hour}", event["eventID"]));
            more.push(event);
        }
    }
    events.extend(more);
    events
}

#[test]
fn a_long_silence_is_a_hole_unless_digests_or_the_configuration_account_for_it() {
    let case = || Case::of(with_a_silence(), "sqs:*", "arn:aws:sqs:eu-west-1:111122223333:q");
    case().check("sqs:DeleteQueue", Grade::OutsideCoverage);
    let mut quiet = case();
    quiet.digests = (5..=8)
        .flat_map(|day| (0..24).map(move |hour| digest(day, hour, &[])))
        .collect();
    quiet.check("sqs:DeleteQueue", Grade::Unused);
    let mut configured = case();
    configured.trail_config = trail(&basic("All", &[], &[]));
    configured.check("sqs:DeleteQueue", Grade::Unused);
}

#[test]
fn a_file_that_a_digest_names_and_that_is_not_there_is_a_hole() {
    let mut case = Case::of(full(), "sqs:*", "arn:aws:sqs:eu-west-1:111122223333:q");
    case.digests = vec![digest(5, 12, &["2026-10-05T12:00:00Z"])];
    case.check("sqs:DeleteQueue", Grade::Unused);
    case.digests = vec![digest(5, 13, &["2026-10-05T13:30:00Z"])];
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
    // No configuration fills that hole.
    case.trail_config = trail(&basic("All", &[], &[]));
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
}

#[test]
fn a_region_without_a_file_is_kept_and_goes_as_an_assumption_under_balanced() {
    let queue = "arn:aws:sqs:ap-south-1:111122223333:q";
    let mut case = Case::of(full(), "sqs:*", queue);
    case.events
        .push(by_app(event(3, "ec2", "DescribeVpcs", true, &json!({}))));
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
    assert!(case.run().suggestions.is_empty());
    case.evidence = EvidenceLevel::Balanced;
    let report = case.run();
    let suggestion = report.suggestions.first().expect("a suggestion");
    assert!(suggestion.removed_actions > 0);
    let assumed = |text: &&String| text.contains("no event of account 111122223333 in ap-south-1");
    assert!(
        suggestion.assumptions.iter().any(|text| assumed(&text)),
        "{:?}",
        suggestion.assumptions
    );
    // A trail in all regions does not say that its files are here.
    case.evidence = EvidenceLevel::Conservative;
    case.trail_config = trail(&basic("All", &[], &[]));
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
}

#[test]
fn a_trail_of_one_region_says_nothing_of_others() {
    let mut config = trail(&basic("All", &[], &[]));
    config[0]["trailList"][0]["IsMultiRegionTrail"] = json!(false);
    let mut case = Case::of(full(), "ec2:*", "arn:aws:ec2:eu-west-1:111122223333:vpc/*");
    case.trail_config = config.clone();
    case.check("ec2:DeleteVpc", Grade::Unused);
    let mut case = Case::of(full(), "ec2:*", "arn:aws:ec2:us-east-1:111122223333:vpc/*");
    case.trail_config = config;
    case.check("ec2:DeleteVpc", Grade::Unobservable);
}

// ---- last-accessed data

fn accessed(services: &Value) -> Vec<Value> {
    vec![json!({"Arn": ROLE, "JobStatus": "COMPLETED", "ServicesLastAccessed": services})]
}

#[test]
fn an_action_that_iam_saw_and_the_archive_does_not_is_inferred() {
    let mut case = Case::of(full(), "sqs:*", "*");
    case.check("sqs:CreateQueue", Grade::Unused);
    case.last_accessed = accessed(
        &json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-10-05T00:00:00Z",
        "TrackedActionsLastAccessed": [{"ActionName": "CreateQueue", "LastAccessedTime": "2026-10-05T00:00:00Z"}, {"ActionName": "DeleteQueue", "LastAccessedTime": "2025-10-05T00:00:00Z"}]}]),
    );
    case.check("sqs:CreateQueue", Grade::Inferred);
    case.check("sqs:DeleteQueue", Grade::Unused);
}

#[test]
fn a_service_that_iam_saw_and_nothing_explains_stays_whole() {
    let mut case = Case::of(full(), "ecr:Describe*", "*");
    let at = |time: &str| accessed(&json!([{"ServiceNamespace": "ecr", "LastAuthenticated": time}]));
    case.check("ecr:DescribeRepositories", Grade::Unused);
    case.last_accessed = at("2026-10-05T00:00:00Z");
    case.check("ecr:DescribeRepositories", Grade::OutsideCoverage);
    // Before the window, nobody asks.
    case.last_accessed = at("2026-05-05T00:00:00Z");
    case.check("ecr:DescribeRepositories", Grade::Unused);
    // A call that the archive shows explains it.
    case.events
        .push(by_app(event(5, "ecr", "DescribeImages", true, &json!({}))));
    case.last_accessed = at("2026-10-05T13:00:00Z");
    case.check("ecr:DescribeRepositories", Grade::Unused);
    // So does an action that no such archive could have shown.
    let mut case = Case::of(full(), "sqs:*", "*");
    case.last_accessed = accessed(&json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-10-05T00:00:00Z"}]));
    case.check("sqs:CreateQueue", Grade::Unused);
}

/// Whatever there is.
fn everything() -> Value {
    statement(&json!("*"), &json!("*"))
}

/// What `balanced` removes of one statement, and on what assumptions.
fn balanced(statements: &[Value], services: &Value) -> (Vec<String>, Vec<String>) {
    let mut case = Case {
        events: full(),
        statements: statements.to_vec(),
        last_accessed: accessed(services),
        evidence: EvidenceLevel::Balanced,
        ..Case::default()
    };
    case.events
        .push(by_app(event(3, "ec2", "RunInstances", false, &json!({}))));
    let outcome = case.run();
    let catalog = Catalog::embedded();
    let of_actions = outcome
        .suggestions
        .iter()
        .find(|suggestion| suggestion.step == "actions");
    let Some(suggestion) = of_actions else {
        return (Vec::new(), Vec::new());
    };
    let mut removed: Vec<String> = suggestion
        .removed
        .iter()
        .flat_map(|pattern| catalog.expand(pattern))
        .map(|action| catalog.name(action).to_owned())
        .collect();
    removed.sort();
    (removed, suggestion.assumptions.clone())
}

#[test]
fn balanced_removes_unobservable_actions_of_untouched_services_that_a_star_grants() {
    let never = json!([{"ServiceNamespace": "sqs"}, {"ServiceNamespace": "execute-api"}, {"ServiceNamespace": "iam"}, {"ServiceNamespace": "sts"}]);
    let (removed, assumptions) = balanced(&[everything()], &never);
    let goes = |action: &str| removed.iter().any(|known| known == action);
    assert!(goes("sqs:SendMessage"));
    assert!(
        assumptions.iter().any(|text| text.contains("AWS::SQS::Queue")),
        "{assumptions:?}"
    );
    // Nothing is known of SNS; connections and what other calls may need stay whatever IAM says.
    for kept in ["sns:Publish", "execute-api:Invoke", "iam:PassRole", "sts:TagSession"] {
        assert!(!goes(kept), "{kept}");
    }
    // Granted by its service or by name, or touched: it stays.
    let by_service = [statement(&json!("sqs:*"), &json!("*"))];
    assert!(!balanced(&by_service, &never).0.contains(&"sqs:SendMessage".to_owned()));
    let by_both = [statement(&json!(["*", "sqs:Send*"]), &json!("*"))];
    assert!(!balanced(&by_both, &never).0.contains(&"sqs:SendMessage".to_owned()));
    let touched = json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-01-01T00:00:00Z"}]);
    assert!(
        !balanced(&[everything()], &touched)
            .0
            .contains(&"sqs:SendMessage".to_owned())
    );
}

#[test]
fn balanced_without_last_accessed_data_is_conservative() {
    let (removed, _) = balanced(&[everything()], &json!([]));
    assert!(removed.contains(&"ec2:DeleteVpc".to_owned()));
    assert!(!removed.contains(&"sqs:SendMessage".to_owned()));
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
