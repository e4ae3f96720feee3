//! Resources cut down to those that were touched: a second suggestion on top of the first, for those who ask for it.
//!
//! An action is narrowed only where every call of it showed all its resources, no new name appeared in the last third
//! of the window, and the archive would have shown other resources. Never narrowed is what makes, runs, deletes or tags
//! things, or hands over roles: tomorrow's names are not known yet.

mod forms;

use std::collections::{BTreeMap, BTreeSet};

use forms::Named;
use serde_json::{Value, json};

use super::names::{Names, Within};
use super::quota::characters_of;
use super::rewrite::{statements, texts, with_actions, with_statements};
use super::{Candidate, Change, Narrowing, Options, Origin, decided};
use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::gap::{self, ActionSet, Activity, Gap, Shares, Slice};
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::iam::subset::{self, Effort, Verdict as Inclusion};
use crate::iam::{
    self, ActionPart, ActionPattern, Effect, Policy, PolicyText, Resource, ResourcePart, Statement, Version, arn,
};
use crate::time::{Window, day_of};
use crate::usage::{Row, Table};

/// Most resources that one action is narrowed to; beyond, a pattern of the original says more.
const MOST: usize = 20;
/// Most statements of which every choice is tried.
const FEW: usize = 4;
/// Starts of the names of actions that are never narrowed.
const NEVER: [&str; 7] = ["Create", "Run", "Delete", "Tag", "Untag", "PassRole", "AssumeRole"];

/// What calls that may have needed an action touched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Seen {
    /// Each shape with the first day (since 1970) on which it was seen.
    first_day: BTreeMap<String, i32>,
    /// Whether some call did not show all that it touched.
    incomplete: bool,
}

/// What each principal touched, by action, in the order of the principals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Touched(Vec<BTreeMap<ActionId, Seen>>);

impl Touched {
    pub(super) fn of(catalog: &Catalog, table: &Table, grants: &Grants) -> Touched {
        let mut touched = vec![BTreeMap::<ActionId, Seen>::new(); grants.principals.len()];
        gap::row_by_row(catalog, table, grants, &mut |principal, row, activity| {
            add(&mut touched[principal], row, activity);
        });
        Touched(touched)
    }

    /// What some of a role's users touched, as if they were the only principal.
    pub(super) fn of_share(shares: &Shares<'_>, gap: &Gap, mine: &dyn Fn(&Row) -> bool) -> Touched {
        let mut touched = BTreeMap::<ActionId, Seen>::new();
        shares.row_by_row(gap, mine, &mut |row, activity| add(&mut touched, row, activity));
        Touched(vec![touched])
    }
}

fn add(touched: &mut BTreeMap<ActionId, Seen>, row: &Row, activity: &Activity) {
    for (action, evidence) in &activity.may_need {
        let names = touched.entry(*action).or_default();
        names.incomplete |= evidence.resources.is_empty() || evidence.touches_anything();
        for shape in &evidence.resources {
            let first = names.first_day.entry(shape.clone()).or_insert(row.day);
            *first = (*first).min(row.day);
        }
    }
}

/// What bears on the narrowing of one policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Narrow<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) grants: &'a Grants,
    pub(super) options: &'a Options,
    pub(super) gaps: &'a [Gap],
    pub(super) touched: &'a Touched,
    pub(super) policy: PolicyIndex,
    pub(super) affects: &'a [PrincipalIndex],
    pub(super) kept: &'a ActionSet,
    pub(super) window: Window,
    pub(super) names: &'a Names<'a>,
}

/// Resources, and the actions that get no others.
type Narrower = BTreeMap<Vec<String>, BTreeSet<String>>;

/// What becomes of the actions of a statement.
struct Pieces {
    /// For each list of resources the actions that get it.
    narrower: Narrower,
    /// The same actions.
    actions: ActionSet,
    /// The statement's actions without them.
    rest: Vec<String>,
}

/// Statements that narrow together or not at all, by their places: the forms of one original statement.
type Unit = BTreeMap<usize, (Vec<Value>, Vec<Narrowing>)>;

