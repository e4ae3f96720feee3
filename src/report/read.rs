//! A `result.json` read back: nothing in it is believed until it is proved again.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use rayon::prelude::*;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::alike::{self, Entry};
use super::{
    ALIKE, AccountFinding, ActionGroup, Alternative, Choice, Coverage, LivePolicy, PracticeReport, Principal, Question,
    Refused, Report, RoleGraph, Room, SCHEMA, Shared, Suggestion, Tool, Totals, Window,
};
use crate::iam::PolicyText;
use crate::rightsize::Patterns;
use crate::verify::{self, Verified};

/// What tells whether the rest can be read.
#[derive(Deserialize)]
struct Labelled {
    #[serde(default)]
    schema: Value,
}

/// What a comparison of two results does not ask for, and may take most of the room: read, or passed over.
#[derive(Default)]
struct Beside<const READ: bool, T>(T);

impl<'de, const READ: bool, T: Deserialize<'de> + Default> Deserialize<'de> for Beside<READ, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Beside<READ, T>, D::Error> {
        if READ {
            T::deserialize(deserializer).map(Beside)
        } else {
            IgnoredAny::deserialize(deserializer).map(|_| Beside(T::default()))
        }
    }
}

/// A result as it is read back: the same fields, nothing proved yet.
#[derive(Deserialize)]
struct Unproved<const BESIDE: bool> {
    schema: String,
    tool: Tool,
    window: Window,
    coverage: Coverage,
    #[serde(default)]
    alike: Tables,
    principals: Principals,
    suggestions: Vec<UnprovedSuggestion>,
    #[serde(default)]
    alternatives: Beside<BESIDE, Vec<Alternative>>,
    #[serde(default)]
    account_findings: Vec<AccountFinding>,
    #[serde(default)]
    refused: Beside<BESIDE, Vec<Refused>>,
    #[serde(default)]
    questions: Vec<Question>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    policies: Beside<BESIDE, Vec<LivePolicy>>,
    #[serde(default)]
    policy_documents: Beside<BESIDE, BTreeMap<String, PolicyText>>,
    #[serde(default)]
    practices: Vec<PracticeReport>,
    #[serde(default)]
    graph: Option<RoleGraph>,
    totals: Totals,
}

/// What entries of lists refer to.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Tables {
    action_groups: Vec<Shared<ActionGroup>>,
    patterns: Vec<Patterns>,
}

/// Principals, each with its groups, which equal ones share.
struct Principals(Vec<(Principal, Vec<Entry<Shared<ActionGroup>>>)>);

#[derive(Deserialize)]
struct UnprovedPrincipal {
    action_groups: Vec<Entry<ActionGroup>>,
    #[serde(flatten)]
    beside: Principal,
}

impl<'de> Deserialize<'de> for Principals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Principals, D::Error> {
        deserializer.deserialize_seq(OneByOne)
    }
}

/// Reads principals one by one: all of them in full take many times the room.
struct OneByOne;

impl<'de> Visitor<'de> for OneByOne {
    type Value = Principals;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of principals")
    }

    #[expect(
        clippy::mutable_key_type,
        reason = "equality and hash are those of the value; what changes is its JSON, made once"
    )]
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Principals, A::Error> {
        let mut known: HashSet<Shared<ActionGroup>> = HashSet::new();
        let mut share = |group: ActionGroup| {
            let group = Shared::from(group);
            match known.get(&group) {
                Some(equal) => equal.clone(),
                None => {
                    known.insert(group.clone());
                    group
                }
            }
        };
        let mut principals = Vec::new();
        while let Some(UnprovedPrincipal { action_groups, beside }) = sequence.next_element()? {
            let groups = action_groups.into_iter().map(|entry| match entry {
                Entry::At(number) => Entry::At(number),
                Entry::Here(group) => Entry::Here(share(group)),
            });
            let mut groups: Vec<_> = groups.collect();
            // They were collected in the room of entries ten times as long.
            groups.shrink_to_fit();
            principals.push((beside, groups));
        }
        Ok(Principals(principals))
    }
}

/// A suggestion as it is read back.
#[derive(Deserialize)]
struct UnprovedSuggestion {
    before: PolicyText,
    after: PolicyText,
    removed: Vec<Entry<String>>,
    #[serde(default)]
    room: Option<UnprovedRoom>,
    #[serde(flatten)]
    beside: Suggestion,
}

#[derive(Deserialize)]
struct UnprovedRoom {
    actions: u64,
    patterns: Vec<Entry<String>>,
    note: String,
}

/// Why a file is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read to its end.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Not JSON, or not these fields.
    #[error("not a result of `analyze`: {0}")]
    Shape(#[from] serde_json::Error),
    /// It does not say what it is.
    #[error("not a result of `analyze`: it names no schema")]
    NoResult,
    /// Another version of the contract.
    #[error("schema `{0}`, this program reads up to `{ALIKE}`")]
    Schema(String),
    /// Somebody edited a suggestion, or it comes from elsewhere.
    #[error("suggestion {id} does not hold: {why}")]
    Unproved {
        /// Which suggestion.
        id: String,
        /// What the proof says.
        why: String,
    },
}

