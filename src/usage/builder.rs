//! A table that grows: strings and signatures are numbers, rows a vector.
//!
//! Nothing is allocated for a call whose signature, day and resources were met before.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::shapes::{self, CHILDREN, shapes};
use super::table::{Behind, Caller, Row, Seen, Session, Signature, Table, Witness};
use super::texts::{Text, Texts, position};
use crate::attribute::opening::Opening;
use crate::attribute::{Actor, Opener, Openings, PrincipalKind, Shown, Workload, WorkloadKind, behind, shown};
use crate::decode::Identity;
use crate::resolve::Facts;

/// A [`Signature`] in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) kind: PrincipalKind,
    /// In order: the caller's ARN, id and account; account, region, source, name, error code, denied action.
    pub(super) texts: [Text; 9],
    pub(super) facts: u32,
}

/// Who stood behind a row's caller, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Whose {
    /// See [`Behind::Nobody`].
    #[default]
    Nobody,
    /// A session by its number.
    Session(u32),
    /// Somebody by a number.
    Actor(u32),
}

/// What is known of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionFacts {
    /// What its own events show, the least of several.
    pub(super) shown: Option<Box<Shown>>,
    /// The identity provider that they show; may be empty.
    pub(super) provider: Arc<str>,
    /// What opened it.
    pub(super) opened: Openings,
}

impl SessionFacts {
    /// A call shows this workload itself.
    pub(super) fn show(&mut self, said: bool, kind: WorkloadKind, name: &str) {
        let known = self.shown.as_ref();
        let known = known.map(|known| (known.said, known.workload.kind, known.workload.name.as_str()));
        if known.is_none_or(|known| (said, kind, name) < known) {
            let workload = Workload::plain(kind, name);
            self.shown = Some(Box::new(Shown { said, workload }));
        }
    }
}

struct SeenSoFar {
    key: Key,
    first: Witness,
    last: Witness,
}

struct RowSoFar {
    signature: u32,
    day: i32,
    whose: Whose,
    calls: u64,
    first: i64,
    last: i64,
    /// Shapes, ascending.
    resources: Vec<Text>,
    /// Those of them that end in a wildcard, and absorb what starts like them.
    absorbing: Vec<Text>,
    /// With so many shapes, see whether fewer will do.
    many: usize,
}

/// The table so far.
#[derive(Default)]
pub(super) struct Builder {
    texts: Texts,
    facts: HashMap<Arc<Facts>, u32, RandomState>,
    fact_list: Vec<Arc<Facts>>,
    signatures: HashMap<Key, u32, RandomState>,
    seen: Vec<SeenSoFar>,
    /// (signature, day, whose) to row
    days: HashMap<(u32, i32, Whose), u32, RandomState>,
    rows: Vec<RowSoFar>,
    /// (role's id, access key) to session
    keys: HashMap<(Text, Text), u32, RandomState>,
    sessions: Vec<SessionFacts>,
    openers: HashSet<Arc<Opener>, RandomState>,
    /// Those whose sessions are joined already, or never were seen.
    actors: HashMap<Arc<Actor>, u32, RandomState>,
    actor_list: Vec<Arc<Actor>>,
}

impl Builder {
    pub(super) fn text(&mut self, text: &str) -> Text {
        self.texts.number(text)
    }

    pub(super) fn facts(&mut self, facts: &Arc<Facts>) -> u32 {
        if let Some(known) = self.facts.get(facts) {
            return *known;
        }
        let index = position(self.fact_list.len());
        self.fact_list.push(Arc::clone(facts));
        self.facts.insert(Arc::clone(facts), index);
        index
    }

    /// The number of a signature, with this call as a witness.
    pub(super) fn signature(&mut self, key: Key, time: i64, event_id: &str) -> u32 {
        let index = *self.signatures.entry(key).or_insert_with(|| {
            let witness = || Witness {
                time,
                event_id: event_id.to_owned(),
            };
            self.seen.push(SeenSoFar {
                key,
                first: witness(),
                last: witness(),
            });
            position(self.seen.len() - 1)
        });
        self.witness(index, time, event_id);
        index
    }

    /// Another call of a signature.
    pub(super) fn witness(&mut self, signature: u32, time: i64, event_id: &str) {
        let SeenSoFar { first, last, .. } = &mut self.seen[signature as usize];
        if (time, event_id) < (first.time, first.event_id.as_str()) {
            replace(first, time, event_id);
        }
        if (time, event_id) > (last.time, last.event_id.as_str()) {
            replace(last, time, event_id);
        }
    }

