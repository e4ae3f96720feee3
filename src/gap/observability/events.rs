//! How the use of an action shows in events: its source, whether it reads, how events name resources and callers.

use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::grants::{Kind, Principal};

/// How the names of operations begin that surely read.
const READING: [&str; 12] = [
    "BatchGet",
    "Describe",
    "Download",
    "Get",
    "Head",
    "List",
    "PartiQLSelect",
    "Query",
    "Scan",
    "Search",
    "Select",
    "View",
];

/// The event source that a trail may leave out, of a service that has one.
pub(super) fn excludable(service: &str) -> Option<&'static str> {
    match service {
        "kms" => Some("kms.amazonaws.com"),
        "rds-data" => Some("rdsdata.amazonaws.com"),
        _ => None,
    }
}

/// Whether the data events of an action are reads, where its name and AWS's classification agree.
pub(super) fn reads(catalog: &Catalog, id: ActionId) -> Option<bool> {
    let name = catalog.name(id).split_once(':').map_or("", |(_, name)| name);
    let named = READING.iter().any(|start| name.starts_with(start));
    match catalog.access_level(id) {
        AccessLevel::List | AccessLevel::Read if named => Some(true),
        AccessLevel::List | AccessLevel::Read => None,
        AccessLevel::Write | AccessLevel::PermissionsManagement | AccessLevel::Tagging if named => None,
        AccessLevel::Write | AccessLevel::PermissionsManagement | AccessLevel::Tagging => Some(false),
    }
}

/// A resource as data events and their selectors name it: a bucket by its objects, a version by its function, an index
/// by its table.
pub(super) fn named_by_events(arn: &str) -> String {
    let root = crate::resolve::root(arn);
    match arn.split(':').nth(2) {
        Some("s3") if !arn.contains('/') => format!("{arn}/*"),
        Some("s3") => arn.to_owned(),
        _ => root.to_owned(),
    }
}

/// Patterns of `userIdentity.arn` in the events of a principal.
pub(super) fn callers(principal: &Principal) -> Vec<String> {
    let partition = principal.arn.split(':').nth(1).unwrap_or("aws");
    let (account, name) = (&principal.account, &principal.name);
    match principal.kind {
        Kind::Role => vec![format!("arn:{partition}:sts::{account}:assumed-role/{name}/*")],
        // A user's own sessions keep its ARN, those for others (GetFederationToken) have one of their own.
        Kind::User => vec![
            principal.arn.clone(),
            format!("arn:{partition}:sts::{account}:federated-user/*"),
        ],
        Kind::Group => vec!["*".to_owned()],
    }
}
