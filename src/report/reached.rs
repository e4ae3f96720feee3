//! How EKS Pod Identity gives a role to a pod: as the association's own role, or as the target role that the first one takes.

use crate::grants::{Association, Eks, Principal};
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart};

/// The place of a role in the associations that give it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reached {
    /// EKS takes it.
    First,
    /// The role that EKS takes first takes it; which one that is, where it is known (EKS user guide, "Access AWS resources
    /// using EKS Pod Identity target IAM roles").
    Target(Option<String>),
}

/// How a role is reached for one pod, whose association is known or not.
pub(super) fn reached(role: &Principal, known: Option<&Association>, eks: &Eks) -> Reached {
    let by = |one: &Association| match &one.target_role {
        Some(target) if *target == role.arn => Reached::Target(Some(one.role.clone()).filter(|arn| !arn.is_empty())),
        Some(_) | None => Reached::First,
    };
    if let Some(known) = known {
        return by(known);
    }
    let mut others = eks.associations_of(&role.arn).map(by);
    if let Some(first) = others.next() {
        return if others.all(|other| other == first) {
            first
        } else {
            Reached::First
        };
    }
    let mut callers: Vec<&str> = Vec::new();
    for statement in role.trust_statements() {
        let (Effect::Allow, PrincipalPart::Principal(named)) = (statement.effect, &statement.principal) else {
            continue;
        };
        for who in named {
            match who {
                Named::Service(service) if service.starts_with("pods.eks.amazonaws.com") => return Reached::First,
                Named::Aws(arn) => callers.push(arn),
                Named::Everyone | Named::Service(_) | Named::Federated(_) | Named::CanonicalUser(_) => {}
            }
        }
        let conditions = statement.conditions.iter();
        let callers_asked = conditions.filter(|condition| condition.key.eq_ignore_ascii_case("aws:PrincipalArn"));
        callers.extend(callers_asked.flat_map(|condition| condition.values.iter().map(String::as_str)));
    }
    if callers.is_empty() {
        return Reached::First;
    }
    callers.retain(|arn| arn.contains(":role/") && !arn.contains(['*', '?', '$']));
    callers.sort_unstable();
    callers.dedup();
    match callers[..] {
        [one] => Reached::Target(Some(one.to_owned())),
        _ => Reached::Target(None),
    }
}
