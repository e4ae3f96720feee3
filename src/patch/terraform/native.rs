//! Terraform's JSON (`.tf.json`): its policies, and its blocks put into the native language, which all else reads.

use std::ops::Range;
use std::path::Path;

use hcl_edit::structure::Body;

use super::statements::statement;
use super::{Source, taken};
use crate::patch::json;
use crate::patch::tree::{Document, Kind, Member, Node, Syntax, Taken, Takes, around, is_policy};

/// Keys that are blocks in the native language, where a reader here asks for them.
const BLOCKS: [&str; 10] = [
    "assume_role",
    "assume_role_with_web_identity",
    "condition",
    "content",
    "dynamic",
    "inline_policy",
    "lifecycle",
    "not_principals",
    "principals",
    "statement",
];

/// Arguments of every block, which change nothing of a document.
const META: [&str; 6] = ["//", "count", "depends_on", "for_each", "lifecycle", "provider"];

pub(in crate::patch) fn is_json(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".tf.json") || name.ends_with(".tofu.json")
}

/// The policy documents of a file.
pub(in crate::patch) fn documents(text: &str, names: &[String]) -> Vec<Document> {
    let mut found = Vec::new();
    let Some(root) = json::root(text, 0, Syntax::JsonStatements) else {
        return found;
    };
    let data = maps(&root).into_iter().filter_map(|root| root.member("data"));
    for kinds in data.flat_map(|data| maps(&data.value)) {
        let Some(all) = kinds.member("aws_iam_policy_document") else {
            continue;
        };
        for named in maps(&all.value) {
            for (name, body) in members(named).flat_map(|one| maps(&one.value).into_iter().map(move |body| (one, body)))
            {
                found.extend(data_source(text, &name.name, body, names));
            }
        }
    }
    strings(text, &root, names, &mut found);
    found
}

/// A map, or the maps of a list: Terraform takes either for blocks of one kind.
fn maps(node: &Node) -> Vec<&Node> {
    let all = node.elements().iter();
    all.filter(|node| matches!(node.kind, Kind::Map(_))).collect()
}

fn members(node: &Node) -> impl Iterator<Item = &Member> {
    let all: &[Member] = match &node.kind {
        Kind::Map(members) => members,
        Kind::Text(_) | Kind::Plain(_) | Kind::List(_) | Kind::Unknown => &[],
    };
    all.iter()
}

/// What a string holds, its templates as they are written.
fn raw(text: &str, node: &Node) -> Option<String> {
    serde_json::from_str(text.get(node.span.clone())?).ok()
}

/// `None` where it says who.
fn data_source(text: &str, name: &str, body: &Node, names: &[String]) -> Option<Document> {
    let mut left = None;
    let (mut before, mut behind, mut version, mut id) = (Vec::new(), Vec::new(), None, None);
    let mut list = Node {
        span: body.span.clone(),
        kind: Kind::List(Vec::new()),
    };
    let mut takes = None;
    for member in members(body) {
        match member.name.as_str() {
            "statement" => {
                let mut statements = Vec::new();
                for written in member.value.elements() {
                    match statement(written, None) {
                        Ok(found) => statements.push(found?),
                        Err(why) => drop(left.get_or_insert(why)),
                    }
                }
                list = match (&member.value.kind, &mut statements[..]) {
                    (Kind::List(_), _) => Node {
                        span: member.value.span.clone(),
                        kind: Kind::List(statements),
                    },
                    (_, [one]) => one.clone(),
                    _ => continue,
                };
            }
            "version" => version = Some(member.value.clone()),
            "policy_id" => id = Some(member.clone()),
            "source_policy_documents" | "source_json" => {
                before.extend(member.value.elements().iter().map(|each| one_taken(text, each)));
                takes = Some(&member.name);
            }
            "override_policy_documents" | "override_json" => {
                behind.extend(member.value.elements().iter().map(|each| one_taken(text, each)));
                takes = Some(&member.name);
            }
            meta if META.contains(&meta) => {}
            other => drop(left.get_or_insert(format!("it has `{other}`"))),
        }
    }
    let mut root = around(body.span.clone(), version, Vec::new());
    if let Kind::Map(members) = &mut root.kind {
        members[1].value = list;
        members.extend(id.map(|id| Member {
            name: "Id".to_owned(),
            ..id
        }));
    }
    let mut found = Document::of(Syntax::JsonStatements, root, names);
    found.names.push(name.to_owned());
    found.address = Some(format!("data.aws_iam_policy_document.{name}"));
    if let (Some(takes), None) = (takes, &left) {
        found.takes = Takes::Others(before, behind);
        left = Some(format!("it has `{takes}`"));
    }
    found.left = left;
    Some(found)
}

