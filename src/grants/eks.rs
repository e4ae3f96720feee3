//! What Amazon EKS says of its clusters: who they are, which service account has which role, and who may use their
//! Kubernetes API (Amazon EKS API reference: DescribeCluster, PodIdentityAssociation, AccessEntry).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::supplements::moment;
use crate::attribute::cluster_of;
use crate::coverage::member;

/// What `--eks` names.
pub(super) const EKS: &str = "output of `aws eks describe-cluster`, or of list- or describe- of pod identity associations \
                              or access entries";

/// Clusters, associations and access entries.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Eks {
    /// By ARN.
    pub clusters: BTreeMap<String, Cluster>,
    /// By ARN, or by cluster and id where the output has none.
    pub associations: BTreeMap<String, Association>,
    /// By cluster and principal; the cluster is empty where only `list-access-entries` tells of it.
    pub access_entries: BTreeMap<(String, String), AccessEntry>,
    /// Clusters whose associations were all listed, as far as a list shows that: account, region and name.
    pub listed: BTreeSet<(String, String, String)>,
    /// Clusters of which a list shows a part.
    pub parts: BTreeMap<(String, String, String), Part>,
    /// Names that `list-clusters` prints, of whatever account and region.
    pub named: BTreeSet<String>,
}

/// Why a list of associations may not be all of a cluster's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// It may have been asked for of one namespace, or of one service account's name: it shows no other one.
    Filtered,
    /// It was cut off, so that what else is given may be another part.
    Cut,
}

/// A cluster.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cluster {
    /// Its name, unique in an account and region.
    pub name: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The id in the URL of its OpenID Connect issuer; empty where the output has none.
    pub issuer: String,
}

/// A service account that gets a role by EKS Pod Identity.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Association {
    /// The account and the region of the cluster; empty where the output has no ARN.
    pub place: (String, String),
    /// The cluster's name.
    pub cluster: String,
    /// The Kubernetes namespace.
    pub namespace: String,
    /// The service account.
    pub service_account: String,
    /// Its id.
    pub id: String,
    /// The role; empty where only `list-pod-identity-associations` tells of it, which names none.
    pub role: String,
    /// The role that the first one's credentials assume, where there is one.
    pub target_role: Option<String>,
    /// Whether sessions carry no tags, so that a trail cannot tell the pods apart.
    pub no_session_tags: bool,
    /// Whether it narrows the role by a session policy of its own.
    pub has_policy: bool,
    /// When it was made or last changed, where that is told.
    pub changed: Option<Timestamp>,
}

/// A role or user that may use a cluster's Kubernetes API.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccessEntry {
    /// `STANDARD`, `EC2_LINUX`, `FARGATE_LINUX`, …; empty where it is not told.
    pub kind: String,
    /// The Kubernetes user that it becomes.
    pub username: String,
    /// The Kubernetes groups that it is in.
    pub groups: Vec<String>,
}

impl Eks {
    /// Reads what one command printed.
    ///
    /// # Errors
    /// Why it is nothing of the kind.
    pub(super) fn read(&mut self, value: &Value) -> Result<(), String> {
        let list = |key: &str| member(value, key).and_then(Value::as_array);
        let mut is_known = false;
        if let Some(cluster) = member(value, "cluster").filter(|cluster| cluster.is_object()) {
            is_known = true;
            self.add_cluster(cluster)?;
        }
        let one = member(value, "association").into_iter();
        for association in one.chain(list("associations").into_iter().flatten()) {
            is_known = true;
            self.add_association(association)?;
        }
        if let Some(associations) = list("associations") {
            // A list that was cut off says so (EKS API reference, ListPodIdentityAssociations; the AWS CLI writes `NextToken`).
            let mut tokens = ["nextToken", "NextToken"].iter();
            self.add_list(associations, tokens.any(|key| !text(value, key).is_empty()));
        }
        let clusters = list("clusters").into_iter().flatten();
        self.named.extend(clusters.filter_map(Value::as_str).map(str::to_owned));
        if let Some(entry) = member(value, "accessEntry") {
            is_known = true;
            self.add_access_entry(entry)?;
        }
        for arn in list("accessEntries").into_iter().flatten() {
            is_known = true;
            let arn = arn.as_str().ok_or("an entry of accessEntries is no ARN")?;
            // The list does not say of which cluster; a description of the same principal says more.
            if !self.access_entries.keys().any(|(_, principal)| principal == arn) {
                self.access_entries
                    .insert((String::new(), arn.to_owned()), AccessEntry::default());
            }
        }
        // An empty list is an answer as well, and so are the names that `list-clusters` prints.
        let is_empty_list = ["associations", "accessEntries", "clusters"]
            .iter()
            .any(|key| list(key).is_some());
        if is_known || is_empty_list {
            Ok(())
        } else {
            Err("no cluster, association or access entry is in it".to_owned())
        }
    }

