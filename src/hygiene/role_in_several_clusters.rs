//! Role in several clusters: pods of more than one EKS cluster take the same role.

use std::collections::BTreeMap;

use super::graph::pods::ways;
use super::untrusted_service_account::{is_pod, named};
use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::attribute::{WorkloadKind, cluster_of};
use crate::gap::How;

pub(super) const CHECK: Check = Check {
    id: "role-in-several-clusters",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "Pods of more than one EKS cluster take the same role, or its trust policy names the identity providers of several.",
        abuse: "Whoever may create a pod in the weakest of the clusters, such as a test cluster, has what the role may do for the others.",
        instead: "A role for each cluster, by EKS Pod Identity or IRSA; or a condition on the session tag eks-cluster-name.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    // The name of a cluster and the id of its identity provider say nothing of each other: they are counted apart.
    let mut by_id: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for user in &subject.gap.users.all {
        match (&user.workload, &user.cluster) {
            (Some(pod), _) if is_pod(pod) => {
                let clusters = if pod.kind == WorkloadKind::PodIdentity {
                    &mut by_name
                } else {
                    &mut by_id
                };
                if let Some(cluster) = &pod.cluster {
                    let guess = if user.how == How::Trust {
                        ", as its trust policy says"
                    } else {
                        ""
                    };
                    let line = format!("{}: {} calls{guess}", named(pod), user.calls);
                    clusters.entry(cluster).or_default().push(line);
                }
            }
            (None, Some(cluster)) => {
                let line = format!("an unknown service account of cluster {cluster}: {} calls", user.calls);
                by_id.entry(cluster).or_default().push(line);
            }
            (Some(_) | None, _) => {}
        }
    }
    let seen = by_id.len() > 1 || by_name.len() > 1;
    for cluster in ways(role).providers.into_iter().filter_map(cluster_of) {
        by_id
            .entry(cluster)
            .or_insert_with(|| vec![format!("cluster {cluster} is trusted, and did not come in the window")]);
    }
    let count = by_id.len().max(by_name.len());
    if count < 2 {
        return None;
    }
    Some(Found {
        about: String::new(),
        severity: if seen { Severity::Medium } else { Severity::Low },
        title: format!("role {} serves {count} clusters", role.name),
        why:
            "whoever gets into one of the clusters has what the others need; and what each uses cannot be trimmed alone"
                .to_owned(),
        fix: "make a role for each cluster; then take the other clusters' providers out of the trust policy".to_owned(),
        commands: Vec::new(),
        evidence: by_id.into_values().chain(by_name.into_values()).flatten().collect(),
    })
}
