//! Proofs between two policies: that the new one allows no more than the old, and that it keeps what was used.
//!
//! A proof rests on structure alone: patterns included in patterns, conditions that imply conditions, denials still there.
//! It holds for every request, under both readings of resource patterns and whatever policy variables hold. Each proof has
//! an [`Effort`]; where that is spent the answer is "not proved".

use std::collections::BTreeSet;

pub use super::pattern::Effort;
pub use super::witness::{Likely, Witness};

use super::condition::{Condition, implies};
use super::policy::Principal;
use super::witness::Focus;
use super::{ActionPart, ActionPattern, Effect, Policy, PrincipalPart, Resource, ResourcePart, Statement, Version};
use super::{arn, pattern, witness};

/// Most steps of one proof.
const PROOF_STEPS: usize = 50_000_000;
/// Most steps of the proof for one used call.
const CALL_STEPS: usize = 20_000_000;

/// What is known about "the new policy allows no more than the old".
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// No request exists that only the new one allows.
    Proved,
    /// This request is allowed by the new one and not by the old.
    Refuted(Witness),
    /// Neither proved nor refuted; what stood in the way.
    Unknown(String),
}

/// Whether every request that `new` allows is allowed by `old`. Never a wrong [`Verdict::Proved`].
pub fn allows_no_more(old: &Policy, new: &Policy) -> Verdict {
    allows_no_more_within(old, new, &Effort::of(PROOF_STEPS), &Effort::of(witness::STEPS))
}

/// [`allows_no_more`] with so much effort for the proof, and so much for the search for a witness.
pub fn allows_no_more_within(old: &Policy, new: &Policy, proof: &Effort, search: &Effort) -> Verdict {
    verdict(old, new, &Likely::default(), proof, search)
}

/// [`allows_no_more`] whose witness is one of `likely` where one of them is one.
pub fn allows_no_more_likely(old: &Policy, new: &Policy, likely: &Likely) -> Verdict {
    verdict(old, new, likely, &Effort::of(PROOF_STEPS), &Effort::of(witness::STEPS))
}

fn verdict(old: &Policy, new: &Policy, likely: &Likely, proof: &Effort, search: &Effort) -> Verdict {
    let doubts = doubts(old, new, proof);
    let Some(first) = doubts.first() else {
        return Verdict::Proved;
    };
    let focuses: Vec<&Focus<'_>> = doubts.iter().map(|doubt| &doubt.focus).collect();
    match witness::find(old, new, &focuses, likely, search) {
        Some(witness) => Verdict::Refuted(witness),
        None if proof.left() == 0 => {
            Verdict::Unknown("the documents are too large to compare pattern by pattern".to_owned())
        }
        None => Verdict::Unknown(first.why.clone()),
    }
}

/// Whether `outer` concerns every request that `inner` concerns, with the same effect.
pub fn statement_includes(outer: &Statement, inner: &Statement) -> bool {
    let effort = Effort::of(PROOF_STEPS);
    outer.effect == inner.effect
        && holds_whenever(outer, &Facts::of(inner), &effort)
        && concerns_all(outer, inner, &effort)
}

/// What stops the proof that a used call stays allowed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotKept {
    /// The old policy grants this through a statement that the new one does not carry on.
    #[error("{statement} grants {action} on `{resource}`, and the new policy does not under the same conditions")]
    Lost {
        /// The statement of the old policy.
        statement: String,
        /// The action that was used.
        action: String,
        /// The pattern that would be lost.
        resource: String,
    },
    /// The new policy forbids what the old one did not.
    #[error("{statement} of the new policy denies {action}, and the old policy has no such denial")]
    Denied {
        /// The statement of the new policy.
        statement: String,
        /// The action that was used.
        action: String,
    },
}

