//! Sources to a table that tells no days apart, so that memory does not grow with the length of an archive.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::collect::{Error, Options, collect_parts};
use super::duplicates::lock;
use super::table::{Row, Seen, Signature, Table, Witness};
use super::{named, outlier};
use crate::coverage::Coverage;
use crate::progress::Progress;
use crate::source::Source;

/// Reads all sources into one table with a row for each signature, of all days together: of day 0. Workloads are left
/// out. `each` sees the table of each part before its days go, from several threads, and may take from its rows what
/// nobody asks for.
///
/// # Errors
/// As [`collect`](super::collect).
pub fn collect_undated(
    sources: &[Source],
    options: &Options,
    progress: &Progress,
    each: &(dyn Fn(&mut Table) + Sync),
) -> Result<(Table, Coverage), Error> {
    // A thread that brings a part takes a total that nobody holds, so that none waits for another.
    let idle: Mutex<Vec<Total>> = Mutex::default();
    collect_parts(sources, options, progress, &|mut part| {
        each(&mut part.table);
        let mut total = lock(&idle).pop().unwrap_or_default();
        total.add(part.table, part.coverage);
        lock(&idle).push(total);
        ControlFlow::Continue(())
    })?;
    progress.stage("merging");
    let totals = idle.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut all = Total::default();
    for total in totals {
        let (table, coverage) = total.finish();
        all.add(table, coverage);
    }
    let (mut table, mut coverage) = all.finish();
    outlier::settle(&mut table, &mut coverage, false);
    named::settle(&mut coverage, sources, &options.filter);
    Ok((table, coverage))
}

/// What parts hold together.
#[derive(Default)]
struct Total {
    signatures: HashMap<Signature, AllDays, RandomState>,
    coverage: Coverage,
}

/// The calls of a signature, whatever their day.
struct AllDays {
    first: Witness,
    last: Witness,
    calls: u64,
    /// Each day's shapes, as they are: one that many days together would make is none of theirs.
    shapes: BTreeSet<String>,
}

impl Total {
    fn add(&mut self, table: Table, coverage: Coverage) {
        self.coverage.merge(coverage);
        let mut rows = table.rows.into_iter().peekable();
        for (number, seen) in table.signatures.into_iter().enumerate() {
            let Seen { signature, first, last } = seen;
            let known = self.signatures.entry(signature).or_insert_with(|| AllDays {
                first: first.clone(),
                last: last.clone(),
                calls: 0,
                shapes: BTreeSet::new(),
            });
            if first < known.first {
                known.first = first;
            }
            if last > known.last {
                known.last = last;
            }
            // Rows are sorted by their signatures.
            while let Some(row) = rows.next_if(|row| row.signature == number) {
                known.calls += row.calls;
                known.shapes.extend(row.resources);
            }
        }
    }

    fn finish(self) -> (Table, Coverage) {
        let mut sorted: Vec<(Signature, AllDays)> = self.signatures.into_iter().collect();
        sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut table = Table::default();
        for (signature, of_all) in sorted {
            let AllDays {
                first,
                last,
                calls,
                shapes,
            } = of_all;
            table.rows.push(Row {
                signature: table.signatures.len(),
                day: 0,
                behind: 0,
                calls,
                first: first.time,
                last: last.time,
                resources: shapes.into_iter().collect(),
            });
            table.signatures.push(Seen { signature, first, last });
        }
        (table, self.coverage)
    }
}

#[cfg(test)]
mod tests;
