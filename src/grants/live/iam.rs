//! The pages of `get-account-authorization-details`, as the AWS CLI prints them.

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::primitives::{DateTime, DateTimeFormat};
use aws_sdk_iam::types::{
    AttachedPermissionsBoundary, AttachedPolicy, GroupDetail, InstanceProfile, ManagedPolicyDetail, PolicyDetail,
    PolicyVersion, RoleDetail, Tag, UserDetail,
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::trimmed;
use crate::aws::{Connection, Kind, Trouble, Whole, patiently};

/// Most principals and policies a page (GetAccountAuthorizationDetails, `MaxItems`).
const PAGE: i32 = 1000;

fn client(connection: &Connection) -> Client {
    let config = aws_sdk_iam::config::Builder::from(connection.config()).interceptor(Whole);
    Client::from_conf(config.build())
}

/// All pages of an account.
pub(super) async fn pages(connection: &Connection) -> Result<Vec<Value>, Trouble> {
    let client = client(connection);
    let mut pages = Vec::new();
    let mut marker = None;
    loop {
        let answer = patiently(|| {
            client
                .get_account_authorization_details()
                .max_items(PAGE)
                .set_marker(marker.clone())
                .send()
        })
        .await?;
        let next = answer.marker.clone().filter(|_| answer.is_truncated);
        if answer.is_truncated && (next.is_none() || next == marker) {
            let sentence = "IAM says that there are more principals and policies, and not where they go on";
            return Err(Trouble::new(Kind::Server, sentence));
        }
        marker = next;
        pages.push(page(answer, marker.is_some()));
        if marker.is_none() {
            return Ok(pages);
        }
    }
}

/// One principal or policy, to see that it may be asked for.
pub(super) async fn one(connection: &Connection) -> Result<(), Trouble> {
    let client = client(connection);
    patiently(|| client.get_account_authorization_details().max_items(1).send()).await?;
    Ok(())
}

/// The roles and users of these pages.
pub(super) fn arns(pages: &[Value]) -> Vec<String> {
    let lists = pages
        .iter()
        .flat_map(|page| ["RoleDetailList", "UserDetailList"].map(|list| &page[list]));
    let details = lists.filter_map(Value::as_array).flatten();
    details
        .filter_map(|detail| Some(detail["Arn"].as_str()?.to_owned()))
        .collect()
}

pub(super) fn time(time: Option<DateTime>) -> Value {
    time.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok())
        .map_or(Value::Null, Value::String)
}

fn all<T>(items: Option<Vec<T>>, of: impl Fn(T) -> Value) -> Value {
    Value::Array(
        items
            .unwrap_or_default()
            .into_iter()
            .map(|item| trimmed(of(item)))
            .collect(),
    )
}

/// IAM percent-encodes documents; the CLI prints them decoded.
fn document(text: Option<String>) -> Value {
    let Some(text) = text else { return Value::Null };
    let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
    serde_json::from_str(&decoded).unwrap_or(Value::String(text))
}

fn page(answer: GetAccountAuthorizationDetailsOutput, is_truncated: bool) -> Value {
    json!({
        "UserDetailList": all(answer.user_detail_list, user),
        "GroupDetailList": all(answer.group_detail_list, group),
        "RoleDetailList": all(answer.role_detail_list, role),
        "Policies": all(answer.policies, managed),
        "IsTruncated": is_truncated,
    })
}

fn user(user: UserDetail) -> Value {
    json!({
        "Path": user.path, "UserName": user.user_name, "UserId": user.user_id, "Arn": user.arn,
        "CreateDate": time(user.create_date),
        "UserPolicyList": all(user.user_policy_list, inline),
        "GroupList": user.group_list.unwrap_or_default(),
        "AttachedManagedPolicies": all(user.attached_managed_policies, attached),
        "PermissionsBoundary": user.permissions_boundary.map(boundary),
        "Tags": all(user.tags, tag),
    })
}

fn group(group: GroupDetail) -> Value {
    json!({
        "Path": group.path, "GroupName": group.group_name, "GroupId": group.group_id, "Arn": group.arn,
        "CreateDate": time(group.create_date),
        "GroupPolicyList": all(group.group_policy_list, inline),
        "AttachedManagedPolicies": all(group.attached_managed_policies, attached),
    })
}

fn role(role: RoleDetail) -> Value {
    let used = role
        .role_last_used
        .map(|used| trimmed(json!({"LastUsedDate": time(used.last_used_date), "Region": used.region})));
    json!({
        "Path": role.path, "RoleName": role.role_name, "RoleId": role.role_id, "Arn": role.arn,
        "CreateDate": time(role.create_date),
        "AssumeRolePolicyDocument": document(role.assume_role_policy_document),
        "InstanceProfileList": all(role.instance_profile_list, profile),
        "RolePolicyList": all(role.role_policy_list, inline),
        "AttachedManagedPolicies": all(role.attached_managed_policies, attached),
        "PermissionsBoundary": role.permissions_boundary.map(boundary),
        "Tags": all(role.tags, tag),
        "RoleLastUsed": used,
    })
}

fn managed(policy: ManagedPolicyDetail) -> Value {
    json!({
        "PolicyName": policy.policy_name, "PolicyId": policy.policy_id, "Arn": policy.arn, "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "PermissionsBoundaryUsageCount": policy.permissions_boundary_usage_count,
        "IsAttachable": policy.is_attachable,
        "CreateDate": time(policy.create_date), "UpdateDate": time(policy.update_date),
        "PolicyVersionList": all(policy.policy_version_list, version),
    })
}

fn version(version: PolicyVersion) -> Value {
    json!({
        "Document": document(version.document), "VersionId": version.version_id,
        "IsDefaultVersion": version.is_default_version, "CreateDate": time(version.create_date),
    })
}

fn inline(policy: PolicyDetail) -> Value {
    json!({"PolicyName": policy.policy_name, "PolicyDocument": document(policy.policy_document)})
}

fn attached(policy: AttachedPolicy) -> Value {
    json!({"PolicyName": policy.policy_name, "PolicyArn": policy.policy_arn})
}

fn boundary(boundary: AttachedPermissionsBoundary) -> Value {
    let kind = boundary.permissions_boundary_type.map(|kind| kind.as_str().to_owned());
    trimmed(json!({"PermissionsBoundaryType": kind, "PermissionsBoundaryArn": boundary.permissions_boundary_arn}))
}

fn profile(profile: InstanceProfile) -> Value {
    json!({
        "Path": profile.path, "InstanceProfileName": profile.instance_profile_name,
        "InstanceProfileId": profile.instance_profile_id, "Arn": profile.arn,
        "CreateDate": time(Some(profile.create_date)),
    })
}

fn tag(tag: Tag) -> Value {
    json!({"Key": tag.key, "Value": tag.value})
}
