//! What people are asked, and what they answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rightsize::Patterns;

/// One open question: may these actions go, though nobody can see whether they are used?
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// ARN of the principal that is granted them.
    pub principal: String,
    /// ARNs of others just like it, of whom the same is asked: with the same policies, trust policy, boundary and owner, of
    /// this account or of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Their service.
    pub service: String,
    /// A stable name of why nobody can see them: `never-logged`, `left-out`, `data-events`, `no-region`, `hole`, `names-nobody` or
    /// `service-accessed`.
    pub reason: String,
    /// The reason in words.
    pub says: String,
    /// How many actions.
    pub count: u64,
    /// Patterns that name them, in the catalog of the result.
    pub actions: Patterns,
    /// Some of the resources that they are granted on.
    pub granted_on: Vec<String>,
    /// How much risk would go with them.
    pub risk: u64,
}

/// A choice that was given, and whether it still matches.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Whom it names: a glob over the ARN, the name or the path, or `tag:KEY=VALUE`.
    pub principal: String,
    /// The service.
    pub service: String,
    /// Why nobody could see the actions then.
    pub reason: String,
    /// The actions, by name or pattern.
    pub actions: Vec<String>,
    /// `keep`, `drop`, or `ask again on YYYY-MM-DD`.
    pub decision: String,
    /// Who chose.
    pub who: String,
    /// What for.
    pub why: String,
    /// Why it no longer matches; `null` where it does.
    pub stale: Option<String>,
}
