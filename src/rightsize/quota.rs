//! How long a policy may be, counted as AWS counts, and how many of them may hang on one principal.
//!
//! Figures: IAM user guide, "IAM and AWS STS quotas", sections "IAM and STS character limits" and "IAM object quotas";
//! IAM Identity Center user guide, "IAM Identity Center quotas" (permission sets). Read 2026-11.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::grants::{Grants, Kind, PolicyIndex, PolicyKind, PrincipalIndex};

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

/// Policies that share one quota.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Purse {
    /// All of them.
    pub(super) policies: Vec<PolicyIndex>,
    /// What AWS allows them together.
    pub(super) quota: Quota,
}

/// All policies by what they share: the inline policies of one owner together, each managed policy alone.
pub(super) fn purses(grants: &Grants) -> Vec<Purse> {
    let mut purses: Vec<Purse> = Vec::new();
    let mut owners: BTreeMap<PrincipalIndex, usize> = BTreeMap::new();
    for (index, policy) in grants.policies.iter().enumerate() {
        let owner = policy.attached_to.first().filter(|_| policy.kind == PolicyKind::Inline);
        let quota = match owner.map(|owner| grants.principals[*owner].kind) {
            None => MANAGED,
            Some(Kind::Role) => INLINE_ROLE,
            Some(Kind::User) => INLINE_USER,
            Some(Kind::Group) => INLINE_GROUP,
        };
        let known = owner.map(|owner| *owners.entry(*owner).or_insert(purses.len()));
        match known.and_then(|at| purses.get_mut(at)) {
            Some(purse) => purse.policies.push(index),
            None => purses.push(Purse {
                policies: vec![index],
                quota,
            }),
        }
    }
    purses
}
