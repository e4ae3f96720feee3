//! Terraform's plan: what each resource that grants says before and after.
//!
//! (Terraform documentation, "JSON Output Format": `resource_changes[].change.before`, `after`, `after_unknown`, `actions`.)

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::files::Unread;
use super::node::Document;
use super::read::{ATTACHED, BOUNDING, GRANTING, HANDING, HOLDERS, Item, MEMBERSHIPS, Side, What, unreadable};
use super::references::References;

/// How deep values are searched.
const DEPTH: usize = 16;

pub(super) fn sides(path: &Path, text: &str, references: &mut References) -> Result<(Side, Side), String> {
    let plan: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| error.to_string())?;
    let Some(changes) = plan.get("resource_changes").and_then(Value::as_array) else {
        // A plan that changes nothing has no list of changes.
        return match plan.get("planned_values") {
            Some(_) => Ok(Default::default()),
            None => Err("it has no `resource_changes`".to_owned()),
        };
    };
    let (mut old, mut new) = (Side::default(), Side::default());
    if let Some(why) = incomplete(&plan) {
        let what = What::Unread(Unread {
            why: why.to_owned(),
            identity: String::new(),
        });
        new.items.push(Item {
            what,
            ..unreadable(path, "")
        });
    }
    for resource in changes {
        let text = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or("");
        if text("mode") == "data" {
            continue;
        }
        let change = &resource["change"];
        let address = text("address").to_owned();
        // Of a resource that was moved, too, both sides stand under its new address.
        let mut read = |side: &mut Side, value: &Value, unknown: &Value| {
            let mut reader = Reader {
                path,
                references,
                address: address.clone(),
                items: Vec::new(),
            };
            reader.resource(text("type"), value, unknown);
            side.items.append(&mut reader.items);
        };
        read(&mut old, &change["before"], &Value::Null);
        read(&mut new, &change["after"], &change["after_unknown"]);
    }
    Ok((old, new))
}

/// Why a plan does not say all that will be done.
///
/// (Terraform documentation, "JSON Output Format": `errored`, `complete`, `deferred_changes`.)
fn incomplete(plan: &Value) -> Option<&'static str> {
    let is = |key: &str| plan.get(key).and_then(Value::as_bool);
    let deferred = plan.get("deferred_changes").and_then(Value::as_array);
    if is("errored") == Some(true) {
        Some("it is a plan that ended in an error")
    } else if is("complete") == Some(false) || deferred.is_some_and(|all| !all.is_empty()) {
        Some("it is a plan that leaves changes for later")
    } else {
        None
    }
}

struct Reader<'r> {
    path: &'r Path,
    references: &'r mut References,
    address: String,
    items: Vec<Item>,
}

