//! Jobs that work by the calendar: what is said of them, and that suggestions wait for what a window has not seen twice.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::journey::{Folder, ROLE, allow, call, role};

/// An archive of somebody who works every day, and of the role `app`, and the grants of that role.
struct Archive(Folder);

impl Archive {
    /// The role makes these calls of SQS on these days.
    fn new(from: &str, to: &str, calls: &[(&str, &str)]) -> Archive {
        let other = json!({"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x",
            "accountId": "111122223333", "userName": "x"});
        let day: jiff::civil::Date = from.parse().expect("a date");
        let last: jiff::civil::Date = to.parse().expect("a date");
        let mut events = Vec::new();
        for day in day.series(jiff::ToSpan::days(1)).take_while(|day| *day <= last) {
            for (name, read) in [("DescribeVpcs", true), ("CreateTags", false)] {
                let more = json!({"userIdentity": other, "readOnly": read, "eventTime": format!("{day}T09:00:00Z")});
                events.push(call(1, "ec2", name, more));
            }
        }
        for (day, name) in calls {
            events.push(call(1, "sqs", name, json!({"eventTime": format!("{day}T23:59:59Z")})));
        }
        let archive = Archive(Folder::new());
        archive.write("logs.json", &json!({ "Records": events }));
        archive.write("grants.json", &role(&allow(&json!("sqs:*"), &json!("*"))));
        archive
    }

    fn on(from: &str, to: &str, days: &[&str]) -> Archive {
        let calls: Vec<(&str, &str)> = days.iter().map(|day| (*day, "ListQueues")).collect();
        Archive::new(from, to, &calls)
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.0.0.join(name), value.to_string()).expect("a file");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
        command.current_dir(&self.0.0).args(arguments);
        command.output().expect("the program runs")
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("text")
    }

    fn analyze(&self, more: &[&str]) -> Value {
        let guards = [
            "analyze",
            "--grants",
            "grants.json",
            "--min-window",
            "0d",
            "--grace",
            "0d",
            "--format",
            "json",
        ];
        let logs = if more.contains(&"--ledger") {
            &[][..]
        } else {
            &["--logs", "logs.json"][..]
        };
        serde_json::from_str(&self.told(&[&guards[..], logs, more].concat())).expect("JSON")
    }
}

fn of_role(result: &Value) -> &Value {
    let principals = result["principals"].as_array().expect("principals");
    principals.iter().find(|one| one["arn"] == ROLE).expect("the role")
}

#[track_caller]
fn check_held(archive: &Archive, more: &[&str], expected: Option<&str>) {
    let result = archive.analyze(more);
    let held = &result["suggestions"][0]["held"];
    match expected {
        None => assert_eq!(*held, Value::Null),
        Some(why) => assert!(held.as_str().expect("held").contains(why), "{held}"),
    }
}

/// Twice on the 14th, in a window of 45 days.
fn two_months() -> Archive {
    Archive::on("2026-09-01", "2026-10-15", &["2026-09-14", "2026-10-14"])
}

#[test]
fn a_monthly_job_is_said_with_the_day_on_which_it_is_due() {
    let result = two_months().analyze(&[]);
    assert_eq!(
        of_role(&result)["rhythm"],
        json!({"says": "runs on the 14th of each month; next expected 2026-11-14", "every": "month", "occurrences": 2,
            "next_expected": "2026-11-14", "seen_twice": false})
    );
}

#[test]
fn a_window_that_has_not_seen_a_month_twice_holds() {
    check_held(
        &two_months(),
        &[],
        Some(
            "role/app runs on the 14th of each month; next expected 2026-11-14: the window of 45 days has not seen that twice",
        ),
    );
}

#[test]
fn a_rhythm_is_said_and_does_not_hold_where_that_is_wanted() {
    let archive = two_months();
    check_held(&archive, &["--rhythm", "say"], None);
    fs::write(archive.0.0.join("own.toml"), "rhythm = \"say\"\n").expect("a file");
    check_held(&archive, &["--config", "own.toml"], None);
    assert_eq!(
        of_role(&archive.analyze(&["--rhythm", "say"]))["rhythm"]["every"],
        "month"
    );
}

#[test]
fn a_window_that_has_seen_a_month_twice_does_not_hold() {
    let days = ["2026-08-14", "2026-09-14", "2026-10-14"];
    check_held(&Archive::on("2026-08-01", "2026-10-15", &days), &[], None);
}

#[test]
fn a_quarter_is_not_seen_twice_in_four_months() {
    let days = ["2026-06-30", "2026-09-30"];
    check_held(
        &Archive::on("2026-06-15", "2026-10-15", &days),
        &[],
        Some("runs on the last day of every 3rd month; next expected 2026-12-31"),
    );
}