/// `${data.aws_iam_policy_document.base.json}`
fn one_taken(text: &str, node: &Node) -> Taken {
    let written = raw(text, node).unwrap_or_else(|| text[node.span.clone()].to_owned());
    let inner = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let path: Vec<&str> = inner.unwrap_or("").split('.').map(str::trim).collect();
    taken(&path).unwrap_or(Taken::Other(written))
}

/// Policies in strings, as text or by `jsonencode`: named, and not edited.
fn strings(text: &str, node: &Node, names: &[String], found: &mut Vec<Document>) {
    match &node.kind {
        Kind::Text(_) => {
            let Some(written) = raw(text, node) else { return };
            let written = written.trim();
            let read = match written
                .strip_prefix("${jsonencode(")
                .and_then(|rest| rest.strip_suffix(")}"))
            {
                Some(inner) if super::depth(inner) <= super::DEPTH => {
                    inner.parse().ok().map(|inner| super::node(&inner))
                }
                Some(_) => None,
                None if written.starts_with('{') => json::root(written, 0, Syntax::Heredoc),
                None => None,
            };
            if let Some(mut root) = read.filter(is_policy) {
                at(&mut root, &node.span);
                let mut document = Document::of(Syntax::JsonStatements, root, names);
                document.left = Some("it is JSON in a string of JSON".to_owned());
                found.push(document);
            }
        }
        Kind::List(elements) => elements.iter().for_each(|each| strings(text, each, names, found)),
        Kind::Map(members) => members
            .iter()
            .filter(|member| member.name != "assume_role_policy")
            .for_each(|member| strings(text, &member.value, names, found)),
        Kind::Plain(_) | Kind::Unknown => {}
    }
}

/// Puts a node and all below it where another stands.
fn at(node: &mut Node, span: &Range<usize>) {
    node.span = span.clone();
    match &mut node.kind {
        Kind::List(elements) => elements.iter_mut().for_each(|each| at(each, span)),
        Kind::Map(members) => {
            for member in members {
                member.name_span = span.clone();
                at(&mut member.value, span);
            }
        }
        Kind::Text(_) | Kind::Plain(_) | Kind::Unknown => {}
    }
}

impl Source {
    /// The blocks of a file of Terraform's JSON; `None` where it cannot be read as such.
    pub(in crate::patch) fn of_json(path: &Path, text: &str) -> Option<Source> {
        if !is_json(path) {
            return None;
        }
        let (text, offset) = match text.strip_prefix('\u{feff}') {
            Some(rest) => (rest, '\u{feff}'.len_utf8()),
            None => (text, 0),
        };
        let root = json::root(text, 0, Syntax::JsonStatements)?;
        let mut native = Native {
            json: text,
            text: String::new(),
            spans: Vec::new(),
        };
        native.file(&root);
        if super::depth(&native.text) > super::DEPTH {
            return None;
        }
        for (file, _) in &mut native.spans {
            *file = file.start + offset..file.end + offset;
        }
        Some(Source {
            path: path.to_owned(),
            body: native.text.parse::<Body>().ok()?,
            offset: 0,
            spans: native.spans,
            native: Some(native.text),
        })
    }
}

