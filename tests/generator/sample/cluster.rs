//! Pods with IRSA in the cluster `shop`: the load balancer controller, external-dns and external-secrets.

use serde_json::{Value, json};

use super::super::event::Event;
use super::super::grants::{Grants, Holder, allow, document, trust_subject, trust_subjects};
use super::cast::{CLUSTER_OIDC, EU, KEY, LAST_DAY, US, at, shop_role};
use super::story::Story;

const BALANCER: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/k8s-shop-web/50dc6c495c0c9188";
const LISTENER: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/k8s-shop-web/50dc6c495c0c9188/0467ef3c8400ae65";
const TARGETS: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-shop-web/73e2d6bc24d8a067";
const ZONE: &str = "/hostedzone/Z0EXAMPLESHOP1";
const SECRETS: [(&str, &str); 2] = [
    (
        "shop/db",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/db-a1b2c3",
    ),
    (
        "shop/payment",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/payment-d4e5f6",
    ),
];

pub(crate) fn grant(shop: &mut Grants) {
    let controller = shop.policy(
        "shop-alb-controller",
        "2024-03-12T09:00:00+00:00",
        &[controller_policy()],
    );
    shop.role(
        &shop_role("shop-alb-controller"),
        &trust_subject(
            CLUSTER_OIDC,
            "system:serviceaccount:kube-system:aws-load-balancer-controller",
        ),
        Holder::since("2024-03-12T09:01:00+00:00")
            .managed(&controller)
            .last_used("2026-10-14T20:11:00+00:00", EU)
            .tag("team", "platform"),
    );
    shop.role(
        &shop_role("shop-external-dns"),
        &trust_subjects(
            CLUSTER_OIDC,
            &json!([
                "system:serviceaccount:kube-system:external-dns",
                "system:serviceaccount:kube-system:external-dns-internal"
            ]),
        ),
        Holder::since("2024-03-12T09:05:00+00:00")
            .inline("dns", document(&[allow(&["route53:*"], &["*"])]))
            .last_used("2026-10-14T22:25:00+00:00", US)
            .tag("team", "platform"),
    );
    shop.role(
        &shop_role("shop-external-secrets"),
        &trust_subject(CLUSTER_OIDC, "system:serviceaccount:external-secrets:external-secrets"),
        Holder::since("2024-03-12T09:07:00+00:00")
            .inline(
                "secrets",
                document(&[
                    allow(
                        &["secretsmanager:*"],
                        &["arn:aws:secretsmanager:eu-west-1:111122223333:secret:*"],
                    ),
                    allow(&["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"], &[KEY]),
                ]),
            )
            .last_used("2026-10-14T21:40:00+00:00", EU)
            .tag("team", "platform"),
    );
}

