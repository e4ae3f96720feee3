//! Openings, one event a test.

use serde_json::{Value as Json, json};

use super::*;
use crate::decode::{Item, Limits, Reader};

fn seeded(event: &Json) -> Option<Seed> {
    let records = json!({ "Records": [event] }).to_string();
    let mut found = None;
    Reader::new().read_slice(records.as_bytes(), &Limits::default(), &mut |item| {
        if let Item::Event(event) = item {
            found = seed(event);
        }
    });
    found
}

fn assumed(identity: Json, request: Json, response: Json) -> Json {
    let mut response = response;
    response["assumedRoleUser"] = json!({"assumedRoleId": "AROAAPP:s"});
    if response.get("credentials").is_none() {
        response["credentials"] = json!({"accessKeyId": "ASIAAPP"});
    }
    json!({"eventTime": "2026-10-03T12:00:00Z", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
        "userIdentity": identity, "requestParameters": request, "responseElements": response})
}

/// 2026-10-03T12:00:00Z
const NOON: i64 = 1_791_028_800;

#[track_caller]
fn check_expiration(text: &str, expected: Option<&str>) {
    let expected = expected.map(|time| Time::parse(time).expect("a time").seconds());
    assert_eq!(expiration(text), expected, "{text}");
}

#[test]
fn expirations_in_every_spelling() {
    check_expiration("Apr 16, 2024, 3:20:04 PM", Some("2024-04-16T15:20:04Z"));
    check_expiration("Apr 16, 2024 3:20:04 PM", Some("2024-04-16T15:20:04Z"));
    check_expiration("Apr 16, 2024, 3:20:04\u{202f}PM", Some("2024-04-16T15:20:04Z"));
    check_expiration("Jan 1, 2027, 12:00:00 AM", Some("2027-01-01T00:00:00Z"));
    check_expiration("Jan 1, 2027, 12:00:00 PM", Some("2027-01-01T12:00:00Z"));
    check_expiration("2026-10-03T13:00:00Z", Some("2026-10-03T13:00:00Z"));
    check_expiration("Jan 1, 2027, 13:00:00 PM", None);
    check_expiration("Foo 1, 2027, 1:00:00 PM", None);
    check_expiration("Jan 99, 2027, 1:00:00 PM", None);
    check_expiration("Jan 1, 2027, 1:00 XM", None);
    check_expiration("", None);
}

#[track_caller]
fn check_until(expiration: Json, expected: i64) {
    let identity = json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"});
    let credentials = json!({"credentials": {"accessKeyId": "ASIAAPP", "expiration": expiration}});
    let seed = seeded(&assumed(identity, json!({"roleSessionName": "i-1"}), credentials)).expect("a seed");
    assert_eq!((seed.opening.from, seed.opening.until), (NOON, expected));
}

#[test]
fn session_ends_with_its_expiration_and_after_twelve_hours_at_most() {
    check_until(json!("Oct 3, 2026, 1:00:00 PM"), NOON + 3600);
    check_until(json!("Oct 10, 2026, 1:00:00 PM"), NOON + LIFE);
    check_until(json!("soon"), NOON + LIFE);
    check_until(json!(null), NOON + LIFE);
}

#[track_caller]
fn check_opener(identity: Json, request: Json, response: Json, expected: Option<Opener>) {
    let opener = seeded(&assumed(identity, request, response)).map(|seed| seed.opening.opener);
    assert_eq!(opener.as_deref(), expected.as_ref());
}

fn tags(namespace: &str, name: &str) -> Json {
    json!({"tags": [{"key": "eks-cluster-name", "value": "prod"}, {"key": "kubernetes-namespace", "value": namespace},
        {"key": "kubernetes-service-account", "value": name}]})
}

