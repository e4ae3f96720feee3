//! A ledger as flat tables. Text is never null: what is not known is empty. Days are `YYYY-MM-DD`, moments ISO 8601.
//!
//! * `ledger` first_day, last_day, week_ago, month_ago, quarter_ago: one row; the last three count from `last_day`
//! * `calls` principal, name, kind, principal_id, principal_account, account, region, event_source, event_name,
//!   error_code, denied_action, outcome, day, weekday, workload_kind, cluster, namespace, workload, known, opener,
//!   provider, calls, first, last, resources: one row a signature, day and workload; `outcome` is `authorised`, `denied`
//!   or `indeterminate`, `weekday` 1 for Monday to 7; the columns from workload_kind to provider are empty where the
//!   caller is no role, and `known` says how a workload is known, or why not
//! * `signatures` the same without a day and a workload, with days, first_event, last_event and without resources
//! * `touched` principal, name, kind, account, event_source, event_name, outcome, resource, calls, days, first, last
//! * `sessions` role, role_id, kind, cluster, namespace, name, known, opener, provider, calls
//! * `keys` access_key, owner, calls, first, last: long-term access keys
//! * `streams` account, region, class, resource_type, days, hours, first_day, last_day
//! * `data_events` account, region, resource_type, root, read_days, write_days

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polars_core::prelude::{DataFrame, PolarsResult};

use super::tables::Columns;
use crate::attribute::{Actor, Workload, cluster_of};
use crate::coverage::{Class, Coverage};
use crate::resolve::{Outcome, bare, of_code};
use crate::time::{date, day_of, moment};
use crate::usage::{Caller, Seen, Table};

/// 1 for Monday to 7 for Sunday; 1970-01-01 was a Thursday.
fn weekday(day: i64) -> u64 {
    (day + 3).rem_euclid(7).unsigned_abs() + 1
}

/// The last part of the ARN; the account where there is no ARN.
fn name(caller: &Caller) -> String {
    match caller.arn.rsplit(['/', ':']).next() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => caller.account.to_string(),
    }
}

fn outcome(seen: &Seen) -> &'static str {
    let signature = &seen.signature;
    // The table keeps no messages: a code that is no denial of its own was one if the message named an action.
    match of_code(&signature.error_code) {
        Outcome::Denied => "denied",
        Outcome::Authorised | Outcome::Indeterminate if !signature.denied_action.is_empty() => "denied",
        Outcome::Authorised => "authorised",
        Outcome::Indeterminate => "indeterminate",
    }
}

/// Columns that tell a call apart from others.
fn who_and_what<'t, T>(columns: Columns, rows: &[T], seen: impl Fn(&T) -> &'t Seen) -> Columns {
    let of = |cell: fn(&Seen) -> String| {
        let seen = &seen;
        move |row: &T| cell(seen(row))
    };
    columns
        .text("principal", rows, of(|seen| seen.signature.caller.arn.to_string()))
        .text("name", rows, of(|seen| name(&seen.signature.caller)))
        .text("kind", rows, of(|seen| seen.signature.caller.kind.name().to_owned()))
        .text("principal_id", rows, of(|seen| seen.signature.caller.id.to_string()))
        .text(
            "principal_account",
            rows,
            of(|seen| seen.signature.caller.account.to_string()),
        )
        .text("account", rows, of(|seen| seen.signature.account.to_string()))
        .text("region", rows, of(|seen| seen.signature.region.to_string()))
        .text("event_source", rows, of(|seen| seen.signature.event_source.to_string()))
        .text("event_name", rows, of(|seen| seen.signature.event_name.to_string()))
        .text("error_code", rows, of(|seen| seen.signature.error_code.to_string()))
        .text(
            "denied_action",
            rows,
            of(|seen| seen.signature.denied_action.to_string()),
        )
        .text("outcome", rows, of(|seen| outcome(seen).to_owned()))
}

/// Calls on one resource by one principal.
struct Touch<'t> {
    calls: u64,
    days: BTreeSet<i32>,
    first: i64,
    last: i64,
    seen: &'t Seen,
}

