//! A proved proposal as `result.json` writes it, and an alternative to it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{FEWEST, arns, association, shown};
use crate::coverage::Loss;
use crate::gap::{ActionSet, Grade, Reason, Slice};
use crate::grants::{PolicyIndex, PrincipalIndex};
use crate::iam::{ActionPart, Statement};
use crate::report::split;
use crate::report::{
    Alternative, Characters, Chosen, Inputs, Narrowed, Refused, Room, StatementOrigin, Suggestion, Unseen,
    UnseenService, UnseenWhy, Verdict,
};
use crate::rightsize::{
    self, AlternativeKind, Candidate, Decision, Impossible, Names, Origin, Proposal, Risks, Within,
};
use crate::time::{DAY, moment};
use crate::verify::{Proved, ProvedAlternative, ProvedSplit, Replayed, Verified};

/// Days for which a suggestion stays good, from the day of the analysis.
const EXPIRES: i64 = 14;

pub(super) fn suggestion(
    inputs: &Inputs<'_>,
    names: &Names<'_>,
    risks: &Risks,
    proposal: &Proposal,
    proved: &Verified<Proved>,
) -> Suggestion {
    let (catalog, grants) = (inputs.catalog, inputs.grants);
    let to = inputs.archive.window.unwrap_or_default().last();
    // The whole day counts, so that all analyses of a day say the same. An archive that ends later is of a clock that is ahead.
    let analysed = inputs.options.now.map_or(to, |now| (now.div_euclid(DAY) * DAY).max(to));
    let document = &grants.policies[proposal.policy];
    let before_sha256 = hex(&Sha256::digest(proved.before().as_str().as_bytes()));
    let mut assumptions = proposal.assumptions.clone();
    assumptions.extend(proposal.kept_by_rule.iter().cloned());
    let excluded = inputs.archive.coverage.excluded.iter();
    assumptions.extend(excluded.map(|(rule, events)| format!("{events} events were no use of the owner's: {rule}")));
    assumptions.extend(losses(inputs, &proposal.affects));
    if document.from_catalog {
        assumptions.push("the policy's document is the catalog's copy, not the account's".to_owned());
    }
    let statements = statements(inputs, proposal, &proved.candidate);
    let removed = &proved.candidate.removed;
    let chosen = chosen(inputs, names, proposal, removed);
    Suggestion {
        id: rightsize::suggestion_id(document, proposal.step, proved.after()),
        policy: document.name.clone(),
        policy_arn: document.arn.clone(),
        kind: rightsize::kind_name(grants, proposal.policy).to_owned(),
        affects: arns(grants, &proposal.affects),
        step: proposal.step.name().to_owned(),
        change: proved.candidate.change.name().to_owned(),
        before_sha256,
        statements,
        characters: Characters {
            before: rightsize::characters_of(proved.before().as_str()),
            after: proved.candidate.characters,
            quota: proposal.quota,
        },
        removed: names.shared(removed, Within::Anything, FEWEST),
        removed_actions: removed.len() as u64,
        risk_removed: risks
            .riskiest(removed, 5)
            .into_iter()
            .map(|action| catalog.name(action).to_owned())
            .collect(),
        narrowed: proved
            .candidate
            .narrowed
            .iter()
            .map(|narrowing| Narrowed {
                statement: narrowing.statement.clone(),
                from: narrowing.from.clone(),
                to: narrowing.to.clone(),
            })
            .collect(),
        room: proposal.room.as_ref().map(|room| Room {
            actions: room.stays.len() as u64,
            patterns: names.shared(&room.stays, Within::Anything, FEWEST),
            note: room.note(),
        }),
        assumptions,
        held: proposal.held.clone(),
        held_until: proposal.held_until.map(moment),
        confidence: proposal.confidence.level.name().to_owned(),
        confidence_why: proposal.confidence.why.clone(),
        expires: moment(analysed + EXPIRES * DAY),
        verdict: Verdict {
            chosen_by: chosen_by(&chosen),
            ..verdict(proved.replayed)
        },
        unseen_actions: unseen_actions(inputs, proposal, removed),
        chosen,
    }
}

