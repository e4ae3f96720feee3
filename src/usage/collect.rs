//! Sources to table and coverage, on all cores.
//!
//! Files are read part by part (account and delivery date). Each thread counts into a shard of its own; the shards of a
//! part merge once its last file is read. What comes out depends on the records alone: not on threads, file order or
//! compression.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::duplicates::{Contents, Digest, Fingerprints, lock};
use super::own;
use super::shapes::generalise;
use super::table::{Builder, Key, Table};
use crate::attribute::{Attribution, Principal, attribute, seed, session, workload_of};
use crate::catalog::{Catalog, Mapping};
use crate::coverage::{Class, Coverage, TRAIL_CHANGES, TrailChange};
use crate::decode::{self, Event, Identity, Item, Limits};
use crate::progress::Progress;
use crate::resolve::{self, Operation};
use crate::source::{self, Source};

/// Files up to this size are read whole, which is fastest; larger ones are streamed.
const WHOLE_FILE: u64 = 256 << 20;

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

/// Which events count; empty sets take all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// First second that counts.
    pub since: Option<i64>,
    /// First second that no longer counts.
    pub until: Option<i64>,
    /// Accounts that received the events.
    pub accounts: BTreeSet<String>,
    /// Regions.
    pub regions: BTreeSet<String>,
}

impl Filter {
    /// Whether the event counts.
    pub fn takes(&self, event: &Event<'_>) -> bool {
        let time = event.time.seconds();
        self.since.is_none_or(|since| since <= time)
            && self.until.is_none_or(|until| time < until)
            && (self.accounts.is_empty() || self.accounts.contains(account_of(event)))
            && (self.regions.is_empty() || self.regions.contains(event.region.as_deref().unwrap_or("")))
    }
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

/// One file whose bytes were read to their end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileRead {
    /// The source's name.
    pub name: String,
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
    /// The files that were read, sorted by name. One that could not be opened or read is told in the coverage alone;
    /// one that holds the same bytes as another is listed, and its records count as duplicates.
    pub files: Vec<FileRead>,
}

/// Reads all sources into one table, its sessions joined.
///
/// # Errors
/// Only where the system gives no threads; damaged input is a fact in the coverage.
pub fn collect(sources: &[Source], options: &Options, progress: &Progress) -> Result<(Table, Coverage), Error> {
    let total: Mutex<(Builder, Coverage)> = Mutex::default();
    run(sources, options, progress, &|counted| {
        let mut total = lock(&total);
        total.0.merge(counted.builder);
        total.1.merge(counted.coverage);
        ControlFlow::Continue(())
    })?;
    progress.stage("merging");
    let (builder, coverage) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut table = builder.finish();
    table.join_sessions();
    Ok((table, coverage))
}

/// Reads all sources and hands out each part as soon as its last file is read, so that memory does not grow with the
/// number of parts. Parts come about in the order of their dates. With `Break`, no further file is begun; parts whose
/// files are all read still come.
///
/// # Errors
/// Only where the system gives no threads; damaged input is a fact in the coverage.
pub fn collect_parts(
    sources: &[Source],
    options: &Options,
    progress: &Progress,
    take: &mut (dyn FnMut(Part) -> ControlFlow<()> + Send),
) -> Result<(), Error> {
    let take = Mutex::new(take);
    run(sources, options, progress, &|counted| {
        let Counted {
            key,
            builder,
            coverage,
            mut files,
        } = counted;
        files.sort_unstable();
        let part = Part {
            key,
            table: builder.finish(),
            coverage,
            files,
        };
        lock(&take)(part)
    })
}

/// A part whose strings are still numbers.
struct Counted {
    key: PartKey,
    builder: Builder,
    coverage: Coverage,
    files: Vec<FileRead>,
}

