//! Idle principal: a role or user that is granted something and made no call in the window.

use super::{Finding, Severity, Subject, day};
use crate::grants::Kind;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let principal = subject.principal;
    let grants_something = subject.gap.slices.iter().any(|slice| !slice.granted.is_empty());
    if principal.kind == Kind::Group || subject.gap.activity.calls > 0 || !grants_something {
        return None;
    }
    // A service-linked role belongs to its service, and goes with it.
    if principal.path.starts_with("/aws-service-role/") {
        return None;
    }
    let (from, to) = (subject.window.first, subject.window.last());
    let last_used = principal.last_used.map(|time| time.as_second());
    let mut evidence = vec![format!("no call from {} to {}", day(from), day(to))];
    let mut severity = Severity::Medium;
    if let Some(used) = last_used {
        evidence.push(format!("IAM saw its last use on {}", day(used)));
        // Data events that the trail leaves out are use all the same.
        if used >= from {
            severity = Severity::Low;
        }
    }
    let id = if principal.kind == Kind::Role {
        "idle-role"
    } else {
        "idle-user"
    };
    Some(Finding {
        id,
        severity,
        practice: "remove unused roles and users",
        title: format!(
            "{} {} made no call in the window",
            principal.kind.name(),
            principal.name
        ),
        why: "what nobody uses is only of use to an attacker".to_owned(),
        fix: match principal.kind {
            Kind::Role => "deny its use for a week by an inline policy, then delete it".to_owned(),
            Kind::User | Kind::Group => "deactivate its keys and password for a week, then delete it".to_owned(),
        },
        evidence,
    })
}
