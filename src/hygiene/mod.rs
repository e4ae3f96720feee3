//! What deserves attention beside the policies: one file a practice, each a function to its findings.

mod escalation;
mod idle_role;
mod leaned_on_node_role;
mod old_key;
mod password_without_mfa;
mod repeated_denials;
mod root;
mod shared_role;
mod unseen_key;
mod unseen_use;
mod unused_cross_account_trust;
mod unused_key;
mod wide_managed_policy;
mod wildcard_trust;

use crate::catalog::Catalog;
use crate::coverage::Coverage;
use crate::gap::Gap;
use crate::grants::{Credentials, Grants, Principal};
use crate::time::{Window, date_of as day};
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

/// Something about an account rather than about one of its principals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountFinding {
    /// The account.
    pub account: String,
    /// What deserves attention.
    pub finding: Finding,
}

/// What a check of a principal may look at.
pub struct Subject<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// The principal.
    pub principal: &'a Principal,
    /// What it did and is granted.
    pub gap: &'a Gap,
    /// All grants.
    pub grants: &'a Grants,
    /// All calls.
    pub table: &'a Table,
    /// What was read.
    pub coverage: &'a Coverage,
    /// What the archive spans.
    pub window: Window,
}

impl Subject<'_> {
    /// What the credential report says of it, where one was given.
    fn credentials(&self) -> Option<&Credentials> {
        self.grants.supplements.credentials.get(&self.principal.arn)
    }
}

/// What a check of whole accounts may look at.
pub struct Account<'a> {
    /// All grants.
    pub grants: &'a Grants,
    /// All calls.
    pub table: &'a Table,
}

/// A check.
type Check = fn(&Subject<'_>) -> Option<Finding>;

/// Every check of a principal, in the order of its findings.
const CHECKS: [(&str, Check); 13] = [
    ("idle_role", idle_role::check),
    ("old_key", old_key::check),
    ("unused_key", unused_key::check),
    ("unseen_key", unseen_key::check),
    ("unseen_use", unseen_use::check),
    ("password_without_mfa", password_without_mfa::check),
    ("wide_managed_policy", wide_managed_policy::check),
    ("escalation", escalation::check),
    ("wildcard_trust", wildcard_trust::check),
    ("unused_cross_account_trust", unused_cross_account_trust::check),
    ("shared_role", shared_role::check),
    ("leaned_on_node_role", leaned_on_node_role::check),
    ("repeated_denials", repeated_denials::check),
];

/// All findings about one principal.
pub fn findings(subject: &Subject<'_>) -> Vec<Finding> {
    CHECKS.iter().filter_map(|(_, check)| check(subject)).collect()
}

/// All findings about accounts.
pub fn account_findings(account: &Account<'_>) -> Vec<AccountFinding> {
    root::check(account)
}

#[cfg(test)]
mod tests;
