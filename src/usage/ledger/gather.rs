//! Logs into a ledger: what is new or changed is read, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, sync_channel};
use std::thread;

use sha2::{Digest, Sha256};

use super::book::BookKey;
use super::part::{Counted, Object, Part, short};
use super::plan::{Given, Names, Plan, contents, plan};
use super::sessions::join_sessions;
use super::store::{Lock, Writer};
use super::{Error, text};
use super::{mend, named};
use crate::coverage::{Coverage, Loss, NamedFiles};
use crate::progress::Progress;
use crate::source::Source;
use crate::usage::damage::lost;
use crate::usage::named::CHANGED;
use crate::usage::{self, PartKey, collect_parts};

/// Bytes of logs after which the ledger is committed, so that a killed run loses little.
const COMMIT: u64 = 1 << 30;
/// Bytes of memory that parts may take while they wait for a commit: of about a month of a usual trail, so that no month is
/// written often.
const WAITING: usize = 32 << 20;
/// Parts that may be read before they are sealed, beside the one that each thread is at.
const READ_AHEAD: usize = 1;

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
    /// What to keep; earlier parts are dropped, and not read again.
    pub keep: Option<Keep>,
}

/// How much to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keep {
    /// So many days, up to the newest that was delivered.
    pub days: i32,
    /// Today in days since 1970, if the clock is right: dates after it do not count as delivered.
    pub today: i32,
}

impl Keep {
    /// The first day to keep. It counts from the logs, so that a clock that runs ahead drops nothing.
    fn first(self, dates: impl Iterator<Item = String>) -> i32 {
        let days = dates.filter_map(|date| text::day(&date).ok());
        let newest = days.filter(|day| *day <= self.today).max().unwrap_or(self.today);
        newest.saturating_sub(self.days)
    }
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
    /// Files that could not be read; they are tried again next time.
    pub unread: Vec<Unread>,
    /// Parts left as they were, and why.
    pub refused: Vec<String>,
    /// Files of the ledger that were damaged, and what that means. What they held is read again from the logs that are
    /// given, and known to be lost where it is not.
    pub damaged: Vec<String>,
}

/// A file that could not be read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unread {
    /// The source's name.
    pub name: String,
    /// Why.
    pub why: String,
    /// Whether that was so in an earlier run too.
    pub again: bool,
}

/// Whether a source is booked under its whole name: another one has its key.
type Whole = bool;

/// A part that is read.
#[derive(Default)]
struct Reading {
    /// What was read into it before.
    known: Vec<Object>,
    /// Whether that stays, for lack of its files.
    adds: bool,
    /// Whether the ledger has it.
    stands: bool,
    /// Places of the sources that are read into it, ascending.
    files: Vec<usize>,
}

/// Brings a ledger up to date.
///
/// # Errors
/// Where the ledger cannot be read or written. Damaged logs are a fact in its coverage.
pub fn collect(lock: Lock, sources: &[Source], how: &How, progress: &Progress) -> Result<Summary, Error> {
    collect_within(lock, sources, how, progress, WAITING)
}

