//! A hash that tells texts apart without a look at the other one, even where somebody has chosen them.
//!
//! NH, as UMAC uses it (Black, Halevi, Krawczyk, Krovetz, Rogaway: "UMAC: Fast and Secure Message Authentication", CRYPTO
//! 1999, theorem 4.2; RFC 4418, section 5.2), with words of 64 bits: of all keys at most one in 2⁶⁴ gives two different
//! texts of one length the same hash, whatever the texts. The key is drawn anew by each thread of each run, when the
//! texts are written already, and nothing that leaves the program depends on it: whoever writes texts cannot aim at it.
//! So a trail of 10¹⁰ events, each compared with eight others, mixes two up once in 10⁸ runs; the memory of a machine
//! errs more often. Texts of different lengths are told apart by whoever compares.

use std::hash::{BuildHasher, RandomState};

/// Bytes of a text that are taken in together.
const CHUNK: usize = 16;

/// A key, for texts up to some length.
#[derive(Debug)]
pub(crate) struct Keyed(Box<[[u64; 2]]>);

impl Keyed {
    /// A random one for texts of so many bytes at most.
    pub(crate) fn new(longest: usize) -> Self {
        // SipHash of a counter, under a key that the system's randomness gave.
        let random = RandomState::new();
        let words = |chunk: usize| [0, 1].map(|word| random.hash_one((chunk, word)));
        Self((0..longest.div_ceil(CHUNK)).map(words).collect())
    }

    /// Whether a text is not too long to be hashed.
    pub(crate) fn takes(&self, text: &[u8]) -> bool {
        text.len() <= self.0.len() * CHUNK
    }

    /// The hash of a text that is not too long.
    #[inline]
    pub(crate) fn hash(&self, text: &[u8]) -> u128 {
        assert!(self.takes(text), "a text longer than the key");
        let (chunks, rest) = text.as_chunks::<CHUNK>();
        let mut sum = 0_u128;
        for (chunk, key) in chunks.iter().zip(&self.0) {
            sum = sum.wrapping_add(product(*chunk, *key));
        }
        if let Some(key) = self.0.get(chunks.len()).filter(|_| !rest.is_empty()) {
            let mut padded = [0; CHUNK];
            padded[..rest.len()].copy_from_slice(rest);
            sum = sum.wrapping_add(product(padded, *key));
        }
        sum
    }
}

#[inline(always)]
fn product(chunk: [u8; CHUNK], key: [u64; 2]) -> u128 {
    let both = u128::from_le_bytes(chunk);
    let low = (both as u64).wrapping_add(key[0]);
    let high = ((both >> 64) as u64).wrapping_add(key[1]);
    u128::from(low) * u128::from(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, equal: bool) {
        let keyed = Keyed::new(64);
        assert_eq!(keyed.hash(a.as_bytes()) == keyed.hash(b.as_bytes()), equal, "{a} {b}");
    }

    #[test]
    fn every_byte_counts() {
        let text = "a text of more than two chunks, with a rest";
        check(text, text, true);
        for at in 0..text.len() {
            let mut other = text.to_owned();
            other.replace_range(at..=at, "~");
            check(text, &other, false);
        }
    }

    #[test]
    fn the_order_of_chunks_counts() {
        check(
            "0123456789abcdefABCDEFGHIJKLMNOP",
            "ABCDEFGHIJKLMNOP0123456789abcdef",
            false,
        );
    }

    /// The definition: the sum over pairs of words, each with its word of the key, multiplied.
    #[test]
    fn is_nh_of_its_words() {
        let keyed = Keyed::new(40);
        let text: Vec<u8> = (0..40_u8).map(|byte| byte.wrapping_mul(37)).collect();
        let mut padded = text.clone();
        padded.resize(48, 0);
        let word = |number: usize| u64::from_le_bytes(padded[8 * number..8 * number + 8].try_into().unwrap());
        let key = |number: usize| keyed.0[number / 2][number % 2];
        let added = |number| u128::from(word(number).wrapping_add(key(number)));
        let sum = (0..3).fold(0_u128, |sum, pair| {
            sum.wrapping_add(added(2 * pair) * added(2 * pair + 1))
        });
        assert_eq!(keyed.hash(&text), sum);
    }

    #[test]
    #[should_panic(expected = "longer than the key")]
    fn a_text_longer_than_the_key_is_refused() {
        Keyed::new(16).hash(&[0; 17]);
    }
}
