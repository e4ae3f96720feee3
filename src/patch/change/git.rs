//! Files as a commit of Git has them, read by the `git` program: no hook, filter, pager or other program of the
//! repository's or the user's runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::files::{Files, LARGE, LINK, gives, is_named_so, list, may_hold, wanted};
use crate::patch::LARGEST;
use crate::patch::terraform::normal;

/// Why a commit's files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git`.
    #[error("`git` cannot be run: {0}")]
    NoGit(std::io::Error),
    /// What it said.
    #[error("git: {0}")]
    Said(String),
    /// A name that git would take for a flag.
    #[error("`{0}` names no commit")]
    Base(String),
    /// The folder cannot be read.
    #[error(transparent)]
    Folder(#[from] super::super::Error),
}

/// The files of `dir` as the commit `base` has them, and as they are now.
///
/// Blobs are read as they are stored, so that neither the index nor a filter decides what is compared.
///
/// # Errors
/// A folder that is no working tree, a commit that is not known, no `git`.
pub fn of_git(dir: &Path, base: &str) -> Result<(Files, Files), GitError> {
    if base.starts_with('-') || base.is_empty() || base.contains([':', '\0', '\n']) {
        return Err(GitError::Base(base.to_owned()));
    }
    // Git would say of a folder that is not there that the commit is not known.
    std::fs::metadata(dir).map_err(|source| super::super::Error::Io {
        path: dir.display().to_string(),
        source,
    })?;
    let commit = git(
        dir,
        [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &format!("{base}^{{commit}}"),
        ],
        b"",
    )
    .map_err(|error| match error {
        GitError::Said(_) => GitError::Base(base.to_owned()),
        other => other,
    })?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let root = below_root(dir)?;
    // Below the folder alone, with paths from there.
    let mut entries = tree(dir, &commit, &["."])?;
    // What Git knows of stands in folders that are otherwise another's, too.
    let tracked = git(dir, ["ls-files", "-z"], b"")?;
    let mut all: BTreeSet<PathBuf> = split(&tracked).map(path_of).collect();
    let mut paths: BTreeSet<PathBuf> = all.iter().filter(|path| is_named_so(path)).cloned().collect();
    list(dir, Path::new(""), 0, &mut all)?;
    paths.extend(all.iter().filter(|path| may_hold(path)).cloned());
    let (mut before, mut after) = (Files::default(), Files::default());
    // Other repositories in it: which commit of them is meant.
    let modules = modules(dir, &commit)?;
    let is_foreign = |path: &Path| modules.keys().any(|module| path.starts_with(module));
    for (path, (old, new)) in &modules {
        for (side, identity) in [(&mut before, old), (&mut after, new)] {
            if let Some(identity) = identity {
                side.leave(path.clone(), MODULE, identity.clone());
            }
        }
    }
    paths.retain(|path| !is_foreign(path));
    all.retain(|path| !is_foreign(path));
    // What gives values to it from outside.
    let up: PathBuf = root.components().map(|_| "..").collect();
    if !up.as_os_str().is_empty() {
        let is_outside = |path: &Path| path.starts_with("..") && !path.starts_with(&*up.join(&root));
        let up = up.to_str().unwrap_or("..");
        let whole = tree(dir, &commit, &[up])?;
        let is_wanted = |path: &Path| is_outside(path) && (gives(path) || runs(path));
        entries.extend(whole.into_iter().filter(|entry| is_wanted(&entry.path)));
        let tracked = git(dir, ["ls-files", "-z", "--", up], b"")?;
        let outside = split(&tracked).map(path_of).filter(|path| is_wanted(path));
        for path in outside {
            match gives(&path) {
                true => drop(paths.insert(path)),
                false => drop(all.insert(path)),
            }
        }
    }
    for path in paths {
        read(&mut after, dir, path)?;
    }
    blobs(
        dir,
        &mut before,
        entries
            .iter()
            .filter(|entry| is_named_so(&entry.path) && (may_be_read(&entry.path) || gives(&entry.path))),
    )?;
    // What Terraform reads beside them, whatever it is called, and what that reads.
    for _ in 0..MOST {
        let known = (before.texts.len(), after.texts.len());
        more(dir, &commit, &root, &mut entries, &mut before, &mut after)?;
        if known == (before.texts.len(), after.texts.len()) {
            break;
        }
    }
    others(dir, &entries, &all, &mut before, &mut after)?;
    before.texts.sort();
    after.texts.sort();
    Ok((before, after))
}

