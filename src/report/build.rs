//! All stages' answers put together; nothing is decided here.

mod actions;
mod association;
mod choices;
mod policies;
mod rhythm;
mod scorecard;
mod suggestion;
mod unexplained;
mod totals;

pub use scorecard::scorecard;
pub(super) use suggestion::verdict as verdict_of;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::inventory::graph::{GraphInputs, Shown, graph};
use super::inventory::ways::ways;
use super::{
    AccountFinding, Coverage, CoverageGap, DataEvents, Excluded, ExplainedDenial, Finding, Given, GradeTotals, Own,
    PolicyNote, Principal, Report, RoleGraph, SCHEMA, Sessions, Severity, Skipped, Suggestion, Tool, Unmapped,
    Workload,
};
use crate::analysis::{Analysis, Archive, Options};
use crate::catalog::Catalog;
use crate::coverage;
use crate::gap;
use crate::grants::{Eks, Grants, Kind, PrincipalIndex};
use crate::hygiene;
use crate::rightsize;
use crate::time::{Window, moment};
use crate::verify::Verified;

/// Most resources that are listed for one action.
const RESOURCES: usize = 50;
/// Most ways from one to another that the graph lists.
const WAYS: usize = 500;
/// Most workloads that are listed for one action.
const WORKLOADS: usize = 20;
/// Fewest actions that a wildcard stands for, in what is granted as in what goes: so that a pattern of the one is part of
/// a pattern of the other.
const FEWEST: usize = 2;

/// What the stages found.
pub struct Inputs<'a> {
    /// The program's version.
    pub version: &'a str,
    /// The catalog.
    pub catalog: &'a Catalog,
    /// What the logs say.
    pub archive: &'a Archive<'a>,
    /// What is granted.
    pub grants: &'a Grants,
    /// What was asked for.
    pub options: &'a Options,
    /// What the stages made of it.
    pub analysis: Analysis,
}

/// The whole answer.
pub fn build(mut inputs: Inputs<'_>) -> Report {
    let window = inputs.archive.window.unwrap_or_default();
    let risks = rightsize::Risks::new(inputs.catalog);
    let names = rightsize::Names::new(inputs.catalog);
    let proved = std::mem::take(&mut inputs.analysis.proved);
    let suggestions: Vec<Verified<Suggestion>> = proved
        .into_par_iter()
        .filter(|(proposal, _)| shown(&inputs, &proposal.affects))
        .map(|(proposal, proved)| {
            let suggestion = suggestion::suggestion(&inputs, &names, &risks, &proposal, &proved);
            proved.with(suggestion)
        })
        .collect();
    let alternatives = inputs
        .analysis
        .alternatives
        .iter()
        .filter(|proved| shown(&inputs, &proved.affects))
        .map(|proved| suggestion::alternative(&inputs, proved))
        .chain(
            inputs
                .analysis
                .splits
                .iter()
                .map(|split| suggestion::role_split(&inputs, split)),
        )
        .collect();
    let groups = actions::Groups::new(inputs.catalog, &names, inputs.grants);
    let principals: Vec<Principal> = (0..inputs.grants.principals.len())
        .into_par_iter()
        .filter(|index| inputs.options.shows(*index))
        .map(|index| principal(&inputs, &groups, index))
        .collect();
    let account_findings: Vec<AccountFinding> = inputs
        .analysis
        .account_findings
        .iter()
        .map(|found| AccountFinding {
            account: found.account.clone(),
            finding: finding(&found.finding),
        })
        .collect();
    let (questions, all_questions) = choices::questions(&inputs, &names);
    let mut totals = totals::totals(&inputs, &principals, &account_findings, &suggestions, &risks);
    totals.questions = all_questions;
    let (policies, policy_documents) = policies::policies(&inputs, &suggestions);
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            version: inputs.version.to_owned(),
            catalog_date: inputs.catalog.date().to_owned(),
        },
        window: inputs.archive.window.map(super::Window::from).unwrap_or_default(),
        coverage: coverage_of(&inputs, window),
        principals,
        suggestions,
        alternatives,
        account_findings,
        refused: suggestion::refused(&inputs),
        questions,
        choices: choices::choices(&inputs),
        policies,
        policy_documents,
        practices: Vec::new(),
        graph: None,
        totals,
    };
    report.practices = super::practices(&report, given(&inputs)).practices;
    report.graph = Some(role_graph(&inputs, &report.principals).most_telling(WAYS));
    report
}

/// What was given beside the grants.
fn given(inputs: &Inputs<'_>) -> Given {
    let supplements = &inputs.grants.supplements;
    let principals = inputs.grants.principals.iter();
    let accounts: BTreeSet<&str> = principals
        .filter(|principal| principal.kind != Kind::Group)
        .map(|principal| principal.account.as_str())
        .collect();
    let heard = |account: &&str| !inputs.archive.coverage.regions_of(account).is_empty();
    Given {
        grants: !accounts.is_empty(),
        logs: inputs.archive.window.is_some() && accounts.iter().any(heard),
        unheard: !accounts.iter().all(heard),
        credential_report: !supplements.credentials.is_empty(),
        old_credential_report: inputs
            .archive
            .window
            .is_some_and(|window| hygiene::has_old_credentials(inputs.grants, inputs.archive.coverage, window)),
        trail_config: !supplements.trails.is_empty(),
    }
}

