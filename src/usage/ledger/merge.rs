//! Ledgers that were made apart, as one.
//!
//! Two versions of a part are compared by the content of what was read into them: the same files, and one is kept;
//! none in common, and they are summed; all of one in the other, and the other is kept. Where each holds files that the
//! other lacks, and some are in both, those would count twice: such a day has to be collected again. So the order of
//! ledgers does not matter, nor does merging one twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Error;
use super::book::{Book, BookKey};
use super::gather::{Summary, object_key};
use super::index::Index;
use super::part::Part;
use super::sessions::join_sessions;
use super::signatures::Signatures;
use super::store::{self, Lock, Writer};
use crate::usage::PartKey;
use crate::usage::named::CHANGED;

/// Merges the ledgers in `from` into the one that `lock` holds; `join` says that every shard is in, so that sessions
/// find what opened them.
///
/// # Errors
/// Where one of them cannot be read, was made in another way, or overlaps in part with another.
pub fn merge(lock: Lock, from: &[PathBuf], join: bool) -> Result<Summary, Error> {
    let mut inputs: Vec<(&Path, Index)> = Vec::with_capacity(from.len());
    for dir in from {
        let index = store::index(dir)?.ok_or_else(|| Error::None { dir: dir.clone() })?;
        inputs.push((dir, index));
    }
    let identities = inputs.first().is_some_and(|(_, index)| index.identities);
    if let Some((dir, index)) = inputs.iter().find(|(_, index)| index.identities != identities) {
        return Err(Error::Identities {
            dir: dir.to_path_buf(),
            kept: index.identities,
        });
    }
    let mut writer = Writer::open(lock, identities)?;
    let mut summary = Summary::default();
    let mut overlaps = Vec::new();
    let keys: BTreeSet<BookKey> = inputs
        .iter()
        .flat_map(|(_, index)| index.books.iter().map(super::index::BookEntry::key))
        .collect();
    let mut signatures: BTreeMap<String, Signatures> = BTreeMap::new();
    for key in keys {
        let mut versions: BTreeMap<String, Vec<Part>> = BTreeMap::new();
        let mut gather = |book: Book| {
            for (date, part) in book {
                versions.entry(date).or_default().push(part);
            }
        };
        let before = writer.book(&key)?;
        for (dir, index) in &inputs {
            if let Some(entry) = index.book(&key) {
                gather(store::book(dir, entry)?);
            }
        }
        gather(before.clone());
        for (date, versions) in versions {
            let part_key = PartKey {
                date,
                account: key.account.clone(),
            };
            let Some(part) = one(&part_key, versions) else {
                overlaps.push(format!("account {} on {}", part_key.account, part_key.date));
                continue;
            };
            if before.get(&part_key.date) == Some(&part) {
                summary.parts_known += 1;
                continue;
            }
            summary.parts_read += 1;
            writer.put(&part_key, part);
            signatures.entry(key.account.clone()).or_default();
        }
    }
    if !overlaps.is_empty() {
        return Err(Error::Overlap(overlaps));
    }
    for (account, known) in &mut signatures {
        for (dir, index) in &inputs {
            store::signatures(dir, index, account, known)?;
        }
        writer.witnesses(account, std::mem::take(known));
        writer.shrinks(account);
    }
    let complete = writer.index.complete && inputs.iter().all(|(_, index)| index.complete);
    if join {
        join_sessions(&mut writer)?;
    }
    writer.commit(complete)?;
    Ok(summary)
}

/// The versions of one part as one; `None` where two of them overlap in part.
fn one(key: &PartKey, versions: Vec<Part>) -> Option<Part> {
    let lost: Vec<_> = versions.iter().flat_map(|part| part.coverage.lost.clone()).collect();
    // A version whose files are all in another goes; of equal ones the better stays.
    let mut kept: Vec<Part> = Vec::new();
    for version in versions {
        let files = version.manifest();
        if kept.iter().any(|other| {
            let others = other.manifest();
            files.is_subset(&others) && (files.len() < others.len() || version.rank(other).is_le())
        }) {
            continue;
        }
        kept.retain(|other| !other.manifest().is_subset(&files));
        kept.push(version);
    }
    for (at, part) in kept.iter().enumerate() {
        let files = part.manifest();
        if kept[at + 1..].iter().any(|other| !files.is_disjoint(&other.manifest())) {
            return None;
        }
    }
    let mut sum = kept.into_iter().reduce(|mut sum, part| {
        sum.add(part);
        sum
    })?;
    // What no version read is lost in all of them.
    for (file, loss) in lost {
        let at = object_key(key, &file);
        if loss.why == CHANGED || !sum.objects.iter().any(|object| object.key == at || object.key == file) {
            sum.coverage.lose(&file, loss);
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests;
