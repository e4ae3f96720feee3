//! How dangerous an action is in the wrong hands; suggestions are ranked by the risk that they remove.

use std::cmp::Reverse;

use crate::catalog::{AccessLevel, ActionId, Catalog, Sensitive, escalation_paths, sensitive};
use crate::gap::ActionSet;

/// What opens a way to more permissions by itself weighs so much.
const ESCALATION: u64 = 100;

/// The weight of one action: the greatest of what it does to data and permissions, of its class among sensitive actions,
/// and of its share in a path of escalation.
pub fn weight(catalog: &Catalog, action: ActionId) -> u64 {
    let name = catalog.name(action);
    let by_level = match catalog.access_level(action) {
        AccessLevel::PermissionsManagement => 20,
        AccessLevel::Write => 3,
        AccessLevel::Read | AccessLevel::Tagging => 1,
        AccessLevel::List => 0,
    };
    let by_class = match sensitive(name) {
        None => 0,
        Some(Sensitive::DataAccess) => 10,
        Some(Sensitive::ResourceExposure) => 30,
        Some(Sensitive::CredentialExposure) => 60,
        Some(Sensitive::PrivilegeEscalation) => ESCALATION,
    };
    by_level.max(by_class).max(share(name))
}

/// The share that an action has in the shortest path that needs it. Handing over the role weighs in full in each.
fn share(name: &str) -> u64 {
    const PASS: &str = "iam:PassRole";
    let of_path = |actions: &[&str]| {
        let beside = actions
            .iter()
            .filter(|action| **action != PASS && !only_looks(action))
            .count() as u64;
        if name == PASS {
            ESCALATION
        } else {
            ESCALATION / beside.max(1)
        }
    };
    let paths = escalation_paths().iter().map(|path| path.actions.as_slice());
    let with = paths.filter(|actions| actions.contains(&name) && !only_looks(name));
    with.map(of_path).max().unwrap_or(0)
}

/// Whether a step of a path only finds out where the next one goes.
fn only_looks(action: &str) -> bool {
    action == "ec2:DescribeInstances"
}

/// What every action of the catalog weighs, looked up once for thousands of suggestions.
#[derive(Clone, Debug)]
pub struct Risks {
    /// By action.
    weights: Vec<u64>,
    /// Actions that do more than write data, the most dangerous first.
    dangerous: Vec<ActionId>,
}

impl Risks {
    /// The weights of all actions.
    pub fn new(catalog: &Catalog) -> Risks {
        let weights: Vec<u64> = catalog.ids().map(|action| weight(catalog, action)).collect();
        let mut dangerous: Vec<ActionId> = catalog.ids().filter(|action| weights[action.index()] >= 20).collect();
        let iam_first = |action: ActionId| catalog.service(action) != "iam";
        dangerous.sort_by_key(|action| (Reverse(weights[action.index()]), iam_first(*action), *action));
        Risks { weights, dangerous }
    }

    /// The weight of one action.
    pub fn weight(&self, action: ActionId) -> u64 {
        self.weights[action.index()]
    }

    /// The weight of some actions together.
    pub fn sum(&self, actions: &ActionSet) -> u64 {
        actions.iter().map(|action| self.weight(action)).sum()
    }

    /// Of some actions the most dangerous, at most `most`, none that only writes data.
    pub fn riskiest(&self, actions: &ActionSet, most: usize) -> Vec<ActionId> {
        let risky = self.dangerous.iter().copied();
        risky.filter(|action| actions.contains(*action)).take(most).collect()
    }
}

#[cfg(test)]
mod tests;
