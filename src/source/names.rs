//! Names of millions of files in little memory: what neighbours have in common stands once.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

/// The name of a file: what its neighbours begin with as well, and the rest.
#[derive(Clone)]
pub(super) struct Name {
    begins: Arc<OsString>,
    rest: Box<OsStr>,
}

/// Names of neighbours, in their order: files of one folder, so that what sorts their rests sorts the names.
pub(super) fn neighbours(names: Vec<OsString>) -> Vec<Name> {
    let texts: Option<Vec<&str>> = names.iter().map(|name| name.to_str()).collect();
    let Some(texts) = texts else {
        // Only text can be cut anywhere, on all systems.
        return names.into_iter().map(Name::alone).collect();
    };
    let shared = shared(&texts);
    let begins = texts.first().map_or("", |name| &name[..shared]);
    let begins = Arc::new(OsString::from(begins));
    let name = |name: &str| Name {
        begins: Arc::clone(&begins),
        rest: OsStr::new(&name[shared..]).into(),
    };
    texts.into_iter().map(name).collect()
}

/// Bytes that all names begin with.
pub(super) fn shared(names: &[&str]) -> usize {
    let Some((first, others)) = names.split_first() else {
        return 0;
    };
    others.iter().fold(first.len(), |shared, name| {
        let pairs = first.bytes().zip(name.bytes()).take(shared);
        first.floor_char_boundary(pairs.take_while(|(a, b)| a == b).count())
    })
}

impl Name {
    /// A name without neighbours.
    pub(super) fn alone(name: OsString) -> Name {
        Name {
            begins: Arc::new(name),
            rest: OsStr::new("").into(),
        }
    }

    /// The whole name.
    pub(super) fn whole(&self) -> OsString {
        let mut whole = OsString::with_capacity(self.begins.len() + self.rest.len());
        whole.push(&*self.begins);
        whole.push(&self.rest);
        whole
    }

    /// How neighbours sort; `None` for others.
    pub(super) fn beside(&self, other: &Name) -> Option<Ordering> {
        Arc::ptr_eq(&self.begins, &other.begins).then(|| self.rest.cmp(&other.rest))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Name, neighbours};

    #[track_caller]
    fn check(names: &[&str], begins: &str) {
        let given: Vec<OsString> = names.iter().map(OsString::from).collect();
        let made = neighbours(given.clone());
        assert_eq!(made.iter().map(Name::whole).collect::<Vec<_>>(), given);
        for pair in made.windows(2) {
            assert_eq!(*pair[0].begins, begins);
            assert_eq!(pair[0].beside(&pair[1]), Some(pair[0].whole().cmp(&pair[1].whole())));
        }
    }

    #[test]
    fn names_come_back_whole_and_sort_as_they_did() {
        check(&[], "");
        check(&["logs/a.json"], "logs/a.json");
        check(
            &["logs/2026_a.json", "logs/2026_b.json", "logs/2026_aa.json"],
            "logs/2026_",
        );
        check(&["logs/a", "logs/a.json", "logs/"], "logs/");
        check(&["", "logs/a"], "");
        // é is C3 A9, and à C3 A0: cut between, neither half is text.
        check(&["logs/é.json", "logs/à.json"], "logs/");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_share_nothing() {
        use std::os::unix::ffi::OsStringExt;
        let given = [&b"logs/\xC3\xA9"[..], b"logs/\xC3"].map(|name| OsString::from_vec(name.to_vec()));
        let made = neighbours(given.to_vec());
        assert_eq!([made[0].whole(), made[1].whole()], given);
        assert_eq!(made[0].beside(&made[1]), None);
    }
}
