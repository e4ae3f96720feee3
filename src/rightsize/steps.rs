//! The steps that policies can take: those that share one quota are settled together.

use std::collections::BTreeMap;

use super::assumptions::assumptions;
use super::fit::{Fit, fit};
use super::hold::{Hold, Holds};
use super::quota::{Purse, characters};
use super::{
    Candidate, Change, Choice, Chosen, Decision, Goal, Origin, Proposal, Rewriter, Room, Step, Steps, confidence,
    grants_all_of, narrow, rewrite, whole,
};
use crate::gap::{ActionSet, Slice};
use crate::grants::{PolicyIndex, PolicyKind};
use crate::iam::PolicyText;

/// How often policies that found too little room for narrower resources try again.
const ROUNDS: usize = 4;

/// What became of the step to narrower resources.
enum Narrowed {
    /// All that there is to it.
    Whole,
    /// What there was room for.
    Part,
    /// Nothing, for want of room.
    Unfit(String),
}

/// What one policy becomes, step by step.
struct Settled<'a> {
    goal: Goal<'a>,
    /// Characters before.
    now: u64,
    steps: Vec<(Step, Vec<Candidate>, ActionSet)>,
}

impl Settled<'_> {
    /// Characters that it may take, whichever of its steps is taken last.
    fn claim(&self) -> u64 {
        match self.steps.last() {
            Some((_, candidates, _)) => candidates.iter().map(|one| one.characters).max().unwrap_or(self.now),
            None => self.now,
        }
    }
}

impl<'a> Rewriter<'a> {
    /// The steps that policies of one purse can take. Each may grow into the room that the others leave once theirs are
    /// taken.
    pub(super) fn settle(&self, purse: &Purse, goals: Vec<Goal<'a>>) -> Steps {
        let grants = self.grants;
        let now = |policy: PolicyIndex| match grants.policies[policy].kind {
            PolicyKind::Inline | PolicyKind::Managed => characters(&grants.policies[policy].document),
            // Their copy is a customer's.
            PolicyKind::AwsManaged => 0,
        };
        // What is there already may stay as long as it is.
        let whole = purse
            .quota
            .characters
            .max(purse.policies.iter().map(|policy| now(*policy)).sum());
        let fixed: u64 = purse
            .policies
            .iter()
            .filter(|policy| !goals.iter().any(|goal| goal.index == **policy))
            .map(|policy| now(*policy))
            .sum();
        let mut settled: Vec<Settled<'a>> = goals
            .into_iter()
            .map(|goal| Settled {
                now: now(goal.index),
                goal,
                steps: Vec::new(),
            })
            .collect();
        let mut unfit = Vec::new();
        for step in [Step::Actions, Step::Services] {
            self.step(step, &mut settled, whole - fixed, &mut unfit);
        }
        unfit.extend(self.narrow_all(&mut settled, whole - fixed));
        let claims: Vec<(PolicyIndex, u64, u64)> = settled
            .iter()
            .map(|one| (one.goal.index, one.now, one.claim()))
            .collect();
        let mut proposals = Vec::new();
        for one in settled {
            let others = || claims.iter().filter(|(policy, ..)| *policy != one.goal.index);
            let quota = whole.saturating_sub(fixed + others().map(|(.., claim)| claim).sum::<u64>());
            // Those that grow must wait for those that shrink.
            let at_once = whole.saturating_sub(fixed + others().map(|(_, now, _)| now).sum::<u64>());
            let first: Vec<&str> = others()
                .filter(|(_, now, claim)| claim < now)
                .map(|(policy, ..)| grants.policies[*policy].name.as_str())
                .collect();
            let order = (one.claim() > at_once && !first.is_empty()).then(|| {
                format!(
                    "there is room for it once what is suggested for {} is in place",
                    first.join(", ")
                )
            });
            proposals.extend(self.proposals(one, quota, order));
        }
        (proposals, unfit)
    }

