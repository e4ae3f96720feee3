//! What many have alike, written once: in a large `result.json` action groups and lists of patterns that come again stand
//! in tables, and whoever has them holds their numbers.
//!
//! A result of thousands of administrators repeats the same groups for each of them, which makes gigabytes. Small results
//! are written in full: most are, and a reader needs no table for them.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    AccountFinding, ActionGroup, Alternative, Choice, Coverage, LivePolicy, PracticeReport, Principal, Question,
    Refused, Report, RoleGraph, Suggestion, Tool, Totals, Window,
};
use crate::iam::PolicyText;
use crate::rightsize::Patterns;
use crate::verify::Verified;

/// The `schema` field of a result in which what is alike stands in tables.
pub const ALIKE: &str = "trimtrail.result/2";

/// From so many bytes on that would be written again a result is large.
const LARGE: usize = 8 << 20;

/// One of a list: itself, or its number in the table.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Entry<T> {
    /// Its number, from 0.
    At(usize),
    /// Itself.
    Here(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entry<T>, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Reads an entry. (Serde's own `untagged` would hold each in a form of its own first.)
struct Either<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = Entry<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry, or its number in a table")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Entry<T>, E> {
        usize::try_from(number).map(Entry::At).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Entry<T>, E> {
        T::deserialize(StrDeserializer::new(text)).map(Entry::Here)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Entry::Here)
    }
}

/// The entry of a table; an error where it has none of that number.
pub(super) fn entry<T>(table: &[T], number: usize) -> Result<&T, serde_json::Error> {
    let missing = || de::Error::custom(format!("`alike` has no entry {number}"));
    table.get(number).ok_or_else(missing)
}

/// A schema of a list that may hold numbers of a table's entries in the place of entries.
pub(super) fn entries<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let whole = generator.subschema_for::<T>();
    json_schema!({"type": "array", "items": {"anyOf": [whole, {"type": "integer", "minimum": 0}]}})
}

/// Adds the tables to the schema of a result.
pub(super) fn tables(schema: &mut Schema) {
    let about = "What many have alike, in results that would be very large otherwise (schema `trimtrail.result/2`): where \
                 a list of `action_groups`, of `removed` or of `room.patterns` holds a number, the entry of that number \
                 here stands in its place, from 0. `patterns` are lists, whose members stand in the number's place.";
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let tables = serde_json::json!({"type": "object", "description": about, "properties": {
            "action_groups": {"type": "array", "items": {"$ref": "#/$defs/ActionGroup"}},
            "patterns": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
        }});
        properties.insert("alike".to_owned(), tables);
    }
}

/// What comes again gets a number.
struct Table<'r, T: ?Sized> {
    /// By where it lies, which is quick to tell …
    places: HashMap<usize, usize>,
    /// … and by what it says.
    contents: HashMap<&'r T, usize>,
    /// Each, with how often it is there.
    found: Vec<(&'r T, usize)>,
    /// The numbers of those that are there more than once.
    numbers: Vec<Option<usize>>,
}

impl<'r, T: Hash + Eq + ?Sized> Table<'r, T> {
    fn of(all: impl Iterator<Item = &'r T>) -> Table<'r, T> {
        let mut table = Table {
            places: HashMap::new(),
            contents: HashMap::new(),
            found: Vec::new(),
            numbers: Vec::new(),
        };
        for one in all {
            let at = match table.places.entry(place(one)) {
                Place::Occupied(known) => *known.get(),
                Place::Vacant(new) => {
                    let at = *table.contents.entry(one).or_insert_with(|| {
                        table.found.push((one, 0));
                        table.found.len() - 1
                    });
                    *new.insert(at)
                }
            };
            table.found[at].1 += 1;
        }
        let mut next = 0..;
        let numbers = table.found.iter();
        table.numbers = numbers
            .map(|(_, times)| (*times > 1).then(|| next.next()).flatten())
            .collect();
        table
    }

    /// Bytes that would be written again.
    fn again(&self, size: impl Fn(&T) -> usize) -> usize {
        self.found.iter().map(|(one, times)| size(one) * (times - 1)).sum()
    }

    fn number(&self, one: &T) -> Option<usize> {
        self.numbers[*self.places.get(&place(one))?]
    }

    fn entries(&self) -> Vec<&'r T> {
        let all = self.found.iter().filter(|(_, times)| *times > 1);
        all.map(|(one, _)| *one).collect()
    }
}

