//! Between IRSA and Pod Identity: a role that pods can take both ways; who has moved, and when the older way may go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::graph::pods::ways;
use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day, retire};
use crate::attribute::{Known, WorkloadKind, cluster_of, issuer_of, region_of_issuer};
use crate::gap::{Gap, User};
use crate::grants::{Cluster, Eks, Kind, Principal, PrincipalIndex};
use crate::iam::condition::{Comparison, Condition};
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
    /// Clusters as workloads call them → their ARNs.
    arns: &'a BTreeMap<String, String>,
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

/// Whether an account has one cluster of EKS at most, as far as trust policies, calls and EKS's own answers show: one id, one
/// name and one region. Then what came by its tokens and what came by Pod Identity came from one.
fn is_one(account: &Account<'_>, id: &str) -> bool {
    let (grants, table) = (account.ground.grants, account.table);
    let clusters = |kind: WorkloadKind| {
        let of_account = table.workloads.iter().filter(|known| known.account == id);
        let pods = of_account.filter_map(|known| known.actor.workload.as_ref());
        pods.filter(move |pod| pod.kind == kind)
            .filter_map(|pod| pod.cluster.as_deref())
    };
    let roles = grants.principals.iter().filter(|role| role.account == id);
    let trusted: BTreeSet<&str> = roles.flat_map(|role| ways(role).providers).collect();
    let of_trusted = trusted.iter().filter_map(|provider| cluster_of(provider));
    let ids: BTreeSet<&str> = clusters(WorkloadKind::ServiceAccount).chain(of_trusted).collect();
    let eks = &grants.supplements.eks;
    let names: BTreeSet<&str> = clusters(WorkloadKind::PodIdentity)
        .map(|name| eks.plain_name(name))
        .chain(eks.names_in(id))
        .collect();
    let of_arns = clusters(WorkloadKind::PodIdentity)
        .filter_map(|name| table.clusters.get(name))
        .filter_map(|arn| arn.split(':').nth(3));
    let regions: BTreeSet<&str> = eks
        .clusters_in(id)
        .map(|(_, region, _)| region)
        .filter(|region| !region.is_empty())
        .chain(trusted.iter().filter_map(|provider| region_of(provider)))
        .chain(of_arns)
        .collect();
    ids.len() < 2 && names.len() < 2 && regions.len() < 2
}

/// The region of the cluster whose identity provider this is.
fn region_of(provider: &str) -> Option<&str> {
    let (_, issuer) = provider.split_once(":oidc-provider/")?;
    region_of_issuer(issuer.split('/').next()?)
}

