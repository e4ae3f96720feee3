//! `coverage`: what this archive can prove, what it cannot, and why.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use clap::{Args, ValueEnum};

use super::arguments::{OptionalGrantArgs, UsageArgs};
use super::integrity::IntegrityArgs;
use super::supplements::SupplementArgs;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::gap::{self, Named};
use crate::report::{self, CoverageInputs};
use crate::{analysis, emit};

/// Arguments of `coverage`.
#[derive(Args, Debug)]
pub(super) struct CoverageArgs {
    #[command(flatten)]
    usage: UsageArgs,
    #[command(flatten)]
    integrity: IntegrityArgs,
    #[command(flatten)]
    grants: OptionalGrantArgs,
    #[command(flatten)]
    supplements: SupplementArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Terminal, env = "TRIMTRAIL_FORMAT")]
    format: Format,
    /// Fail where the archive has a hole
    #[arg(long, env = "TRIMTRAIL_STRICT")]
    strict: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people
    Terminal,
    /// For programs
    Json,
}

impl CoverageArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let mut grants = self.grants.load(self.usage.aws())?;
        self.supplements.load(&mut grants.supplements)?;
        let catalog = Catalog::embedded();
        let named = Mutex::new(Named::default());
        let collected = self.usage.collect_undated(terminal, &|table| {
            if self.format == Format::Terminal {
                let more = gap::named(catalog, table);
                named.lock().unwrap_or_else(PoisonError::into_inner).merge(more);
            }
            // What calls touched is asked of grants alone, and is most of what a long archive holds.
            if grants.principals.is_empty() {
                table.rows.iter_mut().for_each(|row| row.resources = Vec::new());
            }
        })?;
        let Some(window) = collected.window else {
            terminal.say_nothing_seen(&self.usage.places(), &collected.coverage);
            return Ok(Outcome::NothingSeen);
        };
        let gaps = analysis::gaps(catalog, &collected.archive(), &grants, true);
        let explained = (!grants.principals.is_empty())
            .then(|| gap::explained(catalog, &collected.table, &grants, &collected.coverage, window));
        let integrity = self.integrity.run(&self.usage, terminal)?;
        let report = report::coverage(&CoverageInputs {
            catalog,
            coverage: &collected.coverage,
            grants: &grants,
            gaps: &gaps,
            window,
            explained: explained.as_ref(),
            integrity: integrity.as_ref(),
        });
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.format {
            Format::Terminal => {
                emit::coverage(&report, terminal.width, terminal.verbose > 0, &mut out)?;
                let unmapped = gap::unmapped_calls(catalog, &collected.table);
                let named = named.into_inner().unwrap_or_else(PoisonError::into_inner);
                emit::mapped(&named, &unmapped, &mut out)?;
                if let Some(integrity) = &report.integrity {
                    emit::integrity(integrity, &mut out)?;
                }
            }
            Format::Json => emit::json(&report, &mut out)?,
        }
        out.flush()?;
        let holes: usize = report.streams.iter().map(|stream| stream.holes.len()).sum();
        if self.strict && holes > 0 {
            terminal.say(&format!("{holes} holes in coverage, and --strict was given"));
            return Ok(Outcome::NeedsAttention);
        }
        Ok(integrity.map_or(Outcome::Clear, |integrity| self.integrity.outcome(&integrity)))
    }
}
