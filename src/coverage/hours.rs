//! Moments to the hour and to the day, as bits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::{DAY, Window};

/// Silence up to this many hours is no hole.
const SHORT_SILENCE: i64 = 24;
/// Of fewer gaps none is usual.
const FEW_GAPS: usize = 3;
/// Silence beyond this multiple of a stream's median gap is a hole.
const MEDIAN_GAPS: i64 = 10;

/// Hours since 1970 in which something was seen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Hours {
    /// Day since 1970 → one bit an hour.
    days: BTreeMap<i32, u32>,
}

impl Hours {
    /// Something was seen at this second.
    pub fn add(&mut self, seconds: i64) {
        let hour = seconds.div_euclid(3600);
        let day = day_of(hour);
        *self.days.entry(day).or_default() |= 1 << hour.rem_euclid(24);
    }

    /// All hours of both.
    pub fn merge(&mut self, other: &Hours) {
        for (day, hours) in &other.days {
            *self.days.entry(*day).or_default() |= hours;
        }
    }

    /// Keeps the hours in which something at or after `since` and before `until` (seconds) may lie.
    pub fn restrict(&mut self, since: Option<i64>, until: Option<i64>) {
        let from = since.map_or(i64::MIN, |since| since.div_euclid(3600));
        let to = until.map_or(i64::MAX, |until| (until - 1).div_euclid(3600));
        for (day, hours) in &mut self.days {
            for hour in 0..24 {
                let number = i64::from(*day) * 24 + hour;
                if number < from || to < number {
                    *hours &= !(1 << hour);
                }
            }
        }
        self.days.retain(|_, hours| *hours != 0);
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

    /// Whether the hour of this second is among them.
    pub fn contains(&self, seconds: i64) -> bool {
        let hour = seconds.div_euclid(3600);
        let day = day_of(hour);
        self.days
            .get(&day)
            .is_some_and(|hours| hours >> hour.rem_euclid(24) & 1 == 1)
    }

    /// Whether something was seen in an hour that lies wholly at or after `from` and before `to` (seconds).
    pub fn any_within(&self, from: i64, to: i64) -> bool {
        let (from, to) = (
            from.div_euclid(3600) + i64::from(from.rem_euclid(3600) > 0),
            to.div_euclid(3600),
        );
        if to <= from {
            return false; // no hour lies wholly within
        }
        let (first, last) = (day_of(from), day_of(to));
        self.days.range(first..=last).any(|(day, hours)| {
            (0..24)
                .filter(|hour| hours >> hour & 1 == 1)
                .map(|hour| i64::from(*day) * 24 + hour)
                .any(|hour| from <= hour && hour < to)
        })
    }

    /// Silences of a window longer than the greater of 24 hours and ten times the median gap. Silence at the edges counts; hours in `proved` are no silence, whatever was seen.
    pub fn holes(&self, proved: &Hours, window: Window) -> Vec<Window> {
        let heard: Vec<i64> = self.iter().collect();
        let mut gaps: Vec<i64> = heard.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let median = gaps
            .get(gaps.len() / 2)
            .filter(|_| gaps.len() >= FEW_GAPS)
            .copied()
            .unwrap_or(0);
        let longest = SHORT_SILENCE.max(MEDIAN_GAPS * median);
        let (first, last) = (window.first.div_euclid(3600), window.last().div_euclid(3600));
        let mut all = self.clone();
        all.merge(proved);
        let mut holes = Vec::new();
        let (mut previous, mut from) = (first, first);
        for hour in all.iter().filter(|hour| first <= *hour && *hour <= last).chain([last]) {
            if hour - previous > longest {
                holes.push(Window {
                    first: from * 3600,
                    end: hour * 3600,
                });
            }
            (previous, from) = (hour, hour + 1);
        }
        holes
    }
}

/// The day of an hour since 1970.
fn day_of(hour: i64) -> i32 {
    let day = hour.div_euclid(24);
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}

/// Days since 1970 on which something was seen; a year takes twelve words.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Days {
    /// Day / 32 → one bit a day.
    words: BTreeMap<i32, u32>,
}

impl Days {
    /// Something was seen at this second.
    pub fn add(&mut self, seconds: i64) {
        let day = i32::try_from(seconds.div_euclid(DAY)).unwrap_or(i32::MAX);
        *self.words.entry(day.div_euclid(32)).or_default() |= 1 << day.rem_euclid(32);
    }

    /// All days of both.
    pub fn merge(&mut self, other: &Days) {
        for (word, days) in &other.words {
            *self.words.entry(*word).or_default() |= days;
        }
    }

    /// Keeps the days on which something at or after `since` and before `until` (seconds) may lie.
    pub fn restrict(&mut self, since: Option<i64>, until: Option<i64>) {
        let from = since.map_or(i64::MIN, |since| since.div_euclid(DAY));
        let to = until.map_or(i64::MAX, |until| (until - 1).div_euclid(DAY));
        for (word, days) in &mut self.words {
            for day in 0..32 {
                let number = i64::from(*word) * 32 + day;
                if number < from || to < number {
                    *days &= !(1 << day);
                }
            }
        }
        self.words.retain(|_, days| *days != 0);
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The days, ascending.
    pub fn iter(&self) -> impl Iterator<Item = i32> {
        self.words.iter().flat_map(|(word, days)| {
            (0..32)
                .filter(move |day| days >> day & 1 == 1)
                .map(move |day| word * 32 + day)
        })
    }

    /// Whether something was seen on a day that lies wholly at or after `from` and before `to` (seconds).
    pub fn any_within(&self, from: i64, to: i64) -> bool {
        self.iter()
            .map(|day| i64::from(day) * DAY)
            .any(|start| from <= start && start + DAY <= to)
    }
}
