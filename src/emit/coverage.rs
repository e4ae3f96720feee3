//! What an archive proves, for people: a map of days and regions, holes, data events, and what would help most.

use std::io::{self, Write};

use super::escape;
use crate::report::{CoverageReport, StreamReport};
use crate::time::{self, date};

/// Lines of one list, unless all are asked for.
const SOME: usize = 8;

/// Writes the report, `width` columns wide; with `all` no list is cut.
///
/// # Errors
/// What the writer says.
pub fn coverage(report: &CoverageReport, width: usize, all: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { out, width, all };
    page.wrapped(
        "",
        &format!(
            "{} files, {} records: {} used, {} unmapped, {} name nobody, {} are no calls, {} skipped",
            report.files,
            report.records,
            report.events_used,
            report.events_unmapped,
            report.events_unattributed,
            report.events_not_calls,
            report.records_skipped
        ),
    )?;
    if report.events_own > 0 {
        page.wrapped(
            "",
            &format!(
                "{} calls were left out of this ledger by an earlier trimtrail, which took them for its own by their user agent or session: collect them again",
                report.events_own
            ),
        )?;
    }
    if report.events_sharing_id > 0 {
        page.wrapped(
            "",
            &format!(
                "{} events have the id of another one and say something else: all of them count",
                report.events_sharing_id
            ),
        )?;
    }
    map(report, &mut page)?;
    holes(report, &mut page)?;
    trails(report, &mut page)?;
    digests(report, &mut page)?;
    data_events(report, &mut page)?;
    unproved(report, &mut page)?;
    explained(report, &mut page)?;
    let skipped = report
        .skipped
        .iter()
        .map(|(what, why, records)| format!("{what}: {why} ({records} records)"));
    page.list("Skipped", skipped.collect())?;
    page.list(
        "Denials that name an action which the mapping had not found",
        report.mapping_disagreements.clone(),
    )
}

/// Where things go.
struct Page<'o> {
    out: &'o mut dyn Write,
    width: usize,
    all: bool,
}

impl Page<'_> {
    fn title(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.wrapped("", title)
    }

    /// A line, broken at words; what hangs over is indented by two more.
    fn wrapped(&mut self, indent: &str, text: &str) -> io::Result<()> {
        let text = escape::terminal(text);
        let wide = unicode_width::UnicodeWidthStr::width;
        let room = self.width.saturating_sub(indent.len() + 2).max(8);
        let mut line = indent.to_owned();
        let mut empty = true;
        for word in text.split(' ').flat_map(|word| pieces(word, room)) {
            if !empty && wide(line.as_str()) + 1 + wide(word) > self.width {
                writeln!(self.out, "{line}")?;
                line = format!("{indent}  ");
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        writeln!(self.out, "{line}")
    }

    /// A titled list; nothing where it is empty.
    fn list(&mut self, title: &str, lines: Vec<String>) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.title(title)?;
        let shown = if self.all { lines.len() } else { SOME.min(lines.len()) };
        for line in &lines[..shown] {
            self.wrapped("  ", line)?;
        }
        if shown < lines.len() {
            self.wrapped("  ", &format!("and {} more (-v shows all)", lines.len() - shown))?;
        }
        Ok(())
    }
}

/// A word that is wider than a line in pieces that are not.
fn pieces(word: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut columns) = (0, 0);
    for (at, c) in word.char_indices() {
        let wide = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if columns + wide > room {
            pieces.push(&word[start..at]);
            (start, columns) = (at, 0);
        }
        columns += wide;
    }
    pieces.push(&word[start..]);
    pieces
}

/// Seconds since 1970 of the day of a moment.
fn day_of(moment: &str) -> i64 {
    moment
        .parse::<jiff::Timestamp>()
        .map_or(0, |time| time::day_of(time.as_second()))
}

