//! Service-linked roles and services that share a source: what stays although no table tells whose it is.

use serde_json::{Value, json};

use super::{balancer, event, iam_read, policy, report, statement};
use crate::journey::{allow, call, grade, options};

#[test]
fn a_service_linked_role_that_no_table_names_stays_for_who_may_make_it() {
    let create = &["iam:CreateServiceLinkedRole"];
    let of = |service: &str| {
        let only = json!({"StringEquals": {"iam:AWSServiceName": service}});
        policy(&[statement(create, &json!("*"), &only)])
    };
    let on = |service: &str| {
        let roles = json!(format!("arn:aws:iam::*:role/aws-service-role/{service}/*"));
        policy(&[statement(create, &roles, &Value::Null)])
    };
    let graded = |events: &[Value], document: &Value| {
        let events = [events, &[iam_read()]].concat();
        grade(&report(&events, document, &options()), "iam:CreateServiceLinkedRole")
    };
    let mesh = || event(7, "appmesh", "CreateMesh", &json!({"meshName": "m"}));
    let any = policy(&[statement(create, &json!("*"), &Value::Null)]);
    // A table has the name and not who makes it; the service in the name tells.
    assert_eq!(graded(&[mesh()], &any), "inferred");
    assert_eq!(graded(&[mesh()], &of("appmesh.amazonaws.com")), "inferred");
    assert_eq!(graded(&[balancer()], &of("appmesh.amazonaws.com")), "unused");
    // No table has the name.
    assert_eq!(graded(&[balancer()], &of("newthing.amazonaws.com")), "inferred");
    assert_eq!(graded(&[balancer()], &on("newthing.amazonaws.com")), "inferred");
    let reads = [call(7, "appmesh", "ListMeshes", json!({}))];
    assert_eq!(graded(&reads, &any), "unused");
    assert_eq!(graded(&reads, &of("newthing.amazonaws.com")), "unused");
}

#[test]
fn a_call_that_either_of_two_services_logs_makes_things_of_both() {
    let put = event(7, "autoscaling", "PutScalingPolicy", &json!({"policyName": "p"}));
    let document = allow(
        &json!([
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DeleteScalingPolicy"
        ]),
        &json!("*"),
    );
    let report = report(&[put], &document, &options());
    assert_eq!(
        grade(&report, "application-autoscaling:DeleteScalingPolicy"),
        "inferred"
    );
}
