//! All stages' answers put together; nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Action, ActionGroup, Characters, Coverage, CoverageGap, DataEvents, Elsewhere, Finding, FirstLast, GradeTotals,
    GrantedBy, PolicyNote, Principal, Refused, Report, ResourceGrade, SCHEMA, Severity, Skipped, Suggestion, Tool,
    Totals, Unmapped, Verdict, Window, Workload,
};
use crate::catalog::{ActionId, Catalog, Mapping};
use crate::coverage;
use crate::gap::{ActionSet, Blind, Evidence, Gap, Grade, Slice};
use crate::grants::{Grants, Kind, PolicyIndex, PrincipalIndex};
use crate::hygiene;
use crate::iam::{ActionPart, Effect, Policy, ResourcePart, Statement};
use crate::rightsize::{self, Options, Proposal};
use crate::usage::Table;
use crate::verify::{Proved, Refusal, Verified};

/// Days for which a suggestion stays good.
const EXPIRES: i64 = 14;
/// Most resources that are listed for one action.
const RESOURCES: usize = 50;
const DAY: i64 = 86_400;

/// What the stages found.
pub struct Inputs<'a> {
    /// The program's version.
    pub version: &'a str,
    /// The catalog.
    pub catalog: &'a Catalog,
    /// All calls.
    pub table: &'a Table,
    /// What was read.
    pub coverage: &'a coverage::Coverage,
    /// What is granted.
    pub grants: &'a Grants,
    /// Both joined, in the order of the principals.
    pub gaps: &'a [Gap],
    /// First and last second of the window; `None` where no event was read.
    pub window: Option<(i64, i64)>,
    /// What was proved.
    pub proved: Vec<(Proposal, Verified<Proved>)>,
    /// What was refused: policy, everybody affected, document, reason.
    pub refused: Vec<(PolicyIndex, Vec<PrincipalIndex>, Value, String)>,
    /// How suggestions were made.
    pub options: &'a Options,
    /// Which principals are shown; `None` for all.
    pub shown: Option<BTreeSet<PrincipalIndex>>,
}

/// The whole answer.
pub fn build(inputs: Inputs<'_>) -> Report {
    let window = inputs.window.unwrap_or((0, 0));
    let mut suggestions: Vec<(u64, Verified<Suggestion>)> = Vec::new();
    let mut refused: Vec<Refused> = Vec::new();
    let shown = |affects: &[PrincipalIndex]| {
        inputs
            .shown
            .as_ref()
            .is_none_or(|shown| affects.iter().any(|index| shown.contains(index)))
    };
    for (proposal, proved) in inputs.proved.iter().cloned() {
        if shown(&proposal.affects) {
            let risk: u64 = proved
                .candidate
                .removed
                .iter()
                .map(|action| rightsize::weight(inputs.catalog, *action))
                .sum();
            let risk = risk * proposal.affects.len() as u64;
            suggestions.push((
                risk,
                proved.map(|proved| suggestion(&inputs, window, &proposal, proved)),
            ));
        }
    }
    // Ready ones first, then the greatest risk removed; the steps of one policy side by side.
    suggestions.sort_by(|(a_risk, a), (b_risk, b)| {
        let key = |suggestion: &Suggestion| {
            (
                suggestion.held.is_some(),
                suggestion.policy_arn.clone(),
                suggestion.policy.clone(),
            )
        };
        (a.held.is_some(), std::cmp::Reverse(*a_risk), key(a), &a.step).cmp(&(
            b.held.is_some(),
            std::cmp::Reverse(*b_risk),
            key(b),
            &b.step,
        ))
    });
    for (policy, affects, after, witness) in &inputs.refused {
        if shown(affects) {
            let document = &inputs.grants.policies[*policy];
            refused.push(Refused {
                policy: document.name.clone(),
                policy_arn: document.arn.clone(),
                affects: arns(inputs.grants, affects),
                after: after.clone(),
                witness: witness.clone(),
            });
        }
    }
    let suggestions: Vec<Verified<Suggestion>> = suggestions.into_iter().map(|(_, suggestion)| suggestion).collect();
    let principals: Vec<Principal> = (0..inputs.grants.principals.len())
        .filter(|index| inputs.shown.as_ref().is_none_or(|shown| shown.contains(index)))
        .map(|index| principal(&inputs, window, index))
        .collect();
    let totals = totals(&inputs, &principals, &suggestions);
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            version: inputs.version.to_owned(),
            catalog_date: inputs.catalog.date().to_owned(),
        },
        window: match inputs.window {
            None => Window::default(),
            Some((from, to)) => Window {
                from: moment(from),
                to: moment(to),
                days: ((to - from) as f64 / DAY as f64 * 10.0).round() / 10.0,
            },
        },
        coverage: coverage_of(&inputs, window),
        principals,
        suggestions,
        alternatives: Vec::new(),
        refused,
        totals,
    }
}

