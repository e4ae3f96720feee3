//! The policies that would have been suggested on the day of the cut.

use std::collections::BTreeMap;

use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::gap;
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::iam::Policy;
use crate::rightsize::{self, Level, Options, Step};
use crate::time::Window;
use crate::usage::Table;
use crate::verify;

/// A document that would have stood in a policy's place.
pub(super) struct Learnt {
    pub(super) after: Policy,
    pub(super) step: Step,
    pub(super) removed_actions: u64,
    pub(super) held: Option<String>,
    pub(super) affects: Vec<PrincipalIndex>,
}

/// For each policy that would have changed, the smallest document that was proved.
///
/// The coverage is the whole archive's: which classes of events it holds is a fact about its trail, and holes are
/// looked for in the window alone.
pub(super) fn learn(
    catalog: &Catalog,
    learning: &Table,
    grants: &Grants,
    coverage: &Coverage,
    window: Window,
    options: &Options,
) -> BTreeMap<PolicyIndex, Learnt> {
    let options = Options {
        min_window: 0,
        grace: 0,
        min_confidence: Level::Low,
        wait_for_rhythm: false,
        ..options.clone()
    };
    // Data of today tells of uses after the cut, which nobody knew then.
    let then;
    let grants = if grants.supplements.last_accessed.is_empty() {
        grants
    } else {
        let mut known = grants.clone();
        known.supplements.forget_after(window.last());
        then = known;
        &then
    };
    let mut gaps = gap::classify(catalog, learning, grants, coverage, window);
    if !options.life_cycles {
        gaps.iter_mut().for_each(gap::Gap::forget_life_cycles);
    }
    let (mut proposals, _) = rightsize::propose(catalog, learning, grants, &gaps, window, &options);
    // A later step goes further, and takes the place of the one before.
    proposals.sort_by_key(|proposal| (proposal.policy, proposal.step));
    let mut learnt = BTreeMap::new();
    for proposal in proposals {
        let Ok(proved) = verify::prove(catalog, grants, &gaps, &proposal) else {
            continue;
        };
        // What was proved is a policy.
        let Ok(after) = proved.candidate.after.policy() else {
            continue;
        };
        let document = Learnt {
            after,
            step: proposal.step,
            removed_actions: proved.candidate.removed.len() as u64,
            held: proposal.held,
            affects: proposal.affects,
        };
        learnt.insert(proposal.policy, document);
    }
    learnt
}
