//! The twelve practices with a state each: the scorecard of a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, GradeTotals, Report, Severity, Workload};
use crate::hygiene::Practice;

/// What was given beside the grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Given {
    /// Grants, with a role or user in them.
    pub grants: bool,
    /// Logs or a ledger, with events of an account of the grants in them.
    pub logs: bool,
    /// Grants of an account of which there is no log.
    pub unheard: bool,
    /// A credential report.
    pub credential_report: bool,
    /// One that is older than the logs.
    pub old_credential_report: bool,
    /// The configuration of trails.
    pub trail_config: bool,
}

/// How a practice stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub enum State {
    /// Nothing was found to do.
    #[serde(rename = "done")]
    Done,
    /// Something was found to do.
    #[serde(rename = "to do")]
    ToDo,
    /// What was given does not show it.
    #[serde(rename = "cannot be judged from this input")]
    CannotBeJudged,
}

impl State {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            State::Done => "done",
            State::ToDo => "to do",
            State::CannotBeJudged => "cannot be judged from this input",
        }
    }
}

/// One line of the scorecard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PracticeReport {
    /// From 1 to 12.
    pub number: u8,
    /// In words.
    pub practice: String,
    /// How it stands.
    pub state: State,
    /// What that rests on.
    pub evidence: Vec<String>,
    /// The next step.
    pub next: String,
}

/// The scorecard: twelve lines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PracticesReport {
    /// `trimtrail.practices/1`
    pub schema: String,
    /// The practices in their order.
    pub practices: Vec<PracticeReport>,
}

/// What a practice comes to: its state, what that rests on, the next step.
type Judged = (State, Vec<String>, String);

const GRANTS: &str = "give --grants, with the roles and users of these accounts";
const LOGS: &str = "give --logs or --ledger, of these accounts";

/// What the practices are judged by, of all that is shown.
#[derive(Clone, Default)]
pub(super) struct Facts<'a> {
    /// Findings of principals, then of accounts.
    pub(super) findings: Vec<&'a Finding>,
    /// Roles and users that made calls in the window.
    pub(super) seen: usize,
    /// Roles and users that made none.
    pub(super) quiet: usize,
    /// Pods that used a role, counted once a role.
    pub(super) pods: usize,
    /// Policies that could be smaller now.
    pub(super) ready: u64,
    /// Policies that could be smaller later.
    pub(super) held: u64,
    /// Granted actions by grade.
    pub(super) actions: GradeTotals,
    /// Stretches of time that the archive lacks.
    pub(super) holes: usize,
    /// What would show most of what cannot be seen.
    pub(super) would_prove_most: Option<&'a str>,
}

impl<'a> Facts<'a> {
    fn of(report: &'a Report) -> Facts<'a> {
        let actors = report.principals.iter().filter(|principal| principal.kind != "group");
        let (seen, quiet): (Vec<_>, Vec<_>) = actors.partition(|principal| principal.last_seen.is_some());
        let workloads = report.principals.iter().flat_map(|principal| &principal.workloads);
        Facts {
            findings: report.findings().map(|(_, finding)| finding).collect(),
            seen: seen.len(),
            quiet: quiet.len(),
            pods: workloads.filter(|workload| is_kubernetes(workload)).count(),
            ready: report.totals.ready,
            held: report.totals.held,
            actions: report.totals.actions,
            holes: report.coverage.gaps.len(),
            would_prove_most: report.totals.would_prove_most.as_deref(),
        }
    }
}

/// Judges a report.
pub fn practices(report: &Report, given: Given) -> PracticesReport {
    judge(&Facts::of(report), given)
}

/// Judges facts.
pub(super) fn judge(facts: &Facts<'_>, given: Given) -> PracticesReport {
    let card = Card { facts, given };
    let lines = Practice::ALL.map(|practice| {
        let (state, evidence, next) = card.judge(practice);
        PracticeReport {
            number: practice.number(),
            practice: practice.title().to_owned(),
            state,
            evidence,
            next,
        }
    });
    PracticesReport {
        schema: "trimtrail.practices/1".to_owned(),
        practices: lines.to_vec(),
    }
}

struct Card<'a> {
    facts: &'a Facts<'a>,
    given: Given,
}

