//! `ledger.json`: which files make up the ledger. It is the only file that is ever replaced, and so the one pointer to
//! the last good state.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::book::BookKey;
use super::part::short;
use super::{Error, SCHEMA};
use crate::usage::PartKey;
use crate::usage::shapes::CHILDREN;

/// Version of the schema, as the last part of its name.
const VERSION: u64 = 3;
/// Versions whose files are read as well. Version 2 was never written by a release.
const OLDER: [u64; 1] = [1];

/// What `ledger.json` holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Index {
    /// Always `trimtrail.ledger/3`.
    pub(super) schema: String,
    /// Children of a node of resource shapes before it collapses (`K`).
    pub(super) children: usize,
    /// Whether names of sessions were kept.
    pub(super) identities: bool,
    /// Whether the last run came to its end.
    pub(super) complete: bool,
    /// By account and month.
    pub(super) books: Vec<BookEntry>,
    /// By account.
    pub(super) signatures: Vec<SignaturesEntry>,
    /// 128 bits of SHA-256 over everything above, as compact JSON in that order; ledgers made before had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

/// The files of a book.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct BookEntry {
    pub(super) account: String,
    pub(super) month: String,
    pub(super) calls: String,
    pub(super) sessions: String,
    pub(super) objects: String,
    pub(super) coverage: String,
    /// By date.
    pub(super) parts: Vec<PartEntry>,
}

/// What is known of a part without reading it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct PartEntry {
    pub(super) date: String,
    pub(super) objects: u64,
    /// Whether sessions, or their openings, still stand by their hashes.
    pub(super) sessions: bool,
    /// Files that were given and could not be read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) unread: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The signatures of an account's parts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct SignaturesEntry {
    pub(super) account: String,
    pub(super) file: String,
}

impl BookEntry {
    pub(super) fn key(&self) -> BookKey {
        BookKey {
            account: self.account.clone(),
            month: self.month.clone(),
        }
    }

    /// By which books are sorted.
    pub(super) fn place(&self) -> (&str, &str) {
        (&self.account, &self.month)
    }

    fn files(&self) -> [&str; 4] {
        [&self.calls, &self.sessions, &self.objects, &self.coverage]
    }
}

/// How the files of a book are called, before their kind.
pub(super) fn stem(account: &str, month: &str) -> String {
    let month = if month.is_empty() { "undated" } else { month };
    format!("{}-{month}", name_of(account))
}

/// An account in a file's name.
pub(super) fn name_of(account: &str) -> &str {
    if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) {
        account
    } else {
        "other"
    }
}

impl Index {
    /// A ledger without parts.
    pub(super) fn new(identities: bool) -> Index {
        Index {
            schema: SCHEMA.to_owned(),
            children: CHILDREN,
            identities,
            complete: true,
            books: Vec::new(),
            signatures: Vec::new(),
            digest: None,
        }
    }

