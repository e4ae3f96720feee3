//! `man`: the manual page, in roff.

use std::io;

use clap::CommandFactory;

use super::{Cli, Outcome};

pub(super) fn run() -> anyhow::Result<Outcome> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command
        .get_subcommands()
        .filter(|subcommand| subcommand.get_name() != "help")
    {
        clap_mangen::Man::new(subcommand.clone()).render(&mut page)?;
    }
    io::Write::write_all(&mut io::stdout().lock(), &page)?;
    Ok(Outcome::Clear)
}
