//! A change of files that grant, for people and programs: what was touched, and what is new of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{comment, escape, sarif};
use crate::patch::change::{Change, Example, Finding, FindingKind, How, Touched};

/// Longest text that GitHub takes as a comment, with room for what a workflow adds.
const LONGEST: usize = 60_000;
/// Longest text of a table's cell.
const CELL: usize = 600;

/// Counts of a change.
struct Counts {
    touched: usize,
    proved: usize,
    findings: usize,
}

fn counts(change: &Change) -> Counts {
    let touched = change.touched.iter().filter(|one| one.how != How::Same);
    let (mut all, mut proved) = (0, 0);
    for one in touched {
        all += 1;
        proved += usize::from(one.findings.is_empty());
    }
    Counts {
        touched: all,
        proved,
        findings: change.touched.iter().map(|one| one.findings.len()).sum(),
    }
}

fn headline(change: &Change) -> String {
    let Counts {
        touched,
        proved,
        findings,
    } = counts(change);
    let plural = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let same = change.same + change.touched.iter().filter(|one| one.how == How::Same).count();
    let same = plural(same, "is as it was", "are as they were");
    match (touched, findings) {
        (0, 0) => format!("No IAM document was touched, nor anything else that grants; {same}."),
        (_, 0) => format!(
            "Proved: {} than before; {same}.",
            plural(
                touched,
                "touched document or attachment grants no more",
                "touched documents and attachments grant no more"
            )
        ),
        (_, _) => format!(
            "{} to look at; {proved} of {touched} touched are proved to grant no more, {same}.",
            plural(findings, "finding", "findings")
        ),
    }
}

fn place(touched: &Touched, finding: Option<&Finding>) -> String {
    match finding.and_then(|finding| finding.line).or(touched.line) {
        Some(line) => format!("{}:{line}", touched.file.display()),
        None => touched.file.display().to_string(),
    }
}

/// `s3:GetObject on arn:… by …, where var.bucket is b`
fn request(example: &Example) -> String {
    let mut text = format!("{} on {}", example.action, example.resource);
    if let Some(principal) = &example.principal {
        text.push_str(&format!(" by {principal}"));
    }
    for (key, values) in &example.context {
        text.push_str(&format!(", with {key} = {}", values.join(" | ")));
    }
    if !example.references.is_empty() {
        let all = example
            .references
            .iter()
            .map(|(written, value)| format!("{written} is `{value}`"));
        text.push_str(&format!(", where {}", all.collect::<Vec<_>>().join(", ")));
    }
    text
}

fn sentence(finding: &Finding) -> String {
    let mut text = match &finding.statement {
        Some(statement) => format!("{statement}: {}", finding.what),
        None => finding.what.clone(),
    };
    if let Some(example) = &finding.example {
        text.push_str(&format!(": {}", request(example)));
    }
    text
}

fn label(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::New => "NEW",
        FindingKind::NotProved => "NOT PROVED",
        FindingKind::Banned => "MUST NOT GRANT",
        FindingKind::Public => "PUBLIC",
    }
}

/// For a terminal.
///
/// # Errors
/// Where `out` fails.
pub fn terminal(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    for touched in &change.touched {
        let line = format!("{}  {}  {}", place(touched, None), touched.address, touched.how.name());
        let proved = if touched.findings.is_empty() { "  proved" } else { "" };
        writeln!(out, "{}{proved}", escape::terminal(&line))?;
        for finding in &touched.findings {
            let at = match finding.line {
                Some(line) => format!(" (line {line})"),
                None => String::new(),
            };
            let line = format!("    {:<14}  {}{at}", label(finding.kind), sentence(finding));
            writeln!(out, "{}", escape::terminal(&line))?;
        }
    }
    writeln!(out, "{}", headline(change))
}

/// What `verify` of a change writes as JSON.
#[derive(Serialize, JsonSchema, Clone, Debug)]
pub struct VerifyChange {
    /// `trimtrail.verify-change/1`
    pub schema: &'static str,
    /// How many things that grant were touched.
    pub touched: usize,
    /// How many of them are proved to grant no more.
    pub proved: usize,
    /// How many findings there are.
    pub findings: usize,
    /// How many are as they were.
    pub same: usize,
    /// What was touched.
    pub documents: Vec<TouchedOut>,
    /// With a ledger: of each changed document, what was called before and would fail.
    pub keeps: Vec<Value>,
}

/// Something that grants and was touched.
#[derive(Serialize, JsonSchema, Clone, Debug)]
pub struct TouchedOut {
    /// Its file after the change; before it, where it is gone.
    pub file: String,
    /// The line that it begins at.
    pub line: Option<usize>,
    /// What it is called there.
    pub address: String,
    /// `added`, `changed`, `removed` or `same`.
    pub change: &'static str,
    /// `proved` or `not proved`.
    pub narrower: &'static str,
    /// What is new, or not proved to be old.
    pub findings: Vec<FindingOut>,
}

/// Why somebody has to look.
#[derive(Serialize, JsonSchema, Clone, Debug)]
pub struct FindingOut {
    /// `new`, `not-proved`, `must-not-grant` or `public`.
    pub kind: &'static str,
    /// The statement's Sid or place.
    pub statement: Option<String>,
    /// The line of the statement.
    pub line: Option<usize>,
    /// The fact, as a sentence.
    pub what: String,
    /// A request that was not allowed before and is now.
    pub example: Option<ExampleOut>,
}

/// A request.
#[derive(Serialize, JsonSchema, Clone, Debug)]
pub struct ExampleOut {
    /// The action.
    pub action: String,
    /// The resource's ARN.
    pub resource: String,
    /// Who asks; null where it is whoever the policy hangs on.
    pub principal: Option<String>,
    /// Context keys that the request carries.
    pub context: BTreeMap<String, Vec<String>>,
    /// What references are taken to stand for.
    #[serde(rename = "where")]
    pub references: BTreeMap<String, String>,
}

