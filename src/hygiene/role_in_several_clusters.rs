//! Role in several clusters: pods of more than one EKS cluster take the same role.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::pods::ways;
use super::untrusted_service_account::{is_pod, named};
use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::attribute::{WorkloadKind, cluster_of};
use crate::gap::How;
use crate::grants::Eks;

pub(super) const CHECK: Check = Check {
    id: "role-in-several-clusters",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "Pods of more than one EKS cluster take the same role, or its trust policy or associations name several.",
        abuse: "Whoever may create a pod in the weakest of the clusters, such as a test cluster, has what the role may do for the others.",
        instead: "A role for each cluster, by EKS Pod Identity or IRSA; or a condition on the session tag eks-cluster-name.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html",
    },
};

/// A cluster as far as it is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// `--eks` describes it.
    Known(String),
    /// Only the id of its identity provider is known.
    Id(String),
    /// Only its name is known.
    Name(String),
}

impl Place {
    fn of(eks: &Eks, kind: WorkloadKind, cluster: &str) -> Place {
        match eks.cluster(cluster) {
            Some(known) if !known.issuer.is_empty() => Place::Known(eks.name_of(cluster)),
            Some(_) | None if kind == WorkloadKind::PodIdentity => Place::Name(cluster.to_owned()),
            Some(_) | None => Place::Id(cluster.to_owned()),
        }
    }
}

/// How many clusters these are at least: a name and the id of an identity provider may be one cluster's.
fn count<'p>(eks: &Eks, places: impl Iterator<Item = &'p Place>) -> usize {
    let mut known = BTreeSet::new();
    let (mut ids, mut names) = (0, 0);
    for place in places {
        match place {
            Place::Known(name) => _ = known.insert(name.as_str()),
            Place::Id(_) => ids += 1,
            // Several clusters bear the name: it may be one of those that are counted.
            Place::Name(name) if eks.clusters.values().any(|one| one.name == *name) => {}
            Place::Name(_) => names += 1,
        }
    }
    known.len() + ids.max(names)
}

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    let eks = &subject.ground.grants.supplements.eks;
    let mut clusters: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    for user in &subject.gap.users.all {
        match (&user.workload, &user.cluster) {
            (Some(pod), _) if is_pod(pod) => {
                if let Some(cluster) = &pod.cluster {
                    let guess = match user.how {
                        How::Trust => ", as its trust policy says",
                        How::Association => ", as its association says",
                        How::Seen | How::FederatedProvider | How::Unknown => "",
                    };
                    let line = format!("{}: {} calls{guess}", named(pod, eks), user.calls);
                    clusters
                        .entry(Place::of(eks, pod.kind, cluster))
                        .or_default()
                        .push(line);
                }
            }
            (None, Some(cluster)) => {
                let place = Place::of(eks, WorkloadKind::ServiceAccount, cluster);
                let name = eks.name_of(cluster);
                let line = format!("an unknown service account of cluster {name}: {} calls", user.calls);
                clusters.entry(place).or_default().push(line);
            }
            (Some(_) | None, _) => {}
        }
    }
    let seen = count(eks, clusters.keys()) > 1;
    let mut beside = |place: Place, cluster: &str, how: &str| {
        let name = eks.name_of(cluster);
        let line = || vec![format!("cluster {name} {how}, and did not come in the window")];
        clusters.entry(place).or_insert_with(line);
    };
    for cluster in ways(role).providers.into_iter().filter_map(cluster_of) {
        beside(
            Place::of(eks, WorkloadKind::ServiceAccount, cluster),
            cluster,
            "is trusted",
        );
    }
    for association in eks.associations_of(&role.arn) {
        let cluster = &association.cluster;
        beside(
            Place::of(eks, WorkloadKind::PodIdentity, cluster),
            cluster,
            "has an association",
        );
    }
    let count = count(eks, clusters.keys());
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
        evidence: clusters.into_values().flatten().collect(),
    })
}
