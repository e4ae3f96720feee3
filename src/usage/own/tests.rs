//! Which calls are ours.

use super::is_ours;
use crate::decode::{Event, Identity};

#[track_caller]
fn check(source: &'static str, name: &'static str, session: &str, agent: &'static str, expected: bool) {
    let identity = Identity {
        arn: Some(format!("arn:aws:sts::111122223333:assumed-role/audit/{session}").into()),
        ..Identity::default()
    };
    let event = Event {
        source: source.into(),
        name: name.into(),
        user_agent: Some(agent.into()),
        identity: Some(identity.into()),
        ..Event::default()
    };
    assert_eq!(is_ours(&event), expected, "{source} {name} {session} {agent}");
}

#[test]
fn reads_under_our_name_are_ours() {
    check("s3.amazonaws.com", "GetObject", "trimtrail-0.1.0", "", true);
    check(
        "cloudtrail.amazonaws.com",
        "LookupEvents",
        "alice",
        "[aws-sdk-rust/1.3 os/linux app/trimtrail-0.1.0]",
        true,
    );
    check("s3.amazonaws.com", "GetObject", "alice", "aws-cli/2.0", false);
    check(
        "s3.amazonaws.com",
        "GetObject",
        "alice",
        "app/other app-trimtrail-1",
        false,
    );
}

#[test]
fn whoever_borrows_our_name_cannot_hide_anything_else() {
    check("s3.amazonaws.com", "PutObject", "trimtrail-0.1.0", "", false);
    check(
        "iam.amazonaws.com",
        "CreateUser",
        "trimtrail-0.1.0",
        "app/trimtrail-0.1.0",
        false,
    );
}