/// Where the statements of a candidate come from, and why those stay that nobody could see.
fn statements(inputs: &Inputs<'_>, proposal: &Proposal, candidate: &Candidate) -> Vec<StatementOrigin> {
    let document = candidate.after.policy().ok();
    let origins = candidate.origins.iter().enumerate();
    let origin = |(at, origin): (usize, &Origin)| StatementOrigin {
        from: origin.from.iter().map(|place| *place as u64).collect(),
        unseen: origin.unseen.as_ref().map(|actions| {
            let statement = document.as_ref().and_then(|document| document.statements.get(at));
            unseen(inputs, proposal, &origin.from, actions, statement)
        }),
    };
    origins.map(origin).collect()
}

fn unseen(
    inputs: &Inputs<'_>,
    proposal: &Proposal,
    from: &[usize],
    actions: &ActionSet,
    statement: Option<&Statement>,
) -> Unseen {
    let slices: Vec<&Slice> = proposal
        .affects
        .iter()
        .flat_map(|principal| &inputs.analysis.gaps[*principal].slices)
        .filter(|slice| from.contains(&slice.statement) && proposal.copies.contains(&slice.policy))
        .collect();
    let mut reasons: BTreeMap<(String, Option<Reason>), u64> = BTreeMap::new();
    let mut services: BTreeMap<String, u64> = BTreeMap::new();
    let mut one_more = |name: &str| {
        let service = name.split(':').next().unwrap_or(name).to_ascii_lowercase();
        *services.entry(service).or_default() += 1;
    };
    for action in actions.iter() {
        one_more(inputs.catalog.name(action));
        // Who could not be seen is why it stays, whatever the archive shows of others.
        let hidden = slices.iter().filter(|slice| slice.granted.contains(action));
        let hidden = hidden.min_by_key(|slice| slice.grade(action));
        let why = hidden.map_or_else(Default::default, |slice| (slice.why(action), slice.reason(action)));
        *reasons.entry(why).or_default() += 1;
    }
    let unknown = match statement.map(|statement| &statement.action) {
        Some(ActionPart::Action(patterns)) => {
            let unknown = patterns.iter().filter(|one| !inputs.catalog.knows(one.lower()));
            unknown.inspect(|one| one_more(one.lower())).count() as u64
        }
        Some(ActionPart::NotAction(_)) | None => 0,
    };
    if unknown > 0 {
        let why = "the catalog does not know such an action".to_owned();
        reasons.insert((why, Some(Reason::UnknownCall)), unknown);
    }
    let mut why: Vec<UnseenWhy> = reasons
        .into_iter()
        .map(|((why, reason), actions)| UnseenWhy {
            actions,
            why,
            reason: reason.map(|reason| reason.name().to_owned()),
        })
        .collect();
    why.sort_by_key(|one| Reverse(one.actions));
    let mut services: Vec<UnseenService> = services
        .into_iter()
        .map(|(service, actions)| UnseenService { service, actions })
        .collect();
    services.sort_by_key(|one| Reverse(one.actions));
    Unseen {
        actions: why.iter().map(|one| one.actions).sum(),
        services,
        why,
    }
}

/// How many actions of a policy stay only because nobody could see whether they are used, by anybody who has it.
fn unseen_actions(inputs: &Inputs<'_>, proposal: &Proposal, removed: &ActionSet) -> u64 {
    let (mut hidden, mut seen) = (ActionSet::none(), ActionSet::none());
    let gaps = proposal
        .affects
        .iter()
        .map(|principal| &inputs.analysis.gaps[*principal]);
    for slice in gaps
        .flat_map(|gap| &gap.slices)
        .filter(|slice| proposal.copies.contains(&slice.policy))
    {
        for grade in [Grade::Unobservable, Grade::OutsideCoverage] {
            hidden.extend(&slice.with_grade(grade));
        }
        for grade in [Grade::Used, Grade::Inferred] {
            seen.extend(&slice.with_grade(grade));
        }
    }
    hidden.difference(&seen).difference(removed).len() as u64
}