/// Every table by name.
pub(super) fn of(table: &Table, coverage: &Coverage) -> PolarsResult<Vec<(&'static str, DataFrame)>> {
    let rows = &table.rows;
    let seen = |row: &crate::usage::Row| &table.signatures[row.signature];
    let calls = who_and_what(Columns::new(rows.len()), rows, seen)
        .text("day", rows, |row| date(i64::from(row.day)))
        .number("weekday", rows, |row| weekday(i64::from(row.day)));
    let actors: Vec<Option<&Arc<Actor>>> = rows.iter().map(|row| table.actor(row)).collect();
    let calls = behind(calls, &actors, ["workload_kind", "workload"])
        .number("calls", rows, |row| row.calls)
        .text("first", rows, |row| moment(row.first))
        .text("last", rows, |row| moment(row.last))
        .text("resources", rows, |row| {
            let resources: BTreeSet<&str> = row.resources.iter().map(|resource| bare(resource)).collect();
            serde_json::to_string(&resources).unwrap_or_default()
        });

    let mut counted = vec![(0, BTreeSet::new()); table.signatures.len()];
    for row in rows {
        let (calls, days) = &mut counted[row.signature];
        *calls += row.calls;
        days.insert(row.day);
    }
    let counted = counted.into_iter().map(|(calls, days)| (calls, days.len() as u64));
    let of_signature: Vec<(&Seen, (u64, u64))> = table.signatures.iter().zip(counted).collect();
    let signatures = who_and_what(Columns::new(of_signature.len()), &of_signature, |(seen, _)| seen)
        .number("calls", &of_signature, |(_, (calls, _))| *calls)
        .number("days", &of_signature, |(_, (_, days))| *days)
        .text("first", &of_signature, |(seen, _)| moment(seen.first.time))
        .text("first_event", &of_signature, |(seen, _)| seen.first.event_id.clone())
        .text("last", &of_signature, |(seen, _)| moment(seen.last.time))
        .text("last_event", &of_signature, |(seen, _)| seen.last.event_id.clone());

    Ok(vec![
        ("ledger", ledger(coverage).finish()?),
        ("calls", calls.finish()?),
        ("signatures", signatures.finish()?),
        ("touched", touched(table).finish()?),
        ("sessions", sessions(table).finish()?),
        ("keys", keys(coverage).finish()?),
        ("streams", streams(coverage).finish()?),
        ("data_events", data_events(coverage).finish()?),
    ])
}

fn ledger(coverage: &Coverage) -> Columns {
    let span = coverage.span.unwrap_or_default();
    let rows = [(day_of(span.first), day_of(span.last()))];
    Columns::new(1)
        .text("first_day", &rows, |(first, _)| date(*first))
        .text("last_day", &rows, |(_, last)| date(*last))
        .text("week_ago", &rows, |(_, last)| date(last - 7))
        .text("month_ago", &rows, |(_, last)| date(last - 30))
        .text("quarter_ago", &rows, |(_, last)| date(last - 90))
}

fn touched(table: &Table) -> Columns {
    let mut touched: BTreeMap<(&Caller, &str, &str, &str, &str), Touch> = BTreeMap::new();
    for row in &table.rows {
        let seen = &table.signatures[row.signature];
        let signature = &seen.signature;
        for resource in &row.resources {
            let key = (
                &signature.caller,
                &*signature.event_source,
                &*signature.event_name,
                outcome(seen),
                bare(resource),
            );
            let touch = touched.entry(key).or_insert_with(|| Touch {
                calls: 0,
                days: BTreeSet::new(),
                first: row.first,
                last: row.last,
                seen,
            });
            touch.calls += row.calls;
            touch.days.insert(row.day);
            touch.first = touch.first.min(row.first);
            touch.last = touch.last.max(row.last);
        }
    }
    let rows: Vec<_> = touched.into_iter().collect();
    Columns::new(rows.len())
        .text("principal", &rows, |((caller, ..), _)| caller.arn.to_string())
        .text("name", &rows, |((caller, ..), _)| name(caller))
        .text("kind", &rows, |(_, touch)| {
            touch.seen.signature.caller.kind.name().to_owned()
        })
        .text("account", &rows, |(_, touch)| touch.seen.signature.account.to_string())
        .text("event_source", &rows, |((_, source, ..), _)| (*source).to_owned())
        .text("event_name", &rows, |((_, _, name, ..), _)| (*name).to_owned())
        .text("outcome", &rows, |((.., outcome, _), _)| (*outcome).to_owned())
        .text("resource", &rows, |((.., resource), _)| (*resource).to_owned())
        .number("calls", &rows, |(_, touch)| touch.calls)
        .number("days", &rows, |(_, touch)| touch.days.len() as u64)
        .text("first", &rows, |(_, touch)| moment(touch.first))
        .text("last", &rows, |(_, touch)| moment(touch.last))
}

