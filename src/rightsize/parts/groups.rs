//! Who of a role's users belongs together: a service account, a function, a caller each; all instances, and all tasks.
//!
//! A caller that gives its sessions names of several families does several things as the role, and is parted by them; not
//! where the name of one session is unknown, which may be of any of them.
//!
//! Instances and tasks come and go, and a trail shows neither the instance profile nor the Auto Scaling group or task
//! definition behind a session: what one of them called in the window says nothing sure of what its like will call.

use std::collections::{BTreeMap, BTreeSet};

use crate::attribute::{Workload, WorkloadKind};
use crate::gap::{Gap, Shares};
use crate::grants::Eks;
use crate::iam::Answer;

/// Users that get one role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Group {
    /// Names for it, the shortest first; a longer one where two groups share that.
    pub(super) names: Vec<String>,
    /// Who, with their calls, most first.
    pub(super) workloads: Vec<(Workload, u64)>,
    /// Of a caller that is parted, the family of its sessions.
    pub(super) sessions: Option<String>,
    /// Why they are together, or stand alone.
    pub(super) why: String,
}

/// A role's users in groups.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Groups {
    /// In the order of their names.
    pub(super) all: Vec<Group>,
    /// The group of those behind a row, by their place in the table; whoever is in none cannot be told.
    pub(super) of: BTreeMap<usize, usize>,
    /// Those behind a row whose calls may be those of every pod, although the role that took it first is known.
    pub(super) anybodys: BTreeSet<usize>,
    /// Calls that are owed to nobody who can be named, by the reason.
    pub(super) unattributed: BTreeMap<&'static str, u64>,
}

/// Why nobody is named for what came by the role that EKS takes first.
const BY_HUB: &str = "sessions of the role by which pods come, for a pod that this archive does not show";

/// One user: what it is called, and what it did.
#[derive(Default)]
struct Unit {
    workloads: BTreeMap<Workload, u64>,
    behind: BTreeSet<usize>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Account(String, String, String),
    Function(String),
    /// With the family of its sessions, where it is parted by them.
    Caller(String, Option<String>),
    Subject(String),
    Service(String),
    People,
    Instances,
    Tasks,
}

/// The users of a role in groups; the same whatever order they were read in. `is_hub` says of a role whether pods come by it:
/// where the archive does not show for which pod EKS took that one, its calls may be any pod's.
pub(super) fn groups(shares: &Shares<'_>, gap: &Gap, eks: &Eks, is_hub: &dyn Fn(&str) -> Answer) -> Groups {
    let mut units: BTreeMap<Key, Unit> = BTreeMap::new();
    let mut key_of: BTreeMap<usize, Key> = BTreeMap::new();
    let mut groups = Groups::default();
    let table = shares.table();
    let parted = parted(shares, gap, is_hub);
    let named = gap.users.all.iter().filter_map(|user| user.workload.as_ref());
    let has_pods = named.clone().any(|workload| workload.kind == WorkloadKind::PodIdentity);
    for row in shares.rows(gap.principal) {
        let user = table.actor(row).map(|actor| gap.users.user(actor, row.calls));
        match user {
            Some(user) => match user.workload {
                Some(workload) => {
                    let family = || Some(table.actor(row)?.sessions.clone());
                    let family = parted.contains(&workload).then(family).flatten();
                    if has_pods && workload.kind == WorkloadKind::Principal && is_hub(&workload.name) != Answer::No {
                        groups.anybodys.insert(row.behind);
                        *groups.unattributed.entry(BY_HUB).or_default() += row.calls;
                    }
                    let key = key(&workload, family, eks);
                    key_of.insert(row.behind, key.clone());
                    let unit = units.entry(key).or_default();
                    unit.behind.insert(row.behind);
                    *unit.workloads.entry(workload).or_default() += row.calls;
                }
                None => *groups.unattributed.entry(user.why).or_default() += row.calls,
            },
            None => {
                *groups
                    .unattributed
                    .entry("calls without a session that is known")
                    .or_default() += row.calls
            }
        }
    }
    for (key, unit) in units {
        groups.add(&key, unit);
    }
    groups
}

