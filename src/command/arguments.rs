//! Argument groups that several subcommands share; each loads what it names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::Terminal;
use super::losses::LossArgs;
use super::network::AwsArgs;
use crate::analysis::Archive;
use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::decode::Limits;
use crate::grants::{self, Grants};
use crate::progress::Progress;
use crate::source::{self, Source, Wanted};
use crate::time::{DAY, Window, day_of, midnight, typed_days};
use crate::usage::{self, ExcludeRule, Filter, Table};
/// So much later than this machine's clock an event may be, in seconds.
const LATE: i64 = 3600;

/// What a file holds; `-` for stdin.
pub(super) fn text_of(path: &Path) -> anyhow::Result<String> {
    let read = || {
        if path.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(path)
        }
    };
    read().with_context(|| format!("cannot read `{}`", path.display()))
}

/// Where logs lie, and which of their events count.
#[derive(Args, Debug, Clone)]
pub(super) struct LogArgs {
    /// CloudTrail logs: a file, a folder, a glob, - for stdin, s3://bucket/prefix or lookup:REGION; repeats
    #[arg(long, value_name = "PLACE", num_args = 1.., env = "TRIMTRAIL_LOGS", value_delimiter = None)]
    pub(super) logs: Vec<OsString>,
    #[command(flatten)]
    pub(super) filter: FilterArgs,
    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// Where usage comes from: logs, or a ledger that was filled from them.
#[derive(Args, Debug, Clone)]
pub(super) struct UsageArgs {
    #[command(flatten)]
    logs: LogArgs,
    #[command(flatten)]
    losses: LossArgs,
    /// A usage ledger in place of --logs, as `collect` makes it; --since and --until then count whole days
    #[cfg(feature = "polars")]
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_LEDGER", conflicts_with = "logs")]
    ledger: Option<PathBuf>,
}

/// Which events count.
#[derive(Args, Debug, Clone)]
pub(super) struct FilterArgs {
    /// First moment that counts: a date, a time, or so many days ago (90d), that UTC day whole
    #[arg(long, value_name = "WHEN", env = "TRIMTRAIL_SINCE")]
    since: Option<String>,
    /// First moment that no longer counts
    #[arg(long, value_name = "WHEN", env = "TRIMTRAIL_UNTIL")]
    until: Option<String>,
    /// Only events that this account received; repeats
    #[arg(long, value_name = "ID", env = "TRIMTRAIL_ACCOUNT", value_delimiter = ',')]
    account: Vec<String>,
    /// Only events of this region; repeats
    #[arg(long, value_name = "REGION", env = "TRIMTRAIL_REGION", value_delimiter = ',')]
    region: Vec<String>,
    /// Most bytes that one file may inflate to
    #[arg(long, value_name = "BYTES", default_value = "4GiB", value_parser = bytes, env = "TRIMTRAIL_MAX_INFLATED")]
    max_inflated: u64,
    /// Threads; one a core by default
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        env = "TRIMTRAIL_THREADS"
    )]
    threads: usize,
    /// Use that is not the owner's, left out of the usage: a JSON list of {session, key, ip, from, to, reason}
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_EXCLUDE_USE")]
    exclude_use: Option<PathBuf>,
}

/// `4GiB`, `200MB`, `1024`
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("`{text}` is no size; write 4GiB or 200MB")),
    };
    let number: u64 = digits
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is no size; write 4GiB or 200MB"))?;
    number.checked_mul(unit).ok_or_else(|| format!("`{text}` is too large"))
}

/// `90d`
fn days_ago(text: &str) -> Option<Result<i64, String>> {
    let number = text.strip_suffix('d')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| typed_days(number).map(i64::from))
}

/// The first moment that counts: of so many days ago the whole day, so that today's begun one does not make one of them
/// short.
fn since(text: &str) -> anyhow::Result<i64> {
    let moment = moment(text)?;
    Ok(match days_ago(text) {
        Some(_) => day_of(moment) * DAY,
        None => moment,
    })
}

