//! Openings of sessions: who asked for one, as far as the event that opened it tells, and how long it lasts.
//!
//! Anybody who may assume a role chooses tags and external id as it pleases. They name a pod only where EKS wrote them:
//! in a call of `pods.eks.amazonaws.com`, or in the next hop of a session that such a call opened.

use std::borrow::Cow;
use std::collections::{BTreeSet, btree_set};
use std::iter::Chain;
use std::option;
use std::sync::Arc;

use super::actor::issuer_of;
use super::family::family;
use super::session::{Session, Workload, WorkloadKind, is_masked, session, tells_apart};
use super::{Attribution, attribute};
use crate::decode::json::Value;
use crate::decode::{Event, Time};

/// The longest that a role's session lasts, in seconds (STS API reference, "AssumeRole").
pub(super) const LIFE: i64 = 12 * 3600;

/// Who opened a session.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Opener {
    /// The event names it.
    Named(Workload),
    /// Somebody of this kind, whom the event does not name.
    Unnamed(WorkloadKind),
    /// A role that names a pod.
    Claimed(Box<Claim>),
}

/// A role's call that names a pod, as EKS does with a target role. It is believed where EKS opened the role's session.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Claim {
    /// The role.
    pub caller: Workload,
    /// The session that called: the role's id, and its access key or what stands for it.
    pub role_id: String,
    /// See `role_id`.
    pub session: String,
    /// Whom it names.
    pub pod: Workload,
}

/// The opening of a session.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Opening {
    /// By whom. Few open many sessions, so it is shared.
    pub opener: Arc<Opener>,
    /// When, in seconds since 1970.
    pub from: i64,
    /// When the session ends.
    pub until: i64,
    /// Where a role or user opened it, the family of the name that it gave the session; empty where there is none.
    pub sessions: Arc<str>,
}

/// Openings of one session's key. As a rule there is one, for which no set is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Openings {
    /// The least.
    first: Option<Opening>,
    /// All others.
    more: BTreeSet<Opening>,
}

impl Openings {
    /// Another one, if it is not among them.
    pub fn insert(&mut self, opening: Opening) {
        match &mut self.first {
            None => self.first = Some(opening),
            Some(first) if *first == opening => {}
            Some(first) => {
                let later = if opening < *first {
                    std::mem::replace(first, opening)
                } else {
                    opening
                };
                self.more.insert(later);
            }
        }
    }

    /// All of them, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Opening> {
        self.first.iter().chain(&self.more)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl IntoIterator for Openings {
    type Item = Opening;
    type IntoIter = Chain<option::IntoIter<Opening>, btree_set::IntoIter<Opening>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.more)
    }
}

impl FromIterator<Opening> for Openings {
    fn from_iter<I: IntoIterator<Item = Opening>>(each: I) -> Openings {
        let mut openings = Openings::default();
        for opening in each {
            openings.insert(opening);
        }
        openings
    }
}

/// A call that opened a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seed {
    /// The session.
    pub session: Session<'static>,
    /// Who opened it, and when.
    pub opening: Opening,
}

/// The opening of a session, where the event is one that succeeded and shows the new key.
pub fn seed(event: &Event<'_>) -> Option<Seed> {
    if event.source != "sts.amazonaws.com" || !event.name.starts_with("AssumeRole") || event.error_code.is_some() {
        return None;
    }
    let response = event.response_elements.parse()?;
    let credentials = response.get("credentials")?;
    let key = credentials.get("accessKeyId")?.as_str()?;
    let role_id = response
        .get("assumedRoleUser")?
        .get("assumedRoleId")?
        .as_str()?
        .split(':')
        .next()?;
    let opener = opener(event, &response)?;
    let from = event.time.seconds();
    let ends = credentials
        .get("expiration")
        .and_then(Value::as_str)
        .and_then(expiration);
    // A session that asked for no time of its own may have been given any.
    let until = ends.or_else(|| Some(from + asked_for(event)?));
    let until = until.map_or(from + LIFE, |until| until.min(from + LIFE));
    let sessions = sessions(event, &opener);
    (tells_apart(key) && !role_id.is_empty()).then(|| Seed {
        session: Session {
            role_id: Cow::Owned(role_id.to_owned()),
            access_key_id: Cow::Owned(key.to_owned()),
        },
        opening: Opening {
            opener: Arc::new(opener),
            from,
            until,
            sessions: sessions.into(),
        },
    })
}

