//! Gap to smaller policy: which policies may be edited, what goes, and the documents that would do.
//!
//! A suggestion belongs to a policy, not to a principal: what goes is what none of its principals may need. The `Action`
//! of Allow statements changes, and on request the `Resource`, as a suggestion of its own; conditions, Sids, denials and
//! order stay as they were written. This stage proposes; `verify` takes the first candidate that it can prove.

mod alternatives;
mod assumptions;
mod balanced;
mod choices;
mod confidence;
mod cover;
mod fit;
mod further;
mod guard;
mod hold;
mod identity;
mod names;
mod narrow;
mod parts;
mod quota;
mod removable;
mod rewrite;
mod risk;
mod steps;
mod twice;
mod whole;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::gap::{self, ActionSet, Gap};
use crate::grants::{Grants, Kind, PolicyIndex, PolicyKind, PrincipalIndex};
use crate::iam::subset::{self, Effort};
use crate::iam::{Policy, PolicyText};
use crate::time::Window;
use crate::usage::Table;
use rayon::prelude::*;
use serde_json::Value;

pub use alternatives::{Alternative, AlternativeKind, Impossible, alternatives};
pub use choices::{Choice, Choices, Decided, Decision, question};
pub use confidence::{Confidence, Level, Rhythm};
pub use guard::{Keep, KeepRule, Kept, why_not_policy, why_not_principal};
use hold::{Held, Holds};
pub use hold::{covered_days, kept_whole, spared};
pub use identity::suggestion_id;
pub use names::{Names, Patterns, Within};
pub use parts::{Part, RoleSplit, in_managed_policies, is_empty, role_splits, session_policies};
pub use quota::{MANAGED, PERMISSION_SET, SESSION, attachments, characters, characters_of};
use quota::{Purse, purses};
pub use removable::decided;
use removable::removable;
pub use risk::{Risks, weight};

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
    /// What people decided of what nobody can see.
    pub choices: Choices,
    /// Whether AWS-managed policies that are maintained upstream may be replaced.
    pub replace_aws_managed: bool,
    /// Fewest actions for which a wildcard of the original stands in their place.
    pub compact: usize,
    /// Suggestions of less confidence are held.
    pub min_confidence: Level,
    /// Whether suggestions wait for a rhythm that the window has not seen twice.
    pub wait_for_rhythm: bool,
    /// Whether what a principal makes keeps what its life cycle will take.
    pub life_cycles: bool,
    /// Whether what nobody could see stands in a statement of its own.
    pub unseen_apart: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            evidence: EvidenceLevel::default(),
            resources: Resources::default(),
            min_window: 90,
            grace: 30,
            keep: Keep::default(),
            choices: Choices::default(),
            replace_aws_managed: false,
            compact: 4,
            min_confidence: Level::Low,
            wait_for_rhythm: true,
            life_cycles: true,
            unseen_apart: true,
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

/// Where a statement of a candidate comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// The place in the original of the statement that it was; several, where statements became one.
    pub from: Vec<usize>,
    /// Of a statement that holds only what stays because nobody could see it: the actions for which it stands.
    pub unseen: Option<ActionSet>,
}

impl Origin {
    /// Of a statement that was one.
    pub(crate) fn of(statement: usize) -> Origin {
        Origin {
            from: vec![statement],
            unseen: None,
        }
    }
}

/// One document that would do.
#[derive(Clone, PartialEq, Debug)]
pub struct Candidate {
    /// The document; without statements for detach and delete.
    pub after: PolicyText,
    /// Where each of its statements comes from.
    pub origins: Vec<Origin>,
    /// What to do.
    pub change: Change,
    /// Characters as AWS counts them.
    pub characters: u64,
    /// Catalog actions that go.
    pub removed: ActionSet,
    /// Resources that became narrower.
    pub narrowed: Vec<Narrowing>,
}

impl Candidate {
    /// Characters of its quota that the policy takes once the candidate is in its place.
    fn takes(&self) -> u64 {
        match self.change {
            Change::Replace => self.characters,
            Change::Detach | Change::Delete => 0,
        }
    }
}

/// What nobody may need and stays because it takes less room whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Room {
    /// The actions.
    pub stays: ActionSet,
    /// Over how many policies a split would free them, or why there is none.
    pub split: Result<usize, String>,
}

impl Room {
    /// The same in words.
    pub fn note(&self) -> String {
        let (count, frees) = match self.stays.len() {
            1 => ("1 unused action stays".to_owned(), "it"),
            count => (format!("{count} unused actions stay"), "them"),
        };
        match &self.split {
            Ok(1) => format!("{count} for room: a managed policy of its own frees {frees}"),
            Ok(policies) => format!("{count} for room: split over {policies} policies frees {frees}"),
            Err(why) => format!("{count} for room, and no split frees {frees}: {why}"),
        }
    }
}

