//! Repeated denials: a principal that asks again and again for what it may not do, and never gets it, or for much on one day.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day};
use crate::time::DAY;

/// Calls and days from which on it is no slip.
const CALLS: u64 = 10;
const DAYS: usize = 3;
/// Calls of one day, or things that were asked for on it, that are a burst.
const BURST: u64 = 100;
const THINGS: usize = 10;
/// Days that are told.
const TOLD: usize = 5;

pub(super) const CHECK: Check = Check {
    id: "repeated-denials",
    practice: Practice::Logging,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The same thing was denied again and again, on several days, or a hundred calls or ten things on one day.",
        abuse: "It may be a program that lacks something, or somebody who tries doors with stolen credentials.",
        instead: "Nothing until it is known who asks. If it is an intruder: revoke the role's sessions, and rotate what opened them.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let denied = subject.ground.across.denied.by(subject.principal)?;
    let used = |what: &str| {
        let action = subject.catalog.id(what);
        action.is_some_and(|action| subject.gap.activity.used.contains_key(&action))
    };
    let mut evidence = Vec::new();
    for (what, denials) in &denied.again {
        if denials.calls >= CALLS && denials.days.len() >= DAYS && !used(what) {
            evidence.push(format!(
                "{what}: {} calls on {} days, the last on {}",
                denials.calls,
                denials.days.len(),
                day(denials.last)
            ));
        }
    }
    let bursts = denied.by_day.iter();
    let mut bursts: Vec<_> = bursts
        .filter(|(_, (calls, things))| *calls >= BURST || things.len() >= THINGS)
        .collect();
    bursts.sort_by_key(|(_, (calls, _))| std::cmp::Reverse(*calls));
    let is_burst = !bursts.is_empty();
    evidence.extend(bursts.into_iter().take(TOLD).map(|(on, (calls, things))| {
        let some: Vec<&str> = things.iter().take(3).map(String::as_str).collect();
        let more = if things.len() > some.len() { ", …" } else { "" };
        format!(
            "{}: {calls} denied calls of {} things: {}{more}",
            day(i64::from(*on) * DAY),
            things.len(),
            some.join(", ")
        )
    }));
    if evidence.is_empty() {
        return None;
    }
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: if is_burst { Severity::Medium } else { Severity::Low },
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
