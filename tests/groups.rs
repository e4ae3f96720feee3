//! Groups of actions: their patterns name each granted action once, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use regex::RegexBuilder;
use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::iam;

use super::journey::{analyze, background, object_event, options, role, secret};
use super::pipeline::run_with;

/// The catalog's actions by service.
type Services<'c> = BTreeMap<&'c str, Vec<&'c str>>;

/// The actions that a pattern names, as a regular expression has it.
fn named<'c>(services: &Services<'c>, pattern: &str) -> BTreeSet<&'c str> {
    let translated = regex::escape(pattern).replace(r"\*", "[!-~]*").replace(r"\?", "[!-~]");
    let holds = RegexBuilder::new(&format!("^{translated}$"))
        .case_insensitive(true)
        .unicode(false)
        .build()
        .expect("a regular expression");
    let service = pattern.split(':').next().unwrap_or_default();
    let candidates: Vec<&str> = match services.get(service) {
        Some(names) => names.clone(),
        None => services.values().flatten().copied().collect(),
    };
    candidates.into_iter().filter(|name| holds.is_match(name)).collect()
}

/// The actions that a statement allows.
fn allowed<'c>(services: &Services<'c>, statement: &Value) -> BTreeSet<&'c str> {
    let of = |patterns: &Value| -> BTreeSet<&'c str> {
        let patterns = patterns.as_array().expect("a list").iter().filter_map(Value::as_str);
        patterns.flat_map(|pattern| named(services, pattern)).collect()
    };
    match statement.get("Action") {
        Some(patterns) => of(patterns),
        None => &named(services, "*") - &of(&statement["NotAction"]),
    }
}

#[track_caller]
fn check(statements: &Value) {
    let events = [background(), vec![secret(), object_event()]].concat();
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let report = analyze(&events, &role(&document), &options(), 1);
    let by_grade = run_with(&events, &document, &options()).gaps[0].by_grade();

    let catalog = Catalog::embedded();
    let mut services: Services<'_> = BTreeMap::new();
    for name in catalog.ids().map(|id| catalog.name(id)) {
        let service = name.split(':').next().unwrap_or_default();
        services.entry(service).or_default().push(name);
    }
    let statements = statements.as_array().expect("statements");
    let allowed: Vec<BTreeSet<&str>> = statements
        .iter()
        .map(|statement| allowed(&services, statement))
        .collect();
    let removed = report
        .suggestions
        .iter()
        .flat_map(|suggestion| suggestion.removed.iter());
    let removed: Vec<&str> = removed.collect();
    let goes: BTreeSet<&str> = removed.iter().flat_map(|pattern| named(&services, pattern)).collect();

    let principal = &report.principals[0];
    let mut met: BTreeSet<&str> = principal.actions.iter().map(|line| line.action.as_str()).collect();
    for group in &principal.action_groups {
        let start = format!("{}:", group.service);
        let removed: Vec<&str> = removed
            .iter()
            .copied()
            .filter(|pattern| pattern.starts_with(&start))
            .collect();
        let mut mine: BTreeSet<&str> = BTreeSet::new();
        for pattern in &group.patterns {
            assert!(pattern.starts_with(&start), "{pattern}");
            let of_pattern = named(&services, pattern);
            // Where all of a pattern goes, a row of it, as CSV has it, can tell so.
            if !of_pattern.is_disjoint(&goes) {
                let told = removed.iter().any(|removed| iam::pattern::includes(removed, pattern));
                assert!(
                    told || !of_pattern.is_subset(&goes),
                    "no suggestion says that {pattern} goes"
                );
            }
            mine.extend(of_pattern);
        }
        assert_eq!(mine.len() as u64, group.count, "{:?}", group.patterns);
        for name in mine {
            assert!(met.insert(name), "{name} stands in two places");
            assert!(
                by_grade[&group.grade].contains(catalog.id(name).expect("an action")),
                "{name}"
            );
            let granting = (0_u64..).zip(&allowed).filter(|(_, allowed)| allowed.contains(name));
            let granting: Vec<u64> = granting.map(|(index, _)| index).collect();
            let told: Vec<u64> = group.granted_by.iter().map(|by| by.index).collect();
            assert_eq!(told, granting, "{name}");
        }
    }
    assert_eq!(met, allowed.into_iter().flatten().collect());
}

#[test]
fn of_everything() {
    check(&json!([{"Effect": "Allow", "Action": ["*"], "Resource": "*"}]));
}

#[test]
fn of_all_but_some() {
    check(&json!([{"Effect": "Allow", "NotAction": ["iam:*", "s3:Put*", "ec2:DescribeVpcs"], "Resource": "*"}]));
}

#[test]
fn of_services_and_names_in_several_statements() {
    check(&json!([
        {"Effect": "Allow", "Action": ["s3:*", "ec2:Describe*", "secretsmanager:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["ec2:*Vpc*", "sqs:SendMessage", "sqs:Get*", "s3:GetObject*"], "Resource": "*"}
    ]));
}

#[test]
fn of_names() {
    check(
        &json!([{"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:DeleteQueue", "iam:PassRole"], "Resource": "*"}]),
    );
}
