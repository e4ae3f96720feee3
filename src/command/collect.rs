//! `collect`: logs into a usage ledger, only what is new. The weekly job.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::arguments::LogArgs;
use super::athena::AthenaArgs;
use super::doctor::policy::{self, Needs};
use super::{Outcome, Terminal};
use crate::source::{self, Source};
use crate::time::{DAY, typed_days};
use crate::usage::ledger::{self, How, Keep, Lock, Shard, Summary, Unread};

/// Files that cannot be read of which each has a line.
const UNREAD_LINES: usize = 10;

/// Arguments of `collect`.
#[derive(Args, Debug)]
pub(super) struct CollectArgs {
    #[command(flatten)]
    logs: LogArgs,
    /// The ledger's folder, made where it is not there
    #[arg(
        long,
        value_name = "DIR",
        env = "TRIMTRAIL_LEDGER",
        required_unless_present_any = ["example", "athena"]
    )]
    ledger: Option<PathBuf>,
    /// Drop days that were delivered so long before the newest one, and do not read them again (--keep-days 400d)
    ///
    /// Each run lists all days that are kept: only a listing shows what came late, changed, or lies in a trail that was
    /// not named before. Where that takes too many requests, `--since 40d` looks at recent days alone, and leaves
    /// older ones as they are; CloudTrail tries to deliver for 30 days.
    #[arg(
        long,
        alias = "keep",
        value_name = "DAYS",
        value_parser = typed_days,
        env = "TRIMTRAIL_KEEP_DAYS"
    )]
    keep_days: Option<u16>,
    /// Read the parts of shard I of N alone; `merge` makes one ledger of all shards
    #[arg(long, value_name = "I/N", value_parser = shard, env = "TRIMTRAIL_SHARD")]
    shard: Option<Shard>,
    /// Keep names of sessions too: people, instances, functions, tasks
    #[arg(long, env = "TRIMTRAIL_KEEP_IDENTITIES")]
    keep_identities: bool,
    /// Wait for another run on this ledger to end, in place of failing
    #[arg(long, env = "TRIMTRAIL_WAIT")]
    wait: bool,
    /// Print a ready file for the weekly job
    #[arg(long, value_enum, value_name = "KIND")]
    example: Option<Example>,
    #[command(flatten)]
    athena: AthenaArgs,
}

/// What runs the weekly job.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Example {
    /// A systemd service and its timer
    Systemd,
    /// A Kubernetes CronJob with its service account and volume
    Cronjob,
    /// A GitHub Actions workflow: reviews of pull requests, and pull requests every week
    Github,
    /// The same for GitLab, with the image that it needs
    Gitlab,
    /// The script behind both
    PullRequests,
    /// A Containerfile
    Container,
    /// The IAM policy that all of them need
    Policy,
}

/// `3/16`
fn shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("`{text}` is no shard; write I/N with I from 1 to N, such as 3/16");
    let (number, of) = text.split_once('/').ok_or_else(wrong)?;
    let (number, of) = (number.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if number < 1 || number > of {
        return Err(wrong());
    }
    Ok(Shard { number, of })
}

/// Takes a ledger, under a name that tells others who holds it.
pub(super) fn take(dir: &Path, command: &str, wait: bool) -> anyhow::Result<Lock> {
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second())?;
    let holder = format!("`{command}`, process {}, since {now}", std::process::id());
    Ok(Lock::take(dir, &holder, wait)?)
}

