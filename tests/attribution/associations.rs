//! Pods that a trail does not name, where EKS's associations are given: the only one that can be meant, or nobody.

use trimtrail::inside::analysis::{self, Archive};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::grants::{self, SupplementFiles};

use super::*;

/// What `aws eks describe-pod-identity-association` prints of one that is older than the archive.
fn association(cluster: &str, name: &str, more: Value) -> Value {
    let mut one = json!({"clusterName": cluster, "namespace": "shop", "serviceAccount": name, "associationId": "a-1", "roleArn": ROLE,
        "associationArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/{cluster}/a-{name}"),
        "createdAt": "2026-01-01T00:00:00Z", "modifiedAt": 1767225600.5, "disableSessionTags": true});
    for (key, value) in more.as_object().expect("an object") {
        one[key] = value.clone();
    }
    json!({"association": one})
}

/// What `aws eks list-pod-identity-associations` prints of a cluster with the associations of these service accounts in
/// `shop`, and of one in another namespace.
fn list(cluster: &str, names: &[&str]) -> Value {
    let mut list = list_of(cluster, names);
    let other = json!({"clusterName": cluster, "namespace": "tools", "serviceAccount": "log", "associationId": "a-1",
        "associationArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/{cluster}/a-log")});
    list["associations"].as_array_mut().expect("a list").push(other);
    list
}

/// The same with `--namespace shop`.
fn list_of(cluster: &str, names: &[&str]) -> Value {
    let one = |name: &&str| {
        json!({"clusterName": cluster, "namespace": "shop", "serviceAccount": name, "associationId": "a-1",
            "associationArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/{cluster}/a-{name}")})
    };
    json!({"associations": names.iter().map(one).collect::<Vec<Value>>()})
}

/// The other one, described: it gives another role.
fn log(cluster: &str) -> Value {
    let more = json!({"namespace": "tools", "roleArn": "arn:aws:iam::111122223333:role/log"});
    association(cluster, "log", more)
}

/// A node of a cluster asks EKS for the role of one of its pods.
fn asks(cluster: &str) -> Value {
    let event = call(
        3,
        "eks-auth",
        "AssumeRoleForPodIdentity",
        json!({"requestParameters": {"clusterName": cluster, "token": "HIDDEN_DUE_TO_SECURITY_REASONS"}}),
    );
    let mut event = at(event, "2026-10-03T09:00:00Z");
    event["userIdentity"] = session("AROANODE", "node", "N");
    event
}

