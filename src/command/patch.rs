//! `patch`: edits the Terraform, CloudFormation and JSON files that the suggestions came from.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::report::load;
use super::{Outcome, Terminal};
use crate::emit::{self, escape};
use crate::patch::owners::{self, CodeOwners, Owned};
use crate::patch::{self, Answer, Plan, Reason, State, Undo};
use crate::report::Report;

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
    /// Also apply suggestions that were made more than two weeks ago; without it exit 10, and nothing is edited
    #[arg(long)]
    allow_expired: bool,
    /// List whose the edits are, a line of JSON each: by the tag `owner` or `team` of the principals, CODEOWNERS, the folder
    #[arg(long, conflicts_with_all = ["write", "check", "revert", "owner", "summary"])]
    owners: bool,
    /// Only the edits of one owner, by the `name` that --owners lists
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Write what a pull request of these edits says, in Markdown, into this file
    #[arg(long, value_name = "FILE", conflicts_with = "revert")]
    summary: Option<PathBuf>,
    /// What `terraform show -json` prints of a state or a plan: tells which policy each document became; repeats
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
        let now = jiff::Timestamp::now().as_second();
        if let Some(day) = (!self.allow_expired).then(|| expired(&report, now)).flatten() {
            terminal.say(&format!(
                "this answer expired on {day}, 14 days after its analysis: nothing is edited; analyze again, or pass \
                 --allow-expired"
            ));
            return Ok(Outcome::NeedsAttention);
        }
        let states = states(&self.terraform_state)?;
        let options = patch::Options {
            include_held: self.include_held,
            now: Some(now),
            allow_expired: self.allow_expired,
            states: &states,
        };
        let mut plan = patch::plan(Answer::from(&report), options, &self.dir)?;
        if self.owners || self.owner.is_some() {
            // What is left is nobody's: it is said where all edits are.
            let all = self.owned(&report, plan);
            let Some(wanted) = &self.owner else {
                return list(&all);
            };
            let one = all.into_iter().find(|one| one.name == *wanted);
            let one = one.with_context(|| format!("no edit is of `{wanted}`; --owners lists whose they are"))?;
            self.summarize(report, &one)?;
            plan = one.plan;
        } else if self.summary.is_some() {
            self.summarize(report, &owners::all(plan.clone(), &self.dir))?;
        }
        self.show(&plan, terminal)
    }

    /// Shows the edits, and writes them where that is asked.
    fn show(&self, plan: &Plan, terminal: &Terminal) -> anyhow::Result<Outcome> {
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
            Undo::write(plan, &self.dir, &self.note())?;
        }
        for one in &plan.already {
            terminal.say(&format!("already as suggested: {one}"));
        }
        for left in &plan.left {
            terminal.say(&format!("left: {}: {}", left.policy, left.why));
        }
        let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
        for left in &plan.left {
            *reasons.entry(left.reason).or_default() += 1;
        }
        for (reason, count) in reasons {
            terminal.say(&format!("{count:6} left: {}", reason.words()));
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

    /// The edits of each owner.
    fn owned(&self, report: &Report, plan: Plan) -> Vec<Owned> {
        let principals: HashMap<&str, &Option<String>> = report
            .principals
            .iter()
            .map(|principal| (principal.arn.as_str(), &principal.owner))
            .collect();
        let tag = |id: &str| -> Vec<Option<String>> {
            let one = report.suggestions.iter().find(|suggestion| suggestion.id == id);
            let affects = one.map(|suggestion| suggestion.affects.as_slice()).unwrap_or_default();
            let whose = |arn: &String| principals.get(arn.as_str()).and_then(|owner| (*owner).clone());
            affects.iter().map(whose).collect()
        };
        owners::owned(plan, &self.dir, &CodeOwners::around(&self.dir), &tag)
    }

    /// Writes what a pull request says of these edits.
    fn summarize(&self, mut report: Report, of: &Owned) -> anyhow::Result<()> {
        let Some(path) = &self.summary else {
            return Ok(());
        };
        let ids: BTreeSet<&String> = of.plan.files.iter().flat_map(|file| &file.suggestions).collect();
        report.suggestions.retain(|suggestion| ids.contains(&suggestion.id));
        // What is to be said of whole accounts is in no file of this pull request.
        report.account_findings.clear();
        let mut text = format!("<!-- trimtrail patch {} {} -->\n", of.name, of.answer).into_bytes();
        let options = emit::Options {
            include_held: self.include_held,
            ..emit::Options::default()
        };
        emit::write(&report, emit::Format::Markdown, &options, &mut text)?;
        std::fs::write(path, text).with_context(|| format!("`{}`", path.display()))
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

/// The day on which the first of the suggestions expired, if one did.
fn expired(report: &Report, now: i64) -> Option<String> {
    let times = report
        .suggestions
        .iter()
        .map(|one| one.expires.parse::<jiff::Timestamp>());
    let first = times.filter_map(Result::ok).min()?;
    (first.as_second() < now).then(|| first.strftime("%Y-%m-%d").to_string())
}

/// A line of JSON for each owner.
fn list(all: &[Owned]) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    for one in all {
        let files: Vec<String> = one
            .plan
            .files
            .iter()
            .map(|file| file.path.display().to_string())
            .collect();
        let policies: usize = one.plan.files.iter().map(|file| file.policies.len()).sum();
        let title = match policies {
            1 => "IAM: 1 policy grants less".to_owned(),
            more => format!("IAM: {more} policies grant less"),
        };
        let line = serde_json::json!({
            "name": one.name, "owner": one.owner, "title": title, "answer": one.answer, "policies": policies, "files": files,
        });
        writeln!(out, "{}", escape::json(&line.to_string()))?;
    }
    Ok(Outcome::Clear)
}

/// What Terraform says that it made.
pub(super) fn states(paths: &[PathBuf]) -> anyhow::Result<Vec<State>> {
    let state = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?;
        State::parse(&text).with_context(|| format!("`{}` is not what `terraform show -json` prints", path.display()))
    };
    paths.iter().map(state).collect()
}
