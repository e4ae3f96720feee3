//! All calls, counted by signature and day.
//!
//! A signature holds what a call was, never which actions it needed: those are resolved when the table is analysed,
//! with that day's catalog, so that a better catalog improves old evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeBounds;

use super::shapes::{CHILDREN, shapes};
use crate::attribute::{PrincipalKind, Workload};
use crate::resolve::Facts;

/// Seconds in a day.
const DAY: i64 = 86_400;

/// A string that the table holds once.
type Text = u32;

/// Who made calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Caller {
    /// Role, user, …
    pub kind: PrincipalKind,
    /// ARN; may be empty.
    pub arn: String,
    /// Unique id; may be empty.
    pub id: String,
    /// Account; may be empty.
    pub account: String,
}

/// What a call was, apart from its moment and resources.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Signature {
    /// Who.
    pub caller: Caller,
    /// The account that received the event.
    pub account: String,
    /// Where.
    pub region: String,
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// `errorCode`; empty for success.
    pub error_code: String,
    /// The action that a denial's message names; empty for none.
    pub denied_action: String,
    /// Facts of the request that decide which actions it needed; see [`Facts`].
    pub facts: Facts,
}

/// One signature on one day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Index into [`Table::signatures`].
    pub signature: usize,
    /// Days since 1970.
    pub day: i32,
    /// How many calls.
    pub calls: u64,
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

/// Calls of one workload under one role.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WorkloadCalls {
    /// The role's unique id.
    pub role_id: String,
    /// Who stood behind it; `None` where no event shows it.
    pub workload: Option<Workload>,
    /// Calls.
    pub calls: u64,
}

/// What is known of one session before its calls and its opening are joined: they may stand in different parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Session {
    /// The role's unique id.
    pub role_id: String,
    /// The session's access key; together with the role's id it names the session.
    pub access_key_id: String,
    /// Calls; 0 where only the opening was seen.
    pub calls: u64,
    /// The workload that the calls themselves show, the least of several.
    pub shown: Option<Workload>,
    /// The workloads that opened the session; two different ones join to none.
    pub opened: BTreeSet<Workload>,
}

/// All calls, sorted; equal for equal input, whatever order it was read in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// Distinct signatures.
    pub signatures: Vec<Seen>,
    /// Their days.
    pub rows: Vec<Row>,
    /// Who stood behind roles, as far as sessions are joined.
    pub workloads: Vec<WorkloadCalls>,
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

    /// Joins calls with the openings of their sessions and counts them by workload. To be done last: a part that is
    /// merged later could hold a session's other half.
    pub fn join_sessions(&mut self) {
        let mut workloads: BTreeMap<(String, Option<Workload>), u64> = BTreeMap::new();
        for known in self.workloads.drain(..) {
            *workloads.entry((known.role_id, known.workload)).or_default() += known.calls;
        }
        for session in self.sessions.drain(..).filter(|session| session.calls > 0) {
            let mut opened = session.opened.into_iter();
            let opener = opened.next().filter(|_| opened.next().is_none());
            let workload = opener.or(session.shown);
            *workloads.entry((session.role_id, workload)).or_default() += session.calls;
        }
        let joined = workloads.into_iter().map(|((role_id, workload), calls)| WorkloadCalls {
            role_id,
            workload,
            calls,
        });
        self.workloads = joined.collect();
    }

    /// What was called on some days (since 1970), as far as the table tells days apart.
    ///
    /// A first or last call outside them becomes the bounds of the first or last day that counts, without an event id.
    /// Workloads are counted over the whole table, so none stand here.
    pub fn days(&self, days: impl RangeBounds<i32>) -> Table {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| days.contains(&row.day)).collect();
        let mut spans: BTreeMap<usize, (i32, i32)> = BTreeMap::new();
        for row in &rows {
            let (first, last) = spans.entry(row.signature).or_insert((row.day, row.day));
            (*first, *last) = ((*first).min(row.day), (*last).max(row.day));
        }
        let mut number = BTreeMap::new();
        let mut signatures = Vec::with_capacity(spans.len());
        for (signature, (first, last)) in spans {
            number.insert(signature, signatures.len());
            let mut seen = self.signatures[signature].clone();
            let (first, last) = (i64::from(first), i64::from(last));
            if seen.first.day() != first {
                seen.first = Witness::unknown(first * DAY);
            }
            if seen.last.day() != last {
                seen.last = Witness::unknown(last * DAY + DAY - 1);
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
            workloads: Vec::new(),
            sessions: Vec::new(),
        }
    }
}

