//! Terraform's own account of what it made: `terraform show -json` of a state or a plan.

use serde_json::Value;

use super::instances::{Made, Makes};
use crate::patch::tree::Piece;

/// How deep modules stand in one another.
const DEPTH: usize = 32;

/// A resource with its address.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Resource {
    /// `module.a["x"].aws_iam_role_policy.app["y"]`
    address: String,
    /// The same without keys.
    plain: String,
    values: Value,
}

/// One state.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    resources: Vec<Resource>,
}

impl State {
    /// Reads what `terraform show -json` prints; `None` where it is something else.
    pub fn parse(text: &str) -> Option<State> {
        let value: Value = serde_json::from_str(text).ok()?;
        let of_state = value.pointer("/values/root_module");
        let of_plan = value.pointer("/planned_values/root_module");
        let root = of_state.or(of_plan);
        let is_empty_state = value.get("terraform_version").is_some() && value.get("format_version").is_some();
        let mut resources = Vec::new();
        match root {
            Some(root) => collect(root, 0, &mut resources),
            None if is_empty_state => {}
            None => return None,
        }
        Some(State { resources })
    }
}

fn collect(module: &Value, depth: usize, found: &mut Vec<Resource>) {
    if depth > DEPTH {
        return;
    }
    let list = |key: &str| module.get(key).and_then(Value::as_array).into_iter().flatten();
    for resource in list("resources") {
        if let Some(address) = resource.get("address").and_then(Value::as_str)
            && resource.get("mode").and_then(Value::as_str) != Some("data")
        {
            found.push(Resource {
                address: address.to_owned(),
                plain: plain(address),
                values: resource.get("values").cloned().unwrap_or_default(),
            });
        }
    }
    list("child_modules").for_each(|child| collect(child, depth + 1, found));
}

/// An address without what stands in brackets.
fn plain(address: &str) -> String {
    let mut out = String::new();
    let (mut in_brackets, mut in_string, mut escaped) = (false, false, false);
    for c in address.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' if in_brackets => in_string = !in_string,
            '[' if !in_string => in_brackets = true,
            ']' if !in_string => in_brackets = false,
            c if !in_brackets => out.push(c),
            _ => {}
        }
    }
    out
}

/// How many of the states know an address without keys.
pub(super) fn telling(states: &[State], plain: &str) -> usize {
    let knows = |state: &&State| state.resources.iter().any(|resource| resource.plain == plain);
    states.iter().filter(knows).count()
}

/// What the states know of an address without keys.
pub(super) fn resources<'s>(states: &'s [State], plain: &str) -> Vec<&'s Resource> {
    let all = states.iter().flat_map(|state| &state.resources);
    all.filter(|resource| resource.plain == plain).collect()
}

impl Resource {
    /// The policy that it is, like one that the files tell of.
    pub(super) fn made(&self, like: &Made) -> Made {
        let text = |key: &str| self.values.get(key).and_then(Value::as_str);
        let name = |text: &str| vec![Piece::Literal(text.rsplit('/').next().unwrap_or(text).to_owned())];
        let (policy, owner) = match like.makes {
            Makes::Inline("role") if text("role").is_none() => (like.policy.clone(), text("name").map(name)),
            Makes::Inline(kind) => (text("name").map(name).into_iter().collect(), text(kind).map(name)),
            Makes::Managed => (text("name").map(name).into_iter().collect(), None),
            Makes::PermissionSet | Makes::Elsewhere => (like.policy.clone(), None),
        };
        Made {
            address: self.address.clone(),
            policy,
            owner: owner.into_iter().collect(),
            path: match (like.makes, text("path")) {
                (Makes::Managed, Some(path)) => vec![vec![Piece::Literal(path.to_owned())]],
                _ => like.path.clone(),
            },
            // Those of the first of several: the state says more.
            tags: Vec::new(),
            unknown: None,
            is_optional: false,
            is_in_state: true,
            ..like.clone()
        }
    }
}
