//! The answer as one value: what `result.json` holds, and what every format is written from.
//!
//! These structs are the contract with programs outside (`trimtrail.result/1`): fields are added, never renamed.

mod blocked;
mod build;
mod read;
mod changes;
mod coverage;
mod integrity;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gap::Grade;
use crate::verify::Verified;

pub(crate) use build::refusal;
pub use build::{Inputs, build};
pub use changes::{Applied, CHANGES, Changes, Denial, Hurt, Lapsed, UsedAfterAll, changes, denials};
pub use coverage::{
    ChangeReport, CoverageInputs, CoverageReport, DataReport, DigestReport, HoleReport, OffReport, StreamReport,
    TrailReport, UnprovedReport, coverage,
};
pub use integrity::{EmptyReport, FindingReport, IntegrityReport, UncoveredReport};
pub use read::Error;

/// The `schema` field of a result.
pub const SCHEMA: &str = "trimtrail.result/1";

/// Everything one run found.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Always `trimtrail.result/1`.
    pub schema: String,
    /// The program that wrote it.
    pub tool: Tool,
    /// The time that the archive covers.
    pub window: Window,
    /// What was read and what that can prove.
    pub coverage: Coverage,
    /// Every principal in the grants, sorted by ARN.
    pub principals: Vec<Principal>,
    /// Proved replacements, the greatest risk removed first.
    pub suggestions: Vec<Verified<Suggestion>>,
    /// Other proved ways to the same end, on request.
    pub alternatives: Vec<Alternative>,
    /// What deserves attention of whole accounts: the root user.
    #[serde(default)]
    pub account_findings: Vec<AccountFinding>,
    /// Candidates that a proof refused, each with its witness.
    pub refused: Vec<Refused>,
    /// The sums that the first screen shows.
    pub totals: Totals,
}

/// The program and its data.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// The program's version.
    pub version: String,
    /// Day on which the embedded catalog was published, `YYYY-MM-DD`.
    pub catalog_date: String,
}

/// The time that the archive covers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// First moment, RFC 3339 UTC; empty where no event was read.
    pub from: String,
    /// Last moment, RFC 3339 UTC.
    pub to: String,
    /// Length in days, rounded to a tenth.
    pub days: f64,
}

/// What was read and what that can prove.
///
/// `records = events_used + events_unmapped + events_unattributed + events_not_calls + Σ skipped.records`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Files read.
    pub files: u64,
    /// Bytes of those files as they lie there.
    pub bytes: u64,
    /// Records met, whatever became of them.
    pub records: u64,
    /// Events put to use: resolved to actions of a principal, whatever their outcome.
    pub events_used: u64,
    /// Events whose operation the catalog does not know; the whole service stays granted.
    pub events_unmapped: u64,
    /// Events that name nobody.
    pub events_unattributed: u64,
    /// Service events, sign-ins, operations that need no permission.
    pub events_not_calls: u64,
    /// Records outside `--since`, `--until`, `--account` and `--region`; not part of `records`.
    pub events_filtered_out: u64,
    /// What was skipped, and why.
    pub skipped: Vec<Skipped>,
    /// Accounts that delivered events.
    pub accounts: Vec<String>,
    /// Regions that delivered events.
    pub regions: Vec<String>,
    /// Resource types whose data events appear, and for which resources.
    pub data_events: Vec<DataEvents>,
    /// Stretches without any event in a stream that had some.
    pub gaps: Vec<CoverageGap>,
    /// Operations that the catalog does not know, most frequent first.
    pub unmapped: Vec<Unmapped>,
    /// Denials whose message names an action that the mapping had not found.
    pub mapping_disagreements: Vec<String>,
    /// Events that `--exclude-use` left out of the usage; part of `skipped` too.
    #[serde(default)]
    pub excluded: Vec<Excluded>,
    /// Whether organization policies were given; without them `blocked_by: scp` cannot be known.
    pub organization_policies: bool,
}

/// Records left out, and why.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// A file, or a file and the place in it.
    pub what: String,
    /// The reason.
    pub why: String,
    /// How many records it stands for; 0 where a tear hides how many.
    pub records: u64,
}

/// Events that a rule of `--exclude-use` left out of the usage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Excluded {
    /// The rule.
    pub rule: String,
    /// How many.
    pub events: u64,
}

/// Something that deserves attention of an account.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AccountFinding {
    /// The account.
    pub account: String,
    /// What it is.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Data events of one resource type.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DataEvents {
    /// CloudTrail's name, such as `AWS::S3::Object`.
    pub resource_type: String,
    /// The roots (buckets, tables, functions) for which such events were seen; at most 50.
    pub seen: Vec<String>,
}