/// A choice that had its say in a policy.
#[derive(Clone, PartialEq, Debug)]
pub struct Chosen {
    /// Whose grants it is about.
    pub principal: PrincipalIndex,
    /// The choice.
    pub choice: Choice,
    /// Those of the policy's actions that it decided.
    pub actions: ActionSet,
}

/// A policy that can shrink, with the documents that would do.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    /// The policy.
    pub policy: PolicyIndex,
    /// Every live policy whose place the document takes: the policy itself, and of a permission set the same in further
    /// accounts.
    pub copies: Vec<PolicyIndex>,
    /// What it goes down to.
    pub step: Step,
    /// Everybody whom the change affects.
    pub affects: Vec<PrincipalIndex>,
    /// The documents, in the order in which to try them.
    pub candidates: Vec<Candidate>,
    /// Characters that AWS allows; of policies that share a quota, what the others leave once theirs are applied.
    pub quota: u64,
    /// What stays although nobody may need it; `None` where nothing does.
    pub room: Option<Room>,
    /// Why not to apply it yet.
    pub held: Option<String>,
    /// Until when it is held, where time alone decides that.
    pub held_until: Option<i64>,
    /// How far it may be trusted.
    pub confidence: Confidence,
    /// What the removal takes for granted.
    pub assumptions: Vec<String>,
    /// Keep rules that had their say.
    pub kept_by_rule: Vec<String>,
    /// Choices that had their say.
    pub chosen: Vec<Chosen>,
}

/// What suggestions and alternatives rest on.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// What AWS publishes.
    pub catalog: &'a Catalog,
    /// What was done.
    pub table: &'a Table,
    /// What is allowed.
    pub grants: &'a Grants,
    /// Both joined, in the order of the principals.
    pub gaps: &'a [Gap],
    /// What the archive spans.
    pub window: Window,
    /// What is asked for.
    pub options: &'a Options,
}

/// Everything that can shrink, and policies of which no candidate fits AWS's quota, with the reason.
pub fn propose(basis: &Basis<'_>) -> Steps {
    let grants = basis.grants;
    let rewriter = Rewriter {
        touched: match basis.options.resources {
            Resources::Keep => None,
            Resources::Narrow => Some(narrow::Touched::of(basis.catalog, basis.table, grants)),
        },
        ..Rewriter::new(basis)
    };
    let all = rewriter.all();
    let sets = guard::permission_sets(grants);
    let all = all
        .into_iter()
        .chain(sets.iter().map(|set| rewriter.permission_set(set)));
    let (proposals, unfit): (Vec<_>, Vec<_>) = all.unzip();
    let mut proposals: Vec<Proposal> = proposals.into_iter().flatten().collect();
    proposals.sort_by_key(|proposal| (proposal.policy, proposal.step));
    (proposals, unfit.into_iter().flatten().collect())
}

/// Policies of which something stays for room, or of which no form fits.
pub fn scarce(proposals: &[Proposal], unfit: &[(PolicyIndex, String)]) -> BTreeSet<PolicyIndex> {
    let short = proposals.iter().filter(|proposal| proposal.room.is_some());
    let unfit = unfit.iter().map(|(policy, _)| *policy);
    short.map(|proposal| proposal.policy).chain(unfit).collect()
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
    session_policies: BTreeSet<String>,
    fits: fit::Fits,
    /// Where resources are cut down too.
    touched: Option<narrow::Touched>,
}

