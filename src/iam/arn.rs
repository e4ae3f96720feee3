//! ARNs and resource patterns: six segments between colons, wildcards within them, policy variables in the last.
//!
//! IAM's guide says that a wildcard stays within its segment, and also that a `*` at a segment's end can reach beyond
//! the colon ("IAM JSON policy elements: Resource"). So there are two readings, the narrow one segment by segment and
//! the wide one over the whole text; what we claim as certain holds under both.

use std::borrow::Cow;
use std::sync::Arc;

use super::pattern::{self, Effort, Symbol};
use super::{Answer, Version};

/// The sixth segment keeps its colons.
const SEGMENTS: usize = 6;

/// An ARN in its six segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'a str,
    /// `s3`, `iam`, …
    pub service: &'a str,
    /// Empty for global resources.
    pub region: &'a str,
    /// Empty where the resource names no account, as S3 buckets.
    pub account: &'a str,
    /// All that follows the fifth colon.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN; `None` if the text is no ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut segments = text.splitn(SEGMENTS, ':');
        if segments.next()? != "arn" {
            return None;
        }
        Some(Self {
            partition: segments.next()?,
            service: segments.next()?,
            region: segments.next()?,
            account: segments.next()?,
            resource: segments.next()?,
        })
    }
}

/// A resource pattern as a policy of one version writes it; copies share what was made of it.
#[derive(Clone, Debug)]
pub struct Resource {
    text: Arc<str>,
    whole: Arc<[Symbol]>,
    segments: Arc<[Segment]>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Segment {
    symbols: Box<[Symbol]>,
    /// As spelled; the normal form turns `*?` into `?*`.
    ends_with_star: bool,
}

impl Resource {
    /// The pattern `text` as a policy of `version` reads it.
    pub fn new(text: impl Into<String>, version: Version) -> Self {
        let text = text.into();
        let symbols = symbols(&text, version);
        let segments = split(&symbols)
            .into_iter()
            .map(|segment| Segment {
                symbols: pattern::normal_form(segment.iter().cloned()).into(),
                ends_with_star: segment.last() == Some(&Symbol::Any),
            })
            .collect();
        Self {
            text: text.into(),
            whole: pattern::normal_form(symbols).into(),
            segments,
        }
    }

    /// The original spelling.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn symbols(&self) -> &[Symbol] {
        &self.whole
    }

    /// Whether the pattern is `*`: every resource, and calls that name none.
    pub fn is_everything(&self) -> bool {
        *self.whole == [Symbol::Any]
    }

    /// Whether every `*` before the last segment stands at its segment's end, where it may reach beyond the colon.
    fn reads_alike(&self) -> bool {
        self.segments.iter().take(SEGMENTS - 1).all(|segment| {
            let stars = segment.symbols.iter().filter(|symbol| **symbol == Symbol::Any).count();
            stars == usize::from(segment.ends_with_star)
        })
    }

    /// Whether it has six segments, the fifth of which could be an account: none of them was left to a wildcard.
    fn has_all_segments(&self) -> bool {
        let digit = |symbol: &Symbol| match symbol {
            Symbol::Literal(letter) => letter.is_ascii_digit(),
            Symbol::One | Symbol::Any | Symbol::Variable(_) => true,
        };
        self.segments.len() == SEGMENTS && self.segments[4].symbols.iter().all(digit)
    }

