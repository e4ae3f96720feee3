//! What a file that was not read whole may have held: a hole in the archive, of some account, region and time.

use crate::coverage::Loss;
use crate::decode::{Event, NotCalls, Why};
use crate::source::{Holds, Source};
use crate::time::{DAY, Window};

use super::shard::account_of;

/// How much of a file is lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Extent {
    /// What CloudTrail did not write as it stands: a loss only where the file's name says that CloudTrail wrote it.
    Foreign,
    /// Records, in the midst of others that were read.
    Records,
    /// Everything, of a file in which nothing is a record: it may be none of a trail's.
    Strange,
    /// Everything from some point on.
    Rest,
}

/// What is wrong with a file's content, and what was read of it nevertheless. There is one of each file of an archive, so one
/// of a whole file takes hardly any room.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Damage(Option<Box<Found>>);

/// What was found in a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Found {
    /// The greatest extent, and the first reason of that extent.
    lost: Option<(Extent, String)>,
    /// Whether anything in it is a record.
    is_trail: bool,
    /// Whose events were read, where all are of one account.
    account: Option<String>,
    /// Whether there are others.
    of_many: bool,
    /// Whether it has no byte.
    is_empty: bool,
    /// When they happened.
    span: Option<Window>,
}

impl Damage {
    /// The file could not be read at all, or no further.
    pub(super) fn unreadable(why: &str) -> Damage {
        let mut damage = Damage::default();
        damage.lose(Extent::Rest, why);
        damage
    }

    /// Something was skipped; it stands for so many records.
    pub(super) fn skipped(&mut self, why: Why, records: u64) {
        let extent = match why {
            // CloudTrail gives each event its time, so one record without, in a file of which nothing tells whose it is,
            // must not silence what all others prove.
            Why::NotCloudTrail | Why::NoTime => Extent::Foreign,
            Why::NotATrail => Extent::Strange,
            Why::Empty => {
                self.found().is_empty = true;
                Extent::Rest
            }
            Why::NotJson
            | Why::NotARow
            | Why::NoSource
            | Why::NoName
            | Why::IdentityNotAnObject
            | Why::NotReduced
            | Why::RecordTooLarge
            | Why::TooDeep
                if records > 0 =>
            {
                Extent::Records
            }
            _ => Extent::Rest,
        };
        self.lose(extent, &why.to_string());
    }

    /// Something of CloudTrail's that is no event of a log: a log's name on it says that the log is gone.
    pub(super) fn beside(&mut self, why: NotCalls) {
        match why {
            NotCalls::Digest | NotCalls::Insight => self.lose(Extent::Foreign, &format!("it holds a {why}")),
            NotCalls::NetworkActivity | NotCalls::Aggregated => {}
        }
    }

    /// An event lacks its region, which CloudTrail gives each: where it counts nobody can tell.
    pub(super) fn without_region(&mut self) {
        self.lose(Extent::Foreign, "a record without its region");
    }

    /// The rest could not be read.
    pub(super) fn ends(&mut self, why: &str) {
        self.lose(Extent::Rest, why);
    }

    fn found(&mut self) -> &mut Found {
        self.0.get_or_insert_default()
    }

    fn lose(&mut self, extent: Extent, why: &str) {
        let found = self.found();
        if found.lost.as_ref().is_none_or(|(known, _)| *known < extent) {
            found.lost = Some((extent, why.to_owned()));
        }
    }

    /// Whether an event was read.
    pub(super) fn has_met(&self) -> bool {
        self.0.as_deref().is_some_and(|found| found.account.is_some())
    }

    /// An event was read: each of a file whose name does not tell what it holds, one of any other.
    pub(super) fn met(&mut self, event: &Event<'_>) {
        let time = event.time.seconds();
        let at = Window::of(time, time);
        let found = self.found();
        found.span = Some(found.span.map_or(at, |span| Window {
            first: span.first.min(at.first),
            end: span.end.max(at.end),
        }));
        let account = account_of(event);
        match &found.account {
            Some(known) => found.of_many |= known != account,
            None => found.account = Some(account.to_owned()),
        }
    }

    /// The file was read to its end, and so many of its records: where nothing is lost, nothing else matters.
    pub(super) fn read(&mut self, records: u64) {
        // "A log file contains one or more records" (CloudTrail user guide, "Log file examples"): one without any was
        // emptied by somebody else.
        if records == 0 && self.0.as_deref().is_none_or(|found| found.lost.is_none()) {
            self.lose(Extent::Foreign, "it holds no record");
        }
        match &mut self.0 {
            Some(found) if found.lost.is_some() => found.is_trail = records > 0,
            whole => *whole = None,
        }
    }

    /// What is lost with a file of that content and of this name; `None` where nothing is.
    pub(super) fn loss(&self, source: &Source) -> Option<Loss> {
        let found = self.0.as_deref()?;
        let (extent, why) = found.lost.as_ref()?;
        let loss = |account: String, region: String, window: Window| Loss {
            account,
            region,
            window,
            why: why.clone(),
        };
        // S3's console marks a folder with an empty object of its name.
        if found.is_empty && source.name().ends_with('/') {
            return None;
        }
        // What tells of no trail by its content must do so by its name.
        let by_name = found.is_trail || source.is_named_like_a_log();
        match source.holds() {
            Holds::Nothing => None,
            Holds::Events { .. } | Holds::Unknown if !by_name => None,
            Holds::Events {
                account,
                region,
                window,
            } => match &found.account {
                // A file that shows another account than its name lies in the wrong place.
                Some(shown) if *shown != account => Some(loss(String::new(), String::new(), window)),
                Some(_) | None => Some(loss(account, region, window)),
            },
            Holds::Unknown if matches!(extent, Extent::Foreign | Extent::Strange) => None,
            Holds::Unknown => {
                let account = found.account.clone().filter(|_| !found.of_many).unwrap_or_default();
                // Records stand in no order, but where one is lost amidst others it is of about their time.
                let window = match (extent, found.span) {
                    (Extent::Records, Some(span)) => Window {
                        first: span.first.saturating_sub(DAY),
                        end: span.end.saturating_add(DAY),
                    },
                    (Extent::Foreign | Extent::Records | Extent::Rest | Extent::Strange, _) => Window::ALWAYS,
                };
                Some(loss(account, String::new(), window))
            }
        }
    }
}

/// What is lost with a file that cannot be read at all; `None` where it would hold no events.
#[cfg(feature = "polars")]
pub(super) fn lost(source: &Source, why: &str) -> Option<Loss> {
    Damage::unreadable(why).loss(source)
}
