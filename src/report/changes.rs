//! What changed between two results: what was applied, what it cost, and what became clear meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Action, Principal, Report, State, Suggestion, Window, Workload};
use crate::catalog::Catalog;
use crate::gap::{ActionSet, Grade, LIFE_CYCLE};
use crate::iam::{PolicyText, pattern};
use crate::time::moment;
use crate::verify::Verified;

/// The `schema` field of changes.
pub const CHANGES: &str = "trimtrail.changes/1";

/// What is different in a later result.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Changes {
    /// Always `trimtrail.changes/1`.
    pub schema: String,
    /// The earlier window.
    pub before: Window,
    /// The later one.
    pub after: Window,
    /// The twelve practices, then and now.
    pub practices: Vec<PracticeChange>,
    /// Suggestions that were followed.
    pub applied: Vec<Applied>,
    /// Denials that began after one of them was.
    pub hurt: Vec<Hurt>,
    /// Whether denials could be looked for: they stand in the ledger, not in a result.
    pub denials_known: bool,
    /// Actions that had been suggested for removal, and were used.
    pub used_after_all: Vec<UsedAfterAll>,
    /// Actions without logged use that had some before.
    pub newly_unused: Vec<Lapsed>,
    /// Workloads that use a role and did not before, of roles that were there.
    pub new_workloads: Vec<NewWorkload>,
    /// ARNs that were not there.
    pub new_principals: Vec<String>,
    /// ARNs that are not there any more.
    pub gone_principals: Vec<String>,
    /// How many suggestions were not there.
    pub new_suggestions: u64,
    /// Those suggestions.
    pub suggested: Vec<Suggested>,
    /// Suggestions that are not there any more, and were not followed.
    pub withdrawn: Vec<Withdrawn>,
}

/// How a practice stood, and how it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct PracticeChange {
    /// From 1 to 12.
    pub number: u8,
    /// In words.
    pub practice: String,
    /// How it stood; `null` where the earlier result does not say.
    pub before: Option<State>,
    /// How it stands.
    pub after: State,
    /// Its findings then.
    pub findings_before: u64,
    /// Its findings now.
    pub findings_after: u64,
}

/// Somebody who uses a role and did not before.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
pub struct NewWorkload {
    /// The role.
    pub principal: String,
    /// Who.
    pub workload: Workload,
}

/// A suggestion that was not there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Suggested {
    /// Its id.
    pub suggestion: String,
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `services`, `actions` or `resources`.
    pub step: String,
    /// `replace`, `detach` or `delete`.
    pub change: String,
    /// How many actions it takes away.
    pub removed_actions: u64,
    /// How many principals have the policy.
    pub affects: u64,
    /// Why it waits, where it does.
    pub held: Option<String>,
}

/// A suggestion that is not there any more, and was not followed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Withdrawn {
    /// Its id in the earlier result.
    pub suggestion: String,
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `services`, `actions` or `resources`.
    pub step: String,
    /// `replace`, `detach` or `delete`.
    pub change: String,
    /// Why, as far as the later result tells.
    pub why: String,
}

/// A suggestion that was followed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Applied {
    /// Its id in the earlier result.
    pub suggestion: String,
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `replace`, `detach` or `delete`.
    pub change: String,
    /// How many actions it took away.
    pub removed_actions: u64,
    /// Whether some of them are still granted by the policy.
    pub partly: bool,
}

/// A denial of something that a followed suggestion took away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Hurt {
    /// Who was denied.
    pub principal: String,
    /// What.
    pub action: String,
    /// Resources that the calls named, as patterns; at most 5.
    pub resources: Vec<String>,
    /// How many calls.
    pub calls: u64,
    /// The first, RFC 3339.
    pub first_denied: String,
    /// The last.
    pub last_denied: String,
    /// `eventID` of the first.
    pub event: String,
    /// The suggestion that took it away.
    pub suggestion: String,
    /// Its policy.
    pub policy: String,
    /// What to do, in one line.
    pub fix: String,
}

/// An action that had been suggested for removal, and was used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct UsedAfterAll {
    /// Who used it.
    pub principal: String,
    /// What.
    pub action: String,
    /// How many calls.
    pub calls: u64,
    /// The first, RFC 3339.
    pub first_seen: Option<String>,
    /// The earlier suggestion.
    pub suggestion: String,
    /// Its policy.
    pub policy: String,
    /// Why it had been held, where it was.
    pub held: Option<String>,
}

