//! Evidence that one event, one file or one stranger cannot bend, through the real program.

mod sessions;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/app";

/// A folder that goes when the test does.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-evidence-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One call of the role, in the given hour since the beginning of October.
pub(super) fn call(hour: i64, service: &str, name: &str, more: &Value) -> Value {
    let time = jiff::Timestamp::from_second(1_790_812_800 + hour * 3600).expect("a time");
    let mut event = json!({
        "eventVersion": "1.09", "eventTime": time.to_string(), "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
        "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli/2", "eventID": format!("e-{service}-{name}-{hour}"),
        "requestParameters": null, "responseElements": null, "eventType": "AwsApiCall", "managementEvent": true, "readOnly": name.starts_with("List"),
        "recipientAccountId": "111122223333", "eventCategory": "Management",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": "111122223333", "accessKeyId": "ASIAAPP",
            "arn": "arn:aws:sts::111122223333:assumed-role/app/s",
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": ROLE, "accountId": "111122223333", "userName": "app"}}}});
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// Fifty hours of reads and writes, so that the archive could show management events.
pub(super) fn background() -> Vec<Value> {
    let hours = 0..50;
    hours
        .flat_map(|hour| {
            [
                call(hour, "sns", "ListTopics", &json!({})),
                call(hour, "sns", "CreateTopic", &json!({"requestParameters": {"name": "t"}})),
            ]
        })
        .collect()
}

pub(super) fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A role that may do this.
pub(super) fn grants(actions: &[&str]) -> String {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
    json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": [{
        "Path": "/", "RoleName": "app", "RoleId": "AROAAPP", "Arn": ROLE, "CreateDate": "2020-01-01T00:00:00Z", "AttachedManagedPolicies": [],
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}]}]})
    .to_string()
}

pub(super) fn trimtrail(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trimtrail"))
        .args(arguments)
        .env_remove("TRIMTRAIL_CONFIG")
        .output()
        .expect("the program runs")
}

/// `result.json` of these logs and grants.
pub(super) fn analyze(folder: &Folder, logs: &str, actions: &[&str], more: &[&str]) -> Value {
    let grants = folder.write("grants.json", &grants(actions));
    let mut arguments = vec!["analyze", "--logs", logs, "--grants", &grants, "--format", "json"];
    arguments.extend(["--min-window", "0d", "--grace", "0d"]);
    arguments.extend(more);
    let output = trimtrail(&arguments);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Everything that suggestions which are not held take away.
pub(super) fn removed(result: &Value) -> Vec<String> {
    let suggestions = result["suggestions"].as_array().expect("a list").iter();
    let ready = suggestions.filter(|suggestion| suggestion["held"].is_null());
    let removed = ready.flat_map(|suggestion| suggestion["removed"].as_array().expect("a list").clone());
    let mut removed: Vec<String> = removed
        .map(|action| action.as_str().expect("a string").to_owned())
        .collect();
    removed.sort();
    removed.dedup();
    removed
}

/// Records and everything that they were booked under.
#[track_caller]
fn check_books(result: &Value) {
    let coverage = &result["coverage"];
    let number = |name: &str| coverage[name].as_u64().expect("a number");
    let skipped = coverage["skipped"].as_array().expect("a list").iter();
    let skipped: u64 = skipped
        .map(|skipped| skipped["records"].as_u64().expect("a number"))
        .sum();
    let booked = [
        "events_used",
        "events_unmapped",
        "events_unattributed",
        "events_not_calls",
    ]
    .map(number);
    assert_eq!(number("records"), booked.iter().sum::<u64>() + skipped, "{coverage:#}");
}

/// What was skipped for a reason that holds this.
fn skipped<'r>(result: &'r Value, why: &str) -> Vec<&'r str> {
    let all = result["coverage"]["skipped"].as_array().expect("a list").iter();
    let fitting = all.filter(|skipped| skipped["why"].as_str().is_some_and(|text| text.contains(why)));
    fitting.filter_map(|skipped| skipped["what"].as_str()).collect()
}

const GRANTED: [&str; 3] = ["sns:ListTopics", "sns:CreateTopic", "sqs:DeleteQueue"];

