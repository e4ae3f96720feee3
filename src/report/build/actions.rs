//! What is granted, action by action: those that deserve a line, and the rest in groups.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use super::{FEWEST, RESOURCES, WORKLOADS};
use crate::catalog::{ActionId, Catalog};
use crate::gap::{ActionSet, Blind, Evidence, Gap, Grade, Slice};
use crate::grants::{Grants, PrincipalIndex};
use crate::iam::{ActionPart, Policy, ResourcePart, Statement};
use crate::report::blocked::Blocks;
use crate::report::{Action, ActionGroup, FirstLast, GrantedBy, Inputs, ResourceGrade, Shared, Workload};
use crate::rightsize::{Names, Rhythm, Within};
use crate::time::moment;
use crate::usage::Behind;

fn label(grants: &Grants, slice: &Slice) -> GrantedBy {
    let document = &grants.policies[slice.policy];
    let policy = if document.kind == crate::grants::PolicyKind::Inline {
        format!("inline:{}", document.name)
    } else {
        document.arn.clone()
    };
    let statement = statement_of(grants, slice).and_then(|statement| statement.sid.clone());
    GrantedBy {
        policy,
        statement: statement.unwrap_or_else(|| slice.statement.to_string()),
        index: slice.statement as u64,
    }
}

fn statement_of<'g>(grants: &'g Grants, slice: &Slice) -> Option<&'g Statement> {
    let policy: &'g Policy = grants.policies[slice.policy].policy.as_ref().ok()?;
    policy
        .statements
        .iter()
        .find(|statement| statement.index == slice.statement)
}

/// Groups that several principals share.
type Alike = Arc<[Shared<ActionGroup>]>;

/// Groups of actions that are alike, made once: of thousands of principals most have the same in most services.
pub(super) struct Groups<'a> {
    names: &'a Names<'a>,
    grants: &'a Grants,
    /// Each service's actions, services sorted by name.
    services: Vec<(&'a str, Range<u32>)>,
    known: RwLock<HashMap<Vec<u64>, Alike>>,
    labels: RwLock<BTreeMap<GrantedBy, u64>>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(catalog: &'a Catalog, names: &'a Names<'a>, grants: &'a Grants) -> Groups<'a> {
        Groups {
            names,
            grants,
            services: catalog.service_ranges().collect(),
            known: RwLock::default(),
            labels: RwLock::default(),
        }
    }

    /// A number for where a slice comes from: equal for what reads alike.
    fn number(&self, slice: &Slice) -> u64 {
        let label = label(self.grants, slice);
        let known = self
            .labels
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&label)
            .copied();
        known.unwrap_or_else(|| {
            let mut labels = self.labels.write().unwrap_or_else(PoisonError::into_inner);
            let next = labels.len() as u64;
            *labels.entry(label).or_insert(next)
        })
    }

    /// Groups of what is left of each grade, by service, grade, reason and origin.
    fn of(&self, gap: &Gap, left: &BTreeMap<Grade, ActionSet>) -> Vec<Shared<ActionGroup>> {
        let numbers: Vec<u64> = gap.slices.iter().map(|slice| self.number(slice)).collect();
        let graded: Vec<(Grade, &ActionSet, Vec<ActionSet>)> = left
            .iter()
            .map(|(grade, set)| {
                (
                    *grade,
                    set,
                    gap.slices.iter().map(|slice| slice.with_grade(*grade)).collect(),
                )
            })
            .collect();
        let mut groups = Vec::new();
        for (service, range) in &self.services {
            for (grade, set, of_slices) in &graded {
                if set.count_in(range.clone()) == 0 {
                    continue;
                }
                // All that the groups are made of, as words.
                let bits = set.bits_in(range.clone());
                let mut key = vec![u64::from(range.start), *grade as u64];
                key.extend(&bits);
                for ((slice, number), with_grade) in gap.slices.iter().zip(&numbers).zip(of_slices) {
                    if slice.granted.count_in(range.clone()) > 0 {
                        key.extend([*number, Arc::as_ptr(&slice.view) as usize as u64]);
                        for part in [&slice.granted, with_grade, &slice.unmapped] {
                            key.extend(
                                part.bits_in(range.clone())
                                    .iter()
                                    .zip(&bits)
                                    .map(|(part, bits)| part & bits),
                            );
                        }
                    }
                }
                let known = self
                    .known
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(&key)
                    .cloned();
                let made = known.unwrap_or_else(|| {
                    let made = self.make(gap, service, range, *grade, set);
                    let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                    Arc::clone(known.entry(key).or_insert(made))
                });
                groups.extend(made.iter().cloned());
            }
        }
        groups
    }

    fn make(&self, gap: &Gap, service: &str, range: &Range<u32>, grade: Grade, set: &ActionSet) -> Alike {
        let mut groups: BTreeMap<(String, Vec<GrantedBy>), ActionSet> = BTreeMap::new();
        // Neighbours in the catalog mostly have one origin: a run of them is looked up once.
        let mut run: Option<(Origin<'_>, (String, Vec<GrantedBy>))> = None;
        let actions = range.clone().map(|action| ActionId::from_index(action as usize));
        for action in actions.filter(|action| set.contains(*action)) {
            let origin = Origin::of(gap, action, grade);
            let key = match run.take() {
                Some((known, key)) if known == origin => key,
                Some(_) | None => (origin.why(action), origin.granted_by(self.grants)),
            };
            groups.entry(key.clone()).or_default().insert(action);
            run = Some((origin, key));
        }
        groups
            .into_iter()
            .map(|((why, granted_by), set)| {
                Shared::from(ActionGroup {
                    service: service.to_owned(),
                    grade,
                    why,
                    count: set.len() as u64,
                    patterns: self.names.of(&set, Within::Anything, FEWEST),
                    granted_by,
                })
            })
            .collect()
    }
}

