//! What every format for people says the same way: names, numbers, grades, and who comes first.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::gap::{Grade, Reason};
use crate::report::{Chosen, Narrowed, Report, Suggestion, Unseen, Verdict};
use crate::verify::Verified;

mod rows;

pub(super) use rows::{Row, merged, rows};

/// `role/ci-deploy` of `arn:aws:iam::111122223333:role/path/ci-deploy`: as whom all outputs tell somebody.
pub(crate) fn short(arn: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    match (resource.split_once('/'), resource.rsplit_once('/')) {
        (Some((kind, _)), Some((_, name))) => format!("{kind}/{name}"),
        _ => resource.to_owned(),
    }
}

/// The account of an ARN, where it has one.
pub(super) fn account(arn: &str) -> Option<&str> {
    let account = arn.split(':').nth(4)?;
    (!account.is_empty() && account.bytes().all(|b| b.is_ascii_digit())).then_some(account)
}

/// `41202` as `41,202`.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 policy`, `3 policies`.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// As many bytes as a person would say.
pub(super) fn bytes(n: u64) -> String {
    let (unit, size) = match n {
        0..1_000 => return format!("{n} B"),
        1_000..1_000_000 => ("kB", 1_000),
        1_000_000..1_000_000_000 => ("MB", 1_000_000),
        _ => ("GB", 1_000_000_000),
    };
    format!("{}.{} {unit}", number(n / size), (n % size) * 10 / size)
}

/// The day of a moment in RFC 3339.
pub(super) fn day(moment: &str) -> &str {
    moment.get(..10).unwrap_or(moment)
}

/// `180d` or `12.5d`.
pub(super) fn days(days: f64) -> String {
    let text = format!("{days:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// A grade in words for people.
pub(super) fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Used => "used",
        Grade::Inferred => "inferred",
        Grade::Unobservable => "not logged by this trail",
        Grade::OutsideCoverage => "outside the archive",
        Grade::DeniedOnly => "denied only",
        Grade::Unused => "no logged use",
    }
}

/// What a suggestion does, as a verb.
pub(super) fn change(change: &str) -> &str {
    match change {
        "replace" => "shrink",
        other => other,
    }
}

/// What the archive covers: the first line of every report.
pub(super) fn scope(report: &Report) -> Vec<String> {
    let coverage = &report.coverage;
    let silent: BTreeSet<&str> = coverage.gaps.iter().map(|gap| gap.region.as_str()).collect();
    let mut scope = vec![
        format!("Window {}d", days(report.window.days)),
        count(coverage.accounts.len() as u64, "account", "accounts"),
        match silent.len() as u64 {
            0 => count(coverage.regions.len() as u64, "region", "regions"),
            n => count(n, "region unproven", "regions unproven"),
        },
    ];
    if coverage.data_events.is_empty() {
        scope.push("data events: none seen".to_owned());
    }
    for data in coverage.data_events.iter().take(4) {
        let (service, one, many) = match data.resource_type.as_str() {
            "AWS::S3::Object" => ("S3", "bucket", "buckets"),
            "AWS::Lambda::Function" => ("Lambda", "function", "functions"),
            "AWS::DynamoDB::Table" => ("DynamoDB", "table", "tables"),
            other => (other, "resource", "resources"),
        };
        // The report names 50 at most, so 50 means "or more".
        let at_least = if data.seen.len() >= 50 { "at least " } else { "" };
        scope.push(format!(
            "{service} data events: {at_least}{}",
            count(data.seen.len() as u64, one, many)
        ));
    }
    scope.push(format!(
        "SCPs: {}",
        if coverage.organization_policies {
            "seen"
        } else {
            "not seen"
        }
    ));
    let excluded: u64 = coverage.excluded.iter().map(|excluded| excluded.events).sum();
    if excluded > 0 {
        scope.push(format!(
            "--exclude-use: {} left out",
            count(excluded, "event", "events")
        ));
    }
    scope
}

