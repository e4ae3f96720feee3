//! Whether the selectors of a trail take every event that would show an action.

use std::borrow::Cow;

use crate::catalog::{ActionId, Catalog, Mapping};
use crate::coverage::{Comparison, FieldSelector, Selector, Selectors};
use crate::iam::pattern;

/// What is asked of a trail: the events of one kind, of one caller, on some resources.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The resource type of a data event; `None` for a management event.
    pub(super) data_type: Option<&'a str>,
    /// Whether the events only read; `None` where that is not known.
    pub(super) reads: Option<bool>,
    /// The action that they would show.
    pub(super) action: ActionId,
    /// Patterns of the ARNs that data events name.
    pub(super) resources: &'a [String],
    /// Patterns of the caller's `userIdentity.arn`.
    pub(super) callers: &'a [String],
}

/// How much of what was asked for a trail takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    /// Every such event.
    All,
    /// Perhaps not every one, and which field decides.
    Some(String),
    /// No event of the kind.
    None,
}

/// How a field stands to what was asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Agrees {
    Never,
    Perhaps,
    Always,
}

/// Whether a trail with these selectors logs what was asked.
pub(super) fn takes(catalog: &Catalog, selectors: &Selectors, asked: &Asked<'_>) -> Takes {
    let mut some = None;
    for selector in &selectors.0 {
        match selector_takes(catalog, selector, asked) {
            Takes::All => return Takes::All,
            Takes::Some(field) => some = some.or(Some(field)),
            Takes::None => {}
        }
    }
    some.map_or(Takes::None, Takes::Some)
}

/// Whether some selector asks for the service or the name of an event, so that each action has an answer of its own.
pub(super) fn asks_by_action(selectors: &Selectors) -> bool {
    asks(selectors, &["eventSource", "eventName"])
}

/// Whether some selector asks for the caller.
pub(super) fn asks_by_caller(selectors: &Selectors) -> bool {
    asks(selectors, &["userIdentity.arn"])
}

fn asks(selectors: &Selectors, names: &[&str]) -> bool {
    let mut fields = selectors.0.iter().flat_map(|selector| &selector.fields);
    fields.any(|field| names.contains(&field.field.as_str()))
}

fn selector_takes(catalog: &Catalog, selector: &Selector, asked: &Asked<'_>) -> Takes {
    let mut doubt = None;
    for field in &selector.fields {
        // These tell what kind of events a selector is about; what else it asks hides some of a kind that is seen.
        let coarse = matches!(
            field.field.as_str(),
            "eventCategory" | "resources.type" | "resources.ARN" | "readOnly"
        );
        match (field_agrees(catalog, field, asked), coarse) {
            (Agrees::Always, _) => {}
            (Agrees::Never, true) => return Takes::None,
            (Agrees::Never, false) | (Agrees::Perhaps, _) => doubt = doubt.or(Some(field.field.clone())),
        }
    }
    doubt.map_or(Takes::All, Takes::Some)
}

fn field_agrees(catalog: &Catalog, field: &FieldSelector, asked: &Asked<'_>) -> Agrees {
    let texts = |texts: &[&str]| texts_agree(field, texts.iter().copied());
    match (field.field.as_str(), asked.data_type) {
        ("eventCategory", None) => texts(&["Management"]),
        ("eventCategory", Some(_)) => texts(&["Data"]),
        ("readOnly", _) => match asked.reads {
            Some(true) => texts(&["true"]),
            Some(false) => texts(&["false"]),
            None => texts(&["true"]).min(texts(&["false"])).max(Agrees::Perhaps),
        },
        // Every call is one of these; what a service does for itself is no use of a permission.
        ("eventType", _) => texts(&["AwsApiCall"]),
        ("resources.type", Some(data_type)) => texts(&[data_type]),
        ("resources.ARN", Some(_)) => texts_agree(field, asked.resources.iter().map(String::as_str)),
        ("userIdentity.arn", _) => texts_agree(field, asked.callers.iter().map(String::as_str)),
        ("eventSource" | "eventName", _) if field.any.is_empty() => {
            let hides = |(comparison, text): &(Comparison, String)| match comparison {
                Comparison::Equals => hides(catalog, &field.field, text, asked.action),
                Comparison::StartsWith | Comparison::EndsWith => true,
            };
            if field.none.iter().any(hides) {
                Agrees::Perhaps
            } else {
                Agrees::Always
            }
        }
        // Which names a call may be logged under is not known well enough to say that a list of them holds all.
        _ => Agrees::Perhaps,
    }
}

/// Whether events of one source or name may show the action.
fn hides(catalog: &Catalog, field: &str, text: &str, action: ActionId) -> bool {
    let service = catalog.service(action);
    if field == "eventSource" {
        let prefixes = catalog.prefixes_of(text);
        return prefixes.is_empty() || prefixes.iter().any(|prefix| prefix.eq_ignore_ascii_case(service));
    }
    match catalog.mapping(&format!("{service}.amazonaws.com"), text) {
        Mapping::Actions(needs) => needs.iter().any(|need| need.action == action),
        Mapping::NoPermission { .. } => false,
        Mapping::Unmapped { .. } => true,
    }
}

/// Whether a field's comparisons hold for every text of these patterns.
fn texts_agree<'t>(field: &FieldSelector, patterns: impl Iterator<Item = &'t str>) -> Agrees {
    let mut least = None;
    for pattern in patterns {
        let pattern = without_variables(pattern);
        let any = field
            .any
            .iter()
            .map(|test| compare(test, &pattern))
            .max()
            .unwrap_or(Agrees::Always);
        let none = field.none.iter().map(|test| match compare(test, &pattern) {
            Agrees::Always => Agrees::Never,
            Agrees::Perhaps => Agrees::Perhaps,
            Agrees::Never => Agrees::Always,
        });
        let agrees = none.min().unwrap_or(Agrees::Always).min(any);
        least = Some(least.map_or(
            agrees,
            |least: Agrees| if least == agrees { least } else { Agrees::Perhaps },
        ));
    }
    // Of no pattern nothing is known.
    least.unwrap_or(Agrees::Perhaps)
}

/// Whether one comparison holds for every text of a pattern.
fn compare((comparison, text): &(Comparison, String), pattern: &str) -> Agrees {
    // Selectors know no wildcards; a text with one could be misread below.
    if text.contains(['*', '?']) {
        return Agrees::Perhaps;
    }
    let as_pattern = match comparison {
        Comparison::Equals => text.clone(),
        Comparison::StartsWith => format!("{text}*"),
        Comparison::EndsWith => format!("*{text}"),
    };
    if pattern::includes(&as_pattern, pattern) {
        Agrees::Always
    } else if pattern::overlaps(&as_pattern, pattern) {
        Agrees::Perhaps
    } else {
        Agrees::Never
    }
}

/// The pattern with `*` for each policy variable.
fn without_variables(pattern: &str) -> Cow<'_, str> {
    if !pattern.contains("${") {
        return Cow::Borrowed(pattern);
    }
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
