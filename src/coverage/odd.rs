//! Events of regions that no partition of AWS could have: counted apart until all of them are known.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Coverage;

/// Events of a region whose name none of AWS's partitions could have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OddRegion {
    /// How many.
    pub events: u64,
    /// The first and the last, seconds since 1970.
    pub span: (i64, i64),
    /// The name of one of them.
    pub event: String,
    /// How their calls were counted: used, unmapped, unattributed, no calls.
    pub counted: [u64; 4],
}

impl Coverage {
    /// Events of a region whose name no partition could have were counted.
    pub fn odd_region(&mut self, region: &str, more: OddRegion) {
        match self.odd_regions.get_mut(region) {
            None => {
                self.odd_regions.insert(region.to_owned(), more);
            }
            Some(known) => {
                known.events += more.events;
                known.span = (known.span.0.min(more.span.0), known.span.1.max(more.span.1));
                known.event = std::mem::take(&mut known.event).min(more.event);
                for (known, more) in known.counted.iter_mut().zip(more.counted) {
                    *known += more;
                }
            }
        }
    }

    /// All events are known: skips those that stand alone in an odd region, where `asked` says that they were asked for,
    /// and lets the others count in full. The regions that are no more.
    pub fn settle_odd_regions(&mut self, why: &str, asked: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let mut gone = BTreeSet::new();
        for (region, odd) in std::mem::take(&mut self.odd_regions) {
            if odd.events > 1 {
                self.at(odd.span.0);
                self.at(odd.span.1);
                continue;
            }
            gone.insert(region.clone());
            if !asked(&region) {
                continue;
            }
            let [used, unmapped, unattributed, not_calls] = odd.counted;
            self.events_used -= used;
            self.events_unmapped -= unmapped;
            self.events_unattributed -= unattributed;
            self.events_not_calls -= not_calls;
            let records = odd.counted.iter().sum();
            self.records -= records;
            self.skip("events", &odd.event, why, records);
        }
        let stays = |region: &String| !gone.contains(region);
        self.streams.retain(|(_, region, _), _| stays(region));
        self.data_roots.retain(|(_, region, _), _| stays(region));
        self.excludable_sources.retain(|(_, region, _), _| stays(region));
        self.trail_changes.retain(|change| stays(&change.region));
        gone
    }
}
