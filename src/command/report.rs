//! `report`: a result in another format, without analysing again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use flate2::read::MultiGzDecoder;

use super::patch::states;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::emit::{self, Format};
use crate::patch;
use crate::report::{self, Denial, Finding, Report, Severity};

/// How an answer is shown.
#[derive(Args, Debug, Clone)]
pub(super) struct FormatArgs {
    /// terminal, json, markdown, diff, html, sarif, rdjson, csv or parquet
    #[arg(long, value_name = "FORMAT", default_value = "terminal", env = "TRIMTRAIL_FORMAT")]
    pub(super) format: Format,
    /// Count held suggestions as applicable
    #[arg(long, env = "TRIMTRAIL_INCLUDE_HELD")]
    include_held: bool,
    /// Exit with 10 where a finding or suggestion weighs this much, or is not in the baseline
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Never, env = "TRIMTRAIL_FAIL_ON")]
    pub(super) fail_on: FailOn,
    /// An earlier result.json; what it holds is not new
    #[arg(long, value_name = "RESULT", env = "TRIMTRAIL_BASELINE")]
    pub(super) baseline: Option<PathBuf>,
    /// The folder with the Terraform, CloudFormation and JSON files of the policies: sarif and rdjson point there
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_SOURCES")]
    sources: Option<PathBuf>,
    /// With --sources, what `terraform show -json` prints of a state or a plan; repeats
    #[arg(long, value_name = "FILE", requires = "sources")]
    terraform_state: Vec<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FailOn {
    Never,
    Low,
    Medium,
    High,
    New,
}

impl FormatArgs {
    pub(super) fn options(&self, report: &Report, terminal: &Terminal) -> anyhow::Result<emit::Options> {
        let sources = match (&self.sources, self.format) {
            (Some(dir), Format::Sarif | Format::Rdjson) => {
                patch::written(report.into(), &states(&self.terraform_state)?, dir)?
            }
            _ => BTreeMap::new(),
        };
        Ok(emit::Options {
            include_held: self.include_held,
            sources,
            ..terminal.form()
        })
    }
}

/// Arguments of `report`.
#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// A result.json
    #[arg(value_name = "RESULT", required_unless_present = "since_last")]
    result: Option<PathBuf>,
    /// What changed since the last result: of --ledger, or from --baseline to RESULT
    #[arg(long)]
    since_last: bool,
    /// A usage ledger, which holds the results of `analyze --ledger` and the denials since
    #[cfg(feature = "polars")]
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_LEDGER")]
    ledger: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
    /// Write the files of `analyze --out` into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ReportArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        if self.since_last {
            return self.changes(terminal);
        }
        let Some(result) = &self.result else {
            bail!("no result given");
        };
        let report = load(result)?;
        let baseline = self.format.baseline.as_deref().map(load).transpose()?;
        let options = emit::Options {
            result: Some(result.clone()),
            ..self.format.options(&report, terminal)?
        };
        if let Some(dir) = &self.out {
            emit::folder(&report, dir, &options)?;
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        emit::write(&report, self.format.format, &options, &mut out)?;
        out.flush()?;
        Ok(attention(&report, self.format.fail_on, baseline.as_ref()))
    }
}

impl ReportArgs {
    /// What changed: between the last two results of a ledger, or from the baseline to a result.
    fn changes(&self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let (mut after, mut before) = (self.result.clone(), self.format.baseline.clone());
        if let Some(dir) = self.ledger()
            && (after.is_none() || before.is_none())
        {
            let (last, one_before) = last_results(dir)?;
            before = before.or(if after.is_some() { last.clone() } else { one_before });
            after = after.or(last);
        }
        let Some(after) = after else {
            bail!("no result to compare; run `analyze --ledger DIR`, or pass RESULT --baseline OLD");
        };
        let Some(before) = before else {
            if self.ledger().is_none() {
                bail!("nothing to compare with; pass --ledger DIR, or --baseline OLD");
            }
            terminal.say("no earlier result: what changed shows after the next `analyze --ledger`");
            return Ok(Outcome::Clear);
        };
        let (before, after) = (load_to_compare(&before)?, load_to_compare(&after)?);
        let denials = match self.ledger() {
            Some(dir) => Some(denials_since(dir, &before, terminal)?),
            None => None,
        };
        let changes = report::changes(Catalog::embedded(), &before, &after, denials.as_deref());
        let mut out = io::BufWriter::new(io::stdout().lock());
        emit::changes(&changes, self.format.format, &mut out)?;
        out.flush()?;
        // A cut that hurts weighs as much as anything can.
        if !changes.hurt.is_empty() && self.format.fail_on != FailOn::Never {
            return Ok(Outcome::NeedsAttention);
        }
        Ok(attention(&after, self.format.fail_on, Some(&before)))
    }

