//! What IAM remembers, given to `verify` and `backtest`: a use that no log shows.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::journey::{Folder, ROLE, allow, background, call, role};

const READ: &str = "s3:ListAllMyBuckets";
const SEEN_BY_IAM_ALONE: &str = "s3:CreateBucket";

/// Logs in which the role lists buckets, its grants, and last-accessed data that knows of a bucket made on a day.
struct Files(Folder);

impl Files {
    fn new(made: &str) -> Files {
        let files = Files(Folder::new());
        let lists = |day| call(day, "s3", "ListBuckets", json!({}));
        let events: Vec<Value> = background().into_iter().chain((1..=13).map(lists)).collect();
        files.write("logs.json", &json!({ "Records": events }));
        files.write("old.json", &allow(&json!([READ, SEEN_BY_IAM_ALONE]), &json!("*")));
        files.write("new.json", &allow(&json!([READ]), &json!("*")));
        files.write(
            "grants.json",
            &role(&allow(&json!([READ, SEEN_BY_IAM_ALONE]), &json!("*"))),
        );
        files.write(
            "accessed.json",
            &json!({"Arn": ROLE, "JobStatus": "COMPLETED", "ServicesLastAccessed": [
                {"ServiceNamespace": "s3", "LastAuthenticated": made, "TrackedActionsLastAccessed": [
                    {"ActionName": "CreateBucket", "LastAccessedTime": made}]}]}),
        );
        files
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.0.0.join(name), value.to_string()).expect("a file");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
        command.current_dir(&self.0.0).args(arguments);
        command.output().expect("the program runs")
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn verify_names_what_only_iam_saw() {
    let files = Files::new("2026-10-05T15:00:00Z");
    let verify = [
        "verify",
        "old.json",
        "new.json",
        "--principal",
        ROLE,
        "--logs",
        "logs.json",
    ];
    let without = files.run(&verify);
    assert!(without.status.success(), "{}", told(&without));
    let with = files.run(&[&verify[..], &["--last-accessed", "accessed.json"]].concat());
    assert_eq!(with.status.code(), Some(10), "{}", told(&with));
    assert!(told(&with).contains(SEEN_BY_IAM_ALONE), "{}", told(&with));
}

/// What a backtest answers, with and without what IAM saw.
fn backtest(files: &Files, more: &[&str]) -> Value {
    let arguments = [
        "backtest",
        "--logs",
        "logs.json",
        "--grants",
        "grants.json",
        "--min-window",
        "1d",
    ];
    let output = files.run(&[&arguments[..], &["--grace", "0d", "--format", "json"], more].concat());
    serde_json::from_str(&told(&output)).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn backtest_knows_of_the_cut_only_what_iam_knew_then() {
    let accessed = ["--last-accessed", "accessed.json"];
    // Before the cut IAM had seen it: it stays, and the policy is not touched.
    let before = Files::new("2026-10-02T15:00:00Z");
    assert_ne!(backtest(&before, &accessed), backtest(&before, &[]));
    // After the cut nobody could know.
    let after = Files::new("2026-10-13T15:00:00Z");
    assert_eq!(backtest(&after, &accessed), backtest(&after, &[]));
}
