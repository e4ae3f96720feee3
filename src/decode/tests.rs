//! Whole files in every wrapper; and that the books close.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression as Level;
use flate2::write::GzEncoder;

use super::{Facts, Item, Limits, Reader, Shape};

mod damage;

/// What was handed out, a line each, and the facts. Holds that the books close.
fn collect(read: impl FnOnce(&mut dyn FnMut(Item<'_>)) -> Facts) -> (Vec<String>, Facts) {
    let (mut lines, mut records) = (Vec::new(), 0);
    let facts = read(&mut |item| match item {
        Item::Event(event) => {
            records += 1;
            lines.push(format!("{}{}", event.name, if event.coarse { " (coarse)" } else { "" }));
        }
        Item::Skipped {
            what,
            why,
            records: lost,
        } => {
            records += lost;
            lines.push(format!("[{what}] {why} ({lost})"));
        }
        Item::Digest(digest) => lines.push(format!(
            "digest of {} {} {} from {}: {:?}",
            digest.account,
            digest.region,
            digest.trail,
            digest.start,
            digest
                .named
                .iter()
                .flat_map(|file| [file.window.first, file.window.last()])
                .collect::<Vec<_>>()
        )),
        Item::NotCalls { why, records: beside } => {
            records += beside;
            lines.push(format!("no call: {why} ({beside})"));
        }
    });
    assert_eq!(facts.records, records, "the books do not close: {lines:?}");
    (lines, facts)
}

fn slice(bytes: &[u8]) -> (Vec<String>, Facts) {
    collect(|sink| super::read_slice(bytes, &Limits::default(), sink))
}

/// Reads in windows of that size, as if nothing fitted in memory.
fn windows(bytes: &[u8], window: usize, limits: &Limits) -> (Vec<String>, Facts) {
    let mut reader = Reader {
        window,
        ..Reader::new()
    };
    collect(|sink| reader.stream(bytes, limits, sink))
}

/// What a file yields, read in one go and through windows small and large.
fn check(bytes: impl AsRef<[u8]>, expected: &[&str]) -> Facts {
    let bytes = bytes.as_ref();
    let (lines, facts) = slice(bytes);
    assert_eq!(lines, expected, "{}", String::from_utf8_lossy(bytes));
    for window in [1, 7, 64, 1 << 18] {
        let (lines, streamed) = windows(bytes, window, &Limits::default());
        assert_eq!(
            lines,
            expected,
            "in windows of {window}: {}",
            String::from_utf8_lossy(bytes)
        );
        assert_eq!(streamed.records, facts.records);
        assert_eq!(streamed.shape, facts.shape);
    }
    facts
}

/// A record named so.
fn record(name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"2023-07-10T11:42:36Z","eventSource":"s3.amazonaws.com","eventName":"{name}","userIdentity":{{"type":"Root"}},"requestParameters":{{"bucketName":"b{name}"}}}}"#
    )
}

fn records(names: &[&str]) -> String {
    format!(
        "{{\"Records\":[{}]}}",
        names.iter().map(|name| record(name)).collect::<Vec<_>>().join(",")
    )
}

/// A JSON string of that text.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn shape(bytes: impl AsRef<[u8]>, expected: &[&str], shape: Shape) {
    assert_eq!(check(bytes, expected).shape, shape);
}

