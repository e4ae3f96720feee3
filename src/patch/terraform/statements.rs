//! Statements as maps with Terraform's names for their elements: arguments of modules, and Terraform's JSON.

use hcl_edit::expr::Expression;

use super::{ATTRIBUTES, add_key, aws_variables, node};
use crate::patch::tree::{Document, KEY_SID, Kind, Member, Node, Piece, Syntax, around};

/// The policy that a module makes of an argument such as `policy_statements`; `None` where it is no such argument, or says
/// who.
///
/// (terraform-aws-modules, `iam.tf` of the lambda module and `main.tf` of the IAM modules: `dynamic "statement"` over the
/// argument, a map in the order of its keys, a Sid of the key where there is none.)
pub(super) fn argument(name: &str, value: &Expression, names: &[String]) -> Option<Document> {
    let is_like = name.contains("statement") || name.ends_with("_permissions");
    if !is_like || name.contains("trust") || name.contains("assume") {
        return None;
    }
    let written = node(value);
    let mut each: Vec<(Option<&Member>, &Node)> = match &written.kind {
        Kind::Map(members) => members.iter().map(|member| (Some(member), &member.value)).collect(),
        Kind::List(elements) => elements.iter().map(|element| (None, element)).collect(),
        Kind::Text(_) | Kind::Plain(_) | Kind::Unknown => return None,
    };
    each.sort_by_key(|(key, _)| key.map(|key| key.name.as_str()));
    let has_actions = |node: &Node| node.member("actions").is_some() || node.member("not_actions").is_some();
    if each.is_empty() || !each.iter().all(|(_, node)| has_actions(node)) {
        return None;
    }
    let mut left = None;
    let mut statements = Vec::new();
    for (key, node) in each {
        match statement(node, key) {
            Ok(found) => statements.push(found?),
            Err(why) => drop(left.get_or_insert(why)),
        }
    }
    let mut found = Document::of(Syntax::Statements, around(written.span, None, statements), names);
    found.left = left;
    Some(found)
}

/// A statement as IAM has it; `None` where it says who, as those of buckets and queues do.
///
/// # Errors
/// What it has that is not known.
pub(super) fn statement(written: &Node, key: Option<&Member>) -> Result<Option<Node>, String> {
    let Kind::Map(found) = &written.kind else {
        return Err("a statement is put together elsewhere".to_owned());
    };
    let start = key.map_or(written.span.start, |key| key.name_span.start);
    let span = start..written.span.end;
    let mut members = Vec::new();
    for member in found {
        let value = &member.value;
        let is_empty = matches!(&value.kind, Kind::Plain(value) if value.is_null())
            || matches!(&value.kind, Kind::List(all) if all.is_empty())
            || matches!(&value.kind, Kind::Map(all) if all.is_empty());
        match member.name.as_str() {
            "//" => {}
            _ if is_empty => {}
            // An empty Sid is no Sid.
            "sid" if value.literal().is_some_and(|sid| sid.is_empty()) => {}
            "principals" | "not_principals" => return Ok(None),
            "condition" | "conditions" => {
                let kind = Kind::Map(conditions(value).ok_or("a condition is put together elsewhere")?);
                let span = value.span.clone();
                members.push(Member {
                    name: "Condition".to_owned(),
                    name_span: member.name_span.clone(),
                    value: Node { span, kind },
                });
            }
            other => {
                let name = ATTRIBUTES.iter().find(|(written, _)| *written == other);
                let (_, name) = name.ok_or_else(|| format!("a statement has `{other}`"))?;
                members.push(Member {
                    name: (*name).to_owned(),
                    name_span: member.name_span.clone(),
                    value: aws_variables(value.clone()),
                });
            }
        }
    }
    let has = |name: &str| members.iter().any(|member| member.name == name);
    let (has_effect, has_sid) = (has("Effect"), has("Sid"));
    let text = |text: String, span: std::ops::Range<usize>| Node {
        span,
        kind: Kind::Text(vec![Piece::Literal(text)]),
    };
    if !has_effect {
        members.push(Member {
            name: "Effect".to_owned(),
            name_span: start..start,
            value: text("Allow".to_owned(), start..start),
        });
    }
    if let Some(key) = key.filter(|_| !has_sid) {
        let sid = key.name.chars().filter(char::is_ascii_alphanumeric).collect();
        members.push(Member {
            name: KEY_SID.to_owned(),
            name_span: key.name_span.clone(),
            value: text(sid, key.name_span.clone()),
        });
    }
    let kind = Kind::Map(members);
    Ok(Some(Node { span, kind }))
}

/// One condition, a list or a map of them.
fn conditions(written: &Node) -> Option<Vec<Member>> {
    let each: Vec<&Node> = match &written.kind {
        Kind::Map(_) if written.member("test").is_some() => vec![written],
        Kind::Map(members) => members.iter().map(|member| &member.value).collect(),
        Kind::List(elements) => elements.iter().collect(),
        Kind::Text(_) | Kind::Plain(_) | Kind::Unknown => return None,
    };
    let mut all = Vec::new();
    for one in each {
        let get = |name: &str| one.member(name).map(|member| &member.value);
        let (test, variable) = (get("test")?.literal()?, get("variable")?.literal()?);
        add_key(test, variable, get("values")?.clone(), one.span.clone(), &mut all);
    }
    Some(all)
}