    /// Takes one step with all policies that can take it.
    fn step(&self, step: Step, settled: &mut [Settled<'a>], room: u64, unfit: &mut Vec<(PolicyIndex, String)>) {
        let takes = |one: &Settled<'_>| {
            !one.goal.removable.values().all(ActionSet::is_empty)
                && (step == Step::Actions || rewrite::has_service_step(one.goal.document))
        };
        let mut taking: Vec<usize> = (0..settled.len()).filter(|at| takes(&settled[*at])).collect();
        let removable: Vec<BTreeMap<usize, ActionSet>> = settled
            .iter()
            .map(|one| rewrite::of_step(self.catalog, one.goal.document, &one.goal.removable, step))
            .collect();
        let seen: Vec<BTreeMap<usize, ActionSet>> = settled
            .iter()
            .map(|one| rewrite::seen_in_step(one.goal.document, &one.goal.seen, step))
            .collect();
        // Whole services come first, but not where nothing is left to do after them.
        taking.retain(|at| step == Step::Actions || removable[*at] != settled[*at].goal.removable);
        let cut = |at: usize| {
            let (goal, policy) = (&settled[at].goal, &self.grants.policies[settled[at].goal.index]);
            self.cut(
                policy.kind,
                &policy.document,
                goal.document,
                &removable[at],
                &seen[at],
                &goal.spelled,
            )
        };
        let fits = loop {
            if taking.is_empty() {
                return;
            }
            let cuts: Vec<rewrite::Cut<'_>> = taking.iter().map(|at| cut(*at)).collect();
            let others = settled.iter().enumerate().filter(|(at, _)| !taking.contains(at));
            let target = room.saturating_sub(others.map(|(_, one)| one.claim()).sum());
            match fit(&cuts, target) {
                Ok(fits) => break fits,
                Err(why) => {
                    // The one that grows most stays as it is; the others may still fit.
                    let growth = |at: &usize| cut(*at).finest().characters.saturating_sub(settled[*at].now);
                    let Some(most) = taking.iter().copied().max_by_key(growth) else {
                        return;
                    };
                    let why = format!("no form of the `{}` step fits AWS's quota: {why}", step.name());
                    unfit.push((settled[most].goal.index, why));
                    taking.retain(|at| *at != most);
                }
            }
        };
        for (at, Fit { candidate, room }) in taking.into_iter().zip(fits) {
            let one = &mut settled[at];
            // What goes from one statement alone may still be granted by another.
            if candidate.removed.is_empty() && grants_all_of(one.goal.document, &candidate) {
                if step == Step::Actions && !room.is_empty() {
                    unfit.push((one.goal.index, self.room(&one.goal, room).note()));
                }
                continue;
            }
            match one.steps.first() {
                Some((_, finer, _)) if finer[0].after == candidate.after => {}
                Some(_) | None => one.steps.insert(0, (step, vec![candidate], room)),
            }
        }
    }

