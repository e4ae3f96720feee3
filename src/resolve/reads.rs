//! What [`observe`](super::observe) and [`data_roots`](super::data_roots) read of an event, as bytes.
//!
//! Most calls say what others said before, or differ only where nothing decides: a page's token, a filter, a request's
//! id; or in plain names, such as an object's key or an instance's id. Events of one operation whose bytes are equal are
//! observed alike, each with its own names in the same places; so that whoever remembers need not look again. What is
//! doubtful is taken in as it stands: it costs a look, never a wrong answer.

use std::sync::LazyLock;

use memchr::{memchr, memchr3, memmem};
use wide::u8x16;

use super::observe::{Place, is_data};
use super::operation::{Concern, Operation};
use crate::catalog::{Mapping, is_bucket_alias};
use crate::decode::marks::{Mark, Marked};
use crate::decode::{Event, Payload, json};

/// Ends a text: no byte of UTF-8.
const END: u8 = 0xff;
/// Stands for a plain name: no byte of UTF-8 either.
const NAME: u8 = 0xfe;
/// Most plain names in one event; the rest stands as it is written.
const NAMES: usize = 64;
/// Longest string in which plain names are told apart.
const LONGEST: usize = 1024;

/// What was read of one event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reading {
    bytes: Vec<u8>,
    names: Vec<Name>,
}

/// Where a plain name stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Name {
    pub(super) within: Within,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A part of an event that holds plain names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Within {
    Request,
    Resources,
    Response,
}

impl Within {
    pub(super) fn text<'e>(self, event: &Event<'e>) -> &'e str {
        match self {
            Within::Request => event.request_parameters.json(),
            Within::Resources => event.resources.json(),
            Within::Response => event.response_elements.json(),
        }
        .unwrap_or("")
    }
}

impl Reading {
    /// All that the event's observation depends on, beside its operation and its plain names. With `whole`, names are
    /// no different from other text.
    pub fn read(&mut self, event: &Event<'_>, operation: &Operation, whole: bool) {
        self.bytes.clear();
        self.names.clear();
        let reader = Reader {
            bytes: &mut self.bytes,
            names: &mut self.names,
            operation,
            whole: whole || !operation.takes_names(),
        };
        reader.event(event);
    }

    /// What was read, its plain names left out.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many plain names stand in the event.
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// A plain name of the event that was read.
    pub fn name<'e>(&self, event: &Event<'e>, number: usize) -> &'e str {
        let name = self.names[number];
        &name.within.text(event)[name.start..name.end]
    }

    pub(super) fn places(&self) -> &[Name] {
        &self.names
    }
}

struct Reader<'r> {
    bytes: &'r mut Vec<u8>,
    names: &'r mut Vec<Name>,
    operation: &'r Operation,
    whole: bool,
}

