//! A small borrowed JSON tree for what an event carries along: parameters, responses, resources.
//!
//! Built only when somebody asks for it. Lenient where it costs nothing: a surrogate that stands alone becomes U+FFFD,
//! numbers stay text, of two members with one name the last is meant.

use std::borrow::Cow;
use std::hash::BuildHasher;

use super::scan::{self, Marked};

/// How deep a tree may nest; deeper ones are refused, as everywhere in a record.
const MAX_DEPTH: u32 = scan::MAX_DEPTH;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A string.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object, its members in the order in which they are written.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// The member called `name`, the last one if there are several. The case of the first letter does not count:
    /// services disagree on it (`bucketName`, `BucketName`), sometimes with themselves.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Value::Object(members) => members
                .iter()
                .rev()
                .find(|(key, _)| same_name(key, name))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is an array; none otherwise.
    #[must_use]
    pub fn elements(&self) -> &[Value<'a>] {
        match self {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The members, if it is an object; none otherwise.
    #[must_use]
    pub fn members(&self) -> &[(Cow<'a, str>, Value<'a>)] {
        match self {
            Value::Object(members) => members,
            _ => &[],
        }
    }
}

/// Whether two names are equal but for the case of the first letter.
#[must_use]
pub fn same_name(left: &str, right: &str) -> bool {
    match (left.as_bytes().split_first(), right.as_bytes().split_first()) {
        (Some((a, left)), Some((b, right))) => a.eq_ignore_ascii_case(b) && left == right,
        (None, None) => true,
        _ => false,
    }
}

/// The tree of a whole text. `None` where it is not JSON, or nested too deeply.
#[must_use]
pub fn parse(text: &str) -> Option<Value<'_>> {
    let start = scan::space(text.as_bytes(), 0);
    let (value, end) = value(text, &mut Marked::new(text.as_bytes()), start, 0)?;
    (scan::space(text.as_bytes(), end) == text.len()).then_some(value)
}

/// An object's own members with their raw values, in order, without building the tree. None where it is no object; ends
/// early where the text is broken.
pub fn members(text: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    let bytes = text.as_bytes();
    let start = scan::space(bytes, 0);
    let mut next = match bytes.get(start) {
        Some(b'{') => Some(scan::space(bytes, start + 1)),
        _ => None,
    };
    let mut marked = Marked::new(bytes);
    std::iter::from_fn(move || {
        let at = next.take()?;
        let (end, escaped, value) = scan::key(&mut marked, at).ok()?;
        let after = scan::value(&mut marked, value).ok()?;
        next = scan::next_member(bytes, after).ok()?.ok();
        let name = &text[at + 1..end];
        let name = if escaped {
            scan::unescape_lossy(name)?
        } else {
            Cow::Borrowed(name)
        };
        Some((name, &text[value..after]))
    })
}

/// How deep the fingerprint tells apart where a value stands.
const PATH: usize = 16;

/// A hash of well-formed JSON that is the same however it was serialised: white space, the order of members and escapes
/// do not count. Each value is hashed together with the names that lead to it; of an array's elements the order does
/// not count either.
#[must_use]
pub fn fingerprint(text: &str, hash: &impl BuildHasher) -> u64 {
    let bytes = text.as_bytes();
    let mut marked = Marked::new(bytes);
    let mut path = [0_u64; PATH];
    let (mut depth, mut name, mut sum, mut at) = (0_usize, 0_u64, 0_u64, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let Ok((end, escaped)) = scan::string(&mut marked, at + 1) else {
                    return hash.hash_one(text);
                };
                let raw = &text[at + 1..end];
                let string = if escaped { scan::unescape_lossy(raw) } else { None };
                let string = string.as_deref().unwrap_or(raw);
                let outer = path[depth.min(PATH - 1)];
                at = scan::space(bytes, end + 1);
                if bytes.get(at) == Some(&b':') {
                    name = hash.hash_one((outer, string));
                } else {
                    sum = sum.wrapping_add(hash.hash_one((name, string)));
                }
            }
            b'{' => {
                depth += 1;
                path[depth.min(PATH - 1)] = name;
                at += 1;
            }
            b'}' => {
                // An element that follows stands where the object stood.
                name = path[depth.min(PATH - 1)];
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                let end = bytes[at..]
                    .iter()
                    .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))
                    .map_or(bytes.len(), |length| at + length);
                sum = sum.wrapping_add(hash.hash_one((name, &bytes[at..end])));
                at = end;
            }
            _ => at += 1,
        }
    }
    sum
}

fn value<'a>(text: &'a str, marked: &mut Marked<'a>, at: usize, depth: u32) -> Option<(Value<'a>, usize)> {
    let bytes = text.as_bytes();
    match bytes.get(at)? {
        b'"' => {
            let (end, _) = scan::string(marked, at + 1).ok()?;
            Some((Value::String(scan::unescape_lossy(&text[at + 1..end])?), end + 1))
        }
        b'{' | b'[' if depth == MAX_DEPTH => None,
        b'{' => object(text, marked, scan::space(bytes, at + 1), depth + 1),
        b'[' => array(text, marked, scan::space(bytes, at + 1), depth + 1),
        first => {
            let end = scan::scalar(bytes, at).ok()?;
            let value = match first {
                b'n' => Value::Null,
                b't' => Value::Bool(true),
                b'f' => Value::Bool(false),
                _ => Value::Number(&text[at..end]),
            };
            Some((value, end))
        }
    }
}

fn object<'a>(text: &'a str, marked: &mut Marked<'a>, mut at: usize, depth: u32) -> Option<(Value<'a>, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    if bytes.get(at) == Some(&b'}') {
        return Some((Value::Object(found), at + 1));
    }
    loop {
        let (end, _, start) = scan::key(marked, at).ok()?;
        let (member, after) = value(text, marked, start, depth)?;
        found.push((scan::unescape_lossy(&text[at + 1..end])?, member));
        match scan::next_member(bytes, after).ok()? {
            Ok(next) => at = next,
            Err(end) => return Some((Value::Object(found), end)),
        }
    }
}

fn array<'a>(text: &'a str, marked: &mut Marked<'a>, mut at: usize, depth: u32) -> Option<(Value<'a>, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    if bytes.get(at) == Some(&b']') {
        return Some((Value::Array(found), at + 1));
    }
    loop {
        let (element, after) = value(text, marked, at, depth)?;
        found.push(element);
        let after = scan::space(bytes, after);
        match bytes.get(after)? {
            b',' => at = scan::space(bytes, after + 1),
            b']' => return Some((Value::Array(found), after + 1)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
