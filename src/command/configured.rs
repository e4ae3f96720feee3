//! The command line with the configuration file's keys beneath it: flags win over the environment, the environment over
//! the file.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::config::{self, Flag, Flags};

/// The words of a command line, and behind them those that the configuration file adds.
///
/// # Errors
/// A file that is named and cannot be read, or that sets what no subcommand has.
pub(super) fn words(command: &Command, given: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    // What is still missing may stand in the file; what is wrong shows when all words are read.
    let Ok(matches) = command.clone().ignore_errors(true).try_get_matches_from(&given) else {
        return Ok(given);
    };
    let Some((name, own)) = matches.subcommand() else {
        return Ok(given);
    };
    let Some(subcommand) = command.find_subcommand(name) else {
        return Ok(given);
    };
    let named = own.get_one::<PathBuf>("config");
    let path = named.cloned().unwrap_or_else(|| PathBuf::from(config::FILE));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(given),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let flags = Given {
        command,
        subcommand,
        matches: own,
    };
    let more = config::arguments(&text, name, &flags).with_context(|| format!("in `{}`", path.display()))?;
    let mut all = given;
    // Behind `--` nothing is a flag.
    let end = all.iter().position(|word| word == "--").unwrap_or(all.len());
    all.splice(end..end, more.into_iter().map(OsString::from));
    Ok(all)
}

/// The flags of the subcommand that runs, and what the command line and the environment say of them.
struct Given<'a> {
    command: &'a Command,
    subcommand: &'a Command,
    /// Of the subcommand; flags that all subcommands have stand here too.
    matches: &'a ArgMatches,
}

impl Given<'_> {
    /// A flag, and the command that defines it.
    fn find(&self, flag: &str) -> Option<(&Command, &Arg)> {
        [self.subcommand, self.command]
            .into_iter()
            .find_map(|command| of(command, flag).map(|argument| (command, argument)))
    }

    fn is_given(&self, argument: &Arg) -> bool {
        matches!(
            self.matches.value_source(argument.get_id().as_str()),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        )
    }
}

impl Flags for Given<'_> {
    fn takes(&self, flag: &str) -> Option<Flag> {
        let (owner, argument) = self.find(flag)?;
        let takes_value = argument.get_action().takes_values();
        // clap tells of a conflict on the side that names it.
        let conflicts = |a: &Arg, b: &Arg| owner.get_arg_conflicts_with(a).contains(&b);
        let others: Vec<&Arg> = owner
            .get_arguments()
            .filter(|other| conflicts(argument, other) || conflicts(other, argument))
            .collect();
        let named = |other: &&Arg| other.get_long().is_some_and(|long| long == "ledger");
        Some(Flag {
            takes_value,
            overridden: self.is_given(argument) || others.iter().any(|other| self.is_given(other)),
            mixed: self
                .command
                .get_subcommands()
                .filter_map(|subcommand| of(subcommand, flag))
                .any(|other| other.get_action().takes_values() != takes_value),
            // The file of a weekly job names both: what `collect` reads, and what everything else reads in its place.
            yields_to: if flag == "logs" && others.iter().any(named) {
                vec!["ledger".to_owned()]
            } else {
                Vec::new()
            },
        })
    }

    fn known(&self, subcommand: Option<&str>, flag: &str) -> bool {
        let mut subcommands = self.command.get_subcommands();
        of(self.command, flag).is_some()
            || subcommands.any(|one| subcommand.is_none_or(|name| one.get_name() == name) && of(one, flag).is_some())
    }

    fn is_subcommand(&self, name: &str) -> bool {
        self.command.find_subcommand(name).is_some()
    }
}

/// The flag of a command itself that has this name.
fn of<'c>(command: &'c Command, flag: &str) -> Option<&'c Arg> {
    command
        .get_arguments()
        .find(|argument| argument.get_long() == Some(flag))
}

#[cfg(test)]
mod tests;
