//! Shared role: one role behind several workloads, so that each has what any of them needs.

use std::collections::BTreeSet;

use super::graph::pods::admits;
use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::attribute::{Workload, WorkloadKind};
use crate::iam::Answer;

pub(super) const CHECK: Check = Check {
    id: "shared-role",
    practice: Practice::SpecificRoles,
    find: Find::OfPrincipal(check),
    about: About {
        what: "One role stands behind several workloads: Kubernetes service accounts, or any whose name fits a pattern, functions, instances.",
        abuse: "Each of them has what any of them needs, so the weakest program among them opens the rest.",
        instead: "A role for each service account, by EKS Pod Identity or IRSA, and for each function.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    let mut accounts: BTreeSet<String> = subject.gap.trust.service_accounts.iter().cloned().collect();
    let annotated = subject.ground.grants.supplements.manifests.of_role(&principal.arn);
    accounts.extend(
        annotated
            .filter(|one| one.namespace.is_some() && one.name.is_some())
            .map(|one| one.label()),
    );
    let mut others: BTreeSet<String> = BTreeSet::new();
    for workload in subject.gap.users.all.iter().filter_map(|user| user.workload.as_ref()) {
        match workload.kind {
            // One that today's trust policy does not let in is a finding of its own.
            WorkloadKind::ServiceAccount | WorkloadKind::PodIdentity => {
                if admits(principal, workload) != Answer::No {
                    let namespace = workload.namespace.as_deref().unwrap_or("?");
                    accounts.insert(format!("{namespace}/{}", workload.name));
                }
            }
            WorkloadKind::Ec2 | WorkloadKind::Lambda | WorkloadKind::Ecs | WorkloadKind::Service => {
                others.insert(machine(workload));
            }
            // People, and callers that choose the role, are told apart by their sessions.
            WorkloadKind::Sso | WorkloadKind::WebIdentity | WorkloadKind::Saml | WorkloadKind::Principal => {}
        }
    }
    let any = accounts.iter().any(|account| account.contains(['*', '?']));
    if accounts.len() + others.len() < 2 && !any {
        return None;
    }
    let (whom, fix) = if others.is_empty() {
        (
            "several service accounts",
            "make a role for each service account with what that one uses",
        )
    } else {
        (
            "workloads of several kinds",
            "make a role for each of them with what that one uses",
        )
    };
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: Severity::Medium,
        title: format!("role {} serves {whom}", principal.name),
        why: "what one of them needs all of them may do; the role can only be trimmed to the union".to_owned(),
        fix: fix.to_owned(),
        evidence: accounts.into_iter().chain(others).collect(),
    })
}

/// Instances and tasks come and go: those of one role are one workload.
fn machine(workload: &Workload) -> String {
    match workload.kind {
        WorkloadKind::Ec2 => "EC2 instances".to_owned(),
        WorkloadKind::Ecs => "ECS tasks".to_owned(),
        WorkloadKind::Lambda => format!("function {}", workload.name),
        WorkloadKind::ServiceAccount
        | WorkloadKind::PodIdentity
        | WorkloadKind::Sso
        | WorkloadKind::WebIdentity
        | WorkloadKind::Saml
        | WorkloadKind::Principal
        | WorkloadKind::Service => workload.name.clone(),
    }
}