    /// Adds the steps to narrower resources, within so much room for all. Where some find too little, they try again
    /// once the others have taken theirs, which may have made room.
    fn narrow_all(&self, settled: &mut [Settled<'a>], room: u64) -> Vec<(PolicyIndex, String)> {
        let mut short = BTreeMap::new();
        let mut waiting: Vec<usize> = (0..settled.len()).collect();
        for _ in 0..ROUNDS {
            let claims = |settled: &[Settled<'_>]| -> Vec<u64> { settled.iter().map(Settled::claim).collect() };
            let before = claims(settled);
            waiting.retain(|at| {
                settled[*at].steps.retain(|(step, ..)| *step != Step::Resources);
                let others = claims(settled).iter().sum::<u64>() - settled[*at].claim();
                let narrowed = self.narrower(&mut settled[*at], room.saturating_sub(others));
                short.remove(&settled[*at].goal.index);
                match narrowed {
                    Narrowed::Whole => false,
                    Narrowed::Part => true,
                    Narrowed::Unfit(why) => {
                        short.insert(settled[*at].goal.index, why);
                        true
                    }
                }
            });
            if waiting.is_empty() || claims(settled) == before {
                break;
            }
        }
        short.into_iter().collect()
    }

    /// Adds the step to narrower resources to one policy, within so much room.
    fn narrower(&self, settled: &mut Settled<'a>, room: u64) -> Narrowed {
        let goal = &settled.goal;
        let Some(touched) = self.touched.as_ref().filter(|_| goal.narrows) else {
            return Narrowed::Whole;
        };
        let policy = &self.grants.policies[goal.index];
        let narrow = narrow::Narrow {
            catalog: self.catalog,
            grants: self.grants,
            options: self.options,
            gaps: self.gaps,
            touched,
            policy: goal.index,
            affects: &goal.affects,
            kept: &goal.kept.actions,
            window: self.window,
            names: &self.names,
        };
        let untouched = || Candidate {
            after: PolicyText::from(&policy.document),
            origins: goal
                .document
                .statements
                .iter()
                .map(|one| Origin::of(one.index))
                .collect(),
            change: Change::Replace,
            characters: characters(&policy.document),
            removed: ActionSet::none(),
            narrowed: Vec::new(),
        };
        let (base, stays) = match settled.steps.last() {
            Some((_, candidates, stays)) => (candidates[0].clone(), stays.clone()),
            None => (untouched(), ActionSet::none()),
        };
        let Ok(before) = base.after.policy() else {
            return Narrowed::Whole;
        };
        let (mut candidates, is_whole) = narrow.candidates(&before, &base, room);
        candidates.retain(|candidate| !grants_all_of(&before, candidate));
        let Some(shortest) = candidates.iter().map(|candidate| candidate.characters).min() else {
            return Narrowed::Whole;
        };
        candidates.retain(|candidate| candidate.characters <= room);
        if candidates.is_empty() {
            return Narrowed::Unfit(format!(
                "with narrower resources it takes {shortest} characters, and AWS allows {room}"
            ));
        }
        settled.steps.push((Step::Resources, candidates, stays));
        if is_whole { Narrowed::Whole } else { Narrowed::Part }
    }

    fn room(&self, goal: &Goal<'_>, stays: ActionSet) -> Room {
        let split = self.split_documents(goal).map(|documents| documents.len());
        Room { stays, split }
    }

    fn proposals(&self, settled: Settled<'a>, quota: u64, order: Option<String>) -> Vec<Proposal> {
        let Settled { goal, steps, .. } = settled;
        if steps.is_empty() {
            return Vec::new();
        }
        let (grants, options) = (self.grants, self.options);
        let affects = &goal.affects;
        let holds = match &goal.held {
            Some(why) => Holds::only(why.clone()),
            None => self.holds(Some(goal.index), affects),
        };
        let confidence =
            confidence::confidence(grants, self.gaps, affects, self.window, holds.why().as_deref(), options);
        let doubtful = (holds.why().is_none() && confidence.level < options.min_confidence).then(|| {
            Hold::of(format!(
                "its confidence is {}, below --min-confidence {}: {}",
                confidence.level.name(),
                options.min_confidence.name(),
                confidence.why.join("; ")
            ))
        });
        let holds = holds.and(doubtful);
        let mut assumptions = assumptions(self.catalog, self.gaps, goal.index, affects, &goal.removable, options);
        assumptions.extend(order);
        if grants.policies[goal.index].kind == PolicyKind::AwsManaged {
            assumptions.push(
                "AWS maintains the original, which cannot be edited: make a customer-managed policy of the new document, \
                 attach it to everybody affected, then detach the original"
                    .to_owned(),
            );
        }
        let last_write = whole::last_write(self.catalog, self.gaps, grants, &goal).map(Hold::of);
        let proposal = |(step, candidates, stays): (Step, Vec<Candidate>, ActionSet)| {
            // Of a service in use the first step takes nothing.
            let holds = holds.clone().and(last_write.clone().filter(|_| step != Step::Services));
            Proposal {
                policy: goal.index,
                copies: goal.copies.clone(),
                step,
                affects: affects.clone(),
                candidates,
                quota,
                room: (!stays.is_empty()).then(|| self.room(&goal, stays)),
                held: holds.why(),
                held_until: holds.until(),
                confidence: confidence.clone(),
                assumptions: assumptions.clone(),
                kept_by_rule: goal.kept.rules.clone(),
                chosen: self.chosen(&goal),
            }
        };
        steps.into_iter().map(proposal).collect()
    }

    /// Choices that had their say: drops of what goes, and what was kept or put off.
    fn chosen(&self, goal: &Goal<'_>) -> Vec<Chosen> {
        let mut chosen = Vec::new();
        for principal in &goal.affects {
            let granted = |slice: &&Slice| goal.copies.contains(&slice.policy);
            let slices: Vec<&Slice> = self.gaps[*principal].slices.iter().filter(granted).collect();
            let fit = |choice: &&Choice| choice.fits(self.grants, *principal);
            for choice in self.options.choices.0.iter().filter(fit) {
                let set = choice.set(self.catalog);
                let mut actions = ActionSet::none();
                for slice in &slices {
                    match choice.decision {
                        Decision::Open => {}
                        Decision::Keep | Decision::Later(_) => actions.extend(&set.intersection(&slice.granted)),
                        Decision::Drop => {
                            if let Some(goes) = goal.removable.get(&slice.statement) {
                                actions.extend(&choice.obeyed(&set, slice).intersection(goes));
                            }
                        }
                    }
                }
                if !actions.is_empty() {
                    chosen.push(Chosen {
                        principal: *principal,
                        choice: choice.clone(),
                        actions,
                    });
                }
            }
        }
        chosen
    }
}
