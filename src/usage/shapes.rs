//! Resource shapes: many ARNs as few patterns, by a rule that does not depend on their order.
//!
//! ARNs form a tree, cut after each `:` and `/`. A node that gets more than [`CHILDREN`] children becomes `*` and
//! absorbs whatever comes later. Which nodes collapse depends on the set of ARNs alone, so merging tables in any order
//! gives the same shapes. A shape covers every ARN that it was made from, and may cover more: it can only keep.

use std::collections::{BTreeMap, BTreeSet};

/// Children of a node before it becomes a wildcard (`K`).
pub const CHILDREN: usize = 32;
/// Cuts below the sixth segment of an ARN that are kept apart: bucket and two folders of an object's key.
const DEPTH: usize = 3;

/// An ARN with what differs from call to call replaced by `*`: the depth of object keys, log streams and task ids,
/// and tokens that are dates, numbers, hashes or UUIDs.
pub fn generalise(arn: &str) -> String {
    let Some(resource_at) = nth_colon(arn, 5) else {
        return arn.to_owned();
    };
    let (head, resource) = arn.split_at(resource_at + 1);
    let service = arn.split(':').nth(2).unwrap_or("");
    // Names that people give, and ids that stand for one thing (a KMS key, a hosted zone), stay as they are.
    let passing = match service {
        "s3" => resource.contains('/'),
        "logs" => resource.contains(":log-stream:"),
        "ecs" => resource.starts_with("task/") || resource.starts_with("container-instance/"),
        "states" => resource.starts_with("execution:"),
        "sts" => true,
        _ => false,
    };
    if !passing {
        return arn.to_owned();
    }
    let mut shape = String::with_capacity(arn.len());
    shape.push_str(head);
    let tokens: Vec<&str> = resource.split_inclusive(['/', ':']).collect();
    for (index, token) in tokens.iter().enumerate() {
        if index == DEPTH {
            shape.push('*');
            break;
        }
        let (name, separator) = match token.strip_suffix(['/', ':']) {
            Some(name) => (name, &token[name.len()..]),
            None => (*token, ""),
        };
        if index > 0 && is_passing(name) {
            shape.push('*');
        } else {
            shape.push_str(name);
        }
        shape.push_str(separator);
    }
    shape
}

/// A token that says which occurrence, not which thing: it holds a long number, a hash, a UUID or a date.
fn is_passing(token: &str) -> bool {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let hexadecimal = token.len() >= 8
        && digits > 0
        && token
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-' || byte == b'_' || byte == b'T' || byte == b'Z');
    digits >= 6 || hexadecimal || (digits > 0 && digits == token.len()) || token.contains('=')
}

fn nth_colon(text: &str, n: usize) -> Option<usize> {
    text.bytes()
        .enumerate()
        .filter(|(_, byte)| *byte == b':')
        .nth(n - 1)
        .map(|(at, _)| at)
}

/// The shapes of a set of ARNs and shapes, sorted.
pub fn shapes<'a>(arns: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut root = Node::default();
    for arn in arns {
        root.insert(arn);
    }
    let mut out = BTreeSet::new();
    root.collect(&mut String::new(), &mut out);
    out
}

#[derive(Default)]
struct Node {
    children: BTreeMap<String, Node>,
    ends: bool,
    collapsed: bool,
}

impl Node {
    fn insert(&mut self, text: &str) {
        let mut node = self;
        let mut rest = text;
        loop {
            if node.collapsed {
                return;
            }
            if rest.is_empty() {
                node.ends = true;
                return;
            }
            if rest == "*" {
                node.collapse();
                return;
            }
            let cut = rest.find([':', '/']).map_or(rest.len(), |at| at + 1);
            let (token, after) = rest.split_at(cut);
            if !node.children.contains_key(token) && node.children.len() == CHILDREN {
                node.collapse();
                return;
            }
            node = node.children.entry(token.to_owned()).or_default();
            rest = after;
        }
    }

    fn collapse(&mut self) {
        self.children.clear();
        self.ends = false;
        self.collapsed = true;
    }

    fn collect(&self, prefix: &mut String, out: &mut BTreeSet<String>) {
        if self.collapsed {
            out.insert(format!("{prefix}*"));
            return;
        }
        if self.ends {
            out.insert(prefix.clone());
        }
        for (token, child) in &self.children {
            let length = prefix.len();
            prefix.push_str(token);
            child.collect(prefix, out);
            prefix.truncate(length);
        }
    }
}

#[cfg(test)]
mod tests;
