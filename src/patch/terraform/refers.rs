//! What an expression refers to: resources, locals, variables, and files that it reads.

use std::collections::BTreeSet;
use std::path::Path;

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::visit::{Visit, visit_expr, visit_traversal};

use super::project::normal;

/// `aws_iam_role.app["a"].name` as `["aws_iam_role", "app", "name"]`, and the expressions in brackets.
pub(in crate::patch) fn path_of(traversal: &Traversal) -> (Vec<&str>, Vec<&Expression>) {
    let mut path = Vec::new();
    let mut indices = Vec::new();
    if let Expression::Variable(first) = &traversal.expr {
        path.push(first.as_str());
    }
    for operator in &traversal.operators {
        match operator.value() {
            TraversalOperator::GetAttr(name) => path.push(name.as_str()),
            TraversalOperator::Index(index) => indices.push(index),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) | TraversalOperator::LegacyIndex(_) => {}
        }
    }
    (path, indices)
}

/// Whether an expression refers to what `path` names, or to a part of it.
pub(super) fn refers(expression: &Expression, path: &[String]) -> bool {
    struct Search<'s> {
        path: &'s [String],
        found: bool,
    }
    impl Visit for Search<'_> {
        fn visit_traversal(&mut self, traversal: &Traversal) {
            let (path, _) = path_of(traversal);
            self.found |= path.len() >= self.path.len() && path.iter().zip(self.path).all(|(a, b)| a == b);
            visit_traversal(self, traversal);
        }
    }
    let mut search = Search { path, found: false };
    search.visit_expr(expression);
    search.found
}

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::patch) enum Reading {
    /// As it is: `file`.
    Plain,
    /// Its `${…}` filled in: `templatefile`.
    Template,
}

/// The ways in which a file is read: `file("${path.module}/app.json")`.
pub(super) struct Reads<'s> {
    dir: &'s Path,
    path: &'s Path,
    pub(super) found: BTreeSet<Reading>,
}

impl<'s> Reads<'s> {
    pub(super) fn of(dir: &'s Path, path: &'s Path) -> Reads<'s> {
        let found = BTreeSet::new();
        Reads { dir, path, found }
    }
}

impl Visit for Reads<'_> {
    fn visit_expr(&mut self, expression: &Expression) {
        if let Expression::FuncCall(call) = expression
            && let reading @ ("file" | "templatefile") = call.name.name.as_str()
            && let Some(name) = call.args.iter().next().and_then(file_name)
            && (normal(&self.dir.join(&name)) == self.path || self.path.ends_with(normal(Path::new(&name))))
        {
            self.found.insert(match reading {
                "file" => Reading::Plain,
                _ => Reading::Template,
            });
        }
        visit_expr(self, expression);
    }
}

/// Whether an expression reads a file.
pub(super) fn reads(expression: &Expression, dir: &Path, path: &Path) -> bool {
    let mut search = Reads::of(dir, path);
    search.visit_expr(expression);
    !search.found.is_empty()
}

/// A path in a string, `${path.module}/` before it left out.
pub(super) fn file_name(expression: &Expression) -> Option<String> {
    use hcl_edit::template::Element;
    match expression {
        Expression::String(name) => Some(name.to_string()),
        Expression::StringTemplate(template) => {
            let mut name = String::new();
            for element in template {
                match element {
                    Element::Literal(text) => name.push_str(text),
                    Element::Interpolation(_) if name.is_empty() => {}
                    Element::Interpolation(_) | Element::Directive(_) => return None,
                }
            }
            Some(name.trim_start_matches('/').to_owned())
        }
        _ => None,
    }
}
