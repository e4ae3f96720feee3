//! What one thread remembers from event to event, so that what repeats is worked out once.
//!
//! Trails repeat themselves: few operations, few sessions, and calls that differ only where nothing decides. All of this
//! may be forgotten at any time; it changes how long a run takes, never what comes out.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::builder::Whose;
use super::duplicates;
use super::shapes::{generalise, generalise_into};
use super::texts::{Text, position};
use crate::attribute::{Attribution, PrincipalKind, WorkloadKind, identity_of, session_name, session_of, shown};
use crate::catalog::Catalog;
use crate::decode::keyed::Keyed;
use crate::decode::{Event, Identity};
use crate::resolve::{self, Facts, Observed, Operation, Outline, Piece, Reading, fill};

/// Operations or observations that are kept; beyond, all are forgotten, so that a hostile trail costs no memory.
const MOST: usize = 1 << 14;
/// Longest reading that is kept, in bytes.
const LONGEST: usize = 4096;
/// Callers that are kept, a power of two.
const CALLERS: usize = 1 << 12;
/// Rows that are kept, a power of two.
const ROWS: usize = 1 << 11;

/// What a thread remembers.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) operations: Operations,
    pub(super) callers: Callers,
    pub(super) observations: Observations,
    pub(super) rows: Rows,
    pub(super) scratch: Scratch,
}

/// Room for a resource, the one before it, and its shape.
#[derive(Default)]
pub(super) struct Scratch {
    resource: String,
    last: String,
    shape: String,
}

impl Memory {
    /// Forgets where there is too much; to be called between events.
    pub(super) fn tidy(&mut self) {
        // Observations and rows name their operation by its number, so they go with it.
        let operations = self.operations.list.len() >= MOST;
        if operations {
            self.operations = Operations::default();
            self.rows = Rows::default();
        }
        let Observations { list, facts, .. } = &self.observations;
        if operations || list.len().max(facts.len()) >= MOST {
            self.observations = Observations::default();
        }
    }
}

/// Something that holds in one shard only, such as a number of its builder.
pub(super) struct Local<T>(Option<(u64, T)>);

impl<T> Default for Local<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Local<T> {
    /// The value for the shard that has this number; made there when first asked for.
    pub(super) fn get(&mut self, shard: u64, make: impl FnOnce() -> T) -> &mut T {
        if self.0.as_ref().is_none_or(|(known, _)| *known != shard) {
            self.0 = None;
        }
        &mut self.0.get_or_insert_with(|| (shard, make())).1
    }
}

/// Operations by event source and name.
#[derive(Default)]
pub(super) struct Operations {
    list: Vec<KnownOperation>,
    numbers: HashTable<u32>,
    hash: RandomState,
}

/// An operation that was met before.
pub(super) struct KnownOperation {
    pub(super) source: Box<str>,
    pub(super) name: Box<str>,
    pub(super) number: u32,
    pub(super) operation: Operation,
    /// The action that a denial named last, and in which the mapping agrees.
    pub(super) agreed: Box<str>,
    /// Source and name.
    pub(super) texts: Local<[Text; 2]>,
}

impl Operations {
    pub(super) fn of(&mut self, source: &str, name: &str) -> &mut KnownOperation {
        let Self { list, numbers, hash } = self;
        let hashed = hash.hash_one((source, name));
        let is_it = |number: &u32| {
            let known = &list[*number as usize];
            *known.name == *name && *known.source == *source
        };
        let number = match numbers.find(hashed, is_it) {
            Some(known) => *known,
            None => {
                let number = position(list.len());
                list.push(KnownOperation {
                    source: source.into(),
                    name: name.into(),
                    number,
                    operation: Operation::of(Catalog::embedded(), source, name),
                    agreed: Box::default(),
                    texts: Local::default(),
                });
                numbers.insert_unique(hashed, number, |number| {
                    let known = &list[*number as usize];
                    hash.hash_one((&*known.source, &*known.name))
                });
                number
            }
        };
        &mut list[number as usize]
    }
}

/// Callers by identity: identities that say the same are one and the same in memory, see [`Event::identity`].
pub(super) struct Callers {
    slots: Box<[Option<KnownCaller>]>,
    /// How many were met, those that are forgotten among them.
    met: u64,
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            slots: std::iter::repeat_with(|| None).take(CALLERS).collect(),
            met: 0,
        }
    }
}

