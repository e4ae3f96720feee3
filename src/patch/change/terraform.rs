//! What grants in a file of Terraform: documents, attachments, boundaries, and what hands documents on.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use serde_json::Value;

use super::definitions::{Definitions, words};
use super::files::{Read, file_of, read_by};
use super::node::{Document, Reader, line_of, may_be_policy};
use super::read::{ATTACHED, BOUNDING, GRANTING, HANDING, HOLDERS, Item, MEMBERSHIPS, What};
use super::references::References;
use super::repeated::each_of;
use super::{signs, template};
use crate::patch::json;
use crate::patch::terraform::{
    Source, children, encodes, folder, labels, lines_of, makers, node, path_of, whole_data_source,
};
use crate::patch::tree::{Kind, Member, Node, Piece, Syntax, Takes};

pub(super) fn items(source: &Source, text: &str, of: &Definitions<'_>, references: &mut References) -> Vec<Item> {
    let mut file = File {
        text: source
            .native
            .as_deref()
            .unwrap_or_else(|| text.get(source.offset..).unwrap_or("")),
        dir: folder(&source.path),
        path: source.path.clone(),
        of,
        references,
        items: Vec::new(),
    };
    // The blocks as the project holds them, for their lifetime is that of the definitions.
    let blocks = of.project.modules.get(&file.dir).map(|module| module.blocks.as_slice());
    for (_, block) in blocks
        .unwrap_or_default()
        .iter()
        .filter(|(known, _)| known.path == source.path)
    {
        file.block(block);
    }
    if source.native.is_some() {
        let line = |line: usize| {
            let starts = file.text.split_inclusive('\n').take(line - 1).map(str::len);
            line_of(text, source.near(starts.sum()))
        };
        file.items.iter_mut().for_each(|item| item.line = item.line.map(line));
        for item in &mut file.items {
            if let What::Document(document) = &mut item.what {
                document.lines.iter_mut().for_each(|known| *known = known.map(line));
            }
        }
    }
    file.items
}

struct File<'f, 'a> {
    text: &'f str,
    dir: PathBuf,
    path: PathBuf,
    of: &'f Definitions<'a>,
    references: &'f mut References,
    items: Vec<Item>,
}

