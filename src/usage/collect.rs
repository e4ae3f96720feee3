//! Sources to table and coverage, on all cores.
//!
//! Each thread counts into a shard of its own; the shards merge at the end. What comes out depends on the records
//! alone: not on threads, file order or compression.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::duplicates::{Contents, PartKey, Parts};
use super::shapes::generalise;
use super::table::{Builder, Key, Table};
use crate::attribute::{Attribution, Principal, attribute, seed, session, workload_of};
use crate::catalog::{Catalog, Mapping};
use crate::coverage::{Class, Coverage, TrailChange};
use crate::decode::{self, Event, Item, Limits};
use crate::progress::Progress;
use crate::resolve::{self, Operation};
use crate::source::Source;

/// Files up to this size are read whole, which is fastest; larger ones are streamed.
const WHOLE_FILE: u64 = 256 << 20;

/// Calls that change what a trail logs (CloudTrail API reference).
const TRAIL_CHANGES: [&str; 8] = [
    "CreateTrail",
    "DeleteTrail",
    "PutEventSelectors",
    "StartLogging",
    "StopLogging",
    "UpdateTrail",
    "PutInsightSelectors",
    "PutResourcePolicy",
];

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

/// Reads all sources.
///
/// # Errors
/// Only where the system gives no threads; damaged input is a fact in the coverage.
pub fn collect(sources: &[Source], options: &Options, progress: &Progress) -> Result<(Table, Coverage), Error> {
    let mut order: Vec<(usize, PartKey)> = (0..sources.len()).map(|index| (index, sources[index].part())).collect();
    // A part's files together, so that its fingerprints go soon; the largest first, so that no thread ends with a giant.
    order.sort_by(|(a, part_a), (b, part_b)| {
        let sizes = sources[*b].bytes().cmp(&sources[*a].bytes());
        (&part_a.1, &part_a.0)
            .cmp(&(&part_b.1, &part_b.0))
            .then(sizes)
            .then(a.cmp(b))
    });
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
        parts: Parts::new(sources),
        contents: Contents::default(),
        files: Mutex::default(),
    };
    let shards = pool.broadcast(|_| run.work());

    progress.stage("merging");
    let mut builder = Builder::default();
    let mut coverage = Coverage::default();
    for shard in shards {
        builder.merge(shard.builder);
        coverage.merge(shard.coverage);
    }
    run.finish(&mut coverage);
    Ok((builder.finish(), coverage))
}

/// What the threads of one run share.
struct Run<'a> {
    sources: &'a [Source],
    options: &'a Options,
    progress: &'a Progress,
    order: Vec<(usize, PartKey)>,
    next: AtomicUsize,
    parts: Parts,
    contents: Contents,
    files: Mutex<HashMap<usize, FileFacts>>,
}

/// What became of one file.
#[derive(Default)]
struct FileFacts {
    bytes: u64,
    records: u64,
    /// (place, why, records)
    skipped: Vec<(String, String, u64)>,
}

