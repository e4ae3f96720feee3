//! Wildcard patterns of the policy language: `*` any run of characters, `?` any one character.
//!
//! Inclusion is decided exactly: a fast linear test first, then a subset construction over the two patterns.
//! A search that grows past its cap answers "not proved", never a wrong yes.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Most positions that the exact inclusion test computes before it gives up.
const INCLUSION_WORK_CAP: usize = 400_000;

/// Whether `text` belongs to the language of `pattern`. Case-sensitive; `?` stands for one character.
///
/// ```
/// assert!(trimtrail::iam::pattern::matches("s3:Get*", "s3:GetObject"));
/// ```
pub fn matches(pattern: &str, text: &str) -> bool {
    if pattern.is_ascii() && text.is_ascii() {
        return matches_symbols(pattern.as_bytes(), text.as_bytes(), b'*', b'?');
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_symbols(&pattern, &text, '*', '?')
}

/// Greedy match with one point of return: linear in practice, |pattern| x |text| at worst, no recursion.
fn matches_symbols<T: PartialEq + Copy>(pattern: &[T], text: &[T], star: T, one: T) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == star {
            retry = Some((p + 1, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == one || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((after_star, start)) = retry {
            retry = Some((after_star, start + 1));
            p = after_star;
            t = start + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|symbol| *symbol == star)
}

/// One element of a pattern. A policy variable stands for a text that nobody knows yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Symbol {
    Literal(char),
    One,
    Any,
    Variable(Arc<str>),
}

/// The pattern's symbols, each run of wildcards in its normal form `?…?*`.
fn symbols(pattern: &str) -> Vec<Symbol> {
    normal_form(pattern.chars().map(|c| match c {
        '*' => Symbol::Any,
        '?' => Symbol::One,
        c => Symbol::Literal(c),
    }))
}

/// Puts each run of wildcards into the form `?…?*`, which makes equal languages look equal.
pub(super) fn normal_form(symbols: impl IntoIterator<Item = Symbol>) -> Vec<Symbol> {
    let mut out = Vec::new();
    let mut pending_any = false;
    for symbol in symbols {
        match symbol {
            Symbol::Any => pending_any = true,
            Symbol::One => out.push(Symbol::One),
            Symbol::Literal(_) | Symbol::Variable(_) => {
                if std::mem::take(&mut pending_any) {
                    out.push(Symbol::Any);
                }
                out.push(symbol);
            }
        }
    }
    if pending_any {
        out.push(Symbol::Any);
    }
    out
}

/// Whether every text that `inner` matches is also matched by `outer`. `false` means "no, or not proved".
pub fn includes(outer: &str, inner: &str) -> bool {
    outer == inner || outer == "*" || union_includes_symbols(&[&symbols(outer)], &symbols(inner))
}

/// Whether every text that `inner` matches is matched by at least one of `outers`. `false` means "no, or not proved".
pub fn union_includes(outers: &[&str], inner: &str) -> bool {
    let outers: Vec<Vec<Symbol>> = outers.iter().map(|outer| symbols(outer)).collect();
    let outers: Vec<&[Symbol]> = outers.iter().map(Vec::as_slice).collect();
    union_includes_symbols(&outers, &symbols(inner))
}

/// [`union_includes`] on symbols in normal form. A variable is included by the same variable and by `*`, by nothing else:
/// with any one text put in its place on both sides, what held for the symbols holds for the texts.
pub(super) fn union_includes_symbols(outers: &[&[Symbol]], inner: &[Symbol]) -> bool {
    if outers.iter().any(|outer| covers_quickly(outer, inner)) {
        return true;
    }
    // Put a letter that no pattern names in the place of each wildcard of `inner`: some one outer must read that text,
    // and reads such letters with `*` or `?` only. So where no `?` could read what was a `*`, the quick test said it all.
    let may_differ = inner.contains(&Symbol::Any) && outers.iter().any(|outer| outer.contains(&Symbol::One));
    may_differ && !refuted_quickly(outers, inner) && covers_exactly(outers, inner)
}

/// Whether one of a few texts of `inner`, long and short, is matched by no outer.
fn refuted_quickly(outers: &[&[Symbol]], inner: &[Symbol]) -> bool {
    let rare = Symbol::Literal(char::MAX);
    [0, 1, 5].into_iter().any(|length| {
        let text: Vec<Symbol> = inner
            .iter()
            .flat_map(|symbol| match symbol {
                Symbol::Any => vec![rare.clone(); length],
                Symbol::One => vec![rare.clone()],
                Symbol::Literal(_) | Symbol::Variable(_) => vec![symbol.clone()],
            })
            .collect();
        !outers.iter().any(|outer| covers_quickly(outer, &text))
    })
}

/// Matches `outer` over the symbols of `inner`: `?` may eat a literal or `?`, only `*` may eat `*`. Sound, not complete.
fn covers_quickly(outer: &[Symbol], inner: &[Symbol]) -> bool {
    let (mut o, mut i) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while i < inner.len() {
        let eats = match (outer.get(o), &inner[i]) {
            (Some(Symbol::Any), _) => {
                retry = Some((o + 1, i));
                o += 1;
                continue;
            }
            (Some(Symbol::One), Symbol::Literal(_) | Symbol::One) => true,
            (Some(Symbol::Literal(a)), Symbol::Literal(b)) => a == b,
            (Some(Symbol::Variable(a)), Symbol::Variable(b)) => a == b,
            (Some(Symbol::One), Symbol::Any | Symbol::Variable(_)) => false,
            (Some(Symbol::Literal(_)), Symbol::One | Symbol::Any | Symbol::Variable(_)) => false,
            (Some(Symbol::Variable(_)), Symbol::One | Symbol::Any | Symbol::Literal(_)) => false,
            (None, _) => false,
        };
        if eats {
            o += 1;
            i += 1;
        } else if let Some((after_star, start)) = retry {
            retry = Some((after_star, start + 1));
            o = after_star;
            i = start + 1;
        } else {
            return false;
        }
    }
    outer[o..].iter().all(|symbol| *symbol == Symbol::Any)
}

/// Subset construction: walks every text of `inner` symbol class by symbol class and asks whether some outer accepts.
fn covers_exactly(outers: &[&[Symbol]], inner: &[Symbol]) -> bool {
    // A fresh symbol stands for every character that no pattern names.
    let named: BTreeSet<&Symbol> = outers
        .iter()
        .copied()
        .flatten()
        .chain(inner)
        .filter(|symbol| match symbol {
            Symbol::Literal(_) | Symbol::Variable(_) => true,
            Symbol::One | Symbol::Any => false,
        })
        .collect();
    let alphabet: Vec<Option<&Symbol>> = named.into_iter().map(Some).chain([None]).collect();

    let start_inner = closure(inner, [0].into());
    let start_outer: Vec<BTreeSet<usize>> = outers.iter().map(|outer| closure(outer, [0].into())).collect();
    let mut seen = HashSet::new();
    let mut queue = vec![(start_inner, start_outer)];
    let mut work = 0;
    while let Some((inner_states, outer_states)) = queue.pop() {
        let inner_accepts = inner_states.contains(&inner.len());
        let outer_accepts = outers
            .iter()
            .zip(&outer_states)
            .any(|(outer, states)| states.contains(&outer.len()));
        if inner_accepts && !outer_accepts {
            return false;
        }
        for c in &alphabet {
            let next_inner = step(inner, &inner_states, *c);
            if next_inner.is_empty() {
                continue;
            }
            let next_outer: Vec<BTreeSet<usize>> = outers
                .iter()
                .zip(&outer_states)
                .map(|(outer, states)| step(outer, states, *c))
                .collect();
            work += 1 + next_inner.len() + next_outer.iter().map(BTreeSet::len).sum::<usize>();
            if work > INCLUSION_WORK_CAP {
                return false;
            }
            let state = (next_inner, next_outer);
            if seen.insert(state.clone()) {
                queue.push(state);
            }
        }
    }
    true
}

/// Adds the positions reachable without reading: `*` may stand for nothing.
fn closure(pattern: &[Symbol], mut states: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut pending: Vec<usize> = states.iter().copied().collect();
    while let Some(state) = pending.pop() {
        if pattern.get(state) == Some(&Symbol::Any) && states.insert(state + 1) {
            pending.push(state + 1);
        }
    }
    states
}

/// The positions after reading `read`, where `None` is a character that no pattern names.
fn step(pattern: &[Symbol], states: &BTreeSet<usize>, read: Option<&Symbol>) -> BTreeSet<usize> {
    let mut next = BTreeSet::new();
    for state in states {
        match (pattern.get(*state), read) {
            (Some(Symbol::Any), _) => next.insert(*state),
            (Some(Symbol::One), None | Some(Symbol::Literal(_))) => next.insert(state + 1),
            (Some(own @ (Symbol::Literal(_) | Symbol::Variable(_))), Some(read)) if own == read => {
                next.insert(state + 1)
            }
            (Some(Symbol::One | Symbol::Literal(_) | Symbol::Variable(_)) | None, _) => false,
        };
    }
    closure(pattern, next)
}

/// Whether some text belongs to both languages. Exact: walks the product of the two patterns.
pub fn overlaps(a: &str, b: &str) -> bool {
    overlaps_symbols(&symbols(a), &symbols(b))
}

/// [`overlaps`] on symbols. Generous with variables: one may stand for any text.
pub(super) fn overlaps_symbols(a: &[Symbol], b: &[Symbol]) -> bool {
    let mut seen = HashSet::new();
    let mut queue = vec![(0, 0)];
    while let Some((i, j)) = queue.pop() {
        if !seen.insert((i, j)) {
            continue;
        }
        match (a.get(i), b.get(j)) {
            (None, None) => return true,
            (Some(Symbol::Any | Symbol::Variable(_)), Some(_)) | (Some(_), Some(Symbol::Any | Symbol::Variable(_))) => {
                queue.extend([(i + 1, j), (i, j + 1)]);
            }
            (Some(Symbol::Any | Symbol::Variable(_)), None) => queue.push((i + 1, j)),
            (None, Some(Symbol::Any | Symbol::Variable(_))) => queue.push((i, j + 1)),
            (Some(Symbol::Literal(x)), Some(Symbol::Literal(y))) if x != y => {}
            (Some(Symbol::Literal(_) | Symbol::One), Some(Symbol::Literal(_) | Symbol::One)) => {
                queue.push((i + 1, j + 1));
            }
            (Some(Symbol::Literal(_) | Symbol::One), None) | (None, Some(Symbol::Literal(_) | Symbol::One)) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
