//! Repeated denials: a principal that asks again and again for what it may not do, and never gets it.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day};

/// Calls and days from which on it is no slip.
const CALLS: u64 = 10;
const DAYS: usize = 3;

pub(super) const CHECK: Check = Check {
    id: "repeated-denials",
    practice: Practice::Logging,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The same action was denied again and again, on several days.",
        abuse: "It may be a program that lacks something, or somebody who tries doors with stolen credentials.",
        instead: "Nothing until it is known who asks. If it is an intruder: revoke the role's sessions, and rotate what opened them.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let activity = &subject.gap.activity;
    let mut evidence = Vec::new();
    for (action, denied) in &activity.denied {
        let last = denied.last.as_ref().map_or(0, |witness| witness.time);
        if denied.calls >= CALLS && denied.days.len() >= DAYS && !activity.used.contains_key(action) {
            evidence.push(format!(
                "{}: {} calls on {} days, the last on {}",
                subject.catalog.name(*action),
                denied.calls,
                denied.days.len(),
                day(last)
            ));
        }
    }
    if evidence.is_empty() {
        return None;
    }
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: Severity::Low,
        title: format!(
            "{} {} keeps asking for what it may not do",
            subject.principal.kind.name(),
            subject.principal.name
        ),
        why: "either it lacks what its work needs, or somebody tries doors under its name".to_owned(),
        fix: "find the caller; change its code, or grant the action on purpose: this tool never adds one".to_owned(),
        evidence,
    })
}
