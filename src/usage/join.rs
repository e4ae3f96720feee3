//! Rows of sessions to rows of workloads: calls find the openings of their sessions, once all are at hand.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::shapes::shapes;
use super::table::{Behind, Row, Session, Table, WorkloadCalls};
use super::texts::position;
use crate::attribute::{Actor, Known, MOST_FAMILIES, Openings, Workload, behind, cluster_name};

/// Workloads of one role that are told apart: the first by kind, cluster, namespace and name, so that it does not matter
/// in which order they come. All others are one.
pub const MOST_WORKLOADS: usize = 256;

/// Sessions by role and key.
#[derive(Default)]
pub(super) struct Sessions<'s> {
    known: HashMap<(&'s str, &'s str), &'s Session>,
    /// Keys that sessions of several roles show: who masked or made them up gave strangers one name.
    shared: HashSet<String>,
    none: Openings,
}

impl<'s> Sessions<'s> {
    pub(super) fn of(sessions: &'s [Session]) -> Sessions<'s> {
        let keyed = |session: &'s Session| ((&*session.role_id, &*session.access_key_id), session);
        Sessions {
            known: sessions.iter().map(keyed).collect(),
            shared: HashSet::new(),
            none: Openings::default(),
        }
    }

    /// Who made calls of a session between two moments.
    pub(super) fn actor(&self, role_id: &str, key: &str, span: (i64, i64)) -> Actor {
        let find = |role_id: &str, key: &str| {
            let session = self.known.get(&(role_id, key)).filter(|_| !self.shared.contains(key));
            session.map(|session| &session.opened)
        };
        match self.known.get(&(role_id, key)) {
            Some(session) if self.shared.contains(key) && !session.opened.is_empty() => Actor::unknown(Known::Several),
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
    let known = Sessions {
        shared: shared(table, &sessions),
        ..Sessions::of(&sessions)
    };
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
    let clusters = clusters(&actors.list);
    for actor in &mut actors.list {
        if let Some(called) = with_cluster(actor, &clusters) {
            *actor = Arc::new(called);
        }
    }
    table.clusters = clusters.into_iter().map(|(arn, called)| (called, arn)).collect();
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

/// Keys under which sessions of several roles called, or one called and another was opened.
fn shared(table: &Table, sessions: &[Session]) -> HashSet<String> {
    let role_of = |signature: u32| &*table.signatures[signature as usize].signature.caller.id;
    // The first signature of each key, by the key's place.
    let mut first: Vec<Option<u32>> = vec![None; table.behind.len()];
    let mut shared = HashSet::new();
    for row in &table.rows {
        let Some(Behind::Session(key)) = table.behind.get(row.behind) else {
            continue;
        };
        let known = first[row.behind].get_or_insert(position(row.signature));
        if role_of(*known) != role_of(position(row.signature)) {
            shared.insert(key.to_string());
        }
    }
    for session in sessions {
        let place = table.behind.binary_search_by(|behind| match behind {
            Behind::Nobody => Ordering::Less,
            Behind::Session(key) => key.cmp(&session.access_key_id),
            Behind::Actor(_) => Ordering::Greater,
        });
        let known = place.ok().and_then(|place| first[place]);
        if known.is_some_and(|known| role_of(known) != &*session.role_id) {
            shared.insert(session.access_key_id.to_string());
        }
    }
    shared
}

/// Clusters that are known by their ARNs as people call them: by name, with account and region where several bear it.
fn clusters(actors: &[Arc<Actor>]) -> BTreeMap<String, String> {
    let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let known = actors
        .iter()
        .filter_map(|actor| actor.workload.as_ref()?.cluster.as_deref());
    for arn in known.filter(|cluster| cluster.starts_with("arn:")) {
        by_name.entry(cluster_name(arn)).or_default().insert(arn);
    }
    let called = by_name.into_iter().flat_map(|(name, arns)| {
        let is_one = arns.len() == 1;
        arns.into_iter().map(move |arn| {
            let mut parts = arn.split(':').skip(3);
            let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let called = match is_one {
                true => name.to_owned(),
                false => format!("{name} ({account}, {region})"),
            };
            (arn.to_owned(), called)
        })
    });
    called.collect()
}

/// Somebody with its cluster as people call it; `None` where that changes nothing.
fn with_cluster(actor: &Actor, clusters: &BTreeMap<String, String>) -> Option<Actor> {
    let workload = actor.workload.as_ref()?;
    let called = clusters.get(workload.cluster.as_deref()?)?;
    Some(Actor {
        workload: Some(Workload {
            cluster: Some(called.clone()),
            ..workload.clone()
        }),
        ..actor.clone()
    })
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
