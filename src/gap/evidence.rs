//! What each principal did, resolved to actions with today's catalog.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::Granting;
use super::entities::Entities;
use super::explain::{self, Holdings, Unexplained, Unexplaineds};
use crate::attribute::PrincipalKind;
use crate::catalog::{ActionId, Catalog, How, Mapping};
use crate::grants::{Grants, Kind, Principal, PrincipalIndex};
use crate::resolve::{self, Call, Operation, Outcome};
use crate::usage::shapes::shapes;
use crate::usage::table::Signature;
use crate::usage::{Row, Seen, Table, Witness};

/// Calls that bear on one action of one principal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// How many calls.
    pub calls: u64,
    /// Of those, calls of which nobody can tell whether AWS allowed them.
    pub indeterminate: u64,
    /// Of those, calls whose resources the log shows only in part.
    pub incomplete: u64,
    /// The first call.
    pub first: Option<Witness>,
    /// The last call.
    pub last: Option<Witness>,
    /// Shapes of the resources; meaningless parts are `*`.
    pub resources: BTreeSet<String>,
    /// Days since 1970 on which such calls were seen.
    pub days: BTreeSet<i32>,
    /// Of a role's calls, how many by whom: places in [`Table::behind`].
    pub behind: BTreeMap<usize, u64>,
}

impl Evidence {
    /// Whether some call may have touched any resource at all.
    pub fn touches_anything(&self) -> bool {
        self.incomplete > 0 || self.resources.contains("*")
    }

    fn add(&mut self, seen: &Seen, rows: &[&Row], call: &Call, indeterminate: bool) {
        let calls = rows.iter().map(|row| row.calls).sum::<u64>();
        self.calls += calls;
        if indeterminate {
            self.indeterminate += calls;
        }
        if !call.complete {
            self.incomplete += calls;
        }
        self.resources.extend(call.resources.iter().cloned());
        for row in rows {
            self.days.insert(row.day);
            *self.behind.entry(row.behind).or_default() += row.calls;
        }
        if self.first.as_ref().is_none_or(|first| seen.first < *first) {
            self.first = Some(seen.first.clone());
        }
        if self.last.as_ref().is_none_or(|last| seen.last > *last) {
            self.last = Some(seen.last.clone());
        }
    }
}

impl Activity {
    /// Names that no catalog has and that calls may have needed, as far as statements allow them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let unmapped = self
            .unmapped
            .iter()
            .chain(&self.newer)
            .flat_map(|operation| &operation.may_be);
        let unexplained = self.unexplained.iter().flat_map(|call| &call.may_be);
        unmapped.chain(unexplained).map(String::as_str)
    }
}

/// Calls of an operation that the catalog does not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmapped {
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// The services that it may belong to; empty where it may be any.
    pub prefixes: Vec<String>,
    /// The names under which the principal's statements may allow it: `iam:GetFoo` where it holds `iam:Get*`, `*:GetFoo`
    /// where it holds `*`.
    pub may_be: BTreeSet<String>,
    /// How many calls.
    pub calls: u64,
}

/// What one principal did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Activity {
    /// Actions that calls show by themselves.
    pub used: BTreeMap<ActionId, Evidence>,
    /// Actions that calls needed or may have needed; holds all of `used`.
    pub may_need: BTreeMap<ActionId, Evidence>,
    /// Actions that denials named.
    pub denied: BTreeMap<ActionId, Evidence>,
    /// Operations that the catalog does not know.
    pub unmapped: Vec<Unmapped>,
    /// Operations that it knows, and that may have names of their own in a newer one; without prefixes.
    pub newer: Vec<Unmapped>,
    /// Calls that none of its statements explains; nothing for those who do not ask what it holds.
    pub unexplained: Vec<Unexplained>,
    /// All calls, whatever became of them.
    pub calls: u64,
    /// Of those, calls that needed or may have needed some action and were not surely denied it: each is replayed.
    pub replayed: u64,
    /// Of those, calls whose resources the log shows only in part.
    pub replayed_incomplete: u64,
    /// Of those, calls that no statement explains and that make something stay.
    pub replayed_unexplained: u64,
    /// Days since 1970 on which they were made.
    pub days: BTreeSet<i32>,
    /// The last of them, seconds since 1970.
    pub last_seen: Option<i64>,
    /// Calls under an earlier id of the same name.
    pub earlier_id_calls: u64,
    /// Regions in which its own account logged them.
    pub regions: BTreeSet<String>,
}

/// What calls of one signature asked for, denied actions included.
pub(super) struct Asked {
    pub(super) outcome: Outcome,
    pub(super) needs: Vec<Call>,
    pub(super) may_need: Vec<Call>,
}

