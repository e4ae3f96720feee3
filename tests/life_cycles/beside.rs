//! What a life cycle takes beside the thing itself, and where no ARN is common to making and ending.

use serde_json::json;

use super::{allow, event, grade, options, report};

/// One posts to a collection and deletes an item, which no ARN has in common.
#[test]
fn who_posts_to_a_collection_of_api_gateway_keeps_what_ends_its_items() {
    let on = |path: &str| format!("arn:aws:apigateway:eu-west-1::{path}");
    let statement = |action: &str, path: &str| json!({"Effect": "Allow", "Action": [action], "Resource": on(path)});
    for (name, collection) in [
        ("CreateApi", "/apis"),
        ("CreateApiKey", "/apikeys"),
        ("CreateDomainName", "/domainnames"),
    ] {
        let items = format!("{collection}/*");
        let document = json!({"Version": "2012-10-17", "Statement": [
            statement("apigateway:POST", collection), statement("apigateway:DELETE", &items), statement("apigateway:PATCH", &items)]});
        let made = report(
            &[event(6, "apigateway", name, &json!({"name": "n"}))],
            &document,
            &options(),
        );
        assert_eq!(grade(&made, "apigateway:DELETE"), "inferred", "{name}");
        assert_eq!(grade(&made, "apigateway:PATCH"), "inferred", "{name}");
    }
}

/// Deleting a mount target takes `ec2:DeleteNetworkInterface` (EFS API reference, DeleteMountTarget).
#[test]
fn what_ends_a_thing_keeps_what_that_needs() {
    let document = allow(
        &json!([
            "elasticfilesystem:CreateMountTarget",
            "elasticfilesystem:DeleteMountTarget",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteVpc"
        ]),
        &json!("*"),
    );
    let made = event(
        6,
        "elasticfilesystem",
        "CreateMountTarget",
        &json!({"fileSystemId": "fs-0a1", "subnetId": "subnet-0a1"}),
    );
    let report = report(&[made], &document, &options());
    assert_eq!(grade(&report, "elasticfilesystem:DeleteMountTarget"), "inferred");
    assert_eq!(grade(&report, "ec2:DeleteNetworkInterface"), "inferred");
    assert_eq!(grade(&report, "ec2:DeleteVpc"), "unused");
}
