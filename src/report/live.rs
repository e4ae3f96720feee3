//! Every policy of the grants, with what matches it to the file that it was made of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A policy that IAM holds, whether or not there is a suggestion for it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LivePolicy {
    /// Its name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `inline`, `managed`, `aws_managed`, `group` or `permission_set`.
    pub kind: String,
    /// ARNs of the principals that have it.
    #[serde(default)]
    pub owners: Vec<String>,
    /// SHA-256 of its document as compact JSON, hex: the `before` of a suggestion, else one of `policy_documents`.
    pub sha256: String,
    /// Tags of the principal that an inline policy is of, those that may tell where both are written: `Name`, where few have
    /// the same, UUIDs, and paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Why nothing may go from it; `null` where a suggestion says what may.
    pub why_not: Option<String>,
}

impl LivePolicy {
    /// Whether a tag is called as the one that names a thing.
    pub(crate) fn is_name(key: &str) -> bool {
        key.eq_ignore_ascii_case("Name")
    }

    /// Whether a text is a UUID, as tools write it where they trace a resource back to its lines.
    pub(crate) fn is_uuid(text: &str) -> bool {
        let groups: Vec<&str> = text.split('-').collect();
        let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
        groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(is_hex)
    }
}
