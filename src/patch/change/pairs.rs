//! What stands at the same address before and after, and what is said of each pair.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::judge::{added, changed, removed, replayable, unproved};
use super::node::Document;
use super::read::{ALWAYS, Item, ON_CONDITION, Side, What};
use super::references::References;
use super::{Asked, Change, Finding, How, Touched, public};
use crate::catalog::Catalog;
use crate::iam::Policy;

/// Most statements that are named of a policy that is attached anew.
const ATTACHED: usize = 3;
/// Most files that are compared to find renamed ones.
const RENAMES: usize = 200;

/// Values that open nothing.
const CLOSED: [&str; 4] = ["AWS_IAM", "Private", "false", "private"];

pub(super) fn compare(old: &Side, new: &Side, references: &References, asked: Asked<'_>) -> Change {
    let renamed = renames(&old.files, &new.files);
    let now = |path: &Path| renamed.get(path).cloned().unwrap_or_else(|| path.to_owned());
    let key = |item: &Item, path: PathBuf| {
        let place = match item.in_folder {
            true => path.parent().unwrap_or(Path::new("")).to_owned(),
            false => path,
        };
        (place, item.address.clone())
    };
    let mut before: HashMap<(PathBuf, String), &Item> = old
        .items
        .iter()
        .map(|item| (key(item, now(&item.file)), item))
        .collect();
    let mut change = Change::default();
    let judge = Judge {
        was: before.clone(),
        references,
        asked,
        fresh: new
            .items
            .iter()
            .filter(|item| !before.contains_key(&key(item, item.file.clone())))
            .map(|item| key(item, item.file.clone()))
            .collect(),
        now: new
            .items
            .iter()
            .map(|item| (key(item, item.file.clone()), item))
            .collect(),
    };
    for item in &new.items {
        let known = before.remove(&key(item, item.file.clone()));
        match judge.item(known, item) {
            Some(touched) => change.touched.push(touched),
            None => change.same += 1,
        }
    }
    let gone = before.into_values().filter_map(|item| judge.gone(item));
    change.touched.extend(gone);
    change
        .touched
        .sort_by(|a, b| (&a.file, a.line, &a.address).cmp(&(&b.file, b.line, &b.address)));
    change
}

struct Judge<'j> {
    references: &'j References,
    asked: Asked<'j>,
    /// What was not there before.
    fresh: BTreeSet<(PathBuf, String)>,
    /// What was there before.
    was: HashMap<(PathBuf, String), &'j Item>,
    /// What is there now.
    now: HashMap<(PathBuf, String), &'j Item>,
}

