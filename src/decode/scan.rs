//! JSON, stepped over: where a string, a number or a whole value ends, checked against the grammar, building nothing.
//!
//! Accepts exactly what `serde_json` accepts when it ignores a value: escapes must be well-formed, surrogates need not
//! pair, numbers may have any size. Nesting costs one bit a level, so hostile depth costs no stack.

use std::borrow::Cow;

use wide::u8x16;

use super::marks::Mark;

/// How deep a value may nest. Real events stay below 20.
pub(super) const MAX_DEPTH: u32 = 120;

/// Why a value could not be stepped over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text ends inside the value.
    End,
    /// The text is not JSON.
    Bad,
    /// Nested deeper than [`MAX_DEPTH`].
    Deep,
}

/// What ends a string, or is not as it stands: `"`, `\\` and control characters.
pub(super) struct InString;

impl Mark for InString {
    #[inline(always)]
    fn marked(bytes: u8x16) -> u8x16 {
        let quote = bytes.simd_eq(u8x16::splat(b'"'));
        let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
        let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        quote | backslash | control
    }
}

/// A text in whose strings one steps from mark to mark.
pub(super) type Marked<'a> = super::marks::Marked<'a, InString>;

/// The first place at or after `at` that is no white space.
#[inline(always)]
pub(super) fn space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// Steps over a string from just behind its opening quote: the place of the closing one, and whether it has escapes.
#[inline(always)]
pub(super) fn string(text: &mut Marked<'_>, mut at: usize) -> Result<(usize, bool), Fault> {
    let mut escaped = false;
    loop {
        at = text.next(at);
        match text.text().get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(text.text(), at + 1)?;
            }
            Some(_) => return Err(Fault::Bad),
            None => return Err(Fault::End),
        }
    }
}

/// Steps over what follows a backslash.
fn escape(text: &[u8], at: usize) -> Result<usize, Fault> {
    match text.get(at) {
        None => Err(Fault::End),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            for place in at + 1..at + 5 {
                match text.get(place) {
                    None => return Err(Fault::End),
                    Some(byte) if byte.is_ascii_hexdigit() => {}
                    Some(_) => return Err(Fault::Bad),
                }
            }
            Ok(at + 5)
        }
        Some(_) => Err(Fault::Bad),
    }
}

/// Steps over at least one digit.
fn digits(text: &[u8], mut at: usize) -> Result<usize, Fault> {
    match text.get(at) {
        None => return Err(Fault::End),
        Some(b'0'..=b'9') => {}
        Some(_) => return Err(Fault::Bad),
    }
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    Ok(at)
}

/// Steps over a number.
fn number(text: &[u8], mut at: usize) -> Result<usize, Fault> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at) {
        Some(b'0') => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Ok(at)
}