/// [`collect`], which commits whenever what waits takes more than `most` bytes.
pub(super) fn collect_within(
    held: Lock,
    sources: &[Source],
    how: &How,
    progress: &Progress,
    most: usize,
) -> Result<Summary, Error> {
    let mut writer = Writer::open(held, how.identities)?;
    let mut summary = Summary {
        damaged: writer.mend()?,
        ..Summary::default()
    };
    let keep_from = how.keep.map(|keep| {
        let kept = writer.index.parts().map(|(_, part)| part.date.clone());
        keep.first(kept.chain(sources.iter().map(|source| source.part().1)))
    });
    if let Some(first) = keep_from {
        drop_before(&mut writer, first, &mut summary)?;
    }
    listed_again(&mut writer, sources)?;
    let mut reading: BTreeMap<PartKey, Reading> = BTreeMap::new();
    let mut chosen: Vec<(&Source, Whole)> = Vec::new();
    for (book, parts) in grouped(sources, how, keep_from) {
        let mut objects = writer.objects(&book)?;
        let mut known_parts = Vec::with_capacity(parts.len());
        let parts = given(parts);
        for (key, given) in &parts {
            let known = objects.remove(&key.date).unwrap_or_default();
            let names = Names::of(&known, given, writer.index.unread(key));
            known_parts.push((key, given, known, names));
        }
        let doubtful = known_parts
            .iter()
            .flat_map(|(_, given, _, names)| names.doubtful.iter().map(|at| given[*at].source));
        let contents = contents(doubtful.collect());
        for (key, given, known, names) in known_parts {
            let (files, adds) = match plan(&known, given, &names, &contents) {
                Plan::Keep => (Vec::new(), false),
                Plan::Touch(objects) => {
                    writer.put_objects(key, objects);
                    (Vec::new(), false)
                }
                Plan::Replace(files) => (files, false),
                Plan::Add(files) => (files, true),
                Plan::Refuse(why) => {
                    summary.refused.push(format!("{}: {why}", name(key)));
                    (Vec::new(), false)
                }
            };
            summary.files_known += (given.len() - files.len()) as u64;
            if files.is_empty() {
                summary.parts_known += 1;
                let unread: Vec<(&Source, String)> = names
                    .doubtful
                    .iter()
                    .map(|at| given[*at].source)
                    .filter_map(|source| Some((source, contents.get(&source.name())?.as_ref().err()?.clone())))
                    .collect();
                lack(&mut writer, key, &known, &unread)?;
                let again = names.unread > 0;
                summary.unread.extend(unread.into_iter().map(|(source, why)| Unread {
                    name: source.name(),
                    why,
                    again,
                }));
                continue;
            }
            chosen.extend(files.into_iter().map(|at| (given[at].source, given[at].whole)));
            let reads = Reading {
                known,
                adds,
                stands: writer.index.has(key),
                files: Vec::new(),
            };
            reading.insert(key.clone(), reads);
        }
    }

    // Of equal files the first by name counts, in whatever order they were given.
    chosen.sort_by_key(|(source, _)| *source);
    let given = sources;
    let (sources, whole): (Vec<&Source>, Vec<Whole>) = chosen.into_iter().unzip();
    for (place, source) in sources.iter().enumerate() {
        reading.entry(PartKey::of(source)).or_default().files.push(place);
    }
    let options = usage::Options {
        filter: usage::Filter::default(),
        ..how.options.clone()
    };
    let sealer = Sealer {
        sources: &sources,
        whole,
        writer,
        reading,
        named: NamedFiles::default(),
        summary,
        identities: how.identities,
        most,
        uncommitted: 0,
    };
    let Sealer {
        mut writer,
        mut summary,
        named,
        ..
    } = sealed(sealer, &options, progress)?;
    named::note(&mut writer, named, given, &takes(how, keep_from))?;
    summary.unread.sort();
    summary.refused.sort();
    progress.stage("writing");
    if how.shard.is_none() {
        join_sessions(&mut writer)?;
    }
    writer.commit(true)?;
    Ok(summary)
}

/// Whether a part is asked for.
fn takes(how: &How, keep_from: Option<i32>) -> impl Fn(&PartKey) -> bool {
    let filter = &how.options.filter;
    let day_of = |seconds: i64| text::time(seconds)[..10].to_owned();
    let since = filter.since.map(day_of);
    let until = filter.until.map(|until| day_of(until - 1));
    let keep_from = keep_from.map(text::date);
    move |key| {
        let dated = key.date.is_empty()
            || since.as_ref().is_none_or(|since| *since <= key.date)
                && until.as_ref().is_none_or(|until| key.date <= *until)
                && keep_from.as_ref().is_none_or(|first| *first <= key.date);
        let account = key.account.is_empty() || filter.accounts.is_empty() || filter.accounts.contains(&key.account);
        dated && account && how.shard.is_none_or(|shard| shard.takes(key))
    }
}

/// The files of each part, of those parts that are asked for, by account and month.
fn grouped<'s>(
    sources: &'s [Source],
    how: &How,
    keep_from: Option<i32>,
) -> BTreeMap<BookKey, BTreeMap<PartKey, Vec<&'s Source>>> {
    let asked = takes(how, keep_from);
    let mut books: BTreeMap<BookKey, BTreeMap<PartKey, Vec<&Source>>> = BTreeMap::new();
    for source in sources {
        let key = PartKey::of(source);
        if asked(&key) {
            let parts = books.entry(BookKey::of(&key)).or_default();
            parts.entry(key).or_default().push(source);
        }
    }
    books
}