/// RFC 3339, UTC.
pub(crate) fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

fn arns(grants: &Grants, indices: &[PrincipalIndex]) -> Vec<String> {
    indices
        .iter()
        .map(|index| grants.principals[*index].arn.clone())
        .collect()
}

fn coverage_of(inputs: &Inputs<'_>, (from, to): (i64, i64)) -> Coverage {
    let coverage = inputs.coverage;
    let mut data: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((_, _, resource_type), roots) in &coverage.data_roots {
        data.entry(resource_type)
            .or_default()
            .extend(roots.keys().map(String::as_str));
    }
    let streams: BTreeSet<(&str, &str)> = coverage
        .streams
        .keys()
        .map(|(account, region, _)| (account.as_str(), region.as_str()))
        .collect();
    let mut gaps = Vec::new();
    for (account, region) in streams {
        for (start, end) in coverage.holes(account, region, from, to) {
            gaps.push(CoverageGap {
                account: account.to_owned(),
                region: region.to_owned(),
                from: moment(start.max(from)),
                to: moment(end.min(to)),
            });
        }
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
        gaps,
        unmapped: unmapped(inputs),
        mapping_disagreements: coverage.mapping_disagreements.iter().cloned().collect(),
        organization_policies: false,
    }
}

fn unmapped(inputs: &Inputs<'_>) -> Vec<Unmapped> {
    let mut calls: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in &inputs.table.rows {
        let signature = &inputs.table.signatures[row.signature].signature;
        *calls
            .entry((&signature.event_source, &signature.event_name))
            .or_default() += row.calls;
    }
    let mut unmapped: Vec<Unmapped> = calls
        .into_iter()
        .filter_map(|((source, name), calls)| match inputs.catalog.mapping(source, name) {
            Mapping::Unmapped { why, .. } => Some(Unmapped {
                event_source: source.to_owned(),
                event_name: name.to_owned(),
                why,
                calls,
            }),
            Mapping::Actions(_) | Mapping::NoPermission { .. } => None,
        })
        .collect();
    unmapped.sort_by(|a, b| {
        b.calls
            .cmp(&a.calls)
            .then_with(|| (&a.event_source, &a.event_name).cmp(&(&b.event_source, &b.event_name)))
    });
    unmapped
}

