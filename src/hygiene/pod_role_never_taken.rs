//! Pod role never taken: a role that only pods may take, and that no pod took in the window.

use super::graph::pods::{Ways, ways};
use super::{About, Check, Find, Found, Practice, Severity, Subject, annotation_without_effect, idle_role, retire};
use crate::attribute::cluster_of;
use crate::grants::{Association, Principal};

pub(super) const CHECK: Check = Check {
    id: "pod-role-never-taken",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "Only pods may take the role, by IRSA or EKS Pod Identity, and the archive shows no pod that did.",
        abuse: "Whoever may create a pod with that service account, or an association, has the role; nobody misses it, and nobody looks.",
        instead: "Nothing, if no service account needs it. Else an annotation or association that works: the pods may use the node's role meanwhile.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let ways = of_pods(subject.principal)?;
    let found = idle_role::idle(
        subject,
        "see why no pod takes it; if none should, deny its use for two weeks, then delete it",
    )?;
    if was_taken(subject) {
        return None;
    }
    let accounts = &subject.gap.trust.service_accounts;
    let mut evidence = vec!["no session of it was opened, by no service account".to_owned()];
    evidence.extend(
        accounts
            .iter()
            .map(|account| format!("its trust policy names {account}")),
    );
    let eks = &subject.ground.grants.supplements.eks;
    let associations: Vec<&Association> = eks.associations_of(&subject.principal.arn).collect();
    evidence.extend(associations.iter().map(|one| {
        let cluster = eks.name_of(&one.cluster);
        format!(
            "an association gives it to {}/{} of cluster {cluster}",
            one.namespace, one.service_account
        )
    }));
    if associations.is_empty() && ways.pod_identity && !eks.associations.is_empty() {
        // A list names no roles.
        let of_no_role = eks.associations.values().filter(|one| one.role.is_empty()).count();
        evidence.push(match of_no_role {
            0 => "no association of those that are given has it".to_owned(),
            n => format!("{n} associations are given without their roles: one of them may have it"),
        });
    }
    for one in subject
        .ground
        .grants
        .supplements
        .manifests
        .of_role(&subject.principal.arn)
    {
        let but = if annotation_without_effect::is_let_in(subject.principal, one) {
            ""
        } else {
            ", which its trust policy does not let in"
        };
        evidence.push(format!("{} annotates {} with it{but}", one.place, one.label()));
    }
    evidence.extend(found.evidence);
    let look = looks(&ways, accounts, subject.principal);
    Some(Found {
        severity: found.severity.min(Severity::Medium),
        title: format!("no pod took role {}", subject.principal.name),
        why: "its pods were never there, or work with another role, perhaps the node's; what they may do by it serves nobody"
            .to_owned(),
        evidence,
        commands: look.into_iter().chain(found.commands).collect(),
        ..found
    })
}

/// The ways in, where all of them are for pods.
pub(super) fn of_pods(role: &Principal) -> Option<Ways<'_>> {
    let ways = ways(role);
    (!ways.others && (ways.pod_identity || !ways.providers.is_empty())).then_some(ways)
}

/// Whether this check speaks of an idle role, so that the general one need not.
pub(super) fn speaks_of(subject: &Subject<'_>) -> bool {
    check(subject).is_some()
}

/// Whether the archive shows that a session of the role was opened.
pub(super) fn was_taken(subject: &Subject<'_>) -> bool {
    subject.ground.coverage.taken.contains_key(&subject.principal.id)
}

/// Where to look for the pods: commands that only read.
fn looks(ways: &Ways<'_>, accounts: &[String], role: &Principal) -> Vec<String> {
    let mut commands = Vec::new();
    let plain = |account: &&String| !account.contains(['*', '?']);
    for account in accounts.iter().filter(plain).take(10) {
        if let Some((namespace, name)) = account.split_once('/') {
            commands.push(format!(
                "kubectl get serviceaccount {} --namespace {} --output yaml  # is it annotated with {}?",
                retire::shell(name),
                retire::shell(namespace),
                retire::shell(&role.arn),
            ));
        }
    }
    let clusters: Vec<&str> = ways
        .providers
        .iter()
        .filter_map(|provider| cluster_of(provider))
        .collect();
    if !clusters.is_empty() {
        commands.push(format!(
            "aws eks describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer  # does it end in {}?",
            clusters
                .iter()
                .map(|cluster| retire::shell(cluster))
                .collect::<Vec<_>>()
                .join(" or "),
        ));
    }
    if ways.pod_identity {
        commands.push(format!(
            "aws eks list-pod-identity-associations --cluster-name CLUSTER  # does one of them, described, have {}?",
            retire::shell(&role.arn)
        ));
    }
    commands
}
