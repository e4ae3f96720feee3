//! Strings as numbers: each is kept once.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A string's number. The empty one has 0.
pub(super) type Text = u32;

/// Strings, numbered as they are met. Hashed with a random seed, because they come from logs; nothing that leaves the
/// program depends on it.
pub(super) struct Texts {
    texts: Vec<Arc<str>>,
    numbers: HashTable<Text>,
    hash: RandomState,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            texts: vec![Arc::default()],
            numbers: HashTable::new(),
            hash: RandomState::default(),
        }
    }
}

impl Texts {
    /// The string's number.
    pub(super) fn number(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return 0;
        }
        let Self { texts, numbers, hash } = self;
        let hashed = hash.hash_one(text);
        if let Some(known) = numbers.find(hashed, |number| *texts[*number as usize] == *text) {
            return *known;
        }
        let new = position(texts.len());
        texts.push(text.into());
        numbers.insert_unique(hashed, new, |number| hash.hash_one(&*texts[*number as usize]));
        new
    }

    /// The string that has this number.
    pub(super) fn text(&self, number: Text) -> &str {
        &self.texts[number as usize]
    }

    /// The same, to be kept.
    pub(super) fn shared(&self, number: Text) -> Arc<str> {
        Arc::clone(&self.texts[number as usize])
    }

    /// Forgets all strings.
    pub(super) fn clear(&mut self) {
        self.texts.truncate(1);
        self.numbers.clear();
    }

    /// All strings, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }
}

/// A place in a vector as a number. Vectors hold fewer than 2³² entries here: each takes more than a byte of memory.
pub(super) fn position(length: usize) -> u32 {
    u32::try_from(length).expect("fewer than 2^32 distinct strings fit in memory")
}
