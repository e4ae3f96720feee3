//! Who comes first, with what is suggested, and what to do about each.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{day, nameless_account, number, short};
use crate::report::{Principal, Report, Suggestion};
use crate::verify::Verified;

/// A principal with the suggestions that touch it.
pub(in crate::emit) struct Row<'a> {
    pub(in crate::emit) principal: &'a Principal,
    /// Positions in `report.suggestions`.
    pub(in crate::emit) suggestions: Vec<usize>,
    pub(in crate::emit) ready: usize,
    /// Of each held suggestion why, and until when, where time alone decides.
    pub(in crate::emit) held: Vec<(&'a str, Option<&'a str>)>,
    /// The dangerous actions that ready suggestions take away.
    pub(in crate::emit) risk: BTreeSet<&'a str>,
    /// How many others are just like it and stand in its line.
    pub(in crate::emit) alike: u64,
    /// The accounts of all in its line.
    pub(in crate::emit) accounts: BTreeSet<&'a str>,
}

impl Row<'_> {
    /// Granted actions that stay because this archive could not have shown them.
    pub(in crate::emit) fn unseen(&self) -> u64 {
        let totals = &self.principal.totals;
        totals.unobservable + totals.outside_coverage
    }

    /// What is held: first what somebody may settle today, then what takes longest.
    fn first_held(&self) -> Option<(&str, Option<&str>)> {
        let ask = self.held.iter().find(|(_, until)| until.is_none());
        ask.or_else(|| self.held.iter().max_by_key(|(_, until)| *until))
            .copied()
    }

    /// What to do about this principal, in a few words.
    pub(in crate::emit) fn to_do(&self) -> String {
        let alike = match self.alike {
            0 => String::new(),
            more => format!(", and {} alike", number(more)),
        };
        if self.ready > 0 {
            format!("apply {}{alike}", self.ready)
        } else if let Some((why, until)) = self.first_held() {
            let why = why.replace(self.principal.arn.as_str(), &short(&self.principal.arn));
            match until {
                Some(day) => format!("wait until {day}{alike}: {why}"),
                None => format!("ask{alike}: {why}"),
            }
        } else if !self.principal.rewritable {
            format!(
                "leave: {}",
                self.principal.why_not.as_deref().unwrap_or("not rewritable")
            )
        } else if self.principal.totals.unused > 0 {
            "look: no proved change".to_owned()
        } else if self.unseen() > 0 {
            "prove: log more".to_owned()
        } else {
            "nothing".to_owned()
        }
    }
}

/// Principals in the order in which they deserve attention: risk first, then how much can go.
pub(in crate::emit) fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut by_arn: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, suggestion) in report.suggestions.iter().enumerate() {
        // A group's own policy affects its members, and is the group's.
        let own = [&suggestion.policy_arn]
            .into_iter()
            .filter(|arn| arn.contains(":group/"));
        let affected: BTreeSet<&str> = suggestion.affects.iter().chain(own).map(String::as_str).collect();
        for arn in affected {
            by_arn.entry(arn).or_default().push(at);
        }
    }
    let mut rows: Vec<Row<'_>> = report
        .principals
        .iter()
        .map(|principal| {
            let suggestions = by_arn.get(principal.arn.as_str()).cloned().unwrap_or_default();
            let all = || suggestions.iter().filter_map(|at| report.suggestions.get(*at));
            let ready = |s: &&Verified<Suggestion>| s.held.is_none();
            Row {
                principal,
                ready: all().filter(ready).count(),
                held: all()
                    .filter_map(|s| Some((s.held.as_deref()?, s.held_until.as_deref().map(day))))
                    .collect(),
                risk: all()
                    .filter(ready)
                    .flat_map(|s| &s.risk_removed)
                    .map(String::as_str)
                    .collect(),
                alike: 0,
                accounts: BTreeSet::from([principal.account.as_str()]),
                suggestions,
            }
        })
        .collect();
    rows.sort_by(|a, b| {
        let key = |row: &Row<'_>| (row.risk.len(), row.ready > 0, row.principal.totals.unused);
        key(b).cmp(&key(a)).then_with(|| a.principal.arn.cmp(&b.principal.arn))
    });
    rows
}

/// The rows with one line for principals of whom the same is granted, used and suggested, in whatever account.
pub(in crate::emit) fn merged<'a>(report: &'a Report, rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
    let mut known: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut merged: Vec<Row<'a>> = Vec::new();
    for row in rows {
        if row.suggestions.is_empty() {
            merged.push(row);
            continue;
        }
        let mut digest = Sha256::new();
        digest.update(format!(
            "{} {:?} {}",
            row.principal.kind, row.principal.totals, row.ready
        ));
        for s in row.suggestions.iter().filter_map(|at| report.suggestions.get(*at)) {
            let held = s.held_until.as_deref().unwrap_or_default();
            for part in [
                s.policy.as_str(),
                &s.change,
                s.before().as_str(),
                s.after().as_str(),
                held,
            ] {
                digest.update(nameless_account(part, &row.principal.account).as_bytes());
                digest.update([0]);
            }
        }
        match known.entry(digest.finalize().into()) {
            Entry::Occupied(twin) => {
                let twin = &mut merged[*twin.get()];
                twin.alike += 1;
                twin.accounts.extend(row.accounts);
            }
            Entry::Vacant(new) => {
                new.insert(merged.len());
                merged.push(row);
            }
        }
    }
    merged
}
