//! Administrator through roles: a principal that takes one role after the other until one of them may do everything.

use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::rightsize;

pub(super) const CHECK: Check = Check {
    id: "administrator-through-roles",
    practice: Practice::Hierarchy,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The principal has little itself, but can take a role that can take another one, and the last of them has a sure way to everything.",
        abuse: "Each step looks harmless in a review of one role. Whoever holds the first one walks the chain in a few calls, and its name does not stand in what is done at the end.",
        instead: "A way that ends: a last role which trusts only those who need it, by name, for an hour, behind a second factor or under a source identity.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    if !subject.acts_as_granted() {
        return None;
    }
    let way = subject.graph.takes().to_power(subject.gap.principal);
    // One step is told by `escalation`.
    let [_, _, ..] = way[..] else { return None };
    let short = |arn: &str| arn.splitn(6, ':').nth(5).unwrap_or(arn).to_owned();
    let evidence: Vec<String> = way
        .iter()
        .map(|take| {
            let [by, role] = [take.by, take.role].map(|index| &subject.ground.grants.principals[index]);
            let across = if by.account == role.account {
                String::new()
            } else {
                format!(" of account {}", role.account)
            };
            let under: Vec<&str> = take.under.iter().map(String::as_str).collect();
            let under = match under[..] {
                [] => String::new(),
                _ => format!(", where {} allows it", under.join(", ")),
            };
            format!("{} can take {}{across}{under}", short(&by.arn), short(&role.arn))
        })
        .collect();
    let sure = way.iter().all(|take| take.under.is_empty());
    let last = &subject.ground.grants.principals[way.last()?.role];
    let found = Found {
        about: String::new(),
        severity: if sure { Severity::High } else { Severity::Medium },
        title: format!(
            "{} {} {} become administrator by way of {} roles",
            principal.kind.name(),
            principal.name,
            if sure { "may" } else { "might" },
            way.len()
        ),
        why: format!(
            "role {} has a sure way to everything, and the chain ends there",
            last.name
        ),
        fix: format!(
            "cut the chain at its last step: in the trust policy of role {} name only those who need it",
            last.name
        ),
        commands: Vec::new(),
        evidence,
    };
    Some(match rightsize::kept_whole(principal, subject.ground.options) {
        Some(why) => Found {
            severity: Severity::Low,
            fix: format!("nothing: {why}"),
            ..found
        },
        None => found,
    })
}
