//! Attachments of managed policies: to whom, and what of a file goes with one.

use std::ops::Range;
use std::path::Path;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;

use super::instances::{Each, contexts};
use super::project::{Project, Source, labels, path_of};
use super::value::{self, literal};
use super::{node, spot};
use crate::patch::shift;
use crate::patch::tree::Node;

/// A managed policy, as attachments name it.
#[derive(Clone, Copy, Debug)]
pub(in crate::patch) struct Policy<'p> {
    pub(in crate::patch) arn: &'p str,
    /// The folder and the name of the resource that makes it.
    pub(in crate::patch) made: Option<(&'p Path, &'p str)>,
}

impl<'p> Policy<'p> {
    /// One that is named by its ARN alone.
    pub(in crate::patch) fn of(arn: &'p str) -> Policy<'p> {
        Policy { arn, made: None }
    }
}

/// One attachment.
pub(in crate::patch) struct Attached<'a> {
    pub(in crate::patch) source: &'a Source,
    /// `aws_iam_role_policy_attachment.app`
    pub(in crate::patch) address: String,
    /// The block, or the list that names the policy among others.
    pub(in crate::patch) span: Range<usize>,
    pub(in crate::patch) list: Option<(Node, Vec<bool>)>,
    /// `role` or `user`, and what it is called, or why that is not known.
    pub(in crate::patch) owner: (&'static str, Result<String, String>),
}

/// What attaches a policy: the kind of resource, what names the policy, what names whom, and what kind of principal that is.
const ATTACHING: [(&str, &str, &str, &str); 5] = [
    ("aws_iam_role_policy_attachment", "policy_arn", "role", "role"),
    ("aws_iam_user_policy_attachment", "policy_arn", "user", "user"),
    ("aws_iam_role", "managed_policy_arns", "name", "role"),
    (
        "aws_iam_role_policy_attachments_exclusive",
        "policy_arns",
        "role_name",
        "role",
    ),
    (
        "aws_iam_user_policy_attachments_exclusive",
        "policy_arns",
        "user_name",
        "user",
    ),
];

/// All attachments of a policy to one role or user each; those to groups, and of several at once, as what cannot be told.
pub(in crate::patch) fn attachments<'a>(project: &Project<'a>, policy: Policy<'_>) -> Vec<Attached<'a>> {
    let mut found = Vec::new();
    for (dir, module) in &project.modules {
        for (source, block) in module.of_kind("resource") {
            let [kind, name] = labels(block)[..] else { continue };
            let known = ATTACHING.iter().find(|(known, ..)| *known == kind);
            let others = ("", "policy_arn", "", "principal");
            let is_other = kind.starts_with("aws_iam_") && kind.ends_with("_attachment");
            let Some(&(_, key, whom, principal)) = known.or(is_other.then_some(&others)) else {
                continue;
            };
            let Some(written) = block.body.get_attribute(key).map(|attribute| &attribute.value) else {
                continue;
            };
            let is_it = |expression: &Expression| names(project, dir, expression, policy);
            let (span, list) = match written {
                Expression::Array(array) if array.iter().any(is_it) => {
                    let goes = array.iter().map(is_it).collect();
                    let mut list = node(written);
                    shift(&mut list, source.offset);
                    (list.span.clone(), Some((list, goes)))
                }
                one if is_it(one) => (spot_of(source, block), None),
                _ => continue,
            };
            let owner = match whom {
                _ if source.native.is_some() => Err(format!("{kind}.{name} stands in Terraform's JSON")),
                "" => Err(format!("{kind}.{name} attaches it to a group, or to several")),
                whom => one_name(project, dir, block, whom),
            };
            found.push(Attached {
                source,
                address: format!("{kind}.{name}"),
                span,
                list,
                owner: (principal, owner),
            });
        }
    }
    found
}

fn spot_of(source: &Source, block: &Block) -> Range<usize> {
    let span = block.span().unwrap_or_else(|| spot(block));
    span.start + source.offset..span.end + source.offset
}

/// Whether an expression names a policy.
fn names(project: &Project<'_>, dir: &Path, expression: &Expression, policy: Policy<'_>) -> bool {
    if let (Expression::Traversal(traversal), Some((home, name))) = (expression, policy.made) {
        let (path, indices) = path_of(traversal);
        if indices.is_empty()
            && home == dir
            && (path == ["aws_iam_policy", name, "arn"] || path == ["aws_iam_policy", name, "id"])
        {
            return true;
        }
    }
    literal(&value::possible_names(project, dir, expression)).is_some_and(|arn| arn == policy.arn)
}

/// The one name that an attribute of a block says, where the block makes one thing in one place.
fn one_name(project: &Project<'_>, dir: &Path, block: &Block, key: &str) -> Result<String, String> {
    let address = labels(block).join(".");
    if block.body.has_attribute("count") || block.body.has_attribute("for_each") {
        return Err(format!("{address} makes several"));
    }
    let all = contexts(project, dir);
    let [context] = &all[..] else {
        return Err(format!("{} is applied in several ways", dir.display()));
    };
    let many = context
        .unknown
        .clone()
        .or_else(|| value::workspaces(project, context.root()));
    if let Some(why) = many {
        return Err(why);
    }
    let attribute = block.body.get_attribute(key);
    let found = attribute.and_then(|attribute| literal(&value::names(project, context, &Each::One, &attribute.value)));
    found.ok_or_else(|| format!("whom {address} attaches it to is not written"))
}