fn run(
    sources: &[Source],
    options: &Options,
    progress: &Progress,
    take: &(dyn Fn(Counted) -> ControlFlow<()> + Sync),
) -> Result<(), Error> {
    let mut keyed: Vec<(PartKey, usize)> = (0..sources.len()).map(|index| (key(&sources[index]), index)).collect();
    // A part's files together, so that it is done with soon; the largest first, so that no thread ends with a giant.
    keyed.sort_by(|(part_a, a), (part_b, b)| {
        let sizes = || sources[*b].bytes().cmp(&sources[*a].bytes());
        part_a.cmp(part_b).then_with(sizes).then(a.cmp(b))
    });
    let mut order = Vec::with_capacity(sources.len());
    let mut parts: Vec<(PartKey, Mutex<OpenPart>)> = Vec::new();
    for (key, index) in keyed {
        match parts.last_mut() {
            Some((last, open)) if *last == key => open.get_mut().unwrap_or_else(PoisonError::into_inner).left += 1,
            _ => parts.push((
                key,
                Mutex::new(OpenPart {
                    left: 1,
                    ..OpenPart::default()
                }),
            )),
        }
        order.push((index, parts.len() - 1));
    }
    source::expect(order.iter().map(|(index, _)| &sources[*index]));
    progress.expect(sources.len(), sources.iter().map(Source::bytes).sum());

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
        order,
        next: AtomicUsize::new(0),
        parts,
        contents: Contents::default(),
        take,
    };
    pool.broadcast(|_| run.work());
    Ok(())
}

fn key(source: &Source) -> PartKey {
    let (account, date) = source.part();
    PartKey { date, account }
}

/// What the threads of one run share.
struct Run<'a> {
    sources: &'a [Source],
    options: &'a Options,
    progress: &'a Progress,
    /// (source, part), sorted by part
    order: Vec<(usize, usize)>,
    next: AtomicUsize,
    parts: Vec<(PartKey, Mutex<OpenPart>)>,
    contents: Contents,
    take: &'a (dyn Fn(Counted) -> ControlFlow<()> + Sync),
}

/// A part that still has files to read.
#[derive(Default)]
struct OpenPart {
    /// Files that no shard below has counted.
    left: usize,
    fingerprints: Arc<Fingerprints>,
    /// From threads that have gone on to another part.
    shards: Vec<Shard>,
}

/// What became of one file.
struct FileFacts {
    source: usize,
    bytes: u64,
    /// `None` where it could not be read, or was streamed and failed.
    digest: Option<Digest>,
    /// The place in the run's order of the file that holds the same bytes.
    same_as: Option<usize>,
    /// (place, why, records)
    skipped: Vec<(String, String, u64)>,
}

