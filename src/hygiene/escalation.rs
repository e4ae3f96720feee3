//! Escalation: a principal to which a public path to more permissions is open.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Held;
use super::graph::paths::Open;
use super::{About, Check, Find, Found, Practice, Severity, Smaller, Subject};
use crate::catalog::{EscalationPath, escalation_paths};
use crate::gap::Grade;
use crate::grants::PolicyIndex;
use crate::iam::Policy;
use crate::rightsize;

/// Most paths that are listed.
const LISTED: usize = 12;

pub(super) const CHECK: Check = Check {
    id: "escalation",
    practice: Practice::LeastPrivilege,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The principal may do things that, together, give it more than it was granted: change its own policies, become somebody else, or hand a stronger role to a service that runs its code.",
        abuse: "Whoever gets its credentials takes that path first, and has the account soon after. The paths are public and tools walk them.",
        instead: "A role without these actions for daily work, and one with them that people take for an hour, behind a second factor; a permissions boundary where roles must be made.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    if !subject.acts_as_granted() {
        return None;
    }
    let paths = granted_paths(subject);
    if paths.is_empty() {
        return None;
    }
    let mut held = subject.graph.held(subject.gap.principal, &BTreeMap::new());
    let found = found(subject, &paths, &mut held)?;
    // Who breaks the glass needs what is behind it.
    Some(match rightsize::kept_whole(principal, subject.ground.options) {
        Some(why) => Found {
            severity: Severity::Low,
            fix: format!("nothing: {why}"),
            ..found
        },
        None => found,
    })
}

fn found(subject: &Subject<'_>, paths: &[&'static EscalationPath], held: &mut Held<'_>) -> Option<Found> {
    let principal = subject.principal;
    if held.is_administrator() {
        return Some(Found {
            about: String::new(),
            severity: Severity::High,
            title: format!("{} {} may do everything", principal.kind.name(), principal.name),
            why: "every path to more permissions is open to whoever has everything already".to_owned(),
            fix: "grant what it uses, and leave changes to IAM to a role of their own".to_owned(),
            commands: Vec::new(),
            evidence: vec!["it is allowed every action on every resource".to_owned()],
        });
    }
    let open = all_open(paths, held);
    let closed_by = closing(subject, &open);
    let weights: Vec<Severity> = open.iter().map(|open| severity(subject, open)).collect();
    let severity = *weights.iter().max()?;
    let mut evidence: Vec<String> = open
        .iter()
        .take(LISTED)
        .map(|open| line(subject, open, &closed_by))
        .collect();
    if open.len() > LISTED {
        evidence.push(format!("and {} more ways", open.len() - LISTED));
    }
    let sure = open.iter().any(Open::is_sure);
    let all_closed = open.iter().all(|open| closed_by.contains_key(open.path.id));
    Some(Found {
        about: String::new(),
        severity,
        title: format!(
            "{} {} {} give itself more permissions than it has",
            principal.kind.name(),
            principal.name,
            if sure { "may" } else { "might" }
        ),
        why: match open.len() {
            1 => "a public path to more permissions is open to it".to_owned(),
            n => format!("{n} public paths to more permissions are open to it"),
        },
        fix: if all_closed {
            "take the suggestions that close them; where they are held, take these actions out by hand".to_owned()
        } else {
            "take these actions out, or bind them to a path of names and to iam:PermissionsBoundary or iam:PassedToService"
                .to_owned()
        },
        commands: Vec::new(),
        evidence,
    })
}

