//! Service account with several roles: pods of one service account work under more than one role.

use std::collections::{BTreeMap, BTreeSet};

use super::untrusted_service_account::{is_pod, named};
use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity};
use crate::attribute::{Workload, WorkloadKind};
use crate::grants::Principal;
use crate::iam::pattern;

pub(super) const CHECK: Check = Check {
    id: "service-account-with-several-roles",
    practice: Practice::ServiceAccounts,
    find: Find::OfAccount(check),
    about: About {
        what: "Pods of one Kubernetes service account work under more than one role, or have both an IRSA role and one by EKS Pod Identity.",
        abuse: "Nobody who looks at one of the roles sees what the pod may do, and the role that is forgotten keeps its door open.",
        instead: "One role for the service account, by EKS Pod Identity or IRSA; a service account for each container that needs another.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html",
    },
};

/// One role of a service account: how it comes to it, and how often it called.
struct Held<'a> {
    pod: &'a Workload,
    role: &'a Principal,
    calls: u64,
}

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let mut by_name: BTreeMap<(&str, &str), Vec<Held<'_>>> = BTreeMap::new();
    for gap in account.gaps {
        for user in &gap.users.all {
            if let Some(pod) = user.workload.as_ref().filter(|pod| is_pod(pod))
                && let Some(namespace) = &pod.namespace
            {
                by_name.entry((namespace, &pod.name)).or_default().push(Held {
                    pod,
                    role: &account.grants.principals[gap.principal],
                    calls: user.calls,
                });
            }
        }
    }
    by_name.retain(|_, held| held.len() > 1);
    if by_name.is_empty() {
        return Vec::new();
    }
    let chains = chains(account);
    let found = by_name.values().flat_map(|held| of_one_name(held, &chains));
    found.collect()
}

/// Of the service accounts of one name in all clusters.
fn of_one_name(held: &[Held<'_>], chains: &BTreeSet<(&str, &str)>) -> Vec<AccountFound> {
    // The first role of a chain opens the next: EKS's target roles are one association, not two.
    let first: Vec<&Held<'_>> = held
        .iter()
        .filter(|one| {
            let mut before = held.iter().filter(|other| other.pod == one.pod);
            !before.any(|other| chains.contains(&(other.role.id.as_str(), one.role.arn.as_str())))
        })
        .collect();
    let mut groups: BTreeMap<(WorkloadKind, &str), Vec<&Held<'_>>> = BTreeMap::new();
    for one in &first {
        if let Some(cluster) = &one.pod.cluster {
            groups.entry((one.pod.kind, cluster)).or_default().push(one);
        }
    }
    let several = groups.values().filter(|held| held.len() > 1).map(|held| {
        let fix = "move the pod to one role with what it uses, then take it out of the trust policy of the others";
        told(held, "works under several roles", fix, Severity::Low)
    });
    let mut found: Vec<AccountFound> = several.collect();
    // The name of a cluster and the id of its identity provider say nothing of each other.
    let of = |kind: WorkloadKind| first.iter().copied().find(|one| one.pod.kind == kind);
    if let (Some(irsa), Some(pod_identity)) = (of(WorkloadKind::ServiceAccount), of(WorkloadKind::PodIdentity)) {
        let fix = "if both are of one cluster: take the annotation eks.amazonaws.com/role-arn off once Pod Identity works, \
                   since SDKs look for IRSA's token first";
        found.push(told(
            &[irsa, pod_identity],
            "has a role by IRSA and one by Pod Identity",
            fix,
            Severity::Low,
        ));
    }
    found
}

fn told(held: &[&Held<'_>], does: &str, fix: &str, severity: Severity) -> AccountFound {
    let pod = held[0].pod;
    let namespace = pod.namespace.as_deref().unwrap_or("?");
    let kinds: BTreeSet<WorkloadKind> = held.iter().map(|one| one.pod.kind).collect();
    let place = if kinds.len() > 1 {
        "both"
    } else {
        pod.cluster.as_deref().unwrap_or("")
    };
    AccountFound {
        account: held[0].role.account.clone(),
        found: Found {
            about: format!("{namespace}/{}:{place}", pod.name),
            severity,
            title: format!("service account {namespace}/{} {does}", pod.name),
            why: "what the pod may do is the sum of its roles, and each looks small alone".to_owned(),
            fix: fix.to_owned(),
            commands: Vec::new(),
            evidence: held
                .iter()
                .map(|one| format!("{} as {}: {} calls", one.role.arn, named(one.pod), one.calls))
                .collect(),
        },
    }
}

/// Which role took which: the id of one, the ARN of the other.
fn chains<'a>(account: &Account<'a>) -> BTreeSet<(&'a str, &'a str)> {
    let mut chains = BTreeSet::new();
    for row in &account.table.rows {
        let signature = &account.table.signatures[row.signature].signature;
        if &*signature.event_source != "sts.amazonaws.com" || &*signature.event_name != "AssumeRole" {
            continue;
        }
        for role in &account.grants.principals {
            if row
                .resources
                .iter()
                .any(|resource| pattern::matches(resource, &role.arn))
            {
                chains.insert((&*signature.caller.id, role.arn.as_str()));
            }
        }
    }
    chains
}
