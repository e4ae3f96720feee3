//! What people may give beside the grants: trail configurations, last-accessed data, credential reports, organization
//! policies. They may keep a permission or explain one; none of them grants anything.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Error;
use super::credential_report::{self, Credentials};
use super::eks::{EKS, Eks};
use super::manifests::Manifests;
use crate::coverage::{Selectors, member, trail_of_arn};
use crate::iam::Policy;

/// Everything given beside the grants.
#[derive(Clone, Debug, Default)]
pub struct Supplements {
    /// `--trail-config`
    pub trails: Vec<TrailConfig>,
    /// `--last-accessed`, by the ARN of a role or user.
    pub last_accessed: BTreeMap<String, LastAccessed>,
    /// `--credential-report`, by the ARN of a user or root user.
    pub credentials: BTreeMap<String, Credentials>,
    /// `--org-policies`, by account; `None` where none were given.
    pub organization: Option<BTreeMap<String, OrganizationPolicies>>,
    /// `--eks`
    pub eks: Eks,
    /// `--manifests`
    pub manifests: Manifests,
}

impl Supplements {
    /// What a person would have known at a moment (seconds since 1970): a later access hides when the last one before it was,
    /// so nothing is known of it.
    pub fn forget_after(&mut self, moment: i64) {
        for accessed in self.last_accessed.values_mut() {
            accessed
                .actions
                .retain(|_, time| time.is_none_or(|time| time.as_second() <= moment));
            accessed
                .services
                .retain(|_, time| time.is_none_or(|time| time.as_second() <= moment));
        }
    }
}

/// What a trail is told to log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrailConfig {
    /// The account that owns it.
    pub account: String,
    /// Its name.
    pub name: String,
    /// `HomeRegion`
    pub home_region: String,
    /// `IsMultiRegionTrail`
    pub multi_region: Option<bool>,
    /// `IncludeGlobalServiceEvents`
    pub global_events: Option<bool>,
    /// `IsOrganizationTrail`
    pub organization: bool,
    /// `LogFileValidationEnabled`: whether it writes digest files.
    pub validation: Option<bool>,
    /// `IsLogging`, where `get-trail-status` is given too.
    pub logging: Option<bool>,
    /// Its selectors; `None` where they were not given or could not be understood.
    pub selectors: Option<Selectors>,
}

/// What IAM remembers of the services that a role or user touched, in the last 400 days and of attempts as well.
///
/// `aws iam get-service-last-accessed-details` (IAM API reference, GetServiceLastAccessedDetails).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LastAccessed {
    /// Service prefix → its last use; `None` where IAM says that it was never used.
    pub services: BTreeMap<String, Option<Timestamp>>,
    /// Actions, `service:Name`, with their last use, for the services whose actions IAM tracks; `None` where IAM says that
    /// one was never used.
    pub actions: BTreeMap<String, Option<Timestamp>>,
    /// When IAM began to gather this, the earliest of several; `None` where one of them does not say.
    pub asked: Option<Timestamp>,
}

/// The policies of an organization that bear on one account: a list a level, the root first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OrganizationPolicies {
    /// Service control policies.
    pub service_control: Vec<Vec<Policy>>,
    /// Resource control policies.
    pub resource_control: Vec<Vec<Policy>>,
}

/// Where supplements lie.
#[derive(Clone, Debug, Default)]
pub struct SupplementFiles {
    /// Output of `aws cloudtrail get-trail`, `describe-trails`, `get-event-selectors`.
    pub trail_config: Vec<PathBuf>,
    /// Output of `aws iam get-service-last-accessed-details`.
    pub last_accessed: Vec<PathBuf>,
    /// A credential report.
    pub credential_report: Vec<PathBuf>,
    /// Organization policies.
    pub org_policies: Vec<PathBuf>,
    /// Output of `aws eks describe-cluster`, and of list and describe of associations and access entries.
    pub eks: Vec<PathBuf>,
    /// Folders of Kubernetes manifests, Helm values and Kustomize.
    pub manifests: Vec<PathBuf>,
}

