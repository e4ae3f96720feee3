//! What was made of what: every live policy against every document of the files, and what tells that it is this one.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::Value;

use super::live::{Fate, Live};
use super::merged::{self, Part, Place, Slice};
use super::nearest::{self, nearest};
use super::terraform::{Made, Project, Stands};
use super::tree::{Document, Fit, Takes, elements, fit, paired, scalar};
use super::witness::{self, Names, Rare, Told, Whose};
use super::{File, Reason, keep};

/// Live policies that may name a resource for it to tell whose a document is.
const RARE: usize = 3;
/// The documents that say what a policy says, the one that they are a part of, and how well.
type Fitting = (Vec<Part>, Place, Fit);

/// A document that a live policy may have been made of.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) place: Place,
    /// The documents that say it: this one, or those that it takes in.
    pub(super) parts: Vec<Part>,
    pub(super) fit: Fit,
    pub(super) told: Told,
}

/// What was made of what.
pub(super) struct Matching<'m> {
    pub(super) lives: &'m [Live<'m>],
    pub(super) files: &'m [File],
    pub(super) project: &'m Project<'m>,
    pub(super) now: Option<i64>,
    pub(super) stands: HashMap<Place, Stands>,
    /// What documents take in.
    wholes: HashMap<Place, Result<Vec<Place>, String>>,
    /// For each policy the documents that say what it says and are not told to be others'.
    pub(super) candidates: Vec<Vec<Candidate>>,
    /// For those that no document says the one that says what is suggested for it, and is told to be it.
    pub(super) already: HashMap<usize, Place>,
}

