//! Small accounts: who takes whom, on what, and where that leads.

use serde_json::{Value, json};

use super::super::Graph;
use super::*;
use crate::catalog::Catalog;
use crate::grants;

const HOME: &str = "111122223333";
const AWAY: &str = "444455556666";

/// A role: account and name, whom it trusts (`Principal`, `Condition`), what it may do on what.
fn role(account: &str, name: &str, trust: Value, may: &[(&str, &str)]) -> Value {
    let statements: Vec<Value> = may
        .iter()
        .map(|(action, on)| json!({"Effect": "Allow", "Action": action, "Resource": on}))
        .collect();
    let mut statement = trust;
    statement["Effect"] = json!("Allow");
    statement["Action"] = json!("sts:AssumeRole");
    json!({"Arn": arn(account, name), "RoleName": name, "RoleId": format!("AROA{}", name.to_uppercase()), "Path": "/",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
        "AttachedManagedPolicies": []})
}

fn arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

fn trusts(who: &str) -> Value {
    json!({"Principal": {"AWS": who}})
}

fn of(roles: Vec<Value>) -> Grants {
    let page = json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": roles});
    grants::read(&[("g".to_owned(), page.to_string())]).expect("grants")
}

/// `a>b` for each that nothing holds back, `a?b` for each that something may.
fn check(roles: Vec<Value>, wanted: &[&str]) {
    let grants = of(roles);
    let graph = Graph::new(Catalog::embedded(), &grants);
    let name = |index: PrincipalIndex| grants.principals[index].name.as_str();
    let told: BTreeSet<String> = graph
        .takes()
        .all
        .iter()
        .map(|take| {
            let sign = if take.under.is_empty() { '>' } else { '?' };
            format!("{}{sign}{}", name(take.by), name(take.role))
        })
        .collect();
    assert_eq!(told, wanted.iter().map(|one| (*one).to_owned()).collect());
}

const NOTHING: [(&str, &str); 1] = [("sqs:SendMessage", "*")];

#[test]
fn one_account_asks_one_side_where_the_role_is_named_and_both_where_the_account_is() {
    let named = role(HOME, "named", trusts(&arn(HOME, "a")), &NOTHING);
    let whole = role(HOME, "whole", trusts(&format!("arn:aws:iam::{HOME}:root")), &NOTHING);
    let a = role(
        HOME,
        "a",
        json!({"Principal": {"Service": "ec2.amazonaws.com"}}),
        &NOTHING,
    );
    let b = role(
        HOME,
        "b",
        json!({"Principal": {"Service": "ec2.amazonaws.com"}}),
        &[("sts:*", "*")],
    );
    check(vec![named, whole, a, b], &["a>named", "b>whole"]);
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let guest =
        |name: &str, may: &[(&str, &str)]| role(HOME, name, json!({"Principal": {"Service": "x.amazonaws.com"}}), may);
    let there = role(
        AWAY,
        "there",
        json!({"Principal": {"AWS": [arn(HOME, "a"), arn(HOME, "b")]}}),
        &NOTHING,
    );
    let other = role(AWAY, "other", trusts(HOME), &NOTHING);
    let a = guest("a", &NOTHING);
    let b = guest("b", &[("sts:AssumeRole", &arn(AWAY, "the*"))]);
    check(vec![there, other, a, b], &["b>there"]);
}

#[test]
fn a_condition_leaves_it_open_and_an_organization_of_strangers_is_no_door() {
    let mut secret = trusts(HOME);
    secret["Condition"] = json!({"StringEquals": {"sts:ExternalId": "s3cret"}});
    let mut own = trusts(HOME);
    own["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": arn(HOME, "somebody-else")}});
    let roles = vec![
        role(AWAY, "secret", secret, &NOTHING),
        role(AWAY, "own", own, &NOTHING),
        role(
            HOME,
            "a",
            json!({"Principal": {"Service": "x.amazonaws.com"}}),
            &[("sts:AssumeRole", "*")],
        ),
    ];
    check(roles, &["a?secret"]);
}

#[test]
fn a_denial_and_a_role_that_takes_itself_are_no_edges() {
    let mut denied = role(HOME, "denied", trusts(HOME), &NOTHING);
    denied["AssumeRolePolicyDocument"]["Statement"]
        .as_array_mut()
        .expect("statements")
        .push(json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}));
    let own = role(HOME, "own", trusts(HOME), &[("*", "*")]);
    check(vec![denied, own], &[]);
}

#[test]
fn ways_to_power_are_the_shortest_and_circles_are_found_whatever_leads_into_them() {
    // outside > a > b > a, b > c > boss; the boss takes nobody.
    let to = |name: &str| vec![("sts:AssumeRole", arn(HOME, name))];
    let make = |name: &str, by: &[&str], may: Vec<(&'static str, String)>| {
        let by: Vec<String> = by.iter().map(|name| arn(HOME, name)).collect();
        let may: Vec<(&str, &str)> = may.iter().map(|(action, on)| (*action, on.as_str())).collect();
        role(HOME, name, json!({"Principal": {"AWS": by}}), &may)
    };
    let grants = of(vec![
        make("a", &["outside", "b"], to("b")),
        make("b", &["a"], to("a")),
        make("boss", &["c"], vec![("*", "*".to_owned())]),
        make("c", &["b"], to("boss")),
        make("outside", &["nobody"], to("a")),
    ]);
    let graph = Graph::new(Catalog::embedded(), &grants);
    let index = |name: &str| {
        grants
            .principals
            .iter()
            .position(|one| one.name == name)
            .expect("there")
    };
    let takes = graph.takes();
    let way: Vec<&str> = takes
        .to_power(index("outside"))
        .iter()
        .map(|take| grants.principals[take.role].name.as_str())
        .collect();
    assert_eq!(way, ["a", "b", "c", "boss"]);
    assert_eq!(takes.to_power(index("boss")), Vec::<&Take>::new());
    assert_eq!(takes.circles(), vec![vec![index("a"), index("b")]]);
}
