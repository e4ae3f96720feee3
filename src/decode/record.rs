//! What a record turns out to be, once its fields are known: shared by the fast reading and the plain one.

use std::borrow::Cow;

use super::{Event, NotCalls, Time, Why};

/// What one JSON object turned out to be. An event stays in its draft: it is large, and not moved on the hot path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record<'d, 'a> {
    Event(&'d mut Event<'a>),
    NotCalls(NotCalls),
    /// A record that cannot be used.
    Unusable(Why),
    /// Not a record itself, but it has a field that records are wrapped in.
    Wrapper,
    /// Has none of the fields that make a record.
    Stranger,
}

/// The fields of a record as they are found.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) event: Event<'a>,
    pub(super) time: Option<Time>,
    pub(super) source: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    /// `userIdentity` is there and neither object nor null.
    pub(super) identity_is_odd: bool,
    /// One of `eventVersion`, `eventTime`, `eventSource`, `eventName` is there.
    pub(super) known: bool,
    /// A field that records are wrapped in is there.
    pub(super) wrapper: bool,
    /// `digestStartTime` is there.
    pub(super) digest: bool,
    /// `class_uid` is there: the Open Cybersecurity Schema Framework's name of an event class.
    pub(super) ocsf: bool,
}

/// Fields that hold records, or the text of one.
pub(super) const WRAPPERS: [&str; 9] = [
    "Records",
    "Events",
    "events",
    "logEvents",
    "CloudTrailEvent",
    "detail",
    "message",
    "@message",
    // In reduced events it names the format.
    "schema",
];

impl<'a> Draft<'a> {
    /// Settles what the record is.
    #[inline(always)]
    pub(super) fn settle(&mut self) -> Record<'_, 'a> {
        if let Some(what) = self.beside_calls() {
            return Record::NotCalls(what);
        }
        if !self.known {
            return if self.ocsf {
                Record::Unusable(Why::Ocsf)
            } else if self.wrapper {
                Record::Wrapper
            } else {
                Record::Stranger
            };
        }
        // S3's own notifications look like records, from `aws:s3`.
        if self.source.as_ref().is_some_and(|source| source.starts_with("aws:")) {
            return Record::Unusable(Why::NotCloudTrail);
        }
        let Some(time) = self.time else {
            return Record::Unusable(Why::NoTime);
        };
        let Some(source) = self.source.take().filter(|source| !source.is_empty()) else {
            return Record::Unusable(Why::NoSource);
        };
        let Some(name) = self.name.take().filter(|name| !name.is_empty()) else {
            return Record::Unusable(Why::NoName);
        };
        if self.identity_is_odd {
            return Record::Unusable(Why::IdentityNotAnObject);
        }
        // An empty code, as exports and rewriters leave it, is none.
        self.event.error_code = self.event.error_code.take().filter(|code| !code.is_empty());
        self.event.time = time;
        self.event.source = source;
        self.event.name = name;
        Record::Event(&mut self.event)
    }

    /// What CloudTrail writes beside calls. Insights and aggregated events lack `eventSource` and `eventName`, so this
    /// comes before anything is missed.
    fn beside_calls(&self) -> Option<NotCalls> {
        if self.digest && !self.known {
            return Some(NotCalls::Digest);
        }
        match self.event.event_category.as_deref() {
            Some("Insight") => return Some(NotCalls::Insight),
            Some("NetworkActivity") => return Some(NotCalls::NetworkActivity),
            Some("Aggregated") => return Some(NotCalls::Aggregated),
            _ => {}
        }
        match self.event.event_type.as_deref() {
            Some("AwsCloudTrailInsight") => Some(NotCalls::Insight),
            // The record reference says AwsVpceEvents, its sample AwsVpceEvent.
            Some("AwsVpceEvents" | "AwsVpceEvent") => Some(NotCalls::NetworkActivity),
            Some("AwsAggregatedEvent") => Some(NotCalls::Aggregated),
            _ => None,
        }
    }
}
