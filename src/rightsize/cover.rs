//! Few patterns for many actions: words before a star, words behind it, that hold all of some actions of a service and
//! none of those that go.
//!
//! For what only stays because nobody could see it: a person decides on it as a whole, so a short list serves better than
//! a long one. Which set of patterns is the smallest is a covering problem; the pattern that holds most of what is still
//! open is taken first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use super::names::{in_order, word_end};

/// An action of the service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    /// Its whole name, `dynamodb:GetItem`.
    pub(super) name: &'a str,
    /// Whether a pattern must hold it.
    pub(super) wanted: bool,
    /// Whether a pattern may hold it.
    pub(super) allowed: bool,
}

/// Patterns that hold all wanted members and none that is not allowed, sorted; `start` is where the action's own name
/// begins, and `fits` says whether a pattern may stand at all.
pub(super) fn cover(members: &[Member<'_>], start: usize, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut open: BTreeSet<usize> = (0..members.len()).filter(|at| members[*at].wanted).collect();
    let all = open.clone();
    let mut heap: BinaryHeap<(usize, Reverse<Offer>)> = offers(members, start)
        .into_iter()
        .map(|offer| (offer.holds.len(), Reverse(offer)))
        .collect();
    let mut taken: Vec<(String, Vec<usize>)> = Vec::new();
    while let Some((promised, Reverse(offer))) = heap.pop() {
        let holds = offer.holds.iter().filter(|at| open.contains(at)).count();
        if holds < 2 {
            continue;
        }
        // What was taken meanwhile may have left less for it.
        if holds < promised {
            heap.push((holds, Reverse(offer)));
        } else if fits(&offer.pattern) {
            open.retain(|at| !offer.holds.contains(at));
            taken.push((offer.pattern, offer.holds));
        }
    }
    taken.extend(open.iter().map(|at| (members[*at].name.to_owned(), vec![*at])));
    // An early pattern may be held by later ones together.
    let mut at = 0;
    while at < taken.len() {
        let others = taken.iter().enumerate().filter(|(other, _)| *other != at);
        let held: BTreeSet<usize> = others.flat_map(|(_, (_, holds))| holds.iter().copied()).collect();
        if held.len() == all.len() {
            taken.remove(at);
        } else {
            at += 1;
        }
    }
    let mut patterns: Vec<String> = taken.into_iter().map(|(pattern, _)| pattern).collect();
    patterns.sort_by(|a, b| in_order(a, b));
    patterns
}

/// A pattern that holds nothing that it must not. Of those that hold as much, the first in order is taken.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    /// Members that it holds and need not.
    beside: usize,
    length: usize,
    pattern: String,
    /// The wanted members that it holds.
    holds: Vec<usize>,
}

/// Each pattern of whole words before and behind one star that holds two wanted members at least.
fn offers(members: &[Member<'_>], start: usize) -> Vec<Offer> {
    let lower: Vec<String> = members.iter().map(|member| member.name.to_ascii_lowercase()).collect();
    let mut known: HashSet<(&str, &str)> = HashSet::new();
    let mut starting: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut offers = Vec::new();
    for (member, low) in members.iter().zip(&lower).filter(|(member, _)| member.wanted) {
        let ends = word_ends(member.name, start);
        for (at, before) in ends.iter().enumerate() {
            let starts_with = &low[..*before];
            let alike = starting.entry(starts_with).or_insert_with(|| {
                let all = 0..members.len();
                all.filter(|at| lower[*at].starts_with(starts_with)).collect()
            });
            for behind in &ends[at..] {
                let ends_with = &low[*behind..];
                if !known.insert((starts_with, ends_with)) {
                    continue;
                }
                let held = |name: &str| name.len() >= before + ends_with.len() && name.ends_with(ends_with);
                let held: Vec<usize> = alike.iter().copied().filter(|at| held(&lower[*at])).collect();
                let holds: Vec<usize> = held.iter().copied().filter(|at| members[*at].wanted).collect();
                if holds.len() < 2 || held.iter().any(|at| !members[*at].allowed) {
                    continue;
                }
                let pattern = format!("{}*{}", &member.name[..*before], &member.name[*behind..]);
                offers.push(Offer {
                    beside: held.len() - holds.len(),
                    length: pattern.len(),
                    pattern,
                    holds,
                });
            }
        }
    }
    offers
}

/// Where the words of a name end, where the first one begins among them.
fn word_ends(name: &str, start: usize) -> Vec<usize> {
    let mut ends = vec![start];
    let mut at = start;
    while at < name.len() {
        at = word_end(name, at);
        ends.push(at);
    }
    ends.retain(|at| name.is_char_boundary(*at));
    ends
}

#[cfg(test)]
mod tests;
