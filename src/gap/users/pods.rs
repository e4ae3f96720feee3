//! The only service account that EKS Pod Identity gives a role to, as the associations say that are given (`--eks`).
//!
//! They are today's, of the clusters that somebody asked: one tells of the archive's calls only where it is older than
//! those, where the archive shows no change of any, and where it shows no pods of a cluster whose associations are not given.

use std::collections::{BTreeMap, BTreeSet};

use crate::attribute::{Workload, WorkloadKind};
use crate::grants::{Association, Eks};
use crate::usage::Table;

/// A service account that an association gives a role to, and no other one does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Associated {
    /// The service account.
    pub(super) pod: Workload,
    /// Whether its sessions carry no tags.
    pub(super) without_tags: bool,
}

impl Associated {
    /// Whether what was seen fits it: a pod that is another one shows that there are, or were, more associations.
    pub(super) fn may_be(&self, seen: &Workload) -> bool {
        let same = (&seen.namespace, &seen.name) == (&self.pod.namespace, &self.pod.name);
        seen.kind != WorkloadKind::PodIdentity || same && plain_cluster(seen) == plain_cluster(&self.pod)
    }
}

/// A pod's cluster by its name alone: of several of one name each is called by its name, account and region.
fn plain_cluster(pod: &Workload) -> Option<&str> {
    pod.cluster.as_deref()?.split(' ').next()
}

/// The associations, and what the archive says against them.
pub(super) struct Associations<'t> {
    eks: Option<&'t Eks>,
    /// By the role that EKS takes, and by the one that its credentials take.
    by_role: BTreeMap<&'t str, Vec<&'t Association>>,
    /// Accounts in which associations changed.
    changed: BTreeSet<&'t str>,
    /// Clusters whose pods got roles, by account: ARNs.
    clusters: BTreeMap<&'t str, BTreeSet<&'t str>>,
    /// Clusters all of whose associations are given: account, region and name.
    given: BTreeSet<(&'t str, &'t str, &'t str)>,
    start: i64,
}

impl<'t> Associations<'t> {
    pub(super) fn of(table: &'t Table, eks: &'t Eks, start: i64) -> Associations<'t> {
        let mut associations = Associations {
            eks: (!eks.associations.is_empty()).then_some(eks),
            by_role: BTreeMap::new(),
            changed: BTreeSet::new(),
            clusters: BTreeMap::new(),
            given: BTreeSet::new(),
            start,
        };
        if eks.associations.is_empty() {
            return associations;
        }
        for association in eks.associations.values() {
            for role in [Some(&association.role), association.target_role.as_ref()]
                .into_iter()
                .flatten()
            {
                associations.by_role.entry(role).or_default().push(association);
            }
            let (account, region) = &association.place;
            let cluster = (account.as_str(), region.as_str(), association.cluster.as_str());
            if eks.knows_all_of(cluster) {
                associations.given.insert(cluster);
            }
        }
        // A pod that was seen and is not among them shows that they are not all, or were others.
        for seen in table.workloads.iter().filter_map(|known| known.actor.workload.as_ref()) {
            if let (WorkloadKind::PodIdentity, Some(cluster)) = (seen.kind, plain_cluster(seen)) {
                let is_it = |one: &Association| {
                    (Some(&one.namespace), &one.service_account) == (seen.namespace.as_ref(), &seen.name)
                };
                let mut of_cluster = eks.associations.values().filter(|one| one.cluster == cluster);
                if !of_cluster.any(is_it) {
                    associations.given.retain(|(_, _, given)| *given != cluster);
                }
            }
        }
        for row in &table.rows {
            let signature = &table.signatures[row.signature].signature;
            match (&*signature.event_source, &*signature.event_name) {
                // An add-on brings associations and takes them along; a cluster of the same name may be another one (EKS API
                // reference, "CreateAddon", `podIdentityAssociations`; EKS user guide, "Delete a cluster").
                (
                    "eks.amazonaws.com",
                    "CreatePodIdentityAssociation"
                    | "UpdatePodIdentityAssociation"
                    | "DeletePodIdentityAssociation"
                    | "CreateAddon"
                    | "UpdateAddon"
                    | "DeleteAddon"
                    | "DeleteCluster",
                ) => _ = associations.changed.insert(&signature.account),
                ("eks-auth.amazonaws.com", "AssumeRoleForPodIdentity") => {
                    let of_account = associations.clusters.entry(&signature.account).or_default();
                    of_account.extend(row.resources.iter().map(String::as_str));
                }
                _ => {}
            }
        }
        associations
    }

    /// The service account that alone gets a role, as far as this archive can be read by today's associations.
    pub(super) fn only(&self, role: &str) -> Option<Associated> {
        let [one] = self.by_role.get(role).filter(|_| !role.is_empty())?[..] else {
            return None;
        };
        let (account, region) = (one.place.0.as_str(), one.place.1.as_str());
        let is_older = one.changed.is_some_and(|changed| changed.as_second() < self.start);
        if account.is_empty() || !is_older || self.changed.contains(account) || self.eks?.knows_less_of(account) {
            return None;
        }
        // The role of a target is the first one's to take, and a pod that was handed that one takes it as it likes.
        if one.role != role {
            return None;
        }
        let given = |arn: &'t str| {
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            let [_, _, "eks", region, account, resource] = parts[..] else {
                return None;
            };
            let name = resource.strip_prefix("cluster/")?;
            self.given
                .contains(&(account, region, name))
                .then_some((account, region, name))
        };
        let seen: Option<BTreeSet<_>> = self.clusters.get(account)?.iter().map(|arn| given(arn)).collect();
        seen?
            .contains(&(account, region, one.cluster.as_str()))
            .then(|| Associated {
                pod: Workload {
                    kind: WorkloadKind::PodIdentity,
                    cluster: Some(one.cluster.clone()),
                    namespace: Some(one.namespace.clone()),
                    name: one.service_account.clone(),
                },
                without_tags: one.no_session_tags,
            })
    }
}
