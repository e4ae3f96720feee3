//! What an archive proves and what it leaves open, as one value: what `trimtrail coverage` shows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::explained::ExplainedReport;
use super::integrity::IntegrityReport;
use crate::catalog::{ActionId, Catalog};
use crate::coverage::{Class, Coverage, Hours};
use crate::gap::{self, Blind, Explained, Gap, Grade, View};
use crate::grants::{Grants, Kind};
use crate::integrity::Integrity;
use crate::rightsize;
use crate::time::{Window, date, moment};

/// The `schema` field.
const COVERAGE_SCHEMA: &str = "trimtrail.coverage/1";

/// Everything that can be said of an archive.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CoverageReport {
    /// Always `trimtrail.coverage/1`.
    pub schema: String,
    /// First and last moment, RFC 3339.
    pub from: String,
    /// Last moment.
    pub to: String,
    /// Files read.
    pub files: u64,
    /// Records met.
    pub records: u64,
    /// Of those, put to use.
    pub events_used: u64,
    /// Of an operation that the catalog does not know.
    pub events_unmapped: u64,
    /// That name nobody.
    pub events_unattributed: u64,
    /// That are no calls.
    pub events_not_calls: u64,
    /// That were skipped.
    pub records_skipped: u64,
    /// Calls that an earlier program left out of a ledger, because their user agent or session named it.
    pub events_own: u64,
    /// Events that have the id of another one and say something else; all of them count.
    pub events_sharing_id: u64,
    /// Each account in each region.
    pub streams: Vec<StreamReport>,
    /// Data events that were seen.
    pub data_events: Vec<DataReport>,
    /// Resource types of data events that none were seen of, with the actions that only they could show.
    pub data_events_off: Vec<OffReport>,
    /// Trails whose configuration was given.
    pub trails: Vec<TrailReport>,
    /// Calls that changed trails.
    pub trail_changes: Vec<ChangeReport>,
    /// What is missing, the change that would prove the most first.
    pub unproved: Vec<UnprovedReport>,
    /// The first of them that is a change to a trail, in one line; `None` where no change would help.
    pub would_prove_most: Option<String>,
    /// Actions that no archive could show: of the catalog, or of what is granted.
    pub never_shown: u64,
    /// Of how many actions that is: all of the catalog, or the granted ones of all principals.
    pub of_actions: u64,
    /// Whether the numbers are about grants.
    pub with_grants: bool,
    /// What was skipped: (what, why, records).
    pub skipped: Vec<(String, String, u64)>,
    /// Denials whose message names an action that the mapping had not found.
    pub mapping_disagreements: Vec<String>,
    /// How many authorised calls the grants explain, where grants were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<ExplainedReport>,
    /// What digest files prove of the log files, where that was asked for (`--validate`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity: Option<IntegrityReport>,
}

/// One account in one region.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct StreamReport {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// Day → hours with management events.
    pub hours_by_day: BTreeMap<String, u32>,
    /// Hours with reading and with writing management events.
    pub management_read_hours: u64,
    /// Hours with writing ones.
    pub management_write_hours: u64,
    /// Whether KMS events, which a trail may leave out, were seen.
    pub kms: bool,
    /// Stretches that nothing accounts for.
    pub holes: Vec<HoleReport>,
    /// What digests answer for.
    pub digests: Vec<DigestReport>,
}

/// A stretch that nothing accounts for.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct HoleReport {
    /// Its beginning.
    pub from: String,
    /// Its end.
    pub to: String,
    /// Why it is one.
    pub why: String,
}

/// The digests of one trail in one region.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct DigestReport {
    /// The trail that wrote them.
    pub trail: String,
    /// Hours that they answer for.
    pub hours: u64,
    /// Of those, hours without any event, which they prove empty.
    pub empty_hours: u64,
    /// The first hour.
    pub from: String,
    /// The last hour.
    pub to: String,
}

/// Data events of one type.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct DataReport {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// CloudTrail's name of the type.
    pub resource_type: String,
    /// Of how many resources.
    pub resources: u64,
    /// Some of their names.
    pub names: Vec<String>,
    /// Whether reads were among them.
    pub reads: bool,
    /// Whether writes were.
    pub writes: bool,
}

/// A type of data events of which none were seen.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct OffReport {
    /// CloudTrail's name of the type.
    pub resource_type: String,
    /// How many actions of the catalog only they could show.
    pub actions: u64,
}

/// A trail as its configuration describes it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct TrailReport {
    /// The account.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Its home region.
    pub home_region: String,
    /// Whether it is in all regions, where that is known.
    pub multi_region: Option<bool>,
    /// Whether it logs global services.
    pub global_events: Option<bool>,
    /// Whether it serves the organization.
    pub organization: bool,
    /// Whether it writes digests.
    pub validation: Option<bool>,
    /// Whether its selectors are known.
    pub selectors_known: bool,
}

