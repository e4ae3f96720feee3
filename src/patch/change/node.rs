//! A written tree as the JSON that it stands for, its references as variables.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::references::{References, has_reference};
use crate::patch::tree::{Kind, Node, Piece};

/// What a text's references are defined by.
pub(super) type Define<'d> = dyn Fn(&str) -> String + 'd;

/// A document as far as it can be read.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Document {
    /// The policy, its references as variables; or why it cannot be read.
    pub(super) policy: Result<Value, String>,
    /// Statements that are expressions: `var.statement`, `Fn::If`.
    pub(super) opaque: Vec<String>,
    /// The bytes that it stands in, and what they refer to.
    pub(super) text: String,
    /// The line of each statement.
    pub(super) lines: Vec<Option<usize>>,
}

/// Reads trees of one file.
pub(super) struct Reader<'r> {
    pub(super) text: &'r str,
    pub(super) define: &'r Define<'r>,
    pub(super) references: &'r mut References,
}

/// Whether a node may be a policy: it has statements, of which some have an effect or are expressions.
pub(super) fn may_be_policy(node: &Node) -> bool {
    let Some(statement) = node.member("Statement") else {
        return false;
    };
    match &statement.value.kind {
        Kind::Unknown => true,
        Kind::List(_) | Kind::Map(_) => statement
            .value
            .elements()
            .iter()
            .any(|each| each.member("Effect").is_some() || matches!(each.kind, Kind::Unknown)),
        Kind::Text(_) | Kind::Plain(_) => false,
    }
}

impl Reader<'_> {
    /// The document that a node is.
    pub(super) fn document(&mut self, node: &Node, left: Option<&str>) -> Document {
        let mut opaque = Vec::new();
        let mut lines = Vec::new();
        let mut policy = Map::new();
        let mut problem = left.map(str::to_owned);
        let Kind::Map(members) = &node.kind else {
            return Document {
                policy: Err("it is an expression".to_owned()),
                opaque,
                text: self.reference_at(&node.span),
                lines,
            };
        };
        for member in members {
            if member.name != "Statement" {
                policy.insert(member.name.clone(), self.value(&member.value));
                continue;
            }
            if matches!(member.value.kind, Kind::Unknown) {
                problem.get_or_insert("its statements are an expression".to_owned());
            }
            let mut statements = Vec::new();
            for each in member.value.elements() {
                if let Kind::Map(_) = each.kind {
                    lines.push(Some(line_of(self.text, each.span.start)));
                    statements.push(self.statement(each));
                } else {
                    opaque.push(self.reference_at(&each.span));
                }
            }
            policy.insert("Statement".to_owned(), Value::Array(statements));
        }
        if self.text[node.span.clone()].contains(OPAQUE) {
            problem.get_or_insert(format!("it says `{OPAQUE}`, which stands for references"));
        }
        // Without variables of its own a document of 2008 says the same in the language of 2012, which has them.
        let mut policy = Value::Object(policy);
        if policy.get("Version").is_none_or(|version| version == "2008-10-17") {
            let text = policy.to_string();
            let own = text.matches("${").count() > text.matches(super::references::START).count();
            if own && has_reference(&text) {
                problem.get_or_insert("it has no version 2012-10-17, and its ${…} is text".to_owned());
            } else if has_reference(&text) {
                policy["Version"] = json!("2012-10-17");
            }
        }
        Document {
            policy: problem.map_or(Ok(policy), Err),
            opaque,
            text: self.text_at(&node.span),
            lines,
        }
    }

    fn statement(&mut self, node: &Node) -> Value {
        let mut value = self.value(node);
        if let Some(statement) = value.as_object_mut() {
            // An empty Sid is none (as Terraform's provider writes it).
            if statement.get("Sid").is_some_and(|sid| sid == "" || sid.is_null()) {
                statement.shift_remove("Sid");
            }
            for (name, value) in statement.iter_mut() {
                match name.as_str() {
                    "Action" | "NotAction" => each_text(value, &mut |text| {
                        if has_reference(text) {
                            // Variables have no meaning in actions: a name that no action has.
                            *text = format!("{}:{}", OPAQUE, hex(text));
                        }
                    }),
                    // A principal that is an expression may be a map or a list of ARNs.
                    "Principal" | "NotPrincipal" if value.as_str().is_some_and(has_reference) => {
                        *value = json!({"AWS": value.take()});
                    }
                    "Condition" => opaque_conditions(value),
                    _ => {}
                }
            }
        }
        value
    }

    fn value(&mut self, node: &Node) -> Value {
        match &node.kind {
            Kind::Plain(value) => value.clone(),
            Kind::Unknown => Value::String(self.reference_at(&node.span)),
            Kind::List(elements) => elements.iter().map(|each| self.value(each)).collect(),
            Kind::Map(members) => {
                let members = members
                    .iter()
                    .map(|member| (member.name.clone(), self.value(&member.value)));
                Value::Object(members.collect())
            }
            Kind::Text(pieces) => Value::String(self.string(pieces, &node.span)),
        }
    }

    fn string(&mut self, pieces: &[Piece], span: &Range<usize>) -> String {
        let wanted = pieces.iter().filter(|piece| **piece == Piece::Reference).count();
        let written = interpolations(&self.text[span.clone()]);
        if wanted > 0 && written.len() != wanted {
            return self.reference_at(span);
        }
        let mut written = written.into_iter();
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Reference | Piece::Suffix => {
                    let text = written.next().unwrap_or_default();
                    out.push_str(&self.references.variable(text.trim(), (self.define)(text)));
                }
            }
        }
        out
    }

    fn reference_at(&mut self, span: &Range<usize>) -> String {
        let text = &self.text[with_tag(self.text, span)];
        self.references.variable(text, (self.define)(text))
    }

    /// The bytes of a span and what they refer to, told apart from others alike that refer to something else.
    pub(super) fn text_at(&self, span: &Range<usize>) -> String {
        let text = &self.text[span.clone()];
        format!("{text}\n{}", (self.define)(text))
    }
}

