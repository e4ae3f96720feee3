//! A ledger's folder: one run at a time writes to it, and a reader finds the last good state whenever it looks.
//!
//! Files under `data/` are named by their content and written once. A commit writes the new ones (to a temporary name,
//! synced, renamed), then replaces `ledger.json` the same way, then removes what it no longer names. Wherever that is
//! cut short, `ledger.json` names whole files; what was left over goes at the next run.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::book::{self, Before, Book, BookKey};
use super::columns::CallRow;
use super::index::{BookEntry, Index, PartEntry, SignaturesEntry, name_of, stem};
use super::part::{Object, Part, Session, short};
use super::pending::{Change, Changes, Pending};
use super::signatures::{Met, SignatureId, Signatures, witness};
use super::{DATA, Error, INDEX, LOCK};
use crate::disk;
use crate::usage::{PartKey, Seen};

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
        disk::folder(dir, Path::new(DATA)).map_err(failed("make", dir))?;
        let path = dir.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        disk::private_file(&mut options);
        let mut file = disk::refuse_link(&path)
            .and_then(|()| options.open(&path))
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
        &bytes(dir, &entry.calls)?,
        &bytes(dir, &entry.sessions)?,
        &bytes(dir, &entry.objects)?,
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
    book::read_signatures(&bytes(dir, name)?, |id, seen| witness(into, id, seen)).map_err(damaged(dir, name))
}

/// Every signature that has calls in an account's parts.
fn called(dir: &Path, index: &Index, account: &str) -> Result<HashSet<SignatureId>, Error> {
    let mut called = HashSet::new();
    for entry in index.books.iter().filter(|entry| entry.account == account) {
        let each = |row: CallRow<'_>| {
            called.insert(SignatureId::from_bytes(row.signature));
            Ok(())
        };
        book::read_calls(&bytes(dir, &entry.calls)?, each).map_err(damaged(dir, &entry.calls))?;
    }
    Ok(called)
}

