//! What one thread remembers from event to event, so that what repeats is worked out once.
//!
//! Trails repeat themselves: few operations, few sessions, and calls that differ only where nothing decides. All of this
//! may be forgotten at any time; it changes how long a run takes, never what comes out.

use std::hash::BuildHasher;
use std::rc::Rc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::shapes::generalise;
use super::texts::{Text, position};
use crate::attribute::{Attribution, PrincipalKind, identity_of, session_of};
use crate::catalog::Catalog;
use crate::decode::{Event, Identity};
use crate::resolve::{self, Facts, Operation};

/// Operations or observations that are kept; beyond, all are forgotten, so that a hostile trail costs no memory.
const MOST: usize = 1 << 14;
/// Callers that are kept, a power of two.
const CALLERS: usize = 1 << 10;

/// What a thread remembers.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) operations: Operations,
    pub(super) callers: Callers,
    pub(super) observations: Observations,
}

impl Memory {
    /// Forgets where there is too much; to be called between events.
    pub(super) fn tidy(&mut self) {
        // Observations name their operation by its number, so they go with it.
        let operations = self.operations.list.len() >= MOST;
        if operations {
            self.operations = Operations::default();
        }
        if operations || self.observations.list.len() >= MOST {
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
pub(super) struct Callers(Box<[Option<KnownCaller>]>);

impl Default for Callers {
    fn default() -> Self {
        Self(std::iter::repeat_with(|| None).take(CALLERS).collect())
    }
}

/// Who calls with an identity.
pub(super) struct KnownCaller {
    /// Held, so that no other identity can take its place in memory.
    identity: Rc<Identity>,
    /// `None`: nobody's policies were asked.
    pub(super) principal: Option<Billed>,
    /// Whether it names nobody at all.
    pub(super) is_nobody: bool,
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
    pub(super) session: Option<u32>,
}

impl Callers {
    pub(super) fn of(&mut self, identity: &Rc<Identity>) -> &mut KnownCaller {
        let address = Rc::as_ptr(identity).addr();
        let slot = &mut self.0[(address >> 4 ^ address >> 14) % CALLERS];
        if slot
            .as_ref()
            .is_some_and(|known| !Rc::ptr_eq(&known.identity, identity))
        {
            *slot = None;
        }
        slot.get_or_insert_with(|| KnownCaller::new(identity))
    }
}

impl KnownCaller {
    fn new(identity: &Rc<Identity>) -> Self {
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
            is_nobody: attribution == Attribution::Nobody,
            principal,
            numbers: Local::default(),
        }
    }
}

/// Observations by what they depend on.
pub(super) struct Observations {
    list: Vec<KnownObservation>,
    numbers: HashTable<u32>,
    hash: RandomState,
    /// What the event at hand reads like.
    read: Vec<u8>,
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
            hash: RandomState::default(),
            read: Vec::new(),
            once: vec![0; 2 * MOST].into(),
            new: KnownObservation::default(),
        }
    }
}

/// What calls that read alike say.
#[derive(Default)]
pub(super) struct KnownObservation {
    read: Box<[u8]>,
    pub(super) facts: Facts,
    /// Shapes of the resources.
    pub(super) shapes: Vec<String>,
    pub(super) numbers: Local<ObservationNumbers>,
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
    pub(super) fn of(&mut self, event: &Event<'_>, number: u32, operation: &Operation) -> &mut KnownObservation {
        let Self {
            list,
            numbers,
            hash,
            read,
            once,
            new,
        } = self;
        read.clear();
        read.extend_from_slice(&number.to_le_bytes());
        resolve::reads(event, operation, read);
        let hashed = hash.hash_one(&**read);
        if let Some(known) = numbers.find(hashed, |number| *list[*number as usize].read == **read) {
            return &mut list[*known as usize];
        }
        let observed = resolve::observe(event, operation);
        *new = KnownObservation {
            read: Box::default(),
            shapes: observed.resources.iter().map(|arn| generalise(arn)).collect(),
            facts: observed.facts,
            numbers: Local::default(),
        };
        let met = &mut once[hashed as usize % (2 * MOST)];
        if *met != hashed {
            *met = hashed;
            return new;
        }
        let number = position(list.len());
        new.read = read.as_slice().into();
        list.push(std::mem::take(new));
        numbers.insert_unique(hashed, number, |number| hash.hash_one(&*list[*number as usize].read));
        &mut list[number as usize]
    }
}
