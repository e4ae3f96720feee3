//! What single calls need, and AWS's own words about denied ones.

use std::fs;
use std::path::Path;

use super::super::{AccessLevel, Form, Part};
use super::*;

/// The sure needs as text: `a` always, `a?p` if p is present, `a!p` if it is absent.
fn sure(source: &str, event: &str) -> String {
    let catalog = Catalog::embedded();
    match catalog.mapping(&format!("{source}.amazonaws.com"), event) {
        Mapping::NoPermission { .. } => "-".to_owned(),
        Mapping::Unmapped { prefixes, .. } => format!("unmapped {}", prefixes.join(" ")).trim_end().to_owned(),
        Mapping::Actions(needs) => {
            let text = |need: &Need| {
                let name = catalog.name(need.action);
                match &need.when {
                    When::Always => name.to_owned(),
                    When::Present(paths) => format!("{name}?{}", paths[0]),
                    When::Absent(paths) => format!("{name}!{}", paths[0]),
                    When::Equals { path, .. } => format!("{name}={path}"),
                }
            };
            needs
                .iter()
                .filter(|need| need.certain)
                .map(text)
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

fn check(source: &str, event: &str, expected: &str) {
    assert_eq!(sure(source, event), expected, "{source} {event}");
}

fn may_need(source: &str, event: &str, action: &str) {
    let catalog = Catalog::embedded();
    let Mapping::Actions(needs) = catalog.mapping(&format!("{source}.amazonaws.com"), event) else {
        panic!("{source} {event} has no needs");
    };
    assert!(
        needs.iter().any(|need| catalog.name(need.action) == action),
        "{source} {event} lacks {action}"
    );
}

#[test]
fn s3_calls_whose_name_is_no_action() {
    check(
        "s3",
        "HeadObject",
        "s3:GetObject!versionId s3:GetObjectVersion?versionId",
    );
    check(
        "s3",
        "GetObject",
        "s3:GetObject!versionId s3:GetObjectVersion?versionId",
    );
    check(
        "s3",
        "GetObjectAcl",
        "s3:GetObjectAcl!versionId s3:GetObjectVersionAcl?versionId",
    );
    check("s3", "HeadBucket", "s3:ListBucket");
    check("s3", "ListObjects", "s3:ListBucket");
    check("s3", "ListObjectsV2", "s3:ListBucket");
    check("s3", "ListObjectVersions", "s3:ListBucketVersions");
    check("s3", "ListBuckets", "s3:ListAllMyBuckets");
    check("s3", "UploadPart", "s3:PutObject");
    check("s3", "CompleteMultipartUpload", "s3:PutObject");
    check("s3", "ListParts", "s3:ListMultipartUploadParts");
    check("s3", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration");
    check("s3", "DeleteBucketPolicy", "s3:DeleteBucketPolicy");
    check("s3", "GetBucketVersioning", "s3:GetBucketVersioning");
    check("s3", "GetBucketAcl", "s3:GetBucketAcl");
    check("s3", "DeleteBucketReplication", "s3:PutReplicationConfiguration");
    check("s3", "DeleteAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock");
    check("s3", "GetBucketLifecycle", "s3:GetLifecycleConfiguration");
    check("s3express", "PutObject", "s3express:CreateSession");
    check("s3tables", "GetObject", "s3tables:GetTableData");
    may_need("s3", "PutObject", "s3:PutObjectAcl");
    may_need("s3", "CopyObject", "s3:GetObject");
    may_need("s3", "CopyObject", "s3:GetObjectVersion");
    may_need("s3", "GetObject", "kms:Decrypt");
    may_need("s3", "GetObject", "s3:ListBucket");
    may_need("s3", "DeleteObjects", "s3:DeleteObjectVersion");
}

#[test]
fn a_date_is_stripped_only_where_the_whole_name_is_unknown() {
    check("lambda", "GetFunction20150331v2", "lambda:GetFunction");
    check("lambda", "ListFunctions20150331", "lambda:ListFunctions");
    check("lambda", "UpdateFunctionCode20150331v2", "lambda:UpdateFunctionCode");
    check("cloudfront", "CreateFunction2020_05_31", "cloudfront:CreateFunction");
    check("ses", "UpdateEmailTemplate20990101x", "unmapped ses");
    // Real actions that end in a version or in digits.
    check("wafv2", "GetWebACL", "wafv2:GetWebACL");
    check(
        "securityhub",
        "DescribeSecurityHubV2",
        "securityhub:DescribeSecurityHubV2",
    );
    check("inspector2", "ListFindings", "inspector2:ListFindings");
    check(
        "comprehendmedical",
        "DetectEntitiesV2",
        "comprehendmedical:DetectEntitiesV2",
    );
}

#[test]
fn every_action_ending_in_a_version_maps_to_itself() {
    let catalog = Catalog::embedded();
    let mut seen = 0;
    for id in catalog.ids().filter(|id| catalog.name(*id).ends_with("V2")) {
        let (prefix, name) = catalog.name(id).split_once(':').unwrap();
        if let Mapping::Actions(needs) = catalog.mapping(&format!("{prefix}.amazonaws.com"), name) {
            assert!(needs.iter().any(|need| need.action == id), "{prefix}:{name}");
            seen += 1;
        }
    }
    assert!(seen > 50);
}

#[test]
fn calls_that_need_no_permission() {
    check("sts", "GetCallerIdentity", "-");
    check("sts", "GetSessionToken", "-");
    check("sts", "AssumeRoleWithWebIdentity", "-");
    check("sts", "AssumeRoleWithSAML", "-");
    check("cognito-idp", "InitiateAuth", "-");
    check("cognito-identity", "GetId", "-");
    check("signin", "ConsoleLogin", "-");
    check("signin", "SwitchRole", "-");
    check("kms", "RotateKey", "-");
}

#[test]
fn other_services_with_names_of_their_own() {
    check(
        "sts",
        "AssumeRole",
        "sts:AssumeRole sts:TagSession?tags sts:SetSourceIdentity?sourceIdentity sts:SetContext?providedContexts",
    );
    check("kms", "ReEncrypt", "kms:ReEncryptFrom kms:ReEncryptTo");
    check("lambda", "Invoke", "lambda:InvokeFunction");
    check("sqs", "SendMessageBatch", "sqs:SendMessage");
    check("sqs", "DeleteMessageBatch", "sqs:DeleteMessage");
    check("sns", "PublishBatch", "sns:Publish");
    check("dynamodb", "TransactGetItems", "dynamodb:GetItem");
    check("dynamodb", "BatchWriteItem", "dynamodb:BatchWriteItem");
    check(
        "dynamodb",
        "ExecuteStatement",
        "dynamodb:PartiQLSelect=statement:verb dynamodb:PartiQLInsert=statement:verb \
         dynamodb:PartiQLUpdate=statement:verb dynamodb:PartiQLDelete=statement:verb",
    );
    may_need("dynamodb", "ExecuteStatement", "dynamodb:PartiQLSelect");
    may_need("dynamodb", "TransactWriteItems", "dynamodb:ConditionCheckItem");
    check("bedrock", "Converse", "bedrock:InvokeModel");
    check("budgets", "DescribeBudgets", "budgets:ViewBudget");
    check("cassandra", "Select", "cassandra:Select");
    check("monitoring", "PutMetricAlarm", "cloudwatch:PutMetricAlarm");
    check("streams.dynamodb", "DescribeStream", "dynamodb:DescribeStream");
    check("apigateway", "GetRestApis", "apigateway:GET");
    check("apigateway", "UpdateApi", "apigateway:PATCH");
    check("apigateway", "DeleteRestApi", "apigateway:DELETE");
    check(
        "autoscaling",
        "RegisterScalableTarget",
        "application-autoscaling:RegisterScalableTarget iam:PassRole?RoleARN",
    );
    check(
        "autoscaling",
        "PutScalingPolicy",
        "autoscaling:PutScalingPolicy!serviceNamespace application-autoscaling:PutScalingPolicy?serviceNamespace",
    );
    check("codecommit", "GitPull", "codecommit:GitPull");
    check("glue", "BatchGetDataQualityResult", "glue:GetDataQualityResult");
    check("tagging", "GetResources", "tag:GetResources");
    check("nobody-knows", "DoThis", "unmapped");
    check("s3", "NoSuchCall", "unmapped s3 s3express s3-object-lambda s3-outposts");
    may_need("ec2", "RunInstances", "iam:PassRole");
    may_need("ec2", "RunInstances", "ec2:CreateTags");
    may_need("ec2", "CreateVolume", "ec2:CreateTags");
    may_need("iam", "CreateRole", "iam:TagRole");
    may_need("eks", "CreatePodIdentityAssociation", "iam:PassRole");
}

#[test]
fn an_action_of_its_own_goes_before_the_verb() {
    check("apigateway", "CreateRoutingRule", "apigateway:CreateRoutingRule");
    check("apigateway", "PutRoutingRule", "apigateway:UpdateRoutingRule");
    check("apigateway", "DisablePortal", "apigateway:DisablePortal");
    check("apigateway", "ListPortals", "apigateway:ListPortals");
    check("apigateway", "GetApis", "apigateway:GET");
    may_need("apigateway", "CreateRoutingRule", "apigateway:POST");
}

#[test]
fn second_actions_may_be_needed() {
    may_need("cloudfront", "AssociateAlias", "cloudfront:UpdateDistribution");
    may_need("cloudfront", "CreateDistribution", "cloudfront:GetVpcOrigin");
    may_need(
        "billingconductor",
        "ListAccountAssociations",
        "organizations:ListAccounts",
    );
    may_need("glue", "CreateTable", "glue:PassConnection");
    may_need("qbusiness", "CreateApplication", "sso:CreateApplication");
    may_need("transfer", "CreateServer", "ec2:CreateVpcEndpoint");
    may_need("ssm", "GetParameter", "secretsmanager:GetSecretValue");
}

#[test]
fn tags_on_create_need_the_tagging_action_where_the_request_has_them() {
    check("apigateway", "CreateApi", "apigateway:POST apigateway:PUT?Tags");
    check("apigateway", "CreateRestApi", "apigateway:POST apigateway:PUT?tags");
    check(
        "elasticloadbalancing",
        "CreateTargetGroup",
        "elasticloadbalancing:CreateTargetGroup elasticloadbalancing:AddTags?Tags",
    );
    check(
        "events",
        "PutRule",
        "events:PutRule iam:PassRole?RoleArn events:TagResource?Tags",
    );
    check(
        "events",
        "CreateEventBus",
        "events:CreateEventBus events:TagResource?Tags",
    );
}

#[test]
fn resources_come_from_the_request() {
    let check = |source: &str, event: &str, action: &str, expected: &[&str]| {
        let catalog = Catalog::embedded();
        let Mapping::Actions(needs) = catalog.mapping(&format!("{source}.amazonaws.com"), event) else {
            panic!("{source} {event}");
        };
        let need = needs.iter().find(|need| catalog.name(need.action) == action).unwrap();
        let found: Vec<&str> = need.resources.iter().map(ArnTemplate::as_str).collect();
        assert_eq!(found, expected, "{source} {event} {action}");
    };
    check(
        "s3",
        "HeadObject",
        "s3:GetObject",
        &["arn:${Partition}:s3:::${bucketName|bucket}/${key|key}"],
    );
    check(
        "s3",
        "CopyObject",
        "s3:GetObject",
        &["arn:${Partition}:s3:::${x-amz-copy-source|object}"],
    );
    check(
        "s3",
        "CopyObject",
        "s3:PutObject",
        &["arn:${Partition}:s3:::${bucketName|bucket}/${key|key}"],
    );
    check(
        "dynamodb",
        "GetItem",
        "dynamodb:GetItem",
        &["arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}"],
    );
    check(
        "sqs",
        "SendMessage",
        "sqs:SendMessage",
        &["arn:${Partition}:sqs:${Region}:*:${QueueUrl|basename}"],
    );
    check("lambda", "CreateFunction20150331", "iam:PassRole", &["${role}"]);
    check("sts", "AssumeRole", "sts:AssumeRole", &["${roleArn}"]);
    check(
        "iam",
        "PutRolePolicy",
        "iam:PutRolePolicy",
        &["arn:${Partition}:iam::${Account}:role/*${RoleName}"],
    );
    check(
        "ec2",
        "TerminateInstances",
        "ec2:TerminateInstances",
        &["arn:${Partition}:ec2:${Region}:${Account}:instance/${instancesSet.items[].instanceId}"],
    );
    check("s3", "ListBuckets", "s3:ListAllMyBuckets", &[]);
}

#[test]
fn templates_fall_into_parts() {
    let template = ArnTemplate::new("arn:${Partition}:sqs:${Region}:${Account}:${queueUrl|basename}".to_owned());
    let expected = [
        Part::Literal("arn:".into()),
        Part::Partition,
        Part::Literal(":sqs:".into()),
        Part::Region,
        Part::Literal(":".into()),
        Part::Account,
        Part::Literal(":".into()),
        Part::Parameter {
            path: "queueUrl".into(),
            form: Form::Basename,
        },
    ];
    assert_eq!(template.parts(), expected);
    assert_eq!(template.parameters(), ["queueUrl"]);
    assert_eq!(
        ArnTemplate::new("a${b".to_owned()).parts(),
        [Part::Literal("a${b".into())]
    );
}

#[test]
fn role_parameters_name_the_receiving_service() {
    let catalog = Catalog::embedded();
    let found = catalog.role_parameters("lambda.amazonaws.com", "CreateFunction20150331");
    let expected = RoleParameter {
        path: "role".to_owned(),
        certain: true,
        passed_to: Some("lambda.amazonaws.com".to_owned()),
    };
    assert_eq!(found, [expected]);
    assert_eq!(catalog.role_parameters("sts.amazonaws.com", "AssumeRole"), []);
    let paths: Vec<String> = catalog
        .role_parameters("ecs.amazonaws.com", "RegisterTaskDefinition")
        .into_iter()
        .map(|found| found.path)
        .collect();
    assert_eq!(paths, ["executionRoleArn", "taskRoleArn"]);
}

#[test]
fn the_actions_that_denials_name_are_among_the_needs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/facts/denied-calls.tsv");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return;
    };
    let catalog = Catalog::embedded();
    let mut count = 0;
    for row in text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>()) {
        let action = catalog.id(row[2]);
        match catalog.mapping(row[0], row[1]) {
            Mapping::Actions(needs) => assert!(needs.iter().any(|need| Some(need.action) == action), "{row:?}"),
            other => panic!("{row:?}: {other:?}"),
        }
        count += 1;
    }
    assert!(count > 20);
}

#[test]
fn hostile_names_are_unmapped() {
    for name in [
        "",
        "\t",
        "20150331",
        "é20150331",
        "Batch",
        "a:b",
        "\n",
        &"x".repeat(100_000),
    ] {
        let mapping = Catalog::embedded().mapping("s3.amazonaws.com", name);
        assert!(matches!(mapping, Mapping::Unmapped { .. }), "{name:.20}");
    }
}

#[test]
fn no_read_is_needed_by_tagging_alone() {
    // A call's own action is sure; what tags bring is not, unless a row written by hand says so.
    let catalog = Catalog::embedded();
    let Mapping::Actions(needs) = catalog.mapping("ec2.amazonaws.com", "CreateVolume") else {
        panic!("CreateVolume")
    };
    let tagging = needs
        .iter()
        .find(|need| catalog.access_level(need.action) == AccessLevel::Tagging)
        .unwrap();
    assert!(!tagging.certain && tagging.how == How::Inferred);
}

fn newer(source: &str, event: &str, expected: &[&str]) {
    let names = Catalog::embedded().perhaps_newer(&format!("{source}.amazonaws.com"), event);
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        expected,
        "{source} {event}"
    );
}

