//! A small world: few actions, resources and contexts, random policies over them, and a naive evaluator that reads the
//! JSON directly and matches with a regex engine.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::iam::subset::Witness;

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) action: String,
    pub(super) resource: String,
    /// Keys with one value each.
    pub(super) context: Vec<(String, String)>,
}

impl From<&Witness> for Request {
    fn from(witness: &Witness) -> Self {
        Self {
            action: witness.action.clone(),
            resource: witness.resource.clone(),
            context: witness
                .context
                .iter()
                .map(|(key, values)| (key.clone(), values[0].clone()))
                .collect(),
        }
    }
}

const ACTIONS: [&str; 6] = ["a:x", "a:y", "a:xx", "b:x", "b:yx", "c:w"];
const ACTION_PATTERNS: [&str; 10] = ["*", "a:*", "A:x", "a:y", "b:x", "a:?", "?:x", "b:*", "a:x*", "*:*x"];
const RESOURCES: [&str; 9] = [
    "*",
    "arn:p:s:::b",
    "arn:p:s:::b/x",
    "arn:p:s:::b/y:z",
    "arn:p:s:::c",
    "arn:p:s:e::b/x",
    "arn:p:s:e:1:b/x",
    "arn:p:t::1:b",
    "arn:p:s:e:1:b:b/x",
];
const RESOURCE_PATTERNS: [&str; 13] = [
    "*",
    "arn:p:s:::*",
    "arn:p:s:::b*",
    "arn:p:s:::b/x",
    "arn:p:s:::b/*",
    "arn:p:s:::b/?*",
    "arn:p:s:::${v}",
    "arn:p:s:::${v}/*",
    "arn:p:s:*::b/x",
    "arn:p:s:*:*:b/x",
    "arn:p:?:::*",
    "arn:p:s:*b/x",
    "arn:p:*",
];
const CONDITIONS: [(&str, &[&str]); 15] = [
    ("StringEquals", &["1"]),
    ("StringEquals", &["2"]),
    ("StringEquals", &["1", "2"]),
    ("StringNotEquals", &["1"]),
    ("StringNotEquals", &["1", "33"]),
    ("StringEqualsIfExists", &["1"]),
    ("StringNotEqualsIfExists", &["1"]),
    ("StringLike", &["?"]),
    ("StringLike", &["*", "1"]),
    ("StringNotLike", &["?"]),
    ("StringNotLike", &["3*", "2"]),
    ("ForAllValues:StringEquals", &["1", "2"]),
    ("ForAnyValue:StringNotEquals", &["2"]),
    ("Null", &["true"]),
    ("Null", &["false"]),
];

pub(super) fn requests() -> Vec<Request> {
    let mut out = Vec::new();
    for action in ACTIONS {
        for resource in RESOURCES {
            for k in [None, Some("1"), Some("2"), Some("33")] {
                for v in [None, Some("b"), Some("c")] {
                    let keys = [("k", k), ("v", v)];
                    out.push(Request {
                        action: action.to_owned(),
                        resource: resource.to_owned(),
                        context: keys
                            .iter()
                            .filter_map(|(key, value)| Some(((*key).to_owned(), (*value)?.to_owned())))
                            .collect(),
                    });
                }
            }
        }
    }
    out
}

fn glob(pattern: &str, text: &str) -> bool {
    let body: String = pattern
        .chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c => regex::escape(&c.to_string()),
        })
        .collect();
    thread_local! {
        static COMPILED: std::cell::RefCell<std::collections::HashMap<String, regex::Regex>> = Default::default();
    }
    COMPILED.with_borrow_mut(|compiled| {
        compiled
            .entry(body)
            .or_insert_with_key(|body| regex::Regex::new(&format!("(?s)^{body}$")).unwrap())
            .is_match(text)
    })
}

