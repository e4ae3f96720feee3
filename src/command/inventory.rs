//! `inventory`: every role and user, who can take it, who did, and how much it may do.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::joined::JoinedArgs;
use super::{Outcome, Terminal};
use crate::analysis;
use crate::catalog::Catalog;
use crate::emit;
use crate::report::{self, InventoryInputs};

/// Arguments of `inventory`.
#[derive(Args, Debug)]
pub(super) struct InventoryArgs {
    #[command(flatten)]
    joined: JoinedArgs,
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
    /// For a wiki page or a pull request
    Markdown,
    /// One row for each role and user
    Csv,
    /// One self-contained page
    Html,
    /// Who takes whom, for Graphviz
    Dot,
    /// Who takes whom, for Markdown that draws Mermaid
    Mermaid,
}

impl InventoryArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let grants = self.joined.grants(terminal)?;
        let options = self.joined.options(&grants)?;
        let collected = self.joined.collect_if_given(terminal)?;
        let (catalog, archive) = (Catalog::embedded(), collected.archive());
        let gaps = analysis::gaps(catalog, &archive, &grants, options.suggestions.life_cycles);
        let basis = analysis::basis(catalog, &archive, &grants, &gaps, &options);
        let splits = basis.map(|basis| analysis::splits(&basis, &options, None));
        let splits = splits.unwrap_or_default();
        let inventory = report::inventory(&InventoryInputs {
            catalog,
            archive: &archive,
            grants: &grants,
            gaps: &gaps,
            splits: &splits.proved,
            shows: &|index| options.shows(index),
        });
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.format {
            Format::Terminal => emit::inventory::terminal(&inventory, &terminal.form(), &mut out)?,
            Format::Json => emit::json(&inventory, &mut out)?,
            Format::Markdown => emit::inventory::markdown(&inventory, &mut out)?,
            Format::Csv => emit::inventory::csv(&inventory, &mut out)?,
            Format::Html => emit::inventory::html(&inventory, &mut out)?,
            Format::Dot => emit::inventory::dot(&inventory, &mut out)?,
            Format::Mermaid => emit::inventory::mermaid(&inventory, &mut out)?,
        }
        out.flush()?;
        if self.joined.usage.is_given() && archive.window.is_none() {
            terminal.say_nothing_seen(&self.joined.usage.places(), &collected.coverage);
            return Ok(Outcome::NothingSeen);
        }
        Ok(Outcome::Clear)
    }
}
