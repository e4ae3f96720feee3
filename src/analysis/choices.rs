//! What people are asked, what they answered, and which answers no longer match.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::gap::{ActionSet, Gap, Grade, Reason, Slice};
use crate::grants::{Grants, Kind, PolicyIndex, PrincipalIndex};
use crate::iam::{Policy, ResourcePart};
use crate::rightsize::{self, Choice, Decision, Keep, Options, Risks};

use super::LeftAlone;

/// Most resources that a question names.
const RESOURCES: usize = 3;

/// What nobody can see of what a principal is granted: one question.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// Whose grants.
    pub principal: PrincipalIndex,
    /// Of which service.
    pub service: String,
    /// Why nobody can see.
    pub reason: Reason,
    /// The actions that nobody answered for yet.
    pub actions: ActionSet,
    /// Some of the resources that they are granted on.
    pub granted_on: Vec<String>,
    /// How much would go.
    pub risk: u64,
}

/// What people are asked, and what became of their answers.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Asked {
    /// Open questions, the most risk first.
    pub questions: Vec<Question>,
    /// Editable policies with an open question.
    pub open: BTreeSet<PolicyIndex>,
    /// For each choice that is answered, in their order: why it no longer matches, where it does not.
    pub answered: Vec<(Choice, Option<String>)>,
}

impl Asked {
    pub(super) fn of(
        catalog: &Catalog,
        grants: &Grants,
        gaps: &[Gap],
        left_alone: &LeftAlone,
        options: &Options,
    ) -> Asked {
        let mut asked = Asked {
            answered: answered(catalog, grants, gaps, options),
            ..Asked::default()
        };
        let risks = Risks::new(catalog);
        for gap in gaps {
            let mut open: BTreeMap<(String, Reason), (ActionSet, BTreeSet<String>)> = BTreeMap::new();
            for slice in gap
                .slices
                .iter()
                .filter(|slice| left_alone.policies[slice.policy].is_none())
            {
                let actions = unanswered(catalog, grants, gap, slice, options);
                if actions.is_empty() || grants.principals[gap.principal].kind == Kind::Group {
                    continue;
                }
                asked.open.insert(slice.policy);
                let resources = resources(&grants.policies[slice.policy].policy, slice);
                for action in actions.iter() {
                    let Some(reason) = slice.reason(action) else { continue };
                    let key = (catalog.service(action).to_owned(), reason);
                    let (set, on) = open.entry(key).or_default();
                    set.insert(action);
                    on.extend(resources.iter().cloned());
                }
            }
            let questions = open.into_iter().map(|((service, reason), (actions, on))| Question {
                principal: gap.principal,
                service,
                reason,
                risk: risks.sum(&actions),
                actions,
                granted_on: on.into_iter().take(RESOURCES).collect(),
            });
            asked.questions.extend(questions);
        }
        // Stable: principals, services and reasons stay in their order.
        asked.questions.sort_by_key(|question| std::cmp::Reverse(question.risk));
        asked
    }
}

/// What of a slice nobody can see, and neither a keep rule nor a choice has answered for.
fn unanswered(catalog: &Catalog, grants: &Grants, gap: &Gap, slice: &Slice, options: &Options) -> ActionSet {
    let mut hidden = slice.with_grade(Grade::Unobservable);
    hidden.extend(&slice.with_grade(Grade::OutsideCoverage));
    // What an unknown call may have needed stays whatever anybody says.
    hidden = hidden.difference(&slice.unmapped);
    if hidden.is_empty() {
        return hidden;
    }
    let principal = &grants.principals[gap.principal];
    let Keep(rules) = &options.keep;
    for rule in rules.iter().filter(|rule| rule.fits(principal)) {
        match &rule.action {
            Some(action) => hidden = hidden.difference(&ActionSet::of_pattern(catalog, &action.to_lowercase())),
            None => return ActionSet::none(),
        }
    }
    let decided = rightsize::decided(catalog, grants, options, gap.principal, slice);
    let kept = hidden.difference(&decided.kept).difference(&decided.later);
    kept.difference(&decided.dropped)
}

/// The resources of a slice's statement, as they are written.
fn resources(policy: &Result<Policy, String>, slice: &Slice) -> Vec<String> {
    let statements = policy.iter().flat_map(|policy| &policy.statements);
    let mut statement = statements.filter(|statement| statement.index == slice.statement);
    match statement.next().map(|statement| &statement.resource) {
        Some(ResourcePart::Resource(resources)) => resources.iter().map(|one| one.text().to_owned()).collect(),
        Some(ResourcePart::NotResource(resources)) => {
            resources.iter().map(|one| format!("all but {}", one.text())).collect()
        }
        Some(ResourcePart::None) | None => Vec::new(),
    }
}

/// Each choice that is answered, and why it no longer matches.
fn answered(catalog: &Catalog, grants: &Grants, gaps: &[Gap], options: &Options) -> Vec<(Choice, Option<String>)> {
    let answered = options.choices.0.iter();
    answered
        .filter(|choice| choice.decision != Decision::Open)
        .map(|choice| (choice.clone(), stale(catalog, grants, gaps, options, choice)))
        .collect()
}

/// Why a choice no longer matches, in part or at all.
fn stale(catalog: &Catalog, grants: &Grants, gaps: &[Gap], options: &Options, choice: &Choice) -> Option<String> {
    let set = choice.set(catalog);
    let fits = |gap: &&Gap| choice.fits(grants, gap.principal);
    let mut nobody = true;
    let (mut granted, mut used, mut other, mut kept) = <(ActionSet, ActionSet, ActionSet, ActionSet)>::default();
    for gap in gaps.iter().filter(fits) {
        nobody = false;
        for slice in &gap.slices {
            let here = set.intersection(&slice.granted);
            granted.extend(&here);
            for grade in [Grade::Used, Grade::Inferred, Grade::DeniedOnly] {
                used.extend(&here.intersection(&slice.with_grade(grade)));
            }
            let mut hidden = slice.with_grade(Grade::Unobservable);
            hidden.extend(&slice.with_grade(Grade::OutsideCoverage));
            let hidden = here.intersection(&hidden);
            let obeyed = choice.obeyed(&set, slice);
            other.extend(&hidden.difference(&obeyed));
            let decided = rightsize::decided(catalog, grants, options, gap.principal, slice);
            kept.extend(&obeyed.difference(&decided.dropped));
        }
    }
    if nobody {
        return Some("it names nobody in the grants".to_owned());
    }
    if granted.is_empty() {
        return Some("nothing that it names is granted any more".to_owned());
    }
    if choice.decision != Decision::Drop {
        return None;
    }
    let some = |actions: &ActionSet| {
        let names: Vec<&str> = actions.iter().take(5).map(|action| catalog.name(action)).collect();
        match actions.len().saturating_sub(names.len()) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    };
    let mut why = Vec::new();
    if !used.is_empty() {
        why.push(format!("calls needed or may have needed {}, which stays", some(&used)));
    }
    if !other.is_empty() {
        why.push(format!(
            "nobody can see {} for another reason now, which stays",
            some(&other)
        ));
    }
    if !kept.is_empty() {
        why.push(format!("another choice keeps {}", some(&kept)));
    }
    (!why.is_empty()).then(|| why.join("; "))
}
