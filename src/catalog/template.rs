//! ARN templates: ARNs with placeholders that name the request's own parameters.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// An ARN with placeholders: `${Partition}`, `${Region}`, `${Account}` of the call, and request parameters by path.
///
/// * A path has dots between members, `[]` after a list and `{}` after a map: `${targets[].roleArn}`. Compare the case
///   of each member's first letter loosely: CloudTrail writes `functionName` where the API says `FunctionName`.
/// * `${path|form}` takes the resource's name out of values that hold more, see [`Form`].
/// * A parameter whose value is an ARN already stands for the whole ARN.
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

/// What the value of a request parameter holds beside the name that an ARN needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The name alone.
    Whole,
    /// What follows the last `/`: a queue's URL names the queue so.
    Basename,
    /// An id, or an alias or another identifier with a `/` or `:`, which tells nothing (KMS API reference, `KeyId`).
    Id,
    /// `name`, `name:qualifier` or `123456789012:function:name` (Lambda API reference, `FunctionName`).
    Function,
    /// A bucket, or the alias of an access point, which tells neither bucket nor access point (S3 user guide, "Access
    /// point aliases").
    Bucket,
    /// An identifier that its service may store in lower case (RDS API reference: "stored as a lowercase string").
    Folded,
    /// `bucket/key`, percent-encoded, perhaps with a leading `/` and a version (S3 API reference, `x-amz-copy-source`).
    Object,
}

impl Form {
    const NAMED: [(&'static str, Form); 6] = [
        ("|basename", Form::Basename),
        ("|folded", Form::Folded),
        ("|id", Form::Id),
        ("|function", Form::Function),
        ("|bucket", Form::Bucket),
        ("|object", Form::Object),
    ];

    /// The name in the value, in each spelling that the ARN may have; nothing where the value holds another kind of
    /// identifier.
    pub fn names_in(self, value: &str) -> Vec<String> {
        if self != Form::Object && value.starts_with("arn:") {
            return vec![value.to_owned()];
        }
        let name = match self {
            Form::Whole => Some(value),
            Form::Basename => value.rsplit('/').next(),
            Form::Id => Some(value).filter(|value| !value.contains([':', '/'])),
            Form::Function => Some(value.split_once(":function:").map_or(value, |(_, name)| name)),
            Form::Bucket => Some(value).filter(|value| !is_bucket_alias(value)),
            Form::Folded => {
                let lower = value.to_lowercase();
                return if lower == value {
                    vec![lower]
                } else {
                    vec![value.to_owned(), lower]
                };
            }
            Form::Object => {
                let path = value.split_once("?versionId=").map_or(value, |(path, _)| path);
                let Ok(path) = percent_decode_str(path.trim_start_matches('/')).decode_utf8() else {
                    return Vec::new();
                };
                let in_bucket = path.split_once('/').is_some_and(|(bucket, _)| !is_bucket_alias(bucket));
                return if in_bucket { vec![path.into_owned()] } else { Vec::new() };
            }
        };
        name.filter(|name| !name.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect()
    }
}

/// Whether a bucket's name is the alias of an access point (S3 user guide, "Access point aliases").
pub fn is_bucket_alias(name: &str) -> bool {
    let may_end_so = matches!(name.as_bytes().last(), Some(b's' | b'3' | b'p'));
    may_end_so
        && ["-s3alias", "--ol-s3", "--x-s3", ".mrap"]
            .iter()
            .any(|ending| name.ends_with(ending))
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
        let mut parts = Vec::new();
        pieces(&self.0, |piece| {
            parts.push(match piece {
                Piece::Literal(text) => Part::Literal(text.into()),
                Piece::Variable("Partition") => Part::Partition,
                Piece::Variable("Region") => Part::Region,
                Piece::Variable("Account") => Part::Account,
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

/// Replaces the variables of an ARN format, leaving partition, region and account; nothing if one has no replacement.
pub(super) fn substitute(format: &str, mut replace: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let mut complete = true;
    pieces(format, |piece| match piece {
        Piece::Literal(text) => out.push_str(text),
        Piece::Variable(name @ ("Partition" | "Region" | "Account")) => {
            out.push_str("${");
            out.push_str(name);
            out.push('}');
        }
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