/// Why principals were left alone, the most frequent reason first.
pub(super) fn not_touched(report: &Report) -> (u64, Vec<String>) {
    let mut reasons: Vec<(&String, &u64)> = report.totals.not_touched.iter().collect();
    reasons.sort_by_key(|(reason, n)| (Reverse(**n), *reason));
    let total = reasons.iter().map(|(_, n)| **n).sum();
    let named = reasons
        .into_iter()
        .map(|(reason, n)| format!("{} {reason}", number(*n)))
        .collect();
    (total, named)
}

/// What the proof of the ready suggestions comes to.
pub(super) fn proof(report: &Report) -> String {
    let mut ready = report.suggestions.iter().filter(|s| s.held.is_none());
    let (totals, catalog) = (&report.totals, &report.tool.catalog_date);
    if !ready.all(|s| s.verdict.keeps == "proved") {
        return format!("not replayed against the log (catalog {catalog})");
    }
    // Results of earlier versions did not count events once.
    match totals.calls_replayed {
        0 => format!("no observed call lost (catalog {catalog})"),
        calls => format!("0 of {} observed calls lost (catalog {catalog})", number(calls)),
    }
}

/// In how many of the ready suggestions something unseen stays.
pub(super) fn ready_unseen(report: &Report) -> Option<String> {
    let unseen = report.totals.ready_unseen;
    (unseen > 0).then(|| format!("{} keep something unseen", number(unseen)))
}

/// Calls of everybody whom suggestions affect, each event once; nothing in results of earlier versions.
#[derive(Clone, Copy, Default)]
pub(super) struct Calls {
    /// All that are replayed.
    pub(super) replayed: u64,
    /// Of those, calls that show only part of their resources.
    pub(super) incomplete: u64,
    /// Of those, calls that no statement explains.
    pub(super) unexplained: u64,
}

pub(super) fn calls<'r>(report: &Report, suggestions: impl Iterator<Item = &'r Suggestion>) -> Calls {
    let affected: BTreeSet<&str> = suggestions.flat_map(|s| s.affects.iter().map(String::as_str)).collect();
    let concerned = report.principals.iter();
    let concerned = concerned.filter(|one| affected.contains(one.arn.as_str()));
    concerned.fold(Calls::default(), |sum, one| Calls {
        replayed: sum.replayed + one.calls_replayed,
        incomplete: sum.incomplete + one.calls_incomplete,
        unexplained: sum.unexplained + one.calls_unexplained,
    })
}