/// Days × regions: a line a stream, a column a day, or several days where they do not fit.
fn map(report: &CoverageReport, page: &mut Page<'_>) -> io::Result<()> {
    let label = |stream: &StreamReport| escape::terminal(&format!("{} {}", stream.account, stream.region)).into_owned();
    let widest = report
        .streams
        .iter()
        .map(|stream| unicode_width::UnicodeWidthStr::width(label(stream).as_str()))
        .max()
        .unwrap_or(0)
        .min(page.width / 2);
    let (first, last) = (day_of(&report.from), day_of(&report.to));
    let days = (last - first + 1).max(1);
    let room = i64::try_from(page.width.saturating_sub(widest + 4))
        .unwrap_or(40)
        .max(10);
    let a_column = (days + room - 1) / room;
    let unit = if a_column == 1 {
        "a column a day".to_owned()
    } else {
        format!("a column {a_column} days")
    };
    page.title(&format!(
        "Management events from {} to {}, {unit} (. none, ░ some hours, █ most hours)",
        date(first),
        date(last)
    ))?;
    for stream in &report.streams {
        let mut line = String::new();
        let mut day = first;
        while day <= last {
            let columns = (day..(day + a_column).min(last + 1))
                .map(|day| stream.hours_by_day.get(&date(day)).copied().unwrap_or(0));
            let (hours, days) = columns.fold((0, 0), |(hours, days), one| (hours + one, days + 1));
            line.push(match hours {
                0 => '.',
                hours if hours < 12 * days => '░',
                _ => '█',
            });
            day += a_column;
        }
        let label = escape::cut(&label(stream), widest).into_owned();
        let pad = widest.saturating_sub(unicode_width::UnicodeWidthStr::width(label.as_str()));
        writeln!(page.out, "  {label}{}  {line}", " ".repeat(pad))?;
    }
    let partial: Vec<String> = report
        .streams
        .iter()
        .filter_map(|stream| {
            let what = match (stream.management_read_hours, stream.management_write_hours) {
                (0, 0) => "no management events",
                (0, _) => "no management events that read: none of those can be judged there",
                (_, 0) => "no management events that write: none of those can be judged there",
                _ => return None,
            };
            Some(format!("{} {}: {what}", stream.account, stream.region))
        })
        .collect();
    page.list("Partly logged", partial)?;
    let kms: Vec<String> = report
        .streams
        .iter()
        .map(|stream| stream.account.clone())
        .filter(|account| {
            !report
                .streams
                .iter()
                .any(|stream| stream.account == *account && stream.kms)
        })
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .map(|account| format!("{account}: no event of kms.amazonaws.com; its trail may leave them out"))
        .collect();
    page.list("Perhaps excluded", kms)
}

fn holes(report: &CoverageReport, page: &mut Page<'_>) -> io::Result<()> {
    let holes: Vec<String> = report
        .streams
        .iter()
        .flat_map(|stream| {
            let line = move |from: &str, to: &str, why: &str| {
                format!("{} {}: {from} to {to}, {why}", stream.account, stream.region)
            };
            stream
                .holes
                .iter()
                .map(move |hole| line(&hole.from, &hole.to, &hole.why))
        })
        .collect();
    if holes.is_empty() {
        return page.title("Holes: none");
    }
    page.list(&format!("Holes: {}", holes.len()), holes)
}

fn trails(report: &CoverageReport, page: &mut Page<'_>) -> io::Result<()> {
    let flag = |flag: Option<bool>, yes: &str, no: &str| match flag {
        Some(true) => yes.to_owned(),
        Some(false) => no.to_owned(),
        None => format!("{yes}: not said"),
    };
    let trails = report.trails.iter().map(|trail| {
        let mut says = vec![
            flag(trail.multi_region, "all regions", "its home region only"),
            flag(trail.global_events, "global services", "no global services"),
            flag(trail.validation, "digests", "no digests"),
        ];
        if trail.organization {
            says.push("the whole organization".to_owned());
        }
        if !trail.selectors_known {
            says.push("selectors not given".to_owned());
        }
        format!(
            "{} of {} in {}: {}",
            trail.name,
            trail.account,
            trail.home_region,
            says.join(", ")
        )
    });
    page.list("Trails, as configured", trails.collect())?;
    let changes = report
        .trail_changes
        .iter()
        .map(|change| format!("{} {} {} of {}", change.time, change.name, change.trail, change.account));
    page.list(
        "Changes to trails (each class of events must be seen or configured before and after)",
        changes.collect(),
    )
}

