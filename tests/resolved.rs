//! What one event is resolved to: shared by the files that ask it of single events.

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::decode::{Event, Item, Limits, Reader};
use trimtrail::inside::resolve::{self, Call, Operation, Resolution};

use super::journey::ACCOUNT;

/// What `read` makes of one event.
pub(super) fn with_event<T>(event: &Value, read: impl FnOnce(&Event<'_>) -> T) -> T {
    let records = json!({ "Records": [event] }).to_string();
    let (mut read, mut out) = (Some(read), None);
    Reader::new().read_slice(records.as_bytes(), &Limits::default(), &mut |item| {
        if let (Item::Event(event), Some(read)) = (item, read.take()) {
            out = Some(read(event));
        }
    });
    out.expect("an event")
}

/// What an event needed, and may have needed.
pub(super) fn of_event(event: &Value) -> Resolution {
    with_event(event, |event| {
        let catalog = Catalog::embedded();
        let operation = Operation::of(catalog, &event.source, &event.name);
        let observed = resolve::observe(event, &operation);
        resolve::resolve(catalog, &operation, &observed.facts, &observed.resources)
    })
}

/// The same of a request in eu-west-1, and of the resources that its event lists.
pub(super) fn of_request(source: &str, name: &str, request: &Value, resources: &Value) -> Resolution {
    of_event(&json!({
        "eventTime": "2026-10-01T12:00:00Z", "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT, "requestParameters": request, "resources": resources,
    }))
}

/// One of the actions that a call may have needed.
pub(super) fn call_of<'r>(resolution: &'r Resolution, action: &str) -> &'r Call {
    let catalog = Catalog::embedded();
    let mut calls = resolution.may_need.iter();
    calls
        .find(|call| catalog.name(call.action).eq_ignore_ascii_case(action))
        .unwrap_or_else(|| panic!("the call does not need {action}"))
}
