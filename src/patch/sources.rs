//! Which documents may be edited for which live policies, what becomes of each, and why the others are left.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::detach::Detached;
use super::edits::{Edit, apply, edits};
use super::joint::{Share, joint};
use super::live::{Answer, Fate, Live, expired, lives, name};
use super::matching::{Candidate, Matching};
use super::merged::{Part, Place, Slice};
use super::removal::Goes;
use super::terraform::{Policy, Project, Source, folder};
use super::tree::{Document, Fit, Syntax, elements, fit};
use super::{File, FileEdit, Left, Options, Plan, Reason, State, WrittenAt, documents, keep, removal, same, stack};
use crate::report::Suggestion;

pub(super) fn plan(answer: Answer<'_>, options: Options<'_>, files: &[File]) -> Plan {
    let mut plan = Plan::default();
    let (lives, lost) = lives(
        answer,
        options.include_held,
        options.now.filter(|_| !options.allow_expired),
    );
    let project = project(files, options.states);
    let matching = Matching::new(&lives, files, &project, options.now);
    let mut edited: BTreeMap<usize, Work> = BTreeMap::new();
    for (at, (suggestion, why)) in lost.into_iter().enumerate() {
        let now = options.now.filter(|_| !options.allow_expired);
        let is_own = suggestion.kind == "aws_managed" && suggestion.change == "detach";
        let found = match (is_own, expired(suggestion, now)) {
            (true, None) => matching.detached(Policy::of(&suggestion.policy_arn), &suggestion.affects),
            (_, expired) => Err(expired.unwrap_or(why)),
        };
        match found {
            Ok(found) => detach(found, suggestion, lives.len() + at, &mut plan, &mut edited),
            Err(why) => plan.left.push(Left {
                reason: Reason::Answer,
                policy: name(&suggestion.policy, &suggestion.policy_arn),
                why,
            }),
        }
    }
    for (at, live) in lives.iter().enumerate() {
        let Fate::May(suggestion, after) = &live.fate else {
            continue;
        };
        if is_empty(after) && suggestion.change == "detach" {
            let made = matching
                .source_of(at)
                .ok()
                .and_then(|candidate| matching.resource(candidate.place));
            let policy = Policy {
                made: made.as_ref().map(|(dir, name)| (dir.as_path(), name.as_str())),
                ..Policy::of(&suggestion.policy_arn)
            };
            match matching.detached(policy, &suggestion.affects) {
                Ok(found) => detach(found, suggestion, at, &mut plan, &mut edited),
                Err(why) => plan
                    .left
                    .push(left(live, Reason::Others, matching.undetached(at, &why))),
            }
            continue;
        }
        match matching.source_of(at) {
            Ok(candidate) => {
                let mut whys = BTreeSet::new();
                if is_empty(after) && suggestion.change == "delete" {
                    match matching.gone(at, candidate) {
                        Ok(gone) => {
                            for (file, edit) in gone {
                                let said = format!("{} goes: nothing of it is needed", live.name());
                                let gone = Gone::of(edit, at, suggestion, said);
                                edited.entry(file).or_default().gone.push(gone);
                            }
                        }
                        Err(why) => plan.left.push(left(live, Reason::Others, why)),
                    }
                    continue;
                }
                for part in candidate.parts.iter().filter(|part| matching.changes(at, part)) {
                    let chosen = &mut edited.entry(part.place.0).or_default().chosen;
                    if chosen.iter().all(|known| known.place != part.place) {
                        match matching.chosen(part.place, &suggestion.change) {
                            Ok(new) => chosen.push(new),
                            Err(why) => drop(whys.insert((Reason::Others, why))),
                        }
                    }
                }
                if let Some(why) = matching.changes_beside(at, candidate) {
                    whys.insert((Reason::Written, why));
                }
                plan.left
                    .extend(whys.into_iter().map(|(reason, why)| left(live, reason, why)));
            }
            Err((reason, why)) => match matching.already.get(&at) {
                Some(place) => plan
                    .already
                    .push(format!("{} at {}", live.name(), matching.name_of(*place))),
                None => plan.left.push(left(live, reason, why)),
            },
        }
    }
    matching.edit_all(&edited, &mut plan);
    plan.left.sort_by(|a, b| (&a.policy, &a.why).cmp(&(&b.policy, &b.why)));
    plan
}

