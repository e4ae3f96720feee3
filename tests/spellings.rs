//! How requests spell what they name, against the ARNs that AWS's reference gives: a grant on exactly the resource that a
//! call used explains the call, and so does the usual wildcard.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trimtrail::inside::catalog::{ArnTemplate, Catalog, Form, Mapping, Need, Part};
use trimtrail::inside::decode::{Item, Limits, Reader};
use trimtrail::inside::iam::{Resource, Version, arn};
use trimtrail::inside::resolve::{self, Call, Operation};

use super::journey::ACCOUNT;
use super::resolved::{call_of, of_request as resolved};

const OTHER: &str = "999988887777";

/// Whether a grant on this resource is kept for the call.
fn keeps(call: &Call, granted: &str) -> bool {
    let granted = Resource::new(granted, Version::V2012);
    !call.complete
        || call
            .resources
            .iter()
            .any(|shape| arn::overlaps(&granted, &Resource::new(shape.as_str(), Version::V2008)))
}

/// The ARN as policies write it, with `*` for its last part.
fn usual_wildcard(arn: &str) -> String {
    let cut = arn.rfind(['/', ':']).map_or(arn.len(), |at| at + 1);
    format!("{}*", &arn[..cut])
}

fn check(source: &str, name: &str, request: &Value, action: &str, granted: &[&str]) {
    let resolution = resolved(source, name, request, &Value::Null);
    let call = call_of(&resolution, action);
    for granted in granted {
        for granted in [(*granted).to_owned(), usual_wildcard(granted)] {
            assert!(
                keeps(call, &granted),
                "{source} {name} {request}: {action} on {granted}, derived {:?}",
                call.resources
            );
        }
    }
}

/// The same, and the log tells all: what else is granted by name was not used.
fn check_all(source: &str, name: &str, request: &Value, action: &str, granted: &[&str], not: &str) {
    check(source, name, request, action, granted);
    let resolution = resolved(source, name, request, &Value::Null);
    let call = call_of(&resolution, action);
    assert!(
        call.complete && !keeps(call, not),
        "{source} {name} {request}: {action} on {not}, derived {:?}, complete {}",
        call.resources,
        call.complete
    );
}

fn aws(rest: &str) -> String {
    format!("arn:aws:{rest}")
}

#[test]
fn parameter_names_lose_one_slash_and_their_selector() {
    // Systems Manager user guide, "Restricting access to Parameter Store parameters using IAM policies".
    let db = aws("ssm:eu-west-1:111122223333:parameter/app/db");
    let not = aws("ssm:eu-west-1:111122223333:parameter/app/other");
    for (name, request) in [
        ("GetParameter", json!({"name": "/app/db"})),
        ("GetParameter", json!({"name": "/app/db:3"})),
        ("GetParameter", json!({"name": "/app/db:live"})),
        ("GetParameter", json!({"name": db})),
        ("GetParameter", json!({"name": format!("{db}:3")})),
        ("GetParameters", json!({"names": ["/app/db"]})),
        ("GetParameters", json!({"names": [format!("{db}:live")]})),
        ("GetParameterHistory", json!({"name": "/app/db"})),
        ("PutParameter", json!({"name": "/app/db", "type": "String"})),
        ("DeleteParameter", json!({"name": "/app/db"})),
        ("DeleteParameters", json!({"names": ["/app/db"]})),
    ] {
        check_all("ssm", name, &request, &format!("ssm:{name}"), &[&db], &not);
    }
    check_all(
        "ssm",
        "GetParameters",
        &json!({"names": ["flat"]}),
        "ssm:GetParameters",
        &[&aws("ssm:eu-west-1:111122223333:parameter/flat")],
        &not,
    );
    check(
        "ssm",
        "GetParametersByPath",
        &json!({"path": "/app"}),
        "ssm:GetParametersByPath",
        &[&aws("ssm:eu-west-1:111122223333:parameter/app")],
    );
}

#[test]
fn what_aws_owns_belongs_to_no_account() {
    let latest = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    check(
        "ssm",
        "GetParameter",
        &json!({"name": latest}),
        "ssm:GetParameter",
        &[&aws(&format!("ssm:eu-west-1::parameter{latest}"))],
    );
    for (name, request) in [
        ("GetDocument", json!({"name": "AWS-RunShellScript"})),
        ("DescribeDocument", json!({"name": "AWS-RunShellScript"})),
        (
            "SendCommand",
            json!({"documentName": "AWS-RunShellScript", "instanceIds": ["i-1"]}),
        ),
        (
            "StartSession",
            json!({"documentName": "AWS-RunShellScript", "target": "i-1"}),
        ),
    ] {
        let document = aws("ssm:eu-west-1::document/AWS-RunShellScript");
        check("ssm", name, &request, &format!("ssm:{name}"), &[&document]);
    }
    let shared = aws("ssm:eu-west-1:999988887777:document/theirs");
    check(
        "ssm",
        "GetDocument",
        &json!({"name": shared}),
        "ssm:GetDocument",
        &[&shared],
    );
}

