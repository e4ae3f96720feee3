//! What a role's trust policy tells of who may use it.

use serde_json::json;

use super::*;

fn of(statement: &serde_json::Value) -> Trust {
    let export = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/app", "RoleName": "app",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": statement}}]});
    let grants = crate::grants::read(&[("g".to_owned(), export.to_string())]).expect("grants");
    trust(&grants.principals[0])
}

#[test]
fn only_services_are_named_where_only_services_are_trusted() {
    let glue = json!({"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"});
    assert_eq!(of(&glue).only_services(), Some(&["glue.amazonaws.com".to_owned()][..]));
    let and_account =
        json!([glue, {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]);
    assert_eq!(of(&and_account).only_services(), None);
}

#[test]
fn a_denial_names_nobody_who_may_use_it() {
    let denied = json!([
        {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]);
    assert_eq!(of(&denied).services, ["glue.amazonaws.com"]);
    assert_eq!(of(&denied).implied, Vec::<&str>::new());
}

#[test]
fn a_trust_policy_that_cannot_be_understood_may_trust_anything() {
    let odd = json!({"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"StringSomehow": {"aws:SourceAccount": "111122223333"}}});
    let trust = of(&odd);
    assert!(trust.others);
    assert_eq!(trust.implied.len(), LAMBDA.len() + ECS_TASKS.len());
}