/// A ledger that one run changes.
pub(super) struct Writer {
    pub(super) dir: PathBuf,
    pub(super) index: Index,
    /// Parts that wait for the next commit.
    pending: Pending,
    /// By account.
    met: BTreeMap<String, Met>,
    /// Accounts whose signatures the next commit writes.
    touched: BTreeSet<String>,
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
            pending: Pending::default(),
            met: BTreeMap::new(),
            touched: BTreeSet::new(),
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
        let book = match self.last_read.take().filter(|(last, _)| *last == book_key) {
            Some((_, book)) => book,
            None => self.book(&book_key)?,
        };
        let change = self
            .pending
            .changes(&book_key)
            .and_then(|changes| changes.get(&key.date));
        let before = || book.get(&key.date).cloned();
        let part = match change {
            None => before(),
            Some(None) => None,
            Some(Some(change)) => Some(self.pending.changed(before(), change)),
        };
        self.last_read = Some((book_key, book));
        Ok(part)
    }

    /// The parts of one account and month as the last commit left them.
    pub(super) fn book(&self, key: &BookKey) -> Result<Book, Error> {
        match self.index.book(key) {
            Some(entry) => book(&self.dir, entry),
            None => Ok(Book::new()),
        }
    }

    /// What was read into the parts of one account and month, by date.
    pub(super) fn objects(&self, key: &BookKey) -> Result<BTreeMap<String, Vec<Object>>, Error> {
        let mut objects: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        if let Some(entry) = self.index.book(key) {
            let mut each = |date: &str, object| {
                objects.entry(date.to_owned()).or_default().push(object);
                Ok(())
            };
            let file = bytes(&self.dir, &entry.objects)?;
            book::read_objects(&file, &mut each).map_err(damaged(&self.dir, &entry.objects))?;
        }
        Ok(objects)
    }

    /// The sessions of one account and month by date, as they will stand.
    pub(super) fn sessions(&self, key: &BookKey) -> Result<BTreeMap<String, Vec<Session>>, Error> {
        let mut sessions: BTreeMap<String, Vec<Session>> = BTreeMap::new();
        if let Some(entry) = self.index.book(key) {
            let mut each = |date: &str, session| {
                sessions.entry(date.to_owned()).or_default().push(session);
                Ok(())
            };
            let file = bytes(&self.dir, &entry.sessions)?;
            book::read_sessions(&file, &mut each).map_err(damaged(&self.dir, &entry.sessions))?;
        }
        for (date, change) in self.pending.changes(key).into_iter().flatten() {
            match change {
                None => {
                    sessions.remove(date);
                }
                Some(change) => {
                    if let Some(rows) = &change.sessions {
                        sessions.insert(date.clone(), rows.clone());
                    }
                }
            }
        }
        Ok(sessions)
    }

    /// What the index will say of each part.
    pub(super) fn parts(&self) -> BTreeMap<BookKey, BTreeMap<String, PartEntry>> {
        let mut books: BTreeMap<BookKey, BTreeMap<String, PartEntry>> = BTreeMap::new();
        for entry in &self.index.books {
            let parts = entry.parts.iter().map(|part| (part.date.clone(), part.clone()));
            books.insert(entry.key(), parts.collect());
        }
        for (key, changes) in self.pending.books() {
            self.change_entries(books.entry(key.clone()).or_default(), changes);
        }
        books
    }

    fn change_entries(&self, parts: &mut BTreeMap<String, PartEntry>, changes: &Changes) {
        for (date, change) in changes {
            match change {
                None => {
                    parts.remove(date);
                }
                Some(change) => {
                    let entry = self.pending.entry(date, parts.get(date), change);
                    parts.insert(date.clone(), entry);
                }
            }
        }
    }

    /// Takes note of signatures of an account that parts will name: their ids.
    pub(super) fn meet(&mut self, account: &str, signatures: Vec<Seen>) -> Vec<SignatureId> {
        self.touched.insert(account.to_owned());
        self.met.entry(account.to_owned()).or_default().meet(signatures)
    }

    /// Adds signatures, or widens their witnesses.
    pub(super) fn witnesses(&mut self, account: &str, signatures: Signatures) {
        self.touched.insert(account.to_owned());
        let met = self.met.entry(account.to_owned()).or_default();
        for (id, seen) in signatures {
            witness(&mut met.signatures, id, seen);
        }
    }

    /// Puts a part in the place of the one that was there.
    pub(super) fn put(&mut self, key: &PartKey, part: Part) {
        self.pending.put(key, part);
    }

    /// Puts other objects in a part.
    pub(super) fn put_objects(&mut self, key: &PartKey, objects: Vec<Object>) {
        self.pending.put_objects(key, objects);
    }

    /// Takes a part away.
    pub(super) fn remove(&mut self, key: &PartKey) {
        self.pending.remove(key);
        self.shrinks(&key.account);
    }

    /// Signatures without a call left go at the next commit.
    pub(super) fn shrinks(&mut self, account: &str) {
        self.shrunk.insert(account.to_owned());
    }

    /// Bytes of memory that the next commit frees, about.
    pub(super) fn waiting(&self) -> usize {
        self.pending.bytes()
    }

    /// Makes everything so far the last good state.
    pub(super) fn commit(&mut self, complete: bool) -> Result<(), Error> {
        let index = self.write_pending(complete).inspect_err(|_| {
            // What no index will name should not fill a disk that is full.
            let _ = self.sweep();
        })?;
        if index != self.index || !self.dir.join(INDEX).exists() {
            replace(&self.dir, INDEX, &index.to_bytes())?;
        }
        self.index = index;
        self.pending = Pending::default();
        self.sweep()
    }

    /// Writes the files of everything so far, and says which index names them.
    fn write_pending(&mut self, complete: bool) -> Result<Index, Error> {
        let mut index = self.index.clone();
        index.complete = complete;
        self.last_read = None;
        let write = |(key, changes)| Ok((key, self.write_book(key, changes)?));
        for (key, entry) in each(self.pending.books(), complete, write)? {
            let place = (key.account.as_str(), key.month.as_str());
            index.books.retain(|entry| entry.place() != place);
            index.books.extend(entry);
        }
        index.sort();
        let shrunk = std::mem::take(&mut self.shrunk);
        let mut touched = std::mem::take(&mut self.touched);
        touched.extend(shrunk.iter().cloned());
        for account in &touched {
            let met = self.met.entry(account.clone()).or_default();
            if !std::mem::replace(&mut met.with_known, true) {
                signatures(&self.dir, &index, account, &mut met.signatures)?;
            }
            if shrunk.contains(account) {
                met.keep(&called(&self.dir, &index, account)?);
            }
        }
        index.signatures.retain(|entry| !touched.contains(&entry.account));
        let write = |account: String| {
            let met = &self.met[&account].signatures;
            if met.is_empty() {
                return Ok(None);
            }
            let bytes = book::write_signatures(met).map_err(|damage| self.cannot_encode(&account, damage))?;
            let file = self.write(&format!("{}-signatures", name_of(&account)), "parquet", &bytes)?;
            Ok(Some(SignaturesEntry { account, file }))
        };
        let written = each(touched.into_iter().collect(), complete, write)?;
        index.signatures.extend(written.into_iter().flatten());
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

    /// Writes those files of a book that change.
    fn write_book(&self, key: &BookKey, changes: &Changes) -> Result<Option<BookEntry>, Error> {
        let entry = self.index.book(key);
        let mut parts = entry.map_or_else(BTreeMap::new, |entry| {
            let parts = entry.parts.iter().map(|part| (part.date.clone(), part.clone()));
            parts.collect()
        });
        self.change_entries(&mut parts, changes);
        if parts.is_empty() {
            return Ok(None);
        }
        let (account, pending) = (&key.account, &self.pending);
        // Rewrites one file, if a change says so, from what it holds of other dates.
        let file = |kind: &str,
                    extension: &str,
                    known: Option<&String>,
                    is_new: fn(&Change) -> bool,
                    write: &dyn Fn(Before<'_>) -> Result<Vec<u8>, book::Damage>|
         -> Result<String, Error> {
            let gives = |change: &Option<Change>| change.as_ref().is_none_or(is_new);
            if let Some(known) = known.filter(|_| !changes.values().any(gives)) {
                return Ok(known.clone());
            }
            let before = Before {
                file: known.map(|known| bytes(&self.dir, known)).transpose()?,
                stands: &|date| !changes.get(date).is_some_and(gives),
            };
            let bytes = write(before).map_err(|damage| match known {
                Some(known) => damaged(&self.dir, known)(damage),
                None => self.cannot_encode(account, damage),
            })?;
            self.write(&format!("{}-{kind}", stem(account, &key.month)), extension, &bytes)
        };
        let new = || {
            changes
                .iter()
                .filter_map(|(date, change)| Some((date.as_str(), change.as_ref()?)))
        };
        Ok(Some(BookEntry {
            account: account.clone(),
            month: key.month.clone(),
            calls: file(
                "calls",
                "parquet",
                entry.map(|entry| &entry.calls),
                Change::has_calls,
                &|before| book::write_calls(account, before, pending.calls(changes)),
            )?,
            sessions: file(
                "sessions",
                "parquet",
                entry.map(|entry| &entry.sessions),
                Change::has_sessions,
                &|before| {
                    let new = new().filter_map(|(date, change)| Some((date, change.sessions.as_deref()?)));
                    book::write_sessions(account, before, new)
                },
            )?,
            objects: file(
                "objects",
                "parquet",
                entry.map(|entry| &entry.objects),
                |change| change.objects.is_some(),
                &|before| {
                    let new = new().filter_map(|(date, change)| Some((date, change.objects.as_deref()?)));
                    book::write_objects(account, before, new)
                },
            )?,
            coverage: file(
                "coverage",
                "json",
                entry.map(|entry| &entry.coverage),
                Change::has_coverage,
                &|before| {
                    let new = new().filter_map(|(date, change)| Some((date, change.coverage()?)));
                    book::write_coverage(account, before, new)
                },
            )?,
            parts: parts.into_values().collect(),
        }))
    }

    /// Writes a file under a name that holds its content's hash.
    fn write(&self, stem: &str, extension: &str, bytes: &[u8]) -> Result<String, Error> {
        let name = format!("{stem}-{}.{extension}", content_hash(bytes));
        // What is there by that name may be damaged: a table without rows is the same however it came about.
        if self::bytes(&self.dir, &name).is_err() {
            replace(&self.dir, &format!("{DATA}/{name}"), bytes)?;
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
        for entry in fs::read_dir(&self.dir).map_err(failed("list", &self.dir))?.flatten() {
            if entry.file_name().to_str().is_some_and(disk::is_leaving) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// What becomes of each item, in their order. All cores work once nothing is read any more; before that, cores that read
/// would only wait for others, and each would keep memory of its own.
fn each<T: Send, R: Send>(
    items: Vec<T>,
    complete: bool,
    write: impl Fn(T) -> Result<R, Error> + Send + Sync,
) -> Result<Vec<R>, Error> {
    if complete {
        items.into_par_iter().with_max_len(1).map(write).collect()
    } else {
        items.into_iter().map(write).collect()
    }
}

/// Puts `bytes` in the place of a file below the ledger's folder, whole or not at all.
pub(super) fn replace(dir: &Path, below: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = dir.join(below);
    disk::replace(dir, Path::new(below), |file| file.write_all(bytes)).map_err(failed("write", &path))?;
    match path.parent() {
        Some(folder) if below == INDEX => sync_folder(folder),
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
