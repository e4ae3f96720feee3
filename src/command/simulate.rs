//! `simulate`: decide requests against policies.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::Outcome;
use crate::iam::simulate;

/// Arguments of `simulate`.
#[derive(Args, Debug)]
pub(super) struct SimulateArgs {
    /// One case or an array of them, as JSON; - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl SimulateArgs {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let named = || format!("`{}`", self.file.display());
        let text = if self.file.as_os_str() == "-" {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        } else {
            std::fs::read_to_string(&self.file).with_context(named)?
        };
        let mut out = io::BufWriter::new(io::stdout().lock());
        // One document, or one a line.
        for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            let cases = match document.with_context(named)? {
                Value::Array(cases) => cases,
                case => vec![case],
            };
            for case in cases {
                writeln!(out, "{}", serde_json::to_string(&simulate::line(&case))?)?;
            }
        }
        out.flush()?;
        Ok(Outcome::Clear)
    }
}
