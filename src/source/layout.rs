//! What is asked of an archive, and what AWS's key layout says of a file before it is opened:
//! `…AWSLogs/[ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`.

use std::collections::BTreeSet;

use jiff::civil;

use crate::time::{DAY, Window, midnight};

/// How long before its delivery the events of a log file may lie: CloudTrail delivers within five minutes on average,
/// without a promise (CloudTrail user guide, "How CloudTrail works"), so an hour.
const DELAY: i64 = 3600;
/// How the names of log files end, packed or not.
const ENDINGS: [&str; 7] = ["json", "jsonl", "ndjson", "csv", "gz", "zst", "bz2"];
/// Those of packed ones.
const PACKED: &[&str] = ENDINGS.split_at(4).1;

/// What is asked of an archive. Empty sets take all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// First second.
    pub since: Option<i64>,
    /// First second that no longer counts.
    pub until: Option<i64>,
    /// Accounts that received the events.
    pub accounts: BTreeSet<String>,
    /// Regions.
    pub regions: BTreeSet<String>,
}

/// Account and delivery date of a file, where its name follows the layout, or is `lookup:REGION/ACCOUNT/DATE`; both empty
/// elsewhere.
pub(super) fn part(name: &str) -> (String, String) {
    if let Some(asked) = name.strip_prefix("lookup:") {
        let day = asked.split('/').collect::<Vec<_>>();
        return match day[..] {
            [_region, account, date] if date.parse::<civil::Date>().is_ok() => (account.to_owned(), date.to_owned()),
            _ => (String::new(), String::new()),
        };
    }
    let segments: Vec<&str> = name.split(['/', '\\']).collect();
    let [.., account, _kind, _region, year, month, day, _file] = segments[..] else {
        return (String::new(), String::new());
    };
    if digits(account, 12) && digits(year, 4) && digits(month, 2) && digits(day, 2) {
        (account.to_owned(), format!("{year}-{month}-{day}"))
    } else {
        (String::new(), String::new())
    }
}

/// What the events of a file are, as its name tells before it is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holds {
    /// Those of an account in a region at some time; what is not told is empty, or all of time.
    Events {
        /// Twelve digits.
        account: String,
        /// The region that delivered it.
        region: String,
        /// When they happened.
        window: Window,
    },
    /// The name does not tell.
    Unknown,
    /// None: another kind of file of AWS's.
    Nothing,
}

/// What a file holds by its name: `…/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`, or as much of that as a folder that
/// cannot be listed has, or `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHMMZ_RANDOM.json.gz` alone, or what LookupEvents was
/// asked for.
pub(super) fn holds(name: &str) -> Holds {
    if let Some(asked) = name.strip_prefix("lookup:") {
        return looked_up(asked).unwrap_or(Holds::Unknown);
    }
    let segments: Vec<&str> = name.split(['/', '\\']).collect();
    let file = segments.last().copied().unwrap_or_default();
    if let Some(found) = of_file(file) {
        return found;
    }
    let in_layout = segments
        .windows(2)
        .rposition(|pair| digits(pair[0], 12) && pair[1].starts_with(|c: char| c.is_ascii_alphabetic()));
    if let Some(at) = in_layout {
        return of_folders(&segments[at..]);
    }
    if let [.., root, account, ""] | [.., root, account] = segments[..]
        && digits(account, 12)
        && (root == "AWSLogs" || root.starts_with("o-"))
    {
        return Holds::Events {
            account: account.to_owned(),
            region: String::new(),
            window: Window::ALWAYS,
        };
    }
    Holds::Unknown
}

/// Whether a file is named as log files are, or has no ending at all, or is what somebody was not done with writing.
pub(super) fn is_named_like_a_log(name: &str) -> bool {
    has_ending(file_of(name)) || of_file(file_of(name)).is_some() || wholes(name).next().is_some()
}

