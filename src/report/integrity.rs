//! What digest files prove of an archive, as `coverage --validate` shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::integrity::{Finding, Integrity};
use crate::time::moment;

/// What digest files prove of the log files.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct IntegrityReport {
    /// Digest files.
    pub digests: u64,
    /// Those that a signature proves, their own or that of a digest that follows.
    pub digests_proved: u64,
    /// Log files that digests name and that are as they were delivered.
    pub log_files_intact: u64,
    /// Those of them that stand in a proved digest.
    pub log_files_proved: u64,
    /// What is missing, changed, forged, unreadable or unnamed.
    pub wrong: Vec<FindingReport>,
    /// What is not proved.
    pub not_proved: Vec<FindingReport>,
    /// Log files that no digest answers for.
    pub uncovered: Vec<UncoveredReport>,
    /// Periods in which a trail delivered no log file.
    pub empty: Vec<EmptyReport>,
}

/// Something about one file.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct FindingReport {
    /// The file.
    pub what: String,
    /// What is to be said of it.
    pub why: String,
}

/// Log files of one account and region that no digest answers for.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct UncoveredReport {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// How many.
    pub files: u64,
}

/// A period in which a trail delivered no log file.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct EmptyReport {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trail.
    pub trail: String,
    /// Its first second, RFC 3339.
    pub from: String,
    /// Its last.
    pub to: String,
}

/// What was found, for people and programs.
pub(super) fn integrity(found: &Integrity) -> IntegrityReport {
    let findings = |findings: &[Finding]| {
        let each = findings.iter().map(|finding| FindingReport {
            what: finding.what.clone(),
            why: finding.why.clone(),
        });
        each.collect()
    };
    let uncovered = found
        .uncovered
        .iter()
        .map(|((account, region), files)| UncoveredReport {
            account: account.clone(),
            region: region.clone(),
            files: *files,
        });
    let empty = found.empty.iter().flat_map(|((account, region, trail), periods)| {
        periods.iter().map(move |(from, to)| EmptyReport {
            account: account.clone(),
            region: region.clone(),
            trail: trail.clone(),
            from: moment(*from),
            to: moment(*to),
        })
    });
    IntegrityReport {
        digests: found.digests,
        digests_proved: found.digests_proved,
        log_files_intact: found.intact,
        log_files_proved: found.intact_proved,
        wrong: findings(&found.wrong),
        not_proved: findings(&found.open),
        uncovered: uncovered.collect(),
        empty: empty.collect(),
    }
}
