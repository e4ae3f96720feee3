//! Controllers after a fortnight of creates alone: they can clean up, and lose what was never touched.

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::gap;
use trimtrail::inside::iam::Policy;

use super::{after, event, iam_read};
use crate::journey::allow;
use crate::pipeline;

/// A fortnight of creates alone under a published policy: nothing of `needed` goes, and nothing of `untouched` stays.
fn fortnight(policy: &str, calls: &[(&str, &str, Value)], needed: &[&str], untouched: &[&str]) {
    let Some(shared) = pipeline::shared() else {
        return;
    };
    let text = std::fs::read_to_string(shared.join("grants").join(policy)).expect("a policy");
    let document = serde_json::from_str(&text).unwrap_or_else(|_| of_template(&text));
    let (kept, dropped) = check(&document, calls, needed, untouched);
    println!(
        "{policy}: of {} actions {kept} kept and {dropped} dropped; cleaning up needs {}, all kept; never touched {}, all dropped",
        kept + dropped,
        needed.len(),
        untouched.len()
    );
}

/// The statements of all policies that a template of CloudFormation holds as JSON.
fn of_template(text: &str) -> Value {
    let mut statements = Vec::new();
    for document in text.split("PolicyDocument: !Sub |\n").skip(1) {
        let lines: Vec<&str> = document
            .lines()
            .take_while(|line| line.starts_with("        "))
            .collect();
        let filled = lines
            .join("\n")
            .replace("${AWS::Partition}", "aws")
            .replace("${AWS::Region}", "eu-west-1")
            .replace("${AWS::AccountId}", "111122223333")
            .replace("${ClusterName}", "main")
            .replace(
                "${KarpenterNodeRole.Arn}",
                "arn:aws:iam::111122223333:role/KarpenterNodeRole-main",
            )
            .replace(
                "${KarpenterInterruptionQueue.Arn}",
                "arn:aws:sqs:eu-west-1:111122223333:main",
            );
        let document: Value = serde_json::from_str(&filled).expect("JSON");
        statements.extend(document["Statement"].as_array().expect("statements").iter().cloned());
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The same under a policy that grants just these on everything, and the calls.
fn small(calls: &[(&str, &str, Value)], needed: &[&str], untouched: &[&str]) {
    let called = calls.iter().map(|(source, name, _)| format!("{source}:{name}"));
    let others = needed.iter().chain(untouched).map(|action| (*action).to_owned());
    let actions: Vec<String> = called.chain(others).collect();
    check(&allow(&json!(actions), &json!("*")), calls, needed, untouched);
}

/// How many of the granted actions stay, and how many go.
fn check(document: &Value, calls: &[(&str, &str, Value)], needed: &[&str], untouched: &[&str]) -> (usize, usize) {
    let mut events = vec![iam_read()];
    for day in 1..=14 {
        events.extend(
            calls
                .iter()
                .map(|(source, name, parameters)| event(day, source, name, parameters)),
        );
    }
    let allowed = |document: &Value| {
        let policy = Policy::from_value(document).expect("a policy");
        let mut allowed = gap::ActionSet::none();
        for statement in &policy.statements {
            allowed.extend(&gap::ActionSet::of_statement(Catalog::embedded(), statement));
        }
        allowed
    };
    let (before, after) = (allowed(document), allowed(&after(&events, document)));
    let grants = |action: &str| after.contains(Catalog::embedded().id(action).expect("an action"));
    let gone: Vec<&&str> = needed.iter().filter(|action| !grants(action)).collect();
    assert!(gone.is_empty(), "cleaning up needs {gone:?}");
    let stays: Vec<&&str> = untouched.iter().filter(|action| grants(action)).collect();
    assert!(stays.is_empty(), "never touched, and stays: {stays:?}");
    (after.len(), before.len() - after.len())
}

#[test]
fn the_load_balancer_controller_can_clean_up_and_loses_features_never_touched() {
    let balancer = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/k8s-x/50dc6c495c0c9188";
    let listener =
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/k8s-x/50dc6c495c0c9188/f2f7dc8efc522ab2";
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-x/73e2d6bc24d8a067";
    let of = "elasticloadbalancing";
    fortnight(
        "alb-controller.iam_policy.json",
        &[
            (
                "ec2",
                "CreateSecurityGroup",
                json!({"groupName": "k8s", "vpcId": "vpc-0a1"}),
            ),
            ("ec2", "AuthorizeSecurityGroupIngress", json!({"groupId": "sg-0a1"})),
            (
                of,
                "CreateLoadBalancer",
                json!({"name": "k8s-x", "type": "application"}),
            ),
            (of, "CreateTargetGroup", json!({"name": "k8s-x"})),
            (of, "CreateListener", json!({"loadBalancerArn": balancer, "port": 80})),
            (of, "CreateRule", json!({"listenerArn": listener, "priority": 1})),
            (of, "RegisterTargets", json!({"targetGroupArn": group})),
        ],
        &[
            "ec2:RevokeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "elasticloadbalancing:DeleteLoadBalancer",
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:DeleteRule",
            "elasticloadbalancing:DeregisterTargets",
            "elasticloadbalancing:RemoveTags",
            "elasticloadbalancing:RemoveListenerCertificates",
            "elasticloadbalancing:SetSubnets",
            "elasticloadbalancing:ModifyListener",
            "iam:CreateServiceLinkedRole",
        ],
        &[
            "shield:CreateProtection",
            "shield:DeleteProtection",
            "wafv2:AssociateWebACL",
            "wafv2:DisassociateWebACL",
            "waf-regional:AssociateWebACL",
            "cognito-idp:DescribeUserPoolClient",
        ],
    );
}

#[test]
fn the_volume_driver_can_clean_up_and_loses_features_never_touched() {
    fortnight(
        "ebs-csi.iam_policy.json",
        &[
            ("ec2", "CreateVolume", json!({"size": "8", "zone": "eu-west-1a"})),
            (
                "ec2",
                "AttachVolume",
                json!({"volumeId": "vol-0a1", "instanceId": "i-0a1"}),
            ),
            ("ec2", "CreateSnapshot", json!({"volumeId": "vol-0a1"})),
        ],
        &[
            "ec2:DetachVolume",
            "ec2:DeleteVolume",
            "ec2:DeleteSnapshot",
            "ec2:DeleteTags",
            "ec2:ModifyVolume",
        ],
        &["ec2:EnableFastSnapshotRestores", "ec2:CopyVolumes"],
    );
}

#[test]
fn a_node_provisioner_can_take_nodes_away() {
    small(
        &[
            (
                "ec2",
                "CreateLaunchTemplate",
                json!({"CreateLaunchTemplateRequest": {"LaunchTemplateName": "k"}}),
            ),
            ("ec2", "CreateFleet", json!({"CreateFleetRequest": {"Type": "instant"}})),
            ("iam", "CreateInstanceProfile", json!({"instanceProfileName": "p"})),
            (
                "iam",
                "AddRoleToInstanceProfile",
                json!({"instanceProfileName": "p", "roleName": "node"}),
            ),
        ],
        &[
            "ec2:DeleteLaunchTemplate",
            "ec2:TerminateInstances",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DeleteInstanceProfile",
            "iam:GetInstanceProfile",
            "iam:PassRole",
        ],
        &["iam:DeleteUser", "ec2:DeleteTransitGateway"],
    );
}

#[test]
fn karpenter_can_take_nodes_away_and_loses_features_never_touched() {
    fortnight(
        "karpenter-v1.14.cloudformation.yaml",
        &[
            ("ec2", "DescribeInstanceTypes", json!({})),
            ("ec2", "DescribeSubnets", json!({})),
            (
                "ec2",
                "CreateLaunchTemplate",
                json!({"CreateLaunchTemplateRequest": {"LaunchTemplateName": "k"}}),
            ),
            ("ec2", "CreateFleet", json!({"CreateFleetRequest": {"Type": "instant"}})),
            ("iam", "CreateInstanceProfile", json!({"instanceProfileName": "main_1"})),
            (
                "iam",
                "AddRoleToInstanceProfile",
                json!({"instanceProfileName": "main_1", "roleName": "KarpenterNodeRole-main"}),
            ),
            ("iam", "TagInstanceProfile", json!({"instanceProfileName": "main_1"})),
        ],
        &[
            "ec2:TerminateInstances",
            "ec2:DeleteLaunchTemplate",
            "ec2:CreateTags",
            "ec2:RunInstances",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DeleteInstanceProfile",
            "iam:GetInstanceProfile",
            "iam:PassRole",
        ],
        &[
            "arc-zonal-shift:GetManagedResource",
            "ec2:DescribePlacementGroups",
            "ec2:DescribeSpotPriceHistory",
        ],
    );
}

#[test]
fn a_backup_tool_can_restore_and_delete_what_it_saved() {
    small(
        &[
            ("ec2", "CreateSnapshot", json!({"volumeId": "vol-0a1"})),
            (
                "rds",
                "CreateDBSnapshot",
                json!({"dBSnapshotIdentifier": "s", "dBInstanceIdentifier": "d"}),
            ),
            ("dynamodb", "CreateBackup", json!({"tableName": "t", "backupName": "b"})),
        ],
        &[
            "ec2:CreateVolume",
            "ec2:DeleteSnapshot",
            "ec2:DescribeSnapshots",
            "rds:RestoreDBInstanceFromDBSnapshot",
            "rds:DeleteDBSnapshot",
            "dynamodb:RestoreTableFromBackup",
            "dynamodb:DeleteBackup",
        ],
        &["rds:DeleteDBCluster", "ec2:DeleteVpc"],
    );
}

#[test]
fn a_workflow_engine_can_stop_and_watch_what_it_started() {
    small(
        &[
            ("batch", "SubmitJob", json!({"jobName": "j"})),
            ("glue", "StartJobRun", json!({"jobName": "j"})),
            ("elasticmapreduce", "AddJobFlowSteps", json!({"jobFlowId": "j-1"})),
            ("codebuild", "StartBuild", json!({"projectName": "p"})),
        ],
        &[
            "batch:TerminateJob",
            "batch:DescribeJobs",
            "glue:BatchStopJobRun",
            "glue:GetJobRun",
            "elasticmapreduce:CancelSteps",
            "elasticmapreduce:DescribeStep",
            "codebuild:StopBuild",
            "codebuild:BatchGetBuilds",
        ],
        &["glue:DeleteJob", "ecs:DeleteCluster"],
    );
}

#[test]
fn a_secrets_operator_can_change_and_delete_its_secrets() {
    small(
        &[
            ("secretsmanager", "CreateSecret", json!({"name": "s"})),
            ("ssm", "PutParameter", json!({"name": "/p", "type": "String"})),
        ],
        &[
            "secretsmanager:DeleteSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UntagResource",
            "ssm:DeleteParameter",
            "ssm:RemoveTagsFromResource",
        ],
        &["ssm:DeleteDocument"],
    );
}
