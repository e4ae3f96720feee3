//! What two statements grant alike, written once where room is scarce: a service of which one statement keeps something is
//! not named again in another one that grants it nowhere else and at no other time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::rewrite::Cut;
use crate::gap::ActionSet;
use crate::iam::{ActionPart, Effect, Statement, subset};

/// For each Allow statement, by its place, the widest first: those before it that grant wherever and whenever it does.
/// Empty where each statement names all that it grants.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Wider(Vec<(usize, Vec<usize>)>);

/// Each statement names all that it grants.
pub(super) static EACH: Wider = Wider(Vec::new());

impl Cut<'_> {
    /// Which statements need not name what others grant.
    pub(super) fn wider(&self) -> Wider {
        let allows = self.document.statements.iter();
        let places: Vec<Statement> = allows.filter(|one| one.effect == Effect::Allow).map(place).collect();
        let mut widest: Vec<(Reverse<usize>, usize, BTreeSet<usize>)> = Vec::new();
        for outer in &places {
            let others = places.iter().filter(|inner| inner.index != outer.index);
            let holds = others.filter(|inner| subset::statement_includes(outer, inner));
            let holds: BTreeSet<usize> = holds.map(|inner| inner.index).collect();
            widest.push((Reverse(holds.len()), outer.index, holds));
        }
        widest.sort();
        let before = |at: usize, index: usize| {
            let wider = widest[..at].iter().filter(|(.., holds)| holds.contains(&index));
            wider.map(|(_, outer, _)| *outer).collect()
        };
        let all = widest.iter().enumerate();
        Wider(all.map(|(at, (_, index, _))| (*index, before(at, *index))).collect())
    }

    /// For each Allow statement, by its place, what goes of it: services that stay whole do not, and of those that a wider
    /// statement grants as far, all does.
    pub(super) fn going(&self, whole: &[Range<u32>], wider: &Wider) -> BTreeMap<usize, ActionSet> {
        let mut going = self.removable.clone();
        for statement in self.document.statements.iter().filter(|_| !whole.is_empty()) {
            let Some(goes) = going.get_mut(&statement.index) else {
                continue;
            };
            let granted = self.names.of_statement(statement);
            // What the statement does not grant whole cannot stay whole in it, and of what goes whole nothing need stay.
            let in_part = |range: &&Range<u32>| {
                granted.count_in((*range).clone()) == range.len() && goes.count_in((*range).clone()) < range.len()
            };
            let in_part: Vec<&Range<u32>> = whole.iter().filter(in_part).collect();
            in_part.into_iter().for_each(|range| goes.remove_range(range.clone()));
        }
        let mut stays: BTreeMap<usize, ActionSet> = BTreeMap::new();
        for (index, outers) in &wider.0 {
            let statement = self.document.statements.iter().find(|one| one.index == *index);
            let (Some(statement), Some(goes)) = (statement, going.get_mut(index)) else {
                continue;
            };
            let mut left = self.names.of_statement(statement).difference(goes);
            for range in self.names.ranges_of(&left) {
                let outers = outers.iter().filter_map(|outer| stays.get(outer));
                if outers.clone().any(|outer| is_within(&left, outer, &range)) {
                    left.remove_range(range.clone());
                    goes.insert_range(range);
                }
            }
            stays.insert(*index, left);
        }
        going
    }
}

/// The statement without its actions: where and when it grants.
fn place(statement: &Statement) -> Statement {
    let mut place = statement.clone();
    place.action = ActionPart::Action(Vec::new());
    place
}

/// Whether all that a set holds of a range is in another one.
fn is_within(inner: &ActionSet, outer: &ActionSet, range: &Range<u32>) -> bool {
    let outer = outer.bits_in(range.clone());
    inner
        .bits_in(range.clone())
        .iter()
        .zip(outer)
        .all(|(inner, outer)| inner & !outer == 0)
}
