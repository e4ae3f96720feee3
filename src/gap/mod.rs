//! Usage joined with grants: each granted action with its evidence grade.
//!
//! A grade belongs to an action on the resources of one statement. It rests on what the principal did, and on whether
//! this archive would have shown what it did not do.

mod accessed;
mod actions;
mod entities;
mod evidence;
mod explain;
mod explained;
mod lifecycle;
mod named;
mod observability;
mod reason;
pub mod rhythm;
mod shares;
mod selectors;
mod trails;
mod trust;
mod users;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{ActionId, Catalog};
use crate::coverage::Coverage;
use crate::grants::{Grants, Kind, PolicyIndex, PrincipalIndex};
use crate::iam::{ActionPart, Effect, Resource, ResourcePart, Statement, Version, arn};
use crate::time::Window;
use crate::usage::Table;

pub use accessed::{Accessed, Unattempted, unvouched};
pub use actions::ActionSet;
pub use evidence::{Activity, Evidence, Unmapped, policy_writes, row_by_row, session_policies};
pub use explain::{Cause, Doubt, Unexplained};
pub use explained::{Explained, Share, explained};
pub use lifecycle::{LIFE_CYCLE, LifeCycles};
pub use named::{Named, UnmappedCalls, named, unmapped_calls};
pub use observability::{Blind, Nobodys, View};
pub use reason::Reason;
pub use shares::Shares;
pub use trust::{Trust, trust};
pub use users::{How, User, Users};

/// How much the archive says about one granted action, most protective first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// A call that was not denied needed it.
    Used,
    /// Another call shows that it was needed, or may have been: PassRole, tag-on-create, a `*Version` twin; or what it
    /// made will need it.
    Inferred,
    /// This archive could not have shown it, whoever had used it.
    Unobservable,
    /// The archive lacks days, regions or event classes in which it might have been used.
    OutsideCoverage,
    /// Only calls that AWS denied, with a message that names this action.
    DeniedOnly,
    /// The archive would have shown it, and did not; or IAM's own last-accessed data says that it was not attempted.
    Unused,
}

impl Grade {
    /// Every grade, most protective first.
    pub const ALL: [Grade; 6] = [
        Grade::Used,
        Grade::Inferred,
        Grade::Unobservable,
        Grade::OutsideCoverage,
        Grade::DeniedOnly,
        Grade::Unused,
    ];

    /// The grade as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Grade::Used => "used",
            Grade::Inferred => "inferred",
            Grade::Unobservable => "unobservable",
            Grade::OutsideCoverage => "outside-coverage",
            Grade::DeniedOnly => "denied-only",
            Grade::Unused => "unused",
        }
    }
}

/// What one statement grants a principal, and the grade of each of its actions.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The policy.
    pub policy: PolicyIndex,
    /// The statement's place in it.
    pub statement: usize,
    /// The actions that it allows; equal lists of actions share one set.
    pub granted: Arc<ActionSet>,
    /// Those that calls on its resources needed.
    pub used: ActionSet,
    /// Those that calls on its resources may have needed.
    pub inferred: ActionSet,
    /// Those that an operation unknown to the catalog may have needed, by its service or by its name.
    pub unmapped: ActionSet,
    /// Those of any statement that could explain a call which no statement explains.
    pub unexplained: Arc<Doubt>,
    /// Those that denials named.
    pub denied: ActionSet,
    /// Those that IAM saw, although the archive does not show them.
    pub accessed: ActionSet,
    /// Those of services that IAM saw where the archive shows nothing that explains it.
    pub service_accessed: ActionSet,
    /// Those of which IAM saw no attempt.
    pub unattempted: Unattempted,
    /// Those that the life cycles of what it made will need.
    pub living: ActionSet,
    /// All that those will need, with the reasons.
    pub life_cycles: Arc<LifeCycles>,
    /// What the archive would have shown.
    pub view: Arc<View>,
}

