//! EKS clusters as roles see them: namespace by namespace, service account by service account.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Entry, InventoryInputs};
use crate::grants::{Part, ServiceAccount};

/// A cluster.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct ClusterEntry {
    /// Its name where it is known, else the id of its issuer; empty where neither is.
    pub cluster: String,
    /// The id of its OpenID Connect issuer, where that is known.
    pub issuer: Option<String>,
    /// Its namespaces; one whose name is not told is `*`.
    pub namespaces: Vec<NamespaceEntry>,
    /// Who may use its Kubernetes API, as `--eks` says.
    pub access: Vec<KubernetesAccess>,
}

/// A namespace.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct NamespaceEntry {
    /// Its name.
    pub namespace: String,
    /// Its service accounts that have a role.
    pub service_accounts: Vec<ServiceAccountEntry>,
}

/// A service account.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct ServiceAccountEntry {
    /// Its name; `*` for any.
    pub service_account: String,
    /// The roles that it can take, or took.
    pub roles: Vec<RoleOfAccount>,
}

/// A role of a service account.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct RoleOfAccount {
    /// The role's ARN.
    pub arn: String,
    /// `irsa` or `pod_identity`, each once.
    pub by: Vec<String>,
    /// How that is known: `trust`, `association`, `manifest`, `seen`.
    pub known: Vec<String>,
    /// Calls that it made as this role.
    pub calls: u64,
}

/// A principal that may use a cluster's Kubernetes API.
#[derive(Clone, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct KubernetesAccess {
    /// The role or user.
    pub arn: String,
    /// `STANDARD`, `EC2_LINUX`, …; empty where it is not told.
    pub kind: String,
    /// The Kubernetes user that it becomes.
    pub username: String,
    /// Its Kubernetes groups.
    pub groups: Vec<String>,
}

#[derive(Default)]
struct Known {
    by: BTreeSet<String>,
    known: BTreeSet<String>,
    calls: u64,
}

/// Cluster → namespace → service account → role.
type Tree = BTreeMap<String, BTreeMap<String, BTreeMap<String, BTreeMap<String, Known>>>>;

/// The clusters of all that is shown.
pub(super) fn clusters(inputs: &InventoryInputs<'_>, principals: &[Entry]) -> Vec<ClusterEntry> {
    let eks = &inputs.grants.supplements.eks;
    let mut tree = Tree::new();
    let mut issuers: BTreeMap<String, String> = BTreeMap::new();
    for principal in principals {
        for way in &principal.taken_by {
            // A role for any pod that an association gives it to is nobody's yet.
            let is_open = way.kind == "pod_identity" && way.service_account.is_none() && way.namespace.is_none();
            if !matches!(way.kind.as_str(), "irsa" | "pod_identity") || is_open {
                continue;
            }
            let cluster = way.cluster.clone().unwrap_or_default();
            if let Some(id) = crate::attribute::cluster_of(&way.who) {
                issuers.insert(cluster.clone(), id.to_owned());
            }
            let known = place(
                &mut tree,
                &cluster,
                (&way.namespace, way.service_account.as_deref()),
                principal,
            );
            known.by.insert(way.kind.clone());
            known.known.insert(way.from.clone());
        }
        for workload in &principal.workloads {
            let by = match workload.kind.as_str() {
                "service_account" => "irsa",
                "pod_identity" => "pod_identity",
                _ => continue,
            };
            let cluster = workload
                .cluster
                .as_deref()
                .map(|id| eks.name_of(id))
                .unwrap_or_default();
            let known = place(
                &mut tree,
                &cluster,
                (&workload.namespace, Some(&workload.name)),
                principal,
            );
            known.by.insert(by.to_owned());
            // What today's trust policy or association alone tells is not seen.
            let how = match workload.known.as_str() {
                guess @ ("trust" | "association") => guess,
                _ => "seen",
            };
            known.known.insert(how.to_owned());
            known.calls += workload.calls;
        }
    }
    for principal in principals {
        for one in inputs.grants.supplements.manifests.of_role(&principal.arn) {
            annotated(&mut tree, principal, one);
        }
    }
    let mut access: BTreeMap<String, Vec<KubernetesAccess>> = BTreeMap::new();
    let shown: BTreeSet<&str> = principals.iter().map(|principal| principal.arn.as_str()).collect();
    for ((cluster, arn), entry) in &eks.access_entries {
        if shown.contains(arn.as_str()) {
            access.entry(eks.name_of(cluster)).or_default().push(KubernetesAccess {
                arn: arn.clone(),
                kind: entry.kind.clone(),
                username: entry.username.clone(),
                groups: entry.groups.clone(),
            });
        }
    }
    for cluster in eks.clusters.values() {
        let id = if cluster.issuer.is_empty() {
            &cluster.name
        } else {
            &cluster.issuer
        };
        let name = eks.name_of(id);
        if !cluster.issuer.is_empty() {
            issuers.insert(name.clone(), cluster.issuer.clone());
        }
        tree.entry(name).or_default();
    }
    for cluster in access.keys() {
        tree.entry(cluster.clone()).or_default();
    }
    tree.into_iter()
        .map(|(cluster, namespaces)| ClusterEntry {
            issuer: issuers.remove(&cluster),
            access: access.remove(&cluster).unwrap_or_default(),
            namespaces: namespaces.into_iter().map(namespace).collect(),
            cluster,
        })
        .collect()
}