impl<'a> File<'_, 'a> {
    fn block(&mut self, block: &'a Block) {
        let labels = labels(block);
        match (block.ident.as_str(), &labels[..]) {
            ("data", ["aws_iam_policy_document", name]) => {
                let whole = whole_data_source(block, &[]);
                let partly = (whole.takes == Takes::Unwritten).then_some("it has `dynamic statement`");
                let document = self.document(block, &whole.root, whole.left.as_deref().or(partly));
                self.add(
                    block.span(),
                    format!("data.aws_iam_policy_document.{name}"),
                    BTreeSet::new(),
                    What::Document(document),
                );
            }
            ("resource", [kind, name]) => {
                let held_by = self.held_by(block, &block.body);
                let is_attachment = kind.starts_with("aws_iam_") && kind.ends_with("_attachment");
                self.bodies(block, is_attachment, &format!("{kind}.{name}"), &held_by);
                if GRANTING.contains(kind) || BOUNDING.contains(kind) {
                    let what = self.whole(block);
                    let what = match BOUNDING.contains(kind) {
                        true => What::Boundary(what),
                        false => What::Elsewhere(what),
                    };
                    self.add(block.span(), format!("{kind}.{name}"), BTreeSet::new(), what);
                }
                let is_nodes = kind.starts_with("kubernetes_config_map") && block.body.to_string().contains("aws-auth");
                if is_nodes {
                    let what = self.whole(block);
                    self.add(
                        block.span(),
                        format!("{kind}.{name}"),
                        BTreeSet::new(),
                        What::Elsewhere(what),
                    );
                }
                for inner in block.body.blocks().filter(|inner| inner.has_ident("provisioner")) {
                    let text = words(&inner.body.to_string());
                    if signs::may_grant(&text) {
                        let what = What::Elsewhere(self.references.variable(&text, String::new()));
                        self.add(
                            inner.span(),
                            format!("{kind}.{name}.provisioner"),
                            held_by.clone(),
                            what,
                        );
                    }
                }
                if MEMBERSHIPS.contains(kind) {
                    let what = format!("membership {}", words(&block.body.to_string()));
                    self.add(block.span(), format!("{kind}.{name}"), held_by, What::Elsewhere(what));
                }
            }
            ("module", [name]) => {
                let held_by = self.held_by(block, &block.body);
                self.body(block, &block.body, &format!("module.{name}"), &held_by);
                if let Some(source) = block.body.get_attribute("source") {
                    let source = words(&source.value.to_string());
                    let is_here = self.of.project.called(&self.dir, block).is_some();
                    let what = match (is_here, grants_by_name(&source)) {
                        (true, _) => format!("the policies that the module {source} makes"),
                        (false, true) => format!("what the module {source} makes of {}", self.whole(block)),
                        (false, false) => {
                            format!("the policies that the module {} makes", self.matters(block, &source))
                        }
                    };
                    self.add(block.span(), format!("module.{name}"), held_by, What::Elsewhere(what));
                }
            }
            ("provider", [name]) => {
                let mut body = block.body.clone();
                for key in ["region", "version", "max_retries", "retry_mode"] {
                    body.remove_attribute(key);
                }
                body.remove_blocks("default_tags");
                let text = words(&body.to_string());
                let definition = self.of.of(&self.dir, None, &text, false);
                let alias = block
                    .body
                    .get_attribute("alias")
                    .and_then(|alias| node(&alias.value).literal());
                let address = format!("provider.{name}.{}", alias.unwrap_or_default());
                let what = What::Account(format!("{text}\n{definition}"));
                self.add(block.span(), address, BTreeSet::new(), what);
            }
            (kind, labels) => {
                let address = std::iter::once(kind)
                    .chain(labels.iter().copied())
                    .collect::<Vec<_>>()
                    .join(".");
                self.documents_only(block, &block.body, &address);
            }
        }
    }

    /// What a resource says, `by_key` for each key of its `for_each`, where all of them are written.
    fn bodies(&mut self, block: &'a Block, by_key: bool, address: &str, held_by: &BTreeSet<String>) {
        match by_key.then(|| each_of(&block.body)).flatten() {
            Some(all) => {
                for (key, body) in all {
                    let held_by = self.held_by(block, &body);
                    self.body(block, &body, &format!("{address}[{key}]"), &held_by);
                }
            }
            None => self.body(block, &block.body, address, held_by),
        }
    }

    /// The source of a module whose name tells nothing, with its version and those of its arguments that may be of somebody.
    fn matters(&mut self, block: &'a Block, source: &str) -> String {
        let mut given = Vec::new();
        for attribute in block.body.attributes() {
            let (key, value) = (attribute.key.as_str(), words(&attribute.value.to_string()));
            if matches!(key, "version" | "providers") || key != "source" && may_matter(key, &value) {
                let definition = self.of.of(&self.dir, Some(block), &value, false);
                given.push(format!("{key} = {value}\n{definition}"));
            }
        }
        self.references.variable(source, given.join("\n"))
    }

    /// A block as one text, with all that defines it.
    fn whole(&mut self, block: &'a Block) -> String {
        let text = words(self.text.get(block.span().unwrap_or_default()).unwrap_or(""));
        let definition = self.of.of(&self.dir, Some(block), &text, false);
        self.references.variable(&text, definition)
    }

    /// Documents of blocks that make nothing: locals, outputs, defaults of variables.
    fn documents_only(&mut self, block: &'a Block, body: &Body, address: &str) {
        for structure in body.iter() {
            match structure {
                Structure::Attribute(attribute) => {
                    let address = format!("{address}.{}", attribute.key.as_str());
                    self.documents(block, attribute, &address, &BTreeSet::new());
                }
                Structure::Block(inner) => {
                    self.documents_only(block, &inner.body, &format!("{address}.{}", inner.ident.as_str()));
                }
            }
        }
    }

    fn body(&mut self, block: &'a Block, body: &Body, address: &str, held_by: &BTreeSet<String>) {
        let mut times = std::collections::BTreeMap::new();
        for structure in body.iter() {
            let attribute = match structure {
                Structure::Attribute(attribute) => attribute,
                Structure::Block(inner) => {
                    let kind = inner.ident.as_str();
                    let name = inner
                        .body
                        .get_attribute("name")
                        .and_then(|name| node(&name.value).literal());
                    let at: &mut usize = times.entry(kind.to_owned()).or_default();
                    let inside = match name {
                        Some(name) => format!("{address}.{kind}[{name}]"),
                        None => format!("{address}.{kind}[{at}]"),
                    };
                    *at += 1;
                    self.body(block, &inner.body, &inside, held_by);
                    continue;
                }
            };
            let key = attribute.key.as_str();
            let own = format!("{address}.{key}");
            if key == "permissions_boundary" {
                let what = self.defined(block, &attribute.value, false);
                self.add(attribute.span(), own, held_by.clone(), What::Boundary(what));
            } else if HANDING.contains(&key) && !address.starts_with("aws_iam_") && !self.is_followed(block) {
                let what = self.defined(block, &attribute.value, false);
                self.add(attribute.span(), own, held_by.clone(), What::Elsewhere(what));
            } else if ATTACHED.contains(&key) {
                for each in elements(&attribute.value) {
                    let what = self.defined(block, each, false);
                    let own = format!("{own}[{}]", self.references.shown(&what));
                    self.add(
                        each.span().or(attribute.span()),
                        own,
                        held_by.clone(),
                        What::Elsewhere(what),
                    );
                    if let Some(item) = self.items.last_mut() {
                        item.makers = makers(&self.of.project, &self.dir, each);
                    }
                }
            } else if (!self.documents(block, attribute, &own, held_by) || !is_plain(&attribute.value))
                && holds_policy(key, &attribute.value)
            {
                let what = self.defined(block, &attribute.value, false);
                self.add(attribute.span(), own, held_by.clone(), What::Elsewhere(what));
                if let Some(item) = self.items.last_mut() {
                    item.reads = file_of(&self.of.project, &self.dir, &attribute.value);
                }
            }
        }
    }

    /// The documents that are written in an attribute; whether there is one.
    fn documents(
        &mut self,
        block: &'a Block,
        attribute: &Attribute,
        address: &str,
        held_by: &BTreeSet<String>,
    ) -> bool {
        let mut found = Vec::new();
        written(self.text, &attribute.value, &mut found);
        if !found.is_empty()
            && let Expression::Conditional(choice) = &attribute.value
        {
            let what = self.defined(block, &choice.cond_expr, false);
            let what = What::Elsewhere(format!("one of two policies, if {what},"));
            self.add(attribute.span(), format!("{address} if"), held_by.clone(), what);
        }
        for written in &found {
            let (span, document) = match written {
                Written::Tree(node) => (node.span.clone(), self.document(block, node, None)),
                Written::Value(span, value) => (
                    span.clone(),
                    Document {
                        policy: Ok(value.clone()),
                        opaque: Vec::new(),
                        text: value.to_string(),
                        lines: Vec::new(),
                    },
                ),
            };
            self.add(
                Some(span),
                address.to_owned(),
                held_by.clone(),
                What::Document(document),
            );
        }
        !found.is_empty()
    }

    /// The values of locals that are written out, in the place of their names.
    fn resolved(&self, root: &Node) -> Node {
        let kind = match &root.kind {
            Kind::Unknown => {
                let name = self
                    .text
                    .get(root.span.clone())
                    .and_then(|text| text.trim().strip_prefix("local."));
                let module = self.of.project.modules.get(&self.dir);
                let value = name.and_then(|name| module?.local(name)).map(|value| node(value).kind);
                value.filter(is_written_out).unwrap_or(Kind::Unknown)
            }
            Kind::List(elements) => Kind::List(elements.iter().map(|each| self.resolved(each)).collect()),
            Kind::Map(members) => {
                let members = members.iter().map(|member| Member {
                    value: self.resolved(&member.value),
                    ..member.clone()
                });
                Kind::Map(members.collect())
            }
            Kind::Text(_) | Kind::Plain(_) => root.kind.clone(),
        };
        Node {
            span: root.span.clone(),
            kind,
        }
    }

    fn document(&mut self, block: &'a Block, root: &Node, left: Option<&str>) -> Document {
        let root = &self.resolved(root);
        let (of, dir) = (self.of, self.dir.clone());
        let define = move |text: &str| of.of(&dir, Some(block), text, false);
        Reader {
            text: self.text,
            define: &define,
            references: self.references,
        }
        .document(root, left)
    }

    /// What a reference to a document leaves open, where that document is compared where it stands: a file that holds nothing
    /// else, a local that is nothing else.
    fn stands_elsewhere(&self, expression: &Expression) -> Option<String> {
        match expression {
            Expression::FuncCall(call) if matches!(call.name.name.as_str(), "file" | "templatefile") => {
                let mut arguments = call.args.iter();
                let read = read_by(&self.of.project, &self.dir, call);
                let [Read::File(path)] = &read[..] else { return None };
                arguments.next();
                let rest: Vec<String> = arguments.map(|argument| words(&argument.to_string())).collect();
                template::is_document(path, self.of.text(path)?).then(|| format!("[{}]", rest.join(", ")))
            }
            Expression::Traversal(traversal) => {
                let (path, indices) = path_of(traversal);
                let (["local", name], []) = (&path[..], &indices[..]) else {
                    return None;
                };
                let value = self.of.project.modules.get(&self.dir)?.local(name)?;
                match value {
                    Expression::FuncCall(call) if call.name.name.as_str() == "jsonencode" => {
                        let argument = call.args.iter().next()?;
                        may_be_policy(&node(argument)).then(|| "[]".to_owned())
                    }
                    Expression::FuncCall(_) => self.stands_elsewhere(value),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// An expression with all that defines it, as one text.
    fn defined(&mut self, block: &'a Block, expression: &Expression, whose: bool) -> String {
        if let Some(rest) = self.stands_elsewhere(expression) {
            let definition = self.of.of(&self.dir, Some(block), &rest, whose);
            return self.references.variable(&words(&expression.to_string()), definition);
        }
        match node(expression).literal() {
            Some(text) => text,
            None => {
                let text = words(&expression.to_string());
                let definition = self.of.of(&self.dir, Some(block), &text, whose);
                self.references.variable(&text, definition)
            }
        }
    }

    /// What a module of the folder is given is followed into it.
    fn is_followed(&self, block: &Block) -> bool {
        block.has_ident("module") && self.of.project.called(&self.dir, block).is_some()
    }

    /// Whom what a block makes is for, as `body` has it.
    fn held_by(&mut self, block: &'a Block, body: &Body) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let is_followed = self.is_followed(block);
        for attribute in body.attributes().filter(|_| !is_followed) {
            let key = attribute.key.as_str();
            if HOLDERS.contains(&key) {
                for each in elements(&attribute.value) {
                    let who = self.defined(block, each, true);
                    all.insert(format!("{key}={who}"));
                }
            }
        }
        for key in ["count", "for_each"] {
            let who = body
                .get_attribute(key)
                .map(|attribute| self.defined(block, &attribute.value, true));
            all.extend(who.map(|who| format!("{key}={who}")));
        }
        if !body.has_attribute("count") && !body.has_attribute("for_each") {
            all.insert("count=1".to_owned());
        }
        // What is ignored of it is not what is written.
        let settings = block.body.blocks().find(|inner| inner.has_ident("lifecycle"));
        let ignored = settings.and_then(|settings| settings.body.get_attribute("ignore_changes"));
        let ignored = ignored.map(|ignored| words(&ignored.value.to_string()));
        all.insert(format!("ignore_changes={}", ignored.as_deref().unwrap_or("[]")));
        // Another provider may make it in another account.
        for key in ["provider", "providers"] {
            let written = block
                .body
                .get_attribute(key)
                .map(|attribute| words(&attribute.value.to_string()));
            all.insert(format!("{key}={}", written.as_deref().unwrap_or("default")));
        }
        all
    }

    fn add(&mut self, span: Option<Range<usize>>, address: String, held_by: BTreeSet<String>, what: What) {
        self.items.push(Item {
            file: self.path.clone(),
            line: span.map(|span| line_of(self.text, span.start)),
            address,
            in_folder: true,
            held_by,
            makers: Vec::new(),
            reads: None,
            what,
        });
    }
}

/// Whether a value is a string or a list of strings, all of it written.
fn is_written_out(kind: &Kind) -> bool {
    match kind {
        Kind::Text(pieces) => pieces.iter().all(|piece| matches!(piece, Piece::Literal(_))),
        Kind::List(elements) => elements.iter().all(|each| each.literal().is_some()),
        Kind::Plain(_) | Kind::Map(_) | Kind::Unknown => false,
    }
}

/// Whether a module is called as if it granted something.
pub(super) fn grants_by_name(source: &str) -> bool {
    let words = [
        "iam",
        "role",
        "polic",
        "permission",
        "access",
        "irsa",
        "oidc",
        "lambda",
        "eks",
        "kms",
        "sso",
    ];
    let source = source.to_lowercase();
    words.iter().any(|word| source.contains(word))
}

/// Whether an argument of a module that is not read may be of somebody, or of what they may do.
pub(super) fn may_matter(key: &str, value: &str) -> bool {
    let words = [
        "access",
        "account",
        "action",
        "acl",
        "admin",
        "allow",
        "arn",
        "auth",
        "grant",
        "group",
        "iam",
        "member",
        "owner",
        "permission",
        "polic",
        "principal",
        "public",
        "role",
        "statement",
        "trust",
        "user",
    ];
    let (key, value) = (key.to_lowercase(), value.to_lowercase());
    words.iter().any(|word| key.contains(word) || value.contains(word))
}

/// Whether the documents written in an expression are all that it says: no other function has its hands in them.
fn is_plain(expression: &Expression) -> bool {
    match expression {
        Expression::FuncCall(call) => call.name.name.as_str() == "jsonencode",
        Expression::Parenthesis(inner) => is_plain(inner.inner()),
        Expression::Conditional(choice) => is_plain(&choice.true_expr) && is_plain(&choice.false_expr),
        Expression::Array(all) => all.iter().all(is_plain),
        Expression::Object(all) => all.iter().all(|(_, value)| is_plain(value.expr())),
        Expression::String(_)
        | Expression::HeredocTemplate(_)
        | Expression::Null(_)
        | Expression::Bool(_)
        | Expression::Number(_) => true,
        Expression::StringTemplate(_)
        | Expression::Variable(_)
        | Expression::Traversal(_)
        | Expression::UnaryOp(_)
        | Expression::BinaryOp(_)
        | Expression::ForExpr(_) => false,
    }
}

/// Whether an attribute hands on a policy that is not written in it.
fn holds_policy(key: &str, value: &Expression) -> bool {
    let literal = node(value).literal().is_some();
    let names = ["policy", "policies", "statement", "boundary", "managed"];
    // Names and paths of policies are no policies.
    let is_name = ["name", "path", "description", "prefix", "type", "id", "version"]
        .iter()
        .any(|end| key.ends_with(end));
    !literal && !is_name && names.iter().any(|name| key.contains(name)) || key == "content" && !literal
}

/// A document in an expression.
enum Written {
    Tree(Node),
    Value(Range<usize>, Value),
}

fn written(text: &str, expression: &Expression, found: &mut Vec<Written>) {
    match expression {
        Expression::HeredocTemplate(heredoc) => {
            if let Some(inside) = lines_of(text, heredoc) {
                let root = json::root(&text[inside.clone()], inside.start, Syntax::Heredoc);
                root.iter().for_each(|root| policies(root, found));
            }
        }
        Expression::FuncCall(call) if encodes(call) => {
            let arguments = call.args.iter();
            arguments.for_each(|argument| policies(&node(argument), found));
        }
        Expression::String(literal) if literal.contains("\"Statement\"") => {
            if let Ok(value) = serde_json::from_str::<Value>(literal.as_str()) {
                found.push(Written::Value(expression.span().unwrap_or_default(), value));
            }
        }
        other => children(other)
            .into_iter()
            .for_each(|child| written(text, child, found)),
    }
}

/// The policies in a tree.
fn policies(root: &Node, found: &mut Vec<Written>) {
    if may_be_policy(root) {
        found.push(Written::Tree(root.clone()));
        return;
    }
    match &root.kind {
        Kind::List(elements) => elements.iter().for_each(|each| policies(each, found)),
        Kind::Map(members) => members.iter().for_each(|member| policies(&member.value, found)),
        Kind::Text(_) | Kind::Plain(_) | Kind::Unknown => {}
    }
}

/// The elements of a list that is written out, `toset` around it or not; anything else is one.
fn elements(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::Array(array) => array.iter().collect(),
        Expression::FuncCall(call) if call.name.name.as_str() == "toset" => {
            call.args.iter().flat_map(elements).collect()
        }
        other => vec![other],
    }
}
