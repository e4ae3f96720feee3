//! One CloudTrail record, built field by field in the order in which CloudTrail writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::identity::Who;
use super::rng::Rng;

/// Seconds since 1970.
pub(crate) type Seconds = i64;

/// The seconds of a time in UTC.
pub(crate) fn instant(time: DateTime) -> Seconds {
    Offset::UTC
        .to_timestamp(time)
        .expect("a time of this century")
        .as_second()
}

/// `2026-10-01T06:00:00Z`
pub(crate) fn iso(time: Seconds) -> String {
    Timestamp::from_second(time)
        .expect("a time of this century")
        .to_string()
}

/// What a record says beside who called what.
#[derive(Clone)]
pub(crate) struct Event {
    who: Who,
    time: Seconds,
    source: String,
    name: String,
    region: String,
    parameters: Value,
    response: Value,
    additional: Option<Value>,
    error: Option<(String, String)>,
    resources: Vec<Value>,
    read_only: bool,
    data: bool,
    kind: &'static str,
    shared: Option<String>,
    version: &'static str,
}

impl Event {
    /// A management call that writes; `source` is the first label of the event source's host.
    pub(crate) fn new(who: &Who, time: Seconds, region: &str, source: &str, name: &str) -> Self {
        Self {
            who: who.clone(),
            time,
            source: source.into(),
            name: name.into(),
            region: region.into(),
            parameters: Value::Null,
            response: Value::Null,
            additional: None,
            error: None,
            resources: Vec::new(),
            read_only: false,
            data: false,
            kind: "AwsApiCall",
            shared: None,
            version: "1.11",
        }
    }

    /// The same, for a call that only reads.
    pub(crate) fn read(who: &Who, time: Seconds, region: &str, source: &str, name: &str) -> Self {
        Self {
            read_only: true,
            ..Self::new(who, time, region, source, name)
        }
    }

    pub(crate) fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = parameters;
        self
    }

    pub(crate) fn response(mut self, response: Value) -> Self {
        self.response = response;
        self
    }

    pub(crate) fn additional(mut self, additional: Value) -> Self {
        self.additional = Some(additional);
        self
    }

    pub(crate) fn error(mut self, code: &str, message: &str) -> Self {
        self.error = Some((code.into(), message.into()));
        self.response = Value::Null;
        self
    }

    pub(crate) fn resource(mut self, kind: &str, arn: &str) -> Self {
        self.resources
            .push(json!({"accountId": self.who.account, "type": kind, "ARN": arn}));
        self
    }

    /// The S3 object; CloudTrail names no account for it.
    pub(crate) fn object(mut self, arn: &str) -> Self {
        self.resources.push(json!({"type": "AWS::S3::Object", "ARN": arn}));
        self
    }

    /// Makes it a data event.
    pub(crate) fn data(mut self) -> Self {
        self.data = true;
        self
    }

    /// `AwsServiceEvent`, `AwsConsoleSignIn`, … in place of `AwsApiCall`.
    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// The id that copies for several accounts have in common.
    pub(crate) fn shared(mut self, id: &str) -> Self {
        self.shared = Some(id.into());
        self
    }

    pub(crate) fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    pub(crate) fn time(&self) -> Seconds {
        self.time
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn account(&self) -> &str {
        &self.who.account
    }

    /// The record, with ids of its own.
    pub(crate) fn record(self, rng: &mut Rng) -> Value {
        self.record_with(rng.uuid(), rng.uuid())
    }

    /// The record, with these ids.
    pub(crate) fn record_with(self, request_id: String, event_id: String) -> Value {
        let host = if self.source.contains('.') {
            self.source
        } else {
            format!("{}.amazonaws.com", self.source)
        };
        // Calls that a service makes for somebody carry no TLS details.
        let by_service = self.who.identity.get("invokedBy").is_some();
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| drop(out.insert(key.to_owned(), value));
        put("eventVersion", json!(self.version));
        put("userIdentity", self.who.identity);
        put("eventTime", json!(iso(self.time)));
        put("eventSource", json!(host));
        put("eventName", json!(self.name));
        put("awsRegion", json!(self.region));
        put("sourceIPAddress", json!(self.who.ip));
        put("userAgent", json!(self.who.agent));
        if let Some((code, message)) = self.error {
            put("errorCode", json!(code));
            put("errorMessage", json!(message));
        }
        put("requestParameters", self.parameters);
        put("responseElements", self.response);
        if let Some(additional) = self.additional {
            put("additionalEventData", additional);
        }
        put("requestID", json!(request_id));
        put("eventID", json!(event_id));
        put("readOnly", json!(self.read_only));
        if !self.resources.is_empty() {
            put("resources", Value::Array(self.resources));
        }
        put("eventType", json!(self.kind));
        put("managementEvent", json!(!self.data));
        put("recipientAccountId", json!(self.who.account));
        if let Some(shared) = self.shared {
            put("sharedEventID", json!(shared));
        }
        put("eventCategory", json!(if self.data { "Data" } else { "Management" }));
        if !by_service && self.kind == "AwsApiCall" {
            let label = host.split('.').next().unwrap_or(&host);
            put(
                "tlsDetails",
                json!({
                    "tlsVersion": "TLSv1.3",
                    "cipherSuite": "TLS_AES_128_GCM_SHA256",
                    "clientProvidedHostHeader": format!("{label}.{}.amazonaws.com", self.region),
                }),
            );
        }
        Value::Object(out)
    }
}
