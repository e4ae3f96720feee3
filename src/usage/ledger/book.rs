//! A book: the parts of one account and month, which lie together so that a year is hundreds of files and not
//! thousands. Inside it parts stay apart and are replaced one by one.

use std::collections::BTreeMap;

use polars_core::prelude::PolarsError;
use serde_json::value::RawValue;

use super::parquet::{self, Cell, Kind, cells, numbers};
use super::part::{Calls, Object, Part, Session};
use super::signatures::{SignatureId, Signatures};
use super::{SCHEMA, text};
use crate::coverage::Coverage;
use crate::usage::{PartKey, Seen, Witness};

/// Account and month (`2026-10`); the month is empty where the date of delivery is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct BookKey {
    pub(super) account: String,
    pub(super) month: String,
}

impl BookKey {
    pub(super) fn of(part: &PartKey) -> BookKey {
        BookKey {
            account: part.account.clone(),
            month: part.date.get(..7).unwrap_or_default().to_owned(),
        }
    }
}

/// Parts by their dates.
pub(super) type Book = BTreeMap<String, Part>;

/// What is wrong with a file of the ledger.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    /// It is no Parquet file, or lacks a column.
    #[error("{0}")]
    Parquet(#[from] PolarsError),
    /// It is no JSON, or other JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A cell says what no cell says.
    #[error("{0}")]
    Cell(String),
}

impl From<String> for Damage {
    fn from(why: String) -> Damage {
        Damage::Cell(why)
    }
}

/// Most calls that a cell may count: a trillion, of which millions can be added.
const MOST_CALLS: u64 = 1 << 40;

/// A count that a cell can hold.
fn counted(calls: u64) -> Result<u64, String> {
    (calls <= MOST_CALLS)
        .then_some(calls)
        .ok_or_else(|| format!("{calls} are no calls of one day"))
}

/// A file that some dates are written anew into: `stands` tells which of its rows stay.
pub(super) struct Before<'s> {
    /// As it is; `None` where there is none yet.
    pub(super) file: Option<Vec<u8>>,
    pub(super) stands: &'s dyn Fn(&str) -> bool,
}

/// A new row of calls.
pub(super) struct Line<'p> {
    pub(super) date: &'p str,
    pub(super) signature: SignatureId,
    pub(super) day: i32,
    pub(super) calls: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// A list.
    pub(super) resources: String,
}

const CALLS: [(&str, Kind); 8] = [
    ("account", Kind::Text),
    ("date", Kind::Text),
    ("signature", Kind::Text),
    ("day", Kind::Text),
    ("calls", Kind::Number),
    ("first", Kind::Text),
    ("last", Kind::Text),
    ("resources", Kind::Text),
];

/// Takes a row: date, signature, day, first, last, resources; and the calls.
type Push<'p> = dyn FnMut([&str; 6], u64) -> Result<(), PolarsError> + 'p;

