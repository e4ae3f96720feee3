//! Days of activity to the rule of the calendar behind them: weekly, monthly, quarterly, yearly, and when it is due next.
//!
//! All days are days since 1970, UTC. A rule stands only where it explains every run of active days and hardly misses one:
//! what fits nothing has no rhythm.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// Active days with no more than so many between their first and last are one run of a job.
const RUN: i32 = 3;
/// A month's close may take a week, with a weekend inside.
const LONG_RUN: i32 = 7;
/// Fewest days between two runs of a job that works by the month.
const SHORTEST_MONTH: i32 = 25;
/// A single run shows a rhythm of its own where so many days before or after it were quiet.
const QUIET: i32 = 7;
/// A weekly job shows itself in no fewer days.
const TWO_WEEKS: i32 = 14;
/// Bits of Monday to Friday.
const WORKING_DAYS: u8 = 0b001_1111;
const NAMES: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What the days of a window say of when something runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rhythm {
    /// It ran once, on these days, and was quiet for a week or more.
    Once {
        /// The first day.
        from: i32,
        /// The last day.
        to: i32,
    },
    /// It comes back.
    Periodic(Period),
}

/// A rule that explains when something ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    rule: Rule,
    /// A day may lie so many days beside the rule's.
    tolerance: i32,
    /// The last day that the rule explains: for a rule by the month the number of that month.
    last: i32,
    /// How often it was seen; of a weekly rule, in how many weeks.
    pub seen: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    /// These days of each week, a bit each from Monday on.
    Weekly(u8),
    /// So many days from one to the next.
    Days(i32),
    /// One day of every so many months.
    Monthly(i32, On),
}

/// A day of a month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum On {
    /// The n-th; the last where the month is shorter.
    Day(i8),
    /// The n-th, or the Monday after it where that is a weekend.
    OrMonday(i8),
    /// The n-th, or the Friday before it.
    OrFriday(i8),
    /// The last.
    LastDay,
    /// The n-th from Monday to Friday, counted from the month's end where negative.
    Working(i8),
    /// The n-th of a weekday (0 is Monday); the last where n is negative.
    Weekday(i8, i8),
}

/// What these days say, seen through a window from its first to its last day. Nothing is said of what runs every day, or at
/// random.
pub fn rhythm(days: &BTreeSet<i32>, window: (i32, i32)) -> Option<Rhythm> {
    if let Some(period) = period(days) {
        return Some(Rhythm::Periodic(period));
    }
    let (from, to) = (*days.first()?, *days.last()?);
    let quiet = from.saturating_sub(window.0).max(window.1.saturating_sub(to));
    (to.saturating_sub(from) < RUN && quiet >= QUIET).then_some(Rhythm::Once { from, to })
}

/// The rule behind these days, if one explains them all.
pub fn period(days: &BTreeSet<i32>) -> Option<Period> {
    if let Some(weekly) = weekly(days) {
        return Some(weekly);
    }
    let runs = runs(days, 1, RUN);
    let anchors = runs.as_deref().map(anchors).unwrap_or_default();
    let exact = anchors.iter().find_map(|anchors| monthly(anchors, 0));
    let exact = exact.or_else(|| anchors.iter().find_map(|anchors| every_so_many_days(anchors, 0)));
    exact
        .or_else(|| {
            let long = self::runs(days, RUN, LONG_RUN)?;
            self::anchors(&long).iter().find_map(|anchors| monthly(anchors, 0))
        })
        .or_else(|| (1..=2).find_map(|days| anchors.iter().find_map(|anchors| monthly(anchors, days))))
        .or_else(|| anchors.iter().find_map(|anchors| every_so_many_days(anchors, 1)))
}

impl Rhythm {
    /// Whether a window of so many days has seen it often enough to know what it does.
    pub fn seen_twice(&self, window_days: i64) -> bool {
        match self {
            Rhythm::Once { .. } => false,
            Rhythm::Periodic(period) => period.seen > 2 || window_days >= 2 * period.days(),
        }
    }

    /// How often it was seen.
    pub fn occurrences(&self) -> usize {
        match self {
            Rhythm::Once { .. } => 1,
            Rhythm::Periodic(period) => period.seen,
        }
    }