impl Card<'_> {
    fn judge(&self, practice: Practice) -> Judged {
        match practice {
            Practice::ReviewRoles => self.review(),
            Practice::UnnecessaryPermissions => self.unnecessary(),
            Practice::LeastPrivilege => self.least_privilege(),
            Practice::SpecificRoles
            | Practice::RemoveUnused
            | Practice::SessionPolicies
            | Practice::Hierarchy
            | Practice::ManagedPolicies
            | Practice::RotateCredentials => self.by_findings(practice),
            Practice::ServiceAccounts => self.service_accounts(),
            Practice::Logging => self.logging(),
            Practice::Educate => self.educate(),
        }
    }

    fn findings(&self, practice: Practice) -> Vec<&Finding> {
        let all = self.facts.findings.iter().copied();
        let mut found: Vec<&Finding> = all.filter(|finding| finding.practice == practice.title()).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        found
    }

    /// What is missing to say that nothing is to do, and what to give.
    fn missing(&self, practice: Practice) -> Option<Judged> {
        let given = self.given;
        let (why, give) = match practice {
            _ if !given.grants => ("no role or user is in the grants", GRANTS),
            _ if !given.logs => ("no log of an account of the grants was given", LOGS),
            Practice::RotateCredentials if !given.credential_report => {
                ("no credential report was given", "give --credential-report")
            }
            Practice::RotateCredentials if given.old_credential_report => (
                "the credential report is older than the logs",
                "give a --credential-report of today",
            ),
            Practice::Logging if !given.trail_config => {
                ("how the trails are configured was not given", "give --trail-config")
            }
            _ if given.unheard => ("of some accounts of the grants there is no log", LOGS),
            _ => return None,
        };
        Some((State::CannotBeJudged, vec![why.to_owned()], give.to_owned()))
    }

    /// To do where there are findings; else done where the input would have shown some.
    fn by_findings(&self, practice: Practice) -> Judged {
        let found = self.findings(practice);
        if let Some(worst) = found.first() {
            let next = format!("{}: trimtrail explain RESULT {}", worst.fix, worst.id);
            return (State::ToDo, told(&found), next);
        }
        let done = || (State::Done, Vec::new(), "look again next week".to_owned());
        self.missing(practice).unwrap_or_else(done)
    }

    /// What numbers say, where logs and grants tell them: done unless something is to do.
    fn by_numbers(&self, practice: Practice, evidence: String, to_do: Option<&str>) -> Judged {
        let (both, missing) = (self.given.grants && self.given.logs, self.missing(practice));
        match (to_do.filter(|_| both), missing) {
            (Some(next), _) => (State::ToDo, vec![evidence], next.to_owned()),
            (None, Some(missing)) => missing,
            (None, None) => (State::Done, vec![evidence], "look again next week".to_owned()),
        }
    }

    /// Every role and user is understood, and its use known.
    fn review(&self) -> Judged {
        let Facts { seen, quiet, .. } = self.facts;
        let evidence = format!("{seen} roles and users made calls in the window, {quiet} did not");
        let to_do = "see who made no call, and ask their owners: trimtrail explain RESULT idle-role";
        self.by_numbers(Practice::ReviewRoles, evidence, (*quiet > 0).then_some(to_do))
    }

    fn unnecessary(&self) -> Judged {
        let Facts { ready, held, .. } = self.facts;
        let evidence = format!("{ready} policies could be smaller now, {held} wait");
        let to_do = match (ready, held) {
            (0, 0) => None,
            (0, _) => Some("wait until what is held may go; each says why"),
            (_, _) => Some("apply what is ready: trimtrail analyze … --out OUT, then trimtrail patch OUT DIR"),
        };
        self.by_numbers(Practice::UnnecessaryPermissions, evidence, to_do)
    }

    fn least_privilege(&self) -> Judged {
        let practice = Practice::LeastPrivilege;
        if !self.findings(practice).is_empty() {
            return self.by_findings(practice);
        }
        let actions = self.facts.actions;
        let evidence = format!(
            "{} of {} granted actions have no logged use",
            actions.unused, actions.granted
        );
        let to_do = "take the suggestions, the riskiest first";
        self.by_numbers(practice, evidence, (actions.unused > 0).then_some(to_do))
    }

    fn service_accounts(&self) -> Judged {
        let (state, evidence, next) = self.by_findings(Practice::ServiceAccounts);
        match (state, self.facts.pods) {
            (State::Done, 0) => {
                let why = "no service account shows in the logs".to_owned();
                (
                    State::CannotBeJudged,
                    vec![why],
                    "nothing, where there is no Kubernetes".to_owned(),
                )
            }
            (State::Done, count) => (
                state,
                vec![format!("{count} service accounts have roles of their own")],
                next,
            ),
            (State::ToDo | State::CannotBeJudged, _) => (state, evidence, next),
        }
    }

    fn logging(&self) -> Judged {
        let gaps = self.facts.holes;
        let (mut state, mut evidence, mut next) = self.by_findings(Practice::Logging);
        if gaps > 0 {
            state = State::ToDo;
            evidence.push(counted(gaps, "hole in the archive", "holes in the archive"));
            if self.findings(Practice::Logging).is_empty() {
                next = "find the missing files: trimtrail coverage".to_owned();
            }
        }
        evidence.extend(
            self.facts
                .would_prove_most
                .iter()
                .map(|most| format!("would prove most: {most}")),
        );
        (state, evidence, next)
    }

    fn educate(&self) -> Judged {
        let mut by_id: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for finding in &self.facts.findings {
            *by_id.entry(&finding.id).or_default() += 1;
        }
        let most = by_id.into_iter().max_by_key(|(_, count)| *count);
        let next = match most {
            Some((id, _)) => {
                format!("read what the most frequent finding is, with who owns the roles: trimtrail explain {id}")
            }
            None => "read how temporary credentials work: trimtrail explain old-key".to_owned(),
        };
        let why = "no file shows what people know".to_owned();
        (State::CannotBeJudged, vec![why], next)
    }
}

/// Whether a workload is a pod's.
pub(super) fn is_kubernetes(workload: &Workload) -> bool {
    matches!(workload.kind.as_str(), "service_account" | "pod_identity")
}

/// `1 finding`, `2 findings`
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The worst findings of a practice, counted by id.
fn told(found: &[&Finding]) -> Vec<String> {
    let high = found
        .iter()
        .filter(|finding| finding.severity == Severity::High)
        .count();
    let mut lines = vec![format!(
        "{}, {high} of them high",
        counted(found.len(), "finding", "findings")
    )];
    lines.extend(
        found
            .iter()
            .take(3)
            .map(|finding| format!("{} ({})", finding.title, finding.id)),
    );
    lines
}

#[cfg(test)]
mod tests;
