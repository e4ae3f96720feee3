//! The program as somebody meets it who has not read the manual: wrong places, empty folders, files of another kind, a
//! configuration file with slips. Each ends in one sentence and the way out.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A working folder that goes when the test does; the sample lies in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-strangers-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("empty")).expect("a temporary folder");
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let here = std::env::current_dir().expect("a folder");
        let sample = |word: &&str| match word.strip_prefix("sample-logs") {
            Some(rest) => format!("{}/sample-logs{rest}", here.display()),
            None => (*word).to_owned(),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRIMTRAIL_")) {
            command.env_remove(name);
        }
        let words: Vec<String> = arguments.iter().map(sample).collect();
        command.args(words).current_dir(&self.0).stdin(Stdio::null());
        command.output().expect("the program runs")
    }

    /// It ends with this code and says all of this on stderr.
    #[track_caller]
    fn check(&self, arguments: &[&str], code: i32, says: &[&str]) {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        for words in says {
            assert!(said.contains(words), "{arguments:?}: {words}: {said}");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const LOGS: &str = "sample-logs/AWSLogs";
const GRANTS: &str = "sample-logs/grants";

#[test]
fn an_error_says_everything_once() {
    let folder = Folder::new();
    let check = |arguments: &[&str], expected: &str| {
        let output = folder.run(arguments);
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(1));
    };
    check(
        &["coverage", "--logs", "nowhere"],
        "error: nothing at `nowhere`: No such file or directory (os error 2)\n\
         help: pass the folder that holds AWSLogs/, or - for stdin\n",
    );
    check(
        &["analyze", "--logs", LOGS, "--grants", "nowhere"],
        "error: cannot read `nowhere`: No such file or directory (os error 2)\n\
         help: give a file or folder that this user may read\n",
    );
}

#[test]
fn nothing_seen_is_no_success_and_says_why() {
    let folder = Folder::new();
    let elsewhere = "help: pass the folder that holds AWSLogs/";
    for arguments in [
        &["coverage", "--logs", "empty"][..],
        &["analyze", "--grants", GRANTS, "--logs", "empty"],
        &["backtest", "--grants", GRANTS, "--logs", "empty"],
    ] {
        folder.check(arguments, 3, &["no CloudTrail events in empty", elsewhere]);
    }
    folder.check(&["resolve", "--logs", "empty"], 3, &["no CloudTrail events in empty"]);
    folder.check(
        &["coverage", "--logs", GRANTS],
        3,
        &["not a CloudTrail file", elsewhere],
    );
    let filtered = "help: look at --since, --until, --account and --region";
    folder.check(
        &["coverage", "--logs", LOGS, "--account", "999"],
        3,
        &["within the filters given", filtered],
    );
}

/// An archive without an event shows nothing, so nothing can be called unused.
#[test]
fn an_empty_archive_proves_nothing_unused() {
    let folder = Folder::new();
    for more in [&["--logs", "empty"][..], &["--logs", LOGS, "--region", "us-west-2"]] {
        let output = folder.run(&[&["analyze", "--grants", GRANTS, "--format", "json"], more].concat());
        let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let principals = result["principals"].as_array().expect("principals");
        assert!(principals.len() > 10, "{more:?}");
        for principal in principals {
            assert_eq!(principal["totals"]["unused"], 0, "{more:?}: {}", principal["arn"]);
        }
    }
}

#[test]
fn a_result_is_found_in_its_folder_and_nothing_else_is_one() {
    let folder = Folder::new();
    let made = folder.run(&[
        "-q",
        "analyze",
        "--logs",
        LOGS,
        "--grants",
        GRANTS,
        "--min-window",
        "7d",
        "--out",
        "out",
    ]);
    assert_eq!(made.status.code(), Some(0));
    folder.check(&["report", "out"], 0, &[]);
    folder.check(&["explain", "out", "ci-deploy"], 0, &[]);
    folder.check(&["report", "empty"], 1, &["`empty`"]);
    folder.file("other.json", "{\"a\": 1}");
    folder.check(
        &["report", "other.json"],
        1,
        &["not a result of `analyze`: it names no schema"],
    );
    folder.file("later.json", "{\"schema\": \"trimtrail.result/9\"}");
    folder.check(
        &["report", "later.json"],
        1,
        &["schema `trimtrail.result/9`, this program reads"],
    );
    folder.check(
        &["report", "out", "--since-last"],
        1,
        &["pass --ledger DIR, or --baseline OLD"],
    );
    folder.check(
        &["report", "out", "--format", "pdf"],
        2,
        &["no format `pdf`; terminal, json,"],
    );
    folder.check(&["explain", "out", "nobody"], 1, &["no principal fits `nobody`"]);
    folder.check(&["catalog", "s3"], 1, &["write SERVICE:NAME"]);
}

/// The file of a weekly job names what `collect` reads and where it puts it; everything else reads the ledger.
#[cfg(feature = "polars")]
#[test]
fn one_configuration_serves_the_whole_week() {
    let folder = Folder::new();
    let here = std::env::current_dir().expect("a folder");
    let here = here.display();
    let weekly = format!(
        "logs = '{here}/sample-logs/AWSLogs'\nledger = 'ledger'\ngrants = '{here}/sample-logs/grants'\nmin-window = '7d'\n"
    );
    folder.file("trimtrail.toml", &weekly);
    folder.check(&["collect"], 0, &["read 144 files"]);
    for arguments in [
        &["analyze", "--out", "out"][..],
        &["coverage"],
        &["backtest"],
        &["report", "--since-last"],
        &["query", "root-use"],
        &["query", "idle-principals", "--result", "out"],
        &["doctor", "--offline"],
    ] {
        folder.check(arguments, 0, &[]);
    }
    assert!(
        folder.0.join("ledger/results").is_dir(),
        "it was the ledger that was analysed"
    );
    // What is given by hand counts more than the file.
    folder.check(&["coverage", "--logs", "empty"], 3, &["no CloudTrail events in empty"]);
    folder.check(&["coverage", "--ledger", "empty"], 1, &["no ledger in `empty`"]);
    folder.check(
        &["coverage", "--ledger", "l", "--logs", "empty"],
        2,
        &["cannot be used with"],
    );
    folder.file("trimtrail.toml", "logs = 'x'\nledgre = 'y'\n");
    folder.check(&["analyze"], 1, &["in `trimtrail.toml`: no flag `--ledgre`"]);
    folder.file("trimtrail.toml", "logs = [\n");
    folder.check(&["analyze"], 1, &["in `trimtrail.toml`: line 1: unclosed array"]);
}

#[test]
fn doctor_needs_places() {
    let folder = Folder::new();
    for place in ["s3://", "lookup:"] {
        folder.check(&["doctor", "--offline", "--logs", place], 1, &["names no place"]);
    }
    folder.check(
        &["doctor", "--offline", "--logs", "empty"],
        0,
        &["empty: on this machine, needs no permission"],
    );
    // As the environment may have it for `analyze`.
    folder.check(&["doctor", "--offline", "--grants", "grants.json"], 0, &[]);
    let needs = |arguments: &[&str]| {
        let output = folder.run(&[&["doctor", "--offline"], arguments].concat());
        String::from_utf8_lossy(&output.stdout).contains("iam:GetAccountAuthorizationDetails")
    };
    assert!(!needs(&["--logs", "empty", "--grants", "grants.json"]));
    assert!(needs(&["--logs", "empty", "--grants", "live"]));
    assert!(needs(&[]));
}

/// Whoever mistypes a name is not told that nothing would break.
#[test]
fn verify_says_when_a_principal_made_no_call() {
    let folder = Folder::new();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    folder.file("old.json", policy);
    let verify = |principal: &str, code: i32, says: &[&str]| {
        folder.check(
            &[
                "verify",
                "old.json",
                "old.json",
                "--logs",
                LOGS,
                "--principal",
                principal,
            ],
            code,
            says,
        );
    };
    verify("ci-deploy", 1, &["`ci-deploy` is no ARN of a role or user"]);
    let nobody = "arn:aws:iam::111122223333:role/nobody";
    verify(nobody, 0, &["no call of arn:aws:iam::111122223333:role/nobody in "]);
    verify("arn:aws:iam::111122223333:role/ci-deploy", 0, &[]);
}

/// Whatever the program calls somebody, it understands.
#[test]
fn principals_are_asked_for_as_they_are_told() {
    let folder = Folder::new();
    let analyze = [
        "-q",
        "analyze",
        "--logs",
        LOGS,
        "--grants",
        GRANTS,
        "--min-window",
        "7d",
    ];
    let of_one = [&analyze[..], &["--role", "role/orders", "--format", "json"]].concat();
    assert!(!folder.run(&of_one).status.success(), "nobody is called so");
    let of_one = [&analyze[..], &["--role", "role/ci-deploy", "--format", "json"]].concat();
    let output = folder.run(&of_one);
    folder.file("result.json", &String::from_utf8_lossy(&output.stdout));
    let explained = |name: &str| {
        folder
            .run(&["explain", "result.json", name, "iam:PutRolePolicy"])
            .stdout
    };
    let known = explained("arn:aws:iam::111122223333:role/ci-deploy");
    assert!(!known.is_empty());
    for name in ["role/ci-deploy", "ci-deploy", "role/ci-*"] {
        assert_eq!(explained(name), known, "{name}");
    }
    folder.check(
        &["explain", "result.json"],
        1,
        &["if it is a result, name a principal or a finding behind it"],
    );
    folder.check(&["explain", "nonsense"], 1, &["`nonsense` is no finding; give"]);
}
