//! `catalog`: what the embedded catalog knows; its date and sources.

mod logged;
mod spelt;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::Outcome;
use super::in_use::{self, CatalogInUse};
use crate::catalog::{AccessLevel, ActionId, Catalog, Logging, refresh};
use crate::emit::escape;

/// Arguments of `catalog`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct CatalogArgs {
    /// An action or a pattern, such as s3:GetObject or 'ec2:Describe*'; without one, date and sources
    #[arg(value_name = "ACTION")]
    pattern: Option<String>,
    #[command(subcommand)]
    command: Option<CatalogCommand>,
}

#[derive(Subcommand, Debug)]
enum CatalogCommand {
    /// Derive the catalog's text again from unpacked packages (for maintainers; see .ci/fetch-catalog)
    Refresh {
        /// The folder that holds the unpacked packages
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The folder of the catalog's text
        #[arg(long, value_name = "DIR", default_value = "src/catalog/data")]
        to: PathBuf,
    },
    /// Add the calls that logs hold as management events to the catalog's table of them (for maintainers)
    Logged {
        /// CloudTrail logs: files, folders
        #[arg(value_name = "PLACE", required = true)]
        logs: Vec<String>,
        /// The table
        #[arg(long, value_name = "FILE", default_value = "src/catalog/data/logged.tsv")]
        to: PathBuf,
    },
    /// Add the request parameters that logs and AWS's examples show to hold what ARNs have (for maintainers)
    Spelt {
        /// CloudTrail logs: files, folders
        #[arg(value_name = "PLACE")]
        logs: Vec<String>,
        /// The folder that holds the unpacked packages, for the SDK's examples
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// The table
        #[arg(long, value_name = "FILE", default_value = "src/catalog/data/spellings.tsv")]
        to: PathBuf,
    },
}

impl CatalogArgs {
    pub(super) fn run(self, in_use: &CatalogInUse) -> anyhow::Result<Outcome> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match &self.command {
            None => {}
            Some(CatalogCommand::Refresh { from, to }) => {
                writeln!(out, "{}", refresh::run(from, to)?)?;
                out.flush()?;
                return Ok(Outcome::Clear);
            }
            Some(CatalogCommand::Logged { logs, to }) => {
                let (before, now) = logged::run(logs, to)?;
                writeln!(out, "{now} calls, {before} before")?;
                out.flush()?;
                return Ok(Outcome::Clear);
            }
            Some(CatalogCommand::Spelt { logs, from, to }) => {
                let (before, now) = spelt::run(logs, from.as_deref(), to)?;
                writeln!(out, "{now} parameters, {before} before")?;
                out.flush()?;
                return Ok(Outcome::Clear);
            }
        }
        let catalog = Catalog::embedded();
        match &self.pattern {
            None => {
                writeln!(out, "catalog of {}: {} actions", catalog.date(), catalog.len())?;
                let place = match in_use.folder() {
                    Some(folder) => folder.display().to_string(),
                    None => "this program's own".to_owned(),
                };
                let age = in_use::age().map_or_else(String::new, |days| format!(", {days} days old"));
                writeln!(out, "  {}{age}", escape::terminal(&place))?;
                for source in catalog.sources() {
                    writeln!(out, "  {} {} ({})", source.name, source.version, source.licence)?;
                }
            }
            Some(pattern) => {
                let actions = catalog.expand(pattern);
                if actions.is_empty() && !pattern.contains(':') {
                    bail!("`{pattern}` is no action; write SERVICE:NAME, such as s3:GetObject or 's3:*'");
                }
                if actions.is_empty() {
                    bail!("the catalog of {} has no action `{pattern}`", catalog.date());
                }
                for action in &actions {
                    if actions.len() == 1 {
                        describe(catalog, *action, &mut out)?;
                    } else {
                        writeln!(
                            out,
                            "{}\t{}",
                            catalog.name(*action),
                            level(catalog.access_level(*action))
                        )?;
                    }
                }
            }
        }
        out.flush()?;
        Ok(Outcome::Clear)
    }
}

fn level(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::List => "List",
        AccessLevel::Read => "Read",
        AccessLevel::Write => "Write",
        AccessLevel::PermissionsManagement => "Permissions management",
        AccessLevel::Tagging => "Tagging",
    }
}

fn describe(catalog: &Catalog, action: ActionId, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", catalog.name(action))?;
    writeln!(out, "  access level  {}", level(catalog.access_level(action)))?;
    let logging = match catalog.logging(action) {
        Logging::Management { read_only: true } => "management event, read".to_owned(),
        Logging::Management { read_only: false } => "management event, write".to_owned(),
        Logging::Data { resource_type } => format!("data event of {resource_type}"),
        Logging::Never { why } => format!("never logged: {why}"),
        Logging::Unknown { why } => format!("not known to be logged: {why}"),
    };
    writeln!(out, "  in a trail    {logging}")?;
    let types = catalog.resource_types(action);
    if types.is_empty() {
        writeln!(out, "  resources     * only")?;
    }
    for kind in types {
        let required = if kind.required { ", required" } else { "" };
        writeln!(out, "  resource      {}{required}: {}", kind.name, kind.arns.join(" "))?;
    }
    for dependent in catalog.dependents(action) {
        writeln!(out, "  may need too  {}", catalog.name(*dependent))?;
    }
    for cycle in catalog.life_cycles(action) {
        let names: Vec<&str> = cycle.keeps.iter().map(|stage| catalog.name(stage.action)).collect();
        let verb = if cycle.attaches { "ties" } else { "makes" };
        writeln!(
            out,
            "  {verb:<5}         {}, which takes {}",
            cycle.kind,
            names.join(" ")
        )?;
    }
    for role in catalog.linked_roles(action) {
        writeln!(out, "  may make      the service-linked role of {}", role.service)?;
    }
    let keys = catalog.condition_keys(action);
    if !keys.is_empty() {
        writeln!(out, "  conditions    {}", keys.join(" "))?;
    }
    Ok(())
}
