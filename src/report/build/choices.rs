//! Questions and choices as `result.json` writes them.

use super::FEWEST;
use crate::report::{Choice, Inputs, Question};
use crate::rightsize::{Names, Within};

/// Most questions that a result holds: whoever answers them is asked the next ones.
const QUESTIONS: usize = 200;

/// The open questions of those who are shown, and how many there are.
pub(super) fn questions(inputs: &Inputs<'_>, names: &Names<'_>) -> (Vec<Question>, u64) {
    let open = inputs.analysis.asked.questions.iter();
    let open = open.filter(|question| inputs.options.shows(question.principal));
    let first = open.clone().take(QUESTIONS).map(|question| Question {
        principal: inputs.grants.principals[question.principal].arn.clone(),
        service: question.service.to_string(),
        reason: question.reason.name().to_owned(),
        says: question.reason.says().to_owned(),
        count: question.actions.len() as u64,
        actions: names.shared(&question.actions, Within::Anything, FEWEST),
        granted_on: question.granted_on.to_vec(),
        risk: question.risk,
    });
    (first.collect(), open.clone().count() as u64)
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
