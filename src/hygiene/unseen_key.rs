//! Unseen key: the credential report saw a key in use at a time when this archive shows no call under any key of the user.

use super::{Finding, Severity, Subject, day};
use crate::time::DAY;

/// The report rounds to a quarter of an hour (IAM user guide, "Getting credential reports"); a day is on the safe side.
const SAME: i64 = DAY;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let window = subject.window;
    let last_seen = subject
        .coverage
        .access_keys
        .values()
        .filter_map(|owners| owners.get(&subject.principal.arn))
        .map(|calls| calls.last)
        .max();
    let mut evidence = Vec::new();
    for key in &subject.credentials()?.keys {
        let Some(used) = key.last_used.map(|time| time.as_second()) else {
            continue;
        };
        if window.contains(used) && last_seen.is_none_or(|last| used > last + SAME) {
            let service = key.last_service.as_deref().unwrap_or("an unknown service");
            evidence.push(format!(
                "access key {} was used on {} for {service}",
                key.number,
                day(used)
            ));
        }
    }
    if evidence.is_empty() {
        return None;
    }
    evidence.push(match last_seen {
        Some(last) => format!("the archive's last call under a key of it is of {}", day(last)),
        None => "the archive shows no call under a key of it".to_owned(),
    });
    Some(Finding {
        id: "unseen-key",
        severity: Severity::Medium,
        practice: "log what keys are used for",
        title: format!(
            "an access key of user {} was used outside this archive",
            subject.principal.name
        ),
        why: "its use was on data that the trail does not log, in a region without files, or the archive has a gap"
            .to_owned(),
        fix: "switch on data events for what it touches, or find the missing files, before anything of it is trimmed"
            .to_owned(),
        evidence,
    })
}
