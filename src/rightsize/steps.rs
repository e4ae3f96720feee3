//! The steps that policies can take: those that share one quota are settled together.
//!
//! Where there is too little room, what one step gives up another may use: statements that narrowing took apart pack
//! otherwise, and what one policy leaves is another's. So the answers are looked at as a second run would look at them,
//! until it finds nothing.

use std::collections::BTreeMap;

use super::assumptions::assumptions;
use super::fit::Fit;
use super::further::Further;
use super::hold::{Hold, Holds};
use super::quota::{Purse, characters};
use super::{
    Candidate, Change, Choice, Chosen, Decision, Goal, Origin, Proposal, Rewriter, Room, Step, Steps, confidence,
    grants_all_of, narrow, rewrite, whole,
};
use crate::gap::{ActionSet, Slice};
use crate::grants::{PolicyIndex, PolicyKind};
use crate::iam::{Policy, PolicyText};

/// How often policies that found too little room for narrower resources try again.
const ROUNDS: usize = 4;
/// How often answers are looked at again at most: each time something goes, so that it ends by itself.
const RUNS: usize = 16;

/// What became of the step to narrower resources.
enum Narrowed {
    /// All that there is to it.
    Whole,
    /// What there was room for.
    Part,
    /// Nothing, for want of room.
    Unfit(String),
}

/// A step, the documents in the order in which to try them, and what stays in the first one for room.
type Taken = (Step, Vec<Candidate>, ActionSet);

/// What became of a policy's steps so far, for those that follow: its furthest document.
struct Stand {
    candidate: Candidate,
    further: Further,
    stays: ActionSet,
}

/// What one policy becomes, step by step.
struct Settled<'g, 'a> {
    goal: &'g Goal<'a>,
    /// Where it starts from, if not from the policy itself.
    stand: Option<Stand>,
    /// Characters before.
    now: u64,
    steps: Vec<Taken>,
    /// Whether narrower resources found too little room.
    is_short: bool,
    /// Whether something stays, or stands together, to save room.
    is_packed: bool,
}

impl Settled<'_, '_> {
    /// Characters that it may take, whichever of its steps is taken last.
    fn claim(&self) -> u64 {
        match self.steps.last() {
            Some((_, candidates, _)) => candidates.iter().map(Candidate::takes).max().unwrap_or(self.now),
            None => self.now,
        }
    }

    /// Whether more room would let more go.
    fn wants_room(&self) -> bool {
        self.is_short || self.is_packed
    }

    fn document(&self) -> &Policy {
        self.stand
            .as_ref()
            .map_or(self.goal.document, |stand| &stand.further.document)
    }

    fn removable(&self) -> &BTreeMap<usize, ActionSet> {
        self.stand
            .as_ref()
            .map_or(&self.goal.removable, |stand| &stand.further.removable)
    }

    fn seen(&self) -> &BTreeMap<usize, ActionSet> {
        self.stand.as_ref().map_or(&self.goal.seen, |stand| &stand.further.seen)
    }

