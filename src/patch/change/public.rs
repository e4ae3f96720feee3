//! Whether a resource or trust policy lets in somebody whom nobody named.

use super::{Example, Finding, FindingKind, likely};
use crate::hygiene::{strangers, trusted};
use crate::iam::policy::Principal;
use crate::iam::{Effect, Policy, PrincipalPart, ResourcePart, Statement};

/// The account that the resource is taken to be of.
const OWNER: &str = "111122223333";

/// The statements of a document that let in anybody.
pub(super) fn findings(policy: &Policy, lines: &[Option<usize>], shown: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, statement) in policy.statements.iter().enumerate() {
        if statement.effect != Effect::Allow || matches!(statement.principal, PrincipalPart::None) {
            continue;
        }
        let mut own = policy.clone();
        let is_own = |one: &Statement| one.effect == Effect::Deny || one.index == statement.index;
        own.statements.retain(is_own);
        if let Some((who, example)) = stranger(&own, statement) {
            let sid = statement.sid.as_deref().map(shown);
            findings.push(Finding {
                kind: FindingKind::Public,
                statement: Some(sid.unwrap_or_else(|| format!("Statement[{at}]"))),
                line: lines.get(at).copied().flatten(),
                what: format!("it lets in {who}"),
                example,
            });
        }
    }
    findings
}

fn stranger(policy: &Policy, statement: &Statement) -> Option<(String, Option<Example>)> {
    let is_trust = matches!(statement.resource, ResourcePart::None);
    if is_trust {
        let role = format!("arn:aws:iam::{OWNER}:role/example");
        let guests = trusted(policy, &role, OWNER);
        let (who, _) = guests.into_iter().find(|(_, under)| under.is_empty())?;
        return Some((who, None));
    }
    let everybody = match &statement.principal {
        PrincipalPart::Principal(all) => all.contains(&Principal::Everyone),
        PrincipalPart::NotPrincipal(_) => true,
        PrincipalPart::None => false,
    };
    if !everybody {
        return None;
    }
    let mut granting = policy.clone();
    granting.statements.retain(|one| one.effect == Effect::Allow);
    let mut nothing = policy.clone();
    nothing.statements.clear();
    let requests = likely::of(&nothing, &granting, &|_| true).requests;
    requests.into_iter().find_map(|(action, resources)| {
        resources.into_iter().find_map(|resource| {
            let (who, under) = strangers(policy, &action, &resource, OWNER)?;
            under.is_empty().then(|| {
                let example = Example {
                    action: action.clone(),
                    resource,
                    principal: Some("arn:aws:iam::999999999999:user/stranger".to_owned()),
                    context: Vec::new(),
                    references: Vec::new(),
                };
                (who, Some(example))
            })
        })
    })
}
