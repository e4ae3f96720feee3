//! What the shards of many threads cost to merge, on a machine that has few cores: each shard is counted alone, in
//! processor time (as Linux tells it), which other programs do not lengthen, and so is what is done with all of them.
//!
//! With a core for each thread a run takes as long as its largest shard, the merging after it, and sorting what comes out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;

use trimtrail::inside::progress::Progress;
use trimtrail::inside::source::Source;
use trimtrail::inside::usage::{self, PartKey, Table};

use super::{median, options};

/// Bytes that a thread takes at once, at most, as `usage::collect` deals them out.
const BATCH: u64 = 2 << 20;

/// Prints a line for 1, 2, 4, … threads.
///
/// What merging takes is told in tables: 1 is as much as adding as many rows as the finished table holds. What that costs
/// is measured by merging finished tables one after another, strings and all.
pub(super) fn simulate(sources: &[Source], most: usize, rounds: usize) {
    println!("         one table                                                  parts");
    println!("threads  counting  largest  in turn  in pairs  seconds  speed-up    shards  merging each  longest");
    let (mut alone, mut sorting, mut whole) = (f64::NAN, f64::NAN, Table::default());
    for threads in std::iter::successors(Some(1), |threads| Some(threads * 2)).take_while(|threads| *threads <= most) {
        let shards = dealt(sources, threads);
        let counted: Vec<f64> = shards.iter().map(|files| repeated(rounds, || count(files))).collect();
        let (all, largest) = (counted.iter().sum::<f64>(), counted.iter().copied().fold(0.0, f64::max));
        let mut by_part: BTreeMap<PartKey, Vec<Table>> = BTreeMap::new();
        let mut tables = Vec::new();
        for files in &shards {
            let parts = parts(files);
            tables.push(Table::merge(parts.values().cloned()));
            for (key, table) in parts {
                by_part.entry(key).or_default().push(table);
            }
        }
        let merging = repeated(rounds, || merge(tables.clone()));
        if threads == 1 {
            (alone, sorting, whole) = (all, merging, tables[0].clone());
        }
        let in_tables = |rows: usize| rows as f64 / whole.rows.len() as f64;
        let in_turn = in_tables(added(&tables));
        let (path, merged) = pairs(tables);
        assert!(merged == whole, "{threads} shards make another table");
        let path = in_tables(path);
        let seconds = match threads {
            1 => alone,
            _ => largest + path * (merging - sorting) / in_turn + sorting,
        };
        let shards = by_part.values().map(Vec::len).sum::<usize>() as f64 / by_part.len() as f64;
        let each = in_tables(by_part.values().map(|tables| added(tables)).sum()) / threads as f64;
        let longest = in_tables(by_part.into_values().map(|tables| pairs(tables).0).max().unwrap_or(0));
        println!(
            "{threads:7}  {all:8.2}  {largest:7.2}  {in_turn:7.2}  {path:8.2}  {seconds:7.2}  {:8.1}  {shards:8.1}  {each:12.3}  {longest:7.3}",
            alone / seconds
        );
    }
}

/// Rows that are added where tables merge one after another into the first.
fn added(tables: &[Table]) -> usize {
    tables.iter().skip(1).map(|table| table.rows.len()).sum()
}

/// The files that each thread would take: a few of one day at a time, the next ones by whoever has read the least.
fn dealt(sources: &[Source], threads: usize) -> Vec<Vec<Source>> {
    let mut order: Vec<(PartKey, &Source)> = sources.iter().map(|source| (PartKey::of(source), source)).collect();
    order.sort_by(|(part_a, a), (part_b, b)| part_a.cmp(part_b).then_with(|| b.bytes().cmp(&a.bytes())));
    let total: u64 = sources.iter().map(Source::bytes).sum();
    let most = BATCH.min(total / (8 * threads as u64));
    let mut shards = vec![(0, Vec::new()); threads];
    for part in order.chunk_by(|(a, _), (b, _)| a == b) {
        let mut files = part.iter().map(|(_, source)| *source).peekable();
        while let Some(first) = files.next() {
            let (bytes, shard) = shards.iter_mut().min_by_key(|(bytes, _)| *bytes).expect("a thread");
            let mut batch = first.bytes();
            shard.push(first.clone());
            while let Some(next) = files.next_if(|next| batch + next.bytes() <= most) {
                batch += next.bytes();
                shard.push(next.clone());
            }
            *bytes += batch;
        }
    }
    shards.into_iter().map(|(_, files)| files).collect()
}

/// Seconds of counting files into one table, on one thread.
fn count(files: &[Source]) -> f64 {
    let before = of_process();
    usage::collect(files, &options(1), &Progress::silent()).expect("a thread");
    of_process() - before
}

/// What one thread counts of each part.
fn parts(files: &[Source]) -> BTreeMap<PartKey, Table> {
    let parts = Mutex::new(BTreeMap::new());
    usage::collect_parts(files, &options(1), &Progress::silent(), &|part| {
        parts.lock().expect("one thread").insert(part.key, part.table);
        ControlFlow::Continue(())
    })
    .expect("a thread");
    parts.into_inner().expect("one thread")
}

/// Seconds of merging, and of sorting what comes out.
fn merge(tables: Vec<Table>) -> f64 {
    let before = of_thread();
    Table::merge(tables);
    of_thread() - before
}

/// Rows that are added one after another where tables merge in pairs, each pair on a thread of its own, and what comes out.
fn pairs(mut tables: Vec<Table>) -> (usize, Table) {
    let mut path = 0;
    while tables.len() > 1 {
        let mut left = tables.into_iter();
        let mut level = Vec::new();
        let mut most = 0;
        while let Some(first) = left.next() {
            let Some(second) = left.next() else {
                level.push(first);
                break;
            };
            most = most.max(first.rows.len().min(second.rows.len()));
            level.push(Table::merge([first, second]));
        }
        path += most;
        tables = level;
    }
    (path, tables.pop().unwrap_or_default())
}

fn repeated(rounds: usize, once: impl FnMut() -> f64) -> f64 {
    median(std::iter::repeat_with(once).take(rounds.max(1)))
}

/// Processor seconds of all threads so far, to the hundredth.
fn of_process() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    // User and system time are the 14th and 15th field (proc(5)); two stand before this.
    let ticks = fields.split(' ').skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
}

/// Processor seconds of this thread so far.
fn of_thread() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = told.split(' ').next().expect("the time on a processor");
    nanoseconds.parse::<f64>().expect("nanoseconds") / 1e9
}