/// A hole in the archive.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CoverageGap {
    /// Account of the silent stream.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Start of the silence, RFC 3339.
    pub from: String,
    /// End of the silence.
    pub to: String,
}

/// An operation that the catalog does not know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unmapped {
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// Why nothing fits.
    pub why: String,
    /// How often it was seen.
    pub calls: u64,
}

/// One user, group or role and what it is granted.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Principal {
    /// The ARN.
    pub arn: String,
    /// The unique id (`AROA…`, `AIDA…`, `AGPA…`).
    pub id: String,
    /// `role`, `user` or `group`.
    pub kind: String,
    /// The account.
    pub account: String,
    /// The path, `/` at least.
    pub path: String,
    /// Creation time, RFC 3339; empty where the grants do not say.
    pub created: String,
    /// Last call seen in the archive, RFC 3339.
    pub last_seen: Option<String>,
    /// Whether its policies may be rewritten.
    pub rewritable: bool,
    /// The reason, where they may not.
    pub why_not: Option<String>,
    /// Its policies, and which of them may be rewritten.
    #[serde(default)]
    pub policies: Vec<PolicyNote>,
    /// Who used the role.
    pub workloads: Vec<Workload>,
    /// Granted actions by grade.
    pub totals: GradeTotals,
    /// Actions that deserve a line of their own.
    pub actions: Vec<Action>,
    /// The rest, by service and grade.
    pub action_groups: Vec<ActionGroup>,
    /// Calls that something other than these policies authorised; never added.
    pub elsewhere: Vec<Elsewhere>,
    /// What else deserves attention.
    pub findings: Vec<Finding>,
}

/// A policy that a principal has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PolicyNote {
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `inline`, `managed`, `aws_managed` or `group`.
    pub kind: String,
    /// The file that it was read from; empty for the catalog's copy.
    #[serde(default)]
    pub file: String,
    /// Whether it may be rewritten.
    pub rewritable: bool,
    /// The reason, where it may not.
    pub why_not: Option<String>,
}

/// Who stood behind a role.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Workload {
    /// `service_account`, `pod_identity`, `ec2`, `lambda`, `sso`, `web_identity`, …
    pub kind: String,
    /// The EKS cluster, where known.
    pub cluster: Option<String>,
    /// The Kubernetes namespace.
    pub namespace: Option<String>,
    /// Service account, instance, function or person.
    pub name: String,
    /// Calls of its sessions.
    pub calls: u64,
}

/// Granted actions by grade.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GradeTotals {
    /// All catalog actions that an Allow covers.
    pub granted: u64,
    /// Graded `used`.
    pub used: u64,
    /// Graded `inferred`.
    pub inferred: u64,
    /// Graded `unused`.
    pub unused: u64,
    /// Graded `unobservable`.
    pub unobservable: u64,
    /// Graded `denied-only`.
    pub denied_only: u64,
    /// Graded `outside-coverage`.
    pub outside_coverage: u64,
}

impl GradeTotals {
    /// Counts `count` actions under `grade`.
    pub fn add(&mut self, grade: Grade, count: u64) {
        self.granted += count;
        *match grade {
            Grade::Used => &mut self.used,
            Grade::Inferred => &mut self.inferred,
            Grade::Unused => &mut self.unused,
            Grade::Unobservable => &mut self.unobservable,
            Grade::DeniedOnly => &mut self.denied_only,
            Grade::OutsideCoverage => &mut self.outside_coverage,
        } += count;
    }
}

/// One granted action.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    /// `service:Name`
    pub action: String,
    /// The most protective grade over all statements that grant it.
    pub grade: Grade,
    /// What the grade rests on.
    pub why: String,
    /// Calls that needed it.
    pub calls: u64,
    /// Days (UTC) on which they were made.
    #[serde(default)]
    pub days_active: u64,
    /// The median number of days from one such day to the next; `null` for fewer than two.
    #[serde(default)]
    pub typical_gap_days: Option<f64>,
    /// First of them, RFC 3339.
    pub first_seen: Option<String>,
    /// Last of them.
    pub last_seen: Option<String>,
    /// Their event ids.
    pub events: FirstLast,
    /// Resources that those calls touched, as patterns; at most 50.
    pub resources: Vec<String>,
    /// The statements that grant it.
    pub granted_by: Vec<GrantedBy>,
    /// What else stops it: `deny`, `boundary`, `scp`, `rcp`.
    pub blocked_by: Option<String>,
    /// Statements whose grade differs from the one above.
    pub by_resource: Vec<ResourceGrade>,
}

