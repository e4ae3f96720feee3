//! Who stands behind a role: the scenarios of EKS and their neighbours, each with the truth, or nobody where the trail
//! does not tell it.
//!
//! Sources: EKS user guide ("IAM roles for service accounts", "EKS Pod Identity"), STS API reference, CloudTrail user
//! guide (userIdentity).

mod associations;
mod families;
mod guesses;
mod neighbours;
mod said;
mod splits;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtrail::inside::attribute::{Known, Workload, WorkloadKind};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::source;
use trimtrail::inside::usage::{self, Table};

use super::journey::{ACCOUNT, Folder, ROLE, allow, analyze, background, call, options, role};

fn provider(cluster: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/{cluster}")
}

fn at(event: Value, time: &str) -> Value {
    let mut event = event;
    event["eventTime"] = json!(time);
    event
}

/// A call of the role at ten on 3 October, under a key.
fn used(key: &str) -> Value {
    let mut event = call(
        3,
        "ec2",
        "DescribeInstances",
        json!({"eventTime": "2026-10-03T10:00:00Z"}),
    );
    event["userIdentity"]["accessKeyId"] = json!(key);
    event
}

/// The opening of a session an hour before.
fn opened(key: &str, name: &str, identity: Value, request: Value, response: Value) -> Value {
    opened_as("AROAAPP", key, name, identity, request, response)
}

fn opened_as(role_id: &str, key: &str, name: &str, identity: Value, request: Value, response: Value) -> Value {
    let mut response = response;
    response["credentials"] = json!({"accessKeyId": key, "expiration": "Oct 3, 2026, 3:00:00 PM"});
    response["assumedRoleUser"] = json!({"assumedRoleId": format!("{role_id}:s")});
    let mut event = call(
        3,
        "sts",
        name,
        json!({"requestParameters": request, "responseElements": response}),
    );
    event["userIdentity"] = identity;
    at(event, "2026-10-03T09:00:00Z")
}

fn irsa(key: &str, cluster: &str, account: &str) -> Value {
    let subject = format!("system:serviceaccount:{account}");
    let identity = json!({"type": "WebIdentityUser", "userName": subject, "identityProvider": provider(cluster)});
    opened(
        key,
        "AssumeRoleWithWebIdentity",
        identity,
        json!({"roleArn": ROLE}),
        json!({}),
    )
}

fn pods(key: &str, request: Value) -> Value {
    let identity = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
    opened(key, "AssumeRole", identity, request, json!({}))
}

fn tags(namespace: &str, name: &str) -> Value {
    json!({"tags": [{"key": "eks-cluster-name", "value": "prod"}, {"key": "kubernetes-namespace", "value": namespace},
        {"key": "kubernetes-service-account", "value": name}]})
}

/// A role's session.
fn session(id: &str, name: &str, key: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("{id}:s"), "accountId": ACCOUNT, "accessKeyId": key,
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/s"),
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": id, "accountId": ACCOUNT, "userName": name,
            "arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}")}}})
}

fn trusts(cluster: &str, operator: &str, subject: &str) -> Value {
    let provider = provider(cluster);
    let issuer = provider.split_once(":oidc-provider/").expect("a provider").1;
    json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {operator: {format!("{issuer}:sub"): format!("system:serviceaccount:{subject}"),
            format!("{issuer}:aud"): "sts.amazonaws.com"}}})
}

fn trusts_service(service: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]})
}

fn trusts_account() -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "sts:AssumeRole"})
}

