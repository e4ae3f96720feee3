//! Files and events that were delivered twice are counted once.

use std::hash::BuildHasher;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::damage::Damage;
use super::texts::position;
use crate::decode::{Event, Identity, Payload, json};

/// Sets within one part, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// Events in a set whose memory is used again.
const KEPT: usize = 1 << 15;

/// SHA-256 of a file as it lies.
pub(super) type Digest = [u8; 32];

/// Whether an event was met before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Met {
    /// Its id was not.
    New,
    /// The very event was.
    Again,
    /// Its id was, with other content: another event.
    IdOnly,
}

/// The events of one part as fingerprints of (event id, receiving account) and of what they say.
///
/// CloudTrail delivers a file again under its own date, so duplicates meet within one part, and its fingerprints are
/// dropped once its last file is read. An id alone proves nothing: archives are scrubbed, and ids are made up.
#[derive(Default)]
pub(super) struct Fingerprints {
    sets: [Mutex<Set>; SHARDS],
    hash: RandomState,
}

#[derive(Default)]
struct Set {
    /// Each id with the content that it had first.
    first: HashTable<First>,
    /// Ids with their contents, where they had others.
    others: HashTable<u64>,
}

/// 64 bits of an id and 32 of a content, without room between.
struct First {
    id: [u32; 2],
    content: u32,
}

impl First {
    fn id(&self) -> u64 {
        u64::from(self.id[0]) << 32 | u64::from(self.id[1])
    }
}

impl Fingerprints {
    /// Forgets all events, and keeps the memory that most days take.
    fn clear(&mut self) {
        for set in &mut self.sets {
            let Set { first, others } = set.get_mut().unwrap_or_else(PoisonError::into_inner);
            if first.capacity() > KEPT {
                *first = HashTable::new();
            }
            first.clear();
            *others = HashTable::new();
        }
    }

    /// Whether the event was met before; `who` is the [`print`] of its identity. An event without an id never was.
    pub(super) fn met(&self, event: &Event<'_>, who: Option<u64>) -> Met {
        let Some(id) = event.id.as_deref().filter(|id| !id.is_empty()) else {
            return Met::New;
        };
        let id = self.hash.hash_one((id, event.recipient_account_id.as_deref()));
        let content = self.content(event, who);
        let half = |bits: u64| (bits & u64::from(u32::MAX)) as u32;
        let mut set = lock(&self.sets[id as usize % SHARDS]);
        // The place within a set depends on other bits than the set.
        let rest = |id: &u64| id.rotate_right(8);
        let Set { first, others } = &mut *set;
        match first.find(rest(&id), |known| known.id() == id) {
            Some(known) if known.content == half(content) => return Met::Again,
            Some(_) => {}
            None => {
                let new = First {
                    id: [half(id >> 32), half(id)],
                    content: half(content),
                };
                first.insert_unique(rest(&id), new, |known| rest(&known.id()));
                return Met::New;
            }
        }
        let both = self.hash.hash_one((id, content));
        if others.find(both, |known| *known == both).is_some() {
            return Met::Again;
        }
        others.insert_unique(both, both, |known| *known);
        Met::IdOnly
    }

    /// What the event says: when, what, by whom, how it ended and what was asked for. The same in every wrapper, and
    /// however the record was serialised.
    fn content(&self, event: &Event<'_>, who: Option<u64>) -> u64 {
        let request = match &event.request_parameters {
            Payload::Absent | Payload::Null => 0,
            Payload::Text(text) => self.hash.hash_one(text),
            Payload::Json(text) => json::fingerprint(text, &self.hash),
        };
        let many = event.many.as_ref().map(|many| (many.calls, &many.last_id));
        self.hash.hash_one((
            (event.time, &event.source, &event.name, &event.region),
            (&event.error_code, &event.error_message),
            (who, request, many),
        ))
    }
}

/// Drawn once, so that all threads agree.
static WHO: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// A fingerprint of who calls with an identity. Whoever remembers it need not read the identity for each event.
pub(super) fn print(identity: &Identity) -> u64 {
    WHO.hash_one((&identity.arn, &identity.principal_id, &identity.access_key_id))
}

/// Memory of days that are done, for the next ones.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Fingerprints>>);

impl Spare {
    /// Empty ones.
    pub(super) fn take(&self) -> Arc<Fingerprints> {
        Arc::new(lock(&self.0).pop().unwrap_or_default())
    }

    /// One thread needs those of a day no more; where it was the last, their memory is used again.
    pub(super) fn give_back(&self, fingerprints: Arc<Fingerprints>) {
        if let Some(mut fingerprints) = Arc::into_inner(fingerprints) {
            fingerprints.clear();
            lock(&self.0).push(fingerprints);
        }
    }
}

/// The files of one run by their content, registered in the run's order: of equal files the first one counts,
/// whichever thread reads it.
pub(super) struct Contents {
    known: Mutex<Known>,
    changed: Condvar,
}

/// What equal files hold.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) records: u64,
    /// What is wrong with it.
    pub(super) damage: Damage,
    /// SHA-256 of its text, where digests ask for that.
    pub(super) hash: Option<Digest>,
}

