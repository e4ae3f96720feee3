//! Small objects that nobody needs and that most records repeat, such as `tlsDetails`: one that was met before is not
//! stepped over again.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use memchr::memchr;

/// Larger ones are not kept.
const LARGEST: usize = 512;
const SLOTS: usize = 256;

/// Objects without objects inside that one thread has met lately.
#[derive(Debug)]
pub(super) struct Flat {
    slots: Box<[Box<[u8]>]>,
    hash: RandomState,
}

impl Default for Flat {
    fn default() -> Self {
        Self {
            slots: vec![Box::default(); SLOTS].into(),
            hash: RandomState::default(),
        }
    }
}

impl Flat {
    /// How long the object is that the text starts with, where it was met before: it ended at its first closing brace,
    /// so a text that starts alike holds the same one.
    #[inline]
    pub(super) fn met(&self, text: &[u8]) -> Option<usize> {
        let end = closing(text)?;
        (*self.slots[self.slot(&text[..end])] == text[..end]).then_some(end)
    }

    /// Keeps a well-formed object.
    pub(super) fn remember(&mut self, raw: &[u8]) {
        if closing(raw) == Some(raw.len()) {
            let slot = self.slot(raw);
            self.slots[slot] = raw.into();
        }
    }

    fn slot(&self, raw: &[u8]) -> usize {
        self.hash.hash_one(raw) as usize % SLOTS
    }
}

/// The place behind the first closing brace.
fn closing(text: &[u8]) -> Option<usize> {
    memchr(b'}', &text[..text.len().min(LARGEST)]).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of a text once these objects were met.
    fn check(known: &[&str], text: &str, expected: Option<usize>) {
        let mut flat = Flat::default();
        known.iter().for_each(|raw| flat.remember(raw.as_bytes()));
        assert_eq!(flat.met(text.as_bytes()), expected, "{known:?} {text}");
    }

    #[test]
    fn an_object_is_known_by_all_its_bytes() {
        check(&[r#"{"a":1}"#], r#"{"a":1},"b":2}"#, Some(7));
        check(&[r#"{"a":1}"#], r#"{"a":2}"#, None);
        check(&[], "{}", None);
        check(&["{}"], "{}", Some(2));
        check(&["{}"], "{", None);
    }

    #[test]
    fn an_object_that_ends_behind_its_first_brace_is_not_kept() {
        check(&[r#"{"a":"}"}"#], r#"{"a":"}"}"#, None);
        check(&[r#"{"a":{}}"#], r#"{"a":{}}"#, None);
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(LARGEST));
        check(&[&long], &long, None);
    }
}