    /// The policy variables in the pattern.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.whole.iter().filter_map(|symbol| match symbol {
            Symbol::Variable(variable) => Some(&**variable),
            Symbol::Literal(_) | Symbol::One | Symbol::Any => None,
        })
    }

    /// Whether the pattern matches a text taken apart under either reading, for some value of its variables.
    pub(super) fn may_match(&self, text: &[Symbol], effort: &Effort) -> bool {
        if has_variable(&self.whole) {
            pattern::overlaps_symbols(&self.whole, text, effort)
        } else {
            pattern::matches_text_within(&self.whole, text, effort)
        }
    }

    /// Whether the pattern matches an ARN under either reading, for some value of its variables.
    pub fn may_name(&self, arn: &str) -> bool {
        // Most patterns differ before their first wildcard.
        let differs = self
            .whole
            .iter()
            .zip(arn.chars())
            .find_map(|(symbol, letter)| match symbol {
                Symbol::Literal(own) => (*own != letter).then_some(true),
                Symbol::One | Symbol::Any | Symbol::Variable(_) => Some(false),
            });
        differs != Some(true) && self.answer_anywhere(arn, &mut |_| Value::Unknown) != Answer::No
    }

    /// Whether the pattern matches, its variables being what `value_of` says; `Unknown` where only one reading matches,
    /// where a variable's value is unknown, or where one stands outside the last segment, in which alone IAM has them.
    pub(super) fn answer(&self, arn: &str, value_of: &mut dyn FnMut(&str) -> Value) -> Answer {
        let answer = self.answer_anywhere(arn, value_of);
        let misplaced = self
            .segments
            .iter()
            .take(SEGMENTS - 1)
            .any(|segment| has_variable(&segment.symbols));
        match answer {
            Answer::Yes | Answer::Unknown if misplaced => Answer::Unknown,
            Answer::Yes | Answer::No | Answer::Unknown => answer,
        }
    }

    fn answer_anywhere(&self, arn: &str, value_of: &mut dyn FnMut(&str) -> Value) -> Answer {
        if self.is_everything() {
            return Answer::Yes;
        }
        let Some(whole) = fill(&self.whole, value_of) else {
            return Answer::No;
        };
        let text: Vec<Symbol> = arn.chars().map(Symbol::Literal).collect();
        let open = has_variable(&whole);
        let matches = if open {
            pattern::overlaps_symbols(&whole, &text, &Effort::of(usize::MAX))
        } else {
            pattern::matches_text(&whole, &text)
        };
        if !matches {
            return Answer::No;
        }
        if !open && self.matches_narrowly(&text, value_of) {
            Answer::Yes
        } else {
            Answer::Unknown
        }
    }

    /// Whether the pattern matches as the ARN operators of conditions do: each of six segments on its own. A pattern
    /// of fewer segments is none that IAM describes.
    pub(super) fn answer_as_arn(&self, arn: &str, value_of: &mut dyn FnMut(&str) -> Value) -> Answer {
        let answer = self.answer_anywhere(arn, value_of);
        let open = self
            .segments
            .iter()
            .any(|segment| fill(&segment.symbols, value_of).is_some_and(|symbols| has_variable(&symbols)));
        match answer {
            Answer::Unknown if self.segments.len() == SEGMENTS && !open => Answer::No,
            Answer::Yes | Answer::No | Answer::Unknown => answer,
        }
    }

    fn matches_narrowly(&self, text: &[Symbol], value_of: &mut dyn FnMut(&str) -> Value) -> bool {
        let pieces = split(text);
        pieces.len() == self.segments.len()
            && self.segments.iter().zip(pieces).all(|(segment, piece)| {
                fill(&segment.symbols, value_of).is_some_and(|segment| pattern::matches_text(&segment, piece))
            })
    }
}

fn has_variable(symbols: &[Symbol]) -> bool {
    symbols.iter().any(|symbol| matches!(symbol, Symbol::Variable(_)))
}

/// The value of a policy variable in one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// The request carries this one value.
    Is(String),
    /// The request does not carry the key, so nothing can match.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// Puts values in the place of variables; unknown ones stay; `None` if one is absent.
fn fill(symbols: &[Symbol], value_of: &mut dyn FnMut(&str) -> Value) -> Option<Vec<Symbol>> {
    let mut out = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        match symbol {
            Symbol::Variable(name) => match value_of(name) {
                Value::Is(value) => out.extend(value.chars().map(Symbol::Literal)),
                Value::Absent => return None,
                Value::Unknown => out.push(symbol.clone()),
            },
            Symbol::Literal(_) | Symbol::One | Symbol::Any => out.push(symbol.clone()),
        }
    }
    Some(out)
}

/// Cuts at the first five colons. Colons inside variables are no literals, so they do not count.
fn split(symbols: &[Symbol]) -> Vec<&[Symbol]> {
    symbols
        .splitn(SEGMENTS, |symbol| *symbol == Symbol::Literal(':'))
        .collect()
}

