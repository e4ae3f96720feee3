//! Who takes whom as one graph: what the engine allows, what trust policies say of everybody else, and what was seen.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Workload;
use super::Way;
use crate::analysis::Archive;
use crate::grants::{Grants, PrincipalIndex};
use crate::hygiene::{Hierarchy, Takes, takers};

/// Most chains that are listed.
const CHAINS: usize = 200;
/// Most roles of one chain.
const LONG: usize = 8;
/// Most steps that are tried for chains.
const TRIED: usize = 100_000;

/// Who can take whom, and who did.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RoleGraph {
    /// Roles, users and whoever else comes in, each once.
    pub nodes: Vec<Node>,
    /// One for each pair and way.
    pub edges: Vec<Edge>,
    /// Ways over two roles and more, each from somebody whom nobody takes; at most 200.
    pub chains: Vec<Chain>,
    /// Roles that take each other in a circle.
    pub circles: Vec<Vec<String>>,
    /// Ways that are left out, where only the most telling are listed.
    #[serde(default)]
    pub left_out: u64,
}

impl RoleGraph {
    /// The most telling ways: between roles and users, then those that anybody or another account has, then those that
    /// were seen most; and who stands at their ends.
    pub(in crate::report) fn most_telling(mut self, most: usize) -> RoleGraph {
        let all = self.edges.len();
        self.edges.sort_by_cached_key(|edge| {
            let kind = match edge.kind.as_str() {
                "assume_role" => 0,
                "anyone" | "account" | "principal" => 1,
                _ => 2,
            };
            (
                kind,
                Reverse(edge.seen),
                edge.from.clone(),
                edge.to.clone(),
                edge.kind.clone(),
            )
        });
        self.edges.truncate(most);
        self.edges
            .sort_by(|a, b| (&a.from, &a.to, &a.kind).cmp(&(&b.from, &b.to, &b.kind)));
        let ends = self
            .edges
            .iter()
            .flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]);
        let ends: BTreeSet<&str> = ends.collect();
        self.nodes.retain(|node| ends.contains(node.id.as_str()));
        self.left_out = (all - self.edges.len()) as u64;
        self
    }
}

/// Somebody or something in the graph.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// The ARN of a role or user; for others the kind and the name.
    pub id: String,
    /// `role` or `user`; else the kind of a way in, see there.
    pub kind: String,
    /// For people.
    pub label: String,
    /// The account; empty where there is none.
    pub account: String,
    /// The EKS cluster of a pod, where it is known.
    pub cluster: Option<String>,
    /// Whether it has a sure way to everything; asked of those that are granted `*` and those that can be taken by roles and
    /// users.
    pub administrator: bool,
}

/// A way from one to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// The node that takes.
    pub from: String,
    /// The role that is taken.
    pub to: String,
    /// `assume_role` between roles and users; else the kind of the way in.
    pub kind: String,
    /// `yes`, `unknown` (conditions decide) or `no` (it was seen, and today's policies do not allow it).
    pub allowed: String,
    /// What else must hold.
    pub conditions: Vec<String>,
    /// How often that was seen: roles taken; of workloads their calls as the role.
    pub seen: u64,
    /// Whether it crosses from one account into another.
    pub across_accounts: bool,
}

/// A way over several roles.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Chain {
    /// ARNs, from who acts to the last role.
    pub arns: Vec<String>,
    /// Whether the last role has a sure way to everything.
    pub administrator: bool,
    /// Whether conditions decide on one of its steps.
    pub conditional: bool,
    /// Whether it crosses from one account into another.
    pub across_accounts: bool,
}

/// What a graph is made of.
pub(in crate::report) struct GraphInputs<'a> {
    /// What the logs say.
    pub archive: &'a Archive<'a>,
    /// What is granted, and what EKS says of its clusters.
    pub grants: &'a Grants,
    /// Who can take whom.
    pub hierarchy: &'a Hierarchy,
    /// Roles and users that are shown.
    pub shown: &'a [Shown<'a>],
}