fn suggestion(inputs: &Inputs<'_>, (from, to): (i64, i64), proposal: &Proposal, proved: Proved) -> Suggestion {
    let (catalog, grants) = (inputs.catalog, inputs.grants);
    let document = &grants.policies[proposal.policy];
    let before_sha256 = hex(&Sha256::digest(document.document.to_string().as_bytes()));
    let mut removed = ActionSet::none(catalog);
    proved
        .candidate
        .removed
        .iter()
        .for_each(|action| removed.insert(*action));
    let mut identity = Sha256::new();
    for part in [
        &document.arn,
        &document.name,
        proposal.step.name(),
        &proved.candidate.after.to_string(),
    ] {
        identity.update(part.as_bytes());
        identity.update([0]);
    }
    let mut assumptions = proposal.assumptions.clone();
    assumptions.extend(proposal.kept_by_rule.iter().cloned());
    if document.from_catalog {
        assumptions.push("the policy's document is the catalog's copy, not the account's".to_owned());
    }
    let window_days = (to - from) / DAY;
    let confidence = match &proposal.held {
        Some(_) => "low",
        None if window_days >= 180 && proved.replayed.incomplete == 0 => "high",
        None if window_days >= inputs.options.min_window.min(90) => "medium",
        None => "low",
    };
    Suggestion {
        id: hex(&identity.finalize())[..16].to_owned(),
        policy: document.name.clone(),
        policy_arn: document.arn.clone(),
        kind: rightsize::kind_name(grants, proposal.policy).to_owned(),
        affects: arns(grants, &proposal.affects),
        step: proposal.step.name().to_owned(),
        change: proved.candidate.change.name().to_owned(),
        before: document.document.clone(),
        before_sha256,
        after: proved.candidate.after.clone(),
        characters: Characters {
            before: rightsize::characters(&document.document),
            after: proved.candidate.characters,
            quota: rightsize::quota(grants, proposal.policy),
        },
        removed: rightsize::names(catalog, &removed, "*", 4),
        removed_actions: proved.candidate.removed.len() as u64,
        risk_removed: rightsize::riskiest(catalog, &proved.candidate.removed, 5)
            .into_iter()
            .map(|action| catalog.name(action).to_owned())
            .collect(),
        narrowed: Vec::new(),
        assumptions,
        held: proposal.held.clone(),
        confidence: confidence.to_owned(),
        expires: moment(to + EXPIRES * DAY),
        verdict: Verdict {
            narrower: "proved".to_owned(),
            keeps: "proved".to_owned(),
            shapes_proved: proved.replayed.shapes_proved,
            calls_represented: proved.replayed.calls_represented,
            incomplete: proved.replayed.incomplete,
            unmapped: proved.replayed.unmapped,
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn principal(inputs: &Inputs<'_>, window: (i64, i64), index: PrincipalIndex) -> Principal {
    let (catalog, grants) = (inputs.catalog, inputs.grants);
    let (granted, gap) = (&grants.principals[index], &inputs.gaps[index]);
    let by_grade = gap.by_grade(catalog);
    let mut totals = GradeTotals::default();
    for (grade, set) in &by_grade {
        totals.add(*grade, set.len() as u64);
    }
    let policies: Vec<PolicyNote> = grants
        .policies_of(index)
        .into_iter()
        .map(|policy| {
            let why_not = rightsize::why_not_policy(grants, policy, inputs.gaps, inputs.options.replace_aws_managed);
            let document = &grants.policies[policy];
            PolicyNote {
                policy: document.name.clone(),
                policy_arn: document.arn.clone(),
                kind: rightsize::kind_name(grants, policy).to_owned(),
                rewritable: why_not.is_none(),
                why_not,
            }
        })
        .collect();
    let own_reason = rightsize::why_not_principal(grants, inputs.gaps, index);
    let rewritable = own_reason.is_none() && (policies.is_empty() || policies.iter().any(|policy| policy.rewritable));
    let why_not = own_reason.or_else(|| {
        let blocked: Vec<String> = policies
            .iter()
            .filter_map(|policy| Some(format!("{}: {}", policy.policy, policy.why_not.as_ref()?)))
            .collect();
        (!blocked.is_empty()).then(|| blocked.join("; "))
    });
    let subject = hygiene::Subject {
        principal: granted,
        gap,
        grants,
        table: inputs.table,
        window,
    };
    let (actions, action_groups) = actions(inputs, index, &by_grade);
    Principal {
        arn: granted.arn.clone(),
        id: granted.id.clone(),
        kind: granted.kind.name().to_owned(),
        account: granted.account.clone(),
        path: granted.path.clone(),
        created: granted.created.map(|time| time.to_string()).unwrap_or_default(),
        last_seen: gap.activity.last_seen.map(moment),
        rewritable,
        why_not,
        policies,
        workloads: workloads(inputs, index),
        totals,
        actions,
        action_groups,
        elsewhere: elsewhere(inputs, gap),
        findings: if inputs.window.is_none() {
            Vec::new()
        } else {
            hygiene::findings(&subject)
        }
        .into_iter()
        .map(|finding| Finding {
            id: finding.id.to_owned(),
            severity: match finding.severity {
                hygiene::Severity::Low => Severity::Low,
                hygiene::Severity::Medium => Severity::Medium,
                hygiene::Severity::High => Severity::High,
            },
            practice: finding.practice.to_owned(),
            title: finding.title,
            why: finding.why,
            fix: finding.fix,
            evidence: finding.evidence,
        })
        .collect(),
    }
}

fn workloads(inputs: &Inputs<'_>, index: PrincipalIndex) -> Vec<Workload> {
    let principal = &inputs.grants.principals[index];
    let mut workloads: Vec<Workload> = inputs
        .table
        .workloads
        .iter()
        .filter(|known| !principal.id.is_empty() && known.role_id == principal.id)
        .map(|known| match &known.workload {
            Some(workload) => Workload {
                kind: workload.kind.name().to_owned(),
                cluster: workload.cluster.clone(),
                namespace: workload.namespace.clone(),
                name: workload.name.clone(),
                calls: known.calls,
            },
            // No opening of the session is in the archive. A trust policy that names one service account says who.
            None => match &inputs.gaps[index].trust.service_accounts[..] {
                [account] => {
                    let (namespace, name) = account.split_once('/').unwrap_or(("", account));
                    Workload {
                        kind: "service_account".to_owned(),
                        cluster: None,
                        namespace: Some(namespace.to_owned()),
                        name: name.to_owned(),
                        calls: known.calls,
                    }
                }
                _ => Workload {
                    kind: "unknown".to_owned(),
                    cluster: None,
                    namespace: None,
                    name: "sessions opened outside this archive".to_owned(),
                    calls: known.calls,
                },
            },
        })
        .collect();
    workloads.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.cmp(b)));
    workloads
}

fn label(grants: &Grants, slice: &Slice) -> GrantedBy {
    let document = &grants.policies[slice.policy];
    let policy = if document.kind == crate::grants::PolicyKind::Inline {
        format!("inline:{}", document.name)
    } else {
        document.arn.clone()
    };
    let statement = statement_of(grants, slice).and_then(|statement| statement.sid.clone());
    GrantedBy {
        policy,
        statement: statement.unwrap_or_else(|| slice.statement.to_string()),
    }
}

fn statement_of<'g>(grants: &'g Grants, slice: &Slice) -> Option<&'g Statement> {
    let policy: &'g Policy = grants.policies[slice.policy].policy.as_ref().ok()?;
    policy
        .statements
        .iter()
        .find(|statement| statement.index == slice.statement)
}

