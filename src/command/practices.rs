//! `practices`: the twelve practices, each with a state, what that rests on and the next step.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::joined::JoinedArgs;
use super::suggesting::ReplayArgs;
use super::{Outcome, Terminal};
use crate::analysis;
use crate::catalog::Catalog;
use crate::emit;
use crate::report::{self, Inputs};

/// Arguments of `practices`.
#[derive(Args, Debug)]
pub(super) struct PracticesArgs {
    #[command(flatten)]
    joined: JoinedArgs,
    #[command(flatten)]
    replay: ReplayArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Terminal, env = "TRIMTRAIL_FORMAT")]
    format: Format,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people
    Terminal,
    /// For programs
    Json,
}

impl PracticesArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let grants = self.joined.grants(terminal)?;
        let options = analysis::Options {
            backtest: self.replay.when(),
            ..self.joined.options(&grants)?
        };
        let collected = self.joined.collect_if_given(terminal)?;
        let (catalog, archive) = (Catalog::embedded(), collected.archive());
        let analysis = analysis::judge(catalog, &archive, &grants, &options);
        let practices = report::scorecard(&Inputs {
            version: env!("CARGO_PKG_VERSION"),
            catalog,
            archive: &archive,
            grants: &grants,
            options: &options,
            analysis,
        });
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.format {
            Format::Terminal => emit::practices(&practices, terminal.width, &mut out)?,
            Format::Json => emit::json(&practices, &mut out)?,
        }
        out.flush()?;
        Ok(Outcome::Clear)
    }
}
