//! `grants`: a snapshot of what IAM grants, from the live API.

mod unfinished;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::network::AwsArgs;
use super::{Outcome, Terminal};
use crate::disk;
use crate::grants::live;

/// Arguments of `grants`.
#[derive(Args, Debug)]
pub(super) struct GrantsArgs {
    /// Write the snapshot into this file; - for stdout. `--grants FILE` reads it
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Take the organization's policies, and with --assume-role-name its other accounts
    #[arg(long, env = "TRIMTRAIL_ORG")]
    org: bool,
    /// A role to take in each other account of the organization
    #[arg(long, value_name = "NAME", requires = "org", env = "TRIMTRAIL_ASSUME_ROLE_NAME")]
    assume_role_name: Option<String>,
    /// Ask for last-accessed data of every role and user, a job each; this is the default
    #[arg(long, overrides_with = "no_last_accessed")]
    last_accessed: bool,
    /// Ask for no last-accessed data
    #[arg(long)]
    no_last_accessed: bool,
    /// Look for EKS pod identity associations in this region; repeats
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    eks_region: Vec<String>,
    #[command(flatten)]
    aws: AwsArgs,
}

impl GrantsArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let asks = self.last_accessed || !self.no_last_accessed;
        let mut unfinished = (asks && self.output.as_os_str() != "-")
            .then(|| unfinished::Unfinished::beside(&self.output, jiff::Timestamp::now()))
            .transpose()?;
        let known = unfinished
            .as_mut()
            .map(unfinished::Unfinished::known)
            .unwrap_or_default();
        if !known.is_empty() {
            terminal.say(&format!(
                "going on where a run stopped: last-accessed data of {} roles and users is known",
                known.len()
            ));
        }
        let options = live::Options {
            taken: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            last_accessed: asks,
            known,
            organization: self.org,
            member_role: self.assume_role_name.clone(),
            external_id: self.aws.external_id(),
            eks_regions: self.eks_region.clone(),
        };
        terminal.progress.stage("asking IAM");
        let mut answered = |data: &serde_json::Value, done: usize, all: usize| {
            terminal
                .progress
                .stage(&format!("asking IAM: last-accessed data, {done} of {all}"));
            if let Some(unfinished) = &mut unfinished {
                unfinished.add(data);
            }
        };
        let snapshot = live::snapshot(&self.aws.connect()?, &options, &mut answered)?;
        terminal.progress.finish();
        for missing in &snapshot.missing {
            terminal.say(&format!("{}: no {}: {}", missing.account, missing.what, missing.why));
        }
        let mut text = serde_json::to_vec_pretty(&snapshot.document)?;
        text.push(b'\n');
        if self.output.as_os_str() == "-" {
            std::io::stdout().lock().write_all(&text)?;
        } else {
            let named = || format!("cannot write `{}`", self.output.display());
            let folder = self.output.parent().unwrap_or(Path::new(""));
            let name = self.output.file_name().map(Path::new).unwrap_or(Path::new(""));
            disk::replace(folder, name, |file| file.write_all(&text)).with_context(named)?;
            if let Some(unfinished) = unfinished {
                unfinished.done();
            }
        }
        Ok(Outcome::Clear)
    }
}