/// A resource pattern on a resource: over the whole text, or (narrow) segment by segment.
pub(super) fn matches(pattern: &str, resource: &str, context: &[(String, String)], narrow: bool) -> bool {
    let pattern = if pattern.contains("${v}") {
        match context.iter().find(|(key, _)| key == "v") {
            Some((_, value)) => pattern.replace("${v}", value),
            None => return false,
        }
    } else {
        pattern.to_owned()
    };
    if !narrow || pattern == "*" {
        return glob(&pattern, resource);
    }
    let pattern: Vec<&str> = pattern.splitn(6, ':').collect();
    let resource: Vec<&str> = resource.splitn(6, ':').collect();
    pattern.len() == resource.len()
        && pattern
            .iter()
            .zip(resource)
            .all(|(pattern, segment)| glob(pattern, segment))
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn applies(statement: &Value, request: &Request, narrow: bool) -> bool {
    let in_actions = |value: &Value| {
        texts(value)
            .iter()
            .any(|pattern| glob(&pattern.to_lowercase(), &request.action.to_lowercase()))
    };
    let in_resources = |value: &Value| {
        texts(value)
            .iter()
            .any(|pattern| matches(pattern, &request.resource, &request.context, narrow))
    };
    let action = match statement.get("Action") {
        Some(value) => in_actions(value),
        None => !in_actions(&statement["NotAction"]),
    };
    let resource = match statement.get("Resource") {
        Some(value) => in_resources(value),
        None => {
            // In the narrow reading a variable without value voids the statement.
            let unresolved = texts(&statement["NotResource"])
                .iter()
                .any(|text| text.contains("${v}"))
                && !request.context.iter().any(|(key, _)| key == "v");
            !(in_resources(&statement["NotResource"]) || narrow && unresolved)
        }
    };
    let empty = serde_json::Map::new();
    let conditions = statement.get("Condition").and_then(Value::as_object).unwrap_or(&empty);
    action
        && resource
        && conditions.iter().all(|(operator, keys)| {
            keys.as_object().unwrap().iter().all(|(key, wanted)| {
                let value = request
                    .context
                    .iter()
                    .find(|(known, _)| known == key)
                    .map(|(_, value)| value.as_str());
                let equals = || value.is_some_and(|value| texts(wanted).contains(&value));
                let like = || value.is_some_and(|value| texts(wanted).iter().any(|wanted| glob(wanted, value)));
                match operator.as_str() {
                    "StringEquals" => equals(),
                    "StringNotEquals" | "StringNotEqualsIfExists" => !equals(),
                    "StringEqualsIfExists" | "ForAllValues:StringEquals" => value.is_none() || equals(),
                    "ForAnyValue:StringNotEquals" => value.is_some() && !equals(),
                    "StringLike" => like(),
                    "StringNotLike" => !like(),
                    "Null" => texts(wanted).contains(&if value.is_none() { "true" } else { "false" }),
                    other => panic!("{other}"),
                }
            })
        })
}

pub(super) fn allows(document: &Value, request: &Request, narrow: bool) -> bool {
    let statements = document["Statement"].as_array().unwrap();
    let with = |effect: &str| {
        statements
            .iter()
            .any(|statement| statement["Effect"] == effect && applies(statement, request, narrow))
    };
    with("Allow") && !with("Deny")
}

fn statement() -> impl Strategy<Value = Value> {
    (
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.85),
        prop::collection::vec(prop::sample::select(&ACTION_PATTERNS[..]), 1..3),
        prop::collection::vec(prop::sample::select(&RESOURCE_PATTERNS[..]), 1..3),
        prop::option::weighted(0.3, prop::sample::select(&CONDITIONS[..])),
    )
        .prop_map(|(allow, action, resource, actions, resources, condition)| {
            let mut out = json!({"Effect": if allow { "Allow" } else { "Deny" }});
            out[if action { "Action" } else { "NotAction" }] = json!(actions);
            out[if resource { "Resource" } else { "NotResource" }] = json!(resources);
            if let Some((operator, values)) = condition {
                out["Condition"] = json!({*operator: {"k": values}});
            }
            out
        })
}

