//! What else stops a granted action whatever the request: an attribute of the action, never a reason to remove it.

use crate::catalog::{ActionId, Catalog};
use crate::gap::ActionSet;
use crate::grants::{Grants, OrganizationPolicies, PrincipalIndex};
use crate::iam::{Effect, Policy, ResourcePart, Statement};

/// What stops one principal's actions: unconditional denials, a boundary and service control policies that do not name
/// them, denials of resource control policies.
pub(super) struct Blocks {
    denied: ActionSet,
    bounded: Option<ActionSet>,
    service_control: ActionSet,
    resource_control: ActionSet,
}

impl Blocks {
    pub(super) fn of(catalog: &Catalog, grants: &Grants, index: PrincipalIndex) -> Blocks {
        let policies = grants.policies_of(index);
        let documents = policies
            .iter()
            .filter_map(|policy| grants.policies[*policy].policy.as_ref().ok());
        let denied = denied(catalog, documents);
        let principal = &grants.principals[index];
        let boundary = principal.permissions_boundary.as_ref();
        let boundary = boundary.and_then(|arn| grants.policies.iter().find(|policy| policy.arn == *arn));
        let bounded = boundary
            .and_then(|policy| policy.policy.as_ref().ok())
            .map(|policy| ActionSet::allowed_by(catalog, &policy.statements));
        let nothing = OrganizationPolicies::default();
        let organization = grants.supplements.organization.as_ref();
        let organization = organization
            .and_then(|accounts| accounts.get(&principal.account))
            // Service control policies do not bind the organization's own service-linked roles (Organizations user guide,
            // "Service control policies").
            .filter(|_| !principal.path.starts_with("/aws-service-role/"))
            .unwrap_or(&nothing);
        let mut service_control = denied_levels(catalog, &organization.service_control);
        for level in &organization.service_control {
            let passes = ActionSet::allowed_by(catalog, level.iter().flat_map(|policy| &policy.statements));
            service_control.extend(&ActionSet::all(catalog).difference(&passes));
        }
        Blocks {
            denied,
            bounded,
            service_control,
            resource_control: denied_levels(catalog, &organization.resource_control),
        }
    }

    pub(super) fn of_action(&self, action: ActionId) -> Option<String> {
        let by = if self.denied.contains(action) {
            "deny"
        } else if self.bounded.as_ref().is_some_and(|allowed| !allowed.contains(action)) {
            "boundary"
        } else if self.service_control.contains(action) {
            "scp"
        } else if self.resource_control.contains(action) {
            "rcp"
        } else {
            return None;
        };
        Some(by.to_owned())
    }
}

/// What policies deny on everything, whatever the request.
fn denied<'p>(catalog: &Catalog, policies: impl IntoIterator<Item = &'p Policy>) -> ActionSet {
    let everywhere = |statement: &Statement| match &statement.resource {
        ResourcePart::Resource(resources) => resources.iter().any(|resource| resource.is_everything()),
        ResourcePart::NotResource(_) | ResourcePart::None => false,
    };
    let mut set = ActionSet::none();
    for statement in policies.into_iter().flat_map(|policy| &policy.statements) {
        if statement.effect == Effect::Deny && statement.conditions.is_empty() && everywhere(statement) {
            set.extend(&ActionSet::of_statement(catalog, statement));
        }
    }
    set
}

fn denied_levels(catalog: &Catalog, levels: &[Vec<Policy>]) -> ActionSet {
    denied(catalog, levels.iter().flatten())
}
