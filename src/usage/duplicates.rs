//! Files and events that were delivered twice are counted once.

use std::hash::BuildHasher;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::damage::Damage;
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
#[derive(Default)]
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

#[derive(Default)]
struct Known {
    /// The place in the run's order whose turn it is.
    turn: usize,
    /// There is one for each file of an archive, so it takes hardly any room.
    files: HashTable<FirstFile>,
    hash: RandomState,
}

/// The first file that holds some bytes.
struct FirstFile {
    /// 128 bits of their digest.
    digest: [u8; 16],
    place: usize,
    held: Held,
}

/// What a file holds.
enum Held {
    /// It is not read yet.
    Unknown,
    /// So many records, nothing is wrong, and nobody asks for its hash.
    Whole(u64),
    Other(Box<Content>),
}

impl From<Content> for Held {
    fn from(content: Content) -> Held {
        if content.hash.is_none() && content.damage == Damage::default() {
            Held::Whole(content.records)
        } else {
            Held::Other(Box::new(content))
        }
    }
}

impl Known {
    /// The file that holds these bytes; the one at `place` where none did before.
    fn first(&mut self, digest: &Digest, place: usize) -> &mut FirstFile {
        let Known { files, hash, .. } = self;
        let half = half(digest);
        let found = files.entry(
            hash.hash_one(half),
            |file| file.digest == half,
            |file| hash.hash_one(file.digest),
        );
        let new = || FirstFile {
            digest: half,
            place,
            held: Held::Unknown,
        };
        found.or_insert_with(new).into_mut()
    }

    /// What the file that holds these bytes holds; `None` where none is known to.
    fn held(&self, digest: &Digest) -> Option<&Held> {
        let half = half(digest);
        let found = self.files.find(self.hash.hash_one(half), |file| file.digest == half);
        found.map(|file| &file.held)
    }
}

/// 128 bits of a digest.
fn half(digest: &Digest) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

impl Contents {
    /// Takes the turn of the file at `place`; every place has to take its turn once.
    pub(super) fn turn(&self, place: usize) -> Turn<'_> {
        Turn {
            contents: self,
            place,
            digest: None,
            passed: false,
        }
    }

    fn pass(&self, place: usize, digest: Option<Digest>) -> usize {
        let known = lock(&self.known);
        let mut known = self
            .changed
            .wait_while(known, |known| known.turn != place)
            .unwrap_or_else(PoisonError::into_inner);
        known.turn += 1;
        self.changed.notify_all();
        digest.map_or(place, |digest| known.first(&digest, place).place)
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
                records: *records,
                ..Content::default()
            },
            Some(Held::Other(content)) => Content::clone(content),
            Some(Held::Unknown) | None => Content::default(),
        }
    }
}

/// One file's turn. Dropped, it passes on, so that no other thread waits in vain.
pub(super) struct Turn<'c> {
    contents: &'c Contents,
    place: usize,
    /// Set where the file is the first that holds these bytes.
    digest: Option<Digest>,
    passed: bool,
}

impl Turn<'_> {
    /// Registers the file's bytes, once all files in front have registered theirs: the place of the first file that
    /// holds the same, which is this one's where they are new.
    pub(super) fn register(&mut self, digest: Digest) -> usize {
        self.passed = true;
        let first = self.contents.pass(self.place, Some(digest));
        if first == self.place {
            self.digest = Some(digest);
        }
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
        if let Some(digest) = self.digest.take() {
            lock(&self.contents.known).first(&digest, self.place).held = content.into();
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
