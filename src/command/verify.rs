//! `verify`: is NEW safe to put in OLD's place? Does a change of many files grant more than before?

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::arguments::{UsageArgs, text_of};
use super::life_cycles::LifeCycleArgs;
use super::supplements::LastAccessedArgs;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::emit::escape;
use crate::gap::{self, ActionSet};
use crate::iam::Policy;
use crate::iam::subset::{self, Verdict, Witness};
use crate::patch::change::likely;
use crate::report::{CoverageGap, gaps};
use crate::time::moment;
use crate::usage::Table;
use crate::verify::{LifeCycleLoss, Loss, Replayed, life_cycle_losses, losses};
use crate::{analysis, grants};
use change::Of;

mod change;

/// Most stretches without logs that are told one by one.
const GAPS: usize = 10;

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// The policy as it stands: its JSON, or what the AWS CLI printed around it; - for stdin. Or a template, a Terraform
    /// file, a folder; with --git the folder of the working tree
    old: Option<PathBuf>,
    /// The policy, template or folder to put in its place, likewise
    new: Option<PathBuf>,
    /// Compare the working tree with this commit: every policy document, attachment and boundary in Terraform,
    /// CloudFormation, SAM and JSON
    #[arg(long, value_name = "BASE", conflicts_with = "plan")]
    git: Option<String>,
    /// Compare both sides of a Terraform plan: what `terraform show -json PLAN` prints
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// What no document may grant, changed or not; in TOML or JSON: [[must_not_grant]] actions = ["iam:*"],
    /// resources = ["*"], why = "…"
    #[arg(long, value_name = "FILE")]
    must_not_grant: Option<PathBuf>,
    /// No resource or trust policy may let in anybody, changed or not
    #[arg(long)]
    not_public: bool,
    /// Also replay the calls of this role or user, and name those that NEW would break; needs --logs or
    /// --ledger
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// Exit 10, too, where the logs of the principal's account have a hole
    #[arg(long)]
    strict: bool,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    #[command(flatten)]
    life_cycles: LifeCycleArgs,
    #[command(flatten)]
    accessed: LastAccessedArgs,
    #[command(flatten)]
    usage: UsageArgs,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// Sentences
    Terminal,
    /// One JSON document
    Json,
    /// A comment for a pull request
    Markdown,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// The answer as `--format json` prints it.
#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    narrower: &'static str,
    /// What stood in the way of a proof.
    why: Option<String>,
    witness: Option<WitnessOut>,
    keeps: Option<KeepsOut>,
}

/// A request that NEW allows and OLD does not, as two cases for `simulate`.
#[derive(Serialize)]
struct WitnessOut {
    request: Value,
    under_old: Value,
    under_new: Value,
}

#[derive(Serialize)]
struct KeepsOut {
    principal: String,
    verdict: &'static str,
    catalog_date: String,
    shapes_proved: u64,
    calls_represented: u64,
    incomplete: u64,
    unmapped: u64,
    unexplained: u64,
    lost: Vec<LossOut>,
    /// What is not in the logs, and what the principal made will need: OLD grants it, NEW does not.
    life_cycles_lost: Vec<LifeCycleOut>,
    /// What the logs lack of the principal's account: calls in there were not replayed.
    gaps: Vec<CoverageGap>,
}

#[derive(Serialize)]
struct LifeCycleOut {
    action: String,
    resource: String,
    why: String,
}

#[derive(Serialize)]
struct LossOut {
    action: String,
    resource: String,
    calls: u64,
    why: String,
}

