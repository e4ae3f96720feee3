//! Sets of actions, one bit an action of the catalog.

use std::hash::{Hash, Hasher};
use std::ops::Range;

use crate::catalog::{ActionId, Catalog};
use crate::iam::{ActionPart, Statement};

/// A set of the catalog's actions. What lies beyond its words is not in it, so that a set of nothing takes no room.
#[derive(Clone, Debug, Default)]
pub struct ActionSet(Vec<u64>);

impl ActionSet {
    /// No action.
    pub const fn none() -> ActionSet {
        ActionSet(Vec::new())
    }

    /// Every action.
    pub fn all(catalog: &Catalog) -> ActionSet {
        let mut set = ActionSet::none();
        set.insert_range(0..catalog.len() as u32);
        set
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
            if let Some(mine) = self.0.get_mut(word) {
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
        match (self.0.iter().position(is_used), self.0.iter().rposition(is_used)) {
            (Some(first), Some(last)) => first as u32 * 64..(last as u32 + 1) * 64,
            (None, _) | (_, None) => 0..0,
        }
    }

    /// Adds an action.
    pub fn insert(&mut self, id: ActionId) {
        *self.word(id.index() / 64) |= 1 << (id.index() % 64);
    }

    /// Takes an action out.
    pub fn remove(&mut self, id: ActionId) {
        if let Some(word) = self.0.get_mut(id.index() / 64) {
            *word &= !(1 << (id.index() % 64));
        }
    }

    /// Whether it holds an action.
    pub fn contains(&self, id: ActionId) -> bool {
        self.at(id.index() / 64) >> (id.index() % 64) & 1 == 1
    }

    /// How many actions it holds.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &ActionSet) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(mine, other)| *mine |= other);
    }

    /// What both hold.
    pub fn intersection(&self, other: &ActionSet) -> ActionSet {
        ActionSet(self.0.iter().zip(&other.0).map(|(mine, other)| mine & other).collect())
    }

    /// What this one holds and the other does not.
    pub fn difference(&self, other: &ActionSet) -> ActionSet {
        let words = self.0.iter().enumerate();
        ActionSet(words.map(|(at, mine)| mine & !other.at(at)).collect())
    }

    /// The same set in no more room than it needs, for those who hold thousands.
    pub fn shrunk(mut self) -> ActionSet {
        let used = self.0.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        self.0.truncate(used);
        self.0.shrink_to_fit();
        self
    }

    fn at(&self, word: usize) -> u64 {
        self.0.get(word).copied().unwrap_or(0)
    }

    fn word(&mut self, word: usize) -> &mut u64 {
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        &mut self.0[word]
    }

    /// The actions in the catalog's order.
    pub fn iter(&self) -> impl Iterator<Item = ActionId> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
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
        let shared = self.0.len().min(other.0.len());
        let nothing_beyond = |set: &ActionSet| set.0[shared..].iter().all(|word| *word == 0);
        self.0[..shared] == other.0[..shared] && nothing_beyond(self) && nothing_beyond(other)
    }
}

impl Eq for ActionSet {}

/// Words that hold nothing do not count, as for equality.
impl Hash for ActionSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let used = self.0.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        self.0[..used].hash(state);
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
        assert_eq!(grown.shrunk().0.len(), 1);
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
