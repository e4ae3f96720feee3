//! What AWS denied, by whom it was asked for: by the action that a denial names, else by the operation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::Catalog;
use crate::grants::Principal;
use crate::resolve::{Outcome, of_code};
use crate::usage::table::Signature;
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
type Whose<'t> = (&'t str, &'t str);

/// What callers were denied.
#[derive(Debug, Default)]
pub(super) struct Denied<'t>(HashMap<Whose<'t>, OfCaller>);

impl<'t> Denied<'t> {
    pub(super) fn of(table: &'t Table) -> Denied<'t> {
        let catalog = Catalog::embedded();
        let mut denied = Denied::default();
        for row in &table.rows {
            let signature = &table.signatures[row.signature].signature;
            if !is_denied(signature) {
                continue;
            }
            let what = match &*signature.denied_action {
                "" => operation(signature),
                named => catalog
                    .id(named)
                    .map_or(named, |action| catalog.name(action))
                    .to_owned(),
            };
            let of_caller = denied.0.entry(whose(&signature.caller)).or_default();
            let (calls, things) = of_caller.by_day.entry(row.day).or_default();
            *calls += row.calls;
            things.insert(what.clone());
            let again = of_caller.again.entry(what).or_default();
            again.calls += row.calls;
            again.days.insert(row.day);
            again.last = again.last.max(row.last);
        }
        // An operation of which no denial names the action may go through at another time.
        for seen in &table.signatures {
            let signature = &seen.signature;
            if let Some(of_caller) = denied.0.get_mut(&whose(&signature.caller))
                && !is_denied(signature)
            {
                of_caller.again.remove(&operation(signature));
            }
        }
        denied
    }

    pub(super) fn by<'a>(&'a self, principal: &'a Principal) -> Option<&'a OfCaller> {
        let account = principal.account.as_str();
        let mut known = [&principal.id, &principal.arn].into_iter();
        known.find_map(|who| self.0.get(&(account, who.as_str())))
    }
}

fn is_denied(signature: &Signature) -> bool {
    !signature.denied_action.is_empty() || of_code(&signature.error_code) == Outcome::Denied
}

fn operation(signature: &Signature) -> String {
    format!("{} {}", signature.event_source, signature.event_name)
}

fn whose(caller: &Caller) -> Whose<'_> {
    let who = match &*caller.id {
        "" => &caller.arn,
        _ => &caller.id,
    };
    (&caller.account, who)
}
