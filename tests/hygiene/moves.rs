//! The older way into a role closes for whoever was seen to move, and for nobody whom the same statement lets in.

use super::pods::{VPCS, app, by_service, calls, eks_takes, irsa, takes};
use super::unused::{advice, options};
use super::*;

const ID: &str = "between-irsa-and-pod-identity";

fn at(mut event: Value, time: &str) -> Value {
    event["eventTime"] = json!(time);
    if event["responseElements"]["credentials"].is_object() {
        event["responseElements"]["credentials"]["expiration"] = json!(time.replace("T10", "T20"));
    }
    event
}

/// Somebody's calls on each of sixty days.
fn days() -> Vec<Value> {
    let day = |day: u32| match day {
        0..30 => format!("2026-09-{:02}T12:00:00Z", day + 1),
        _ => format!("2026-10-{:02}T12:00:00Z", day - 29),
    };
    let days = (0..60).map(day);
    days.map(|time| at(event(1, "ec2", "DescribeVpcs", &json!({})), &time))
        .collect()
}

/// `shop/cart` comes by a token of cluster A on a day.
fn by_irsa(day: &str) -> Vec<Value> {
    vec![
        at(
            takes("AAAA", "shop:cart", "app", "ASIA1"),
            &format!("2026-{day}T10:00:00Z"),
        ),
        at(calls("app", "ASIA1", VPCS), &format!("2026-{day}T11:00:00Z")),
    ]
}

/// It comes by Pod Identity from the cluster `prod` of a region.
fn by_pods(region: &str) -> Vec<Value> {
    let opening = eks_takes("prod", ("shop", "cart"), "app", "ASIA9");
    let opening = opening
        .to_string()
        .replace("arn:aws:eks:eu-west-1:", &format!("arn:aws:eks:{region}:"));
    let opening = serde_json::from_str(&opening).expect("the same event");
    vec![
        at(opening, "2026-10-29T10:00:00Z"),
        at(calls("app", "ASIA9", VPCS), "2026-10-29T11:00:00Z"),
    ]
}

/// The commands, and the trust policy that they would write.
fn told(irsa: Value, day: &str, region: &str, eks: Option<&str>) -> (String, Option<String>) {
    let events = [days(), by_irsa(day), by_pods(region)].concat();
    let grants = app(&[irsa, by_service("pods.eks.amazonaws.com")]);
    let (fix, commands) = advice(ID, &events, &grants, eks, &options()).expect("it is told");
    (fix, commands.last().cloned())
}

fn prod() -> String {
    json!({"cluster": {"name": "prod", "arn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod"),
        "identity": {"oidc": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/AAAA"}}}})
    .to_string()
}

fn cart() -> Value {
    json!("system:serviceaccount:shop:cart")
}

#[test]
fn clusters_of_one_name_in_two_regions_are_two() {
    for eks in [None, Some(prod())] {
        let of = |region: &str| told(irsa("AAAA", &cart()), "09-02", region, eks.as_deref()).1;
        assert!(of("eu-west-1").is_some());
        assert_eq!(of("us-east-1"), None, "{eks:?}");
    }
}

#[test]
fn who_came_in_the_later_half_may_come_again() {
    let of = |day: &str| told(irsa("AAAA", &cart()), day, "eu-west-1", Some(&prod())).1.is_some();
    assert!(of("09-02"));
    assert!(of("09-20"));
    // Forty days before the end and twenty after the beginning is settled; twenty-nine days before the end is not.
    assert!(!of("10-01"));
}

#[test]
fn whom_else_a_statement_lets_in_it_lets_in_still() {
    let of = |irsa: Value| told(irsa, "09-02", "eu-west-1", Some(&prod())).1;
    let change = of(irsa("AAAA", &cart())).expect("it moved");
    assert!(!change.contains("id/AAAA"), "{change}");
    let two = irsa("AAAA", &json!([cart(), "system:serviceaccount:shop:report"]));
    let change = of(two).expect("one of them moved");
    assert!(change.contains("id/AAAA") && change.contains("shop:report"), "{change}");
    assert!(!change.contains("shop:cart"), "{change}");

    let with = |conditions: Value| {
        let mut statement = irsa("AAAA", &cart());
        statement["Condition"] = conditions;
        statement
    };
    let key = "oidc.eks.eu-west-1.amazonaws.com/id/AAAA:sub";
    assert!(of(with(json!({"StringLike": {key: cart()}}))).is_some());
    for conditions in [
        json!({}),
        json!({"StringLike": {key: "system:serviceaccount:*:*"}}),
        json!({"StringLike": {key: ["system:serviceaccount:shop:cart", "system:serviceaccount:shop:*"]}}),
        json!({"StringEqualsIfExists": {key: cart()}}),
        json!({"StringNotEquals": {key: "system:serviceaccount:shop:web"}}),
        json!({"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/AAAA:aud": "sts.amazonaws.com"}}),
    ] {
        assert_eq!(of(with(conditions.clone())), None, "{conditions}");
    }
}