/// Whether `new` decides calls of `action` on resources of `shape` as `old` does, in any context.
///
/// `shape` is a resource pattern as a 2012-10-17 policy writes it, literals escaped; `*` where the resource is unknown.
pub fn keeps(old: &Policy, new: &Policy, action: &str, shape: &str) -> Result<(), NotKept> {
    let effort = &Effort::of(CALL_STEPS);
    let shape = Resource::new(shape, Version::V2012);
    let shape = Language::One(&shape);
    for statement in allows(old).filter(|statement| concerns_action(&statement.action, action)) {
        let facts = Facts::of(statement);
        let carried: Vec<Language<'_, Resource>> = allows(new)
            .filter(|new| concerns_action(&new.action, action) && holds_whenever(new, &facts, effort))
            .flat_map(|new| resource_languages(&new.resource))
            .collect();
        for resource in resource_languages(&statement.resource) {
            let kept = !may_meet(&resource, &shape, effort) || covers(&carried, &[resource, shape], effort);
            if !kept {
                return Err(NotKept::Lost {
                    statement: name(statement),
                    action: action.to_owned(),
                    resource: resource.to_string(),
                });
            }
        }
    }
    let old_denies: Vec<&Statement> = denies(old).collect();
    for deny in denies(new).filter(|deny| concerns_action(&deny.action, action)) {
        let facts = Facts::of(deny);
        let standing: Vec<&Statement> = old_denies
            .iter()
            .copied()
            .filter(|old| holds_whenever(old, &facts, effort))
            .collect();
        let harmless = pieces(deny).iter().all(|piece| {
            piece
                .resources
                .iter()
                .any(|resource| !may_meet(resource, &shape, effort))
                || covered(&standing, piece, effort)
        });
        if !harmless {
            return Err(NotKept::Denied {
                statement: name(deny),
                action: action.to_owned(),
            });
        }
    }
    Ok(())
}

/// A statement's Sid, or its place.
fn name(statement: &Statement) -> String {
    match &statement.sid {
        Some(sid) => format!("statement `{sid}`"),
        None => format!("Statement[{}]", statement.index),
    }
}

fn allows(policy: &Policy) -> impl Iterator<Item = &Statement> {
    policy
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow)
}

fn denies(policy: &Policy) -> impl Iterator<Item = &Statement> {
    policy
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Deny)
}

fn concerns_action(part: &ActionPart, action: &str) -> bool {
    match part {
        ActionPart::Action(patterns) => patterns.iter().any(|pattern| pattern.matches(action)),
        ActionPart::NotAction(patterns) => !patterns.iter().any(|pattern| pattern.matches(action)),
    }
}

/// What could not be proved.
struct Doubt<'a> {
    why: String,
    focus: Focus<'a>,
}

/// Most doubts that are looked into.
const DOUBTS: usize = 32;

/// What stops the proof that `new` allows no more than `old`; nothing if it is proved.
fn doubts<'a>(old: &'a Policy, new: &'a Policy, effort: &Effort) -> Vec<Doubt<'a>> {
    let mut doubts = Vec::new();
    for granting in allows(new) {
        for piece in not_granted(old, new, granting, effort) {
            doubts.push(Doubt {
                why: format!(
                    "{} of the new policy: {piece} is not shown to be granted by the old",
                    name(granting)
                ),
                focus: piece.focus(granting, None),
            });
            if doubts.len() == DOUBTS || effort.left() == 0 {
                return doubts;
            }
        }
    }
    for deny in denies(old) {
        for (granting, piece) in no_longer_denied(new, deny, effort) {
            doubts.push(Doubt {
                why: format!(
                    "{} of the old policy denies {piece}, which is not shown to be denied by the new",
                    name(deny)
                ),
                focus: piece.focus(granting, Some(deny)),
            });
            if doubts.len() == DOUBTS || effort.left() == 0 {
                return doubts;
            }
        }
    }
    doubts
}

/// What `granting` of the new policy grants and the old is not shown to grant.
fn not_granted<'a>(old: &'a Policy, new: &'a Policy, granting: &'a Statement, effort: &Effort) -> Vec<Piece<'a>> {
    let facts = Facts::of(granting);
    // What the new policy denies whenever this statement holds is as good as allowed before: it is not granted now.
    let cover: Vec<&Statement> = allows(old)
        .chain(denies(new))
        .filter(|candidate| holds_whenever(candidate, &facts, effort))
        .collect();
    let whole = cover.iter().any(|candidate| concerns_all(candidate, granting, effort));
    let mut left = Vec::new();
    for action in action_languages(&granting.action).into_iter().filter(|_| !whole) {
        let shared = resources_for(&cover, &[action], effort);
        for resource in resource_languages(&granting.resource) {
            let piece = Piece {
                actions: vec![action],
                resources: vec![resource],
            };
            let granted = effort.spend(1 + shared.len() + cover.len())
                && (covers(&shared, &piece.resources, effort) || covered(&cover, &piece, effort));
            if !granted {
                left.push(piece);
                if left.len() == DOUBTS || effort.left() == 0 {
                    return left;
                }
            }
        }
    }
    left
}

