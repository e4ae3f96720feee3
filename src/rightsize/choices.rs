//! What people decided of permissions whose use nobody can see: after the keep rules, before the evidence level.

use std::fmt::Write as _;

use serde::Deserialize;
use toml::Spanned;

use super::KeepRule;
use crate::catalog::Catalog;
use crate::gap::{ActionSet, Grade, Reason, Slice};
use crate::grants::{Grants, PrincipalIndex};

/// What somebody decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing yet.
    Open,
    /// The actions stay, whatever the evidence level.
    Keep,
    /// They go, where nobody can see whether they are used.
    Drop,
    /// They stay, and the question comes back on this day, `YYYY-MM-DD`.
    Later(String),
}

impl Decision {
    /// The decision as files write it.
    pub fn name(&self) -> String {
        match self {
            Decision::Open => String::new(),
            Decision::Keep => "keep".to_owned(),
            Decision::Drop => "drop".to_owned(),
            Decision::Later(day) => format!("ask again on {day}"),
        }
    }

    fn of(text: &str) -> Result<Decision, Problem> {
        Ok(match text.trim() {
            "" => Decision::Open,
            "keep" => Decision::Keep,
            "drop" => Decision::Drop,
            later => {
                let Some(day) = later.strip_prefix("ask again on ").map(str::trim) else {
                    return Err(Problem::Decision(text.to_owned()));
                };
                let known = day.parse::<jiff::civil::Date>();
                Decision::Later(known.map_err(|_| Problem::Day(day.to_owned()))?.to_string())
            }
        })
    }
}

/// One answered question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Whom it is about, as `--keep` names principals: a glob over the ARN, the name or the path, or `tag:KEY=VALUE`.
    pub principal: String,
    /// Whether that is somebody's ARN as it is, and speaks of nobody else.
    pub exact: bool,
    /// The service that was asked about.
    pub service: String,
    /// Why nobody could see the actions; a choice to drop them holds for no other reason.
    pub reason: Reason,
    /// The actions, by name or pattern.
    pub actions: Vec<String>,
    /// What becomes of them.
    pub decision: Decision,
    /// Who decided.
    pub who: String,
    /// What for.
    pub why: String,
}

/// A choice as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    principal: Option<String>,
    /// In its place: the ARNs of all who are asked about at once.
    principals: Option<Vec<String>>,
    service: String,
    reason: Spanned<String>,
    actions: Spanned<Vec<Spanned<String>>>,
    decision: Option<Spanned<String>>,
    #[serde(default)]
    who: String,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    choice: Vec<Written>,
}

/// Why a file of choices cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ChoicesError {
    /// Where, from 1.
    pub line: usize,
    /// What.
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    /// Not TOML, or not these fields.
    #[error("{0}")]
    Toml(String),
    #[error("no reason `{0}`; write it as `decide` does")]
    Reason(String),
    #[error("`{0}` is no decision; write \"keep\", \"drop\" or \"ask again on 2027-01-31\"")]
    Decision(String),
    #[error("there is no day `{0}`; write \"ask again on 2027-01-31\"")]
    Day(String),
    #[error("`{0}` is no action of {1}")]
    Action(String, String),
    #[error("the choice names no action")]
    NoAction,
    #[error("whom is it about? write `principal`, or a list of ARNs at `principals`")]
    NoPrincipal,
    #[error("who drops it? write a name at `who`")]
    Nobody,
}

/// All choices of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Choices(pub Vec<Choice>);

/// What choices say of what one statement grants one principal.
#[derive(Debug, Default)]
pub struct Decided {
    /// What stays because somebody said so.
    pub kept: ActionSet,
    /// What stays until somebody is asked again.
    pub later: ActionSet,
    /// What goes because somebody said so.
    pub dropped: ActionSet,
}

