//! How often policies learnt from the past would have broken the future.
//!
//! The window is cut at a day. Policies are learnt from the days before it, as `analyze` would have learnt them then,
//! and the calls from that day on are replayed: a call breaks where the policies as they stand grant what it needed
//! and the learnt ones do not. Guards for age and change are off, as they would hold back most suggestions that an
//! archive can test.

mod fate;
mod learn;
mod replay;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Archive;
use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::help::Help;
use crate::rightsize::Options;
use crate::time::{DAY, Window, date, day_of};

/// The `schema` field of a backtest.
pub const SCHEMA: &str = "trimtrail.backtest/1";

/// Share of the covered days to learn from, unless told otherwise.
pub const LEARNT: f64 = 0.67;

/// Where the window is cut.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Split {
    /// This share of the days that the archive covers is learnt from; at least one day, and not all.
    Share(f64),
    /// The first day that is replayed, in days since 1970.
    Day(i64),
}

/// Why a window cannot be cut.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// Nothing to replay.
    #[error("the archive covers one day ({0}), and a backtest learns from one and replays another")]
    OneDay(String),
    /// One side would be empty.
    #[error("a cut at {cut} leaves one side empty: the archive spans {first} to {last}")]
    Outside {
        /// The day that was asked for.
        cut: String,
        /// The first day of the window.
        first: String,
        /// The last day of the window.
        last: String,
    },
}

impl Help for Error {
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Error::OneDay(_) => "give logs of more days",
            Error::Outside { .. } => "choose a day after the first and up to the last, or a share with --learn 0.67",
        })
    }
}

/// What a backtest is made with.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// Where the window is cut.
    pub split: Split,
    /// How suggestions are made, guards aside.
    pub options: &'a Options,
    /// Whose calls are replayed; `None` for everybody's.
    pub shown: Option<&'a std::collections::BTreeSet<PrincipalIndex>>,
}

/// What would have happened.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Backtest {
    /// Always `trimtrail.backtest/1`.
    pub schema: String,
    /// The first day that was learnt from, `YYYY-MM-DD` (UTC).
    pub from: String,
    /// The first day that was replayed.
    pub cut: String,
    /// The last day that was replayed.
    pub to: String,
    /// Days learnt from: those before the cut that the archive covers.
    pub learnt_days: i64,
    /// Days replayed: those from the cut on that the archive covers.
    pub replayed_days: i64,
    /// The policies that would have changed, a permission set once.
    pub suggestions: Vec<Learnt>,
    /// All principals together.
    pub totals: Score,
    /// Everybody whom a change would have affected, the most broken calls first.
    pub principals: Vec<Replay>,
    /// Roles and users whose policies would have stayed as they are.
    pub unaffected: u64,
    /// Policies that granted what the learnt ones would have denied, with the first such call.
    #[serde(skip)]
    pub broke: BTreeMap<PolicyIndex, String>,
    /// What became of the calls of everybody who is shown or shares a changed policy with somebody shown.
    #[serde(skip)]
    pub tested: BTreeMap<PrincipalIndex, Tested>,
    /// What life cycles kept, and what that saved; `null` where they are off.
    pub life_cycles: Option<LifeCyclesTried>,
}

/// What became of one principal's calls, by the policies that granted what broke.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tested {
    /// Calls replayed.
    pub calls: u64,
    /// Calls of which it cannot be told.
    pub doubtful_calls: u64,
    /// Calls that would have been denied, by the changed policies that granted what they lose.
    pub broken: BTreeMap<BTreeSet<PolicyIndex>, u64>,
}

/// What life cycles kept, and what that saved: the same backtest without them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct LifeCyclesTried {
    /// Actions that would have gone without them, summed over policies.
    pub kept_actions: u64,
    /// Pairs of action and resource that would have been denied without them.
    pub saved_pairs: u64,
    /// Calls that would have been denied without them.
    pub saved_calls: u64,
}

