//! What IAM grants, in the shape that `aws iam get-account-authorization-details` prints.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::identity::{Role, User};
use super::rng::fake_id;

/// RFC 3986: everything but the unreserved characters, as IAM's API encodes documents.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One account's answer, being built.
pub(crate) struct Grants {
    account: String,
    /// Documents as URL-encoded strings (the API) or as objects (the command line).
    encoded: bool,
    users: Vec<Value>,
    groups: Vec<Value>,
    roles: Vec<Value>,
    policies: Vec<Value>,
    /// Policies that something not in this answer has attached too.
    unseen: Vec<(String, u64)>,
}

/// A statement with `Effect: Allow`.
pub(crate) fn allow(actions: &[&str], resources: &[&str]) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resources})
}

/// A policy of these statements.
pub(crate) fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A trust policy that lets AWS services take the role.
pub(crate) fn trust_service(service: &str) -> Value {
    document(&[json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})])
}

/// A trust policy for one subject of an OpenID Connect provider.
pub(crate) fn trust_subject(provider: &str, subject: &str) -> Value {
    trust_subjects(provider, &json!(subject))
}

/// A trust policy for one subject of an OpenID Connect provider, or a list of them.
pub(crate) fn trust_subjects(provider: &str, subject: &Value) -> Value {
    let host = provider.split_once("oidc-provider/").map_or(provider, |(_, host)| host);
    document(&[json!({
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{host}:aud"): "sts.amazonaws.com",
            format!("{host}:sub"): subject,
        }},
    })])
}

/// What one role, user or group has; the parts that most do not have are added by name.
pub(crate) struct Holder {
    created: String,
    inline: Vec<(String, Value)>,
    managed: Vec<String>,
    boundary: Option<String>,
    last_used: Option<(String, String)>,
    profile: bool,
    groups: Vec<String>,
    tags: Vec<Value>,
}

impl Holder {
    pub(crate) fn since(created: &str) -> Self {
        Self {
            created: created.into(),
            inline: Vec::new(),
            managed: Vec::new(),
            boundary: None,
            last_used: None,
            profile: false,
            groups: Vec::new(),
            tags: Vec::new(),
        }
    }

    pub(crate) fn inline(mut self, name: &str, document: Value) -> Self {
        self.inline.push((name.into(), document));
        self
    }

    pub(crate) fn managed(mut self, arn: &str) -> Self {
        self.managed.push(arn.into());
        self
    }

    pub(crate) fn boundary(mut self, arn: &str) -> Self {
        self.boundary = Some(arn.into());
        self
    }

    pub(crate) fn last_used(mut self, date: &str, region: &str) -> Self {
        self.last_used = Some((date.into(), region.into()));
        self
    }

    /// The role is in an instance profile of its own name.
    pub(crate) fn instance_profile(mut self) -> Self {
        self.profile = true;
        self
    }

    pub(crate) fn group(mut self, name: &str) -> Self {
        self.groups.push(name.into());
        self
    }

    pub(crate) fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.push(json!({"Key": key, "Value": value}));
        self
    }
}

/// The last part of a policy's ARN.
fn policy_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn attached(arns: &[String]) -> Vec<Value> {
    arns.iter()
        .map(|arn| json!({"PolicyName": policy_name(arn), "PolicyArn": arn}))
        .collect()
}

