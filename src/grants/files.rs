//! Exports on disk: a file, or a folder of them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, Grants, Supplements, read, snapshot};

/// What lies in files.
#[derive(Clone, Debug, Default)]
pub struct Exports {
    /// Pages of grants, each with its name.
    pub pages: Vec<(String, String)>,
    /// What snapshots hold beside theirs.
    pub beside: Supplements,
}

impl Exports {
    /// What they grant.
    ///
    /// # Errors
    /// A page that is no export; see [`Error`].
    pub fn read(self) -> Result<Grants, Error> {
        Ok(Grants {
            supplements: self.beside,
            ..read(&self.pages)?
        })
    }
}

/// Reads the exports at `paths`; a folder stands for the `.json` files in it, at any depth.
///
/// # Errors
/// A file that cannot be read or is no export; see [`Error`].
pub fn load(paths: &[PathBuf]) -> Result<Grants, Error> {
    exports(paths)?.read()
}

/// The exports at `paths`; a snapshot stands for the pages it holds.
///
/// # Errors
/// A file that cannot be read, or nothing there.
pub fn exports(paths: &[PathBuf]) -> Result<Exports, Error> {
    let mut files = Vec::new();
    for path in paths {
        find(path, &mut files, true)?;
    }
    files.sort();
    files.dedup();
    let mut exports = Exports::default();
    for file in files {
        let bytes = fs::read(&file).map_err(|source| Error::Io {
            path: file.display().to_string(),
            source,
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        snapshot::read(file.display().to_string(), text, &mut exports)?;
    }
    if exports.pages.is_empty() {
        let name = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Error::Empty { name });
    }
    Ok(exports)
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
        // A pipe would be waited for without end.
        if !named && !fs::metadata(path).map_err(error)?.is_file() {
            let why = "no regular file: in a folder of grants nothing else is read";
            return Err(error(std::io::Error::other(why)));
        }
        files.push(path.to_owned());
    }
    Ok(())
}
