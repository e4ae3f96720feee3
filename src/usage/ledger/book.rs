//! A book: the parts of one account and month, which lie together so that a year is hundreds of files and not
//! thousands. Inside it parts stay apart and are replaced one by one.

use std::collections::BTreeMap;

use polars_core::prelude::PolarsError;
use serde_json::value::RawValue;

use super::columns::{CallRow, ObjectRow, SessionRow, SignatureRow};
use super::part::{Calls, Object, Part, Session, read_digest, spell_digest};
use super::signatures::{SignatureId, Signatures};
use super::spelled::{self, behind, put_behind};
use super::{SCHEMA, old, parquet, text};
use crate::coverage::Coverage;
use crate::usage::{Behind, PartKey, Seen};

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
    pub(super) behind: &'p Behind,
    pub(super) calls: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// A list.
    pub(super) resources: String,
}

/// Sorted by signature, date and day as `new` is, since runs of one signature take least space.
pub(super) fn write_calls<'p>(
    account: &str,
    before: Before<'_>,
    new: impl Iterator<Item = Line<'p>>,
) -> Result<Vec<u8>, Damage> {
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, CallRow::COLUMNS)?;
    let add = |line: Line<'_>, table: &mut parquet::Table<'_>| {
        let row = CallRow {
            account,
            date: line.date,
            signature: line.signature.bytes(),
            day: line.day,
            calls: line.calls,
            first: line.first,
            last: line.last,
            resources: &line.resources,
            ..CallRow::default()
        };
        put_behind(row, line.behind).write(table)
    };
    let mut new = new.peekable();
    if let Some(bytes) = before.file {
        read_calls(&bytes, |row| {
            let place = (SignatureId::from_bytes(row.signature), row.date, row.day);
            while let Some(line) = new.next_if(|line| (line.signature, line.date, line.day) < place) {
                add(line, &mut table)?;
            }
            if (before.stands)(row.date) {
                CallRow { account, ..row }.write(&mut table)?;
            }
            Ok(())
        })?;
    }
    for line in new {
        add(line, &mut table)?;
    }
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_calls`] as they stand.
pub(super) fn read_calls(file: &[u8], mut each: impl FnMut(CallRow<'_>) -> Result<(), Damage>) -> Result<(), Damage> {
    parquet::read(file, |frame| {
        let each = |row: CallRow<'_>| {
            counted(row.calls)?;
            each(row)
        };
        if old::is_old(frame, "day") {
            old::calls(frame, each)
        } else {
            CallRow::each(frame, each)
        }
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

/// Sorted by date as `new` is.
pub(super) fn write_sessions<'p>(
    account: &str,
    before: Before<'_>,
    new: impl Iterator<Item = (&'p str, &'p [Session])>,
) -> Result<Vec<u8>, Damage> {
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, SessionRow::COLUMNS)?;
    let push = |date: &str, session: &Session| {
        let row = SessionRow {
            account,
            date,
            ..SessionRow::default()
        };
        spelled::put_session(row, session).write(&mut table)
    };
    by_date(before, new, read_sessions, push)?;
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_sessions`], each with its date.
pub(super) fn read_sessions(file: &[u8], each: &mut Each<'_, Session>) -> Result<(), Damage> {
    parquet::read(file, |frame| {
        // Version 1 did not say how long a session lasts, nor whether EKS or somebody else had named a pod.
        if frame.column("until").is_err() && frame.column("calls").is_ok() {
            return Ok(());
        }
        SessionRow::each(frame, |row| each(row.date, spelled::session(&row)?))
    })
}

/// Sorted by date as `new` is.
pub(super) fn write_objects<'p>(
    account: &str,
    before: Before<'_>,
    new: impl Iterator<Item = (&'p str, &'p [Object])>,
) -> Result<Vec<u8>, Damage> {
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, ObjectRow::COLUMNS)?;
    let push = |date: &str, object: &Object| {
        let row = ObjectRow {
            account,
            date,
            key: &object.key,
            bytes: object.bytes,
            digest: read_digest(&object.digest).unwrap_or_default(),
            stamp: &object.stamp,
        };
        row.write(&mut table)
    };
    by_date(before, new, read_objects, push)?;
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_objects`], each with its date.
pub(super) fn read_objects(file: &[u8], each: &mut Each<'_, Object>) -> Result<(), Damage> {
    parquet::read(file, |frame| {
        let each = |row: ObjectRow<'_>| {
            let object = Object {
                key: row.key.to_owned(),
                bytes: row.bytes,
                digest: spell_digest(row.digest),
                stamp: row.stamp.to_owned(),
            };
            each(row.date, object)
        };
        if old::is_old(frame, "digest") {
            old::objects(frame, each)
        } else {
            ObjectRow::each(frame, each)
        }
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
    read_calls(calls, |row| {
        let calls = Calls {
            signature: SignatureId::from_bytes(row.signature),
            day: row.day,
            behind: behind(&row)?,
            calls: row.calls,
            first: row.first,
            last: row.last,
            resources: text::values(row.resources)?,
        };
        part(&mut book, row.date).calls.push(calls);
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

/// By what they say, so that neighbours are alike; the ids are as random in any order.
pub(super) fn write_signatures(signatures: &Signatures) -> Result<Vec<u8>, Damage> {
    let mut rows: Vec<(&SignatureId, &Seen)> = signatures.iter().collect();
    rows.sort_unstable_by(|(_, a), (_, b)| a.signature.cmp(&b.signature));
    let mut file = Vec::new();
    let mut table = parquet::Table::new(&mut file, SignatureRow::COLUMNS)?;
    for (id, seen) in rows {
        spelled::write_signature(*id, seen, &mut table)?;
    }
    table.finish()?;
    Ok(file)
}

/// Hands out the rows of [`write_signatures`].
pub(super) fn read_signatures(file: &[u8], mut each: impl FnMut(SignatureId, Seen)) -> Result<(), Damage> {
    parquet::read(file, |frame| {
        let each = |row: SignatureRow<'_>| {
            each(SignatureId::from_bytes(row.signature), spelled::signature(&row)?);
            Ok(())
        };
        if old::is_old(frame, "first") {
            old::signatures(frame, each)
        } else {
            SignatureRow::each(frame, each)
        }
    })
}