/// The symbols of a pattern, in a policy of `version`. Variables and the escapes `${*}`, `${?}`, `${$}` exist since
/// 2012-10-17; before, and where the braces do not close, `${` is text.
pub(super) fn symbols(text: &str, version: Version) -> Vec<Symbol> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if c == '$'
            && version == Version::V2012
            && let Some((name, after)) = after.strip_prefix('{').and_then(|body| body.split_once('}'))
        {
            out.push(match name {
                "*" => Symbol::Literal('*'),
                "?" => Symbol::Literal('?'),
                "$" => Symbol::Literal('$'),
                name => Symbol::Variable(variable(name)),
            });
            rest = after;
            continue;
        }
        out.push(match c {
            '*' => Symbol::Any,
            '?' => Symbol::One,
            c => Symbol::Literal(c),
        });
        rest = after;
    }
    out
}

/// A variable's name in the form that is compared: the key in lower case, the default after it as written.
fn variable(body: &str) -> Arc<str> {
    match body.split_once(',') {
        Some((key, default)) => format!("{},{}", key.trim().to_lowercase(), default.trim()).into(),
        None => body.trim().to_lowercase().into(),
    }
}

/// Takes a compared variable apart: its key, and its default if it has one.
pub(super) fn variable_parts(variable: &str) -> (&str, Option<&str>) {
    match variable.split_once(',') {
        Some((key, default)) => {
            let bare = default
                .strip_prefix('\'')
                .and_then(|default| default.strip_suffix('\''));
            (key, Some(bare.unwrap_or(default)))
        }
        None => (variable, None),
    }
}

/// Whether `outer` matches all that `inner` matches, under either reading. `false` means "no, or not proved".
pub fn includes(outer: &Resource, inner: &Resource) -> bool {
    union_includes(&[outer], &[inner], &Effort::default())
}

/// Whether `outers` together match all that every one of `inners` matches, under either reading. `false` means "no, or not
/// proved".
///
/// In the narrow reading the outers may differ from each other in one segment only, where their union counts.
pub fn union_includes(outers: &[&Resource], inners: &[&Resource], effort: &Effort) -> bool {
    // What everything is met with stays as it is.
    let bounded: Vec<&Resource> = inners.iter().copied().filter(|inner| !inner.is_everything()).collect();
    let inners = if bounded.is_empty() { inners } else { &bounded };
    if !effort.spend(outers.len() * inners.len().max(1)) {
        return false;
    }
    if outers
        .iter()
        .any(|outer| outer.is_everything() || inners.iter().any(|inner| outer == inner))
    {
        return true;
    }
    // Inclusion segment by segment implies inclusion of the whole text, and what all match lies within each.
    if inners.iter().any(|inner| includes_narrowly(outers, &[inner], effort)) {
        return true;
    }
    match inners {
        [_one] => false,
        _several if inners.iter().any(|inner| has_variable(&inner.whole)) => {
            // Whatever variables hold, what all match lies within those that have none.
            let plain: Vec<&Resource> = inners
                .iter()
                .copied()
                .filter(|inner| !has_variable(&inner.whole))
                .collect();
            !plain.is_empty() && union_includes(outers, &plain, effort)
                || inners
                    .iter()
                    .any(|a| inners.iter().any(|b| !overlaps_within(a, b, effort)))
        }
        _several => {
            // A star elsewhere than at its segment's end may reach less far than the whole text would let it.
            let outers: Vec<&Resource> = outers.iter().copied().filter(|outer| outer.reads_alike()).collect();
            let wide_outers: Vec<&[Symbol]> = outers.iter().map(|outer| outer.symbols()).collect();
            let wide_inners: Vec<&[Symbol]> = inners.iter().map(|inner| inner.symbols()).collect();
            includes_narrowly(&outers, inners, effort) && pattern::includes_symbols(&wide_outers, &wide_inners, effort)
        }
    }
}