/// A date, a time, or so many days before now, in seconds since 1970.
fn moment(text: &str) -> anyhow::Result<i64> {
    if let Some(days) = days_ago(text) {
        return Ok(jiff::Timestamp::now().as_second() - days.map_err(anyhow::Error::msg)? * DAY);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return Ok(midnight(date));
    }
    let time: jiff::Timestamp = text
        .parse()
        .with_context(|| format!("`{text}` is neither a date (2026-10-01), a time, nor days (90d)"))?;
    Ok(time.as_second())
}

impl FilterArgs {
    pub(super) fn options(&self) -> anyhow::Result<usage::Options> {
        let filter = Filter {
            since: self.since.as_deref().map(since).transpose()?,
            until: self.until.as_deref().map(moment).transpose()?,
            accounts: self.account.iter().cloned().collect(),
            regions: self.region.iter().cloned().collect(),
        };
        if let (Some(since), Some(until)) = (filter.since, filter.until)
            && since >= until
        {
            bail!("--since is not before --until");
        }
        let limits = Limits {
            max_output: self.max_inflated,
            ..Limits::default()
        };
        // Whoever says until when means a day that has come. A clock that runs behind the catalog is wrong.
        let known = Catalog::embedded().date().parse().map_or(0, midnight);
        let now = jiff::Timestamp::now().as_second().max(known);
        let latest = filter.until.unwrap_or(now).max(now) + LATE;
        Ok(usage::Options {
            filter,
            limits,
            threads: self.threads,
            latest: Some(latest),
            exclude: self.exclude()?,
        })
    }

    fn exclude(&self) -> anyhow::Result<Vec<ExcludeRule>> {
        let Some(path) = &self.exclude_use else {
            return Ok(Vec::new());
        };
        let named = || format!("exclude-use file `{}`", path.display());
        let text = std::fs::read_to_string(path).with_context(named)?;
        let rules: Vec<ExcludeRule> = serde_json::from_str(&text).with_context(named)?;
        for rule in &rules {
            rule.check().map_err(anyhow::Error::msg).with_context(named)?;
        }
        Ok(rules)
    }
}

/// Everything that the places name, near and far; of what is far only what may pass the filter.
pub(super) fn find(
    places: &[OsString],
    filter: &Filter,
    aws: &AwsArgs,
    progress: &Progress,
) -> anyhow::Result<Vec<Source>> {
    let is_far = |place: &&OsString| place.to_str().is_some_and(source::is_remote);
    let (far, near): (Vec<&OsString>, Vec<&OsString>) = places.iter().partition(is_far);
    let far: Vec<String> = far
        .into_iter()
        .map(|place| place.to_string_lossy().into_owned())
        .collect();
    let wanted = Wanted {
        since: filter.since,
        until: filter.until,
        accounts: filter.accounts.clone(),
        regions: filter.regions.clone(),
    };
    let mut sources = source::find(&near)?;
    sources.extend(aws.find(&far, &wanted, progress)?);
    Ok(sources)
}

/// What the logs say.
pub(super) struct Collected {
    pub(super) table: Table,
    pub(super) coverage: Coverage,
    /// What was asked for, else what was seen.
    pub(super) window: Option<Window>,
    filter: Filter,
}

/// How sources are read.
type Read<'r> = dyn Fn(&[Source], &usage::Options, &Progress) -> Result<(Table, Coverage), usage::Error> + 'r;

impl LogArgs {
    pub(super) fn sources(&self, terminal: &Terminal) -> anyhow::Result<Vec<Source>> {
        self.sources_of(&self.filter.options()?.filter, terminal)
    }

