//! Files of a ledger that are damaged or gone: what they held is known to be lost, until `collect` reads it again.
//!
//! Where the calls of a month cannot be told, each file that was read into it is lost as if it had been torn when it was
//! read: a hole of its account, region and hours. Where only its sessions are damaged, calls stay, and no workload stands
//! behind them.

use std::collections::BTreeMap;
use std::io;
use std::iter;
use std::path::Path;

use super::book::{self, Before, Book};
use super::index::{BookEntry, Index, PartEntry};
use super::part::Part;
use super::store::{Writer, bytes, damaged};
use super::{DATA, Error, text};
use crate::coverage::{Coverage, Loss};
use crate::source::{File, Source};
use crate::time::{DAY, Window};
use crate::usage::PartKey;
use crate::usage::damage::lost;

/// How long before its delivery an event of a log file may lie, as in `source`.
const DELAY: i64 = 3600;
/// How the name of a loss ends that stands for files whose own names are lost too.
const NAMELESS: &str = "that the ledger no longer names";
/// What helps.
const WAY_OUT: &str = "`collect` reads those days again where their logs are still there";

/// Names of files that an index names and that are not what they should be, each with what is wrong.
pub(super) type Wounds = BTreeMap<String, String>;

/// What is wrong with a file of a ledger, where it is the file and not the system that refuses.
pub(super) fn wound(error: Error) -> Result<String, Error> {
    match error {
        Error::Damaged { why, .. } => Ok(why),
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Ok("it is gone".to_owned()),
        other => Err(other),
    }
}

/// Looks at every file that an index names.
pub(super) fn wounds(dir: &Path, index: &Index) -> Result<Wounds, Error> {
    let mut wounds = Wounds::new();
    for name in index.files() {
        if let Err(error) = bytes(dir, name) {
            wounds.insert(name.to_owned(), wound(error)?);
        }
    }
    Ok(wounds)
}

/// What is wrong, in lines.
pub(super) fn lines(dir: &Path, wounds: &Wounds) -> Vec<String> {
    let line = |(name, why): (&String, &String)| {
        let path = dir.join(DATA).join(name);
        format!("`{}` is damaged: {why}; {WAY_OUT}", path.display())
    };
    wounds.iter().map(line).collect()
}

/// Why calls of a book cannot be told; `None` where they can.
pub(super) fn lost_calls<'w>(index: &Index, entry: &BookEntry, wounds: &'w Wounds) -> Option<&'w str> {
    let signatures = index.signatures(&entry.account);
    let needed = [&entry.calls, &entry.coverage].map(String::as_str);
    let mut needed = needed.into_iter().chain(signatures);
    needed.find_map(|name| wounds.get(name)).map(String::as_str)
}

/// What is lost with a book, by date: the files that were read into it, by their names where these are known.
pub(super) fn losses(dir: &Path, entry: &BookEntry, why: &str) -> BTreeMap<String, Coverage> {
    let mut by_date: BTreeMap<String, Coverage> = BTreeMap::new();
    let named = bytes(dir, &entry.objects).and_then(|file| {
        book::read_objects(&file, &mut |date, object| {
            let source = Source::File(File::named(&object.key, object.bytes));
            let coverage = by_date.entry(date.to_owned()).or_default();
            if let Some(loss) = lost(&source, &damage(why)) {
                coverage.lose(&object.key, loss);
            }
            Ok(())
        })
        .map_err(damaged(dir, &entry.objects))
    });
    if named.is_err() {
        by_date.clear();
    }
    for part in entry.parts.iter().filter(|part| part.objects > 0) {
        by_date
            .entry(part.date.clone())
            .or_insert_with(|| nameless(entry, part, why));
    }
    by_date
}

/// The same for a part of which the names of its files are lost too.
fn nameless(entry: &BookEntry, part: &PartEntry, why: &str) -> Coverage {
    let window = text::day(&part.date).map_or(Window::ALWAYS, |day| {
        let midnight = i64::from(day) * DAY;
        Window {
            first: midnight - DELAY,
            end: midnight + DAY,
        }
    });
    let loss = Loss {
        account: entry.account.clone(),
        region: String::new(),
        window,
        why: damage(why),
    };
    let (files, account, date) = (part.objects, &entry.account, &part.date);
    let mut coverage = Coverage::default();
    coverage.lose(
        &format!("{files} files of account {account} on {date} {NAMELESS}"),
        loss,
    );
    coverage
}

