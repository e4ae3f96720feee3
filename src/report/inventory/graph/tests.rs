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