#[test]
fn session_is_on_its_node_and_on_the_document_that_it_names() {
    // Systems Manager user guide, "Start a session with a document by specifying the session documents in IAM policies".
    let node = aws("ec2:eu-west-1:111122223333:instance/i-1");
    let managed = aws("ssm:eu-west-1:111122223333:managed-instance/mi-1");
    let document = aws("ssm:eu-west-1:111122223333:document/SSM-other");
    for (target, node) in [("i-1", node), ("mi-1", managed)] {
        for (request, resources) in [
            (json!({"target": target}), vec![&node]),
            (
                json!({"target": target, "documentName": "SSM-other"}),
                vec![&node, &document],
            ),
        ] {
            let resolution = resolved("ssm", "StartSession", &request, &Value::Null);
            let call = call_of(&resolution, "ssm:StartSession");
            // A condition may ask for the default document where none is named: what is told is never all.
            assert_eq!(
                BTreeSet::from_iter(&call.resources),
                BTreeSet::from_iter(resources),
                "{request}"
            );
            assert!(!call.complete, "{request}");
        }
    }
}

#[test]
fn session_on_what_is_no_node_does_not_tell_all() {
    for (target, granted) in [
        (
            "ecs:my_cluster_0a1b_0a1b-7",
            aws("ecs:eu-west-1:111122223333:task/my_cluster/0a1b"),
        ),
        (
            "sagemaker-cluster:c_group-i-1",
            aws("sagemaker:eu-west-1:111122223333:cluster/c"),
        ),
    ] {
        let request = json!({"target": target, "documentName": "SSM-other"});
        check("ssm", "StartSession", &request, "ssm:StartSession", &[&granted]);
        let resolution = resolved("ssm", "StartSession", &request, &Value::Null);
        assert!(!call_of(&resolution, "ssm:StartSession").complete, "{target}");
    }
}

#[test]
fn session_and_automation_are_named_by_their_ids() {
    let session = |id: &str| aws(&format!("ssm:eu-west-1:111122223333:session/{id}"));
    for name in ["TerminateSession", "ResumeSession"] {
        let request = json!({"sessionId": "ann-0a1b"});
        let action = format!("ssm:{name}");
        check_all(
            "ssm",
            name,
            &request,
            &action,
            &[&session("ann-0a1b")],
            &session("bob-*"),
        );
    }
    let execution = |id: &str| aws(&format!("ssm:eu-west-1:111122223333:automation-execution/{id}"));
    for name in [
        "GetAutomationExecution",
        "StopAutomationExecution",
        "SendAutomationSignal",
    ] {
        let request = json!({"automationExecutionId": "0a1b"});
        check_all(
            "ssm",
            name,
            &request,
            &format!("ssm:{name}"),
            &[&execution("0a1b")],
            &execution("2c3d"),
        );
    }
    // Of one that starts the document tells the definition, in whatever version.
    let definition = aws("ssm:eu-west-1::automation-definition/AWS-StopEC2Instance:1");
    let request = json!({"documentName": "AWS-StopEC2Instance", "documentVersion": "1"});
    check(
        "ssm",
        "StartAutomationExecution",
        &request,
        "ssm:StartAutomationExecution",
        &[&definition],
    );
}

#[test]
fn command_is_on_instances_or_on_managed_nodes_by_their_ids() {
    let request = json!({"documentName": "AWS-RunShellScript", "instanceIds": ["i-1", "mi-2"]});
    let resolution = resolved("ssm", "SendCommand", &request, &Value::Null);
    let call = call_of(&resolution, "ssm:SendCommand");
    let nodes: Vec<&str> = call
        .resources
        .iter()
        .map(String::as_str)
        .filter(|arn| arn.contains("instance/"))
        .collect();
    let (instance, managed) = (
        aws("ec2:eu-west-1:111122223333:instance/i-1"),
        aws("ssm:eu-west-1:111122223333:managed-instance/mi-2"),
    );
    assert_eq!(nodes, [instance.as_str(), managed.as_str()]);
}

#[test]
fn type_beside_an_id_says_what_is_tagged() {
    let here = |rest: &str| aws(&format!("ssm:eu-west-1:111122223333:{rest}"));
    for (kind, id, arn) in [
        ("Parameter", "/app/db", "parameter/app/db"),
        ("Document", "d", "document/d"),
        ("ManagedInstance", "mi-1", "managed-instance/mi-1"),
        ("MaintenanceWindow", "mw-1", "maintenancewindow/mw-1"),
        ("Automation", "0a1b", "automation-execution/0a1b"),
        ("OpsMetadata", "/aws/ssm/g/a", "opsmetadata/aws/ssm/g/a"),
    ] {
        for name in ["AddTagsToResource", "ListTagsForResource", "RemoveTagsFromResource"] {
            let request = json!({"resourceType": kind, "resourceId": id});
            check_all(
                "ssm",
                name,
                &request,
                &format!("ssm:{name}"),
                &[&here(arn)],
                &here("patchbaseline/pb-1"),
            );
        }
    }
    let newer = json!({"resourceType": "SomethingNew", "resourceId": "x"});
    let resolution = resolved("ssm", "ListTagsForResource", &newer, &Value::Null);
    assert!(!call_of(&resolution, "ssm:ListTagsForResource").complete);
}

