//! Decides a request: which policies allow it, which deny it, and how their answers combine.
//!
//! The order is IAM's ("Policy evaluation logic"): an explicit denial anywhere wins; Organizations' policies, boundary
//! and session policies limit; identity and resource policies grant. What cannot be known stays unknown where it matters.

use std::fmt;

use super::arn::{Arn, Value};
use super::condition::holds::{all, any, not, value_of, yes_if};
use super::request::{Caller, MissingKeys, Request};
use super::{ActionPart, Answer, Effect, Policy, PrincipalPart, Resource, ResourcePart, Statement};

mod organization;
mod principal;

use principal::Match;

/// The policies that bear on a request.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Those of the caller and of its groups.
    pub identity: Vec<Policy>,
    /// The permissions boundary; none if empty.
    pub boundaries: Vec<Policy>,
    /// Service control policies by level, root first; none if there is no level, while an empty level denies.
    pub service_control: Vec<Vec<Policy>>,
    /// Resource control policies by level, as above.
    pub resource_control: Vec<Vec<Policy>>,
    /// Session policies; none if empty.
    pub session: Vec<Policy>,
    /// The policy of the resource: bucket policy, key policy, the trust policy of a role.
    pub resource: Option<Policy>,
}

/// Where a policy stands among [`Policies`]: its field, with the index or the level and the index in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PolicyRef {
    Identity(usize),
    Boundary(usize),
    ServiceControl(usize, usize),
    ResourceControl(usize, usize),
    Session(usize),
    Resource,
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(at) => write!(f, "identity_policies[{at}]"),
            Self::Boundary(at) => write!(f, "permission_boundaries[{at}]"),
            Self::ServiceControl(level, at) => write!(f, "service_control_policies[{level}][{at}]"),
            Self::ResourceControl(level, at) => write!(f, "resource_control_policies[{level}][{at}]"),
            Self::Session(at) => write!(f, "session_policies[{at}]"),
            Self::Resource => f.write_str("resource_policy"),
        }
    }
}

/// How a request is decided.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// Allowed.
    Allowed,
    /// Some policy that must allow does not.
    ImplicitlyDenied,
    /// A Deny statement applies.
    ExplicitlyDenied,
    /// What is known does not decide it.
    Unknown,
}

/// A statement that made the decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Because {
    /// The policy it stands in.
    pub policy: PolicyRef,
    /// Its Sid, or its index.
    pub statement: String,
    /// What it does.
    pub effect: Effect,
}

/// A decision and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// How the request is decided.
    pub outcome: Outcome,
    /// Whether it is allowed; `No` also where only the kind of denial is unknown.
    pub allows: Answer,
    /// The statements that made the decision; those in doubt where it is unknown.
    pub because: Vec<Because>,
    /// The unknown keys that left it undecided.
    pub missing_keys: Vec<String>,
}

/// Decides `request` under `policies`.
pub fn evaluate(request: &Request, policies: &Policies) -> Decision {
    let caller = Caller::of(&request.principal);
    let has_account = caller.account().is_some();
    if has_account && request.action.eq_ignore_ascii_case("sts:GetCallerIdentity") {
        return needs_nothing();
    }
    // What is attached to the caller, and its organization's policies, reach callers with an account only.
    let attached = |list: &'_ [Policy], reference: fn(usize) -> PolicyRef| {
        tally(request, if has_account { list } else { &[] }, false, reference)
    };
    let identity = attached(&policies.identity, PolicyRef::Identity);
    let boundary = attached(&policies.boundaries, PolicyRef::Boundary);
    let session = attached(&policies.session, PolicyRef::Session);
    let controlled = has_account && !caller.is_service_linked();
    let service_control: Vec<Tally> = levels(
        request,
        &policies.service_control,
        controlled,
        PolicyRef::ServiceControl,
    );
    let resource_control: Vec<Tally> = levels(
        request,
        &policies.resource_control,
        organization::resource_control_reaches(&caller, request),
        PolicyRef::ResourceControl,
    );
    let bounded = has_account && !policies.boundaries.is_empty();
    let resource = policies
        .resource
        .as_ref()
        .map(|policy| tally(request, std::slice::from_ref(policy), bounded, |_| PolicyRef::Resource));

    let resource_allows = |kind: Match| resource.as_ref().map_or(Answer::No, |tally| tally.allow_as(kind));
    let by_control = both(
        all(service_control.iter().map(Tally::allow)),
        all(resource_control.iter().map(Tally::allow)),
    );
    let role = resource_allows(Match::Role);
    let account = resource_allows(Match::Account);
    // What names the user, the session or everybody reaches past what boundary and session policies leave out; what names
    // the role does not ("Policy evaluation logic", "AWS JSON policy elements: Principal").
    let beyond = either(resource_allows(Match::Direct), resource_allows(Match::Everyone));
    // The root user has no policies and needs none in its own account.
    let own = match caller {
        Caller::Root { .. } => Answer::Yes,
        Caller::Role { .. }
        | Caller::Session { .. }
        | Caller::Identity { .. }
        | Caller::FederatedUser { .. }
        | Caller::Outside => identity.allow(),
    };
    let limits = both(
        if policies.boundaries.is_empty() {
            Answer::Yes
        } else {
            boundary.allow()
        },
        match caller {
            // Without a session policy a federated user has nothing of the user's ("GetFederationToken").
            Caller::FederatedUser { .. } => session.allow(),
            _other if policies.session.is_empty() => Answer::Yes,
            Caller::Root { .. }
            | Caller::Role { .. }
            | Caller::Session { .. }
            | Caller::Identity { .. }
            | Caller::Outside => session.allow(),
        },
    );
    let granted = match relation(&caller, request) {
        // A caller without an account has no policies of its own.
        Relation::Outside => either(beyond, role),
        Relation::Foreign => both(both(own, limits), either(either(beyond, role), account)),
        // Key policies and trust policies must allow; naming the account leaves the choice to identity policies.
        Relation::SameAccount if must_allow_explicitly(request) => {
            either(beyond, both(limits, either(role, both(account, own))))
        }
        Relation::SameAccount => either(beyond, both(limits, either(role, own))),
    };
    let allowed = both(granted, by_control);

    let tallies: Vec<&Tally> = [&identity, &boundary, &session]
        .into_iter()
        .chain(&service_control)
        .chain(&resource_control)
        .chain(&resource)
        .collect();
    decision(allowed, &tallies)
}

