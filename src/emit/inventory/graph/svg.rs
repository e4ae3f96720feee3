//! A drawing in layers, from those who act to the last role: places for boxes and arrows, which the page's template draws.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fold::Drawing;
use super::label;
use crate::emit::escape;
use crate::emit::view;
use crate::report::RoleGraph;

/// Width and height of a box, and the room between boxes.
const BOX: (usize, usize) = (250, 42);
const GAP: (usize, usize) = (110, 14);
/// Columns that fit into a box.
const FITS: usize = 28;
/// Times that layers are put in order by their neighbours.
const SWEEPS: usize = 6;

/// The drawing as the template wants it, of at most so many boxes; `null` where there is nothing to draw.
pub(in crate::emit) fn svg(graph: &RoleGraph, most: usize) -> Value {
    let drawing = Drawing::of(graph, most);
    if drawing.shapes.is_empty() {
        return Value::Null;
    }
    let layers = layers(&drawing);
    let mut at = vec![(0, 0); drawing.shapes.len()];
    for (column, layer) in layers.iter().enumerate() {
        for (row, shape) in layer.iter().enumerate() {
            at[*shape] = (4 + column * (BOX.0 + GAP.0), 4 + row * (BOX.1 + GAP.1));
        }
    }
    let shapes = drawing.shapes.iter().zip(&at).map(|(shape, (x, y))| {
        let class = match (shape.administrator, shape.is_principal) {
            (true, _) => "administrator",
            (false, true) => "principal",
            (false, false) => "outside",
        };
        json!({
            "x": x, "y": y, "name": escape::cut(&shape.name, FITS), "place": escape::cut(&shape.place, FITS),
            "full": shape.lines().collect::<Vec<_>>().join(", "), "class": class,
        })
    });
    let lines = drawing.lines.iter().map(|line| {
        let ((from_x, from_y), (to_x, to_y)) = (at[line.from], at[line.to]);
        let (start, end) = ((from_x + BOX.0, from_y + BOX.1 / 2), (to_x, to_y + BOX.1 / 2));
        let bend = GAP.0 as i64 / 2;
        let path = format!(
            "M{} {} C{} {} {} {} {} {}",
            start.0,
            start.1,
            start.0 as i64 + bend,
            start.1,
            end.0 as i64 - bend,
            end.1,
            end.0,
            end.1
        );
        let [from, to] = [line.from, line.to].map(|at| drawing.shapes[at].name.as_str());
        let says = label(line);
        let says = if says.is_empty() { says } else { format!(": {says}") };
        json!({"path": path, "class": line.allowed, "says": format!("{from} > {to}{says}")})
    });
    let tallest = layers.iter().map(Vec::len).max().unwrap_or_default();
    json!({
        "width": 8 + layers.len() * (BOX.0 + GAP.0) - GAP.0, "height": 8 + tallest * (BOX.1 + GAP.1) - GAP.1,
        "shapes": shapes.collect::<Vec<_>>(), "lines": lines.collect::<Vec<_>>(), "folded": drawing.is_folded,
        "left_out": (graph.left_out > 0).then(|| view::count(graph.left_out, "way", "ways")),
    })
}

/// Boxes by layer: each right of all that lead to it, arrows that close a circle aside.
fn layers(drawing: &Drawing) -> Vec<Vec<usize>> {
    let count = drawing.shapes.len();
    let mut of: Vec<Vec<usize>> = vec![Vec::new(); count];
    for line in drawing.lines.iter().filter(|line| line.from != line.to) {
        of[line.from].push(line.to);
    }
    let order = forward(&of);
    let rank: BTreeMap<usize, usize> = order.iter().enumerate().map(|(rank, at)| (*at, rank)).collect();
    let mut layer = vec![0; count];
    for at in &order {
        for next in of[*at].iter().filter(|next| rank[next] > rank[at]) {
            layer[*next] = layer[*next].max(layer[*at] + 1);
        }
    }
    let deepest = layer.iter().copied().max().unwrap_or_default();
    let mut layers = vec![Vec::new(); deepest + 1];
    for (at, layer) in layer.iter().enumerate() {
        layers[*layer].push(at);
    }
    let mut neighbours: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
    for line in &drawing.lines {
        neighbours[line.from].insert(line.to);
        neighbours[line.to].insert(line.from);
    }
    let mut row = vec![0.0; count];
    for layer in &layers {
        for (place, at) in layer.iter().enumerate() {
            row[*at] = place as f64;
        }
    }
    for _ in 0..SWEEPS {
        for layer in &mut layers {
            let middle = |at: &usize| {
                let of = &neighbours[*at];
                of.iter().map(|other| row[*other]).sum::<f64>() / (of.len().max(1) as f64)
            };
            layer.sort_by(|a, b| middle(a).total_cmp(&middle(b)).then(a.cmp(b)));
            for (place, at) in layer.iter().enumerate() {
                row[*at] = place as f64;
            }
        }
    }
    layers
}

/// Boxes in an order in which arrows lead forward, but for those that close a circle.
fn forward(of: &[Vec<usize>]) -> Vec<usize> {
    let mut is_led_to = vec![false; of.len()];
    of.iter().flatten().for_each(|next| is_led_to[*next] = true);
    let mut starts: Vec<usize> = (0..of.len()).collect();
    starts.sort_by_key(|at| is_led_to[*at]);
    let (mut seen, mut done) = (vec![false; of.len()], Vec::new());
    for start in starts {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        let mut open = vec![(start, 0)];
        while let Some((at, next)) = open.last_mut() {
            match of[*at].get(*next) {
                Some(to) => {
                    *next += 1;
                    if !seen[*to] {
                        seen[*to] = true;
                        open.push((*to, 0));
                    }
                }
                None => done.extend(open.pop().map(|(at, _)| at)),
            }
        }
    }
    done.reverse();
    done
}
