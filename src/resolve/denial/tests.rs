//! The sentence in the words of each service, and text that only looks like it.

use super::{Sentence, message_of};

/// Action and resource; `None` where there is no sentence.
#[track_caller]
fn check(message: &str, action: Option<&str>, resource: Option<&str>, whole: bool) {
    let sentence = Sentence::read(message).unwrap_or_default();
    assert_eq!(
        (sentence.action, sentence.resource, sentence.whole),
        (action, resource, whole),
        "{message}"
    );
}

#[test]
fn sentences_of_each_service() {
    let queue = "arn:aws:sqs:eu-west-1:111122223333:q";
    check(
        &format!(
            "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: sqs:DeleteQueue on resource: {queue} because no identity-based policy allows the sqs:DeleteQueue action"
        ),
        Some("sqs:DeleteQueue"),
        Some(queue),
        true,
    );
    check(
        &format!(
            "User: arn:aws:sts::111122223333:assumed-role/app/s is not authorized to perform: sqs:DeleteQueue on resource: {queue} with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/p-1"
        ),
        Some("sqs:DeleteQueue"),
        Some(queue),
        true,
    );
    check(
        "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/ana is not authorized to perform: ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action",
        Some("ec2:DescribeVpcs"),
        None,
        true,
    );
    check(
        "User `arn:aws:iam::111122223333:user/ana' is not authorized to perform `ses:SendEmail' on resource `arn:aws:ses:eu-west-1:111122223333:identity/a.example'",
        Some("ses:SendEmail"),
        Some("arn:aws:ses:eu-west-1:111122223333:identity/a.example"),
        true,
    );
    check(
        "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::b\" because no identity-based policy allows the s3:ListBucket action",
        Some("s3:ListBucket"),
        Some("arn:aws:s3:::b"),
        true,
    );
    check(
        "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/a key because no identity-based policy allows the s3:GetObject action",
        Some("s3:GetObject"),
        Some("arn:aws:s3:::b/a key"),
        true,
    );
    check(
        "User is not authorized to perform: iam:GetRole",
        Some("iam:GetRole"),
        None,
        true,
    );
    check(
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        Some("sts:AssumeRoleWithWebIdentity"),
        None,
        true,
    );
    check(
        "You do not have permission to perform the 's3:CreateBucket' action. Verify that your policies allow it.",
        Some("s3:CreateBucket"),
        None,
        false,
    );
    check(
        "You are not authorized to perform: athena:GetWorkGroup on the resource. After your administrator has updated your permissions, please try again.",
        Some("athena:GetWorkGroup"),
        None,
        false,
    );
}

#[test]
fn denials_that_name_no_action() {
    check(
        "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: null",
        None,
        None,
        false,
    );
    check(
        "User: arn:aws:iam::111122223333:user/ana is not authorized",
        None,
        None,
        false,
    );
    check("You are not authorized to perform this operation.", None, None, false);
    check(
        "You are not authorized to perform this operation. Encoded authorization failure message: 1Qju1r",
        None,
        None,
        false,
    );
    check("Access Denied", None, None, false);
}

#[test]
fn quoted_sentence_is_not_whole() {
    let said = "is not authorized to perform: sqs:DeleteQueue";
    for message in [
        format!("1 validation error detected: Value 'User: x {said}' at 'queueName' failed to satisfy constraint"),
        format!("User: x {said}' at 'queueName' failed to satisfy constraint"),
        format!("Invalid value: User: x {said}"),
        format!("User: the name x {said}"),
        format!("User: x {said} of that name"),
    ] {
        assert!(!Sentence::read(&message).unwrap_or_default().whole, "{message}");
    }
}

#[test]
fn authorization_id_stands_at_the_end() {
    let message = "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: iam:CreateInstanceProfile on resource: arn:aws:iam::111122223333:instance-profile/p with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/D. Go to https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/a1b2 for complete details, or call the GetRequestAuthorizationDetails API with the following authorization id: a1b2";
    let sentence = Sentence::read(message).unwrap_or_default();
    assert_eq!(sentence.authorization_id, Some("a1b2"));
    assert_eq!(sentence.resource, Some("arn:aws:iam::111122223333:instance-profile/p"));
    assert!(sentence.whole);
    let bent = message.replace("id: a1b2", "id: \u{1b}[31m");
    assert_eq!(Sentence::read(&bent).unwrap_or_default().authorization_id, None);
}

#[test]
fn message_in_a_response() {
    assert_eq!(message_of(r#"{"message":"a \"b\""}"#).as_deref(), Some("a \"b\""));
    assert_eq!(message_of(r#"{"Message":"a","requestID":"r"}"#).as_deref(), Some("a"));
    assert_eq!(message_of(r#"{"message":{"x":1}}"#), None);
    assert_eq!(message_of(r#"{"detail":{"message":"a"}}"#), None);
    assert_eq!(message_of("[]"), None);
}
