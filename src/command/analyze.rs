//! `analyze`: the main job, one line.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::arguments::{ChoiceArgs, GrantArgs, LogArgs};
use super::report::{FormatArgs, attention, load};
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::report::{self, Inputs, Report};
use crate::{emit, gap, rightsize, verify};

/// Arguments of `analyze`.
#[derive(Args, Debug)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    logs: LogArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Write result.json, report.html, summary.md and the policies into this folder
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_OUT")]
    out: Option<PathBuf>,
    /// Fail where the archive has a gap
    #[arg(long, env = "TRIMTRAIL_STRICT")]
    strict: bool,
}

impl AnalyzeArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let grants = self.grants.load(&self.logs.aws)?;
        let shown = self.choice.shown(&grants)?;
        let options = self.choice.options()?;
        let baseline = self.format.baseline.as_ref().map(load).transpose()?;
        let collected = self.logs.collect(terminal)?;

        let catalog = Catalog::embedded();
        let window = collected.window.unwrap_or((0, 0));
        let gaps = gap::classify(catalog, &collected.table, &grants, &collected.coverage, window);
        let writes = gap::policy_writes(&collected.table, &grants);
        let (proposals, unfit) = match collected.window {
            Some(window) => rightsize::propose(catalog, &gaps, &grants, window, &writes, &options),
            None => (Vec::new(), Vec::new()),
        };
        let mut proved = Vec::new();
        let mut refused = Vec::new();
        for proposal in proposals {
            match verify::prove(catalog, &grants, &gaps, &proposal) {
                Ok(verified) => proved.push((proposal, verified)),
                Err(refusals) => {
                    let (after, why) = report::refusal(&refusals);
                    refused.push((proposal.policy, proposal.affects, after, why));
                }
            }
        }
        for (policy, why) in unfit {
            refused.push((policy, grants.affected_by(policy), serde_json::Value::Null, why));
        }
        let report = report::build(Inputs {
            version: env!("CARGO_PKG_VERSION"),
            catalog,
            table: &collected.table,
            coverage: &collected.coverage,
            grants: &grants,
            gaps: &gaps,
            window: collected.window,
            proved,
            refused,
            options: &options,
            shown,
        });
        self.show(&report, terminal)?;
        if collected.window.is_none() {
            terminal.say(&nothing_seen(&report, &self.logs.logs));
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

    fn show(&self, report: &Report, terminal: &Terminal) -> anyhow::Result<()> {
        let options = self.format.options(terminal);
        if let Some(dir) = &self.out {
            let written = emit::folder(report, dir, &options).with_context(|| format!("--out {}", dir.display()))?;
            terminal.say(&format!("wrote {} files to {}", written.len(), dir.display()));
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        emit::write(report, self.format.format, &options, &mut out)?;
        out.flush()?;
        Ok(())
    }
}

/// Why a run saw nothing, and the way out.
fn nothing_seen(report: &Report, places: &[String]) -> String {
    let mut lines = vec![format!("no CloudTrail events in {}", places.join(", "))];
    for skipped in report.coverage.skipped.iter().take(3) {
        lines.push(format!("  {}: {}", skipped.what, skipped.why));
    }
    if report.coverage.events_filtered_out > 0 {
        lines.push(format!(
            "  {} events lie outside the filters given",
            report.coverage.events_filtered_out
        ));
    }
    lines.push("help: pass the folder that holds AWSLogs/, or - for stdin".to_owned());
    lines.join("\n")
}
