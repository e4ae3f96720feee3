//! What `patch --write` replaced, noted beside the result, so that `--revert` can put the bytes back.

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Change, Error, Plan, change, io_error};
use crate::disk;

/// The `schema` field of a note.
const SCHEMA: &str = "trimtrail.patched/1";

/// Files that were written, those of each run together, the last run last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Undo {
    schema: String,
    runs: Vec<Vec<Written>>,
}

/// A file that was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Written {
    /// Below the folder that was given.
    path: PathBuf,
    before: String,
    after: String,
}

impl Undo {
    /// Notes the files of a plan for `dir` in `note`, behind those of earlier runs, and writes them.
    ///
    /// # Errors
    /// A note that cannot be read or written, and what [`super::write`] says; then nothing is written.
    pub fn write(plan: &Plan, dir: &Path, note: &Path) -> Result<(), Error> {
        if plan.files.is_empty() {
            return Ok(());
        }
        let known = Undo::read(note)?;
        let mut undo = known.clone().unwrap_or(Undo {
            schema: SCHEMA.to_owned(),
            runs: Vec::new(),
        });
        let files = plan.files.iter().map(|file| Written {
            path: file.path.strip_prefix(dir).unwrap_or(&file.path).to_owned(),
            before: file.before.clone(),
            after: file.after.clone(),
        });
        undo.runs.push(files.collect());
        undo.save(note)?;
        if let Err(error) = super::write(plan) {
            match known {
                Some(known) => known.save(note)?,
                None => fs::remove_file(note).map_err(|source| io_error(note, source))?,
            }
            return Err(error);
        }
        Ok(())
    }

    fn read(note: &Path) -> Result<Option<Undo>, Error> {
        let text = match fs::read_to_string(note) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(note, error)),
        };
        let wrong = |why: String| Error::Undo {
            path: note.display().to_string(),
            why,
        };
        let undo: Undo = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let is_below = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        if undo.schema != SCHEMA {
            return Err(wrong(format!(
                "schema `{}`, this program reads `{SCHEMA}`",
                undo.schema
            )));
        }
        match undo.runs.iter().flatten().find(|file| !is_below(&file.path)) {
            Some(file) => Err(wrong(format!("`{}` leads out of the folder", file.path.display()))),
            None => Ok(Some(undo)),
        }
    }

    fn save(&self, note: &Path) -> Result<(), Error> {
        let folder = note.parent().unwrap_or(Path::new(""));
        let name = note.file_name().map_or(Path::new(""), Path::new);
        let written = disk::replace(folder, name, |out| -> std::io::Result<()> {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        });
        written.map(drop).map_err(|source| io_error(note, source))
    }
}

/// Puts back what the runs that a note tells of replaced in `dir`, the last first: all of it or nothing. The files.
///
/// # Errors
/// No note, or a file that is not as the run left it.
pub fn revert(dir: &Path, note: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(undo) = Undo::read(note)? else {
        return Err(Error::Nothing(note.display().to_string()));
    };
    // Of each file the first `before` takes the place of the last `after`.
    let mut files: Vec<(PathBuf, &str, &str)> = Vec::new();
    for file in undo.runs.iter().flatten() {
        let path = dir.join(&file.path);
        match files.iter_mut().find(|(known, _, _)| *known == path) {
            Some((_, _, now)) => *now = &file.after,
            None => files.push((path, &file.before, &file.after)),
        }
    }
    let all: Vec<Change<'_>> = files
        .iter()
        .map(|(path, before, after)| Change {
            path,
            from: after,
            to: before,
        })
        .collect();
    change(&all)?;
    fs::remove_file(note).map_err(|source| io_error(note, source))?;
    Ok(files.into_iter().map(|(path, _, _)| path).collect())
}
