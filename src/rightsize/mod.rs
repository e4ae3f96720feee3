//! Gap to smaller policy: which policies may be edited, what goes, and the documents that would do.
//!
//! A suggestion belongs to a policy, not to a principal: what goes is what none of its principals may need. Only the
//! `Action` of Allow statements changes; conditions, resources, Sids, denials and order stay as they were written.
//! This stage proposes; `verify` takes the first candidate that it can prove.

mod guard;
mod names;
mod quota;
mod rewrite;
mod risk;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::catalog::{ActionId, Catalog};
use crate::gap::{ActionSet, Blind, Gap, Grade};
use crate::grants::{Grants, Kind, PolicyDocument, PolicyIndex, PolicyKind, PrincipalIndex};
use crate::iam::Effect;

pub use guard::{Keep, KeepRule, Kept, why_not_policy, why_not_principal};
pub use names::names;
pub use quota::{characters, quota};
pub use rewrite::Compactness;
pub use risk::{ESCALATION, riskiest, weight};

/// How much evidence a removal needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum EvidenceLevel {
    /// Only what the archive would have shown, and did not.
    #[default]
    Conservative,
    /// Also actions of regions without any event, as a listed assumption.
    Balanced,
    /// Everything but what was used, may have been used, or hands over roles.
    Aggressive,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much evidence a removal needs.
    pub evidence: EvidenceLevel,
    /// Days that the window and every principal's life must span.
    pub min_window: i64,
    /// Days after a change to a principal or policy during which it is left alone.
    pub grace: i64,
    /// What must stay.
    pub keep: Keep,
    /// Whether AWS-managed policies that are maintained upstream may be replaced.
    pub replace_aws_managed: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            evidence: EvidenceLevel::default(),
            min_window: 90,
            grace: 30,
            keep: Keep::default(),
            replace_aws_managed: false,
        }
    }
}

/// What a candidate goes down to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Whole services.
    Services,
    /// Single actions.
    Actions,
}

impl Step {
    /// The step as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Step::Services => "services",
            Step::Actions => "actions",
        }
    }
}

/// What to do with the policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Change {
    /// Put the new document in its place.
    Replace,
    /// Detach it; nothing of it is needed.
    Detach,
    /// Delete it; nothing of it is needed.
    Delete,
}

impl Change {
    /// The change as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Change::Replace => "replace",
            Change::Detach => "detach",
            Change::Delete => "delete",
        }
    }
}

/// One document that would do.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    /// The document; without statements for detach and delete.
    pub after: Value,
    /// What to do.
    pub change: Change,
    /// Characters as AWS counts them.
    pub characters: u64,
    /// Catalog actions that go.
    pub removed: Vec<ActionId>,
}

/// A policy that can shrink, with the documents that would do, the most compact that fits first.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    /// The policy.
    pub policy: PolicyIndex,
    /// What it goes down to.
    pub step: Step,
    /// Everybody whom the change affects.
    pub affects: Vec<PrincipalIndex>,
    /// The documents, in the order in which to try them.
    pub candidates: Vec<Candidate>,
    /// Why not to apply it yet.
    pub held: Option<String>,
    /// What the removal takes for granted.
    pub assumptions: Vec<String>,
    /// Keep rules that had their say.
    pub kept_by_rule: Vec<String>,
}