    /// The number of the row of a signature, a day and whoever called. A new one counts nothing yet, between these seconds.
    pub(super) fn row(&mut self, (signature, day, whose): (u32, i32, Whose), (first, last): (i64, i64)) -> u32 {
        *self.days.entry((signature, day, whose)).or_insert_with(|| {
            self.rows.push(RowSoFar {
                signature,
                day,
                whose,
                calls: 0,
                first,
                last,
                resources: Vec::new(),
                absorbing: Vec::new(),
                many: CHILDREN + 1,
            });
            position(self.rows.len() - 1)
        })
    }

    /// Adds calls to a row, with the seconds of the first and the last.
    pub(super) fn count(&mut self, row: u32, calls: u64, (first, last): (i64, i64)) {
        let counted = &mut self.rows[row as usize];
        counted.calls += calls;
        counted.first = counted.first.min(first);
        counted.last = counted.last.max(last);
    }

    /// Calls of a row named a resource of this shape.
    pub(super) fn name_shape(&mut self, row: u32, shape: &str) {
        let Self { rows, texts, .. } = self;
        let absorbs = |absorbing: &Text| shapes::absorbs(texts.text(*absorbing), shape);
        if !rows[row as usize].absorbing.iter().any(absorbs) {
            let shape = self.text(shape);
            self.name(row, &[shape]);
        }
    }

    /// Calls of a row named resources of these shapes.
    pub(super) fn name(&mut self, row: u32, resources: &[Text]) {
        let Self { rows, texts, .. } = self;
        let row = &mut rows[row as usize];
        for resource in resources {
            if let Err(place) = row.resources.binary_search(resource) {
                row.resources.insert(place, *resource);
                if shapes::is_absorbing(texts.text(*resource)) {
                    row.absorbing.push(*resource);
                }
            }
        }
        if row.resources.len() < row.many {
            return;
        }
        let fewer = shapes(row.resources.iter().map(|number| texts.text(*number)));
        row.resources = fewer.iter().map(|shape| texts.number(shape)).collect();
        row.resources.sort_unstable();
        row.absorbing.clone_from(&row.resources);
        row.absorbing.retain(|number| shapes::is_absorbing(texts.text(*number)));
        row.many = 2 * row.resources.len().max(CHILDREN);
    }

    /// The session of a role's id and an access key.
    pub(super) fn session(&mut self, role_id: &str, access_key_id: &str) -> u32 {
        let key = (self.text(role_id), self.text(access_key_id));
        *self.keys.entry(key).or_insert_with(|| {
            self.sessions.push(SessionFacts::default());
            position(self.sessions.len() - 1)
        })
    }

    /// What is known of the session that has this number.
    pub(super) fn facts_of_session(&mut self, number: u32) -> &mut SessionFacts {
        &mut self.sessions[number as usize]
    }

    /// A session was opened.
    pub(super) fn open(&mut self, session: u32, opening: Opening) {
        let Opening { opener, sessions, .. } = &opening;
        let opener = match self.openers.get(opener) {
            Some(known) => Arc::clone(known),
            None => {
                self.openers.insert(Arc::clone(opener));
                Arc::clone(opener)
            }
        };
        let sessions = self.text(sessions);
        let opening = Opening {
            opener,
            sessions: self.texts.shared(sessions),
            ..opening
        };
        self.facts_of_session(session).opened.insert(opening);
    }

    /// A call of a session shows this identity provider; a session has one.
    pub(super) fn show_provider(&mut self, session: u32, provider: &str) {
        let known = &self.sessions[session as usize].provider;
        if !provider.is_empty() && (known.is_empty() || *provider < **known) {
            let provider = self.text(provider);
            self.sessions[session as usize].provider = self.texts.shared(provider);
        }
    }

    /// More is known of a session.
    fn add(&mut self, session: u32, more: SessionFacts) {
        let shown = &mut self.facts_of_session(session).shown;
        *shown = shown.take().into_iter().chain(more.shown).min();
        self.show_provider(session, &more.provider);
        for opening in more.opened {
            self.open(session, opening);
        }
    }

    /// Somebody who stood behind calls.
    pub(super) fn actor(&mut self, actor: &Arc<Actor>) -> Whose {
        if let Some(known) = self.actors.get(actor) {
            return Whose::Actor(*known);
        }
        let number = position(self.actor_list.len());
        self.actor_list.push(Arc::clone(actor));
        self.actors.insert(Arc::clone(actor), number);
        Whose::Actor(number)
    }

