//! `inventory`: every role and user, who can take it, who did, and how much it may do.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::arguments::{GrantArgs, UsageArgs};
use super::suggesting::ChoiceArgs;
use super::supplements::SupplementArgs;
use super::{Outcome, Terminal};
use crate::analysis::{self, Archive};
use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::emit;
use crate::grants::SupplementFiles;
use crate::report::{self, InventoryInputs};
use crate::usage::Table;

/// Arguments of `inventory`.
#[derive(Args, Debug)]
pub(super) struct InventoryArgs {
    #[command(flatten)]
    usage: UsageArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    supplements: SupplementArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Output of `aws eks describe-cluster`, list- or describe-pod-identity-association(s), list-access-entries or
    /// describe-access-entry; repeats
    #[arg(long, value_name = "FILE", env = "TRIMTRAIL_EKS")]
    eks: Vec<PathBuf>,
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
        let mut grants = self.grants.load(self.usage.aws())?;
        self.supplements.load(&mut grants.supplements)?;
        let eks = SupplementFiles {
            eks: self.eks.clone(),
            ..SupplementFiles::default()
        };
        grants.supplements.extend(eks.load()?);
        let options = analysis::Options {
            shown: self.choice.shown(&grants)?,
            ..analysis::Options::of(&self.choice.options()?)
        };
        let collected = match self.usage.is_given() {
            true => Some(self.usage.collect(terminal)?),
            false => None,
        };
        let (table, coverage) = (Table::default(), Coverage::default());
        let archive = match &collected {
            Some(collected) => collected.archive(),
            None => Archive::new(&table, &coverage),
        };
        let catalog = Catalog::embedded();
        let gaps = analysis::gaps(catalog, &archive, &grants, options.suggestions.life_cycles);
        let splits = analysis::splits(catalog, &archive, &grants, &gaps, &options, None);
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
        Ok(match (&collected, archive.window) {
            (Some(collected), None) => {
                terminal.say_nothing_seen(&self.usage.places(), &collected.coverage);
                Outcome::NothingSeen
            }
            (Some(_), Some(_)) | (None, _) => Outcome::Clear,
        })
    }
}
