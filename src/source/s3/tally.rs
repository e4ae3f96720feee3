//! What became of a bucket's objects: some that cannot be had are skipped, all of them are a reason to fail.

use std::sync::{Mutex, PoisonError};

use super::super::Error;
use super::way_out;
use crate::aws::{Kind, Trouble};

/// Counts what came and what did not.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    came: u64,
    failed: u64,
    first: Option<Trouble>,
    /// Failures since the last object that came, if the latest of them was for credentials that had run out.
    expired: Option<(u64, Trouble)>,
}

impl Tally {
    pub(super) fn note<T>(&self, fetched: &Result<T, Trouble>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(_) => {
                counts.came += 1;
                counts.expired = None;
            }
            Err(trouble) => {
                counts.failed += 1;
                counts.first.get_or_insert_with(|| trouble.clone());
                if trouble.kind == Kind::Expired {
                    let (failed, _) = counts.expired.get_or_insert_with(|| (0, trouble.clone()));
                    *failed += 1;
                }
            }
        }
    }

    /// Whether the bucket `name` could be read.
    pub(super) fn verdict(&self, name: &str) -> Result<(), Error> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (why, trouble) = match (&counts.first, &counts.expired) {
            (Some(first), _) if counts.came == 0 => {
                let why = match counts.failed {
                    1 => format!("the one object that was asked for cannot be read: {first}"),
                    failed => format!("none of {failed} objects can be read, the first one: {first}"),
                };
                (why, first)
            }
            (_, Some((failed, trouble))) => {
                let why = format!("after {} objects {trouble}; {failed} were not read", counts.came);
                (why, trouble)
            }
            (Some(_) | None, None) => return Ok(()),
        };
        Err(Error::Network {
            place: format!("s3://{name}"),
            why,
            help: way_out(trouble),
        })
    }
}
