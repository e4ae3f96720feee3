//! What a Terraform expression may be as a name, as far as that is written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use hcl_edit::expr::{Expression, ObjectKey, Traversal};
use hcl_edit::structure::Block;
use hcl_edit::template::Element;
use hcl_edit::visit::{Visit, visit_body, visit_traversal};

use super::instances::{Context, Each, contexts};
use super::project::{Project, labels, path_of};
use super::reads::module_path;
use crate::patch::tree::Piece;

/// A string whose references are open.
pub(in crate::patch) type Name = Vec<Piece>;

/// Tags, each with its value where that is written.
type Tags = BTreeMap<String, Option<String>>;

/// Most strings that are kept of one expression.
const MOST: usize = 16;
/// How far references are followed.
const DEPTH: usize = 12;

/// A reference that may be anything.
pub(super) fn open() -> Piece {
    Piece::Reference
}

/// What the provider adds to a `name_prefix`.
pub(super) fn suffix() -> Piece {
    Piece::Suffix
}

/// The one string that an expression is.
pub(super) fn literal(names: &[Name]) -> Option<String> {
    let [name] = names else { return None };
    name.iter()
        .map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            Piece::Reference | Piece::Suffix => None,
        })
        .collect()
}

/// What an expression may be, in one context of its module, for one of its block's keys.
pub(super) fn names(project: &Project<'_>, context: &Rc<Context>, each: &Each, expression: &Expression) -> Vec<Name> {
    Evaluation { project }.names(context, each, expression, 0)
}

/// What an expression may be in a folder, whoever calls it.
pub(in crate::patch) fn possible_names(
    project: &Project<'_>,
    dir: &std::path::Path,
    expression: &Expression,
) -> Vec<Name> {
    names(project, &Context::outside(dir), &Each::Any, expression)
}

/// The tags of who has an inline policy that a block makes, as far as all of them are written.
pub(super) fn owner_tags(
    project: &Project<'_>,
    context: &Rc<Context>,
    each: &Each,
    block: &Block,
) -> Vec<(String, String)> {
    let Some((owner, each)) = owner(project, context, each, block) else {
        return Vec::new();
    };
    let tags = owner.body.get_attribute("tags").map(|tags| &tags.value);
    let all = tags.and_then(|tags| Evaluation { project }.tags(context, &each, tags, 0));
    let written = all.into_iter().flatten().filter_map(|(key, value)| Some((key, value?)));
    written.collect()
}

/// The paths that a policy may have, or who has it where it is inline; none where nothing says so.
///
/// (AWS provider documentation, "Resource: aws_iam_policy", "Resource: aws_iam_role": `/` where none is written.)
pub(super) fn paths(
    project: &Project<'_>,
    context: &Rc<Context>,
    each: &Each,
    block: &Block,
    is_inline: bool,
) -> Vec<Name> {
    let found = match is_inline {
        true => owner(project, context, each, block),
        false => Some((block, each.clone())),
    };
    let Some((block, each)) = found else {
        return Vec::new();
    };
    match block.body.get_attribute("path") {
        Some(path) => names(project, context, &each, &path.value),
        None => vec![vec![Piece::Literal("/".to_owned())]],
    }
}

/// The block of who has an inline policy that a block makes, and which of those that it makes.
fn owner<'p>(
    project: &'p Project<'_>,
    context: &Rc<Context>,
    each: &Each,
    block: &'p Block,
) -> Option<(&'p Block, Each)> {
    let owner = ["role", "user"]
        .into_iter()
        .find_map(|key| block.body.get_attribute(key));
    match owner.map(|owner| &owner.value) {
        Some(Expression::Traversal(traversal)) => {
            let (path, indices) = path_of(traversal);
            match path[..] {
                [kind @ ("aws_iam_role" | "aws_iam_user"), name, ..] => {
                    Evaluation { project }.resource(context, each, &[kind, name], &indices, 0)
                }
                _ => None,
            }
        }
        Some(_) => None,
        // A role with the policy inside.
        None => (!block.body.has_attribute("group")).then(|| (block, each.clone())),
    }
}

/// Whether an expression takes the name of Terraform's workspace, itself or by a local or a module's argument.
pub(super) fn takes_workspace(project: &Project<'_>, context: &Rc<Context>, expression: &Expression) -> bool {
    struct Search<'s, 'a> {
        project: &'s Project<'a>,
        context: Rc<Context>,
        depth: usize,
        found: bool,
    }
    impl Visit for Search<'_, '_> {
        fn visit_traversal(&mut self, traversal: &Traversal) {
            self.found |= path_of(traversal).0 == ["terraform", "workspace"];
            let inner = Expression::Traversal(Box::new(traversal.clone()));
            if let Some((context, value)) = resolved(self.project, &self.context, &inner)
                && self.depth < DEPTH
            {
                let mut search = Search {
                    project: self.project,
                    context,
                    depth: self.depth + 1,
                    found: false,
                };
                search.visit_expr(&value);
                self.found |= search.found;
            }
            visit_traversal(self, traversal);
        }
    }
    let mut search = Search {
        project,
        context: context.clone(),
        depth: 0,
        found: false,
    };
    search.visit_expr(expression);
    search.found
}

