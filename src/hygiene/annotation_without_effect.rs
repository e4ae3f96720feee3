//! Annotation without effect: manifests give a service account a role that it never took, cannot take, or that is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::pods::{admits, ways};
use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, pod_role_never_taken};
use crate::attribute::{Workload, WorkloadKind, cluster_of};
use crate::gap::Gap;
use crate::grants::{Principal, ServiceAccount};
use crate::iam::Answer;
use crate::time::DAY;

pub(super) const CHECK: Check = Check {
    id: "annotation-without-effect",
    practice: Practice::ServiceAccounts,
    find: Find::OfAccount(check),
    about: About {
        what: "A manifest, a chart's values or an overlay annotates a service account with a role, and no pod of it took that role in the window.",
        abuse: "The pods may work with the node's role meanwhile, which every pod of the node shares; and an annotation that nobody needs opens a role to whoever may create a pod there.",
        instead: "An annotation with the role that the pods need and may take, or none.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let grants = account.ground.grants;
    let by_arn: BTreeMap<&str, &Gap> = account
        .gaps
        .iter()
        .map(|gap| (grants.principals[gap.principal].arn.as_str(), gap))
        .collect();
    let accounts: BTreeSet<&str> = grants.principals.iter().map(|one| one.account.as_str()).collect();
    let mut found: BTreeMap<(String, String), (AccountFound, Vec<String>)> = BTreeMap::new();
    for one in &grants.supplements.manifests.accounts {
        let Some(id) = one.role.split(':').nth(4).filter(|id| accounts.contains(id)) else {
            continue;
        };
        let why = match by_arn.get(one.role.as_str()) {
            None => Some("does not exist"),
            Some(gap) => why_not(account, gap, one),
        };
        let Some(why) = why else { continue };
        // One service account of several overlays is told once.
        let key = (one.role.clone(), one.label());
        let (_, places) = found
            .entry(key)
            .or_insert_with(|| (told(account, id, one, why), Vec::new()));
        places.push(format!("{} annotates {} with {}", one.place, one.label(), one.role));
    }
    let whole = found.into_values().map(|(mut found, places)| {
        found.found.evidence.splice(0..0, places);
        found
    });
    whole.collect()
}

/// What keeps an annotation from its effect; `None` where it has one, or where nobody can tell.
fn why_not(account: &Account<'_>, gap: &Gap, one: &ServiceAccount) -> Option<&'static str> {
    let role = &account.ground.grants.principals[gap.principal];
    if !is_let_in(role, one) {
        // Of a role for pods that none took this is told there.
        let told_there = pod_role_never_taken::of_pods(role).is_some() && gap.activity.calls == 0;
        return (!told_there).then_some("does not let it in");
    }
    let took = gap.users.all.iter().any(|user| match &user.workload {
        Some(pod) => {
            let is_pod = matches!(pod.kind, WorkloadKind::ServiceAccount | WorkloadKind::PodIdentity);
            is_pod
                && pod
                    .namespace
                    .as_deref()
                    .is_some_and(|namespace| one.may_be(namespace, &pod.name))
        }
        // It may have been this one.
        None => true,
    });
    let quiet = gap.activity.calls == 0;
    let spared = account.ground.spared(gap.principal).is_some();
    (!took && !quiet && !spared).then_some("was not taken by it")
}

/// Whether today's trust policy lets a service account in that is annotated; in doubt it does.
pub(super) fn is_let_in(role: &Principal, one: &ServiceAccount) -> bool {
    let (Some(namespace), Some(name)) = (&one.namespace, &one.name) else {
        return !matches!(role.trust, Some(Ok(_))) || !ways(role).providers.is_empty() || ways(role).others;
    };
    let pod = |cluster: Option<&str>| Workload {
        kind: WorkloadKind::ServiceAccount,
        cluster: cluster.map(str::to_owned),
        namespace: Some(namespace.clone()),
        name: name.clone(),
    };
    let mut clusters = ways(role).providers.into_iter().filter_map(cluster_of).peekable();
    if clusters.peek().is_none() {
        return admits(role, &pod(None)) != Answer::No;
    }
    let by_eks = clusters.any(|cluster| admits(role, &pod(Some(cluster))) != Answer::No);
    // A cluster that is not of EKS has an issuer of its own.
    by_eks || admits(role, &pod(None)) != Answer::No
}

fn told(account: &Account<'_>, id: &str, one: &ServiceAccount, why: &str) -> AccountFound {
    let role = one.role.rsplit('/').next().unwrap_or(&one.role);
    let (window, least) = (account.ground.window, account.ground.options.min_window);
    let is_short = window.end - window.first < i64::from(least) * DAY;
    let (severity, fix) = if why == "was not taken by it" {
        let severity = Severity::Low;
        match is_short {
            true => (
                severity,
                format!("nothing yet: the archive spans less than --min-window {least}d"),
            ),
            false => (
                severity,
                "see whether its pods run, and with which role; if none needs it, take the annotation away".to_owned(),
            ),
        }
    } else {
        let fix = "annotate the role that the pods are meant to have, or let the service account into this one by StringEquals on sub";
        (Severity::Medium, fix.to_owned())
    };
    AccountFound {
        account: id.to_owned(),
        found: Found {
            about: format!("{}:{}", one.label(), one.role),
            severity,
            title: format!("{} is annotated with role {role}, which {why}", one.label()),
            why: "the pods have no role of their own by it, and may work with the node's".to_owned(),
            fix,
            commands: Vec::new(),
            evidence: Vec::new(),
        },
    }
}
