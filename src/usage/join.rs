//! Rows of sessions to rows of workloads: calls find the openings of their sessions, once all are at hand.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::shapes::shapes;
use super::table::{Behind, Row, Session, Table, WorkloadCalls};
use super::texts::position;
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
        let keyed = |session: &'s Session| ((&*session.role_id, &*session.access_key_id), session);
        Sessions {
            known: sessions.iter().map(keyed).collect(),
            none: Openings::default(),
        }
    }

    /// Who made calls of a session between two moments.
    pub(super) fn actor(&self, role_id: &str, key: &str, span: (i64, i64)) -> Actor {
        let find = |role_id: &str, key: &str| self.known.get(&(role_id, key)).map(|session| &session.opened);
        match self.known.get(&(role_id, key)) {
            Some(session) => behind(
                &session.opened,
                session.shown.as_deref(),
                &session.provider,
                span,
                &find,
            ),
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

/// Those who stood behind rows, each once and by a number: there are far fewer of them than rows.
#[derive(Default)]
struct Actors {
    numbers: BTreeMap<Arc<Actor>, u32>,
    list: Vec<Arc<Actor>>,
}

impl Actors {
    fn number(&mut self, actor: Cow<'_, Actor>) -> u32 {
        if let Some(known) = self.numbers.get(&*actor) {
            return *known;
        }
        let (actor, number) = (Arc::new(actor.into_owned()), position(self.list.len()));
        self.list.push(Arc::clone(&actor));
        self.numbers.insert(actor, number);
        number
    }
}

/// Puts whoever stood behind a session in its place, and counts calls by workload.
pub(super) fn join(table: &mut Table) {
    let sessions = std::mem::take(&mut table.sessions);
    let known = Sessions::of(&sessions);
    let signatures = &table.signatures;
    let role_of = |row: &Row| &*signatures[row.signature].signature.caller.id;
    let mut actors = Actors::default();
    let of_rows = table.rows.iter().map(|row| {
        Some(actors.number(match table.behind.get(row.behind)? {
            Behind::Nobody => return None,
            Behind::Session(key) => Cow::Owned(known.actor(role_of(row), key, (row.first, row.last))),
            Behind::Actor(actor) => Cow::Borrowed(actor),
        }))
    });
    let of_rows: Vec<Option<u32>> = of_rows.collect();
    drop(known);
    drop(sessions);
    let mut bound = Bound::default();
    for (row, number) in table.rows.iter().zip(&of_rows) {
        if let Some(number) = number {
            bound.note(role_of(row), &actors.list[*number as usize]);
        }
    }
    let mut told = Actors::default();
    let of_rows = table.rows.iter().zip(of_rows).map(|(row, number)| {
        let actor = &actors.list[number? as usize];
        Some(told.number(bound.told(role_of(row), actor)))
    });
    let of_rows: Vec<Option<u32>> = of_rows.collect();
    let mut places = vec![0; told.list.len()];
    table.behind = vec![Behind::Nobody];
    for (actor, number) in told.numbers {
        places[number as usize] = table.behind.len();
        table.behind.push(Behind::Actor(actor));
    }
    for (row, number) in table.rows.iter_mut().zip(of_rows) {
        row.behind = number.map_or(0, |number| places[number as usize]);
    }
    together(&mut table.rows);
    table.workloads = totals(table);
}

/// Rows that tell no calls apart any more as one.
fn together(rows: &mut Vec<Row>) {
    let place = |row: &Row| (row.signature, row.day, row.behind);
    rows.sort_unstable_by_key(place);
    let (mut done, mut next) = (0, 0);
    while let Some(first) = rows.get(next) {
        let same = |row: &&Row| place(row) == place(first);
        let end = next + rows[next..].iter().take_while(same).count();
        if let [row, more @ ..] = &mut rows[next..end]
            && !more.is_empty()
        {
            for more in &*more {
                row.calls += more.calls;
                (row.first, row.last) = (row.first.min(more.first), row.last.max(more.last));
            }
            let names = row.resources.iter().chain(more.iter().flat_map(|more| &more.resources));
            row.resources = shapes(names.map(String::as_str));
        }
        rows.swap(done, next);
        (done, next) = (done + 1, end);
    }
    rows.truncate(done);
    rows.shrink_to_fit();
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
