//! Proofs between two policies: that the new one allows no more than the old, and that it keeps what was used.
//!
//! A proof rests on structure alone: patterns included in patterns, conditions equal or added, denials still there.
//! It holds for every request, under both readings of resource patterns and whatever policy variables hold.

use std::collections::BTreeSet;

pub use super::witness::Witness;

use super::condition::Meaning;
use super::policy::Principal;
use super::{ActionPart, ActionPattern, Effect, Policy, PrincipalPart, Resource, ResourcePart, Statement, Version};
use super::{arn, pattern, witness};

/// Most pairs of patterns that a proof compares.
const PROOF_WORK_CAP: usize = 4_000_000;

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
    match prove(old, new) {
        Ok(()) => Verdict::Proved,
        Err(why) => match witness::find(old, new) {
            Some(witness) => Verdict::Refuted(witness),
            None => Verdict::Unknown(why),
        },
    }
}

/// Whether `outer` concerns every request that `inner` concerns, with the same effect.
pub fn statement_includes(outer: &Statement, inner: &Statement) -> bool {
    outer.effect == inner.effect && holds_whenever(outer, &Facts::of(inner)) && concerns_all(outer, inner)
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
    let shape = Resource::new(shape, Version::V2012);
    for statement in allows(old).filter(|statement| concerns_action(&statement.action, action)) {
        let facts = Facts::of(statement);
        let carried: Vec<Language<'_, Resource>> = allows(new)
            .filter(|new| concerns_action(&new.action, action) && holds_whenever(new, &facts))
            .flat_map(|new| resource_languages(&new.resource))
            .collect();
        for resource in resource_languages(&statement.resource) {
            let kept = !may_meet(&resource, &Language::One(&shape))
                || covers(&carried, &resource)
                || covers(&carried, &Language::One(&shape));
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
            .filter(|old| holds_whenever(old, &facts))
            .collect();
        let harmless = pieces(deny)
            .iter()
            .all(|piece| !may_meet(&piece.resource, &Language::One(&shape)) || covered(&standing, piece));
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

fn prove(old: &Policy, new: &Policy) -> Result<(), String> {
    let mut work = 0;
    for statement in allows(new) {
        let facts = Facts::of(statement);
        // What the new policy denies whenever this statement holds is as good as allowed before: it is not granted now.
        let cover: Vec<&Statement> = allows(old)
            .chain(denies(new))
            .filter(|candidate| holds_whenever(candidate, &facts))
            .collect();
        if cover.iter().any(|candidate| concerns_all(candidate, statement)) {
            continue;
        }
        for action in action_languages(&statement.action) {
            let shared = resources_for(&cover, &action);
            for resource in resource_languages(&statement.resource) {
                work += shared.len() + cover.len();
                if work > PROOF_WORK_CAP {
                    return Err(format!(
                        "{} of the new policy is too large to compare pattern by pattern",
                        name(statement)
                    ));
                }
                let piece = Piece { action, resource };
                if !covers(&shared, &resource) && !covered(&cover, &piece) {
                    return Err(format!(
                        "{} of the new policy: {piece} is not shown to be granted by the old",
                        name(statement)
                    ));
                }
            }
        }
    }
    for deny in denies(old) {
        let facts = Facts::of(deny);
        if denies(new).any(|candidate| holds_whenever(candidate, &facts) && concerns_all(candidate, deny)) {
            continue;
        }
        for statement in allows(new) {
            work += size(statement) * size(deny);
            if work > PROOF_WORK_CAP {
                return Err(format!(
                    "{} of the old policy is too large to compare pattern by pattern",
                    name(deny)
                ));
            }
            for piece in pieces(statement) {
                if let Some(lost) = pieces(deny)
                    .iter()
                    .find(|denied| !still_denied(new, statement, &piece, deny, denied))
                {
                    return Err(format!(
                        "{} of the old policy denies {lost}, which is not shown to be denied by the new",
                        name(deny)
                    ));
                }
            }
        }
    }
    Ok(())
}

/// How many pairs of patterns a statement stands for.
fn size(statement: &Statement) -> usize {
    action_languages(&statement.action).len() * resource_languages(&statement.resource).len()
}

/// Whether `outer` alone concerns every action and every resource of `inner`.
fn concerns_all(outer: &Statement, inner: &Statement) -> bool {
    let (actions, resources) = (action_languages(&outer.action), resource_languages(&outer.resource));
    action_languages(&inner.action)
        .iter()
        .all(|action| covers(&actions, action))
        && resource_languages(&inner.resource)
            .iter()
            .all(|resource| covers(&resources, resource))
}

/// Whether what `piece` of the new `statement` grants and `denied` of the old `deny` denied stays denied by `new`.
fn still_denied(new: &Policy, statement: &Statement, piece: &Piece<'_>, deny: &Statement, denied: &Piece<'_>) -> bool {
    if !may_meet(&piece.action, &denied.action) || !may_meet(&piece.resource, &denied.resource) {
        return true;
    }
    let facts = Facts::of(statement).and(deny);
    let standing: Vec<&Statement> = denies(new)
        .filter(|candidate| holds_whenever(candidate, &facts))
        .collect();
    // What both concern lies within each of these four.
    [piece.action, denied.action].into_iter().any(|action| {
        [piece.resource, denied.resource]
            .into_iter()
            .any(|resource| covered(&standing, &Piece { action, resource }))
    })
}

/// What is known of a request that a statement concerns, its action and resource aside.
struct Facts<'a> {
    conditions: BTreeSet<Meaning>,
    principals: Vec<&'a PrincipalPart>,
}

impl<'a> Facts<'a> {
    fn of(statement: &'a Statement) -> Self {
        Self {
            conditions: meanings(statement),
            principals: vec![&statement.principal],
        }
    }

    fn and(mut self, statement: &'a Statement) -> Self {
        self.conditions.extend(meanings(statement));
        self.principals.push(&statement.principal);
        self
    }
}

fn meanings(statement: &Statement) -> BTreeSet<Meaning> {
    statement
        .conditions
        .iter()
        .map(|condition| condition.meaning())
        .collect()
}

/// Whether conditions and principal of `statement` hold in every request of which `facts` hold.
fn holds_whenever(statement: &Statement, facts: &Facts<'_>) -> bool {
    meanings(statement).is_subset(&facts.conditions)
        && facts
            .principals
            .iter()
            .any(|known| principal_includes(&statement.principal, known))
}

fn principal_includes(outer: &PrincipalPart, inner: &PrincipalPart) -> bool {
    fn set(principals: &[Principal]) -> BTreeSet<&Principal> {
        principals.iter().collect()
    }
    match (outer, inner) {
        (PrincipalPart::None, PrincipalPart::None) => true,
        (PrincipalPart::Principal(outer), PrincipalPart::Principal(inner)) => set(inner).is_subset(&set(outer)),
        (PrincipalPart::NotPrincipal(outer), PrincipalPart::NotPrincipal(inner)) => set(outer).is_subset(&set(inner)),
        (PrincipalPart::None, PrincipalPart::Principal(_) | PrincipalPart::NotPrincipal(_))
        | (PrincipalPart::Principal(_), PrincipalPart::None | PrincipalPart::NotPrincipal(_))
        | (PrincipalPart::NotPrincipal(_), PrincipalPart::None | PrincipalPart::Principal(_)) => false,
    }
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

/// Actions times resources.
#[derive(Clone, Copy)]
struct Piece<'a> {
    action: Language<'a, ActionPattern>,
    resource: Language<'a, Resource>,
}

impl std::fmt::Display for Piece<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on `{}`", self.action, self.resource)
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
                action,
                resource: *resource,
            })
        })
        .collect()
}

