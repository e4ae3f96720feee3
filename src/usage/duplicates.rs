//! Files and events that were delivered twice are counted once.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::decode::Event;
use crate::source::Source;

/// Sets within one part, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// Account and delivery date; see [`Source::part`].
pub(super) type PartKey = (String, String);

/// The events of one part as 64-bit fingerprints of (event id, receiving account).
///
/// CloudTrail delivers a file again under its own date, so duplicates meet within one part, and its fingerprints are
/// dropped once its last file is read.
#[derive(Default)]
pub(super) struct Fingerprints([Mutex<HashSet<u64>>; SHARDS]);

impl Fingerprints {
    /// Whether the event was met before. An event without an id never was.
    pub(super) fn met(&self, event: &Event<'_>) -> bool {
        let Some(id) = event.id.as_deref().filter(|id| !id.is_empty()) else {
            return false;
        };
        let mut hasher = DefaultHasher::new();
        (id, event.recipient_account_id.as_deref()).hash(&mut hasher);
        let fingerprint = hasher.finish();
        !lock(&self.0[fingerprint as usize % SHARDS]).insert(fingerprint)
    }
}

/// The parts of one run that still have files to read.
pub(super) struct Parts(Mutex<HashMap<PartKey, (usize, Arc<Fingerprints>)>>);

impl Parts {
    pub(super) fn new(sources: &[Source]) -> Parts {
        let mut parts: HashMap<PartKey, (usize, Arc<Fingerprints>)> = HashMap::new();
        for source in sources {
            parts.entry(source.part()).or_default().0 += 1;
        }
        Parts(Mutex::new(parts))
    }

    /// The fingerprints that the files of a part share.
    pub(super) fn of(&self, part: &PartKey) -> Arc<Fingerprints> {
        lock(&self.0)
            .get(part)
            .map(|(_, events)| Arc::clone(events))
            .unwrap_or_default()
    }

    /// One more file of the part is read.
    pub(super) fn done(&self, part: &PartKey) {
        let mut parts = lock(&self.0);
        if let Some((files_left, _)) = parts.get_mut(part) {
            *files_left -= 1;
            if *files_left == 0 {
                parts.remove(part);
            }
        }
    }
}

/// The files of one run by their content.
#[derive(Default)]
pub(super) struct Contents(Mutex<HashMap<[u8; 32], Vec<usize>>>);

impl Contents {
    /// Whether these bytes are new; `file` is remembered beside those that hold the same.
    pub(super) fn is_new(&self, file: usize, bytes: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let mut contents = lock(&self.0);
        let same = contents.entry(digest).or_default();
        same.push(file);
        same.len() == 1
    }

    /// Files that hold the same bytes: the one that was read first, then all of them, sorted.
    pub(super) fn same(self) -> Vec<(usize, Vec<usize>)> {
        let contents = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        contents
            .into_values()
            .filter(|files| files.len() > 1)
            .map(|mut files| {
                let read = files[0];
                files.sort_unstable();
                (read, files)
            })
            .collect()
    }
}

/// A thread that panicked holding the lock left the set as it was between two insertions.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
