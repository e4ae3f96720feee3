//! Which names in an event are plain; and each outline, filled with another event's names, against what a look at that
//! event says.

use super::*;
use crate::catalog::Catalog;

/// Words that mean something somewhere, in ARNs, in forms of parameters, in JSON, in patterns.
const WORDS: [&str; 34] = [
    "a",
    "b",
    "photo-1.jpg",
    "i-0123456789abcdef0",
    "UPPER",
    "2026-07-01",
    "0123456789",
    "dt=2026",
    "*",
    "?",
    "a*",
    "%2F",
    "%",
    "?versionId=1",
    "name-s3alias",
    "x--ol-s3",
    "arn",
    "arn:aws:s3:::b/k",
    "arn:aws:iam::111122223333:role/r",
    "s3",
    "accesspoint",
    "object",
    "log-stream",
    "function",
    "instance",
    "root",
    "role",
    "key",
    "secret-AbCdE1",
    "ümlaut",
    "\u{e000}0\u{e001}",
    "with space",
    "a/b",
    "",
];

/// Operations and events of theirs: `~` and `^` stand for the words of which each pair is tried.
const EVENTS: [(&str, &str, &str, &str); 27] = [
    (
        "s3",
        "GetObject",
        r#"{"bucketName":"b","Host":"h","key":"~"}"#,
        r#"[{"ARN":"arn:aws:s3:::b/~"}]"#,
    ),
    (
        "s3",
        "PutObject",
        r#"{"bucketName":"b","Host":"h","key":"~/^"}"#,
        r#"[{"ARN":"arn:aws:s3:::b/~/^"},{"ARN":"arn:aws:s3:::b"}]"#,
    ),
    (
        "s3",
        "CopyObject",
        r#"{"bucketName":"b","Host":"h","key":"~","x-amz-copy-source":"c/^"}"#,
        "",
    ),
    (
        "s3",
        "GetObject",
        r#"{"bucketName":"~","Host":"h","key":"^"}"#,
        r#"[{"ARN":"arn:aws:s3:::~/^"}]"#,
    ),
    (
        "logs",
        "CreateLogStream",
        r#"{"logGroupName":"/aws/~","logStreamName":"^"}"#,
        "",
    ),
    (
        "ssm",
        "UpdateInstanceInformation",
        r#"{"instanceId":"~","agentVersion":"^","platformName":"Linux"}"#,
        "",
    ),
    (
        "ssm",
        "GetParameter",
        r#"{"name":"/~/^","withDecryption":true,"x":"y"}"#,
        "",
    ),
    (
        "kms",
        "Decrypt",
        r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::b/~"},"keyId":"^"}"#,
        r#"[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k"}]"#,
    ),
    (
        "secretsmanager",
        "GetSecretValue",
        r#"{"secretId":"~","versionStage":"^","a":"b"}"#,
        "",
    ),
    (
        "lambda",
        "Invoke",
        r#"{"functionName":"~","invocationType":"^","qualifier":"~"}"#,
        "",
    ),
    (
        "ec2",
        "TerminateInstances",
        r#"{"instancesSet":{"items":[{"instanceId":"~"},{"instanceId":"^"}]}}"#,
        "",
    ),
    (
        "ec2",
        "RunInstances",
        r#"{"instancesSet":{"items":[{"imageId":"~"}]},"subnetId":"^","iamInstanceProfile":{"name":"p"}}"#,
        "",
    ),
    (
        "ecs",
        "RunTask",
        r#"{"cluster":"~","taskDefinition":"^","count":1}"#,
        "",
    ),
    (
        "dynamodb",
        "GetItem",
        r#"{"tableName":"~","key":{"id":"^"},"consistentRead":false}"#,
        r#"[{"ARN":"arn:aws:dynamodb:eu-west-1:111122223333:table/t"}]"#,
    ),
    ("iam", "PassRole", r#"{"roleName":"~","x":"^"}"#, ""),
    (
        "iam",
        "GetRole",
        r#"{"roleName":"~"}"#,
        r#"[{"ARN":"arn:aws:iam::111122223333:role/^"}]"#,
    ),
    (
        "ecr",
        "BatchGetImage",
        r#"{"repositoryName":"~","imageIds":[{"imageTag":"^"}]}"#,
        r#"[{"ARN":"arn:aws:ecr:eu-west-1:111122223333:repository/~/^"}]"#,
    ),
    (
        "kms",
        "Decrypt",
        r#"{"keyId":"arn:aws:kms:eu-west-1:111122223333:~/^","x":1}"#,
        r#"[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/~"},{"ARN":"arn:aws:kms:eu-west-1:111122223333:alias/^"}]"#,
    ),
    (
        "sns",
        "GetTopicAttributes",
        r#"{"topicArn":"arn:aws:sns:eu-west-1:111122223333:~","x":{"y":"arn:aws:sns:eu-west-1:111122223333:^"}}"#,
        "",
    ),
    (
        "elasticloadbalancing",
        "RegisterTargets",
        r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/~/^","targets":[{"id":"~"}]}"#,
        "",
    ),
    (
        "logs",
        "DescribeLogStreams",
        r#"{"logGroupIdentifier":"arn:aws:logs:eu-west-1:111122223333:log-group:~:log-stream:^","a":1,"b":2}"#,
        r#"[{"ARN":"arn:aws:logs:eu-west-1:111122223333:log-group:~:^"}]"#,
    ),
    (
        "lambda",
        "UpdateFunctionCode20150331v2",
        r#"{"functionName":"arn:aws:lambda:eu-west-1:111122223333:function:~:^","publish":true,"dryRun":false}"#,
        "",
    ),
    (
        "secretsmanager",
        "DescribeSecret",
        r#"{"secretId":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:~-^"}"#,
        "",
    ),
    (
        "s3",
        "GetBucketAcl",
        r#"{"bucketName":"~","Host":"h","acl":""}"#,
        r#"[{"ARN":"arn:aws:s3:::~"},{"ARN":"arn:aws:s3:eu-west-1:111122223333:accesspoint/^"}]"#,
    ),
    (
        "s3",
        "CopyObject",
        r#"{"bucketName":"b","Host":"h","key":"~","x-amz-copy-source":"arn:aws:s3:::c/^"}"#,
        "",
    ),
    (
        "ecs",
        "RunTask",
        r#"{"cluster":"c","taskDefinition":"arn:aws:ecs:eu-west-1:111122223333:task-definition/~:1","overrides":{"taskRoleArn":"arn:aws:iam::111122223333:role/^"}}"#,
        "",
    ),
    (
        "sqs",
        "SendMessage",
        r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/~","messageBody":"^"}"#,
        "",
    ),
];

/// What these calls answer: the words stand in an ARN of the service, too.
const ANSWER: &str = r#"{"made":{"arn":"arn:aws:~:eu-west-1:111122223333:^/~/^"},"other":"^"}"#;

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

#[test]
fn an_outline_holds_for_all_events_that_read_alike() {
    let mut filled = 0;
    for (service, name, request, resources) in EVENTS {
        let source = format!("{service}.amazonaws.com");
        let operation = Operation::of(Catalog::embedded(), &source, name);
        let kind = operation.kinds.first().map_or("thing", |kind| kind.name.as_str());
        let (_, kind) = kind.split_once(':').unwrap_or(("", kind));
        let answer = ANSWER
            .replace(":~:", &format!(":{service}:"))
            .replace(":^/", &format!(":{kind}/"));
        let mut known: Vec<(Reading, Option<Outline>)> = Vec::new();
        for first in WORDS {
            for second in WORDS {
                let put = |text: &str| text.replace('~', first).replace('^', second);
                let (request, resources) = (put(request), put(resources));
                let answer = answer.replace('~', first).replace('^', second);
                let mut event = event(&source, name, &request, &resources);
                event.response_elements = Payload::Json(&answer);
                let mut reading = Reading::default();
                reading.read(&event, &operation, false);
                let alike = known.iter().find(|(other, _)| other.bytes() == reading.bytes());
                let Some((_, outline)) = alike else {
                    let outline = Outline::of(&event, &operation, &reading);
                    known.push((reading, outline));
                    continue;
                };
                let Some(outline) = outline else { continue };
                let observed = observe(&event, &operation);
                let mut found = outline.resources.clone();
                for pieces in &outline.open {
                    let mut resource = String::new();
                    fill(pieces, &event, &reading, &mut resource);
                    found.push(resource);
                }
                found.sort_unstable();
                found.dedup();
                assert_eq!(outline.facts, observed.facts, "{request} {resources}");
                assert_eq!(found, observed.resources, "{request} {resources}");
                filled += usize::from(!outline.open.is_empty());
            }
        }
    }
    assert!(filled > 3000, "only {filled} outlines had names to fill in");
}

#[test]
fn what_stands_around_blanks_is_refused_as_a_name() {
    let request = "{\"bucketName\":\"b\",\"Host\":\"h\",\"key\":\"\u{e000}0\u{e001}\"}";
    let event = event("s3.amazonaws.com", "GetObject", request, "");
    let operation = Operation::of(Catalog::embedded(), "s3.amazonaws.com", "GetObject");
    let mut reading = Reading::default();
    reading.read(&event, &operation, false);
    assert_eq!(Outline::of(&event, &operation, &reading), None);
}

/// The plain names in an event.
fn check_names(source: &str, name: &str, request: &str, resources: &str, expected: &[&str]) {
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
        check_names("s3.amazonaws.com", "GetObject", request, resources, expected);
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
    check_names("s3.amazonaws.com", "CopyObject", request, "", &["k"]);
    check_names(
        "secretsmanager.amazonaws.com",
        "GetSecretValue",
        r#"{"secretId":"prod/db"}"#,
        "",
        &[],
    );
    let request = r#"{"bucketName":"b","key":"k","x-amz-copy-source":"c/d"}"#;
    check_names("s3.amazonaws.com", "CopyObject", request, "", &["b", "k"]);
}

#[test]
fn an_instance_id_is_a_name() {
    check_names(
        "ec2.amazonaws.com",
        "GetConsoleOutput",
        r#"{"instanceId":"i-0abc"}"#,
        "",
        &["i-0abc"],
    );
    // Here it decides what the node is: an instance of EC2 or a managed node.
    let request = r#"{"instanceId":"i-0abc","agentVersion":"3","platformName":"Linux"}"#;
    check_names("ssm.amazonaws.com", "UpdateInstanceInformation", request, "", &[]);
}

#[test]
fn what_an_arn_names_is_a_name() {
    let check = |source: &str, name: &str, request: &str, arn: &str, expected: &[&str]| {
        let resources = format!(r#"[{{"ARN":"{arn}"}}]"#);
        check_names(source, name, request, &resources, expected);
    };
    check(
        "ecr.amazonaws.com",
        "BatchGetImage",
        r#"{"imageIds":[]}"#,
        "arn:aws:ecr:eu-west-1:111122223333:repository/team/app",
        &["team", "app"],
    );
    // Words of the ARN's own are none, and neither are roles, sessions and secrets.
    check(
        "kms.amazonaws.com",
        "Decrypt",
        "{}",
        "arn:aws:kms:eu-west-1:111122223333:key/key",
        &[],
    );
    check(
        "iam.amazonaws.com",
        "GetRole",
        "{}",
        "arn:aws:iam::111122223333:role/r",
        &[],
    );
    check(
        "secretsmanager.amazonaws.com",
        "GetSecretValue",
        "{}",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdE1",
        &[],
    );
    // A data event's bucket or table stands in the coverage; a bucket's own calls are no data events.
    check("s3.amazonaws.com", "GetObject", "{}", "arn:aws:s3:::b/k", &["k"]);
    check(
        "s3.amazonaws.com",
        "GetObject",
        "{}",
        "arn:aws:s3:eu-west-1:1:accesspoint/p/object/k",
        &[],
    );
    check(
        "dynamodb.amazonaws.com",
        "GetItem",
        "{}",
        "arn:aws:dynamodb:eu-west-1:1:table/t",
        &[],
    );
    check("s3.amazonaws.com", "GetBucketAcl", "{}", "arn:aws:s3:::b", &["b"]);
}

#[test]
fn an_answer_names_what_was_made() {
    let operation = Operation::of(Catalog::embedded(), "sns.amazonaws.com", "CreateTopic");
    let mut event = event("sns.amazonaws.com", "CreateTopic", r#"{"name":"news"}"#, "");
    event.response_elements =
        Payload::Json(r#"{"topicArn":"arn:aws:sns:eu-west-1:111122223333:news","requestId":"0b1c"}"#);
    let mut reading = Reading::default();
    reading.read(&event, &operation, false);
    let names: Vec<&str> = (0..reading.names())
        .map(|number| reading.name(&event, number))
        .collect();
    assert_eq!(names, ["news", "news"]);
}
