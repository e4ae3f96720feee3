//! Trail changed: somebody stopped or deleted a trail, or changed what it logs, in the window.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity, day};

pub(super) const CHECK: Check = Check {
    id: "trail-stopped",
    practice: Practice::Logging,
    find: Find::OfAccount(check),
    about: About {
        what: "A successful StopLogging or DeleteTrail: from then on the trail shows nothing.",
        abuse: "It is the first thing that an intruder does, so that what follows leaves no trace.",
        instead: "An organization trail, which member accounts cannot stop, and a service control policy that denies both calls.",
        page: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let changes = &account.ground.coverage.trail_changes;
    let stops = changes
        .iter()
        .filter(|change| matches!(change.name.as_str(), "StopLogging" | "DeleteTrail"));
    let found = stops.map(|stop| {
        let started = changes.iter().find(|later| {
            let again = matches!(later.name.as_str(), "StartLogging" | "CreateTrail");
            again && later.time > stop.time && (&later.account, &later.trail) == (&stop.account, &stop.trail)
        });
        let (severity, then) = match started {
            Some(started) => (
                Severity::Medium,
                format!("it logged again from {} on", day(started.time)),
            ),
            None => (
                Severity::High,
                "nothing in the archive shows that it logged again".to_owned(),
            ),
        };
        let trail = if stop.trail.is_empty() { "a trail" } else { &stop.trail };
        AccountFound {
            account: stop.account.clone(),
            found: Found {
                about: format!("{}:{}:{}", stop.trail, stop.name, day(stop.time)),
                severity,
                title: format!("{trail} of {} was stopped", stop.account),
                why: "what happened while it stood still is in no log".to_owned(),
                fix: "find out who did it and why, and start it again".to_owned(),
                commands: vec![format!(
                    "aws cloudtrail start-logging --region {} --name {}",
                    super::retire::shell(&stop.region),
                    super::retire::shell(trail)
                )],
                evidence: vec![format!("{} in {} on {}", stop.name, stop.region, day(stop.time)), then],
            },
        }
    });
    found.collect()
}
