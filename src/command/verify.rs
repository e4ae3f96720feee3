//! `verify`: is NEW safe to put in OLD's place?

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::arguments::LogArgs;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::emit::escape;
use crate::iam::Policy;
use crate::verify::{Replayed, narrower, replay};
use crate::{gap, grants};

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// The policy as it stands
    old: PathBuf,
    /// The policy to put in its place
    new: PathBuf,
    /// Also prove that the calls of this role or user stay allowed; needs --logs
    #[arg(long, value_name = "ARN", requires = "logs")]
    principal: Option<String>,
    #[command(flatten)]
    logs: LogArgs,
}

impl VerifyArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let read = |path: &PathBuf| -> anyhow::Result<Policy> {
            let named = || format!("`{}`", path.display());
            let text = std::fs::read_to_string(path).with_context(named)?;
            Policy::parse(&text).with_context(named)
        };
        let (old, new) = (read(&self.old)?, read(&self.new)?);
        let mut out = io::stdout().lock();
        let mut outcome = Outcome::Clear;
        match narrower(&old, &new) {
            Ok(()) => writeln!(out, "narrower: proved")?,
            Err(refusal) => {
                writeln!(out, "narrower: {}", escape::terminal(&refusal.to_string()))?;
                outcome = Outcome::NeedsAttention;
            }
        }
        if let Some(arn) = &self.principal {
            let catalog = Catalog::embedded();
            let collected = self.logs.collect(terminal)?;
            let Some(window) = collected.window else {
                terminal.say("no CloudTrail events in the logs given");
                return Ok(Outcome::NothingSeen);
            };
            let grants = grants::alone(arn);
            let gaps = gap::classify(catalog, &collected.table, &grants, &collected.coverage, window);
            let Some(gap) = gaps.first() else {
                bail!("`{arn}` is no ARN of a role or user");
            };
            let mut replayed = Replayed::default();
            match replay(catalog, &old, &new, gap, &mut replayed) {
                Ok(()) => writeln!(
                    out,
                    "keeps: proved for {} shapes of {} calls relative to catalog {}; {} incomplete, {} unmapped",
                    replayed.shapes_proved,
                    gap.activity.calls,
                    catalog.date(),
                    replayed.incomplete,
                    replayed.unmapped
                )?,
                Err(refusal) => {
                    writeln!(out, "keeps: {}", escape::terminal(&refusal.to_string()))?;
                    outcome = Outcome::NeedsAttention;
                }
            }
        }
        Ok(outcome)
    }
}
