//! How long a policy may be, counted as AWS counts, and how many of them may hang on one principal.
//!
//! Figures: IAM user guide, "IAM and AWS STS quotas", sections "IAM and STS character limits" and "IAM object quotas";
//! IAM Identity Center user guide, "IAM Identity Center quotas" (permission sets). Read 2026-11.

use serde_json::Value;

use crate::grants::{Grants, Kind, PolicyIndex, PolicyKind};

/// A limit in characters, white space not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// What it limits.
    pub what: &'static str,
    /// Characters.
    pub characters: u64,
}

/// One managed policy.
pub const MANAGED: Quota = Quota {
    what: "a managed policy",
    characters: 6_144,
};
/// All inline policies of a user together.
pub const INLINE_USER: Quota = Quota {
    what: "all inline policies of a user",
    characters: 2_048,
};
/// All inline policies of a role together.
pub const INLINE_ROLE: Quota = Quota {
    what: "all inline policies of a role",
    characters: 10_240,
};
/// All inline policies of a group together.
pub const INLINE_GROUP: Quota = Quota {
    what: "all inline policies of a group",
    characters: 5_120,
};
/// The inline policy of a permission set.
pub const PERMISSION_SET: Quota = Quota {
    what: "the inline policy of a permission set",
    characters: 32_768,
};
/// A policy passed when a session is opened; packed with tags it may have less room.
pub const SESSION: Quota = Quota {
    what: "a session policy",
    characters: 2_048,
};
/// A role's trust policy, unless AWS raised it (to 8,192 at most).
pub const TRUST: Quota = Quota {
    what: "a trust policy",
    characters: 2_048,
};

/// Managed policies that one principal of a kind may have attached, unless AWS raised it.
pub fn attachments(kind: Kind) -> usize {
    match kind {
        Kind::Role => 20,
        Kind::User | Kind::Group => 10,
    }
}

/// Characters of a document without white space, which IAM does not count.
pub fn characters(document: &Value) -> u64 {
    characters_of(&document.to_string())
}

/// Characters of a document's text without white space.
pub fn characters_of(text: &str) -> u64 {
    text.chars().filter(|c| !c.is_whitespace()).count() as u64
}

/// What AWS allows a policy. An inline policy gets its own size and an even share of the room that its owner's inline
/// policies leave, so that all of them may grow and be put in place in any order.
pub fn quota(grants: &Grants, policy: PolicyIndex) -> u64 {
    let document = &grants.policies[policy];
    match (document.kind, document.attached_to.first()) {
        (PolicyKind::Managed | PolicyKind::AwsManaged, _) | (PolicyKind::Inline, None) => MANAGED.characters,
        (PolicyKind::Inline, Some(owner)) => {
            let owner = &grants.principals[*owner];
            let whole = match owner.kind {
                Kind::Role => INLINE_ROLE,
                Kind::User => INLINE_USER,
                Kind::Group => INLINE_GROUP,
            };
            let sizes: Vec<u64> = owner
                .policies
                .iter()
                .filter(|other| grants.policies[**other].kind == PolicyKind::Inline)
                .map(|other| characters(&grants.policies[*other].document))
                .collect();
            let room = whole.characters.saturating_sub(sizes.iter().sum());
            characters(&document.document) + room / (sizes.len() as u64).max(1)
        }
    }
}
