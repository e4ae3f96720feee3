//! The policies that IAM holds, and what may go from each.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::joint::Share;
use crate::iam::PolicyText;
use crate::report::{self, LivePolicy, Report, Suggestion};
use crate::verify::Verified;

/// The part of a result that tells the policies and what may go from them.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Every policy of the grants.
    pub policies: &'a [LivePolicy],
    /// Documents by digest.
    pub documents: &'a BTreeMap<String, PolicyText>,
    /// What may go.
    pub suggestions: &'a [Verified<Suggestion>],
}

impl<'a> From<&'a Report> for Answer<'a> {
    fn from(report: &'a Report) -> Self {
        Answer {
            policies: &report.policies,
            documents: &report.policy_documents,
            suggestions: &report.suggestions,
        }
    }
}

/// A policy that IAM holds.
pub(super) struct Live<'a> {
    pub(super) policy: &'a LivePolicy,
    /// Its document, empty Sids left out.
    pub(super) before: Value,
    pub(super) fate: Fate<'a>,
}

/// What may become of it.
pub(super) enum Fate<'a> {
    /// The document of the suggestion may take its place; it has no statement where nothing is needed.
    May(&'a Suggestion, Value),
    /// Nothing may go, and why.
    Stays(String),
}

impl Live<'_> {
    /// What it says and what it may become.
    pub(super) fn share(&self) -> Share<'_> {
        match &self.fate {
            Fate::May(suggestion, after) => Share {
                before: &self.before,
                after,
                origins: origins(suggestion),
            },
            Fate::Stays(_) => Share {
                before: &self.before,
                after: &self.before,
                origins: None,
            },
        }
    }

    /// `deploy of role/ci-deploy`, `arn:aws:iam::1:policy/shared`
    pub(super) fn name(&self) -> String {
        name(&self.policy.policy, &self.policy.policy_arn)
    }

    /// The names of who has it.
    pub(super) fn owners(&self) -> impl Iterator<Item = &str> {
        let inline = (self.policy.kind != "managed").then_some(&self.policy.policy_arn);
        let all = self.policy.owners.iter().chain(inline);
        all.map(|arn| arn.rsplit('/').next().unwrap_or(arn))
    }
}

/// `deploy of role/ci-deploy`, `arn:aws:iam::1:policy/shared`
pub(super) fn name(policy: &str, policy_arn: &str) -> String {
    match policy_arn.splitn(6, ':').nth(5) {
        Some(resource) if !resource.starts_with("policy/") => format!("{policy} of {resource}"),
        Some(_) | None => policy_arn.to_owned(),
    }
}

/// The live policies that somebody may have written in a file, and what is to be said of suggestions for others.
pub(super) fn lives<'a>(
    answer: Answer<'a>,
    include_held: bool,
    now: Option<i64>,
) -> (Vec<Live<'a>>, Vec<(&'a Suggestion, String)>) {
    let chosen = report::chosen(answer.suggestions, include_held);
    let mut documents: HashMap<&str, Value> = HashMap::new();
    let held = answer
        .suggestions
        .iter()
        .map(|one| (one.before_sha256.as_str(), one.before()));
    let others = answer.documents.iter().map(|(digest, text)| (digest.as_str(), text));
    for (digest, text) in held.chain(others) {
        if digest_of(text) == digest {
            documents
                .entry(digest)
                .or_insert_with(|| without_empty_sids(text.value()));
        }
    }
    let mut lives = Vec::new();
    for policy in answer.policies {
        if policy.kind == "aws_managed" {
            continue;
        }
        let Some(before) = documents.get(policy.sha256.as_str()) else {
            // Whatever it says may be written in any file: nothing can be told of the others either.
            let name = name(&policy.policy, &policy.policy_arn);
            let why = format!("the result does not hold the document of {name}: analyze again");
            let all = chosen.iter().map(|one| (&***one, why.clone()));
            return (Vec::new(), all.collect());
        };
        let fate = match chosen.iter().find(|one| is_for(one, policy)) {
            Some(suggestion) => fate(suggestion, now),
            None => Fate::Stays(stays(answer, policy)),
        };
        lives.push(Live {
            policy,
            before: before.clone(),
            fate,
        });
    }
    let mut lost = Vec::new();
    for suggestion in chosen {
        let why = if suggestion.kind == "aws_managed" {
            "AWS maintains it: attach the new policy in its place"
        } else if !lives.iter().any(|live| is_for(suggestion, live.policy)) {
            "the result does not hold the document that it was made for: analyze again"
        } else if let Fate::Stays(why) = fate(suggestion, now) {
            lost.push((&**suggestion, why));
            continue;
        } else {
            continue;
        };
        lost.push((&**suggestion, why.to_owned()));
    }
    (lives, lost)
}

/// Whether a suggestion is for a policy. One for a permission set is for its copies in all accounts.
fn is_for(suggestion: &Suggestion, policy: &LivePolicy) -> bool {
    let same = suggestion.policy_arn == policy.policy_arn && suggestion.policy == policy.policy;
    let copy = suggestion.kind == "permission_set"
        && policy.kind == "permission_set"
        && suggestion.affects.contains(&policy.policy_arn);
    (same || copy) && suggestion.before_sha256 == policy.sha256
}

fn fate(suggestion: &Verified<Suggestion>, now: Option<i64>) -> Fate<'_> {
    match expired(suggestion, now) {
        Some(why) => Fate::Stays(why),
        None => Fate::May(suggestion, without_empty_sids(suggestion.after().value())),
    }
}

/// That a suggestion is too old.
pub(super) fn expired(suggestion: &Suggestion, now: Option<i64>) -> Option<String> {
    let expires = suggestion.expires.parse::<jiff::Timestamp>().ok()?;
    let is_past = now.is_some_and(|now| expires.as_second() < now);
    is_past.then(|| {
        format!(
            "it expired on {}: analyze again, or pass --allow-expired",
            suggestion.expires
        )
    })
}

fn stays(answer: Answer<'_>, policy: &LivePolicy) -> String {
    let held = answer.suggestions.iter().find(|one| is_for(one, policy));
    match (held.and_then(|one| one.held.as_ref()), &policy.why_not) {
        (Some(why), _) => format!("held: {why}"),
        (None, Some(why)) => why.clone(),
        (None, None) => "all of it is or may be needed".to_owned(),
    }
}

fn digest_of(text: &PolicyText) -> String {
    let digest = Sha256::digest(text.as_str().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The statements of `before` that each of `after` comes from; `None` where the result does not say it.
fn origins(suggestion: &Suggestion) -> Option<Vec<Vec<usize>>> {
    let place = |index: &u64| usize::try_from(*index).ok();
    let each = suggestion
        .statements
        .iter()
        .map(|one| one.from.iter().map(place).collect());
    let origins: Vec<Vec<usize>> = each.collect::<Option<_>>()?;
    (!origins.is_empty()).then_some(origins)
}

/// The same document: an empty Sid, as some versions of the AWS provider write it, is no Sid.
fn without_empty_sids(mut document: Value) -> Value {
    let empty = |statement: &mut Value| {
        if statement.get("Sid").and_then(Value::as_str) == Some("")
            && let Some(statement) = statement.as_object_mut()
        {
            statement.shift_remove("Sid");
        }
    };
    match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().for_each(empty),
        Some(statement) => empty(statement),
        None => {}
    }
    document
}
