//! What goes whole or not at all: the last write that a policy's author named beside reads that are used, and statements
//! for things that carry tags which the same policy's creates set.

use std::collections::{BTreeMap, BTreeSet};

use super::Goal;
use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::gap::{ActionSet, Gap};
use crate::grants::{Grants, PolicyKind};
use crate::iam::{ActionPart, Effect, Policy, Statement};

/// Why a policy that people wrote should not lose its last write of a service whose reads are used: who reads before it
/// writes (a DNS controller without a change to make) shows the reads alone. Wildcards over a service name no write.
pub(super) fn last_write(catalog: &Catalog, gaps: &[Gap], grants: &Grants, goal: &Goal<'_>) -> Option<String> {
    let Goal {
        index,
        document,
        affects,
        removable,
        ..
    } = goal;
    let policy = &grants.policies[*index];
    if policy.kind == PolicyKind::AwsManaged {
        return None;
    }
    let used: BTreeSet<&str> = affects
        .iter()
        .flat_map(|principal| &gaps[*principal].slices)
        .filter(|slice| slice.policy == *index)
        .flat_map(|slice| slice.used.iter())
        .filter(|action| !writes(catalog, *action))
        .map(|action| catalog.service(action))
        .collect();
    let mut lost: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut kept: BTreeSet<&str> = BTreeSet::new();
    for statement in document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow)
    {
        let goes = removable.get(&statement.index);
        for action in named(catalog, statement)
            .into_iter()
            .filter(|action| writes(catalog, *action))
        {
            let service = catalog.service(action);
            if goes.is_some_and(|goes| goes.contains(action)) {
                lost.entry(service).or_default().push(catalog.name(action));
            } else {
                kept.insert(service);
            }
        }
    }
    let (service, names) = lost
        .into_iter()
        .find(|(service, _)| used.contains(service) && !kept.contains(service))?;
    let more = match names.len() {
        1 => String::new(),
        more => format!(" and {} more", more - 1),
    };
    Some(format!(
        "it would lose its last write of {service} ({}{more}), whose reads are used: does it write when there is something \
         to change?",
        names[0]
    ))
}

fn writes(catalog: &Catalog, action: ActionId) -> bool {
    match catalog.access_level(action) {
        AccessLevel::List | AccessLevel::Read => false,
        AccessLevel::Write | AccessLevel::PermissionsManagement | AccessLevel::Tagging => true,
    }
}

/// The actions that a statement names more closely than by their service.
fn named(catalog: &Catalog, statement: &Statement) -> BTreeSet<ActionId> {
    let ActionPart::Action(patterns) = &statement.action else {
        return BTreeSet::new();
    };
    let close = patterns.iter().filter(|pattern| {
        let name = pattern.lower().split_once(':').map_or("", |(_, name)| name);
        !name.is_empty() && !name.starts_with(['*', '?']) && !pattern.lower().starts_with('*')
    });
    close.flat_map(|pattern| catalog.expand(pattern.lower())).collect()
}

/// Statements that a condition ties to tags which creates of the same policy set, by their place: of them, what is
/// named stays as long as one action does.
pub(super) fn tied(document: &Policy) -> BTreeSet<usize> {
    let allows = || {
        document
            .statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
    };
    let mut set: BTreeSet<String> = BTreeSet::new();
    let mut any = false;
    for condition in allows().flat_map(|statement| &statement.conditions) {
        let key = condition.key.to_ascii_lowercase();
        if let Some(tag) = key.strip_prefix("aws:requesttag/") {
            set.insert(tag.to_owned());
        }
        if key == "aws:tagkeys" {
            set.extend(condition.values.iter().map(|tag| tag.to_ascii_lowercase()));
        }
        any |= key.ends_with(":createaction");
    }
    let tied = |statement: &&Statement| {
        statement.conditions.iter().any(|condition| {
            let key = condition.key.to_ascii_lowercase();
            key.split_once(":resourcetag/")
                .is_some_and(|(_, tag)| any || set.contains(tag))
        })
    };
    allows().filter(tied).map(|statement| statement.index).collect()
}

/// Of what may go of a tied statement: all that it names, or nothing of that.
pub(super) fn whole(catalog: &Catalog, statement: &Statement, removable: ActionSet) -> ActionSet {
    let names = named(catalog, statement);
    if names.iter().all(|action| removable.contains(*action)) {
        return removable;
    }
    let mut rest = removable;
    names.into_iter().for_each(|action| rest.remove(action));
    rest
}
