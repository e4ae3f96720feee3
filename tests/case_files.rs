//! Cases as files: a folder below `tests/cases/` with logs, grants and what has to come of them. A bug report becomes a
//! test by copying it there.
//!
//! `tests/cases/NAME/` holds `logs/` (anything that `--logs` reads), `grants.json`, and `expected.json`:
//!
//!     {"about": "what this case shows", "arguments": ["--min-window", "7d"], "holds": {…}}
//!
//! Each fact under `holds` has to be a fact of today's answer; what it does not name may be anything. With
//! `TRIMTRAIL_UPDATE=NAME cargo test case_files` the facts that this case names get today's values; whatever the variable
//! says, a case without `holds` gets all facts, of which those stay that matter. A correction is typed by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};
use trimtrail::inside::catalog::Catalog;

const CASES: &str = "tests/cases";

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(CASES).expect("the cases").flatten();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

/// The answer of `analyze`.
fn answer(case: &Path, arguments: &[String]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRIMTRAIL_")) {
        command.env_remove(name);
    }
    let output = command
        .args([
            "-q",
            "analyze",
            "--format",
            "json",
            "--logs",
            "logs",
            "--grants",
            "grants.json",
        ])
        .args(arguments)
        .current_dir(case)
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", case.display());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn named(value: &Value, keys: &[&str]) -> Map<String, Value> {
    let field = |key: &&str| ((*key).to_owned(), value[*key].clone());
    keys.iter().map(field).collect()
}

/// What an answer says, by names: principals with the grades of their actions, suggestions by their policies, and what
/// was counted.
fn facts(answer: &Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut principals = BTreeMap::new();
    for principal in list(&answer["principals"]) {
        let mut facts = named(&principal, &["rewritable", "why_not", "totals"]);
        let grade = |action: &Value| (text(&action["action"]), action["grade"].clone());
        let actions: Map<String, Value> = list(&principal["actions"]).iter().map(grade).collect();
        facts.insert("actions".to_owned(), actions.into());
        let findings: Vec<Value> = list(&principal["findings"])
            .iter()
            .map(|finding| finding["id"].clone())
            .collect();
        facts.insert("findings".to_owned(), findings.into());
        principals.insert(text(&principal["arn"]), Value::from(facts));
    }
    let mut suggestions = BTreeMap::new();
    for suggestion in list(&answer["suggestions"]) {
        let whose = text(&suggestion["affects"][0]);
        let name = format!("{whose} {} {}", text(&suggestion["policy"]), text(&suggestion["step"]));
        let facts = named(&suggestion, &["change", "removed", "after", "held"]);
        suggestions.insert(name, Value::from(facts));
    }
    let refused: Vec<Value> = list(&answer["refused"])
        .iter()
        .map(|refused| refused["policy"].clone())
        .collect();
    let counted = [
        "records",
        "events_used",
        "events_unmapped",
        "events_unattributed",
        "events_not_calls",
        "skipped",
    ];
    json!({
        "principals": principals,
        "suggestions": suggestions,
        "refused": refused,
        "coverage": named(&answer["coverage"], &counted),
    })
}

/// The grades of actions that are expected and stand in groups: there are too many to list all.
fn grades_in_groups(answer: &Value, expected: &Value, facts: &mut Value) {
    let catalog = Catalog::embedded();
    for principal in answer["principals"].as_array().into_iter().flatten() {
        let arn = principal["arn"].as_str().unwrap_or_default();
        let Some(names) = expected["principals"][arn]["actions"].as_object() else {
            continue;
        };
        for group in principal["action_groups"].as_array().into_iter().flatten() {
            let patterns = group["patterns"].as_array().into_iter().flatten();
            let ids = patterns
                .filter_map(Value::as_str)
                .flat_map(|pattern| catalog.expand(pattern));
            for name in ids.map(|id| catalog.name(id)).filter(|name| names.contains_key(*name)) {
                facts["principals"][arn]["actions"][name] = group["grade"].clone();
            }
        }
    }
}

/// Where an expected fact is none: objects may name fewer facts, anything else is as it is.
fn differences(expected: &Value, actual: &Value, at: &str, out: &mut Vec<String>) {
    match (expected.as_object(), actual.as_object()) {
        (Some(expected), Some(actual)) => {
            for (key, value) in expected {
                match actual.get(key) {
                    Some(actual) => differences(value, actual, &format!("{at}/{key}"), out),
                    None => out.push(format!("{at}/{key}: expected {value}, and there is none")),
                }
            }
        }
        _ if expected == actual => {}
        _ => out.push(format!("{at}: expected {expected}, found {actual}")),
    }
}

/// The facts that are named, as they are today.
fn renewed(expected: &Value, actual: &Value) -> Value {
    match (expected.as_object(), actual.as_object()) {
        (Some(expected), Some(actual)) => {
            let value = |(key, value): (&String, &Value)| Some((key.clone(), renewed(value, actual.get(key)?)));
            Value::Object(expected.iter().filter_map(value).collect())
        }
        _ => actual.clone(),
    }
}

#[test]
fn every_case_holds() {
    let cases = cases();
    assert!(cases.len() >= 3, "{cases:?}");
    let update = std::env::var("TRIMTRAIL_UPDATE").unwrap_or_default();
    let mut wrong = Vec::new();
    for case in cases {
        let path = case.join("expected.json");
        let expected: Value = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            Err(_) if !update.is_empty() => json!({"about": "", "arguments": ["--min-window", "7d"]}),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let arguments: Vec<String> = serde_json::from_value(expected["arguments"].clone()).unwrap_or_default();
        let answer = answer(&case, &arguments);
        let mut today = facts(&answer);
        grades_in_groups(&answer, &expected["holds"], &mut today);
        // What others hold is theirs to change.
        let is_asked = case.file_name().is_some_and(|name| name == update.as_str());
        if !update.is_empty() && (is_asked || expected["holds"].is_null()) {
            println!("{} says what today's answer says", path.display());
            let holds = match &expected["holds"] {
                Value::Null => today,
                named => renewed(named, &today),
            };
            let new = json!({"about": expected["about"], "arguments": arguments, "holds": holds});
            fs::write(&path, format!("{new:#}\n")).expect("the file");
            continue;
        }
        assert!(
            expected["about"].as_str().is_some_and(|about| !about.is_empty()),
            "{}: no `about`",
            path.display()
        );
        assert!(
            expected["holds"].as_object().is_some_and(|holds| !holds.is_empty()),
            "{}: holds nothing",
            path.display()
        );
        differences(&expected["holds"], &today, &case.display().to_string(), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_fact_that_does_not_hold_is_told_by_its_place() {
    let today =
        json!({"principals": {"ana": {"actions": {"s3:GetObject": "used", "s3:PutObject": "unused"}}}, "refused": []});
    let check = |expected: Value, differs: &[&str]| {
        let mut out = Vec::new();
        differences(&expected, &today, "", &mut out);
        assert_eq!(out, differs);
    };
    check(
        json!({"principals": {"ana": {"actions": {"s3:GetObject": "used"}}}}),
        &[],
    );
    check(json!({"refused": ["p"]}), &["/refused: expected [\"p\"], found []"]);
    check(
        json!({"principals": {"ana": {"actions": {"s3:PutObject": "used"}}}}),
        &["/principals/ana/actions/s3:PutObject: expected \"used\", found \"unused\""],
    );
    check(
        json!({"suggestions": {}}),
        &["/suggestions: expected {}, and there is none"],
    );
    let renewed = renewed(&json!({"refused": ["p"], "gone": 1}), &today);
    assert_eq!(renewed, json!({"refused": []}));
}
