//! What makes what, and what then stays with it.

mod handles;

use std::collections::BTreeSet;

use super::name::Name;
use super::*;

fn stages(action: &str) -> BTreeSet<&'static str> {
    let catalog = Catalog::embedded();
    let id = catalog.id(action).unwrap_or_else(|| panic!("no action {action}"));
    let cycles = catalog.life_cycles(id).iter();
    cycles
        .flat_map(|cycle| &cycle.keeps)
        .map(|stage| catalog.name(stage.action))
        .collect()
}

#[track_caller]
fn check(makes: &str, keeps: &str) {
    assert!(Catalog::embedded().id(keeps).is_some(), "no action {keeps}");
    assert!(stages(makes).contains(keeps), "{makes}: {:?}", stages(makes));
}

#[track_caller]
fn check_not(makes: &str, other: &str) {
    assert!(Catalog::embedded().id(other).is_some(), "no action {other}");
    assert!(!stages(makes).contains(other), "{makes}: {:?}", stages(makes));
}

#[test]
fn a_schema_tells_what_a_kind_takes() {
    check("ec2:CreateSecurityGroup", "ec2:RevokeSecurityGroupIngress");
    check(
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:SetSubnets",
    );
    check(
        "elasticloadbalancing:CreateTargetGroup",
        "elasticloadbalancing:DeregisterTargets",
    );
    check("iam:CreateRole", "iam:DetachRolePolicy");
    check("rds:RestoreDBInstanceFromDBSnapshot", "rds:DeleteDBInstance");
    check("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms");
    check("events:PutRule", "events:RemoveTargets");
}

#[test]
fn what_a_kind_leans_on_makes_no_other_kind() {
    // Twelve create handlers of other services call CreateSecurityGroup, and many call CreateNetworkInterface.
    check_not("ec2:CreateSecurityGroup", "ec2:DeleteVpc");
    check_not("ec2:CreateNetworkInterface", "elasticfilesystem:DeleteMountTarget");
    check_not("secretsmanager:CreateSecret", "redshift:DeleteCluster");
    check_not("logs:CreateLogGroup", "apigateway:DELETE");
}

#[test]
fn no_life_cycle_hands_over_roles_or_makes_another_kind() {
    check_not("ec2:RunInstances", "iam:PassRole");
    check_not("ec2:CreateVolume", "ec2:CreateSnapshot");
}

#[test]
fn an_attachment_is_undone_and_no_more() {
    check("ec2:AttachVolume", "ec2:DetachVolume");
    check_not("ec2:AttachVolume", "ec2:DeleteVolume");
    check(
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeregisterTargets",
    );
    check_not(
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DeleteTargetGroup",
    );
    check("iam:AddUserToGroup", "iam:RemoveUserFromGroup");
    check_not("iam:AddUserToGroup", "iam:DeleteUser");
}

#[test]
fn prepositions_turn_with_the_verb() {
    check("iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile");
    check(
        "route53:AssociateVPCWithHostedZone",
        "route53:DisassociateVPCFromHostedZone",
    );
    check(
        "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
        "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
    );
    check("rds:AddTagsToResource", "rds:RemoveTagsFromResource");
}

