//! What of a policy nobody may need, at a level of evidence and after people's choices.

use std::collections::BTreeMap;

use super::{Decided, EvidenceLevel, Options, Rewriter, balanced, whole};
use crate::catalog::Catalog;
use crate::gap::{ActionSet, Gap, Grade, Reason, Slice};
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::iam::{Effect, Policy, Statement};

/// For each Allow statement, by its place: the actions that none of the principals may need.
#[expect(
    clippy::too_many_arguments,
    reason = "what a policy grants, to whom, and what was asked for"
)]
pub(super) fn removable(
    catalog: &Catalog,
    grants: &Grants,
    gaps: &[Gap],
    index: PolicyIndex,
    affects: &[PrincipalIndex],
    document: &Policy,
    options: &Options,
    kept: &ActionSet,
) -> BTreeMap<usize, ActionSet> {
    let mut removable = BTreeMap::new();
    let tied = whole::tied(document);
    for statement in document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow)
    {
        let mut set = ActionSet::of_statement(catalog, statement).difference(kept);
        for principal in affects {
            let slices = gaps[*principal]
                .slices
                .iter()
                .filter(|slice| slice.policy == index && slice.statement == statement.index);
            for slice in slices {
                set = set.intersection(&goes(catalog, grants, &gaps[*principal], slice, statement, options));
            }
        }
        if tied.contains(&statement.index) {
            set = whole::whole(catalog, statement, set);
        }
        removable.insert(statement.index, set);
    }
    removable
}

/// What people decided of what a statement grants a principal.
pub fn decided(
    catalog: &Catalog,
    grants: &Grants,
    options: &Options,
    principal: PrincipalIndex,
    slice: &Slice,
) -> Decided {
    options.choices.decided(catalog, grants, principal, slice)
}

/// What of a statement goes for one principal: by evidence, and as people decided.
pub(super) fn goes(
    catalog: &Catalog,
    grants: &Grants,
    gap: &Gap,
    slice: &Slice,
    statement: &Statement,
    options: &Options,
) -> ActionSet {
    let decided = decided(catalog, grants, options, gap.principal, slice);
    let mut goes = by_evidence(catalog, gap, slice, statement, options);
    goes.extend(&decided.dropped);
    goes.difference(&decided.kept).difference(&decided.later)
}

/// What of a statement goes at this level of evidence, for one principal.
fn by_evidence(catalog: &Catalog, gap: &Gap, slice: &Slice, statement: &Statement, options: &Options) -> ActionSet {
    let mut goes = slice.with_grade(Grade::Unused);
    match options.evidence {
        EvidenceLevel::Conservative => {}
        EvidenceLevel::Balanced => {
            goes.extend(&balanced::removable(catalog, gap, slice, statement));
        }
        EvidenceLevel::Aggressive => {
            for grade in [Grade::OutsideCoverage, Grade::Unobservable, Grade::DeniedOnly] {
                goes.extend(&slice.with_grade(grade));
            }
            goes = goes.difference(&slice.unmapped);
            // Of a call that names nobody it is not known that it was not this principal's.
            let anybodys = goes
                .iter()
                .filter(|action| slice.reason(*action) == Some(Reason::NamesNobody));
            for action in anybodys.collect::<Vec<_>>() {
                goes.remove(action);
            }
            // PassRole never shows itself; what hands over roles is anybody's guess.
            if let Some(pass_role) = catalog.id("iam:PassRole") {
                goes.remove(pass_role);
            }
        }
    }
    goes
}

impl Rewriter<'_> {
    /// For each Allow statement of a policy, or of its copies, in which seen and unseen stand apart, by its place: what
    /// was used or inferred, and what somebody wants kept. What goes whole or not at all stands together.
    pub(super) fn seen(
        &self,
        copies: &[PolicyIndex],
        affects: &[PrincipalIndex],
        document: &Policy,
        kept: &ActionSet,
    ) -> BTreeMap<usize, ActionSet> {
        let mut seen = BTreeMap::new();
        if !self.options.unseen_apart {
            return seen;
        }
        let tied = whole::tied(document);
        let allows = document.statements.iter().filter(|one| one.effect == Effect::Allow);
        for statement in allows.filter(|one| !tied.contains(&one.index)) {
            let mut here = kept.clone();
            for principal in affects {
                for slice in &self.gaps[*principal].slices {
                    if copies.contains(&slice.policy) && slice.statement == statement.index {
                        here.extend(&slice.with_grade(Grade::Used));
                        here.extend(&slice.with_grade(Grade::Inferred));
                        here.extend(&decided(self.catalog, self.grants, self.options, *principal, slice).kept);
                    }
                }
            }
            seen.insert(statement.index, here);
        }
        seen
    }
}