impl VerifyArgs {
    pub(super) fn run(self, terminal: &Terminal) -> anyhow::Result<Outcome> {
        let given = [&self.old, &self.new, &self.plan, &self.must_not_grant];
        let stdin = given
            .into_iter()
            .flatten()
            .filter(|path| path.as_os_str() == "-")
            .count();
        let logs = usize::from(self.principal.is_some() && self.usage.reads_stdin());
        if stdin + logs > 1 {
            bail!("only one of OLD, NEW and --logs can be -");
        }
        if self.principal.is_none() && self.usage.is_given() {
            // They may come from the configuration file, for other subcommands.
            terminal.say("logs and ledger are not replayed without --principal ARN");
        }
        if let Of::Change(change) = self.change()? {
            return self.say_change(&change, terminal);
        }
        let (Some(old), Some(new)) = (&self.old, &self.new) else {
            bail!("give OLD and NEW, or --git BASE, or --plan FILE");
        };
        let (old, new) = (read(old)?, read(new)?);
        let likely = likely(&old, &new, self.principal.as_deref());
        let verdict = subset::allows_no_more_likely(&old, &new, &likely);
        let replay = match &self.principal {
            Some(arn) => match self.replay(arn, vec![(String::new(), old.clone(), new.clone())], terminal)? {
                Some(mut replay) => replay.pop().map(|(_, keeps)| keeps),
                None if verdict == Verdict::Proved => return Ok(Outcome::NothingSeen),
                None => None,
            },
            None => None,
        };
        let mut out = io::stdout().lock();
        match self.format {
            // Markdown and SARIF are written of changes, above.
            Format::Terminal | Format::Markdown | Format::Sarif => {
                say(&mut out, &verdict)?;
                if let Some(keeps) = &replay {
                    say_keeps(&mut out, keeps)?;
                }
            }
            Format::Json => {
                let answer = answer(verdict.clone(), replay.as_ref(), &old, &new);
                writeln!(out, "{}", escape::json(&serde_json::to_string_pretty(&answer)?))?;
            }
        }
        let lost = replay.is_some_and(|keeps| keeps.fails(self.strict));
        Ok(match verdict {
            Verdict::Proved if !lost => Outcome::Clear,
            Verdict::Proved | Verdict::Refuted(_) | Verdict::Unknown(_) => Outcome::NeedsAttention,
        })
    }

    /// What each pair of policies would break of what the principal did; `None` if the logs hold no event.
    fn replay(
        &self,
        arn: &str,
        pairs: Vec<(String, Policy, Policy)>,
        terminal: &Terminal,
    ) -> anyhow::Result<Option<Vec<(String, Keeps)>>> {
        let is_principal = |arn: &str| {
            let [_, _, "iam", _, _, resource] = arn.splitn(6, ':').collect::<Vec<_>>()[..] else {
                return false;
            };
            resource.starts_with("role/") || resource.starts_with("user/")
        };
        if !is_principal(arn) {
            bail!("`{arn}` is no ARN of a role or user");
        }
        let catalog = Catalog::embedded();
        let collected = self.usage.collect(terminal)?;
        let Some(window) = collected.window else {
            terminal.say_nothing_seen(&self.usage.places(), &collected.coverage);
            return Ok(None);
        };
        let account = arn.split(':').nth(4).unwrap_or_default();
        let missing = gaps(&collected.coverage, window, |of| of == account);
        let anybodys = gap::Nobodys::of(catalog, &collected.coverage).in_account(account);
        let mut all = Vec::new();
        for (place, old, new) in pairs {
            // What OLD does not explain of the calls, it may explain on other resources.
            let mut grants = grants::alone(arn).with_policy("OLD", old.clone());
            if let (Some(principal), Some(id)) = (grants.principals.first_mut(), id_of(&collected.table, arn)) {
                principal.id = id.to_owned();
            }
            self.accessed.load(&mut grants.supplements)?;
            let gaps = analysis::gaps(catalog, &collected.archive(), &grants, self.life_cycles.on());
            let Some(gap) = gaps.first() else {
                bail!("`{arn}` is no ARN of a role or user");
            };
            if gap.activity.calls == 0 && all.is_empty() {
                terminal.say(&format!(
                    "no call of {arn} in {}: nothing was replayed; is it the right ARN?",
                    self.usage.places()
                ));
            }
            let allowed = |policy: &Policy| ActionSet::allowed_by(catalog, &policy.statements);
            let doubtful = anybodys.intersection(&allowed(&old).difference(&allowed(&new)));
            let nameless = doubtful.iter().map(|action| CoverageGap {
                account: account.to_owned(),
                region: String::new(),
                from: moment(window.first),
                to: moment(window.end),
                why: format!(
                    "a call that names nobody may have needed {}, which NEW lacks",
                    catalog.name(action)
                ),
            });
            let (lost, replayed) = losses(catalog, &old, &new, gap);
            let life_cycles = life_cycle_losses(catalog, &old, &new, gap);
            let keeps = Keeps {
                principal: arn.to_owned(),
                calls: gap.activity.calls,
                catalog_date: catalog.date().to_owned(),
                lost,
                life_cycles,
                replayed,
                gaps: missing.iter().cloned().chain(nameless).collect(),
            };
            all.push((place, keeps));
        }
        Ok(Some(all))
    }
}

