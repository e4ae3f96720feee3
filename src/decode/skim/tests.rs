//! The fast reading of a record against the plain one: on every real record, and on damaged and odd ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::record::{Draft, Record};
use super::super::{Why, plain};
use super::{Fault, Habits, is_odd};

/// The fast reading of one record: the same whether its identity was met before or not.
fn record<'d, 'a>(text: &'a str, at: usize, draft: &'d mut Draft<'a>) -> Result<(Record<'d, 'a>, usize), Fault> {
    let mut habits = Habits::default();
    let first = super::record(text, at, &mut habits, draft);
    let mut again = Draft::default();
    assert_eq!(super::record(text, at, &mut habits, &mut again), first, "{text}");
    first
}

/// Both readings of one record say the same.
fn check(text: &str) {
    let (mut fast, mut slow) = (Draft::default(), Draft::default());
    let slow = plain::record(text, &mut slow);
    match record(text, 0, &mut fast) {
        Ok((fast, end)) if end == text.len() => assert_eq!(fast, slow, "{text}"),
        Ok((_, end)) => {
            // More stands behind the record: as a whole it is no JSON, up to there it is.
            let (mut fast, mut slow) = (Draft::default(), Draft::default());
            assert_eq!(
                record(&text[..end], 0, &mut fast).map(|(fast, _)| fast),
                Ok(plain::record(&text[..end], &mut slow)),
                "{text}"
            );
        }
        Err(Fault::Deep) => {}
        Err(Fault::Bad | Fault::End) => assert_eq!(slow, Record::Unusable(Why::NotJson), "{text}"),
    }
}

fn seed() -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROA:s", "arn": "arn:aws:sts::1:assumed-role/R/s", "accountId": "1",
            "accessKeyId": "ASIA", "userName": "u", "invokedBy": "s3.amazonaws.com", "identityProvider": "p",
            "credentialId": "c", "onBehalfOf": {"userId": "u", "identityStoreArn": "i"},
            "inScopeOf": {"issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": "arn"},
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "principalId": "AROA", "arn": "a", "accountId": "1", "userName": "R"},
                "webIdFederationData": {"federatedProvider": "p", "attributes": {"x": "y"}},
                "attributes": {"creationDate": "2023-07-10T11:42:36Z", "mfaAuthenticated": "true"},
                "sourceIdentity": "who", "ec2RoleDelivery": "2.0", "assumedRoot": "true",
            },
        },
        "eventTime": "2023-07-10T11:42:36Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "userAgent": "[aws-cli \"é\" \\ \u{1f600}\n]",
        "errorCode": "AccessDenied", "errorMessage": "no",
        "requestParameters": {"bucketName": "b", "eventName": "Trap", "x": [1, -2.5e3, {"eventTime": null}]},
        "responseElements": null, "additionalEventData": {"a": {}}, "requestID": "r", "eventID": "e",
        "readOnly": true, "managementEvent": false, "resources": [{"ARN": "arn"}], "eventType": "AwsApiCall",
        "recipientAccountId": "1", "sharedEventID": "s", "vpcEndpointId": "v", "eventCategory": "Data",
        "serviceEventDetails": {"k": "v"}, "addendum": {"reason": "UPDATED_DATA", "originalEventID": "o"},
        "sessionCredentialFromConsole": "true", "tlsDetails": {"tlsVersion": "TLSv1.2"},
    })
}

#[test]
fn reads_every_field() {
    let text = seed().to_string();
    check(&text);
    assert!(!is_odd(&text));
    let mut draft = Draft::default();
    let Ok((Record::Event(event), _)) = record(&text, 0, &mut draft) else {
        panic!()
    };
    // Every field of the seed arrives: nothing is left at its default but what only reduced events have.
    let shown = format!("{event:?}").replace("many: None", "");
    assert!(!shown.contains("None") && !shown.contains("Absent"), "{shown}");
    assert!(
        !shown.contains("Trap\""),
        "a name inside requestParameters is not the event's"
    );
    assert_eq!(event.name, "GetObject");
    assert_eq!(event.identity.as_ref().unwrap().mfa, Some(true));
}

#[test]
fn odd_records() {
    for text in [
        r#"{}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","userIdentity":{}}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","userIdentity":[]}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","userIdentity":{"sessionContext":"x"}}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","userIdentity":{"sessionContext":{"sessionIssuer":{}},"sessionContext":null}}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","readOnly":"true","resources":7,"addendum":"\ud800"}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"\ud800"}"#,
        r#"{"\ud800":1,"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","x":1e999,"y":"\udfff"}"#,
        r#"{"\u0065ventTime":"2023-07-10T11:42:36Z","event\u0053ource":"\u0073","eventName":"a\/b"}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","eventName":null}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"","eventName":"n"}"#,
        r#"{"detail":{},"digestStartTime":1}"#,
        r#"{"message":"x"}"#,
        r#"{"eventTime":"2023-07-10T11:42:36Z"} x"#,
        r#" {"eventTime":"2023-07-10T11:42:36Z"}"#,
    ] {
        if text.starts_with('{') {
            check(text);
        } else {
            assert!(record(text, 0, &mut Draft::default()).is_err());
        }
    }
}

