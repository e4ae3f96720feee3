//! Envelopes: one JSON object that holds records, whole in memory.
//!
//! LookupEvents keeps a record as text in `CloudTrailEvent`, CloudWatch Logs in `message`; EventBridge keeps it as an
//! object in `detail`. Lists of these nest in `Records`, `Events`, `events` and `logEvents`. Reduced events name their
//! format in `schema`.

use super::books::Books;
use super::record::{Draft, Record};
use super::scan::Marked;
use super::{NotCalls, Shape, Why, json, reduced, scan, skim};

/// Envelopes inside envelopes, at most. A log group's export of EventBridge events has two.
const MAX_WRAPS: u32 = 4;

/// Hands out a record or what an envelope holds. `text` is the whole object.
#[inline(always)]
pub(super) fn element(books: &mut Books<'_>, record: Record<'_, '_>, text: &str, shape: Shape) {
    match record {
        Record::Wrapper => envelope(books, text, shape, 0),
        Record::NotCalls(NotCalls::Digest) => books.digest(text),
        record => books.record(record, shape),
    }
}

/// Opens an envelope.
fn envelope(books: &mut Books<'_>, text: &str, shape: Shape, depth: u32) {
    if depth == MAX_WRAPS {
        return books.unusable(Why::NotCloudTrail);
    }
    let mut opened = false;
    for (name, raw) in json::members(text) {
        let held = match (name.as_ref(), raw.as_bytes().first()) {
            ("Records" | "Events" | "events" | "logEvents", Some(b'[')) => {
                list(books, raw, list_shape(&name), depth + 1);
                true
            }
            ("CloudTrailEvent", Some(b'"')) => letter(books, raw, Shape::LookupEvents, depth + 1),
            ("message" | "@message", Some(b'"')) => letter(books, raw, Shape::CloudWatchLogs, depth + 1),
            ("schema", Some(b'"')) if raw.starts_with("\"trimtrail.events/") => {
                if raw[1..].strip_suffix('"') == Some(reduced::SCHEMA) {
                    reduced::line(books, text);
                } else {
                    books.unusable(Why::NotReduced);
                }
                return;
            }
            ("detail", Some(b'{')) => inside(books, raw, Shape::EventBridge, depth + 1),
            _ => false,
        };
        opened |= held;
    }
    if !opened {
        books.record(Record::Stranger, shape);
    }
}

/// The wrapper that a list of that name makes.
pub(super) fn list_shape(name: &str) -> Shape {
    match name {
        "Events" => Shape::LookupEvents,
        "events" | "logEvents" => Shape::CloudWatchLogs,
        _ => Shape::Records,
    }
}

/// A well-formed array of records or envelopes.
fn list(books: &mut Books<'_>, text: &str, shape: Shape, depth: u32) {
    books.recognise(shape);
    let bytes = text.as_bytes();
    let mut marked = Marked::new(bytes);
    let mut at = scan::space(bytes, 1);
    while at < bytes.len() && bytes[at] != b']' {
        let Ok(end) = scan::value(&mut marked, at) else {
            return;
        };
        if !inside(books, &text[at..end], shape, depth) {
            books.unusable(Why::NotCloudTrail);
        }
        at = scan::space(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = scan::space(bytes, at + 1);
        }
    }
}

/// A record as text in a JSON string.
fn letter(books: &mut Books<'_>, raw: &str, shape: Shape, depth: u32) -> bool {
    let inner = &raw[1..raw.len() - 1];
    match scan::unescape_lossy(inner) {
        Some(text) => inside(books, &text, shape, depth),
        None => false,
    }
}

/// What an envelope holds, if it is a record or another envelope. False: it holds neither.
fn inside(books: &mut Books<'_>, text: &str, shape: Shape, depth: u32) -> bool {
    let start = scan::space(text.as_bytes(), 0);
    let mut draft = Draft::default();
    let (record, end) = match skim::record(text, start, books.habits, &mut draft) {
        Ok(found) => found,
        // Text that starts like a record was one once.
        Err(fault) if text[start..].starts_with('{') && text.contains("\"event") => {
            books.recognise(shape);
            books.unusable(if fault == scan::Fault::Deep {
                Why::TooDeep
            } else {
                Why::NotJson
            });
            return true;
        }
        Err(_) => return false,
    };
    match record {
        Record::Wrapper => envelope(books, &text[start..end], shape, depth),
        Record::Stranger => return false,
        record => books.record(record, shape),
    }
    true
}
