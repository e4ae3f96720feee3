//! The answer as one value: what `result.json` holds, and what every format is written from.
//!
//! These structs are the contract with programs outside (`trimtrail.result/1`): fields are added, never renamed.

mod alike;
mod blocked;
mod build;
mod reached;
mod read;
mod changes;
mod choices;
pub mod coverage;
#[cfg(feature = "polars")]
mod denials;
pub mod explained;
mod integrity;
pub mod inventory;
mod live;
mod practices;
mod principal;
mod split;
mod suggestion;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::iam::PolicyText;
use crate::time::moment;
use crate::verify::Verified;

pub use alike::ALIKE;
pub(crate) use alike::Written;
pub use build::{Inputs, build, gaps, scorecard};
pub use changes::{Changes, Denial, Suggested, Withdrawn, changes};
pub use choices::{Choice, Question};
pub use coverage::{CoverageInputs, CoverageReport, StreamReport, coverage};
#[cfg(feature = "polars")]
pub use denials::denials;
pub use integrity::{FindingReport, IntegrityReport};
pub use inventory::{Edge, Entry, Inventory, InventoryInputs, Node, RoleGraph, RoleOfAccount, Way, inventory};
pub use live::LivePolicy;
pub use practices::{Given, PracticeReport, PracticesReport, State, practices};
pub use principal::{
    Action, ActionGroup, Elsewhere, ExplainedDenial, Finding, FirstLast, GradeTotals, GrantedBy, PolicyNote, Principal,
    ResourceGrade, Rhythm, Sessions, Severity, Shared, Unexplained, Workload,
};
pub use split::{RoleSplit, SplitPart};
pub use suggestion::{
    Alternative, Characters, Chosen, Narrowed, Refused, Room, StatementOrigin, Suggestion, Unseen, UnseenService,
    UnseenWhy, Verdict,
};

/// The `schema` field of a result.
pub const SCHEMA: &str = "trimtrail.result/1";

/// Everything one run found.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[schemars(transform = alike::tables)]
pub struct Report {
    /// `trimtrail.result/1`; `trimtrail.result/2` where a large one is written with the tables of `alike`.
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
    /// What nobody can see and nobody has answered for, the most risk first; at most 200, `totals.questions` counts all.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// The choices that were given.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// Every policy of the grants, with what matches it to the file that it was made of.
    #[serde(default)]
    pub policies: Vec<LivePolicy>,
    /// The documents of `policies` that no suggestion holds as its `before`, by the SHA-256 of their compact JSON.
    #[serde(default)]
    pub policy_documents: BTreeMap<String, PolicyText>,
    /// How each of the twelve practices stands; empty in results of before it was kept.
    #[serde(default)]
    pub practices: Vec<PracticeReport>,
    /// Who can take whom, and who did: at most 500 ways, the most telling; `null` in results of before it was kept.
    #[serde(default)]
    pub graph: Option<RoleGraph>,
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

impl From<crate::time::Window> for Window {
    fn from(window: crate::time::Window) -> Window {
        Window {
            from: moment(window.first),
            to: moment(window.last()),
            days: window.days() as f64,
        }
    }
}

/// A principal that runs this program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Its ARN.
    pub principal: String,
    /// Its calls, whatever they were for.
    pub calls: u64,
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
    /// Events that have the id of another one and say something else; all of them count.
    #[serde(default)]
    pub events_sharing_id: u64,
    /// Who runs this program, as `--own` names them. Their calls are in the archive, and count; their policies are left as
    /// they are.
    #[serde(default)]
    pub own: Vec<Own>,
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
    /// Account of the stream that lacks events.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Start of what is missing, RFC 3339.
    pub from: String,
    /// Its end.
    pub to: String,
    /// What is known of it: a silence, or files that were not read whole.
    #[serde(default)]
    pub why: String,
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

/// The sums that the first screen shows.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Principals that are shown: all in the grants, or those that `--role` names.
    pub principals: u64,
    /// Granted actions by grade, summed over the principals that are shown.
    pub actions: GradeTotals,
    /// Policies with a suggestion that may be applied now, whatever its steps.
    pub ready: u64,
    /// Of those, policies of which something stays only because nobody could see whether it is used.
    #[serde(default)]
    pub ready_unseen: u64,
    /// Calls that were replayed in the proofs of what may be applied now, each event once: those of everybody affected that
    /// needed, or may have needed, some action and were not surely denied it.
    #[serde(default)]
    pub calls_replayed: u64,
    /// Policies all of whose suggestions are held.
    pub held: u64,
    /// Editable policies that grant somebody who is shown, or shares them with somebody shown, what nobody can see and nobody
    /// has answered for.
    pub needs_choice: u64,
    /// Open questions: one for each service and reason of a principal and of up to 99 others just like it.
    #[serde(default)]
    pub questions: u64,
    /// Roles and users that no suggestion affects, by reason: a phrase with its count before it.
    pub not_touched: BTreeMap<String, u64>,
    /// Catalog actions that ready suggestions remove, summed over principals.
    pub removable_actions: u64,
    /// Findings by severity.
    pub findings: BTreeMap<String, u64>,
    /// What stays for the life cycles of what was made; `null` in results that did not ask.
    #[serde(default)]
    pub life_cycles: Option<LifeCycleTotals>,
    /// The change to the trail that would prove most, where there is one.
    pub would_prove_most: Option<String>,
    /// What policies learnt from the first part of the window would have broken in the rest; `null` where that was not
    /// tried.
    #[serde(default)]
    pub backtest: Option<BacktestTotals>,
}