impl Narrow<'_> {
    /// `base`, the candidate of the step before or the policy as it stands, with narrower resources: of all statements
    /// that can be and have room, then of fewer, so that a statement of which nothing can be proved does not lose the
    /// others. None where none can be. Beside them whether there was room for all.
    pub(super) fn candidates(&self, policy: &Policy, base: &Candidate, room: u64) -> (Vec<Candidate>, bool) {
        let document = base.after.value();
        let written = statements(&document);
        let units = self.units(policy, written, &base.origins);
        let of = |choice: &[usize]| {
            let (mut left, mut origins, mut narrowed) = (Vec::new(), Vec::new(), base.narrowed.clone());
            for (at, written) in written.iter().enumerate() {
                let origin = base.origins[at].clone();
                match choice.iter().find_map(|unit| units[*unit].get(&at)) {
                    Some((pieces, names)) => {
                        left.extend(pieces.iter().cloned());
                        origins.extend(pieces.iter().map(|_| origin.clone()));
                        narrowed.extend(names.iter().cloned());
                    }
                    None => {
                        left.push(written.clone());
                        origins.push(origin);
                    }
                }
            }
            let after = PolicyText::from(&with_statements(&document, left));
            Candidate {
                change: Change::Replace,
                characters: characters_of(after.as_str()),
                removed: base.removed.clone(),
                after,
                origins,
                narrowed,
            }
        };
        let mut all: Vec<usize> = (0..units.len()).collect();
        if all.is_empty() {
            return (Vec::new(), true);
        }
        let is_whole = of(&all).characters <= room;
        if !is_whole {
            // As many as there is room for.
            let size = |unit: usize| of(&[unit]).characters;
            let mut by_size: Vec<(u64, usize)> = all.iter().map(|unit| (size(*unit), *unit)).collect();
            by_size.sort_unstable();
            let mut fitting = Vec::new();
            for (_, unit) in by_size {
                fitting.push(unit);
                if of(&fitting).characters > room {
                    fitting.pop();
                }
            }
            if !fitting.is_empty() {
                fitting.sort_unstable();
                all = fitting;
            }
        }
        (choices(&all).iter().map(|choice| of(choice)).collect(), is_whole)
    }

    /// What can be narrower. An action that one form of a statement leaves wide gains nothing from being narrower in
    /// another; what one form grants on the same narrower resources needs no second.
    fn units(&self, policy: &Policy, written: &[Value], origins: &[Origin]) -> Vec<Unit> {
        let mut groups: Vec<Vec<&Statement>> = Vec::new();
        for statement in &policy.statements {
            let is_form = |other: &&Statement| {
                let from = &origins[other.index].from;
                origins[statement.index].from.iter().any(|source| from.contains(source))
            };
            match groups.iter_mut().find(|group| group.iter().any(is_form)) {
                Some(group) => group.push(statement),
                None => groups.push(vec![statement]),
            }
        }
        let unit = |group: Vec<&Statement>| {
            let mut wide = ActionSet::none();
            let pieces = loop {
                let pieces: Vec<Option<Pieces>> = group
                    .iter()
                    .map(|statement| self.pieces(policy, statement, &origins[statement.index].from, &wide))
                    .collect();
                let (mut stays, mut narrower) = (ActionSet::none(), ActionSet::none());
                for (statement, pieces) in group.iter().zip(&pieces) {
                    let granted = ActionSet::of_statement(self.catalog, statement);
                    match pieces {
                        Some(pieces) => {
                            stays.extend(&granted.difference(&pieces.actions));
                            narrower.extend(&pieces.actions);
                        }
                        None => stays.extend(&granted),
                    }
                }
                let both = narrower.intersection(&stays);
                if both.is_empty() {
                    break pieces;
                }
                wide.extend(&both);
            };
            let mut unit = Unit::new();
            let mut granted: Vec<(&Value, Narrower)> = Vec::new();
            for (statement, pieces) in group.into_iter().zip(pieces) {
                let (Some(mut pieces), written) = (pieces, &written[statement.index]) else {
                    continue;
                };
                let whole = pieces.narrower.clone();
                for (_, before) in granted.iter().filter(|(other, _)| are_alike(other, written)) {
                    for (to, actions) in &mut pieces.narrower {
                        actions.retain(|action| !before.get(to).is_some_and(|before| before.contains(action)));
                    }
                }
                pieces.narrower.retain(|_, actions| !actions.is_empty());
                granted.push((written, whole));
                unit.insert(statement.index, self.split(statement, written, pieces)?);
            }
            (!unit.is_empty()).then_some(unit)
        };
        groups.into_iter().filter_map(unit).collect()
    }

    /// For each list of narrower resources the actions that get it, and the actions of the statement without them;
    /// `wide` are those that stay as they are.
    fn pieces(&self, policy: &Policy, statement: &Statement, sources: &[usize], wide: &ActionSet) -> Option<Pieces> {
        let (Effect::Allow, ActionPart::Action(patterns), ResourcePart::Resource(resources)) =
            (statement.effect, &statement.action, &statement.resource)
        else {
            return None;
        };
        let (mut narrower, mut actions, mut rest) = (BTreeMap::<_, BTreeSet<_>>::new(), ActionSet::none(), Vec::new());
        for pattern in patterns {
            let is_wildcard = pattern.text().contains(['*', '?']);
            let (mut here, mut left) = (Vec::new(), ActionSet::none());
            let expanded = match self.catalog.id(pattern.text()).filter(|_| !is_wildcard) {
                Some(action) => vec![action],
                None if is_wildcard && self.may_be_named(pattern) => self.catalog.expand(pattern.lower()),
                None => Vec::new(),
            };
            for action in expanded {
                let narrowed = match wide.contains(action) {
                    true => None,
                    false => self.narrowed(action, sources, resources, policy.version),
                };
                match narrowed {
                    Some(to) => here.push((to, action)),
                    None => left.insert(action),
                }
            }
            let names = self
                .names
                .of(&left, Within::Pattern(pattern.lower()), self.options.compact);
            // A wildcard that would become a long list says more than the list.
            if here.is_empty() || is_wildcard && names.len() >= self.options.compact {
                rest.push(pattern.text().to_owned());
                continue;
            }
            rest.extend(names);
            for (to, action) in here {
                let name = if is_wildcard {
                    self.catalog.name(action)
                } else {
                    pattern.text()
                };
                narrower.entry(to).or_default().insert(name.to_owned());
                actions.insert(action);
            }
        }
        (!narrower.is_empty()).then_some(Pieces {
            narrower,
            actions,
            rest,
        })
    }

    /// Whether actions may stand in the place of a wildcard: not where it may have granted what no catalog knows.
    fn may_be_named(&self, pattern: &ActionPattern) -> bool {
        let mut unmapped = self
            .affects
            .iter()
            .map(|principal| &self.gaps[*principal].activity)
            .flat_map(|activity| activity.unmapped.iter().chain(&activity.newer));
        !unmapped.any(|call| {
            let named = format!("*:{}", call.event_name.to_lowercase());
            iam::pattern::overlaps(pattern.lower(), &named)
        })
    }

    /// The statement as several: what is not narrowed as it was, then a statement for each list of resources.
    fn split(&self, statement: &Statement, written: &Value, pieces: Pieces) -> Option<(Vec<Value>, Vec<Narrowing>)> {
        let (mut out, mut narrowed) = (Vec::new(), Vec::new());
        if !pieces.rest.is_empty() {
            out.push(with_actions(written, pieces.rest, statement.sid.clone())?);
        }
        let mut pieces: Vec<(Vec<String>, Vec<String>)> = pieces
            .narrower
            .into_iter()
            .map(|(to, actions)| (actions.into_iter().collect(), to))
            .collect();
        pieces.sort();
        let from = texts(written.get("Resource")?);
        for (mut actions, to) in pieces {
            actions.sort_by(|a, b| super::names::in_order(a, b));
            // A Sid stands once in a policy.
            let sid = statement.sid.clone().filter(|_| out.is_empty());
            let mut piece = with_actions(written, actions, sid)?;
            let object = piece.as_object_mut()?;
            let one = to.len() == 1 && !written.get("Resource").is_some_and(Value::is_array);
            object.insert("Resource".to_owned(), if one { json!(to[0]) } else { json!(to) });
            out.push(piece);
            narrowed.push(Narrowing {
                statement: statement.sid.clone().unwrap_or_else(|| statement.index.to_string()),
                from: from.clone(),
                to,
            });
        }
        Some((out, narrowed))
    }

    /// The resources of the statement that calls of an action touched, as patterns inside the statement's; `None` where
    /// the action is not narrowed.
    fn narrowed(
        &self,
        action: ActionId,
        sources: &[usize],
        resources: &[Resource],
        version: Version,
    ) -> Option<Vec<String>> {
        let touched = self.touched(action, sources)?;
        let last_third = i32::try_from(day_of(self.window.first + self.window.seconds() / 3 * 2)).ok()?;
        let types = self.catalog.resource_types(action);
        let formats: Vec<&str> = types.iter().flat_map(|kind| kind.arns.iter().copied()).collect();
        let (mut names, mut of) = (Vec::new(), Vec::new());
        for (shape, day) in &touched {
            let shape = escape(shape, version)?;
            for resource in resources {
                for name in forms::named(&shape, resource.text(), &formats)? {
                    names.push(name);
                    of.push((resource, *day < last_third));
                }
            }
        }
        forms::lift(&mut names, Named::is_object);
        let mut to = loop {
            let all = within(names.iter().zip(of.iter().map(|(resource, _)| *resource)), version);
            let early = names.iter().zip(&of).filter(|(_, (_, early))| *early);
            let early = within(early.map(|(name, (resource, _))| (name, *resource)), version);
            if all == early && all.len() <= MOST {
                break all;
            }
            // What is named one by one may still lie in folders that were all known early.
            if !forms::lift(&mut names, |_| true) {
                return None;
            }
        };
        let name = self.catalog.name(action);
        let texts = resources.iter().map(|resource| resource.text().to_owned());
        let before = granting(name, texts, version)?;
        for shape in touched.keys() {
            let shape = escape(shape, version)?;
            if subset::keeps(&before, &granting(name, to.iter().cloned(), version)?, name, &shape).is_err() {
                let shape = Resource::new(shape, version);
                let met = resources.iter().filter(|resource| arn::overlaps(resource, &shape));
                to.extend(met.map(|resource| resource.text().to_owned()));
            }
        }
        let to = widest(to, version);
        let narrower = granting(name, to.iter().cloned(), version)?;
        let search = Effort::of(0);
        let is_all =
            subset::allows_no_more_within(&narrower, &before, &Effort::default(), &search) == Inclusion::Proved;
        (!to.is_empty() && !is_all).then(|| to.into_iter().collect())
    }

    /// All that anybody touched with an action that these statements of the policy grant, where that is known for sure.
    fn touched(&self, action: ActionId, sources: &[usize]) -> Option<BTreeMap<String, i32>> {
        let catalog = self.catalog;
        let name = catalog.name(action).split_once(':').map_or("", |(_, name)| name);
        if NEVER.iter().any(|start| name.starts_with(start))
            || catalog.access_level(action) == AccessLevel::Tagging
            || catalog.resource_types(action).is_empty()
            || self.kept.contains(action)
        {
            return None;
        }
        let mut all: BTreeMap<String, i32> = BTreeMap::new();
        let mut used = false;
        for principal in self.affects {
            let gap = &self.gaps[*principal];
            let implied = || {
                gap.trust
                    .implied
                    .iter()
                    .any(|implied| catalog.id(implied) == Some(action))
            };
            let mut slices = gap.slices.iter().filter(|slice| {
                slice.policy == self.policy && sources.contains(&slice.statement) && slice.granted.contains(action)
            });
            let unexplained = || {
                let mut calls = gap.activity.unexplained.iter();
                calls.any(|call| call.kept.contains(&action))
            };
            // Calls tell where the action was needed; a life cycle, IAM's own data and people tell that it will be
            // needed, and not where.
            let called = gap.activity.may_need.contains_key(&action);
            let needed_anywhere = |slice: &Slice| {
                let decided = decided(self.catalog, self.grants, self.options, gap.principal, slice);
                slice.unmapped.contains(action)
                    || slice.view.blind_to(action).is_some()
                    || slice.living.contains(action) && !called
                    || decided.kept.contains(action)
                    || decided.later.contains(action)
            };
            if slices.any(needed_anywhere) || gap.accessed.actions.contains_key(&action) || implied() || unexplained() {
                return None;
            }
            used |= gap.activity.used.contains_key(&action);
            let Some(names) = self.touched.0[*principal].get(&action) else {
                continue;
            };
            if names.incomplete {
                return None;
            }
            for (shape, day) in &names.first_day {
                let first = all.entry(shape.clone()).or_insert(*day);
                *first = (*first).min(*day);
            }
        }
        used.then_some(all)
    }
}