/// What `deny` of the old policy denied, and the new one grants by some statement and is not shown to deny.
fn no_longer_denied<'a>(new: &'a Policy, deny: &'a Statement, effort: &Effort) -> Vec<(&'a Statement, Piece<'a>)> {
    let facts = Facts::of(deny);
    let carried =
        denies(new).any(|candidate| holds_whenever(candidate, &facts, effort) && concerns_all(candidate, deny, effort));
    let mut left = Vec::new();
    let denied = pieces(deny);
    for granting in allows(new).filter(|_| !carried) {
        let facts = Facts::of(granting).and(deny);
        let standing: Vec<&Statement> = denies(new)
            .filter(|candidate| holds_whenever(candidate, &facts, effort))
            .collect();
        for piece in pieces(granting) {
            for denied in &denied {
                let both = Piece {
                    actions: vec![denied.actions[0], piece.actions[0]],
                    resources: vec![denied.resources[0], piece.resources[0]],
                };
                let apart = effort.spend(1)
                    && !(may_meet(&both.actions[0], &both.actions[1], effort)
                        && may_meet(&both.resources[0], &both.resources[1], effort));
                if !apart && !covered(&standing, &both, effort) {
                    left.push((granting, both));
                    if left.len() == DOUBTS || effort.left() == 0 {
                        return left;
                    }
                }
            }
        }
    }
    left
}

/// Whether `outer` alone concerns every action and every resource of `inner`.
fn concerns_all(outer: &Statement, inner: &Statement, effort: &Effort) -> bool {
    let (actions, resources) = (action_languages(&outer.action), resource_languages(&outer.resource));
    action_languages(&inner.action)
        .into_iter()
        .all(|action| covers(&actions, &[action], effort))
        && resource_languages(&inner.resource)
            .into_iter()
            .all(|resource| covers(&resources, &[resource], effort))
}

/// What is known of a request that a statement concerns, its action and resource aside.
struct Facts<'a> {
    conditions: Vec<&'a Condition>,
    principals: Vec<&'a PrincipalPart>,
}

impl<'a> Facts<'a> {
    fn of(statement: &'a Statement) -> Self {
        Self {
            conditions: statement.conditions.iter().collect(),
            principals: vec![&statement.principal],
        }
    }

    fn and(mut self, statement: &'a Statement) -> Self {
        self.conditions.extend(&statement.conditions);
        self.principals.push(&statement.principal);
        self
    }
}

/// Whether conditions and principal of `statement` hold in every request of which `facts` hold.
fn holds_whenever(statement: &Statement, facts: &Facts<'_>, effort: &Effort) -> bool {
    effort.spend(1 + statement.conditions.len() * facts.conditions.len())
        && statement
            .conditions
            .iter()
            .all(|then| facts.conditions.iter().any(|given| implies(given, then, effort)))
        && facts
            .principals
            .iter()
            .any(|known| principal_includes(&statement.principal, known))
}

fn principal_includes(outer: &PrincipalPart, inner: &PrincipalPart) -> bool {
    match (outer, inner) {
        (PrincipalPart::None, PrincipalPart::None) => true,
        (PrincipalPart::Principal(outer), PrincipalPart::Principal(inner)) => inner
            .iter()
            .all(|inner| outer.iter().any(|outer| is_or_includes(outer, inner))),
        (PrincipalPart::NotPrincipal(outer), PrincipalPart::NotPrincipal(inner)) => {
            outer.iter().all(|outer| inner.iter().any(|inner| same(outer, inner)))
        }
        (PrincipalPart::None, PrincipalPart::Principal(_) | PrincipalPart::NotPrincipal(_))
        | (PrincipalPart::Principal(_), PrincipalPart::None | PrincipalPart::NotPrincipal(_))
        | (PrincipalPart::NotPrincipal(_), PrincipalPart::None | PrincipalPart::Principal(_)) => false,
    }
}

/// Everybody includes who has an ARN. What grants to an account does not include its users: naming one reaches past what
/// limits it, naming the account does not.
fn is_or_includes(outer: &Principal, inner: &Principal) -> bool {
    match (outer, inner) {
        (Principal::Everyone, Principal::Everyone | Principal::Aws(_) | Principal::CanonicalUser(_)) => true,
        (
            Principal::Everyone
            | Principal::Aws(_)
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::CanonicalUser(_),
            _,
        ) => same(outer, inner),
    }
}