impl Slice {
    /// The grade of an action that the slice grants.
    pub fn grade(&self, action: ActionId) -> Grade {
        if self.used.contains(action) {
            return Grade::Used;
        }
        if self.inferred.contains(action)
            || self.accessed.contains(action)
            || self.living.contains(action)
            || self.granted.contains(action) && self.unexplained.actions.contains(action)
        {
            return Grade::Inferred;
        }
        if self.unmapped.contains(action) {
            return Grade::Unobservable;
        }
        match self.view.blind_to(action) {
            _ if self.unattempted.actions.contains(action) && !self.denied.contains(action) => Grade::Unused,
            Some(Blind::Unobservable(_) | Blind::LeftOut(_) | Blind::DataEvents { .. }) => Grade::Unobservable,
            Some(Blind::NoRegion(_) | Blind::Gap(_) | Blind::Nobodys(_)) => Grade::OutsideCoverage,
            None if self.service_accessed.contains(action) => Grade::OutsideCoverage,
            None if self.denied.contains(action) => Grade::DeniedOnly,
            None => Grade::Unused,
        }
    }

    /// What the grade rests on.
    pub fn why(&self, action: ActionId) -> String {
        match self.grade(action) {
            Grade::Used => "calls that AWS did not deny needed it".to_owned(),
            Grade::Inferred if self.inferred.contains(action) => "other calls may have needed it".to_owned(),
            Grade::Inferred if self.accessed.contains(action) => {
                "IAM's last-accessed data saw it inside the window, and the archive does not show it".to_owned()
            }
            Grade::Inferred => {
                let unexplained = self.unexplained.why.get(&action).map(String::as_str);
                unexplained
                    .or_else(|| self.life_cycles.why(action))
                    .unwrap_or_default()
                    .to_owned()
            }
            Grade::Unobservable if self.unmapped.contains(action) => {
                "an operation that the catalog does not know belongs to this service, or has a name that the statement \
                 grants"
                    .to_owned()
            }
            Grade::Unobservable | Grade::OutsideCoverage => self.view.blind_to(action).map_or_else(
                || "IAM's last-accessed data saw its service inside the window, and the archive does not".to_owned(),
                |blind| blind.why().to_owned(),
            ),
            Grade::DeniedOnly => "AWS denied every call that named it".to_owned(),
            Grade::Unused if self.view.blind_to(action).is_some() => self.unattempted.why(),
            Grade::Unused => "no logged use, and the archive would have shown it".to_owned(),
        }
    }

    /// The actions of which nothing was heard, and nothing could have been: neither in the archive nor by IAM.
    fn hidden(&self) -> ActionSet {
        let mut hidden = self.view.blind.clone();
        hidden.extend(&self.service_accessed);
        hidden.difference(&self.unattempted.actions.difference(&self.denied))
    }

    /// What stays by life cycle alone: it would be unused otherwise.
    pub fn by_life_cycle(&self) -> ActionSet {
        if self.living.is_empty() {
            return ActionSet::none();
        }
        let mut without = self.clone();
        without.living = ActionSet::none();
        without.with_grade(Grade::Unused).intersection(&self.living)
    }

    /// The granted actions that have a grade.
    pub fn with_grade(&self, grade: Grade) -> ActionSet {
        let active = || {
            let mut active = self.used.clone();
            active.extend(&self.inferred);
            active.extend(&self.accessed);
            active.extend(&self.unexplained.actions);
            active.extend(&self.living);
            active
        };
        let quiet = || self.granted.difference(&active());
        match grade {
            Grade::Used => self.used.clone(),
            Grade::Inferred => {
                let mut seen = self.inferred.clone();
                seen.extend(&self.accessed);
                seen.extend(&self.granted.intersection(&self.unexplained.actions));
                seen.extend(&self.living);
                seen.difference(&self.used)
            }
            Grade::Unused => {
                let seen = quiet().difference(&self.hidden());
                seen.difference(&self.unmapped).difference(&self.denied)
            }
            Grade::DeniedOnly => {
                let seen = quiet().difference(&self.hidden());
                seen.difference(&self.unmapped).intersection(&self.denied)
            }
            Grade::Unobservable => {
                let mut hidden = self
                    .view
                    .blind
                    .intersection(&self.hidden())
                    .difference(&self.view.outside);
                hidden.extend(&self.unmapped);
                quiet().intersection(&hidden)
            }
            Grade::OutsideCoverage => {
                let mut hidden = self.service_accessed.difference(&self.view.blind);
                hidden.extend(&self.view.outside);
                let hidden = hidden.intersection(&self.hidden());
                quiet().intersection(&hidden).difference(&self.unmapped)
            }
        }
    }
}

