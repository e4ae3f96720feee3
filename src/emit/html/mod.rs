//! One self-contained page: no network, one script of ours that searches and filters, readable without it, in the dark, on
//! a phone and on paper.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, Value as Cell, escape_formatter};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::inventory::graph;
use super::{Error, decisions, diff, escape, split, view};
use crate::gap::Grade;
use crate::report::{Action, Finding, GradeTotals, Principal, Report, State as Stands};

mod actions;
mod told;

use told::Told;

/// Rows of one list; the rest is counted and stands in `result.json`.
const ROWS: usize = 300;
/// Longest text in a cell.
const LONGEST: usize = 600;

/// How much of one kind a page takes before it is too long to scroll and too large for a browser.
struct Room {
    /// What is left for the rest of the page.
    left: usize,
    /// Most in one place.
    most: usize,
    /// What a place may have even when nothing is left.
    few: usize,
}

impl Room {
    fn take(&mut self, wanted: usize) -> usize {
        let taken = wanted.min(self.most).min(self.left.max(self.few));
        self.left = self.left.saturating_sub(taken);
        taken
    }
}

/// Rows of action groups.
const GROUPS: Room = Room {
    left: 1_000,
    most: 100,
    few: 10,
};
/// Lines of diffs.
const LINES: Room = Room {
    left: 4_000,
    most: 1_000,
    few: 20,
};
/// Boxes of the drawing of who takes whom, and chains of roles beside it.
const BOXES: usize = 60;
const CHAINS: usize = 20;
/// Patterns that are read at a glance; longer lists are folded behind the services that they are of.
const FEW: usize = 12;
/// Policies and principals that need somebody's word.
const ASKS: usize = 8;
/// Principals that have a line.
const PRINCIPALS: usize = 1_000;
/// Bytes of the whole page, roughly, and of a principal's line: what those leave is for what is told beyond them.
const PAGE: usize = 900_000;
const LINE: usize = 800;
/// Services with a bar of their own, for each principal.
const SERVICES: usize = 12;

/// Writes the page.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> Result<(), Error> {
    let mut page = environment();
    page.add_template("report.html", include_str!("report.html"))?;
    let mut view = view(report)?;
    view["script"] = json!(SCRIPT);
    view["script_hash"] = json!(BASE64_STANDARD.encode(Sha256::digest(SCRIPT)));
    let text = page.get_template("report.html")?.render(Serde(view))?;
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// Templates in which every text is escaped, and how all pages (`base_style`) and drawings of who takes whom
/// (`graph_style`) look.
pub(super) fn environment() -> Environment<'static> {
    let mut page = Environment::new();
    page.set_auto_escape_callback(|_| AutoEscape::Html);
    page.set_formatter(visibly);
    page.add_global("base_style", include_str!("base.css"));
    page.add_global("graph_style", include_str!("graph.css"));
    page
}

/// A drawing of who takes whom as HTML, every text of it escaped; `null` where there is nothing to draw.
pub(super) fn drawing(graph: Value) -> Result<Value, Error> {
    if graph.is_null() {
        return Ok(Value::Null);
    }
    let mut page = environment();
    page.add_template("graph.html", include_str!("graph.html"))?;
    let text = page
        .get_template("graph.html")?
        .render(Serde(json!({"graph": graph})))?;
    Ok(Value::String(text))
}

/// Searches and filters; the page's policy of content names its digest, so that nothing else runs.
const SCRIPT: &str = include_str!("filter.js");

