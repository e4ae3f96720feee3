//! The documents themselves: each Allow statement's actions cut down to what stays, everything else as it was written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::names::names;
use super::quota::characters;
use super::{Candidate, Change, Step};
use crate::catalog::{ActionId, Catalog};
use crate::gap::ActionSet;
use crate::grants::{PolicyDocument, PolicyKind};
use crate::iam::{ActionPart, Effect, Statement};

/// How short the written form is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compactness {
    /// Fewest actions that a wildcard stands for.
    least: usize,
    /// Services that stay whole to save room.
    whole: BTreeSet<String>,
}

/// Whether a statement grants all services at once, so that whole services can go first.
pub(super) fn has_service_step(policy: &PolicyDocument) -> bool {
    policy.policy.as_ref().is_ok_and(|document| {
        document
            .statements
            .iter()
            .any(|statement| statement.effect == Effect::Allow && grants_everything(statement))
    })
}

fn grants_everything(statement: &Statement) -> bool {
    match &statement.action {
        ActionPart::Action(patterns) => patterns.iter().any(|pattern| matches!(pattern.text(), "*" | "*:*")),
        ActionPart::NotAction(_) => true,
    }
}

/// Documents without `removable`, in the order in which to try them: the finest that fits the quota first.
pub(super) fn candidates(
    catalog: &Catalog,
    policy: &PolicyDocument,
    removable: &BTreeMap<usize, ActionSet>,
    step: Step,
    quota: u64,
) -> Vec<Candidate> {
    let Ok(document) = &policy.policy else {
        return Vec::new();
    };
    let removable: BTreeMap<usize, ActionSet> = match step {
        Step::Actions => removable.clone(),
        Step::Services => removable
            .iter()
            .map(|(index, goes)| {
                let everything = document
                    .statements
                    .iter()
                    .any(|other| other.index == *index && grants_everything(other));
                (
                    *index,
                    if everything {
                        whole_services(catalog, goes)
                    } else {
                        goes.clone()
                    },
                )
            })
            .collect(),
    };
    let write = |compactness: &Compactness| candidate(catalog, policy, &document.statements, &removable, compactness);
    let original = characters(&policy.document);
    let mut fits = Vec::new();
    let mut compactness = Compactness {
        least: 4,
        whole: BTreeSet::new(),
    };
    for least in [4, 2] {
        compactness.least = least;
        let candidate = write(&compactness);
        if candidate.characters <= quota.max(original) {
            fits.push(candidate);
            break;
        }
    }
    if fits.is_empty() {
        // Services stay whole, those first that save most room for each action that then stays.
        for service in by_room_saved(catalog, &document.statements, &removable) {
            compactness.whole.insert(service);
            let candidate = write(&compactness);
            if candidate.characters <= quota.max(original) {
                fits.push(candidate);
                break;
            }
        }
    }
    fits
}

/// Of a set, the services that are in it whole.
fn whole_services(catalog: &Catalog, actions: &ActionSet) -> ActionSet {
    let mut whole = ActionSet::none(catalog);
    for (prefix, _) in catalog.services() {
        let range = catalog.service_range(prefix);
        if range
            .clone()
            .all(|action| actions.contains(ActionId::from_index(action as usize)))
        {
            range.for_each(|action| whole.insert(ActionId::from_index(action as usize)));
        }
    }
    whole
}

/// Services by the room that keeping them whole saves, for each action that it keeps, best first.
fn by_room_saved(catalog: &Catalog, statements: &[Statement], removable: &BTreeMap<usize, ActionSet>) -> Vec<String> {
    let mut saved: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for statement in statements.iter().filter(|statement| grants_everything(statement)) {
        let Some(goes) = removable.get(&statement.index) else {
            continue;
        };
        let stays = ActionSet::of_statement(catalog, statement).difference(goes);
        for name in names(catalog, &stays, "*", 2) {
            let service = name.split(':').next().unwrap_or("");
            let Some((service, _)) = catalog.services().find(|(known, _)| *known == service) else {
                continue;
            };
            saved.entry(service).or_default().0 += name.len() + 3;
        }
        for action in goes.iter() {
            if let Some((_, kept)) = saved.get_mut(catalog.service(action)) {
                *kept += 1;
            }
        }
    }
    let mut order: Vec<(&str, f64)> = saved
        .into_iter()
        .filter(|(service, (room, kept))| *room > service.len() + 5 && *kept > 0)
        .map(|(service, (room, kept))| (service, (room - service.len() - 5) as f64 / kept as f64))
        .collect();
    order.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    order.into_iter().map(|(service, _)| service.to_owned()).collect()
}