/// Anybody may ask who they are, whatever denies it ("GetCallerIdentity" of the STS API reference).
fn needs_nothing() -> Decision {
    Decision {
        outcome: Outcome::Allowed,
        allows: Answer::Yes,
        because: Vec::new(),
        missing_keys: Vec::new(),
    }
}

/// Puts denials over what was allowed.
fn decision(allowed: Answer, tallies: &[&Tally]) -> Decision {
    let denied = any(tallies.iter().map(|tally| tally.deny()));
    let allows = both(allowed, not(denied));
    let outcome = match (denied, allowed) {
        (Answer::Yes, Answer::Yes | Answer::No | Answer::Unknown) => Outcome::ExplicitlyDenied,
        (Answer::No, Answer::Yes) => Outcome::Allowed,
        (Answer::No, Answer::No) => Outcome::ImplicitlyDenied,
        (Answer::No, Answer::Unknown) => Outcome::Unknown,
        (Answer::Unknown, Answer::Yes | Answer::No | Answer::Unknown) => Outcome::Unknown,
    };
    let counts = |tally: &Tally, applied: &Applied| match outcome {
        Outcome::Allowed => applied.effect == Effect::Allow && applied.answer == Answer::Yes,
        Outcome::ExplicitlyDenied => applied.effect == Effect::Deny && applied.answer == Answer::Yes,
        Outcome::ImplicitlyDenied => false,
        Outcome::Unknown => {
            let matters = match applied.effect {
                Effect::Deny => true,
                Effect::Allow => allowed == Answer::Unknown && tally.allow() == Answer::Unknown,
            };
            matters && applied.answer == Answer::Unknown
        }
    };
    let counted: Vec<&Applied> = tallies
        .iter()
        .flat_map(|tally| tally.applied.iter().filter(|applied| counts(tally, applied)))
        .collect();
    let missing: MissingKeys = counted
        .iter()
        .flat_map(|applied| applied.missing.iter().cloned())
        .collect();
    Decision {
        outcome,
        allows,
        because: counted
            .into_iter()
            .map(|applied| Because {
                policy: applied.policy,
                statement: applied.statement.clone(),
                effect: applied.effect,
            })
            .collect(),
        missing_keys: if outcome == Outcome::Unknown {
            missing.into_iter().collect()
        } else {
            Vec::new()
        },
    }
}

fn both(a: Answer, b: Answer) -> Answer {
    all([a, b].into_iter())
}

fn either(a: Answer, b: Answer) -> Answer {
    any([a, b].into_iter())
}

/// How the caller stands to the resource.
enum Relation {
    SameAccount,
    Foreign,
    Outside,
}

fn relation(caller: &Caller<'_>, request: &Request) -> Relation {
    let owner = match &request.resource_account {
        Some(account) => Some(account.as_str()),
        None => Arn::parse(&request.resource)
            .map(|arn| arn.account)
            .filter(|account| !account.is_empty()),
    };
    match (caller.account(), owner) {
        (None, _) => Relation::Outside,
        (Some(own), Some(owner)) if own != owner => Relation::Foreign,
        (Some(_), Some(_) | None) => Relation::SameAccount,
    }
}

/// Role trust and KMS key policies: without their Allow nobody gets in, not even the owner's own identities
/// ("Policy evaluation logic", "AWS KMS key policies").
pub(super) fn must_allow_explicitly(request: &Request) -> bool {
    let action = request.action.to_lowercase();
    Arn::parse(&request.resource).is_some_and(|arn| match (arn.service, arn.resource.split_once('/')) {
        ("iam", Some(("role", _))) => action.starts_with("sts:"),
        ("kms", Some(("key", _))) => action.starts_with("kms:"),
        (_, Some(_) | None) => false,
    })
}

