//! Policy documents in JSON: a file of its own, a CloudFormation template, the text of a heredoc.

use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value;

use super::cloudformation::intrinsic;
use super::forms::Around;
use super::tree::{Document, Kind, Member, Node, Piece, Syntax, Template, is_policy, pieces};

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

/// What JSON that begins at byte `offset` of a file holds.
pub(super) fn root(text: &str, offset: usize, syntax: Syntax) -> Option<Node> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT).ok()?;
    Some(node(&parsed.value?, offset, syntax))
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
