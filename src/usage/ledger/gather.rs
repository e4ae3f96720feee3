//! Logs into a ledger: what is new or changed is read, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::ops::ControlFlow;

use sha2::{Digest, Sha256};

use super::book::BookKey;
use super::part::{Object, Part, Session, short};
use super::store::{Lock, Writer};
use super::{Error, text};
use crate::attribute::Workload;
use crate::progress::Progress;
use crate::source::Source;
use crate::usage::{self, PartKey, Table, collect_parts};

/// Bytes of logs after which the ledger is committed, so that a killed run loses little.
const COMMIT: u64 = 1 << 30;
/// Days after which a session is dropped for the workload behind it.
const SESSION_DAYS: i32 = 3;
/// Days that a session may last beyond the one on which it was opened: 36 hours at most (STS API reference,
/// "GetFederationToken"; roles last 12).
const OPENING_DAYS: i32 = 2;

/// One of several machines that share the parts between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Which, from 1.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// Whether a part falls to this machine: the first eight bytes of SHA-256 over `ACCOUNT DATE`, as a big-endian
    /// number, modulo the number of machines.
    fn takes(self, key: &PartKey) -> bool {
        let digest = Sha256::digest(format!("{} {}", key.account, key.date).as_bytes());
        let number = digest[..8]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % self.of == self.number - 1
    }
}

/// How to collect.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// What a file may cost, and on how many threads. The filter chooses parts, by account and by date of delivery;
    /// its regions are not looked at, and parts of unknown date are always read.
    pub options: usage::Options,
    /// Keep names of sessions.
    pub identities: bool,
    /// Read the parts of one shard. Sessions are then not joined: the other half may be in another shard.
    pub shard: Option<Shard>,
    /// The first day (since 1970) to keep; earlier parts are dropped, and not read again.
    pub keep_from: Option<i32>,
}

/// What a run did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Parts that were read.
    pub parts_read: u64,
    /// Parts of which no file was new or changed.
    pub parts_known: u64,
    /// Parts dropped for their age.
    pub parts_dropped: u64,
    /// Files that were read.
    pub files_read: u64,
    /// Files that were not.
    pub files_known: u64,
    /// Bytes of the files that were read.
    pub bytes_read: u64,
    /// Events in them that were counted or booked.
    pub records: u64,
    /// Files of known parts that could not be opened; they are tried again next time.
    pub unreadable: Vec<String>,
    /// Parts left as they were, and why.
    pub refused: Vec<String>,
}

/// A file that is given.
struct Given<'s> {
    source: &'s Source,
    key: String,
    stamp: String,
}

/// What to do about a part.
enum Plan {
    /// Nothing is new.
    Keep,
    /// The same bytes, touched since: only stamps change.
    Touch(Vec<Object>),
    /// Read all of it again.
    Replace(Vec<usize>),
    /// Its earlier files are gone; read the new ones beside it.
    Add(Vec<usize>),
    /// An earlier file changed and others are gone.
    Refuse(String),
}