/// Segment by segment. What nothing matches is included.
fn includes_narrowly(outers: &[&Resource], inners: &[&Resource], effort: &Effort) -> bool {
    let Some((first, rest)) = inners.split_first() else {
        return false;
    };
    let count = first.segments.len();
    let apart = rest.iter().any(|inner| {
        inner.segments.len() != count
            || first
                .segments
                .iter()
                .zip(inner.segments.iter())
                .any(|(a, b)| !pattern::overlaps_symbols(&a.symbols, &b.symbols, effort))
    });
    if apart {
        return true;
    }
    let at = |segment: usize| -> Vec<&[Symbol]> {
        inners
            .iter()
            .map(|inner| inner.segments[segment].symbols.as_ref())
            .collect()
    };
    let reaches = |outer: &Resource, segment: usize| {
        // A `*` at the end of one of the first five may reach further than one that is followed by `?`.
        segment + 1 == SEGMENTS
            || outer.segments[segment].ends_with_star
            || inners.iter().any(|inner| !inner.segments[segment].ends_with_star)
    };
    (0..count).any(|free| {
        let candidates: Vec<&[Symbol]> = outers
            .iter()
            .filter(|outer| {
                outer.segments.len() == count
                    && (0..count).all(|segment| {
                        reaches(outer, segment)
                            && (segment == free
                                || pattern::includes_symbols(&[&outer.segments[segment].symbols], &at(segment), effort))
                    })
            })
            .map(|outer| outer.segments[free].symbols.as_ref())
            .collect();
        !candidates.is_empty() && pattern::includes_symbols(&candidates, &at(free), effort)
    })
}

/// Whether some resource may be matched by both. Generous: under the wide reading, and for any value of variables.
pub fn overlaps(a: &Resource, b: &Resource) -> bool {
    overlaps_within(a, b, &Effort::of(usize::MAX))
}

/// Whether some ARN may be matched by both whose first five segments hold no colon, as those of things that exist: then
/// `volume/*` and `vpc/*` have nothing in common. A pattern that leaves segments out is read as [`overlaps`] reads it.
pub fn overlaps_in_segments(a: &Resource, b: &Resource) -> bool {
    if !(a.has_all_segments() && b.has_all_segments()) {
        return overlaps(a, b);
    }
    let effort = Effort::of(usize::MAX);
    let mut segments = a.segments.iter().zip(b.segments.iter());
    segments.all(|(a, b)| pattern::overlaps_symbols(&a.symbols, &b.symbols, &effort))
}

/// [`overlaps`], and generous where it costs too much.
pub(super) fn overlaps_within(a: &Resource, b: &Resource, effort: &Effort) -> bool {
    pattern::overlaps_symbols(&a.whole, &b.whole, effort)
}

/// A text that stands for nothing but itself, as shapes hold it: `*` and `?` escaped as in 2012-10-17 policies (IAM user
/// guide, "IAM policy elements: Variables and tags"), and `$` where it could be taken for an escape.
pub fn literal(text: &str) -> Cow<'_, str> {
    if !text.contains(['*', '?']) && !text.contains("${") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 6);
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => out.extend(["${", c.encode_utf8(&mut [0; 4]), "}"]),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A shape as a 2012-10-17 policy writes it: its `*` and `?` are wildcards unless they are escaped, and any other `$` is
/// itself.
pub fn of_shape(shape: &str) -> String {
    let mut out = String::with_capacity(shape.len());
    let mut rest = shape;
    while let Some((before, _)) = rest.split_once('$') {
        out.push_str(before);
        rest = &rest[before.len()..];
        let escaped = ESCAPES.iter().find(|escape| rest.starts_with(**escape));
        out.push_str(escaped.unwrap_or(&"${$}"));
        rest = &rest[escaped.map_or(1, |escape| escape.len())..];
    }
    out.push_str(rest);
    out
}

const ESCAPES: [&str; 3] = ["${*}", "${?}", "${$}"];

/// Whether IAM takes the character in a policy: U+0009, U+000A, U+000D and U+0020 to U+00FF ("IAM and AWS STS quotas").
pub fn is_writable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

/// A literal as a 2012-10-17 pattern that matches just it, or `None` if a policy cannot hold its characters.
pub fn escape_literal(literal: &str) -> Option<String> {
    let mut out = String::with_capacity(literal.len());
    for c in literal.chars() {
        match c {
            '*' => out.push_str("${*}"),
            '?' => out.push_str("${?}"),
            '$' => out.push_str("${$}"),
            c if is_writable(c) => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.whole == other.whole && self.segments == other.segments
    }
}

impl Eq for Resource {}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
