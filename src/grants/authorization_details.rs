//! The JSON of `get-account-authorization-details`, read into [`Grants`].

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use super::{Error, Grants, Kind, PolicyDocument, PolicyKind, Principal};
use crate::catalog::Catalog;
use crate::iam::policy::Policy;

/// One page. Every list may be absent; a page with none of them is something else.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Page {
    user_detail_list: Option<Vec<UserDetail>>,
    group_detail_list: Option<Vec<GroupDetail>>,
    role_detail_list: Option<Vec<RoleDetail>>,
    policies: Option<Vec<ManagedPolicyDetail>>,
    #[serde(default)]
    is_truncated: bool,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct UserDetail {
    arn: String,
    user_name: String,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    path: String,
    create_date: Option<String>,
    #[serde(default)]
    user_policy_list: Vec<InlinePolicy>,
    #[serde(default)]
    group_list: Vec<String>,
    #[serde(default)]
    attached_managed_policies: Vec<AttachedPolicy>,
    permissions_boundary: Option<AttachedBoundary>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct GroupDetail {
    arn: String,
    group_name: String,
    #[serde(default)]
    group_id: String,
    #[serde(default)]
    path: String,
    create_date: Option<String>,
    #[serde(default)]
    group_policy_list: Vec<InlinePolicy>,
    #[serde(default)]
    attached_managed_policies: Vec<AttachedPolicy>,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct RoleDetail {
    arn: String,
    role_name: String,
    #[serde(default)]
    role_id: String,
    #[serde(default)]
    path: String,
    create_date: Option<String>,
    assume_role_policy_document: Option<Value>,
    #[serde(default)]
    instance_profile_list: Vec<InstanceProfile>,
    #[serde(default)]
    role_policy_list: Vec<InlinePolicy>,
    #[serde(default)]
    attached_managed_policies: Vec<AttachedPolicy>,
    permissions_boundary: Option<AttachedBoundary>,
    role_last_used: Option<RoleLastUsed>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_name: String,
    policy_document: Value,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_arn: String,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct AttachedBoundary {
    permissions_boundary_arn: Option<String>,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct InstanceProfile {
    #[serde(default)]
    instance_profile_name: String,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct RoleLastUsed {
    last_used_date: Option<String>,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct ManagedPolicyDetail {
    arn: String,
    policy_name: Option<String>,
    attachment_count: Option<u64>,
    permissions_boundary_usage_count: Option<u64>,
    default_version_id: Option<String>,
    update_date: Option<String>,
    #[serde(default)]
    policy_version_list: Vec<PolicyVersion>,
}

#[derive(Deserialize, Clone, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct PolicyVersion {
    document: Option<Value>,
    version_id: Option<String>,
    #[serde(default)]
    is_default_version: bool,
    create_date: Option<String>,
}

/// Reads exports given as (name, text). A text may hold several pages, one after another or in an array.
///
/// # Errors
/// A text that is no export, a missing last page, two descriptions of one ARN that differ, or no principal at all.
pub fn read(exports: &[(String, String)]) -> Result<Grants, Error> {
    let mut reading = Reading::default();
    for (name, text) in exports {
        reading.export(name, text)?;
    }
    reading.finish(exports.first().map_or("", |(name, _)| name))
}

/// The lists of all pages, each ARN once.
#[derive(Default)]
struct Reading {
    users: BTreeMap<String, UserDetail>,
    groups: BTreeMap<String, GroupDetail>,
    roles: BTreeMap<String, RoleDetail>,
    policies: BTreeMap<String, ManagedPolicyDetail>,
    /// The export that first described an ARN.
    files: BTreeMap<String, String>,
    truncated_pages: usize,
    last_pages: usize,
    truncated_name: String,
}

impl Reading {
    fn export(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let shape = |why: String| Error::Shape {
            name: name.to_owned(),
            why,
        };
        let text = text.trim_start_matches('\u{feff}');
        for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            let document = document.map_err(|error| shape(error.to_string()))?;
            let pages = match document {
                Value::Array(pages) => pages,
                page => vec![page],
            };
            for page in pages {
                let page: Page = serde_json::from_value(page).map_err(|error| shape(error.to_string()))?;
                let lists = [
                    page.user_detail_list.is_some(),
                    page.group_detail_list.is_some(),
                    page.role_detail_list.is_some(),
                    page.policies.is_some(),
                ];
                if !lists.contains(&true) {
                    return Err(shape("none of its four lists is there".to_owned()));
                }
                self.page(name, page)?;
            }
        }
        Ok(())
    }

    fn page(&mut self, name: &str, page: Page) -> Result<(), Error> {
        if page.is_truncated {
            self.truncated_pages += 1;
            name.clone_into(&mut self.truncated_name);
        } else {
            self.last_pages += 1;
        }
        for user in page.user_detail_list.unwrap_or_default() {
            self.found(&user.arn, name);
            insert(&mut self.users, user.arn.clone(), user)?;
        }
        for group in page.group_detail_list.unwrap_or_default() {
            self.found(&group.arn, name);
            insert(&mut self.groups, group.arn.clone(), group)?;
        }
        for role in page.role_detail_list.unwrap_or_default() {
            self.found(&role.arn, name);
            insert(&mut self.roles, role.arn.clone(), role)?;
        }
        for policy in page.policies.unwrap_or_default() {
            self.found(&policy.arn, name);
            // An AWS-managed policy comes once with each account, with that account's counts.
            if is_aws_managed(&policy.arn) {
                self.policies.entry(policy.arn.clone()).or_insert(policy);
            } else {
                insert(&mut self.policies, policy.arn.clone(), policy)?;
            }
        }
        Ok(())
    }

    fn found(&mut self, arn: &str, file: &str) {
        self.files.entry(arn.to_owned()).or_insert_with(|| file.to_owned());
    }

    fn finish(self, name: &str) -> Result<Grants, Error> {
        if self.truncated_pages > 0 && self.last_pages == 0 {
            return Err(Error::Truncated {
                name: self.truncated_name,
            });
        }
        if self.users.is_empty() && self.groups.is_empty() && self.roles.is_empty() {
            return Err(Error::Empty { name: name.to_owned() });
        }
        Ok(Builder::new(self.policies, self.files).build(self.users, self.groups, self.roles))
    }
}

fn insert<T: PartialEq>(into: &mut BTreeMap<String, T>, arn: String, value: T) -> Result<(), Error> {
    match into.get(&arn) {
        Some(known) if *known != value => Err(Error::Conflict { arn }),
        Some(_) => Ok(()),
        None => {
            into.insert(arn, value);
            Ok(())
        }
    }
}

/// Puts principals and policies side by side, each pointing at the other.
struct Builder {
    managed: BTreeMap<String, ManagedPolicyDetail>,
    files: BTreeMap<String, String>,
    grants: Grants,
    policy_by_arn: HashMap<String, usize>,
}

/// What the three kinds of principal have in common.
struct Holder {
    principal: Principal,
    inline: Vec<InlinePolicy>,
    attached: Vec<AttachedPolicy>,
}

impl Builder {
    fn new(managed: BTreeMap<String, ManagedPolicyDetail>, files: BTreeMap<String, String>) -> Builder {
        Builder {
            managed,
            files,
            grants: Grants::default(),
            policy_by_arn: HashMap::new(),
        }
    }

    fn build(
        mut self,
        users: BTreeMap<String, UserDetail>,
        groups: BTreeMap<String, GroupDetail>,
        roles: BTreeMap<String, RoleDetail>,
    ) -> Grants {
        let group_lists: HashMap<String, Vec<String>> = users
            .values()
            .map(|user| (user.arn.clone(), user.group_list.clone()))
            .collect();
        let mut holders: Vec<Holder> = groups
            .into_values()
            .map(group)
            .chain(roles.into_values().map(role))
            .chain(users.into_values().map(user))
            .collect();
        holders.sort_by(|a, b| a.principal.arn.cmp(&b.principal.arn));
        let group_index: HashMap<(String, String), usize> = holders
            .iter()
            .enumerate()
            .filter(|(_, holder)| holder.principal.kind == Kind::Group)
            .map(|(index, holder)| ((holder.principal.account.clone(), holder.principal.name.clone()), index))
            .collect();

        for holder in holders {
            self.add(holder, &group_lists, &group_index);
        }
        // Policies that nobody here has are still part of the account: someone's boundary, or attached elsewhere.
        for arn in self.managed.keys().cloned().collect::<Vec<_>>() {
            if !is_aws_managed(&arn) {
                self.managed_policy(&arn);
            }
        }
        for principal in &self.grants.principals {
            if let Some(policy) = principal
                .permissions_boundary
                .as_ref()
                .and_then(|arn| self.policy_by_arn.get(arn))
            {
                self.grants.policies[*policy].is_boundary = true;
            }
        }
        self.grants
    }

    fn add(
        &mut self,
        holder: Holder,
        group_lists: &HashMap<String, Vec<String>>,
        group_index: &HashMap<(String, String), usize>,
    ) {
        let index = self.grants.principals.len();
        let mut principal = holder.principal;
        for name in group_lists.get(&principal.arn).into_iter().flatten() {
            match group_index.get(&(principal.account.clone(), name.clone())) {
                Some(group) => principal.groups.push(*group),
                None => principal.unknown.push(format!("group {name} is not in the export")),
            }
        }
        for inline in holder.inline {
            let document = decoded(inline.policy_document);
            principal.policies.push(self.grants.policies.len());
            self.grants.policies.push(PolicyDocument {
                kind: PolicyKind::Inline,
                name: inline.policy_name,
                arn: principal.arn.clone(),
                account: principal.account.clone(),
                file: self.files.get(&principal.arn).cloned().unwrap_or_default(),
                policy: Policy::from_value(&document).map_err(|error| error.to_string()),
                document,
                updated: None,
                attached_to: vec![index],
                attachment_count: Some(1),
                is_boundary: false,
                from_catalog: false,
            });
        }
        for attached in holder.attached {
            match self.managed_policy(&attached.policy_arn) {
                Some(policy) => {
                    if !principal.policies.contains(&policy) {
                        principal.policies.push(policy);
                        self.grants.policies[policy].attached_to.push(index);
                    }
                }
                None => principal.unknown.push(format!(
                    "attached policy {} has no document in the export",
                    attached.policy_arn
                )),
            }
        }
        self.grants.principals.push(principal);
    }

    /// The managed policy of that ARN, from the export or else from the catalog.
    fn managed_policy(&mut self, arn: &str) -> Option<usize> {
        if let Some(known) = self.policy_by_arn.get(arn) {
            return Some(*known);
        }
        let detail = self.managed.get(arn);
        let version = detail.and_then(|detail| {
            let default = detail.default_version_id.as_deref();
            detail
                .policy_version_list
                .iter()
                .find(|version| default.is_some() && version.version_id.as_deref() == default)
                .or_else(|| {
                    detail
                        .policy_version_list
                        .iter()
                        .find(|version| version.is_default_version)
                })
        });
        let exported = version.and_then(|version| version.document.clone()).map(decoded);
        let from_catalog = exported.is_none();
        let document = exported.or_else(|| {
            let text = Catalog::embedded().managed_policy(arn)?;
            serde_json::from_str(&text).ok()
        })?;
        let updated = version
            .and_then(|version| version.create_date.as_deref())
            .or(detail.and_then(|detail| detail.update_date.as_deref()));
        let index = self.grants.policies.len();
        let name = arn.rsplit('/').next().unwrap_or(arn).to_owned();
        self.grants.policies.push(PolicyDocument {
            kind: if is_aws_managed(arn) {
                PolicyKind::AwsManaged
            } else {
                PolicyKind::Managed
            },
            name: detail.and_then(|detail| detail.policy_name.clone()).unwrap_or(name),
            arn: arn.to_owned(),
            account: account_of(arn),
            file: self.files.get(arn).cloned().unwrap_or_default(),
            policy: Policy::from_value(&document).map_err(|error| error.to_string()),
            document,
            updated: timestamp(updated),
            attached_to: Vec::new(),
            attachment_count: detail.and_then(|detail| detail.attachment_count),
            is_boundary: detail
                .and_then(|detail| detail.permissions_boundary_usage_count)
                .unwrap_or(0)
                > 0,
            from_catalog,
        });
        self.policy_by_arn.insert(arn.to_owned(), index);
        Some(index)
    }
}

fn group(group: GroupDetail) -> Holder {
    let principal = Principal {
        created: timestamp(group.create_date.as_deref()),
        ..principal(Kind::Group, group.arn, group.group_id, group.group_name, group.path)
    };
    Holder {
        principal,
        inline: group.group_policy_list,
        attached: group.attached_managed_policies,
    }
}

fn user(user: UserDetail) -> Holder {
    let principal = Principal {
        created: timestamp(user.create_date.as_deref()),
        permissions_boundary: user
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn),
        tags: user.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        ..principal(Kind::User, user.arn, user.user_id, user.user_name, user.path)
    };
    Holder {
        principal,
        inline: user.user_policy_list,
        attached: user.attached_managed_policies,
    }
}

fn role(role: RoleDetail) -> Holder {
    let trust = role.assume_role_policy_document.map(decoded);
    let trust = trust.map(|document| Policy::from_value(&document).map_err(|error| error.to_string()));
    // Who may use it is then not known, so nobody can tell whose use is missing.
    let unknown = trust.iter().filter_map(|trust| trust.as_ref().err());
    let unknown = unknown.map(|why| format!("its trust policy cannot be understood: {why}"));
    let principal = Principal {
        unknown: unknown.collect(),
        created: timestamp(role.create_date.as_deref()),
        last_used: timestamp(role.role_last_used.and_then(|used| used.last_used_date).as_deref()),
        permissions_boundary: role
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn),
        trust,
        instance_profiles: role
            .instance_profile_list
            .into_iter()
            .map(|profile| profile.instance_profile_name)
            .collect(),
        tags: role.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        ..principal(Kind::Role, role.arn, role.role_id, role.role_name, role.path)
    };
    Holder {
        principal,
        inline: role.role_policy_list,
        attached: role.attached_managed_policies,
    }
}

fn principal(kind: Kind, arn: String, id: String, name: String, path: String) -> Principal {
    let path = if path.is_empty() { "/".to_owned() } else { path };
    Principal::plain(kind, arn, id, name, path)
}

/// A document as exported: an object, or the API's RFC 3986 encoding of one. `+` stays `+`.
fn decoded(document: Value) -> Value {
    let Value::String(text) = &document else {
        return document;
    };
    let plain = percent_decode_str(text).decode_utf8().ok();
    serde_json::from_str(text)
        .ok()
        .or_else(|| plain.and_then(|plain| serde_json::from_str(&plain).ok()))
        .unwrap_or(document)
}

/// A date that is one: IAM was there from 2010 on, and tools write what they do not know as year 1 or 1970.
fn timestamp(text: Option<&str>) -> Option<Timestamp> {
    let time: Timestamp = text?.parse().ok()?;
    (time.as_second() >= FIRST).then_some(time)
}

/// 2010-01-01T00:00:00Z
const FIRST: i64 = 1_262_304_000;

/// The fifth segment of an ARN.
fn account_of(arn: &str) -> String {
    arn.split(':').nth(4).unwrap_or("").to_owned()
}

/// `arn:aws:iam::aws:policy/…`, in any partition.
fn is_aws_managed(arn: &str) -> bool {
    account_of(arn) == "aws"
}
