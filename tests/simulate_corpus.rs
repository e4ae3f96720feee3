//! Decisions against the recorded answers of an independent simulator (`.ci/record-simulator` makes them).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;
use trimtrail::inside::iam::condition::{Comparison, Operator};
use trimtrail::inside::iam::simulate;

/// A case a line.
fn corpus() -> String {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("corpus/simulate.ndjson.gz")[..])
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// Each case without its recorded decision, and that decision.
fn cases() -> Vec<(Value, String)> {
    let case = |line: &str| {
        let mut case: Value = serde_json::from_str(line).unwrap();
        let decision = case.as_object_mut().unwrap().remove("decision").unwrap();
        (case, decision.as_str().unwrap().to_owned())
    };
    corpus().lines().map(case).collect()
}

#[test]
fn the_corpus_is_large_and_has_every_kind_of_decision() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, decision) in cases() {
        *counts.entry(decision).or_default() += 1;
    }
    assert!(counts.values().sum::<usize>() >= 2000, "{counts:?}");
    assert!(
        counts.len() == 3 && counts.values().all(|count| *count >= 100),
        "{counts:?}"
    );
}

/// The condition operators that stand anywhere in a value.
fn operators(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| operators(value, found)),
        Value::Object(members) => {
            for (key, value) in members {
                if let ("Condition", Some(condition)) = (key.as_str(), value.as_object()) {
                    found.extend(condition.keys().cloned());
                }
                operators(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_corpus_has_every_operator_with_each_of_its_forms() {
    let mut found = BTreeSet::new();
    cases().into_iter().for_each(|(case, _)| operators(&case, &mut found));
    for (name, comparison) in Comparison::ALL {
        let mut forms = vec![(*name).to_owned()];
        if *comparison != Comparison::Null {
            forms.extend(["ForAllValues:", "ForAnyValue:"].map(|set| format!("{set}{name}")));
            forms.push(format!("{name}IfExists"));
        }
        for form in forms {
            assert!(Operator::parse(&form).is_some(), "{form}");
            assert!(found.contains(&form), "no case has {form}");
        }
    }
    let corpus = corpus();
    for text in [
        "2001:db8:",
        "QmluYXJ5",
        "${aws:username, 'red'}",
        "r${*}d",
        "NotAction",
        "NotResource",
    ] {
        assert!(corpus.contains(text), "no case has {text}");
    }
}

#[test]
fn identity_boundary_organization_and_session_policies_decide_as_recorded() {
    let (mut total, mut wrong) = (0, Vec::new());
    for (case, recorded) in cases()
        .into_iter()
        .filter(|(case, _)| case.get("resource_policy").is_none())
    {
        total += 1;
        let line = simulate::decide(&case);
        if line["decision"] != recorded.as_str() {
            wrong.push(format!("recorded {recorded}\n{case}\n{line}"));
        }
    }
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong.join("\n"));
    assert!(total >= 2000, "{total}");
}

/// Why a decision on a resource policy may differ from the recorded one.
///
/// IAM's guide says that what a resource policy grants to a role session directly "is not limited by an implicit deny in
/// an identity-based policy, a permissions boundary, or session policy" ("How AWS enforcement code logic evaluates
/// requests", Resource-based policies), and that boundaries and session policies do not limit what is granted to `*`
/// either ("AWS JSON policy elements: Principal", IAM role principals). The simulator lets both through boundaries and
/// holds both back by session policies.
fn explained(case: &Value, ours: &str, recorded: &str) -> bool {
    let statements = match &case["resource_policy"]["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    };
    let directly = statements.iter().any(|statement| {
        let principal = &statement["Principal"];
        let named = [principal, &principal["AWS"]];
        statement["Effect"] == "Allow"
            && named
                .iter()
                .any(|named| **named == "*" || **named == case["request"]["principal"])
    });
    (ours, recorded) == ("allowed", "implicitly_denied") && case.get("session_policies").is_some() && directly
}

#[test]
fn resource_policies_decide_as_recorded_or_as_the_guide_says() {
    let (mut total, mut differing) = (0, 0);
    let mut wrong = Vec::new();
    for (case, recorded) in cases()
        .into_iter()
        .filter(|(case, _)| case.get("resource_policy").is_some())
    {
        total += 1;
        let line = simulate::decide(&case);
        let ours = line["decision"].as_str().unwrap();
        if ours != recorded {
            differing += 1;
            if !explained(&case, ours, &recorded) {
                wrong.push(format!("recorded {recorded}\n{case}\n{line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        total >= 400 && differing * 50 <= total,
        "{differing} of {total} need an explanation"
    );
}
