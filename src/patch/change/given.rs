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
    match body.get_attribute("inputs").map(|inputs| &inputs.value) {
        Some(Expression::Object(inputs)) => {
            for (key, value) in inputs.iter() {
                let key = match key {
                    ObjectKey::Ident(name) => name.as_str(),
                    ObjectKey::Expression(Expression::String(name)) => name.as_str(),
                    ObjectKey::Expression(_) => "",
                };
                let value = words(&value.expr().to_string());
                if all || may_matter(key, &value) {
                    given.push(format!("{key} = {value}"));
                }
            }
        }
        Some(other) => given.push(words(&other.to_string())),
        None => {}
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
