//! `verify` of a change of many files: a branch, a plan, two folders, two templates.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

use super::{Format, Keeps, VerifyArgs, keeps_out, read, say_keeps};
use crate::command::arguments::text_of;
use crate::command::{Outcome, Terminal};
use crate::emit::change as emit;
use crate::iam::Policy;
use crate::patch::change::{self, Asked, Bans, Change, Files};

/// What a change was made to.
pub(super) enum Of {
    /// Two policies, to be compared as such.
    Policies,
    /// Many documents.
    Change(Change),
}

impl VerifyArgs {
    /// Reads what was given as a change, if it is one.
    pub(super) fn change(&self) -> anyhow::Result<Of> {
        let bans = self.must_not_grant.as_deref().map(bans).transpose()?;
        let asked = Asked {
            bans: bans.as_ref(),
            not_public: self.not_public,
        };
        if let Some(plan) = &self.plan {
            if self.old.is_some() {
                bail!("--plan holds both sides: give no OLD and no NEW");
            }
            let change = change::of_plan(plan, &text_of(plan)?, asked).map_err(|why| {
                anyhow!(
                    "`{}` is not what `terraform show -json PLAN` prints: {why}",
                    plan.display()
                )
            })?;
            return Ok(Of::Change(change));
        }
        if let Some(base) = &self.git {
            if self.new.is_some() {
                bail!("--git takes one folder, and no NEW");
            }
            let dir = self.old.as_deref().unwrap_or(Path::new("."));
            let (before, after) = change::of_git(dir, base)?;
            let mut change = change::of_files(&before, &after, asked);
            let root = change::below_root(dir)?;
            for touched in &mut change.touched {
                touched.file = change::in_root(&root, &touched.file);
            }
            return Ok(Of::Change(change));
        }
        let (Some(old), Some(new)) = (&self.old, &self.new) else {
            bail!("give OLD and NEW, or --git BASE, or --plan FILE");
        };
        if old.is_dir() != new.is_dir() {
            bail!("OLD and NEW must both be folders, or neither");
        }
        let (before, after) = if old.is_dir() {
            change::folders(old, new)?
        } else {
            let is_asked = bans.is_some() || self.not_public || matches!(self.format, Format::Markdown | Format::Sarif);
            match sources(old, new, is_asked)? {
                Some(both) => both,
                None => return Ok(Of::Policies),
            }
        };
        Ok(Of::Change(change::of_files(&before, &after, asked)))
    }

    /// Says what a change grants.
    pub(super) fn say_change(&self, change: &Change, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let replayed = match &self.principal {
            Some(arn) => self.replay_change(arn, change, terminal)?,
            None => Some(Vec::new()),
        };
        let nothing_seen = replayed.is_none();
        let replayed = replayed.unwrap_or_default();
        let mut out = io::stdout().lock();
        match self.format {
            Format::Terminal => {
                emit::terminal(change, &mut out)?;
                for (address, keeps) in &replayed {
                    use std::io::Write as _;
                    writeln!(out, "{}", crate::emit::escape::terminal(address))?;
                    say_keeps(&mut out, keeps)?;
                }
            }
            Format::Json => {
                let all = replayed.iter().map(|(address, keeps)| {
                    let mut value = serde_json::to_value(keeps_out(keeps))?;
                    value["document"] = Value::String(address.clone());
                    Ok(value)
                });
                emit::json(change, all.collect::<serde_json::Result<Vec<Value>>>()?, &mut out)?;
            }
            Format::Markdown => emit::markdown(change, &mut out)?,
            Format::Sarif => emit::sarif(change, &mut out)?,
        }
        let lost = replayed.iter().any(|(_, keeps)| keeps.fails(self.strict));
        let found = change.touched.iter().any(|touched| !touched.findings.is_empty());
        Ok(match (found || lost, nothing_seen) {
            (true, _) => Outcome::NeedsAttention,
            (false, true) => Outcome::NothingSeen,
            (false, false) => Outcome::Clear,
        })
    }

    /// What each changed document would break of what a principal did; `None` if the logs hold no event.
    fn replay_change(
        &self,
        arn: &str,
        change: &Change,
        terminal: &Terminal,
    ) -> anyhow::Result<Option<Vec<(String, Keeps)>>> {
        let mut pairs = Vec::new();
        for touched in &change.touched {
            if let Some((old, new)) = &touched.documents {
                let place = format!("{} {}", touched.file.display(), touched.address);
                match (Policy::from_value(old), Policy::from_value(new)) {
                    (Ok(old), Ok(new)) => pairs.push((place, old, new)),
                    (Err(_), _) | (_, Err(_)) => terminal.say(&format!("{place}: not replayed, for it cannot be read")),
                }
            } else if touched.how == change::How::Changed {
                terminal.say(&format!(
                    "{} {}: not replayed, for what it refers to is not known",
                    touched.file.display(),
                    touched.address
                ));
            }
        }
        self.replay(arn, pairs, terminal)
    }
}

fn bans(path: &Path) -> anyhow::Result<Bans> {
    Bans::parse(&text_of(path)?)
        .map_err(|why| anyhow!("{why}"))
        .with_context(|| format!("`{}` is no list of what must not be granted", path.display()))
}

/// Two files as one file before and after, where they are sources and no policies; or where that is asked of policies.
fn sources(old: &Path, new: &Path, is_asked: bool) -> anyhow::Result<Option<(Files, Files)>> {
    let is_source = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        matches!(extension, "tf" | "tofu" | "yaml" | "yml" | "template")
    };
    let path: PathBuf = new.to_owned();
    if is_source(old) && is_source(new) || holds_resources(old) && holds_resources(new) {
        let one = |text: String| Files::from(vec![(path.clone(), text)]);
        return Ok(Some((one(text_of(old)?), one(text_of(new)?))));
    }
    if is_asked {
        let text = |path: &Path| anyhow::Ok(read(path)?.to_value().to_string());
        let one = |text: String| Files::from(vec![(path.clone(), text)]);
        return Ok(Some((one(text(old)?), one(text(new)?))));
    }
    Ok(None)
}

/// Whether a file is a template in JSON.
fn holds_resources(path: &Path) -> bool {
    let text = || std::fs::read_to_string(path).ok();
    let value = path
        .is_file()
        .then(text)
        .flatten()
        .and_then(|text| serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).ok());
    value.is_some_and(|value| value.get("Resources").is_some_and(Value::is_object))
}
