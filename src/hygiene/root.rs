//! Root: use and keys of an account's root user, which no policy can limit.

use std::collections::BTreeMap;

use super::{Account, AccountFinding, Finding, Severity, day};
use crate::attribute::PrincipalKind;

pub(super) fn check(account: &Account<'_>) -> Vec<AccountFinding> {
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
    let mut findings = Vec::new();
    for (id, (calls, last, names)) in use_by_account {
        findings.push(AccountFinding {
            account: id.to_owned(),
            finding: Finding {
                id: "root-use",
                severity: Severity::High,
                practice: "lock the root user away",
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
    }
    for (arn, root) in account
        .grants
        .supplements
        .credentials
        .iter()
        .filter(|(_, line)| line.is_root)
    {
        let id = arn.split(':').nth(4).unwrap_or("");
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
            findings.push(AccountFinding {
                account: id.to_owned(),
                finding: Finding {
                    id: "root-key",
                    severity: Severity::High,
                    practice: "lock the root user away",
                    title: format!("the root user of {id} has access keys"),
                    why: "whoever finds one owns the account".to_owned(),
                    fix: "delete them".to_owned(),
                    evidence: active,
                },
            });
        }
        if !root.mfa {
            findings.push(AccountFinding {
                account: id.to_owned(),
                finding: Finding {
                    id: "root-without-mfa",
                    severity: Severity::High,
                    practice: "lock the root user away",
                    title: format!("the root user of {id} has no second factor"),
                    why: "whoever learns the password owns the account".to_owned(),
                    fix: "register a hardware key".to_owned(),
                    evidence: vec![format!("mfa_active is false for {arn}")],
                },
            });
        }
    }
    findings
}