/// A policy that would have changed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Learnt {
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// What it goes down to.
    pub step: String,
    /// How many catalog actions go.
    pub removed_actions: u64,
    /// Why it would have been held back even then: on the keep-list, or idle until the cut.
    pub held: Option<String>,
}

/// What became of calls.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Score {
    /// Days with calls among those replayed.
    pub active_days: u64,
    /// Calls replayed: those that the policies as they stand may have allowed.
    pub calls: u64,
    /// Distinct pairs of action and resource that they needed.
    pub pairs: u64,
    /// Calls that would have been denied; calls that differ in their resources alone count together within a day.
    pub broken_calls: u64,
    /// Distinct pairs that would have been denied.
    pub broken_pairs: u64,
    /// Days on which at least one call would have been denied.
    pub broken_days: u64,
    /// Calls of which it cannot be told: the log does not show all that they needed, or whether AWS allowed them.
    pub doubtful_calls: u64,
    /// Distinct pairs of that kind.
    pub doubtful_pairs: u64,
    /// Calls whose operation the catalog does not know; they were not replayed.
    pub unmapped_calls: u64,
    /// Where nothing broke and nothing is in doubt: the share of active days that break at most, with a confidence of
    /// 95 % (rule of three: 3 / active days).
    pub broken_days_at_most: Option<f64>,
    /// The share of pairs a day that was expected to be new, from the days learnt from (Good and Turing: pairs seen on
    /// a single day / all pairs by day).
    pub new_pairs_expected: Option<f64>,
    /// The share that was new among those replayed.
    pub new_pairs_seen: Option<f64>,
}

/// One principal's calls after the cut.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Replay {
    /// Whose.
    pub arn: String,
    /// Why some change to its policies would have been held back even then.
    pub held: Option<String>,
    /// What became of its calls.
    #[serde(flatten)]
    pub score: Score,
    /// What would have been denied, in the order in which it would have happened.
    pub broken: Vec<Loss>,
    /// What may have been denied.
    pub doubtful: Vec<Loss>,
}

/// A pair of action and resource that the learnt policies no longer grant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Loss {
    /// The first day on which it was needed, `YYYY-MM-DD`.
    pub first_seen: String,
    /// An event of that day, where one is known.
    pub event: Option<String>,
    /// `service:Name`
    pub action: String,
    /// The resource, as a pattern.
    pub resource: String,
    /// Calls that needed it.
    pub calls: u64,
}

/// [`backtest`], and what life cycles make of it: where they are on, the same days replayed beside it without them.
///
/// # Errors
/// The window cannot be cut there.
pub fn backtest_of_life_cycles(
    catalog: &Catalog,
    archive: &Archive<'_>,
    grants: &Grants,
    window: Window,
    choice: &Choice<'_>,
) -> Result<Backtest, Error> {
    let with_and_without = [true, false];
    let tried = if choice.options.life_cycles {
        &with_and_without[..]
    } else {
        &[false]
    };
    let mut answers = replayed(catalog, archive, grants, window, choice, tried)?;
    let mut answer = answers.remove(0);
    answer.life_cycles = answers.first().map(|past| {
        let removed = |answer: &Backtest| {
            answer
                .suggestions
                .iter()
                .map(|learnt| learnt.removed_actions)
                .sum::<u64>()
        };
        LifeCyclesTried {
            kept_actions: removed(past).saturating_sub(removed(&answer)),
            saved_pairs: past.totals.broken_pairs.saturating_sub(answer.totals.broken_pairs),
            saved_calls: past.totals.broken_calls.saturating_sub(answer.totals.broken_calls),
        }
    });
    Ok(answer)
}

/// Learns from the days before the cut and replays the rest. `window` is what the archive spans.
///
/// # Errors
/// The window cannot be cut there.
pub fn backtest(
    catalog: &Catalog,
    archive: &Archive<'_>,
    grants: &Grants,
    window: Window,
    choice: &Choice<'_>,
) -> Result<Backtest, Error> {
    let tried = [choice.options.life_cycles];
    Ok(replayed(catalog, archive, grants, window, choice, &tried)?.remove(0))
}

