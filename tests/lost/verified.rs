//! `verify` over an archive that lacks something: it says what was not replayed.

use serde_json::{Value, json};

use super::{ACCOUNT, DAY, Folder, ROLE, event, gzip, key, trimtrail, whole};

/// What `verify` says of a policy without `sqs:CreateQueue`, over these logs.
fn verify(folder: &Folder, more: &[&str]) -> (String, Option<i32>) {
    let policy = |actions: &[&str]| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
            .to_string()
    };
    let usual = ["ec2:DescribeInstances", "ec2:CreateTags", "kms:ListKeys"];
    folder.write("new.json", policy(&usual).as_bytes());
    folder.write(
        "old.json",
        policy(&[&usual[..], &["sqs:CreateQueue"]].concat()).as_bytes(),
    );
    let (old, new, logs) = (folder.at("old.json"), folder.at("new.json"), folder.at("logs"));
    let head = [
        "verify",
        &old,
        &new,
        "--principal",
        ROLE,
        "--logs",
        &logs,
        "--life-cycles",
        "off",
    ];
    let output = trimtrail(&[&head[..], more].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said, output.status.code())
}

#[test]
fn verify_says_what_was_not_replayed_and_strictly_fails_on_it() {
    let folder = whole();
    let (said, code) = verify(&folder, &[]);
    assert!(
        said.contains("keeps: not proved") && !said.contains("not replayed"),
        "{said}"
    );
    assert_eq!(code, Some(10));
    folder.write(&key(DAY, 2), b"\x1f\x8b");
    let (said, code) = verify(&folder, &[]);
    assert!(said.contains("keeps: proved"), "{said}");
    assert!(said.contains("not replayed: 1 stretch"), "{said}");
    assert!(
        said.contains("us-east-1, 2025-07-31T11:00:00Z to 2025-07-31T13:00:00Z: "),
        "{said}"
    );
    assert_eq!(code, Some(0));
    let (said, code) = verify(&folder, &["--strict", "--format", "json"]);
    let answer: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(answer["keeps"]["gaps"][0]["account"], ACCOUNT, "{said}");
    assert_eq!(code, Some(10));
    let (said, code) = verify(&folder, &["--strict", "--accept-loss", "*"]);
    assert!(!said.contains("not replayed"), "{said}");
    assert_eq!(code, Some(0));
}

#[test]
fn verify_bills_calls_to_an_id_and_names_those_that_name_nobody() {
    let folder = whole();
    let mut call = event(DAY, 30, "sqs", "CreateQueue", false);
    call["userIdentity"] = json!({"type": "AssumedRole", "principalId": "AROAAPP:s", "accountId": ACCOUNT});
    folder.write(&key(DAY, 2), &gzip(&[call.clone()]));
    let (said, code) = verify(&folder, &[]);
    assert!(said.contains("sqs:CreateQueue") && code == Some(10), "{said}");
    call["userIdentity"] = json!({"type": "Unknown"});
    folder.write(&key(DAY, 2), &gzip(&[call]));
    let (said, code) = verify(&folder, &[]);
    assert!(said.contains("names nobody may have needed sqs:CreateQueue"), "{said}");
    assert_eq!(code, Some(0));
    assert_eq!(verify(&folder, &["--strict"]).1, Some(10));
}
