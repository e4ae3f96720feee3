//! Trust policies in words: one statement a row.

use serde_json::{Value, json};

use super::*;
use crate::iam::Policy;

const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";

fn role(trust: Value) -> Principal {
    let mut grants = crate::grants::alone(ROLE);
    let mut role = grants.principals.remove(0);
    role.trust = Some(Policy::from_value(&trust).map_err(|error| error.to_string()));
    role
}

fn check(statement: Value, expected: &[&str]) {
    let role = role(json!({"Version": "2012-10-17", "Statement": statement}));
    let ways = ways(&role, &Eks::default(), None);
    let said: Vec<String> = ways
        .iter()
        .map(|way| match &way.conditions[..] {
            [] => way.says.clone(),
            conditions => format!("{} [{}]", way.says, conditions.join("; ")),
        })
        .collect();
    assert_eq!(said, expected, "{statement}");
}

fn federated(condition: Value) -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER},
        "Condition": condition})
}

#[test]
fn a_service_account_is_named_with_its_cluster() {
    let (sub, aud) = (format!("{ISSUER}:sub"), format!("{ISSUER}:aud"));
    check(
        federated(json!({"StringEquals": {&sub: "system:serviceaccount:shop:cart", &aud: "sts.amazonaws.com"}})),
        &["service account shop/cart of cluster ABC by IRSA"],
    );
    check(
        federated(
            json!({"StringLike": {&sub: ["system:serviceaccount:shop:*", "system:serviceaccount:a:b"], &aud: "sts.amazonaws.com"}}),
        ),
        &[
            "service account shop/* of cluster ABC by IRSA",
            "service account a/b of cluster ABC by IRSA",
        ],
    );
    check(
        federated(json!({"StringEquals": {&aud: "sts.amazonaws.com"}})),
        &["any service account of cluster ABC by IRSA"],
    );
    // What excludes some lets in all the others, and what holds where the key is absent lets in anybody.
    check(
        federated(
            json!({"StringNotEquals": {&sub: "system:serviceaccount:shop:cart"}, "StringEquals": {&aud: "sts.amazonaws.com"}}),
        ),
        &[&format!(
            "any service account of cluster ABC by IRSA [{sub} StringNotEquals system:serviceaccount:shop:cart]"
        )],
    );
    check(
        federated(json!({"StringEqualsIfExists": {&sub: "system:serviceaccount:shop:cart"}})),
        &[&format!(
            "any service account of cluster ABC by IRSA [whatever the audience of the token; {sub} StringEqualsIfExists \
             system:serviceaccount:shop:cart]"
        )],
    );
}

#[test]
fn each_kind_of_trust_in_words() {
    let allow = |principal: Value| json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
    for (principal, expected) in [
        (json!("*"), "anyone"),
        (json!({"AWS": "*"}), "anyone"),
        (
            json!({"AWS": "111122223333"}),
            "whoever its own account allows sts:AssumeRole on it",
        ),
        (
            json!({"AWS": "arn:aws:iam::444455556666:root"}),
            "whoever account 444455556666 allows sts:AssumeRole on it",
        ),
        (json!({"AWS": "arn:aws:iam::111122223333:role/x/ci"}), "role/x/ci"),
        (
            json!({"AWS": "arn:aws:iam::444455556666:user/eve"}),
            "user/eve of account 444455556666",
        ),
        (json!({"AWS": "AROAEXAMPLE"}), "AROAEXAMPLE, which was deleted"),
        (json!({"Service": "lambda.amazonaws.com"}), "Lambda functions"),
        (
            json!({"Service": "ec2.amazonaws.com.cn"}),
            "EC2 instances, and no instance profile holds it",
        ),
        (json!({"Service": "ecs-tasks.amazonaws.com"}), "tasks of ECS"),
        (
            json!({"Service": "glue.amazonaws.com"}),
            "the service glue.amazonaws.com",
        ),
        (
            json!({"Service": "pods.eks.amazonaws.com"}),
            "any service account by Pod Identity, whichever an association gives it to",
        ),
        (
            json!({"Federated": "arn:aws:iam::111122223333:saml-provider/okta"}),
            "people of the SAML provider okta",
        ),
    ] {
        check(allow(principal), &[expected]);
    }
    check(
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "444455556666"}}),
        &["anyone but whom the trust policy leaves out"],
    );
}

#[test]
fn what_only_tags_lets_nobody_in_and_a_deny_is_told() {
    check(
        json!([{"Effect": "Allow", "Action": "sts:TagSession", "Principal": "*"}]),
        &[],
    );
    check(
        json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]),
        &["Lambda functions [unless a Deny of the trust policy holds]"],
    );
}

#[test]
fn an_external_id_is_told_with_the_account() {
    check(
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "444455556666"},
            "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}),
        &["whoever account 444455556666 allows sts:AssumeRole on it [sts:ExternalId StringEquals x]"],
    );
}

#[test]
fn tags_of_pod_identity_name_the_service_account() {
    check(
        json!({"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop",
                "aws:RequestTag/kubernetes-service-account": ["cart", "till"],
                "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod"}}}),
        &[
            "service account shop/cart of cluster prod by Pod Identity",
            "service account shop/till of cluster prod by Pod Identity",
        ],
    );
}

#[test]
fn an_unreadable_trust_policy_is_no_closed_door() {
    let mut role = role(json!({"Statement": []}));
    role.trust = Some(Err("Statement[0].Effect: missing".to_owned()));
    assert!(
        ways(&role, &Eks::default(), None)[0]
            .says
            .starts_with("nobody can tell")
    );
}