impl<'a> Users<'a> {
    fn of(account: &Account<'a>, role: &Principal, rows: &[(&Row, User)], is_one: bool) -> Users<'a> {
        let eks = &account.ground.grants.supplements.eks;
        let pods = rows
            .iter()
            .filter_map(|(row, user)| Some((row, user.workload.as_ref()?)));
        let mut users = Users {
            eks,
            arns: &account.table.clusters,
            is_one,
            moves: BTreeMap::new(),
            unnamed: BTreeMap::new(),
            tagless: None,
        };
        for (row, pod) in pods.clone() {
            let cluster = match pod.kind {
                WorkloadKind::ServiceAccount => users.of_issuer(pod.cluster.as_deref()),
                WorkloadKind::PodIdentity => users.of_name(pod.cluster.as_deref(), None),
                _ => continue,
            };
            let one = users.one(cluster, pod.namespace.as_deref(), &pod.name);
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
            let place = (one.place.0.as_str(), one.place.1.as_str());
            let cluster = users.of_name(Some(&one.cluster), Some(place));
            users
                .one(cluster, Some(&one.namespace), &one.service_account)
                .associated = true;
        }
        users
    }

    /// How the cluster of an issuer is told apart from the role's others: by the name that EKS gives it. One of which only
    /// an id is known and one of which only a name is may be the same where there is no other.
    fn of_issuer(&self, id: Option<&str>) -> String {
        let id = id.unwrap_or_default();
        let mut described = self.eks.clusters.values();
        match described.find(|cluster| !id.is_empty() && cluster.issuer == id) {
            Some(_) => self.eks.name_of(id),
            None if self.is_one => String::new(),
            None => id.to_owned(),
        }
    }

    /// The same of a cluster of which a name is known. A name is one cluster's in an account and region alone, so another
    /// one of that name may be what EKS was asked about.
    fn of_name(&self, called: Option<&str>, place: Option<(&str, &str)>) -> String {
        let called = called.unwrap_or_default();
        let name = self.eks.plain_name(called);
        let of_arn = || {
            let mut parts = self.arns.get(called)?.split(':').skip(3);
            let region = parts.next()?;
            Some((parts.next()?, region))
        };
        let place = place.or_else(of_arn).or_else(|| self.associated(name));
        let place = place.filter(|(account, region)| !account.is_empty() && !region.is_empty());
        let mut described = self.eks.clusters.values();
        let is_it = |cluster: &&Cluster| {
            cluster.name == name
                && !cluster.issuer.is_empty()
                && place == Some((cluster.account.as_str(), cluster.region.as_str()))
        };
        match (described.find(is_it), place) {
            (Some(cluster), _) => self.eks.name_of(&cluster.issuer),
            (None, _) if self.is_one => String::new(),
            (None, Some((account, region))) => format!("{name} ({account}, {region})"),
            (None, None) => format!("{name} of some region"),
        }
    }

    /// The one account and region of which associations name a cluster.
    fn associated(&self, name: &str) -> Option<(&str, &str)> {
        let of_name = self.eks.associations.values().filter(|one| one.cluster == name);
        let places: BTreeSet<(&str, &str)> = of_name
            .map(|one| (one.place.0.as_str(), one.place.1.as_str()))
            .collect();
        places.first().copied().filter(|_| places.len() == 1)
    }

    fn label(cluster: &str, namespace: &str, name: &str) -> String {
        match cluster {
            "" => format!("{namespace}/{name}"),
            of => format!("{namespace}/{name} of cluster {of}"),
        }
    }

    fn one(&mut self, cluster: String, namespace: Option<&str>, name: &str) -> &mut Move {
        let label = Users::label(&cluster, namespace.unwrap_or("?"), name);
        let one = self.moves.entry(label).or_default();
        one.cluster = cluster;
        one
    }

    /// Whether a subject of a token of this provider comes by Pod Identity, and came by its token before `settled` at last.
    fn has_moved(&self, provider: &str, subject: &str, settled: i64) -> bool {
        let account = subject.strip_prefix("system:serviceaccount:");
        let Some((namespace, name)) = account.and_then(|account| account.split_once(':')) else {
            return false;
        };
        let label = Users::label(&self.of_issuer(cluster_of(provider)), namespace, name);
        let one = self.moves.get(&label);
        one.is_some_and(|one| one.pods.is_some() && one.irsa.is_none_or(|(last, _)| last <= settled))
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
        let place = users.of_issuer(cluster_of(provider));
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

/// A trust policy without those who have moved.
#[derive(Default)]
struct Narrower {
    /// What it becomes; nothing where nobody can be taken out alone.
    policy: Option<Value>,
    /// Providers by which a statement let in nobody but them.
    gone: BTreeSet<String>,
    /// Whom else the statements of their providers let in.
    others: BTreeSet<String>,
}

/// Takes out of a trust policy those who have moved, and nobody else: whom a statement lets in beside them, it lets in still.
fn without(role: &Principal, providers: &[&str], users: &Users<'_>, settled: i64) -> Narrower {
    let mut narrower = Narrower::default();
    let Some(Ok(trust)) = &role.trust else { return narrower };
    let mut after = trust.clone();
    let allowed = after.statements.iter_mut();
    for statement in allowed.filter(|statement| statement.effect == Effect::Allow) {
        let PrincipalPart::Principal(named) = &mut statement.principal else {
            continue;
        };
        for provider in providers {
            let is_it = |who: &Named| matches!(who, Named::Federated(named) if named == provider);
            if !named.iter().any(is_it) {
                continue;
            }
            let Some(subjects) = subjects(&mut statement.conditions, provider) else {
                narrower
                    .others
                    .insert(format!("{provider} lets in others than those that moved"));
                continue;
            };
            let stay = |subject: &String| !users.has_moved(provider, subject, settled);
            let staying: Vec<String> = subjects.iter().filter(|subject| stay(subject)).cloned().collect();
            if staying.is_empty() {
                named.retain(|who| !is_it(who));
                narrower.gone.insert((*provider).to_owned());
            } else {
                let told = staying
                    .iter()
                    .map(|subject| format!("{provider} lets in {subject}, which was not seen to move"));
                narrower.others.extend(told);
                *subjects = staying;
            }
        }
    }
    after
        .statements
        .retain(|statement| !matches!(&statement.principal, PrincipalPart::Principal(named) if named.is_empty()));
    narrower.policy = (after != *trust && !after.statements.is_empty()).then(|| after.to_value());
    narrower
}

/// The subjects whose tokens a statement accepts of a provider, where it names each.
fn subjects<'s>(conditions: &'s mut [Condition], provider: &str) -> Option<&'s mut Vec<String>> {
    let (_, issuer) = provider.split_once(":oidc-provider/")?;
    let subject = format!("{issuer}:sub");
    let names_each = |condition: &&mut Condition| {
        let operator = condition.operator;
        let exact = match operator.comparison {
            Comparison::StringEquals => true,
            Comparison::StringLike => condition.values.iter().all(|value| !value.contains(['*', '?'])),
            _ => false,
        };
        exact && operator.set.is_none() && !operator.if_exists && condition.key.eq_ignore_ascii_case(&subject)
    };
    conditions
        .iter_mut()
        .find(names_each)
        .map(|condition| &mut condition.values)
}

/// A line for each service account: whether it moved; how many did, and how many still come the older way.
fn moves(users: &Users<'_>, quiet: i64) -> (Vec<String>, usize, usize) {
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
    (evidence, moved, left)
}

fn told(account: &Account<'_>, gap: &Gap, role: &Principal, users: &Users<'_>) -> Found {
    let end = account.ground.window.last();
    let grace = account.ground.options.grace;
    let quiet = end - i64::from(grace) * DAY;
    let (mut evidence, moved, left) = moves(users, quiet);
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
    // Whoever came once in the first half may come again after as long a time.
    let settled = quiet.min(end - (end - account.ground.window.first) / 2);
    let narrower = match is_long && !is_left_alone {
        true => without(role, &closed(role, users, settled), users, settled),
        false => Narrower::default(),
    };
    evidence.extend(narrower.others);
    let (fix, commands) = if let Some(after) = narrower.policy {
        let name = retire::shell(&role.name);
        let commands = vec![
            format!("aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument > trust.json"),
            format!(
                "aws iam update-assume-role-policy --role-name {name} --policy-document {}  # undo: the same with file://trust.json",
                retire::shell(&after.to_string())
            ),
        ];
        evidence.extend(
            narrower
                .gone
                .iter()
                .map(|provider| format!("nobody comes by {provider} any more")),
        );
        let fix = if narrower.gone.is_empty() {
            "take those that moved out of the identity provider's statement in the trust policy; whom else it names may come by it"
        } else {
            "take the statement for the identity provider out of the trust policy: nobody came by it"
        };
        (fix.to_owned(), commands)
    } else if left > 0 {
        let fix = "move those that still come by IRSA: an association each, then restart their pods and take the annotation eks.amazonaws.com/role-arn off";
        (fix.to_owned(), Vec::new())
    } else {
        let fix = format!(
            "wait until {} of the archive, and its later half, show nobody who came by IRSA; then its statement may go from the trust policy, unless it lets in others",
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