impl Report {
    /// Reads a `result.json` and proves again that each suggestion in it allows no more than the original.
    pub fn from_json(text: &str) -> Result<Report, Error> {
        Report::read(|| Ok(text.as_bytes()))
    }

    /// The same from wherever it lies, as a stream: of thousands of principals the text alone takes gigabytes.
    pub fn read<R: Read>(open: impl Fn() -> io::Result<R>) -> Result<Report, Error> {
        Report::read_with::<true, R>(open)
    }

    /// The same without alternatives, what was refused, and the policies as they stand, for which [`super::changes`] does
    /// not ask.
    pub fn read_to_compare<R: Read>(open: impl Fn() -> io::Result<R>) -> Result<Report, Error> {
        Report::read_with::<false, R>(open)
    }

    fn read_with<const BESIDE: bool, R: Read>(open: impl Fn() -> io::Result<R>) -> Result<Report, Error> {
        let read: Result<Unproved<BESIDE>, Error> = parse(&open);
        // What it calls itself tells more than which of its fields is amiss.
        let schema = match &read {
            Ok(read) => Value::from(read.schema.as_str()),
            Err(_) => parse::<R, Labelled>(&open)?.schema,
        };
        match schema.as_str() {
            Some(SCHEMA | ALIKE) => read?.proved(),
            Some(other) => Err(Error::Schema(other.to_owned())),
            None => Err(Error::NoResult),
        }
    }
}

fn parse<R: Read, T: serde::de::DeserializeOwned>(open: impl Fn() -> io::Result<R>) -> Result<T, Error> {
    let stream = BufReader::with_capacity(1 << 16, open()?);
    serde_json::from_reader(stream).map_err(|error| match error.is_io() {
        true => Error::Read(error.into()),
        false => Error::Shape(error),
    })
}

impl<const BESIDE: bool> Unproved<BESIDE> {
    /// The report, where each suggestion in it holds.
    fn proved(self) -> Result<Report, Error> {
        let (alike, suggestions) = (self.alike, self.suggestions);
        let mut principals = Vec::with_capacity(self.principals.0.len());
        for (mut principal, entries) in self.principals.0 {
            let groups = entries.into_iter().map(|entry| match entry {
                Entry::At(number) => alike::entry(&alike.action_groups, number).cloned(),
                Entry::Here(group) => Ok(group),
            });
            principal.action_groups = groups.collect::<Result<_, _>>()?;
            principal.action_groups.shrink_to_fit();
            principals.push(principal);
        }
        let suggestions: Vec<Result<Verified<Suggestion>, Error>> = suggestions
            .into_par_iter()
            .map(|suggestion| suggestion.proved(&alike.patterns))
            .collect();
        Ok(Report {
            schema: SCHEMA.to_owned(),
            tool: self.tool,
            window: self.window,
            coverage: self.coverage,
            principals,
            suggestions: suggestions.into_iter().collect::<Result<_, _>>()?,
            alternatives: self.alternatives.0,
            account_findings: self.account_findings,
            refused: self.refused.0,
            questions: self.questions,
            choices: self.choices,
            policies: self.policies.0,
            policy_documents: self.policy_documents.0,
            practices: self.practices,
            graph: self.graph,
            totals: self.totals,
        })
    }
}

impl UnprovedSuggestion {
    fn proved(self, tables: &[Patterns]) -> Result<Verified<Suggestion>, Error> {
        let UnprovedSuggestion {
            before,
            after,
            removed,
            room,
            mut beside,
        } = self;
        beside.removed = patterns(removed, tables)?;
        if let Some(UnprovedRoom {
            actions,
            patterns: entries,
            note,
        }) = room
        {
            let patterns = patterns(entries, tables)?;
            beside.room = Some(Room {
                actions,
                patterns,
                note,
            });
        }
        let id = beside.id.clone();
        verify::again(before, after, beside).map_err(|why| Error::Unproved {
            id,
            why: why.to_string(),
        })
    }
}

/// Patterns, with those of the table in the place of its numbers.
fn patterns(entries: Vec<Entry<String>>, tables: &[Patterns]) -> Result<Patterns, serde_json::Error> {
    let (mut pieces, mut here): (Vec<Arc<[String]>>, Vec<String>) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Here(pattern) => here.push(pattern),
            Entry::At(number) => {
                pieces.extend(Patterns::from(std::mem::take(&mut here)).shared());
                pieces.extend(alike::entry(tables, number)?.shared());
            }
        }
    }
    pieces.extend(Patterns::from(here).shared());
    Ok(pieces.into_iter().collect())
}
