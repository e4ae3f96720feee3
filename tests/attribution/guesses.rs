//! Where a name would be a guess against what the events themselves say: the truth, or nobody.

use super::*;

/// A call without a key, with what its session shows.
fn keyless(session_context: &Value) -> Value {
    let mut event = used("K");
    event["userIdentity"]
        .as_object_mut()
        .expect("an identity")
        .remove("accessKeyId");
    for (key, value) in session_context.as_object().expect("an object") {
        event["userIdentity"]["sessionContext"][key] = value.clone();
    }
    event
}

fn by_token_of(cluster: &str) -> Value {
    json!({"webIdFederationData": {"federatedProvider": provider(cluster)}})
}

fn only_cart() -> [Value; 1] {
    [trusts("AAAA", "StringEquals", "shop:cart")]
}

#[test]
fn a_call_without_a_key_is_nobodys_against_its_own_provider() {
    check(
        &[keyless(&json!({}))],
        &only_cart(),
        &["service_account AAAA shop/cart trust 1"],
    );
    check(
        &[keyless(&by_token_of("AAAA"))],
        &only_cart(),
        &["service_account AAAA shop/cart trust 1"],
    );
    check(
        &[keyless(&by_token_of("BBBB"))],
        &only_cart(),
        &["unknown BBBB sessions opened outside this archive federated_provider 1"],
    );
    // An instance's, although the policy lets none in today.
    let mut on_instance = keyless(&json!({"ec2RoleDelivery": "2.0"}));
    on_instance["userIdentity"]["principalId"] = json!("AROAAPP:i-0123456789abcdef0");
    check(&[on_instance], &only_cart(), &["ec2 - i-0123456789abcdef0 seen 1"]);
}

#[test]
fn an_empty_field_says_nothing() {
    let mut named = used("K");
    named["userIdentity"]["principalId"] = json!("AROAAPP:i-0123456789abcdef0");
    named["userIdentity"]["sessionContext"]["ec2RoleDelivery"] = json!("");
    check(&[named], &[trusts_service("ec2.amazonaws.com")], &[UNSEEN]);
    let mut seed = irsa("K", "AAAA", "shop:cart");
    seed["errorCode"] = json!("");
    seed["errorMessage"] = json!("");
    check(
        &[seed, used("K")],
        &[trusts_account()],
        &["service_account AAAA shop/cart seen 1"],
    );
    let mut denied = irsa("K", "AAAA", "shop:cart");
    denied["errorCode"] = json!("AccessDenied");
    check(&[denied, used("K")], &[trusts_account()], &[UNSEEN]);
}

#[test]
fn a_key_that_was_masked_or_that_two_roles_show_joins_nobody() {
    for key in [
        "ASIAXXXXXXXXXXXXXXXX",
        "***",
        "ASIA****************",
        "AKIAXXXXXXXXXXXXXXXX",
        "REDACTED",
        "ASIA...",
        "AKIAIOSFODNN7ABCDEFG",
        "ASIA0000000000000000",
        "ASIAIOSFODNN7EXAMPLE",
        "-",
    ] {
        check(
            &[irsa(key, "AAAA", "shop:cart"), used(key)],
            &[trusts_account()],
            &[UNSEEN],
        );
    }
    let named = "service_account AAAA shop/cart seen 1";
    let key = "ASIAIOSFODNN7ABCDEFG";
    // Ids that somebody made up count.
    for key in [key, "ASIAEXAMPLE00000001", "ASIA0000000000000012"] {
        check(
            &[irsa(key, "AAAA", "shop:cart"), used(key)],
            &[trusts_account()],
            &[named],
        );
    }
    let mut other = used(key);
    other["userIdentity"] = session("AROAOTHER", "other", key);
    check(
        &[irsa(key, "AAAA", "shop:cart"), used(key), other],
        &[trusts_account()],
        &["unknown - sessions under a key that several opened unknown 1"],
    );
}

#[test]
fn a_guess_gives_way_to_others_who_were_seen_to_come_in() {
    let guess = "service_account AAAA shop/cart trust 1";
    check(&[used("K")], &only_cart(), &[guess]);
    let unknown = "unknown - sessions opened outside this archive unknown 1";
    // A repository's workflow, by the provider of another issuer; a pod; an instance; a token of another provider.
    let mut workflow = irsa("W", "AAAA", "x:y");
    workflow["userIdentity"]["userName"] = json!("repo:o/r:ref:refs/heads/main");
    check(
        &[workflow, used("W"), used("K")],
        &only_cart(),
        &[unknown, "web_identity - repo:o/r:ref:refs/heads/main seen 1"],
    );
    check(
        &[pods("W", json!({})), used("W"), used("K")],
        &only_cart(),
        &["unknown - sessions opened by pods.eks without tags unknown 1", unknown],
    );
    let mut on_instance = used("W");
    on_instance["userIdentity"]["principalId"] = json!("AROAAPP:i-0123456789abcdef0");
    on_instance["userIdentity"]["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    check(
        &[on_instance, used("K")],
        &only_cart(),
        &[unknown, "ec2 - i-0123456789abcdef0 seen 1"],
    );
    let mut by_other = used("W");
    by_other["userIdentity"]["sessionContext"]["webIdFederationData"] = json!({"federatedProvider": provider("BBBB")});
    check(
        &[by_other, used("K")],
        &only_cart(),
        &[
            "unknown - sessions opened outside this archive unknown 1",
            "unknown BBBB sessions opened outside this archive federated_provider 1",
        ],
    );
}

