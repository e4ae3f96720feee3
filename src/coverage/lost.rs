//! Holes, which an archive is known to have: files that could not be read whole, files that a digest names, days without any.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Coverage, Hours};
use crate::time::Window;

/// Heard in fewer hours, a stream has no usual gap.
const FEW_HOURS: usize = 4;

/// What a file may have held that was not read whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Loss {
    /// The account whose events it held; empty where nothing tells.
    pub account: String,
    /// Their region; empty where nothing tells.
    pub region: String,
    /// When they happened; everything where nothing tells.
    #[serde(flatten)]
    pub window: Window,
    /// Why it was not read whole.
    pub why: String,
}

/// A stretch of time that lacks events of an account in a region.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hole {
    /// The stretch.
    pub window: Window,
    /// What is known of it.
    pub why: Why,
}

/// Why a stretch lacks events.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// Files are known and were not read whole.
    Lost {
        /// One of them.
        file: String,
        /// Why.
        why: String,
        /// How many more.
        more: u64,
    },
    /// A digest names files that are not there.
    Missing,
    /// Nothing was heard for longer than the stream's usual gaps allow.
    Silent,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Lost { file, why, more: 0 } => write!(f, "{} was not read whole: {why}", base(file)),
            Why::Lost { file, why, more } => {
                write!(f, "{} and {more} more files were not read whole: {why}", base(file))
            }
            Why::Missing => f.write_str("a digest names files that are not in the archive"),
            Why::Silent => f.write_str("silence beyond 24 hours and ten times the usual gap"),
        }
    }
}

/// A file's name without its folders.
fn base(file: &str) -> &str {
    let whole = file.trim_end_matches(['/', '\\']);
    whole.rsplit(['/', '\\']).next().unwrap_or(whole)
}

impl Loss {
    /// Whether it may have held events of an account in a region.
    fn concerns(&self, account: &str, region: &str) -> bool {
        (self.account.is_empty() || self.account == account) && (self.region.is_empty() || self.region == region)
    }
}

impl Coverage {
    /// A file was not read whole. Of two notes on one file the later in their order stays, so that the order of reading
    /// does not matter.
    pub fn lose(&mut self, file: &str, loss: Loss) {
        match self.lost.get_mut(file) {
            Some(known) => {
                // What either may have held is lost.
                if known.account != loss.account {
                    known.account.clear();
                }
                if known.region != loss.region {
                    known.region.clear();
                }
                known.window.first = known.window.first.min(loss.window.first);
                known.window.end = known.window.end.max(loss.window.end);
                if loss.why < known.why {
                    known.why = loss.why;
                }
            }
            None => {
                self.lost.insert(file.to_owned(), loss);
            }
        }
    }

    /// Takes files out of what is lost, since they were read after all or somebody accepts it: which were taken.
    pub fn found(&mut self, is_found: &dyn Fn(&str, &Loss) -> bool) -> Vec<(String, Loss)> {
        let mut found = Vec::new();
        self.lost.retain(|file, loss| {
            let stays = !is_found(file, loss);
            if !stays {
                found.push((file.clone(), loss.clone()));
            }
            stays
        });
        found
    }

    /// A span of events with the hours of files that were lost around it: the first and the last one may be among them.
    pub fn with_losses(&self, span: Window) -> Window {
        let known = |at: &i64| *at != i64::MIN && *at != i64::MAX;
        let windows = || self.lost.values().map(|loss| loss.window);
        Window {
            first: windows()
                .map(|window| window.first)
                .filter(known)
                .fold(span.first, i64::min),
            end: windows()
                .map(|window| window.end)
                .filter(known)
                .fold(span.end, i64::max),
        }
    }

    /// Accounts and regions that it has files, digests or losses of; a loss of which nothing tells whose it is stands
    /// in those of the others.
    pub fn places(&self) -> BTreeSet<(&str, &str)> {
        let heard = self.streams.keys().map(|(account, region, _)| (account, region));
        let proved = self.digests.keys().map(|(account, region, _)| (account, region));
        let mut places: BTreeSet<(&str, &str)> = heard
            .chain(proved)
            .map(|(account, region)| (account.as_str(), region.as_str()))
            .collect();
        for loss in self.lost.values() {
            let known = |(account, region): &(&str, &str)| loss.concerns(account, region);
            if !places.iter().any(known) {
                places.insert((&loss.account, &loss.region));
            }
        }
        places
    }

