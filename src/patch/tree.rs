//! A policy document where somebody wrote it: a tree whose nodes know the bytes that they stand in.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

/// The language that a document is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Syntax {
    /// JSON in a file of its own, in a CloudFormation template, or in a block of YAML.
    Json,
    /// JSON in a Terraform heredoc, where `${` is written `$${`.
    Heredoc,
    /// The argument of Terraform's `jsonencode`.
    Hcl,
    /// Terraform's `aws_iam_policy_document`.
    DataSource,
    /// Its statements as objects: the argument `policy_statements` of a module.
    Statements,
    /// Its statements in Terraform's JSON.
    JsonStatements,
    /// YAML, as a rule of CloudFormation.
    Yaml,
}

impl Syntax {
    /// Whether the elements of statements are called as Terraform's data source has them: `not_actions`.
    pub(super) fn is_lower(self) -> bool {
        match self {
            Syntax::DataSource | Syntax::Statements | Syntax::JsonStatements => true,
            Syntax::Json | Syntax::Heredoc | Syntax::Hcl | Syntax::Yaml => false,
        }
    }
}

/// The Sid that a module gives to a statement without one, by its key, or does not.
pub(super) const KEY_SID: &str = "Sid by key";

/// A piece of a string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    Literal(String),
    /// `${var.bucket}`, `${AWS::AccountId}`: whatever it may stand for.
    Reference,
    /// What Terraform's AWS provider adds to a `name_prefix`.
    Suffix,
}

/// Something written at a place.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// What is written.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    /// A string.
    Text(Vec<Piece>),
    /// A number, a truth value or null.
    Plain(Value),
    List(Vec<Node>),
    Map(Vec<Member>),
    /// An expression: `var.actions`, `!GetAtt Queue.Arn`.
    Unknown,
}

/// A named value of a map.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) name_span: Range<usize>,
    pub(super) value: Node,
}

/// A policy document in a file.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Document {
    pub(super) syntax: Syntax,
    pub(super) root: Node,
    /// Names written around it: of the resource, the policy, the role.
    pub(super) names: Vec<String>,
    /// The same with open parts.
    pub(super) patterns: Vec<Vec<Piece>>,
    /// What the policy is called, where that is written.
    pub(super) policy: Option<Vec<Piece>>,
    /// The tags of who has the policy, where they are written around it.
    pub(super) tags: Vec<(String, String)>,
    /// Why it is not edited, where it cannot be.
    pub(super) left: Option<String>,
    /// What others of its module refer to it by: `data.aws_iam_policy_document.app`, `local.app`.
    pub(super) address: Option<String>,
    /// The documents that it takes in, and what for the answer is told if they are not followed.
    pub(super) takes: Takes,
}

/// The documents that one takes in.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) enum Takes {
    /// None: it is all that the policy says.
    #[default]
    Nothing,
    /// Others of its module, whose statements stand before and behind its own.
    Others(Vec<Taken>, Vec<Taken>),
    /// What is not written, before and behind its own statements.
    Unwritten,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// `data.aws_iam_policy_document.app`, `local.app`
    Address(String),
    /// What is not followed, as it is written.
    Other(String),
}

impl Document {
    /// A document with names around it.
    pub(super) fn of(syntax: Syntax, root: Node, names: &[String]) -> Document {
        Document {
            syntax,
            root,
            names: names.to_vec(),
            patterns: Vec::new(),
            policy: None,
            tags: Vec::new(),
            left: None,
            address: None,
            takes: Takes::Nothing,
        }
    }
}

/// A policy with these statements, which are written without one around them.
pub(super) fn around(span: Range<usize>, version: Option<Node>, statements: Vec<Node>) -> Node {
    let start = span.start..span.start;
    let version = version.unwrap_or_else(|| Node {
        span: start,
        kind: Kind::Text(vec![Piece::Literal("2012-10-17".to_owned())]),
    });
    let member = |name: &str, value: Node| Member {
        name: name.to_owned(),
        name_span: value.span.clone(),
        value,
    };
    let list = Node {
        span: span.clone(),
        kind: Kind::List(statements),
    };
    Node {
        span,
        kind: Kind::Map(vec![member("Version", version), member("Statement", list)]),
    }
}

