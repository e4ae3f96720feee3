//! `analyze`: the main job, one line.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::joined::JoinedArgs;
use super::report::{FormatArgs, attention, load};
use super::suggesting::ReplayArgs;
use super::{Outcome, Terminal};
use crate::analysis;
use crate::catalog::Catalog;
use crate::emit;
use crate::report::{self, Inputs, Report};
use crate::rightsize::AlternativeKind;

/// Arguments of `analyze`.
#[derive(Args, Debug)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    joined: JoinedArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Beside the suggestions, other ways to the same end; repeats
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        value_delimiter = ',',
        env = "TRIMTRAIL_ALTERNATIVES"
    )]
    alternatives: Vec<AlternativeArg>,
    #[command(flatten)]
    replay: ReplayArgs,
    /// Write result.json, report.html, summary.md and the policies into this folder
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_OUT")]
    out: Option<PathBuf>,
    /// Fail where the archive has a hole
    #[arg(long, env = "TRIMTRAIL_STRICT")]
    strict: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum AlternativeArg {
    /// A permissions boundary that allows what stays
    Boundary,
    /// A denial of what would go, for a trial week; not equivalent
    Deny,
    /// A session policy that allows what stays, within 2,048 characters; of a role with several workloads one for each, too
    Session,
    /// What stays by name, in several managed policies, where one is too small
    Split,
}

impl AlternativeArg {
    fn kind(self) -> AlternativeKind {
        match self {
            AlternativeArg::Boundary => AlternativeKind::PermissionsBoundary,
            AlternativeArg::Deny => AlternativeKind::TrialDeny,
            AlternativeArg::Session => AlternativeKind::SessionPolicy,
            AlternativeArg::Split => AlternativeKind::Split,
        }
    }
}

/// Says which choices no longer match; those about several that fail alike in one line.
fn stale(report: &Report, terminal: &Terminal) {
    let mut alike: Vec<(&report::Choice, &str, u64)> = Vec::new();
    for choice in &report.choices {
        let Some(why) = &choice.stale else { continue };
        let same = |known: &&mut (&report::Choice, &str, u64)| {
            let (of, because, _) = known;
            *because == why
                && (&of.decision, &of.service, &of.actions) == (&choice.decision, &choice.service, &choice.actions)
        };
        match alike.iter_mut().find(same) {
            Some((_, _, more)) => *more += 1,
            None => alike.push((choice, why, 0)),
        }
    }
    for (choice, why, more) in alike {
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let (decision, service, principal) = (&choice.decision, &choice.service, &choice.principal);
        terminal.say(&format!(
            "a choice no longer matches ({decision} {service} of {principal}{more}): {why}"
        ));
    }
}

impl AnalyzeArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let grants = self.joined.grants(terminal)?;
        let options = analysis::Options {
            alternatives: self.alternatives.iter().map(|kind| kind.kind()).collect(),
            backtest: self.replay.when(),
            now: Some(jiff::Timestamp::now().as_second()),
            ..self.joined.options(&grants)?
        };
        let baseline = self.format.baseline.as_deref().map(load).transpose()?;
        let collected = self.joined.usage.collect(terminal)?;

        let (catalog, archive) = (Catalog::embedded(), collected.archive());
        let analysis = analysis::analyse(catalog, &archive, &grants, &options);
        let report = report::build(Inputs {
            version: env!("CARGO_PKG_VERSION"),
            catalog,
            archive: &archive,
            grants: &grants,
            options: &options,
            analysis,
        });
        stale(&report, terminal);
        self.show(&report, terminal)?;
        #[cfg(feature = "polars")]
        if options.shown.is_none() && collected.window.is_some() {
            self.keep(&report, terminal)?;
        }
        if collected.window.is_none() {
            terminal.say_nothing_seen(&self.joined.usage.places(), &collected.coverage);
            return Ok(Outcome::NothingSeen);
        }
        if self.strict && !report.coverage.gaps.is_empty() {
            terminal.say(&format!(
                "{} gaps in coverage, and --strict was given",
                report.coverage.gaps.len()
            ));
            return Ok(Outcome::NeedsAttention);
        }
        Ok(attention(&report, self.format.fail_on, baseline.as_ref()))
    }

    /// Keeps the answer in the ledger, so that `report --since-last` can compare it with the next. A ledger that cannot be
    /// written to has no history, and an answer all the same.
    #[cfg(feature = "polars")]
    fn keep(&self, report: &Report, terminal: &Terminal) -> anyhow::Result<()> {
        if let Some(dir) = self.joined.usage.ledger() {
            let mut result = Vec::new();
            emit::write(report, emit::Format::Json, &emit::Options::default(), &mut result)?;
            if let Err(error) = crate::usage::ledger::keep_result(dir, &report.window.to, &result) {
                terminal.say(&format!("this result is not kept for --since-last: {error}"));
            }
        }
        Ok(())
    }

    fn show(&self, report: &Report, terminal: &Terminal) -> anyhow::Result<()> {
        let options = emit::Options {
            result: self.out.as_ref().map(|dir| dir.join("result.json")),
            ..self.format.options(report, terminal)?
        };
        if let Some(dir) = &self.out {
            let written = emit::folder(report, dir, &options).with_context(|| format!("--out {}", dir.display()))?;
            terminal.say(&format!("wrote {} files to {}", written.files.len(), dir.display()));
            if !written.removed.is_empty() {
                let removed = written.removed.len();
                terminal.say(&format!(
                    "removed {removed} files there that an earlier run wrote and nothing suggests now"
                ));
            }
            for path in &written.edited {
                terminal.say(&format!(
                    "no longer suggested, and left because it was edited: {}",
                    path.display()
                ));
            }
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        emit::write(report, self.format.format, &options, &mut out)?;
        out.flush()?;
        Ok(())
    }
}
