//! What was read, what was skipped and why; which hours, accounts, regions and event classes that proves.
//!
//! Two coverages merge into one that does not depend on the order in which files were read.

use std::collections::{BTreeMap, BTreeSet};

/// Most places that are listed for one file and reason; further ones are counted together.
const PLACES: usize = 20;
/// Most roots that are remembered for the data events of one type, account and region.
const ROOTS: usize = 4096;
/// Silence up to this many hours is no hole.
const SHORT_SILENCE: i64 = 24;
/// Silence beyond this multiple of a stream's median gap is a hole.
const MEDIAN_GAPS: i64 = 10;

/// Hours since 1970 in which something was seen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hours {
    /// Day since 1970 → one bit an hour.
    days: BTreeMap<i32, u32>,
}

impl Hours {
    /// Something was seen at this second.
    pub fn add(&mut self, seconds: i64) {
        let hour = seconds.div_euclid(3600);
        let day = i32::try_from(hour.div_euclid(24)).unwrap_or(i32::MAX);
        *self.days.entry(day).or_default() |= 1 << hour.rem_euclid(24);
    }

    /// All hours of both.
    pub fn merge(&mut self, other: &Hours) {
        for (day, hours) in &other.days {
            *self.days.entry(*day).or_default() |= hours;
        }
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Days since 1970 on which something was seen, each with its hours as bits.
    pub fn days(&self) -> impl Iterator<Item = (i32, u32)> {
        self.days.iter().map(|(day, hours)| (*day, *hours))
    }

    /// The hours, ascending.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        self.days.iter().flat_map(|(day, hours)| {
            (0..24)
                .filter(move |hour| hours >> hour & 1 == 1)
                .map(move |hour| (i64::from(*day)) * 24 + hour)
        })
    }

    /// Whether something was seen at or after `from` and before `to` (seconds), to the hour.
    pub fn any_in(&self, from: i64, to: i64) -> bool {
        let (from, to) = (from.div_euclid(3600), to.div_euclid(3600));
        self.iter().any(|hour| from <= hour && hour <= to)
    }

    /// Silences within `from..=to` (seconds) longer than the greater of 24 hours and ten times the median gap,
    /// as pairs of seconds. Silence at the edges counts.
    pub fn holes(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let hours: Vec<i64> = self.iter().collect();
        let mut gaps: Vec<i64> = hours.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
        let longest = SHORT_SILENCE.max(MEDIAN_GAPS * median);
        let (first, last) = (from.div_euclid(3600), to.div_euclid(3600));
        let mut holes = Vec::new();
        let mut previous = first;
        for hour in hours
            .into_iter()
            .filter(|hour| first <= *hour && *hour <= last)
            .chain([last])
        {
            if hour - previous > longest {
                holes.push((previous * 3600, hour * 3600));
            }
            previous = hour;
        }
        holes
    }
}

/// The classes of events that a trail is told to log, or not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// Management events that only read.
    ManagementRead,
    /// Management events that write.
    ManagementWrite,
    /// Data events of one resource type, such as `AWS::S3::Object`.
    Data(String),
}

/// One account × region × class of events.
pub type StreamKey = (String, String, Class);

/// A call that changed what some trail logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TrailChange {
    /// Seconds since 1970.
    pub time: i64,
    /// The account whose trail it is.
    pub account: String,
    /// `StopLogging`, `PutEventSelectors`, …
    pub name: String,
}

/// Where something was skipped for one reason in one file.
#[derive(Clone, PartialEq, Debug, Default)]
struct Places {
    /// Place → records.
    listed: BTreeMap<String, u64>,
    /// How many more places.
    more: u64,
    /// Their records.
    more_records: u64,
}

/// Everything known about what an archive holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Coverage {
    /// Files read.
    pub files: u64,
    /// Bytes of those files as they lie there.
    pub bytes: u64,
    /// Records met, those outside the asked window apart.
    pub records: u64,
    /// Events put to use.
    pub events_used: u64,
    /// Events whose operation the catalog does not know.
    pub events_unmapped: u64,
    /// Events that name nobody.
    pub events_unattributed: u64,
    /// Events that are no call of a principal, or need no permission.
    pub events_not_calls: u64,
    /// Records outside the asked window, accounts or regions.
    pub events_filtered_out: u64,
    /// (file, why) → where.
    skipped: BTreeMap<(String, String), Places>,
    /// When each stream was heard.
    pub streams: BTreeMap<StreamKey, Hours>,
    /// For which resources data events were seen: (account, region, type) → roots.
    pub data_roots: BTreeMap<(String, String, String), BTreeSet<String>>,
    /// (account, source) of the services whose management events a trail may leave out, where some were seen.
    pub excludable_sources: BTreeSet<(String, String)>,
    /// Changes to trails, sorted by time.
    pub trail_changes: BTreeSet<TrailChange>,
    /// First and last event, seconds since 1970.
    pub span: Option<(i64, i64)>,
    /// Denials that name an action which the mapping had not found: `source name: action`.
    pub mapping_disagreements: BTreeSet<String>,
}

