//! One document before and after: proved to grant no more, or what is new, statement by statement.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::node::{Document, OPAQUE, of_opaque};
use super::references::{References, has_reference};
use super::{Example, Finding, FindingKind, likely};
use crate::iam::policy::Error;
use crate::iam::subset::{self, Verdict};
use crate::iam::{Policy, PrincipalPart};

/// What a document grants that it did not before; nothing where it is proved to grant no more.
pub(super) fn changed(old: &Document, new: &Document, references: &References) -> Vec<Finding> {
    let (before, after) = match (&old.policy, &new.policy) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(_), _) | (_, Err(_)) if old.text == new.text && old.policy == new.policy => return Vec::new(),
        (Err(why), _) | (_, Err(why)) => return vec![unproved(format!("it cannot be compared: {why}"))],
    };
    if before == after && old.opaque == new.opaque {
        return Vec::new();
    }
    let (before, after) = match (Parsed::of(before), Parsed::of(after)) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(error), _) => {
            return vec![unproved(format!(
                "before, it was no policy that can be read: {}",
                error.what()
            ))];
        }
        (_, Err(error)) => return vec![unproved(format!("it is no policy that can be read: {}", error.what()))],
    };
    let pair = Pair {
        before,
        after,
        old,
        new,
        references,
    };
    pair.findings()
}

/// What a document grants that nothing stood for before.
pub(super) fn added(new: &Document, references: &References) -> Vec<Finding> {
    let old = Document {
        policy: Ok(json!({"Version": "2012-10-17", "Statement": []})),
        opaque: Vec::new(),
        text: String::new(),
        lines: Vec::new(),
    };
    changed(&old, new, references)
}

/// What is lost of denials with a document: whatever else grants it is allowed then.
pub(super) fn removed(old: &Document, references: &References) -> Vec<Finding> {
    let Ok(policy) = &old.policy else {
        return match old.text.contains("Deny") {
            true => vec![unproved("it is gone, and may have denied something".to_owned())],
            false => Vec::new(),
        };
    };
    let new = Document {
        policy: Ok(json!({"Version": policy.get("Version").cloned().unwrap_or(json!("2008-10-17")), "Statement": []})),
        opaque: Vec::new(),
        text: String::new(),
        lines: Vec::new(),
    };
    let mut findings = changed(old, &new, references);
    for finding in &mut findings {
        finding.line = None;
    }
    findings
}

pub(super) fn unproved(what: String) -> Finding {
    Finding {
        kind: FindingKind::NotProved,
        statement: None,
        line: None,
        what,
        example: None,
    }
}

/// A policy with its statements as they are written.
struct Parsed {
    version: Value,
    statements: Vec<Value>,
}

impl Parsed {
    fn of(policy: &Value) -> Result<Parsed, Error> {
        Policy::from_value(policy)?;
        let statements = match policy.get("Statement") {
            Some(Value::Array(all)) => all.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        Ok(Parsed {
            version: policy.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17")),
            statements,
        })
    }

    fn policy(&self, statements: &[&Value]) -> Option<Policy> {
        Policy::from_value(&self.value(statements)).ok()
    }

    fn value(&self, statements: &[&Value]) -> Value {
        json!({"Version": self.version, "Statement": statements})
    }
}

fn denies(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Deny")
}

/// Whether its actions are expressions.
fn is_opaque(statement: &Value) -> bool {
    let of = |key: &str| {
        statement
            .get(key)
            .is_some_and(|actions| actions.to_string().contains(OPAQUE))
    };
    of("Action") || of("NotAction")
}

/// Whether some statement's actions are expressions.
pub(super) fn is_opaque_anywhere(policy: &Value) -> bool {
    let statements = policy.get("Statement").and_then(Value::as_array);
    statements.into_iter().flatten().any(is_opaque)
}

/// Whether it says "all but".
fn is_negative(statement: &Value) -> bool {
    ["NotAction", "NotResource", "NotPrincipal"]
        .iter()
        .any(|key| statement.get(key).is_some())
}

/// A statement as it is compared: the order in lists, a list of one and the Sid apart.
fn canonical(statement: &Value) -> Value {
    fn of(value: &Value) -> Value {
        match value {
            Value::Array(all) => {
                let mut all: Vec<Value> = all.iter().map(of).collect();
                all.sort_by_key(Value::to_string);
                all.dedup();
                match <[Value; 1]>::try_from(all) {
                    Ok([one]) => one,
                    Err(all) => Value::Array(all),
                }
            }
            Value::Object(object) => {
                let mut all: Vec<(&String, Value)> = object.iter().map(|(key, value)| (key, of(value))).collect();
                all.sort_by_key(|(key, _)| key.to_owned());
                Value::Object(all.into_iter().map(|(key, value)| (key.clone(), value)).collect())
            }
            Value::Bool(value) => Value::String(value.to_string()),
            Value::Number(value) => Value::String(value.to_string()),
            Value::Null | Value::String(_) => value.clone(),
        }
    }
    let mut statement = statement.clone();
    if let Some(object) = statement.as_object_mut() {
        object.shift_remove("Sid");
    }
    of(&statement)
}

struct Pair<'p> {
    before: Parsed,
    after: Parsed,
    old: &'p Document,
    new: &'p Document,
    references: &'p References,
}

