//! Windows, days and moments: one definition of each, for every stage.

use serde::{Deserialize, Serialize};

/// Seconds in a day.
pub const DAY: i64 = 86_400;
/// Most days that a span which people type may have: some 100 years, which no sum of seconds overflows.
const MOST_DAYS: u16 = 36_500;

/// A stretch of time, half open: its first second and the first one after it, since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Window {
    /// The first second.
    pub first: i64,
    /// The first second that is no longer part of it.
    pub end: i64,
}

impl Window {
    /// All of time.
    pub const ALWAYS: Window = Window {
        first: i64::MIN,
        end: i64::MAX,
    };

    /// From one second to another, both part of it.
    pub const fn of(first: i64, last: i64) -> Window {
        Window {
            first,
            end: last.saturating_add(1),
        }
    }

    /// The last second that is part of it.
    pub const fn last(self) -> i64 {
        self.end.saturating_sub(1)
    }

    /// How long it is.
    pub const fn seconds(self) -> i64 {
        self.end.saturating_sub(self.first)
    }

    /// Its length in days, a begun one counted whole: seven days from one midnight to another are 7, an hour is 1.
    pub const fn days(self) -> i64 {
        days(self.seconds())
    }

    /// Whether a moment is part of it.
    pub const fn contains(self, moment: i64) -> bool {
        self.first <= moment && moment < self.end
    }

    /// What is part of both; `None` where nothing is.
    pub fn intersection(self, other: Window) -> Option<Window> {
        let (first, end) = (self.first.max(other.first), self.end.min(other.end));
        (first < end).then_some(Window { first, end })
    }
}

/// So many seconds in days, a begun one counted whole; none for none.
pub const fn days(seconds: i64) -> i64 {
    if seconds <= 0 {
        return 0;
    }
    (seconds - 1) / DAY + 1
}

/// The day of a moment, since 1970 (UTC).
pub const fn day_of(moment: i64) -> i64 {
    moment.div_euclid(DAY)
}

/// The first second of a UTC day.
pub fn midnight(date: jiff::civil::Date) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1);
    i64::from((date - epoch).get_days()) * DAY
}

/// A moment as RFC 3339, UTC; empty for one beyond the year 9999.
pub fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

/// A moment to the minute: `2026-10-03T04:00Z`.
pub fn minute(seconds: i64) -> String {
    formatted(seconds, "%Y-%m-%dT%H:%MZ")
}

/// A day since 1970 as `2026-10-03`.
pub fn date(day: i64) -> String {
    formatted(day.saturating_mul(DAY), "%Y-%m-%d")
}

/// The day of a moment as `2026-10-03`.
pub fn date_of(moment: i64) -> String {
    date(day_of(moment))
}

fn formatted(seconds: i64, format: &str) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.strftime(format).to_string())
}

/// Days as people type them: `90d` or `90`, at most a hundred years of them.
///
/// # Errors
/// It is no number of days, or more than anybody means; the sentence says which.
pub fn typed_days(text: &str) -> Result<u16, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{text}` is no number of days; write 90d"));
    }
    match number.parse::<u16>() {
        Ok(days) if days <= MOST_DAYS => Ok(days),
        Ok(_) | Err(_) => Err(format!("`{text}` is more than {MOST_DAYS} days")),
    }
}

#[cfg(test)]
mod tests;