/// A role or user that is shown.
pub(in crate::report) struct Shown<'a> {
    /// Its place in the grants.
    pub index: PrincipalIndex,
    /// Who can take it.
    pub taken_by: Cow<'a, [Way]>,
    /// Who did.
    pub workloads: &'a [Workload],
}

/// Puts a graph together.
struct Draft<'a> {
    inputs: &'a GraphInputs<'a>,
    /// Accounts whose grants are known.
    accounts: BTreeSet<&'a str>,
    nodes: BTreeMap<String, Node>,
    edges: BTreeMap<(String, String, String), Edge>,
}

/// The graph of all that is shown: whoever takes one of those is a node too.
pub(in crate::report) fn graph(inputs: &GraphInputs<'_>) -> RoleGraph {
    let takes = &inputs.hierarchy.takes;
    let mut draft = Draft {
        inputs,
        accounts: inputs
            .grants
            .principals
            .iter()
            .map(|one| one.account.as_str())
            .collect(),
        nodes: BTreeMap::new(),
        edges: BTreeMap::new(),
    };
    let is_shown: BTreeSet<PrincipalIndex> = inputs.shown.iter().map(|one| one.index).collect();
    for take in &takes.all {
        if is_shown.contains(&take.role) || is_shown.contains(&take.by) {
            let [from, to] = [take.by, take.role].map(|index| draft.principal(index));
            let conditions: Vec<String> = take.under.iter().cloned().collect();
            let edge = draft.edge(from, to, "assume_role", allowed(&conditions));
            edge.conditions = conditions;
        }
    }
    draft.seen(&is_shown);
    for one in inputs.shown {
        for way in &*one.taken_by {
            draft.way(one.index, way);
        }
        draft.workloads(one);
    }
    for index in &inputs.hierarchy.strong {
        if let Some(node) = draft.nodes.get_mut(&inputs.grants.principals[*index].arn) {
            node.administrator = true;
        }
    }
    let arn = |index: &PrincipalIndex| inputs.grants.principals[*index].arn.clone();
    let circles = takes.circles().into_iter();
    let circles = circles.filter(|circle| circle.iter().any(|role| is_shown.contains(role)));
    RoleGraph {
        chains: chains(inputs.grants, takes, &is_shown),
        left_out: 0,
        circles: circles.map(|circle| circle.iter().map(arn).collect()).collect(),
        nodes: draft.nodes.into_values().collect(),
        edges: draft.edges.into_values().collect(),
    }
}

fn allowed(conditions: &[String]) -> &'static str {
    if conditions.is_empty() { "yes" } else { "unknown" }
}