impl CollectArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        if let Some(example) = self.example {
            let text = self.example(example);
            io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(Outcome::Clear);
        }
        if self.athena.athena {
            let filter = self.logs.filter.options()?.filter;
            let now = jiff::Timestamp::now();
            // Each print names a place of its own: a result goes into an empty one.
            let run = now.subsec_nanosecond().unsigned_abs() ^ std::process::id();
            let sql = self.athena.sql(&self.logs.names(), &filter, now.as_second(), run)?;
            io::stdout().lock().write_all(sql.as_bytes())?;
            return Ok(Outcome::Clear);
        }
        let Some(dir) = &self.ledger else {
            bail!("no ledger given; pass --ledger DIR");
        };
        let options = self.logs.filter.options()?;
        if !options.filter.regions.is_empty() {
            bail!("--region does not choose what is collected: a part is an account's day in all regions");
        }
        let today = i32::try_from(jiff::Timestamp::now().as_second().div_euclid(DAY))?;
        let days = self.keep_days.map(i32::from);
        let keep = days.map(|days| Keep { days, today });
        // What would be dropped is not even listed. Days are asked for whole, as parts are.
        let mut filter = options.filter.clone();
        let oldest = self.keep_days.map(|days| (i64::from(today) - i64::from(days)) * DAY);
        filter.since = filter.since.map(|since| since.div_euclid(DAY) * DAY).max(oldest);
        filter.until = filter.until.map(|until| (until - 1).div_euclid(DAY) * DAY + DAY);
        let sources = self.logs.sources_of(&filter, terminal)?;
        let (lost, sources): (Vec<Source>, Vec<Source>) = sources.into_iter().partition(Source::is_out_of_reach);
        // Of what is kept, days that are gone by now were read while they were there, but for a new ledger.
        if options.filter.since.is_some() || !ledger::exists(dir) {
            for (source, why) in lost.iter().filter_map(|source| Some((source, source.open().err()?))) {
                terminal.say(&format!("{}: {why}", source.name()));
            }
        }
        if sources.contains(&Source::Stdin) {
            bail!("standard input cannot be read again when more comes; pass files to `collect`");
        }
        let how = How {
            options,
            identities: self.keep_identities,
            shard: self.shard,
            keep,
        };
        let lock = take(dir, "collect", self.wait)?;
        let summary = ledger::collect(lock, &sources, &how, &terminal.progress)?;
        terminal.progress.finish();
        summary.damaged.iter().for_each(|line| terminal.say(line));
        terminal.say(&sentence(&summary, dir));
        for Unread { name, why, .. } in summary.unread.iter().take(UNREAD_LINES) {
            terminal.say(&format!("not read, and tried again next time: {name}: {why}"));
        }
        if summary.unread.len() > UNREAD_LINES {
            terminal.say(&format!("… and {} more", summary.unread.len() - UNREAD_LINES));
        }
        // What could not be read before either was said then.
        if summary.unread.iter().any(|file| !file.again) {
            source::verdict(&sources, summary.files_known)?;
        }
        if !summary.refused.is_empty() {
            for refused in &summary.refused {
                terminal.say(&format!("left as it was: {refused}"));
            }
            bail!("{} parts were left as they were", summary.refused.len());
        }
        if summary.parts_read + summary.parts_known == 0 && self.shard.is_none() {
            terminal.say("no logs of the accounts and days asked for");
            return Ok(Outcome::NothingSeen);
        }
        Ok(Outcome::Clear)
    }

    /// A ready file with what else was given on the command line filled in.
    fn example(&self, example: Example) -> String {
        let mut places = self.logs.names();
        if places.is_empty() {
            places.push("s3://example-cloudtrail-logs".to_owned());
        }
        let text = match example {
            Example::Systemd => include_str!("collect/systemd.txt"),
            Example::Cronjob => include_str!("collect/cronjob.yaml"),
            Example::Github => include_str!("collect/github.yaml"),
            Example::Gitlab => include_str!("collect/gitlab.yaml"),
            Example::PullRequests => return include_str!("../../templates/trimtrail/pull-requests.sh").to_owned(),
            Example::Container => include_str!("collect/Containerfile"),
            Example::Policy => return policy(&places),
        };
        let ledger = match &self.ledger {
            Some(dir) => dir.display().to_string(),
            None => "/var/lib/trimtrail/ledger".to_owned(),
        };
        // A string in JSON is one in YAML.
        let list: Vec<String> = places.iter().map(|place| format!("{place:?}")).collect();
        text.replace("@logs@", &places.join(" "))
            .replace("@log@", &places[0])
            .replace("@logs_list@", &list.join(", "))
            .replace("@ledger@", &ledger)
            .replace("@keep@", &format!("{}d", self.keep_days.unwrap_or(400)))
            .replace("@version@", env!("CARGO_PKG_VERSION"))
    }
}

/// What the weekly job needs: the logs, decrypted by whatever key, and the grants.
fn policy(places: &[String]) -> String {
    let needs = Needs {
        places,
        kms_keys: &["arn:aws:kms:*:*:key/*".to_owned()],
        grants: true,
        organization: false,
        member_role: None,
        last_accessed: false,
        partition: "aws",
    };
    format!("{:#}\n", policy::of(&needs))
}

/// What a run did.
fn sentence(summary: &Summary, dir: &Path) -> String {
    let mut text = format!(
        "{}: read {} files ({:.1} MB, {} records) of {} parts; {} files of {} parts were known",
        dir.display(),
        summary.files_read,
        summary.bytes_read as f64 / 1e6,
        summary.records,
        summary.parts_read,
        summary.files_known,
        summary.parts_known,
    );
    if summary.parts_dropped > 0 {
        text.push_str(&format!("; dropped {} old parts", summary.parts_dropped));
    }
    if !summary.unread.is_empty() {
        text.push_str(&format!("; {} files cannot be read", summary.unread.len()));
    }
    text
}

#[cfg(test)]
mod tests;
