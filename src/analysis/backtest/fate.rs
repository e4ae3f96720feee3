//! What becomes of one action on one resource when a principal's policies are replaced.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::learn::Learnt;
use crate::catalog::{ActionId, Catalog};
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::iam::subset::{self, NotKept};
use crate::iam::{ActionPart, Effect, Policy, Resource, ResourcePart, Version, arn};

/// What becomes of an action on a resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// The policies as they stand do not grant it; something else did.
    Elsewhere,
    /// Decided as before.
    Kept,
    /// What still grants it does so under other conditions, or on part of the resources.
    Doubtful,
    /// Nothing grants it any more.
    Broken,
}

/// All that a principal is granted, before and after.
pub(super) struct Change {
    before: Policy,
    after: Policy,
    /// Whether some policy of the principal could not be read, and so may grant anything.
    unread: bool,
    known: HashMap<(ActionId, String), Fate>,
}

impl Change {
    /// The change to a principal's policies; `None` where none of them changes.
    pub(super) fn of(
        grants: &Grants,
        principal: PrincipalIndex,
        learnt: &BTreeMap<PolicyIndex, Arc<Learnt>>,
    ) -> Option<Change> {
        let policies = grants.policies_of(principal);
        if !policies.iter().any(|policy| learnt.contains_key(policy)) {
            return None;
        }
        let mut unread = false;
        let mut union: Option<(Policy, Policy)> = None;
        for index in policies {
            let Ok(before) = &grants.policies[index].policy else {
                unread = true;
                continue;
            };
            let after = learnt.get(&index).map_or(before, |learnt| &learnt.after);
            match &mut union {
                None => union = Some((before.clone(), after.clone())),
                Some((all_before, all_after)) => {
                    all_before.statements.extend(before.statements.iter().cloned());
                    all_after.statements.extend(after.statements.iter().cloned());
                }
            }
        }
        let (before, after) = union?;
        Some(Change {
            before,
            after,
            unread,
            known: HashMap::new(),
        })
    }

    /// What becomes of an action on resources of a shape.
    pub(super) fn fate(&mut self, catalog: &Catalog, action: ActionId, shape: &str) -> Fate {
        let key = (action, shape.to_owned());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let fate = self.decide(catalog.name(action), &arn::of_shape(shape));
        self.known.insert(key, fate);
        fate
    }

    fn decide(&self, action: &str, shape: &str) -> Fate {
        if !may_allow(&self.before, action, shape) {
            // The call went through: where the action is granted on other resources, that may be why.
            return match subset::keeps(&self.before, &self.after, action, "*") {
                _ if !may_allow(&self.before, action, "*") => Fate::Elsewhere,
                Ok(()) => Fate::Kept,
                Err(NotKept::Lost { .. } | NotKept::Denied { .. }) => Fate::Doubtful,
            };
        }
        match subset::keeps(&self.before, &self.after, action, shape) {
            Ok(()) => Fate::Kept,
            Err(NotKept::Lost { .. }) if self.unread || may_allow(&self.after, action, shape) => Fate::Doubtful,
            Err(NotKept::Lost { .. } | NotKept::Denied { .. }) => Fate::Broken,
        }
    }
}

/// Whether some statement allows the action on some resource of the shape, conditions aside.
pub(super) fn may_allow(policy: &Policy, action: &str, shape: &str) -> bool {
    let shape = Resource::new(shape, Version::V2012);
    policy
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow)
        .any(|statement| {
            let concerned = match &statement.action {
                ActionPart::Action(patterns) => patterns.iter().any(|pattern| pattern.matches(action)),
                ActionPart::NotAction(patterns) => !patterns.iter().any(|pattern| pattern.matches(action)),
            };
            concerned
                && match &statement.resource {
                    ResourcePart::Resource(resources) => {
                        resources.iter().any(|resource| arn::overlaps(resource, &shape))
                    }
                    ResourcePart::NotResource(_) | ResourcePart::None => true,
                }
        })
}
