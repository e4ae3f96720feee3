//! The last 90 days of management events from CloudTrail itself: `lookup:REGION` (the LookupEvents API).
//!
//! Each day is a source of its own, so that a day that could not be read whole stands in the coverage by name. Data
//! events are never in it, so nothing it shows says that they are logged.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::primitives::DateTime;

use super::remote::Listed;
use super::tally::Tally;
use super::{Error, Fetch, Remote, Source, Unreadable, Wanted};
use crate::aws::{Connection, Kind, Trouble, explain};
use crate::time::{self, DAY};

/// How far back events can be looked up (CloudTrail API reference, LookupEvents).
const REACH: i64 = 90 * DAY;

/// Events a page (LookupEvents, `MaxResults`).
const PAGE: i32 = 50;

/// Time between two requests to one region: two a second are allowed for an account in a region (LookupEvents).
const PACE: Duration = Duration::from_millis(500);

/// Page tokens in a row that were refused without an event between them.
const STALE: u32 = 4;

/// Days in a row that could not be asked for, after which no other is.
const GIVEN_UP: u32 = 3;

/// Stands for an ETag of days over so long that nothing of them is still to come: CloudTrail shows events within
/// minutes (user guide, "Working with CloudTrail event history"), and we give it a day.
const SETTLED: &str = "settled";

/// How lookups are paced.
#[derive(Clone, Debug)]
pub struct Options {
    /// Now, in seconds since 1970: events reach 90 days back from here.
    pub now: i64,
    /// Time between two requests to one region.
    pub pace: Duration,
}

impl Options {
    /// As often as CloudTrail allows.
    pub fn at(now: i64) -> Options {
        Options { now, pace: PACE }
    }
}

/// The days of the regions that `places` name, as far as they are wanted.
///
/// # Errors
/// No region named, no credentials, or a caller that may not look up events.
pub fn find(
    connection: &Connection,
    places: &[String],
    wanted: &Wanted,
    options: &Options,
) -> Result<Vec<Source>, Error> {
    let mut found = Vec::new();
    // A region that is named twice has one turnstile.
    for place in places.iter().collect::<BTreeSet<_>>() {
        let failed = |trouble: Trouble| Error::Network {
            place: place.clone(),
            why: trouble.to_string(),
            help: trouble.help(),
        };
        let region = place.strip_prefix("lookup:").unwrap_or("");
        if region.is_empty() || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Error::Network {
                place: place.clone(),
                why: "no region named".to_owned(),
                help: "write lookup:eu-west-1",
            });
        }
        let account = connection.caller().map_err(failed)?.account;
        let is_wanted = |set: &std::collections::BTreeSet<String>, one: &str| set.is_empty() || set.contains(one);
        if !is_wanted(&wanted.accounts, &account) || !is_wanted(&wanted.regions, region) {
            continue;
        }
        let desk = Arc::new(Desk {
            region: region.to_owned(),
            connection: connection.clone(),
            client: Client::new(connection.in_region(region).config()),
            pace: options.pace,
            next: Mutex::new(Instant::now()),
            tally: Tally::of(["day", "days"]),
            given_up: Mutex::default(),
        });
        desk.knock().map_err(failed)?;

        // What is left of the day that is on its way out of reach would be less at each run.
        let reach = options.now - REACH;
        let reach_whole = first_day(options.now);
        let since = wanted.since.filter(|since| *since >= reach).unwrap_or(reach_whole);
        let until = wanted.until.unwrap_or(options.now).min(options.now);
        if wanted.since.is_some_and(|since| since < reach - DAY) {
            let name = format!("lookup:{region}/{account}/before {}", time::date_of(reach_whole));
            let unreadable = Unreadable {
                why: "LookupEvents reaches 90 days back; what lies before was not read".to_owned(),
                out_of_reach: true,
            };
            found.push(unreadable.source(name));
        }
        for day in since.div_euclid(DAY)..=(until - 1).div_euclid(DAY) {
            let range = since.max(day * DAY)..until.min((day + 1) * DAY);
            let is_settled = range.end - range.start == DAY && range.end + DAY <= options.now;
            let date = time::date(day);
            let name = format!("lookup:{region}/{account}/{date}");
            let desk = Arc::clone(&desk);
            let etag = if is_settled { SETTLED } else { "" };
            found.push(Source::Remote(Listed::alone(name, etag, Arc::new(Day { desk, range }))));
        }
    }
    Ok(found)
}

/// The first second of the first day that LookupEvents reaches whole.
pub fn first_day(now: i64) -> i64 {
    (time::day_of(now - REACH) + 1) * DAY
}

/// Looks up one event: a sentence on what worked.
///
/// # Errors
/// What stood in the way.
pub fn check(connection: &Connection, place: &str) -> Result<String, Trouble> {
    let region = place.strip_prefix("lookup:").unwrap_or("");
    let client = Client::new(connection.in_region(region).config());
    let page = connection
        .wait(client.lookup_events().max_results(1).send())
        .map_err(|error| explain(&error))?;
    let seen = page.events.map_or(0, |events| events.len());
    Ok(format!("events may be looked up ({seen} seen)"))
}

/// One region's turnstile.
struct Desk {
    region: String,
    connection: Connection,
    client: Client,
    pace: Duration,
    /// When the next request may go.
    next: Mutex<Instant>,
    /// Of days: one of which a page came did come.
    tally: Tally,
    /// Days in a row that could not be asked for, and why not the last of them.
    given_up: Mutex<(u32, Option<Trouble>)>,
}

