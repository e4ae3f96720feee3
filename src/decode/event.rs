//! The event as the rest of the program sees it: what a trail says of one call, borrowed from the bytes it stood in.
//!
//! Nearly everything is optional, because trails of eleven versions and dozens of services leave out nearly
//! everything somewhere. What has an unexpected type is `None`: unknown, never guessed.

use std::borrow::Cow;
use std::rc::Rc;

use super::Time;

/// One record of a trail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event<'a> {
    /// `eventTime`: when the call completed.
    pub time: Time,
    /// `eventSource`, such as `s3.amazonaws.com`.
    pub source: Cow<'a, str>,
    /// `eventName`, such as `GetObject`.
    pub name: Cow<'a, str>,
    /// `eventID`.
    pub id: Option<Cow<'a, str>>,
    /// `sharedEventID`: the same on every account's copy of one call.
    pub shared_event_id: Option<Cow<'a, str>>,
    /// `requestID`.
    pub request_id: Option<Cow<'a, str>>,
    /// `recipientAccountId`: the account whose trail got this copy.
    pub recipient_account_id: Option<Cow<'a, str>>,
    /// `awsRegion`.
    pub region: Option<Cow<'a, str>>,
    /// `eventType`, such as `AwsApiCall` or `AwsServiceEvent`.
    pub event_type: Option<Cow<'a, str>>,
    /// `eventCategory`, such as `Management` or `Data`.
    pub event_category: Option<Cow<'a, str>>,
    /// `eventVersion`.
    pub event_version: Option<Cow<'a, str>>,
    /// `managementEvent`.
    pub management_event: Option<bool>,
    /// `readOnly`.
    pub read_only: Option<bool>,
    /// `errorCode`: absent where the call succeeded; never empty.
    pub error_code: Option<Cow<'a, str>>,
    /// `errorMessage`.
    pub error_message: Option<Cow<'a, str>>,
    /// `sourceIPAddress`: an address, or the name of a service.
    pub source_ip_address: Option<Cow<'a, str>>,
    /// `userAgent`.
    pub user_agent: Option<Cow<'a, str>>,
    /// `vpcEndpointId`.
    pub vpc_endpoint_id: Option<Cow<'a, str>>,
    /// `userIdentity`; `None` where the record has none. Shared between events that say the same.
    pub identity: Option<Rc<Identity>>,
    /// `requestParameters`.
    pub request_parameters: Payload<'a>,
    /// `responseElements`.
    pub response_elements: Payload<'a>,
    /// `additionalEventData`.
    pub additional_event_data: Payload<'a>,
    /// `resources`.
    pub resources: Payload<'a>,
    /// `serviceEventDetails`.
    pub service_event_details: Payload<'a>,
    /// `addendum`: says that this record is late, or corrects another one.
    pub addendum: Payload<'a>,
    /// `sessionCredentialFromConsole`: whether somebody's session in the console made the call.
    pub from_console: Option<bool>,
    /// True where the record comes from an export that leaves out ARNs (the console's Event history as CSV): such a
    /// record shows that a call was made, and never on which resource.
    pub coarse: bool,
    /// Where the record is one of `trimtrail.events/1`, how many calls it stands for; its own time and id are the first's.
    pub many: Option<Box<Many>>,
}

/// What an engine counted: calls of one day that differ in nothing that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Many {
    /// How many, one at least.
    pub calls: u64,
    /// A bit for each hour of the day in which some were made.
    pub hours: u32,
    /// When the last completed.
    pub last: Time,
    /// `eventID` of the last; may be empty.
    pub last_id: String,
}

impl Event<'_> {
    /// How many calls the record stands for.
    #[inline]
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.many.as_ref().map_or(1, |many| many.calls)
    }

    /// Moments of these calls: the first, one in each hour with some, and the last.
    pub fn moments(&self) -> impl Iterator<Item = Time> {
        let many = self.many.as_deref();
        let midnight = self.time.days() * 86_400;
        let hours = many.into_iter().flat_map(move |many| {
            (0..24)
                .filter(|hour| many.hours >> hour & 1 == 1)
                .map(move |hour| Time::from_seconds(midnight + hour * 3600))
                .filter(move |time| self.time < *time && *time < many.last)
                .chain([many.last])
        });
        std::iter::once(self.time).chain(hours)
    }
}

