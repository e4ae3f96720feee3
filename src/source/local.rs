//! Files, folders, globs and standard input.
//!
//! What is named is read, be it a pipe. Of what lies in a folder, or fits a glob, regular files alone are: a pipe or a
//! device would be waited for without end. A link to a file is read wherever it leads, but for the kernel's own file
//! systems; a link to a folder is followed once, unless the folder is read where it lies.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::layout::is_hidden_log;
use super::names::{Name, neighbours};
use super::{Error, Source};

/// Where the kernel shows what are no files: their length says nothing, and some never end.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];
/// Files of one folder that wait until their names are told apart from what they share.
const TOGETHER: usize = 1024;

/// A file on disk, as it was when it was found. There may be millions, each in little memory.
#[derive(Clone)]
pub struct File {
    name: Name,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl File {
    /// One of which nothing counts but its name, and how long it was.
    #[cfg(feature = "polars")]
    pub fn named(name: &str, bytes: u64) -> File {
        File {
            name: Name::alone(name.into()),
            bytes,
            modified: None,
        }
    }

    /// Where it lies.
    pub fn path(&self) -> PathBuf {
        self.name.whole().into()
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When it was modified last, as far as the system tells.
    pub fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    pub(super) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let path = self.path();
        let now = fs::metadata(&path)?;
        // A pipe that was named has no length. The kernel's own files have none either, and may never end.
        if self.bytes > 0 && !now.is_file() {
            return Err(io::Error::other("it was replaced by what is no regular file"));
        }
        if now.is_file() && now.len() == 0 {
            return Ok(Box::new(io::empty()));
        }
        Ok(Box::new(fs::File::open(path)?))
    }

    /// How it differs from what was found.
    pub(super) fn changed(&self) -> Option<String> {
        let modified = self.modified.filter(|_| self.bytes > 0)?;
        match fs::metadata(self.path()) {
            Err(_) => Some("removed while it was read".to_owned()),
            Ok(now) if now.len() != self.bytes => Some(format!(
                "changed while it was read: {} bytes when it was found, {} now",
                self.bytes,
                now.len()
            )),
            Ok(now) if now.modified().ok() != Some(modified) => Some("changed while it was read".to_owned()),
            Ok(_) => None,
        }
    }

    fn by_path(&self, other: &File) -> Ordering {
        let beside = self.name.beside(&other.name);
        beside.unwrap_or_else(|| self.path().cmp(&other.path()))
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path().fmt(f)
    }
}

impl PartialEq for File {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for File {}

impl PartialOrd for File {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for File {
    fn cmp(&self, other: &Self) -> Ordering {
        let rest = |file: &File| (file.bytes, file.modified);
        self.by_path(other).then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// Hidden folders in which rsync keeps what it is not done with, under its own name (rsync(1), `--delay-updates` and
/// `--partial-dir`).
const OF_RSYNC: [&str; 2] = [".~tmp~", ".rsync-partial"];

/// Everything that `places` name, each file once, sorted by name. A folder stands for all files in it; hidden files are
/// passed over, but for logs that somebody was not done with writing.
///
/// # Errors
/// A place that does not exist, or a glob that is none or fits nothing.
pub fn find<P: AsRef<OsStr>>(places: &[P]) -> Result<Vec<Source>, Error> {
    let mut walk = Walk::default();
    for place in places {
        let path = Path::new(place);
        if path.as_os_str() == "-" {
            walk.found.push(Source::Stdin);
            continue;
        }
        // No pattern can be written for a name that is no text.
        let place = name(path);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk.named(path),
            Ok(metadata) => {
                walk.file(path.to_owned(), Some(&metadata));
            }
            Err(source) if place.contains(['*', '?', '[']) => {
                if source.kind() != io::ErrorKind::NotFound {
                    return Err(Error::Missing { place, source });
                }
                walk.matching(&place)?;
            }
            Err(source) => return Err(Error::Missing { place, source }),
        }
    }
    let mut found = walk.followed();
    found.sort_unstable();
    found.dedup_by(|again, first| match (&*again, &*first) {
        (Source::File(again), Source::File(first)) => again.by_path(first).is_eq(),
        (again, first) => again == first,
    });
    Ok(found)
}

/// A path as text. Bytes that are no UTF-8 show as `\xFF`, so that two names stay two.
pub(super) fn name(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return text.to_owned();
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

/// What was found, and where was looked.
#[derive(Default)]
struct Walk {
    found: Vec<Source>,
    /// Files of one folder, which are not among them yet.
    together: Vec<(PathBuf, u64, Option<SystemTime>)>,
    /// Folders that are read, without links in their paths: those below them are, too.
    read: Vec<PathBuf>,
    /// Links to folders, which wait until it is known what is read without them.
    links: Vec<PathBuf>,
}

impl Walk {
    /// Adds a file.
    fn file(&mut self, path: PathBuf, metadata: Option<&Metadata>) {
        let is_beside = |(last, ..): &(PathBuf, u64, Option<SystemTime>)| last.parent() == path.parent();
        if self.together.len() == TOGETHER || !self.together.last().is_none_or(is_beside) {
            self.settle();
        }
        let modified = metadata.and_then(|metadata| metadata.modified().ok());
        self.together.push((path, metadata.map_or(0, Metadata::len), modified));
    }

    /// Puts those of one folder with the others.
    fn settle(&mut self) {
        let (names, facts): (Vec<OsString>, Vec<_>) = (self.together.drain(..))
            .map(|(path, bytes, modified)| (path.into_os_string(), (bytes, modified)))
            .unzip();
        let files = neighbours(names).into_iter().zip(facts);
        let files = files.map(|(name, (bytes, modified))| File { name, bytes, modified });
        self.found.extend(files.map(Source::File));
    }

    /// A folder that was named.
    fn named(&mut self, path: &Path) {
        self.read.extend(fs::canonicalize(path));
        self.folder(path);
    }

    fn matching(&mut self, pattern: &str) -> Result<(), Error> {
        let paths = glob::glob(pattern).map_err(|error| Error::Glob {
            place: pattern.to_owned(),
            why: error.to_string(),
        })?;
        let count = |walk: &Walk| walk.found.len() + walk.together.len() + walk.links.len();
        let before = count(self);
        for path in paths {
            // A folder that cannot be listed is met again when it is opened.
            let path = path.unwrap_or_else(|error| error.path().to_owned());
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.named(&path),
                metadata => self.entry(path, metadata.ok().as_ref()),
            }
        }
        if count(self) == before {
            return Err(Error::NoMatch {
                place: pattern.to_owned(),
            });
        }
        Ok(())
    }

    /// Adds the files under a folder. What cannot be listed becomes a source of its own, so that opening it says why.
    fn folder(&mut self, path: &Path) {
        let Ok(entries) = fs::read_dir(path) else {
            self.file(path.to_owned(), None);
            return;
        };
        let named = entries.flatten().map(|entry| {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            (entry.file_name(), is_link)
        });
        // Nearly in the order in which they will stand, which is the faster to sort.
        let mut entries: Vec<(OsString, bool)> = named.collect();
        entries.sort_unstable();
        for (name, is_link) in entries {
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if is_hidden
                && !is_hidden_log(&name.to_string_lossy())
                && !OF_RSYNC.iter().any(|of_rsync| name == *of_rsync)
            {
                continue;
            }
            let path = path.join(name);
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {
                    if is_link {
                        self.links.push(path);
                    } else {
                        self.folder(&path);
                    }
                }
                metadata => self.entry(path, metadata.ok().as_ref()),
            }
        }
    }