/// The seconds that a session was asked to last, where the request says so.
fn asked_for(event: &Event<'_>) -> Option<i64> {
    let request = event.request_parameters.parse()?;
    let seconds: u32 = match request.get("durationSeconds")? {
        Value::Number(text) => text.parse().ok()?,
        other => other.as_str()?.parse().ok()?,
    };
    (seconds > 0).then_some(seconds.into())
}

/// The identity provider whose token opened a session, where the event is a call that did.
pub fn provider<'e>(event: &'e Event<'_>) -> Option<Cow<'e, str>> {
    let by_token = event.source == "sts.amazonaws.com"
        && matches!(&*event.name, "AssumeRoleWithWebIdentity" | "AssumeRoleWithSAML")
        && event.error_code.is_none();
    let identity = event.identity.as_ref().filter(|_| by_token)?;
    let told = || identity.identity_provider.as_deref().map(Cow::Borrowed);
    let text = |value: Option<Value<'_>>, key: &str| Some(Cow::Owned(value?.get(key)?.as_str()?.to_owned()));
    // Of SAML the identity has a digest, and the request the provider's ARN (STS API reference, AssumeRoleWithSAML).
    match &*event.name {
        "AssumeRoleWithSAML" => text(event.request_parameters.parse(), "principalArn").or_else(told),
        _ => told().or_else(|| text(event.response_elements.parse(), "provider")),
    }
}

