//! `completions`: for bash, zsh, fish, PowerShell and Elvish.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, Outcome};

/// Arguments of `completions`.
#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "trimtrail", &mut script);
        io::Write::write_all(&mut io::stdout().lock(), &script)?;
        Ok(Outcome::Clear)
    }
}
