//! Without days against all days at once.

use std::collections::BTreeMap;

use super::*;
use crate::source;
use crate::usage::collect;

/// What is read, and the calls of all parts.
fn read(threads: usize) -> (Table, Coverage, u64) {
    let folder = format!("{}/sample-logs", env!("CARGO_MANIFEST_DIR"));
    let sources = source::find(&[folder]).expect("the sample is there");
    let options = Options {
        threads,
        ..Options::default()
    };
    let calls = Mutex::new(0);
    let (table, coverage) = collect_undated(&sources, &options, &Progress::silent(), &|table| {
        *lock(&calls) += table.rows.iter().map(|row| row.calls).sum::<u64>();
    })
    .expect("threads");
    (table, coverage, calls.into_inner().expect("no thread panicked"))
}

#[test]
fn all_days_of_a_signature_are_one_row() {
    let folder = format!("{}/sample-logs", env!("CARGO_MANIFEST_DIR"));
    let sources = source::find(&[folder]).expect("the sample is there");
    let (dated, covered) = collect(&sources, &Options::default(), &Progress::silent()).expect("threads");
    let mut expected: BTreeMap<usize, (u64, BTreeSet<String>)> = BTreeMap::new();
    for row in &dated.rows {
        let (calls, shapes) = expected.entry(row.signature).or_default();
        *calls += row.calls;
        shapes.extend(row.resources.iter().cloned());
    }
    assert!(dated.rows.len() > 2 * expected.len(), "{} rows", dated.rows.len());
    let (table, coverage, calls) = read(2);
    assert!(coverage == covered, "another coverage");
    assert!(table.signatures == dated.signatures, "other signatures");
    assert_eq!(calls, dated.rows.iter().map(|row| row.calls).sum::<u64>());
    for (number, row) in table.rows.iter().enumerate() {
        let (calls, shapes) = &expected[&number];
        assert_eq!((row.signature, row.day, row.calls), (number, 0, *calls));
        assert!(row.resources.iter().eq(shapes), "{:?} for {shapes:?}", row.resources);
    }
    assert_eq!(table.rows.len(), expected.len());
}

#[test]
fn threads_make_no_difference() {
    let one = read(1);
    for threads in [2, 5] {
        assert!(read(threads) == one, "{threads} threads");
    }
}
