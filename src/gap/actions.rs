//! Sets of actions, one bit an action of the catalog.

use std::hash::{Hash, Hasher};
use std::ops::Range;

use crate::catalog::{ActionId, Catalog};
use crate::iam::{ActionPart, Effect, Statement};

/// A set of the catalog's actions. What lies before and beyond its words is not in it, so that a set of nothing takes no
/// room, and one of a service, whose actions lie side by side, a few words.
#[derive(Clone, Debug, Default)]
pub struct ActionSet {
    /// The place of the first word; all before it are 0.
    start: usize,
    words: Vec<u64>,
}

impl ActionSet {
    /// No action.
    pub const fn none() -> ActionSet {
        ActionSet {
            start: 0,
            words: Vec::new(),
        }
    }

    /// Every action.
    pub fn all(catalog: &Catalog) -> ActionSet {
        let mut set = ActionSet::none();
        set.insert_range(0..catalog.len() as u32);
        set
    }

    /// The actions that statements may allow on something, conditions and Denies aside.
    pub fn allowed_by<'s>(catalog: &Catalog, statements: impl IntoIterator<Item = &'s Statement>) -> ActionSet {
        let mut allowed = ActionSet::none();
        for statement in statements {
            if statement.effect == Effect::Allow {
                allowed.extend(&ActionSet::of_statement(catalog, statement));
            }
        }
        allowed
    }

    /// The actions that a statement concerns, effect and resources aside.
    pub fn of_statement(catalog: &Catalog, statement: &Statement) -> ActionSet {
        let (patterns, complement) = match &statement.action {
            ActionPart::Action(patterns) => (patterns, false),
            ActionPart::NotAction(patterns) => (patterns, true),
        };
        let mut named = ActionSet::none();
        for pattern in patterns {
            named.insert_pattern(catalog, pattern.lower());
        }
        if complement {
            ActionSet::all(catalog).difference(&named)
        } else {
            named
        }
    }

    /// The actions that an action pattern names.
    pub fn of_pattern(catalog: &Catalog, pattern: &str) -> ActionSet {
        let mut set = ActionSet::none();
        set.insert_pattern(catalog, pattern);
        set
    }

    fn insert_pattern(&mut self, catalog: &Catalog, pattern: &str) {
        // Names that start alike lie side by side, so most wildcards are one range.
        match pattern.strip_suffix('*') {
            Some(start) if !start.contains(['*', '?']) => self.insert_range(catalog.starting_with(start)),
            Some(_) | None => catalog.expand(pattern).into_iter().for_each(|id| self.insert(id)),
        }
    }

    /// Adds actions that lie side by side in the catalog.
    pub fn insert_range(&mut self, range: Range<u32>) {
        for (word, bits) in words(range) {
            *self.word(word) |= bits;
        }
    }

    /// Takes out actions that lie side by side in the catalog.
    pub fn remove_range(&mut self, range: Range<u32>) {
        for (word, bits) in words(range) {
            if let Some(mine) = self.known(word) {
                *mine &= !bits;
            }
        }
    }

    /// The actions of a range that it holds, as bits: equal for equal holdings.
    pub fn bits_in(&self, range: Range<u32>) -> Vec<u64> {
        words(range).map(|(word, bits)| self.at(word) & bits).collect()
    }

    /// How many actions of a range it holds.
    pub fn count_in(&self, range: Range<u32>) -> usize {
        words(range)
            .map(|(word, bits)| (self.at(word) & bits).count_ones() as usize)
            .sum()
    }

    /// A range outside of which it holds nothing.
    pub fn span(&self) -> Range<u32> {
        let is_used = |word: &u64| *word != 0;
        match (
            self.words.iter().position(is_used),
            self.words.iter().rposition(is_used),
        ) {
            (Some(first), Some(last)) => (self.start + first) as u32 * 64..(self.start + last + 1) as u32 * 64,
            (None, _) | (_, None) => 0..0,
        }
    }

    /// Adds an action.
    pub fn insert(&mut self, id: ActionId) {
        *self.word(id.index() / 64) |= 1 << (id.index() % 64);
    }

    /// Takes an action out.
    pub fn remove(&mut self, id: ActionId) {
        if let Some(word) = self.known(id.index() / 64) {
            *word &= !(1 << (id.index() % 64));
        }
    }

    /// Whether it holds an action.
    pub fn contains(&self, id: ActionId) -> bool {
        self.at(id.index() / 64) >> (id.index() % 64) & 1 == 1
    }

    /// How many actions it holds.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &ActionSet) {
        if other.words.is_empty() {
            return;
        }
        self.reach(other.start);
        self.reach(other.start + other.words.len() - 1);
        let mine = &mut self.words[other.start - self.start..];
        mine.iter_mut()
            .zip(&other.words)
            .for_each(|(mine, other)| *mine |= other);
    }

    /// What both hold.
    pub fn intersection(&self, other: &ActionSet) -> ActionSet {
        let start = self.start.max(other.start);
        let end = (self.start + self.words.len()).min(other.start + other.words.len());
        if start >= end {
            return ActionSet::none();
        }
        let words = start..end;
        ActionSet {
            start,
            words: words.map(|word| self.at(word) & other.at(word)).collect(),
        }
    }

    /// What this one holds and the other does not.
    pub fn difference(&self, other: &ActionSet) -> ActionSet {
        let words = self.words.iter().enumerate();
        ActionSet {
            start: self.start,
            words: words.map(|(at, mine)| mine & !other.at(self.start + at)).collect(),
        }
    }

    /// The same set in no more room than it needs, for those who hold thousands.
    pub fn shrunk(mut self) -> ActionSet {
        let used = self.used();
        self.start = if used.is_empty() { 0 } else { self.start + used.start };
        self.words.truncate(used.end);
        self.words.drain(..used.start);
        self.words.shrink_to_fit();
        self
    }

    /// The places, among its words, of the first that holds something to the last.
    fn used(&self) -> Range<usize> {
        let is_used = |word: &u64| *word != 0;
        let first = self.words.iter().position(is_used).unwrap_or(0);
        first..self.words.iter().rposition(is_used).map_or(0, |last| last + 1)
    }

    fn at(&self, word: usize) -> u64 {
        let place = word.checked_sub(self.start);
        place.and_then(|place| self.words.get(place)).copied().unwrap_or(0)
    }

    /// A word that it has.
    fn known(&mut self, word: usize) -> Option<&mut u64> {
        self.words.get_mut(word.checked_sub(self.start)?)
    }

    fn word(&mut self, word: usize) -> &mut u64 {
        self.reach(word);
        &mut self.words[word - self.start]
    }

    /// Makes room for a word.
    fn reach(&mut self, word: usize) {
        if self.words.is_empty() {
            self.start = word;
        }
        if word < self.start {
            let more = self.start - word;
            self.words.splice(..0, std::iter::repeat_n(0, more));
            self.start = word;
        }
        if self.words.len() <= word - self.start {
            self.words.resize(word - self.start + 1, 0);
        }
    }

    /// The actions in the catalog's order.
    pub fn iter(&self) -> impl Iterator<Item = ActionId> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let (at, mut left) = (self.start + at, *word);
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros() as usize;
                    left &= left - 1;
                    ActionId::from_index(at * 64 + bit)
                })
            })
        })
    }
}