fn delete(hour: i64, id: &str) -> Value {
    call(
        hour,
        "sqs",
        "DeleteQueue",
        &json!({"eventID": id, "requestParameters": {"queueUrl": format!("https://q/{hour}")}}),
    )
}

#[test]
fn events_of_a_scrubbed_archive_all_count() {
    let folder = Folder::new();
    let mut events = background();
    events.extend((0..50).map(|hour| delete(hour, "REDACTED")));
    for event in &mut events {
        event["eventID"] = json!("REDACTED");
    }
    let logs = folder.write("l.json", &lines(&events));
    let result = analyze(&folder, &logs, &GRANTED, &[]);
    assert_eq!(result["coverage"]["events_used"], 150);
    assert_eq!(result["coverage"]["events_sharing_id"], 149);
    assert_eq!(removed(&result), [""; 0]);
    check_books(&result);
    let coverage = trimtrail(&["coverage", "--logs", &logs]);
    let text = String::from_utf8_lossy(&coverage.stdout).into_owned();
    assert!(text.contains("149 events have the id of another one"), "{text}");
}

#[test]
fn event_read_from_two_wrappers_counts_once() {
    let folder = Folder::new();
    let mut events = background();
    events.push(delete(1, "d"));
    folder.write("logs/a.json", &json!({"Records": events}).to_string());
    folder.write(
        "logs/b.json",
        &format!(
            "{:#}",
            json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.sqs", "detail": delete(1, "d")})
        ),
    );
    folder.write(
        "logs/c.json",
        &json!({"Events": [{"EventId": "d", "CloudTrailEvent": format!("{:#}", delete(1, "d"))}]}).to_string(),
    );
    let result = analyze(&folder, &folder.path("logs"), &GRANTED, &[]);
    assert_eq!(result["coverage"]["events_used"], 101);
    assert_eq!(result["coverage"]["events_sharing_id"], 0);
    check_books(&result);
}

