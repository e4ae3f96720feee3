//! Unseen key: the credential report saw a key in use at a time when this archive shows no call under any key of the user.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day};
use crate::time::DAY;

/// The report rounds to a quarter of an hour (IAM user guide, "Getting credential reports"); a day is on the safe side.
const SAME: i64 = DAY;

pub(super) const CHECK: Check = Check {
    id: "unseen-key",
    practice: Practice::Logging,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The credential report says that a key was used at a time of which this archive shows no call under it.",
        abuse: "Whoever uses data that the trail does not log, or a region whose files are missing, leaves no trace here.",
        instead: "Nothing by itself: first log what the key is used for. A role in its place shows who stands behind each call.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let window = subject.ground.window;
    let last_seen = subject.long_term_key_seen();
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
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: Severity::Medium,
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
