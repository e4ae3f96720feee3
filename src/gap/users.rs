//! Who used a role: whom the archive shows behind its sessions, and where it shows nobody, the only one whom the trust
//! policy lets in.
//!
//! The trust policy is today's, and a guess: it names nobody where there is a second way in, and where the archive shows
//! that it changed or that somebody else came in. The same holds for the associations of EKS Pod Identity that are given.

mod pods;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::attribute::{Actor, Known, Workload, WorkloadKind, cluster_of, issuer_of};
use crate::grants::{Eks, Kind, Principal};
use crate::iam::condition::{Comparison, Condition};
use crate::iam::policy::Principal as Named;
use crate::iam::{ActionPart, Answer, Effect, Policies, Policy, PrincipalPart, Request, Statement, evaluate, pattern};
use crate::resolve::bare;
use crate::usage::{Table, WorkloadCalls};
use pods::{Associated, Associations};

/// Who opens the sessions of EKS Pod Identity.
const PODS: &str = "pods.eks.amazonaws.com";

/// How a user of a role is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum How {
    /// The opening of the session was seen, or AWS says so on the calls.
    Seen,
    /// The calls show the identity provider, and so the cluster.
    FederatedProvider,
    /// The role's trust policy lets nobody else in.
    Trust,
    /// EKS says that it gives the role to nobody else.
    Association,
    /// Not at all.
    Unknown,
}

impl How {
    /// As `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            How::Seen => "seen",
            How::FederatedProvider => "federated_provider",
            How::Trust => "trust",
            How::Association => "association",
            How::Unknown => "unknown",
        }
    }
}

/// One user of a role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Who; `None` where nobody can be named.
    pub workload: Option<Workload>,
    /// The cluster, where it is known and the workload is not.
    pub cluster: Option<String>,
    /// How that is known.
    pub how: How,
    /// Where nobody is named, why, in words.
    pub why: &'static str,
    /// Calls.
    pub calls: u64,
    /// Of a role or user that took the role, its calls by the family of the names that it gave its sessions; empty where the
    /// family of one call is not known.
    pub sessions: BTreeMap<String, u64>,
}

/// Who used a role.
#[derive(Clone, Debug, Default)]
pub struct Users {
    /// Most calls first.
    pub all: Vec<User>,
    door: Door,
}

/// What the archive tells of all roles' users.
pub(super) struct Seen<'t> {
    /// By the role's account and id, as its calls are: an id alone may be another account's role in data made by hand.
    workloads: HashMap<(&'t str, &'t str), Vec<&'t WorkloadCalls>>,
    /// Roles whose trust policy changed, by account and resource.
    changed: BTreeSet<(&'t str, &'t str)>,
    associations: Associations<'t>,
}

impl<'t> Seen<'t> {
    /// What an archive tells that begins at `start`, in seconds since 1970.
    pub(super) fn of(table: &'t Table, eks: &'t Eks, start: i64) -> Seen<'t> {
        let mut workloads: HashMap<(&str, &str), Vec<&WorkloadCalls>> = HashMap::new();
        for known in &table.workloads {
            let role = (known.account.as_str(), known.role_id.as_str());
            workloads.entry(role).or_default().push(known);
        }
        let mut changed = BTreeSet::new();
        for row in &table.rows {
            let signature = &table.signatures[row.signature].signature;
            if &*signature.event_name != "UpdateAssumeRolePolicy" || &*signature.event_source != "iam.amazonaws.com" {
                continue;
            }
            let account = &*signature.account;
            match &row.resources[..] {
                [] => _ = changed.insert((account, "*")),
                resources => changed.extend(resources.iter().map(|resource| (account, bare(resource)))),
            }
        }
        Seen {
            workloads,
            changed,
            associations: Associations::of(table, eks, start),
        }
    }

    pub(super) fn users(&self, principal: &Principal) -> Users {
        if principal.kind != Kind::Role || principal.id.is_empty() {
            return Users::default();
        }
        let role = (principal.account.as_str(), principal.id.as_str());
        let of_role = self.workloads.get(&role);
        let of_role = of_role.map_or(&[][..], Vec::as_slice);
        let account = (principal.account.as_str(), "");
        let mut changes = self
            .changed
            .range(account..)
            .take_while(|(of, _)| *of == principal.account);
        let changed = changes.any(|(_, resource)| pattern::matches(resource, &principal.arn));
        let mut door = match &principal.trust {
            Some(Ok(trust)) if !changed => Door::of(trust, &principal.arn),
            Some(_) | None => Door::default(),
        };
        let mut associated = self.associations.only(&principal.arn);
        // Whoever was seen to come in and is not let in today shows that the policy was another one.
        for known in of_role {
            if !door.explains(&known.actor) {
                door = Door::default();
            }
            if let Actor {
                workload: Some(seen),
                known: Known::Opening,
                ..
            } = &*known.actor
            {
                associated = associated.filter(|one| one.may_be(seen));
            }
        }
        door.associated = associated;
        let mut all: Vec<User> = Vec::new();
        for known in of_role {
            let mut user = door.user(&known.actor, known.calls);
            user.sessions.insert(known.actor.sessions.clone(), known.calls);
            let same = |other: &&mut User| {
                (&other.workload, &other.cluster, other.how, other.why)
                    == (&user.workload, &user.cluster, user.how, user.why)
            };
            match all.iter_mut().find(same) {
                Some(other) => {
                    other.calls += user.calls;
                    for (family, calls) in user.sessions {
                        *other.sessions.entry(family).or_default() += calls;
                    }
                }
                None => all.push(user),
            }
        }
        for user in all.iter_mut().filter(|user| user.sessions.contains_key("")) {
            user.sessions.clear();
        }
        all.sort_by(|a, b| {
            let name = |user: &User| (user.workload.clone(), user.cluster.clone(), user.how, user.why);
            b.calls.cmp(&a.calls).then_with(|| name(a).cmp(&name(b)))
        });
        Users { all, door }
    }
}