/// A statement that applies, or may.
struct Applied {
    policy: PolicyRef,
    statement: String,
    effect: Effect,
    /// In which ways it concerns the caller, each with whether it then applies.
    kinds: Vec<(Match, Answer)>,
    answer: Answer,
    missing: MissingKeys,
}

/// What a list of policies says about a request.
struct Tally {
    applied: Vec<Applied>,
}

impl Tally {
    fn allow(&self) -> Answer {
        self.of(Effect::Allow)
    }

    fn deny(&self) -> Answer {
        self.of(Effect::Deny)
    }

    fn of(&self, effect: Effect) -> Answer {
        let with_effect = self.applied.iter().filter(|applied| applied.effect == effect);
        any(with_effect.map(|applied| applied.answer))
    }

    fn allow_as(&self, kind: Match) -> Answer {
        let allows = self.applied.iter().filter(|applied| applied.effect == Effect::Allow);
        let of_kind = allows
            .flat_map(|applied| &applied.kinds)
            .filter(|(own, _)| *own == kind);
        any(of_kind.map(|(_, answer)| *answer))
    }
}

fn levels(
    request: &Request,
    levels: &[Vec<Policy>],
    reach: bool,
    reference: impl Fn(usize, usize) -> PolicyRef,
) -> Vec<Tally> {
    levels
        .iter()
        .enumerate()
        .filter(|_| reach)
        .map(|(level, policies)| tally(request, policies, false, |at| reference(level, at)))
        .collect()
}

fn tally(request: &Request, policies: &[Policy], bounded: bool, reference: impl Fn(usize) -> PolicyRef) -> Tally {
    let mut applied = Vec::new();
    for (at, policy) in policies.iter().enumerate() {
        for statement in &policy.statements {
            let mut missing = MissingKeys::new();
            let mut kinds = principal::concerns(&statement.principal, &request.principal);
            // Whoever has a boundary is denied, excepted or not ("Permissions boundaries for IAM entities").
            if bounded
                && statement.effect == Effect::Deny
                && matches!(statement.principal, PrincipalPart::NotPrincipal(_))
            {
                kinds = vec![(Match::Everyone, Answer::Yes)];
            }
            if kinds.is_empty() {
                continue;
            }
            let applies = applies(statement, request, &mut missing);
            for (_, answer) in &mut kinds {
                *answer = both(*answer, applies);
            }
            let answer = any(kinds.iter().map(|(_, answer)| *answer));
            match answer {
                Answer::No => {}
                Answer::Yes | Answer::Unknown => applied.push(Applied {
                    policy: reference(at),
                    statement: statement.sid.clone().unwrap_or_else(|| statement.index.to_string()),
                    effect: statement.effect,
                    kinds,
                    answer,
                    missing,
                }),
            }
        }
    }
    Tally { applied }
}

/// Whether action, resource and conditions of the statement fit the request. `missing` is filled where that is unknown.
pub(super) fn applies(statement: &Statement, request: &Request, missing: &mut MissingKeys) -> Answer {
    if concerns_action(&statement.action, &request.action) == Answer::No {
        return Answer::No;
    }
    let mut doubts = MissingKeys::new();
    let resource = concerns_resource(&statement.resource, request, &mut doubts);
    if resource == Answer::No {
        return Answer::No;
    }
    let conditions = all(statement
        .conditions
        .iter()
        .map(|condition| condition.holds(&request.context, &mut doubts)));
    let answer = both(resource, conditions);
    if answer == Answer::Unknown {
        missing.extend(doubts);
    }
    answer
}

fn concerns_action(part: &ActionPart, action: &str) -> Answer {
    match part {
        ActionPart::Action(patterns) => yes_if(patterns.iter().any(|pattern| pattern.matches(action))),
        ActionPart::NotAction(patterns) => yes_if(!patterns.iter().any(|pattern| pattern.matches(action))),
    }
}

fn concerns_resource(part: &ResourcePart, request: &Request, missing: &mut MissingKeys) -> Answer {
    let mut absent = false;
    let mut one_of = |patterns: &[Resource]| {
        let answer = any(patterns.iter().map(|pattern| {
            pattern.answer(&request.resource, &mut |variable| {
                let value = value_of(variable, &request.context, missing);
                absent |= value == Value::Absent;
                value
            })
        }));
        (answer, absent)
    };
    match part {
        ResourcePart::Resource(patterns) => one_of(patterns).0,
        ResourcePart::NotResource(patterns) => {
            let (matched, void) = one_of(patterns);
            // A variable that has no value may make the whole statement void ("IAM policy elements: Variables and tags").
            match (void, not(matched)) {
                (false, answer) => answer,
                (true, Answer::No) => Answer::No,
                (true, Answer::Yes | Answer::Unknown) => Answer::Unknown,
            }
        }
        ResourcePart::None => Answer::Yes,
    }
}

#[cfg(test)]
mod tests;