/// Brings a ledger up to date.
///
/// # Errors
/// Where the ledger cannot be read or written. Damaged logs are a fact in its coverage.
pub fn collect(lock: Lock, sources: &[Source], how: &How, progress: &Progress) -> Result<Summary, Error> {
    let mut writer = Writer::open(lock, how.identities)?;
    let mut summary = Summary::default();
    if let Some(first) = how.keep_from {
        drop_before(&mut writer, first, &mut summary)?;
    }
    let parts = grouped(sources, how);
    let mut reading: Vec<Source> = Vec::new();
    let mut adding: BTreeSet<PartKey> = BTreeSet::new();
    let mut entries: HashMap<String, (String, String)> = HashMap::new();
    let mut known_of: BTreeMap<PartKey, Vec<Object>> = BTreeMap::new();
    let mut books: BTreeMap<BookKey, BTreeMap<String, Vec<Object>>> = BTreeMap::new();
    for (key, given) in &parts {
        let book_key = BookKey::of(key);
        let book = match books.get_mut(&book_key) {
            Some(book) => book,
            None => {
                let objects = writer.objects(&book_key)?;
                books.entry(book_key).or_insert(objects)
            }
        };
        let known = book.remove(&key.date).unwrap_or_default();
        let chosen = match plan(&known, given, &mut summary) {
            Plan::Keep => Vec::new(),
            Plan::Touch(objects) => {
                if let Some(mut part) = writer.part(key)? {
                    part.objects = objects;
                    writer.put(key, part, HashMap::new());
                }
                Vec::new()
            }
            Plan::Replace(files) => files,
            Plan::Add(files) => {
                adding.insert(key.clone());
                files
            }
            Plan::Refuse(why) => {
                summary.refused.push(format!("{}: {why}", name(key)));
                Vec::new()
            }
        };
        summary.files_known += (given.len() - chosen.len()) as u64;
        if chosen.is_empty() {
            summary.parts_known += 1;
            continue;
        }
        for file in chosen {
            let Given { source, key, stamp } = &given[file];
            entries.insert(source.name(), (key.clone(), stamp.clone()));
            reading.push((*source).clone());
        }
        known_of.insert(key.clone(), known);
    }

    // Of equal files the first by name counts, in whatever order they were given.
    reading.sort();
    let mut failed = None;
    let mut uncommitted = 0;
    let options = usage::Options {
        filter: usage::Filter::default(),
        ..how.options.clone()
    };
    collect_parts(&reading, &options, progress, &mut |part| {
        let known = known_of.get(&part.key).map_or(&[][..], Vec::as_slice);
        uncommitted += part.coverage.bytes;
        let seal = || -> Result<(), Error> {
            seal(
                &mut writer,
                part,
                &entries,
                known,
                &adding,
                how.identities,
                &mut summary,
            )?;
            if uncommitted > COMMIT {
                uncommitted = 0;
                writer.commit(false)?;
            }
            Ok(())
        };
        match seal() {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    progress.stage("writing");
    if how.shard.is_none() {
        // What is sealed so far, so that the sessions of all parts are joined with each other.
        if writer.has_changed() {
            writer.commit(false)?;
        }
        join_sessions(&mut writer)?;
    }
    writer.commit(true)?;
    Ok(summary)
}

/// The files of each part, of those parts that are asked for.
fn grouped<'s>(sources: &'s [Source], how: &How) -> BTreeMap<PartKey, Vec<Given<'s>>> {
    let filter = &how.options.filter;
    let day_of = |seconds: i64| text::time(seconds)[..10].to_owned();
    let since = filter.since.map(day_of);
    let until = filter.until.map(|until| day_of(until - 1));
    let keep_from = how.keep_from.map(text::date);
    let asked = |key: &PartKey| {
        let dated = key.date.is_empty()
            || since.as_ref().is_none_or(|since| *since <= key.date)
                && until.as_ref().is_none_or(|until| key.date <= *until)
                && keep_from.as_ref().is_none_or(|first| *first <= key.date);
        let account = key.account.is_empty() || filter.accounts.is_empty() || filter.accounts.contains(&key.account);
        dated && account && how.shard.is_none_or(|shard| shard.takes(key))
    };
    let mut parts: BTreeMap<PartKey, Vec<Given>> = BTreeMap::new();
    let mut met: HashSet<(PartKey, String)> = HashSet::new();
    for source in sources {
        let (account, date) = source.part();
        let key = PartKey { date, account };
        if !asked(&key) {
            continue;
        }
        let name = source.name();
        let object = object_key(&key, &name);
        // Two trails may be laid side by side; what one name stands for twice is told apart by its whole name.
        let is_first = met.insert((key.clone(), object.clone()));
        let given = Given {
            source,
            key: if is_first { object } else { name },
            stamp: source.stamp().unwrap_or_default(),
        };
        parts.entry(key).or_default().push(given);
    }
    parts
}

/// The name of a file from its account on: the same wherever the archive lies, or is copied to.
fn object_key(key: &PartKey, name: &str) -> String {
    if key.account.is_empty() {
        return name.to_owned();
    }
    // `ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`, as in `Source::part`.
    let segments: Vec<&str> = name.split(['/', '\\']).collect();
    segments[segments.len().saturating_sub(7)..].join("/")
}

/// A part's name in a sentence.
fn name(key: &PartKey) -> String {
    if key.account.is_empty() {
        "files outside AWS's layout".to_owned()
    } else {
        format!("account {} on {}", key.account, key.date)
    }
}

/// Compares what is given with what was read: by name, length and stamp where those agree, else by content.
fn plan(known: &[Object], given: &[Given<'_>], summary: &mut Summary) -> Plan {
    let by_key: HashMap<&str, &Object> = known.iter().map(|object| (object.key.as_str(), object)).collect();
    let by_digest: HashMap<&str, &Object> = known.iter().map(|object| (object.digest.as_str(), object)).collect();
    let names: HashSet<&str> = given.iter().map(|file| file.key.as_str()).collect();
    let mut gone: BTreeSet<&str> = by_key.keys().copied().collect();
    let mut touched = BTreeMap::new();
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for (at, file) in given.iter().enumerate() {
        let same_name = by_key.get(file.key.as_str());
        if let Some(object) = same_name
            && object.bytes == file.source.bytes()
            && object.stamp == file.stamp
            && !file.stamp.is_empty()
        {
            gone.remove(object.key.as_str());
            continue;
        }
        if known.is_empty() {
            new.push(at);
            continue;
        }
        let Some(digest) = digest(file.source) else {
            summary.unreadable.push(file.source.name());
            continue;
        };
        match (same_name, by_digest.get(digest.as_str())) {
            (_, Some(object)) if object.key == file.key => {
                gone.remove(object.key.as_str());
                touched.insert(object.key.as_str(), file.stamp.clone());
            }
            // A copy beside the original is booked as one; alone, it is the original elsewhere.
            (None, Some(object)) if names.contains(object.key.as_str()) => new.push(at),
            (None, Some(object)) => {
                gone.remove(object.key.as_str());
            }
            (Some(object), _) => {
                gone.remove(object.key.as_str());
                changed.push(at);
            }
            (None, None) => new.push(at),
        }
    }
    if new.is_empty() && changed.is_empty() {
        if touched.is_empty() {
            return Plan::Keep;
        }
        let mut objects = known.to_vec();
        for object in &mut objects {
            if let Some(stamp) = touched.get(object.key.as_str()) {
                object.stamp.clone_from(stamp);
            }
        }
        return Plan::Touch(objects);
    }
    if gone.is_empty() {
        return Plan::Replace((0..given.len()).collect());
    }
    match changed.first() {
        None => Plan::Add(new),
        Some(at) => Plan::Refuse(format!(
            "`{}` changed, and {} of the files read before are not there any more: collect that day from all its files",
            given[*at].source.name(),
            gone.len()
        )),
    }
}

/// 128 bits of SHA-256 over a file's bytes, in hex; `None` where it cannot be read.
fn digest(source: &Source) -> Option<String> {
    let mut stream = source.open().ok()?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer).ok()? {
            0 => return Some(short(&digest.finalize())),
            length => digest.update(&buffer[..length]),
        }
    }
}