impl Judge<'_> {
    /// What is said of an item and the one that stood there before; `None` where it is as it was.
    fn item(&self, old: Option<&Item>, new: &Item) -> Option<Touched> {
        let mut findings = Vec::new();
        let how = match old {
            None => How::Added,
            Some(old) if old.what_is() == new.what_is() && old.held_by == new.held_by => How::Same,
            Some(_) => How::Changed,
        };
        let mut documents = None;
        match (old.map(|old| &old.what), &new.what) {
            (Some(What::Document(old)), What::Document(new)) => {
                findings.extend(changed(old, new, self.references));
                documents = replayable(old, new);
            }
            (_, What::Document(new)) => {
                findings.extend(added(new, self.references));
            }
            (Some(What::Elsewhere(old)), What::Elsewhere(new)) if old == new => {}
            (_, What::Elsewhere(policy)) => findings.extend(self.attached(policy, new, 0)),
            (Some(What::Boundary(old)), What::Boundary(new)) if old == new => {}
            (Some(What::Boundary(_)), What::Boundary(new)) => {
                findings.push(unproved(format!(
                    "its boundary is another: {}",
                    self.references.shown(new)
                )));
            }
            (_, What::Boundary(_)) => {}
            (Some(What::Unread(old)), What::Unread(new)) if old == new => {}
            (_, What::Unread(file)) => {
                findings.push(unproved(format!("{}, so that what it grants is not known", file.why)))
            }
            (Some(What::Override(old)), What::Override(new)) if old == new => {}
            (_, What::Override(_)) => findings.push(unproved(
                "Terraform lays it over other files of its folder, and what they say together is not worked out"
                    .to_owned(),
            )),
            (Some(What::Account(old)), What::Account(new)) if old != new => findings.push(unproved(
                "it names another account or role, or names it in another way: what is made with it is made there"
                    .to_owned(),
            )),
            (_, What::Account(_)) => {}
            (old, What::Signs(new)) => {
                let known = match old {
                    Some(What::Signs(known)) => known.as_slice(),
                    Some(_) | None => &[],
                };
                findings.extend(lines(known, new));
            }
            (Some(What::Unreadable(old)), What::Unreadable(new)) if old == new => {}
            (_, What::Unreadable(text)) => {
                if looks_like_policy(text) {
                    findings.push(unproved(
                        "it changed and cannot be read, and may grant something".to_owned(),
                    ));
                }
            }
        }
        if let Some(old) = old {
            findings.extend(self.holders(old, new));
        }
        if let What::Document(document) = &new.what {
            findings.extend(self.always(document));
        }
        if how == How::Same && findings.is_empty() {
            return None;
        }
        if matches!(new.what, What::Unreadable(_) | What::Signs(_) | What::Account(_)) && findings.is_empty() {
            return None;
        }
        Some(Touched {
            file: new.file.clone(),
            line: new.line,
            address: self.references.shown(&new.address),
            how,
            findings,
            documents,
        })
    }

    /// Something that is gone: only what held others back is missed.
    fn gone(&self, item: &Item) -> Option<Touched> {
        let findings = match &item.what {
            What::Document(document) => removed(document, self.references),
            What::Boundary(what) => vec![unproved(format!(
                "its boundary {} is gone: what bounded it no longer does",
                self.references.shown(what)
            ))],
            What::Elsewhere(policy) if is_attachment(&item.address) => self.detached(policy, item),
            What::Elsewhere(_) | What::Account(_) | What::Signs(_) => Vec::new(),
            What::Override(_) => vec![unproved(
                "it is gone: what it was laid over stands as it is written".to_owned(),
            )],
            What::Unread(file) => vec![unproved(format!(
                "it is gone, and may have denied something: {}",
                file.why
            ))],
            What::Unreadable(_) => return None,
        };
        Some(Touched {
            file: item.file.clone(),
            line: item.line,
            address: self.references.shown(&item.address),
            how: How::Removed,
            findings,
            documents: None,
        })
    }

    /// A policy that somebody no longer has: what it denied is allowed where others allow it.
    fn detached(&self, policy: &str, by: &Item) -> Vec<Finding> {
        let denies = |text: &str| text.contains("Deny");
        if let Some(text) = Catalog::embedded().managed_policy(policy) {
            return match denies(&text) {
                true => vec![unproved(format!("{policy} is gone, which denies"))],
                false => Vec::new(),
            };
        }
        // Of EKS's own, which deny nothing.
        if policy.contains(":cluster-access-policy/") {
            return Vec::new();
        }
        let shown = self.references.shown(policy);
        if let Some(resource) = resource_of(&shown) {
            let start = format!("Resources.{resource}.");
            let here = self
                .was
                .iter()
                .filter(|((place, address), _)| *place == by.file && address.starts_with(&start));
            let documents: Vec<&Document> = here
                .filter_map(|(_, item)| match &item.what {
                    What::Document(document) => Some(document),
                    _ => None,
                })
                .collect();
            if !documents.is_empty() && documents.iter().all(|document| !denies(&document.text)) {
                return Vec::new();
            }
        }
        let place = by.file.parent().unwrap_or(Path::new("")).to_owned();
        let mut stands: Vec<(PathBuf, String)> = by
            .makers
            .iter()
            .map(|(dir, name)| (dir.clone(), format!("aws_iam_policy.{name}.policy")))
            .collect();
        if stands.is_empty() {
            stands.extend(address_of(&without_indices(&shown)).map(|address| (place, address)));
        }
        let denials: Option<Vec<bool>> = stands.into_iter().map(|at| self.has_denial(at)).collect();
        match denials.unwrap_or_default() {
            all if all.contains(&true) => {
                return vec![unproved(format!("{shown} is no longer attached, which denies"))];
            }
            all if !all.is_empty() => return Vec::new(),
            _ => {}
        }
        vec![unproved(format!(
            "{shown} is no longer attached, and what it may deny is not known here"
        ))]
    }

    /// Whether the document at an address denies, before the change, or after it where it was not there before; `None` where
    /// that is not known.
    fn has_denial(&self, mut at: (PathBuf, String)) -> Option<bool> {
        for _ in 0..4 {
            // Of several that one argument chooses from, or that are laid over it, any may be it.
            let others = format!("{} ", at.1);
            let are_several = self
                .was
                .keys()
                .any(|(place, address)| *place == at.0 && address.starts_with(&others));
            let found = self.was.get(&at).or(self.now.get(&at)).filter(|_| !are_several)?;
            match (&found.what, &found.reads) {
                (What::Document(document), _) => return denies(document),
                (What::Elsewhere(_), Some(file)) => {
                    let inside = self.was.iter().filter(|((place, _), _)| place == file);
                    let each = inside.map(|(_, item)| match &item.what {
                        What::Document(document) => denies(document),
                        _ => None,
                    });
                    let all: Vec<bool> = each.collect::<Option<_>>()?;
                    return (!all.is_empty()).then(|| all.contains(&true));
                }
                (What::Elsewhere(further), None) => at.1 = address_of(&self.references.shown(further))?,
                _ => return None,
            }
        }
        None
    }

    /// Who got it beside those that had it.
    fn holders(&self, old: &Item, new: &Item) -> Vec<Finding> {
        // What was there without a condition is there at most as often with one.
        let was_always = old.held_by.contains(ALWAYS);
        let more: Vec<String> = new
            .held_by
            .difference(&old.held_by)
            .filter(|who| !(was_always && who.starts_with(ON_CONDITION)))
            .map(|who| self.references.shown(who))
            .collect();
        // What is for nobody in particular may be for anybody.
        let for_nobody = new.held_by.is_empty() && !old.held_by.is_empty();
        if more.is_empty() && !for_nobody {
            return Vec::new();
        }
        let whom = if more.is_empty() {
            "others".to_owned()
        } else {
            more.join(", ")
        };
        vec![unproved(format!("it is now for {whom}, who did not have it so before"))]
    }

    /// A policy that stands elsewhere, and was not handed on so before.
    fn attached(&self, policy: &str, by: &Item, depth: usize) -> Vec<Finding> {
        if CLOSED.contains(&policy) {
            return Vec::new();
        }
        let shown = self.references.shown(policy);
        // A new role of the template is judged where it stands.
        if let Some(resource) = resource_of(&shown) {
            let start = format!("Resources.{resource}.");
            let is_it = |(place, address): &(PathBuf, String)| *place == by.file && address.starts_with(&start);
            if self.fresh.iter().any(is_it) {
                return Vec::new();
            }
        }
        if let Some(address) = address_of(&shown)
            && depth < 4
        {
            let key = (by.file.parent().unwrap_or(Path::new("")).to_owned(), address);
            // A new document is judged where it stands.
            if self.fresh.contains(&key) {
                return Vec::new();
            }
            let named = |mut findings: Vec<Finding>| {
                findings.truncate(ATTACHED);
                for finding in &mut findings {
                    finding.what = format!("{shown} is granted anew: {}", finding.what);
                }
                findings
            };
            match self.now.get(&key).map(|item| &item.what) {
                Some(What::Document(document)) => {
                    // Of a role that is who may take it.
                    let findings = match key.1.ends_with(".assume_role_policy") {
                        true => Vec::new(),
                        false => named(added(document, self.references)),
                    };
                    if !findings.is_empty() {
                        return findings;
                    }
                }
                Some(What::Elsewhere(further)) if !key.1.starts_with("aws_iam_role.") => {
                    return self.attached(further, by, depth + 1);
                }
                Some(
                    What::Elsewhere(_)
                    | What::Boundary(_)
                    | What::Unreadable(_)
                    | What::Unread(_)
                    | What::Override(_)
                    | What::Account(_)
                    | What::Signs(_),
                )
                | None => {}
            }
        }
        let document = Catalog::embedded().managed_policy(policy);
        let value = document.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        if let Some(value) = value {
            let document = Document {
                policy: Ok(value),
                opaque: Vec::new(),
                text: String::new(),
                lines: Vec::new(),
            };
            let mut findings: Vec<Finding> = added(&document, self.references);
            findings.extend(self.always(&document));
            findings.truncate(ATTACHED);
            for finding in &mut findings {
                finding.what = format!("{policy} is attached anew: {}", finding.what);
            }
            if !findings.is_empty() {
                return findings;
            }
        }
        vec![unproved(format!(
            "{shown} is granted anew, and what it says is not known here"
        ))]
    }

    /// What is asked of every document, changed or not.
    fn always(&self, document: &Document) -> Vec<Finding> {
        let mut findings = Vec::new();
        let shown = |text: &str| self.references.shown(text);
        let filled = |value: &Value| {
            let text = self.references.filled(&super::judge::with_actions(&value.to_string()));
            Policy::from_value(&serde_json::from_str(&text).ok()?).ok()
        };
        let policy = match &document.policy {
            Ok(policy) if document.opaque.is_empty() && Policy::from_value(policy).is_ok() => policy,
            Ok(_) | Err(_) => {
                if self.asked.bans.is_some() || self.asked.not_public {
                    let why = match &document.policy {
                        Err(why) => why.clone(),
                        Ok(_) => "it holds what cannot be read".to_owned(),
                    };
                    findings.push(unproved(format!(
                        "whether it grants what nobody may be granted is not known: {why}"
                    )));
                }
                return findings;
            }
        };
        if let Some(bans) = self.asked.bans {
            let mut broken = bans.broken_by(policy, &document.lines, &shown, &filled);
            if super::judge::is_opaque_anywhere(policy) {
                broken.push(unproved(
                    "whether it grants what nobody may be granted is not known: its actions are an expression"
                        .to_owned(),
                ));
            }
            findings.extend(broken);
        }
        if self.asked.not_public
            && let Some(policy) = filled(policy)
        {
            findings.extend(public::findings(&policy, &document.lines, &shown));
        }
        findings
    }
}

