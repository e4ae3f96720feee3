//! What a file of Terragrunt makes by a module that stands elsewhere.
//!
//! (Terragrunt documentation, "Configuration blocks and attributes", `terraform` and `inputs`.)

use std::path::Path;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Body;

use super::definitions::words;
use super::node::line_of;
use super::read::{Item, What, unreadable};
use super::references::References;
use super::terraform::{grants_by_name, may_matter};

pub(super) fn items(path: &Path, text: &str, references: &mut References) -> Vec<Item> {
    let Ok(body) = text.parse::<Body>() else {
        return Vec::new();
    };
    let terraform = body.blocks().find(|block| block.has_ident("terraform"));
    let Some(source) = terraform.and_then(|block| block.body.get_attribute("source")) else {
        return Vec::new();
    };
    let source = words(&source.value.to_string());
    let here = [
        "\".",
        "get_repo_root",
        "get_terragrunt_dir",
        "get_parent_terragrunt_dir",
        "path_relative",
    ];
    if here.iter().any(|start| source.contains(start)) && !source.contains("::") {
        return Vec::new();
    }
    let all = grants_by_name(&source);
    let mut given = Vec::new();
    match inputs(&body) {
        Some(inputs) => {
            let matters = inputs.into_iter().filter(|(key, value)| all || may_matter(key, value));
            given.extend(matters.map(|(key, value)| format!("{key} = {value}")));
        }
        None => given.extend(
            body.get_attribute("inputs")
                .map(|inputs| words(&inputs.value.to_string())),
        ),
    }
    given.sort();
    let what = references.variable(&source, given.join("\n"));
    vec![Item {
        line: Some(line_of(text, 0)),
        address: "terraform.source".to_owned(),
        what: What::Elsewhere(format!("what the module {what} makes of its inputs")),
        ..unreadable(path, "")
    }]
}

/// What a file of Terragrunt hands to its module, by argument; `None` where that is not written as a map.
pub(super) fn inputs(body: &Body) -> Option<Vec<(&str, String)>> {
    let Expression::Object(inputs) = &body.get_attribute("inputs")?.value else {
        return None;
    };
    let each = inputs.iter().map(|(key, value)| {
        let key = match key {
            ObjectKey::Ident(name) => name.as_str(),
            ObjectKey::Expression(Expression::String(name)) => name.as_str(),
            ObjectKey::Expression(_) => "",
        };
        (key, words(&value.expr().to_string()))
    });
    Some(each.collect())
}
