//! A change of files that grant: every policy document, attachment and boundary before and after, and what is new of them.
//!
//! Both sides are read whole, also files that did not change: what they refer to may have. What stands at the same address on
//! both sides is compared; what has no counterpart is wholly new.

mod bans;
mod definitions;
mod files;
mod git;
mod given;
mod judge;
mod likely;
mod node;
mod pairs;
mod plan;
mod public;
mod read;
mod references;
mod repeated;
mod signs;
mod template;
mod terraform;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use bans::Bans;
pub use files::{Files, folders};
pub use git::{below_root, in_root, of_git};
pub use likely::likely;

use read::Side;
use references::References;

/// What else is asked of a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// What nobody may be granted.
    pub bans: Option<&'a Bans>,
    /// Whether resource and trust policies may let in anybody.
    pub not_public: bool,
}

/// All that a change grants anew, takes away or may.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Change {
    /// What was touched, sorted by file and line.
    pub touched: Vec<Touched>,
    /// How many of both sides are the same, and were not looked into.
    pub same: usize,
}

/// Something that grants and was touched.
#[derive(Clone, PartialEq, Debug)]
pub struct Touched {
    /// Its file after the change; before it, where it is gone.
    pub file: PathBuf,
    /// The line that it begins at; `None` in a plan, which has no lines.
    pub line: Option<usize>,
    /// `aws_iam_role_policy.app.policy`, `Resources.Role.Properties.Policies[app].PolicyDocument`
    pub address: String,
    /// How it was touched.
    pub how: How,
    /// What is new, or not proved to be old; nothing where it is proved to grant no more.
    pub findings: Vec<Finding>,
    /// Before and after, where both are documents that are read whole and name nothing that is unknown.
    pub documents: Option<(Value, Value)>,
}

/// How something was touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It was not there before.
    Added,
    /// It was there and says something else now, or is held by others.
    Changed,
    /// It is gone.
    Removed,
    /// It stands as it was, and is listed for what it says.
    Same,
}

impl How {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Same => "same",
        }
    }
}

/// Why somebody has to look.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What kind of finding it is.
    pub kind: FindingKind,
    /// The statement's Sid or place, where it is one.
    pub statement: Option<String>,
    /// The line of the statement.
    pub line: Option<usize>,
    /// The fact, as a sentence.
    pub what: String,
    /// A request that was not allowed before and is now.
    pub example: Option<Example>,
}

/// What kind of finding something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FindingKind {
    /// It grants what was not granted; an example says what.
    New,
    /// It is not proved to grant no more.
    NotProved,
    /// It grants what nobody may be granted.
    Banned,
    /// It lets in anybody.
    Public,
}

impl FindingKind {
    /// A stable word.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::NotProved => "not-proved",
            Self::Banned => "must-not-grant",
            Self::Public => "public",
        }
    }
}

/// A request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// The action.
    pub action: String,
    /// The resource's ARN.
    pub resource: String,
    /// Who asks; `None` where it is whoever the policy hangs on.
    pub principal: Option<String>,
    /// Context keys that the request carries.
    pub context: Vec<(String, Vec<String>)>,
    /// What references are taken to stand for.
    pub references: Vec<(String, String)>,
}

/// What a change of files grants.
pub fn of_files(before: &Files, after: &Files, asked: Asked<'_>) -> Change {
    let mut references = References::default();
    let old = Side::read(before, &mut references);
    let new = Side::read(after, &mut references);
    pairs::compare(&old, &new, &references, asked)
}

/// What a plan of Terraform grants: `terraform show -json PLAN`.
///
/// # Errors
/// What is no such plan.
pub fn of_plan(path: &Path, text: &str, asked: Asked<'_>) -> Result<Change, String> {
    let mut references = References::default();
    let (old, new) = plan::sides(path, text, &mut references)?;
    Ok(pairs::compare(&old, &new, &references, asked))
}

#[cfg(test)]
mod tests;
