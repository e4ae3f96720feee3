//! How many authorised calls the grants explain, operation by operation: a measure of our own tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::entities::Entities;
use super::evidence::{Activity, Callers, record};
use super::explain::{Cause, Holdings, calls_on, trusts, went_through};
use super::{Granting, granting, observability};
use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::grants::Grants;
use crate::resolve::Operation;
use crate::time::Window;
use crate::usage::Table;

/// Most resources that are shown of an operation.
const RESOURCES: usize = 5;

/// Calls that AWS allowed to principals whose grants are given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// All of them.
    pub calls: u64,
    /// Those that statements of the principal explain: some allows, in some context, all that was surely needed.
    pub explained: u64,
    /// Those of operations that the catalog does not know.
    pub unmapped: u64,
}

impl Share {
    /// Calls that nothing explains, unmapped ones included.
    pub fn unexplained(self) -> u64 {
        self.calls - self.explained
    }

    /// The share that is explained, in per cent; 100 of none.
    pub fn percent(self) -> f64 {
        if self.calls == 0 {
            100.0
        } else {
            100.0 * self.explained as f64 / self.calls as f64
        }
    }

    fn add(&mut self, other: Share) {
        self.calls += other.calls;
        self.explained += other.explained;
        self.unmapped += other.unmapped;
    }
}

/// The calls of one operation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExplainedOperation {
    /// How many, and how many explained.
    pub share: Share,
    /// Actions that calls surely needed and that no statement allows on what they touched.
    pub actions: BTreeSet<String>,
    /// Some resources, as derived, on which nothing allows them.
    pub resources: BTreeSet<String>,
}

/// The calls of everybody whose grants are given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Explained {
    /// All of them.
    pub total: Share,
    /// By event source.
    pub sources: BTreeMap<String, Share>,
    /// By event source and name, the most unexplained calls first.
    pub operations: Vec<((String, String), ExplainedOperation)>,
}

/// Counts them.
pub fn explained(catalog: &Catalog, table: &Table, grants: &Grants, coverage: &Coverage, window: Window) -> Explained {
    let mut views = observability::Views::new(catalog, coverage, &grants.supplements.trails, window);
    let granting: Vec<Vec<Granting<'_>>> = granting(catalog, grants, &mut views);
    let (callers, entities, trusts) = (Callers::of(grants), Entities::of(grants, table), trusts(grants));
    let mut holdings: HashMap<usize, Holdings<'_>> = HashMap::new();
    let mut prepared: HashMap<(&str, &str), Operation> = HashMap::new();
    let mut operations: BTreeMap<(String, String), ExplainedOperation> = BTreeMap::new();
    let rows_of = table.rows_of();
    for (seen, rows) in table.signatures.iter().zip(&rows_of) {
        let signature = &seen.signature;
        let Some((index, _)) = callers.find(grants, signature) else {
            continue;
        };
        if !went_through(seen) {
            continue;
        }
        let (source, name) = (&*signature.event_source, &*signature.event_name);
        let operation = prepared
            .entry((source, name))
            .or_insert_with(|| Operation::of(catalog, source, name));
        let calls: u64 = rows.iter().map(|row| row.calls).sum();
        let entry = operations.entry((source.to_owned(), name.to_owned())).or_default();
        entry.share.calls += calls;
        let mut nothing = Activity::default();
        let Some(asked) = record(catalog, operation, seen, rows, &entities, &mut nothing) else {
            entry.share.unmapped += calls;
            continue;
        };
        let holdings = holdings
            .entry(index)
            .or_insert_with(|| Holdings::of(catalog, grants, granting[index].as_slice(), &trusts, index));
        let doubts = holdings.doubts(&asked);
        let mut bad: BTreeSet<&str> = BTreeSet::new();
        for (call, resources) in &doubts {
            if holdings.cause(call.action, resources) == Cause::Trust {
                continue;
            }
            entry.actions.insert(catalog.name(call.action).to_owned());
            bad.extend(resources.iter().copied());
        }
        let lost = if bad.is_empty() {
            0
        } else {
            calls_on(rows, &bad.iter().copied().collect::<Vec<_>>())
        };
        entry.share.explained += calls - lost;
        entry.resources.extend(bad.into_iter().map(str::to_owned));
        while entry.resources.len() > RESOURCES {
            entry.resources.pop_last();
        }
    }
    let mut explained = Explained::default();
    for ((source, _), operation) in &operations {
        explained.total.add(operation.share);
        explained
            .sources
            .entry(source.clone())
            .or_default()
            .add(operation.share);
    }
    explained.operations = operations.into_iter().collect();
    // By name, which the sort keeps where as many are unexplained.
    let unexplained = |one: &((String, String), ExplainedOperation)| std::cmp::Reverse(one.1.share.unexplained());
    explained.operations.sort_by_key(unexplained);
    explained
}
