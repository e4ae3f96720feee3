//! Old key: a user that is old and acts with long-term keys, or has stopped to.

use super::{Finding, Severity, Subject, day};
use crate::grants::Kind;

/// Days after which a long-term key should have been replaced.
const OLD: i64 = 90;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let principal = subject.principal;
    if principal.kind != Kind::User {
        return None;
    }
    let created = principal.created?.as_second();
    let (_, to) = subject.window;
    let age = (to - created) / 86_400;
    if age < OLD {
        return None;
    }
    // Users act with their own long-term keys, or with sessions that those keys opened.
    let calls = subject.gap.activity.calls;
    let (severity, why) = if calls == 0 {
        (
            Severity::Medium,
            "a key that nobody uses and nobody misses is a door left open".to_owned(),
        )
    } else {
        (
            Severity::High,
            format!("{calls} calls came from a long-term identity instead of a role"),
        )
    };
    Some(Finding {
        id: "old-key",
        severity,
        practice: "use roles with temporary credentials",
        title: format!("user {} is {age} days old; any access key of it may be as old", principal.name),
        why,
        fix: "list its keys (aws iam list-access-keys), delete the unused, move the caller to a role, IAM Identity Center or Roles Anywhere".to_owned(),
        evidence: vec![format!("created on {}", day(created))],
    })
}
