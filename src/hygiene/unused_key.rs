//! Unused key: an active access key that the credential report calls never used, or not used for long.

use super::{Finding, Severity, Subject, day};
use crate::time::DAY;

/// Days without use after which a key is a door left open.
const LONG: i64 = 90;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let to = subject.window.end;
    let mut evidence = Vec::new();
    for key in subject.credentials()?.keys.iter().filter(|key| key.active) {
        match key.last_used.map(|time| time.as_second()) {
            None => evidence.push(format!("access key {} was never used", key.number)),
            Some(used) if to - used >= LONG * DAY => {
                evidence.push(format!("access key {} was last used on {}", key.number, day(used)));
            }
            Some(_) => {}
        }
    }
    if evidence.is_empty() {
        return None;
    }
    Some(Finding {
        id: "unused-key",
        severity: Severity::Medium,
        practice: "remove unused credentials",
        title: format!(
            "user {} has an active access key that nobody uses",
            subject.principal.name
        ),
        why: "a key that nobody uses and nobody misses is a door left open".to_owned(),
        fix: "deactivate the key for a week (aws iam update-access-key --status Inactive), then delete it".to_owned(),
        evidence,
    })
}