impl PartialEq for ActionSet {
    fn eq(&self, other: &ActionSet) -> bool {
        let (mine, others) = (self.used(), other.used());
        let at = |set: &ActionSet, used: &Range<usize>| (set.start + used.start) * usize::from(!used.is_empty());
        at(self, &mine) == at(other, &others) && self.words[mine] == other.words[others]
    }
}

impl Eq for ActionSet {}

/// Words that hold nothing do not count, as for equality.
impl Hash for ActionSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.words[self.used()].hash(state);
    }
}

/// The words that hold a range of bits, each with the bits of the range in it.
fn words(range: Range<u32>) -> impl Iterator<Item = (usize, u64)> {
    let (start, end) = (range.start as usize, range.end as usize);
    let words = if start < end {
        start / 64..end.div_ceil(64)
    } else {
        0..0
    };
    words.map(move |word| {
        let low = start.saturating_sub(word * 64);
        let high = (end - word * 64).min(64);
        let below = |bit: usize| if bit == 64 { u64::MAX } else { (1 << bit) - 1 };
        (word, below(high) & !below(low))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_what_the_catalog_expands_it_to() {
        let catalog = Catalog::embedded();
        for pattern in [
            "*",
            "s3:*",
            "S3:Get*",
            "s3:GetObject",
            "s3:*Object",
            "s3",
            "ec2:Describe?pcs",
            "nope:*",
            "*:get*",
        ] {
            let mut expected = ActionSet::none();
            catalog.expand(pattern).into_iter().for_each(|id| expected.insert(id));
            assert_eq!(ActionSet::of_pattern(catalog, pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_set_is_what_it_holds_however_it_came_to_hold_it() {
        let of = |actions: &[usize]| {
            let mut set = ActionSet::none();
            actions
                .iter()
                .for_each(|action| set.insert(ActionId::from_index(*action)));
            set
        };
        let mut grown = of(&[1, 5_000]);
        grown.remove(ActionId::from_index(5_000));
        assert_eq!(grown, of(&[1]));
        assert_eq!(of(&[1]), grown);
        assert_ne!(of(&[1, 5_000]), grown);
        assert_eq!(of(&[1]).difference(&of(&[1, 5_000])), ActionSet::none());
        assert_eq!(of(&[1, 5_000]).difference(&of(&[1])), of(&[5_000]));
        assert_eq!(of(&[1, 5_000]).intersection(&of(&[1])), of(&[1]));
        grown.extend(&of(&[5_000]));
        assert_eq!(grown, of(&[1, 5_000]));
        grown.remove_range(4_990..30_000);
        assert_eq!(grown, of(&[1]));
        assert_eq!(grown.clone().shrunk(), grown);
        assert_eq!(grown.shrunk().words.len(), 1);
        assert_eq!(of(&[9_000, 5_000, 6_000]), of(&[5_000, 6_000, 9_000]));
        assert_eq!(of(&[5_000, 5_001]).shrunk().words.len(), 1);
        let mut apart = of(&[5_000]);
        apart.extend(&of(&[64, 9_000]));
        assert_eq!(apart, of(&[64, 5_000, 9_000]));
        assert_eq!(
            apart.iter().map(ActionId::index).collect::<Vec<_>>(),
            [64, 5_000, 9_000]
        );
        assert_eq!(of(&[64]).intersection(&of(&[9_000])), ActionSet::none());
        assert_eq!(of(&[64, 5_000]).intersection(&of(&[5_000, 9_000])), of(&[5_000]));
        assert_eq!(apart.difference(&of(&[5_000])), of(&[64, 9_000]));
        apart.remove_range(0..5_000);
        assert_eq!(apart, of(&[5_000, 9_000]));
        assert_eq!(ActionSet::none().shrunk(), ActionSet::none());
    }

    #[test]
    fn a_range_counts_what_it_holds() {
        let mut set = ActionSet::none();
        for (start, end) in [(0, 0), (0, 1), (63, 65), (64, 128), (130, 131), (200, 1000)] {
            set.insert_range(start..end);
            assert_eq!(set.count_in(start..end), (end - start) as usize, "{start}..{end}");
        }
        assert_eq!(set.len(), 1 + 2 + 63 + 1 + 800);
        assert_eq!(set.span(), 0..1_024);
        assert_eq!(set.iter().count(), set.len());
        set.remove_range(64..200);
        assert_eq!(set.len(), 1 + 1 + 800);
        set.remove_range(0..64);
        assert_eq!(set.span(), 192..1_024);
        set.remove_range(0..1_024);
        assert_eq!(set.span(), 0..0);
    }
}
