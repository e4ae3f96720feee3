//! Second actions: what a call may have needed beside its own, and on which of two things it was asked for.

use super::*;

#[test]
fn what_aws_reads_or_writes_as_the_caller_may_be_needed() {
    for (source, name, request, actions) in [
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": "f", "s3Bucket": "b", "s3Key": "k"}),
            &["s3:GetObject", "s3:GetObjectVersion"][..],
        ),
        (
            "cloudformation",
            "CreateStack",
            json!({"stackName": "s", "templateURL": "https://b.s3.amazonaws.com/k"}),
            &["s3:GetObject"],
        ),
        (
            "dynamodb",
            "ExportTableToPointInTime",
            json!({"tableArn": "arn:aws:dynamodb:eu-west-1:111122223333:table/t", "s3Bucket": "b"}),
            &["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"],
        ),
        (
            "dynamodb",
            "ImportTable",
            json!({"s3BucketSource": {"s3Bucket": "b"}}),
            &["s3:GetObject", "s3:ListBucket"],
        ),
        (
            "lambda",
            "CreateEventSourceMapping20150331",
            json!({"functionName": "f"}),
            &[
                "kafka:DescribeCluster",
                "kafka:DescribeClusterV2",
                "kafka:GetBootstrapBrokers",
            ],
        ),
        (
            "cloudformation",
            "CreateResource",
            json!({"typeName": "AWS::S3::Bucket", "roleArn": "arn:aws:iam::111122223333:role/r"}),
            &["iam:PassRole"],
        ),
        (
            "servicediscovery",
            "RegisterInstance",
            json!({"serviceId": "srv-1", "instanceId": "i"}),
            &["ec2:DescribeInstances", "route53:CreateHealthCheck"],
        ),
        (
            "elasticloadbalancing",
            "CreateRule",
            json!({"actions": [{"type": "authenticate-cognito"}, {"type": "forward"}]}),
            &["cognito-idp:DescribeUserPoolClient"],
        ),
        (
            "redshift-data",
            "ListTables",
            json!({"database": "d"}),
            &["redshift:GetClusterCredentials", "secretsmanager:GetSecretValue"],
        ),
        (
            "cloudfront",
            "UpdateDistributionWithStagingConfig2020_05_31",
            json!({"id": "E1"}),
            &["cloudfront:GetDistribution", "cloudfront:UpdateDistribution"],
        ),
    ] {
        let event = call(3, source, name, json!({ "requestParameters": request }));
        actions.iter().for_each(|action| check_may_need(&event, action));
    }
}

#[test]
fn a_listener_that_asks_nobody_to_sign_in_needs_no_user_pool() {
    for request in [json!({"defaultActions": [{"type": "forward"}]}), json!({"port": 80})] {
        let event = call(
            3,
            "elasticloadbalancing",
            "CreateListener",
            json!({ "requestParameters": request }),
        );
        let catalog = Catalog::embedded();
        let may_need = resolved(&event).may_need;
        let names: Vec<&str> = may_need.iter().map(|call| catalog.name(call.action)).collect();
        assert!(!names.contains(&"cognito-idp:DescribeUserPoolClient"), "{names:?}");
    }
}

#[test]
fn on_which_of_two_things_a_call_is_asked_for_is_open_where_references_disagree() {
    for (source, name, request, action) in [
        (
            "athena",
            "GetTableMetadata",
            json!({"catalogName": "c", "databaseName": "d", "tableName": "t", "workGroup": "w"}),
            "athena:GetTableMetadata",
        ),
        (
            "athena",
            "ListDatabases",
            json!({"catalogName": "c"}),
            "athena:ListDatabases",
        ),
        (
            "lightsail",
            "AttachDisk",
            json!({"diskName": "d", "instanceName": "i"}),
            "lightsail:AttachDisk",
        ),
    ] {
        let event = call(3, source, name, json!({ "requestParameters": request }));
        let catalog = Catalog::embedded();
        let needs = resolved(&event).needs;
        let need = needs.iter().find(|call| catalog.name(call.action) == action);
        assert!(!need.expect("needed").complete, "{action}");
    }
}
