//! Which events are the same.

use super::{Fingerprints, Met, print};
use crate::decode::{Event, Identity, Payload, Time};

fn event(request: &'static str) -> Event<'static> {
    Event {
        id: Some("REDACTED".into()),
        source: "sqs.amazonaws.com".into(),
        name: "DeleteQueue".into(),
        time: Time::from_seconds(1_790_838_000),
        request_parameters: Payload::Json(request),
        ..Event::default()
    }
}

/// Fingerprints that tell who called themselves.
#[derive(Default)]
struct Prints(Fingerprints);

impl Prints {
    fn met(&self, event: &Event<'_>) -> Met {
        self.0.met(event, event.identity.as_deref().map(print))
    }
}

#[test]
fn event_read_again_is_a_duplicate_however_it_is_serialised() {
    let met = Prints::default();
    assert_eq!(
        met.met(&event(r#"{"queueUrl":"q","tags":{"a":"1","b":"2"}}"#)),
        Met::New
    );
    for again in [
        r#"{"queueUrl":"q","tags":{"a":"1","b":"2"}}"#,
        r#"{ "queueUrl": "q", "tags": { "a": "1", "b": "2" } }"#,
        r#"{"tags":{"b":"2","a":"1"},"queueUrl":"q"}"#,
        r#"{"\u0071ueueUrl":"\u0071","tags":{"a":"1","b":"2"}}"#,
    ] {
        assert_eq!(met.met(&event(again)), Met::Again, "{again}");
    }
}

#[test]
fn event_with_the_same_id_and_other_content_is_another_event() {
    let met = Prints::default();
    let first = event(r#"{"queueUrl":"q"}"#);
    assert_eq!(met.met(&first), Met::New);
    let identity = Identity {
        arn: Some("arn:aws:iam::111122223333:user/ana".into()),
        ..Identity::default()
    };
    let others = [
        event(r#"{"queueUrl":"r"}"#),
        Event {
            time: Time::from_seconds(1_790_838_001),
            ..first.clone()
        },
        Event {
            name: "PurgeQueue".into(),
            ..first.clone()
        },
        Event {
            source: "sns.amazonaws.com".into(),
            ..first.clone()
        },
        Event {
            error_code: Some("AccessDenied".into()),
            ..first.clone()
        },
        Event {
            error_message: Some("Access Denied".into()),
            ..first.clone()
        },
        Event {
            identity: Some(identity.into()),
            ..first.clone()
        },
        Event {
            request_parameters: Payload::Null,
            ..first.clone()
        },
    ];
    for other in &others {
        assert_eq!(met.met(other), Met::IdOnly, "{other:?}");
    }
    for again in others.iter().chain([&first]) {
        assert_eq!(met.met(again), Met::Again, "{again:?}");
    }
}

#[test]
fn values_that_change_places_are_other_content() {
    let met = Prints::default();
    assert_eq!(
        met.met(&event(r#"{"from":{"key":"a"},"to":{"key":"b"},"n":1}"#)),
        Met::New
    );
    assert_eq!(
        met.met(&event(r#"{"from":{"key":"b"},"to":{"key":"a"},"n":1}"#)),
        Met::IdOnly
    );
    assert_eq!(
        met.met(&event(r#"{"from":{"key":"a"},"to":{"key":"b"},"n":2}"#)),
        Met::IdOnly
    );
    assert_eq!(
        met.met(&event(r#"{"from":{"key":"a","n":1},"to":{"key":"b"}}"#)),
        Met::IdOnly
    );
}

#[test]
fn another_account_s_copy_and_an_event_without_an_id_are_never_met() {
    let met = Prints::default();
    let first = event("{}");
    let copy = Event {
        recipient_account_id: Some("111122223333".into()),
        ..first.clone()
    };
    assert_eq!([met.met(&first), met.met(&copy)], [Met::New, Met::New]);
    let nameless = Event { id: None, ..first };
    assert_eq!([met.met(&nameless), met.met(&nameless)], [Met::New, Met::New]);
}