/// Who of the grants made a caller's calls, and whether under an earlier id.
pub(super) struct Callers {
    /// By account and id.
    by_id: HashMap<(String, String), PrincipalIndex>,
    by_arn: HashMap<String, PrincipalIndex>,
    by_name: HashMap<(String, Kind, String), PrincipalIndex>,
}

impl Callers {
    pub(super) fn of(grants: &Grants) -> Callers {
        let mut callers = Callers {
            by_id: HashMap::new(),
            by_arn: HashMap::new(),
            by_name: HashMap::new(),
        };
        for (index, principal) in grants.principals.iter().enumerate() {
            if !principal.id.is_empty() {
                callers
                    .by_id
                    .insert((principal.account.clone(), principal.id.clone()), index);
            }
            callers.by_arn.insert(principal.arn.clone(), index);
            // Names are unique in an account whatever their case (IAM user guide, "IAM and AWS STS quotas").
            let name = principal.name.to_lowercase();
            callers
                .by_name
                .insert((principal.account.clone(), principal.kind, name), index);
        }
        callers
    }

    pub(super) fn find(&self, grants: &Grants, signature: &Signature) -> Option<(PrincipalIndex, bool)> {
        let caller = &signature.caller;
        let kind = match caller.kind {
            PrincipalKind::Role => Some(Kind::Role),
            PrincipalKind::User => Some(Kind::User),
            // The id tells who of the account it was. In another account it is the owner's copy of a call, of which the
            // caller's own account has one (CloudTrail user guide, "CloudTrail userIdentity element").
            PrincipalKind::Account if *signature.account == *caller.account => None,
            PrincipalKind::Account | PrincipalKind::Root | PrincipalKind::IdentityCenterUser => return None,
        };
        // An id is of one account; one that two accounts show was typed by somebody.
        if let Some(index) = self.by_id.get(&(caller.account.to_string(), caller.id.to_string())) {
            return Some((*index, false));
        }
        let kind = kind?;
        // Ids are unique over all accounts (IAM user guide, "IAM identifiers"), so one tells whose call it is by itself.
        if caller.account.is_empty() && !caller.id.is_empty() {
            let is_it = |principal: &Principal| *principal.id == *caller.id;
            return grants.principals.iter().position(is_it).map(|index| (index, false));
        }
        let name = caller.arn.rsplit('/').next().unwrap_or("").to_lowercase();
        let index = self
            .by_arn
            .get(&*caller.arn)
            .or_else(|| self.by_name.get(&(caller.account.to_string(), kind, name)))
            .copied()?;
        let known = &grants.principals[index].id;
        Some((
            index,
            !caller.id.is_empty() && !known.is_empty() && **known != *caller.id,
        ))
    }
}

/// What each principal of the grants did, in their order, beside what it is granted.
pub(super) fn activities(
    catalog: &Catalog,
    table: &Table,
    grants: &Grants,
    granting: &[Vec<Granting<'_>>],
) -> Vec<Activity> {
    let callers = Callers::of(grants);
    let entities = Entities::of(grants, table);
    let mut operations = Operations::new();
    // The signatures of each principal, and whether they stand under an earlier id.
    let mut made: Vec<Vec<(&Seen, &[&Row], bool)>> = vec![Vec::new(); grants.principals.len()];
    let rows_of = table.rows_of();
    for (seen, rows) in table.signatures.iter().zip(&rows_of) {
        let signature = &seen.signature;
        if let Some((index, earlier)) = callers.find(grants, signature) {
            operations
                .entry((&signature.event_source, &signature.event_name))
                .or_insert_with(|| Operation::of(catalog, &signature.event_source, &signature.event_name));
            made[index].push((seen, rows, earlier));
        }
    }
    let trusts = explain::trusts(grants);
    let activities = made.into_par_iter().enumerate().map(|(index, made)| {
        let holdings = Holdings::of(catalog, grants, granting[index].as_slice(), &trusts, index);
        activity(catalog, &made, &operations, &entities, holdings)
    });
    activities.collect()
}

/// Calls of one signature, and whether they stand under an earlier id of their principal.
pub(super) type Made<'m> = (&'m Seen, &'m [&'m Row], bool);
/// Operations by event source and name.
pub(super) type Operations<'o> = HashMap<(&'o str, &'o str), Operation>;

