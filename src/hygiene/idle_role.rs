//! Idle role: a role that is granted something and made no call in the window.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day, pod_role_never_taken, retire};
use crate::grants::Kind;
use crate::rightsize;

pub(super) const CHECK: Check = Check {
    id: "idle-role",
    practice: Practice::RemoveUnused,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A role that is granted something and made no call in the window.",
        abuse: "Nobody watches what nobody uses: whoever gets into it works unseen with all that it was ever granted.",
        instead: "Nothing, if nobody misses it. Else a new role with what the one task needs.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    // A service-linked role belongs to its service, and goes with it.
    if subject.principal.kind != Kind::Role
        || subject.principal.path.starts_with("/aws-service-role/")
        || pod_role_never_taken::speaks_of(subject)
    {
        return None;
    }
    idle(
        subject,
        "deny its use for two weeks by an inline policy, then delete it",
    )
}

/// What is found of a principal that made no call, unless it is kept, or too young to tell.
pub(super) fn idle(subject: &Subject<'_>, fix: &str) -> Option<Found> {
    let (principal, window) = (subject.principal, subject.window);
    let grants_something = subject.gap.slices.iter().any(|slice| !slice.granted.is_empty());
    if subject.gap.activity.calls > 0 || !grants_something {
        return None;
    }
    let spared = rightsize::spared(principal, window, subject.options);
    if spared.is_some() && principal.created.is_some() {
        return None;
    }
    let (from, to) = (window.first, window.last());
    let mut evidence = vec![format!("no call from {} to {}", day(from), day(to))];
    let mut severity = Severity::Medium;
    if let Some(used) = principal.last_used.map(|time| time.as_second()) {
        evidence.push(format!("IAM saw its last use on {}", day(used)));
        // Data events that the trail leaves out are use all the same.
        if used >= from {
            severity = Severity::Low;
        }
    }
    // Whoever takes a role does something with it, even where no log shows what.
    let taken = subject.coverage.taken.get(&principal.id).map(|last| {
        let last = day(*last);
        evidence.push(format!("it was taken, the last time on {last}"));
        format!("sessions of it were opened until {last}; data events would show what they did")
    });
    // Whoever cannot be judged yet is not taken out of service yet.
    let wait = spared.or_else(|| subject.too_short()).or(taken);
    let (fix, commands) = match wait {
        Some(why) => {
            severity = Severity::Low;
            (format!("nothing yet: {why}"), Vec::new())
        }
        None => (fix.to_owned(), retire::principal(subject.grants, subject.gap.principal)),
    };
    Some(Found {
        about: String::new(),
        severity,
        title: format!(
            "{} {} made no call in the window",
            principal.kind.name(),
            principal.name
        ),
        why: "what nobody uses is only of use to an attacker".to_owned(),
        fix,
        commands,
        evidence,
    })
}
