//! What deserves attention beside the policies: one file a practice, each a function from a principal to its findings.

mod idle_role;
mod old_key;
mod wide_managed_policy;

use crate::gap::Gap;
use crate::grants::{Grants, Principal};
use crate::usage::Table;

/// How much a finding weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Good to know.
    Low,
    /// Worth a ticket.
    Medium,
    /// Worth today.
    High,
}

/// Something that deserves attention.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// A stable name.
    pub id: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The practice that it breaks.
    pub practice: &'static str,
    /// One line.
    pub title: String,
    /// What was seen.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Facts that it rests on.
    pub evidence: Vec<String>,
}

/// What a check may look at.
pub struct Subject<'a> {
    /// The principal.
    pub principal: &'a Principal,
    /// What it did and is granted.
    pub gap: &'a Gap,
    /// All grants.
    pub grants: &'a Grants,
    /// All calls.
    pub table: &'a Table,
    /// First and last second of the archive.
    pub window: (i64, i64),
}

/// A check.
type Check = fn(&Subject<'_>) -> Option<Finding>;

/// Every check, in the order of its findings.
const CHECKS: [(&str, Check); 3] = [
    ("idle_role", idle_role::check),
    ("old_key", old_key::check),
    ("wide_managed_policy", wide_managed_policy::check),
];

/// All findings about one principal.
pub fn findings(subject: &Subject<'_>) -> Vec<Finding> {
    CHECKS.iter().filter_map(|(_, check)| check(subject)).collect()
}

/// `2026-10-03`
fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}
