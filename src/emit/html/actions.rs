//! A principal's actions on the page: those of which there is something to tell one by one, the others together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::report::{Action, ActionGroup, Shared};

/// Fewer that are alike stand one by one.
const ALIKE: usize = 3;

/// The actions that stand one by one, the surest and most called first, and groups of those without calls that stay or go
/// for one reason.
pub(super) fn apart(actions: &[Action]) -> (Vec<&Action>, Vec<ActionGroup>) {
    let service = |action: &Action| action.action.split(':').next().unwrap_or_default().to_owned();
    let mut by_reason: BTreeMap<_, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        // Whatever else is told of an action keeps it apart.
        let is_plain = action.calls == 0 && action.blocked_by.is_none() && action.resources.is_empty();
        let apart = if is_plain { "" } else { &action.action };
        let reason = (service(action), action.grade, &action.why, apart);
        by_reason.entry(reason).or_default().push(action);
    }
    let (mut single, mut groups) = (Vec::new(), Vec::new());
    for ((service, grade, why, _), actions) in by_reason {
        if actions.len() < ALIKE {
            single.extend(actions);
            continue;
        }
        groups.push(ActionGroup {
            service,
            grade,
            why: why.clone(),
            count: actions.len() as u64,
            patterns: actions.iter().map(|action| action.action.clone()).collect(),
            granted_by: Vec::new(),
        });
    }
    single.sort_by(|a, b| (a.grade, b.calls, &a.action).cmp(&(b.grade, a.calls, &b.action)));
    (single, groups)
}

/// The `rows` groups of the most actions, in the report's order.
pub(super) fn largest(groups: &[Shared<ActionGroup>], rows: usize) -> Vec<&ActionGroup> {
    let mut places: Vec<usize> = (0..groups.len()).collect();
    places.sort_by_key(|at| (Reverse(groups[*at].count), *at));
    places.truncate(rows);
    places.sort_unstable();
    places.into_iter().map(|at| &*groups[at]).collect()
}