fn change(name: &str) -> Value {
    let mut event = call(
        9,
        "eks",
        name,
        json!({"readOnly": false, "requestParameters": {"name": "prod"}}),
    );
    event["userIdentity"] = json!({"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT});
    event
}

#[track_caller]
fn check(events: &[Value], trust: &[Value], eks: &[Value], expected: &str) {
    let folder = Folder::new();
    let path = folder.0.join("a.json");
    std::fs::write(
        &path,
        json!({"Records": ([background(), events.to_vec()].concat())}).to_string(),
    )
    .expect("a file");
    let sources = source::find(&[path.display().to_string()]).expect("a file");
    let (table, coverage) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let mut roles = role(&allow(&json!("ec2:Describe*"), &json!("*")));
    roles["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"] = json!(trust);
    let mut grants = grants::read(&[("g".to_owned(), roles.to_string())]).expect("grants");
    let path = folder.0.join("eks.json");
    std::fs::write(&path, json!(eks).to_string()).expect("a file");
    let files = SupplementFiles {
        eks: vec![path],
        ..SupplementFiles::default()
    };
    grants.supplements = files.load().expect("answers of EKS");
    let gaps = analysis::gaps(Catalog::embedded(), &Archive::new(&table, &coverage), &grants, true);
    let users = gaps.iter().flat_map(|gap| &gap.users.all);
    let told: Vec<String> = users
        .map(|user| match &user.workload {
            Some(pod) => format!(
                "{} {}/{} {}",
                pod.cluster.as_deref().unwrap_or("-"),
                pod.namespace.as_deref().unwrap_or("-"),
                pod.name,
                user.how.name()
            ),
            None => format!("unknown: {}", user.why),
        })
        .collect();
    assert_eq!(told, [expected]);
}

const CART: &str = "prod shop/cart association";
const UNTAGGED: &str = "unknown: sessions opened by pods.eks without tags";
const BEFORE: &str = "unknown: sessions opened outside this archive";

#[test]
fn the_only_association_without_tags_names_the_pod_of_an_untagged_session() {
    let events = [asks("prod"), pods("K", json!({})), used("K")];
    let eks = trusts_service("pods.eks.amazonaws.com");
    let check = |more: &[Value], expected: &str| {
        let whole = [&[list("prod", &["cart"]), log("prod")], more].concat();
        check(&events, std::slice::from_ref(&eks), &whole, expected);
    };
    let one = association("prod", "cart", json!({}));
    check(std::slice::from_ref(&one), CART);
    check(&[one.clone(), association("prod", "web", json!({}))], UNTAGGED);
    // Of one that is listed it is not known which role it gives.
    check(&[one.clone(), list("prod", &["cart", "web"])], UNTAGGED);
    check(
        &[association("prod", "cart", json!({"disableSessionTags": false}))],
        UNTAGGED,
    );
    check(
        &[association(
            "prod",
            "cart",
            json!({"modifiedAt": "2026-10-02T00:00:00Z"}),
        )],
        UNTAGGED,
    );
    check(
        &[association(
            "prod",
            "cart",
            json!({"createdAt": null, "modifiedAt": null}),
        )],
        UNTAGGED,
    );
    check(
        &[association(
            "prod",
            "cart",
            json!({"roleArn": "arn:aws:iam::111122223333:role/other"}),
        )],
        UNTAGGED,
    );
}

#[test]
fn associations_that_are_not_all_given_name_nobody() {
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    let events = [asks("prod"), pods("K", json!({})), used("K")];
    let (one, other) = (association("prod", "cart", json!({})), log("prod"));
    let check = |more: &[Value], expected: &str| {
        check(&events, &eks, &[std::slice::from_ref(&one), more].concat(), expected);
    };
    check(&[list("prod", &["cart"]), other.clone()], CART);
    check(&[], UNTAGGED);
    check(std::slice::from_ref(&other), UNTAGGED);
    check(&[other.clone(), list("test", &["cart"])], UNTAGGED);
    // One that is listed and not described may give the role as well.
    check(&[list("prod", &["cart"])], UNTAGGED);
    check(&[list("prod", &["cart", "web"]), other.clone()], UNTAGGED);
    for more in ["nextToken", "NextToken"] {
        let mut cut = list("prod", &["cart"]);
        cut[more] = json!("abc");
        check(&[cut.clone(), other.clone()], UNTAGGED);
        // What else is given may be the last page, and the one between them missing.
        check(&[cut.clone(), list("prod", &["cart"]), other.clone()], UNTAGGED);
        check(&[list("prod", &["cart"]), cut, other.clone()], UNTAGGED);
    }
    // A list of one namespace, or of the service accounts of one name, looks like a whole one.
    check(
        &[
            list_of("prod", &["cart", "web"]),
            association("prod", "web", json!({"roleArn": "arn:aws:iam::111122223333:role/web"})),
        ],
        UNTAGGED,
    );
    let mut named = list("prod", &["cart"]);
    named["associations"][1]["serviceAccount"] = json!("cart");
    check(&[named, other], UNTAGGED);
}

#[test]
fn one_cluster_of_two_names_nobody() {
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    let events = [asks("prod"), pods("K", json!({})), used("K")];
    let whole = [
        association("prod", "cart", json!({})),
        log("prod"),
        list("prod", &["cart"]),
    ];
    let check = |more: &[Value], expected: &str| {
        check(&events, &eks, &[&whole[..], more].concat(), expected);
    };
    let described = |account: &str, name: &str| json!({"cluster": {"name": name, "arn": format!("arn:aws:eks:eu-west-1:{account}:cluster/{name}")}});
    check(&[described(ACCOUNT, "prod"), json!({"clusters": ["prod"]})], CART);
    check(&[described("999988887777", "test")], CART);
    check(&[described(ACCOUNT, "test")], UNTAGGED);
    check(&[json!({"clusters": ["prod", "test"]})], UNTAGGED);
    check(
        &[association(
            "test",
            "api",
            json!({"roleArn": "arn:aws:iam::111122223333:role/api"}),
        )],
        UNTAGGED,
    );
}

#[test]
fn a_pod_that_is_in_no_list_shows_that_it_is_not_whole() {
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    let whole = [
        association("prod", "cart", json!({})),
        log("prod"),
        list("prod", &["cart"]),
    ];
    let other_role = |name: &str| {
        let identity = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
        let seed = opened_as("AROALOG", "L", "AssumeRole", identity, tags("tools", name), json!({}));
        let mut event = used("L");
        event["userIdentity"] = session("AROALOG", "log", "L");
        [seed, event]
    };
    for (name, expected) in [("log", CART), ("new", UNTAGGED)] {
        let events = [
            vec![asks("prod"), pods("K", json!({})), used("K")],
            other_role(name).to_vec(),
        ]
        .concat();
        check(&events, &eks, &whole, expected);
    }
}

#[test]
fn a_role_that_is_a_target_too_may_be_anothers() {
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    let events = [asks("prod"), pods("K", json!({})), used("K")];
    let target = json!({"roleArn": "arn:aws:iam::111122223333:role/log", "targetRoleArn": ROLE, "namespace": "tools"});
    let both = [
        association("prod", "cart", json!({})),
        association("prod", "log", target),
        list("prod", &["cart"]),
    ];
    check(&events, &eks, &both, UNTAGGED);
    check(&events, &eks, &both[1..], UNTAGGED);
}

#[test]
fn a_cluster_whose_associations_are_not_given_may_be_the_one() {
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    let one = [
        association("prod", "cart", json!({})),
        list("prod", &["cart"]),
        log("prod"),
    ];
    let opened = || [pods("K", json!({})), used("K")];
    check(&opened(), &eks, &one, UNTAGGED);
    check(
        &[vec![asks("prod"), asks("test")], opened().to_vec()].concat(),
        &eks,
        &one,
        UNTAGGED,
    );
    let both = [
        one[0].clone(),
        one[1].clone(),
        one[2].clone(),
        list("test", &["cart"]),
        log("test"),
        association(
            "test",
            "cart",
            json!({"roleArn": "arn:aws:iam::111122223333:role/other"}),
        ),
    ];
    check(
        &[vec![asks("prod"), asks("test")], opened().to_vec()].concat(),
        &eks,
        &both,
        CART,
    );
}

#[test]
fn a_change_of_associations_or_another_pod_that_came_says_that_they_were_others() {
    let eks = [trusts_service("pods.eks.amazonaws.com")];
    let one = [
        association("prod", "cart", json!({})),
        list("prod", &["cart"]),
        log("prod"),
    ];
    check(&[asks("prod"), pods("K", json!({})), used("K")], &eks, &one, CART);
    for name in [
        "CreatePodIdentityAssociation",
        "UpdatePodIdentityAssociation",
        "DeletePodIdentityAssociation",
        "CreateAddon",
        "UpdateAddon",
        "DeleteAddon",
        "DeleteCluster",
    ] {
        let events = [asks("prod"), change(name), pods("K", json!({})), used("K")];
        check(&events, &eks, &one, UNTAGGED);
    }
}

#[test]
fn sessions_from_before_the_archive_are_the_associations_only_where_eks_alone_comes_in() {
    let events = [asks("prod"), used("K")];
    let eks = trusts_service("pods.eks.amazonaws.com");
    let one = [
        association("prod", "cart", json!({"disableSessionTags": false})),
        list("prod", &["cart"]),
        log("prod"),
    ];
    check(&events, std::slice::from_ref(&eks), &one, CART);
    check(&events, &[eks.clone(), trusts_account()], &one, BEFORE);
    check(&events, &[eks, trusts("AAAA", "StringLike", "shop:*")], &one, BEFORE);
}
