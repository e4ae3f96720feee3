//! Graphs of a few roles without logs, and with some events.

use serde_json::{Value, json};

use super::super::tests::of_grants;
use super::*;
use crate::grants::Eks;

fn role(name: &str, principal: Value, may: Value) -> Value {
    json!({"RoleName": name, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]},
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": may}}],
        "AttachedManagedPolicies": [], "InstanceProfileList": []})
}

fn arn(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

fn takes(name: &str) -> Value {
    json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn(name)}])
}

fn edges(graph: &RoleGraph) -> Vec<String> {
    let short = |id: &str| id.rsplit(['/', ':']).next().unwrap_or(id).to_owned();
    let edges = graph.edges.iter();
    edges
        .map(|edge| {
            format!(
                "{} {} {} {}",
                short(&edge.from),
                edge.kind,
                short(&edge.to),
                edge.allowed
            )
        })
        .collect()
}

#[test]
fn services_strangers_and_roles_lead_on_and_chains_say_where_they_end() {
    let root = json!({"AWS": "arn:aws:iam::111122223333:root"});
    let inventory = of_grants(
        vec![
            role("build", json!({"Service": "codebuild.amazonaws.com"}), takes("hop")),
            role("hop", root.clone(), takes("boss")),
            role(
                "boss",
                root,
                json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]),
            ),
            role("vendor", json!({"AWS": "999988887777"}), takes("none")),
        ],
        Eks::default(),
    );
    let graph = &inventory.graph;
    assert_eq!(
        edges(graph),
        [
            "999988887777 account vendor yes",
            "boss assume_role hop yes",
            "build assume_role hop yes",
            "hop assume_role boss yes",
            "amazonaws.com service build yes",
        ]
        .map(|line| line.replace("amazonaws.com service", "codebuild.amazonaws.com service"))
    );
    let chain = &graph.chains[0];
    assert_eq!(chain.arns, ["build", "hop", "boss"].map(arn));
    assert!(chain.administrator && !chain.conditional && !chain.across_accounts);
    assert_eq!(graph.circles, [["boss", "hop"].map(arn)]);
    let strong: Vec<&str> = graph
        .nodes
        .iter()
        .filter(|node| node.administrator)
        .map(|node| node.label.as_str())
        .collect();
    assert_eq!(strong, ["boss"]);
}

#[test]
fn what_is_left_out_is_counted_and_the_rest_has_both_ends() {
    let node = |id: &str| Node {
        id: id.to_owned(),
        kind: "role".to_owned(),
        label: id.to_owned(),
        account: String::new(),
        cluster: None,
        administrator: false,
    };
    let edge = |from: &str, to: &str, kind: &str, seen: u64| Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        kind: kind.to_owned(),
        allowed: "yes".to_owned(),
        conditions: Vec::new(),
        seen,
        across_accounts: false,
    };
    let whole = RoleGraph {
        nodes: ["a", "b", "c", "d", "e"].map(node).to_vec(),
        edges: vec![
            edge("a", "b", "ec2", 1),
            edge("b", "c", "assume_role", 0),
            edge("d", "c", "lambda", 9),
            edge("e", "a", "account", 0),
        ],
        ..RoleGraph::default()
    };
    let of = |most: usize| {
        let graph = whole.clone().most_telling(most);
        let ends: Vec<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
        (edges(&graph), ends.concat(), graph.left_out)
    };
    let (b, e, d) = ("b assume_role c yes", "e account a yes", "d lambda c yes");
    assert_eq!(of(1), (vec![b.to_owned()], "bc".to_owned(), 3));
    assert_eq!(of(2), (vec![b.to_owned(), e.to_owned()], "abce".to_owned(), 2));
    assert_eq!(
        of(3),
        (vec![b.to_owned(), d.to_owned(), e.to_owned()], "abcde".to_owned(), 1)
    );
    assert_eq!(of(4), (edges(&whole), "abcde".to_owned(), 0));
}
