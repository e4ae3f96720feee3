//! A policy that nothing needs, in a CloudFormation template: its resource goes with its attachments, or its entry in the
//! list of a role, user or group, where nothing else refers to it.

use std::ops::Range;

use super::edits::{Edit, apply, without_elements};
use super::forms::SAM;
use super::tree::{Document, Kind, Member, Node, Piece, Syntax, Takes};
use super::{cloudformation, json, shift};

/// What holds inline policies in a list.
const HOLDERS: [&str; 3] = ["AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User"];
/// What puts a policy into those whom it names.
const INLINE: [&str; 4] = [
    "AWS::IAM::GroupPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::UserPolicy",
];
/// The lists of a policy of those who have it.
const OWNERS: [&str; 3] = ["Groups", "Roles", "Users"];

/// How many live policies are made of a document, and by how many principals each is held at most.
pub(super) struct Known {
    pub(super) made: usize,
    pub(super) owners: usize,
}

/// The bytes of a template that go with the policy that `document` says.
///
/// # Errors
/// Why they stay, in words.
pub(super) fn parts(text: &str, document: &Document, known: &Known) -> Result<Vec<Range<usize>>, String> {
    let stack = Stack::read(text).ok_or("it stands in no template that can be read whole")?;
    if document.takes != Takes::Nothing {
        return Err("some of it is written elsewhere".to_owned());
    }
    let resources = member(&stack.root, "Resources").ok_or("it stands in no template")?;
    let holds = |member: &Member| {
        let (around, inner) = (&member.value.span, &document.root.span);
        around.start <= inner.start && inner.end <= around.end
    };
    let at = members(resources)
        .iter()
        .position(holds)
        .ok_or("it stands in no resource")?;
    let resource = &members(resources)[at];
    let kind = literal(&resource.value, "Type").unwrap_or_default();
    let properties = member(&resource.value, "Properties").ok_or("it stands in no resource")?;
    let is_document = |node: &Node| member(node, "PolicyDocument").is_some_and(|it| it.span == document.root.span);
    let is_itself = |node: &Node| node.span == document.root.span;
    let more = || format!("{} makes more than it", resource.name);
    let is_entry = match (HOLDERS.contains(&kind.as_str()), SAM.contains(&kind.as_str())) {
        (true, _) => Some(&is_document as &dyn Fn(&Node) -> bool),
        (_, true) => Some(&is_itself as &dyn Fn(&Node) -> bool),
        (false, false) => None,
    };
    let gone = if let Some(is_entry) = is_entry {
        let list = member(properties, "Policies").ok_or_else(more)?;
        let goes: Vec<bool> = list.elements().iter().map(is_entry).collect();
        stack.without_some(properties, "Policies", &goes)?
    } else if is_document(properties) && (INLINE.contains(&kind.as_str()) || kind == "AWS::IAM::ManagedPolicy") {
        stack.resource(resources, at, kind == "AWS::IAM::ManagedPolicy", known)?
    } else {
        return Err(more());
    };
    stack.prove(&gone)?;
    Ok(gone)
}

/// An entry of a list of managed policies.
pub(super) struct Entry {
    /// The resource that has the list.
    pub(super) id: String,
    /// `role` or `user`, and what it is called, where that is written.
    pub(super) kind: &'static str,
    pub(super) name: Option<Vec<Piece>>,
    pub(super) at: usize,
    /// The bytes that go with it.
    pub(super) gone: Result<Vec<Range<usize>>, String>,
}