impl Grants {
    pub(crate) fn new(account: &str, encoded: bool) -> Self {
        Self {
            account: account.into(),
            encoded,
            users: Vec::new(),
            groups: Vec::new(),
            roles: Vec::new(),
            policies: Vec::new(),
            unseen: Vec::new(),
        }
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    fn text(&self, document: &Value) -> Value {
        if self.encoded {
            let text = serde_json::to_string_pretty(document).expect("a policy is JSON");
            json!(utf8_percent_encode(&text, ENCODED).to_string())
        } else {
            document.clone()
        }
    }

    fn inline(&self, policies: &[(String, Value)]) -> Vec<Value> {
        policies
            .iter()
            .map(|(name, doc)| json!({"PolicyName": name, "PolicyDocument": self.text(doc)}))
            .collect()
    }

    pub(crate) fn role(&mut self, role: &Role, trust: &Value, holder: Holder) {
        let profiles = if holder.profile {
            let trust = self.text(trust);
            vec![json!({
                "Path": "/",
                "InstanceProfileName": role.name,
                "InstanceProfileId": fake_id("AIPA", &role.name),
                "Arn": format!("arn:aws:iam::{}:instance-profile/{}", role.account, role.name),
                "CreateDate": holder.created,
                "Roles": [{
                    "Path": role.path, "RoleName": role.name, "RoleId": role.id, "Arn": role.arn(),
                    "CreateDate": holder.created, "AssumeRolePolicyDocument": trust,
                }],
            })]
        } else {
            Vec::new()
        };
        let mut out = json!({
            "Path": role.path,
            "RoleName": role.name,
            "RoleId": role.id,
            "Arn": role.arn(),
            "CreateDate": holder.created,
            "AssumeRolePolicyDocument": self.text(trust),
            "InstanceProfileList": profiles,
            "RolePolicyList": self.inline(&holder.inline),
            "AttachedManagedPolicies": attached(&holder.managed),
        });
        if let Some(arn) = holder.boundary {
            out["PermissionsBoundary"] = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn});
        }
        out["Tags"] = Value::Array(holder.tags);
        out["RoleLastUsed"] = match holder.last_used {
            Some((date, region)) => json!({"LastUsedDate": date, "Region": region}),
            None => json!({}),
        };
        self.roles.push(out);
    }

    pub(crate) fn user(&mut self, user: &User, holder: Holder) {
        self.users.push(json!({
            "Path": "/",
            "UserName": user.name,
            "UserId": user.id,
            "Arn": user.arn(),
            "CreateDate": holder.created,
            "UserPolicyList": self.inline(&holder.inline),
            "GroupList": holder.groups,
            "AttachedManagedPolicies": attached(&holder.managed),
            "Tags": holder.tags,
        }));
    }

    pub(crate) fn group(&mut self, name: &str, holder: Holder) {
        self.groups.push(json!({
            "Path": "/",
            "GroupName": name,
            "GroupId": fake_id("AGPA", name),
            "Arn": format!("arn:aws:iam::{}:group/{name}", self.account),
            "CreateDate": holder.created,
            "GroupPolicyList": self.inline(&holder.inline),
            "AttachedManagedPolicies": attached(&holder.managed),
        }));
    }

    /// A managed policy with its versions, the oldest first; the last one is the default. Returns its ARN.
    pub(crate) fn policy(&mut self, arn: &str, created: &str, versions: &[Value]) -> String {
        let arn = if arn.starts_with("arn:") {
            arn.to_owned()
        } else {
            format!("arn:aws:iam::{}:policy/{arn}", self.account)
        };
        let path = arn.split_once(":policy").map_or("/", |(_, path)| path);
        let path = &path[..=path.rfind('/').unwrap_or(0)];
        let newest = versions.len();
        let list: Vec<Value> = versions
            .iter()
            .enumerate()
            .rev()
            .map(|(i, doc)| {
                json!({
                    "Document": self.text(doc),
                    "VersionId": format!("v{}", i + 1),
                    "IsDefaultVersion": i + 1 == newest,
                    "CreateDate": created,
                })
            })
            .collect();
        self.policies.push(json!({
            "PolicyName": policy_name(&arn),
            "PolicyId": fake_id("ANPA", &arn),
            "Arn": arn,
            "Path": path,
            "DefaultVersionId": format!("v{newest}"),
            "AttachmentCount": 0,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": true,
            "CreateDate": created,
            "UpdateDate": created,
            "PolicyVersionList": list,
        }));
        arn
    }

    /// Says that `count` holders that are not in this answer have the policy attached too.
    pub(crate) fn unseen_attachments(&mut self, arn: &str, count: u64) {
        self.unseen.push((arn.into(), count));
    }

    /// The answer, with every policy's attachments counted.
    pub(crate) fn finish(mut self) -> Value {
        let holders = || self.users.iter().chain(&self.groups).chain(&self.roles);
        for policy in &mut self.policies {
            let arn = policy["Arn"].clone();
            let attached = holders()
                .filter_map(|holder| holder["AttachedManagedPolicies"].as_array())
                .flatten()
                .filter(|one| one["PolicyArn"] == arn)
                .count() as u64;
            let unseen: u64 = self
                .unseen
                .iter()
                .filter(|(a, _)| arn == a.as_str())
                .map(|(_, count)| count)
                .sum();
            let bounds = holders()
                .filter(|h| h["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn)
                .count();
            policy["AttachmentCount"] = json!(attached + unseen);
            policy["PermissionsBoundaryUsageCount"] = json!(bounds);
        }
        json!({
            "UserDetailList": self.users,
            "GroupDetailList": self.groups,
            "RoleDetailList": self.roles,
            "Policies": self.policies,
        })
    }
}
