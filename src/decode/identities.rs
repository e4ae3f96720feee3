//! Identities met before. All calls of a session repeat its `userIdentity` byte for byte, a third of the record, so that
//! most need not be read again.

use std::hash::BuildHasher;
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::Identity;

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
}

#[derive(Debug)]
struct Met {
    raw: Box<[u8]>,
    identity: Rc<Identity>,
}

impl Default for Identities {
    fn default() -> Self {
        Self {
            sets: std::iter::repeat_with(Vec::new).take(SETS).collect(),
            hash: RandomState::default(),
        }
    }
}

impl Identities {
    /// The identity that the text starts with, and how long it is there. An object ends at its closing brace, so a text
    /// that starts with a whole one holds that one.
    #[inline]
    pub(super) fn met(&mut self, text: &[u8]) -> Option<(Rc<Identity>, usize)> {
        let set = self.set(text)?;
        let place = set.iter().position(|met| text.starts_with(&met.raw))?;
        if place > 0 {
            set.swap(place, place - 1);
        }
        let met = &set[place.saturating_sub(1)];
        Some((Rc::clone(&met.identity), met.raw.len()))
    }

    /// Keeps an identity that was read from these bytes.
    pub(super) fn remember(&mut self, raw: &[u8], identity: &Rc<Identity>) {
        if raw.len() > LARGEST {
            return;
        }
        if let Some(set) = self.set(raw) {
            set.truncate(WAYS - 1);
            let (raw, identity) = (raw.into(), Rc::clone(identity));
            set.insert(0, Met { raw, identity });
        }
    }

    fn set(&mut self, text: &[u8]) -> Option<&mut Vec<Met>> {
        let front = text.first_chunk::<FRONT>()?;
        let set = self.hash.hash_one(front) as usize % SETS;
        Some(&mut self.sets[set])
    }
}