/// How well a document says what a policy says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fit {
    /// It says something else.
    No,
    /// It does if its references stand for what the policy has there.
    WithReferences,
    /// It says the same.
    Exact,
}

impl Node {
    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        match &self.kind {
            Kind::Map(members) => members.iter().find(|member| member.name == name),
            Kind::Text(_) | Kind::Plain(_) | Kind::List(_) | Kind::Unknown => None,
        }
    }

    /// A list's elements; anything else is a list of one.
    pub(super) fn elements(&self) -> &[Node] {
        match &self.kind {
            Kind::List(elements) => elements,
            Kind::Text(_) | Kind::Plain(_) | Kind::Map(_) | Kind::Unknown => std::slice::from_ref(self),
        }
    }

    /// The string, where it holds no reference.
    pub(super) fn literal(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(text) => Some(text.as_str()),
                    Piece::Reference | Piece::Suffix => None,
                })
                .collect(),
            Kind::Plain(value) => scalar(value),
            Kind::List(_) | Kind::Map(_) | Kind::Unknown => None,
        }
    }
}

/// Whether this looks like a policy: a map with statements that have an effect.
pub(super) fn is_policy(node: &Node) -> bool {
    let Some(statement) = node.member("Statement") else {
        return false;
    };
    let statements = statement.value.elements();
    !statements.is_empty() && statements.iter().all(|each| each.member("Effect").is_some())
}

/// How well a document says what `policy` says; the order of lists inside a statement and a list of one apart.
pub(super) fn fit(document: &Node, policy: &Value) -> Fit {
    let Some(object) = policy.as_object() else {
        return Fit::No;
    };
    let Kind::Map(members) = &document.kind else {
        return Fit::No;
    };
    if members.len() != object.len() {
        return Fit::No;
    }
    let mut fit = Fit::Exact;
    for member in members {
        let Some(value) = object.get(&member.name) else {
            return Fit::No;
        };
        fit = fit.min(if member.name == "Statement" {
            let (written, known) = (member.value.elements(), elements(value));
            if written.len() != known.len() {
                return Fit::No;
            }
            let each = written.iter().zip(known).map(|(node, value)| fit_members(node, value));
            each.min().unwrap_or(Fit::Exact)
        } else {
            fit_value(&member.value, value)
        });
    }
    fit
}

/// A map against an object: the same names with values that fit.
fn fit_members(node: &Node, value: &Value) -> Fit {
    let (Kind::Map(members), Some(object)) = (&node.kind, value.as_object()) else {
        return Fit::No;
    };
    let by_key = |member: &&Member| member.name == KEY_SID;
    let missing = members.iter().filter(by_key).filter(|_| !object.contains_key("Sid"));
    if members.len() - missing.count() != object.len() {
        return Fit::No;
    }
    let each = members.iter().map(|member| {
        let name = if by_key(&member) { "Sid" } else { &member.name };
        match object.get(name) {
            Some(value) => fit_value(&member.value, value),
            None if by_key(&member) => Fit::Exact,
            None => Fit::No,
        }
    });
    each.min().unwrap_or(Fit::Exact)
}

fn fit_value(node: &Node, value: &Value) -> Fit {
    match &node.kind {
        Kind::Unknown => Fit::WithReferences,
        Kind::Map(_) => fit_members(node, value),
        Kind::List(_) | Kind::Text(_) | Kind::Plain(_) => fit_set(node.elements(), elements(value)),
    }
}

