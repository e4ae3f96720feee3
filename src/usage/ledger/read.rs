//! A ledger as the table and coverage that reading its logs would have given.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::book::{self, BookKey};
use super::columns::CallRow;
use super::index::{BookEntry, Index};
use super::mend::{self, Wounds};
use super::part::Session;
use super::sessions::sessions_of;
use super::signatures::{SignatureId, Signatures};
use super::spelled::behind;
use super::store::{bytes, damaged, index, signatures};
use super::{Error, INDEX, text};
use crate::attribute::PrincipalKind;
use crate::catalog::{Catalog, Mapping};
use crate::coverage::Coverage;
use crate::time::DAY;
use crate::usage::outlier;
use crate::usage::shapes::shapes;
use crate::usage::{Behind, Filter, Row, Seen, Table, Witness};

/// Times that a reader starts again because a run replaced what it was reading.
const TRIES: usize = 3;

/// Whether a folder holds a ledger.
pub fn exists(dir: &Path) -> bool {
    dir.join(INDEX).exists()
}

/// Everything in a ledger that the filter takes, by whole days: what was called on the first and the last day counts,
/// whatever the hour. `complete` is false where the last run into the ledger was cut short.
///
/// # Errors
/// Where there is no ledger, or it cannot be read.
pub fn read(dir: &Path, filter: &Filter) -> Result<Read, Error> {
    let mut tries = 0;
    let mut wounds = Wounds::new();
    loop {
        tries += 1;
        let index = index(dir)?.ok_or_else(|| Error::None { dir: dir.to_owned() })?;
        match read_files(dir, &index, filter, &wounds) {
            // A run has replaced the files meanwhile; what it left is as good.
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound && tries < TRIES => {}
            Err(error) if wounds.is_empty() => {
                wounds = mend::wounds(dir, &index)?;
                if wounds.is_empty() {
                    return Err(error);
                }
            }
            other => return other,
        }
    }
}

/// What a ledger holds.
#[derive(Clone, PartialEq, Debug)]
pub struct Read {
    /// All calls.
    pub table: Table,
    /// What was read to fill it.
    pub coverage: Coverage,
    /// Whether the last run came to its end.
    pub complete: bool,
    /// Files of the ledger that are damaged, and what helps; what they held is lost in the coverage.
    pub damaged: Vec<String>,
}

/// A row that waits for others of its signature, day and workload.
struct Counted {
    signature: u32,
    day: i32,
    behind: u32,
    calls: u64,
    first: i64,
    last: i64,
    resources: u32,
}

/// Strings that occur again and again, once.
#[derive(Default)]
struct Lists {
    known: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Lists {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let number = u32::try_from(self.texts.len()).expect("fewer than 2^32 distinct lists fit in memory");
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.known.insert(text, number);
        number
    }
}

/// Those who stood behind callers, once each.
#[derive(Default)]
struct Everybody {
    known: HashMap<Behind, u32>,
    all: Vec<Behind>,
}

impl Everybody {
    fn number(&mut self, behind: Behind) -> u32 {
        if let Some(known) = self.known.get(&behind) {
            return *known;
        }
        let number = u32::try_from(self.all.len()).expect("fewer than 2^32 of them fit in memory");
        self.all.push(behind.clone());
        self.known.insert(behind, number);
        number
    }
}

/// What books hold, so far as it is asked for.
#[derive(Default)]
struct Held {
    rows: Vec<Counted>,
    lists: Lists,
    everybody: Everybody,
    sessions: Vec<Session>,
    coverage: Coverage,
    /// Calls that are not asked for.
    outside: u64,
}

impl Held {
    fn add(&mut self, more: Held) {
        let numbers: Vec<u32> = more.lists.texts.iter().map(|text| self.lists.number(text)).collect();
        let behind = more.everybody.all.into_iter();
        let behind: Vec<u32> = behind.map(|behind| self.everybody.number(behind)).collect();
        let rows = more.rows.into_iter().map(|row| Counted {
            resources: numbers[row.resources as usize],
            behind: behind[row.behind as usize],
            ..row
        });
        self.rows.extend(rows);
        self.sessions.extend(more.sessions);
        self.coverage.merge(more.coverage);
        self.outside += more.outside;
    }

