//! What [`observe`](super::observe) and [`data_roots`](super::data_roots) read of an event, as bytes.
//!
//! Most calls say what others said before, or differ only where nothing decides: a page's token, a filter, a request's
//! id. Events of one operation whose bytes are equal are observed alike, so that whoever remembers need not look again.
//! What is doubtful is taken in: it costs a look, never a wrong answer.

use std::sync::LazyLock;

use memchr::{memchr, memmem};

use super::observe::Place;
use super::operation::Operation;
use crate::catalog::Mapping;
use crate::decode::{Event, Payload, json};

/// Ends a text: no byte of UTF-8.
const END: u8 = 0xff;

/// Appends all that the event's observation depends on, beside its operation.
pub fn reads(event: &Event<'_>, operation: &Operation, out: &mut Vec<u8>) {
    push(out, event.resources.json().unwrap_or(""));
    let Mapping::Actions(_) = operation.mapping else {
        return;
    };
    let Place {
        partition,
        region,
        account,
    } = Place::of(event);
    push(out, partition);
    push(out, region);
    push(out, account);
    out.push(u8::from(event.coarse) | u8::from(event.error_code.is_none()) << 1);
    // A denial names the resource on which permission failed.
    push(out, event.error_message.as_deref().unwrap_or(""));
    // IAM's calls on a user are on the caller where they name none.
    if let Some(identity) = event.identity.as_ref().filter(|_| event.source == "iam.amazonaws.com") {
        push(out, identity.kind.as_deref().unwrap_or(""));
        push(out, identity.arn.as_deref().unwrap_or(""));
    }
    match &event.request_parameters {
        Payload::Absent | Payload::Text(_) => out.push(0),
        Payload::Null => out.push(1),
        Payload::Json(text) => {
            out.push(2);
            request(text, operation, out);
        }
    }
    if let Some(text) = event.response_elements.json().filter(|text| may_hold_arn(text)) {
        // Of a response only ARNs are read, whatever they stand under.
        if text.starts_with('{') {
            json::members(text)
                .filter(|(_, value)| may_hold_arn(value))
                .for_each(|(_, value)| push(out, value));
        } else {
            push(out, text);
        }
    }
}

/// Of a parameter that no path of the operation starts with, only the name counts and whether it carries something.
fn request(text: &str, operation: &Operation, out: &mut Vec<u8>) {
    let mut members = json::members(text);
    // A list, or one that is wrapped into a member of its own.
    let (Some(first), Some(second)) = (members.next(), members.next()) else {
        return push(out, text);
    };
    let holds_arns = may_hold_arn(text);
    for (name, value) in [first, second].into_iter().chain(members) {
        push(out, &name);
        // Newer EC2 calls wrap what they ask for into `content`.
        let concerns =
            operation.concerns(&name) || json::same_name(&name, "content") || holds_arns && may_hold_arn(value);
        match is_empty(value).filter(|_| !concerns) {
            Some(empty) => out.push(u8::from(empty)),
            None => {
                out.push(2);
                push(out, value);
            }
        }
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(END);
}

/// Whether a string in it may start with `arn:`. An escape may hide one.
fn may_hold_arn(json: &str) -> bool {
    static ARN: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("\"arn:"));
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
