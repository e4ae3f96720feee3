//! Password without MFA: a user who may sign in to the console with a password alone.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day};

pub(super) const CHECK: Check = Check {
    id: "password-without-mfa",
    practice: Practice::RotateCredentials,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A user who may sign in to the console with nothing but a password.",
        abuse: "Passwords are guessed, reused and phished. Without a second factor that is all it takes.",
        instead: "IAM Identity Center: people sign in with the company's directory and get credentials that last for hours.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let credentials = subject.credentials().filter(|found| found.password && !found.mfa)?;
    let used = credentials.password_last_used.map(|time| time.as_second());
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: Severity::High,
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
