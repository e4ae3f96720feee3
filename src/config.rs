//! The configuration file: each key is a flag of the same name.
//!
//! A key at the top counts for every subcommand that has the flag; under `[SUBCOMMAND]` it counts for that one, and there
//! before what stands at the top.

use toml::Value;

/// Its name in the working folder.
pub const FILE: &str = "trimtrail.toml";

/// What a subcommand says of a flag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flag {
    /// Whether it takes a value.
    pub takes_value: bool,
    /// Whether the command line or the environment gives it already, or what cannot stand beside it.
    pub overridden: bool,
    /// Whether it takes a value in one subcommand and none in another: a truth at the top is then for those that take none.
    pub mixed: bool,
    /// Keys that count in its place where they are set too.
    pub yields_to: Vec<String>,
}

/// What the flags are, for [`arguments`].
pub trait Flags {
    /// A flag of the subcommand that runs.
    fn takes(&self, flag: &str) -> Option<Flag>;

    /// Whether a subcommand has a flag; of no subcommand, whether any has.
    fn known(&self, subcommand: Option<&str>, flag: &str) -> bool;

    /// Whether there is such a subcommand.
    fn is_subcommand(&self, name: &str) -> bool;
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not TOML.
    #[error("line {line}: {why}")]
    Toml {
        /// Counted from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// A key that no subcommand knows.
    #[error("no flag `--{0}`")]
    UnknownKey(String),
    /// A key that the subcommand of its section does not know.
    #[error("`{subcommand}` has no flag `--{flag}`")]
    NotOfSubcommand {
        /// The section.
        subcommand: String,
        /// The key.
        flag: String,
    },
    /// A section that is no subcommand.
    #[error("no subcommand `{0}`")]
    UnknownSection(String),
    /// A value that no flag takes.
    #[error("`{0}` takes a string, a number, true or false, or a list of strings")]
    Value(String),
    /// A value for a flag that takes none.
    #[error("`{0}` takes true or false")]
    Truth(String),
}

/// The flags that a configuration sets for the subcommand `running`, as words of a command line.
///
/// # Errors
/// A key that is no flag anywhere, a section that is no subcommand: a typing slip would otherwise loosen a guard in
/// silence.
pub fn arguments(text: &str, running: &str, flags: &dyn Flags) -> Result<Vec<String>, Error> {
    let table: toml::Table = toml::from_str(text).map_err(|error| Error::Toml {
        line: text
            .bytes()
            .take(error.span().map_or(0, |span| span.start))
            .filter(|byte| *byte == b'\n')
            .count()
            + 1,
        why: error.message().to_owned(),
    })?;
    let mut set: Vec<(String, Value)> = Vec::new();
    let mut own: Vec<(String, Value)> = Vec::new();
    for (key, value) in table {
        let Value::Table(section) = value else {
            let flag = key.replace('_', "-");
            if !flags.known(None, &flag) {
                return Err(Error::UnknownKey(flag));
            }
            let for_us = |known: Flag| !known.mixed || known.takes_value != matches!(value, Value::Boolean(_));
            if flags.takes(&flag).is_some_and(for_us) {
                set.push((flag, value));
            }
            continue;
        };
        if !flags.is_subcommand(&key) {
            return Err(Error::UnknownSection(key));
        }
        for (flag, value) in section {
            let flag = flag.replace('_', "-");
            if !flags.known(Some(&key), &flag) {
                return Err(Error::NotOfSubcommand { subcommand: key, flag });
            }
            if key == running {
                own.push((flag, value));
            }
        }
    }
    set.retain(|(flag, _)| own.iter().all(|(known, _)| known != flag));
    set.extend(own);
    let names: Vec<String> = set.iter().map(|(flag, _)| flag.clone()).collect();
    let mut arguments = Vec::new();
    for (flag, value) in set {
        let Some(known) = flags.takes(&flag) else { continue };
        if !known.overridden && !known.yields_to.iter().any(|other| names.contains(other)) {
            words(&flag, value, known.takes_value, &mut arguments)?;
        }
    }
    Ok(arguments)
}

fn words(flag: &str, value: Value, takes_value: bool, words: &mut Vec<String>) -> Result<(), Error> {
    let wrong = || Error::Value(flag.to_owned());
    let texts = match value {
        Value::Boolean(truth) if !takes_value => {
            if truth {
                words.push(format!("--{flag}"));
            }
            return Ok(());
        }
        _ if !takes_value => return Err(Error::Truth(flag.to_owned())),
        Value::String(text) => vec![text],
        Value::Integer(number) => vec![number.to_string()],
        Value::Boolean(truth) => vec![truth.to_string()],
        Value::Array(values) => values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => Ok(text),
                _ => Err(wrong()),
            })
            .collect::<Result<_, _>>()?,
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => return Err(wrong()),
    };
    words.extend(texts.into_iter().map(|text| format!("--{flag}={text}")));
    Ok(())
}

#[cfg(test)]
mod tests;
