//! Every live policy against every document of the files: which documents may be edited, and why the others are left.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::edits::{Edit, apply, edits};
use super::joint::{Share, joint};
use super::keep;
use super::live::{Answer, Fate, Live, lives, name};
use super::merged::{self, Part, Place, Slice};
use super::nearest::nearest;
use super::terraform::{Project, Source, Stands};
use super::tree::{Document, Fit, Syntax, Takes, elements, fit, scalar};
use super::witness::{self, Told};
use super::{File, FileEdit, Left, Options, Plan, documents, same};

/// Live policies that may name a resource for it to tell whose a document is.
const RARE: usize = 3;
/// The documents that say what a policy says, the one that they are a part of, and how well.
type Fitting = (Vec<Part>, Place, Fit);

/// A document that a live policy may have been made of.
#[derive(Clone, Debug)]
struct Candidate {
    place: Place,
    /// The documents that say it: this one, or those that it takes in.
    parts: Vec<Part>,
    fit: Fit,
    told: Told,
}

pub(super) fn plan(answer: Answer<'_>, options: Options<'_>, files: &[File]) -> Plan {
    let mut plan = Plan::default();
    let (lives, lost) = lives(
        answer,
        options.include_held,
        options.now.filter(|_| !options.allow_expired),
    );
    for (suggestion, why) in lost {
        plan.left.push(Left {
            policy: name(&suggestion.policy, &suggestion.policy_arn),
            why,
        });
    }
    let sources: Vec<&Source> = files.iter().filter_map(|file| file.terraform.as_ref()).collect();
    let project = Project::of(&sources, options.states);
    let matching = Matching::new(&lives, files, &project, options.now);
    let mut edited: BTreeMap<usize, Vec<Chosen>> = BTreeMap::new();
    for (at, live) in lives.iter().enumerate() {
        let Fate::May(suggestion, _) = &live.fate else {
            continue;
        };
        match matching.source_of(at) {
            Ok(candidate) => {
                let mut whys = BTreeSet::new();
                for part in candidate.parts.iter().filter(|part| matching.changes(at, part)) {
                    let chosen = edited.entry(part.place.0).or_default();
                    if chosen.iter().all(|known| known.place != part.place) {
                        match matching.chosen(part.place, &suggestion.change) {
                            Ok(new) => chosen.push(new),
                            Err(why) => drop(whys.insert(why)),
                        }
                    }
                }
                if let Some(why) = matching.changes_beside(at, candidate) {
                    whys.insert(why);
                }
                plan.left.extend(whys.into_iter().map(|why| left(live, why)));
            }
            Err(why) => plan.left.push(left(live, why)),
        }
    }
    for (file, chosen) in edited {
        if !chosen.is_empty() {
            matching.edit(file, chosen, &mut plan);
        }
    }
    plan.left.sort_by(|a, b| (&a.policy, &a.why).cmp(&(&b.policy, &b.why)));
    plan
}

fn left(live: &Live<'_>, why: String) -> Left {
    Left {
        policy: live.name(),
        why,
    }
}

/// A document to edit, and what it becomes for each policy that was made of it.
struct Chosen {
    place: Place,
    /// What the document says of the first of them.
    before: Value,
    /// The policies, with how their documents fit and what theirs becomes.
    group: Vec<(usize, Fit, Value)>,
    /// The statements that each of the new ones comes from, where that is known.
    origins: Option<Vec<Vec<usize>>>,
}

/// What was made of what.
struct Matching<'m> {
    lives: &'m [Live<'m>],
    files: &'m [File],
    now: Option<i64>,
    stands: HashMap<Place, Stands>,
    /// What documents take in.
    wholes: HashMap<Place, Result<Vec<Place>, String>>,
    /// For each policy the documents that say what it says and are not told to be others'.
    candidates: Vec<Vec<Candidate>>,
}

