//! A request: who asks for which action on what, and what else is known about the call.

use std::collections::{BTreeMap, BTreeSet};

use super::arn::Arn;

/// One request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// ARN of the caller, the name of a service, or `*` for an anonymous one.
    pub principal: String,
    /// Such as `s3:GetObject`.
    pub action: String,
    /// ARN of the resource, taken literally; `*` for calls that name none.
    pub resource: String,
    /// The account that owns the resource, where its ARN does not say; otherwise the caller's is assumed.
    pub resource_account: Option<String>,
    /// The context keys.
    pub context: Context,
}

/// The condition context. A key is there with its values, there but unknown, or absent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Context {
    keys: BTreeMap<String, Option<Vec<String>>>,
}

/// What the context says about one key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry<'a> {
    /// The request carries these values, at least one.
    Values(&'a [String]),
    /// The request does not carry the key.
    Absent,
    /// Nobody knows whether it does, or with which values.
    Unknown,
}

impl Context {
    /// Says that the request carries `key` with `values`; none is the same as absent.
    pub fn set(&mut self, key: &str, values: Vec<String>) {
        self.keys.insert(key.to_lowercase(), Some(values));
    }

    /// Says that nothing is known about `key`.
    pub fn set_unknown(&mut self, key: &str) {
        self.keys.insert(key.to_lowercase(), None);
    }

    /// What is known about `key`; case does not matter.
    pub fn get(&self, key: &str) -> Entry<'_> {
        match self.keys.get(&key.to_lowercase()) {
            None => Entry::Absent,
            Some(None) => Entry::Unknown,
            Some(Some(values)) if values.is_empty() => Entry::Absent,
            Some(Some(values)) => Entry::Values(values),
        }
    }
}

/// The context keys whose unknown values left something undecided.
pub type MissingKeys = BTreeSet<String>;

/// What kind of caller a principal's text names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Caller<'a> {
    /// The root user of an account.
    Root { account: &'a str },
    /// A role, or some session of it; the name is the last part of the path.
    Role {
        account: &'a str,
        name: &'a str,
        service_linked: bool,
    },
    /// A role session.
    Session {
        account: &'a str,
        role: &'a str,
        service_linked: bool,
    },
    /// An IAM user, or whatever else acts for an account under its own ARN.
    Identity { account: &'a str },
    /// A session of GetFederationToken; its ARN does not show the user who called it.
    FederatedUser { account: &'a str },
    /// A service, an identity provider, or nobody: a caller without an account and without identity policies.
    Outside,
}

impl<'a> Caller<'a> {
    pub(super) fn of(principal: &'a str) -> Self {
        let Some(arn) = Arn::parse(principal) else {
            return Self::Outside;
        };
        let account = arn.account;
        let (kind, rest) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
        match (arn.service, kind) {
            ("iam", "root") => Self::Root { account },
            ("iam", "role") => Self::Role {
                account,
                name: last(rest),
                service_linked: rest.starts_with("aws-service-role/"),
            },
            ("sts", "assumed-role") => {
                let role = rest.split('/').next().unwrap_or(rest);
                // The session's ARN has no path, but this prefix of names is kept for service-linked roles.
                Self::Session {
                    account,
                    role,
                    service_linked: role.starts_with("AWSServiceRoleFor"),
                }
            }
            ("sts", "federated-user") => Self::FederatedUser { account },
            ("iam", "oidc-provider" | "saml-provider") => Self::Outside,
            (_, _) => Self::Identity { account },
        }
    }

    pub(super) fn account(&self) -> Option<&'a str> {
        match self {
            Self::Root { account }
            | Self::Role { account, .. }
            | Self::Session { account, .. }
            | Self::Identity { account }
            | Self::FederatedUser { account } => Some(account),
            Self::Outside => None,
        }
    }

    /// Organizations' policies do not reach service-linked roles (Organizations user guide, "SCPs" and "RCPs").
    pub(super) fn is_service_linked(&self) -> bool {
        match self {
            Self::Role { service_linked, .. } | Self::Session { service_linked, .. } => *service_linked,
            Self::Root { .. } | Self::Identity { .. } | Self::FederatedUser { .. } | Self::Outside => false,
        }
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
