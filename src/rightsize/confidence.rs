//! How far a suggestion may be trusted: what the archive's length and the rhythm of calls say of what was not seen.

use std::collections::BTreeSet;

use super::{EvidenceLevel, Options, hold};
use crate::gap::{Activity, Gap};
use crate::grants::{Grants, PrincipalIndex};
use crate::time::Window;

/// Shorter windows say little.
const SHORT: i64 = 14;
/// Half a year sees what happens monthly and quarterly.
const LONG: i64 = 180;
/// Fewer active days show no rhythm.
const FEW_DAYS: usize = 3;
/// A window should hold the usual pause between active days this many times.
const PAUSES: f64 = 3.0;
/// Share of (action, resource)-days expected to be new above which confidence is medium at best …
const SOME_NEW: f64 = 0.10;
/// … and above which it is low.
const MANY_NEW: f64 = 0.25;

/// A level of confidence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Level {
    /// Wait, or look closer.
    #[default]
    Low,
    /// Good enough for development accounts.
    Medium,
    /// Nothing in the archive speaks against it.
    High,
}

impl Level {
    /// The level as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
        }
    }
}

/// A level, and what keeps it from being higher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confidence {
    /// The level.
    pub level: Level,
    /// Reasons; none for `High`.
    pub why: Vec<String>,
}

impl Confidence {
    /// The lowest level, for one more reason.
    pub(super) fn lower(&mut self, why: &str) {
        if self.level != Level::Low {
            self.level = Level::Low;
            self.why.clear();
        }
        self.why.insert(0, why.to_owned());
    }
}

/// Days on which something was seen.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rhythm {
    /// How many.
    pub days_active: usize,
    /// The median number of days from one to the next; `None` for fewer than two.
    pub typical_gap: Option<f64>,
}

impl Rhythm {
    /// The rhythm of these days (since 1970).
    pub fn of(days: &BTreeSet<i32>) -> Rhythm {
        let days: Vec<i32> = days.iter().copied().collect();
        let mut gaps: Vec<i32> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let typical_gap = match gaps.len() {
            0 => None,
            n if n % 2 == 1 => Some(f64::from(gaps[n / 2])),
            n => Some(f64::from(gaps[n / 2 - 1] + gaps[n / 2]) / 2.0),
        };
        Rhythm {
            days_active: days.len(),
            typical_gap,
        }
    }
}

/// The confidence in taking away what these principals did not use: the lowest of the following caps.
///
/// * `low`: the suggestion is held; the archive covers fewer than 14 days of the window; a principal was active on fewer than 3 days, or
///   its usual pause between active days fits into the window fewer than three times ("seen monthly, window 14 days");
///   more than a quarter of its (action, resource)-days are expected to be new (Good and Turing: pairs seen on one day
///   only / all pair-days).
/// * `medium`: it covers fewer than 180 days; more than a tenth is expected to be new; some calls are of
///   operations that the catalog does not know, are explained by no statement, or do not show all their resources; the evidence is not conservative.
/// * `high`: none of these.
pub(super) fn confidence(
    grants: &Grants,
    gaps: &[Gap],
    affects: &[PrincipalIndex],
    window: Window,
    held: Option<&str>,
    options: &Options,
) -> Confidence {
    let mut caps: Vec<(Level, String)> = Vec::new();
    let covered = affects.iter().map(|principal| hold::covered_days(&gaps[*principal]));
    let window = covered.min().unwrap_or_else(|| window.days());
    if held.is_some() {
        caps.push((Level::Low, "it is held".to_owned()));
    }
    if window < SHORT {
        caps.push((Level::Low, format!("the archive covers {window} days only")));
    } else if window < LONG {
        caps.push((
            Level::Medium,
            format!("the archive covers {window} days; what happens twice a year takes {LONG}"),
        ));
    }
    for principal in affects {
        of_principal(
            &gaps[*principal].activity,
            &grants.principals[*principal].arn,
            window,
            &mut caps,
        );
    }
    match options.evidence {
        EvidenceLevel::Conservative => {}
        EvidenceLevel::Balanced | EvidenceLevel::Aggressive => caps.push((
            Level::Medium,
            "the evidence asked for is less than conservative: see the assumptions".to_owned(),
        )),
    }
    let level = caps.iter().map(|(level, _)| *level).min().unwrap_or(Level::High);
    let mut why: Vec<String> = Vec::new();
    for (_, reason) in caps.into_iter().filter(|(cap, _)| *cap == level) {
        if !why.contains(&reason) {
            why.push(reason);
        }
    }
    Confidence { level, why }
}

fn of_principal(activity: &Activity, arn: &str, window: i64, caps: &mut Vec<(Level, String)>) {
    let used = || activity.used.values();
    let days: BTreeSet<i32> = used().flat_map(|evidence| evidence.days.iter().copied()).collect();
    let rhythm = Rhythm::of(&days);
    if rhythm.days_active < FEW_DAYS {
        caps.push((
            Level::Low,
            format!(
                "{arn} was active on {} of {} days: what it does otherwise may not have been seen",
                rhythm.days_active,
                window.max(rhythm.days_active as i64),
            ),
        ));
    } else if let Some(gap) = rhythm.typical_gap.filter(|gap| gap * PAUSES > window as f64) {
        caps.push((
            Level::Low,
            format!("{arn} is seen about every {gap:.0} days, and the window holds {window}"),
        ));
    }
    let pair_days: usize = used().map(|evidence| evidence.days.len()).sum();
    let once = used().filter(|evidence| evidence.days.len() == 1).count();
    let new = if pair_days == 0 {
        0.0
    } else {
        once as f64 / pair_days as f64
    };
    if new > SOME_NEW {
        let level = if new > MANY_NEW { Level::Low } else { Level::Medium };
        caps.push((
            level,
            format!(
                "{once} actions of {arn} were seen on one day only: others that are as rare may not have been seen"
            ),
        ));
    }
    if !activity.unmapped.is_empty() {
        caps.push((
            Level::Medium,
            format!("{arn} made calls of operations that the catalog does not know"),
        ));
    }
    let calls = activity.replayed_unexplained;
    if calls > 0 {
        caps.push((
            Level::Medium,
            format!("{calls} calls of {arn} are explained by no statement: what could explain them stays"),
        ));
    }
    if used().any(|evidence| evidence.incomplete > 0) {
        caps.push((
            Level::Medium,
            format!("some calls of {arn} do not show all their resources"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(days: &[i32], active: usize, gap: Option<f64>) {
        let rhythm = Rhythm::of(&days.iter().copied().collect());
        assert_eq!((rhythm.days_active, rhythm.typical_gap), (active, gap), "{days:?}");
    }

    #[test]
    fn a_rhythm_is_the_median_gap_between_active_days() {
        check(&[], 0, None);
        check(&[5], 1, None);
        check(&[1, 2, 3, 4], 4, Some(1.0));
        check(&[0, 30, 61, 91], 4, Some(30.0));
        check(&[0, 1, 11], 3, Some(5.5));
    }
}