    /// The same for another filter than the one that was given.
    pub(super) fn sources_of(&self, filter: &Filter, terminal: &Terminal) -> anyhow::Result<Vec<Source>> {
        if self.logs.is_empty() {
            bail!(
                "no logs given; pass --logs FOLDER (the folder that holds AWSLogs/), --logs - for stdin, or --ledger DIR"
            );
        }
        let sources = find(&self.logs, filter, &self.aws, &terminal.progress)?;
        if terminal.verbose > 0 {
            let bytes: u64 = sources.iter().map(Source::bytes).sum();
            let (files, places) = (sources.len(), self.names().join(", "));
            terminal.say(&format!(
                "{files} files listed in {places}, {:.1} MB",
                bytes as f64 / 1e6
            ));
        }
        Ok(sources)
    }

    /// What was given, as text.
    pub(super) fn names(&self) -> Vec<String> {
        self.logs
            .iter()
            .map(|place| place.to_string_lossy().into_owned())
            .collect()
    }

    /// Most bytes that one file may inflate to.
    pub(super) fn max_inflated(&self) -> u64 {
        self.filter.max_inflated
    }

    fn collect(&self, terminal: &Terminal, read: &Read<'_>) -> anyhow::Result<Collected> {
        let options = self.filter.options()?;
        let sources = self.sources(terminal)?;
        let (table, coverage) = read(&sources, &options, &terminal.progress)?;
        terminal.progress.finish();
        source::verdict(&sources, 0)?;
        let filter = options.filter;
        #[cfg(feature = "aws")]
        let mut filter = filter;
        #[cfg(feature = "aws")]
        let is_lookup = |place: &OsString| place.to_str().is_some_and(|place| place.starts_with("lookup:"));
        #[cfg(feature = "aws")]
        if self.logs.iter().all(is_lookup) {
            // The API answers for all of the time that it reaches.
            let now = jiff::Timestamp::now().as_second();
            filter.since = filter.since.or(Some(source::lookup::first_day(now)));
            filter.until = filter.until.or(Some(now));
        }
        Ok(Collected::new(table, coverage, filter))
    }
}

impl Collected {
    fn new(table: Table, coverage: Coverage, filter: Filter) -> Collected {
        let mut collected = Collected {
            table,
            coverage,
            window: None,
            filter,
        };
        collected.measure();
        collected
    }

    /// What no logs say.
    pub(super) fn nothing() -> Collected {
        Collected::new(Table::default(), Coverage::default(), Filter::default())
    }

    pub(super) fn archive(&self) -> Archive<'_> {
        Archive {
            table: &self.table,
            coverage: &self.coverage,
            window: self.window,
        }
    }

    /// Silence at the edges of what was asked for is silence too, and so is a file that was lost at the edges of what was
    /// seen.
    fn measure(&mut self) {
        let (coverage, filter) = (&self.coverage, &self.filter);
        self.window = coverage.span.map(|span| coverage.with_losses(span)).map(|span| Window {
            first: filter.since.unwrap_or(span.first),
            end: filter.until.unwrap_or(span.end),
        });
    }
}

impl UsageArgs {
    /// The ledger that stands in place of logs, where one does.
    pub(super) fn ledger(&self) -> Option<&Path> {
        #[cfg(feature = "polars")]
        return self.ledger.as_deref();
        #[cfg(not(feature = "polars"))]
        None
    }

    /// The logs, for what needs the files themselves.
    pub(super) fn logs(&self) -> anyhow::Result<&LogArgs> {
        match self.ledger() {
            Some(_) => bail!("a ledger does not hold the log files; pass --logs"),
            None => Ok(&self.logs),
        }
    }

    /// How the live API is reached.
    pub(super) fn aws(&self) -> &AwsArgs {
        &self.logs.aws
    }

    /// Whether either is given.
    pub(super) fn is_given(&self) -> bool {
        self.ledger().is_some() || !self.logs.logs.is_empty()
    }

    /// Whether the logs come from standard input.
    pub(super) fn reads_stdin(&self) -> bool {
        self.logs.logs.iter().any(|place| place == "-")
    }

