//! Hostile names, and lines no wider than asked.

use super::*;
use crate::report::inventory::graph::Chain;
use crate::report::inventory::{INVENTORY, Size};
use crate::report::{Edge, Node, RoleGraph, Window};

/// Two roles of one hostile name, one of which takes the other.
pub(in crate::emit) fn graph(bad: &str) -> RoleGraph {
    let node = |id: &str| Node {
        id: format!("{id}{bad}"),
        kind: "role".to_owned(),
        label: format!("{bad}\"]; evil \\"),
        account: bad.to_owned(),
        cluster: Some(bad.to_owned()),
        administrator: false,
    };
    RoleGraph {
        nodes: vec![node("a"), node("b")],
        edges: vec![Edge {
            from: format!("a{bad}"),
            to: format!("b{bad}"),
            kind: "assume_role".to_owned(),
            allowed: "unknown".to_owned(),
            conditions: vec![format!("{bad}\"]; evil \\")],
            seen: 1,
            across_accounts: false,
        }],
        chains: vec![Chain {
            arns: vec![bad.to_owned()],
            administrator: true,
            conditional: false,
            across_accounts: false,
        }],
        circles: vec![vec![bad.to_owned()]],
        left_out: 0,
    }
}

/// An inventory whose every text is hostile.
pub(super) fn hostile() -> Inventory {
    let bad = "\u{1b}[31m<script>|=cmd\u{202e}\n@x";
    let way = Way {
        kind: "irsa".to_owned(),
        who: bad.to_owned(),
        cluster: Some(bad.to_owned()),
        namespace: Some(bad.to_owned()),
        service_account: Some(bad.to_owned()),
        conditions: vec![bad.to_owned()],
        from: "trust".to_owned(),
        says: bad.to_owned(),
    };
    Inventory {
        schema: INVENTORY.to_owned(),
        window: Window::default(),
        logs: false,
        principals: vec![Entry {
            arn: format!("arn:aws:iam::111122223333:role/{bad}"),
            id: bad.to_owned(),
            kind: "role".to_owned(),
            account: "111122223333".to_owned(),
            created: String::new(),
            taken_by: vec![way],
            workloads: Vec::new(),
            calls: 0,
            last_used: None,
            last_used_by: None,
            policies: Vec::new(),
            permissions_boundary: Some(bad.to_owned()),
            size: Size::default(),
            split: None,
        }],
        clusters: Vec::new(),
        graph: graph(bad),
        notes: vec![bad.to_owned()],
    }
}

#[test]
fn strangers_texts_steer_no_format() {
    let inventory = hostile();
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("it is text")
    };
    let options = super::super::Options::default();
    let texts = [
        written(&|out| terminal(&inventory, &options, out).expect("written")),
        written(&|out| markdown(&inventory, out).expect("written")),
        written(&|out| html(&inventory, out).expect("written")),
        written(&|out| dot(&inventory, out).expect("written")),
        written(&|out| mermaid(&inventory, out).expect("written")),
    ];
    for text in &texts {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    assert!(!texts[1].contains("<script>") && !texts[2].contains("<script>"));
    let table = written(&|out| csv(&inventory, out).expect("written"));
    let rows: Vec<::csv::StringRecord> = ::csv::Reader::from_reader(table.as_bytes())
        .records()
        .collect::<Result<_, _>>()
        .expect("RFC 4180");
    assert_eq!(rows.len(), 1);
    assert!(rows[0].iter().all(|cell| !cell.starts_with('=')));
}

#[test]
fn no_line_is_wider_than_the_terminal_where_words_allow() {
    let mut inventory = hostile();
    inventory.principals[0].taken_by[0].says = "word ".repeat(60);
    let options = super::super::Options {
        width: 60,
        ..Default::default()
    };
    let mut out = Vec::new();
    terminal(&inventory, &options, &mut out).expect("written");
    let text = String::from_utf8(out).expect("it is text");
    let longest = text
        .lines()
        .filter(|line| line.contains("word word"))
        .map(str::len)
        .max();
    assert!(longest.is_some_and(|longest| longest <= 60), "{text}");
    assert!(text.contains("no logs were read"));
}