    /// `month`, `14 days`; `None` where it was seen once.
    pub fn every(&self) -> Option<String> {
        match self {
            Rhythm::Once { .. } => None,
            Rhythm::Periodic(period) => Some(match period.rule {
                Rule::Weekly(_) => "week".to_owned(),
                Rule::Days(days) => format!("{days} days"),
                Rule::Monthly(1, _) => "month".to_owned(),
                Rule::Monthly(3, _) => "quarter".to_owned(),
                Rule::Monthly(12, _) => "year".to_owned(),
                Rule::Monthly(months, _) => format!("{months} months"),
            }),
        }
    }

    /// The first day after `day` on which it is due; of what was seen once, the same day of a month.
    pub fn next(&self, day: i32) -> Option<i32> {
        match self {
            Rhythm::Once { from, .. } => {
                let date = date(*from)?;
                let on = On::Day(date.day());
                let first = month_of(date);
                (1..=240).find_map(|months| on.of_month(first + months).filter(|due| *due > day))
            }
            Rhythm::Periodic(period) => period.next(day),
        }
    }

    /// `runs on the 14th of each month; next expected 2026-11-14`, told on `day`.
    pub fn says(&self, day: i32) -> String {
        let next = self.next(day).and_then(date);
        match self {
            Rhythm::Once { from, to } => {
                let (from, to) = (text_of(*from), text_of(*to));
                let when = match from == to {
                    true => format!("ran on {from} alone"),
                    false => format!("ran from {from} to {to} alone"),
                };
                match next {
                    Some(next) => format!("{when}; if it comes each month, next expected {next}"),
                    None => when,
                }
            }
            Rhythm::Periodic(period) => match next {
                Some(next) => format!("runs {}; next expected {next}", period.says()),
                None => format!("runs {}", period.says()),
            },
        }
    }
}

impl Period {
    /// How many days it takes at most from one to the next.
    pub fn days(&self) -> i64 {
        match self.rule {
            Rule::Weekly(_) => 7,
            Rule::Days(days) => i64::from(days),
            Rule::Monthly(12, _) => 366,
            Rule::Monthly(months, _) => i64::from(months) * 31,
        }
    }

    /// The first day after `day` on which it is due.
    fn next(&self, day: i32) -> Option<i32> {
        let mut due = self.last;
        // Two hundred periods past the last one nothing is left of a rhythm.
        for _ in 0..200 {
            let at = match self.rule {
                Rule::Weekly(mask) => return (day + 1..day + 8).find(|day| mask & bit(*day) != 0),
                Rule::Days(days) => {
                    due = due.checked_add(days)?;
                    due
                }
                Rule::Monthly(months, on) => {
                    due += months;
                    on.of_month(due)?
                }
            };
            if at > day {
                return Some(at);
            }
        }
        None
    }

    /// `on the 14th of each month`
    fn says(&self) -> String {
        let about = if self.tolerance > 0 { "about " } else { "" };
        match self.rule {
            Rule::Weekly(WORKING_DAYS) => "on working days (Monday to Friday)".to_owned(),
            Rule::Weekly(mask) => {
                let days: Vec<&str> = (0..7)
                    .filter(|at| mask & (1 << at) != 0)
                    .map(|at: usize| NAMES[at])
                    .collect();
                format!("each {}", days.join(" and "))
            }
            Rule::Days(days) => format!("{about}every {days} days"),
            Rule::Monthly(12, on) => {
                let month = MONTHS[self.last.rem_euclid(12) as usize];
                format!("{about}on {} of {month} each year", on.says())
            }
            Rule::Monthly(months, on) => {
                let every = match months {
                    1 => "each month".to_owned(),
                    months => format!("every {} month", ordinal(months)),
                };
                format!("{about}on {} of {every}", on.says())
            }
        }
    }
}

impl On {
    /// `the 14th`
    fn says(self) -> String {
        match self {
            On::Day(day) => format!("the {}", ordinal(i32::from(day))),
            On::OrMonday(day) => format!("the {}, or the Monday after a weekend,", ordinal(i32::from(day))),
            On::OrFriday(day) => format!("the {}, or the Friday before a weekend,", ordinal(i32::from(day))),
            On::LastDay => "the last day".to_owned(),
            On::Working(n) => format!("the {}working day", place(n)),
            On::Weekday(n, weekday) => format!("the {}{}", place(n), NAMES[weekday as usize]),
        }
    }

