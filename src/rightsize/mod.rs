//! Gap to smaller policy: which policies may be edited, what goes, and the documents that would do.
//!
//! A suggestion belongs to a policy, not to a principal: what goes is what none of its principals may need. The `Action`
//! of Allow statements changes, and on request the `Resource`, as a suggestion of its own; conditions, Sids, denials and
//! order stay as they were written. This stage proposes; `verify` takes the first candidate that it can prove.

mod alternatives;
mod balanced;
mod confidence;
mod guard;
mod names;
mod narrow;
mod quota;
mod rewrite;
mod rhythm;
mod risk;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::gap::{self, ActionSet, Gap, Grade, Slice};
use crate::grants::{Grants, Kind, PolicyIndex, PolicyKind, PrincipalIndex};
use crate::iam::{Effect, Policy, PolicyText, Statement};
use crate::time::Window;
use crate::usage::Table;
use rayon::prelude::*;
use serde_json::Value;

pub use alternatives::{Alternative, AlternativeKind, Impossible, alternatives};
pub use confidence::{Confidence, Level, Rhythm};
pub use guard::{Keep, KeepRule, Kept, why_not_policy, why_not_principal};
pub use names::{Names, Patterns, Within};
pub use quota::{
    INLINE_GROUP, INLINE_ROLE, INLINE_USER, MANAGED, PERMISSION_SET, Quota, SESSION, TRUST, attachments, characters,
    characters_of, quota,
};
pub use risk::{ESCALATION, Risks, weight};

/// How much evidence a removal needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum EvidenceLevel {
    /// Only what the archive would have shown, and did not, and what IAM says was not attempted.
    #[default]
    Conservative,
    /// Also, as listed assumptions, actions of regions without any event, and unobservable ones that `*` grants of services
    /// which last-accessed data says were never touched.
    Balanced,
    /// Everything but what was used, may have been used, or hands over roles.
    Aggressive,
}

/// What becomes of resources.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Resources {
    /// They stay as they are.
    #[default]
    Keep,
    /// A second suggestion cuts them down to what was touched.
    Narrow,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much evidence a removal needs.
    pub evidence: EvidenceLevel,
    /// What becomes of resources.
    pub resources: Resources,
    /// Days that the archive must cover and every principal's life must span.
    pub min_window: u16,
    /// Days after a change to a principal or policy during which it is left alone.
    pub grace: u16,
    /// What must stay.
    pub keep: Keep,
    /// Whether AWS-managed policies that are maintained upstream may be replaced.
    pub replace_aws_managed: bool,
    /// Fewest actions for which a wildcard of the original stands in their place.
    pub compact: usize,
    /// Suggestions of less confidence are held.
    pub min_confidence: Level,
    /// Whether suggestions wait for a rhythm that the window has not seen twice.
    pub wait_for_rhythm: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            evidence: EvidenceLevel::default(),
            resources: Resources::default(),
            min_window: 90,
            grace: 30,
            keep: Keep::default(),
            replace_aws_managed: false,
            compact: 4,
            min_confidence: Level::Low,
            wait_for_rhythm: true,
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
    /// Single actions, on the resources that they touched.
    Resources,
}

impl Step {
    /// The step as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Step::Services => "services",
            Step::Actions => "actions",
            Step::Resources => "resources",
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

/// Resources of a statement that became narrower for some of its actions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Narrowing {
    /// The statement's Sid, or its place from 0.
    pub statement: String,
    /// The patterns before.
    pub from: Vec<String>,
    /// The patterns after.
    pub to: Vec<String>,
}

/// One document that would do.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    /// The document; without statements for detach and delete.
    pub after: PolicyText,
    /// What to do.
    pub change: Change,
    /// Characters as AWS counts them.
    pub characters: u64,
    /// Catalog actions that go.
    pub removed: ActionSet,
    /// Resources that became narrower.
    pub narrowed: Vec<Narrowing>,
}

/// A policy that can shrink, with the documents that would do.
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
    /// Characters that AWS allows.
    pub quota: u64,
    /// Why not to apply it yet.
    pub held: Option<String>,
    /// How far it may be trusted.
    pub confidence: Confidence,
    /// What the removal takes for granted.
    pub assumptions: Vec<String>,
    /// Keep rules that had their say.
    pub kept_by_rule: Vec<String>,
}