#[test]
fn opposite_verbs_of_one_noun() {
    for (makes, keeps) in [
        ("lambda:AddPermission", "lambda:RemovePermission"),
        ("ec2:AllocateAddress", "ec2:ReleaseAddress"),
        ("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
        ("ec2:EnableFastSnapshotRestores", "ec2:DisableFastSnapshotRestores"),
        ("ec2:StartInstances", "ec2:StopInstances"),
        ("ec2:StopInstances", "ec2:StartInstances"),
        ("ec2:CreateTags", "ec2:DeleteTags"),
        ("elasticfilesystem:CreateAccessPoint", "elasticfilesystem:UntagResource"),
        ("acm:ImportCertificate", "acm:DeleteCertificate"),
        ("ecr:PutImage", "ecr:BatchDeleteImage"),
        ("sns:Subscribe", "sns:Unsubscribe"),
        ("kms:CreateGrant", "kms:RevokeGrant"),
        ("ssm:PutParameter", "ssm:DeleteParameters"),
        ("states:StartExecution", "states:StopExecution"),
        ("cognito-idp:AdminCreateUser", "cognito-idp:AdminDeleteUser"),
        ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
        ("logs:StartQuery", "logs:StopQuery"),
        ("autoscaling:EnterStandby", "autoscaling:ExitStandby"),
        ("guardduty:ArchiveFindings", "guardduty:UnarchiveFindings"),
        ("secretsmanager:DeleteSecret", "secretsmanager:RestoreSecret"),
        ("secretsmanager:RotateSecret", "secretsmanager:CancelRotateSecret"),
        ("kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"),
        ("cloudformation:UpdateStack", "cloudformation:CancelUpdateStack"),
        ("cloudformation:UpdateStack", "cloudformation:ContinueUpdateRollback"),
        ("ec2:AssociateRouteTable", "ec2:ReplaceRouteTableAssociation"),
        (
            "ec2:AssociateIamInstanceProfile",
            "ec2:ReplaceIamInstanceProfileAssociation",
        ),
    ] {
        check(makes, keeps);
    }
}

#[test]
fn sides_of_a_thing_belong_to_it() {
    check(
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:ModifyListenerAttributes",
    );
    check(
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:RemoveListenerCertificates",
    );
    check(
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:AddListenerCertificates",
    );
    check(
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:DescribeListenerCertificates",
    );
    check(
        "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:SetRulePriorities",
    );
}

#[test]
fn a_version_is_a_side_of_what_it_is_of() {
    check("iam:CreatePolicy", "iam:CreatePolicyVersion");
    check("iam:CreatePolicy", "iam:SetDefaultPolicyVersion");
    check("ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion");
    check(
        "elasticbeanstalk:CreateApplication",
        "elasticbeanstalk:DeleteApplicationVersion",
    );
    check_not("iam:CreatePolicyVersion", "iam:DeletePolicy");
}

#[test]
fn a_managed_policy_is_no_policy_of_a_role() {
    for keeps in [
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:DetachUserPolicy",
        "iam:GetPolicy",
        "iam:ListPolicyVersions",
        "iam:SetDefaultPolicyVersion",
        "iam:TagPolicy",
        "iam:UntagPolicy",
    ] {
        check("iam:CreatePolicy", keeps);
    }
    for other in [
        "iam:DeleteGroupPolicy",
        "iam:DeleteRolePolicy",
        "iam:PutRolePolicy",
        "iam:PutUserPolicy",
        "iam:UpdateAssumeRolePolicy",
    ] {
        check_not("iam:CreatePolicy", other);
    }
    check("iam:PutRolePolicy", "iam:DeleteRolePolicy");
    check("iam:CreateRole", "iam:PutRolePolicy");
    check("iam:CreateRole", "iam:UpdateAssumeRolePolicy");
}

#[test]
fn who_makes_things_with_tags_may_tag_and_untag_them() {
    for (makes, keeps) in [
        ("fis:StartExperiment", "fis:UntagResource"),
        ("emr-serverless:StartJobRun", "emr-serverless:UntagResource"),
        ("rds:CopyDBSnapshot", "rds:RemoveTagsFromResource"),
        ("ecs:StartTask", "ecs:UntagResource"),
        ("kafka:CreateClusterV2", "kafka:UntagResource"),
        ("ssm:StartAutomationExecution", "ssm:RemoveTagsFromResource"),
        ("elasticmapreduce:RunJobFlow", "elasticmapreduce:RemoveTags"),
        ("es:CreateElasticsearchDomain", "es:RemoveTags"),
        ("comprehend:StartEntitiesDetectionJob", "comprehend:UntagResource"),
    ] {
        check(makes, keeps);
    }
}

#[test]
fn things_are_ended_under_other_names_than_they_are_made() {
    for (makes, keeps) in [
        ("redshift:RestoreFromClusterSnapshot", "redshift:DeleteCluster"),
        ("rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"),
        ("iot:CreateKeysAndCertificate", "iot:DeleteCertificate"),
        ("iot:SetV2LoggingLevel", "iot:DeleteV2LoggingLevel"),
        ("iot:TransferCertificate", "iot:CancelCertificateTransfer"),
        ("sns:CreatePlatformEndpoint", "sns:DeleteEndpoint"),
        ("ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy"),
        (
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:DeregisterScalableTarget",
        ),
        ("connect:ClaimPhoneNumber", "connect:ReleasePhoneNumber"),
        (
            "directconnect:AllocatePrivateVirtualInterface",
            "directconnect:DeleteVirtualInterface",
        ),
        ("transcribe:StartTranscriptionJob", "transcribe:DeleteTranscriptionJob"),
        ("resource-groups:GroupResources", "resource-groups:UngroupResources"),
        ("ssm:LabelParameterVersion", "ssm:UnlabelParameterVersion"),
        ("sagemaker:CreateAutoMLJobV2", "sagemaker:StopAutoMLJob"),
        ("ec2:ImportImage", "ec2:CancelImportTask"),
        ("devicefarm:ScheduleRun", "devicefarm:StopRun"),
        ("glacier:InitiateVaultLock", "glacier:CompleteVaultLock"),
        ("swf:RegisterWorkflowType", "swf:DeprecateWorkflowType"),
        ("lightsail:PeerVpc", "lightsail:UnpeerVpc"),
        (
            "globalaccelerator:AllowCustomRoutingTraffic",
            "globalaccelerator:DenyCustomRoutingTraffic",
        ),
        ("drs:StartRecovery", "drs:TerminateRecoveryInstances"),
        ("support:CreateCase", "support:ResolveCase"),
        ("states:StartExecution", "states:RedriveExecution"),
        ("sagemaker:StartPipelineExecution", "sagemaker:RetryPipelineExecution"),
        (
            "autoscaling:StartInstanceRefresh",
            "autoscaling:RollbackInstanceRefresh",
        ),
        ("ssm:StartSession", "ssm:ResumeSession"),
        ("lambda:CreateFunction", "lambda:PublishVersion"),
        ("route53:CreateHostedZone", "route53:ChangeResourceRecordSets"),
    ] {
        check(makes, keeps);
    }
    check_not("ec2:CreateVpcPeeringConnection", "ec2:DeleteVpc");
}

#[test]
fn of_two_halves_of_a_pair_neither_goes_alone() {
    check("apprunner:CreateService", "apprunner:PauseService");
    check("apprunner:CreateService", "apprunner:ResumeService");
    check("route53domains:RegisterDomain", "route53domains:EnableDomainAutoRenew");
    check("cloudwatch:PutMetricAlarm", "cloudwatch:EnableAlarmActions");
    check_not("ec2:CreateSnapshot", "ec2:EnableFastSnapshotRestores");
}

#[test]
fn what_may_be_stopped_may_be_started_again() {
    check("rds:CreateDBInstance", "rds:StopDBInstance");
    check("rds:CreateDBInstance", "rds:StartDBInstance");
    check("ec2:RunInstances", "ec2:StartInstances");
    check("events:PutRule", "events:EnableRule");
    check_not("ec2:CreateSnapshot", "ec2:EnableFastSnapshotRestores");
    check_not("states:CreateStateMachine", "states:StartExecution");
}

#[test]
fn a_longer_noun_is_another_thing() {
    check_not("ec2:CreateVpc", "ec2:DeleteVpcPeeringConnection");
    check_not("ecs:RunTask", "ecs:DeregisterTaskDefinition");
    check_not("ec2:CreateTransitGateway", "ec2:DeleteTransitGatewayRouteTable");
}

#[test]
fn what_names_and_schemas_do_not_tell_stands_in_a_table() {
    check("ec2:CreateSnapshot", "ec2:DeleteSnapshot");
    check("ec2:CreateImage", "ec2:DeregisterImage");
    check("ec2:RunInstances", "ec2:TerminateInstances");
    check("ec2:CreateFleet", "ec2:TerminateInstances");
    check("ec2:RunInstances", "ec2:DeleteVolume");
    check(
        "autoscaling:SetDesiredCapacity",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
    );
    check("apigateway:POST", "apigateway:DELETE");
    check("kms:CreateKey", "kms:ScheduleKeyDeletion");
}

#[test]
fn a_copy_is_there_to_be_restored() {
    for (makes, keeps) in [
        ("ec2:CreateSnapshot", "ec2:CreateVolume"),
        ("rds:CreateDBSnapshot", "rds:RestoreDBInstanceFromDBSnapshot"),
        ("rds:CopyDBClusterSnapshot", "rds:RestoreDBClusterFromSnapshot"),
        ("rds:CreateDBClusterSnapshot", "rds:ModifyDBClusterSnapshotAttribute"),
        ("redshift:CreateClusterSnapshot", "redshift:RestoreFromClusterSnapshot"),
        (
            "redshift:CopyClusterSnapshot",
            "redshift:RestoreTableFromClusterSnapshot",
        ),
        ("dynamodb:CreateBackup", "dynamodb:RestoreTableFromBackup"),
        ("dynamodb:CreateBackup", "dynamodb:ListBackups"),
        ("fsx:CreateBackup", "fsx:CreateFileSystemFromBackup"),
        ("fsx:CopyBackup", "fsx:CreateVolumeFromBackup"),
        (
            "lightsail:CreateInstanceSnapshot",
            "lightsail:CreateInstancesFromSnapshot",
        ),
    ] {
        check(makes, keeps);
    }
    // Whoever restores need not make copies, but for the last one, which deleting makes; other copies are restored otherwise.
    check_not("ec2:CreateVolume", "ec2:CreateSnapshot");
    check("rds:RestoreDBInstanceFromDBSnapshot", "rds:CreateDBSnapshot");
    check_not("dynamodb:CreateTable", "dynamodb:RestoreTableFromBackup");
    check_not("redshift:CreateCluster", "redshift:RestoreFromClusterSnapshot");
}

#[test]
fn who_publishes_a_portal_views_the_products_in_it() {
    check("apigateway:CreatePortal", "apigateway:GetPortalProduct");
    check("apigateway:PublishPortal", "apigateway:DisablePortal");
    check_not("apigateway:CreatePortal", "apigateway:DeletePortalProduct");
}

#[test]
fn who_writes_data_may_take_them_back_and_need_not_read_them() {
    check("s3:PutObject", "s3:DeleteObject");
    check("s3:PutObject", "s3:AbortMultipartUpload");
    check_not("s3:PutObject", "s3:GetObject");
    check("dynamodb:PutItem", "dynamodb:DeleteItem");
    check_not("dynamodb:PutItem", "dynamodb:GetItem");
}

#[test]
fn what_reads_makes_nothing() {
    assert_eq!(stages("ec2:DescribeInstances"), BTreeSet::new());
    assert_eq!(stages("s3:GetObject"), BTreeSet::new());
    assert_eq!(stages("sts:GetCallerIdentity"), BTreeSet::new());
}

#[test]
fn a_stage_is_on_things_of_its_kind() {
    let catalog = Catalog::embedded();
    let cycles = catalog.life_cycles(catalog.id("ec2:CreateVolume").unwrap());
    let untag = catalog.id("ec2:DeleteTags").unwrap();
    let stage = cycles
        .iter()
        .flat_map(|cycle| &cycle.keeps)
        .find(|stage| stage.action == untag);
    assert_eq!(stage.unwrap().resources, ["arn:*:ec2:*:${Account}:volume/*"]);
}

#[test]
fn the_kind_is_cloudformations_of_the_service_itself() {
    let kind = |action: &str| {
        let catalog = Catalog::embedded();
        catalog.life_cycles(catalog.id(action).unwrap())[0].kind.clone()
    };
    assert_eq!(kind("rds:CreateDBCluster"), "AWS::RDS::DBCluster");
    assert_eq!(kind("ec2:CreateSecurityGroup"), "AWS::EC2::SecurityGroup");
    assert_eq!(kind("iam:CreateAccessKey"), "iam access key");
}

#[test]
fn a_name_is_a_verb_and_nouns() {
    let of = |name: &str| {
        let Name { verb, nouns, .. } = Name::of(name);
        format!("{verb}{}", nouns.join("/"))
    };
    assert_eq!(of("iam:AddRoleToInstanceProfile"), "add role / instance profile ");
    assert_eq!(of("rds:CreateDBInstances"), "create db instance ");
    assert_eq!(of("autoscaling:CreateOrUpdateTags"), "create tag ");
    assert_eq!(of("ecr:BatchDeleteImage"), "delete image ");
    assert_eq!(of("ec2:AllocateAddresses"), "allocate address ");
    assert_eq!(of("iam:ListPolicies"), "list policy ");
    assert_eq!(of("iam:EnableMFADevice"), "enable mfa device ");
    assert_eq!(of("sns:Subscribe"), "subscribe");
}

#[test]
fn the_tables_name_actions_that_the_catalog_has() {
    let catalog = Catalog::embedded();
    for (file, text) in TABLES {
        let text = unpack_text(text);
        assert!(text.len() < 1 << 20, "{file} has {} bytes", text.len());
        for row in rows(&text) {
            let names = row[2..4].iter().flat_map(|names| names.split_ascii_whitespace());
            for name in names.map(|name| full(row[1], name)) {
                assert!(catalog.id(&name).is_some(), "{file}: {} names {name}", row[0]);
            }
        }
    }
    for row in rows(&unpack_text(embedded!("linked_roles.z"))) {
        for name in row[1].split_ascii_whitespace() {
            assert!(catalog.id(name).is_some(), "{} names {name}", row[0]);
        }
        assert!(row[0].ends_with(".amazonaws.com") && row.len() == 3, "{row:?}");
    }
}

/// Whatever a service calls itself elsewhere, a grant names the service-linked role by the service that assumes it.
#[test]
fn service_names_of_linked_roles_are_those_of_aws_managed_policies() {
    // No managed policy names these; the pages that the table cites do, or ARNs of such roles in examples of AWS's.
    const ELSEWHERE: [&str; 29] = [
        "autoscaling-plans",
        "capacity-reservation-fleet",
        "cks.kms",
        "clientvpn",
        "clientvpn-connections",
        "cloudhsm",
        "codestar-notifications",
        "ec2-instance-connect",
        "eks-connector",
        "eks-fargate",
        "eks-nodegroup",
        "es",
        "ipam",
        "kafkaconnect",
        "logger.cloudfront",
        "management.chatbot",
        "member.org.stacksets.cloudformation",
        "mrk.kms",
        "ops.apigateway",
        "pullthroughcache.ecr",
        "replicator.lambda",
        "reports.backup",
        "s2svpn",
        "ssm-incidents.alarms.cloudwatch",
        "ssm.alarms.cloudwatch",
        "stacksets.cloudformation",
        "timestreamforinfluxdb",
        "verified-access",
        "vpcorigin.cloudfront",
    ];
    let catalog = Catalog::embedded();
    let mut named = BTreeSet::new();
    for arn in catalog.managed_policy_arns() {
        let document = catalog.managed_policy(&arn).unwrap();
        for text in document
            .split('"')
            .map(|text| text.rsplit("/aws-service-role/").next().unwrap_or(text))
        {
            named.extend(
                text.split('/')
                    .next()
                    .map(|name| name.trim_start_matches('*'))
                    .filter(|name| name.ends_with(".amazonaws.com"))
                    .map(str::to_owned),
            );
        }
    }
    let mut found = 0;
    for row in rows(&unpack_text(embedded!("linked_roles.z"))) {
        let name = row[0].strip_suffix(".amazonaws.com").unwrap();
        let known = named.contains(row[0]);
        found += usize::from(known);
        let elsewhere = ELSEWHERE.contains(&name) || name.ends_with(".application-autoscaling");
        assert!(known || elsewhere, "{}", row[0]);
    }
    assert!(found > 80, "{found}");
}

#[test]
fn who_changes_attaches_or_starts_something_looks_at_it() {
    for (makes, keeps) in [
        ("iam:AttachRolePolicy", "iam:ListAttachedRolePolicies"),
        ("iam:AttachUserPolicy", "iam:ListAttachedUserPolicies"),
        ("iam:AddUserToGroup", "iam:GetGroup"),
        ("iam:AddUserToGroup", "iam:ListGroupsForUser"),
        ("ec2:AttachVolume", "ec2:DescribeVolumes"),
        ("ec2:ModifyVolume", "ec2:DescribeVolumesModifications"),
        ("ec2:PurchaseHostReservation", "ec2:DescribeHostReservations"),
        ("ec2:AuthorizeSecurityGroupIngress", "ec2:DescribeSecurityGroups"),
        (
            "elasticloadbalancing:RegisterTargets",
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        ("ssm:ModifyDocumentPermission", "ssm:DescribeDocumentPermission"),
        ("budgets:ModifyBudget", "budgets:ViewBudget"),
        ("ecs:UpdateService", "ecs:DescribeServices"),
        ("eks:UpdateClusterConfig", "eks:DescribeUpdate"),
        ("kms:PutKeyPolicy", "kms:GetKeyPolicy"),
        ("ec2:AllocateAddress", "ec2:DescribeAddresses"),
    ] {
        check(makes, keeps);
    }
    check_not("iam:PassRole", "iam:GetRole");
    check_not("ec2:CreateTags", "ec2:DescribeVolumes");
    check_not("ec2:DeleteVolume", "ec2:DescribeVolumes");
    check_not("secretsmanager:RotateSecret", "secretsmanager:GetSecretValue");
    check_not("ec2:AttachVolume", "ec2:DescribeSnapshots");
    check_not(
        "elasticloadbalancing:RegisterTargets",
        "elasticloadbalancing:DescribeListeners",
    );
}

#[test]
fn what_goes_on_by_itself_is_watched_and_its_outcome_is_read() {
    for (makes, keeps) in [
        (
            "organizations:CreateAccount",
            "organizations:DescribeCreateAccountStatus",
        ),
        ("iam:DeleteServiceLinkedRole", "iam:GetServiceLinkedRoleDeletionStatus"),
        ("iam:GenerateCredentialReport", "iam:GetCredentialReport"),
        (
            "iam:GenerateServiceLastAccessedDetails",
            "iam:GetServiceLastAccessedDetails",
        ),
        ("athena:StartQueryExecution", "athena:GetQueryExecution"),
        ("athena:StartQueryExecution", "athena:GetQueryResults"),
        ("logs:StartQuery", "logs:GetQueryResults"),
        ("states:StartExecution", "states:GetExecutionHistory"),
        ("ssm:SendCommand", "ssm:GetCommandInvocation"),
        ("ssm:SendCommand", "ssm:ListCommandInvocations"),
        ("redshift-data:ExecuteStatement", "redshift-data:GetStatementResult"),
        ("codepipeline:StartPipelineExecution", "codepipeline:GetPipelineState"),
        (
            "cloudformation:DetectStackDrift",
            "cloudformation:DescribeStackDriftDetectionStatus",
        ),
        (
            "textract:StartDocumentTextDetection",
            "textract:GetDocumentTextDetection",
        ),
    ] {
        check(makes, keeps);
    }
    check_not("sqs:SendMessage", "sqs:ReceiveMessage");
}

#[test]
fn what_is_made_as_one_thing_may_be_ended_as_another() {
    let catalog = Catalog::embedded();
    for (makes, ends, on) in [
        (
            "ssm:CreateActivation",
            "ssm:DeregisterManagedInstance",
            "managed-instance/*",
        ),
        ("iot:RegisterThing", "iot:DeleteCertificate", "cert/*"),
        (
            "ecs:RegisterContainerInstance",
            "ecs:DeregisterContainerInstance",
            "cluster/*",
        ),
        ("datasync:CreateAgent", "datasync:DeleteAgent", "agent/*"),
        ("storagegateway:CreateTapes", "storagegateway:DeleteTape", "tape/*"),
        ("storagegateway:CreateSnapshot", "ec2:DeleteSnapshot", "snapshot/*"),
        ("outposts:CreateOrder", "outposts:CancelOrder", "order/*"),
        (
            "greengrass:CreateDeployment",
            "greengrass:DeleteCoreDevice",
            "coreDevices:*",
        ),
        (
            "ssm-incidents:StartIncident",
            "ssm-incidents:DeleteIncidentRecord",
            "incident-record/*/*",
        ),
        (
            "organizations:CreateAccount",
            "organizations:CloseAccount",
            "account/o-*/*",
        ),
    ] {
        check(makes, ends);
        let (made, ended) = (catalog.id(makes).unwrap(), catalog.id(ends).unwrap());
        let stages = catalog.life_cycles(made).iter().flat_map(|cycle| &cycle.keeps);
        let resources: Vec<&String> = stages
            .filter(|stage| stage.action == ended)
            .flat_map(|stage| &stage.resources)
            .collect();
        let is_there = resources.is_empty() || resources.iter().any(|resource| resource.ends_with(on));
        assert!(is_there, "{makes} → {ends}: {resources:?}");
    }
}
