//! `patch`: edits the Terraform, CloudFormation and JSON files that the suggestions came from.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::report::load;
use super::{Outcome, Terminal};
use crate::emit::{self, escape};
use crate::patch;

/// Arguments of `patch`.
#[derive(Args, Debug)]
pub(super) struct PatchArgs {
    /// A result.json
    #[arg(value_name = "RESULT")]
    result: PathBuf,
    /// The folder with the Terraform, CloudFormation and JSON files
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Write the files; without it the edits are shown as a diff
    #[arg(long)]
    write: bool,
    /// Also apply suggestions that are held
    #[arg(long, env = "TRIMTRAIL_INCLUDE_HELD")]
    include_held: bool,
    /// Also apply suggestions that rest on an archive older than two weeks
    #[arg(long)]
    allow_expired: bool,
}

impl PatchArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let report = load(&self.result)?;
        let now = (!self.allow_expired).then(|| jiff::Timestamp::now().as_second());
        let plan = patch::plan(&report.chosen(self.include_held), &self.dir, now)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        for file in &plan.files {
            let path = file
                .path
                .strip_prefix(&self.dir)
                .unwrap_or(&file.path)
                .display()
                .to_string();
            for policy in &file.policies {
                writeln!(out, "# {}", escape::terminal(policy))?;
            }
            let path = escape::terminal(&path);
            writeln!(out, "--- a/{path}\n+++ b/{path}")?;
            out.write_all(emit::unified(&file.before, &file.after).as_bytes())?;
        }
        out.flush()?;
        if self.write {
            patch::write(&plan)?;
        }
        for left in &plan.left {
            terminal.say(&format!("left: {}: {}", left.policy, left.why));
        }
        let policies: usize = plan.files.iter().map(|file| file.policies.len()).sum();
        let verb = if self.write { "wrote" } else { "would edit" };
        let hint = if self.write || plan.files.is_empty() {
            ""
        } else {
            "; --write does it"
        };
        terminal.say(&format!(
            "{verb} {} files for {policies} policies, {} left{hint}",
            plan.files.len(),
            plan.left.len()
        ));
        Ok(Outcome::Clear)
    }
}