/// The paths of which every action is granted by some statement, resources and conditions aside.
fn granted_paths(subject: &Subject<'_>) -> Vec<&'static EscalationPath> {
    let granted = |action: &&str| {
        let id = subject.catalog.id(action);
        id.is_none_or(|id| subject.gap.slices.iter().any(|slice| slice.granted.contains(id)))
    };
    let paths = escalation_paths().iter();
    paths.filter(|path| path.actions.iter().all(&granted)).collect()
}

/// The paths that are open, the surest first; none that only adds steps to another one. A condition that asks for a
/// boundary closes them, unless what the boundary says is known to leave them open.
fn all_open(paths: &[&'static EscalationPath], held: &mut Held<'_>) -> Vec<Open> {
    let mut open: Vec<Open> = paths.iter().filter_map(|path| held.open(path)).collect();
    open.retain(|open| !open.rests_on_unread());
    let rank = |open: &Open| (!open.under.is_empty(), !open.is_there);
    let all = open.clone();
    open.retain(|one| {
        let steps: BTreeSet<&str> = one.path.actions.iter().copied().collect();
        !all.iter().any(|other| {
            let fewer: BTreeSet<&str> = other.path.actions.iter().copied().collect();
            fewer.is_subset(&steps) && fewer.len() < steps.len() && rank(other) <= rank(one)
        })
    });
    open.sort_by_key(|open| (rank(open), open.path.id));
    open
}

fn severity(subject: &Subject<'_>, open: &Open) -> Severity {
    let used = open.path.actions.iter().all(|action| {
        let id = subject.catalog.id(action);
        id.is_some_and(|id| {
            let grades = subject
                .gap
                .slices
                .iter()
                .filter(|slice| slice.granted.contains(id))
                .map(|slice| slice.grade(id));
            grades
                .into_iter()
                .any(|grade| matches!(grade, Grade::Used | Grade::Inferred))
        })
    });
    // What a service already runs with a role need not have more than the principal has.
    if open.is_sure() && !used && open.path.category != "existing-passrole" {
        Severity::High
    } else {
        Severity::Medium
    }
}

/// `iam-005: iam:PutRolePolicy, over role/app; by policy p`
fn line(subject: &Subject<'_>, open: &Open, closed_by: &BTreeMap<&str, Vec<&str>>) -> String {
    let mut line = format!("{}: {}", open.path.id, open.path.actions.join(" + "));
    if let Some(over) = &open.over {
        let over = over.splitn(6, ':').nth(5).unwrap_or(over);
        match (open.is_there, open.path.passed_to) {
            (true, _) => line.push_str(&format!(", over {over}")),
            (false, Some(service)) => line.push_str(&format!(", once a role trusts {service}")),
            (false, None) => line.push_str(&format!(", over whatever is like {over}")),
        }
    }
    for boundary in &open.boundaries {
        line.push_str(&format!(", under the permissions boundary {boundary}"));
    }
    if !open.under.is_empty() {
        let under: Vec<&str> = open.under.iter().map(String::as_str).collect();
        line.push_str(&format!(", where {} allows it", under.join(", ")));
    }
    let names: Vec<&str> = open
        .by
        .iter()
        .map(|policy| subject.ground.grants.policies[*policy].name.as_str())
        .collect();
    match names[..] {
        [] => {}
        [one] => line.push_str(&format!("; by policy {one}")),
        [..] => line.push_str(&format!("; by policies {} together", names.join(" and "))),
    }
    if let Some(ids) = closed_by.get(open.path.id) {
        line.push_str(&format!("; suggestion {} closes it", ids.join(" with ")));
    }
    line
}

/// For each path that is open the suggestions that close it: one alone, or else all last steps together.
fn closing<'s>(subject: &'s Subject<'_>, open: &[Open]) -> BTreeMap<&'static str, Vec<&'s str>> {
    let mut closed = BTreeMap::new();
    if open.is_empty() {
        return closed;
    }
    let own = subject.ground.grants.policies_of(subject.gap.principal);
    let of_own = subject.smaller.iter().filter(|one| own.contains(&one.policy));
    let smaller: Vec<(&Smaller<'_>, Policy)> = of_own.filter_map(|one| Some((one, one.after.policy().ok()?))).collect();
    let last: BTreeMap<PolicyIndex, &Policy> = smaller.iter().map(|(one, after)| (one.policy, after)).collect();
    let last_ids: BTreeMap<PolicyIndex, &str> = smaller.iter().map(|(one, _)| (one.policy, one.id.as_str())).collect();
    let alone = smaller
        .iter()
        .map(|(one, after)| (BTreeMap::from([(one.policy, after)]), vec![one.id.as_str()]));
    let together = (last_ids.len() > 1).then(|| (last, last_ids.into_values().collect()));
    for (instead, ids) in alone.chain(together) {
        let mut held = subject.graph.held(subject.gap.principal, &instead);
        for one in open
            .iter()
            .filter(|one| one.by.iter().any(|policy| instead.contains_key(policy)))
        {
            if !closed.contains_key(one.path.id) && held.open(one.path).is_none() {
                closed.insert(one.path.id, ids.clone());
            }
        }
    }
    closed
}
