//! Findings and suggestions for reviewdog, which comments on the lines of a pull request (Reviewdog Diagnostic Format).
//!
//! (`proto/rdf/reviewdog.proto` of reviewdog: `DiagnosticResult` in one JSON object, lines counted from 1.)

use std::io::Write;

use serde_json::{Value, json};

use super::sarif::{Found, found, parts};
use super::{Error, Options, escape};
use crate::report::Report;

/// Longest message: reviewdog posts each as a comment.
const LONGEST: usize = 4_000;

/// Writes one diagnostic a result of code scanning, at the same place.
pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    let diagnostics: Vec<Value> = found(report, options).iter().map(diagnostic).collect();
    let all = json!({
        "source": {"name": "trimtrail"},
        "severity": "WARNING",
        "diagnostics": diagnostics,
    });
    let text = serde_json::to_string_pretty(&all)?;
    out.write_all(escape::json(&text).as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

fn diagnostic(found: &Found<'_>) -> Value {
    let severity = match found.level {
        "error" => "ERROR",
        "warning" => "WARNING",
        _ => "INFO",
    };
    // What reviewdog posts is read as Markdown.
    let message = escape::markdown(&escape::cut(&found.text, LONGEST));
    let path: Vec<&str> = parts(&found.file).collect();
    let path = match path.is_empty() {
        true => "result.json".to_owned(),
        false => escape::visible(&path.join("/")).into_owned(),
    };
    json!({
        "message": message,
        "location": {"path": path, "range": {"start": {"line": found.line}}},
        "severity": severity,
        "code": {"value": found.rule},
    })
}
