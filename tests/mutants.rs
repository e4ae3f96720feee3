//! Every suggestion is proved against its original, and what a slip would make of it is not: mutants are refuted with a
//! request that `simulate` confirms, wherever a small world shows that they allow more.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::grants;
use trimtrail::inside::iam::evaluate::{Policies, evaluate};
use trimtrail::inside::iam::subset::{Verdict, allows_no_more};
use trimtrail::inside::iam::{Answer, Policy, Request, simulate};
use trimtrail::inside::rightsize::{EvidenceLevel, Options};

use crate::pipeline::{run, shared};

/// What became of the mutants of some documents.
#[derive(Default, Debug)]
struct Counts {
    proved: usize,
    mutants: usize,
    refuted: usize,
    /// Neither proved nor refuted, the small world showing no difference either.
    open: usize,
}

fn parse(document: &Value) -> Policy {
    Policy::from_value(document).expect("a policy")
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(_) | None => Vec::new(),
    }
}

fn statements(document: &Value) -> Vec<Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    }
}

fn with_statement(document: &Value, at: usize, statement: Option<Value>) -> Value {
    let mut all = statements(document);
    match statement {
        Some(statement) => all[at] = statement,
        None => drop(all.remove(at)),
    }
    let mut out = document.clone();
    out["Statement"] = Value::Array(all);
    out
}

/// Each statement changed in each way that a slip of the hand could: the mutant, and the statement that changed.
fn mutants(document: &Value, actions: &[String]) -> Vec<(Value, Value)> {
    let mut out = Vec::new();
    for (at, statement) in statements(document).into_iter().enumerate() {
        let mut changed = |change: &dyn Fn(&mut Value)| {
            let mut mutant = statement.clone();
            change(&mut mutant);
            if mutant != statement {
                out.push((with_statement(document, at, Some(mutant.clone())), mutant));
            }
        };
        for action in actions.iter().map(String::as_str).chain(["zz9:Forbidden"]) {
            changed(&|mutant| {
                if mutant.get("Action").is_some() {
                    let mut list = texts(mutant.get("Action"));
                    list.push(action.to_owned());
                    mutant["Action"] = json!(list);
                }
            });
        }
        changed(&|mutant| {
            mutant.as_object_mut().expect("a statement").remove("Condition");
        });
        changed(&|mutant| {
            if mutant.get("Resource").is_some() {
                mutant["Resource"] = json!("*");
            }
        });
        changed(&|mutant| {
            let flipped = if mutant["Effect"] == "Allow" { "Deny" } else { "Allow" };
            mutant["Effect"] = json!(flipped);
        });
        if statement["Effect"] == "Deny" {
            out.push((with_statement(document, at, None), statement.clone()));
        }
    }
    out
}

/// Texts that a pattern matches, by no means all.
fn near(pattern: &str) -> Vec<String> {
    let plain = |star: &str| {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            match (c, after.split_once('}')) {
                ('$', Some((_, after))) if after.len() < rest.len() && rest.starts_with("${") => {
                    out.push('v');
                    rest = after;
                    continue;
                }
                ('*', _) => out.push_str(star),
                ('?', _) => out.push('x'),
                (c, _) => out.push(c),
            }
            rest = after;
        }
        out
    };
    vec![plain(""), plain("x")]
}

/// The requests of a small world around the statement that changed.
fn world(changed: &Value, documents: &[&Value]) -> Vec<Request> {
    let mut actions: BTreeSet<String> = ["zz9:Forbidden", "s3:x", "iam:x"].map(str::to_owned).into();
    let named = texts(changed.get("Action"))
        .into_iter()
        .chain(texts(changed.get("NotAction")));
    actions.extend(named.flat_map(|action| near(&action)).take(12));
    let mut resources: BTreeSet<String> = ["*", "arn:aws:s3:::x"].map(str::to_owned).into();
    let named = texts(changed.get("Resource"))
        .into_iter()
        .chain(texts(changed.get("NotResource")));
    resources.extend(named.flat_map(|resource| near(&resource)).take(6));
    let mut contexts: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for document in documents {
        for statement in statements(document) {
            let Some(condition) = statement.get("Condition").and_then(Value::as_object) else {
                continue;
            };
            let keys = condition.values().filter_map(Value::as_object).flatten();
            let context: Vec<(String, String)> = keys
                .filter_map(|(key, values)| Some((key.clone(), near(texts(Some(values)).first()?).pop()?)))
                .collect();
            if !contexts.contains(&context) && contexts.len() < 4 {
                contexts.push(context);
            }
        }
    }
    let mut out = Vec::new();
    for action in actions.iter().filter(|action| action.contains(':')) {
        for resource in resources.iter().filter(|resource| !resource.is_empty()) {
            for context in &contexts {
                let mut request = Request {
                    principal: "arn:aws:iam::111122223333:user/x".to_owned(),
                    action: action.clone(),
                    resource: resource.clone(),
                    resource_account: Some("111122223333".to_owned()),
                    context: Default::default(),
                };
                for (key, value) in context {
                    request.context.set(key, vec![value.clone()]);
                }
                out.push(request);
            }
        }
    }
    out
}

