//! What an expression refers to: resources, locals, variables.

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::visit::{Visit, visit_traversal};

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