impl Pair<'_> {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let same_version = self.before.version == self.after.version;
        let known: BTreeSet<String> = self
            .before
            .statements
            .iter()
            .map(|one| canonical(one).to_string())
            .collect();
        let now: BTreeSet<String> = self
            .after
            .statements
            .iter()
            .map(|one| canonical(one).to_string())
            .collect();
        let is_known = |statement: &Value| same_version && known.contains(&canonical(statement).to_string());
        let still = |statement: &Value| same_version && now.contains(&canonical(statement).to_string());
        let all_denied = self.before.statements.iter().filter(|one| denies(one)).all(still);
        // What is not known may deny or allow: the same before and after, or not proved.
        for text in multiset_difference(&self.new.opaque, &self.old.opaque) {
            let text = self.references.shown(text);
            findings.push(unproved(format!(
                "what the statement `{text}` says is not known, and it was not there before"
            )));
        }
        for text in multiset_difference(&self.old.opaque, &self.new.opaque) {
            let text = self.references.shown(text);
            findings.push(unproved(format!(
                "the statement `{text}` is gone, and may have denied something"
            )));
        }
        let unclear =
            !self.new.opaque.is_empty() || self.after.statements.iter().any(|one| is_opaque(one) && !denies(one));
        if unclear && !all_denied {
            findings.push(unproved(
                "a denial changed, and what the document allows is not all known".to_owned(),
            ));
        }
        for statement in self
            .before
            .statements
            .iter()
            .filter(|one| denies(one) && is_opaque(one))
        {
            if !still(statement) {
                findings.push(unproved(format!(
                    "a denial of `{}` is gone or says something else",
                    self.references.shown(&actions_of(statement))
                )));
            }
        }
        let mut new_grants = Vec::new();
        for (at, statement) in self.after.statements.iter().enumerate() {
            let is_old = is_known(statement) && all_denied;
            if !denies(statement) && !is_old {
                new_grants.extend(self.granted(at, statement));
            }
        }
        if new_grants.is_empty() && !all_denied {
            new_grants.extend(self.no_longer_denied());
        }
        findings.extend(new_grants);
        findings
    }

    /// What one statement grants anew.
    fn granted(&self, at: usize, statement: &Value) -> Option<Finding> {
        let clear = |one: &&Value| !is_opaque(one);
        let old: Vec<&Value> = self.before.statements.iter().filter(clear).collect();
        let denied = self.after.statements.iter().filter(|one| denies(one) && clear(one));
        let new: Vec<&Value> = std::iter::once(statement).chain(denied).collect();
        let why = if is_opaque(statement) {
            // Actions that are expressions: the same text, as literally as it stands, in a statement that says no "all but".
            let included = self.before.statements.iter().any(|outer| {
                !denies(outer) && !is_negative(outer) && !is_negative(statement) && self.includes(outer, statement)
            });
            if included {
                return None;
            }
            let text = self.references.shown(&actions_of(statement));
            format!("it grants {text}, which is not known and was not granted so before")
        } else {
            let (Some(old), Some(new)) = (self.before.policy(&old), self.after.policy(&new)) else {
                return Some(self.finding(at, statement, "it is no policy that can be read".to_owned(), None));
            };
            match subset::allows_no_more(&old, &new) {
                Verdict::Proved => return None,
                Verdict::Refuted(_) => "it grants more than before".to_owned(),
                Verdict::Unknown(why) => why,
            }
        };
        Some(self.finding(
            at,
            statement,
            self.references.shown(&why),
            self.example(statement, &new),
        ))
    }

    fn includes(&self, outer: &Value, inner: &Value) -> bool {
        let parsed = |of: &Parsed, statement: &Value| of.policy(&[statement])?.statements.pop();
        match (parsed(&self.before, outer), parsed(&self.after, inner)) {
            (Some(outer), Some(inner)) => subset::statement_includes(&outer, &inner),
            (Some(_) | None, Some(_) | None) => false,
        }
    }

    /// A request that the statement allows and the old document did not, references standing for something likely.
    fn example(&self, statement: &Value, new: &[&Value]) -> Option<Example> {
        // What is not known may have granted it.
        if !self.old.opaque.is_empty() || self.before.statements.iter().any(is_opaque) {
            return None;
        }
        let before: Vec<&Value> = self.before.statements.iter().collect();
        let old = self.filled(&self.before.value(&before))?;
        let new = self.filled(&self.after.value(new))?;
        let granting =
            Policy::from_value(&json!({"Version": self.after.version, "Statement": [self.filled_value(statement)?]}))
                .ok()?;
        match subset::allows_no_more_likely(&old, &new, &likely::of(&old, &granting, &|_| true)) {
            Verdict::Refuted(witness) => {
                let named = granting
                    .statements
                    .iter()
                    .any(|one| one.principal != PrincipalPart::None);
                Some(Example {
                    action: witness.action,
                    resource: witness.resource,
                    principal: named.then_some(witness.principal),
                    context: witness.context,
                    references: self.references.values_in(&with_actions(&statement.to_string())),
                })
            }
            Verdict::Proved | Verdict::Unknown(_) => None,
        }
    }

    fn filled(&self, policy: &Value) -> Option<Policy> {
        Policy::from_value(&self.filled_value(policy)?).ok()
    }

    fn filled_value(&self, value: &Value) -> Option<Value> {
        serde_json::from_str(&self.references.filled(&with_actions(&value.to_string()))).ok()
    }

    /// What the old document denied to whoever else grants it.
    fn no_longer_denied(&self) -> Option<Finding> {
        let of = |parsed: &Parsed| -> Vec<Value> {
            let all = parsed.statements.iter().filter(|one| denies(one) && !is_opaque(one));
            all.cloned().collect()
        };
        let (old, new) = (of(&self.before), of(&self.after));
        let mut everything = json!({"Effect": "Allow", "Action": "*"});
        let first = old.first()?;
        if first.get("Principal").is_some() || first.get("NotPrincipal").is_some() {
            everything["Principal"] = json!("*");
        }
        if first.get("Resource").is_some() || first.get("NotResource").is_some() {
            everything["Resource"] = json!("*");
        }
        let with = |parsed: &Parsed, all: &[Value]| {
            let all: Vec<&Value> = std::iter::once(&everything).chain(all).collect();
            parsed.value(&all)
        };
        let (old_value, new_value) = (with(&self.before, &old), with(&self.after, &new));
        let (Ok(before), Ok(after)) = (Policy::from_value(&old_value), Policy::from_value(&new_value)) else {
            return Some(unproved("its denials cannot be compared".to_owned()));
        };
        let why = match subset::allows_no_more(&before, &after) {
            Verdict::Proved => return None,
            Verdict::Refuted(_) => "it no longer denies what it denied; what else grants it is allowed now".to_owned(),
            Verdict::Unknown(why) => self.references.shown(&why),
        };
        let hint = Policy::from_value(
            &json!({"Version": self.before.version, "Statement": old.iter().map(|one| {
            let mut one = one.clone();
            one["Effect"] = json!("Allow");
            one
        }).collect::<Vec<Value>>()}),
        );
        let example = hint.ok().and_then(|hint| {
            let hint = Policy::from_value(&self.filled_value(&hint.to_value())?).ok()?;
            let (before, after) = (self.filled(&old_value)?, self.filled(&new_value)?);
            let empty = Policy::from_value(&json!({"Statement": []})).ok()?;
            match subset::allows_no_more_likely(&before, &after, &likely::of(&empty, &hint, &|_| true)) {
                Verdict::Refuted(witness) => Some(Example {
                    action: witness.action,
                    resource: witness.resource,
                    principal: everything.get("Principal").map(|_| witness.principal),
                    context: witness.context,
                    references: self.references.values_in(&old_value.to_string()),
                }),
                Verdict::Proved | Verdict::Unknown(_) => None,
            }
        });
        Some(Finding {
            kind: if example.is_some() {
                FindingKind::New
            } else {
                FindingKind::NotProved
            },
            statement: None,
            line: None,
            what: why,
            example,
        })
    }

    fn finding(&self, at: usize, statement: &Value, why: String, example: Option<Example>) -> Finding {
        let sid = statement.get("Sid").and_then(Value::as_str);
        let redefined = self.references.redefined(
            &with_actions(&json!(self.before.statements).to_string()),
            &with_actions(&statement.to_string()),
        );
        // What its values were and are is not known, and neither what lies between them.
        let example = example.filter(|_| redefined.is_empty());
        let what = match redefined.first() {
            Some(reference) => format!("`{reference}` stands for something else than before; {why}"),
            None if example.is_some() => "it grants what was not granted before".to_owned(),
            None => why,
        };
        Finding {
            kind: if example.is_some() {
                FindingKind::New
            } else {
                FindingKind::NotProved
            },
            statement: Some(sid.map_or_else(|| format!("Statement[{at}]"), |sid| self.references.shown(sid))),
            line: self.new.lines.get(at).copied().flatten(),
            what,
            example,
        }
    }
}

