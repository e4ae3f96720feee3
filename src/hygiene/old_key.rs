//! Old key: long-term keys that should have been replaced, by the credential report or by the age of the user.

use super::{Finding, Severity, Subject, day};
use crate::grants::Kind;
use crate::time::DAY;

/// Days after which a long-term key should have been replaced.
const OLD: i64 = 90;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let principal = subject.principal;
    if principal.kind != Kind::User {
        return None;
    }
    let to = subject.window.end;
    let age = |since: i64| (to - since) / DAY;
    let (title, evidence) = match subject.credentials() {
        // The report knows each key's day.
        Some(credentials) => {
            let mut made: Vec<(i64, u8)> = credentials
                .keys
                .iter()
                .filter(|key| key.active)
                .filter_map(|key| Some((key.rotated?.as_second(), key.number)))
                .filter(|(made, _)| age(*made) >= OLD)
                .collect();
            made.sort_unstable();
            let oldest = made.first()?.0;
            let title = format!(
                "user {} has an access key that is {} days old",
                principal.name,
                age(oldest)
            );
            let keys = made
                .iter()
                .map(|(made, number)| format!("access key {number} is from {}", day(*made)));
            (title, keys.collect())
        }
        None => {
            let created = principal.created?.as_second();
            if age(created) < OLD {
                return None;
            }
            let title = format!(
                "user {} is {} days old; any access key of it may be as old",
                principal.name,
                age(created)
            );
            (title, vec![format!("created on {}", day(created))])
        }
    };
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
        title,
        why,
        fix: "list its keys (aws iam list-access-keys), delete the unused, move the caller to a role, IAM Identity Center or Roles Anywhere".to_owned(),
        evidence,
    })
}