/// Where the documents stand that policies are told to be made of, by ARN and name.
pub(super) fn written(
    answer: Answer<'_>,
    states: &[State],
    files: &[File],
    path: &dyn Fn(&Path) -> String,
) -> BTreeMap<(String, String), WrittenAt> {
    let (lives, _) = lives(answer, true, None);
    let project = project(files, states);
    let matching = Matching::new(&lives, files, &project, None);
    let each = lives.iter().enumerate().filter_map(|(at, live)| {
        let place = matching.source_of(at).ok()?.place;
        let file = &files[place.0];
        let written = WrittenAt {
            file: path(&file.path),
            line: file.line(file.documents[place.1].root.span.start),
        };
        Some(((live.policy.policy_arn.clone(), live.policy.policy.clone()), written))
    });
    each.collect()
}

fn project<'f>(files: &'f [File], states: &'f [State]) -> Project<'f> {
    let sources: Vec<&Source> = files.iter().filter_map(|file| file.terraform.as_ref()).collect();
    let given: Vec<&Source> = files.iter().filter_map(|file| file.given.as_ref()).collect();
    Project::of(&sources, states).with_given(&given)
}

/// Whether a policy is left with no statement.
fn is_empty(policy: &Value) -> bool {
    policy.get("Statement").map(elements).is_none_or(<[Value]>::is_empty)
}

fn left(live: &Live<'_>, reason: Reason, why: String) -> Left {
    Left {
        reason,
        policy: live.name(),
        why,
    }
}

/// A part of a file that goes with a policy, or with its attachment.
struct Gone {
    edit: Edit,
    /// All that go together.
    of: usize,
    /// The policy.
    name: String,
    suggestion: String,
    /// What goes, in words.
    said: String,
}

impl Gone {
    fn of(edit: Edit, of: usize, suggestion: &Suggestion, said: String) -> Gone {
        Gone {
            edit,
            of,
            name: name(&suggestion.policy, &suggestion.policy_arn),
            suggestion: suggestion.id.clone(),
            said,
        }
    }
}

/// Notes what goes with the attachments of a policy, and who keeps it as nothing under the folder attaches it to them.
fn detach(found: Detached, suggestion: &Suggestion, of: usize, plan: &mut Plan, edited: &mut BTreeMap<usize, Work>) {
    let policy = name(&suggestion.policy, &suggestion.policy_arn);
    let said = format!(
        "{policy} is detached from {}: nothing of it is needed",
        found.owners.join(", ")
    );
    let kept: Vec<&str> = suggestion
        .affects
        .iter()
        .filter(|owner| !found.owners.contains(owner))
        .map(String::as_str)
        .collect();
    if !kept.is_empty() {
        plan.left.push(Left {
            reason: Reason::NoDocument,
            policy,
            why: format!(
                "nothing of it is needed: detach it from {}; nothing under the folder attaches it there",
                kept.join(", ")
            ),
        });
    }
    for (file, edit) in found.edits {
        let gone = Gone::of(edit, of, suggestion, said.clone());
        edited.entry(file).or_default().gone.push(gone);
    }
}

/// What is to be done to a file.
#[derive(Default)]
struct Work {
    chosen: Vec<Chosen>,
    gone: Vec<Gone>,
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

impl Matching<'_> {
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
        let kept = self.kept(place)?;
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
        let emptied = documents.iter().any(is_empty);
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

    /// The parts of files that go with a policy of which nothing is needed.
    fn gone(&self, live: usize, candidate: &Candidate) -> Result<Vec<(usize, Edit)>, String> {
        let found = self.gone_where_it_stands(live, candidate)?;
        let policy = self.lives[live].policy;
        let arn = policy
            .policy_arn
            .splitn(6, ':')
            .nth(5)
            .filter(|_| policy.kind == "managed");
        for (index, file) in self.files.iter().enumerate() {
            let is_gone = |at: usize| {
                found
                    .iter()
                    .any(|(known, edit)| *known == index && edit.range.contains(&at))
            };
            if let Some(at) = arn.and_then(|arn| removal::written_at(&file.text, arn, &is_gone)) {
                let (at, own) = (file.place(at), self.name_of(candidate.place));
                return Err(format!(
                    "nothing of it is needed: delete it, it stands in {own}; {at} still names its ARN"
                ));
            }
        }
        Ok(found)
    }