/// Why a folder that nothing calls may be applied in several workspaces: something of it takes the workspace's name, or its
/// backend holds several.
///
/// (Terraform documentation, "Backend block, S3" and "Terraform Settings, cloud": `workspace_key_prefix`, `workspaces`.)
pub(super) fn workspaces(project: &Project<'_>, root: &Context) -> Option<String> {
    struct Search(bool);
    impl Visit for Search {
        fn visit_traversal(&mut self, traversal: &Traversal) {
            self.0 |= path_of(traversal).0 == ["terraform", "workspace"];
            visit_traversal(self, traversal);
        }
    }
    let module = project.modules.get(&root.dir)?;
    for (source, block) in &module.blocks {
        let mut search = Search(false);
        visit_body(&mut search, &block.body);
        let mut settings = block.body.blocks().filter(|_| block.has_ident("terraform"));
        let are_several = settings.any(|settings| {
            let many = |block: &Block| block.body.has_attribute("prefix") || block.body.has_attribute("tags");
            settings.body.has_attribute("workspace_key_prefix")
                || settings
                    .body
                    .blocks()
                    .any(|inner| inner.has_ident("workspaces") && many(inner))
        });
        if search.0 || are_several {
            return Some(format!(
                "{} tells workspaces apart, and how many there are is not written: give the state of each",
                source.path.display()
            ));
        }
    }
    None
}

/// The expression that a local or a module's argument stands for, and where it is written; `None` for all else, and
/// where it may be another.
pub(super) fn resolved(
    project: &Project<'_>,
    context: &Rc<Context>,
    expression: &Expression,
) -> Option<(Rc<Context>, Expression)> {
    let Expression::Traversal(traversal) = expression else {
        return None;
    };
    let (path, indices) = path_of(traversal);
    if !indices.is_empty() {
        return None;
    }
    let module = project.modules.get(&context.dir)?;
    match path[..] {
        ["local", name] => Some((context.clone(), module.local(name)?.clone())),
        ["var", name] if context.call.is_none() => {
            let value = given(project, context, name)?;
            Some((context.clone(), value.clone()))
        }
        ["var", name] => {
            let call = context.call.as_ref()?;
            let block = call_block(project, &call.parent.dir, &call.name)?;
            let argument = block.body.get_attribute(name)?;
            Some((call.parent.clone(), argument.value.clone()))
        }
        _ => None,
    }
}

/// What the environment gives to a variable of a folder that nothing calls.
fn given<'a>(project: &Project<'a>, context: &Context, name: &str) -> Option<&'a Expression> {
    let at = context.given.filter(|_| context.call.is_none())?;
    project.given.get(&context.dir)?.get(at)?.value(name)
}

fn call_block<'a>(project: &Project<'a>, dir: &PathBuf, name: &str) -> Option<&'a Block> {
    project.modules.get(dir)?.block("module", &[name])
}

struct Evaluation<'p, 'a> {
    project: &'p Project<'a>,
}

