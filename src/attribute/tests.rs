//! Who an event's caller is, one identity a test.

use serde_json::{Value as Json, json};

use super::*;
use crate::decode::{Item, Limits, Reader};

const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const USER: &str = "arn:aws:iam::111122223333:user/ana";

/// What a record of this type with this identity is billed to: kind and ARN, or why to nobody.
fn billed_to(event_type: &str, source: &str, identity: &Json) -> Result<(&'static str, String), &'static str> {
    let event = json!({"eventTime": "2026-10-03T12:00:00Z", "eventSource": source, "eventName": "ListTopics",
        "eventType": event_type, "userIdentity": identity});
    let records = json!({ "Records": [event] }).to_string();
    let mut found = Err("no event");
    Reader::new().read_slice(records.as_bytes(), &Limits::default(), &mut |item| {
        if let Item::Event(event) = item {
            found = match attribute(event) {
                Attribution::Principal(principal) => Ok((principal.kind.name(), principal.arn.into_owned())),
                Attribution::NotACall(why) => Err(why),
                Attribution::Nobody => Err("nobody"),
            };
        }
    });
    found
}

#[track_caller]
fn check(identity: &Json, expected: Result<(&'static str, &str), &'static str>) {
    let expected = expected.map(|(kind, arn)| (kind, arn.to_owned()));
    assert_eq!(
        billed_to("AwsApiCall", "sns.amazonaws.com", identity),
        expected,
        "{identity}"
    );
}

fn role() -> Json {
    json!({"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:assumed-role/app/s",
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": ROLE, "userName": "app"}}})
}

fn user() -> Json {
    json!({"type": "IAMUser", "principalId": "AIDAANA", "accountId": "111122223333", "arn": USER, "userName": "ana"})
}

fn without(mut identity: Json, fields: &[&str]) -> Json {
    let members = identity.as_object_mut().expect("an object");
    fields.iter().for_each(|field| _ = members.remove(*field));
    identity
}

fn with_type(mut identity: Json, kind: Json) -> Json {
    identity["type"] = kind;
    identity
}

#[test]
fn a_role_is_known_by_what_is_there_whatever_its_type_says() {
    for kind in [
        json!("assumedrole"),
        json!("Unknown"),
        json!("SomethingNew"),
        json!(""),
        json!(null),
    ] {
        check(&with_type(role(), kind), Ok(("role", ROLE)));
    }
    check(&without(role(), &["type", "arn"]), Ok(("role", ROLE)));
    check(&without(role(), &["type", "arn", "principalId"]), Ok(("role", ROLE)));
    check(&without(role(), &["type", "sessionContext"]), Ok(("role", ROLE)));
}

#[test]
fn a_user_is_known_by_what_is_there_whatever_the_type_says() {
    for kind in [json!("iamuser"), json!("Unknown"), json!("SomethingNew"), json!(null)] {
        check(&with_type(user(), kind), Ok(("user", USER)));
    }
    check(&without(user(), &["type", "arn"]), Ok(("user", USER)));
    check(&without(user(), &["arn", "principalId"]), Ok(("user", USER)));
}

#[test]
fn a_federated_session_without_its_type_is_its_users() {
    let issuer = json!({"type": "IAMUser", "principalId": "AIDAANA", "arn": USER, "accountId": "111122223333", "userName": "ana"});
    let identity = json!({"principalId": "111122223333:web", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:federated-user/web", "sessionContext": {"sessionIssuer": issuer}});
    check(&identity, Ok(("user", USER)));
    check(&without(identity, &["arn"]), Ok(("user", USER)));
}

#[test]
fn an_identity_that_names_nobody_is_nobodys() {
    check(&json!({"type": "Unknown"}), Err("nobody"));
    check(
        &json!({"type": "Directory", "principalId": "S-1-5-21", "accountId": "111122223333"}),
        Err("nobody"),
    );
    // A user of an identity store is none of IAM's.
    let person = "arn:aws:identitystore:::user/906773fc-9041-70cf-7a5d-4ab5a9c4c6c6";
    check(&json!({"type": "SomethingNew", "arn": person}), Err("nobody"));
    check(
        &json!({"type": "Unknown", "invokedBy": "ec2.amazonaws.com"}),
        Err("nobody"),
    );
}

#[test]
fn console_action_is_a_call_and_a_sign_in_is_none() {
    let of = |event_type: &str, source: &str| billed_to(event_type, source, &role());
    let app = Ok(("role", ROLE.to_owned()));
    assert_eq!(of("AwsConsoleAction", "billingconsole.amazonaws.com"), app);
    assert_eq!(of("AwsConsoleAction", "signin.amazonaws.com"), Err("a console sign-in"));
    assert_eq!(of("AwsConsoleSignIn", "signin.amazonaws.com"), Err("a console sign-in"));
    assert_eq!(of("AwsServiceEvent", "kms.amazonaws.com"), Err("a service's own event"));
}
