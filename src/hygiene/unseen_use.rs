//! Unseen use: IAM's last-accessed data saw what this archive should have shown, and did not: the archive has a gap.

use super::{Finding, Severity, Subject, day};

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
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
    if evidence.is_empty() {
        return None;
    }
    Some(Finding {
        id: "unseen-use",
        severity: Severity::Medium,
        practice: "log every account and region",
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