impl Reader<'_> {
    fn event(mut self, event: &Event<'_>) {
        let resources = event.resources.json().unwrap_or("");
        // The root of a data event's resource stands in the coverage.
        let concern = if is_data(event, self.operation) {
            Concern::Objects
        } else {
            Concern::Arns
        };
        self.value(resources, resources, Within::Resources, concern);
        let Mapping::Actions(_) = self.operation.mapping else {
            return;
        };
        let Place {
            partition,
            region,
            account,
        } = Place::of(event);
        self.push(partition);
        self.push(region);
        self.push(account);
        self.bytes
            .push(u8::from(event.coarse) | u8::from(event.error_code.is_none()) << 1);
        // A denial names the resource on which permission failed.
        self.push(event.error_message.as_deref().unwrap_or(""));
        // IAM's calls on a user are on the caller where they name none.
        if let Some(identity) = event.identity.as_ref().filter(|_| event.source == "iam.amazonaws.com") {
            self.push(identity.kind.as_deref().unwrap_or(""));
            self.push(identity.arn.as_deref().unwrap_or(""));
        }
        match &event.request_parameters {
            Payload::Absent | Payload::Text(_) => self.bytes.push(0),
            Payload::Null => self.bytes.push(1),
            Payload::Json(text) => {
                self.bytes.push(2);
                self.request(text);
            }
        }
        if let Some(text) = event.response_elements.json().filter(|text| may_hold_arn(text)) {
            // Of a response only ARNs are read, whatever they stand under.
            if text.starts_with('{') {
                json::members(text)
                    .filter(|(_, value)| may_hold_arn(value))
                    .for_each(|(_, value)| self.value(value, text, Within::Response, Concern::Arns));
            } else {
                self.push(text);
            }
        }
    }

    fn request(&mut self, text: &str) {
        let mut members = json::members(text);
        let Some(first) = members.next() else {
            return self.push(text);
        };
        // What may wrap the request is told by whether it is alone.
        let mut second = None;
        if first.0.ends_with("Request") || first.0.ends_with("Req") {
            second = members.next();
            if second.is_none() {
                return self.push(text);
            }
        }
        let holds_arns = may_hold_arn(text);
        self.parameter(&first.0, first.1, text, holds_arns);
        if let Some((name, value)) = second {
            self.parameter(&name, value, text, holds_arns);
        }
        for (name, value) in members {
            self.parameter(&name, value, text, holds_arns);
        }
    }

    /// Of a parameter that no path of the operation starts with, only the name counts and whether it carries something.
    fn parameter(&mut self, name: &str, value: &str, text: &str, holds_arns: bool) {
        self.push(name);
        let concern = match self.operation.concern(name) {
            Concern::None if holds_arns && may_hold_arn(value) => Concern::Arns,
            concern => concern,
        };
        match is_empty(value).filter(|_| concern == Concern::None) {
            Some(empty) => self.bytes.push(u8::from(empty)),
            None => {
                self.bytes.push(2);
                self.value(value, text, Within::Request, concern);
            }
        }
    }

    /// A value, which is a part of `text`; names in it are told apart where they are plain.
    fn value(&mut self, value: &str, text: &str, within: Within, concern: Concern) {
        let has_names = match concern {
            Concern::Names => true,
            Concern::None | Concern::Arns => ARN.find(value.as_bytes()).is_some(),
            Concern::Objects => OBJECT.find(value.as_bytes()).is_some(),
            Concern::Whole => false,
        };
        if self.whole || !has_names {
            return self.push(value);
        }
        let offset = value.as_ptr().addr() - text.as_ptr().addr();
        let bytes = value.as_bytes();
        // Up to here the value is taken in.
        let mut taken = 0;
        let mut cuts = Cuts::new(bytes);
        while let Some((start, close)) = cuts.string() {
            // A member's name, or what only a look can tell.
            let is_key = value[close + 1..].trim_ascii_start().starts_with(':');
            if is_key || cuts.odd || close - start > LONGEST {
                continue;
            }
            let Some(plain) = plain_part(&value[start..close], cuts.separators(), start, concern) else {
                continue;
            };
            let mut token = start + plain;
            let ends = cuts.separators().iter().skip_while(|at| **at < start + plain);
            for &end in ends.chain([&close]) {
                let name = &value[token..end];
                if self.names.len() < NAMES && self.is_plain(name) {
                    self.bytes.extend_from_slice(&bytes[taken..token]);
                    self.bytes.push(NAME);
                    self.names.push(Name {
                        within,
                        start: offset + token,
                        end: offset + end,
                    });
                    taken = end;
                }
                token = end + 1;
            }
        }
        self.push(&value[taken..]);
    }

    /// Whether one name does as well as another.
    fn is_plain(&self, name: &str) -> bool {
        !name.is_empty()
            && !self.operation.knows_token(name)
            && !is_bucket_alias(name)
            && memchr3(b'%', b'*', b'?', name.as_bytes()).is_none()
            && memchr(b'$', name.as_bytes()).is_none()
    }

    fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(END);
    }
}

/// What ARNs of S3's buckets and objects have behind the partition.
static OBJECT: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(":s3:::"));
/// How a string that is an ARN starts.
static ARN: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("\"arn:"));

