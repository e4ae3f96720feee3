//! The pull request's comment: what goes, for whom, why, what is proved and what is not, and the way back.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::policies::{self, Chosen};
use super::{Error, Options, comment, diff, escape, split, view};
use crate::report::{Report, RoleSplit, Suggestion, Verdict};
use crate::verify::Verified;

/// What `comment` posts as it is, less the sentence that says what was left out.
const LONGEST: usize = 63_800;
/// A comment that is read is shorter: documents that would make it longer stand in the pull request itself.
const READABLE: usize = 11_800;
/// Rows of the table of policies.
const ROWS: usize = 60;
/// Longest name or sentence that a stranger wrote.
const NAME: usize = 96;
const SENTENCE: usize = 400;

/// Writes the comment; what does not fit is counted.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    let chosen = policies::chosen(report, options.include_held);
    let groups = view::alike(chosen.iter().collect(), |one| one.suggestion);
    let mut text = String::new();
    goes(report, &groups, &mut text);
    if !chosen.is_empty() {
        why(report, &groups, &mut text);
    }
    stays(report, &chosen, &mut text);
    proved(report, &chosen, &mut text);
    if !chosen.is_empty() {
        undo(report, &chosen, &mut text);
    }
    accounts(report, &mut text);
    splits(report, &mut text);
    if chosen.iter().any(Chosen::replaces) {
        text.push_str(
            "### Policy by policy\n\nDiffs that are not shown here stand in the files and in `report.html`.\n\n",
        );
    }
    let told = doubts_of_all(&chosen);
    let mut left_out = 0_u64;
    let mut size = text.chars().count();
    let short: Vec<String> = groups
        .iter()
        .enumerate()
        .map(|(at, one)| details(report, &told, at, one, Show::Facts))
        .collect::<Result<_, _>>()?;
    // Facts come before diffs, and the diffs of the riskiest before others.
    let mut to_come: usize = short.iter().map(|part| part.chars().count()).sum();
    for (at, (one, short)) in groups.iter().zip(short).enumerate() {
        to_come -= short.chars().count();
        let mut part = short;
        for show in [Show::Diff, Show::Seen, Show::Names] {
            if size + part.chars().count() + to_come >= READABLE {
                break;
            }
            let more = details(report, &told, at, one, show)?;
            if size + more.chars().count() + to_come <= READABLE {
                part = more;
                break;
            }
        }
        if size + part.chars().count() > LONGEST {
            left_out += one.len() as u64;
        } else {
            size += part.chars().count();
            text.push_str(&part);
        }
    }
    if left_out > 0 {
        let one = "suggestion did not fit here: it stands";
        let many = "suggestions did not fit here: they stand";
        text.push_str(&format!(
            "\n{} in `report.html` and `result.json`.\n",
            view::count(left_out, one, many)
        ));
    }
    out.write_all(comment::marked("summary", &text).as_bytes())?;
    Ok(())
}

fn name(text: &str) -> String {
    format!("<code>{}</code>", escape::markdown(&escape::cut(text, NAME)))
}

fn sentence(text: &str) -> String {
    escape::markdown(&escape::cut(text, SENTENCE))
}

/// A sentence that begins one: its first letter in upper case.
fn opening(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_ascii_uppercase());
    sentence(&first.into_iter().chain(rest).collect::<String>())
}

/// A few names, and how many more.
fn names(list: impl IntoIterator<Item: AsRef<str>>, most: usize) -> String {
    let mut list = list.into_iter();
    let mut text = list
        .by_ref()
        .take(most)
        .map(|one| name(one.as_ref()))
        .collect::<Vec<_>>()
        .join(", ");
    let more = list.count() as u64;
    if more > 0 {
        text.push_str(&format!(" and {} more", view::number(more)));
    }
    text
}

/// Suggestions that say the same.
type Alike<'c, 'r> = [&'c Chosen<'r>];

/// Whom they affect, each once.
fn affected<'r>(alike: &Alike<'_, 'r>) -> BTreeSet<&'r String> {
    alike.iter().flat_map(|one| &one.suggestion.affects).collect()
}

/// Their names, each once, and how many accounts they are of, where that is more than one.
fn people(alike: &Alike<'_, '_>, most: usize) -> String {
    let affected = affected(alike);
    match view::accounts(affected.iter().copied()).len() as u64 {
        0 | 1 => names(affected.into_iter().map(|arn| view::short(arn)), most),
        accounts => {
            let each: BTreeSet<String> = affected.into_iter().map(|arn| view::short(arn)).collect();
            format!("{} in {} accounts", names(each, most), view::number(accounts))
        }
    }
}