#[test]
fn model_is_named_by_its_id_its_arn_or_a_profile() {
    // Bedrock user guide, "Prerequisites for inference profiles": a profile needs its models too, in other regions.
    let model = aws("bedrock:eu-west-1::foundation-model/anthropic.claude-v2:1");
    let profile = aws("bedrock:eu-west-1:111122223333:inference-profile/eu.anthropic.claude-v2");
    for (named, granted) in [
        ("anthropic.claude-v2:1", &model),
        (model.as_str(), &model),
        ("eu.anthropic.claude-v2", &profile),
    ] {
        for (name, action) in [
            ("InvokeModel", "bedrock:InvokeModel"),
            ("Converse", "bedrock:InvokeModel"),
            ("ConverseStream", "bedrock:InvokeModelWithResponseStream"),
        ] {
            let resolution = resolved("bedrock", name, &json!({"modelId": named}), &Value::Null);
            let call = call_of(&resolution, action);
            assert!(
                call.resources.contains(granted) && !call.complete,
                "{name} {named}: {:?}",
                call.resources
            );
        }
    }
}

#[test]
fn secret_behind_a_parameter_may_be_read() {
    let request = json!({"name": "/aws/reference/secretsmanager/db", "withDecryption": true});
    let resolution = resolved("ssm", "GetParameter", &request, &Value::Null);
    assert!(!call_of(&resolution, "secretsmanager:GetSecretValue").complete);
}

#[test]
fn function_is_told_however_it_is_named() {
    // Lambda API reference, FunctionName; Lambda developer guide, "Fine-tuning the Resources and Conditions sections".
    let plain = aws("lambda:eu-west-1:111122223333:function:f");
    let live = format!("{plain}:live");
    let not = aws("lambda:eu-west-1:111122223333:function:foo");
    for request in [
        json!({"functionName": "f", "qualifier": "live"}),
        json!({"functionName": "f:live"}),
        json!({"functionName": plain, "qualifier": "live"}),
        json!({"functionName": live}),
        json!({"functionName": "111122223333:function:f", "qualifier": "live"}),
        json!({"functionName": "111122223333:function:f:live"}),
    ] {
        for (name, action) in [
            ("Invoke", "lambda:InvokeFunction"),
            ("GetFunction20150331v2", "lambda:GetFunction"),
        ] {
            check_all("lambda", name, &request, action, &[&plain, &live], &not);
        }
    }
    let theirs = aws("lambda:eu-west-1:999988887777:function:f");
    for request in [
        json!({"functionName": theirs}),
        json!({"functionName": "999988887777:function:f"}),
    ] {
        check_all(
            "lambda",
            "Invoke",
            &request,
            "lambda:InvokeFunction",
            &[&theirs],
            &plain,
        );
    }
}

#[test]
fn state_machine_of_a_version_or_alias_is_the_state_machine() {
    // Step Functions developer guide, "Authorization for versions and aliases in Step Functions workflows".
    let machine = aws("states:eu-west-1:111122223333:stateMachine:m");
    let not = aws("states:eu-west-1:111122223333:stateMachine:n");
    for spelt in [machine.clone(), format!("{machine}:PROD"), format!("{machine}:3")] {
        for name in [
            "StartExecution",
            "StartSyncExecution",
            "DescribeStateMachine",
            "UpdateStateMachine",
        ] {
            let request = json!({"stateMachineArn": spelt});
            check_all("states", name, &request, &format!("states:{name}"), &[&machine], &not);
            let resolution = resolved("states", name, &request, &Value::Null);
            assert_eq!(
                call_of(&resolution, &format!("states:{name}")).resources,
                std::slice::from_ref(&machine)
            );
        }
    }
    let request = json!({"stateMachineAliasArn": format!("{machine}:PROD")});
    for name in [
        "DescribeStateMachineAlias",
        "DeleteStateMachineAlias",
        "UpdateStateMachineAlias",
    ] {
        check("states", name, &request, &format!("states:{name}"), &[&machine]);
    }
}