fn damage(why: &str) -> String {
    format!("its place in the ledger is damaged: {why}")
}

/// Whether a loss stands for files without names that are all there again, where so many are given.
pub(super) fn is_made_good(loss: &str, given: usize) -> bool {
    let count = loss.strip_suffix(NAMELESS).and_then(|rest| rest.split(' ').next());
    count.is_some_and(|count| count.parse().is_ok_and(|count: usize| count <= given))
}

impl Writer {
    /// Takes what is damaged out of the ledger, with a note on what is lost in its place: what is wrong, in lines.
    pub(super) fn mend(&mut self) -> Result<Vec<String>, Error> {
        let wounds = wounds(&self.dir, &self.index)?;
        if wounds.is_empty() {
            return Ok(Vec::new());
        }
        let mut parts: Vec<(PartKey, Part)> = Vec::new();
        let mut stay = Vec::new();
        for entry in &self.index.books {
            let why = lost_calls(&self.index, entry, &wounds);
            let is_whole = ![&entry.sessions, &entry.objects]
                .iter()
                .any(|name| wounds.contains_key(*name));
            let book = match why {
                Some(why) => emptied(&self.dir, entry, why),
                None if is_whole => {
                    stay.push(entry.clone());
                    continue;
                }
                None => halved(&self.dir, entry, &wounds)?,
            };
            let key = |date: &str| PartKey {
                date: date.to_owned(),
                account: entry.account.clone(),
            };
            parts.extend(book.into_iter().map(|(date, part)| (key(&date), part)));
        }
        let said = lines(&self.dir, &wounds);
        self.index.books = stay;
        self.index.signatures.retain(|entry| !wounds.contains_key(&entry.file));
        for (key, part) in parts {
            self.put(&key, part);
        }
        self.commit(false)?;
        Ok(said)
    }
}

/// The parts of a book with nothing in them but what is lost.
fn emptied(dir: &Path, entry: &BookEntry, why: &str) -> Book {
    let count = |date: &str| {
        let part = entry.parts.iter().find(|part| part.date == date);
        part.map_or(1, |part| part.objects.max(1))
    };
    let losses = losses(dir, entry, why).into_iter();
    let parts = losses.map(|(date, coverage)| {
        let part = Part {
            unread: count(&date),
            coverage,
            ..Part::default()
        };
        (date, part)
    });
    parts.collect()
}

/// A book of which sessions, or the names of files that were read into it, cannot be told.
fn halved(dir: &Path, entry: &BookEntry, wounds: &Wounds) -> Result<Book, Error> {
    let nothing = || Before {
        file: None,
        stands: &|_| true,
    };
    let sessions = match wounds.contains_key(&entry.sessions) {
        true => book::write_sessions(&entry.account, nothing(), iter::empty()).map_err(damaged(dir, &entry.calls))?,
        false => bytes(dir, &entry.sessions)?,
    };
    let objects = match wounds.contains_key(&entry.objects) {
        true => book::write_objects(&entry.account, nothing(), iter::empty()).map_err(damaged(dir, &entry.calls))?,
        false => bytes(dir, &entry.objects)?,
    };
    let (calls, coverage) = (bytes(dir, &entry.calls)?, bytes(dir, &entry.coverage)?);
    let mut book = book::read(&calls, &sessions, &objects, &coverage).map_err(damaged(dir, &entry.calls))?;
    for known in &entry.parts {
        let Some(part) = book.get_mut(&known.date) else {
            continue;
        };
        part.unread = known.unread;
        if let Some(why) = wounds.get(&entry.objects).filter(|_| known.objects > 0) {
            // Given again, they would count twice: so they are lost until they are read in the place of what is here.
            part.coverage.merge(nameless(entry, known, why));
            part.unread += known.objects;
        }
    }
    Ok(book)
}

#[cfg(test)]
mod tests;
