//! One record the fast way: steps over the text once, borrows what is needed, builds nothing else.
//!
//! Anything odd (a number where a string belongs, a surrogate that stands alone) is left to [`plain`], so that what is
//! odd is decided in one place.

use std::borrow::Cow;
use std::rc::Rc;

use super::identities::Identities;
use super::record::{Draft, Record};
use super::scan::{self, Fault, Marked};
use super::{Identity, Issuer, Payload, Time, plain};

/// Reads the object that opens at `at`: what it is, and where it ends.
#[inline(always)]
pub(super) fn record<'a>(text: &'a str, at: usize, identities: &mut Identities) -> Result<(Record<'a>, usize), Fault> {
    let mut skim = Skim {
        text,
        bytes: text.as_bytes(),
        marked: Marked::new(text.as_bytes()),
        odd: identities.is_distrusted(),
        identities,
    };
    let mut draft = Draft::default();
    let end = skim.record(at, &mut draft)?;
    let record = if skim.odd {
        plain::record(&text[at..end])
    } else {
        draft.settle()
    };
    Ok((record, end))
}

/// Whether the record has something odd in it, for the tests.
#[cfg(test)]
pub(super) fn is_odd(text: &str) -> bool {
    let mut skim = Skim {
        text,
        bytes: text.as_bytes(),
        marked: Marked::new(text.as_bytes()),
        odd: false,
        identities: &mut Identities::default(),
    };
    skim.record(0, &mut Draft::default()).is_err() || skim.odd
}

struct Skim<'a, 'i> {
    text: &'a str,
    bytes: &'a [u8],
    marked: Marked<'a>,
    odd: bool,
    identities: &'i mut Identities,
}

