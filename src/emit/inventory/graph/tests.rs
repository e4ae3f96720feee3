//! Drawings of invented graphs: names that would end a label, circles, and more than can be drawn one by one.

use super::svg::svg;
use super::*;
use crate::emit::inventory::tests::hostile;
use crate::report::{Node, RoleGraph};

fn node(id: &str, kind: &str, account: &str) -> Node {
    Node {
        id: id.to_owned(),
        kind: kind.to_owned(),
        label: id.to_owned(),
        account: account.to_owned(),
        cluster: None,
        administrator: false,
    }
}

fn edge(from: &str, to: &str, kind: &str) -> Edge {
    Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        kind: kind.to_owned(),
        allowed: "yes".to_owned(),
        conditions: Vec::new(),
        seen: 2,
        across_accounts: false,
    }
}

fn with(graph: RoleGraph) -> Inventory {
    Inventory { graph, ..hostile() }
}

fn written(write: fn(&Inventory, &mut dyn Write) -> Result<(), Error>, inventory: &Inventory) -> String {
    let mut out = Vec::new();
    write(inventory, &mut out).expect("written");
    String::from_utf8(out).expect("it is text")
}

#[test]
fn no_name_ends_its_label() {
    let inventory = hostile();
    for line in written(dot, &inventory).lines().filter(|line| line.contains("label=")) {
        // Outside of quotes there is nothing of a name: quotes that are not escaped are two for each attribute.
        let bare = line.replace("\\\\", "").replace("\\\"", "");
        let outside: String = bare.split('"').step_by(2).collect();
        assert_eq!(bare.matches('"').count() % 2, 0, "{line}");
        assert!(!outside.contains("evil") && !outside.contains("script"), "{line}");
    }
    for line in written(mermaid, &inventory)
        .lines()
        .filter(|line| line.contains("script"))
    {
        assert_eq!(line.matches('"').count(), 2, "{line}");
        let label = line.split('"').nth(1).expect("a label").replace("<br>", "");
        assert!(
            !label.contains(['<', '>', '`', '[', ']', '|', '=', '@', '\\']),
            "{label}"
        );
    }
}

#[test]
fn layers_lead_from_who_acts_to_the_last_role_and_a_circle_ends() {
    let graph = RoleGraph {
        nodes: ["a", "b", "c", "d"].map(|id| node(id, "role", "111122223333")).to_vec(),
        edges: ["ab", "bc", "cb", "ac", "cd"]
            .map(|pair| edge(&pair[..1], &pair[1..], "assume_role"))
            .to_vec(),
        ..RoleGraph::default()
    };
    let drawn = svg(&graph, NODES);
    let x = |name: &str| {
        let shapes = drawn["shapes"].as_array().expect("boxes");
        let of = shapes
            .iter()
            .find(|shape| shape["name"] == format!("role {name}"))
            .expect("drawn");
        of["x"].as_u64().expect("a place")
    };
    assert!(x("a") < x("b") && x("b") < x("c") && x("c") < x("d"), "{drawn}");
    assert_eq!(drawn["lines"].as_array().map(Vec::len), Some(5));
}

#[test]
fn what_is_too_much_becomes_one_box_and_chains_stay() {
    let many: Vec<String> = (0..300).map(|number| format!("app{number}")).collect();
    let mut nodes: Vec<Node> = many.iter().map(|name| node(name, "role", "111122223333")).collect();
    let mut edges: Vec<Edge> = many.iter().map(|name| edge("service:ec2", name, "ec2")).collect();
    nodes.push(node("service:ec2", "ec2", ""));
    nodes.extend(["hub", "spoke"].map(|id| node(id, "role", "444455556666")));
    edges.push(edge("hub", "spoke", "assume_role"));
    let inventory = with(RoleGraph {
        nodes,
        edges,
        ..RoleGraph::default()
    });
    let text = written(dot, &inventory);
    for wanted in [
        "300 roles\\naccount 111122223333",
        "role hub",
        "role spoke",
        "300 ways, seen 600",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(
        text.matches("shape=box").count() + text.matches("[label=").count(),
        1 + 4 + 2,
        "{text}"
    );
}
