//! Unseen use: IAM's last-accessed data saw what this archive should have shown, and did not: the archive has a gap.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day};

pub(super) const CHECK: Check = Check {
    id: "unseen-use",
    practice: Practice::Logging,
    find: Find::OfPrincipal(check),
    about: About {
        what: "IAM's last-accessed data saw a service or action in use that this archive should have shown, and did not.",
        abuse: "A hole in the archive hides an attacker as well as it hides a nightly job.",
        instead: "Nothing: this is about the log, not about a credential.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let accessed = &subject.gap.accessed;
    let hidden = |action| {
        let mut granting = subject.gap.slices.iter().filter(|slice| slice.granted.contains(action));
        granting.any(|slice| slice.view.blind_to(action).is_some())
    };
    let actions = accessed.actions.iter().filter(|(action, _)| !hidden(**action));
    let mut evidence: Vec<String> = actions
        .map(|(action, time)| format!("{} on {}", subject.catalog.name(*action), day(*time)))
        .collect();
    evidence.extend(
        accessed
            .services
            .iter()
            .map(|(service, time)| format!("{service} on {}", day(*time))),
    );
    evidence.extend(last_use(subject));
    if evidence.is_empty() {
        return None;
    }
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: Severity::Medium,
        title: format!(
            "IAM saw {} {} use what this archive does not show",
            subject.principal.kind.name(),
            subject.principal.name
        ),
        why: "files are missing, or a trail leaves something out; what IAM saw stays granted".to_owned(),
        fix: "compare the archive with its digest files (trimtrail coverage --validate), and give --trail-config"
            .to_owned(),
        evidence,
    })
}

/// IAM's word for the last use of a role of which the archive shows nothing.
fn last_use(subject: &Subject<'_>) -> Option<String> {
    let role = subject.principal;
    let used = role.last_used?.as_second();
    let shows = subject.gap.activity.calls > 0 || subject.ground.coverage.taken.contains_key(&role.id);
    let is_hole = subject.ground.window.contains(used) && !shows && !role.path.starts_with("/aws-service-role/");
    is_hole.then(|| {
        format!(
            "IAM saw its last use on {}, and the archive shows no call of it",
            day(used)
        )
    })
}
