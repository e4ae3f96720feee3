//! What EKS's commands print, in every order.

use serde_json::json;

use super::*;

const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";

fn read(values: &[Value]) -> Eks {
    let mut eks = Eks::default();
    for value in values {
        eks.read(value).expect("it is an answer of EKS");
    }
    eks
}

fn cluster(arn: &str, issuer: &str) -> Value {
    json!({"cluster": {"name": "prod", "arn": arn, "identity": {"oidc": {"issuer": issuer}}}})
}

#[test]
fn the_issuers_id_and_the_clusters_name_are_one_cluster() {
    let eks = read(&[cluster(CLUSTER, "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC")]);
    assert_eq!(eks.name_of("ABC"), "prod");
    assert_eq!(eks.name_of("prod"), "prod");
    assert_eq!(eks.name_of("DEF"), "DEF");
    assert_eq!(eks.name_of(""), "");
}

#[test]
fn clusters_of_one_name_are_told_apart_by_their_issuers_and_not_by_the_name() {
    let other = "arn:aws:eks:us-east-1:111122223333:cluster/prod";
    let eks = read(&[
        cluster(CLUSTER, "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"),
        cluster(other, "https://oidc.eks.us-east-1.amazonaws.com/id/DEF"),
    ]);
    assert_eq!(eks.name_of("DEF"), "prod (111122223333, us-east-1)");
    assert_eq!(eks.name_of("prod"), "prod");
}

#[test]
fn a_description_says_more_than_a_list_in_either_order() {
    let listed = json!({"associations": [{"clusterName": "prod", "namespace": "shop", "serviceAccount": "cart",
        "associationArn": "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/prod/a-1", "associationId": "a-1"}]});
    let mut described = json!({"association": listed["associations"][0].clone()});
    described["association"]["roleArn"] = json!("arn:aws:iam::111122223333:role/cart");
    described["association"]["disableSessionTags"] = json!(true);
    for values in [[listed.clone(), described.clone()], [described, listed]] {
        let eks = read(&values);
        let found: Vec<&Association> = eks.associations_of("arn:aws:iam::111122223333:role/cart").collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].no_session_tags);
    }
}

#[test]
fn a_described_access_entry_takes_the_place_of_a_listed_one() {
    let listed = json!({"accessEntries": ["arn:aws:iam::111122223333:role/node"]});
    let described = json!({"accessEntry": {"clusterName": "prod", "type": "EC2_LINUX",
        "principalArn": "arn:aws:iam::111122223333:role/node", "kubernetesGroups": ["system:nodes"]}});
    for values in [[listed.clone(), described.clone()], [described, listed]] {
        let entries = read(&values).access_entries;
        assert_eq!(entries.len(), 1);
        let entry = &entries[&("prod".to_owned(), "arn:aws:iam::111122223333:role/node".to_owned())];
        assert_eq!(entry.kind, "EC2_LINUX");
    }
}

#[test]
fn what_is_no_answer_of_eks_is_refused_and_an_empty_list_is_not() {
    for (value, why) in [
        (
            json!({"UserDetailList": []}),
            "no cluster, association or access entry is in it",
        ),
        (json!({"cluster": {"name": "prod"}}), "a cluster has no ARN"),
        (
            json!({"association": {"clusterName": "prod"}}),
            "an association names no namespace and service account",
        ),
        (json!({"accessEntry": {}}), "an access entry names no principalArn"),
        (json!({"accessEntries": [1]}), "an entry of accessEntries is no ARN"),
        (json!(null), "no cluster, association or access entry is in it"),
    ] {
        assert_eq!(Eks::default().read(&value), Err(why.to_owned()));
    }
    assert_eq!(Eks::default().read(&json!({"associations": []})), Ok(()));
}

#[test]
fn a_snapshot_tells_of_an_association_what_its_description_does() {
    let described = read(&[
        json!({"association": {"clusterName": "prod", "namespace": "shop", "serviceAccount": "cart",
        "associationArn": "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/prod/a-1", "associationId": "a-1",
        "roleArn": "arn:aws:iam::111122223333:role/cart", "targetRoleArn": "arn:aws:iam::444455556666:role/cart",
        "disableSessionTags": true, "policy": "{}", "createdAt": 1767225600.5, "modifiedAt": 1767312000}}),
    ]);
    let mut kept = Eks::default();
    let mut value = json!({"region": "eu-west-1", "cluster": "prod", "namespace": "shop", "service_account": "cart",
        "role_arn": "arn:aws:iam::111122223333:role/cart", "target_role_arn": "arn:aws:iam::444455556666:role/cart",
        "association_id": "a-1", "disable_session_tags": true, "policy": "{}",
        "created_at": "2026-01-01T00:00:00Z", "modified_at": "2026-01-02T00:00:00Z"});
    kept.add_of_snapshot("111122223333", &value);
    let of = |eks: &Eks| eks.associations.values().cloned().collect::<Vec<_>>();
    assert_eq!(of(&kept), of(&described));
    let of_before = value.as_object_mut().expect("an object");
    of_before.retain(|key, _| !matches!(key.as_str(), "association_id" | "disable_session_tags" | "policy"));
    of_before.retain(|key, _| !key.ends_with("_at"));
    let mut kept = Eks::default();
    kept.add_of_snapshot("111122223333", &value);
    let Association {
        id,
        no_session_tags,
        has_policy,
        changed,
        ..
    } = of(&kept).remove(0);
    assert_eq!(
        (id.as_str(), no_session_tags, has_policy, changed),
        ("", false, false, None)
    );
}

#[test]
fn a_list_that_may_be_a_part_is_told_and_counts_as_one() {
    let list = |pods: &[(&str, &str)], token: &str| {
        let one = |(namespace, name): &(&str, &str)| {
            json!({"clusterName": "prod", "namespace": namespace, "serviceAccount": name,
                "associationArn": format!("arn:aws:eks:eu-west-1:111122223333:podidentityassociation/prod/a-{namespace}-{name}")})
        };
        json!({"associations": pods.iter().map(one).collect::<Vec<Value>>(), "nextToken": token})
    };
    let check = |lists: &[Value], expected: Option<Part>| {
        let eks = read(lists);
        assert_eq!(eks.partly_listed().next(), expected.map(|part| ("prod", part)));
        let mut both = Eks::default();
        for one in lists.iter().rev() {
            both.extend(read(std::slice::from_ref(one)));
        }
        assert_eq!(both.partly_listed().next(), expected.map(|part| ("prod", part)));
    };
    let whole = list(&[("shop", "cart"), ("tools", "log")], "");
    let cut = list(&[("shop", "cart"), ("tools", "log")], "abc");
    check(std::slice::from_ref(&whole), None);
    for (pods, part) in [
        (&[("shop", "cart"), ("shop", "web")], Part::Filtered),
        (&[("shop", "default"), ("tools", "default")], Part::Filtered),
    ] {
        check(&[list(pods, "")], Some(part));
        check(&[list(pods, ""), whole.clone()], None);
    }
    check(std::slice::from_ref(&cut), Some(Part::Cut));
    check(&[whole, cut], Some(Part::Cut));
}

#[test]
fn a_cluster_of_another_region_is_not_the_only_one_of_the_name() {
    let there = json!({"association": {"clusterName": "prod", "namespace": "shop", "serviceAccount": "cart",
        "associationArn": "arn:aws:eks:us-east-1:111122223333:podidentityassociation/prod/a-1"}});
    let described = cluster(CLUSTER, "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC");
    assert!(read(std::slice::from_ref(&described)).cluster("prod").is_some());
    assert!(read(&[described, there]).cluster("prod").is_none());
}