/// One JSON document.
///
/// # Errors
/// Where `out` fails.
pub fn json(change: &Change, keeps: Vec<Value>, out: &mut dyn Write) -> io::Result<()> {
    let Counts {
        touched,
        proved,
        findings,
    } = counts(change);
    let value = VerifyChange {
        schema: "trimtrail.verify-change/1",
        touched,
        proved,
        findings,
        same: change.same,
        documents: change.touched.iter().map(touched_out).collect(),
        keeps,
    };
    let text = serde_json::to_string_pretty(&value)?;
    writeln!(out, "{}", escape::json(&text))
}

fn touched_out(touched: &Touched) -> TouchedOut {
    let findings = touched.findings.iter().map(|finding| FindingOut {
        kind: finding.kind.name(),
        statement: finding.statement.clone(),
        line: finding.line,
        what: finding.what.clone(),
        example: finding.example.as_ref().map(|example| ExampleOut {
            action: example.action.clone(),
            resource: example.resource.clone(),
            principal: example.principal.clone(),
            context: example.context.iter().cloned().collect(),
            references: example.references.iter().cloned().collect(),
        }),
    });
    TouchedOut {
        file: touched.file.to_string_lossy().into_owned(),
        line: touched.line,
        address: touched.address.clone(),
        change: touched.how.name(),
        narrower: match touched.findings.is_empty() {
            true => "proved",
            false => "not proved",
        },
        findings: findings.collect(),
    }
}

/// For a comment of a pull request.
///
/// # Errors
/// Where `out` fails.
pub fn markdown(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let mut text = format!("### IAM: {}\n", escape::markdown(&headline(change)));
    let cell = |text: &str| escape::markdown(&escape::cut(text, CELL));
    let mut rows = Vec::new();
    for touched in &change.touched {
        for finding in &touched.findings {
            rows.push(format!(
                "| {} | {} | {} | {} |\n",
                cell(label(finding.kind)),
                cell(&place(touched, Some(finding))),
                cell(&touched.address),
                cell(&sentence(finding))
            ));
        }
    }
    if !rows.is_empty() {
        text.push_str("\n| | Where | What | Finding |\n|---|---|---|---|\n");
        let all = rows.len();
        let mut shown = 0;
        for row in rows {
            if text.len() + row.len() > LONGEST / 2 {
                break;
            }
            text.push_str(&row);
            shown += 1;
        }
        if shown < all {
            text.push_str(&format!("\nand {} more; `trimtrail verify` prints all.\n", all - shown));
        }
    }
    let proved: Vec<&Touched> = change.touched.iter().filter(|one| one.findings.is_empty()).collect();
    if !proved.is_empty() {
        text.push_str(&format!(
            "\n<details><summary>Proved to grant no more: {}</summary>\n\n",
            proved.len()
        ));
        for touched in proved {
            let line = format!(
                "- {} {} {}\n",
                cell(&place(touched, None)),
                cell(&touched.address),
                touched.how.name()
            );
            if text.len() + line.len() > LONGEST {
                break;
            }
            text.push_str(&line);
        }
        text.push_str("\n</details>\n");
    }
    out.write_all(comment::marked("verify", &text).as_bytes())
}

/// SARIF 2.1.0, as code scanning takes it: each result has a file and a line, and a fingerprint that does not move with it.
///
/// # Errors
/// Where `out` fails.
pub fn sarif(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let kinds: BTreeSet<FindingKind> = change
        .touched
        .iter()
        .flat_map(|one| &one.findings)
        .map(|finding| finding.kind)
        .collect();
    let kinds: Vec<FindingKind> = kinds.into_iter().collect();
    let rules: Vec<Value> = kinds.iter().map(|kind| {
        let about = match kind {
            FindingKind::New => "A statement grants what was not granted before.",
            FindingKind::NotProved => "It is not proved that a document grants no more than before.",
            FindingKind::Banned => "A statement grants what nobody may be granted.",
            FindingKind::Public => "A resource or trust policy lets in anybody.",
        };
        json!({
            "id": format!("verify-{}", kind.name()),
            "shortDescription": {"text": about},
            "fullDescription": {"text": about},
            "help": {"text": format!("{about} Each result names the statement and, where one was found, a request that shows it.")},
            "defaultConfiguration": {"level": level(*kind)},
            "properties": {"tags": ["security", "iam"]},
        })
    }).collect();
    let mut results = Vec::new();
    for touched in &change.touched {
        for finding in &touched.findings {
            let line = finding.line.or(touched.line).unwrap_or(1);
            let location = sarif::physical(&touched.file.to_string_lossy(), line);
            let parts = [
                finding.kind.name(),
                &touched.file.to_string_lossy(),
                &touched.address,
                finding.statement.as_deref().unwrap_or(""),
            ];
            let mut digest = Sha256::new();
            for part in parts {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part.as_bytes());
            }
            let fingerprint: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            results.push(json!({
                "ruleId": format!("verify-{}", finding.kind.name()),
                "ruleIndex": kinds.iter().position(|kind| *kind == finding.kind),
                "level": level(finding.kind),
                "message": {"text": sarif::message(&format!("{}: {}", touched.address, sentence(finding)))},
                "locations": [{"physicalLocation": location}],
                "partialFingerprints": {"trimtrail/v2": fingerprint},
            }));
        }
    }
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "trimtrail", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "automationDetails": {"id": "trimtrail-verify/"},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&log)?;
    writeln!(out, "{}", escape::json(&text))
}

fn level(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::New | FindingKind::Banned | FindingKind::Public => "error",
        FindingKind::NotProved => "warning",
    }
}
