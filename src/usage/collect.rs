//! Sources to table and coverage, on all cores.
//!
//! Files are read part by part (account and delivery date). Each thread counts into a shard of its own; the shards of a
//! part merge in pairs, as threads are done with it. What comes out depends on the records alone: not on threads, file
//! order or compression.

mod file;

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};

use super::batches::{Claim, batches};
use super::builder::Builder;
use super::damage::Damage;
use super::duplicates::{self, Contents, Digest, Fingerprints, Met, Spare, Turn, lock};
use super::exclude::ExcludeRule;
use super::filter::Filter;
use super::hashed::Hashed;
use super::memory::Memory;
use super::shard::Shard;
use super::table::Table;
use super::texts::position;
use super::{named, outlier};
use crate::coverage::Coverage;
use crate::decode::{self, Item, Limits};
use crate::progress::Progress;
use crate::source::{self, Holds, Source};

pub(super) use file::FileFacts;

/// Files up to this size are read whole, which is fastest; larger ones are streamed.
pub(super) const WHOLE_FILE: u64 = 256 << 20;
/// Why nothing could be collected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system gave no threads.
    #[error("cannot start {threads} threads: {why}")]
    Threads {
        /// How many were wanted.
        threads: usize,
        /// What the system said.
        why: String,
    },
}

/// How to collect.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which events count.
    pub filter: Filter,
    /// What a file may cost.
    pub limits: Limits,
    /// Threads; 0 for one a core.
    pub threads: usize,
    /// The last second that an event can bear: later ones are set aside. The clock is read by whoever asks.
    pub latest: Option<i64>,
    /// Whose events count for the coverage alone.
    pub exclude: Vec<ExcludeRule>,
}

/// One account and delivery date: what is read, sealed and merged as one; see [`Source::part`]. Both are empty for
/// files whose names do not follow AWS's layout. Sorts by date.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PartKey {
    /// Delivery date, `2026-07-01`.
    pub date: String,
    /// Twelve digits.
    pub account: String,
}

impl PartKey {
    /// The part that a source belongs to.
    pub fn of(source: &Source) -> PartKey {
        let (account, date) = source.part();
        PartKey { date, account }
    }
}

/// One file whose bytes were read to their end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileRead {
    /// Place of its source among those that were given.
    pub source: usize,
    /// Bytes, as they lie.
    pub bytes: u64,
    /// SHA-256 of those bytes.
    pub digest: [u8; 32],
}

/// What the files of one account and delivery date hold; equal for equal files, on any number of threads.
///
/// Parts add up: [`Table::merge`] and [`Coverage::merge`] of all parts, in any order, are what [`collect`] gives.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// Which part.
    pub key: PartKey,
    /// Its calls. Sessions are not joined yet: the call that opened one may stand in another part.
    pub table: Table,
    /// What was read and skipped.
    pub coverage: Coverage,
    /// The files that were read, in the order in which they were given. One that could not be opened or read is told in the coverage alone;
    /// one that holds the same bytes as another is listed, and its records count as duplicates.
    pub files: Vec<FileRead>,
}

/// Reads all sources into one table, its sessions joined.
///
/// # Errors
/// Only where the system gives no threads; damaged input is a fact in the coverage.
pub fn collect(sources: &[Source], options: &Options, progress: &Progress) -> Result<(Table, Coverage), Error> {
    let total: Mutex<(Builder, Coverage)> = Mutex::default();
    let each: Vec<&Source> = sources.iter().collect();
    run(&each, options, progress, Seal::Whole, &|counted| {
        *lock(&total) = (counted.builder, counted.coverage);
        (ControlFlow::Continue(()), Builder::default())
    })?;
    progress.stage("merging");
    let (mut builder, mut coverage) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut table = builder.finish();
    drop(builder);
    table.join_sessions();
    outlier::settle(&mut table, &mut coverage, false);
    named::settle(&mut coverage, sources, &options.filter);
    Ok((table, coverage))
}

/// Reads all sources and hands out each part as soon as its last file is read, so that memory does not grow with the
/// number of parts. Parts come about in the order of their dates, from several threads. With `Break`, no further file
/// is begun; parts whose files are all read still come.
///
/// # Errors
/// Only where the system gives no threads; damaged input is a fact in the coverage.
pub fn collect_parts(
    sources: &[impl Borrow<Source>],
    options: &Options,
    progress: &Progress,
    take: &(dyn Fn(Part) -> ControlFlow<()> + Sync),
) -> Result<(), Error> {
    let sources: Vec<&Source> = sources.iter().map(Borrow::borrow).collect();
    run(&sources, options, progress, Seal::Parts, &|counted| {
        let Counted {
            key,
            mut builder,
            coverage,
            mut files,
        } = counted;
        files.sort_unstable();
        let taken = take(Part {
            key,
            table: builder.finish(),
            coverage,
            files,
        });
        (taken, builder)
    })
}