impl<'p> Evaluation<'p, '_> {
    fn names(&self, context: &Rc<Context>, each: &Each, expression: &Expression, depth: usize) -> Vec<Name> {
        let unknown = || vec![vec![open()]];
        if depth > DEPTH {
            return unknown();
        }
        let mut found = match expression {
            Expression::String(text) => vec![vec![Piece::Literal(text.to_string())]],
            Expression::Number(number) => vec![vec![Piece::Literal(number.value().to_string())]],
            Expression::Parenthesis(inner) => self.names(context, each, inner.inner(), depth + 1),
            Expression::StringTemplate(template) => {
                let parts = template.iter().map(|element| match element {
                    Element::Literal(text) => vec![vec![Piece::Literal(text.to_string())]],
                    Element::Interpolation(inner) => self.names(context, each, &inner.expr, depth + 1),
                    Element::Directive(_) => unknown(),
                });
                product(parts)
            }
            Expression::Conditional(choice) => {
                let mut all = self.names(context, each, &choice.true_expr, depth + 1);
                all.extend(self.names(context, each, &choice.false_expr, depth + 1));
                all
            }
            Expression::FuncCall(call) => {
                let arguments: Vec<&Expression> = call.args.iter().collect();
                match (call.name.name.as_str(), &arguments[..]) {
                    ("format", [Expression::String(form), rest @ ..]) => {
                        let rest: Vec<_> = rest
                            .iter()
                            .map(|argument| self.names(context, each, argument, depth + 1))
                            .collect();
                        formatted(form.as_str(), &rest).unwrap_or_else(unknown)
                    }
                    ("join", [Expression::String(between), Expression::Array(parts)]) => {
                        let mut all = Vec::new();
                        for part in parts.iter() {
                            if !all.is_empty() {
                                all.push(vec![vec![Piece::Literal(between.to_string())]]);
                            }
                            all.push(self.names(context, each, part, depth + 1));
                        }
                        product(all.into_iter())
                    }
                    ("coalesce" | "try", all) => all
                        .iter()
                        .flat_map(|argument| self.names(context, each, argument, depth + 1))
                        .collect(),
                    _ => unknown(),
                }
            }
            Expression::Traversal(traversal) => {
                let (path, indices) = path_of(traversal);
                self.reference(context, each, &path, &indices, depth + 1)
                    .unwrap_or_else(unknown)
            }
            _ => unknown(),
        };
        found.sort_by_key(|name| format!("{name:?}"));
        found.dedup();
        if found.len() > MOST || found.is_empty() {
            return unknown();
        }
        found
    }

    fn reference(
        &self,
        context: &Rc<Context>,
        each: &Each,
        path: &[&str],
        indices: &[&Expression],
        depth: usize,
    ) -> Option<Vec<Name>> {
        let module = self.project.modules.get(&context.dir)?;
        match (path, each) {
            (["path", "module"], _) => Some(vec![vec![Piece::Literal(module_path(&context.dir))]]),
            (["each", "key"] | ["count", "index"], Each::Key(key, _)) => Some(vec![vec![Piece::Literal(key.clone())]]),
            (["each", "value", rest @ ..], Each::Key(_, Some(value))) => {
                let mut value: &Expression = value;
                for name in rest {
                    value = attribute(value, name)?;
                }
                Some(self.names(context, &Each::One, value, depth))
            }
            (["local", name, rest @ ..], _) => {
                let mut value = module.local(name)?;
                for index in indices {
                    let key = literal(&self.names(context, each, index, depth))?;
                    value = attribute(value, &key)?;
                }
                for name in rest {
                    value = attribute(value, name)?;
                }
                Some(self.names(context, &Each::One, value, depth))
            }
            (["var", name, rest @ ..], _) => self.variable(context, name, rest, depth),
            ([kind, name, "name" | "id" | "arn"], _) if kind.starts_with("aws_iam_") => {
                let (block, key) = self.resource(context, each, &[kind, name], indices, depth)?;
                let mut all = Vec::new();
                for attribute in ["name", "name_prefix"] {
                    if let Some(value) = block.body.get_attribute(attribute) {
                        let mut names = self.names(context, &key, &value.value, depth);
                        if attribute == "name_prefix" {
                            names.iter_mut().for_each(|name| name.push(suffix()));
                        }
                        all.append(&mut names);
                    }
                }
                Some(all)
            }
            (["module", call, output], _) => {
                let dir = self.project.called(&context.dir, module.block("module", &[call])?)?;
                let callee = self.project.modules.get(&dir)?;
                let value = callee.block("output", &[output])?.body.get_attribute("value")?;
                let mut all = Vec::new();
                for inner in contexts(self.project, &dir) {
                    let is_this = inner
                        .call
                        .as_ref()
                        .is_some_and(|found| found.name == *call && found.parent.dir == context.dir);
                    if is_this {
                        all.extend(self.names(&inner, &Each::Any, &value.value, depth));
                    }
                }
                Some(all)
            }
            _ => None,
        }
    }

    /// The block of a resource, and which of those that it makes is meant.
    fn resource(
        &self,
        context: &Rc<Context>,
        each: &Each,
        labels: &[&str],
        indices: &[&Expression],
        depth: usize,
    ) -> Option<(&'p Block, Each)> {
        let block = self.project.modules.get(&context.dir)?.block("resource", labels)?;
        let key = match indices {
            [] => each.clone(),
            [index] => match literal(&self.names(context, each, index, depth)) {
                Some(key) => self.key_of(context, block, &key),
                None => Each::Any,
            },
            _ => Each::Any,
        };
        Some((block, key))
    }

    /// The tags that an expression gives, each with its value where that is written; `None` where it may give any.
    fn tags(&self, context: &Rc<Context>, each: &Each, expression: &Expression, depth: usize) -> Option<Tags> {
        if depth > DEPTH {
            return None;
        }
        match expression {
            Expression::Parenthesis(inner) => self.tags(context, each, inner.inner(), depth + 1),
            Expression::FuncCall(call) if call.name.name.as_str() == "merge" => {
                let mut all = Tags::new();
                for argument in call.args.iter() {
                    match self.tags(context, each, argument, depth + 1) {
                        Some(tags) => all.extend(tags),
                        // It may give others in the place of those before it.
                        None => all.clear(),
                    }
                }
                Some(all)
            }
            Expression::Object(object) => {
                let mut all = Tags::new();
                for (key, value) in object.iter() {
                    let key = match key {
                        ObjectKey::Ident(name) => name.as_str().to_owned(),
                        ObjectKey::Expression(key) => literal(&self.names(context, each, key, depth + 1))?,
                    };
                    all.insert(key, literal(&self.names(context, each, value.expr(), depth + 1)));
                }
                Some(all)
            }
            Expression::Traversal(_) => {
                let (context, value) = resolved(self.project, context, expression)?;
                self.tags(&context, &Each::One, &value, depth + 1)
            }
            _ => None,
        }
    }

    /// What the argument of a module, or the default of a variable, may be.
    fn variable(&self, context: &Rc<Context>, name: &str, rest: &[&str], depth: usize) -> Option<Vec<Name>> {
        let module = self.project.modules.get(&context.dir)?;
        let mut all = Vec::new();
        let mut push = |context: &Rc<Context>, each: &Each, value: &Expression| -> Option<()> {
            let mut value = value;
            for name in rest {
                value = attribute(value, name)?;
            }
            all.extend(self.names(context, each, value, depth));
            Some(())
        };
        let argument = context.call.as_ref().and_then(|call| {
            let block = call_block(self.project, &call.parent.dir, &call.name)?;
            Some((call, &block.body.get_attribute(name)?.value))
        });
        if let Some(value) = given(self.project, context, name) {
            push(context, &Each::One, value)?;
            return Some(all);
        }
        match argument {
            Some((call, value)) => push(&call.parent, &call.each, value)?,
            None => {
                let default = module
                    .block("variable", &[name])
                    .and_then(|block| block.body.get_attribute("default"));
                if let Some(default) = default {
                    push(context, &Each::One, &default.value);
                }
                // A root is also given values by files, flags and the environment.
                if context.call.is_none() {
                    all.push(vec![open()]);
                }
            }
        }
        Some(all)
    }

    /// The key of a block's `for_each`, with its value where that is written.
    fn key_of(&self, context: &Rc<Context>, block: &Block, key: &str) -> Each {
        let several = super::instances::several(self.project, context, block);
        let found = several
            .each
            .into_iter()
            .find(|each| matches!(each, Each::Key(known, _) if known == key));
        found.unwrap_or_else(|| {
            if labels(block).is_empty() {
                Each::Any
            } else {
                Each::Key(key.to_owned(), None)
            }
        })
    }
}

