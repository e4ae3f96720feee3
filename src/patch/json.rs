//! Policy documents in JSON: a file of its own, a CloudFormation template, the text of a heredoc.

use std::borrow::Cow;
use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value;

use super::cloudformation::intrinsic;
use super::forms::Around;
use super::tree::{Document, Kind, Member, Node, Piece, Syntax, Takes, Template, around, closing, is_policy, pieces};

/// JSON as RFC 8259 has it.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The policy documents in JSON that begins at byte `offset` of a file; none where it is not JSON.
pub(super) fn documents(text: &str, offset: usize, syntax: Syntax, names: &[String]) -> Vec<Document> {
    let mut found = Vec::new();
    if let Some(root) = root(text, offset, syntax) {
        search(&root, syntax, names, &mut found);
    }
    found
}

/// The policy documents of a template; one that is no JSON before it is filled in is named.
pub(super) fn template_documents(text: &str, names: &[String]) -> Vec<Document> {
    let found = documents(text, 0, Syntax::Heredoc, names);
    if !found.is_empty() || !text.contains("\"Statement\"") || root(text, 0, Syntax::Heredoc).is_some() {
        return found;
    }
    let start = text.len() - text.trim_start().len();
    vec![unread(
        start..text.trim_end().len().max(start),
        names,
        "it is no JSON before it is filled in",
    )]
}

/// A place where a policy is that cannot be read, and why.
pub(super) fn unread(span: Range<usize>, names: &[String], why: &str) -> Document {
    let mut found = Document::of(Syntax::Heredoc, around(span, None, Vec::new()), names);
    found.left = Some(why.to_owned());
    found
}

/// What JSON that begins at byte `offset` of a file holds.
pub(super) fn root(text: &str, offset: usize, syntax: Syntax) -> Option<Node> {
    let (masked, bare) = match syntax {
        Syntax::Heredoc => masked(text),
        _ => (Cow::Borrowed(text), Vec::new()),
    };
    let parsed = parse_to_ast(&masked, &CollectOptions::default(), &STRICT).ok()?;
    let mut root = node(&parsed.value?, offset, syntax);
    if !bare.is_empty() {
        open(&mut root, offset, &bare);
    }
    Some(root)
}

/// A template in which each `${…}` that stands for a whole value is a string of the same length, and where these stand.
fn masked(text: &str) -> (Cow<'_, str>, Vec<Range<usize>>) {
    let (mut in_string, mut escaped) = (false, false);
    let mut bare: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let escape = std::mem::take(&mut escaped);
        match byte {
            _ if escape => {}
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'$' if text[at..].starts_with("${") => {
                let Some(end) = closing(&text[at..]) else { break };
                // One in a string may hold quotes of its own.
                if !in_string {
                    bare.push(at..at + end);
                }
                at += end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    if bare.is_empty() {
        return (Cow::Borrowed(text), bare);
    }
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for range in &bare {
        masked.push_str(&text[from..range.start]);
        masked.push_str(&format!("\"{}\"", "_".repeat(range.len() - 2)));
        from = range.end;
    }
    masked.push_str(&text[from..]);
    (Cow::Owned(masked), bare)
}

/// Values that stand where `bare` expressions do, as such.
fn open(node: &mut Node, offset: usize, bare: &[Range<usize>]) {
    match &mut node.kind {
        Kind::Text(_) if bare.iter().any(|range| range.start + offset == node.span.start) => node.kind = Kind::Unknown,
        Kind::List(elements) => elements.iter_mut().for_each(|each| open(each, offset, bare)),
        Kind::Map(members) => members
            .iter_mut()
            .for_each(|member| open(&mut member.value, offset, bare)),
        Kind::Text(_) | Kind::Plain(_) | Kind::Unknown => {}
    }
}

/// Policies below a node, each with the names that stand around it.
pub(super) fn search(node: &Node, syntax: Syntax, names: &[String], found: &mut Vec<Document>) {
    let around = Around {
        names: names.to_vec(),
        ..Around::default()
    };
    let search = Search {
        syntax,
        text: "",
        blocks: &[],
    };
    search.below(node, &around, found);
}

/// How policies are looked for.
pub(super) struct Search<'s> {
    pub(super) syntax: Syntax,
    /// The file, and the spans in it of strings that hold JSON.
    pub(super) text: &'s str,
    pub(super) blocks: &'s [Range<usize>],
}

impl Search<'_> {
    pub(super) fn below(&self, node: &Node, around: &Around, found: &mut Vec<Document>) {
        if is_policy(node) {
            found.push(around.document(self.syntax, node.clone()));
            return;
        }
        if let Some((written, why)) = put_together(node) {
            let mut document = around.document(self.syntax, written);
            match why {
                Some(why) => drop(document.left.get_or_insert(why)),
                None => document.takes = Takes::Unwritten,
            }
            found.push(document);
            return;
        }
        match &node.kind {
            Kind::List(elements) => elements.iter().for_each(|each| self.below(each, around, found)),
            Kind::Map(members) => {
                let mut inner = around.clone();
                inner.enter(members);
                for member in members {
                    let mut each = inner.clone();
                    each.names.push(member.name.clone());
                    each.resource(member);
                    inner.made_by_sam(member, found);
                    self.below(&member.value, &each, found);
                }
            }
            Kind::Text(_) => {
                let blocks = self.blocks.iter().filter(|block| node.span.contains(&block.start));
                for block in blocks {
                    let json = Search {
                        syntax: Syntax::Json,
                        text: "",
                        blocks: &[],
                    };
                    if let Some(root) = root(&self.text[block.clone()], block.start, Syntax::Json) {
                        json.below(&root, around, found);
                    }
                }
            }
            Kind::Plain(_) | Kind::Unknown => {}
        }
    }
}

