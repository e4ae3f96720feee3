//! The workload `orders`: a pod that takes its role through EKS Pod Identity, on a node whose role hands it out.

use serde_json::json;

use super::super::event::{Event, Seconds, iso};
use super::super::grants::{Grants, Holder, document};
use super::super::identity::{Who, service, session_key};
use super::cast::{EU, INVOICES, LAST_DAY, NODES, SHOP, at, shop_role};
use super::node::node;
use super::story::{Story, assumed, credentials};

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/shop-orders";

pub(crate) fn grant(shop: &mut Grants, common_logs: &str) {
    shop.role(
        &shop_role("shop-orders"),
        &document(&[json!({
            "Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        })]),
        Holder::since("2025-02-03T10:00:00+00:00")
            .inline(
                "orders",
                document(&[
                    json!({
                        "Sid": "Tables", "Effect": "Allow", "Action": "dynamodb:*",
                        "Resource": "arn:aws:dynamodb:eu-west-1:111122223333:table/shop-*",
                    }),
                    json!({
                        "Sid": "Queues", "Effect": "Allow", "Action": "sqs:*",
                        "Resource": "arn:aws:sqs:eu-west-1:111122223333:shop-*",
                    }),
                    json!({
                        "Sid": "Invoices", "Effect": "Allow", "Action": "s3:*",
                        "Resource": [INVOICES, format!("{INVOICES}/*")],
                    }),
                    json!({
                        "Sid": "Archive", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
                        "Resource": "arn:aws:s3:::shop-archive/*",
                    }),
                ]),
            )
            .managed(common_logs)
            .last_used("2026-10-14T18:50:00+00:00", EU)
            .tag("team", "orders"),
    );
}

/// The node asks for the pod's credentials, and EKS takes the role for the pod. Returns the pod's session.
fn pod_session(story: &mut Story, instance: &str, time: Seconds) -> Who {
    let role = shop_role("shop-orders");
    story.actor("shop-node");
    let agent = "eks-pod-identity-agent/0.1.10 aws-sdk-go-v2/1.30.1";
    let node = node(instance, time - 600).using("10.0.12.5", agent);
    story.tell(
        Event::read(&node, time, EU, "eks-auth", "AssumeRoleForPodIdentity")
            .parameters(json!({"clusterName": "shop", "token": "HIDDEN_DUE_TO_SECURITY_REASONS"})),
    );
    story.actor("shop-orders");
    let rng = &mut story.rng;
    let (key, pod, uid) = (
        session_key(rng),
        rng.text(b"bcdfghjklmnpqrstvwxz2456789", 5),
        rng.uuid(),
    );
    let pod = format!("orders-6c9f7d5b8-{pod}");
    let session = format!("eks-shop-orders-6c9-{}", rng.uuid());
    let tags = [
        ("eks-cluster-arn", "arn:aws:eks:eu-west-1:111122223333:cluster/shop"),
        ("eks-cluster-name", "shop"),
        ("kubernetes-namespace", "orders"),
        ("kubernetes-service-account", "orders"),
        ("kubernetes-pod-name", &pod),
        ("kubernetes-pod-uid", &uid),
    ];
    let shared = rng.uuid();
    story.tell(
        Event::read(
            &service(SHOP, "pods.eks.amazonaws.com"),
            time + 1,
            EU,
            "sts",
            "AssumeRole",
        )
        .parameters(json!({
            "roleArn": role.arn(),
            "roleSessionName": session,
            "durationSeconds": 21600,
            "tags": tags.map(|(key, value)| json!({"key": key, "value": value})),
            "transitiveTagKeys": tags.map(|(key, _)| key),
        }))
        .response(json!({
            "credentials": credentials(&key, time + 21600),
            "assumedRoleUser": assumed(&role, &session),
            "packedPolicySize": 45,
        }))
        .resource("AWS::IAM::Role", &role.arn())
        .shared(&shared),
    );
    role.session(&session, &key, &iso(time + 1))
        .using("10.0.12.44", "orders/4.2 aws-sdk-java/2.27.3 Linux/6.1 OpenJDK/21")
}

pub(crate) fn tell(story: &mut Story) {
    for day in 1..=LAST_DAY {
        for (i, hour) in [6, 12, 18].into_iter().enumerate() {
            let time = at(day, hour, 44, 3);
            let who = pod_session(story, NODES[i % 2], time);
            if hour == 6 {
                story.tell(
                    Event::read(&who, time + 3, EU, "dynamodb", "DescribeTable")
                        .parameters(json!({"tableName": "shop-orders"}))
                        .resource("AWS::DynamoDB::Table", TABLE),
                );
                story.tell(
                    Event::new(&who, time + 4, EU, "sqs", "CreateQueue")
                        .parameters(json!({"queueName": "shop-orders", "attributes": {"VisibilityTimeout": "60"}}))
                        .response(json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/shop-orders"})),
                );
            }
            if day == 5 && hour == 12 {
                story.tell(
                    Event::new(&who, time + 5, EU, "dynamodb", "UpdateTimeToLive")
                        .parameters(json!({
                            "tableName": "shop-orders",
                            "timeToLiveSpecification": {"enabled": true, "attributeName": "expires"},
                        }))
                        .response(json!({"timeToLiveSpecification": {"enabled": true, "attributeName": "expires"}}))
                        .resource("AWS::DynamoDB::Table", TABLE),
                );
            }
            story.tell(object(
                &who,
                time + 7,
                "PutObject",
                &format!("2026/10/{day:02}/order-{day}{hour}.pdf"),
            ));
            story.tell(object(
                &who,
                time + 9,
                "GetObject",
                &format!("2026/10/{day:02}/order-{day}{hour}.pdf"),
            ));
        }
    }
}

/// An object call on `shop-invoices`, the one bucket whose data events are logged.
pub(crate) fn object(who: &Who, time: Seconds, name: &str, key: &str) -> Event {
    let write = name == "PutObject";
    let event = if write {
        Event::new(who, time, EU, "s3", name)
    } else {
        Event::read(who, time, EU, "s3", name)
    };
    let mut event = event
        .data()
        .parameters(
            json!({"bucketName": "shop-invoices", "Host": "shop-invoices.s3.eu-west-1.amazonaws.com", "key": key}),
        )
        .additional(json!({
            "SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "AuthenticationMethod": "AuthHeader",
            "bytesTransferredIn": if write { 20480 } else { 0 }, "bytesTransferredOut": if write { 0 } else { 20480 },
        }));
    if write {
        event = event.response(json!({"x-amz-server-side-encryption": "AES256"}));
    }
    event
        .object(&format!("{INVOICES}/{key}"))
        .resource("AWS::S3::Bucket", INVOICES)
}
