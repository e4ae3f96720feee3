//! Which events are denials, and of what.

use super::{Outcome, outcome};
use crate::decode::{Event, Identity, Payload};

const SENTENCE: &str = "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: sqs:DeleteQueue on resource: arn:aws:sqs:eu-west-1:111122223333:q because no identity-based policy allows the sqs:DeleteQueue action";

#[track_caller]
fn check(source: &str, code: &str, message: &str, response: Payload<'_>, expected: Outcome, action: Option<&str>) {
    let ana = Identity {
        arn: Some("arn:aws:iam::111122223333:user/ana".into()),
        ..Identity::default()
    };
    let event = Event {
        identity: Some(ana.into()),
        source: source.into(),
        error_code: Some(code).filter(|code| !code.is_empty()).map(Into::into),
        error_message: Some(message).filter(|message| !message.is_empty()).map(Into::into),
        response_elements: response,
        ..Event::default()
    };
    let verdict = outcome(&event);
    assert_eq!(
        (verdict.outcome, verdict.denied_action.as_deref()),
        (expected, action),
        "{code} {message}"
    );
}

const SQS: &str = "sqs.amazonaws.com";

#[test]
fn codes_that_are_denials() {
    for code in [
        "AccessDenied",
        "AccessDeniedException",
        "Client.UnauthorizedOperation",
        "UnauthorizedOperation",
        "VpceAccessDenied",
        "AuthorizationError",
        "com.amazonaws.sqs#AccessDeniedException",
        "AccessDeniedForDependencyException",
        "InsufficientPrivilegesException",
    ] {
        check(
            SQS,
            code,
            SENTENCE,
            Payload::Absent,
            Outcome::Denied,
            Some("sqs:DeleteQueue"),
        );
        check(SQS, code, "", Payload::Null, Outcome::Denied, None);
    }
}

#[test]
fn denial_in_the_response_names_its_action() {
    let response = r#"{"message":"User: arn:aws:iam::111122223333:user/ana is not authorized to perform: guardduty:DeleteDetector on resource: arn:aws:guardduty:eu-west-1:111122223333:detector/d"}"#;
    let guardduty = "guardduty.amazonaws.com";
    check(
        guardduty,
        "AccessDenied",
        "",
        Payload::Json(response),
        Outcome::Denied,
        Some("guardduty:DeleteDetector"),
    );
    // What a call that went through answers is anybody's text.
    check(guardduty, "", "", Payload::Json(response), Outcome::Authorised, None);
    check(
        guardduty,
        "ValidationException",
        "",
        Payload::Json(response),
        Outcome::Indeterminate,
        None,
    );
}

#[test]
fn error_text_that_quotes_a_denial_is_none() {
    let quoted = format!("1 validation error detected: Value '{SENTENCE}' at 'name' failed to satisfy constraint");
    for source in [SQS, "lambda.amazonaws.com"] {
        check(
            source,
            "ValidationException",
            &quoted,
            Payload::Absent,
            Outcome::Indeterminate,
            None,
        );
        check(
            source,
            "ResourceNotFoundException",
            &quoted,
            Payload::Absent,
            Outcome::Authorised,
            None,
        );
        check(source, "", &quoted, Payload::Absent, Outcome::Authorised, None);
    }
}

#[test]
fn service_denies_its_own_actions_under_codes_of_denials_alone() {
    check(
        SQS,
        "ValidationException",
        SENTENCE,
        Payload::Absent,
        Outcome::Indeterminate,
        None,
    );
    // The caller was denied at another service, and this one wraps that in a code of its own.
    check(
        "lambda.amazonaws.com",
        "InvalidParameterValueException",
        SENTENCE,
        Payload::Absent,
        Outcome::Denied,
        Some("sqs:DeleteQueue"),
    );
    check(
        "es.amazonaws.com",
        "ValidationException",
        "User is not authorized to perform: cognito-idp:DescribeUserPool on resource: arn:aws:cognito-idp:eu-west-1:111122223333:userpool/p",
        Payload::Absent,
        Outcome::Denied,
        Some("cognito-idp:DescribeUserPool"),
    );
    // CloudWatch's source is called otherwise than its actions.
    check(
        "monitoring.amazonaws.com",
        "ValidationError",
        "User is not authorized to perform: cloudwatch:PutMetricAlarm",
        Payload::Absent,
        Outcome::Indeterminate,
        None,
    );
}

#[test]
fn code_that_may_be_something_else_is_told_by_its_sentence() {
    check(
        "cognito-idp.amazonaws.com",
        "NotAuthorizedException",
        "Incorrect username or password.",
        Payload::Absent,
        Outcome::Indeterminate,
        None,
    );
    check(
        SQS,
        "NotAuthorizedException",
        SENTENCE,
        Payload::Absent,
        Outcome::Denied,
        Some("sqs:DeleteQueue"),
    );
    check(
        SQS,
        "ForbiddenException",
        SENTENCE,
        Payload::Absent,
        Outcome::Denied,
        Some("sqs:DeleteQueue"),
    );
    check(
        SQS,
        "",
        SENTENCE,
        Payload::Absent,
        Outcome::Denied,
        Some("sqs:DeleteQueue"),
    );
}

#[test]
fn what_another_was_denied_is_told_as_its() {
    let message =
        "Role arn:aws:iam::111122223333:role/fh is not authorized to perform: glue:GetTable for the given table";
    let event = Event {
        source: "firehose.amazonaws.com".into(),
        error_code: Some("AccessDenied".into()),
        error_message: Some(message.into()),
        ..Event::default()
    };
    let verdict = outcome(&event);
    assert_eq!(
        (verdict.outcome, verdict.denied_action.as_deref(), verdict.of_caller),
        (Outcome::Denied, Some("glue:GetTable"), false)
    );
    let whole =
        "User: arn:aws:sts::111122223333:assumed-role/fh/s is not authorized to perform: glue:GetTable on resource: *";
    let event = Event {
        error_code: Some("InvalidArgumentException".into()),
        error_message: Some(whole.into()),
        ..event
    };
    let verdict = outcome(&event);
    assert_ne!(verdict.outcome, Outcome::Denied);
    assert_eq!(
        (verdict.denied_action.as_deref(), verdict.of_caller),
        (Some("glue:GetTable"), false)
    );
}

#[test]
fn of_another_accounts_caller_the_account_is_all_there_is() {
    let of_account = |account: &str| {
        let caller = Identity {
            kind: Some("AWSAccount".into()),
            account_id: Some(account.into()),
            principal_id: Some("AIDAEXAMPLE".into()),
            ..Identity::default()
        };
        let event = Event {
            identity: Some(caller.into()),
            source: SQS.into(),
            error_code: Some("AccessDenied".into()),
            error_message: Some(SENTENCE.into()),
            ..Event::default()
        };
        outcome(&event).of_caller
    };
    assert!(of_account("111122223333"));
    assert!(!of_account("444455556666"));
}
