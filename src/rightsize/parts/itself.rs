//! What a role is beside its policies: its tags, which conditions ask for, and its name, which others' policies hold. The
//! roles of a split get the tags; the name is the old role's alone.

use serde_json::Value;

use crate::catalog::Catalog;
use crate::gap::{ActionSet, Gap};
use crate::grants::{Grants, Kind, Principal};
use crate::iam::policy::Principal as Named;
use crate::iam::{Policy, PrincipalPart, Statement, pattern};

/// Tags of a session that EKS Pod Identity opens, which a new role's sessions have as well (EKS user guide, "Grant Pods access
/// to AWS resources based on tags").
const OF_PODS: [&str; 2] = ["eks-cluster-", "kubernetes-"];
/// What tells a role from every other (IAM user guide, "AWS global condition context keys").
const OF_NAME: [&str; 3] = ["aws:principalarn", "aws:userid", "aws:username"];
const TAG: &str = "aws:principaltag/";

/// Why a new role would not be allowed the same by the same documents, its boundary among them.
pub(super) fn why_not(grants: &Grants, role: &Principal, documents: &Value) -> Option<String> {
    let boundary = role.permissions_boundary.as_ref();
    let boundary = boundary.and_then(|arn| grants.policies.iter().find(|policy| policy.arn == *arn));
    let mut texts = vec![documents.to_string().to_lowercase()];
    texts.extend(boundary.map(|policy| policy.document.to_string().to_lowercase()));
    for text in &texts {
        if let Some(key) = OF_NAME.into_iter().find(|key| text.contains(key)) {
            return Some(format!("its policies ask for {key}, which is another of each new role"));
        }
        for (at, _) in text.match_indices(TAG) {
            let key = text[at + TAG.len()..].split(['"', '}', ',']).next().unwrap_or_default();
            let known = role.tags.keys().any(|tag| tag.to_lowercase() == key.trim());
            // Nobody can give a role a tag that begins so (IAM user guide, "Tags for IAM resources").
            if key.starts_with("aws:") {
                return Some(format!("its policies ask for its tag {key}, which only AWS sets"));
            }
            let of_session = OF_PODS.iter().any(|of| key.starts_with(of));
            if !known && !of_session && role.tags.is_empty() {
                return Some(format!(
                    "its policies ask for its tag {key}, and the grants tell no tags of it that new roles could have"
                ));
            }
        }
    }
    None
}

/// Roles whose trust policies name a role, and would not let in another one, by their ARNs; none where the share takes no role.
pub(super) fn named_by(
    catalog: &Catalog,
    grants: &Grants,
    role: &Principal,
    new: &str,
    (share, kept): (&Gap, &ActionSet),
) -> Vec<String> {
    let takes = catalog
        .id("sts:AssumeRole")
        .is_some_and(|action| kept.contains(action) || share.activity.used.contains_key(&action));
    let others = grants
        .principals
        .iter()
        .filter(|other| takes && other.kind == Kind::Role && other.arn != role.arn);
    let naming = others.filter(|other| matches!(&other.trust, Some(Ok(trust)) if names(trust, role, new)));
    naming.map(|other| other.arn.clone()).collect()
}

fn names(policy: &Policy, role: &Principal, new: &str) -> bool {
    let by_principal = |statement: &Statement| match &statement.principal {
        PrincipalPart::Principal(named) | PrincipalPart::NotPrincipal(named) => named
            .iter()
            .any(|who| matches!(who, Named::Aws(arn) if *arn == role.arn)),
        PrincipalPart::None => false,
    };
    let by_condition = |statement: &Statement| {
        statement.conditions.iter().any(|one| {
            let holds = |value: &String| match one.key.to_lowercase().as_str() {
                "aws:principalarn" => pattern::matches(value, &role.arn) && !pattern::matches(value, new),
                "aws:userid" => !role.id.is_empty() && value.starts_with(&role.id),
                _ => false,
            };
            one.values.iter().any(holds)
        })
    };
    policy
        .statements
        .iter()
        .any(|one| by_principal(one) || by_condition(one))
}