/// Which of these to take, in the order in which to try: all, then fewer.
fn choices(all: &[usize]) -> Vec<Vec<usize>> {
    let without = |left_out: &[usize]| all.iter().copied().filter(|at| !left_out.contains(at)).collect();
    // Of few, every choice there is.
    if all.len() <= FEW {
        let mut choices: Vec<Vec<usize>> = (1..1_usize << all.len())
            .map(|mask| {
                (0..all.len())
                    .filter(|at| mask >> at & 1 == 1)
                    .map(|at| all[at])
                    .collect()
            })
            .collect();
        choices.sort_by_key(|choice: &Vec<usize>| std::cmp::Reverse(choice.len()));
        return choices;
    }
    let mut choices: Vec<Vec<usize>> = vec![all.to_vec()];
    choices.extend(all.iter().map(|at| without(&[*at])));
    let pairs = all
        .iter()
        .enumerate()
        .flat_map(|(at, one)| all[at + 1..].iter().map(move |two| [*one, *two]));
    choices.extend(pairs.map(|pair| without(&pair)));
    choices.extend(all.iter().map(|alone| vec![*alone]));
    choices
}

/// Whether two statements differ in nothing but their names and actions.
fn are_alike(one: &Value, other: &Value) -> bool {
    let rest = |statement: &Value| {
        let mut rest = statement.clone();
        if let Some(rest) = rest.as_object_mut() {
            rest.remove("Sid");
            rest.remove("Action");
        }
        rest
    };
    rest(one) == rest(other)
}

