//! States of the twelve practices, of reports made by hand.

use serde_json::{Value, json};

use super::*;
use crate::report::SCHEMA;

fn finding(id: &str, practice: Practice, severity: &str) -> Value {
    json!({"id": id, "key": id, "severity": severity, "practice": practice.title(), "title": format!("a {id}"), "why": "",
        "fix": "mend it", "evidence": []})
}

/// A report of one role with these findings and workloads, and so many policies that are ready.
fn report(findings: &[Value], workloads: &[Value], ready: u64) -> Report {
    let totals = json!({"granted": 9, "used": 9, "inferred": 0, "unused": 0, "unobservable": 0, "denied_only": 0, "outside_coverage": 0});
    let principal = json!({"arn": "arn:aws:iam::111122223333:role/app", "id": "AROAAPP", "kind": "role", "account": "111122223333",
        "path": "/", "created": "", "last_seen": "2026-10-07T00:00:00Z", "rewritable": true, "why_not": null, "workloads": workloads,
        "totals": totals, "actions": [], "action_groups": [], "elsewhere": [], "findings": findings});
    let text = json!({
        "schema": SCHEMA, "tool": {"version": "0", "catalog_date": "2026-10-27"},
        "window": {"from": "2026-10-01T00:00:00Z", "to": "2026-10-08T00:00:00Z", "days": 7.0},
        "coverage": {"files": 1, "bytes": 1, "records": 1, "events_used": 1, "events_unmapped": 0, "events_unattributed": 0,
            "events_not_calls": 0, "events_filtered_out": 0, "skipped": [], "accounts": [], "regions": [], "data_events": [],
            "gaps": [], "unmapped": [], "mapping_disagreements": [], "organization_policies": false},
        "principals": [principal], "suggestions": [],
        "totals": {"principals": 1, "actions": totals, "ready": ready, "held": 0, "needs_choice": 0, "not_touched": {},
            "removable_actions": 0, "findings": {}, "would_prove_most": null}
    });
    Report::from_json(&text.to_string()).expect("a result")
}

const ALL: Given = Given {
    grants: true,
    logs: true,
    unheard: false,
    credential_report: true,
    old_credential_report: false,
    trail_config: true,
};

fn states(report: &Report, given: Given) -> Vec<State> {
    let card = practices(report, given);
    assert_eq!(card.practices.len(), 12);
    assert!(card.practices.iter().all(|line| !line.next.is_empty()), "{card:?}");
    card.practices.into_iter().map(|line| line.state).collect()
}

#[test]
fn all_is_done_but_what_no_file_shows_where_nothing_is_wrong() {
    use State::{CannotBeJudged, Done};
    let pod = json!({"kind": "pod_identity", "cluster": "c", "namespace": "n", "name": "s", "calls": 3});
    let found = states(&report(&[], &[pod], 0), ALL);
    let mut expected = vec![Done; 11];
    expected.push(CannotBeJudged);
    assert_eq!(found, expected);
}

#[test]
fn a_finding_makes_its_own_practice_something_to_do() {
    for practice in Practice::ALL {
        let (id, found) = ("x", &[finding("x", practice, "high")]);
        let card = practices(&report(found, &[], 0), ALL);
        let to_do: Vec<u8> = card
            .practices
            .iter()
            .filter(|line| line.state == State::ToDo)
            .map(|line| line.number)
            .collect();
        // What is unnecessary, who was seen and what people know is no finding of a check.
        let expected: &[u8] = match practice.number() {
            1 | 2 | 12 => &[],
            _ => &[practice.number()],
        };
        assert_eq!(to_do, expected, "{id} of {practice:?}");
    }
}

#[test]
fn nothing_is_done_that_was_not_looked_at() {
    // Nothing at all, grants alone, logs alone, logs of other accounts beside those of some: whatever else is there.
    let alone = [
        Given::default(),
        Given { logs: false, ..ALL },
        Given { grants: false, ..ALL },
        Given { unheard: true, ..ALL },
    ];
    let pod = json!({"kind": "pod_identity", "cluster": "c", "namespace": "n", "name": "s", "calls": 3});
    for given in alone {
        let card = practices(&report(&[], std::slice::from_ref(&pod), 0), given).practices;
        for line in card {
            assert_eq!(line.state, State::CannotBeJudged, "{given:?}: {line:?}");
            let says = line.number == 12 || line.next.starts_with("give --");
            assert!(says && !line.evidence.is_empty(), "{given:?}: {line:?}");
        }
    }
}

#[test]
fn a_policy_that_is_ready_is_something_to_do() {
    let card = practices(&report(&[], &[], 3), ALL);
    assert_eq!(card.practices[1].state, State::ToDo);
    assert_eq!(card.practices[1].evidence, ["3 policies could be smaller now, 0 wait"]);
}
