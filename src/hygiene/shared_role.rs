//! Shared role: one role behind several Kubernetes service accounts, so that each has what any of them needs.

use std::collections::BTreeSet;

use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::attribute::WorkloadKind;

pub(super) const CHECK: Check = Check {
    id: "shared-role",
    practice: Practice::SpecificRoles,
    find: Find::OfPrincipal(check),
    about: About {
        what: "One role stands behind several Kubernetes service accounts, or behind any whose name fits a pattern.",
        abuse: "Each of them has what any of them needs, so the weakest program among them opens the rest.",
        instead: "A role for each service account, by EKS Pod Identity or IRSA.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    let mut accounts: BTreeSet<String> = subject.gap.trust.service_accounts.iter().cloned().collect();
    for user in &subject.gap.users.all {
        let Some(workload) = &user.workload else { continue };
        if matches!(workload.kind, WorkloadKind::ServiceAccount | WorkloadKind::PodIdentity) {
            let namespace = workload.namespace.as_deref().unwrap_or("?");
            accounts.insert(format!("{namespace}/{}", workload.name));
        }
    }
    if accounts.len() < 2 && !accounts.iter().any(|account| account.contains(['*', '?'])) {
        return None;
    }
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: Severity::Medium,
        title: format!("role {} serves several service accounts", principal.name),
        why: "what one of them needs all of them may do; the role can only be trimmed to the union".to_owned(),
        fix: "make a role for each service account with what that one uses".to_owned(),
        evidence: accounts.into_iter().collect(),
    })
}
