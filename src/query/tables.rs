//! A result as flat tables. Text is never null: what is not known is empty.
//!
//! * `principals` principal, name, account, kind, created, last_seen, rhythm, next_expected, idle_days, rewritable, why_not, granted, used,
//!   inferred, unused, unobservable, denied_only, outside_coverage
//! * `actions` principal, account, service, action, grade, why, calls, first_seen, last_seen, blocked_by
//! * `groups` principal, account, service, grade, why, actions
//! * `suggestions` id, policy, policy_arn, kind, step, change, affects, removed_actions, risk, held, confidence, expires
//! * `affected` suggestion, principal
//! * `risks` suggestion, action
//! * `findings` principal, account, finding, severity, title, fix
//! * `workloads` principal, kind, cluster, namespace, name, known, calls
//! * `data_events` resource_type, root
//! * `gaps` account, region, start, finish

use polars_core::prelude::{Column, DataFrame, IntoColumn, NamedFrom, PolarsResult, Series};

use crate::report::{Principal, Report, Severity, Window};

/// Rows of one table, column by column.
pub(super) struct Columns(Vec<Column>, usize);

impl Columns {
    pub(super) fn new(height: usize) -> Columns {
        Columns(Vec::new(), height)
    }

    pub(super) fn text<T>(mut self, name: &str, rows: &[T], cell: impl Fn(&T) -> String) -> Columns {
        let cells: Vec<String> = rows.iter().map(cell).collect();
        self.0.push(Series::new(name.into(), cells).into_column());
        self
    }

    pub(super) fn number<T>(mut self, name: &str, rows: &[T], cell: impl Fn(&T) -> u64) -> Columns {
        let cells: Vec<u64> = rows.iter().map(cell).collect();
        self.0.push(Series::new(name.into(), cells).into_column());
        self
    }

    fn truth<T>(mut self, name: &str, rows: &[T], cell: impl Fn(&T) -> bool) -> Columns {
        let cells: Vec<bool> = rows.iter().map(cell).collect();
        self.0.push(Series::new(name.into(), cells).into_column());
        self
    }

    pub(super) fn finish(self) -> PolarsResult<DataFrame> {
        DataFrame::new(self.1, self.0)
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
    }
}

/// Whole days from the last call to the end of the window; the whole window where there was no call.
fn idle_days(principal: &Principal, window: &Window) -> u64 {
    let moment = |text: &str| text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).ok();
    let last = principal.last_seen.as_deref().unwrap_or(&window.from);
    let idle = moment(&window.to).unwrap_or_default() - moment(last).unwrap_or_default();
    u64::try_from(idle / 86_400).unwrap_or(0)
}

fn service(action: &str) -> String {
    action.split(':').next().unwrap_or("").to_owned()
}

