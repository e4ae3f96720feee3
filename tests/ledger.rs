//! The ledger through the program itself: against its logs, killed at random, held by another, asked in SQL.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use trimtrail::inside::progress::Progress;
use trimtrail::inside::query::{NAMED, Over};
use trimtrail::inside::source;
use trimtrail::inside::usage::ledger::{self, How, Lock, Shard};

const LOGS: &str = "sample-logs/AWSLogs";
const GRANTS: &str = "sample-logs/grants";

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-run-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().expect("a name")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRIMTRAIL_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program runs")
}

/// What it prints, where it ends well.
#[track_caller]
fn print(arguments: &[&str]) -> String {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {:?}\n{said}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// Every file of a ledger but its lock.
fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in [dir.to_owned(), dir.join("data")] {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && name != "LOCK" {
                files.insert(name, fs::read(entry.path()).expect("a file"));
            }
        }
    }
    files
}

/// A number that looks random.
fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

/// Twenty kills here, as many as `TRIMTRAIL_KILLS` says in a nightly run.
#[test]
fn killed_at_any_moment_the_next_run_makes_the_ledger_of_an_unbroken_one() {
    let kills: usize = std::env::var("TRIMTRAIL_KILLS").map_or(20, |kills| kills.parse().expect("a number"));
    let clean = Folder::new();
    let started = Instant::now();
    print(&["-q", "collect", "--logs", LOGS, "--ledger", clean.name()]);
    let mut took = u64::try_from(started.elapsed().as_micros()).expect("less than 584,000 years");
    let expected = bytes(&clean.0);
    // The first nine days, so that half of the kills meet a ledger that is there.
    let earlier = format!("{LOGS}/*/*/*/2026/10/0*");
    let mut seed = 7;
    let (mut cut_short, mut runs) = (0, 0);
    while cut_short < kills && runs < 10 * kills {
        runs += 1;
        let ledger = Folder::new();
        if runs % 2 == 1 {
            print(&["-q", "collect", "--logs", &earlier, "--ledger", ledger.name()]);
        }
        let mut child = program()
            .args(["-q", "collect", "--logs", LOGS, "--ledger", ledger.name()])
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        std::thread::sleep(Duration::from_micros(random(&mut seed, took)));
        let ended = child.try_wait().expect("a child").is_some();
        child.kill().expect("a child");
        child.wait().expect("a child");
        cut_short += usize::from(!ended);
        if ended {
            // The clean run was slower: a busy machine, a cold cache.
            took = took * 3 / 4 + 1;
        }
        if ledger.0.join("ledger.json").exists() {
            // What stands can be read, whenever the run ended.
            print(&[
                "-q",
                "query",
                "--sql",
                "SELECT COUNT(*) AS rows FROM calls",
                "--ledger",
                ledger.name(),
            ]);
        }
        print(&["-q", "collect", "--logs", LOGS, "--ledger", ledger.name()]);
        assert!(bytes(&ledger.0) == expected, "run {runs}");
    }
    println!("{cut_short} of {runs} runs were killed before their end");
    assert_eq!(cut_short, kills, "of {runs} runs so many were killed before their end");
}

#[test]
fn a_ledger_answers_as_its_logs() {
    let ledger = Folder::new();
    print(&[
        "-q",
        "collect",
        "--logs",
        LOGS,
        "--ledger",
        ledger.name(),
        "--keep-identities",
    ]);
    let check = |arguments: &[&str]| {
        let answer = |from: [&str; 2]| {
            let output = run(&[arguments, &from].concat());
            (output.status.code(), String::from_utf8(output.stdout).expect("text"))
        };
        let (direct, kept) = (answer(["--logs", LOGS]), answer(["--ledger", ledger.name()]));
        assert!(
            direct.1.len() > 200,
            "{arguments:?} prints next to nothing: {}",
            direct.1
        );
        assert!(kept == direct, "{arguments:?}\n{}\n---\n{}", direct.1, kept.1);
    };
    check(&["-q", "coverage"]);
    check(&[
        "-q",
        "analyze",
        "--grants",
        GRANTS,
        "--min-window",
        "7d",
        "--format",
        "json",
    ]);
    check(&[
        "-q",
        "backtest",
        "--grants",
        GRANTS,
        "--min-window",
        "7d",
        "--grace",
        "0d",
        "--format",
        "json",
    ]);
}