/// The choices that had their say in a step, one for each principal.
fn chosen(inputs: &Inputs<'_>, names: &Names<'_>, proposal: &Proposal, removed: &ActionSet) -> Vec<Chosen> {
    let each = proposal.chosen.iter().filter_map(|chosen| {
        // A step may take less than what somebody dropped.
        let actions = match chosen.choice.decision {
            Decision::Drop => chosen.actions.intersection(removed),
            Decision::Keep | Decision::Later(_) | Decision::Open => chosen.actions.clone(),
        };
        (!actions.is_empty()).then(|| Chosen {
            principal: inputs.grants.principals[chosen.principal].arn.clone(),
            decision: chosen.choice.decision.name(),
            count: actions.len() as u64,
            actions: names.shared(&actions, Within::Anything, FEWEST),
            who: chosen.choice.who.clone(),
            why: chosen.choice.why.clone(),
        })
    });
    each.collect()
}

/// Who dropped something, each once.
fn chosen_by(chosen: &[Chosen]) -> Vec<String> {
    let drops = chosen.iter().filter(|chosen| chosen.decision == Decision::Drop.name());
    let whom: BTreeSet<&String> = drops.map(|chosen| &chosen.who).collect();
    whom.into_iter().cloned().collect()
}

/// What is taken for granted of files of the accounts concerned that were not read whole.
fn losses(inputs: &Inputs<'_>, affects: &[PrincipalIndex]) -> Vec<String> {
    let accounts: BTreeSet<&str> = affects
        .iter()
        .map(|principal| inputs.grants.principals[*principal].account.as_str())
        .collect();
    let window = inputs.archive.window.unwrap_or_default();
    let concerned = |loss: &&Loss| {
        let account = loss.account.is_empty() || accounts.contains(loss.account.as_str());
        account && loss.window.intersection(window).is_some()
    };
    let count = |losses: &BTreeMap<String, Loss>| losses.values().filter(concerned).count();
    let files = |count: usize| match count {
        1 => "1 file that was not read whole".to_owned(),
        many => format!("{many} files that were not read whole"),
    };
    let mut lines = Vec::new();
    match count(&inputs.archive.coverage.accepted) {
        0 => {}
        accepted => lines.push(format!(
            "nothing needed stood in {}, as --accept-loss says",
            files(accepted)
        )),
    }
    match count(&inputs.archive.coverage.lost) {
        0 => {}
        lost => lines.push(format!("calls in {} were not replayed", files(lost))),
    }
    lines
}

pub(in crate::report) fn verdict(replayed: Replayed) -> Verdict {
    Verdict {
        narrower: "proved".to_owned(),
        keeps: "proved".to_owned(),
        shapes_proved: replayed.shapes_proved,
        calls_represented: replayed.calls_represented,
        incomplete: replayed.incomplete,
        unmapped: replayed.unmapped,
        unexplained: replayed.unexplained,
        chosen_by: Vec::new(),
    }
}

/// An alternative that was proved.
pub(super) fn alternative(inputs: &Inputs<'_>, alternative: &ProvedAlternative) -> Alternative {
    let policy = alternative.policy.map(|policy| &inputs.grants.policies[policy]);
    let (associations, of_association) = association::associations(inputs.grants, alternative);
    Alternative {
        kind: alternative.kind.name().to_owned(),
        policy: policy.map(|policy| policy.name.clone()),
        policy_arn: policy.map(|policy| policy.arn.clone()),
        affects: arns(inputs.grants, &alternative.affects),
        documents: alternative.documents.clone(),
        split: None,
        workload: alternative.workload.clone(),
        associations,
        characters: alternative.documents.iter().map(rightsize::characters).collect(),
        quota: alternative.quota,
        equivalent: alternative.kind.is_equivalent(),
        note: match of_association {
            Some(more) => format!("{}. {more}", alternative.kind.note()),
            None => alternative.kind.note().to_owned(),
        },
        held: alternative.held.clone(),
        verdict: verdict(alternative.replayed()),
    }
}

