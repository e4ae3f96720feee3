//! Every policy of the grants, with what matches it to the file that it was made of.

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
    /// Why nothing may go from it; `null` where a suggestion says what may.
    pub why_not: Option<String>,
}
