//! What digest files say of the log files that they name, beside what those that were read hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::Window;

/// A log file that a digest names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedFile {
    /// From its oldest to its newest event.
    pub window: Window,
    /// SHA-256 of its content without compression, where the digest tells it.
    pub hash: Option<[u8; 32]>,
}

/// Until all files of a run are known.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct NamedFiles {
    /// (account, region) → key → what digests say of it.
    pub named: BTreeMap<(String, String), BTreeMap<String, NamedFile>>,
    /// File name without its folders → SHA-256 of what was read under it.
    pub contents: BTreeMap<String, BTreeSet<[u8; 32]>>,
}

impl NamedFiles {
    /// Both, as if read in one run.
    pub fn merge(&mut self, other: NamedFiles) {
        for (key, files) in other.named {
            self.named.entry(key).or_default().extend(files);
        }
        for (name, contents) in other.contents {
            self.contents.entry(name).or_default().extend(contents);
        }
    }
}
