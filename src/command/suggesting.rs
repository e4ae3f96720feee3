//! How suggestions are made: flags that several subcommands share.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::life_cycles::LifeCycleArgs;
use super::{choices, keep};
use crate::analysis::When;
use crate::grants::Grants;
use crate::rightsize::{EvidenceLevel, Level, Options, Resources};
use crate::time::typed_days;
use crate::{emit, iam};

/// What counts as evidence, and what is left alone.
#[derive(Args, Debug, Clone)]
pub(super) struct ChoiceArgs {
    /// How much evidence a removal needs
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = EvidenceArg::Conservative, env = "TRIMTRAIL_EVIDENCE")]
    evidence: EvidenceArg,
    /// What becomes of resources
    #[arg(long, value_enum, default_value_t = ResourcesArg::Keep, env = "TRIMTRAIL_RESOURCES")]
    resources: ResourcesArg,
    /// Where a wildcard of the original allows it, write one for each N actions that stay and share a beginning
    #[arg(
        long,
        value_name = "N",
        default_value = "4",
        num_args = 0..=1,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u16).range(2..),
        env = "TRIMTRAIL_COMPACT"
    )]
    compact: u16,
    /// Hold suggestions of less confidence than this
    #[arg(long, value_enum, default_value_t = ConfidenceArg::Low, env = "TRIMTRAIL_MIN_CONFIDENCE")]
    min_confidence: ConfidenceArg,
    /// What becomes of suggestions for those who work by a calendar that the window has not seen turn twice
    #[arg(long, value_enum, default_value_t = RhythmArg::Hold, env = "TRIMTRAIL_RHYTHM")]
    rhythm: RhythmArg,
    /// Days that the archive and a principal's life must span before a suggestion may be applied
    #[arg(long, value_name = "DAYS", default_value = "90d", value_parser = typed_days, env = "TRIMTRAIL_MIN_WINDOW")]
    min_window: u16,
    /// Days after a change to a principal or policy during which it is left alone
    #[arg(long, value_name = "DAYS", default_value = "30d", value_parser = typed_days, env = "TRIMTRAIL_GRACE")]
    grace: u16,
    /// What must stay: a JSON list of {principal, action, reason, expires}
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_KEEP")]
    keep: Option<PathBuf>,
    /// What people decided of what nobody can see: the answered file of `trimtrail decide`
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_CHOICES")]
    choices: Option<PathBuf>,
    /// Who runs trimtrail: a role or user, by ARN or name; repeats. Its policies are left as they are: what it does for
    /// trimtrail stands in the archive too
    #[arg(long, value_name = "ROLE", env = "TRIMTRAIL_OWN", value_delimiter = ',')]
    own: Vec<String>,
    /// Replace AWS-managed policies even where AWS maintains them together with what uses them
    #[arg(long, env = "TRIMTRAIL_REPLACE_AWS_MANAGED")]
    replace_aws_managed: bool,
    #[command(flatten)]
    pub(super) life_cycles: LifeCycleArgs,
    /// Where what stays only because nobody could see it stands in a rewritten policy
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = UnseenArg::Apart, env = "TRIMTRAIL_UNSEEN")]
    unseen: UnseenArg,
    /// Show only these principals: a glob over name, path or ARN; repeats
    #[arg(long, value_name = "GLOB", env = "TRIMTRAIL_ROLE")]
    role: Vec<String>,
}

/// Whether suggestions are held that a backtest breaks.
#[derive(Args, Debug)]
pub(super) struct ReplayArgs {
    /// Replay the last third of the window under policies learnt from the rest, and say what breaks
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = BacktestArg::Auto, env = "TRIMTRAIL_BACKTEST")]
    backtest: BacktestArg,
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

impl ReplayArgs {
    pub(super) fn when(&self) -> When {
        match self.backtest {
            BacktestArg::Auto => When::Auto,
            BacktestArg::Always => When::Always,
            BacktestArg::Never => When::Never,
        }
    }
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum EvidenceArg {
    /// Only what the archive would have shown, and did not
    Conservative,
    /// Also, as listed assumptions, regions without any event, and what `*` grants of services that --last-accessed says
    /// were never touched
    Balanced,
    /// Everything but what was used or may have been used
    Aggressive,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum ResourcesArg {
    /// They stay as they are
    Keep,
    /// A further suggestion cuts them down to what was touched
    Narrow,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum RhythmArg {
    /// They are held
    Hold,
    /// It is said, and they are not held for it
    Say,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum UnseenArg {
    /// In a statement of its own, beside the one for what was used or inferred
    Apart,
    /// In one statement with it
    Together,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum ConfidenceArg {
    /// None is held for its confidence
    Low,
    /// Hold those of low confidence
    Medium,
    /// Hold all but those of high confidence
    High,
}

impl ChoiceArgs {
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        Ok(Options {
            evidence: match self.evidence {
                EvidenceArg::Conservative => EvidenceLevel::Conservative,
                EvidenceArg::Balanced => EvidenceLevel::Balanced,
                EvidenceArg::Aggressive => EvidenceLevel::Aggressive,
            },
            resources: match self.resources {
                ResourcesArg::Keep => Resources::Keep,
                ResourcesArg::Narrow => Resources::Narrow,
            },
            compact: usize::from(self.compact),
            min_confidence: match self.min_confidence {
                ConfidenceArg::Low => Level::Low,
                ConfidenceArg::Medium => Level::Medium,
                ConfidenceArg::High => Level::High,
            },
            wait_for_rhythm: self.rhythm == RhythmArg::Hold,
            min_window: self.min_window,
            grace: self.grace,
            keep: keep::load(self.keep.as_deref(), &self.own)?,
            choices: choices::load(self.choices.as_deref())?,
            replace_aws_managed: self.replace_aws_managed,
            life_cycles: self.life_cycles.on(),
            unseen_apart: self.unseen == UnseenArg::Apart,
        })
    }

    /// The principals to show; `None` for all.
    pub(super) fn shown(&self, grants: &Grants) -> anyhow::Result<Option<BTreeSet<usize>>> {
        if self.role.is_empty() {
            return Ok(None);
        }
        let shown: BTreeSet<usize> = (0..grants.principals.len())
            .filter(|index| {
                let principal = &grants.principals[*index];
                let short = emit::short_name(&principal.arn);
                let texts = [&principal.name, &principal.path, &principal.arn, &short];
                self.role
                    .iter()
                    .any(|glob| texts.iter().any(|text| iam::pattern::matches(glob, text)))
            })
            .collect();
        if shown.is_empty() {
            bail!("no principal in the grants fits --role {}", self.role.join(", "));
        }
        Ok(Some(shown))
    }
}