/// Notes a service account of a manifest, which does not say of which cluster it is: where its role is known of it, else of
/// a cluster that nobody can name.
fn annotated(tree: &mut Tree, principal: &Entry, one: &ServiceAccount) {
    let mut is_known = false;
    for (namespace, accounts) in tree.values_mut().flatten() {
        for (name, roles) in accounts.iter_mut().filter(|(name, _)| one.may_be(namespace, name)) {
            if let Some(known) = roles.get_mut(&principal.arn).filter(|_| name != "*") {
                known.known.insert("manifest".to_owned());
                is_known = true;
            }
        }
    }
    if !is_known {
        let known = place(tree, "", (&one.namespace, one.name.as_deref()), principal);
        known.by.insert("irsa".to_owned());
        known.known.insert("manifest".to_owned());
    }
}

fn place<'t>(
    tree: &'t mut Tree,
    cluster: &str,
    (namespace, account): (&Option<String>, Option<&str>),
    principal: &Entry,
) -> &'t mut Known {
    let namespaces = tree.entry(cluster.to_owned()).or_default();
    let namespace = namespace.clone().unwrap_or_else(|| "*".to_owned());
    let accounts = namespaces.entry(namespace).or_default();
    let roles = accounts.entry(account.unwrap_or("*").to_owned()).or_default();
    roles.entry(principal.arn.clone()).or_default()
}

fn namespace((namespace, accounts): (String, BTreeMap<String, BTreeMap<String, Known>>)) -> NamespaceEntry {
    let service_accounts = accounts
        .into_iter()
        .map(|(service_account, roles)| ServiceAccountEntry {
            service_account,
            roles: roles
                .into_iter()
                .map(|(arn, known)| RoleOfAccount {
                    arn,
                    by: known.by.into_iter().collect(),
                    known: known.known.into_iter().collect(),
                    calls: known.calls,
                })
                .collect(),
        });
    NamespaceEntry {
        namespace,
        service_accounts: service_accounts.collect(),
    }
}

/// What of EKS's answers finds nobody in the grants, or says too little.
pub(super) fn notes(inputs: &InventoryInputs<'_>) -> Vec<String> {
    let eks = &inputs.grants.supplements.eks;
    let known: BTreeSet<&str> = inputs.grants.principals.iter().map(|one| one.arn.as_str()).collect();
    let mut notes = Vec::new();
    for association in eks.associations.values() {
        let whose = format!(
            "association of {}/{} in cluster {}",
            association.namespace,
            association.service_account,
            eks.name_of(&association.cluster)
        );
        if association.role.is_empty() {
            notes.push(format!(
                "{whose}: its role is not told; describe-pod-identity-association names it"
            ));
        } else if !known.contains(association.role.as_str()) {
            notes.push(format!("{whose}: {} is not in the grants", association.role));
        }
    }
    for (cluster, part) in eks.partly_listed() {
        let why = match part {
            Part::Cut => "a list was cut off",
            Part::Filtered => "its list shows one namespace or one service account's name alone, as a part of it would",
        };
        notes.push(format!(
            "associations of cluster {cluster}: {why}; they name nobody by being the only ones"
        ));
    }
    for (cluster, arn) in eks.access_entries.keys() {
        if !known.contains(arn.as_str()) {
            let of = match cluster.as_str() {
                "" => String::new(),
                name => format!(" of cluster {}", eks.name_of(name)),
            };
            notes.push(format!("access entry{of}: {arn} is not in the grants"));
        }
    }
    let manifests = &inputs.grants.supplements.manifests;
    for one in manifests
        .accounts
        .iter()
        .filter(|one| !known.contains(one.role.as_str()))
    {
        notes.push(format!(
            "{} annotates {}: {} is not in the grants",
            one.place,
            one.label(),
            one.role
        ));
    }
    for (place, why) in &manifests.skipped {
        notes.push(format!("{place} is left out: {why}"));
    }
    notes
}
