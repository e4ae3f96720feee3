//! Questions and choices as `result.json` writes them.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{FEWEST, owner};
use crate::analysis::Question as Asked;
use crate::grants::{Grants, PolicyDocument, PolicyIndex, PolicyKind, PrincipalIndex};
use crate::report::{Choice, Inputs, Question};
use crate::rightsize::{Names, Within};

/// Most questions that a result holds: whoever answers them is asked the next ones.
const QUESTIONS: usize = 200;

/// Most principals of one question.
const TOGETHER: usize = 100;

/// The open questions of those who are shown, what is asked of several just alike once, and how many there are.
pub(super) fn questions(inputs: &Inputs<'_>, names: &Names<'_>) -> (Vec<Question>, u64) {
    let grants = inputs.grants;
    let open = inputs.analysis.asked.questions.iter();
    let open = open.filter(|question| inputs.options.shows(question.principal));
    let mut twins = Twins::default();
    let mut places: HashMap<_, usize> = HashMap::new();
    let mut groups: Vec<(&Asked, Vec<PrincipalIndex>)> = Vec::new();
    for question in open {
        let own = &grants.principals[question.principal].account;
        let on: Vec<String> = question.granted_on.iter().map(|on| nameless(on, own)).collect();
        let twin = twins.of(grants, question.principal);
        let key = (twin, &question.service, question.reason, &question.actions, on);
        match places.get(&key).and_then(|at| groups.get_mut(*at)) {
            Some((_, also)) if also.len() + 1 < TOGETHER => also.push(question.principal),
            Some(_) | None => {
                places.insert(key, groups.len());
                groups.push((question, Vec::new()));
            }
        }
    }
    let arn = |principal: PrincipalIndex| grants.principals[principal].arn.clone();
    let first = groups.iter().take(QUESTIONS).map(|(question, also)| Question {
        principal: arn(question.principal),
        also: also.iter().map(|principal| arn(*principal)).collect(),
        service: question.service.to_string(),
        reason: question.reason.name().to_owned(),
        says: question.reason.says().to_owned(),
        count: question.actions.len() as u64,
        actions: names.shared(&question.actions, Within::Anything, FEWEST),
        granted_on: question.granted_on.to_vec(),
        risk: question.risk,
    });
    (first.collect(), groups.len() as u64)
}

/// What tells principals that are just alike, each and each policy once.
#[derive(Default)]
struct Twins {
    principals: HashMap<PrincipalIndex, [u8; 32]>,
    policies: HashMap<PolicyIndex, [u8; 32]>,
}

impl Twins {
    /// A digest of all that makes a principal what it is, but for its name and its account's number.
    fn of(&mut self, grants: &Grants, index: PrincipalIndex) -> [u8; 32] {
        if let Some(known) = self.principals.get(&index) {
            return *known;
        }
        let principal = &grants.principals[index];
        let mut policies: Vec<[u8; 32]> = grants
            .policies_of(index)
            .into_iter()
            .map(|policy| {
                *self
                    .policies
                    .entry(policy)
                    .or_insert_with(|| of_policy(&grants.policies[policy]))
            })
            .collect();
        policies.sort_unstable();
        let words = format!(
            "{} {:?} {:?} {:?} {policies:?}",
            principal.kind.name(),
            owner(&principal.tags),
            principal.permissions_boundary,
            principal.trust,
        );
        let digest = Sha256::digest(nameless(&words, &principal.account)).into();
        self.principals.insert(index, digest);
        digest
    }
}

fn of_policy(policy: &PolicyDocument) -> [u8; 32] {
    // An inline policy has the name of its owner for an ARN.
    let arn = match policy.kind {
        PolicyKind::Inline => "",
        PolicyKind::Managed | PolicyKind::AwsManaged => &policy.arn,
    };
    let words = format!("{arn} {} {}", policy.name, policy.document);
    Sha256::digest(nameless(&words, &policy.account)).into()
}

/// A text with its own account's number taken out, so that what is the same in two accounts reads the same.
fn nameless(text: &str, own: &str) -> String {
    if own.len() == 12 {
        text.replace(own, "<account>")
    } else {
        text.to_owned()
    }
}

/// The choices that were given and answered.
pub(super) fn choices(inputs: &Inputs<'_>) -> Vec<Choice> {
    let answered = inputs.analysis.asked.answered.iter();
    answered
        .map(|(choice, stale)| Choice {
            principal: choice.principal.clone(),
            service: choice.service.clone(),
            reason: choice.reason.name().to_owned(),
            actions: choice.actions.clone(),
            decision: choice.decision.name(),
            who: choice.who.clone(),
            why: choice.why.clone(),
            stale: stale.clone(),
        })
        .collect()
}
