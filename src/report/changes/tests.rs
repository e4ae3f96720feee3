//! What changed between results made by hand.

use serde_json::{Value, json};

use super::*;
use crate::report::SCHEMA;

const ROLE: &str = "arn:aws:iam::111122223333:role/app";

fn action(name: &str, grade: &str) -> Value {
    json!({"action": name, "grade": grade, "why": "", "calls": 3, "first_seen": "2026-10-09T00:00:00Z",
        "last_seen": "2026-10-10T00:00:00Z", "events": {"first": null, "last": null}, "resources": [],
        "granted_by": [{"policy": "inline:p", "statement": "0"}], "blocked_by": null, "by_resource": []})
}

fn group(patterns: &[&str], grade: &str) -> Value {
    json!({"service": patterns[0].split(':').next(), "grade": grade, "why": "", "count": 1, "patterns": patterns,
        "granted_by": [{"policy": "inline:p", "statement": "0"}]})
}

fn suggestion(before: &Value, after: &Value, removed: &[&str]) -> Value {
    let sha256 = sha256(&PolicyText::from(before));
    json!({"id": format!("to {after}"), "policy": "p", "policy_arn": ROLE, "kind": "inline", "affects": [ROLE], "step": "actions",
        "change": "replace", "before": before, "before_sha256": sha256, "after": after,
        "characters": {"before": 1, "after": 1, "quota": 1}, "removed": removed, "removed_actions": removed.len(),
        "risk_removed": [], "narrowed": [], "assumptions": [], "held": null, "confidence": "high", "expires": "",
        "verdict": {"narrower": "proved", "keeps": "proved", "shapes_proved": 1, "calls_represented": 1, "incomplete": 0, "unmapped": 0}})
}

