//! AWS's key layout, folder by folder, `…AWSLogs/[ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`: which folders may
//! hold something wanted.

use super::super::Wanted;
use super::super::layout::digits;

/// Events may be delivered late: days after the last wanted one whose folders are still looked at.
const LATE: i64 = 2;

/// Until this day a trail in any region got the events of global services, which say `us-east-1` (CloudTrail user
/// guide, "Logging global service events": changed on 2021-11-22).
const GLOBAL_EVENTS_ANYWHERE: &str = "2021/11/23";

/// The region that global services report.
const GLOBAL_REGION: &str = "us-east-1";

/// `2026/10/05`, as keys write it, so that texts compare as dates do.
fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| {
            if seconds < 0 {
                String::new()
            } else {
                "9999/12/31".to_owned()
            }
        },
        |time| time.strftime("%Y/%m/%d").to_string(),
    )
}

/// How far down the layout a folder's name leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Depth {
    /// No `AWSLogs/` in it: it may come further down, after so many folders.
    Above(usize),
    /// Folders of accounts, kinds, regions or months follow.
    Folders,
    /// Folders of years follow.
    Region,
    /// Folders of days follow.
    Month,
    /// Files follow, or what nobody knows.
    Files,
}

/// Whether these segments are an account, a kind, a region, a year, a month, as far as they go.
fn follows(inside: &[&str]) -> bool {
    let fits = |at: usize, length: usize| inside.get(at).is_none_or(|segment| digits(segment, length));
    fits(0, 12) && fits(3, 4) && fits(4, 2)
}

/// The layout as far as a name shows it, segment by segment after `AWSLogs/` and the organization.
pub(super) struct Layout<'n> {
    above: usize,
    inside: Option<Vec<&'n str>>,
}

impl<'n> Layout<'n> {
    /// Of a folder `a/b/` or a key `a/b/c`, whose last segment is then left out.
    pub(super) fn of(name: &'n str) -> Layout<'n> {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
        let inside = segments.iter().rposition(|segment| *segment == "AWSLogs").map(|at| {
            let after = &segments[at + 1..];
            match after.first() {
                Some(organization) if organization.starts_with("o-") => after[1..].to_vec(),
                _ => after.to_vec(),
            }
        });
        Layout {
            above: segments.len(),
            inside,
        }
    }

    pub(super) fn depth(&self) -> Depth {
        let Some(inside) = &self.inside else {
            return Depth::Above(self.above);
        };
        if !follows(inside) {
            return Depth::Files;
        }
        match inside.len() {
            0..=2 | 4 => Depth::Folders,
            3 => Depth::Region,
            5 => Depth::Month,
            _ => Depth::Files,
        }
    }

    /// The days that are wanted of this region, first and last.
    fn days(&self, wanted: &Wanted) -> (String, String) {
        let since = wanted.since.map_or_else(String::new, day);
        let until = wanted
            .until
            .map_or("9999/12/31".to_owned(), |until| day(until + LATE * 86_400));
        let region = self.inside.as_ref().and_then(|inside| inside.get(2));
        match region {
            Some(region) if !wanted.regions.is_empty() && !wanted.regions.contains(*region) => {
                if wanted.regions.contains(GLOBAL_REGION) {
                    (since, until.min(GLOBAL_EVENTS_ANYWHERE.to_owned()))
                } else {
                    (since, String::new())
                }
            }
            Some(_) | None => (since, until),
        }
    }

    /// Whether something in it may be wanted. What does not follow the layout always is.
    pub(super) fn may_hold(&self, wanted: &Wanted) -> bool {
        let Some(inside) = self.inside.as_ref().filter(|inside| follows(inside)) else {
            return true;
        };
        if let Some(account) = inside.first()
            && !wanted.accounts.is_empty()
            && !wanted.accounts.contains(*account)
        {
            return false;
        }
        // Flow logs, load balancers and AWS Config deliver into the same tree. Digests stay: they prove empty hours.
        if inside.get(1).is_some_and(|kind| !kind.starts_with("CloudTrail")) {
            return false;
        }
        let (since, until) = self.days(wanted);
        if inside.len() >= 3 && until.is_empty() {
            return false;
        }
        let date = inside.get(3..inside.len().min(6)).unwrap_or(&[]).join("/");
        let until_here = until.get(..date.len()).unwrap_or(&until);
        let since_here = since.get(..date.len()).unwrap_or(&since);
        since_here <= date.as_str() && date.as_str() <= until_here
    }

    /// Of a region or month of which all is wanted from some day on: that day, as keys have it behind the folder; empty
    /// where it is the first.
    pub(super) fn wanted_from(&self, wanted: &Wanted) -> Option<String> {
        let (since, until) = self.days(wanted);
        let date = self.inside.as_ref()?.get(3..)?.join("/");
        let last = match date.as_str() {
            "" => "9999/12/31".to_owned(),
            month => format!("{month}/31"),
        };
        let from = since.strip_prefix(&date).unwrap_or("").trim_start_matches('/');
        (last <= until).then(|| from.to_owned())
    }
}

#[cfg(test)]
mod tests;
