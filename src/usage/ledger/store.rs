//! A ledger's folder: one run at a time writes to it, and a reader finds the last good state whenever it looks.
//!
//! Files under `data/` are named by their content and written once. A commit writes the new ones (to a temporary name,
//! synced, renamed), then replaces `ledger.json` the same way, then removes what it no longer names. Wherever that is
//! cut short, `ledger.json` names whole files; what was left over goes at the next run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use polars_core::prelude::PolarsResult;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::book::{self, Book, BookKey};
use super::index::{BookEntry, Index, PartEntry, SignaturesEntry};
use super::part::{Part, SignatureId, Signatures, short, witness};
use super::{DATA, Error, INDEX, LOCK};
use crate::usage::PartKey;

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

/// The right to write to a ledger, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    dir: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the ledger in `dir`, which is made where it is not there. `holder` is what others are told meanwhile.
    ///
    /// # Errors
    /// Where somebody else holds it, unless `wait` is set, and where the folder cannot be written to.
    pub fn take(dir: &Path, holder: &str, wait: bool) -> Result<Lock, Error> {
        fs::create_dir_all(dir.join(DATA)).map_err(failed("make", dir))?;
        let path = dir.join(LOCK);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if wait => file.lock().map_err(failed("lock", &path))?,
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                // Whoever holds it may not have written its name yet.
                let _ = file.read_to_string(&mut by);
                return Err(Error::Held {
                    dir: dir.to_owned(),
                    by: if by.is_empty() { "another run".to_owned() } else { by },
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
        }
        file.set_len(0)
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(failed("write to", &path))?;
        Ok(Lock {
            dir: dir.to_owned(),
            file,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock goes with the file; a name that stays behind only tells who came last.
        let _ = self.file.rewind().and_then(|()| self.file.set_len(0));
    }
}

/// Reads `ledger.json`; `None` where there is none.
pub(super) fn index(dir: &Path) -> Result<Option<Index>, Error> {
    let path = dir.join(INDEX);
    match fs::read_to_string(&path) {
        Ok(text) => Index::parse(dir, &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", &path)(error)),
    }
}

/// The bytes of a file under `data/`, if they are those that it was named by.
pub(super) fn bytes(dir: &Path, name: &str) -> Result<Vec<u8>, Error> {
    let path = dir.join(DATA).join(name);
    let bytes = fs::read(&path).map_err(failed("read", &path))?;
    let hash = name.rsplit_once('-').and_then(|(_, rest)| rest.split('.').next());
    if hash != Some(&content_hash(&bytes)) {
        return Err(Error::Damaged {
            file: path,
            why: "its content is not the one that it is named by".to_owned(),
        });
    }
    Ok(bytes)
}

/// What a file's name says of its content.
fn content_hash(bytes: &[u8]) -> String {
    short(&Sha256::digest(bytes))[..16].to_owned()
}

/// What a file's damage means.
pub(super) fn damaged(dir: &Path, name: &str) -> impl FnOnce(book::Damage) -> Error {
    let file = dir.join(DATA).join(name);
    move |damage| Error::Damaged {
        file,
        why: damage.to_string(),
    }
}

/// Reads a whole book.
pub(super) fn book(dir: &Path, entry: &BookEntry) -> Result<Book, Error> {
    let mut book = book::read(
        bytes(dir, &entry.calls)?,
        bytes(dir, &entry.sessions)?,
        bytes(dir, &entry.objects)?,
        &bytes(dir, &entry.coverage)?,
    )
    .map_err(damaged(dir, &entry.calls))?;
    for known in &entry.parts {
        if let Some(part) = book.get_mut(&known.date) {
            part.unread = known.unread;
        }
    }
    Ok(book)
}

/// Reads the signatures of an account's parts into those that are known.
pub(super) fn signatures(dir: &Path, index: &Index, account: &str, into: &mut Signatures) -> Result<(), Error> {
    let Some(name) = index.signatures(account) else {
        return Ok(());
    };
    book::read_signatures(bytes(dir, name)?, |id, seen| witness(into, id, seen)).map_err(damaged(dir, name))
}

/// A ledger that one run changes.
pub(super) struct Writer {
    dir: PathBuf,
    pub(super) index: Index,
    /// Parts that wait for the next commit; `None` goes.
    pending: BTreeMap<BookKey, BTreeMap<String, Option<Part>>>,
    signatures: BTreeMap<String, Signatures>,
    /// Accounts whose signatures may have lost their last call.
    shrunk: BTreeSet<String>,
    /// The book that was read last: parts are asked for one after another.
    last_read: Option<(BookKey, Book)>,
    _lock: Lock,
}

impl Writer {
    /// The ledger as the last commit left it; a new one where there is none.
    pub(super) fn open(lock: Lock, identities: bool) -> Result<Writer, Error> {
        let dir = lock.dir.clone();
        let index = match index(&dir)? {
            Some(index) if index.identities == identities => index,
            Some(index) => {
                return Err(Error::Identities {
                    dir,
                    kept: index.identities,
                });
            }
            None => Index::new(identities),
        };
        let writer = Writer {
            dir,
            index,
            pending: BTreeMap::new(),
            signatures: BTreeMap::new(),
            shrunk: BTreeSet::new(),
            last_read: None,
            _lock: lock,
        };
        writer.sweep()?;
        Ok(writer)
    }

    /// A part as it will stand.
    pub(super) fn part(&mut self, key: &PartKey) -> Result<Option<Part>, Error> {
        let book_key = BookKey::of(key);
        if let Some(part) = self.pending.get(&book_key).and_then(|parts| parts.get(&key.date)) {
            return Ok(part.clone());
        }
        let book = match self.last_read.take().filter(|(last, _)| *last == book_key) {
            Some((_, book)) => book,
            None => self.book(&book_key)?,
        };
        let (_, book) = self.last_read.insert((book_key, book));
        Ok(book.get(&key.date).cloned())
    }

    /// The parts of one account and month as the last commit left them.
    pub(super) fn book(&self, key: &BookKey) -> Result<Book, Error> {
        match self.index.book(key) {
            Some(entry) => book(&self.dir, entry),
            None => Ok(Book::new()),
        }
    }

    /// What was read into the parts of one account and month, by date.
    pub(super) fn objects(&self, key: &BookKey) -> Result<BTreeMap<String, Vec<super::part::Object>>, Error> {
        let mut objects: BTreeMap<String, Vec<super::part::Object>> = BTreeMap::new();
        if let Some(entry) = self.index.book(key) {
            let each = |date: &str, object| objects.entry(date.to_owned()).or_default().push(object);
            book::read_objects(bytes(&self.dir, &entry.objects)?, each).map_err(damaged(&self.dir, &entry.objects))?;
        }
        Ok(objects)
    }

    /// Puts a part in the place of the one that was there.
    pub(super) fn put(&mut self, key: &PartKey, part: Part, signatures: Signatures) {
        let parts = self.pending.entry(BookKey::of(key)).or_default();
        parts.insert(key.date.clone(), Some(part));
        if !signatures.is_empty() {
            self.witnesses(&key.account, signatures);
        }
    }

    /// Adds signatures, or widens their witnesses.
    pub(super) fn witnesses(&mut self, account: &str, signatures: Signatures) {
        let known = self.signatures.entry(account.to_owned()).or_default();
        for (id, seen) in signatures {
            witness(known, id, seen);
        }
    }

    /// Takes a part away.
    pub(super) fn remove(&mut self, key: &PartKey) {
        let parts = self.pending.entry(BookKey::of(key)).or_default();
        parts.insert(key.date.clone(), None);
        self.shrunk.insert(key.account.clone());
    }

    /// Signatures without a call left go at the next commit.
    pub(super) fn shrinks(&mut self, account: &str) {
        self.shrunk.insert(account.to_owned());
    }

    /// Whether a part waits for the next commit.
    pub(super) fn has_changed(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Makes everything so far the last good state.
    pub(super) fn commit(&mut self, complete: bool) -> Result<(), Error> {
        let index = self.write_pending(complete).inspect_err(|_| {
            // What no index will name should not fill a disk that is full.
            let _ = self.sweep();
        })?;
        if index != self.index || !self.dir.join(INDEX).exists() {
            replace(&self.dir.join(INDEX), &index.to_bytes())?;
        }
        self.index = index;
        self.sweep()
    }

    /// Writes the files of everything so far, and says which index names them.
    fn write_pending(&mut self, complete: bool) -> Result<Index, Error> {
        let mut index = self.index.clone();
        index.complete = complete;
        self.last_read = None;
        let pending = std::mem::take(&mut self.pending);
        let written: Result<Vec<(BookKey, Option<BookEntry>)>, Error> = pending
            .into_par_iter()
            .map(|(key, parts)| {
                let mut book = self.book(&key)?;
                for (date, part) in parts {
                    match part {
                        Some(part) => book.insert(date, part),
                        None => book.remove(&date),
                    };
                }
                let entry = (!book.is_empty()).then(|| self.write_book(&key, &book)).transpose()?;
                Ok((key, entry))
            })
            .collect();
        for (key, entry) in written? {
            let place = (key.account.as_str(), key.month.as_str());
            index.books.retain(|entry| entry.place() != place);
            index.books.extend(entry);
        }
        index.sort();
        let mut touched = std::mem::take(&mut self.signatures);
        let shrunk = std::mem::take(&mut self.shrunk);
        for account in &shrunk {
            touched.entry(account.clone()).or_default();
        }
        for (account, mut known) in touched {
            signatures(&self.dir, &index, &account, &mut known)?;
            if shrunk.contains(&account) {
                let called = self.called(&index, &account)?;
                known.retain(|id, _| called.contains(id));
            }
            index.signatures.retain(|entry| entry.account != account);
            if !known.is_empty() {
                let bytes =
                    book::write_signatures(&known).map_err(|error| self.cannot_encode(&account, error.into()))?;
                let file = self.write(&format!("{}-signatures", name_of(&account)), "parquet", &bytes)?;
                index.signatures.push(SignaturesEntry { account, file });
            }
        }
        index.sort();
        sync_folder(&self.dir.join(DATA))?;
        Ok(index)
    }

    fn cannot_encode(&self, account: &str, damage: book::Damage) -> Error {
        Error::Damaged {
            file: self.dir.join(DATA).join(name_of(account)),
            why: damage.to_string(),
        }
    }

    fn write_book(&self, key: &BookKey, book: &Book) -> Result<BookEntry, Error> {
        let account = &key.account;
        let month = if key.month.is_empty() { "undated" } else { &key.month };
        let stem = |kind: &str| format!("{}-{month}-{kind}", name_of(account));
        let table = |kind: &str, bytes: PolarsResult<Vec<u8>>| -> Result<String, Error> {
            let bytes = bytes.map_err(|error| self.cannot_encode(account, error.into()))?;
            self.write(&stem(kind), "parquet", &bytes)
        };
        let coverage =
            book::write_coverage(account, book).map_err(|error| self.cannot_encode(account, error.into()))?;
        let parts = book.iter().map(|(date, part)| PartEntry {
            date: date.clone(),
            objects: part.objects.len() as u64,
            sessions: part.has_sessions(),
            unread: part.unread,
        });
        Ok(BookEntry {
            account: account.clone(),
            month: key.month.clone(),
            calls: table("calls", book::write_calls(account, book))?,
            sessions: table("sessions", book::write_sessions(account, book))?,
            objects: table("objects", book::write_objects(account, book))?,
            coverage: self.write(&stem("coverage"), "json", &coverage)?,
            parts: parts.collect(),
        })
    }

    /// Every signature that has calls in an account's parts.
    fn called(&self, index: &Index, account: &str) -> Result<BTreeSet<SignatureId>, Error> {
        let mut called = BTreeSet::new();
        for entry in index.books.iter().filter(|entry| entry.account == account) {
            let mut last = String::new();
            let each = |[_, signature, ..]: [&str; 6], _| {
                if signature != last {
                    signature.clone_into(&mut last);
                    called.insert(signature.parse()?);
                }
                Ok(())
            };
            book::read_calls(bytes(&self.dir, &entry.calls)?, each).map_err(damaged(&self.dir, &entry.calls))?;
        }
        Ok(called)
    }

    /// Writes a file under a name that holds its content's hash.
    fn write(&self, stem: &str, extension: &str, bytes: &[u8]) -> Result<String, Error> {
        let name = format!("{stem}-{}.{extension}", content_hash(bytes));
        let path = self.dir.join(DATA).join(&name);
        if !path.exists() {
            replace(&path, bytes)?;
        }
        Ok(name)
    }

    /// Removes what no commit names: leavings of runs that were killed, and of the commit before.
    fn sweep(&self) -> Result<(), Error> {
        let named: BTreeSet<&str> = self.index.files().collect();
        let folder = self.dir.join(DATA);
        for entry in fs::read_dir(&folder).map_err(failed("list", &folder))?.flatten() {
            if !entry.file_name().to_str().is_some_and(|name| named.contains(name)) {
                let path = entry.path();
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        let _ = fs::remove_file(temporary(&self.dir.join(INDEX)));
        Ok(())
    }
}

/// An account in a file's name.
fn name_of(account: &str) -> &str {
    if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) {
        account
    } else {
        "other"
    }
}

fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension("tmp")
}

/// Puts `bytes` in the place of a file, whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = temporary(path);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written
        .map_err(failed("write", &temporary))
        .and_then(|()| fs::rename(&temporary, path).map_err(failed("replace", path)))
        .inspect_err(|_| {
            // A full disk should not be kept full.
            let _ = fs::remove_file(&temporary);
        })?;
    match path.parent() {
        Some(folder) if path.ends_with(INDEX) => sync_folder(folder),
        _ => Ok(()),
    }
}

/// A rename lasts once its folder is on disk; where folders cannot be synced (Windows), it lasts anyway.
fn sync_folder(folder: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed("sync", folder))?;
    }
    Ok(())
}
