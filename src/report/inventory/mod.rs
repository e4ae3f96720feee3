//! Who is there, who can take it, and what stands behind it: `trimtrail.inventory/1`.

mod clusters;
pub mod graph;
pub(super) mod ways;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use super::build::workloads_of;
use super::split::role_split;
use super::{RoleSplit, Window, Workload};
use crate::analysis::Archive;
use crate::catalog::{AccessLevel, Catalog, Sensitive, escalation_paths, sensitive};
use crate::gap::{ActionSet, Gap};
use crate::grants::{Grants, Kind, PrincipalIndex};
use crate::hygiene;
use crate::rightsize::{self, Risks};
use crate::time::moment;
use crate::verify::ProvedSplit;

use clusters::ClusterEntry;
pub use clusters::RoleOfAccount;
pub use graph::{Edge, Node, RoleGraph};

/// The `schema` field of an inventory.
pub const INVENTORY: &str = "trimtrail.inventory/1";

/// Every role and user.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Inventory {
    /// Always `trimtrail.inventory/1`.
    pub schema: String,
    /// The time that the archive covers; empty where no log was read.
    pub window: Window,
    /// Whether events were read: without them nobody was seen, which says nothing of use.
    pub logs: bool,
    /// Roles and users, sorted by ARN.
    pub principals: Vec<Entry>,
    /// EKS clusters, with the service accounts that have roles.
    pub clusters: Vec<ClusterEntry>,
    /// Who can take whom, and who did.
    pub graph: RoleGraph,
    /// What does not fit together, or could not be told.
    pub notes: Vec<String>,
}

/// One role or user.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Entry {
    /// The ARN.
    pub arn: String,
    /// The unique id.
    pub id: String,
    /// `role` or `user`.
    pub kind: String,
    /// The account.
    pub account: String,
    /// Creation time, RFC 3339; empty where the grants do not say.
    pub created: String,
    /// Who can take it.
    pub taken_by: Vec<Way>,
    /// Who did, as far as the archive shows.
    pub workloads: Vec<Workload>,
    /// Its calls in the archive.
    pub calls: u64,
    /// Its last use, RFC 3339; `null` where neither knows of one.
    pub last_used: Option<String>,
    /// Who knows that: `archive` or `iam`.
    pub last_used_by: Option<String>,
    /// Its policies, those of its groups included.
    pub policies: Vec<EntryPolicy>,
    /// ARN of its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// How much it is granted.
    pub size: Size,
    /// The roles that it should be, where several workloads used it.
    pub split: Option<RoleSplit>,
}

/// One way to a principal's permissions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Way {
    /// `irsa`, `pod_identity`, `ec2`, `lambda`, `ecs`, `service`, `sso`, `saml`, `web_identity`, `account`, `principal`,
    /// `anyone`, `password`, `access_key`, `credentials` or `unreadable`.
    pub kind: String,
    /// Whom the trust policy names: an ARN, an account, a service, a provider.
    pub who: String,
    /// The EKS cluster: its name where it is known, else the id of its issuer.
    pub cluster: Option<String>,
    /// The Kubernetes namespace; `null` for any.
    pub namespace: Option<String>,
    /// The service account; `null` for any.
    pub service_account: Option<String>,
    /// What else must hold.
    pub conditions: Vec<String>,
    /// What says so: `trust`, `association` or `credentials`.
    pub from: String,
    /// All that in words, without the conditions.
    pub says: String,
}

impl Way {
    fn plain(kind: &str, who: &str, says: String) -> Way {
        let of_user = matches!(kind, "password" | "access_key" | "credentials");
        Way {
            kind: kind.to_owned(),
            who: who.to_owned(),
            cluster: None,
            namespace: None,
            service_account: None,
            conditions: Vec::new(),
            from: if of_user { "credentials" } else { "trust" }.to_owned(),
            says,
        }
    }
}

/// A policy that a principal has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct EntryPolicy {
    /// Its name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `inline`, `managed`, `aws_managed`, `group` or `permission_set`.
    pub kind: String,
}

/// How much somebody is granted: actions that some statement allows, resources, conditions and denials aside.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
pub struct Size {
    /// All of them.
    pub actions: u64,
    /// By AWS's access level.
    pub by_access_level: ByAccessLevel,
    /// Of those, sensitive ones by class.
    pub by_risk: ByRisk,
    /// Public paths to more permissions of which every action is granted, by their names on pathfinding.cloud.
    pub escalation_paths: Vec<String>,
    /// What its actions weigh together: the order of what to look at first.
    pub weight: u64,
}

/// Actions by AWS's access level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
pub struct ByAccessLevel {
    /// List resources.
    pub list: u64,
    /// Read contents or attributes.
    pub read: u64,
    /// Change tags only.
    pub tagging: u64,
    /// Create, change or delete.
    pub write: u64,
    /// Change who may do what.
    pub permissions_management: u64,
}

/// Sensitive actions by class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
pub struct ByRisk {
    /// Read what people store.
    pub data_access: u64,
    /// Let others at a resource.
    pub resource_exposure: u64,
    /// Hand out credentials.
    pub credential_exposure: u64,
    /// Change what somebody may do.
    pub privilege_escalation: u64,
}

