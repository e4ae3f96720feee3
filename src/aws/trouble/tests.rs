//! Errors as AWS words them, and the kind that each is.

use super::{Kind, answered, before_sending};

#[track_caller]
fn check(status: u16, code: &str, message: &str, expected: &Kind) {
    let trouble = answered(status, Some(code), Some(message), None);
    assert_eq!(trouble.kind, *expected, "{trouble}");
}

#[test]
fn answers_have_kinds() {
    check(403, "AccessDenied", "Access Denied", &Kind::Denied);
    check(403, "InvalidObjectState", "The operation is not valid", &Kind::Archived);
    check(404, "NoSuchKey", "The specified key does not exist.", &Kind::Changed);
    check(
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
        &Kind::Missing,
    );
    check(
        400,
        "KMS.DisabledException",
        "arn:aws:kms:x is disabled.",
        &Kind::Denied,
    );
    check(412, "PreconditionFailed", "", &Kind::Changed);
    check(503, "SlowDown", "Please reduce your request rate.", &Kind::Throttled);
    check(400, "ThrottlingException", "Rate exceeded", &Kind::Throttled);
    check(400, "ExpiredToken", "The provided token has expired.", &Kind::Expired);
    check(500, "InternalError", "We encountered an internal error.", &Kind::Server);
    check(400, "InvalidNextTokenException", "Invalid token.", &Kind::StaleToken);
    check(403, "RequestTimeTooSkewed", "The difference is too large", &Kind::Other);
}

#[test]
fn a_redirect_names_the_region_where_it_can() {
    let wrong = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";
    let elsewhere = Kind::Elsewhere(Some("eu-west-1".to_owned()));
    check(400, "AuthorizationHeaderMalformed", wrong, &elsewhere);
    check(
        301,
        "PermanentRedirect",
        "The bucket must be addressed",
        &Kind::Elsewhere(None),
    );
}

#[test]
fn missing_credentials_are_told_from_expired_ones() {
    let kind = |text: &str| before_sending(text).kind;
    assert_eq!(kind("the credential provider was not enabled"), Kind::NoCredentials);
    assert_eq!(kind("error loading SSO: the SSO token has expired"), Kind::Expired);
}