impl Run<'_> {
    /// One thread: takes files in order, and hands its shard of a part in when it goes on to the next.
    fn work(&self) {
        let mut worker = Worker::default();
        let mut current: Option<(usize, Shard)> = None;
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let claimed = self.order.get(place);
            let part_done = |(part, _): &mut (usize, Shard)| claimed.is_none_or(|(_, next)| next != part);
            if let Some((part, shard)) = current.take_if(part_done) {
                self.hand_in(part, shard);
            }
            let Some((source, part)) = claimed else { return };
            let (_, shard) = current.get_or_insert_with(|| {
                let fingerprints = Arc::clone(&lock(&self.parts[*part].1).fingerprints);
                let shard = Shard {
                    fingerprints,
                    ..Shard::default()
                };
                (*part, shard)
            });
            let facts = self.file(place, *source, shard, &mut worker);
            shard.files.push(facts);
            self.progress.advance(self.sources[*source].bytes());
        }
    }

    fn hand_in(&self, part: usize, shard: Shard) {
        let (key, open) = &self.parts[part];
        let mut open = lock(open);
        open.left -= shard.files.len();
        open.shards.push(shard);
        if open.left > 0 {
            return;
        }
        let done = std::mem::take(&mut *open);
        drop(open);
        if (self.take)(self.finish(key, done)).is_break() {
            self.next.fetch_max(self.order.len(), Ordering::Relaxed);
        }
    }

    fn file(&self, place: usize, index: usize, shard: &mut Shard, worker: &mut Worker) -> FileFacts {
        let source = &self.sources[index];
        let mut turn = self.contents.turn(place);
        let mut facts = FileFacts {
            source: index,
            bytes: source.bytes(),
            digest: None,
            same_as: None,
            skipped: Vec::new(),
        };
        let unread = |facts: FileFacts, why: String| FileFacts {
            skipped: vec![(String::new(), why, 0)],
            ..facts
        };
        let mut stream = match source.open() {
            Ok(stream) => stream,
            Err(error) => return unread(facts, format!("cannot be opened: {error}")),
        };
        let whole = source.is_at_most(WHOLE_FILE);
        if whole {
            worker.bytes.clear();
            if let Err(error) = stream.read_to_end(&mut worker.bytes) {
                return unread(facts, format!("cannot be read: {error}"));
            }
            let digest: Digest = Sha256::digest(&worker.bytes).into();
            facts.digest = Some(digest);
            let first = turn.register(digest);
            if first != place {
                facts.same_as = Some(first);
                return facts;
            }
        }
        let mut skipped = Vec::new();
        let mut sink = |item: Item<'_>| match item {
            Item::Event(event) => {
                if !self.options.filter.takes(&event) {
                    shard.coverage.events_filtered_out += 1;
                } else if own::is_ours(&event) {
                    shard.coverage.events_own += 1;
                } else if shard.fingerprints.met(&event) {
                    shard.duplicates += 1;
                } else {
                    shard.event(&event, &mut worker.operations);
                }
            }
            Item::Digest(digest) => self.note_digest(&mut shard.coverage, &digest),
            Item::NotCalls { why: _, records } => {
                shard.coverage.records += records;
                shard.coverage.events_not_calls += records;
            }
            Item::Skipped { what, why, records } => skipped.push((what, why.to_string(), records)),
        };
        let limits = &self.options.limits;
        let read = if whole {
            worker.reader.read_slice(&worker.bytes, limits, &mut sink)
        } else {
            let mut hashed = Hashed::new(stream);
            let read = worker.reader.read(&mut hashed, limits, &mut sink);
            let digest = hashed.finish();
            if let Err(why) = &digest {
                skipped.push((String::new(), format!("cannot be read to its end: {why}"), 0));
            }
            facts.digest = digest.ok();
            read
        };
        if source.bytes() == 0 {
            facts.bytes = read.bytes_in;
        }
        facts.skipped = skipped;
        turn.read(read.records);
        facts
    }

    /// A digest answers for the accounts and regions that are asked for, as events do.
    fn note_digest(&self, coverage: &mut Coverage, digest: &decode::Digest) {
        let filter = &self.options.filter;
        let asked = (filter.accounts.is_empty() || filter.accounts.contains(&digest.account))
            && (filter.regions.is_empty() || filter.regions.contains(&digest.region));
        if asked {
            let key = (digest.account.clone(), digest.region.clone(), digest.trail.clone());
            let facts = coverage.digests.entry(key).or_default();
            facts.proved.add(digest.start);
            digest.named.iter().for_each(|time| facts.named.add(*time));
        }
    }

    /// Adds up what the threads counted of a part, and books its files.
    fn finish(&self, key: &PartKey, done: OpenPart) -> Counted {
        let mut counted = Counted {
            key: key.clone(),
            builder: Builder::default(),
            coverage: Coverage::default(),
            files: Vec::new(),
        };
        let coverage = &mut counted.coverage;
        let mut duplicates = 0;
        for shard in done.shards {
            counted.builder.merge(shard.builder);
            coverage.merge(shard.coverage);
            duplicates += shard.duplicates;
            for facts in shard.files {
                let name = self.sources[facts.source].name();
                coverage.files += 1;
                coverage.bytes += facts.bytes;
                for (place, why, records) in facts.skipped {
                    coverage.skip(&name, &place, &why, records);
                }
                let Some(digest) = facts.digest else { continue };
                if let Some(first) = facts.same_as {
                    let first = self.sources[self.order[first].0].name();
                    let why = format!("duplicate: the same bytes as {first}");
                    coverage.skip(&name, "", &why, self.contents.records(&digest));
                }
                counted.files.push(FileRead {
                    name,
                    bytes: facts.bytes,
                    digest,
                });
            }
        }
        if duplicates > 0 {
            let PartKey { date, account } = key;
            let what = if account.is_empty() {
                "events".to_owned()
            } else {
                format!("events of {account} delivered on {date}")
            };
            coverage.skip(&what, "", "duplicate: event ids that were met before", duplicates);
        }
        counted
    }
}