/// What an inventory is made of.
pub struct InventoryInputs<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// What the logs say.
    pub archive: &'a Archive<'a>,
    /// What is granted, and what EKS says of its clusters.
    pub grants: &'a Grants,
    /// Usage joined with grants.
    pub gaps: &'a [Gap],
    /// Roles that several workloads share, as the roles that they should be.
    pub splits: &'a [ProvedSplit],
    /// Whether somebody is shown.
    pub shows: &'a (dyn Fn(PrincipalIndex) -> bool + Sync),
}

/// Every role and user that is shown.
pub fn inventory(inputs: &InventoryInputs<'_>) -> Inventory {
    let risks = Risks::new(inputs.catalog);
    let shown: Vec<PrincipalIndex> = (0..inputs.grants.principals.len())
        .filter(|index| inputs.grants.principals[*index].kind != Kind::Group && (inputs.shows)(*index))
        .collect();
    let principals: Vec<Entry> = shown.par_iter().map(|index| entry(inputs, &risks, *index)).collect();
    let in_graph = shown.iter().zip(&principals).map(|(index, entry)| graph::Shown {
        index: *index,
        taken_by: (&entry.taken_by).into(),
        workloads: &entry.workloads,
    });
    Inventory {
        schema: INVENTORY.to_owned(),
        window: inputs.archive.window.map(Window::from).unwrap_or_default(),
        logs: inputs.archive.window.is_some(),
        clusters: clusters::clusters(inputs, &principals),
        graph: graph::graph(&graph::GraphInputs {
            archive: inputs.archive,
            grants: inputs.grants,
            hierarchy: &hygiene::Graph::new(inputs.catalog, inputs.grants).hierarchy(),
            shown: &in_graph.collect::<Vec<_>>(),
        }),
        notes: clusters::notes(inputs),
        principals,
    }
}

fn entry(inputs: &InventoryInputs<'_>, risks: &Risks, index: PrincipalIndex) -> Entry {
    let (grants, gap) = (inputs.grants, &inputs.gaps[index]);
    let principal = &grants.principals[index];
    let supplements = &grants.supplements;
    let credentials = supplements.credentials.get(&principal.arn);
    let keys = credentials.into_iter().flat_map(|known| &known.keys);
    let iam = keys
        .map(|key| key.last_used)
        .chain([
            credentials.and_then(|known| known.password_last_used),
            principal.last_used,
        ])
        .flatten()
        .max();
    let iam = iam.map(|time| time.as_second());
    let (last_used, last_used_by) = match (gap.activity.last_seen, iam) {
        (Some(seen), iam) if iam.is_none_or(|iam| seen >= iam) => (Some(seen), Some("archive")),
        (_, Some(iam)) => (Some(iam), Some("iam")),
        (_, None) => (None, None),
    };
    Entry {
        arn: principal.arn.clone(),
        id: principal.id.clone(),
        kind: principal.kind.name().to_owned(),
        account: principal.account.clone(),
        created: principal.created.map(|time| time.to_string()).unwrap_or_default(),
        taken_by: ways::ways(principal, &supplements.eks, credentials),
        workloads: workloads_of(gap, &inputs.grants.supplements.eks),
        calls: gap.activity.calls,
        last_used: last_used.map(moment),
        last_used_by: last_used_by.map(str::to_owned),
        policies: grants
            .policies_of(index)
            .into_iter()
            .map(|policy| EntryPolicy {
                policy: grants.policies[policy].name.clone(),
                policy_arn: grants.policies[policy].arn.clone(),
                kind: rightsize::kind_name(grants, policy).to_owned(),
            })
            .collect(),
        permissions_boundary: principal.permissions_boundary.clone(),
        size: size(inputs.catalog, risks, gap),
        split: inputs
            .splits
            .iter()
            .find(|split| split.role == index)
            .map(|split| role_split(inputs.catalog, grants, split)),
    }
}

fn size(catalog: &Catalog, risks: &Risks, gap: &Gap) -> Size {
    let mut granted = ActionSet::none();
    for slice in &gap.slices {
        granted.extend(&slice.granted);
    }
    let mut size = Size {
        weight: risks.sum(&granted),
        ..Size::default()
    };
    for action in granted.iter() {
        size.actions += 1;
        let (levels, classes) = (&mut size.by_access_level, &mut size.by_risk);
        *match catalog.access_level(action) {
            AccessLevel::List => &mut levels.list,
            AccessLevel::Read => &mut levels.read,
            AccessLevel::Tagging => &mut levels.tagging,
            AccessLevel::Write => &mut levels.write,
            AccessLevel::PermissionsManagement => &mut levels.permissions_management,
        } += 1;
        // Most actions weigh next to nothing; what is sensitive weighs more.
        let class = if risks.weight(action) >= 10 {
            sensitive(catalog.name(action))
        } else {
            None
        };
        match class {
            None => {}
            Some(Sensitive::DataAccess) => classes.data_access += 1,
            Some(Sensitive::ResourceExposure) => classes.resource_exposure += 1,
            Some(Sensitive::CredentialExposure) => classes.credential_exposure += 1,
            Some(Sensitive::PrivilegeEscalation) => classes.privilege_escalation += 1,
        }
    }
    let holds = |action: &&str| catalog.id(action).is_none_or(|id| granted.contains(id));
    if !granted.is_empty() {
        size.escalation_paths = escalation_paths()
            .iter()
            .filter(|path| path.actions.iter().all(&holds))
            .map(|path| path.id.to_owned())
            .collect();
    }
    size
}

#[cfg(test)]
mod tests;
