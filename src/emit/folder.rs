//! The folder of `--out`: the result, the page, the summary, and a file for each policy with its rollback.
//!
//! Somebody takes the folder into a pull request, so policies of an earlier run that are suggested no longer must go.
//! `manifest.json` says which policies a run wrote; the next one removes those alone, and none that was edited since.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Error, Format, Options, policies, split, write};
use crate::disk;
use crate::report::Report;

/// What a run wrote.
const MANIFEST: &str = "manifest.json";
/// The `schema` of the manifest.
const SCHEMA: &str = "trimtrail.files/1";

/// What became of the folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Files that were written, policies last.
    pub files: Vec<PathBuf>,
    /// Policies of an earlier run that were removed, because they are suggested no longer.
    pub removed: Vec<PathBuf>,
    /// Policies of an earlier run that are suggested no longer, and stay: somebody has edited them.
    pub edited: Vec<PathBuf>,
}

/// The policies that a run wrote, by their place below the folder, each with the SHA-256 of its content.
#[derive(Serialize, Deserialize, Default)]
struct Manifest {
    schema: String,
    files: BTreeMap<String, String>,
}

/// Writes everything below `dir`, and removes policies that an earlier run wrote and this one does not. Held suggestions
/// are left out unless `options.include_held`; a policy that is detached or deleted has no file, `summary.md` says so.
pub fn folder(report: &Report, dir: &Path, options: &Options) -> Result<Written, Error> {
    let mut texts: Vec<(String, String)> = Vec::new();
    for chosen in policies::chosen(report, options.include_held) {
        if chosen.replaces() {
            texts.push((chosen.path(), policies::text(chosen.suggestion.after())?));
            texts.push((chosen.original(), policies::text(chosen.suggestion.before())?));
        }
    }
    texts.extend(split::files(report, options.include_held)?);
    let earlier = manifest(dir);
    let new: BTreeMap<String, String> = texts
        .iter()
        .map(|(name, text)| (name.clone(), hash(text.as_bytes())))
        .collect();
    // Until all is done both are this program's: whatever is left half-way goes with the next run.
    let mut both = earlier.clone();
    both.extend(new.clone());
    if !both.is_empty() {
        put_manifest(dir, both)?;
    }
    let mut written = Written::default();
    for (name, format) in [
        ("result.json", Format::Json),
        ("report.html", Format::Html),
        ("summary.md", Format::Markdown),
    ] {
        written
            .files
            .push(put(dir, name, |out| write(report, format, options, out))?);
    }
    for (name, text) in &texts {
        written
            .files
            .push(put(dir, name, |out| Ok(out.write_all(text.as_bytes())?))?);
    }
    for (name, hash) in earlier.iter().filter(|(name, _)| !new.contains_key(*name)) {
        remove(dir, name, hash, &mut written)?;
    }
    if !(earlier.is_empty() && new.is_empty()) {
        put_manifest(dir, new)?;
    }
    Ok(written)
}

/// What an earlier run wrote, as far as its manifest can be believed: places of policies below the folder.
fn manifest(dir: &Path) -> BTreeMap<String, String> {
    let path = dir.join(MANIFEST);
    let is_file = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
    let text = if is_file {
        fs::read_to_string(&path).unwrap_or_default()
    } else {
        String::new()
    };
    let Ok(Manifest { schema, mut files }) = serde_json::from_str(&text) else {
        return BTreeMap::new();
    };
    files.retain(|name, _| {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let ours = ["policies/", "alternatives/"]
            .iter()
            .any(|start| name.starts_with(start));
        schema == SCHEMA && ours && Path::new(name).components().all(plain)
    });
    files
}

fn put_manifest(dir: &Path, files: BTreeMap<String, String>) -> Result<(), Error> {
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        files,
    };
    put(dir, MANIFEST, |out| Ok(serde_json::to_writer_pretty(out, &manifest)?))?;
    Ok(())
}

/// Removes what an earlier run wrote, if it is still that, and the folders that are empty then.
fn remove(dir: &Path, name: &str, known: &str, written: &mut Written) -> Result<(), Error> {
    let path = place(dir, name);
    let mut folders: Vec<&Path> = path.ancestors().skip(1).take_while(|above| *above != dir).collect();
    let through_link = |path: &&Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    // What lies behind a link is none of ours, and so is what is there no longer.
    if folders.iter().any(through_link) || !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let failed = |source| Error::File {
        path: path.clone(),
        source,
    };
    if hash(&fs::read(&path).map_err(failed)?) != known {
        written.edited.push(path.clone());
        return Ok(());
    }
    fs::remove_file(&path).map_err(failed)?;
    written.removed.push(path.clone());
    // The innermost first; one that holds something else stays.
    folders.retain(|folder| fs::remove_dir(folder).is_ok());
    Ok(())
}

fn place(dir: &Path, name: &str) -> PathBuf {
    name.split('/').fold(dir.to_owned(), |path, part| path.join(part))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whole or not at all.
fn put(dir: &Path, name: &str, fill: impl FnOnce(&mut dyn Write) -> Result<(), Error>) -> Result<PathBuf, Error> {
    let written = disk::replace(dir, &place(Path::new(""), name), |file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        Ok(out.flush()?)
    });
    written.map_err(|error| match error {
        Error::Write(source) => Error::File {
            path: place(dir, name),
            source,
        },
        other => other,
    })
}
