//! The SQL in `/queries`, and anybody's own, over the tables of a result or of a ledger.
//!
//! Each named query is one file whose first line says what it answers; the tables are described in [`tables`] and
//! [`ledger`].

pub mod ledger;
mod table;
pub mod tables;

use polars_core::prelude::{DataFrame, PolarsError};
use polars_lazy::frame::IntoLazy;
use polars_sql::SQLContext;

use crate::coverage::Coverage;
use crate::report::Report;
use crate::usage::Table;

pub use table::{Form, write};

/// What a query is asked of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// A result of `analyze`.
    Result,
    /// A usage ledger.
    Ledger,
}

/// A query that ships with the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// Its name: the file's, without `.sql`.
    pub name: &'static str,
    /// What it is asked of.
    pub over: Over,
    /// The SQL.
    pub sql: &'static str,
}

macro_rules! named {
    ($($over:ident: [$($name:literal),* $(,)?])*) => {
        /// Every query in `/queries`, those over a result first, each kind sorted by name.
        pub const NAMED: &[Named] = &[$($(Named {
            name: $name,
            over: Over::$over,
            sql: include_str!(concat!("../../queries/", $name, ".sql")),
        }),*),*];
    };
}

named! {
    Result: [
        "biggest-cut",
        "data-events-missing",
        "denied-only",
        "findings-by-severity",
        "held-suggestions",
        "idle-principals",
        "long-lived-users",
        "rare-actions",
        "ready-suggestions",
        "risky-unused",
        "roles-idle-90-days",
        "unseen-by-service",
        "unused-by-service",
        "who-uses-action",
        "workloads",
    ]
    Ledger: [
        "cross-account",
        "long-lived-keys",
        "new-since-last-week",
        "outside-working-hours",
        "root-use",
        "top-denied",
        "what-the-archive-shows",
        "who-assumes-whom",
        "who-touches-what",
        "who-uses-key",
        "who-uses-kms-key",
    ]
}

impl Named {
    /// What the query answers: its first line.
    pub fn question(&self) -> &'static str {
        self.sql.lines().next().unwrap_or("").trim_start_matches('-').trim()
    }

    /// The query of that name.
    pub fn find(name: &str) -> Option<Named> {
        NAMED.iter().copied().find(|named| named.name == name)
    }
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The SQL is wrong, or asks for what is not there.
    #[error("the query failed: {0}")]
    Sql(#[from] PolarsError),
    /// The answer could not be written.
    #[error("cannot write the answer")]
    Write(#[from] std::io::Error),
    /// The answer could not be written as CSV.
    #[error("cannot write the answer")]
    Csv(#[from] csv::Error),
    /// The answer could not be written as JSON.
    #[error("cannot write the answer")]
    Json(#[from] serde_json::Error),
}

/// Runs SQL over a result's tables.
///
/// # Errors
/// What the engine says of the SQL.
pub fn over_result(report: &Report, sql: &str) -> Result<DataFrame, Error> {
    run(tables::of(report)?, sql)
}

/// Runs SQL over the tables of a ledger, or of logs that were read directly.
///
/// # Errors
/// What the engine says of the SQL.
pub fn over_ledger(table: &Table, coverage: &Coverage, sql: &str) -> Result<DataFrame, Error> {
    run(ledger::of(table, coverage)?, sql)
}

fn run(tables: Vec<(&'static str, DataFrame)>, sql: &str) -> Result<DataFrame, Error> {
    let mut context = SQLContext::new();
    for (name, table) in tables {
        context.register(name, table.lazy());
    }
    Ok(context.execute(sql)?.collect()?)
}

#[cfg(test)]
mod tests;