/// `tests/ledgers/N` is a ledger of schema N that an earlier program made of the first day of `tests/ledgers/logs`. Whoever
/// makes a newer schema adds one, and leaves those that are there as they are.
#[test]
fn a_ledger_of_each_schema_so_far_is_read_and_brought_up_to_date() {
    let logs = "tests/ledgers/logs/AWSLogs";
    let ask =
        |ledger: &Folder, sql: &str| print(&["query", "--sql", sql, "--format", "csv", "--ledger", ledger.name()]);
    // Whoever stood behind a role: version 1 did not tell.
    let answers = |ledger: &Folder| {
        let asked = [
            "SELECT principal, name, kind, principal_id, principal_account, account, region, event_source, event_name, \
             error_code, denied_action, outcome, day, weekday, calls, first, last, resources FROM calls",
            "SELECT * FROM signatures",
            "SELECT * FROM touched",
            "SELECT role, role_id, SUM(calls) AS calls FROM sessions GROUP BY role, role_id",
            "SELECT * FROM keys",
            "SELECT * FROM streams",
            "SELECT * FROM data_events",
        ];
        let mut answers: Vec<String> = asked.iter().map(|sql| ask(ledger, sql)).collect();
        answers.push(print(&["coverage", "--format", "json", "--ledger", ledger.name()]));
        answers
    };
    let collect = |ledger: &Folder, more: &[&str]| {
        let output = run(&[&["collect", "--logs", logs, "--ledger", ledger.name()], more].concat());
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("text")
    };
    let newest = ledger::SCHEMA.rsplit('/').next().and_then(|number| number.parse().ok());
    let newest: u64 = newest.expect("a number");
    // Version 2 was never written.
    for number in (1..=newest).filter(|number| *number != 2) {
        let (old, fresh): (Folder, Folder) = (Folder::new(), Folder::new());
        let made = PathBuf::from(format!("tests/ledgers/{number}"));
        fs::create_dir(old.0.join("data")).expect("a folder");
        for (name, content) in bytes(&made) {
            let within = if name == "ledger.json" {
                old.0.join(name)
            } else {
                old.0.join("data").join(name)
            };
            fs::write(within, content).expect("a file");
        }
        collect(&fresh, &["--until", "2026-10-02"]);
        assert_eq!(answers(&old), answers(&fresh), "schema {number}, one day");
        let known = "SELECT known, SUM(calls) AS calls FROM sessions GROUP BY known";
        if number == 1 {
            assert_eq!(ask(&old, known), "known,calls\nuntold,2\n");
        } else {
            assert_eq!(ask(&old, known), ask(&fresh, known), "schema {number}");
        }
        let said = collect(&old, &[]);
        assert!(
            said.contains("read 1 files") && said.contains("1 files of 1 parts were known"),
            "{said}"
        );
        collect(&fresh, &[]);
        assert_eq!(answers(&old), answers(&fresh), "schema {number}, both days");
        let index = fs::read_to_string(old.0.join("ledger.json")).expect("an index");
        assert!(
            index.contains(&format!("\"schema\": \"{}\"", ledger::SCHEMA)),
            "{index}"
        );
    }
}

/// The result of analysing a ledger of the sample, as JSON.
fn analyzed(ledger: &Folder) -> String {
    let place = ["--ledger", ledger.name(), "--grants", GRANTS];
    print(
        &[
            &["-q", "analyze"],
            &place[..],
            &["--min-window", "7d", "--format", "json"],
        ]
        .concat(),
    )
}

#[test]
fn verify_replays_calls_of_a_ledger() {
    let (ledger, files) = (Folder::new(), Folder::new());
    print(&["-q", "collect", "--logs", LOGS, "--ledger", ledger.name()]);
    let result = analyzed(&ledger);
    let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
    let suggestion = &result["suggestions"][0];
    let file = |name: &str, document: &serde_json::Value| {
        let path = files.0.join(name);
        fs::write(&path, document.to_string()).expect("a file");
        path.display().to_string()
    };
    let (before, after) = (
        file("before.json", &suggestion["before"]),
        file("after.json", &suggestion["after"]),
    );
    let principal = suggestion["affects"][0].as_str().expect("an ARN");
    let from = |place: [&str; 2]| print(&[&["verify", &before, &after, "--principal", principal], &place[..]].concat());
    let kept = from(["--ledger", ledger.name()]);
    assert!(kept.contains("keeps: proved"), "{kept}");
    assert_eq!(kept, from(["--logs", LOGS]));
}

