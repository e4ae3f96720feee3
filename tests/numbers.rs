//! Every number of the first screen, the page and the comment that events make, computed again from what `resolve` says of
//! each event; the rest from the parts that they are sums of.

mod exact;
mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use trimtrail::inside::gap::Grade;
use trimtrail::inside::report::{GradeTotals, Principal, Report, Suggestion};

use super::journey::Folder;

fn program(subcommand: &str, more: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    let output = program.arg(subcommand).args(more).output();
    let output = output.expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// One analysis of the sample, what people read of it, and the events that it is of.
struct Run {
    report: Report,
    /// The same without life cycles.
    past: Report,
    /// The same of everybody, where only some are shown.
    whole: Option<Report>,
    everybody: bool,
    events: Vec<Value>,
    backtest: Value,
    screen: String,
    page: String,
    comment: String,
}

/// The sample with a filter of events, and one of who is shown.
fn run(events: &[&str], shown: &[&str]) -> Run {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let (logs, grants) = (sample.join("AWSLogs"), sample.join("grants"));
    let (logs, grants) = (logs.display().to_string(), grants.display().to_string());
    let read = [&["--logs", &logs][..], events].concat();
    let analysed = [&read[..], &["--grants", &grants, "--min-window", "7d"], shown].concat();
    let result = program("analyze", &[&analysed[..], &["--format", "json"]].concat());
    let past = [&analysed[..], &["--life-cycles", "off", "--format", "json"]].concat();
    let past = program("analyze", &past);
    let whole = (!shown.is_empty()).then(|| {
        let all = [
            &read[..],
            &["--grants", &grants, "--min-window", "7d", "--format", "json"],
        ]
        .concat();
        Report::from_json(&program("analyze", &all)).expect("a result")
    });
    let backtest = program("backtest", &[&analysed[..], &["--format", "json"]].concat());
    let folder = Folder::new();
    let path = folder.0.join("result.json");
    fs::write(&path, &result).expect("a file");
    let path = path.display().to_string();
    let format = |format: &str| program("report", &[&path, "--format", format]);
    Run {
        report: Report::from_json(&result).expect("a result"),
        past: Report::from_json(&past).expect("a result"),
        whole,
        everybody: shown.is_empty(),
        events: unique(&program("resolve", &read)),
        backtest: serde_json::from_str(&backtest).expect("JSON"),
        screen: words(&format("terminal")),
        page: words(&format("html")),
        comment: words(&format("markdown")),
    }
}

/// The text on one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Each event once.
fn unique(lines: &str) -> Vec<Value> {
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut events: BTreeMap<(String, String), Value> = BTreeMap::new();
    for event in lines {
        let part = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        events.insert((part("event_id"), part("account")), event);
    }
    events.into_values().collect()
}

fn who(event: &Value) -> &str {
    event["principal"]["arn"].as_str().unwrap_or_default()
}

fn day(event: &Value) -> &str {
    &event["event_time"].as_str().expect("a time")[..10]
}

/// The action that AWS surely denied.
fn denied(event: &Value) -> Option<&str> {
    event["denied_action"].as_str().filter(|_| event["outcome"] == "denied")
}

/// Whether an event needed, or may have needed, some action that AWS did not surely deny.
fn is_replayed(event: &Value) -> bool {
    let actions = event["may_need"].as_array().expect("a list").iter();
    let mut actions = actions.map(|one| one.as_str().expect("an action"));
    actions.any(|action| Some(action) != denied(event))
}

/// How many events of each principal are of a kind.
fn counted(events: &[Value], kind: impl Fn(&Value) -> bool) -> BTreeMap<&str, u64> {
    let mut counted = BTreeMap::new();
    for event in events.iter().filter(|event| !who(event).is_empty() && kind(event)) {
        *counted.entry(who(event)).or_default() += 1;
    }
    counted
}

/// For each principal and action, how many events show that they needed it, and how many were denied it alone.
fn actions(events: &[Value]) -> BTreeMap<(&str, &str), (u64, u64)> {
    let mut actions: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for event in events.iter().filter(|event| !who(event).is_empty()) {
        let calls = event["calls"].as_array().expect("a list").iter();
        let shown = calls.filter(|call| call["how"] != "inferred");
        let named: BTreeSet<&str> = shown.map(|call| call["action"].as_str().expect("an action")).collect();
        for action in named {
            let (used, refused) = actions.entry((who(event), action)).or_default();
            match denied(event) == Some(action) {
                true => *refused += 1,
                false => *used += 1,
            }
        }
    }
    actions
}

/// A number as people read it.
fn number(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{},{:03}", n / 1_000, n % 1_000),
        _ => format!("{},{:03},{:03}", n / 1_000_000, n / 1_000 % 1_000, n % 1_000),
    }
}

fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

fn check_says(text: &str, what: &str) {
    assert!(text.contains(what), "no `{what}` in {text}");
}

fn ready(report: &Report) -> impl Iterator<Item = &Suggestion> {
    report
        .suggestions
        .iter()
        .map(|one| &**one)
        .filter(|one| one.held.is_none())
}

/// Everybody whom a ready suggestion affects.
fn affected(report: &Report) -> BTreeSet<&str> {
    ready(report)
        .flat_map(|one| one.affects.iter().map(String::as_str))
        .collect()
}

fn people(report: &Report) -> impl Iterator<Item = &Principal> {
    report.principals.iter().filter(|one| one.kind != "group")
}

/// Calls, of principals, of suggestions and of the whole.
fn check_calls(run: &Run) {
    let report = &run.report;
    let replayed = counted(&run.events, is_replayed);
    let of = |arn: &str| replayed.get(arn).copied().unwrap_or_default();
    for principal in people(report) {
        assert_eq!(principal.calls_replayed, of(&principal.arn), "{}", principal.arn);
    }
    for suggestion in &report.suggestions {
        let calls: u64 = suggestion.affects.iter().map(|arn| of(arn)).sum();
        assert_eq!(suggestion.verdict.calls_represented, calls, "{}", suggestion.policy_arn);
    }
    let calls: u64 = affected(report).into_iter().map(of).sum();
    assert_eq!(report.totals.calls_replayed, calls);
    if report.totals.ready == 0 {
        return;
    }
    let says = match calls {
        0 => "no observed call lost".to_owned(),
        calls => format!("0 of {} observed calls lost", number(calls)),
    };
    check_says(&run.screen, &says);
    check_says(&run.page, &says);
    // Whose use is shown is all that the comment sums.
    let shown = |arn: &str| report.principals.iter().any(|one| one.arn == arn);
    let calls: u64 = affected(report).into_iter().filter(|arn| shown(arn)).map(of).sum();
    if calls > 0 {
        check_says(&run.comment, &format!("stand for {}", count(calls, "call", "calls")));
    }
}

