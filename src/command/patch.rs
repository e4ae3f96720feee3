//! `patch`: edits the Terraform, CloudFormation and JSON files that the suggestions came from.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::report::load;
use super::{Outcome, Terminal};
use crate::emit::{self, escape};
use crate::patch::{self, Answer, State, Undo};

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
    /// Write nothing; exit 10 where a file would change
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Put back, byte for byte, what --write replaced for this result
    #[arg(long, conflicts_with_all = ["write", "check"])]
    revert: bool,
    /// Also apply suggestions that are held
    #[arg(long, env = "TRIMTRAIL_INCLUDE_HELD")]
    include_held: bool,
    /// Also apply suggestions that rest on an archive older than two weeks
    #[arg(long)]
    allow_expired: bool,
    /// What `terraform show -json` prints of a state or a plan: tells which policy each document became; repeatable
    #[arg(long, value_name = "FILE")]
    terraform_state: Vec<PathBuf>,
}

impl PatchArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        if self.revert {
            let files = patch::revert(&self.dir, &self.note())?;
            terminal.say(&format!("put back {} files", files.len()));
            return Ok(Outcome::Clear);
        }
        let report = load(&self.result)?;
        anyhow::ensure!(
            report.suggestions.is_empty() || !report.policies.is_empty(),
            "`{}` does not list all policies, as results of this version do: analyze again",
            self.result.display()
        );
        let states = self
            .terraform_state
            .iter()
            .map(state)
            .collect::<anyhow::Result<Vec<State>>>()?;
        let options = patch::Options {
            include_held: self.include_held,
            now: Some(jiff::Timestamp::now().as_second()),
            allow_expired: self.allow_expired,
            states: &states,
        };
        let plan = patch::plan(Answer::from(&report), options, &self.dir)?;
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
            Undo::write(&plan, &self.dir, &self.note())?;
        }
        for left in &plan.left {
            terminal.say(&format!("left: {}: {}", left.policy, left.why));
        }
        let policies: usize = plan.files.iter().map(|file| file.policies.len()).sum();
        let verb = if self.write { "wrote" } else { "would edit" };
        let hint = match (self.write, plan.files.is_empty()) {
            (_, true) => "",
            (true, false) => "; --revert puts them back",
            (false, false) => "; --write does it",
        };
        terminal.say(&format!(
            "{verb} {} files for {policies} policies, {} left{hint}",
            plan.files.len(),
            plan.left.len()
        ));
        Ok(if self.check && !plan.files.is_empty() {
            Outcome::NeedsAttention
        } else {
            Outcome::Clear
        })
    }

    /// Where it is noted what was written: beside the result.
    fn note(&self) -> PathBuf {
        let folder = if self.result.is_dir() {
            Some(self.result.as_path())
        } else {
            self.result.parent()
        };
        folder.map_or_else(PathBuf::new, |folder| folder.join("patched.json"))
    }
}

fn state(path: &PathBuf) -> anyhow::Result<State> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?;
    State::parse(&text).with_context(|| format!("`{}` is not what `terraform show -json` prints", path.display()))
}
