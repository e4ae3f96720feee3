//! Denials of a ledger that began after a moment: what a change may have cost.

use std::collections::BTreeMap;

use super::Denial;
use crate::catalog::{Catalog, Mapping};
use crate::resolve::{Outcome, bare, of_code};
use crate::usage::Table;

/// Denials that began after a moment.
pub fn denials(catalog: &Catalog, table: &Table, after: i64) -> Vec<Denial> {
    let mut denials: BTreeMap<usize, Denial> = BTreeMap::new();
    for row in &table.rows {
        let seen = &table.signatures[row.signature];
        let signature = &seen.signature;
        let denied = !signature.denied_action.is_empty() || of_code(&signature.error_code) == Outcome::Denied;
        if !denied || seen.first.time <= after {
            continue;
        }
        let denial = denials.entry(row.signature).or_insert_with(|| Denial {
            principal: signature.caller.arn.to_string(),
            actions: match catalog.mapping(&signature.event_source, &signature.event_name) {
                _ if !signature.denied_action.is_empty() => vec![signature.denied_action.to_string()],
                Mapping::Actions(needs) => needs.iter().map(|need| catalog.name(need.action).to_owned()).collect(),
                Mapping::NoPermission { .. } | Mapping::Unmapped { .. } => Vec::new(),
            },
            resources: Vec::new(),
            calls: 0,
            first: seen.first.time,
            last: seen.last.time,
            event: seen.first.event_id.clone(),
        });
        denial.calls += row.calls;
        denial
            .resources
            .extend(row.resources.iter().map(|resource| bare(resource).to_owned()));
    }
    let mut denials: Vec<Denial> = denials.into_values().collect();
    for denial in &mut denials {
        denial.resources.sort();
        denial.resources.dedup();
    }
    denials
}