    /// A session of which no key is known: what its calls themselves show of it.
    pub(super) fn keyless(&mut self, identity: &Identity, from_console: bool) -> Whose {
        let shown = shown(identity, "", from_console).map(|(said, kind, name)| Shown {
            said,
            workload: Workload::plain(kind, name),
        });
        let provider = identity.federated_provider.as_deref().unwrap_or("");
        let actor = behind(&Openings::default(), shown.as_ref(), provider, (0, 0), &|_, _| None);
        self.actor(&Arc::new(actor))
    }

    /// Both, as if one builder had counted all.
    pub(super) fn merge(&mut self, other: Builder) {
        if self.seen.is_empty() && self.sessions.is_empty() {
            *self = other;
            return;
        }
        let texts: Vec<Text> = other.texts.iter().map(|text| self.text(text)).collect();
        let facts: Vec<u32> = other.fact_list.iter().map(|facts| self.facts(facts)).collect();
        // What finds entries in it is needed no more.
        drop((other.signatures, other.days));
        let mut numbers = Vec::with_capacity(other.seen.len());
        for seen in other.seen {
            let key = Key {
                kind: seen.key.kind,
                texts: seen.key.texts.map(|text| texts[text as usize]),
                facts: facts[seen.key.facts as usize],
            };
            self.signature(key, seen.first.time, &seen.first.event_id);
            numbers.push(self.signature(key, seen.last.time, &seen.last.event_id));
        }
        let mut sessions = other.sessions;
        let mut session_numbers = vec![0; sessions.len()];
        for ((role, key), number) in other.keys {
            let theirs = std::mem::take(&mut sessions[number as usize]);
            let mine = self.session(other.texts.text(role), other.texts.text(key));
            self.add(mine, theirs);
            session_numbers[number as usize] = mine;
        }
        let actors: Vec<Whose> = other.actor_list.iter().map(|actor| self.actor(actor)).collect();
        for theirs in other.rows {
            let whose = match theirs.whose {
                Whose::Nobody => Whose::Nobody,
                Whose::Session(number) => Whose::Session(session_numbers[number as usize]),
                Whose::Actor(number) => actors[number as usize],
            };
            let place = (numbers[theirs.signature as usize], theirs.day, whose);
            let span = (theirs.first, theirs.last);
            let row = self.row(place, span);
            self.count(row, theirs.calls, span);
            let resources: Vec<Text> = theirs.resources.iter().map(|text| texts[*text as usize]).collect();
            self.name(row, &resources);
        }
    }

    /// Adds a table that is done.
    pub(super) fn absorb(&mut self, table: Table) {
        let mut numbers = Vec::with_capacity(table.signatures.len());
        for seen in &table.signatures {
            let key = self.key(&seen.signature);
            self.signature(key, seen.first.time, &seen.first.event_id);
            numbers.push(self.signature(key, seen.last.time, &seen.last.event_id));
        }
        for theirs in &table.rows {
            let resources: Vec<Text> = theirs.resources.iter().map(|shape| self.text(shape)).collect();
            let whose = match table.behind.get(theirs.behind) {
                None | Some(Behind::Nobody) => Whose::Nobody,
                Some(Behind::Session(key)) => {
                    let role_id = &table.signatures[theirs.signature].signature.caller.id;
                    Whose::Session(self.session(role_id, key))
                }
                Some(Behind::Actor(actor)) => self.actor(actor),
            };
            let place = (numbers[theirs.signature], theirs.day, whose);
            let span = (theirs.first, theirs.last);
            let row = self.row(place, span);
            self.count(row, theirs.calls, span);
            self.name(row, &resources);
        }
        for theirs in table.sessions {
            let mine = self.session(&theirs.role_id, &theirs.access_key_id);
            let facts = SessionFacts {
                shown: theirs.shown,
                provider: theirs.provider,
                opened: theirs.opened,
            };
            self.add(mine, facts);
        }
    }