/// A part of a record that is a tree of its own, kept as text until somebody asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Payload<'a> {
    /// The field is not there (CloudTrail leaves out what is too large).
    #[default]
    Absent,
    /// The field is there, and null.
    Null,
    /// A string or another scalar where an object should be: redacted, truncated, unknown.
    Text(Cow<'a, str>),
    /// The raw JSON of an object or array, checked to be well-formed.
    Json(&'a str),
}

impl<'a> Payload<'a> {
    /// The raw JSON, where there is any.
    #[must_use]
    pub fn json(&self) -> Option<&'a str> {
        match self {
            Payload::Json(text) => Some(text),
            Payload::Absent | Payload::Null | Payload::Text(_) => None,
        }
    }

    /// The tree, where there is one.
    #[must_use]
    pub fn parse(&self) -> Option<super::json::Value<'a>> {
        self.json().and_then(super::json::parse)
    }
}

/// `userIdentity`: who the call was made as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// `type`, such as `AssumedRole`; service events may leave it out.
    pub kind: Option<Box<str>>,
    /// `principalId`, such as `AROA…:session`.
    pub principal_id: Option<Box<str>>,
    /// `arn`.
    pub arn: Option<Box<str>>,
    /// `accountId`.
    pub account_id: Option<Box<str>>,
    /// `accessKeyId`.
    pub access_key_id: Option<Box<str>>,
    /// `userName`.
    pub user_name: Option<Box<str>>,
    /// `invokedBy`: the service that made the call, for itself or for the principal.
    pub invoked_by: Option<Box<str>>,
    /// `identityProvider`, on calls made with a web identity or SAML token.
    pub identity_provider: Option<Box<str>>,
    /// `credentialId`.
    pub credential_id: Option<Box<str>>,
    /// `onBehalfOf.userId`: the Identity Center user.
    pub on_behalf_of_user_id: Option<Box<str>>,
    /// `onBehalfOf.identityStoreArn`.
    pub identity_store_arn: Option<Box<str>>,
    /// `inScopeOf.issuerType`: the kind of service that got the credentials, such as `AWS::Lambda::Function`.
    pub in_scope_of_issuer_type: Option<Box<str>>,
    /// `inScopeOf.credentialsIssuedTo`: the workload that the credentials were made for.
    pub in_scope_of_credentials_issued_to: Option<Box<str>>,
    /// `sessionContext.sessionIssuer`; `None` where it is absent or empty.
    pub session_issuer: Option<Issuer>,
    /// `sessionContext.attributes.creationDate`.
    pub session_creation_date: Option<Box<str>>,
    /// `sessionContext.attributes.mfaAuthenticated`.
    pub mfa: Option<bool>,
    /// `sessionContext.sourceIdentity`.
    pub source_identity: Option<Box<str>>,
    /// `sessionContext.ec2RoleDelivery`: `1.0` or `2.0`, the metadata service's version.
    pub ec2_role_delivery: Option<Box<str>>,
    /// `sessionContext.assumedRoot`.
    pub assumed_root: bool,
    /// `sessionContext.webIdFederationData.federatedProvider`.
    pub federated_provider: Option<Box<str>>,
}

impl Identity {
    /// The version of the instance metadata service that delivered the credentials, where one did.
    #[must_use]
    pub fn delivered_by_ec2(&self) -> Option<&str> {
        self.ec2_role_delivery.as_deref().filter(|version| !version.is_empty())
    }
}

/// `sessionContext.sessionIssuer`: whose permissions a session has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Issuer {
    /// `type`, such as `Role`.
    pub kind: Option<Box<str>>,
    /// `principalId`, such as `AROA…`.
    pub principal_id: Option<Box<str>>,
    /// `arn`, with the path that the session's own ARN lacks.
    pub arn: Option<Box<str>>,
    /// `accountId`.
    pub account_id: Option<Box<str>>,
    /// `userName`: the name of the role or user.
    pub user_name: Option<Box<str>>,
}
