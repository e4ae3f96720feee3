//! Between IRSA and Pod Identity: a role that pods can take both ways; who has moved, and when the older way may go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::graph::pods::ways;
use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day, retire};
use crate::attribute::{Known, WorkloadKind, cluster_of, issuer_of};
use crate::gap::{Gap, User};
use crate::grants::{Eks, Kind, Principal, PrincipalIndex};
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart};
use crate::rightsize::covered_days;
use crate::time::DAY;
use crate::usage::Row;

pub(super) const CHECK: Check = Check {
    id: "between-irsa-and-pod-identity",
    practice: Practice::ServiceAccounts,
    find: Find::OfAccount(check),
    about: About {
        what: "Pods can take the role both by IRSA and by EKS Pod Identity: a move that has begun, and that nobody has finished.",
        abuse: "The older door stays open after everybody has left by the newer one: whoever can make a token of that cluster's issuer still has the role.",
        instead: "EKS Pod Identity alone: no identity provider, no audience, no subject in a trust policy to get wrong.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html",
    },
};

/// When a service account last came by IRSA, and first and last by Pod Identity; with its calls.
#[derive(Default)]
struct Move {
    /// Which cluster, as far as it is told apart; empty where all are one.
    cluster: String,
    irsa: Option<(i64, u64)>,
    pods: Option<(i64, i64)>,
    associated: bool,
}

/// What is known of the users of one role.
struct Users<'a> {
    eks: &'a Eks,
    /// Whether all pods can be of one cluster: see [`is_one`].
    is_one: bool,
    moves: BTreeMap<String, Move>,
    /// The last call of sessions of a token whose service account is not known, by provider; empty where that is not either.
    unnamed: BTreeMap<String, i64>,
    /// The last call of sessions that pods.eks opened without tags.
    tagless: Option<i64>,
}

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let (grants, table) = (account.ground.grants, account.table);
    let both = account.gaps.iter().filter(|gap| {
        let role = &grants.principals[gap.principal];
        let ways = ways(role);
        role.kind == Kind::Role && ways.pod_identity && !ways.providers.is_empty()
    });
    let roles: BTreeMap<(&str, &str), &Gap> = both
        .map(|gap| {
            let role = &grants.principals[gap.principal];
            ((role.account.as_str(), role.id.as_str()), gap)
        })
        .collect();
    if roles.is_empty() {
        return Vec::new();
    }
    let mut rows: BTreeMap<PrincipalIndex, Vec<(&Row, User)>> = BTreeMap::new();
    for row in &table.rows {
        let caller = &table.signatures[row.signature].signature.caller;
        if let (Some(gap), Some(actor)) = (roles.get(&(&*caller.account, &*caller.id)), table.actor(row)) {
            let of_role = rows.entry(gap.principal).or_default();
            of_role.push((row, gap.users.user(actor, row.calls)));
        }
    }
    let mut gaps: Vec<&Gap> = roles.into_values().collect();
    gaps.sort_by_key(|gap| gap.principal);
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    let found = gaps.into_iter().map(|gap| {
        let role = &grants.principals[gap.principal];
        let is_one = *known
            .entry(&role.account)
            .or_insert_with(|| is_one(account, &role.account));
        let users = Users::of(
            account,
            role,
            rows.get(&gap.principal).map_or(&[][..], Vec::as_slice),
            is_one,
        );
        AccountFound {
            account: role.account.clone(),
            found: told(account, gap, role, &users),
        }
    });
    found.collect()
}

/// Whether an account has one cluster of EKS at most, as far as trust policies, calls and EKS's own answers show: one id, and
/// one name. Then what came by its tokens and what came by Pod Identity came from one.
fn is_one(account: &Account<'_>, id: &str) -> bool {
    let grants = account.ground.grants;
    let clusters = |kind: WorkloadKind| {
        let of_account = account.table.workloads.iter().filter(|known| known.account == id);
        let pods = of_account.filter_map(|known| known.actor.workload.as_ref());
        pods.filter(move |pod| pod.kind == kind)
            .filter_map(|pod| pod.cluster.as_deref())
    };
    let roles = grants.principals.iter().filter(|role| role.account == id);
    let trusted = roles.flat_map(|role| ways(role).providers).filter_map(cluster_of);
    let ids: BTreeSet<&str> = clusters(WorkloadKind::ServiceAccount).chain(trusted).collect();
    let told = grants.supplements.eks.names_in(id);
    let names: BTreeSet<&str> = clusters(WorkloadKind::PodIdentity).chain(told).collect();
    ids.len() < 2 && names.len() < 2
}