/// What is written of it in the native language.
struct Native<'t> {
    json: &'t str,
    text: String,
    /// Where values of the one stand in the other.
    spans: Vec<(Range<usize>, Range<usize>)>,
}

impl Native<'_> {
    fn file(&mut self, root: &Node) {
        for section in maps(root).into_iter().flat_map(members) {
            let labels = match section.name.as_str() {
                "resource" | "data" => 2,
                "module" | "output" | "provider" | "variable" => 1,
                "locals" => 0,
                _ => continue,
            };
            self.labelled(&section.name, labels, &section.value, &mut Vec::new());
        }
    }

    fn labelled(&mut self, kind: &str, depth: usize, node: &Node, labels: &mut Vec<String>) {
        for map in maps(node) {
            if depth == 0 {
                let from = self.text.len();
                self.text.push_str(kind);
                for label in labels.iter() {
                    self.text.push(' ');
                    self.text.push_str(&template(label));
                }
                self.text.push_str(" {\n");
                self.body(map);
                self.text.push('}');
                self.spans.push((map.span.clone(), from..self.text.len()));
                self.text.push('\n');
            } else {
                for member in members(map).filter(|member| member.name != "//") {
                    labels.push(member.name.clone());
                    self.labelled(kind, depth - 1, &member.value, labels);
                    labels.pop();
                }
            }
        }
    }

    fn body(&mut self, map: &Node) {
        for member in members(map) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !member.name.chars().all(is_name) || member.name.is_empty() {
                continue;
            }
            if BLOCKS.contains(&member.name.as_str()) {
                let labels = usize::from(member.name == "dynamic");
                self.labelled(&member.name, labels, &member.value, &mut Vec::new());
                continue;
            }
            self.text.push_str(&member.name);
            self.text.push_str(" = ");
            let from = self.text.len();
            self.value(&member.value);
            self.spans.push((member.value.span.clone(), from..self.text.len()));
            self.text.push('\n');
        }
    }

    fn value(&mut self, node: &Node) {
        match &node.kind {
            Kind::Text(_) => {
                let text = raw(self.json, node).map_or_else(|| "null".to_owned(), |raw| template(&raw));
                self.text.push_str(&text);
            }
            Kind::Plain(value) => self.text.push_str(&value.to_string()),
            Kind::Unknown => self.text.push_str("null"),
            Kind::List(elements) => {
                self.text.push('[');
                for element in elements {
                    self.value(element);
                    self.text.push_str(", ");
                }
                self.text.push(']');
            }
            Kind::Map(members) => {
                self.text.push_str("{\n");
                for member in members {
                    self.text.push_str(&quoted(&member.name));
                    self.text.push_str(" = ");
                    self.value(&member.value);
                    self.text.push('\n');
                }
                self.text.push('}');
            }
        }
    }
}

/// A string of JSON as an expression: one that is nothing but `${…}` is what stands inside.
fn template(raw: &str) -> String {
    if let Some(inner) = raw.strip_prefix("${")
        && end_of(inner) == Some(inner.len() - 1)
    {
        return format!("({})", &inner[..inner.len() - 1]);
    }
    quoted(raw)
}

fn quoted(raw: &str) -> String {
    let mut out = String::from("\"");
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("$${") {
            out.push_str("$${");
            rest = &rest[3..];
            continue;
        }
        if let Some(inner) = rest.strip_prefix("${")
            && let Some(end) = end_of(inner)
        {
            out.push_str(&rest[..end + 3]);
            rest = &inner[end + 1..];
            continue;
        }
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push('"');
    out
}

/// The brace that closes what `${` opened, those in strings apart.
fn end_of(inner: &str) -> Option<usize> {
    let (mut open, mut in_string, mut escaped) = (1_usize, false, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => open += 1,
            b'}' if !in_string => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
