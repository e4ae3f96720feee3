//! One document for several live policies: it loses what each of them may lose, and nothing else.

use serde_json::{Map, Value};

use super::tree::{elements, scalar};
use crate::iam::{Policy, pattern};
use crate::verify;

/// Ends the Sid of a statement that holds what could not be seen.
const UNSEEN: &str = "Unseen";

/// What a live policy says, and what it may become.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Share<'a> {
    pub(super) before: &'a Value,
    pub(super) after: &'a Value,
    /// The statements of `before` that each of `after` comes from, where that is known.
    pub(super) origins: Option<Vec<Vec<usize>>>,
}

/// What a document becomes for each live policy, and the statements that each of its statements comes from, where that is
/// known.
pub(super) type Joint = (Vec<Value>, Option<Vec<Vec<usize>>>);

/// What a document becomes for each of the live policies that were made of it.
///
/// # Errors
/// Why it cannot be told, or what could not be proved.
pub(super) fn joint(shares: &[Share<'_>]) -> Result<Joint, String> {
    let unclear = || "the suggestion joins or splits statements: put the new document in by hand".to_owned();
    if let Some(first) = shares.first()
        && shares.iter().all(|share| share == first)
    {
        prove(first.before, first.after, first.after)?;
        return Ok((vec![first.after.clone(); shares.len()], first.origins.clone()));
    }
    let count = shares.first().map_or(0, |share| statements(share.before).len());
    let mut kept: Vec<Vec<Vec<&Value>>> = Vec::new();
    for share in shares {
        let (old, new) = (statements(share.before), statements(share.after));
        if old.len() != count {
            return Err(unclear());
        }
        let known = share.origins.as_deref().and_then(single);
        let origins = known.or_else(|| origins(old, new)).ok_or_else(unclear)?;
        let mut of = vec![Vec::new(); count];
        for (statement, origin) in new.iter().zip(origins) {
            of.get_mut(origin).ok_or_else(unclear)?.push(statement);
        }
        kept.push(of);
    }
    let lives: Vec<(&Value, &Value)> = shares.iter().map(|share| (share.before, share.after)).collect();
    let mut from: Vec<Vec<usize>> = Vec::new();
    let mut results: Vec<Vec<Value>> = vec![Vec::new(); lives.len()];
    for at in 0..count {
        let old: Vec<&Value> = lives.iter().map(|(before, _)| &statements(before)[at]).collect();
        let new: Vec<&[&Value]> = kept.iter().map(|of| of[at].as_slice()).collect();
        let merged = merged(&old, &new);
        from.extend(merged.first().into_iter().flatten().map(|_| vec![at]));
        for (result, statements) in results.iter_mut().zip(merged) {
            result.extend(statements);
        }
    }
    let documents: Vec<Value> = lives
        .iter()
        .zip(results)
        .map(|((before, _), statements)| {
            let mut document = (*before).clone();
            let unchanged = self::statements(before) == statements;
            if !unchanged {
                document["Statement"] = Value::Array(statements);
            }
            document
        })
        .collect();
    for ((before, after), document) in lives.iter().zip(&documents) {
        prove(before, after, document)?;
    }
    Ok((documents, Some(from)))
}

/// Origins of which each is one; `None` where a statement comes of several.
pub(super) fn single(origins: &[Vec<usize>]) -> Option<Vec<usize>> {
    let each = origins.iter().map(|origin| match origin[..] {
        [one] => Some(one),
        _ => None,
    });
    each.collect()
}

/// `document` allows no more than `before`, and all that `after` does.
fn prove(before: &Value, after: &Value, document: &Value) -> Result<(), String> {
    let parse = |value: &Value| Policy::from_value(value).map_err(|error| error.to_string());
    let document = if statements(document).is_empty() {
        // Nothing is allowed; only an emptied one may become this.
        return if statements(after).is_empty() {
            Ok(())
        } else {
            Err("it would be emptied".to_owned())
        };
    } else {
        parse(document)?
    };
    verify::narrower(&parse(before)?, &document).map_err(|error| error.to_string())?;
    if statements(after).is_empty() {
        return Ok(());
    }
    verify::narrower(&document, &parse(after)?).map_err(|error| format!("something would be lost: {error}"))
}

pub(super) fn statements(document: &Value) -> &[Value] {
    document.get("Statement").map(elements).unwrap_or_default()
}

/// For each new statement the old one that it stands for: the same but for actions and resources, in the same order.
pub(super) fn origins(old: &[Value], new: &[Value]) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    for statement in new {
        let candidates = || (from..old.len()).filter(|at| frame(&old[*at]) == frame(statement));
        let covers = |at: &usize| includes(&old[*at], statement);
        let same_resource = |at: &usize| old[*at].get("Resource") == statement.get("Resource");
        let at = candidates()
            .find(|at| covers(at) && same_resource(at))
            .or_else(|| candidates().find(covers))
            .or_else(|| candidates().find(same_resource))?;
        found.push(at);
        from = at;
    }
    Some(found)
}

