//! Repeated denials: a principal that asks again and again for what it may not do, and never gets it.

use super::{Finding, Severity, Subject, day};

/// Calls and days from which on it is no slip.
const CALLS: u64 = 10;
const DAYS: usize = 3;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
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
    Some(Finding {
        id: "repeated-denials",
        severity: Severity::Low,
        practice: "look into denied calls",
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