impl SupplementFiles {
    /// Reads them all.
    ///
    /// # Errors
    /// A file that cannot be read, or is something else.
    pub fn load(&self) -> Result<Supplements, Error> {
        let mut supplements = Supplements::default();
        let mut trails = BTreeMap::new();
        for path in &self.trail_config {
            read_trails(&name(path), &text(path)?, &mut trails)?;
        }
        supplements.trails = trails.into_values().collect();
        for path in &self.last_accessed {
            let of_file = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let of_file = of_file.unwrap_or_default();
            let of_file = percent_decode_str(&of_file).decode_utf8_lossy();
            let values = values(&name(path), &text(path)?, LAST_ACCESSED)?;
            read_last_accessed(&name(path), &of_file, &values, &mut supplements.last_accessed)?;
        }
        for path in &self.credential_report {
            let report = read_credentials(&name(path), &text(path)?)?;
            if report.is_empty() {
                return Err(refuse(&name(path), CREDENTIAL_REPORT, "no user is in it".to_owned()));
            }
            supplements.credentials.extend(report);
        }
        for path in &self.org_policies {
            let value = serde_json::from_str(&text(path)?)
                .map_err(|error| refuse(&name(path), ORGANIZATION, error.to_string()))?;
            let of_account = read_organization(&name(path), &value)?;
            supplements.organization.get_or_insert_default().extend(of_account);
        }
        for path in &self.eks {
            let values = values(&name(path), &text(path)?, EKS)?;
            if values.is_empty() {
                return Err(refuse(&name(path), EKS, "it is empty".to_owned()));
            }
            for value in &values {
                supplements
                    .eks
                    .read(value)
                    .map_err(|why| refuse(&name(path), EKS, why))?;
            }
        }
        for path in &self.manifests {
            supplements.manifests.read(path)?;
        }
        Ok(supplements)
    }
}

impl Supplements {
    /// What a snapshot `trimtrail.grants/1` holds beside the pages.
    ///
    /// # Errors
    /// Something in it that is something else.
    pub(super) fn of_snapshot(name: &str, snapshot: &Value) -> Result<Supplements, Error> {
        let mut supplements = Supplements::default();
        for account in snapshot["accounts"].as_array().into_iter().flatten() {
            if let Some(report) = account["credential_report"].as_str() {
                supplements.credentials.extend(read_credentials(name, report)?);
            }
            let whose = account["account"].as_str().unwrap_or_default();
            for association in account["pod_identity_associations"].as_array().into_iter().flatten() {
                supplements.eks.add_of_snapshot(whose, association);
            }
            if let Some(accessed) = account["service_last_accessed"].as_array() {
                read_last_accessed(name, "", accessed, &mut supplements.last_accessed)?;
            }
        }
        if snapshot.get("organization_policies").is_some() {
            supplements.organization = Some(read_organization(name, snapshot)?);
        }
        Ok(supplements)
    }

    /// Both; where both tell of one principal, trail or account, `other` counts.
    pub fn extend(&mut self, other: Supplements) {
        let trail = |trail: &TrailConfig| (trail.account.clone(), trail.home_region.clone(), trail.name.clone());
        self.trails
            .retain(|mine| other.trails.iter().all(|theirs| trail(theirs) != trail(mine)));
        self.trails.extend(other.trails);
        self.last_accessed.extend(other.last_accessed);
        self.credentials.extend(other.credentials);
        self.eks.extend(other.eks);
        self.manifests.extend(other.manifests);
        if let Some(organization) = other.organization {
            self.organization.get_or_insert_default().extend(organization);
        }
    }
}

const CREDENTIAL_REPORT: &str = "a credential report (aws iam get-credential-report)";

fn read_credentials(name: &str, text: &str) -> Result<BTreeMap<String, Credentials>, Error> {
    credential_report::read(text).map_err(|why| refuse(name, CREDENTIAL_REPORT, why))
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn text(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Io {
        path: name(path),
        source,
    })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn refuse(name: &str, what: &'static str, why: String) -> Error {
    Error::Supplement {
        name: name.to_owned(),
        what,
        why,
    }
}

/// The values of a text that holds one JSON value, several one after another, or arrays of them.
fn values(name: &str, text: &str, what: &'static str) -> Result<Vec<Value>, Error> {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value.map_err(|error| refuse(name, what, error.to_string()))? {
            Value::Array(list) => values.extend(list),
            value => values.push(value),
        }
    }
    Ok(values)
}