/// Whether the statements together concern every action and resource of `piece`.
fn covered<'a>(cover: &[&'a Statement], piece: &Piece<'a>) -> bool {
    // Those that include all the actions may share the resources among them, and the other way round.
    if covers(&resources_for(cover, &piece.action), &piece.resource) {
        return true;
    }
    let actions: Vec<Language<'_, ActionPattern>> = cover
        .iter()
        .filter(|statement| covers(&resource_languages(&statement.resource), &piece.resource))
        .flat_map(|statement| action_languages(&statement.action))
        .collect();
    covers(&actions, &piece.action)
}

/// The resources of those statements that concern all of `action`.
fn resources_for<'a>(cover: &[&'a Statement], action: &Language<'a, ActionPattern>) -> Vec<Language<'a, Resource>> {
    cover
        .iter()
        .filter(|statement| covers(&action_languages(&statement.action), action))
        .flat_map(|statement| resource_languages(&statement.resource))
        .collect()
}

/// What inclusion needs to know of a pattern.
trait Glob {
    /// The policy variables in it. Where one has no value, a statement that excepts it may be void.
    fn variables(&self) -> BTreeSet<&str>;
    fn is_everything(&self) -> bool;
    fn union_includes(outers: &[&Self], inner: &Self) -> bool;
    fn overlaps(&self, other: &Self) -> bool;
}

