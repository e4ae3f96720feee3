//! `query`: the named questions in `queries/`, or your own SQL.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::report::load;
use super::{Outcome, Terminal};
use crate::query::{self, Form, NAMED, Named, Over};
use crate::usage::{Filter, ledger};

/// Arguments of `query`.
#[derive(Args, Debug)]
pub(super) struct QueryArgs {
    /// A named question; --list shows them
    name: Option<String>,
    /// Your own SQL over the tables of a result (principals, actions, groups, suggestions, affected, risks, findings,
    /// workloads, data_events, gaps) or of a ledger (ledger, calls, signatures, touched, sessions, keys, streams,
    /// data_events)
    #[arg(long, value_name = "TEXT", conflicts_with = "name")]
    sql: Option<String>,
    /// A result.json
    #[arg(long, value_name = "RESULT", required_unless_present_any = ["list", "ledger"], conflicts_with = "ledger")]
    result: Option<PathBuf>,
    /// A usage ledger
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
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
        if self.list {
            for (over, title) in [(Over::Result, "--result RESULT"), (Over::Ledger, "--ledger DIR")] {
                writeln!(out, "{title}")?;
                for named in NAMED.iter().filter(|named| named.over == over) {
                    writeln!(out, "  {:<24}{}", named.name, named.question())?;
                }
            }
            out.flush()?;
            return Ok(Outcome::Clear);
        }
        let (over, flag) = match self.ledger {
            Some(_) => (Over::Ledger, "--result RESULT"),
            None => (Over::Result, "--ledger DIR"),
        };
        let sql = match (&self.name, &self.sql) {
            (_, Some(sql)) => sql.as_str(),
            (Some(name), None) => match Named::find(name) {
                Some(named) if named.over == over => named.sql,
                Some(_) => bail!("`{name}` is asked with {flag}"),
                None => bail!("no query `{name}`; --list shows them"),
            },
            (None, None) => bail!("name a query (--list shows them), or give --sql"),
        };
        let mut answer = match (&self.ledger, &self.result) {
            (Some(dir), _) => {
                let read = ledger::read(dir, &Filter::default())?;
                read.damaged.iter().for_each(|line| terminal.say(line));
                query::over_ledger(&read.table, &read.coverage, sql)?
            }
            (None, Some(result)) => query::over_result(&load(result)?, sql)?,
            (None, None) => bail!("pass --result RESULT or --ledger DIR"),
        };
        query::write(&mut answer, self.format, terminal.width, &mut out)?;
        out.flush()?;
        Ok(Outcome::Clear)
    }
}
