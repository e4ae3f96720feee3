//! Roles without boundary: a principal that may create roles, and need not give them a permissions boundary that bounds.

use std::collections::BTreeMap;

use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::iam::Answer;
use crate::rightsize;

pub(super) const CHECK: Check = Check {
    id: "roles-without-boundary",
    practice: Practice::Hierarchy,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The principal may create roles, and nothing makes it give them a permissions boundary that holds them.",
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
    if rightsize::kept_whole(principal, subject.ground.options).is_some() {
        return None;
    }
    // The engine is asked for a request without a boundary, and with each that leaves a way: see `graph`.
    let mut held = subject.graph.held(subject.gap.principal, &BTreeMap::new());
    // Whoever may do everything is told so by another finding.
    if held.is_administrator() {
        return None;
    }
    let told = held.anywhere("iam:CreateRole", &Vec::new());
    let sure = match (told.answer, &told.boundary) {
        (Answer::Yes, _) => true,
        // A boundary of which nobody has read what it bounds.
        (Answer::Unknown, Some(_)) => false,
        (Answer::Unknown, None) | (Answer::No, _) => return None,
    };
    let policies = told
        .by
        .iter()
        .map(|policy| &subject.ground.grants.policies[*policy].name);
    let mut evidence: Vec<String> = policies
        .map(|name| match &told.boundary {
            None => format!("policy {name} allows iam:CreateRole without one"),
            Some(boundary) if sure => {
                format!("policy {name} allows iam:CreateRole with {boundary}, which leaves more open")
            }
            Some(boundary) => format!("policy {name} allows iam:CreateRole with {boundary}"),
        })
        .collect();
    if !sure {
        let open: Vec<&str> = told.open.iter().map(|why| why.trim_end_matches(',')).collect();
        evidence.push(format!("it is not known what this allows: {}", open.join(", ")));
    }
    let used = subject.gap.activity.used.get(&create);
    evidence.push(match used {
        Some(used) => format!("it created roles: {} calls", used.calls),
        None => "no call to iam:CreateRole was seen".to_owned(),
    });
    Some(Found {
        about: String::new(),
        severity: if sure { Severity::Medium } else { Severity::Low },
        title: format!(
            "{} {} {} create roles without a permissions boundary{}",
            principal.kind.name(),
            principal.name,
            if sure { "may" } else { "might" },
            if told.boundary.is_some() { " that holds them" } else { "" }
        ),
        why: if sure {
            "what it creates is bound by nothing, and outlives it"
        } else {
            "what it creates may be bound by nothing, and outlives it"
        }
        .to_owned(),
        fix: match (&told.boundary, used) {
            (Some(_), _) if !sure => {
                "give the grants the boundary's document; it should allow what such roles need, and no way out of it"
            }
            (Some(_), _) => {
                "name a boundary that allows what such roles need alone; deny iam:DeleteRolePermissionsBoundary, and iam:CreatePolicyVersion on it"
            }
            (None, Some(_)) => {
                "add StringEquals on iam:PermissionsBoundary, with the boundary's ARN, to the statement that allows iam:CreateRole"
            }
            (None, None) => {
                "take iam:CreateRole away, since it was not used; or bind it by StringEquals on iam:PermissionsBoundary"
            }
        }
        .to_owned(),
        commands: Vec::new(),
        evidence,
    })
}
