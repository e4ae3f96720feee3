//! What is read of an event, and which names in it are plain.

use super::*;
use crate::catalog::Catalog;

fn event<'e>(source: &'e str, name: &'e str, request: &'e str, resources: &'e str) -> Event<'e> {
    Event {
        source: source.into(),
        name: name.into(),
        region: Some("eu-west-1".into()),
        recipient_account_id: Some("111122223333".into()),
        request_parameters: Payload::Json(request),
        resources: if resources.is_empty() {
            Payload::Absent
        } else {
            Payload::Json(resources)
        },
        ..Event::default()
    }
}

/// The plain names in an event.
fn check(source: &str, name: &str, request: &str, resources: &str, expected: &[&str]) {
    let event = event(source, name, request, resources);
    let operation = Operation::of(Catalog::embedded(), source, name);
    let mut reading = Reading::default();
    reading.read(&event, &operation, false);
    let names: Vec<&str> = (0..reading.names())
        .map(|number| reading.name(&event, number))
        .collect();
    assert_eq!(names, expected, "{request} {resources}");
}

#[test]
fn the_steps_of_an_objects_key_are_names() {
    let s3 = |request: &str, resources: &str, expected: &[&str]| {
        check("s3.amazonaws.com", "GetObject", request, resources, expected);
    };
    s3(
        r#"{"bucketName":"b","Host":"h","key":"a/b.txt"}"#,
        "",
        &["b", "a", "b.txt"],
    );
    s3(r#"{"bucketName":"b","Host":"h","key":"/a//b"}"#, "", &["b", "a", "b"]);
    // A colon, an escape or a word of the ARN's own make it more than a name.
    s3(r#"{"bucketName":"b","Host":"h","key":"a:b"}"#, "", &["b"]);
    s3(r#"{"bucketName":"b","Host":"h","key":"a\u0062"}"#, "", &["b"]);
    s3(
        r#"{"bucketName":"b","Host":"h","key":"accesspoint/x"}"#,
        "",
        &["b", "x"],
    );
    s3(
        r#"{"bucketName":"b","Host":"h","key":"k"}"#,
        r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"accountId":"1","ARN":"arn:aws:s3:::b"}]"#,
        &["k", "b", "k"],
    );
}

#[test]
fn what_decides_is_no_name() {
    let request = r#"{"bucketName":"b-s3alias","key":"k","x-amz-copy-source":"c/d"}"#;
    check("s3.amazonaws.com", "CopyObject", request, "", &["k"]);
    check(
        "secretsmanager.amazonaws.com",
        "GetSecretValue",
        r#"{"secretId":"prod/db"}"#,
        "",
        &[],
    );
    let request = r#"{"bucketName":"b","key":"k","x-amz-copy-source":"c/d"}"#;
    check("s3.amazonaws.com", "CopyObject", request, "", &["b", "k"]);
}

#[test]
fn an_instance_id_is_a_name() {
    let request = r#"{"instanceId":"i-0abc","agentVersion":"3","platformName":"Linux"}"#;
    check(
        "ssm.amazonaws.com",
        "UpdateInstanceInformation",
        request,
        "",
        &["i-0abc"],
    );
}