/// Two files a day of eight accounts for ten days: a role that is assumed with one key a day, and calls with that key.
fn many_small_parts(dir: &Path) {
    for account in 0..8 {
        let account = format!("{:012}", 200_000_000_000_u64 + account);
        for day in 1..=10 {
            let head = |number: u32, source: &str, name: &str| {
                format!(
                    r#""eventVersion":"1.09","eventTime":"2026-10-{day:02}T0{number}:00:00Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","eventID":"{account}-{day}-{number}","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"recipientAccountId":"{account}""#
                )
            };
            let key = format!("ASIA{account}{day:02}");
            let open = format!(
                r#"{{{},"readOnly":true,"requestParameters":{{"roleArn":"arn:aws:iam::{account}:role/app","roleSessionName":"s"}},"responseElements":{{"credentials":{{"accessKeyId":"{key}"}},"assumedRoleUser":{{"assumedRoleId":"AROA{account}:s","arn":"arn:aws:sts::{account}:assumed-role/app/s"}}}},"userIdentity":{{"type":"IAMUser","principalId":"AIDA{account}","arn":"arn:aws:iam::{account}:user/ci","accountId":"{account}"}}}}"#,
                head(1, "sts", "AssumeRole")
            );
            let call = |number: u32, name: &str| {
                format!(
                    r#"{{{},"readOnly":true,"requestParameters":{{"bucketName":"b-{}"}},"userIdentity":{{"type":"AssumedRole","principalId":"AROA{account}:s","arn":"arn:aws:sts::{account}:assumed-role/app/s","accountId":"{account}","accessKeyId":"{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROA{account}","arn":"arn:aws:iam::{account}:role/app","accountId":"{account}","userName":"app"}}}}}}}}"#,
                    head(number, "s3", name),
                    day % 3
                )
            };
            let folder = dir.join(format!("AWSLogs/{account}/CloudTrail/eu-west-1/2026/10/{day:02}"));
            fs::create_dir_all(&folder).expect("a folder");
            let file = |name: &str, records: &[String]| {
                let text = format!("{{\"Records\":[{}]}}", records.join(","));
                fs::write(folder.join(name), text).expect("a file");
            };
            file("a.json", &[open, call(2, "GetBucketAcl")]);
            file("b.json", &[call(3, "GetBucketAcl"), call(4, "GetBucketPolicy")]);
        }
    }
}

#[test]
fn sixty_four_ledgers_merge_into_the_one_of_a_single_run() {
    const OF: u64 = 64;
    let (logs, shards, whole) = (Folder::new(), Folder::new(), Folder::new());
    many_small_parts(&logs.0);
    let places = [logs.name().to_owned(), LOGS.to_owned()];
    let sources = source::find(&places).expect("the logs");
    let fill = |dir: &Path, shard: Option<Shard>| {
        let how = How {
            shard,
            ..How::default()
        };
        let lock = Lock::take(dir, "a test", false).expect("nobody holds it");
        ledger::collect(lock, &sources, &how, &Progress::silent())
            .expect("a ledger")
            .parts_read
    };
    let parts = fill(&whole.0, None);
    let expected = bytes(&whole.0);
    let dirs: Vec<PathBuf> = (1..=OF).map(|number| shards.0.join(number.to_string())).collect();
    let read: Vec<u64> = (1..=OF)
        .zip(&dirs)
        .map(|(number, dir)| fill(dir, Some(Shard { number, of: OF })))
        .collect();
    assert_eq!(read.iter().sum::<u64>(), parts);
    assert!(
        read.iter().filter(|read| **read > 0).count() > 32,
        "most shards are empty: {read:?}"
    );

    let merge = |dir: &Path, from: &[PathBuf], join: bool| {
        let lock = Lock::take(dir, "a test", false).expect("nobody holds it");
        ledger::merge(lock, from, join).expect("a merge");
    };
    let (at_once, by_eight) = (Folder::new(), Folder::new());
    merge(&at_once.0, &dirs, true);
    assert!(bytes(&at_once.0) == expected, "all at once");

    // In groups and backwards, as the last step of a job may find them.
    let mut groups = Vec::new();
    for (number, group) in dirs.chunks(8).enumerate() {
        let dir = shards.0.join(format!("group-{number}"));
        merge(&dir, group, false);
        groups.insert(0, dir);
    }
    merge(&by_eight.0, &groups, true);
    assert!(bytes(&by_eight.0) == expected, "in groups");
}

