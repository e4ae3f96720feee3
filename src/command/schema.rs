//! `schema`: JSON Schema of result.json.

use std::io::{self, Write};

use super::Outcome;
use crate::report::Report;

pub(super) fn run() -> anyhow::Result<Outcome> {
    let schema = schemars::schema_for!(Report);
    writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&schema)?)?;
    Ok(Outcome::Clear)
}