    /// The day of the month with this number (0 is January of year 0).
    fn of_month(self, month: i32) -> Option<i32> {
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let first = Date::new(year, (month.rem_euclid(12) + 1) as i8, 1).ok()?;
        let length = i32::from(first.days_in_month());
        let first = number(first)?;
        let last = first + length - 1;
        Some(match self {
            On::Day(day) => first + i32::from(day).min(length) - 1,
            On::OrMonday(day) => (first + i32::from(day) - 1..).find(|day| bit(*day) & WORKING_DAYS != 0)?,
            On::OrFriday(day) => {
                let day = first + i32::from(day) - 1;
                (first..=day).rev().find(|day| bit(*day) & WORKING_DAYS != 0)?
            }
            On::LastDay => last,
            On::Working(n) if n > 0 => nth(first..=last, n, |day| bit(*day) & WORKING_DAYS != 0)?,
            On::Working(n) => nth((first..=last).rev(), -n, |day| bit(*day) & WORKING_DAYS != 0)?,
            On::Weekday(n, weekday) if n > 0 => nth(first..=last, n, |day| bit(*day) == 1 << weekday)?,
            On::Weekday(n, weekday) => nth((first..=last).rev(), -n, |day| bit(*day) == 1 << weekday)?,
        })
    }
}

fn nth(mut days: impl Iterator<Item = i32>, n: i8, is: impl FnMut(&i32) -> bool) -> Option<i32> {
    let n = usize::try_from(n).ok()?.checked_sub(1)?;
    days.by_ref().filter(is).nth(n)
}

/// The days of the week on which it runs, where those are the same in each of three weeks or more.
fn weekly(days: &BTreeSet<i32>) -> Option<Period> {
    let (first, last) = (*days.first()?, *days.last()?);
    let span = last.checked_sub(first)?;
    let mask = days.iter().fold(0, |mask, day| mask | bit(*day));
    // Six days of seven is a daily job that paused.
    if mask.count_ones() > 5 || span < TWO_WEEKS || days.len() < 3 {
        return None;
    }
    // As many as days are active at most, or it is none: an archive of one day in 1970 is not walked through.
    let weeks = span / 7 + 1;
    let expected = usize::try_from(weeks).ok()? * mask.count_ones() as usize;
    if expected > 2 * days.len() + 14 {
        return None;
    }
    let missed = (first..=last)
        .filter(|day| mask & bit(*day) != 0 && !days.contains(day))
        .count();
    (missed * 10 <= days.len()).then_some(Period {
        rule: Rule::Weekly(mask),
        tolerance: 0,
        last,
        seen: weeks as usize,
    })
}

/// Runs of active days; `None` where one is too long for a job, or there is one only.
fn runs(days: &BTreeSet<i32>, apart: i32, longest: i32) -> Option<Vec<(i32, i32)>> {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for day in days {
        match runs.last_mut() {
            Some((from, to)) if *day <= to.saturating_add(apart) => {
                *to = *day;
                if day.saturating_sub(*from) >= longest {
                    return None;
                }
            }
            _ => runs.push((*day, *day)),
        }
    }
    (runs.len() > 1).then_some(runs)
}

/// The days by which runs may be timed: their first ones, and their last ones where they differ.
fn anchors(runs: &[(i32, i32)]) -> Vec<Vec<i32>> {
    let first: Vec<i32> = runs.iter().map(|(from, _)| *from).collect();
    let last: Vec<i32> = runs.iter().map(|(_, to)| *to).collect();
    if first == last { vec![first] } else { vec![first, last] }
}

/// Always so many days from one to the next: four times, or six where each may be a day off.
fn every_so_many_days(days: &[i32], tolerance: i32) -> Option<Period> {
    let (first, last) = (*days.first()?, *days.last()?);
    let gaps = i32::try_from(days.len()).ok()? - 1;
    let span = last.checked_sub(first)?;
    if gaps < 3 + 2 * tolerance || span < gaps * (2 + 3 * tolerance) {
        return None;
    }
    let gap = (f64::from(span) / f64::from(gaps)).round() as i32;
    let fits = days.iter().zip(0_i32..).all(|(day, at)| {
        let due = first + (f64::from(span) * f64::from(at) / f64::from(gaps)).round() as i32;
        (day - due).abs() <= tolerance
    });
    let even = tolerance > 0 || gap * gaps == span;
    (fits && even).then_some(Period {
        rule: Rule::Days(gap),
        tolerance,
        last,
        seen: days.len(),
    })
}

