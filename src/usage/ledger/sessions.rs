//! Sessions and who stood behind them: calls and the opening of their session may stand in different parts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Error;
use super::book::BookKey;
use super::part::Session;
use super::store::Writer;
use super::text;
use crate::attribute::Workload;
use crate::usage::{self, PartKey, Table};

/// Days after which a session is dropped for the workload behind it.
const SESSION_DAYS: i32 = 3;
/// Days that a session may last beyond the one on which it was opened: 36 hours at most (STS API reference,
/// "GetFederationToken"; roles last 12).
const OPENING_DAYS: i32 = 2;

/// In parts three days older than the newest, puts the workload behind each session in the session's place, and drops
/// the openings that no later part can need.
pub(super) fn join_sessions(writer: &mut Writer) -> Result<(), Error> {
    let books = writer.parts();
    let parts = || books.values().flat_map(BTreeMap::values);
    let newest = parts().map(|part| part.date.as_str()).max();
    let newest = newest.and_then(|date| text::day(date).ok());
    // The empty date of files outside AWS's layout is the oldest of all: their sessions are joined at once.
    let before = |days: i32| newest.map_or_else(String::new, |newest| text::date(newest - days));
    let (last_joined, last_opening) = (before(SESSION_DAYS), before(SESSION_DAYS + OPENING_DAYS));
    // Around a day of which files are missing, sessions and what may have opened them wait for it.
    let lacking: BTreeSet<i32> = parts()
        .filter(|part| part.unread > 0)
        .filter_map(|part| text::day(&part.date).ok())
        .collect();
    let waits = |date: &str, days: i32| {
        text::day(date).is_ok_and(|day| lacking.range(day - days..=day + days).next().is_some())
    };

    let open: Vec<&BookKey> = books
        .iter()
        .filter(|(_, parts)| parts.values().any(|part| part.sessions))
        .map(|(key, _)| key)
        .collect();
    let mut openers = Openers::default();
    for key in &open {
        writer
            .sessions(key)?
            .values()
            .flatten()
            .for_each(|row| openers.note(row));
    }
    for key in &open {
        for (date, sessions) in writer.sessions(key)? {
            let is_open = books[*key].get(&date).is_some_and(|part| part.sessions);
            if date > last_joined || !is_open || waits(&date, OPENING_DAYS) {
                continue;
            }
            let keeps_openings = date > last_opening || waits(&date, 2 * OPENING_DAYS);
            let joined = joined(&sessions, keeps_openings, &openers);
            if joined != sessions {
                let account = key.account.clone();
                writer.put_sessions(&PartKey { date, account }, joined);
            }
        }
    }
    Ok(())
}

/// A part's sessions with the workloads in their place.
fn joined(sessions: &[Session], keeps_openings: bool, openers: &Openers) -> Vec<Session> {
    let mut rows: Vec<Session> = Vec::new();
    let mut calls: BTreeMap<(&str, Option<&Workload>), u64> = BTreeMap::new();
    for row in sessions {
        if !row.opened {
            let workload = if row.session.is_empty() {
                row.workload.as_ref()
            } else {
                openers.workload(row)
            };
            *calls.entry((&row.role_id, workload)).or_default() += row.calls;
        } else if keeps_openings {
            rows.push(row.clone());
        }
    }
    rows.extend(calls.into_iter().map(|((role_id, workload), calls)| Session {
        role_id: role_id.to_owned(),
        session: String::new(),
        opened: false,
        workload: workload.cloned(),
        calls,
    }));
    rows.sort();
    rows
}

/// Who stood behind sessions, as far as their calls or openings show it, in little memory: an archive holds millions.
#[derive(Default)]
struct Openers {
    workloads: Vec<Workload>,
    numbers: HashMap<Workload, u32>,
    /// By role, then by session.
    known: HashMap<String, HashMap<Box<str>, Opener>>,
}

/// See [`usage::Session`]: workloads as numbers.
#[derive(Clone, Copy, Default)]
struct Opener {
    opened: Option<u32>,
    /// Another one opened it too.
    several: bool,
    shown: Option<u32>,
}

impl Openers {
    fn note(&mut self, row: &Session) {
        let Some(workload) = row.workload.as_ref().filter(|_| !row.session.is_empty()) else {
            return;
        };
        let number = match self.numbers.get(workload) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.workloads.len()).expect("fewer than 2^32 workloads fit in memory");
                self.workloads.push(workload.clone());
                self.numbers.insert(workload.clone(), number);
                number
            }
        };
        let of_role = self.known.entry(row.role_id.clone()).or_default();
        let known = of_role.entry(row.session.as_str().into()).or_default();
        if row.opened {
            known.several |= known.opened.is_some_and(|opened| opened != number);
            known.opened = Some(number);
        } else if known
            .shown
            .is_none_or(|shown| *workload < self.workloads[shown as usize])
        {
            known.shown = Some(number);
        }
    }

    /// Who stood behind a session: its opener, else what its calls show.
    fn workload(&self, row: &Session) -> Option<&Workload> {
        let known = self.known.get(&row.role_id)?.get(row.session.as_str())?;
        let number = known.opened.filter(|_| !known.several).or(known.shown)?;
        Some(&self.workloads[number as usize])
    }
}

/// A table's sessions from rows of the ledger.
pub(super) fn sessions_of(rows: impl IntoIterator<Item = Session>, table: &mut Table) {
    let mut known: BTreeMap<(String, String), usage::Session> = BTreeMap::new();
    let mut joined: BTreeMap<(String, Option<Workload>), u64> = BTreeMap::new();
    for row in rows {
        if row.session.is_empty() {
            *joined.entry((row.role_id, row.workload)).or_default() += row.calls;
            continue;
        }
        let session = known
            .entry((row.role_id.clone(), row.session.clone()))
            .or_insert_with(|| usage::Session {
                role_id: row.role_id,
                access_key_id: row.session,
                calls: 0,
                shown: None,
                opened: BTreeSet::new(),
            });
        session.calls += row.calls;
        match row.workload {
            Some(workload) if row.opened => {
                session.opened.insert(workload);
            }
            Some(workload) if session.shown.as_ref().is_none_or(|known| workload < *known) => {
                session.shown = Some(workload);
            }
            Some(_) | None => {}
        }
    }
    table.sessions = known.into_values().collect();
    let joined = joined
        .into_iter()
        .map(|((role_id, workload), calls)| usage::WorkloadCalls {
            role_id,
            workload,
            calls,
        });
    table.workloads = joined.collect();
}
