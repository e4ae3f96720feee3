//! Published controllers after a fortnight of creates alone: they can clean up, and lose what was never touched.

use serde_json::{Value, json};
use trimtrail::catalog::Catalog;
use trimtrail::gap;
use trimtrail::iam::Policy;

use super::{after, event, iam_read};
use crate::pipeline;

/// A fortnight of creates alone under a published policy: what of `needed` goes, and what of `untouched` stays.
fn fortnight(policy: &str, calls: &[(&str, &str, Value)], needed: &[&str], untouched: &[&str]) {
    let Some(shared) = pipeline::shared() else {
        return;
    };
    let text = std::fs::read_to_string(shared.join("grants").join(policy)).expect("a policy");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let mut events = vec![iam_read()];
    for day in 1..=14 {
        events.extend(
            calls
                .iter()
                .map(|(source, name, parameters)| event(day, source, name, parameters)),
        );
    }
    let after = Policy::from_value(&after(&events, &document)).expect("a policy");
    let grants = |action: &str| {
        let id = Catalog::embedded().id(action).expect("an action");
        let mut statements = after.statements.iter();
        statements.any(|statement| gap::ActionSet::of_statement(Catalog::embedded(), statement).contains(id))
    };
    let gone: Vec<&&str> = needed.iter().filter(|action| !grants(action)).collect();
    assert!(gone.is_empty(), "{policy}: cleaning up needs {gone:?}");
    let stays: Vec<&&str> = untouched.iter().filter(|action| grants(action)).collect();
    assert!(stays.is_empty(), "{policy}: never touched, and stays: {stays:?}");
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
