//! One record the fast way: steps over the text once, borrows what is needed, builds nothing else.
//!
//! Anything odd (a number where a string belongs, a surrogate that stands alone) is left to [`plain`], so that what is
//! odd is decided in one place.

use std::borrow::Cow;
use std::rc::Rc;

use super::habits::Habits;
use super::order::Field;
use super::record::{Draft, Record};
use super::scan::{self, Fault, Marked};
use super::{Identity, Issuer, Payload, Time, plain};

/// Reads the object that opens at `at` into an empty draft: what it is, and where it ends.
#[inline(always)]
pub(super) fn record<'d, 'a>(
    text: &'a str,
    at: usize,
    habits: &mut Habits,
    draft: &'d mut Draft<'a>,
) -> Result<(Record<'d, 'a>, usize), Fault> {
    let mut skim = Skim {
        text,
        bytes: text.as_bytes(),
        marked: Marked::new(text.as_bytes()),
        odd: habits.is_distrusted(),
        habits,
    };
    let end = skim.record(at, draft)?;
    let record = if skim.odd {
        plain::record(&text[at..end], draft)
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
        habits: &mut Habits::default(),
    };
    skim.record(0, &mut Draft::default()).is_err() || skim.odd
}

struct Skim<'a, 'h> {
    text: &'a str,
    bytes: &'a [u8],
    marked: Marked<'a>,
    odd: bool,
    habits: &'h mut Habits,
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
        let mut at = match scan::first_member(bytes, at)? {
            Ok(first) => first,
            Err(end) => return Ok(end),
        };
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
        let bytes = self.bytes;
        let mut at = match scan::first_member(bytes, at)? {
            Ok(first) => first,
            Err(end) => return Ok(end),
        };
        let mut last = Field::Start;
        loop {
            let (field, value) = match self.habits.order.guess(last, &bytes[at..]) {
                Some((field, length)) => (field, scan::space(bytes, at + length)),
                None => self.name(at, last)?,
            };
            let after = self.field(field, value, draft)?;
            match scan::next_member(bytes, after)? {
                Ok(next) => at = next,
                Err(end) => return Ok(end),
            }
            last = field;
        }
    }

    /// The field whose name stands at `at`, behind another one, and where its value starts.
    fn name(&mut self, at: usize, last: Field) -> Result<(Field, usize), Fault> {
        let (end, escaped, value) = scan::key(&mut self.marked, at)?;
        let field = if escaped {
            let name = scan::unescape(&self.text[at + 1..end]);
            name.map_or(Field::Other, |name| Field::of(name.as_bytes()))
        } else {
            let field = Field::of(&self.bytes[at + 1..end]);
            self.habits.order.learn(last, &self.bytes[at..value], field);
            field
        };
        Ok((field, value))
    }

    /// Reads a field's value: where it ends.
    #[inline(always)]
    fn field(&mut self, field: Field, at: usize, draft: &mut Draft<'a>) -> Result<usize, Fault> {
        let event = &mut draft.event;
        match field {
            Field::Addendum => return self.payload(at, &mut event.addendum),
            Field::AdditionalEventData => return self.payload(at, &mut event.additional_event_data),
            Field::AwsRegion => return self.string(at, &mut event.region),
            Field::ErrorCode => return self.string(at, &mut event.error_code),
            Field::ErrorMessage => return self.string(at, &mut event.error_message),
            Field::EventCategory => return self.string(at, &mut event.event_category),
            Field::EventId => return self.string(at, &mut event.id),
            Field::EventName => {
                draft.known = true;
                return self.string(at, &mut draft.name);
            }
            Field::EventSource => {
                draft.known = true;
                return self.string(at, &mut draft.source);
            }
            Field::EventTime => {
                draft.known = true;
                let mut text = None;
                let end = self.string(at, &mut text)?;
                draft.time = text.and_then(|text| Time::parse(&text));
                return Ok(end);
            }
            Field::EventType => return self.string(at, &mut event.event_type),
            Field::EventVersion => {
                draft.known = true;
                return self.string(at, &mut event.event_version);
            }
            Field::ManagementEvent => return self.flag(at, &mut event.management_event),
            Field::ReadOnly => return self.flag(at, &mut event.read_only),
            Field::RecipientAccountId => return self.string(at, &mut event.recipient_account_id),
            Field::RequestId => return self.string(at, &mut event.request_id),
            Field::RequestParameters => return self.payload(at, &mut event.request_parameters),
            Field::Resources => return self.payload(at, &mut event.resources),
            Field::ResponseElements => return self.payload(at, &mut event.response_elements),
            Field::SessionCredentialFromConsole => return self.flag_or_text(at, &mut event.from_console),
            Field::ServiceEventDetails => return self.payload(at, &mut event.service_event_details),
            Field::SharedEventId => return self.string(at, &mut event.shared_event_id),
            Field::SourceIpAddress => return self.string(at, &mut event.source_ip_address),
            Field::UserAgent => return self.string(at, &mut event.user_agent),
            Field::UserIdentity => return self.identity(at, draft),
            Field::VpcEndpointId => return self.string(at, &mut event.vpc_endpoint_id),
            Field::ClassUid => draft.ocsf = true,
            Field::DigestStartTime => draft.digest = true,
            Field::Wrapper => draft.wrapper = true,
            Field::Other if self.bytes.get(at) == Some(&b'{') => return self.unneeded(at),
            Field::Start | Field::Other => {}
        }
        scan::value(&mut self.marked, at)
    }

    /// Steps over an object that nobody needs.
    fn unneeded(&mut self, at: usize) -> Result<usize, Fault> {
        if let Some(length) = self.habits.flat.met(&self.bytes[at..]) {
            return Ok(at + length);
        }
        let end = scan::container(&mut self.marked, at)?;
        self.habits.flat.remember(&self.bytes[at..end]);
        Ok(end)
    }

    /// `userIdentity`. Whatever is no object is left to the plain way.
    fn identity(&mut self, at: usize, draft: &mut Draft<'a>) -> Result<usize, Fault> {
        if self.bytes.get(at) != Some(&b'{') {
            draft.event.identity = None;
            return self.null(at);
        }
        if let Some((identity, length)) = self.habits.identities.met(&self.bytes[at..]) {
            draft.event.identity = Some(identity);
            return Ok(at + length);
        }
        let mut read = Identity::default();
        let was_odd = std::mem::take(&mut self.odd);
        let end = self.members_of_identity(at, &mut read)?;
        let read = Rc::new(read);
        if !self.odd {
            self.habits.identities.remember(&self.bytes[at..end], &read);
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