/// What a backtest replays of the ready suggestions, and what breaks of whose.
fn check_backtest(run: &Run) {
    let report = &run.report;
    let Some(tried) = &report.totals.backtest else {
        assert_eq!(run.backtest["totals"]["calls"], 0);
        return;
    };
    let later = counted(&run.events, |event| {
        is_replayed(event) && event["unmapped"].is_null() && day(event) >= tried.cut.as_str()
    });
    let of = |arn: &str| later.get(arn).copied().unwrap_or_default();
    assert_eq!(tried.ready_calls, affected(report).into_iter().map(of).sum::<u64>());
    let replays = run.backtest["principals"].as_array().expect("a list");
    let sum = |key: &str, chosen: &dyn Fn(&str) -> bool| -> u64 {
        let chosen = replays
            .iter()
            .filter(|one| chosen(one["arn"].as_str().expect("an ARN")));
        chosen.map(|one| one[key].as_u64().expect("a number")).sum()
    };
    assert_eq!(tried.calls, sum("calls", &|_| true));
    assert_eq!(
        tried.calls,
        replays
            .iter()
            .map(|one| of(one["arn"].as_str().expect("an ARN")))
            .sum::<u64>()
    );
    assert_eq!(tried.broken_calls, sum("broken_calls", &|_| true));
    // A policy that broke is held: of calls that break, those of the ready are none.
    assert_eq!(tried.ready_broken_calls, 0);
    let broken = |one: &&Value| one["broken_calls"] != 0;
    let held = report.suggestions.iter().filter(|one| one.held.is_some());
    let held: BTreeSet<&String> = held.flat_map(|one| &one.affects).collect();
    for replay in replays.iter().filter(broken) {
        assert!(held.iter().any(|arn| replay["arn"] == arn.as_str()), "{replay}");
    }
    // All that breaks is suggested, and held; what a shown policy breaks of others too.
    match run.everybody {
        true => assert_eq!(tried.held_broken_calls, tried.broken_calls),
        false => assert!(tried.held_broken_calls >= tried.broken_calls),
    }
    assert_eq!((tried.learnt_days + tried.replayed_days) as f64, report.window.days);
    if tried.ready_calls > 0 {
        let says = count(tried.ready_calls, "later call", "later calls");
        let says = format!("backtest: 0 of {says} would have broken");
        for text in [&run.screen, &run.page, &run.comment] {
            check_says(text, &says);
        }
    }
    if tried.held_broken_calls > 0 {
        let says = count(tried.held_broken_calls, "later call", "later calls");
        check_says(&run.screen, &format!("backtest: {says} would have broken"));
        check_says(&run.page, &format!("backtest: {says} would have broken"));
    }
}

/// The window, the accounts, the regions, the buckets and what became of the records.
fn check_coverage(run: &Run) {
    let (report, events) = (&run.report, &run.events);
    let coverage = &report.coverage;
    let all = |key: &str| -> BTreeSet<String> {
        let texts = events.iter().filter_map(|event| event[key].as_str());
        texts.map(str::to_owned).collect()
    };
    let accounts: BTreeSet<String> = coverage.accounts.iter().cloned().collect();
    assert_eq!(accounts, all("account"));
    let regions: BTreeSet<String> = coverage.regions.iter().cloned().collect();
    assert_eq!(regions, all("region"));
    let days: BTreeSet<&str> = events.iter().map(day).collect();
    assert_eq!(report.window.days as usize, days.len());
    check_says(
        &run.screen,
        &format!(
            "Window {}d · {}",
            days.len(),
            count(accounts.len() as u64, "account", "accounts")
        ),
    );
    // An object's ARN shows only in a data event.
    let buckets: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["event_source"] == "s3.amazonaws.com")
        .flat_map(|event| event["calls"].as_array().expect("a list"))
        .flat_map(|call| call["resources"].as_array().expect("a list"))
        .filter_map(|arn| arn.as_str()?.split_once('/').map(|(bucket, _)| bucket))
        .filter(|bucket| bucket.starts_with("arn:aws:s3:::"))
        .collect();
    let objects = coverage
        .data_events
        .iter()
        .filter(|one| one.resource_type == "AWS::S3::Object");
    let seen: BTreeSet<&str> = objects.flat_map(|one| &one.seen).map(String::as_str).collect();
    assert_eq!(seen, buckets);
    let unmapped = events.iter().filter(|event| !event["unmapped"].is_null()).count();
    assert_eq!(coverage.events_unmapped as usize, unmapped);
    let called = |event: &&Value| event["outcome"] != "not_a_call" && event["unmapped"].is_null();
    let (named, nameless): (Vec<&Value>, Vec<&Value>) = events
        .iter()
        .filter(called)
        .partition(|event| !event["principal"].is_null());
    assert_eq!(coverage.events_used as usize, named.len());
    assert_eq!(coverage.events_unattributed as usize, nameless.len());
    let skipped: u64 = coverage.skipped.iter().map(|one| one.records).sum();
    let parts = coverage.events_used + coverage.events_unmapped + coverage.events_unattributed;
    assert_eq!(coverage.records, parts + coverage.events_not_calls + skipped);
    for n in [
        coverage.files,
        coverage.records,
        coverage.events_used,
        coverage.events_not_calls,
    ] {
        check_says(&run.page, &number(n));
    }
}