fn multiset_difference<'t>(of: &'t [String], without: &[String]) -> Vec<&'t String> {
    let mut left: Vec<&String> = without.iter().collect();
    of.iter()
        .filter(|text| match left.iter().position(|known| known == text) {
            Some(at) => {
                left.swap_remove(at);
                false
            }
            None => true,
        })
        .collect()
}

fn actions_of(statement: &Value) -> String {
    let all = ["Action", "NotAction"].iter().filter_map(|key| statement.get(*key));
    let texts = all.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]));
    let texts: Vec<String> = texts
        .filter_map(|text| {
            text.as_str()
                .map(|text| of_opaque(text).unwrap_or_else(|| text.to_owned()))
        })
        .collect();
    texts.join(", ")
}

/// A document's text with the expressions of its actions as they are written.
pub(super) fn with_actions(text: &str) -> String {
    let start = format!("\"{OPAQUE}:");
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&start) {
        out.push_str(&rest[..=at]);
        let from = &rest[at + 1..];
        let end = from.find('"').unwrap_or(from.len());
        match of_opaque(&from[..end]) {
            Some(action) => out.push_str(serde_json::to_string(&action).unwrap_or_default().trim_matches('"')),
            None => out.push_str(&from[..end]),
        }
        rest = &from[end..];
    }
    out.push_str(rest);
    out
}

/// Before and after as they can be replayed: documents without references and expressions.
pub(super) fn replayable(old: &Document, new: &Document) -> Option<(Value, Value)> {
    let plain = |document: &Document| {
        let policy = document.policy.as_ref().ok()?;
        let text = policy.to_string();
        let is_plain = document.opaque.is_empty() && !has_reference(&text) && !text.contains(OPAQUE);
        is_plain.then(|| policy.clone())
    };
    Some((plain(old)?, plain(new)?))
}
