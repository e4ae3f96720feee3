//! Association without trust: EKS Pod Identity is to give a role that does not let it in, or that is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::pods::{admits, tags};
use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, retire};
use crate::attribute::{Workload, WorkloadKind};
use crate::grants::{Association, Principal};
use crate::iam::Answer;

pub(super) const CHECK: Check = Check {
    id: "association-without-trust",
    practice: Practice::ServiceAccounts,
    find: Find::OfAccount(check),
    about: About {
        what: "An EKS Pod Identity association names a role that does not exist, or whose trust policy does not let EKS take and tag its sessions.",
        abuse: "The pods get no credentials from it and may fall back to the node's role, which all pods of the node share. Whoever makes a role of that name anew decides what the pods do.",
        instead: "A trust policy for pods.eks.amazonaws.com with sts:AssumeRole and sts:TagSession, or another role.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let grants = account.ground.grants;
    let by_arn: BTreeMap<&str, &Principal> = grants.principals.iter().map(|one| (one.arn.as_str(), one)).collect();
    let accounts: BTreeSet<&str> = grants.principals.iter().map(|one| one.account.as_str()).collect();
    let associations = grants.supplements.eks.associations.values();
    let found = associations.filter_map(|association| {
        // The role is of the cluster's own account; what the grants do not hold is not known to be gone.
        let account = association.role.split(':').nth(4).filter(|id| accounts.contains(id))?;
        let (severity, wrong) = match by_arn.get(association.role.as_str()) {
            None => (Severity::Medium, "is gone".to_owned()),
            Some(role) => (Severity::Medium, why_not(role, association)?),
        };
        Some(AccountFound {
            account: account.to_owned(),
            found: told(
                association,
                &wrong,
                severity,
                by_arn.contains_key(association.role.as_str()),
            ),
        })
    });
    found.collect()
}

/// What keeps EKS from taking a role for an association; `None` where nothing does, or that cannot be told.
fn why_not(role: &Principal, association: &Association) -> Option<String> {
    let pod = Workload {
        kind: WorkloadKind::PodIdentity,
        cluster: Some(association.cluster.clone()),
        namespace: Some(association.namespace.clone()),
        name: association.service_account.clone(),
    };
    if admits(role, &pod) == Answer::No {
        return Some("does not let EKS take it for that service account".to_owned());
    }
    // Who lets EKS in by conditions that cannot be judged is not blamed for tags.
    (!association.no_session_tags && tags(role, &pod) == Answer::No)
        .then(|| "lets EKS take it but not tag its sessions (sts:TagSession)".to_owned())
}

fn told(association: &Association, wrong: &str, severity: Severity, is_there: bool) -> Found {
    let (namespace, name) = (&association.namespace, &association.service_account);
    let role = association.role.rsplit('/').next().unwrap_or(&association.role);
    let whose = format!(
        "--cluster-name {} --association-id {}",
        retire::shell(&association.cluster),
        retire::shell(&association.id)
    );
    let commands = match (is_there, association.id.is_empty()) {
        (true, _) => vec![format!(
            "aws iam get-role --role-name {} --query Role.AssumeRolePolicyDocument > trust.json, add pods.eks.amazonaws.com with sts:AssumeRole and sts:TagSession to a copy, aws iam update-assume-role-policy --role-name {} --policy-document file://COPY  # undo: the same with file://trust.json",
            retire::shell(role),
            retire::shell(role)
        )],
        (false, false) => vec![format!(
            "aws eks delete-pod-identity-association {whose}  # undo: aws eks create-pod-identity-association --cluster-name {} --namespace {} --service-account {} --role-arn ROLE",
            retire::shell(&association.cluster),
            retire::shell(namespace),
            retire::shell(name)
        )],
        (false, true) => Vec::new(),
    };
    Found {
        about: format!("{}/{namespace}/{name}", association.cluster),
        severity,
        title: format!("the association of {namespace}/{name} cannot work: role {role} {wrong}"),
        why: "pods that get no role from EKS may work with the node's, which is everybody's".to_owned(),
        fix: if is_there {
            "let pods.eks.amazonaws.com into the role, or associate another role".to_owned()
        } else {
            "associate a role that exists, or delete the association".to_owned()
        },
        commands,
        evidence: vec![format!(
            "association of {namespace}/{name} in cluster {} with {}",
            association.cluster, association.role
        )],
    }
}