/// Ids of the first and the last event.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct FirstLast {
    /// `eventID` of the first.
    pub first: Option<String>,
    /// `eventID` of the last.
    pub last: Option<String>,
}

/// A statement that grants an action.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GrantedBy {
    /// The policy: its ARN, or `inline:NAME`.
    pub policy: String,
    /// The statement's Sid, or its index from 0.
    pub statement: String,
    /// The statement's index in the policy, from 0.
    #[serde(default)]
    pub index: u64,
}

/// The grade of an action on one statement's resources.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ResourceGrade {
    /// The statement's resource patterns.
    pub resources: Vec<String>,
    /// The grade there.
    pub grade: Grade,
    /// What it rests on.
    pub why: String,
}

/// Actions of one service that share grade, reason and origin.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ActionGroup {
    /// The service prefix.
    pub service: String,
    /// The grade.
    pub grade: Grade,
    /// What it rests on.
    pub why: String,
    /// How many actions.
    pub count: u64,
    /// Patterns that, within the catalog, name exactly these actions.
    pub patterns: Vec<String>,
    /// The statements that grant them.
    pub granted_by: Vec<GrantedBy>,
}

/// Calls that something other than the principal's policies authorised.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Elsewhere {
    /// `service:Name`
    pub action: String,
    /// Resources touched, as patterns.
    pub resources: Vec<String>,
    /// How many calls.
    pub calls: u64,
    /// The last one, RFC 3339.
    pub last_seen: String,
    /// What may have authorised them.
    pub why: String,
}

/// What deserves attention beside the policies.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A stable name, such as `idle-role`.
    pub id: String,
    /// `low`, `medium` or `high`.
    pub severity: Severity,
    /// The practice it breaks.
    pub practice: String,
    /// One line.
    pub title: String,
    /// What was seen.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Facts it rests on.
    pub evidence: Vec<String>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Low,
    /// Worth a ticket.
    Medium,
    /// Worth today.
    High,
}

/// A proved smaller policy.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// Stable for the same policy and content.
    pub id: String,
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// `inline`, `managed`, `aws_managed`, `group` or `permission_set`.
    pub kind: String,
    /// ARNs of all principals that the change affects.
    pub affects: Vec<String>,
    /// What it goes down to: `services`, `actions` or `resources`.
    pub step: String,
    /// `replace`, `detach` or `delete`.
    pub change: String,
    /// The document as it stands.
    pub before: Value,
    /// SHA-256 of `before` as compact JSON, hex.
    pub before_sha256: String,
    /// The document to put in its place; no statement for `detach` and `delete`.
    pub after: Value,
    /// Sizes as AWS counts them.
    pub characters: Characters,
    /// Patterns that name the actions that go.
    pub removed: Vec<String>,
    /// How many catalog actions go.
    pub removed_actions: u64,
    /// The most dangerous of them.
    pub risk_removed: Vec<String>,
    /// Resources that became narrower.
    pub narrowed: Vec<Narrowed>,
    /// What the suggestion takes for granted.
    pub assumptions: Vec<String>,
    /// Why not to apply it yet.
    pub held: Option<String>,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// What keeps it from being higher.
    #[serde(default)]
    pub confidence_why: Vec<String>,
    /// After this moment analyse again, RFC 3339.
    pub expires: String,
    /// What was proved.
    pub verdict: Verdict,
}

/// Characters of a policy as AWS counts them: without white space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Characters {
    /// Of the document as it stands.
    pub before: u64,
    /// Of the document suggested.
    pub after: u64,
    /// What AWS allows for this kind of policy.
    pub quota: u64,
}

/// A resource that became narrower.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Narrowed {
    /// The statement's Sid, or its index from 0.
    pub statement: String,
    /// The patterns before.
    pub from: Vec<String>,
    /// The patterns after.
    pub to: Vec<String>,
}

/// What was proved of a suggestion.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// `proved`: it allows nothing that the original does not.
    pub narrower: String,
    /// `proved`: every observed call that the original allows, it allows.
    pub keeps: String,
    /// Pairs of action and observed resource shape that were replayed.
    pub shapes_proved: u64,
    /// Calls that they stand for.
    pub calls_represented: u64,
    /// Of those, calls whose resources the log shows only in part.
    pub incomplete: u64,
    /// Calls whose operation the catalog does not know; their services stay whole.
    pub unmapped: u64,
}

