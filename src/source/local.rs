//! Files, folders, globs and standard input.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, Source};

/// Everything that `places` name, each file once, sorted by name. A folder stands for all files in it; hidden files
/// and links to folders are passed over.
///
/// # Errors
/// A place that does not exist, or a glob that is none or fits nothing.
pub fn find(places: &[String]) -> Result<Vec<Source>, Error> {
    let mut found = BTreeSet::new();
    for place in places {
        if place == "-" {
            found.insert(Source::Stdin);
            continue;
        }
        let path = Path::new(place);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => folder(path, &mut found),
            Ok(metadata) => {
                found.insert(file(path.to_owned(), metadata.len()));
            }
            Err(source) if place.contains(['*', '?', '[']) => {
                if source.kind() != std::io::ErrorKind::NotFound {
                    return Err(Error::Missing {
                        place: place.clone(),
                        source,
                    });
                }
                matching(place, &mut found)?;
            }
            Err(source) => {
                return Err(Error::Missing {
                    place: place.clone(),
                    source,
                });
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn file(path: PathBuf, bytes: u64) -> Source {
    Source::File { path, bytes }
}

fn matching(pattern: &str, found: &mut BTreeSet<Source>) -> Result<(), Error> {
    let paths = glob::glob(pattern).map_err(|error| Error::Glob {
        place: pattern.to_owned(),
        why: error.to_string(),
    })?;
    let before = found.len();
    for path in paths {
        // A folder that cannot be listed is met again when it is opened.
        let path = path.unwrap_or_else(|error| error.path().to_owned());
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => folder(&path, found),
            // A file that vanished meanwhile, or may not be looked at, is met again when it is opened.
            Ok(metadata) => {
                found.insert(file(path, metadata.len()));
            }
            Err(_) => {
                found.insert(file(path, 0));
            }
        }
    }
    if found.len() == before {
        return Err(Error::NoMatch {
            place: pattern.to_owned(),
        });
    }
    Ok(())
}

/// Adds the files under a folder. What cannot be listed becomes a source of its own, so that opening it says why.
fn folder(path: &Path, found: &mut BTreeSet<Source>) {
    let Ok(entries) = fs::read_dir(path) else {
        found.insert(file(path.to_owned(), 0));
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                if !is_link {
                    folder(&path, found);
                }
            }
            Ok(metadata) => {
                found.insert(file(path, metadata.len()));
            }
            Err(_) => {
                found.insert(file(path, 0));
            }
        }
    }
}