/// Steps over `null`, `true` or `false`.
fn literal(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Fault> {
    let rest = &text[at..];
    if rest.starts_with(word) {
        Ok(at + word.len())
    } else if word.starts_with(rest) {
        Err(Fault::End)
    } else {
        Err(Fault::Bad)
    }
}

/// Steps over a value that is neither string nor container.
#[inline(always)]
pub(super) fn scalar(text: &[u8], at: usize) -> Result<usize, Fault> {
    match text.get(at) {
        None => Err(Fault::End),
        Some(b'n') => literal(text, at, b"null"),
        Some(b't') => literal(text, at, b"true"),
        Some(b'f') => literal(text, at, b"false"),
        Some(_) => number(text, at),
    }
}

/// Steps over one value that starts at `at`, and says where it ends.
#[inline(always)]
pub(super) fn value(text: &mut Marked<'_>, at: usize) -> Result<usize, Fault> {
    let bytes = text.text();
    match bytes.get(at) {
        Some(b'"') => string(text, at + 1).map(|(end, _)| end + 1),
        Some(b'{' | b'[') => container(text, at),
        _ => scalar(bytes, at),
    }
}

/// Steps over the object or array that opens at `at`.
pub(super) fn container(text: &mut Marked<'_>, mut at: usize) -> Result<usize, Fault> {
    let bytes = text.text();
    // One bit a level: set for an object. The lowest is the innermost.
    let mut levels: u128 = 0;
    let mut depth = 0_u32;
    loop {
        // At the start of a value or, in an object, of a member.
        if depth > 0 && levels & 1 == 1 {
            at = key(text, at)?.2;
        }
        match bytes.get(at) {
            Some(b'"') => at = string(text, at + 1)?.0 + 1,
            Some(open @ (b'{' | b'[')) => {
                if depth == MAX_DEPTH {
                    return Err(Fault::Deep);
                }
                depth += 1;
                levels = levels << 1 | u128::from(*open == b'{');
                at = space(bytes, at + 1);
                let close = if *open == b'{' { b'}' } else { b']' };
                if bytes.get(at) != Some(&close) {
                    continue;
                }
            }
            _ => at = scalar(bytes, at)?,
        }
        // Behind a value, or at the end of an empty container.
        loop {
            at = space(bytes, at);
            match (bytes.get(at), levels & 1 == 1) {
                (Some(b','), _) => {
                    at = space(bytes, at + 1);
                    break;
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    at += 1;
                    levels >>= 1;
                    depth -= 1;
                    if depth == 0 {
                        return Ok(at);
                    }
                }
                (None, _) => return Err(Fault::End),
                (Some(_), _) => return Err(Fault::Bad),
            }
        }
    }
}

/// Steps over a member's name from its opening quote, the colon and the white space: where the name ends, whether it
/// has escapes, and where its value starts.
#[inline(always)]
pub(super) fn key(text: &mut Marked<'_>, at: usize) -> Result<(usize, bool, usize), Fault> {
    let bytes = text.text();
    match bytes.get(at) {
        Some(b'"') => {}
        None => return Err(Fault::End),
        Some(_) => return Err(Fault::Bad),
    }
    let (end, escaped) = string(text, at + 1)?;
    let colon = space(bytes, end + 1);
    match bytes.get(colon) {
        Some(b':') => Ok((end, escaped, space(bytes, colon + 1))),
        None => Err(Fault::End),
        Some(_) => Err(Fault::Bad),
    }
}

/// Steps into the object that opens at `at`: the start of its first name, or `Err` with the place behind the closing
/// brace of an empty one.
#[inline(always)]
pub(super) fn first_member(text: &[u8], at: usize) -> Result<Result<usize, usize>, Fault> {
    match text.get(at) {
        Some(b'{') => {}
        None => return Err(Fault::End),
        Some(_) => return Err(Fault::Bad),
    }
    let at = space(text, at + 1);
    Ok(if text.get(at) == Some(&b'}') {
        Err(at + 1)
    } else {
        Ok(at)
    })
}

/// Behind a member's value: the start of the next name, or `Err` with the place behind the closing brace.
#[inline(always)]
pub(super) fn next_member(text: &[u8], at: usize) -> Result<Result<usize, usize>, Fault> {
    let at = space(text, at);
    match text.get(at) {
        Some(b',') => Ok(Ok(space(text, at + 1))),
        Some(b'}') => Ok(Err(at + 1)),
        None => Err(Fault::End),
        Some(_) => Err(Fault::Bad),
    }
}

/// What a string's raw text stands for. `None` where a surrogate stands alone.
pub(super) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let lossy = decode_escapes(raw)?;
    Some(lossy.0).filter(|_| !lossy.1)
}

/// The same with U+FFFD for a surrogate that stands alone.
pub(super) fn unescape_lossy(raw: &str) -> Option<Cow<'_, str>> {
    decode_escapes(raw).map(|(text, _)| text)
}

/// The text, and whether a surrogate stood alone in it. `None` for a malformed escape.
fn decode_escapes(raw: &str) -> Option<(Cow<'_, str>, bool)> {
    let Some(mut next) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Some((Cow::Borrowed(raw), false));
    };
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut alone = false;
    loop {
        text.push_str(&rest[..next]);
        let kind = *rest.as_bytes().get(next + 1)?;
        rest = rest.get(next + 2..)?;
        match kind {
            b'"' | b'\\' | b'/' => text.push(char::from(kind)),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => {
                let first = hex(rest)?;
                rest = &rest[4..];
                let second = rest
                    .strip_prefix("\\u")
                    .and_then(hex)
                    .filter(|unit| (0xDC00..0xE000).contains(unit));
                match (first, second) {
                    (0xD800..0xDC00, Some(second)) => {
                        let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                        text.push(char::from_u32(code)?);
                        rest = &rest[6..];
                    }
                    (0xD800..0xE000, _) => {
                        alone = true;
                        text.push(char::REPLACEMENT_CHARACTER);
                    }
                    (first, _) => text.push(char::from_u32(first)?),
                }
            }
            _ => return None,
        }
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(found) => next = found,
            None => {
                text.push_str(rest);
                return Some((Cow::Owned(text), alone));
            }
        }
    }
}

/// Four hexadecimal digits at the front.
fn hex(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests;