/// A stream whose bytes are hashed as they pass.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    /// How reading ended.
    ended: Option<Result<(), String>>,
}

impl<R: Read> Hashed<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            ended: None,
        }
    }

    /// The digest, if the stream was read to its end, and else why not.
    fn finish(mut self) -> Result<Digest, String> {
        // What nobody wanted to look at belongs to the file all the same.
        if self.ended.is_none() {
            let _ = io::copy(&mut self, &mut io::sink());
        }
        self.ended.unwrap_or(Ok(())).map(|()| self.hash.finalize().into())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        match &read {
            Ok(0) if !buffer.is_empty() => self.ended = Some(Ok(())),
            Ok(read) => self.hash.update(&buffer[..*read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.ended = Some(Err(error.to_string())),
        }
        read
    }
}

/// What one thread keeps from file to file.
#[derive(Default)]
struct Worker {
    reader: decode::Reader,
    /// The file as it lies.
    bytes: Vec<u8>,
    /// By source, then by name.
    operations: HashMap<String, HashMap<String, Operation>>,
}

/// What one thread has counted of one part.
#[derive(Default)]
struct Shard {
    builder: Builder,
    coverage: Coverage,
    fingerprints: Arc<Fingerprints>,
    duplicates: u64,
    files: Vec<FileFacts>,
}

impl Shard {
    fn event(&mut self, event: &Event<'_>, operations: &mut HashMap<String, HashMap<String, Operation>>) {
        let catalog = Catalog::embedded();
        self.coverage.records += 1;
        let operations = match operations.get_mut(&*event.source) {
            Some(operations) => operations,
            None => operations.entry(event.source.to_string()).or_default(),
        };
        if !operations.contains_key(&*event.name) {
            operations.insert(
                event.name.to_string(),
                Operation::of(catalog, &event.source, &event.name),
            );
        }
        let operation = &operations[&*event.name];
        note_coverage(&mut self.coverage, event, operation);

        if let Some(seed) = seed(event) {
            let role = self.builder.text(&seed.session.role_id);
            let key = self.builder.text(&seed.session.access_key_id);
            self.builder
                .sessions
                .entry((role, key))
                .or_default()
                .opened
                .insert(seed.workload);
        }
        let principal = match attribute(event) {
            Attribution::NotACall(_) => {
                self.coverage.events_not_calls += 1;
                return;
            }
            Attribution::Nobody => {
                self.coverage.events_unattributed += 1;
                return;
            }
            Attribution::Principal(principal) => principal,
        };
        match &operation.mapping {
            Mapping::NoPermission { .. } => self.coverage.events_not_calls += 1,
            Mapping::Unmapped { .. } => self.coverage.events_unmapped += 1,
            Mapping::Actions(_) => self.coverage.events_used += 1,
        }
        let verdict = resolve::outcome(event);
        let facts = resolve::observe(event, operation);
        if let Some(action) = &verdict.denied_action
            && operation.disagrees(catalog, action)
        {
            let line = format!("{} {}: {action}", event.source, event.name);
            self.coverage.mapping_disagreements.insert(line);
        }
        count(&mut self.builder, event, &principal, &verdict, &facts);
    }
}

/// Adds the call to its row and its session.
fn count(
    builder: &mut Builder,
    event: &Event<'_>,
    principal: &Principal<'_>,
    verdict: &resolve::Verdict,
    observed: &resolve::Observed,
) {
    let time = event.time.seconds();
    let texts = [
        &*principal.arn,
        &*principal.id,
        &*principal.account,
        account_of(event),
        event.region.as_deref().unwrap_or(""),
        &*event.source,
        &*event.name,
        event.error_code.as_deref().unwrap_or(""),
        verdict.denied_action.as_deref().unwrap_or(""),
    ];
    let key = Key {
        kind: principal.kind,
        texts: texts.map(|text| builder.text(text)),
        facts: builder.facts(&observed.facts),
    };
    let signature = builder.signature(key, time, event.id.as_deref().unwrap_or(""));
    let day = i32::try_from(event.time.days()).unwrap_or(i32::MAX);
    let shapes: Vec<String> = observed.resources.iter().map(|arn| generalise(arn)).collect();
    builder.count(signature, day, 1, shapes.iter().map(String::as_str));

    if let Some(session) = session(event) {
        let role = builder.text(&session.role_id);
        let key = builder.text(&session.access_key_id);
        let calls = builder.sessions.entry((role, key)).or_default();
        calls.calls += 1;
        calls.shown = calls.shown.take().into_iter().chain(workload_of(event)).min();
    }
}

/// The account that received the event.
fn account_of<'e>(event: &'e Event<'_>) -> &'e str {
    event
        .recipient_account_id
        .as_deref()
        .or_else(|| event.identity.as_ref()?.account_id.as_deref())
        .unwrap_or("")
}

/// What this event proves of the archive itself, whoever made it.
fn note_coverage(coverage: &mut Coverage, event: &Event<'_>, operation: &Operation) {
    let time = event.time.seconds();
    coverage.at(time);
    let (account, region) = (account_of(event), event.region.as_deref().unwrap_or(""));
    let is_data = match (event.event_category.as_deref(), event.management_event) {
        (Some("Data"), _) | (_, Some(false)) => true,
        (Some(_), _) | (_, Some(true)) => false,
        // Before 1.06 no field tells; the operation does.
        (None, None) => operation.data_type.is_some(),
    };
    let reads = event.read_only.unwrap_or(operation.reads);
    let class = if is_data {
        let roots = resolve::data_roots(event, operation);
        for (resource_type, root) in &roots {
            coverage.data_root(account, region, resource_type, root, reads, time);
        }
        match roots.into_iter().next() {
            Some((resource_type, _)) => Class::Data(resource_type),
            None => Class::Data(operation.data_type.clone().unwrap_or_default()),
        }
    } else if reads {
        Class::ManagementRead
    } else {
        Class::ManagementWrite
    };
    let key = (account.to_owned(), region.to_owned(), class);
    coverage.streams.entry(key).or_default().add(time);
    if matches!(&*event.source, "kms.amazonaws.com" | "rdsdata.amazonaws.com") {
        coverage
            .excludable_sources
            .entry((account.to_owned(), region.to_owned(), event.source.to_string()))
            .or_default()
            .add(time);
    }
    if event.source == "cloudtrail.amazonaws.com" && event.error_code.is_none() && TRAIL_CHANGES.contains(&&*event.name)
    {
        coverage.trail_change(TrailChange::read(
            time,
            account,
            region,
            &event.name,
            event.request_parameters.json(),
            event.response_elements.json(),
        ));
    }
    if let Some(identity) = &event.identity {
        note_clients(coverage, event, identity, time);
    }
}

/// Long-term keys, and the clients of roles that instances hold.
fn note_clients(coverage: &mut Coverage, event: &Event<'_>, identity: &Identity<'_>, time: i64) {
    let owner = identity.arn.as_deref().unwrap_or("");
    // Temporary keys start with ASIA (IAM user guide, "Understanding unique ID prefixes").
    if let Some(key) = identity.access_key_id.as_deref().filter(|key| key.starts_with("AKIA")) {
        coverage.access_key(key, owner, time);
    }
    // An instance's session has the instance's id for a name (IAM user guide, "Policy variables").
    let (role, session) = identity
        .principal_id
        .as_deref()
        .and_then(|id| id.split_once(':'))
        .unwrap_or(("", ""));
    if role.starts_with("AROA") && (session.starts_with("i-") || identity.ec2_role_delivery.is_some()) {
        coverage.instance_client(role, client(event.user_agent.as_deref().unwrap_or("")), time);
    }
}

/// The name of the program that a user agent starts with: `aws-cli` of `aws-cli/2.1 Python/3.9`.
fn client(user_agent: &str) -> &str {
    let end = user_agent.find(['/', ' ', '(', ';', ',']).unwrap_or(user_agent.len());
    let end = user_agent.floor_char_boundary(end.min(64));
    user_agent[..end].trim_start_matches('[')
}

#[cfg(test)]
mod tests;