/// What calls show of the workload: its kind, and whether the caller alone says so.
type Saying = Option<(bool, WorkloadKind)>;

/// Who calls with an identity.
pub(super) struct KnownCaller {
    /// Held, so that no other identity can take its place in memory.
    identity: Rc<Identity>,
    /// No other caller's, not even of one that is forgotten.
    pub(super) number: u64,
    /// See [`duplicates::print`].
    pub(super) print: u64,
    /// Whether each of its calls tells something of keys or of instances; see [`clients`].
    pub(super) has_client: bool,
    /// `None`: nobody's policies were asked.
    pub(super) principal: Option<Billed>,
    /// Whether it names nobody at all.
    pub(super) is_nobody: bool,
    /// A user agent, and what it and the identity show of the workload.
    shown: Option<((Box<str>, bool), Saying)>,
    /// The shard that was told so.
    told: u64,
    pub(super) numbers: Local<CallerNumbers>,
}

/// A principal, kept.
pub(super) struct Billed {
    pub(super) kind: PrincipalKind,
    pub(super) arn: Box<str>,
    pub(super) id: Box<str>,
    pub(super) account: Box<str>,
    /// The session's role id and access key.
    pub(super) session: Option<(Box<str>, Box<str>)>,
}

/// A caller in numbers of one builder.
pub(super) struct CallerNumbers {
    /// ARN, id, account.
    pub(super) texts: [Text; 3],
    pub(super) whose: Whose,
}

impl Callers {
    pub(super) fn of(&mut self, identity: &Rc<Identity>) -> &mut KnownCaller {
        // Addresses lie at even distances: a multiplication spreads them over its upper bits (Knuth, "The Art of Computer
        // Programming", 6.4).
        let spread = (Rc::as_ptr(identity).addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = &mut self.slots[(spread >> (u64::BITS - CALLERS.ilog2())) as usize];
        if slot
            .as_ref()
            .is_some_and(|known| !Rc::ptr_eq(&known.identity, identity))
        {
            *slot = None;
        }
        slot.get_or_insert_with(|| {
            self.met += 1;
            KnownCaller::new(identity, self.met)
        })
    }
}

impl KnownCaller {
    fn new(identity: &Rc<Identity>, number: u64) -> Self {
        let attribution = identity_of(identity);
        let principal = match &attribution {
            Attribution::Principal(principal) => Some(Billed {
                kind: principal.kind,
                arn: principal.arn.as_ref().into(),
                id: principal.id.into(),
                account: principal.account.into(),
                session: session_of(identity, principal)
                    .map(|session| (session.role_id.as_ref().into(), session.access_key_id.as_ref().into())),
            }),
            Attribution::NotACall(_) | Attribution::Nobody => None,
        };
        Self {
            identity: Rc::clone(identity),
            number,
            print: duplicates::print(identity),
            has_client: clients(identity) != Clients::default(),
            is_nobody: attribution == Attribution::Nobody,
            shown: None,
            told: 0,
            principal,
            numbers: Local::default(),
        }
    }
}

impl KnownCaller {
    /// The workload that a call with this user agent shows itself, and whether the caller alone says so; `None` where
    /// the shard that has this number was told so of the last call.
    pub(super) fn shown(
        &mut self,
        shard: u64,
        (user_agent, from_console): (&str, bool),
    ) -> Option<(bool, WorkloadKind, &str)> {
        let is_same = |known: &(Box<str>, bool)| (&*known.0, known.1) == (user_agent, from_console);
        let shown = match &self.shown {
            Some((known, _)) if is_same(known) && self.told == shard => return None,
            Some((known, shown)) if is_same(known) => *shown,
            Some(_) | None => {
                let shown = shown(&self.identity, user_agent, from_console).map(|(said, kind, _)| (said, kind));
                self.shown = Some(((user_agent.into(), from_console), shown));
                shown
            }
        };
        self.told = shard;
        let (said, kind) = shown?;
        Some((said, kind, session_name(&self.identity)?))
    }
}

/// What the calls of an identity tell beside themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Clients<'i> {
    /// The long-term key that is used.
    pub(super) key: Option<&'i str>,
    /// The id of the role that an instance holds.
    pub(super) instance_role: Option<&'i str>,
}