/// Takes a part; gives an empty builder back, which is used again.
type Take<'t> = dyn Fn(Counted) -> (ControlFlow<()>, Builder) + Sync + 't;

/// What is counted together and handed out as one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seal {
    /// Everything: no thread counts a string anew because another day has begun.
    Whole,
    /// Each part.
    Parts,
}

impl Seal {
    /// The place of the part that a file belongs to.
    fn part_of(self, claim: &Claim) -> usize {
        match self {
            Seal::Whole => 0,
            Seal::Parts => claim.day as usize,
        }
    }
}

/// A part whose strings are still numbers.
struct Counted {
    key: PartKey,
    builder: Builder,
    coverage: Coverage,
    files: Vec<FileRead>,
}

fn run(sources: &[&Source], options: &Options, progress: &Progress, seal: Seal, take: &Take<'_>) -> Result<(), Error> {
    let (days, mut order) = days_of(sources);
    // A day's files together, so that it is done with soon; the largest first, so that no thread ends with a giant.
    order.sort_unstable_by_key(|claim| {
        let bytes = sources[claim.source as usize].bytes();
        (claim.day, Reverse(bytes), claim.source)
    });
    let mut parts: Vec<(PartKey, Mutex<OpenPart>)> = match seal {
        Seal::Whole => vec![Default::default()],
        Seal::Parts => days.iter().map(|day| (day.clone(), Mutex::default())).collect(),
    };
    let mut days: Vec<(PartKey, Mutex<OpenDay>)> = days.into_iter().map(|day| (day, Mutex::default())).collect();
    for claim in &order {
        unlocked(&mut parts[seal.part_of(claim)].1).files += 1;
        unlocked(&mut days[claim.day as usize].1).left += 1;
    }
    source::expect(order.iter().map(|claim| sources[claim.source as usize]));
    progress.expect(sources.len(), sources.iter().map(|source| source.bytes()).sum());

    let threads = if options.threads == 0 {
        rayon::current_num_threads()
    } else {
        options.threads
    };
    let threads = threads.clamp(1, sources.len().max(1));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::Threads {
            threads,
            why: error.to_string(),
        })?;
    let run = Run {
        sources,
        options,
        progress,
        batches: batches(sources, &order, threads),
        order,
        seal,
        next: AtomicUsize::new(0),
        parts,
        days,
        contents: Contents::of_files(sources.len()),
        spare: Spare::default(),
        hashes: sources.iter().any(|source| source.is_named_like_a_digest()),
        wholes: OnceLock::new(),
        take,
    };
    pool.broadcast(|_| run.work());
    Ok(())
}

/// The parts that the sources belong to, in their order, and each source with its own.
fn days_of(sources: &[&Source]) -> (Vec<PartKey>, Vec<Claim>) {
    let mut numbers: BTreeMap<PartKey, u32> = BTreeMap::new();
    let mut order: Vec<Claim> = Vec::with_capacity(sources.len());
    for (source, place) in sources.iter().zip(0..) {
        let next = position(numbers.len());
        let day = *numbers.entry(PartKey::of(source)).or_insert(next);
        order.push(Claim { day, source: place });
    }
    // So far they are numbered as they came.
    let mut places = vec![0; numbers.len()];
    for (number, place) in numbers.values().zip(0..) {
        places[*number as usize] = place;
    }
    for claim in &mut order {
        claim.day = places[claim.day as usize];
    }
    (numbers.into_keys().collect(), order)
}

/// What nobody else has yet.
fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// What the threads of one run share.
struct Run<'a> {
    sources: &'a [&'a Source],
    options: &'a Options,
    progress: &'a Progress,
    /// Sorted by day.
    order: Vec<Claim>,
    seal: Seal,
    /// Ranges of the order, and how many are taken.
    batches: Vec<Range<usize>>,
    next: AtomicUsize,
    parts: Vec<(PartKey, Mutex<OpenPart>)>,
    days: Vec<(PartKey, Mutex<OpenDay>)>,
    contents: Contents,
    spare: Spare,
    /// Whether digests are among them, with which the log files are to be compared.
    hashes: bool,
    /// Of the sources those of which another one is a part or a copy by its name; found when one is damaged.
    wholes: OnceLock<HashSet<String>>,
    take: &'a Take<'a>,
}

/// An account and delivery date with files that are not read yet.
#[derive(Default)]
struct OpenDay {
    left: usize,
    /// Events that were met before.
    duplicates: u64,
    /// `None` before its first file and behind its last.
    fingerprints: Option<Arc<Fingerprints>>,
}