/// Every table by name.
pub(super) fn of(report: &Report) -> PolarsResult<Vec<(&'static str, DataFrame)>> {
    let rows = &report.principals;
    let principals = Columns::new(rows.len())
        .text("principal", rows, |row| row.arn.clone())
        .text("name", rows, |row| row.arn.rsplit('/').next().unwrap_or("").to_owned())
        .text("account", rows, |row| row.account.clone())
        .text("kind", rows, |row| row.kind.clone())
        .text("created", rows, |row| row.created.clone())
        .text("last_seen", rows, |row| row.last_seen.clone().unwrap_or_default())
        .text("rhythm", rows, |row| {
            row.rhythm
                .as_ref()
                .map(|rhythm| rhythm.says.clone())
                .unwrap_or_default()
        })
        .text("next_expected", rows, |row| {
            let next = row.rhythm.as_ref().and_then(|rhythm| rhythm.next_expected.clone());
            next.unwrap_or_default()
        })
        .number("idle_days", rows, |row| idle_days(row, &report.window))
        .truth("rewritable", rows, |row| row.rewritable)
        .text("why_not", rows, |row| row.why_not.clone().unwrap_or_default())
        .number("granted", rows, |row| row.totals.granted)
        .number("used", rows, |row| row.totals.used)
        .number("inferred", rows, |row| row.totals.inferred)
        .number("unused", rows, |row| row.totals.unused)
        .number("unobservable", rows, |row| row.totals.unobservable)
        .number("denied_only", rows, |row| row.totals.denied_only)
        .number("outside_coverage", rows, |row| row.totals.outside_coverage);

    let rows: Vec<_> = report
        .principals
        .iter()
        .flat_map(|p| p.actions.iter().map(move |action| (p, action)))
        .collect();
    let actions = Columns::new(rows.len())
        .text("principal", &rows, |(p, _)| p.arn.clone())
        .text("account", &rows, |(p, _)| p.account.clone())
        .text("service", &rows, |(_, action)| service(&action.action))
        .text("action", &rows, |(_, action)| action.action.clone())
        .text("grade", &rows, |(_, action)| action.grade.name().to_owned())
        .text("why", &rows, |(_, action)| action.why.clone())
        .number("calls", &rows, |(_, action)| action.calls)
        .text("first_seen", &rows, |(_, action)| {
            action.first_seen.clone().unwrap_or_default()
        })
        .text("last_seen", &rows, |(_, action)| {
            action.last_seen.clone().unwrap_or_default()
        })
        .text("blocked_by", &rows, |(_, action)| {
            action.blocked_by.clone().unwrap_or_default()
        });

    let rows: Vec<_> = report
        .principals
        .iter()
        .flat_map(|p| p.action_groups.iter().map(move |group| (p, group)))
        .collect();
    let groups = Columns::new(rows.len())
        .text("principal", &rows, |(p, _)| p.arn.clone())
        .text("account", &rows, |(p, _)| p.account.clone())
        .text("service", &rows, |(_, group)| group.service.clone())
        .text("grade", &rows, |(_, group)| group.grade.name().to_owned())
        .text("why", &rows, |(_, group)| group.why.clone())
        .number("actions", &rows, |(_, group)| group.count);

    let rows = &report.suggestions;
    let suggestions = Columns::new(rows.len())
        .text("id", rows, |row| row.id.clone())
        .text("policy", rows, |row| row.policy.clone())
        .text("policy_arn", rows, |row| row.policy_arn.clone())
        .text("kind", rows, |row| row.kind.clone())
        .text("step", rows, |row| row.step.clone())
        .text("change", rows, |row| row.change.clone())
        .number("affects", rows, |row| row.affects.len() as u64)
        .number("removed_actions", rows, |row| row.removed_actions)
        .text("risk", rows, |row| row.risk_removed.join(" "))
        .text("held", rows, |row| row.held.clone().unwrap_or_default())
        .text("confidence", rows, |row| row.confidence.clone())
        .text("expires", rows, |row| row.expires.clone());

    let rows: Vec<_> = report
        .suggestions
        .iter()
        .flat_map(|s| s.affects.iter().map(move |arn| (s.id.clone(), arn.clone())))
        .collect();
    let affected = Columns::new(rows.len())
        .text("suggestion", &rows, |(id, _)| id.clone())
        .text("principal", &rows, |(_, arn)| arn.clone());

    let rows: Vec<_> = report
        .suggestions
        .iter()
        .flat_map(|s| s.risk_removed.iter().map(move |risk| (s.id.clone(), risk.clone())))
        .collect();
    let risks = Columns::new(rows.len())
        .text("suggestion", &rows, |(id, _)| id.clone())
        .text("action", &rows, |(_, action)| action.clone());

    let rows: Vec<_> = report
        .principals
        .iter()
        .flat_map(|p| p.findings.iter().map(move |finding| (p, finding)))
        .collect();
    let findings = Columns::new(rows.len())
        .text("principal", &rows, |(p, _)| p.arn.clone())
        .text("account", &rows, |(p, _)| p.account.clone())
        .text("finding", &rows, |(_, finding)| finding.id.clone())
        .text("severity", &rows, |(_, finding)| severity(finding.severity).to_owned())
        .text("title", &rows, |(_, finding)| finding.title.clone())
        .text("fix", &rows, |(_, finding)| finding.fix.clone());

    let rows: Vec<_> = report
        .principals
        .iter()
        .flat_map(|p| p.workloads.iter().map(move |workload| (p, workload)))
        .collect();
    let workloads = Columns::new(rows.len())
        .text("principal", &rows, |(p, _)| p.arn.clone())
        .text("kind", &rows, |(_, workload)| workload.kind.clone())
        .text("cluster", &rows, |(_, workload)| {
            workload.cluster.clone().unwrap_or_default()
        })
        .text("namespace", &rows, |(_, workload)| {
            workload.namespace.clone().unwrap_or_default()
        })
        .text("name", &rows, |(_, workload)| workload.name.clone())
        .text("known", &rows, |(_, workload)| workload.known.clone())
        .number("calls", &rows, |(_, workload)| workload.calls);

    let rows: Vec<_> = report
        .coverage
        .data_events
        .iter()
        .flat_map(|kind| {
            kind.seen
                .iter()
                .map(move |root| (kind.resource_type.clone(), root.clone()))
        })
        .collect();
    let data_events = Columns::new(rows.len())
        .text("resource_type", &rows, |(kind, _)| kind.clone())
        .text("root", &rows, |(_, root)| root.clone());

    let rows = &report.coverage.gaps;
    let gaps = Columns::new(rows.len())
        .text("account", rows, |row| row.account.clone())
        .text("region", rows, |row| row.region.clone())
        .text("start", rows, |row| row.from.clone())
        .text("finish", rows, |row| row.to.clone());

    Ok(vec![
        ("principals", principals.finish()?),
        ("actions", actions.finish()?),
        ("groups", groups.finish()?),
        ("suggestions", suggestions.finish()?),
        ("affected", affected.finish()?),
        ("risks", risks.finish()?),
        ("findings", findings.finish()?),
        ("workloads", workloads.finish()?),
        ("data_events", data_events.finish()?),
        ("gaps", gaps.finish()?),
    ])
}