/// On the same day of each month, quarter or year.
fn monthly(days: &[i32], tolerance: i32) -> Option<Period> {
    let (first, last) = (*days.first()?, *days.last()?);
    let gaps = i32::try_from(days.len()).ok()? - 1;
    if gaps < 1 || last.checked_sub(first)? < gaps.checked_mul(SHORTEST_MONTH)? {
        return None;
    }
    let dates: Option<Vec<Date>> = days.iter().map(|day| date(*day)).collect();
    let dates = dates?;
    let day_of_month = dates.iter().map(|date| date.day()).max()?;
    // Each with how often it must be seen by the month, and by the quarter or the year.
    let mut rules: Vec<(On, usize, usize)> = Vec::new();
    if tolerance > 0 {
        let mut sorted: Vec<i8> = dates.iter().map(|date| date.day()).collect();
        sorted.sort_unstable();
        let middle = sorted[sorted.len() / 2];
        rules.extend([middle, middle - 1, middle + 1].map(|day| (On::Day(day.clamp(1, 28)), 4, 4)));
        rules.push((On::LastDay, 4, 4));
    } else {
        let weekday = (bit(first).trailing_zeros()) as i8;
        if day_of_month <= 28 {
            rules.push((On::Day(day_of_month), 2, 2));
        }
        rules.push((On::LastDay, 2, 2));
        rules.extend([On::Working(-1), On::Working(1)].map(|on| (on, 3, 2)));
        if day_of_month > 28 {
            rules.push((On::Day(day_of_month), 2, 2));
        }
        rules.extend([2, 3, 4, 5, -2, -3].map(|n| (On::Working(n), 3, 3)));
        let earliest = dates.iter().map(|date| date.day()).min()?;
        rules.push((On::OrMonday(earliest.min(26)), 4, 4));
        rules.push((On::OrFriday(day_of_month.min(28)), 4, 4));
        rules.push((On::Weekday((dates[0].day() - 1) / 7 + 1, weekday), 3, 3));
        rules.push((On::Weekday(-1, weekday), 3, 3));
    }
    rules.into_iter().find_map(|(on, by_month, by_quarter)| {
        let months = months(days, &dates, on, tolerance)?;
        let steps: Vec<i32> = months.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let step = *steps.iter().min()?;
        let missed = steps.iter().filter(|one| **one != step).count();
        let fits = match missed {
            0 => true,
            1 => steps.len() > 3 && steps.iter().all(|one| *one == step || *one == 2 * step),
            _ => false,
        };
        let fewest = match step {
            1 => by_month,
            3 | 12 => by_quarter,
            2 | 6 => by_month.max(3),
            _ => return None,
        };
        (fits && days.len() >= fewest).then_some(Period {
            rule: Rule::Monthly(step, on),
            tolerance,
            last: *months.last()?,
            seen: days.len(),
        })
    })
}

/// The month for which each day stands under a rule; `None` where one is too far beside it.
fn months(days: &[i32], dates: &[Date], on: On, tolerance: i32) -> Option<Vec<i32>> {
    let near = |day: i32, date: Date| {
        let month = month_of(date);
        let around = if tolerance > 0 {
            month - 1..=month + 1
        } else {
            month..=month
        };
        around
            .filter_map(|month| Some(((on.of_month(month)? - day).abs(), month)))
            .min()
            .filter(|(off, _)| *off <= tolerance)
            .map(|(_, month)| month)
    };
    days.iter().zip(dates).map(|(day, date)| near(*day, *date)).collect()
}

/// The bit of a day's weekday. The first of January 1970 was a Thursday.
fn bit(day: i32) -> u8 {
    1 << ((i64::from(day) + 3).rem_euclid(7))
}

/// Months since January of year 0.
fn month_of(date: Date) -> i32 {
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

fn date(day: i32) -> Option<Date> {
    let span = jiff::Span::new().try_days(day).ok()?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}

fn number(date: Date) -> Option<i32> {
    let days = Date::constant(1970, 1, 1).until(date).ok()?;
    Some(days.get_days())
}

/// A day as `YYYY-MM-DD`.
pub fn text_of(day: i32) -> String {
    date(day).map_or_else(|| format!("day {day}"), |date| date.to_string())
}

/// `1st`, `2nd`, `3rd`
fn ordinal(n: i32) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// `first `, `2nd `, `last `
fn place(n: i8) -> String {
    match n {
        1 => "first ".to_owned(),
        -1 => "last ".to_owned(),
        n if n < 0 => format!("{} to last ", ordinal(i32::from(-n))),
        n => format!("{} ", ordinal(i32::from(n))),
    }
}

#[cfg(test)]
mod tests;