fn candidate(
    catalog: &Catalog,
    policy: &PolicyDocument,
    statements: &[Statement],
    removable: &BTreeMap<usize, ActionSet>,
    compactness: &Compactness,
) -> Candidate {
    let mut after = policy.document.clone();
    let single = after.get("Statement").is_some_and(Value::is_object);
    let written: Vec<Value> = match after.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    };
    let mut left = Vec::new();
    let mut removed = ActionSet::none(catalog);
    let mut stays_somewhere = ActionSet::none(catalog);
    for (statement, written) in statements.iter().zip(written) {
        let Some(goes) = removable.get(&statement.index) else {
            left.push(written);
            continue;
        };
        let granted = ActionSet::of_statement(catalog, statement);
        let mut goes = goes.clone();
        for service in &compactness.whole {
            for action in catalog.service_range(service) {
                goes.remove(ActionId::from_index(action as usize));
            }
        }
        removed.extend(&goes);
        stays_somewhere.extend(&granted.difference(&goes));
        if goes.is_empty() {
            left.push(written);
        } else if let Some(statement) = cut(catalog, statement, written, &goes, compactness) {
            left.push(statement);
        }
    }
    let none_left = left.is_empty();
    let statement = if single && left.len() == 1 {
        left.remove(0)
    } else {
        Value::Array(left)
    };
    if let Some(object) = after.as_object_mut() {
        object.insert("Statement".to_owned(), statement);
    }
    Candidate {
        change: match (none_left, policy.kind) {
            (false, _) => Change::Replace,
            (true, PolicyKind::Inline) => Change::Delete,
            (true, PolicyKind::Managed | PolicyKind::AwsManaged) => Change::Detach,
        },
        characters: characters(&after),
        removed: removed.difference(&stays_somewhere).iter().collect(),
        after,
    }
}

/// The statement without the actions that go; `None` where none is left.
fn cut(
    catalog: &Catalog,
    statement: &Statement,
    mut written: Value,
    goes: &ActionSet,
    compactness: &Compactness,
) -> Option<Value> {
    let mut left: Vec<String> = Vec::new();
    let mut add = |name: String| {
        if !left.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            left.push(name);
        }
    };
    match &statement.action {
        ActionPart::Action(patterns) => {
            let mut named = ActionSet::none(catalog);
            for pattern in patterns {
                let expanded = catalog.expand(pattern.lower());
                let mut stays = ActionSet::none(catalog);
                for action in expanded.iter().filter(|action| !goes.contains(**action)) {
                    stays.insert(*action);
                }
                // A pattern that the catalog does not know, or of which nothing goes, stays as it was written.
                if stays.len() == expanded.len() {
                    add(pattern.text().to_owned());
                    named.extend(&stays);
                } else {
                    let new = stays.difference(&named);
                    names(catalog, &new, pattern.lower(), compactness.least)
                        .into_iter()
                        .for_each(&mut add);
                    named.extend(&new);
                }
            }
        }
        ActionPart::NotAction(_) => {
            // What stays becomes explicit; each name is outside the statement's NotAction because the set is.
            let stays = ActionSet::of_statement(catalog, statement).difference(goes);
            names(catalog, &stays, "*", compactness.least)
                .into_iter()
                .for_each(&mut add);
        }
    }
    if left.is_empty() {
        return None;
    }
    let object = written.as_object_mut()?;
    let one = left.len() == 1 && !object.get("Action").is_some_and(Value::is_array);
    let value = if one { json!(left[0]) } else { json!(left) };
    if object.contains_key("Action") {
        object.insert("Action".to_owned(), value);
    } else {
        // The explicit list stands where NotAction stood.
        *object = std::mem::take(object)
            .into_iter()
            .map(|(name, old)| {
                if name == "NotAction" {
                    ("Action".to_owned(), value.clone())
                } else {
                    (name, old)
                }
            })
            .collect();
    }
    Some(written)
}
