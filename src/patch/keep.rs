//! `# trimtrail: keep s3:GetObject until 2027-03 reason`: what somebody wrote into a file to stay.

use std::ops::Range;

use serde_json::Value;

use super::tree::{elements, scalar};
use crate::iam::pattern;
use crate::time::DAY;

/// Who is spoken to.
const MARK: &str = "trimtrail";

/// What comments in and above a document keep.
#[derive(Default)]
pub(super) struct Kept {
    /// Action patterns.
    pub(super) patterns: Vec<String>,
    /// Where a comment stands that says something else.
    pub(super) unclear: Option<usize>,
}

/// What comments in a document, right above it and right above its block keep on `now`, in seconds since 1970; those whose
/// date is past are left out. A date that cannot be read keeps for ever.
pub(super) fn kept(text: &str, document: &Range<usize>, now: Option<i64>) -> Kept {
    let near = line_above(text, line_above(text, document.start));
    let start = above_block(text, document.start).map_or(near, |block| block.min(near));
    let end = text[document.end..]
        .find('\n')
        .map_or(text.len(), |at| document.end + at);
    let mut kept = Kept::default();
    let mut at = start;
    for line in text[start..end].split_inclusive('\n') {
        match said(line) {
            Some(Said::Keep(patterns, until)) if until.is_none_or(|until| now.is_none_or(|now| now < until)) => {
                kept.patterns.extend(patterns);
            }
            Some(Said::Unclear) => {
                kept.unclear.get_or_insert(at);
            }
            Some(Said::Keep(..)) | None => {}
        }
        at += line.len();
    }
    kept
}

/// What a comment says to this program.
enum Said {
    /// To keep what these patterns name, until then.
    Keep(Vec<String>, Option<i64>),
    /// Something else.
    Unclear,
}

/// What a line says; nothing where it is no comment to this program.
fn said(line: &str) -> Option<Said> {
    let at = line.to_ascii_lowercase().find(MARK)?;
    let is_comment =
        ["#", "//", "/*"].iter().any(|mark| line[..at].contains(mark)) || line.trim_start().starts_with('*');
    let rest = line[at + MARK.len()..].trim_start();
    let (rest, is_told) = match rest.strip_prefix(':') {
        Some(rest) => (rest.trim_start(), true),
        None => (rest, false),
    };
    let ends = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '*' | '?');
    let mut words = rest
        .split([' ', '\t', ',', '\r', '\n', '"'])
        .filter(|word| !word.is_empty());
    if !words
        .next()
        .is_some_and(|word| word.trim_end_matches(ends).eq_ignore_ascii_case("keep"))
    {
        return (is_told && is_comment).then_some(Said::Unclear);
    }
    let mut patterns = Vec::new();
    let mut word = words.next();
    while let Some(action) = word.map(|word| word.trim_end_matches("*/").trim_matches(ends))
        && (action.contains(':') || word == Some("*"))
    {
        patterns.push(action.to_owned());
        word = words.next();
    }
    if patterns.is_empty() {
        return is_comment.then_some(Said::Unclear);
    }
    let until = word.filter(|word| word.trim_end_matches(ends).eq_ignore_ascii_case("until"));
    Some(Said::Keep(patterns, until.and_then(|_| last_day(words.next()?))))
}

/// The comments right above the block of Terraform that byte `at` stands in.
fn above_block(text: &str, at: usize) -> Option<usize> {
    let mut start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    // A byte order mark is no part of a line.
    let bare = |start: usize| text[start..].trim_start_matches('\u{feff}');
    while !bare(start).starts_with(|first: char| first.is_ascii_alphabetic()) {
        start = line_start_above(text, start)?;
    }
    let is_block = ["resource", "data", "locals", "module", "output", "variable", "inputs"];
    if !is_block.iter().any(|word| bare(start).starts_with(word)) {
        return None;
    }
    while let Some(above) = line_start_above(text, start)
        && (bare(above).starts_with(['#', '/']) || text[above..].starts_with(" *"))
    {
        start = above;
    }
    Some(start)
}

/// The start of the line above one that starts at a byte.
fn line_start_above(text: &str, start: usize) -> Option<usize> {
    let end = start.checked_sub(1)?;
    Some(text[..end].rfind('\n').map_or(0, |at| at + 1))
}

/// The start of the line above the one that byte `at` stands in.
fn line_above(text: &str, at: usize) -> usize {
    let this = text[..at].rfind('\n').unwrap_or(0);
    text[..this].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of a day, or of a month, in seconds since 1970.
fn last_day(date: &str) -> Option<i64> {
    let date = date.trim_end_matches([',', ';', '.', ':', '/', '*']);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line says, in one text; of a date that there is one.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let said = match said(line) {
            Some(Said::Keep(patterns, until)) => patterns.join(" ") + if until.is_some() { " until" } else { "" },
            Some(Said::Unclear) => "unclear".to_owned(),
            None => String::new(),
        };
        assert_eq!(said, expected, "{line}");
    }

    #[test]
    fn a_comment_that_is_nearly_right_keeps_or_is_named() {
        for line in [
            "# trimtrail: keep s3:GetObject",
            "#trimtrail:keep s3:GetObject",
            "// trimtrail: keep s3:GetObject the audit",
            "/* trimtrail: keep s3:GetObject */",
            "/* Trimtrail : KEEP s3:GetObject*/",
            " * trimtrail keep: s3:GetObject.",
            "  \"//\": \"trimtrail: keep s3:GetObject\",",
            "# trimtrail: keep s3:GetObject until someday",
        ] {
            check(line, "s3:GetObject");
        }
        check("# trimtrail: keep s3:GetObject until 2027-03", "s3:GetObject until");
        check(
            "/* trimtrail: keep s3:Get*, kms:Decrypt until 2027-03-01 */",
            "s3:Get* kms:Decrypt until",
        );
        check("# trimtrail: keep *", "*");
        for line in [
            "# trimtrail: keep GetObject",
            "# trimtrail: keep",
            "// trimtrail: ignore s3:GetObject",
            "# trimtrail: kep s3:A",
        ] {
            check(line, "unclear");
        }
        for line in [
            "# made smaller by trimtrail",
            "name = \"trimtrail\"",
            "arn:aws:sns:eu-west-1:111122223333:trimtrail:x",
        ] {
            check(line, "");
        }
    }

    #[test]
    fn a_comment_above_the_block_keeps_what_is_in_it() {
        let text = "# trimtrail: keep a:B\nresource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n\n  policy = X\n}\n# trimtrail: keep c:D\n\nlocals {\n  a = Y\n}\n";
        let at = |what: &str| text.find(what).map(|at| at..at + 1).unwrap();
        assert_eq!(kept(text, &at("X"), None).patterns, ["a:B"]);
        assert_eq!(kept(text, &at("Y"), None).patterns, Vec::<String>::new());
    }
}
