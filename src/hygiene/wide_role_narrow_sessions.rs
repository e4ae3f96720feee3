//! Wide role with narrow sessions: callers who can bring a session policy each use a small part of what the role is for.

use std::collections::{BTreeMap, BTreeSet};

use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::attribute::{Workload, WorkloadKind};
use crate::catalog::ActionId;
use crate::rightsize;

/// Actions from which on a role is worth the trouble.
const WIDE: usize = 4;

pub(super) const CHECK: Check = Check {
    id: "wide-role-narrow-sessions",
    practice: Practice::SessionPolicies,
    find: Find::OfPrincipal(check),
    about: About {
        what: "Several callers open sessions of the role, and one of them at least uses no more than half of what all of them use together.",
        abuse: "Whoever steals the credentials of one session has what all of them need, until they expire.",
        instead: "The same role with a session policy: the session has what both allow. Whoever opens the session passes it along; a role for each caller does the same for good.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    if !subject.acts_as_granted() || rightsize::kept_whole(role, subject.ground.options).is_some() {
        return None;
    }
    let mut all: BTreeSet<ActionId> = BTreeSet::new();
    let mut by_caller: BTreeMap<Workload, BTreeSet<ActionId>> = BTreeMap::new();
    for (action, evidence) in &subject.gap.activity.used {
        all.insert(*action);
        for (place, calls) in &evidence.behind {
            let Some(actor) = subject.table.behind.get(*place).and_then(|behind| behind.actor()) else {
                continue;
            };
            if let Some(caller) = subject.gap.users.user(actor, *calls).workload.filter(brings_policy) {
                by_caller.entry(caller).or_default().insert(*action);
            }
        }
    }
    let narrow = by_caller.iter().filter(|(_, used)| used.len() * 2 <= all.len());
    let narrow: Vec<(&Workload, &BTreeSet<ActionId>)> = narrow.collect();
    if by_caller.len() < 2 || all.len() < WIDE || narrow.is_empty() {
        return None;
    }
    let line = |(caller, used): (&Workload, &BTreeSet<ActionId>)| {
        let names: Vec<&str> = used
            .iter()
            .take(5)
            .map(|action| subject.catalog.name(*action))
            .collect();
        let more = if used.len() > names.len() { ", …" } else { "" };
        format!(
            "{} uses {} of {} actions: {}{more}",
            called(caller),
            used.len(),
            all.len(),
            names.join(", ")
        )
    };
    Some(Found {
        about: String::new(),
        severity: Severity::Low,
        title: format!("role {} is wide, and its sessions are narrow", role.name),
        why: "each session has what all of them need together, for as long as it lasts".to_owned(),
        fix: "pass a session policy where the session is opened, with what that caller uses; or give that caller a role of its own"
            .to_owned(),
        commands: vec![
            "trimtrail analyze … --alternatives session".to_owned(),
            format!(
                "aws sts assume-role --role-arn {} --role-session-name NAME --policy file://session.json  # undo: the same without --policy",
                super::retire::shell(&role.arn)
            ),
        ],
        evidence: narrow.into_iter().map(line).collect(),
    })
}

/// Whether whoever opens the session can pass a policy along: not a pod by IRSA, whose SDK passes none, nor Identity Center.
fn brings_policy(caller: &Workload) -> bool {
    match caller.kind {
        WorkloadKind::Principal | WorkloadKind::WebIdentity | WorkloadKind::Saml | WorkloadKind::PodIdentity => true,
        WorkloadKind::ServiceAccount
        | WorkloadKind::Ec2
        | WorkloadKind::Lambda
        | WorkloadKind::Ecs
        | WorkloadKind::Sso
        | WorkloadKind::Service => false,
    }
}

fn called(caller: &Workload) -> String {
    match &caller.namespace {
        Some(namespace) => format!("{namespace}/{}", caller.name),
        None => caller.name.clone(),
    }
}
