//! Every number of the first screen that events make, computed again from what `resolve` says of each event.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use trimtrail::report::Report;

fn program(subcommand: &str, more: &[&str]) -> String {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let mut program = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    let output = program
        .arg(subcommand)
        .arg("--logs")
        .arg(sample.join("AWSLogs"))
        .args(more)
        .output();
    let output = output.expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn analyzed(format: &str) -> String {
    let grants = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs/grants");
    let grants = grants.display().to_string();
    program(
        "analyze",
        &["--grants", &grants, "--min-window", "7d", "--format", format],
    )
}

/// Each event once, as `resolve` says it.
fn events() -> Vec<Value> {
    let text = program("resolve", &[]);
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut events: BTreeMap<(String, String), Value> = BTreeMap::new();
    for event in lines {
        let part = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        events.insert((part("event_id"), part("account")), event);
    }
    events.into_values().collect()
}

/// Whether an event needed, or may have needed, some action that AWS did not surely deny.
fn is_replayed(event: &Value) -> bool {
    let denied = event["denied_action"].as_str().filter(|_| event["outcome"] == "denied");
    let actions = event["may_need"].as_array().expect("a list").iter();
    let mut actions = actions.map(|one| one["action"].as_str().or(one.as_str()).expect("an action"));
    actions.any(|action| Some(action) != denied)
}

#[test]
fn calls_of_the_first_screen_are_events_of_resolve() {
    let report = Report::from_json(&analyzed("json")).expect("a result");
    let events = events();
    let mut replayed: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events.iter().filter(|event| is_replayed(event)) {
        if let Some(principal) = event["principal"]["arn"].as_str() {
            *replayed.entry(principal).or_default() += 1;
        }
    }
    let of = |arn: &str| replayed.get(arn).copied().unwrap_or_default();
    for principal in report.principals.iter().filter(|one| one.kind != "group") {
        assert_eq!(principal.calls_replayed, of(&principal.arn), "{}", principal.arn);
    }
    for suggestion in &report.suggestions {
        let calls: u64 = suggestion.affects.iter().map(|arn| of(arn)).sum();
        assert_eq!(suggestion.verdict.calls_represented, calls, "{}", suggestion.policy_arn);
    }
    let ready = report.suggestions.iter().filter(|one| one.held.is_none());
    let affected: BTreeSet<&String> = ready.flat_map(|one| &one.affects).collect();
    let calls: u64 = affected.into_iter().map(|arn| of(arn)).sum();
    assert_eq!(report.totals.calls_replayed, calls);
    assert!(0 < calls && calls < events.len() as u64, "{calls} of {}", events.len());
    // Four digits or fewer on the sample.
    let number = match calls {
        0..1000 => calls.to_string(),
        _ => format!("{},{:03}", calls / 1000, calls % 1000),
    };
    let screen = analyzed("terminal").replace('\u{a0}', " ");
    assert!(
        screen.contains(&format!("0 of {number} observed calls lost")),
        "{screen}"
    );
}

#[test]
fn the_window_and_the_accounts_are_those_of_the_events() {
    let report = Report::from_json(&analyzed("json")).expect("a result");
    let events = events();
    let all = |key: &str| -> BTreeSet<String> {
        let texts = events.iter().filter_map(|event| event[key].as_str());
        texts.map(str::to_owned).collect()
    };
    let accounts: BTreeSet<String> = report.coverage.accounts.iter().cloned().collect();
    assert_eq!(accounts, all("account"));
    let days: BTreeSet<String> = all("event_time").iter().map(|time| time[..10].to_owned()).collect();
    assert_eq!(report.window.days as usize, days.len());
    let unmapped = events.iter().filter(|event| !event["unmapped"].is_null()).count();
    assert_eq!(report.coverage.events_unmapped as usize, unmapped);
    let called = |event: &&Value| {
        matches!(
            event["outcome"].as_str(),
            Some("authorised" | "denied" | "indeterminate")
        )
    };
    let used = events
        .iter()
        .filter(called)
        .filter(|event| event["unmapped"].is_null() && !event["principal"].is_null());
    assert_eq!(report.coverage.events_used as usize, used.count());
}

#[test]
fn ready_and_held_are_policies_and_unseen_is_told_of_them() {
    let report = Report::from_json(&analyzed("json")).expect("a result");
    let key = |one: &trimtrail::report::Suggestion| (one.policy_arn.clone(), one.policy.clone());
    let of = |held: bool| -> BTreeSet<(String, String)> {
        let some = report.suggestions.iter().filter(|one| one.held.is_some() == held);
        some.map(|one| key(one)).collect()
    };
    let (ready, held) = (of(false), of(true));
    assert_eq!(report.totals.ready as usize, ready.len());
    assert_eq!(report.totals.held as usize, held.difference(&ready).count());
    let unseen: BTreeSet<(String, String)> = report
        .chosen(false)
        .iter()
        .filter(|one| one.unseen_actions > 0)
        .map(|one| key(one))
        .collect();
    assert_eq!(report.totals.ready_unseen as usize, unseen.len());
    assert_eq!(report.totals.questions as usize, report.questions.len());
}