#[test]
fn keys_and_aliases_are_told_apart() {
    // KMS API reference, CreateAlias: permission on the alias, and on the key.
    let (alias, key) = (
        aws("kms:eu-west-1:111122223333:alias/n"),
        aws("kms:eu-west-1:111122223333:key/1111"),
    );
    let not = aws("kms:eu-west-1:111122223333:alias/alias/n");
    for target in ["1111", &key] {
        for name in ["CreateAlias", "UpdateAlias"] {
            let request = json!({"aliasName": "alias/n", "targetKeyId": target});
            check_all("kms", name, &request, &format!("kms:{name}"), &[&alias, &key], &not);
        }
    }
    check(
        "kms",
        "DeleteAlias",
        &json!({"aliasName": "alias/n"}),
        "kms:DeleteAlias",
        &[&alias, &key],
    );
    for spelt in ["1111", &key] {
        check_all(
            "kms",
            "Decrypt",
            &json!({"keyId": spelt}),
            "kms:Decrypt",
            &[&key],
            &alias,
        );
    }
    for spelt in ["alias/n", &alias] {
        check("kms", "Encrypt", &json!({"keyId": spelt}), "kms:Encrypt", &[&key]);
    }
}

#[test]
fn log_group_is_told_by_name_identifier_or_arn() {
    // CloudWatch Logs API reference, logGroupIdentifier; Service Authorization Reference, log-group.
    let group = aws("logs:eu-west-1:111122223333:log-group:/app");
    let granted = [group.as_str(), &format!("{group}:*"), &format!("{group}:log-stream:")].map(str::to_owned);
    let not = aws("logs:eu-west-1:111122223333:log-group:/app2:*");
    for (name, request) in [
        ("FilterLogEvents", json!({"logGroupName": "/app"})),
        ("FilterLogEvents", json!({"logGroupIdentifier": "/app"})),
        ("FilterLogEvents", json!({"logGroupIdentifier": group})),
        ("FilterLogEvents", json!({"logGroupIdentifier": format!("{group}:*")})),
        (
            "StartQuery",
            json!({"logGroupIdentifiers": [group], "queryString": "x"}),
        ),
        ("StartQuery", json!({"logGroupNames": ["/app"], "queryString": "x"})),
        ("StartLiveTail", json!({"logGroupIdentifiers": [group]})),
        ("DescribeLogStreams", json!({"logGroupIdentifier": group})),
        (
            "PutDataProtectionPolicy",
            json!({"logGroupIdentifier": group, "policyDocument": "{}"}),
        ),
        (
            "PutRetentionPolicy",
            json!({"logGroupName": "/app", "retentionInDays": 7}),
        ),
    ] {
        for granted in &granted {
            check_all("logs", name, &request, &format!("logs:{name}"), &[granted], &not);
        }
    }
    let request = json!({"logGroupIdentifier": group, "logStreamName": "s"});
    check(
        "logs",
        "GetLogEvents",
        &request,
        "logs:GetLogEvents",
        &[&format!("{group}:log-stream:s")],
    );
}

#[test]
fn owners_that_requests_name_own_the_resource() {
    for (source, name, request, action, granted) in [
        (
            "sqs",
            "GetQueueUrl",
            json!({"queueName": "q", "queueOwnerAWSAccountId": OTHER}),
            "sqs:GetQueueUrl",
            "sqs:eu-west-1:999988887777:q",
        ),
        (
            "codeartifact",
            "DescribeRepository",
            json!({"domain": "d", "domainOwner": OTHER, "repository": "r"}),
            "codeartifact:DescribeRepository",
            "codeartifact:eu-west-1:999988887777:repository/d/r",
        ),
        (
            "codeartifact",
            "GetAuthorizationToken",
            json!({"domain": "d", "domain-owner": OTHER}),
            "codeartifact:GetAuthorizationToken",
            "codeartifact:eu-west-1:999988887777:domain/d",
        ),
        (
            "ecr",
            "BatchGetImage",
            json!({"repositoryName": "a/b", "registryId": OTHER}),
            "ecr:BatchGetImage",
            "ecr:eu-west-1:999988887777:repository/a/b",
        ),
        (
            "ecr",
            "DescribeRepositories",
            json!({"repositoryNames": ["a/b"], "registryId": OTHER}),
            "ecr:DescribeRepositories",
            "ecr:eu-west-1:999988887777:repository/a/b",
        ),
        (
            "glue",
            "GetTable",
            json!({"catalogId": OTHER, "databaseName": "d", "name": "t"}),
            "glue:GetTable",
            "glue:eu-west-1:999988887777:table/d/t",
        ),
        (
            "quicksight",
            "DescribeDashboard",
            json!({"awsAccountId": OTHER, "dashboardId": "b"}),
            "quicksight:DescribeDashboard",
            "quicksight:eu-west-1:999988887777:dashboard/b",
        ),
    ] {
        check(source, name, &request, action, &[&aws(granted)]);
    }
    // Without an owner it is the caller's.
    check_all(
        "sqs",
        "GetQueueUrl",
        &json!({"queueName": "q"}),
        "sqs:GetQueueUrl",
        &[&aws("sqs:eu-west-1:111122223333:q")],
        &aws("sqs:eu-west-1:999988887777:q"),
    );
}

