//! A catalog given at run time, as `catalog refresh` writes it, so that an old program need not think like one.
//!
//! It replaces what AWS publishes: services, actions, operations, managed policies. What was written by hand beside
//! them is this build's. Whoever made the folder is a stranger: it is bounded, checked, and refused with a sentence.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::sections::{Sections, sections};
use super::table::{Table, unpack_text};
use super::{Catalog, embedded, read_sources};
use crate::help::Help;

/// Most bytes of one file …
const FILE: u64 = 16 << 20;
/// … of all services together, and of the managed policies unpacked …
const ALL: usize = 256 << 20;
/// … and most services.
const SERVICES: usize = 4096;
/// A catalog with less than this share of this build's actions is torn.
const LEAST: f64 = 0.9;

/// Why a folder is no catalog to work with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system said no.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not what `catalog refresh` writes.
    #[error("`{path}` is no catalog: {why}")]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// This program knows more.
    #[error("the catalog in `{path}` is of {date}, older than this program's own of {own}")]
    Older {
        /// The folder.
        path: PathBuf,
        /// Its day.
        date: String,
        /// The day of the embedded one.
        own: String,
    },
    /// Asked for too late.
    #[error("another catalog is in use already")]
    InUse,
}

impl Help for Error {
    fn help(&self) -> Option<&'static str> {
        Some("give the folder that `trimtrail catalog refresh --to DIR` wrote, or leave --catalog out")
    }
}

/// The day of the catalog that this build carries.
pub fn embedded_date() -> String {
    read_sources(&unpack_text(embedded!("sources.z"))).0
}

/// The day of the catalog in a folder, of which nothing else is read.
///
/// # Errors
/// No day stands there.
pub fn date_of(folder: &Path) -> Result<String, Error> {
    Ok(sources_of(folder)?.0)
}

fn sources_of(folder: &Path) -> Result<(String, Vec<super::Source>), Error> {
    let (date, sources) = read_sources(&text(&folder.join("sources.tsv"))?);
    match date.parse::<jiff::civil::Date>() {
        Ok(_) => Ok((date, sources)),
        Err(_) => Err(damaged(folder, "sources.tsv names no day")),
    }
}

fn damaged(folder: &Path, why: impl Into<String>) -> Error {
    Error::Damaged {
        path: folder.to_owned(),
        why: why.into(),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    // A pipe or device would never end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(damaged(path, "not a file"));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE {
        return Err(damaged(path, format!("more than {FILE} bytes")));
    }
    Ok(bytes)
}

fn text(path: &Path) -> Result<String, Error> {
    String::from_utf8(bytes(path)?).map_err(|_| damaged(path, "not UTF-8"))
}

impl Catalog {
    /// Reads the catalog in a folder.
    ///
    /// # Errors
    /// It is damaged, or older than this build's.
    pub fn read(folder: &Path) -> Result<Catalog, Error> {
        let (date, sources) = sources_of(folder)?;
        let own = embedded_date();
        if date < own {
            let path = folder.to_owned();
            return Err(Error::Older { path, date, own });
        }
        let files = service_files(folder)?;
        let all = files.iter().map(|(prefix, text)| (prefix.as_str(), text.as_str()));
        let Sections {
            services,
            actions,
            details,
            arns,
            operations,
        } = sections(all).map_err(|why| damaged(folder, why))?;
        // Names are cut at words, and compared as bytes.
        for section in [&actions, &details, &arns, &operations] {
            let odd = section
                .lines()
                .find(|line| !line.bytes().all(|byte| byte == b'\t' || (32..127).contains(&byte)));
            if let Some(line) = odd {
                let name = line.split('\t').next().unwrap_or("");
                return Err(damaged(folder, format!("`{}` is not plain ASCII", name.escape_debug())));
            }
        }
        let catalog = Catalog {
            details: OnceLock::from(Table::new(details)),
            arns: OnceLock::from(Table::new(arns)),
            operations: OnceLock::from(Table::new(operations)),
            policies: managed_policies(folder)?,
            ..Catalog::of(Table::new(actions), Table::new(services), date, sources)
        };
        let known = Table::unpack(embedded!("actions.z")).len();
        if (catalog.len() as f64) < known as f64 * LEAST {
            let why = format!(
                "it names {} actions, and this program knows {known}: it seems torn",
                catalog.len()
            );
            return Err(damaged(folder, why));
        }
        for core in ["iam:PassRole", "s3:GetObject", "sts:AssumeRole"] {
            if catalog.id(core).is_none() {
                return Err(damaged(folder, format!("it does not know {core}")));
            }
        }
        Ok(catalog)
    }
}

/// The services' files with their prefixes, sorted.
fn service_files(folder: &Path) -> Result<Vec<(String, String)>, Error> {
    let services = folder.join("services");
    let failed = |source| Error::Io {
        path: services.clone(),
        source,
    };
    let mut files = Vec::new();
    let mut read = 0;
    for entry in fs::read_dir(&services).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(prefix) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".tsv")) else {
            continue;
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if prefix.is_empty() || !prefix.bytes().all(plain) {
            return Err(damaged(&path, "no service is named so"));
        }
        let text = text(&path)?;
        read += text.len();
        if read > ALL || files.len() == SERVICES {
            return Err(damaged(folder, "more than any catalog holds"));
        }
        files.push((prefix.to_owned(), text));
    }
    files.sort();
    Ok(files)
}

/// The managed policies of a folder; this build's where it holds none.
fn managed_policies(folder: &Path) -> Result<OnceLock<Table>, Error> {
    let path = folder.join("managed_policies.tsv.gz");
    if !path.exists() {
        return Ok(OnceLock::new());
    }
    let packed = bytes(&path)?;
    let mut text = String::new();
    let limit = ALL as u64;
    let read = flate2::read::GzDecoder::new(packed.as_slice())
        .take(limit)
        .read_to_string(&mut text);
    if read.is_err() || text.len() as u64 == limit || !text.is_empty() && !text.ends_with('\n') {
        return Err(damaged(&path, "not the compressed text that was written"));
    }
    Ok(OnceLock::from(Table::new(text)))
}

#[cfg(test)]
mod tests;
