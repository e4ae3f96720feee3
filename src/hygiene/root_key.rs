//! Root key: access keys of an account's root user.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day};

pub(super) const CHECK: Check = Check {
    id: "root-key",
    practice: Practice::RotateCredentials,
    find: Find::OfAccount(check),
    about: About {
        what: "The account's root user has an access key.",
        abuse: "Whoever finds the key owns the account: no policy limits it, and it works until somebody deletes it.",
        instead: "A role with what the task needs, taken for an hour at a time.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let mut all = Vec::new();
    for (id, _, root) in account.roots() {
        let active: Vec<String> = root
            .keys
            .iter()
            .filter(|key| key.active)
            .map(|key| match key.last_used {
                Some(used) => format!("access key {} was last used on {}", key.number, day(used.as_second())),
                None => format!("access key {} was never used", key.number),
            })
            .collect();
        if !active.is_empty() {
            all.push(AccountFound {
                account: id.to_owned(),
                found: Found {
                    about: String::new(),
                    commands: Vec::new(),
                    severity: Severity::High,
                    title: format!("the root user of {id} has access keys"),
                    why: "whoever finds one owns the account".to_owned(),
                    fix: "sign in as root, make the key inactive, watch for a week, delete it".to_owned(),
                    evidence: active,
                },
            });
        }
    }
    all
}
