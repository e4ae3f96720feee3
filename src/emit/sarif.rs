//! Findings and suggestions for code scanning (SARIF 2.1.0, OASIS).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::policies::{self, Chosen};
use super::{Error, Options, escape, view};
use crate::report::{Report, Severity};

/// What stands unencoded in a part of a path.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Longest message; code scanning shows less.
const LONGEST: usize = 4_000;

/// Something to tell at a place.
pub(super) struct Found<'a> {
    pub(super) rule: String,
    /// What the rule is about, and how much it weighs.
    about: (String, &'static str),
    pub(super) level: &'static str,
    pub(super) text: String,
    /// ARNs of whom it is about.
    who: Vec<&'a str>,
    pub(super) file: String,
    pub(super) line: usize,
    fingerprint: String,
    properties: Value,
}

/// Every finding and suggestion.
pub(super) fn found<'a>(report: &'a Report, options: &Options) -> Vec<Found<'a>> {
    let places = Places::of(report, options);
    let mut all = findings(report, &places);
    let chosen = policies::chosen(report, options.include_held);
    all.extend(chosen.iter().map(|chosen| suggestion(report, chosen, &places)));
    all
}

fn findings<'a>(report: &'a Report, places: &Places<'_>) -> Vec<Found<'a>> {
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let each = report.findings().map(|(who, finding)| {
        let level = match finding.severity {
            Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "note",
        };
        // What was seen changes from day to day, what it was seen of does not. Results of earlier versions have no key.
        let nth = seen.entry((finding.id.as_str(), who)).or_default();
        *nth += 1;
        let identity = match finding.key.as_str() {
            "" => nth.to_string(),
            key => key.to_owned(),
        };
        let (file, line) = places.of_principal(who);
        Found {
            rule: word(&finding.id),
            about: (finding.practice.clone(), level),
            level,
            text: format!(
                "{}: {}. {} {}",
                view::short(who),
                finding.title,
                finding.why,
                finding.fix
            ),
            who: vec![who],
            file: file.to_owned(),
            line,
            fingerprint: fingerprint(&[&finding.id, who, &identity]),
            properties: json!({"evidence": finding.evidence}),
        }
    });
    each.collect()
}

fn suggestion<'a>(report: &Report, chosen: &Chosen<'a>, places: &Places<'_>) -> Found<'a> {
    let suggestion = chosen.suggestion;
    // What somebody dropped has a use that nobody can see: it is told beside.
    let (one, many) = match suggestion.verdict.chosen_by.is_empty() {
        true => ("action with no logged use goes", "actions with no logged use go"),
        false => ("action goes", "actions go"),
    };
    let text = format!(
        "{} {}: {} for {}. Proved relative to the catalog of {}; expires {}.",
        view::change(&suggestion.change),
        suggestion.policy,
        view::count(suggestion.removed_actions, one, many),
        view::count(suggestion.affects.len() as u64, "principal", "principals"),
        report.tool.catalog_date,
        view::day(&suggestion.expires),
    );
    let text = view::chosen(suggestion)
        .into_iter()
        .take(5)
        .fold(text, |text, choice| format!("{text} Chosen: {choice}."));
    let (file, line) = places.of_policy(&suggestion.policy_arn, &suggestion.policy);
    Found {
        rule: word(&format!("smaller-policy-{}", suggestion.kind)),
        about: (
            format!("A policy ({}) allows actions with no logged use", suggestion.kind),
            "warning",
        ),
        level: if suggestion.risk_removed.is_empty() {
            "note"
        } else {
            "warning"
        },
        text,
        who: suggestion.affects.iter().take(100).map(String::as_str).collect(),
        file: file.to_owned(),
        line,
        fingerprint: fingerprint(&[&suggestion.policy_arn, &suggestion.policy, &suggestion.step]),
        properties: json!({
            "suggestion": suggestion.id,
            "change": suggestion.change,
            "step": suggestion.step,
            "confidence": suggestion.confidence,
            "held": suggestion.held,
            "chosen": suggestion.chosen.iter().map(|chosen| &chosen.who).collect::<BTreeSet<_>>(),
        }),
    }
}