const TRAIL_OUTPUT: &str = "output of `aws cloudtrail get-trail`, `describe-trails` or `get-event-selectors`";

/// Reads trails and selectors into what is known of each trail, by account, region and name.
fn read_trails(
    name: &str,
    text: &str,
    trails: &mut BTreeMap<(String, String, String), TrailConfig>,
) -> Result<(), Error> {
    for value in values(name, text, TRAIL_OUTPUT)? {
        let list = member(&value, "trailList").and_then(Value::as_array);
        let described: Vec<&Value> = match (list, member(&value, "Trail")) {
            (Some(list), _) => list.iter().collect(),
            (None, Some(trail)) => vec![trail],
            (None, None) => Vec::new(),
        };
        let has_selectors = ["EventSelectors", "AdvancedEventSelectors"]
            .iter()
            .any(|key| member(&value, key).is_some());
        let is_status = member(&value, "IsLogging").is_some();
        let is_bare = described.is_empty() && member(&value, "HomeRegion").is_some();
        if described.is_empty() && list.is_none() && !has_selectors && !is_status && !is_bare {
            let why = "neither a trail nor selectors are in it".to_owned();
            return Err(refuse(name, TRAIL_OUTPUT, why));
        }
        let selectors = Selectors::read(&value);
        if has_selectors && selectors.is_none() {
            return Err(refuse(
                name,
                TRAIL_OUTPUT,
                "its selectors cannot be understood".to_owned(),
            ));
        }
        let whole = (is_bare || has_selectors || is_status).then_some(&value);
        let of_the_one = (described.len() == 1).then(|| described[0]);
        for trail in described.iter().copied().chain(whole) {
            // Selectors beside one trail belong to it.
            let arn = member(trail, "TrailARN").or_else(|| member(of_the_one?, "TrailARN"));
            let Some((region, account, trail_name)) = arn.and_then(Value::as_str).and_then(trail_of_arn) else {
                return Err(refuse(name, TRAIL_OUTPUT, "a trail has no TrailARN".to_owned()));
            };
            let key = (account.to_owned(), region.to_owned(), trail_name.to_owned());
            let config = trails.entry(key).or_insert_with(|| TrailConfig {
                account: account.to_owned(),
                name: trail_name.to_owned(),
                home_region: region.to_owned(),
                ..TrailConfig::default()
            });
            let flag = |key: &str| member(trail, key).and_then(Value::as_bool);
            config.multi_region = flag("IsMultiRegionTrail").or(config.multi_region);
            config.global_events = flag("IncludeGlobalServiceEvents").or(config.global_events);
            config.organization |= flag("IsOrganizationTrail").unwrap_or(false);
            config.validation = flag("LogFileValidationEnabled").or(config.validation);
            config.logging = flag("IsLogging").or(config.logging);
            if has_selectors {
                config.selectors.clone_from(&selectors);
            }
        }
    }
    Ok(())
}

const LAST_ACCESSED: &str = "output of `aws iam get-service-last-accessed-details`";

