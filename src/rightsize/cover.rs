//! Few patterns for many actions: words before a star, words behind it, or words between two stars, that hold all of some
//! actions of a service and none of those that go.
//!
//! For what only stays because nobody could see it: a person decides on it as a whole, so a short list serves better than
//! a long one. Which set of patterns is the smallest is a covering problem; the pattern that holds most of what is still
//! open is taken first.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use super::names::{in_order, word_end};

/// More than IAM allows in the name of an action.
const LONGEST: usize = 1_000;

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
    let mut offers = offers(members, start);
    offers.retain(|offer| fits(&offer.pattern));
    let mut closer: Vec<(String, Vec<usize>)> = offers
        .iter()
        .filter(|offer| !offer.is_between)
        .map(|offer| (offer.pattern.clone(), offer.holds.clone()))
        .collect();
    // The closest first: it holds the least beside what it is for.
    closer.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    let offers = offers.into_iter().map(|offer| (offer.holds.len(), Reverse(offer)));
    let mut heap: BinaryHeap<(usize, Reverse<Offer>)> = offers.collect();
    let mut taken: Vec<(String, Vec<usize>)> = Vec::new();
    while let Some((promised, Reverse(offer))) = heap.pop() {
        let holds = offer.holds.iter().filter(|at| open.contains(at)).count();
        if holds < 2 {
            continue;
        }
        // What was taken meanwhile may have left less for it.
        if holds < promised {
            heap.push((holds, Reverse(offer)));
        } else {
            open.retain(|at| !offer.holds.contains(at));
            taken.push((offer.pattern, offer.holds));
        }
    }
    taken.extend(open.iter().map(|at| (members[*at].name.to_owned(), vec![*at])));
    // An early pattern may be held by later ones together, or be needed for so little that a closer one does.
    let mut at = 0;
    while at < taken.len() {
        let others = taken.iter().enumerate().filter(|(other, _)| *other != at);
        let held: BTreeSet<usize> = others.flat_map(|(_, (_, holds))| holds.iter().copied()).collect();
        let alone: Vec<usize> = all.difference(&held).copied().collect();
        let does = |holds: &[usize]| alone.iter().all(|one| holds.contains(one));
        match (&alone[..], closer.iter().find(|(_, holds)| does(holds))) {
            ([], _) => {
                taken.remove(at);
                continue;
            }
            ([only], _) => taken[at] = (members[*only].name.to_owned(), alone),
            (_, Some(one)) if is_between(&taken[at].0) => taken[at] = one.clone(),
            _ => {}
        }
        at += 1;
    }
    let mut patterns: Vec<String> = taken.into_iter().map(|(pattern, _)| pattern).collect();
    patterns.sort_by(|a, b| in_order(a, b));
    patterns
}

/// Whether a pattern's words stand between two stars.
fn is_between(pattern: &str) -> bool {
    pattern.matches('*').count() > 1
}

/// A pattern that holds nothing that it must not. Of those that hold as much, the first in order is taken.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    /// Whether its words stand between two stars: the plainer pattern comes first.
    is_between: bool,
    /// Members that it holds and need not.
    beside: usize,
    /// Its rank by length.
    length: usize,
    pattern: String,
    /// The wanted members that it holds.
    holds: Vec<usize>,
}

/// Each pattern of whole words before and behind one star, and each of words between two, that holds two wanted members
/// at least.
fn offers(members: &[Member<'_>], start: usize) -> Vec<Offer> {
    let lower: Vec<String> = members.iter().map(|member| member.name.to_ascii_lowercase()).collect();
    let mut known: HashSet<(&str, &str)> = HashSet::new();
    let mut between: HashSet<&str> = HashSet::new();
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
                if known.insert((starts_with, ends_with)) {
                    let held = |name: &str| name.len() >= before + ends_with.len() && name.ends_with(ends_with);
                    let held = alike.iter().copied().filter(|at| held(&lower[*at])).collect();
                    let pattern = format!("{}*{}", &member.name[..*before], &member.name[*behind..]);
                    offers.extend(offer(members, pattern, held));
                }
                // The words between: more than none, and fewer than all.
                let words = &low[*before..*behind];
                if !words.is_empty() && words.len() < low.len() - start && between.insert(words) {
                    let held = |at: &usize| lower[*at].get(start..).is_some_and(|name| name.contains(words));
                    let held = (0..members.len()).filter(held).collect();
                    let pattern = format!("{}*{}*", &member.name[..start], &member.name[*before..*behind]);
                    offers.extend(offer(members, pattern, held));
                }
            }
        }
    }
    offers
}

/// A pattern that holds these members, where it is worth an offer.
fn offer(members: &[Member<'_>], pattern: String, held: Vec<usize>) -> Option<Offer> {
    let holds: Vec<usize> = held.iter().copied().filter(|at| members[*at].wanted).collect();
    let beside = held.len() - holds.len();
    let is_between = is_between(&pattern);
    // Words between two stars read worse than two names, and mislead where most of what they hold is told elsewhere.
    let is_worth_it = match is_between {
        true => holds.len() >= 3 && holds.len() > beside,
        false => holds.len() >= 2,
    };
    (is_worth_it && held.iter().all(|at| members[*at].allowed)).then(|| Offer {
        is_between,
        beside,
        // More words between two stars tell more.
        length: if is_between {
            LONGEST - pattern.len().min(LONGEST)
        } else {
            pattern.len()
        },
        pattern,
        holds,
    })
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