/// What ends a name: a string's quote, a colon or a slash; and the backslash, which makes it more than a name.
struct Ends;

impl Mark for Ends {
    #[inline(always)]
    fn marked(bytes: u8x16) -> u8x16 {
        let any = |byte| bytes.simd_eq(u8x16::splat(byte));
        any(b'"') | any(b'\\') | any(b':') | any(b'/')
    }
}

/// The strings of a JSON value, one after the other, and the colons and slashes in each.
struct Cuts<'v> {
    marked: Marked<'v, Ends>,
    at: usize,
    /// Whether the string has an escape, or more colons and slashes than are kept.
    odd: bool,
    kept: usize,
    separators: [usize; NAMES],
}

impl<'v> Cuts<'v> {
    fn new(text: &'v [u8]) -> Self {
        Self {
            marked: Marked::new(text),
            at: 0,
            odd: false,
            kept: 0,
            separators: [0; NAMES],
        }
    }

    /// The next mark, and its byte.
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, u8)> {
        let at = self.marked.next(self.at);
        self.at = at + 1;
        Some((at, *self.marked.text().get(at)?))
    }

    /// Where the next string starts and ends, without its quotes.
    #[inline(always)]
    fn string(&mut self) -> Option<(usize, usize)> {
        let start = loop {
            if let (at, b'"') = self.next()? {
                break at + 1;
            }
        };
        (self.odd, self.kept) = (false, 0);
        loop {
            match self.next()? {
                (end, b'"') => return Some((start, end)),
                (at, b'\\') => {
                    self.odd = true;
                    self.at = at + 2;
                }
                (at, _) => match self.separators.get_mut(self.kept) {
                    Some(separator) => {
                        *separator = at;
                        self.kept += 1;
                    }
                    None => self.odd = true,
                },
            }
        }
    }

    /// The places of the last string's colons and slashes.
    fn separators(&self) -> &[usize] {
        &self.separators[..self.kept]
    }
}

/// Where plain names start in a string which stands at `start` and has these separators: in an ARN's resource, else at
/// its front where no colon says that it is more than a name.
fn plain_part(string: &str, separators: &[usize], start: usize, concern: Concern) -> Option<usize> {
    let mut colons = separators
        .iter()
        .map(|at| at - start)
        .filter(|at| string.as_bytes()[*at] == b':');
    if !string.starts_with("arn:") {
        return (concern == Concern::Names && colons.next().is_none()).then_some(0);
    }
    colons.next();
    let (partition, service, region, account) = (colons.next()?, colons.next()?, colons.next()?, colons.next()?);
    let start = account + 1;
    match &string[partition + 1..service] {
        // Roles may be handed over, and what a secret's name ends with counts.
        "iam" | "sts" | "secretsmanager" => None,
        "s3" => {
            let resource = &string[start..];
            if account - service > 2 || region - service > 1 || colons.next().is_some() {
                None
            } else if concern == Concern::Objects {
                resource.find('/').map(|slash| start + slash + 1)
            } else {
                Some(start)
            }
        }
        // What stands for the type of a resource is no name.
        _ => (concern != Concern::Objects).then(|| string[start..].find([':', '/']).map_or(start, |at| start + at + 1)),
    }
}

/// Whether a string in it may start with `arn:`. An escape may hide one.
fn may_hold_arn(json: &str) -> bool {
    memchr(b'\\', json.as_bytes()).is_some() || ARN.find(json.as_bytes()).is_some()
}

/// Whether a value carries nothing, as [`super::path::is_empty`] has it; `None` where that takes more than a glance.
fn is_empty(value: &str) -> Option<bool> {
    let mut bytes = value.bytes().filter(|byte| !byte.is_ascii_whitespace());
    match (bytes.next()?, bytes.next()) {
        (b'"', Some(second)) => Some(second == b'"'),
        (b'n', _) => Some(true),
        (b'{', Some(second)) => Some(second == b'}'),
        (b'[', Some(b']')) => Some(true),
        (b'[', _) => None,
        _ => Some(false),
    }
}
