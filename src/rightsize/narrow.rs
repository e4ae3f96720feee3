//! Resources cut down to those that were touched: a second suggestion on top of the first, for those who ask for it.
//!
//! An action is narrowed only where every call of it showed all its resources, no new name appeared in the last third
//! of the window, and the archive would have shown other resources. Never narrowed is what makes, runs, deletes or tags
//! things, or hands over roles: tomorrow's names are not known yet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::quota::characters_of;
use super::rewrite::{statements, texts, with_actions, with_statements};
use super::{Candidate, Change, Narrowing};
use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::gap::{self, ActionSet, Gap};
use crate::grants::{Grants, PolicyIndex, PrincipalIndex};
use crate::iam::{ActionPart, Effect, Policy, PolicyText, Resource, ResourcePart, Statement, Version, arn};
use crate::time::{Window, day_of};
use crate::usage::Table;

/// Most resources that one action is narrowed to; beyond, a pattern of the original says more.
const MOST: usize = 20;
/// Starts of the names of actions that are never narrowed.
const NEVER: [&str; 7] = ["Create", "Run", "Delete", "Tag", "Untag", "PassRole", "AssumeRole"];

/// What calls that may have needed an action touched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Names {
    /// Each shape with the first day (since 1970) on which it was seen.
    first_day: BTreeMap<String, i32>,
    /// Whether some call did not show all that it touched.
    incomplete: bool,
}

/// What each principal touched, by action, in the order of the principals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Touched(Vec<BTreeMap<ActionId, Names>>);

impl Touched {
    pub(super) fn of(catalog: &Catalog, table: &Table, grants: &Grants) -> Touched {
        let mut touched = vec![BTreeMap::<ActionId, Names>::new(); grants.principals.len()];
        gap::row_by_row(catalog, table, grants, &mut |principal, row, activity| {
            for (action, evidence) in &activity.may_need {
                let names = touched[principal].entry(*action).or_default();
                names.incomplete |= evidence.resources.is_empty() || evidence.touches_anything();
                for shape in &evidence.resources {
                    let first = names.first_day.entry(shape.clone()).or_insert(row.day);
                    *first = (*first).min(row.day);
                }
            }
        });
        Touched(touched)
    }
}

/// What bears on the narrowing of one policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Narrow<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) gaps: &'a [Gap],
    pub(super) touched: &'a Touched,
    pub(super) policy: PolicyIndex,
    pub(super) affects: &'a [PrincipalIndex],
    pub(super) kept: &'a ActionSet,
    pub(super) window: Window,
}