impl Witness {
    /// A moment of which no event is known.
    fn unknown(time: i64) -> Witness {
        Witness {
            time,
            event_id: String::new(),
        }
    }

    /// Days since 1970.
    fn day(&self) -> i64 {
        self.time.div_euclid(DAY)
    }
}

/// Key of a session: the role's id and the access key.
pub(super) type SessionKey = (Text, Text);

/// What is known of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionCalls {
    pub(super) calls: u64,
    /// What its own events show.
    pub(super) shown: Option<Workload>,
    /// What its opening shows; two different ones join to none.
    pub(super) opened: BTreeSet<Workload>,
}

/// A [`Signature`] in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) kind: PrincipalKind,
    /// In order: the caller's ARN, id and account; account, region, source, name, error code, denied action.
    pub(super) texts: [Text; 9],
    pub(super) facts: u32,
}

/// A table that grows: strings interned, rows in a hash map.
#[derive(Default)]
pub(super) struct Builder {
    signatures: HashMap<Key, u32>,
    seen: Vec<(Key, Witness, Witness)>,
    rows: HashMap<(u32, i32), (u64, BTreeSet<Text>)>,
    texts: HashMap<Box<str>, Text>,
    names: Vec<Box<str>>,
    facts: HashMap<Facts, u32>,
    fact_list: Vec<Facts>,
    pub(super) sessions: HashMap<SessionKey, SessionCalls>,
    /// Calls whose sessions are joined already.
    workloads: BTreeMap<(String, Option<Workload>), u64>,
}

/// Positions come from vectors that hold fewer than 2³² entries: each takes more than a byte of memory.
fn number(length: usize) -> u32 {
    u32::try_from(length).expect("fewer than 2^32 distinct strings fit in memory")
}

