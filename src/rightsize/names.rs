//! Actions as patterns: the fewest words that, within the catalog, name exactly these actions.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cover::{Member, cover};
use crate::catalog::{ActionId, Catalog};
use crate::gap::ActionSet;
use crate::iam::{ActionPart, ActionPattern, Statement, pattern};

/// Where a wildcard may stand: it must name nothing, today or later, that the original does not.
#[derive(Clone, Copy, Debug)]
pub enum Within<'a> {
    /// Anywhere: the names are only read.
    Anything,
    /// Inside a pattern of the original's `Action`, in lower case.
    Pattern(&'a str),
    /// Outside all patterns of the original's `NotAction`.
    AllBut(&'a [ActionPattern]),
}

impl Within<'_> {
    /// Whether any wildcard within a service may stand.
    fn holds_service(&self, service: &str) -> bool {
        match self {
            Within::Anything => true,
            Within::Pattern(outer) => {
                *outer == "*"
                    || outer
                        .strip_suffix(":*")
                        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(service))
            }
            Within::AllBut(_) => self.holds(&format!("{service}:*")),
        }
    }

    fn holds(&self, wildcard: &str) -> bool {
        match self {
            Within::Anything => true,
            Within::Pattern(outer) => pattern::includes(outer, &wildcard.to_lowercase()),
            Within::AllBut(excepted) => {
                let wildcard = wildcard.to_lowercase();
                !excepted
                    .iter()
                    .any(|except| pattern::overlaps(except.lower(), &wildcard))
            }
        }
    }
}

/// Names sets of actions, and remembers those of a service: of thousands of roles most have the same there.
#[derive(Debug)]
pub struct Names<'a> {
    catalog: &'a Catalog,
    /// Each service's actions, services sorted by name.
    services: Vec<(&'a str, Range<u32>)>,
    known: RwLock<HashMap<Key, Arc<Piece>>>,
    covers: RwLock<HashMap<CoverKey, Arc<[String]>>>,
    expanded: RwLock<HashMap<String, Arc<ActionSet>>>,
}

/// The first action of a service, the fewest actions of a wildcard, and which of the service's actions are named.
type Key = (u32, usize, Vec<u64>);

/// The first action of a service, which of its actions must be held, and which may be.
type CoverKey = (u32, Vec<u64>, Vec<u64>);

/// The patterns for one service.
#[derive(Debug)]
pub(super) struct Piece {
    /// The service's actions.
    pub(super) range: Range<u32>,
    pub(super) patterns: Arc<[String]>,
    /// Characters that they take in a list, quotes and commas included.
    pub(super) characters: u64,
}