fn digests(report: &CoverageReport, page: &mut Page<'_>) -> io::Result<()> {
    let lines = report.streams.iter().flat_map(|stream| {
        stream.digests.iter().map(move |digest| {
            format!(
                "{} {}: trail {} answers for {} hours from {} to {}, {} of them proved empty",
                stream.account, stream.region, digest.trail, digest.hours, digest.from, digest.to, digest.empty_hours
            )
        })
    });
    page.list("Digest files", lines.collect())
}

fn data_events(report: &CoverageReport, page: &mut Page<'_>) -> io::Result<()> {
    let on = report.data_events.iter().map(|data| {
        let more = data.resources.saturating_sub(data.names.len() as u64);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let kind = match (data.reads, data.writes) {
            (true, false) => ", reads only",
            (false, true) => ", writes only",
            _ => "",
        };
        format!(
            "{} in {} {}{kind}: {}{more}",
            data.resource_type,
            data.account,
            data.region,
            data.names.join(", ")
        )
    });
    let on: Vec<String> = on.collect();
    if on.is_empty() {
        page.title("Data events: none, so no object read, item query, function call or message can be judged")?;
    } else {
        page.list("Data events seen: nothing else of these types can be judged", on)?;
    }
    let off = report
        .data_events_off
        .iter()
        .map(|off| format!("{}: {} actions of the catalog", off.resource_type, off.actions));
    page.list("No data events of", off.collect())
}

fn unproved(report: &CoverageReport, page: &mut Page<'_>) -> io::Result<()> {
    let whose = if report.with_grants {
        "granted actions"
    } else {
        "actions of the catalog"
    };
    let lines = report
        .unproved
        .iter()
        .map(|missing| format!("{} {whose}: {}", missing.actions, missing.what));
    page.list("Cannot be judged, the greatest risk first", lines.collect())?;
    page.title(&format!(
        "No archive could show {} of {} {whose}",
        report.never_shown, report.of_actions
    ))?;
    match &report.would_prove_most {
        Some(what) => page.title(&format!("Would prove the most: {what}")),
        None => page.title("Nothing is missing that a change to the trail could add"),
    }
}

/// How many authorised calls the grants explain, and where they do not.
fn explained(report: &CoverageReport, page: &mut Page<'_>) -> io::Result<()> {
    let Some(explained) = report.explained.as_ref().filter(|explained| explained.calls > 0) else {
        return Ok(());
    };
    page.title(&format!(
        "Explained by the grants: {:.2} % of {} authorised calls ({} unexplained, {} of them unmapped)",
        explained.percent,
        explained.calls,
        explained.calls - explained.explained,
        explained.unmapped
    ))?;
    let services = explained.services.iter().filter(|one| one.explained < one.calls);
    let services = services.map(|one| format!("{}: {:.2} % of {} calls", one.event_source, one.percent, one.calls));
    page.list("Services with unexplained calls", services.collect())?;
    let operations = explained.operations.iter().filter(|one| one.explained < one.calls);
    let operations = operations.map(|one| {
        let why = if one.unmapped {
            "unknown to the catalog".to_owned()
        } else {
            let on = one.resources.first().map_or("*", String::as_str);
            format!("nothing allows {} on {on}", one.actions.join(", "))
        };
        let (source, name) = (&one.event_source, &one.event_name);
        format!(
            "{} of {} calls {source} {name}: {why}",
            one.calls - one.explained,
            one.calls
        )
    });
    page.list(
        "Unexplained operations: all grants that could explain them stay",
        operations.collect(),
    )
}

#[cfg(test)]
mod tests;
