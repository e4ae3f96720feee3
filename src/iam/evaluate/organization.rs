//! Which requests an organization's resource control policies reach.
//!
//! They bear on the resource's side, whoever calls: users of other accounts, services and root included.

use crate::iam::arn::Arn;
use crate::iam::request::{Caller, Request};

/// Prefixes of the services whose actions they bear on ("List of AWS services that support RCPs", Organizations user
/// guide, read 2026-11).
const SERVICES: [&str; 62] = [
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

/// Whether the resource control policies of the resource's account bear on the request.
pub(super) fn resource_control_reaches(caller: &Caller<'_>, request: &Request) -> bool {
    let action = request.action.to_lowercase();
    let supported = action
        .split_once(':')
        .is_some_and(|(prefix, _)| SERVICES.contains(&prefix));
    // Nor what service-linked roles do, nor who may assume them, nor kms:RetireGrant ("Resources and entities not
    // restricted by RCPs").
    let service_linked = Arn::parse(&request.resource)
        .is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/aws-service-role/"));
    supported && !caller.is_service_linked() && !service_linked && action != "kms:retiregrant"
}
