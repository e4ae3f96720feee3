//! When a principal, and when an action, is due next.

use crate::gap::rhythm::{Rhythm, period, rhythm, text_of};
use crate::gap::{Activity, Evidence};
use crate::report;
use crate::time::{Window, day_of};

/// Actions say so from this many times on: of thousands some are twice on the same day of a month by accident.
const OFTEN: usize = 3;

pub(super) fn of_principal(activity: &Activity, window: Window) -> Option<report::Rhythm> {
    let days = days(window)?;
    Some(said(rhythm(&activity.days, days)?, days.1, window))
}

pub(super) fn of_action(evidence: &Evidence, window: Window) -> Option<report::Rhythm> {
    let period = period(&evidence.days).filter(|period| period.seen >= OFTEN)?;
    Some(said(Rhythm::Periodic(period), days(window)?.1, window))
}

/// The first and the last day of a window; days in a table are 32 bits.
fn days(window: Window) -> Option<(i32, i32)> {
    let day = |moment: i64| i32::try_from(day_of(moment)).ok();
    Some((day(window.first)?, day(window.last())?))
}

fn said(rhythm: Rhythm, last: i32, window: Window) -> report::Rhythm {
    report::Rhythm {
        says: rhythm.says(last),
        every: rhythm.every(),
        occurrences: rhythm.occurrences() as u64,
        next_expected: rhythm.next(last).map(text_of),
        seen_twice: rhythm.seen_twice(window.days()),
    }
}