#[test]
fn trail_files() {
    shape(records(&["A", "B"]), &["A", "B"], Shape::Records);
    shape(r#"{"Records":[]}"#, &[], Shape::Records);
    shape(format!("\u{feff} {}\n", records(&["A"])), &["A"], Shape::Records);
    shape(
        format!("{}{}\n{}", records(&["A"]), records(&["B"]), records(&["C"])),
        &["A", "B", "C"],
        Shape::Records,
    );
    let pretty: serde_json::Value = serde_json::from_str(&records(&["A", "B"])).unwrap();
    shape(
        serde_json::to_string_pretty(&pretty).unwrap(),
        &["A", "B"],
        Shape::Records,
    );
    shape(
        format!("{{\"x\":[1,{{}}],\"Records\":[{}],\"y\":12}}", record("A")),
        &["A"],
        Shape::Records,
    );
}

#[test]
fn records_without_a_container() {
    shape(format!("[{}, {}]", record("A"), record("B")), &["A", "B"], Shape::Array);
    shape(
        format!("{}\n\n{}\r\n", record("A"), record("B")),
        &["A", "B"],
        Shape::Events,
    );
    let pretty: serde_json::Value = serde_json::from_str(&record("A")).unwrap();
    let pretty = serde_json::to_string_pretty(&pretty).unwrap();
    shape(&pretty, &["A"], Shape::Events);
    shape(format!("{pretty}\n{pretty}"), &["A", "A"], Shape::Events);
    shape(format!("{}{}", record("A"), record("B")), &["A", "B"], Shape::Events);
    shape(
        format!("\u{1e}{}\n\u{1e}{}\n", record("A"), record("B")),
        &["A", "B"],
        Shape::Events,
    );
}

#[test]
fn lookup_events() {
    let entry = |name| {
        format!(
            r#"{{"EventId":"1","EventName":"{name}","ReadOnly":"true","Resources":[],"CloudTrailEvent":{}}}"#,
            quoted(&record(name))
        )
    };
    let output = format!(r#"{{"NextToken":"x","Events":[{},{}],"z":1}}"#, entry("A"), entry("B"));
    shape(output, &["A", "B"], Shape::LookupEvents);
    shape(
        format!("{}\n{}\n", entry("A"), entry("B")),
        &["A", "B"],
        Shape::LookupEvents,
    );
    let broken = format!(
        r#"{{"Events":[{{"CloudTrailEvent":"{{\"eventVersion\":"}},{}]}}"#,
        entry("B")
    );
    shape(
        broken,
        &["[record 1] not well-formed JSON (1)", "B"],
        Shape::LookupEvents,
    );
}

#[test]
fn eventbridge() {
    let envelope = |name| {
        format!(
            r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{}}}"#,
            record(name)
        )
    };
    shape(envelope("A"), &["A"], Shape::EventBridge);
    shape(
        format!("{}\n{}", envelope("A"), envelope("B")),
        &["A", "B"],
        Shape::EventBridge,
    );
    shape(
        format!("[{},{}]", envelope("A"), envelope("B")),
        &["A", "B"],
        Shape::EventBridge,
    );
    let other = r#"{"detail-type":"EC2 Instance State-change Notification","detail":{"state":"running"}}"#;
    check(
        format!("{}\n{other}", envelope("A")),
        &["A", "[record 2] an event that CloudTrail did not write (1)"],
    );
    check(
        format!("{other}\n{}", envelope("A")),
        &["[record 1] an event that CloudTrail did not write (1)", "A"],
    );
    check(other, &["[] not a CloudTrail file (0)"]);
}

#[test]
fn cloudwatch_logs() {
    let event = |name: &str| format!(r#"{{"id":"1","timestamp":1,"message":{}}}"#, quoted(&record(name)));
    let subscription = format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"1","logEvents":[{},{}]}}"#,
        event("A"),
        event("B")
    );
    shape(&subscription, &["A", "B"], Shape::CloudWatchLogs);
    shape(gzip(&subscription), &["A", "B"], Shape::CloudWatchLogs);
    shape(
        format!("{subscription}{subscription}"),
        &["A", "B", "A", "B"],
        Shape::CloudWatchLogs,
    );
    shape(
        format!(r#"{{"events":[{}],"searchedLogStreams":[]}}"#, event("A")),
        &["A"],
        Shape::CloudWatchLogs,
    );
    let enveloped = format!(
        r#"{{"message":{}}}"#,
        quoted(&format!(r#"{{"detail":{}}}"#, record("A")))
    );
    check(enveloped, &["A"]);
    let other = r#"{"logEvents":[{"id":"1","message":"START RequestId: 1"}]}"#;
    check(other, &["[record 1] an event that CloudTrail did not write (1)"]);
}

#[test]
fn what_is_beside_calls() {
    let digest = r#"{"awsAccountId":"1","digestStartTime":"2023-07-10T11:42:36Z","previousDigestHashValue":"x"}"#;
    shape(digest, &["no call: digest file (0)"], Shape::Digest);
    let whole = r#"{"awsAccountId":"1","digestStartTime":"2023-07-10T11:42:36Z","digestEndTime":"2023-07-10T12:42:36Z",
        "digestS3Object":"p/AWSLogs/1/CloudTrail-Digest/eu-west-1/2023/07/10/1_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20230710T124236Z.json.gz",
        "logFiles":[{"oldestEventTime":"2023-07-10T11:40:00Z","newestEventTime":"2023-07-10T11:50:00Z"},{}]}"#;
    shape(
        whole,
        &[
            "digest of 1 eu-west-1 my_trail from 1688989356: [1688989200, 1688989800]",
            "no call: digest file (0)",
        ],
        Shape::Digest,
    );
    let list = r#"{"Records":[
        {"eventVersion":"1.07","eventTime":"2023-07-10T11:42:36Z","eventType":"AwsCloudTrailInsight"},
        {"eventVersion":"1.07","eventTime":"2023-07-10T11:42:36Z","eventCategory":"Insight","eventSource":"x","eventName":"y"},
        {"eventVersion":"1.10","eventCategory":"NetworkActivity","eventName":"x"},
        {"eventVersion":"1.10","eventType":"AwsVpceEvents"},
        {"eventVersion":"1.10","eventType":"AwsAggregatedEvent","summary":{}}
    ]}"#;
    check(
        list,
        &[
            "no call: Insights event (1)",
            "no call: Insights event (1)",
            "no call: network activity event (1)",
            "no call: network activity event (1)",
            "no call: aggregated event (1)",
        ],
    );
}

