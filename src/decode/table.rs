//! CSV exports: what Athena writes of a trail's table, and the console's Event history.
//!
//! A row is written again as the JSON record that it came from and read as one, so that there is one reading of records.

use std::borrow::Cow;

use super::books::Books;
use super::record::{Draft, Record};
use super::scan::{self, Marked};
use super::{Shape, Why, skim};

/// The table's columns are fields of a record under these names, the case and all but letters left out.
const FIELDS: [&str; 27] = [
    "additionalEventData",
    "addendum",
    "awsRegion",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sharedEventID",
    "sourceIPAddress",
    "userAgent",
    "userIdentity",
    "vpcEndpointId",
    // In Event history only; they belong into userIdentity.
    "userName",
    "awsAccessKey",
];

/// Names inside `userIdentity` that Athena writes in lower case.
const NAMES: [&str; 24] = [
    "accessKeyId",
    "accountId",
    "arn",
    "assumedRoot",
    "attributes",
    "creationDate",
    "credentialId",
    "credentialsIssuedTo",
    "ec2RoleDelivery",
    "federatedProvider",
    "identityProvider",
    "identityStoreArn",
    "inScopeOf",
    "invokedBy",
    "issuerType",
    "mfaAuthenticated",
    "onBehalfOf",
    "principalId",
    "sessionContext",
    "sessionIssuer",
    "sourceIdentity",
    "userId",
    "userName",
    "webIdFederationData",
];

/// Nesting of Athena's struct text.
const MAX_DEPTH: u32 = 16;

/// The rows of a table that comes in windows.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Option<&'static str>>,
    shape: Shape,
    max_record: usize,
    /// Inside a row that is too large: skip to the line's end.
    lost: bool,
    scratch: String,
}

impl Table {
    /// The table that the text's first line is the header of, and where its rows start. `None`: it is no table.
    pub(super) fn open(text: &str, max_record: usize) -> Option<(Self, usize)> {
        let (row, next) = match row_end(text, 0, false) {
            Some((end, next)) => (&text[..end], next),
            None => (text, text.len()),
        };
        let columns: Vec<_> = cells(row)?.iter().map(|cell| field(cell)).collect();
        let has = |name| columns.contains(&Some(name));
        if !(has("eventTime") && has("eventName") && has("eventSource")) {
            return None;
        }
        let shape = if has("userIdentity") {
            Shape::AthenaCsv
        } else {
            Shape::EventHistoryCsv
        };
        Some((
            Self {
                columns,
                shape,
                max_record,
                lost: false,
                scratch: String::new(),
            },
            next,
        ))
    }

    /// Reads what the window holds and says how much of it is done with.
    pub(super) fn feed(&mut self, text: &str, last: bool, books: &mut Books<'_>) -> usize {
        books.recognise(self.shape);
        let mut at = 0;
        while at < text.len() {
            let cut = text.len() - at > self.max_record;
            let view = if cut {
                &text[..text.floor_char_boundary(at + self.max_record)]
            } else {
                text
            };
            match row_end(view, at, self.lost) {
                Some((end, next)) => {
                    if !std::mem::take(&mut self.lost) {
                        self.row(&text[at..end], books);
                    }
                    at = next;
                }
                None if cut => {
                    if !std::mem::replace(&mut self.lost, true) {
                        books.unusable(Why::RecordTooLarge);
                    }
                    // A stray quote makes the whole rest one row: go on with the next line.
                    at = match memchr::memchr(b'\n', &view.as_bytes()[at..]) {
                        Some(found) => at + found,
                        None => view.len(),
                    };
                }
                None if !last => return at,
                None => {
                    if !self.lost {
                        if quotes_close(&text[at..]) {
                            self.row(&text[at..], books);
                        } else {
                            books.torn();
                        }
                    }
                    at = text.len();
                }
            }
        }
        at
    }

    fn row(&mut self, row: &str, books: &mut Books<'_>) {
        if row.trim().is_empty() {
            return;
        }
        let Some(cells) = cells(row).filter(|cells| cells.len() == self.columns.len()) else {
            return books.unusable(Why::NotARow);
        };
        self.scratch.clear();
        self.scratch.push('{');
        let mut person = String::new();
        for (column, cell) in self.columns.iter().zip(&cells) {
            let Some(name) = column.filter(|_| !cell.is_empty()) else {
                continue;
            };
            match name {
                "userName" => member(&mut person, "userName", |out| string(out, cell)),
                "awsAccessKey" => member(&mut person, "accessKeyId", |out| string(out, cell)),
                // Event history names resources without saying which part they played.
                "resources" if self.shape == Shape::EventHistoryCsv => {}
                name => member(&mut self.scratch, name, |out| value(out, name, cell)),
            }
        }
        if !person.is_empty() {
            member(&mut self.scratch, "userIdentity", |out| {
                out.push('{');
                out.push_str(&person);
                out.push('}');
            });
        }
        self.scratch.push('}');
        let mut draft = Draft::default();
        match skim::record(&self.scratch, 0, books.habits, &mut draft) {
            Ok((Record::Event(event), _)) => {
                event.coarse = self.shape == Shape::EventHistoryCsv;
                books.event(event, self.shape);
            }
            Ok((record @ (Record::NotCalls(_) | Record::Unusable(_)), _)) => books.record(record, self.shape),
            Ok((Record::Wrapper | Record::Stranger, _)) => books.unusable(Why::NoTime),
            Err(_) => books.unusable(Why::NotARow),
        }
    }
}