/// Puts a part that was read in its place.
fn seal(
    writer: &mut Writer,
    part: usage::Part,
    entries: &HashMap<String, (String, String)>,
    known: &[Object],
    adding: &BTreeSet<PartKey>,
    identities: bool,
    summary: &mut Summary,
) -> Result<(), Error> {
    let key = part.key.clone();
    let (files, bytes, records) = (part.files.len() as u64, part.coverage.bytes, part.coverage.records);
    let (mut made, signatures) = Part::of(part, identities, |file| {
        let (key, stamp) = entries.get(&file.name).cloned().unwrap_or_default();
        Object {
            key,
            bytes: file.bytes,
            digest: short(&file.digest),
            stamp,
        }
    });
    let adds = adding.contains(&key);
    let lost = known.iter().find(|before| {
        !adds
            && made
                .objects
                .iter()
                .all(|object| object.key != before.key && object.digest != before.digest)
    });
    if let Some(lost) = lost {
        summary
            .refused
            .push(format!("{}: `{}` cannot be read any more", name(&key), lost.key));
        return Ok(());
    }
    summary.parts_read += 1;
    summary.files_read += files;
    summary.bytes_read += bytes;
    summary.records += records;
    if adds && let Some(before) = writer.part(&key)? {
        made.add(before);
    }
    writer.put(&key, made, signatures);
    Ok(())
}