impl Draft<'_> {
    /// The node of a role or user.
    fn principal(&mut self, index: PrincipalIndex) -> String {
        let principal = &self.inputs.grants.principals[index];
        self.nodes.entry(principal.arn.clone()).or_insert_with(|| Node {
            id: principal.arn.clone(),
            kind: principal.kind.name().to_owned(),
            label: principal.name.clone(),
            account: principal.account.clone(),
            cluster: None,
            administrator: false,
        });
        principal.arn.clone()
    }

    /// The node of somebody whom the grants do not hold.
    fn outsider(&mut self, kind: &str, who: &str, label: String, account: &str, cluster: Option<String>) -> String {
        let id = format!("{kind}:{who}");
        self.nodes.entry(id.clone()).or_insert_with(|| Node {
            id: id.clone(),
            kind: kind.to_owned(),
            label,
            account: account.to_owned(),
            cluster,
            administrator: false,
        });
        id
    }

    /// The edge from one to another; it is made where there is none.
    fn edge(&mut self, from: String, to: String, kind: &str, allowed: &str) -> &mut Edge {
        let (origin, target) = (&self.nodes[&from].account, &self.nodes[&to].account);
        let across_accounts = !origin.is_empty() && origin != target;
        let key = (from.clone(), to.clone(), kind.to_owned());
        self.edges.entry(key).or_insert_with(|| Edge {
            from,
            to,
            kind: kind.to_owned(),
            allowed: allowed.to_owned(),
            conditions: Vec::new(),
            seen: 0,
            across_accounts,
        })
    }

    /// Who took a role by sts:AssumeRole.
    fn seen(&mut self, is_shown: &BTreeSet<PrincipalIndex>) {
        let (table, grants) = (self.inputs.archive.table, self.inputs.grants);
        let by_arn: BTreeMap<&str, PrincipalIndex> = grants
            .principals
            .iter()
            .enumerate()
            .map(|(index, one)| (one.arn.as_str(), index))
            .collect();
        for ((role, who), calls) in takers(table, grants) {
            let known = by_arn.get(who).copied();
            if !is_shown.contains(&role) && known.is_none_or(|by| !is_shown.contains(&by)) {
                continue;
            }
            let from = match known {
                Some(by) if by == role => continue,
                Some(by) => self.principal(by),
                // A service's call bears its name; of a stranger the account alone is known.
                None if who.is_empty() => continue,
                None if who.ends_with(".amazonaws.com") => continue,
                None if who.starts_with("arn:") => {
                    let account = who.split(':').nth(4).unwrap_or("").to_owned();
                    let label = who.splitn(6, ':').nth(5).unwrap_or(who).to_owned();
                    self.outsider("principal", who, label, &account, None)
                }
                None => self.outsider("account", who, format!("account {who}"), who, None),
            };
            let to = self.principal(role);
            let kind = if known.is_some() {
                "assume_role"
            } else if who.starts_with("arn:") {
                "principal"
            } else {
                "account"
            };
            self.edge(from, to, kind, "no").seen += calls;
        }
    }

    /// A way in that a trust policy or an association says.
    fn way(&mut self, index: PrincipalIndex, way: &Way) {
        let is_known = |account: &str| self.accounts.contains(account);
        let of_arn = |who: &str| who.split(':').nth(4).unwrap_or("").to_owned();
        let from = match way.kind.as_str() {
            // Whoever holds the credentials is the user itself.
            "password" | "access_key" | "credentials" | "unreadable" => return,
            // Of what the grants hold the engine spoke already.
            "account" if is_known(&way.who) => return,
            "principal" if is_known(&of_arn(&way.who)) => return,
            "account" => self.outsider("account", &way.who, format!("account {}", way.who), &way.who, None),
            "principal" => {
                let label = way.who.splitn(6, ':').nth(5).unwrap_or(&way.who).to_owned();
                self.outsider("principal", &way.who, label, &of_arn(&way.who), None)
            }
            "anyone" => self.outsider("anyone", "*", "anyone".to_owned(), "", None),
            kind @ ("ec2" | "lambda" | "ecs" | "service") => self.outsider(kind, &way.who, way.who.clone(), "", None),
            "irsa" | "pod_identity" => {
                let (namespace, name) = (way.namespace.as_deref(), way.service_account.as_deref());
                self.pod(&way.kind, way.cluster.as_deref(), namespace, name, &way.says)
            }
            kind => self.outsider(kind, &way.says, way.says.clone(), "", None),
        };
        let to = self.principal(index);
        // An outsider's edge may be there already, since it was seen.
        let edge = self.edge(from, to, &way.kind, "no");
        edge.allowed = match edge.allowed.as_str() {
            "yes" => "yes".to_owned(),
            _ => allowed(&way.conditions).to_owned(),
        };
        edge.conditions.extend(way.conditions.iter().cloned());
        edge.conditions.sort();
        edge.conditions.dedup();
    }

    /// A pod: one node for its service account in its cluster, however it comes in.
    fn pod(
        &mut self,
        kind: &str,
        cluster: Option<&str>,
        namespace: Option<&str>,
        name: Option<&str>,
        says: &str,
    ) -> String {
        let label = match (namespace, name) {
            (None, None) => says.to_owned(),
            (namespace, name) => format!("{}/{}", namespace.unwrap_or("*"), name.unwrap_or("*")),
        };
        let who = format!("{}/{label}", cluster.unwrap_or_default());
        self.outsider(kind, &who, label, "", cluster.map(str::to_owned))
    }

    /// Whoever was seen as the role and came in by a service or a provider.
    fn workloads(&mut self, entry: &Shown<'_>) {
        let eks = &self.inputs.grants.supplements.eks;
        for workload in entry.workloads {
            let kind = match workload.kind.as_str() {
                "service_account" => "irsa",
                kind @ ("pod_identity" | "ec2" | "lambda" | "ecs" | "web_identity") => kind,
                // Callers stand in the graph by name; of others the events tell too little.
                _ => continue,
            };
            let to = self.principal(entry.index);
            let from = match kind {
                "irsa" | "pod_identity" => {
                    let cluster = workload.cluster.as_deref().map(|id| eks.name_of(id));
                    let (namespace, name) = (workload.namespace.as_deref(), Some(workload.name.as_str()));
                    self.pod(kind, cluster.as_deref(), namespace, name, "")
                }
                "web_identity" => {
                    let mut said = entry.taken_by.iter().filter(|way| way.kind == kind);
                    let way = said.find(|way| way.says.starts_with(&format!("{} of ", workload.name)));
                    let label = way.map_or_else(|| workload.name.clone(), |way| way.says.clone());
                    self.outsider(kind, &label, label.clone(), "", None)
                }
                kind => match entry.taken_by.iter().find(|way| way.kind == kind) {
                    Some(way) => format!("{kind}:{}", way.who),
                    None => self.outsider(kind, kind, kind.to_owned(), "", None),
                },
            };
            // An association gives a role that the trust policy opens to all of Pod Identity.
            let open = entry.taken_by.iter().any(|way| {
                way.kind == kind
                    && way.namespace.is_none()
                    && way.service_account.is_none()
                    && way.conditions.is_empty()
            });
            let edge = self.edge(from, to, kind, if open { "yes" } else { "no" });
            edge.seen += workload.calls;
        }
    }
}