/// Long-term keys, and the roles that instances hold.
pub(super) fn clients(identity: &Identity) -> Clients<'_> {
    // An instance's session has the instance's id for a name (IAM user guide, "Policy variables").
    let id = identity.principal_id.as_deref().and_then(|id| id.split_once(':'));
    let is_instance = |session: &str| session.starts_with("i-") || identity.delivered_by_ec2().is_some();
    let instance = id.filter(|(role, session)| role.starts_with("AROA") && is_instance(session));
    Clients {
        // Temporary keys start with ASIA (IAM user guide, "Understanding unique ID prefixes").
        key: identity.access_key_id.as_deref().filter(|key| key.starts_with("AKIA")),
        instance_role: instance.map(|(role, _)| role),
    }
}

/// Observations by what they depend on.
pub(super) struct Observations {
    list: Vec<KnownObservation>,
    /// Their places, by what was read.
    numbers: HashTable<(Read, u32)>,
    /// What they say of the request; many say the same.
    facts: Vec<KnownFacts>,
    fact_numbers: HashMap<Arc<Facts>, u32, RandomState>,
    hash: RandomState,
    keyed: Keyed,
    reading: Reading,
    /// Hashes of what was met once. Only what comes again is kept, and much never does.
    once: Box<[u64]>,
    /// One that was met for the first time.
    new: KnownObservation,
}

impl Default for Observations {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            numbers: HashTable::new(),
            facts: Vec::new(),
            fact_numbers: HashMap::default(),
            hash: RandomState::default(),
            keyed: Keyed::new(LONGEST),
            reading: Reading::default(),
            once: vec![0; 2 * MOST].into(),
            new: KnownObservation::default(),
        }
    }
}

/// What was read of an event, by a keyed hash: nothing is compared with texts that left the processor's cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Read {
    /// The operation's number.
    operation: u32,
    length: usize,
    hash: u128,
}

/// What calls that read alike say.
#[derive(Default)]
pub(super) struct KnownObservation {
    /// The names that were left out are more than names: such events are read whole.
    refused: bool,
    /// Place in [`Observations::facts`].
    facts: u32,
    /// Shapes of the resources that all of them name.
    pub(super) shapes: Vec<String>,
    /// Resources that take in each call's own names.
    open: Vec<Vec<Piece>>,
    pub(super) numbers: Local<ObservationNumbers>,
}

/// Facts, and their number in one builder.
#[derive(Default)]
pub(super) struct KnownFacts {
    pub(super) facts: Arc<Facts>,
    pub(super) number: Local<u32>,
}

/// An observation in numbers of one builder.
pub(super) struct ObservationNumbers {
    pub(super) facts: u32,
    pub(super) shapes: Box<[Text]>,
    /// The row that these shapes were added to last.
    pub(super) row: Option<u32>,
    /// What the coverage was told last, on behalf of such a call.
    pub(super) noted: Option<Noted>,
}

/// Where and when a call of a class was heard, to the hour. Hearing it again adds nothing to the coverage.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) hour: i64,
    pub(super) account: Text,
    pub(super) region: Text,
    pub(super) is_data: bool,
    pub(super) reads: bool,
}

impl Observations {
    /// What the event says, and what was read of it.
    pub(super) fn of(
        &mut self,
        event: &Event<'_>,
        number: u32,
        operation: &Operation,
    ) -> (&mut KnownObservation, &mut KnownFacts, &Reading) {
        let place = match self.find(event, number, operation, false) {
            Some(place) if self.at(place).refused => self.find(event, number, operation, true),
            place => place,
        };
        let known = match place {
            Some(place) => &mut self.list[place as usize],
            None => &mut self.new,
        };
        let facts = &mut self.facts[known.facts as usize];
        (known, facts, &self.reading)
    }

    fn at(&self, place: u32) -> &KnownObservation {
        &self.list[place as usize]
    }