/// Actions that get a line of their own, and the rest by service, grade and reason.
fn actions(
    inputs: &Inputs<'_>,
    index: PrincipalIndex,
    by_grade: &BTreeMap<Grade, ActionSet>,
) -> (Vec<Action>, Vec<ActionGroup>) {
    let (catalog, grants, gap) = (inputs.catalog, inputs.grants, &inputs.gaps[index]);
    let named = literally_named(catalog, grants, gap);
    let blocks = Blocks::of(catalog, grants, index);
    let mut lines: BTreeMap<ActionId, Action> = BTreeMap::new();
    let mut groups: BTreeMap<(String, Grade, String, Vec<GrantedBy>), ActionSet> = BTreeMap::new();
    for (grade, set) in by_grade {
        for action in set.iter() {
            let own_line = named.contains(action)
                || match grade {
                    Grade::Used | Grade::Inferred | Grade::DeniedOnly => true,
                    Grade::Unobservable | Grade::OutsideCoverage | Grade::Unused => false,
                };
            let slices: Vec<&Slice> = gap
                .slices
                .iter()
                .filter(|slice| slice.granted.contains(action))
                .collect();
            let why = slices
                .iter()
                .find(|slice| slice.grade(action) == *grade)
                .map_or_else(String::new, |slice| slice.why(action));
            let mut granted_by: Vec<GrantedBy> = slices.iter().map(|slice| label(grants, slice)).collect();
            granted_by.sort();
            granted_by.dedup();
            if own_line {
                lines.insert(
                    action,
                    line(inputs, gap, action, *grade, why, granted_by, &slices, &blocks),
                );
            } else {
                let key = (catalog.service(action).to_owned(), *grade, why, granted_by);
                groups
                    .entry(key)
                    .or_insert_with(|| ActionSet::none(catalog))
                    .insert(action);
            }
        }
    }
    let groups = groups
        .into_iter()
        .map(|((service, grade, why, granted_by), set)| ActionGroup {
            service,
            grade,
            why,
            count: set.len() as u64,
            patterns: rightsize::names(catalog, &set, "*", 4),
            granted_by,
        })
        .collect();
    (lines.into_values().collect(), groups)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one line of the report, from everything that bears on it"
)]
fn line(
    inputs: &Inputs<'_>,
    gap: &Gap,
    action: ActionId,
    grade: Grade,
    why: String,
    granted_by: Vec<GrantedBy>,
    slices: &[&Slice],
    blocks: &Blocks,
) -> Action {
    let activity = &gap.activity;
    let nothing = Evidence::default();
    let evidence = match grade {
        Grade::Used => activity.used.get(&action),
        Grade::DeniedOnly => activity.denied.get(&action),
        Grade::Inferred | Grade::Unobservable | Grade::OutsideCoverage | Grade::Unused => {
            activity.may_need.get(&action)
        }
    };
    let evidence = evidence.unwrap_or(&nothing);
    let mut by_resource: Vec<ResourceGrade> = Vec::new();
    for slice in slices.iter().filter(|slice| slice.grade(action) != grade) {
        let Some(statement) = statement_of(inputs.grants, slice) else {
            continue;
        };
        let resources = match &statement.resource {
            ResourcePart::Resource(resources) => resources.iter().map(|resource| resource.text().to_owned()).collect(),
            ResourcePart::NotResource(resources) => resources
                .iter()
                .map(|resource| format!("all but {}", resource.text()))
                .collect(),
            ResourcePart::None => Vec::new(),
        };
        let other = ResourceGrade {
            resources,
            grade: slice.grade(action),
            why: slice.why(action),
        };
        if !by_resource.contains(&other) {
            by_resource.push(other);
        }
    }
    let why = if grade == Grade::Used && evidence.indeterminate == evidence.calls {
        "calls needed it, and nobody can tell whether AWS allowed them".to_owned()
    } else {
        why
    };
    Action {
        action: inputs.catalog.name(action).to_owned(),
        grade,
        why,
        calls: evidence.calls,
        first_seen: evidence.first.as_ref().map(|witness| moment(witness.time)),
        last_seen: evidence.last.as_ref().map(|witness| moment(witness.time)),
        events: FirstLast {
            first: evidence
                .first
                .as_ref()
                .map(|witness| witness.event_id.clone())
                .filter(|id| !id.is_empty()),
            last: evidence
                .last
                .as_ref()
                .map(|witness| witness.event_id.clone())
                .filter(|id| !id.is_empty()),
        },
        resources: evidence.resources.iter().take(RESOURCES).cloned().collect(),
        granted_by,
        blocked_by: blocks.of_action(action),
        by_resource,
    }
}

