//! Exports on disk: a file, or a folder of them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, Grants, read, snapshot};

/// Reads the exports at `paths`; a folder stands for the `.json` files in it, at any depth.
///
/// # Errors
/// A file that cannot be read or is no export; see [`Error`].
pub fn load(paths: &[PathBuf]) -> Result<Grants, Error> {
    read(&exports(paths)?)
}

/// The exports at `paths`, each with its name; a snapshot stands for the pages it holds.
///
/// # Errors
/// A file that cannot be read, or nothing there.
pub fn exports(paths: &[PathBuf]) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    for path in paths {
        find(path, &mut files, true)?;
    }
    files.sort();
    files.dedup();
    let mut texts = Vec::new();
    for file in files {
        let bytes = fs::read(&file).map_err(|source| Error::Io {
            path: file.display().to_string(),
            source,
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        texts.extend(snapshot::exports(file.display().to_string(), text)?);
    }
    if texts.is_empty() {
        let name = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Error::Empty { name });
    }
    Ok(texts)
}

fn find(path: &Path, files: &mut Vec<PathBuf>, named: bool) -> Result<(), Error> {
    let error = |source| Error::Io {
        path: path.display().to_string(),
        source,
    };
    if fs::metadata(path).map_err(error)?.is_dir() {
        for entry in fs::read_dir(path).map_err(error)? {
            let entry = entry.map_err(error)?;
            // A link back up would never end; links to files are followed.
            if entry.file_type().map_err(error)?.is_symlink() && entry.path().is_dir() {
                continue;
            }
            find(&entry.path(), files, false)?;
        }
    } else if named || path.extension().is_some_and(|extension| extension == "json") {
        files.push(path.to_owned());
    }
    Ok(())
}