/// Drops parts that were delivered before a day, and days before it from those of unknown date.
fn drop_before(writer: &mut Writer, first: i32, summary: &mut Summary) -> Result<(), Error> {
    let first_date = text::date(first);
    let old: Vec<PartKey> = writer
        .index
        .parts()
        .map(|(account, part)| PartKey {
            date: part.date.clone(),
            account: account.to_owned(),
        })
        .filter(|key| key.date < first_date)
        .collect();
    for key in old {
        if !key.date.is_empty() {
            writer.remove(&key);
            summary.parts_dropped += 1;
            continue;
        }
        if let Some(mut part) = writer.part(&key)?
            && part.calls.iter().any(|row| row.day < first)
        {
            part.calls.retain(|row| row.day >= first);
            writer.put(&key, part, HashMap::new());
            writer.shrinks(&key.account);
        }
    }
    Ok(())
}

/// In parts three days older than the newest, puts the workload behind each session in the session's place, and drops
/// the openings that no later part can need.
pub(super) fn join_sessions(writer: &mut Writer) -> Result<(), Error> {
    let newest = writer.index.parts().map(|(_, part)| part.date.as_str()).max();
    let newest = newest.and_then(|date| text::day(date).ok());
    // The empty date of files outside AWS's layout is the oldest of all: their sessions are joined at once.
    let before = |days: i32| newest.map_or_else(String::new, |newest| text::date(newest - days));
    let (last_joined, last_opening) = (before(SESSION_DAYS), before(SESSION_DAYS + OPENING_DAYS));

    let open: BTreeSet<BookKey> = writer
        .index
        .books
        .iter()
        .filter(|book| book.parts.iter().any(|part| part.sessions))
        .map(super::index::BookEntry::key)
        .collect();
    let mut parts: BTreeMap<PartKey, Part> = BTreeMap::new();
    for key in &open {
        for (date, part) in writer.book(key)? {
            let key = PartKey {
                date,
                account: key.account.clone(),
            };
            parts.insert(key, part);
        }
    }
    let mut all = Table::default();
    let rows = parts.values().flat_map(|part| part.sessions.iter().cloned());
    sessions_of(rows, &mut all);
    let sessions: HashMap<(&str, &str), &usage::Session> = all
        .sessions
        .iter()
        .map(|session| ((session.role_id.as_str(), session.access_key_id.as_str()), session))
        .collect();
    let mut joined: Vec<(PartKey, Vec<Session>)> = Vec::new();
    for (key, part) in &parts {
        if key.date > last_joined || !part.has_sessions() {
            continue;
        }
        let mut rows: Vec<Session> = Vec::new();
        let mut calls: BTreeMap<(&str, Option<Workload>), u64> = BTreeMap::new();
        for row in &part.sessions {
            if row.opened {
                if key.date > last_opening {
                    rows.push(row.clone());
                }
                continue;
            }
            let workload = match sessions.get(&(row.role_id.as_str(), row.session.as_str())) {
                Some(session) => session.workload(),
                None => row.workload.clone(),
            };
            *calls.entry((&row.role_id, workload)).or_default() += row.calls;
        }
        rows.extend(calls.into_iter().map(|((role_id, workload), calls)| Session {
            role_id: role_id.to_owned(),
            session: String::new(),
            opened: false,
            workload,
            calls,
        }));
        rows.sort();
        if rows != part.sessions {
            joined.push((key.clone(), rows));
        }
    }
    for (key, rows) in joined {
        if let Some(mut part) = parts.remove(&key) {
            part.sessions = rows;
            writer.put(&key, part, HashMap::new());
        }
    }
    Ok(())
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