/// An action without logged use in the window that had some before.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
pub struct Lapsed {
    /// Who.
    pub principal: String,
    /// What.
    pub action: String,
    /// The last call that the earlier result knew of.
    pub last_seen: Option<String>,
}

/// Calls that were denied, of one signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// ARN of the principal.
    pub principal: String,
    /// The action that the message names, or those that the operation needs where it names none.
    pub actions: Vec<String>,
    /// Shapes of the resources.
    pub resources: Vec<String>,
    /// How many calls.
    pub calls: u64,
    /// The first, seconds since 1970.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// `eventID` of the first.
    pub event: String,
}

/// The later result's scorecard beside the earlier one's.
fn practices(before: &Report, after: &Report) -> Vec<PracticeChange> {
    let findings = |report: &Report, title: &str| {
        let findings = report.findings();
        findings.filter(|(_, finding)| finding.practice == title).count() as u64
    };
    let all = after.practices.iter().map(|line| PracticeChange {
        number: line.number,
        practice: line.practice.clone(),
        before: before
            .practices
            .iter()
            .find(|old| old.number == line.number)
            .map(|old| old.state),
        after: line.state,
        findings_before: findings(before, &line.practice),
        findings_after: findings(after, &line.practice),
    });
    all.collect()
}

/// Compares two results; `denials` are those that began after the earlier window, where they are known.
pub fn changes(catalog: &Catalog, before: &Report, after: &Report, denials: Option<&[Denial]>) -> Changes {
    let old: BTreeMap<&str, &Principal> = before
        .principals
        .iter()
        .map(|known| (known.arn.as_str(), known))
        .collect();
    let new: BTreeMap<&str, &Principal> = after
        .principals
        .iter()
        .map(|known| (known.arn.as_str(), known))
        .collect();
    let missing = |from: &BTreeMap<&str, &Principal>, of: &BTreeMap<&str, &Principal>| -> Vec<String> {
        from.keys()
            .filter(|arn| !of.contains_key(*arn))
            .map(|arn| (*arn).to_owned())
            .collect()
    };
    let suggested = suggested(before, after);
    let mut changes = Changes {
        schema: CHANGES.to_owned(),
        before: before.window.clone(),
        after: after.window.clone(),
        practices: practices(before, after),
        applied: Vec::new(),
        hurt: Vec::new(),
        denials_known: denials.is_some(),
        used_after_all: Vec::new(),
        newly_unused: lapsed(&old, &new),
        new_workloads: new_workloads(&old, &new),
        new_principals: missing(&new, &old),
        gone_principals: missing(&old, &new),
        new_suggestions: suggested.len() as u64,
        suggested,
        withdrawn: Vec::new(),
    };
    let still: BTreeSet<&str> = after.suggestions.iter().map(|known| known.id.as_str()).collect();
    for suggestion in &before.suggestions {
        let removed = expand(catalog, suggestion.removed.iter());
        used_after_all(catalog, suggestion, &removed, &old, &new, &mut changes.used_after_all);
        let Some(applied) = applied(catalog, suggestion, &removed, after, &new) else {
            if !still.contains(suggestion.id.as_str()) {
                let why = why_withdrawn(suggestion, after, &changes.used_after_all, &new);
                changes.withdrawn.push(withdrawn(suggestion, why));
            }
            continue;
        };
        for denial in denials.unwrap_or_default() {
            let action = denial
                .actions
                .iter()
                .find(|action| catalog.id(action).is_some_and(|id| removed.contains(id)));
            if let Some(action) = action
                && suggestion.affects.contains(&denial.principal)
            {
                changes.hurt.push(hurt(suggestion, denial, action));
            }
        }
        changes.applied.push(applied);
    }
    changes
        .hurt
        .sort_by(|a, b| (&a.first_denied, &a.principal, &a.action).cmp(&(&b.first_denied, &b.principal, &b.action)));
    changes
}

/// Suggestions of the later result that the earlier one did not have.
fn suggested(before: &Report, after: &Report) -> Vec<Suggested> {
    let ids: BTreeSet<&str> = before.suggestions.iter().map(|known| known.id.as_str()).collect();
    let new = after.suggestions.iter().filter(|one| !ids.contains(one.id.as_str()));
    new.map(|one| Suggested {
        suggestion: one.id.clone(),
        policy: one.policy.clone(),
        policy_arn: one.policy_arn.clone(),
        step: one.step.clone(),
        change: one.change.clone(),
        removed_actions: one.removed_actions,
        affects: one.affects.len() as u64,
        held: one.held.clone(),
    })
    .collect()
}

