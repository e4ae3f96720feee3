//! The folder of `--out`: the result, the page, the summary, and a file for each policy with its rollback.

use std::fs::{self, File};
use std::io::{BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use super::{Error, Format, Options, policies, write};
use crate::report::{Report, Suggestion};

/// Writes everything below `dir` and names the files, policies last. Held suggestions are left out unless
/// `options.include_held`; a policy that is detached or deleted has no file, `summary.md` says so.
pub fn folder(report: &Report, dir: &Path, options: &Options) -> Result<Vec<PathBuf>, Error> {
    let mut written = Vec::new();
    for (name, format) in [
        ("result.json", Format::Json),
        ("report.html", Format::Html),
        ("summary.md", Format::Markdown),
    ] {
        written.push(put(dir, name, |out| write(report, format, options, out))?);
    }
    for chosen in policies::chosen(report, options.include_held) {
        if chosen.replaces() {
            let Suggestion { before, after, .. } = chosen.suggestion;
            for (name, policy) in [(chosen.path(), after), (chosen.original(), before)] {
                written.push(put(dir, &name, |out| {
                    Ok(out.write_all(policies::text(policy)?.as_bytes())?)
                })?);
            }
        }
    }
    Ok(written)
}

/// Whole or not at all: what `fill` writes goes to a file beside, which then takes the name.
fn put(dir: &Path, name: &str, fill: impl FnOnce(&mut dyn Write) -> Result<(), Error>) -> Result<PathBuf, Error> {
    let path = name.split('/').fold(dir.to_owned(), |path, part| path.join(part));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    let mut partial = path.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let result = File::create(&partial).map_err(Error::from).and_then(|file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        out.into_inner().map_err(IntoInnerError::into_error)?.sync_all()?;
        Ok(fs::rename(&partial, &path)?)
    });
    if let Err(error) = result {
        // The reader learns why it failed; what is left of the file helps nobody.
        let _ = fs::remove_file(&partial);
        return Err(match error {
            Error::Write(source) => Error::File { path, source },
            other => other,
        });
    }
    Ok(path)
}
