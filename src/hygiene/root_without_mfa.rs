//! Root without MFA: an account's root user that signs in with a password alone.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity};

pub(super) const CHECK: Check = Check {
    id: "root-without-mfa",
    practice: Practice::RotateCredentials,
    find: Find::OfAccount(check),
    about: About {
        what: "The account's root user signs in with a password and no second factor.",
        abuse: "Whoever learns the password, or takes over the mailbox that resets it, owns the account.",
        instead: "Central root access of IAM: member accounts need no root credentials at all.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let bare = account.roots().filter(|(_, _, root)| !root.mfa);
    let found = bare.map(|(id, arn, _)| AccountFound {
        account: id.to_owned(),
        found: Found {
            about: String::new(),
            commands: Vec::new(),
            severity: Severity::High,
            title: format!("the root user of {id} has no second factor"),
            why: "whoever learns the password owns the account".to_owned(),
            fix: "register a hardware key".to_owned(),
            evidence: vec![format!("mfa_active is false for {arn}")],
        },
    });
    found.collect()
}
