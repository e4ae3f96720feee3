//! Reduced events stand for as many calls as they say, and carry what a raw event carries.

use super::super::{Event, Facts, Item, Limits, Shape, read_slice};

const LINE: &str = r#"{"schema":"trimtrail.events/1","calls":7,"hours":1537,"first":"2026-10-01T00:04:05Z|a","last":"2026-10-01T10:00:01Z|b",
    "event_source":"s3.amazonaws.com","event_name":"GetObject","aws_region":"eu-west-1","recipient_account_id":"111122223333",
    "read_only":"true","management_event":false,"error_code":null,"user_identity":"{\"type\":\"IAMUser\",\"principalid\":\"AIDA\",\"sessioncontext\":{\"sessionissuer\":{\"username\":\"u\"}}}",
    "request_parameters":"{\"bucketName\":\"b\"}","resources":"[{\"ARN\":\"arn:aws:s3:::b\"}]"}"#;

/// What the lines yield.
fn items(text: &str) -> (Vec<String>, Facts) {
    let mut items = Vec::new();
    let facts = read_slice(text.as_bytes(), &Limits::default(), &mut |item| {
        items.push(match item {
            Item::Event(event) => show(event),
            Item::Skipped { what, why, records } => format!("[{what}] {why} ({records})"),
            other => format!("{other:?}"),
        });
    });
    (items, facts)
}

fn show(event: &Event<'_>) -> String {
    let identity = event.identity.as_ref();
    let issuer = identity.and_then(|identity| identity.session_issuer.as_ref());
    format!(
        "{} {} {} {} by {} {} {:?} {:?}",
        event.calls(),
        event.time,
        event.id.as_deref().unwrap_or("-"),
        event.name,
        identity
            .and_then(|identity| identity.principal_id.as_deref())
            .unwrap_or("-"),
        issuer.and_then(|issuer| issuer.user_name.as_deref()).unwrap_or("-"),
        event.read_only,
        event.request_parameters.json(),
    )
}

#[test]
fn one_line_stands_for_many_calls() {
    let (items, facts) = items(&LINE.replace('\n', ""));
    let event = r#"7 2026-10-01T00:04:05Z a GetObject by AIDA u Some(true) Some("{\"bucketName\":\"b\"}")"#;
    assert_eq!(items, [event]);
    assert_eq!((facts.records, facts.shape), (7, Shape::ReducedEvents));
}

#[test]
fn moments_are_one_an_hour() {
    let mut moments = Vec::new();
    read_slice(LINE.as_bytes(), &Limits::default(), &mut |item| {
        if let Item::Event(event) = item {
            moments.extend(event.moments().map(|time| time.to_string()));
        }
    });
    // Bits 0, 9 and 10: the first and the last call stand for their hours.
    let expected = [
        "2026-10-01T00:04:05Z",
        "2026-10-01T09:00:00Z",
        "2026-10-01T10:00:00Z",
        "2026-10-01T10:00:01Z",
    ];
    assert_eq!(moments, expected);
}

#[test]
fn null_says_something_and_absence_does_not() {
    let payload = |text: &str| {
        let mut found = String::new();
        let line = LINE.replace(r#""{\"bucketName\":\"b\"}""#, text);
        read_slice(line.as_bytes(), &Limits::default(), &mut |item| {
            if let Item::Event(event) = item {
                found = format!("{:?}", event.request_parameters);
            }
        });
        found
    };
    assert_eq!(payload(r#""null""#), "Null");
    assert_eq!(payload("null"), "Absent");
    assert_eq!(payload(r#""""#), "Absent");
    assert_eq!(payload(r#""HIDDEN""#), r#"Text("HIDDEN")"#);
    assert_eq!(payload(r#"{"a": 1}"#), r#"Json("{\"a\": 1}")"#);
}

#[test]
fn what_is_no_reduced_event() {
    let (good, wrong) = (LINE.replace('\n', ""), "not a reduced event of trimtrail.events/1 (1)");
    for (from, to) in [
        (r#""calls":7"#, r#""calls":0"#),
        (r#""calls":7"#, r#""calls":99999999999"#),
        (r#""calls":7,"#, ""),
        (r#""first":"2026-10-01T00:04:05Z|a""#, r#""first":3"#),
        ("trimtrail.events/1", "trimtrail.events/2"),
    ] {
        let (items, facts) = items(&format!("{good}\n{}", good.replace(from, to)));
        assert_eq!(
            (items[1].as_str(), facts.records),
            (format!("[record 8] {wrong}").as_str(), 8),
            "{to}"
        );
    }
    let (found, _) = items(&format!("{good}\n{}", good.replace("2026-10-01T00", "yesterday")));
    assert_eq!(found[1], "[record 8] eventTime is missing or no time (1)");
}

#[test]
fn numbers_may_be_text() {
    let (items, facts) = items(&LINE.replace("\"calls\":7", "\"calls\":\"7\"").replace('\n', ""));
    assert_eq!((items.len(), facts.records), (1, 7));
}