#[test]
fn an_issuer_that_only_looks_like_eks_is_no_cluster_of_eks() {
    for url in [
        "oidc.eks.us-east-1.amazonaws.com.evil.com/id/AAAA",
        "evil.com/oidc.eks.us-east-1.amazonaws.com/id/AAAA",
        "oidc.eks.evil.com/id/AAAA",
        "oidc.eks.us-east-1.amazonaws.com/x/id/AAAA",
    ] {
        let mut seed = irsa("K", "AAAA", "shop:cart");
        seed["userIdentity"]["identityProvider"] = json!(format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{url}"));
        let expected = format!("service_account {url} shop/cart seen 1");
        check(&[seed, used("K")], &[trusts_account()], &[&expected]);
    }
    let mut dual = irsa("K", "AAAA", "shop:cart");
    dual["userIdentity"]["identityProvider"] = json!(format!(
        "arn:aws:iam::{ACCOUNT}:oidc-provider/oidc-eks.eu-west-1.api.aws/id/AAAA"
    ));
    check(
        &[dual, used("K")],
        &[trusts_account()],
        &["service_account AAAA shop/cart seen 1"],
    );
}

/// Tags of a pod of a cluster with an ARN.
fn tagged(account: &str, region: &str) -> Value {
    let mut request = tags("shop", "cart");
    let arn = format!("arn:aws:eks:{region}:{account}:cluster/prod");
    request["tags"]
        .as_array_mut()
        .expect("tags")
        .push(json!({"key": "eks-cluster-arn", "value": arn}));
    request
}

#[test]
fn two_clusters_of_one_name_are_told_apart_by_their_arns() {
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    let one = "pod_identity prod shop/cart seen 1";
    check(&[pods("K", tagged(ACCOUNT, "eu-west-1")), used("K")], &eks, &[one]);
    let of = |account: &str, region: &str| format!("pod_identity prod ({account}, {region}) shop/cart seen 1");
    for (account, region) in [("999988887777", "eu-west-1"), (ACCOUNT, "eu-central-1")] {
        let events = [
            pods("K", tagged(ACCOUNT, "eu-west-1")),
            used("K"),
            pods("L", tagged(account, region)),
            used("L"),
        ];
        let (mine, other) = (of(ACCOUNT, "eu-west-1"), of(account, region));
        let mut expected = [mine.as_str(), other.as_str()];
        expected.sort_unstable();
        check(&events, &eks, &expected);
    }
}

#[test]
fn what_a_pod_claims_is_believed_of_its_own_account_alone() {
    let trust = [
        json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/hub"}, "Action": "sts:AssumeRole"}),
    ];
    let hub = |request: Value| {
        let identity = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
        opened_as("AROAHUB", "H", "AssumeRole", identity, request, json!({}))
    };
    let hop = |external: &str| {
        let request = json!({"externalId": external, "roleArn": ROLE});
        let event = opened("K", "AssumeRole", session("AROAHUB", "hub", "H"), request, json!({}));
        at(event, "2026-10-03T09:05:00Z")
    };
    let caller = "principal - arn:aws:iam::111122223333:role/hub seen 1";
    let pod = "pod_identity prod shop/cart seen 1";
    let own = format!("eu-west-1/{ACCOUNT}/prod/shop/cart");
    check(
        &[hub(tagged(ACCOUNT, "eu-west-1")), hop(&own), used("K")],
        &trust,
        &[pod],
    );
    check(&[hub(json!({})), hop(&own), used("K")], &trust, &[pod]);
    for tags in [json!({}), tagged(ACCOUNT, "eu-west-1")] {
        check(
            &[hub(tags), hop("eu-west-1/999988887777/prod/shop/cart"), used("K")],
            &trust,
            &[caller],
        );
    }
    // The external id names the cluster of the target role's association.
    let other = format!("eu-west-1/{ACCOUNT}/bank/shop/cart");
    check(
        &[hub(tagged(ACCOUNT, "eu-west-1")), hop(&other), used("K")],
        &trust,
        &["pod_identity bank shop/cart seen 1"],
    );
}

#[test]
fn a_session_that_no_pod_has_is_nobodys() {
    let by_trust = "service_account AAAA shop/cart trust 1";
    check(&[used("K")], &only_cart(), &[by_trust]);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut event = used("K");
        change(&mut event);
        event
    };
    let context = |key: &'static str, value: Value| {
        with(&move |event| event["userIdentity"]["sessionContext"][key] = value.clone())
    };
    let named = |name: &str| with(&|event| event["userIdentity"]["principalId"] = json!(format!("AROAAPP:{name}")));
    let attributes = |mfa: Value| {
        context(
            "attributes",
            json!({"mfaAuthenticated": mfa, "creationDate": "2026-10-03T09:00:00Z"}),
        )
    };
    let console = |value: Value| with(&|event| event["sessionCredentialFromConsole"] = value.clone());
    for event in [
        attributes(json!("true")),
        attributes(json!(true)),
        context("sourceIdentity", json!("bob")),
        console(json!("true")),
        console(json!(true)),
        named("i-0123456789abcdef0"),
        named("i-01234567"),
    ] {
        check(std::slice::from_ref(&event), &only_cart(), &[UNSEEN]);
        // The trust policy was another one, so that it tells nothing of the others either.
        check(
            &[event.clone(), used("L")],
            &only_cart(),
            &["unknown - sessions opened outside this archive unknown 2"],
        );
        let mut keyless = event.clone();
        keyless["userIdentity"]
            .as_object_mut()
            .expect("an identity")
            .remove("accessKeyId");
        check(&[keyless], &only_cart(), &[UNSEEN]);
        // Who opened it is known nevertheless, where that was seen.
        check(
            &[irsa("K", "AAAA", "shop:cart"), event],
            &only_cart(),
            &["service_account AAAA shop/cart seen 1"],
        );
    }
    for event in [
        attributes(json!("false")),
        console(json!("false")),
        context("sourceIdentity", json!("")),
        named("i-am-cart"),
    ] {
        check(&[event], &only_cart(), &[by_trust]);
    }
}