fn place<T: ?Sized>(one: &T) -> usize {
    std::ptr::from_ref(one).cast::<()>().addr()
}

/// The tables of a report.
struct Tables<'r> {
    groups: Table<'r, ActionGroup>,
    patterns: Table<'r, [String]>,
}

impl<'r> Tables<'r> {
    fn of(report: &'r Report) -> Tables<'r> {
        let principals = report.principals.iter();
        let lists = report.suggestions.iter().flat_map(|suggestion| {
            let room = suggestion.room.as_ref().map(|room| &room.patterns);
            [Some(&suggestion.removed), room].into_iter().flatten()
        });
        Tables {
            groups: Table::of(principals.flat_map(|one| one.action_groups.iter().map(|group| &**group))),
            patterns: Table::of(lists.flat_map(Patterns::pieces)),
        }
    }

    fn again(&self) -> usize {
        // Names of fields and indentation take some two hundred bytes a group.
        let group = |group: &ActionGroup| {
            let patterns = group.patterns.iter().map(|pattern| pattern.len() + 3).sum::<usize>();
            200 + group.why.len() + patterns
        };
        let list = |list: &[String]| list.iter().map(|pattern| pattern.len() + 11).sum();
        self.groups.again(group) + self.patterns.again(list)
    }

    fn groups(&self, principal: &'r Principal) -> Vec<Entry<&'r ActionGroup>> {
        let entry = |group: &'r ActionGroup| self.groups.number(group).map_or(Entry::Here(group), Entry::At);
        principal.action_groups.iter().map(|group| entry(group)).collect()
    }

    fn patterns(&self, patterns: &'r Patterns) -> Vec<Entry<&'r str>> {
        let mut entries = Vec::new();
        for piece in patterns.pieces() {
            match self.patterns.number(piece) {
                Some(number) => entries.push(Entry::At(number)),
                None => entries.extend(piece.iter().map(|pattern| Entry::Here(pattern.as_str()))),
            }
        }
        entries
    }
}

/// A report as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Written<'r> {
    /// In full.
    Small(&'r Report),
    /// With tables.
    Large(Box<Large<'r>>),
}

impl<'r> Written<'r> {
    /// A report in full, or with tables where it would be large.
    pub(crate) fn of(report: &'r Report) -> Written<'r> {
        let tables = Tables::of(report);
        match tables.again() {
            0..LARGE => Written::Small(report),
            LARGE.. => Written::Large(Box::new(Large::of(report, &tables))),
        }
    }
}

/// The fields of a report, tables before what refers to them.
#[derive(Serialize)]
pub(crate) struct Large<'r> {
    schema: &'static str,
    tool: &'r Tool,
    window: &'r Window,
    coverage: &'r Coverage,
    alike: AlikeTables<'r>,
    principals: Vec<Shortened<'r, Principal>>,
    suggestions: Vec<Shortened<'r, Verified<Suggestion>>>,
    alternatives: &'r [Alternative],
    account_findings: &'r [AccountFinding],
    refused: &'r [Refused],
    questions: &'r [Question],
    choices: &'r [Choice],
    policies: &'r [LivePolicy],
    policy_documents: &'r BTreeMap<String, PolicyText>,
    practices: &'r [PracticeReport],
    graph: &'r Option<RoleGraph>,
    totals: &'r Totals,
}

#[derive(Serialize)]
struct AlikeTables<'r> {
    action_groups: Vec<OneLine<&'r ActionGroup>>,
    patterns: Vec<OneLine<&'r [String]>>,
}

impl<'r> Large<'r> {
    fn of(report: &'r Report, tables: &Tables<'r>) -> Large<'r> {
        // All fields, so that one that comes to a report comes here too.
        let Report {
            schema: _,
            tool,
            window,
            coverage,
            principals,
            suggestions,
            alternatives,
            account_findings,
            refused,
            questions,
            choices,
            policies,
            policy_documents,
            practices,
            graph,
            totals,
        } = report;
        let principals = principals.iter().map(|whole| Shortened {
            whole,
            lists: vec![("action_groups", List::Groups(tables.groups(whole)))],
        });
        let suggestions = suggestions.iter().map(|whole| {
            let mut lists = vec![("removed", List::Patterns(tables.patterns(&whole.removed)))];
            if let Some(room) = &whole.room {
                let patterns = tables.patterns(&room.patterns);
                lists.push(("room", List::Room(room.actions, patterns, &room.note)));
            }
            Shortened { whole, lists }
        });
        Large {
            schema: ALIKE,
            tool,
            window,
            coverage,
            alike: AlikeTables {
                action_groups: tables.groups.entries().into_iter().map(OneLine).collect(),
                patterns: tables.patterns.entries().into_iter().map(OneLine).collect(),
            },
            principals: principals.collect(),
            suggestions: suggestions.collect(),
            alternatives,
            account_findings,
            refused,
            questions,
            choices,
            policies,
            policy_documents,
            practices,
            graph,
            totals,
        }
    }
}

/// A value some of whose fields are written otherwise.
struct Shortened<'r, T> {
    whole: &'r T,
    lists: Vec<(&'static str, List<'r>)>,
}

enum List<'r> {
    Groups(Vec<Entry<&'r ActionGroup>>),
    Patterns(Vec<Entry<&'r str>>),
    Room(u64, Vec<Entry<&'r str>>, &'r str),
}

impl List<'_> {
    fn line(&self) -> Result<Box<RawValue>, serde_json::Error> {
        #[derive(Serialize)]
        struct Room<'r> {
            actions: u64,
            patterns: &'r [Entry<&'r str>],
            note: &'r str,
        }
        match self {
            List::Groups(entries) => to_raw_value(entries),
            List::Patterns(entries) => to_raw_value(entries),
            List::Room(actions, patterns, note) => to_raw_value(&Room {
                actions: *actions,
                patterns,
                note,
            }),
        }
    }
}

