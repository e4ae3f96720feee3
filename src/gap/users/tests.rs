//! Whom a trust policy names: one policy a test.

use serde_json::{Value, json};

use super::*;
use crate::iam::Policy;

fn door(statements: &Value) -> Door {
    let trust = Policy::from_value(&json!({"Version": "2012-10-17", "Statement": statements})).expect("a policy");
    Door::of(&trust, "arn:aws:iam::111122223333:role/app")
}

const A: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AAAA";
const B: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/BBBB";

fn federated(provider: &str, operator: &str, subject: &Value) -> Value {
    let issuer = provider.split_once(":oidc-provider/").expect("a provider").1;
    json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {operator: {format!("{issuer}:sub"): subject, format!("{issuer}:aud"): "sts.amazonaws.com"}}})
}

fn cart(provider: &str) -> Value {
    federated(provider, "StringEquals", &json!("system:serviceaccount:shop:cart"))
}

/// `CLUSTER shop/cart` where calls of a session whose opening was not seen are given to somebody.
#[track_caller]
fn check(statements: &[Value], provider: &str, expected: Option<&str>) {
    let door = door(&json!(statements));
    let actor = Arc::new(Actor {
        provider: provider.to_owned(),
        ..Actor::unknown(Known::Unseen)
    });
    let user = door.user(&actor, 1);
    let named = user.workload.as_ref().map(|workload| {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!(
            "{} {}/{}",
            part(&workload.cluster),
            part(&workload.namespace),
            workload.name
        )
    });
    assert_eq!(named.as_deref(), expected, "{statements:?}");
    if expected.is_some() {
        assert_eq!(user.how, How::Trust);
    }
}

#[test]
fn only_way_in_is_named() {
    check(&[cart(A)], "", Some("AAAA shop/cart"));
    check(
        &[federated(A, "StringLike", &json!("system:serviceaccount:shop:cart"))],
        "",
        Some("AAAA shop/cart"),
    );
    check(
        &[federated(
            A,
            "stringequals",
            &json!(["system:serviceaccount:shop:cart"]),
        )],
        "",
        Some("AAAA shop/cart"),
    );
    let tagging = json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:TagSession"]});
    check(&[cart(A), tagging], "", Some("AAAA shop/cart"));
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*",
        "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}});
    check(&[cart(A), deny], "", Some("AAAA shop/cart"));
    let china = "arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/CCCC";
    check(&[cart(china)], "", Some("CCCC shop/cart"));
    let gov = "arn:aws-us-gov:iam::111122223333:oidc-provider/oidc.eks.us-gov-west-1.amazonaws.com/id/GGGG";
    check(&[cart(gov)], "", Some("GGGG shop/cart"));
    // The cluster's provider in an account of its own.
    let other = "arn:aws:iam::999988887777:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/DDDD";
    check(&[cart(other)], "", Some("DDDD shop/cart"));
}

#[test]
fn second_way_in_names_nobody() {
    let beside = |principal: Value| {
        let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
        check(&[cart(A), statement], "", None);
    };
    beside(json!({"AWS": "arn:aws:iam::111122223333:root"}));
    beside(json!({"Service": "pods.eks.amazonaws.com"}));
    beside(json!("*"));
    check(&[cart(A), cart(B)], "", None);
    let saml = json!({"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/x"}, "Action": "sts:AssumeRoleWithSAML"});
    check(&[cart(A), saml], "", None);
    let api = federated(A, "StringEquals", &json!("system:serviceaccount:shop:api"));
    check(&[cart(A), api], "", None);
    let not = json!({"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"});
    check(&[cart(A), not], "", None);
}

#[test]
fn condition_that_leaves_several_names_nobody() {
    let (cart_of, cart) = (cart, json!("system:serviceaccount:shop:cart"));
    for operator in [
        "StringNotEquals",
        "StringNotLike",
        "StringEqualsIfExists",
        "ForAnyValue:StringEquals",
        "ForAllValues:StringLike",
    ] {
        check(&[federated(A, operator, &cart)], "", None);
    }
    for subject in [
        json!("system:serviceaccount:shop:*"),
        json!("system:serviceaccount:*:cart"),
        json!("system:serviceaccount:shop:car?"),
        json!("system:serviceaccount:shop:${aws:PrincipalTag/x}"),
        json!("*"),
        json!(["system:serviceaccount:shop:cart", "system:serviceaccount:shop:api"]),
        json!("repo:o/r:ref:refs/heads/main"),
    ] {
        check(&[federated(A, "StringLike", &subject)], "", None);
    }
    let mut without = cart_of(A);
    without.as_object_mut().expect("a statement").remove("Condition");
    check(&[without], "", None);
    // Another provider's subject binds nothing here.
    let mut crossed = cart_of(B);
    crossed["Principal"]["Federated"] = json!(A);
    check(&[crossed], "", None);
}