/// What replaying a principal's calls showed.
struct Keeps {
    principal: String,
    calls: u64,
    catalog_date: String,
    lost: Vec<Loss>,
    life_cycles: Vec<LifeCycleLoss>,
    replayed: Replayed,
    gaps: Vec<CoverageGap>,
}

impl Keeps {
    /// Whether somebody has to look: strictly, at what could not be replayed as well.
    fn fails(&self, is_strict: bool) -> bool {
        !self.lost.is_empty() || is_strict && !self.gaps.is_empty()
    }
}

/// The unique id that the calls under an ARN show, where all show one: calls that show the id alone are its own, too.
fn id_of<'t>(table: &'t Table, arn: &str) -> Option<&'t str> {
    let callers = table.signatures.iter().map(|seen| &seen.signature.caller);
    let ids = callers.filter(|caller| *caller.arn == *arn).map(|caller| &*caller.id);
    let ids: BTreeSet<&str> = ids.filter(|id| !id.is_empty()).collect();
    ids.first().copied().filter(|_| ids.len() == 1)
}

fn read(path: &Path) -> anyhow::Result<Policy> {
    let text = text_of(path)?;
    Policy::parse_wrapped(&text).map_err(|error| {
        let name = path.display();
        match error.position() {
            Some(at) => anyhow!("{name}:{}:{}: {}", at.line, at.column, error.what()),
            None => anyhow!("{name}: {}", error.what()),
        }
    })
}

fn say(out: &mut dyn Write, verdict: &Verdict) -> io::Result<()> {
    match verdict {
        Verdict::Proved => writeln!(out, "narrower: proved. Every request that NEW allows, OLD allows too."),
        Verdict::Refuted(witness) => {
            let Witness {
                principal,
                action,
                resource,
                context,
                ..
            } = witness;
            writeln!(out, "narrower: refuted. NEW allows this request, and OLD does not:")?;
            let mut line = |name: &str, value: &str| writeln!(out, "    {name:<10} {}", escape::terminal(value));
            line("principal", principal)?;
            line("action", action)?;
            line("resource", resource)?;
            for (key, values) in context {
                line("context", &format!("{key} = {}", values.join(", ")))?;
            }
            Ok(())
        }
        Verdict::Unknown(why) => writeln!(
            out,
            "narrower: not proved. NEW may allow more than OLD, though no request was found that shows it: {}.",
            escape::terminal(why)
        ),
    }
}

