//! The cluster's nodes: what the node agents do, and an application that leans on the node's role.

use serde_json::json;

use super::super::event::{Event, Seconds, iso};
use super::super::grants::{Grants, Holder, allow, document, trust_service};
use super::super::identity::Who;
use super::super::rng::{Rng, UPPER};
use super::cast::{EU, LAST_DAY, NODES, SHOP, at, shop_role};
use super::orders::object;
use super::story::Story;

const CREATED: &str = "2024-03-11T15:00:00+00:00";

pub(crate) fn grant(shop: &mut Grants) {
    let node = shop.policy("arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy", "2018-05-27T21:09:01+00:00", &[document(&[
        json!({
            "Sid": "WorkerNodePermissions", "Effect": "Allow", "Resource": "*",
            "Action": [
                "ec2:DescribeInstances", "ec2:DescribeInstanceTypes", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets", "ec2:DescribeVolumes", "ec2:DescribeVolumesModifications", "ec2:DescribeVpcs",
                "eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity",
            ],
        }),
    ])]);
    let images = shop.policy(
        "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly",
        "2015-12-21T17:06:48+00:00",
        &[document(&[allow(
            &[
                "ecr:GetAuthorizationToken",
                "ecr:BatchCheckLayerAvailability",
                "ecr:GetDownloadUrlForLayer",
                "ecr:GetRepositoryPolicy",
                "ecr:DescribeRepositories",
                "ecr:ListImages",
                "ecr:DescribeImages",
                "ecr:BatchGetImage",
                "ecr:GetLifecyclePolicy",
                "ecr:GetLifecyclePolicyPreview",
                "ecr:ListTagsForResource",
                "ecr:DescribeImageScanFindings",
            ],
            &["*"],
        )])],
    );
    let network = shop.policy("arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy", "2018-05-27T21:07:42+00:00", &[document(&[
        json!({
            "Sid": "AmazonEKSCNIPolicy", "Effect": "Allow", "Resource": "*",
            "Action": [
                "ec2:AssignPrivateIpAddresses", "ec2:AttachNetworkInterface", "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface", "ec2:DescribeInstances", "ec2:DescribeTags", "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeInstanceTypes", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DetachNetworkInterface",
                "ec2:ModifyNetworkInterfaceAttribute", "ec2:UnassignPrivateIpAddresses",
            ],
        }),
        json!({
            "Sid": "AmazonEKSCNIPolicyENITag", "Effect": "Allow", "Action": ["ec2:CreateTags"],
            "Resource": ["arn:aws:ec2:*:*:network-interface/*"],
        }),
    ])]);
    shop.role(
        &shop_role("shop-node"),
        &trust_service("ec2.amazonaws.com"),
        Holder::since(CREATED)
            .inline("debug-leftover", document(&[allow(&["s3:*", "dynamodb:*"], &["*"])]))
            .managed(&node)
            .managed(&images)
            .managed(&network)
            .instance_profile()
            .last_used("2026-10-14T23:20:00+00:00", EU)
            .tag("eks:cluster-name", "shop"),
    );
}

/// The session of a node: its name is the instance, its key changes with the hours.
pub(crate) fn node(instance: &str, since: Seconds) -> Who {
    let since = since - since.rem_euclid(6 * 3600);
    let mut rng = Rng::named(since as u64, instance);
    let key = format!("ASIAEXAMPLE{}", rng.text(UPPER, 9));
    let mut who = shop_role("shop-node").session(instance, &key, &iso(since));
    who.identity["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    who
}

pub(crate) fn tell(story: &mut Story) {
    story.actor("shop-node");
    for day in 1..=LAST_DAY {
        for (i, hour) in [1, 7, 13, 19, 23].into_iter().enumerate() {
            let instance = NODES[i % 2];
            let time = at(day, hour, 12, 0) + story.jitter(400);
            let base = node(instance, time);
            let kubelet = base.clone().using("10.0.12.5", "kubelet/1.30.4 aws-sdk-go/1.51.2");
            let network = base
                .clone()
                .using("10.0.12.5", "amazon-vpc-cni-k8s/v1.18.3 aws-sdk-go/1.51.2");
            let images = base
                .clone()
                .using("10.0.12.5", "ecr-credential-provider/1.30.0 aws-sdk-go-v2/1.30.1");
            let application = base.using("10.0.12.5", "recommender/2.3 aws-sdk-go/1.44.0 (go1.19; linux; amd64)");
            match i {
                0 | 3 => {
                    story.tell(Event::read(&images, time, EU, "ecr", "GetAuthorizationToken"));
                    let repository = "arn:aws:ecr:eu-west-1:111122223333:repository/shop/web";
                    for (offset, name) in [(2, "BatchGetImage"), (3, "GetDownloadUrlForLayer")] {
                        story.tell(
                            Event::read(&images, time + offset, EU, "ecr", name)
                                .parameters(json!({"registryId": SHOP, "repositoryName": "shop/web"}))
                                .resource("AWS::ECR::Repository", repository),
                        );
                    }
                }
                1 => {
                    let described = json!({"instancesSet": {"items": [{"instanceId": instance}]}, "filterSet": {}});
                    story.tell(Event::read(&kubelet, time, EU, "ec2", "DescribeInstances").parameters(described));
                    story.tell(
                        Event::read(&network, time + 5, EU, "ec2", "DescribeNetworkInterfaces")
                            .parameters(json!({"networkInterfaceIdSet": {}, "filterSet": {}})),
                    );
                }
                2 => {
                    story.tell(
                        Event::new(&network, time, EU, "ec2", "AssignPrivateIpAddresses")
                            .parameters(
                                json!({"networkInterfaceId": "eni-0example1", "secondaryPrivateIpAddressCount": 4}),
                            )
                            .response(json!({"requestId": "11111111-2222-4333-8444-777777777777", "_return": true})),
                    );
                    story.tell(
                        Event::read(&application, time + 60, EU, "dynamodb", "DescribeTable")
                            .parameters(json!({"tableName": "shop-recommendations"}))
                            .resource(
                                "AWS::DynamoDB::Table",
                                "arn:aws:dynamodb:eu-west-1:111122223333:table/shop-recommendations",
                            ),
                    );
                    story.tell(object(&application, time + 61, "GetObject", "models/recommender.bin"));
                }
                _ => story.tell(
                    Event::read(&kubelet, time, EU, "eks", "DescribeCluster").parameters(json!({"name": "shop"})),
                ),
            }
        }
        if day == 1 || day == 8 {
            for instance in NODES {
                let time = at(day, 0, 4, 0) + story.jitter(60);
                story.service_session(&shop_role("shop-node"), "ec2.amazonaws.com", instance, EU, time);
            }
        }
    }
}