/// What a principal is granted beside what it did.
#[derive(Clone, Debug)]
pub struct Gap {
    /// Whose.
    pub principal: PrincipalIndex,
    /// What it did; of a group, nothing.
    pub activity: Activity,
    /// Its Allow statements; of a group, one for each member.
    pub slices: Vec<Slice>,
    /// What IAM's last-accessed data adds; nothing where none was given.
    pub accessed: Accessed,
    /// Seconds that the archive covers of the window in its account, in the regions where it was active, else in all of them.
    pub covered: i64,
    /// What its trust policy says of who may use it.
    pub trust: Trust,
    /// Who used it; of users and groups, nobody.
    pub users: Users,
    /// What the life cycles of what it made will need; of a group, nothing.
    pub life_cycles: Arc<LifeCycles>,
}

impl Gap {
    /// The same without what stays for what is yet to come.
    pub fn forget_life_cycles(&mut self) {
        self.life_cycles = Arc::default();
        for slice in &mut self.slices {
            slice.living = ActionSet::none();
            slice.life_cycles = Arc::default();
        }
    }

    /// Actions that stay by life cycle alone: without it no statement would keep them.
    pub fn by_life_cycle(&self) -> ActionSet {
        let (mut alone, mut otherwise) = (ActionSet::none(), ActionSet::none());
        for slice in &self.slices {
            let living = slice.by_life_cycle();
            let kept = slice.granted.difference(&slice.with_grade(Grade::Unused));
            otherwise.extend(&kept.difference(&living));
            alone.extend(&living);
        }
        alone.difference(&otherwise)
    }

    /// Granted actions by their most protective grade over all statements.
    pub fn by_grade(&self) -> BTreeMap<Grade, ActionSet> {
        let mut placed = ActionSet::none();
        let mut sets = BTreeMap::new();
        for grade in Grade::ALL {
            let mut set = ActionSet::none();
            for slice in &self.slices {
                set.extend(&slice.with_grade(grade));
            }
            let set = set.difference(&placed);
            placed.extend(&set);
            sets.insert(grade, set);
        }
        sets
    }
}