    fn key(&mut self, signature: &Signature) -> Key {
        let Signature {
            caller,
            account,
            region,
            event_source,
            event_name,
            error_code,
            denied_action,
            facts,
        } = signature;
        let texts = [
            &caller.arn,
            &caller.id,
            &caller.account,
            account,
            region,
            event_source,
            event_name,
            error_code,
            denied_action,
        ];
        Key {
            kind: caller.kind,
            texts: texts.map(|text| self.text(text)),
            facts: self.facts(facts),
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
        ] = key.texts.map(|text| self.texts.shared(text));
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
            facts: Arc::clone(&self.fact_list[key.facts as usize]),
        }
    }

    /// As [`Signature`]s compare.
    fn compare(&self, a: &Key, b: &Key) -> Ordering {
        let texts = || {
            let both = a.texts.iter().zip(&b.texts).find(|(a, b)| a != b);
            both.map_or(Ordering::Equal, |(a, b)| self.texts.text(*a).cmp(self.texts.text(*b)))
        };
        let facts = |key: &Key| &self.fact_list[key.facts as usize];
        a.kind
            .cmp(&b.kind)
            .then_with(texts)
            .then_with(|| facts(a).cmp(facts(b)))
    }

    /// Sorts everything, so that equal input gives an equal table. What is left is empty, and keeps its memory for more.
    pub(super) fn finish(&mut self) -> Table {
        let mut seen: Vec<(usize, SeenSoFar)> = self.seen.drain(..).enumerate().collect();
        seen.sort_unstable_by(|(_, a), (_, b)| self.compare(&a.key, &b.key));
        let mut number = vec![0; seen.len()];
        for (new, (old, _)) in seen.iter().enumerate() {
            number[*old] = new;
        }
        let signatures = seen.into_iter().map(|(_, seen)| Seen {
            signature: self.spell(&seen.key),
            first: seen.first,
            last: seen.last,
        });
        let signatures: Vec<Seen> = signatures.collect();
        debug_assert!(signatures.is_sorted_by(|a, b| a.signature < b.signature));
        let (behind, places) = self.behind();
        let text = |number: &Text| self.texts.text(*number);
        let rows = self.rows.iter().map(|row| Row {
            signature: number[row.signature as usize],
            day: row.day,
            behind: places[&row.whose],
            calls: row.calls,
            first: row.first,
            last: row.last,
            resources: shapes(row.resources.iter().map(text)),
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_unstable_by_key(|row| (row.signature, row.day, row.behind));

        let unjoined = &mut self.sessions;
        let sessions = self.keys.iter().map(|((role, key), number)| {
            let session = std::mem::take(&mut unjoined[*number as usize]);
            Session {
                role_id: self.texts.shared(*role),
                access_key_id: self.texts.shared(*key),
                shown: session.shown,
                provider: session.provider,
                opened: session.opened,
            }
        });
        // Of others the rows tell all there is.
        let tells =
            |session: &Session| session.shown.is_some() || !session.provider.is_empty() || !session.opened.is_empty();
        let mut sessions: Vec<Session> = sessions.filter(tells).collect();
        sessions.sort_unstable();
        self.texts.clear();
        self.facts.clear();
        self.fact_list.clear();
        self.signatures.clear();
        self.days.clear();
        self.rows.clear();
        self.keys.clear();
        self.sessions.clear();
        self.openers.clear();
        self.actors.clear();
        self.actor_list.clear();
        Table {
            signatures,
            rows,
            behind,
            workloads: Vec::new(),
            clusters: BTreeMap::new(),
            sessions,
        }
    }

    /// Those who stand behind rows, sorted, and the places of their numbers. Of two roles' sessions with one key the list
    /// holds one: the signature tells the role.
    fn behind(&self) -> (Vec<Behind>, HashMap<Whose, usize, RandomState>) {
        let keys: HashMap<u32, Text, RandomState> =
            self.keys.iter().map(|((_, key), number)| (*number, *key)).collect();
        let numbers: HashSet<Whose, RandomState> = self.rows.iter().map(|row| row.whose).collect();
        let mut all: Vec<(Behind, Whose)> = numbers
            .into_iter()
            .map(|whose| {
                let behind = match whose {
                    Whose::Nobody => Behind::Nobody,
                    Whose::Session(number) => Behind::Session(self.texts.shared(keys[&number])),
                    Whose::Actor(number) => Behind::Actor(Arc::clone(&self.actor_list[number as usize])),
                };
                (behind, whose)
            })
            .collect();
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut behind = vec![Behind::Nobody];
        let mut places = HashMap::default();
        for (each, whose) in all {
            if behind.last() != Some(&each) {
                behind.push(each);
            }
            places.insert(whose, behind.len() - 1);
        }
        (behind, places)
    }
}

/// Another witness in the same memory.
fn replace(witness: &mut Witness, time: i64, event_id: &str) {
    witness.time = time;
    witness.event_id.clear();
    witness.event_id.push_str(event_id);
}
