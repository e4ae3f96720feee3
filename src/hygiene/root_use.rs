//! Root use: calls of an account's root user, which no policy can limit.

use std::collections::BTreeMap;

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day};
use crate::attribute::PrincipalKind;

pub(super) const CHECK: Check = Check {
    id: "root-use",
    practice: Practice::RotateCredentials,
    find: Find::OfAccount(check),
    about: About {
        what: "The account's root user did something. It is the owner of the account and no person.",
        abuse: "No policy of the account limits it, so whoever acts as root can do everything and lock everybody else out.",
        instead: "A role with what the task needs; central root access of IAM for the few tasks that need root.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let mut use_by_account: BTreeMap<&str, (u64, i64, Vec<String>)> = BTreeMap::new();
    for row in &account.table.rows {
        let seen = &account.table.signatures[row.signature];
        let signature = &seen.signature;
        if signature.caller.kind == PrincipalKind::Root {
            let of = use_by_account.entry(&signature.caller.account).or_default();
            of.0 += row.calls;
            of.1 = of.1.max(seen.last.time);
            let call = format!("{} {}", signature.event_source, signature.event_name);
            if of.2.len() < 5 && !of.2.contains(&call) {
                of.2.push(call);
            }
        }
    }
    let found = use_by_account
        .into_iter()
        .map(|(id, (calls, last, names))| AccountFound {
            account: id.to_owned(),
            found: Found {
                about: String::new(),
                commands: Vec::new(),
                severity: Severity::High,
                title: format!("the root user of {id} was used"),
                why: "no policy limits the root user".to_owned(),
                fix: "do the same with a role; keep the root user for the tasks that need it, behind a hardware key"
                    .to_owned(),
                evidence: names
                    .into_iter()
                    .chain([format!("{calls} calls, the last on {}", day(last))])
                    .collect(),
            },
        });
    found.collect()
}