/// What is written otherwise is taken out first: in full it is what takes the room.
trait Bare {
    fn bare(&self) -> Result<Value, serde_json::Error>;
}

impl Bare for Principal {
    fn bare(&self) -> Result<Value, serde_json::Error> {
        let mut bare = self.clone();
        bare.action_groups.clear();
        serde_json::to_value(bare)
    }
}

impl Bare for Verified<Suggestion> {
    fn bare(&self) -> Result<Value, serde_json::Error> {
        let mut beside = Suggestion::clone(self);
        beside.removed = Patterns::default();
        if let Some(room) = &mut beside.room {
            room.patterns = Patterns::default();
        }
        serde_json::to_value(self.clone().with(beside))
    }
}

impl<T: Bare> Serialize for Shortened<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bare = self.whole.bare().map_err(S::Error::custom)?;
        let fields = bare.as_object().into_iter().flatten();
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in fields {
            match self.lists.iter().find(|(list, _)| list == name) {
                Some((_, list)) => map.serialize_entry(name, &list.line().map_err(S::Error::custom)?)?,
                None => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// A value on one line, however the rest is laid out.
struct OneLine<T>(T);

impl<T: Serialize> Serialize for OneLine<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = to_raw_value(&self.0).map_err(S::Error::custom)?;
        line.serialize(serializer)
    }
}