#[test]
fn a_second_run_says_who_holds_the_ledger_or_waits() {
    let ledger = Folder::new();
    let lock = Lock::take(&ledger.0, "`collect`, process 7", false).expect("nobody holds it");
    let collect = ["collect", "--logs", LOGS, "--ledger", ledger.name()];
    let refused = run(&collect);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said.contains("is held by `collect`, process 7") && said.contains("--wait"),
        "{said}"
    );
    let mut waiting = program().args(collect).arg("--wait").spawn().expect("the program runs");
    std::thread::sleep(Duration::from_millis(200));
    assert!(waiting.try_wait().expect("a child").is_none(), "it did not wait");
    drop(lock);
    assert!(waiting.wait().expect("a child").success());
}

#[test]
fn what_changed_since_the_last_analysis() {
    let ledger = Folder::new();
    let analyze = [
        "-q",
        "analyze",
        "--ledger",
        ledger.name(),
        "--grants",
        GRANTS,
        "--min-window",
        "5d",
        "--grace",
        "0d",
    ];
    let since_last = |format: &str| print(&["report", "--since-last", "--ledger", ledger.name(), "--format", format]);
    print(&[
        "-q",
        "collect",
        "--logs",
        &format!("{LOGS}/*/*/*/2026/10/0*"),
        "--ledger",
        ledger.name(),
    ]);
    print(&analyze);
    assert_eq!(since_last("terminal"), "", "there is one result");
    print(&["-q", "collect", "--logs", LOGS, "--ledger", ledger.name()]);
    print(&analyze);
    let text = since_last("terminal");
    assert!(text.starts_with("Since 2026-10-09, up to 2026-10-14\n"), "{text}");
    assert!(text.contains("Used after it was suggested for removal"), "{text}");
    assert!(since_last("markdown").starts_with("## Since"));
    let json: serde_json::Value = serde_json::from_str(&since_last("json")).expect("JSON");
    assert_eq!(json["schema"], "trimtrail.changes/1");
    assert!(since_last("html").starts_with("<!doctype html>"));
    let sarif = run(&["report", "--since-last", "--ledger", ledger.name(), "--format", "sarif"]);
    assert_eq!(sarif.status.code(), Some(1));
}

/// The answers on the sample, as `tests/queries/NAME.csv` holds them; `TRIMTRAIL_BLESS=1` writes them anew.
#[test]
fn every_named_query_answers_on_the_sample() {
    let (ledger, out) = (Folder::new(), Folder::new());
    print(&["-q", "collect", "--logs", LOGS, "--ledger", ledger.name()]);
    let result = analyzed(&ledger);
    let result_file = out.0.join("result.json");
    fs::write(&result_file, result).expect("a file");
    let result_file = result_file.display().to_string();
    let bless = std::env::var_os("TRIMTRAIL_BLESS").is_some();
    for named in NAMED {
        let place = match named.over {
            Over::Result => ["--result", &result_file],
            Over::Ledger => ["--ledger", ledger.name()],
        };
        let answer = print(&[&["query", named.name, "--format", "csv"], &place[..]].concat());
        let path = format!("tests/queries/{}.csv", named.name);
        if bless {
            fs::create_dir_all("tests/queries").expect("a folder");
            fs::write(&path, &answer).expect("a file");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            answer == expected,
            "{}: TRIMTRAIL_BLESS=1 writes it anew\n{answer}",
            named.name
        );
    }
}
