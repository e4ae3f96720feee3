//! What deserves attention beside the policies: one file a check, each with an id, the practice that it serves and what
//! there is to know about it.

mod administrator_through_roles;
mod annotation_without_effect;
mod association_without_trust;
mod between_irsa_and_pod_identity;
mod denied;
mod empty_group;
mod escalation;
mod graph;
mod idle_role;
mod idle_user;
mod instance_metadata_v1;
mod leaned_on_node_role;
mod log_files_lost;
mod old_key;
mod pass_through_role;
mod password_without_mfa;
mod pod_role_never_taken;
mod practice;
mod repeated_denials;
mod retire;
mod role_cycle;
mod role_in_several_clusters;
mod roles_without_boundary;
mod root_key;
mod root_use;
mod root_without_mfa;
mod service_account_with_several_roles;
mod shared_role;
mod trail_leaves_out;
mod trail_stopped;
mod trail_without_validation;
mod unattached_policy;
mod unconditional_cross_account_trust;
mod undeclared_service_account;
mod unseen_key;
mod unseen_use;
mod untrusted_service_account;
mod unused;
mod unused_cross_account_trust;
mod unused_identity_provider;
mod unused_instance_profile;
mod unused_key;
mod wide_aws_managed_policy;
mod wide_role_narrow_sessions;
mod wildcard_trust;

use crate::catalog::Catalog;
use crate::gap::Gap;
use crate::grants::{Credentials, Grants, Kind, PolicyIndex, Principal};
use crate::iam::PolicyText;
use crate::rightsize::{self, Proposal};
use crate::time::date_of as day;
use crate::usage::Table;
use crate::verify::{Proved, Verified};

pub use graph::Graph;
pub use graph::strangers::{strangers, trusted};
pub use graph::takes::{Hierarchy, Takes, takers};
pub use practice::Practice;
pub use unused::{Across, Ground, has_old_credentials};

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
    /// The check's stable name.
    pub id: &'static str,
    /// Stable from run to run: the check, whose it is, and which of several.
    pub key: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The practice that it belongs to.
    pub practice: Practice,
    /// One line.
    pub title: String,
    /// What was seen.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// The same as commands in a safe order, each with what undoes it.
    pub commands: Vec<String>,
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

/// One check: what it looks for, and how it looks.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// A stable name.
    pub id: &'static str,
    /// The practice that it belongs to.
    pub practice: Practice,
    /// What there is to know about it.
    pub about: About,
    find: Find,
}

/// What somebody should know who owns the role and is no expert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct About {
    /// What it is.
    pub what: &'static str,
    /// How it is abused.
    pub abuse: &'static str,
    /// Which temporary credential or narrower thing takes its place.
    pub instead: &'static str,
    /// AWS's own page.
    pub page: &'static str,
}

/// How a check looks.
#[derive(Clone, Copy, Debug)]
enum Find {
    /// At one principal after the other.
    OfPrincipal(fn(&Subject<'_>) -> Option<Found>),
    /// At all accounts at once.
    OfAccount(fn(&Account<'_>) -> Vec<AccountFound>),
}

/// What a check found.
struct Found {
    /// Which of several of one principal or account; empty where there is one at most.
    about: String,
    severity: Severity,
    title: String,
    why: String,
    fix: String,
    commands: Vec<String>,
    evidence: Vec<String>,
}

/// What a check of accounts found.
struct AccountFound {
    account: String,
    found: Found,
}

impl Check {
    fn finding(&self, whose: &str, found: Found) -> Finding {
        let mut key = format!("{}:{whose}", self.id);
        if !found.about.is_empty() {
            key.push(':');
            key.push_str(&found.about);
        }
        Finding {
            id: self.id,
            key,
            severity: found.severity,
            practice: self.practice,
            title: found.title,
            why: found.why,
            fix: found.fix,
            commands: found.commands,
            evidence: found.evidence,
        }
    }
}

/// A suggestion that passed its proofs: what a policy would become.
#[derive(Clone, Debug)]
pub struct Smaller<'a> {
    /// The suggestion's id.
    pub id: String,
    /// The policy that it is for.
    pub policy: PolicyIndex,
    /// The new document; one that allows nothing where the policy goes. As text: of thousands few are looked into.
    pub after: &'a PolicyText,
}

/// What proved suggestions would make of their policies.
pub fn smaller<'a>(grants: &Grants, proved: &'a [(Proposal, Verified<Proved>)]) -> Vec<Smaller<'a>> {
    let smaller = proved.iter().flat_map(|(proposal, proved)| {
        let id = rightsize::suggestion_id(&grants.policies[proposal.policy], proposal.step, proved.after());
        let copies = proposal.copies.iter();
        copies.map(move |policy| Smaller {
            id: id.clone(),
            policy: *policy,
            after: proved.after(),
        })
    });
    smaller.collect()
}

/// What a check of a principal may look at.
pub struct Subject<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// The principal.
    pub principal: &'a Principal,
    /// What it did and is granted.
    pub gap: &'a Gap,
    /// What it takes to call it unused.
    pub ground: Ground<'a>,
    /// All calls.
    pub table: &'a Table,
    /// Who may do what.
    pub graph: &'a Graph<'a>,
    /// Suggestions that were proved.
    pub smaller: &'a [Smaller<'a>],
}