/// Suggestions that say the same, side by side, in the order of the first of each: they differ in whom they are for, in
/// the number of the account, and in how much of whose use was replayed.
pub(super) fn alike<'r, T>(suggestions: Vec<T>, of: impl Fn(&T) -> &'r Verified<Suggestion>) -> Vec<Vec<T>> {
    let mut places: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut groups: Vec<Vec<T>> = Vec::new();
    for one in suggestions {
        let place = *places.entry(says(of(&one))).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

/// The digest of all that a suggestion says, but for whom, in which account, and how much was replayed: the words of
/// thousands take gigabytes.
fn says(s: &Verified<Suggestion>) -> [u8; 32] {
    let same = Suggestion {
        id: String::new(),
        policy_arn: String::new(),
        affects: Vec::new(),
        // What it is of is told by the document, in which the account may stand.
        before_sha256: String::new(),
        verdict: Verdict {
            shapes_proved: 0,
            calls_represented: 0,
            incomplete: 0,
            unmapped: 0,
            unexplained: 0,
            ..s.verdict.clone()
        },
        ..Suggestion::clone(s)
    };
    let own = account(&s.policy_arn).unwrap_or_default();
    let words = format!("{same:?} of {} holders", s.affects.len());
    let mut digest = Sha256::new();
    for part in [words.as_str(), s.before().as_str(), s.after().as_str()] {
        digest.update(nameless_account(part, own).as_bytes());
        digest.update([0]);
    }
    digest.finalize().into()
}

/// A text with its own account's number taken out, so that what is the same in two accounts reads the same.
fn nameless_account<'t>(text: &'t str, own: &str) -> Cow<'t, str> {
    if own.len() == 12 && text.contains(own) {
        Cow::Owned(text.replace(own, "<account>"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The accounts of some principals.
pub(super) fn accounts<'r>(arns: impl IntoIterator<Item = &'r String>) -> BTreeSet<&'r str> {
    arns.into_iter().filter_map(|arn| account(arn)).collect()
}

/// What of a suggestion stays although nobody saw it used: each statement's name, and how much it is for which reasons.
pub(super) fn unseen(suggestion: &Verified<Suggestion>) -> Vec<(String, String)> {
    let document = suggestion.after().value();
    let statements = statements(&document);
    let hidden = suggestion.statements.iter().enumerate();
    hidden
        .filter_map(|(at, statement)| {
            let unseen = statement.unseen.as_ref()?;
            let name = statements.get(at).map_or_else(|| nameless(at), |one| named(one, at));
            let all = count(unseen.actions, "action stays", "actions stay");
            let services = services(unseen);
            Some((
                name,
                format!("{all} that nobody saw used{services}: {}", reasons(unseen)),
            ))
        })
        .collect()
}

/// The Sid of a statement, else its place as people count.
fn named(statement: &Value, at: usize) -> String {
    let sid = statement.get("Sid").and_then(Value::as_str);
    let sid = sid.filter(|sid| !sid.is_empty());
    sid.map_or_else(|| nameless(at), str::to_owned)
}

fn nameless(at: usize) -> String {
    format!("statement {}", at + 1)
}

/// The services of what goes.
pub(super) fn services_of(suggestion: &Suggestion) -> Vec<&str> {
    let service = |pattern: &'_ str| pattern.find(':').unwrap_or(pattern.len());
    let services: BTreeSet<&str> = suggestion.removed.iter().map(|one| &one[..service(one)]).collect();
    services.into_iter().collect()
}

/// Of which services they are, where that is more than one.
fn services(unseen: &Unseen) -> String {
    if unseen.services.len() < 2 {
        return String::new();
    }
    let named = unseen.services.iter().take(SERVICES);
    let mut parts: Vec<String> = named
        .map(|one| format!("{} {}", one.service, number(one.actions)))
        .collect();
    let more = unseen.services.len().saturating_sub(SERVICES) as u64;
    if more > 0 {
        parts.push(count(more, "more service", "more services"));
    }
    format!(" ({})", parts.join(", "))
}

/// Why nobody saw them used, the kinds of reasons that questions are asked by; how many each, where there are several.
fn reasons(unseen: &Unseen) -> String {
    let mut kinds: Vec<(&str, u64)> = Vec::new();
    for one in &unseen.why {
        let reason = one.reason.as_deref().and_then(Reason::of_name);
        let says: &str = match reason {
            Some(reason) => reason.says(),
            None => &one.why,
        };
        match kinds.iter_mut().find(|(known, _)| *known == says) {
            Some((_, actions)) => *actions += one.actions,
            None => kinds.push((says, one.actions)),
        }
    }
    kinds.sort_by_key(|(_, actions)| Reverse(*actions));
    if let [(only, _)] = kinds[..] {
        return only.to_owned();
    }
    let mut parts: Vec<String> = kinds
        .iter()
        .take(REASONS)
        .map(|(says, actions)| format!("{} because {says}", number(*actions)))
        .collect();
    let rest: u64 = kinds.iter().skip(REASONS).map(|(_, actions)| actions).sum();
    if rest > 0 {
        parts.push(format!("{} for other reasons", number(rest)));
    }
    parts.join("; ")
}

/// The statement of which resources became narrower: its Sid, else its place as people count.
pub(super) fn narrowed(suggestion: &Verified<Suggestion>, narrowed: &Narrowed) -> String {
    let document = suggestion.before().value();
    let at = narrowed.statement.parse::<usize>().ok();
    let statement = at.and_then(|at| Some((statements(&document).get(at)?, at)));
    match statement {
        Some((statement, at)) if statement.get("Sid").is_none() => nameless(at),
        Some(_) | None => narrowed.statement.clone(),
    }
}

/// What people chose in a suggestion, each choice in words.
pub(super) fn chosen(suggestion: &Suggestion) -> Vec<String> {
    let one = |chosen: &Chosen| {
        let names: Vec<&str> = chosen.actions.iter().take(5).collect();
        let more = match chosen.actions.len().saturating_sub(names.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let who = if chosen.who.is_empty() { "somebody" } else { &chosen.who };
        let why = if chosen.why.is_empty() {
            "no reason given"
        } else {
            &chosen.why
        };
        format!(
            "{}: {} of {} ({}{more}), chosen by {who}: {why}",
            chosen.decision,
            count(chosen.count, "action", "actions"),
            short(&chosen.principal),
            names.join(", ")
        )
    };
    suggestion.chosen.iter().map(one).collect()
}

/// Most reasons that are named for one statement, and most services.
const REASONS: usize = 4;
const SERVICES: usize = 6;

/// The statements of a document, one that stands alone included.
pub(super) fn statements(document: &Value) -> &[Value] {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    }
}

/// What a backtest says of the ready suggestions, where one was made that has calls of theirs. Results of earlier versions
/// do not tell ready ones from held ones.
pub(super) fn backtest(report: &Report) -> Option<String> {
    let backtest = report.totals.backtest.as_ref()?;
    let doubtful = match backtest.ready_doubtful_calls {
        0 => String::new(),
        some => format!(", {} in doubt", number(some)),
    };
    (backtest.ready_calls > 0).then(|| {
        format!(
            "backtest: {} of {} would have broken{doubtful}",
            number(backtest.ready_broken_calls),
            count(backtest.ready_calls, "later call", "later calls")
        )
    })
}

/// What a backtest says of the held suggestions, where it speaks against some.
pub(super) fn backtest_of_held(report: &Report) -> Option<String> {
    let broken = report.totals.backtest.as_ref()?.held_broken_calls;
    let calls = count(broken, "later call", "later calls");
    (broken > 0).then(|| format!("backtest: {calls} would have broken"))
}

/// What stays for what was made, or that it was not asked for.
pub(super) fn life_cycles(report: &Report) -> Option<String> {
    let totals = report.totals.life_cycles?;
    match (totals.on, totals.actions) {
        (false, _) => Some("off: who makes things may lose what changes and deletes them".to_owned()),
        (true, 0) => None,
        (true, actions) => Some(format!(
            "{} for what was made and will be changed and deleted",
            count(actions, "action stays", "actions stay")
        )),
    }
}

/// What is held, policy by policy: how many until which day, the first day first, and how many until somebody looks.
pub(super) fn held(report: &Report) -> (BTreeMap<&str, u64>, u64) {
    let policy = |s: &'_ Suggestion| (s.policy_arn.clone(), s.policy.clone());
    let ready: BTreeSet<(String, String)> = report
        .suggestions
        .iter()
        .filter(|s| s.held.is_none())
        .map(|s| policy(s))
        .collect();
    let mut waits: BTreeMap<(String, String), Option<&str>> = BTreeMap::new();
    for s in report.suggestions.iter().filter(|s| !ready.contains(&policy(s))) {
        let until = s.held_until.as_deref().map(day);
        // All its steps must wait; where one asks for somebody, the policy does.
        let known = waits.entry(policy(s)).or_insert(until);
        *known = known.zip(until).map(|(known, until)| known.max(until));
    }
    let mut days: BTreeMap<&str, u64> = BTreeMap::new();
    let mut asks = 0;
    for until in waits.into_values() {
        match until {
            Some(day) => *days.entry(day).or_default() += 1,
            None => asks += 1,
        }
    }
    (days, asks)
}

/// The greatest risk that a ready suggestion removes: whose, and which actions.
pub(super) fn top_risk(report: &Report) -> Option<(String, &[String])> {
    let top = report
        .suggestions
        .iter()
        .find(|s| s.held.is_none() && !s.risk_removed.is_empty())?;
    let who = top.affects.first().map_or_else(|| top.policy.clone(), |arn| short(arn));
    let reach = format!(
        "1 policy, {}",
        count(top.affects.len() as u64, "principal", "principals")
    );
    Some((format!("{who} ({reach})"), &top.risk_removed))
}