impl Item {
    /// What is compared of it, its lines apart.
    fn what_is(&self) -> What {
        match &self.what {
            What::Document(document) => What::Document(Document {
                lines: Vec::new(),
                text: if document.policy.is_ok() {
                    String::new()
                } else {
                    document.text.clone()
                },
                ..document.clone()
            }),
            What::Signs(lines) => What::Signs(lines.iter().map(|(_, line)| (0, line.clone())).collect()),
            other => other.clone(),
        }
    }
}

/// Whether a document denies, as far as all of it is known.
fn denies(document: &Document) -> Option<bool> {
    let policy = document.policy.as_ref().ok().filter(|_| document.opaque.is_empty())?;
    Some(policy.to_string().contains("Deny"))
}

/// A reference to one of several as that to the only one: `aws_iam_policy.app[0].arn`.
fn without_indices(shown: &str) -> String {
    let mut depth = 0_usize;
    let keep = |c: &char| {
        depth += usize::from(*c == '[');
        let is_outside = depth == 0;
        depth -= usize::from(*c == ']' && depth > 0);
        is_outside
    };
    shown.chars().filter(keep).collect()
}

/// Whether an address is that of a policy which is attached to somebody.
fn is_attachment(address: &str) -> bool {
    let attached = ["policy_arn", "policy_arns", "managed_policy_arns", "ManagedPolicyArns"];
    attached
        .iter()
        .any(|key| address.contains(&format!("{key}[")) || address.ends_with(key))
}

