//! Sets of actions, one bit an action of the catalog.

use crate::catalog::{ActionId, Catalog};
use crate::iam::{ActionPart, Statement};

/// A set of the catalog's actions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActionSet(Vec<u64>);

impl ActionSet {
    /// No action.
    pub fn none(catalog: &Catalog) -> ActionSet {
        ActionSet(vec![0; catalog.len().div_ceil(64)])
    }

    /// Every action.
    pub fn all(catalog: &Catalog) -> ActionSet {
        let mut set = ActionSet::none(catalog);
        for id in catalog.ids() {
            set.insert(id);
        }
        set
    }

    /// The actions that a statement concerns, effect and resources aside.
    pub fn of_statement(catalog: &Catalog, statement: &Statement) -> ActionSet {
        let (patterns, complement) = match &statement.action {
            ActionPart::Action(patterns) => (patterns, false),
            ActionPart::NotAction(patterns) => (patterns, true),
        };
        let mut set = if complement {
            ActionSet::all(catalog)
        } else {
            ActionSet::none(catalog)
        };
        for id in patterns.iter().flat_map(|pattern| catalog.expand(pattern.lower())) {
            if complement {
                set.remove(id);
            } else {
                set.insert(id);
            }
        }
        set
    }

    /// Adds an action.
    pub fn insert(&mut self, id: ActionId) {
        self.0[id.index() / 64] |= 1 << (id.index() % 64);
    }

    /// Takes an action out.
    pub fn remove(&mut self, id: ActionId) {
        self.0[id.index() / 64] &= !(1 << (id.index() % 64));
    }

    /// Whether it holds an action.
    pub fn contains(&self, id: ActionId) -> bool {
        self.0[id.index() / 64] >> (id.index() % 64) & 1 == 1
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
        self.0.iter_mut().zip(&other.0).for_each(|(mine, other)| *mine |= other);
    }

    /// What both hold.
    pub fn intersection(&self, other: &ActionSet) -> ActionSet {
        ActionSet(self.0.iter().zip(&other.0).map(|(mine, other)| mine & other).collect())
    }

    /// What this one holds and the other does not.
    pub fn difference(&self, other: &ActionSet) -> ActionSet {
        ActionSet(self.0.iter().zip(&other.0).map(|(mine, other)| mine & !other).collect())
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