/// Modelled on the policy that the AWS Load Balancer Controller's installation guide publishes: the same conditions on
/// the controller's own tag, fewer actions.
fn controller_policy() -> Value {
    let tagged = |key: &str, absent: &str| json!({key: absent});
    let own = "aws:ResourceTag/elbv2.k8s.aws/cluster";
    let asked = "aws:RequestTag/elbv2.k8s.aws/cluster";
    document(&[
        json!({
            "Effect": "Allow", "Action": ["iam:CreateServiceLinkedRole"], "Resource": "*",
            "Condition": {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        }),
        allow(
            &[
                "ec2:DescribeAccountAttributes",
                "ec2:DescribeAddresses",
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeVpcs",
                "ec2:DescribeSubnets",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeInstances",
                "ec2:DescribeNetworkInterfaces",
                "ec2:GetCoipPoolUsage",
                "ec2:DescribeCoipPools",
                "elasticloadbalancing:DescribeLoadBalancers",
                "elasticloadbalancing:DescribeListeners",
                "elasticloadbalancing:DescribeRules",
                "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeTargetHealth",
                "elasticloadbalancing:DescribeTags",
                "elasticloadbalancing:DescribeTrustStores",
            ],
            &["*"],
        ),
        allow(
            &[
                "cognito-idp:DescribeUserPoolClient",
                "acm:ListCertificates",
                "acm:DescribeCertificate",
                "wafv2:GetWebACL",
                "wafv2:AssociateWebACL",
                "wafv2:DisassociateWebACL",
                "shield:GetSubscriptionState",
                "shield:CreateProtection",
                "shield:DeleteProtection",
            ],
            &["*"],
        ),
        allow(
            &[
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupIngress",
                "ec2:CreateSecurityGroup",
            ],
            &["*"],
        ),
        json!({
            "Effect": "Allow", "Action": ["ec2:CreateTags"], "Resource": "arn:aws:ec2:*:*:security-group/*",
            "Condition": {
                "StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}, "Null": tagged(asked, "false"),
            },
        }),
        json!({
            "Effect": "Allow", "Action": ["ec2:CreateTags", "ec2:DeleteTags"],
            "Resource": "arn:aws:ec2:*:*:security-group/*",
            "Condition": {"Null": {asked: "true", own: "false"}},
        }),
        json!({
            "Effect": "Allow", "Action": ["ec2:DeleteSecurityGroup"], "Resource": "*",
            "Condition": {"Null": tagged(own, "false")},
        }),
        json!({
            "Effect": "Allow",
            "Action": ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
            "Resource": "*", "Condition": {"Null": tagged(asked, "false")},
        }),
        allow(
            &[
                "elasticloadbalancing:CreateListener",
                "elasticloadbalancing:DeleteListener",
                "elasticloadbalancing:CreateRule",
                "elasticloadbalancing:DeleteRule",
            ],
            &["*"],
        ),
        json!({
            "Effect": "Allow", "Action": ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"],
            "Resource": [
                "arn:aws:elasticloadbalancing:*:*:targetgroup/*/*", "arn:aws:elasticloadbalancing:*:*:loadbalancer/app/*/*",
            ],
            "Condition": {"Null": {asked: "true", own: "false"}},
        }),
        json!({
            "Effect": "Allow", "Action": ["elasticloadbalancing:AddTags"],
            "Resource": [
                "arn:aws:elasticloadbalancing:*:*:targetgroup/*/*", "arn:aws:elasticloadbalancing:*:*:loadbalancer/app/*/*",
            ],
            "Condition": {
                "StringEquals": {"elasticloadbalancing:CreateAction": ["CreateTargetGroup", "CreateLoadBalancer"]},
                "Null": tagged(asked, "false"),
            },
        }),
        json!({
            "Effect": "Allow",
            "Action": [
                "elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:SetSecurityGroups",
                "elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:ModifyTargetGroup",
                "elasticloadbalancing:DeleteTargetGroup",
            ],
            "Resource": "*", "Condition": {"Null": tagged(own, "false")},
        }),
        allow(
            &[
                "elasticloadbalancing:RegisterTargets",
                "elasticloadbalancing:DeregisterTargets",
            ],
            &["arn:aws:elasticloadbalancing:*:*:targetgroup/*/*"],
        ),
        allow(
            &["elasticloadbalancing:SetWebAcl", "elasticloadbalancing:ModifyListener"],
            &["*"],
        ),
    ])
}

pub(crate) fn tell(story: &mut Story) {
    balancer(story);
    dns(story);
    secrets(story);
}

fn balancer(story: &mut Story) {
    story.actor("shop-alb-controller");
    let role = shop_role("shop-alb-controller");
    let subject = "system:serviceaccount:kube-system:aws-load-balancer-controller";
    for day in 1..=LAST_DAY {
        for hour in [2, 11, 20] {
            let time = at(day, hour, 7, 0) + story.jitter(240);
            let session = format!("1790{:015}", story.rng.below(1_000_000_000_000_000));
            let who = story.web_identity(&role, CLUSTER_OIDC, subject, &session, time).using(
                "10.0.12.31",
                "elbv2.k8s.aws/v2.8.2 aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5",
            );
            let read = |offset, source, name| Event::read(&who, time + offset, EU, source, name);
            story.tell(read(1, "ec2", "DescribeSubnets").parameters(json!({
                "subnetSet": {}, "filterSet": {"items": [{"name": "vpc-id", "valueSet": {"items": [{"value": "vpc-0example1"}]}}]},
            })));
            story.tell(read(2, "ec2", "DescribeSecurityGroups").parameters(json!({
                "securityGroupSet": {}, "securityGroupIdSet": {}, "filterSet": {},
            })));
            let elb = "elasticloadbalancing";
            story.tell(read(3, elb, "DescribeLoadBalancers").parameters(json!({"names": ["k8s-shop-web"]})));
            story.tell(read(4, elb, "DescribeTargetGroups").parameters(json!({"loadBalancerArn": BALANCER})));
            story.tell(read(5, elb, "DescribeTags").parameters(json!({"resourceArns": [BALANCER, TARGETS]})));
            let health = read(6, elb, "DescribeTargetHealth").parameters(json!({"targetGroupArn": TARGETS}));
            if day == 8 && hour == 11 {
                story.tell(health.error("ThrottlingException", "Rate exceeded"));
                continue;
            }
            story.tell(health);
            if hour == 11 {
                let targets = json!([{"id": format!("10.0.12.{}", 40 + day), "port": 8080}]);
                let name = if day % 2 == 1 {
                    "RegisterTargets"
                } else {
                    "DeregisterTargets"
                };
                story.tell(
                    Event::new(&who, time + 8, EU, elb, name)
                        .parameters(json!({"targetGroupArn": TARGETS, "targets": targets})),
                );
            }
            if hour == 20 && day == 6 {
                new_shop_front(story, &who, time);
            }
        }
    }
}

/// The one day on which a new ingress makes the controller create things, with tags.
fn new_shop_front(story: &mut Story, who: &super::super::identity::Who, time: i64) {
    let elb = "elasticloadbalancing";
    let tag = json!([{"key": "elbv2.k8s.aws/cluster", "value": "shop"}]);
    story.tell(
        Event::new(who, time + 10, EU, "ec2", "CreateSecurityGroup")
            .parameters(json!({
                "groupName": "k8s-shop-front", "groupDescription": "[k8s] Managed SecurityGroup", "vpcId": "vpc-0example1",
                "tagSpecificationSet": {"items": [{"resourceType": "security-group", "tags": tag}]},
            }))
            .response(json!({"requestId": "11111111-2222-4333-8444-555555555555", "_return": true, "groupId": "sg-0example2"})),
    );
    story.tell(
        Event::new(who, time + 11, EU, "ec2", "AuthorizeSecurityGroupIngress")
            .parameters(json!({"groupId": "sg-0example2", "ipPermissions": {"items": [{
                "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "groups": {}, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
                "ipv6Ranges": {}, "prefixListIds": {},
            }]}}))
            .response(json!({"requestId": "11111111-2222-4333-8444-666666666666", "_return": true})),
    );
    let group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-shop-front/0123456789abcdef";
    story.tell(
        Event::new(who, time + 12, EU, elb, "CreateTargetGroup")
            .parameters(json!({
                "name": "k8s-shop-front", "protocol": "HTTP", "port": 8080, "vpcId": "vpc-0example1", "targetType": "ip", "tags": tag,
            }))
            .response(json!({"targetGroups": [{"targetGroupArn": group, "targetGroupName": "k8s-shop-front", "port": 8080}]})),
    );
    story.tell(
        Event::new(who, time + 13, EU, elb, "CreateRule")
            .parameters(json!({
                "listenerArn": LISTENER, "priority": 10,
                "conditions": [{"field": "path-pattern", "values": ["/front/*"]}],
                "actions": [{"type": "forward", "targetGroupArn": group}],
            }))
            .response(json!({"rules": [{
                "ruleArn": format!("{}/9683b2d02a6cabee", LISTENER.replace(":listener/", ":listener-rule/")), "priority": "10",
            }]})),
    );
}

fn dns(story: &mut Story) {
    story.actor("shop-external-dns");
    let role = shop_role("shop-external-dns");
    for day in 1..=LAST_DAY {
        for hour in [0, 8, 16, 22] {
            let time = at(day, hour, 21, 0) + story.jitter(200);
            let session = format!("1790{:015}", story.rng.below(1_000_000_000_000_000));
            let who = story
                .web_identity(
                    &role,
                    CLUSTER_OIDC,
                    "system:serviceaccount:kube-system:external-dns",
                    &session,
                    time,
                )
                .using(
                    "10.0.11.87",
                    "ExternalDNS/v0.14.2 aws-sdk-go/1.51.2 (go1.22.3; linux; amd64)",
                );
            story.tell(Event::read(&who, time + 1, US, "route53", "ListHostedZones").version("1.09"));
            if hour == 16 || hour == 0 {
                story.tell(
                    Event::read(&who, time + 2, US, "route53", "ListResourceRecordSets")
                        .version("1.09")
                        .parameters(
                            json!({"hostedZoneId": ZONE.trim_start_matches("/hostedzone/"), "maxItems": "300"}),
                        ),
                );
            }
            if hour == 16 {
                story.tell(
                    Event::new(&who, time + 3, US, "route53", "ChangeResourceRecordSets")
                        .version("1.09")
                        .parameters(json!({
                            "hostedZoneId": ZONE.trim_start_matches("/hostedzone/"),
                            "changeBatch": {"changes": [{"action": "UPSERT", "resourceRecordSet": {
                                "name": format!("preview-{day}.shop.example.com."), "type": "CNAME", "tTL": 300,
                                "resourceRecords": [{"value": "k8s-shop-web.eu-west-1.elb.amazonaws.com"}],
                            }}]},
                        }))
                        .response(json!({"changeInfo": {
                            "id": format!("/change/C0EXAMPLE{day:04}"), "status": "PENDING", "submittedAt": "Oct 1, 2026 4:21:30 PM",
                        }})),
                );
            }
        }
    }
}

fn secrets(story: &mut Story) {
    story.actor("shop-external-secrets");
    let role = shop_role("shop-external-secrets");
    for day in 1..=LAST_DAY {
        for hour in [3, 9, 15, 21] {
            let time = at(day, hour, 36, 0) + story.jitter(200);
            let subject = "system:serviceaccount:external-secrets:external-secrets";
            let who = story
                .web_identity(&role, CLUSTER_OIDC, subject, "external-secrets-provider-aws", time)
                .using(
                    "10.0.11.90",
                    "external-secrets/v0.10.3 aws-sdk-go/1.54.19 (go1.22.5; linux; amd64)",
                );
            let secrets = if hour == 9 { &SECRETS[..] } else { &SECRETS[..1] };
            for (i, (name, arn)) in secrets.iter().enumerate() {
                let time = time + 2 * i as i64;
                if hour == 9 {
                    story.tell(
                        Event::read(&who, time + 1, EU, "secretsmanager", "DescribeSecret")
                            .parameters(json!({"secretId": name})),
                    );
                }
                story.tell(
                    Event::read(&who, time + 1, EU, "secretsmanager", "GetSecretValue")
                        .parameters(json!({"secretId": name, "versionStage": "AWSCURRENT"})),
                );
                let version = story.rng.uuid();
                story.tell(
                    Event::read(
                        &who.through("secretsmanager.amazonaws.com"),
                        time + 1,
                        EU,
                        "kms",
                        "Decrypt",
                    )
                    .parameters(json!({
                        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
                        "encryptionContext": {"SecretARN": arn, "SecretVersionId": version},
                    }))
                    .resource("AWS::KMS::Key", KEY),
                );
            }
        }
    }
}
