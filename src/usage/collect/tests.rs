//! Parts against the whole, on any number of threads.

use super::*;
use crate::source;

fn sample() -> Vec<Source> {
    let folder = format!("{}/sample-logs", env!("CARGO_MANIFEST_DIR"));
    source::find(&[folder]).expect("the sample is there")
}

fn options(threads: usize) -> Options {
    Options {
        threads,
        ..Options::default()
    }
}

fn parts(sources: &[Source], threads: usize) -> Vec<Part> {
    let parts = Mutex::new(Vec::new());
    collect_parts(sources, &options(threads), &Progress::silent(), &|part| {
        lock(&parts).push(part);
        ControlFlow::Continue(())
    })
    .expect("threads");
    let mut parts = parts.into_inner().expect("no thread panicked");
    parts.sort_by(|a, b| a.key.cmp(&b.key));
    parts
}

fn merge(parts: impl IntoIterator<Item = Part>) -> (Table, Coverage) {
    let mut coverage = Coverage::default();
    let mut tables = Vec::new();
    for part in parts {
        coverage.merge(part.coverage);
        tables.push(part.table);
    }
    (Table::merge(tables), coverage)
}

#[test]
fn parts_do_not_depend_on_threads() {
    let one = parts(&sample(), 1);
    assert!(one.len() > 10, "{} parts", one.len());
    for threads in [2, 5] {
        assert!(parts(&sample(), threads) == one, "{threads} threads");
    }
}

#[test]
fn parts_in_any_order_make_up_the_whole() {
    let (table, coverage) = collect(&sample(), &options(2), &Progress::silent()).expect("threads");
    let parts = parts(&sample(), 2);
    // What rests on the whole archive is settled once all of it is there.
    let joined = |(mut table, mut coverage): (Table, Coverage)| {
        table.join_sessions();
        outlier::settle(&mut table, &mut coverage, false);
        named::settle(&mut coverage, &sample(), &options(2).filter);
        (table, coverage)
    };
    assert!(
        joined(merge(parts.clone())) == (table.clone(), coverage.clone()),
        "in order"
    );
    let backwards = parts.iter().rev().cloned();
    assert!(
        joined(merge(backwards)) == (table.clone(), coverage.clone()),
        "backwards"
    );
    // Two halves, each merged before.
    let (left, right) = parts.split_at(parts.len() / 2);
    let (mut left, right) = (merge(left.to_vec()), merge(right.to_vec()));
    left.1.merge(right.1);
    let halves = (Table::merge([right.0, left.0]), left.1);
    assert!(joined(halves) == (table, coverage), "by halves");
}

#[test]
fn every_file_stands_in_one_part() {
    let parts = parts(&sample(), 2);
    let files = parts.iter().flat_map(|part| &part.files);
    let mut places: Vec<usize> = files.map(|file| file.source).collect();
    places.sort_unstable();
    assert_eq!(places, (0..sample().len()).collect::<Vec<_>>());
    for part in &parts {
        assert_eq!(part.coverage.files, part.files.len() as u64, "{:?}", part.key);
    }
}

#[test]
fn a_break_ends_the_run() {
    let taken = AtomicUsize::new(0);
    collect_parts(&sample(), &options(1), &Progress::silent(), &|_| {
        taken.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Break(())
    })
    .expect("threads");
    assert_eq!(taken.into_inner(), 1);
}

#[test]
fn batches_hold_each_file_once_and_no_two_days() {
    let found = sample();
    let sources: Vec<&Source> = found.iter().collect();
    let files = 0..u32::try_from(sources.len()).expect("few");
    let order: Vec<Claim> = files
        .map(|source| Claim {
            day: source / 3,
            source,
        })
        .collect();
    for threads in [1, 2, 1000] {
        let batches = batches(&sources, &order, threads);
        let places: Vec<usize> = batches.iter().cloned().flatten().collect();
        assert_eq!(
            places,
            (0..sources.len()).collect::<Vec<_>>(),
            "{threads} threads: {batches:?}"
        );
        let one_day = |batch: &Range<usize>| order[batch.start].day == order[batch.end - 1].day;
        assert!(batches.iter().all(one_day), "{threads} threads: {batches:?}");
        // Enough for all threads, and with few of them not more than needed.
        assert_eq!(batches.len() == sources.len(), threads == 1000, "{batches:?}");
    }
}
