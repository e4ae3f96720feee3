//! The parts of a statement: from JSON, and back.

use serde_json::{Map, Value};

use super::{ActionPart, Error, Principal, PrincipalPart, ResourcePart, kind, wrong};
use crate::iam::{ActionPattern, Resource, Version};

pub(super) fn optional_text(object: &Map<String, Value>, place: &str, element: &str) -> Result<Option<String>, Error> {
    match object.get(element) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(
            format!("{place}.{element}").trim_start_matches('.'),
            format!("must be a string, not {}", kind(other)),
        )),
    }
}

/// A string or an array of strings; an empty array says nothing that a policy may say.
pub(super) fn texts_of(value: &Value, place: &str) -> Result<Vec<String>, Error> {
    let texts = match value {
        Value::String(text) => return Ok(vec![text.clone()]),
        Value::Array(texts) => texts,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(wrong(
                place,
                format!("must be a string or an array of strings, not {}", kind(value)),
            ));
        }
    };
    if texts.is_empty() {
        return Err(wrong(place, "is empty"));
    }
    texts
        .iter()
        .enumerate()
        .map(|(at, text)| match text {
            Value::String(text) => Ok(text.clone()),
            other => Err(wrong(
                &format!("{place}[{at}]"),
                format!("must be a string, not {}", kind(other)),
            )),
        })
        .collect()
}

/// The value under one of two names that exclude each other.
fn either<'a>(
    object: &'a Map<String, Value>,
    place: &str,
    [plain, negated]: [&'static str; 2],
) -> Result<Option<(&'static str, &'a Value)>, Error> {
    match (object.get(plain), object.get(negated)) {
        (Some(_), Some(_)) => Err(wrong(place, format!("has both {plain} and {negated}"))),
        (Some(value), None) => Ok(Some((plain, value))),
        (None, Some(value)) => Ok(Some((negated, value))),
        (None, None) => Ok(None),
    }
}

pub(super) fn action_part(object: &Map<String, Value>, place: &str) -> Result<ActionPart, Error> {
    let Some((name, value)) = either(object, place, ["Action", "NotAction"])? else {
        return Err(wrong(place, "has neither Action nor NotAction"));
    };
    let patterns = texts_of(value, &format!("{place}.{name}"))?
        .into_iter()
        .map(ActionPattern::new)
        .collect();
    Ok(if name == "Action" {
        ActionPart::Action(patterns)
    } else {
        ActionPart::NotAction(patterns)
    })
}

pub(super) fn resource_part(object: &Map<String, Value>, place: &str, version: Version) -> Result<ResourcePart, Error> {
    let Some((name, value)) = either(object, place, ["Resource", "NotResource"])? else {
        return Ok(ResourcePart::None);
    };
    let texts = texts_of(value, &format!("{place}.{name}"))?;
    let resources = texts.into_iter().map(|text| Resource::new(text, version)).collect();
    Ok(if name == "Resource" {
        ResourcePart::Resource(resources)
    } else {
        ResourcePart::NotResource(resources)
    })
}

pub(super) fn principal_part(object: &Map<String, Value>, place: &str) -> Result<PrincipalPart, Error> {
    let Some((name, value)) = either(object, place, ["Principal", "NotPrincipal"])? else {
        return Ok(PrincipalPart::None);
    };
    let place = format!("{place}.{name}");
    let principals = match value {
        Value::String(text) if text == "*" => vec![Principal::Everyone],
        Value::Object(kinds) => {
            let mut principals = Vec::new();
            for (kind, value) in kinds {
                for text in texts_of(value, &format!("{place}.{kind}"))? {
                    principals.push(match kind.as_str() {
                        "AWS" if text == "*" => Principal::Everyone,
                        "AWS" => Principal::Aws(text),
                        "Service" => Principal::Service(text),
                        "Federated" => Principal::Federated(text),
                        "CanonicalUser" => Principal::CanonicalUser(text),
                        other => return Err(wrong(&place, format!("unknown kind of principal `{other}`"))),
                    });
                }
            }
            if principals.is_empty() {
                return Err(wrong(&place, "is empty"));
            }
            principals
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(wrong(
                &place,
                format!("must be \"*\" or an object, not {}", kind(value)),
            ));
        }
    };
    Ok(if name == "Principal" {
        PrincipalPart::Principal(principals)
    } else {
        PrincipalPart::NotPrincipal(principals)
    })
}

pub(super) fn same_spelling(a: &ActionPart, b: &ActionPart) -> bool {
    let (a, b) = match (a, b) {
        (ActionPart::Action(a), ActionPart::Action(b)) | (ActionPart::NotAction(a), ActionPart::NotAction(b)) => (a, b),
        (ActionPart::Action(_), ActionPart::NotAction(_)) | (ActionPart::NotAction(_), ActionPart::Action(_)) => {
            return false;
        }
    };
    a.iter().map(ActionPattern::text).eq(b.iter().map(ActionPattern::text))
}

pub(super) fn resource_texts(resources: &[Resource]) -> Vec<String> {
    resources.iter().map(|resource| resource.text().to_owned()).collect()
}

/// Removes `names` and puts `element` in the place of the first of them, or at the end.
pub(super) fn put<const N: usize>(object: &mut Map<String, Value>, names: [&str; N], element: Option<(&str, Value)>) {
    let at = object
        .keys()
        .position(|key| names.contains(&key.as_str()))
        .unwrap_or(object.len());
    for name in names {
        object.shift_remove(name);
    }
    if let Some((name, value)) = element {
        object.shift_insert(at.min(object.len()), name.to_owned(), value);
    }
}

pub(super) fn print_list<'a>(texts: impl Iterator<Item = &'a str>) -> Value {
    let mut texts: Vec<Value> = texts.map(Value::from).collect();
    match texts.len() {
        1 => texts.remove(0),
        _more => Value::Array(texts),
    }
}

pub(super) fn print_principals(principals: &[Principal]) -> Value {
    if principals == [Principal::Everyone] {
        return "*".into();
    }
    let mut out: Map<String, Value> = Map::new();
    for kind in ["AWS", "Service", "Federated", "CanonicalUser"] {
        let texts: Vec<&str> = principals
            .iter()
            .filter(|p| p.kind() == kind)
            .map(Principal::text)
            .collect();
        if !texts.is_empty() {
            out.insert(kind.to_owned(), print_list(texts.into_iter()));
        }
    }
    Value::Object(out)
}