fn withdrawn(suggestion: &Suggestion, why: String) -> Withdrawn {
    Withdrawn {
        suggestion: suggestion.id.clone(),
        policy: suggestion.policy.clone(),
        policy_arn: suggestion.policy_arn.clone(),
        step: suggestion.step.clone(),
        change: suggestion.change.clone(),
        why,
    }
}

fn why_withdrawn(
    suggestion: &Suggestion,
    after: &Report,
    used: &[UsedAfterAll],
    new: &BTreeMap<&str, &Principal>,
) -> String {
    let is_it = |policy: &str, arn: &str| policy == suggestion.policy && arn == suggestion.policy_arn;
    let mut others = after
        .suggestions
        .iter()
        .filter(|one| is_it(&one.policy, &one.policy_arn));
    let of_step = others.clone().find(|one| one.step == suggestion.step);
    if let Some(other) = of_step.or_else(|| others.next()) {
        return format!("suggestion {} stands in its place", other.id);
    }
    if !suggestion.affects.iter().any(|arn| new.contains_key(arn.as_str())) {
        return "whom it was for is not there any more".to_owned();
    }
    if let Some(used) = used.iter().find(|used| used.suggestion == suggestion.id) {
        return format!("{} was used by {}", used.action, used.principal);
    }
    let live = after.policies.iter().find(|one| is_it(&one.policy, &one.policy_arn));
    match live {
        Some(live) => live
            .why_not
            .clone()
            .unwrap_or_else(|| "nothing may go any more".to_owned()),
        // Results of earlier versions hold no policies.
        None if after.policies.is_empty() => "nothing may go any more".to_owned(),
        None => "the policy is not there any more".to_owned(),
    }
}

fn expand<'p>(catalog: &Catalog, patterns: impl IntoIterator<Item = &'p str>) -> ActionSet {
    let mut set = ActionSet::none();
    for pattern in patterns {
        for action in catalog.expand(pattern) {
            set.insert(action);
        }
    }
    set
}

/// The grade of an action in a result; `None` where it is not granted.
fn grade(principal: &Principal, action: &str) -> Option<Grade> {
    let line = principal.actions.iter().find(|known| known.action == action);
    if let Some(line) = line {
        return Some(line.grade);
    }
    let service = action.split(':').next().unwrap_or_default();
    let action = action.to_ascii_lowercase();
    let holds = |pattern: &String| pattern::matches(&pattern.to_ascii_lowercase(), &action);
    let group = principal
        .action_groups
        .iter()
        .find(|group| group.service == service && group.patterns.iter().any(holds));
    Some(group?.grade)
}

/// Named users of roles that have them now and had not; a guess then and a sight now are one.
fn new_workloads(old: &BTreeMap<&str, &Principal>, new: &BTreeMap<&str, &Principal>) -> Vec<NewWorkload> {
    let who = |workload: &Workload| {
        (
            workload.cluster.clone(),
            workload.namespace.clone(),
            workload.name.clone(),
        )
    };
    let mut found = Vec::new();
    for (arn, after) in new {
        let Some(before) = old.get(arn) else { continue };
        for workload in after.workloads.iter().filter(|workload| workload.kind != "unknown") {
            let same = |known: &&Workload| known.kind == workload.kind && who(known) == who(workload);
            if !before.workloads.iter().any(|known| same(&known)) {
                found.push(NewWorkload {
                    principal: (*arn).to_owned(),
                    workload: workload.clone(),
                });
            }
        }
    }
    found.sort();
    found
}

fn was_used(action: &Action) -> bool {
    match action.grade {
        Grade::Used => true,
        // What is yet to come was not used.
        Grade::Inferred => !action.why.starts_with(LIFE_CYCLE),
        Grade::DeniedOnly | Grade::Unobservable | Grade::OutsideCoverage | Grade::Unused => false,
    }
}

/// Actions that were used in the earlier window and are `unused` in the later one.
fn lapsed(old: &BTreeMap<&str, &Principal>, new: &BTreeMap<&str, &Principal>) -> Vec<Lapsed> {
    let mut lapsed = Vec::new();
    for (arn, before) in old {
        let Some(after) = new.get(arn) else { continue };
        for action in before.actions.iter().filter(|action| was_used(action)) {
            if grade(after, &action.action) == Some(Grade::Unused) {
                lapsed.push(Lapsed {
                    principal: (*arn).to_owned(),
                    action: action.action.clone(),
                    last_seen: action.last_seen.clone(),
                });
            }
        }
    }
    lapsed.sort();
    lapsed
}

