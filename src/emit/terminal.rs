//! The first screen, the principals, and what to do next, in the columns there are.

use std::io::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::{Error, Options, decisions, escape, view};
use crate::report::{Action, Finding, Principal, Report, Severity, Suggestion};
use crate::verify::Verified;

mod table;

/// Principals and findings on the first screen; `-v` shows all.
const FIRST: usize = 12;
/// Names behind "who knows".
const NAMED: usize = 2;
/// Narrower than this nothing can be read.
const NARROWEST: usize = 60;

/// Writes the report for a person at a terminal.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    let mut page = Page {
        text: String::new(),
        width: options.width.max(NARROWEST),
        colour: options.colour,
    };
    let result = result_path(options);
    first_screen(report, &result, &mut page);
    let all = view::rows(report);
    let rows = view::merged(report, view::rows(report));
    let shown = if options.verbose > 0 {
        rows.len()
    } else {
        rows.len().min(FIRST)
    };
    if shown > 0 {
        table::principals(&rows[..shown], &mut page);
    }
    if shown < rows.len() {
        let more = (rows.len() - shown) as u64;
        page.wrapped(
            "",
            &format!(
                "… {}: -v shows all",
                view::count(more, "more principal", "more principals")
            ),
        );
    }
    if options.verbose > 0 {
        for row in &all {
            details(report, row, &mut page);
        }
    }
    next(report, options, &result, rows.first(), &mut page);
    findings(report, options, &mut page);
    out.write_all(page.text.as_bytes())?;
    Ok(())
}

fn style(colour: AnsiColor) -> Style {
    colour.on_default()
}

struct Page {
    text: String,
    width: usize,
    colour: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{}{text}{}", style.render(), style.render_reset())
        } else {
            text.to_owned()
        }
    }

    fn heading(&mut self, text: &str) {
        let text = self.paint(Style::new().bold(), text);
        self.line("");
        self.line(&text);
    }

    /// A lead and a text behind it that breaks between words and stays behind the lead.
    fn wrapped(&mut self, lead: &str, text: &str) {
        self.painted(lead, Style::new(), text);
    }

    fn painted(&mut self, lead: &str, style: Style, text: &str) {
        // A lead that takes more than half the line stands on a line of its own.
        let mut indent = lead.width();
        let mut first = self.paint(style, lead);
        if indent * 2 > self.width {
            let own = self.paint(style, lead.trim_end());
            self.line(&own);
            indent = 4;
            first = " ".repeat(indent);
        }
        for (at, line) in wrap(&escape::terminal(text), self.width - indent).iter().enumerate() {
            let line = match at {
                0 => format!("{first}{line}"),
                _ => format!("{}{line}", " ".repeat(indent)),
            };
            self.line(&line);
        }
    }
}

/// Breaks at spaces; a word that is too long loses its middle.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = escape::cut(word, columns);
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.width() + 1 + word.width() <= columns => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word.into_owned()),
        }
        if lines.len() > 12 {
            lines.push("…".to_owned());
            break;
        }
    }
    lines.iter().map(|line| line.replace(TIE, " ")).collect()
}

/// A space at which no line breaks.
const TIE: char = '\u{a0}';

/// Facts in a row; short ones stay whole where a line breaks.
fn tied(parts: &[String]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| {
            if part.width() <= 36 {
                part.replace(' ', "\u{a0}")
            } else {
                part.clone()
            }
        })
        .collect();
    parts.join("\u{a0}· ")
}

fn first_screen(report: &Report, result: &str, page: &mut Page) {
    page.wrapped("", &tied(&view::scope(report)));
    // A path that would be cut would make a wrong command.
    let result = if result.width() + 34 > page.width {
        "result.json"
    } else {
        result
    };
    let totals = &report.totals;
    let (untouched, reasons) = view::not_touched(report);
    let numbers = [totals.ready, totals.held, totals.needs_choice, untouched];
    let digits = numbers.map(|n| view::number(n).len()).into_iter().fold(3, usize::max);
    let lead = |label: &str, n: u64, noun: &str| format!("{label:<14} {:>digits$} {noun:<13} ", view::number(n));
    let ready = if totals.ready == 1 { "suggestion" } else { "suggestions" };
    let proof = match totals.ready {
        0 => String::new(),
        _ => {
            let mut parts = vec![view::proof(report)];
            parts.extend(view::ready_unseen(report));
            parts.extend(view::backtest(report));
            tied(&parts)
        }
    };
    let mut status = |lead: &str, colour: AnsiColor, text: &str, command: &str| {
        page.painted(lead, style(colour).bold(), text);
        if !command.is_empty() {
            // Where it would break behind the others' texts it stands further left.
            let room = page.width.saturating_sub(command.width());
            page.wrapped(&" ".repeat(lead.width().min(room)), command);
        }
    };
    let patch = match totals.ready {
        0 => String::new(),
        _ => format!("trimtrail patch {result} DIR --write"),
    };
    status(
        &lead("READY NOW", totals.ready, ready),
        AnsiColor::Green,
        &proof,
        &patch,
    );
    if totals.held > 0 {
        status(
            &lead("HELD", totals.held, ""),
            AnsiColor::Cyan,
            &tied(&held(report)),
            "",
        );
    }
    let (choice, decide) = choice(report, result);
    status(
        &lead("NEEDS A CHOICE", totals.needs_choice, ""),
        AnsiColor::Yellow,
        &choice,
        &decide,
    );
    status(
        &lead("NOT TOUCHED", untouched, ""),
        AnsiColor::Blue,
        &tied(&reasons),
        "",
    );
    if let Some((who, actions)) = view::top_risk(report) {
        let text = format!("{who}: {}", some(actions, 6));
        page.painted("Top risk removed   ", style(AnsiColor::Red).bold(), &text);
    }
    if let Some(what) = &totals.would_prove_most {
        page.painted("Would prove most   ", Style::new().bold(), what);
    }
    if let Some(text) = view::life_cycles(report) {
        page.painted("Life cycles        ", Style::new().bold(), &text);
    }
}

