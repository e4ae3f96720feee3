//! The order of a run, cut into what one thread takes at once.

use std::ops::Range;

use super::collect::WHOLE_FILE;
use crate::source::Source;

/// Bytes, as they lie, that a thread takes at once.
const BATCH: u64 = 2 << 20;

/// A file to be read, by its place among the sources, and its day, by its place among the days.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) day: u32,
    pub(super) source: u32,
}

/// The run's order in ranges that one thread takes at once: files of one day, few enough that no thread ends long
/// after the others. Then most days are one thread's own.
pub(super) fn batches(sources: &[&Source], order: &[Claim], threads: usize) -> Vec<Range<usize>> {
    let total: u64 = sources.iter().map(|source| source.bytes()).sum();
    let most = BATCH.min(total / (8 * threads as u64));
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (place, claim) in order.iter().enumerate() {
        let source = sources[claim.source as usize];
        let fits = |batch: &&mut Range<usize>| {
            order[batch.start].day == claim.day && bytes + source.bytes() <= most && source.is_at_most(WHOLE_FILE)
        };
        match batches.last_mut().filter(fits) {
            Some(batch) => batch.end = place + 1,
            None => {
                bytes = 0;
                batches.push(place..place + 1);
            }
        }
        bytes += source.bytes();
    }
    batches
}
