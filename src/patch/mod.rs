//! Suggestion to edit of the file that it came from: JSON, Terraform, CloudFormation.
//!
//! A document in a file stands for every live policy that was made of it, and loses only what each of them may lose. A
//! policy is found by two witnesses: the document says what it says, and an address, a name or a resource tells that it is
//! this one. Only the bytes that must change are changed, and before an edit is offered the file is read again: the document
//! must then say what was proved, and every other one what it said before.

mod called;
pub mod change;
mod cloudformation;
mod detach;
mod edits;
mod forms;
mod joint;
mod json;
mod keep;
mod live;
mod matching;
mod merged;
mod nearest;
pub mod owners;
mod removal;
mod sources;
mod stack;
mod terraform;
mod tree;
mod undo;
mod witness;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::disk;
use terraform::{Project, Reading, Source};
use tree::{Document, Kind, Node, Syntax};

pub use live::Answer;
pub use terraform::State;
pub use undo::{Undo, revert};

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
    /// The note of what was written says something else.
    #[error("`{path}` is no note of what `patch` wrote: {why}")]
    Undo {
        /// The note.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Nothing was written by this result.
    #[error("nothing to put back: no `{0}`")]
    Nothing(String),
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
    /// The policies that become smaller by it, each with where it stands and what tells that it is made of these lines.
    pub policies: Vec<String>,
    /// Ids of the suggestions that it is made for, sorted.
    pub suggestions: Vec<String>,
}

/// A suggestion that no file was edited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// The policy and its owner.
    pub policy: String,
    /// Why, with the file and line that come nearest.
    pub why: String,
    /// What kind of reason that is.
    pub reason: Reason,
}

/// Why suggestions are left, in kinds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// The answer itself: it expired, or AWS maintains the policy.
    Answer,
    /// No document says what the policy says.
    NoDocument,
    /// A document does, and nothing tells that it is this one.
    NotTold,
    /// Several are it as well as each other.
    Several,
    /// Others are made of the document or may be, or a comment keeps it.
    Others,
    /// It is written in a way that is not edited.
    Written,
}

impl Reason {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Answer => "expired, or maintained by AWS",
            Self::NoDocument => "no document says it",
            Self::NotTold => "nothing tells whose the document is",
            Self::Several => "several documents say it",
            Self::Others => "others are or may be made of the document, or a comment keeps it",
            Self::Written => "written in a way that is not edited",
        }
    }
}

/// The line at which the document of a policy begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrittenAt {
    /// The file, from the root of its repository; as the folder was given where it lies in none.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// What would be done.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// Files to edit, sorted by path.
    pub files: Vec<FileEdit>,
    /// What stays to be done by hand.
    pub left: Vec<Left>,
    /// The policies that are written as suggested, each with where.
    pub already: Vec<String>,
}

/// How policies are looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Whether what is held may go too.
    pub include_held: bool,
    /// Now, in seconds since 1970: what expired is left, and what a comment keeps until then may go. `None` to ask for no
    /// date.
    pub now: Option<i64>,
    /// Whether what expired may go too.
    pub allow_expired: bool,
    /// What Terraform says that it made.
    pub states: &'a [State],
}

struct File {
    path: PathBuf,
    text: String,
    documents: Vec<Document>,
    terraform: Option<Source>,
    /// What it gives to Terraform's variables.
    given: Option<Source>,
    /// How Terraform reads it.
    reading: Option<Reading>,
}

impl File {
    /// `None` where the text holds no policy, no Terraform, and nothing that Terraform may read as a policy.
    fn of(path: PathBuf, text: String) -> Option<File> {
        let documents = documents(&path, &text, None);
        let terraform = Source::any(&path, &text);
        let given = Source::given(&path, &text);
        let is_any =
            !documents.is_empty() || terraform.is_some() || given.is_some() || may_be_read(&text) || attaches(&text);
        is_any.then_some(File {
            path,
            text,
            documents,
            terraform,
            given,
            reading: None,
        })
    }

    /// Finds its documents anew where Terraform reads it in another way than its name tells.
    fn read_by(&mut self, project: &Project<'_>) {
        if self.terraform.is_none() && self.given.is_none() && may_be_read(&self.text) {
            self.reading = project.reading(&self.path);
            if self.reading.is_some() {
                self.documents = documents(&self.path, &self.text, self.reading);
            }
        }
    }

    /// `main.tf:12`
    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path.display(), self.line(at))
    }

    fn line(&self, at: usize) -> usize {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

/// Finds what the policies of an answer were made of under `dir` and plans the edits.
///
/// # Errors
/// A folder that cannot be read.
pub fn plan(answer: Answer<'_>, options: Options<'_>, dir: &Path) -> Result<Plan, Error> {
    Ok(sources::plan(answer, options, &read(dir)?))
}

/// Where each policy of an answer is written under `dir`, by ARN and name, as far as it is told.
///
/// # Errors
/// A folder that cannot be read.
pub fn written(
    answer: Answer<'_>,
    states: &[State],
    dir: &Path,
) -> Result<BTreeMap<(String, String), WrittenAt>, Error> {
    let repository = owners::repository(dir);
    let leads_out = dir.is_absolute() || dir.components().any(|part| part == Component::ParentDir);
    let path = |file: &Path| match &repository {
        Some(root) => owners::below(root, file),
        // What shows it beside the code knows no other folder.
        None if leads_out => owners::below(dir, file),
        None => file.to_string_lossy().replace('\\', "/"),
    };
    Ok(sources::written(answer, states, &read(dir)?, &path))
}

/// The files under a folder that a policy may be made of.
fn read(dir: &Path) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    walk(dir, 0, &mut |path, text| files.extend(File::of(path, text)))?;
    Ok(as_read(files))
}

