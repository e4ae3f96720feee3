//! `coverage --validate`: what CloudTrail's digest files prove of the archive.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::arguments::UsageArgs;
use super::{Outcome, Terminal};
use crate::emit::escape;
use crate::integrity::{Evidence, Finding, Integrity, PublicKeys, Signatures, validate};

/// Most lines of one kind that are printed.
const LINES: usize = 200;

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
    /// Validates and prints, where that was asked for.
    pub(super) fn run(&self, usage: &UsageArgs, terminal: &Terminal, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        if !self.validate {
            return Ok(Outcome::Clear);
        }
        let logs = usage.logs().context("--validate")?;
        let evidence = self.evidence()?;
        let integrity = validate(
            &logs.sources(terminal)?,
            &evidence,
            logs.max_inflated(),
            &terminal.progress,
        );
        write(&integrity, out)?;
        // Who gives keys wants proofs, not promises.
        let unproved = !self.public_keys.is_empty() && integrity.digests_proved < integrity.digests;
        Ok(if integrity.wrong.is_empty() && !unproved {
            Outcome::Clear
        } else {
            Outcome::NeedsAttention
        })
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

fn write(integrity: &Integrity, out: &mut dyn Write) -> io::Result<()> {
    if integrity.digests == 0 && integrity.wrong.is_empty() {
        return writeln!(
            out,
            "\nDigest files: none in the archive; turn log file validation on, and copy AWSLogs/…/CloudTrail-Digest too"
        );
    }
    writeln!(
        out,
        "\nDigest files: {} ({} proved by a signature); log files that they name: {} as delivered ({} proved)",
        integrity.digests, integrity.digests_proved, integrity.intact, integrity.intact_proved
    )?;
    findings("Wrong", &integrity.wrong, out)?;
    findings("Not proved", &integrity.open, out)?;
    if !integrity.uncovered.is_empty() {
        writeln!(out, "\nLog files that no digest file answers for")?;
        for ((account, region), files) in &integrity.uncovered {
            writeln!(out, "  {}  {files}", escape::terminal(&format!("{account} {region}")))?;
        }
    }
    if !integrity.empty.is_empty() {
        writeln!(out, "\nHours in which nothing was delivered, by digest")?;
        for ((account, region, trail), periods) in &integrity.empty {
            for (from, to) in periods {
                let stream = format!("{account} {region} {trail}");
                writeln!(
                    out,
                    "  {}  {} to {}",
                    escape::terminal(&stream),
                    super::coverage::moment(*from),
                    super::coverage::moment(*to)
                )?;
            }
        }
    }
    Ok(())
}

fn findings(title: &str, findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}: {}", findings.len())?;
    for Finding { what, why } in findings.iter().take(LINES) {
        writeln!(out, "  {}: {}", escape::terminal(what), escape::terminal(why))?;
    }
    if findings.len() > LINES {
        writeln!(out, "  … and {} more", findings.len() - LINES)?;
    }
    Ok(())
}
