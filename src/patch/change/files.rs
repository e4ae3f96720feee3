//! The files of one side: the texts that can be read, and what stands in the place of the others.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use hcl_edit::expr::{Expression, FuncCall};
use hcl_edit::structure::Body;
use hcl_edit::visit::{Visit, visit_body, visit_func_call};
use sha2::{Digest as _, Sha256};

use crate::patch::terraform::{Project, Source, folder, labels, module_path, normal, possible_names};
use crate::patch::tree::Piece;
use crate::patch::{DEPTH, FOREIGN, LARGEST};

/// Texts of files, each with its path below the folder.
pub type Texts = Vec<(PathBuf, String)>;

/// The files of one side.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files {
    /// Those that can be read.
    pub texts: Texts,
    /// Those that cannot, though their name says that they may hold a policy.
    pub unread: Vec<(PathBuf, Unread)>,
    /// Those that are not evaluated, and differ between both sides.
    pub others: Texts,
}

/// What is known of a file that is not read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Why not.
    pub why: String,
    /// Its content, or what tells it from another.
    pub identity: String,
}

impl From<Texts> for Files {
    fn from(texts: Texts) -> Files {
        Files {
            texts,
            ..Files::default()
        }
    }
}

impl Files {
    /// Puts a file in its place, by what it holds.
    pub(super) fn put(&mut self, path: PathBuf, bytes: Vec<u8>) {
        match String::from_utf8(bytes) {
            Ok(text) => self.texts.push((path, text)),
            Err(error) => {
                let digest = Sha256::digest(error.as_bytes());
                let identity = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                let why = "it is no UTF-8".to_owned();
                self.unread.push((path, Unread { why, identity }));
            }
        }
    }

    pub(super) fn leave(&mut self, path: PathBuf, why: &str, identity: String) {
        let why = why.to_owned();
        self.unread.push((path, Unread { why, identity }));
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.texts.iter().any(|(known, _)| known == path) || self.unread.iter().any(|(known, _)| known == path)
    }

    /// Reads a file of a folder as it is now; one that is larger than any policy is told by `identify`.
    pub(super) fn read(
        &mut self,
        dir: &Path,
        path: PathBuf,
        identify: &dyn Fn(&Path) -> String,
    ) -> Result<(), io::Error> {
        let at = dir.join(&path);
        let Ok(kind) = fs::symlink_metadata(&at) else {
            return Ok(());
        };
        if kind.is_symlink() {
            let target = fs::read_link(&at)?;
            self.leave(path, LINK, target.display().to_string());
        } else if kind.is_file() && kind.len() > LARGEST {
            self.leave(path.clone(), LARGE, identify(&path));
        } else if kind.is_file() {
            self.put(path, fs::read(&at)?);
        }
        Ok(())
    }
}

pub(super) const LINK: &str = "it is a link";
pub(super) const LARGE: &str = "it is larger than 8 MiB";

/// The files of a folder that may hold policies, and those that Terraform reads in them.
fn files(dir: &Path) -> Result<Files, crate::patch::Error> {
    let mut paths = BTreeSet::new();
    list(dir, Path::new(""), 0, &mut paths)?;
    let mut found = Files::default();
    for path in paths.into_iter().filter(|path| may_hold(path)) {
        read_one(&mut found, dir, path)?;
    }
    let wanted = wanted(&found.texts);
    for path in wanted.files(dir, Path::new("")) {
        if !found.has(&path) {
            read_one(&mut found, dir, path)?;
        }
    }
    Ok(found)
}

/// The files of two folders, those that are not evaluated where they differ.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn folders(old: &Path, new: &Path) -> Result<(Files, Files), crate::patch::Error> {
    let (mut before, mut after) = (files(old)?, files(new)?);
    let mut all = BTreeSet::new();
    list(old, Path::new(""), 0, &mut all)?;
    list(new, Path::new(""), 0, &mut all)?;
    all.retain(|path| !before.has(path) && !after.has(path));
    for path in all {
        let read = |dir: &Path| {
            let at = dir.join(&path);
            let is_small = fs::symlink_metadata(&at).is_ok_and(|kind| kind.is_file() && kind.len() <= LARGEST);
            // What is no text grants nothing that is known here.
            is_small.then(|| fs::read_to_string(&at).ok()).flatten()
        };
        let (was, is) = (read(old), read(new));
        if was != is {
            before.others.extend(was.map(|text| (path.clone(), text)));
            after.others.extend(is.map(|text| (path.clone(), text)));
        }
    }
    Ok((before, after))
}

