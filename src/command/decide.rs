//! `decide`: the questions that a trail cannot answer, as a file for people to answer.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::report::load;
use super::{Outcome, Terminal, choices};
use crate::catalog::Catalog;
use crate::disk;
use crate::emit::escape;
use crate::gap::{ActionSet, Reason};
use crate::iam::pattern;
use crate::report::{Question, Report};
use crate::rightsize::{Choice, Choices, Decision, question};

/// Above a new file of choices.
const HEAD: &str = "\
# Questions that the trail cannot answer, the most risk first. Answer each at `decision`:
#   decision = \"keep\"                       the actions stay, whatever --evidence says
#   decision = \"drop\"                       they go; write at `who` whose word that is
#   decision = \"ask again on 2027-01-31\"    they stay, and the question comes back that day
# Then run `trimtrail analyze --choices FILE`. What stays empty is asked again.
# AWS's last-accessed data answers many of these without asking anybody: `trimtrail grants` fetches it.
";

/// Arguments of `decide`.
#[derive(Args, Debug)]
pub(super) struct DecideArgs {
    /// A result.json
    #[arg(value_name = "RESULT")]
    result: PathBuf,
    /// The file of choices; what it holds stays, and only new questions are added
    #[arg(short = 'o', long, value_name = "FILE", env = "TRIMTRAIL_CHOICES")]
    choices: Option<PathBuf>,
}

impl DecideArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let report = load(&self.result)?;
        let catalog = Catalog::embedded();
        // A pattern stands for what the catalog of the result held, and a newer one may hold more.
        if report.tool.catalog_date != catalog.date() {
            bail!(
                "the result was made with the catalog of {}, this program has the one of {}: analyze again",
                report.tool.catalog_date,
                catalog.date()
            );
        }
        let (mut text, choices) = match &self.choices {
            Some(path) if path.exists() => read(path)?,
            Some(_) | None => (HEAD.to_owned(), Choices::default()),
        };
        let new = questions(catalog, &report, &choices);
        let asked = new.len();
        let windows = text.contains("\r\n");
        text.extend(
            new.into_iter()
                .map(|one| if windows { one.replace('\n', "\r\n") } else { one }),
        );
        match &self.choices {
            Some(path) if asked > 0 => {
                let folder = path.parent().unwrap_or(Path::new(""));
                let name = path.file_name().map_or(Path::new(""), Path::new);
                disk::replace(folder, name, |out| -> io::Result<()> { out.write_all(text.as_bytes()) })
                    .with_context(|| format!("-o {}", path.display()))?;
            }
            Some(_) => {}
            None => io::stdout().lock().write_all(text.as_bytes())?,
        }
        let more = report.totals.questions.saturating_sub(report.questions.len() as u64);
        let more = match more {
            0 => String::new(),
            more => format!("; {more} more come once these are answered"),
        };
        let noun = if asked == 1 { "question" } else { "questions" };
        let open = choices.0.iter().filter(|choice| choice.decision == Decision::Open);
        let open = match (open.count(), &self.choices) {
            (0, _) | (_, None) => String::new(),
            (n, Some(path)) => format!("; {n} in {} still wait for an answer", path.display()),
        };
        terminal.say(&format!("{asked} new {noun}{open}{more}"));
        Ok(Outcome::Clear)
    }
}

fn read(path: &Path) -> anyhow::Result<(String, Choices)> {
    let text = choices::read(path)?;
    let mut choices = choices::parse(path, &text)?;
    choices::wake(&mut choices);
    Ok((text, choices))
}

/// The questions of a result that a file does not hold yet, each as the file writes it.
fn questions(catalog: &Catalog, report: &Report, choices: &Choices) -> Vec<String> {
    let new = report.questions.iter().filter_map(|open| {
        let reason = Reason::of_name(&open.reason)?;
        let mut asked = ActionSet::none();
        for pattern in open.actions.iter() {
            asked.extend(&ActionSet::of_pattern(catalog, &pattern.to_lowercase()));
        }
        // Of some of those who are asked about together the file may hold an answer already.
        let mut left: Vec<(ActionSet, Vec<String>)> = Vec::new();
        for principal in [&open.principal].into_iter().chain(&open.also) {
            let mut actions = asked.clone();
            let same = |choice: &&Choice| choice.service == open.service && choice.reason == reason;
            let held = choices.0.iter().filter(same);
            for choice in held.filter(|choice| names(report, choice, principal)) {
                actions = actions.difference(&choice.set(catalog));
            }
            match left.iter_mut().find(|(known, _)| *known == actions) {
                _ if actions.is_empty() => {}
                Some((_, principals)) => principals.push(principal.clone()),
                None => left.push((actions, vec![principal.clone()])),
            }
        }
        let each = left.into_iter().map(|(actions, principals)| {
            let names: Vec<String> = actions.iter().map(|action| catalog.name(action).to_owned()).collect();
            let remark = remark(open, &principals, reason, names.len());
            question(&remark, &principals, &open.service, reason, &names)
        });
        Some(each.collect::<Vec<_>>())
    });
    new.flatten().collect()
}

/// Whether a choice is about a principal, as `analyze` would have it; of tags a question says nothing.
fn names(report: &Report, choice: &Choice, principal: &str) -> bool {
    if choice.exact {
        return choice.principal == principal;
    }
    let is_there = |arn: &str| report.principals.iter().any(|one| one.arn == arn);
    if choice.principal == principal || is_there(&choice.principal) {
        return choice.principal == principal;
    }
    let resource = principal.splitn(6, ':').nth(5).unwrap_or_default();
    let (start, name) = resource.rsplit_once('/').unwrap_or(("", resource));
    let path = format!("/{}/", start.split_once('/').map_or("", |(_, path)| path)).replace("//", "/");
    let texts = [principal, name, &path];
    texts.iter().any(|text| pattern::matches(&choice.principal, text))
}

/// The question in words.
fn remark(open: &Question, principals: &[String], reason: Reason, count: usize) -> String {
    let noun = if count == 1 { "action" } else { "actions" };
    let on = match &open.granted_on[..] {
        [] => String::new(),
        resources => format!(", granted on {}", resources.join(", ")),
    };
    let part = |arn: &str, at: usize| arn.splitn(6, ':').nth(at).unwrap_or(arn).to_owned();
    let accounts: BTreeSet<String> = principals.iter().map(|arn| part(arn, 4)).collect();
    let names: BTreeSet<String> = principals.iter().map(|arn| part(arn, 5)).collect();
    let first = principals.first().map_or("", String::as_str);
    let who = match (names.len(), accounts.len()) {
        (0 | 1, 0 | 1) => part(first, 5),
        (0 | 1, accounts) => format!("{} of each of {accounts} accounts", part(first, 5)),
        (_, 0 | 1) => format!("{} and {} just like it", part(first, 5), principals.len() - 1),
        (_, accounts) => format!(
            "{} and {} just like it in {accounts} accounts",
            part(first, 5),
            principals.len() - 1
        ),
    };
    let text = format!("{who}: {count} {noun} of {}{on}; {}", open.service, reason.says());
    escape::terminal(&text).into_owned()
}
