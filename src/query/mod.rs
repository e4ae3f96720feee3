//! The SQL in `/queries`, and anybody's own, over the tables of a result.
//!
//! Each named query is one file whose first line says what it answers; the tables are described in [`tables`].

mod table;
pub mod tables;

use polars::prelude::{DataFrame, IntoLazy, PolarsError};
use polars::sql::SQLContext;

use crate::report::Report;

pub use table::{Form, write};

/// A query that ships with the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// Its name: the file's, without `.sql`.
    pub name: &'static str,
    /// The SQL.
    pub sql: &'static str,
}

macro_rules! named {
    ($($name:literal),* $(,)?) => {
        /// Every query in `/queries`, sorted by name.
        pub const NAMED: &[Named] = &[$(Named { name: $name, sql: include_str!(concat!("../../queries/", $name, ".sql")) }),*];
    };
}

named![
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
    "unseen-by-service",
    "unused-by-service",
    "who-uses-action",
    "workloads",
];

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
pub fn run(report: &Report, sql: &str) -> Result<DataFrame, Error> {
    let mut context = SQLContext::new();
    for (name, table) in tables::of(report)? {
        context.register(name, table.lazy());
    }
    Ok(context.execute(sql)?.collect()?)
}

#[cfg(test)]
mod tests;