/// Whether both name the same; an account's id and its root ARN behave alike ("AWS account principals").
fn same(a: &Principal, b: &Principal) -> bool {
    fn account(principal: &Principal) -> Option<&str> {
        let Principal::Aws(text) = principal else {
            return None;
        };
        match arn::Arn::parse(text) {
            Some(arn) => (arn.service == "iam" && arn.resource == "root").then_some(arn.account),
            None => Some(text),
        }
    }
    a == b || account(a).is_some() && account(a) == account(b)
}

/// A set of actions or of resources.
#[derive(Debug)]
enum Language<'a, P> {
    One(&'a P),
    AllBut(&'a [P]),
    /// The resource that the policy hangs on.
    Attached,
}

impl<P> Clone for Language<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Language<'_, P> {}

impl<P: std::fmt::Display> std::fmt::Display for Language<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(pattern) => pattern.fmt(f),
            Self::AllBut(patterns) => {
                let texts: Vec<String> = patterns.iter().map(P::to_string).collect();
                write!(f, "all but {}", texts.join(", "))
            }
            Self::Attached => f.write_str("its own resource"),
        }
    }
}

/// Actions times resources: those in all of the one, on those in all of the other. Neither is empty.
struct Piece<'a> {
    actions: Vec<Language<'a, ActionPattern>>,
    resources: Vec<Language<'a, Resource>>,
}

impl<'a> Piece<'a> {
    /// Where to look for a request in it.
    fn focus(&self, granting: &'a Statement, denying: Option<&'a Statement>) -> Focus<'a> {
        Focus {
            granting,
            denying,
            actions: ones(&self.actions),
            resources: ones(&self.resources),
        }
    }
}

impl std::fmt::Display for Piece<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on `{}`", self.actions[0], self.resources[0])
    }
}

fn action_languages(part: &ActionPart) -> Vec<Language<'_, ActionPattern>> {
    match part {
        ActionPart::Action(patterns) => patterns.iter().map(Language::One).collect(),
        ActionPart::NotAction(patterns) => vec![Language::AllBut(patterns)],
    }
}

fn resource_languages(part: &ResourcePart) -> Vec<Language<'_, Resource>> {
    match part {
        ResourcePart::Resource(patterns) => patterns.iter().map(Language::One).collect(),
        ResourcePart::NotResource(patterns) => vec![Language::AllBut(patterns)],
        ResourcePart::None => vec![Language::Attached],
    }
}

/// The statement's actions and resources, pattern by pattern.
fn pieces(statement: &Statement) -> Vec<Piece<'_>> {
    let resources = resource_languages(&statement.resource);
    action_languages(&statement.action)
        .into_iter()
        .flat_map(|action| {
            resources.iter().map(move |resource| Piece {
                actions: vec![action],
                resources: vec![*resource],
            })
        })
        .collect()
}

/// Whether the statements together concern every action and resource of `piece`.
fn covered<'a>(cover: &[&'a Statement], piece: &Piece<'a>, effort: &Effort) -> bool {
    // Those that include all the actions may share the resources among them, and the other way round.
    if covers(&resources_for(cover, &piece.actions, effort), &piece.resources, effort) {
        return true;
    }
    let actions: Vec<Language<'_, ActionPattern>> = cover
        .iter()
        .filter(|statement| covers(&resource_languages(&statement.resource), &piece.resources, effort))
        .flat_map(|statement| action_languages(&statement.action))
        .collect();
    covers(&actions, &piece.actions, effort)
}

/// The resources of those statements that concern all of `actions`.
fn resources_for<'a>(
    cover: &[&'a Statement],
    actions: &[Language<'a, ActionPattern>],
    effort: &Effort,
) -> Vec<Language<'a, Resource>> {
    cover
        .iter()
        .filter(|statement| covers(&action_languages(&statement.action), actions, effort))
        .flat_map(|statement| resource_languages(&statement.resource))
        .collect()
}

/// What inclusion needs to know of a pattern.
trait Glob {
    /// The policy variables in it. Where one has no value, a statement that excepts it may be void.
    fn variables(&self) -> BTreeSet<&str>;
    fn is_everything(&self) -> bool;
    /// Whether what all of `inners` match is matched by some of `outers`.
    fn union_includes(outers: &[&Self], inners: &[&Self], effort: &Effort) -> bool;
    fn overlaps(&self, other: &Self, effort: &Effort) -> bool;
}