#[test]
fn user_agent_and_session_name_hide_nobody() {
    for more in [
        json!({"userAgent": "aws-sdk-rust/1.3 app/trimtrail-9.9"}),
        json!({"userIdentity": {"type": "AssumedRole", "principalId": "AROAAPP:trimtrail-1", "accountId": "111122223333", "accessKeyId": "ASIAAPP",
            "arn": "arn:aws:sts::111122223333:assumed-role/app/trimtrail-1",
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": ROLE, "accountId": "111122223333", "userName": "app"}}}}),
    ] {
        let folder = Folder::new();
        let mut events = background();
        events.extend((0..50).map(|hour| call(hour, "organizations", "ListRoots", &more)));
        let logs = folder.write("l.json", &lines(&events));
        let result = analyze(
            &folder,
            &logs,
            &["sns:ListTopics", "sns:CreateTopic", "organizations:ListRoots"],
            &[],
        );
        assert_eq!(removed(&result), [""; 0], "{more}");
        assert_eq!(result["coverage"]["events_used"], 150);
    }
}

#[test]
fn principal_that_runs_the_program_is_named_and_left_as_it_is() {
    let folder = Folder::new();
    let logs = folder.write("l.json", &lines(&background()));
    assert_eq!(removed(&analyze(&folder, &logs, &GRANTED, &[])), ["sqs:DeleteQueue"]);
    for own in [
        "app",
        ROLE,
        "arn:aws:sts::111122223333:assumed-role/app/trimtrail-0.1.0",
    ] {
        let result = analyze(&folder, &logs, &GRANTED, &["--own", own]);
        assert_eq!(removed(&result), [""; 0], "{own}");
        assert_eq!(
            result["coverage"]["own"],
            json!([{"principal": ROLE, "calls": 100}]),
            "{own}"
        );
    }
    for other in [
        "ap",
        "arn:aws:iam::444455556666:role/app",
        "arn:aws:iam::111122223333:user/app",
    ] {
        let result = analyze(&folder, &logs, &GRANTED, &["--own", other]);
        assert_eq!(removed(&result), ["sqs:DeleteQueue"], "{other}");
    }
    let config = folder.write("trimtrail.toml", "own = [\"app\"]\n");
    assert_eq!(
        removed(&analyze(&folder, &logs, &GRANTED, &["--config", &config])),
        [""; 0]
    );
}

#[test]
fn event_of_an_impossible_time_or_region_decides_nothing_and_is_listed() {
    let odd = [
        (
            json!({"eventTime": "0001-01-01T00:00:00Z"}),
            "before CloudTrail existed",
        ),
        (
            json!({"eventTime": "1969-12-31T23:59:59Z"}),
            "before CloudTrail existed",
        ),
        (json!({"eventTime": "2099-06-01T00:00:00Z"}), "later than the present"),
        (json!({"eventTime": "9999-12-31T23:59:59Z"}), "later than the present"),
        (json!({"awsRegion": "xx-nowhere-1"}), "no partition"),
        (
            json!({"awsRegion": "xx-nowhere-1", "eventTime": "2015-01-01T00:00:00Z"}),
            "no partition",
        ),
        (json!({"awsRegion": ""}), "no partition"),
        (json!({"awsRegion": null}), "no partition"),
        (json!({"awsRegion": "us-east-1\u{1b}[31m"}), "no partition"),
        (
            json!({"awsRegion": "xx", "eventSource": "new.amazonaws.com"}),
            "no partition",
        ),
        (
            json!({"awsRegion": "xx", "eventType": "AwsServiceEvent"}),
            "no partition",
        ),
        (
            json!({"eventTime": "-0001-01-01T00:00:00Z"}),
            "eventTime is missing or no time",
        ),
        (
            json!({"eventTime": "0000-01-01T00:00:00+12:00"}),
            "eventTime is missing or no time",
        ),
    ];
    let folder = Folder::new();
    let clean = folder.write("clean.json", &lines(&background()));
    let window = analyze(&folder, &clean, &GRANTED, &[])["window"].clone();
    for (more, why) in odd {
        let mut events = background();
        events.push(call(7, "sqs", "ListQueues", &more));
        let logs = folder.write("l.json", &lines(&events));
        let result = analyze(&folder, &logs, &GRANTED, &[]);
        assert_eq!(removed(&result), ["sqs:DeleteQueue"], "{more}");
        assert_eq!(result["window"], window, "{more}");
        assert_eq!(result["coverage"]["regions"], json!(["eu-west-1"]), "{more}");
        assert_eq!(skipped(&result, why).len(), 1, "{more}: {}", result["coverage"]);
        check_books(&result);
    }
}

#[test]
fn region_that_several_events_show_is_one_whatever_its_name() {
    let folder = Folder::new();
    let events: Vec<Value> = background()
        .into_iter()
        .map(|mut event| {
            event["awsRegion"] = json!("apiso-northsouth-3r");
            event
        })
        .collect();
    let logs = folder.write("l.json", &lines(&events));
    let result = analyze(&folder, &logs, &GRANTED, &[]);
    assert_eq!(result["coverage"]["regions"], json!(["apiso-northsouth-3r"]));
    assert_eq!(result["coverage"]["events_used"], 100);
    assert_eq!(result["window"]["from"], "2026-10-01T00:00:00Z");
    check_books(&result);
}

#[test]
#[cfg(feature = "polars")]
fn ledger_sets_the_same_events_aside() {
    let folder = Folder::new();
    let mut events = background();
    events.push(call(
        7,
        "sqs",
        "ListQueues",
        &json!({"awsRegion": "xx-nowhere-1", "eventTime": "2015-01-01T00:00:00Z"}),
    ));
    events.push(call(
        8,
        "sqs",
        "ListQueues",
        &json!({"eventTime": "2099-01-01T00:00:00Z"}),
    ));
    folder.write(
        "logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/01/a.json",
        &lines(&events[..60]),
    );
    folder.write(
        "logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/02/a.json",
        &lines(&events[60..]),
    );
    let (logs, ledger) = (folder.path("logs"), folder.path("ledger"));
    let output = trimtrail(&["collect", "--logs", &logs, "--ledger", &ledger]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let grants = folder.write("grants.json", &grants(&GRANTED));
    let read = |place: [&str; 2]| -> Value {
        let output = trimtrail(&[
            "analyze",
            place[0],
            place[1],
            "--grants",
            &grants,
            "--format",
            "json",
            "--min-window",
            "0d",
            "--grace",
            "0d",
        ]);
        serde_json::from_slice(&output.stdout).expect("a result")
    };
    let (of_logs, of_ledger) = (read(["--logs", &logs]), read(["--ledger", &ledger]));
    assert_eq!(of_ledger["suggestions"], of_logs["suggestions"]);
    assert_eq!(of_ledger["window"], of_logs["window"]);
    assert_eq!(removed(&of_ledger), ["sqs:DeleteQueue"]);
    for result in [&of_logs, &of_ledger] {
        assert_eq!(skipped(result, "no partition").len(), 1);
        assert_eq!(skipped(result, "later than the present").len(), 1);
        check_books(result);
    }
}

#[test]
fn quoted_denial_is_no_denial() {
    let folder = Folder::new();
    let quoted = "1 validation error detected: Value 'User: arn:aws:iam::111122223333:user/u is not authorized to perform: sqs:DeleteQueue on resource: q' at 'queueUrl' failed to satisfy constraint";
    let mut events = background();
    events.push(call(
        3,
        "sqs",
        "DeleteQueue",
        &json!({"errorCode": "ValidationException", "errorMessage": quoted}),
    ));
    let logs = folder.write("l.json", &lines(&events));
    let result = analyze(&folder, &logs, &GRANTED, &["--evidence", "aggressive"]);
    assert_eq!(removed(&result), [""; 0]);
}

#[test]
fn denial_with_an_authorization_id_is_linked_in_explain() {
    let folder = Folder::new();
    let message = "User: arn:aws:sts::111122223333:assumed-role/app/s is not authorized to perform: sqs:DeleteQueue on resource: arn:aws:sqs:eu-west-1:111122223333:q with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/D. Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/k2x9 for complete details, or call the GetRequestAuthorizationDetails API with the following authorization id: k2x9";
    let mut events = background();
    events.push(call(
        3,
        "sqs",
        "DeleteQueue",
        &json!({"errorCode": "AccessDenied", "errorMessage": message.replace("k2x9", "old1")}),
    ));
    events.push(call(
        4,
        "sqs",
        "DeleteQueue",
        &json!({"errorCode": "AccessDenied", "errorMessage": message}),
    ));
    let logs = folder.write("l.json", &lines(&events));
    let result = analyze(&folder, &logs, &["sns:ListTopics"], &[]);
    let saved = folder.write("result.json", &result.to_string());
    let output = trimtrail(&["explain", &saved, "app", "sqs:DeleteQueue"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("--authorization-id k2x9") && !text.contains("old1"),
        "{text}"
    );
    assert!(text.contains("#/authorization-details/k2x9"), "{text}");
    let output = trimtrail(&["resolve", "--logs", &logs]);
    let line = String::from_utf8_lossy(&output.stdout)
        .lines()
        .last()
        .expect("lines")
        .to_owned();
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["authorization_id"], "k2x9");
    assert_eq!(line["denied_resource"], "arn:aws:sqs:eu-west-1:111122223333:q");
    assert_eq!(line["denied_action"], "sqs:DeleteQueue");
}

#[test]
fn ocsf_event_is_called_by_its_name() {
    let folder = Folder::new();
    let ocsf = json!({"metadata": {"product": {"name": "CloudTrail"}}, "time_dt": "2026-10-01T00:00:00Z", "class_uid": 6003, "api": {"operation": "ListRoles"}});
    let logs = folder.write("l.json", &lines(&[ocsf]));
    let output = trimtrail(&["coverage", "--logs", &logs]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("an OCSF event (Security Lake), which is not read yet"),
        "{text}"
    );
}

/// Everything below a folder.
fn below(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    found
}

#[test]
fn suggestion_that_is_withdrawn_takes_its_files_along() {
    let folder = Folder::new();
    let logs = folder.write("l.json", &lines(&background()));
    let out = folder.path("out");
    let run = |more: &[&str]| analyze(&folder, &logs, &GRANTED, &[&["--out", out.as_str()], more].concat());
    run(&[]);
    let policies = folder.0.join("out/policies");
    let first = below(&policies);
    assert_eq!(first.len(), 2, "{first:?}");
    // What somebody put there is none of ours.
    let theirs = folder.write("out/policies/111122223333/notes.txt", "mine");
    run(&["--own", "app"]);
    assert_eq!(below(&policies), std::slice::from_ref(&theirs));
    run(&[]);
    fs::write(&first[0], "{\"edited\": true}").expect("a file");
    run(&["--own", "app"]);
    assert_eq!(below(&policies), [theirs, first[0].clone()]);
}

#[test]
fn manifest_names_nothing_outside_its_folder() {
    let folder = Folder::new();
    let logs = folder.write("l.json", &lines(&background()));
    let victim = folder.write("victim.json", "x");
    let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let names = [
        "policies/../../victim.json",
        "../victim.json",
        victim.as_str(),
        "result.json",
    ];
    let files: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!(hash))).collect();
    folder.write(
        "out/manifest.json",
        &json!({"schema": "trimtrail.files/1", "files": files}).to_string(),
    );
    analyze(&folder, &logs, &GRANTED, &["--out", &folder.path("out")]);
    assert!(folder.0.join("victim.json").exists() && folder.0.join("out/result.json").exists());
}

#[test]
#[cfg(unix)]
fn nothing_is_written_through_links_in_the_output_folder() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let folder = Folder::new();
    let logs = folder.write("l.json", &lines(&background()));
    let grants = folder.write("grants.json", &grants(&GRANTED));
    fs::create_dir_all(folder.0.join("else/where")).expect("a folder");
    for link in ["policies", "result.json", "manifest.json", "summary.md"] {
        let out = folder.0.join(format!("out-{link}"));
        fs::create_dir_all(&out).expect("a folder");
        symlink(folder.0.join("else/where"), out.join(link)).expect("a link");
        let out = out.display().to_string();
        let output = trimtrail(&[
            "analyze",
            "--logs",
            &logs,
            "--grants",
            &grants,
            "--out",
            &out,
            "--min-window",
            "0d",
            "--grace",
            "0d",
        ]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{link}: {text}");
        assert!(
            text.contains("is a link, and nothing is written through one"),
            "{link}: {text}"
        );
    }
    assert_eq!(below(&folder.0.join("else")), [""; 0]);
    // What waits under the name that a file had while it was written is in nobody's way.
    let out = folder.0.join("out");
    fs::create_dir_all(&out).expect("a folder");
    symlink(folder.0.join("else/stolen"), out.join("result.json.partial")).expect("a link");
    analyze(&folder, &logs, &GRANTED, &["--out", &folder.path("out")]);
    assert_eq!(below(&folder.0.join("else")), [""; 0]);
    assert_eq!(fs::metadata(out.join("result.json")).expect("a file").mode() & 0o077, 0);
}

#[test]
#[cfg(all(unix, feature = "polars"))]
fn ledger_is_its_owner_s_alone_and_holds_no_links() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let folder = Folder::new();
    let logs = folder.write("l.json", &lines(&background()));
    let (ledger, other) = (folder.path("ledger"), folder.0.join("other"));
    assert!(
        trimtrail(&["collect", "--logs", &logs, "--ledger", &ledger])
            .status
            .success()
    );
    for path in below(&folder.0.join("ledger")) {
        assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o077, 0, "{path}");
    }
    assert_eq!(fs::metadata(&ledger).expect("a folder").mode() & 0o077, 0);
    fs::create_dir_all(&other).expect("a folder");
    for link in ["data", "LOCK", "ledger.json"] {
        let ledger = folder.0.join(format!("ledger-{link}"));
        fs::create_dir_all(&ledger).expect("a folder");
        symlink(other.join("x"), ledger.join(link)).expect("a link");
        let output = trimtrail(&["collect", "--logs", &logs, "--ledger", &ledger.display().to_string()]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{link}: {text}");
        assert!(text.contains("is a link"), "{link}: {text}");
    }
    assert_eq!(below(&other), [""; 0]);
}

#[test]
#[cfg(unix)]
fn pipe_in_the_log_folder_is_skipped_with_its_reason() {
    let folder = Folder::new();
    folder.write("logs/a.json", &lines(&background()));
    let made = Command::new("mkfifo")
        .arg(folder.0.join("logs/b.json"))
        .status()
        .expect("mkfifo");
    assert!(made.success());
    let result = analyze(&folder, &folder.path("logs"), &GRANTED, &[]);
    assert_eq!(
        skipped(&result, "a named pipe, and in folders only regular files are read").len(),
        1
    );
    assert_eq!(result["coverage"]["events_used"], 100);
}
