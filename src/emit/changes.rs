//! What changed since the last result: for the terminal, for a pull request or ticket, for programs.

use std::io::Write;

use super::{Error, Format, escape, view};
use crate::report::{Changes, State, Window};

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
        other => return Err(Error::NoChanges(other)),
    }
    Ok(())
}

/// How the parts of a text look.
trait Form {
    fn title(&self, text: &str) -> String;
    fn section(&self, text: &str) -> String;
    fn line(&self, text: &str) -> String;
    fn detail(&self, text: &str) -> String;
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
    if changes.new_suggestions > 0 {
        let new = view::count(changes.new_suggestions, "new suggestion", "new suggestions");
        writeln!(out, "{}\n{}", form.section("Suggestions"), form.line(&new))?;
    }
    if !changes.denials_known && !changes.applied.is_empty() {
        let why = "Denials are not looked for: they stand in the ledger (--ledger DIR), not in a result.";
        writeln!(out, "\n{why}")?;
    }
    let nothing = !moved && hurt.is_empty() && used.is_empty() && applied.is_empty() && unused.is_empty();
    if nothing
        && workloads.is_empty()
        && changes.new_principals.is_empty()
        && changes.gone_principals.is_empty()
        && changes.new_suggestions == 0
    {
        writeln!(out, "\nNothing changed.")?;
    }
    Ok(())
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
    Ok(())
}
