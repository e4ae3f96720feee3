//! Suggestion to edit of the file that it came from: JSON, Terraform, CloudFormation.
//!
//! A policy is found by what it says, not by its name: the document in the files that equals the one IAM holds. Only
//! the bytes that must change are changed, and before an edit is offered the file is read again: the document must then
//! say what was proved, and every other one what it said before.

mod cloudformation;
mod edits;
mod json;
mod terraform;
mod tree;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::disk;
use crate::report::Suggestion;
use crate::verify::Verified;
use edits::{Edit, apply, edits};
use tree::{Document, Fit, Kind, Node, Syntax, fit};

/// Files larger than this are not looked at: no policy fills a hundredth of it.
const LARGEST: u64 = 8 << 20;
/// How deep folders are searched.
const DEPTH: usize = 32;
/// Folders that hold what others wrote.
const FOREIGN: [&str; 4] = ["node_modules", "target", "vendor", "venv"];

/// Why the files cannot be edited at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or file that cannot be read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// Which one.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not the one that was planned for.
    #[error("`{0}` changed since it was read")]
    Changed(String),
}

/// A file with its edits.
#[derive(Clone, PartialEq, Debug)]
pub struct FileEdit {
    /// Where it lies.
    pub path: PathBuf,
    /// What it holds.
    pub before: String,
    /// What it should hold.
    pub after: String,
    /// The policies that become smaller in it, each with what their place in the file rests on.
    pub policies: Vec<String>,
}

/// A suggestion that no file was edited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// The policy and its owner.
    pub policy: String,
    /// Why.
    pub why: String,
}

/// What would be done.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// Files to edit, sorted by path.
    pub files: Vec<FileEdit>,
    /// What stays to be done by hand.
    pub left: Vec<Left>,
}

struct File {
    path: PathBuf,
    text: String,
    documents: Vec<Document>,
}

impl File {
    /// `None` where the text holds no policy.
    fn of(path: PathBuf, text: String) -> Option<File> {
        let documents = documents(&path, &text);
        (!documents.is_empty()).then_some(File { path, text, documents })
    }
}

/// A suggestion and the one document that it is for.
struct Target<'a> {
    suggestion: &'a Verified<Suggestion>,
    file: usize,
    document: usize,
    fit: Fit,
}

/// Finds the policies of `suggestions` under `dir` and plans their edits; what expired before `now` (seconds since
/// 1970) is left.
///
/// # Errors
/// A folder that cannot be read.
pub fn plan(suggestions: &[&Verified<Suggestion>], dir: &Path, now: Option<i64>) -> Result<Plan, Error> {
    let mut files = Vec::new();
    find(dir, 0, &mut files)?;
    Ok(plan_files(suggestions, &files, now))
}

/// The same over texts that were read, each with its path.
pub fn plan_texts(suggestions: &[&Verified<Suggestion>], texts: Vec<(PathBuf, String)>, now: Option<i64>) -> Plan {
    let files: Vec<File> = texts
        .into_iter()
        .filter_map(|(path, text)| File::of(path, text))
        .collect();
    plan_files(suggestions, &files, now)
}

fn plan_files(suggestions: &[&Verified<Suggestion>], files: &[File], now: Option<i64>) -> Plan {
    let mut plan = Plan::default();
    let mut targets: Vec<Target<'_>> = Vec::new();
    for suggestion in suggestions.iter().copied() {
        match target(suggestion, files, now) {
            Ok(target) => targets.push(target),
            Err(why) => plan.left.push(left(suggestion, why)),
        }
    }
    for (index, file) in files.iter().enumerate() {
        let here: Vec<&Target<'_>> = targets.iter().filter(|target| target.file == index).collect();
        if !here.is_empty() {
            edit(file, &here, &mut plan);
        }
    }
    plan
}

/// Writes the planned files, each as a whole in one step.
///
/// # Errors
/// A file that changed since it was read, or that cannot be written; files before it are written.
pub fn write(plan: &Plan) -> Result<(), Error> {
    for file in &plan.files {
        let named = |source| Error::Io {
            path: file.path.display().to_string(),
            source,
        };
        if fs::read(&file.path).map_err(named)? != file.before.as_bytes() {
            return Err(Error::Changed(file.path.display().to_string()));
        }
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let name = file.path.file_name().map_or(Path::new(""), Path::new);
        let written = disk::replace(folder, name, |out| -> io::Result<()> {
            out.write_all(file.after.as_bytes())?;
            // Whoever could read it still can.
            out.set_permissions(fs::metadata(&file.path)?.permissions())
        });
        written.map_err(named)?;
    }
    Ok(())
}