    /// What stands beside the calls of a book: sessions, and what was read.
    fn add_beside(&mut self, dir: &Path, entry: &BookEntry, wounds: &Wounds) -> Result<(), Error> {
        let mut each = |_: &str, session| {
            self.sessions.push(session);
            Ok(())
        };
        if !wounds.contains_key(&entry.sessions) {
            book::read_sessions(&bytes(dir, &entry.sessions)?, &mut each).map_err(damaged(dir, &entry.sessions))?;
        }
        let covered = book::read_coverage(&bytes(dir, &entry.coverage)?).map_err(damaged(dir, &entry.coverage))?;
        for part in covered.into_values() {
            self.coverage.merge(part);
        }
        Ok(())
    }
}

fn read_files(dir: &Path, index: &Index, filter: &Filter, wounds: &Wounds) -> Result<Read, Error> {
    let days = (
        filter.since.map_or(i64::MIN, |since| since.div_euclid(DAY)),
        filter.until.map_or(i64::MAX, |until| (until - 1).div_euclid(DAY)),
    );
    let first_month = filter.since.map(|since| text::time(since)[..7].to_owned());
    // An event is delivered on its day or later, so a month of delivery before the window holds none of its events.
    let asked = |book: &BookKey| {
        let dated = book.month.is_empty() || first_month.as_ref().is_none_or(|first| *first <= book.month);
        let account = book.account.is_empty() || filter.accounts.is_empty() || filter.accounts.contains(&book.account);
        dated && account
    };
    let books: Vec<_> = index.books.iter().filter(|entry| asked(&entry.key())).collect();

    let known = whole_signatures(dir, index, wounds)?;
    let takes = |seen: &Seen| {
        (filter.accounts.is_empty() || filter.accounts.contains(&*seen.signature.account))
            && (filter.regions.is_empty() || filter.regions.contains(&*seen.signature.region))
    };
    let mut seen: Vec<(SignatureId, Seen)> = known.into_iter().collect();
    seen.sort_by(|(_, a), (_, b)| a.signature.cmp(&b.signature));
    let numbers: HashMap<SignatureId, u32> = (0..).zip(&seen).map(|(number, (id, _))| (*id, number)).collect();

    let read = books.into_par_iter().map(|entry| {
        let mut held = Held::default();
        if let Some(why) = mend::lost_calls(index, entry, wounds) {
            let lost = mend::losses(dir, entry, why);
            lost.into_values().for_each(|lost| held.coverage.merge(lost));
            return Ok(held);
        }
        let mut last = None;
        let each = |row: CallRow<'_>| {
            let id = SignatureId::from_bytes(row.signature);
            let signature = match last {
                Some((known, number)) if known == id => number,
                Some(_) | None => {
                    let number = numbers.get(&id).copied();
                    number.ok_or_else(|| format!("no signature {id}"))?
                }
            };
            last = Some((id, signature));
            let (day, seen) = (i64::from(row.day), &seen[signature as usize].1);
            if day < days.0 || days.1 < day || !takes(seen) {
                held.outside += row.calls;
                return Ok(());
            }
            let behind = behind_caller(seen.signature.caller.kind, &row)?;
            held.rows.push(Counted {
                signature,
                day: row.day,
                behind: held.everybody.number(behind),
                calls: row.calls,
                first: row.first,
                last: row.last,
                resources: held.lists.number(row.resources),
            });
            Ok(())
        };
        book::read_calls(&bytes(dir, &entry.calls)?, each).map_err(damaged(dir, &entry.calls))?;
        held.add_beside(dir, entry, wounds)?;
        Ok(held)
    });
    let mut all = Held::default();
    for held in read.collect::<Result<Vec<Held>, Error>>()? {
        all.add(held);
    }
    let Held {
        rows,
        lists,
        everybody,
        sessions,
        mut coverage,
        outside,
    } = all;
    let mut table = table(rows, seen, &lists, everybody.all).map_err(|why| Error::Damaged {
        file: dir.to_owned(),
        why,
    })?;
    table.sessions = sessions_of(sessions);
    table.join_sessions();
    let filtered = *filter != Filter::default();
    outlier::settle(&mut table, &mut coverage, filtered);
    coverage.restrict(filter.since, filter.until, &filter.accounts, &filter.regions);
    recount(&table, outside, &mut coverage);
    Ok(Read {
        table,
        coverage,
        complete: index.complete,
        damaged: mend::lines(dir, wounds),
    })
}

