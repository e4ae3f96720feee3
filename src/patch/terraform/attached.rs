//! Attachments of managed policies: to whom, and what of a file goes with one.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;

use super::accounts;
use super::instances::{Each, contexts};
use super::project::{Project, labels, path_of};
use super::source::Source;
use super::value::{self, literal};
use super::{node, spot};
use crate::patch::shift;
use crate::patch::tree::Node;

/// How far a policy is followed to what makes it.
const DEPTH: usize = 8;

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
    /// Whom it is attached to, or why that is not known.
    pub(in crate::patch) owners: Result<Vec<Owners>, String>,
    /// The accounts that it can be of, where that is written.
    pub(in crate::patch) accounts: Option<BTreeSet<String>>,
    /// Whether it is attached to groups, too.
    pub(in crate::patch) has_groups: bool,
}

/// Those of one kind that a policy is attached to.
pub(in crate::patch) struct Owners {
    /// `role` or `user`.
    pub(in crate::patch) kind: &'static str,
    pub(in crate::patch) names: Vec<String>,
    /// The list that holds one name each; without one there is but one.
    pub(in crate::patch) list: Option<Node>,
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

/// Attributes of `aws_iam_policy_attachment`, each with the kind of those that it lists.
const LISTING: [(&str, &str); 2] = [("roles", "role"), ("users", "user")];

/// All attachments of a policy; those to groups as what cannot be told, as the answer names their members.
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
            let each = block.body.get_attribute("for_each").map(|each| &each.value);
            let written = match each {
                Some(Expression::FuncCall(call)) if is_of_each(written) && call.name.name.as_str() == "toset" => {
                    call.args.iter().next().unwrap_or(written)
                }
                _ => written,
            };
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
            let here = Here {
                project,
                dir,
                source,
                block,
            };
            let owners = match whom {
                "" if kind == "aws_iam_policy_attachment" => here.listed(),
                "" => Err(format!(
                    "{kind}.{name} attaches it to a group, whose members are not told"
                )),
                whom => here.owners(principal, whom),
            };
            found.push(Attached {
                source,
                address: format!("{kind}.{name}"),
                span,
                list,
                owners,
                accounts: accounts::of_all(project, dir, block),
                has_groups: block
                    .body
                    .get_attribute("groups")
                    .is_some_and(|all| !node(&all.value).elements().is_empty()),
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

/// A block that attaches.
struct Here<'h, 'a> {
    project: &'h Project<'a>,
    dir: &'h Path,
    source: &'h Source,
    block: &'h Block,
}

impl Here<'_, '_> {
    /// Whom it attaches to, by the one attribute that says so.
    fn owners(&self, kind: &'static str, key: &str) -> Result<Vec<Owners>, String> {
        let address = labels(self.block).join(".");
        let value = self.block.body.get_attribute(key).map(|attribute| &attribute.value);
        let is_each = value.is_some_and(is_of_each);
        if self.block.body.has_attribute("count") {
            return Err(format!("{address} makes several"));
        }
        if let Some(each) = self.block.body.get_attribute("for_each") {
            // One list, of which either the names or the policies are.
            let Expression::FuncCall(call) = &each.value else {
                return Err(format!("{address} makes several"));
            };
            let list = call.args.iter().next().filter(|_| call.name.name.as_str() == "toset");
            let list = list.filter(|list| matches!(list, Expression::Array(_)));
            let list = list.ok_or_else(|| format!("{address} makes several"))?;
            if is_each {
                return self.names_in(kind, list).map(|owners| vec![owners]);
            }
        }
        let name = value.and_then(|value| self.name(value).transpose()).transpose()?;
        let name = name.ok_or_else(|| format!("whom {address} attaches it to is not written"))?;
        Ok(vec![Owners {
            kind,
            names: vec![name],
            list: None,
        }])
    }

    /// Whom an `aws_iam_policy_attachment` attaches to.
    fn listed(&self) -> Result<Vec<Owners>, String> {
        let address = labels(self.block).join(".");
        if self.block.body.has_attribute("count") || self.block.body.has_attribute("for_each") {
            return Err(format!("{address} makes several"));
        }
        let written = LISTING.iter().filter_map(|(key, kind)| {
            let list = &self.block.body.get_attribute(key)?.value;
            Some(self.names_in(kind, list))
        });
        written.collect()
    }

    fn names_in(&self, kind: &'static str, list: &Expression) -> Result<Owners, String> {
        let unwritten = || format!("whom {} attaches it to is not written", labels(self.block).join("."));
        let Expression::Array(all) = list else {
            return Err(unwritten());
        };
        let names = all.iter().map(|each| self.name(each)?.ok_or_else(unwritten));
        let names = names.collect::<Result<Vec<String>, String>>()?;
        let mut list = node(list);
        shift(&mut list, self.source.offset);
        Ok(Owners {
            kind,
            names,
            list: Some(list),
        })
    }

    /// The one name that an expression says, where the block stands for one place.
    fn name(&self, expression: &Expression) -> Result<Option<String>, String> {
        let all = contexts(self.project, self.dir);
        let [context] = &all[..] else {
            return Err(format!("{} is applied in several ways", self.dir.display()));
        };
        let many = context
            .unknown
            .clone()
            .or_else(|| value::workspaces(self.project, context.root()));
        match many {
            Some(why) => Err(why),
            None => Ok(literal(&value::names(self.project, context, &Each::One, expression))),
        }
    }
}

/// Whether an expression is the key of its block's `for_each`.
fn is_of_each(expression: &Expression) -> bool {
    let Expression::Traversal(traversal) = expression else {
        return false;
    };
    traversal.operators.len() == 1 && matches!(path_of(traversal).0[..], ["each", "key" | "value"])
}

/// The resources that may make the managed policy that an expression names, each with its folder; none where that is not told.
pub(in crate::patch) fn makers(project: &Project<'_>, dir: &Path, expression: &Expression) -> Vec<(PathBuf, String)> {
    made_by(project, dir, expression, 0).unwrap_or_default()
}

fn made_by(project: &Project<'_>, dir: &Path, expression: &Expression, depth: usize) -> Option<Vec<(PathBuf, String)>> {
    let Expression::Traversal(traversal) = expression else {
        return called(project, dir, expression);
    };
    let module = project.modules.get(dir).filter(|_| depth < DEPTH)?;
    let (path, indices) = path_of(traversal);
    match path[..] {
        ["aws_iam_policy", name, "arn" | "id"] => Some(vec![(dir.to_owned(), name.to_owned())]),
        ["data", "aws_iam_policy", name, "arn" | "id"] => {
            let body = &module.block("data", &["aws_iam_policy", name])?.body;
            let named = ["arn", "name"].into_iter().find_map(|key| body.get_attribute(key));
            called(project, dir, &named?.value)
        }
        ["local", name] if indices.is_empty() => made_by(project, dir, module.local(name)?, depth + 1),
        ["module", call, output] => {
            let callee = project.called(dir, module.block("module", &[call])?)?;
            let block = project.modules.get(&callee)?.block("output", &[output])?;
            made_by(project, &callee, &block.body.get_attribute("value")?.value, depth + 1)
        }
        _ => called(project, dir, expression),
    }
}

/// Those whose policy has the name that an expression says, by itself or in an ARN. (Within an account, and to attach it one
/// has to be in it, a name is one policy's: IAM user guide, "IAM and STS quotas", names are unique within an account.)
fn called(project: &Project<'_>, dir: &Path, expression: &Expression) -> Option<Vec<(PathBuf, String)>> {
    let said = literal(&value::possible_names(project, dir, expression))?;
    let name = said.rsplit('/').next()?;
    let mut found = Vec::new();
    for (dir, module) in &project.modules {
        for (_, block) in module.of_kind("resource") {
            let ["aws_iam_policy", label] = labels(block)[..] else {
                continue;
            };
            let own = block.body.get_attribute("name");
            let own = own.and_then(|own| literal(&value::possible_names(project, dir, &own.value)));
            if own.as_deref() == Some(name) {
                found.push((dir.clone(), label.to_owned()));
            }
        }
    }
    Some(found)
}