/// The resource of a template that is referred to as a whole, and by nothing else: `!GetAtt Role.Arn`.
fn resource_of(shown: &str) -> Option<&str> {
    let words = shown
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut words = words.filter(|word| !matches!(*word, "Arn" | "Fn" | "GetAtt" | "Ref"));
    let is_reference = shown.starts_with(['!', '{']) && (shown.contains("GetAtt") || shown.contains("Ref"));
    words.next().filter(|_| is_reference && words.next().is_none())
}

/// The lines that were not there before.
fn lines(known: &[(usize, String)], now: &[(usize, String)]) -> Option<Finding> {
    let mut known: Vec<&str> = known.iter().map(|(_, line)| line.as_str()).collect();
    let mut new = now
        .iter()
        .filter(|(_, line)| match known.iter().position(|one| one == line) {
            Some(at) => {
                known.swap_remove(at);
                false
            }
            None => true,
        });
    let (at, line) = new.next()?;
    let more = match new.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let line: String = line.chars().take(120).collect();
    Some(Finding {
        line: Some(*at),
        ..unproved(format!(
            "`{line}`{more} may grant something, or give a value to what does, and is not evaluated"
        ))
    })
}

/// Where a policy stands that is referred to as a whole, and by nothing else.
fn address_of(shown: &str) -> Option<String> {
    let inside = shown.strip_prefix("${")?.strip_suffix('}')?;
    let name = |name: &str| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
    };
    if let Some(rest) = inside.strip_prefix("data.aws_iam_policy_document.") {
        let rest = rest
            .strip_suffix(".json")
            .or_else(|| rest.strip_suffix(".minified_json"))?;
        return Some(format!("data.aws_iam_policy_document.{}", name(rest)?));
    }
    if let Some(rest) = inside.strip_prefix("aws_iam_instance_profile.") {
        return Some(format!("aws_iam_instance_profile.{}", name(rest.rsplit_once('.')?.0)?));
    }
    if let Some(rest) = inside.strip_prefix("aws_iam_role.") {
        return Some(format!(
            "aws_iam_role.{}.assume_role_policy",
            name(rest.rsplit_once('.')?.0)?
        ));
    }
    let rest = inside.strip_prefix("aws_iam_policy.")?.strip_suffix(".arn")?;
    Some(format!("aws_iam_policy.{}.policy", name(rest)?))
}