fn sessions(table: &Table) -> Columns {
    let roles: BTreeMap<(&str, &str), &str> = table
        .signatures
        .iter()
        .map(|seen| &seen.signature.caller)
        .map(|caller| ((&*caller.account, &*caller.id), &*caller.arn))
        .collect();
    let rows = &table.workloads;
    let columns = Columns::new(rows.len())
        .text("role", rows, |row| {
            let role = (row.account.as_str(), row.role_id.as_str());
            roles.get(&role).copied().unwrap_or_default().to_owned()
        })
        .text("role_id", rows, |row| row.role_id.clone());
    let actors: Vec<Option<&Arc<Actor>>> = rows.iter().map(|row| Some(&row.actor)).collect();
    behind(columns, &actors, ["kind", "name"]).number("calls", rows, |row| row.calls)
}

/// Columns that tell who stood behind roles; all of them are empty where nobody did. Two of them go by the names given.
fn behind(columns: Columns, rows: &[Option<&Arc<Actor>>], [kind, name]: [&str; 2]) -> Columns {
    type Row<'r> = Option<&'r Arc<Actor>>;
    let workload = |cell: fn(&Workload) -> String| {
        move |row: &Row<'_>| {
            let workload = row.and_then(|actor| actor.workload.as_ref());
            workload.map(cell).unwrap_or_default()
        }
    };
    columns
        .text(kind, rows, workload(|workload| workload.kind.name().to_owned()))
        .text("cluster", rows, |row| {
            let cluster = row.and_then(|actor| match &actor.workload {
                Some(workload) => workload.cluster.as_deref(),
                None => cluster_of(&actor.provider),
            });
            cluster.unwrap_or_default().to_owned()
        })
        .text(
            "namespace",
            rows,
            workload(|workload| workload.namespace.clone().unwrap_or_default()),
        )
        .text(name, rows, workload(|workload| workload.name.clone()))
        .text("known", rows, |row| {
            row.map_or("", |actor| actor.known.name()).to_owned()
        })
        .text("opener", rows, |row| {
            let opener = row.and_then(|actor| actor.opener());
            opener.map_or("", |kind| kind.name()).to_owned()
        })
        .text("provider", rows, |row| {
            row.map(|actor| actor.provider.clone()).unwrap_or_default()
        })
}

fn keys(coverage: &Coverage) -> Columns {
    let rows: Vec<_> = coverage
        .access_keys
        .iter()
        .flat_map(|(key, owners)| owners.iter().map(move |(owner, calls)| (key, owner, calls)))
        .collect();
    Columns::new(rows.len())
        .text("access_key", &rows, |(key, _, _)| (*key).clone())
        .text("owner", &rows, |(_, owner, _)| (*owner).clone())
        .number("calls", &rows, |(_, _, calls)| calls.calls)
        .text("first", &rows, |(_, _, calls)| moment(calls.first))
        .text("last", &rows, |(_, _, calls)| moment(calls.last))
}

fn streams(coverage: &Coverage) -> Columns {
    let rows: Vec<_> = coverage.streams.iter().collect();
    let days = |hours: &crate::coverage::Hours| -> Vec<i64> { hours.days().map(|(day, _)| i64::from(day)).collect() };
    Columns::new(rows.len())
        .text("account", &rows, |((account, ..), _)| account.clone())
        .text("region", &rows, |((_, region, _), _)| region.clone())
        .text("class", &rows, |((.., class), _)| {
            match class {
                Class::ManagementRead => "management read",
                Class::ManagementWrite => "management write",
                Class::Data(_) => "data",
            }
            .to_owned()
        })
        .text("resource_type", &rows, |((.., class), _)| match class {
            Class::Data(resource_type) => resource_type.clone(),
            Class::ManagementRead | Class::ManagementWrite => String::new(),
        })
        .number("days", &rows, |(_, hours)| days(hours).len() as u64)
        .number("hours", &rows, |(_, hours)| hours.iter().count() as u64)
        .text("first_day", &rows, |(_, hours)| {
            days(hours).first().map(|day| date(*day)).unwrap_or_default()
        })
        .text("last_day", &rows, |(_, hours)| {
            days(hours).last().map(|day| date(*day)).unwrap_or_default()
        })
}

fn data_events(coverage: &Coverage) -> Columns {
    let rows: Vec<_> = coverage
        .data_roots
        .iter()
        .flat_map(|(key, roots)| roots.iter().map(move |(root, days)| (key, root, days)))
        .collect();
    Columns::new(rows.len())
        .text("account", &rows, |((account, ..), _, _)| account.clone())
        .text("region", &rows, |((_, region, _), _, _)| region.clone())
        .text("resource_type", &rows, |((.., kind), _, _)| kind.clone())
        .text("root", &rows, |(_, root, _)| (*root).clone())
        .number("read_days", &rows, |(_, _, days)| days.reads.iter().count() as u64)
        .number("write_days", &rows, |(_, _, days)| days.writes.iter().count() as u64)
}