/// There is an entry for each file of an archive, so it takes hardly any room.
struct Known {
    /// Files whose turn is over, by their places in the run's order.
    files: Vec<Registered>,
    /// Places of the first files that hold some bytes.
    first: HashTable<u32>,
    hash: RandomState,
    /// See [`Held::Other`].
    others: Vec<Content>,
}

struct Registered {
    /// 128 bits of its digest, if it has one.
    digest: [u8; 16],
    /// Of the first that holds these bytes.
    held: Held,
}

/// What a file holds.
#[derive(Clone, Copy)]
enum Held {
    /// It is not read yet.
    Unknown,
    /// So many records, nothing is wrong, and nobody asks for its hash.
    Whole(u32),
    /// A place in [`Known::others`].
    Other(u32),
}

impl Known {
    /// Registers the next file: the place of the first file that holds the same bytes.
    fn register(&mut self, digest: Option<Digest>) -> usize {
        let place = self.files.len();
        let first = digest.and_then(|digest| self.place(&digest));
        self.files.push(Registered {
            digest: digest.as_ref().map(half).unwrap_or_default(),
            held: Held::Unknown,
        });
        let Self {
            files,
            first: places,
            hash,
            ..
        } = self;
        if let Some(digest) = digest.filter(|_| first.is_none()) {
            let hashed = |place: &u32| hash.hash_one(files[*place as usize].digest);
            places.insert_unique(hash.hash_one(half(&digest)), position(place), hashed);
        }
        first.unwrap_or(place)
    }

    /// The place of the first file that holds these bytes.
    fn place(&self, digest: &Digest) -> Option<usize> {
        let half = half(digest);
        let same = |place: &u32| self.files[*place as usize].digest == half;
        let found = self.first.find(self.hash.hash_one(half), same);
        found.map(|place| *place as usize)
    }

    /// What the first file that holds these bytes holds; `None` where there is none.
    fn held(&self, digest: &Digest) -> Option<Held> {
        Some(self.files[self.place(digest)?].held)
    }

    fn hold(&mut self, place: usize, content: Content) {
        let is_whole = content.hash.is_none() && content.damage == Damage::default();
        self.files[place].held = match u32::try_from(content.records) {
            Ok(records) if is_whole => Held::Whole(records),
            Ok(_) | Err(_) => {
                self.others.push(content);
                Held::Other(position(self.others.len() - 1))
            }
        };
    }
}

/// 128 bits of a digest.
fn half(digest: &Digest) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

impl Contents {
    /// For a run over so many files.
    pub(super) fn of_files(files: usize) -> Contents {
        Contents {
            known: Mutex::new(Known {
                files: Vec::with_capacity(files),
                first: HashTable::with_capacity(files),
                hash: RandomState::default(),
                others: Vec::new(),
            }),
            changed: Condvar::new(),
        }
    }

    /// Takes the turn of the file at `place`; every place has to take its turn once.
    pub(super) fn turn(&self, place: usize) -> Turn<'_> {
        Turn {
            contents: self,
            place,
            is_first: false,
            passed: false,
        }
    }

    fn pass(&self, place: usize, digest: Option<Digest>) -> usize {
        let known = lock(&self.known);
        let mut known = self
            .changed
            .wait_while(known, |known| known.files.len() != place)
            .unwrap_or_else(PoisonError::into_inner);
        let first = known.register(digest);
        self.changed.notify_all();
        first
    }

    /// What the file that holds these bytes holds; waits until it is read.
    pub(super) fn of(&self, digest: &Digest) -> Content {
        let unread = |known: &mut Known| matches!(known.held(digest), Some(Held::Unknown));
        let known = self
            .changed
            .wait_while(lock(&self.known), unread)
            .unwrap_or_else(PoisonError::into_inner);
        match known.held(digest) {
            Some(Held::Whole(records)) => Content {
                records: records.into(),
                ..Content::default()
            },
            Some(Held::Other(place)) => known.others[place as usize].clone(),
            Some(Held::Unknown) | None => Content::default(),
        }
    }
}

/// One file's turn. Dropped, it passes on, so that no other thread waits in vain.
pub(super) struct Turn<'c> {
    contents: &'c Contents,
    place: usize,
    /// Whether the file is the first that holds its bytes.
    is_first: bool,
    passed: bool,
}

impl Turn<'_> {
    /// Registers the file's bytes, once all files in front have registered theirs: the place of the first file that
    /// holds the same, which is this one's where they are new.
    pub(super) fn register(&mut self, digest: Digest) -> usize {
        self.passed = true;
        let first = self.contents.pass(self.place, Some(digest));
        self.is_first = first == self.place;
        first
    }

    /// Passes on without registering anything.
    pub(super) fn pass(&mut self) {
        self.passed = true;
        self.contents.pass(self.place, None);
    }

    /// The file is read.
    pub(super) fn read(mut self, content: Content) {
        self.settle(content);
    }

    fn settle(&mut self, content: Content) {
        if std::mem::take(&mut self.is_first) {
            lock(&self.contents.known).hold(self.place, content);
            self.contents.changed.notify_all();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.passed {
            self.pass();
        }
        self.settle(Content::default());
    }
}

/// A thread that panicked holding the lock left what it guards as it was between two insertions.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
