//! How well the log's calls are mapped: how often they name a resource, and which of them no action is known for.

use std::collections::{BTreeMap, HashMap};

use crate::catalog::{Catalog, How, Mapping};
use crate::resolve::{self, Operation};
use crate::usage::{Row, Table};

/// Calls on actions that know resources.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NamedCalls {
    /// All of them.
    pub calls: u64,
    /// Those that name at least one resource by its ARN.
    pub named: u64,
}

impl NamedCalls {
    /// Calls that name none.
    pub fn unnamed(self) -> u64 {
        self.calls - self.named
    }

    fn merge(&mut self, other: NamedCalls) {
        self.calls += other.calls;
        self.named += other.named;
    }

    /// The share that names one, in per cent; 100 of none.
    pub fn percent(self) -> f64 {
        if self.calls == 0 {
            100.0
        } else {
            100.0 * self.named as f64 / self.calls as f64
        }
    }
}

/// All calls on actions that know resources, and those of each event source, most unnamed first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Named {
    /// All of them.
    pub total: NamedCalls,
    /// By event source, such as `rds.amazonaws.com`.
    pub sources: Vec<(String, NamedCalls)>,
}

impl Named {
    /// The calls of both.
    pub fn merge(&mut self, other: Named) {
        let mut sources: BTreeMap<String, NamedCalls> = BTreeMap::new();
        for (source, more) in self.sources.drain(..).chain(other.sources) {
            sources.entry(source).or_default().merge(more);
        }
        self.total.merge(other.total);
        self.sources = most_unnamed_first(sources);
    }
}

fn most_unnamed_first(sources: BTreeMap<String, NamedCalls>) -> Vec<(String, NamedCalls)> {
    let mut sources: Vec<(String, NamedCalls)> = sources.into_iter().collect();
    sources.sort_by(|(a, left), (b, right)| right.unnamed().cmp(&left.unnamed()).then_with(|| a.cmp(b)));
    sources
}

/// Counts them. A call counts by its own action, not by what is checked beside it.
pub fn named(catalog: &Catalog, table: &Table) -> Named {
    let mut operations: HashMap<(&str, &str), Operation> = HashMap::new();
    let mut sources: BTreeMap<String, NamedCalls> = BTreeMap::new();
    let mut total = NamedCalls::default();
    for row in &table.rows {
        let signature = &table.signatures[row.signature].signature;
        let (source, name) = (&*signature.event_source, &*signature.event_name);
        let operation = operations
            .entry((source, name))
            .or_insert_with(|| Operation::of(catalog, source, name));
        let Some(named) = names_one(catalog, operation, &signature.facts, row) else {
            continue;
        };
        let calls = NamedCalls {
            calls: row.calls,
            named: if named { row.calls } else { 0 },
        };
        total.merge(calls);
        match sources.get_mut(source) {
            Some(known) => known.merge(calls),
            None => _ = sources.insert(source.to_owned(), calls),
        }
    }
    Named {
        total,
        sources: most_unnamed_first(sources),
    }
}

/// Whether a row's calls name a resource of their action; nothing where the action knows none.
fn names_one(catalog: &Catalog, operation: &Operation, facts: &resolve::Facts, row: &Row) -> Option<bool> {
    let needs = resolve::resolve(catalog, operation, facts, &row.resources).needs;
    let own = needs.iter().find(|call| call.how != How::Inferred).or(needs.first())?;
    let resources = &own.resources;
    (!catalog.resource_types(own.action).is_empty()).then(|| resources.iter().any(|arn| arn.starts_with("arn:")))
}

/// Calls of an operation for which the catalog knows no action: the grants of its services stay as they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnmappedCalls {
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// Why nothing is known.
    pub why: String,
    /// How many calls.
    pub calls: u64,
}

/// The unmapped calls of everybody, most frequent first.
pub fn unmapped_calls(catalog: &Catalog, table: &Table) -> Vec<UnmappedCalls> {
    let mut calls: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in &table.rows {
        let signature = &table.signatures[row.signature].signature;
        *calls
            .entry((&signature.event_source, &signature.event_name))
            .or_default() += row.calls;
    }
    let mut out: Vec<UnmappedCalls> = calls
        .into_iter()
        .filter_map(|((source, name), calls)| match catalog.mapping(source, name) {
            Mapping::Unmapped { why, .. } => Some(UnmappedCalls {
                event_source: source.to_owned(),
                event_name: name.to_owned(),
                why,
                calls,
            }),
            Mapping::Actions(_) | Mapping::NoPermission { .. } => None,
        })
        .collect();
    out.sort_by_key(|one| std::cmp::Reverse(one.calls));
    out
}