fn say_keeps(out: &mut dyn Write, keeps: &Keeps) -> io::Result<()> {
    let Replayed {
        shapes_proved,
        incomplete,
        unmapped,
        unexplained,
        ..
    } = keeps.replayed;
    let unexplained = match unexplained {
        0 => String::new(),
        calls => format!(", {calls} unexplained by OLD (all that could explain them has to stay)"),
    };
    let of = format!(
        "{} calls of {} relative to catalog {}; {incomplete} incomplete, {unmapped} unmapped{unexplained}",
        keeps.calls, keeps.principal, keeps.catalog_date
    );
    if keeps.lost.is_empty() {
        writeln!(
            out,
            "keeps: proved for {shapes_proved} shapes in {}.",
            escape::terminal(&of)
        )?;
        say_gaps(out, &keeps.gaps)?;
        return say_life_cycles(out, keeps);
    }
    writeln!(
        out,
        "keeps: not proved. {} of what was replayed would break or may ({}):",
        keeps.lost.len(),
        escape::terminal(&of)
    )?;
    for loss in &keeps.lost {
        let seen = match loss.calls {
            0 => "not in the logs".to_owned(),
            calls => format!("{calls} calls"),
        };
        let line = format!("    {} on {}, {seen}: {}", loss.action, loss.shape, loss.why);
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    say_gaps(out, &keeps.gaps)?;
    say_life_cycles(out, keeps)
}

/// What was not replayed, since the logs lack it.
fn say_gaps(out: &mut dyn Write, gaps: &[CoverageGap]) -> io::Result<()> {
    let stretches = match gaps.len() {
        0 => return Ok(()),
        1 => "1 stretch".to_owned(),
        many => format!("{many} stretches"),
    };
    writeln!(
        out,
        "not replayed: {stretches} of the account that the logs lack (--strict makes this exit 10):"
    )?;
    for gap in gaps.iter().take(GAPS) {
        let region = if gap.region.is_empty() {
            "any region"
        } else {
            &gap.region
        };
        let line = format!("    {region}, {} to {}: {}", gap.from, gap.to, gap.why);
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    match gaps.len().saturating_sub(GAPS) {
        0 => Ok(()),
        more => writeln!(out, "    and {more} more (--format json)"),
    }
}

/// What no log shows yet: it bears on nobody's past, so the verdict does not rest on it.
fn say_life_cycles(out: &mut dyn Write, keeps: &Keeps) -> io::Result<()> {
    let lost = &keeps.life_cycles;
    if lost.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "life cycles: NEW lacks {} that what was made will need (--life-cycles off does not look for them):",
        if lost.len() == 1 {
            "1 action".to_owned()
        } else {
            format!("{} actions", lost.len())
        }
    )?;
    for loss in lost {
        let line = format!("    {} on {}: {}", loss.action, loss.resource, loss.why);
        writeln!(out, "{}", escape::terminal(&line))?;
    }
    Ok(())
}

fn answer(verdict: Verdict, keeps: Option<&Keeps>, old: &Policy, new: &Policy) -> Answer {
    let (narrower, why, witness) = match verdict {
        Verdict::Proved => ("proved", None, None),
        Verdict::Refuted(witness) => ("refuted", None, Some(witness)),
        Verdict::Unknown(why) => ("unknown", Some(why), None),
    };
    Answer {
        schema: "trimtrail.verify/1",
        narrower,
        why,
        witness: witness.map(|witness| {
            let (under_old, under_new) = (witness.case(&old.to_value()), witness.case(&new.to_value()));
            WitnessOut {
                request: under_new["request"].clone(),
                under_old,
                under_new,
            }
        }),
        keeps: keeps.map(keeps_out),
    }
}

fn keeps_out(keeps: &Keeps) -> KeepsOut {
    KeepsOut {
        principal: keeps.principal.clone(),
        verdict: if keeps.lost.is_empty() { "proved" } else { "refuted" },
        catalog_date: keeps.catalog_date.clone(),
        shapes_proved: keeps.replayed.shapes_proved,
        calls_represented: keeps.replayed.calls_represented,
        incomplete: keeps.replayed.incomplete,
        unmapped: keeps.replayed.unmapped,
        unexplained: keeps.replayed.unexplained,
        lost: keeps
            .lost
            .iter()
            .map(|loss| LossOut {
                action: loss.action.clone(),
                resource: loss.shape.clone(),
                calls: loss.calls,
                why: loss.why.to_string(),
            })
            .collect(),
        gaps: keeps.gaps.clone(),
        life_cycles_lost: keeps
            .life_cycles
            .iter()
            .map(|loss| LifeCycleOut {
                action: loss.action.clone(),
                resource: loss.resource.clone(),
                why: loss.why.clone(),
            })
            .collect(),
    }
}