/// All signatures of the files that are whole.
fn whole_signatures(dir: &Path, index: &Index, wounds: &Wounds) -> Result<Signatures, Error> {
    let mut known = Signatures::new();
    for entry in index
        .signatures
        .iter()
        .filter(|entry| !wounds.contains_key(&entry.file))
    {
        signatures(dir, index, &entry.account, &mut known)?;
    }
    Ok(known)
}

/// Who stood behind a row's caller.
fn behind_caller(kind: PrincipalKind, row: &CallRow<'_>) -> Result<Behind, String> {
    match kind {
        PrincipalKind::Role => behind(row),
        // Before workloads were told apart nobody's were, role or not.
        PrincipalKind::User | PrincipalKind::Root | PrincipalKind::Account | PrincipalKind::IdentityCenterUser => {
            Ok(Behind::Nobody)
        }
    }
}

/// Rows of one signature, day and workload as one, and signatures with the witnesses that their rows bear out.
fn table(
    mut rows: Vec<Counted>,
    seen: Vec<(SignatureId, Seen)>,
    lists: &Lists,
    everybody: Vec<Behind>,
) -> Result<Table, String> {
    rows.sort_by_key(|row| (row.signature, row.day, row.behind));
    let mut spelt: Vec<Option<Vec<String>>> = vec![None; lists.texts.len()];
    for row in &rows {
        let list = &mut spelt[row.resources as usize];
        if list.is_none() {
            *list = Some(text::values(&lists.texts[row.resources as usize])?);
        }
    }
    let list = |number: u32| spelt[number as usize].as_deref().unwrap_or_default();
    let mut signatures = Vec::new();
    let mut done: Vec<Row> = Vec::with_capacity(rows.len());
    for of_signature in rows.chunk_by(|a, b| a.signature == b.signature) {
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for of_day in of_signature.chunk_by(|a, b| (a.day, a.behind) == (b.day, b.behind)) {
            let resources = match of_day {
                [row] => list(row.resources).to_vec(),
                rows => {
                    let all = rows.iter().flat_map(|row| list(row.resources));
                    shapes(all.map(String::as_str))
                }
            };
            let row = Row {
                signature: signatures.len(),
                day: of_day[0].day,
                behind: of_day[0].behind as usize,
                calls: of_day.iter().map(|row| row.calls).sum(),
                first: of_day.iter().map(|row| row.first).min().unwrap_or_default(),
                last: of_day.iter().map(|row| row.last).max().unwrap_or_default(),
                resources,
            };
            (first, last) = (first.min(row.first), last.max(row.last));
            done.push(row);
        }
        let mut seen = seen[of_signature[0].signature as usize].1.clone();
        // The event may have gone with the days that held it.
        for (witness, time) in [(&mut seen.first, first), (&mut seen.last, last)] {
            if witness.time != time {
                *witness = Witness::unknown(time);
            }
        }
        signatures.push(seen);
    }
    Ok(Table {
        signatures,
        rows: done,
        behind: everybody,
        ..Table::default()
    })
}

/// Sorts the counted events as today's catalog does, which may map what an earlier one did not. Those outside the
/// filter are booked as such; of events that no row stands for, the ledger does not tell days apart.
fn recount(table: &Table, outside: u64, coverage: &mut Coverage) {
    let catalog = Catalog::embedded();
    let mut by_operation: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in &table.rows {
        let signature = &table.signatures[row.signature].signature;
        *by_operation
            .entry((&signature.event_source, &signature.event_name))
            .or_default() += row.calls;
    }
    let inside: u64 = by_operation.values().sum();
    let (mut used, mut unmapped, mut free) = (0, 0, 0);
    for ((source, name), calls) in by_operation {
        match catalog.mapping(source, name) {
            Mapping::Actions(_) => used += calls,
            Mapping::Unmapped { .. } => unmapped += calls,
            Mapping::NoPermission { .. } => free += calls,
        }
    }
    let counted = coverage.events_used + coverage.events_unmapped;
    // Events that no row stands for, and those of operations that needed no permission then.
    let rest = (coverage.events_not_calls + counted).saturating_sub(inside + outside);
    coverage.events_used = used;
    coverage.events_unmapped = unmapped;
    coverage.events_not_calls = rest + free;
    coverage.records = coverage.records.saturating_sub(outside);
    coverage.events_filtered_out += outside;
}
