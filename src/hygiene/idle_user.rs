//! Idle user: a user that is granted something and made no call in the window.

use super::idle_role::idle;
use super::{About, Check, Find, Found, Practice, Subject};
use crate::grants::Kind;

pub(super) const CHECK: Check = Check {
    id: "idle-user",
    practice: Practice::RemoveUnused,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A user that is granted something and made no call in the window.",
        abuse: "Its password and keys stay valid. The person may be gone; whoever has the credentials is not.",
        instead: "IAM Identity Center for people, a role for machines.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_finding-unused.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    if subject.principal.kind != Kind::User {
        return None;
    }
    idle(
        subject,
        "deny its use and make its keys inactive for two weeks, then delete it",
    )
}