impl<'a> Names<'a> {
    /// Names of the catalog's actions.
    pub fn new(catalog: &'a Catalog) -> Names<'a> {
        Names {
            catalog,
            services: catalog.service_ranges().collect(),
            known: RwLock::new(HashMap::new()),
            covers: RwLock::new(HashMap::new()),
            expanded: RwLock::new(HashMap::new()),
        }
    }

    /// The actions that a pattern names, in lower case. Documents are written many times until they fit.
    pub(super) fn expanded(&self, pattern: &str) -> Arc<ActionSet> {
        let expanded = self.expanded.read().unwrap_or_else(PoisonError::into_inner);
        let known = expanded.get(pattern).cloned();
        drop(expanded);
        known.unwrap_or_else(|| {
            let set = Arc::new(ActionSet::of_pattern(self.catalog, pattern).shrunk());
            let mut expanded = self.expanded.write().unwrap_or_else(PoisonError::into_inner);
            expanded.insert(pattern.to_owned(), Arc::clone(&set));
            set
        })
    }

    /// The actions that a statement concerns, effect and resources aside.
    pub(super) fn of_statement(&self, statement: &Statement) -> ActionSet {
        let (patterns, is_complement) = match &statement.action {
            ActionPart::Action(patterns) => (patterns, false),
            ActionPart::NotAction(patterns) => (patterns, true),
        };
        let mut named = ActionSet::none();
        for pattern in patterns {
            named.extend(&self.expanded(pattern.lower()));
        }
        if is_complement {
            ActionSet::all(self.catalog).difference(&named)
        } else {
            named
        }
    }

    /// The services of which a set may hold something: of most patterns it is one of hundreds.
    fn services_of(&self, actions: &ActionSet) -> impl Iterator<Item = &(&'a str, Range<u32>)> {
        let span = actions.span();
        let services = self.services.iter();
        services.filter(move |(_, range)| range.start < span.end && span.start < range.end)
    }

    /// The same, as the ranges of their actions.
    pub(super) fn ranges_of(&self, actions: &ActionSet) -> Vec<Range<u32>> {
        let services = self.services_of(actions).map(|(_, range)| range.clone());
        services.filter(|range| actions.count_in(range.clone()) > 0).collect()
    }

    /// Patterns that name exactly `actions` among the catalog's, sorted by service, then action. A wildcard stands for
    /// at least `least` actions, or for a whole service.
    pub fn of(&self, actions: &ActionSet, within: Within<'_>, least: usize) -> Vec<String> {
        let pieces = self.pieces(actions, within, least);
        pieces.iter().flat_map(|piece| piece.patterns.iter().cloned()).collect()
    }

    /// The same, each service's patterns in memory once however many sets have them.
    pub fn shared(&self, actions: &ActionSet, within: Within<'_>, least: usize) -> Patterns {
        let pieces = self.pieces(actions, within, least);
        Patterns(pieces.iter().map(|piece| Arc::clone(&piece.patterns)).collect())
    }

    /// The same, service by service.
    pub(super) fn pieces(&self, actions: &ActionSet, within: Within<'_>, least: usize) -> Vec<Arc<Piece>> {
        let mut pieces = Vec::new();
        for (service, range) in self.services_of(actions) {
            if actions.count_in(range.clone()) == 0 {
                continue;
            }
            if !within.holds_service(service) {
                pieces.push(Arc::new(self.piece(actions, service, range, within, least)));
                continue;
            }
            let key = (range.start, least, actions.bits_in(range.clone()));
            let known = self
                .known
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&key)
                .cloned();
            pieces.push(known.unwrap_or_else(|| {
                let piece = Arc::new(self.piece(actions, service, range, Within::Anything, least));
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                known.insert(key, Arc::clone(&piece));
                piece
            }));
        }
        pieces
    }

    /// Few patterns that hold all of `wanted`, and of the catalog's actions nothing but `allowed`, sorted by service, then
    /// action.
    pub(super) fn covering(&self, wanted: &ActionSet, allowed: &ActionSet, within: Within<'_>) -> Vec<String> {
        let mut patterns = Vec::new();
        for (service, range) in self.services_of(wanted) {
            if wanted.count_in(range.clone()) == 0 {
                continue;
            }
            let cover = || {
                let members = range.clone().map(|action| {
                    let action = ActionId::from_index(action as usize);
                    Member {
                        name: self.catalog.name(action),
                        wanted: wanted.contains(action),
                        allowed: allowed.contains(action),
                    }
                });
                let members: Vec<Member<'_>> = members.collect();
                cover(&members, service.len() + 1, |pattern| within.holds(pattern))
            };
            if !within.holds_service(service) {
                patterns.extend(cover());
                continue;
            }
            let key = (
                range.start,
                wanted.bits_in(range.clone()),
                allowed.bits_in(range.clone()),
            );
            let covers = self.covers.read().unwrap_or_else(PoisonError::into_inner);
            let known = covers.get(&key).cloned();
            drop(covers);
            patterns.extend_from_slice(&known.unwrap_or_else(|| {
                let patterns: Arc<[String]> = cover().into();
                let mut covers = self.covers.write().unwrap_or_else(PoisonError::into_inner);
                covers.insert(key, Arc::clone(&patterns));
                patterns
            }));
        }
        patterns
    }

    fn piece(&self, actions: &ActionSet, service: &str, range: &Range<u32>, within: Within<'_>, least: usize) -> Piece {
        let mine: Vec<ActionId> = range
            .clone()
            .map(|action| ActionId::from_index(action as usize))
            .filter(|action| actions.contains(*action))
            .collect();
        let whole = format!("{service}:*");
        let mut patterns = Vec::new();
        if mine.len() == range.len() && within.holds(&whole) {
            patterns.push(whole);
        } else {
            group(self.catalog, &mine, service.len() + 1, within, least, &mut patterns);
        }
        patterns.sort_by(|a, b| in_order(a, b));
        Piece {
            range: range.clone(),
            characters: patterns.iter().map(|pattern| pattern.len() as u64 + 3).sum(),
            patterns: patterns.into(),
        }
    }
}

