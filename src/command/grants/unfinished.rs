//! Last-accessed data as it comes, in a file beside the snapshot, so that an interrupted run goes on where it stopped.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::disk;

/// How old an answer may be that is not asked for again.
const FRESH: SignedDuration = SignedDuration::from_hours(12);

/// The file, one answer a line.
pub(super) struct Unfinished {
    path: PathBuf,
    file: Option<File>,
    known: BTreeMap<String, Value>,
}

impl Unfinished {
    /// Reads what a run before this one left beside `output`.
    ///
    /// # Errors
    /// What lies there is no file, or cannot be read.
    pub(super) fn beside(output: &Path, now: Timestamp) -> anyhow::Result<Unfinished> {
        let mut name = output.file_name().unwrap_or_default().to_owned();
        name.push(".last-accessed");
        let path = output.with_file_name(name);
        let text = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Ok(known) if !known.is_file() => bail!("`{}` is no file", path.display()),
            Ok(_) | Err(_) => fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?,
        };
        let mut known = BTreeMap::new();
        // The last line may be torn.
        for data in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let asked = data["JobCreationDate"]
                .as_str()
                .and_then(|text| text.parse::<Timestamp>().ok());
            let is_fresh = asked.is_some_and(|asked| now.duration_since(asked) <= FRESH);
            if let Some(arn) = data["Arn"].as_str().filter(|_| is_fresh) {
                known.insert(arn.to_owned(), data);
            }
        }
        Ok(Unfinished {
            path,
            file: None,
            known,
        })
    }

    /// What was answered before, by ARN.
    pub(super) fn known(&mut self) -> BTreeMap<String, Value> {
        self.known.clone()
    }

    /// Adds an answer. Where it cannot be written, it is asked for again next time.
    pub(super) fn add(&mut self, data: &Value) {
        if self.file.is_none() {
            self.file = self.open().ok();
        }
        if let Some(file) = &mut self.file {
            let _ = file.write_all(format!("{data}\n").as_bytes());
        }
    }

    /// What is known, written anew without what was torn or old.
    fn open(&self) -> std::io::Result<File> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let name = Path::new(self.path.file_name().unwrap_or_default());
        let text: String = self.known.values().map(|data| format!("{data}\n")).collect();
        let path = disk::replace(folder, name, |file| file.write_all(text.as_bytes()))?;
        OpenOptions::new().append(true).open(path)
    }

    /// The snapshot is written: nothing is left to do.
    pub(super) fn done(self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