impl Choices {
    /// Reads a file of choices.
    ///
    /// # Errors
    /// A choice that nobody could obey, by its line.
    pub fn parse(text: &str) -> Result<Choices, ChoicesError> {
        let at = |offset: usize, problem| ChoicesError {
            line: 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count(),
            problem,
        };
        let file: File = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            at(offset, Problem::Toml(error.message().to_owned()))
        })?;
        let mut choices = Vec::new();
        for written in file.choice {
            let (service, start) = (written.service.to_lowercase(), written.reason.span().start);
            let Some(reason) = Reason::of_name(written.reason.get_ref()) else {
                return Err(at(start, Problem::Reason(written.reason.into_inner())));
            };
            let decision = match &written.decision {
                None => Decision::Open,
                Some(decision) => {
                    let read = Decision::of(decision.get_ref());
                    let read = read.map_err(|problem| at(decision.span().start, problem))?;
                    if read == Decision::Drop && written.who.trim().is_empty() {
                        return Err(at(decision.span().start, Problem::Nobody));
                    }
                    read
                }
            };
            if written.actions.get_ref().is_empty() {
                return Err(at(written.actions.span().start, Problem::NoAction));
            }
            let of_service = format!("{service}:");
            let mut actions = Vec::new();
            for action in written.actions.into_inner() {
                if !action.get_ref().to_lowercase().starts_with(&of_service) {
                    let start = action.span().start;
                    return Err(at(start, Problem::Action(action.into_inner(), written.service)));
                }
                actions.push(action.into_inner());
            }
            let choice = |principal: &str, exact| Choice {
                principal: principal.to_owned(),
                exact,
                service: service.clone(),
                reason,
                actions: actions.clone(),
                decision: decision.clone(),
                who: written.who.trim().to_owned(),
                why: written.why.trim().to_owned(),
            };
            match (&written.principal, &written.principals) {
                (Some(named), None) => choices.push(choice(named, false)),
                (None, Some(all)) if !all.is_empty() => choices.extend(all.iter().map(|arn| choice(arn, true))),
                (Some(_), Some(_)) | (None, _) => return Err(at(start, Problem::NoPrincipal)),
            }
        }
        Ok(Choices(choices))
    }

    /// Opens again what was to be asked again on `today` or before, `YYYY-MM-DD`.
    pub fn wake(&mut self, today: &str) {
        for choice in &mut self.0 {
            if matches!(&choice.decision, Decision::Later(day) if day.as_str() <= today) {
                choice.decision = Decision::Open;
            }
        }
    }

    /// What they say of a statement's grants to a principal. Where one keeps and another drops, it stays.
    pub fn decided(&self, catalog: &Catalog, grants: &Grants, principal: PrincipalIndex, slice: &Slice) -> Decided {
        let mut decided = Decided::default();
        for choice in self.0.iter().filter(|choice| choice.fits(grants, principal)) {
            let set = choice.set(catalog).intersection(&slice.granted);
            match choice.decision {
                Decision::Open => {}
                Decision::Keep => decided.kept.extend(&set),
                Decision::Later(_) => decided.later.extend(&set),
                Decision::Drop => decided.dropped.extend(&choice.obeyed(&set, slice)),
            }
        }
        decided.dropped = decided.dropped.difference(&decided.kept).difference(&decided.later);
        decided
    }
}

impl Choice {
    /// Whether it is about this principal. An ARN that somebody has is that of nobody else: a path may hold `*` and `?` (IAM
    /// API reference, "CreateRole", Path), so that the question about one would be about others too.
    pub fn fits(&self, grants: &Grants, principal: PrincipalIndex) -> bool {
        let principal = &grants.principals[principal];
        if self.exact {
            return principal.arn == self.principal;
        }
        if self.principal.contains(['*', '?']) && grants.principals.iter().any(|one| one.arn == self.principal) {
            return principal.arn == self.principal;
        }
        KeepRule::of(&self.principal).fits(principal)
    }

    /// The catalog's actions that it names.
    pub fn set(&self, catalog: &Catalog) -> ActionSet {
        let mut set = ActionSet::none();
        for action in &self.actions {
            set.extend(&ActionSet::of_pattern(catalog, &action.to_lowercase()));
        }
        set
    }

    /// Of some actions those that a choice to drop them still holds for: nobody can see them, for the reason of then. What
    /// an unknown call may have needed is not anybody's to drop.
    pub fn obeyed(&self, set: &ActionSet, slice: &Slice) -> ActionSet {
        let mut hidden = slice.with_grade(Grade::Unobservable);
        hidden.extend(&slice.with_grade(Grade::OutsideCoverage));
        let mut obeyed = ActionSet::none();
        for action in set.intersection(&hidden).iter() {
            let reason = slice.reason(action);
            if reason == Some(self.reason) && reason != Some(Reason::UnknownCall) {
                obeyed.insert(action);
            }
        }
        obeyed
    }
}

/// A question of a file of choices: one table, ready to be answered. `remark` is one line.
pub fn question(remark: &str, principals: &[String], service: &str, reason: Reason, actions: &[String]) -> String {
    let mut text = format!("\n[[choice]]\n# {remark}\n");
    match principals {
        // A path may hold `*` and `?`, which speak of others too.
        [one] if !one.contains(['*', '?']) => {
            let _ = writeln!(text, "principal = {}", quoted(one));
        }
        all => list(&mut text, "principals", all),
    }
    let _ = writeln!(text, "service = {}", quoted(service));
    let _ = writeln!(text, "reason = {}", quoted(reason.name()));
    list(&mut text, "actions", actions);
    text.push_str("decision = \"\" # keep, drop, or ask again on YYYY-MM-DD\nwho = \"\"\nwhy = \"\"\n");
    text
}

/// A list, as many on a line as fit.
fn list(text: &mut String, name: &str, all: &[String]) {
    let mut line = format!("{name} = [");
    for (at, one) in all.iter().enumerate() {
        let next = format!("{}{}", quoted(one), if at + 1 < all.len() { ", " } else { "" });
        if line.len() + next.len() > 110 {
            let _ = writeln!(text, "{}", line.trim_end());
            line = "    ".to_owned();
        }
        line.push_str(&next);
    }
    let _ = writeln!(text, "{line}]");
}

/// A text as TOML writes it; what does not show stands as its number.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
