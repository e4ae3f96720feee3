//! Old key: long-term keys that should have been replaced, by the credential report or by the age of a user whose key was
//! seen in use.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day, retire};
use crate::grants::Kind;
use crate::time::DAY;

/// Days after which a long-term key should have been replaced.
const OLD: i64 = 90;

pub(super) const CHECK: Check = Check {
    id: "old-key",
    practice: Practice::RotateCredentials,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A long-term access key works until somebody deletes it, from anywhere, for whoever has its two halves.",
        abuse: "Keys leak through source code, images, laptops and logs. An old key was copied more often, and nobody knows where to.",
        instead: "A role: by an instance profile, an execution role, Pod Identity or IRSA for machines, IAM Identity Center for people, Roles Anywhere for what runs elsewhere.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    if principal.kind != Kind::User {
        return None;
    }
    let to = subject.ground.window.end;
    let age = |since: i64| (to - since) / DAY;
    let seen = subject.long_term_key_seen();
    let (title, evidence, used) = match subject.credentials() {
        // The report knows each key's day.
        Some(credentials) => {
            let active = credentials.keys.iter().filter(|key| key.active);
            let mut made: Vec<(i64, u8, Option<i64>)> = active
                .filter_map(|key| {
                    let used = key.last_used.map(|time| time.as_second());
                    Some((key.rotated?.as_second(), key.number, used))
                })
                .filter(|(made, ..)| age(*made) >= OLD)
                .collect();
            made.sort_unstable();
            let oldest = made.first()?.0;
            let title = format!(
                "user {} has an access key that is {} days old",
                principal.name,
                age(oldest)
            );
            let keys = made.iter().map(|(made, number, used)| {
                let used = used.map_or("never used".to_owned(), |used| format!("last used on {}", day(used)));
                format!("access key {number} is from {}, {used}", day(*made))
            });
            let used = made
                .iter()
                .any(|(_, _, used)| used.is_some_and(|used| used >= subject.ground.window.first));
            (title, keys.collect(), used)
        }
        // Without it only a call under a long-term key shows that there is one: people with a password and a second factor,
        // and sessions of GetSessionToken, have temporary ones.
        None => {
            let seen = seen?;
            let created = principal.created?.as_second();
            if age(created) < OLD {
                return None;
            }
            let title = format!(
                "user {} is {} days old; its access key may be as old",
                principal.name,
                age(created)
            );
            let evidence = vec![
                format!("the user was created on {}", day(created)),
                format!("a long-term key of it was last used on {}", day(seen)),
            ];
            (title, evidence, true)
        }
    };
    let (severity, why) = if used || seen.is_some() {
        (
            Severity::High,
            "calls come from a key that works for whoever has it, instead of from a role".to_owned(),
        )
    } else {
        (
            Severity::Medium,
            "a key that nobody uses and nobody misses is a door left open".to_owned(),
        )
    };
    let own = format!("--user-name {}", retire::shell(&principal.name));
    Some(Found {
        about: String::new(),
        severity,
        title,
        why,
        fix: "move the caller to a role, IAM Identity Center or Roles Anywhere; else make a new key and switch, then delete the old one"
            .to_owned(),
        commands: vec![
            format!("aws iam create-access-key {own}  # undo: aws iam delete-access-key {own} --access-key-id NEW"),
            "give NEW to the caller, and watch for a week that OLD is not used: aws iam get-access-key-last-used --access-key-id OLD"
                .to_owned(),
            format!(
                "aws iam update-access-key {own} --access-key-id OLD --status Inactive  # undo: aws iam update-access-key {own} --access-key-id OLD --status Active"
            ),
            format!("wait a week, then aws iam delete-access-key {own} --access-key-id OLD  # no undo"),
        ],
        evidence,
    })
}