/// Reads what was printed of roles and users; one that does not say whose it is belongs to `of_file`.
fn read_last_accessed(
    name: &str,
    of_file: &str,
    values: &[Value],
    known: &mut BTreeMap<String, LastAccessed>,
) -> Result<(), Error> {
    for value in values {
        let arn = member(value, "Arn").and_then(Value::as_str).unwrap_or(of_file);
        if !(arn.contains(":role/") || arn.contains(":user/")) {
            let why = format!(
                "whose it is does not show: `{arn}` is no ARN of a role or user; put \"Arn\" beside JobStatus, or name the file by the percent-encoded ARN"
            );
            return Err(refuse(name, LAST_ACCESSED, why));
        }
        let details = member(value, "Details").unwrap_or(value);
        let status = member(details, "JobStatus").and_then(Value::as_str);
        if status.is_some_and(|status| status != "COMPLETED") {
            let why = format!("the job is {}, not COMPLETED", status.unwrap_or_default());
            return Err(refuse(name, LAST_ACCESSED, why));
        }
        let Some(services) = member(details, "ServicesLastAccessed").and_then(Value::as_array) else {
            return Err(refuse(
                name,
                LAST_ACCESSED,
                "ServicesLastAccessed is not in it".to_owned(),
            ));
        };
        // A report may hold less than what happened just before; its beginning is the safer of its two dates.
        let asked = ["JobCreationDate", "JobCompletionDate"]
            .into_iter()
            .filter_map(|key| moment(member(details, key)?))
            .min();
        let of_arn = match known.entry(arn.to_owned()) {
            Entry::Vacant(new) => new.insert(LastAccessed {
                asked,
                ..LastAccessed::default()
            }),
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.asked = known.asked.zip(asked).map(|(known, asked)| known.min(asked));
                known
            }
        };
        for service in services {
            let Some(prefix) = member(service, "ServiceNamespace").and_then(Value::as_str) else {
                continue;
            };
            let prefix = prefix.to_ascii_lowercase();
            // A date that cannot be read is a use all the same: the latest one that there can be.
            let time = |key: &str, of: &Value| match member(of, key) {
                None | Some(Value::Null) => None,
                Some(value) => Some(moment(value).unwrap_or(Timestamp::MAX)),
            };
            let last = of_arn.services.entry(prefix.clone()).or_default();
            *last = (*last).max(time("LastAuthenticated", service));
            let tracked = member(service, "TrackedActionsLastAccessed").and_then(Value::as_array);
            for action in tracked.into_iter().flatten() {
                let Some(action_name) = member(action, "ActionName").and_then(Value::as_str) else {
                    continue;
                };
                let time = time("LastAccessedTime", action);
                let full = if action_name.contains(':') {
                    action_name.to_owned()
                } else {
                    format!("{prefix}:{action_name}")
                };
                let last = of_arn.actions.entry(full).or_insert(time);
                *last = (*last).max(time);
            }
        }
    }
    Ok(())
}

/// A moment as the AWS CLI prints it: text, or seconds since 1970.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => Timestamp::from_second(number.as_f64()? as i64).ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

const ORGANIZATION: &str = "a list of organization policies by account and level";

/// `{"organization_policies": {ACCOUNT: {"service_control_policies": [[POLICY…]…], "resource_control_policies": …}}}`:
/// a list a level, the root first, each policy a document or `{"Name", "Content": document}`. The outer key may be left
/// out.
fn read_organization(name: &str, value: &Value) -> Result<BTreeMap<String, OrganizationPolicies>, Error> {
    let refuse = |why: String| refuse(name, ORGANIZATION, why);
    let by_account = member(value, "organization_policies").unwrap_or(value);
    let by_account = by_account.as_object().ok_or_else(|| refuse("no object".to_owned()))?;
    let mut read = BTreeMap::new();
    for (account, policies) in by_account.iter().filter(|(key, _)| *key != "schema") {
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse(format!("`{account}` is no account")));
        }
        let levels = |key: &str| -> Result<Vec<Vec<Policy>>, Error> {
            let Some(levels) = member(policies, key) else {
                return Ok(Vec::new());
            };
            let levels = levels
                .as_array()
                .ok_or_else(|| refuse(format!("{key} is no list of levels")))?;
            let level = |level: &Value| {
                let level = level
                    .as_array()
                    .ok_or_else(|| refuse(format!("a level of {key} is no list")))?;
                level.iter().map(|policy| document(policy).map_err(&refuse)).collect()
            };
            levels.iter().map(level).collect()
        };
        let policies = OrganizationPolicies {
            service_control: levels("service_control_policies")?,
            resource_control: levels("resource_control_policies")?,
        };
        read.insert(account.clone(), policies);
    }
    Ok(read)
}

/// A policy: its document, or an object that holds it as text or JSON under `Content`.
fn document(value: &Value) -> Result<Policy, String> {
    let document = member(value, "Content").unwrap_or(value);
    let parsed = match document {
        Value::String(text) => Some(serde_json::from_str(text).map_err(|error| error.to_string())?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    Policy::from_value(parsed.as_ref().unwrap_or(document)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
