//! What changed since the last result: for the terminal, for a pull request or ticket, for programs.

use std::io::Write;

use minijinja::HtmlEscape;

use super::{Error, Format, escape, view};
use crate::report::{Changes, State, Suggested, Window, Withdrawn};

/// Most lines of one kind that a person is shown.
const LINES: usize = 20;

/// Writes changes in one form; forms that hold policies or findings hold no changes.
///
/// # Errors
/// What writing says.
pub fn changes(changes: &Changes, format: Format, out: &mut dyn Write) -> Result<(), Error> {
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(changes)?;
            out.write_all(escape::json(&text).as_bytes())?;
            out.write_all(b"\n")?;
        }
        Format::Markdown => write(changes, &Markdown, out)?,
        Format::Terminal => write(changes, &Terminal, out)?,
        Format::Html => {
            out.write_all(HEAD.as_bytes())?;
            write(changes, &Html, out)?;
            out.write_all(b"</main>\n</body>\n</html>\n")?;
        }
        other => return Err(Error::NoChanges(other)),
    }
    Ok(())
}

/// The start of a page: no network, no script, readable in the dark.
const HEAD: &str = concat!(
    r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>trimtrail: what changed</title>
<style>
"#,
    include_str!("html/base.css"),
    r#"ul { padding-left: 20px; margin: 0; } li { margin: 4px 0; overflow-wrap: anywhere; }
small { display: block; font-size: 13px; }
</style>
</head>
<body>
<main>
"#
);

/// How the parts of a text look.
trait Form {
    fn title(&self, text: &str) -> String;
    fn section(&self, text: &str) -> String;
    fn line(&self, text: &str) -> String;
    fn detail(&self, text: &str) -> String;
    /// What stands by itself.
    fn note(&self, text: &str) -> String {
        format!("\n{text}\n")
    }
    /// What ends a section.
    fn end(&self) -> &'static str {
        ""
    }
}

struct Terminal;

impl Form for Terminal {
    fn title(&self, text: &str) -> String {
        escape::terminal(text).into_owned()
    }

    fn section(&self, text: &str) -> String {
        format!("\n{text}")
    }

    fn line(&self, text: &str) -> String {
        format!("  {}", escape::terminal(text))
    }

    fn detail(&self, text: &str) -> String {
        format!("    {}", escape::terminal(text))
    }
}

struct Markdown;

impl Form for Markdown {
    fn title(&self, text: &str) -> String {
        format!("## {}", escape::markdown(text))
    }

    fn section(&self, text: &str) -> String {
        format!("\n### {text}\n")
    }

    fn line(&self, text: &str) -> String {
        format!("* {}", escape::markdown(text))
    }

    fn detail(&self, text: &str) -> String {
        format!("  {}", escape::markdown(text))
    }
}

struct Html;

/// A text as HTML reads it; what does not show stands as its number.
fn hypertext(text: &str) -> String {
    HtmlEscape(&escape::visible(text)).to_string()
}

impl Form for Html {
    fn title(&self, text: &str) -> String {
        format!("<h1>{}</h1>", hypertext(text))
    }

    fn section(&self, text: &str) -> String {
        format!("<h2>{}</h2>\n<ul>", hypertext(text))
    }

    fn line(&self, text: &str) -> String {
        format!("<li>{}", hypertext(text))
    }

    fn detail(&self, text: &str) -> String {
        format!("<small>{}</small>", hypertext(text))
    }

    fn note(&self, text: &str) -> String {
        format!("<p>{}</p>\n", hypertext(text))
    }

    fn end(&self) -> &'static str {
        "</ul>\n"
    }
}

