//! What subcommands take that join calls with grants: both, what stands beside the grants, and how suggestions are chosen.

use clap::Args;

use super::Terminal;
use super::arguments::{Collected, GrantArgs, UsageArgs};
use super::suggesting::ChoiceArgs;
use super::supplements::{ClusterArgs, SupplementArgs};
use crate::analysis::Options;
use crate::grants::Grants;

/// Calls, grants, and how to choose.
#[derive(Args, Debug)]
pub(super) struct JoinedArgs {
    #[command(flatten)]
    pub(super) usage: UsageArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    supplements: SupplementArgs,
    #[command(flatten)]
    clusters: ClusterArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
}

impl JoinedArgs {
    /// The grants, with what stands beside them.
    pub(super) fn grants(&self, terminal: &Terminal) -> anyhow::Result<Grants> {
        let mut grants = self.grants.load(self.usage.aws())?;
        self.supplements.load(&mut grants.supplements)?;
        self.clusters.load(&mut grants.supplements, terminal)?;
        Ok(grants)
    }

    /// Suggestions for those who are asked for, and nothing beside them.
    pub(super) fn options(&self, grants: &Grants) -> anyhow::Result<Options> {
        Ok(Options {
            shown: self.choice.shown(grants)?,
            ..Options::of(&self.choice.options()?)
        })
    }

    /// The calls; none where no logs are given.
    pub(super) fn collect_if_given(&self, terminal: &Terminal) -> anyhow::Result<Collected> {
        match self.usage.is_given() {
            true => self.usage.collect(terminal),
            false => Ok(Collected::nothing()),
        }
    }
}