impl Builder {
    pub(super) fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let index = number(self.names.len());
        self.names.push(text.into());
        self.texts.insert(text.into(), index);
        index
    }

    pub(super) fn facts(&mut self, facts: &Facts) -> u32 {
        if let Some(known) = self.facts.get(facts) {
            return *known;
        }
        let index = number(self.fact_list.len());
        self.fact_list.push(facts.clone());
        self.facts.insert(facts.clone(), index);
        index
    }

    /// The number of a signature, with this call as a witness.
    pub(super) fn signature(&mut self, key: Key, time: i64, event_id: &str) -> u32 {
        let witness = || Witness {
            time,
            event_id: event_id.to_owned(),
        };
        let index = match self.signatures.get(&key) {
            Some(known) => *known,
            None => {
                let index = number(self.seen.len());
                self.seen.push((key, witness(), witness()));
                self.signatures.insert(key, index);
                index
            }
        };
        let (_, first, last) = &mut self.seen[index as usize];
        if (time, event_id) < (first.time, first.event_id.as_str()) {
            *first = witness();
        }
        if (time, event_id) > (last.time, last.event_id.as_str()) {
            *last = witness();
        }
        index
    }

    /// Adds calls of a signature on a day, with the resources that they named.
    pub(super) fn count<'a>(&mut self, signature: u32, day: i32, calls: u64, resources: impl Iterator<Item = &'a str>) {
        let resources: Vec<Text> = resources.map(|arn| self.text(arn)).collect();
        let (count, known) = self.rows.entry((signature, day)).or_default();
        *count += calls;
        known.extend(resources);
        if known.len() > CHILDREN {
            let arns: Vec<&str> = known.iter().map(|text| &*self.names[*text as usize]).collect();
            let fewer = shapes(arns);
            // Only a set that shrank is worth storing again; the rest waits for the table to be finished.
            if fewer.len() < known.len() {
                let fewer: BTreeSet<Text> = fewer.iter().map(|shape| self.text(shape)).collect();
                if let Some((_, known)) = self.rows.get_mut(&(signature, day)) {
                    *known = fewer;
                }
            }
        }
    }

    /// Both, as if one builder had counted all.
    pub(super) fn merge(&mut self, other: Builder) {
        let texts: Vec<Text> = other.names.iter().map(|text| self.text(text)).collect();
        let facts: Vec<u32> = other.fact_list.iter().map(|facts| self.facts(facts)).collect();
        let mut numbers = Vec::with_capacity(other.seen.len());
        for (key, first, last) in &other.seen {
            let key = Key {
                kind: key.kind,
                texts: key.texts.map(|text| texts[text as usize]),
                facts: facts[key.facts as usize],
            };
            self.signature(key, first.time, &first.event_id);
            numbers.push(self.signature(key, last.time, &last.event_id));
        }
        for ((signature, day), (calls, resources)) in other.rows {
            let arns = resources.iter().map(|text| &*other.names[*text as usize]);
            self.count(numbers[signature as usize], day, calls, arns);
        }
        for ((role, key), session) in other.sessions {
            self.session(texts[role as usize], texts[key as usize], session);
        }
        for (key, calls) in other.workloads {
            *self.workloads.entry(key).or_default() += calls;
        }
    }

    /// Adds a table that is done.
    fn absorb(&mut self, table: Table) {
        let mut numbers = Vec::with_capacity(table.signatures.len());
        for seen in &table.signatures {
            let Signature {
                caller,
                account,
                region,
                event_source,
                event_name,
                error_code,
                denied_action,
                facts,
            } = &seen.signature;
            let Caller {
                kind,
                arn,
                id,
                account: caller_account,
            } = caller;
            let texts = [
                arn,
                id,
                caller_account,
                account,
                region,
                event_source,
                event_name,
                error_code,
                denied_action,
            ];
            let key = Key {
                kind: *kind,
                texts: texts.map(|text| self.text(text)),
                facts: self.facts(facts),
            };
            self.signature(key, seen.first.time, &seen.first.event_id);
            numbers.push(self.signature(key, seen.last.time, &seen.last.event_id));
        }
        for row in &table.rows {
            let resources = row.resources.iter().map(String::as_str);
            self.count(numbers[row.signature], row.day, row.calls, resources);
        }
        for session in table.sessions {
            let (role, key) = (self.text(&session.role_id), self.text(&session.access_key_id));
            let calls = SessionCalls {
                calls: session.calls,
                shown: session.shown,
                opened: session.opened,
            };
            self.session(role, key, calls);
        }
        for known in table.workloads {
            *self.workloads.entry((known.role_id, known.workload)).or_default() += known.calls;
        }
    }

    fn session(&mut self, role: Text, key: Text, more: SessionCalls) {
        let mine = self.sessions.entry((role, key)).or_default();
        mine.calls += more.calls;
        mine.shown = mine.shown.take().into_iter().chain(more.shown).min();
        mine.opened.extend(more.opened);
    }

    /// Sorts everything, so that equal input gives an equal table.
    pub(super) fn finish(self) -> Table {
        let mut seen: Vec<(usize, Seen)> = self
            .seen
            .iter()
            .enumerate()
            .map(|(index, (key, first, last))| {
                let signature = self.spell(key);
                (
                    index,
                    Seen {
                        signature,
                        first: first.clone(),
                        last: last.clone(),
                    },
                )
            })
            .collect();
        seen.sort_by(|(_, a), (_, b)| a.signature.cmp(&b.signature));
        let mut number = vec![0; seen.len()];
        for (new, (old, _)) in seen.iter().enumerate() {
            number[*old] = new;
        }
        let mut rows: Vec<Row> = self
            .rows
            .into_iter()
            .map(|((signature, day), (calls, resources))| Row {
                signature: number[signature as usize],
                day,
                calls,
                resources: shapes(resources.iter().map(|text| &*self.names[*text as usize]))
                    .into_iter()
                    .collect(),
            })
            .collect();
        rows.sort_by_key(|row| (row.signature, row.day));
        let signatures = seen.into_iter().map(|(_, seen)| seen).collect();

        let name = |text: Text| self.names[text as usize].to_string();
        let sessions = self.sessions.into_iter().map(|((role, key), session)| Session {
            role_id: name(role),
            access_key_id: name(key),
            calls: session.calls,
            shown: session.shown,
            opened: session.opened,
        });
        let mut sessions: Vec<Session> = sessions.collect();
        sessions.sort_unstable();
        let workloads = self
            .workloads
            .into_iter()
            .map(|((role_id, workload), calls)| WorkloadCalls {
                role_id,
                workload,
                calls,
            });
        Table {
            signatures,
            rows,
            workloads: workloads.collect(),
            sessions,
        }
    }

    fn spell(&self, key: &Key) -> Signature {
        let [
            arn,
            id,
            caller_account,
            account,
            region,
            event_source,
            event_name,
            error_code,
            denied_action,
        ] = key.texts.map(|text| self.names[text as usize].to_string());
        Signature {
            caller: Caller {
                kind: key.kind,
                arn,
                id,
                account: caller_account,
            },
            account,
            region,
            event_source,
            event_name,
            error_code,
            denied_action,
            facts: self.fact_list[key.facts as usize].clone(),
        }
    }
}

#[cfg(test)]
mod tests;