fn looks_like_policy(text: &str) -> bool {
    ["Effect", "effect", "policy", "Policy"]
        .iter()
        .any(|word| text.contains(word))
}

/// Files that are called otherwise now, by their former path: of the same text, or of much the same lines.
fn renames(old: &[(PathBuf, String)], new: &[(PathBuf, String)]) -> BTreeMap<PathBuf, PathBuf> {
    let paths =
        |side: &[(PathBuf, String)]| -> BTreeSet<PathBuf> { side.iter().map(|(path, _)| path.clone()).collect() };
    let (before, after) = (paths(old), paths(new));
    let gone: Vec<_> = old
        .iter()
        .filter(|(path, _)| !after.contains(path))
        .take(RENAMES)
        .collect();
    let mut come: Vec<_> = new
        .iter()
        .filter(|(path, _)| !before.contains(path))
        .take(RENAMES)
        .collect();
    let mut renamed = BTreeMap::new();
    let alike = |a: &str, b: &str| {
        if a == b {
            return 1.0;
        }
        let lines = |text: &str| -> BTreeSet<String> {
            text.lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| line.len() > 1)
                .collect()
        };
        let (a, b) = (lines(a), lines(b));
        let most = a.len().max(b.len()).max(1);
        a.intersection(&b).count() as f64 / most as f64
    };
    for (path, text) in gone {
        let of_kind = come
            .iter()
            .enumerate()
            .filter(|(_, (other, _))| other.extension() == path.extension());
        let best = of_kind
            .map(|(at, (_, other))| (alike(text, other), at))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((likeness, at)) = best
            && likeness >= 0.5
        {
            renamed.insert(path.clone(), come.remove(at).0.clone());
        }
    }
    renamed
}