/// A member of an object that is written out.
fn attribute<'e>(value: &'e Expression, name: &str) -> Option<&'e Expression> {
    let Expression::Object(object) = value else {
        return None;
    };
    object.iter().find_map(|(key, value)| {
        let known = match key {
            ObjectKey::Ident(known) => known.as_str() == name,
            ObjectKey::Expression(Expression::String(known)) => known.as_str() == name,
            ObjectKey::Expression(_) => false,
        };
        known.then(|| value.expr())
    })
}

/// Every string that is one of each part in a row.
fn product(parts: impl Iterator<Item = Vec<Name>>) -> Vec<Name> {
    let mut all: Vec<Name> = vec![Vec::new()];
    for part in parts {
        if all.len() * part.len() > MOST * MOST {
            return vec![vec![open()]];
        }
        all = all
            .iter()
            .flat_map(|start| {
                part.iter().map(move |end| {
                    let mut name = start.clone();
                    for piece in end {
                        match (name.last_mut(), piece) {
                            (Some(Piece::Literal(text)), Piece::Literal(more)) => text.push_str(more),
                            _ => name.push(piece.clone()),
                        }
                    }
                    name
                })
            })
            .collect();
    }
    all
}

/// `format("%s-app", var.env)`; `None` for verbs other than `%s` and `%v`.
fn formatted(form: &str, arguments: &[Vec<Name>]) -> Option<Vec<Name>> {
    let mut parts = Vec::new();
    let mut arguments = arguments.iter();
    let mut rest = form;
    while let Some(at) = rest.find('%') {
        parts.push(vec![vec![Piece::Literal(rest[..at].to_owned())]]);
        if !rest[at..].starts_with("%s") && !rest[at..].starts_with("%v") {
            return None;
        }
        parts.push(arguments.next()?.clone());
        rest = &rest[at + 2..];
    }
    parts.push(vec![vec![Piece::Literal(rest.to_owned())]]);
    Some(product(parts.into_iter()))
}
