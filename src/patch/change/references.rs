//! What a document refers to and nobody can know: equal only to the same text that is defined by the same text.

use std::collections::{BTreeSet, HashMap};

/// All references of both sides. Each is written into documents as a policy variable, for the proofs hold whatever
/// variables hold.
#[derive(Default)]
pub(super) struct References {
    all: Vec<Reference>,
    known: HashMap<(String, String), usize>,
}

struct Reference {
    written: String,
    value: String,
}

/// How a reference begins inside a document.
pub(super) const START: &str = "${trimtrail-ref:";

impl References {
    /// A reference as documents hold it: `${trimtrail-ref:3}`.
    pub(super) fn variable(&mut self, written: &str, definition: String) -> String {
        format!("{START}{}}}", self.number(written, definition))
    }

    fn number(&mut self, written: &str, definition: String) -> usize {
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = (written.clone(), definition);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let at = self.all.len();
        let plain = plausible(&written);
        let taken: BTreeSet<&str> = self.all.iter().map(|reference| reference.value.as_str()).collect();
        let value = if taken.contains(plain.as_str()) {
            format!("{plain}-{at}")
        } else {
            plain
        };
        self.all.push(Reference { written, value });
        self.known.insert(key, at);
        at
    }

    /// A text with its references as they were written: `${var.bucket}`.
    pub(super) fn shown(&self, text: &str) -> String {
        self.replaced(
            text,
            &|reference| match reference.written.starts_with(['!', '{', '"']) {
                true => reference.written.clone(),
                false => format!("${{{}}}", reference.written),
            },
        )
    }

    /// A text with something in the place of each reference that it could stand for.
    pub(super) fn filled(&self, text: &str) -> String {
        self.replaced(text, &|reference| reference.value.clone())
    }

    /// What the references in a text are taken to stand for.
    pub(super) fn values_in(&self, text: &str) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = numbers(text)
            .filter_map(|(_, number)| self.all.get(number))
            .map(|reference| (reference.written.clone(), reference.value.clone()))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// References in `new` whose text stands in `old` too, where it is defined in another way.
    pub(super) fn redefined(&self, old: &str, new: &str) -> Vec<String> {
        let of = |text: &str| -> BTreeSet<usize> { numbers(text).map(|(_, number)| number).collect() };
        let (old, new) = (of(old), of(new));
        let written = |at: &usize| self.all.get(*at).map(|reference| reference.written.as_str());
        new.difference(&old)
            .filter(|at| old.iter().any(|other| written(other) == written(at)))
            .filter_map(written)
            .map(str::to_owned)
            .collect()
    }

    fn replaced(&self, text: &str, by: &dyn Fn(&Reference) -> String) -> String {
        let mut out = String::new();
        let mut done = 0;
        for (span, number) in numbers(text) {
            out.push_str(&text[done..span.start]);
            match self.all.get(number) {
                Some(reference) => out.push_str(&by(reference)),
                None => out.push_str(&text[span.clone()]),
            }
            done = span.end;
        }
        out.push_str(&text[done..]);
        out
    }
}

/// Whether a text holds a reference.
pub(super) fn has_reference(text: &str) -> bool {
    numbers(text).next().is_some()
}

fn numbers(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, usize)> {
    text.match_indices(START).filter_map(move |(at, start)| {
        let rest = &text[at + start.len()..];
        let end = rest.find('}')?;
        let number = rest[..end].parse().ok()?;
        Some((at..at + start.len() + end + 1, number))
    })
}

/// Something that a reference could stand for, told by its words.
fn plausible(written: &str) -> String {
    let lower = written.to_lowercase();
    let words: Vec<&str> = written
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .filter(|word| !word.is_empty())
        .collect();
    let of = |word: &str| lower.contains(word);
    if of("account") && !of("arn") {
        return "111122223333".to_owned();
    }
    if of("region") {
        return "eu-west-1".to_owned();
    }
    if of("partition") {
        return "aws".to_owned();
    }
    let is_arn = words
        .last()
        .is_some_and(|word| matches!(word.to_lowercase().as_str(), "arn" | "arns"));
    let name = |word: &str| {
        let name: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            "example".to_owned()
        } else {
            name.to_lowercase()
        }
    };
    if is_arn && let [.., kind, owner, _] = words[..] {
        let service = kind.strip_prefix("aws_").and_then(|kind| kind.split('_').next());
        return match service {
            Some("s3") => format!("arn:aws:s3:::{}", name(owner)),
            Some(service) => format!("arn:aws:{service}:eu-west-1:111122223333:{}", name(owner)),
            None => format!("arn:aws:s3:::{}", name(owner)),
        };
    }
    if is_arn {
        return "arn:aws:s3:::example".to_owned();
    }
    let last = words
        .iter()
        .rev()
        .find(|word| !matches!(**word, "id" | "name" | "value"));
    last.map_or_else(|| "example".to_owned(), |word| name(word))
}