/// Everything that can shrink, and policies of which no candidate fits AWS's quota, with the reason.
pub fn propose(
    catalog: &Catalog,
    gaps: &[Gap],
    grants: &Grants,
    window: (i64, i64),
    policy_writes: &BTreeMap<String, i64>,
    options: &Options,
) -> (Vec<Proposal>, Vec<(PolicyIndex, String)>) {
    let mut proposals = Vec::new();
    let mut unfit = Vec::new();
    for (index, policy) in grants.policies.iter().enumerate() {
        if why_not_policy(grants, index, gaps, options.replace_aws_managed).is_some() {
            continue;
        }
        let affects = grants.affected_by(index);
        if affects.is_empty() {
            continue;
        }
        let kept = guard::kept(catalog, grants, index, &affects, &options.keep);
        let removable = removable(catalog, gaps, index, &affects, policy, options, &kept.actions);
        if removable.values().all(ActionSet::is_empty) {
            continue;
        }
        let held = guard::held(grants, gaps, index, &affects, window, policy_writes, options);
        let quota = quota(grants, index);
        for step in [Step::Services, Step::Actions] {
            if step == Step::Services && !rewrite::has_service_step(policy) {
                continue;
            }
            let candidates = rewrite::candidates(catalog, policy, &removable, step, quota);
            if candidates.is_empty() {
                unfit.push((
                    index,
                    format!(
                        "no form of the `{}` step fits AWS's quota of {quota} characters",
                        step.name()
                    ),
                ));
                continue;
            }
            if candidates[0].removed.is_empty() {
                continue;
            }
            proposals.push(Proposal {
                policy: index,
                step,
                affects: affects.clone(),
                candidates,
                held: held.clone(),
                assumptions: assumptions(gaps, index, &affects, &removable, options),
                kept_by_rule: kept.rules.clone(),
            });
        }
    }
    (proposals, unfit)
}

/// For each Allow statement, by its place: the actions that none of the principals may need.
fn removable(
    catalog: &Catalog,
    gaps: &[Gap],
    index: PolicyIndex,
    affects: &[PrincipalIndex],
    policy: &PolicyDocument,
    options: &Options,
    kept: &ActionSet,
) -> BTreeMap<usize, ActionSet> {
    let mut removable = BTreeMap::new();
    let Ok(document) = &policy.policy else {
        return removable;
    };
    for statement in document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow)
    {
        let mut set = ActionSet::of_statement(catalog, statement).difference(kept);
        for principal in affects {
            let slices = gaps[*principal]
                .slices
                .iter()
                .filter(|slice| slice.policy == index && slice.statement == statement.index);
            for slice in slices {
                let mut goes = slice.with_grade(Grade::Unused);
                match options.evidence {
                    EvidenceLevel::Conservative => {}
                    EvidenceLevel::Balanced => {
                        let outside = slice.with_grade(Grade::OutsideCoverage);
                        for action in outside.iter() {
                            if matches!(slice.view.blind_to(action), Some(Blind::NoRegion(_))) {
                                goes.insert(action);
                            }
                        }
                    }
                    EvidenceLevel::Aggressive => {
                        for grade in [Grade::OutsideCoverage, Grade::Unobservable, Grade::DeniedOnly] {
                            goes.extend(&slice.with_grade(grade));
                        }
                        goes = goes.difference(&slice.unmapped);
                        // PassRole never shows itself; what hands over roles is anybody's guess.
                        if let Some(pass_role) = catalog.id("iam:PassRole") {
                            goes.remove(pass_role);
                        }
                    }
                }
                set = set.intersection(&goes);
            }
        }
        removable.insert(statement.index, set);
    }
    removable
}

fn assumptions(
    gaps: &[Gap],
    index: PolicyIndex,
    affects: &[PrincipalIndex],
    removable: &BTreeMap<usize, ActionSet>,
    options: &Options,
) -> Vec<String> {
    let mut lines = BTreeSet::new();
    lines.insert("accounts and regions that deliver no events to this archive are not used".to_owned());
    lines.insert("actions newer than the catalog are not used".to_owned());
    if options.evidence != EvidenceLevel::Conservative {
        for principal in affects {
            for slice in gaps[*principal].slices.iter().filter(|slice| slice.policy == index) {
                let Some(goes) = removable.get(&slice.statement) else {
                    continue;
                };
                for action in goes.iter() {
                    if let Some(blind) = slice.view.blind_to(action) {
                        lines.insert(format!("not used although unseen: {}", blind.why()));
                    }
                }
            }
        }
    }
    lines.into_iter().collect()
}

/// The kind of a policy as `result.json` writes it.
pub fn kind_name(grants: &Grants, policy: PolicyIndex) -> &'static str {
    let document = &grants.policies[policy];
    let owner_is_group = document
        .attached_to
        .iter()
        .all(|owner| grants.principals[*owner].kind == Kind::Group);
    match document.kind {
        PolicyKind::Inline if owner_is_group => "group",
        PolicyKind::Inline => "inline",
        PolicyKind::Managed => "managed",
        PolicyKind::AwsManaged => "aws_managed",
    }
}
