//! Identities met before. All calls of a session repeat its `userIdentity` byte for byte, a third of the record, so that
//! most need not be read again; and what is hashed need not be compared with bytes that left the processor's cache.

use std::hash::BuildHasher;
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::Identity;
use super::keyed::Keyed;

/// Bytes at an identity's front by which it is looked up: they hold the type, the unique id and most of the session's
/// name. What is shorter is read faster than looked up.
const FRONT: usize = 96;
/// Larger ones are not kept.
const LARGEST: usize = 4096;
const SETS: usize = 512;
/// Identities with the same front, such as a function's many sessions.
const WAYS: usize = 8;

/// The identities that one thread has met lately.
#[derive(Debug)]
pub(super) struct Identities {
    /// The most recent first in each.
    sets: Box<[Vec<Met>]>,
    hash: RandomState,
    keyed: Keyed,
}

#[derive(Debug)]
struct Met {
    /// Of its bytes.
    hash: u128,
    length: usize,
    identity: Rc<Identity>,
}

impl Default for Identities {
    fn default() -> Self {
        Self {
            sets: std::iter::repeat_with(Vec::new).take(SETS).collect(),
            hash: RandomState::default(),
            keyed: Keyed::new(LARGEST),
        }
    }
}

impl Identities {
    /// The identity that the text starts with, and how long it is there. An object ends at its closing brace, so a text
    /// that starts with a whole one holds that one.
    #[inline]
    pub(super) fn met(&mut self, text: &[u8]) -> Option<(Rc<Identity>, usize)> {
        let set = &mut self.sets[set_of(&self.hash, text)?];
        // Identities with one front are of one length, as a rule.
        let mut hashed = (0, 0);
        let place = set.iter().position(|met| {
            if hashed.0 != met.length {
                let Some(raw) = text.get(..met.length) else {
                    return false;
                };
                hashed = (met.length, self.keyed.hash(raw));
            }
            hashed.1 == met.hash
        })?;
        if place > 0 {
            set.swap(place, place - 1);
        }
        let met = &set[place.saturating_sub(1)];
        Some((Rc::clone(&met.identity), met.length))
    }

    /// Keeps an identity that was read from these bytes.
    pub(super) fn remember(&mut self, raw: &[u8], identity: &Rc<Identity>) {
        if !self.keyed.takes(raw) {
            return;
        }
        if let Some(set) = set_of(&self.hash, raw) {
            let set = &mut self.sets[set];
            set.truncate(WAYS - 1);
            let met = Met {
                hash: self.keyed.hash(raw),
                length: raw.len(),
                identity: Rc::clone(identity),
            };
            set.insert(0, met);
        }
    }
}

fn set_of(hash: &RandomState, text: &[u8]) -> Option<usize> {
    let front = text.first_chunk::<FRONT>()?;
    Some(hash.hash_one(front) as usize % SETS)
}
