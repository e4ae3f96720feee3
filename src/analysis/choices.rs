//! What people are asked, what they answered, and which answers no longer match.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::catalog::{ActionId, Catalog};
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
    pub service: Arc<str>,
    /// Why nobody can see.
    pub reason: Reason,
    /// The actions that nobody answered for yet; of thousands of principals most are asked the same.
    pub actions: Arc<ActionSet>,
    /// Some of the resources that they are granted on.
    pub granted_on: Arc<[String]>,
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
        let asking = Asking {
            catalog,
            grants,
            left_alone,
            options,
            risks: Risks::new(catalog),
            services: catalog
                .service_ranges()
                .map(|(name, range)| (name.into(), range))
                .collect(),
            sets: Mutex::default(),
        };
        let each: Vec<_> = gaps.par_iter().map(|gap| asking.of(gap)).collect();
        for (questions, open) in each {
            asked.questions.extend(questions);
            asked.open.extend(open);
        }
        // Stable: principals, services and reasons stay in their order.
        asked.questions.sort_by_key(|question| std::cmp::Reverse(question.risk));
        asked
    }
}

/// What questions are made from.
struct Asking<'a> {
    catalog: &'a Catalog,
    grants: &'a Grants,
    left_alone: &'a LeftAlone,
    options: &'a Options,
    risks: Risks,
    services: Vec<(Arc<str>, Range<u32>)>,
    sets: Mutex<Sets>,
}

/// Each set of actions of a service once, by the service's first action and which of its actions they are, and how much
/// would go with them.
type Sets = HashMap<(u32, Vec<u64>), (Arc<ActionSet>, u64)>;

impl Asking<'_> {
    /// The questions about a principal, by service and reason, and its policies that they are about.
    fn of(&self, gap: &Gap) -> (Vec<Question>, BTreeSet<PolicyIndex>) {
        let (catalog, grants) = (self.catalog, self.grants);
        let mut policies = BTreeSet::new();
        // Services by their number, which is their order.
        let mut open: BTreeMap<(usize, Reason), (ActionSet, BTreeSet<String>)> = BTreeMap::new();
        let editable = |slice: &&Slice| self.left_alone.policies[slice.policy].is_none();
        for slice in gap.slices.iter().filter(editable) {
            let actions = unanswered(catalog, grants, gap, slice, self.options);
            if actions.is_empty() || grants.principals[gap.principal].kind == Kind::Group {
                continue;
            }
            policies.insert(slice.policy);
            let resources = resources(&grants.policies[slice.policy].policy, slice);
            for (number, (_, range)) in self.services.iter().enumerate() {
                if actions.count_in(range.clone()) == 0 {
                    continue;
                }
                let mut by_reason = Reason::ALL.map(|reason| (reason, ActionSet::none()));
                let mine = range.clone().map(|action| ActionId::from_index(action as usize));
                for action in mine.filter(|action| actions.contains(*action)) {
                    let reason = slice.reason(action);
                    if let Some((_, set)) = by_reason.iter_mut().find(|(known, _)| Some(*known) == reason) {
                        set.insert(action);
                    }
                }
                for (reason, set) in by_reason.into_iter().filter(|(_, set)| !set.is_empty()) {
                    let (all, on) = open.entry((number, reason)).or_default();
                    all.extend(&set);
                    if !resources.iter().all(|resource| on.contains(resource)) {
                        on.extend(resources.iter().cloned());
                    }
                }
            }
        }
        let mut lists: BTreeSet<Arc<[String]>> = BTreeSet::new();
        let questions = open.into_iter().map(|((number, reason), (actions, on))| {
            let on: Vec<String> = on.into_iter().take(RESOURCES).collect();
            let granted_on = lists.get(on.as_slice()).cloned().unwrap_or_else(|| {
                let new: Arc<[String]> = on.into();
                lists.insert(Arc::clone(&new));
                new
            });
            let (service, range) = &self.services[number];
            let (actions, risk) = self.once(range, actions);
            Question {
                principal: gap.principal,
                service: Arc::clone(service),
                reason,
                risk,
                actions,
                granted_on,
            }
        });
        (questions.collect(), policies)
    }

    /// The one set of those of a service that are equal, and how much would go with it.
    fn once(&self, service: &Range<u32>, actions: ActionSet) -> (Arc<ActionSet>, u64) {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sets.entry((service.start, actions.bits_in(service.clone())));
        let (set, risk) = known.or_insert_with(|| {
            let risk = self.risks.sum(&actions);
            (Arc::new(actions.shrunk()), risk)
        });
        (Arc::clone(set), *risk)
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
    let is_known = |action: &&String| !ActionSet::of_pattern(catalog, &action.to_lowercase()).is_empty();
    let strange = choice.actions.iter().filter(|action| !is_known(action));
    let strange: Vec<&str> = strange.take(5).map(String::as_str).collect();
    let strange = (!strange.is_empty()).then(|| format!("the catalog knows no {}", strange.join(", ")));
    if granted.is_empty() {
        return strange.or_else(|| Some("nothing that it names is granted any more".to_owned()));
    }
    if choice.decision != Decision::Drop {
        return strange;
    }
    let some = |actions: &ActionSet| {
        let names: Vec<&str> = actions.iter().take(5).map(|action| catalog.name(action)).collect();
        match actions.len().saturating_sub(names.len()) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    };
    let mut why = Vec::from_iter(strange);
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