/// The same over texts that were read, each with its path.
pub fn plan_texts(answer: Answer<'_>, options: Options<'_>, texts: Vec<(PathBuf, String)>) -> Plan {
    let files: Vec<File> = texts
        .into_iter()
        .filter_map(|(path, text)| File::of(path, text))
        .collect();
    sources::plan(answer, options, &as_read(files))
}

/// The files, each as Terraform reads it.
fn as_read(mut files: Vec<File>) -> Vec<File> {
    let (terraform, mut others): (Vec<File>, Vec<File>) = files.drain(..).partition(|file| file.terraform.is_some());
    let sources: Vec<&Source> = terraform.iter().filter_map(|file| file.terraform.as_ref()).collect();
    let project = Project::of(&sources, &[]);
    others.iter_mut().for_each(|file| file.read_by(&project));
    others.retain(|file| !file.documents.is_empty() || file.given.is_some() || attaches(&file.text));
    files.extend(terraform);
    files.extend(others);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Whether a text may be a template that attaches managed policies.
fn attaches(text: &str) -> bool {
    text.contains("ManagedPolicyArns")
}

/// Whether Terraform may read a text as a policy.
fn may_be_read(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.trim_start().starts_with('{') && text.contains("\"Statement\"")
}

/// Writes the planned files: all of them or none.
///
/// # Errors
/// A file that changed since it was read, or that cannot be written; what was written before it is put back.
pub fn write(plan: &Plan) -> Result<(), Error> {
    let all: Vec<Change<'_>> = plan
        .files
        .iter()
        .map(|file| Change {
            path: &file.path,
            from: &file.before,
            to: &file.after,
        })
        .collect();
    change(&all)
}

/// A file to write, with what it must hold until then.
struct Change<'a> {
    path: &'a Path,
    from: &'a str,
    to: &'a str,
}

fn change(all: &[Change<'_>]) -> Result<(), Error> {
    for one in all {
        if fs::read(one.path).map_err(|source| io_error(one.path, source))? != one.from.as_bytes() {
            return Err(Error::Changed(one.path.display().to_string()));
        }
    }
    for (at, one) in all.iter().enumerate() {
        if let Err(error) = put(one.path, one.to) {
            for done in &all[..at] {
                put(done.path, done.from)?;
            }
            return Err(error);
        }
    }
    Ok(())
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io {
        path: path.display().to_string(),
        source,
    }
}

/// Puts a text in the place of a file, in one step.
fn put(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().map_or(Path::new(""), Path::new);
    let written = disk::replace(folder, name, |out| -> io::Result<()> {
        out.write_all(text.as_bytes())?;
        // Whoever could read it still can.
        out.set_permissions(fs::metadata(path)?.permissions())
    });
    written.map(drop).map_err(|source| io_error(path, source))
}

/// Reads the files under a folder that may hold policies, in the order of their paths.
fn walk(dir: &Path, depth: usize, take: &mut dyn FnMut(PathBuf, String)) -> Result<(), Error> {
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
                walk(&path, depth + 1, take)?;
            }
        } else if kind.is_file()
            && kind.len() <= LARGEST
            && !name.ends_with(".original.json")
            && let Ok(text) = fs::read_to_string(&path)
        {
            take(path, text);
        }
    }
    Ok(())
}

/// The policy documents of a file, by the language that its name tells, or how Terraform reads it.
fn documents(path: &Path, text: &str, reading: Option<Reading>) -> Vec<Document> {
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
    let is_export = looks_like_json && serde_json::from_str::<Value>(text).is_ok_and(|value| is_export(&value));
    let mut found = match extension {
        _ if is_export => Vec::new(),
        _ if reading == Some(Reading::Template) => json::template_documents(text, &names),
        _ if reading == Some(Reading::Plain) => json::documents(text, 0, Syntax::Json, &names),
        "json" if terraform::is_json(path) => terraform::json_documents(text, &names),
        "tf" | "tofu" | "hcl" => terraform::documents(text, &names),
        "json" | "template" | "yaml" | "yml" if looks_like_json && serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            json::documents(text, 0, Syntax::Json, &names)
        }
        "template" | "yaml" | "yml" => cloudformation::documents(text, &names),
        "tftpl" | "tpl" | "tmpl" if looks_like_json => json::template_documents(text, &names),
        _ => Vec::new(),
    };
    if path.components().any(|part| part.as_os_str() == "cdk.out") {
        let why = "the CDK writes it: change what it is made from";
        for document in &mut found {
            document.left.get_or_insert_with(|| why.to_owned());
        }
    }
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
