//! What each principal may do, and the policy that each grant came from.
//!
//! A [`Grants`] is read from `aws iam get-account-authorization-details` output: one page or many, one account or an
//! organization. The document of an attached AWS-managed policy comes from that export; where the export left it out
//! (`--filter` without `AWSManagedPolicy`), the embedded catalog's copy stands in for it.

mod authorization_details;
mod credential_report;
mod eks;
mod files;
#[cfg(feature = "aws")]
pub mod live;
mod manifests;
mod snapshot;
mod supplements;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::help::Help;
use crate::iam::{Policy, Statement};

pub use authorization_details::read;
pub use credential_report::Credentials;
pub use eks::{Association, Cluster, Eks, Part};
pub use files::{Exports, exports, load};
pub use manifests::ServiceAccount;
pub use supplements::{LastAccessed, OrganizationPolicies, SupplementFiles, Supplements, TrailConfig};

/// Why the grants cannot be used as they are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not what `get-account-authorization-details` prints.
    #[error("`{name}` is no output of `aws iam get-account-authorization-details`: {why}")]
    Shape {
        /// The file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The last page is missing, so principals would be missing too.
    #[error("`{name}` says that more pages follow (IsTruncated), and none does")]
    Truncated {
        /// The last page that was given.
        name: String,
    },
    /// Two exports describe one principal or policy differently.
    #[error("`{arn}` is described twice, differently; give one export an account")]
    Conflict {
        /// Whose description differs.
        arn: String,
    },
    /// A snapshot that cannot be used.
    #[error("snapshot `{name}`: {why}")]
    Snapshot {
        /// The file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something given beside the grants that is something else.
    #[error("`{name}` is not {what}: {why}")]
    Supplement {
        /// The file.
        name: String,
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing there.
    #[error("no principal in `{name}`")]
    Empty {
        /// Where it was looked for.
        name: String,
    },
}

impl Help for Error {
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Error::Io { .. } => "give a file or folder that this user may read",
            Error::Snapshot { .. } => "take a new one: trimtrail grants -o FILE",
            Error::Supplement { .. } => "give the command's output as it is; --help names the command",
            Error::Shape { .. } | Error::Empty { .. } | Error::Truncated { .. } | Error::Conflict { .. } => {
                "aws iam get-account-authorization-details > grants.json (the CLI joins all pages)"
            }
        })
    }
}

/// What kind of identity a principal is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// `arn:…:group/…`
    Group,
    /// `arn:…:role/…`
    Role,
    /// `arn:…:user/…`
    User,
}

impl Kind {
    /// `group`, `role` or `user`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Group => "group",
            Kind::Role => "role",
            Kind::User => "user",
        }
    }
}

/// Position of a principal in [`Grants::principals`].
pub type PrincipalIndex = usize;
/// Position of a policy in [`Grants::policies`].
pub type PolicyIndex = usize;

/// One user, group or role.
#[derive(Clone, PartialEq, Debug)]
pub struct Principal {
    /// User, group or role.
    pub kind: Kind,
    /// `arn:aws:iam::111122223333:role/path/name`
    pub arn: String,
    /// `AROA…`, `AIDA…`, `AGPA…`
    pub id: String,
    /// Without the path.
    pub name: String,
    /// `/` at least.
    pub path: String,
    /// Twelve digits.
    pub account: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// A role's last use as IAM remembers it (400 days).
    pub last_used: Option<Timestamp>,
    /// Inline and attached policies of its own.
    pub policies: Vec<PolicyIndex>,
    /// A user's groups.
    pub groups: Vec<PrincipalIndex>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// A role's trust policy, understood; or why it could not be.
    pub trust: Option<Result<Policy, String>>,
    /// Names of a role's instance profiles.
    pub instance_profiles: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// What the export leaves open about this principal; it is then not rewritten.
    pub unknown: Vec<String>,
}

impl Principal {
    /// The statements of its trust policy; none of what has none, or one that could not be understood.
    pub fn trust_statements(&self) -> &[Statement] {
        match &self.trust {
            Some(Ok(policy)) => &policy.statements,
            Some(Err(_)) | None => &[],
        }
    }

    /// The ARN of one of another name in the same place.
    pub fn arn_beside(&self, name: &str) -> String {
        format!("{}{name}", self.arn.strip_suffix(&self.name).unwrap_or(&self.arn))
    }

    /// The permission set of IAM Identity Center that a role was made for: `AWSReservedSSO_NAME_0123456789abcdef` under a path
    /// that nobody else can give (IAM Identity Center user guide, "Referencing permission sets in resource policies").
    pub fn permission_set(&self) -> Option<&str> {
        let own = self.kind == Kind::Role && self.path.starts_with("/aws-reserved/sso.amazonaws.com/");
        let name = self.name.strip_prefix("AWSReservedSSO_").filter(|_| own)?;
        Some(name.rsplit_once('_').map_or(name, |(set, _)| set))
    }

