//! `schema`: JSON Schema of what the program writes for programs.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::Outcome;
use crate::emit::change::VerifyChange;
use crate::report::{Changes, CoverageReport, Inventory, PracticesReport, Report};

/// Arguments of `schema`.
#[derive(Args, Debug)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value_t = Of::Result)]
    of: Of,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    /// result.json
    Result,
    /// `coverage --format json`
    Coverage,
    /// `report --since-last --format json`
    Changes,
    /// `inventory --format json`
    Inventory,
    /// `practices --format json`
    Practices,
    /// `verify --git BASE --format json`
    VerifyChange,
}

impl SchemaArgs {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let schema = match self.of {
            Of::Result => schemars::schema_for!(Report),
            Of::Coverage => schemars::schema_for!(CoverageReport),
            Of::Changes => schemars::schema_for!(Changes),
            Of::Inventory => schemars::schema_for!(Inventory),
            Of::Practices => schemars::schema_for!(PracticesReport),
            Of::VerifyChange => schemars::schema_for!(VerifyChange),
        };
        writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&schema)?)?;
        Ok(Outcome::Clear)
    }
}