/// What one principal did with these calls.
pub(super) fn activity(
    catalog: &Catalog,
    made: &[Made<'_>],
    operations: &Operations<'_>,
    entities: &Entities,
    mut holdings: Holdings<'_>,
) -> Activity {
    let mut activity = Activity::default();
    let mut unexplained = Unexplaineds::new();
    for (seen, rows, earlier) in made {
        let calls: u64 = rows.iter().map(|row| row.calls).sum();
        if *earlier {
            activity.earlier_id_calls += calls;
        }
        activity.calls += calls;
        activity.days.extend(rows.iter().map(|row| row.day));
        activity.last_seen = activity.last_seen.max(Some(seen.last.time));
        if *seen.signature.account == *seen.signature.caller.account {
            activity.regions.insert(seen.signature.region.to_string());
        }
        let operation = &operations[&(&*seen.signature.event_source, &*seen.signature.event_name)];
        if let Some(asked) = record(catalog, operation, seen, rows, entities, &mut activity) {
            activity.replayed_unexplained += holdings.weigh(seen, rows, &asked, &mut unexplained);
        }
    }
    activity.unexplained = unexplained.into_values().collect();
    for operation in &mut activity.unmapped {
        operation.may_be = holdings.names_of(&operation.event_name);
    }
    for operation in &mut activity.newer {
        operation.may_be.retain(|name| holdings.grants_name(name));
    }
    activity.newer.retain(|operation| !operation.may_be.is_empty());
    for evidence in [&mut activity.used, &mut activity.may_need, &mut activity.denied]
        .into_iter()
        .flat_map(BTreeMap::values_mut)
    {
        evidence.resources = shapes(evidence.resources.iter().map(String::as_str))
            .into_iter()
            .collect();
    }
    activity
}

/// What the calls of each row bear on, for those who ask day by day.
pub fn row_by_row(
    catalog: &Catalog,
    table: &Table,
    grants: &Grants,
    each: &mut dyn FnMut(PrincipalIndex, &Row, &Activity),
) {
    let callers = Callers::of(grants);
    let entities = Entities::of(grants, table);
    let found: Vec<Option<(PrincipalIndex, bool)>> = table
        .signatures
        .iter()
        .map(|seen| callers.find(grants, &seen.signature))
        .collect();
    let mut operations: HashMap<(&str, &str), Operation> = HashMap::new();
    for row in &table.rows {
        let Some((index, earlier)) = found[row.signature] else {
            continue;
        };
        let seen = &table.signatures[row.signature];
        let (source, name) = (&seen.signature.event_source, &seen.signature.event_name);
        let operation = operations
            .entry((source, name))
            .or_insert_with(|| Operation::of(catalog, source, name));
        let mut activity = Activity {
            calls: row.calls,
            earlier_id_calls: if earlier { row.calls } else { 0 },
            ..Activity::default()
        };
        record(catalog, operation, seen, &[row], &entities, &mut activity);
        each(index, row, &activity);
    }
}

/// Adds calls to what a principal did, and says what they asked for; nothing of an unmapped operation.
pub(super) fn record(
    catalog: &Catalog,
    operation: &Operation,
    seen: &Seen,
    rows: &[&Row],
    entities: &Entities,
    activity: &mut Activity,
) -> Option<Asked> {
    let signature = &seen.signature;
    let calls: u64 = rows.iter().map(|row| row.calls).sum();
    if let Mapping::Unmapped { prefixes, .. } = &operation.mapping {
        note(&mut activity.unmapped, seen, calls, (prefixes, &[]));
        return None;
    }
    if !operation.newer.is_empty() {
        note(&mut activity.newer, seen, calls, (&[], &operation.newer));
    }
    let resources: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.resources.iter().map(String::as_str))
        .collect();
    let resources: Vec<String> = resources.into_iter().map(str::to_owned).collect();
    let resolution = resolve::resolve(catalog, operation, &signature.facts, &resources);

    let denied_action = catalog.id(&signature.denied_action);
    // The table keeps no messages: a code that is no denial of its own was one if the message named an action.
    let outcome = match resolve::of_code(&signature.error_code) {
        Outcome::Denied => Outcome::Denied,
        Outcome::Authorised | Outcome::Indeterminate if !signature.denied_action.is_empty() => Outcome::Denied,
        outcome => outcome,
    };
    let indeterminate = outcome != Outcome::Authorised;
    let refuted = |call: &Call| outcome == Outcome::Denied && Some(call.action) == denied_action;
    // What shows only through another call is inferred, however sure it is.
    let shown = |call: &&Call| call.how != How::Inferred;
    let meant = |calls: Vec<Call>| -> Vec<Call> {
        let calls = calls.into_iter();
        calls.map(|call| entities.meant(catalog, call)).collect()
    };
    let (needs, may_need) = (meant(resolution.needs), meant(resolution.may_need));
    for call in needs.iter().filter(shown).filter(|call| !refuted(call)) {
        activity
            .used
            .entry(call.action)
            .or_default()
            .add(seen, rows, call, indeterminate);
    }
    // An event counts once, whatever it needed.
    if may_need.iter().any(|call| !refuted(call)) {
        activity.replayed += calls;
        if may_need.iter().any(|call| !refuted(call) && !call.complete) {
            activity.replayed_incomplete += calls;
        }
    }
    for call in may_need.iter().filter(|call| !refuted(call)) {
        activity
            .may_need
            .entry(call.action)
            .or_default()
            .add(seen, rows, call, indeterminate);
    }
    if let Some(action) = denied_action.filter(|_| outcome == Outcome::Denied) {
        let call = may_need.iter().find(|call| call.action == action).cloned();
        let call = call.unwrap_or(Call {
            action,
            resources: Vec::new(),
            complete: false,
            how: How::Inferred,
        });
        activity.denied.entry(action).or_default().add(seen, rows, &call, false);
    }
    // Whoever may list a bucket gets 404 for a missing key, and 403 otherwise (S3 API reference, GetObject): a caller
    // that lives with 404 may break on 403.
    if &*signature.event_source == "s3.amazonaws.com"
        && &*signature.error_code == "NoSuchKey"
        && let Some(action) = catalog.id("s3:ListBucket")
    {
        let buckets = resources
            .iter()
            .map(|arn| resolve::root(resolve::bare(arn)).to_owned())
            .collect::<BTreeSet<_>>();
        let call = Call {
            action,
            complete: !buckets.is_empty(),
            resources: buckets.into_iter().collect(),
            how: How::Inferred,
        };
        activity
            .may_need
            .entry(action)
            .or_default()
            .add(seen, rows, &call, false);
    }
    Some(Asked {
        outcome,
        needs,
        may_need,
    })
}