    /// Puts what was found from where the last step stands before the documents of that step, or behind it as a step of
    /// its own.
    fn go_on(&mut self, found: Vec<Taken>) {
        for (step, candidates, stays) in found {
            match self.steps.last_mut() {
                Some((last, known, room)) if step <= *last => {
                    known.splice(0..0, candidates);
                    *room = stays;
                }
                Some(_) | None => self.steps.push((step, candidates, stays)),
            }
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
        let start = |goal| Settled {
            goal,
            stand: None,
            now: now(goal.index),
            steps: Vec::new(),
            is_short: false,
            is_packed: false,
        };
        let mut settled: Vec<Settled<'_, 'a>> = goals.iter().map(start).collect();
        let mut unfit = self.take(&[Step::Actions, Step::Services], &mut settled, whole - fixed);
        for _ in 0..RUNS {
            let is_short = !unfit.is_empty() || settled.iter().any(Settled::wants_room);
            if !is_short || !self.again(&mut settled, &mut unfit, purse.quota.characters, fixed) {
                break;
            }
        }
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

    /// Takes these steps and the one to narrower resources, within so much room for all. Policies of which something
    /// finds none, with the reason.
    fn take(&self, steps: &[Step], settled: &mut [Settled<'_, 'a>], room: u64) -> Vec<(PolicyIndex, String)> {
        let mut unfit = Vec::new();
        for step in steps {
            self.step(*step, settled, room, &mut unfit);
        }
        unfit.extend(self.narrow_all(settled, room));
        unfit
    }

    /// What a second run would find once the answers are in place; whether it finds something.
    fn again(
        &self,
        settled: &mut [Settled<'_, 'a>],
        unfit: &mut Vec<(PolicyIndex, String)>,
        quota: u64,
        fixed: u64,
    ) -> bool {
        let next = settled.iter_mut().enumerate();
        let (places, mut next): (Vec<usize>, Vec<Settled<'_, 'a>>) =
            next.filter_map(|(at, one)| Some((at, self.next(one)?))).unzip();
        let taken: u64 = next.iter().map(|one| one.now).sum();
        let short = self.take(&[Step::Actions], &mut next, quota.max(fixed + taken) - fixed);
        let mut found = false;
        for (at, next) in places.into_iter().zip(next) {
            if next.steps.is_empty() {
                continue;
            }
            found = true;
            let one = &mut settled[at];
            one.is_short = next.is_short;
            one.is_packed = next.is_packed;
            one.go_on(next.steps);
            unfit.retain(|(policy, _)| *policy != one.goal.index);
            unfit.extend(short.iter().filter(|(policy, _)| *policy == one.goal.index).cloned());
        }
        found
    }

    /// A policy as it stands after its last step; `None` where it is gone. What else would do takes no more room.
    fn next<'g>(&self, settled: &mut Settled<'g, 'a>) -> Option<Settled<'g, 'a>> {
        let goal = settled.goal;
        let stand = match settled.steps.last_mut() {
            None => None,
            Some((_, candidates, stays)) => {
                let first = candidates.first()?.clone();
                candidates.retain(|other| other.takes() <= first.takes());
                if first.change != Change::Replace {
                    return None;
                }
                let further = self.whole_cut(goal).further(&first)?;
                Some(Stand {
                    candidate: first,
                    further,
                    stays: stays.clone(),
                })
            }
        };
        Some(Settled {
            goal,
            now: stand.as_ref().map_or(settled.now, |stand| stand.candidate.characters),
            stand,
            steps: Vec::new(),
            is_short: false,
            is_packed: false,
        })
    }

    /// The cut of a policy as it was before any step.
    fn whole_cut<'c>(&'c self, goal: &'c Goal<'a>) -> rewrite::Cut<'c> {
        let policy = &self.grants.policies[goal.index];
        self.cut(
            policy.kind,
            &policy.document,
            goal.document,
            &goal.removable,
            &goal.seen,
            &goal.spelled,
        )
    }

    /// Takes one step with all policies that can take it.
    fn step(&self, step: Step, settled: &mut [Settled<'_, 'a>], room: u64, unfit: &mut Vec<(PolicyIndex, String)>) {
        let can = |one: &Settled<'_, '_>| {
            !one.removable().values().all(ActionSet::is_empty)
                && (step == Step::Actions || rewrite::has_service_step(one.document()))
        };
        let mut taking: Vec<usize> = (0..settled.len()).filter(|at| can(&settled[*at])).collect();
        let removable: Vec<BTreeMap<usize, ActionSet>> = settled
            .iter()
            .map(|one| rewrite::of_step(self.catalog, one.document(), one.removable(), step))
            .collect();
        let seen: Vec<BTreeMap<usize, ActionSet>> = settled
            .iter()
            .map(|one| rewrite::seen_in_step(one.document(), one.seen(), step))
            .collect();
        // Whole services come first, but not where nothing is left to do after them.
        taking.retain(|at| step == Step::Actions || removable[*at] != *settled[*at].removable());
        let cut = |at: usize| {
            let (one, policy) = (&settled[at], &self.grants.policies[settled[at].goal.index]);
            let written = one
                .stand
                .as_ref()
                .map_or(&policy.document, |stand| &stand.further.written);
            self.cut(
                policy.kind,
                written,
                one.document(),
                &removable[at],
                &seen[at],
                &one.goal.spelled,
            )
        };
        let mut idle: Vec<(usize, Fit)> = Vec::new();
        let fits = loop {
            if taking.is_empty() {
                break Vec::new();
            }
            let cuts: Vec<rewrite::Cut<'_>> = taking.iter().map(|at| cut(*at)).collect();
            let others = settled.iter().enumerate().filter(|(at, _)| !taking.contains(at));
            let target = room.saturating_sub(others.map(|(_, one)| one.claim()).sum());
            match self.fits.fit(&cuts, target) {
                Ok(fits) => {
                    // What goes from one statement alone may still be granted by another. Such a policy stays as it is,
                    // and takes the room that it took.
                    let is_idle = |(at, fit): &(usize, Fit)| {
                        fit.candidate.removed.is_empty() && grants_all_of(settled[*at].document(), &fit.candidate)
                    };
                    let (same, other): (Vec<_>, Vec<_>) = taking.iter().copied().zip(fits).partition(is_idle);
                    let is_room = same
                        .iter()
                        .all(|(at, fit)| settled[*at].claim() <= fit.candidate.takes());
                    idle.extend(same);
                    taking = other.iter().map(|(at, _)| *at).collect();
                    if is_room {
                        break other;
                    }
                }
                Err(why) => {
                    // The one that grows most stays as it is; the others may still fit.
                    let growth = |at: &usize| cut(*at).finest().characters.saturating_sub(settled[*at].now);
                    let most = taking.iter().copied().max_by_key(growth);
                    let why = format!("no form of the `{}` step fits AWS's quota: {why}", step.name());
                    unfit.extend(most.map(|most| (settled[most].goal.index, why)));
                    taking.retain(|at| Some(*at) != most);
                }
            }
        };
        for (at, fit) in idle {
            let one = &mut settled[at];
            one.is_packed |= fit.packed;
            if step == Step::Actions && !fit.room.is_empty() {
                unfit.push((one.goal.index, self.room(one.goal, fit.room).note()));
            }
        }
        for (at, fit) in fits {
            let Fit {
                candidate,
                room,
                packed,
            } = fit;
            let one = &mut settled[at];
            one.is_packed |= packed;
            let candidate = match &one.stand {
                Some(stand) => self.whole_cut(one.goal).told_from_here(&stand.candidate, candidate),
                None => candidate,
            };
            match one.steps.first() {
                Some((_, finer, _)) if finer[0].after == candidate.after => {}
                Some(_) | None => one.steps.insert(0, (step, vec![candidate], room)),
            }
        }
    }

    /// Adds the steps to narrower resources, within so much room for all. Where some find too little, they try again
    /// once the others have taken theirs, which may have made room.
    fn narrow_all(&self, settled: &mut [Settled<'_, 'a>], room: u64) -> Vec<(PolicyIndex, String)> {
        let mut short = BTreeMap::new();
        let mut waiting: Vec<usize> = (0..settled.len()).collect();
        for _ in 0..ROUNDS {
            let claims = |settled: &[Settled<'_, '_>]| -> Vec<u64> { settled.iter().map(Settled::claim).collect() };
            let before = claims(settled);
            waiting.retain(|at| {
                settled[*at].steps.retain(|(step, ..)| *step != Step::Resources);
                let others = claims(settled).iter().sum::<u64>() - settled[*at].claim();
                let narrowed = self.narrower(&mut settled[*at], room.saturating_sub(others));
                short.remove(&settled[*at].goal.index);
                settled[*at].is_short = !matches!(narrowed, Narrowed::Whole);
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
    fn narrower(&self, settled: &mut Settled<'_, 'a>, room: u64) -> Narrowed {
        let goal = settled.goal;
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
        let (base, stays) = match (settled.steps.last(), &settled.stand) {
            (Some((_, candidates, stays)), _) => (candidates[0].clone(), stays.clone()),
            (None, Some(stand)) => (stand.candidate.clone(), stand.stays.clone()),
            (None, None) => (untouched(), ActionSet::none()),
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
        let split = || self.split_documents(goal).map(|documents| documents.len());
        let split = goal.split.get_or_init(split).clone();
        Room { stays, split }
    }

    fn proposals(&self, settled: Settled<'_, 'a>, quota: u64, order: Option<String>) -> Vec<Proposal> {
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
        let last_write = whole::last_write(self.catalog, self.gaps, grants, goal).map(Hold::of);
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
                room: (!stays.is_empty()).then(|| self.room(goal, stays)),
                held: holds.why(),
                held_until: holds.until(),
                confidence: confidence.clone(),
                assumptions: assumptions.clone(),
                kept_by_rule: goal.kept.rules.clone(),
                chosen: self.chosen(goal),
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