#[test]
fn one_run_in_a_fortnight_holds() {
    check_held(
        &Archive::on("2026-10-01", "2026-10-14", &["2026-10-14"]),
        &[],
        Some("ran on 2026-10-14 alone; if it comes each month, next expected 2026-11-14"),
    );
}

#[test]
fn one_run_in_a_week_does_not() {
    let week = Archive::on("2026-10-08", "2026-10-14", &["2026-10-14"]);
    check_held(&week, &["--backtest", "never"], None);
}

#[test]
fn a_daily_job_is_not_held() {
    let days = [
        "2026-10-01",
        "2026-10-02",
        "2026-10-03",
        "2026-10-04",
        "2026-10-05",
        "2026-10-06",
        "2026-10-07",
        "2026-10-08",
        "2026-10-09",
        "2026-10-10",
        "2026-10-11",
        "2026-10-12",
        "2026-10-13",
        "2026-10-14",
    ];
    let archive = Archive::on("2026-10-01", "2026-10-14", &days);
    check_held(&archive, &[], None);
    assert_eq!(of_role(&archive.analyze(&[]))["rhythm"], Value::Null);
}

/// Every third day it lists queues; from the 11th on it makes one as well.
fn something_new() -> Archive {
    let mut calls: Vec<(&str, &str)> = [
        "2026-10-01",
        "2026-10-03",
        "2026-10-06",
        "2026-10-08",
        "2026-10-11",
        "2026-10-14",
    ]
    .map(|day| (day, "ListQueues"))
    .to_vec();
    calls.push(("2026-10-11", "CreateQueue"));
    Archive::new("2026-10-01", "2026-10-14", &calls)
}

#[test]
fn a_policy_that_its_own_past_would_have_broken_is_held() {
    let archive = something_new();
    check_held(
        &archive,
        &[],
        Some("learnt from the first 9 of 14 days it would have denied sqs:CreateQueue on 2026-10-11"),
    );
    let suggestion = &archive.analyze(&[])["suggestions"][0];
    assert_eq!(suggestion["confidence"], "low");
}

#[test]
fn what_was_not_replayed_holds_nothing() {
    check_held(&something_new(), &["--backtest", "never"], None);
}

#[test]
fn an_alternative_waits_with_the_policy_whose_place_it_takes() {
    let result = something_new().analyze(&["--alternatives", "boundary"]);
    let alternatives = result["alternatives"].as_array().expect("alternatives");
    assert_eq!(alternatives.len(), 1);
    for alternative in alternatives {
        let held = alternative["held"].as_str().expect("held");
        assert!(held.contains("it would have denied sqs:CreateQueue"), "{held}");
    }
}

#[test]
fn every_format_for_people_says_the_rhythm() {
    let archive = two_months();
    let result = archive.analyze(&[]);
    archive.write("result.json", &result);
    let says = "runs on the 14th of each month; next expected 2026-11-14";
    assert!(archive.told(&["explain", "result.json", "app"]).contains(says));
    for format in ["terminal", "html", "markdown"] {
        let text = archive.told(&[
            "report",
            "result.json",
            "--format",
            format,
            "--include-held",
            "--verbose",
        ]);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(says), "{format}: {text}");
    }
}

#[test]
fn an_action_says_its_own_rhythm() {
    let mut calls: Vec<(String, &str)> = Vec::new();
    let first: jiff::civil::Date = "2026-07-01".parse().expect("a date");
    for day in first.series(jiff::ToSpan::days(1)).take(105) {
        calls.push((day.to_string(), "ListQueues"));
        if day.day() == 1 {
            calls.push((day.to_string(), "CreateQueue"));
        }
    }
    let calls: Vec<(&str, &str)> = calls.iter().map(|(day, name)| (day.as_str(), *name)).collect();
    let archive = Archive::new("2026-07-01", "2026-10-13", &calls);
    let result = archive.analyze(&["--backtest", "never"]);
    archive.write("result.json", &result);
    assert_eq!(of_role(&result)["rhythm"], Value::Null);
    let text = archive.told(&["explain", "result.json", "app", "sqs:CreateQueue"]);
    let says = "rhythm      on 4 of 105 days: runs on the 1st of each month; next expected 2026-11-01";
    assert!(text.contains(says), "{text}");
}

#[cfg(feature = "polars")]
#[test]
fn a_ledger_tells_the_same_rhythm() {
    let archive = two_months();
    archive.told(&["collect", "--logs", "logs.json", "--ledger", "ledger"]);
    let (of_logs, of_ledger) = (archive.analyze(&[]), archive.analyze(&["--ledger", "ledger"]));
    assert_eq!(of_role(&of_ledger)["rhythm"]["every"], "month");
    assert_eq!(of_role(&of_ledger)["rhythm"], of_role(&of_logs)["rhythm"]);
    assert_eq!(of_ledger["suggestions"][0]["held"], of_logs["suggestions"][0]["held"]);
}
