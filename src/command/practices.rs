//! `practices`: the twelve practices, each with a state, what that rests on and the next step.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::arguments::{GrantArgs, UsageArgs};
use super::suggesting::ChoiceArgs;
use super::supplements::SupplementArgs;
use super::{Outcome, Terminal};
use crate::analysis::{self, Archive};
use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::emit;
use crate::report::{self, Inputs, PracticesReport};
use crate::usage::Table;

/// Arguments of `practices`.
#[derive(Args, Debug)]
pub(super) struct PracticesArgs {
    #[command(flatten)]
    usage: UsageArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    supplements: SupplementArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
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
        let mut grants = self.grants.load(self.usage.aws())?;
        self.supplements.load(&mut grants.supplements)?;
        let options = analysis::Options {
            shown: self.choice.shown(&grants)?,
            ..analysis::Options::of(&self.choice.options()?)
        };
        let is_given = self.usage.ledger().is_some() || self.usage.logs().is_ok_and(|logs| !logs.logs.is_empty());
        let collected = is_given.then(|| self.usage.collect(terminal)).transpose()?;
        let (table, coverage) = (Table::default(), Coverage::default());
        let archive = match &collected {
            Some(collected) => collected.archive(),
            None => Archive::new(&table, &coverage),
        };
        let catalog = Catalog::embedded();
        let analysis = analysis::analyse(catalog, &archive, &grants, &options);
        let report = report::build(Inputs {
            version: env!("CARGO_PKG_VERSION"),
            catalog,
            archive: &archive,
            grants: &grants,
            options: &options,
            analysis,
        });
        let practices = PracticesReport::of(&report);
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.format {
            Format::Terminal => emit::practices(&practices, terminal.width, &mut out)?,
            Format::Json => emit::json(&practices, &mut out)?,
        }
        out.flush()?;
        Ok(Outcome::Clear)
    }
}
