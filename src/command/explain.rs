//! `explain`: why is this kept or dropped.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::report::load;
use super::{Outcome, Terminal};
use crate::catalog::Catalog;
use crate::emit;
use crate::emit::escape::terminal as plain;
use crate::gap::{Grade, LIFE_CYCLE};
use crate::hygiene;
use crate::iam::{ActionPart, Effect, PolicyText, ResourcePart, pattern};
use crate::report::{Action, ActionGroup, Finding, GrantedBy, PolicyNote, Principal, Report, Suggestion};

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// A result.json; or a finding's id alone, such as escalation, to learn what it is
    #[arg(value_name = "RESULT|FINDING")]
    result: PathBuf,
    /// A principal: its ARN or name, or a glob over them; or a finding's id or key
    #[arg(value_name = "PRINCIPAL|FINDING")]
    principal: Option<String>,
    /// An action or pattern; without one, everything granted
    action: Option<String>,
}

impl ExplainArgs {
    pub(super) fn run(self, _terminal: &Terminal) -> anyhow::Result<Outcome> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let Some(wanted) = &self.principal else {
            let Some(check) = self.result.to_str().and_then(hygiene::check_of) else {
                if self.result.exists() {
                    bail!(
                        "`{}` is no finding; if it is a result, name a principal or a finding behind it",
                        self.result.display()
                    );
                }
                let ids: Vec<&str> = hygiene::checks().map(|check| check.id).collect();
                bail!(
                    "`{}` is no finding; give a result and a principal, or one of {}",
                    self.result.display(),
                    ids.join(", ")
                );
            };
            emit::finding::about(check, &mut out)?;
            out.flush()?;
            return Ok(Outcome::Clear);
        };
        let report = load(&self.result)?;
        if findings(&report, wanted, &mut out)? {
            out.flush()?;
            return Ok(Outcome::Clear);
        }
        let principals: Vec<&Principal> = report
            .principals
            .iter()
            .filter(|principal| fits(principal, wanted))
            .collect();
        if principals.is_empty() {
            bail!("no principal fits `{wanted}` in `{}`", self.result.display());
        }
        for principal in principals {
            explain(&report, principal, self.action.as_deref(), &mut out)?;
        }
        out.flush()?;
        Ok(Outcome::Clear)
    }
}

/// Explains the findings of this id or key, if it is one.
fn findings(report: &Report, wanted: &str, out: &mut dyn Write) -> io::Result<bool> {
    let check = hygiene::check_of(wanted);
    let fitting = report
        .findings()
        .filter(|(_, finding)| finding.id == wanted || finding.key == wanted);
    let fitting: Vec<(&str, &Finding)> = fitting.collect();
    for (whose, finding) in &fitting {
        emit::finding::finding(whose, finding, out)?;
        writeln!(out)?;
    }
    let id = fitting.first().map(|(_, finding)| finding.id.as_str());
    let check = check.or_else(|| hygiene::check_of(id?));
    if let Some(check) = check {
        if fitting.is_empty() {
            writeln!(out, "nothing of this kind was found\n")?;
        }
        emit::finding::about(check, out)?;
    }
    Ok(check.is_some())
}

fn fits(principal: &Principal, wanted: &str) -> bool {
    let name = principal.arn.rsplit('/').next().unwrap_or("");
    let texts = [&principal.arn, name, &emit::short_name(&principal.arn)];
    texts.iter().any(|text| pattern::matches(wanted, text))
}

