//! Suggestion to policy file: which step of a policy is written, and under which name.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{escape, view};
use crate::iam::PolicyText;
use crate::report::{Report, Suggestion};
use crate::verify::Verified;

/// What IAM allows in a name stays readable; everything else is encoded.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'+')
    .remove(b'=')
    .remove(b',')
    .remove(b'@');

/// IAM's longest name has 128 characters; beyond this many bytes a name keeps its start and a digest.
const LONGEST: usize = 160;

/// A suggestion and where its policy goes.
pub(super) struct Chosen<'a> {
    /// Below the folder, with `/`, without `.json`.
    pub(super) stem: String,
    pub(super) suggestion: &'a Verified<Suggestion>,
}

impl Chosen<'_> {
    /// The file of the smaller policy.
    pub(super) fn path(&self) -> String {
        format!("{}.json", self.stem)
    }

    /// The file that undoes it.
    pub(super) fn original(&self) -> String {
        format!("{}.original.json", self.stem)
    }

    /// Whether a document takes the old one's place, or nothing does.
    pub(super) fn replaces(&self) -> bool {
        self.suggestion.change == "replace"
    }
}

/// One suggestion for each policy, in the report's order, each with its place.
pub(super) fn chosen(report: &Report, include_held: bool) -> Vec<Chosen<'_>> {
    let suggestions = report.chosen(include_held);
    // Upper and lower case count as one: some file systems cannot tell them apart.
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for suggestion in &suggestions {
        *taken.entry(stem(suggestion).to_ascii_lowercase()).or_default() += 1;
    }
    suggestions
        .into_iter()
        .map(|suggestion| {
            let mut stem = stem(suggestion);
            if taken.get(&stem.to_ascii_lowercase()).is_some_and(|n| *n > 1) {
                stem = format!(
                    "{stem}~{}",
                    digest(&format!("{}\n{}", suggestion.policy_arn, suggestion.affects.join("\n")))
                );
            }
            Chosen { stem, suggestion }
        })
        .collect()
}

fn stem(suggestion: &Suggestion) -> String {
    let resource = suggestion.policy_arn.splitn(6, ':').nth(5).unwrap_or_default();
    let managed = resource.starts_with("policy/");
    let (kind, owner) = match suggestion.affects.as_slice() {
        // An inline policy lies with its owner: for a group's policy that is the group, not a member.
        _ if !managed && resource.starts_with("group/") => ("group", view::short(&suggestion.policy_arn)),
        [only] => match view::short(only) {
            name if name.starts_with("role/") => ("role", name),
            name if name.starts_with("user/") => ("user", name),
            name if name.starts_with("group/") => ("group", name),
            _ => ("shared", String::new()),
        },
        _ => ("shared", String::new()),
    };
    let owner = match owner.split_once('/') {
        Some((_, name)) => name,
        None => &suggestion.policy,
    };
    let account = view::account(&suggestion.policy_arn)
        .or_else(|| suggestion.affects.iter().find_map(|arn| view::account(arn)))
        .unwrap_or("unknown");
    let source = if managed { "managed" } else { "inline" };
    format!(
        "policies/{}/{kind}/{}/{source}-{}",
        encode(account),
        encode(owner),
        encode(&suggestion.policy)
    )
}