/// `KIND CLUSTER NAME KNOWN CALLS` of each user of the role.
#[track_caller]
fn check(events: &[Value], trust: &[Value], expected: &[&str]) {
    let mut grants = role(&allow(&json!("ec2:Describe*"), &json!("*")));
    grants["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"] = json!(trust);
    let report = analyze(&[background(), events.to_vec()].concat(), &grants, &options(), 1);
    let principal = report
        .principals
        .iter()
        .find(|principal| principal.arn == ROLE)
        .expect("the role");
    let found: Vec<String> = principal
        .workloads
        .iter()
        .map(|w| {
            let name = match &w.namespace {
                Some(namespace) => format!("{namespace}/{}", w.name),
                None => w.name.clone(),
            };
            let cluster = w.cluster.as_deref().unwrap_or("-");
            format!("{} {cluster} {name} {} {}", w.kind, w.known, w.calls)
        })
        .collect();
    assert_eq!(found, expected);
    let calls: u64 = principal.workloads.iter().map(|workload| workload.calls).sum();
    let own = events
        .iter()
        .filter(|event| event["userIdentity"]["sessionContext"]["sessionIssuer"]["principalId"] == "AROAAPP");
    assert_eq!(calls, own.count() as u64, "every call of the role is somebody's");
}

const UNSEEN: &str = "unknown - sessions opened outside this archive unknown 1";

#[test]
fn irsa_by_the_tokens_subject() {
    let mut seed = irsa("K", "AAAA", "shop:cart");
    seed["userIdentity"]
        .as_object_mut()
        .expect("an identity")
        .remove("userName");
    seed["responseElements"]["subjectFromWebIdentityToken"] = json!("system:serviceaccount:shop:cart");
    check(
        &[seed, used("K")],
        &[trusts_account()],
        &["service_account AAAA shop/cart seen 1"],
    );
}

#[test]
fn irsa_by_a_provider_of_another_account() {
    let mut seed = irsa("K", "AAAA", "shop:cart");
    let other = provider("AAAA").replace(ACCOUNT, "999988887777");
    seed["userIdentity"]["identityProvider"] = json!(other);
    check(
        &[seed, used("K")],
        &[trusts_account()],
        &["service_account AAAA shop/cart seen 1"],
    );
}

#[test]
fn pod_identity_by_its_tags_and_by_the_external_id_of_its_target_role() {
    let pod = "pod_identity prod shop/cart seen 1";
    check(
        &[pods("K", tags("shop", "cart")), used("K")],
        &[trusts_service("pods.eks.amazonaws.com")],
        &[pod],
    );
    let hub = |request: Value| {
        let identity = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
        opened_as("AROAHUB", "H", "AssumeRole", identity, request, json!({}))
    };
    let external = json!({"externalId": "eu-west-1/111122223333/prod/shop/cart"});
    let hop = at(
        opened("K", "AssumeRole", session("AROAHUB", "hub", "H"), external, json!({})),
        "2026-10-03T09:05:00Z",
    );
    let trust = [
        json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/hub"}, "Action": "sts:AssumeRole"}),
    ];
    check(&[hub(tags("shop", "cart")), hop.clone(), used("K")], &trust, &[pod]);
    check(&[hub(json!({})), hop.clone(), used("K")], &trust, &[pod]);
    // Whoever holds another pod's credentials may write any external id.
    let caller = "principal - arn:aws:iam::111122223333:role/hub seen 1";
    check(&[hub(tags("shop", "api")), hop, used("K")], &trust, &[caller]);
}

#[test]
fn pod_identity_without_tags_is_unknown_whatever_the_trust_names() {
    let unknown = "unknown - sessions opened by pods.eks without tags unknown 1";
    let events = [pods("K", json!({})), used("K")];
    check(&events, &[trusts_service("pods.eks.amazonaws.com")], &[unknown]);
    let migrating = [
        trusts_service("pods.eks.amazonaws.com"),
        trusts("AAAA", "StringEquals", "shop:cart"),
    ];
    check(&events, &migrating, &[unknown]);
    check(&events, &migrating[1..], &[unknown]);
}

#[test]
fn pods_that_somebody_else_names_are_not_believed() {
    let by_ci = |request: Value| opened("K", "AssumeRole", session("AROACI", "ci", "C"), request, json!({}));
    let ci = "principal - arn:aws:iam::111122223333:role/ci seen 1";
    let external = json!({"externalId": "eu-west-1/111122223333/prod/shop/cart"});
    check(&[by_ci(external), used("K")], &[trusts_account()], &[ci]);
    check(
        &[by_ci(tags("kube-system", "admin")), used("K")],
        &[trusts_account()],
        &[ci],
    );
}

