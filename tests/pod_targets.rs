//! A role that pods reach as a target role, by way of the one that EKS takes first: what hands its parts to them, and what
//! each part keeps where nobody knows for which pod the first one was taken.

use serde_json::{Value, json};
use trimtrail::inside::report::{Report, RoleSplit};

use super::journey::{ACCOUNT, ROLE, allow, analyze, background, call, options, role};

const HUB: &str = "arn:aws:iam::111122223333:role/hub";

fn opened(id: &str, key: &str, time: &str, identity: Value, request: Value) -> Value {
    call(
        3,
        "sts",
        "AssumeRole",
        json!({"eventTime": format!("2026-10-03T{time}:00Z"), "userIdentity": identity, "requestParameters": request,
            "responseElements": {"credentials": {"accessKeyId": key, "expiration": "Oct 3, 2026, 8:00:00 PM"},
                "assumedRoleUser": {"assumedRoleId": format!("{id}:s")}}}),
    )
}

/// EKS takes the first role for a pod.
fn first(name: &str) -> Value {
    let tag = |key: &str, value: &str| json!({"key": key, "value": value});
    let tags = [
        tag("eks-cluster-name", "prod"),
        tag("kubernetes-namespace", "shop"),
        tag("kubernetes-service-account", name),
    ];
    opened(
        "AROAHUB",
        &format!("HUB{name}"),
        "09:00",
        json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"}),
        json!({"roleArn": HUB, "roleSessionName": "s", "tags": tags}),
    )
}

/// A session of the first role takes the target role for a pod, and makes a call.
fn then(name: &str, session: &str, operation: &str) -> [Value; 2] {
    let hub = json!({"type": "AssumedRole", "principalId": "AROAHUB:s", "accountId": ACCOUNT, "accessKeyId": format!("HUB{session}"),
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/hub/s"),
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAHUB", "accountId": ACCOUNT, "userName": "hub", "arn": HUB}}});
    let external = format!("eu-west-1/{ACCOUNT}/prod/shop/{name}");
    let key = format!("APP{session}");
    let mut used = call(3, "ec2", operation, json!({}));
    used["userIdentity"]["accessKeyId"] = json!(key);
    [
        opened(
            "AROAAPP",
            &key,
            "09:05",
            hub,
            json!({"roleArn": ROLE, "roleSessionName": "s", "externalId": external}),
        ),
        used,
    ]
}

fn pod(name: &str, operation: &str) -> Vec<Value> {
    [vec![first(name)], then(name, name, operation).to_vec()].concat()
}

fn grants() -> Value {
    let mut grants = role(&allow(&json!("ec2:Describe*"), &json!("*")));
    grants["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = json!({"AWS": HUB});
    let mut hub = grants["RoleDetailList"][0].clone();
    hub["Arn"] = json!(HUB);
    (hub["RoleName"], hub["RoleId"]) = (json!("hub"), json!("AROAHUB"));
    hub["RolePolicyList"][0]["PolicyDocument"]["Statement"] = json!([allow(&json!("sts:AssumeRole"), &json!("*"))]);
    hub["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = json!({"Service": "pods.eks.amazonaws.com"});
    grants["RoleDetailList"].as_array_mut().expect("roles").push(hub);
    grants
}

fn split(report: &Report) -> &RoleSplit {
    let mut splits = report.alternatives.iter().filter_map(|one| one.split.as_ref());
    splits.find(|split| split.role == ROLE).expect("a split")
}

#[test]
fn a_part_of_a_target_role_becomes_a_target_role() {
    let events = [
        background(),
        pod("cart", "DescribeInstances"),
        pod("web", "DescribeSubnets"),
    ]
    .concat();
    let report = analyze(&events, &grants(), &options(), 1);
    let split = split(&report);
    assert_eq!(split.parts.len(), 2, "{}", split.says);
    for part in &split.parts {
        let [association] = &part.associations[..] else {
            panic!("{:?}", part.associations)
        };
        assert_eq!(
            (&association["roleArn"], &association["targetRoleArn"]),
            (&json!(HUB), &json!(part.arn))
        );
        let [command] = &part.commands[..] else {
            panic!("{:?}", part.commands)
        };
        assert!(
            command.contains(&format!(" --target-role-arn {}", part.arn)),
            "{command}"
        );
        assert!(!command.contains(" --role-arn "), "{command}");
    }
}

#[test]
fn what_came_by_the_first_role_for_a_pod_that_nobody_saw_stays_with_each() {
    // For which pod EKS took the first role this time, the archive does not show.
    let unseen = then("cart", "lost", "DescribeVolumes").to_vec();
    let events = [
        background(),
        pod("cart", "DescribeInstances"),
        pod("web", "DescribeSubnets"),
        unseen,
    ];
    let report = analyze(&events.concat(), &grants(), &options(), 1);
    let split = split(&report);
    for name in ["app-cart", "app-web"] {
        let part = split.parts.iter().find(|part| part.name == name).expect("a part");
        let text = json!(part.documents).to_string();
        assert!(text.contains("DescribeVolumes"), "{name}: {text}");
    }
    let cart = split.parts.iter().find(|part| part.name == "app-cart").expect("a part");
    assert!(!json!(cart.documents).to_string().contains("DescribeSubnets"));
    assert_eq!(split.unattributed.len(), 1, "{:?}", split.unattributed);
}