impl Users {
    /// Whom calls are owed to.
    pub fn user(&self, actor: &Arc<Actor>, calls: u64) -> User {
        self.door.user(actor, calls)
    }
}

/// Who a trust policy lets in, where that is one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Door {
    /// Every way in, as far as it was read.
    ways: Vec<Way>,
    /// Whether there is a way that was not.
    others: bool,
    /// Whether one of those is for everybody, whoever vouches for them.
    everybody: bool,
    /// The only service account that EKS Pod Identity gives the role to.
    associated: Option<Associated>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Way {
    /// A service of AWS.
    Service(String),
    /// Subjects of an identity provider; one service account where the condition leaves no other.
    Federated(String, Option<(String, String)>),
}

impl Door {
    fn of(trust: &Policy, role: &str) -> Door {
        let mut door = Door::default();
        for statement in &trust.statements {
            match statement.effect {
                Effect::Allow => door.add(statement, trust, role),
                // It lets nobody in.
                Effect::Deny => {}
            }
        }
        door
    }

    fn add(&mut self, statement: &Statement, trust: &Policy, role: &str) {
        // What tags a session, or names its source, opens none.
        let beside = ["sts:tagsession", "sts:setsourceidentity", "sts:setcontext"];
        if let ActionPart::Action(actions) = &statement.action
            && actions.iter().all(|action| beside.contains(&action.lower()))
        {
            return;
        }
        let PrincipalPart::Principal(named) = &statement.principal else {
            (self.others, self.everybody) = (true, true);
            return;
        };
        for who in named {
            match who {
                Named::Service(service) => {
                    let service = service.strip_suffix(".cn").unwrap_or(service);
                    self.ways.push(Way::Service(service.to_owned()));
                }
                Named::Federated(provider) => {
                    let one = subject(&statement.conditions, provider);
                    let way = Way::Federated(provider.clone(), one.clone());
                    // A condition that cannot hold, or a Deny, lets in nobody of that name.
                    let is_shut = one.is_some_and(|one| is_shut(trust, role, provider, &one));
                    if !is_shut && !self.ways.contains(&way) {
                        self.ways.push(way);
                    }
                }
                Named::Everyone => (self.others, self.everybody) = (true, true),
                Named::Aws(_) | Named::CanonicalUser(_) => self.others = true,
            }
        }
    }

    /// Whether what is known of somebody's sessions fits whom the policy lets in. In doubt it does not.
    fn explains(&self, actor: &Actor) -> bool {
        let by_provider = actor.provider.is_empty()
            || self.everybody
            || self
                .ways
                .iter()
                .any(|way| matches!(way, Way::Federated(of, _) if *of == actor.provider));
        let let_in = match (&actor.workload, actor.known) {
            (Some(seen), Known::Opening | Known::Call) => self.lets_in(seen),
            (_, Known::Unnamed(kind)) => self.lets_in(&Workload::plain(kind, "")),
            (_, Known::Several) => false,
            (_, Known::NoPod) => self.lets_in_others(),
            (
                _,
                Known::Opening
                | Known::Call
                | Known::UserAgent
                | Known::Unseen
                | Known::Outside
                | Known::Other
                | Known::Untold,
            ) => true,
        };
        by_provider && let_in
    }

    /// Whether a statement lets in tokens of such a provider, of that service account where it names one alone.
    fn by_federation(&self, is_it: impl Fn(&str, Option<&(String, String)>) -> bool) -> bool {
        let mut ways = self.ways.iter();
        self.everybody || ways.any(|way| matches!(way, Way::Federated(provider, one) if is_it(provider, one.as_ref())))
    }

