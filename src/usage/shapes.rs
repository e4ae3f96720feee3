//! Resource shapes: many ARNs as few patterns, by a rule that does not depend on their order.
//!
//! ARNs form a tree, cut after each `:` and `/`. A node that gets more than [`CHILDREN`] children becomes `*` and
//! absorbs whatever comes later. Which nodes collapse depends on the set of ARNs alone, so merging tables in any order
//! gives the same shapes. A shape covers every ARN that it was made from, and may cover more: it can only keep.

/// Children of a node before it becomes a wildcard (`K`).
pub const CHILDREN: usize = 32;
/// Cuts below the sixth segment of an ARN that are kept apart: bucket and two folders of an object's key.
const DEPTH: usize = 3;

/// An ARN with what differs from call to call replaced by `*`: the depth of object keys, log streams and task ids,
/// and tokens that are dates, numbers, hashes or UUIDs.
pub fn generalise(arn: &str) -> String {
    let mut shape = String::with_capacity(arn.len());
    generalise_into(arn, &mut shape);
    shape
}

/// The same, appended.
pub(super) fn generalise_into(arn: &str, shape: &mut String) {
    let Some((head, service, resource)) = segments(arn) else {
        return shape.push_str(arn);
    };
    // A stream comes and goes; its group is named by people, with as many parts as they like.
    if service == "logs"
        && let Some((group, _)) = resource.split_once(":log-stream:")
    {
        shape.push_str(head);
        shape.push_str(group);
        return shape.push_str(":log-stream:*");
    }
    // Names that people give, and ids that stand for one thing (a KMS key, a hosted zone), stay as they are.
    let passing = match service {
        "s3" => resource.contains('/'),
        "ecs" => resource.starts_with("task/") || resource.starts_with("container-instance/"),
        "states" => resource.starts_with("execution:"),
        "sts" => true,
        _ => false,
    };
    if !passing {
        return shape.push_str(arn);
    }
    shape.push_str(head);
    for (index, token) in resource.split_inclusive(['/', ':']).enumerate() {
        if index == DEPTH {
            shape.push('*');
            break;
        }
        let name = token.trim_end_matches(['/', ':']);
        shape.push_str(if index > 0 && is_passing(name) { "*" } else { name });
        shape.push_str(&token[name.len()..]);
    }
}

/// An ARN's first five segments with their colons, its service, and its resource.
fn segments(arn: &str) -> Option<(&str, &str, &str)> {
    let mut colons = memchr::memchr_iter(b':', arn.as_bytes()).skip(1);
    let (partition, service, _region, account) = (colons.next()?, colons.next()?, colons.next()?, colons.next()?);
    let (head, resource) = arn.split_at(account + 1);
    Some((head, &arn[partition + 1..service], resource))
}

/// A token that says which occurrence, not which thing: it holds a long number, a hash, a UUID or a date.
fn is_passing(token: &str) -> bool {
    let (mut digits, mut hexadecimal, mut partition) = (0, true, false);
    for byte in token.bytes() {
        digits += usize::from(byte.is_ascii_digit());
        hexadecimal &= byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'_' | b'T' | b'Z');
        partition |= byte == b'=';
    }
    let long_hexadecimal = hexadecimal && token.len() >= 8;
    digits >= 6 || digits > 0 && (long_hexadecimal || digits == token.len()) || partition
}

/// The shapes of a set of ARNs and shapes, sorted.
pub fn shapes<'a>(arns: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut arns: Vec<&str> = arns.into_iter().collect();
    arns.sort_unstable();
    arns.dedup();
    // No node of so few gets too many children.
    if arns.len() <= CHILDREN {
        let absorbing: Vec<&str> = arns.iter().copied().filter(|arn| is_absorbing(arn)).collect();
        let absorbed = |arn: &str| absorbing.iter().any(|known| *known != arn && absorbs(known, arn));
        return arns
            .into_iter()
            .filter(|arn| !absorbed(arn))
            .map(str::to_owned)
            .collect();
    }
    let mut shapes = Vec::new();
    // Nodes that are not looked at yet, the next one last: ARNs that start alike, sorted, and how long that is.
    let mut nodes = vec![(&arns[..], 0)];
    while let Some((node, start)) = nodes.pop() {
        let same = |a: &&str, b: &&str| token(&a[start..]) == token(&b[start..]);
        let children = node.chunk_by(same).filter(|child| child[0].len() > start);
        let prefix = &node[0][..start];
        if children.clone().count() > CHILDREN || node.iter().any(|arn| &arn[start..] == "*") {
            shapes.push(format!("{prefix}*"));
            continue;
        }
        if node[0] == prefix {
            shapes.push(prefix.to_owned());
        }
        let first = nodes.len();
        nodes.extend(children.map(|child| (child, start + token(&child[0][start..]).len())));
        nodes[first..].reverse();
    }
    shapes
}

/// The text up to the first cut, cut included.
fn token(text: &str) -> &str {
    let cut = text.bytes().position(|byte| matches!(byte, b':' | b'/'));
    cut.map_or(text, |at| &text[..=at])
}

/// Whether a shape's last node is a wildcard.
pub(super) fn is_absorbing(shape: &str) -> bool {
    shape == "*" || shape.ends_with("/*") || shape.ends_with(":*")
}

/// Whether the wildcard at the end of an absorbing shape covers another one.
pub(super) fn absorbs(absorbing: &str, shape: &str) -> bool {
    shape.starts_with(&absorbing[..absorbing.len() - 1])
}

#[cfg(test)]
mod tests;