fn write(changes: &Changes, form: &dyn Form, out: &mut dyn Write) -> Result<(), Error> {
    let end = |window: &Window| view::day(&window.to).to_owned();
    let title = format!("Since {}, up to {}", end(&changes.before), end(&changes.after));
    writeln!(out, "{}", form.title(&title))?;
    let (card, moved) = practices(changes);
    section("Twelve practices", &card, form, out)?;
    let hurt: Vec<[String; 2]> = changes
        .hurt
        .iter()
        .map(|hurt| {
            let line = format!(
                "{} {}: denied {} since {} (suggestion {} on {})",
                hurt.principal,
                hurt.action,
                view::count(hurt.calls, "time", "times"),
                view::day(&hurt.first_denied),
                hurt.suggestion,
                hurt.policy,
            );
            [line, format!("fix: {}", hurt.fix)]
        })
        .collect();
    section(
        "Cuts that hurt: denials that began after a suggestion was applied",
        &hurt,
        form,
        out,
    )?;
    let used: Vec<[String; 2]> = changes
        .used_after_all
        .iter()
        .map(|used| {
            let line = format!(
                "{} {}: {}, first {}",
                used.principal,
                used.action,
                view::count(used.calls, "call", "calls"),
                used.first_seen.as_deref().map_or("unknown", view::day),
            );
            let standing = match &used.held {
                Some(held) => format!("held: {held}"),
                None => "ready to be applied".to_owned(),
            };
            [
                line,
                format!(
                    "to go with suggestion {} on {}, which was {standing}",
                    used.suggestion, used.policy
                ),
            ]
        })
        .collect();
    section("Used after it was suggested for removal", &used, form, out)?;
    let applied: Vec<[String; 2]> = changes
        .applied
        .iter()
        .map(|applied| {
            let line = format!(
                "{} ({}): {}, {} fewer",
                applied.policy,
                applied.policy_arn,
                view::change(&applied.change),
                view::count(applied.removed_actions, "action", "actions"),
            );
            let partly = if applied.partly {
                "in part: some of the actions are still granted"
            } else {
                ""
            };
            [line, partly.to_owned()]
        })
        .collect();
    section("Suggestions that were applied", &applied, form, out)?;
    let unused: Vec<[String; 2]> = changes
        .newly_unused
        .iter()
        .map(|lapsed| {
            let last = lapsed.last_seen.as_deref().map_or("unknown", view::day);
            [
                format!("{} {}: last call {last}", lapsed.principal, lapsed.action),
                String::new(),
            ]
        })
        .collect();
    section("No logged use any more", &unused, form, out)?;
    let workloads: Vec<[String; 2]> = changes
        .new_workloads
        .iter()
        .map(|new| {
            let calls = view::count(new.workload.calls, "call", "calls");
            let line = format!("{}: {}, {calls}", new.principal, new.workload.label());
            [line, String::new()]
        })
        .collect();
    section("Workloads that are new to a role", &workloads, form, out)?;
    let plain = |arns: &[String]| -> Vec<[String; 2]> { arns.iter().map(|arn| [arn.clone(), String::new()]).collect() };
    section(
        "New roles, users and groups",
        &plain(&changes.new_principals),
        form,
        out,
    )?;
    section("Gone", &plain(&changes.gone_principals), form, out)?;
    section("New suggestions", &new_suggestions(changes), form, out)?;
    let withdrawn: Vec<[String; 2]> = changes.withdrawn.iter().map(gone).collect();
    section("Suggestions that went without being applied", &withdrawn, form, out)?;
    if !changes.denials_known && !changes.applied.is_empty() {
        let why = "Denials are not looked for: they stand in the ledger (--ledger DIR), not in a result.";
        write!(out, "{}", form.note(why))?;
    }
    let nothing = !moved && hurt.is_empty() && used.is_empty() && applied.is_empty() && unused.is_empty();
    if nothing
        && workloads.is_empty()
        && changes.new_principals.is_empty()
        && changes.gone_principals.is_empty()
        && changes.suggested.is_empty()
        && withdrawn.is_empty()
    {
        write!(out, "{}", form.note("Nothing changed."))?;
    }
    Ok(())
}

/// A suggestion that is there no more, and why.
fn gone(gone: &Withdrawn) -> [String; 2] {
    let verb = view::change(&gone.change);
    let line = format!("{verb} {} ({}), step {}", gone.policy, gone.policy_arn, gone.step);
    [line, gone.why.clone()]
}

/// What is suggested that was not: what may be applied first.
fn new_suggestions(changes: &Changes) -> Vec<[String; 2]> {
    let (ready, held): (Vec<&Suggested>, Vec<&Suggested>) =
        changes.suggested.iter().partition(|one| one.held.is_none());
    let told = ready.into_iter().chain(held).map(|new| {
        let line = format!(
            "{} {} ({}), step {}: {} fewer for {}",
            view::change(&new.change),
            new.policy,
            new.policy_arn,
            new.step,
            view::count(new.removed_actions, "action", "actions"),
            view::count(new.affects, "principal", "principals"),
        );
        let standing = match &new.held {
            Some(held) => format!("held: {held}"),
            None => "ready to be applied".to_owned(),
        };
        [line, standing]
    });
    told.collect()
}

/// The scorecard's counts, then each practice that moved; whether one did.
fn practices(changes: &Changes) -> (Vec<[String; 2]>, bool) {
    let all = &changes.practices;
    if all.is_empty() {
        return (Vec::new(), false);
    }
    let was_kept = all.iter().any(|line| line.before.is_some());
    let counts = [State::Done, State::ToDo, State::CannotBeJudged].map(|state| {
        let now = all.iter().filter(|line| line.after == state).count();
        let then = all.iter().filter(|line| line.before == Some(state)).count();
        let then = if was_kept && then != now {
            format!(" (was {then})")
        } else {
            String::new()
        };
        format!("{now} {}{then}", state.name())
    });
    let mut lines = vec![[counts.join(", "), String::new()]];
    for line in all {
        let (then, now) = (line.findings_before, line.findings_after);
        let state = match line.before {
            Some(before) if before != line.after => format!("{}, was {}", line.after.name(), before.name()),
            _ if then != now => line.after.name().to_owned(),
            _ => continue,
        };
        let findings = view::count(now, "finding", "findings");
        let findings = if then == now {
            findings
        } else {
            format!("{findings}, were {then}")
        };
        lines.push([
            format!("{} {}: {state}; {findings}", line.number, line.practice),
            String::new(),
        ]);
    }
    let moved = lines.len() > 1;
    (lines, moved)
}

/// Lines with a detail each, one that several share below the last of them; an empty detail is left out, and so is a
/// section without lines.
fn section(title: &str, lines: &[[String; 2]], form: &dyn Form, out: &mut dyn Write) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", form.section(title))?;
    let shown = &lines[..lines.len().min(LINES)];
    for (at, [line, detail]) in shown.iter().enumerate() {
        writeln!(out, "{}", form.line(line))?;
        let goes_on = shown.get(at + 1).is_some_and(|[_, next]| next == detail);
        if !detail.is_empty() && !goes_on {
            writeln!(out, "{}", form.detail(detail))?;
        }
    }
    if lines.len() > LINES {
        writeln!(
            out,
            "{}",
            form.line(&format!("and {} more: --format json lists all", lines.len() - LINES))
        )?;
    }
    write!(out, "{}", form.end())?;
    Ok(())
}

#[cfg(test)]
mod tests;