/// Actions that get a line of their own, and the rest by service, grade and reason.
pub(super) fn actions(
    inputs: &Inputs<'_>,
    groups: &Groups<'_>,
    index: PrincipalIndex,
    by_grade: &BTreeMap<Grade, ActionSet>,
) -> (Vec<Action>, Vec<Shared<ActionGroup>>) {
    let (catalog, grants, gap) = (inputs.catalog, inputs.grants, &inputs.analysis.gaps[index]);
    let named = literally_named(catalog, grants, gap);
    let blocks = Blocks::of(catalog, grants, index);
    let mut lines: BTreeMap<ActionId, Action> = BTreeMap::new();
    let mut left: BTreeMap<Grade, ActionSet> = BTreeMap::new();
    for (grade, set) in by_grade {
        let own_line = match grade {
            Grade::Used | Grade::Inferred | Grade::DeniedOnly => set.clone(),
            Grade::Unobservable | Grade::OutsideCoverage | Grade::Unused => set.intersection(&named),
        };
        for action in own_line.iter() {
            let origin = Origin::of(gap, action, *grade);
            lines.insert(action, line(inputs, gap, action, *grade, &origin, &blocks));
        }
        left.insert(*grade, set.difference(&own_line));
    }
    (lines.into_values().collect(), groups.of(gap, &left))
}

/// Where an action's grade comes from.
struct Origin<'g> {
    /// The slices that grant it.
    slices: Vec<&'g Slice>,
    /// The first of them whose grade it is.
    graded: Option<&'g Slice>,
    /// Why that one sees nothing.
    blind: Option<&'g Blind>,
    unmapped: bool,
}

impl<'g> Origin<'g> {
    fn of(gap: &'g Gap, action: ActionId, grade: Grade) -> Origin<'g> {
        let slices: Vec<&Slice> = gap
            .slices
            .iter()
            .filter(|slice| slice.granted.contains(action))
            .collect();
        let graded = slices.iter().copied().find(|slice| slice.grade(action) == grade);
        Origin {
            blind: graded.and_then(|slice| slice.view.blind_to(action)),
            unmapped: graded.is_some_and(|slice| slice.unmapped.contains(action)),
            slices,
            graded,
        }
    }

    fn why(&self, action: ActionId) -> String {
        self.graded.map_or_else(String::new, |slice| slice.why(action))
    }

    fn granted_by(&self, grants: &Grants) -> Vec<GrantedBy> {
        let mut granted_by: Vec<GrantedBy> = self.slices.iter().map(|slice| label(grants, slice)).collect();
        granted_by.sort();
        granted_by.dedup();
        granted_by
    }
}

/// The same slices for the same reason: told by where they lie, not by what they hold.
impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: Option<&Blind>, b: Option<&Blind>| match (a, b) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.unmapped == other.unmapped
            && same(self.blind, other.blind)
            && self.slices.len() == other.slices.len()
            && self.slices.iter().zip(&other.slices).all(|(a, b)| std::ptr::eq(*a, *b))
            && match (self.graded, other.graded) {
                (Some(a), Some(b)) => std::ptr::eq(a, b),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
    }
}

