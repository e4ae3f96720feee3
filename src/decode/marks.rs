//! Bytes of a text that matter, found many at a time.

use std::marker::PhantomData;

use wide::u8x16;

/// Which bytes matter.
pub(crate) trait Mark {
    /// All bits of each byte that matters, none of the others.
    fn marked(bytes: u8x16) -> u8x16;
}

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// A text and a bit for each byte of one block of it that matters.
///
/// Such bytes stand close together: the bits of a block serve several of them.
pub(crate) struct Marked<'a, M> {
    text: &'a [u8],
    /// The block's number; none at first.
    block: usize,
    marks: u64,
    which: PhantomData<M>,
}

impl<'a, M: Mark> Marked<'a, M> {
    /// The text, nothing of it looked at.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            block: usize::MAX,
            marks: 0,
            which: PhantomData,
        }
    }

    /// The text.
    #[inline(always)]
    pub(crate) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The first marked byte at or after `at`; where there is none, the text's end or a place behind it.
    #[inline(always)]
    pub(crate) fn next(&mut self, mut at: usize) -> usize {
        loop {
            let block = at / BLOCK;
            if block != self.block {
                self.block = block;
                self.marks = marks::<M>(self.text, block);
            }
            let ahead = self.marks >> (at % BLOCK);
            if ahead != 0 {
                return at + ahead.trailing_zeros() as usize;
            }
            at = (block + 1) * BLOCK;
            if at >= self.text.len() {
                return at;
            }
        }
    }
}

/// The marks of one block. What lies behind the text's end is not marked.
#[inline(always)]
fn marks<M: Mark>(text: &[u8], block: usize) -> u64 {
    let rest = text.get(block * BLOCK..).unwrap_or_default();
    match rest.first_chunk::<BLOCK>() {
        Some(whole) => marks_of::<M>(whole),
        None => {
            let mut padded = [b' '; BLOCK];
            padded[..rest.len()].copy_from_slice(rest);
            marks_of::<M>(&padded)
        }
    }
}

#[inline(always)]
fn marks_of<M: Mark>(block: &[u8; BLOCK]) -> u64 {
    let mut marks = 0;
    for (at, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        marks |= u64::from(M::marked(u8x16::new(*bytes)).to_bitmask()) << (16 * at);
    }
    marks
}