/// `account, date, signature, day, calls, first, last, resources`, sorted by signature, date and day as `new` is, since
/// runs of one signature take least space.
pub(super) fn write_calls<'p>(
    account: &str,
    before: Before<'_>,
    new: impl Iterator<Item = Line<'p>>,
) -> Result<Vec<u8>, Damage> {
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, &CALLS)?;
    let mut push = |[date, signature, day, first, last, resources]: [&str; 6], calls: u64| {
        table.push([
            Cell::Text(account),
            Cell::Text(date),
            Cell::Text(signature),
            Cell::Text(day),
            Cell::Number(calls),
            Cell::Text(first),
            Cell::Text(last),
            Cell::Text(resources),
        ])
    };
    let add = |line: Line<'_>, push: &mut Push<'_>| {
        let [first, last] = [line.first, line.last].map(text::time);
        let (signature, day) = (line.signature.to_string(), text::date(line.day));
        push(
            [line.date, &signature, &day, &first, &last, &line.resources],
            line.calls,
        )
    };
    let mut new = new.peekable();
    if let Some(bytes) = before.file {
        read_calls(&bytes, |row @ [date, signature, day, ..], calls| {
            let place = (signature.parse()?, date, text::day(day)?);
            while let Some(line) = new.next_if(|line| (line.signature, line.date, line.day) < place) {
                add(line, &mut push)?;
            }
            if (before.stands)(date) {
                push(row, calls)?;
            }
            Ok(())
        })?;
    }
    for line in new {
        add(line, &mut push)?;
    }
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_calls`] as they stand: date, signature, day, first, last, resources; and the calls.
pub(super) fn read_calls(
    file: &[u8],
    mut each: impl FnMut([&str; 6], u64) -> Result<(), Damage>,
) -> Result<(), Damage> {
    parquet::read(file, |frame| {
        let column = |name| parquet::text(frame, name);
        let mut texts = [
            cells(column("date")?),
            cells(column("signature")?),
            cells(column("day")?),
            cells(column("first")?),
            cells(column("last")?),
            cells(column("resources")?),
        ];
        for calls in numbers(parquet::number(frame, "calls")?) {
            let calls = counted(calls)?;
            each(texts.each_mut().map(|cells| cells.next().unwrap_or_default()), calls)?;
        }
        Ok(())
    })
}

/// Takes a row with its date.
pub(super) type Each<'e, T> = dyn FnMut(&str, T) -> Result<(), Damage> + 'e;

/// Pushes the rows that stay and the new ones, both sorted by date.
fn by_date<'p, T, R: AsRef<[T]>>(
    before: Before<'_>,
    new: impl Iterator<Item = (&'p str, R)>,
    read: impl FnOnce(&[u8], &mut Each<'_, T>) -> Result<(), Damage>,
    mut push: impl FnMut(&str, &T) -> Result<(), PolarsError>,
) -> Result<(), Damage> {
    let mut new = new.peekable();
    if let Some(bytes) = before.file {
        read(&bytes, &mut |date, row| {
            while let Some((new_date, rows)) = new.next_if(|(new, _)| *new < date) {
                rows.as_ref().iter().try_for_each(|row| push(new_date, row))?;
            }
            if (before.stands)(date) {
                push(date, &row)?;
            }
            Ok(())
        })?;
    }
    for (date, rows) in new {
        rows.as_ref().iter().try_for_each(|row| push(date, row))?;
    }
    Ok(())
}

const SESSIONS: [(&str, Kind); 10] = [
    ("account", Kind::Text),
    ("date", Kind::Text),
    ("role_id", Kind::Text),
    ("session", Kind::Text),
    ("event", Kind::Text),
    ("kind", Kind::Text),
    ("cluster", Kind::Text),
    ("namespace", Kind::Text),
    ("name", Kind::Text),
    ("calls", Kind::Number),
];
const OPENED: &str = "opened";
const CALLED: &str = "called";

/// `account, date, role_id, session, event, kind, cluster, namespace, name, calls`, sorted by date as `new` is.
pub(super) fn write_sessions<'p>(
    account: &str,
    before: Before<'_>,
    new: impl Iterator<Item = (&'p str, Vec<Session>)>,
) -> Result<Vec<u8>, Damage> {
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, &SESSIONS)?;
    let push = |date: &str, row: &Session| {
        let [kind, cluster, namespace, name] = text::spell_workload(row.workload.as_ref());
        table.push([
            Cell::Text(account),
            Cell::Text(date),
            Cell::Text(&row.role_id),
            Cell::Text(&row.session),
            Cell::Text(if row.opened { OPENED } else { CALLED }),
            Cell::Text(&kind),
            Cell::Text(&cluster),
            Cell::Text(&namespace),
            Cell::Text(&name),
            Cell::Number(row.calls),
        ])
    };
    by_date(before, new, read_sessions, push)?;
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_sessions`], each with its date.
pub(super) fn read_sessions(file: &[u8], each: &mut Each<'_, Session>) -> Result<(), Damage> {
    parquet::read(file, |frame| {
        let column = |name| parquet::text(frame, name);
        let mut texts = [
            cells(column("date")?),
            cells(column("role_id")?),
            cells(column("session")?),
            cells(column("event")?),
            cells(column("kind")?),
            cells(column("cluster")?),
            cells(column("namespace")?),
            cells(column("name")?),
        ];
        for calls in numbers(parquet::number(frame, "calls")?) {
            let [date, role_id, session, event, kind, cluster, namespace, name] =
                texts.each_mut().map(|cells| cells.next().unwrap_or_default());
            let opened = match event {
                OPENED => true,
                CALLED => false,
                other => return Err(Damage::Cell(format!("`{other}` is neither {OPENED} nor {CALLED}"))),
            };
            let session = Session {
                role_id: role_id.to_owned(),
                session: session.to_owned(),
                opened,
                workload: text::read_workload([kind, cluster, namespace, name])?,
                calls: counted(calls)?,
            };
            each(date, session)?;
        }
        Ok(())
    })
}

