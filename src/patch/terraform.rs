//! Policy documents in Terraform: `jsonencode`, heredocs, and the data source `aws_iam_policy_document`.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use hcl_edit::template::Element;
use serde_json::{Number, Value};

use super::json;
use super::tree::{Document, Kind, Member, Node, Piece, Syntax};

mod instances;
mod project;
mod state;
mod value;

pub(super) use instances::{Made, Makes};
pub(super) use project::{Project, Source, Stands, file_name, folder, labels, normal, path_of};
pub use state::State;
pub(super) use value::Name;

/// How deep brackets may stand in one another: what the parser fails on takes it twice as long with each of them.
pub(super) const DEPTH: usize = 16;

/// The policy documents of a Terraform file; none where it does not parse.
pub(super) fn documents(text: &str, names: &[String]) -> Vec<Document> {
    if depth(text) > DEPTH {
        return Vec::new();
    }
    let Ok(body) = text.parse::<Body>() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    in_body(text, &body, names, &mut found);
    found
}

/// How many brackets are open at most, those in strings apart.
pub(super) fn depth(text: &str) -> usize {
    let (mut open, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'\n' => in_string = false,
            b'{' | b'[' | b'(' if !in_string => open += 1,
            b'}' | b']' | b')' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

fn in_body(text: &str, body: &Body, names: &[String], found: &mut Vec<Document>) {
    let mut around = names.to_vec();
    around.extend(body.attributes().filter_map(|attribute| match &attribute.value {
        Expression::String(name) => Some(name.to_string()),
        _ => None,
    }));
    for structure in body.iter() {
        match structure {
            Structure::Attribute(attribute) => in_expression(text, &attribute.value, &around, found),
            Structure::Block(block) => {
                let mut inner = around.clone();
                inner.extend(block.labels.iter().map(|label| label.as_str().to_owned()));
                let is_document = block.has_ident("data")
                    && block
                        .labels
                        .first()
                        .is_some_and(|label| label.as_str() == "aws_iam_policy_document");
                if is_document {
                    found.extend(data_source(block, &inner));
                } else {
                    in_body(text, &block.body, &inner, found);
                }
            }
        }
    }
}

fn in_expression(text: &str, expression: &Expression, names: &[String], found: &mut Vec<Document>) {
    match expression {
        Expression::HeredocTemplate(heredoc) => {
            let Some(span) = heredoc.span() else {
                return;
            };
            // Between the line of `<<EOF` and the line of `EOF`.
            let written = &text[span.clone()];
            let (Some(first), Some(last)) = (written.find('\n'), written.trim_end().rfind('\n')) else {
                return;
            };
            if first < last {
                let start = span.start + first + 1;
                found.extend(json::documents(
                    &text[start..span.start + last],
                    start,
                    Syntax::Heredoc,
                    names,
                ));
            }
        }
        Expression::FuncCall(call) => {
            for argument in call.args.iter() {
                if call.name.name.as_str() == "jsonencode" {
                    json::search(&node(argument), Syntax::Hcl, names, found);
                } else {
                    in_expression(text, argument, names, found);
                }
            }
        }
        Expression::Object(object) => object
            .iter()
            .for_each(|(_, value)| in_expression(text, value.expr(), names, found)),
        Expression::Array(array) => array.iter().for_each(|each| in_expression(text, each, names, found)),
        Expression::Parenthesis(inner) => in_expression(text, inner.inner(), names, found),
        Expression::Conditional(choice) => {
            in_expression(text, &choice.true_expr, names, found);
            in_expression(text, &choice.false_expr, names, found);
        }
        Expression::Null(_)
        | Expression::Bool(_)
        | Expression::Number(_)
        | Expression::String(_)
        | Expression::StringTemplate(_)
        | Expression::Variable(_)
        | Expression::Traversal(_)
        | Expression::UnaryOp(_)
        | Expression::BinaryOp(_)
        | Expression::ForExpr(_) => {}
    }
}

pub(super) fn spot(spanned: &impl Span) -> Range<usize> {
    spanned.span().unwrap_or(0..0)
}

pub(super) fn node(expression: &Expression) -> Node {
    let kind = match expression {
        Expression::Null(_) => Kind::Plain(Value::Null),
        Expression::Bool(value) => Kind::Plain(Value::Bool(*value.value())),
        Expression::Number(value) => Kind::Plain(
            value
                .value()
                .as_i64()
                .map(Number::from)
                .or_else(|| Number::from_f64(value.value().as_f64().unwrap_or(f64::NAN)))
                .map_or(Value::Null, Value::Number),
        ),
        Expression::String(text) => Kind::Text(vec![Piece::Literal(text.to_string())]),
        Expression::StringTemplate(template) => Kind::Text(template.iter().map(piece).collect()),
        Expression::Array(array) => Kind::List(array.iter().map(node).collect()),
        Expression::Object(object) => {
            let members = object.iter().map(|(key, value)| {
                let (name, name_span) = match key {
                    ObjectKey::Ident(ident) => (Some(ident.as_str().to_owned()), spot(ident)),
                    ObjectKey::Expression(key) => (node(key).literal(), spot(key)),
                };
                Some(Member {
                    name: name?,
                    name_span,
                    value: node(value.expr()),
                })
            });
            // A key that is computed may be any.
            members
                .collect::<Option<Vec<Member>>>()
                .map_or(Kind::Unknown, Kind::Map)
        }
        Expression::Parenthesis(inner) => return node(inner.inner()),
        Expression::HeredocTemplate(_)
        | Expression::Variable(_)
        | Expression::Conditional(_)
        | Expression::FuncCall(_)
        | Expression::Traversal(_)
        | Expression::UnaryOp(_)
        | Expression::BinaryOp(_)
        | Expression::ForExpr(_) => Kind::Unknown,
    };
    Node {
        span: spot(expression),
        kind,
    }
}

fn piece(element: &Element) -> Piece {
    match element {
        Element::Literal(text) => Piece::Literal(text.to_string()),
        Element::Interpolation(_) | Element::Directive(_) => Piece::Reference,
    }
}

/// An `aws_iam_policy_document` as the document that it renders; `None` where it says who, as trust policies do. One that
/// merges others or repeats blocks is left alone, and says so.
///
/// (AWS provider documentation, "Data Source: aws_iam_policy_document": version and effect have defaults, `&{` is
/// written for `${`.)
fn data_source(block: &Block, names: &[String]) -> Option<Document> {
    let is_trust = |inner: &Block| inner.body.has_blocks("principals") || inner.body.has_blocks("not_principals");
    let mut statements = block.body.blocks().filter(|inner| inner.has_ident("statement"));
    (!statements.any(is_trust)).then(|| whole_data_source(block, names))
}

/// The same, also of one that says who.
pub(super) fn whole_data_source(block: &Block, names: &[String]) -> Document {
    let nowhere = spot(block).start..spot(block).start;
    let text = |text: &str| Node {
        span: nowhere.clone(),
        kind: Kind::Text(vec![Piece::Literal(text.to_owned())]),
    };
    let member = |name: &str, value: Node| Member {
        name: name.to_owned(),
        name_span: value.span.clone(),
        value,
    };
    let mut members = Vec::new();
    let mut statements = Vec::new();
    let mut left: Option<String> = None;
    for structure in block.body.iter() {
        match structure {
            Structure::Attribute(attribute) => match attribute.key.as_str() {
                "count" | "depends_on" | "for_each" | "provider" => {}
                "version" => members.push(member("Version", node(&attribute.value))),
                "policy_id" => members.push(member("Id", node(&attribute.value))),
                other => drop(left.get_or_insert(format!("it has `{other}`"))),
            },
            Structure::Block(inner) if inner.has_ident("lifecycle") => {}
            Structure::Block(inner) if inner.has_ident("statement") => match statement(inner) {
                Some(statement) => statements.push(statement),
                None => drop(left.get_or_insert("a statement holds more than lists and conditions".to_owned())),
            },
            Structure::Block(inner) => {
                let labels: Vec<&str> = inner.labels.iter().map(|label| label.as_str()).collect();
                let name = format!("{} {}", inner.ident.as_str(), labels.join(" "));
                left.get_or_insert(format!("it has `{}`", name.trim_end()));
            }
        }
    }
    if members.iter().all(|member| member.name != "Version") {
        members.push(member("Version", text("2012-10-17")));
    }
    let span = spot(&block.body);
    members.push(member(
        "Statement",
        Node {
            span: span.clone(),
            kind: Kind::List(statements),
        },
    ));
    Document {
        syntax: Syntax::DataSource,
        root: Node {
            span,
            kind: Kind::Map(members),
        },
        names: names.to_vec(),
        patterns: Vec::new(),
        policy: None,
        left,
    }
}

/// The name in a policy of an attribute of a `statement` block.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("actions", "Action"),
    ("effect", "Effect"),
    ("not_actions", "NotAction"),
    ("not_resources", "NotResource"),
    ("resources", "Resource"),
    ("sid", "Sid"),
];

fn statement(block: &Block) -> Option<Node> {
    let span = spot(block);
    let mut members = Vec::new();
    let mut conditions: Vec<Member> = Vec::new();
    for structure in block.body.iter() {
        match structure {
            Structure::Attribute(attribute) => {
                let name = named(attribute)?;
                let value = aws_variables(node(&attribute.value));
                // An empty Sid is no Sid.
                if name != "Sid" || value.literal().is_none_or(|sid| !sid.is_empty()) {
                    members.push(Member {
                        name: name.to_owned(),
                        name_span: spot(&attribute.key),
                        value,
                    });
                }
            }
            Structure::Block(condition) if condition.has_ident("condition") => {
                add_condition(condition, &mut conditions)?
            }
            Structure::Block(who) if who.has_ident("principals") => add_principals("Principal", who, &mut members)?,
            Structure::Block(who) if who.has_ident("not_principals") => {
                add_principals("NotPrincipal", who, &mut members)?;
            }
            Structure::Block(_) => return None,
        }
    }
    if members.iter().all(|member| member.name != "Effect") {
        members.push(Member {
            name: "Effect".to_owned(),
            name_span: span.start..span.start,
            value: Node {
                span: span.start..span.start,
                kind: Kind::Text(vec![Piece::Literal("Allow".to_owned())]),
            },
        });
    }
    if !conditions.is_empty() {
        members.push(Member {
            name: "Condition".to_owned(),
            name_span: span.clone(),
            value: Node {
                span: span.clone(),
                kind: Kind::Map(conditions),
            },
        });
    }
    Some(Node {
        span,
        kind: Kind::Map(members),
    })
}

/// A block `principals`, as the element that it becomes; `None` where its type is no literal.
///
/// (AWS provider documentation, "Data Source: aws_iam_policy_document": of type `*` it renders `"*"`.)
fn add_principals(element: &str, block: &Block, members: &mut Vec<Member>) -> Option<()> {
    let get = |key: &str| block.body.get_attribute(key).map(|attribute| &attribute.value);
    let (kind, who) = (node(get("type")?).literal()?, aws_variables(node(get("identifiers")?)));
    let span = spot(block);
    if kind == "*" {
        let everybody = who.elements().iter().all(|each| each.literal().as_deref() == Some("*"));
        let is_first = members.iter().all(|member| member.name != element);
        (everybody && is_first).then_some(())?;
        members.push(Member {
            name: element.to_owned(),
            name_span: span.clone(),
            value: Node {
                span,
                kind: Kind::Text(vec![Piece::Literal("*".to_owned())]),
            },
        });
        return Some(());
    }
    let one = Member {
        name: kind,
        name_span: span.clone(),
        value: who,
    };
    let known = members.iter_mut().find(|member| member.name == element);
    match known.map(|member| &mut member.value.kind) {
        // Two blocks of one type are one list.
        Some(Kind::Map(kinds)) => match kinds.iter_mut().find(|known| known.name == one.name) {
            Some(known) => {
                let mut all = known.value.elements().to_vec();
                all.extend(one.value.elements().iter().cloned());
                known.value.kind = Kind::List(all);
            }
            None => kinds.push(one),
        },
        Some(_) => return None,
        None => members.push(Member {
            name: element.to_owned(),
            name_span: span.clone(),
            value: Node {
                span,
                kind: Kind::Map(vec![one]),
            },
        }),
    }
    Some(())
}

fn named(attribute: &Attribute) -> Option<&'static str> {
    ATTRIBUTES
        .iter()
        .find(|(written, _)| attribute.has_key(written))
        .map(|(_, name)| *name)
}

