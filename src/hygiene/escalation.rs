//! Escalation: a principal that may give itself more permissions through policies of its own, and does not use that.

use std::collections::BTreeMap;

use super::{Finding, Severity, Subject};
use crate::gap::Grade;
use crate::grants::{Kind, PolicyKind};
use crate::iam::ResourcePart;

/// Actions by which one call changes what somebody may do, whatever else is granted.
const ALONE: [&str; 12] = [
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
];

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let principal = subject.principal;
    if principal.kind == Kind::Group || principal.path.starts_with("/aws-") {
        return None;
    }
    let mut by_policy: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for slice in &subject.gap.slices {
        let policy = &subject.grants.policies[slice.policy];
        let Ok(document) = &policy.policy else {
            continue;
        };
        let everywhere = document
            .statements
            .iter()
            .filter(|statement| statement.index == slice.statement)
            .any(|statement| match &statement.resource {
                ResourcePart::Resource(resources) => resources.iter().any(|resource| resource.is_everything()),
                ResourcePart::NotResource(_) => true,
                ResourcePart::None => false,
            });
        if policy.kind != PolicyKind::Inline || !everywhere {
            continue;
        }
        let risky = ALONE.into_iter().filter(|name| {
            subject.catalog.id(name).is_some_and(|action| {
                slice.granted.contains(action) && !matches!(slice.grade(action), Grade::Used | Grade::Inferred)
            })
        });
        by_policy.entry(&policy.name).or_default().extend(risky);
    }
    let evidence: Vec<String> = by_policy
        .into_iter()
        .filter(|(_, actions)| !actions.is_empty())
        .map(|(policy, actions)| format!("inline policy {policy}: {}", actions.join(", ")))
        .collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Finding {
        id: "escalation",
        severity: Severity::High,
        practice: "keep the keys to IAM apart",
        title: format!(
            "{} {} may give itself any permission",
            principal.kind.name(),
            principal.name
        ),
        why: "an inline policy allows it to change anybody's permissions, and it has not used that".to_owned(),
        fix: "take these actions out, or bind them to a path and a permissions boundary".to_owned(),
        evidence,
    })
}
