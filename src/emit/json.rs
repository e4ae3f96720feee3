//! `result.json`: the answer as programs read it.

use std::io::Write;

use super::{Error, escape};
use crate::report::Report;

/// Writes the report with two spaces of indent and a line feed at the end.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(report)?;
    out.write_all(escape::json(&text).as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}
