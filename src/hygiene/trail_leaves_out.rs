//! Trail leaves out: a trail whose configuration excludes management events, or that is off, or in one region.

use super::{About, Account, AccountFound, Check, Find, Found, Practice, Severity};

pub(super) const CHECK: Check = Check {
    id: "trail-leaves-out",
    practice: Practice::Logging,
    find: Find::OfAccount(check),
    about: About {
        what: "A trail is off, serves one region, or its selectors leave out reads, services or principals.",
        abuse: "What a trail leaves out is where an intruder works. What it never shows can never be called unused either.",
        instead: "One trail for all regions and all management events; data events where they prove most.",
        page: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html",
    },
};

fn check(account: &Account<'_>) -> Vec<AccountFound> {
    let mut all = Vec::new();
    for trail in &account.ground.grants.supplements.trails {
        let mut evidence = Vec::new();
        if trail.logging == Some(false) {
            evidence.push("IsLogging is false: it logs nothing now".to_owned());
        }
        if trail.multi_region == Some(false) {
            evidence.push(format!(
                "IsMultiRegionTrail is false: it logs {} alone",
                trail.home_region
            ));
        }
        let selectors = trail.selectors.iter().flat_map(|selectors| &selectors.0);
        let management = selectors.filter(|selector| {
            let mut fields = selector.fields.iter();
            fields
                .any(|field| field.field == "eventCategory" && field.any.iter().any(|(_, value)| value == "Management"))
        });
        let management: Vec<_> = management.collect();
        if trail.selectors.is_some() && management.is_empty() {
            evidence.push("no selector takes management events".to_owned());
        }
        // What one selector leaves out another may take: only what all leave out is told.
        if let [one] = management[..] {
            for field in one.fields.iter().filter(|field| field.field != "eventCategory") {
                let values = |of: &[(crate::coverage::Comparison, String)]| {
                    let values: Vec<&str> = of.iter().map(|(_, value)| value.as_str()).collect();
                    values.join(", ")
                };
                if !field.none.is_empty() {
                    evidence.push(format!(
                        "its selectors leave out {} {}",
                        field.field,
                        values(&field.none)
                    ));
                }
                if !field.any.is_empty() {
                    evidence.push(format!(
                        "its selectors take {} {} alone",
                        field.field,
                        values(&field.any)
                    ));
                }
            }
        }
        if evidence.is_empty() {
            continue;
        }
        let off = trail.logging == Some(false) || (trail.selectors.is_some() && management.is_empty());
        all.push(AccountFound {
            account: trail.account.clone(),
            found: Found {
                about: format!("{}/{}", trail.home_region, trail.name),
                severity: if off { Severity::High } else { Severity::Medium },
                title: format!("trail {} of {} leaves something out", trail.name, trail.account),
                why: "what it leaves out nobody sees, and nothing of it can be called unused".to_owned(),
                fix: "log all management events in all regions, or know of another trail that does".to_owned(),
                commands: Vec::new(),
                evidence,
            },
        });
    }
    all
}
