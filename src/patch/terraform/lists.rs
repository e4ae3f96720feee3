//! Lists as they are written, with or without a function around them, and the documents that they hand over.

use hcl_edit::expr::{Expression, FuncCall};
use hcl_edit::template::Element;

use super::path_of;
use crate::patch::tree::Taken;

/// The list that a call leaves as it is, but for its order and what stands twice.
///
/// (Terraform documentation, "Collection functions": `compact`, `distinct`, `flatten`, `sort`, `tolist`, `toset`.)
pub(super) fn listed(call: &FuncCall) -> Option<&Expression> {
    let leaves = ["compact", "distinct", "flatten", "sort", "tolist", "toset"];
    let mut arguments = call.args.iter();
    let list = arguments.next().filter(|_| leaves.contains(&call.name.name.as_str()))?;
    let Expression::Array(all) = list else { return None };
    let name = call.name.name.as_str();
    let is_one = |each: &Expression| match each {
        _ if name == "compact" => is_never_empty(each),
        Expression::String(_) | Expression::StringTemplate(_) | Expression::Object(_) => true,
        // One that is a list itself may be many.
        Expression::Traversal(_) | Expression::Conditional(_) => name != "flatten",
        _ => false,
    };
    (arguments.next().is_none() && all.iter().all(is_one)).then_some(list)
}

/// Whether `compact` leaves an element in its list, whatever it stands for.
fn is_never_empty(element: &Expression) -> bool {
    match element {
        Expression::String(text) => !text.is_empty(),
        Expression::StringTemplate(template) => {
            let mut parts = template.iter();
            parts.any(|part| matches!(part, Element::Literal(text) if !text.is_empty()))
        }
        Expression::Traversal(traversal) => {
            let (path, _) = path_of(traversal);
            let is_given = matches!(path.first(), Some(&("each" | "local" | "module" | "var")));
            !is_given && matches!(path.last(), Some(&("arn" | "json" | "minified_json")))
        }
        _ => false,
    }
}

/// The documents that an argument hands over.
pub(super) fn all_taken(value: &Expression) -> Vec<Taken> {
    let one = |value: &Expression| {
        let path = match value {
            Expression::Traversal(traversal) => taken(&path_of(traversal).0),
            _ => None,
        };
        path.unwrap_or_else(|| Taken::Other(value.to_string().trim().to_owned()))
    };
    match value {
        Expression::Array(array) => array.iter().map(one).collect(),
        Expression::FuncCall(call) => match listed(call) {
            Some(all) => all_taken(all),
            None => vec![one(value)],
        },
        Expression::Parenthesis(inner) => all_taken(inner.inner()),
        value => vec![one(value)],
    }
}

/// What a reference to a document names.
pub(super) fn taken(path: &[&str]) -> Option<Taken> {
    let address = match path {
        ["data", kind @ "aws_iam_policy_document", name, "json" | "minified_json"] => format!("data.{kind}.{name}"),
        ["local", name] => format!("local.{name}"),
        _ => return None,
    };
    Some(Taken::Address(address))
}