/// Actions that a policy names without a wildcard.
fn literally_named(catalog: &Catalog, grants: &Grants, gap: &Gap) -> ActionSet {
    let mut named = ActionSet::none(catalog);
    for slice in &gap.slices {
        if let Some(statement) = statement_of(grants, slice)
            && let ActionPart::Action(patterns) = &statement.action
        {
            for pattern in patterns.iter().filter(|pattern| !pattern.text().contains(['*', '?'])) {
                catalog
                    .id(pattern.text())
                    .into_iter()
                    .for_each(|action| named.insert(action));
            }
        }
    }
    named
}

/// What stops granted actions whatever the request: unconditional denials, and a boundary that does not name them.
struct Blocks {
    denied: ActionSet,
    bounded: Option<ActionSet>,
}

impl Blocks {
    fn of(catalog: &Catalog, grants: &Grants, index: PrincipalIndex) -> Blocks {
        let mut denied = ActionSet::none(catalog);
        let policies = grants.policies_of(index);
        let documents = policies
            .iter()
            .filter_map(|policy| grants.policies[*policy].policy.as_ref().ok());
        for statement in documents.flat_map(|policy| &policy.statements) {
            let everywhere = match &statement.resource {
                ResourcePart::Resource(resources) => resources.iter().any(|resource| resource.is_everything()),
                ResourcePart::NotResource(_) | ResourcePart::None => false,
            };
            if statement.effect == Effect::Deny && statement.conditions.is_empty() && everywhere {
                denied.extend(&ActionSet::of_statement(catalog, statement));
            }
        }
        let boundary = grants.principals[index].permissions_boundary.as_ref();
        let boundary = boundary.and_then(|arn| grants.policies.iter().find(|policy| policy.arn == *arn));
        let bounded = boundary.and_then(|policy| policy.policy.as_ref().ok()).map(|policy| {
            let mut allowed = ActionSet::none(catalog);
            for statement in policy
                .statements
                .iter()
                .filter(|statement| statement.effect == Effect::Allow)
            {
                allowed.extend(&ActionSet::of_statement(catalog, statement));
            }
            allowed
        });
        Blocks { denied, bounded }
    }

