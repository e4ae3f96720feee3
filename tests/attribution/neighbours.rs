//! Neighbours of the scenarios: other issuers, other partitions, nodes of every kind. The truth, or nobody.

use super::*;

/// A session that a service of AWS opens under a name.
fn by_service(service: &str, name: &str) -> Value {
    let identity = json!({"type": "AWSService", "invokedBy": service});
    opened("K", "AssumeRole", identity, json!({"roleSessionName": name}), json!({}))
}

/// A call of the role under the key K by a session of this name.
fn named(session: &str) -> Value {
    let mut event = used("K");
    event["userIdentity"]["principalId"] = json!(format!("AROAAPP:{session}"));
    event["userIdentity"]["arn"] = json!(format!("arn:aws:sts::{ACCOUNT}:assumed-role/app/{session}"));
    event
}

/// A web identity's opening with this provider and subject.
fn token(provider: &str, subject: &str) -> Value {
    let identity = json!({"type": "WebIdentityUser", "userName": subject, "identityProvider": provider});
    opened(
        "K",
        "AssumeRoleWithWebIdentity",
        identity,
        json!({"roleArn": ROLE}),
        json!({}),
    )
}

const CART: &str = "system:serviceaccount:shop:cart";

#[test]
fn a_cluster_of_ones_own_is_called_by_its_whole_issuer() {
    // Its last word may be the name of a cluster of EKS's.
    let own = "arn:aws:iam::111122223333:oidc-provider/kops-oidc.s3.amazonaws.com/prod";
    let trust = json!({"Effect": "Allow", "Principal": {"Federated": own}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"kops-oidc.s3.amazonaws.com/prod:sub": CART}}});
    let seen = "service_account kops-oidc.s3.amazonaws.com/prod shop/cart seen 1";
    check(&[token(own, CART), used("K")], std::slice::from_ref(&trust), &[seen]);
    let guess = "service_account kops-oidc.s3.amazonaws.com/prod shop/cart trust 1";
    check(&[used("K")], &[trust], &[guess]);
}

#[test]
fn the_tokens_own_subject_stands_above_the_name_beside_it() {
    let mut seed = irsa("K", "AAAA", "shop:other");
    seed["responseElements"]["subjectFromWebIdentityToken"] = json!(CART);
    check(
        &[seed, used("K")],
        &[trusts_account()],
        &["service_account AAAA shop/cart seen 1"],
    );
}

#[test]
fn govcloud_and_china_have_clusters_too() {
    for (partition, host) in [
        ("aws-us-gov", "oidc.eks.us-gov-west-1.amazonaws.com"),
        ("aws-cn", "oidc.eks.cn-north-1.amazonaws.com.cn"),
    ] {
        let provider = format!("arn:{partition}:iam::{ACCOUNT}:oidc-provider/{host}/id/GGGG");
        let events = [token(&provider, CART), used("K")];
        check(&events, &[trusts_account()], &["service_account GGGG shop/cart seen 1"]);
    }
    let mut seed = pods("K", tags("shop", "cart"));
    seed["userIdentity"]["invokedBy"] = json!("pods.eks.amazonaws.com.cn");
    let trust = [trusts_service("pods.eks.amazonaws.com.cn")];
    check(&[seed, used("K")], &trust, &["pod_identity prod shop/cart seen 1"]);
}

#[test]
fn a_subject_that_only_looks_like_a_service_account_is_a_web_identity() {
    let github = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    for subject in [
        "system:serviceaccount:shop",
        "system:serviceaccount::cart",
        "system:serviceaccount:a:b:c",
        "xsystem:serviceaccount:a:b",
    ] {
        let expected = format!("web_identity - {subject} seen 1");
        check(&[token(github, subject), used("K")], &[trusts_account()], &[&expected]);
    }
}

#[test]
fn a_token_that_was_refused_opens_nothing() {
    let mut seed = irsa("K", "AAAA", "shop:cart");
    seed["errorCode"] = json!("AccessDenied");
    check(&[seed, used("K")], &[trusts_account()], &[UNSEEN]);
}