/// What stands for actions that are expressions, as a service's prefix.
pub(super) const OPAQUE: &str = "trimtrail-ref";

/// The text that an action stands for, if it is an expression.
pub(super) fn of_opaque(action: &str) -> Option<String> {
    let hex = action.strip_prefix(OPAQUE)?.strip_prefix(':')?;
    let bytes: Option<Vec<u8>> = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn each_text(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(all) => all.iter_mut().for_each(|each| each_text(each, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

/// Conditions that are expressions: a key that is equal to itself alone.
fn opaque_conditions(value: &mut Value) {
    if let Some(text) = value.as_str().filter(|text| has_reference(text)) {
        *value = json!({"StringEquals": {text: "true"}});
        return;
    }
    for (_, keys) in value.as_object_mut().into_iter().flatten() {
        if let Some(text) = keys.as_str().filter(|text| has_reference(text)) {
            *keys = json!({text: "true"});
        }
    }
}

/// The insides of `${…}` in a text as it is written, but for escaped ones.
pub(super) fn interpolations(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if before.ends_with('$') || from.starts_with("${!") {
            rest = &from[2..];
            continue;
        }
        let mut depth = 0_usize;
        let end = from.bytes().position(|byte| {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            byte == b'}' && depth == 0
        });
        let Some(end) = end else { break };
        found.push(&from[2..end]);
        rest = &from[end + 1..];
    }
    found
}

/// A span with the YAML tag before it: `!GetAtt Queue.Arn`.
pub(super) fn with_tag(text: &str, span: &Range<usize>) -> Range<usize> {
    let before = text[..span.start].trim_end();
    let start = before
        .rfind(|c: char| c.is_whitespace() || matches!(c, '[' | '{' | ','))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    if before[start..].starts_with('!') {
        start..span.end
    } else {
        span.clone()
    }
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let mut end = at.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    1 + text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count()
}
