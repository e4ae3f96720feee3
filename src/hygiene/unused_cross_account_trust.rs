//! Unused cross-account trust: another account may assume a role, and did not in the window.

use std::collections::BTreeSet;

use super::unused::waits_for_its_day;
use super::{About, Check, Find, Found, Practice, Severity, Subject, day};
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart};
use crate::time::DAY;

pub(super) const CHECK: Check = Check {
    id: "unused-cross-account-trust",
    practice: Practice::Hierarchy,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The role's trust policy lets another account in, and that account did not come in the window.",
        abuse: "Whoever takes over the other account walks in here, and the owner here decides nothing about how that one is guarded.",
        instead: "If it is needed again: a role that names the one caller, with an external id, taken for an hour at a time.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user_externalid.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    let mut trusted = BTreeSet::new();
    for statement in principal.trust_statements() {
        if let (Effect::Allow, PrincipalPart::Principal(named)) = (statement.effect, &statement.principal) {
            trusted.extend(named.iter().filter_map(account_of));
        }
    }
    trusted.remove(&principal.account);
    let ground = subject.ground;
    if trusted.is_empty() || !ground.hears(&principal.account) || ground.spared(subject.gap.principal).is_some() {
        return None;
    }
    // Who assumed it is named by its own account; the resource by its path or without.
    for row in &subject.ground.across.taking {
        let signature = &subject.table.signatures[row.signature].signature;
        let mut taken = row.resources.iter();
        if taken.any(|arn| crate::iam::pattern::matches(arn, &principal.arn)) {
            trusted.remove(&*signature.caller.account);
        }
    }
    if trusted.is_empty() {
        return None;
    }
    let wait = ground
        .wait_for_days(subject.gap)
        .or_else(|| seen_by_iam(subject))
        .or_else(|| waits_for_its_day(principal));
    let (from, to) = (subject.ground.window.first, subject.ground.window.last());
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: if wait.is_some() {
            Severity::Low
        } else {
            Severity::Medium
        },
        title: format!("role {} trusts another account that does not use it", principal.name),
        why: "a trust that nobody uses is a way in from an account that somebody else guards".to_owned(),
        fix: match wait {
            Some(why) => format!("nothing yet: {why}"),
            None => "take the account out of the trust policy, or delete the role".to_owned(),
        },
        evidence: trusted
            .into_iter()
            .map(|account| format!("account {account} did not assume it from {} to {}", day(from), day(to)))
            .collect(),
    })
}

/// That IAM saw a use of the role in the window of which the archive shows nothing: whose it was, nobody knows.
fn seen_by_iam(subject: &Subject<'_>) -> Option<String> {
    let (role, window) = (subject.principal, subject.ground.window);
    let used = role.last_used?.as_second();
    let shown = [
        subject.gap.activity.last_seen,
        subject.ground.coverage.taken.get(&role.id).copied(),
    ];
    // A session that was opened is used for up to twelve hours.
    let is_shown = shown.into_iter().flatten().any(|last| last + DAY >= used);
    (used >= window.first && !is_shown).then(|| {
        format!(
            "IAM saw its last use on {}, and the archive does not show whose it was",
            day(used)
        )
    })
}

/// The account of an ARN or of twelve digits.
pub(super) fn account_of(who: &Named) -> Option<String> {
    let Named::Aws(who) = who else {
        return None;
    };
    let account = if who.starts_with("arn:") {
        who.split(':').nth(4)?
    } else {
        who
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| account.to_owned())
}
