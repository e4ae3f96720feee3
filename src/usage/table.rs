//! All calls, counted by signature and day.
//!
//! A signature holds what a call was, never which actions it needed: those are resolved when the table is analysed,
//! with that day's catalog, so that a better catalog improves old evidence.

use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Arc;

use super::builder::Builder;
use super::join;
use crate::attribute::{Actor, Openings, PrincipalKind, Shown};
use crate::resolve::Facts;

/// Who made calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Caller {
    /// Role, user, …
    pub kind: PrincipalKind,
    /// ARN; may be empty.
    pub arn: Arc<str>,
    /// Unique id; may be empty.
    pub id: Arc<str>,
    /// Account; may be empty.
    pub account: Arc<str>,
}

/// What a call was, apart from its moment and resources.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Signature {
    /// Who.
    pub caller: Caller,
    /// The account that received the event.
    pub account: Arc<str>,
    /// Where.
    pub region: Arc<str>,
    /// `eventSource`
    pub event_source: Arc<str>,
    /// `eventName`
    pub event_name: Arc<str>,
    /// `errorCode`; empty for success.
    pub error_code: Arc<str>,
    /// The action that a denial's message names; empty for none.
    pub denied_action: Arc<str>,
    /// Facts of the request that decide which actions it needed; see [`Facts`].
    pub facts: Arc<Facts>,
}

/// One signature on one day, by one of those who stood behind its caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Index into [`Table::signatures`].
    pub signature: usize,
    /// Days since 1970.
    pub day: i32,
    /// Index into [`Table::behind`].
    pub behind: usize,
    /// How many calls.
    pub calls: u64,
    /// Second of the first, since 1970.
    pub first: i64,
    /// Second of the last.
    pub last: i64,
    /// Shapes of the resources that they named.
    pub resources: Vec<String>,
}

/// First and last call of a signature.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Witness {
    /// Seconds since 1970.
    pub time: i64,
    /// `eventID`; may be empty.
    pub event_id: String,
}

/// A signature with its first and last call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// What was called.
    pub signature: Signature,
    /// The earliest call.
    pub first: Witness,
    /// The latest call.
    pub last: Witness,
}

/// Who stood behind a row's caller.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Behind {
    /// Nobody else: the caller is no role.
    #[default]
    Nobody,
    /// A session of the role that is not joined yet, by its access key.
    Session(Arc<str>),
    /// Whoever used the role, as far as it is known.
    Actor(Arc<Actor>),
}

impl Behind {
    /// Whoever used the role, where sessions are joined.
    pub fn actor(&self) -> Option<&Arc<Actor>> {
        match self {
            Behind::Actor(actor) => Some(actor),
            Behind::Nobody | Behind::Session(_) => None,
        }
    }
}

/// Calls of one workload under one role.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WorkloadCalls {
    /// The role's account.
    pub account: String,
    /// The role's unique id.
    pub role_id: String,
    /// Who stood behind it.
    pub actor: Arc<Actor>,
    /// Calls.
    pub calls: u64,
}

/// What is known of one session before its calls and its opening are joined: they may stand in different parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Session {
    /// The role's unique id.
    pub role_id: Arc<str>,
    /// The session's access key; together with the role's id it names the session.
    pub access_key_id: Arc<str>,
    /// The workload that the calls themselves show, the least of several.
    pub shown: Option<Box<Shown>>,
    /// The identity provider that the calls show; may be empty.
    pub provider: Arc<str>,
    /// What opened the session.
    pub opened: Openings,
}

/// All calls, sorted; equal for equal input, whatever order it was read in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// Distinct signatures.
    pub signatures: Vec<Seen>,
    /// Their days.
    pub rows: Vec<Row>,
    /// Who stood behind callers, sorted; the first is [`Behind::Nobody`].
    pub behind: Vec<Behind>,
    /// Who stood behind roles, once sessions are joined: what the rows say, added up.
    pub workloads: Vec<WorkloadCalls>,
    /// Clusters as workloads call them → their ARNs, once sessions are joined.
    pub clusters: BTreeMap<String, String>,
    /// Sessions that are not joined yet; see [`Table::join_sessions`].
    pub sessions: Vec<Session>,
}

impl Table {
    /// All parts as one table, in whatever order they come: the same as if all had been read in one run.
    pub fn merge(parts: impl IntoIterator<Item = Table>) -> Table {
        let mut builder = Builder::default();
        for part in parts {
            builder.absorb(part);
        }
        builder.finish()
    }

    /// The rows of each signature.
    pub fn rows_of(&self) -> Vec<Vec<&Row>> {
        let mut rows_of: Vec<Vec<&Row>> = vec![Vec::new(); self.signatures.len()];
        for row in &self.rows {
            rows_of[row.signature].push(row);
        }
        rows_of
    }

    /// Who stood behind a row's calls, where sessions are joined and the caller is a role.
    pub fn actor(&self, row: &Row) -> Option<&Arc<Actor>> {
        self.behind.get(row.behind)?.actor()
    }

    /// Joins calls with the openings of their sessions and counts them by workload. To be done last: a part that is
    /// merged later could hold a session's other half.
    pub fn join_sessions(&mut self) {
        join::join(self);
    }

    /// What was called on some days (since 1970), as far as the table tells days apart.
    ///
    /// A first or last call outside them gives way to the first or last that counts, whose event id nobody kept.
    /// Workloads are counted over the whole table, so none stand here.
    pub fn days(&self, days: impl RangeBounds<i32>) -> Table {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| days.contains(&row.day)).collect();
        let mut spans: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
        for row in &rows {
            let (first, last) = spans.entry(row.signature).or_insert((row.first, row.last));
            (*first, *last) = ((*first).min(row.first), (*last).max(row.last));
        }
        let mut number = BTreeMap::new();
        let mut signatures = Vec::with_capacity(spans.len());
        for (signature, (first, last)) in spans {
            number.insert(signature, signatures.len());
            let mut seen = self.signatures[signature].clone();
            if seen.first.time != first {
                seen.first = Witness::unknown(first);
            }
            if seen.last.time != last {
                seen.last = Witness::unknown(last);
            }
            signatures.push(seen);
        }
        let rows = rows.into_iter().map(|row| Row {
            signature: number[&row.signature],
            ..row.clone()
        });
        Table {
            rows: rows.collect(),
            signatures,
            behind: self.behind.clone(),
            workloads: Vec::new(),
            clusters: self.clusters.clone(),
            sessions: Vec::new(),
        }
    }
}

impl Witness {
    /// A moment of which no event is known.
    pub(super) fn unknown(time: i64) -> Witness {
        Witness {
            time,
            event_id: String::new(),
        }
    }
}

#[cfg(test)]
mod tests;