impl Glob for ActionPattern {
    fn variables(&self) -> BTreeSet<&str> {
        BTreeSet::new()
    }

    fn is_everything(&self) -> bool {
        self.lower() == "*"
    }

    fn union_includes(outers: &[&Self], inner: &Self) -> bool {
        let outers: Vec<&str> = outers.iter().map(|outer| outer.lower()).collect();
        pattern::union_includes(&outers, inner.lower())
    }

    fn overlaps(&self, other: &Self) -> bool {
        ActionPattern::overlaps(self, other)
    }
}

impl Glob for Resource {
    fn variables(&self) -> BTreeSet<&str> {
        Resource::variables(self).collect()
    }

    fn is_everything(&self) -> bool {
        Resource::is_everything(self)
    }

    fn union_includes(outers: &[&Self], inner: &Self) -> bool {
        arn::union_includes(outers, inner)
    }

    fn overlaps(&self, other: &Self) -> bool {
        arn::overlaps(self, other)
    }
}

/// Whether the union of `outers` is shown to hold all of `inner`.
fn covers<P: Glob>(outers: &[Language<'_, P>], inner: &Language<'_, P>) -> bool {
    let patterns: Vec<&P> = outers
        .iter()
        .filter_map(|outer| match outer {
            Language::One(pattern) => Some(*pattern),
            Language::AllBut(_) | Language::Attached => None,
        })
        .collect();
    if patterns.iter().any(|pattern| pattern.is_everything()) {
        return true;
    }
    let known = match inner {
        Language::One(inner) => inner.variables(),
        Language::AllBut(missing) => variables(missing),
        Language::Attached => BTreeSet::new(),
    };
    let complements = outers.iter().filter_map(|outer| match outer {
        Language::AllBut(patterns) if variables(patterns).is_subset(&known) => Some(*patterns),
        Language::AllBut(_) | Language::One(_) | Language::Attached => None,
    });
    match inner {
        // In "all but E", or in the patterns: what E takes away must lie outside, or within the patterns.
        Language::One(inner) => {
            P::union_includes(&patterns, inner)
                || complements.into_iter().any(|excepted| {
                    excepted
                        .iter()
                        .all(|except| !except.overlaps(inner) || P::union_includes(&patterns, except))
                })
        }
        // "All but M" lies in "all but E" if M, with the patterns, holds all of E.
        Language::AllBut(missing) => {
            let held: Vec<&P> = missing.iter().chain(patterns.iter().copied()).collect();
            complements
                .into_iter()
                .any(|excepted| excepted.iter().all(|except| P::union_includes(&held, except)))
        }
        Language::Attached => outers.iter().any(|outer| match outer {
            Language::Attached => true,
            Language::One(_) | Language::AllBut(_) => false,
        }),
    }
}

fn variables<P: Glob>(patterns: &[P]) -> BTreeSet<&str> {
    patterns.iter().flat_map(Glob::variables).collect()
}

/// Whether some text may belong to both. Generous.
fn may_meet<P: Glob>(a: &Language<'_, P>, b: &Language<'_, P>) -> bool {
    match (a, b) {
        (Language::One(a), Language::One(b)) => a.overlaps(b),
        (Language::One(one), Language::AllBut(excepted)) | (Language::AllBut(excepted), Language::One(one)) => {
            !P::union_includes(&excepted.iter().collect::<Vec<_>>(), one)
        }
        (Language::AllBut(_), Language::AllBut(_)) => true,
        (Language::Attached, Language::One(_) | Language::AllBut(_) | Language::Attached)
        | (Language::One(_) | Language::AllBut(_), Language::Attached) => true,
    }
}

#[cfg(test)]
mod tests;