impl<'m> Matching<'m> {
    fn new(lives: &'m [Live<'m>], files: &'m [File], project: &Project<'_>, now: Option<i64>) -> Matching<'m> {
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
        let mut matching = Matching {
            lives,
            files,
            now,
            stands,
            wholes: merged::wholes(files),
            candidates: Vec::new(),
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
        let is_telling = |live: &Live<'_>| {
            owners
                .get(live.policy.policy.as_str())
                .is_none_or(|owners| owners.len() == 1)
        };
        let is_rare = |arn: &str| naming.get(arn).is_none_or(|naming| naming.len() <= RARE);
        let mut fits: HashMap<&str, Vec<Fitting>> = HashMap::new();
        for live in lives {
            let places = fits
                .entry(live.policy.sha256.as_str())
                .or_insert_with(|| matching.fitting(&live.before));
            let mut candidates = Vec::new();
            for (parts, place, fit) in places.iter().cloned() {
                let told = matching.told(live, place, &parts, &is_telling, &is_rare);
                if told != Told::Against {
                    candidates.push(Candidate {
                        place,
                        parts,
                        fit,
                        told,
                    });
                }
            }
            matching.candidates.push(candidates);
        }
        matching
    }

    fn document(&self, place: Place) -> &'m Document {
        &self.files[place.0].documents[place.1]
    }

    fn name_of(&self, place: Place) -> String {
        self.files[place.0].place(self.document(place).root.span.start)
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
    fn changes(&self, live: usize, part: &Part) -> bool {
        let slice = Slice::of(&self.lives[live].share(), part.statements.as_ref());
        slice.is_none_or(|slice| slice.before != slice.after)
    }

    /// Why a policy loses something that none of its documents says.
    fn changes_beside(&self, live: usize, candidate: &Candidate) -> Option<String> {
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

    /// What tells that a document that says what a policy says is the one that it was made of.
    fn told(
        &self,
        live: &Live<'_>,
        place: Place,
        parts: &[Part],
        is_telling: &dyn Fn(&Live<'_>) -> bool,
        is_rare: &dyn Fn(&str) -> bool,
    ) -> Told {
        let document = self.document(place);
        let mut best = match self.stands.get(&place) {
            Some(stands) if stands.made.is_empty() && stands.unknown.is_none() => Told::Against,
            Some(stands) if stands.made.is_empty() => Told::Nothing,
            Some(stands) => {
                let all = stands.made.iter().map(|made| witness::of_made(live, made, is_telling));
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
            let told = witness::of_names(live, document, is_telling);
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
        best
    }

    /// The one document that a policy was made of.
    fn source_of(&self, live: usize) -> Result<&Candidate, String> {
        let candidates = &self.candidates[live];
        let rank = |candidate: &&Candidate| (candidate.told.rank(), candidate.fit);
        let best = candidates.iter().max_by_key(rank);
        let Some(best) = best else {
            return Err(match nearest(self.files, &self.wholes, &self.lives[live]) {
                Some(nearest) => format!("no document under the folder says what this policy says; {nearest}"),
                None => "no document under the folder says what this policy says".to_owned(),
            });
        };
        if !best.told.is_enough() {
            let places: Vec<String> = candidates
                .iter()
                .map(|candidate| self.name_of(candidate.place))
                .collect();
            return Err(format!(
                "nothing tells that it was made of what says the same: {} (no name of it or its owner, no resource of \
                 its own; --terraform-state tells)",
                places.join(", ")
            ));
        }
        let equal: Vec<String> = candidates
            .iter()
            .filter(|candidate| rank(candidate) == rank(&best))
            .map(|candidate| self.name_of(candidate.place))
            .collect();
        if equal.len() > 1 {
            return Err(format!("several documents say what it says: {}", equal.join(", ")));
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
    fn group(&self, place: Place) -> Vec<(usize, &Candidate, &Part)> {
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

    /// What a document becomes for all that were made of it.
    fn chosen(&self, place: Place, change: &str) -> Result<Chosen, String> {
        let group = self.group(place);
        let at = self.name_of(place);
        self.complete(place, &group)?;
        let slices = group
            .iter()
            .map(|(live, _, part)| Slice::of(&self.lives[*live].share(), part.statements.as_ref()));
        let slices: Vec<Slice> = slices.collect::<Option<_>>().ok_or_else(|| {
            format!("{at}: the suggestion joins or splits statements: put the new document in by hand")
        })?;
        let mut shares: Vec<Share<'_>> = slices.iter().map(Slice::share).collect();
        let kept = keep::kept(&self.files[place.0].text, &self.document(place).root.span, self.now);
        let before = shares.first().map(|first| first.before);
        let part = before
            .filter(|_| !kept.is_empty())
            .map(|before| keep::part(before, &kept));
        if let (Some(before), Some(after)) = (before, &part) {
            shares.push(Share {
                before,
                after,
                origins: None,
            });
        }
        let (mut documents, origins) = joint(&shares).map_err(|why| format!("{at}: {why}"))?;
        documents.truncate(group.len());
        if shares
            .iter()
            .zip(&documents)
            .all(|(share, document)| share.before == document)
        {
            let blocking = group.iter().find_map(|(live, ..)| match &self.lives[*live].fate {
                Fate::Stays(why) => Some((self.lives[*live].name(), why)),
                Fate::May(..) => None,
            });
            return Err(match blocking {
                Some((name, why)) => format!("{at} stands for {name} too, of which nothing may go: {why}"),
                None if !kept.is_empty() => format!("{at}: a comment keeps {}", kept.join(", ")),
                None => format!(
                    "{at} stands for {} policies, and what one of them may lose another needs",
                    group.len()
                ),
            });
        }
        let emptied = documents
            .iter()
            .any(|document| document.get("Statement").map(elements).is_none_or(<[Value]>::is_empty));
        // One that is taken in, or takes in others, may be left without statements; a policy may not.
        let stays = self.document(place).syntax == Syntax::DataSource
            && group.iter().all(|(live, _, part)| {
                let after = self.lives[*live].share().after;
                part.statements.is_some() && after.get("Statement").is_some_and(|all| !elements(all).is_empty())
            });
        if emptied && !stays {
            return Err(format!("nothing of it is needed: {change} it, it stands in {at}"));
        }
        let group = group.iter().zip(documents);
        Ok(Chosen {
            place,
            before: slices.first().map(|first| first.before.clone()).unwrap_or_default(),
            origins,
            group: group
                .map(|((live, here, _), document)| (*live, here.fit, document))
                .collect(),
        })
    }

    /// Whether the grants hold all that was made of a document.
    fn complete(&self, place: Place, group: &[(usize, &Candidate, &Part)]) -> Result<(), String> {
        let Some(stands) = self.stands.get(&place) else {
            return Ok(());
        };
        let at = self.name_of(place);
        if let Some(why) = &stands.unknown {
            return Err(format!("{at}: not all that is made of it is known: {why}"));
        }
        for made in &stands.made {
            let file = self.files.iter().find(|file| file.path == made.file);
            let where_made = file.map_or_else(|| made.file.display().to_string(), |file| file.place(made.at));
            if let Some(why) = &made.unknown {
                return Err(format!(
                    "{at}: not all that is made of it is known: {why} ({where_made}); --terraform-state tells"
                ));
            }
            let is_here = group.iter().any(|(live, ..)| {
                let told = witness::of_made(&self.lives[*live], made, &|_| true);
                told != Told::Against
            });
            if !is_here && !made.is_optional {
                return Err(format!(
                    "{at}: {} ({where_made}) is made of it too, and is not in the grants",
                    made.address
                ));
            }
        }
        Ok(())
    }

    /// Edits one file, or says why not.
    fn edit(&self, file: usize, chosen: Vec<Chosen>, plan: &mut Plan) {
        let here = &self.files[file];
        let mut all: Vec<Edit> = Vec::new();
        let mut done: Vec<Chosen> = Vec::new();
        for one in chosen {
            let Some((_, _, after)) = one.group.first() else {
                continue;
            };
            match edits(
                &here.text,
                self.document(one.place),
                &one.before,
                after,
                one.origins.as_deref(),
            ) {
                Ok(edits) => {
                    all.extend(edits);
                    done.push(one);
                }
                Err(why) => self.leave(&one, &format!("{}: {why}", self.name_of(one.place)), plan),
            }
        }
        if done.is_empty() {
            return;
        }
        all.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let after = apply(&here.text, &all);
        if after == here.text || !self.holds(here, &after, &done) {
            let why = format!("an edit of {} would not give the proved document", here.path.display());
            done.iter().for_each(|one| self.leave(one, &why, plan));
            return;
        }
        let (mut policies, mut suggestions) = (Vec::new(), BTreeSet::new());
        for one in &done {
            for (live, fit, _) in &one.group {
                policies.push(self.describe(*live, *fit, one.place));
                if let Fate::May(suggestion, _) = &self.lives[*live].fate {
                    suggestions.insert(suggestion.id.clone());
                }
            }
        }
        plan.files.push(FileEdit {
            path: here.path.clone(),
            before: here.text.clone(),
            after,
            policies,
            suggestions: suggestions.into_iter().collect(),
        });
    }

    /// A policy, where it stands, and what tells so.
    fn describe(&self, live: usize, fit: Fit, place: Place) -> String {
        let mut candidates = self.candidates[live].iter();
        let told = candidates.find(|candidate| candidate.parts.iter().any(|part| part.place == place));
        let told = told.map_or_else(String::new, |candidate| match candidate.told.is_enough() {
            true => candidate.told.words(),
            false => "it says the same".to_owned(),
        });
        let references = match fit {
            Fit::WithReferences => "; its references taken for what IAM holds",
            Fit::Exact | Fit::No => "",
        };
        format!(
            "{} at {} ({told}{references})",
            self.lives[live].name(),
            self.name_of(place)
        )
    }

    fn leave(&self, one: &Chosen, why: &str, plan: &mut Plan) {
        for (live, _, _) in &one.group {
            let live = &self.lives[*live];
            if matches!(live.fate, Fate::May(..)) {
                plan.left.push(left(live, why.to_owned()));
            }
        }
    }

    /// Reads the edited file again: what was edited says what was proved for each policy, everything else what it said.
    fn holds(&self, file: &File, after: &str, done: &[Chosen]) -> bool {
        let found = documents(&file.path, after);
        if found.len() != file.documents.len() {
            return false;
        }
        let mut each = found.iter().zip(&file.documents).enumerate();
        each.all(
            |(index, (new, old))| match done.iter().find(|one| one.place.1 == index) {
                Some(one) => {
                    let mut group = one.group.iter();
                    group.all(|(_, before, document)| fit(&new.root, document) >= *before)
                }
                None => same(&new.root, &old.root),
            },
        )
    }
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