    /// One with a name, and with nothing granted; of the account that its ARN names.
    fn plain(kind: Kind, arn: String, id: String, name: String, path: String) -> Principal {
        Principal {
            kind,
            account: arn.split(':').nth(4).unwrap_or("").to_owned(),
            arn,
            id,
            name,
            path,
            created: None,
            last_used: None,
            policies: Vec::new(),
            groups: Vec::new(),
            permissions_boundary: None,
            trust: None,
            instance_profiles: Vec::new(),
            tags: BTreeMap::new(),
            unknown: Vec::new(),
        }
    }
}

/// Where a policy lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PolicyKind {
    /// Embedded in one principal.
    Inline,
    /// A customer-managed policy.
    Managed,
    /// Maintained by AWS; cannot be changed, only replaced.
    AwsManaged,
}

/// One policy document and who has it.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// Where it lives.
    pub kind: PolicyKind,
    /// `PolicyName`
    pub name: String,
    /// The policy's ARN; for an inline policy the ARN of its owner.
    pub arn: String,
    /// The account that holds it; empty for AWS-managed ones.
    pub account: String,
    /// The file that it was read from; empty for the catalog's copy.
    pub file: String,
    /// The default version, as exported.
    pub document: Value,
    /// The same, understood; or why it could not be.
    pub policy: Result<Policy, String>,
    /// When the default version was written.
    pub updated: Option<Timestamp>,
    /// Principals that have it: owners, or those it is attached to.
    pub attached_to: Vec<PrincipalIndex>,
    /// How many attachments IAM counts; `None` where the export does not say.
    pub attachment_count: Option<u64>,
    /// Whether someone's permissions boundary is this policy.
    pub is_boundary: bool,
    /// Whether the document is the catalog's copy, for lack of one in the export.
    pub from_catalog: bool,
}

/// Everything that the exports say, sorted by ARN.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Users, groups and roles.
    pub principals: Vec<Principal>,
    /// Their policies.
    pub policies: Vec<PolicyDocument>,
    /// What was given beside them, and what snapshots hold.
    pub supplements: Supplements,
}

impl Grants {
    /// The policies that apply to a principal: its own, then those of its groups.
    pub fn policies_of(&self, principal: PrincipalIndex) -> Vec<PolicyIndex> {
        let own = &self.principals[principal];
        let mut policies = own.policies.clone();
        for policy in own.groups.iter().flat_map(|group| &self.principals[*group].policies) {
            if !policies.contains(policy) {
                policies.push(*policy);
            }
        }
        policies
    }

    /// Whom a policy affects: the roles and users that have it, members of groups that have it included.
    pub fn affected_by(&self, policy: PolicyIndex) -> Vec<PrincipalIndex> {
        let attached = &self.policies[policy].attached_to;
        let (groups, mut affected): (Vec<PrincipalIndex>, Vec<PrincipalIndex>) = attached
            .iter()
            .partition(|index| self.principals[**index].kind == Kind::Group);
        if !groups.is_empty() {
            let members = (0..self.principals.len()).filter(|index| {
                let mut own = self.principals[*index].groups.iter();
                own.any(|group| groups.contains(group))
            });
            affected.extend(members);
        }
        affected.sort_unstable();
        affected.dedup();
        affected
    }
}

/// Grants that hold nobody but the role or user of this ARN, with nothing granted: for asking what it did.
pub fn alone(arn: &str) -> Grants {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or("");
    let kind = if resource.starts_with("user/") {
        Kind::User
    } else {
        Kind::Role
    };
    let name = resource.rsplit('/').next().unwrap_or("").to_owned();
    let principal = Principal::plain(kind, arn.to_owned(), String::new(), name, "/".to_owned());
    Grants {
        principals: vec![principal],
        ..Grants::default()
    }
}

impl Grants {
    /// The same, the first principal holding a policy.
    pub fn with_policy(mut self, name: &str, policy: Policy) -> Grants {
        let Some(holder) = self.principals.first_mut() else {
            return self;
        };
        holder.policies.push(self.policies.len());
        self.policies.push(PolicyDocument {
            kind: PolicyKind::Inline,
            name: name.to_owned(),
            arn: holder.arn.clone(),
            account: holder.account.clone(),
            file: String::new(),
            document: policy.to_value(),
            policy: Ok(policy),
            updated: None,
            attached_to: vec![0],
            attachment_count: None,
            is_boundary: false,
            from_catalog: false,
        });
        self
    }
}

#[cfg(test)]
mod tests;