impl Glob for ActionPattern {
    fn variables(&self) -> BTreeSet<&str> {
        BTreeSet::new()
    }

    fn is_everything(&self) -> bool {
        self.lower() == "*"
    }

    fn union_includes(outers: &[&Self], inners: &[&Self], effort: &Effort) -> bool {
        let outers: Vec<&str> = outers.iter().map(|pattern| pattern.lower()).collect();
        let inners: Vec<&str> = inners.iter().map(|pattern| pattern.lower()).collect();
        pattern::union_includes_within(&outers, &inners, effort)
    }

    fn overlaps(&self, other: &Self, effort: &Effort) -> bool {
        pattern::overlaps_within(self.lower(), other.lower(), effort)
    }
}

impl Glob for Resource {
    fn variables(&self) -> BTreeSet<&str> {
        Resource::variables(self).collect()
    }

    fn is_everything(&self) -> bool {
        Resource::is_everything(self)
    }

    fn union_includes(outers: &[&Self], inners: &[&Self], effort: &Effort) -> bool {
        arn::union_includes(outers, inners, effort)
    }

    fn overlaps(&self, other: &Self, effort: &Effort) -> bool {
        arn::overlaps_within(self, other, effort)
    }
}

/// Whether the union of `outers` is shown to hold all that lies in every one of `inners`.
fn covers<'a, P: Glob>(outers: &[Language<'a, P>], inners: &[Language<'a, P>], effort: &Effort) -> bool {
    let mut held = ones(outers);
    if held.iter().any(|pattern| pattern.is_everything()) || attached(inners) && attached(outers) {
        return true;
    }
    let required = ones(inners);
    let mut known: BTreeSet<&str> = required.iter().flat_map(|pattern| pattern.variables()).collect();
    let complements = outers.iter().filter_map(|outer| match outer {
        Language::AllBut(excepted) => Some(*excepted),
        Language::One(_) | Language::Attached => None,
    });
    for inner in inners {
        match inner {
            // What the inner excepts need not be held by anybody else.
            Language::AllBut(missing) => {
                held.extend(missing.iter());
                known.extend(variables(missing));
            }
            Language::One(_) | Language::Attached => {}
        }
    }
    // All in patterns; or in "all but E", where what E takes away must lie outside the inner, or within the patterns.
    !required.is_empty() && P::union_includes(&held, &required, effort)
        || complements.into_iter().any(|excepted| {
            variables(excepted).is_subset(&known)
                && excepted.iter().all(|except| {
                    let taken: Vec<&P> = required.iter().copied().chain([except]).collect();
                    P::union_includes(&held, &taken, effort)
                })
        })
}

/// The patterns among some languages.
fn ones<'a, P>(languages: &[Language<'a, P>]) -> Vec<&'a P> {
    let one = |language: &Language<'a, P>| match language {
        Language::One(pattern) => Some(*pattern),
        Language::AllBut(_) | Language::Attached => None,
    };
    languages.iter().filter_map(one).collect()
}

fn attached<P>(languages: &[Language<'_, P>]) -> bool {
    languages.iter().any(|language| match language {
        Language::Attached => true,
        Language::One(_) | Language::AllBut(_) => false,
    })
}

fn variables<P: Glob>(patterns: &[P]) -> BTreeSet<&str> {
    patterns.iter().flat_map(Glob::variables).collect()
}

/// Whether some text may belong to both. Generous.
fn may_meet<P: Glob>(a: &Language<'_, P>, b: &Language<'_, P>, effort: &Effort) -> bool {
    match (a, b) {
        (Language::One(a), Language::One(b)) => a.overlaps(b, effort),
        (Language::One(one), Language::AllBut(excepted)) | (Language::AllBut(excepted), Language::One(one)) => {
            !P::union_includes(&excepted.iter().collect::<Vec<_>>(), &[*one], effort)
        }
        (Language::AllBut(_), Language::AllBut(_)) => true,
        (Language::Attached, Language::One(_) | Language::AllBut(_) | Language::Attached)
        | (Language::One(_) | Language::AllBut(_), Language::Attached) => true,
    }
}

#[cfg(test)]
mod tests;