/// Everything that can shrink, and policies of which no candidate fits AWS's quota, with the reason. `window` is what
/// the archive spans.
pub fn propose(
    catalog: &Catalog,
    table: &Table,
    grants: &Grants,
    gaps: &[Gap],
    window: Window,
    options: &Options,
) -> Steps {
    let rewriter = Rewriter {
        touched: match options.resources {
            Resources::Keep => None,
            Resources::Narrow => Some(narrow::Touched::of(catalog, table, grants)),
        },
        ..Rewriter::new(catalog, table, grants, gaps, window, options)
    };
    let all: Vec<Steps> = (0..grants.policies.len())
        .into_par_iter()
        .map(|policy| rewriter.policy(policy))
        .collect();
    let sets = guard::permission_sets(grants);
    let all = all
        .into_iter()
        .chain(sets.iter().map(|set| rewriter.permission_set(set)));
    let (proposals, unfit): (Vec<_>, Vec<_>) = all.unzip();
    (
        proposals.into_iter().flatten().collect(),
        unfit.into_iter().flatten().collect(),
    )
}

/// What can shrink, and policies of which no form fits AWS's quota, with the reason.
pub type Steps = (Vec<Proposal>, Vec<(PolicyIndex, String)>);

/// What suggestions and alternatives are made from.
struct Rewriter<'a> {
    catalog: &'a Catalog,
    names: Names<'a>,
    grants: &'a Grants,
    gaps: &'a [Gap],
    window: Window,
    options: &'a Options,
    policy_writes: BTreeMap<String, i64>,
    /// Where resources are cut down too.
    touched: Option<narrow::Touched>,
}