/// Every text that the template prints passes here: hidden characters show, then HTML is escaped.
fn visibly(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Cell) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() => {
            let shown = Cell::from(escape::visible(&escape::cut(text, LONGEST)).into_owned());
            escape_formatter(out, state, &shown)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// The scorecard; `null` where the result keeps none.
fn practices(report: &Report) -> Value {
    let lines = &report.practices;
    if lines.is_empty() {
        return Value::Null;
    }
    let count = |state: Stands| lines.iter().filter(|line| line.state == state).count();
    json!({
        "done": count(Stands::Done), "to_do": count(Stands::ToDo), "open": count(Stands::CannotBeJudged),
        "lines": lines.iter().map(|line| json!({
            "number": line.number, "practice": line.practice, "evidence": line.evidence, "next": line.next,
            "state": if line.state == Stands::CannotBeJudged { "not known" } else { line.state.name() },
            "class": match line.state { Stands::Done => "done", Stands::ToDo => "todo", Stands::CannotBeJudged => "open" },
        })).collect::<Vec<_>>(),
    })
}

fn view(report: &Report) -> Result<Value, Error> {
    let rows = view::rows(report);
    let mut told = Told::of(report);
    let mut principals = Vec::new();
    let (mut room_of_groups, mut room_of_lines) = (GROUPS, LINES);
    let mut room = room_of_bodies(rows.len()) / 4 * 3;
    for row in rows.iter().take(PRINCIPALS) {
        let principal = row.principal;
        let mut line = line(row);
        if room == 0 {
            principals.push(line);
            continue;
        }
        let groups = &principal.action_groups;
        let groups = actions::largest(groups, room_of_groups.take(groups.len()));
        let suggestions: Vec<Value> = row
            .suggestions
            .iter()
            .map(|at| told.suggestion(report, *at, &mut room_of_lines))
            .collect::<Result<_, _>>()?;
        let (actions, alike) = actions::apart(&principal.actions);
        let findings: Vec<Value> = principal.findings.iter().take(ROWS).map(finding).collect();
        let elsewhere: Vec<Value> = principal
            .elsewhere
            .iter()
            .take(ROWS)
            .map(|e| json!({"action": e.action, "calls": view::number(e.calls), "last": view::day(&e.last_seen), "why": e.why}))
            .collect();
        let unexplained: Vec<Value> = principal
            .unexplained
            .iter()
            .take(ROWS)
            .map(|u| {
                let calls = view::number(u.calls + u.indeterminate);
                json!({"action": u.action, "calls": calls, "last": view::day(&u.last_seen), "why": u.why})
            })
            .collect();
        let body = json!({
            "risk": row.risk.iter().take(12).collect::<Vec<_>>(),
            "last_seen": principal.last_seen.as_deref().map(view::day),
            "rhythm": principal.rhythm.as_ref().map(|rhythm| rhythm.says.as_str()),
            "created": view::day(&principal.created),
            "why_not": principal.why_not,
            "workloads": principal.workloads.iter().take(20).map(|w| json!({
                "name": w.label(),
                "cluster": w.cluster,
                "calls": view::count(w.calls, "call", "calls"),
            })).collect::<Vec<_>>(),
            "split": split::splits_of(report, &principal.arn).flat_map(|(split, _)| split::lines(split)).collect::<Vec<_>>(),
            "services": services(principal),
            "findings": findings,
            "suggestions": suggestions,
            "actions": actions.iter().take(ROWS).map(|a| json!({
                "action": a.action,
                "grade": view::grade(a.grade),
                "class": class(a.grade),
                "calls": view::number(a.calls),
                "last": a.last_seen.as_deref().map(view::day),
                "span": span(report, a),
                "why": a.why,
                "rhythm": a.rhythm.as_ref().map(|rhythm| rhythm.says.as_str()),
                "blocked_by": a.blocked_by,
                "resources": a.resources.iter().take(5).collect::<Vec<_>>(),
                "more_resources": a.resources.len().saturating_sub(5),
            })).collect::<Vec<_>>(),
            "more_actions": actions.len().saturating_sub(ROWS),
            "more_groups": principal.action_groups.len() - groups.len(),
            "groups": alike.iter().chain(groups).map(|g| json!({
                "service": g.service,
                "grade": view::grade(g.grade),
                "class": class(g.grade),
                "why": g.why,
                "count": view::number(g.count),
                "patterns": g.patterns.iter().take(24).collect::<Vec<_>>(),
                "more": g.patterns.len().saturating_sub(24),
            })).collect::<Vec<_>>(),
            "elsewhere": elsewhere,
            "unexplained": unexplained,
        });
        room = room.saturating_sub(body.to_string().len());
        line["body"] = body;
        principals.push(line);
    }
    let room_of_others = room_of_bodies(rows.len()) / 4 + room;
    let (others, more_others) = others(report, &mut told, &mut room_of_lines, room_of_others)?;
    let brief = principals.iter().filter(|line| line["body"].is_null()).count() as u64;
    let totals = &report.totals;
    let (untouched, reasons) = view::not_touched(report);
    let mut proof = vec![view::proof(report)];
    proof.extend(view::ready_unseen(report));
    proof.extend(view::backtest(report));
    Ok(json!({
        "practices": practices(report),
        "graph": drawing(report.graph.as_ref().map_or(Value::Null, |drawn| graph::svg(drawn, BOXES)))?,
        "chains": report.graph.as_ref().map(|drawn| graph::chains(drawn).into_iter().take(CHAINS).collect::<Vec<_>>()),
        "scope": view::scope(report),
        "from": view::day(&report.window.from),
        "to": view::day(&report.window.to),
        "ready": view::number(totals.ready),
        "held": view::number(totals.held),
        "waits": waits(report),
        "choice": view::number(totals.needs_choice),
        "choices": totals.needs_choice > 0,
        "asks": asks(report, &told),
        "more_asks": decisions::asks(report).len().saturating_sub(ASKS),
        "asked": decisions::asked(report).into_iter().take(ASKS).map(|(arn, n)| json!({
            "name": view::short(arn), "anchor": anchor(arn), "n": view::number(n),
        })).collect::<Vec<_>>(),
        "more_asked": decisions::asked(report).len().saturating_sub(ASKS),
        "questions": (totals.questions > 0).then(|| view::count(totals.questions, "question", "questions")),
        "untouched": view::number(untouched),
        "reasons": reasons,
        "removable": view::number(totals.removable_actions),
        "granted": view::number(totals.actions.granted),
        "proof": proof.join(" · "),
        "bar": bar(&totals.actions),
        "top_risk": view::top_risk(report).map(|(who, actions)| json!({
            "who": who, "actions": actions.iter().take(10).collect::<Vec<_>>(), "more": actions.len().saturating_sub(10),
        })),
        "would_prove_most": totals.would_prove_most,
        "life_cycles": view::life_cycles(report),
        "brief": (brief > 0).then(|| view::count(brief, "principal stands", "principals stand")),
        "principals": principals,
        "more_principals": rows.len().saturating_sub(PRINCIPALS),
        "others": others,
        "more_others": more_others,
        "accounts": report.account_findings.iter().take(ROWS).map(|found| json!({"account": found.account, "finding": finding(&found.finding)})).collect::<Vec<_>>(),
        "refused": report.refused.iter().take(50).map(|r| json!({"policy": r.policy, "witness": r.witness})).collect::<Vec<_>>(),
        "coverage": coverage(report),
        "version": report.tool.version,
        "catalog": report.tool.catalog_date,
        "expires": report.suggestions.iter().map(|s| s.expires.as_str()).min().map(view::day),
    }))
}

/// What is held until somebody looks, each with the place that tells more.
fn asks(report: &Report, told: &Told) -> Vec<Value> {
    let asks = decisions::asks(report).into_iter().take(ASKS);
    let each = asks.map(|ask| {
        let holder = ask.suggestion.affects.first().map_or("", String::as_str);
        let place = match told.shown[ask.at] {
            true => format!("s-{}", ask.at + 1),
            false => anchor(holder),
        };
        let whose = match ask.whose.starts_with("policy/") {
            true => decisions::first(ask.suggestion.affects.iter().map(|arn| view::short(arn)).collect(), 3),
            false => ask.whose,
        };
        json!({"place": place, "policy": ask.suggestion.policy, "whose": whose, "what": ask.what})
    });
    each.collect()
}

/// Bytes of JSON that all details may have; as HTML they take half as much again.
fn room_of_bodies(principals: usize) -> usize {
    PAGE.saturating_sub(LINE * principals.min(PRINCIPALS)) / 8 * 5
}

/// Suggestions for principals that are not told here, in so many bytes of JSON, and how many more there are. What says the
/// same as one that is told stands with that one.
fn others(report: &Report, told: &mut Told, lines: &mut Room, mut room: usize) -> Result<(Vec<Value>, u64), Error> {
    let (mut others, mut more) = (Vec::new(), 0);
    for at in 0..report.suggestions.len() {
        if told.is_told(at) {
            continue;
        }
        if room == 0 || others.len() >= ROWS {
            more += 1;
            continue;
        }
        let one = told.suggestion(report, at, lines)?;
        room = room.saturating_sub(one.to_string().len());
        others.push(one);
    }
    Ok((others, more))
}

/// What is told of every principal.
fn line(row: &view::Row<'_>) -> Value {
    let principal = row.principal;
    json!({
        "name": view::short(&principal.arn),
        "arn": principal.arn,
        "anchor": anchor(&principal.arn),
        "account": principal.account,
        "to_do": row.to_do(),
        "ready": row.ready > 0,
        "state": match (row.ready > 0, row.held.is_empty(), principal.rewritable) {
            (true, _, _) => "ready",
            (false, false, _) => "held",
            (false, true, true) => "open",
            (false, true, false) => "left",
        },
        "bar": bar(&principal.totals),
        "granted": view::number(principal.totals.granted),
    })
}

/// A principal's place on the page: its ARN, what an address may lack by its number.
fn anchor(arn: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/_+,.@-".contains(c);
    let letters = arn.chars().take(LONGEST).map(|c| match plain(c) {
        true => c.to_string(),
        false => format!("~{:x}", u32::from(c)),
    });
    letters.collect()
}

/// The services of most actions, each with its bar: those of which something is used first.
fn services(principal: &Principal) -> Vec<Value> {
    let mut services: BTreeMap<&str, GradeTotals> = BTreeMap::new();
    for action in &principal.actions {
        let service = action.action.split(':').next().unwrap_or("");
        services.entry(service).or_default().add(action.grade, 1);
    }
    for group in &principal.action_groups {
        services
            .entry(&group.service)
            .or_default()
            .add(group.grade, group.count);
    }
    let mut services: Vec<(&str, GradeTotals)> = services.into_iter().collect();
    services.sort_by_key(|(service, totals)| (Reverse(totals.used), Reverse(totals.granted), *service));
    let shown = services.iter().take(SERVICES).filter(|_| services.len() > 1);
    shown
        .map(|(service, totals)| {
            json!({"service": service, "granted": view::number(totals.granted), "bar": bar(totals)})
        })
        .collect()
}

/// Where between the first and the last day of the window an action was used, in percent; nothing where it was not, or
/// where that cannot be read.
fn span(report: &Report, action: &Action) -> Option<Value> {
    let second = |moment: &str| Some(moment.parse::<jiff::Timestamp>().ok()?.as_second());
    let (from, to) = (second(&report.window.from)?, second(&report.window.to)?);
    let (first, last) = (
        second(action.first_seen.as_deref()?)?,
        second(action.last_seen.as_deref()?)?,
    );
    let whole = (to - from).max(1);
    let percent = |at: i64| (i128::from(at - from) * 100 / i128::from(whole)).clamp(0, 100);
    let (left, right) = (percent(first).min(98), percent(last));
    Some(json!({
        "left": left,
        "width": (right - left).max(2),
        "says": format!("{} to {}", view::day(action.first_seen.as_deref()?), view::day(action.last_seen.as_deref()?)),
    }))
}

/// Until when what is held waits, and for what else.
fn waits(report: &Report) -> Vec<String> {
    let (days, asks) = view::held(report);
    let mut parts: Vec<String> = days
        .iter()
        .take(4)
        .map(|(day, n)| format!("{} until {day}", view::number(*n)))
        .collect();
    let later: u64 = days.values().skip(4).sum();
    if later > 0 {
        parts.push(format!("{} later", view::number(later)));
    }
    if asks > 0 {
        parts.push(format!("{} for somebody who knows", view::number(asks)));
    }
    parts.extend(view::backtest_of_held(report));
    parts
}

fn class(grade: Grade) -> &'static str {
    match grade {
        Grade::Used => "used",
        Grade::Inferred => "inferred",
        Grade::Unobservable | Grade::OutsideCoverage => "unseen",
        Grade::DeniedOnly => "denied",
        Grade::Unused => "unused",
    }
}

