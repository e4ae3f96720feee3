//! Decisions against the recorded answers of an independent simulator (`.ci/record-simulator` makes them).

use std::collections::BTreeMap;

use serde_json::Value;
use trimtrail::iam::simulate;

const CORPUS: &str = include_str!("corpus/simulate.ndjson");

/// Each case without its recorded decision, and that decision.
fn cases() -> impl Iterator<Item = (Value, String)> {
    CORPUS.lines().map(|line| {
        let mut case: Value = serde_json::from_str(line).unwrap();
        let decision = case.as_object_mut().unwrap().remove("decision").unwrap();
        (case, decision.as_str().unwrap().to_owned())
    })
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

#[test]
fn identity_boundary_organization_and_session_policies_decide_as_recorded() {
    let wrong: Vec<String> = cases()
        .filter(|(case, _)| case.get("resource_policy").is_none())
        .filter_map(|(case, recorded)| {
            let line = simulate::decide(&case);
            (line["decision"] != recorded.as_str()).then(|| format!("recorded {recorded}\n{case}\n{line}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong.join("\n"));
}

/// Why a decision on a resource policy may differ from the recorded one. IAM's guide says which principals reach past the
/// implicit denials of boundary and session policies ("Policy evaluation logic", "Permissions boundaries for IAM
/// entities"): the ARN of a user or of a role session does. The simulator holds sessions back, against the guide, and lets
/// `*` through boundaries, of which the guide says nothing: here that is `unknown`.
fn explained(case: &Value, ours: &str, recorded: &str) -> bool {
    let statements = match &case["resource_policy"]["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    };
    let limited = case.get("permission_boundaries").is_some() || case.get("session_policies").is_some();
    let names = |wanted: &dyn Fn(&Value) -> bool| {
        statements
            .iter()
            .any(|statement| statement["Effect"] == "Allow" && wanted(&statement["Principal"]))
    };
    let everybody = names(&|principal| *principal == "*" || principal["AWS"] == "*");
    let session = names(&|principal| principal["AWS"] == case["request"]["principal"]);
    match (ours, recorded) {
        ("unknown", "allowed" | "implicitly_denied") => limited && everybody,
        ("allowed", "implicitly_denied") => case.get("session_policies").is_some() && session,
        (_, _) => false,
    }
}

#[test]
fn resource_policies_decide_as_recorded_or_as_the_guide_says() {
    let (mut total, mut differing) = (0, 0);
    let mut wrong = Vec::new();
    for (case, recorded) in cases().filter(|(case, _)| case.get("resource_policy").is_some()) {
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