/// What is named as patterns, none that another one holds, each cut to the resource beside it.
fn within<'n>(names: impl Iterator<Item = (&'n Named, &'n Resource)>, version: Version) -> BTreeSet<String> {
    let mut patterns = BTreeSet::new();
    for (name, resource) in names {
        for text in name.patterns() {
            let pattern = Resource::new(text.as_str(), version);
            if !arn::overlaps(resource, &pattern) {
                continue;
            }
            patterns.insert(if arn::includes(resource, &pattern) {
                text
            } else {
                resource.text().to_owned()
            });
        }
    }
    widest(patterns, version)
}

/// A policy that allows one action on some resources.
fn granting(action: &str, resources: impl Iterator<Item = String>, version: Version) -> Option<Policy> {
    let resources: Vec<String> = resources.collect();
    let mut document = json!({"Statement": [{"Effect": "Allow", "Action": action, "Resource": resources}]});
    if version == Version::V2012 {
        document["Version"] = json!("2012-10-17");
    }
    Policy::from_value(&document).ok()
}

/// A shape as a policy of this version writes it, if one can.
fn escape(shape: &str, version: Version) -> Option<String> {
    let out = arn::of_shape(shape);
    // The escapes exist since 2012-10-17 (IAM user guide, "IAM policy elements: Variables and tags").
    let is_known = version == Version::V2012 || !out.contains("${");
    (is_known && out.chars().all(arn::is_writable)).then_some(out)
}

/// The forms without those that another one holds.
fn widest(forms: BTreeSet<String>, version: Version) -> BTreeSet<String> {
    let patterns: Vec<Resource> = forms.iter().map(|form| Resource::new(form.as_str(), version)).collect();
    let held = |inner: &Resource| {
        let mut others = patterns.iter().filter(|outer| *outer != inner);
        others.any(|outer| arn::includes(outer, inner))
    };
    forms
        .iter()
        .zip(&patterns)
        .filter(|(_, pattern)| !held(pattern))
        .map(|(form, _)| form.clone())
        .collect()
}

#[cfg(test)]
mod tests;