/// The stacked bar: widths in hundredths of a percent that close to the whole, with numbers for the legend.
fn bar(totals: &GradeTotals) -> Vec<Value> {
    let unseen = totals.unobservable + totals.outside_coverage;
    let parts = [
        ("used", "used", totals.used),
        ("inferred", "inferred", totals.inferred),
        ("unseen", "kept though unseen", unseen),
        ("denied", "denied only", totals.denied_only),
        ("unused", "no logged use", totals.unused),
    ];
    let sum: u128 = parts.iter().map(|(_, _, n)| u128::from(*n)).sum::<u128>().max(1);
    parts
        .iter()
        .filter(|(_, _, n)| *n > 0)
        .map(|(class, label, n)| {
            let share = u128::from(*n) * 10_000 / sum;
            let percent = format!("{}.{:02}", share / 100, share % 100);
            json!({"class": class, "label": label, "n": view::number(*n), "percent": percent})
        })
        .collect()
}

fn finding(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.name(),
        "id": finding.id,
        "title": finding.title,
        "why": finding.why,
        "fix": finding.fix,
        "evidence": finding.evidence.iter().take(10).collect::<Vec<_>>(),
    })
}

fn suggestion(report: &Report, at: usize, whole: bool, room: &mut Room) -> Result<Value, Error> {
    let s = &report.suggestions[at];
    let mut lines = Vec::new();
    let mut more = 0;
    if whole && s.change == "replace" {
        let hunks = diff::for_reading(s)?;
        let all = hunks.lines().count();
        let shown = room.take(all);
        more = all - shown;
        for line in hunks.lines().take(shown) {
            let class = match line.as_bytes().first() {
                Some(b'+') => "new",
                Some(b'-') => "gone",
                Some(b'@') => "hunk",
                _ => "same",
            };
            lines.push(json!({"class": class, "text": line}));
        }
    }
    Ok(json!({
        "at": at + 1,
        "whole": whole,
        "policy": s.policy,
        "kind": s.kind.replace('_', " "),
        "change": view::change(&s.change),
        "replaces": s.change == "replace",
        "step": s.step,
        "goes": view::count(s.removed_actions, "action goes", "actions go"),
        "affects": s.affects.iter().take(20).map(|arn| view::short(arn)).collect::<Vec<_>>(),
        "more_affects": s.affects.len().saturating_sub(20),
        "removed": s.removed.iter().take(40).collect::<Vec<_>>(),
        "more_removed": s.removed.len().saturating_sub(40),
        "removed_of": (s.removed.len() > FEW).then(|| view::services_of(s).join(", ")),
        "risk": s.risk_removed.iter().take(12).collect::<Vec<_>>(),
        "narrowed": s.narrowed.iter().take(20).map(|n| json!({
            "statement": view::narrowed(s, n), "from": n.from.join(", "), "to": n.to.join(", "),
        })).collect::<Vec<_>>(),
        "assumptions": s.assumptions.iter().take(20).collect::<Vec<_>>(),
        "chosen": view::chosen(s).into_iter().take(20).collect::<Vec<_>>(),
        "held": s.held,
        "confidence": s.confidence,
        "confidence_why": s.confidence_why.iter().take(6).collect::<Vec<_>>(),
        "expires": view::day(&s.expires),
        "before": view::number(s.characters.before),
        "after": view::number(s.characters.after),
        "quota": view::number(s.characters.quota),
        "unseen": view::unseen(s).into_iter().take(20).map(|(statement, stays)| json!({
            "statement": statement, "stays": stays,
        })).collect::<Vec<_>>(),
        "room": s.room.as_ref().map(|room| &room.note),
        "narrower": s.verdict.narrower,
        "keeps": s.verdict.keeps,
        "shapes": view::number(s.verdict.shapes_proved),
        "calls": view::number(s.verdict.calls_represented),
        "incomplete": view::number(s.verdict.incomplete),
        "unmapped": view::number(s.verdict.unmapped),
        "unexplained": (s.verdict.unexplained > 0).then(|| view::number(s.verdict.unexplained)),
        "lines": lines,
        "more_lines": more,
    }))
}

