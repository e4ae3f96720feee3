//! `analyze`: the main job, one line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::arguments::{ChoiceArgs, Collected, GrantArgs, UsageArgs};
use super::backtest::LEARNT;
use super::report::{FormatArgs, attention, load};
use super::supplements::SupplementArgs;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::gap::Gap;
use crate::grants::{Grants, PolicyIndex};
use crate::report::{self, BacktestTotals, Inputs, Report};
use crate::rightsize::{AlternativeKind, Impossible, Options, Proposal};
use crate::verify::backtest::{Backtest, Choice, Split, backtest};
use crate::verify::{Held, Proved, Verified};
use crate::{emit, gap, rightsize, verify};

/// Up to so many rows of the table (signature and day), a backtest costs less than a second.
const BACKTEST_ROWS: usize = 50_000;
/// And up to so many principals.
const BACKTEST_PRINCIPALS: usize = 500;

/// Arguments of `analyze`.
#[derive(Args, Debug)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    usage: UsageArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    supplements: SupplementArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
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
    /// Replay the last third of the window under policies learnt from the rest, and say what breaks
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = BacktestArg::Auto, env = "TRIMTRAIL_BACKTEST")]
    backtest: BacktestArg,
    /// Write result.json, report.html, summary.md and the policies into this folder
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_OUT")]
    out: Option<PathBuf>,
    /// Fail where the archive has a gap
    #[arg(long, env = "TRIMTRAIL_STRICT")]
    strict: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum AlternativeArg {
    /// A permissions boundary that allows what stays
    Boundary,
    /// A denial of what would go, for a trial week; not equivalent
    Deny,
    /// A session policy that allows what stays, within 2,048 characters
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

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum BacktestArg {
    /// Where it takes less than a second
    Auto,
    /// Whatever it takes
    Always,
    /// Not at all
    Never,
}

impl AnalyzeArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let mut grants = self.grants.load(self.usage.aws())?;
        self.supplements.load(&mut grants.supplements)?;
        let shown = self.choice.shown(&grants)?;
        #[cfg(feature = "polars")]
        let is_whole = shown.is_none();
        let options = self.choice.options()?;
        let baseline = self.format.baseline.as_ref().map(load).transpose()?;
        let collected = self.usage.collect(terminal)?;

        let catalog = Catalog::embedded();
        let window = collected.window.unwrap_or_default();
        let mut gaps = gap::classify(catalog, &collected.table, &grants, &collected.coverage, window);
        self.choice.life_cycles.apply(&mut gaps);
        let (mut proposals, unfit) = match collected.window {
            Some(window) => rightsize::propose(catalog, &collected.table, &grants, &gaps, window, &options),
            None => (Vec::new(), Vec::new()),
        };
        let backtest = self.backtest(catalog, &collected, &grants, &options, shown.as_ref());
        let broke = backtest.as_ref().map(|backtest| &backtest.broke);
        for proposal in &mut proposals {
            if let Some(why) = broke.and_then(|broke| broke.get(&proposal.policy)) {
                proposal.hold(why);
            }
        }
        let mut proved: Vec<(Proposal, Verified<Proved>)> = Vec::new();
        let mut refused = Vec::new();
        let proofs: Vec<_> = proposals
            .into_par_iter()
            .map(|mut proposal| {
                let proof = verify::prove(catalog, &grants, &gaps, &proposal);
                proposal.candidates.clear();
                (proposal, proof)
            })
            .collect();
        for (proposal, proof) in proofs {
            match proof {
                Ok(verified) => proved.push((proposal, verified)),
                Err(refusals) => {
                    let (after, why) = report::refusal(&refusals);
                    refused.push((proposal.policy, proposal.affects, after, why));
                }
            }
        }
        let scarce = !unfit.is_empty() || proved.iter().any(|(proposal, _)| proposal.room.is_some());
        for (policy, why) in unfit {
            refused.push((policy, grants.affected_by(policy), serde_json::Value::Null, why));
        }
        let kinds = self.kinds(scarce);
        let (alternatives, impossible) = self.alternatives(&collected, &grants, &gaps, &options, &kinds, broke);
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
            alternatives,
            impossible,
            backtest: backtest.and_then(totals),
            options: &options,
            shown,
        });
        self.show(&report, terminal)?;
        #[cfg(feature = "polars")]
        if is_whole && collected.window.is_some() {
            self.keep(&report, terminal)?;
        }
        if collected.window.is_none() {
            terminal.say_nothing_seen(&self.usage.places(), &collected.coverage);
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

    /// The kinds of alternatives that were asked for, and splits where something stays for lack of room.
    fn kinds(&self, scarce: bool) -> BTreeSet<AlternativeKind> {
        let asked = self.alternatives.iter().map(|kind| kind.kind());
        asked.chain(scarce.then_some(AlternativeKind::Split)).collect()
    }

    /// Other ways to the same end, held where what they stand for broke in the backtest.
    fn alternatives(
        &self,
        collected: &Collected,
        grants: &Grants,
        gaps: &[Gap],
        options: &Options,
        kinds: &BTreeSet<AlternativeKind>,
        broke: Option<&BTreeMap<PolicyIndex, String>>,
    ) -> (Vec<Held>, Vec<(Impossible, serde_json::Value)>) {
        let catalog = Catalog::embedded();
        let (mut alternatives, mut impossible) = (Vec::new(), Vec::new());
        let Some(window) = collected.window.filter(|_| !kinds.is_empty()) else {
            return (alternatives, impossible);
        };
        let kinds: Vec<AlternativeKind> = kinds.iter().copied().collect();
        let (made, not_made) =
            rightsize::alternatives(catalog, &collected.table, grants, gaps, window, options, &kinds);
        // Why there is no split, the suggestion itself says.
        let asked = self.kinds(false);
        let not_made = not_made.into_iter().filter(|why| asked.contains(&why.kind));
        impossible.extend(not_made.map(|why| (why, serde_json::Value::Null)));
        for mut alternative in made {
            let concerns = |policy: PolicyIndex| match alternative.policy {
                Some(own) => own == policy,
                None => grants
                    .affected_by(policy)
                    .iter()
                    .any(|one| alternative.affects.contains(one)),
            };
            if let Some((_, why)) = broke.into_iter().flatten().find(|(policy, _)| concerns(**policy)) {
                alternative.hold(why);
            }
            match verify::alternative(catalog, gaps, alternative) {
                Ok(verified) => alternatives.push(verified),
                Err(refused) => {
                    let (alternative, refusal) = *refused;
                    let why = Impossible {
                        kind: alternative.kind,
                        policy: alternative.policy,
                        affects: alternative.affects,
                        why: refusal.to_string(),
                    };
                    impossible.push((why, serde_json::Value::Array(alternative.documents)));
                }
            }
        }
        (alternatives, impossible)
    }

    /// What a backtest shows, unless it was not wanted or the archive is too large or too short for one on the side.
    fn backtest(
        &self,
        catalog: &Catalog,
        collected: &Collected,
        grants: &Grants,
        options: &Options,
        shown: Option<&BTreeSet<usize>>,
    ) -> Option<Backtest> {
        let wanted = match self.backtest {
            BacktestArg::Auto => {
                collected.table.rows.len() <= BACKTEST_ROWS && grants.principals.len() <= BACKTEST_PRINCIPALS
            }
            BacktestArg::Always => true,
            BacktestArg::Never => false,
        };
        let choice = Choice {
            split: Split::Share(LEARNT),
            options,
            shown,
        };
        let window = collected.window.filter(|_| wanted)?;
        // An archive of one day has nothing to replay.
        backtest(catalog, &collected.table, grants, &collected.coverage, window, &choice).ok()
    }

    /// Keeps the answer in the ledger, so that `report --since-last` can compare it with the next. A ledger that cannot be
    /// written to has no history, and an answer all the same.
    #[cfg(feature = "polars")]
    fn keep(&self, report: &Report, terminal: &Terminal) -> anyhow::Result<()> {
        if let Some(dir) = self.usage.ledger() {
            let mut result = Vec::new();
            emit::write(report, emit::Format::Json, &emit::Options::default(), &mut result)?;
            if let Err(error) = crate::usage::ledger::keep_result(dir, &report.window.to, &result) {
                terminal.say(&format!("this result is not kept for --since-last: {error}"));
            }
        }
        Ok(())
    }

    fn show(&self, report: &Report, terminal: &Terminal) -> anyhow::Result<()> {
        let options = self.format.options(terminal);
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

/// What a backtest shows, unless it replayed nothing.
fn totals(answer: Backtest) -> Option<BacktestTotals> {
    (answer.totals.calls > 0).then(|| BacktestTotals {
        cut: answer.cut,
        learnt_days: answer.learnt_days.unsigned_abs(),
        replayed_days: answer.replayed_days.unsigned_abs(),
        calls: answer.totals.calls,
        broken_calls: answer.totals.broken_calls,
        doubtful_calls: answer.totals.doubtful_calls,
    })
}
