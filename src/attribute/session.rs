//! Sessions and the workload behind them: which service account, function, instance or person used a role.
//!
//! A session is known by its role id and access key together: AWS says that temporary access key ids are unique only
//! in combination with the secret key and the token (IAM user guide, "IAM identifiers"), so a key alone joins nothing.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem;

use super::{Attribution, Principal, PrincipalKind, attribute};
use crate::decode::{Event, Identity};

/// What a workload is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WorkloadKind {
    /// A Kubernetes service account through IRSA.
    ServiceAccount,
    /// A Kubernetes service account through EKS Pod Identity.
    PodIdentity,
    /// An EC2 instance, or whoever reaches its metadata service.
    Ec2,
    /// A Lambda function.
    Lambda,
    /// A task of ECS.
    Ecs,
    /// A person of IAM Identity Center.
    Sso,
    /// Another OpenID Connect identity, such as a CI job.
    WebIdentity,
    /// A SAML identity.
    Saml,
    /// A role or user that assumed the role.
    Principal,
    /// An AWS service that assumed the role.
    Service,
}

impl WorkloadKind {
    /// Every kind.
    pub const ALL: [WorkloadKind; 10] = [
        WorkloadKind::ServiceAccount,
        WorkloadKind::PodIdentity,
        WorkloadKind::Ec2,
        WorkloadKind::Lambda,
        WorkloadKind::Ecs,
        WorkloadKind::Sso,
        WorkloadKind::WebIdentity,
        WorkloadKind::Saml,
        WorkloadKind::Principal,
        WorkloadKind::Service,
    ];

    /// The kind as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            WorkloadKind::ServiceAccount => "service_account",
            WorkloadKind::PodIdentity => "pod_identity",
            WorkloadKind::Ec2 => "ec2",
            WorkloadKind::Lambda => "lambda",
            WorkloadKind::Ecs => "ecs",
            WorkloadKind::Sso => "sso",
            WorkloadKind::WebIdentity => "web_identity",
            WorkloadKind::Saml => "saml",
            WorkloadKind::Principal => "principal",
            WorkloadKind::Service => "service",
        }
    }
}

/// Who stood behind a session.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Workload {
    /// What it is.
    pub kind: WorkloadKind,
    /// The EKS cluster: its name for Pod Identity, its OIDC provider's id for IRSA.
    pub cluster: Option<String>,
    /// The Kubernetes namespace.
    pub namespace: Option<String>,
    /// Service account, instance, function, person or ARN.
    pub name: String,
}

impl Workload {
    /// One that has no cluster.
    pub fn plain(kind: WorkloadKind, name: &str) -> Workload {
        Workload {
            kind,
            cluster: None,
            namespace: None,
            name: name.to_owned(),
        }
    }
}

/// The key by which a call and the event that opened its session find each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Session<'a> {
    /// `AROA…`
    pub role_id: Cow<'a, str>,
    /// `ASIA…`
    pub access_key_id: Cow<'a, str>,
}

/// The session that made a call, where a role's session did.
pub fn session<'e>(event: &'e Event<'_>) -> Option<Session<'e>> {
    match attribute(event) {
        Attribution::Principal(principal) => session_of(event.identity.as_ref()?, &principal),
        Attribution::NotACall(_) | Attribution::Nobody => None,
    }
}

/// The session under which this principal calls with this identity.
pub fn session_of<'i>(identity: &'i Identity, principal: &Principal<'i>) -> Option<Session<'i>> {
    let key = identity.access_key_id.as_deref().filter(|key| !key.is_empty())?;
    (principal.kind == PrincipalKind::Role && !principal.id.is_empty()).then_some(Session {
        role_id: Cow::Borrowed(principal.id),
        access_key_id: Cow::Borrowed(key),
    })
}

/// How SDKs name the service in which they run, in the user agent.
static ENVIRONMENT: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("exec-env/AWS_"));

/// A workload that a session's own call shows, without the opening of its session.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shown {
    /// AWS did not say so, the caller did: anybody can send that user agent.
    pub said: bool,
    /// Who.
    pub workload: Workload,
}

/// The workload that the event of a session itself shows.
pub fn shown_by(event: &Event<'_>) -> Option<Shown> {
    let (said, kind, name) = shown(event.identity.as_ref()?, event.user_agent.as_deref().unwrap_or(""))?;
    Some(Shown {
        said,
        workload: Workload::plain(kind, name),
    })
}

/// The same, in parts.
///
/// A session's name is whatever its opener wanted, so that `i-…` alone names no instance.
pub fn shown<'i>(identity: &'i Identity, user_agent: &str) -> Option<(bool, WorkloadKind, &'i str)> {
    let issuer = identity.session_issuer.as_ref()?;
    let session_name = session_name(identity)?;
    let role_name = issuer
        .arn
        .as_deref()
        .and_then(|arn| arn.rsplit('/').next())
        .unwrap_or("");
    let runs_in = |service: &str| {
        let mut rest = user_agent;
        while let Some(at) = ENVIRONMENT.find(rest.as_bytes()) {
            rest = &rest[at + ENVIRONMENT.needle().len()..];
            if rest.starts_with(service) {
                return true;
            }
        }
        false
    };
    let (said, kind) = if role_name.starts_with("AWSReservedSSO_") {
        (false, WorkloadKind::Sso)
    } else if identity.ec2_role_delivery.is_some() {
        (false, WorkloadKind::Ec2)
    } else if identity.in_scope_of_issuer_type.as_deref() == Some("AWS::Lambda::Function") {
        (false, WorkloadKind::Lambda)
    } else if runs_in("Lambda") {
        (true, WorkloadKind::Lambda)
    } else if runs_in("ECS") {
        (true, WorkloadKind::Ecs)
    } else {
        return None;
    };
    Some((said, kind, session_name))
}

/// The name that a role's session has.
pub fn session_name(identity: &Identity) -> Option<&str> {
    Some(identity.principal_id.as_deref()?.split_once(':')?.1)
}
