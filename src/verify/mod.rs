//! No policy leaves without a proof: it grants nothing new, and every observed authorised call still works.
//!
//! Two proofs a suggestion. *Narrower*: no request exists that the new document allows and the old one does not.
//! *Keeps*: for every resource shape of every action that the principals' calls may have needed, the new document
//! decides as the old one, in any context. The second is replayed from the calls themselves, not from what
//! `rightsize` concluded of them.

mod alternative;
mod role_split;
mod verified;

use std::collections::BTreeSet;

use crate::catalog::{ActionId, Catalog};
use crate::gap::{Gap, Trust, Unmapped};
use crate::grants::Grants;
use crate::iam::subset::{self, NotKept, Verdict as Inclusion, Witness};
use crate::iam::{Effect, Policy, PolicyText, arn};
use crate::rightsize::{Candidate, Proposal};

pub use alternative::{ProvedAlternative, alternative};
pub use role_split::{ProvedSplit, role_split};
pub use verified::Verified;

/// What was replayed in the proof that used calls stay allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// Pairs of action and resource shape.
    pub shapes_proved: u64,
    /// Calls that they stand for, each event once.
    pub calls_represented: u64,
    /// Of those, calls whose resources the log shows only in part.
    pub incomplete: u64,
    /// Calls whose operation the catalog does not know.
    pub unmapped: u64,
    /// Calls that no statement explains; all that could explain them was to stay.
    pub unexplained: u64,
}

/// A candidate that holds.
#[derive(Clone, PartialEq, Debug)]
pub struct Proved {
    /// The document and what it does.
    pub candidate: Candidate,
    /// What was replayed.
    pub replayed: Replayed,
}

/// Why a document must not stand in another's place.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Refusal {
    /// A request that only the new document allows.
    #[error("the new policy allows {} on `{}`{}, the old one does not", .0.action, .0.resource, context(.0))]
    Wider(Box<Witness>),
    /// Neither proved nor refuted.
    #[error("not shown to allow no more: {0}")]
    NotShown(String),
    /// A used call would break.
    #[error("a used call may break: {0}")]
    Loses(#[from] NotKept),
    /// One of the documents is none.
    #[error("not a policy: {0}")]
    NotAPolicy(String),
}

fn context(witness: &Witness) -> String {
    if witness.context.is_empty() {
        return String::new();
    }
    let keys: Vec<String> = witness
        .context
        .iter()
        .map(|(key, values)| format!("{key} = {}", values.join(", ")))
        .collect();
    format!(" with {}", keys.join("; "))
}

/// The first candidate of a proposal that both proofs accept, or what they say of each.
pub fn prove(
    catalog: &Catalog,
    grants: &Grants,
    gaps: &[Gap],
    proposal: &Proposal,
) -> Result<Verified<Proved>, Vec<(Candidate, Refusal)>> {
    let document = &grants.policies[proposal.policy];
    let mut refused = Vec::new();
    for candidate in &proposal.candidates {
        let proof = document.policy.clone().map_err(Refusal::NotAPolicy).and_then(|before| {
            let after = candidate
                .after
                .policy()
                .map_err(|error| Refusal::NotAPolicy(error.to_string()))?;
            narrower(&before, &after)?;
            let mut replayed = Replayed::default();
            for principal in &proposal.affects {
                let gap = &gaps[*principal];
                replay(catalog, &before, &after, gap, &mut replayed)?;
                if let Some(loss) = life_cycle_losses(catalog, &before, &after, gap).into_iter().next() {
                    return Err(Refusal::Loses(loss.not_kept));
                }
            }
            Ok(replayed)
        });
        match proof {
            Ok(replayed) => {
                let before = PolicyText::from(&document.document);
                let proved = Proved {
                    candidate: candidate.clone(),
                    replayed,
                };
                return Ok(Verified::new(before, candidate.after.clone(), proved));
            }
            Err(refusal) => refused.push((candidate.clone(), refusal)),
        }
    }
    Err(refused)
}