/// A name as one component of a path: never empty, never `..`, never too long, never the name of a rollback.
pub(super) fn encode(name: &str) -> String {
    let mut encoded = utf8_percent_encode(name.get(..LONGEST).unwrap_or(name), KEPT).to_string();
    if encoded.len() > LONGEST || name.len() > LONGEST {
        let mut end = LONGEST.min(encoded.len());
        // Do not cut through `%2F`.
        if let Some(at) = encoded[..end].rfind('%').filter(|at| at + 3 > end) {
            end = at;
        }
        encoded.truncate(end);
        encoded = format!("{encoded}~{}", digest(name));
    }
    if encoded.is_empty() {
        return "%".to_owned();
    }
    if let Some(rest) = encoded.strip_prefix('.') {
        encoded = format!("%2E{rest}");
    }
    let suffix = encoded.len().saturating_sub(".original".len());
    if encoded
        .get(suffix..)
        .is_some_and(|end| end.eq_ignore_ascii_case(".original"))
    {
        encoded.replace_range(suffix..=suffix, "%2E");
    }
    encoded
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Columns of a line of a packed policy, longer names apart.
const COLUMNS: usize = 100;

/// A policy for reading: lists of names take as few lines as hold them.
pub(super) fn packed(policy: &PolicyText) -> String {
    let mut text = String::new();
    pack(&policy.value(), 0, &mut text);
    text.push('\n');
    escape::json(&text).into_owned()
}

/// The statements that change and hold what was used or inferred, packed; empty where there is none.
pub(super) fn seen(suggestion: &Verified<Suggestion>) -> String {
    let mut text = String::new();
    for statement in changed(suggestion) {
        pack(&statement, 0, &mut text);
        text.push('\n');
    }
    escape::json(&text).into_owned()
}

/// What those statements list, service by service: `ecr: BatchGetImage, PutImage`.
pub(super) fn seen_actions(suggestion: &Verified<Suggestion>) -> Vec<String> {
    let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in changed(suggestion) {
        let listed = match &statement["Action"] {
            Value::Array(actions) => actions.as_slice(),
            action => std::slice::from_ref(action),
        };
        for action in listed.iter().filter_map(Value::as_str) {
            let (service, name) = action.split_once(':').unwrap_or(("", action));
            services.entry(service.to_owned()).or_default().insert(name.to_owned());
        }
    }
    let line = |(service, names): (String, BTreeSet<String>)| {
        format!("{service}: {}", names.into_iter().collect::<Vec<_>>().join(", "))
    };
    services.into_iter().map(line).collect()
}

/// The statements that change and hold what was used or inferred.
fn changed(suggestion: &Verified<Suggestion>) -> Vec<Value> {
    let (before, after) = (suggestion.before().value(), suggestion.after().value());
    let (before, after) = (view::statements(&before), view::statements(&after));
    let origins = after.iter().zip(&suggestion.statements);
    origins
        .filter(|(statement, origin)| origin.unseen.is_none() && !before.contains(statement))
        .map(|(statement, _)| (*statement).clone())
        .collect()
}

fn pack(value: &Value, depth: usize, text: &mut String) {
    let lead = |depth: usize| "  ".repeat(depth);
    match value {
        Value::Array(entries) if entries.iter().all(Value::is_string) => {
            let entries: Vec<String> = entries.iter().map(Value::to_string).collect();
            let line = format!("[{}]", entries.join(", "));
            if depth * 2 + line.len() <= COLUMNS {
                text.push_str(&line);
                return;
            }
            text.push('[');
            let mut column = COLUMNS;
            for (at, entry) in entries.iter().enumerate() {
                let comma = if at + 1 < entries.len() { "," } else { "" };
                if column + entry.len() + 2 > COLUMNS {
                    text.push_str(&format!("\n{}{entry}{comma}", lead(depth + 1)));
                    column = (depth + 1) * 2 + entry.len() + 1;
                } else {
                    text.push_str(&format!(" {entry}{comma}"));
                    column += entry.len() + 2;
                }
            }
            text.push_str(&format!("\n{}]", lead(depth)));
        }
        Value::Array(entries) => {
            text.push('[');
            for (at, entry) in entries.iter().enumerate() {
                text.push_str(if at > 0 { ",\n" } else { "\n" });
                text.push_str(&lead(depth + 1));
                pack(entry, depth + 1, text);
            }
            text.push_str(&format!("\n{}]", lead(depth)));
        }
        Value::Object(members) if !members.is_empty() => {
            text.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                text.push_str(if at > 0 { ",\n" } else { "\n" });
                text.push_str(&format!("{}{}: ", lead(depth + 1), Value::from(name.as_str())));
                pack(member, depth + 1, text);
            }
            text.push_str(&format!("\n{}}}", lead(depth)));
        }
        other => text.push_str(&other.to_string()),
    }
}

/// A policy as its file holds it.
pub(super) fn text(policy: &PolicyText) -> Result<String, serde_json::Error> {
    let mut text = escape::json(&serde_json::to_string_pretty(policy)?).into_owned();
    text.push('\n');
    Ok(text)
}
