//! Wildcard patterns of the policy language: `*` any run of characters, `?` any one character.
//!
//! Inclusion is decided exactly: a fast linear test first, then a subset construction over all the patterns at once.
//! A search that grows past what it may cost answers "not proved", never a wrong yes.

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Most words of state that one exact inclusion test computes before it gives up.
const INCLUSION_STEPS: usize = 1_000_000;

/// How much a proof or a search may still compute. What counts is steps, not time, so that an answer never depends on the
/// machine; once it is spent, questions are answered on the safe side.
#[derive(Debug)]
pub struct Effort(Cell<usize>);

impl Effort {
    /// Enough for so many steps.
    pub fn of(steps: usize) -> Self {
        Self(Cell::new(steps))
    }

    /// The steps that are left.
    pub fn left(&self) -> usize {
        self.0.get()
    }

    /// Pays for some steps; `false` if there were not so many left.
    pub(super) fn spend(&self, steps: usize) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(steps));
        left >= steps
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self::of(INCLUSION_STEPS)
    }
}

/// Whether `text` belongs to the language of `pattern`. Case-sensitive; `?` stands for one character.
///
/// ```
/// assert!(trimtrail::inside::iam::pattern::matches("s3:Get*", "s3:GetObject"));
/// ```
pub fn matches(pattern: &str, text: &str) -> bool {
    matches_within(pattern, text, &Effort::of(usize::MAX))
}

/// [`matches`], and `false` where it costs too much.
pub(super) fn matches_within(pattern: &str, text: &str, effort: &Effort) -> bool {
    if pattern.is_ascii() && text.is_ascii() {
        return matches_symbols(pattern.as_bytes(), text.as_bytes(), b'*', b'?', effort);
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_symbols(&pattern, &text, '*', '?', effort)
}

/// Greedy match with one point of return: linear in practice, |pattern| x |text| at worst, no recursion.
fn matches_symbols<T: PartialEq + Copy>(pattern: &[T], text: &[T], star: T, one: T, effort: &Effort) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    let mut steps = 1;
    while t < text.len() {
        steps += 1;
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
            effort.spend(steps);
            return false;
        }
    }
    effort.spend(steps) && pattern[p..].iter().all(|symbol| *symbol == star)
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
    union_includes(&[outer], inner)
}

/// Whether every text that `inner` matches is matched by at least one of `outers`. `false` means "no, or not proved".
pub fn union_includes(outers: &[&str], inner: &str) -> bool {
    union_includes_within(outers, &[inner], &Effort::default())
}

/// Whether every text that all of `inners` match is matched by at least one of `outers`.
pub(super) fn union_includes_within(outers: &[&str], inners: &[&str], effort: &Effort) -> bool {
    if !effort.spend(outers.len() * inners.len()) {
        return false;
    }
    if outers.iter().any(|outer| *outer == "*" || inners.contains(outer)) {
        return true;
    }
    // A text by itself needs no automaton.
    if let Some(text) = inners.iter().find(|inner| !inner.contains(['*', '?'])) {
        return inners.iter().any(|inner| !matches(inner, text))
            || outers.iter().any(|outer| matches_within(outer, text, effort));
    }
    let outers: Vec<Vec<Symbol>> = outers.iter().map(|outer| symbols(outer)).collect();
    let inners: Vec<Vec<Symbol>> = inners.iter().map(|inner| symbols(inner)).collect();
    let outers: Vec<&[Symbol]> = outers.iter().map(Vec::as_slice).collect();
    let inners: Vec<&[Symbol]> = inners.iter().map(Vec::as_slice).collect();
    includes_symbols(&outers, &inners, effort)
}

/// Whether what all of `inners` match is matched by some of `outers`; symbols in normal form. A variable is included by the
/// same variable and by `*`, by nothing else: with any one text put in its place on both sides, what held for the symbols
/// holds for the texts.
pub(super) fn includes_symbols(outers: &[&[Symbol]], inners: &[&[Symbol]], effort: &Effort) -> bool {
    if outers
        .iter()
        .any(|outer| inners.iter().any(|inner| covers_quickly(outer, inner, effort)))
    {
        return true;
    }
    let decided = match inners {
        // Put a letter that no pattern names in the place of each wildcard of `inner`: some one outer must read that text,
        // and reads such letters with `*` or `?` only. So where no `?` could read what was a `*`, the quick test said it all.
        [inner] => {
            !(inner.contains(&Symbol::Any) && outers.iter().any(|outer| outer.contains(&Symbol::One)))
                || refuted_quickly(outers, inner, effort)
        }
        _several => false,
    };
    !decided && covers_exactly(outers, inners, effort)
}

