//! The calls after the cut under the learnt policies, and what the days before it foretold.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fate::{Change, Fate, may_allow};
use super::learn::Learnt;
use super::{DAY, Loss, Replay, Score, Tested, date};
use crate::catalog::{ActionId, Catalog};
use crate::gap::{self, Activity, Evidence};
use crate::grants::{Grants, Kind, PolicyIndex, PrincipalIndex};
use crate::iam::arn;
use crate::usage::{Row, Seen, Table};

/// An action on a resource shape.
type Pair = (ActionId, String);
/// Pairs with the days on which they were needed.
type Days = BTreeMap<Pair, BTreeSet<i32>>;

/// What became of the calls after the cut.
pub(super) struct Replayed {
    /// Those who are shown and whose policies would have changed.
    pub(super) principals: Vec<Replay>,
    /// All of them together.
    pub(super) totals: Score,
    /// The first loss by each changed policy that granted it, of everybody who shares a policy with somebody shown.
    pub(super) broke: BTreeMap<PolicyIndex, Loss>,
    /// What became of the calls of each of them.
    pub(super) tested: BTreeMap<PrincipalIndex, Tested>,
}

/// Replays everybody whose policies would have changed, and sums up: once for each set of learnt policies, in one walk.
pub(super) fn replay(
    catalog: &Catalog,
    learning: &Table,
    future: &Table,
    grants: &Grants,
    learnt: &[BTreeMap<PolicyIndex, Arc<Learnt>>],
    shown: Option<&BTreeSet<PrincipalIndex>>,
) -> Vec<Replayed> {
    let mut tallies: Vec<Tallies> = learnt.iter().map(|learnt| tallies(grants, learnt, shown)).collect();
    gap::row_by_row(catalog, learning, grants, &mut |index, row, activity| {
        for tally in tallies.iter_mut().filter_map(|tallies| tallies.get_mut(&index)) {
            tally.learn(catalog, row, activity);
        }
    });
    gap::row_by_row(catalog, future, grants, &mut |index, row, activity| {
        for tally in tallies.iter_mut().filter_map(|tallies| tallies.get_mut(&index)) {
            tally.replay(catalog, row, &future.signatures[row.signature], activity);
        }
    });
    let each = tallies.into_iter().zip(learnt);
    each.map(|(tallies, learnt)| sum_up(catalog, grants, learnt, shown, tallies))
        .collect()
}

/// Of whom calls are counted.
type Tallies = BTreeMap<PrincipalIndex, Tally>;

/// Everybody whose policies would have changed and who is shown, or shares one with somebody shown.
fn tallies(
    grants: &Grants,
    learnt: &BTreeMap<PolicyIndex, Arc<Learnt>>,
    shown: Option<&BTreeSet<PrincipalIndex>>,
) -> Tallies {
    let is_shown = |index: &PrincipalIndex| shown.is_none_or(|shown| shown.contains(index));
    let concerned: BTreeSet<PrincipalIndex> = learnt
        .values()
        .filter(|learnt| learnt.affects.iter().any(is_shown))
        .flat_map(|learnt| learnt.affects.iter().copied())
        .collect();
    (0..grants.principals.len())
        .filter(|index| grants.principals[*index].kind != Kind::Group)
        .filter(|index| is_shown(index) || concerned.contains(index))
        .filter_map(|index| Some((index, Tally::of(Change::of(grants, index, learnt)?))))
        .collect()
}