    /// Whether somebody may come in who is no pod.
    fn lets_in_others(&self) -> bool {
        let is_pods = |way: &Way| match way {
            Way::Service(service) => service == PODS,
            Way::Federated(_, one) => one.is_some(),
        };
        self.others || !self.ways.iter().all(is_pods)
    }

    /// Whether a workload that was seen could come in today. In doubt it could not.
    fn lets_in(&self, seen: &Workload) -> bool {
        let by_service = |service: &str| self.ways.contains(&Way::Service(service.to_owned()));
        match seen.kind {
            // Of one that is not named it is only known that a token opened its session.
            WorkloadKind::ServiceAccount | WorkloadKind::WebIdentity if seen.name.is_empty() => {
                self.by_federation(|provider, _| !provider.contains(":saml-provider/"))
            }
            WorkloadKind::ServiceAccount => self.by_federation(|provider, one| {
                let same = one
                    .is_none_or(|(namespace, name)| seen.namespace.as_deref() == Some(namespace) && seen.name == *name);
                same && (seen.cluster.is_none() || issuer_of(provider) == seen.cluster.as_deref())
            }),
            WorkloadKind::PodIdentity => by_service(PODS) || self.others,
            WorkloadKind::Ec2 => by_service("ec2.amazonaws.com"),
            WorkloadKind::Lambda => by_service("lambda.amazonaws.com"),
            WorkloadKind::Ecs => by_service("ecs-tasks.amazonaws.com"),
            WorkloadKind::Service => by_service(&seen.name),
            WorkloadKind::Principal => self.others,
            // A policy that names one service account lets no other subject in.
            WorkloadKind::WebIdentity => {
                self.by_federation(|provider, one| !provider.contains(":saml-provider/") && one.is_none())
            }
            WorkloadKind::Sso | WorkloadKind::Saml => {
                self.by_federation(|provider, _| provider.contains(":saml-provider/"))
            }
        }
    }

    fn user(&self, actor: &Arc<Actor>, calls: u64) -> User {
        let user = |workload: Option<Workload>, how: How| User {
            workload,
            cluster: None,
            how,
            why: "",
            calls,
            sessions: BTreeMap::new(),
        };
        match (&actor.workload, actor.known) {
            (Some(workload), Known::Opening | Known::Call) => return user(Some(workload.clone()), How::Seen),
            (Some(workload), Known::UserAgent) if self.only_service(workload.kind) => {
                return user(Some(workload.clone()), How::Trust);
            }
            (Some(_), _) => {}
            (None, Known::Unseen) => {
                if let Some(workload) = self.only(&actor.provider) {
                    return user(Some(workload), How::Trust);
                }
                if let Some(one) = self.associated.as_ref().filter(|_| self.only_pods(&actor.provider)) {
                    return user(Some(one.pod.clone()), How::Association);
                }
            }
            // Sessions of an association that passes tags would have named it.
            (None, Known::Unnamed(WorkloadKind::PodIdentity)) => {
                if let Some(one) = self.associated.as_ref().filter(|one| one.without_tags) {
                    return user(Some(one.pod.clone()), How::Association);
                }
            }
            (None, _) => {}
        }
        let cluster = cluster_of(&actor.provider).map(str::to_owned);
        User {
            workload: None,
            how: if cluster.is_some() {
                How::FederatedProvider
            } else {
                How::Unknown
            },
            cluster,
            why: why_unknown(actor.known),
            calls,
            sessions: BTreeMap::new(),
        }
    }

    /// The one service account that can come in; `provider` is the session's, where its calls show it.
    fn only(&self, provider: &str) -> Option<Workload> {
        // A token of the provider may have come in by the way for everybody.
        let mut ways = self.ways.iter().filter(|_| !self.everybody).filter(|way| match way {
            Way::Federated(of, _) => provider.is_empty() || of == provider,
            Way::Service(_) => provider.is_empty(),
        });
        let one = ways.next().filter(|_| ways.next().is_none())?;
        match one {
            Way::Federated(provider_of, Some((namespace, name))) if !self.others || !provider.is_empty() => {
                Some(Workload {
                    kind: WorkloadKind::ServiceAccount,
                    cluster: issuer_of(provider_of).map(str::to_owned),
                    namespace: Some(namespace.clone()),
                    name: name.clone(),
                })
            }
            Way::Federated(..) | Way::Service(_) => None,
        }
    }

    /// Whether EKS Pod Identity alone can come in; `provider` is the session's, where its calls show it.
    fn only_pods(&self, provider: &str) -> bool {
        let is_it = |way: &Way| *way == Way::Service(PODS.to_owned());
        provider.is_empty() && !self.others && !self.ways.is_empty() && self.ways.iter().all(is_it)
    }

