//! From a document and the policy that should stand in its place to the fewest bytes that must change.

mod layout;
mod lists;

use std::ops::Range;

use serde_json::Value;

use super::tree::{Document, KEY_SID, Kind, Member, Node, Syntax, elements, scalar};
use crate::iam::pattern;

/// Bytes of a file, and what to put in their place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// The keys of a statement that may change.
const CHANGES: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];

/// The edits that turn `document`, which says what `before` says, into what `after` says. `origins` are the places in
/// `before` that each statement of `after` comes from, where that is known.
///
/// # Errors
/// Why it takes more than shorter lists, fewer statements, and statements added beside those that they come from, in
/// words.
pub(super) fn edits(
    text: &str,
    document: &Document,
    before: &Value,
    after: &Value,
    origins: Option<&[Vec<usize>]>,
) -> Result<Vec<Edit>, String> {
    let none = Value::Null;
    let of = |policy: &Value| policy.get("Statement").cloned().unwrap_or(none.clone());
    let (old, new) = (of(before), of(after));
    let (old, new) = (elements(&old), elements(&new));
    let restructured = || "the suggestion joins or splits statements: put the new document in by hand".to_owned();
    let becomes = match origins.filter(|origins| origins.len() == new.len()) {
        Some(origins) => by_origin(old.len(), origins),
        None => align(old, new),
    };
    let becomes = becomes.ok_or_else(restructured)?;
    let statement = &document.root.member("Statement").ok_or_else(restructured)?.value;
    let writer = Writer { text, document };
    let mut edits = Vec::new();
    let goes: Vec<bool> = becomes.iter().map(Vec::is_empty).collect();
    if goes.contains(&true) {
        if writer.in_blocks(statement) {
            for (block, _) in statement.elements().iter().zip(&goes).filter(|(_, goes)| **goes) {
                edits.push(writer.without_block(&block.span)?);
            }
        } else {
            writer.without(statement, &goes, &mut edits)?;
        }
    }
    for ((node, old), new) in statement.elements().iter().zip(old).zip(&becomes) {
        let Some((first, more)) = new.split_first() else {
            continue;
        };
        let mut own = Vec::new();
        writer.statement(node, old, &new_at(after, *first), &mut own)?;
        let keyed = document.syntax == Syntax::Statements && writer.in_blocks(statement);
        let copies = more
            .iter()
            .map(|new| writer.copy(node, old, &new_at(after, *new), keyed));
        let copies: Vec<String> = copies.collect::<Result<_, _>>()?;
        match copies.is_empty() {
            true => edits.extend(own),
            false => writer.beside(statement, node, own, &copies, &mut edits),
        }
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    if edits.windows(2).any(|pair| pair[0].range.end > pair[1].range.start) {
        return Err(restructured());
    }
    Ok(edits)
}

fn new_at(after: &Value, index: usize) -> Value {
    after
        .get("Statement")
        .map(elements)
        .and_then(|statements| statements.get(index))
        .cloned()
        .unwrap_or_default()
}

/// The bytes of a list's elements that go, where some stay.
///
/// # Errors
/// Why they cannot be cut out, in words.
pub(super) fn without_elements(
    text: &str,
    syntax: Syntax,
    list: &Node,
    goes: &[bool],
) -> Result<Vec<Range<usize>>, String> {
    let document = Document::of(syntax, list.clone(), &[]);
    let writer = Writer {
        text,
        document: &document,
    };
    let mut edits = Vec::new();
    writer.without(list, goes, &mut edits)?;
    Ok(edits.into_iter().map(|edit| edit.range).collect())
}

/// The text with its edits, which are sorted and apart.
pub(super) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// For each old statement the new ones that it becomes, as the suggestion says; `None` where one came of several, or where
/// they changed places.
fn by_origin(old: usize, origins: &[Vec<usize>]) -> Option<Vec<Vec<usize>>> {
    let mut becomes = vec![Vec::new(); old];
    let mut last = 0;
    for (index, origin) in origins.iter().enumerate() {
        let &[from] = &origin[..] else {
            return None;
        };
        if from < last {
            return None;
        }
        becomes.get_mut(from)?.push(index);
        last = from;
    }
    Some(becomes)
}

/// For each old statement the new ones that it becomes, where nothing says it: the one that is the same but for actions,
/// which it covers if some order allows that, and if need be for resources; then those behind it that differ in their
/// Sid besides.
fn align(old: &[Value], new: &[Value]) -> Option<Vec<Vec<usize>>> {
    let attempts = [(&CHANGES[..2], true), (&CHANGES[..2], false), (&CHANGES[..], false)];
    let alone = attempts.into_iter().map(|(free, covers)| (free, covers, false));
    let mut all = alone.chain(attempts.into_iter().map(|(free, covers)| (free, covers, true)));
    all.find_map(|(free, covers, pairs)| {
        let rest = |statement: &Value, sid: bool| {
            let mut object = statement.as_object().cloned().unwrap_or_default();
            object.retain(|key, _| !free.contains(&key.as_str()) && (sid || key != "Sid"));
            object
        };
        let mut becomes = vec![Vec::new(); old.len()];
        let mut from = 0;
        for (index, statement) in new.iter().enumerate() {
            let wanted = rest(statement, true);
            let found = (from..old.len())
                .find(|at| rest(&old[*at], true) == wanted && (!covers || covers_actions(&old[*at], statement)));
            let at = match (found, from.checked_sub(1)) {
                (Some(at), _) => at,
                (None, Some(last)) if pairs && rest(&old[last], false) == rest(statement, false) => last,
                (None, _) => return None,
            };
            becomes[at].push(index);
            from = at + 1;
        }
        Some(becomes)
    })
}

/// Whether each action of the new statement is one of the old one's.
fn covers_actions(old: &Value, new: &Value) -> bool {
    let Some(action) = old.get("Action") else {
        return true;
    };
    let patterns: Vec<String> = elements(action).iter().filter_map(scalar).collect();
    let names = new.get("Action").map(elements).unwrap_or_default();
    names.iter().filter_map(scalar).all(|name| {
        let name = name.to_ascii_lowercase();
        patterns
            .iter()
            .any(|known| pattern::matches(&known.to_ascii_lowercase(), &name))
    })
}

/// A text of which all lines but the first stand two columns deeper.
fn deeper(text: &str) -> String {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or("").to_owned();
    lines.fold(first, |text, line| match line.trim().is_empty() {
        true => text + line,
        false => format!("{text}  {line}"),
    })
}

/// A list that must change, its new name where it gets another, and what it should hold.
type Changed<'n> = (&'n Member, Option<&'static str>, Vec<String>);

struct Writer<'a> {
    text: &'a str,
    document: &'a Document,
}