/// A call that changed a trail.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ChangeReport {
    /// When.
    pub time: String,
    /// The trail's account.
    pub account: String,
    /// The trail.
    pub trail: String,
    /// The call.
    pub name: String,
}

/// Something that is missing, and what it would prove.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct UnprovedReport {
    /// What to do.
    pub what: String,
    /// How many actions could be judged then; with grants each principal's actions count.
    pub actions: u64,
    /// Their risk together.
    pub risk: u64,
    /// Whether it is a change to what a trail logs; else something to find or to give.
    pub is_change: bool,
}

/// What is known beside the archive itself.
pub struct CoverageInputs<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// What was read.
    pub coverage: &'a Coverage,
    /// What is granted and given beside it; without principals where nobody gave grants.
    pub grants: &'a Grants,
    /// Usage joined with the grants, in their order.
    pub gaps: &'a [Gap],
    /// What the archive spans.
    pub window: Window,
    /// How many authorised calls the grants explain.
    pub explained: Option<&'a Explained>,
    /// What digest files prove, where that was asked for.
    pub integrity: Option<&'a Integrity>,
}

/// Everything that can be said of an archive.
pub fn coverage(inputs: &CoverageInputs<'_>) -> CoverageReport {
    let (coverage, window) = (inputs.coverage, inputs.window);
    let with_grants = !inputs.grants.principals.is_empty();
    let data_events: Vec<DataReport> = coverage
        .data_roots
        .iter()
        .map(|((account, region, resource_type), roots)| DataReport {
            account: account.clone(),
            region: region.clone(),
            resource_type: resource_type.clone(),
            resources: roots.len() as u64,
            names: roots.keys().take(10).cloned().collect(),
            reads: roots.values().any(|days| !days.reads.is_empty()),
            writes: roots.values().any(|days| !days.writes.is_empty()),
        })
        .collect();
    let (mut unproved, never_shown, of_actions) = if with_grants {
        of_grants(inputs)
    } else {
        of_catalog(inputs)
    };
    unproved.sort_by(|a, b| (b.risk, b.actions, &a.what).cmp(&(a.risk, a.actions, &b.what)));
    CoverageReport {
        schema: COVERAGE_SCHEMA.to_owned(),
        from: moment(window.first),
        to: moment(window.last()),
        files: coverage.files,
        records: coverage.records,
        events_used: coverage.events_used,
        events_unmapped: coverage.events_unmapped,
        events_unattributed: coverage.events_unattributed,
        events_not_calls: coverage.events_not_calls,
        records_skipped: coverage.records_skipped(),
        events_own: coverage.events_own,
        events_sharing_id: coverage.events_sharing_id,
        streams: coverage
            .places()
            .into_iter()
            .map(|(account, region)| stream(inputs, account, region))
            .collect(),
        data_events_off: data_events_off(inputs.catalog, &data_events),
        data_events,
        trails: inputs
            .grants
            .supplements
            .trails
            .iter()
            .map(|trail| TrailReport {
                account: trail.account.clone(),
                name: trail.name.clone(),
                home_region: trail.home_region.clone(),
                multi_region: trail.multi_region,
                global_events: trail.global_events,
                organization: trail.organization,
                validation: trail.validation,
                selectors_known: trail.selectors.is_some(),
            })
            .collect(),
        trail_changes: coverage
            .trail_changes
            .iter()
            .map(|change| ChangeReport {
                time: moment(change.time),
                account: change.account.clone(),
                trail: change.trail.clone(),
                name: change.name.clone(),
            })
            .collect(),
        would_prove_most: unproved
            .iter()
            .find(|missing| missing.is_change)
            .map(|first| first.what.clone()),
        unproved,
        never_shown,
        of_actions,
        with_grants,
        skipped: coverage.skipped(),
        mapping_disagreements: coverage.mapping_disagreements.iter().cloned().collect(),
        explained: inputs.explained.map(super::explained::explained),
        integrity: inputs.integrity.map(super::integrity::integrity),
    }
}