fn line(
    inputs: &Inputs<'_>,
    gap: &Gap,
    action: ActionId,
    grade: Grade,
    origin: &Origin<'_>,
    blocks: &Blocks,
) -> Action {
    let activity = &gap.activity;
    let nothing = Evidence::default();
    let evidence = match grade {
        Grade::Used => activity.used.get(&action),
        Grade::DeniedOnly => activity.denied.get(&action),
        Grade::Inferred | Grade::Unobservable | Grade::OutsideCoverage | Grade::Unused => {
            activity.may_need.get(&action)
        }
    };
    let evidence = evidence.unwrap_or(&nothing);
    let mut by_resource: Vec<ResourceGrade> = Vec::new();
    for slice in origin.slices.iter().filter(|slice| slice.grade(action) != grade) {
        let Some(statement) = statement_of(inputs.grants, slice) else {
            continue;
        };
        let resources = match &statement.resource {
            ResourcePart::Resource(resources) => resources.iter().map(|resource| resource.text().to_owned()).collect(),
            ResourcePart::NotResource(resources) => resources
                .iter()
                .map(|resource| format!("all but {}", resource.text()))
                .collect(),
            ResourcePart::None => Vec::new(),
        };
        let other = ResourceGrade {
            resources,
            grade: slice.grade(action),
            why: slice.why(action),
        };
        if !by_resource.contains(&other) {
            by_resource.push(other);
        }
    }
    let why = if grade == Grade::Used && evidence.calls > 0 && evidence.indeterminate == evidence.calls {
        "calls needed it, and nobody can tell whether AWS allowed them".to_owned()
    } else {
        origin.why(action)
    };
    let rhythm = Rhythm::of(&evidence.days);
    Action {
        action: inputs.catalog.name(action).to_owned(),
        grade,
        why,
        calls: evidence.calls,
        days_active: rhythm.days_active as u64,
        typical_gap_days: rhythm.typical_gap,
        rhythm: inputs
            .archive
            .window
            .and_then(|window| super::rhythm::of_action(evidence, window)),
        first_seen: evidence.first.as_ref().map(|witness| moment(witness.time)),
        last_seen: evidence.last.as_ref().map(|witness| moment(witness.time)),
        workloads: workloads(inputs, gap, evidence),
        events: FirstLast {
            first: evidence
                .first
                .as_ref()
                .map(|witness| witness.event_id.clone())
                .filter(|id| !id.is_empty()),
            last: evidence
                .last
                .as_ref()
                .map(|witness| witness.event_id.clone())
                .filter(|id| !id.is_empty()),
        },
        resources: evidence.resources.iter().take(RESOURCES).cloned().collect(),
        granted_by: origin.granted_by(inputs.grants),
        blocked_by: blocks.of_action(action),
        by_resource,
    }
}

/// Who made calls of an action, of a role that several used.
fn workloads(inputs: &Inputs<'_>, gap: &Gap, evidence: &Evidence) -> Vec<Workload> {
    if gap.users.all.len() < 2 {
        return Vec::new();
    }
    let mut workloads: BTreeMap<Workload, u64> = BTreeMap::new();
    for (place, calls) in &evidence.behind {
        if let Some(Behind::Actor(actor)) = inputs.archive.table.behind.get(*place) {
            let who = super::workload(&gap.users.user(actor, 0), &inputs.grants.supplements.eks);
            *workloads.entry(who).or_default() += calls;
        }
    }
    let counted = workloads.into_iter().map(|(who, calls)| Workload { calls, ..who });
    let mut workloads: Vec<Workload> = counted.filter(|who| who.calls > 0).collect();
    workloads.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.cmp(b)));
    workloads.truncate(WORKLOADS);
    workloads
}

/// Actions that a policy names without a wildcard.
fn literally_named(catalog: &Catalog, grants: &Grants, gap: &Gap) -> ActionSet {
    let mut named = ActionSet::none();
    for slice in &gap.slices {
        if let Some(statement) = statement_of(grants, slice)
            && let ActionPart::Action(patterns) = &statement.action
        {
            for pattern in patterns.iter().filter(|pattern| !pattern.text().contains(['*', '?'])) {
                catalog
                    .id(pattern.text())
                    .into_iter()
                    .for_each(|action| named.insert(action));
            }
        }
    }
    named
}