/// How far files are followed that read others.
const MOST: usize = 12;
const MODULE: &str = "it is another repository, whose files are not read";

/// Whether a file stands below the folder.
fn may_be_read(path: &Path) -> bool {
    !path.starts_with("..")
}

/// Whether a file runs Terraform and others, and may give them values.
fn runs(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let starts = [
        ".envrc",
        ".gitlab-ci",
        "Jenkinsfile",
        "Makefile",
        "atlantis",
        "azure-pipelines",
        "bitbucket-pipelines",
        "buildspec",
    ];
    let is_folder = |part: &str| matches!(part, ".circleci" | ".github" | ".gitlab");
    starts.iter().any(|start| name.starts_with(start))
        || path
            .components()
            .any(|part| is_folder(&part.as_os_str().to_string_lossy()))
}

/// Reads what the files that were read name.
fn more(
    dir: &Path,
    commit: &str,
    root: &Path,
    entries: &mut Vec<Entry>,
    before: &mut Files,
    after: &mut Files,
) -> Result<(), GitError> {
    let wanted = wanted(&before.texts).and(wanted(&after.texts));
    let outside: Vec<&str> = wanted.outside().into_iter().filter_map(Path::to_str).collect();
    let is_within = |path: &&str| path.split('/').filter(|part| *part == "..").count() <= root.components().count();
    let outside: Vec<&str> = outside.into_iter().filter(is_within).collect();
    if !outside.is_empty() {
        let found = tree(dir, commit, &outside)?;
        let known: BTreeSet<PathBuf> = entries.iter().map(|entry| entry.path.clone()).collect();
        entries.extend(found.into_iter().filter(|entry| !known.contains(&entry.path)));
    }
    let more: Vec<&Entry> = entries
        .iter()
        .filter(|entry| wanted.has(&entry.path) && !before.has(&entry.path))
        .collect();
    blobs(dir, before, more.into_iter())?;
    for path in wanted.files(dir, root) {
        if !after.has(&path) {
            read(after, dir, path)?;
        }
    }
    Ok(())
}

/// The commits that are meant of another repository, before and after; none where it is not there.
type Commits = (Option<String>, Option<String>);

/// The other repositories that stand in a folder, each with the commit that is meant of it before and after.
fn modules(dir: &Path, commit: &str) -> Result<BTreeMap<PathBuf, Commits>, GitError> {
    let mut found: BTreeMap<PathBuf, Commits> = BTreeMap::new();
    let listed = git(dir, ["ls-tree", "-r", "-z", commit, "--", "."], b"")?;
    let staged = git(dir, ["ls-files", "-s", "-z"], b"")?;
    let is_module = |line: &&[u8]| line.starts_with(b"160000 ");
    let parts = |line: &[u8], at: usize| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let head = String::from_utf8_lossy(&line[..tab]).into_owned();
        Some((path_of(&line[tab + 1..]), head.split(' ').nth(at)?.to_owned()))
    };
    for (path, hash) in split(&listed).filter(is_module).filter_map(|line| parts(line, 2)) {
        found.entry(path).or_default().0 = Some(hash);
    }
    for (path, hash) in split(&staged).filter(is_module).filter_map(|line| parts(line, 1)) {
        // What is checked out is meant, where something is.
        let at = dir.join(&path);
        let head = at
            .join(".git")
            .exists()
            .then(|| git(&at, ["rev-parse", "HEAD"], b"").ok())
            .flatten();
        let head = head.map(|head| String::from_utf8_lossy(&head).trim().to_owned());
        found.entry(path).or_default().1 = Some(head.unwrap_or(hash));
    }
    Ok(found)
}