#[test]
fn provider_on_the_calls_rules_other_ways_out() {
    check(&[cart(A), cart(B)], A, Some("AAAA shop/cart"));
    check(&[cart(A), cart(B)], B, Some("BBBB shop/cart"));
    let root =
        json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"});
    check(&[cart(A), root], A, Some("AAAA shop/cart"));
    check(&[cart(A)], B, None);
    let door = Door::default();
    let actor = Arc::new(Actor {
        provider: B.to_owned(),
        ..Actor::unknown(Known::Unseen)
    });
    let user = door.user(&actor, 1);
    assert_eq!(
        (user.workload, user.cluster.as_deref(), user.how),
        (None, Some("BBBB"), How::FederatedProvider)
    );
}

#[track_caller]
fn check_known(known: Known, expected: &str) {
    let door = door(&json!([cart(A)]));
    let user = door.user(&Arc::new(Actor::unknown(known)), 1);
    assert_eq!((user.workload, user.why), (None, expected));
}

#[test]
fn session_that_was_opened_here_is_never_guessed() {
    check_known(
        Known::Unnamed(WorkloadKind::PodIdentity),
        "sessions opened by pods.eks without tags",
    );
    check_known(Known::Several, "sessions under a key that several opened");
    check_known(
        Known::Outside,
        "calls outside the life of the session that was opened under their key",
    );
    check_known(Known::Other, "other workloads, beyond the 256 that are told apart");
    check_known(Known::Untold, "calls collected before workloads were told apart");
}

#[test]
fn user_agent_is_believed_where_that_service_alone_comes_in() {
    let said = Arc::new(Actor {
        workload: Some(Workload::plain(WorkloadKind::Lambda, "resize")),
        known: Known::UserAgent,
        provider: String::new(),
        sessions: String::new(),
    });
    let lambda =
        json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let root = json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"});
    let how = |statements: &[&Value]| door(&json!(statements)).user(&said, 1).how;
    assert_eq!(how(&[&lambda]), How::Trust);
    assert_eq!(how(&[&lambda, &root]), How::Unknown);
    assert_eq!(Door::default().user(&said, 1).how, How::Unknown);
}

#[test]
fn a_way_for_everybody_is_one_for_the_providers_tokens_too() {
    let all = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity"});
    let others = json!({"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}, "Action": "sts:*"});
    let any = json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:*"});
    for beside in [all, others, any] {
        check(&[cart(A), beside.clone()], "", None);
        check(&[cart(A), beside], A, None);
    }
    let account = json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"});
    check(&[cart(A), account], A, Some("AAAA shop/cart"));
}

#[test]
fn a_statement_that_can_let_nobody_in_names_nobody() {
    let with = |operator: &str, key: &str, value: &str| {
        let mut statement = cart(A);
        statement["Condition"][operator][key] = json!(value);
        statement
    };
    check(&[cart(A)], A, Some("AAAA shop/cart"));
    let issuer = |id: &str, claim: &str| format!("oidc.eks.eu-west-1.amazonaws.com/id/{id}:{claim}");
    check(
        &[with(
            "StringEquals",
            &issuer("BBBB", "sub"),
            "system:serviceaccount:shop:cart",
        )],
        "",
        None,
    );
    check(&[with("StringEquals", "sts:ExternalId", "x")], "", None);
    check(
        &[with(
            "StringNotEquals",
            &issuer("AAAA", "sub"),
            "system:serviceaccount:shop:cart",
        )],
        "",
        None,
    );
    check(&[with("Null", &issuer("AAAA", "sub"), "true")], "", None);
    check(
        &[with("StringEquals", "aws:SourceVpc", "vpc-1")],
        "",
        Some("AAAA shop/cart"),
    );
    let mut by_name = cart(A);
    by_name["Action"] = json!("sts:AssumeRole");
    check(&[by_name], "", None);
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:*"});
    check(&[cart(A), deny], "", None);
}
