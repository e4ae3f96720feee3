//! `bench`: how long each stage takes over the same files, as multiples of inflating them and doing nothing else.
//!
//! Every round runs each stage once, in turn, in one process, with the files in the page cache; medians over the rounds
//! are printed. Compare the ratios: seconds say more about the machine than about the program.

mod merging;
#[cfg(feature = "polars")]
mod timeline;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use trimtrail::inside::attribute::{Attribution, attribute};
use trimtrail::inside::decode::{Item, Limits, Reader};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::source::{self, Source};
use trimtrail::inside::usage;

/// As in the program itself.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times the stages of reading a trail against the floor: inflating with libdeflate, checksum included.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// A folder of trail files, as `make-logs corpus` writes it
    logs: PathBuf,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Only these stages; the floor is always among them
    #[arg(long, value_enum)]
    only: Vec<Stage>,
    /// Inflate once and say nothing: to be timed from outside
    #[arg(long)]
    floor: bool,
    /// In place of the stages: how busy each thread is, step by step, while a ledger is made
    #[cfg(feature = "polars")]
    #[arg(long)]
    timeline: bool,
    /// In place of the stages: what the shards of up to so many threads cost to merge
    #[arg(long, value_name = "THREADS")]
    simulate: Option<usize>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Read and inflate
    Floor,
    /// … and find every event and its fields
    Decode,
    /// … and tell who made the call
    Attribute,
    /// … and resolve, count, tell duplicates apart, note what was covered: into one table
    Collect,
    /// The same by account and day, as a ledger takes it: all that `collect` does but writing
    Parts,
    /// … and write the ledger
    #[cfg(feature = "polars")]
    Ledger,
}

const STAGES: &[Stage] = &[
    Stage::Floor,
    Stage::Decode,
    Stage::Attribute,
    Stage::Collect,
    Stage::Parts,
    #[cfg(feature = "polars")]
    Stage::Ledger,
];

impl Stage {
    /// Runs it and says how many events it met; the floor counts bytes of text.
    fn run(self, sources: &[Source], threads: usize) -> u64 {
        match self {
            Stage::Floor => on_threads(sources, threads, inflate),
            Stage::Decode => on_threads(sources, threads, || events(|_| true)),
            Stage::Attribute => on_threads(sources, threads, || {
                events(|event| matches!(attribute(event), Attribution::Principal(_)))
            }),
            Stage::Collect => {
                let (_, coverage) =
                    usage::collect(sources, &options(threads), &Progress::silent()).expect("threads start");
                coverage.records
            }
            Stage::Parts => {
                let records = AtomicU64::new(0);
                usage::collect_parts(sources, &options(threads), &Progress::silent(), &|part| {
                    records.fetch_add(part.coverage.records, Ordering::Relaxed);
                    ControlFlow::Continue(())
                })
                .expect("threads start");
                records.into_inner()
            }
            #[cfg(feature = "polars")]
            Stage::Ledger => timeline::collect(sources, options(threads), &ledger()),
        }
    }
}

/// A folder for a ledger.
#[cfg(feature = "polars")]
fn ledger() -> PathBuf {
    std::env::temp_dir().join(format!("trimtrail-bench-{}", std::process::id()))
}

fn options(threads: usize) -> usage::Options {
    usage::Options {
        threads,
        ..usage::Options::default()
    }
}

/// Gives each thread files, one at a time, as bytes; the sum of what the threads count.
fn on_threads<F: FnMut(&[u8]) -> u64>(sources: &[Source], threads: usize, worker: impl Fn() -> F + Sync) -> u64 {
    let (next, sum) = (AtomicUsize::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut each = worker();
                let mut bytes = Vec::new();
                while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                    bytes.clear();
                    let mut file = source.open().expect("a file of the corpus");
                    file.read_to_end(&mut bytes).expect("a file of the corpus");
                    sum.fetch_add(each(&bytes), Ordering::Relaxed);
                }
            });
        }
    });
    sum.into_inner()
}

fn inflate() -> impl FnMut(&[u8]) -> u64 {
    let mut decompressor = libdeflater::Decompressor::new();
    let mut text = Vec::new();
    move |bytes| {
        let size = bytes.last_chunk().map_or(0, |tail| u32::from_le_bytes(*tail)) as usize;
        text.resize(text.len().max(size), 0);
        let size = decompressor
            .gzip_decompress(bytes, &mut text)
            .expect("a file of the corpus");
        size as u64
    }
}

fn events(mut counts: impl FnMut(&trimtrail::inside::decode::Event<'_>) -> bool) -> impl FnMut(&[u8]) -> u64 {
    let mut reader = Reader::new();
    let limits = Limits::default();
    move |bytes| {
        let mut met = 0;
        reader.read_slice(bytes, &limits, &mut |item| {
            if let Item::Event(event) = item {
                met += u64::from(counts(event));
            }
        });
        met
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut sources = match source::find(&[arguments.logs.display().to_string()]) {
        Ok(sources) => sources,
        Err(error) => {
            eprintln!("bench: {error}");
            return ExitCode::FAILURE;
        }
    };
    sources.retain(|source| source.name().ends_with(".gz"));
    if arguments.floor {
        Stage::Floor.run(&sources, arguments.threads);
        return ExitCode::SUCCESS;
    }
    if let Some(most) = arguments.simulate {
        merging::simulate(&sources, most, arguments.rounds);
        return ExitCode::SUCCESS;
    }
    #[cfg(feature = "polars")]
    if arguments.timeline {
        timeline::print(&sources, options(arguments.threads), &ledger());
        let _ = std::fs::remove_dir_all(ledger());
        return ExitCode::SUCCESS;
    }
    let stages: Vec<Stage> = STAGES
        .iter()
        .copied()
        .filter(|stage| *stage == Stage::Floor || arguments.only.is_empty() || arguments.only.contains(stage))
        .collect();
    // One round that does not count: the page cache, and what the catalog unpacks once.
    let met: Vec<u64> = stages
        .iter()
        .map(|stage| stage.run(&sources, arguments.threads))
        .collect();
    let mut seconds = vec![Vec::new(); stages.len()];
    for _ in 0..arguments.rounds {
        for (stage, seconds) in stages.iter().zip(&mut seconds) {
            let start = Instant::now();
            stage.run(&sources, arguments.threads);
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    #[cfg(feature = "polars")]
    let _ = std::fs::remove_dir_all(ledger());
    println!(
        "{} files, {:.0} MB of JSON, {} threads, {} rounds",
        sources.len(),
        met[0] as f64 / 1e6,
        arguments.threads,
        arguments.rounds
    );
    println!("stage      seconds  x floor      met");
    for (index, stage) in stages.iter().enumerate() {
        let ratios = seconds[index].iter().zip(&seconds[0]).map(|(own, floor)| own / floor);
        println!(
            "{:<10} {:7.3}  {:7.2}  {}",
            format!("{stage:?}").to_lowercase(),
            median(seconds[index].iter().copied()),
            median(ratios),
            met[index]
        );
    }
    ExitCode::SUCCESS
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