/// Every object that looks like a record, as its own text.
fn records_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("eventName") {
                found.push(value.to_string());
            }
            members.values().for_each(|value| records_in(value, found));
        }
        Value::Array(elements) => elements.iter().for_each(|value| records_in(value, found)),
        Value::String(text) if text.starts_with('{') => {
            if let Ok(value) = serde_json::from_str(text) {
                records_in(&value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_real_record() {
    let mut all = Vec::new();
    for (_, bytes) in super::super::tests::trails() {
        let text = String::from_utf8_lossy(&bytes);
        let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        values
            .map_while(Result::ok)
            .for_each(|value| records_in(&value, &mut all));
    }
    let odd = all.iter().filter(|text| is_odd(text)).count();
    all.iter().for_each(|text| check(text));
    // The plain way is for exceptions: were it the rule, the fast one would not be worth having.
    assert!(odd * 10 <= all.len(), "{odd} of {}", all.len());
}

/// Names of every object in the tree, as paths.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    if let Value::Object(members) = value {
        for (name, value) in members {
            let path = format!("{path}/{name}");
            paths(value, &path, found);
            found.push(path);
        }
    }
}

fn replacement() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        prop_oneof![
            Just("true"),
            Just("False"),
            Just(""),
            Just("Insight"),
            Just("a\\\"\u{7f}é")
        ]
        .prop_map(Into::into),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"arn": 1, "userName": "x", "attributes": "y", "sessionIssuer": {"type": null}})),
        Just(json!([{"eventName": "x"}])),
    ]
}

/// Spells some letters of names and values as escapes.
fn escape_some(text: &str, every: usize) -> String {
    let mut out = String::new();
    for (at, character) in text.char_indices() {
        let before = text.as_bytes()[..at].last();
        if character.is_ascii_lowercase() && at % every == 0 && before != Some(&b'\\') && in_string(&text[..at]) {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a string is open at the end of the text.
fn in_string(text: &str) -> bool {
    let mut open = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => open = !open,
            _ => {}
        }
    }
    open
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn fields_dropped_and_changed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(replacement())), 1..5),
        pretty in any::<bool>(),
    ) {
        let mut value = seed();
        for (which, new) in changes {
            let mut all = Vec::new();
            paths(&value, "", &mut all);
            if all.is_empty() {
                break;
            }
            let path = &all[which.index(all.len())];
            match new {
                Some(new) => *value.pointer_mut(path).unwrap() = new,
                None => {
                    let (parent, name) = path.rsplit_once('/').unwrap();
                    value.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
                }
            }
        }
        check(&if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap());
    }

    #[test]
    fn members_written_twice(which in any::<prop::sample::Index>(), new in replacement(), front in any::<bool>()) {
        let (mut all, value) = (Vec::new(), seed());
        paths(&value, "", &mut all);
        let path = &all[which.index(all.len())];
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = value.pointer(parent).unwrap().to_string();
        let twice = if front {
            format!("{{\"{name}\":{new},{}", &parent[1..])
        } else {
            format!("{},\"{name}\":{new}}}", &parent[..parent.len() - 1])
        };
        check(&seed().to_string().replace(&parent, &twice));
    }

    #[test]
    fn bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = seed().to_string().into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if bytes[0] == b'{' {
            check(&String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn punctuation_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}\",:\\\\ 0tn]"), 1..4)) {
        let mut text = seed().to_string();
        for (place, new) in changes {
            let place = text.floor_char_boundary(place.index(text.len()).max(1));
            let next = text.ceil_char_boundary(place + 1);
            text.replace_range(place..next, &new);
        }
        check(&text);
    }

    #[test]
    fn escapes_everywhere(every in 1_usize..40) {
        let text = escape_some(&seed().to_string(), every);
        check(&text);
        let mut fast = Draft::default();
        let Ok((fast, _)) = record(&text, 0, &mut fast) else { panic!() };
        prop_assert_eq!(format!("{fast:?}").contains("GetObject"), true);
    }

    #[test]
    fn cut_anywhere(cut in any::<prop::sample::Index>()) {
        let text = seed().to_string();
        let cut = text.floor_char_boundary(cut.index(text.len()));
        let mut draft = Draft::default();
        prop_assert_eq!(record(&text[..cut], 0, &mut draft), Err(Fault::End));
    }
}