#[test]
fn instance_is_one_by_the_metadata_service_or_by_ec2() {
    let named = |delivery: Option<&str>| {
        let mut event = used("K");
        event["userIdentity"]["principalId"] = json!("AROAAPP:i-0123456789abcdef0");
        if let Some(delivery) = delivery {
            event["userIdentity"]["sessionContext"]["ec2RoleDelivery"] = json!(delivery);
        }
        event
    };
    let instance = "ec2 - i-0123456789abcdef0 seen 1";
    check(
        &[named(Some("2.0"))],
        &[trusts_service("ec2.amazonaws.com")],
        &[instance],
    );
    check(
        &[named(Some("1.0"))],
        &[trusts_service("ec2.amazonaws.com")],
        &[instance],
    );
    let ec2 = json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"});
    let seed = opened(
        "K",
        "AssumeRole",
        ec2,
        json!({"roleSessionName": "i-0123456789abcdef0"}),
        json!({}),
    );
    check(
        &[seed, named(None)],
        &[trusts_service("ec2.amazonaws.com")],
        &[instance],
    );
    check(&[named(None)], &[trusts_account()], &[UNSEEN]);
}

#[test]
fn two_clusters_two_accounts_and_two_roles_are_told_apart() {
    let events = [
        irsa("K", "AAAA", "shop:cart"),
        irsa("L", "BBBB", "shop:cart"),
        used("K"),
        used("L"),
        used("L"),
    ];
    let two = [
        trusts("AAAA", "StringEquals", "shop:cart"),
        trusts("BBBB", "StringEquals", "shop:cart"),
    ];
    let both = [
        "service_account BBBB shop/cart seen 2",
        "service_account AAAA shop/cart seen 1",
    ];
    check(&events, &two, &both);
    let events = [
        irsa("K", "AAAA", "shop:a"),
        irsa("L", "AAAA", "shop:b"),
        used("K"),
        used("K"),
        used("L"),
    ];
    let both = [
        "service_account AAAA shop/a seen 2",
        "service_account AAAA shop/b seen 1",
    ];
    check(&events, &[trusts("AAAA", "StringEquals", "shop:a")], &both);
}

#[test]
fn only_subject_of_the_trust_is_named_as_a_guess() {
    let guess = ["service_account AAAA shop/cart trust 1"];
    check(&[used("K")], &[trusts("AAAA", "StringEquals", "shop:cart")], &guess);
    check(&[used("K")], &[trusts("AAAA", "StringLike", "shop:cart")], &guess);
    let one = trusts("AAAA", "StringEquals", "shop:cart");
    check(&[used("K")], &[one.clone(), trusts_account()], &[UNSEEN]);
    check(
        &[used("K")],
        &[one.clone(), trusts("BBBB", "StringEquals", "shop:cart")],
        &[UNSEEN],
    );
    check(
        &[used("K")],
        &[trusts("AAAA", "StringNotEquals", "kube-system:blocked")],
        &[UNSEEN],
    );
    check(&[used("K")], &[trusts("AAAA", "StringLike", "shop:*")], &[UNSEEN]);
    // Somebody came in whom today's policy does not know: it was another one.
    let gone = irsa("L", "AAAA", "old:gone");
    check(
        &[gone, used("L"), used("K")],
        std::slice::from_ref(&one),
        &[UNSEEN, "service_account AAAA old/gone seen 1"],
    );
    let changed = call(
        2,
        "iam",
        "UpdateAssumeRolePolicy",
        json!({"readOnly": false, "requestParameters": {"roleName": "app"},
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT}}),
    );
    check(&[changed, used("K")], &[one], &[UNSEEN]);
}