#[test]
fn what_only_the_batch_rule_explains_may_have_a_name_of_its_own() {
    newer("deadline", "BatchGetJob", &["deadline:BatchGetJob"]);
    newer("glue", "BatchUpdateWhatever", &[]);
    newer("glue", "BatchGetDataQualityResult", &["glue:BatchGetDataQualityResult"]);
}

#[test]
fn what_is_written_down_has_no_other_name() {
    // By hand, in the published map, by the documentation's link, by the HTTP verb, and by its own name.
    newer("s3", "HeadObject", &[]);
    newer("s3", "ListBuckets", &[]);
    newer("sqs", "SendMessageBatch", &[]);
    newer("lambda", "Invoke", &[]);
    newer("lambda", "GetFunction20150331v2", &[]);
    newer("apigateway", "CreateRestApi", &[]);
    newer("ec2", "RunInstances", &[]);
    newer("deadline", "GetJob", &[]);
}

#[test]
fn few_operations_may_have_another_name() {
    let catalog = Catalog::embedded();
    let operations = catalog.every_operation();
    let may = operations.iter().filter(|(prefix, name)| {
        !catalog
            .perhaps_newer(&format!("{prefix}.amazonaws.com"), name)
            .is_empty()
    });
    let may: Vec<String> = may.map(|(prefix, name)| format!("{prefix}:{name}")).collect();
    assert!(may.len() <= 60, "{} of {}: {may:?}", may.len(), operations.len());
}
