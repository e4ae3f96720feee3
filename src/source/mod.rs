//! Where logs lie: hands out named byte streams, parses nothing.
//!
//! What lies on disk is opened when it is read. What lies far away is fetched ahead, in the order in which [`expect`]
//! says that it will be opened, by threads of its own.

mod layout;
mod local;
#[cfg(feature = "aws")]
pub mod lookup;
mod names;
mod remote;
#[cfg(feature = "aws")]
pub mod s3;
#[cfg(feature = "aws")]
mod tally;

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::help::Help;

pub use layout::{Holds, Wanted};
pub use local::{File, find};
pub(crate) use remote::Fetch;
pub use remote::Remote;

/// One thing to read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// A file on disk.
    File(File),
    /// Something in a folder that is no regular file, and is not read: a pipe would be waited for without end.
    Unfit {
        /// Where it lies.
        path: PathBuf,
        /// What it is.
        why: &'static str,
    },
    /// Standard input.
    Stdin,
    /// Something behind a network.
    Remote(Remote),
}

/// Why a place cannot be read from at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing of that name.
    #[error("nothing at `{place}`: {source}")]
    Missing {
        /// What was asked for.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// A pattern that cannot be read.
    #[error("`{place}` is no glob: {why}")]
    Glob {
        /// What was asked for.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// A pattern that fits no file.
    #[error("no file fits `{place}`")]
    NoMatch {
        /// What was asked for.
        place: String,
    },
    /// A place behind a network that cannot be reached, or may not be.
    #[error("`{place}`: {why}")]
    Network {
        /// What was asked for.
        place: String,
        /// What is in the way.
        why: String,
        /// The way out.
        help: &'static str,
    },
}

impl Help for Error {
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Error::Missing { .. } | Error::NoMatch { .. } => "pass the folder that holds AWSLogs/, or - for stdin",
            Error::Network { help, .. } => help,
            Error::Glob { .. } => "quote the pattern; `**` stands for any depth, `[` and `]` need brackets around them",
        })
    }
}

impl Source {
    /// The name that reports use.
    pub fn name(&self) -> String {
        match self {
            Source::File(file) => local::name(&file.path()),
            Source::Unfit { path, .. } => local::name(path),
            Source::Stdin => "-".to_owned(),
            Source::Remote(remote) => remote.name(),
        }
    }

    /// Bytes that lie ahead, where that is known.
    pub fn bytes(&self) -> u64 {
        match self {
            Source::File(file) => file.bytes(),
            Source::Unfit { .. } | Source::Stdin => 0,
            Source::Remote(remote) => remote.bytes,
        }
    }

    /// What tells this version of its content from another (S3's ETag); empty where nothing does.
    pub fn etag(&self) -> &str {
        match self {
            Source::File(_) | Source::Unfit { .. } | Source::Stdin => "",
            Source::Remote(remote) => remote.etag(),
        }
    }

    /// Whether it is known to hold no more bytes than that.
    pub fn is_at_most(&self, most: u64) -> bool {
        match self {
            Source::File(file) => file.bytes() <= most,
            Source::Unfit { .. } => true,
            Source::Stdin => false,
            Source::Remote(remote) => remote.bytes > 0 && remote.bytes <= most,
        }
    }

    /// What changes when the thing does, as far as its store tells without reading it: a file's time of
    /// modification, an object's ETag.
    pub fn stamp(&self) -> Option<String> {
        match self {
            Source::File(file) => {
                let since = file.modified()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
                Some(format!("{}.{:09}", since.as_secs(), since.subsec_nanos()))
            }
            Source::Unfit { .. } | Source::Stdin => None,
            Source::Remote(_) => Some(self.etag().to_owned()).filter(|etag| !etag.is_empty()),
        }
    }

