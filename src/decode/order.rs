//! The order in which a trail writes a record's fields: records of one trail agree on it, so that the next field's name
//! is guessed and compared rather than read.

/// The fields of a record that somebody needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Field {
    /// In front of the first field.
    #[default]
    Start,
    Addendum,
    AdditionalEventData,
    AwsRegion,
    ClassUid,
    DigestStartTime,
    ErrorCode,
    ErrorMessage,
    EventCategory,
    EventId,
    EventName,
    EventSource,
    EventTime,
    EventType,
    EventVersion,
    ManagementEvent,
    ReadOnly,
    RecipientAccountId,
    RequestId,
    RequestParameters,
    Resources,
    ResponseElements,
    ServiceEventDetails,
    SessionCredentialFromConsole,
    SharedEventId,
    SourceIpAddress,
    UserAgent,
    UserIdentity,
    VpcEndpointId,
    /// Holds records, or the text of one; see [`super::record::WRAPPERS`].
    Wrapper,
    /// Nobody needs it.
    Other,
}

impl Field {
    const COUNT: usize = Field::Other as usize + 1;

    /// The field of this name. By length first: comparing with a constant of known length is one load.
    pub(super) fn of(name: &[u8]) -> Field {
        match name.len() {
            6 if matches!(name, b"Events" | b"events" | b"detail" | b"schema") => Field::Wrapper,
            7 if name == b"eventID" => Field::EventId,
            7 if name == b"Records" || name == b"message" => Field::Wrapper,
            8 if name == b"readOnly" => Field::ReadOnly,
            8 if name == b"addendum" => Field::Addendum,
            8 if name == b"@message" => Field::Wrapper,
            9 if name == b"eventTime" => Field::EventTime,
            9 if name == b"eventName" => Field::EventName,
            9 if name == b"awsRegion" => Field::AwsRegion,
            9 if name == b"class_uid" => Field::ClassUid,
            9 if name == b"userAgent" => Field::UserAgent,
            9 if name == b"requestID" => Field::RequestId,
            9 if name == b"eventType" => Field::EventType,
            9 if name == b"resources" => Field::Resources,
            9 if name == b"errorCode" => Field::ErrorCode,
            9 if name == b"logEvents" => Field::Wrapper,
            11 if name == b"eventSource" => Field::EventSource,
            12 if name == b"eventVersion" => Field::EventVersion,
            12 if name == b"userIdentity" => Field::UserIdentity,
            12 if name == b"errorMessage" => Field::ErrorMessage,
            13 if name == b"eventCategory" => Field::EventCategory,
            13 if name == b"sharedEventID" => Field::SharedEventId,
            13 if name == b"vpcEndpointId" => Field::VpcEndpointId,
            15 if name == b"sourceIPAddress" => Field::SourceIpAddress,
            15 if name == b"managementEvent" => Field::ManagementEvent,
            15 if name == b"CloudTrailEvent" => Field::Wrapper,
            15 if name == b"digestStartTime" => Field::DigestStartTime,
            16 if name == b"responseElements" => Field::ResponseElements,
            17 if name == b"requestParameters" => Field::RequestParameters,
            18 if name == b"recipientAccountId" => Field::RecipientAccountId,
            19 if name == b"additionalEventData" => Field::AdditionalEventData,
            19 if name == b"serviceEventDetails" => Field::ServiceEventDetails,
            28 if name == b"sessionCredentialFromConsole" => Field::SessionCredentialFromConsole,
            _ => Field::Other,
        }
    }
}

/// Longest name that is guessed, with its quotes and colon.
const LONGEST: usize = 32;

/// A name with its quotes, its colon and the white space behind, and the field that it names.
#[derive(Clone, Copy, Debug, Default)]
struct Next {
    text: [u8; LONGEST],
    length: usize,
    field: Field,
}

/// What followed each field last.
#[derive(Debug, Default)]
pub(super) struct Order([Next; Field::COUNT]);

impl Order {
    /// The field that the text starts with if it is the one which followed last time, and where its value starts.
    #[inline(always)]
    pub(super) fn guess(&self, after: Field, text: &[u8]) -> Option<(Field, usize)> {
        let next = &self.0[after as usize];
        let same = next.length > 0 && text.get(..next.length)? == &next.text[..next.length];
        same.then_some((next.field, next.length))
    }

    /// The name that follows a field: well-formed, without escapes, up to where its value starts.
    pub(super) fn learn(&mut self, after: Field, name: &[u8], field: Field) {
        if name.len() <= LONGEST {
            let next = &mut self.0[after as usize];
            next.text[..name.len()].copy_from_slice(name);
            (next.length, next.field) = (name.len(), field);
        }
    }
}