    /// What was given, for a sentence.
    pub(super) fn places(&self) -> String {
        match self.ledger() {
            Some(dir) => dir.display().to_string(),
            None => self.logs.names().join(", "),
        }
    }

    pub(super) fn collect(&self, terminal: &Terminal) -> anyhow::Result<Collected> {
        self.collect_by(terminal, &usage::collect)
    }

    /// The same for what asks of no day, in memory that does not grow with the length of an archive: logs give a table
    /// that tells no days apart. `each` sees what is read before that, and may take from its rows what nobody asks for.
    pub(super) fn collect_undated(
        &self,
        terminal: &Terminal,
        each: &(dyn Fn(&mut Table) + Sync),
    ) -> anyhow::Result<Collected> {
        let mut collected = self.collect_by(terminal, &|sources, options, progress| {
            usage::collect_undated(sources, options, progress, each)
        })?;
        if self.ledger().is_some() {
            each(&mut collected.table);
        }
        Ok(collected)
    }

    fn collect_by(&self, terminal: &Terminal, read: &Read<'_>) -> anyhow::Result<Collected> {
        #[cfg(feature = "polars")]
        let collected = match &self.ledger {
            Some(dir) => self.read(dir, terminal),
            None => self.logs.collect(terminal, read),
        };
        #[cfg(not(feature = "polars"))]
        let collected = self.logs.collect(terminal, read);
        let mut collected = collected?;
        self.losses.settle(&mut collected.coverage, terminal)?;
        collected.measure();
        Ok(collected)
    }

    #[cfg(feature = "polars")]
    fn read(&self, dir: &Path, terminal: &Terminal) -> anyhow::Result<Collected> {
        let usage::Options { filter, exclude, .. } = self.logs.filter.options()?;
        if !exclude.is_empty() {
            bail!("a ledger does not keep what --exclude-use asks for; pass it to `collect`, into a new ledger");
        }
        let read = usage::ledger::read(dir, &filter)?;
        for line in &read.damaged {
            terminal.say(line);
        }
        if !read.complete {
            terminal.say("the last run of `collect` into this ledger was cut short; run it again to read the rest");
        }
        Ok(Collected::new(read.table, read.coverage, filter))
    }
}

/// What IAM grants.
#[derive(Args, Debug, Clone)]
pub(super) struct GrantArgs {
    /// Output of `aws iam get-account-authorization-details` or a snapshot of `trimtrail grants`, a file or a folder of
    /// them, or `live` for the API; repeats
    #[arg(long, value_name = "PLACE", num_args = 1.., required = true, env = "TRIMTRAIL_GRANTS")]
    grants: Vec<PathBuf>,
}

impl GrantArgs {
    pub(super) fn load(&self, aws: &AwsArgs) -> anyhow::Result<Grants> {
        load_grants(&self.grants, aws)
    }
}

fn load_grants(places: &[PathBuf], aws: &AwsArgs) -> anyhow::Result<Grants> {
    let (live, files): (Vec<PathBuf>, Vec<PathBuf>) =
        places.iter().cloned().partition(|place| place.as_os_str() == "live");
    let mut exports = if files.is_empty() {
        grants::Exports::default()
    } else {
        grants::exports(&files)?
    };
    if !live.is_empty() {
        exports.pages.extend(aws.grants()?);
    }
    Ok(exports.read()?)
}

/// What IAM grants, where that is asked for at all.
#[derive(Args, Debug, Clone)]
pub(super) struct OptionalGrantArgs {
    /// Count in what is granted: output of `aws iam get-account-authorization-details`, a file or a folder; repeats
    #[arg(long, value_name = "PLACE", num_args = 1.., env = "TRIMTRAIL_GRANTS")]
    grants: Vec<PathBuf>,
}

impl OptionalGrantArgs {
    pub(super) fn load(&self, aws: &AwsArgs) -> anyhow::Result<Grants> {
        if self.grants.is_empty() {
            return Ok(Grants::default());
        }
        load_grants(&self.grants, aws)
    }
}
