//! Nothing is allocated for a call like those before it: what a thread needs for it, it has already.

use std::fmt::Write as _;

use super::*;

/// A file of so many calls in its hour: each with ids of its own, by four sessions, of three operations on five things.
fn trail(hour: usize, calls: usize) -> Vec<u8> {
    let mut text = r#"{"Records":["#.to_owned();
    for call in 0..calls {
        if call > 0 {
            text.push(',');
        }
        let (role, thing, minute) = (call % 4, call % 5, call % 60);
        let (source, name, request) = [
            (
                "s3",
                "GetBucketAcl",
                format!(r#"{{"bucketName":"bucket-{thing}","acl":""}}"#),
            ),
            (
                "dynamodb",
                "DescribeTable",
                format!(r#"{{"tableName":"table-{thing}"}}"#),
            ),
            (
                "ec2",
                "DescribeVolumes",
                format!(r#"{{"volumeSet":{{"items":[{{"volumeId":"vol-{hour:05}{call:05}"}}]}}}}"#),
            ),
        ][call % 3]
            .clone();
        write!(
            text,
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE{role}:session","arn":"arn:aws:sts::111122223333:assumed-role/role-{role}/session","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE{role}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE{role}","arn":"arn:aws:iam::111122223333:role/role-{role}","accountId":"111122223333","userName":"role-{role}"}},"attributes":{{"creationDate":"2026-07-01T00:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2026-07-01T{hour:02}:{minute:02}:00Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","sourceIPAddress":"10.0.0.{role}","userAgent":"aws-cli/2.17.32","requestParameters":{request},"responseElements":null,"requestID":"request-{hour:05}-{call:05}","eventID":"event-{hour:05}-{call:05}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","clientProvidedHostHeader":"{source}.eu-west-1.amazonaws.com"}}}}"#
        )
        .unwrap();
    }
    text.push_str("]}");
    text.into_bytes()
}

/// Files of these hours: nothing is allocated for a call of the last one.
#[track_caller]
fn check(files: [Vec<u8>; 3]) {
    let (mut reader, mut memory) = (Reader::new(), Memory::default());
    let mut shard = Shard::new(1, Builder::default(), Arc::default());
    let mut count = |bytes: &[u8]| {
        let (mut events, mut allocations) = (0, 0);
        reader.read_slice(bytes, &Limits::default(), &mut |item| {
            if let Item::Event(event) = item {
                events += 1;
                // The fingerprints of a day's events take memory by their nature, so no event is looked for in them here.
                allocations += allocation_counter::measure(|| shard.event(event, &[], &mut memory)).count_total;
            }
        });
        (events, allocations)
    };
    let [first, hour, same_hour] = files;
    // Shapes of resources settle once there are more than are kept apart.
    let (_, before) = count(&first);
    assert!(before > 0, "what is new takes memory");
    // Another hour is new, once for each stream.
    count(&hour);
    assert_eq!(count(&same_hour), (300, 0));
}

#[test]
fn counting_a_call_like_others_allocates_nothing() {
    check([trail(0, 3000), trail(1, 60), trail(1, 300)]);
}

#[test]
fn counting_a_call_that_names_nobody_or_was_denied_allocates_nothing() {
    let changed = |hour, calls, from: &str, to: &str| {
        let text = String::from_utf8(trail(hour, calls)).unwrap();
        assert!(text.contains(from));
        text.replace(from, to).into_bytes()
    };
    let nobody = |hour, calls| changed(hour, calls, "userIdentity", "nobody");
    let denied = |hour, calls| {
        let name = r#""eventName":"GetBucketAcl""#;
        let error = r#""errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/role-1/session is not authorized to perform: s3:GetBucketAcl on resource: *""#;
        changed(hour, calls, name, &format!("{name},{error}"))
    };
    check([nobody(0, 3000), nobody(1, 60), nobody(1, 300)]);
    check([denied(0, 3000), denied(1, 60), denied(1, 300)]);
}

#[test]
fn reading_many_records_allocates_no_more_than_reading_few() {
    let mut reader = Reader::new();
    let mut count = |bytes: &[u8]| {
        let read = |reader: &mut Reader| {
            reader.read_slice(bytes, &Limits::default(), &mut |_| {});
        };
        read(&mut reader);
        allocation_counter::measure(|| read(&mut reader)).count_total
    };
    assert_eq!(count(&trail(0, 600)), count(&trail(1, 60)));
}
