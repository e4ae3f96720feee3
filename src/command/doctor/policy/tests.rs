//! The policies are real ones, and narrow.

use serde_json::{Value, json};

use super::{Needs, member, of};
use crate::catalog::Catalog;
use crate::iam::policy::Policy;

fn everything(places: &[String]) -> Value {
    of(&Needs {
        places,
        kms_keys: &["arn:aws:kms:eu-west-1:111122223333:key/k".to_owned()],
        grants: true,
        organization: true,
        member_role: Some("audit"),
        last_accessed: true,
        partition: "aws",
    })
}

fn actions(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().expect("statements");
    statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            one => vec![one.clone()],
        })
        .map(|action| action.as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn every_action_exists_and_none_is_a_wildcard() {
    let policy = everything(&["s3://trails/AWSLogs".to_owned(), "lookup:eu-west-1".to_owned()]);
    Policy::from_value(&policy).expect("a policy");
    for action in actions(&policy) {
        assert!(Catalog::embedded().id(&action).is_some(), "{action}");
    }
}

#[test]
fn a_bucket_is_listed_and_read_below_the_prefix_only() {
    let policy = everything(&["s3://trails/org/AWSLogs/".to_owned()]);
    let list = &policy["Statement"][0];
    assert_eq!(list["Resource"], "arn:aws:s3:::trails");
    assert_eq!(
        list["Condition"],
        json!({"StringLike": {"s3:prefix": ["org/AWSLogs/*"]}})
    );
    assert_eq!(
        policy["Statement"][1]["Resource"],
        json!(["arn:aws:s3:::trails/org/AWSLogs/*"])
    );
    let policy = everything(&["s3://trails/org".to_owned()]);
    let expected = json!(["arn:aws:s3:::trails/org", "arn:aws:s3:::trails/org/*"]);
    assert_eq!(policy["Statement"][1]["Resource"], expected);
}

#[test]
fn what_is_not_asked_for_is_not_in_it() {
    let needs = Needs {
        places: &["lookup:eu-west-1".to_owned()],
        kms_keys: &[],
        grants: false,
        organization: false,
        member_role: None,
        last_accessed: false,
        partition: "aws",
    };
    assert_eq!(actions(&of(&needs)), ["cloudtrail:LookupEvents"]);
    assert!(!actions(&member(&needs)).contains(&"iam:GetServiceLastAccessedDetails".to_owned()));
}