fn add_condition(block: &Block, conditions: &mut Vec<Member>) -> Option<()> {
    let get = |key: &str| block.body.get_attribute(key).map(|attribute| &attribute.value);
    let (test, variable) = (node(get("test")?).literal()?, node(get("variable")?).literal()?);
    let values = aws_variables(node(get("values")?));
    let key = Member {
        name: variable,
        name_span: spot(block),
        value: values,
    };
    match conditions.iter_mut().find(|member| member.name == test) {
        Some(Member {
            value: Node {
                kind: Kind::Map(keys), ..
            },
            ..
        }) => keys.push(key),
        Some(_) | None => conditions.push(Member {
            name: test,
            name_span: spot(block),
            value: Node {
                span: spot(block),
                kind: Kind::Map(vec![key]),
            },
        }),
    }
    Some(())
}

/// `&{aws:username}` is rendered as `${aws:username}`.
fn aws_variables(mut node: Node) -> Node {
    match &mut node.kind {
        Kind::Text(pieces) => {
            for piece in pieces {
                if let Piece::Literal(text) = piece {
                    *text = text.replace("&{", "${");
                }
            }
        }
        Kind::List(elements) => {
            *elements = std::mem::take(elements).into_iter().map(aws_variables).collect();
        }
        Kind::Plain(_) | Kind::Map(_) | Kind::Unknown => {}
    }
    node
}