/// Actions by evidence: what events show of each, and the sums of principals and of the whole.
fn check_actions(run: &Run) {
    let report = &run.report;
    let seen = actions(&run.events);
    let mut whole = [0_u64; 7];
    for principal in people(report) {
        let of = |grade: Grade| principal.actions.iter().filter(move |one| one.grade == grade);
        for used in of(Grade::Used) {
            let (calls, _) = seen
                .get(&(principal.arn.as_str(), used.action.as_str()))
                .copied()
                .unwrap_or_default();
            assert_eq!(used.calls, calls, "{} of {}", used.action, principal.arn);
            assert!(calls > 0, "{} of {}", used.action, principal.arn);
        }
        for refused in of(Grade::DeniedOnly) {
            let known = seen.get(&(principal.arn.as_str(), refused.action.as_str()));
            assert!(
                matches!(known, Some((0, 1..))),
                "{} of {}: {known:?}",
                refused.action,
                principal.arn
            );
        }
        let totals = &principal.totals;
        assert_eq!(totals.used, of(Grade::Used).count() as u64, "{}", principal.arn);
        assert_eq!(
            totals.denied_only,
            of(Grade::DeniedOnly).count() as u64,
            "{}",
            principal.arn
        );
        // What events show is used, or granted by nothing that is a policy of theirs.
        let mine = seen
            .iter()
            .filter(|((arn, _), (used, _))| *arn == principal.arn && *used > 0);
        for ((_, action), _) in mine {
            let known = of(Grade::Used).any(|one| one.action == *action)
                || principal.elsewhere.iter().any(|one| one.action == *action)
                || principal.unexplained.iter().any(|one| one.action == *action)
                || !principal.actions.iter().any(|one| one.action == *action);
            assert!(known, "{action} of {}", principal.arn);
        }
        let parts = parts(totals);
        assert_eq!(parts[0], parts[1..].iter().sum::<u64>(), "{}", principal.arn);
        (0..7).for_each(|at| whole[at] += parts[at]);
    }
    for group in report.principals.iter().filter(|one| one.kind == "group") {
        (0..7).for_each(|at| whole[at] += parts(&group.totals)[at]);
    }
    assert_eq!(parts(&report.totals.actions), whole);
    check_says(&run.page, &format!("<b>{}</b> granted actions", number(whole[0])));
}

fn parts(totals: &GradeTotals) -> [u64; 7] {
    [
        totals.granted,
        totals.used,
        totals.inferred,
        totals.unused,
        totals.unobservable,
        totals.denied_only,
        totals.outside_coverage,
    ]
}