/// The files of a book's parts, with their keys.
fn given(parts: BTreeMap<PartKey, Vec<&Source>>) -> BTreeMap<PartKey, Vec<Given<'_>>> {
    let parts = parts.into_iter().map(|(key, sources)| {
        let mut met: HashSet<String> = HashSet::new();
        let given = sources.into_iter().map(|source| {
            let name = source.name();
            let own = object_key(&key, &name);
            // Two trails may be laid side by side; what one name stands for twice is told apart by its whole name.
            let whole = !met.insert(own.clone());
            Given {
                source,
                key: if whole { name } else { own },
                whole,
                stamp: source.stamp().unwrap_or_default(),
            }
        });
        let given = given.collect();
        (key, given)
    });
    parts.collect()
}

/// Notes what a part lacks that is not read again: files that were never read, and cannot be.
fn lack(writer: &mut Writer, key: &PartKey, known: &[Object], unread: &[(&Source, String)]) -> Result<(), Error> {
    let never = unread.iter().filter_map(|(source, why)| {
        let name = source.name();
        let given = object_key(key, &name);
        let was_read = known.iter().any(|object| object.key == given || object.key == name);
        let loss = lost(source, why).filter(|_| !was_read)?;
        Some((name, loss))
    });
    let never: Vec<(String, Loss)> = never.collect();
    if never.is_empty() {
        return Ok(());
    }
    let mut part = writer.part(key)?.unwrap_or_default();
    let before = part.coverage.lost.len();
    for (name, loss) in never {
        part.coverage.lose(&name, loss);
    }
    let more = part.coverage.lost.len() - before;
    if more > 0 {
        part.unread += more as u64;
        writer.put(key, part);
    }
    Ok(())
}

/// Folders that could not be listed, and were now.
fn listed_again(writer: &mut Writer, sources: &[Source]) -> Result<(), Error> {
    let key = PartKey::default();
    if writer.index.unread(&key) == 0 {
        return Ok(());
    }
    let Some(mut part) = writer.part(&key)? else {
        return Ok(());
    };
    let given: BTreeSet<String> = sources.iter().map(Source::name).collect();
    let found = part.coverage.found(&|folder, _| {
        let below = format!("{}/", folder.trim_end_matches('/'));
        let mut inside = given.range(below.clone()..);
        !given.contains(folder) && inside.next().is_some_and(|name| name.starts_with(&below))
    });
    if !found.is_empty() {
        part.unread = part.unread.saturating_sub(found.len() as u64);
        writer.put(&key, part);
    }
    Ok(())
}

/// The name of a file from its account on: the same wherever the archive lies, or is copied to.
pub(super) fn object_key(key: &PartKey, name: &str) -> String {
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

/// Reads all sources, and seals their parts on a thread of its own, so that reading waits for no commit.
fn sealed<'s>(sealer: Sealer<'s>, options: &usage::Options, progress: &Progress) -> Result<Sealer<'s>, Error> {
    let sources = sealer.sources;
    let (give, given) = sync_channel(READ_AHEAD);
    thread::scope(|scope| {
        let sealing = thread::Builder::new()
            .spawn_scoped(scope, move || sealer.seal_all(given))
            .map_err(|error| usage::Error::Threads {
                threads: 1,
                why: error.to_string(),
            })?;
        let read = collect_parts(sources, options, progress, &|part| match give.send(part) {
            Ok(()) => ControlFlow::Continue(()),
            // Sealing has failed, and says why below.
            Err(SendError(_)) => ControlFlow::Break(()),
        });
        drop(give);
        let sealer = sealing.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        read?;
        Ok(sealer)
    })
}

/// Puts parts in their places.
struct Sealer<'s> {
    /// All that are read.
    sources: &'s [&'s Source],
    /// For each of them.
    whole: Vec<Whole>,
    writer: Writer,
    /// Parts that are not sealed yet.
    reading: BTreeMap<PartKey, Reading>,
    /// What the digests that were read name.
    named: NamedFiles,
    summary: Summary,
    /// Keep names of sessions.
    identities: bool,
    /// Bytes that may wait for a commit.
    most: usize,
    /// Bytes of logs since the last commit.
    uncommitted: u64,
}