/// The files that are read by nobody here, where they differ; and links that name something else.
fn others(
    dir: &Path,
    entries: &[Entry],
    all: &BTreeSet<PathBuf>,
    before: &mut Files,
    after: &mut Files,
) -> Result<(), GitError> {
    let known: BTreeSet<PathBuf> = [&*before, &*after]
        .into_iter()
        .flat_map(|side| {
            side.texts
                .iter()
                .map(|(path, _)| path)
                .chain(side.unread.iter().map(|(path, _)| path))
        })
        .cloned()
        .collect();
    let old: BTreeMap<&Path, &Entry> = entries.iter().map(|entry| (entry.path.as_path(), entry)).collect();
    let paths: BTreeSet<&Path> = all.iter().map(PathBuf::as_path).chain(old.keys().copied()).collect();
    let sizes = paths.into_iter().filter(|path| !known.contains(*path)).map(|path| {
        let now = std::fs::symlink_metadata(dir.join(path))
            .ok()
            .filter(|kind| !kind.is_dir());
        (path, now)
    });
    let sizes: Vec<(&Path, Option<std::fs::Metadata>)> = sizes.collect();
    // Those of one size are told apart by what they hold. Git takes names from its root, or whole.
    let whole = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let alike = sizes.iter().filter_map(|(path, now)| {
        let name = path.to_str().filter(|name| !name.contains(['\n', '"']))?;
        let is_alike = now.as_ref()?.is_file() && old.get(path)?.size == Some(now.as_ref()?.len());
        is_alike.then_some(name)
    });
    let alike: Vec<&str> = alike.collect();
    let names: Vec<String> = alike
        .iter()
        .map(|name| whole.join(name).display().to_string())
        .collect();
    let hashes = match names.iter().any(|name| name.contains(['\n', '"'])) {
        true => Vec::new(),
        false => git(
            dir,
            ["hash-object", "--no-filters", "--stdin-paths"],
            names.join("\n").as_bytes(),
        )?,
    };
    let hashes = String::from_utf8_lossy(&hashes).into_owned();
    let same: BTreeSet<&str> = alike
        .iter()
        .zip(hashes.lines())
        .filter(|(name, hash)| old.get(Path::new(name)).is_some_and(|entry| entry.hash == *hash))
        .map(|(name, _)| *name)
        .collect();
    let (mut was, mut is) = (Files::default(), Files::default());
    let mut changed: Vec<&Entry> = Vec::new();
    for (path, now) in &sizes {
        if path.to_str().is_some_and(|name| same.contains(name)) {
            continue;
        }
        if now.as_ref().is_some_and(|now| now.len() <= LARGEST) {
            read(&mut is, dir, path.to_path_buf())?;
        }
        let entry = old
            .get(path)
            .filter(|entry| entry.size.is_some_and(|size| size <= LARGEST));
        changed.extend(entry);
    }
    blobs(dir, &mut was, changed.into_iter())?;
    for (side, found) in [(before, was), (after, is)] {
        let links = found.unread.into_iter().filter(|(_, unread)| unread.why == LINK);
        side.unread.extend(links);
        side.others.extend(found.texts);
    }
    Ok(())
}

/// Where a file stands below the root of its repository, named from a folder of that.
pub fn in_root(root: &Path, file: &Path) -> PathBuf {
    normal(&root.join(file))
}

/// Reads a file of the working tree, without any filter.
fn read(files: &mut Files, dir: &Path, path: PathBuf) -> Result<(), GitError> {
    let shown = dir.join(&path).display().to_string();
    let identify = |path: &Path| {
        let name = path.to_str().unwrap_or_default();
        let hash = git(dir, ["hash-object", "--no-filters", "--", name], b"");
        hash.map_or_else(
            |_| String::new(),
            |hash| String::from_utf8_lossy(&hash).trim().to_owned(),
        )
    };
    let error = |source| super::super::Error::Io { path: shown, source };
    Ok(files.read(dir, path, &identify).map_err(error)?)
}

/// A file as a commit has it.
struct Entry {
    path: PathBuf,
    mode: String,
    hash: String,
    size: Option<u64>,
}

fn split(printed: &[u8]) -> impl Iterator<Item = &[u8]> {
    printed.split(|byte| *byte == 0).filter(|line| !line.is_empty())
}

