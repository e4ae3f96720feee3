//! Service account with several roles: pods of one service account work under more than one role.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::pods::ways;
use super::untrusted_service_account::{is_pod, named};
use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity};
use crate::attribute::{Workload, WorkloadKind, cluster_of};
use crate::grants::{Eks, Principal};
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
    pod: Workload,
    role: &'a Principal,
    /// `None` where only associations and trust policies tell.
    calls: Option<u64>,
}

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let mut all: Vec<Held<'_>> = Vec::new();
    for gap in account.gaps {
        for user in &gap.users.all {
            if let Some(pod) = user.workload.as_ref().filter(|pod| is_pod(pod)) {
                all.push(Held {
                    pod: pod.clone(),
                    role: &account.ground.grants.principals[gap.principal],
                    calls: Some(user.calls),
                });
            }
        }
    }
    all.extend(given(account));
    let mut by_name: BTreeMap<(String, String), Vec<Held<'_>>> = BTreeMap::new();
    for held in all {
        let Some(namespace) = held.pod.namespace.clone() else {
            continue;
        };
        let of_name = by_name.entry((namespace, held.pod.name.clone())).or_default();
        // A manifest does not say of which cluster.
        let same = |known: &Held<'_>| {
            let cluster = held.pod.cluster.is_none() || known.pod.cluster == held.pod.cluster;
            cluster && known.pod.kind == held.pod.kind && known.role.arn == held.role.arn
        };
        if !of_name.iter().any(same) {
            of_name.push(held);
        }
    }
    by_name.retain(|_, held| held.len() > 1);
    if by_name.is_empty() {
        return Vec::new();
    }
    let chains = chains(account);
    let eks = &account.ground.grants.supplements.eks;
    let found = by_name.values().flat_map(|held| of_one_name(held, &chains, eks));
    found.collect()
}

/// Roles of service accounts that have an association: that one, and those whose trust policies name them.
fn given<'a>(account: &Account<'a>) -> Vec<Held<'a>> {
    let eks = &account.ground.grants.supplements.eks;
    if eks.associations.is_empty() {
        return Vec::new();
    }
    let mut named: BTreeMap<&str, Vec<&Principal>> = BTreeMap::new();
    for gap in account.gaps {
        let role = &account.ground.grants.principals[gap.principal];
        for one in &gap.trust.service_accounts {
            named.entry(one).or_default().push(role);
        }
    }
    let by_arn: BTreeMap<&str, &Principal> = account
        .ground
        .grants
        .principals
        .iter()
        .map(|one| (one.arn.as_str(), one))
        .collect();
    let mut held = Vec::new();
    for association in eks.associations.values() {
        let pod = |kind: WorkloadKind, cluster: &str| Workload {
            kind,
            cluster: Some(cluster.to_owned()),
            namespace: Some(association.namespace.clone()),
            name: association.service_account.clone(),
        };
        let mut add = |pod: Workload, role: &'a Principal| {
            held.push(Held { pod, role, calls: None });
        };
        if let Some(role) = by_arn.get(association.role.as_str()) {
            add(pod(WorkloadKind::PodIdentity, &association.cluster), role);
        }
        let annotated = account
            .ground
            .grants
            .supplements
            .manifests
            .accounts
            .iter()
            .filter(|one| {
                let names = (one.namespace.as_deref(), one.name.as_deref());
                names == (Some(&association.namespace), Some(&association.service_account))
            });
        for role in annotated.filter_map(|one| by_arn.get(one.role.as_str())) {
            let mut one = pod(WorkloadKind::ServiceAccount, "");
            one.cluster = None;
            add(one, role);
        }
        let Some(cluster) = eks
            .cluster(&association.cluster)
            .filter(|cluster| !cluster.issuer.is_empty())
        else {
            continue;
        };
        let name = format!("{}/{}", association.namespace, association.service_account);
        for role in named.get(name.as_str()).into_iter().flatten() {
            let mut providers = ways(role).providers.into_iter();
            if providers.any(|provider| cluster_of(provider) == Some(&cluster.issuer)) {
                add(pod(WorkloadKind::ServiceAccount, &cluster.issuer), role);
            }
        }
    }
    held
}

