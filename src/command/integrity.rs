//! `coverage --validate`: what CloudTrail's digest files prove of the archive.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::arguments::UsageArgs;
use super::{Outcome, Terminal};
use crate::integrity::{Evidence, Integrity, PublicKeys, Signatures, validate};
use crate::source;

/// How to check digest files.
#[derive(Args, Debug)]
pub(super) struct IntegrityArgs {
    /// Check log files against CloudTrail's digest files
    #[arg(long, env = "TRIMTRAIL_VALIDATE")]
    pub(super) validate: bool,
    /// Output of `aws cloudtrail list-public-keys`, one file a region; repeats
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "validate", env = "TRIMTRAIL_PUBLIC_KEYS")]
    public_keys: Vec<PathBuf>,
    /// JSON object from digest file to its signature (x-amz-meta-signature); FILE.sig beside a digest does as well
    #[arg(long, value_name = "FILE", requires = "validate", env = "TRIMTRAIL_SIGNATURES")]
    signatures: Option<PathBuf>,
}

impl IntegrityArgs {
    /// Validates, where that was asked for.
    pub(super) fn run(&self, usage: &UsageArgs, terminal: &Terminal) -> anyhow::Result<Option<Integrity>> {
        if !self.validate {
            return Ok(None);
        }
        let logs = usage.logs().context("--validate")?;
        let evidence = self.evidence()?;
        let sources = logs.sources(terminal)?;
        let integrity = validate(&sources, &evidence, logs.max_inflated(), &terminal.progress);
        source::verdict(&sources, 0)?;
        Ok(Some(integrity))
    }

    /// Whether something is wrong, or not proved although there are keys: who gives them wants proofs, not promises.
    pub(super) fn outcome(&self, integrity: &Integrity) -> Outcome {
        let unproved = !self.public_keys.is_empty() && integrity.digests_proved < integrity.digests;
        if integrity.wrong.is_empty() && !unproved {
            Outcome::Clear
        } else {
            Outcome::NeedsAttention
        }
    }

    fn evidence(&self) -> anyhow::Result<Evidence> {
        let mut evidence = Evidence::default();
        for path in &self.public_keys {
            let named = || format!("public keys `{}`", path.display());
            let text = std::fs::read_to_string(path).with_context(named)?;
            let keys = evidence.keys.get_or_insert_with(PublicKeys::default);
            keys.add(&text).with_context(named)?;
        }
        if let Some(path) = &self.signatures {
            let named = || format!("signatures `{}`", path.display());
            let text = std::fs::read_to_string(path).with_context(named)?;
            evidence.signatures = Signatures::parse(&text).with_context(named)?;
        }
        Ok(evidence)
    }
}