/// Policies and principals, by what becomes of them.
fn check_policies(run: &Run) {
    let (report, totals) = (&run.report, &run.report.totals);
    let key = |one: &Suggestion| (one.policy_arn.clone(), one.policy.clone());
    let of = |held: bool| -> BTreeSet<(String, String)> {
        let some = report.suggestions.iter().filter(|one| one.held.is_some() == held);
        some.map(|one| key(one)).collect()
    };
    let (is_ready, is_held) = (of(false), of(true));
    assert_eq!(totals.ready as usize, is_ready.len());
    assert_eq!(totals.held as usize, is_held.difference(&is_ready).count());
    check_says(
        &run.screen,
        &format!("READY NOW {}", count(totals.ready, "suggestion", "suggestions")),
    );
    let chosen = report.chosen(false);
    let unseen = chosen.iter().filter(|one| one.unseen_actions > 0);
    let unseen: BTreeSet<(String, String)> = unseen.map(|one| key(one)).collect();
    assert_eq!(totals.ready_unseen as usize, unseen.len());
    let removed: u64 = chosen
        .iter()
        .map(|one| one.removed_actions * one.affects.len() as u64)
        .sum();
    assert_eq!(totals.removable_actions, removed);
    check_says(
        &run.comment,
        &match chosen.len() as u64 {
            0 => "no policy can allow less yet".to_owned(),
            n => format!("{} less, with proof", count(n, "policy allows", "policies allow")),
        },
    );
    assert_eq!(totals.questions as usize, report.questions.len());
    let asked: BTreeSet<&str> = report.questions.iter().map(|one| one.principal.as_str()).collect();
    assert_eq!(totals.needs_choice == 0, asked.is_empty());
    exact::check_choices(run, run.whole.as_ref().unwrap_or(report));
    if totals.needs_choice > 0 {
        let asks = count(totals.questions, "question", "questions");
        check_says(&run.screen, &format!("{asks} for those who know"));
        check_says(&run.page, &format!("{asks} for those who know"));
    }
    check_waits(run, &is_ready);
    let touched: BTreeSet<&String> = report.suggestions.iter().flat_map(|one| &one.affects).collect();
    let untouched = people(report).filter(|one| !touched.contains(&one.arn)).count() as u64;
    assert_eq!(totals.not_touched.values().sum::<u64>(), untouched);
    check_says(&run.screen, &format!("NOT TOUCHED {untouched}"));
    assert_eq!(totals.principals as usize, report.principals.len());
    let found: BTreeMap<String, u64> = report.findings().fold(BTreeMap::new(), |mut found, (_, one)| {
        *found.entry(one.severity.name().to_owned()).or_default() += 1;
        found
    });
    assert_eq!(totals.findings, found);
    match found.values().sum::<u64>() {
        0 => assert!(!run.screen.contains("Findings:")),
        n => check_says(&run.screen, &format!("Findings: {}", number(n))),
    }
}

/// Until when what is held waits: a policy until its last step may be taken, or until somebody looks.
fn check_waits(run: &Run, is_ready: &BTreeSet<(String, String)>) {
    let key = |one: &Suggestion| (one.policy_arn.clone(), one.policy.clone());
    let held = run
        .report
        .suggestions
        .iter()
        .filter(|one| !is_ready.contains(&key(one)));
    let mut steps: BTreeMap<(String, String), Vec<Option<&str>>> = BTreeMap::new();
    for one in held {
        steps.entry(key(one)).or_default().push(one.held_until.as_deref());
    }
    let mut days: BTreeMap<&str, u64> = BTreeMap::new();
    let mut asks = 0;
    for steps in steps.values() {
        match steps.iter().copied().collect::<Option<Vec<&str>>>() {
            Some(until) => *days.entry(&until.into_iter().max().expect("a step")[..10]).or_default() += 1,
            None => asks += 1,
        }
    }
    for (day, n) in days.iter().take(3) {
        check_says(&run.screen, &format!("{} until {day}", number(*n)));
        check_says(&run.page, &format!("{} until {day}", number(*n)));
    }
    if asks > 0 {
        check_says(&run.screen, &format!("{} for somebody who knows", number(asks)));
        check_says(&run.page, &format!("{} for somebody who knows", number(asks)));
    }
}

