//! `eventTime`: the moment of a call, in every form that trails and their exports write it.

use std::fmt;

/// A moment, in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// Days of a civil year and month (1 to 12).
fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01, after Howard Hinnant's `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse: (year, month, day).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// A number of `digits` digits at the front, and what follows.
fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let mut value = 0;
    for byte in head {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some((value, rest))
}

/// `byte` taken off the front, if it stands there.
fn skip(text: &[u8], byte: u8) -> (bool, &[u8]) {
    match text.split_first() {
        Some((first, rest)) if *first == byte => (true, rest),
        _ => (false, text),
    }
}

impl Time {
    /// 0000-01-01T00:00:00Z
    const FIRST: Self = Self(-62_167_219_200);
    /// 9999-12-31T23:59:59Z
    const LAST: Self = Self(253_402_300_799);

    /// The moment so many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Whole days since 1970-01-01 (UTC).
    #[must_use]
    pub const fn days(self) -> i64 {
        self.0.div_euclid(86_400)
    }

    /// Reads `2023-07-10T11:42:36Z`, with or without a fraction (dropped), the basic form `20230710T114236Z`, a space
    /// for the `T`, and an offset for the `Z`. Without either, UTC is meant: CloudTrail writes nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = number(text.as_bytes(), 4)?;
        let (extended, rest) = skip(rest, b'-');
        let (month, rest) = number(rest, 2)?;
        let (dashed, rest) = skip(rest, b'-');
        let (day, rest) = number(rest, 2)?;
        if dashed != extended || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return None;
        }
        let rest = match rest.split_first()? {
            (b'T' | b't' | b' ', rest) => rest,
            _ => return None,
        };
        let (hour, rest) = number(rest, 2)?;
        let (colon, rest) = skip(rest, b':');
        let (minute, rest) = number(rest, 2)?;
        let (again, rest) = skip(rest, b':');
        let (second, rest) = number(rest, 2)?;
        // A leap second is written :60; it is counted as the first second of the next minute.
        if colon != again || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let rest = match skip(rest, b'.') {
            (true, fraction) => {
                let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if digits == 0 {
                    return None;
                }
                &fraction[digits..]
            }
            (false, rest) => rest,
        };
        let offset = Self::offset(rest)?;
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        let time = Self(seconds - offset);
        // An offset may lead out of the years that RFC 3339 can write.
        (Self::FIRST <= time && time <= Self::LAST).then_some(time)
    }

    /// `Z`, nothing, `+02:00`, `+0200`, `+02` or ` UTC`, in seconds.
    fn offset(text: &[u8]) -> Option<i64> {
        match text {
            b"" | b"Z" | b"z" | b" UTC" => return Some(0),
            _ => {}
        }
        let (sign, rest) = text.split_first()?;
        let sign = match sign {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (hours, rest) = number(rest, 2)?;
        let minutes = match rest {
            b"" => 0,
            rest => {
                let (minutes, rest) = number(skip(rest, b':').1, 2)?;
                if !rest.is_empty() {
                    return None;
                }
                minutes
            }
        };
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

/// The extended form, `2023-07-10T11:42:36Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.days());
        let second = self.0.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests;
