//! One part as the ledger holds it: calls that name their signatures by hash, sessions, coverage, and what was read.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::signatures::SignatureId;
use super::text;
use crate::attribute::opening::{Claim, Opener, Opening};
use crate::attribute::{Actor, Shown, Workload};
use crate::coverage::Coverage;
use crate::usage::shapes::shapes;
use crate::usage::{self, Behind, Row};

/// One signature on one day, by one of those who stood behind its caller; sorts by these.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Calls {
    pub(super) signature: SignatureId,
    pub(super) day: i32,
    /// A session by its hash.
    pub(super) behind: Behind,
    pub(super) calls: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Shapes of the resources, sorted.
    pub(super) resources: Vec<String>,
}

/// Something that is known of a session that is not joined yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Session {
    pub(super) role_id: String,
    /// Its hash.
    pub(super) session: String,
    pub(super) fact: Fact,
}

/// See [`usage::table::Session`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fact {
    /// What its calls show.
    Shown(Box<Shown>),
    /// The identity provider that they show.
    Provider(String),
    /// What opened it.
    Opened(Opening),
}

/// One file that was read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct Object {
    /// Its name from the account on, or the whole name outside AWS's layout.
    pub(super) key: String,
    pub(super) bytes: u64,
    /// 128 bits of SHA-256 over its bytes, in hex.
    pub(super) digest: String,
    /// What changes with the file as far as its store tells: time of modification, ETag.
    pub(super) stamp: String,
}

/// One account and delivery date.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Part {
    pub(super) calls: Vec<Calls>,
    pub(super) sessions: Vec<Session>,
    pub(super) coverage: Coverage,
    pub(super) objects: Vec<Object>,
    /// Files that were given and could not be read; the index holds it.
    pub(super) unread: u64,
}