#[test]
fn a_mask_is_nobodys_name() {
    let unnamed = "unknown - sessions opened by pods.eks without tags unknown 1";
    let trust = [trusts_service("pods.eks.amazonaws.com")];
    for mask in [
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "***",
        "-",
        "xxxxxxxx",
        "[REDACTED]",
        "redacted",
    ] {
        check(&[pods("K", tags("shop", mask)), used("K")], &trust, &[unnamed]);
        check(&[pods("K", tags(mask, "cart")), used("K")], &trust, &[unnamed]);
        let external = json!({"externalId": format!("eu-west-1/111122223333/prod/shop/{mask}")});
        check(&[pods("K", external), used("K")], &trust, &[unnamed]);
        let mut seed = irsa("K", "AAAA", "shop:cart");
        seed["userIdentity"]["userName"] = json!(mask);
        let nobody = "unknown - sessions opened by a web identity that the trail does not name unknown 1";
        check(&[seed.clone(), used("K")], &[trusts_account()], &[nobody]);
        let mut part = seed.clone();
        part["userIdentity"]["userName"] = json!(format!("system:serviceaccount:shop:{mask}"));
        check(&[part, used("K")], &[trusts_account()], &[nobody]);
        seed["userIdentity"]["principalId"] = json!(format!(
            "{}:sts.amazonaws.com:system:serviceaccount:shop:cart",
            provider("AAAA")
        ));
        check(
            &[seed, used("K")],
            &[trusts_account()],
            &["service_account AAAA shop/cart seen 1"],
        );
    }
    check(
        &[pods("K", tags("hidden-valley", "cart.v2")), used("K")],
        &trust,
        &["pod_identity prod hidden-valley/cart.v2 seen 1"],
    );
}

#[test]
fn a_session_ends_by_the_time_that_it_asked_for() {
    let trust = [trusts_service("pods.eks.amazonaws.com")];
    let lasting = |seconds: Value| {
        let mut seed = pods("K", tags("shop", "cart"));
        seed["requestParameters"]["durationSeconds"] = seconds;
        seed["responseElements"]["credentials"]
            .as_object_mut()
            .expect("credentials")
            .remove("expiration");
        seed
    };
    let outside = "unknown - calls outside the life of the session that was opened under their key unknown 1";
    let pod = "pod_identity prod shop/cart seen 1";
    let late = at(used("K"), "2026-10-03T14:00:00Z");
    for seconds in [json!(900), json!("900")] {
        check(&[lasting(seconds), late.clone()], &trust, &[outside]);
    }
    for seconds in [json!(43_200), json!(null), json!(0), json!("soon")] {
        check(&[lasting(seconds), late.clone()], &trust, &[pod]);
    }
}
