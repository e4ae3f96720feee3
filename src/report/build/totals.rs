//! The sums that the first screen shows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::analysis::backtest::Backtest;
use crate::gap::{ActionSet, Blind, Grade, View};
use crate::grants::Kind;
use crate::report::{AccountFinding, BacktestTotals, Inputs, LifeCycleTotals, Principal, Severity, Suggestion, Totals};
use crate::resolve::Operation;
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
        totals.actions.extend(&principal.totals);
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
    let policies = by_policy(suggestions.iter().map(|suggestion| {
        let removes = suggestion.removed_actions * suggestion.affects.len() as u64;
        let last = (suggestion.held.is_none()).then_some((removes, suggestion.unseen_actions));
        ((suggestion.policy_arn.as_str(), suggestion.policy.as_str()), last)
    }));
    let ready = policies.values().flatten();
    totals.ready = ready.clone().count() as u64;
    totals.ready_unseen = ready.clone().filter(|(_, unseen)| *unseen > 0).count() as u64;
    totals.held = policies.values().filter(|last| last.is_none()).count() as u64;
    totals.removable_actions = ready.map(|(removes, _)| removes).sum();
    totals.calls_replayed = calls_replayed(inputs, suggestions);
    let holders = inputs.analysis.gaps.iter();
    let holders = holders.filter(|gap| inputs.options.shows(gap.principal));
    let holders = holders.filter(|gap| inputs.grants.principals[gap.principal].kind != Kind::Group);
    totals.life_cycles = Some(LifeCycleTotals {
        on: inputs.options.suggestions.life_cycles,
        actions: holders.map(|gap| gap.by_life_cycle().len() as u64).sum(),
    });
    let open = inputs.analysis.asked.open.iter();
    let open = open.filter(|policy| super::shown(inputs, &inputs.grants.affected_by(**policy)));
    totals.needs_choice = open.count() as u64;
    totals.would_prove_most = would_prove_most(inputs, risks);
    let answer = inputs.analysis.backtest.as_ref();
    totals.backtest = answer.and_then(|answer| backtest(inputs, suggestions, answer));
    totals
}

/// A policy, by its ARN and name.
type Named<'a> = (&'a str, &'a str);

/// Policies that could be smaller: each counts once, by the last step that may be taken; `None` where none may. Of a step
/// that may, what it removes and what stays unseen.
pub(super) fn by_policy<'a>(
    steps: impl Iterator<Item = (Named<'a>, Option<(u64, u64)>)>,
) -> BTreeMap<Named<'a>, Option<(u64, u64)>> {
    let mut policies: BTreeMap<Named<'_>, Option<(u64, u64)>> = BTreeMap::new();
    for (policy, step) in steps {
        let last = policies.entry(policy).or_default();
        if let Some((removes, unseen)) = step {
            let (most, least) = last.unwrap_or((0, u64::MAX));
            *last = Some((most.max(removes), least.min(unseen)));
        }
    }
    policies
}

/// Calls of everybody whom a ready suggestion affects, each event once.
fn calls_replayed(inputs: &Inputs<'_>, suggestions: &[Verified<Suggestion>]) -> u64 {
    let ready = suggestions.iter().filter(|suggestion| suggestion.held.is_none());
    let affected: BTreeSet<&str> = ready
        .flat_map(|suggestion| suggestion.affects.iter().map(String::as_str))
        .collect();
    let principals = inputs.grants.principals.iter().zip(&inputs.analysis.gaps);
    principals
        .filter(|(principal, _)| affected.contains(principal.arn.as_str()))
        .map(|(_, gap)| gap.activity.replayed)
        .sum()
}

