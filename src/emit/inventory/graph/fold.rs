//! What is drawn of a graph: each node by itself, or those that are alike as one where they are too many.

use std::collections::{BTreeMap, BTreeSet};

use crate::emit::view;
use crate::report::{Edge, Node, RoleGraph};

/// A box.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Shape {
    /// What it is.
    pub(super) name: String,
    /// Where it is; empty where that says nothing.
    pub(super) place: String,
    /// Whether it stands for roles or users.
    pub(super) is_principal: bool,
    /// Whether one of them has a way to everything.
    pub(super) administrator: bool,
}

impl Shape {
    /// Its name, then its place.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        [self.name.as_str(), self.place.as_str()]
            .into_iter()
            .filter(|line| !line.is_empty())
    }
}

/// An arrow between boxes, by their places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    /// How many edges it stands for.
    pub(super) count: u64,
    /// The surest of them.
    pub(super) allowed: String,
    /// Of a single one.
    pub(super) conditions: Vec<String>,
    pub(super) seen: u64,
}

/// Boxes and arrows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Drawing {
    pub(super) shapes: Vec<Shape>,
    pub(super) lines: Vec<Line>,
    /// Whether boxes stand for several.
    pub(super) is_folded: bool,
}

/// How much becomes one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fold {
    /// Nothing.
    Nothing,
    /// Whatever takes no part in chains of roles: by account, cluster and kind.
    Leaves,
    /// All, by account, cluster and kind.
    All,
    /// All, by kind.
    Kinds,
}

impl Drawing {
    /// At most so many boxes, each by itself where they are no more.
    pub(super) fn of(graph: &RoleGraph, most: usize) -> Drawing {
        let by_id: BTreeMap<&str, &Node> = graph.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let steps = graph.edges.iter().filter(|edge| edge.kind == "assume_role");
        let in_chains: BTreeSet<&str> = steps.flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]).collect();
        let mut fold = Fold::Nothing;
        loop {
            let groups: BTreeSet<Key<'_>> = ends(graph).map(|id| key(by_id[id], fold, &in_chains)).collect();
            fold = match fold {
                _ if groups.len() <= most => break,
                Fold::Nothing => Fold::Leaves,
                Fold::Leaves => Fold::All,
                Fold::All => Fold::Kinds,
                Fold::Kinds => break,
            };
        }
        draw(graph, &by_id, fold, &in_chains)
    }
}

/// Both ends of each edge.
fn ends(graph: &RoleGraph) -> impl Iterator<Item = &str> {
    graph
        .edges
        .iter()
        .flat_map(|edge| [edge.from.as_str(), edge.to.as_str()])
}

/// What those have in common that become one: kind, account, cluster, and the id of one that stays alone.
type Key<'a> = (&'a str, &'a str, &'a str, &'a str);

fn key<'a>(node: &'a Node, fold: Fold, in_chains: &BTreeSet<&str>) -> Key<'a> {
    let (kind, account) = (node.kind.as_str(), node.account.as_str());
    let cluster = node.cluster.as_deref().unwrap_or_default();
    let alone = match fold {
        Fold::Nothing => true,
        Fold::Leaves => in_chains.contains(node.id.as_str()),
        Fold::All | Fold::Kinds => false,
    };
    match fold {
        _ if alone => (kind, account, cluster, &node.id),
        Fold::Kinds => (kind, "", "", ""),
        Fold::Nothing | Fold::Leaves | Fold::All => (kind, account, cluster, ""),
    }
}

fn draw(graph: &RoleGraph, by_id: &BTreeMap<&str, &Node>, fold: Fold, in_chains: &BTreeSet<&str>) -> Drawing {
    let mut members: BTreeMap<Key<'_>, BTreeSet<&str>> = BTreeMap::new();
    for id in ends(graph) {
        members.entry(key(by_id[id], fold, in_chains)).or_default().insert(id);
    }
    let place: BTreeMap<Key<'_>, usize> = members.keys().enumerate().map(|(at, key)| (*key, at)).collect();
    let shapes = members.iter().map(|(key, ids)| {
        let nodes: Vec<&Node> = ids.iter().map(|id| by_id[id]).collect();
        shape(key, &nodes)
    });
    let mut lines: BTreeMap<(usize, usize), Line> = BTreeMap::new();
    let rank = |allowed: &str| match allowed {
        "yes" => 0,
        "unknown" => 1,
        _ => 2,
    };
    let at = |id: &str| place[&key(by_id[id], fold, in_chains)];
    for edge in &graph.edges {
        let Edge { from, to, .. } = edge;
        let (from, to) = (at(from), at(to));
        let line = lines.entry((from, to)).or_insert_with(|| Line {
            from,
            to,
            count: 0,
            allowed: edge.allowed.clone(),
            conditions: edge.conditions.clone(),
            seen: 0,
        });
        line.count += 1;
        line.seen += edge.seen;
        if line.count > 1 {
            line.conditions.clear();
        }
        if rank(&edge.allowed) < rank(&line.allowed) {
            line.allowed.clone_from(&edge.allowed);
        }
    }
    Drawing {
        shapes: shapes.collect(),
        lines: lines.into_values().collect(),
        is_folded: fold != Fold::Nothing,
    }
}

fn shape(key: &Key<'_>, nodes: &[&Node]) -> Shape {
    let (kind, account, cluster, _) = *key;
    let is_principal = matches!(kind, "role" | "user");
    let place = match (account, cluster) {
        ("", "") => String::new(),
        ("", cluster) => format!("cluster {cluster}"),
        (account, _) => format!("account {account}"),
    };
    let name = match nodes {
        [one] if is_principal => format!("{kind} {}", one.label),
        [one] if kind == "irsa" => format!("{} by IRSA", one.label),
        [one] if kind == "pod_identity" && !one.label.ends_with("gives it to") => {
            format!("{} by Pod Identity", one.label)
        }
        [one] => one.label.clone(),
        nodes => format!(
            "{} {}",
            view::number(nodes.len() as u64),
            match kind {
                "role" => "roles",
                "user" => "users",
                "irsa" => "service accounts by IRSA",
                "pod_identity" => "service accounts by Pod Identity",
                "web_identity" => "web identities",
                "sso" => "permission sets",
                "saml" => "SAML identities",
                "account" => "accounts",
                "principal" => "principals that the grants do not hold",
                _ => "services",
            },
        ),
    };
    Shape {
        place: if place == name { String::new() } else { place },
        name,
        is_principal,
        administrator: nodes.iter().any(|node| node.administrator),
    }
}
