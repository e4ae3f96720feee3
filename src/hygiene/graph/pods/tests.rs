//! Which service accounts a trust policy lets in: one policy and one pod a test.

use serde_json::{Value, json};

use super::*;
use crate::grants;

const A: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA";

fn role(statements: &Value) -> Principal {
    let text = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/app", "RoleName": "app", "RoleId": "AROAAPP",
        "Path": "/", "CreateDate": "2025-01-01T00:00:00Z", "AssumeRolePolicyDocument": {"Statement": statements}}]});
    let grants = grants::read(&[("g".to_owned(), text.to_string())]).expect("grants");
    grants.principals.into_iter().next().expect("a role")
}

fn pod(kind: WorkloadKind, cluster: Option<&str>) -> Workload {
    Workload {
        kind,
        cluster: cluster.map(str::to_owned),
        namespace: Some("shop".to_owned()),
        name: "cart".to_owned(),
    }
}

fn federated(operator: &str, subject: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"Federated": A}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {operator: {"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub": subject}}})
}

#[test]
fn token_is_asked_for_as_the_condition_is_written() {
    let check = |operator: &str, subject: Value, expected: Answer| {
        let role = role(&json!([federated(operator, &subject)]));
        for cluster in [Some("AAAA"), None] {
            let told = admits(&role, &pod(WorkloadKind::ServiceAccount, cluster));
            assert_eq!(told, expected, "{operator} {subject}");
        }
        // Another cluster's token is not even looked at.
        assert_eq!(
            admits(&role, &pod(WorkloadKind::ServiceAccount, Some("BBBB"))),
            Answer::No
        );
        assert_eq!(admits(&role, &pod(WorkloadKind::PodIdentity, Some("shop"))), Answer::No);
    };
    check("StringEquals", json!("system:serviceaccount:shop:cart"), Answer::Yes);
    check(
        "StringEquals",
        json!(["system:serviceaccount:a:b", "system:serviceaccount:shop:cart"]),
        Answer::Yes,
    );
    check(
        "StringEquals",
        json!(["system:serviceaccount:a:b", "system:serviceaccount:a:c"]),
        Answer::No,
    );
    check("StringEquals", json!("system:serviceaccount:shop:*"), Answer::No);
    check("StringLike", json!("system:serviceaccount:shop:*"), Answer::Yes);
    check("StringLike", json!("system:serviceaccount:old:*"), Answer::No);
    check("StringNotEquals", json!("system:serviceaccount:shop:cart"), Answer::No);
    check("StringNotEquals", json!("system:serviceaccount:a:b"), Answer::Yes);
}

#[test]
fn in_doubt_a_pod_may() {
    let mut with_audience = federated("StringEquals", &json!("system:serviceaccount:shop:cart"));
    with_audience["Condition"]["StringEquals"]["oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud"] =
        json!("sts.amazonaws.com");
    let irsa = pod(WorkloadKind::ServiceAccount, Some("AAAA"));
    assert_eq!(admits(&role(&json!([with_audience])), &irsa), Answer::Unknown);
    let anybody = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:*"});
    assert_eq!(admits(&role(&json!([anybody])), &irsa), Answer::Unknown);
    // EKS takes a target role by the role that it took first.
    let by_role = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:role/first"}, "Action": "sts:AssumeRole"});
    assert_eq!(
        admits(&role(&json!([by_role])), &pod(WorkloadKind::PodIdentity, Some("shop"))),
        Answer::Unknown
    );
    assert_eq!(admits(&role(&json!([by_role])), &irsa), Answer::No);
}

#[test]
fn tags_of_pod_identity_count() {
    let eks = |condition: Value| {
        let trust = json!([{"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": condition}]);
        admits(&role(&trust), &pod(WorkloadKind::PodIdentity, Some("shop")))
    };
    assert_eq!(eks(json!({})), Answer::Yes);
    assert_eq!(
        eks(json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"}})),
        Answer::Yes
    );
    assert_eq!(
        eks(json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "other"}})),
        Answer::No
    );
    assert_eq!(
        eks(json!({"StringEquals": {"aws:RequestTag/eks-cluster-name": "test"}})),
        Answer::No
    );
    assert_eq!(
        eks(json!({"StringEquals": {"aws:SourceAccount": "111122223333"}})),
        Answer::Unknown
    );
}

#[test]
fn ways_in_are_told_apart() {
    let pods =
        json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let ec2 = json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let both = role(&json!([federated("StringEquals", &json!("s")), pods]));
    assert_eq!(
        ways(&both),
        Ways {
            providers: vec![A],
            pod_identity: true,
            others: false
        }
    );
    assert!(ways(&role(&json!([pods, ec2]))).others);
    let github = json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}});
    assert!(ways(&role(&json!([github]))).others);
    let denied = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*"});
    assert!(!ways(&role(&json!([pods, denied]))).others);
}
