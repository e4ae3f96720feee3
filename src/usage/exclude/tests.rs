//! Which events fit a rule.

use super::*;
use crate::decode::{Identity, Time};

fn event() -> Event<'static> {
    Event {
        time: Time::from_seconds(1_000_000),
        source_ip_address: Some("203.0.113.7".into()),
        identity: Some(
            Identity {
                principal_id: Some("AROAAPP:evil".into()),
                access_key_id: Some("ASIAEVIL".into()),
                ..Identity::default()
            }
            .into(),
        ),
        ..Event::default()
    }
}

#[track_caller]
fn check(rule: &str, expected: bool) {
    let rule: ExcludeRule = serde_json::from_str(rule).expect("a rule");
    rule.check().expect("a rule that names something");
    assert_eq!(rule.fits(&event()), expected, "{rule:?}");
}

#[test]
fn by_session() {
    check(r#"{"session": "evil", "reason": "r"}"#, true);
    check(r#"{"session": "AROAAPP:evil", "reason": "r"}"#, true);
    check(r#"{"session": "AROAAPP", "reason": "r"}"#, false);
    check(r#"{"session": "good", "reason": "r"}"#, false);
}

#[test]
fn by_key() {
    check(r#"{"key": "ASIAEVIL", "reason": "r"}"#, true);
    check(r#"{"key": "ASIA", "reason": "r"}"#, false);
}

#[test]
fn by_address() {
    check(r#"{"ip": "203.0.113.7", "reason": "r"}"#, true);
    check(r#"{"ip": "203.0.113.0/24", "reason": "r"}"#, true);
    check(r#"{"ip": "203.0.112.0/24", "reason": "r"}"#, false);
    check(r#"{"ip": "0.0.0.0/0", "reason": "r"}"#, true);
    check(r#"{"ip": "::/0", "reason": "r"}"#, false);
}

#[test]
fn by_time_and_everything_named_must_fit() {
    check(r#"{"from": "1970-01-12T13:46:40Z", "reason": "r"}"#, true);
    check(r#"{"to": "1970-01-12T13:46:40Z", "reason": "r"}"#, false);
    check(
        r#"{"session": "evil", "to": "1970-01-12T13:46:40Z", "reason": "r"}"#,
        false,
    );
    check(r#"{"session": "evil", "key": "AKIA", "reason": "r"}"#, false);
}

#[test]
fn a_rule_that_names_nothing_or_no_range_is_refused() {
    let why = |rule: &str| serde_json::from_str::<ExcludeRule>(rule).expect("a rule").check();
    assert!(why(r#"{"reason": "r"}"#).is_err());
    assert!(why(r#"{"ip": "203.0.113.0/33", "reason": "r"}"#).is_err());
    assert!(serde_json::from_str::<ExcludeRule>(r#"{"sesion": "x", "reason": "r"}"#).is_err());
}

#[test]
fn an_address_that_is_a_service_fits_no_range() {
    let rule = ExcludeRule {
        ip: Some("203.0.113.0/24".to_owned()),
        ..ExcludeRule::default()
    };
    let event = Event {
        source_ip_address: Some("ec2.amazonaws.com".into()),
        ..event()
    };
    assert!(!rule.fits(&event));
}
