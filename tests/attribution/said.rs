//! What names a caller otherwise than its session does: a denial's sentence, and an id alone.

use serde_json::{Value, json};

use super::super::journey::check_grade;
use super::*;

/// The role is denied in these words, under this code; the action has this grade then.
#[track_caller]
fn check_denial(identity: Option<Value>, code: &str, who: &str, expected: &str) {
    let message = format!("{who} not authorized to perform: secretsmanager:DeleteSecret on resource: *");
    let mut denied = call(
        3,
        "secretsmanager",
        "DeleteSecret",
        json!({"errorCode": code, "errorMessage": message}),
    );
    if let Some(identity) = identity {
        denied["userIdentity"] = identity;
    }
    let action = "secretsmanager:DeleteSecret";
    check_grade(&[denied], &json!("secretsmanager:*"), &json!("*"), action, expected);
}

#[test]
fn a_denial_is_the_callers_in_every_spelling_of_its_name() {
    for who in [
        "You are",
        "User is",
        "User: arn:aws:sts::111122223333:assumed-role/app/s is",
        "User: arn:aws:sts::111122223333:assumed-role/app/another-session is",
        "User: arn:aws:sts::111122223333:assumed-role/APP/s is",
        "User: arn:aws:iam::111122223333:role/app is",
        "Role: arn:aws:iam::111122223333:role/of/a/path/app is",
        "User `arn:aws:sts::111122223333:assumed-role/app/s' is",
        "User: AROAAPP:s is",
        "User: AROAAPP is",
    ] {
        check_denial(None, "AccessDenied", who, "denied-only");
    }
    // The sentence is not the whole message.
    let inside = "The request failed: User: arn:aws:sts::111122223333:assumed-role/app/s is";
    check_denial(None, "AccessDenied", inside, "denied-only");
}

/// Services act under roles of their own, and pass on what those were denied.
#[test]
fn a_denial_of_somebody_else_is_use_of_the_callers() {
    for who in [
        "User: arn:aws:sts::111122223333:assumed-role/service/s is",
        "User: arn:aws:sts::444455556666:assumed-role/app/s is",
        "User: arn:aws:iam::111122223333:user/app is",
        "User: arn:aws:iam::111122223333:root is",
        "User: arn:aws:sts::***:assumed-role/app/s is",
        "User: AROAOTHER:s is",
        "User: events.amazonaws.com is",
        "User: anonymous is",
        "The request failed: User: arn:aws:sts::111122223333:assumed-role/service/s is",
    ] {
        check_denial(None, "AccessDenied", who, "used");
        check_denial(None, "InvalidParameterValueException", who, "used");
    }
}

#[test]
fn a_denial_of_a_caller_who_has_a_name_alone_is_compared_by_it() {
    let session = |issuer: Value| {
        Some(
            json!({"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": ACCOUNT,
            "sessionContext": {"sessionIssuer": issuer}}),
        )
    };
    let who = "User: arn:aws:sts::111122223333:assumed-role/app/s is";
    let named = json!({"type": "Role", "principalId": "AROAAPP", "accountId": ACCOUNT, "userName": "app"});
    check_denial(session(named), "AccessDenied", who, "denied-only");
    let unnamed = json!({"type": "Role", "principalId": "AROAAPP", "accountId": ACCOUNT});
    check_denial(session(unnamed), "AccessDenied", who, "used");
}

/// The grade of a read that this identity made, in the role's account or in another one.
fn read_by(identity: Value, account: &str) -> Vec<Value> {
    let read = call(
        3,
        "secretsmanager",
        "GetSecretValue",
        json!({"userIdentity": identity, "recipientAccountId": account}),
    );
    vec![read]
}

#[track_caller]
fn check_read(events: &[Value], expected: &str) {
    let action = "secretsmanager:GetSecretValue";
    check_grade(events, &json!("secretsmanager:*"), &json!("*"), action, expected);
}

#[test]
fn an_account_that_shows_a_roles_id_is_the_role() {
    let identity = |id: &str| json!({"type": "AWSAccount", "principalId": id, "accountId": ACCOUNT});
    check_read(&read_by(identity("AROAAPP:s"), ACCOUNT), "used");
    check_read(&read_by(identity("AROAAPP"), ACCOUNT), "used");
    check_read(&read_by(identity("AROAOTHER:s"), ACCOUNT), "unused");
    check_read(&read_by(identity(""), ACCOUNT), "unused");
    // The owner's copy of a call that the caller's own account shows as well.
    check_read(&read_by(identity("AROAAPP:s"), "444455556666"), "unused");
}
