//! Events that cannot be what they say: of a time at which there was no trail, or of a region that there cannot be. They
//! are set aside and listed, and decide nothing: one of them would move the window by years, or open a stream that is
//! silent ever after.

use std::collections::BTreeSet;

use super::table::Table;
use crate::coverage::Coverage;
use crate::decode::Event;

/// 2013-11-01T00:00:00Z, the month in which CloudTrail began (AWS News Blog, "AWS CloudTrail - Capture AWS API Activity").
const EARLIEST: i64 = 1_383_264_000;
/// Longest name that is shown of an event or a region, in bytes.
const SHOWN: usize = 64;
/// Why an event of a region is set aside.
const NOWHERE: &str = "set aside: no partition of AWS has such a region, and no other event shows it";

/// Why the event is set aside for its time; `latest` is the last second that an event can bear.
pub(super) fn why(event: &Event<'_>, latest: Option<i64>) -> Option<&'static str> {
    let first = event.time.seconds();
    let last = event.many.as_ref().map_or(first, |many| many.last.seconds());
    if first < EARLIEST {
        Some("set aside: from before CloudTrail existed (November 2013)")
    } else if latest.is_some_and(|latest| latest < last) {
        Some("set aside: later than the present, by this machine's clock")
    } else {
        None
    }
}

/// The event, for a list of what was set aside.
pub(super) fn name(event: &Event<'_>) -> String {
    let id = event.id.as_deref().unwrap_or("without an id");
    let region = event.region.as_deref().unwrap_or("");
    format!("event {} of {} in region `{}`", cut(id), event.time, cut(region))
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(text.len().min(SHOWN))]
}

/// Regions by partition, as AWS's SDKs tell them: `regionRegex` of botocore's `partitions.json` (2026-11), such as
/// `^(us|eu|ap|sa|ca|me|af|il|mx)\-\w+\-\d+$`.
const STARTS: [&str; 16] = [
    "us-gov", "us-iso", "us-isob", "us-isof", "eu-isoe", "eusc-de", "us", "eu", "ap", "sa", "ca", "me", "af", "il",
    "mx", "cn",
];

/// Whether some partition could have a region of that name.
pub(super) fn is_region(name: &str) -> bool {
    STARTS.iter().any(|start| {
        let rest = name.strip_prefix(start).and_then(|rest| rest.strip_prefix('-'));
        rest.and_then(|rest| rest.split_once('-'))
            .is_some_and(|(place, number)| {
                !place.is_empty()
                    && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && !number.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
            })
    })
}

/// Takes events out that stand alone in a region which no partition could have, now that all events are known. With
/// `filtered`, of the events that the coverage counts only some are in the table.
pub(super) fn settle(table: &mut Table, coverage: &mut Coverage, filtered: bool) {
    if coverage.odd_regions.is_empty() {
        return;
    }
    let here: BTreeSet<String> = (table.signatures.iter())
        .filter(|seen| coverage.odd_regions.contains_key(&*seen.signature.region))
        .map(|seen| seen.signature.region.to_string())
        .collect();
    let regions = coverage.settle_odd_regions(NOWHERE, &|region| !filtered || here.contains(region));
    if !regions.is_empty() {
        leave_out(table, &regions);
    }
}

fn leave_out(table: &mut Table, regions: &BTreeSet<String>) {
    let mut numbers = Vec::with_capacity(table.signatures.len());
    let mut next = 0;
    for seen in &table.signatures {
        let stays = !regions.contains(&*seen.signature.region);
        numbers.push(stays.then_some(next));
        next += usize::from(stays);
    }
    table.rows.retain_mut(|row| match numbers[row.signature] {
        Some(number) => {
            row.signature = number;
            true
        }
        None => false,
    });
    let mut stays = numbers.iter();
    table.signatures.retain(|_| stays.next().is_some_and(Option::is_some));
}

#[cfg(test)]
mod tests;
