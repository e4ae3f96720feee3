//! Event to principal: who really made this call, behind the assumed role.
//!
//! A call is billed to the identity whose policies IAM evaluated: the session issuer, never the assumed-role ARN,
//! which lacks the role's path (CloudTrail user guide, "CloudTrail userIdentity element"). `invokedBy` changes
//! nothing: a service that acts for a role uses that role's permissions (IAM user guide, "Forward access sessions").

mod actor;
mod family;
pub mod opening;
mod session;

use std::borrow::Cow;

use crate::decode::json::Value;
use crate::decode::{Event, Identity};

pub use actor::{Actor, Known, behind, cluster_name, cluster_of, issuer_of, region_of_issuer};
pub use family::MOST_FAMILIES;
pub use opening::{Opener, Openings, provider, seed};
pub use session::{
    Session, Shown, Workload, WorkloadKind, session, session_name, session_of, shown, shown_by, signed_in,
};

/// What kind of identity a call is billed to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PrincipalKind {
    /// An IAM role, by its sessions.
    Role,
    /// An IAM user, with long-term or temporary keys.
    User,
    /// An account's root.
    Root,
    /// Somebody of another account, whose policies are there.
    Account,
    /// A person of IAM Identity Center who acts without a role.
    IdentityCenterUser,
}

impl PrincipalKind {
    /// Every kind.
    pub const ALL: [PrincipalKind; 5] = [
        PrincipalKind::Role,
        PrincipalKind::User,
        PrincipalKind::Root,
        PrincipalKind::Account,
        PrincipalKind::IdentityCenterUser,
    ];

    /// The kind as `resolve` prints it.
    pub fn name(self) -> &'static str {
        match self {
            PrincipalKind::Role => "role",
            PrincipalKind::User => "user",
            PrincipalKind::Root => "root",
            PrincipalKind::Account => "account",
            PrincipalKind::IdentityCenterUser => "identity_center_user",
        }
    }
}

/// Who a call is billed to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Principal<'a> {
    /// Role, user, …
    pub kind: PrincipalKind,
    /// The role's or user's ARN, with its path where the event shows it; may be empty.
    pub arn: Cow<'a, str>,
    /// The unique id without the session name (`AROA…`); may be empty.
    pub id: &'a str,
    /// The account that holds the principal; may be empty.
    pub account: &'a str,
}

