//! What a document became, cut further: where it stands, more may go than could be seen from where it came from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rewrite::Cut;
use super::{Candidate, Origin};
use crate::gap::ActionSet;
use crate::iam::{Effect, Policy};

/// What a document became, to be cut further: the text, its meaning, what may still go of it, and what was seen.
#[derive(Debug)]
pub(super) struct Further {
    pub(super) written: Value,
    pub(super) document: Policy,
    pub(super) removable: BTreeMap<usize, ActionSet>,
    pub(super) seen: BTreeMap<usize, ActionSet>,
}

impl Cut<'_> {
    /// What the document became in a candidate, with what may still go of that; `None` where no policy is left.
    pub(super) fn further(&self, candidate: &Candidate) -> Option<Further> {
        let written = candidate.after.value();
        let document = Policy::from_value(&written).ok()?;
        let (mut removable, mut seen) = (BTreeMap::new(), BTreeMap::new());
        let allows = document.statements.iter().zip(&candidate.origins);
        for (statement, origin) in allows.filter(|(statement, _)| statement.effect == Effect::Allow) {
            let mut goes = self.names.of_statement(statement);
            for source in &self.document.statements {
                if origin.from.contains(&source.index) {
                    goes = goes.difference(&self.needed(source));
                }
            }
            removable.insert(statement.index, goes);
            // Apart they may take less than together: no wildcard need then keep out of what stands in the other one.
            let sources = origin.from.iter().map(|source| self.seen.get(source));
            if let Some(sources) = sources.collect::<Option<Vec<&ActionSet>>>() {
                let mut all = ActionSet::none();
                sources.into_iter().for_each(|one| all.extend(one));
                seen.insert(statement.index, all);
            }
        }
        Some(Further {
            written,
            document,
            removable,
            seen,
        })
    }

    /// The cut of what the document became.
    pub(super) fn of<'f>(&'f self, further: &'f Further) -> Cut<'f> {
        Cut {
            written: &further.written,
            document: &further.document,
            removable: &further.removable,
            seen: &further.seen,
            ..*self
        }
    }

    /// A candidate that was cut further from another one of this document, told from this document itself.
    pub(super) fn told_from_here(&self, before: &Candidate, mut after: Candidate) -> Candidate {
        for origin in &mut after.origins {
            let sources: Vec<&Origin> = origin.from.iter().filter_map(|at| before.origins.get(*at)).collect();
            if let ([source], None) = (&sources[..], &origin.unseen) {
                origin.unseen = source.unseen.as_ref().map(|unseen| unseen.difference(&after.removed));
            }
            let from: BTreeSet<usize> = sources.into_iter().flat_map(|one| one.from.iter().copied()).collect();
            origin.from = from.into_iter().collect();
        }
        after.narrowed.clone_from(&before.narrowed);
        after.removed.extend(&before.removed);
        after.removed = after.removed.shrunk();
        after
    }
}
