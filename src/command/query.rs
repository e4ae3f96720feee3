//! `query`: the named questions in `queries/`, or your own SQL.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::report::load;
use super::{Outcome, Terminal};
use crate::query::{self, Form, NAMED, Named};

/// Arguments of `query`.
#[derive(Args, Debug)]
pub(super) struct QueryArgs {
    /// A named question; --list shows them
    name: Option<String>,
    /// Your own SQL over the tables principals, actions, groups, suggestions, affected, risks, findings, workloads,
    /// data_events and gaps
    #[arg(long, value_name = "TEXT", conflicts_with = "name")]
    sql: Option<String>,
    /// A result.json
    #[arg(long, value_name = "RESULT", required_unless_present = "list")]
    result: Option<PathBuf>,
    /// Show the named questions
    #[arg(long)]
    list: bool,
    /// table, csv, json or parquet
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Form,
}

impl QueryArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let Some(result) = self.result.as_ref().filter(|_| !self.list) else {
            for named in NAMED {
                writeln!(out, "{:<24}{}", named.name, named.question())?;
            }
            out.flush()?;
            return Ok(Outcome::Clear);
        };
        let sql = match (&self.name, &self.sql) {
            (_, Some(sql)) => sql.clone(),
            (Some(name), None) => match Named::find(name) {
                Some(named) => named.sql.to_owned(),
                None => bail!("no query `{name}`; --list shows them"),
            },
            (None, None) => bail!("name a query (--list shows them), or give --sql"),
        };
        let mut answer = query::run(&load(result)?, &sql)?;
        query::write(&mut answer, self.format, terminal.width, &mut out)?;
        out.flush()?;
        Ok(Outcome::Clear)
    }
}