/// What nobody can see, whose word is asked for, and the command that asks.
fn choice(report: &Report, result: &str) -> (String, String) {
    let totals = &report.totals;
    let nouns = match totals.needs_choice {
        0 => return Default::default(),
        1 => "policy grants",
        _ => "policies grant",
    };
    let asks = match totals.questions {
        // Results of earlier versions did not count them.
        0 => "those who know settle it".to_owned(),
        n => {
            let whom = decisions::asked(report);
            let whom = whom.into_iter().map(|(arn, _)| view::short(arn)).collect();
            let questions = view::count(n, "question", "questions");
            format!("{questions} for those who know {}", decisions::first(whom, NAMED))
        }
    };
    (
        format!("{nouns} what no log shows, ready ones too; {}", asks.trim_end()),
        format!("trimtrail decide {result} -o choices.toml"),
    )
}

/// Until when what is held waits, and for what else.
fn held(report: &Report) -> Vec<String> {
    let (days, asks) = view::held(report);
    let mut parts: Vec<String> = days
        .iter()
        .take(3)
        .map(|(day, n)| format!("{} until {day}", view::number(*n)))
        .collect();
    let later: u64 = days.values().skip(3).sum();
    if later > 0 {
        parts.push(format!("{} later", view::number(later)));
    }
    if asks > 0 {
        let whose = decisions::asks(report).into_iter().map(|ask| ask.whose).collect();
        parts.push(format!(
            "{} for somebody who knows {}: -v says what to ask",
            view::number(asks),
            decisions::first(whose, NAMED)
        ));
    }
    parts.extend(view::backtest_of_held(report));
    parts.push("--include-held takes them".to_owned());
    parts
}

/// The first few of a list, and how many more.
fn some(list: &[String], most: usize) -> String {
    let mut text = list
        .iter()
        .take(most)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if list.len() > most {
        text.push_str(&format!(" and {} more", list.len() - most));
    }
    text
}

fn details(report: &Report, row: &view::Row<'_>, page: &mut Page) {
    let principal: &Principal = row.principal;
    page.line("");
    let name = format!("{} ({})", view::short(&principal.arn), principal.account);
    let name = escape::cut(&escape::terminal(&name), page.width).into_owned();
    let name = page.paint(Style::new().bold(), &name);
    page.line(&name);
    page.wrapped(
        "  last call    ",
        principal.last_seen.as_deref().unwrap_or("none in the archive"),
    );
    if let Some(rhythm) = &principal.rhythm {
        page.wrapped("  rhythm       ", &rhythm.says);
    }
    if let Some(why) = &principal.why_not {
        page.wrapped("  left alone   ", why);
    }
    if !principal.workloads.is_empty() {
        let used_by: Vec<String> = principal
            .workloads
            .iter()
            .take(6)
            .map(crate::report::Workload::label)
            .collect();
        page.wrapped("  used by      ", &used_by.join(", "));
    }
    for at in &row.suggestions {
        if let Some(s) = report.suggestions.get(*at) {
            suggestion(s, page);
        }
    }
    for other in report
        .alternatives
        .iter()
        .filter(|a| a.affects.contains(&principal.arn))
    {
        let size: u64 = other.characters.iter().sum();
        let text = format!("{}: {} characters; {}", other.kind, view::number(size), other.note);
        page.wrapped("  alternative  ", &text);
    }
    let mut actions: Vec<&Action> = principal.actions.iter().filter(|a| a.calls > 0).collect();
    actions.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.action.cmp(&b.action)));
    for action in actions.iter().take(8) {
        let last = action.last_seen.as_deref().map(view::day).unwrap_or_default();
        let calls = view::count(action.calls, "call", "calls");
        page.wrapped("  used         ", &format!("{} {calls}, last {last}", action.action));
    }
    for group in principal.action_groups.iter().take(16) {
        let lead = format!("  {:<24} ", view::grade(group.grade));
        let text = format!(
            "{} {}: {}; {}",
            group.service,
            view::number(group.count),
            some(&group.patterns, 4),
            group.why
        );
        page.wrapped(&lead, &text);
    }
    for call in principal.unexplained.iter().take(6) {
        let calls = view::count(call.calls + call.indeterminate, "call", "calls");
        page.wrapped("  unexplained  ", &format!("{} {calls}: {}", call.action, call.why));
    }
    for call in principal.elsewhere.iter().take(6) {
        let text = format!(
            "{} {}: {}",
            call.action,
            view::count(call.calls, "call", "calls"),
            call.why
        );
        page.wrapped("  elsewhere    ", &text);
    }
}