/// What the tallies come to.
fn sum_up(
    catalog: &Catalog,
    grants: &Grants,
    learnt: &BTreeMap<PolicyIndex, Arc<Learnt>>,
    shown: Option<&BTreeSet<PrincipalIndex>>,
    tallies: Tallies,
) -> Replayed {
    let is_shown = |index: &PrincipalIndex| shown.is_none_or(|shown| shown.contains(index));
    let mut broke: BTreeMap<PolicyIndex, Loss> = BTreeMap::new();
    for (index, tally) in &tallies {
        for (policy, loss) in tally.broke(catalog, grants, *index, learnt) {
            match broke.entry(policy) {
                Entry::Vacant(entry) => {
                    entry.insert(loss);
                }
                Entry::Occupied(mut entry) if loss < *entry.get() => {
                    entry.insert(loss);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    let tested = tallies
        .iter()
        .map(|(index, tally)| (*index, tally.tested(catalog, grants, *index, learnt)))
        .collect();
    let mut sum = Sum::default();
    let mut replays: Vec<Replay> = tallies
        .into_iter()
        .filter(|(index, _)| is_shown(index))
        .map(|(index, mut tally)| {
            // What breaks for sure is no longer in doubt.
            let Tally { broken, doubtful, .. } = &mut tally;
            doubtful.retain(|pair, _| !broken.contains_key(pair));
            sum.add(&tally);
            let held = learnt
                .values()
                .filter(|learnt| learnt.affects.contains(&index))
                .find_map(|learnt| learnt.held.clone());
            Replay {
                arn: grants.principals[index].arn.clone(),
                held,
                score: tally.score(),
                broken: losses(catalog, &tally.broken),
                doubtful: losses(catalog, &tally.doubtful),
            }
        })
        .collect();
    replays.sort_by(|a, b| {
        let weight = |replay: &Replay| (replay.score.broken_calls, replay.score.doubtful_calls);
        weight(b).cmp(&weight(a)).then_with(|| a.arn.cmp(&b.arn))
    });
    Replayed {
        principals: replays,
        totals: sum.score(),
        broke,
        tested,
    }
}

/// A pair that is granted no more.
#[derive(Default)]
struct Lost {
    first_day: i32,
    event: Option<String>,
    calls: u64,
}

/// One principal's calls, counted.
struct Tally {
    change: Change,
    learnt: Days,
    pairs: Days,
    active_days: BTreeSet<i32>,
    broken_days: BTreeSet<i32>,
    calls: u64,
    broken_calls: u64,
    doubtful_calls: u64,
    unmapped_calls: u64,
    broken: BTreeMap<Pair, Lost>,
    doubtful: BTreeMap<Pair, Lost>,
    /// Calls that lose the same pairs.
    broken_together: BTreeMap<BTreeSet<Pair>, u64>,
}

impl Tally {
    fn of(change: Change) -> Tally {
        Tally {
            change,
            learnt: Days::new(),
            pairs: Days::new(),
            active_days: BTreeSet::new(),
            broken_days: BTreeSet::new(),
            calls: 0,
            broken_calls: 0,
            doubtful_calls: 0,
            unmapped_calls: 0,
            broken: BTreeMap::new(),
            doubtful: BTreeMap::new(),
            broken_together: BTreeMap::new(),
        }
    }

    /// Notes what was needed before the cut.
    fn learn(&mut self, catalog: &Catalog, row: &Row, activity: &Activity) {
        for (action, evidence) in &activity.used {
            for shape in named(evidence) {
                if self.change.fate(catalog, *action, shape) != Fate::Elsewhere {
                    let days = self.learnt.entry((*action, shape.to_owned())).or_default();
                    days.insert(row.day);
                }
            }
        }
    }

    /// Decides calls after the cut.
    fn replay(&mut self, catalog: &Catalog, row: &Row, seen: &Seen, activity: &Activity) {
        if !activity.unmapped.is_empty() {
            self.unmapped_calls += row.calls;
            return;
        }
        let mut granted = false;
        let (mut broken, mut doubtful) = (BTreeSet::new(), BTreeSet::new());
        for (action, evidence) in &activity.used {
            for shape in named(evidence) {
                let pair = (*action, shape.to_owned());
                match self.change.fate(catalog, *action, shape) {
                    Fate::Elsewhere => continue,
                    Fate::Kept => {}
                    Fate::Broken if evidence.indeterminate == 0 => {
                        broken.insert(pair.clone());
                    }
                    Fate::Broken | Fate::Doubtful => {
                        doubtful.insert(pair.clone());
                    }
                }
                granted = true;
                self.pairs.entry(pair).or_default().insert(row.day);
            }
        }
        for (action, evidence) in &activity.may_need {
            let needed = activity.used.contains_key(action);
            // The resources that the log does not show may be any.
            let unseen = (evidence.incomplete > 0).then_some("*");
            for shape in named(evidence).filter(|_| !needed).chain(unseen) {
                match self.change.fate(catalog, *action, shape) {
                    Fate::Elsewhere => continue,
                    Fate::Kept => {}
                    Fate::Doubtful | Fate::Broken => {
                        doubtful.insert((*action, shape.to_owned()));
                    }
                }
                granted = true;
            }
        }
        if !granted {
            return;
        }
        self.calls += row.calls;
        self.active_days.insert(row.day);
        let event = [&seen.first, &seen.last]
            .into_iter()
            .find(|witness| witness.time.div_euclid(DAY) == i64::from(row.day) && !witness.event_id.is_empty())
            .map(|witness| witness.event_id.as_str());
        if !broken.is_empty() {
            self.broken_calls += row.calls;
            self.broken_days.insert(row.day);
            *self.broken_together.entry(broken.clone()).or_default() += row.calls;
            lose(&mut self.broken, broken, row, event);
        } else if !doubtful.is_empty() {
            self.doubtful_calls += row.calls;
            lose(&mut self.doubtful, doubtful, row, event);
        }
    }

    /// The first loss by each changed policy of the principal that granted it.
    fn broke(
        &self,
        catalog: &Catalog,
        grants: &Grants,
        index: PrincipalIndex,
        learnt: &BTreeMap<PolicyIndex, Arc<Learnt>>,
    ) -> BTreeMap<PolicyIndex, Loss> {
        let mut broke = BTreeMap::new();
        for loss in losses(catalog, &self.broken) {
            for policy in granting(grants, index, learnt, &loss.action, &loss.resource) {
                // What breaks in one account speaks against a permission set as a whole.
                for policy in [policy, learnt[&policy].policy] {
                    broke.entry(policy).or_insert_with(|| loss.clone());
                }
            }
        }
        broke
    }

    /// What became of the principal's calls, by the policies that granted what broke.
    fn tested(
        &self,
        catalog: &Catalog,
        grants: &Grants,
        index: PrincipalIndex,
        learnt: &BTreeMap<PolicyIndex, Arc<Learnt>>,
    ) -> Tested {
        let mut broken: BTreeMap<BTreeSet<PolicyIndex>, u64> = BTreeMap::new();
        for (pairs, calls) in &self.broken_together {
            let policies = pairs
                .iter()
                .flat_map(|(action, resource)| granting(grants, index, learnt, catalog.name(*action), resource))
                .map(|policy| learnt[&policy].policy);
            *broken.entry(policies.collect()).or_default() += calls;
        }
        Tested {
            calls: self.calls,
            doubtful_calls: self.doubtful_calls,
            broken,
        }
    }

    fn score(&self) -> Score {
        let mut sum = Sum::default();
        sum.add(self);
        sum.score()
    }
}

/// The changed policies of a principal that grant an action on a resource as they stand.
fn granting(
    grants: &Grants,
    index: PrincipalIndex,
    learnt: &BTreeMap<PolicyIndex, Arc<Learnt>>,
    action: &str,
    resource: &str,
) -> Vec<PolicyIndex> {
    let shape = arn::of_shape(resource);
    let grants_it = |policy: &PolicyIndex| match &grants.policies[*policy].policy {
        Ok(before) => learnt.contains_key(policy) && may_allow(before, action, &shape),
        Err(_) => false,
    };
    grants.policies_of(index).into_iter().filter(grants_it).collect()
}

/// The resources that a call named; any, where it named none.
fn named(evidence: &Evidence) -> impl Iterator<Item = &str> {
    let nothing = evidence.resources.is_empty().then_some("*");
    evidence.resources.iter().map(String::as_str).chain(nothing)
}

/// Notes that calls of a row lose these pairs.
fn lose(lost: &mut BTreeMap<Pair, Lost>, pairs: BTreeSet<Pair>, row: &Row, event: Option<&str>) {
    for pair in pairs {
        let entry = lost.entry(pair).or_insert_with(|| Lost {
            first_day: row.day,
            ..Lost::default()
        });
        entry.calls += row.calls;
        let event = event.map(str::to_owned);
        if row.day < entry.first_day {
            entry.first_day = row.day;
            entry.event = event;
        } else if row.day == entry.first_day {
            // Of several events of that day the one with the smallest id, whatever order the rows come in.
            entry.event = entry.event.take().into_iter().chain(event).min();
        }
    }
}

fn losses(catalog: &Catalog, lost: &BTreeMap<Pair, Lost>) -> Vec<Loss> {
    let mut losses: Vec<Loss> = lost
        .iter()
        .map(|((action, resource), lost)| Loss {
            first_seen: date(i64::from(lost.first_day)),
            event: lost.event.clone(),
            action: catalog.name(*action).to_owned(),
            resource: resource.clone(),
            calls: lost.calls,
        })
        .collect();
    losses.sort_by(|a, b| {
        let key = |loss: &Loss| (loss.first_seen.clone(), loss.action.clone(), loss.resource.clone());
        key(a).cmp(&key(b))
    });
    losses
}

/// Several principals' tallies in one.
#[derive(Default)]
struct Sum {
    score: Score,
    active_days: BTreeSet<i32>,
    broken_days: BTreeSet<i32>,
    learnt_pair_days: u64,
    learnt_once: u64,
    pair_days: u64,
    new_pair_days: u64,
}

impl Sum {
    fn add(&mut self, tally: &Tally) {
        self.score.calls += tally.calls;
        self.score.pairs += tally.pairs.len() as u64;
        self.score.broken_calls += tally.broken_calls;
        self.score.broken_pairs += tally.broken.len() as u64;
        self.score.doubtful_calls += tally.doubtful_calls;
        self.score.doubtful_pairs += tally.doubtful.len() as u64;
        self.score.unmapped_calls += tally.unmapped_calls;
        self.active_days.extend(&tally.active_days);
        self.broken_days.extend(&tally.broken_days);
        for days in tally.learnt.values() {
            self.learnt_pair_days += days.len() as u64;
            self.learnt_once += u64::from(days.len() == 1);
        }
        for (pair, days) in &tally.pairs {
            self.pair_days += days.len() as u64;
            if !tally.learnt.contains_key(pair) {
                self.new_pair_days += days.len() as u64;
            }
        }
    }

    fn score(self) -> Score {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let active_days = self.active_days.len() as u64;
        let clean = self.score.broken_calls == 0 && self.score.doubtful_calls == 0;
        Score {
            active_days,
            broken_days: self.broken_days.len() as u64,
            // Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983).
            broken_days_at_most: share(3, active_days).filter(|_| clean).map(|bound| bound.min(1.0)),
            new_pairs_expected: share(self.learnt_once, self.learnt_pair_days),
            new_pairs_seen: share(self.new_pair_days, self.pair_days),
            ..self.score
        }
    }
}
