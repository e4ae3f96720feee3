//! How often the log names the resource of a call whose action may be limited to one.

use std::collections::{BTreeMap, HashMap};

use crate::catalog::{Catalog, How};
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

/// Counts them. A call counts by its own action, not by what is checked beside it.
pub fn named(catalog: &Catalog, table: &Table) -> Named {
    let mut operations: HashMap<(&str, &str), Operation> = HashMap::new();
    let mut sources: BTreeMap<&str, NamedCalls> = BTreeMap::new();
    let mut total = NamedCalls::default();
    for row in &table.rows {
        let signature = &table.signatures[row.signature].signature;
        let (source, name) = (signature.event_source.as_str(), signature.event_name.as_str());
        let operation = operations
            .entry((source, name))
            .or_insert_with(|| Operation::of(catalog, source, name));
        let Some(named) = names_one(catalog, operation, &signature.facts, row) else {
            continue;
        };
        for calls in [&mut total, sources.entry(source).or_default()] {
            calls.calls += row.calls;
            calls.named += if named { row.calls } else { 0 };
        }
    }
    let mut sources: Vec<(String, NamedCalls)> = sources
        .into_iter()
        .map(|(source, calls)| (source.to_owned(), calls))
        .collect();
    sources.sort_by(|(a, left), (b, right)| right.unnamed().cmp(&left.unnamed()).then_with(|| a.cmp(b)));
    Named { total, sources }
}

/// Whether a row's calls name a resource of their action; nothing where the action knows none.
fn names_one(catalog: &Catalog, operation: &Operation, facts: &resolve::Facts, row: &Row) -> Option<bool> {
    let needs = resolve::resolve(catalog, operation, facts, &row.resources).needs;
    let own = needs.iter().find(|call| call.how != How::Inferred).or(needs.first())?;
    let resources = &own.resources;
    (!catalog.resource_types(own.action).is_empty()).then(|| resources.iter().any(|arn| arn.starts_with("arn:")))
}