fn pod(namespace: &str, name: &str) -> Workload {
    Workload {
        kind: WorkloadKind::PodIdentity,
        cluster: Some("prod".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

const EKS: &str = "pods.eks.amazonaws.com";

#[test]
fn pods_are_named_by_eks_alone() {
    let service = |name: &str| json!({"type": "AWSService", "invokedBy": name});
    let named = || Some(Opener::Named(pod("shop", "cart")));
    let nothing = || json!({});
    check_opener(service(EKS), tags("shop", "cart"), nothing(), named());
    check_opener(
        service("pods.eks.amazonaws.com.cn"),
        tags("shop", "cart"),
        nothing(),
        named(),
    );
    let external = json!({"externalId": "eu-west-1/111122223333/prod/shop/cart"});
    // Of the cluster it tells account and region, too.
    let pod_of_arn = || Workload {
        cluster: Some("arn:aws:eks:eu-west-1:111122223333:cluster/prod".to_owned()),
        ..pod("shop", "cart")
    };
    check_opener(
        service(EKS),
        external.clone(),
        nothing(),
        Some(Opener::Named(pod_of_arn())),
    );
    check_opener(
        service(EKS),
        nothing(),
        nothing(),
        Some(Opener::Unnamed(WorkloadKind::PodIdentity)),
    );
    let short = json!({"externalId": "111122223333/prod/shop/cart"});
    check_opener(
        service(EKS),
        short,
        nothing(),
        Some(Opener::Unnamed(WorkloadKind::PodIdentity)),
    );
    let other = Opener::Named(Workload::plain(WorkloadKind::Service, "codebuild.amazonaws.com"));
    check_opener(
        service("codebuild.amazonaws.com"),
        tags("shop", "cart"),
        nothing(),
        Some(other),
    );
    let role = json!({"type": "AssumedRole", "principalId": "AROACI:s", "accessKeyId": "ASIACI",
        "sessionContext": {"sessionIssuer": {"principalId": "AROACI", "arn": "arn:aws:iam::111122223333:role/ci"}}});
    let caller = Workload::plain(WorkloadKind::Principal, "arn:aws:iam::111122223333:role/ci");
    let claim = Opener::Claimed(Box::new(Claim {
        caller: caller.clone(),
        role_id: "AROACI".to_owned(),
        session: "ASIACI".to_owned(),
        pod: pod_of_arn(),
    }));
    check_opener(role.clone(), external, nothing(), Some(claim));
    check_opener(role.clone(), nothing(), nothing(), Some(Opener::Named(caller.clone())));
    // A cluster's first role is of the cluster's account.
    let foreign = json!({"externalId": "eu-west-1/999988887777/prod/shop/cart"});
    check_opener(role, foreign, nothing(), Some(Opener::Named(caller.clone())));
    let user = json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ana", "principalId": "AIDAANA", "accessKeyId": "AKIA"});
    let ana = Workload::plain(WorkloadKind::Principal, "arn:aws:iam::111122223333:user/ana");
    check_opener(user, tags("shop", "cart"), nothing(), Some(Opener::Named(ana)));
}

#[track_caller]
fn check_web(user_name: Option<&str>, subject: Option<&str>, provider: Option<&str>, expected: Opener) {
    let mut identity = json!({"type": "WebIdentityUser"});
    if let Some(name) = user_name {
        identity["userName"] = json!(name);
    }
    if let Some(provider) = provider {
        identity["identityProvider"] = json!(provider);
    }
    let mut response =
        json!({"provider": "arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/CHINA"});
    if let Some(subject) = subject {
        response["subjectFromWebIdentityToken"] = json!(subject);
    }
    check_opener(identity, json!({"roleSessionName": "1"}), response, Some(expected));
}

#[test]
fn service_accounts_are_named_by_their_tokens() {
    let cart = |cluster: &str| {
        Opener::Named(Workload {
            kind: WorkloadKind::ServiceAccount,
            cluster: Some(cluster.to_owned()),
            namespace: Some("shop".to_owned()),
            name: "cart".to_owned(),
        })
    };
    let (sub, gov) = (
        "system:serviceaccount:shop:cart",
        "arn:aws-us-gov:iam::111122223333:oidc-provider/oidc.eks.us-gov-west-1.amazonaws.com/id/GOV",
    );
    check_web(Some(sub), None, Some(gov), cart("GOV"));
    check_web(None, Some(sub), Some(gov), cart("GOV"));
    check_web(Some("HIDDEN_DUE_TO_SECURITY_REASONS"), Some(sub), None, cart("CHINA"));
    let github = |name: &str| Opener::Named(Workload::plain(WorkloadKind::WebIdentity, name));
    check_web(Some("repo:o/r:ref:main"), None, None, github("repo:o/r:ref:main"));
    check_web(Some(""), None, None, Opener::Unnamed(WorkloadKind::WebIdentity));
    check_web(
        Some("system:serviceaccount:shop"),
        None,
        None,
        github("system:serviceaccount:shop"),
    );
    check_web(
        Some("system:serviceaccount:a:b:c"),
        None,
        None,
        github("system:serviceaccount:a:b:c"),
    );
}

#[test]
fn other_services_are_named_as_they_name_their_sessions() {
    let opened = |service: &str, kind: WorkloadKind, name: &str| {
        let identity = json!({"type": "AWSService", "invokedBy": service});
        let expected = Some(Opener::Named(Workload::plain(kind, name)));
        check_opener(identity, json!({"roleSessionName": "the-name"}), json!({}), expected);
    };
    opened("ec2.amazonaws.com", WorkloadKind::Ec2, "the-name");
    opened("ec2.amazonaws.com.cn", WorkloadKind::Ec2, "the-name");
    opened("lambda.amazonaws.com", WorkloadKind::Lambda, "the-name");
    opened("ecs-tasks.amazonaws.com", WorkloadKind::Ecs, "the-name");
    // Fargate's own role, hybrid nodes by Roles Anywhere and by Systems Manager.
    for service in [
        "eks-fargate-pods.amazonaws.com",
        "rolesanywhere.amazonaws.com",
        "ssm.amazonaws.com",
    ] {
        opened(service, WorkloadKind::Service, service);
    }
    let ec2 = json!({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"});
    check_opener(ec2, json!({}), json!({}), Some(Opener::Unnamed(WorkloadKind::Ec2)));
}