/// How many are alike, where that is more than one.
fn times(alike: &Alike<'_, '_>, before: &str, after: &str) -> String {
    match alike.len() as u64 {
        1 => String::new(),
        n => format!("{before}{}{after}", view::number(n)),
    }
}

fn goes(report: &Report, groups: &[Vec<&Chosen<'_>>], text: &mut String) {
    let policies = |groups: &[Vec<&Chosen<'_>>]| groups.iter().map(|alike| alike.len() as u64).sum::<u64>();
    match policies(groups) {
        0 => text.push_str("## trimtrail: no policy can allow less yet\n\n"),
        n => text.push_str(&format!(
            "## trimtrail: {} less, with proof\n\n",
            view::count(n, "policy allows", "policies allow")
        )),
    }
    let scope: Vec<String> = view::scope(report).iter().map(|part| sentence(part)).collect();
    text.push_str(&format!("{}\n\n", scope.join(" · ")));
    if groups.is_empty() {
        return;
    }
    text.push_str(
        "| Policy | For whom | What goes | Of these, risky | Characters | Confidence |\n|---|---|---|---|---|---|\n",
    );
    for alike in groups.iter().take(ROWS) {
        let Some(s) = alike.first().map(|one| one.suggestion) else {
            continue;
        };
        let goes = match s.change.as_str() {
            "replace" => view::count(s.removed_actions, "action", "actions"),
            "detach" => format!("detached: {}", view::count(s.removed_actions, "action", "actions")),
            _ => format!("deleted: {}", view::count(s.removed_actions, "action", "actions")),
        };
        let risky = match s.risk_removed.as_slice() {
            [] => "none".to_owned(),
            risky => names(risky, 1),
        };
        let held = if s.held.is_some() { ", held" } else { "" };
        text.push_str(&format!(
            "| {}{} | {} | {goes}{} | {risky} | {} → {} | {}{held} |\n",
            name(&s.policy),
            times(alike, ", ", " alike"),
            people(alike, 2),
            if alike.len() > 1 { " each" } else { "" },
            view::number(s.characters.before),
            view::number(s.characters.after),
            sentence(&s.confidence),
        ));
    }
    if groups.len() > ROWS {
        text.push_str(&format!(
            "\n{} more in `result.json`.\n",
            view::number(policies(&groups[ROWS..]))
        ));
    }
    let chosen = groups.iter().flatten().map(|one| one.suggestion);
    if chosen.map(|one| one.characters).any(|of| of.after > of.before) {
        text.push_str("\nA list of names has more characters than the wildcard in the place of which it stands, and allows less.\n");
    }
    text.push('\n');
}

fn why(report: &Report, groups: &[Vec<&Chosen<'_>>], text: &mut String) {
    text.push_str(&format!(
        "### Why\n\nIn {} ({} to {}) no call by any of these principals needed what goes, and the trail logs such calls: \
         it has no logged use. What that takes for granted stands under *not* proved.\n\n",
        view::count(report.window.days.max(0.0).floor() as u64, "day", "days"),
        sentence(view::day(&report.window.from)),
        sentence(view::day(&report.window.to)),
    ));
    let chosen: BTreeSet<&String> = groups
        .iter()
        .flatten()
        .flat_map(|one| &one.suggestion.verdict.chosen_by)
        .collect();
    if !chosen.is_empty() {
        text.push_str(&format!(
            "Some of it nobody could see: it goes because {} chose so, as told below.\n\n",
            names(chosen, 5)
        ));
    }
    let detached: Vec<String> = groups
        .iter()
        .filter_map(|alike| Some((alike, alike.first().filter(|one| !one.replaces())?.suggestion)))
        .take(20)
        .map(|(alike, s)| {
            let verb = if s.change == "detach" { "Detach" } else { "Delete" };
            format!(
                "- {verb} {} ({}): nothing in it has a logged use, so there is no policy file.\n",
                name(&s.policy),
                people(alike, 3)
            )
        })
        .collect();
    if !detached.is_empty() {
        text.push_str(&format!("{}\n", detached.concat()));
    }
}

fn stays(report: &Report, chosen: &[Chosen<'_>], text: &mut String) {
    let affected: BTreeSet<&str> = chosen
        .iter()
        .flat_map(|one| &one.suggestion.affects)
        .map(String::as_str)
        .collect();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for principal in report.principals.iter().filter(|p| affected.contains(p.arn.as_str())) {
        let totals = &principal.totals;
        for (reason, n) in [
            (
                "not logged by this trail (data events and the like)",
                totals.unobservable,
            ),
            (
                "outside the archive's days, regions or accounts",
                totals.outside_coverage,
            ),
            (
                "inferred (another call needs them too, or what it made will be changed and deleted)",
                totals.inferred,
            ),
            ("only denied so far", totals.denied_only),
        ] {
            *reasons.entry(reason).or_default() += n;
        }
    }
    reasons.retain(|_, n| *n > 0);
    if !reasons.is_empty() {
        text.push_str("### What stays though it was not seen\n\n");
        let mut reasons: Vec<(&str, u64)> = reasons.into_iter().collect();
        reasons.sort_by_key(|(reason, n)| (std::cmp::Reverse(*n), *reason));
        for (reason, n) in &reasons {
            text.push_str(&format!(
                "- {}: {reason}\n",
                view::count(*n, "granted action", "granted actions")
            ));
        }
        if chosen.iter().any(|one| !view::unseen(one.suggestion).is_empty()) {
            text.push_str(
                "\nWhat nobody saw used stands in a statement of its own, named below: whoever knows that it is not needed \
                 deletes that statement, or answers `trimtrail decide` once.\n",
            );
        }
        text.push('\n');
    }
    text.push_str(
        "### What is unchanged\n\nDeny statements, conditions and statement ids stand word for word; trust policies, \
         boundaries and resource policies are not touched.",
    );
    let (untouched, because) = view::not_touched(report);
    if untouched > 0 {
        text.push_str(&format!(
            " {} left alone: {}.",
            view::count(untouched, "principal is", "principals are"),
            sentence(&because.join(", "))
        ));
    }
    if report.totals.held > 0 {
        text.push_str(&format!(
            " {} held back for now.",
            view::count(report.totals.held, "suggestion is", "suggestions are")
        ));
    }
    text.push_str("\n\n");
}

fn proved(report: &Report, chosen: &[Chosen<'_>], text: &mut String) {
    let calls = view::calls(report, chosen.iter().map(|one| &**one.suggestion));
    let verdicts = || chosen.iter().map(|one| &one.suggestion.verdict);
    if !chosen.is_empty() {
        let narrower = verdicts().filter(|v| v.narrower == "proved").count();
        let keeps = verdicts().filter(|v| v.keeps == "proved").count();
        let stand_for = match calls.replayed {
            0 => String::new(),
            calls => format!(" that stand for {}", view::count(calls, "call", "calls")),
        };
        text.push_str(&format!(
            "### What is proved\n\nRelative to the catalog of {}:\n\n- The new policy allows nothing that the old one does \
             not: {narrower} of {n}.\n\
             - Every observed call that the old policy allows, the new one allows: {keeps} of {n}, {}{stand_for}.\n{}\n",
            sentence(&report.tool.catalog_date),
            view::count(
                verdicts().map(|v| v.shapes_proved).sum(),
                "resource shape",
                "resource shapes"
            ),
            tried(report, chosen),
            n = chosen.len(),
        ));
    }
    text.push_str("### What is *not* proved\n\n- Use that is rarer than the window is long: a yearly job leaves no trace in a quarter.\n");
    // Results of earlier versions know it of suggestions alone.
    let of = |known: u64, one: fn(&Verdict) -> u64| match calls.replayed {
        0 => verdicts().map(one).sum(),
        _ => known,
    };
    let incomplete = of(calls.incomplete, |verdict| verdict.incomplete);
    if incomplete > 0 {
        text.push_str(&format!(
            "- {} only part of their resources, and count as calls on any.\n",
            view::count(incomplete, "call shows", "calls show")
        ));
    }
    let unexplained = of(calls.unexplained, |verdict| verdict.unexplained);
    if unexplained > 0 {
        text.push_str(&format!(
            "- {} explained by no statement; all that could explain them stays.\n",
            view::count(unexplained, "call is", "calls are")
        ));
    }
    if report.coverage.events_unmapped > 0 {
        text.push_str(&format!(
            "- {} an operation that the catalog does not know; the services concerned, and patterns that may name it, stay whole.\n",
            view::count(report.coverage.events_unmapped, "event names", "events name")
        ));
    }
    if !report.coverage.organization_policies {
        text.push_str("- What service control policies forbid: they were not seen.\n");
    }
    if !report.coverage.gaps.is_empty() {
        let n = view::count(report.coverage.gaps.len() as u64, "gap", "gaps");
        text.push_str(&format!(
            "- What happened in {n} of the archive; what such a gap could hide stays granted.\n"
        ));
    }
    for excluded in report.coverage.excluded.iter().take(20) {
        text.push_str(&format!(
            "- What {} needed that `--exclude-use` left out: {}\n",
            view::count(excluded.events, "event", "events"),
            sentence(&excluded.rule)
        ));
    }
    let assumptions: BTreeSet<&String> = chosen.iter().flat_map(|one| &one.suggestion.assumptions).collect();
    if !assumptions.is_empty() {
        let told: Vec<String> = assumptions.iter().take(20).map(|one| sentence(one)).collect();
        let more = match assumptions.len().saturating_sub(told.len()) {
            0 => String::new(),
            more => format!("; {more} more, each with its suggestion"),
        };
        text.push_str(&format!("- Taken for granted: {}{more}.\n", told.join("; ")));
    }
    for why in doubts_of_all(chosen) {
        text.push_str(&format!("- Confidence is no higher because {}.\n", sentence(why)));
    }
    text.push('\n');
}

/// What keeps the confidence in every one from being higher.
fn doubts_of_all<'r>(chosen: &[Chosen<'r>]) -> Vec<&'r String> {
    let Some((first, others)) = chosen.split_first() else {
        return Vec::new();
    };
    let shared = |why: &&String| {
        let mut others = others.iter();
        others.all(|one| one.suggestion.confidence_why.contains(why))
    };
    let first: &'r Verified<Suggestion> = first.suggestion;
    first.confidence_why.iter().filter(shared).take(6).collect()
}

/// What a backtest says of what is chosen.
fn tried(report: &Report, chosen: &[Chosen<'_>]) -> String {
    let (Some(tried), Some(says)) = (&report.totals.backtest, view::backtest(report)) else {
        return String::new();
    };
    let held = chosen.iter().any(|one| one.suggestion.held.is_some());
    let held = view::backtest_of_held(report).filter(|_| held);
    let held = held.map_or_else(String::new, |says| format!("; of those held, {says}"));
    format!(
        "- Tried: policies learnt from the first {}, on the calls of the last {}; {says}{held}.\n",
        view::count(tried.learnt_days, "day", "days"),
        view::count(tried.replayed_days, "day", "days"),
    )
}

fn undo(report: &Report, chosen: &[Chosen<'_>], text: &mut String) {
    text.push_str(
        "### How to undo it, and what to watch\n\nRevert this change, or put the `….original.json` beside each policy back: \
         both restore the old one. For two weeks watch CloudTrail for `AccessDenied` and `UnauthorizedOperation` by the \
         principals above.",
    );
    if let Some(first) = chosen.iter().map(|one| one.suggestion.expires.as_str()).min() {
        text.push_str(&format!(
            " This is good until {}; the logs end on {}. Then analyze again: `trimtrail patch` edits nothing of what expired.",
            sentence(view::day(first)),
            sentence(view::day(&report.window.to)),
        ));
    }
    text.push_str("\n\n");
}

/// What deserves attention of whole accounts.
fn accounts(report: &Report, text: &mut String) {
    let found = &report.account_findings;
    if found.is_empty() {
        return;
    }
    text.push_str("### What deserves attention of whole accounts\n\n");
    for one in found.iter().take(20) {
        let (account, finding) = (name(&one.account), &one.finding);
        let (title, fix) = (sentence(&finding.title), opening(finding.fix.trim_end_matches('.')));
        text.push_str(&format!("- {account}, {}: {title}. {fix}.\n", finding.severity.name()));
    }
    if found.len() > 20 {
        text.push_str(&format!("- {} more in `result.json`.\n", found.len() - 20));
    }
    text.push('\n');
}

/// Roles that several workloads share.
fn splits(report: &Report, text: &mut String) {
    let splits: Vec<&RoleSplit> = report
        .alternatives
        .iter()
        .filter_map(|one| one.split.as_ref())
        .collect();
    if splits.is_empty() {
        return;
    }
    text.push_str("### Roles that several workloads share\n\n");
    for split in splits.iter().take(10) {
        let mut lines = split::lines(split).into_iter();
        let says = lines.next().unwrap_or_default();
        text.push_str(&format!("- {}: {}\n", name(&view::short(&split.role)), sentence(&says)));
        for line in lines {
            text.push_str(&format!("  - {}\n", sentence(&line)));
        }
    }
    if splits.len() > 10 {
        text.push_str(&format!("- {} more in `result.json`.\n", splits.len() - 10));
    }
    text.push('\n');
}

/// How much of a new document is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    /// What changes.
    Diff,
    /// What stays of the statements that change because it was used or inferred.
    Seen,
    /// The actions of those, by name.
    Names,
    /// Where it stands.
    Facts,
}

/// One suggestion, or several that say the same; `told` is what was said of all.
fn details(report: &Report, told: &[&String], at: usize, alike: &Alike<'_, '_>, show: Show) -> Result<String, Error> {
    let Some(s) = alike.first().map(|one| one.suggestion) else {
        return Ok(String::new());
    };
    let affects = affected(alike);
    let mut text = format!(
        "<details><summary>{}. {} {}{} of {}</summary>\n\n",
        at + 1,
        view::change(&s.change),
        name(&s.policy),
        times(alike, ", ", " alike,"),
        people(alike, 2),
    );
    if affects.len() > 2 {
        text.push_str(&format!("- For: {}\n", people(alike, 10)));
    }
    let accounts = view::accounts(affects.iter().copied());
    if accounts.len() > 1 {
        let told = names(&accounts, 40);
        text.push_str(&format!(
            "- Accounts: {told}; what follows has the number of the first that is suggested\n"
        ));
    }
    let affected = report.principals.iter().filter(|one| affects.contains(&one.arn));
    let calendars = affected.filter_map(|one| Some((&one.arn, one.rhythm.as_ref()?)));
    for (arn, rhythm) in calendars.take(10) {
        text.push_str(&format!("- {} {}\n", name(&view::short(arn)), sentence(&rhythm.says)));
    }
    if !s.removed.is_empty() {
        text.push_str(&format!("- Goes: {}\n", goes_of(s)));
    }
    if s.risk_removed.len() > 1 {
        text.push_str(&format!("- Of these, risky: {}\n", names(&s.risk_removed, 10)));
    }
    for narrowed in s.narrowed.iter().take(10) {
        let (from, to) = (names(&narrowed.from, 3), names(&narrowed.to, 5));
        text.push_str(&format!(
            "- {}: {from} becomes {to}\n",
            name(&view::narrowed(s, narrowed))
        ));
    }
    if let Some(held) = &s.held {
        text.push_str(&format!("- Held: {}\n", sentence(held)));
    }
    let doubts = s.confidence_why.iter().filter(|why| !told.contains(why)).take(3);
    let doubts: Vec<String> = doubts
        .map(|why| {
            let names = affects.iter();
            sentence(&names.fold(why.clone(), |why, arn| why.replace(arn.as_str(), &view::short(arn))))
        })
        .collect();
    if !doubts.is_empty() && s.held.is_none() {
        text.push_str(&format!(
            "- Confidence {}: {}\n",
            sentence(&s.confidence),
            doubts.join("; ")
        ));
    }
    for (statement, stays) in view::unseen(s).iter().take(10) {
        text.push_str(&format!("- {}: {}\n", name(statement), sentence(stays)));
    }
    for chosen in view::chosen(s).iter().take(20) {
        text.push_str(&format!("- Chosen: {}\n", sentence(chosen)));
    }
    if let Some(room) = &s.room {
        text.push_str(&format!("- Room: {}\n", sentence(&room.note)));
    }
    if alike.iter().all(|one| one.replaces()) {
        let paths = names(alike.iter().map(|one| one.path()), 10);
        let files = if alike.len() > 1 { "Files" } else { "File" };
        text.push_str(&format!("- {files}: {paths}\n"));
        let (language, shown) = match show {
            Show::Diff => ("diff", diff::for_reading(s)?),
            Show::Seen => ("json", policies::seen(s)),
            Show::Names | Show::Facts => ("", String::new()),
        };
        if show == Show::Names {
            let stays = policies::seen_actions(s);
            let stays: Vec<String> = stays
                .iter()
                .map(|text| format!("<code>{}</code>", escape::markdown(text)))
                .collect();
            if !stays.is_empty() {
                text.push_str(&format!(
                    "- Stays, used or inferred, of what changes: {}\n",
                    stays.join(", ")
                ));
            }
        }
        if !shown.is_empty() {
            if show == Show::Seen {
                text.push_str("- Stays, used or inferred, of what changes:\n");
            }
            let fence = fence(&shown);
            text.push_str(&format!("\n{fence}{language}\n{shown}{fence}\n"));
        }
    }
    text.push_str("\n</details>\n\n");
    Ok(text)
}

/// What goes: by name where that is short, else the services that it is of.
fn goes_of(s: &Suggestion) -> String {
    if s.removed.len() <= 8 {
        return names(s.removed.iter(), 8);
    }
    format!("actions of {}", sentence(&view::services_of(s).join(", ")))
}

/// A fence that nothing inside can close.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