impl<'m> Matching<'m> {
    pub(super) fn new(
        lives: &'m [Live<'m>],
        files: &'m [File],
        project: &'m Project<'m>,
        now: Option<i64>,
    ) -> Matching<'m> {
        let mut matching = Matching {
            lives,
            files,
            project,
            now,
            stands: stands(files, project),
            wholes: merged::wholes(files),
            candidates: Vec::new(),
            already: HashMap::new(),
        };
        let mut owners: HashMap<&str, HashSet<&str>> = HashMap::new();
        let mut naming: HashMap<String, HashSet<&str>> = HashMap::new();
        for live in lives {
            owners
                .entry(&live.policy.policy)
                .or_default()
                .insert(&live.policy.policy_arn);
            for arn in resources(&live.before) {
                naming.entry(arn).or_default().insert(&live.policy.sha256);
            }
        }
        let is_only = |live: &Live<'_>| {
            owners
                .get(live.policy.policy.as_str())
                .is_none_or(|owners| owners.len() == 1)
        };
        let is_rare = |arn: &str| naming.get(arn).is_none_or(|naming| naming.len() <= RARE);
        let mut fits: HashMap<&str, Vec<Fitting>> = HashMap::new();
        for live in lives {
            fits.entry(live.policy.sha256.as_str())
                .or_insert_with(|| matching.fitting(&live.before));
        }
        let unsaid: Vec<&Live<'_>> = lives
            .iter()
            .filter(|live| {
                let mut places = fits[live.policy.sha256.as_str()].iter();
                !places.any(|(_, place, _)| matching.is_named(live, *place))
            })
            .collect();
        let said = lives
            .iter()
            .filter(|live| unsaid.iter().all(|unsaid| !std::ptr::eq(*unsaid, *live)));
        let said: HashSet<&str> = said.flat_map(Live::owners).collect();
        let found = |matching: &Matching<'_>, live: &Live<'_>, fitting: Vec<Fitting>| {
            let mut candidates = Vec::new();
            for (parts, place, fit) in fitting {
                let document = matching.document(place);
                let rare = Rare {
                    is_only: &is_only,
                    is_strangers: &|name, whose| {
                        let is_called = |live: &Live<'_>| match whose {
                            Whose::Policy => name.may_be(&live.policy.policy),
                            Whose::Owner => live.owners().any(|owner| name.may_be(owner) && !said.contains(owner)),
                        };
                        let mut others = unsaid.iter().filter(|live| is_called(live));
                        others.any(|live| nearest::likeness(document, live) < nearest::NEAR)
                    },
                };
                let told = matching.told(live, place, &parts, &rare, &is_rare);
                if told != Told::Against {
                    candidates.push(Candidate {
                        place,
                        parts,
                        fit,
                        told,
                    });
                }
            }
            candidates
        };
        for (at, live) in lives.iter().enumerate() {
            let candidates = found(&matching, live, fits[live.policy.sha256.as_str()].clone());
            if candidates.is_empty()
                && let Fate::May(_, after) = &live.fate
            {
                let done = found(&matching, live, matching.fitting(after));
                let told = done.iter().filter(|candidate| candidate.told.is_enough());
                let best = told.max_by_key(|candidate| (candidate.told.rank(), candidate.fit));
                matching.already.extend(best.map(|best| (at, best.place)));
            }
            matching.candidates.push(candidates);
        }
        matching
    }

    pub(super) fn document(&self, place: Place) -> &'m Document {
        &self.files[place.0].documents[place.1]
    }

    pub(super) fn name_of(&self, place: Place) -> String {
        self.files[place.0].place(self.document(place).root.span.start)
    }

    /// What comments keep of a document, beside it and beside whatever takes it.
    pub(super) fn kept(&self, place: Place) -> Result<Vec<String>, String> {
        let own = (&self.files[place.0], self.document(place).root.span.clone());
        let uses = self.stands.get(&place).into_iter().flat_map(|stands| &stands.uses);
        let uses = uses.filter_map(|(path, span)| {
            let file = self.files.iter().find(|file| file.path == *path)?;
            Some((file, span.clone()))
        });
        let mut all = Vec::new();
        for (file, span) in std::iter::once(own).chain(uses) {
            let kept = keep::kept(&file.text, &span, self.now);
            if let Some(at) = kept.unclear {
                return Err(format!(
                    "{}: a comment says `trimtrail`, and not what to keep, as in `trimtrail: keep s3:GetObject until 2027-03`",
                    file.place(at)
                ));
            }
            all.extend(kept.patterns);
        }
        Ok(all)
    }

    /// All documents that say what a policy says, alone or by what they take in.
    fn fitting(&self, policy: &Value) -> Vec<Fitting> {
        let mut found = Vec::new();
        for (file, here) in self.files.iter().enumerate() {
            for (index, document) in here.documents.iter().enumerate() {
                let place = (file, index);
                let how = match (self.wholes.get(&place), &document.takes) {
                    (Some(Ok(parts)), _) => merged::fit_parts(self.files, parts, policy),
                    (Some(Err(_)), _) => None,
                    (None, _) if document.left.is_some() => None,
                    (None, Takes::Unwritten) => merged::fit_within(document, place, policy),
                    (None, Takes::Nothing | Takes::Others(..)) => {
                        let statements = None;
                        Some((vec![Part { place, statements }], fit(&document.root, policy)))
                    }
                };
                found.extend(
                    how.filter(|(_, fit)| *fit != Fit::No)
                        .map(|(parts, fit)| (parts, place, fit)),
                );
            }
        }
        found
    }

    /// Whether a policy loses something of what one of its documents says, as far as that is known.
    pub(super) fn changes(&self, live: usize, part: &Part) -> bool {
        let slice = Slice::of(&self.lives[live].share(), part.statements.as_ref());
        slice.is_none_or(|slice| slice.before != slice.after)
    }

    /// Why a policy loses something that none of its documents says.
    pub(super) fn changes_beside(&self, live: usize, candidate: &Candidate) -> Option<String> {
        let of = |part: &Part| part.statements.clone();
        let from = candidate.parts.first().and_then(of)?.start;
        let to = candidate.parts.last().and_then(of)?.end;
        let share = self.lives[live].share();
        let all = share.before.get("Statement").map_or(0, |all| elements(all).len());
        let mut beside = [0..from, to..all].into_iter().filter(|range| !range.is_empty());
        let changes =
            beside.any(|range| Slice::of(&share, Some(&range)).is_none_or(|slice| slice.before != slice.after));
        let at = self.name_of(candidate.place);
        changes.then(|| {
            format!("some of what may go stands in statements that {at} does not hold: its framework adds them")
        })
    }

    /// Whether a document may be a policy's by the names around it.
    fn is_named(&self, live: &Live<'_>, place: Place) -> bool {
        let made = self.stands.get(&place).map(|stands| stands.made.as_slice());
        let mut made = made.unwrap_or_default().iter();
        let is_terraform = self.files[place.0].terraform.is_some();
        made.any(|made| witness::of_made(live, made, Names::Any).is_enough())
            || !is_terraform && witness::of_names(live, self.document(place), Names::Any).is_enough()
    }

    /// What tells that a document that says what a policy says is the one that it was made of.
    fn told(
        &self,
        live: &Live<'_>,
        place: Place,
        parts: &[Part],
        rare: &Rare<'_>,
        is_rare: &dyn Fn(&str) -> bool,
    ) -> Told {
        let document = self.document(place);
        let mut best = match self.stands.get(&place) {
            Some(stands) if stands.made.is_empty() && stands.unknown.is_none() => Told::Against,
            Some(stands) if stands.made.is_empty() => Told::Nothing,
            Some(stands) => {
                let all = stands
                    .made
                    .iter()
                    .map(|made| witness::of_made(live, made, Names::Telling(rare)));
                match all.max_by_key(Told::rank).unwrap_or(Told::Nothing) {
                    // Somebody else may make a policy of it, too.
                    Told::Against if stands.unknown.is_some() => Told::Nothing,
                    told => told,
                }
            }
            None if self.files[place.0].terraform.is_some() => Told::Against,
            None => Told::Nothing,
        };
        if self.files[place.0].terraform.is_none() && best.rank() <= Told::Nothing.rank() {
            let told = witness::of_names(live, document, Names::Telling(rare));
            if told == Told::Against || told.rank() > best.rank() {
                best = told;
            }
        }
        if best == Told::Nothing {
            let all = parts
                .iter()
                .map(|part| witness::of_resources(&self.document(part.place).root, is_rare));
            best = all.max_by_key(Told::rank).unwrap_or(Told::Nothing);
        }
        if best == Told::Nothing {
            let made = self.stands.get(&place).map(|stands| stands.made.as_slice());
            let made = made.unwrap_or_default().iter().map(|made| made.file.as_path());
            let files: Vec<&Path> = std::iter::once(self.files[place.0].path.as_path())
                .chain(made)
                .collect();
            best = witness::of_path(live, &files);
        }
        best
    }

    /// The one document that a policy was made of.
    pub(super) fn source_of(&self, live: usize) -> Result<&Candidate, (Reason, String)> {
        let candidates = &self.candidates[live];
        let rank = |candidate: &&Candidate| (candidate.told.rank(), candidate.fit);
        let best = candidates.iter().max_by_key(rank);
        let Some(best) = best else {
            let is_told = |place: Place| {
                let made = self
                    .stands
                    .get(&place)
                    .map(|stands| stands.made.as_slice())
                    .unwrap_or_default();
                let all = made
                    .iter()
                    .map(|made| witness::of_made(&self.lives[live], made, Names::Any));
                all.max_by_key(Told::rank).is_some_and(|told| told.is_enough())
            };
            let nearest = nearest(self.files, &self.wholes, &self.lives[live], &is_told);
            let nearest = nearest.map_or_else(String::new, |nearest| format!("; {nearest}"));
            return Err((
                Reason::NoDocument,
                format!("no document under the folder says what this policy says{nearest}"),
            ));
        };
        if !best.told.is_enough() {
            let places: Vec<String> = candidates
                .iter()
                .map(|candidate| self.name_of(candidate.place))
                .collect();
            let why = format!(
                "nothing tells that it was made of what says the same: {} (no tag, and no name that few have, of it \
                 or its owner, no resource of its own; --terraform-state tells)",
                places.join(", ")
            );
            return Err((Reason::NotTold, why));
        }
        let equal: Vec<String> = candidates
            .iter()
            .filter(|candidate| rank(candidate) == rank(&best))
            .map(|candidate| self.name_of(candidate.place))
            .collect();
        if equal.len() > 1 {
            let why = format!("several documents say what it says: {}", equal.join(", "));
            return Err((Reason::Several, why));
        }
        Ok(best)
    }

    /// Where the one document stands that a policy is told to be made of.
    fn told_place(&self, live: usize) -> Option<Place> {
        let rank = |candidate: &&Candidate| (candidate.told.rank(), candidate.fit);
        let candidates = &self.candidates[live];
        let best = candidates
            .iter()
            .max_by_key(rank)
            .filter(|best| best.told.is_enough())?;
        let equal = candidates.iter().filter(|candidate| rank(candidate) == rank(&best));
        (equal.count() == 1).then_some(best.place)
    }

    /// Every policy that may have been made of a document, with the part of it: those that are told to be, and those of which
    /// nothing tells that they are another's.
    pub(super) fn group(&self, place: Place) -> Vec<(usize, &Candidate, &Part)> {
        let mut group = Vec::new();
        for (live, candidates) in self.candidates.iter().enumerate() {
            let told = self.told_place(live);
            let mut parts: Vec<&Part> = Vec::new();
            for here in candidates
                .iter()
                .filter(|here| told.is_none_or(|own| own == here.place))
            {
                let part = here.parts.iter().find(|part| part.place == place);
                // Where it is not told which part it is, it may be each.
                if let Some(part) = part.filter(|part| !parts.contains(part)) {
                    parts.push(part);
                    group.push((live, here, part));
                }
            }
        }
        group
    }

    /// Whether the grants hold all that was made of a document.
    pub(super) fn complete(&self, place: Place, group: &[(usize, &Candidate, &Part)]) -> Result<(), String> {
        let at = self.name_of(place);
        if let Some(live) = self.strayed(place, group) {
            let policy = self.lives[live].policy;
            return Err(format!(
                "{at}: {} of {} is called like what is made of it, and may be an older copy, or made by a call that is not \
                 under the folder",
                policy.policy, policy.policy_arn
            ));
        }
        if let Some(other) = group.iter().find_map(|(live, here, _)| self.called_so(*live, here)) {
            return Err(format!(
                "{at}: {} is called so, too, says something else, and no policy of the grants is told to be made of it",
                self.name_of(other)
            ));
        }
        let Some(stands) = self.stands.get(&place) else {
            return Ok(());
        };
        let line = |path: &Path, at: usize| {
            let file = self.files.iter().find(|file| file.path == path);
            file.map_or_else(|| path.display().to_string(), |file| file.place(at))
        };
        let where_made = |made: &Made| line(&made.file, made.at);
        if let Some(why) = &stands.unknown {
            let told = stands.unknown_at.as_ref();
            let told = told.map_or_else(String::new, |(path, at)| format!(" ({})", line(path, *at)));
            return Err(format!("{at}: not all that is made of it is known: {why}{told}"));
        }
        // Each that is made of it is one of the group, and no two are the same one.
        let mut choices: Vec<Vec<usize>> = Vec::new();
        for made in &stands.made {
            if let Some(why) = &made.unknown {
                return Err(format!(
                    "{at}: not all that is made of it is known: {why} ({}); --terraform-state tells",
                    where_made(made)
                ));
            }
            let is_here = |at: &usize| witness::of_made(&self.lives[group[*at].0], made, Names::Any) != Told::Against;
            choices.push((0..group.len()).filter(is_here).collect());
            if made.is_optional {
                choices.pop();
            } else if !paired(&choices, group.len()) {
                return Err(format!(
                    "{at}: {} ({}) is made of it too, and is not in the grants",
                    made.address,
                    where_made(made)
                ));
            }
        }
        Ok(())
    }

    /// Another document that has the very name of a policy, and of which no other one is told to be made: which of the two it
    /// was made of is open, as where one file was copied for two accounts.
    fn called_so(&self, live: usize, here: &Candidate) -> Option<Place> {
        if matches!(here.told, Told::Address(_)) {
            return None;
        }
        let policy = &self.lives[live];
        let is_other = |place: &&Place| **place != here.place && here.parts.iter().all(|part| part.place != **place);
        // One of two that one resource may take is told by what it says.
        let own = self.stands.get(&here.place).map(|stands| stands.made.as_slice());
        let is_beside = |made: &Made| {
            let mut own = own.unwrap_or_default().iter();
            own.any(|own| own.address == made.address && own.file == made.file && own.at == made.at)
        };
        let named = self.stands.iter().filter(|(place, stands)| {
            let mut made = stands.made.iter();
            is_other(place) && made.any(|made| !is_beside(made) && witness::is_named_so(policy, made))
        });
        let mut named: Vec<Place> = named.map(|(place, _)| *place).collect();
        if named.is_empty() {
            return None;
        }
        named.sort_unstable();
        let told: HashSet<Place> = (0..self.lives.len()).filter_map(|live| self.told_place(live)).collect();
        named.into_iter().find(|place| !told.contains(place))
    }

    /// A policy outside of the group that has the name of what is made of a document: one that was made of what it said
    /// before, or by somebody else who calls the module.
    fn strayed(&self, place: Place, group: &[(usize, &Candidate, &Part)]) -> Option<usize> {
        let document = self.document(place);
        let is_stray = |live: &usize| {
            let policy = &self.lives[*live];
            if group.iter().any(|(known, ..)| known == live) || self.told_place(*live).is_some_and(|own| own != place) {
                return false;
            }
            let alike = || nearest::likeness(document, policy) >= nearest::NEAR;
            let Some(stands) = self.stands.get(&place) else {
                return witness::of_names(policy, document, Names::Any).is_enough() && alike();
            };
            let mut all = stands.made.iter().chain(&stands.outside);
            stands.made.iter().any(|made| witness::is_named_so(policy, made))
                || all.any(|made| witness::of_made(policy, made, Names::Any).is_enough()) && alike()
        };
        (0..self.lives.len()).find(is_stray)
    }
}

/// What documents stand for, those of Terraform and those that it reads.
fn stands(files: &[File], project: &Project<'_>) -> HashMap<Place, Stands> {
    let mut stands = HashMap::new();
    for (at, file) in files.iter().enumerate() {
        for (index, document) in file.documents.iter().enumerate() {
            let found = match &file.terraform {
                Some(_) => project.of_document(&file.path, &document.root.span),
                None if project.is_empty() => None,
                None => project.of_file(&file.path),
            };
            if let Some(found) = found {
                stands.insert((at, index), found);
            }
        }
    }
    stands
}

/// Resources that a policy names, those that name something.
fn resources(policy: &Value) -> Vec<String> {
    let statements = policy.get("Statement").map(elements).unwrap_or_default();
    let named = statements.iter().flat_map(|statement| {
        ["Resource", "NotResource"]
            .into_iter()
            .filter_map(|key| statement.get(key))
    });
    let all = named.flat_map(elements).filter_map(scalar);
    all.filter(|arn| witness::names_one(arn)).collect()
}
