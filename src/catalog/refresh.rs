//! Derives the catalog's text from unpacked packages of the public registries. No network, no clock: same packages,
//! same bytes.
//!
//! Tables written by hand (`hand.tsv`, `aliases.tsv`, …) are read, never written.

mod bind;
mod described;
mod hand;
mod handles;
mod lifecycles;
mod operations;
mod packages;
mod report;
mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub use report::Report;

use packages::Packages;

/// Why the catalog could not be refreshed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of a package is missing or unreadable.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of a package is not the JSON that was expected.
    #[error("unexpected content in `{path}`: {why}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
    /// A list names fewer second actions than the committed one: a page or package has dropped them.
    #[error("the lists no longer say that `{action}` needs {gone}, nor do {others} others what they need")]
    Shrunk {
        /// The first action.
        action: String,
        /// What it needed.
        gone: String,
        /// How many more actions lose some.
        others: usize,
    },
    /// The result could not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Reads the packages under `from` (one folder per package, each unpacked from its wheel) and writes the generated text
/// under `to` (the catalog's `data` folder, which holds the tables written by hand).
pub fn run(from: &Path, to: &Path) -> Result<Report, Error> {
    let mut packages = Packages::read(from)?;
    let hand = hand::HandTables::read(to)?;
    packages.add_dependents(&hand.further);
    packages.add_described();
    let mut compiled = operations::compile(&packages, &hand);

    let services = to.join("services");
    fs::create_dir_all(&services).map_err(|source| Error::Write {
        path: services.clone(),
        source,
    })?;
    keeps_dependents(&services, &packages)?;
    let mut written = BTreeSet::new();
    for (prefix, display) in &packages.services {
        let path = services.join(format!("{prefix}.tsv"));
        write(&path, service_text(prefix, display, &packages, &compiled).as_bytes())?;
        written.insert(path);
    }
    remove_others(&services, &written)?;
    write(&to.join("two_sided.tsv"), two_sided_text(&compiled).as_bytes())?;
    write(&to.join("sources.tsv"), sources_text(&packages).as_bytes())?;
    write_policies(&to.join("managed_policies.tsv.gz"), &packages.policies)?;
    let lifecycles = lifecycles::derive(&packages);
    write(&to.join("lifecycles.tsv"), lifecycles.text.as_bytes())?;
    write(
        &to.join("handles.tsv"),
        handles::derive(&packages, &compiled).as_bytes(),
    )?;
    compiled.report.kinds = lifecycles.kinds;
    compiled.report.outside = lifecycles.unknown.into_iter().collect();
    Ok(compiled.report)
}

fn service_text(prefix: &str, display: &str, packages: &Packages, compiled: &operations::Compiled) -> String {
    let mut text = format!("service\t{prefix}\t{display}\n");
    let none = BTreeMap::new();
    for action in packages.actions.get(prefix).unwrap_or(&none).values() {
        let full = format!("{prefix}:{}", action.name.to_ascii_lowercase());
        let api = if compiled.authorising.contains(&full) {
            "api"
        } else {
            "-"
        };
        let types: Vec<String> = action
            .types
            .iter()
            .map(|(name, required)| format!("{name}{}", if *required { "*" } else { "" }))
            .collect();
        let _ = writeln!(
            text,
            "action\t{}\t{}\t{api}\t{}\t{}\t{}",
            action.name,
            action.level,
            types.join(" "),
            action.keys.iter().cloned().collect::<Vec<_>>().join(" "),
            action.dependents.iter().cloned().collect::<Vec<_>>().join(" "),
        );
    }
    for (name, formats) in packages.arns.get(prefix).into_iter().flatten() {
        let _ = writeln!(text, "arn\t{name}\t{}", formats.join(" "));
    }
    for (name, step, needs) in compiled.lines.get(prefix).into_iter().flat_map(BTreeMap::values) {
        let _ = writeln!(text, "operation\t{name}\t{step}\t{needs}");
    }
    text
}

/// Second actions come from a page that AWS has stopped to publish: what the committed text knows of an action that is
/// still there must not go.
fn keeps_dependents(services: &Path, packages: &Packages) -> Result<(), Error> {
    let mut lost = Vec::new();
    for prefix in packages.services.keys() {
        let Ok(text) = fs::read_to_string(services.join(format!("{prefix}.tsv"))) else {
            continue;
        };
        for line in text.lines() {
            let ["action", name, _, _, _, _, dependents] = line.split('\t').collect::<Vec<_>>()[..] else {
                continue;
            };
            let Some((_, action)) = packages.action(&format!("{prefix}:{name}")) else {
                continue;
            };
            let gone: Vec<&str> = dependents
                .split_ascii_whitespace()
                .filter(|known| packages.action(known).is_some() && !action.dependents.contains(*known))
                .collect();
            if !gone.is_empty() {
                lost.push((format!("{prefix}:{name}"), gone.join(", ")));
            }
        }
    }
    match lost.first() {
        None => Ok(()),
        Some((action, gone)) => Err(Error::Shrunk {
            action: action.clone(),
            gone: gone.clone(),
            others: lost.len() - 1,
        }),
    }
}

/// The SDK's documented examples, as events: one a line.
///
/// # Errors
/// Where a file cannot be read.
pub fn examples(from: &Path) -> Result<String, Error> {
    packages::examples(from)
}

fn two_sided_text(compiled: &operations::Compiled) -> String {
    let mut text = "# Operations of which several parameters may name resources of one type, and how it is told which action is on \
                    which.\n# Derived by `catalog refresh`; sorted.\n# prefix\toperation\tresource type\tparameters\ttold\n"
        .to_owned();
    for ((prefix, operation, kind), (parameters, told)) in &compiled.two_sided {
        let _ = writeln!(text, "{prefix}\t{operation}\t{kind}\t{parameters}\t{told}");
    }
    text
}

fn sources_text(packages: &Packages) -> String {
    let mut text = format!("date\t{}\n", packages.date);
    for (name, version, licence) in &packages.versions {
        let _ = writeln!(text, "package\t{name}\t{version}\t{licence}");
    }
    text
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

/// Files of services that AWS no longer lists go.
fn remove_others(folder: &Path, keep: &BTreeSet<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(|source| Error::Read {
        path: folder.to_owned(),
        source,
    })? {
        let path = entry
            .map_err(|source| Error::Read {
                path: folder.to_owned(),
                source,
            })?
            .path();
        if !keep.contains(&path) && path.extension().is_some_and(|extension| extension == "tsv") {
            fs::remove_file(&path).map_err(|source| Error::Write {
                path: path.clone(),
                source,
            })?;
        }
    }
    Ok(())
}

fn write_policies(path: &Path, policies: &BTreeMap<String, (String, String)>) -> Result<(), Error> {
    let text: String = policies
        .values()
        .map(|(name, document)| format!("{name}\t{document}\n"))
        .collect();
    let failed = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).map_err(failed)?;
    write(path, &encoder.finish().map_err(failed)?)
}

#[cfg(test)]
mod tests;
