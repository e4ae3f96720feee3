//! What became of a bucket's objects, of a region's days: some that cannot be had are skipped, all of them are a reason
//! to fail.

use std::sync::{Mutex, PoisonError};

use super::Error;
use crate::aws::{Kind, Trouble};

/// Counts what came and what did not.
#[derive(Debug)]
pub(super) struct Tally {
    /// What is counted: one, several.
    names: [&'static str; 2],
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    came: u64,
    failed: u64,
    /// Of those that failed, those that lie in an archive.
    archived: u64,
    /// The first failure of another kind, or the first of all.
    first: Option<Trouble>,
    /// Failures since the last object that came, if the latest of them was for credentials that had run out.
    expired: Option<(u64, Trouble)>,
}

impl Tally {
    pub(super) fn of(names: [&'static str; 2]) -> Tally {
        let counts = Mutex::default();
        Tally { names, counts }
    }

    pub(super) fn note<T>(&self, fetched: &Result<T, Trouble>) {
        let mut counts = self.lock();
        match fetched {
            Ok(_) => {
                counts.came += 1;
                counts.expired = None;
            }
            Err(trouble) => {
                let is_archived = trouble.kind == Kind::Archived;
                if counts.failed == 0 || counts.failed == counts.archived && !is_archived {
                    counts.first = Some(trouble.clone());
                }
                counts.failed += 1;
                counts.archived += u64::from(is_archived);
                if trouble.kind == Kind::Expired {
                    let (failed, _) = counts.expired.get_or_insert_with(|| (0, trouble.clone()));
                    *failed += 1;
                }
            }
        }
    }

    /// Whether something that lies in an archive was refused.
    pub(super) fn met_archived(&self) -> bool {
        self.lock().archived > 0
    }

    /// Whether `place` could be read; see [`super::verdict`]. `way_out` helps with a trouble.
    pub(super) fn verdict(
        &self,
        place: String,
        earlier: u64,
        way_out: impl Fn(&Trouble) -> &'static str,
    ) -> Result<(), Error> {
        let counts = self.lock();
        let [one, many] = self.names;
        let is_known_archive = earlier > 0 && counts.failed == counts.archived;
        let (why, trouble) = match (&counts.first, &counts.expired) {
            (Some(first), _) if counts.came == 0 && !is_known_archive => {
                let why = match counts.failed {
                    1 => format!("the one {one} that was asked for cannot be read: {first}"),
                    failed => format!("none of {failed} {many} can be read, the first one: {first}"),
                };
                (why, first)
            }
            (_, Some((failed, trouble))) => {
                let why = format!("after {} {many} {trouble}; {failed} were not read", counts.came);
                (why, trouble)
            }
            (Some(_) | None, None) => return Ok(()),
        };
        Err(Error::Network {
            place,
            why,
            help: way_out(trouble),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
