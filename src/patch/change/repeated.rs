//! A block that `for_each` repeats, as the blocks that it stands for.

use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Body;
use hcl_edit::visit_mut::{VisitMut, visit_expr_mut};

use super::definitions::words;
use crate::patch::terraform::path_of;

/// What a block is for each key of its `for_each`, as far as all of them are written: one that goes leaves the others as they
/// were.
pub(super) fn each_of(body: &Body) -> Option<Vec<(String, Body)>> {
    struct Put<'p> {
        key: &'p Expression,
        value: &'p Expression,
        is_open: bool,
    }
    impl VisitMut for Put<'_> {
        fn visit_expr_mut(&mut self, expression: &mut Expression) {
            let Expression::Traversal(traversal) = &*expression else {
                return visit_expr_mut(self, expression);
            };
            let found = match (&path_of(traversal).0[..], traversal.operators.len()) {
                (["each", "key"], 1) => self.key,
                (["each", "value"], 1) => self.value,
                (["each", ..], _) => {
                    self.is_open = true;
                    return;
                }
                _ => return visit_expr_mut(self, expression),
            };
            *expression = found.clone();
        }
    }
    let written = &body.get_attribute("for_each")?.value;
    let all: Vec<(Expression, &Expression)> = match written {
        Expression::FuncCall(call) if call.name.name.as_str() == "toset" => match call.args.iter().next()? {
            Expression::Array(all) => all.iter().map(|each| (each.clone(), each)).collect(),
            _ => return None,
        },
        Expression::Object(object) => {
            let each = object.iter().map(|(key, value)| match key {
                ObjectKey::Ident(name) => (Expression::from(name.as_str()), value.expr()),
                ObjectKey::Expression(key) => (key.clone(), value.expr()),
            });
            each.collect()
        }
        _ => return None,
    };
    let mut bodies = Vec::new();
    for (key, value) in all {
        let mut own = body.clone();
        own.remove_attribute("for_each");
        let mut put = Put {
            key: &key,
            value,
            is_open: false,
        };
        put.visit_body_mut(&mut own);
        if put.is_open || !matches!(key, Expression::String(_) | Expression::Traversal(_)) {
            return None;
        }
        bodies.push((words(&key.to_string()), own));
    }
    Some(bodies)
}
