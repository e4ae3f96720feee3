//! Event to IAM calls: which actions it needed on which resources, and what it may have needed beside them.
//!
//! Two steps, because a ledger outlives its catalog: [`observe`] keeps the facts of a request that decide, and
//! [`resolve`] turns facts into actions with the catalog at hand. What a fact does not tell may have been needed.
//!
//! Looking costs most of what counting costs. Calls whose [`Reading`] is equal say the same but for their own names, so
//! one look yields the [`Outline`] of all of them.

mod denial;
mod observe;
mod operation;
mod outcome;
mod outline;
mod path;
mod reads;
mod spelled;
mod templates;

use crate::catalog::{ALWAYS_LOGGED, ActionId, Catalog, How, Mapping, When};

pub use observe::{Facts, Observed, data_roots, is_data, is_management, observe, root, shown};
pub use operation::Operation;
pub use outcome::{Outcome, of_code, outcome};
pub use outline::{Outline, Piece, fill};
pub use reads::Reading;
pub(crate) use spelled::{ANY_ACCOUNT, thing};
pub use templates::{bare, session_policy};

/// The kind under which a role that was handed over stands in [`Facts::kinds`].
pub const PASSED_ROLE: &str = "passed-role";
/// The kind under which an instance profile that was handed over stands in [`Facts::kinds`].
pub const PASSED_PROFILE: &str = "passed-instance-profile";

/// One action that a call needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The action.
    pub action: ActionId,
    /// Resources, as ARNs or shapes; `*` where the action knows no resources.
    pub resources: Vec<String>,
    /// Whether `resources` are all that the action was asked for.
    pub complete: bool,
    /// How the action follows from the call.
    pub how: How,
}

/// What a call needed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resolution {
    /// Needed for sure.
    pub needs: Vec<Call>,
    /// Needed, or possibly needed: holds all of `needs`.
    pub may_need: Vec<Call>,
}

/// Whether the request met a condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Met {
    Yes,
    No,
    Unknown,
}

/// What a request with these facts and resources needed. Empty where the operation needs nothing or is unmapped.
pub fn resolve(catalog: &Catalog, operation: &Operation, facts: &Facts, resources: &[String]) -> Resolution {
    let mut resolution = Resolution::default();
    let Mapping::Actions(needs) = &operation.mapping else {
        return resolution;
    };
    let spelled: Vec<String> = resources.iter().flat_map(|shape| spelled::spelled(shape)).collect();
    let resources = &spelled[..];
    for need in needs
        .iter()
        .filter(|need| need.certain || !ruled_out(&need.when, facts))
    {
        let call = operation.call(catalog, need, facts, resources);
        if need.certain && met(&need.when, facts) == Met::Yes {
            add(&mut resolution.needs, call.clone());
        }
        // Logs do not show every header and default, so what another request would have needed this one may have, too:
        // the `*Version`, ACL and tagging twins of a call.
        add(&mut resolution.may_need, call);
    }
    passed_roles(catalog, operation, facts, resources, &mut resolution);
    resolution
}

/// A request that carries a role hands it to the service, which takes `iam:PassRole` on it (IAM user guide, "Grant a
/// user permissions to pass a role to an AWS service"). IAM and STS act on roles themselves.
fn passed_roles(
    catalog: &Catalog,
    operation: &Operation,
    facts: &Facts,
    resources: &[String],
    resolution: &mut Resolution,
) {
    let Some(pass_role) = catalog.id("iam:PassRole").filter(|_| operation.takes_roles) else {
        return;
    };
    if !facts.has_kind(PASSED_ROLE) && !facts.has_kind(PASSED_PROFILE) {
        return;
    }
    let roles: Vec<String> = resources
        .iter()
        .filter(|arn| arn.contains(":role/") || arn.contains(":instance-profile/"))
        .cloned()
        .collect();
    let call = Call {
        action: pass_role,
        complete: !roles.is_empty(),
        resources: roles,
        how: How::Inferred,
    };
    add(&mut resolution.needs, call.clone());
    add(&mut resolution.may_need, call);
}

/// Adds a call; one of the same action takes its resources up.
fn add(calls: &mut Vec<Call>, call: Call) {
    match calls.iter_mut().find(|known| known.action == call.action) {
        None => calls.push(call),
        Some(known) => {
            known.complete = known.complete && call.complete;
            known.how = known.how.min(call.how);
            for resource in call.resources {
                if !known.resources.contains(&resource) {
                    known.resources.push(resource);
                }
            }
        }
    }
}

fn met(when: &When, facts: &Facts) -> Met {
    match when {
        When::Always => Met::Yes,
        When::Present(paths) => any_present(paths, facts),
        When::Absent(paths) => match any_present(paths, facts) {
            Met::Yes => Met::No,
            Met::No => Met::Yes,
            Met::Unknown => Met::Unknown,
        },
        When::Equals { path, values } => {
            let wanted = |value: &str| values.iter().any(|wanted| wanted.eq_ignore_ascii_case(value));
            if facts.values(path).any(wanted) {
                Met::Yes
            } else if ruled_out(when, facts) {
                Met::No
            } else {
                match any_present(std::slice::from_ref(path), facts) {
                    Met::Yes | Met::Unknown => Met::Unknown,
                    Met::No => Met::No,
                }
            }
        }
    }
}

/// Whether the request itself says something else: another value where one was asked for.
fn ruled_out(when: &When, facts: &Facts) -> bool {
    let When::Equals { path, values } = when else {
        return false;
    };
    let wanted = |value: &str| values.iter().any(|wanted| wanted.eq_ignore_ascii_case(value));
    if values.iter().any(|value| value == ALWAYS_LOGGED) && facts.present(path) == Some(false) {
        return true;
    }
    facts.values(path).next().is_some() && !facts.values(path).any(wanted) && !facts.holds_others(path)
}

fn any_present(paths: &[String], facts: &Facts) -> Met {
    let mut unknown = false;
    for path in paths {
        match facts.present(path) {
            Some(true) => return Met::Yes,
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { Met::Unknown } else { Met::No }
}