    /// Notes of which clusters a list has all associations. One that asks for a namespace or a service account alone looks
    /// like any other, but has no other one in it.
    fn add_list(&mut self, associations: &[Value], is_cut: bool) {
        let mut clusters: BTreeMap<(String, String, String), [BTreeSet<String>; 2]> = BTreeMap::new();
        for association in associations {
            let (account, region) = place(&text(association, "associationArn"));
            if !account.is_empty() {
                let cluster = (account, region, text(association, "clusterName"));
                let [namespaces, accounts] = clusters.entry(cluster).or_default();
                namespaces.insert(text(association, "namespace"));
                accounts.insert(text(association, "serviceAccount"));
            }
        }
        for (cluster, told) in clusters {
            let is_filtered = told.iter().any(|names| names.len() < 2);
            if !is_cut && !is_filtered {
                self.listed.insert(cluster);
                continue;
            }
            let part = if is_cut { Part::Cut } else { Part::Filtered };
            let known = self.parts.entry(cluster).or_insert(part);
            *known = part.max(*known);
        }
    }

    fn add_cluster(&mut self, cluster: &Value) -> Result<(), String> {
        let arn = text(cluster, "arn");
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, _, "eks", region, account, resource] = parts[..] else {
            return Err("a cluster has no ARN".to_owned());
        };
        let issuer = member(cluster, "identity")
            .and_then(|identity| member(identity, "oidc"))
            .map(|oidc| text(oidc, "issuer"))
            .unwrap_or_default();
        let name = resource.strip_prefix("cluster/").unwrap_or(resource);
        self.clusters.insert(
            arn.clone(),
            Cluster {
                name: name.to_owned(),
                region: region.to_owned(),
                account: account.to_owned(),
                issuer: cluster_of(&issuer).unwrap_or_default().to_owned(),
            },
        );
        Ok(())
    }

    fn add_association(&mut self, value: &Value) -> Result<(), String> {
        let arn = text(value, "associationArn");
        let new = Association {
            place: place(&arn),
            changed: last(value, ["createdAt", "modifiedAt"]),
            cluster: text(value, "clusterName"),
            namespace: text(value, "namespace"),
            service_account: text(value, "serviceAccount"),
            id: text(value, "associationId"),
            role: text(value, "roleArn"),
            target_role: Some(text(value, "targetRoleArn")).filter(|arn| !arn.is_empty()),
            no_session_tags: member(value, "disableSessionTags").and_then(Value::as_bool) == Some(true),
            has_policy: !text(value, "policy").is_empty(),
        };
        if new.namespace.is_empty() || new.service_account.is_empty() {
            return Err("an association names no namespace and service account".to_owned());
        }
        let key = if arn.is_empty() {
            format!("{}/{}/{}/{}", new.cluster, new.id, new.namespace, new.service_account)
        } else {
            arn
        };
        // The list tells less than the description, in whatever order they come.
        let known = self.associations.entry(key).or_default();
        if known.role.is_empty() || !new.role.is_empty() {
            *known = new;
        }
        Ok(())
    }

    /// An association as `grants -o` keeps it; snapshots of before tell neither its id and dates nor of tags and policy.
    pub(super) fn add_of_snapshot(&mut self, account: &str, value: &Value) {
        let association = Association {
            place: (account.to_owned(), text(value, "region")),
            cluster: text(value, "cluster"),
            namespace: text(value, "namespace"),
            service_account: text(value, "service_account"),
            role: text(value, "role_arn"),
            target_role: Some(text(value, "target_role_arn")).filter(|arn| !arn.is_empty()),
            id: text(value, "association_id"),
            no_session_tags: member(value, "disable_session_tags").and_then(Value::as_bool) == Some(true),
            has_policy: !text(value, "policy").is_empty(),
            changed: last(value, ["created_at", "modified_at"]),
        };
        // A snapshot holds all associations of the clusters that it holds some of.
        let cluster = association.cluster.clone();
        self.listed.insert((account.to_owned(), text(value, "region"), cluster));
        let place = [account, &text(value, "region"), &association.cluster].join("/");
        let whose = format!("{place}/{}/{}", association.namespace, association.service_account);
        self.associations.insert(whose, association);
    }

    fn add_access_entry(&mut self, value: &Value) -> Result<(), String> {
        let (cluster, principal) = (text(value, "clusterName"), text(value, "principalArn"));
        if principal.is_empty() {
            return Err("an access entry names no principalArn".to_owned());
        }
        let groups = member(value, "kubernetesGroups").and_then(Value::as_array);
        let groups = groups.into_iter().flatten().filter_map(Value::as_str);
        let entry = AccessEntry {
            kind: text(value, "type"),
            username: text(value, "username"),
            groups: groups.map(str::to_owned).collect(),
        };
        self.access_entries.remove(&(String::new(), principal.clone()));
        self.access_entries.insert((cluster, principal), entry);
        Ok(())
    }

    /// Both; where both tell of one thing, `other` counts.
    pub(super) fn extend(&mut self, other: Eks) {
        self.clusters.extend(other.clusters);
        // One service account of a cluster has one association at most; a snapshot tells no ARN of it.
        let whose = |one: &Association| {
            let place = (one.place.clone(), one.cluster.clone());
            (place, one.namespace.clone(), one.service_account.clone())
        };
        let theirs: BTreeSet<_> = other.associations.values().map(whose).collect();
        self.associations.retain(|_, mine| !theirs.contains(&whose(mine)));
        self.associations.extend(other.associations);
        self.access_entries.extend(other.access_entries);
        self.listed.extend(other.listed);
        for (cluster, part) in other.parts {
            let known = self.parts.entry(cluster).or_insert(part);
            *known = part.max(*known);
        }
        self.named.extend(other.named);
    }

    /// Whether all associations of a cluster are known, and which role each gives.
    pub fn knows_all_of(&self, (account, region, name): (&str, &str, &str)) -> bool {
        let place = (account.to_owned(), region.to_owned());
        let mut of_cluster = self
            .associations
            .values()
            .filter(|one| one.place == place && one.cluster == name);
        let cluster = (account.to_owned(), region.to_owned(), name.to_owned());
        self.is_whole(&cluster) && of_cluster.all(|one| !one.role.is_empty())
    }

    fn is_whole(&self, cluster: &(String, String, String)) -> bool {
        self.listed.contains(cluster) && self.parts.get(cluster) != Some(&Part::Cut)
    }

    /// Clusters, by name, whose lists are parts.
    pub fn partly_listed(&self) -> impl Iterator<Item = (&str, Part)> {
        let parts = self.parts.iter().filter(|(cluster, _)| !self.is_whole(cluster));
        parts.map(|((_, _, name), part)| (name.as_str(), *part))
    }

    /// Clusters of an account, and of none that is told: account, region and name.
    pub fn clusters_in(&self, account: &str) -> impl Iterator<Item = (&str, &str, &str)> {
        let described = self.clusters.values();
        let described = described.map(|one| (one.account.as_str(), one.region.as_str(), one.name.as_str()));
        let associated = self.associations.values();
        let associated = associated.map(|one| (one.place.0.as_str(), one.place.1.as_str(), one.cluster.as_str()));
        described
            .chain(associated)
            .filter(move |(of, ..)| of.is_empty() || *of == account)
    }

    /// The names of clusters that may be an account's.
    pub fn names_in(&self, account: &str) -> impl Iterator<Item = &str> {
        let named = self.named.iter().map(String::as_str);
        self.clusters_in(account).map(|(_, _, name)| name).chain(named)
    }

    /// Whether an account may have a cluster of which not all associations are known.
    pub fn knows_less_of(&self, account: &str) -> bool {
        let is_listed = |name: &String| self.listed.iter().any(|(_, _, listed)| listed == name);
        self.clusters_in(account).any(|cluster| !self.knows_all_of(cluster)) || !self.named.iter().all(is_listed)
    }

    /// A cluster's plain name, as EKS's own API takes it.
    pub fn plain_name<'s>(&'s self, id_or_name: &'s str) -> &'s str {
        match self.cluster(id_or_name) {
            Some(cluster) => &cluster.name,
            // Of several of one name each is called `NAME (ACCOUNT, REGION)`; a name has no blank.
            None => id_or_name.split(' ').next().unwrap_or(id_or_name),
        }
    }

    /// The cluster with this id in its issuer's URL, or else the one that is called so.
    pub fn cluster(&self, id_or_name: &str) -> Option<&Cluster> {
        let mut clusters = self.clusters.values();
        if let Some(by_issuer) = clusters.find(|cluster| !id_or_name.is_empty() && cluster.issuer == id_or_name) {
            return Some(by_issuer);
        }
        let named = self
            .clusters
            .values()
            .filter(|cluster| id_or_name.starts_with(&cluster.name));
        let mut called = named.filter(|cluster| self.called(cluster) == id_or_name);
        let first = called.next()?;
        called.all(|other| other == first).then_some(first)
    }

    /// A cluster as people call it: by its name, with its region where several bear that name; else by what is known.
    pub fn name_of(&self, id_or_name: &str) -> String {
        match self.cluster(id_or_name) {
            Some(cluster) => self.called(cluster),
            None => id_or_name.to_owned(),
        }
    }

    fn called(&self, cluster: &Cluster) -> String {
        // An association of a cluster that nobody described shows another one of that name.
        let described = self.clusters.values().filter(|other| other.name == cluster.name);
        let described = described.map(|other| (other.account.as_str(), other.region.as_str()));
        let associated = self.associations.values().filter(|one| one.cluster == cluster.name);
        let associated = associated.map(|one| (one.place.0.as_str(), one.place.1.as_str()));
        let associated = associated.filter(|(account, _)| !account.is_empty());
        let places: BTreeSet<(&str, &str)> = described.chain(associated).collect();
        if places.len() > 1 {
            format!("{} ({}, {})", cluster.name, cluster.account, cluster.region)
        } else {
            cluster.name.clone()
        }
    }

    /// The associations that give a role to a service account, as the first role or as the target.
    pub fn associations_of(&self, role: &str) -> impl Iterator<Item = &Association> {
        let is_it = move |association: &&Association| {
            association.role == role || association.target_role.as_deref() == Some(role)
        };
        self.associations.values().filter(is_it)
    }

    /// The kind of access entry by which a role is a node's: AWS makes one of these for whatever nodes bear
    /// (EKS user guide, "Create access entries").
    pub fn node_entry(&self, role: &str) -> Option<&str> {
        let of_role = self
            .access_entries
            .iter()
            .filter(|((_, principal), _)| principal == role);
        let mut kinds = of_role.map(|(_, entry)| entry.kind.as_str());
        kinds.find(|kind| matches!(*kind, "EC2" | "EC2_LINUX" | "EC2_WINDOWS" | "HYBRID_LINUX"))
    }
}

/// The account and the region of an ARN; empty where there is none.
fn place(arn: &str) -> (String, String) {
    let mut parts = arn.split(':').skip(3).map(str::to_owned);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (account, region)
}

/// The last of some moments.
fn last(value: &Value, keys: [&str; 2]) -> Option<Timestamp> {
    keys.into_iter().filter_map(|key| moment(member(value, key)?)).max()
}

fn text(value: &Value, key: &str) -> String {
    member(value, key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests;
