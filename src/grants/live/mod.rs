//! What IAM grants, from IAM itself: a snapshot `trimtrail.grants/1`, which reads back like an export.
//!
//! The pages are those of `get-account-authorization-details`. Everything beside them is taken where it is permitted;
//! what is not permitted is listed in the snapshot and costs evidence, never the run. Nothing is written to AWS; the
//! credential report and last-accessed data are jobs that gather what IAM knows already.

mod beside;
mod iam;
mod organization;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::credential_report;
use crate::aws::{Caller, Connection, Kind, Trouble};

/// What a snapshot names itself.
pub const SCHEMA: &str = super::snapshot::SCHEMA;

/// What to take.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// When this is, as it shall stand in the snapshot.
    pub taken: String,
    /// Ask for last-accessed data of every role and user: a job each.
    pub last_accessed: bool,
    /// What an earlier run, which was interrupted, was answered: last-accessed data by ARN.
    pub known: BTreeMap<String, Value>,
    /// Policies of the organization, and its other accounts.
    pub organization: bool,
    /// The role to take in each other account; without one they are left out.
    pub member_role: Option<String>,
    /// What those roles' trust policies ask for.
    pub external_id: Option<String>,
    /// Regions whose EKS clusters are asked for pod identity associations; the client's where none is named.
    pub eks_regions: Vec<String>,
}

/// Who sees last-accessed data as it comes: an answer, the number of principals that are done, and of all of the account.
pub type Answered<'a> = &'a mut dyn FnMut(&Value, usize, usize);

/// Something that was not permitted, or did not work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// The account that it is missing of.
    pub account: String,
    /// What is missing.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A snapshot and what it lacks.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// `trimtrail.grants/1`
    pub document: Value,
    /// What is not in it; it says so itself, too.
    pub missing: Vec<Missing>,
}

/// The pages of the caller's account alone, each with a name for messages.
///
/// # Errors
/// No credentials, or a caller that may not ask for the grants.
pub fn pages(connection: &Connection) -> Result<Vec<(String, String)>, Trouble> {
    let account = connection.caller()?.account;
    let pages = connection.wait(iam::pages(connection))?;
    let named = |(index, page): (usize, Value)| (format!("live {account} page {}", index + 1), page.to_string());
    Ok(pages.into_iter().enumerate().map(named).collect())
}

/// Takes a snapshot.
///
/// # Errors
/// No credentials, or a caller that may not ask for the grants of its own account.
pub fn snapshot(connection: &Connection, options: &Options, answered: Answered<'_>) -> Result<Snapshot, Trouble> {
    let caller = connection.caller()?;
    let mut missing = Missed::default();
    let mut accounts = vec![account(connection, &caller.account, options, answered, &mut missing)?];
    let mut document = Map::new();
    if options.organization {
        let own = caller.account.clone();
        match connection.wait(organization::members(connection)) {
            Err(trouble) => missing.note(&own, "organization", &trouble),
            Ok(members) => {
                let policies = connection.wait(organization::policies(connection, &mut missing, &own));
                if let Some(policies) = policies {
                    document.insert("organization_policies".to_owned(), policies);
                }
                for member in members.iter().filter(|member| **member != own) {
                    match other(connection, &caller, member, options, answered, &mut missing) {
                        Ok(snapshot) => accounts.push(snapshot),
                        Err(trouble) => missing.note(member, "grants", &trouble),
                    }
                }
            }
        }
    }
    let missing = missing.0;
    let list = missing
        .iter()
        .map(|one| json!({"account": one.account, "what": one.what, "why": one.why}));
    let list: Vec<Value> = list.collect();
    let mut snapshot = json!({
        "schema": SCHEMA,
        "tool": env!("CARGO_PKG_VERSION"),
        "taken": options.taken,
        "accounts": accounts,
        "not_permitted": list,
    });
    if let Some(fields) = snapshot.as_object_mut() {
        fields.extend(document);
    }
    Ok(Snapshot {
        document: snapshot,
        missing,
    })
}

/// Whether the grants may be asked for: a sentence on what worked.
///
/// # Errors
/// What stood in the way.
pub fn check(connection: &Connection) -> Result<String, Trouble> {
    connection.wait(iam::one(connection))?;
    Ok("grants may be read".to_owned())
}