/// The files of a commit below some paths.
fn tree(dir: &Path, commit: &str, paths: &[&str]) -> Result<Vec<Entry>, GitError> {
    let arguments = [&["ls-tree", "-r", "-z", "--long", commit, "--"], paths].concat();
    let listed = git(dir, arguments, b"")?;
    let entry = |line: &[u8]| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let head = String::from_utf8_lossy(&line[..tab]).into_owned();
        let [mode, "blob", hash, size] = head.split_ascii_whitespace().collect::<Vec<&str>>()[..] else {
            return None;
        };
        Some(Entry {
            path: path_of(&line[tab + 1..]),
            mode: mode.to_owned(),
            hash: hash.to_owned(),
            size: size.parse().ok(),
        })
    };
    Ok(split(&listed).filter_map(entry).collect())
}

/// Reads files of a commit.
fn blobs<'e>(dir: &Path, files: &mut Files, entries: impl Iterator<Item = &'e Entry>) -> Result<(), GitError> {
    let mut wanted: Vec<&Entry> = Vec::new();
    for entry in entries {
        match entry.size.is_some_and(|size| size <= LARGEST) {
            true => wanted.push(entry),
            false => files.leave(entry.path.clone(), LARGE, entry.hash.clone()),
        }
    }
    let asked: String = wanted.iter().map(|entry| format!("{}\n", entry.hash)).collect();
    let found = printed(&git(dir, ["cat-file", "--batch"], asked.as_bytes())?);
    for entry in wanted {
        match found.get(&entry.hash) {
            Some(bytes) if entry.mode == "120000" => {
                files.leave(entry.path.clone(), LINK, String::from_utf8_lossy(bytes).into_owned());
            }
            Some(bytes) => files.put(entry.path.clone(), bytes.clone()),
            None => {}
        }
    }
    Ok(())
}

/// Where a folder lies below the root of its repository: what a forge calls a file starts there.
///
/// # Errors
/// A folder that is no working tree, no `git`.
pub fn below_root(dir: &Path) -> Result<PathBuf, GitError> {
    let printed = git(dir, ["rev-parse", "--show-prefix"], b"")?;
    Ok(path_of(printed.strip_suffix(b"\n").unwrap_or(&printed)))
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// What `cat-file --batch` prints: a line `HASH blob SIZE`, so many bytes, a line feed.
fn printed(mut printed: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    while let Some(end) = printed.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&printed[..end]).into_owned();
        printed = &printed[end + 1..];
        let parts: Vec<&str> = head.split(' ').collect();
        let [hash, "blob", size] = parts[..] else { continue };
        let Some(bytes) = size.parse().ok().and_then(|size: usize| printed.get(..size)) else {
            break;
        };
        found.insert(hash.to_owned(), bytes.to_vec());
        printed = printed.get(bytes.len() + 1..).unwrap_or(&[]);
    }
    found
}

fn git<'a>(dir: &Path, arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Result<Vec<u8>, GitError> {
    let mut command = Command::new("git");
    // What the environment says of repositories, configuration and programs to run is of another repository.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    // A folder of the path that is not absolute may be the repository's own.
    if let Some(path) = std::env::var_os("PATH") {
        let absolute = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        command.env("PATH", std::env::join_paths(absolute).unwrap_or_default());
    }
    command
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("LC_ALL", "C")
        .args([
            "--no-pager",
            "-c",
            "core.fsmonitor=",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "protocol.allow=never",
        ])
        .arg("-C")
        .arg(if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            dir
        })
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(GitError::NoGit)?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let mut out = Vec::new();
    let mut said = String::new();
    std::thread::scope(|scope| {
        // Both ends at once: a full pipe on one side would stop the other.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        let errors = scope.spawn(move || {
            let mut said = String::new();
            stderr.map(|stderr| stderr.take(1 << 16).read_to_string(&mut said));
            said
        });
        let read = child.stdout.take().map(|mut stdout| stdout.read_to_end(&mut out));
        said = errors.join().unwrap_or_default();
        read.transpose()
    })
    .map_err(GitError::NoGit)?;
    let status = child.wait().map_err(GitError::NoGit)?;
    if status.success() {
        return Ok(out);
    }
    let first = said.lines().next().unwrap_or("it failed and said nothing");
    Err(GitError::Said(first.trim_start_matches("fatal: ").to_owned()))
}