/// Another proved way to the same end. None of them takes a policy's place unasked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Alternative {
    /// `permissions_boundary`, `trial_deny`, `session_policy` or `split`.
    pub kind: String,
    /// The policy that a split takes the place of; `null` for what stands beside all policies of a principal.
    pub policy: Option<String>,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: Option<String>,
    /// ARNs of all principals that it affects.
    pub affects: Vec<String>,
    /// The documents to create.
    pub documents: Vec<Value>,
    /// Characters of each as AWS counts them.
    pub characters: Vec<u64>,
    /// What AWS allows for each.
    pub quota: u64,
    /// Whether it leaves exactly the permissions that stay, whatever the request; a trial denial does not.
    pub equivalent: bool,
    /// How it differs, and how to use it.
    pub note: String,
    /// Why not to use it yet.
    pub held: Option<String>,
    /// What was proved: with it nothing is allowed that is not without it, and every observed call still is.
    pub verdict: Verdict,
}

/// A candidate that a proof refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The policy's name.
    pub policy: String,
    /// Its ARN; for an inline policy the ARN of its owner.
    pub policy_arn: String,
    /// ARNs of all principals it would have affected.
    pub affects: Vec<String>,
    /// Of a refused alternative its kind; `null` for a replacement.
    #[serde(default)]
    pub kind: Option<String>,
    /// The candidate document; `null` where none could be made.
    pub after: Value,
    /// A request that the two documents decide differently, or the step that could not be proved.
    pub witness: String,
}

/// The sums that the first screen shows.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Principals in the grants.
    pub principals: u64,
    /// Granted actions of all principals by grade.
    pub actions: GradeTotals,
    /// Suggestions that may be applied now.
    pub ready: u64,
    /// Suggestions that are held.
    pub held: u64,
    /// Policies that another choice of evidence would shrink.
    pub needs_choice: u64,
    /// Principals left alone, by reason.
    pub not_touched: BTreeMap<String, u64>,
    /// Catalog actions that ready suggestions remove, summed over principals.
    pub removable_actions: u64,
    /// Findings by severity.
    pub findings: BTreeMap<String, u64>,
    /// The change to the trail that would prove most, where there is one.
    pub would_prove_most: Option<String>,
    /// What policies learnt from the first part of the window would have broken in the rest; `null` where that was not
    /// tried.
    #[serde(default)]
    pub backtest: Option<BacktestTotals>,
}

/// What policies learnt from the first part of the window would have broken in the rest.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BacktestTotals {
    /// First day (UTC) that was replayed.
    pub cut: String,
    /// Days learnt from.
    pub learnt_days: u64,
    /// Days replayed.
    pub replayed_days: u64,
    /// Calls replayed.
    pub calls: u64,
    /// Of those, calls that would have been denied.
    pub broken_calls: u64,
    /// Calls of which it cannot be told.
    pub doubtful_calls: u64,
}

impl Report {
    /// One suggestion for each policy, the last step of those that are not held, in the report's order.
    pub fn chosen(&self, include_held: bool) -> Vec<&Verified<Suggestion>> {
        let mut by_policy: BTreeMap<(&str, &str, &[String]), usize> = BTreeMap::new();
        for (at, suggestion) in self.suggestions.iter().enumerate() {
            if suggestion.held.is_some() && !include_held {
                continue;
            }
            let key = (
                suggestion.policy_arn.as_str(),
                suggestion.policy.as_str(),
                suggestion.affects.as_slice(),
            );
            let last = by_policy.entry(key).or_insert(at);
            if step_rank(&self.suggestions[*last].step) <= step_rank(&suggestion.step) {
                *last = at;
            }
        }
        let mut places: Vec<usize> = by_policy.into_values().collect();
        places.sort_unstable();
        places.into_iter().map(|at| &self.suggestions[at]).collect()
    }

    /// All findings, each with the ARN of its principal or the account that it is about.
    pub fn findings(&self) -> impl Iterator<Item = (&str, &Finding)> {
        let of_principals = self.principals.iter().flat_map(|principal| {
            let arn = principal.arn.as_str();
            principal.findings.iter().map(move |finding| (arn, finding))
        });
        let of_accounts = self.account_findings.iter();
        of_principals.chain(of_accounts.map(|found| (found.account.as_str(), &found.finding)))
    }
}

/// The order of a suggestion's steps: each goes further than the one before.
fn step_rank(step: &str) -> u8 {
    match step {
        "actions" => 1,
        "resources" => 2,
        _ => 0,
    }
}
