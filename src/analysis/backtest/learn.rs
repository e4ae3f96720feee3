//! The policies that would have been suggested on the day of the cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::analysis::{Archive, suggest};
use crate::catalog::Catalog;
use crate::gap::Gap;
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::iam::Policy;
use crate::rightsize::{Basis, Level, Options, Proposal, Step};
use crate::verify::{Proved, Verified};

/// A document that would have stood in a policy's place.
pub(super) struct Learnt {
    /// The policy; of a permission set its first copy.
    pub(super) policy: PolicyIndex,
    pub(super) after: Policy,
    pub(super) step: Step,
    pub(super) removed_actions: u64,
    pub(super) held: Option<String>,
    pub(super) affects: Vec<PrincipalIndex>,
}

/// For each policy that would have changed, the smallest document that was proved; once for each of `life_cycles`, that is
/// with them or without.
///
/// The coverage is the whole archive's: which classes of events it holds is a fact about its trail, and holes are
/// looked for in the window alone.
pub(super) fn learn(
    catalog: &Catalog,
    learning: &Archive<'_>,
    grants: &Grants,
    options: &Options,
    life_cycles: &[bool],
) -> Vec<BTreeMap<PolicyIndex, Arc<Learnt>>> {
    let Some(window) = learning.window else {
        return life_cycles.iter().map(|_| BTreeMap::new()).collect();
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
    let with = crate::analysis::gaps(catalog, learning, grants, true);
    let each = life_cycles.iter().map(|on| {
        let options = Options {
            min_window: 0,
            grace: 0,
            min_confidence: Level::Low,
            wait_for_rhythm: false,
            life_cycles: *on,
            ..options.clone()
        };
        let without: Vec<Gap>;
        let gaps = if *on {
            &with
        } else {
            let mut gaps = with.clone();
            gaps.iter_mut().for_each(Gap::forget_life_cycles);
            without = gaps;
            &without
        };
        let basis = Basis {
            catalog,
            table: learning.table,
            grants,
            gaps,
            window,
            options: &options,
        };
        let mut proved = suggest(&basis).proved;
        // A later step goes further, and takes the place of the one before.
        proved.sort_by_key(|(proposal, _)| (proposal.policy, proposal.step));
        proved.into_iter().filter_map(learnt).flatten().collect()
    });
    each.collect()
}

/// What takes the place of a policy, for each of its copies.
fn learnt(
    (proposal, proved): (Proposal, Verified<Proved>),
) -> Option<impl Iterator<Item = (PolicyIndex, Arc<Learnt>)>> {
    // What was proved is a policy.
    let after = proved.after().policy().ok()?;
    let learnt = Arc::new(Learnt {
        policy: proposal.policy,
        after,
        step: proposal.step,
        removed_actions: proved.candidate.removed.len() as u64,
        held: proposal.held,
        affects: proposal.affects,
    });
    let copies = proposal.copies.into_iter();
    Some(copies.map(move |policy| (policy, Arc::clone(&learnt))))
}