/// Patterns in pieces, which many lists may share.
#[derive(Clone, Default)]
pub struct Patterns(Vec<Arc<[String]>>);

impl Patterns {
    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|piece| piece.iter().map(String::as_str))
    }

    /// The pieces, as they are shared.
    pub fn pieces(&self) -> impl Iterator<Item = &[String]> {
        self.0.iter().map(|piece| &**piece).filter(|piece| !piece.is_empty())
    }

    /// The same pieces for another list.
    pub fn shared(&self) -> impl Iterator<Item = Arc<[String]>> {
        self.0.iter().cloned()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.iter().map(|piece| piece.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How they are cut into pieces does not count.
impl PartialEq for Patterns {
    fn eq(&self, other: &Patterns) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One piece for each service, as [`Names::shared`] makes them.
impl From<Vec<String>> for Patterns {
    fn from(patterns: Vec<String>) -> Patterns {
        let service = |pattern: &str| pattern.split(':').next().unwrap_or_default().to_owned();
        let pieces = patterns.chunk_by(|a, b| service(a) == service(b));
        Patterns(pieces.map(Arc::from).collect())
    }
}

impl FromIterator<Arc<[String]>> for Patterns {
    fn from_iter<I: IntoIterator<Item = Arc<[String]>>>(pieces: I) -> Patterns {
        Patterns(pieces.into_iter().collect())
    }
}

impl Serialize for Patterns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Patterns, D::Error> {
        Vec::<String>::deserialize(deserializer).map(Patterns::from)
    }
}

impl JsonSchema for Patterns {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Vec::<String>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<String>::json_schema(generator)
    }
}

/// The order in which people sort action patterns: by service, then by action, whatever their case.
pub(super) fn in_order(a: &str, b: &str) -> Ordering {
    let compare = |a: &str, b: &str| {
        let lower = b.bytes().map(|byte| byte.to_ascii_lowercase());
        a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(lower)
    };
    let parts = |pattern| str::split_once(pattern, ':').unwrap_or((pattern, ""));
    let ((a_service, a_action), (b_service, b_action)) = (parts(a), parts(b));
    compare(a_service, b_service).then_with(|| compare(a_action, b_action))
}

/// Splits sorted names by their next word; a word under which all of the service's names are wanted becomes `Word*`.
fn group(
    catalog: &Catalog,
    mine: &[ActionId],
    from: usize,
    within: Within<'_>,
    least: usize,
    patterns: &mut Vec<String>,
) {
    let mut rest = mine;
    while let Some(first) = rest.first() {
        let name = catalog.name(*first);
        let end = word_end(name, from);
        let prefix = &name[..end];
        let same = rest
            .iter()
            .take_while(|action| has_prefix(catalog.name(**action), prefix))
            .count();
        let (these, after) = rest.split_at(same.max(1));
        rest = after;
        let wildcard = || format!("{prefix}*");
        let all_wanted = || these.len() == catalog.starting_with(prefix).len();
        if these.len() >= least && all_wanted() && within.holds(&wildcard()) {
            patterns.push(wildcard());
        } else if these.len() == 1 || end == name.len() {
            patterns.push(name.to_owned());
            group(catalog, &these[1..], from, within, least, patterns);
        } else {
            group(catalog, these, end, within, least, patterns);
        }
    }
}

/// IAM ignores the case of action names, so a prefix covers names of any case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len()
        && name.is_char_boundary(prefix.len())
        && name[..prefix.len()].eq_ignore_ascii_case(prefix)
}

/// Where the word that starts at `from` ends: `DescribeInstances` → `Describe`.
pub(super) fn word_end(name: &str, from: usize) -> usize {
    let bytes = name.as_bytes();
    let mut end = from + 1;
    // A run of capitals is one word: `DB` in `DescribeDBClusters` starts it, `Clusters` the next.
    while end < bytes.len() && (bytes[end - 1].is_ascii_uppercase() || !bytes[end].is_ascii_uppercase()) {
        end += 1;
    }
    end.min(bytes.len())
}