/// The names under which the log lies, once it is whole, of which a file is a part or a copy: `X.json.gz` of
/// `X.json.gz.part`, of `X.json.gz~`, and of `.X.json.gz.a1B2c3`, as rsync calls what it is not done with. Nobody can list
/// what programs write behind a name; where the name tells of no log, something must be packed.
pub(super) fn wholes(name: &str) -> impl Iterator<Item = String> {
    let file = file_of(name);
    let (folder, shown) = (&name[..name.len() - file.len()], file.trim_start_matches('.'));
    let endings = if holds(name) == Holds::Unknown {
        PACKED
    } else {
        &ENDINGS[..]
    };
    let is_part = shown.len() < file.len() || !has_ending(file);
    let ends = shown.match_indices('.').filter_map(move |(dot, _)| {
        let rest = &shown[dot + 1..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric())?;
        let ending = &rest[..length];
        let known = endings.iter().any(|known| ending.eq_ignore_ascii_case(known));
        known.then(|| format!("{folder}{}", &shown[..dot + 1 + length]))
    });
    ends.filter(move |_| is_part)
}

/// Whether a hidden file is what somebody was not done with writing of a log.
pub(super) fn is_hidden_log(file: &str) -> bool {
    of_file(file).is_some() || wholes(file).next().is_some()
}

fn file_of(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

fn has_ending(file: &str) -> bool {
    file.rsplit_once('.')
        .is_none_or(|(_, ending)| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// `ACCOUNT_CloudTrail_REGION_20261003T0400Z_RANDOM.json.gz`: delivered at that minute, from whatever region.
fn of_file(file: &str) -> Option<Holds> {
    let mut pieces = file.strip_prefix('.').unwrap_or(file).split('_');
    let (account, kind, region, delivered) = (pieces.next()?, pieces.next()?, pieces.next()?, pieces.next()?);
    if !digits(account, 12) {
        return None;
    }
    if kind != "CloudTrail" {
        return kind.starts_with("CloudTrail-").then_some(Holds::Nothing);
    }
    let delivered = civil::DateTime::strptime("%Y%m%dT%H%MZ", delivered).ok()?;
    let hour = midnight(delivered.date()) + i64::from(delivered.hour()) * 3600;
    Some(Holds::Events {
        account: account.to_owned(),
        region: region.to_owned(),
        window: Window {
            first: hour - DELAY,
            end: hour + 3600,
        },
    })
}

/// The folders from the account on.
fn of_folders(folders: &[&str]) -> Holds {
    if folders.get(1) != Some(&"CloudTrail") {
        return Holds::Nothing;
    }
    let folder = |at: usize| folders.get(at).copied().filter(|folder| !folder.is_empty());
    let number = |at: usize, length: usize| folder(at)?.parse::<i16>().ok().filter(|_| digits(folders[at], length));
    let (year, month, day) = (number(3, 4), number(4, 2), number(5, 2));
    let date = |year, month: i16, day: i16| civil::Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok();
    let window = year.and_then(|year| {
        let first = date(year, month.unwrap_or(1), month.and(day).unwrap_or(1))?;
        let last = match (month, day) {
            (Some(_), Some(_)) => first,
            (Some(_), None) => first.last_of_month(),
            (None, _) => first.last_of_year(),
        };
        Some(Window {
            first: midnight(first) - DELAY,
            end: midnight(last) + DAY,
        })
    });
    Holds::Events {
        account: folders[0].to_owned(),
        region: folder(2).unwrap_or_default().to_owned(),
        window: window.unwrap_or(Window::ALWAYS),
    }
}

/// `REGION/ACCOUNT/DATE`, or `REGION/ACCOUNT/before DATE` of what lies out of reach.
fn looked_up(asked: &str) -> Option<Holds> {
    let mut pieces = asked.split('/');
    let (region, account, date) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let (before, date) = match date.strip_prefix("before ") {
        Some(date) => (true, date),
        None => (false, date),
    };
    let start = midnight(date.parse().ok()?);
    Some(Holds::Events {
        account: account.to_owned(),
        region: region.to_owned(),
        window: if before {
            Window {
                first: i64::MIN,
                end: start,
            }
        } else {
            Window {
                first: start,
                end: start + DAY,
            }
        },
    })
}

pub(super) fn digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