/// The roles and users of a template that have a managed policy, by its ARN.
pub(super) fn attached(text: &str, arn: &str) -> Vec<Entry> {
    let Some(stack) = Stack::read(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for resource in member(&stack.root, "Resources").map(members).unwrap_or_default() {
        let (kind, named) = match literal(&resource.value, "Type").as_deref() {
            Some("AWS::IAM::Role") => ("role", "RoleName"),
            Some("AWS::IAM::User") => ("user", "UserName"),
            Some(_) | None => continue,
        };
        let Some(properties) = member(&resource.value, "Properties") else {
            continue;
        };
        let Some(list) = member(properties, "ManagedPolicyArns") else {
            continue;
        };
        let goes: Vec<bool> = list
            .elements()
            .iter()
            .map(|each| each.literal().as_deref() == Some(arn))
            .collect();
        let Some(first) = goes.iter().position(|goes| *goes) else {
            continue;
        };
        let gone = stack.without_some(properties, "ManagedPolicyArns", &goes);
        found.push(Entry {
            id: resource.name.clone(),
            kind,
            name: match member(properties, named).map(|name| &name.kind) {
                Some(Kind::Text(name)) => Some(name.clone()),
                Some(_) | None => None,
            },
            at: list.elements()[first].span.start,
            gone: gone.and_then(|gone| stack.prove(&gone).map(|()| gone)),
        });
    }
    found
}

/// What goes of Terraform's JSON with a block, told by the keys that lead to it: with it maps that hold nothing else.
pub(super) fn without_block(text: &str, path: &[&str]) -> Result<Range<usize>, String> {
    let unread = || "it is not found in its file".to_owned();
    let stack = Stack::read(text).ok_or_else(unread)?;
    let (mut node, mut found) = (&stack.root, None);
    for key in path {
        let mut named = members(node)
            .iter()
            .enumerate()
            .filter(|(_, member)| member.name == *key);
        let (at, one) = named.next().filter(|_| named.next().is_none()).ok_or_else(unread)?;
        // The innermost map that holds more.
        if members(node).len() > 1 {
            found = Some((node, at));
        }
        node = &one.value;
    }
    if !matches!(node.kind, Kind::Map(_)) {
        return Err("several stand at its place".to_owned());
    }
    let (map, at) = found.ok_or("nothing else stands in its file")?;
    let gone = stack.without_member(map, at)?;
    stack.prove(std::slice::from_ref(&gone))?;
    Ok(gone)
}

/// A template.
struct Stack<'t> {
    text: &'t str,
    root: Node,
    syntax: Syntax,
}

