//! A book: the parts of one account and month, which lie together so that a year is hundreds of files and not
//! thousands. Inside it parts stay apart and are replaced one by one.

use std::collections::BTreeMap;

use polars_core::prelude::{PolarsError, PolarsResult};

use super::parquet::{self, Columns, cells, numbers};
use super::part::{Calls, Object, Part, Session, SignatureId, Signatures};
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

/// Rows of one table with the date of their part.
fn rows<'b, T>(book: &'b Book, of: impl Fn(&'b Part) -> &'b [T] + 'b) -> Vec<(&'b str, &'b T)> {
    book.iter()
        .flat_map(|(date, part)| of(part).iter().map(move |row| (date.as_str(), row)))
        .collect()
}

/// `account, date, signature, day, calls, first, last, resources`
pub(super) fn write_calls(account: &str, book: &Book) -> PolarsResult<Vec<u8>> {
    let mut rows = rows(book, |part| &part.calls);
    // Runs of one signature take least space.
    rows.sort_by_key(|(date, row)| (row.signature, *date, row.day));
    Columns::new(rows.len())
        .text("account", rows.iter().map(|_| account))
        .text("date", rows.iter().map(|(date, _)| *date))
        .text("signature", rows.iter().map(|(_, row)| row.signature.to_string()))
        .text("day", rows.iter().map(|(_, row)| text::date(row.day)))
        .number("calls", rows.iter().map(|(_, row)| row.calls))
        .text("first", rows.iter().map(|(_, row)| text::time(row.first)))
        .text("last", rows.iter().map(|(_, row)| text::time(row.last)))
        .text("resources", rows.iter().map(|(_, row)| text::list(&row.resources)))
        .bytes()
}

/// Hands out the rows of [`write_calls`] as they stand: date, signature, day, calls, first, last, resources.
pub(super) fn read_calls(
    bytes: Vec<u8>,
    mut each: impl FnMut([&str; 6], u64) -> Result<(), String>,
) -> Result<(), Damage> {
    let frame = parquet::read(bytes)?;
    let column = |name| parquet::text(&frame, name);
    let mut texts = [
        cells(column("date")?),
        cells(column("signature")?),
        cells(column("day")?),
        cells(column("first")?),
        cells(column("last")?),
        cells(column("resources")?),
    ];
    for calls in numbers(parquet::number(&frame, "calls")?) {
        let calls = counted(calls)?;
        each(texts.each_mut().map(|cells| cells.next().unwrap_or_default()), calls)?;
    }
    Ok(())
}

/// `account, date, role_id, session, event, kind, cluster, namespace, name, calls`
pub(super) fn write_sessions(account: &str, book: &Book) -> PolarsResult<Vec<u8>> {
    let rows = rows(book, |part| &part.sessions);
    let workloads: Vec<[String; 4]> = rows
        .iter()
        .map(|(_, row)| text::spell_workload(row.workload.as_ref()))
        .collect();
    Columns::new(rows.len())
        .text("account", rows.iter().map(|_| account))
        .text("date", rows.iter().map(|(date, _)| *date))
        .text("role_id", rows.iter().map(|(_, row)| &row.role_id))
        .text("session", rows.iter().map(|(_, row)| &row.session))
        .text(
            "event",
            rows.iter().map(|(_, row)| if row.opened { OPENED } else { CALLED }),
        )
        .text("kind", workloads.iter().map(|[kind, ..]| kind))
        .text("cluster", workloads.iter().map(|[_, cluster, ..]| cluster))
        .text("namespace", workloads.iter().map(|[.., namespace, _]| namespace))
        .text("name", workloads.iter().map(|[.., name]| name))
        .number("calls", rows.iter().map(|(_, row)| row.calls))
        .bytes()
}

const OPENED: &str = "opened";
const CALLED: &str = "called";

/// Hands out the rows of [`write_sessions`], each with its date.
pub(super) fn read_sessions(bytes: Vec<u8>, mut each: impl FnMut(&str, Session)) -> Result<(), Damage> {
    let frame = parquet::read(bytes)?;
    let column = |name| parquet::text(&frame, name);
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
    for calls in numbers(parquet::number(&frame, "calls")?) {
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
        each(date, session);
    }
    Ok(())
}

/// `account, date, key, bytes, digest, stamp`
pub(super) fn write_objects(account: &str, book: &Book) -> PolarsResult<Vec<u8>> {
    let rows = rows(book, |part| &part.objects);
    Columns::new(rows.len())
        .text("account", rows.iter().map(|_| account))
        .text("date", rows.iter().map(|(date, _)| *date))
        .text("key", rows.iter().map(|(_, row)| &row.key))
        .number("bytes", rows.iter().map(|(_, row)| row.bytes))
        .text("digest", rows.iter().map(|(_, row)| &row.digest))
        .text("stamp", rows.iter().map(|(_, row)| &row.stamp))
        .bytes()
}