/// Grades everything that `grants` allow. `window` is what the archive spans.
pub fn classify(catalog: &Catalog, table: &Table, grants: &Grants, coverage: &Coverage, window: Window) -> Vec<Gap> {
    let granting = granting(
        catalog,
        grants,
        &mut observability::Views::new(catalog, coverage, &grants.supplements.trails, window),
    );
    let activities = evidence::activities(catalog, table, grants, &granting);
    let nothing = Activity::default();
    let made = lifecycle::Patterns::default();
    let seen_users = users::Seen::of(table, &grants.supplements.eks, window.first);
    let covered = Covered {
        coverage,
        window,
        known: Mutex::default(),
    };
    let mut gaps: Vec<Gap> = activities
        .into_par_iter()
        .enumerate()
        .map(|(index, activity)| {
            let principal = &grants.principals[index];
            let trust = trust(principal);
            let mut implied = ActionSet::none();
            for action in trust.implied.iter().flat_map(|pattern| catalog.expand(pattern)) {
                implied.insert(action);
            }
            // A group does nothing itself: its members' slices are added below.
            let statements = match principal.kind {
                Kind::Group => &[][..],
                Kind::Role | Kind::User => &granting[index],
            };
            let doubt = Arc::new(Doubt::of(catalog, activity.unexplained.iter()));
            let life_cycles = Arc::new(LifeCycles::of(catalog, &principal.account, &activity, &made));
            let mut slices: Vec<Slice> = statements
                .iter()
                .map(|statement| slice(catalog, statement, &activity, &implied, (&doubt, &life_cycles)))
                .collect();
            let data = grants.supplements.last_accessed.get(&principal.arn);
            let accessed = data.map_or_else(Accessed::default, |data| {
                let heard = coverage.regions_of(&principal.account);
                Accessed::of(catalog, principal, data, &activity, &slices, &heard, window)
            });
            if data.is_some() {
                for (slice, granting) in slices.iter_mut().zip(statements) {
                    (slice.accessed, slice.service_accessed) = accessed.keeps(catalog, &slice.granted);
                    slice.unattempted = accessed.unattempted.of(&slice.granted, granting.statement, window);
                }
            }
            let mut regions: BTreeSet<&str> = activity.regions.iter().map(String::as_str).collect();
            if regions.is_empty() {
                regions = coverage.regions();
            }
            let covered = covered.seconds(&principal.account, &regions);
            Gap {
                principal: index,
                activity,
                slices,
                accessed,
                covered,
                trust,
                users: seen_users.users(principal),
                life_cycles,
            }
        })
        .collect();
    for group in 0..gaps.len() {
        if grants.principals[group].kind != Kind::Group {
            continue;
        }
        let own = &grants.principals[group].policies;
        let members = gaps
            .iter()
            .filter(|gap| grants.principals[gap.principal].groups.contains(&group));
        let mut slices: Vec<Slice> = members
            .flat_map(|gap| gap.slices.iter().filter(|slice| own.contains(&slice.policy)).cloned())
            .collect();
        if slices.is_empty() {
            let idle = |statement| {
                slice(
                    catalog,
                    statement,
                    &nothing,
                    &ActionSet::none(),
                    (&Arc::default(), &Arc::default()),
                )
            };
            slices = granting[group].iter().map(idle).collect();
        }
        gaps[group].slices = slices;
    }
    gaps
}

/// How much of a window the archive covers, worked out once for all principals of an account and the same regions.
struct Covered<'a> {
    coverage: &'a Coverage,
    window: Window,
    /// By account and regions.
    known: Mutex<HashMap<(String, Vec<String>), i64>>,
}

impl Covered<'_> {
    fn seconds(&self, account: &str, regions: &BTreeSet<&str>) -> i64 {
        let named = regions.iter().map(|region| (*region).to_owned());
        let key = (account.to_owned(), named.collect());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seconds) = known().get(&key) {
            return *seconds;
        }
        let covered = self.coverage.covered(account, regions, self.window);
        let seconds = covered.iter().map(|covered| covered.seconds()).sum();
        known().insert(key, seconds);
        seconds
    }
}

/// A statement that allows something to somebody.
struct Granting<'g> {
    policy: PolicyIndex,
    statement: &'g Statement,
    /// What it allows, resources and conditions aside.
    granted: Arc<ActionSet>,
    /// What the archive would have shown of that.
    view: Arc<View>,
}