/// A statement without what may change in it; a Sid without its ending.
fn frame(statement: &Value) -> Map<String, Value> {
    let mut frame = statement.as_object().cloned().unwrap_or_default();
    frame.retain(|key, _| !matches!(key.as_str(), "Action" | "NotAction" | "Resource" | "NotResource"));
    if let Some(Value::String(sid)) = frame.get_mut("Sid") {
        let cut = sid.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Some(start) = cut.strip_suffix(UNSEEN) {
            sid.truncate(start.len());
        }
    }
    frame.retain(|key, value| key != "Sid" || value.as_str() != Some(""));
    frame
}

fn actions(statement: &Value, key: &str) -> Option<Vec<String>> {
    elements(statement.get(key)?).iter().map(scalar).collect()
}

/// Whether each action of the new statement is one of the old one's, as far as names tell.
fn includes(old: &Value, new: &Value) -> bool {
    match (actions(old, "Action"), actions(new, "Action")) {
        (Some(old), Some(new)) => new.iter().all(|action| old.iter().any(|known| covers(known, action))),
        (None, _) => true,
        (Some(_), None) => false,
    }
}

fn covers(pattern: &str, action: &str) -> bool {
    pattern::matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// What one statement becomes for each of the live policies, which differ in their resources at most.
fn merged(old: &[&Value], new: &[&[&Value]]) -> Vec<Vec<Value>> {
    if new.iter().all(|statements| statements.is_empty()) {
        return vec![Vec::new(); old.len()];
    }
    // Whoever keeps the statement as it is keeps it for all.
    let whole = old.iter().zip(new).any(|(old, new)| new.contains(old));
    let listed: Option<Vec<Vec<Vec<String>>>> = new
        .iter()
        .map(|statements| {
            statements
                .iter()
                .map(|statement| actions(statement, "Action"))
                .collect()
        })
        .collect();
    let resources = narrowed(old, new);
    let Some(listed) = listed.filter(|_| !whole) else {
        return old
            .iter()
            .map(|old| vec![with(old, None, resources.as_ref())])
            .collect();
    };
    let mut main: Vec<String> = Vec::new();
    let mut beside: Vec<String> = Vec::new();
    let mut beside_like: Option<&Value> = None;
    for (statements, listed) in new.iter().zip(&listed) {
        for (at, (statement, actions)) in statements.iter().zip(listed).enumerate() {
            let first = at == 0 && !is_unseen(statement);
            if !first {
                beside_like.get_or_insert(statement);
            }
            let into = if first { &mut main } else { &mut beside };
            into.extend(actions.iter().cloned());
        }
    }
    let main = union(main, &[]);
    let beside = union(beside, &main);
    old.iter()
        .map(|old| {
            let mut statements = Vec::new();
            if !main.is_empty() {
                statements.push(with(old, Some(&main), resources.as_ref()));
            }
            if !beside.is_empty() {
                let mut statement = with(old, Some(&beside), resources.as_ref());
                match beside_like.and_then(|like| like.get("Sid")) {
                    Some(sid) => statement["Sid"] = sid.clone(),
                    None => {
                        if let Some(statement) = statement.as_object_mut() {
                            statement.shift_remove("Sid");
                        }
                    }
                }
                statements.push(statement);
            }
            statements
        })
        .collect()
}

fn is_unseen(statement: &Value) -> bool {
    let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or("");
    sid.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(UNSEEN)
}

/// The patterns that no other one, and none of `known`, stands for; in their order.
fn union(mut all: Vec<String>, known: &[String]) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|action| seen.insert(action.to_ascii_lowercase()));
    let covered = |action: &String| {
        let others = all.iter().filter(|other| *other != action);
        others
            .chain(known)
            .any(|other| covers(other, action) && !covers(action, other))
            || known.iter().any(|other| covers(other, action))
    };
    all.iter().filter(|action| !covered(action)).cloned().collect()
}

/// The narrower resources, where all agree on them.
fn narrowed(old: &[&Value], new: &[&[&Value]]) -> Option<(String, Value)> {
    let mut agreed: Option<(String, Value)> = None;
    for (old, statements) in old.iter().zip(new) {
        for statement in *statements {
            let key = ["Resource", "NotResource"]
                .into_iter()
                .find(|key| statement.get(key).is_some())?;
            if old.get(key) == statement.get(key) {
                return None;
            }
            let found = (key.to_owned(), statement[key].clone());
            if agreed.get_or_insert_with(|| found.clone()) != &found {
                return None;
            }
        }
    }
    agreed
}

/// A statement with other actions and resources in their place.
fn with(old: &Value, actions: Option<&[String]>, resources: Option<&(String, Value)>) -> Value {
    let mut out = Map::new();
    for (key, value) in old.as_object().into_iter().flatten() {
        match (key.as_str(), actions, resources) {
            ("Action" | "NotAction", Some(actions), _) => {
                let list = match actions {
                    [one] if !value.is_array() => Value::from(one.clone()),
                    many => Value::from(many.to_vec()),
                };
                out.insert("Action".to_owned(), list);
            }
            ("Resource" | "NotResource", _, Some((name, resources))) => {
                out.insert(name.clone(), resources.clone());
            }
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}