/// Whether one of a few texts of `inner`, long and short, is matched by no outer.
fn refuted_quickly(outers: &[&[Symbol]], inner: &[Symbol], effort: &Effort) -> bool {
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
        !outers.iter().any(|outer| covers_quickly(outer, &text, effort))
    })
}

/// Matches `outer` over the symbols of `inner`: `?` may eat a literal or `?`, only `*` may eat `*`. Sound, not complete;
/// exact where `inner` is a text.
fn covers_quickly(outer: &[Symbol], inner: &[Symbol], effort: &Effort) -> bool {
    let (mut o, mut i) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    let mut steps = 1;
    while i < inner.len() {
        steps += 1;
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
            effort.spend(steps);
            return false;
        }
    }
    effort.spend(steps) && outer[o..].iter().all(|symbol| *symbol == Symbol::Any)
}

/// Whether a pattern without variables matches a text. Exact.
pub(super) fn matches_text(pattern: &[Symbol], text: &[Symbol]) -> bool {
    matches_text_within(pattern, text, &Effort::of(usize::MAX))
}

/// [`matches_text`], and `false` where it costs too much.
pub(super) fn matches_text_within(pattern: &[Symbol], text: &[Symbol], effort: &Effort) -> bool {
    covers_quickly(pattern, text, effort)
}

/// The positions of several patterns that a text may have reached, a bit each; a pattern has one bit more than symbols.
type States = Vec<u64>;

/// Several patterns read side by side.
struct Automaton<'a> {
    /// Bits of the positions that hold a `*`.
    stars: States,
    /// For each letter, bits of the positions that read it, those with `*` aside. The last stands for every character that
    /// no pattern names.
    letters: Vec<States>,
    /// Where each pattern's bits begin.
    starts: Vec<usize>,
    patterns: Vec<&'a [Symbol]>,
}

impl<'a> Automaton<'a> {
    fn new(patterns: Vec<&'a [Symbol]>) -> Self {
        let mut starts = Vec::new();
        let mut size = 0;
        for pattern in &patterns {
            starts.push(size);
            size += pattern.len() + 1;
        }
        let none = || vec![0_u64; size.div_ceil(64)];
        let named: BTreeSet<&Symbol> = patterns
            .iter()
            .copied()
            .flatten()
            .filter(|symbol| matches!(symbol, Symbol::Literal(_) | Symbol::Variable(_)))
            .collect();
        let named: Vec<&Symbol> = named.into_iter().collect();
        let mut stars = none();
        let mut letters: Vec<States> = (0..=named.len()).map(|_| none()).collect();
        for (pattern, start) in patterns.iter().zip(&starts) {
            for (at, symbol) in pattern.iter().enumerate() {
                let bit = start + at;
                let set = |states: &mut States| states[bit / 64] |= 1 << (bit % 64);
                match symbol {
                    Symbol::Any => set(&mut stars),
                    Symbol::One => {
                        // One character, whichever; a variable is none.
                        for (letter, states) in letters.iter_mut().enumerate() {
                            match named.get(letter) {
                                Some(Symbol::Variable(_)) => {}
                                Some(Symbol::Literal(_) | Symbol::One | Symbol::Any) | None => set(states),
                            }
                        }
                    }
                    Symbol::Literal(_) | Symbol::Variable(_) => {
                        if let Ok(letter) = named.binary_search(&symbol) {
                            set(&mut letters[letter]);
                        }
                    }
                }
            }
        }
        Self {
            stars,
            letters,
            starts,
            patterns,
        }
    }

    fn begin(&self) -> States {
        let mut states = vec![0; self.stars.len()];
        for start in &self.starts {
            states[start / 64] |= 1 << (start % 64);
        }
        self.skip_stars(&mut states);
        states
    }

    /// Adds the positions that are reached without reading. In normal form no two `*` stand side by side.
    fn skip_stars(&self, states: &mut States) {
        let mut carry = 0;
        for (states, stars) in states.iter_mut().zip(&self.stars) {
            let at_star = *states & stars;
            *states |= (at_star << 1) | carry;
            carry = at_star >> 63;
        }
    }

