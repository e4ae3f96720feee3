//! Where IAM tracks last-accessed information, and since when: elsewhere its silence says nothing.
//!
//! (IAM user guide, "Where AWS tracks last accessed information", read 2026-11-30: "If a Region is not listed in the previous
//! table, then that Region does not yet provide last accessed information".)

use jiff::civil::date;

use crate::iam::Statement;
use crate::iam::policy::ResourcePart;
use crate::time::midnight;

/// Region, and year, month and day from which it is tracked.
const TRACKED: [(&str, i16, i8, i8); 30] = [
    ("af-south-1", 2020, 4, 22),
    ("ap-east-1", 2019, 4, 24),
    ("ap-northeast-1", 2015, 10, 1),
    ("ap-northeast-2", 2016, 1, 6),
    ("ap-northeast-3", 2018, 2, 11),
    ("ap-south-1", 2016, 6, 27),
    ("ap-south-2", 2022, 11, 22),
    ("ap-southeast-1", 2015, 10, 1),
    ("ap-southeast-2", 2015, 10, 1),
    ("ap-southeast-3", 2021, 12, 13),
    ("ap-southeast-4", 2023, 1, 23),
    ("ca-central-1", 2017, 10, 28),
    ("eu-central-1", 2015, 10, 1),
    ("eu-central-2", 2022, 11, 8),
    ("eu-north-1", 2018, 12, 12),
    ("eu-south-1", 2020, 4, 28),
    ("eu-south-2", 2022, 11, 15),
    ("eu-west-1", 2015, 10, 1),
    ("eu-west-2", 2017, 10, 28),
    ("eu-west-3", 2017, 12, 18),
    ("il-central-1", 2023, 8, 1),
    ("me-central-1", 2022, 8, 30),
    ("me-south-1", 2019, 7, 29),
    ("sa-east-1", 2015, 12, 11),
    ("us-east-1", 2015, 10, 1),
    ("us-east-2", 2017, 10, 27),
    ("us-gov-east-1", 2023, 7, 1),
    ("us-gov-west-1", 2023, 7, 1),
    ("us-west-1", 2015, 10, 1),
    ("us-west-2", 2015, 10, 1),
];

/// Whether IAM tracks a region since before a moment, in seconds since 1970.
pub(super) fn is_tracked(region: &str, before: i64) -> bool {
    let known = TRACKED.iter().find(|(known, ..)| *known == region);
    known.is_some_and(|(_, year, month, day)| midnight(date(*year, *month, *day)) <= before)
}

/// Whether a statement names a region that is not tracked so long.
pub(super) fn names_another(statement: &Statement, before: i64) -> bool {
    let (ResourcePart::Resource(patterns) | ResourcePart::NotResource(patterns)) = &statement.resource else {
        return false;
    };
    let regions = patterns.iter().filter_map(|pattern| pattern.text().split(':').nth(3));
    let mut named = regions.filter(|region| !region.is_empty() && !region.contains(['*', '?', '$']));
    named.any(|region| !is_tracked(region, before))
}