fn read_one(found: &mut Files, dir: &Path, path: PathBuf) -> Result<(), crate::patch::Error> {
    let shown = dir.join(&path);
    let changed = |path: &Path| {
        let kind = fs::metadata(dir.join(path));
        kind.map_or_else(
            |_| String::new(),
            |kind| format!("{} {:?}", kind.len(), kind.modified().ok()),
        )
    };
    found
        .read(dir, path, &changed)
        .map_err(|source| crate::patch::Error::Io {
            path: shown.display().to_string(),
            source,
        })
}

/// All files and links below a folder, those apart that others wrote.
pub(super) fn list(
    dir: &Path,
    below: &Path,
    depth: usize,
    found: &mut BTreeSet<PathBuf>,
) -> Result<(), crate::patch::Error> {
    let at = dir.join(below);
    let named = |source| crate::patch::Error::Io {
        path: at.display().to_string(),
        source,
    };
    for entry in fs::read_dir(&at).map_err(named)? {
        let entry = entry.map_err(named)?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(named)?;
        let path = below.join(&name);
        if !kind.is_dir() {
            found.insert(path);
        } else if depth < DEPTH && !is_foreign(&name.to_string_lossy()) {
            list(dir, &path, depth + 1, found)?;
        }
    }
    Ok(())
}

fn is_foreign(name: &str) -> bool {
    FOREIGN.contains(&name) || name.len() > 1 && name.starts_with('.') && name != ".."
}

/// Whether a file's name is one of those that policies are read from, and no folder of it is another's.
pub(super) fn may_hold(path: &Path) -> bool {
    let mut parts = path.components();
    is_named_so(path) && !parts.any(|part| is_foreign(&part.as_os_str().to_string_lossy()))
}

/// Whether a file's name is one of those that policies are read from.
pub(super) fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let extensions = [
        "tf", "tofu", "tfvars", "hcl", "json", "template", "yaml", "yml", "tftpl", "tpl", "tmpl",
    ];
    let is_known = extensions.contains(&extension) || name == "samconfig.toml";
    !name.ends_with(".original.json") && name != ".terraform.lock.hcl" && is_known
}

/// Whether a file gives values to what stands elsewhere in its repository.
pub(super) fn gives(path: &Path) -> bool {
    let name = path.to_string_lossy();
    [".tfvars", ".tfvars.json", ".hcl"]
        .iter()
        .any(|end| name.ends_with(end))
        && is_named_so(path)
}

/// What an expression of Terraform reads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Read {
    File(PathBuf),
    /// Any file of a folder, as its name is not written.
    Folder(PathBuf),
    /// The folder of a module.
    Module(PathBuf),
}

/// The files that calls such as `file`, `templatefile` and `fileset` may read, in a folder of Terraform.
pub(super) fn read_by(project: &Project<'_>, dir: &Path, call: &FuncCall) -> Vec<Read> {
    let function = call.name.name.as_str();
    let Some(argument) = call.args.iter().next().filter(|_| function.contains("file")) else {
        return Vec::new();
    };
    named_by(project, dir, function, argument)
}