/// A role's split that was proved.
pub(super) fn role_split(inputs: &Inputs<'_>, proved: &ProvedSplit) -> Alternative {
    let split = split::role_split(inputs.catalog, inputs.grants, proved);
    let documents: Vec<Value> = split
        .parts
        .iter()
        .flat_map(|part| part.documents.iter().cloned())
        .collect();
    let named_by: Vec<String> = split.parts.iter().flat_map(|part| part.named_by.clone()).collect();
    Alternative {
        kind: AlternativeKind::Roles.name().to_owned(),
        policy: None,
        policy_arn: None,
        affects: vec![split.role.clone()],
        characters: documents.iter().map(rightsize::characters).collect(),
        documents,
        split: Some(split),
        workload: None,
        associations: Vec::new(),
        quota: rightsize::MANAGED.characters,
        equivalent: AlternativeKind::Roles.is_equivalent(),
        note: AlternativeKind::Roles.note().to_owned(),
        held: proved.held.clone(),
        verdict: Verdict {
            keeps: split::keeps(&named_by),
            ..verdict(proved.replayed())
        },
    }
}

/// An alternative that a proof refused, or that cannot be made.
fn refused_alternative(inputs: &Inputs<'_>, refused: &Impossible, after: Value) -> Refused {
    let policy = refused.policy.map(|policy| &inputs.grants.policies[policy]);
    let whom: BTreeSet<&str> = refused
        .affects
        .iter()
        .map(|index| inputs.grants.principals[*index].arn.as_str())
        .collect();
    Refused {
        policy: policy.map_or_else(|| refused.kind.name().to_owned(), |policy| policy.name.clone()),
        policy_arn: policy.map_or_else(
            || whom.first().map_or_else(String::new, |arn| (*arn).to_owned()),
            |policy| policy.arn.clone(),
        ),
        affects: arns(inputs.grants, &refused.affects),
        kind: Some(refused.kind.name().to_owned()),
        after,
        witness: refused.why.clone(),
    }
}

/// Candidates that a proof refused, policies of which no form fits, and alternatives that cannot be had.
pub(super) fn refused(inputs: &Inputs<'_>) -> Vec<Refused> {
    let (grants, analysis) = (inputs.grants, &inputs.analysis);
    let of_policy = |policy: PolicyIndex, affects: &[PrincipalIndex], after: Value, witness: String| Refused {
        policy: grants.policies[policy].name.clone(),
        policy_arn: grants.policies[policy].arn.clone(),
        affects: arns(grants, affects),
        kind: None,
        after,
        witness,
    };
    let mut refused = Vec::new();
    for (proposal, refusals) in &analysis.refused {
        if shown(inputs, &proposal.affects) {
            let (after, why) = match refusals.last() {
                Some((candidate, refusal)) => (candidate.after.value(), refusal.to_string()),
                None => (Value::Null, "no candidate".to_owned()),
            };
            refused.push(of_policy(proposal.policy, &proposal.affects, after, why));
        }
    }
    for (policy, why) in &analysis.unfit {
        let affects = grants.affected_by(*policy);
        if shown(inputs, &affects) {
            refused.push(of_policy(*policy, &affects, Value::Null, why.clone()));
        }
    }
    for (impossible, documents) in &analysis.impossible {
        if shown(inputs, &impossible.affects) {
            // What could not be made has no document.
            let after = match &documents[..] {
                [] => Value::Null,
                documents => Value::Array(documents.to_vec()),
            };
            refused.push(refused_alternative(inputs, impossible, after));
        }
    }
    refused
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