impl Narrow<'_> {
    /// `base`, the candidate of the step before or the policy as it stands, with narrower resources: of all statements that
    /// can be, then of all but one, then of one alone, so that a statement of which nothing can be proved does not lose the
    /// others. None where none can be.
    pub(super) fn candidates(&self, original: &Policy, base: &Candidate) -> Vec<Candidate> {
        let document = base.after.value();
        let Ok(policy) = Policy::from_value(&document) else {
            return Vec::new();
        };
        let written = statements(&document);
        let split: Vec<Option<(Vec<Value>, Vec<Narrowing>)>> = policy
            .statements
            .iter()
            .zip(written)
            .map(|(statement, written)| {
                let pieces = self.pieces(original, policy.version, statement, written);
                let mut narrowed = Vec::new();
                (!pieces.is_empty())
                    .then(|| self.split(statement, written, pieces, &mut narrowed))
                    .flatten()
                    .map(|pieces| (pieces, narrowed))
            })
            .collect();
        let all: Vec<usize> = (0..split.len()).filter(|at| split[*at].is_some()).collect();
        let mut choices = Vec::new();
        if !all.is_empty() {
            choices.push(all.clone());
        }
        if all.len() > 2 {
            choices.extend(
                all.iter()
                    .map(|without| all.iter().copied().filter(|at| at != without).collect()),
            );
        }
        if all.len() > 1 {
            choices.extend(all.iter().map(|alone| vec![*alone]));
        }
        let of = |choice: Vec<usize>| {
            let (mut left, mut narrowed) = (Vec::new(), Vec::new());
            for (at, (written, split)) in written.iter().zip(&split).enumerate() {
                match split.as_ref().filter(|_| choice.contains(&at)) {
                    Some((pieces, names)) => {
                        left.extend(pieces.iter().cloned());
                        narrowed.extend(names.iter().cloned());
                    }
                    None => left.push(written.clone()),
                }
            }
            let after = PolicyText::from(&with_statements(&document, left));
            Candidate {
                change: Change::Replace,
                characters: characters_of(after.as_str()),
                removed: base.removed.clone(),
                after,
                narrowed,
            }
        };
        choices.into_iter().map(of).collect()
    }

    /// For each list of narrower resources the actions that get it.
    fn pieces(
        &self,
        original: &Policy,
        version: Version,
        statement: &Statement,
        written: &Value,
    ) -> BTreeMap<Vec<String>, BTreeSet<String>> {
        let mut pieces: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
        let (Effect::Allow, ActionPart::Action(patterns), ResourcePart::Resource(resources)) =
            (statement.effect, &statement.action, &statement.resource)
        else {
            return pieces;
        };
        let Some(source) = source(original, statement, written) else {
            return pieces;
        };
        for pattern in patterns.iter().filter(|pattern| !pattern.text().contains(['*', '?'])) {
            if let Some(action) = self.catalog.id(pattern.text())
                && let Some(to) = self.narrowed(action, source, resources, version)
            {
                pieces.entry(to).or_default().insert(pattern.text().to_owned());
            }
        }
        pieces
    }

    /// The statement as several: what is not narrowed as it was, then a statement for each list of resources.
    fn split(
        &self,
        statement: &Statement,
        written: &Value,
        pieces: BTreeMap<Vec<String>, BTreeSet<String>>,
        narrowed: &mut Vec<Narrowing>,
    ) -> Option<Vec<Value>> {
        let mut out = Vec::new();
        let apart: BTreeSet<&String> = pieces.values().flatten().collect();
        let rest: Vec<String> = texts(written.get("Action")?)
            .into_iter()
            .filter(|action| !apart.contains(action))
            .collect();
        if !rest.is_empty() {
            out.push(with_actions(written, rest)?);
        }
        let mut pieces: Vec<(Vec<String>, Vec<String>)> = pieces
            .into_iter()
            .map(|(to, actions)| (actions.into_iter().collect(), to))
            .collect();
        pieces.sort();
        let from = texts(written.get("Resource")?);
        for (mut actions, to) in pieces {
            actions.sort_by(|a, b| super::names::in_order(a, b));
            let mut piece = with_actions(written, actions)?;
            let object = piece.as_object_mut()?;
            let one = to.len() == 1 && !written.get("Resource").is_some_and(Value::is_array);
            object.insert("Resource".to_owned(), if one { json!(to[0]) } else { json!(to) });
            // A Sid stands once in a policy.
            if !out.is_empty() {
                object.shift_remove("Sid");
            }
            out.push(piece);
            narrowed.push(Narrowing {
                statement: statement.sid.clone().unwrap_or_else(|| statement.index.to_string()),
                from: from.clone(),
                to,
            });
        }
        Some(out)
    }

    /// The resources of the statement that calls of an action touched, as patterns inside the statement's; `None` where
    /// the action is not narrowed.
    fn narrowed(
        &self,
        action: ActionId,
        source: usize,
        resources: &[Resource],
        version: Version,
    ) -> Option<Vec<String>> {
        let names = self.names(action, source)?;
        let last_third = i32::try_from(day_of(self.window.first + self.window.seconds() / 3 * 2)).ok()?;
        let forms_of = |shapes: &mut dyn Iterator<Item = &String>| -> Option<BTreeSet<String>> {
            let mut forms = BTreeSet::new();
            for shape in shapes {
                forms.extend(forms_of_shape(shape, resources, version)?);
            }
            Some(widest(forms, version))
        };
        let all = forms_of(&mut names.keys())?;
        let early = forms_of(
            &mut names
                .iter()
                .filter(|(_, day)| **day < last_third)
                .map(|(shape, _)| shape),
        )?;
        if all != early || all.is_empty() || all.len() > MOST {
            return None;
        }
        let kept: Vec<Resource> = all.iter().map(|form| Resource::new(form.as_str(), version)).collect();
        let holds = |inner: &Resource| kept.iter().any(|form| arn::includes(form, inner));
        for shape in names.keys() {
            let shape = Resource::new(escape(shape, version)?, version);
            let missed = resources
                .iter()
                .any(|resource| arn::overlaps(resource, &shape) && !holds(&shape) && !holds(resource));
            if missed {
                return None;
            }
        }
        let before: BTreeSet<String> = resources.iter().map(|resource| resource.text().to_owned()).collect();
        (all != before).then(|| all.into_iter().collect())
    }

    /// All that anybody touched with an action, where that is known for sure.
    fn names(&self, action: ActionId, source: usize) -> Option<BTreeMap<String, i32>> {
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
            let mut slices = gap
                .slices
                .iter()
                .filter(|slice| slice.policy == self.policy && slice.statement == source);
            let unexplained = || {
                let mut calls = gap.activity.unexplained.iter();
                calls.any(|call| call.kept.contains(&action))
            };
            if slices.any(|slice| slice.unmapped.contains(action) || slice.view.blind_to(action).is_some())
                || implied()
                || unexplained()
            {
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

/// The place in the original of the statement that a rewritten one comes from.
fn source(original: &Policy, statement: &Statement, written: &Value) -> Option<usize> {
    // A rewrite keeps order, resources and conditions; the first that fits and grants all of it is its source.
    let mut candidates = original.statements.iter().filter(|candidate| {
        let same = |element: &str| candidate.to_value().get(element) == written.get(element);
        ["Effect", "Resource", "NotResource", "Condition"].into_iter().all(same)
            && crate::iam::subset::statement_includes(candidate, statement)
    });
    let first = candidates.next()?;
    candidates.next().is_none().then_some(first.index)
}

/// A shape in its normal forms, cut to the resources that it meets; `None` where it has none that we know, or one that
/// a policy of this version cannot write.
fn forms_of_shape(shape: &str, resources: &[Resource], version: Version) -> Option<BTreeSet<String>> {
    let mut forms = BTreeSet::new();
    for resource in resources {
        for form in normal_forms(&escape(shape, version)?, resource.text())? {
            let pattern = Resource::new(form.as_str(), version);
            if !arn::overlaps(resource, &pattern) {
                continue;
            }
            if arn::includes(resource, &pattern) {
                forms.insert(form);
            } else {
                forms.insert(resource.text().to_owned());
            }
        }
    }
    Some(forms)
}

/// A shape as a policy writes it. Its `*` and `?` stay wildcards: whether the log meant one or a literal, or a template
/// put it there, the pattern holds it.
fn escape(shape: &str, version: Version) -> Option<String> {
    let mut out = String::with_capacity(shape.len());
    for part in shape.split_inclusive(['*', '?']) {
        let wildcard = part.len() - part.trim_end_matches(['*', '?']).len();
        let (literal, wildcard) = part.split_at(part.len() - wildcard);
        out.push_str(&arn::escape_literal(literal)?);
        out.push_str(wildcard);
    }
    // The escapes exist since 2012-10-17 (IAM user guide, "IAM policy elements: Variables and tags").
    (version == Version::V2012 || !out.contains("${")).then_some(out)
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

/// The patterns that name one resource as AWS's documentation writes them, in the region of the source pattern.
fn normal_forms(shape: &str, source: &str) -> Option<Vec<String>> {
    let shape = arn::Arn::parse(shape)?;
    let region = match (shape.region, arn::Arn::parse(source)) {
        ("", _) => "",
        (_, Some(source)) => source.region,
        (_, None) => "*",
    };
    let name = shape.resource;
    let forms: Vec<String> = match shape.service {
        // Objects by bucket and folder: up to the first part that differs from object to object.
        "s3" if shape.region.is_empty() => {
            let fixed = &name[..name.find(['*', '?']).unwrap_or(name.len())];
            match fixed.rfind('/') {
                Some(slash) => vec![format!("{}*", &name[..=slash])],
                None => vec![name.to_owned()],
            }
        }
        "dynamodb" => {
            let table = name.strip_prefix("table/")?.split('/').next()?;
            if name.contains("/stream/") {
                vec![format!("table/{table}/stream/*")]
            } else {
                vec![format!("table/{table}"), format!("table/{table}/index/*")]
            }
        }
        "sqs" | "sns" if !name.contains(':') => vec![name.to_owned()],
        // An alias names no key; policies name keys (KMS developer guide, "Key policies": alias ARNs do not work there).
        "kms" => vec![format!("key/{}", name.strip_prefix("key/")?)],
        "secretsmanager" => secret(name.strip_prefix("secret:")?),
        "iam" => vec![format!("role/{}", name.strip_prefix("role/")?)],
        "lambda" => {
            let function = name.strip_prefix("function:")?.split(':').next()?;
            vec![format!("function:{function}"), format!("function:{function}:*")]
        }
        "logs" => {
            let group = name.strip_prefix("log-group:")?.split(':').next()?;
            vec![format!("log-group:{group}"), format!("log-group:{group}:*")]
        }
        "ecs" => {
            let family = name.strip_prefix("task-definition/")?.split(':').next()?;
            vec![format!("task-definition/{family}:*")]
        }
        _ => return None,
    };
    let arn = |resource: String| {
        format!(
            "arn:{}:{}:{region}:{}:{resource}",
            shape.partition, shape.service, shape.account
        )
    };
    Some(forms.into_iter().map(arn).collect())
}

/// A secret's ARN ends in six characters that Secrets Manager chooses (user guide, "What's in a secret"). A name seen
/// without them may end in six letters of its own: then both readings stay.
fn secret(name: &str) -> Vec<String> {
    let chosen = |tail: &str| tail.len() == 6 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let plain = |tail: &str| tail.bytes().all(|byte| byte.is_ascii_lowercase());
    match name.rsplit_once('-') {
        _ if name.ends_with('*') || name.ends_with("-??????") => vec![format!("secret:{name}")],
        Some((base, tail)) if chosen(tail) && !plain(tail) => vec![format!("secret:{base}-??????")],
        Some((base, tail)) if chosen(tail) => vec![format!("secret:{base}-??????"), format!("secret:{name}-??????")],
        _ => vec![format!("secret:{name}"), format!("secret:{name}-??????")],
    }
}

#[cfg(test)]
mod tests;