/// What a suggestion does, and what of it stays.
fn suggestion(s: &Verified<Suggestion>, page: &mut Page) {
    let held = s
        .held
        .as_deref()
        .map(|why| format!("; held: {why}"))
        .unwrap_or_default();
    let goes = view::count(s.removed_actions, "action goes", "actions go");
    let narrowed = match s.narrowed.len() as u64 {
        0 => String::new(),
        n => format!(
            ", {}",
            view::count(n, "resource list narrower", "resource lists narrower")
        ),
    };
    let text = format!(
        "{} {}: {goes}{narrowed} ({}, confidence {}){held}",
        view::change(&s.change),
        s.policy,
        s.step,
        s.confidence
    );
    page.wrapped("  suggestion   ", &text);
    for (statement, stays) in view::unseen(s) {
        page.wrapped("  unseen       ", &format!("{statement}: {stays}"));
    }
    for chosen in view::chosen(s) {
        page.wrapped("  chosen       ", &chosen);
    }
    if let Some(room) = &s.room {
        page.wrapped("  for room     ", &room.note);
    }
}

/// A word as a POSIX shell reads it; none where it holds characters that hide.
fn quoted(word: &str) -> Option<String> {
    if escape::visible(word) != word {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.:=,+@".contains(c);
    match !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        true => Some(word.to_owned()),
        false => Some(format!("'{}'", word.replace('\'', r"'\''"))),
    }
}

/// The file of the result, for commands; where there is none, or it has no name to show, the one that `--out result` makes.
fn result_path(options: &Options) -> String {
    let known = options.result.as_deref().and_then(Path::to_str);
    let known = known.and_then(quoted);
    known.unwrap_or_else(|| "result/result.json".to_owned())
}

fn next(report: &Report, options: &Options, result: &str, first: Option<&view::Row<'_>>, page: &mut Page) {
    let mut commands = Vec::new();
    if options.result.is_none() {
        commands.push((
            "first keep this answer where these commands read it",
            "trimtrail analyze … --out result".to_owned(),
        ));
    }
    if report.totals.ready > 0 {
        commands.push((
            "what a pull request would say",
            format!("trimtrail report {result} --format markdown"),
        ));
    }
    if let Some(name) = first.and_then(|row| quoted(&row.principal.arn)) {
        commands.push((
            "why something is kept or goes",
            format!("trimtrail explain {result} {name}"),
        ));
    }
    if !report.coverage.gaps.is_empty() || report.totals.would_prove_most.is_some() {
        commands.push((
            "what this archive can prove",
            "trimtrail coverage --logs LOGS".to_owned(),
        ));
    }
    // A command that is cut would be a wrong one.
    commands.retain(|(_, command)| command.width() + 2 <= page.width);
    if commands.is_empty() {
        return;
    }
    page.heading("What to do next");
    for (why, command) in commands {
        page.wrapped("  # ", why);
        let command = page.paint(style(AnsiColor::Cyan), &command);
        page.line(&format!("  {command}"));
    }
}

fn findings(report: &Report, options: &Options, page: &mut Page) {
    let mut found: Vec<(&str, &Finding)> = report.findings().collect();
    if found.is_empty() {
        return;
    }
    found.sort_by(|(p, a), (q, b)| b.severity.cmp(&a.severity).then_with(|| (&a.id, p).cmp(&(&b.id, q))));
    page.heading(&format!("Findings: {}", view::number(found.len() as u64)));
    let shown = if options.verbose > 0 {
        found.len()
    } else {
        found.len().min(FIRST)
    };
    for (whose, finding) in &found[..shown] {
        let (word, colour) = match finding.severity {
            Severity::High => ("  high    ", AnsiColor::Red),
            Severity::Medium => ("  medium  ", AnsiColor::Yellow),
            Severity::Low => ("  low     ", AnsiColor::Blue),
        };
        let name = view::short(whose);
        let (name, title) = (escape::cut(&name, 60), escape::cut(&finding.title, 120));
        page.painted(word, style(colour), &format!("{name}: {title} ({})", finding.id));
        if options.verbose > 0 {
            page.wrapped("          ", &finding.fix);
        }
    }
    if shown < found.len() {
        page.wrapped("  ", &format!("… {} more: -v shows all", found.len() - shown));
    }
}