const OBJECTS: [(&str, Kind); 6] = [
    ("account", Kind::Text),
    ("date", Kind::Text),
    ("key", Kind::Text),
    ("bytes", Kind::Number),
    ("digest", Kind::Text),
    ("stamp", Kind::Text),
];

/// `account, date, key, bytes, digest, stamp`, sorted by date as `new` is.
pub(super) fn write_objects<'p>(
    account: &str,
    before: Before<'_>,
    new: impl Iterator<Item = (&'p str, &'p [Object])>,
) -> Result<Vec<u8>, Damage> {
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, &OBJECTS)?;
    let push = |date: &str, row: &Object| {
        table.push([
            Cell::Text(account),
            Cell::Text(date),
            Cell::Text(&row.key),
            Cell::Number(row.bytes),
            Cell::Text(&row.digest),
            Cell::Text(&row.stamp),
        ])
    };
    by_date(before, new, read_objects, push)?;
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_objects`], each with its date.
pub(super) fn read_objects(file: &[u8], each: &mut Each<'_, Object>) -> Result<(), Damage> {
    parquet::read(file, |frame| {
        let column = |name| parquet::text(frame, name);
        let mut texts = [
            cells(column("date")?),
            cells(column("key")?),
            cells(column("digest")?),
            cells(column("stamp")?),
        ];
        for bytes in numbers(parquet::number(frame, "bytes")?) {
            let [date, key, digest, stamp] = texts.each_mut().map(|cells| cells.next().unwrap_or_default());
            let object = Object {
                key: key.to_owned(),
                bytes,
                digest: digest.to_owned(),
                stamp: stamp.to_owned(),
            };
            each(date, object)?;
        }
        Ok(())
    })
}

/// Coverage of each part, by date.
#[derive(serde::Serialize, serde::Deserialize)]
struct Covered<C> {
    schema: String,
    account: String,
    parts: BTreeMap<String, C>,
}

/// `{"schema", "account", "parts": {DATE: coverage}}`
pub(super) fn write_coverage<'p>(
    account: &str,
    before: Before<'_>,
    new: impl Iterator<Item = (&'p str, Box<RawValue>)>,
) -> Result<Vec<u8>, Damage> {
    let mut parts: BTreeMap<String, Box<RawValue>> = match &before.file {
        Some(bytes) => serde_json::from_slice::<Covered<_>>(bytes)?.parts,
        None => BTreeMap::new(),
    };
    parts.retain(|date, _| (before.stands)(date));
    parts.extend(new.map(|(date, coverage)| (date.to_owned(), coverage)));
    Ok(serde_json::to_vec(&Covered {
        schema: SCHEMA.to_owned(),
        account: account.to_owned(),
        parts,
    })?)
}

/// The inverse of [`write_coverage`].
pub(super) fn read_coverage(file: &[u8]) -> Result<BTreeMap<String, Coverage>, Damage> {
    Ok(serde_json::from_slice::<Covered<Coverage>>(file)?.parts)
}

/// All four files as one value.
pub(super) fn read(calls: &[u8], sessions: &[u8], objects: &[u8], coverage: &[u8]) -> Result<Book, Damage> {
    let mut book: Book = read_coverage(coverage)?
        .into_iter()
        .map(|(date, coverage)| {
            let part = Part {
                coverage,
                ..Part::default()
            };
            (date, part)
        })
        .collect();
    read_calls(calls, |[date, signature, day, first, last, resources], calls| {
        let row = Calls {
            signature: signature.parse()?,
            day: text::day(day)?,
            calls,
            first: text::seconds(first)?,
            last: text::seconds(last)?,
            resources: text::values(resources)?,
        };
        part(&mut book, date).calls.push(row);
        Ok(())
    })?;
    read_sessions(sessions, &mut |date, session| {
        part(&mut book, date).sessions.push(session);
        Ok(())
    })?;
    read_objects(objects, &mut |date, object| {
        part(&mut book, date).objects.push(object);
        Ok(())
    })?;
    Ok(book)
}

fn part<'b>(book: &'b mut Book, date: &str) -> &'b mut Part {
    if !book.contains_key(date) {
        book.insert(date.to_owned(), Part::default());
    }
    book.get_mut(date).expect("it was put there")
}

const SIGNATURES: [(&str, Kind); 21] = {
    let mut columns = [("signature", Kind::Text); 21];
    let mut at = 0;
    while at < text::SIGNATURE.len() {
        columns[at + 1].0 = text::SIGNATURE[at];
        at += 1;
    }
    columns[17].0 = "first";
    columns[18].0 = "first_event";
    columns[19].0 = "last";
    columns[20].0 = "last_event";
    columns
};

/// `signature`, the columns of a signature, `first, first_event, last, last_event`.
pub(super) fn write_signatures(signatures: &Signatures) -> Result<Vec<u8>, Damage> {
    let mut rows: Vec<(&SignatureId, &Seen)> = signatures.iter().collect();
    // By what they say, so that neighbours are alike; the ids are as random in any order.
    rows.sort_unstable_by(|(_, a), (_, b)| a.signature.cmp(&b.signature));
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, &SIGNATURES)?;
    for (id, seen) in rows {
        let (id, texts) = (id.to_string(), text::spell(&seen.signature));
        let [first, last] = [&seen.first, &seen.last].map(|witness| text::time(witness.time));
        let mut cells = [const { Cell::Text("") }; 21];
        let witnesses = [&first, &seen.first.event_id, &last, &seen.last.event_id];
        for (cell, text) in cells.iter_mut().zip([&id].into_iter().chain(&texts).chain(witnesses)) {
            *cell = Cell::Text(text);
        }
        table.push(cells)?;
    }
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_signatures`].
pub(super) fn read_signatures(file: &[u8], mut each: impl FnMut(SignatureId, Seen)) -> Result<(), Damage> {
    let witness = |time: Option<&str>, event: Option<&str>| -> Result<Witness, String> {
        Ok(Witness {
            time: text::seconds(time.unwrap_or_default())?,
            event_id: event.unwrap_or_default().to_owned(),
        })
    };
    parquet::read(file, |frame| {
        let column = |name| parquet::text(frame, name);
        let mut names = Vec::with_capacity(text::SIGNATURE.len());
        for name in text::SIGNATURE {
            names.push(cells(column(name)?));
        }
        let (mut first, mut first_event) = (cells(column("first")?), cells(column("first_event")?));
        let (mut last, mut last_event) = (cells(column("last")?), cells(column("last_event")?));
        for id in cells(column("signature")?) {
            let mut texts = [""; 16];
            for (text, cells) in texts.iter_mut().zip(&mut names) {
                *text = cells.next().unwrap_or_default();
            }
            let seen = Seen {
                signature: text::read(texts)?,
                first: witness(first.next(), first_event.next())?,
                last: witness(last.next(), last_event.next())?,
            };
            each(id.parse()?, seen);
        }
        Ok(())
    })
}