/// A policy of which some statements are expressions, such as `Fn::If` or `var.statement`: with those that are written, if
/// they stand beside each other; else without, and why.
pub(super) fn put_together(node: &Node) -> Option<(Node, Option<String>)> {
    let Kind::Map(members) = &node.kind else { return None };
    let statement = node.member("Statement")?;
    let elements = statement.value.elements();
    let is_open = |each: &Node| matches!(each.kind, Kind::Unknown);
    if !elements.iter().any(is_open)
        || !elements
            .iter()
            .all(|each| is_open(each) || each.member("Effect").is_some())
    {
        return None;
    }
    let written = run(elements, is_open);
    let why = match (&statement.value.kind, written.is_empty()) {
        (Kind::List(_), false) => None,
        (Kind::List(_), true) => Some("its statements stand between expressions".to_owned()),
        _ => Some("its statements are put together by an expression".to_owned()),
    };
    let members = members.iter().map(|member| match member.name == "Statement" {
        true => Member {
            value: Node {
                span: member.value.span.clone(),
                kind: Kind::List(written.to_vec()),
            },
            ..member.clone()
        },
        false => member.clone(),
    });
    let kind = Kind::Map(members.collect());
    let span = node.span.clone();
    Some((Node { span, kind }, why))
}

/// The elements that are not open, where they stand beside each other.
pub(super) fn run<T>(elements: &[T], is_open: impl Fn(&T) -> bool) -> &[T] {
    let Some(from) = elements.iter().position(|each| !is_open(each)) else {
        return &[];
    };
    let to = elements.len() - elements.iter().rev().position(|each| !is_open(each)).unwrap_or(0);
    match elements[from..to].iter().any(is_open) {
        true => &[],
        false => &elements[from..to],
    }
}

fn node(value: &ast::Value<'_>, offset: usize, syntax: Syntax) -> Node {
    let place = |range: jsonc_parser::common::Range| -> Range<usize> { range.start + offset..range.end + offset };
    let span = place(value.range());
    let kind = match value {
        ast::Value::StringLit(text) if matches!(syntax, Syntax::Heredoc | Syntax::JsonStatements) => {
            Kind::Text(pieces(&text.value, Template::Terraform))
        }
        ast::Value::StringLit(text) => Kind::Text(vec![Piece::Literal(text.value.to_string())]),
        ast::Value::NumberLit(number) => Kind::Plain(serde_json::from_str(number.value).unwrap_or(Value::Null)),
        ast::Value::BooleanLit(boolean) => Kind::Plain(Value::Bool(boolean.value)),
        ast::Value::NullKeyword(_) => Kind::Plain(Value::Null),
        ast::Value::Array(array) => Kind::List(array.elements.iter().map(|each| node(each, offset, syntax)).collect()),
        ast::Value::Object(object) => {
            let members = object.properties.iter().map(|property| Member {
                name: property.name.as_str().to_owned(),
                name_span: match &property.name {
                    ast::ObjectPropName::String(text) => place(text.range),
                    ast::ObjectPropName::Word(word) => place(word.range),
                },
                value: node(&property.value, offset, syntax),
            });
            match syntax {
                // Terraform knows no such functions.
                Syntax::JsonStatements => Kind::Map(members.collect()),
                _ => intrinsic(members.collect()),
            }
        }
    };
    Node { span, kind }
}