impl<'a> Skim<'a, '_> {
    /// Calls `member` with each name of the object that opens at `at` and the place of its value; `member` says where
    /// the value ends. Returns the place behind the closing brace.
    #[inline(always)]
    fn object(
        &mut self,
        at: usize,
        mut member: impl FnMut(&mut Self, &[u8], usize) -> Result<usize, Fault>,
    ) -> Result<usize, Fault> {
        let bytes = self.bytes;
        match bytes.get(at) {
            Some(b'{') => {}
            None => return Err(Fault::End),
            Some(_) => return Err(Fault::Bad),
        }
        let mut at = scan::space(bytes, at + 1);
        if bytes.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        loop {
            let (end, escaped, value) = scan::key(&mut self.marked, at)?;
            let after = if escaped {
                match scan::unescape(&self.text[at + 1..end]) {
                    Some(name) => member(self, name.as_bytes(), value)?,
                    None => scan::value(&mut self.marked, value)?,
                }
            } else {
                member(self, &bytes[at + 1..end], value)?
            };
            match scan::next_member(bytes, after)? {
                Ok(next) => at = next,
                Err(end) => return Ok(end),
            }
        }
    }

    /// A string that somebody needs. Null is none; anything else is odd.
    #[inline(always)]
    fn string(&mut self, at: usize, into: &mut Option<Cow<'a, str>>) -> Result<usize, Fault> {
        if self.bytes.get(at) == Some(&b'"') {
            let (end, escaped) = scan::string(&mut self.marked, at + 1)?;
            let raw = &self.text[at + 1..end];
            *into = if escaped {
                scan::unescape(raw)
            } else {
                Some(Cow::Borrowed(raw))
            };
            self.odd |= into.is_none();
            Ok(end + 1)
        } else {
            *into = None;
            self.null(at)
        }
    }

    /// The same, to be kept.
    fn owned(&mut self, at: usize, into: &mut Option<Box<str>>) -> Result<usize, Fault> {
        let mut text = None;
        let end = self.string(at, &mut text)?;
        *into = text.map(|text| text.into());
        Ok(end)
    }

    /// A value that should have been null.
    fn null(&mut self, at: usize) -> Result<usize, Fault> {
        let end = scan::value(&mut self.marked, at)?;
        self.odd |= self.bytes.get(at) != Some(&b'n');
        Ok(end)
    }

    fn flag(&mut self, at: usize, into: &mut Option<bool>) -> Result<usize, Fault> {
        *into = match self.bytes.get(at) {
            Some(b't') => Some(true),
            Some(b'f') => Some(false),
            _ => None,
        };
        if into.is_some() {
            scan::scalar(self.bytes, at)
        } else {
            self.null(at)
        }
    }

    /// A flag that CloudTrail itself writes as text in some records.
    fn flag_or_text(&mut self, at: usize, into: &mut Option<bool>) -> Result<usize, Fault> {
        if self.bytes.get(at) != Some(&b'"') {
            return self.flag(at, into);
        }
        let mut text = None;
        let end = self.string(at, &mut text)?;
        *into = match text {
            Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        Ok(end)
    }

    fn payload(&mut self, at: usize, into: &mut Payload<'a>) -> Result<usize, Fault> {
        match self.bytes.get(at) {
            Some(b'{' | b'[') => {
                let end = scan::container(&mut self.marked, at)?;
                *into = Payload::Json(&self.text[at..end]);
                Ok(end)
            }
            Some(b'"') => {
                let mut text = None;
                let end = self.string(at, &mut text)?;
                *into = Payload::Text(text.unwrap_or_default());
                Ok(end)
            }
            _ => {
                *into = Payload::Null;
                self.null(at)
            }
        }
    }

    fn record(&mut self, at: usize, draft: &mut Draft<'a>) -> Result<usize, Fault> {
        self.object(at, |skim, name, at| {
            let event = &mut draft.event;
            // By length first: most names differ in it, and comparing with a constant of known length is one load.
            match name.len() {
                6 if matches!(name, b"Events" | b"events" | b"detail" | b"schema") => draft.wrapper = true,
                7 if name == b"eventID" => return skim.string(at, &mut event.id),
                7 if name == b"Records" || name == b"message" => draft.wrapper = true,
                8 if name == b"readOnly" => return skim.flag(at, &mut event.read_only),
                8 if name == b"addendum" => return skim.payload(at, &mut event.addendum),
                8 if name == b"@message" => draft.wrapper = true,
                9 if name == b"eventTime" => {
                    draft.known = true;
                    let mut text = None;
                    let end = skim.string(at, &mut text)?;
                    draft.time = text.and_then(|text| Time::parse(&text));
                    return Ok(end);
                }
                9 if name == b"eventName" => {
                    draft.known = true;
                    return skim.string(at, &mut draft.name);
                }
                9 if name == b"awsRegion" => return skim.string(at, &mut event.region),
                9 if name == b"userAgent" => return skim.string(at, &mut event.user_agent),
                9 if name == b"requestID" => return skim.string(at, &mut event.request_id),
                9 if name == b"eventType" => return skim.string(at, &mut event.event_type),
                9 if name == b"resources" => return skim.payload(at, &mut event.resources),
                9 if name == b"errorCode" => return skim.string(at, &mut event.error_code),
                9 if name == b"logEvents" => draft.wrapper = true,
                11 if name == b"eventSource" => {
                    draft.known = true;
                    return skim.string(at, &mut draft.source);
                }
                12 if name == b"eventVersion" => {
                    draft.known = true;
                    return skim.string(at, &mut event.event_version);
                }
                12 if name == b"userIdentity" => return skim.identity(at, draft),
                12 if name == b"errorMessage" => return skim.string(at, &mut event.error_message),
                13 if name == b"eventCategory" => return skim.string(at, &mut event.event_category),
                13 if name == b"sharedEventID" => return skim.string(at, &mut event.shared_event_id),
                13 if name == b"vpcEndpointId" => return skim.string(at, &mut event.vpc_endpoint_id),
                15 if name == b"sourceIPAddress" => return skim.string(at, &mut event.source_ip_address),
                15 if name == b"managementEvent" => return skim.flag(at, &mut event.management_event),
                15 if name == b"CloudTrailEvent" => draft.wrapper = true,
                15 if name == b"digestStartTime" => draft.digest = true,
                16 if name == b"responseElements" => return skim.payload(at, &mut event.response_elements),
                17 if name == b"requestParameters" => return skim.payload(at, &mut event.request_parameters),
                18 if name == b"recipientAccountId" => return skim.string(at, &mut event.recipient_account_id),
                19 if name == b"additionalEventData" => return skim.payload(at, &mut event.additional_event_data),
                19 if name == b"serviceEventDetails" => return skim.payload(at, &mut event.service_event_details),
                _ => {}
            }
            scan::value(&mut skim.marked, at)
        })
    }

    /// `userIdentity`. Whatever is no object is left to the plain way.
    fn identity(&mut self, at: usize, draft: &mut Draft<'a>) -> Result<usize, Fault> {
        if self.bytes.get(at) != Some(&b'{') {
            draft.event.identity = None;
            return self.null(at);
        }
        if let Some((identity, length)) = self.identities.met(&self.bytes[at..]) {
            draft.event.identity = Some(identity);
            return Ok(at + length);
        }
        let mut read = Identity::default();
        let was_odd = std::mem::take(&mut self.odd);
        let end = self.members_of_identity(at, &mut read)?;
        let read = Rc::new(read);
        if !self.odd {
            self.identities.remember(&self.bytes[at..end], &read);
        }
        self.odd |= was_odd;
        draft.event.identity = Some(read);
        Ok(end)
    }

    fn members_of_identity(&mut self, at: usize, identity: &mut Identity) -> Result<usize, Fault> {
        self.object(at, |skim, name, at| match name {
            b"type" => skim.owned(at, &mut identity.kind),
            b"arn" => skim.owned(at, &mut identity.arn),
            b"userName" => skim.owned(at, &mut identity.user_name),
            b"accountId" => skim.owned(at, &mut identity.account_id),
            b"invokedBy" => skim.owned(at, &mut identity.invoked_by),
            b"principalId" => skim.owned(at, &mut identity.principal_id),
            b"accessKeyId" => skim.owned(at, &mut identity.access_key_id),
            b"credentialId" => skim.owned(at, &mut identity.credential_id),
            b"sessionContext" => skim.session(at, identity),
            b"identityProvider" => skim.owned(at, &mut identity.identity_provider),
            b"onBehalfOf" => {
                (identity.on_behalf_of_user_id, identity.identity_store_arn) = (None, None);
                skim.nested(at, |skim, name, at| match name {
                    b"userId" => skim.owned(at, &mut identity.on_behalf_of_user_id),
                    b"identityStoreArn" => skim.owned(at, &mut identity.identity_store_arn),
                    _ => scan::value(&mut skim.marked, at),
                })
            }
            b"inScopeOf" => {
                (
                    identity.in_scope_of_issuer_type,
                    identity.in_scope_of_credentials_issued_to,
                ) = (None, None);
                skim.nested(at, |skim, name, at| match name {
                    b"issuerType" => skim.owned(at, &mut identity.in_scope_of_issuer_type),
                    b"credentialsIssuedTo" => skim.owned(at, &mut identity.in_scope_of_credentials_issued_to),
                    _ => scan::value(&mut skim.marked, at),
                })
            }
            _ => scan::value(&mut skim.marked, at),
        })
    }

    /// An object inside the identity. Null is an empty one; anything else is odd.
    #[inline(always)]
    fn nested(
        &mut self,
        at: usize,
        member: impl FnMut(&mut Self, &[u8], usize) -> Result<usize, Fault>,
    ) -> Result<usize, Fault> {
        if self.bytes.get(at) == Some(&b'{') {
            self.object(at, member)
        } else {
            self.null(at)
        }
    }

    fn session(&mut self, at: usize, identity: &mut Identity) -> Result<usize, Fault> {
        (identity.session_issuer, identity.source_identity) = (None, None);
        (identity.session_creation_date, identity.ec2_role_delivery) = (None, None);
        (identity.mfa, identity.assumed_root, identity.federated_provider) = (None, false, None);
        self.nested(at, |skim, name, at| match name {
            b"attributes" => {
                (identity.session_creation_date, identity.mfa) = (None, None);
                skim.nested(at, |skim, name, at| match name {
                    b"creationDate" => skim.owned(at, &mut identity.session_creation_date),
                    b"mfaAuthenticated" => skim.flag_or_text(at, &mut identity.mfa),
                    _ => scan::value(&mut skim.marked, at),
                })
            }
            b"sessionIssuer" => {
                let mut issuer = Issuer::default();
                let end = skim.nested(at, |skim, name, at| match name {
                    b"type" => skim.owned(at, &mut issuer.kind),
                    b"arn" => skim.owned(at, &mut issuer.arn),
                    b"userName" => skim.owned(at, &mut issuer.user_name),
                    b"accountId" => skim.owned(at, &mut issuer.account_id),
                    b"principalId" => skim.owned(at, &mut issuer.principal_id),
                    _ => scan::value(&mut skim.marked, at),
                })?;
                identity.session_issuer = Some(issuer).filter(|issuer| *issuer != Issuer::default());
                Ok(end)
            }
            b"assumedRoot" => {
                let mut flag = None;
                let end = skim.flag_or_text(at, &mut flag)?;
                identity.assumed_root = flag.unwrap_or(false);
                Ok(end)
            }
            b"sourceIdentity" => skim.owned(at, &mut identity.source_identity),
            b"ec2RoleDelivery" => skim.owned(at, &mut identity.ec2_role_delivery),
            b"webIdFederationData" => {
                identity.federated_provider = None;
                skim.nested(at, |skim, name, at| match name {
                    b"federatedProvider" => skim.owned(at, &mut identity.federated_provider),
                    _ => scan::value(&mut skim.marked, at),
                })
            }
            _ => scan::value(&mut skim.marked, at),
        })
    }
}

#[cfg(test)]
mod tests;
