//! What AWS denied, by whom it was asked for: by the action that a denial names, else by the operation.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::catalog::Catalog;
use crate::grants::Principal;
use crate::resolve::{Outcome, of_code};
use crate::usage::{Caller, Table};

/// Denied calls of one thing.
#[derive(Clone, Debug, Default)]
pub(super) struct Denials {
    pub(super) calls: u64,
    /// Days since 1970.
    pub(super) days: BTreeSet<i32>,
    /// Seconds since 1970.
    pub(super) last: i64,
}

/// What one caller was denied.
#[derive(Clone, Debug, Default)]
pub(super) struct OfCaller {
    /// By what was asked for; what the caller has had as well is not there.
    pub(super) again: BTreeMap<String, Denials>,
    /// Of each day how many calls, of how many things.
    pub(super) by_day: BTreeMap<i32, (u64, BTreeSet<String>)>,
}

/// Who calls: the account, and the unique id or, without one, the ARN.
type Whose = (String, String);

/// What callers were denied.
#[derive(Debug, Default)]
pub(super) struct Denied(HashMap<Whose, OfCaller>);

impl Denied {
    pub(super) fn of(table: &Table) -> Denied {
        let mut denied = Denied::default();
        // An operation of which no denial names the action may go through at another time.
        let mut had: HashSet<(Whose, String)> = HashSet::new();
        for row in &table.rows {
            let seen = &table.signatures[row.signature];
            let signature = &seen.signature;
            let caller = whose(&signature.caller);
            let operation = || format!("{} {}", signature.event_source, signature.event_name);
            let named = &*signature.denied_action;
            if named.is_empty() && of_code(&signature.error_code) != Outcome::Denied {
                had.insert((caller, operation()));
                continue;
            }
            let what = if named.is_empty() {
                operation()
            } else {
                let catalog = Catalog::embedded();
                catalog
                    .id(named)
                    .map_or(named, |action| catalog.name(action))
                    .to_owned()
            };
            let of_caller = denied.0.entry(caller).or_default();
            let (calls, things) = of_caller.by_day.entry(row.day).or_default();
            *calls += row.calls;
            things.insert(what.clone());
            let again = of_caller.again.entry(what).or_default();
            again.calls += row.calls;
            again.days.insert(row.day);
            again.last = again.last.max(row.last);
        }
        for (caller, of_caller) in &mut denied.0 {
            of_caller
                .again
                .retain(|what, _| !had.contains(&(caller.clone(), what.clone())));
        }
        denied
    }

    pub(super) fn by(&self, principal: &Principal) -> Option<&OfCaller> {
        let known = |who: &str| self.0.get(&(principal.account.clone(), who.to_owned()));
        known(&principal.id).or_else(|| known(&principal.arn))
    }
}

fn whose(caller: &Caller) -> Whose {
    let who = match &*caller.id {
        "" => &caller.arn,
        _ => &caller.id,
    };
    (caller.account.to_string(), who.to_string())
}