/// What stays for the life cycles of what was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LifeCycleTotals {
    /// Whether they were asked for: `--life-cycles off` turns them off.
    pub on: bool,
    /// Actions that would be `unused` otherwise, summed over the roles and users that are shown.
    pub actions: u64,
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
    /// Calls replayed, each event once: those after the cut, of everybody whose policies would have changed, that the
    /// policies as they stand may have allowed.
    pub calls: u64,
    /// Of those, calls that would have been denied.
    pub broken_calls: u64,
    /// Calls of which it cannot be told.
    pub doubtful_calls: u64,
    /// Of everybody whom a ready suggestion affects, shown or not, the calls replayed.
    #[serde(default)]
    pub ready_calls: u64,
    /// Of those, calls that would have been denied something that the policy of a ready suggestion grants. What breaks is
    /// held, so it is 0.
    #[serde(default)]
    pub ready_broken_calls: u64,
    /// Of `ready_calls`, calls of which it cannot be told.
    #[serde(default)]
    pub ready_doubtful_calls: u64,
    /// Calls that would have been denied something that a policy grants all of whose suggestions are held, and nothing
    /// that the policy of a ready one does.
    #[serde(default)]
    pub held_broken_calls: u64,
}

impl Report {
    /// One suggestion for each policy, the last step of those that are not held, in the report's order.
    pub fn chosen(&self, include_held: bool) -> Vec<&Verified<Suggestion>> {
        chosen(&self.suggestions, include_held)
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

/// One suggestion for each policy, the last step of those that are not held, in their order.
pub fn chosen(suggestions: &[Verified<Suggestion>], include_held: bool) -> Vec<&Verified<Suggestion>> {
    let mut by_policy: BTreeMap<(&str, &str, &[String]), usize> = BTreeMap::new();
    for (at, suggestion) in suggestions.iter().enumerate() {
        if suggestion.held.is_some() && !include_held {
            continue;
        }
        let key = (
            suggestion.policy_arn.as_str(),
            suggestion.policy.as_str(),
            suggestion.affects.as_slice(),
        );
        let last = by_policy.entry(key).or_insert(at);
        if step_rank(&suggestions[*last].step) <= step_rank(&suggestion.step) {
            *last = at;
        }
    }
    let mut places: Vec<usize> = by_policy.into_values().collect();
    places.sort_unstable();
    places.into_iter().map(|at| &suggestions[at]).collect()
}

/// The order of a suggestion's steps: each goes further than the one before.
fn step_rank(step: &str) -> u8 {
    match step {
        "actions" => 1,
        "resources" => 2,
        _ => 0,
    }
}