/// Proves that `after` allows no more than `before`.
///
/// # Errors
/// A request that only `after` allows, or what could not be shown.
pub fn narrower(before: &Policy, after: &Policy) -> Result<(), Refusal> {
    match subset::allows_no_more(before, after) {
        Inclusion::Proved => Ok(()),
        Inclusion::Refuted(witness) => Err(Refusal::Wider(Box::new(witness))),
        Inclusion::Unknown(why) => Err(Refusal::NotShown(why)),
    }
}

/// Proves that what a principal did, or may have done, is decided as before.
///
/// # Errors
/// The action and resources that would be lost.
pub fn replay(
    catalog: &Catalog,
    before: &Policy,
    after: &Policy,
    gap: &Gap,
    replayed: &mut Replayed,
) -> Result<(), Refusal> {
    for need in needs(catalog, gap, replayed) {
        subset::keeps(before, after, &need.action, &need.shape)?;
    }
    for operation in gap.activity.unmapped.iter().chain(&gap.activity.newer) {
        if let Err((_, why)) = keeps_unnamed(catalog, before, after, operation) {
            return Err(why.into());
        }
    }
    Ok(())
}

/// What a principal did, or may have done, that a document in another's place would break.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// The action.
    pub action: String,
    /// The resources: an ARN or a shape of several, `*` where the log does not show them.
    pub shape: String,
    /// Calls that may have needed the action; 0 where it is implied, or only IAM's last-accessed data saw it.
    pub calls: u64,
    /// Which statement grants or denies it.
    pub why: NotKept,
}

/// Replays what a principal did, or may have done, under both documents: what the second would break.
pub fn losses(catalog: &Catalog, before: &Policy, after: &Policy, gap: &Gap) -> (Vec<Loss>, Replayed) {
    let mut replayed = Replayed::default();
    let mut lost = Vec::new();
    for need in needs(catalog, gap, &mut replayed) {
        if let Err(why) = subset::keeps(before, after, &need.action, &need.shape) {
            lost.push(Loss {
                action: need.action,
                shape: need.shape,
                calls: need.calls,
                why,
            });
        }
    }
    // One line for a call, whatever it may have needed.
    for operation in gap.activity.unmapped.iter().chain(&gap.activity.newer) {
        if let Err((action, why)) = keeps_unnamed(catalog, before, after, operation) {
            lost.push(Loss {
                action,
                shape: "*".to_owned(),
                calls: operation.calls,
                why,
            });
        }
    }
    (lost, replayed)
}

/// Whether all that an operation unknown to the catalog may have needed goes on being decided alike: every name of its
/// that the principal's statements may allow, and its services' actions. Else the name that is lost first.
fn keeps_unnamed(
    catalog: &Catalog,
    before: &Policy,
    after: &Policy,
    operation: &Unmapped,
) -> Result<(), (String, NotKept)> {
    for name in &operation.may_be {
        subset::keeps(before, after, name, "*").map_err(|why| (name.clone(), why))?;
    }
    for prefix in &operation.prefixes {
        let named = format!("{prefix}:{}", operation.event_name);
        let actions = catalog
            .service_range(prefix)
            .map(|at| ActionId::from_index(at as usize));
        for name in std::iter::once(named.as_str()).chain(actions.map(|action| catalog.name(action))) {
            subset::keeps(before, after, name, "*").map_err(|why| (named.clone(), why))?;
        }
    }
    Ok(())
}

/// What the life cycles of what a principal made will need, and a document in another's place would deny.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LifeCycleLoss {
    /// The action.
    pub action: String,
    /// A pattern of what was made.
    pub resource: String,
    /// Begins with `life cycle of`.
    pub why: String,
    /// Which statement grants or denies it.
    pub not_kept: NotKept,
}