    /// Reads the file, if this program can read that version. The JSON of version 1 is that of today; the tables that it
    /// names tell their version themselves, and stay as they are until a run writes their account and month.
    pub(super) fn parse(dir: &Path, text: &str) -> Result<Index, Error> {
        let damaged = |why: String| Error::Damaged {
            file: dir.join(super::INDEX),
            why,
        };
        let value: Value = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        let schema = value.get("schema").and_then(Value::as_str).unwrap_or_default();
        let version = schema
            .strip_prefix("trimtrail.ledger/")
            .and_then(|version| version.parse::<u64>().ok());
        match version {
            Some(version) if version == VERSION || OLDER.contains(&version) => {}
            Some(newer) if newer > VERSION => {
                return Err(Error::Newer {
                    dir: dir.to_owned(),
                    schema: schema.to_owned(),
                });
            }
            Some(_) | None => return Err(damaged(format!("`{schema}` is no schema of a ledger"))),
        }
        let mut index: Index = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        let digest = index.digest.take();
        if digest.is_some_and(|digest| digest != index.content()) {
            return Err(damaged(
                "its content is not the one that its digest was made of".to_owned(),
            ));
        }
        SCHEMA.clone_into(&mut index.schema);
        index.sort();
        if index.children != CHILDREN {
            return Err(Error::Children {
                dir: dir.to_owned(),
                children: index.children,
            });
        }
        let plain = |name: &str| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        };
        if let Some(name) = index.files().find(|name| !plain(name) || name.starts_with('.')) {
            return Err(damaged(format!("`{name}` is no name of a file of a ledger")));
        }
        index.check().map_err(damaged)?;
        Ok(index)
    }

    /// Whether each book is there once, holds days of its own month alone, and names files of its own account: otherwise
    /// calls would count twice, or for somebody else.
    fn check(&self) -> Result<(), String> {
        let name = |book: &BookEntry| format!("account `{}`, month `{}`", book.account, book.month);
        if let Some(pair) = self.books.windows(2).find(|pair| pair[0].place() == pair[1].place()) {
            return Err(format!("{} is there twice", name(&pair[0])));
        }
        if let Some(pair) = self
            .signatures
            .windows(2)
            .find(|pair| pair[0].account == pair[1].account)
        {
            return Err(format!("account `{}` has signatures twice", pair[0].account));
        }
        for book in &self.books {
            let dates: BTreeSet<&str> = book.parts.iter().map(|part| part.date.as_str()).collect();
            if dates.len() != book.parts.len() {
                return Err(format!("{} holds a day twice", name(book)));
            }
            let month = |date: &&str| date.get(..7).unwrap_or_default() != book.month;
            if let Some(date) = dates.into_iter().find(month) {
                return Err(format!("{} holds `{date}`", name(book)));
            }
            let stem = stem(&book.account, &book.month);
            let kinds = ["calls", "sessions", "objects", "coverage"];
            let mut files = book.files().into_iter().zip(kinds);
            if let Some((file, _)) = files.find(|(file, kind)| !file.starts_with(&format!("{stem}-{kind}-"))) {
                return Err(format!("{} names `{file}`", name(book)));
            }
        }
        for entry in &self.signatures {
            if !entry
                .file
                .starts_with(&format!("{}-signatures-", name_of(&entry.account)))
            {
                return Err(format!("account `{}` names `{}`", entry.account, entry.file));
            }
        }
        Ok(())
    }

    /// 128 bits of SHA-256 over everything but the digest itself.
    fn content(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("an index is JSON");
        short(&Sha256::digest(&bytes))
    }

    /// The one order in which it is written and searched.
    pub(super) fn sort(&mut self) {
        self.books.sort_by(|a, b| a.place().cmp(&b.place()));
        self.signatures.sort_by(|a, b| a.account.cmp(&b.account));
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let sealed = Index {
            digest: Some(self.content()),
            ..self.clone()
        };
        let mut bytes = serde_json::to_vec_pretty(&sealed).expect("an index is JSON");
        bytes.push(b'\n');
        bytes
    }

    pub(super) fn book(&self, key: &BookKey) -> Option<&BookEntry> {
        let wanted = (key.account.as_str(), key.month.as_str());
        let at = self.books.binary_search_by(|entry| entry.place().cmp(&wanted)).ok()?;
        Some(&self.books[at])
    }

    /// Files of a part that were given and could not be read.
    pub(super) fn unread(&self, part: &PartKey) -> u64 {
        self.part(part).map_or(0, |entry| entry.unread)
    }

    /// Whether a part was sealed in an earlier run.
    pub(super) fn has(&self, part: &PartKey) -> bool {
        self.part(part).is_some()
    }

    fn part(&self, part: &PartKey) -> Option<&PartEntry> {
        let book = self.book(&BookKey::of(part))?;
        book.parts.iter().find(|entry| entry.date == part.date)
    }

    pub(super) fn signatures(&self, account: &str) -> Option<&str> {
        let entry = self.signatures.iter().find(|entry| entry.account == account)?;
        Some(&entry.file)
    }

    /// Every file that the index names.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        let books = self.books.iter().flat_map(BookEntry::files);
        books.chain(self.signatures.iter().map(|entry| entry.file.as_str()))
    }

    /// (account, date, part) of every part.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, &PartEntry)> {
        self.books
            .iter()
            .flat_map(|book| book.parts.iter().map(move |part| (book.account.as_str(), part)))
    }
}