/// Who can take whom, of all that is shown.
fn role_graph(inputs: &Inputs<'_>, principals: &[Principal]) -> RoleGraph {
    let grants = inputs.grants;
    let supplements = &grants.supplements;
    let shown = (0..grants.principals.len()).filter(|index| inputs.options.shows(*index));
    let shown = shown.zip(principals).filter_map(|(index, told)| {
        let principal = &grants.principals[index];
        (principal.kind != Kind::Group).then(|| Shown {
            index,
            taken_by: ways(principal, &supplements.eks, supplements.credentials.get(&principal.arn)).into(),
            workloads: &told.workloads,
        })
    });
    graph(&GraphInputs {
        archive: inputs.archive,
        grants,
        hierarchy: &inputs.analysis.hierarchy,
        shown: &shown.collect::<Vec<_>>(),
    })
}

/// Whether a change that affects these principals is shown.
fn shown(inputs: &Inputs<'_>, affects: &[PrincipalIndex]) -> bool {
    inputs.options.shown.is_none() || affects.iter().any(|index| inputs.options.shows(*index))
}

fn arns(grants: &Grants, indices: &[PrincipalIndex]) -> Vec<String> {
    indices
        .iter()
        .map(|index| grants.principals[*index].arn.clone())
        .collect()
}

/// The holes of an archive within a window, of the accounts that are asked for and where nothing tells whose they are.
pub fn gaps(coverage: &coverage::Coverage, window: Window, asks: impl Fn(&str) -> bool) -> Vec<CoverageGap> {
    let mut gaps = Vec::new();
    for (account, region) in coverage.places() {
        if !account.is_empty() && !asks(account) {
            continue;
        }
        for hole in coverage.holes(account, region, window) {
            gaps.push(CoverageGap {
                account: account.to_owned(),
                region: region.to_owned(),
                from: moment(hole.window.first.max(window.first)),
                to: moment(hole.window.end.min(window.end)),
                why: hole.why.to_string(),
            });
        }
    }
    gaps
}

fn coverage_of(inputs: &Inputs<'_>, window: Window) -> Coverage {
    let coverage = inputs.archive.coverage;
    let mut data: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((_, _, resource_type), roots) in &coverage.data_roots {
        data.entry(resource_type)
            .or_default()
            .extend(roots.keys().map(String::as_str));
    }
    Coverage {
        files: coverage.files,
        bytes: coverage.bytes,
        records: coverage.records,
        events_used: coverage.events_used,
        events_unmapped: coverage.events_unmapped,
        events_unattributed: coverage.events_unattributed,
        events_not_calls: coverage.events_not_calls,
        events_filtered_out: coverage.events_filtered_out,
        events_sharing_id: coverage.events_sharing_id,
        own: own(inputs),
        skipped: coverage
            .skipped()
            .into_iter()
            .map(|(what, why, records)| Skipped { what, why, records })
            .collect(),
        accounts: coverage.accounts().into_iter().map(str::to_owned).collect(),
        regions: coverage.regions().into_iter().map(str::to_owned).collect(),
        data_events: data
            .into_iter()
            .map(|(resource_type, roots)| DataEvents {
                resource_type: resource_type.to_owned(),
                seen: roots.into_iter().take(RESOURCES).map(str::to_owned).collect(),
            })
            .collect(),
        gaps: gaps(coverage, window, |_| true),
        unmapped: unmapped(inputs),
        mapping_disagreements: coverage.mapping_disagreements.iter().cloned().collect(),
        excluded: coverage
            .excluded
            .iter()
            .map(|(rule, events)| Excluded {
                rule: rule.clone(),
                events: *events,
            })
            .collect(),
        organization_policies: inputs.grants.supplements.organization.is_some(),
    }
}

fn denials(coverage: &coverage::Coverage, principal: &str) -> Vec<ExplainedDenial> {
    let start = (principal.to_owned(), String::new());
    let of_principal = coverage.authorizations.range(start..);
    of_principal
        .take_while(|((arn, _), _)| arn == principal)
        .map(|((_, action), found)| ExplainedDenial {
            action: action.clone(),
            time: moment(found.time),
            authorization_id: found.id.clone(),
        })
        .collect()
}

fn own(inputs: &Inputs<'_>) -> Vec<Own> {
    let own = inputs.analysis.left_alone.own.iter();
    own.map(|index| Own {
        principal: inputs.grants.principals[*index].arn.clone(),
        calls: inputs.analysis.gaps[*index].activity.calls,
    })
    .collect()
}

fn unmapped(inputs: &Inputs<'_>) -> Vec<Unmapped> {
    gap::unmapped_calls(inputs.catalog, inputs.archive.table)
        .into_iter()
        .map(|unmapped| Unmapped {
            event_source: unmapped.event_source,
            event_name: unmapped.event_name,
            why: unmapped.why,
            calls: unmapped.calls,
        })
        .collect()
}