#[test]
fn what_is_no_trail() {
    for text in [
        "hello\nworld\n",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        "[1,2,{\"a\":3}]",
        "\u{89}PNG\r\n\u{1a}\n\0\0\0\rIHDR",
        "a,b\n1,2\n",
        "<html>",
        "12",
        "{}",
        "[]",
    ] {
        check(text, &["[] not a CloudTrail file (0)"]);
    }
    check(
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\0",
        &["[] not a CloudTrail file (0)"],
    );
    check("", &["[] the file is empty (0)"]);
}

#[test]
fn a_record_that_cannot_be_used_costs_itself_only() {
    let good = record("B");
    let list = |bad: &str| format!("{{\"Records\":[{},{bad},{good}]}}", record("A"));
    let alone = |bad: &str, why: &str| {
        let skipped = format!("[record 2] {why} (1)");
        check(list(bad), &["A", &skipped, "B"]);
        check(format!("{}\n{bad}\n{good}\n", record("A")), &["A", &skipped, "B"]);
    };
    alone(
        r#"{"eventVersion":"1.08","eventSource":"s","eventName":"n"}"#,
        "eventTime is missing or no time",
    );
    alone(
        r#"{"eventTime":"soon","eventSource":"s","eventName":"n"}"#,
        "eventTime is missing or no time",
    );
    alone(
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventName":"n"}"#,
        "eventSource is missing",
    );
    alone(
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":3}"#,
        "eventName is missing",
    );
    alone(
        r#"{"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","eventName":"n","userIdentity":"root"}"#,
        "userIdentity is not an object",
    );
    alone(
        r#"{"eventVersion":"2.1","eventTime":"2023-07-10T11:42:36Z","eventSource":"aws:s3","eventName":"ObjectCreated:Put"}"#,
        "an event that CloudTrail did not write",
    );
    alone(r#"{"hello":"world"}"#, "an event that CloudTrail did not write");
    alone(r#"{"eventVersion":"1.08","eventName":"n",}"#, "not well-formed JSON");
    alone(r#"{"eventVersion":"1.08","eventName":tru}"#, "not well-formed JSON");
    alone(r#"{"eventVersion":"1.08","eventName":"#, "not well-formed JSON");
    alone(r#"{"eventVersion":"1.08","eventName":"n"#, "not well-formed JSON");
    alone(r#"{"eventVersion":"1.08","eventName":"n}"#, "not well-formed JSON");
    check(
        list("null"),
        &["A", "[record 2] an event that CloudTrail did not write (1)", "B"],
    );
    check(
        list("[1,2]"),
        &["A", "[record 2] an event that CloudTrail did not write (1)", "B"],
    );
    check(list("garbage"), &["A", "[record 2] not well-formed JSON (1)", "B"]);
    let deep = format!(
        r#"{{"eventVersion":"1.08","requestParameters":{}1{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    check(list(&deep), &["A", "[record 2] record is nested too deeply (1)", "B"]);
}

#[test]
fn a_deep_line_costs_itself_only() {
    let deep = format!(
        r#"{{"eventVersion":"1.08","x":{}1{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    let text = format!("{}\n{deep}\n{}", record("A"), record("B"));
    check(text, &["A", "[record 2] record is nested too deeply (1)", "B"]);
    // Its brackets do not close: the next record is known by its first field.
    let text = format!("{}\n{}\n{}", record("A"), "{\"a\":\n".repeat(500), record("B"));
    check(text, &["A", "[record 2] record is nested too deeply (1)", "B"]);
}

#[test]
fn garbage_between_lines() {
    let (a, b) = (record("A"), record("B"));
    check(
        format!("# comment\n{a}\nnot json\n{b}"),
        &[
            "[record 1] not well-formed JSON (1)",
            "A",
            "[record 3] not well-formed JSON (1)",
            "B",
        ],
    );
    check(
        format!("x\ny\n{a}"),
        &["[records 1 to 2] not well-formed JSON (2)", "A"],
    );
    check(
        format!("{a} trailing\n{b}"),
        &["A", "[record 2] not well-formed JSON (1)", "B"],
    );
}

#[test]
fn odd_fields_are_unknown() {
    let odd = r#"{"eventVersion":1.08,"eventTime":"2023-07-10T11:42:36Z","eventSource":"s","event\u004eame":"GetObject",
        "readOnly":"true","managementEvent":null,"resources":{"a":1},"requestParameters":"***","responseElements":null,
        "additionalEventData":7,"userAgent":"\ud800","awsRegion":["us-east-1"],"recipientAccountId":123456789012,
        "whatever":1e400,"more":123456789012345678901234567890,"userIdentity":{"type":"IAMUser","accountId":12,
        "sessionContext":null,"arn":"first","arn":"last"},
        "errorCode":"one","errorCode":"two"}"#;
    let mut seen = 0;
    super::read_slice(odd.as_bytes(), &Limits::default(), &mut |item| {
        let Item::Event(event) = item else { panic!("{item:?}") };
        let event = event.clone();
        seen += 1;
        assert_eq!(event.name, "GetObject");
        assert_eq!(
            (event.event_version, event.read_only, event.management_event),
            (None, None, None)
        );
        assert_eq!(event.resources.json(), Some(r#"{"a":1}"#));
        assert_eq!(event.request_parameters, super::Payload::Text("***".into()));
        assert_eq!(event.response_elements, super::Payload::Null);
        assert_eq!(event.additional_event_data, super::Payload::Text("7".into()));
        assert_eq!(event.service_event_details, super::Payload::Absent);
        assert_eq!(
            (event.user_agent, event.region, event.recipient_account_id),
            (None, None, None)
        );
        assert_eq!(event.error_code.as_deref(), Some("two"));
        let identity = event.identity.unwrap();
        assert_eq!(identity.arn.as_deref(), Some("last"));
        assert_eq!((&identity.account_id, &identity.session_issuer), (&None, &None));
    });
    assert_eq!(seen, 1);
}

#[test]
fn bytes_that_are_no_utf8_are_replaced() {
    let mut bytes = records(&["A", "B"]).into_bytes();
    let place = bytes.windows(2).position(|pair| pair == b"bA").unwrap();
    bytes[place] = 0xff;
    check(&bytes, &["A", "B"]);
    let mut parameters = Vec::new();
    super::read_slice(&bytes, &Limits::default(), &mut |item| {
        let Item::Event(event) = item else { panic!("{item:?}") };
        parameters.push(event.request_parameters.json().unwrap().to_owned());
    });
    assert_eq!(
        parameters,
        ["{\"bucketName\":\"\u{fffd}A\"}", "{\"bucketName\":\"bB\"}"]
    );
}

/// Every file under a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found)
        } else {
            found.push(path)
        }
    }
}

/// Real trails beside the project; none where they are absent.
pub(super) fn trails() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/trails");
    let mut found = Vec::new();
    if folder.is_dir() {
        files(&folder, &mut found);
    } else {
        eprintln!("skipped: no trails in {}", folder.display());
    }
    found.sort();
    found
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Events in a tree of JSON, found by their names alone.
fn count_events(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(members)
            if members.contains_key("eventSource") && members.contains_key("eventName") =>
        {
            1
        }
        serde_json::Value::Object(members) => members
            .iter()
            .map(|(name, value)| match (name.as_str(), value.as_str()) {
                ("CloudTrailEvent" | "message", Some(text)) => {
                    serde_json::from_str(text).map_or(0, |v| count_events(&v))
                }
                ("Records" | "Events" | "events" | "logEvents" | "detail", _) => count_events(value),
                _ => 0,
            })
            .sum(),
        serde_json::Value::Array(elements) => elements.iter().map(count_events).sum(),
        _ => 0,
    }
}

#[test]
fn every_real_trail_is_read() {
    for (path, bytes) in trails() {
        let (lines, facts) = slice(&bytes);
        // Small windows read a record over and over until it is complete: on small files only.
        let window = if bytes.len() < 100_000 { 50 } else { 8192 };
        let (streamed, _) = windows(&bytes, window, &Limits::default());
        assert_eq!(streamed, lines, "{}", path.display());
        assert_eq!(slice(&gzip(&bytes)).0, lines, "{}", path.display());
        let text = String::from_utf8_lossy(&bytes);
        let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
        let expected: usize = values.map_while(Result::ok).map(|value| count_events(&value)).sum();
        let unreadable = lines
            .iter()
            .filter(|line| line.starts_with("[record ") && line.ends_with("(1)"))
            .count();
        let calls = lines.iter().filter(|line| !line.starts_with('[')).count();
        assert!(
            calls <= expected && calls + unreadable >= expected,
            "{}: {expected} {lines:?}",
            path.display()
        );
        assert!(facts.records >= calls as u64);
    }
}
