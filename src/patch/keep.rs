//! `# trimtrail: keep s3:GetObject until 2027-03 reason`: what somebody wrote into a file to stay.

use std::ops::Range;

use serde_json::Value;

use super::tree::{elements, scalar};
use crate::iam::pattern;
use crate::time::DAY;

/// What such a comment begins with.
const MARK: &str = "trimtrail: keep ";

/// The action patterns that comments in and right above a document keep on `now`, in seconds since 1970; those whose date
/// is past are left out. A date that cannot be read keeps for ever.
pub(super) fn kept(text: &str, document: &Range<usize>, now: Option<i64>) -> Vec<String> {
    let start = line_above(text, line_above(text, document.start));
    let end = text[document.end..]
        .find('\n')
        .map_or(text.len(), |at| document.end + at);
    let comments = text[start..end].lines().filter_map(|line| {
        let (before, said) = line.split_once(MARK)?;
        let before = before.trim_end();
        (before.ends_with('#') || before.ends_with("//") || before.ends_with("/*")).then_some(said)
    });
    let mut patterns = Vec::new();
    for said in comments {
        let mut words = said.split_whitespace();
        let Some(actions) = words.next() else { continue };
        let until = match (words.next(), words.next()) {
            (Some("until"), Some(date)) => last_day(date),
            _ => None,
        };
        if until.is_none_or(|until| now.is_none_or(|now| now < until)) {
            patterns.extend(
                actions
                    .split(',')
                    .filter(|action| action.contains(':'))
                    .map(str::to_owned),
            );
        }
    }
    patterns
}

/// The start of the line above the one that byte `at` stands in.
fn line_above(text: &str, at: usize) -> usize {
    let this = text[..at].rfind('\n').unwrap_or(0);
    text[..this].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of a day, or of a month, in seconds since 1970.
fn last_day(date: &str) -> Option<i64> {
    let date = date.trim_end_matches([',', ';', '.', ':']);
    let day: jiff::civil::Date = match date.parse() {
        Ok(day) => day,
        Err(_) => format!("{date}-01").parse::<jiff::civil::Date>().ok()?.last_of_month(),
    };
    let start = format!("{day}T00:00:00Z").parse::<jiff::Timestamp>().ok()?.as_second();
    Some(start + DAY)
}

/// What of a policy the patterns keep: its statements with those actions alone.
pub(super) fn part(policy: &Value, patterns: &[String]) -> Value {
    let covers =
        |pattern: &str, action: &str| pattern::matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
    let mut statements = Vec::new();
    for statement in policy.get("Statement").map(elements).unwrap_or_default() {
        let mut statement = statement.clone();
        if let Some(actions) = statement.get("Action") {
            let written: Vec<String> = elements(actions).iter().filter_map(scalar).collect();
            let mut stay: Vec<String> = written
                .iter()
                .filter(|action| patterns.iter().any(|pattern| covers(pattern, action)))
                .cloned()
                .collect();
            let inside = |pattern: &&String| written.iter().any(|action| covers(action, pattern));
            stay.extend(patterns.iter().filter(inside).cloned());
            if stay.is_empty() && statement.get("Effect") != Some(&Value::from("Deny")) {
                continue;
            }
            if statement.get("Effect") != Some(&Value::from("Deny")) {
                statement["Action"] = Value::from(stay);
            }
        }
        statements.push(statement);
    }
    let mut kept = policy.clone();
    kept["Statement"] = Value::Array(statements);
    kept
}