/// Whether the organization may be seen: a sentence on what worked.
///
/// # Errors
/// What stood in the way.
pub fn check_organization(connection: &Connection) -> Result<String, Trouble> {
    let members = connection.wait(organization::members(connection))?;
    Ok(format!(
        "the organization may be seen: {} active accounts",
        members.len()
    ))
}

/// One account, through a role in it.
fn other(
    connection: &Connection,
    caller: &Caller,
    account_id: &str,
    options: &Options,
    answered: Answered<'_>,
    missing: &mut Missed,
) -> Result<Value, Trouble> {
    let Some(role) = &options.member_role else {
        return Err(Trouble::new(Kind::Other, "no --assume-role-name was given"));
    };
    let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
    let arn = format!("arn:{partition}:iam::{account_id}:role/{role}");
    let member = connection.as_role(&arn, options.external_id.as_deref());
    account(&member, account_id, options, answered, missing)
}

fn account(
    connection: &Connection,
    account: &str,
    options: &Options,
    answered: Answered<'_>,
    missing: &mut Missed,
) -> Result<Value, Trouble> {
    let pages = connection.wait(iam::pages(connection))?;
    let mut snapshot = Map::new();
    snapshot.insert("account".to_owned(), json!(account));
    let mut keep = |name: &str, what: &str, taken: Result<Value, Trouble>, missing: &mut Missed| match taken {
        Ok(value) => {
            snapshot.insert(name.to_owned(), value);
        }
        Err(trouble) => missing.note(account, what, &trouble),
    };
    let report = connection.wait(beside::credential_report(connection));
    // What is no report, or knows not even the root user, is none.
    let report = report.and_then(|report| match credential_report::read(&report) {
        Ok(users) if users.is_empty() => Err(Trouble::new(Kind::Other, "nobody is in it")),
        Ok(_) => Ok(Value::String(report)),
        Err(why) => Err(Trouble::new(Kind::Other, why)),
    });
    keep("credential_report", "credential report", report, missing);
    let providers = connection.wait(beside::oidc_providers(connection));
    keep("oidc_providers", "OIDC providers", providers, missing);
    let own_region = connection.config().region().map(|region| region.to_string());
    let regions = if options.eks_regions.is_empty() {
        own_region.into_iter().collect()
    } else {
        options.eks_regions.clone()
    };
    let mut associations = Vec::new();
    for region in regions {
        match connection.wait(beside::pod_identities(&connection.in_region(&region), &region)) {
            Ok(found) => associations.extend(found),
            Err(trouble) => missing.note(account, &format!("pod identity associations in {region}"), &trouble),
        }
    }
    keep("pod_identity_associations", "", Ok(Value::Array(associations)), missing);
    if options.last_accessed {
        let arns = iam::arns(&pages);
        let asked = beside::last_accessed(connection, &arns, &options.known, answered);
        let (accessed, trouble) = connection.wait(asked);
        keep("service_last_accessed", "", Ok(Value::Array(accessed)), missing);
        for (arn, trouble) in trouble {
            let what = if arn.is_empty() {
                "last-accessed data".to_owned()
            } else {
                format!("last-accessed data of {arn}")
            };
            missing.note(account, &what, &trouble);
        }
    }
    snapshot.insert("pages".to_owned(), Value::Array(pages));
    Ok(Value::Object(snapshot))
}

/// Everything that a listing shows; `page` gives what stands on one page, and the token of the next.
async fn all_pages<T>(
    mut page: impl AsyncFnMut(Option<String>) -> Result<(Vec<T>, Option<String>), Trouble>,
) -> Result<Vec<T>, Trouble> {
    let (mut all, mut next) = page(None).await?;
    while next.is_some() {
        let (more, token) = page(next.clone()).await?;
        if token == next {
            return Err(Trouble::new(
                Kind::Server,
                "the next page is said to be the same page again",
            ));
        }
        all.extend(more);
        next = token;
    }
    Ok(all)
}

#[derive(Default)]
struct Missed(Vec<Missing>);

impl Missed {
    fn note(&mut self, account: &str, what: &str, trouble: &Trouble) {
        self.0.push(Missing {
            account: account.to_owned(),
            what: what.to_owned(),
            why: trouble.to_string(),
        });
    }
}

/// Without the fields that hold nothing.
fn trimmed(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value,
    }
}
