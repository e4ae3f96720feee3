//! Paths into request parameters: dots between members, `[]` after a list, `{}` after a map; `:verb` or `:versionId` at
//! the end asks for a part of the text there.

use crate::decode::json::Value;

/// Most values that one path yields; a request that lists more is cut, and then not complete.
pub(super) const MOST: usize = 256;

/// The values at a path, present and not null.
pub(super) fn values<'v, 'a>(root: &'v Value<'a>, path: &str) -> Vec<&'v Value<'a>> {
    let mut found = vec![root];
    for step in path.split('.') {
        let name = step.trim_end_matches("[]").trim_end_matches("{}");
        let mut next = Vec::new();
        for value in found {
            if name.is_empty() {
                next.push(value);
            } else if let Some(member) = value.get(name) {
                next.push(member);
            } else {
                next.extend(open(value).into_iter().filter_map(|value| value.get(name)));
            }
        }
        if step.ends_with("[]") {
            next = next.into_iter().flat_map(|value| open(value)).collect();
        } else if step.ends_with("{}") {
            next = next
                .into_iter()
                .flat_map(|value| value.members().iter().map(|(_, value)| value))
                .collect();
        }
        next.truncate(MOST);
        found = next;
    }
    // A header may be a list where the API has one value.
    let mut found: Vec<&Value<'_>> = found.into_iter().flat_map(open).collect();
    found.truncate(MOST);
    found.retain(|value| !is_empty(value));
    found
}

/// The request itself: newer EC2 calls log it as `{"DeleteNatGatewayRequest": {…}}`, some as `{"DelTGwVpcAttachReq": {…}}`.
pub(super) fn unwrapped(request: Value<'_>) -> Value<'_> {
    match request {
        Value::Object(mut members) if members.len() == 1 => {
            let (name, inner) = &members[0];
            let wraps = (name.ends_with("Request") || name.ends_with("Req")) && matches!(inner, Value::Object(_));
            match members.pop() {
                Some((_, inner)) if wraps => inner,
                last => Value::Object(last.into_iter().collect()),
            }
        }
        other => other,
    }
}

/// What a condition compares: the texts at a path, or the part of them that the path asks for, upper case for a verb.
pub(super) fn told(root: &Value<'_>, path: &str) -> Vec<String> {
    let (path, part) = path
        .split_once(':')
        .map_or((path, None), |(path, part)| (path, Some(part)));
    let texts = values(root, path).into_iter().filter_map(text);
    texts
        .filter_map(|text| match part {
            None => Some(text.to_owned()),
            Some("verb") => text.split_ascii_whitespace().next().map(str::to_ascii_uppercase),
            Some(name) => {
                let (_, query) = text.split_once('?')?;
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            }
        })
        .collect()
}

/// Whether something stands at a path of a condition.
pub(super) fn is_there(root: &Value<'_>, path: &str) -> bool {
    if path.contains(':') {
        !told(root, path).is_empty()
    } else {
        !values(root, path).is_empty()
    }
}

/// A list's elements. CloudTrail writes the lists of EC2's query protocol as `{"items": […]}` and S3's header values as
/// one-element lists, so a list may stand where the API has a value, and the other way round.
fn open<'v, 'a>(value: &'v Value<'a>) -> Vec<&'v Value<'a>> {
    match value {
        Value::Array(elements) => elements.iter().take(MOST).map(content).collect(),
        Value::Object(members) if members.len() == 1 && (members[0].0 == "items" || members[0].0 == "member") => {
            members[0].1.elements().iter().take(MOST).map(content).collect()
        }
        _ => vec![content(value)],
    }
}

/// Newer EC2 calls log an element of a list as `{"tag": 1, "content": …}`.
fn content<'v, 'a>(value: &'v Value<'a>) -> &'v Value<'a> {
    match value {
        Value::Object(members) if members.len() == 2 && value.get("tag").is_some() => {
            value.get("content").unwrap_or(value)
        }
        _ => value,
    }
}

/// Null, `""`, `[]` and `{}` carry nothing.
pub(super) fn is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.iter().all(is_empty),
        Value::Object(members) => members.is_empty(),
    }
}

/// The value as text: a string, number or truth value.
pub(super) fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(text) => Some(text),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
