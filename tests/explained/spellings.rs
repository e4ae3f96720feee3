//! One thing in several spellings is explained where it is granted in one of them.

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::gap;

use super::{Archive, policy, statement};
use crate::journey::{call, role};

/// Whether a grant on one resource alone explains a call; whatever it is, the grant stays.
#[track_caller]
fn check(source: &str, name: &str, request: &Value, action: &str, granted: &str, explained: bool) {
    let event = call(3, source, name, json!({ "requestParameters": request }));
    let archive = Archive::new(&[event], &role(&policy(&[statement(action, granted)])));
    let window = archive.coverage.span.expect("events");
    let total = gap::explained(
        Catalog::embedded(),
        &archive.table,
        &archive.grants,
        &archive.coverage,
        window,
    )
    .total;
    assert_eq!(
        (total.calls, total.explained),
        (1, u64::from(explained)),
        "{action} on {granted} for {request}"
    );
    assert_eq!(
        archive.removed(&super::conservative()),
        Vec::<String>::new(),
        "{granted}"
    );
}

#[test]
fn a_role_is_explained_with_its_path_and_without() {
    let request = json!({"roleName": "app", "policyArn": "arn:aws:iam::111122223333:policy/p"});
    for (granted, explained) in [("role/app", true), ("role/team/app", true), ("role/other", false)] {
        let granted = format!("arn:aws:iam::111122223333:{granted}");
        check(
            "iam",
            "AttachRolePolicy",
            &request,
            "iam:AttachRolePolicy",
            &granted,
            explained,
        );
    }
}

#[test]
fn a_function_is_explained_with_its_qualifier_and_without() {
    let request = json!({"functionName": "f", "memorySize": 512});
    let action = "lambda:UpdateFunctionConfiguration";
    for (granted, explained) in [("f", true), ("f:*", true), ("foo", false)] {
        let granted = format!("arn:aws:lambda:eu-west-1:111122223333:function:{granted}");
        let name = "UpdateFunctionConfiguration20150331v2";
        check("lambda", name, &request, action, &granted, explained);
    }
}

#[test]
fn a_secret_a_rule_and_a_group_are_explained_however_they_are_granted() {
    let secret = json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db"});
    let like_whole = json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/h0-j3di3x"});
    let by_name = json!({"secretId": "app/h0-j3di3x"});
    let rule = json!({"name": "n", "eventBusName": "arn:aws:events:eu-west-1:111122223333:event-bus/orders"});
    let group = json!({"logGroupName": "/aws/g", "filterName": "f"});
    for (service, name, request, granted, explained) in [
        (
            "secretsmanager",
            "PutSecretValue",
            &secret,
            "secret:app/db-AbCdEf",
            true,
        ),
        (
            "secretsmanager",
            "PutSecretValue",
            &secret,
            "secret:app/dc-AbCdEf",
            false,
        ),
        // A name that ends like a whole ARN, and a whole ARN.
        (
            "secretsmanager",
            "PutSecretValue",
            &like_whole,
            "secret:app/h0-j3di3x-AbCdEf",
            true,
        ),
        (
            "secretsmanager",
            "PutSecretValue",
            &like_whole,
            "secret:app/h0-j3di3x",
            true,
        ),
        (
            "secretsmanager",
            "PutSecretValue",
            &like_whole,
            "secret:app/h0-AbCdEf",
            false,
        ),
        (
            "secretsmanager",
            "PutSecretValue",
            &by_name,
            "secret:app/h0-j3di3x-AbCdEf",
            true,
        ),
        ("events", "PutRule", &rule, "rule/orders/n", true),
        ("events", "PutRule", &rule, "rule/orders/m", false),
        ("logs", "PutMetricFilter", &group, "log-group:/aws/g", true),
        ("logs", "PutMetricFilter", &group, "log-group:/aws/g:*", true),
        ("logs", "PutMetricFilter", &group, "log-group:/aws/h", false),
    ] {
        let granted = format!("arn:aws:{service}:eu-west-1:111122223333:{granted}");
        let action = format!("{service}:{name}");
        check(service, name, request, &action, &granted, explained);
    }
}

#[test]
fn two_things_of_one_call_are_explained_each_for_itself() {
    let unexplained = |names: &[&str]| {
        let granted = names.iter().map(|name| {
            let arn = format!("arn:aws:ssm:eu-west-1:111122223333:parameter/{name}");
            statement("ssm:GetParameters", &arn)
        });
        let event = call(
            3,
            "ssm",
            "GetParameters",
            json!({"requestParameters": {"names": ["/a", "/b"]}}),
        );
        let archive = Archive::new(&[event], &role(&policy(&granted.collect::<Vec<_>>())));
        let gaps = archive.gaps();
        gaps[0].activity.unexplained.len()
    };
    assert_eq!((unexplained(&["a"]), unexplained(&["a", "b"])), (1, 0));
}
