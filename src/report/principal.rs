//! What a principal is granted, action by action, and what deserves attention beside it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::gap::{Gap, Grade};

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
    /// Whose it is, by its tag `owner` or `team`.
    #[serde(default)]
    pub owner: Option<String>,
    /// Creation time, RFC 3339; empty where the grants do not say.
    pub created: String,
    /// Last call seen in the archive, RFC 3339.
    pub last_seen: Option<String>,
    /// Its calls that needed, or may have needed, some action and were not surely denied it, each event once.
    #[serde(default)]
    pub calls_replayed: u64,
    /// Of those, calls whose resources the log shows only in part, each event once.
    #[serde(default)]
    pub calls_incomplete: u64,
    /// Of those, calls that no statement explains and that make something stay, each event once.
    #[serde(default)]
    pub calls_unexplained: u64,
    /// The calendar that it works by, where its days show one.
    #[serde(default)]
    pub rhythm: Option<Rhythm>,
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
    #[serde(default)]
    #[schemars(schema_with = "super::alike::entries::<ActionGroup>")]
    pub action_groups: Vec<Shared<ActionGroup>>,
    /// Calls that something other than these policies authorised; never added.
    pub elsewhere: Vec<Elsewhere>,
    /// Denials that IAM explains, the last of each action.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denials: Vec<ExplainedDenial>,
    /// Calls that no statement explains although some grant the action: all that could explain them stays.
    #[serde(default)]
    pub unexplained: Vec<Unexplained>,
    /// What else deserves attention.
    pub findings: Vec<Finding>,
}

/// When something runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rhythm {
    /// `runs on the 14th of each month; next expected 2026-11-14`
    pub says: String,
    /// `week`, `month`, `quarter`, `year`, `14 days`, …; `null` where it ran once, with a week of quiet before or after.
    pub every: Option<String>,
    /// How often it was seen.
    pub occurrences: u64,
    /// The first day after the window on which it is due, `YYYY-MM-DD` (UTC); of what ran once, if it comes each month.
    pub next_expected: Option<String>,
    /// Whether the window has seen its period twice; suggestions wait until it has.
    pub seen_twice: bool,
}

/// A denial that IAM explains for a day at least (`aws iam-toolbox get-request-authorization-details`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedDenial {
    /// The action that was denied, in lower case.
    pub action: String,
    /// When, RFC 3339.
    pub time: String,
    /// What IAM explains it by.
    pub authorization_id: String,
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
    /// Service account, instance, function or person; of an `unknown` one, why it is.
    pub name: String,
    /// How it is known: `seen`, `federated_provider` (the cluster alone), `association` (a guess: EKS gives the role to nobody
    /// else today), `trust` (a guess: today's trust policy lets nobody else in) or `unknown`.
    #[serde(default)]
    pub known: String,
    /// Calls of its sessions.
    pub calls: u64,
    /// Of a role or user that took the role, the families of the names that it gave its sessions: what varies in a name is
    /// `*`. Empty for others, and where one of its sessions has no name of a family.
    #[serde(default)]
    pub sessions: Vec<Sessions>,
}

/// Sessions of one family of names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    /// `deploy-*`
    pub named: String,
    /// Their calls.
    pub calls: u64,
}

impl Workload {
    /// `service_account shop/cart`, for people.
    pub fn label(&self) -> String {
        let name = match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        };
        let named: Vec<&str> = self.sessions.iter().map(|one| one.named.as_str()).take(4).collect();
        let more = if self.sessions.len() > named.len() { ", …" } else { "" };
        let sessions = match named[..] {
            [] => String::new(),
            _ => format!(" in sessions named {}{more}", named.join(", ")),
        };
        let guess = if self.known == "trust" {
            " (by its trust policy)"
        } else {
            ""
        };
        match (self.kind.as_str(), name.as_str()) {
            ("unknown", why) => why.to_owned(),
            (kind, "") => format!("{kind}{sessions}{guess}"),
            (kind, name) => format!("{kind} {name}{sessions}{guess}"),
        }
    }
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
    /// The sums of what somebody is granted.
    pub(super) fn of(gap: &Gap) -> GradeTotals {
        let mut totals = GradeTotals::default();
        for (grade, set) in gap.by_grade() {
            totals.add(grade, set.len() as u64);
        }
        totals
    }

    /// Adds the sums of another.
    pub(super) fn extend(&mut self, other: &GradeTotals) {
        self.granted += other.granted;
        self.used += other.used;
        self.inferred += other.inferred;
        self.unused += other.unused;
        self.unobservable += other.unobservable;
        self.denied_only += other.denied_only;
        self.outside_coverage += other.outside_coverage;
    }

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
    /// The calendar that they keep to, where three of them or more show one.
    #[serde(default)]
    pub rhythm: Option<Rhythm>,
    /// First of them, RFC 3339.
    pub first_seen: Option<String>,
    /// Last of them.
    pub last_seen: Option<String>,
    /// Who made them, most calls first; nothing where the role has one user, and for users and groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
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

/// A value that many principals have: in memory once, made JSON once, in JSON one line.
#[derive(Clone)]
pub struct Shared<T>(Arc<Written<T>>);

struct Written<T> {
    value: T,
    /// The value as JSON, from the moment that a second owner may ask for it.
    json: OnceLock<Box<RawValue>>,
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Shared<T> {
        let json = OnceLock::new();
        Shared(Arc::new(Written { value, json }))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(known) = self.0.json.get() {
            return known.serialize(serializer);
        }
        let json = to_raw_value(&self.0.value).map_err(S::Error::custom)?;
        // What has one owner is not asked for again, and its text would lie there for nothing.
        if Arc::strong_count(&self.0) == 1 {
            return json.serialize(serializer);
        }
        self.0.json.get_or_init(|| json).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shared<T>, D::Error> {
        T::deserialize(deserializer).map(Shared::from)
    }
}

impl<T: JsonSchema> JsonSchema for Shared<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
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

/// Calls of one operation that went through although no statement of the principal allows what they surely needed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unexplained {
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// The action that they needed, as `service:Name`.
    pub action: String,
    /// Resources, as derived from the calls, on which no statement allows it.
    pub resources: Vec<String>,
    /// Calls that AWS allowed.
    pub calls: u64,
    /// Calls of which nobody can tell whether it did.
    pub indeterminate: u64,
    /// The first one, RFC 3339.
    pub first_seen: String,
    /// The last one.
    pub last_seen: String,
    /// `eventID` of the first.
    pub event: Option<String>,
    /// Granted actions that could explain them: they stay, on whatever resources.
    pub kept: Vec<String>,
    /// All that in a sentence.
    pub why: String,
}

/// What deserves attention beside the policies.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A stable name, such as `idle-role`.
    pub id: String,
    /// The same from run to run: the name, whose it is, and which of several.
    #[serde(default)]
    pub key: String,
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
    /// The same as commands in a safe order, each with what undoes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
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

impl Severity {
    /// The severity as `result.json` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}
