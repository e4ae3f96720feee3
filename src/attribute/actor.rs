//! Whom a session's calls are owed to: its opening, or what the calls show themselves, or nobody that can be named.
//!
//! A name is the truth or it is not given. Keys are told apart by the life of their sessions, and where two could have
//! made a call neither is named.

use std::collections::BTreeSet;

use super::opening::{Claim, LIFE, Opener, Opening, Openings};
use super::session::{Shown, Workload, WorkloadKind};

/// Clocks of two services of AWS may differ by so many seconds, and a call takes its time to complete.
const SKEW: i64 = 300;

/// Who stood behind calls, and how that is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Actor {
    /// `None` where nobody can be named.
    pub workload: Option<Workload>,
    /// How it is known, or why it is not.
    pub known: Known,
    /// The identity provider of the session, where its calls show it and no workload says as much; may be empty.
    pub provider: String,
    /// Of a role or user that opened the session, the family of the name that it gave it; empty where that is not known.
    pub sessions: String,
}

/// How a workload is known, or why none is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Known {
    /// The opening of the session was seen.
    Opening,
    /// AWS says so on the calls themselves.
    Call,
    /// The caller says so of itself.
    UserAgent,
    /// The opening was seen, by somebody of this kind, whom it does not name.
    Unnamed(WorkloadKind),
    /// No opening was seen.
    Unseen,
    /// No opening was seen, and the calls show that no pod's session made them.
    NoPod,
    /// Several opened sessions under that key.
    Several,
    /// An opening was seen, and the calls lie outside the life of its session.
    Outside,
    /// More workloads than are told apart.
    Other,
    /// The ledger was collected before workloads were told apart.
    Untold,
}

impl Known {
    /// Each of them in a word; with its kind for [`Known::Unnamed`].
    pub fn name(self) -> &'static str {
        match self {
            Known::Opening => "opening",
            Known::Call => "call",
            Known::UserAgent => "user_agent",
            Known::Unnamed(_) => "unnamed",
            Known::Unseen => "unseen",
            Known::NoPod => "no_pod",
            Known::Several => "several",
            Known::Outside => "outside",
            Known::Other => "other",
            Known::Untold => "untold",
        }
    }

    /// The inverse of [`Known::name`]; `opener` is the kind that goes with it.
    pub fn read(name: &str, opener: Option<WorkloadKind>) -> Option<Known> {
        Some(match name {
            "opening" => Known::Opening,
            "call" => Known::Call,
            "user_agent" => Known::UserAgent,
            "unnamed" => Known::Unnamed(opener?),
            "unseen" => Known::Unseen,
            "no_pod" => Known::NoPod,
            "several" => Known::Several,
            "outside" => Known::Outside,
            "other" => Known::Other,
            "untold" => Known::Untold,
            _ => return None,
        })
    }
}

impl Actor {
    /// Nobody that can be named.
    pub fn unknown(known: Known) -> Actor {
        Actor {
            workload: None,
            known,
            provider: String::new(),
            sessions: String::new(),
        }
    }

    /// The kind of whoever opened the session, where its opening was seen.
    pub fn opener(&self) -> Option<WorkloadKind> {
        match self.known {
            Known::Unnamed(kind) => Some(kind),
            Known::Opening => self.workload.as_ref().map(|workload| workload.kind),
            Known::Call
            | Known::UserAgent
            | Known::Unseen
            | Known::NoPod
            | Known::Several
            | Known::Outside
            | Known::Other
            | Known::Untold => None,
        }
    }
}

