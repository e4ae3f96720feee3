//! Password without MFA: a user who may sign in to the console with a password alone.

use super::{Finding, Severity, Subject, day};

pub(super) fn check(subject: &Subject<'_>) -> Option<Finding> {
    let credentials = subject.credentials().filter(|found| found.password && !found.mfa)?;
    let used = credentials.password_last_used.map(|time| time.as_second());
    Some(Finding {
        id: "password-without-mfa",
        severity: Severity::High,
        practice: "require a second factor",
        title: format!(
            "user {} signs in to the console without a second factor",
            subject.principal.name
        ),
        why: "whoever learns the password has everything that the user may do".to_owned(),
        fix: "register an MFA device, or move the person to IAM Identity Center and delete the password".to_owned(),
        evidence: vec![match used {
            Some(used) => format!("the password was last used on {}", day(used)),
            None => "the password was never used".to_owned(),
        }],
    })
}
