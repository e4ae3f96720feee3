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
    check(&serde_json::from_str(&text).expect("JSON"), calls, needed, untouched);
}

/// The same under a policy that grants just these on everything, and the calls.
fn small(calls: &[(&str, &str, Value)], needed: &[&str], untouched: &[&str]) {
    let called = calls.iter().map(|(source, name, _)| format!("{source}:{name}"));
    let others = needed.iter().chain(untouched).map(|action| (*action).to_owned());
    let actions: Vec<String> = called.chain(others).collect();
    check(&allow(&json!(actions), &json!("*")), calls, needed, untouched);
}

fn check(document: &Value, calls: &[(&str, &str, Value)], needed: &[&str], untouched: &[&str]) {
    let mut events = vec![iam_read()];
    for day in 1..=14 {
        events.extend(
            calls
                .iter()
                .map(|(source, name, parameters)| event(day, source, name, parameters)),
        );
    }
    let after = Policy::from_value(&after(&events, document)).expect("a policy");
    let grants = |action: &str| {
        let id = Catalog::embedded().id(action).expect("an action");
        let mut statements = after.statements.iter();
        statements.any(|statement| gap::ActionSet::of_statement(Catalog::embedded(), statement).contains(id))
    };
    let gone: Vec<&&str> = needed.iter().filter(|action| !grants(action)).collect();
    assert!(gone.is_empty(), "cleaning up needs {gone:?}");
    let stays: Vec<&&str> = untouched.iter().filter(|action| grants(action)).collect();
    assert!(stays.is_empty(), "never touched, and stays: {stays:?}");
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