/// Whom calls of a session are owed to. `span` holds the seconds of the first and the last of them; `openings_of` finds
/// what opened another session, by its role's id and its key.
pub fn behind<'o>(
    openings: &'o Openings,
    shown: Option<&Shown>,
    provider: &str,
    (first, last): (i64, i64),
    openings_of: &dyn Fn(&str, &str) -> Option<&'o Openings>,
) -> Actor {
    let opened = opened(openings, (first, last), openings_of);
    let (no_pod, shown): (Option<&Shown>, Option<&Shown>) = match shown {
        Some(shown) if shown.workload.kind == WorkloadKind::Principal => (Some(shown), None),
        shown => (None, shown),
    };
    let call = shown.filter(|shown| !shown.said);
    let said = shown.filter(|shown| shown.said);
    let named = |workload: &Workload, known: Known| Actor {
        workload: Some(workload.clone()),
        known,
        provider: String::new(),
        sessions: String::new(),
    };
    match (opened, call) {
        // Identity Center opens its roles by SAML; the session's name is the person's, the other one's need not be.
        (Opened::By(..), Some(call)) if call.workload.kind == WorkloadKind::Sso => named(&call.workload, Known::Call),
        (Opened::By(mut workload, sessions), _) => {
            if workload.kind == WorkloadKind::ServiceAccount && workload.cluster.is_none() {
                workload.cluster = cluster_of(provider).map(str::to_owned);
            }
            Actor {
                sessions: sessions.to_owned(),
                ..named(&workload, Known::Opening)
            }
        }
        (Opened::Not(_), Some(call)) => named(&call.workload, Known::Call),
        (Opened::Not(Known::Unseen), None) if said.is_some() && provider.is_empty() => {
            named(&said.expect("it is some").workload, Known::UserAgent)
        }
        (Opened::Not(why), None) => Actor {
            workload: None,
            known: match why {
                Known::Unseen if no_pod.is_some() => Known::NoPod,
                why => why,
            },
            provider: provider.to_owned(),
            sessions: String::new(),
        },
    }
}

enum Opened<'o> {
    /// By whom; of a role or user with the family of the name that it gave the session.
    By(Workload, &'o str),
    Not(Known),
}

fn opened<'o>(
    openings: &'o Openings,
    (first, last): (i64, i64),
    openings_of: &dyn Fn(&str, &str) -> Option<&'o Openings>,
) -> Opened<'o> {
    // An opening further away belongs to another session, whose key is the same by chance.
    let near = |opening: &&Opening| opening.from <= last + LIFE && first <= opening.from + 2 * LIFE;
    let near: Vec<&Opening> = openings.iter().filter(near).collect();
    let accounts = accounts_of_callers(&near);
    let mut openers: BTreeSet<Result<Workload, WorkloadKind>> = BTreeSet::new();
    for opening in &near {
        openers.insert(match &*opening.opener {
            Opener::Named(workload) if accounts.contains(workload.name.as_str()) => continue,
            Opener::Named(workload) => Ok(workload.clone()),
            Opener::Unnamed(kind) => Err(*kind),
            Opener::Claimed(claim) => Ok(believed(claim, opening.from, openings_of)),
        });
    }
    let mut openers = openers.into_iter();
    let Some(opener) = openers.next() else {
        return Opened::Not(Known::Unseen);
    };
    if openers.next().is_some() {
        return Opened::Not(Known::Several);
    }
    if !near.iter().any(|opening| covers(opening, (first, last))) {
        return Opened::Not(Known::Outside);
    }
    match opener {
        Ok(workload) if workload.kind == WorkloadKind::Principal => {
            // Several openings of one caller may be of several sessions.
            let mut families = near.iter().map(|opening| &*opening.sessions);
            let first = families.next().unwrap_or_default();
            let same = families.all(|family| family == first);
            Opened::By(workload, if same { first } else { "" })
        }
        Ok(workload) => Opened::By(workload, ""),
        Err(kind) => Opened::Not(Known::Unnamed(kind)),
    }
}

fn covers(opening: &Opening, (first, last): (i64, i64)) -> bool {
    opening.from - SKEW <= first && last <= opening.until + SKEW
}