impl Sealer<'_> {
    fn seal_all(mut self, parts: Receiver<usage::collect::Part>) -> Result<Self, Error> {
        for part in parts {
            self.seal(part)?;
        }
        Ok(self)
    }

    /// Puts a part that was read in its place. One of which not every file could be read stands with the rest, and says
    /// how many it lacks: the next run completes it.
    fn seal(&mut self, mut part: usage::collect::Part) -> Result<(), Error> {
        self.named.merge(std::mem::take(&mut part.coverage.named_files));
        let key = part.key;
        let reading = self.reading.remove(&key).unwrap_or_default();
        let (files, bytes, records) = (part.files.len() as u64, part.coverage.bytes, part.coverage.records);
        let all = reading.files;
        let mut unread: BTreeSet<usize> = all.iter().copied().collect();
        let mut objects: Vec<Object> = Vec::with_capacity(part.files.len());
        for file in &part.files {
            unread.remove(&file.source);
            let name = self.sources[file.source].name();
            objects.push(Object {
                key: if self.whole[file.source] {
                    name
                } else {
                    object_key(&key, &name)
                },
                bytes: file.bytes,
                digest: short(&file.digest),
                // As it was found, so that what changed while it was read is read again.
                stamp: self.sources[file.source].stamp().unwrap_or_default(),
            });
        }
        let lost = reading.known.iter().find(|before| {
            let is_it = |object: &Object| object.key == before.key || object.digest == before.digest;
            !reading.adds && !objects.iter().any(is_it)
        });
        let lacking = unread.len() as u64;
        let given: BTreeSet<String> = all
            .iter()
            .map(|at| object_key(&key, &self.sources[*at].name()))
            .collect();
        let unread: BTreeSet<String> = unread.into_iter().map(|at| self.sources[at].name()).collect();
        let Sealer { writer, summary, .. } = self;
        summary.unread.extend(why_unread(&part.coverage, unread));
        if let Some(lost) = lost {
            let why = format!("{}: `{}` cannot be read any more", name(&key), lost.key);
            summary.refused.push(why);
            return Ok(());
        }
        let callers: Vec<Arc<str>> = (part.table.signatures.iter())
            .map(|seen| Arc::clone(&seen.signature.caller.id))
            .collect();
        let ids = writer.meet(&key.account, part.table.signatures);
        let counted = Counted {
            rows: part.table.rows,
            behind: part.table.behind,
            sessions: part.table.sessions,
            ids: &ids,
            callers: &callers,
        };
        let mut made = Part::of(counted, part.coverage, objects, self.identities);
        made.unread = lacking;
        if reading.stands
            && let Some(mut before) = writer.part(&key)?
        {
            // What was given now was read, or is lost anew; what was lost before and is not here stays so, and what is no
            // more what was delivered as long as it is the same.
            let is_same = |file: &str| {
                let mut known = reading.known.iter().filter(|object| object.key == file);
                known.any(|before| {
                    let mut now = made.objects.iter();
                    now.any(|object| object.key == before.key && object.digest == before.digest)
                })
            };
            before.coverage.found(&|file, loss| {
                let known = object_key(&key, file);
                let is_read = given.contains(&known) && !(loss.why == CHANGED && is_same(&known));
                is_read || mend::is_made_good(file, given.len())
            });
            if reading.adds {
                before.unread = before.unread.saturating_sub(files);
                made.add(before);
            } else {
                made.coverage.lost.extend(before.coverage.lost);
            }
        }
        writer.put(&key, made);
        summary.parts_read += 1;
        summary.files_read += files;
        summary.bytes_read += bytes;
        summary.records += records;
        self.uncommitted += bytes;
        if self.uncommitted > COMMIT || writer.waiting() > self.most {
            self.uncommitted = 0;
            writer.commit(false)?;
        }
        Ok(())
    }
}

/// Files of a part that could not be read, by their names, and why.
fn why_unread(coverage: &Coverage, files: BTreeSet<String>) -> Vec<Unread> {
    if files.is_empty() {
        return Vec::new();
    }
    let skipped = coverage.skipped().into_iter();
    let reasons: HashMap<String, String> = skipped.map(|(what, why, _)| (what, why)).collect();
    let unread = files.into_iter().map(|name| Unread {
        why: reasons.get(&name).cloned().unwrap_or_default(),
        name,
        again: false,
    });
    unread.collect()
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
            writer.put(&key, part);
            writer.shrinks(&key.account);
        }
    }
    Ok(())
}