impl Run<'_> {
    fn work(&self) -> Shard {
        let mut shard = Shard::default();
        let mut reader = decode::Reader::new();
        while let Some((index, part)) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let facts = self.file(*index, part, &mut shard, &mut reader);
            self.files
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*index, facts);
            self.parts.done(part);
            self.progress.advance(self.sources[*index].bytes());
        }
        shard
    }

    fn file(&self, index: usize, part: &PartKey, shard: &mut Shard, reader: &mut decode::Reader) -> FileFacts {
        let source = &self.sources[index];
        let mut facts = FileFacts {
            bytes: source.bytes(),
            ..FileFacts::default()
        };
        let mut stream = match source.open() {
            Ok(stream) => stream,
            Err(error) => {
                facts
                    .skipped
                    .push((String::new(), format!("cannot be opened: {error}"), 0));
                return facts;
            }
        };
        let fingerprints = self.parts.of(part);
        let mut duplicates = 0;
        let mut skipped = Vec::new();
        let mut sink = |item: Item<'_>| match item {
            Item::Event(event) => {
                if !self.options.filter.takes(&event) {
                    shard.coverage.events_filtered_out += 1;
                } else if fingerprints.met(&event) {
                    duplicates += 1;
                } else {
                    shard.event(&event);
                }
            }
            Item::NotCalls { why, records } => {
                shard.coverage.records += records;
                shard.coverage.events_not_calls += records;
                let _ = why;
            }
            Item::Skipped { what, why, records } => skipped.push((what, why.to_string(), records)),
        };
        let read = if matches!(source, Source::File { bytes, .. } if *bytes <= WHOLE_FILE) {
            let mut bytes = Vec::with_capacity(usize::try_from(source.bytes()).unwrap_or(0) + 1);
            if let Err(error) = stream.read_to_end(&mut bytes) {
                facts
                    .skipped
                    .push((String::new(), format!("cannot be read: {error}"), 0));
                return facts;
            }
            if !self.contents.is_new(index, &bytes) {
                return facts;
            }
            reader.read_slice(&bytes, &self.options.limits, &mut sink)
        } else {
            reader.read(stream, &self.options.limits, &mut sink)
        };
        facts.records = read.records;
        if source.bytes() == 0 {
            facts.bytes = read.bytes_in;
        }
        facts.skipped = skipped;
        shard.duplicates(part, duplicates);
        facts
    }

    /// Books the files: of identical ones the first by name counts as read, whichever it was.
    fn finish(self, coverage: &mut Coverage) {
        let mut files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (read, same) in self.contents.same() {
            let bytes: Vec<u64> = same
                .iter()
                .map(|index| files.get(index).map_or(0, |facts| facts.bytes))
                .collect();
            let Some(facts) = files.remove(&read) else {
                continue;
            };
            for (index, bytes) in same[1..].iter().zip(&bytes[1..]) {
                let why = format!("duplicate: the same bytes as {}", self.sources[same[0]].name());
                let skipped = vec![(String::new(), why, facts.records)];
                files.insert(
                    *index,
                    FileFacts {
                        bytes: *bytes,
                        records: 0,
                        skipped,
                    },
                );
            }
            files.insert(
                same[0],
                FileFacts {
                    bytes: bytes[0],
                    ..facts
                },
            );
        }
        for (index, facts) in files {
            coverage.files += 1;
            coverage.bytes += facts.bytes;
            for (place, why, records) in facts.skipped {
                coverage.skip(&self.sources[index].name(), &place, &why, records);
            }
        }
    }
}

/// What one thread has counted.
#[derive(Default)]
struct Shard {
    builder: Builder,
    coverage: Coverage,
    operations: HashMap<String, HashMap<String, Operation>>,
}

impl Shard {
    fn duplicates(&mut self, (account, date): &PartKey, events: u64) {
        if events > 0 {
            let part = if account.is_empty() {
                "events".to_owned()
            } else {
                format!("events of {account} delivered on {date}")
            };
            self.coverage
                .skip(&part, "", "duplicate: event ids that were met before", events);
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        let catalog = Catalog::embedded();
        self.coverage.records += 1;
        let operations = match self.operations.get_mut(&*event.source) {
            Some(operations) => operations,
            None => self.operations.entry(event.source.to_string()).or_default(),
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
        if calls.calls == 1 {
            calls.shown = workload_of(event);
        }
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
    let class = if is_data {
        let roots = resolve::data_roots(event, operation);
        for (resource_type, root) in &roots {
            coverage.data_root(account, region, resource_type, root);
        }
        match roots.into_iter().next() {
            Some((resource_type, _)) => Class::Data(resource_type),
            None => Class::Data(operation.data_type.clone().unwrap_or_default()),
        }
    } else if event.read_only.unwrap_or(operation.reads) {
        Class::ManagementRead
    } else {
        Class::ManagementWrite
    };
    let key = (account.to_owned(), region.to_owned(), class);
    coverage.streams.entry(key).or_default().add(time);
    if matches!(&*event.source, "kms.amazonaws.com" | "rdsdata.amazonaws.com") {
        coverage
            .excludable_sources
            .insert((account.to_owned(), event.source.to_string()));
    }
    if event.source == "cloudtrail.amazonaws.com" && event.error_code.is_none() && TRAIL_CHANGES.contains(&&*event.name)
    {
        coverage.trail_changes.insert(TrailChange {
            time,
            account: account.to_owned(),
            name: event.name.to_string(),
        });
    }
}
