//! Parts that wait for a commit, in a fraction of the memory that they take as values: their texts are numbers.

use std::collections::{BTreeMap, HashMap};
use std::mem::size_of;

use libdeflater::{CompressionLvl, Compressor, Decompressor};
use serde::Serialize;
use serde_json::value::RawValue;

use super::book::{BookKey, Line};
use super::index::PartEntry;
use super::part::{Calls, Object, Part, Session};
use super::signatures::SignatureId;
use super::text;
use crate::usage::texts::{Text, Texts, position};
use crate::usage::{Behind, PartKey};

/// What a text takes beside its bytes, about.
const TEXT: usize = 40;
/// What the texts of a session's fact take, about.
const FACT: usize = 160;

/// Changes of parts, by account, month and date.
#[derive(Default)]
pub(super) struct Pending {
    texts: Texts,
    last_text: Text,
    /// Signatures by number, and their numbers.
    signatures: Vec<SignatureId>,
    signature_numbers: HashMap<SignatureId, u32>,
    /// Those who stood behind callers by number, and their numbers.
    behind: Vec<Behind>,
    behind_numbers: HashMap<Behind, u32>,
    books: BTreeMap<BookKey, Changes>,
    /// Bytes of memory, about.
    bytes: usize,
}

/// Changes of an account and month by date; `None` goes.
pub(super) type Changes = BTreeMap<String, Option<Change>>;

/// What is new of a part. What is not given stays as it was.
#[derive(Default)]
pub(super) struct Change {
    calls: Option<Vec<PackedCalls>>,
    /// Shapes of the resources of all its calls.
    resources: Vec<Text>,
    pub(super) sessions: Option<Vec<Session>>,
    pub(super) objects: Option<Vec<Object>>,
    coverage: Option<Deflated>,
    unread: Option<u64>,
}

/// JSON, in a tenth of the memory.
struct Deflated {
    bytes: Box<[u8]>,
    /// Of the JSON.
    length: usize,
}

impl Deflated {
    fn of(value: &impl Serialize) -> Deflated {
        let json = serde_json::to_vec(value).expect("it is JSON");
        let mut compressor = Compressor::new(CompressionLvl::fastest());
        let mut bytes = vec![0; compressor.deflate_compress_bound(json.len())];
        let length = compressor
            .deflate_compress(&json, &mut bytes)
            .expect("that is how much it may take");
        bytes.truncate(length);
        Deflated {
            bytes: bytes.into(),
            length: json.len(),
        }
    }

    fn json(&self) -> Box<RawValue> {
        let mut json = vec![0; self.length];
        Decompressor::new()
            .deflate_decompress(&self.bytes, &mut json)
            .expect("it was deflated");
        let json = String::from_utf8(json).expect("JSON is text");
        RawValue::from_string(json).expect("it was JSON")
    }
}

/// See [`Calls`].
struct PackedCalls {
    /// In [`Pending::signatures`].
    signature: u32,
    day: i32,
    /// In [`Pending::behind`].
    behind: u32,
    calls: u64,
    first: i64,
    last: i64,
    /// Where in [`Change::resources`] its shapes end; they start where those of the calls before it end.
    resources: u32,
}

impl Pending {
    /// Bytes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a part in the place of the one that was there.
    pub(super) fn put(&mut self, key: &PartKey, part: Part) {
        let mut resources = Vec::with_capacity(part.calls.iter().map(|row| row.resources.len()).sum());
        let mut calls = Vec::with_capacity(part.calls.len());
        for row in part.calls {
            resources.extend(row.resources.iter().map(|shape| self.text(shape)));
            calls.push(PackedCalls {
                signature: self.signature(row.signature),
                day: row.day,
                behind: self.behind(row.behind),
                calls: row.calls,
                first: row.first,
                last: row.last,
                resources: position(resources.len()),
            });
        }
        let coverage = Deflated::of(&part.coverage);
        let objects = part
            .objects
            .iter()
            .map(|object| object.key.len() + size_of::<Object>() + 2 * TEXT);
        self.bytes += calls.len() * size_of::<PackedCalls>() + resources.len() * size_of::<Text>();
        self.bytes += coverage.bytes.len() + objects.sum::<usize>();
        self.bytes += part.sessions.len() * (size_of::<Session>() + FACT);
        let change = Change {
            calls: Some(calls),
            resources,
            sessions: Some(part.sessions),
            objects: Some(part.objects),
            coverage: Some(coverage),
            unread: Some(part.unread),
        };
        self.book(key).insert(key.date.clone(), Some(change));
    }

    /// Puts other objects in a part.
    pub(super) fn put_objects(&mut self, key: &PartKey, objects: Vec<Object>) {
        self.change(key).objects = Some(objects);
    }

    /// Takes a part away.
    pub(super) fn remove(&mut self, key: &PartKey) {
        self.book(key).insert(key.date.clone(), None);
    }

    fn book(&mut self, key: &PartKey) -> &mut Changes {
        self.books.entry(BookKey::of(key)).or_default()
    }

    fn change(&mut self, key: &PartKey) -> &mut Change {
        let change = self.book(key).entry(key.date.clone()).or_default();
        change.get_or_insert_default()
    }

    fn text(&mut self, text: &str) -> Text {
        let number = self.texts.number(text);
        if number > self.last_text {
            self.last_text = number;
            self.bytes += text.len() + TEXT;
        }
        number
    }