    /// Whether a kind of workload alone can come in.
    fn only_service(&self, kind: WorkloadKind) -> bool {
        let service = match kind {
            WorkloadKind::Lambda => "lambda.amazonaws.com",
            WorkloadKind::Ecs => "ecs-tasks.amazonaws.com",
            WorkloadKind::ServiceAccount
            | WorkloadKind::PodIdentity
            | WorkloadKind::Ec2
            | WorkloadKind::Sso
            | WorkloadKind::WebIdentity
            | WorkloadKind::Saml
            | WorkloadKind::Principal
            | WorkloadKind::Service => return false,
        };
        let is_it = |way: &Way| *way == Way::Service(service.to_owned());
        !self.others && !self.ways.is_empty() && self.ways.iter().all(is_it)
    }
}

/// Whether a trust policy surely lets no token of this service account in, whatever else the token says.
fn is_shut(trust: &Policy, role: &str, provider: &str, (namespace, name): &(String, String)) -> bool {
    let Some((_, issuer)) = provider.split_once(":oidc-provider/") else {
        return false;
    };
    let mut request = Request {
        principal: provider.to_owned(),
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: role.to_owned(),
        resource_account: role.split(':').nth(4).map(str::to_owned),
        context: Default::default(),
    };
    let own = format!("{issuer}:").to_lowercase();
    for key in trust.statements.iter().flat_map(Statement::keys) {
        // Another issuer's claims are not in the token, and only sts:AssumeRole takes an external id (IAM user guide, "IAM
        // and AWS STS condition context keys").
        let is_absent = key == "sts:externalid" || key.contains('/') && !key.starts_with(&own);
        if !is_absent || key.starts_with("aws:") {
            request.context.set_unknown(&key);
        }
    }
    let subject = format!("system:serviceaccount:{namespace}:{name}");
    request.context.set(&format!("{issuer}:sub"), vec![subject]);
    let policies = Policies {
        resource: Some(trust.clone()),
        ..Policies::default()
    };
    evaluate(&request, &policies).allows == Answer::No
}

/// The one service account of a provider that a statement's condition leaves.
///
/// Further conditions only leave less, so they are not looked at; `…IfExists` and negated ones name nobody.
fn subject(conditions: &[Condition], provider: &str) -> Option<(String, String)> {
    let (_, issuer) = provider.split_once(":oidc-provider/")?;
    let key = format!("{issuer}:sub");
    let mut of_subject = conditions.iter().filter(|condition| {
        let operator = condition.operator;
        let equals = matches!(operator.comparison, Comparison::StringEquals | Comparison::StringLike);
        equals && operator.set.is_none() && !operator.if_exists && condition.key.eq_ignore_ascii_case(&key)
    });
    let one = of_subject.next().filter(|_| of_subject.next().is_none())?;
    let [subject] = &one.values[..] else { return None };
    let (namespace, name) = subject.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    // A variable stands for anybody, as a wildcard does.
    let plain = |text: &str| !text.is_empty() && !text.contains(['*', '?', '$', ':']);
    (plain(namespace) && plain(name)).then(|| (namespace.to_owned(), name.to_owned()))
}

/// Why nobody is named.
fn why_unknown(known: Known) -> &'static str {
    match known {
        Known::Opening | Known::Call | Known::UserAgent | Known::Unseen | Known::NoPod => {
            "sessions opened outside this archive"
        }
        Known::Unnamed(WorkloadKind::PodIdentity) => "sessions opened by pods.eks without tags",
        Known::Unnamed(WorkloadKind::WebIdentity | WorkloadKind::ServiceAccount) => {
            "sessions opened by a web identity that the trail does not name"
        }
        Known::Unnamed(WorkloadKind::Saml | WorkloadKind::Sso) => {
            "sessions opened by a SAML identity that the trail does not name"
        }
        Known::Unnamed(WorkloadKind::Ec2) => "sessions opened by ec2 for an instance that the trail does not name",
        Known::Unnamed(WorkloadKind::Lambda) => "sessions opened by lambda for a function that the trail does not name",
        Known::Unnamed(WorkloadKind::Ecs) => "sessions opened by ecs-tasks for a task that the trail does not name",
        Known::Unnamed(WorkloadKind::Principal | WorkloadKind::Service) => {
            "sessions opened by somebody whom the trail does not name"
        }
        Known::Several => "sessions under a key that several opened",
        Known::Outside => "calls outside the life of the session that was opened under their key",
        Known::Other => "other workloads, beyond the 256 that are told apart",
        Known::Untold => "calls collected before workloads were told apart",
    }
}

#[cfg(test)]
mod tests;
