//! Whose word is asked for: what is held until somebody looks, and whom the questions are about, the most risk first.

use std::collections::{BTreeMap, BTreeSet};

use super::view;
use crate::report::{Report, Suggestion};

/// A policy that is held until somebody looks.
pub(super) struct Ask<'r> {
    /// Which suggestion says so.
    pub(super) at: usize,
    pub(super) suggestion: &'r Suggestion,
    /// Whose policy it is, or its own name where it is nobody's alone.
    pub(super) whose: String,
    /// What to ask.
    pub(super) what: String,
}

/// Policies that are held until somebody looks, in the report's order.
pub(super) fn asks(report: &Report) -> Vec<Ask<'_>> {
    let policy = |one: &'_ Suggestion| (one.policy_arn.clone(), one.policy.clone());
    let all = || report.suggestions.iter();
    let ready: BTreeSet<(String, String)> = all().filter(|one| one.held.is_none()).map(|one| policy(one)).collect();
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    let mut asks = Vec::new();
    for (at, one) in all().enumerate() {
        let Some(held) = one.held.as_deref().filter(|_| one.held_until.is_none()) else {
            continue;
        };
        if !ready.contains(&policy(one)) && known.insert(policy(one)) {
            let names = one.affects.iter();
            asks.push(Ask {
                at,
                suggestion: one,
                whose: view::short(&one.policy_arn),
                what: names.fold(held.to_owned(), |held, arn| {
                    held.replace(arn.as_str(), &view::short(arn))
                }),
            });
        }
    }
    asks
}

/// Principals whom questions are about, and how many.
pub(super) fn asked(report: &Report) -> Vec<(&str, u64)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut asked: Vec<(&str, u64)> = Vec::new();
    for question in &report.questions {
        let place = *places.entry(&question.principal).or_insert(asked.len());
        match asked.get_mut(place) {
            Some((_, questions)) => *questions += 1,
            None => asked.push((&question.principal, 1)),
        }
    }
    asked
}

/// The first names of a list, and how many more, for a sentence; empty without names.
pub(super) fn first(mut names: Vec<String>, most: usize) -> String {
    names.dedup();
    let more = names.len().saturating_sub(most);
    names.truncate(most);
    match more {
        0 => names.join(", "),
        more => format!("{} and {} more", names.join(", "), view::number(more as u64)),
    }
}