impl<'a> Users<'a> {
    fn of(account: &Account<'a>, role: &Principal, rows: &[(&Row, User)], is_one: bool) -> Users<'a> {
        let eks = &account.ground.grants.supplements.eks;
        let pods = rows
            .iter()
            .filter_map(|(row, user)| Some((row, user.workload.as_ref()?)));
        let mut users = Users {
            eks,
            is_one,
            moves: BTreeMap::new(),
            unnamed: BTreeMap::new(),
            tagless: None,
        };
        for (row, pod) in pods.clone() {
            let one = match pod.kind {
                WorkloadKind::ServiceAccount | WorkloadKind::PodIdentity => {
                    users.one(pod.cluster.as_deref(), &pod.namespace, &pod.name)
                }
                _ => continue,
            };
            if pod.kind == WorkloadKind::ServiceAccount {
                let (last, calls) = one.irsa.get_or_insert_default();
                (*last, *calls) = ((*last).max(row.last), *calls + row.calls);
            } else {
                let (first, last) = one.pods.get_or_insert((row.first, row.last));
                (*first, *last) = ((*first).min(row.first), (*last).max(row.last));
            }
        }
        for (row, _) in rows.iter().filter(|(_, user)| user.workload.is_none()) {
            let Some(actor) = account.table.actor(row) else {
                continue;
            };
            // Whoever was opened by pods.eks came by the newer door, whoever it is.
            if actor.known == Known::Unnamed(WorkloadKind::PodIdentity) {
                users.tagless = users.tagless.max(Some(row.last));
            } else {
                let last = users.unnamed.entry(actor.provider.clone()).or_insert(row.last);
                *last = (*last).max(row.last);
            }
        }
        for one in eks.associations_of(&role.arn) {
            let namespace = Some(one.namespace.clone());
            users
                .one(Some(&one.cluster), &namespace, &one.service_account)
                .associated = true;
        }
        users
    }

    /// How a cluster is told apart from the role's others. One of which only an id is known and one of which only a name
    /// is may be the same where there is no other.
    fn place(&self, cluster: Option<&str>) -> String {
        match cluster.filter(|cluster| self.eks.cluster(cluster).is_some() || !self.is_one) {
            Some(cluster) => self.eks.name_of(cluster),
            None => String::new(),
        }
    }

    fn one(&mut self, cluster: Option<&str>, namespace: &Option<String>, name: &str) -> &mut Move {
        let cluster = self.place(cluster);
        let namespace = namespace.as_deref().unwrap_or("?");
        let label = match &*cluster {
            "" => format!("{namespace}/{name}"),
            of => format!("{namespace}/{name} of cluster {of}"),
        };
        let one = self.moves.entry(label).or_default();
        one.cluster = cluster;
        one
    }

    /// The last session of a token of this provider whose service account is not known.
    fn unnamed(&self, provider: &str) -> Option<i64> {
        let of = self.unnamed.iter();
        let of = of.filter(|(known, _)| known.is_empty() || issuer_of(known) == issuer_of(provider));
        of.map(|(_, last)| *last).max()
    }
}

impl Move {
    /// Whether it still comes by IRSA, or has not been seen to come otherwise.
    fn stays(&self, quiet: i64) -> bool {
        self.irsa.is_some_and(|(last, _)| last > quiet || self.pods.is_none())
    }
}

/// The providers by which nobody comes any more, since all who came by them have moved.
fn closed<'r>(role: &'r Principal, users: &Users<'_>, quiet: i64) -> Vec<&'r str> {
    let providers = ways(role).providers.into_iter().filter(|provider| {
        let place = users.place(cluster_of(provider));
        // One that is of no known cluster may have come by any.
        let mut of = users
            .moves
            .values()
            .filter(|one| one.cluster == place || one.cluster.is_empty());
        let moved = users
            .moves
            .values()
            .any(|one| one.cluster == place && !one.stays(quiet));
        let late = |one: &Move| one.stays(quiet) || one.irsa.is_some_and(|(last, _)| last > quiet);
        moved && !of.any(late) && users.unnamed(provider).is_none_or(|last| last <= quiet)
    });
    providers.collect()
}

/// A trust policy without these providers: whom else a statement names it names still, under the same conditions.
fn without(role: &Principal, providers: &[&str]) -> Option<Value> {
    let Some(Ok(trust)) = &role.trust else { return None };
    let mut after = trust.clone();
    for statement in after
        .statements
        .iter_mut()
        .filter(|statement| statement.effect == Effect::Allow)
    {
        if let PrincipalPart::Principal(named) = &mut statement.principal {
            named.retain(|who| !matches!(who, Named::Federated(provider) if providers.contains(&provider.as_str())));
        }
    }
    after
        .statements
        .retain(|statement| !matches!(&statement.principal, PrincipalPart::Principal(named) if named.is_empty()));
    Some(after.to_value())
}

fn told(account: &Account<'_>, gap: &Gap, role: &Principal, users: &Users<'_>) -> Found {
    let end = account.ground.window.last();
    let grace = account.ground.options.grace;
    let quiet = end - i64::from(grace) * DAY;
    let mut evidence = Vec::new();
    let (mut moved, mut left) = (0, 0);
    for (name, one) in &users.moves {
        let by_pods = match (one.pods, one.associated) {
            (Some((first, last)), _) => Some(format!("Pod Identity from {} to {}", day(first), day(last))),
            (None, true) => Some("an association that was not seen in use".to_owned()),
            (None, false) => None,
        };
        let verdict = match one.irsa {
            Some(_) if one.stays(quiet) => {
                left += 1;
                "still by IRSA"
            }
            Some(_) => {
                moved += 1;
                "moved"
            }
            // Whether it ever came by IRSA, this archive does not show.
            None => "not by IRSA",
        };
        let irsa = one
            .irsa
            .map(|(last, calls)| format!("IRSA until {} ({calls} calls)", day(last)));
        let both: Vec<String> = irsa.into_iter().chain(by_pods).collect();
        evidence.push(format!("{name}: {verdict}: {}", both.join(", ")));
    }
    if let Some(last) = users.unnamed.values().max() {
        evidence.push(format!(
            "calls until {} of sessions that nobody can be named for: some may be by IRSA",
            day(*last)
        ));
    }
    if let Some(last) = users.tagless {
        evidence.push(format!(
            "Pod Identity until {} by sessions without tags: whose they are is not known",
            day(last)
        ));
    }
    if evidence.is_empty() {
        evidence.push("no pod came by either way in the window".to_owned());
    }
    // An archive that is too short, or full of holes, cannot say that nobody comes by IRSA any more.
    let is_long = account.ground.window.first <= quiet && covered_days(gap) >= i64::from(grace);
    let ground = account.ground;
    let is_left_alone = ground.keeps(role) || ground.is_out_of_sight(gap);
    let may_go = match is_long && !is_left_alone {
        true => closed(role, users, quiet),
        false => Vec::new(),
    };
    let after = (!may_go.is_empty()).then(|| without(role, &may_go)).flatten();
    let (fix, commands) = if let Some(after) = after {
        let name = retire::shell(&role.name);
        let commands = vec![
            format!("aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument > trust.json"),
            format!(
                "aws iam update-assume-role-policy --role-name {name} --policy-document {}  # undo: the same with file://trust.json",
                retire::shell(&after.to_string())
            ),
        ];
        evidence.extend(
            may_go
                .iter()
                .map(|provider| format!("nobody comes by {provider} any more")),
        );
        (
            "take the statement for the identity provider out of the trust policy: nobody came by it".to_owned(),
            commands,
        )
    } else if left > 0 {
        let fix = "move those that still come by IRSA: an association each, then restart their pods and take the annotation eks.amazonaws.com/role-arn off";
        (fix.to_owned(), Vec::new())
    } else {
        let fix = format!(
            "wait until {} of the archive show nobody who came by IRSA; then its statement may go from the trust policy",
            if grace > 1 {
                format!("{grace} days")
            } else {
                "some days".to_owned()
            }
        );
        (fix, Vec::new())
    };
    let role = &role.name;
    Found {
        about: role.to_owned(),
        severity: Severity::Low,
        title: format!("role {role} can be taken by IRSA and by Pod Identity: {moved} moved, {left} did not"),
        why: "two doors are open where one is needed, and the older one outlives the cluster whose tokens open it"
            .to_owned(),
        fix,
        commands,
        evidence,
    }
}
