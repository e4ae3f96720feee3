//! ARN templates: ARNs with placeholders that name the request's own parameters.

use std::borrow::Cow;

use super::form::Form;

/// An ARN with placeholders: `${Partition}`, `${Region}`, `${Account}` of the call, and request parameters by path.
///
/// * A path has dots between members, `[]` after a list and `{}` after a map: `${targets[].roleArn}`. Compare the case
///   of each member's first letter loosely: CloudTrail writes `functionName` where the API says `FunctionName`.
/// * `${path|form}` takes the resource's name out of values that hold more, see [`Form`].
/// * `${Account|path/path}` is the account that one of these parameters names, else that of the call.
/// * A parameter whose value is an ARN stands for the template up to its place, or lends its name: see [`Slot::names_in`].
/// * A `*` or `?` is a wildcard: the part that the request does not tell.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ArnTemplate(String);

/// A piece of an [`ArnTemplate`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part<'a> {
    /// Text as it stands; may hold `*`.
    Literal(Cow<'a, str>),
    /// The partition of the call, such as `aws`.
    Partition,
    /// The region of the call.
    Region,
    /// The account that owns the resource, as a rule the recipient account of the event.
    Account,
    /// The value of a request parameter.
    Parameter {
        /// Where in the request parameters.
        path: Cow<'a, str>,
        /// What the value holds.
        form: Form,
    },
}

/// What stands before the resource of an [`ArnTemplate`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// Such as `sqs`.
    pub service: String,
    /// The region, where it is not the call's.
    pub region: Option<String>,
    /// The account, where it is not the call's.
    pub account: Option<String>,
    /// Request parameters that may name the account instead.
    pub owner: Vec<String>,
}

impl ArnTemplate {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The template as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pieces in order.
    pub fn parts(&self) -> Vec<Part<'_>> {
        parts(&self.0)
    }
    /// What stands before the resource, and the resource's pieces. `None` where the template is no ARN of its own, but a
    /// parameter that holds one: then all pieces.
    pub fn split(&self) -> (Option<Head>, Vec<Part<'_>>) {
        let mut depth = false;
        let mut ends = Vec::new();
        for (at, byte) in self.0.bytes().enumerate() {
            match byte {
                b'{' => depth = true,
                b'}' => depth = false,
                b':' if !depth && ends.len() < 5 => ends.push(at),
                _ => {}
            }
        }
        let [_, partition, service, region, account] = ends[..] else {
            return (None, self.parts());
        };
        if !self.0.starts_with("arn:") {
            return (None, self.parts());
        }
        let text = |from: usize, to: usize| &self.0[from + 1..to];
        let fixed = |text: &str| (!text.starts_with("${")).then(|| text.to_owned());
        let owner = text(region, account).strip_prefix("${Account|").unwrap_or("");
        let owner = owner.trim_end_matches('}').split('/').filter(|path| !path.is_empty());
        let head = Head {
            service: text(partition, service).to_owned(),
            region: fixed(text(service, region)),
            account: fixed(text(region, account)),
            owner: owner.map(str::to_owned).collect(),
        };
        (Some(head), parts(&self.0[account + 1..]))
    }

    /// The paths of the request parameters that the template needs.
    pub fn parameters(&self) -> Vec<Cow<'_, str>> {
        self.parts()
            .into_iter()
            .filter_map(|part| match part {
                Part::Parameter { path, .. } => Some(path),
                Part::Literal(_) | Part::Partition | Part::Region | Part::Account => None,
            })
            .collect()
    }
}

/// Starts a variable that is the account which a parameter names.
const OWNER: &str = "Account|";

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    pieces(text, |piece| {
        parts.push(match piece {
            Piece::Literal(text) => Part::Literal(text.into()),
            Piece::Variable("Partition") => Part::Partition,
            Piece::Variable("Region") => Part::Region,
            Piece::Variable("Account") => Part::Account,
            Piece::Variable(path) if path.starts_with(OWNER) => Part::Account,
            Piece::Variable(path) => {
                let named = Form::NAMED
                    .iter()
                    .find_map(|(suffix, form)| Some((path.strip_suffix(suffix)?, *form)));
                let (path, form) = named.unwrap_or((path, Form::Whole));
                let path = path.into();
                Part::Parameter { path, form }
            }
        });
    });
    parts
}

impl Part<'_> {
    /// The same, on its own.
    pub fn into_owned(self) -> Part<'static> {
        match self {
            Part::Literal(text) => Part::Literal(text.into_owned().into()),
            Part::Partition => Part::Partition,
            Part::Region => Part::Region,
            Part::Account => Part::Account,
            Part::Parameter { path, form } => Part::Parameter {
                path: path.into_owned().into(),
                form,
            },
        }
    }
}

enum Piece<'a> {
    Literal(&'a str),
    Variable(&'a str),
}

fn pieces<'a>(text: &'a str, mut each: impl FnMut(Piece<'a>)) {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        if start > 0 {
            each(Piece::Literal(&rest[..start]));
        }
        each(Piece::Variable(&rest[start + 2..start + length]));
        rest = &rest[start + length + 1..];
    }
    if !rest.is_empty() {
        each(Piece::Literal(rest));
    }
}

/// Replaces the variables of an ARN format, leaving partition, region and account (but for an owner that is told); nothing
/// if one has no replacement.
pub(super) fn substitute(format: &str, mut replace: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut complete = true;
    pieces(format, |piece| match piece {
        Piece::Literal(text) => out.push_str(text),
        Piece::Variable(name @ ("Partition" | "Region" | "Account")) => match replace(name) {
            Some(text) => out.push_str(&text),
            None => {
                out.push_str("${");
                out.push_str(name);
                out.push('}');
            }
        },
        Piece::Variable(name) => match replace(name) {
            Some(value) => out.push_str(&value),
            None => complete = false,
        },
    });
    complete.then_some(out)
}

/// The variables of an ARN format beside partition, region and account.
pub(super) fn variables(format: &str) -> Vec<&str> {
    let mut names = Vec::new();
    pieces(format, |piece| match piece {
        Piece::Variable("Partition" | "Region" | "Account") | Piece::Literal(_) => {}
        Piece::Variable(name) => names.push(name),
    });
    names
}

/// Whether two parameter names are equal but for the case of their first letter.
pub(super) fn same_parameter(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left.chars(), right.chars());
    match (left.next(), right.next()) {
        (Some(l), Some(r)) => l.eq_ignore_ascii_case(&r) && left.as_str() == right.as_str(),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
