//! Between IRSA and Pod Identity: a role that pods can take both ways; who has moved, and when the older way may go.

use std::collections::BTreeMap;

use super::graph::pods::ways;
use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day, retire};
use crate::attribute::{Known, WorkloadKind};
use crate::gap::Gap;
use crate::grants::{Association, Eks, Kind};
use crate::time::DAY;

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
    irsa: Option<(i64, u64)>,
    pods: Option<(i64, i64)>,
    associated: bool,
}

/// What is known of the users of one role.
#[derive(Default)]
struct Users {
    moves: BTreeMap<String, Move>,
    /// The last call of sessions of a token whose service account is not known.
    unnamed: Option<i64>,
}

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let grants = account.grants;
    let both = |gap: &&Gap| {
        let role = &grants.principals[gap.principal];
        let ways = ways(role);
        role.kind == Kind::Role && ways.pod_identity && !ways.providers.is_empty()
    };
    let roles: BTreeMap<(&str, &str), &Gap> = account
        .gaps
        .iter()
        .filter(both)
        .map(|gap| {
            let role = &grants.principals[gap.principal];
            ((role.account.as_str(), role.id.as_str()), gap)
        })
        .collect();
    let mut users: BTreeMap<usize, Users> = roles.values().map(|gap| (gap.principal, Users::default())).collect();
    if users.is_empty() {
        return Vec::new();
    }
    let eks = &grants.supplements.eks;
    let table = account.table;
    for row in &table.rows {
        let caller = &table.signatures[row.signature].signature.caller;
        let (Some(gap), Some(actor)) = (roles.get(&(&*caller.account, &*caller.id)), table.actor(row)) else {
            continue;
        };
        let Some(of_role) = users.get_mut(&gap.principal) else {
            continue;
        };
        let user = gap.users.user(actor, row.calls);
        match &user.workload {
            Some(pod) if pod.kind == WorkloadKind::ServiceAccount => {
                let (last, calls) = of_role
                    .of(eks, pod.cluster.as_deref(), &pod.namespace, &pod.name)
                    .irsa
                    .get_or_insert_default();
                (*last, *calls) = ((*last).max(row.last), *calls + row.calls);
            }
            Some(pod) if pod.kind == WorkloadKind::PodIdentity => {
                let moved = of_role.of(eks, pod.cluster.as_deref(), &pod.namespace, &pod.name);
                let (first, last) = moved.pods.get_or_insert((row.first, row.last));
                (*first, *last) = ((*first).min(row.first), (*last).max(row.last));
            }
            Some(_) => {}
            // Whoever was opened by pods.eks came by the newer door, whoever it is.
            None if actor.known == Known::Unnamed(WorkloadKind::PodIdentity) => {}
            None => of_role.unnamed = of_role.unnamed.max(Some(row.last)),
        }
    }
    let found = users.into_iter().map(|(principal, mut of_role)| {
        let role = &grants.principals[principal];
        for association in eks.associations_of(&role.arn) {
            let Association {
                cluster,
                namespace,
                service_account,
                ..
            } = association;
            of_role
                .of(eks, Some(cluster), &Some(namespace.clone()), service_account)
                .associated = true;
        }
        (role, of_role)
    });
    found
        .map(|(role, users)| AccountFound {
            account: role.account.clone(),
            found: told(account, &role.name, &users),
        })
        .collect()
}

impl Users {
    /// The service account of a name: clusters of which only an id or only a name is known may be the same, so that they
    /// are told by it alone where nothing names both.
    fn of(&mut self, eks: &Eks, cluster: Option<&str>, namespace: &Option<String>, name: &str) -> &mut Move {
        let namespace = namespace.as_deref().unwrap_or("?");
        let of = cluster.filter(|cluster| eks.cluster(cluster).is_some());
        let of = of.map_or_else(String::new, |cluster| format!(" of cluster {}", eks.name_of(cluster)));
        self.moves.entry(format!("{namespace}/{name}{of}")).or_default()
    }
}

fn told(account: &Account<'_>, role: &str, users: &Users) -> Found {
    let end = account.window.last();
    let quiet = end - i64::from(account.options.grace) * DAY;
    let mut evidence = Vec::new();
    let (mut moved, mut left) = (0, 0);
    let mut last_irsa = users.unnamed;
    for (name, one) in &users.moves {
        let by_pods = match (one.pods, one.associated) {
            (Some((first, last)), _) => Some(format!("Pod Identity from {} to {}", day(first), day(last))),
            (None, true) => Some("an association that was not seen in use".to_owned()),
            (None, false) => None,
        };
        last_irsa = last_irsa.max(one.irsa.map(|(last, _)| last));
        let stays = one.irsa.is_some_and(|(last, _)| last > quiet || one.pods.is_none());
        let (verdict, count) = if stays {
            ("still by IRSA", &mut left)
        } else {
            ("moved", &mut moved)
        };
        *count += 1;
        let irsa = one
            .irsa
            .map(|(last, calls)| format!("IRSA until {} ({calls} calls)", day(last)));
        let both: Vec<String> = irsa.into_iter().chain(by_pods).collect();
        evidence.push(format!("{name}: {verdict}: {}", both.join(", ")));
    }
    if let Some(last) = users.unnamed {
        evidence.push(format!(
            "calls until {} of sessions that nobody can be named for: some may be by IRSA",
            day(last)
        ));
    }
    if users.moves.is_empty() {
        evidence.push("no pod came by either way in the window".to_owned());
    }
    // An archive that is too short cannot say that nobody comes by IRSA any more.
    let is_long = account.window.first <= quiet;
    let may_go = left == 0 && moved > 0 && is_long && last_irsa.is_none_or(|last| last <= quiet);
    let (fix, commands) = if may_go {
        let role = retire::shell(role);
        let commands = vec![
            format!("aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument > trust.json"),
            format!(
                "aws iam update-assume-role-policy --role-name {role} --policy-document file://COPY, a copy without the statements for Federated principals  # undo: the same with file://trust.json"
            ),
        ];
        (
            "take the statement for the identity provider out of the trust policy: nobody came by it".to_owned(),
            commands,
        )
    } else if left > 0 {
        let fix = "move those that still come by IRSA: an association each, then restart their pods and take the annotation eks.amazonaws.com/role-arn off";
        (fix.to_owned(), Vec::new())
    } else {
        let grace = account.options.grace;
        let fix = format!(
            "wait until {grace} days of the archive show nobody who came by IRSA; then its statement may go from the trust policy"
        );
        (fix, Vec::new())
    };
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