fn left(suggestion: &Suggestion, why: String) -> Left {
    Left {
        policy: name(suggestion),
        why,
    }
}

/// `deploy of role/ci-deploy`, `arn:aws:iam::1:policy/shared`
fn name(suggestion: &Suggestion) -> String {
    match suggestion.policy_arn.splitn(6, ':').nth(5) {
        Some(resource) if !resource.starts_with("policy/") => format!("{} of {resource}", suggestion.policy),
        Some(_) | None => suggestion.policy_arn.clone(),
    }
}

/// Reads the files under a folder that may hold policies, in the order of their paths.
fn find(dir: &Path, depth: usize, files: &mut Vec<File>) -> Result<(), Error> {
    let named = |source| Error::Io {
        path: dir.display().to_string(),
        source,
    };
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .map_err(named)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(named)?;
    entries.sort();
    for path in entries {
        let Ok(kind) = fs::symlink_metadata(&path) else {
            continue;
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if kind.is_dir() {
            if depth < DEPTH && !name.starts_with('.') && !FOREIGN.contains(&&*name) {
                find(&path, depth + 1, files)?;
            }
        } else if kind.is_file()
            && kind.len() <= LARGEST
            && !name.ends_with(".original.json")
            && let Ok(text) = fs::read_to_string(&path)
        {
            files.extend(File::of(path, text));
        }
    }
    Ok(())
}

/// The policy documents of a file, by the language that its name tells.
fn documents(path: &Path, text: &str) -> Vec<Document> {
    // A byte order mark is no part of what follows.
    let (text, mark) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, '\u{feff}'.len_utf8()),
        None => (text, 0),
    };
    let names: Vec<String> = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .into_iter()
        .collect();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    let mut found = match extension {
        "tf" | "hcl" => terraform::documents(text, &names),
        "json" | "template" | "yaml" | "yml" if looks_like_json => match serde_json::from_str::<Value>(text) {
            Ok(value) if is_export(&value) => Vec::new(),
            Ok(_) => json::documents(text, 0, Syntax::Json, &names),
            Err(_) if extension != "json" => cloudformation::documents(text, &names),
            Err(_) => Vec::new(),
        },
        "template" | "yaml" | "yml" => cloudformation::documents(text, &names),
        _ => Vec::new(),
    };
    if mark > 0 {
        found.iter_mut().for_each(|document| shift(&mut document.root, mark));
    }
    found
}

/// A copy of what IAM holds, or a result of ours: no source of a policy.
fn is_export(value: &Value) -> bool {
    let ours = value.get("schema").and_then(Value::as_str);
    ours.is_some_and(|schema| schema.starts_with("trimtrail."))
        || ["RoleDetailList", "UserDetailList", "GroupDetailList"]
            .iter()
            .any(|list| value.get(list).is_some())
}

fn shift(node: &mut Node, by: usize) {
    node.span = node.span.start + by..node.span.end + by;
    match &mut node.kind {
        Kind::List(elements) => elements.iter_mut().for_each(|element| shift(element, by)),
        Kind::Map(members) => {
            for member in members {
                member.name_span = member.name_span.start + by..member.name_span.end + by;
                shift(&mut member.value, by);
            }
        }
        Kind::Text(_) | Kind::Plain(_) | Kind::Unknown => {}
    }
}

/// The one document that a suggestion is for.
fn target<'a>(suggestion: &'a Verified<Suggestion>, files: &[File], now: Option<i64>) -> Result<Target<'a>, String> {
    let digest: String = Sha256::digest(suggestion.before().as_str().as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if digest != suggestion.before_sha256 {
        return Err("the result does not hold the document that it was made for: analyze again".to_owned());
    }
    match suggestion.expires.parse::<jiff::Timestamp>() {
        Ok(expires) if now.is_some_and(|now| expires.as_second() < now) => {
            return Err(format!(
                "it expired on {}: analyze again, or pass --allow-expired",
                suggestion.expires
            ));
        }
        Ok(_) | Err(_) => {}
    }
    let before = suggestion.before().value();
    let mut found: Vec<Target<'a>> = Vec::new();
    for (file, here) in files.iter().enumerate() {
        for (document, at) in here.documents.iter().enumerate() {
            let fit = fit(&at.root, &before);
            if fit != Fit::No {
                found.push(Target {
                    suggestion,
                    file,
                    document,
                    fit,
                });
            }
        }
    }
    let best = found.iter().map(|target| rank(target, files)).max();
    found.retain(|target| Some(rank(target, files)) == best);
    let places: Vec<String> = found.iter().map(|target| place(target, files)).collect();
    match found.len() {
        0 => Err("no document under the folder says what this policy says".to_owned()),
        1 if suggestion.change != "replace" => Err(format!(
            "nothing of it is needed: {} it, it stands in {}",
            suggestion.change, places[0]
        )),
        1 => Ok(found.remove(0)),
        _ => Err(format!("several documents say what it says: {}", places.join(", "))),
    }
}

