//! The configuration file: each key is a flag of the same name.

use toml::Value;

/// Its name in the working folder.
pub const FILE: &str = "trimtrail.toml";

/// What a subcommand says of a flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flag {
    /// Whether it takes a value.
    pub takes_value: bool,
    /// Whether the command line or the environment gives it already, or what cannot stand beside it.
    pub overridden: bool,
    /// The key that counts in its place where both are set.
    pub yields_to: Option<&'static str>,
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
    /// A value that no flag takes.
    #[error("`{0}` takes a string, a number, true or false, or a list of strings")]
    Value(String),
}

/// The flags of one subcommand that a configuration sets. `takes` describes a flag of the subcommand, `anywhere` tells
/// whether some other one has it.
///
/// # Errors
/// A key that is no flag anywhere: a typing slip would otherwise loosen a guard in silence.
pub fn arguments(
    text: &str,
    takes: &dyn Fn(&str) -> Option<Flag>,
    anywhere: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, Error> {
    let table: toml::Table = toml::from_str(text).map_err(|error| Error::Toml {
        line: text
            .bytes()
            .take(error.span().map_or(0, |span| span.start))
            .filter(|byte| *byte == b'\n')
            .count()
            + 1,
        why: error.message().to_owned(),
    })?;
    let names: Vec<String> = table.keys().map(|key| key.replace('_', "-")).collect();
    let mut arguments = Vec::new();
    for (key, value) in table {
        let flag = key.replace('_', "-");
        let Some(known) = takes(&flag) else {
            if anywhere(&flag) {
                continue;
            }
            return Err(Error::UnknownKey(flag));
        };
        if known.overridden
            || known
                .yields_to
                .is_some_and(|other| names.iter().any(|name| name == other))
        {
            continue;
        }
        let texts = match value {
            Value::String(text) => vec![text],
            Value::Integer(number) => vec![number.to_string()],
            Value::Boolean(true) if !known.takes_value => {
                arguments.push(format!("--{flag}"));
                continue;
            }
            Value::Boolean(false) if !known.takes_value => continue,
            Value::Boolean(truth) => vec![truth.to_string()],
            Value::Array(values) => values
                .iter()
                .map(|value| {
                    value
                        .as_str()
                        .map(str::to_owned)
                        .ok_or_else(|| Error::Value(key.clone()))
                })
                .collect::<Result<_, _>>()?,
            Value::Float(_) | Value::Datetime(_) | Value::Table(_) => return Err(Error::Value(key)),
        };
        arguments.extend(texts.into_iter().map(|text| format!("--{flag}={text}")));
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests;