impl<'a> Rewriter<'a> {
    fn new(
        catalog: &'a Catalog,
        table: &Table,
        grants: &'a Grants,
        gaps: &'a [Gap],
        window: Window,
        options: &'a Options,
    ) -> Rewriter<'a> {
        Rewriter {
            catalog,
            names: Names::new(catalog),
            grants,
            gaps,
            window,
            options,
            policy_writes: gap::policy_writes(table, grants),
            touched: None,
        }
    }

    /// How far one policy may go down; `None` where it is left alone.
    fn goal(&self, index: PolicyIndex) -> Option<Goal<'a>> {
        let (catalog, grants, options) = (self.catalog, self.grants, self.options);
        let affects = self.affected(index)?;
        let document = grants.policies[index].policy.as_ref().ok()?;
        let kept = guard::kept(catalog, grants, &affects, &options.keep);
        let removable = removable(catalog, self.gaps, index, &affects, document, options, &kept.actions);
        Some(Goal {
            index,
            document,
            affects,
            kept,
            removable,
            quota: quota(grants, index),
            narrows: true,
            held: None,
        })
    }

    /// Whom a rewrite of a policy would affect; `None` where it is not rewritten. Of an AWS-managed policy, which is
    /// replaced holder by holder, those who must keep it do.
    fn affected(&self, index: PolicyIndex) -> Option<Vec<PrincipalIndex>> {
        let (grants, gaps) = (self.grants, self.gaps);
        if why_not_policy(grants, index, gaps, self.options.replace_aws_managed).is_some() {
            return None;
        }
        let mut affects = grants.affected_by(index);
        if guard::goes_holder_by_holder(grants, index) {
            affects.retain(|principal| why_not_principal(grants, gaps, *principal).is_none());
        }
        (!affects.is_empty()).then_some(affects)
    }

    /// The cut of a document that is, or stands for, a policy of a kind.
    fn cut<'c>(
        &'c self,
        kind: PolicyKind,
        written: &'c Value,
        document: &'c Policy,
        removable: &'c BTreeMap<usize, ActionSet>,
    ) -> rewrite::Cut<'c> {
        rewrite::Cut {
            catalog: self.catalog,
            names: &self.names,
            kind,
            written,
            document,
            removable,
            least: self.options.compact,
        }
    }

    /// Why what is made of a policy, or of all that somebody has, should wait.
    fn held(&self, policy: Option<PolicyIndex>, affects: &[PrincipalIndex]) -> Option<String> {
        let (grants, gaps, options) = (self.grants, self.gaps, self.options);
        let guard = guard::held(grants, gaps, policy, affects, self.window, &self.policy_writes, options);
        let rhythm = options
            .wait_for_rhythm
            .then(|| rhythm::held(grants, gaps, affects, self.window))
            .flatten();
        guard
            .into_iter()
            .chain(rhythm)
            .reduce(|guard, rhythm| format!("{guard}; {rhythm}"))
    }

    /// The steps that one policy can take.
    fn policy(&self, index: PolicyIndex) -> Steps {
        self.goal(index).map_or_else(Steps::default, |goal| self.steps(goal))
    }

    /// The steps that a permission set can take: its inline policy in all accounts that the grants show.
    fn permission_set(&self, copies: &[PolicyIndex]) -> Steps {
        let (catalog, grants, options) = (self.catalog, self.grants, self.options);
        let Some(Ok(document)) = copies.first().map(|index| &grants.policies[*index].policy) else {
            return Steps::default();
        };
        let affects: Vec<PrincipalIndex> = copies
            .iter()
            .flat_map(|index| grants.policies[*index].attached_to.iter().copied())
            .collect();
        let kept = guard::kept(catalog, grants, &affects, &options.keep);
        let mut all: Option<BTreeMap<usize, ActionSet>> = None;
        for index in copies {
            let owners = &grants.policies[*index].attached_to;
            let here = removable(catalog, self.gaps, *index, owners, document, options, &kept.actions);
            all = Some(match all {
                None => here,
                Some(all) => all
                    .into_iter()
                    .filter_map(|(statement, set)| Some((statement, set.intersection(here.get(&statement)?))))
                    .collect(),
            });
        }
        let goal = Goal {
            index: copies[0],
            document,
            affects,
            kept,
            removable: all.unwrap_or_default(),
            quota: PERMISSION_SET.characters,
            narrows: false,
            held: Some(
                "a permission set: it may be assigned in accounts that these grants do not show; edit it in IAM \
                 Identity Center once all of them are here"
                    .to_owned(),
            ),
        };
        self.steps(goal)
    }

    fn steps(&self, goal: Goal<'_>) -> Steps {
        let (catalog, grants, options) = (self.catalog, self.grants, self.options);
        let (mut proposals, mut unfit) = (Vec::new(), Vec::new());
        let Goal {
            index,
            document,
            affects,
            kept,
            removable,
            quota,
            ..
        } = goal;
        let policy = &grants.policies[index];
        let something_goes = !removable.values().all(ActionSet::is_empty);
        let cut = self.cut(policy.kind, &policy.document, document, &removable);
        let mut steps: Vec<(Step, Vec<Candidate>)> = Vec::new();
        for step in [Step::Services, Step::Actions] {
            if !something_goes || step == Step::Services && !rewrite::has_service_step(document) {
                continue;
            }
            match cut.fitting(step, quota) {
                Ok(candidate) if candidate.removed.is_empty() && candidate.after.value() == policy.document => {}
                Ok(candidate) => steps.push((step, vec![candidate])),
                Err(why) => unfit.push((index, why)),
            }
        }
        if let Some(touched) = self.touched.as_ref().filter(|_| goal.narrows) {
            let narrow = narrow::Narrow {
                catalog,
                gaps: self.gaps,
                touched,
                policy: index,
                affects: &affects,
                kept: &kept.actions,
                window: self.window,
            };
            let untouched = Candidate {
                after: PolicyText::from(&policy.document),
                change: Change::Replace,
                characters: characters(&policy.document),
                removed: ActionSet::none(),
                narrowed: Vec::new(),
            };
            let base = steps.last().and_then(|(_, candidates)| candidates.first());
            let base = base.unwrap_or(&untouched);
            let own = match policy.kind {
                PolicyKind::Inline | PolicyKind::Managed => characters(&policy.document),
                PolicyKind::AwsManaged => 0,
            };
            let candidates = narrow.candidates(document, base);
            let shortest = candidates.iter().map(|candidate| candidate.characters).min();
            let fits = |candidate: &Candidate| candidate.characters <= quota.max(own);
            let fitting: Vec<Candidate> = candidates.into_iter().filter(fits).collect();
            match shortest {
                Some(shortest) if fitting.is_empty() => unfit.push((
                    index,
                    format!("with narrower resources it takes {shortest} characters, and AWS allows {quota}"),
                )),
                Some(_) => steps.push((Step::Resources, fitting)),
                None => {}
            }
        }
        if steps.is_empty() {
            return (proposals, unfit);
        }
        let mut held = goal.held.or_else(|| self.held(Some(index), &affects));
        let confidence = confidence::confidence(grants, self.gaps, &affects, self.window, held.as_deref(), options);
        if held.is_none() && confidence.level < options.min_confidence {
            held = Some(format!(
                "its confidence is {}, below --min-confidence {}: {}",
                confidence.level.name(),
                options.min_confidence.name(),
                confidence.why.join("; ")
            ));
        }
        let mut assumptions = assumptions(catalog, self.gaps, index, &affects, &removable, options);
        if policy.kind == PolicyKind::AwsManaged {
            assumptions.push(
                "AWS maintains the original, which cannot be edited: make a customer-managed policy of the new document, \
                 attach it to everybody affected, then detach the original"
                    .to_owned(),
            );
        }
        for (step, candidates) in steps {
            proposals.push(Proposal {
                policy: index,
                step,
                affects: affects.clone(),
                candidates,
                quota,
                held: held.clone(),
                confidence: confidence.clone(),
                assumptions: assumptions.clone(),
                kept_by_rule: kept.rules.clone(),
            });
        }
        (proposals, unfit)
    }
}