/// Lists of strings as sets; every reference must stand for something that is left over.
fn fit_set(nodes: &[Node], values: &[Value]) -> Fit {
    let Some(values) = values.iter().map(scalar).collect::<Option<BTreeSet<String>>>() else {
        return Fit::No;
    };
    let mut left = values.clone();
    let mut open = Vec::new();
    for node in nodes {
        match node.literal() {
            Some(text) if values.contains(&text) => drop(left.remove(&text)),
            Some(_) => return Fit::No,
            None => open.push(node),
        }
    }
    if open.is_empty() {
        return if left.is_empty() { Fit::Exact } else { Fit::No };
    }
    let left: Vec<String> = left.into_iter().collect();
    let mut unknown = 0;
    let mut choices: Vec<Vec<usize>> = Vec::new();
    for node in open {
        match &node.kind {
            Kind::Text(pieces) => {
                let fitting = (0..left.len()).filter(|at| stands_for(pieces, &left[*at]));
                choices.push(fitting.collect());
            }
            Kind::Unknown => unknown += 1,
            // Nothing that a policy has in such a list.
            Kind::Plain(_) | Kind::List(_) | Kind::Map(_) => return Fit::No,
        }
    }
    if !paired(&choices, left.len()) {
        return Fit::No;
    }
    // An expression in a list may stand for several values.
    let rest = left.len() - choices.len();
    if rest < unknown || (unknown == 0 && rest > 0) {
        return Fit::No;
    }
    Fit::WithReferences
}

/// Whether each can have one of its choices for itself: augmenting paths, as a greedy choice may take another's only one.
pub(super) fn paired(choices: &[Vec<usize>], values: usize) -> bool {
    fn find(one: usize, choices: &[Vec<usize>], of: &mut [Option<usize>], seen: &mut [bool]) -> bool {
        for &value in &choices[one] {
            if !std::mem::replace(&mut seen[value], true)
                && of[value].is_none_or(|other| find(other, choices, of, seen))
            {
                of[value] = Some(one);
                return true;
            }
        }
        false
    }
    let mut of = vec![None; values];
    (0..choices.len()).all(|one| find(one, choices, &mut of, &mut vec![false; values]))
}

/// The digits of a time that the provider adds to a `name_prefix`, and those of a counter, in base 16 (Terraform plugin SDK,
/// `id.PrefixedUniqueId`).
const SUFFIX: (usize, usize) = (18, 8);

/// Whether a string is `text` for some value of each of its references.
pub(super) fn stands_for(pieces: &[Piece], text: &str) -> bool {
    if let [before @ .., Piece::Suffix] = pieces {
        let at = text.len().checked_sub(SUFFIX.0 + SUFFIX.1);
        let parts = at.and_then(|at| text.split_at_checked(at));
        return parts.is_some_and(|(start, suffix)| {
            let (time, count) = suffix.as_bytes().split_at(SUFFIX.0);
            time.iter().all(u8::is_ascii_digit) && count.iter().all(u8::is_ascii_hexdigit) && stands_for(before, start)
        });
    }
    let mut rest = text;
    let mut open = false;
    for (index, piece) in pieces.iter().enumerate() {
        let Piece::Literal(literal) = piece else {
            open = true;
            continue;
        };
        let at = match (open, index + 1 == pieces.len()) {
            (true, true) => rest
                .len()
                .checked_sub(literal.len())
                .filter(|_| rest.ends_with(literal.as_str())),
            (true, false) => rest.find(literal.as_str()),
            (false, _) => rest.starts_with(literal.as_str()).then_some(0),
        };
        let Some(at) = at else {
            return false;
        };
        rest = &rest[at + literal.len()..];
        open = false;
    }
    open || rest.is_empty()
}

/// A list's elements; anything else is a list of one.
pub(super) fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// A string, number or truth value as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The pieces of a template string: `${…}` is a reference, `escape` followed by `{` stands for `${`.
///
/// Terraform escapes with `$${`, CloudFormation's Sub with `${!name}`, which is `${name}`.
pub(super) fn pieces(text: &str, language: Template) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if language == Template::Terraform && before.ends_with('$') {
            literal.push_str(&before[..before.len() - 1]);
            literal.push_str("${");
            rest = &from[2..];
            continue;
        }
        literal.push_str(before);
        if language == Template::Sub
            && let Some(after) = from.strip_prefix("${!")
        {
            literal.push_str("${");
            rest = after;
            continue;
        }
        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        pieces.push(Piece::Reference);
        rest = closing(from).map_or("", |end| &from[end..]);
    }
    literal.push_str(rest);
    pieces.push(Piece::Literal(literal));
    pieces.retain(|piece| *piece != Piece::Literal(String::new()));
    pieces
}

/// Who expands `${…}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Template {
    Terraform,
    Sub,
}

/// Behind the brace that closes the first one.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
