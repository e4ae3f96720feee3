//! Policy documents in Terraform: `jsonencode`, heredocs, and the data source `aws_iam_policy_document`.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, FuncCall, ObjectKey};
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use hcl_edit::template::{Element, HeredocTemplate};
use serde_json::{Number, Value};

use super::tree::{Document, Kind, Member, Node, Piece, Syntax, Takes, is_policy};
use super::{json, tree};

mod accounts;
mod attached;
mod entries;
mod given;
mod instances;
mod lists;
mod native;
mod project;
mod reads;
mod refers;
mod source;
mod state;
mod statements;
mod value;

pub(super) use attached::{Policy, attachments, makers};
pub(super) use instances::{Made, Makes};
use lists::{all_taken, listed, taken};
pub(super) use native::{documents as json_documents, is_json};
pub(super) use project::{Project, Stands, folder, labels, normal, path_of};
pub(super) use reads::{Reading, module_path};
pub(super) use source::Source;
pub use state::State;
pub(super) use value::{Name, possible_names};

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
    in_body(text, &body, false, names, &mut found);
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

fn in_body(text: &str, body: &Body, is_call: bool, names: &[String], found: &mut Vec<Document>) {
    let mut around = names.to_vec();
    around.extend(body.attributes().filter_map(|attribute| match &attribute.value {
        Expression::String(name) => Some(name.to_string()),
        _ => None,
    }));
    for structure in body.iter() {
        match structure {
            Structure::Attribute(attribute) if attribute.has_key("inputs") => {
                inputs(text, &attribute.value, &around, found);
            }
            Structure::Attribute(attribute) => {
                if is_call {
                    found.extend(statements::argument(&attribute.key, &attribute.value, &around));
                }
                in_expression(text, &attribute.value, &around, found);
            }
            Structure::Block(block) if block.has_ident("locals") => {
                for local in block.body.attributes() {
                    let from = found.len();
                    match statements_of(local) {
                        Some(document) => found.push(document),
                        None => in_expression(text, &local.value, &around, found),
                    }
                    name_local(local, &mut found[from..]);
                }
            }
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
                    in_body(text, &block.body, block.has_ident("module"), &inner, found);
                }
            }
        }
    }
}

/// The statements that a local holds, for whoever writes `Statement = local.app`.
fn statements_of(local: &Attribute) -> Option<Document> {
    let written = node(&local.value);
    let is_statement = |each: &Node| each.member("Effect").is_some() && each.member("Principal").is_none();
    let all = written.elements();
    let is_list = matches!(written.kind, Kind::List(_)) && !all.is_empty();
    (is_list && all.iter().all(is_statement)).then(|| {
        let statements = all.to_vec();
        Document::of(Syntax::Hcl, tree::around(written.span.clone(), None, statements), &[])
    })
}

/// A local that is nothing but a document is what others may take in.
fn name_local(local: &Attribute, found: &mut [Document]) {
    let Expression::FuncCall(call) = &local.value else {
        return;
    };
    let argument = call.args.iter().next().filter(|_| encodes(call));
    let Some(span) = argument.and_then(Span::span) else {
        return;
    };
    for document in found.iter_mut().filter(|document| document.root.span == span) {
        document.address = Some(format!("local.{}", local.key.as_str()));
    }
}

/// The arguments that Terragrunt hands to a module, and the names among them.
///
/// (Terragrunt documentation, "Configuration blocks and attributes", `inputs`.)
fn inputs(text: &str, value: &Expression, around: &[String], found: &mut Vec<Document>) {
    let Expression::Object(object) = value else {
        return in_expression(text, value, around, found);
    };
    let from = found.len();
    let (mut names, mut patterns) = (around.to_vec(), Vec::new());
    for (key, value) in object.iter() {
        let key = match key {
            ObjectKey::Ident(name) => name.as_str().to_owned(),
            ObjectKey::Expression(key) => node(key).literal().unwrap_or_default(),
        };
        if let Kind::Text(pieces) = node(value.expr()).kind
            && (key == "name" || key.ends_with("_name") || key.ends_with("role"))
        {
            match pieces.contains(&Piece::Reference) {
                true => patterns.push(pieces),
                false => names.extend(node(value.expr()).literal()),
            }
        }
        found.extend(statements::argument(&key, value.expr(), &[]));
        in_expression(text, value.expr(), &[], found);
    }
    for document in &mut found[from..] {
        document.names.extend(names.iter().cloned());
        document.patterns.extend(patterns.iter().cloned());
    }
}

fn in_expression(text: &str, expression: &Expression, names: &[String], found: &mut Vec<Document>) {
    match expression {
        Expression::HeredocTemplate(heredoc) => {
            if let Some(inside) = lines_of(text, heredoc) {
                let documents = json::documents(&text[inside.clone()], inside.start, Syntax::Heredoc, names);
                found.extend(documents);
            }
        }
        Expression::FuncCall(call) if encodes(call) => {
            for argument in call.args.iter() {
                json::search(&node(argument), Syntax::Hcl, names, found);
                found.extend(computed(text, argument, names));
            }
        }
        // Whoever refers to it encodes it.
        Expression::Object(_) if is_policy(&node(expression)) => {
            found.push(Document::of(Syntax::Hcl, node(expression), names));
        }
        other => children(other)
            .into_iter()
            .for_each(|child| in_expression(text, child, names, found)),
    }
}