impl Subject<'_> {
    /// What the credential report says of it, where one was given.
    fn credentials(&self) -> Option<&Credentials> {
        self.ground.grants.supplements.credentials.get(&self.principal.arn)
    }

    /// Whether it makes calls itself, under policies that can be edited here: not a group, nor a role of AWS's own services
    /// or of a permission set.
    fn acts_as_granted(&self) -> bool {
        self.principal.kind != Kind::Group && !self.principal.path.starts_with("/aws-")
    }

    /// The last call under a long-term key of it that the archive shows.
    fn long_term_key_seen(&self) -> Option<i64> {
        self.ground.across.keys.get(self.principal.arn.as_str()).copied()
    }
}

/// What a check of whole accounts may look at.
pub struct Account<'a> {
    /// What it takes to call something unused.
    pub ground: Ground<'a>,
    /// All calls.
    pub table: &'a Table,
    /// Usage joined with grants, in the order of the principals.
    pub gaps: &'a [Gap],
    /// Who may do what.
    pub graph: &'a Graph<'a>,
}

impl Account<'_> {
    /// The root users of the credential report: account, ARN, credentials.
    fn roots(&self) -> impl Iterator<Item = (&str, &str, &Credentials)> {
        let credentials = self.ground.grants.supplements.credentials.iter();
        let roots = credentials.filter(|(_, line)| line.is_root);
        roots.map(|(arn, line)| (arn.split(':').nth(4).unwrap_or(""), arn.as_str(), line))
    }
}

/// Every check, in the order of its findings, under the name of its file.
const CHECKS: &[(&str, &Check)] = &[
    ("idle_role", &idle_role::CHECK),
    ("pod_role_never_taken", &pod_role_never_taken::CHECK),
    ("idle_user", &idle_user::CHECK),
    ("old_key", &old_key::CHECK),
    ("unused_key", &unused_key::CHECK),
    ("unseen_key", &unseen_key::CHECK),
    ("unseen_use", &unseen_use::CHECK),
    ("password_without_mfa", &password_without_mfa::CHECK),
    ("wide_aws_managed_policy", &wide_aws_managed_policy::CHECK),
    ("escalation", &escalation::CHECK),
    ("administrator_through_roles", &administrator_through_roles::CHECK),
    ("roles_without_boundary", &roles_without_boundary::CHECK),
    ("wildcard_trust", &wildcard_trust::CHECK),
    ("unused_cross_account_trust", &unused_cross_account_trust::CHECK),
    (
        "unconditional_cross_account_trust",
        &unconditional_cross_account_trust::CHECK,
    ),
    ("pass_through_role", &pass_through_role::CHECK),
    ("shared_role", &shared_role::CHECK),
    ("role_in_several_clusters", &role_in_several_clusters::CHECK),
    ("untrusted_service_account", &untrusted_service_account::CHECK),
    ("undeclared_service_account", &undeclared_service_account::CHECK),
    ("wide_role_narrow_sessions", &wide_role_narrow_sessions::CHECK),
    ("leaned_on_node_role", &leaned_on_node_role::CHECK),
    ("instance_metadata_v1", &instance_metadata_v1::CHECK),
    ("repeated_denials", &repeated_denials::CHECK),
    ("empty_group", &empty_group::CHECK),
    ("unused_instance_profile", &unused_instance_profile::CHECK),
    ("root_use", &root_use::CHECK),
    ("root_key", &root_key::CHECK),
    ("root_without_mfa", &root_without_mfa::CHECK),
    ("unattached_policy", &unattached_policy::CHECK),
    ("unused_identity_provider", &unused_identity_provider::CHECK),
    ("role_cycle", &role_cycle::CHECK),
    (
        "service_account_with_several_roles",
        &service_account_with_several_roles::CHECK,
    ),
    ("annotation_without_effect", &annotation_without_effect::CHECK),
    ("association_without_trust", &association_without_trust::CHECK),
    ("between_irsa_and_pod_identity", &between_irsa_and_pod_identity::CHECK),
    ("trail_stopped", &trail_stopped::CHECK),
    ("trail_without_validation", &trail_without_validation::CHECK),
    ("trail_leaves_out", &trail_leaves_out::CHECK),
    ("log_files_lost", &log_files_lost::CHECK),
];

/// All checks.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().map(|(_, check)| *check)
}

/// The check of this id.
pub fn check_of(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id == id)
}

/// All findings about one principal.
pub fn findings(subject: &Subject<'_>) -> Vec<Finding> {
    let found = checks().filter_map(|check| match check.find {
        Find::OfPrincipal(find) => Some(check.finding(&subject.principal.arn, find(subject)?)),
        Find::OfAccount(_) => None,
    });
    found.collect()
}

/// Findings about one principal that its grants alone show, for want of logs.
pub fn findings_of_grants(subject: &Subject<'_>) -> Vec<Finding> {
    const IDS: [&str; 5] = [
        "escalation",
        "administrator-through-roles",
        "wildcard-trust",
        "pass-through-role",
        "password-without-mfa",
    ];
    let found = checks()
        .filter(|check| IDS.contains(&check.id))
        .filter_map(|check| match check.find {
            Find::OfPrincipal(find) => Some(check.finding(&subject.principal.arn, find(subject)?)),
            Find::OfAccount(_) => None,
        });
    found.collect()
}

/// All findings about accounts.
pub fn account_findings(account: &Account<'_>) -> Vec<AccountFinding> {
    let found = checks().flat_map(|check| match check.find {
        Find::OfPrincipal(_) => Vec::new(),
        Find::OfAccount(find) => find(account)
            .into_iter()
            .map(|found| AccountFinding {
                finding: check.finding(&found.account, found.found),
                account: found.account,
            })
            .collect(),
    });
    let mut all: Vec<AccountFinding> = found.collect();
    all.sort_by(|a, b| a.account.cmp(&b.account));
    all
}

#[cfg(test)]
mod tests;
