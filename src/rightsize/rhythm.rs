//! Holds what belongs to somebody who works by a calendar that the window has not seen turn twice, and what else should
//! wait.

use super::Proposal;
use crate::gap::Gap;
use crate::gap::rhythm::rhythm;
use crate::grants::{Grants, PrincipalIndex};
use crate::time::{DAY, Window, day_of};

/// Why a suggestion should wait for somebody's next run.
pub(super) fn held(grants: &Grants, gaps: &[Gap], affects: &[PrincipalIndex], window: Window) -> Option<String> {
    let (first, last) = (day_of(window.first), day_of(window.last()));
    let (first, last) = (i32::try_from(first).ok()?, i32::try_from(last).ok()?);
    let days = window.days();
    affects.iter().find_map(|principal| {
        let rhythm = rhythm(&gaps[*principal].activity.days, (first, last))?;
        (!rhythm.seen_twice(days)).then(|| {
            let (arn, says) = (&grants.principals[*principal].arn, rhythm.says(last));
            format!("{arn} {says}: the window of {days} days has not seen that twice")
        })
    })
}

/// When the last of those is due next for whom a suggestion waits.
pub(super) fn until(gaps: &[Gap], affects: &[PrincipalIndex], window: Window) -> Option<i64> {
    let (first, last) = (day_of(window.first), day_of(window.last()));
    let (first, last) = (i32::try_from(first).ok()?, i32::try_from(last).ok()?);
    let waiting = affects.iter().filter_map(|principal| {
        let rhythm = rhythm(&gaps[*principal].activity.days, (first, last))?;
        let next = rhythm.next(last).filter(|_| !rhythm.seen_twice(window.days()))?;
        Some(i64::from(next) * DAY)
    });
    waiting.max()
}

impl Proposal {
    /// Holds it for one more reason.
    pub fn hold(&mut self, why: &str) {
        match &mut self.held {
            Some(held) => held.push_str(&format!("; {why}")),
            None => {
                self.held = Some(why.to_owned());
                self.confidence.lower("it is held");
            }
        }
    }
}
