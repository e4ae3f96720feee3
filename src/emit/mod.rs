//! One file per format, no decisions: from the answer as one value to bytes.
//!
//! Names, log fields and policies are written by strangers; [`escape`] holds one function for each place they go to.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use crate::patch::WrittenAt;
use crate::report::{Report, Written};

pub mod change;
mod changes;
mod comment;
mod coverage;
mod csv;
mod decisions;
mod diff;
pub mod finding;
mod practices;
pub mod escape;
mod folder;
mod html;
mod integrity;
pub mod inventory;
mod json;
mod mapped;
mod markdown;
#[cfg(feature = "polars")]
mod parquet;
mod policies;
mod rdjson;
mod sarif;
pub mod split;
mod terminal;
mod view;

pub use changes::changes;
pub use coverage::coverage;
pub use diff::unified;
pub use folder::folder;
pub use integrity::integrity;
pub use json::json;
pub use mapped::mapped;
pub use practices::practices;
pub(crate) use view::short as short_name;

/// A form that the answer takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Format {
    /// The first screen, a table of principals, and what to do next.
    Terminal,
    /// `result.json`: everything, for programs.
    Json,
    /// The comment on a pull request.
    Markdown,
    /// A unified diff of the policies.
    Diff,
    /// One self-contained page.
    Html,
    /// Findings for code scanning (SARIF 2.1.0).
    Sarif,
    /// The same for reviewdog (Reviewdog Diagnostic Format).
    Rdjson,
    /// One row for each principal and action.
    Csv,
    /// The rows of [`Format::Csv`] as a typed table.
    #[cfg(feature = "polars")]
    Parquet,
}

impl Format {
    /// Every format of this build.
    pub const ALL: &[Format] = &[
        Format::Terminal,
        Format::Json,
        Format::Markdown,
        Format::Diff,
        Format::Html,
        Format::Sarif,
        Format::Rdjson,
        Format::Csv,
        #[cfg(feature = "polars")]
        Format::Parquet,
    ];

    /// The name as the command line writes it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Terminal => "terminal",
            Format::Json => "json",
            Format::Markdown => "markdown",
            Format::Diff => "diff",
            Format::Html => "html",
            Format::Sarif => "sarif",
            Format::Rdjson => "rdjson",
            Format::Csv => "csv",
            #[cfg(feature = "polars")]
            Format::Parquet => "parquet",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no format `{name}`; {}", names())]
pub struct UnknownFormat {
    /// What was written.
    pub name: String,
}

/// `terminal, json, …`
fn names() -> String {
    let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    names.join(", ")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Format, UnknownFormat> {
        Format::ALL
            .iter()
            .copied()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// What a reader may choose about the form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to write colours.
    pub colour: bool,
    /// Whether suggestions that are held count as applicable.
    pub include_held: bool,
    /// How much to say beyond the first screen.
    pub verbose: u8,
    /// The file that holds the answer, for the commands that read it; `None` where it is not written anywhere.
    pub result: Option<PathBuf>,
    /// Where policies are written, by ARN and name: the results of code scanning and reviewdog point there.
    pub sources: BTreeMap<(String, String), WrittenAt>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            width: 100,
            colour: false,
            include_held: false,
            verbose: 0,
            result: None,
            sources: BTreeMap::new(),
        }
    }
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The reader went away, or the disk is full.
    #[error("cannot write the report")]
    Write(#[from] io::Error),
    /// A file of the folder.
    #[error("cannot write `{path}`")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Changes since the last result, in a form that holds none.
    #[error("no form `{0}` for what changed; terminal, markdown, html or json")]
    NoChanges(Format),
    /// A value that JSON cannot hold.
    #[error("cannot write the report as JSON")]
    Json(#[from] serde_json::Error),
    /// The page's template.
    #[error("cannot fill the page")]
    Html(#[from] minijinja::Error),
    /// The table's rows.
    #[error("cannot write the table")]
    Csv(#[from] ::csv::Error),
    /// The typed table.
    #[cfg(feature = "polars")]
    #[error("cannot write the Parquet table")]
    Parquet(#[from] polars_core::prelude::PolarsError),
}

/// Writes `report` in one form.
pub fn write(report: &Report, format: Format, options: &Options, out: &mut dyn Write) -> Result<(), Error> {
    match format {
        Format::Terminal => terminal::write(report, options, out),
        Format::Json => json(&Written::of(report), out),
        Format::Markdown => markdown::write(report, options, out),
        Format::Diff => diff::write(report, options, out),
        Format::Html => html::write(report, out),
        Format::Sarif => sarif::write(report, options, out),
        Format::Rdjson => rdjson::write(report, options, out),
        Format::Csv => csv::write(report, out),
        #[cfg(feature = "polars")]
        Format::Parquet => parquet::write(report, out),
    }
}

#[cfg(test)]
mod tests;