    /// Stretches of a window in which files that may hold events of an account in a region were not read whole; those
    /// that touch as one.
    pub fn losses(&self, account: &str, region: &str, window: Window) -> Vec<Hole> {
        let mut each: Vec<(Window, &str, &str)> = self
            .lost
            .iter()
            .filter(|(_, loss)| loss.concerns(account, region))
            .filter_map(|(file, loss)| Some((loss.window.intersection(window)?, file.as_str(), loss.why.as_str())))
            .collect();
        each.sort_unstable();
        let mut holes: Vec<Hole> = Vec::new();
        for (window, file, why) in each {
            if let Some(Hole {
                window: last,
                why: Why::Lost { more, .. },
            }) = holes.last_mut()
                && window.first <= last.end
            {
                last.end = last.end.max(window.end);
                *more += 1;
                continue;
            }
            holes.push(Hole {
                window,
                why: Why::Lost {
                    file: file.to_owned(),
                    why: why.to_owned(),
                    more: 0,
                },
            });
        }
        holes
    }

    /// Whether an account was heard in a region in too few hours to have a usual gap between them.
    pub fn is_quiet(&self, account: &str, region: &str) -> bool {
        self.hours(account, region).iter().count() < FEW_HOURS
    }

    /// Silences of a window in all regions of an account together.
    pub fn silences_everywhere(&self, account: &str, window: Window) -> Vec<Window> {
        let (mut heard, mut proved) = (Hours::default(), Hours::default());
        for region in self.regions() {
            heard.merge(&self.hours(account, region));
            proved.merge(&self.digest_hours(account, region));
        }
        heard.holes(&proved, window)
    }

    /// Everything that is missing of an account's management events in a region within a window: silences beyond their
    /// usual gaps, files that a digest names, files that were not read whole.
    pub fn holes(&self, account: &str, region: &str, window: Window) -> Vec<Hole> {
        self.holes_of(&self.management_hours(account, region), account, region, window)
    }

    /// The same where events of any class show that files are there: for data events.
    pub fn holes_of_all(&self, account: &str, region: &str, window: Window) -> Vec<Hole> {
        self.holes_of(&self.hours(account, region), account, region, window)
    }

    fn holes_of(&self, heard: &Hours, account: &str, region: &str, window: Window) -> Vec<Hole> {
        let mut holes = self.losses(account, region, window);
        let proved = self.digest_hours(account, region);
        if !heard.is_empty() || !proved.is_empty() {
            let silent = heard.holes(&proved, window).into_iter();
            holes.extend(silent.map(|window| Hole {
                window,
                why: Why::Silent,
            }));
        }
        let missing = self.missing(account, region, window).into_iter();
        holes.extend(missing.map(|hour| Hole {
            window: Window {
                first: hour,
                end: hour + 3600,
            },
            why: Why::Missing,
        }));
        holes.sort_unstable();
        holes
    }

    /// How much of a window the archive covers of an account in some regions together, in seconds: all of it less what
    /// is missing. Of an account without any event or digest there, nothing.
    pub fn covered(&self, account: &str, regions: &BTreeSet<&str>, window: Window) -> Vec<Window> {
        let mut missing: Vec<Window> = Vec::new();
        let (mut heard, mut proved) = (Hours::default(), Hours::default());
        for region in regions {
            heard.merge(&self.hours(account, region));
            proved.merge(&self.digest_hours(account, region));
            // A loss that may lie anywhere tells of no day that it is missing.
            let lost = self.losses(account, region, window).into_iter().map(|hole| hole.window);
            missing.extend(lost.filter(|lost| *lost != window));
            missing.extend(self.missing(account, region, window).into_iter().map(|hour| Window {
                first: hour,
                end: hour + 3600,
            }));
        }
        if heard.is_empty() && proved.is_empty() {
            return Vec::new();
        }
        missing.extend(heard.holes(&proved, window));
        missing.sort_unstable();
        let mut covered = Vec::new();
        let mut from = window.first;
        for hole in missing {
            if from < hole.first {
                covered.push(Window {
                    first: from,
                    end: hole.first.min(window.end),
                });
            }
            from = from.max(hole.end);
        }
        if from < window.end {
            covered.push(Window {
                first: from,
                end: window.end,
            });
        }
        covered
    }
}