#[test]
fn nodes_of_karpenter_and_auto_mode_are_instances_where_ec2_opened_the_session() {
    let node = "i-0123456789abcdef0";
    let trust = [trusts_service("ec2.amazonaws.com")];
    let expected = format!("ec2 - {node} seen 1");
    check(
        &[by_service("ec2.amazonaws.com", node), named(node)],
        &trust,
        &[&expected],
    );
    check(
        &[by_service("ec2.amazonaws.com.cn", node), named(node)],
        &trust,
        &[&expected],
    );
    // The metadata service says so on the call.
    let mut delivered = named(node);
    delivered["userIdentity"]["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    check(&[delivered], &trust, &[&expected]);
    // A name alone is whatever its opener wanted.
    check(&[named(node)], &[trusts_account()], &[UNSEEN]);
}

#[test]
fn a_hybrid_node_whose_certificate_is_called_like_an_instance_is_none() {
    let name = "i-0123456789abcdef0";
    for service in ["rolesanywhere.amazonaws.com", "ssm.amazonaws.com"] {
        let events = [by_service(service, name), named(name)];
        check(
            &events,
            &[trusts_service(service)],
            &[&format!("service - {service} seen 1")],
        );
    }
}

#[test]
fn fargate_profiles_capabilities_and_the_cluster_itself_are_their_services() {
    for service in [
        "eks-fargate-pods.amazonaws.com",
        "capabilities.eks.amazonaws.com",
        "eks.amazonaws.com",
    ] {
        let mut seed = by_service(service, "s");
        // Capabilities tag their sessions as pods' are tagged: they are no pods.
        seed["requestParameters"]["tags"] = tags("shop", "cart")["tags"].clone();
        check(
            &[seed, used("K")],
            &[trusts_service(service)],
            &[&format!("service - {service} seen 1")],
        );
    }
}

#[test]
fn a_pod_on_fargate_comes_by_its_token() {
    let trust = [
        trusts("AAAA", "StringEquals", "shop:cart"),
        trusts_service("eks-fargate-pods.amazonaws.com"),
    ];
    check(
        &[irsa("K", "AAAA", "shop:cart"), used("K")],
        &trust,
        &["service_account AAAA shop/cart seen 1"],
    );
    check(&[used("K")], &trust, &[UNSEEN]);
}

#[test]
fn tags_or_an_external_id_of_a_service_that_is_not_eks_name_no_pod() {
    let external = json!({"externalId": format!("eu-west-1/{ACCOUNT}/prod/shop/cart"), "roleSessionName": "s"});
    let mut seed = by_service("states.amazonaws.com", "s");
    seed["requestParameters"] = external;
    check(
        &[seed, used("K")],
        &[trusts_service("states.amazonaws.com")],
        &["service - states.amazonaws.com seen 1"],
    );
}

#[test]
fn a_tag_without_its_fellow_names_no_pod() {
    let unknown = "unknown - sessions opened by pods.eks without tags unknown 1";
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    for key in ["kubernetes-namespace", "kubernetes-service-account"] {
        let mut request = tags("shop", "cart");
        let all = request["tags"].as_array_mut().expect("tags");
        all.retain(|tag| tag["key"] != key);
        check(&[pods("K", request), used("K")], &eks, &[unknown]);
    }
    // Parameters that the trail leaves out for their size.
    check(&[pods("K", Value::Null), used("K")], &eks, &[unknown]);
}

#[test]
fn one_opening_that_two_trails_delivered_is_one() {
    let seed = pods("K", tags("shop", "cart"));
    let mut copy = seed.clone();
    copy["eventID"] = json!("another");
    copy["awsRegion"] = json!("us-east-1");
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    check(&[seed, copy, used("K")], &eks, &["pod_identity prod shop/cart seen 1"]);
}

#[test]
fn a_key_of_another_roles_session_tells_nothing_of_this_one() {
    let identity = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
    let other = opened_as(
        "AROAOTHER",
        "K",
        "AssumeRole",
        identity,
        tags("shop", "cart"),
        json!({}),
    );
    check(&[other, used("K")], &[trusts_account()], &[UNSEEN]);
}

#[test]
fn two_pods_whose_names_differ_by_case_are_two_and_the_key_of_both_is_nobodys() {
    let several = "unknown - sessions under a key that several opened unknown 1";
    let events = [
        pods("K", tags("shop", "cart")),
        pods("K", tags("shop", "Cart")),
        used("K"),
    ];
    check(&events, &[trusts_service("pods.eks.amazonaws.com")], &[several]);
}
