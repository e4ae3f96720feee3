//! `backtest`: learn on the first part of the window, replay the rest.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::arguments::{GrantArgs, UsageArgs};
use super::suggesting::ChoiceArgs;
use super::supplements::EvidenceFileArgs;
use super::{Outcome, Terminal};
use crate::analysis::backtest::{Backtest, Choice, LEARNT, Loss, Replay, Score, Split, backtest_of_life_cycles};
use crate::catalog::Catalog;
use crate::emit::escape;
use crate::time::{day_of, midnight};

/// Most lost pairs that are listed for one principal, unless more is asked for.
const LOSSES: usize = 10;

/// Arguments of `backtest`.
#[derive(Args, Debug)]
pub(super) struct BacktestArgs {
    #[command(flatten)]
    usage: UsageArgs,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    evidence_files: EvidenceFileArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Share of the window's days to learn from
    #[arg(long, value_name = "SHARE", default_value_t = LEARNT, value_parser = share, env = "TRIMTRAIL_LEARN")]
    learn: f64,
    /// First day (UTC) to replay, in place of --learn
    #[arg(long, value_name = "DATE", env = "TRIMTRAIL_CUT")]
    cut: Option<jiff::civil::Date>,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t = BacktestFormat::Terminal, env = "TRIMTRAIL_FORMAT")]
    format: BacktestFormat,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum BacktestFormat {
    /// For people
    Terminal,
    /// For programs
    Json,
}

/// A number between 0 and 1, both excluded.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        Ok(_) | Err(_) => Err(format!("`{text}` is no share between 0 and 1; write 0.67")),
    }
}

impl BacktestArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let mut grants = self.grants.load(self.usage.aws())?;
        self.evidence_files.load(&mut grants.supplements)?;
        let shown = self.choice.shown(&grants)?;
        let options = self.choice.options()?;
        let collected = self.usage.collect(terminal)?;
        let Some(window) = collected.window else {
            terminal.say_nothing_seen(&self.usage.places(), &collected.coverage);
            return Ok(Outcome::NothingSeen);
        };
        let choice = Choice {
            split: match self.cut {
                Some(date) => Split::Day(day_of(midnight(date))),
                None => Split::Share(self.learn),
            },
            options: &options,
            shown: shown.as_ref(),
        };
        let catalog = Catalog::embedded();
        let answer = backtest_of_life_cycles(catalog, &collected.archive(), &grants, window, &choice)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.format {
            BacktestFormat::Terminal => write(&answer, terminal.verbose > 0, &mut out)?,
            BacktestFormat::Json => {
                let text = serde_json::to_string_pretty(&answer)?;
                writeln!(out, "{}", escape::json(&text))?;
            }
        }
        out.flush()?;
        Ok(Outcome::Clear)
    }
}

/// The answer for people.
fn write(answer: &Backtest, all: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "Learnt from {} up to {} ({}), replayed {} to {} ({})",
        answer.from,
        answer.cut,
        count(answer.learnt_days.unsigned_abs(), "day", "days"),
        answer.cut,
        answer.to,
        count(answer.replayed_days.unsigned_abs(), "day", "days"),
    )?;
    if answer.suggestions.is_empty() {
        return writeln!(
            out,
            "\nNo policy would have changed: the days before {} give nothing to take away.",
            answer.cut
        );
    }
    writeln!(
        out,
        "{} would have changed; {} would not have been affected.",
        count(answer.suggestions.len() as u64, "policy", "policies"),
        count(answer.unaffected, "role or user", "roles and users"),
    )?;
    writeln!(out)?;
    score(&answer.totals, "", out)?;
    match answer.life_cycles {
        Some(tried) => writeln!(
            out,
            "life cycles kept {} more, which saved {} of {}",
            count(tried.kept_actions, "action", "actions"),
            count(tried.saved_calls, "call", "calls"),
            count(tried.saved_pairs, "pair", "pairs"),
        )?,
        None => writeln!(out, "life cycles: off")?,
    }
    for principal in &answer.principals {
        replay(principal, all, out)?;
    }
    Ok(())
}

fn replay(principal: &Replay, all: bool, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", escape::terminal(&principal.arn))?;
    if let Some(held) = &principal.held {
        writeln!(out, "  held back even then: {}", escape::terminal(held))?;
    }
    score(&principal.score, "  ", out)?;
    losses("would have been denied", &principal.broken, all, out)?;
    losses("may have been denied", &principal.doubtful, all, out)
}

fn losses(title: &str, losses: &[Loss], all: bool, out: &mut dyn Write) -> io::Result<()> {
    if losses.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {title}:")?;
    let listed = if all { losses.len() } else { LOSSES };
    for loss in losses.iter().take(listed) {
        let event = match &loss.event {
            Some(event) => format!(", event {event}"),
            None => String::new(),
        };
        let line = format!(
            "    {}  {} on {} ({}{event})",
            loss.first_seen,
            loss.action,
            loss.resource,
            count(loss.calls, "call", "calls"),
        );
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    let more = losses.len().saturating_sub(listed);
    if more > 0 {
        writeln!(out, "    and {more} more: --verbose lists all")?;
    }
    Ok(())
}

fn score(score: &Score, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    if score.calls == 0 && score.unmapped_calls == 0 {
        return writeln!(out, "{indent}No call after the cut: nothing was tested.");
    }
    writeln!(
        out,
        "{indent}{} on {}, {} of action and resource",
        count(score.calls, "call", "calls"),
        count(score.active_days, "active day", "active days"),
        count(score.pairs, "pair", "pairs"),
    )?;
    writeln!(
        out,
        "{indent}broken: {} of {} on {}; in doubt: {} of {}",
        count(score.broken_calls, "call", "calls"),
        count(score.broken_pairs, "pair", "pairs"),
        count(score.broken_days, "day", "days"),
        count(score.doubtful_calls, "call", "calls"),
        count(score.doubtful_pairs, "pair", "pairs"),
    )?;
    if score.unmapped_calls > 0 {
        writeln!(
            out,
            "{indent}not replayed: {} of operations that the catalog does not know",
            count(score.unmapped_calls, "call", "calls"),
        )?;
    }
    if let Some(bound) = score.broken_days_at_most {
        writeln!(
            out,
            "{indent}at most {} of active days break, with a confidence of 95 % (3 / {})",
            percent(bound),
            score.active_days
        )?;
    }
    match (score.new_pairs_expected, score.new_pairs_seen) {
        (Some(expected), Some(seen)) => writeln!(
            out,
            "{indent}new pairs: {} expected from the days before, {} seen",
            percent(expected),
            percent(seen)
        ),
        (Some(expected), None) => writeln!(
            out,
            "{indent}new pairs: {} expected from the days before",
            percent(expected)
        ),
        (None, Some(_)) => writeln!(
            out,
            "{indent}new pairs: all; nothing was used in the days before the cut"
        ),
        (None, None) => Ok(()),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `1 call`, `2 calls`
fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
