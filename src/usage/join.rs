//! Rows of sessions to rows of workloads: calls find the openings of their sessions, once all are at hand.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::shapes::shapes;
use super::table::{Behind, Row, Session, Table, WorkloadCalls};
use crate::attribute::{Actor, Known, MOST_FAMILIES, Openings, Workload, behind};

/// Workloads of one role that are told apart: the first by kind, cluster, namespace and name, so that it does not matter
/// in which order they come. All others are one.
pub const MOST_WORKLOADS: usize = 256;

/// Sessions by role and key.
#[derive(Default)]
pub(super) struct Sessions<'s> {
    known: HashMap<(&'s str, &'s str), &'s Session>,
    none: Openings,
}

impl<'s> Sessions<'s> {
    pub(super) fn of(sessions: &'s [Session]) -> Sessions<'s> {
        let keyed = |session: &'s Session| ((session.role_id.as_str(), session.access_key_id.as_str()), session);
        Sessions {
            known: sessions.iter().map(keyed).collect(),
            none: Openings::new(),
        }
    }

    /// Who made calls of a session between two moments.
    pub(super) fn actor(&self, role_id: &str, key: &str, span: (i64, i64)) -> Actor {
        let find = |role_id: &str, key: &str| self.known.get(&(role_id, key)).map(|session| &session.opened);
        match self.known.get(&(role_id, key)) {
            Some(session) => behind(&session.opened, session.shown.as_ref(), &session.provider, span, &find),
            None => behind(&self.none, None, "", span, &find),
        }
    }
}

/// The workloads of each role that stay told apart, and the families of sessions that each of them opened.
#[derive(Default)]
pub(super) struct Bound<'t> {
    of_role: BTreeMap<&'t str, BTreeMap<&'t Workload, BTreeSet<&'t str>>>,
}

impl<'t> Bound<'t> {
    pub(super) fn note(&mut self, role_id: &'t str, actor: &'t Actor) {
        let Some(workload) = &actor.workload else { return };
        let of_role = self.of_role.entry(role_id).or_default();
        let families = of_role.entry(workload).or_default();
        if !actor.sessions.is_empty() && families.len() <= MOST_FAMILIES {
            families.insert(&actor.sessions);
        }
        if of_role.len() > MOST_WORKLOADS {
            of_role.pop_last();
        }
    }

    /// As whom the actor is told, once all are noted: without the family where there are too many, and as one of the others
    /// where its workload is not told apart.
    pub(super) fn told<'a>(&self, role_id: &str, actor: &'a Actor) -> Cow<'a, Actor> {
        let Some(workload) = &actor.workload else {
            return Cow::Borrowed(actor);
        };
        match self.of_role.get(role_id).and_then(|of_role| of_role.get(workload)) {
            None => Cow::Owned(Actor::unknown(Known::Other)),
            Some(families) if families.len() > MOST_FAMILIES => Cow::Owned(Actor {
                sessions: String::new(),
                ..actor.clone()
            }),
            Some(_) => Cow::Borrowed(actor),
        }
    }
}

/// Puts whoever stood behind a session in its place, and counts calls by workload.
pub(super) fn join(table: &mut Table) {
    let sessions = std::mem::take(&mut table.sessions);
    let known = Sessions::of(&sessions);
    let mut actors: BTreeSet<Arc<Actor>> = BTreeSet::new();
    let mut intern = |actor: Actor| match actors.get(&actor) {
        Some(known) => Arc::clone(known),
        None => {
            let actor = Arc::new(actor);
            actors.insert(Arc::clone(&actor));
            actor
        }
    };
    let role_of = |row: &Row| Arc::clone(&table.signatures[row.signature].signature.caller.id);
    let of_rows: Vec<Option<(Arc<str>, Arc<Actor>)>> = table
        .rows
        .iter()
        .map(|row| match table.behind.get(row.behind)? {
            Behind::Nobody => None,
            Behind::Session(key) => {
                let role_id = role_of(row);
                let actor = known.actor(&role_id, key, (row.first, row.last));
                Some((role_id, intern(actor)))
            }
            Behind::Actor(actor) => Some((role_of(row), Arc::clone(actor))),
        })
        .collect();
    let mut bound = Bound::default();
    for (role_id, actor) in of_rows.iter().flatten() {
        bound.note(role_id, actor);
    }
    let behind_rows: Vec<Behind> = of_rows
        .iter()
        .map(|known| match known {
            None => Behind::Nobody,
            Some((role_id, actor)) => Behind::Actor(match bound.told(role_id, actor) {
                Cow::Borrowed(_) => Arc::clone(actor),
                Cow::Owned(told) => intern(told),
            }),
        })
        .collect();
    let all: BTreeSet<Behind> = behind_rows.iter().cloned().chain([Behind::Nobody]).collect();
    table.behind = all.into_iter().collect();
    for (row, behind) in table.rows.iter_mut().zip(&behind_rows) {
        let place = table.behind.binary_search(behind);
        row.behind = place.expect("it is one of them");
    }
    table.rows = together(std::mem::take(&mut table.rows));
    table.workloads = totals(table);
}

/// Rows that tell no calls apart any more as one.
fn together(mut rows: Vec<Row>) -> Vec<Row> {
    let place = |row: &Row| (row.signature, row.day, row.behind);
    rows.sort_by_key(place);
    let mut done: Vec<Row> = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while let Some(mut row) = rows.next() {
        let mut names: Option<BTreeSet<String>> = None;
        while let Some(more) = rows.next_if(|more| place(more) == place(&row)) {
            row.calls += more.calls;
            (row.first, row.last) = (row.first.min(more.first), row.last.max(more.last));
            let names = names.get_or_insert_with(|| std::mem::take(&mut row.resources).into_iter().collect());
            names.extend(more.resources);
        }
        if let Some(names) = names {
            row.resources = shapes(names.iter().map(String::as_str));
        }
        done.push(row);
    }
    done
}

/// Calls of each role by workload.
fn totals(table: &Table) -> Vec<WorkloadCalls> {
    /// A role's account and id, and who stood behind it.
    type Place = (Arc<str>, Arc<str>, Arc<Actor>);
    let mut totals: BTreeMap<Place, u64> = BTreeMap::new();
    for row in &table.rows {
        if let Some(actor) = table.actor(row)
            && row.calls > 0
        {
            let role = &table.signatures[row.signature].signature.caller;
            let place = (Arc::clone(&role.account), Arc::clone(&role.id), Arc::clone(actor));
            *totals.entry(place).or_default() += row.calls;
        }
    }
    let totals = totals
        .into_iter()
        .map(|((account, role_id, actor), calls)| WorkloadCalls {
            account: account.to_string(),
            role_id: role_id.to_string(),
            actor,
            calls,
        });
    totals.collect()
}

#[cfg(test)]
mod tests;
