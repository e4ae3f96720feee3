//! The folder of `--out`: the result, the page, the summary, and a file for each policy with its rollback.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Error, Format, Options, policies, write};
use crate::report::Report;

/// Writes everything below `dir` and names the files, policies last. Held suggestions are left out unless
/// `options.include_held`; a policy that is detached or deleted has no file, `summary.md` says so.
pub fn folder(report: &Report, dir: &Path, options: &Options) -> Result<Vec<PathBuf>, Error> {
    let mut written = Vec::new();
    for (name, format) in [
        ("result.json", Format::Json),
        ("report.html", Format::Html),
        ("summary.md", Format::Markdown),
    ] {
        let mut bytes = Vec::new();
        write(report, format, options, &mut bytes)?;
        written.push(put(dir, name, &bytes)?);
    }
    for chosen in policies::chosen(report, options.include_held) {
        if chosen.replaces() {
            let (before, after) = (&chosen.suggestion.before, &chosen.suggestion.after);
            written.push(put(dir, &chosen.path(), policies::text(after)?.as_bytes())?);
            written.push(put(dir, &chosen.original(), policies::text(before)?.as_bytes())?);
        }
    }
    Ok(written)
}

/// Whole or not at all: the bytes go to a file beside, which then takes the name.
fn put(dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
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
    let result = File::create(&partial)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, &path));
    if let Err(source) = result {
        // The reader learns why it failed; what is left of the file helps nobody.
        let _ = fs::remove_file(&partial);
        return Err(Error::File { path, source });
    }
    Ok(path)
}