fn used_after_all(
    catalog: &Catalog,
    suggestion: &Suggestion,
    removed: &ActionSet,
    old: &BTreeMap<&str, &Principal>,
    new: &BTreeMap<&str, &Principal>,
    found: &mut Vec<UsedAfterAll>,
) {
    for arn in &suggestion.affects {
        let (Some(before), Some(after)) = (old.get(arn.as_str()), new.get(arn.as_str())) else {
            continue;
        };
        let was = |name: &str| {
            before
                .actions
                .iter()
                .any(|action| action.action == name && was_used(action))
        };
        for action in &after.actions {
            let is_removed = catalog.id(&action.action).is_some_and(|id| removed.contains(id));
            let is_known = found
                .iter()
                .any(|known| known.principal == *arn && known.action == action.action);
            if action.grade == Grade::Used && is_removed && !is_known && !was(&action.action) {
                found.push(UsedAfterAll {
                    principal: arn.clone(),
                    action: action.action.clone(),
                    calls: action.calls,
                    first_seen: action.first_seen.clone(),
                    suggestion: suggestion.id.clone(),
                    policy: suggestion.policy.clone(),
                    held: suggestion.held.clone(),
                });
            }
        }
    }
}

/// Whether the policy now stands as the suggestion had it, as far as the later result tells.
fn applied(
    catalog: &Catalog,
    suggestion: &Verified<Suggestion>,
    removed: &ActionSet,
    after: &Report,
    new: &BTreeMap<&str, &Principal>,
) -> Option<Applied> {
    let applied = |partly| Applied {
        suggestion: suggestion.id.clone(),
        policy: suggestion.policy.clone(),
        policy_arn: suggestion.policy_arn.clone(),
        change: suggestion.change.clone(),
        removed_actions: suggestion.removed_actions,
        partly,
    };
    // What is suggested for the same policy now starts from the document as it stands.
    let same = after
        .suggestions
        .iter()
        .find(|other| other.policy == suggestion.policy && other.policy_arn == suggestion.policy_arn);
    if let Some(other) = same {
        if other.before_sha256 == suggestion.before_sha256 {
            return None;
        }
        if other.before_sha256 == sha256(suggestion.after()) {
            return Some(applied(false));
        }
    }
    let inline = format!("inline:{}", suggestion.policy);
    let is_it = |label: &str| label == suggestion.policy_arn || label == inline;
    let mut standing = ActionSet::none();
    let mut met = false;
    for arn in &suggestion.affects {
        let Some(principal) = new.get(arn.as_str()) else {
            continue;
        };
        met = true;
        for action in &principal.actions {
            if let Some(id) = catalog.id(&action.action)
                && action.granted_by.iter().any(|granted| is_it(&granted.policy))
            {
                standing.insert(id);
            }
        }
        for group in &principal.action_groups {
            if group.granted_by.iter().any(|granted| is_it(&granted.policy)) {
                standing.extend(&expand(catalog, group.patterns.iter().map(String::as_str)));
            }
        }
    }
    let left = removed.intersection(&standing).len();
    // Nothing to go by: its principals are gone, or it narrowed resources alone.
    if !met || removed.is_empty() || left == removed.len() {
        return None;
    }
    Some(applied(left > 0))
}

/// As `before_sha256` has it.
fn sha256(document: &PolicyText) -> String {
    let digest = Sha256::digest(document.as_str().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hurt(suggestion: &Suggestion, denial: &Denial, action: &str) -> Hurt {
    let resource = match &denial.resources[..] {
        [] => "*".to_owned(),
        [one] => one.clone(),
        [one, ..] => format!("{one} and {} more", denial.resources.len() - 1),
    };
    Hurt {
        principal: denial.principal.clone(),
        action: action.to_owned(),
        resources: denial.resources.iter().take(5).cloned().collect(),
        calls: denial.calls,
        first_denied: moment(denial.first),
        last_denied: moment(denial.last),
        event: denial.event.clone(),
        suggestion: suggestion.id.clone(),
        policy: suggestion.policy.clone(),
        fix: format!(
            "allow {action} on {resource} in {} again, and keep it: \
             {{\"principal\": \"{}\", \"action\": \"{action}\", \"reason\": \"denied since {}\"}}",
            suggestion.policy,
            denial.principal,
            &moment(denial.first)[..10]
        ),
    }
}

#[cfg(test)]
mod tests;
