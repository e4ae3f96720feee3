//! Files that are known and were not read whole, and days that an archive does not cover: nothing goes on their account.

mod digests;
mod grace;
mod nobodys;
mod parts;
mod verified;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";
/// Days of the archive, from 2025-06-01 to 2025-09-28.
const DAYS: i64 = 120;
/// The one day on which the role makes a queue, by its number.
const DAY: i64 = 60;
/// `DAY`, as file names write it.
const THAT_DAY: &str = "20250731";

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-lost-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, bytes).expect("a file");
        path
    }

    fn at(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn date(day: i64) -> Date {
    jiff::civil::date(2025, 6, 1) + day.days()
}

fn event(day: i64, minute: u32, source: &str, name: &str, reads: bool) -> Value {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    json!({
        "eventVersion": "1.09", "eventTime": format!("{}T11:{minute:02}:00Z", date(day)), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "us-east-1", "eventID": format!("event-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "recipientAccountId": ACCOUNT,
        "readOnly": reads, "requestParameters": {"queueName": "q"}, "responseElements": null, "sourceIPAddress": "192.0.2.1",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": ACCOUNT, "accessKeyId": "ASIAAPP",
            "arn": "arn:aws:sts::111122223333:assumed-role/app/s",
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": ROLE, "accountId": ACCOUNT, "userName": "app"}}}})
}

fn usual(day: i64) -> Vec<Value> {
    vec![
        event(day, 1, "ec2", "DescribeInstances", true),
        event(day, 2, "ec2", "CreateTags", false),
        event(day, 3, "kms", "ListKeys", true),
    ]
}

fn gzip(events: &[Value]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed
        .write_all(json!({"Records": events}).to_string().as_bytes())
        .expect("memory");
    packed.finish().expect("memory")
}

/// Where the file of a day lies that was delivered at noon.
fn key(day: i64, number: u32) -> String {
    let date = date(day);
    let folder = date.strftime("%Y/%m/%d");
    let compact = date.strftime("%Y%m%d");
    format!(
        "logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{folder}/{ACCOUNT}_CloudTrail_us-east-1_{compact}T1200Z_{number}.json.gz"
    )
}

fn grants(created: &Value) -> Value {
    json!({"RoleDetailList": [{"Arn": ROLE, "RoleName": "app", "RoleId": "AROAAPP", "Path": "/", "CreateDate": created,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": ["ec2:DescribeInstances", "ec2:CreateTags", "kms:ListKeys", "sqs:CreateQueue", "sns:CreateTopic"], "Resource": "*"}]}}],
        "AttachedManagedPolicies": []}]})
}

/// An archive of these days, a file a day, and what the role is granted.
fn archive(days: impl IntoIterator<Item = i64>) -> Folder {
    let folder = Folder::new();
    for day in days {
        folder.write(&key(day, 1), &gzip(&usual(day)));
    }
    folder.write(
        "grants.json",
        grants(&json!("2024-01-01T00:00:00Z")).to_string().as_bytes(),
    );
    folder
}

/// The same of all days, with the queue made on the one day in a file of its own.
fn whole() -> Folder {
    let folder = archive(0..DAYS);
    folder.write(&key(DAY, 2), &gzip(&[event(DAY, 30, "sqs", "CreateQueue", false)]));
    folder
}

fn trimtrail(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRIMTRAIL_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command.args(arguments).output().expect("the program")
}

struct Answer {
    /// What goes, of suggestions that are not held.
    ready: Vec<String>,
    held: Vec<String>,
    gaps: Vec<Value>,
    assumptions: String,
    said: String,
    code: Option<i32>,
}

fn analyze(folder: &Folder, more: &[&str]) -> Answer {
    let (logs, grants) = (folder.at("logs"), folder.at("grants.json"));
    let usage = if more.contains(&"--ledger") {
        vec![]
    } else {
        vec!["--logs", &logs]
    };
    let head = ["analyze", "--grants", &grants, "--format", "json", "--strict"];
    let output = trimtrail(&[&head[..], &usage, more].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let suggestions = result["suggestions"].as_array().expect("a list");
    let removed = |suggestion: &Value| -> Vec<String> {
        let removed = suggestion["removed"].as_array().expect("a list").iter();
        removed
            .map(|action| action.as_str().expect("a text").to_owned())
            .collect()
    };
    Answer {
        ready: suggestions
            .iter()
            .filter(|suggestion| suggestion["held"].is_null())
            .flat_map(removed)
            .collect(),
        held: suggestions
            .iter()
            .filter_map(|suggestion| Some(suggestion["held"].as_str()?.to_owned()))
            .collect(),
        gaps: result["coverage"]["gaps"].as_array().expect("a list").clone(),
        assumptions: suggestions
            .iter()
            .map(|suggestion| suggestion["assumptions"].to_string())
            .collect(),
        said,
        code: output.status.code(),
    }
}

/// Nothing goes, and it is said where, why and how to go on.
#[track_caller]
fn check_hole(answer: &Answer) {
    assert_eq!(answer.ready, [""; 0], "{}", answer.said);
    let gap = answer.gaps.first().expect("a gap");
    assert_eq!(
        (&gap["account"], &gap["region"], &gap["from"], &gap["to"]),
        (
            &json!(ACCOUNT),
            &json!("us-east-1"),
            &json!("2025-07-31T11:00:00Z"),
            &json!("2025-07-31T13:00:00Z")
        )
    );
    assert!(gap["why"].as_str().expect("a text").contains(THAT_DAY), "{gap}");
    assert!(answer.said.contains("--accept-loss"), "{}", answer.said);
    assert_eq!(answer.code, Some(10), "--strict: {}", answer.said);
}

#[test]
fn what_was_not_used_in_whole_files_goes() {
    let answer = analyze(&whole(), &[]);
    assert_eq!(answer.ready, ["sns:CreateTopic"], "{:?}", answer.held);
    assert_eq!((answer.gaps.len(), answer.code), (0, Some(0)));
}

#[test]
fn a_file_that_cannot_be_read_whole_changes_no_verdict() {
    let folder = whole();
    let file = key(DAY, 2);
    let good = gzip(&[event(DAY, 30, "sqs", "CreateQueue", false)]);
    let mut bad_checksum = good.clone();
    let at = bad_checksum.len() - 6;
    bad_checksum[at] ^= 1;
    let mut damaged = good.clone();
    damaged[20..60].fill(0xFF);
    let text = json!({"Records": [event(DAY, 30, "sqs", "CreateQueue", false)]}).to_string();
    let mut unnamed = event(DAY, 30, "sqs", "CreateQueue", false);
    unnamed["eventName"] = json!(null);
    let mut untimed = event(DAY, 30, "sqs", "CreateQueue", false);
    untimed["eventTime"] = json!(null);
    let mut mistimed = untimed.clone();
    mistimed["eventTime"] = json!("yesterday");
    let mut placeless = event(DAY, 30, "sqs", "CreateQueue", false);
    placeless["awsRegion"] = json!(null);
    let in_text = event(DAY, 30, "sqs", "CreateQueue", false).to_string();
    let time = "2025-07-31T11:30:00Z";
    for (kind, bytes) in [
        ("torn", good[..good.len() / 2].to_vec()),
        ("torn in its first bytes", good[..10].to_vec()),
        ("bad checksum", bad_checksum),
        ("damaged", damaged),
        ("empty", Vec::new()),
        ("text that is torn", text.as_bytes()[..text.len() / 2].to_vec()),
        ("events of an API and none", b"{\"Events\": []}".to_vec()),
        ("no event", b"{\"Records\": []}".to_vec()),
        ("not JSON", b"<html>503 Slow Down</html>".to_vec()),
        ("no trail's file", b"{\"message\": \"Access Denied\"}".to_vec()),
        ("a record that cannot be read", gzip(&[usual(DAY)[0].clone(), unnamed])),
        ("a record without its time", gzip(&[usual(DAY)[0].clone(), untimed])),
        ("a time that is none", gzip(&[mistimed])),
        ("no record", gzip(&[json!(null)])),
        ("a record that is written as text", gzip(&[json!(in_text)])),
        ("an empty record", gzip(&[json!({})])),
        ("a record without its region", gzip(&[placeless])),
        (
            "a notice of S3",
            gzip(&[json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": time})]),
        ),
        (
            "Insights",
            gzip(&[json!({"eventCategory": "Insight", "eventTime": time, "awsRegion": "us-east-1"})]),
        ),
        (
            "a digest",
            br#"{"digestS3Bucket": "b", "digestStartTime": "2025-07-31T11:00:00Z", "logFiles": []}"#.to_vec(),
        ),
    ] {
        folder.write(&file, &bytes);
        println!("{kind}");
        check_hole(&analyze(&folder, &[]));
    }
}

/// The same in a file of which nothing tells whose it is: what all others prove stands.
#[test]
fn a_record_without_its_time_in_a_file_of_any_name_silences_nothing() {
    let folder = whole();
    let mut untimed = event(DAY, 30, "sqs", "CreateQueue", false);
    untimed["eventTime"] = json!(null);
    folder.write(
        "logs/extra.json",
        json!({"Records": [untimed, null]}).to_string().as_bytes(),
    );
    let answer = analyze(&folder, &[]);
    assert_eq!(
        (answer.ready, answer.gaps.len()),
        (vec!["sns:CreateTopic".to_owned()], 0)
    );
}

#[test]
fn a_torn_file_that_lies_in_the_place_of_another_account_is_a_hole_of_both() {
    let folder = whole();
    std::fs::remove_file(folder.0.join(key(DAY, 2))).expect("a file");
    let moved = key(DAY, 2).replace(ACCOUNT, "444455556666");
    let text = json!({"Records": [usual(DAY)[0], event(DAY, 30, "sqs", "CreateQueue", false)]}).to_string();
    folder.write(&moved, &text.as_bytes()[..text.len() - 60]);
    let answer = analyze(&folder, &[]);
    assert_eq!((answer.ready, answer.code), (Vec::new(), Some(10)), "{}", answer.said);
}

#[test]
fn two_files_torn_before_they_differ_are_two_holes() {
    let folder = whole();
    let head = gzip(&usual(0))[..10].to_vec();
    folder.write(&key(DAY - 30, 1), &head);
    folder.write(&key(DAY, 2), &head);
    let answer = analyze(&folder, &[]);
    let from: Vec<&Value> = answer.gaps.iter().map(|gap| &gap["from"]).collect();
    assert_eq!(from, [&json!("2025-07-01T11:00:00Z"), &json!("2025-07-31T11:00:00Z")]);
    assert_eq!(answer.ready, [""; 0]);
}

#[test]
fn half_of_all_files_torn_leaves_nothing_to_go() {
    let folder = whole();
    for day in (0..DAYS).filter(|day| day % 2 == 0) {
        let bytes = gzip(&usual(day));
        folder.write(&key(day, 1), &bytes[..bytes.len() / 2]);
    }
    let answer = analyze(&folder, &[]);
    assert_eq!((answer.ready, answer.code), (Vec::new(), Some(10)));
    assert_eq!(
        answer
            .said
            .lines()
            .filter(|line| line.contains("not read whole"))
            .count(),
        1
    );
    assert!(answer.gaps.len() >= 60, "{}", answer.gaps.len());
}

#[test]
fn the_last_file_counts_although_no_event_is_as_late() {
    let folder = archive(0..DAYS);
    folder.write(&key(DAYS, 1), b"");
    let answer = analyze(&folder, &[]);
    assert_eq!((answer.ready, answer.gaps.len()), (Vec::new(), 1));
}

#[test]
fn a_loss_that_is_accepted_is_an_assumption_and_no_hole() {
    let folder = whole();
    folder.write(&key(DAY, 2), b"");
    for accepted in ["2025-07-31", "2025-07-01..2025-07-31", "*_20250731T1200Z_2.json.gz"] {
        let answer = analyze(&folder, &["--accept-loss", accepted]);
        assert_eq!(answer.ready, ["sns:CreateTopic", "sqs:CreateQueue"], "{accepted}");
        assert_eq!((answer.gaps.len(), answer.code), (0, Some(0)), "{accepted}");
        assert!(answer.assumptions.contains("--accept-loss"), "{}", answer.assumptions);
        assert_eq!(answer.said, "", "{accepted}");
    }
    check_hole(&analyze(&folder, &["--accept-loss", "2025-08-01..2025-08-31"]));
}

#[test]
fn a_loss_outside_what_is_asked_for_is_none() {
    let folder = whole();
    folder.write(&key(DAY, 2), b"");
    folder.write(
        "logs/AWSLogs/444455556666/CloudTrail/us-east-1/2025/07/31/444455556666_CloudTrail_us-east-1_20250731T1200Z_1.json.gz",
        b"",
    );
    for asked in [
        &["--since", "2025-08-01", "--min-window", "30d"][..],
        &["--until", "2025-07-31", "--min-window", "30d"],
    ] {
        let answer = analyze(&folder, asked);
        assert_eq!(answer.ready, ["sns:CreateTopic", "sqs:CreateQueue"], "{asked:?}");
        assert_eq!(answer.code, Some(0), "{asked:?}: {}", answer.said);
    }
    folder.write(&key(DAY, 2), &gzip(&[event(DAY, 30, "sqs", "CreateQueue", false)]));
    let answer = analyze(&folder, &[]);
    assert_eq!(answer.ready, ["sns:CreateTopic"], "another account's loss is its own");
    assert_eq!((answer.gaps.len(), answer.code), (1, Some(10)));
    let answer = analyze(&folder, &["--account", ACCOUNT]);
    assert_eq!((answer.gaps.len(), answer.code), (0, Some(0)));
}

#[test]
fn what_no_trail_wrote_is_no_loss() {
    let folder = whole();
    let day = format!("logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2025/07/31");
    folder.write(&format!("{day}/notes.txt"), b"ask ada");
    folder.write("logs/README.md", b"what lies here");
    folder.write("logs/inventory.json", b"{\"owner\": \"ada\"}");
    folder.write(
        &format!("logs/AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2025/07/31/{ACCOUNT}_CloudTrail-Digest_us-east-1_main_us-east-1_20250731T120000Z.json.gz"),
        b"\x1f\x8b",
    );
    folder.write(
        &format!("logs/AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/2025/07/31/x.log.gz"),
        b"\x1f\x8b",
    );
    let answer = analyze(&folder, &[]);
    assert_eq!(
        (answer.ready, answer.code),
        (vec!["sns:CreateTopic".to_owned()], Some(0))
    );
}

#[test]
fn a_torn_file_whose_name_tells_nothing_may_have_held_anything_of_its_account() {
    let folder = whole();
    let torn = gzip(
        &(0..200)
            .map(|at| event(3, at % 60, "ec2", "DescribeInstances", true))
            .collect::<Vec<_>>(),
    );
    folder.write("logs/export.json.gz", &torn[..torn.len() / 2]);
    let answer = analyze(&folder, &[]);
    assert_eq!((answer.ready, answer.code), (Vec::new(), Some(10)));
    assert!(answer.said.contains("export.json.gz"), "{}", answer.said);
    let accepted = analyze(&folder, &["--accept-loss", "export.json.gz"]);
    assert_eq!(accepted.ready, ["sns:CreateTopic"]);
}

#[cfg(feature = "polars")]
#[test]
fn a_ledger_remembers_a_loss_until_the_file_is_read() {
    let folder = whole();
    let ledger = folder.at("ledger");
    let (logs, file) = (folder.at("logs"), key(DAY, 2));
    let good = fs::read(folder.0.join(&file)).expect("a file");
    let collect = || {
        let output = trimtrail(&["-q", "collect", "--logs", &logs, "--ledger", &ledger]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let ask = || analyze(&folder, &["--ledger", &ledger]);
    folder.write(&file, &good[..good.len() / 2]);
    collect();
    check_hole(&ask());
    // The file went meanwhile, and others came.
    fs::remove_file(folder.0.join(&file)).expect("it was there");
    folder.write(&key(DAYS, 1), &gzip(&usual(DAYS)));
    collect();
    check_hole(&ask());
    folder.write(&file, &good);
    collect();
    let answer = ask();
    assert_eq!(answer.ready, ["sns:CreateTopic"]);
    assert_eq!((answer.gaps.len(), answer.code), (0, Some(0)), "{:?}", answer.gaps);
}

#[test]
fn coverage_shows_the_hole_and_fails_where_it_is_strict() {
    let folder = whole();
    folder.write(&key(DAY, 2), b"");
    let output = trimtrail(&["coverage", "--logs", &folder.at("logs"), "--strict"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Holes: 1"), "{text}");
    assert_eq!(output.status.code(), Some(10));
}

#[test]
fn a_principal_of_unknown_age_is_held() {
    let folder = whole();
    // What tools write for a date that they do not know comes before IAM.
    let unknown = ["yesterday", "", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"];
    for created in unknown.map(|date| json!(date)).into_iter().chain([json!(null)]) {
        folder.write("grants.json", grants(&created).to_string().as_bytes());
        let answer = analyze(&folder, &[]);
        assert_eq!(answer.ready, [""; 0], "{created}");
        assert!(
            answer.held.iter().all(|why| why.contains("age unknown")),
            "{:?}",
            answer.held
        );
        assert!(!answer.held.is_empty());
    }
}

#[test]
fn seven_days_from_midnight_to_midnight_are_seven() {
    let asked = ["--since", "2025-08-01", "--until", "2025-08-08", "--min-window"];
    let folder = whole();
    assert_eq!(analyze(&folder, &[&asked[..], &["7d"]].concat()).held, [""; 0]);
    let answer = analyze(&folder, &[&asked[..], &["8d"]].concat());
    assert_eq!(answer.ready, [""; 0]);
    assert!(
        answer.held[0].contains("7 days, less than --min-window 8d"),
        "{:?}",
        answer.held
    );
}

#[test]
fn a_span_that_nobody_means_is_a_usage_error() {
    for flag in ["--min-window", "--grace", "--since"] {
        let output = trimtrail(&[
            "analyze",
            "--logs",
            "sample-logs",
            "--grants",
            "sample-logs/grants",
            flag,
            "106751991167301d",
        ]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("more than 36500 days"), "{flag}: {said}");
        assert!(!said.contains("panicked"), "{flag}");
        assert_ne!(output.status.code(), Some(0), "{flag}");
    }
}

#[test]
fn a_stray_event_half_a_year_earlier_makes_no_window() {
    // Half a year is granted to be a usual gap by nothing.
    let folder = archive([0].into_iter().chain(160..180));
    let answer = analyze(&folder, &["--evidence", "aggressive"]);
    assert_eq!(answer.ready, [""; 0]);
    assert!(answer.held[0].contains("covers 20 of 180 days"), "{:?}", answer.held);
}

#[test]
fn the_configuration_of_a_trail_makes_no_days() {
    let folder = archive((0..10).chain(170..180));
    folder.write(
        "trail.json",
        json!({"trailList": [{"Name": "main", "HomeRegion": "us-east-1", "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
            "TrailARN": format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"), "S3BucketName": "b"}]})
        .to_string()
        .as_bytes(),
    );
    folder.write(
        "selectors.json",
        json!({"TrailARN": format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"),
            "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": []}]})
        .to_string()
        .as_bytes(),
    );
    let (trail, selectors) = (folder.at("trail.json"), folder.at("selectors.json"));
    let answer = analyze(&folder, &["--trail-config", &trail, "--trail-config", &selectors]);
    assert_eq!(answer.ready, [""; 0]);
    assert_eq!(answer.gaps.len(), 1);
}

#[test]
fn a_quiet_stream_is_whole() {
    // A file a week, each week.
    let folder = archive((0..DAYS).filter(|day| day % 7 == 0));
    let answer = analyze(&folder, &[]);
    assert_eq!(
        (answer.ready, answer.gaps.len()),
        (vec!["sns:CreateTopic".to_owned(), "sqs:CreateQueue".to_owned()], 0),
        "{:?}",
        answer.held
    );
}

#[test]
fn a_backtest_is_cut_among_the_days_that_are_covered() {
    let folder = archive((0..10).chain(170..180));
    let (logs, grants) = (folder.at("logs"), folder.at("grants.json"));
    let output = trimtrail(&[
        "backtest", "--logs", &logs, "--grants", &grants, "--learn", "0.75", "--format", "json",
    ]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&answer["cut"], &answer["learnt_days"], &answer["replayed_days"]),
        (&json!("2025-11-23"), &json!(15), &json!(5))
    );
}

#[test]
fn a_file_that_a_digest_names_and_that_is_gone_is_a_hole_beside_others_of_its_hour() {
    let folder = whole();
    let named = [key(DAY, 1), key(DAY, 2)].map(|key| key.replace("logs/", ""));
    let files: Vec<Value> = named
        .iter()
        .map(|key| {
            json!({"s3Bucket": "b", "s3Object": key, "hashValue": "00", "hashAlgorithm": "SHA-256",
                "oldestEventTime": "2025-07-31T11:01:00Z", "newestEventTime": "2025-07-31T11:30:00Z"})
        })
        .collect();
    let name = format!(
        "AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2025/07/31/{ACCOUNT}_CloudTrail-Digest_us-east-1_main_us-east-1_20250731T123000Z.json.gz"
    );
    let digest = json!({"awsAccountId": ACCOUNT, "digestStartTime": "2025-07-31T11:30:00Z", "digestEndTime": "2025-07-31T12:30:00Z",
        "digestS3Bucket": "b", "digestS3Object": name, "logFiles": files});
    folder.write(&format!("logs/{name}"), digest.to_string().as_bytes());
    let answer = analyze(&folder, &[]);
    assert_eq!(
        (answer.ready, answer.code),
        (vec!["sns:CreateTopic".to_owned()], Some(0))
    );
    fs::remove_file(folder.0.join(key(DAY, 2))).expect("it was there");
    let answer = analyze(&folder, &[]);
    assert_eq!((answer.ready, answer.code), (Vec::new(), Some(10)));
    assert!(answer.said.contains("a digest names it"), "{}", answer.said);
}