#[test]
fn provider_on_the_calls_names_the_cluster() {
    let mut event = used("K");
    event["userIdentity"]["sessionContext"]["webIdFederationData"] =
        json!({"federatedProvider": provider("BBBB"), "attributes": {}});
    let two = [
        trusts("AAAA", "StringEquals", "shop:cart"),
        trusts("BBBB", "StringEquals", "shop:cart"),
    ];
    check(
        std::slice::from_ref(&event),
        &two,
        &["service_account BBBB shop/cart trust 1"],
    );
    let cluster = "unknown BBBB sessions opened outside this archive federated_provider 1";
    check(&[event], &[trusts("BBBB", "StringLike", "shop:*")], &[cluster]);
}

#[test]
fn key_that_two_opened_or_that_is_over_names_nobody() {
    let two = [
        trusts("AAAA", "StringEquals", "shop:a"),
        trusts("AAAA", "StringEquals", "shop:b"),
    ];
    let second = at(irsa("K", "AAAA", "shop:b"), "2026-10-03T09:30:00Z");
    let several = "unknown - sessions under a key that several opened unknown 1";
    check(&[irsa("K", "AAAA", "shop:a"), second, used("K")], &two, &[several]);
    let over = at(used("K"), "2026-10-11T10:00:00Z");
    check(&[irsa("K", "AAAA", "shop:a"), over], &two, &[UNSEEN]);
    let late = at(used("K"), "2026-10-03T16:00:00Z");
    let outside = "unknown - calls outside the life of the session that was opened under their key unknown 1";
    check(&[irsa("K", "AAAA", "shop:a"), late], &two, &[outside]);
}

#[test]
fn fargate_and_hybrid_nodes_are_their_services() {
    for service in [
        "eks-fargate-pods.amazonaws.com",
        "rolesanywhere.amazonaws.com",
        "ssm.amazonaws.com",
    ] {
        let identity = json!({"type": "AWSService", "invokedBy": service});
        let seed = opened(
            "K",
            "AssumeRole",
            identity,
            json!({"roleSessionName": "mi-1"}),
            json!({}),
        );
        check(
            &[seed, used("K")],
            &[trusts_service(service)],
            &[&format!("service - {service} seen 1")],
        );
    }
}

// Random trails of which the truth is known.

/// One session: who opened it, and how far the trail shows that.
#[derive(Clone, Debug)]
struct Play {
    /// What opens it; see [`Play::events`].
    kind: u8,
    who: u8,
    role: u8,
    hour: u8,
    seen: bool,
}

/// Names of operations, one a session, by which its calls are found again.
const CALLS: [&str; 8] = [
    "DescribeInstances",
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeImages",
    "DescribeVolumes",
    "DescribeKeyPairs",
    "DescribeAddresses",
    "DescribeRegions",
];

impl Play {
    /// Its events: openings, then its call.
    fn events(&self, number: usize) -> (Vec<Value>, Value) {
        let (key, id) = (format!("ASIA{number}"), format!("AROA{}", self.role));
        let (sub, time) = (
            format!("shop:app{}", self.who),
            format!("2026-10-03T{:02}:00:00Z", self.hour),
        );
        let name = format!("app{}", self.who);
        let open = |identity: Value, request: Value| {
            at(opened_as(&id, &key, "AssumeRole", identity, request, json!({})), &time)
        };
        let eks = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
        let external = json!({"externalId": format!("eu-west-1/{ACCOUNT}/prod/shop/{name}")});
        let openings = match self.kind {
            0 => {
                let identity = json!({"type": "WebIdentityUser", "userName": format!("system:serviceaccount:{sub}"),
                    "identityProvider": provider("AAAA")});
                vec![at(
                    opened_as(&id, &key, "AssumeRoleWithWebIdentity", identity, json!({}), json!({})),
                    &time,
                )]
            }
            1 => vec![open(eks, tags("shop", &name))],
            2 => vec![open(eks, json!({}))],
            // A job that says to be a pod.
            3 => vec![open(session("AROACI", "ci", "C"), external)],
            4 => vec![open(session("AROACI", "ci", "C"), tags("shop", &name))],
            // A target role: the first session, then the second; with the pod's tags, or without.
            _ => {
                let tagged = if self.kind == 5 { tags("shop", &name) } else { json!({}) };
                let hub = opened_as("AROAHUB", &format!("HUB{number}"), "AssumeRole", eks, tagged, json!({}));
                vec![
                    at(hub, &time),
                    open(session("AROAHUB", "hub", &format!("HUB{number}")), external),
                ]
            }
        };
        let mut event = call(
            3,
            "ec2",
            CALLS[number],
            json!({"userIdentity": session(&id, &id, &key)}),
        );
        event["userIdentity"]["principalId"] = json!(format!("{id}:i-0123456789abcdef0"));
        let time = format!("2026-10-03T{:02}:30:00Z", self.hour);
        (openings, at(event, &time))
    }