/// Writes one run: a rule for each finding id and for each kind of policy with a suggestion.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    let found = found(report, options);
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for one in &found {
        let (about, level) = &one.about;
        rules.entry(&one.rule).or_insert_with(|| rule(&one.rule, about, level));
    }
    let order: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    let results = found.iter().map(|one| {
        let who: Vec<Value> = one.who.iter().map(|arn| logical(arn)).collect();
        json!({
            "ruleId": one.rule,
            "ruleIndex": order.get(one.rule.as_str()),
            "level": one.level,
            "message": {"text": message(&one.text)},
            "locations": [{"logicalLocations": who, "physicalLocation": physical(&one.file, one.line)}],
            "partialFingerprints": {"trimtrail/v2": one.fingerprint},
            "properties": one.properties,
        })
    });
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "trimtrail",
                "semanticVersion": report.tool.version,
                "rules": rules.values().collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": "trimtrail/"},
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<Value>>(),
            "properties": {"window": report.window, "catalog_date": report.tool.catalog_date},
        }],
    });
    let text = serde_json::to_string_pretty(&log)?;
    out.write_all(escape::json(&text).as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Where results point to: code scanning refuses a whole upload for one that has no file.
struct Places<'a> {
    /// Where a policy is written, else the file of the grants that tells of it.
    of_policy: BTreeMap<(&'a str, &'a str), (&'a str, usize)>,
    of_principal: BTreeMap<&'a str, (&'a str, usize)>,
    of_account: BTreeMap<&'a str, &'a str>,
}

impl<'a> Places<'a> {
    fn of(report: &'a Report, options: &'a Options) -> Places<'a> {
        let mut places = Places {
            of_policy: BTreeMap::new(),
            of_principal: BTreeMap::new(),
            of_account: BTreeMap::new(),
        };
        let source_of = |arn: &str, policy: &str| {
            let found = options.sources.get(&(arn.to_owned(), policy.to_owned()));
            found.map(|at| (at.file.as_str(), at.line))
        };
        for live in &report.policies {
            if let Some(place) = source_of(&live.policy_arn, &live.policy) {
                places.of_policy.insert((&live.policy_arn, &live.policy), place);
                for owner in &live.owners {
                    places.of_principal.entry(owner).or_insert(place);
                }
                if live.kind != "managed" {
                    places.of_principal.insert(&live.policy_arn, place);
                }
            }
        }
        for principal in &report.principals {
            for note in principal.policies.iter().filter(|note| !note.file.is_empty()) {
                let place = (note.file.as_str(), 1);
                let key = (note.policy_arn.as_str(), note.policy.as_str());
                places.of_policy.entry(key).or_insert(place);
                places.of_principal.entry(&principal.arn).or_insert(place);
                places.of_account.entry(&principal.account).or_insert(&note.file);
            }
        }
        places
    }

    fn of_policy(&self, arn: &str, policy: &str) -> (&'a str, usize) {
        match self.of_policy.get(&(arn, policy)) {
            Some(place) => *place,
            None => self.of_principal(arn),
        }
    }

    /// Of a principal or, as some findings have it, of an account.
    fn of_principal(&self, who: &str) -> (&'a str, usize) {
        let account = who.split(':').nth(4).unwrap_or(who);
        let grants = || self.of_account.get(account).map(|file| (*file, 1));
        let known = self.of_principal.get(who).copied().or_else(grants);
        known.unwrap_or(("result.json", 1))
    }
}

/// A line of a file as a relative URI: its own percent signs are encoded too, and nothing leads out of the folder.
pub(super) fn physical(path: &str, line: usize) -> Value {
    let parts = parts(path).map(|part| utf8_percent_encode(part, KEPT).to_string());
    let uri = parts.collect::<Vec<String>>().join("/");
    json!({
        "artifactLocation": {"uri": if uri.is_empty() { "result.json" } else { &uri }},
        "region": {"startLine": line},
    })
}

/// The parts of a path, without those that lead out of the folder.
pub(super) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."))
}

fn rule(id: &str, about: &str, level: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": message(about)},
        "fullDescription": {"text": message(about)},
        "help": {"text": format!(
            "{}. Each result says what was seen and what to do about it; `trimtrail explain RESULT PRINCIPAL` shows the events \
             and the statements behind it.",
            message(about)
        )},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["security", "iam"]},
    })
}

fn logical(arn: &str) -> Value {
    let plain = |text: &str| escape::visible(&escape::cut(text, LONGEST)).into_owned();
    json!({"name": plain(&view::short(arn)), "fullyQualifiedName": plain(arn), "kind": "resource"})
}

/// Plain text: SARIF reads `[text](link)` and `{0}` in messages, so their brackets are doubled or escaped.
pub(super) fn message(text: &str) -> String {
    let mut safe = String::new();
    for c in escape::visible(&escape::cut(text, LONGEST)).chars() {
        match c {
            '{' | '}' => safe.extend([c, c]),
            '[' | ']' | '\\' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

/// A rule's name: a stable word.
fn word(id: &str) -> String {
    let word: String = id
        .chars()
        .take(64)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    if word.is_empty() { "finding".to_owned() } else { word }
}

fn fingerprint(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
