//! Unused key: an active access key that the credential report calls never used, or not used for long.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day, retire};
use crate::time::DAY;

/// Days without use after which a key is a door left open.
const LONG: i64 = 90;

pub(super) const CHECK: Check = Check {
    id: "unused-key",
    practice: Practice::RotateCredentials,
    find: Find::OfPrincipal(check),
    about: About {
        what: "An active access key that nobody has used for a quarter of a year, or ever.",
        abuse: "Nobody misses it, so nobody notices when somebody else uses it.",
        instead: "Nothing: nobody needs it. What needs a key later takes a role instead.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_finding-unused.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let (to, from) = (subject.ground.window.end, subject.ground.window.first);
    let keys = &subject.credentials()?.keys;
    // A call under a key of which the report does not know yet is of one of them, and nobody knows of which.
    let reported = keys
        .iter()
        .filter_map(|key| key.last_used)
        .map(|time| time.as_second())
        .max();
    let seen_later = subject
        .long_term_key_seen()
        .is_some_and(|seen| reported.is_none_or(|known| seen > known + DAY));
    if seen_later || subject.ground.keeps(subject.principal) {
        return None;
    }
    let grace = i64::from(subject.ground.options.grace) * DAY;
    let mut evidence = Vec::new();
    for key in keys.iter().filter(|key| key.active) {
        match key.last_used.map(|time| time.as_second()) {
            // A key that was made yesterday waits for its first use.
            None if key.rotated.is_some_and(|made| to - made.as_second() < grace) => {}
            None => evidence.push(format!("access key {} was never used", key.number)),
            // What was used in the window may be used again after as long a time.
            Some(used) if to - used >= LONG * DAY && used < from => {
                evidence.push(format!("access key {} was last used on {}", key.number, day(used)));
            }
            Some(_) => {}
        }
    }
    if evidence.is_empty() {
        return None;
    }
    let own = format!("--user-name {}", retire::shell(&subject.principal.name));
    let wait = subject.ground.doubts_credentials(&subject.principal.arn);
    let commands = match wait {
        Some(_) => Vec::new(),
        None => vec![
            format!("aws iam list-access-keys {own}"),
            format!(
                "aws iam update-access-key {own} --access-key-id KEY --status Inactive  # undo: aws iam update-access-key {own} --access-key-id KEY --status Active"
            ),
            format!("wait two weeks, then aws iam delete-access-key {own} --access-key-id KEY  # no undo"),
        ],
    };
    Some(Found {
        about: String::new(),
        commands,
        severity: match wait {
            Some(_) => Severity::Low,
            None => Severity::Medium,
        },
        title: format!(
            "user {} has an active access key that nobody uses",
            subject.principal.name
        ),
        why: "a key that nobody uses and nobody misses is a door left open".to_owned(),
        fix: match wait {
            Some(why) => format!("nothing yet: {why}"),
            None => "make the key inactive for two weeks, then delete it".to_owned(),
        },
        evidence,
    })
}