    /// Adds what is no folder. A file that vanished meanwhile, or may not be looked at, is met again when it is opened.
    fn entry(&mut self, path: PathBuf, metadata: Option<&Metadata>) {
        let why = match metadata.map(Metadata::file_type) {
            Some(kind) if !kind.is_file() => Some(what(kind)),
            Some(_) if is_kernel_s(&path) => Some("a link to a file of the kernel, which is no log"),
            Some(_) | None => None,
        };
        match why {
            Some(why) => self.found.push(Source::Unfit { path, why }),
            None => self.file(path, metadata),
        }
    }

    /// Everything, links to folders followed: each folder once, and none that is read without them. So no circle of
    /// links is walked twice.
    fn followed(mut self) -> Vec<Source> {
        let mut next = 0;
        while let Some(link) = self.links.get(next).cloned() {
            next += 1;
            let Ok(folder) = fs::canonicalize(&link) else { continue };
            let known = |read: &PathBuf| folder.starts_with(read);
            let holds = |read: &PathBuf| read.starts_with(&folder);
            if self.read.iter().any(holds) && !self.read.iter().any(known) {
                // It leads up: followed, it would take in what nobody named.
                let why = "a link to a folder that holds what is read";
                self.found.push(Source::Unfit { path: link, why });
            } else if !self.read.iter().any(known) {
                self.read.push(folder);
                self.folder(&link);
            }
        }
        self.settle();
        self.found
    }
}

/// Whether a path leads to where the kernel shows what are no files. Links alone do, from elsewhere.
fn is_kernel_s(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
        && fs::canonicalize(path).is_ok_and(|real| KERNEL.iter().any(|place| real.starts_with(place)))
}

#[cfg(unix)]
fn what(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe, and in folders only regular files are read; pass it by its name"
    } else if kind.is_socket() {
        "a socket, and in folders only regular files are read"
    } else {
        "a device, and in folders only regular files are read"
    }
}

#[cfg(not(unix))]
fn what(_kind: FileType) -> &'static str {
    "no regular file, and in folders only those are read"
}

#[cfg(all(test, unix))]
mod tests;
