//! One part as the ledger holds it: calls that name their signatures by hash, sessions, coverage, and what was read.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::signatures::SignatureId;
use super::text;
use crate::attribute::Workload;
use crate::coverage::Coverage;
use crate::usage::shapes::shapes;
use crate::usage::{self, Row};

/// One signature on one day; sorts by both.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Calls {
    pub(super) signature: SignatureId,
    pub(super) day: i32,
    pub(super) calls: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Shapes of the resources, sorted.
    pub(super) resources: Vec<String>,
}

/// What one session did, or who opened it; with an empty session, the calls of a workload whose sessions are joined.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Session {
    pub(super) role_id: String,
    pub(super) session: String,
    pub(super) opened: bool,
    pub(super) workload: Option<Workload>,
    pub(super) calls: u64,
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

impl Part {
    /// What was counted, in the ledger's terms; `ids` are those of the signatures that rows name by their places.
    pub(super) fn of(
        rows: Vec<Row>,
        ids: &[SignatureId],
        sessions: Vec<usage::Session>,
        coverage: Coverage,
        objects: Vec<Object>,
        identities: bool,
    ) -> Part {
        let calls = rows.into_iter().map(|row| Calls {
            signature: ids[row.signature],
            day: row.day,
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
        let kept = |workload: Workload| {
            if identities {
                workload
            } else {
                text::without_session_name(workload)
            }
        };
        for known in sessions {
            let hash = session_hash(&known.role_id, &known.access_key_id);
            let row = |opened: bool, workload: Option<Workload>, calls: u64| Session {
                role_id: known.role_id.clone(),
                session: hash.clone(),
                opened,
                workload: workload.map(kept),
                calls,
            };
            if known.calls > 0 {
                made.sessions.push(row(false, known.shown, known.calls));
            }
            made.sessions
                .extend(known.opened.into_iter().map(|workload| row(true, Some(workload), 0)));
        }
        made.sort();
        made
    }

    /// The one order in which a part is written.
    fn sort(&mut self) {
        self.calls.sort_unstable_by_key(|row| (row.signature, row.day));
        self.sessions.sort_unstable();
        self.sessions.dedup();
        self.objects.sort_unstable();
    }

    /// Both, where they hold no object in common.
    pub(super) fn add(&mut self, other: Part) {
        let mut rows: BTreeMap<(SignatureId, i32), Calls> = BTreeMap::new();
        for row in self.calls.drain(..).chain(other.calls) {
            match rows.get_mut(&(row.signature, row.day)) {
                None => {
                    rows.insert((row.signature, row.day), row);
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
        // (role, session, whether opened) → workloads and calls
        type Sessions = BTreeMap<(String, String, bool), (BTreeSet<Option<Workload>>, u64)>;
        let mut sessions = Sessions::new();
        let mut joined: BTreeMap<(String, Option<Workload>), u64> = BTreeMap::new();
        for row in self.sessions.drain(..).chain(other.sessions) {
            if row.session.is_empty() {
                *joined.entry((row.role_id, row.workload)).or_default() += row.calls;
            } else {
                let (workloads, calls) = sessions.entry((row.role_id, row.session, row.opened)).or_default();
                workloads.insert(row.workload);
                *calls += row.calls;
            }
        }
        for ((role_id, session, opened), (workloads, calls)) in sessions {
            // All openers stay, since two of them join to none; of what calls show, the least.
            let shown = || workloads.iter().flatten().next().cloned();
            let kept = if opened {
                workloads.clone()
            } else {
                BTreeSet::from([shown()])
            };
            self.sessions.extend(kept.into_iter().map(|workload| Session {
                role_id: role_id.clone(),
                session: session.clone(),
                opened,
                workload,
                calls,
            }));
        }
        self.sessions
            .extend(joined.into_iter().map(|((role_id, workload), calls)| Session {
                role_id,
                session: String::new(),
                opened: false,
                workload,
                calls,
            }));
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
    fn has_sessions(&self) -> bool {
        self.sessions.iter().any(|row| !row.session.is_empty())
    }

    /// Which of two parts with the same manifest is kept: one whose sessions are joined, then the one that knows more
    /// workloads, then any that both ledgers would choose.
    pub(super) fn rank(&self, other: &Part) -> Ordering {
        let known = |part: &Part| -> u64 {
            let named = part.sessions.iter().filter(|row| row.workload.is_some());
            named.map(|row| row.calls).sum()
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
                let calls = |part: &Part| -> Vec<(SignatureId, i32, u64)> {
                    part.calls
                        .iter()
                        .map(|row| (row.signature, row.day, row.calls))
                        .collect()
                };
                calls(self).cmp(&calls(other))
            })
    }
}
