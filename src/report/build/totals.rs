//! The sums that the first screen shows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::analysis::backtest::Backtest;
use crate::gap::{ActionSet, Blind, Grade, View};
use crate::grants::Kind;
use crate::report::{AccountFinding, BacktestTotals, Inputs, LifeCycleTotals, Principal, Severity, Suggestion, Totals};
use crate::rightsize::Risks;
use crate::verify::Verified;

pub(super) fn totals(
    inputs: &Inputs<'_>,
    principals: &[Principal],
    account_findings: &[AccountFinding],
    suggestions: &[Verified<Suggestion>],
    risks: &Risks,
) -> Totals {
    let mut totals = Totals {
        principals: principals.len() as u64,
        ..Totals::default()
    };
    let touched: BTreeSet<&String> = suggestions.iter().flat_map(|suggestion| &suggestion.affects).collect();
    for principal in principals {
        totals.actions.granted += principal.totals.granted;
        totals.actions.used += principal.totals.used;
        totals.actions.inferred += principal.totals.inferred;
        totals.actions.unused += principal.totals.unused;
        totals.actions.unobservable += principal.totals.unobservable;
        totals.actions.denied_only += principal.totals.denied_only;
        totals.actions.outside_coverage += principal.totals.outside_coverage;
        if !touched.contains(&principal.arn) && principal.kind != Kind::Group.name() {
            *totals
                .not_touched
                .entry(short_reason(principal).to_owned())
                .or_default() += 1;
        }
    }
    let of_principals = principals.iter().flat_map(|principal| &principal.findings);
    for finding in of_principals.chain(account_findings.iter().map(|found| &found.finding)) {
        let name = match finding.severity {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        };
        *totals.findings.entry(name.to_owned()).or_default() += 1;
    }
    // A policy counts once, by the last step that may be taken.
    let mut ready: BTreeMap<(&str, &str), (u64, bool)> = BTreeMap::new();
    for suggestion in suggestions {
        let (removes, is_ready) = ready.entry((&suggestion.policy_arn, &suggestion.policy)).or_default();
        if suggestion.held.is_none() {
            *removes = (*removes).max(suggestion.removed_actions * suggestion.affects.len() as u64);
            *is_ready = true;
        }
    }
    totals.ready = ready.values().filter(|(_, is_ready)| *is_ready).count() as u64;
    totals.held = ready.values().filter(|(_, is_ready)| !is_ready).count() as u64;
    totals.removable_actions = ready.values().map(|(removes, _)| removes).sum();
    let holders = inputs.analysis.gaps.iter();
    let holders = holders.filter(|gap| inputs.grants.principals[gap.principal].kind != Kind::Group);
    totals.life_cycles = Some(LifeCycleTotals {
        on: inputs.options.suggestions.life_cycles,
        actions: holders.map(|gap| gap.by_life_cycle().len() as u64).sum(),
    });
    totals.needs_choice = inputs.analysis.asked.open.len() as u64;
    totals.would_prove_most = would_prove_most(inputs, risks);
    totals.backtest = inputs.analysis.backtest.as_ref().and_then(backtest);
    totals
}

/// What a backtest shows, unless it replayed nothing.
fn backtest(answer: &Backtest) -> Option<BacktestTotals> {
    (answer.totals.calls > 0).then(|| BacktestTotals {
        cut: answer.cut.clone(),
        learnt_days: answer.learnt_days.unsigned_abs(),
        replayed_days: answer.replayed_days.unsigned_abs(),
        calls: answer.totals.calls,
        broken_calls: answer.totals.broken_calls,
        doubtful_calls: answer.totals.doubtful_calls,
    })
}

/// Why nothing is suggested for a principal, in a few words.
fn short_reason(principal: &Principal) -> &'static str {
    let why = principal.why_not.as_deref().unwrap_or("");
    if principal.totals.granted == 0 {
        "nothing granted"
    } else if why.starts_with("service-linked") || why.starts_with("used by ") {
        "service roles"
    } else if why.starts_with("permission set") {
        "permission sets"
    } else if why.contains("maintained upstream") {
        "maintained upstream"
    } else if why.contains("shared:") {
        "shared, attachments unseen"
    } else if principal.totals.unused == 0 {
        "nothing provably unneeded"
    } else {
        "other"
    }
}

/// The kind of data events that would judge most of what editable policies grant and this archive cannot judge.
fn would_prove_most(inputs: &Inputs<'_>, risks: &Risks) -> Option<String> {
    let mut data: BTreeMap<&str, u64> = BTreeMap::new();
    // Of thousands of slices most have the same view.
    let mut by_type: HashMap<*const View, BTreeMap<&str, ActionSet>> = HashMap::new();
    for policy in 0..inputs.grants.policies.len() {
        if inputs.analysis.left_alone.policies[policy].is_some() {
            continue;
        }
        let affects = inputs.grants.affected_by(policy);
        for slice in affects
            .iter()
            .flat_map(|index| &inputs.analysis.gaps[*index].slices)
            .filter(|slice| slice.policy == policy)
        {
            let mut hidden = slice.with_grade(Grade::Unobservable);
            hidden.extend(&slice.with_grade(Grade::OutsideCoverage));
            let view = by_type
                .entry(Arc::as_ptr(&slice.view))
                .or_insert_with(|| data_events(&slice.view));
            for (resource_type, actions) in view {
                for action in hidden.intersection(actions).iter() {
                    *data.entry(resource_type).or_default() += risks.weight(action).max(1);
                }
            }
        }
    }
    let most = data.into_iter().max_by(|(a, x), (b, y)| x.cmp(y).then(b.cmp(a)));
    most.map(|(resource_type, _)| format!("data events of {resource_type}"))
}

/// The actions that only data events would show, by their type.
fn data_events(view: &View) -> BTreeMap<&str, ActionSet> {
    let mut by_type: BTreeMap<&str, ActionSet> = BTreeMap::new();
    for action in view.blind.iter() {
        if let Some(Blind::DataEvents { resource_type, .. }) = view.blind_to(action) {
            by_type.entry(resource_type).or_default().insert(action);
        }
    }
    by_type
}
