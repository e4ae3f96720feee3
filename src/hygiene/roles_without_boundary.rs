//! Roles without boundary: a principal that may create roles, and need not give them a permissions boundary.

use std::collections::BTreeMap;

use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::iam::Answer;
use crate::rightsize;

pub(super) const CHECK: Check = Check {
    id: "roles-without-boundary",
    practice: Practice::Hierarchy,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The principal may create roles, and nothing makes it give them a permissions boundary.",
        abuse: "A new role trusts whom its maker wants. With a policy on it, it is a way around every limit of the maker, and it stays when the maker is gone.",
        instead: "The same right under a condition on iam:PermissionsBoundary, so that whatever it makes can do no more than the boundary says.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    if !subject.acts_as_granted() {
        return None;
    }
    let create = subject.catalog.id("iam:CreateRole")?;
    if !subject.gap.slices.iter().any(|slice| slice.granted.contains(create)) {
        return None;
    }
    if rightsize::kept_whole(principal, subject.options).is_some() {
        return None;
    }
    // The engine is asked for a request without a boundary: see `graph`.
    let mut held = subject.graph.held(subject.gap.principal, &BTreeMap::new());
    // Whoever may do everything is told so by another finding.
    if held.is_administrator() {
        return None;
    }
    let told = held.anywhere("iam:CreateRole", &Vec::new());
    if told.answer != Answer::Yes {
        return None;
    }
    let policies = told.by.iter().map(|policy| &subject.grants.policies[*policy].name);
    let mut evidence: Vec<String> = policies
        .map(|name| format!("policy {name} allows iam:CreateRole without one"))
        .collect();
    let used = subject.gap.activity.used.get(&create);
    evidence.push(match used {
        Some(used) => format!("it created roles: {} calls", used.calls),
        None => "no call to iam:CreateRole was seen".to_owned(),
    });
    Some(Found {
        about: String::new(),
        severity: Severity::Medium,
        title: format!("{} {} may create roles without a permissions boundary", principal.kind.name(), principal.name),
        why: "what it creates is bound by nothing, and outlives it".to_owned(),
        fix: if used.is_some() {
            "add StringEquals on iam:PermissionsBoundary, with the boundary's ARN, to the statement that allows iam:CreateRole"
        } else {
            "take iam:CreateRole away, since it was not used; or bind it by StringEquals on iam:PermissionsBoundary"
        }
        .to_owned(),
        commands: Vec::new(),
        evidence,
    })
}