/// Adds calls of an operation to those of its name.
fn note(into: &mut Vec<Unmapped>, seen: &Seen, calls: u64, (prefixes, may_be): (&[String], &[String])) {
    let signature = &seen.signature;
    let known = into
        .iter_mut()
        .find(|known| *known.event_source == *signature.event_source && *known.event_name == *signature.event_name);
    match known {
        Some(known) => known.calls += calls,
        None => into.push(Unmapped {
            event_source: signature.event_source.to_string(),
            event_name: signature.event_name.to_string(),
            prefixes: prefixes.to_vec(),
            may_be: may_be.iter().cloned().collect(),
            calls,
        }),
    }
}

/// Calls that change what a principal or policy allows, or that make a principal (IAM API reference).
const POLICY_WRITES: [&str; 25] = [
    "AddUserToGroup",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "CreatePolicyVersion",
    "CreateRole",
    "CreateUser",
    "DeleteGroupPolicy",
    "DeletePolicyVersion",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DeleteUserPermissionsBoundary",
    "DeleteUserPolicy",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "PutGroupPolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "PutUserPermissionsBoundary",
    "PutUserPolicy",
    "RemoveUserFromGroup",
    "SetDefaultPolicyVersion",
    "UpdateAssumeRolePolicy",
    "UpdateUser",
];

/// Managed policies that the archive shows as session policies: ARNs or their shapes.
pub fn session_policies(table: &Table) -> BTreeSet<String> {
    let opens = |signature: usize| &*table.signatures[signature].signature.event_source == "sts.amazonaws.com";
    let rows = table.rows.iter().filter(|row| opens(row.signature));
    rows.flat_map(|row| {
        row.resources
            .iter()
            .filter_map(|resource| resolve::session_policy(resource))
    })
    .map(str::to_owned)
    .collect()
}

/// The last change to each principal and policy that the archive shows: ARN → seconds since 1970.
pub fn policy_writes(table: &Table, grants: &Grants) -> BTreeMap<String, i64> {
    let mut by_name: HashMap<(&str, &str, String), &str> = HashMap::new();
    for principal in &grants.principals {
        let key = (
            principal.account.as_str(),
            principal.kind.name(),
            principal.name.to_lowercase(),
        );
        by_name.insert(key, &principal.arn);
    }
    let mut writes = BTreeMap::new();
    for row in &table.rows {
        let seen = &table.signatures[row.signature];
        let signature = &seen.signature;
        if &*signature.event_source != "iam.amazonaws.com"
            || !signature.error_code.is_empty()
            || !POLICY_WRITES.contains(&&*signature.event_name)
        {
            continue;
        }
        for arn in row.resources.iter().map(|resource| resolve::bare(resource)) {
            let account = arn.split(':').nth(4).unwrap_or("");
            let kind = arn
                .split(':')
                .nth(5)
                .and_then(|rest| rest.split('/').next())
                .unwrap_or("");
            // The request names a principal without its path, which the resource holds as `*`.
            let name = arn
                .rsplit('/')
                .next()
                .unwrap_or("")
                .trim_start_matches('*')
                .to_lowercase();
            let arn = by_name.get(&(account, kind, name)).copied().unwrap_or(arn);
            let last = writes.entry(arn.to_owned()).or_insert(seen.last.time);
            *last = (*last).max(seen.last.time);
        }
    }
    writes
}
