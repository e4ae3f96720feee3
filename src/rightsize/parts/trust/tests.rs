//! Trust policies cut to one workload, each shown to let in nobody new.

use super::*;
use crate::iam::Policy;
use crate::iam::subset::{Verdict, allows_no_more};

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";

/// The cut trust policy's first statement, which is shown to let in nobody new.
#[track_caller]
fn check(statement: Value, workload: Workload, expected: Value) {
    let today = json!({"Version": "2012-10-17", "Statement": [statement]});
    let mut role = crate::grants::alone("arn:aws:iam::111122223333:role/app")
        .principals
        .remove(0);
    let parsed = Policy::from_value(&today).expect("a policy");
    role.trust = Some(Ok(parsed.clone()));
    let is_hub = |arn: &str| match arn.ends_with("/hub") {
        true => Answer::Yes,
        false => Answer::No,
    };
    match trust(&role, &[(workload, 1)], &Eks::default(), &is_hub) {
        Ok(cut) => {
            assert_eq!(cut["Statement"][0], expected);
            let cut = Policy::from_value(&cut).expect("a policy");
            assert_eq!(allows_no_more(&parsed, &cut), Verdict::Proved);
        }
        Err(_) => assert_eq!(expected, Value::Null),
    }
}

fn account(kind: WorkloadKind, cluster: &str) -> Workload {
    Workload {
        kind,
        cluster: Some(cluster.to_owned()),
        namespace: Some("shop".to_owned()),
        name: "cart".to_owned(),
    }
}

fn federated(condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition})
}

#[test]
fn a_service_account_keeps_the_audience_and_its_own_subject() {
    let (sub, aud) = (format!("{ISSUER}:sub"), format!("{ISSUER}:aud"));
    let cut = federated(json!({"StringEquals": {&aud: "sts.amazonaws.com", &sub: "system:serviceaccount:shop:cart"}}));
    let irsa = || account(WorkloadKind::ServiceAccount, "ABC");
    let wide =
        json!({"StringEquals": {&aud: "sts.amazonaws.com"}, "StringLike": {&sub: "system:serviceaccount:shop:*"}});
    check(federated(wide.clone()), irsa(), cut.clone());
    let listed = json!({"StringEquals": {&aud: "sts.amazonaws.com",
        &sub: ["system:serviceaccount:shop:cart", "system:serviceaccount:shop:till"]}});
    check(federated(listed), irsa(), cut);
    // Whom today's policy does not let in gets none, nor does the same name in another cluster.
    let other = json!({"StringEquals": {&sub: "system:serviceaccount:shop:till"}});
    check(federated(other), irsa(), Value::Null);
    check(
        federated(wide),
        account(WorkloadKind::ServiceAccount, "DEF"),
        Value::Null,
    );
}

#[test]
fn a_pod_identity_gets_the_tags_of_its_sessions() {
    let pods = json!({"Effect": "Allow", "Principal": {"Service": ["pods.eks.amazonaws.com", "ec2.amazonaws.com"]},
        "Action": ["sts:AssumeRole", "sts:TagSession"]});
    let cut = json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": {"StringEquals": {
            "aws:RequestTag/kubernetes-namespace": "shop", "aws:RequestTag/kubernetes-service-account": "cart",
            "aws:RequestTag/eks-cluster-name": "prod"}}});
    check(pods, account(WorkloadKind::PodIdentity, "prod"), cut);
}

#[test]
fn who_is_named_in_a_list_stands_alone_and_an_account_stays() {
    let (a, b) = ("arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b");
    let allow = |aws: Value| json!({"Effect": "Allow", "Principal": {"AWS": aws}, "Action": "sts:AssumeRole"});
    let caller = |arn: &str| Workload::plain(WorkloadKind::Principal, arn);
    check(allow(json!([a, b])), caller(a), allow(json!(a)));
    check(
        allow(json!("arn:aws:iam::111122223333:root")),
        caller(a),
        allow(json!("arn:aws:iam::111122223333:root")),
    );
    check(
        allow(json!([b])),
        caller("arn:aws:iam::444455556666:role/a"),
        Value::Null,
    );
}

#[test]
fn a_repository_never_gets_more_branches_than_it_had() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let key = "token.actions.githubusercontent.com:sub";
    let allow = |condition: Value| {
        json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition})
    };
    let main = "repo:org/shop:ref:refs/heads/main";
    let workload = || Workload::plain(WorkloadKind::WebIdentity, main);
    check(
        allow(json!({"StringLike": {key: "repo:org/*"}})),
        workload(),
        allow(json!({"StringLike": {key: "repo:org/shop:*"}})),
    );
    check(
        allow(json!({"StringEquals": {key: [main, "repo:org/other:ref:refs/heads/main"]}})),
        workload(),
        allow(json!({"StringEquals": {key: main}})),
    );
}

#[test]
fn a_target_role_stays_the_first_ones_to_take_for_its_own_pod() {
    let pod = || account(WorkloadKind::PodIdentity, "prod");
    let by = |who: &str, condition: Value| json!({"Effect": "Allow", "Principal": {"AWS": who}, "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": condition});
    let hub = "arn:aws:iam::111122223333:role/hub";
    let plain = json!({"Effect": "Allow", "Principal": {"AWS": hub}, "Action": "sts:AssumeRole"});
    check(plain.clone(), pod(), plain);
    let tag = |names: Value| json!({"StringEquals": {"aws:RequestTag/kubernetes-service-account": names}});
    check(
        by(hub, tag(json!(["cart", "till"]))),
        pod(),
        by(hub, tag(json!("cart"))),
    );
    check(by(hub, tag(json!("till"))), pod(), Value::Null);
    let root = "arn:aws:iam::111122223333:root";
    let of = |ids: Value| json!({"StringEquals": {"sts:ExternalId": ids}, "ArnEquals": {"aws:PrincipalArn": hub}});
    let id = |name: &str| format!("eu-west-1/111122223333/prod/shop/{name}");
    check(
        by(root, of(json!([id("cart"), id("till")]))),
        pod(),
        by(root, of(json!(id("cart")))),
    );
    check(by(root, of(json!(id("till")))), pod(), Value::Null);
    // Pods do not come by this one.
    check(by("arn:aws:iam::111122223333:role/ci", json!({})), pod(), Value::Null);
}
