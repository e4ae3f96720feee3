//! Unconditional cross-account trust: a principal of another account takes the role, and no condition guards the way.

use std::collections::BTreeSet;

use super::unused_cross_account_trust::account_of;
use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::iam::{Effect, PrincipalPart, pattern};

pub(super) const CHECK: Check = Check {
    id: "unconditional-cross-account-trust",
    practice: Practice::Hierarchy,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A principal of another account took the role, and the trust policy lets it in without any condition: no external id, no organization.",
        abuse: "Of a vendor's account, another customer of the vendor can have it take your role (the confused deputy). Of your own, whoever gets into that account walks on into this one.",
        instead: "The same temporary credentials, under a condition: sts:ExternalId for somebody else's account, aws:PrincipalOrgID for one of your own.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    let mut open: BTreeSet<String> = BTreeSet::new();
    for statement in role.trust_statements() {
        if let (Effect::Allow, PrincipalPart::Principal(named), true) =
            (statement.effect, &statement.principal, statement.conditions.is_empty())
        {
            open.extend(named.iter().filter_map(account_of));
        }
    }
    open.remove(&role.account);
    if open.is_empty() {
        return None;
    }
    // Whom the other account's own trail names, or where that is not here, the account alone.
    let mut takers: BTreeSet<(&str, &str)> = BTreeSet::new();
    for row in &subject.ground.across.taking {
        let signature = &subject.table.signatures[row.signature].signature;
        if signature.error_code.is_empty()
            && open.contains(&*signature.caller.account)
            && row.resources.iter().any(|arn| pattern::matches(arn, &role.arn))
        {
            takers.insert((&signature.caller.account, &signature.caller.arn));
        }
    }
    let known: BTreeSet<&str> = takers
        .iter()
        .filter(|(_, arn)| !arn.is_empty())
        .map(|(account, _)| *account)
        .collect();
    takers.retain(|(account, arn)| !arn.is_empty() || !known.contains(account));
    if takers.is_empty() {
        return None;
    }
    let own: BTreeSet<&str> = subject
        .ground
        .grants
        .principals
        .iter()
        .map(|principal| principal.account.as_str())
        .collect();
    let foreign = takers.iter().any(|(account, _)| !own.contains(account));
    let line = |(account, arn): &(&str, &str)| {
        let who = if arn.is_empty() {
            format!("somebody of account {account}")
        } else {
            (*arn).to_owned()
        };
        format!("{who} took {}", role.arn)
    };
    Some(Found {
        about: String::new(),
        severity: if foreign { Severity::Medium } else { Severity::Low },
        title: format!("role {} is taken from another account, and no condition guards the way", role.name),
        why: "it is one step of a chain of roles: whoever holds the first one holds this one too".to_owned(),
        fix: if foreign {
            "agree on an external id with whoever owns that account, and add StringEquals on sts:ExternalId to the trust policy"
        } else {
            "add StringEquals on aws:PrincipalOrgID to the trust policy, or on sts:ExternalId if the account is somebody else's"
        }
        .to_owned(),
        commands: vec![format!(
            "aws iam get-role --role-name {0} --query Role.AssumeRolePolicyDocument > trust.json && aws iam update-assume-role-policy --role-name {0} --policy-document file://guarded.json  # undo: the same command with trust.json",
            super::retire::shell(&role.name)
        )],
        evidence: takers.iter().map(line).collect(),
    })
}
