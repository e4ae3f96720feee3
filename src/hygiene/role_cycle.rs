//! Role cycle: roles that take each other in a circle.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity};

/// Most steps that are listed.
const LISTED: usize = 12;

pub(super) const CHECK: Check = Check {
    id: "role-cycle",
    practice: Practice::Hierarchy,
    find: Find::OfAccount(check),
    about: About {
        what: "Some roles can take each other in a circle, so that each of them has what all of them have.",
        abuse: "A session that one role took for another lasts an hour. In a circle whoever stole one takes the next before it ends, and never needs the stolen key again.",
        instead: "Roles in layers, each taken only from the layer above, with the same temporary credentials.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let takes = account.graph.takes();
    let principals = &account.ground.grants.principals;
    let found = takes.circles().into_iter().map(|circle| {
        let inside = |index: &usize| circle.binary_search(index).is_ok();
        let steps: Vec<_> = circle
            .iter()
            .flat_map(|role| takes.of(*role))
            .filter(|take| inside(&take.role))
            .collect();
        let mut evidence: Vec<String> = steps
            .iter()
            .take(LISTED)
            .map(|take| {
                let under: Vec<&str> = take.under.iter().map(String::as_str).collect();
                let under = match under[..] {
                    [] => String::new(),
                    _ => format!(", where {} allows it", under.join(", ")),
                };
                format!(
                    "{} can take {}{under}",
                    principals[take.by].arn, principals[take.role].arn
                )
            })
            .collect();
        if steps.len() > LISTED {
            evidence.push(format!("and {} more", steps.len() - LISTED));
        }
        let sure = steps.iter().all(|take| take.under.is_empty());
        let first = &principals[circle[0]];
        AccountFound {
            account: first.account.clone(),
            found: Found {
                about: first.arn.clone(),
                severity: if sure { Severity::Medium } else { Severity::Low },
                title: format!(
                    "{} roles take each other in a circle, {} among them",
                    circle.len(),
                    first.name
                ),
                why: "whoever has one of them has all of them, for as long as it likes".to_owned(),
                fix: "take one of these steps out of the trust policy that allows it".to_owned(),
                commands: Vec::new(),
                evidence,
            },
        }
    });
    found.collect()
}
