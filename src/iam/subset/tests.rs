//! Proofs on pairs of documents.

use super::*;
use serde_json::json;

fn policy(statements: serde_json::Value) -> Policy {
    Policy::from_value(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

fn proved(old: serde_json::Value, new: serde_json::Value) -> bool {
    allows_no_more(&policy(old), &policy(new)) == Verdict::Proved
}

#[test]
fn fewer_actions_on_the_same_resources_is_narrower() {
    let old = json!([{"Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"], "Resource": "*"}]);
    let new = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]);
    assert!(proved(old.clone(), new.clone()));
    assert!(!proved(new, old));
}

#[test]
fn a_star_that_matches_only_todays_actions_is_wider() {
    let old = json!([{"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectAcl"], "Resource": "*"}]);
    assert!(!proved(
        old,
        json!([{"Effect": "Allow", "Action": "s3:GetObject*", "Resource": "*"}])
    ));
}
