//! One row for each principal and action or pattern (RFC 4180), then one for each finding about an account, and for each
//! rule that left events out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;

use super::{Error, escape, view};
use crate::iam::pattern;
use crate::report::{GrantedBy, Report, Suggestion};

/// The columns, in order.
pub(super) const COLUMNS: [&str; 11] = [
    "principal",
    "account",
    "kind",
    "action",
    "grade",
    "why",
    "calls",
    "first_seen",
    "last_seen",
    "granted_by",
    "suggestion",
];

/// What a spreadsheet's cell holds.
const LONGEST: usize = 32_000;

/// One row, before it is escaped for any format.
#[derive(Clone)]
pub(super) struct Row<'a> {
    pub(super) principal: &'a str,
    pub(super) account: &'a str,
    pub(super) kind: &'a str,
    pub(super) action: &'a str,
    pub(super) grade: &'static str,
    pub(super) why: &'a str,
    pub(super) calls: u64,
    pub(super) first_seen: Option<&'a str>,
    pub(super) last_seen: Option<&'a str>,
    pub(super) granted_by: String,
    pub(super) suggestion: String,
}

/// What a suggestion removes, by service, since thousands of rows ask.
struct Removal<'a> {
    suggestion: &'a str,
    names: HashSet<&'a str>,
    /// Patterns by service; under the empty text those of no single one.
    wildcards: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Removal<'a> {
    fn of(suggestion: &'a Suggestion) -> Removal<'a> {
        let mut names = HashSet::new();
        let mut wildcards: HashMap<&str, Vec<&str>> = HashMap::new();
        for removed in suggestion.removed.iter() {
            if removed.contains(['*', '?']) {
                let service = Some(service(removed)).filter(|service| !service.contains(['*', '?']));
                wildcards.entry(service.unwrap_or_default()).or_default().push(removed);
            } else {
                names.insert(removed);
            }
        }
        Removal {
            suggestion: &suggestion.id,
            names,
            wildcards,
        }
    }

    /// Whether all that an action or a pattern names goes.
    fn takes(&self, action: &str) -> bool {
        let candidates = [service(action), ""].map(|service| self.wildcards.get(service));
        let mut candidates = candidates.into_iter().flatten().flatten();
        self.names.contains(action) || candidates.any(|removed| pattern::includes(removed, action))
    }
}

fn service(action: &str) -> &str {
    action.split_once(':').map_or("", |(service, _)| service)
}

/// A row for each pattern that goes because a person said so.
fn chosen(report: &Report) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let chosen = report
        .suggestions
        .iter()
        .flat_map(|s| s.chosen.iter().map(move |one| (s, one)));
    for (suggestion, chosen) in chosen {
        for pattern in chosen.actions.iter() {
            rows.push(Row {
                principal: &chosen.principal,
                account: view::account(&chosen.principal).unwrap_or_default(),
                kind: &chosen.decision,
                action: pattern,
                grade: "chosen",
                why: &chosen.why,
                calls: 0,
                first_seen: None,
                last_seen: None,
                granted_by: chosen.who.clone(),
                suggestion: suggestion.id.clone(),
            });
        }
    }
    rows
}

/// All rows in the report's order; an action group has a row for each of its patterns.
pub(super) fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let touching = view::rows(report);
    let touching: BTreeMap<&str, &[usize]> = touching
        .iter()
        .map(|row| (row.principal.arn.as_str(), row.suggestions.as_slice()))
        .collect();
    for principal in &report.principals {
        let suggestions = touching.get(principal.arn.as_str()).copied().unwrap_or_default();
        let suggestions: Vec<Removal<'_>> = suggestions
            .iter()
            .filter_map(|at| report.suggestions.get(*at))
            .map(|suggestion| Removal::of(suggestion))
            .collect();
        let removed_by = |action: &str| {
            let removing = suggestions.iter().filter(|removal| removal.takes(action));
            let ids: Vec<&str> = removing.map(|removal| removal.suggestion).collect();
            ids.join("; ")
        };
        for action in &principal.actions {
            rows.push(Row {
                principal: &principal.arn,
                account: &principal.account,
                kind: &principal.kind,
                action: &action.action,
                grade: action.grade.name(),
                why: &action.why,
                calls: action.calls,
                first_seen: action.first_seen.as_deref(),
                last_seen: action.last_seen.as_deref(),
                granted_by: granted_by(&action.granted_by),
                suggestion: removed_by(&action.action),
            });
        }
        for group in &principal.action_groups {
            for pattern in &group.patterns {
                rows.push(Row {
                    principal: &principal.arn,
                    account: &principal.account,
                    kind: &principal.kind,
                    action: pattern,
                    grade: group.grade.name(),
                    why: &group.why,
                    calls: 0,
                    first_seen: None,
                    last_seen: None,
                    granted_by: granted_by(&group.granted_by),
                    suggestion: removed_by(pattern),
                });
            }
        }
    }
    rows.extend(chosen(report));
    let nothing = Row {
        principal: "",
        account: "",
        kind: "account",
        action: "",
        grade: "",
        why: "",
        calls: 0,
        first_seen: None,
        last_seen: None,
        granted_by: String::new(),
        suggestion: String::new(),
    };
    rows.extend(report.account_findings.iter().map(|found| Row {
        account: &found.account,
        action: &found.finding.id,
        grade: "finding",
        why: &found.finding.title,
        ..nothing.clone()
    }));
    rows.extend(report.coverage.excluded.iter().map(|excluded| Row {
        kind: "archive",
        grade: "excluded",
        why: &excluded.rule,
        calls: excluded.events,
        ..nothing.clone()
    }));
    rows
}

fn granted_by(statements: &[GrantedBy]) -> String {
    let named: Vec<String> = statements
        .iter()
        .map(|by| format!("{}#{}", by.policy, by.statement))
        .collect();
    named.join("; ")
}

/// Writes the header and the rows.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> Result<(), Error> {
    let mut table = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(out);
    table.write_record(COLUMNS)?;
    for row in rows(report) {
        let calls = row.calls.to_string();
        let cells = [
            row.principal,
            row.account,
            row.kind,
            row.action,
            row.grade,
            row.why,
            &calls,
            row.first_seen.unwrap_or_default(),
            row.last_seen.unwrap_or_default(),
            &row.granted_by,
            &row.suggestion,
        ];
        table.write_record(cells.map(|cell| escape::csv(&escape::cut(cell, LONGEST)).into_owned()))?;
    }
    table.flush()?;
    Ok(())
}