/// A part that still has files to read.
#[derive(Default)]
struct OpenPart {
    /// How many it has in all.
    files: usize,
    /// From threads that have gone on to another part.
    counted: Option<Shard>,
}

/// A file whose turn has come.
struct Opened<'r> {
    facts: FileFacts,
    /// `None` where there is nothing to read.
    content: Option<(Content, Turn<'r>)>,
}

/// What is to be read of a file.
enum Content {
    /// What lies in [`Worker::files`].
    Whole,
    Stream(Box<dyn Read + Send>),
}

impl Run<'_> {
    /// One thread: takes batches in order, and hands its shard of a part in when it goes on to the next.
    fn work(&self) {
        let mut worker = Worker::default();
        worker.reader.hashes = self.hashes;
        let mut current: Option<(Claim, Shard)> = None;
        loop {
            let batch = self.batches.get(self.next.fetch_add(1, Ordering::Relaxed));
            let places = batch.cloned().unwrap_or_default();
            let begun = self.order.get(places.start).filter(|_| batch.is_some());
            worker.files.resize_with(worker.files.len().max(places.len()), Vec::new);
            // The files take their turns before the last part is added up, so that no other thread waits for that.
            let opened: Vec<Opened<'_>> = places
                .clone()
                .zip(&mut worker.files)
                .map(|(place, bytes)| self.open(place, bytes))
                .collect();
            let part_of = |claim: &Claim| self.seal.part_of(claim);
            let part_done = |(last, _): &mut (Claim, Shard)| begun.is_none_or(|next| part_of(next) != part_of(last));
            if let Some((last, shard)) = current.take_if(part_done)
                && self.hand_in(part_of(&last), shard, &mut worker.builder).is_break()
            {
                return;
            }
            let Some(claim) = begun else { return };
            let (last, shard) = current.get_or_insert_with(|| {
                worker.shards += 1;
                let fingerprints = self.fingerprints(claim.day);
                let builder = std::mem::take(&mut worker.builder);
                (*claim, Shard::new(worker.shards, builder, fingerprints))
            });
            if last.day != claim.day {
                let before = std::mem::replace(&mut shard.fingerprints, self.fingerprints(claim.day));
                self.spare.give_back(before);
            }
            *last = *claim;
            for (number, opened) in opened.into_iter().enumerate() {
                let source = opened.facts.source;
                let facts = self.read(opened, number, shard, &mut worker);
                self.note(facts, shard);
                self.progress.advance(self.sources[source].bytes());
            }
            let mut day = lock(&self.days[claim.day as usize].1);
            day.left -= places.len();
            day.duplicates += std::mem::take(&mut shard.duplicates);
            if day.left == 0 {
                // No other file may hold the same events.
                day.fingerprints = None;
            }
        }
    }

    /// The events of a day that were met so far.
    fn fingerprints(&self, day: u32) -> Arc<Fingerprints> {
        let mut day = lock(&self.days[day as usize].1);
        Arc::clone(day.fingerprints.get_or_insert_with(|| self.spare.take()))
    }

    /// Breaks where the one who takes the parts wants no more. Leaves an empty builder where the part is done.
    ///
    /// Whoever finds a shard takes it, merges both and looks again, so that shards merge in pairs, on many threads at once.
    fn hand_in(&self, part: usize, mut shard: Shard, empty: &mut Builder) -> ControlFlow<()> {
        self.spare.give_back(std::mem::take(&mut shard.fingerprints));
        let mut open = lock(&self.parts[part].1);
        while let Some(other) = open.counted.take() {
            drop(open);
            shard = shard.merge(other);
            open = lock(&self.parts[part].1);
        }
        if shard.done < open.files {
            open.counted = Some(shard);
            return ControlFlow::Continue(());
        }
        drop(open);
        let (taken, builder) = (self.take)(self.finish(part, shard));
        *empty = builder;
        if taken.is_break() {
            self.next.fetch_max(self.batches.len(), Ordering::Relaxed);
        }
        taken
    }

    /// Takes a file's turn; one that is read whole then lies in `bytes`.
    fn open(&self, place: usize, bytes: &mut Vec<u8>) -> Opened<'_> {
        let index = self.order[place].source as usize;
        let source = self.sources[index];
        let mut turn = self.contents.turn(place);
        let mut facts = FileFacts {
            source: index,
            bytes: source.bytes(),
            digest: None,
            hash: None,
            same_as: None,
            skipped: Vec::new(),
            damage: Damage::default(),
        };
        let mut stream = match source.open() {
            Ok(stream) => stream,
            Err(error) => {
                facts.fails(format!("cannot be opened: {error}"));
                return Opened { facts, content: None };
            }
        };
        if !source.is_at_most(WHOLE_FILE) {
            turn.pass();
            let content = Some((Content::Stream(stream), turn));
            return Opened { facts, content };
        }
        bytes.clear();
        if let Err(error) = stream.read_to_end(bytes) {
            facts.fails(format!("cannot be read: {error}"));
            return Opened { facts, content: None };
        }
        let told = source.changed().map(|why| (String::new(), why, 0));
        facts.skipped.extend(told);
        let digest: Digest = Sha256::digest(&*bytes).into();
        facts.digest = Some(digest);
        let first = turn.register(digest);
        if first != place {
            facts.same_as = Some(first);
            return Opened { facts, content: None };
        }
        let content = Some((Content::Whole, turn));
        Opened { facts, content }
    }

    /// Counts a file, which is this one of the worker's batch.
    fn read(&self, opened: Opened<'_>, number: usize, shard: &mut Shard, worker: &mut Worker) -> FileFacts {
        let Opened { mut facts, content } = opened;
        let Some((content, turn)) = content else {
            return facts;
        };
        let mut skipped = Vec::new();
        let mut damage = Damage::default();
        let is_named = self.sources[facts.source].holds() != Holds::Unknown;
        let mut sink = |item: Item<'_>| match item {
            Item::Event(event) => {
                if !(is_named && damage.has_met()) {
                    damage.met(event);
                }
                if event.region.as_deref().is_none_or(str::is_empty) {
                    damage.without_region();
                }
                if !self.options.filter.takes(event) {
                    shard.coverage.events_filtered_out += event.calls();
                } else if let Some(why) = outlier::why(event, self.options.latest) {
                    let file = self.sources[facts.source].name();
                    shard.coverage.skip(&file, &outlier::name(event), why, event.calls());
                } else {
                    let memory = &mut worker.memory;
                    let who = event
                        .identity
                        .as_ref()
                        .map(|identity| memory.callers.of(identity).print);
                    match shard.fingerprints.met(event, who) {
                        Met::Again => return shard.duplicates += event.calls(),
                        Met::IdOnly => shard.coverage.events_sharing_id += 1,
                        Met::New => {}
                    }
                    shard.event(event, &self.options.exclude, memory);
                }
            }
            Item::Digest(digest) => named::note(&mut shard.coverage, &self.options.filter, &digest),
            Item::NotCalls { why, records } => {
                damage.beside(why);
                shard.coverage.records += records;
                shard.coverage.events_not_calls += records;
            }
            Item::Skipped { what, why, records } => {
                damage.skipped(why, records);
                skipped.push((what, why.to_string(), records));
            }
        };
        let limits = &self.options.limits;
        let read = match content {
            Content::Whole => worker.reader.read_slice(&worker.files[number], limits, &mut sink),
            Content::Stream(stream) => {
                let mut hashed = Hashed::new(stream);
                let read = worker.reader.read(&mut hashed, limits, &mut sink);
                let digest = hashed.finish();
                if let Err(why) = &digest {
                    let why = format!("cannot be read to its end: {why}");
                    damage.ends(&why);
                    skipped.push((String::new(), why, 0));
                }
                facts.digest = digest.ok();
                read
            }
        };
        if facts.bytes == 0 {
            facts.bytes = read.bytes_in;
        }
        damage.read(read.records);
        facts.skipped.extend(skipped);
        facts.damage = damage.clone();
        facts.hash = read.hash;
        turn.read(duplicates::Content {
            records: read.records,
            damage,
            hash: read.hash,
        });
        facts
    }

    /// A part whose files are all read.
    fn finish(&self, part: usize, done: Shard) -> Counted {
        let mut coverage = done.coverage;
        for facts in done.copies {
            self.book_copy(facts, &mut coverage);
        }
        // A part is one day, or the only one holds them all.
        let days = if self.parts.len() == 1 {
            &self.days[..]
        } else {
            &self.days[part..=part]
        };
        for (PartKey { date, account }, day) in days {
            let duplicates = lock(day).duplicates;
            if duplicates > 0 {
                let what = if account.is_empty() {
                    "events".to_owned()
                } else {
                    format!("events of {account} delivered on {date}")
                };
                coverage.skip(&what, "", "duplicate: events that were met before", duplicates);
            }
        }
        Counted {
            key: self.parts[part].0.clone(),
            builder: done.builder,
            coverage,
            files: done.files,
        }
    }
}

/// What one thread keeps from file to file.
#[derive(Default)]
struct Worker {
    reader: decode::Reader,
    /// The files of a batch as they lie.
    files: Vec<Vec<u8>>,
    memory: Memory,
    /// Empty, for the next shard: what a part of this archive takes, it has already.
    builder: Builder,
    /// Shards begun.
    shards: u64,
}

#[cfg(test)]
mod tests;