/// What a backtest shows, unless it replayed nothing.
fn backtest(inputs: &Inputs<'_>, suggestions: &[Verified<Suggestion>], answer: &Backtest) -> Option<BacktestTotals> {
    let key = |one: &'_ Suggestion| (one.policy_arn.clone(), one.policy.clone());
    let of = |held: bool| suggestions.iter().filter(move |one| one.held.is_some() == held);
    let ready: BTreeSet<(String, String)> = of(false).map(|one| key(one)).collect();
    let held: BTreeSet<(String, String)> = of(true).map(|one| key(one)).collect();
    let affected: BTreeSet<&String> = of(false).flat_map(|one| &one.affects).collect();
    let (mut ready_broken_calls, mut held_broken_calls) = (0, 0);
    for (policies, calls) in answer.tested.values().flat_map(|tested| &tested.broken) {
        let any = |among: &BTreeSet<(String, String)>| {
            policies.iter().any(|policy| {
                let policy = &inputs.grants.policies[*policy];
                among.contains(&(policy.arn.clone(), policy.name.clone()))
            })
        };
        if any(&ready) {
            ready_broken_calls += calls;
        } else if any(&held) {
            held_broken_calls += calls;
        }
    }
    let tested = answer.tested.iter();
    let tested = tested.filter(|(index, _)| affected.contains(&inputs.grants.principals[**index].arn));
    let (mut ready_calls, mut ready_doubtful_calls) = (0, 0);
    for (_, tested) in tested {
        ready_calls += tested.calls;
        ready_doubtful_calls += tested.doubtful_calls;
    }
    (answer.totals.calls > 0).then(|| BacktestTotals {
        ready_calls,
        ready_broken_calls,
        ready_doubtful_calls,
        held_broken_calls,
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
        "granted nothing"
    } else if why.starts_with("service-linked") || why.starts_with("used by ") {
        "of services"
    } else if why.starts_with("permission set") {
        "of permission sets"
    } else if why.contains("maintained upstream") {
        "maintained upstream"
    } else if why.contains("shared:") {
        "with shared policies, their holders unseen"
    } else if principal.totals.unused == 0 {
        "with nothing provably unneeded"
    } else {
        "for other reasons"
    }
}

/// The kind of data events that would judge most of what editable policies grant and this archive cannot judge.
pub(super) fn would_prove_most(inputs: &Inputs<'_>, risks: &Risks) -> Option<String> {
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
    most.map(|(resource_type, _)| format!("data events of {resource_type}: {}", cost(inputs, resource_type)))
}

/// What data events of a type would cost, at the rate of those that the archive holds.
fn cost(inputs: &Inputs<'_>, resource_type: &str) -> String {
    let price = price("data-events");
    let list = format!(
        "${:.2} for {} thousand events, AWS's list price of {}",
        price.dollars,
        price.of / 1_000,
        price.read_on
    );
    let seen = inputs
        .archive
        .coverage
        .data_roots
        .iter()
        .filter(|((_, _, kind), _)| kind == resource_type);
    let resources: usize = seen.map(|(_, roots)| roots.len()).sum();
    let mut is_data: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    let rows = inputs.archive.table.rows.iter().filter(|row| {
        let call = &inputs.archive.table.signatures[row.signature].signature;
        *is_data
            .entry((&call.event_source, &call.event_name))
            .or_insert_with(|| {
                let operation = Operation::of(inputs.catalog, &call.event_source, &call.event_name);
                operation.data_type.as_deref() == Some(resource_type)
            })
    });
    let events: u64 = rows.map(|row| row.calls).sum();
    let days = inputs.archive.window.unwrap_or_default().days();
    if events == 0 || resources == 0 || days <= 0 {
        return format!("none is logged, so there is no rate to go by; {list}");
    }
    let a_month = events as f64 / resources as f64 / days as f64 * DAYS_OF_A_MONTH;
    let dollars = a_month * price.dollars / price.of as f64;
    let dollars = if dollars < 0.01 {
        "less than $0.01".to_owned()
    } else {
        format!("about ${dollars:.2}")
    };
    let noun = if resource_type == "AWS::S3::Object" {
        "bucket"
    } else {
        "resource"
    };
    format!("{dollars} a month for a {noun} as busy as what is logged ({a_month:.0} events; {list})")
}

/// Days of an average month.
const DAYS_OF_A_MONTH: f64 = 365.25 / 12.0;

/// A line of the list of prices.
struct Price {
    dollars: f64,
    of: u64,
    read_on: &'static str,
}

fn price(item: &str) -> Price {
    let lines = include_str!("../prices.tsv").lines();
    let mut lines = lines.map(|line| line.split('\t').collect::<Vec<&str>>());
    let found = lines.find_map(|line| match line[..] {
        [name, dollars, of, _source, read_on] if name == item => Some(Price {
            dollars: dollars.parse().ok()?,
            of: of.parse().ok()?,
            read_on,
        }),
        _ => None,
    });
    found.unwrap_or(Price {
        dollars: 0.0,
        of: 1,
        read_on: "",
    })
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

#[cfg(test)]
mod tests {
    use super::price;

    #[test]
    fn data_events_have_a_price_and_its_date() {
        let price = price("data-events");
        assert_eq!((price.dollars, price.of), (0.1, 100_000));
        assert!(price.read_on.parse::<jiff::civil::Date>().is_ok());
    }
}