/// What an event says of its caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attribution<'a> {
    /// Billed to this principal.
    Principal(Principal<'a>),
    /// No principal's identity policies were asked, and why.
    NotACall(&'static str),
    /// The event names nobody.
    Nobody,
}

/// Who the call is billed to.
pub fn attribute<'e>(event: &'e Event<'_>) -> Attribution<'e> {
    match (beside_calls(event), &event.identity) {
        (Some(why), _) => Attribution::NotACall(why),
        (None, None) => Attribution::Nobody,
        (None, Some(identity)) => identity_of(identity),
    }
}

/// Why the event is no call, whoever it names; `None` where its identity decides.
pub fn beside_calls(event: &Event<'_>) -> Option<&'static str> {
    match event.event_type.as_deref() {
        Some("AwsServiceEvent") => return Some("a service's own event"),
        Some("AwsConsoleSignIn") => return Some("a console sign-in"),
        // A console action is a call to no public API, and IAM may allow it nevertheless: what Billing's console shows and
        // changes is so (Billing user guide, "Logging Billing and Cost Management API calls with AWS CloudTrail").
        Some(_) | None => {}
    }
    match &*event.source {
        "signin.amazonaws.com" => Some("a console sign-in"),
        // S3 reports failed authentication and its own lifecycle deletions under sources of their own.
        "s3-authn-errors.amazonaws.com" => Some("a request that failed authentication"),
        "s3lifecycle.amazonaws.com" => Some("a lifecycle rule's deletion"),
        _ => None,
    }
}

/// Whether the record corrects an earlier one: it adds to what is known of that call and is no call of its own
/// (CloudTrail user guide, record contents, `addendum`).
pub fn is_correction(event: &Event<'_>) -> bool {
    let reason = event.addendum.parse();
    let reason = reason.as_ref().and_then(|addendum| addendum.get("reason"));
    reason.and_then(Value::as_str) == Some("UPDATED_DATA")
}

/// Who calls with this identity are billed to.
pub fn identity_of(identity: &Identity) -> Attribution<'_> {
    let arn = identity.arn.as_deref().unwrap_or_default();
    let Some(kind) = kind_of(identity, arn) else {
        return Attribution::Nobody;
    };
    match kind {
        "AssumedRole" | "Role" => role(identity, arn),
        "IAMUser" => billed(PrincipalKind::User, arn, identity),
        // A federated session has at most the permissions of the user who asked for it.
        "FederatedUser" => match &identity.session_issuer {
            Some(issuer) if issuer.kind.as_deref() == Some("Root") => {
                billed(PrincipalKind::Root, issuer.arn.as_deref().unwrap_or_default(), identity)
            }
            Some(issuer) => Attribution::Principal(Principal {
                kind: PrincipalKind::User,
                arn: issuer.arn.as_deref().unwrap_or_default().into(),
                id: issuer.principal_id.as_deref().unwrap_or_default(),
                account: issuer
                    .account_id
                    .as_deref()
                    .or(identity.account_id.as_deref())
                    .unwrap_or_default(),
            }),
            None => Attribution::Nobody,
        },
        "Root" => billed(PrincipalKind::Root, arn, identity),
        "AWSAccount" => billed(PrincipalKind::Account, arn, identity),
        "IdentityCenterUser" => Attribution::Principal(Principal {
            kind: PrincipalKind::IdentityCenterUser,
            arn: arn.into(),
            id: identity
                .on_behalf_of_user_id
                .as_deref()
                .or(identity.principal_id.as_deref())
                .unwrap_or_default(),
            account: identity.account_id.as_deref().unwrap_or_default(),
        }),
        "AWSService" => Attribution::NotACall("a service acting for itself"),
        "WebIdentityUser" => Attribution::NotACall("a web identity, which needs no permission of its own"),
        "SAMLUser" => Attribution::NotACall("a SAML identity, which needs no permission of its own"),
        _ => Attribution::Nobody,
    }
}

/// What [`identity_of`] knows (CloudTrail user guide, "CloudTrail userIdentity element").
const KINDS: [&str; 10] = [
    "AWSAccount",
    "AWSService",
    "AssumedRole",
    "FederatedUser",
    "IAMUser",
    "IdentityCenterUser",
    "Role",
    "Root",
    "SAMLUser",
    "WebIdentityUser",
];

/// The type that an identity has, or what the rest of it tells: old, redacted and rewritten events leave the type out or
/// spell it otherwise, and AWS adds types.
fn kind_of(identity: &Identity, arn: &str) -> Option<&'static str> {
    let named = identity.kind.as_deref().unwrap_or_default();
    if let Some(known) = KINDS.into_iter().find(|known| known.eq_ignore_ascii_case(named)) {
        return Some(known);
    }
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let service = arn.split(':').nth(2).unwrap_or_default();
    match (service, resource) {
        (_, session) if session.starts_with("assumed-role/") => return Some("AssumedRole"),
        ("iam", user) if user.starts_with("user/") => return Some("IAMUser"),
        (_, federated) if federated.starts_with("federated-user/") => return Some("FederatedUser"),
        (_, "root") => return Some("Root"),
        _ => {}
    }
    // The prefixes of unique ids (IAM user guide, "IAM identifiers").
    let id = identity.principal_id.as_deref().unwrap_or_default();
    if id.starts_with("AROA") {
        return Some("AssumedRole");
    }
    if id.starts_with("AIDA") {
        return Some("IAMUser");
    }
    let issuer = identity.session_issuer.as_ref();
    match issuer.and_then(|issuer| issuer.kind.as_deref()) {
        Some("Role") => Some("AssumedRole"),
        Some("IAMUser" | "User" | "Root") => Some("FederatedUser"),
        Some(_) | None => (named.is_empty() && identity.invoked_by.is_some()).then_some("AWSService"),
    }
}

