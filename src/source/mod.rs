//! Where logs lie: hands out named byte streams, parses nothing.

mod local;

use std::io::{self, Read};
use std::path::PathBuf;

pub use local::find;

/// One thing to read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// A file on disk, and its length in bytes when it was found.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// Standard input.
    Stdin,
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
}

impl Error {
    /// The way out.
    pub fn help(&self) -> &'static str {
        match self {
            Error::Missing { .. } | Error::NoMatch { .. } => "pass the folder that holds AWSLogs/, or - for stdin",
            Error::Glob { .. } => "quote the pattern; `**` stands for any depth, `[` and `]` need brackets around them",
        }
    }
}

impl Source {
    /// The name that reports use.
    pub fn name(&self) -> String {
        match self {
            Source::File { path, .. } => path.display().to_string(),
            Source::Stdin => "-".to_owned(),
        }
    }

    /// Bytes that lie ahead, where that is known.
    pub fn bytes(&self) -> u64 {
        match self {
            Source::File { bytes, .. } => *bytes,
            Source::Stdin => 0,
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Source::File { path, .. } => Ok(Box::new(std::fs::File::open(path)?)),
            Source::Stdin => Ok(Box::new(io::stdin())),
        }
    }

    /// Account and delivery date, where the name follows AWS's layout
    /// `…/AWSLogs/[ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`; both empty elsewhere.
    ///
    /// AWS delivers a file again under the same date, so events can be told apart within one such part.
    pub fn part(&self) -> (String, String) {
        let name = self.name();
        let segments: Vec<&str> = name.split(['/', '\\']).collect();
        let [.., account, _kind, _region, year, month, day, _file] = segments[..] else {
            return (String::new(), String::new());
        };
        let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(account, 12) && digits(year, 4) && digits(month, 2) && digits(day, 2) {
            (account.to_owned(), format!("{year}-{month}-{day}"))
        } else {
            (String::new(), String::new())
        }
    }
}