fn stream(inputs: &CoverageInputs<'_>, account: &str, region: &str) -> StreamReport {
    let (coverage, window) = (inputs.coverage, inputs.window);
    let hours = |class: Class| {
        let key = (account.to_owned(), region.to_owned(), class);
        coverage
            .streams
            .get(&key)
            .map_or(0, |hours| hours.iter().count() as u64)
    };
    let management = coverage.management_hours(account, region);
    let all = coverage.hours(account, region);
    let holes = coverage
        .holes(account, region, window)
        .into_iter()
        .map(|hole| HoleReport {
            from: moment(hole.window.first.max(window.first)),
            to: moment(hole.window.end.min(window.end)),
            why: hole.why.to_string(),
        });
    let edge = |hours: &Hours, last: bool| {
        let hour = if last { hours.iter().last() } else { hours.iter().next() };
        hour.map_or_else(String::new, |hour| moment(hour * 3600))
    };
    StreamReport {
        account: account.to_owned(),
        region: region.to_owned(),
        hours_by_day: management
            .days()
            .map(|(day, bits)| (date(i64::from(day)), bits.count_ones()))
            .collect(),
        management_read_hours: hours(Class::ManagementRead),
        management_write_hours: hours(Class::ManagementWrite),
        kms: coverage
            .excludable_sources
            .keys()
            .any(|(owner, place, source)| owner == account && place == region && source == "kms.amazonaws.com"),
        holes: holes.collect(),
        digests: coverage
            .digests_of(account, region)
            .map(|(trail, digests)| DigestReport {
                trail: trail.to_owned(),
                hours: digests.proved.iter().count() as u64,
                empty_hours: digests.proved.iter().filter(|hour| !all.contains(hour * 3600)).count() as u64,
                from: edge(&digests.proved, false),
                to: edge(&digests.proved, true),
            })
            .collect(),
    }
}

fn data_events_off(catalog: &Catalog, seen: &[DataReport]) -> Vec<OffReport> {
    let mut actions: BTreeMap<String, u64> = BTreeMap::new();
    for id in catalog.ids() {
        if let crate::catalog::Logging::Data { resource_type } = catalog.logging(id) {
            *actions.entry(resource_type).or_default() += 1;
        }
    }
    let mut off: Vec<OffReport> = actions
        .into_iter()
        .filter(|(resource_type, _)| seen.iter().all(|seen| seen.resource_type != *resource_type))
        .map(|(resource_type, actions)| OffReport { resource_type, actions })
        .collect();
    off.sort_by(|a, b| {
        b.actions
            .cmp(&a.actions)
            .then_with(|| a.resource_type.cmp(&b.resource_type))
    });
    off
}

/// What is missing by what would help, and how many actions nothing could show.
#[derive(Default)]
struct Missing {
    by_remedy: BTreeMap<String, UnprovedReport>,
    never: u64,
    all: u64,
}

impl Missing {
    fn count(&mut self, catalog: &Catalog, blind: Option<&Blind>, action: ActionId) {
        let remedy = match blind {
            Some(Blind::Unobservable(_) | Blind::Nobodys(_)) | None => {
                self.never += 1;
                return;
            }
            Some(Blind::DataEvents { resource_type, .. }) => format!("log data events of {resource_type}"),
            Some(Blind::LeftOut(why)) => format!("change the trail: {why}"),
            Some(Blind::NoRegion(why) | Blind::Gap(why)) => format!("find the files, or give --trail-config: {why}"),
        };
        let is_change = matches!(blind, Some(Blind::DataEvents { .. } | Blind::LeftOut(_)));
        let missing = self.by_remedy.entry(remedy).or_insert_with_key(|what| UnprovedReport {
            what: what.clone(),
            actions: 0,
            risk: 0,
            is_change,
        });
        missing.actions += 1;
        missing.risk += rightsize::weight(catalog, action);
    }

    fn finish(self) -> (Vec<UnprovedReport>, u64, u64) {
        (self.by_remedy.into_values().collect(), self.never, self.all)
    }
}

/// Each principal's granted actions.
fn of_grants(inputs: &CoverageInputs<'_>) -> (Vec<UnprovedReport>, u64, u64) {
    let mut missing = Missing::default();
    for gap in inputs.gaps {
        if inputs.grants.principals[gap.principal].kind == Kind::Group {
            continue;
        }
        for (grade, set) in gap.by_grade() {
            missing.all += set.len() as u64;
            if !matches!(grade, Grade::Unobservable | Grade::OutsideCoverage) {
                continue;
            }
            for action in set.iter() {
                let slice = gap
                    .slices
                    .iter()
                    .find(|slice| slice.granted.contains(action) && slice.grade(action) == grade);
                missing.count(
                    inputs.catalog,
                    slice.and_then(|slice| slice.view.blind_to(action)),
                    action,
                );
            }
        }
    }
    missing.finish()
}

/// The whole catalog, in the account that lacks the most.
fn of_catalog(inputs: &CoverageInputs<'_>) -> (Vec<UnprovedReport>, u64, u64) {
    let catalog = inputs.catalog;
    let views: Vec<View> = inputs
        .coverage
        .accounts()
        .into_iter()
        .map(|account| gap::everything(catalog, inputs.coverage, inputs.grants, account, inputs.window))
        .collect();
    let mut missing = Missing {
        all: catalog.len() as u64,
        ..Missing::default()
    };
    for id in catalog.ids() {
        if let Some(blind) = views.iter().find_map(|view| view.blind_to(id)) {
            missing.count(catalog, Some(blind), id);
        }
    }
    missing.finish()
}
