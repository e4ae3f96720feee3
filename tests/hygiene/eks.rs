//! Findings for which EKS's own answers count: clusters by one name, associations, access entries.

use super::pods::{VPCS, app, by_service, calls, eks_takes, irsa, on_node, roles, takes};
use super::*;

/// What `aws eks describe-cluster` prints.
fn cluster(name: &str, id: &str) -> String {
    json!({"cluster": {"name": name, "arn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{name}"),
        "identity": {"oidc": {"issuer": format!("https://oidc.eks.eu-west-1.amazonaws.com/id/{id}")}}}})
    .to_string()
}

/// What `aws eks describe-pod-identity-association` prints.
fn association(cluster: &str, (namespace, name): (&str, &str), role: &str) -> String {
    json!({"association": {"clusterName": cluster, "namespace": namespace, "serviceAccount": name, "associationId": "a-1",
        "associationArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/{cluster}/a-{name}"),
        "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "createdAt": "2026-01-01T00:00:00Z"}})
    .to_string()
}

fn cart() -> Value {
    json!("system:serviceaccount:shop:cart")
}

fn account(id: &str) -> String {
    format!("{ACCOUNT}: {id}")
}

fn evidence(events: &[Value], grants: &Value, beside: &str, id: &str) -> String {
    let told = told(events, grants, Some(beside), &Options::default());
    let one = told.iter().find(|told| told.finding.id == id).expect("it is found");
    one.finding.evidence.join("\n") + "\n" + &one.finding.fix
}

#[test]
fn the_cluster_of_an_identity_provider_and_the_one_of_a_name_are_one_where_eks_says_so() {
    let trust = app(&[irsa("AAAA", &cart()), by_service("pods.eks.amazonaws.com")]);
    let events = [
        takes("AAAA", "shop:cart", "app", "ASIA1"),
        calls("app", "ASIA1", VPCS),
        eks_takes("prod", ("shop", "cart"), "app", "ASIA2"),
        calls("app", "ASIA2", VPCS),
    ];
    let between = account("between-irsa-and-pod-identity");
    check(&events, &trust, Some(&cluster("prod", "AAAA")), &[&between]);
    // The provider is of another cluster than the name.
    check(
        &events,
        &trust,
        Some(&cluster("test", "AAAA")),
        &["role-in-several-clusters", &between],
    );
    let text = evidence(&events, &trust, &cluster("test", "AAAA"), "role-in-several-clusters");
    assert!(text.contains("shop/cart of cluster test (IRSA)"), "{text}");
}

#[test]
fn an_association_beside_an_annotation_is_two_roles_for_one_service_account() {
    let vpcs = || json!("ec2:DescribeVpcs");
    let two = roles(&[
        ("r1", vec![irsa("AAAA", &cart())], vpcs()),
        ("r2", vec![by_service("pods.eks.amazonaws.com")], vpcs()),
    ]);
    let events = [takes("AAAA", "shop:cart", "r1", "ASIA1"), calls("r1", "ASIA1", VPCS)];
    let id = "service-account-with-several-roles";
    let of = |cluster_id: &str| cluster("prod", cluster_id) + &association("prod", ("shop", "cart"), "r2");
    let found_in = |beside: &str| found(&events, &two, Some(beside)).contains(&account(id));
    assert!(found_in(&of("AAAA")));
    assert!(!found_in(&of("BBBB")), "another cluster's service account of that name");
    let text = evidence(&events, &two, &of("AAAA"), id);
    assert!(text.contains("an association gives it"), "{text}");
    assert!(!text.contains("if both are of one cluster"), "{text}");
}

#[test]
fn an_association_with_a_role_that_does_not_let_eks_in() {
    let id = account("association-without-trust");
    let events = used(&[]);
    let check = |statement: Value, role: &str, expected: bool| {
        let beside = association("prod", ("shop", "cart"), role);
        let found = found(&events, &app(&[statement]), Some(&beside));
        assert_eq!(found.contains(&id), expected, "{found:?}");
    };
    check(by_service("pods.eks.amazonaws.com"), "app", false);
    check(by_service("ec2.amazonaws.com"), "app", true);
    check(by_service("pods.eks.amazonaws.com"), "gone", true);
    let mut untagged = by_service("pods.eks.amazonaws.com");
    untagged["Action"] = json!("sts:AssumeRole");
    check(untagged, "app", true);
    // A role of an account that the grants do not hold may be there.
    let elsewhere = association("prod", ("shop", "cart"), "x").replace(
        &format!("arn:aws:iam::{ACCOUNT}:role/x"),
        "arn:aws:iam::999988887777:role/x",
    );
    assert!(!found(&events, &app(&[by_service("ec2.amazonaws.com")]), Some(&elsewhere)).contains(&id));
}

#[test]
fn the_older_way_may_go_once_nobody_came_by_it_for_the_grace_time() {
    let trust = app(&[irsa("AAAA", &cart()), by_service("pods.eks.amazonaws.com")]);
    let on = |mut event: Value, time: &str| {
        event["eventTime"] = json!(time);
        event
    };
    let mut pods = eks_takes("prod", ("shop", "cart"), "app", "ASIA2");
    pods["responseElements"]["credentials"]["expiration"] = json!("Oct 30, 2026, 10:00:00 PM");
    let moved = [
        on(takes("AAAA", "shop:cart", "app", "ASIA1"), "2026-08-02T10:00:00Z"),
        on(calls("app", "ASIA1", VPCS), "2026-08-02T11:00:00Z"),
        on(pods, "2026-10-30T10:00:00Z"),
        on(calls("app", "ASIA2", VPCS), "2026-10-30T11:00:00Z"),
    ];
    let somebody = (0..90).map(|day| {
        let (month, day) = [(8, 0), (9, 31), (10, 61)]
            .into_iter()
            .rev()
            .find(|(_, from)| *from <= day)
            .map_or((8, 1), |(month, from)| (month, day - from + 1));
        on(
            event(1, "ec2", "DescribeVpcs", &json!({})),
            &format!("2026-{month:02}-{day:02}T12:00:00Z"),
        )
    });
    let mut moved: Vec<Value> = moved.into_iter().chain(somebody).collect();
    moved[0]["responseElements"]["credentials"]["expiration"] = json!("Aug 2, 2026, 10:00:00 PM");
    let id = "between-irsa-and-pod-identity";
    let known = cluster("prod", "AAAA");
    let text = evidence(&moved, &trust, &known, id);
    assert!(text.contains("shop/cart of cluster prod: moved"), "{text}");
    assert!(
        text.contains("take the statement for the identity provider out"),
        "{text}"
    );
    // Nobody described the cluster, and there may be two: one went quiet, and the other came by Pod Identity.
    let text = evidence(&moved, &trust, &association("prod", ("shop", "cart"), "app"), id);
    assert!(text.contains("shop/cart: moved"), "{text}");
    let of_two = association("prod", ("shop", "cart"), "app") + &association("test", ("shop", "api"), "api");
    let text = evidence(&moved, &trust, &of_two, id);
    assert!(text.contains("shop/cart of cluster AAAA: still by IRSA"), "{text}");
    assert!(
        !text.contains(": moved") && !text.contains("out of the trust policy"),
        "{text}"
    );
    // Another service account still comes by it.
    let other = [
        on(takes("AAAA", "shop:web", "app", "ASIA3"), "2026-10-29T10:00:00Z"),
        on(calls("app", "ASIA3", VPCS), "2026-10-29T11:00:00Z"),
    ];
    let mut other = other.to_vec();
    other[0]["responseElements"]["credentials"]["expiration"] = json!("Oct 29, 2026, 10:00:00 PM");
    let text = evidence(&[moved.clone(), other].concat(), &trust, &known, id);
    assert!(text.contains("shop/web of cluster prod: still by IRSA"), "{text}");
    assert!(text.contains("move those that still come by IRSA"), "{text}");
    // An archive of a day tells nothing of the days before.
    let text = evidence(&moved[2..4], &trust, &known, id);
    assert!(text.contains("wait until 30 days"), "{text}");
}

#[test]
fn an_access_entry_tells_that_a_role_is_a_nodes() {
    let trust = roles(&[(
        "own",
        vec![by_service("ec2.amazonaws.com")],
        json!("s3:ListAllMyBuckets"),
    )]);
    let events = [on_node("own", ("s3", "ListBuckets"), "aws-sdk-go-v2/1.30.0")];
    let entry = |kind: &str| {
        let cluster = cluster("prod", "AAAA");
        let entry = json!({"accessEntry": {"clusterName": "prod", "type": kind,
            "principalArn": format!("arn:aws:iam::{ACCOUNT}:role/own")}});
        format!("{cluster}{entry}")
    };
    let leans = |kind: &str| found(&events, &trust, Some(&entry(kind))).contains(&"leaned-on-node-role".to_owned());
    assert!(leans("EC2_LINUX"));
    assert!(!leans("STANDARD"));
}

#[test]
fn credentials_that_the_older_metadata_service_handed_out() {
    let trust = roles(&[("own", vec![by_service("ec2.amazonaws.com")], json!("ec2:DescribeVpcs"))]);
    let by = |version: &str, instance: &str| {
        let mut event = on_node("own", VPCS, "aws-sdk-go-v2/1.30.0");
        event["userIdentity"]["principalId"] = json!(format!("AROAown:{instance}"));
        event["userIdentity"]["sessionContext"]["ec2RoleDelivery"] = json!(version);
        event
    };
    let id = "instance-metadata-v1";
    assert!(!found(&[by("2.0", "i-1")], &trust, None).contains(&id.to_owned()));
    let events = [by("2.0", "i-1"), by("1.0", "i-2"), by("1.0", "i-2")];
    assert!(found(&events, &trust, None).contains(&id.to_owned()));
    let text = evidence(&events, &trust, &cluster("prod", "AAAA"), id);
    assert!(text.contains("2 calls with ec2RoleDelivery 1.0"), "{text}");
    assert!(text.contains("i-2: 2 calls") && !text.contains("i-1"), "{text}");
}

/// What is said of the role `app`, which EKS alone may take and nobody took.
fn never_taken(beside: &str) -> Option<hygiene::Finding> {
    let somebody: Vec<Value> = (1..=14)
        .map(|day| event(day, "ec2", "DescribeVpcs", &json!({})))
        .collect();
    let options = Options {
        min_window: 7,
        ..Options::default()
    };
    let grants = app(&[by_service("pods.eks.amazonaws.com")]);
    let told = told(&somebody, &grants, Some(beside), &options);
    let mut found = told.into_iter().map(|told| told.finding);
    found.find(|one| one.id == "pod-role-never-taken")
}

#[test]
fn a_list_does_not_tell_that_no_association_has_a_role() {
    let none = "no association of those that are given has it";
    let described = association("prod", ("shop", "cart"), "other");
    let evidence = |beside: &str| never_taken(beside).expect("it is found").evidence.join("\n");
    assert!(evidence(&described).contains(none));
    let listed = described.replace(&format!("\"roleArn\":\"arn:aws:iam::{ACCOUNT}:role/other\","), "");
    let listed = listed.replace(&format!(",\"roleArn\":\"arn:aws:iam::{ACCOUNT}:role/other\""), "");
    assert!(!listed.contains("roleArn"), "{listed}");
    let evidence = evidence(&listed);
    assert!(
        !evidence.contains(none) && evidence.contains("one of them may have it"),
        "{evidence}"
    );
}

#[test]
fn a_cluster_in_a_region_without_a_log_may_take_the_role_every_day() {
    let here = association("prod", ("shop", "cart"), "app");
    assert!(never_taken(&here).is_some());
    let there = here.replace("eks:eu-west-1", "eks:ap-south-1");
    assert!(never_taken(&there).is_none());
}