fn coverage(report: &Report) -> Value {
    let c = &report.coverage;
    let skipped: u64 = c.skipped.iter().map(|s| s.records).sum();
    json!({
        "files": view::number(c.files),
        "bytes": view::bytes(c.bytes),
        "records": view::number(c.records),
        "parts": [
            {"what": "put to use: resolved to actions of a principal", "n": view::number(c.events_used)},
            {"what": "need no permission: service events, sign-ins and the like", "n": view::number(c.events_not_calls)},
            {"what": "operation unknown to the catalog; its service stays whole", "n": view::number(c.events_unmapped)},
            {"what": "name nobody", "n": view::number(c.events_unattributed)},
            {"what": "skipped: unreadable, torn or read before", "n": view::number(skipped)},
        ],
        "filtered": view::number(c.events_filtered_out),
        "accounts": c.accounts.iter().take(60).collect::<Vec<_>>(),
        "more_accounts": c.accounts.len().saturating_sub(60),
        "regions": c.regions.iter().take(60).collect::<Vec<_>>(),
        "data": c.data_events.iter().take(40).map(|d| json!({
            "type": d.resource_type, "n": view::number(d.seen.len() as u64), "seen": d.seen.iter().take(8).collect::<Vec<_>>(),
            "more": d.seen.len().saturating_sub(8),
        })).collect::<Vec<_>>(),
        "gaps": c.gaps.iter().take(60).map(|g| json!({
            "account": g.account, "region": g.region, "from": g.from, "to": g.to,
        })).collect::<Vec<_>>(),
        "more_gaps": c.gaps.len().saturating_sub(60),
        "unmapped": c.unmapped.iter().take(40).map(|u| json!({
            "what": format!("{} {}", u.event_source, u.event_name), "why": u.why, "calls": view::number(u.calls),
        })).collect::<Vec<_>>(),
        "skipped": c.skipped.iter().take(40).map(|s| json!({
            "what": s.what, "why": s.why, "records": view::number(s.records),
        })).collect::<Vec<_>>(),
        "more_skipped": c.skipped.len().saturating_sub(40),
        "policies": c.organization_policies,
    })
}
