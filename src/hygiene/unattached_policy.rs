//! Unattached policy: a customer-managed policy that nobody has.

use std::collections::BTreeSet;

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day, retire};
use crate::grants::{Grants, PolicyKind};
use crate::iam::pattern;
use crate::time::DAY;

pub(super) const CHECK: Check = Check {
    id: "unattached-policy",
    practice: Practice::RemoveUnused,
    find: Find::OfAccount(check),
    about: About {
        what: "A customer-managed policy that is attached to nobody and is nobody's boundary.",
        abuse: "Whoever may attach policies finds it ready. It also grows stale: nobody reviews what nobody has.",
        instead: "The policy's text in version control, from where it can be made again.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-delete.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let to = account.ground.window.end;
    let young = i64::from(account.ground.options.grace.max(account.ground.options.min_window)) * DAY;
    let (ground, demanded) = (account.ground, boundaries_asked_for(account.ground.grants));
    let unattached = account.ground.grants.policies.iter().filter(|policy| {
        policy.kind == PolicyKind::Managed
            && policy.attachment_count == Some(0)
            && policy.attached_to.is_empty()
            && !policy.is_boundary
            && ground.hears(&policy.account)
            && !account.ground.across.touched(&policy.arn)
            && !demanded.iter().any(|arn| pattern::matches(arn, &policy.arn))
            && policy.updated.is_some_and(|updated| to - updated.as_second() >= young)
    });
    let found = unattached.map(|policy| {
        let arn = retire::shell(&policy.arn);
        AccountFound {
            account: policy.account.clone(),
            found: Found {
                about: policy.arn.clone(),
                severity: Severity::Low,
                title: format!("policy {} is attached to nobody", policy.name),
                why: "it grants nothing to anybody, and is ready for whoever may attach policies".to_owned(),
                fix: "save its text, then delete it".to_owned(),
                commands: vec![
                    format!("aws iam list-policy-versions --policy-arn {arn}"),
                    format!(
                        "aws iam get-policy-version --policy-arn {arn} --version-id v1 > saved.json, for each version; aws iam delete-policy-version --policy-arn {arn} --version-id VERSION, for each that is not the default"
                    ),
                    format!(
                        "aws iam delete-policy --policy-arn {arn}  # undo: aws iam create-policy --policy-name {} --policy-document, with Document of saved.json",
                        retire::shell(&policy.name)
                    ),
                ],
                evidence: vec![format!(
                    "AttachmentCount is 0, last changed {}",
                    policy.updated.map_or_else(String::new, |updated| day(updated.as_second()))
                )],
            },
        }
    });
    found.collect()
}

/// Boundaries that conditions ask for, of whoever makes users and roles: ARNs or patterns. The first role that is made under
/// one needs it.
fn boundaries_asked_for(grants: &Grants) -> BTreeSet<String> {
    let own = grants.policies.iter().filter_map(|policy| policy.policy.as_ref().ok());
    let organization = grants.supplements.organization.iter().flat_map(|of| of.values());
    let above = organization.flat_map(|of| of.service_control.iter().chain(&of.resource_control).flatten());
    let statements = own.chain(above).flat_map(|policy| &policy.statements);
    let conditions = statements.flat_map(|statement| &statement.conditions);
    let asked = conditions.filter(|condition| condition.key.eq_ignore_ascii_case("iam:PermissionsBoundary"));
    asked
        .flat_map(|condition| condition.values.iter().map(|value| any_variable(value)))
        .collect()
}

/// A value with a `*` for each variable.
fn any_variable(value: &str) -> String {
    let mut parts = value.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('*');
        text.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    text
}
