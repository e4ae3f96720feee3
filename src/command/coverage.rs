//! `coverage`: what this archive can prove, what it cannot, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use clap::Args;

use super::arguments::UsageArgs;
use super::integrity::IntegrityArgs;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::coverage::{Class, Coverage};
use crate::emit::escape;
use crate::{emit, gap};

/// Most columns of an account and its region.
const NAME: usize = 48;
/// Most days that the map draws.
const DAYS: i64 = 120;

/// Arguments of `coverage`.
#[derive(Args, Debug)]
pub(super) struct CoverageArgs {
    #[command(flatten)]
    usage: UsageArgs,
    #[command(flatten)]
    integrity: IntegrityArgs,
}

impl CoverageArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let collected = self.usage.collect(terminal)?;
        let Some((from, to)) = collected.window else {
            terminal.say("no CloudTrail events in the logs given");
            for (what, why, _) in collected.coverage.skipped().iter().take(3) {
                terminal.say(&format!("  {what}: {why}"));
            }
            terminal.say("help: pass the folder that holds AWSLogs/, or - for stdin");
            return Ok(Outcome::NothingSeen);
        };
        let mut out = io::BufWriter::new(io::stdout().lock());
        write(&collected.coverage, from, to, &mut out)?;
        let catalog = Catalog::embedded();
        let unmapped = gap::unmapped_calls(catalog, &collected.table);
        emit::mapped(&gap::named(catalog, &collected.table), &unmapped, &mut out)?;
        let outcome = self.integrity.run(&self.usage, terminal, &mut out)?;
        out.flush()?;
        Ok(outcome)
    }
}

fn day_name(day: i64) -> String {
    jiff::Timestamp::from_second(day * 86_400)
        .map_or_else(|_| day.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}

pub(super) fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

fn write(coverage: &Coverage, from: i64, to: i64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{} files, {} records: {} used, {} unmapped, {} name nobody, {} are no calls, {} skipped",
        coverage.files,
        coverage.records,
        coverage.events_used,
        coverage.events_unmapped,
        coverage.events_unattributed,
        coverage.events_not_calls,
        coverage.records_skipped()
    )?;
    if coverage.events_own > 0 {
        writeln!(out, "{} calls of trimtrail itself left out", coverage.events_own)?;
    }
    let (first, last) = (from.div_euclid(86_400), to.div_euclid(86_400));
    let start = first.max(last - DAYS + 1);
    writeln!(
        out,
        "\nManagement events by day, {} to {}  (. none, ░ some hours, █ most hours)",
        day_name(start),
        day_name(last)
    )?;
    let streams: BTreeSet<(&str, &str)> = coverage
        .streams
        .keys()
        .map(|(account, region, _)| (account.as_str(), region.as_str()))
        .collect();
    let width = streams
        .iter()
        .map(|(account, region)| account.len() + region.len() + 1)
        .max()
        .unwrap_or(0)
        .min(NAME);
    for (account, region) in &streams {
        let hours = coverage.management_hours(account, region);
        let by_day: BTreeMap<i64, u32> = hours
            .days()
            .map(|(day, bits)| (i64::from(day), bits.count_ones()))
            .collect();
        let map: String = (start..=last)
            .map(|day| match by_day.get(&day) {
                None => '.',
                Some(hours) if *hours < 12 => '░',
                Some(_) => '█',
            })
            .collect();
        writeln!(
            out,
            "  {:width$}  {map}",
            escape::cut(&escape::terminal(&format!("{account} {region}")), NAME)
        )?;
    }
    let mut holes = Vec::new();
    for (account, region) in &streams {
        for (start, end) in coverage.holes(account, region, from, to) {
            holes.push(format!(
                "  {account} {region}  {} to {}",
                moment(start.max(from)),
                moment(end.min(to))
            ));
        }
    }
    writeln!(
        out,
        "\nHoles (silence beyond 24 hours and ten times the usual gap): {}",
        holes.len()
    )?;
    for hole in holes {
        writeln!(out, "{}", escape::terminal(&hole))?;
    }
    writeln!(out, "\nClasses of events")?;
    for (account, region) in &streams {
        let has = |class: Class| {
            let key = ((*account).to_owned(), (*region).to_owned(), class);
            if coverage.streams.contains_key(&key) {
                "yes"
            } else {
                "none seen"
            }
        };
        let line = format!(
            "  {account} {region}  management read: {}, write: {}",
            has(Class::ManagementRead),
            has(Class::ManagementWrite)
        );
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    writeln!(out, "\nData events")?;
    if coverage.data_roots.is_empty() {
        writeln!(
            out,
            "  none: no object read, item query, function call or message can be judged"
        )?;
    }
    for ((account, region, kind), roots) in &coverage.data_roots {
        let names: Vec<&str> = roots.keys().take(10).map(String::as_str).collect();
        let more = roots.len().saturating_sub(10);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let line = format!("  {kind} in {account} {region}: {}{more}", names.join(", "));
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    if !coverage.trail_changes.is_empty() {
        writeln!(out, "\nChanges to trails")?;
        for change in &coverage.trail_changes {
            writeln!(
                out,
                "  {} {} in {}",
                moment(change.time),
                escape::terminal(&change.name),
                change.account
            )?;
        }
    }
    let skipped = coverage.skipped();
    if !skipped.is_empty() {
        writeln!(out, "\nSkipped")?;
        for (what, why, records) in skipped {
            writeln!(
                out,
                "  {}: {} ({records} records)",
                escape::terminal(&what),
                escape::terminal(&why)
            )?;
        }
    }
    Ok(())
}
