//! Answers of `analyze --ledger`, so that the next one can be compared with the last.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::part::short;
use super::{Error, RESULTS, store};

/// How their names end.
const ENDING: &str = ".json.gz";
/// Most answers that are kept: a year of weeks.
const KEPT: usize = 53;

/// Keeps a `result.json`, named by the end of its window and its content, and compressed: a year of results with some
/// 75 kB a principal each would be gigabytes. Of too many the oldest go; one that is there is not written again.
///
/// # Errors
/// Where the folder cannot be written to.
pub fn keep_result(dir: &Path, window_to: &str, result: &[u8]) -> Result<PathBuf, Error> {
    let folder = dir.join(RESULTS);
    let failed = |source| Error::Io {
        what: "write to",
        path: folder.clone(),
        source,
    };
    let end: String = window_to.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("{end}-{}{ENDING}", &short(&Sha256::digest(result))[..16]);
    let path = folder.join(&name);
    if !path.exists() {
        let mut small = GzEncoder::new(Vec::new(), Compression::default());
        let small = small.write_all(result).and_then(|()| small.finish()).map_err(failed)?;
        store::replace(dir, &format!("{RESULTS}/{name}"), &small)?;
    }
    let mut results = results(dir)?;
    while results.len() > KEPT {
        let oldest = results.remove(0);
        fs::remove_file(&oldest).map_err(failed)?;
    }
    Ok(path)
}

/// The last result that is kept, and the one before it.
///
/// # Errors
/// Where the folder cannot be read.
pub fn last_results(dir: &Path) -> Result<(Option<PathBuf>, Option<PathBuf>), Error> {
    let mut results = results(dir)?;
    let last = results.pop();
    Ok((last, results.pop()))
}

/// By the end of the window, then by when they were written.
fn results(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = dir.join(RESULTS);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(Error::Io {
                what: "list",
                path: folder,
                source,
            });
        }
    };
    let mut results: Vec<(String, SystemTime, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (end, _) = name.strip_suffix(ENDING)?.rsplit_once('-')?;
            let written = entry.metadata().and_then(|data| data.modified());
            Some((end.to_owned(), written.unwrap_or(SystemTime::UNIX_EPOCH), entry.path()))
        })
        .collect();
    results.sort();
    Ok(results.into_iter().map(|(_, _, path)| path).collect())
}