/// The expressions in an expression that may hold a document.
pub(super) fn children(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::FuncCall(call) => call.args.iter().collect(),
        Expression::Object(object) => object.iter().map(|(_, value)| value.expr()).collect(),
        Expression::Array(array) => array.iter().collect(),
        Expression::Parenthesis(inner) => vec![inner.inner()],
        Expression::Conditional(choice) => vec![&choice.true_expr, &choice.false_expr],
        Expression::Null(_)
        | Expression::Bool(_)
        | Expression::Number(_)
        | Expression::String(_)
        | Expression::StringTemplate(_)
        | Expression::HeredocTemplate(_)
        | Expression::Variable(_)
        | Expression::Traversal(_)
        | Expression::UnaryOp(_)
        | Expression::BinaryOp(_)
        | Expression::ForExpr(_) => Vec::new(),
    }
}

/// Whether a call makes a document of its argument.
pub(super) fn encodes(call: &FuncCall) -> bool {
    call.name.name.as_str() == "jsonencode"
}

/// What stands between the line of `<<EOF` and the line of `EOF`.
pub(super) fn lines_of(text: &str, heredoc: &HeredocTemplate) -> Option<Range<usize>> {
    let span = heredoc.span()?;
    let written = &text[span.clone()];
    let (first, last) = (written.find('\n')?, written.trim_end().rfind('\n')?);
    (first < last).then(|| span.start + first + 1..span.start + last)
}

/// A policy that an expression puts together, named for whoever looks for it.
fn computed(text: &str, argument: &Expression, names: &[String]) -> Option<Document> {
    let how = match argument {
        Expression::FuncCall(call) => format!("`{}(…)` puts it together", call.name.name.as_str()),
        Expression::ForExpr(_) => "`for` puts it together".to_owned(),
        Expression::Conditional(_) => "it is one of two".to_owned(),
        _ => return None,
    };
    let span = argument.span()?;
    text[span.clone()]
        .contains("Statement")
        .then(|| json::unread(span, names, &how))
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
        Expression::FuncCall(call) => match listed(call) {
            Some(all) => return node(all),
            None => Kind::Unknown,
        },
        Expression::HeredocTemplate(_)
        | Expression::Variable(_)
        | Expression::Conditional(_)
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
    // `None` for those that are not written.
    let mut statements: Vec<Option<Node>> = Vec::new();
    let mut left: Option<String> = None;
    let (mut before, mut behind, mut takes) = (Vec::new(), Vec::new(), None);
    for structure in block.body.iter() {
        match structure {
            Structure::Attribute(attribute) => match attribute.key.as_str() {
                "count" | "depends_on" | "for_each" | "provider" => {}
                key @ ("source_policy_documents" | "source_json") => {
                    before.extend(all_taken(&attribute.value));
                    takes = Some(key);
                }
                key @ ("override_policy_documents" | "override_json") => {
                    behind.extend(all_taken(&attribute.value));
                    takes = Some(key);
                }
                "version" => members.push(member("Version", node(&attribute.value))),
                "policy_id" => members.push(member("Id", node(&attribute.value))),
                other => drop(left.get_or_insert(format!("it has `{other}`"))),
            },
            Structure::Block(inner) if inner.has_ident("lifecycle") => {}
            Structure::Block(inner) if inner.has_ident("statement") => match statement(inner) {
                Some(statement) => statements.push(Some(statement)),
                None => drop(left.get_or_insert("a statement holds more than lists and conditions".to_owned())),
            },
            Structure::Block(inner) if inner.has_ident("dynamic") && labels(inner) == ["statement"] => {
                statements.push(None);
            }
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
    let is_partly = statements.contains(&None);
    let written = json::run(&statements, Option::is_none).iter().flatten().cloned();
    members.push(member(
        "Statement",
        Node {
            span: span.clone(),
            kind: Kind::List(written.collect()),
        },
    ));
    let kind = Kind::Map(members);
    let mut found = Document::of(Syntax::DataSource, Node { span, kind }, names);
    if let ["aws_iam_policy_document", name] = labels(block)[..] {
        found.address = Some(format!("data.aws_iam_policy_document.{name}"));
    }
    let is_run = found
        .root
        .member("Statement")
        .is_some_and(|all| !all.value.elements().is_empty());
    match (takes, &left) {
        (_, None) if is_partly && (takes.is_some() || !is_run) => {
            left = Some("it has `dynamic statement` beside others".to_owned());
        }
        (None, None) if is_partly => found.takes = Takes::Unwritten,
        (Some(key), None) => {
            found.takes = Takes::Others(before, behind);
            left = Some(format!("it has `{key}`"));
        }
        (_, _) => {}
    }
    found.left = left;
    found
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
    // Where its conditions stand, and whether there may be others.
    let (mut tests, mut is_open): (Vec<Range<usize>>, bool) = (Vec::new(), false);
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
                add_condition(condition, &mut conditions)?;
                tests.push(spot(condition));
            }
            Structure::Block(condition) if condition.has_ident("dynamic") && labels(condition) == ["condition"] => {
                tests.push(spot(condition));
                is_open = true;
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
    if let (true, Some(first), Some(last)) = (is_open, tests.first(), tests.last()) {
        let span = first.start..last.end;
        members.push(Member {
            name: "Condition".to_owned(),
            name_span: span.clone(),
            value: Node {
                span,
                kind: Kind::Unknown,
            },
        });
    } else if !conditions.is_empty() {
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
    add_key(test, variable, node(get("values")?), spot(block), conditions);
    Some(())
}

/// One more key of a test.
fn add_key(test: String, variable: String, values: Node, span: Range<usize>, conditions: &mut Vec<Member>) {
    let key = Member {
        name: variable,
        name_span: span.clone(),
        value: aws_variables(values),
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
            name_span: span.clone(),
            value: Node {
                span,
                kind: Kind::Map(vec![key]),
            },
        }),
    }
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
