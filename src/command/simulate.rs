//! `simulate`: decide requests against policies.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::Args;

use super::Outcome;
use super::arguments::text_of;
use crate::emit::escape;
use crate::iam::simulate;

/// Arguments of `simulate`.
#[derive(Args, Debug)]
pub(super) struct SimulateArgs {
    /// One case, an array of them, or one a line, as JSON; - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl SimulateArgs {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let text = text_of(&self.file)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        let (mut cases, mut malformed) = (0, 0);
        for line in simulate::lines(text.trim_start_matches('\u{feff}')) {
            match line {
                Ok(line) => {
                    cases += 1;
                    malformed += u64::from(line.error.is_some());
                    writeln!(out, "{}", escape::json(&serde_json::to_string(&line)?))?;
                }
                Err(torn) => {
                    out.flush()?;
                    return Err(anyhow!("`{}`: {torn}", self.file.display()));
                }
            }
        }
        out.flush()?;
        if malformed > 0 {
            let file = self.file.display();
            bail!("`{file}`: {malformed} of {cases} cases cannot be decided; the `error` of each says why");
        }
        Ok(Outcome::Clear)
    }
}
