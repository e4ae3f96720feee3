//! A `result.json` read back: nothing in it is believed until it is proved again.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    AccountFinding, Alternative, Choice, Coverage, LivePolicy, PracticeReport, Principal, Question, Refused, Report,
    SCHEMA, Suggestion, Tool, Totals, Window,
};
use crate::iam::PolicyText;
use crate::verify;

/// What tells whether the rest can be read.
#[derive(Deserialize)]
struct Labelled {
    #[serde(default)]
    schema: Value,
}

/// A result as it is read back: the same fields, nothing proved yet.
#[derive(Deserialize)]
struct Unproved {
    schema: String,
    tool: Tool,
    window: Window,
    coverage: Coverage,
    principals: Vec<Principal>,
    suggestions: Vec<UnprovedSuggestion>,
    #[serde(default)]
    alternatives: Vec<Alternative>,
    #[serde(default)]
    account_findings: Vec<AccountFinding>,
    #[serde(default)]
    refused: Vec<Refused>,
    #[serde(default)]
    questions: Vec<Question>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    policies: Vec<LivePolicy>,
    #[serde(default)]
    policy_documents: BTreeMap<String, PolicyText>,
    #[serde(default)]
    practices: Vec<PracticeReport>,
    totals: Totals,
}

/// A suggestion as it is read back.
#[derive(Deserialize)]
struct UnprovedSuggestion {
    before: PolicyText,
    after: PolicyText,
    #[serde(flatten)]
    beside: Suggestion,
}

/// Why a file is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not JSON, or not these fields.
    #[error("not a result of `analyze`: {0}")]
    Shape(#[from] serde_json::Error),
    /// It does not say what it is.
    #[error("not a result of `analyze`: it names no schema")]
    NoResult,
    /// Another version of the contract.
    #[error("schema `{0}`, this program reads `{SCHEMA}`")]
    Schema(String),
    /// Somebody edited a suggestion, or it comes from elsewhere.
    #[error("suggestion {id} does not hold: {why}")]
    Unproved {
        /// Which suggestion.
        id: String,
        /// What the proof says.
        why: String,
    },
}

impl Report {
    /// Reads a `result.json` and proves again that each suggestion in it allows no more than the original.
    pub fn from_json(text: &str) -> Result<Report, Error> {
        // Twice over the text: as one JSON value, a result of thousands of principals takes many times the room.
        let labelled: Labelled = serde_json::from_str(text)?;
        match labelled.schema.as_str() {
            Some(SCHEMA) => {}
            Some(other) => return Err(Error::Schema(other.to_owned())),
            None => return Err(Error::NoResult),
        }
        let read: Unproved = serde_json::from_str(text)?;
        let suggestions = read
            .suggestions
            .into_iter()
            .map(|suggestion| {
                let UnprovedSuggestion { before, after, beside } = suggestion;
                let id = beside.id.clone();
                verify::again(before, after, beside).map_err(|why| Error::Unproved {
                    id,
                    why: why.to_string(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Report {
            schema: read.schema,
            tool: read.tool,
            window: read.window,
            coverage: read.coverage,
            principals: read.principals,
            suggestions,
            alternatives: read.alternatives,
            account_findings: read.account_findings,
            refused: read.refused,
            questions: read.questions,
            choices: read.choices,
            policies: read.policies,
            policy_documents: read.policy_documents,
            practices: read.practices,
            totals: read.totals,
        })
    }
}
