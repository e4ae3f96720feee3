//! Each named query runs, and answers what SQL over the same rows answers by hand.

use std::collections::BTreeSet;

use super::{Form, NAMED, Over, over_ledger, over_result, write};
use crate::coverage::Coverage;
use crate::report::{Report, SCHEMA};
use crate::usage::Table;

fn report() -> Report {
    let text = serde_json::json!({
        "schema": SCHEMA,
        "tool": {"version": "0", "catalog_date": "2026-10-27"},
        "window": {"from": "", "to": "", "days": 1.0},
        "coverage": {
            "files": 1, "bytes": 1, "records": 1, "events_used": 1, "events_unmapped": 0, "events_unattributed": 0,
            "events_not_calls": 0, "events_filtered_out": 0, "skipped": [], "accounts": [], "regions": [],
            "data_events": [{"resource_type": "AWS::S3::Object", "seen": ["arn:aws:s3:::a"]}], "gaps": [],
            "unmapped": [], "mapping_disagreements": [], "organization_policies": false
        },
        "principals": [
            {"arn": "arn:aws:iam::111122223333:role/one", "id": "AROAONE", "kind": "role", "account": "111122223333",
             "path": "/", "created": "", "last_seen": null, "rewritable": true, "why_not": null, "workloads": [],
             "totals": {"granted": 7, "used": 0, "inferred": 0, "unused": 5, "unobservable": 2, "denied_only": 0, "outside_coverage": 0},
             "actions": [],
             "action_groups": [
                {"service": "s3", "grade": "unused", "why": "=1+1", "count": 3, "patterns": [], "granted_by": []},
                {"service": "sqs", "grade": "unused", "why": "", "count": 2, "patterns": [], "granted_by": []},
                {"service": "s3", "grade": "unobservable", "why": "no data events", "count": 2, "patterns": [], "granted_by": []}],
             "elsewhere": [], "findings": []}
        ],
        "suggestions": [],
        "totals": {"principals": 1, "actions": {"granted": 7, "used": 0, "inferred": 0, "unused": 5, "unobservable": 2, "denied_only": 0, "outside_coverage": 0},
                   "ready": 0, "held": 0, "needs_choice": 0, "not_touched": {}, "removable_actions": 0, "findings": {}, "would_prove_most": null}
    });
    Report::from_json(&text.to_string()).expect("a result")
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    let mut answer = over_result(&report(), sql).expect("an answer");
    let mut bytes = Vec::new();
    write(&mut answer, Form::Csv, 100, &mut bytes).expect("a Vec takes everything");
    assert_eq!(String::from_utf8(bytes).expect("text"), expected);
}

fn named(name: &str) -> &'static str {
    super::Named::find(name).expect("a named query").sql
}

#[test]
fn unused_actions_by_service() {
    check(named("unused-by-service"), "service,groups,actions\ns3,1,3\nsqs,1,2\n");
}

#[test]
fn actions_that_only_data_events_could_show() {
    check(named("data-events-missing"), "service,groups,actions\ns3,1,2\n");
}

#[test]
fn principals_without_a_call() {
    check(
        named("idle-principals"),
        "kind,name,account,granted,created\nrole,one,111122223333,7,\n",
    );
}

#[test]
fn own_sql_joins_tables() {
    check(
        "SELECT p.name, g.service FROM groups g JOIN principals p ON g.principal = p.principal ORDER BY g.service LIMIT 1",
        "name,service\none,s3\n",
    );
}

#[test]
fn a_formula_in_a_cell_is_disarmed() {
    check("SELECT why FROM groups WHERE why LIKE '=%'", "why\n'=1+1\n");
}

#[test]
fn every_named_query_runs_on_an_empty_and_a_full_result() {
    for named in NAMED {
        let answer = match named.over {
            Over::Result => over_result(&report(), named.sql),
            Over::Ledger => over_ledger(&Table::default(), &Coverage::default(), named.sql),
        };
        answer.unwrap_or_else(|error| panic!("{}: {error}", named.name));
    }
}

#[test]
fn every_file_in_queries_is_named_and_says_what_it_answers() {
    let files: BTreeSet<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/queries"))
        .expect("the folder")
        .filter_map(|entry| {
            entry
                .ok()?
                .file_name()
                .into_string()
                .ok()?
                .strip_suffix(".sql")
                .map(str::to_owned)
        })
        .collect();
    let listed: BTreeSet<String> = NAMED.iter().map(|named| named.name.to_owned()).collect();
    assert_eq!(files, listed);
    assert!(NAMED.iter().all(|named| named.question().ends_with('?')));
}