/// Callers whose sessions are all of families that are known, and of several. Not a role by which pods come: EKS names its
/// sessions `eks-CLUSTER-POD-…`, and one service account may have pods of many names.
fn parted(shares: &Shares<'_>, gap: &Gap, is_hub: &dyn Fn(&str) -> Answer) -> BTreeSet<Workload> {
    let mut families: BTreeMap<Workload, BTreeSet<&str>> = BTreeMap::new();
    for actor in shares.rows(gap.principal).filter_map(|row| shares.table().actor(row)) {
        if let Some(workload) = gap.users.user(actor, 0).workload {
            families.entry(workload).or_default().insert(&actor.sessions);
        }
    }
    families.retain(|workload, families| {
        let by_pods = match is_hub(&workload.name) {
            Answer::Yes => true,
            Answer::Unknown => families.iter().any(|family| family.starts_with("eks-")),
            Answer::No => false,
        };
        families.len() > 1 && !families.contains("") && !by_pods
    });
    families.into_keys().collect()
}

impl Groups {
    fn add(&mut self, key: &Key, unit: Unit) {
        let (names, why) = named(key);
        let sessions = match key {
            Key::Caller(_, family) => family.clone(),
            _ => None,
        };
        let at = self.all.len();
        self.of.extend(unit.behind.into_iter().map(|behind| (behind, at)));
        let mut workloads: Vec<(Workload, u64)> = unit.workloads.into_iter().collect();
        workloads.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        self.all.push(Group {
            names,
            workloads,
            sessions,
            why,
        });
    }
}

fn key(workload: &Workload, sessions: Option<String>, eks: &Eks) -> Key {
    let name = || workload.name.clone();
    match workload.kind {
        // Whoever moves from IRSA to Pod Identity is one service account.
        WorkloadKind::ServiceAccount | WorkloadKind::PodIdentity => Key::Account(
            workload
                .cluster
                .as_deref()
                .map(|id| eks.name_of(id))
                .unwrap_or_default(),
            workload.namespace.clone().unwrap_or_default(),
            name(),
        ),
        WorkloadKind::Lambda => Key::Function(name()),
        WorkloadKind::Ec2 => Key::Instances,
        WorkloadKind::Ecs => Key::Tasks,
        WorkloadKind::Principal => Key::Caller(name(), sessions),
        WorkloadKind::WebIdentity => Key::Subject(family(&workload.name).to_owned()),
        WorkloadKind::Service => Key::Service(name()),
        WorkloadKind::Sso | WorkloadKind::Saml => Key::People,
    }
}

/// `repo:ORG/NAME` of `repo:ORG/NAME:ref:refs/heads/main`: branches and tags of one repository are one workload
/// (GitHub's documentation, "OpenID Connect reference", the subject claim).
pub(super) fn family(subject: &str) -> &str {
    match subject.match_indices(':').nth(1) {
        Some((at, _)) if subject.starts_with("repo:") => &subject[..at],
        _ => subject,
    }
}

fn named(key: &Key) -> (Vec<String>, String) {
    let last = |text: &str| text.rsplit(['/', ':']).next().unwrap_or(text).to_owned();
    match key {
        Key::Account(cluster, namespace, name) => (
            vec![
                name.clone(),
                format!("{namespace}-{name}"),
                format!("{cluster}-{namespace}-{name}"),
            ],
            "a service account is one workload".to_owned(),
        ),
        Key::Function(name) => (vec![last(name), name.clone()], "a function is one workload".to_owned()),
        Key::Caller(arn, None) => (
            vec![last(arn), arn.clone()],
            "each role or user that takes it is one".to_owned(),
        ),
        Key::Caller(arn, Some(family)) => (
            vec![
                family.clone(),
                format!("{}-{family}", last(arn)),
                format!("{arn}-{family}"),
            ],
            format!(
                "sessions that their caller names {family}; what varies in a name is *, and the role's trust policy can \
                 require such a name (sts:RoleSessionName)"
            ),
        ),
        Key::Subject(subject) => (
            vec![last(subject), subject.clone()],
            "subjects of one repository, or one subject".to_owned(),
        ),
        Key::Service(name) => {
            let first = name.split('.').next().unwrap_or(name).to_owned();
            (vec![first, name.clone()], "each service of AWS is one".to_owned())
        }
        Key::People => (
            vec!["people".to_owned()],
            "people share what they do by hand".to_owned(),
        ),
        Key::Instances => (
            vec!["instances".to_owned()],
            "instances of a role are one workload: no log tells which of them are alike".to_owned(),
        ),
        Key::Tasks => (
            vec!["tasks".to_owned()],
            "tasks of a role are one workload: no log tells which of them are alike".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