impl Reader<'_> {
    fn resource(&mut self, kind: &str, value: &Value, unknown: &Value) {
        if value.is_null() {
            return;
        }
        let mut held_by = BTreeSet::new();
        for key in HOLDERS {
            let is_unknown = is_true(&unknown[key]);
            for each in elements(&value[key]) {
                held_by.extend(each.as_str().map(|who| format!("{key}={who}")));
            }
            // What is known only after it is made is made by this change.
            if is_unknown && key != "arn" {
                let who = self.later(key);
                held_by.insert(format!("{key}={who}"));
            }
        }
        // Its own ARN is no holder.
        if !kind.ends_with("_policy") || kind == "aws_iam_policy" {
            held_by.retain(|who| !who.starts_with("arn="));
        }
        if GRANTING.contains(&kind) || BOUNDING.contains(&kind) {
            let what = format!("{kind} {value}");
            let what = match BOUNDING.contains(&kind) {
                true => What::Boundary(what),
                false => What::Elsewhere(what),
            };
            self.add("", &BTreeSet::new(), what);
        }
        if MEMBERSHIPS.contains(&kind) {
            let what = held_by.iter().cloned().collect::<Vec<_>>().join(", ");
            self.add("", &held_by, What::Elsewhere(format!("membership {what}")));
        }
        self.values(value, unknown, "", &held_by, 0);
    }

    fn values(&mut self, value: &Value, unknown: &Value, path: &str, held_by: &BTreeSet<String>, depth: usize) {
        if depth > DEPTH {
            return;
        }
        match value {
            Value::Object(object) => {
                let mut keys: BTreeSet<&str> = object.keys().map(String::as_str).collect();
                keys.extend(unknown.as_object().into_iter().flatten().map(|(key, _)| key.as_str()));
                for key in keys {
                    let inner = if path.is_empty() {
                        key.to_owned()
                    } else {
                        format!("{path}.{key}")
                    };
                    self.member(key, &value[key], &unknown[key], &inner, held_by, depth);
                }
            }
            Value::Array(all) => {
                for (at, each) in all.iter().enumerate() {
                    let name = each
                        .get("name")
                        .and_then(Value::as_str)
                        .map_or_else(|| at.to_string(), str::to_owned);
                    self.values(each, &unknown[at], &format!("{path}[{name}]"), held_by, depth + 1);
                }
            }
            Value::String(text) => self.text(text, path, held_by),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn member(
        &mut self,
        key: &str,
        value: &Value,
        unknown: &Value,
        path: &str,
        held_by: &BTreeSet<String>,
        depth: usize,
    ) {
        if key == "permissions_boundary" {
            if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
                self.add(path, held_by, What::Boundary(text.to_owned()));
            } else if is_true(unknown) {
                let what = self.later(path);
                self.add(path, held_by, What::Boundary(what));
            }
        } else if ATTACHED.contains(&key) {
            let texts: Vec<String> = elements(value)
                .iter()
                .filter_map(|each| each.as_str())
                .map(str::to_owned)
                .collect();
            for text in texts {
                self.add(&format!("{path}[{text}]"), held_by, What::Elsewhere(text));
            }
            if is_true(unknown) {
                let what = self.later(path);
                self.add(path, held_by, What::Elsewhere(what));
            }
        } else if HANDING.contains(&key) && !self.address.contains("aws_iam_") {
            let what = match value {
                Value::Null if is_true(unknown) => self.later(path),
                Value::Null => return,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            self.add(path, held_by, What::Elsewhere(what));
        } else if is_true(unknown)
            && (key.contains("policy") || key.contains("policies"))
            && !["id", "arn", "name"].iter().any(|end| key.ends_with(end))
        {
            let what = self.later(path);
            self.add(path, held_by, What::Elsewhere(what));
        } else {
            self.values(value, unknown, path, held_by, depth + 1);
        }
    }

    fn text(&mut self, text: &str, path: &str, held_by: &BTreeSet<String>) {
        if !text.contains("\"Statement\"") {
            return;
        }
        let policy = serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
        let is_policy = policy.as_ref().map_or(true, |value| value.get("Statement").is_some());
        if is_policy {
            let document = Document {
                policy,
                opaque: Vec::new(),
                text: text.to_owned(),
                lines: Vec::new(),
            };
            self.add(path, held_by, What::Document(document));
        }
    }

    /// What is known only once the plan is applied.
    fn later(&mut self, path: &str) -> String {
        self.references.variable(
            &format!("{} of {}, known after apply", path, self.address),
            String::new(),
        )
    }

    fn add(&mut self, path: &str, held_by: &BTreeSet<String>, what: What) {
        let address = &self.address;
        self.items.push(Item {
            file: self.path.to_owned(),
            line: None,
            address: if path.is_empty() {
                address.clone()
            } else {
                format!("{address}.{path}")
            },
            in_folder: false,
            held_by: held_by.clone(),
            makers: Vec::new(),
            reads: None,
            what,
        });
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Array(all) => all.iter().any(is_true),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
    }
}

fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}