fn principal(inputs: &Inputs<'_>, groups: &actions::Groups<'_>, index: PrincipalIndex) -> Principal {
    let (grants, left_alone) = (inputs.grants, &inputs.analysis.left_alone);
    let (granted, gap) = (&grants.principals[index], &inputs.analysis.gaps[index]);
    let by_grade = gap.by_grade();
    let mut totals = GradeTotals::default();
    for (grade, set) in &by_grade {
        totals.add(*grade, set.len() as u64);
    }
    let policies: Vec<PolicyNote> = grants
        .policies_of(index)
        .into_iter()
        .map(|policy| {
            let why_not = left_alone.policies[policy].clone();
            let document = &grants.policies[policy];
            PolicyNote {
                policy: document.name.clone(),
                policy_arn: document.arn.clone(),
                kind: rightsize::kind_name(grants, policy).to_owned(),
                file: document.file.clone(),
                rewritable: why_not.is_none(),
                why_not,
            }
        })
        .collect();
    let own_reason = left_alone.principals[index].clone();
    let rewritable = own_reason.is_none() && (policies.is_empty() || policies.iter().any(|policy| policy.rewritable));
    let why_not = own_reason.or_else(|| {
        let blocked: Vec<String> = policies
            .iter()
            .filter_map(|policy| Some(format!("{}: {}", policy.policy, policy.why_not.as_ref()?)))
            .collect();
        (!blocked.is_empty()).then(|| blocked.join("; "))
    });
    let (actions, action_groups) = actions::actions(inputs, groups, index, &by_grade);
    Principal {
        arn: granted.arn.clone(),
        id: granted.id.clone(),
        kind: granted.kind.name().to_owned(),
        account: granted.account.clone(),
        path: granted.path.clone(),
        owner: owner(&granted.tags),
        created: granted.created.map(|time| time.to_string()).unwrap_or_default(),
        last_seen: gap.activity.last_seen.map(moment),
        calls_replayed: gap.activity.replayed,
        calls_incomplete: gap.activity.replayed_incomplete,
        calls_unexplained: gap.activity.replayed_unexplained,
        rhythm: inputs
            .archive
            .window
            .and_then(|window| rhythm::of_principal(&gap.activity, window)),
        rewritable,
        why_not,
        policies,
        workloads: workloads_of(gap, &inputs.grants.supplements.eks),
        totals,
        actions,
        action_groups,
        elsewhere: unexplained::elsewhere(inputs, gap),
        unexplained: unexplained::unexplained(inputs, gap),
        denials: denials(inputs.archive.coverage, &granted.arn),
        findings: inputs.analysis.findings[index].iter().map(finding).collect(),
    }
}

/// The tags that teams name themselves in, in any case: `Owner` before `Team`.
fn owner(tags: &BTreeMap<String, String>) -> Option<String> {
    let named = |name: &str| tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let (_, owner) = named("owner").or_else(|| named("team"))?;
    Some(owner.trim().to_owned()).filter(|owner| !owner.is_empty())
}

fn finding(finding: &hygiene::Finding) -> Finding {
    Finding {
        id: finding.id.to_owned(),
        key: finding.key.clone(),
        severity: match finding.severity {
            hygiene::Severity::Low => Severity::Low,
            hygiene::Severity::Medium => Severity::Medium,
            hygiene::Severity::High => Severity::High,
        },
        practice: finding.practice.title().to_owned(),
        title: finding.title.clone(),
        why: finding.why.clone(),
        fix: finding.fix.clone(),
        commands: finding.commands.clone(),
        evidence: finding.evidence.clone(),
    }
}

/// Who used a principal.
pub(super) fn workloads_of(gap: &gap::Gap, eks: &Eks) -> Vec<Workload> {
    gap.users.all.iter().map(|user| workload(user, eks)).collect()
}

/// A workload that can be named.
pub(super) fn named_workload(workload: &crate::attribute::Workload, calls: u64, eks: &Eks) -> Workload {
    Workload {
        kind: workload.kind.name().to_owned(),
        cluster: workload.cluster.as_deref().map(|cluster| eks.name_of(cluster)),
        namespace: workload.namespace.clone(),
        name: workload.name.clone(),
        known: String::new(),
        calls,
        sessions: Vec::new(),
    }
}

fn workload(user: &gap::User, eks: &Eks) -> Workload {
    let known = user.how.name().to_owned();
    match &user.workload {
        Some(workload) => Workload {
            known,
            sessions: user
                .sessions
                .iter()
                .map(|(named, calls)| Sessions {
                    named: named.clone(),
                    calls: *calls,
                })
                .collect(),
            ..named_workload(workload, user.calls, eks)
        },
        None => Workload {
            kind: "unknown".to_owned(),
            cluster: user.cluster.as_deref().map(|cluster| eks.name_of(cluster)),
            namespace: None,
            name: user.why.to_owned(),
            known,
            calls: user.calls,
            sessions: Vec::new(),
        },
    }
}
