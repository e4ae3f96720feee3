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

/// EKS takes the first role for a pod, and passes no tags.
fn untagged(name: &str) -> Value {
    let mut event = first(name);
    let request = event["requestParameters"].as_object_mut().expect("parameters");
    request.remove("tags");
    event
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

/// A session of the first role takes the target role under a name of EKS's making, and makes a call.
fn named_by_eks(pod: &str, operation: &str) -> Vec<Value> {
    let [mut hop, used] = then("cart", pod, operation);
    hop["requestParameters"] =
        json!({"roleArn": ROLE, "roleSessionName": format!("eks-prod-{pod}-5d1b7a54-6a3f-4d07-9a43-3f6c1c4b2a10")});
    vec![untagged(pod), hop, used]
}

#[test]
fn sessions_that_eks_names_after_pods_are_one_workload_of_the_role_by_which_they_come() {
    let names = |grants: &Value, ci: bool| -> Vec<String> {
        let mut events = [
            background(),
            named_by_eks("web", "DescribeInstances"),
            named_by_eks("job", "DescribeSubnets"),
        ]
        .concat();
        if ci {
            let mut other = then("cart", "ci", "DescribeVolumes");
            other[0]["userIdentity"] = json!({"type": "AssumedRole", "principalId": "AROACI:s", "accountId": ACCOUNT, "accessKeyId": "CI",
                "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/ci/s"), "sessionContext": {"sessionIssuer": {"type": "Role",
                "principalId": "AROACI", "accountId": ACCOUNT, "userName": "ci", "arn": format!("arn:aws:iam::{ACCOUNT}:role/ci")}}});
            events.extend(other);
        }
        let report = analyze(&events, grants, &options(), 1);
        let splits = report.alternatives.iter().filter_map(|one| one.split.as_ref());
        splits
            .flat_map(|split| split.parts.iter().map(|part| part.name.clone()))
            .collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(names(&grants(), false), none);
    assert_eq!(names(&grants(), true), ["app-ci", "app-hub"]);
    // The first role may be another account's, which the grants do not hold.
    let mut unknown = grants();
    unknown["RoleDetailList"].as_array_mut().expect("roles").pop();
    assert_eq!(names(&unknown, false), none);
}