#[test]
fn arns_of_one_thing_lend_their_name_to_another() {
    let bus = aws("events:eu-west-1:111122223333:event-bus/bus");
    let theirs = aws("events:eu-west-1:999988887777:event-bus/bus");
    for (name, key) in [
        ("PutRule", "name"),
        ("DescribeRule", "name"),
        ("PutTargets", "rule"),
        ("RemoveTargets", "rule"),
    ] {
        let action = format!("events:{name}");
        for spelt in ["bus", &bus] {
            let request = json!({key: "r", "eventBusName": spelt});
            check(
                "events",
                name,
                &request,
                &action,
                &[&aws("events:eu-west-1:111122223333:rule/bus/r")],
            );
        }
        let request = json!({key: "r", "eventBusName": theirs});
        check(
            "events",
            name,
            &request,
            &action,
            &[&aws("events:eu-west-1:999988887777:rule/bus/r")],
        );
        check(
            "events",
            name,
            &json!({key: "r"}),
            &action,
            &[&aws("events:eu-west-1:111122223333:rule/r")],
        );
        check(
            "events",
            name,
            &json!({key: "r", "eventBusName": "default"}),
            &action,
            &[&aws("events:eu-west-1:111122223333:rule/r")],
        );
    }
    let table = aws("dynamodb:eu-west-1:111122223333:table/orders");
    for name in ["Query", "Scan"] {
        for spelt in ["orders", &table] {
            let request = json!({"tableName": spelt, "indexName": "by-day"});
            check_all(
                "dynamodb",
                name,
                &request,
                &format!("dynamodb:{name}"),
                &[&format!("{table}/index/by-day")],
                &format!("{table}/index/other"),
            );
        }
    }
}

#[test]
fn scope_case_and_type_are_spelt_as_arns_have_them() {
    for (scope, part) in [("REGIONAL", "regional"), ("CLOUDFRONT", "global")] {
        for (name, kind) in [
            ("GetIPSet", "ipset"),
            ("GetWebACL", "webacl"),
            ("DeleteRegexPatternSet", "regexpatternset"),
            ("GetRuleGroup", "rulegroup"),
        ] {
            let request = json!({"name": "n", "scope": scope, "id": "1"});
            let granted = aws(&format!("wafv2:eu-west-1:111122223333:{part}/{kind}/n/1"));
            check("wafv2", name, &request, &format!("wafv2:{name}"), &[&granted]);
        }
    }
    for (source, name, request, action, granted) in [
        (
            "sagemaker",
            "CreateTrainingJob",
            json!({"trainingJobName": "Train-1"}),
            "sagemaker:CreateTrainingJob",
            "sagemaker:eu-west-1:111122223333:training-job/train-1",
        ),
        (
            "rds",
            "DeleteDBInstance",
            json!({"dBInstanceIdentifier": "DB-1"}),
            "rds:DeleteDBInstance",
            "rds:eu-west-1:111122223333:db:db-1",
        ),
        (
            "glue",
            "DeleteDatabase",
            json!({"name": "Sales"}),
            "glue:DeleteDatabase",
            "glue:eu-west-1:111122223333:database/sales",
        ),
        (
            "route53",
            "ChangeResourceRecordSets",
            json!({"hostedZoneId": "/hostedzone/Z1"}),
            "route53:ChangeResourceRecordSets",
            "route53:::hostedzone/Z1",
        ),
        (
            "route53",
            "GetHostedZone",
            json!({"id": "/hostedzone/Z1"}),
            "route53:GetHostedZone",
            "route53:::hostedzone/Z1",
        ),
        (
            "route53",
            "GetHostedZone",
            json!({"id": "Z1"}),
            "route53:GetHostedZone",
            "route53:::hostedzone/Z1",
        ),
        (
            "route53",
            "GetChange",
            json!({"id": "/change/C1"}),
            "route53:GetChange",
            "route53:::change/C1",
        ),
        (
            "organizations",
            "DescribePolicy",
            json!({"policyId": "p-1"}),
            "organizations:DescribePolicy",
            "organizations::999988887777:policy/o-1/service_control_policy/p-1",
        ),
        (
            "organizations",
            "DescribeAccount",
            json!({"accountId": "111122223333"}),
            "organizations:DescribeAccount",
            "organizations::999988887777:account/o-1/111122223333",
        ),
        (
            "organizations",
            "DescribeOrganizationalUnit",
            json!({"organizationalUnitId": "ou-1-2"}),
            "organizations:DescribeOrganizationalUnit",
            "organizations::999988887777:ou/o-1/ou-1-2",
        ),
    ] {
        check(source, name, &request, action, &[&aws(granted)]);
    }
}

