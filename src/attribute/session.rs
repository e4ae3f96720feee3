//! Sessions and the workload behind them: which service account, function, instance or person used a role.
//!
//! A session is known by its role id and access key together: AWS says that temporary access key ids are unique only
//! in combination with the secret key and the token (IAM user guide, "IAM identifiers"), so a key alone joins nothing.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem;

use super::{Attribution, Principal, PrincipalKind, attribute, identity_of};
use crate::decode::json::Value;
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
    let key = identity.access_key_id.as_deref().filter(|key| tells_apart(key))?;
    (principal.kind == PrincipalKind::Role && !principal.id.is_empty()).then_some(Session {
        role_id: Cow::Borrowed(principal.id),
        access_key_id: Cow::Borrowed(key),
    })
}

/// Whether an access key's id can tell sessions apart: not one that somebody masked, which many share then, nor the id of a
/// long-term key, which no role's session has (IAM user guide, "IAM identifiers", unique ID prefixes).
pub(super) fn tells_apart(key: &str) -> bool {
    let plain = key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    // Of random letters six alike in a row are one in a hundred million; ids that somebody made up are often counted, with
    // zeros before their number.
    let upper = key.to_ascii_uppercase();
    let mut end = upper.bytes().rev().take(6);
    let ends_alike = upper.len() >= 6 && end.next().is_some_and(|last| end.all(|byte| byte == last));
    // The keys of AWS's documentation end so, and many put one of them in every key's place.
    let is_example = upper.ends_with("EXAMPLE");
    !key.is_empty() && plain && !ends_alike && !is_example && !key.starts_with("AKIA") && !is_masked(key)
}

/// Whether somebody put a mask in a name's place, such as CloudTrail's `HIDDEN_DUE_TO_SECURITY_REASONS` or `***`: it is the
/// same for many, and nobody's name.
pub(super) fn is_masked(name: &str) -> bool {
    const MASKS: [&str; 5] = ["REDACTED", "HIDDEN_", "MASKED", "REMOVED", "ANONYMI"];
    let upper = name.to_ascii_uppercase();
    let is_mask = |mask: &str| upper.contains(mask) || upper == mask.trim_end_matches('_');
    !name.contains(char::is_alphanumeric)
        || name.contains("***")
        || upper.contains("XXXXXX")
        || MASKS.into_iter().any(is_mask)
}

/// The user or role that signed in to the console, where the event says that one did.
///
/// `SwitchRole` is a signed-in user's; a sign-in that failed has `Failure` in its response (Sign-In user guide, "Logging
/// AWS Sign-In events with CloudTrail").
pub fn signed_in<'e>(event: &'e Event<'_>) -> Option<Cow<'e, str>> {
    let says = |what: &str| {
        let response = event.response_elements.parse();
        response.is_some_and(|response| response.get(what).and_then(Value::as_str) == Some("Success"))
    };
    let came_in = event.source == "signin.amazonaws.com"
        && event.error_code.is_none()
        && match &*event.name {
            "ConsoleLogin" => says("ConsoleLogin"),
            "SwitchRole" => says("SwitchRole"),
            _ => false,
        };
    match identity_of(event.identity.as_ref().filter(|_| came_in)?) {
        Attribution::Principal(principal) if !principal.arn.is_empty() => Some(principal.arn),
        Attribution::Principal(_) | Attribution::NotACall(_) | Attribution::Nobody => None,
    }
}

/// How SDKs name the service in which they run, in the user agent.
static ENVIRONMENT: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("exec-env/AWS_"));

/// A workload that a session's own call shows, without the opening of its session; or, of the kind
/// [`WorkloadKind::Principal`], that no pod opened it, whoever did.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shown {
    /// AWS did not say so, the caller did: anybody can send that user agent.
    pub said: bool,
    /// Who.
    pub workload: Workload,
}

/// The workload that the event of a session itself shows.
pub fn shown_by(event: &Event<'_>) -> Option<Shown> {
    let user_agent = event.user_agent.as_deref().unwrap_or("");
    let (said, kind, name) = shown(event.identity.as_ref()?, user_agent, event.from_console == Some(true))?;
    Some(Shown {
        said,
        workload: Workload::plain(kind, name),
    })
}

/// The same, in parts.
///
/// A session's name is whatever its opener wanted, so that `i-…` alone names no instance.
pub fn shown<'i>(
    identity: &'i Identity,
    user_agent: &str,
    from_console: bool,
) -> Option<(bool, WorkloadKind, &'i str)> {
    let issuer = identity.session_issuer.as_ref()?;
    let session_name = session_name(identity)?;
    // Nobody can give a role of his own that path; the name alone anybody can give.
    let is_of_sso = issuer
        .arn
        .as_deref()
        .is_some_and(|arn| arn.contains(":role/aws-reserved/sso.amazonaws.com/"));
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
    let (said, kind) = if is_of_sso {
        (false, WorkloadKind::Sso)
    } else if identity.delivered_by_ec2().is_some() {
        (false, WorkloadKind::Ec2)
    } else if identity.in_scope_of_issuer_type.as_deref() == Some("AWS::Lambda::Function") {
        (false, WorkloadKind::Lambda)
    } else if from_console || is_no_pods(identity, session_name) {
        (false, WorkloadKind::Principal)
    } else if runs_in("Lambda") {
        (true, WorkloadKind::Lambda)
    } else if runs_in("ECS") {
        (true, WorkloadKind::Ecs)
    } else {
        return None;
    };
    Some((said, kind, session_name))
}

/// Whether a session has what none has that a pod opened: a second factor, a source identity, which neither a service
/// account's token nor EKS sets, or an instance's name (IAM user guide, "Monitor and control actions taken with assumed
/// roles"; CloudTrail user guide, "CloudTrail userIdentity element").
fn is_no_pods(identity: &Identity, session_name: &str) -> bool {
    let is_instances = session_name
        .strip_prefix("i-")
        .is_some_and(|id| matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let has_source = identity
        .source_identity
        .as_deref()
        .is_some_and(|source| !source.is_empty());
    identity.mfa == Some(true) || has_source || is_instances
}

/// The name that a role's session has.
pub fn session_name(identity: &Identity) -> Option<&str> {
    let (_, name) = identity.principal_id.as_deref()?.split_once(':')?;
    Some(name).filter(|name| !is_masked(name))
}
