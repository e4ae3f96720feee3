//! Calls that went through although no statement of their principal allows them.

use std::collections::BTreeMap;

use super::{RESOURCES, moment};
use crate::gap::{self, Cause, Gap};
use crate::report::{Elsewhere, Inputs, Unexplained};

/// What something other than the principal's policies authorised, by action: nothing that it holds could have.
pub(super) fn elsewhere(inputs: &Inputs<'_>, gap: &Gap) -> Vec<Elsewhere> {
    let mut found: BTreeMap<&str, Elsewhere> = BTreeMap::new();
    for call in gap.activity.unexplained.iter().filter(|call| call.calls > 0) {
        let why = match call.cause {
            Cause::OtherResources => continue,
            Cause::NotGranted => {
                "no policy in the grants allows it: a resource policy, or a policy that has changed since"
            }
            Cause::Trust => "the role's trust policy names the caller itself, which takes no policy of the caller's",
        };
        let action = inputs.catalog.name(call.action);
        let known = found.entry(action).or_insert_with(|| Elsewhere {
            action: action.to_owned(),
            resources: Vec::new(),
            calls: 0,
            last_seen: String::new(),
            why: why.to_owned(),
        });
        known.calls += call.calls;
        known.last_seen = moment(call.last.time).max(std::mem::take(&mut known.last_seen));
        known.resources.extend(call.resources.iter().cloned());
        known.resources.sort();
        known.resources.dedup();
        known.resources.truncate(RESOURCES);
    }
    found.into_values().collect()
}

/// What the principal's grants do not explain although they hold the action: all that could explain it stays.
pub(super) fn unexplained(inputs: &Inputs<'_>, gap: &Gap) -> Vec<Unexplained> {
    let calls = gap.activity.unexplained.iter();
    calls
        .filter(|call| call.cause == Cause::OtherResources)
        .map(|call| one(inputs, call))
        .collect()
}

fn one(inputs: &Inputs<'_>, call: &gap::Unexplained) -> Unexplained {
    let id = |id: &String| Some(id.clone()).filter(|id| !id.is_empty());
    Unexplained {
        event_source: call.event_source.clone(),
        event_name: call.event_name.clone(),
        action: inputs.catalog.name(call.action).to_owned(),
        resources: call.resources.iter().take(RESOURCES).cloned().collect(),
        calls: call.calls,
        indeterminate: call.indeterminate,
        first_seen: moment(call.first.time),
        last_seen: moment(call.last.time),
        event: id(&call.first.event_id),
        kept: call
            .kept
            .iter()
            .map(|action| inputs.catalog.name(*action).to_owned())
            .collect(),
        why: call.why(inputs.catalog),
    }
}