    fn of_action(&self, action: ActionId) -> Option<String> {
        if self.denied.contains(action) {
            Some("deny".to_owned())
        } else if self.bounded.as_ref().is_some_and(|allowed| !allowed.contains(action)) {
            Some("boundary".to_owned())
        } else {
            None
        }
    }
}

fn elsewhere(inputs: &Inputs<'_>, gap: &Gap) -> Vec<Elsewhere> {
    gap.elsewhere
        .iter()
        .filter_map(|action| {
            let evidence = gap.activity.used.get(action)?;
            Some(Elsewhere {
                action: inputs.catalog.name(*action).to_owned(),
                resources: evidence.resources.iter().take(RESOURCES).cloned().collect(),
                calls: evidence.calls - evidence.indeterminate,
                last_seen: evidence
                    .last
                    .as_ref()
                    .map(|witness| moment(witness.time))
                    .unwrap_or_default(),
                why: "no policy in the grants allows it: a resource policy, or a policy that has changed since"
                    .to_owned(),
            })
        })
        .collect()
}

fn totals(inputs: &Inputs<'_>, principals: &[Principal], suggestions: &[Verified<Suggestion>]) -> Totals {
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
        for finding in &principal.findings {
            let name = match finding.severity {
                Severity::Low => "low",
                Severity::Medium => "medium",
                Severity::High => "high",
            };
            *totals.findings.entry(name.to_owned()).or_default() += 1;
        }
        if !touched.contains(&principal.arn) && principal.kind != Kind::Group.name() {
            *totals
                .not_touched
                .entry(short_reason(principal).to_owned())
                .or_default() += 1;
        }
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
    let (needs_choice, would_prove_most) = unproved(inputs);
    totals.needs_choice = needs_choice;
    totals.would_prove_most = would_prove_most;
    totals
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

/// How many editable policies grant actions that this archive cannot judge, and the kind of data events that would
/// judge most of them.
fn unproved(inputs: &Inputs<'_>) -> (u64, Option<String>) {
    let mut open = 0;
    let mut data: BTreeMap<&str, u64> = BTreeMap::new();
    for policy in 0..inputs.grants.policies.len() {
        if rightsize::why_not_policy(inputs.grants, policy, inputs.gaps, inputs.options.replace_aws_managed).is_some() {
            continue;
        }
        let mut unjudged = false;
        let affects = inputs.grants.affected_by(policy);
        for slice in affects
            .iter()
            .flat_map(|index| &inputs.gaps[*index].slices)
            .filter(|slice| slice.policy == policy)
        {
            for grade in [Grade::Unobservable, Grade::OutsideCoverage] {
                for action in slice.with_grade(grade).iter() {
                    unjudged = true;
                    if let Some(Blind::DataEvents { resource_type, .. }) = slice.view.blind_to(action) {
                        *data.entry(resource_type).or_default() += rightsize::weight(inputs.catalog, action).max(1);
                    }
                }
            }
        }
        open += u64::from(unjudged);
    }
    let most = data.into_iter().max_by(|(a, x), (b, y)| x.cmp(y).then(b.cmp(a)));
    (
        open,
        most.map(|(resource_type, _)| format!("data events of {resource_type}")),
    )
}

/// What a refused proposal says of itself.
pub(crate) fn refusal(refusals: &[(crate::rightsize::Candidate, Refusal)]) -> (Value, String) {
    match refusals.last() {
        Some((candidate, refusal)) => (candidate.after.clone(), refusal.to_string()),
        None => (Value::Null, "no candidate".to_owned()),
    }
}
