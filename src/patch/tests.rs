//! Files in, edited files out: every edit is read again and compared with the policy that it should hold.

mod added;
mod cloudformation;
mod detached;
mod forms;
mod hidden;
mod json;
mod merged;
mod plan;
mod reach;
mod sources;
mod terraform;

use std::path::Path;

use serde_json::{Value, json};

use super::edits::{apply, edits};
use super::tree::{Fit, fit};
use super::{documents, same};

/// The file after its one document, which must say `before`, was made to say `after`.
fn patched(name: &str, text: &str, before: &Value, after: &Value) -> Result<String, String> {
    let found = documents(Path::new(name), text, None);
    let [document] = &found[..] else {
        return Err(format!("{} documents", found.len()));
    };
    if fit(&document.root, before) == Fit::No {
        return Err("another document".to_owned());
    }
    let new = apply(text, &edits(text, document, before, after, None)?);
    let read = documents(Path::new(name), &new, None);
    assert_eq!(read.len(), 1, "{new}");
    assert!(fit(&read[0].root, after) >= fit(&document.root, before), "{new}");
    Ok(new)
}

fn check(name: &str, text: &str, before: &Value, after: &Value, expected: &str) {
    assert_eq!(patched(name, text, before, after).unwrap(), expected);
}

fn policy(statements: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*"})
}

const JSON: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": "*"
        },
        {
            "Effect": "Allow",
            "Action": ["ec2:StopInstances", "ec2:StartInstances"],
            "Resource": "*"
        }
    ]
}
"#;

fn json_before() -> Value {
    policy(&json!([
        allow(&json!("s3:*")),
        allow(&json!(["ec2:StopInstances", "ec2:StartInstances"]))
    ]))
}

#[test]
fn references_stand_for_one_value_each() {
    let text = terraform::TERRAFORM;
    let before = |resource: Value| {
        policy(&json!([
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject", "s3:PutObject"], "Resource": resource},
            {"Sid": "Wide", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
        ]))
    };
    let document = &documents(Path::new("iam.tf"), text, None)[0].root;
    assert_eq!(
        fit(document, &before(json!("arn:aws:s3:::site/*"))),
        Fit::WithReferences
    );
    assert_eq!(fit(document, &before(json!("arn:aws:s3:::site/x"))), Fit::No);
    assert_eq!(
        fit(document, &before(json!(["arn:aws:s3:::site/*", "arn:aws:s3:::b/*"]))),
        Fit::No
    );
}

#[test]
fn a_statement_in_a_list_of_actions_stands_for_no_action() {
    let known = policy(&json!([allow(&json!(["ec2:StopInstances", "ec2:StartInstances"]))]));
    for odd in [json!({"Effect": "Allow"}), json!(["ec2:StopInstances"]), Value::Null] {
        let text = policy(&json!([allow(&json!([odd, "ec2:StartInstances"]))])).to_string();
        assert_eq!(
            fit(&documents(Path::new("a.json"), &text, None)[0].root, &known),
            Fit::No,
            "{text}"
        );
    }
}

#[test]
fn what_is_no_policy_is_not_found() {
    for (name, text) in [
        ("a.json", "{\"Statement\": []}"),
        ("a.json", "{\"Statement\": [{\"Action\": \"s3:*\"}]}"),
        ("a.json", "[[[[[[["),
        ("a.json", &"[".repeat(100_000)),
        ("a.yaml", &"- ".repeat(10_000)),
        ("a.yaml", &"[".repeat(100_000)),
        ("a.tf", &"a = [".repeat(10_000)),
        ("a.tf", "resource {"),
        ("a.tf", &"x = a*b*{x = a*b*{\n  \"V\" = \"4\", \n".repeat(40)),
        ("a.yaml", "a: &x [*x]\nb: *x\n"),
        ("a.md", JSON),
        (
            "a.yaml",
            &format!("a: |\n  {},\n", JSON.replace('\n', "\n  ").trim_end()),
        ),
    ] {
        assert_eq!(documents(Path::new(name), text, None), [], "{name}");
    }
}

#[test]
fn an_export_is_no_source() {
    let text = format!("{{\"RoleDetailList\": [{{\"RolePolicyList\": [{{\"PolicyDocument\": {JSON}}}]}}]}}");
    assert_eq!(documents(Path::new("grants.json"), &text, None), []);
    let text = format!("{{\"schema\": \"trimtrail.result/1\", \"suggestions\": [{{\"before\": {JSON}}}]}}");
    assert_eq!(documents(Path::new("result.json"), &text, None), []);
}

#[test]
fn places_do_not_count_in_what_is_said() {
    let a = documents(Path::new("a.json"), JSON, None);
    let b = documents(Path::new("a.json"), &JSON.replace("    ", " "), None);
    assert!(same(&a[0].root, &b[0].root));
}
