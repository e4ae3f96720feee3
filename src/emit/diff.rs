//! A unified diff of each policy, as `git apply` reads it.

use std::fmt::Write as _;
use std::io::Write;

use super::{Error, Options, escape, policies, view};
use crate::report::{Report, Suggestion};
use crate::verify::Verified;

/// Lines around a change.
const CONTEXT: usize = 3;
/// Beyond this many pairs of lines the middle is shown as replaced whole; IAM's largest policy has a tenth.
const MOST_PAIRS: usize = 4_000_000;

/// Writes the chosen step of each policy; what is detached or deleted stands as a remark.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    for chosen in policies::chosen(report, options.include_held) {
        let suggestion = chosen.suggestion;
        writeln!(
            out,
            "# {} {}: {} for {}",
            view::change(&suggestion.change),
            escape::terminal(&suggestion.policy),
            view::count(suggestion.removed_actions, "action goes", "actions go"),
            view::count(suggestion.affects.len() as u64, "principal", "principals"),
        )?;
        for choice in view::chosen(suggestion) {
            writeln!(out, "# chosen: {}", escape::terminal(&choice))?;
        }
        if chosen.replaces() {
            let path = chosen.path();
            writeln!(out, "--- a/{path}\n+++ b/{path}")?;
            out.write_all(
                unified(
                    &policies::text(suggestion.before())?,
                    &policies::text(suggestion.after())?,
                )
                .as_bytes(),
            )?;
        }
    }
    Ok(())
}

/// The shorter of two diffs: of the files line by line, and of the documents with their lists packed.
pub(super) fn for_reading(s: &Verified<Suggestion>) -> Result<String, Error> {
    let files = unified(&policies::text(s.before())?, &policies::text(s.after())?);
    let packed = unified(&policies::packed(s.before()), &policies::packed(s.after()));
    Ok(if packed.len() < files.len() { packed } else { files })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The hunks of a unified diff; empty where nothing changes.
pub fn unified(before: &str, after: &str) -> String {
    let lines = lines(before, after);
    let changed: Vec<usize> = (0..lines.len())
        .filter(|at| !matches!(lines[*at], Line::Same(_)))
        .collect();
    let mut text = String::new();
    let (mut counted, mut old_before, mut new_before) = (0, 0, 0);
    let mut at = 0;
    while at < changed.len() {
        let first = changed[at];
        while at + 1 < changed.len() && changed[at + 1] - changed[at] <= 2 * CONTEXT {
            at += 1;
        }
        let hunk = first.saturating_sub(CONTEXT)..(changed[at] + 1 + CONTEXT).min(lines.len());
        for line in &lines[counted..hunk.start] {
            old_before += usize::from(!matches!(line, Line::New(_)));
            new_before += usize::from(!matches!(line, Line::Gone(_)));
        }
        counted = hunk.start;
        let old = lines[hunk.clone()]
            .iter()
            .filter(|l| !matches!(l, Line::New(_)))
            .count();
        let new = lines[hunk.clone()]
            .iter()
            .filter(|l| !matches!(l, Line::Gone(_)))
            .count();
        // An empty side names the line before it (POSIX diff, "Unified format").
        let _ = writeln!(
            text,
            "@@ -{},{old} +{},{new} @@",
            old_before + usize::from(old > 0),
            new_before + usize::from(new > 0)
        );
        for line in &lines[hunk] {
            let (mark, line) = match line {
                Line::Same(line) => (' ', line),
                Line::Gone(line) => ('-', line),
                Line::New(line) => ('+', line),
            };
            text.push(mark);
            text.push_str(line);
            text.push('\n');
        }
        at += 1;
    }
    text
}

fn lines<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let mut lines: Vec<Line<'a>> = old[..head].iter().copied().map(Line::Same).collect();
    middle(&old[head..old.len() - tail], &new[head..new.len() - tail], &mut lines);
    lines.extend(old[old.len() - tail..].iter().copied().map(Line::Same));
    lines
}

/// The longest common subsequence, by the table.
fn middle<'a>(old: &[&'a str], new: &[&'a str], lines: &mut Vec<Line<'a>>) {
    let (mut i, mut j) = (0, 0);
    if old.len().saturating_mul(new.len()) <= MOST_PAIRS {
        let wide = new.len() + 1;
        let mut common = vec![0_u32; (old.len() + 1) * wide];
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                common[i * wide + j] = if old[i] == new[j] {
                    common[(i + 1) * wide + j + 1] + 1
                } else {
                    common[(i + 1) * wide + j].max(common[i * wide + j + 1])
                };
            }
        }
        while i < old.len() && j < new.len() {
            if old[i] == new[j] {
                lines.push(Line::Same(old[i]));
                (i, j) = (i + 1, j + 1);
            } else if common[(i + 1) * wide + j] >= common[i * wide + j + 1] {
                lines.push(Line::Gone(old[i]));
                i += 1;
            } else {
                lines.push(Line::New(new[j]));
                j += 1;
            }
        }
    }
    lines.extend(old[i..].iter().copied().map(Line::Gone));
    lines.extend(new[j..].iter().copied().map(Line::New));
}