/// How sure a place is: what it says first, then whose names stand around it.
fn rank(target: &Target<'_>, files: &[File]) -> (Fit, usize) {
    let names = &files[target.file].documents[target.document].names;
    let owner = target.suggestion.policy_arn.rsplit('/').next().unwrap_or("");
    let known = [target.suggestion.policy.as_str(), owner];
    let told = known
        .iter()
        .filter(|name| !name.is_empty() && names.iter().any(|written| written == **name));
    (target.fit, told.count())
}

fn place(target: &Target<'_>, files: &[File]) -> String {
    let file = &files[target.file];
    let at = file.documents[target.document].root.span.start;
    let line = file.text[..at].matches('\n').count() + 1;
    format!("{}:{line}", file.path.display())
}

/// Edits one file for its targets, or says why not.
fn edit(file: &File, targets: &[&Target<'_>], plan: &mut Plan) {
    let mut all: Vec<Edit> = Vec::new();
    let mut done: Vec<&Target<'_>> = Vec::new();
    for target in targets {
        let rivals = targets.iter().filter(|other| other.document == target.document);
        if rivals
            .clone()
            .any(|other| other.suggestion.after().value() != target.suggestion.after().value())
        {
            let why = format!(
                "one document ({}:{}) stands for {} policies, whose suggestions differ",
                file.path.display(),
                file.text[..file.documents[target.document].root.span.start]
                    .matches('\n')
                    .count()
                    + 1,
                rivals.count()
            );
            plan.left.push(left(target.suggestion, why));
        } else if done.iter().any(|other| other.document == target.document) {
            done.push(target);
        } else {
            let (before, after) = (target.suggestion.before().value(), target.suggestion.after().value());
            let origins = origins(target.suggestion);
            let document = &file.documents[target.document];
            match edits(&file.text, document, &before, &after, origins.as_deref()) {
                Ok(edits) => {
                    all.extend(edits);
                    done.push(target);
                }
                Err(why) => plan.left.push(left(target.suggestion, why)),
            }
        }
    }
    all.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let after = apply(&file.text, &all);
    if done.is_empty() {
        return;
    }
    if !holds(file, &after, &done) {
        let why = format!("an edit of {} would not give the proved document", file.path.display());
        plan.left
            .extend(done.iter().map(|target| left(target.suggestion, why.clone())));
        return;
    }
    let policies = done.iter().map(|target| match target.fit {
        Fit::WithReferences => format!("{} (its references taken for what IAM holds)", name(target.suggestion)),
        Fit::Exact | Fit::No => name(target.suggestion),
    });
    plan.files.push(FileEdit {
        path: file.path.clone(),
        before: file.text.clone(),
        policies: policies.collect(),
        after,
    });
}

/// The statements of `before` that each of `after` comes from; `None` where the result does not say it.
fn origins(suggestion: &Suggestion) -> Option<Vec<Vec<usize>>> {
    let place = |index: &u64| usize::try_from(*index).ok();
    let each = suggestion
        .statements
        .iter()
        .map(|one| one.from.iter().map(place).collect());
    let origins: Vec<Vec<usize>> = each.collect::<Option<_>>()?;
    (!origins.is_empty()).then_some(origins)
}

/// Reads the edited file again: its targets say what was proved, everything else says what it said.
fn holds(file: &File, after: &str, targets: &[&Target<'_>]) -> bool {
    let found = documents(&file.path, after);
    found.len() == file.documents.len()
        && found
            .iter()
            .zip(&file.documents)
            .enumerate()
            .all(
                |(index, (new, old))| match targets.iter().find(|target| target.document == index) {
                    Some(target) => fit(&new.root, &target.suggestion.after().value()) >= target.fit,
                    None => same(&new.root, &old.root),
                },
            )
}

/// Whether two nodes say the same, wherever they stand.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::List(a), Kind::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Kind::Map(a), Kind::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name == b.name && same(&a.value, &b.value))
        }
        (Kind::Text(a), Kind::Text(b)) => a == b,
        (Kind::Plain(a), Kind::Plain(b)) => a == b,
        (Kind::Unknown, Kind::Unknown) => true,
        (Kind::List(_) | Kind::Map(_) | Kind::Text(_) | Kind::Plain(_) | Kind::Unknown, _) => false,
    }
}

#[cfg(test)]
mod tests;