fn explain(report: &Report, principal: &Principal, wanted: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let wanted = wanted.unwrap_or("*");
    let lower = wanted.to_lowercase();
    let takes = |name: &str| pattern::matches(&lower, &name.to_lowercase());
    writeln!(out, "{}", plain(&principal.arn))?;
    if let Some(rhythm) = &principal.rhythm {
        writeln!(out, "  {}", plain(&rhythm.says))?;
    }
    if let Some(why_not) = &principal.why_not {
        writeln!(out, "  not rewritten: {}", plain(why_not))?;
    }
    for workload in &principal.workloads {
        writeln!(out, "  used by {}: {}", plain(&workload.label()), calls(workload.calls))?;
    }
    for (split, held) in emit::split::splits_of(report, &principal.arn) {
        writeln!(out, "  as roles of their own:")?;
        for line in emit::split::lines(split) {
            writeln!(out, "    {}", plain(&line))?;
        }
        if let Some(held) = held {
            writeln!(out, "    held: {}", plain(held))?;
        }
    }
    let subject = Subject { report, principal };
    let mut found = false;
    for action in principal.actions.iter().filter(|action| takes(&action.action)) {
        found = true;
        subject.action(action, out)?;
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
        if !names.is_empty() {
            found = true;
            subject.group(group, &names, out)?;
        }
    }
    for call in principal.unexplained.iter().filter(|call| takes(&call.action)) {
        found = true;
        writeln!(out, "\n  {}", plain(&call.action))?;
        let event = call
            .event
            .as_deref()
            .map(|id| format!(" ({})", plain(id)))
            .unwrap_or_default();
        writeln!(
            out,
            "    unexplained {}, first {}{event}: {}",
            calls(call.calls + call.indeterminate),
            plain(&call.first_seen),
            plain(&call.why)
        )?;
    }
    for elsewhere in principal.elsewhere.iter().filter(|elsewhere| takes(&elsewhere.action)) {
        found = true;
        writeln!(out, "\n  {}", elsewhere.action)?;
        writeln!(
            out,
            "    elsewhere   {}, last {}: {}",
            calls(elsewhere.calls),
            elsewhere.last_seen,
            plain(&elsewhere.why)
        )?;
        writeln!(out, "    suggestion  nothing is added: no policy here granted it")?;
    }
    for denial in principal.denials.iter().filter(|denial| takes(&denial.action)) {
        found = true;
        writeln!(out, "\n  {}", plain(&denial.action))?;
        writeln!(
            out,
            "    denied      {}: IAM explains it for a day at least",
            denial.time
        )?;
        writeln!(
            out,
            "    ask it      aws iam-toolbox get-request-authorization-details --authorization-id {}",
            plain(&denial.authorization_id)
        )?;
        if principal.arn.starts_with("arn:aws:") {
            writeln!(
                out,
                "    or open     https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/{}",
                plain(&denial.authorization_id)
            )?;
        }
    }
    if !found {
        writeln!(out, "  nothing granted fits `{}`", plain(wanted))?;
    }
    Ok(())
}

/// Whose actions are explained, and from what.
struct Subject<'a> {
    report: &'a Report,
    principal: &'a Principal,
}

impl Subject<'_> {
    /// An action that has a line of its own.
    fn action(&self, action: &Action, out: &mut dyn Write) -> io::Result<()> {
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
            writeln!(out, "    rhythm      {}", self.rhythm(action))?;
        }
        for workload in &action.workloads {
            writeln!(
                out,
                "    by          {}: {}",
                plain(&workload.label()),
                calls(workload.calls)
            )?;
        }
        for resource in action.resources.iter().take(10) {
            writeln!(out, "    on          {}", plain(resource))?;
        }
        if action.resources.len() > 10 {
            writeln!(
                out,
                "                and {} more in the result",
                action.resources.len() - 10
            )?;
        }
        self.granted_by(&action.granted_by, out)?;
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
        self.change(&action.action, &action.granted_by, out)?;
        writeln!(
            out,
            "    would change it: {}",
            evidence_wanted(action.grade, &action.action, &action.why)
        )
    }

    /// Actions that share grade, reason and origin.
    fn group(&self, group: &ActionGroup, names: &[&str], out: &mut dyn Write) -> io::Result<()> {
        let shown = if names.len() > 8 {
            format!("{} and {} more", names[..8].join(", "), names.len() - 8)
        } else {
            names.join(", ")
        };
        writeln!(out, "\n  {shown}")?;
        writeln!(out, "    grade       {}: {}", group.grade.name(), plain(&group.why))?;
        self.granted_by(&group.granted_by, out)?;
        self.change(names[0], &group.granted_by, out)?;
        writeln!(
            out,
            "    would change it: {}",
            evidence_wanted(group.grade, names[0], &group.why)
        )
    }

    /// `on 3 of 14 days, about every 4 days`
    fn rhythm(&self, action: &Action) -> String {
        let window = self.report.window.days.ceil();
        let days = format!("on {} of {window} days", action.days_active);
        if let Some(rhythm) = &action.rhythm {
            return format!("{days}: {}", plain(&rhythm.says));
        }
        match action.typical_gap_days {
            None => format!("{days}; what is seen once may be rarer than the window is long"),
            Some(gap) if gap * 3.0 > window => {
                format!("{days}, about every {gap} days: the window is short for that")
            }
            Some(gap) => format!("{days}, about every {gap} days"),
        }
    }

    /// Policy, statement and file of each grant.
    fn granted_by(&self, granted_by: &[GrantedBy], out: &mut dyn Write) -> io::Result<()> {
        for by in granted_by {
            let place = if by.statement == by.index.to_string() {
                format!("statement {}", by.index + 1)
            } else {
                format!("statement {} (Sid {})", by.index + 1, by.statement)
            };
            let file = self
                .note(by)
                .map(|note| note.file.as_str())
                .filter(|file| !file.is_empty());
            let file = file.map(|file| format!(", in {file}")).unwrap_or_default();
            writeln!(
                out,
                "    granted by  {} {}{}",
                plain(&by.policy),
                plain(&place),
                plain(&file)
            )?;
        }
        Ok(())
    }

    /// The policy that a grant comes from.
    fn note(&self, by: &GrantedBy) -> Option<&PolicyNote> {
        self.principal
            .policies
            .iter()
            .find(|note| match by.policy.strip_prefix("inline:") {
                Some(name) => note.policy == name,
                None => note.policy_arn == by.policy,
            })
    }

    /// What suggestions do about an action, and why there is none where there is none.
    fn change(&self, action: &str, granted_by: &[GrantedBy], out: &mut dyn Write) -> io::Result<()> {
        let lower = action.to_lowercase();
        let mut goes = false;
        for suggestion in self
            .report
            .suggestions
            .iter()
            .filter(|suggestion| suggestion.affects.contains(&self.principal.arn))
        {
            let removed = suggestion
                .removed
                .iter()
                .any(|removed| pattern::matches(&removed.to_lowercase(), &lower));
            let held = suggestion
                .held
                .as_ref()
                .map(|why| format!(" (held: {})", plain(why)))
                .unwrap_or_default();
            if removed {
                goes = true;
                writeln!(
                    out,
                    "    suggestion  {} removes it from {}, step {}, confidence {}{held}",
                    suggestion.id,
                    plain(&suggestion.policy),
                    suggestion.step,
                    suggestion.confidence
                )?;
                continue;
            }
            for statement in granting(suggestion.after(), &lower) {
                let granted_before = granted_by.iter().any(|by| self.is_of(by, suggestion));
                if granted_before {
                    writeln!(
                        out,
                        "    stays       in the new {}, step {}: {}",
                        plain(&suggestion.policy),
                        suggestion.step,
                        plain(&statement)
                    )?;
                }
            }
        }
        if !goes {
            let why_not: Vec<String> = granted_by
                .iter()
                .filter_map(|by| {
                    let note = self.note(by)?;
                    Some(format!(
                        "{} is not rewritten: {}",
                        note.policy,
                        note.why_not.as_deref()?
                    ))
                })
                .collect();
            let why_not = match why_not.first() {
                Some(why) => format!("; {}", plain(why)),
                None => String::new(),
            };
            writeln!(out, "    suggestion  it stays{why_not}")?;
        }
        Ok(())
    }

    /// Whether a grant comes from the policy that a suggestion is for.
    fn is_of(&self, by: &GrantedBy, suggestion: &Suggestion) -> bool {
        self.note(by)
            .is_some_and(|note| note.policy == suggestion.policy && note.policy_arn == suggestion.policy_arn)
    }
}