/// Ways over two roles and more, from each whom nobody takes; those that end at an administrator first.
fn chains(grants: &Grants, takes: &Takes, is_shown: &BTreeSet<PrincipalIndex>) -> Vec<Chain> {
    let principals = &grants.principals;
    let mut chains = BTreeSet::new();
    let mut tried = 0;
    let starts: BTreeSet<PrincipalIndex> = takes.all.iter().map(|take| take.by).collect();
    for start in starts.into_iter().filter(|start| takes.into(*start).next().is_none()) {
        let mut open = vec![(vec![start], false)];
        while let Some((way, conditional)) = open.pop() {
            tried += 1;
            let last = way[way.len() - 1];
            let mut ends = true;
            for take in takes.of(last).filter(|take| !way.contains(&take.role)) {
                if way.len() <= LONG && tried + open.len() < TRIED {
                    ends = false;
                    let longer = way.iter().copied().chain([take.role]).collect();
                    open.push((longer, conditional || !take.under.is_empty()));
                }
            }
            if ends && way.len() > 2 && way.iter().any(|index| is_shown.contains(index)) {
                let account = |index: &PrincipalIndex| principals[*index].account.as_str();
                chains.insert((
                    !takes.powerful.contains(&last),
                    Chain {
                        administrator: takes.powerful.contains(&last),
                        across_accounts: way.iter().any(|index| account(index) != account(&way[0])),
                        arns: way.iter().map(|index| principals[*index].arn.clone()).collect(),
                        conditional,
                    },
                ));
            }
        }
    }
    chains.into_iter().map(|(_, chain)| chain).take(CHAINS).collect()
}

#[cfg(test)]
mod tests;
