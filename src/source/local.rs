//! Files, folders, globs and standard input.

use std::fs::{self, DirEntry, Metadata};
use std::path::{Path, PathBuf};

use super::{Error, Source};

/// Everything that `places` name, each file once, sorted by name. A folder stands for all files in it; hidden files
/// and links to folders are passed over.
///
/// # Errors
/// A place that does not exist, or a glob that is none or fits nothing.
pub fn find(places: &[String]) -> Result<Vec<Source>, Error> {
    let mut found = Vec::new();
    for place in places {
        if place == "-" {
            found.push(Source::Stdin);
            continue;
        }
        let path = Path::new(place);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => folder(path, &mut found),
            Ok(metadata) => {
                found.push(file(path.to_owned(), Some(&metadata)));
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
    found.sort();
    found.dedup_by(|again, first| match (&*again, &*first) {
        (Source::File { path: again, .. }, Source::File { path: first, .. }) => again == first,
        (again, first) => again == first,
    });
    Ok(found)
}

fn file(path: PathBuf, metadata: Option<&Metadata>) -> Source {
    Source::File {
        path,
        bytes: metadata.map_or(0, Metadata::len),
        modified: metadata.and_then(|metadata| metadata.modified().ok()),
    }
}

fn matching(pattern: &str, found: &mut Vec<Source>) -> Result<(), Error> {
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
                found.push(file(path, Some(&metadata)));
            }
            Err(_) => {
                found.push(file(path, None));
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
fn folder(path: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(path) else {
        found.push(file(path.to_owned(), None));
        return;
    };
    // Nearly in the order in which they will stand, which is the faster to sort.
    let mut entries: Vec<DirEntry> = entries.flatten().collect();
    entries.sort_by_cached_key(DirEntry::file_name);
    for entry in entries {
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
                found.push(file(path, Some(&metadata)));
            }
            Err(_) => {
                found.push(file(path, None));
            }
        }
    }
}