/// The record's field that a column's header names.
fn field(header: &str) -> Option<&'static str> {
    let letters = header.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let same = |name: &&str| name.eq_ignore_ascii_case(&letters);
    // The console calls the region "AWS region" and the trail awsRegion; all others differ in spaces and case only.
    FIELDS.into_iter().find(same)
}

/// Where the row that starts at `at` ends, and where the next one starts. With `plain`, quotes do not count.
fn row_end(text: &str, at: usize, plain: bool) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut quoted = false;
    for found in memchr::memchr2_iter(b'"', b'\n', &bytes[at..]) {
        let place = at + found;
        if bytes[place] == b'"' {
            quoted = !quoted;
        } else if !quoted || plain {
            let end = if place > at && bytes[place - 1] == b'\r' {
                place - 1
            } else {
                place
            };
            return Some((end, place + 1));
        }
    }
    None
}

/// Whether every quote is closed.
fn quotes_close(text: &str) -> bool {
    memchr::memchr_iter(b'"', text.as_bytes()).count().is_multiple_of(2)
}

/// The cells of one row. `None` where something follows a closing quote.
fn cells(row: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut found = Vec::new();
    let mut rest = row;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..end]), &rest[end..])
            }
        };
        found.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(found),
            None => return None,
        }
    }
}

/// A cell up to its closing quote, doubled quotes made single, and what follows.
fn quoted_cell(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let quote = at + memchr::memchr(b'"', &bytes[at..])?;
        if bytes.get(quote + 1) == Some(&b'"') {
            at = quote + 2;
            continue;
        }
        let raw = &text[..quote];
        let cell = if raw.contains('"') {
            Cow::Owned(raw.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(raw)
        };
        return Some((cell, &text[quote + 1..]));
    }
}

/// `,"name":` and the value.
pub(super) fn member(out: &mut String, name: &str, write: impl FnOnce(&mut String)) {
    if !out.is_empty() && !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
    write(out);
}

/// A JSON string.
pub(super) fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..' ' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// A cell as the field's JSON.
fn value(out: &mut String, name: &str, cell: &str) {
    match name {
        "readOnly" | "managementEvent" if cell.eq_ignore_ascii_case("true") => out.push_str("true"),
        "readOnly" | "managementEvent" if cell.eq_ignore_ascii_case("false") => out.push_str("false"),
        "userIdentity"
        | "resources"
        | "requestParameters"
        | "responseElements"
        | "additionalEventData"
        | "serviceEventDetails"
        | "addendum" => {
            let bytes = cell.trim().as_bytes();
            let start = out.len();
            if scan::value(&mut Marked::new(bytes), 0) == Ok(bytes.len()) {
                out.push_str(cell.trim());
            } else if !cell.starts_with(['{', '[']) || !structure(out, name, cell) {
                out.truncate(start);
                string(out, cell);
            }
        }
        _ => string(out, cell),
    }
}

/// Athena's text of a struct or array (`{type=AssumedRole, arn=…}`), as JSON. False where it is none.
fn structure(out: &mut String, field: &str, text: &str) -> bool {
    Struct {
        rest: text,
        resources: field == "resources",
    }
    .value(out, 0)
    .is_some_and(|rest| rest.trim().is_empty())
}

struct Struct<'a> {
    rest: &'a str,
    resources: bool,
}

impl<'a> Struct<'a> {
    /// One value at the front; what follows it.
    fn value(&mut self, out: &mut String, depth: u32) -> Option<&'a str> {
        if depth == MAX_DEPTH {
            return None;
        }
        let (open, close) = match self.rest.as_bytes().first()? {
            b'{' => ('{', '}'),
            b'[' => ('[', ']'),
            _ => {
                let end = self.text_end();
                let text = &self.rest[..end];
                if text == "null" {
                    out.push_str("null")
                } else {
                    string(out, text)
                }
                self.rest = &self.rest[end..];
                return Some(self.rest);
            }
        };
        out.push(open);
        self.rest = &self.rest[1..];
        let mut first = true;
        loop {
            if let Some(rest) = self.rest.strip_prefix(close) {
                out.push(close);
                self.rest = rest;
                return Some(rest);
            }
            if !first {
                self.rest = self.rest.strip_prefix(", ")?;
                out.push(',');
            }
            first = false;
            if open == '{' {
                let (name, rest) = self.rest.split_once('=')?;
                string(out, self.name(name));
                out.push(':');
                self.rest = rest;
            }
            self.value(out, depth + 1)?;
        }
    }

    /// A text ends in front of a closing bracket or of the next member.
    fn text_end(&self) -> usize {
        let rest = self.rest;
        for (at, character) in rest.char_indices() {
            let ends = match character {
                '}' | ']' => true,
                ',' => rest[at..].strip_prefix(", ").is_some_and(|next| {
                    let name = next
                        .bytes()
                        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                        .count();
                    name > 0 && next.as_bytes().get(name) == Some(&b'=')
                }),
                _ => false,
            };
            if ends {
                return at;
            }
        }
        rest.len()
    }

    /// The name as the record writes it.
    fn name<'n>(&self, name: &'n str) -> &'n str {
        if self.resources && name == "arn" {
            return "ARN";
        }
        self::name(name)
    }
}

/// The name inside `userIdentity` as the record writes it.
pub(super) fn name(name: &str) -> &str {
    NAMES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests;
