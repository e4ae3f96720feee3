//! Findings and suggestions for code scanning (SARIF 2.1.0, OASIS).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Error, Options, escape, policies, view};
use crate::report::{Report, Severity};

/// Longest message; code scanning shows less.
const LONGEST: usize = 4_000;

/// Writes one run: a rule for each finding id and for each kind of policy with a suggestion.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    let mut rules: BTreeMap<String, Value> = BTreeMap::new();
    let mut results: Vec<(String, Value)> = Vec::new();
    for (who, finding) in report.findings() {
        let level = match finding.severity {
            Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "note",
        };
        let id = word(&finding.id);
        rules
            .entry(id.clone())
            .or_insert_with(|| rule(&id, &finding.practice, level));
        let text = format!(
            "{}: {}. {} {}",
            view::short(who),
            finding.title,
            finding.why,
            finding.fix
        );
        results.push((
            id.clone(),
            json!({
                "ruleId": id,
                "level": level,
                "message": {"text": message(&text)},
                "locations": [{"logicalLocations": [logical(who)]}],
                "partialFingerprints": {
                    "trimtrail/v1": fingerprint(&[&finding.id, who, &finding.evidence.join("\n")]),
                },
                "properties": {"evidence": finding.evidence},
            }),
        ));
    }
    for chosen in policies::chosen(report, options.include_held) {
        let suggestion = chosen.suggestion;
        let id = word(&format!("smaller-policy-{}", suggestion.kind));
        let level = if suggestion.risk_removed.is_empty() {
            "note"
        } else {
            "warning"
        };
        let about = format!("A policy ({}) allows actions with no logged use", suggestion.kind);
        rules.entry(id.clone()).or_insert_with(|| rule(&id, &about, "warning"));
        let text = format!(
            "{} {}: {} for {}. Proved relative to the catalog of {}; expires {}.",
            view::change(&suggestion.change),
            suggestion.policy,
            view::count(
                suggestion.removed_actions,
                "action with no logged use goes",
                "actions with no logged use go"
            ),
            view::count(suggestion.affects.len() as u64, "principal", "principals"),
            report.tool.catalog_date,
            view::day(&suggestion.expires),
        );
        let text = view::chosen(suggestion)
            .into_iter()
            .take(5)
            .fold(text, |text, choice| format!("{text} Chosen: {choice}."));
        let places: Vec<Value> = suggestion.affects.iter().take(100).map(|arn| logical(arn)).collect();
        let mut location = json!({"logicalLocations": places});
        if chosen.replaces() {
            // The path is a URI here, so its own percent signs are encoded once more.
            location["physicalLocation"] = json!({
                "artifactLocation": {"uri": chosen.path().replace('%', "%25")},
                "region": {"startLine": 1},
            });
        }
        results.push((
            id.clone(),
            json!({
                "ruleId": id,
                "level": level,
                "message": {"text": message(&text)},
                "locations": [location],
                "partialFingerprints": {"trimtrail/v1": fingerprint(&[&suggestion.policy_arn, &suggestion.policy, &suggestion.step])},
                "properties": {
                    "suggestion": suggestion.id,
                    "change": suggestion.change,
                    "step": suggestion.step,
                    "confidence": suggestion.confidence,
                    "held": suggestion.held,
                    "chosen": suggestion.chosen.iter().map(|chosen| &chosen.who).collect::<BTreeSet<_>>(),
                },
            }),
        ));
    }
    let order: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    let results: Vec<Value> = results
        .into_iter()
        .map(|(id, mut result)| {
            result["ruleIndex"] = json!(order.get(id.as_str()));
            result
        })
        .collect();
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
            "results": results,
            "properties": {"window": report.window, "catalog_date": report.tool.catalog_date},
        }],
    });
    let text = serde_json::to_string_pretty(&log)?;
    out.write_all(escape::json(&text).as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

fn rule(id: &str, about: &str, level: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": message(about)},
        "fullDescription": {"text": message(about)},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["security", "iam"]},
    })
}

fn logical(arn: &str) -> Value {
    let plain = |text: &str| escape::visible(&escape::cut(text, LONGEST)).into_owned();
    json!({"name": plain(&view::short(arn)), "fullyQualifiedName": plain(arn), "kind": "resource"})
}

/// Plain text: SARIF reads `[text](link)` and `{0}` in messages, so their brackets are doubled or escaped.
fn message(text: &str) -> String {
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
