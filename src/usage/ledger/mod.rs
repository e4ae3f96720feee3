//! The usage ledger: what was done, kept in Parquet for more than a year, and brought up to date from new logs alone.
//!
//! The folder and its columns are described in `SCHEMA.md` beside this file.

mod book;
mod columns;
mod footer;
mod gather;
mod index;
mod mend;
mod merge;
mod named;
mod old;
mod parquet;
mod part;
mod pending;
mod plan;
mod read;
mod results;
mod sessions;
mod signatures;
mod spelled;
mod store;
mod text;

use std::io;
use std::path::PathBuf;

use crate::help::Help;

pub use gather::{How, Keep, Shard, Summary, Unread, collect};
pub use merge::merge;
pub use read::{Read, exists, read};
pub use results::{keep_result, last_results};
pub use store::Lock;

/// The `schema` of `ledger.json`.
pub const SCHEMA: &str = "trimtrail.ledger/3";

/// The index of a ledger's files.
const INDEX: &str = "ledger.json";
/// Their folder.
const DATA: &str = "data";
/// Held by whoever writes.
const LOCK: &str = "LOCK";
/// Answers of `analyze --ledger`.
const RESULTS: &str = "results";

/// Why a ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("cannot {what} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No `ledger.json`.
    #[error("no ledger in `{}`", dir.display())]
    None {
        /// The folder.
        dir: PathBuf,
    },
    /// A later program wrote it.
    #[error("the ledger in `{}` has schema `{schema}`, this program reads up to `{SCHEMA}`", dir.display())]
    Newer {
        /// The folder.
        dir: PathBuf,
        /// Its schema.
        schema: String,
    },
    /// Resource shapes of another fineness.
    #[error("the ledger in `{}` keeps {children} children a node of its resource shapes, this program keeps {}", dir.display(), super::shapes::CHILDREN)]
    Children {
        /// The folder.
        dir: PathBuf,
        /// Its `K`.
        children: usize,
    },
    /// Session names are kept in one and not in the other.
    #[error("the ledger in `{}` was made {} names of sessions", dir.display(), if *kept { "with" } else { "without" })]
    Identities {
        /// The folder.
        dir: PathBuf,
        /// Whether it holds them.
        kept: bool,
    },
    /// Another run writes to it.
    #[error("the ledger in `{}` is held by {by}", dir.display())]
    Held {
        /// The folder.
        dir: PathBuf,
        /// Who says to hold it.
        by: String,
    },
    /// A file is not what it should be.
    #[error("`{}` is damaged: {why}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Parts that were read from overlapping sets of files.
    #[error("the ledgers hold different files of the same day, some of them in common: {}", .0.join(", "))]
    Overlap(Vec<String>),
    /// Logs could not be read at all.
    #[error(transparent)]
    Collect(#[from] super::Error),
}

impl Help for Error {
    fn help(&self) -> Option<&'static str> {
        match self {
            Error::None { .. } => Some("make one with `trimtrail collect --logs PLACE --ledger DIR`"),
            Error::Newer { .. } => Some("use the trimtrail that wrote it, or a later one"),
            Error::Children { .. } => Some("collect again with this program, into a new folder"),
            Error::Identities { kept: true, .. } => Some("pass --keep-identities, or collect into a new folder"),
            Error::Identities { kept: false, .. } => Some("leave --keep-identities out, or collect into a new folder"),
            Error::Held { .. } => Some("pass --wait to wait for it"),
            Error::Damaged { .. } => {
                Some("collect again, into a new folder; logs that are gone by now are lost with it")
            }
            Error::Overlap(_) => Some("collect those accounts and days again from all their files, into one ledger"),
            Error::Io { .. } | Error::Collect(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
