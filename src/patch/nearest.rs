//! What comes nearest to a policy that no document says, for whoever looks for it by hand.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::File;
use super::live::Live;
use super::merged::Place;
use super::tree::{Document, Fit, Kind, Node, Takes, elements, fit, scalar};
use super::witness::{self, Names};

/// How much of what two documents say must be alike for the one to be named as the nearest.
pub(super) const NEAR: f64 = 0.4;

/// How much of what a document and a policy say is in both, up to 1; 2 where one may be the other.
pub(super) fn likeness(document: &Document, live: &Live<'_>) -> f64 {
    if fit(&document.root, &live.before) != Fit::No {
        return 2.0;
    }
    let said = words(&live.before);
    let mut written = BTreeSet::new();
    literals(&document.root, &mut written);
    let common = said.intersection(&written).count() as f64;
    common / said.union(&written).count().max(1) as f64
}

/// The document that says most of what a policy says, and what becomes of it; else what is called like it, as `is_told` says
/// of a place.
pub(super) fn nearest(
    files: &[File],
    wholes: &HashMap<Place, Result<Vec<Place>, String>>,
    live: &Live<'_>,
    is_told: &dyn Fn(Place) -> bool,
) -> Option<String> {
    let mut best: Option<(f64, Place)> = None;
    let mut called: Option<String> = None;
    for (file, here) in files.iter().enumerate() {
        for (index, document) in here.documents.iter().enumerate() {
            let alike = likeness(document, live);
            if alike >= NEAR && best.is_none_or(|(known, _)| known < alike) {
                best = Some((alike, (file, index)));
            }
            if let Some(why) = document.left.as_ref().filter(|_| says_little(document))
                && (is_told((file, index)) || witness::of_names(live, document, Names::Any).is_enough())
            {
                let at = here.place(document.root.span.start);
                called.get_or_insert_with(|| format!("{at} may be where it comes from, and is not edited: {why}"));
            }
        }
    }
    let Some((_, place)) = best else { return called };
    let document = &files[place.0].documents[place.1];
    let at = files[place.0].place(document.root.span.start);
    let why = match (wholes.get(&place), &document.left) {
        (Some(Ok(_)), _) | (None, None) => None,
        (Some(Err(why)), _) | (None, Some(why)) => Some(why),
    };
    Some(match why {
        Some(why) => format!("{at} comes nearest, and is not edited: {why}"),
        None => format!("{at} comes nearest"),
    })
}

/// Whether what it says is not written in it, or a part of a policy only.
fn says_little(document: &Document) -> bool {
    if document.takes == Takes::Unwritten {
        return true;
    }
    let list = document.root.member("Statement");
    list.is_some_and(|member| member.value.elements().is_empty())
}

/// The actions and resources of a policy.
fn words(policy: &Value) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for statement in policy.get("Statement").map(elements).unwrap_or_default() {
        for key in ["Action", "NotAction", "Resource", "NotResource"] {
            let all = statement.get(key).map(elements).unwrap_or_default();
            words.extend(all.iter().filter_map(scalar).filter(|word| word != "*"));
        }
    }
    words
}

/// The same of a document.
fn literals(node: &Node, words: &mut BTreeSet<String>) {
    let statements = node
        .member("Statement")
        .map(|member| member.value.elements())
        .unwrap_or_default();
    for statement in statements {
        for key in ["Action", "NotAction", "Resource", "NotResource"] {
            let Some(member) = statement.member(key) else { continue };
            let found = member.value.elements().iter();
            words.extend(
                found
                    .filter(|node| !matches!(node.kind, Kind::Unknown))
                    .filter_map(Node::literal)
                    .filter(|word| word != "*"),
            );
        }
    }
}
