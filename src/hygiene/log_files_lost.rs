//! Log files lost: files of the archive that were not read whole, or that a digest names and nobody has.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day};
use crate::coverage::Why;

/// Most holes that are listed.
const LISTED: usize = 10;

pub(super) const CHECK: Check = Check {
    id: "log-files-lost",
    practice: Practice::Logging,
    find: Find::OfAccount(check),
    about: About {
        what: "Files of the archive are damaged, or a digest file names files that are not there: what they held is not known.",
        abuse: "Whoever can delete or damage a log file hides what it shows. And nothing that the hole may hide can be called unused.",
        instead: "A bucket of an account of its own with Object Lock, and validation of log files, so that files stay and a missing one shows.",
        page: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let mut found: Vec<AccountFound> = Vec::new();
    for (id, region) in account.ground.coverage.places() {
        let holes = account.ground.coverage.holes(id, region, account.ground.window);
        let known: Vec<_> = holes.iter().filter(|hole| hole.why != Why::Silent).collect();
        if known.is_empty() {
            continue;
        }
        let place = if region.is_empty() {
            "a region that nothing tells"
        } else {
            region
        };
        let mut evidence: Vec<String> = known
            .iter()
            .take(LISTED)
            .map(|hole| format!("{} to {}: {}", day(hole.window.first), day(hole.window.end), hole.why))
            .collect();
        if known.len() > LISTED {
            evidence.push(format!("and {} more stretches of time", known.len() - LISTED));
        }
        found.push(AccountFound {
            account: id.to_owned(),
            found: Found {
                about: region.to_owned(),
                severity: Severity::Medium,
                title: format!("log files of {id} in {place} are lost"),
                why: "what happened then is in no log, and nothing that it may hide can be called unused".to_owned(),
                fix: "get the files again from the trail's bucket, and compare the archive with its digest files; accept the loss with --accept-loss if they are gone"
                    .to_owned(),
                commands: vec!["trimtrail coverage --logs PLACE --validate".to_owned()],
                evidence,
            },
        });
    }
    found
}
