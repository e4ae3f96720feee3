//! Signatures by hash, each with its witnesses.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasher;
use std::str::FromStr;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use sha2::{Digest, Sha256};

use super::text;
use crate::usage::table::{Seen, Signature};

/// 128 bits of SHA-256 over a signature's columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SignatureId([u8; 16]);

impl SignatureId {
    /// The id of a signature, the same in every ledger.
    pub fn of(signature: &Signature) -> SignatureId {
        let mut digest = Sha256::new();
        for column in text::spell(signature) {
            // With its length in front, no two lists of columns are the same bytes.
            digest.update((column.len() as u64).to_le_bytes());
            digest.update(column.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&digest.finalize()[..16]);
        SignatureId(id)
    }

    /// The id that has these bytes.
    pub(super) fn from_bytes(bytes: [u8; 16]) -> SignatureId {
        SignatureId(bytes)
    }

    /// The inverse of [`SignatureId::from_bytes`].
    pub(super) fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for SignatureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for SignatureId {
    type Err = String;

    fn from_str(text: &str) -> Result<SignatureId, String> {
        let id = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
        let id = id.ok_or_else(|| format!("`{text}` is no signature"))?;
        Ok(SignatureId(id.to_be_bytes()))
    }
}

/// Signatures with their witnesses.
pub(super) type Signatures = HashMap<SignatureId, Seen>;

/// Adds a signature, or widens its witnesses.
pub(super) fn witness(signatures: &mut Signatures, id: SignatureId, seen: Seen) {
    match signatures.get_mut(&id) {
        None => {
            signatures.insert(id, seen);
        }
        Some(known) => {
            if seen.first < known.first {
                known.first = seen.first;
            }
            if seen.last > known.last {
                known.last = seen.last;
            }
        }
    }
}

/// The signatures of one account that a run has met. Days repeat each other: a signature is spelt and hashed once a run.
#[derive(Default)]
pub(super) struct Met {
    pub(super) signatures: Signatures,
    /// Ids by a hash of what they stand for that costs little, with a random seed since signatures come from logs.
    ids: HashTable<SignatureId>,
    hash: RandomState,
    /// Whether those that the ledger holds are among them.
    pub(super) with_known: bool,
}

impl Met {
    /// Adds signatures, or widens their witnesses: their ids.
    pub(super) fn meet(&mut self, all: Vec<Seen>) -> Vec<SignatureId> {
        let Met {
            signatures, ids, hash, ..
        } = self;
        let mut met = Vec::with_capacity(all.len());
        for seen in all {
            let hashed = hash.hash_one(&seen.signature);
            let is_it = |id: &SignatureId| signatures.get(id).is_some_and(|met| met.signature == seen.signature);
            let id = match ids.find(hashed, is_it) {
                Some(id) => *id,
                None => {
                    let id = SignatureId::of(&seen.signature);
                    signatures.entry(id).or_insert_with(|| seen.clone());
                    ids.insert_unique(hashed, id, |id| hash.hash_one(&signatures[id].signature));
                    id
                }
            };
            witness(signatures, id, seen);
            met.push(id);
        }
        met
    }

    /// Forgets all but these.
    pub(super) fn keep(&mut self, these: &HashSet<SignatureId>) {
        self.signatures.retain(|id, _| these.contains(id));
        self.ids.retain(|id| these.contains(id));
    }
}