impl Desk {
    /// One event, to see that we may.
    fn knock(&self) -> Result<(), Trouble> {
        let request = self.client.lookup_events().max_results(1);
        self.turn();
        self.connection.wait(request.send()).map_err(|error| explain(&error))?;
        Ok(())
    }

    /// Waits for our turn.
    fn turn(&self) {
        let mine = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = (*next).max(Instant::now());
            *next = mine + self.pace;
            mine
        };
        std::thread::sleep(mine.saturating_duration_since(Instant::now()));
    }

    /// A day began to come, or did not.
    fn note(&self, began: &Result<(), Trouble>) {
        self.tally.note(began);
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        *given_up = match began {
            Ok(()) => (0, None),
            Err(trouble) => (given_up.0 + 1, Some(trouble.clone())),
        };
    }

    /// Why nothing is asked for any more.
    fn closed(&self) -> Option<Trouble> {
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        let (GIVEN_UP.., Some(trouble)) = &*given_up else {
            return None;
        };
        Some(trouble.clone())
    }

    /// After too many requests everybody waits.
    fn calm_down(&self, pause: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(Instant::now() + pause);
    }
}

/// One day of one region.
struct Day {
    desk: Arc<Desk>,
    range: std::ops::Range<i64>,
}

impl Fetch for Day {
    /// The pace is the limit, so nothing is gained by asking ahead.
    fn expect(&self, _order: &[&Remote]) {}

    fn open(&self, _what: &Remote) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Pages {
            desk: Arc::clone(&self.desk),
            range: self.range.clone(),
            token: None,
            has_begun: false,
            is_done: self.range.is_empty(),
            earliest: self.range.end,
            at_earliest: HashSet::new(),
            stale: 0,
            here: Cursor::default(),
        }))
    }

    fn verdict(&self, earlier: u64) -> Result<(), Error> {
        let place = format!("lookup:{}", self.desk.region);
        self.desk.tally.verdict(place, earlier, Trouble::help)
    }
}

/// The records of a range of time, newest first, a line each.
struct Pages {
    desk: Arc<Desk>,
    /// First second, and the first second that is not asked for.
    range: std::ops::Range<i64>,
    token: Option<String>,
    /// A page came.
    has_begun: bool,
    is_done: bool,
    /// The earliest second that was met.
    earliest: i64,
    /// The events met in that second: they come again where a lookup is resumed there.
    at_earliest: HashSet<String>,
    stale: u32,
    here: Cursor<Vec<u8>>,
}

impl Pages {
    fn turn_page(&mut self) -> Result<(), Trouble> {
        if let Some(trouble) = self.desk.closed() {
            self.desk.tally.note(&Err::<(), _>(trouble.clone()));
            return Err(trouble);
        }
        let turned = self.persist();
        match &turned {
            Ok(()) if self.has_begun => {}
            // Of a day that broke off, what came counts; that credentials have run out bears on the days that follow.
            Err(trouble) if self.has_begun && trouble.kind != Kind::Expired => {}
            Ok(()) | Err(_) => self.desk.note(&turned),
        }
        self.has_begun |= turned.is_ok();
        turned
    }

    /// Asks for a page until it is here, or until asking is of no more use.
    fn persist(&mut self) -> Result<(), Trouble> {
        let mut again = 0;
        loop {
            self.desk.turn();
            // EndTime takes events before or at that second.
            let request = self
                .desk
                .client
                .lookup_events()
                .start_time(DateTime::from_secs(self.range.start))
                .end_time(DateTime::from_secs(self.range.end - 1))
                .max_results(PAGE)
                .set_next_token(self.token.clone());
            match self.desk.connection.wait(request.send()) {
                Ok(page) => {
                    self.take(page.events.unwrap_or_default());
                    let next = page.next_token.filter(|token| !token.is_empty());
                    if next.is_some() && next == self.token {
                        let sentence = "the next page of Event history is said to be the same page again";
                        return Err(Trouble::new(Kind::Other, sentence));
                    }
                    self.token = next;
                    self.is_done = self.token.is_none();
                    return Ok(());
                }
                Err(error) => {
                    let trouble = explain(&error);
                    if trouble.kind == Kind::StaleToken && self.token.is_some() && self.stale < STALE {
                        self.stale += 1;
                        self.token = None;
                        self.range.end = self.range.end.min(self.earliest + 1);
                        continue;
                    }
                    let Some(pause) = trouble.pause(again) else {
                        return Err(trouble);
                    };
                    self.desk.calm_down(pause);
                    again += 1;
                }
            }
        }
    }

    fn take(&mut self, events: Vec<aws_sdk_cloudtrail::types::Event>) {
        let mut lines = Vec::new();
        for event in events {
            let second = event.event_time.map_or(self.earliest, |time| time.secs());
            let id = event.event_id.unwrap_or_default();
            if second < self.earliest {
                self.earliest = second;
                self.at_earliest.clear();
            }
            if second == self.earliest && !id.is_empty() && !self.at_earliest.insert(id) {
                continue;
            }
            self.stale = 0;
            // An event without its record is a record that cannot be used, and counts as such.
            lines.extend_from_slice(event.cloud_trail_event.as_deref().unwrap_or("{}").as_bytes());
            lines.push(b'\n');
        }
        self.here = Cursor::new(lines);
    }
}

impl Read for Pages {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.here.read(buffer)?;
            if read > 0 || buffer.is_empty() || self.is_done {
                return Ok(read);
            }
            if let Err(trouble) = self.turn_page() {
                let reached = time::moment(self.earliest);
                let why = format!("{trouble}; events before {reached} of that day were not read");
                return Err(io::Error::other(why));
            }
        }
    }
}
