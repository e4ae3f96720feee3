//! Files as a commit of Git has them, read by the `git` program: no hook, filter, pager or other program of the
//! repository's or the user's runs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Texts, may_hold, texts};
use crate::patch::LARGEST;

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
    Folder(#[from] super::Error),
}

/// The files of `dir` as the commit `base` has them, and as they are now.
///
/// Blobs are read as they are stored, so that neither the index nor a filter decides what is compared.
///
/// # Errors
/// A folder that is no working tree, a commit that is not known, no `git`.
pub fn of_git(dir: &Path, base: &str) -> Result<(Texts, Texts), GitError> {
    if base.starts_with('-') || base.is_empty() || base.contains([':', '\0', '\n']) {
        return Err(GitError::Base(base.to_owned()));
    }
    let now = texts(dir)?;
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
    // Below the folder alone, with paths from there.
    let listed = git(dir, ["ls-tree", "-r", "-z", "--long", &commit, "--", "."], b"")?;
    let mut wanted: Vec<(PathBuf, String)> = Vec::new();
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else {
            continue;
        };
        let (head, path) = (
            String::from_utf8_lossy(&line[..tab]).into_owned(),
            path_of(&line[tab + 1..]),
        );
        let parts: Vec<&str> = head.split_ascii_whitespace().collect();
        // Only regular files: neither links nor submodules.
        let [mode @ ("100644" | "100755"), "blob", hash, size] = parts[..] else {
            continue;
        };
        let _ = mode;
        if size.parse::<u64>().is_ok_and(|size| size <= LARGEST) && may_hold(&path) {
            wanted.push((path, hash.to_owned()));
        }
    }
    let asked: String = wanted.iter().map(|(_, hash)| format!("{hash}\n")).collect();
    let blobs = blobs(&git(dir, ["cat-file", "--batch"], asked.as_bytes())?);
    let mut before: Texts = Vec::new();
    for (path, hash) in wanted {
        if let Some(text) = blobs.get(&hash).and_then(|bytes| String::from_utf8(bytes.clone()).ok()) {
            before.push((path, text));
        }
    }
    before.sort();
    Ok((before, now))
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
fn blobs(mut printed: &[u8]) -> BTreeMap<String, Vec<u8>> {
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

fn git<const N: usize>(dir: &Path, arguments: [&str; N], input: &[u8]) -> Result<Vec<u8>, GitError> {
    let mut command = Command::new("git");
    // What the environment says of repositories, configuration and programs to run is of another repository.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
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
