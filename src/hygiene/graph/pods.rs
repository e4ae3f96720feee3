//! Whether a pod may take a role today: asks the engine with what its token or its session's tags say.

use crate::attribute::{Workload, WorkloadKind, cluster_of, issuer_of};
use crate::grants::Principal;
use crate::iam::policy::Principal as Named;
use crate::iam::{Answer, Effect, Policies, Policy, PrincipalPart, Request, Statement, evaluate};

/// Who opens the sessions of Pod Identity.
const PODS: &str = "pods.eks.amazonaws.com";

/// In China some services have the partition's suffix behind their names.
fn is_eks(service: &str) -> bool {
    service.strip_suffix(".cn").unwrap_or(service) == PODS
}

/// The ways into a role for pods, of those that its trust policy allows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::hygiene) struct Ways<'a> {
    /// Identity providers of EKS clusters.
    pub(in crate::hygiene) providers: Vec<&'a str>,
    /// Whether Pod Identity is one.
    pub(in crate::hygiene) pod_identity: bool,
    /// Whether there is a way for anybody else, or the policy is not known.
    pub(in crate::hygiene) others: bool,
}

/// The ways into a role for pods.
pub(in crate::hygiene) fn ways(role: &Principal) -> Ways<'_> {
    let mut ways = Ways {
        others: !matches!(role.trust, Some(Ok(_))),
        ..Ways::default()
    };
    for statement in role.trust_statements() {
        let (Effect::Allow, PrincipalPart::Principal(named)) = (statement.effect, &statement.principal) else {
            ways.others |= statement.effect == Effect::Allow;
            continue;
        };
        for who in named {
            match who {
                Named::Service(service) if is_eks(service) => ways.pod_identity = true,
                Named::Federated(provider) if cluster_of(provider).is_some() => ways.providers.push(provider),
                Named::Everyone | Named::Aws(_) | Named::Service(_) | Named::Federated(_) | Named::CanonicalUser(_) => {
                    ways.others = true
                }
            }
        }
    }
    ways.providers.sort_unstable();
    ways.providers.dedup();
    ways
}

/// Whether a service account may take a role today, by IRSA or by Pod Identity as it was seen to. In doubt it may.
pub(in crate::hygiene) fn admits(role: &Principal, pod: &Workload) -> Answer {
    lets(role, pod, "sts:AssumeRole")
}

/// Whether EKS may tag the sessions that it opens for a service account. In doubt it may.
pub(in crate::hygiene) fn tags(role: &Principal, pod: &Workload) -> Answer {
    lets(role, pod, "sts:TagSession")
}

/// The same, `by_eks` being what EKS asks for.
fn lets(role: &Principal, pod: &Workload, by_eks: &str) -> Answer {
    let Some(Ok(trust)) = &role.trust else {
        return Answer::Unknown;
    };
    let namespace = pod.namespace.as_deref().unwrap_or_default();
    let allowed = trust
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow);
    let mut answers = Vec::new();
    for statement in allowed {
        let PrincipalPart::Principal(named) = &statement.principal else {
            return Answer::Unknown;
        };
        for who in named {
            match (who, pod.kind) {
                (Named::Everyone, _) => return Answer::Unknown,
                // A target role is taken by the role that EKS took first.
                (Named::Aws(_) | Named::CanonicalUser(_), WorkloadKind::PodIdentity) => return Answer::Unknown,
                (Named::Service(service), WorkloadKind::PodIdentity) if is_eks(service) => {
                    // The tags of a session that EKS opens (EKS user guide, "Grant Pods access to AWS resources based
                    // on tags").
                    let mut said = vec![
                        ("aws:RequestTag/kubernetes-namespace".to_owned(), namespace.to_owned()),
                        ("aws:RequestTag/kubernetes-service-account".to_owned(), pod.name.clone()),
                    ];
                    // Of several clusters of one name each is called by its name, account and region.
                    if let Some(plain) = pod.cluster.as_deref().and_then(|cluster| cluster.split(' ').next()) {
                        said.push(("aws:RequestTag/eks-cluster-name".to_owned(), plain.to_owned()));
                    }
                    answers.push(asks(role, trust, service, by_eks, &said));
                }
                (Named::Federated(provider), WorkloadKind::ServiceAccount) => {
                    let same = pod.cluster.is_none() || issuer_of(provider) == pod.cluster.as_deref();
                    if let (true, Some((_, issuer))) = (same, provider.split_once(":oidc-provider/")) {
                        let subject = format!("system:serviceaccount:{namespace}:{}", pod.name);
                        let said = [(format!("{issuer}:sub"), subject)];
                        answers.push(asks(role, trust, provider, "sts:AssumeRoleWithWebIdentity", &said));
                    }
                }
                (Named::Aws(_) | Named::Service(_) | Named::Federated(_) | Named::CanonicalUser(_), _) => {}
            }
        }
    }
    let is = |wanted: Answer| answers.contains(&wanted);
    match (is(Answer::Yes), is(Answer::Unknown)) {
        (true, _) => Answer::Yes,
        (false, true) => Answer::Unknown,
        (false, false) => Answer::No,
    }
}

/// What the trust policy says to a caller of whom this is known, and nothing else.
fn asks(role: &Principal, trust: &Policy, caller: &str, action: &str, said: &[(String, String)]) -> Answer {
    let mut request = Request {
        principal: caller.to_owned(),
        action: action.to_owned(),
        resource: role.arn.clone(),
        resource_account: Some(role.account.clone()),
        context: Default::default(),
    };
    for key in trust.statements.iter().flat_map(Statement::keys) {
        request.context.set_unknown(&key);
    }
    for (key, value) in said {
        request.context.set(key, vec![value.clone()]);
    }
    let policies = Policies {
        resource: Some(trust.clone()),
        ..Policies::default()
    };
    evaluate(&request, &policies).allows
}

#[cfg(test)]
mod tests;