#[test]
fn names_arns_and_urls_of_many_services() {
    let here = |service: &str, rest: &str| aws(&format!("{service}:eu-west-1:111122223333:{rest}"));
    for (source, name, parameter, spelt, action, granted) in [
        (
            "sqs",
            "SendMessage",
            "queueUrl",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/q",
            "sqs:SendMessage",
            here("sqs", "q"),
        ),
        (
            "sns",
            "Subscribe",
            "topicArn",
            &here("sns", "t"),
            "sns:Subscribe",
            here("sns", "t"),
        ),
        ("sns", "CreateTopic", "name", "t", "sns:CreateTopic", here("sns", "t")),
        (
            "kinesis",
            "PutRecord",
            "streamName",
            "s",
            "kinesis:PutRecord",
            here("kinesis", "stream/s"),
        ),
        (
            "kinesis",
            "PutRecord",
            "streamARN",
            &here("kinesis", "stream/s"),
            "kinesis:PutRecord",
            here("kinesis", "stream/s"),
        ),
        (
            "kinesis",
            "DescribeStreamConsumer",
            "consumerARN",
            &here("kinesis", "stream/s/consumer/c:1"),
            "kinesis:DescribeStreamConsumer",
            here("kinesis", "stream/s/consumer/c:1"),
        ),
        (
            "firehose",
            "PutRecord",
            "deliveryStreamName",
            "d",
            "firehose:PutRecord",
            here("firehose", "deliverystream/d"),
        ),
        (
            "ecs",
            "ListContainerInstances",
            "cluster",
            "prod",
            "ecs:ListContainerInstances",
            here("ecs", "cluster/prod"),
        ),
        (
            "ecs",
            "ListContainerInstances",
            "cluster",
            &here("ecs", "cluster/prod"),
            "ecs:ListContainerInstances",
            here("ecs", "cluster/prod"),
        ),
        (
            "ecs",
            "DescribeTasks",
            "cluster",
            "prod",
            "ecs:DescribeTasks",
            here("ecs", "task/prod/1"),
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            "secretId",
            "db",
            "secretsmanager:GetSecretValue",
            here("secretsmanager", "secret:db-AbCd12"),
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            "secretId",
            &here("secretsmanager", "secret:db"),
            "secretsmanager:GetSecretValue",
            here("secretsmanager", "secret:db-AbCd12"),
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            "secretId",
            &here("secretsmanager", "secret:db-AbCd12"),
            "secretsmanager:GetSecretValue",
            here("secretsmanager", "secret:db-AbCd12"),
        ),
        (
            "cloudformation",
            "DescribeStacks",
            "stackName",
            "net",
            "cloudformation:DescribeStacks",
            here("cloudformation", "stack/net/1-2-3"),
        ),
        (
            "cloudformation",
            "DescribeStacks",
            "stackName",
            &here("cloudformation", "stack/net/1-2-3"),
            "cloudformation:DescribeStacks",
            here("cloudformation", "stack/net/1-2-3"),
        ),
        (
            "cloudtrail",
            "GetTrailStatus",
            "name",
            "org",
            "cloudtrail:GetTrailStatus",
            aws("cloudtrail:us-east-1:999988887777:trail/org"),
        ),
        (
            "cloudtrail",
            "GetTrailStatus",
            "name",
            &here("cloudtrail", "trail/t"),
            "cloudtrail:GetTrailStatus",
            here("cloudtrail", "trail/t"),
        ),
        (
            "elasticfilesystem",
            "DescribeMountTargets",
            "fileSystemId",
            "fs-1",
            "elasticfilesystem:DescribeMountTargets",
            here("elasticfilesystem", "file-system/fs-1"),
        ),
        (
            "elasticfilesystem",
            "DeleteFileSystem",
            "fileSystemId",
            &here("elasticfilesystem", "file-system/fs-1"),
            "elasticfilesystem:DeleteFileSystem",
            here("elasticfilesystem", "file-system/fs-1"),
        ),
        (
            "athena",
            "GetWorkGroup",
            "workGroup",
            "w",
            "athena:GetWorkGroup",
            here("athena", "workgroup/w"),
        ),
        (
            "codebuild",
            "StartBuild",
            "projectName",
            "p",
            "codebuild:StartBuild",
            here("codebuild", "project/p"),
        ),
        (
            "codebuild",
            "StartBuild",
            "projectName",
            &here("codebuild", "project/p"),
            "codebuild:StartBuild",
            here("codebuild", "project/p"),
        ),
        (
            "batch",
            "TerminateJob",
            "jobId",
            "1-2",
            "batch:TerminateJob",
            here("batch", "job/1-2"),
        ),
        (
            "lambda",
            "GetLayerVersion",
            "layerName",
            &here("lambda", "layer:l"),
            "lambda:GetLayerVersion",
            here("lambda", "layer:l:1"),
        ),
        (
            "es",
            "DescribeDomain",
            "domainName",
            "d",
            "es:DescribeDomain",
            here("es", "domain/d"),
        ),
        (
            "monitoring",
            "DescribeAlarms",
            "alarmNames",
            "a",
            "cloudwatch:DescribeAlarms",
            here("cloudwatch", "alarm:${*}"),
        ),
        (
            "autoscaling",
            "SetDesiredCapacity",
            "autoScalingGroupName",
            "g",
            "autoscaling:SetDesiredCapacity",
            here("autoscaling", "autoScalingGroup:1-2:autoScalingGroupName/g"),
        ),
        (
            "backup",
            "DescribeBackupVault",
            "backupVaultName",
            "v",
            "backup:DescribeBackupVault",
            here("backup", "backup-vault:v"),
        ),
    ] {
        check(source, name, &json!({ parameter: spelt }), action, &[&granted]);
    }
}