    /// The place of what is known of events that read like this one, or `None` where only `new` tells.
    fn find(&mut self, event: &Event<'_>, number: u32, operation: &Operation, whole: bool) -> Option<u32> {
        let Self {
            list,
            numbers,
            hash,
            keyed,
            reading,
            facts,
            fact_numbers,
            once,
            new,
        } = self;
        let mut number_of = |new: Facts| match fact_numbers.get(&new) {
            Some(known) => *known,
            None => {
                let number = position(facts.len());
                let new = Arc::new(new);
                fact_numbers.insert(Arc::clone(&new), number);
                facts.push(KnownFacts {
                    facts: new,
                    number: Local::default(),
                });
                number
            }
        };
        reading.read(event, operation, whole);
        if !keyed.takes(reading.bytes()) {
            *new = KnownObservation::closed(resolve::observe(event, operation), number_of);
            return None;
        }
        let read = Read {
            operation: number,
            length: reading.bytes().len(),
            hash: keyed.hash(reading.bytes()),
        };
        let hashed = hash.hash_one(read);
        if let Some((_, known)) = numbers.find(hashed, |(known, _)| *known == read) {
            return Some(*known);
        }
        let met = &mut once[hashed as usize % (2 * MOST)];
        let again = *met == hashed;
        *met = hashed;
        if !again {
            *new = KnownObservation::closed(resolve::observe(event, operation), number_of);
            return None;
        }
        let outline = Outline::of(event, operation, reading);
        let place = position(list.len());
        list.push(KnownObservation {
            refused: outline.is_none(),
            ..outline.map_or_else(KnownObservation::default, |outline| {
                KnownObservation::open(outline, &mut number_of)
            })
        });
        numbers.insert_unique(hashed, (read, place), |(read, _)| hash.hash_one(read));
        Some(place)
    }
}

impl KnownObservation {
    fn closed(observed: Observed, mut number_of: impl FnMut(Facts) -> u32) -> Self {
        Self {
            shapes: observed.resources.iter().map(|arn| generalise(arn)).collect(),
            facts: number_of(observed.facts),
            ..Self::default()
        }
    }

    fn open(outline: Outline, number_of: impl FnMut(Facts) -> u32) -> Self {
        let Outline { facts, resources, open } = outline;
        Self {
            open,
            ..Self::closed(Observed { facts, resources }, number_of)
        }
    }

    /// The shapes that take in this event's names.
    pub(super) fn open_shapes(
        &self,
        event: &Event<'_>,
        reading: &Reading,
        scratch: &mut Scratch,
        mut each: impl FnMut(&str),
    ) {
        let Scratch { resource, last, shape } = scratch;
        last.clear();
        for pieces in &self.open {
            resource.clear();
            fill(pieces, event, reading, resource);
            // Its request and its resources say the same, as a rule.
            if resource == last {
                continue;
            }
            shape.clear();
            generalise_into(resource, shape);
            each(shape);
            std::mem::swap(resource, last);
        }
    }
}

/// Calls that one row counts, in numbers: whatever its signature, its day and who made them depend on.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Alike {
    /// [`KnownCaller::number`], which is never 0.
    pub(super) caller: u64,
    pub(super) operation: u32,
    pub(super) facts: u32,
    pub(super) account: Text,
    pub(super) region: Text,
    pub(super) error_code: Text,
    pub(super) denied_action: Text,
    pub(super) day: i32,
}

/// The rows of one builder by the calls that were counted in them last.
pub(super) struct Rows {
    shard: u64,
    slots: Box<[(Alike, Counted)]>,
}

/// A signature's number, and its row's.
#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) signature: u32,
    pub(super) row: u32,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            shard: 0,
            slots: vec![<(Alike, Counted)>::default(); ROWS].into(),
        }
    }
}

impl Rows {
    /// The slot of these calls in the shard that has this number, which may hold others' row.
    #[inline]
    pub(super) fn slot(&mut self, shard: u64, calls: &Alike) -> &mut (Alike, Counted) {
        if self.shard != shard {
            self.shard = shard;
            self.slots.fill(Default::default());
        }
        let pair = |a: u32, b: u32| u64::from(a) << 32 | u64::from(b);
        let parts = [
            calls.caller,
            pair(calls.operation, calls.facts),
            pair(calls.error_code, calls.denied_action),
            pair(calls.account, calls.region) ^ u64::from(calls.day.cast_unsigned()) << 16,
        ];
        // As in [`Callers::of`], one part after the other.
        let spread = parts.iter().fold(0_u64, |spread, part| {
            (spread.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        &mut self.slots[(spread >> (u64::BITS - ROWS.ilog2())) as usize]
    }
}