    /// The same, whatever names its ARN.
    fn gone_where_it_stands(&self, live: usize, candidate: &Candidate) -> Result<Vec<(usize, Edit)>, String> {
        let at = self.name_of(candidate.place);
        let stays = |why: &str| format!("nothing of it is needed: delete it, it stands in {at}; {why}");
        let (home, document) = (&self.files[candidate.place.0], self.document(candidate.place));
        let group = self.group(candidate.place);
        self.complete(candidate.place, &group).map_err(|why| stays(&why))?;
        if !self.kept(candidate.place).map_err(|why| stays(&why))?.is_empty() {
            return Err(stays("a comment keeps some of it"));
        }
        let made = self.stands.get(&candidate.place).map(|stands| stands.made.as_slice());
        if made.is_none() && home.terraform.is_none() {
            let ranges = self.gone_from_stack(home, document, &group);
            let ranges = ranges.map_err(|why| stays(&why))?.into_iter();
            return Ok(ranges.map(|range| (candidate.place.0, cut(range))).collect());
        }
        let (Some([made]), [(known, ..)]) = (made, &group[..]) else {
            return Err(stays("it is not the only one that is made there"));
        };
        if *known != live {
            return Err(stays("another is told to be made there"));
        }
        let blocks = removal::blocks(self.project, made, document, &home.path).map_err(|why| stays(&why))?;
        if let Some(place) = blocks.iter().find_map(|goes| self.still_named(goes, &blocks)) {
            return Err(stays(&format!("{place} still names it")));
        }
        let each = blocks.into_iter().map(|goes| {
            let file = self.files.iter().position(|file| file.path == goes.path)?;
            let edit = match goes.instead {
                "" => cut(removal::lines(&self.files[file].text, &goes.span)?),
                instead => Edit {
                    range: goes.span,
                    text: instead.to_owned(),
                },
            };
            Some((file, edit))
        });
        let all: Option<Vec<_>> = each.collect();
        all.ok_or_else(|| stays("it shares its lines with others"))
    }

    /// The folder and the name of the resource that makes a managed policy, where that makes but this one.
    fn resource(&self, place: Place) -> Option<(PathBuf, String)> {
        let [made] = &self.stands.get(&place)?.made[..] else {
            return None;
        };
        let (_, name) = made.address.rsplit_once("aws_iam_policy.")?;
        let is_one = !name.contains('[') && made.unknown.is_none();
        is_one.then(|| (folder(&made.file), name.to_owned()))
    }

    /// Why a policy of which nothing is needed stays with those who have it, and where it stands.
    fn undetached(&self, live: usize, why: &str) -> String {
        let at = self.source_of(live).ok().map(|candidate| self.name_of(candidate.place));
        let at = at.map_or_else(String::new, |at| format!(", it stands in {at}"));
        format!("nothing of it is needed: detach it{at}; {why}")
    }

