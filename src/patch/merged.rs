//! Policies put together of several documents, and documents that say only a part of what a policy says.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::PathBuf;

use serde_json::Value;

use super::File;
use super::joint::{self, Share};
use super::terraform::folder;
use super::tree::{Document, Fit, Node, Taken, Takes, elements, fit};

/// Where a document stands: the file, and which of its documents.
pub(super) type Place = (usize, usize);

/// How far documents are followed that take in others.
const DEPTH: usize = 8;

/// A document, and the statements of a policy that it stands for: all of them where none are named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub(super) place: Place,
    pub(super) statements: Option<Range<usize>>,
}

/// The documents that make up those that take in others, in the order of the statements, or why that is not known.
///
/// (AWS provider documentation, "Data Source: aws_iam_policy_document", `source_policy_documents` and
/// `override_policy_documents`: sources come first, then the data source's own statements, then overrides; a statement whose
/// Sid stands before already takes the place of that one.)
pub(super) fn wholes(files: &[File]) -> HashMap<Place, Result<Vec<Place>, String>> {
    let mut known: HashMap<(PathBuf, &str), Vec<Place>> = HashMap::new();
    let mut homes = Vec::new();
    for (at, file) in files.iter().enumerate() {
        for (index, document) in file.documents.iter().enumerate() {
            if let Some(address) = &document.address {
                let places = known.entry((folder(&file.path), address)).or_default();
                places.push((at, index));
            }
            if matches!(document.takes, Takes::Others(..)) {
                homes.push((at, index));
            }
        }
    }
    let merging = Merging { files, known };
    homes.into_iter().map(|home| (home, merging.whole(home))).collect()
}

struct Merging<'f> {
    files: &'f [File],
    known: HashMap<(PathBuf, &'f str), Vec<Place>>,
}

impl<'f> Merging<'f> {
    fn document(&self, place: Place) -> &'f Document {
        &self.files[place.0].documents[place.1]
    }

    fn whole(&self, home: Place) -> Result<Vec<Place>, String> {
        let mut parts = Vec::new();
        self.parts(home, 0, &mut parts)?;
        let places: BTreeSet<&Place> = parts.iter().collect();
        if places.len() < parts.len() {
            return Err("it takes in one document twice".to_owned());
        }
        let mut sids = BTreeSet::new();
        for statement in parts.iter().flat_map(|place| statements(self.document(*place))) {
            let Some(member) = statement.member("Sid") else {
                continue;
            };
            let sid = member.value.literal();
            let sid = sid.ok_or("a Sid holds references, so that a statement may take another's place")?;
            if !sids.insert(sid.clone()) {
                return Err(format!(
                    "two of its statements have the Sid `{sid}`: one takes the other's place"
                ));
            }
        }
        Ok(parts)
    }

    fn parts(&self, place: Place, depth: usize, parts: &mut Vec<Place>) -> Result<(), String> {
        let document = self.document(place);
        let file = &self.files[place.0];
        let at = || file.place(document.root.span.start);
        if depth > DEPTH {
            return Err(format!("{}: it takes in others too often to follow", at()));
        }
        let (before, behind) = match (&document.takes, &document.left) {
            (Takes::Others(before, behind), _) => (&before[..], &behind[..]),
            (Takes::Nothing | Takes::Unwritten, Some(why)) => return Err(format!("{}: {why}", at())),
            (Takes::Nothing | Takes::Unwritten, None) => (&[][..], &[][..]),
        };
        for taken in before {
            self.follow(place, taken, depth, parts)?;
        }
        if !statements(document).is_empty() {
            parts.push(place);
        }
        for taken in behind {
            self.follow(place, taken, depth, parts)?;
        }
        Ok(())
    }

    fn follow(&self, by: Place, taken: &Taken, depth: usize, parts: &mut Vec<Place>) -> Result<(), String> {
        let file = &self.files[by.0];
        let at = file.place(self.document(by).root.span.start);
        match taken {
            Taken::Address(address) => match self
                .known
                .get(&(folder(&file.path), address.as_str()))
                .map(Vec::as_slice)
            {
                Some([one]) => self.parts(*one, depth + 1, parts),
                Some(_) => Err(format!("{at} takes in `{address}`, which stands twice")),
                None => Err(format!("{at} takes in `{address}`, which is no document beside it")),
            },
            Taken::Other(written) => Err(format!("{at} takes in `{written}`, which is not followed")),
        }
    }
}

