//! Which events are asked for.

use std::collections::BTreeSet;

use super::shard::account_of;
use crate::coverage::Loss;
use crate::decode::Event;
use crate::time::Window;

/// Which events count; empty sets take all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// First second that counts.
    pub since: Option<i64>,
    /// First second that no longer counts.
    pub until: Option<i64>,
    /// Accounts that received the events.
    pub accounts: BTreeSet<String>,
    /// Regions.
    pub regions: BTreeSet<String>,
}

impl Filter {
    /// Whether the event counts.
    pub fn takes(&self, event: &Event<'_>) -> bool {
        let time = event.time.seconds();
        self.since.is_none_or(|since| since <= time)
            && self.until.is_none_or(|until| time < until)
            && (self.accounts.is_empty() || self.accounts.contains(account_of(event)))
            && (self.regions.is_empty() || self.regions.contains(event.region.as_deref().unwrap_or("")))
    }

    /// Whether something that was lost may have held events that count.
    pub(super) fn may_take(&self, loss: &Loss) -> bool {
        let asked = Window {
            first: self.since.unwrap_or(i64::MIN),
            end: self.until.unwrap_or(i64::MAX),
        };
        let takes = |set: &BTreeSet<String>, one: &str| set.is_empty() || one.is_empty() || set.contains(one);
        takes(&self.accounts, &loss.account)
            && takes(&self.regions, &loss.region)
            && loss.window.intersection(asked).is_some()
    }
}
