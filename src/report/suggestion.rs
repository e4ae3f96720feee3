//! Documents that were proved, and those that were refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RoleSplit;
use crate::rightsize::Patterns;

/// What is said of a proved smaller policy, beside its documents.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// Stable for the same policy and content.
    pub id: String,
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `inline`, `managed`, `aws_managed`, `group` or `permission_set`.
    pub kind: String,
    /// ARNs of all principals that the change affects.
    pub affects: Vec<String>,
    /// What it goes down to: `services`, `actions` or `resources`.
    pub step: String,
    /// `replace`, `detach` or `delete`.
    pub change: String,
    /// SHA-256 of `before` as compact JSON, hex.
    pub before_sha256: String,
    /// Where each statement of `after` comes from, in their order. Results of earlier versions have none.
    #[serde(default)]
    pub statements: Vec<StatementOrigin>,
    /// Sizes as AWS counts them.
    pub characters: Characters,
    /// Patterns that name the actions that go.
    #[serde(default)]
    #[schemars(schema_with = "super::alike::entries::<String>")]
    pub removed: Patterns,
    /// How many catalog actions go.
    pub removed_actions: u64,
    /// The most dangerous of them.
    pub risk_removed: Vec<String>,
    /// Resources that became narrower.
    pub narrowed: Vec<Narrowed>,
    /// What nobody may need and stays for lack of room; `null` where nothing does.
    #[serde(default)]
    pub room: Option<Room>,
    /// What the suggestion takes for granted.
    pub assumptions: Vec<String>,
    /// Why not to apply it yet.
    pub held: Option<String>,
    /// Until when, RFC 3339, where time alone decides it and the archive goes on; `null` where somebody has to look first.
    #[serde(default)]
    pub held_until: Option<String>,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// What keeps it from being higher.
    #[serde(default)]
    pub confidence_why: Vec<String>,
    /// After this moment analyse again, RFC 3339: 14 days from the day of the analysis.
    pub expires: String,
    /// How many actions stay only because nobody could see whether they are used.
    #[serde(default)]
    pub unseen_actions: u64,
    /// What people chose, where that had its say.
    #[serde(default)]
    pub chosen: Vec<Chosen>,
    /// What was proved.
    pub verdict: Verdict,
}

/// A choice that somebody made, and what of a policy it decided.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Chosen {
    /// ARN of whom it is about.
    pub principal: String,
    /// `keep`, `drop`, or `ask again on YYYY-MM-DD`.
    pub decision: String,
    /// How many actions of the policy.
    pub count: u64,
    /// Patterns that name them.
    pub actions: Patterns,
    /// Who chose.
    pub who: String,
    /// What for.
    pub why: String,
}

/// Where a statement of a suggested document comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct StatementOrigin {
    /// Indices from 0 of the statements of `before` that it was; several, where statements became one.
    pub from: Vec<u64>,
    /// What it holds, where that stays only because nobody could see whether it is used; `null` for other statements.
    pub unseen: Option<Unseen>,
}

/// What stays only because nobody could see whether it is used.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    /// How many actions, names included that the catalog does not know.
    pub actions: u64,
    /// Of which services they are, the one of most actions first. Results of earlier versions have none.
    #[serde(default)]
    pub services: Vec<UnseenService>,
    /// Why nobody could see them, the most frequent reason first.
    pub why: Vec<UnseenWhy>,
}

/// A service, and how many of its actions.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct UnseenService {
    /// The service's prefix.
    pub service: String,
    /// How many actions.
    pub actions: u64,
}

/// A reason, and for how many actions it holds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct UnseenWhy {
    /// How many actions.
    pub actions: u64,
    /// The reason.
    pub why: String,
    /// Its stable name, as questions have it; `null` where AWS denied every call, and in results of earlier versions.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What stays although nobody may need it: whole services take less room than their single actions.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Room {
    /// How many catalog actions.
    pub actions: u64,
    /// Patterns that name them.
    #[schemars(schema_with = "super::alike::entries::<String>")]
    pub patterns: Patterns,
    /// What frees them.
    pub note: String,
}

/// Characters of a policy as AWS counts them: without white space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Characters {
    /// Of the document as it stands.
    pub before: u64,
    /// Of the document suggested.
    pub after: u64,
    /// What AWS allows for this kind of policy.
    pub quota: u64,
}

/// A resource that became narrower.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Narrowed {
    /// The statement's Sid, or its index from 0.
    pub statement: String,
    /// The patterns before.
    pub from: Vec<String>,
    /// The patterns after.
    pub to: Vec<String>,
}

/// What was proved of a suggestion.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// `proved`: it allows nothing that the original does not.
    pub narrower: String,
    /// `proved`: every observed call that the original allows, it allows; of a role's part with what has to be changed elsewhere.
    pub keeps: String,
    /// Pairs of action and observed resource shape that were replayed.
    pub shapes_proved: u64,
    /// Calls that they stand for, each event once: those of the affected principals that needed, or may have needed, some
    /// action, and were not surely denied it.
    pub calls_represented: u64,
    /// Of those calls, the ones whose resources the log shows only in part.
    pub incomplete: u64,
    /// Calls whose operation the catalog does not know; their services stay whole.
    pub unmapped: u64,
    /// Calls that no statement explains, each event once; all that could explain them stays.
    #[serde(default)]
    pub unexplained: u64,
    /// Who dropped actions whose use nobody can see: the proof says nothing of those.
    #[serde(default)]
    pub chosen_by: Vec<String>,
}

/// Another proved way to the same end. None of them takes a policy's place unasked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Alternative {
    /// `permissions_boundary`, `trial_deny`, `session_policy`, or `split`: of a policy that is too long, or of a role that
    /// several workloads share.
    pub kind: String,
    /// The policy that a split takes the place of; `null` for what stands beside all policies of a principal.
    pub policy: Option<String>,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: Option<String>,
    /// ARNs of all principals that it affects.
    pub affects: Vec<String>,
    /// The documents to create.
    pub documents: Vec<Value>,
    /// Of a role that several workloads share: the roles that it should be. `documents` are then all of their policies.
    #[serde(default)]
    pub split: Option<RoleSplit>,
    /// Of a session policy for one workload alone: whose.
    #[serde(default)]
    pub workload: Option<String>,
    /// Of a session policy for pods with EKS Pod Identity: input of `aws eks update-pod-identity-association
    /// --cli-input-json` where the association is known, else of `create-pod-identity-association`.
    #[serde(default)]
    pub associations: Vec<Value>,
    /// Characters of each as AWS counts them.
    pub characters: Vec<u64>,
    /// What AWS allows for each.
    pub quota: u64,
    /// Whether it leaves exactly the permissions that stay, whatever the request; a trial denial does not.
    pub equivalent: bool,
    /// How it differs, and how to use it.
    pub note: String,
    /// Why not to use it yet.
    pub held: Option<String>,
    /// What was proved: with it nothing is allowed that is not without it, and every observed call still is.
    pub verdict: Verdict,
}

/// A candidate that a proof refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// ARNs of all principals it would have affected.
    pub affects: Vec<String>,
    /// Of a refused alternative its kind; `null` for a replacement.
    #[serde(default)]
    pub kind: Option<String>,
    /// The candidate document; `null` where none could be made.
    pub after: Value,
    /// A request that the two documents decide differently, or the step that could not be proved.
    pub witness: String,
}