/// The Allow statements of a document that grant an action, each as `statement 1: s3:Get* on arn:…`.
fn granting(document: &PolicyText, action: &str) -> Vec<String> {
    let Ok(policy) = document.policy() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for statement in policy.statements.iter().filter(|one| one.effect == Effect::Allow) {
        let pattern = match &statement.action {
            ActionPart::Action(patterns) => patterns
                .iter()
                .find(|pattern| pattern.matches(action))
                .map(|pattern| pattern.text().to_owned()),
            ActionPart::NotAction(patterns) => {
                let outside = !patterns.iter().any(|pattern| pattern.matches(action));
                outside.then(|| "all but what it excepts".to_owned())
            }
        };
        let Some(pattern) = pattern else {
            continue;
        };
        let resources = match &statement.resource {
            ResourcePart::Resource(resources) => {
                let texts: Vec<&str> = resources.iter().take(3).map(|resource| resource.text()).collect();
                let more = if resources.len() > 3 { ", …" } else { "" };
                format!("{}{more}", texts.join(", "))
            }
            ResourcePart::NotResource(_) => "all but some resources".to_owned(),
            ResourcePart::None => "its own resource".to_owned(),
        };
        let condition = if statement.conditions.is_empty() {
            ""
        } else {
            ", conditions as before"
        };
        found.push(format!(
            "statement {}: {pattern} on {resources}{condition}",
            statement.index + 1
        ));
    }
    found
}

/// `1 call`, `3 calls`.
fn calls(n: u64) -> String {
    format!("{n} {}", if n == 1 { "call" } else { "calls" })
}

fn evidence_wanted(grade: Grade, action: &str, why: &str) -> &'static str {
    if action == "iam:PassRole" {
        return "nothing: handing over a role is no call of its own, so no log shows that it is not needed";
    }
    match grade {
        Grade::Inferred if why.starts_with(LIFE_CYCLE) => "nothing in the past: --life-cycles off asks the past alone",
        Grade::Used | Grade::Inferred => "a window without such calls, longer than --min-window",
        Grade::Unobservable => {
            "data events for these resources, last-accessed data, or the word of somebody who knows: trimtrail decide"
        }
        Grade::OutsideCoverage => "logs of the missing days, regions or event classes",
        Grade::DeniedOnly => "a call that AWS allows keeps it; --evidence aggressive drops it",
        Grade::Unused => "one call that needs it",
    }
}