/// One policy to go down, and by how much at most.
struct Goal<'a> {
    index: PolicyIndex,
    document: &'a Policy,
    affects: Vec<PrincipalIndex>,
    kept: Kept,
    removable: BTreeMap<usize, ActionSet>,
    quota: u64,
    /// Whether its resources may be cut down too.
    narrows: bool,
    held: Option<String>,
}

/// For each Allow statement, by its place: the actions that none of the principals may need.
fn removable(
    catalog: &Catalog,
    gaps: &[Gap],
    index: PolicyIndex,
    affects: &[PrincipalIndex],
    document: &Policy,
    options: &Options,
    kept: &ActionSet,
) -> BTreeMap<usize, ActionSet> {
    let mut removable = BTreeMap::new();
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
                set = set.intersection(&goes(catalog, &gaps[*principal], slice, statement, options));
            }
        }
        removable.insert(statement.index, set);
    }
    removable
}

/// What of a statement goes at this level of evidence, for one principal.
fn goes(catalog: &Catalog, gap: &Gap, slice: &Slice, statement: &Statement, options: &Options) -> ActionSet {
    let mut goes = slice.with_grade(Grade::Unused);
    match options.evidence {
        EvidenceLevel::Conservative => {}
        EvidenceLevel::Balanced => {
            goes.extend(&balanced::removable(catalog, gap, slice, statement));
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
    goes
}

fn assumptions(
    catalog: &Catalog,
    gaps: &[Gap],
    index: PolicyIndex,
    affects: &[PrincipalIndex],
    removable: &BTreeMap<usize, ActionSet>,
    options: &Options,
) -> Vec<String> {
    let mut lines = vec![
        "accounts and regions that deliver no events to this archive are not used".to_owned(),
        "actions newer than the catalog are not used".to_owned(),
    ];
    let mut unattempted: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for principal in affects {
        for slice in gaps[*principal].slices.iter().filter(|slice| slice.policy == index) {
            let goes = removable
                .get(&slice.statement)
                .map(|goes| goes.intersection(&slice.view.blind));
            let unseen = goes.map(|goes| goes.intersection(&slice.unattempted.actions));
            for action in unseen.iter().flat_map(ActionSet::iter) {
                let services = unattempted.entry(slice.unattempted.why()).or_default();
                services.insert(catalog.service(action));
            }
        }
    }
    for (why, services) in unattempted {
        let services: Vec<&str> = services.into_iter().collect();
        lines.push(format!("{why} of {}, and counts every one", services.join(", ")));
    }
    if options.evidence != EvidenceLevel::Conservative {
        let mut reasons: BTreeSet<&str> = BTreeSet::new();
        for principal in affects {
            for slice in gaps[*principal].slices.iter().filter(|slice| slice.policy == index) {
                let Some(goes) = removable.get(&slice.statement) else {
                    continue;
                };
                let unseen = goes
                    .intersection(&slice.view.blind)
                    .difference(&slice.unattempted.actions);
                reasons.extend(
                    unseen
                        .iter()
                        .filter_map(|action| Some(slice.view.blind_to(action)?.why())),
                );
            }
        }
        lines.extend(
            reasons
                .into_iter()
                .map(|why| format!("not used although unseen: {why}")),
        );
    }
    lines
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
        PolicyKind::Inline if guard::permission_set(grants, policy).is_some() => "permission_set",
        PolicyKind::Inline => "inline",
        PolicyKind::Managed => "managed",
        PolicyKind::AwsManaged => "aws_managed",
    }
}