impl Coverage {
    /// Notes something skipped in `file`; `place` may be empty.
    pub fn skip(&mut self, file: &str, place: &str, why: &str, records: u64) {
        self.records += records;
        let places = self.skipped.entry((file.to_owned(), why.to_owned())).or_default();
        if let Some(known) = places.listed.get_mut(place) {
            *known += records;
        } else if places.listed.len() < PLACES {
            places.listed.insert(place.to_owned(), records);
        } else {
            places.more += 1;
            places.more_records += records;
        }
    }

    /// Widens the span to a moment.
    pub fn at(&mut self, seconds: i64) {
        self.span = Some(match self.span {
            None => (seconds, seconds),
            Some((from, to)) => (from.min(seconds), to.max(seconds)),
        });
    }

    /// Data events of a type were seen for a root (a bucket, a table, a function).
    pub fn data_root(&mut self, account: &str, region: &str, resource_type: &str, root: &str) {
        let key = (account.to_owned(), region.to_owned(), resource_type.to_owned());
        let roots = self.data_roots.entry(key).or_default();
        roots.insert(root.to_owned());
        // The smallest names stay, so that the order of reading does not matter.
        if roots.len() > ROOTS {
            roots.pop_last();
        }
    }

    /// What was skipped, as (what, why, records), sorted; at most twenty places for one file and reason.
    pub fn skipped(&self) -> Vec<(String, String, u64)> {
        let mut lines = Vec::new();
        for ((file, why), places) in &self.skipped {
            for (place, records) in &places.listed {
                let what = if place.is_empty() {
                    file.clone()
                } else {
                    format!("{file}: {place}")
                };
                lines.push((what, why.clone(), *records));
            }
            if places.more > 0 {
                lines.push((
                    format!("{file}: {} more places", places.more),
                    why.clone(),
                    places.more_records,
                ));
            }
        }
        lines
    }

    /// Records that were skipped.
    pub fn records_skipped(&self) -> u64 {
        self.skipped
            .values()
            .map(|places| places.listed.values().sum::<u64>() + places.more_records)
            .sum()
    }

    /// Accounts that delivered events.
    pub fn accounts(&self) -> BTreeSet<&str> {
        self.streams.keys().map(|(account, _, _)| account.as_str()).collect()
    }

    /// Regions that delivered events.
    pub fn regions(&self) -> BTreeSet<&str> {
        self.streams.keys().map(|(_, region, _)| region.as_str()).collect()
    }

    /// The hours of all management events of an account in a region.
    pub fn management_hours(&self, account: &str, region: &str) -> Hours {
        let mut hours = Hours::default();
        for class in [Class::ManagementRead, Class::ManagementWrite] {
            if let Some(stream) = self.streams.get(&(account.to_owned(), region.to_owned(), class)) {
                hours.merge(stream);
            }
        }
        hours
    }

    /// Both, as if read in one run.
    pub fn merge(&mut self, other: Coverage) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.records += other.records;
        self.events_used += other.events_used;
        self.events_unmapped += other.events_unmapped;
        self.events_unattributed += other.events_unattributed;
        self.events_not_calls += other.events_not_calls;
        self.events_filtered_out += other.events_filtered_out;
        for (key, places) in other.skipped {
            let mine = self.skipped.entry(key).or_default();
            for (place, records) in places.listed {
                *mine.listed.entry(place).or_default() += records;
            }
            mine.more += places.more;
            mine.more_records += places.more_records;
        }
        for (key, hours) in other.streams {
            self.streams.entry(key).or_default().merge(&hours);
        }
        for (key, roots) in other.data_roots {
            let mine = self.data_roots.entry(key).or_default();
            mine.extend(roots);
            while mine.len() > ROOTS {
                mine.pop_last();
            }
        }
        self.excludable_sources.extend(other.excludable_sources);
        self.trail_changes.extend(other.trail_changes);
        self.mapping_disagreements.extend(other.mapping_disagreements);
        if let Some((from, to)) = other.span {
            self.at(from);
            self.at(to);
        }
    }
}
