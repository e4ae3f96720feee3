//! What nobody may be granted: actions on resources, decided as IAM decides and not by how statements are spelt.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Example, Finding, FindingKind, likely};
use crate::iam::subset::{self, Verdict};
use crate::iam::{ActionPattern, Effect, Policy};

/// A list of them.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bans {
    /// Each of them.
    pub must_not_grant: Vec<Ban>,
}

/// Actions that nobody may be granted on some resources.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// Patterns of actions.
    pub actions: Vec<String>,
    /// Patterns of resources; all where it says nothing.
    #[serde(default = "everything")]
    pub resources: Vec<String>,
    /// Why, for whoever reads the finding.
    #[serde(default)]
    pub why: Option<String>,
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

impl Bans {
    /// Reads JSON or TOML: a list `must_not_grant` of `actions`, `resources` and `why`.
    ///
    /// # Errors
    /// What is neither, or says something else.
    pub fn parse(text: &str) -> Result<Bans, String> {
        let text = text.trim_start_matches('\u{feff}');
        let bans: Bans = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            toml::from_str(text).map_err(|error| error.to_string())?
        };
        for ban in &bans.must_not_grant {
            if ban.actions.is_empty() || ban.resources.is_empty() {
                return Err("an entry has no actions or no resources".to_owned());
            }
            if let Some(action) = ban
                .actions
                .iter()
                .find(|action| *action != "*" && !action.contains(':'))
            {
                return Err(format!("`{action}` is no action: it has no service before a colon"));
            }
        }
        Ok(bans)
    }

    /// The statements of a document that grant what is banned. `shown` says how a text with references is written.
    pub(super) fn broken_by(
        &self,
        policy: &Value,
        lines: &[Option<usize>],
        shown: &dyn Fn(&str) -> String,
        filled: &dyn Fn(&Value) -> Option<Policy>,
    ) -> Vec<Finding> {
        let Ok(parsed) = Policy::from_value(policy) else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        for (at, statement) in parsed.statements.iter().enumerate() {
            if statement.effect != Effect::Allow {
                continue;
            }
            let denied = parsed.statements.iter().filter(|one| one.effect == Effect::Deny);
            let all: Vec<Value> = std::iter::once(statement)
                .chain(denied)
                .map(|one| one.to_value())
                .collect();
            let version = policy.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17"));
            let granted = json!({"Version": version, "Statement": all});
            for ban in &self.must_not_grant {
                if let Some((verdict, example)) = ban.verdict(&granted, filled) {
                    let sid = statement.sid.as_deref().map(shown);
                    let of = format!("{} on {}", ban.actions.join(", "), ban.resources.join(", "));
                    let why = ban.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
                    findings.push(Finding {
                        kind: FindingKind::Banned,
                        statement: Some(sid.unwrap_or_else(|| format!("Statement[{at}]"))),
                        line: lines.get(at).copied().flatten(),
                        what: match &example {
                            Some(_) => format!("it grants what nobody may be granted: {of}{why}"),
                            None => format!(
                                "it may grant what nobody may be granted: {of}{why}; {}",
                                shown(&verdict)
                            ),
                        },
                        example,
                    });
                }
            }
        }
        findings
    }
}

impl Ban {
    /// What a document grants of it; `None` where it is proved to grant nothing of it.
    fn verdict(&self, granted: &Value, filled: &dyn Fn(&Value) -> Option<Policy>) -> Option<(String, Option<Example>)> {
        let first = &granted["Statement"][0];
        let of_resource = first.get("Principal").is_some() || first.get("NotPrincipal").is_some();
        let has_resource = first.get("Resource").is_some() || first.get("NotResource").is_some();
        let mut everything = json!({"Effect": "Allow", "Action": "*"});
        let mut banned = json!({"Effect": "Deny", "Action": self.actions});
        if of_resource {
            everything["Principal"] = json!("*");
            banned["Principal"] = json!("*");
            // Everybody is no service and no provider: those are compared by their own names.
            if let Some(who) = first.get("Principal").filter(|who| **who != json!("*")) {
                everything["Principal"] = who.clone();
                banned["Principal"] = who.clone();
            }
        }
        if has_resource {
            everything["Resource"] = json!("*");
            banned["Resource"] = json!(self.resources);
        }
        let allowed = json!({"Version": granted["Version"], "Statement": [everything, banned]});
        let (Ok(old), Ok(new)) = (Policy::from_value(&allowed), Policy::from_value(granted)) else {
            return Some(("it cannot be compared".to_owned(), None));
        };
        let why = match subset::allows_no_more(&old, &new) {
            Verdict::Proved => return None,
            Verdict::Refuted(_) => "a request was found".to_owned(),
            Verdict::Unknown(why) => format!("not shown to be apart: {why}"),
        };
        let example = filled(&allowed).zip(filled(granted)).and_then(|(old, new)| {
            let empty = Policy::from_value(&json!({"Statement": []})).ok()?;
            let patterns: Vec<ActionPattern> = self.actions.iter().map(ActionPattern::new).collect();
            let is_banned = |action: &str| patterns.iter().any(|pattern| pattern.matches(action));
            let mut hints = likely::of(&empty, &new, &is_banned);
            // Where the statement leaves the resource open, the ban names it.
            let named = self
                .resources
                .iter()
                .map(|pattern| pattern.replace('*', "example").replace('?', "x"));
            let named: Vec<String> = named.collect();
            hints
                .requests
                .iter_mut()
                .for_each(|(_, resources)| resources.extend(named.iter().cloned()));
            match subset::allows_no_more_likely(&old, &new, &hints) {
                Verdict::Refuted(witness) => Some(Example {
                    action: witness.action,
                    resource: witness.resource,
                    principal: of_resource.then_some(witness.principal),
                    context: witness.context,
                    references: Vec::new(),
                }),
                Verdict::Proved | Verdict::Unknown(_) => None,
            }
        });
        Some((why, example))
    }
}
