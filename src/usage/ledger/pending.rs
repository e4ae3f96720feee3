//! Parts that wait for a commit, in a fraction of the memory that they take as values: their texts are numbers.

use std::collections::{BTreeMap, HashMap};
use std::mem::size_of;

use libdeflater::{CompressionLvl, Compressor, Decompressor};
use serde::Serialize;
use serde_json::value::RawValue;

use super::book::{BookKey, Line};
use super::index::PartEntry;
use super::part::{self, Calls, Object, Part, Session};
use super::signatures::SignatureId;
use super::text;
use crate::usage::PartKey;
use crate::usage::texts::{Text, Texts, position};

/// What a text takes beside its bytes, about.
const TEXT: usize = 40;

/// Changes of parts, by account, month and date.
#[derive(Default)]
pub(super) struct Pending {
    texts: Texts,
    last_text: Text,
    /// Signatures by number, and their numbers.
    signatures: Vec<SignatureId>,
    signature_numbers: HashMap<SignatureId, u32>,
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
    sessions: Option<Vec<PackedSession>>,
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
    calls: u64,
    first: i64,
    last: i64,
    /// Where in [`Change::resources`] its shapes end; they start where those of the calls before it end.
    resources: u32,
}

/// See [`Session`].
struct PackedSession {
    role_id: Text,
    session: PackedHash,
    opened: bool,
    /// As the columns spell it.
    workload: [Text; 4],
    calls: u64,
}

/// A session's hash: there are many, each in one part.
#[derive(Clone, Copy)]
enum PackedHash {
    /// As the number that it spells.
    Number(u64),
    /// Whatever else stands in its place.
    Text(Text),
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
        let change = Change {
            calls: Some(calls),
            resources,
            sessions: Some(self.pack(part.sessions)),
            objects: Some(part.objects),
            coverage: Some(coverage),
            unread: Some(part.unread),
        };
        self.book(key).insert(key.date.clone(), Some(change));
    }

    /// Puts other sessions in a part.
    pub(super) fn put_sessions(&mut self, key: &PartKey, sessions: Vec<Session>) {
        let sessions = self.pack(sessions);
        self.change(key).sessions = Some(sessions);
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

    fn pack_hash(&mut self, session: &str) -> PackedHash {
        match part::read_session_hash(session) {
            Some(number) => PackedHash::Number(number),
            None => PackedHash::Text(self.text(session)),
        }
    }

    fn spell_hash(&self, session: PackedHash) -> String {
        match session {
            PackedHash::Number(number) => part::spell_session_hash(number),
            PackedHash::Text(text) => self.texts.text(text).to_owned(),
        }
    }

    fn pack(&mut self, sessions: Vec<Session>) -> Vec<PackedSession> {
        self.bytes += sessions.len() * size_of::<PackedSession>();
        let pack = |row: Session| PackedSession {
            role_id: self.text(&row.role_id),
            session: self.pack_hash(&row.session),
            opened: row.opened,
            workload: text::spell_workload(row.workload.as_ref()).map(|text| self.text(&text)),
            calls: row.calls,
        };
        sessions.into_iter().map(pack).collect()
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
        rows.sort_unstable_by_key(|(row, date, _)| (signature(row), *date, row.day));
        rows.into_iter().map(move |(row, date, shapes)| Line {
            date,
            signature: signature(row),
            day: row.day,
            calls: row.calls,
            first: row.first,
            last: row.last,
            resources: text::list(&self.shapes(shapes)),
        })
    }

    /// New sessions of a change.
    pub(super) fn sessions(&self, change: &Change) -> Option<Vec<Session>> {
        let text = |number: Text| self.texts.text(number);
        let rows = change.sessions.as_ref()?.iter().map(|row| Session {
            role_id: text(row.role_id).to_owned(),
            session: self.spell_hash(row.session),
            opened: row.opened,
            workload: text::read_workload(row.workload.map(text)).expect("it was spelt by its inverse"),
            calls: row.calls,
        });
        Some(rows.collect())
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
                calls: row.calls,
                first: row.first,
                last: row.last,
                resources: self.shapes(shapes).into_iter().map(str::to_owned).collect(),
            });
            part.calls = calls.collect();
        }
        if let Some(sessions) = self.sessions(change) {
            part.sessions = sessions;
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
        // 0 is the empty text: sessions that are joined have no hash.
        let open = |row: &PackedSession| !matches!(row.session, PackedHash::Text(0));
        let sessions = change.sessions.as_ref().map(|rows| rows.iter().any(open));
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
