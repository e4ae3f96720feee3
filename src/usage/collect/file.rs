//! What became of one file, and how that is booked.

use std::collections::HashSet;

use super::{FileRead, Run, Seal};
use crate::coverage::Coverage;
use crate::source::Source;
use crate::usage::damage::Damage;
use crate::usage::duplicates::Digest;
use crate::usage::named;
use crate::usage::shard::Shard;

/// What became of one file.
pub(in crate::usage) struct FileFacts {
    pub(super) source: usize,
    pub(super) bytes: u64,
    /// `None` where it could not be read, or was streamed and failed.
    pub(super) digest: Option<Digest>,
    /// SHA-256 of its text, where digests ask for that.
    pub(super) hash: Option<Digest>,
    /// The place in the run's order of the file that holds the same bytes.
    pub(super) same_as: Option<usize>,
    /// (place, why, records)
    pub(super) skipped: Vec<(String, String, u64)>,
    /// What is wrong with its content.
    pub(super) damage: Damage,
}

impl FileFacts {
    /// It is whole, and nothing else is asked of it.
    fn is_plain(&self) -> bool {
        self.skipped.is_empty() && self.hash.is_none() && self.damage == Damage::default()
    }

    /// It cannot be read.
    pub(super) fn fails(&mut self, why: String) {
        self.damage = Damage::unreadable(&why);
        self.skipped = vec![(String::new(), why, 0)];
    }
}

impl Run<'_> {
    /// Books a file; one that holds the same bytes as another waits until that one is read.
    pub(super) fn note(&self, facts: FileFacts, shard: &mut Shard) {
        shard.done += 1;
        shard.coverage.files += 1;
        shard.coverage.bytes += facts.bytes;
        if let Some(digest) = facts.digest.filter(|_| self.seal == Seal::Parts) {
            let FileFacts { source, bytes, .. } = facts;
            shard.files.push(FileRead { source, bytes, digest });
        }
        if facts.same_as.is_some() {
            shard.copies.push(facts);
        } else {
            self.book(facts, &mut shard.coverage);
        }
    }

    /// Books what a file lacks, and what it is.
    fn book(&self, facts: FileFacts, coverage: &mut Coverage) {
        if facts.is_plain() {
            return;
        }
        let source = self.sources[facts.source];
        let name = source.name();
        for (place, why, records) in facts.skipped {
            coverage.skip(&name, &place, &why, records);
        }
        if let Some(hash) = facts.hash {
            let contents = &mut coverage.named_files.contents;
            contents.entry(named::base(&name).to_owned()).or_default().insert(hash);
        }
        let loss = facts.damage.loss(source);
        let loss = loss.filter(|loss| self.options.filter.may_take(loss));
        if let Some(loss) = loss.filter(|_| !self.has_whole(source)) {
            coverage.lose(&name, loss);
        }
    }

    /// Whether the log lies among the sources of which this one is a part or a copy: that one is read, or lost itself.
    fn has_whole(&self, source: &Source) -> bool {
        let known = || {
            let wanted: HashSet<String> = self.sources.iter().flat_map(|source| source.wholes()).collect();
            let names = self.sources.iter().map(|source| source.name());
            names.filter(|name| wanted.contains(name)).collect()
        };
        let wholes = source.wholes();
        wholes
            .iter()
            .any(|whole| self.wholes.get_or_init(known).contains(whole))
    }

    /// Books a file that holds the same bytes as another, as what that one was found to hold.
    pub(super) fn book_copy(&self, mut facts: FileFacts, coverage: &mut Coverage) {
        if let Some((digest, first)) = facts.digest.zip(facts.same_as) {
            let content = self.contents.of(&digest);
            let first = self.sources[self.order[first].source as usize].name();
            let why = format!("duplicate: the same bytes as {first}");
            facts.skipped.push((String::new(), why, content.records));
            // Two that are torn before anything differs may have held different events.
            facts.damage = content.damage;
            facts.hash = content.hash;
        }
        self.book(facts, coverage);
    }
}
