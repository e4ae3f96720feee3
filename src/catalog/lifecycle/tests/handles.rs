//! What is told by a response alone, and taken by another operation: pairs out of AWS's API references.

use super::{check, check_not};
use crate::catalog::Catalog;

#[test]
fn who_got_an_identifier_comes_back_with_it() {
    for (makes, keeps) in [
        ("athena:StartQueryExecution", "athena:GetQueryRuntimeStatistics"),
        ("athena:StartCalculationExecution", "athena:GetCalculationExecutionCode"),
        ("logs:CreateImportTask", "logs:DescribeImportTaskBatches"),
        (
            "rekognition:CreateFaceLivenessSession",
            "rekognition:GetFaceLivenessSessionResults",
        ),
        ("textract:StartLendingAnalysis", "textract:GetLendingAnalysisSummary"),
        ("glue:StartMLEvaluationTaskRun", "glue:CancelMLTaskRun"),
        ("codebuild:StartSandbox", "codebuild:StartCommandExecution"),
        ("ssm:StartAutomationExecution", "ssm:SendAutomationSignal"),
        ("ssm:StartAutomationExecution", "ssm:DescribeAutomationStepExecutions"),
        ("ecr:InitiateLayerUpload", "ecr:UploadLayerPart"),
        ("s3:PutObject", "s3:AbortMultipartUpload"),
        (
            "cloudformation:CreateStackRefactor",
            "cloudformation:ExecuteStackRefactor",
        ),
        ("lakeformation:StartQueryPlanning", "lakeformation:GetWorkUnits"),
        ("servicediscovery:DeleteNamespace", "servicediscovery:GetOperation"),
        ("lightsail:CreateDisk", "lightsail:GetOperation"),
        ("kafka:UpdateBrokerCount", "kafka:DescribeClusterOperation"),
        ("states:GetActivityTask", "states:SendTaskSuccess"),
    ] {
        check(makes, keeps);
    }
}

#[test]
fn an_identifier_of_all_that_is_in_a_thing_keeps_the_thing_alone() {
    for (makes, other) in [
        ("cognito-idp:CreateUserPool", "cognito-idp:ListUsers"),
        ("guardduty:CreateDetector", "guardduty:ListFindings"),
        ("kms:CreateKey", "kms:GenerateDataKey"),
        ("ecr:CreateRepository", "ecr:BatchDeleteImage"),
        ("ecs:CreateCluster", "ecs:ListTasks"),
        ("ec2:CreateVpc", "ec2:CreateRouteTable"),
        ("lambda:PublishVersion", "lambda:ListLayerVersions"),
        ("datasync:CreateTask", "datasync:StartTaskExecution"),
    ] {
        check_not(makes, other);
    }
}

#[test]
fn jobs_of_another_kind_are_not_followed() {
    for (makes, other) in [
        ("rekognition:StartFaceDetection", "rekognition:GetLabelDetection"),
        (
            "comprehend:StartEntitiesDetectionJob",
            "comprehend:StopSentimentDetectionJob",
        ),
        ("datasync:CreateLocationS3", "datasync:UpdateLocationSmb"),
        ("iot:StartThingRegistrationTask", "iot:CancelAuditTask"),
    ] {
        check_not(makes, other);
    }
}

#[test]
fn who_changes_a_thing_does_not_delete_it_for_what_its_description_tells() {
    for (changes, other) in [
        ("lambda:UpdateFunctionCode", "lambda:DeleteFunction"),
        ("ecs:UpdateService", "ecs:DeleteCluster"),
        ("rds:ModifyDBInstance", "rds:DeleteDBInstance"),
        ("mgn:UpdateSourceServer", "mgn:DeleteVcenterClient"),
        ("wafv2:UpdateWebACL", "wafv2:UpdateIPSet"),
    ] {
        check_not(changes, other);
    }
}

#[test]
fn what_reads_gets_no_handle() {
    let catalog = Catalog::embedded();
    let cycles = |action: &str| catalog.life_cycles(catalog.id(action).unwrap());
    assert_eq!(cycles("wafv2:GetWebACL"), []);
    assert_eq!(cycles("ssm:GetCommandInvocation"), []);
}