impl<'a> Rewriter<'a> {
    fn new(basis: &Basis<'a>) -> Rewriter<'a> {
        let Basis {
            catalog,
            table,
            grants,
            gaps,
            window,
            options,
        } = *basis;
        Rewriter {
            catalog,
            names: Names::new(catalog),
            grants,
            gaps,
            window,
            options,
            policy_writes: gap::policy_writes(table, grants),
            session_policies: gap::session_policies(table),
            fits: fit::Fits::default(),
            touched: None,
        }
    }

    /// The steps of all policies but permission sets.
    fn all(&self) -> Vec<Steps> {
        let settle = |purse: Purse| {
            let goals = purse.policies.iter().filter_map(|policy| self.goal(*policy));
            self.settle(&purse, goals.collect())
        };
        purses(self.grants).into_par_iter().map(settle).collect()
    }

    /// Policies of which something stays for room, or of which no form fits.
    fn scarce(&self) -> BTreeSet<PolicyIndex> {
        let all = self.all().into_iter();
        all.flat_map(|(proposals, unfit)| scarce(&proposals, &unfit)).collect()
    }

    /// How far one policy may go down; `None` where it is left alone.
    fn goal(&self, index: PolicyIndex) -> Option<Goal<'a>> {
        let (catalog, grants, options) = (self.catalog, self.grants, self.options);
        let affects = self.affected(index)?;
        let document = grants.policies[index].policy.as_ref().ok()?;
        let kept = guard::kept(catalog, grants, &affects, &options.keep);
        let removable = removable(
            catalog,
            grants,
            self.gaps,
            index,
            &affects,
            document,
            options,
            &kept.actions,
        );
        let seen = self.seen(&[index], &affects, document, &kept.actions);
        Some(Goal {
            index,
            copies: vec![index],
            document,
            spelled: self.spelled(&affects),
            affects,
            kept,
            removable,
            seen,
            narrows: true,
            held: None,
            split: OnceCell::new(),
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
            // Those of whom not everything can be read do not hold up the others.
            let readable = |principal: &PrincipalIndex| guard::unreadable(grants, *principal).is_none();
            if affects.iter().any(readable) {
                affects.retain(readable);
            }
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
        seen: &'c BTreeMap<usize, ActionSet>,
        spelled: &'c BTreeSet<String>,
    ) -> rewrite::Cut<'c> {
        rewrite::Cut {
            catalog: self.catalog,
            names: &self.names,
            kind,
            written,
            document,
            removable,
            seen,
            spelled,
            least: self.options.compact,
        }
    }

    /// Names that no catalog has and that calls of these principals may have needed, in services that they name.
    fn spelled(&self, affects: &[PrincipalIndex]) -> BTreeSet<String> {
        let activities = affects.iter().map(|principal| &self.gaps[*principal].activity);
        // Where a pattern names all services it stays as it is.
        let names_service = |name: &&str| !name.split(':').next().unwrap_or("").contains(['*', '?']);
        let names = activities.flat_map(crate::gap::Activity::names);
        names.filter(names_service).map(str::to_owned).collect()
    }

    /// Why what is made of a policy, or of all that somebody has, should wait.
    fn holds(&self, policy: Option<PolicyIndex>, affects: &[PrincipalIndex]) -> Holds {
        let held = Held {
            grants: self.grants,
            gaps: self.gaps,
            policy,
            affects,
            window: self.window,
            policy_writes: &self.policy_writes,
            session_policies: &self.session_policies,
            options: self.options,
        };
        held.holds()
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
            let here = removable(
                catalog,
                grants,
                self.gaps,
                *index,
                owners,
                document,
                options,
                &kept.actions,
            );
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
            copies: copies.to_vec(),
            document,
            seen: self.seen(copies, &affects, document, &kept.actions),
            spelled: self.spelled(&affects),
            affects,
            kept,
            removable: all.unwrap_or_default(),
            narrows: false,
            held: Some(
                "a permission set: it may be assigned in accounts that these grants do not show; edit it in IAM \
                 Identity Center once all of them are here"
                    .to_owned(),
            ),
            split: OnceCell::new(),
        };
        let purse = Purse {
            policies: vec![goal.index],
            quota: PERMISSION_SET,
        };
        self.settle(&purse, vec![goal])
    }
}

/// One policy to go down, and by how much at most.
struct Goal<'a> {
    index: PolicyIndex,
    /// The policy itself, and of a permission set the same in further accounts.
    copies: Vec<PolicyIndex>,
    document: &'a Policy,
    affects: Vec<PrincipalIndex>,
    kept: Kept,
    removable: BTreeMap<usize, ActionSet>,
    /// What was used or inferred, by statement; nothing of those in which all stands together.
    seen: BTreeMap<usize, ActionSet>,
    /// Names that no catalog has and that its holders may need.
    spelled: BTreeSet<String>,
    /// Whether its resources may be cut down too.
    narrows: bool,
    /// Why it waits, where that is known beforehand.
    held: Option<String>,
    /// Over how many policies a split would free what stays for room, or why there is none; worked out when first asked for.
    split: OnceCell<Result<usize, String>>,
}

/// Whether a document surely grants all that another one grants.
fn grants_all_of(before: &Policy, after: &Candidate) -> bool {
    let Ok(after) = after.after.policy() else {
        return false;
    };
    let (proof, no_search) = (Effort::default(), Effort::of(0));
    subset::allows_no_more_within(&after, before, &proof, &no_search) == subset::Verdict::Proved
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