/// For each principal the statements that allow it something; of a group, those of its own policies.
fn granting<'g>(catalog: &Catalog, grants: &'g Grants, views: &mut observability::Views<'_>) -> Vec<Vec<Granting<'g>>> {
    // Of thousands of policies most allow what another allows as well.
    let mut known: HashMap<(bool, Vec<&'g str>), Arc<ActionSet>> = HashMap::new();
    let principals = grants.principals.iter().enumerate();
    principals
        .map(|(index, principal)| {
            let policies = match principal.kind {
                Kind::Group => principal.policies.clone(),
                Kind::Role | Kind::User => grants.policies_of(index),
            };
            let mut granting = Vec::new();
            for policy in policies {
                let Ok(document) = &grants.policies[policy].policy else {
                    continue;
                };
                let statements = document.statements.iter();
                for statement in statements.filter(|statement| statement.effect == Effect::Allow) {
                    let (listed, patterns) = match &statement.action {
                        ActionPart::Action(patterns) => (true, patterns),
                        ActionPart::NotAction(patterns) => (false, patterns),
                    };
                    let key = (listed, patterns.iter().map(|pattern| pattern.lower()).collect());
                    let granted = known
                        .entry(key)
                        .or_insert_with(|| Arc::new(ActionSet::of_statement(catalog, statement).shrunk()));
                    granting.push(Granting {
                        policy,
                        statement,
                        granted: Arc::clone(granted),
                        view: views.of(principal, &statement.resource, granted),
                    });
                }
            }
            granting
        })
        .collect()
}

fn slice(
    catalog: &Catalog,
    granting: &Granting<'_>,
    activity: &Activity,
    implied: &ActionSet,
    (doubt, life_cycles): (&Arc<Doubt>, &Arc<LifeCycles>),
) -> Slice {
    let (statement, granted) = (granting.statement, &granting.granted);
    let of = |evidence: &BTreeMap<ActionId, Evidence>| {
        let mut set = ActionSet::none();
        for (action, evidence) in evidence {
            if granted.contains(*action) && may_touch(statement, evidence) {
                set.insert(*action);
            }
        }
        set
    };
    let used = of(&activity.used);
    let mut inferred = of(&activity.may_need);
    inferred.extend(&granted.intersection(implied));
    let denied = of(&activity.denied);
    let mut unmapped = ActionSet::none();
    for operation in &activity.unmapped {
        for prefix in &operation.prefixes {
            for action in catalog.service_range(prefix) {
                unmapped.insert(ActionId::from_index(action as usize));
            }
        }
    }
    let names: BTreeSet<&str> = activity
        .unmapped
        .iter()
        .flat_map(|operation| &operation.may_be)
        .chain(activity.unexplained.iter().flat_map(|call| &call.may_be))
        .map(String::as_str)
        .collect();
    unmapped.extend(&explain::held_by_name(catalog, statement, granted, &names));
    let unmapped = unmapped.intersection(granted);
    Slice {
        policy: granting.policy,
        statement: statement.index,
        granted: Arc::clone(granted),
        used: used.shrunk(),
        inferred: inferred.shrunk(),
        unmapped: unmapped.shrunk(),
        unexplained: Arc::clone(doubt),
        denied: denied.shrunk(),
        accessed: ActionSet::none(),
        service_accessed: ActionSet::none(),
        unattempted: Unattempted::default(),
        living: life_cycles.of_statement(statement, granted),
        life_cycles: Arc::clone(life_cycles),
        view: Arc::clone(&granting.view),
    }
}

/// What the archive would have shown of an account, whatever the resources.
pub fn everything(catalog: &Catalog, coverage: &Coverage, grants: &Grants, account: &str, window: Window) -> View {
    let anybody = crate::grants::alone(&format!("arn:aws:iam::{account}:role/*"));
    let mut views = observability::Views::new(catalog, coverage, &grants.supplements.trails, window);
    let all = Arc::new(ActionSet::all(catalog));
    let view = views.of(&anybody.principals[0], &ResourcePart::None, &all);
    View::clone(&view)
}

/// Whether calls with this evidence may have been allowed by the statement, conditions aside.
fn may_touch(statement: &Statement, evidence: &Evidence) -> bool {
    match &statement.resource {
        ResourcePart::Resource(resources) => {
            evidence.touches_anything()
                || resources.iter().any(|resource| {
                    resource.is_everything()
                        || evidence
                            .resources
                            .iter()
                            .any(|shape| arn::overlaps(resource, &Resource::new(arn::of_shape(shape), Version::V2012)))
                })
        }
        ResourcePart::NotResource(_) | ResourcePart::None => true,
    }
}
