//! The least that each source needs, as a policy with its parameters filled in.

use serde_json::{Value, json};

/// What will be read.
pub(in crate::command) struct Needs<'a> {
    /// `s3://…` and `lookup:…`
    pub(in crate::command) places: &'a [String],
    /// Keys that objects are encrypted with.
    pub(in crate::command) kms_keys: &'a [String],
    pub(in crate::command) grants: bool,
    pub(in crate::command) organization: bool,
    pub(in crate::command) member_role: Option<&'a str>,
    pub(in crate::command) last_accessed: bool,
    /// `aws`, `aws-cn`, …
    pub(in crate::command) partition: &'a str,
}

/// What the account in which the program runs has to allow.
pub(in crate::command) fn of(needs: &Needs<'_>) -> Value {
    let partition = needs.partition;
    let mut statements = Vec::new();
    for place in needs.places {
        if let Some(place) = place.strip_prefix("s3://") {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            let mut list = json!({
                "Effect": "Allow", "Action": "s3:ListBucket", "Resource": format!("arn:{partition}:s3:::{bucket}"),
            });
            let below = below(prefix);
            if !prefix.is_empty() {
                list["Condition"] = json!({"StringLike": {"s3:prefix": below}});
            }
            let objects: Vec<String> = below
                .iter()
                .map(|keys| format!("arn:{partition}:s3:::{bucket}/{keys}"))
                .collect();
            statements.push(list);
            statements.push(json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects}));
        }
    }
    if !needs.kms_keys.is_empty() {
        statements.push(json!({
            "Effect": "Allow", "Action": "kms:Decrypt", "Resource": needs.kms_keys,
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        }));
    }
    let regions: Vec<&str> = needs
        .places
        .iter()
        .filter_map(|place| place.strip_prefix("lookup:"))
        .collect();
    if !regions.is_empty() {
        // LookupEvents knows no resources (Service authorization reference, CloudTrail).
        statements.push(json!({
            "Effect": "Allow", "Action": "cloudtrail:LookupEvents", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": regions}},
        }));
    }
    if needs.grants {
        statements.extend(grants(needs));
    }
    if needs.organization {
        statements.push(json!({
            "Effect": "Allow",
            "Action": [
                "organizations:DescribeOrganization", "organizations:DescribePolicy", "organizations:ListAccounts",
                "organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent",
                "organizations:ListPoliciesForTarget", "organizations:ListRoots",
            ],
            "Resource": "*",
        }));
    }
    if let Some(role) = needs.member_role {
        statements.push(json!({
            "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": format!("arn:{partition}:iam::*:role/{role}"),
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The keys that a prefix means: those of a folder, or of a folder and the object of that name.
fn below(prefix: &str) -> Vec<String> {
    if prefix.is_empty() || prefix.ends_with('/') {
        vec![format!("{prefix}*")]
    } else {
        vec![prefix.to_owned(), format!("{prefix}/*")]
    }
}

/// What the role in another account has to allow.
pub(in crate::command) fn member(needs: &Needs<'_>) -> Value {
    json!({"Version": "2012-10-17", "Statement": grants(needs)})
}

/// The grants themselves, and in a statement of its own what only adds evidence.
fn grants(needs: &Needs<'_>) -> Vec<Value> {
    let mut beside = vec![
        "eks:DescribePodIdentityAssociation",
        "eks:ListClusters",
        "eks:ListPodIdentityAssociations",
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
        "iam:GetOpenIDConnectProvider",
        "iam:ListOpenIDConnectProviders",
    ];
    if needs.last_accessed {
        beside.extend([
            "iam:GenerateServiceLastAccessedDetails",
            "iam:GetServiceLastAccessedDetails",
        ]);
    }
    vec![
        json!({"Effect": "Allow", "Action": "iam:GetAccountAuthorizationDetails", "Resource": "*"}),
        json!({"Sid": "Optional", "Effect": "Allow", "Action": beside, "Resource": "*"}),
    ]
}

#[cfg(test)]
mod tests;
