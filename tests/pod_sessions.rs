//! A role that pods share, where it must stay one: a session policy for each, as the own policy of its association.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use trimtrail::inside::analysis;
use trimtrail::inside::grants::{self, SupplementFiles};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::rightsize::AlternativeKind;
use trimtrail::inside::{emit, source, usage};

use super::journey::{ACCOUNT, Folder, ROLE, allow, background, call, options, role};
use super::reported;

/// EKS opens a session of the role for a pod, which then calls.
fn pod(name: &str, key: &str, (source, operation): (&str, &str)) -> [Value; 2] {
    let tag = |key: &str, value: &str| json!({"key": key, "value": value});
    let tags = [
        tag("eks-cluster-name", "prod"),
        tag("kubernetes-namespace", "shop"),
        tag("kubernetes-service-account", name),
    ];
    let seed = call(
        3,
        "sts",
        "AssumeRole",
        json!({"eventTime": "2026-10-03T09:00:00Z",
            "userIdentity": {"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"},
            "requestParameters": {"roleArn": ROLE, "roleSessionName": "s", "tags": tags},
            "responseElements": {"credentials": {"accessKeyId": key, "expiration": "Oct 3, 2026, 3:00:00 PM"},
                "assumedRoleUser": {"assumedRoleId": "AROAAPP:s"}}}),
    );
    let mut used = call(3, source, operation, json!({}));
    used["userIdentity"]["accessKeyId"] = json!(key);
    [seed, used]
}

fn trust(conditions: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": conditions}]})
}

/// Of each session policy whose it is, the inputs, the note; and the files.
type Sessions = (Vec<(String, Vec<Value>, String)>, BTreeSet<String>);

/// Session policies of `cart` and `web`, of which EKS tells `cart`'s association: for each whose it is, the inputs, the note;
/// and the files that they become.
fn sessions(trust: &Value) -> Sessions {
    let folder = Folder::new();
    let events = [
        background(),
        pod("cart", "ASIA1", ("ec2", "DescribeInstances")).to_vec(),
        pod("web", "ASIA2", ("ec2", "DescribeSubnets")).to_vec(),
    ];
    let log = folder.0.join("log.json");
    fs::write(&log, json!({"Records": (events.concat())}).to_string()).expect("a file");
    let sources = source::find(&[log.display().to_string()]).expect("a file");
    let (table, coverage) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let mut roles = role(&allow(&json!("ec2:Describe*"), &json!("*")));
    roles["RoleDetailList"][0]["AssumeRolePolicyDocument"] = trust.clone();
    let mut grants = grants::read(&[("g".to_owned(), roles.to_string())]).expect("grants");
    let association = json!({"association": {"clusterName": "prod", "namespace": "shop", "serviceAccount": "cart", "roleArn": ROLE,
        "associationId": "a-1", "associationArn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/prod/a-1")}});
    let eks = folder.0.join("eks.json");
    fs::write(&eks, association.to_string()).expect("a file");
    let files = SupplementFiles {
        eks: vec![eks],
        ..SupplementFiles::default()
    };
    grants.supplements = files.load().expect("an answer of EKS");
    let options = analysis::Options {
        alternatives: BTreeSet::from([AlternativeKind::SessionPolicy]),
        ..analysis::Options::of(&options())
    };
    let report = reported((&table, &coverage), &grants, &options);
    let with_held = emit::Options {
        include_held: true,
        ..emit::Options::default()
    };
    let out = folder.0.join("out");
    let written = emit::folder(&report, &out, &with_held).expect("a folder");
    let names = written.files.iter().filter_map(|path| {
        let name = path.strip_prefix(&out).unwrap_or(path).display().to_string();
        name.contains("/session/").then_some(name)
    });
    let told = report.alternatives.iter().filter_map(|one| {
        let whose = one.workload.clone()?;
        Some((whose, one.associations.clone(), one.note.clone()))
    });
    (told.collect(), names.collect())
}

#[test]
fn the_session_policy_of_a_pod_is_its_associations_own_with_its_price() {
    let (told, files) = sessions(&trust(&json!({})));
    let [(cart, of_cart, note), (web, of_web, _)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(
        (cart.as_str(), web.as_str()),
        ("pod_identity shop/cart", "pod_identity shop/web")
    );
    assert_eq!(of_cart[0]["associationId"], "a-1");
    assert_eq!(of_cart[0]["disableSessionTags"], true);
    let policy: Value = serde_json::from_str(of_cart[0]["policy"].as_str().expect("text")).expect("a policy");
    assert!(policy.to_string().contains("DescribeInstances"), "{policy}");
    assert!(!policy.to_string().contains("DescribeSubnets"), "{policy}");
    // Of the other nobody told the association.
    assert_eq!(of_web[0]["roleArn"], ROLE);
    assert_eq!(of_web[0]["serviceAccount"], "web");
    assert!(note.contains("the trail no longer tells the pods apart"), "{note}");
    let folder = format!("alternatives/{ACCOUNT}/role/app/session");
    for name in ["cart", "web"] {
        for file in ["policy.json", "association.json"] {
            let path = format!("{folder}/pod_identity%20shop%2F{name}/{file}");
            assert!(files.contains(&path), "{path}: {files:?}");
        }
    }
}

#[test]
fn a_role_that_asks_for_the_tags_cannot_do_without_them() {
    let (told, _) = sessions(&trust(
        &json!({"StringLike": {"aws:RequestTag/kubernetes-namespace": "shop"}}),
    ));
    assert_eq!(told.len(), 2);
    for (_, associations, note) in told {
        assert_eq!(associations, Vec::<Value>::new());
        assert!(note.contains("the role's trust policy asks for those tags"), "{note}");
    }
}
