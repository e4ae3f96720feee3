//! Unused cross-account trust: another account may assume a role, and did not in the window.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Finding, Severity, Subject, day};
use crate::gap::list;

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let principal = subject.principal;
    let mut trusted = BTreeSet::new();
    for statement in list(principal.trust.as_ref()?.get("Statement")) {
        let Some(Value::Object(kinds)) = statement.get("Principal") else {
            continue;
        };
        if statement.get("Effect").and_then(Value::as_str) == Some("Allow") {
            trusted.extend(
                list(kinds.get("AWS"))
                    .iter()
                    .filter_map(|who| account_of(who.as_str()?)),
            );
        }
    }
    trusted.remove(&principal.account);
    if trusted.is_empty() || !subject.coverage.accounts().contains(principal.account.as_str()) {
        return None;
    }
    // Who assumed it is named by its own account; the resource by its path or without.
    for row in &subject.table.rows {
        let signature = &subject.table.signatures[row.signature].signature;
        let assumes = &*signature.event_source == "sts.amazonaws.com" && &*signature.event_name == "AssumeRole";
        if assumes
            && row
                .resources
                .iter()
                .any(|arn| crate::iam::pattern::matches(arn, &principal.arn))
        {
            trusted.remove(&*signature.caller.account);
        }
    }
    if trusted.is_empty() {
        return None;
    }
    let (from, to) = (subject.window.first, subject.window.last());
    Some(Finding {
        id: "unused-cross-account-trust",
        severity: Severity::Medium,
        practice: "review access from other accounts",
        title: format!("role {} trusts another account that does not use it", principal.name),
        why: "a trust that nobody uses is a way in from an account that somebody else guards".to_owned(),
        fix: "take the account out of the trust policy, or delete the role".to_owned(),
        evidence: trusted
            .into_iter()
            .map(|account| format!("account {account} did not assume it from {} to {}", day(from), day(to)))
            .collect(),
    })
}

/// The account of an ARN or of twelve digits.
fn account_of(who: &str) -> Option<String> {
    let account = if who.starts_with("arn:") {
        who.split(':').nth(4)?
    } else {
        who
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| account.to_owned())
}