    fn signature(&mut self, id: SignatureId) -> u32 {
        let Pending {
            signatures,
            signature_numbers,
            bytes,
            ..
        } = self;
        *signature_numbers.entry(id).or_insert_with(|| {
            signatures.push(id);
            *bytes += 3 * size_of::<SignatureId>();
            position(signatures.len() - 1)
        })
    }

    fn behind(&mut self, behind: Behind) -> u32 {
        if let Some(known) = self.behind_numbers.get(&behind) {
            return *known;
        }
        let number = position(self.behind.len());
        self.behind.push(behind.clone());
        self.behind_numbers.insert(behind, number);
        self.bytes += 2 * size_of::<Behind>() + TEXT;
        number
    }

    /// The changes of a book.
    pub(super) fn changes(&self, key: &BookKey) -> Option<&Changes> {
        self.books.get(key)
    }

    /// Books that change, those of most rows first: of what is done side by side, the longest should begin first.
    pub(super) fn books(&self) -> Vec<(&BookKey, &Changes)> {
        let rows = |changes: &Changes| -> usize {
            let calls = changes.values().flatten().filter_map(|change| change.calls.as_ref());
            calls.map(Vec::len).sum()
        };
        let mut books: Vec<(&BookKey, &Changes)> = self.books.iter().collect();
        books.sort_by_cached_key(|(_, changes)| std::cmp::Reverse(rows(changes)));
        books
    }

    /// New calls of a book, in the order of its file.
    pub(super) fn calls<'p>(&'p self, changes: &'p Changes) -> impl Iterator<Item = Line<'p>> {
        let mut rows: Vec<(&PackedCalls, &str, &[Text])> = Vec::new();
        for (date, change) in changes {
            rows.extend(
                change
                    .iter()
                    .flat_map(Change::calls)
                    .map(|(row, shapes)| (row, date.as_str(), shapes)),
            );
        }
        let signature = |row: &PackedCalls| self.signatures[row.signature as usize];
        let behind = |row: &PackedCalls| &self.behind[row.behind as usize];
        rows.sort_unstable_by(|(a, date_a, _), (b, date_b, _)| {
            let place = |row: &PackedCalls, date| (signature(row), date, row.day);
            let known = place(a, *date_a).cmp(&place(b, *date_b));
            known.then_with(|| behind(a).cmp(behind(b)))
        });
        rows.into_iter().map(move |(row, date, shapes)| Line {
            date,
            signature: signature(row),
            day: row.day,
            behind: behind(row),
            calls: row.calls,
            first: row.first,
            last: row.last,
            resources: text::list(&self.shapes(shapes)),
        })
    }

    fn shapes(&self, numbers: &[Text]) -> Vec<&str> {
        numbers.iter().map(|number| self.texts.text(*number)).collect()
    }

    /// A part with its changes; `before` is how it stands.
    pub(super) fn changed(&self, before: Option<Part>, change: &Change) -> Part {
        let mut part = before.unwrap_or_default();
        if change.calls.is_some() {
            let calls = change.calls().map(|(row, shapes)| Calls {
                signature: self.signatures[row.signature as usize],
                day: row.day,
                behind: self.behind[row.behind as usize].clone(),
                calls: row.calls,
                first: row.first,
                last: row.last,
                resources: self.shapes(shapes).into_iter().map(str::to_owned).collect(),
            });
            part.calls = calls.collect();
        }
        if let Some(sessions) = &change.sessions {
            part.sessions.clone_from(sessions);
        }
        if let Some(objects) = &change.objects {
            part.objects.clone_from(objects);
        }
        if let Some(coverage) = &change.coverage {
            part.coverage = serde_json::from_str(coverage.json().get()).expect("it was coverage");
        }
        part.unread = change.unread.unwrap_or(part.unread);
        part
    }

    /// What the index says of a part with its changes; `before` is what it says now.
    pub(super) fn entry(&self, date: &str, before: Option<&PartEntry>, change: &Change) -> PartEntry {
        let is_session = |row: &PackedCalls| matches!(self.behind[row.behind as usize], Behind::Session(_));
        let sessions = change.sessions.as_ref().map(|facts| {
            let mut calls = change.calls.iter().flatten();
            !facts.is_empty() || calls.any(is_session)
        });
        PartEntry {
            date: date.to_owned(),
            objects: match &change.objects {
                Some(objects) => objects.len() as u64,
                None => before.map_or(0, |before| before.objects),
            },
            sessions: sessions.unwrap_or_else(|| before.is_some_and(|before| before.sessions)),
            unread: change
                .unread
                .unwrap_or_else(|| before.map_or(0, |before| before.unread)),
        }
    }
}

impl Change {
    /// Its calls, each with the shapes of its resources.
    fn calls(&self) -> impl Iterator<Item = (&PackedCalls, &[Text])> {
        let mut start = 0;
        self.calls.iter().flatten().map(move |row| {
            let end = row.resources as usize;
            let shapes = &self.resources[start..end];
            start = end;
            (row, shapes)
        })
    }

    pub(super) fn has_calls(&self) -> bool {
        self.calls.is_some()
    }

    pub(super) fn has_sessions(&self) -> bool {
        self.sessions.is_some()
    }

    pub(super) fn has_coverage(&self) -> bool {
        self.coverage.is_some()
    }

    /// The new coverage as JSON.
    pub(super) fn coverage(&self) -> Option<Box<RawValue>> {
        self.coverage.as_ref().map(Deflated::json)
    }
}
