//! `trimtrail.events/1`: events that an engine (Athena, Spark) has counted, one JSON object for equal calls of one day.
//!
//! A flat object, because engines write those alike. `schema` is `trimtrail.events/1`; `calls` counts, `hours` has a bit
//! for each hour of the day with a call, `first` and `last` are `eventTime|eventID`; the other columns are fields of the
//! record by their names in snake case, nested ones as JSON text (`null` where the record has null, absent where nobody
//! knows). The engine has dropped duplicates and whatever no stage asks for. The line is written again as the record
//! that it came from and read as one, so that there is one reading of records.

use super::books::Books;
use super::record::{Draft, Record};
use super::scan::Marked;
use super::{Many, Shape, Time, Why, json, scan, skim, table};

/// The value of `schema`.
pub(super) const SCHEMA: &str = "trimtrail.events/1";

/// Most calls of one line.
const MOST: u64 = u32::MAX as u64;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Tree,
}

/// Columns that are fields of the record, by the record's names.
const COLUMNS: [(&str, &str, Kind); 17] = [
    ("addendum", "addendum", Kind::Tree),
    ("aws_region", "awsRegion", Kind::Text),
    ("error_code", "errorCode", Kind::Text),
    ("error_message", "errorMessage", Kind::Text),
    ("event_category", "eventCategory", Kind::Text),
    ("event_name", "eventName", Kind::Text),
    ("event_source", "eventSource", Kind::Text),
    ("event_type", "eventType", Kind::Text),
    ("event_version", "eventVersion", Kind::Text),
    ("management_event", "managementEvent", Kind::Flag),
    ("read_only", "readOnly", Kind::Flag),
    ("recipient_account_id", "recipientAccountId", Kind::Text),
    ("request_parameters", "requestParameters", Kind::Tree),
    ("resources", "resources", Kind::Tree),
    ("response_elements", "responseElements", Kind::Tree),
    ("user_agent", "userAgent", Kind::Text),
    ("user_identity", "userIdentity", Kind::Tree),
];

/// Reads one line, a well-formed object.
pub(super) fn line(books: &mut Books<'_>, text: &str) {
    books.recognise(Shape::ReducedEvents);
    let Some((record, many)) = record(text) else {
        return books.unusable(Why::NotReduced);
    };
    let mut draft = Draft::default();
    match skim::record(&record, 0, books.habits, &mut draft) {
        Ok((Record::Event(event), _)) => {
            event.many = Some(Box::new(many));
            books.event(event, Shape::ReducedEvents);
        }
        Ok((Record::Wrapper | Record::Stranger, _)) | Err(_) => books.unusable(Why::NotReduced),
        Ok((record, _)) => books.record(record, Shape::ReducedEvents),
    }
}

/// The record that the line stands for, and how often.
fn record(text: &str) -> Option<(String, Many)> {
    let (mut calls, mut hours, mut first, mut last) = (None, None, None, None);
    let mut record = String::with_capacity(text.len() + 64);
    record.push('{');
    for (name, raw) in json::members(text) {
        match &*name {
            "calls" => calls = number(raw).filter(|calls| (1..=MOST).contains(calls)),
            "hours" => hours = number(raw),
            "first" => first = moment(raw),
            "last" => last = moment(raw),
            name => {
                if let Ok(at) = COLUMNS.binary_search_by_key(&name, |(column, _, _)| *column) {
                    let (_, field, kind) = COLUMNS[at];
                    column(&mut record, field, kind, raw);
                }
            }
        }
    }
    let (calls, (first, first_id), (last_time, last_id)) = (calls?, first?, last?);
    for (field, value) in [("eventTime", &first), ("eventID", &first_id)] {
        if !value.is_empty() {
            table::member(&mut record, field, |out| table::string(out, value));
        }
    }
    record.push('}');
    // A first moment that is no time makes a record without one, which says so itself.
    let last = Time::parse(&last_time)
        .or_else(|| Time::parse(&first))
        .unwrap_or_default();
    let all = (1 << 24) - 1;
    let hours = u32::try_from(hours.unwrap_or(0) & all).unwrap_or(0);
    Some((
        record,
        Many {
            calls,
            hours,
            last,
            last_id,
        },
    ))
}

/// One column as a member of the record. Null and the empty string are left out.
fn column(record: &mut String, field: &str, kind: Kind, raw: &str) {
    let text = text(raw);
    match kind {
        Kind::Text => {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                table::member(record, field, |out| table::string(out, &text));
            }
        }
        Kind::Flag => {
            let flag = text.as_deref().unwrap_or(raw);
            if flag == "true" || flag == "false" {
                table::member(record, field, |out| out.push_str(flag));
            }
        }
        Kind::Tree => {
            // Some engines write a nested field as it is instead of as text; their null is no record's null.
            let nested = raw.starts_with(['{', '[']).then_some(raw);
            let Some(tree) = text
                .as_deref()
                .or(nested)
                .map(str::trim)
                .filter(|tree| !tree.is_empty())
            else {
                return;
            };
            let whole = scan::value(&mut Marked::new(tree.as_bytes()), 0) == Ok(tree.len());
            table::member(record, field, |out| {
                match json::parse(tree).filter(|_| field == "userIdentity") {
                    Some(identity) => with_names(out, &identity),
                    None if whole => out.push_str(tree),
                    None => table::string(out, tree),
                }
            });
        }
    }
}

/// A tree as JSON, the names inside `userIdentity` as the record writes them: Athena's are in lower case.
fn with_names(out: &mut String, value: &json::Value<'_>) {
    match value {
        json::Value::Object(members) => {
            out.push('{');
            for (name, value) in members {
                table::member(out, table::name(name), |out| with_names(out, value));
            }
            out.push('}');
        }
        json::Value::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                with_names(out, element);
            }
            out.push(']');
        }
        json::Value::String(text) => table::string(out, text),
        json::Value::Number(text) => out.push_str(text),
        json::Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        json::Value::Null => out.push_str("null"),
    }
}

/// `eventTime|eventID`
fn moment(raw: &str) -> Option<(String, String)> {
    let text = text(raw)?;
    let (time, id) = text.split_once('|')?;
    Some((time.to_owned(), id.to_owned()))
}

/// A whole number, written as one or as text.
fn number(raw: &str) -> Option<u64> {
    text(raw).as_deref().unwrap_or(raw).parse().ok()
}

/// The text of a JSON string; `None` where it is something else.
fn text(raw: &str) -> Option<String> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    scan::unescape_lossy(inner).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests;
