//! What lies behind a network: there may be millions of such things, each in little memory.

use std::cmp::Ordering;
use std::io::{self, Read};
use std::sync::Arc;

use super::Error;
#[cfg(feature = "aws")]
use super::names::shared;

/// Brings what lies behind a network.
pub(crate) trait Fetch: Send + Sync {
    /// All of these will be opened, in this order.
    fn expect(&self, order: &[&Remote]);

    /// Waits until it is here, or begins to be here.
    fn open(&self, what: &Remote) -> io::Result<Box<dyn Read + Send>>;

    /// What is kept beside the content under this name.
    fn metadata(&self, _what: &Remote, _name: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    /// Whether it stands for what the place holds no longer, so that no later run can have it either.
    fn is_out_of_reach(&self) -> bool {
        false
    }

    /// Why what was opened so far came to nothing as a whole; see [`super::verdict`].
    fn verdict(&self, _earlier: u64) -> Result<(), Error> {
        Ok(())
    }
}

/// Something behind a network, told from others by its name: `s3://BUCKET/KEY`, `lookup:REGION/ACCOUNT/DATE`.
#[derive(Clone)]
pub struct Remote {
    common: Arc<Common>,
    /// The rest of its name, and behind it what S3 calls this version of its content (the ETag); that is empty where nothing
    /// tells it from another.
    rest: Arc<str>,
    /// Where the name ends in `rest`.
    end: u32,
    /// Its listing says that it lies in an archive, from which nobody restored it.
    #[cfg(feature = "aws")]
    pub(super) archived: bool,
    /// Its length when it was listed; 0 where that shows only at its end.
    pub(super) bytes: u64,
}

/// What neighbours have in common.
struct Common {
    /// How their names begin.
    begins: Box<str>,
    place: Arc<dyn Fetch>,
}

/// What is listed.
#[cfg(feature = "aws")]
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) etag: String,
    pub(super) archived: bool,
}

#[cfg(feature = "aws")]
impl Listed {
    /// Things of one place, best those of one folder.
    pub(super) fn all(listed: &[Listed], place: &Arc<dyn Fetch>) -> Vec<Remote> {
        let names: Vec<&str> = listed.iter().map(|one| one.name.as_str()).collect();
        let shared = shared(&names);
        let begins = names.first().map_or("", |name| &name[..shared]);
        let common = Arc::new(Common {
            begins: begins.into(),
            place: Arc::clone(place),
        });
        let remote = |one: &Listed| {
            let name = &one.name[shared..];
            Remote {
                common: Arc::clone(&common),
                rest: [name, &one.etag].concat().into(),
                // No name has so many bytes; S3's have 1,024 at most.
                end: u32::try_from(name.len()).unwrap_or(u32::MAX),
                archived: one.archived,
                bytes: one.bytes,
            }
        };
        listed.iter().map(remote).collect()
    }

    /// One that has no neighbours.
    pub(super) fn alone(name: String, etag: &str, place: Arc<dyn Fetch>) -> Remote {
        Remote {
            rest: etag.into(),
            end: 0,
            archived: false,
            bytes: 0,
            common: Arc::new(Common {
                begins: name.into(),
                place,
            }),
        }
    }
}

impl Remote {
    /// What tells it from others.
    pub(super) fn name(&self) -> String {
        [&*self.common.begins, self.parts().0].concat()
    }

    pub(super) fn etag(&self) -> &str {
        self.parts().1
    }

    pub(super) fn place(&self) -> &Arc<dyn Fetch> {
        &self.common.place
    }

    /// The rest of its name, and its ETag.
    fn parts(&self) -> (&str, &str) {
        self.rest.split_at(self.end as usize)
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Remote {}

impl PartialOrd for Remote {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Remote {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.common, &other.common) {
            return self.parts().0.cmp(other.parts().0);
        }
        let (mine, theirs) = (self.common.begins.as_bytes(), other.common.begins.as_bytes());
        let both = mine.len().min(theirs.len());
        // Names of two folders differ in what those of each begin with, as a rule.
        mine[..both]
            .cmp(&theirs[..both])
            .then_with(|| self.name().cmp(&other.name()))
    }
}

#[cfg(all(test, feature = "aws"))]
mod tests {
    use std::io::{self, Read};
    use std::sync::Arc;

    use super::{Fetch, Listed, Remote};

    struct Nowhere;

    impl Fetch for Nowhere {
        fn expect(&self, _order: &[&Remote]) {}

        fn open(&self, _what: &Remote) -> io::Result<Box<dyn Read + Send>> {
            Err(io::Error::other("nowhere"))
        }
    }

    /// Folders of these names.
    #[track_caller]
    fn check(folders: &[&[&str]]) {
        let place: Arc<dyn Fetch> = Arc::new(Nowhere);
        let listed = |name: &&str| Listed {
            name: (*name).to_owned(),
            etag: format!("\"{name}\""),
            ..Listed::default()
        };
        let mut found: Vec<Remote> = Vec::new();
        for folder in folders {
            let folder: Vec<Listed> = folder.iter().map(listed).collect();
            found.extend(Listed::all(&folder, &place));
        }
        found.sort();
        let mut names: Vec<&str> = folders.concat();
        names.sort_unstable();
        let made: Vec<String> = found.iter().map(Remote::name).collect();
        assert_eq!(made, names);
        for (one, name) in found.iter().zip(names) {
            assert_eq!(one.etag(), format!("\"{name}\""));
        }
    }

    #[test]
    fn names_and_etags_come_back_whole_and_sort_as_they_did() {
        check(&[]);
        check(&[&["s3://b/a.json"]]);
        check(&[&["s3://b/2/x_b", "s3://b/2/x_a"], &["s3://b/1/x_b", "s3://b/1/x_a"]]);
        check(&[&["s3://b/a"], &["s3://b/a/2", "s3://b/a/1"], &["s3://b/"]]);
        check(&[&["s3://b/a/1", "s3://b/a/3"], &["s3://b/a/2", "s3://b/b"]]);
        check(&[&["s3://b/é.json", "s3://b/à.json"]]);
    }

    #[test]
    fn a_name_alone_keeps_its_etag() {
        let one = Listed::alone("lookup:eu-west-1/1/2".to_owned(), "settled", Arc::new(Nowhere));
        assert_eq!((one.name().as_str(), one.etag()), ("lookup:eu-west-1/1/2", "settled"));
    }

    #[test]
    fn a_source_takes_little_memory() {
        assert!(size_of::<crate::source::Source>() <= 48);
    }
}