    /// Whether it stands for what its place holds no longer: opening it says so, now and in every later run.
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Source::File(_) | Source::Unfit { .. } | Source::Stdin => false,
            Source::Remote(remote) => remote.place().is_out_of_reach(),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Source::File(file) => file.open(),
            Source::Unfit { why, .. } => Err(io::Error::other(*why)),
            Source::Stdin => Ok(Box::new(io::stdin())),
            Source::Remote(remote) => remote.place().open(remote),
        }
    }

    /// How a file on disk, now that it was read, differs from what was found; `None` where it does not.
    pub fn changed(&self) -> Option<String> {
        match self {
            Source::File(file) => file.changed(),
            Source::Unfit { .. } | Source::Stdin | Source::Remote(_) => None,
        }
    }

    /// What its store keeps beside the content under a name: S3's `x-amz-meta-NAME`. Files have nothing of the kind.
    ///
    /// # Errors
    /// Why the store does not tell.
    pub fn metadata(&self, name: &str) -> io::Result<Option<String>> {
        match self {
            Source::File(_) | Source::Unfit { .. } | Source::Stdin => Ok(None),
            Source::Remote(remote) => remote.place().metadata(remote, name),
        }
    }

    /// What its name tells of the events that it holds.
    pub fn holds(&self) -> Holds {
        layout::holds(&self.name())
    }

    /// Whether it is named as digest files are.
    pub fn is_named_like_a_digest(&self) -> bool {
        self.name().contains("_CloudTrail-Digest_")
    }

    /// Whether it is named as log files are, or has no ending at all.
    pub fn is_named_like_a_log(&self) -> bool {
        layout::is_named_like_a_log(&self.name())
    }

    /// The names under which the log lies, once it is whole, of which this one is a part or a copy.
    pub fn wholes(&self) -> Vec<String> {
        layout::wholes(&self.name()).collect()
    }

    /// Account and delivery date, where the name follows AWS's layout
    /// `…/AWSLogs/[ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`, and the day that LookupEvents was asked for; both empty
    /// elsewhere.
    ///
    /// AWS delivers a file again under the same date, so events can be told apart within one such part.
    pub fn part(&self) -> (String, String) {
        match self {
            Source::File(file) => layout::part(&file.path().to_string_lossy()),
            Source::Unfit { path, .. } => layout::part(&path.to_string_lossy()),
            Source::Stdin => (String::new(), String::new()),
            Source::Remote(remote) => layout::part(&remote.name()),
        }
    }
}

/// [`Source::part`] of a key, wherever it lies.
#[cfg(feature = "polars")]
pub fn part_of(key: &str) -> (String, String) {
    layout::part(key)
}

/// Says in which order sources will be opened, so that what lies far away is on its way by then. Opening another one
/// first, or one that was not named, only takes longer.
pub fn expect<'s>(order: impl IntoIterator<Item = &'s Source>) {
    for (place, order) in by_place(order) {
        place.expect(&order);
    }
}

/// Whether what lies far away could be read, now that everything was opened. One object that cannot be had is a fact
/// about the archive; none that can be had, or credentials that ran out on the way, is a run that failed. Where earlier
/// runs read so many files of the archive, that nothing is left but what lies in Glacier is no failure.
///
/// # Errors
/// What stands in the way, and the way out.
pub fn verdict<'s>(sources: impl IntoIterator<Item = &'s Source>, earlier: u64) -> Result<(), Error> {
    by_place(sources)
        .into_iter()
        .try_for_each(|(place, _)| place.verdict(earlier))
}

fn by_place<'s>(sources: impl IntoIterator<Item = &'s Source>) -> Vec<(&'s Arc<dyn Fetch>, Vec<&'s Remote>)> {
    let mut places: Vec<(&Arc<dyn Fetch>, Vec<&Remote>)> = Vec::new();
    for source in sources {
        let Source::Remote(remote) = source else { continue };
        match places.iter_mut().find(|(place, _)| Arc::ptr_eq(place, remote.place())) {
            Some((_, names)) => names.push(remote),
            None => places.push((remote.place(), vec![remote])),
        }
    }
    places
}

/// Whether a place lies behind a network: `s3://…` or `lookup:…`.
pub fn is_remote(place: &str) -> bool {
    place.starts_with("s3://") || place.starts_with("lookup:")
}

/// What cannot be listed, or is there no longer, is a source all the same, so that opening it says why.
#[cfg(feature = "aws")]
struct Unreadable {
    why: String,
    out_of_reach: bool,
}

#[cfg(feature = "aws")]
impl Unreadable {
    fn source(self, name: String) -> Source {
        Source::Remote(remote::Listed::alone(name, "", Arc::new(self)))
    }
}

#[cfg(feature = "aws")]
impl Fetch for Unreadable {
    fn expect(&self, _order: &[&Remote]) {}

    fn open(&self, _what: &Remote) -> io::Result<Box<dyn Read + Send>> {
        Err(io::Error::other(self.why.clone()))
    }

    fn is_out_of_reach(&self) -> bool {
        self.out_of_reach
    }
}