pub(super) fn document() -> impl Strategy<Value = Value> {
    prop::collection::vec(statement(), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

pub(super) fn action() -> impl Strategy<Value = String> {
    prop::sample::select(&ACTIONS[..]).prop_map(str::to_owned)
}

pub(super) fn shape() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "*",
        "arn:p:s:::b",
        "arn:p:s:::b/x",
        "arn:p:s:::b/*",
        "arn:p:s:e:1:*",
        "arn:p:t::1:b",
    ])
    .prop_map(str::to_owned)
}

fn element<'a>(statement: &'a Value, names: [&'static str; 2]) -> &'a Value {
    statement.get(names[0]).unwrap_or_else(|| &statement[names[1]])
}

/// One change to one statement, picked by numbers.
fn change(document: &Value, kind: usize, at: usize, pick: usize) -> Value {
    let mut out = document.clone();
    let statements = out["Statement"].as_array_mut().unwrap();
    let at = at % statements.len();
    let name = |statement: &Value, names: [&'static str; 2]| {
        if statement.get(names[0]).is_some() {
            names[0]
        } else {
            names[1]
        }
    };
    match kind {
        0 => {
            // Add an action.
            let statement = &mut statements[at];
            let name = name(statement, ["Action", "NotAction"]);
            statement[name]
                .as_array_mut()
                .unwrap()
                .push(ACTION_PATTERNS[pick % ACTION_PATTERNS.len()].into());
        }
        1 => {
            statements[at].as_object_mut().unwrap().remove("Condition");
        }
        2 => {
            // Lose a Deny.
            if let Some(deny) = statements.iter().position(|statement| statement["Effect"] == "Deny") {
                statements.remove(deny);
            }
        }
        3 => {
            // Widen or change a resource.
            let statement = &mut statements[at];
            let name = name(statement, ["Resource", "NotResource"]);
            statement[name]
                .as_array_mut()
                .unwrap()
                .push(RESOURCE_PATTERNS[pick % RESOURCE_PATTERNS.len()].into());
        }
        4 => {
            // Keep one action of several.
            let statement = &mut statements[at];
            let kept = texts(element(statement, ["Action", "NotAction"]))[0].to_owned();
            let name = name(statement, ["Action", "NotAction"]);
            statement[name] = json!([kept]);
        }
        5 => {
            let statement = &mut statements[at];
            let name = name(statement, ["Action", "NotAction"]);
            statement[name] = json!([ACTIONS[pick % ACTIONS.len()]]);
        }
        6 => {
            let statement = &mut statements[at];
            let name = name(statement, ["Resource", "NotResource"]);
            statement[name] = json!([RESOURCES[pick % RESOURCES.len()]]);
        }
        7 => {
            let (operator, values) = CONDITIONS[pick % CONDITIONS.len()];
            statements[at]["Condition"] = json!({operator: {"k": values}});
        }
        8 => {
            statements.remove(at);
        }
        _ => {
            let copy = statements[at].clone();
            statements.push(copy);
        }
    }
    out
}

/// A policy, and one that one or two changes made of it.
pub(super) fn derived() -> impl Strategy<Value = (Value, Value)> {
    (
        document(),
        prop::collection::vec((0..10_usize, 0..4_usize, 0..20_usize), 1..3),
    )
        .prop_map(|(old, changes)| {
            let mut new = old.clone();
            for (kind, at, pick) in changes {
                if !new["Statement"].as_array().unwrap().is_empty() {
                    new = change(&new, kind, at, pick);
                }
            }
            (old, new)
        })
}

/// A policy, and one made of it by adding an action, dropping a condition, losing a Deny or widening a resource.
pub(super) fn mutants() -> impl Strategy<Value = (Value, Value)> {
    (document(), 0..4_usize, 0..4_usize, 0..20_usize).prop_map(|(old, kind, at, pick)| {
        let new = change(&old, kind, at, pick);
        (old, new)
    })
}
