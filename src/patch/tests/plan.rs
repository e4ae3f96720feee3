//! Which file is edited for which suggestion, and what is left.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{JSON, allow, json_before, policy};
use crate::iam::PolicyText;
use crate::patch::{Error, plan, write};
use crate::report::Suggestion;
use crate::verify::{self, Verified};

/// A folder with files, gone with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("trimtrail-patch-{}-{name}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn suggestion(policy: &str, owner: &str, before: &Value, after: &Value) -> Verified<Suggestion> {
    let (before, after) = (PolicyText::from(before), PolicyText::from(after));
    let digest = Sha256::digest(before.as_str().as_bytes());
    let suggestion = Suggestion {
        id: policy.to_owned(),
        policy: policy.to_owned(),
        policy_arn: format!("arn:aws:iam::111122223333:role/{owner}"),
        kind: "inline".to_owned(),
        affects: Vec::new(),
        step: "actions".to_owned(),
        change: "replace".to_owned(),
        before_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        expires: "2026-12-01T00:00:00Z".to_owned(),
        ..Suggestion::default()
    };
    verify::again(before, after, suggestion).unwrap()
}

/// What a plan says of one suggestion over some files: the files edited, then why it was left.
fn planned(name: &str, files: &[(&str, &str)], now: i64) -> (Vec<String>, Vec<String>) {
    let folder = Folder::with(name, files);
    let (before, after) = (json_before(), policy(&json!([allow(&json!("s3:*"))])));
    let plan = plan(&[&suggestion("deploy", "ci", &before, &after)], &folder.0, Some(now)).unwrap();
    write(&plan).unwrap();
    for file in &plan.files {
        assert_eq!(std::fs::read_to_string(&file.path).unwrap(), file.after);
    }
    (
        plan.files
            .iter()
            .map(|file| file.path.strip_prefix(&folder.0).unwrap().display().to_string())
            .collect(),
        plan.left.into_iter().map(|left| left.why).collect(),
    )
}

#[test]
fn the_file_that_says_what_the_policy_says_is_edited() {
    let files = [
        ("iam/x.json", JSON),
        ("iam/x.original.json", JSON),
        ("iam/y.json", "{}"),
        (".git/z.json", JSON),
    ];
    assert_eq!(planned("one", &files, 0), (vec!["iam/x.json".to_owned()], vec![]));
}

#[test]
fn of_two_documents_the_one_with_the_name_is_edited() {
    let files = [("a/other.json", JSON), ("a/deploy.json", JSON)];
    assert_eq!(planned("named", &files, 0).0, ["a/deploy.json"]);
}

#[test]
fn of_two_documents_without_a_name_none_is_edited() {
    let (edited, why) = planned("twins", &[("dev.json", JSON), ("prod.json", JSON)], 0);
    assert!(
        edited.is_empty() && why[0].starts_with("several documents say what it says"),
        "{why:?}"
    );
}

#[test]
fn an_expired_suggestion_is_left() {
    let (edited, why) = planned("late", &[("deploy.json", JSON)], 1_900_000_000);
    assert!(edited.is_empty() && why[0].contains("expired"), "{why:?}");
}

#[test]
fn nothing_found_is_said() {
    assert_eq!(
        planned("none", &[("deploy.json", "{}")], 0).1,
        ["no document under the folder says what this policy says"]
    );
}

#[test]
fn a_document_that_was_edited_in_the_result_is_refused() {
    let folder = Folder::with("digest", &[("deploy.json", JSON)]);
    let after = policy(&json!([allow(&json!("s3:*"))]));
    let one = suggestion("deploy", "ci", &json_before(), &after);
    let beside = Suggestion {
        before_sha256: "00".to_owned(),
        ..Suggestion::clone(&one)
    };
    let one = one.with(beside);
    let plan = plan(&[&one], &folder.0, Some(0)).unwrap();
    assert!(plan.files.is_empty() && plan.left[0].why.contains("analyze again"));
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten() {
    let folder = Folder::with("race", &[("deploy.json", JSON)]);
    let after = policy(&json!([allow(&json!("s3:*"))]));
    let plan = plan(
        &[&suggestion("deploy", "ci", &json_before(), &after)],
        &folder.0,
        Some(0),
    )
    .unwrap();
    std::fs::write(folder.0.join("deploy.json"), "{}").unwrap();
    assert!(matches!(write(&plan), Err(Error::Changed(_))));
}

#[test]
fn two_suggestions_for_one_document_must_agree() {
    let folder = Folder::with("shared", &[("module.json", JSON)]);
    let one = suggestion("deploy", "a", &json_before(), &policy(&json!([allow(&json!("s3:*"))])));
    let other = suggestion(
        "deploy",
        "b",
        &json_before(),
        &policy(&json!([allow(&json!("s3:Get*"))])),
    );
    assert_eq!(plan(&[&one, &other], &folder.0, Some(0)).unwrap().left.len(), 2);
    assert_eq!(
        plan(&[&one, &one], &folder.0, Some(0)).unwrap().files[0].policies.len(),
        2
    );
}
