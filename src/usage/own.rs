//! Our own calls: reading logs and grants leaves traces in the logs, which are nobody's use of a permission.
//!
//! They are told by the session name that we take (`trimtrail-…`) or the name that we put into the user agent. Both can
//! be claimed by anybody, so only the read-only calls that we make are left out, and their number is shown.

use crate::decode::Event;

/// What names begin with that only we use.
const NAME: &str = "trimtrail-";

/// (source, names) of the calls that we make, as CloudTrail writes them: `ListObjectsV2` is `ListObjects`.
const CALLS: [(&str, &[&str]); 6] = [
    ("cloudtrail.amazonaws.com", &["LookupEvents"]),
    (
        "eks.amazonaws.com",
        &[
            "ListClusters",
            "ListPodIdentityAssociations",
            "DescribePodIdentityAssociation",
        ],
    ),
    (
        "iam.amazonaws.com",
        &[
            "GenerateCredentialReport",
            "GenerateServiceLastAccessedDetails",
            "GetAccountAuthorizationDetails",
            "GetCredentialReport",
            "GetOpenIDConnectProvider",
            "GetServiceLastAccessedDetails",
            "ListOpenIDConnectProviders",
        ],
    ),
    (
        "organizations.amazonaws.com",
        &[
            "DescribeOrganization",
            "DescribePolicy",
            "ListAccounts",
            "ListAccountsForParent",
            "ListOrganizationalUnitsForParent",
            "ListPoliciesForTarget",
            "ListRoots",
        ],
    ),
    (
        "s3.amazonaws.com",
        &["GetObject", "HeadBucket", "HeadObject", "ListObjects"],
    ),
    ("sts.amazonaws.com", &["AssumeRole", "GetCallerIdentity"]),
];

/// Whether we made this call.
pub(super) fn is_ours(event: &Event<'_>) -> bool {
    // First what is told quickly: nearly all events are other calls.
    let calls = CALLS
        .iter()
        .any(|(source, names)| *source == event.source && names.contains(&&*event.name));
    let session = || {
        let arn = event.identity.as_ref()?.arn.as_deref()?;
        arn.split_once(":assumed-role/")?
            .1
            .rsplit_once('/')
            .map(|(_, name)| name)
    };
    let agent = || event.user_agent.as_deref()?.split_once("app/").map(|(_, name)| name);
    let is_ours = |name: &str| name.starts_with(NAME);
    calls && (session().is_some_and(is_ours) || agent().is_some_and(is_ours))
}

#[cfg(test)]
mod tests;