fn under(document: &Value) -> Policies {
    Policies {
        identity: vec![parse(document)],
        ..Policies::default()
    }
}

/// Proves `after` in `before`'s place, and then judges what slips would make of it. `actions` are some that `before` grants
/// and `after` does not, or neither.
fn check(before: &Value, after: &Value, actions: &[String], counts: &mut Counts) {
    let verdict = allows_no_more(&parse(before), &parse(after));
    assert_eq!(verdict, Verdict::Proved, "{after}\nin place of {before}");
    counts.proved += 1;
    let old = under(before);
    for (mutant, changed) in mutants(after, actions) {
        counts.mutants += 1;
        let new = under(&mutant);
        let more = world(&changed, &[before, &mutant]).into_iter().find(|request| {
            evaluate(request, &new).allows == Answer::Yes && evaluate(request, &old).allows == Answer::No
        });
        match (allows_no_more(&parse(before), &parse(&mutant)), more) {
            (Verdict::Refuted(witness), _) => {
                counts.refuted += 1;
                // An equivalent one could have no such request.
                assert_eq!(
                    simulate::decide(&witness.case(&mutant))["decision"],
                    "allowed",
                    "{witness}"
                );
                let held = simulate::decide(&witness.case(before));
                assert!(
                    held["decision"]
                        .as_str()
                        .is_some_and(|decision| decision.ends_with("_denied")),
                    "{held}"
                );
            }
            (verdict, Some(request)) => {
                panic!("{verdict:?}, but {request:?} is allowed\n{mutant}\nin place of {before}")
            }
            (Verdict::Proved, None) => {}
            (Verdict::Unknown(_), None) => counts.open += 1,
        }
    }
}

/// All suggestions that logs and grants lead to.
fn check_suggestions(places: &[String], grants: &std::path::Path, evidence: EvidenceLevel, counts: &mut Counts) {
    let grants = grants::load(&[grants.to_owned()]).expect("grants");
    let options = Options {
        evidence,
        min_window: 0,
        replace_aws_managed: true,
        ..Options::default()
    };
    let run = run(places, grants, &options);
    for (proposal, proof) in run.proposals {
        let proved = proof.unwrap_or_else(|why| panic!("{}: {why}", run.grants.policies[proposal.policy].name));
        let catalog = Catalog::embedded();
        let removed: Vec<String> = proved
            .candidate
            .removed
            .iter()
            .take(1)
            .map(|action| catalog.name(action).to_owned())
            .collect();
        let before = &run.grants.policies[proposal.policy].document;
        check(before, &proved.after().value(), &removed, counts);
    }
}

#[test]
fn mutants_of_the_samples_suggestions_are_refuted() {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let logs = [sample.join("AWSLogs").display().to_string()];
    let mut counts = Counts::default();
    for evidence in [EvidenceLevel::Conservative, EvidenceLevel::Aggressive] {
        check_suggestions(&logs, &sample.join("grants"), evidence, &mut counts);
    }
    println!("{counts:?}");
    assert!(counts.proved >= 30 && counts.refuted * 3 > counts.mutants, "{counts:?}");
}

#[test]
fn mutants_of_the_shared_grants_suggestions_are_refuted() {
    let Some(shared) = shared() else { return };
    let logs = [shared
        .join("trails/invictus-ir+aws_dataset.ndjson")
        .display()
        .to_string()];
    let mut counts = Counts::default();
    for export in [
        "invictus.gaad.json",
        "cloudmapper.demo.gaad.json",
        "cloudsplaining.example.gaad.json",
    ] {
        check_suggestions(
            &logs,
            &shared.join("grants").join(export),
            EvidenceLevel::Aggressive,
            &mut counts,
        );
    }
    println!("{counts:?}");
    assert!(counts.proved > 0 && counts.refuted > 0, "{counts:?}");
}

#[test]
fn mutants_of_policies_that_clusters_run_are_refuted() {
    let Some(shared) = shared() else { return };
    let mut counts = Counts::default();
    for file in ["alb-controller.iam_policy.json", "ebs-csi.iam_policy.json"] {
        let text = std::fs::read_to_string(shared.join("grants").join(file)).expect("a policy");
        let policy: Value = serde_json::from_str(&text).expect("JSON");
        check(&policy, &policy, &["ec2:TerminateInstances".to_owned()], &mut counts);
    }
    println!("{counts:?}");
    assert_eq!(counts.proved, 2);
    assert!(counts.refuted * 3 > counts.mutants, "{counts:?}");
}