impl Writer<'_> {
    fn statement(&self, node: &Node, old: &Value, new: &Value, edits: &mut Vec<Edit>) -> Result<(), String> {
        self.sid(node, old, new, edits)?;
        for (member, renamed, wanted) in self.changes(node, old, new)? {
            if let Some(name) = renamed {
                self.rename(member, name, edits);
            }
            self.list(member, &wanted, renamed.is_none(), edits)?;
        }
        Ok(())
    }

    /// The lists that must change, each with its new name where it gets another, and what it should hold.
    fn changes<'n>(&self, node: &'n Node, old: &Value, new: &Value) -> Result<Vec<Changed<'n>>, String> {
        let mut all = Vec::new();
        for pair in CHANGES.chunks(2) {
            let key = |statement: &Value| pair.iter().copied().find(|key| statement.get(key).is_some());
            let (Some(old_key), Some(new_key)) = (key(old), key(new)) else {
                continue;
            };
            let found = self.changed(node, old_key, &old[old_key], new_key, &new[new_key])?;
            all.extend(found.map(|(member, wanted)| (member, (old_key != new_key).then_some(new_key), wanted)));
        }
        Ok(all)
    }

    /// The list that must change, and what it should hold; `None` where it holds that.
    fn changed<'n>(
        &self,
        node: &'n Node,
        old_key: &str,
        old: &Value,
        new_key: &str,
        new: &Value,
    ) -> Result<Option<(&'n Member, Vec<String>)>, String> {
        let wanted: Option<Vec<String>> = elements(new).iter().map(scalar).collect();
        let wanted = wanted.ok_or_else(|| format!("its new {new_key} is no list of strings"))?;
        let mut sorted = (
            wanted.clone(),
            elements(old).iter().filter_map(scalar).collect::<Vec<_>>(),
        );
        sorted.0.sort();
        sorted.1.sort();
        if old_key == new_key && sorted.0 == sorted.1 {
            return Ok(None);
        }
        let member = node
            .member(old_key)
            .ok_or_else(|| format!("its {old_key} is not written here"))?;
        Ok(Some((member, wanted)))
    }

    /// Puts another Sid in the place of one.
    fn sid(&self, node: &Node, old: &Value, new: &Value, edits: &mut Vec<Edit>) -> Result<(), String> {
        let (old, new) = (old.get("Sid"), new.get("Sid"));
        if old == new {
            return Ok(());
        }
        if let Some(by_key) = node.member(KEY_SID) {
            let suffix = new.and_then(Value::as_str).zip(old.and_then(Value::as_str));
            let suffix = suffix.and_then(|(new, old)| new.strip_prefix(old));
            edits.push(self.longer(&by_key.name_span, suffix.ok_or("its Sid is another: edit it by hand")?));
            return Ok(());
        }
        let (Some(member), Some(sid)) = (node.member("Sid"), new.and_then(Value::as_str)) else {
            return Err("a statement gets or loses its Sid: put the new document in by hand".to_owned());
        };
        if member.value.literal().is_none() {
            return Err("its Sid holds references: edit it by hand".to_owned());
        }
        let written = &member.value.span;
        edits.push(Edit {
            range: written.clone(),
            text: self.quoted(sid, &self.text[written.clone()]),
        });
        Ok(())
    }

    /// A key with a suffix.
    fn longer(&self, key: &Range<usize>, suffix: &str) -> Edit {
        let end = match self.text[key.clone()].ends_with('"') {
            true => key.end - 1,
            false => key.end,
        };
        Edit {
            range: end..end,
            text: suffix.to_owned(),
        }
    }

    /// The statement written once more, as `new` has it: what it refers to it goes on referring to. One of a map that is
    /// `keyed` gets a key of its own.
    fn copy(&self, node: &Node, old: &Value, new: &Value, keyed: bool) -> Result<String, String> {
        let mut edits = Vec::new();
        self.sid(node, old, new, &mut edits)?;
        if keyed && (node.member(KEY_SID).is_none() || edits.is_empty()) {
            let written = &self.text[node.span.clone()];
            let in_key = |c: char| c.is_ascii_alphanumeric() || "-_\"".contains(c);
            let length = written
                .find(|c| !in_key(c))
                .ok_or("its key is not written: add the new one by hand")?;
            edits.push(self.longer(&(node.span.start..node.span.start + length), "Unseen"));
        }
        for (member, renamed, wanted) in self.changes(node, old, new)? {
            if member.value.elements().iter().any(|each| each.literal().is_none()) {
                return Err(format!("its {} holds references: edit it by hand", member.name));
            }
            if let Some(name) = renamed {
                self.rename(member, name, &mut edits);
            }
            match &wanted[..] {
                [one] if !matches!(member.value.kind, Kind::List(_)) => {
                    let written = &member.value.span;
                    edits.push(Edit {
                        range: written.clone(),
                        text: self.quoted(one, &self.text[written.clone()]),
                    });
                }
                _ => edits.push(self.spread(member, &wanted)),
            }
        }
        Ok(self.within(&node.span, edits))
    }

    /// The text of a span with its edits.
    fn within(&self, span: &Range<usize>, mut edits: Vec<Edit>) -> String {
        for edit in &mut edits {
            edit.range = edit.range.start - span.start..edit.range.end - span.start;
        }
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        apply(&self.text[span.clone()], &edits)
    }

    /// A statement with its own edits, and copies of it behind it; one that stood alone becomes a list.
    fn beside(&self, list: &Node, node: &Node, own: Vec<Edit>, copies: &[String], edits: &mut Vec<Edit>) {
        if self.in_blocks(list) {
            edits.extend(own);
            let newline = self.newline();
            let lead = format!("{newline}{newline}{}", self.indentation(node.span.start));
            edits.push(Edit {
                range: node.span.end..node.span.end,
                text: copies.iter().map(|copy| format!("{lead}{copy}")).collect(),
            });
        } else if matches!(list.kind, Kind::List(_)) {
            edits.extend(own);
            edits.extend(self.behind(list, node, copies));
        } else if self.document.syntax == Syntax::Yaml && !self.text[node.span.start..].starts_with('{') {
            let newline = self.newline();
            let column = " ".repeat(self.column(node.span.start));
            let all = std::iter::once(self.within(&node.span, own)).chain(copies.iter().cloned());
            let dashed = all.map(|text| format!("- {}", deeper(&text)));
            edits.push(Edit {
                range: node.span.clone(),
                text: dashed.collect::<Vec<_>>().join(&format!("{newline}{column}")),
            });
        } else {
            let at = |at: usize, text: String| Edit { range: at..at, text };
            edits.push(at(node.span.start, "[".to_owned()));
            edits.extend(own);
            edits.push(at(node.span.end, format!(", {}]", copies.join(", "))));
        }
    }

    fn rename(&self, member: &Member, name: &str, edits: &mut Vec<Edit>) {
        let written = &self.text[member.name_span.clone()];
        let name = if self.document.syntax.is_lower() {
            match name {
                "NotAction" => "not_actions".to_owned(),
                "NotResource" => "not_resources".to_owned(),
                name => name.to_lowercase() + "s",
            }
        } else {
            name.to_owned()
        };
        let text = match written.chars().next() {
            Some(quote @ ('"' | '\'')) => format!("{quote}{name}{quote}"),
            Some(_) | None => name,
        };
        edits.push(Edit {
            range: member.name_span.clone(),
            text,
        });
    }

    /// Makes a list hold `wanted`; what it holds already stays where it is if `keep`.
    fn list(&self, member: &Member, wanted: &[String], keep: bool, edits: &mut Vec<Edit>) -> Result<(), String> {
        let node = &member.value;
        let written: Option<Vec<String>> = node.elements().iter().map(Node::literal).collect();
        let written = written.ok_or_else(|| format!("its {} holds references: edit it by hand", member.name))?;
        let listed = matches!(node.kind, Kind::List(_));
        if !listed && wanted.len() > 1 {
            edits.push(self.spread(member, wanted));
            return Ok(());
        }
        let kept: Vec<bool> = written.iter().map(|text| keep && wanted.contains(text)).collect();
        let mut added = wanted.iter().filter(|text| !(keep && written.contains(text)));
        let mut goes = vec![false; written.len()];
        let mut anchor = None;
        for (index, element) in node.elements().iter().enumerate() {
            if !kept[index] {
                match added.next() {
                    Some(text) => edits.push(Edit {
                        range: element.span.clone(),
                        text: self.quoted(text, &self.text[element.span.clone()]),
                    }),
                    None => {
                        goes[index] = true;
                        continue;
                    }
                }
            }
            anchor = Some(element);
        }
        if let Some(anchor) = anchor {
            let like = &self.text[anchor.span.clone()];
            let more: Vec<String> = added.map(|text| self.quoted(text, like)).collect();
            if !more.is_empty() {
                edits.extend(self.behind(node, anchor, &more));
            }
        }
        if goes.contains(&true) {
            self.without(node, &goes, edits)?;
        }
        Ok(())
    }

    /// A string as this document writes strings, quoted as `like` is where there is a choice.
    fn quoted(&self, text: &str, like: &str) -> String {
        let json = || Value::from(text).to_string();
        match self.document.syntax {
            Syntax::Json => json(),
            Syntax::Heredoc | Syntax::Hcl => json().replace("${", "$${").replace("%{", "%%{"),
            Syntax::DataSource | Syntax::Statements | Syntax::JsonStatements => {
                json().replace("${", "&{").replace("%{", "%%{")
            }
            Syntax::Yaml => {
                let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && !text.ends_with(':')
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:*?/.".contains(c));
                match like.chars().next() {
                    Some('\'') => format!("'{}'", text.replace('\'', "''")),
                    Some('"') => json(),
                    Some(_) | None if plain => text.to_owned(),
                    Some(_) | None => json(),
                }
            }
        }
    }

    /// One string becomes a list of several.
    fn spread(&self, member: &Member, wanted: &[String]) -> Edit {
        let value = &member.value.span;
        let like = &self.text[value.clone()];
        let quoted: Vec<String> = wanted.iter().map(|text| self.quoted(text, like)).collect();
        let newline = self.newline();
        let lead = self.indentation(member.name_span.start);
        let one_line = !self.text[self.document.root.span.clone()].contains('\n');
        if self.document.syntax == Syntax::Yaml && !self.in_brackets(member.name_span.start) {
            // The list stands below its key, from behind the colon on.
            let start = member.name_span.end
                + self.text[member.name_span.end..value.start]
                    .find(':')
                    .map_or(0, |at| at + 1);
            let column = " ".repeat(self.column(member.name_span.start) + 2);
            let text = quoted.iter().map(|text| format!("{newline}{column}- {text}")).collect();
            return Edit {
                range: start..value.end,
                text,
            };
        }
        let text = if one_line || self.document.syntax == Syntax::Yaml {
            format!("[{}]", quoted.join(", "))
        } else {
            let inner = format!("{lead}{}", self.unit());
            let lines = quoted.join(&format!(",{newline}{inner}"));
            format!("[{newline}{inner}{lines}{newline}{lead}]")
        };
        Edit {
            range: value.clone(),
            text,
        }
    }

    /// Whether the statements are blocks, or attributes of a map, which no comma parts.
    fn in_blocks(&self, list: &Node) -> bool {
        match self.document.syntax {
            Syntax::DataSource => true,
            Syntax::Statements => self.text[list.span.start..].starts_with('{'),
            Syntax::Json | Syntax::Heredoc | Syntax::Hcl | Syntax::JsonStatements | Syntax::Yaml => false,
        }
    }

    /// Takes a block out, with its lines and a blank one behind it.
    fn without_block(&self, block: &Range<usize>) -> Result<Edit, String> {
        if !self.starts_its_line(block) || !self.ends_its_line(block) {
            return Err("a statement to take out shares its lines with others: take it out by hand".to_owned());
        }
        let start = self.line_start(block.start);
        let mut end = self.line_end(block.end);
        let next = self.line_end(end + 1);
        if end < self.text.len() && self.text[end..next.min(self.text.len())].trim().is_empty() {
            end = next;
        }
        Ok(Edit {
            range: start..end,
            text: String::new(),
        })
    }
}