impl Stack<'_> {
    /// `None` where some of it cannot be read.
    fn read(text: &str) -> Option<Stack<'_>> {
        let (inner, mark) = match text.strip_prefix('\u{feff}') {
            Some(rest) => (rest, '\u{feff}'.len_utf8()),
            None => (text, 0),
        };
        let found = match inner.trim_start().starts_with('{') {
            true => json::root(inner, 0, Syntax::Json).map(|root| (root, Syntax::Json)),
            false => None,
        };
        let (mut root, syntax) = match found {
            Some(found) => found,
            None => {
                let read = cloudformation::roots(inner);
                let mut nodes = read.nodes;
                let only = nodes.pop().filter(|_| nodes.is_empty() && read.is_whole)?;
                (only, Syntax::Yaml)
            }
        };
        shift(&mut root, mark);
        Some(Stack { text, root, syntax })
    }

    /// A resource that is a policy, with the references that attach it.
    fn resource(
        &self,
        resources: &Node,
        at: usize,
        is_managed: bool,
        known: &Known,
    ) -> Result<Vec<Range<usize>>, String> {
        let resource = &members(resources)[at];
        let id = &resource.name;
        if literal(&resource.value, "DeletionPolicy").is_some_and(|kept| kept != "Delete") {
            return Err(format!("{id} has a `DeletionPolicy`"));
        }
        let properties = member(&resource.value, "Properties");
        let named = OWNERS.into_iter().filter_map(|list| member(properties?, list));
        let mut owners = 0;
        for list in named {
            match &list.kind {
                Kind::List(all) => owners += all.len(),
                Kind::Text(_) | Kind::Plain(_) | Kind::Map(_) | Kind::Unknown => {
                    return Err(format!("whose {id} is stands elsewhere"));
                }
            }
        }
        if !is_managed && owners > known.made {
            return Err(format!("{id} is of more than the grants hold"));
        }
        let mut gone = vec![self.without_member(resources, at)?];
        if is_managed {
            for other in members(resources) {
                let kind = literal(&other.value, "Type").unwrap_or_default();
                let Some(properties) = member(&other.value, "Properties").filter(|_| HOLDERS.contains(&kind.as_str()))
                else {
                    continue;
                };
                let Some(list) = member(properties, "ManagedPolicyArns") else {
                    continue;
                };
                let goes: Vec<bool> = list.elements().iter().map(|each| self.is_reference(each, id)).collect();
                if goes.contains(&true) {
                    owners += goes.iter().filter(|goes| **goes).count();
                    gone.extend(self.without_some(properties, "ManagedPolicyArns", &goes)?);
                }
            }
            if owners < known.owners {
                return Err(format!("{id} is attached elsewhere, too"));
            }
        }
        for part in members(&self.root) {
            // A resource is told by its name, another part by its own.
            let inner = match part.name == "Resources" {
                true => members(&part.value),
                false => std::slice::from_ref(part),
            };
            if let Some(by) = inner.iter().find(|each| self.refers(each, id, &gone)) {
                return Err(format!("{} refers to it", by.name));
            }
        }
        Ok(gone)
    }

    /// Whether a value is nothing but a reference to a resource: `!Ref Policy`, `{"Ref": "Policy"}`.
    fn is_reference(&self, node: &Node, id: &str) -> bool {
        let plain: String = self
            .written(node)
            .chars()
            .filter(|c| !c.is_whitespace() && !"{}\"'".contains(*c))
            .collect();
        let name = plain.strip_prefix("!Ref").or_else(|| plain.strip_prefix("Ref:"));
        matches!(node.kind, Kind::Unknown) && name == Some(id)
    }

    /// Whether something below a member that does not go refers to a resource.
    fn refers(&self, member: &Member, id: &str, gone: &[Range<usize>]) -> bool {
        if is_in(member.name_span.start, gone) {
            return false;
        }
        match member.name.as_str() {
            "DependsOn" => member.value.elements().iter().any(|each| self.names(each, id)),
            _ => self.refers_in(&member.value, id, gone),
        }
    }

    fn refers_in(&self, node: &Node, id: &str, gone: &[Range<usize>]) -> bool {
        if is_in(node.span.start, gone) {
            return false;
        }
        match &node.kind {
            Kind::List(elements) => elements.iter().any(|each| self.refers_in(each, id, gone)),
            Kind::Map(members) => members.iter().any(|member| self.refers(member, id, gone)),
            Kind::Text(pieces) => pieces.contains(&Piece::Reference) && self.names(node, id),
            // What an anchor names is not read.
            Kind::Unknown | Kind::Plain(_) => self.names(node, id),
        }
    }

    /// Whether the word stands in what is written here.
    fn names(&self, node: &Node, id: &str) -> bool {
        let mut words = self.text[node.span.clone()].split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word == id)
    }

    /// What is written at a node, its tag included.
    fn written(&self, node: &Node) -> &str {
        &self.text[tagged(self.text, &node.span)]
    }

    /// A list in a map without some of its elements, or the map without a list of which all go.
    fn without_some(&self, map: &Node, name: &str, goes: &[bool]) -> Result<Vec<Range<usize>>, String> {
        let at = members(map).iter().position(|member| member.name == name);
        let at = at
            .filter(|_| goes.contains(&true))
            .ok_or("it is not found in its list")?;
        if goes.iter().all(|goes| *goes) {
            return Ok(vec![self.without_member(map, at)?]);
        }
        let list = &members(map)[at].value;
        let Kind::List(elements) = &list.kind else {
            return Err(format!("its `{name}` is no list"));
        };
        let elements = elements.iter().map(|each| Node {
            span: tagged(self.text, &each.span),
            kind: each.kind.clone(),
        });
        let list = Node {
            span: list.span.clone(),
            kind: Kind::List(elements.collect()),
        };
        without_elements(self.text, self.syntax, &list, goes)
    }

    /// A map without one of its members.
    fn without_member(&self, map: &Node, at: usize) -> Result<Range<usize>, String> {
        let all = members(map);
        let one = &all[at];
        let end_of = |member: &Member| {
            let end = member.value.span.end.max(member.name_span.end);
            self.text[..end].trim_end().len()
        };
        let (start, end) = (one.name_span.start, end_of(one));
        let line_end = |from: usize| self.text[from..].find('\n').map_or(self.text.len(), |at| from + at + 1);
        let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let starts_line = self.text[line..start].trim().is_empty();
        let rest = self.text[end..line_end(end)].trim();
        if all.len() == 1 {
            return Err("nothing else stands beside it".to_owned());
        }
        if self.syntax == Syntax::Yaml && !self.text[map.span.start..].starts_with('{') {
            if !starts_line || !(rest.is_empty() || rest.starts_with('#')) {
                return Err("it shares its lines with others".to_owned());
            }
            // A blank line behind it goes, too.
            let end = line_end(end);
            let next = line_end(end);
            let is_blank = end < self.text.len() && self.text[end..next].trim().is_empty();
            return Ok(line..if is_blank { next } else { end });
        }
        Ok(match (all.get(at + 1), at.checked_sub(1)) {
            (Some(_), _) if starts_line && rest == "," => line..line_end(end),
            (Some(next), _) => start..next.name_span.start,
            (None, Some(before)) => end_of(&all[before])..end,
            (None, None) => start..end,
        })
    }

    /// What is left says what it said.
    fn prove(&self, gone: &[Range<usize>]) -> Result<(), String> {
        let mut edits: Vec<Edit> = Vec::new();
        for range in gone {
            edits.push(Edit {
                range: range.clone(),
                text: String::new(),
            });
        }
        edits.sort_by_key(|edit| edit.range.start);
        let failed = || "it cannot be taken out of its file".to_owned();
        if edits.windows(2).any(|pair| pair[0].range.end > pair[1].range.start) {
            return Err(failed());
        }
        let after = apply(self.text, &edits);
        let left = Stack::read(&after).ok_or_else(failed)?;
        let is_same = left.syntax == self.syntax && self.says(&self.root, &left, &left.root, gone);
        is_same.then_some(()).ok_or_else(failed)
    }

    /// Whether a node without what goes says the same as another template's.
    fn says(&self, node: &Node, other: &Stack<'_>, same: &Node, gone: &[Range<usize>]) -> bool {
        match (&node.kind, &same.kind) {
            (Kind::List(a), Kind::List(b)) => {
                let a: Vec<&Node> = a.iter().filter(|each| !is_in(each.span.start, gone)).collect();
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.says(a, other, b, gone))
            }
            (Kind::Map(a), Kind::Map(b)) => {
                let a: Vec<&Member> = a.iter().filter(|each| !is_in(each.name_span.start, gone)).collect();
                let is_same =
                    |(a, b): (&&Member, &Member)| a.name == b.name && self.says(&a.value, other, &b.value, gone);
                a.len() == b.len() && a.iter().zip(b).all(is_same)
            }
            (Kind::Text(_) | Kind::Plain(_) | Kind::Unknown, _) => {
                node.kind == same.kind && self.written(node) == other.written(same)
            }
            (Kind::List(_) | Kind::Map(_), _) => false,
        }
    }
}

fn is_in(at: usize, gone: &[Range<usize>]) -> bool {
    gone.iter().any(|range| range.contains(&at))
}

/// A span with the tag that stands before it in YAML.
fn tagged(text: &str, span: &Range<usize>) -> Range<usize> {
    let before = text[..span.start].trim_end_matches([' ', '\t']);
    let word = before
        .rfind(|c: char| c.is_ascii_whitespace() || "[{,".contains(c))
        .map_or(0, |at| at + 1);
    match before[word..].starts_with('!') {
        true => word..span.end,
        false => span.clone(),
    }
}

fn members(node: &Node) -> &[Member] {
    match &node.kind {
        Kind::Map(members) => members,
        Kind::Text(_) | Kind::Plain(_) | Kind::List(_) | Kind::Unknown => &[],
    }
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.member(name).map(|member| &member.value)
}

fn literal(node: &Node, name: &str) -> Option<String> {
    member(node, name)?.literal()
}