    fn step(&self, states: &States, letter: &States) -> States {
        let mut carry = 0;
        let mut next: States = states
            .iter()
            .zip(letter)
            .zip(&self.stars)
            .map(|((states, letter), stars)| {
                let moved = states & letter;
                let next = (moved << 1) | carry | (states & stars);
                carry = moved >> 63;
                next
            })
            .collect();
        self.skip_stars(&mut next);
        next
    }

    fn accepts(&self, states: &States, pattern: usize) -> bool {
        let bit = self.starts[pattern] + self.patterns[pattern].len();
        has(states, bit)
    }

    /// Whether the pattern may still match, whatever follows.
    fn lives(&self, states: &States, pattern: usize) -> bool {
        let start = self.starts[pattern];
        (start..=start + self.patterns[pattern].len()).any(|bit| has(states, bit))
    }
}

fn has(states: &States, bit: usize) -> bool {
    (states[bit / 64] >> (bit % 64)) & 1 == 1
}

/// Subset construction: walks every text of the inner patterns letter by letter and asks whether some outer accepts.
fn covers_exactly(outers: &[&[Symbol]], inners: &[&[Symbol]], effort: &Effort) -> bool {
    // What meets none of the texts only makes the states longer.
    let near = outers
        .iter()
        .filter(|outer| inners.iter().all(|inner| overlaps_symbols(outer, inner, effort)));
    let automaton = Automaton::new(inners.iter().chain(near).copied().collect());
    let (inner, outer) = (0..inners.len(), inners.len()..automaton.patterns.len());
    let mut seen = HashSet::new();
    let mut queue = vec![automaton.begin()];
    let mut left = INCLUSION_STEPS;
    while let Some(states) = queue.pop() {
        let held = inner.clone().all(|pattern| automaton.accepts(&states, pattern));
        if held && !outer.clone().any(|pattern| automaton.accepts(&states, pattern)) {
            return false;
        }
        for letter in &automaton.letters {
            let steps = 4 * states.len();
            left = left.saturating_sub(steps);
            if !effort.spend(steps) || left == 0 {
                return false;
            }
            let next = automaton.step(&states, letter);
            if inner.clone().all(|pattern| automaton.lives(&next, pattern)) && seen.insert(next.clone()) {
                queue.push(next);
            }
        }
    }
    true
}

/// Whether some text belongs to both languages. Exact.
pub fn overlaps(a: &str, b: &str) -> bool {
    overlaps_within(a, b, &Effort::of(usize::MAX))
}

/// [`overlaps`], and generous where it costs too much.
pub(super) fn overlaps_within(a: &str, b: &str, effort: &Effort) -> bool {
    overlaps_symbols(&symbols(a), &symbols(b), effort)
}

/// [`overlaps`] on symbols. Generous: a variable may stand for any text, and what costs too much may overlap.
pub(super) fn overlaps_symbols(a: &[Symbol], b: &[Symbol], effort: &Effort) -> bool {
    // Row by row: which prefixes of `b` some text shares with the prefix of `a` so far.
    let mut row = vec![false; b.len() + 1];
    row[0] = true;
    for i in 0..=a.len() {
        let mut next = vec![false; b.len() + 1];
        let Some(first) = row.iter().position(|reached| *reached) else {
            return false;
        };
        if !effort.spend(row.len() - first) {
            return true;
        }
        for j in first..row.len() {
            if !row[j] {
                continue;
            }
            match (a.get(i), b.get(j)) {
                (None, None) => return true,
                (Some(Symbol::Any | Symbol::Variable(_)), Some(_))
                | (Some(_), Some(Symbol::Any | Symbol::Variable(_))) => {
                    next[j] = true;
                    row[j + 1] = true;
                }
                (Some(Symbol::Any | Symbol::Variable(_)), None) => next[j] = true,
                (None, Some(Symbol::Any | Symbol::Variable(_))) => row[j + 1] = true,
                (Some(Symbol::Literal(x)), Some(Symbol::Literal(y))) if x != y => {}
                (Some(Symbol::Literal(_) | Symbol::One), Some(Symbol::Literal(_) | Symbol::One)) => next[j + 1] = true,
                (Some(Symbol::Literal(_) | Symbol::One), None) | (None, Some(Symbol::Literal(_) | Symbol::One)) => {}
            }
        }
        row = next;
    }
    false
}

#[cfg(test)]
mod tests;
