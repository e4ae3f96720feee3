//! Trail without validation: a trail that writes no digest files, so that nobody can tell whether its files were changed.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, retire};

pub(super) const CHECK: Check = Check {
    id: "trail-without-validation",
    practice: Practice::Logging,
    find: Find::OfAccount(check),
    about: About {
        what: "The trail's log file validation is off: it signs nothing of what it delivers.",
        abuse: "Whoever may write to the bucket can take records out, and no one can tell.",
        instead: "Validation costs nothing; it writes one small digest file an hour.",
        page: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let trails = account.ground.grants.supplements.trails.iter();
    let bare = trails.filter(|trail| trail.validation == Some(false));
    let found = bare.map(|trail| AccountFound {
        account: trail.account.clone(),
        found: Found {
            about: format!("{}/{}", trail.home_region, trail.name),
            severity: Severity::Medium,
            title: format!("trail {} of {} writes no digest files", trail.name, trail.account),
            why: "nobody can tell whether its log files are as CloudTrail delivered them".to_owned(),
            fix: "switch on log file validation".to_owned(),
            commands: vec![format!(
                "aws cloudtrail update-trail --region {0} --name {1} --enable-log-file-validation  # undo: aws cloudtrail update-trail --region {0} --name {1} --no-enable-log-file-validation",
                retire::shell(&trail.home_region),
                retire::shell(&trail.name)
            )],
            evidence: vec!["LogFileValidationEnabled is false".to_owned()],
        },
    });
    found.collect()
}