/// What the life cycles of what a principal made will need and the second document no longer grants. What calls already
/// needed is replayed as such.
pub fn life_cycle_losses(catalog: &Catalog, before: &Policy, after: &Policy, gap: &Gap) -> Vec<LifeCycleLoss> {
    let mut lost = Vec::new();
    for (action, stay) in gap.life_cycles.iter() {
        if gap.activity.may_need.contains_key(&action) {
            continue;
        }
        let mut meant = before.clone();
        meant
            .statements
            .retain(|statement| statement.effect == Effect::Deny || stay.may_be_meant(statement));
        for resource in stay.on() {
            if let Err(not_kept) = subset::keeps(&meant, after, catalog.name(action), &arn::of_shape(resource)) {
                lost.push(LifeCycleLoss {
                    action: catalog.name(action).to_owned(),
                    resource: resource.to_string(),
                    why: stay.why.clone(),
                    not_kept,
                });
                break;
            }
        }
    }
    lost
}

/// An action on resources of a shape, which must go on being decided alike.
struct Need {
    action: String,
    shape: String,
    calls: u64,
}

/// What a principal did, or may have done. Counts it in `replayed`.
fn needs(catalog: &Catalog, gap: &Gap, replayed: &mut Replayed) -> Vec<Need> {
    let activity = &gap.activity;
    let mut needs = Vec::new();
    let need = |action: &str, shape: &str, calls| Need {
        action: action.to_owned(),
        shape: shape.to_owned(),
        calls,
    };
    replayed.calls_represented += activity.replayed;
    replayed.incomplete += activity.replayed_incomplete;
    let mut counted = BTreeSet::new();
    for (action, evidence) in activity.used.iter().chain(&activity.may_need) {
        let mut shapes: BTreeSet<String> = evidence.resources.iter().map(|shape| arn::of_shape(shape)).collect();
        if evidence.incomplete > 0 || shapes.is_empty() {
            shapes.insert("*".to_owned());
        }
        if counted.insert(*action) {
            replayed.shapes_proved += shapes.len() as u64;
        }
        let name = catalog.name(*action);
        needs.extend(shapes.iter().map(|shape| need(name, shape, evidence.calls)));
    }
    let accessed = gap.accessed.actions.keys().copied();
    for action in implied(catalog, &gap.trust).into_iter().chain(accessed) {
        needs.push(need(catalog.name(action), "*", 0));
    }
    for one in activity.unexplained.iter().filter(|one| one.keeps()) {
        let calls = one.calls + one.indeterminate;
        let kept = one.kept.iter().map(|action| catalog.name(*action));
        let names = kept.chain(one.may_be.iter().map(String::as_str));
        needs.extend(names.map(|name| need(name, "*", calls)));
    }
    replayed.unexplained += activity.replayed_unexplained;
    replayed.unmapped += activity.unmapped.iter().map(|operation| operation.calls).sum::<u64>();
    // Used actions are among those that calls may have needed; the larger count stands.
    needs.sort_by(|a, b| (&a.action, &a.shape, b.calls).cmp(&(&b.action, &b.shape, a.calls)));
    needs.dedup_by(|b, a| a.action == b.action && a.shape == b.shape);
    needs
}

fn implied(catalog: &Catalog, trust: &Trust) -> Vec<ActionId> {
    trust
        .implied
        .iter()
        .flat_map(|pattern| catalog.expand(pattern))
        .collect()
}

/// Proves again what a result file says of two documents: `after` allows no more than `before`.
///
/// # Errors
/// What the proof says.
pub fn again<T>(before: PolicyText, after: PolicyText, beside: T) -> Result<Verified<T>, Refusal> {
    let parse = |document: &PolicyText| {
        document
            .policy()
            .map_err(|error| Refusal::NotAPolicy(error.to_string()))
    };
    narrower(&parse(&before)?, &parse(&after)?)?;
    Ok(Verified::new(before, after, beside))
}