/// What the comment counts of what it suggests, from the events and from the documents.
fn check_comment(run: &Run) {
    let report = &run.report;
    let chosen = report.chosen(false);
    if chosen.is_empty() {
        return;
    }
    let shown = |arn: &&str| report.principals.iter().any(|one| one.arn == *arn);
    let whose: BTreeSet<&str> = affected(report).into_iter().filter(shown).collect();
    let shapes: u64 = chosen.iter().map(|one| one.verdict.shapes_proved).sum();
    check_says(&run.comment, &count(shapes, "resource shape", "resource shapes"));
    match report.coverage.events_unmapped {
        0 => {}
        n => check_says(
            &run.comment,
            &format!("{} an operation", count(n, "event names", "events name")),
        ),
    }
    let grades = |of: fn(&GradeTotals) -> u64| -> u64 {
        let mine = report.principals.iter().filter(|one| whose.contains(one.arn.as_str()));
        mine.map(|one| of(&one.totals)).sum()
    };
    for (n, why) in [
        (grades(|totals| totals.unobservable), "not logged by this trail"),
        (grades(|totals| totals.outside_coverage), "outside the archive"),
        (grades(|totals| totals.inferred), "inferred"),
        (grades(|totals| totals.denied_only), "only denied so far"),
    ] {
        if n > 0 {
            check_says(
                &run.comment,
                &format!("{}: {why}", count(n, "granted action", "granted actions")),
            );
        }
    }
    // What stays unseen in a document is what its patterns match of the catalog, and names that it does not know.
    for one in &chosen {
        let statements = one.statements.iter().filter_map(|statement| statement.unseen.as_ref());
        let stays: u64 = statements.clone().map(|unseen| unseen.actions).sum();
        let by_reason: u64 = statements.flat_map(|unseen| &unseen.why).map(|why| why.actions).sum();
        assert_eq!(stays, by_reason, "{}", one.policy);
    }
    assert!(run.comment.chars().count() < 12_000, "{}", run.comment.chars().count());
}

/// What stays for what was made: what would have no logged use without life cycles.
fn check_life_cycles(run: &Run) {
    let unused = |report: &Report| people(report).map(|one| one.totals.unused).sum::<u64>();
    let kept = unused(&run.past) - unused(&run.report);
    assert_eq!(run.report.totals.life_cycles.expect("asked for").actions, kept);
    if kept > 0 {
        let says = count(kept, "action stays for what was made", "actions stay for what was made");
        check_says(&run.screen, &says);
        check_says(&run.page, &says);
    }
}

fn check(events: &[&str], shown: &[&str]) -> Run {
    let run = run(events, shown);
    check_calls(&run);
    check_backtest(&run);
    check_coverage(&run);
    check_actions(&run);
    check_policies(&run);
    check_comment(&run);
    exact::check_partial(&run);
    check_life_cycles(&run);
    shown::check_documents(&run);
    shown::check_lines(&run);
    shown::check_cards(&run);
    shown::check_questions(&run);
    shown::check_cost(&run);
    run
}

#[test]
fn numbers_of_the_sample() {
    let run = check(&[], &[]);
    let totals = &run.report.totals;
    let tried = totals.backtest.as_ref().expect("a backtest");
    // The sample has some of each, so that every comparison compares something.
    let some = [
        totals.ready,
        totals.held,
        totals.calls_replayed,
        totals.ready_unseen,
        tried.ready_calls,
        tried.held_broken_calls,
        run.report.coverage.events_unmapped,
        totals.actions.denied_only,
    ];
    assert!(some.iter().all(|n| *n > 0), "{some:?}");
    assert!(totals.calls_replayed < run.events.len() as u64);
    assert!(tried.ready_calls < totals.calls_replayed);
}

#[test]
fn numbers_of_one_role() {
    let run = check(&[], &["--role", "shop-orders"]);
    let totals = &run.report.totals;
    assert_eq!(totals.principals, 1);
    // One policy of its own, and one that it shares with month-close, whose monthly look at the log groups was new.
    assert_eq!((totals.ready, totals.held), (1, 1));
    let tried = totals.backtest.as_ref().expect("a backtest");
    assert_eq!((tried.broken_calls, tried.held_broken_calls), (0, 1));
}

#[test]
fn numbers_of_one_region() {
    let run = check(&["--region", "us-east-1"], &[]);
    assert_eq!(run.report.coverage.regions, ["us-east-1"]);
}