/// The family of the name that a role or user gave the session; the others' names say who they are.
fn sessions(event: &Event<'_>, opener: &Opener) -> String {
    let by_principal = match opener {
        Opener::Named(workload) => workload.kind == WorkloadKind::Principal,
        Opener::Claimed(_) => true,
        Opener::Unnamed(_) => false,
    };
    let request = event.request_parameters.parse().filter(|_| by_principal);
    let name = request
        .as_ref()
        .and_then(|request| request.get("roleSessionName")?.as_str());
    name.map(family).unwrap_or_default()
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Apr 16, 2024, 3:20:04 PM`, with or without the second comma, in UTC (CloudTrail user guide, examples of
/// AssumeRole), or ISO 8601: seconds since 1970.
fn expiration(text: &str) -> Option<i64> {
    if let Some(time) = Time::parse(text) {
        return Some(time.seconds());
    }
    let words: Vec<&str> = text
        .split(|letter: char| letter == ',' || letter.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect();
    let [month, day, year, clock, half] = words[..] else {
        return None;
    };
    let month = MONTHS.iter().position(|known| known.eq_ignore_ascii_case(month))? + 1;
    let (day, year): (u32, u32) = (day.parse().ok()?, year.parse().ok()?);
    let mut clock = clock.split(':');
    let hour: u32 = clock.next()?.parse().ok()?;
    let (minute, second) = (clock.next()?, clock.next()?);
    let after_noon = half.eq_ignore_ascii_case("PM");
    if clock.next().is_some() || !(1..=12).contains(&hour) || !after_noon && !half.eq_ignore_ascii_case("AM") {
        return None;
    }
    let hour = hour % 12 + if after_noon { 12 } else { 0 };
    let iso = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:0>2}:{second:0>2}Z");
    Some(Time::parse(&iso)?.seconds())
}

/// Who asked for the session.
fn opener(event: &Event<'_>, response: &Value<'_>) -> Option<Opener> {
    let identity = event.identity.as_ref()?;
    let request = event.request_parameters.parse();
    let named = |kind: WorkloadKind| -> Opener {
        let session_name = request
            .as_ref()
            .and_then(|request| request.get("roleSessionName")?.as_str());
        match session_name {
            Some(name) if !is_masked(name) => Opener::Named(Workload::plain(kind, name)),
            Some(_) | None => Opener::Unnamed(kind),
        }
    };
    // In China some services have the partition's suffix behind their names.
    let service = identity.invoked_by.as_deref().unwrap_or("");
    let service = service.strip_suffix(".cn").unwrap_or(service);
    let is_eks = service == "pods.eks.amazonaws.com";
    let pod = || match request.as_ref().and_then(pod_identity) {
        Some(pod) => Opener::Named(pod),
        None => Opener::Unnamed(WorkloadKind::PodIdentity),
    };
    match identity.kind.as_deref()? {
        "WebIdentityUser" => {
            let provider = identity.identity_provider.as_deref();
            let provider = provider.or_else(|| response.get("provider")?.as_str()).unwrap_or("");
            let told = identity.user_name.as_deref();
            let proved = response.get("subjectFromWebIdentityToken").and_then(Value::as_str);
            let in_id = identity
                .principal_id
                .as_deref()
                .and_then(|id| subject_in(id, provider, response));
            // Where the name is not the token's own, the token's counts.
            let subjects = || {
                [proved, told, in_id]
                    .into_iter()
                    .flatten()
                    .filter(|subject| is_subject(subject))
            };
            Some(
                match subjects()
                    .find(|name| is_service_account(name))
                    .or_else(|| subjects().next())
                {
                    Some(subject) => Opener::Named(web_identity(subject, provider)),
                    None => Opener::Unnamed(WorkloadKind::WebIdentity),
                },
            )
        }
        "SAMLUser" => Some(match identity.user_name.as_deref() {
            Some(name) if !is_masked(name) => Opener::Named(Workload::plain(WorkloadKind::Saml, name)),
            Some(_) | None => Opener::Unnamed(WorkloadKind::Saml),
        }),
        "AWSService" => match service {
            "" => None,
            "pods.eks.amazonaws.com" => Some(pod()),
            "ec2.amazonaws.com" => Some(named(WorkloadKind::Ec2)),
            "lambda.amazonaws.com" => Some(named(WorkloadKind::Lambda)),
            "ecs-tasks.amazonaws.com" => Some(named(WorkloadKind::Ecs)),
            service => Some(Opener::Named(Workload::plain(WorkloadKind::Service, service))),
        },
        _ => match attribute(event) {
            // EKS itself takes a target role in the name of the first one.
            Attribution::Principal(_) if is_eks => Some(pod()),
            Attribution::Principal(principal) => {
                let name = match &*principal.arn {
                    "" => principal.account,
                    arn => arn,
                };
                let caller = Workload::plain(WorkloadKind::Principal, name);
                // EKS takes first roles of its cluster's own account (EKS user guide, "Access AWS resources using EKS Pod
                // Identity target IAM roles").
                let of_account = |pod: &Workload| {
                    let account = pod.cluster.as_deref().and_then(account_of_cluster);
                    account.is_none_or(|account| account == principal.account)
                };
                let pod = request.as_ref().and_then(pod_identity).filter(of_account);
                let claim = pod.zip(session(event));
                Some(match claim {
                    Some((pod, session)) => Opener::Claimed(Box::new(Claim {
                        caller,
                        role_id: session.role_id.into_owned(),
                        session: session.access_key_id.into_owned(),
                        pod,
                    })),
                    None => Opener::Named(caller),
                })
            }
            Attribution::NotACall(_) | Attribution::Nobody => None,
        },
    }
}

/// Namespace and name of `system:serviceaccount:NAMESPACE:NAME`.
fn service_account(subject: &str) -> Option<(&str, &str)> {
    let (namespace, name) = subject.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (is_kubernetes_name(namespace) && is_kubernetes_name(name)).then_some((namespace, name))
}

/// Whether text can be the name of a namespace or a service account (Kubernetes documentation, "Object Names and IDs", DNS
/// subdomain names).
fn is_kubernetes_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let plain = text.bytes().all(|byte| is_letter(byte) || matches!(byte, b'-' | b'.'));
    let ends = text.bytes().next().is_some_and(is_letter) && text.bytes().last().is_some_and(is_letter);
    plain && ends && !is_masked(text)
}

/// Whether text names whom a token is for: neither it nor a part of it is a mask.
fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.split(':').all(|part| part.is_empty() || !is_masked(part))
}

/// The subject in `PROVIDER:AUDIENCE:SUBJECT`, the id of a web identity; an audience may hold colons.
fn subject_in<'i>(id: &'i str, provider: &str, response: &Value<'_>) -> Option<&'i str> {
    let rest = id
        .strip_prefix(provider)
        .filter(|_| !provider.is_empty())?
        .strip_prefix(':')?;
    if let Some(at) = rest.find(":system:serviceaccount:") {
        return Some(&rest[at + 1..]);
    }
    let audience = response.get("audience")?.as_str()?.to_owned();
    rest.strip_prefix(&*audience)?.strip_prefix(':')
}

fn is_service_account(subject: &str) -> bool {
    service_account(subject).is_some()
}

/// A service account, from any issuer; every other subject is a web identity.
fn web_identity(subject: &str, provider: &str) -> Workload {
    match service_account(subject) {
        Some((namespace, name)) => Workload {
            kind: WorkloadKind::ServiceAccount,
            cluster: issuer_of(provider).map(str::to_owned),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        },
        None => Workload::plain(WorkloadKind::WebIdentity, subject),
    }
}

/// The pod from the session tags that EKS sets, or, where those are disabled, from
/// `externalId = REGION/ACCOUNT/CLUSTER/NAMESPACE/SERVICE_ACCOUNT` (EKS user guide, "Pod Identity"). Its cluster is told by
/// its ARN, where that is known: clusters of several accounts and regions may bear one name.
fn pod_identity(request: &Value<'_>) -> Option<Workload> {
    let tag = |wanted: &str| -> Option<String> {
        let tags = request.get("tags")?.elements();
        let tag = tags
            .iter()
            .find(|tag| tag.get("key").and_then(Value::as_str) == Some(wanted))?;
        Some(tag.get("value")?.as_str()?.to_owned()).filter(|value| !value.is_empty())
    };
    let workload = |cluster: Option<String>, namespace: String, name: String| Workload {
        kind: WorkloadKind::PodIdentity,
        cluster,
        namespace: Some(namespace),
        name,
    };
    if let (Some(namespace), Some(name)) = (tag("kubernetes-namespace"), tag("kubernetes-service-account")) {
        if !is_kubernetes_name(&namespace) || !is_kubernetes_name(&name) {
            return None;
        }
        let arn = tag("eks-cluster-arn").filter(|arn| account_of_cluster(arn).is_some());
        let cluster = || tag("eks-cluster-name").filter(|name| !is_masked(name));
        return Some(workload(arn.or_else(cluster), namespace, name));
    }
    let external: Vec<&str> = request.get("externalId")?.as_str()?.split('/').collect();
    let [region, account, cluster, namespace, name] = external[..] else {
        return None;
    };
    let partition = request
        .get("roleArn")
        .and_then(Value::as_str)
        .and_then(|arn| arn.split(':').nth(1));
    let arn = format!(
        "arn:{}:eks:{region}:{account}:cluster/{cluster}",
        partition.unwrap_or("aws")
    );
    let is_whole =
        !region.is_empty() && !is_masked(cluster) && is_kubernetes_name(namespace) && is_kubernetes_name(name);
    (is_whole && account_of_cluster(&arn).is_some()).then(|| workload(Some(arn), namespace.to_owned(), name.to_owned()))
}

/// The account of a cluster's ARN.
fn account_of_cluster(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "eks", _, account, resource] = parts[..] else {
        return None;
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && resource.starts_with("cluster/")).then_some(account)
}

#[cfg(test)]
mod tests;