/// Hands out the rows of [`write_objects`], each with its date.
pub(super) fn read_objects(bytes: Vec<u8>, mut each: impl FnMut(&str, Object)) -> Result<(), Damage> {
    let frame = parquet::read(bytes)?;
    let column = |name| parquet::text(&frame, name);
    let mut texts = [
        cells(column("date")?),
        cells(column("key")?),
        cells(column("digest")?),
        cells(column("stamp")?),
    ];
    for bytes in numbers(parquet::number(&frame, "bytes")?) {
        let [date, key, digest, stamp] = texts.each_mut().map(|cells| cells.next().unwrap_or_default());
        let object = Object {
            key: key.to_owned(),
            bytes,
            digest: digest.to_owned(),
            stamp: stamp.to_owned(),
        };
        each(date, object);
    }
    Ok(())
}

/// Coverage of each part, by date.
#[derive(serde::Serialize, serde::Deserialize)]
struct Covered<C> {
    schema: String,
    account: String,
    parts: BTreeMap<String, C>,
}

/// `{"schema", "account", "parts": {DATE: coverage}}`
pub(super) fn write_coverage(account: &str, book: &Book) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Covered {
        schema: SCHEMA.to_owned(),
        account: account.to_owned(),
        parts: book.iter().map(|(date, part)| (date.clone(), &part.coverage)).collect(),
    })
}

/// The inverse of [`write_coverage`].
pub(super) fn read_coverage(bytes: &[u8]) -> Result<BTreeMap<String, Coverage>, Damage> {
    Ok(serde_json::from_slice::<Covered<Coverage>>(bytes)?.parts)
}

/// All four files as one value.
pub(super) fn read(calls: Vec<u8>, sessions: Vec<u8>, objects: Vec<u8>, coverage: &[u8]) -> Result<Book, Damage> {
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
    read_sessions(sessions, |date, session| part(&mut book, date).sessions.push(session))?;
    read_objects(objects, |date, object| part(&mut book, date).objects.push(object))?;
    Ok(book)
}

fn part<'b>(book: &'b mut Book, date: &str) -> &'b mut Part {
    if !book.contains_key(date) {
        book.insert(date.to_owned(), Part::default());
    }
    book.get_mut(date).expect("it was put there")
}

/// The columns of a signature, then `signature, first, first_event, last, last_event`.
pub(super) fn write_signatures(signatures: &Signatures) -> PolarsResult<Vec<u8>> {
    let mut rows: Vec<(&SignatureId, &Seen)> = signatures.iter().collect();
    // By columns, so that neighbours are alike; the ids are as random in any order.
    rows.sort_by_cached_key(|(_, seen)| text::spell(&seen.signature));
    let spelt: Vec<[String; 16]> = rows.iter().map(|(_, seen)| text::spell(&seen.signature)).collect();
    let mut columns = Columns::new(rows.len()).text("signature", rows.iter().map(|(id, _)| id.to_string()));
    for (at, name) in text::SIGNATURE.into_iter().enumerate() {
        columns = columns.text(name, spelt.iter().map(|texts| &texts[at]));
    }
    columns
        .text("first", rows.iter().map(|(_, seen)| text::time(seen.first.time)))
        .text("first_event", rows.iter().map(|(_, seen)| &seen.first.event_id))
        .text("last", rows.iter().map(|(_, seen)| text::time(seen.last.time)))
        .text("last_event", rows.iter().map(|(_, seen)| &seen.last.event_id))
        .bytes()
}

/// Hands out the rows of [`write_signatures`].
pub(super) fn read_signatures(bytes: Vec<u8>, mut each: impl FnMut(SignatureId, Seen)) -> Result<(), Damage> {
    let frame = parquet::read(bytes)?;
    let column = |name| parquet::text(&frame, name);
    let mut names = Vec::with_capacity(text::SIGNATURE.len());
    for name in text::SIGNATURE {
        names.push(cells(column(name)?));
    }
    let (mut first, mut first_event) = (cells(column("first")?), cells(column("first_event")?));
    let (mut last, mut last_event) = (cells(column("last")?), cells(column("last_event")?));
    let witness = |time: Option<&str>, event: Option<&str>| -> Result<Witness, String> {
        Ok(Witness {
            time: text::seconds(time.unwrap_or_default())?,
            event_id: event.unwrap_or_default().to_owned(),
        })
    };
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
}