/// The file whose text an expression is.
pub(super) fn file_of(project: &Project<'_>, dir: &Path, expression: &Expression) -> Option<PathBuf> {
    match expression {
        Expression::FuncCall(call) if call.name.name.as_str() == "file" => match &read_by(project, dir, call)[..] {
            [Read::File(path)] => Some(path.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The files that an expression names to a function.
pub(super) fn named_by(project: &Project<'_>, dir: &Path, function: &str, argument: &Expression) -> Vec<Read> {
    let names = match argument {
        Expression::Parenthesis(inner) => possible_names(project, dir, inner.inner()),
        other => possible_names(project, dir, other),
    };
    let each = names.iter().map(|name| {
        let (mut text, mut is_whole) = (String::new(), true);
        for (at, piece) in name.iter().enumerate() {
            match piece {
                Piece::Literal(more) => text.push_str(more),
                // `${path.module}/`
                Piece::Reference if at == 0 && name.len() > 1 => {}
                Piece::Reference | Piece::Suffix => {
                    is_whole = false;
                    break;
                }
            }
        }
        let text = match name.first() {
            Some(Piece::Reference) => text.trim_start_matches('/'),
            Some(Piece::Literal(_) | Piece::Suffix) | None => {
                text.strip_prefix(&format!("{}/", module_path(dir))).unwrap_or(&text)
            }
        };
        match is_whole && function != "fileset" {
            true => Read::File(normal(&dir.join(text))),
            false if is_whole => Read::Folder(normal(&dir.join(text))),
            false => Read::Folder(normal(
                &dir.join(text.rsplit_once('/').map_or("", |(folder, _)| folder)),
            )),
        }
    });
    each.collect()
}

/// What the Terraform among some texts reads.
pub(super) fn wanted(texts: &Texts) -> Wanted {
    struct Calls<'p, 'a> {
        project: &'p Project<'a>,
        dir: PathBuf,
        found: BTreeSet<Read>,
    }
    impl Visit for Calls<'_, '_> {
        fn visit_func_call(&mut self, call: &FuncCall) {
            self.found.extend(read_by(self.project, &self.dir, call));
            visit_func_call(self, call);
        }
    }
    let sources: Vec<Source> = texts
        .iter()
        .filter_map(|(path, text)| Source::any(path, text))
        .collect();
    let all: Vec<&Source> = sources.iter().collect();
    let project = Project::of(&all, &[]);
    let mut found = BTreeSet::new();
    for source in &sources {
        let mut calls = Calls {
            project: &project,
            dir: folder(&source.path),
            found: BTreeSet::new(),
        };
        visit_body(&mut calls, &source.body);
        found.append(&mut calls.found);
        let dir = folder(&source.path);
        for block in source.body.blocks() {
            let named = |key: &str| block.body.get_attribute(key).map(|attribute| &attribute.value);
            match labels(block)[..] {
                ["local_file" | "local_sensitive_file", _] if block.has_ident("data") => {
                    let file = named("filename").map(|file| named_by(&project, &dir, "file", file));
                    found.extend(file.into_iter().flatten());
                }
                [_] if block.has_ident("module") => {
                    if let Some(Expression::String(source)) = named("source")
                        && source.starts_with('.')
                    {
                        found.insert(Read::Module(normal(&dir.join(source.as_str()))));
                    }
                }
                _ => {}
            }
        }
    }
    // Terragrunt reads files, too.
    for (path, text) in texts
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "hcl"))
    {
        if let Ok(body) = text.parse::<Body>() {
            let mut calls = Calls {
                project: &project,
                dir: folder(path),
                found: BTreeSet::new(),
            };
            visit_body(&mut calls, &body);
            found.append(&mut calls.found);
        }
    }
    Wanted(found)
}

/// What Terraform reads.
pub(super) struct Wanted(BTreeSet<Read>);

impl Wanted {
    pub(super) fn and(mut self, other: Wanted) -> Wanted {
        self.0.extend(other.0);
        self
    }

    /// Whether a file is one of them.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.0.iter().any(|read| match read {
            Read::File(file) => file == path,
            Read::Folder(folder) => path.starts_with(folder) && self.is_near(folder, path),
            Read::Module(dir) => folder(path) == *dir && is_named_so(path),
        })
    }

    /// Of a folder that Terraform itself stands in, the files beside it alone.
    fn is_near(&self, folder: &Path, path: &Path) -> bool {
        !folder.as_os_str().is_empty() || path.components().count() == 1
    }

    /// Those of a folder, none of which lies further out than `root` names folders.
    pub(super) fn files(&self, dir: &Path, root: &Path) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let within = |path: &Path| {
            let out = path
                .components()
                .filter(|part| matches!(part, Component::ParentDir))
                .count();
            out <= root.components().count() && !path.is_absolute()
        };
        for read in &self.0 {
            match read {
                Read::File(file) if within(file) => drop(found.insert(file.clone())),
                Read::Folder(folder) if within(folder) => {
                    let mut inside = BTreeSet::new();
                    // What cannot be listed is not there.
                    let _ = list(dir, folder, 0, &mut inside);
                    found.extend(inside.into_iter().filter(|path| self.is_near(folder, path)));
                }
                Read::Module(at) if within(at) => {
                    let entries = fs::read_dir(dir.join(at)).into_iter().flatten().flatten();
                    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
                    found.extend(
                        files
                            .map(|entry| at.join(entry.file_name()))
                            .filter(|path| is_named_so(path)),
                    );
                }
                Read::File(_) | Read::Folder(_) | Read::Module(_) => {}
            }
        }
        found
    }

    /// Those outside of the folder.
    pub(super) fn outside(&self) -> Vec<&Path> {
        let each = self.0.iter().map(|read| match read {
            Read::File(path) | Read::Folder(path) | Read::Module(path) => path.as_path(),
        });
        each.filter(|path| path.starts_with("..")).collect()
    }
}
