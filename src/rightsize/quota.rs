//! How long a policy may be, counted as AWS counts.
//!
//! Figures: IAM user guide, "IAM and STS quotas" (read 2026-11).

use serde_json::Value;

use crate::grants::{Grants, Kind, PolicyIndex, PolicyKind};

const MANAGED: u64 = 6_144;
const INLINE_USER: u64 = 2_048;
const INLINE_ROLE: u64 = 10_240;
const INLINE_GROUP: u64 = 5_120;

/// Characters of a document without white space, which IAM does not count.
pub fn characters(document: &Value) -> u64 {
    let text = document.to_string();
    text.chars().filter(|c| !c.is_whitespace()).count() as u64
}

/// What AWS allows: of a managed policy alone, of an inline policy what the owner's other inline policies leave.
pub fn quota(grants: &Grants, policy: PolicyIndex) -> u64 {
    let document = &grants.policies[policy];
    match (document.kind, document.attached_to.first()) {
        (PolicyKind::Managed | PolicyKind::AwsManaged, _) | (PolicyKind::Inline, None) => MANAGED,
        (PolicyKind::Inline, Some(owner)) => {
            let owner = &grants.principals[*owner];
            let whole = match owner.kind {
                Kind::Role => INLINE_ROLE,
                Kind::User => INLINE_USER,
                Kind::Group => INLINE_GROUP,
            };
            let others: u64 = owner
                .policies
                .iter()
                .filter(|other| **other != policy && grants.policies[**other].kind == PolicyKind::Inline)
                .map(|other| characters(&grants.policies[*other].document))
                .sum();
            whole.saturating_sub(others)
        }
    }
}
