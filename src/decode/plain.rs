//! One record the plain way, with `serde_json`: slow, and obviously right.
//!
//! Takes every record that has something odd in it, and is what the fast way is tested against.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::record::{Draft, Record, WRAPPERS};
use super::{Event, Identity, Issuer, Payload, Time, Why};

/// An object's members, raw. Names that are no text (a surrogate standing alone) are left out.
#[derive(Default)]
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    if let Ok(name) = serde_json::from_str(name.get()) {
                        members.push((name, value));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl<'a> Members<'a> {
    fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The last member of that name: where a name stands twice, the last one counts.
    fn raw(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.get())
    }

    fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// A scalar, parsed. Containers are none: nobody asks for one this way, and they may be large.
    fn scalar(&self, name: &str) -> Option<Value> {
        self.raw(name)
            .filter(|raw| !raw.starts_with(['{', '[']))
            .and_then(|raw| serde_json::from_str(raw).ok())
    }

    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        match self.scalar(name)? {
            Value::String(text) => Some(Cow::Owned(text)),
            _ => None,
        }
    }

    fn owned(&self, name: &str) -> Option<Box<str>> {
        self.text(name).map(|text| text.into())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.scalar(name)?.as_bool()
    }

    /// A flag that CloudTrail itself writes as text in some records.
    fn flag_or_text(&self, name: &str) -> Option<bool> {
        match self.scalar(name)? {
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The members of a member that is an object; none if it is anything else.
    fn object(&self, name: &str) -> Members<'a> {
        self.raw(name).and_then(Members::of).unwrap_or_default()
    }

    fn payload(&self, name: &str) -> Payload<'a> {
        match self.raw(name) {
            None => Payload::Absent,
            Some("null") => Payload::Null,
            Some(raw) if raw.starts_with(['{', '[']) => Payload::Json(raw),
            Some(raw) if raw.starts_with('"') => Payload::Text(self.text(name).unwrap_or_default()),
            Some(raw) => Payload::Text(Cow::Borrowed(raw)),
        }
    }
}

/// Reads one record into a draft.
pub(super) fn record<'d, 'a>(text: &'a str, draft: &'d mut Draft<'a>) -> Record<'d, 'a> {
    let Some(members) = Members::of(text) else {
        return Record::Unusable(Why::NotJson);
    };
    let identity = members.raw("userIdentity").unwrap_or("null");
    *draft = Draft {
        event: Event {
            id: members.text("eventID"),
            shared_event_id: members.text("sharedEventID"),
            request_id: members.text("requestID"),
            recipient_account_id: members.text("recipientAccountId"),
            region: members.text("awsRegion"),
            event_type: members.text("eventType"),
            event_category: members.text("eventCategory"),
            event_version: members.text("eventVersion"),
            management_event: members.flag("managementEvent"),
            read_only: members.flag("readOnly"),
            from_console: members.flag_or_text("sessionCredentialFromConsole"),
            error_code: members.text("errorCode"),
            error_message: members.text("errorMessage"),
            source_ip_address: members.text("sourceIPAddress"),
            user_agent: members.text("userAgent"),
            vpc_endpoint_id: members.text("vpcEndpointId"),
            identity: Members::of(identity).map(|members| Rc::new(self::identity(&members))),
            request_parameters: members.payload("requestParameters"),
            response_elements: members.payload("responseElements"),
            additional_event_data: members.payload("additionalEventData"),
            resources: members.payload("resources"),
            service_event_details: members.payload("serviceEventDetails"),
            addendum: members.payload("addendum"),
            ..Event::default()
        },
        time: members.text("eventTime").and_then(|text| Time::parse(&text)),
        source: members.text("eventSource"),
        name: members.text("eventName"),
        identity_is_odd: !identity.starts_with('{') && identity != "null",
        known: ["eventVersion", "eventTime", "eventSource", "eventName"]
            .into_iter()
            .any(|name| members.has(name)),
        wrapper: WRAPPERS.into_iter().any(|name| members.has(name)),
        digest: members.has("digestStartTime"),
        ocsf: members.has("class_uid"),
    };
    draft.settle()
}

fn identity(members: &Members<'_>) -> Identity {
    let session = members.object("sessionContext");
    let attributes = session.object("attributes");
    let issuer = session.object("sessionIssuer");
    let issuer = Issuer {
        kind: issuer.owned("type"),
        principal_id: issuer.owned("principalId"),
        arn: issuer.owned("arn"),
        account_id: issuer.owned("accountId"),
        user_name: issuer.owned("userName"),
    };
    let behalf = members.object("onBehalfOf");
    let scope = members.object("inScopeOf");
    Identity {
        kind: members.owned("type"),
        principal_id: members.owned("principalId"),
        arn: members.owned("arn"),
        account_id: members.owned("accountId"),
        access_key_id: members.owned("accessKeyId"),
        user_name: members.owned("userName"),
        invoked_by: members.owned("invokedBy"),
        identity_provider: members.owned("identityProvider"),
        credential_id: members.owned("credentialId"),
        on_behalf_of_user_id: behalf.owned("userId"),
        identity_store_arn: behalf.owned("identityStoreArn"),
        in_scope_of_issuer_type: scope.owned("issuerType"),
        in_scope_of_credentials_issued_to: scope.owned("credentialsIssuedTo"),
        session_issuer: Some(issuer).filter(|issuer| *issuer != Issuer::default()),
        session_creation_date: attributes.owned("creationDate"),
        mfa: attributes.flag_or_text("mfaAuthenticated"),
        source_identity: session.owned("sourceIdentity"),
        ec2_role_delivery: session.owned("ec2RoleDelivery"),
        assumed_root: session.flag_or_text("assumedRoot").unwrap_or(false),
        federated_provider: session.object("webIdFederationData").owned("federatedProvider"),
    }
}
