//! Sessions and the workload behind them: which service account, function, instance or person used a role.
//!
//! A session is known by its role id and access key together: AWS says that temporary access key ids are unique only
//! in combination with the secret key and the token (IAM user guide, "IAM identifiers"), so a key alone joins nothing.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem;

use super::{Attribution, Principal, PrincipalKind, attribute};
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

/// The key by which a call and the event that opened its session find each other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Session<'a> {
    /// `AROA…`
    pub role_id: Cow<'a, str>,
    /// `ASIA…`
    pub access_key_id: Cow<'a, str>,
}

/// The opening of a session: an AssumeRole call that succeeded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seed {
    /// The session.
    pub session: Session<'static>,
    /// Who asked for it.
    pub workload: Workload,
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

/// The workload that the event of a session itself shows, without its opening.
pub fn workload_of(event: &Event<'_>) -> Option<Workload> {
    let (kind, name) = shown(event.identity.as_ref()?, event.user_agent.as_deref().unwrap_or(""))?;
    Some(plain(kind, name))
}

/// The same, as kind and name.
pub fn shown<'i>(identity: &'i Identity, user_agent: &str) -> Option<(WorkloadKind, &'i str)> {
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
    let kind = if role_name.starts_with("AWSReservedSSO_") {
        WorkloadKind::Sso
    } else if identity.ec2_role_delivery.is_some() || is_instance_id(session_name) {
        WorkloadKind::Ec2
    } else if identity.in_scope_of_issuer_type.as_deref() == Some("AWS::Lambda::Function") || runs_in("Lambda") {
        WorkloadKind::Lambda
    } else if runs_in("ECS") {
        WorkloadKind::Ecs
    } else {
        return None;
    };
    Some((kind, session_name))
}

/// The name that a role's session has.
pub fn session_name(identity: &Identity) -> Option<&str> {
    Some(identity.principal_id.as_deref()?.split_once(':')?.1)
}

/// EC2 names the session of an instance profile after the instance (IAM user guide, "Policy variables").
fn is_instance_id(session_name: &str) -> bool {
    session_name
        .strip_prefix("i-")
        .is_some_and(|id| (id.len() == 8 || id.len() == 17) && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The opening of a session, where the event is one that succeeded and shows the new key.
pub fn seed(event: &Event<'_>) -> Option<Seed> {
    if event.source != "sts.amazonaws.com" || !event.name.starts_with("AssumeRole") || event.error_code.is_some() {
        return None;
    }
    let response = event.response_elements.parse()?;
    let key = response.get("credentials")?.get("accessKeyId")?.as_str()?;
    let role_id = response
        .get("assumedRoleUser")?
        .get("assumedRoleId")?
        .as_str()?
        .split(':')
        .next()?;
    let workload = opener(event, &response)?;
    (!key.is_empty() && !role_id.is_empty()).then(|| Seed {
        session: Session {
            role_id: Cow::Owned(role_id.to_owned()),
            access_key_id: Cow::Owned(key.to_owned()),
        },
        workload,
    })
}

/// Who asked for the session.
fn opener(event: &Event<'_>, response: &Value<'_>) -> Option<Workload> {
    let identity = event.identity.as_ref()?;
    let request = event.request_parameters.parse();
    let parameter = |name: &str| -> Option<&str> { request.as_ref()?.get(name)?.as_str() };
    match identity.kind.as_deref()? {
        "WebIdentityUser" => {
            let subject = identity
                .user_name
                .as_deref()
                .filter(|name| !name.is_empty())
                .or_else(|| response.get("subjectFromWebIdentityToken")?.as_str())?;
            Some(web_identity(
                subject,
                identity.identity_provider.as_deref().unwrap_or(""),
            ))
        }
        "SAMLUser" => Some(plain(
            WorkloadKind::Saml,
            identity.user_name.as_deref().unwrap_or("unknown"),
        )),
        "AWSService" => match identity.invoked_by.as_deref()? {
            "pods.eks.amazonaws.com" => pod_identity(request.as_ref()?),
            "ec2.amazonaws.com" => Some(plain(WorkloadKind::Ec2, parameter("roleSessionName")?)),
            "lambda.amazonaws.com" => Some(plain(WorkloadKind::Lambda, parameter("roleSessionName")?)),
            "ecs-tasks.amazonaws.com" => Some(plain(WorkloadKind::Ecs, parameter("roleSessionName")?)),
            service => Some(plain(WorkloadKind::Service, service)),
        },
        _ => match attribute(event) {
            // With a target role, EKS assumes it from the pod-identity role, and names the pod in the external id.
            Attribution::Principal(principal) => {
                let pod = request.as_ref().and_then(pod_identity);
                Some(pod.unwrap_or_else(|| plain(WorkloadKind::Principal, &principal.arn)))
            }
            Attribution::NotACall(_) | Attribution::Nobody => None,
        },
    }
}

fn plain(kind: WorkloadKind, name: &str) -> Workload {
    Workload {
        kind,
        cluster: None,
        namespace: None,
        name: name.to_owned(),
    }
}

/// `system:serviceaccount:NAMESPACE:NAME`, from any issuer; every other subject is a web identity.
fn web_identity(subject: &str, provider: &str) -> Workload {
    match subject
        .strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
    {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains(':') => Workload {
            kind: WorkloadKind::ServiceAccount,
            cluster: provider
                .rsplit_once('/')
                .map(|(_, id)| id.to_owned())
                .filter(|id| !id.is_empty()),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        },
        Some(_) | None => plain(WorkloadKind::WebIdentity, subject),
    }
}

/// The pod from the session tags that EKS sets, or, where those are disabled, from
/// `externalId = REGION/ACCOUNT/CLUSTER/NAMESPACE/SERVICE_ACCOUNT` (EKS user guide, "Pod Identity").
fn pod_identity(request: &Value<'_>) -> Option<Workload> {
    let tag = |wanted: &str| -> Option<String> {
        let tags = request.get("tags")?.elements();
        let tag = tags
            .iter()
            .find(|tag| tag.get("key").and_then(Value::as_str) == Some(wanted))?;
        Some(tag.get("value")?.as_str()?.to_owned())
    };
    let workload = |cluster: Option<String>, namespace: String, name: String| Workload {
        kind: WorkloadKind::PodIdentity,
        cluster,
        namespace: Some(namespace),
        name,
    };
    if let (Some(namespace), Some(name)) = (tag("kubernetes-namespace"), tag("kubernetes-service-account")) {
        return Some(workload(tag("eks-cluster-name"), namespace, name));
    }
    let external: Vec<&str> = request.get("externalId")?.as_str()?.split('/').collect();
    match external[..] {
        [_region, account, cluster, namespace, name]
            if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Some(workload(
                Some(cluster.to_owned()),
                namespace.to_owned(),
                name.to_owned(),
            ))
        }
        _ => None,
    }
}
