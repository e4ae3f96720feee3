//! Documents that are handed on in a map, one for each key of a `for_each`, and policies in a `dynamic` block.

use std::path::Path;

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Block;

use super::project::{Project, labels};
use super::refers::{path_of, refers};

/// The keys of a resource's `for_each` whose entries are a document that `origin` names, where the policy of each is its entry
/// (`policy = each.value`) and all keys are written.
pub(super) fn keys(project: &Project<'_>, dir: &Path, block: &Block, origin: Option<&[String]>) -> Option<Vec<String>> {
    let get = |key: &str| block.body.get_attribute(key).map(|attribute| &attribute.value);
    let Expression::Traversal(policy) = get("policy").or(get("inline_policy"))? else {
        return None;
    };
    let (path, indices) = path_of(policy);
    let (["each", "value", rest @ ..], []) = (&path[..], &indices[..]) else {
        return None;
    };
    let object = match get("for_each")? {
        Expression::Traversal(local) => match (&path_of(local).0[..], &path_of(local).1[..]) {
            (["local", name], []) => project.modules.get(dir)?.local(name)?,
            _ => return None,
        },
        written => written,
    };
    let Expression::Object(entries) = object else {
        return None;
    };
    let origin = origin?;
    let mut found = Vec::new();
    for (key, value) in entries.iter() {
        let key = match key {
            ObjectKey::Ident(name) => name.as_str().to_owned(),
            ObjectKey::Expression(Expression::String(name)) => name.to_string(),
            ObjectKey::Expression(_) => return None,
        };
        let mut value = value.expr();
        for name in rest {
            value = member(value, name)?;
        }
        if refers(value, origin) {
            found.push(key);
        }
    }
    (!found.is_empty()).then_some(found)
}

/// A member of an object that is written out.
fn member<'e>(value: &'e Expression, name: &str) -> Option<&'e Expression> {
    let Expression::Object(object) = value else {
        return None;
    };
    let mut members = object.iter();
    let found = members.find(|(key, _)| matches!(key, ObjectKey::Ident(known) if known.as_str() == name));
    found.map(|(_, value)| value.expr())
}

/// What a role's block `dynamic "inline_policy"` repeats, where it is one policy at most: it has one name.
pub(super) fn inline<'b>(kind: &str, block: &'b Block) -> Option<&'b Block> {
    let is_it = kind == "aws_iam_role" && block.has_ident("dynamic") && labels(block) == ["inline_policy"];
    let mut contents = block.body.blocks().filter(|inner| is_it && inner.has_ident("content"));
    let content = contents.next().filter(|content| {
        let name = content.body.get_attribute("name").map(|name| &name.value);
        matches!(name, Some(Expression::String(_)))
    });
    content.filter(|_| contents.next().is_none())
}
