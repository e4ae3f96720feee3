//! `merge`: ledgers made apart, by shards or machines, as one.

use std::path::PathBuf;

use clap::Args;

use super::collect::take;
use super::{Outcome, Terminal};
use crate::usage::ledger;

/// Arguments of `merge`.
#[derive(Args, Debug)]
pub(super) struct MergeArgs {
    /// The ledgers to merge
    #[arg(required = true, value_name = "LEDGER")]
    from: Vec<PathBuf>,
    /// The ledger to merge them into; what it holds counts too
    #[arg(long, value_name = "DIR", env = "TRIMTRAIL_LEDGER")]
    ledger: PathBuf,
    /// Every shard is in: join sessions with the calls that opened them, and drop the sessions
    #[arg(long)]
    join: bool,
    /// Wait for another run on this ledger to end, in place of failing
    #[arg(long, env = "TRIMTRAIL_WAIT")]
    wait: bool,
}

impl MergeArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let lock = take(&self.ledger, "merge", self.wait)?;
        let summary = ledger::merge(lock, &self.from, self.join)?;
        terminal.say(&format!(
            "{}: {} parts are new or changed, {} were there",
            self.ledger.display(),
            summary.parts_read,
            summary.parts_known
        ));
        Ok(Outcome::Clear)
    }
}