/// The pod that a claim names, if EKS opened the session that names it, and for no other pod; else the role. An external id
/// names the cluster that the target role's association is of, which need not be how the session's own tags name it.
///
/// Where an association turns tags off, the external id is all that tells the pod (EKS user guide, "Access AWS resources
/// using EKS Pod Identity target IAM roles"). A pod that was handed such a role itself could write another's.
fn believed<'o>(claim: &Claim, time: i64, openings_of: &dyn Fn(&str, &str) -> Option<&'o Openings>) -> Workload {
    let openings = openings_of(&claim.role_id, &claim.session)
        .into_iter()
        .flat_map(Openings::iter);
    let mut current = openings.filter(|opening| covers(opening, (time, time)));
    let by_eks = |opening: &Opening| match &*opening.opener {
        Opener::Unnamed(WorkloadKind::PodIdentity) => Some(claim.pod.clone()),
        Opener::Named(pod) => {
            let names = |pod: &Workload| (pod.namespace.clone(), pod.name.clone());
            let is_it = pod.kind == WorkloadKind::PodIdentity && names(pod) == names(&claim.pod);
            let cluster = claim.pod.cluster.as_ref().or(pod.cluster.as_ref());
            is_it.then(|| Workload {
                cluster: cluster.cloned(),
                ..pod.clone()
            })
        }
        Opener::Unnamed(_) | Opener::Claimed(_) => None,
    };
    let pod = current.next().and_then(by_eks);
    let pod = pod.filter(|pod| current.all(|opening| by_eks(opening).as_ref() == Some(pod)));
    pod.unwrap_or_else(|| claim.caller.clone())
}

/// Accounts of the roles and users that opened a session. Where a role is taken from another account, its own account's
/// trail tells of that account alone: a copy of the call that the caller's trail tells better.
fn accounts_of_callers<'o>(openings: &[&'o Opening]) -> BTreeSet<&'o str> {
    let callers = openings.iter().filter_map(|opening| match &*opening.opener {
        Opener::Named(workload) => Some(workload),
        Opener::Claimed(claim) => Some(&claim.caller),
        Opener::Unnamed(_) => None,
    });
    callers
        .filter(|workload| workload.kind == WorkloadKind::Principal)
        .filter_map(|workload| workload.name.split(':').nth(4))
        .collect()
}

/// The cluster that an EKS identity provider belongs to, by the id in its URL.
pub fn cluster_of(provider: &str) -> Option<&str> {
    let (host, id) = url_of(provider).split_once("/id/")?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_id && region_of_issuer(host).is_some()).then_some(id)
}

/// Names under which AWS's partitions serve: `oidc.eks.REGION.amazonaws.com`, and `oidc-eks.REGION.api.aws` of clusters that
/// speak IPv6 (EKS user guide, "Create an IAM OIDC provider for your cluster"). Whoever likes may own a name that begins so.
const SUFFIXES: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "api.aws",
    "c2s.ic.gov",
    "csp.hci.ic.gov",
    "sc2s.sgov.gov",
];

/// The region in the name of an EKS issuer's host.
pub fn region_of_issuer(host: &str) -> Option<&str> {
    let of_region = host
        .strip_prefix("oidc.eks.")
        .or_else(|| host.strip_prefix("oidc-eks."))?;
    let (region, suffix) = of_region.split_once('.')?;
    let is_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!region.is_empty() && region.bytes().all(is_label) && SUFFIXES.contains(&suffix)).then_some(region)
}

/// An issuer's URL without its scheme, of itself or of its provider's ARN.
fn url_of(provider: &str) -> &str {
    match provider.split_once(":oidc-provider/") {
        Some((_, issuer)) => issuer,
        None => provider.strip_prefix("https://").unwrap_or(provider),
    }
}

/// A cluster's name, of itself or of its ARN.
pub fn cluster_name(cluster: &str) -> &str {
    match cluster.split_once(":cluster/") {
        Some((arn, name)) if arn.starts_with("arn:") => name,
        Some(_) | None => cluster,
    }
}

/// What tells a cluster from others by its identity provider: of EKS the id, of others all of the issuer's URL, whose last
/// word may well be the name of a cluster of EKS's.
pub fn issuer_of(provider: &str) -> Option<&str> {
    cluster_of(provider).or_else(|| Some(url_of(provider)).filter(|url| !url.is_empty()))
}

#[cfg(test)]
mod tests;