/// 64 bits of SHA-256 over an access key, keyed by the id of the role whose session it is: equal wherever the session is
/// met, and no identifier.
fn session_hash(role_id: &str, access_key_id: &str) -> String {
    let mut digest = Sha256::new();
    for text in ["trimtrail.session/1", role_id, access_key_id] {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    hex(&digest.finalize()[..8])
}

/// The number that a session's hash spells, if it is one.
pub(super) fn read_session_hash(hash: &str) -> Option<u64> {
    let number = u64::from_str_radix(hash, 16).ok()?;
    (spell_session_hash(number) == hash).then_some(number)
}

/// The inverse of [`read_session_hash`].
pub(super) fn spell_session_hash(number: u64) -> String {
    hex(&number.to_be_bytes())
}

/// The bytes that 32 hexadecimal digits spell.
pub(super) fn read_digest(hex: &str) -> Result<[u8; 16], String> {
    let number = u128::from_str_radix(hex, 16).ok();
    let number = number.filter(|number| *hex == *self::hex(&number.to_be_bytes()));
    number
        .map(u128::to_be_bytes)
        .ok_or_else(|| format!("`{hex}` is no digest"))
}

/// The inverse of [`read_digest`].
pub(super) fn spell_digest(bytes: [u8; 16]) -> String {
    hex(&bytes)
}

/// The first 128 bits of a digest, in hex.
pub(super) fn short(digest: &[u8]) -> String {
    hex(&digest[..16])
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// A table in the ledger's terms.
pub(super) struct Counted<'s> {
    pub(super) rows: Vec<Row>,
    pub(super) behind: Vec<Behind>,
    pub(super) sessions: Vec<usage::table::Session>,
    /// The signatures' ids, and the ids of those who called.
    pub(super) ids: &'s [SignatureId],
    pub(super) callers: &'s [Arc<str>],
}

impl Part {
    /// What was counted.
    pub(super) fn of(counted: Counted<'_>, coverage: Coverage, objects: Vec<Object>, identities: bool) -> Part {
        let Counted {
            rows,
            behind,
            sessions,
            ids,
            callers,
        } = counted;
        let kept = |workload: Workload| {
            if identities {
                workload
            } else {
                text::without_session_name(workload)
            }
        };
        // It may name a person, as a session's name may.
        let family = |sessions: String| if identities { sessions } else { String::new() };
        // A session has many rows, and two roles may have sessions of one key.
        let mut hashes: BTreeMap<(usize, usize), Behind> = BTreeMap::new();
        let mut caller_numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let callers: Vec<(usize, &str)> = callers
            .iter()
            .map(|caller| {
                let next = caller_numbers.len();
                (*caller_numbers.entry(caller).or_insert(next), &**caller)
            })
            .collect();
        let calls = rows.into_iter().map(|row| Calls {
            signature: ids[row.signature],
            day: row.day,
            behind: match &behind[row.behind] {
                Behind::Nobody => Behind::Nobody,
                Behind::Session(key) => {
                    let (number, role_id) = callers[row.signature];
                    let place = (number, row.behind);
                    let hash = || Behind::Session(session_hash(role_id, key).into());
                    hashes.entry(place).or_insert_with(hash).clone()
                }
                Behind::Actor(actor) => {
                    let workload = actor.workload.clone().map(kept);
                    Behind::Actor(Arc::new(Actor {
                        workload,
                        sessions: family(actor.sessions.clone()),
                        ..(**actor).clone()
                    }))
                }
            },
            calls: row.calls,
            first: row.first,
            last: row.last,
            resources: row.resources,
        });
        let mut made = Part {
            calls: calls.collect(),
            sessions: Vec::new(),
            coverage,
            objects,
            unread: 0,
        };
        let mut openers: HashMap<Arc<Opener>, Arc<Opener>> = HashMap::new();
        for known in sessions {
            let hash = session_hash(&known.role_id, &known.access_key_id);
            let shown = known.shown.map(|shown| {
                let Shown { said, workload } = *shown;
                let workload = kept(workload);
                Fact::Shown(Box::new(Shown { said, workload }))
            });
            let provider = (!known.provider.is_empty()).then(|| known.provider.to_string());
            let opened = known.opened.into_iter().map(|opening| {
                let opener = openers.entry(Arc::clone(&opening.opener)).or_insert_with(|| {
                    Arc::new(match &*opening.opener {
                        Opener::Named(workload) => Opener::Named(kept(workload.clone())),
                        Opener::Unnamed(kind) => Opener::Unnamed(*kind),
                        Opener::Claimed(claim) => Opener::Claimed(Box::new(Claim {
                            session: session_hash(&claim.role_id, &claim.session),
                            ..(**claim).clone()
                        })),
                    })
                });
                Fact::Opened(Opening {
                    opener: Arc::clone(opener),
                    sessions: if identities { opening.sessions } else { Arc::default() },
                    ..opening
                })
            });
            let facts = shown.into_iter().chain(provider.map(Fact::Provider)).chain(opened);
            made.sessions.extend(facts.map(|fact| Session {
                role_id: known.role_id.to_string(),
                session: hash.clone(),
                fact,
            }));
        }
        made.sort();
        made
    }

    /// The one order in which a part is written, and each thing once: of what a session's calls show, the least.
    fn sort(&mut self) {
        self.calls.sort_by(|a, b| {
            let known = (a.signature, a.day).cmp(&(b.signature, b.day));
            known.then_with(|| a.behind.cmp(&b.behind))
        });
        self.sessions.sort_unstable();
        self.sessions.dedup_by(|next, last| {
            let same = next.role_id == last.role_id && next.session == last.session;
            same && match (&next.fact, &last.fact) {
                (Fact::Shown(_), Fact::Shown(_)) | (Fact::Provider(_), Fact::Provider(_)) => true,
                (next, last) => next == last,
            }
        });
        self.objects.sort_unstable();
    }

    /// Rows that tell no calls apart as one.
    pub(super) fn gather(&mut self) {
        let mut rows: BTreeMap<(SignatureId, i32, Behind), Calls> = BTreeMap::new();
        for row in self.calls.drain(..) {
            match rows.get_mut(&(row.signature, row.day, row.behind.clone())) {
                None => {
                    rows.insert((row.signature, row.day, row.behind.clone()), row);
                }
                Some(known) => {
                    known.calls += row.calls;
                    (known.first, known.last) = (known.first.min(row.first), known.last.max(row.last));
                    let both = known.resources.iter().chain(&row.resources).map(String::as_str);
                    known.resources = shapes(both);
                }
            }
        }
        self.calls = rows.into_values().collect();
    }

    /// Both, where they hold no object in common.
    pub(super) fn add(&mut self, other: Part) {
        self.calls.extend(other.calls);
        self.gather();
        self.sessions.extend(other.sessions);
        self.coverage.merge(other.coverage);
        self.objects.extend(other.objects);
        self.unread += other.unread;
        self.sort();
    }

    /// The digests of what was read: two parts with the same hold the same.
    pub(super) fn manifest(&self) -> BTreeSet<&str> {
        self.objects.iter().map(|object| object.digest.as_str()).collect()
    }

    /// Whether a session, or its opening, still stands by its hash.
    pub(super) fn has_sessions(&self) -> bool {
        let is_session = |row: &Calls| matches!(row.behind, Behind::Session(_));
        !self.sessions.is_empty() || self.calls.iter().any(is_session)
    }

    /// Which of two parts with the same manifest is kept: one whose sessions are joined, then the one that knows more
    /// workloads, then any that both ledgers would choose.
    pub(super) fn rank(&self, other: &Part) -> Ordering {
        let known = |part: &Part| -> u64 {
            let named = |row: &&Calls| match &row.behind {
                Behind::Actor(actor) => actor.workload.is_some(),
                Behind::Nobody | Behind::Session(_) => false,
            };
            part.calls.iter().filter(named).map(|row| row.calls).sum()
        };
        let stamps = |part: &Part| -> Vec<Object> { part.objects.clone() };
        let coverage = |part: &Part| serde_json::to_string(&part.coverage).expect("coverage is JSON");
        (!self.has_sessions(), known(self))
            .cmp(&(!other.has_sessions(), known(other)))
            .then_with(|| other.unread.cmp(&self.unread))
            .then_with(|| self.sessions.cmp(&other.sessions))
            .then_with(|| stamps(self).cmp(&stamps(other)))
            .then_with(|| coverage(self).cmp(&coverage(other)))
            .then_with(|| {
                let calls = |part: &Part| -> Vec<(SignatureId, i32, Behind, u64)> {
                    let rows = part.calls.iter();
                    rows.map(|row| (row.signature, row.day, row.behind.clone(), row.calls))
                        .collect()
                };
                calls(self).cmp(&calls(other))
            })
    }
}