    fn ledger(&self) -> Option<&Path> {
        #[cfg(feature = "polars")]
        return self.ledger.as_deref();
        #[cfg(not(feature = "polars"))]
        None
    }
}

#[cfg(feature = "polars")]
fn last_results(dir: &Path) -> anyhow::Result<(Option<PathBuf>, Option<PathBuf>)> {
    Ok(crate::usage::ledger::last_results(dir)?)
}

#[cfg(not(feature = "polars"))]
fn last_results(_dir: &Path) -> anyhow::Result<(Option<PathBuf>, Option<PathBuf>)> {
    Ok((None, None))
}

/// Denials in a ledger that began after a result's window.
#[cfg(feature = "polars")]
fn denials_since(dir: &Path, before: &Report, terminal: &Terminal) -> anyhow::Result<Vec<Denial>> {
    let read = crate::usage::ledger::read(dir, &crate::usage::Filter::default())?;
    read.damaged.iter().for_each(|line| terminal.say(line));
    let after = before
        .window
        .to
        .parse::<jiff::Timestamp>()
        .map_or(i64::MIN, jiff::Timestamp::as_second);
    Ok(report::denials(Catalog::embedded(), &read.table, after))
}

#[cfg(not(feature = "polars"))]
fn denials_since(_dir: &Path, _before: &Report, _terminal: &Terminal) -> anyhow::Result<Vec<Denial>> {
    Ok(Vec::new())
}

/// Reads a result, compressed or not; of a folder that `--out` made, the one in it.
pub(super) fn load(path: &Path) -> anyhow::Result<Report> {
    let path = result_in(path);
    Report::read(|| open(&path)).with_context(|| format!("`{}`", path.display()))
}

/// The same, without what two results are not compared by.
fn load_to_compare(path: &Path) -> anyhow::Result<Report> {
    let path = result_in(path);
    Report::read_to_compare(|| open(&path)).with_context(|| format!("`{}`", path.display()))
}

fn result_in(path: &Path) -> PathBuf {
    let inside = path.join("result.json");
    if inside.is_file() { inside } else { path.to_owned() }
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let is_compressed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_compressed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    })
}

/// Whether something reached `--fail-on`. What a ready suggestion would take away weighs as much as its worst action.
pub(super) fn attention(report: &Report, fail_on: FailOn, baseline: Option<&Report>) -> Outcome {
    let least = match fail_on {
        FailOn::Never => return Outcome::Clear,
        FailOn::Low | FailOn::New => Severity::Low,
        FailOn::Medium => Severity::Medium,
        FailOn::High => Severity::High,
    };
    let is_new_suggestion = |id: &str| match (fail_on, baseline) {
        (FailOn::New, Some(baseline)) => baseline.suggestions.iter().all(|known| known.id != id),
        (FailOn::Never | FailOn::Low | FailOn::Medium | FailOn::High | FailOn::New, _) => true,
    };
    let is_known = |whose: &str, finding: &Finding| {
        let mut known = baseline
            .filter(|_| fail_on == FailOn::New)
            .into_iter()
            .flat_map(Report::findings);
        // Results of earlier programs have no keys.
        known.any(|(of, known)| {
            of == whose && known.id == finding.id && (known.key == finding.key || known.key.is_empty())
        })
    };
    let by_suggestion = report.suggestions.iter().any(|suggestion| {
        let weight = if suggestion.risk_removed.is_empty() {
            Severity::Low
        } else {
            Severity::High
        };
        suggestion.held.is_none() && weight >= least && is_new_suggestion(&suggestion.id)
    });
    let by_finding = report
        .findings()
        .any(|(whose, finding)| finding.severity >= least && !is_known(whose, finding));
    if by_suggestion || by_finding {
        Outcome::NeedsAttention
    } else {
        Outcome::Clear
    }
}
