//! `explain`: why is this kept or dropped.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::report::load;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::emit::escape::terminal as plain;
use crate::gap::Grade;
use crate::iam::pattern;
use crate::report::{Action, Principal, Report};

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// A result.json
    result: PathBuf,
    /// A principal: its ARN or name, or a glob over them
    principal: String,
    /// An action or pattern; without one, everything granted
    action: Option<String>,
}

impl ExplainArgs {
    pub(super) fn run(self, _terminal: &Terminal) -> anyhow::Result<Outcome> {
        let report = load(&self.result)?;
        let principals: Vec<&Principal> = report
            .principals
            .iter()
            .filter(|principal| fits(principal, &self.principal))
            .collect();
        if principals.is_empty() {
            bail!("no principal fits `{}` in `{}`", self.principal, self.result.display());
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        for principal in principals {
            explain(&report, principal, self.action.as_deref(), &mut out)?;
        }
        out.flush()?;
        Ok(Outcome::Clear)
    }
}

fn fits(principal: &Principal, wanted: &str) -> bool {
    let name = principal.arn.rsplit('/').next().unwrap_or("");
    pattern::matches(wanted, &principal.arn) || pattern::matches(wanted, name)
}

fn explain(report: &Report, principal: &Principal, wanted: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let wanted = wanted.unwrap_or("*").to_lowercase();
    let takes = |name: &str| pattern::matches(&wanted, &name.to_lowercase());
    writeln!(out, "{}", plain(&principal.arn))?;
    if let Some(why_not) = &principal.why_not {
        writeln!(out, "  not rewritten: {}", plain(why_not))?;
    }
    let mut found = false;
    for action in principal.actions.iter().filter(|action| takes(&action.action)) {
        found = true;
        of_action(report, principal, action, out)?;
    }
    let catalog = Catalog::embedded();
    for group in &principal.action_groups {
        let names: Vec<&str> = group
            .patterns
            .iter()
            .flat_map(|pattern| catalog.expand(pattern))
            .map(|id| catalog.name(id))
            .filter(|name| takes(name))
            .collect();
        if names.is_empty() {
            continue;
        }
        found = true;
        let shown = if names.len() > 8 {
            format!("{} and {} more", names[..8].join(", "), names.len() - 8)
        } else {
            names.join(", ")
        };
        writeln!(out, "\n  {shown}")?;
        writeln!(out, "    grade       {}: {}", group.grade.name(), plain(&group.why))?;
        for by in &group.granted_by {
            writeln!(
                out,
                "    granted by  {} statement {}",
                plain(&by.policy),
                plain(&by.statement)
            )?;
        }
        change(report, principal, names[0], out)?;
        writeln!(out, "    would change it: {}", evidence_wanted(group.grade))?;
    }
    for elsewhere in principal.elsewhere.iter().filter(|elsewhere| takes(&elsewhere.action)) {
        found = true;
        writeln!(out, "\n  {}", elsewhere.action)?;
        writeln!(
            out,
            "    elsewhere   {} calls, last {}: {}",
            elsewhere.calls,
            elsewhere.last_seen,
            plain(&elsewhere.why)
        )?;
    }
    if !found {
        writeln!(out, "  nothing granted fits `{}`", plain(&wanted))?;
    }
    Ok(())
}

fn of_action(report: &Report, principal: &Principal, action: &Action, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n  {}", action.action)?;
    writeln!(out, "    grade       {}: {}", action.grade.name(), plain(&action.why))?;
    if let (Some(first), Some(last)) = (&action.first_seen, &action.last_seen) {
        let event = |id: &Option<String>| id.as_deref().map(|id| format!(" ({})", plain(id))).unwrap_or_default();
        writeln!(
            out,
            "    calls       {}, first {first}{}, last {last}{}",
            action.calls,
            event(&action.events.first),
            event(&action.events.last)
        )?;
    }
    for resource in action.resources.iter().take(10) {
        writeln!(out, "    on          {}", plain(resource))?;
    }
    for by in &action.granted_by {
        writeln!(
            out,
            "    granted by  {} statement {}",
            plain(&by.policy),
            plain(&by.statement)
        )?;
    }
    for slice in &action.by_resource {
        writeln!(
            out,
            "    there       {} on {}: {}",
            slice.grade.name(),
            plain(&slice.resources.join(", ")),
            plain(&slice.why)
        )?;
    }
    if let Some(blocked) = &action.blocked_by {
        writeln!(out, "    blocked by  {blocked}")?;
    }
    change(report, principal, &action.action, out)?;
    writeln!(out, "    would change it: {}", evidence_wanted(action.grade))
}

/// What suggestions do about an action.
fn change(report: &Report, principal: &Principal, action: &str, out: &mut dyn Write) -> io::Result<()> {
    let action = action.to_lowercase();
    let mut touched = false;
    for suggestion in report
        .suggestions
        .iter()
        .filter(|suggestion| suggestion.affects.contains(&principal.arn))
    {
        if suggestion
            .removed
            .iter()
            .any(|removed| pattern::matches(&removed.to_lowercase(), &action))
        {
            touched = true;
            let held = suggestion
                .held
                .as_ref()
                .map(|why| format!(" (held: {})", plain(why)))
                .unwrap_or_default();
            writeln!(
                out,
                "    suggestion  {} removes it from {}, step {}{held}",
                suggestion.id,
                plain(&suggestion.policy),
                suggestion.step
            )?;
        }
    }
    if !touched {
        writeln!(out, "    suggestion  it stays")?;
    }
    Ok(())
}

fn evidence_wanted(grade: Grade) -> &'static str {
    match grade {
        Grade::Used | Grade::Inferred => "nothing; calls needed it in this window",
        Grade::Unobservable => "data events for these resources, or a log other than CloudTrail",
        Grade::OutsideCoverage => "logs of the missing days, regions or event classes",
        Grade::DeniedOnly => "a call that AWS allows keeps it; --evidence aggressive drops it",
        Grade::Unused => "one call that needs it",
    }
}