    /// Where something names a block that goes, as strings, tests and other modules do.
    pub(super) fn still_named(&self, block: &Goes<'_>, all: &[Goes<'_>]) -> Option<String> {
        if block.address.is_empty() {
            return None;
        }
        let dir = folder(block.path);
        self.files.iter().find_map(|file| {
            let name = file.path.to_string_lossy();
            let is_test = name.ends_with(".tftest.hcl") || name.ends_with(".tftest.json");
            let is_beside = folder(&file.path) == dir || is_test && file.path.starts_with(&dir);
            let is_gone = |at: usize| all.iter().any(|gone| gone.path == file.path && gone.span.contains(&at));
            removal::named_at(&file.text, &block.address, is_beside, &is_gone).map(|at| file.place(at))
        })
    }

    /// The parts of a template that go with all policies that were made of a document.
    fn gone_from_stack(
        &self,
        home: &File,
        document: &Document,
        group: &[(usize, &Candidate, &Part)],
    ) -> Result<Vec<Range<usize>>, String> {
        let lives: BTreeSet<usize> = group.iter().map(|(live, ..)| *live).collect();
        let goes = |live: &Live<'_>| match &live.fate {
            Fate::May(suggestion, after) => is_empty(after) && suggestion.change == "delete",
            Fate::Stays(_) => false,
        };
        if let Some(other) = lives.iter().map(|live| &self.lives[*live]).find(|live| !goes(live)) {
            return Err(format!("{} is made there, too", other.name()));
        }
        let owners = lives.iter().map(|live| self.lives[*live].policy.owners.len());
        let known = stack::Known {
            made: lives.len(),
            owners: owners.max().unwrap_or(0),
        };
        stack::parts(&home.text, document, &known)
    }

    /// Edits all files.
    fn edit_all(&self, edited: &BTreeMap<usize, Work>, plan: &mut Plan) {
        // Of a policy that goes all blocks go, or none.
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        loop {
            let mut attempt = Plan::default();
            let mut failed = BTreeMap::new();
            for (file, work) in edited {
                let gone: Vec<&Gone> = work.gone.iter().filter(|gone| !kept.contains(&gone.of)).collect();
                if !self.edit(*file, &work.chosen, &gone, &mut attempt) {
                    failed.extend(gone.iter().map(|gone| (gone.of, gone.name.clone())));
                }
            }
            if failed.is_empty() {
                plan.files = attempt.files;
                plan.left.extend(attempt.left);
                break;
            }
            let why = "nothing of it is needed: take it out by hand; what makes it cannot be cut out of its files";
            plan.left.extend(failed.values().map(|policy| Left {
                reason: Reason::Written,
                policy: policy.clone(),
                why: why.to_owned(),
            }));
            kept.extend(failed.into_keys());
        }
    }

    /// Edits one file; false where it cannot be done, which it says.
    fn edit(&self, file: usize, chosen: &[Chosen], gone: &[&Gone], plan: &mut Plan) -> bool {
        let here = &self.files[file];
        let mut all: Vec<Edit> = without(&here.text, gone);
        let mut done: Vec<&Chosen> = Vec::new();
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
                Err(why) => self.leave(one, &format!("{}: {why}", self.name_of(one.place)), plan),
            }
        }
        if all.is_empty() && done.is_empty() {
            return true;
        }
        all.sort_by_key(|edit| (edit.range.start, edit.range.end));
        if all.windows(2).any(|pair| pair[0].range.end > pair[1].range.start) {
            return false;
        }
        let after = apply(&here.text, &all);
        if after == here.text || !self.holds(here, &after, &done, gone) {
            if !gone.is_empty() {
                return false;
            }
            let why = format!("an edit of {} would not give the proved document", here.path.display());
            done.iter().for_each(|one| self.leave(one, &why, plan));
            return true;
        }
        let (mut policies, mut suggestions) = (Vec::new(), BTreeSet::new());
        let mut known = BTreeSet::new();
        for one in gone.iter().filter(|gone| known.insert(gone.of)) {
            policies.push(one.said.clone());
            suggestions.insert(one.suggestion.clone());
        }
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
        true
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
                plan.left.push(left(live, Reason::Written, why.to_owned()));
            }
        }
    }

    /// Reads the edited file again: what was edited says what was proved for each policy, everything else what it said.
    fn holds(&self, file: &File, after: &str, done: &[&Chosen], gone: &[&Gone]) -> bool {
        let found = documents(&file.path, after, file.reading);
        let is_gone = |document: &Document| {
            let start = document.root.span.start;
            gone.iter().any(|gone| gone.edit.range.contains(&start))
        };
        let known = file.documents.iter().enumerate().filter(|(_, old)| !is_gone(old));
        let known: Vec<(usize, &Document)> = known.collect();
        if found.len() != known.len() || file.terraform.is_some() && Source::any(&file.path, after).is_none() {
            return false;
        }
        let mut each = found.iter().zip(known);
        each.all(
            |(new, (index, old))| match done.iter().find(|one| one.place.1 == index) {
                Some(one) => {
                    let mut group = one.group.iter();
                    group.all(|(_, before, document)| fit(&new.root, document) >= *before)
                }
                None => same(&new.root, &old.root),
            },
        )
    }
}

/// A part of a file without anything in its place.
fn cut(range: Range<usize>) -> Edit {
    Edit {
        range,
        text: String::new(),
    }
}

/// The parts that go, those that meet as one.
fn without(text: &str, gone: &[&Gone]) -> Vec<Edit> {
    let mut edits: Vec<&Edit> = gone.iter().map(|gone| &gone.edit).collect();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut all: Vec<Edit> = Vec::new();
    for edit in edits {
        let last = all.last_mut().filter(|last| edit.range.start <= last.range.end);
        match last.filter(|last| last.text.is_empty() && edit.text.is_empty()) {
            Some(last) => last.range.end = last.range.end.max(edit.range.end),
            None => all.push(edit.clone()),
        }
    }
    for edit in all.iter_mut().filter(|edit| edit.text.is_empty()) {
        edit.range = removal::to_end(text, edit.range.clone());
    }
    all
}
