//! The twelve practices without the rest of a report: of thousands of roles, only what they are judged by is worked out.

use rayon::prelude::*;

use super::totals::{by_policy, would_prove_most};
use super::{finding, given, shown, workloads_of};
use crate::grants::{Kind, PrincipalIndex};
use crate::report::practices::{Facts, is_kubernetes, judge};
use crate::report::{Finding, GradeTotals, Inputs, PracticesReport};
use crate::rightsize::Risks;

/// What `build` says of the practices.
pub fn scorecard(inputs: &Inputs<'_>) -> PracticesReport {
    let (grants, analysis, archive) = (inputs.grants, &inputs.analysis, inputs.archive);
    let is_shown = |index: &PrincipalIndex| inputs.options.shows(*index);
    let indices: Vec<PrincipalIndex> = (0..grants.principals.len()).filter(is_shown).collect();
    let of_principals = indices.iter().flat_map(|index| &analysis.findings[*index]);
    let of_accounts = analysis.account_findings.iter().map(|found| &found.finding);
    let findings: Vec<Finding> = of_principals.chain(of_accounts).map(finding).collect();
    let actors = indices
        .iter()
        .filter(|index| grants.principals[**index].kind != Kind::Group);
    let (seen, quiet): (Vec<&PrincipalIndex>, Vec<_>) =
        actors.partition(|index| analysis.gaps[**index].activity.last_seen.is_some());
    let eks = &grants.supplements.eks;
    let workloads = indices
        .iter()
        .flat_map(|index| workloads_of(&analysis.gaps[*index], eks));
    let policies = by_policy(
        analysis
            .proved
            .iter()
            .filter(|(proposal, _)| shown(inputs, &proposal.affects))
            .map(|(proposal, _)| {
                let document = &grants.policies[proposal.policy];
                let name = (document.arn.as_str(), document.name.as_str());
                (name, proposal.held.is_none().then_some((0, 0)))
            }),
    );
    let sums = indices.par_iter().map(|index| GradeTotals::of(&analysis.gaps[*index]));
    let actions = sums.reduce(GradeTotals::default, |mut all, one| {
        all.extend(&one);
        all
    });
    let window = archive.window.unwrap_or_default();
    let places = archive.coverage.places().into_iter();
    let holes = places.map(|(account, region)| archive.coverage.holes(account, region, window).len());
    let most = would_prove_most(inputs, &Risks::new(inputs.catalog));
    let facts = Facts {
        findings: findings.iter().collect(),
        seen: seen.len(),
        quiet: quiet.len(),
        pods: workloads.filter(is_kubernetes).count(),
        ready: policies.values().flatten().count() as u64,
        held: policies.values().filter(|last| last.is_none()).count() as u64,
        actions,
        holes: holes.sum(),
        would_prove_most: most.as_deref(),
    };
    judge(&facts, given(inputs))
}