/// One answer for each of `life_cycles`, that is with them or without: the archive is read once for all.
fn replayed(
    catalog: &Catalog,
    archive: &Archive<'_>,
    grants: &Grants,
    window: Window,
    choice: &Choice<'_>,
    life_cycles: &[bool],
) -> Result<Vec<Backtest>, Error> {
    let (first, last) = (day_of(window.first), day_of(window.last()));
    let covered = covered_days(archive.coverage, window);
    let cut = cut((first, last), &covered, choice.split)?;
    let learnt_days = covered.range(..cut).count();
    // Days in a table are 32 bits; a window beyond them holds no row there.
    let cut_in_table = i32::try_from(cut).unwrap_or(if cut < 0 { i32::MIN } else { i32::MAX });
    let (learning, future) = (archive.table.days(..cut_in_table), archive.table.days(cut_in_table..));
    let before_cut = Archive {
        table: &learning,
        coverage: archive.coverage,
        window: Some(Window {
            first: window.first,
            end: cut * DAY,
        }),
    };
    let learnt = learn::learn(catalog, &before_cut, grants, choice.options, life_cycles);
    let replayed = replay::replay(catalog, &learning, &future, grants, &learnt, choice.shown);
    let everybody = (0..grants.principals.len()).filter(|index| {
        grants.principals[*index].kind != crate::grants::Kind::Group
            && choice.shown.is_none_or(|shown| shown.contains(index))
    });
    let everybody = everybody.count();
    let answers = learnt.iter().zip(replayed).map(|(learnt, replayed)| {
        let broke = replayed.broke.into_iter().map(|(policy, loss)| {
            let why = format!(
                "learnt from the first {learnt_days} of {} days it would have denied {} on {}: new calls still come",
                covered.len(),
                loss.action,
                loss.first_seen
            );
            (policy, why)
        });
        let own = learnt.iter().filter(|(policy, learnt)| **policy == learnt.policy);
        let suggestions = own.map(|(policy, learnt)| Learnt {
            policy: grants.policies[*policy].name.clone(),
            policy_arn: grants.policies[*policy].arn.clone(),
            step: learnt.step.name().to_owned(),
            removed_actions: learnt.removed_actions,
            held: learnt.held.clone(),
        });
        Backtest {
            schema: SCHEMA.to_owned(),
            from: date(first),
            cut: date(cut),
            to: date(last),
            learnt_days: learnt_days as i64,
            replayed_days: (covered.len() - learnt_days) as i64,
            suggestions: suggestions.collect(),
            totals: replayed.totals,
            unaffected: (everybody - replayed.principals.len()) as u64,
            principals: replayed.principals,
            broke: broke.collect(),
            tested: replayed.tested,
            life_cycles: None,
        }
    });
    Ok(answers.collect())
}

/// Days of the window that the archive covers, of any account.
fn covered_days(coverage: &Coverage, window: Window) -> BTreeSet<i64> {
    let regions = coverage.regions();
    let accounts = coverage.accounts().into_iter();
    let covered = accounts.flat_map(|account| coverage.covered(account, &regions, window));
    covered
        .flat_map(|covered| day_of(covered.first)..=day_of(covered.last()))
        .collect()
}

/// The first day that is replayed.
fn cut((first, last): (i64, i64), covered: &BTreeSet<i64>, split: Split) -> Result<i64, Error> {
    if covered.len() < 2 {
        return Err(Error::OneDay(date(first)));
    }
    match split {
        Split::Share(share) => {
            let learnt = (covered.len() as f64 * share).round() as usize;
            let cut = covered.iter().nth(learnt.clamp(1, covered.len() - 1));
            Ok(cut.copied().unwrap_or(last))
        }
        Split::Day(cut) if first < cut && cut <= last => Ok(cut),
        Split::Day(cut) => Err(Error::Outside {
            cut: date(cut),
            first: date(first),
            last: date(last),
        }),
    }
}

#[cfg(test)]
mod tests;
