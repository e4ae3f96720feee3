//! Files that were not read whole: what is said of them, and which of them somebody accepts.

use std::collections::BTreeSet;

use anyhow::Context;
use clap::Args;

use super::Terminal;
use crate::coverage::{Coverage, Loss};
use crate::iam::pattern;
use crate::time::{DAY, Window, midnight};

/// Which losses are accepted.
#[derive(Args, Debug, Clone, Default)]
pub(super) struct LossArgs {
    /// Go on as if a file that was not read whole had held nothing needed: its name (a glob), or the days of such files
    /// (DATE or DATE..DATE); each suggestion that rests on it says so; repeats
    #[arg(
        long,
        value_name = "FILE|DATE..DATE",
        env = "TRIMTRAIL_ACCEPT_LOSS",
        value_delimiter = ','
    )]
    accept_loss: Vec<String>,
}

/// What one value of the flag accepts.
enum Accepted<'t> {
    /// Files whose hours end in this time.
    Days(Window),
    /// Files of that name.
    Files(&'t str),
}

impl Accepted<'_> {
    fn read(text: &str) -> anyhow::Result<Accepted<'_>> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let date = |text: &str| text.parse::<jiff::civil::Date>();
        match (date(first), date(last)) {
            (Ok(first), Ok(last)) => Ok(Accepted::Days(Window {
                first: midnight(first),
                end: midnight(last) + DAY,
            })),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => {
                Err(error).with_context(|| format!("--accept-loss {text}: write 2026-10-09..2026-10-11"))
            }
            (Err(_), Err(_)) => Ok(Accepted::Files(text)),
        }
    }

    fn takes(&self, file: &str, loss: &Loss) -> bool {
        match self {
            Accepted::Days(days) => {
                days.contains(loss.window.last()) && days.first.saturating_sub(DAY) <= loss.window.first
            }
            Accepted::Files(name) => {
                let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
                pattern::matches(name, file) || pattern::matches(name, base)
            }
        }
    }
}

impl LossArgs {
    /// Accepts what is to be accepted, and says in one line what is lost.
    pub(super) fn settle(&self, coverage: &mut Coverage, terminal: &Terminal) -> anyhow::Result<()> {
        for text in &self.accept_loss {
            let accepted = Accepted::read(text)?;
            let found = coverage.found(&|file, loss| accepted.takes(file, loss));
            coverage.accepted.extend(found);
        }
        if let Some(line) = line(coverage) {
            terminal.say(&line);
        }
        Ok(())
    }
}

/// What is lost, in one line.
pub(super) fn line(coverage: &Coverage) -> Option<String> {
    let (file, loss) = coverage.lost.first_key_value()?;
    let places: BTreeSet<(&str, &str)> = coverage
        .lost
        .values()
        .map(|loss| (loss.account.as_str(), loss.region.as_str()))
        .collect();
    let named = |(account, region): (&str, &str)| match (account, region) {
        ("", _) => "what may be any account".to_owned(),
        (account, "") => format!("account {account}"),
        (account, region) => format!("account {account} in {region}"),
    };
    let place = match places.len() {
        1 => named((&loss.account, &loss.region)),
        many => format!("{many} accounts and regions"),
    };
    let files = match coverage.lost.len() {
        1 => format!("{file} was not read whole ({})", loss.why),
        many => format!("{many} files were not read whole, such as {file} ({})", loss.why),
    };
    Some(format!(
        "{files}: nothing of {place} counts as unused; get them again, or accept the loss with --accept-loss"
    ))
}

#[cfg(test)]
mod tests;
