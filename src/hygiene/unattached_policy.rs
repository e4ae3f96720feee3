//! Unattached policy: a customer-managed policy that nobody has.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day, retire};
use crate::grants::PolicyKind;
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
    let to = account.window.end;
    let young = i64::from(account.options.grace.max(account.options.min_window)) * DAY;
    let unattached = account.grants.policies.iter().filter(|policy| {
        policy.kind == PolicyKind::Managed
            && policy.attachment_count == Some(0)
            && policy.attached_to.is_empty()
            && !policy.is_boundary
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