fn policy(actions: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

fn report(to: &str, arns: &[&str], actions: &[Value], groups: &[Value], suggestions: &[Value]) -> Report {
    let totals = json!({"granted": 0, "used": 0, "inferred": 0, "unused": 0, "unobservable": 0, "denied_only": 0, "outside_coverage": 0});
    let principals: Vec<Value> = arns
        .iter()
        .map(|arn| {
            json!({"arn": arn, "id": "AROAAPP", "kind": "role", "account": "111122223333", "path": "/", "created": "",
                "last_seen": null, "rewritable": true, "why_not": null, "workloads": [], "totals": totals, "actions": actions,
                "action_groups": groups, "elsewhere": [], "findings": []})
        })
        .collect();
    let text = json!({
        "schema": SCHEMA, "tool": {"version": "0", "catalog_date": "2026-10-27"},
        "window": {"from": "2026-10-01T00:00:00Z", "to": to, "days": 7.0},
        "coverage": {"files": 1, "bytes": 1, "records": 1, "events_used": 1, "events_unmapped": 0, "events_unattributed": 0,
            "events_not_calls": 0, "events_filtered_out": 0, "skipped": [], "accounts": [], "regions": [], "data_events": [],
            "gaps": [], "unmapped": [], "mapping_disagreements": [], "organization_policies": false},
        "principals": principals, "suggestions": suggestions,
        "totals": {"principals": 1, "actions": totals, "ready": 0, "held": 0, "needs_choice": 0, "not_touched": {},
            "removable_actions": 0, "findings": {}, "would_prove_most": null}
    });
    Report::from_json(&text.to_string()).expect("a result")
}

/// The role's policy allows three things; a suggestion would take two.
fn before() -> Report {
    let all = policy(&["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]);
    report(
        "2026-10-07T23:59:59Z",
        &[ROLE, "arn:aws:iam::111122223333:role/old"],
        &[action("s3:GetObject", "used")],
        &[
            group(&["s3:PutObject"], "unused"),
            group(&["sqs:SendMessage"], "unused"),
        ],
        &[suggestion(
            &all,
            &policy(&["s3:GetObject"]),
            &["s3:PutObject", "sqs:SendMessage"],
        )],
    )
}

fn compare(after: &Report, denials: Option<&[Denial]>) -> Changes {
    changes(Catalog::embedded(), &before(), after, denials)
}

const END: &str = "2026-10-14T23:59:59Z";

#[test]
fn nothing_changes_when_nothing_does() {
    let changes = compare(&before(), Some(&[]));
    assert!(changes.applied.is_empty() && changes.used_after_all.is_empty() && changes.newly_unused.is_empty());
    assert_eq!(
        (
            changes.new_principals.len(),
            changes.gone_principals.len(),
            changes.new_suggestions
        ),
        (0, 0, 0)
    );
}

#[test]
fn principals_come_and_go() {
    let after = report(END, &[ROLE, "arn:aws:iam::111122223333:role/new"], &[], &[], &[]);
    let changes = compare(&after, None);
    assert_eq!(changes.new_principals, ["arn:aws:iam::111122223333:role/new"]);
    assert_eq!(changes.gone_principals, ["arn:aws:iam::111122223333:role/old"]);
}

#[test]
fn workload_that_a_role_did_not_have_is_told_once_it_is_named() {
    let workload = |kind: &str, name: &str, known: &str| Workload {
        kind: kind.to_owned(),
        cluster: None,
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
        known: known.to_owned(),
        calls: 7,
        sessions: Vec::new(),
    };
    let with = |workloads: Vec<Workload>| {
        let mut report = report(END, &[ROLE], &[], &[], &[]);
        report.principals[0].workloads = workloads;
        report
    };
    let before = with(vec![workload("service_account", "cart", "trust")]);
    let after = with(vec![
        workload("service_account", "cart", "seen"),
        workload("service_account", "api", "seen"),
        workload("unknown", "sessions opened outside this archive", "unknown"),
    ]);
    let names =
        |changes: &Changes| -> Vec<String> { changes.new_workloads.iter().map(|new| new.workload.label()).collect() };
    let found = changes(Catalog::embedded(), &before, &after, None);
    assert_eq!(names(&found), ["service_account shop/api"]);
    assert!(names(&changes(Catalog::embedded(), &after, &after, None)).is_empty());
}

#[test]
fn use_that_ended_and_use_that_began() {
    let after = report(
        END,
        &[ROLE],
        &[action("sqs:SendMessage", "used")],
        &[group(&["s3:GetObject", "s3:PutObject"], "unused")],
        &before()
            .suggestions
            .iter()
            .map(|known| serde_json::to_value(known).expect("JSON"))
            .collect::<Vec<_>>(),
    );
    let changes = compare(&after, None);
    let lapsed: Vec<&str> = changes
        .newly_unused
        .iter()
        .map(|lapsed| lapsed.action.as_str())
        .collect();
    assert_eq!(lapsed, ["s3:GetObject"]);
    let used: Vec<(&str, &str)> = changes
        .used_after_all
        .iter()
        .map(|used| (used.action.as_str(), used.policy.as_str()))
        .collect();
    assert_eq!(used, [("sqs:SendMessage", "p")]);
    assert!(
        changes.applied.is_empty(),
        "the same document still stands: {:?}",
        changes.applied
    );
}

/// (applied, in part) where the policy grants these actions afterwards.
#[track_caller]
fn check_applied(groups: &[Value], suggestions: &[Value], expected: Option<bool>) {
    let after = report(END, &[ROLE], &[action("s3:GetObject", "used")], groups, suggestions);
    let applied: Vec<bool> = compare(&after, None)
        .applied
        .iter()
        .map(|applied| applied.partly)
        .collect();
    assert_eq!(applied.first().copied(), expected);
}

#[test]
fn a_suggestion_is_applied_when_the_policy_grants_no_more_than_it() {
    check_applied(&[], &[], Some(false));
    check_applied(&[group(&["s3:PutObject"], "unused")], &[], Some(true));
    check_applied(&[group(&["s3:Put*"], "unused"), group(&["sqs:*"], "unused")], &[], None);
    // The next suggestion starts from the document that the last one ended with.
    let nothing = json!({"Version": "2012-10-17", "Statement": []});
    let next = suggestion(&policy(&["s3:GetObject"]), &nothing, &["s3:GetObject"]);
    check_applied(&[], &[next], Some(false));
}

/// The ids of new suggestions, and why earlier ones are gone.
#[track_caller]
fn check_suggestions(after: &Report, new: &[&str], withdrawn: &[&str]) {
    let changes = compare(after, None);
    let ids: Vec<&str> = changes.suggested.iter().map(|one| one.suggestion.as_str()).collect();
    assert_eq!(ids, new);
    assert_eq!(changes.new_suggestions as usize, new.len());
    let whys: Vec<&str> = changes.withdrawn.iter().map(|one| one.why.as_str()).collect();
    assert_eq!(whys, withdrawn);
}

#[test]
fn suggestions_come_and_go_by_name() {
    let all = policy(&["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]);
    let groups = [
        group(&["s3:PutObject"], "unused"),
        group(&["sqs:SendMessage"], "unused"),
    ];
    let with = |arns: &[&str], actions: &[Value], suggestions: &[Value]| {
        let used = [&[action("s3:GetObject", "used")], actions].concat();
        report(END, arns, &used, &groups, suggestions)
    };
    check_suggestions(&before(), &[], &[]);
    let fewer = policy(&["s3:GetObject", "sqs:SendMessage"]);
    let other = suggestion(&all, &fewer, &["s3:PutObject"]);
    let id = format!("to {fewer}");
    let replaced = format!("suggestion {id} stands in its place");
    check_suggestions(&with(&[ROLE], &[], &[other]), &[&id], &[&replaced]);
    let used = format!("sqs:SendMessage was used by {ROLE}");
    check_suggestions(&with(&[ROLE], &[action("sqs:SendMessage", "used")], &[]), &[], &[&used]);
    check_suggestions(&with(&[], &[], &[]), &[], &["whom it was for is not there any more"]);
    check_suggestions(&with(&[ROLE], &[], &[]), &[], &["nothing may go any more"]);
    let live = |name: &str, why: Option<&str>| crate::report::LivePolicy {
        policy: name.to_owned(),
        policy_arn: ROLE.to_owned(),
        why_not: why.map(str::to_owned),
        ..Default::default()
    };
    let mut left_alone = with(&[ROLE], &[], &[]);
    left_alone.policies = vec![live("p", Some("idle in the window"))];
    check_suggestions(&left_alone, &[], &["idle in the window"]);
    left_alone.policies = vec![live("another", None)];
    check_suggestions(&left_alone, &[], &["the policy is not there any more"]);
    // What was followed is told as that.
    check_suggestions(
        &report(END, &[ROLE], &[action("s3:GetObject", "used")], &[], &[]),
        &[],
        &[],
    );
}

#[test]
fn a_denial_after_a_cut_names_the_cut_and_the_way_back() {
    let after = report(END, &[ROLE], &[action("s3:GetObject", "used")], &[], &[]);
    let denial = |principal: &str, action: &str| Denial {
        principal: principal.to_owned(),
        actions: vec![action.to_owned()],
        resources: vec!["arn:aws:sqs:eu-west-1:111122223333:jobs".to_owned()],
        calls: 4,
        first: 1_791_590_400,
        last: 1_791_590_460,
        event: "event-1".to_owned(),
    };
    let denials = [
        denial(ROLE, "sqs:SendMessage"),
        denial(ROLE, "ec2:RunInstances"),
        denial("arn:aws:iam::111122223333:role/other", "sqs:SendMessage"),
    ];
    let changes = compare(&after, Some(&denials));
    assert_eq!(changes.hurt.len(), 1, "{:?}", changes.hurt);
    let hurt = &changes.hurt[0];
    assert_eq!(
        (hurt.principal.as_str(), hurt.action.as_str(), hurt.policy.as_str()),
        (ROLE, "sqs:SendMessage", "p")
    );
    assert_eq!(
        hurt.fix,
        "allow sqs:SendMessage on arn:aws:sqs:eu-west-1:111122223333:jobs in p again, and keep it: \
         {\"principal\": \"arn:aws:iam::111122223333:role/app\", \"action\": \"sqs:SendMessage\", \"reason\": \"denied since 2026-10-10\"}"
    );
}

#[test]
fn practices_stand_beside_what_they_were() {
    let line = |state: State| crate::report::PracticeReport {
        number: 6,
        practice: "keep the hierarchy of roles in sight".to_owned(),
        state,
        evidence: Vec::new(),
        next: String::new(),
    };
    let with = |state: Option<State>| Report {
        practices: state.map(line).into_iter().collect(),
        ..before()
    };
    let moved = |then: Option<State>, now: Option<State>| {
        let found = changes(Catalog::embedded(), &with(then), &with(now), None);
        let lines = found.practices.into_iter();
        lines.map(|line| (line.before, line.after)).collect::<Vec<_>>()
    };
    let (done, to_do) = (Some(State::Done), Some(State::ToDo));
    assert_eq!(moved(to_do, done), [(to_do, State::Done)]);
    assert_eq!(moved(None, done), [(None, State::Done)]);
    assert_eq!(moved(done, None), []);
}