#[test]
fn object_keys_are_decoded_and_access_points_do_not_tell_all() {
    for (key, name) in [("p%20q", "p q"), ("a/b%2Bc", "a/b+c"), ("100%", "100%"), ("a+b", "a+b")] {
        let granted = format!("arn:aws:s3:::b/{name}");
        check_all(
            "s3",
            "GetObject",
            &json!({"bucketName": "b", "key": key}),
            "s3:GetObject",
            &[&granted],
            "arn:aws:s3:::b/other",
        );
        let listed = json!([{"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::b/{key}")}]);
        let resolution = resolved("s3", "GetObject", &json!({"bucketName": "b"}), &listed);
        assert!(keeps(call_of(&resolution, "s3:GetObject"), &granted), "{key}");
    }
    for bucket in [
        "ap-1-s3alias",
        "m1.mrap.accesspoint.s3-global.amazonaws.com",
        "ap-111122223333.s3-accesspoint.eu-west-1.amazonaws.com",
    ] {
        let resolution = resolved(
            "s3",
            "GetObject",
            &json!({"bucketName": bucket, "key": "k"}),
            &Value::Null,
        );
        assert!(!call_of(&resolution, "s3:GetObject").complete, "{bucket}");
    }
}

/// Puts a value where a path of a template looks for it.
fn put(request: &mut Value, path: &str, value: &str) {
    let Some((first, rest)) = path.split_once('.') else {
        let name = path.trim_end_matches("[]").trim_end_matches("{}");
        let value = if path.ends_with("{}") {
            json!({ "k": value })
        } else {
            json!(value)
        };
        request[name] = if path.ends_with("[]") { json!([value]) } else { value };
        return;
    };
    let name = first.trim_end_matches("[]").trim_end_matches("{}");
    let entry = &mut request[name];
    if first.ends_with("[]") {
        if entry.is_null() {
            *entry = json!([{}]);
        }
        put(&mut entry[0], rest, value);
    } else if first.ends_with("{}") {
        if entry.is_null() {
            *entry = json!({ "k": {} });
        }
        put(&mut entry["k"], rest, value);
    } else {
        if entry.is_null() {
            *entry = json!({});
        }
        put(entry, rest, value);
    }
}

/// What a request may hold for a parameter of a form, and what the ARN then has.
fn spellings(form: Form, number: usize) -> Vec<(String, String)> {
    let name = format!("name{number}");
    let as_is = (name.clone(), name.clone());
    match form {
        Form::Whole | Form::Id | Form::Typed | Form::Unqualified | Form::Bucket => vec![as_is],
        Form::Basename => vec![as_is, (format!("https://h/{name}"), name)],
        Form::Function => vec![
            as_is,
            (format!("{name}:live"), name.clone()),
            (format!("{ACCOUNT}:function:{name}"), name),
        ],
        Form::Parameter => vec![
            as_is,
            (format!("/a/{name}"), format!("a/{name}")),
            (format!("{name}:3"), name),
        ],
        Form::Document => vec![as_is],
        Form::Scope => vec![("REGIONAL".to_owned(), "regional".to_owned())],
        Form::Key => vec![as_is, (format!("a/{name}%20x"), format!("a/{name} x"))],
        Form::Folded => vec![as_is, (format!("N{number}"), format!("n{number}"))],
        Form::Instance => vec![(format!("i-{name}"), format!("i-{name}"))],
        Form::Managed => vec![(format!("mi-{name}"), format!("mi-{name}"))],
        Form::Task => vec![(format!("ecs:c_1_{name}_t-1"), format!("c_1/{name}"))],
        Form::Kind => vec![("OpsItem".to_owned(), "opsitem".to_owned())],
        Form::Object => vec![
            (format!("b/{name}"), format!("b/{name}")),
            (format!("/b/{name}?versionId=1"), format!("b/{name}")),
        ],
    }
}