    /// Whoever it is; the caller of a hop is as true as the pod behind it.
    fn truth(&self) -> Vec<Workload> {
        let pod = |kind: WorkloadKind, cluster: &str| Workload {
            kind,
            cluster: Some(cluster.to_owned()),
            namespace: Some("shop".to_owned()),
            name: format!("app{}", self.who),
        };
        let caller =
            |name: &str| Workload::plain(WorkloadKind::Principal, &format!("arn:aws:iam::{ACCOUNT}:role/{name}"));
        match self.kind {
            0 => vec![pod(WorkloadKind::ServiceAccount, "AAAA")],
            1 | 2 => vec![pod(WorkloadKind::PodIdentity, "prod")],
            3 | 4 => vec![caller("ci")],
            _ => vec![pod(WorkloadKind::PodIdentity, "prod"), caller("hub")],
        }
    }
}

fn collected(events: &[Value]) -> Table {
    let folder = Folder::new();
    std::fs::write(folder.0.join("a.json"), json!({"Records": events}).to_string()).expect("a file");
    let sources = source::find(&[folder.0.display().to_string()]).expect("a file");
    usage::collect(&sources, &usage::Options::default(), &Progress::silent())
        .expect("threads")
        .0
}

/// Whoever made each session's call, by its operation.
fn answers(events: &[Value]) -> BTreeMap<String, Option<Workload>> {
    let table = collected(events);
    let rows = table.rows.iter().filter_map(|row| {
        let name = table.signatures[row.signature].signature.event_name.to_string();
        let actor = table.actor(row).filter(|_| name.starts_with("Describe"))?;
        assert!(actor.workload.is_some() || actor.known != Known::Opening, "{name}");
        Some((name, actor.workload.clone()))
    });
    rows.collect()
}

fn play() -> impl Strategy<Value = Play> {
    // Sessions end at three in the afternoon.
    (0..7_u8, 0..3_u8, 0..2_u8, 3..14_u8, any::<bool>()).prop_map(|(kind, who, role, hour, seen)| Play {
        kind,
        who,
        role,
        hour,
        seen,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn answer_is_the_truth_or_unknown_and_less_evidence_gives_no_other(
        plays in proptest::collection::vec(play(), 1..8),
    ) {
        let mut seeds: Vec<Value> = Vec::new();
        let mut calls: Vec<Value> = Vec::new();
        for (number, play) in plays.iter().enumerate() {
            let (openings, event) = play.events(number);
            seeds.extend(openings.into_iter().filter(|_| play.seen));
            calls.push(event);
        }
        let whole = answers(&[seeds.clone(), calls.clone()].concat());
        for (number, play) in plays.iter().enumerate() {
            let answer = &whole[CALLS[number]];
            prop_assert!(answer.as_ref().is_none_or(|found| play.truth().contains(found)), "{play:?}: {answer:?}");
            // Where the opening is there and names somebody, so does the answer.
            prop_assert_eq!(answer.is_some(), play.seen && play.kind != 2, "{:?}", play);
        }
        for without in 0..seeds.len() {
            let mut fewer = seeds.clone();
            fewer.remove(without);
            for (name, answer) in answers(&[fewer, calls.clone()].concat()) {
                let number = CALLS.iter().position(|known| *known == name).expect("one of them");
                let truth = plays[number].truth();
                prop_assert!(answer.as_ref().is_none_or(|found| truth.contains(found)), "{name}: {answer:?}");
            }
        }
    }
}