/// Of the service accounts of one name in all clusters.
fn of_one_name(held: &[Held<'_>], chains: &BTreeSet<(&str, &str)>, eks: &Eks) -> Vec<AccountFound> {
    // The first role of a chain opens the next: EKS's target roles are one association, not two.
    let first: Vec<&Held<'_>> = held
        .iter()
        .filter(|one| {
            let mut before = held.iter().filter(|other| other.pod == one.pod);
            !before.any(|other| chains.contains(&(other.role.id.as_str(), one.role.arn.as_str())))
        })
        .collect();
    let known = |one: &Held<'_>| eks.cluster(one.pod.cluster.as_deref()?);
    // The name of a cluster and the id of its identity provider say nothing of each other, unless EKS describes it.
    let mut groups: BTreeMap<(Option<WorkloadKind>, String), Vec<&Held<'_>>> = BTreeMap::new();
    for one in &first {
        let Some(cluster) = &one.pod.cluster else { continue };
        let kind = if known(one).is_some() { None } else { Some(one.pod.kind) };
        groups.entry((kind, eks.name_of(cluster))).or_default().push(one);
    }
    let mut found = Vec::new();
    for ((kind, _), held) in &groups {
        let by = |kind: WorkloadKind| held.iter().find(|one| one.pod.kind == kind).copied();
        let roles: BTreeSet<&str> = held.iter().map(|one| one.role.arn.as_str()).collect();
        match (by(WorkloadKind::ServiceAccount), by(WorkloadKind::PodIdentity)) {
            (Some(_), Some(_)) if kind.is_none() && roles.len() > 1 => {
                let fix = "take the annotation eks.amazonaws.com/role-arn off once Pod Identity works, since SDKs look for \
                           IRSA's token first; then take the service account out of the trust policy";
                found.push(told(
                    held,
                    "has a role by IRSA and one by Pod Identity",
                    fix,
                    Severity::Medium,
                    eks,
                ));
            }
            _ if roles.len() > 1 => {
                let fix =
                    "move the pod to one role with what it uses, then take it out of the trust policy of the others";
                found.push(told(held, "works under several roles", fix, Severity::Low, eks));
            }
            _ => {}
        }
    }
    let mut pairs = first
        .iter()
        .flat_map(|irsa| first.iter().map(move |pods| (*irsa, *pods)));
    let may_be_one = |(irsa, pods): &(&Held<'_>, &Held<'_>)| {
        let kinds = (irsa.pod.kind, pods.pod.kind) == (WorkloadKind::ServiceAccount, WorkloadKind::PodIdentity);
        let clusters = match (&irsa.pod.cluster, known(irsa), known(pods)) {
            (None, ..) => true,
            (Some(_), _, Some(pods)) => pods.issuer.is_empty(),
            (Some(_), Some(irsa), None) => Some(&irsa.name) == pods.pod.cluster.as_ref(),
            (Some(_), None, None) => true,
        };
        // One role by both ways is a move that is under way.
        kinds && irsa.role.arn != pods.role.arn && clusters
    };
    if let Some((irsa, pods)) = pairs.find(may_be_one) {
        let fix = "if both are of one cluster (--eks with describe-cluster tells): take the annotation \
                   eks.amazonaws.com/role-arn off once Pod Identity works, since SDKs look for IRSA's token first";
        let does = "has a role by IRSA and one by Pod Identity";
        found.push(told(&[irsa, pods], does, fix, Severity::Low, eks));
    }
    found
}

fn told(held: &[&Held<'_>], does: &str, fix: &str, severity: Severity, eks: &Eks) -> AccountFound {
    let pod = &held[0].pod;
    let namespace = pod.namespace.as_deref().unwrap_or("?");
    let clusters: BTreeSet<String> = held
        .iter()
        .map(|one| {
            one.pod
                .cluster
                .as_deref()
                .map(|cluster| eks.name_of(cluster))
                .unwrap_or_default()
        })
        .collect();
    let place = match clusters.first() {
        Some(one) if clusters.len() == 1 => one,
        _ => "both",
    };
    let line = |one: &&Held<'_>| {
        let whose = format!("{} as {}", one.role.arn, named(&one.pod, eks));
        match one.calls {
            Some(calls) => format!("{whose}: {calls} calls"),
            None if one.pod.kind == WorkloadKind::PodIdentity => format!("{whose}: an association gives it"),
            None if one.pod.cluster.is_none() => format!("{whose}: a manifest annotates it"),
            None => format!("{whose}: the trust policy names it"),
        }
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
            evidence: held.iter().map(line).collect(),
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
        for role in &account.ground.grants.principals {
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
