//! What is dangerous in the wrong hands: the ways to more permissions than one has, and sensitive actions by class.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::table::rows;

/// A public way by which a principal gets more than it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EscalationPath {
    /// Its name on pathfinding.cloud, such as `iam-005`.
    pub id: &'static str,
    /// `self-escalation`, `principal-access`, `new-passrole` or `existing-passrole`.
    pub category: &'static str,
    /// The service that a role is passed to, where one is.
    pub passed_to: Option<&'static str>,
    /// Whom its IAM actions are about.
    pub target: Target,
    /// What it takes, all together.
    pub actions: Vec<&'static str>,
}

/// Whom or what the IAM actions of a path are about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The principal itself.
    Itself,
    /// A managed policy that it has.
    OwnPolicy,
    /// A group that it belongs to.
    OwnGroup,
    /// A group that it may join.
    OtherGroup,
    /// Another user.
    OtherUser,
    /// Another role, or a policy that such a role has.
    OtherRole,
    /// A role that it hands to a service.
    PassedRole,
    /// None: the path has no IAM action.
    Nobody,
}

/// Why an action is sensitive, the least grave first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sensitive {
    /// Reads what people store.
    DataAccess,
    /// Lets others at a resource.
    ResourceExposure,
    /// Hands out credentials.
    CredentialExposure,
    /// Changes what somebody may do.
    PrivilegeEscalation,
}

/// All paths, sorted by id.
pub fn escalation_paths() -> &'static [EscalationPath] {
    static PATHS: OnceLock<Vec<EscalationPath>> = OnceLock::new();
    PATHS.get_or_init(|| {
        rows(include_str!("data/escalation.tsv"))
            .filter_map(|row| match row.as_slice() {
                [id, category, passed_to, target, actions] => Some(EscalationPath {
                    id,
                    category,
                    passed_to: (*passed_to != "-").then_some(*passed_to),
                    target: target_of(target)?,
                    actions: actions.split(' ').collect(),
                }),
                _ => None,
            })
            .collect()
    })
}

fn target_of(text: &str) -> Option<Target> {
    Some(match text {
        "self" => Target::Itself,
        "own-policy" => Target::OwnPolicy,
        "own-group" => Target::OwnGroup,
        "other-group" => Target::OtherGroup,
        "other-user" => Target::OtherUser,
        "other-role" => Target::OtherRole,
        "passed-role" => Target::PassedRole,
        "-" => Target::Nobody,
        _ => return None,
    })
}

/// Whether an action, by its full name in any case, is sensitive, and why.
pub fn sensitive(action: &str) -> Option<Sensitive> {
    static SENSITIVE: OnceLock<HashMap<String, Sensitive>> = OnceLock::new();
    let known = SENSITIVE.get_or_init(|| {
        rows(include_str!("data/sensitive.tsv"))
            .filter_map(|row| {
                let [action, class] = row.as_slice() else { return None };
                let class = match *class {
                    "data-access" => Sensitive::DataAccess,
                    "resource-exposure" => Sensitive::ResourceExposure,
                    "credential-exposure" => Sensitive::CredentialExposure,
                    "privilege-escalation" => Sensitive::PrivilegeEscalation,
                    _ => return None,
                };
                Some((action.to_ascii_lowercase(), class))
            })
            .collect()
    });
    known.get(&action.to_ascii_lowercase()).copied()
}

#[cfg(test)]
mod tests;
