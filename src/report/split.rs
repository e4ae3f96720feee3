//! A role that several workloads share, as the roles that it should be: who uses what, and all that it takes to make them.

mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::build::{named_workload, verdict_of};
use super::{Sessions, Verdict, Workload};
use crate::catalog::{ActionId, Catalog};
use crate::gap::ActionSet;
use crate::grants::Grants;
use crate::rightsize::{self, Part};
use crate::verify::ProvedSplit;

/// Most actions that are listed for one part.
const ACTIONS: usize = 200;

/// The roles that one role should be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoleSplit {
    /// The role's ARN.
    pub role: String,
    /// Actions that it is granted.
    pub granted: u64,
    /// Actions that two parts or more would have.
    pub overlap: u64,
    /// Calls that are owed to nobody who can be named: what they needed stays with every part.
    pub unattributed: Vec<Unattributed>,
    /// The new roles.
    pub parts: Vec<SplitPart>,
    /// All that in a sentence.
    pub says: String,
}

/// Calls that are owed to nobody who can be named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unattributed {
    /// Why not.
    pub why: String,
    /// How many.
    pub calls: u64,
}

/// One of the roles that a role should be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SplitPart {
    /// The new role's name.
    pub name: String,
    /// Its ARN, once it is made.
    pub arn: String,
    /// Who gets it, most calls first.
    pub workloads: Vec<Workload>,
    /// Why they are together, or alone.
    pub why: String,
    /// Their calls.
    pub calls: u64,
    /// Actions that they used; at most 200.
    pub uses: Vec<String>,
    /// How many they used.
    pub used: u64,
    /// Actions that the new role would have.
    pub granted: u64,
    /// Actions of the shared role that it would not have.
    pub removed: u64,
    /// Of what it would have, actions that another part would have as well.
    pub overlap: u64,
    /// The shared role's tags, which it has to have as well: policies here and elsewhere may ask for them.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Policies to create, each within AWS's quota.
    pub documents: Vec<Value>,
    /// ARNs of AWS-managed policies to attach as they are.
    pub attach: Vec<String>,
    /// Its trust policy: today's, for these alone; `null` where that cannot be cut.
    pub trust: Option<Value>,
    /// Why there is none.
    pub trust_why: Option<String>,
    /// Roles that it takes by a trust policy that names the shared role, by their ARNs: add it to each of them.
    #[serde(default)]
    pub named_by: Vec<String>,
    /// All that as Terraform; empty where there is no trust policy.
    pub terraform: String,
    /// Kubernetes manifests of its service accounts, for IRSA; empty where it has none.
    pub manifests: String,
    /// Input of `aws eks create-pod-identity-association --cli-input-json`, for each of its service accounts that use it.
    pub associations: Vec<Value>,
    /// Values that most Helm charts take for a service account; empty where it has none, or several.
    pub helm_values: String,
    /// What moves its workloads to it, as commands.
    pub commands: Vec<String>,
    /// What was proved: it allows nothing that the shared role does not, and keeps what they did.
    pub verdict: Verdict,
}

/// Who gets a part, with the family of the sessions that do.
fn workloads(grants: &Grants, part: &Part) -> Vec<Workload> {
    let told = part.workloads.iter().map(|(workload, calls)| {
        let sessions = part.sessions.iter().map(|named| Sessions {
            named: named.clone(),
            calls: *calls,
        });
        Workload {
            sessions: sessions.collect(),
            ..named_workload(workload, *calls, &grants.supplements.eks)
        }
    });
    told.collect()
}

/// What the proof says, which knows nothing of the policies that others have: roles that name the shared one are another's.
pub(super) fn keeps(named_by: &[String]) -> String {
    match named_by {
        [] => "proved".to_owned(),
        _ => "proved once the roles under named_by trust it".to_owned(),
    }
}

/// A split as `result.json` tells it.
pub(super) fn role_split(catalog: &Catalog, grants: &Grants, split: &ProvedSplit) -> RoleSplit {
    let role = &grants.principals[split.role];
    let mut times: BTreeMap<ActionId, u32> = BTreeMap::new();
    for part in &split.parts {
        for action in part.kept.iter() {
            *times.entry(action).or_default() += 1;
        }
    }
    let shared = |set: &ActionSet| {
        set.iter()
            .filter(|action| times.get(action).is_some_and(|n| *n > 1))
            .count() as u64
    };
    let parts: Vec<SplitPart> = split
        .parts()
        .map(|(part, document, replayed)| {
            let documents = match rightsize::is_empty(document) {
                true => Vec::new(),
                false => rightsize::in_managed_policies(document, part.attach.len())
                    .unwrap_or_else(|_| vec![document.clone()]),
            };
            let mut told = SplitPart {
                name: part.name.clone(),
                arn: role.arn_beside(&part.name),
                workloads: workloads(grants, part),
                why: part.why.clone(),
                calls: part.workloads.iter().map(|(_, calls)| calls).sum(),
                uses: part
                    .used
                    .iter()
                    .take(ACTIONS)
                    .map(|action| catalog.name(action).to_owned())
                    .collect(),
                used: part.used.len() as u64,
                granted: part.kept.len() as u64,
                removed: split.granted.difference(&part.kept).len() as u64,
                overlap: shared(&part.kept),
                // Those are AWS's to set (IAM user guide, "Tags for IAM resources").
                tags: (role.tags.iter())
                    .filter(|(key, _)| !key.to_lowercase().starts_with("aws:"))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
                documents,
                attach: part
                    .attach
                    .iter()
                    .map(|policy| grants.policies[*policy].arn.clone())
                    .collect(),
                trust: part.trust.as_ref().ok().cloned(),
                trust_why: part.trust.as_ref().err().cloned(),
                named_by: part.named_by.clone(),
                terraform: String::new(),
                manifests: String::new(),
                associations: Vec::new(),
                helm_values: String::new(),
                commands: Vec::new(),
                verdict: verdict_of(replayed),
            };
            told.verdict.keeps = keeps(&told.named_by);
            text::fill(&mut told, role, &grants.supplements.eks);
            told
        })
        .collect();
    let unattributed: Vec<Unattributed> = split
        .unattributed
        .iter()
        .map(|(why, calls)| Unattributed {
            why: (*why).to_owned(),
            calls: *calls,
        })
        .collect();
    let overlap = times.values().filter(|count| **count > 1).count() as u64;
    let each: Vec<String> = parts
        .iter()
        .map(|part| format!("{} {}", part.name, part.granted))
        .collect();
    let nobody: u64 = unattributed.iter().map(|one| one.calls).sum();
    let rest = match nobody {
        0 => String::new(),
        calls => format!("; {calls} calls are owed to nobody who can be named, so what they needed stays with each"),
    };
    RoleSplit {
        role: role.arn.clone(),
        granted: split.granted.len() as u64,
        overlap,
        says: format!(
            "{} workloads share it: of {} actions {} would have; {overlap} are in more than one{rest}",
            parts.len(),
            split.granted.len(),
            each.join(", "),
        ),
        unattributed,
        parts,
    }
}