fn statements(document: &Document) -> &[Node] {
    let list = document.root.member("Statement");
    list.map(|member| member.value.elements()).unwrap_or_default()
}

/// A policy with some of its statements alone.
fn cut(policy: &Value, range: &Range<usize>) -> Option<Value> {
    let all = policy.get("Statement").map(elements)?;
    let mut part = policy.clone();
    part["Statement"] = Value::from(all.get(range.clone())?.to_vec());
    Some(part)
}

/// How the documents at some places, one behind the other, say what a policy says.
pub(super) fn fit_parts(files: &[File], places: &[Place], policy: &Value) -> Option<(Vec<Part>, Fit)> {
    let mut from = 0;
    let mut best = Fit::Exact;
    let mut parts = Vec::new();
    for place in places {
        let document = &files[place.0].documents[place.1];
        let range = from..from + statements(document).len();
        from = range.end;
        best = best.min(fit(&document.root, &cut(policy, &range)?));
        parts.push(Part {
            place: *place,
            statements: Some(range),
        });
    }
    let is_all = policy.get("Statement").map(elements)?.len() == from;
    (is_all && !parts.is_empty() && best != Fit::No).then_some((parts, best))
}

/// How a document says a part of what a policy says that stands between others, if at one place only.
pub(super) fn fit_within(document: &Document, place: Place, policy: &Value) -> Option<(Vec<Part>, Fit)> {
    let (many, all) = (statements(document).len(), policy.get("Statement").map(elements)?.len());
    let mut found = (0..=all.checked_sub(many)?).filter_map(|from| {
        let range = from..from + many;
        let fit = fit(&document.root, &cut(policy, &range)?);
        (fit != Fit::No).then_some((range, fit))
    });
    let (range, best) = found.next()?;
    let part = Part {
        place,
        statements: Some(range),
    };
    found.next().is_none().then_some((vec![part], best))
}

/// The part of a live policy that a document stands for, and what may become of it.
pub(super) struct Slice {
    pub(super) before: Value,
    pub(super) after: Value,
    origins: Option<Vec<Vec<usize>>>,
}

impl Slice {
    pub(super) fn share(&self) -> Share<'_> {
        Share {
            before: &self.before,
            after: &self.after,
            origins: self.origins.clone(),
        }
    }

    /// `None` where it is not known which statements of the new document come from it.
    pub(super) fn of(share: &Share<'_>, statements: Option<&Range<usize>>) -> Option<Slice> {
        let Some(range) = statements else {
            return Some(Slice {
                before: share.before.clone(),
                after: share.after.clone(),
                origins: share.origins.clone(),
            });
        };
        let (old, new) = (joint::statements(share.before), joint::statements(share.after));
        let known = share.origins.as_deref().and_then(joint::single);
        let origins = known.or_else(|| joint::origins(old, new))?;
        if origins.len() != new.len() {
            return None;
        }
        let kept = new.iter().zip(&origins).filter(|(_, origin)| range.contains(origin));
        let (kept, from): (Vec<Value>, Vec<Vec<usize>>) = kept
            .map(|(statement, origin)| (statement.clone(), vec![origin - range.start]))
            .unzip();
        let mut after = share.after.clone();
        after["Statement"] = Value::from(kept);
        Some(Slice {
            before: cut(share.before, range)?,
            after,
            origins: Some(from),
        })
    }
}
