//! What to read of a part: its files by name, length and stamp against those that were read, by content where that
//! leaves a doubt.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Read};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::part::{Object, short};
use crate::source::{self, Source};

/// A file that is given.
pub(super) struct Given<'s> {
    pub(super) source: &'s Source,
    pub(super) key: String,
    /// The key is its whole name.
    pub(super) whole: bool,
    pub(super) stamp: String,
}

/// What the names and stamps of a part's files tell, before any is opened.
pub(super) struct Names {
    /// Files that were read, and are there no more.
    gone: BTreeSet<String>,
    /// Files of which only their content tells whether they were read.
    pub(super) doubtful: Vec<usize>,
    /// Files of which nothing was read.
    new: Vec<usize>,
    /// Files given before that could not be read then.
    pub(super) unread: u64,
}

/// What to do about a part.
pub(super) enum Plan {
    /// Nothing is new.
    Keep,
    /// The same bytes, touched since: only stamps change.
    Touch(Vec<Object>),
    /// Read all of it again.
    Replace(Vec<usize>),
    /// Its earlier files are gone; read the new ones beside it.
    Add(Vec<usize>),
    /// An earlier file changed and others are gone.
    Refuse(String),
}

impl Names {
    /// Compares by name, length and stamp. `unread` files of the part could not be read before.
    pub(super) fn of(known: &[Object], given: &[Given<'_>], unread: u64) -> Names {
        let by_key: HashMap<&str, &Object> = known.iter().map(|object| (object.key.as_str(), object)).collect();
        let mut gone: BTreeSet<String> = known.iter().map(|object| object.key.clone()).collect();
        let (mut new, mut doubtful) = (Vec::new(), Vec::new());
        for (at, file) in given.iter().enumerate() {
            let Some(object) = by_key.get(file.key.as_str()) else {
                new.push(at);
                continue;
            };
            gone.remove(&object.key);
            // The length of some shows only at their end.
            let same = [0, object.bytes].contains(&file.source.bytes()) && object.stamp == file.stamp;
            if !same || file.stamp.is_empty() {
                doubtful.push(at);
            }
        }
        // A new name may be a file that moved here, or one that still cannot be read, which is no reason to read its
        // part again.
        if !known.is_empty() && (!gone.is_empty() || unread > 0) {
            doubtful.append(&mut new);
        }
        Names {
            gone,
            doubtful,
            new,
            unread,
        }
    }
}

/// What to read of a part: by names and stamps where those are enough, else by content.
pub(super) fn plan(known: &[Object], given: &[Given<'_>], names: &Names, contents: &Contents) -> Plan {
    let by_key: HashMap<&str, &Object> = known.iter().map(|object| (object.key.as_str(), object)).collect();
    let by_digest: HashMap<&str, &Object> = known.iter().map(|object| (object.digest.as_str(), object)).collect();
    let here: HashSet<&str> = given.iter().map(|file| file.key.as_str()).collect();
    let mut gone: BTreeSet<&str> = names.gone.iter().map(String::as_str).collect();
    let mut touched = BTreeMap::new();
    let (mut new, mut changed) = (names.new.clone(), Vec::new());
    let mut unread = 0;
    for at in &names.doubtful {
        let file = &given[*at];
        let Some(Ok(digest)) = contents.get(&file.source.name()) else {
            unread += 1;
            continue;
        };
        match (by_key.get(file.key.as_str()), by_digest.get(digest.as_str())) {
            (_, Some(object)) if object.key == file.key => {
                touched.insert(object.key.as_str(), file.stamp.clone());
            }
            // A copy beside the original is booked as one; alone, it is the original elsewhere.
            (None, Some(object)) if here.contains(object.key.as_str()) => new.push(*at),
            (None, Some(object)) => {
                gone.remove(object.key.as_str());
            }
            (Some(_), _) => changed.push(*at),
            (None, None) => new.push(*at),
        }
    }
    // What could not be read before and is not there any more takes its note with it.
    let is_whole_again = names.unread > 0 && unread == 0;
    if new.is_empty() && changed.is_empty() && !(is_whole_again && gone.is_empty()) {
        if touched.is_empty() {
            return Plan::Keep;
        }
        let mut objects = known.to_vec();
        for object in &mut objects {
            if let Some(stamp) = touched.get(object.key.as_str()) {
                object.stamp.clone_from(stamp);
            }
        }
        return Plan::Touch(objects);
    }
    if gone.is_empty() {
        return Plan::Replace((0..given.len()).collect());
    }
    match changed.first() {
        None => Plan::Add(new),
        Some(at) => Plan::Refuse(format!(
            "`{}` changed, and {} of the files read before are not there any more: collect that day from all its files",
            given[*at].source.name(),
            gone.len()
        )),
    }
}

/// Content digests by names of sources, or why there is none.
pub(super) type Contents = HashMap<String, Result<String, String>>;

/// Reads sources for nothing but their digests.
pub(super) fn contents(sources: Vec<&Source>) -> Contents {
    source::expect(sources.iter().copied());
    // One after another, as they were announced.
    let each = sources
        .into_iter()
        .par_bridge()
        .map(|source| (source.name(), digest(source)));
    each.collect()
}

/// 128 bits of SHA-256 over a file's bytes, in hex; or why it cannot be read.
fn digest(source: &Source) -> Result<String, String> {
    let mut stream = source.open().map_err(|error| format!("cannot be opened: {error}"))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(short(&digest.finalize())),
            Ok(length) => digest.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
}