fn role<'i>(identity: &'i Identity, arn: &'i str) -> Attribution<'i> {
    let told = |text: &'i Option<Box<str>>| text.as_deref().filter(|text| !text.is_empty());
    let issuer = identity.session_issuer.as_ref();
    let id = issuer.and_then(|issuer| told(&issuer.principal_id));
    let id = id.unwrap_or_else(|| without_session(identity));
    let account = issuer.and_then(|issuer| told(&issuer.account_id));
    let account = account.or(identity.account_id.as_deref());
    if let Some(issuer_arn) = issuer.and_then(|issuer| told(&issuer.arn)) {
        return Attribution::Principal(Principal {
            kind: PrincipalKind::Role,
            account: account.unwrap_or_else(|| account_of(issuer_arn)),
            arn: issuer_arn.into(),
            id,
        });
    }
    // Without the issuer's ARN the path is unknown: a name is all that the issuer or the session's ARN has.
    let name = issuer.and_then(|issuer| told(&issuer.user_name));
    let role_arn = match (role_arn_of_session(arn), name, account) {
        (Some(role_arn), ..) => Cow::Owned(role_arn),
        (None, Some(name), Some(account)) if arn.is_empty() => {
            Cow::Owned(format!("arn:aws:iam::{account}:role/{name}"))
        }
        (None, ..) => Cow::Borrowed(arn),
    };
    if role_arn.is_empty() && id.is_empty() {
        return Attribution::Nobody;
    }
    Attribution::Principal(Principal {
        kind: PrincipalKind::Role,
        account: account.unwrap_or_else(|| account_of(arn)),
        arn: role_arn,
        id,
    })
}

fn billed<'i>(kind: PrincipalKind, arn: &'i str, identity: &'i Identity) -> Attribution<'i> {
    let id = without_session(identity);
    let account = identity.account_id.as_deref().unwrap_or_else(|| account_of(arn));
    // The path is unknown: a name is all that the event has.
    let arn = match identity.user_name.as_deref() {
        Some(name) if kind == PrincipalKind::User && arn.is_empty() && !account.is_empty() => {
            Cow::Owned(format!("arn:aws:iam::{account}:user/{name}"))
        }
        Some(_) | None => Cow::Borrowed(arn),
    };
    // An account alone is a root or a stranger, and no user of it.
    let is_told = kind != PrincipalKind::User && !account.is_empty();
    if arn.is_empty() && id.is_empty() && !is_told {
        return Attribution::Nobody;
    }
    Attribution::Principal(Principal { kind, arn, id, account })
}

/// The `AROA…` of `AROA…:session`.
fn without_session(identity: &Identity) -> &str {
    let id = identity.principal_id.as_deref().unwrap_or_default();
    id.split(':').next().unwrap_or(id)
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or("")
}

/// `arn:aws:sts::A:assumed-role/NAME/SESSION` to `arn:aws:iam::A:role/NAME`; a session name may hold slashes.
fn role_arn_of_session(arn: &str) -> Option<String> {
    let mut segments = arn.splitn(6, ':');
    let (scheme, partition, _sts, _region) = (segments.next()?, segments.next()?, segments.next()?, segments.next()?);
    let (account, resource) = (segments.next()?, segments.next()?);
    let name = resource.strip_prefix("assumed-role/")?.split('/').next()?;
    (scheme == "arn").then(|| format!("arn:{partition}:iam::{account}:role/{name}"))
}

#[cfg(test)]
mod tests;
