//! A session policy as the own policy of an EKS Pod Identity association: ready to use, with its price, or why it cannot be.
//!
//! Reference: EKS API reference, UpdatePodIdentityAssociation, `policy` and `disableSessionTags`; EKS user guide, "Grant
//! Pods access to AWS resources based on tags".

use serde_json::{Value, json};

use crate::attribute::Workload;
use crate::grants::{Eks, Grants, Principal, PrincipalIndex};
use crate::report::reached::{Reached, reached};
use crate::verify::ProvedAlternative;

const PRICE: &str = "For EKS Pod Identity it is the association's own `policy`, which needs `disableSessionTags`: its sessions \
                     then carry no tags, and the trail no longer tells the pods apart. Where that matters make a role for \
                     each instead (the `split`)";

/// Inputs for each pod's association, and what to know; nothing where no pod is concerned.
pub(super) fn associations(grants: &Grants, alternative: &ProvedAlternative) -> (Vec<Value>, Option<String>) {
    let (Some(role), [_, ..]) = (alternative.affects.first(), &alternative.pods[..]) else {
        return (Vec::new(), None);
    };
    if let Some(where_from) = asks_tags(grants, *role) {
        let why = format!(
            "As the own `policy` of an EKS Pod Identity association it cannot be used: it needs `disableSessionTags`, and \
             {where_from} asks for those tags"
        );
        return (Vec::new(), Some(why));
    }
    let [document] = &alternative.documents[..] else {
        return (Vec::new(), None);
    };
    let policy = document.to_string();
    let role = &grants.principals[*role];
    let inputs = alternative
        .pods
        .iter()
        .filter_map(|pod| input(&grants.supplements.eks, role, pod, &policy));
    (inputs.collect(), Some(PRICE.to_owned()))
}

fn input(eks: &Eks, role: &Principal, pod: &Workload, policy: &str) -> Option<Value> {
    let (cluster, namespace) = (eks.plain_name(pod.cluster.as_deref()?), pod.namespace.as_deref()?);
    let known = eks.associations_of(&role.arn).find(|known| {
        let names = (
            known.cluster.as_str(),
            known.namespace.as_str(),
            known.service_account.as_str(),
        );
        names == (cluster, namespace, pod.name.as_str()) && !known.id.is_empty()
    });
    let reached = reached(role, known, eks);
    // Beside a target role the policy narrows that one alone (EKS API reference, CreatePodIdentityAssociation, `policy`).
    let has_target = known.is_some_and(|known| known.target_role.is_some());
    if has_target && reached == Reached::First {
        return None;
    }
    let mut input = json!({"clusterName": cluster, "disableSessionTags": true, "policy": policy});
    match (known, reached) {
        (Some(known), _) => input["associationId"] = json!(known.id),
        (None, Reached::Target(None)) => return None,
        (None, Reached::First) => input["roleArn"] = json!(role.arn),
        (None, Reached::Target(first)) => {
            input["roleArn"] = json!(first);
            input["targetRoleArn"] = json!(role.arn);
        }
    }
    if known.is_none() {
        input["namespace"] = json!(namespace);
        input["serviceAccount"] = json!(pod.name);
    }
    Some(input)
}

/// What of a role asks for the tags of Pod Identity's sessions: without them it would let nobody in, or allow nothing.
fn asks_tags(grants: &Grants, role: PrincipalIndex) -> Option<String> {
    let is_tag = |key: &str| {
        let key = key.to_ascii_lowercase();
        let tag = key
            .strip_prefix("aws:requesttag/")
            .or(key.strip_prefix("aws:principaltag/"));
        tag.is_some_and(|tag| tag.starts_with("kubernetes-") || tag.starts_with("eks-cluster-"))
    };
    let principal = &grants.principals[role];
    let mut of_trust = principal.trust_statements().iter().flat_map(|one| &one.conditions);
    if of_trust.any(|condition| is_tag(&condition.key)) {
        return Some("the role's trust policy".to_owned());
    }
    let policies = grants.policies_of(role).into_iter().map(|at| &grants.policies[at]);
    policies.into_iter().find_map(|policy| {
        let text = policy.document.to_string().to_ascii_lowercase();
        let asks = text.contains("aws:principaltag/kubernetes-") || text.contains("aws:principaltag/eks-cluster-");
        asks.then(|| format!("its policy {}", policy.name))
    })
}