/// The requests that fill a template, each with the ARN that it names, put together here once more.
fn requests(template: &ArnTemplate) -> Vec<(Value, String)> {
    let mut out = vec![(json!({}), String::new())];
    for (number, part) in template.parts().into_iter().enumerate() {
        let mut next = Vec::new();
        for (request, arn) in &out {
            match &part {
                Part::Literal(text) => next.push((request.clone(), format!("{arn}{text}"))),
                Part::Partition => next.push((request.clone(), format!("{arn}aws"))),
                Part::Region => next.push((request.clone(), format!("{arn}eu-west-1"))),
                Part::Account => next.push((request.clone(), format!("{arn}{ACCOUNT}"))),
                Part::Parameter { path, form } => {
                    for (value, name) in spellings(*form, number) {
                        let mut request = request.clone();
                        put(&mut request, path, &value);
                        next.push((request, format!("{arn}{name}")));
                    }
                }
            }
        }
        out = next;
    }
    out
}

/// Every need of every operation that an SDK knows.
fn every_need(mut each: impl FnMut(&str, &str, &Need)) {
    let catalog = Catalog::embedded();
    for (source, name) in catalog.every_operation() {
        if let Mapping::Actions(needs) = catalog.mapping(&format!("{source}.amazonaws.com"), &name) {
            needs.iter().for_each(|need| each(&source, &name, need));
        }
    }
}

#[test]
fn every_template_yields_the_arn_of_each_spelling() {
    let catalog = Catalog::embedded();
    let mut count = 0;
    every_need(|source, name, need| {
        let types = catalog.resource_types(need.action).len();
        for template in need.resources.iter().filter(|_| types > 0) {
            if !template.as_str().starts_with("arn:") || template.parameters().is_empty() {
                continue;
            }
            for (request, arn) in requests(template) {
                let resolution = resolved(source, name, &request, &Value::Null);
                let call = call_of(&resolution, catalog.name(need.action));
                for granted in [arn.clone(), usual_wildcard(&arn)] {
                    assert!(
                        keeps(call, &granted),
                        "{source} {name} {request}: {} on {granted}, derived {:?}",
                        catalog.name(need.action),
                        call.resources
                    );
                }
                // The same, named by the ARN of the whole.
                let last = template
                    .parameters()
                    .last()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let mut by_arn = request.clone();
                put(&mut by_arn, &last, &arn);
                let resolution = resolved(source, name, &by_arn, &Value::Null);
                let call = call_of(&resolution, catalog.name(need.action));
                assert!(
                    keeps(call, &arn) || arn.contains(":function:") || arn.contains("::parameter/"),
                    "{source} {name} {by_arn}: {} on {arn}, derived {:?}",
                    catalog.name(need.action),
                    call.resources
                );
                count += 1;
            }
        }
    });
    println!("{count} requests");
    assert!(count > 10_000);
}

#[test]
fn a_parameter_that_nobody_has_shown_gives_a_hint() {
    let request = json!({"indexId": "d"});
    let resolution = resolved("kendra", "ClearQuerySuggestions", &request, &Value::Null);
    let call = call_of(&resolution, "kendra:ClearQuerySuggestions");
    assert!(call.resources.iter().any(|arn| arn.ends_with(":index/d")) && !call.complete);
    // An ARN that the event lists tells more than a name.
    let listed = json!([{"ARN": "arn:aws:kendra:eu-west-1:111122223333:index/d"}]);
    let resolution = resolved("kendra", "ClearQuerySuggestions", &request, &listed);
    assert!(call_of(&resolution, "kendra:ClearQuerySuggestions").complete);
}

#[test]
fn an_event_shows_the_parameters_that_hold_what_its_arns_have() {
    let event = |request: Value, answer: Value, message: &str| {
        json!({"Records": [{"eventTime": "2026-10-01T12:00:00Z", "eventSource": "kendra.amazonaws.com",
            "eventName": "ClearQuerySuggestions", "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
            "requestParameters": request, "responseElements": answer, "errorMessage": message}]})
        .to_string()
    };
    let shown = |text: String| {
        let mut shown = Vec::new();
        Reader::new().read_slice(text.as_bytes(), &Limits::default(), &mut |item| {
            if let Item::Event(event) = item {
                let operation = Operation::of(Catalog::embedded(), &event.source, &event.name);
                shown.extend(resolve::shown(event, &operation));
            }
        });
        shown
    };
    let model = "arn:aws:kendra:eu-west-1:111122223333:index/d";
    let named = json!({"indexId": "d"});
    let denied =
        format!("User: u is not authorized to perform: kendra:ClearQuerySuggestions on resource: {model} because …");
    assert_eq!(shown(event(named.clone(), json!({ "arn": model }), "")), ["IndexId"]);
    assert_eq!(shown(event(named.clone(), Value::Null, &denied)), ["IndexId"]);
    assert!(shown(event(json!({"indexId": "e"}), json!({ "arn": model }), "")).is_empty());
    assert!(shown(event(json!({ "indexId": model }), json!({ "arn": model }), "")).is_empty());
}
