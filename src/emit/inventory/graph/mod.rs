//! Who takes whom as a drawing: DOT for Graphviz, Mermaid for Markdown, SVG for the page.

mod fold;
mod svg;

use std::io::Write;

use super::super::{Error, escape};
use crate::report::{Edge, Inventory, RoleGraph};

use fold::{Drawing, Line};
pub(in crate::emit) use svg::svg;

/// Nodes that are drawn one by one.
pub(super) const NODES: usize = 200;
/// Columns of a label.
const WIDE: usize = 60;

/// Writes a digraph for Graphviz (`dot -Tsvg`).
///
/// # Errors
/// What the writer says.
pub fn dot(inventory: &Inventory, out: &mut dyn Write) -> Result<(), Error> {
    let drawing = Drawing::of(&inventory.graph, NODES);
    writeln!(out, "digraph roles {{")?;
    writeln!(out, "  rankdir=LR;")?;
    writeln!(out, "  node [shape=box, style=rounded, fontname=\"sans-serif\"];")?;
    writeln!(out, "  edge [fontname=\"sans-serif\", fontsize=10];")?;
    for (at, shape) in drawing.shapes.iter().enumerate() {
        let lines: Vec<String> = shape
            .lines()
            .map(|line| escape::dot(&escape::cut(line, WIDE)))
            .collect();
        let look = match (shape.administrator, shape.is_principal) {
            (true, _) => ", color=red, penwidth=2",
            (false, true) => "",
            (false, false) => ", style=\"rounded,dashed\"",
        };
        writeln!(out, "  n{at} [label=\"{}\"{look}];", lines.join("\\n"))?;
    }
    for line in &drawing.lines {
        let look = match line.allowed.as_str() {
            "yes" => "solid",
            "unknown" => "dashed",
            _ => "dotted",
        };
        let label = escape::dot(&escape::cut(&label(line), WIDE));
        writeln!(
            out,
            "  n{} -> n{} [label=\"{label}\", style={look}];",
            line.from, line.to
        )?;
    }
    writeln!(out, "}}")?;
    Ok(())
}

/// Writes a flowchart of Mermaid, as GitHub and GitLab draw it in a fence of that name.
///
/// # Errors
/// What the writer says.
pub fn mermaid(inventory: &Inventory, out: &mut dyn Write) -> Result<(), Error> {
    let drawing = Drawing::of(&inventory.graph, NODES);
    writeln!(out, "flowchart LR")?;
    for (at, shape) in drawing.shapes.iter().enumerate() {
        let lines: Vec<String> = shape
            .lines()
            .map(|line| escape::mermaid(&escape::cut(line, WIDE)))
            .collect();
        let class = match (shape.administrator, shape.is_principal) {
            (true, _) => ":::administrator",
            (false, true) => "",
            (false, false) => ":::outside",
        };
        writeln!(out, "  n{at}[\"{}\"]{class}", lines.join("<br>"))?;
    }
    for line in &drawing.lines {
        let arrow = if line.allowed == "yes" { "-->" } else { "-.->" };
        let label = label(line);
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", escape::mermaid(&escape::cut(&label, WIDE)))
        };
        writeln!(out, "  n{} {arrow}{label} n{}", line.from, line.to)?;
    }
    writeln!(out, "  classDef administrator stroke:#c62828,stroke-width:3px")?;
    writeln!(out, "  classDef outside stroke-dasharray:4 3")?;
    Ok(())
}

/// What an arrow says: what decides, and what was seen.
fn label(line: &Line) -> String {
    let mut parts = Vec::new();
    if line.count > 1 {
        parts.push(format!("{} ways", line.count));
    }
    match (line.allowed.as_str(), &line.conditions[..]) {
        ("no", _) => parts.push("not allowed today".to_owned()),
        (_, []) => {}
        (_, conditions) => parts.push(format!("if {}", conditions.join("; "))),
    }
    if line.seen > 0 {
        parts.push(format!("seen {}", super::view::number(line.seen)));
    }
    parts.join(", ")
}

/// The steps between roles and users in words, those that lead to an administrator first.
pub(in crate::emit) fn chains(graph: &RoleGraph) -> Vec<String> {
    let short = |arn: &String| super::view::short(arn);
    let chains = graph.chains.iter().map(|chain| {
        let mut says = chain.arns.iter().map(short).collect::<Vec<_>>().join(" > ");
        for (is_so, what) in [
            (chain.administrator, "ends at an administrator"),
            (chain.across_accounts, "crosses accounts"),
            (chain.conditional, "conditions decide"),
        ] {
            if is_so {
                says.push_str(&format!(", {what}"));
            }
        }
        says
    });
    let circles = graph.circles.iter();
    let circles = circles.map(|circle| {
        format!(
            "in a circle: {}",
            circle.iter().map(short).collect::<Vec<_>>().join(", ")
        )
    });
    chains.chain(circles).collect()
}

/// Who takes a role as role or user, in words.
pub(super) fn steps(inventory: &Inventory) -> Vec<String> {
    let step = |edge: &Edge| {
        let line = Line {
            from: 0,
            to: 0,
            count: 1,
            allowed: edge.allowed.clone(),
            conditions: edge.conditions.clone(),
            seen: edge.seen,
        };
        let label = label(&line);
        let rest = if label.is_empty() { label } else { format!(" ({label})") };
        format!(
            "{} > {}{rest}",
            super::view::short(&edge.from),
            super::view::short(&edge.to)
        )
    };
    let edges = inventory.graph.edges.iter();
    edges.filter(|edge| edge.kind == "assume_role").map(step).collect()
}

#[cfg(test)]
mod tests;
