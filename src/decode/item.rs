//! What reading a file yields: events, records that could not be used with the reason, and the facts of the file.

use std::fmt;

use super::{Digest, Event};

/// One finding, handed to the caller as soon as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// A record of a call (or of a sign-in or service event).
    Event(&'a Event<'a>),
    /// Something that could not be read.
    Skipped {
        /// The place in the file, such as `record 17`; empty where the whole file is meant.
        what: String,
        /// The reason.
        why: Why,
        /// How many records it stands for: 0 for a file that is no trail, and where a tear hides how many were lost.
        records: u64,
    },
    /// What a digest file says; an entry of [`NotCalls`] follows it.
    Digest(Digest),
    /// Something that CloudTrail writes beside calls, and that never counts as one.
    NotCalls {
        /// What it is.
        why: NotCalls,
        /// How many records it stands for: 0 for a digest file, which holds none.
        records: u64,
    },
}

/// Why something was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Nothing in the file is a CloudTrail record.
    NotATrail,
    /// The file holds no bytes.
    Empty,
    /// The record is not well-formed JSON.
    NotJson,
    /// A row of a table has another number of cells than its header.
    NotARow,
    /// No `eventTime`, or one that is no time.
    NoTime,
    /// No `eventSource`.
    NoSource,
    /// No `eventName`.
    NoName,
    /// `userIdentity` is there and is no object.
    IdentityNotAnObject,
    /// An event of EventBridge, S3 or another service that CloudTrail did not write.
    NotCloudTrail,
    /// An event in the Open Cybersecurity Schema Framework, as Security Lake keeps CloudTrail's.
    Ocsf,
    /// Not what `trimtrail.events/1` asks for.
    NotReduced,
    /// Larger than the limit for one record.
    RecordTooLarge,
    /// Nested deeper than any real record.
    TooDeep,
    /// The text ends inside a record or a list of records.
    Torn,
    /// The compressed data ends early.
    CompressionTorn,
    /// The compressed data is damaged.
    CompressionDamaged,
    /// The checksum of the compressed data does not fit what came out.
    BadChecksum,
    /// Something that is no compressed data follows the compressed data.
    TrailingGarbage,
    /// Compressed more often than the tool unpacks.
    CompressedTooOften,
    /// More bytes come out than the limit allows: perhaps a decompression bomb.
    OutputTooLarge,
    /// Reading the bytes failed.
    ReadFailed,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::NotATrail => "not a CloudTrail file",
            Why::Empty => "the file is empty",
            Why::NotJson => "not well-formed JSON",
            Why::NotARow => "row does not fit the table's header",
            Why::NoTime => "eventTime is missing or no time",
            Why::NoSource => "eventSource is missing",
            Why::NoName => "eventName is missing",
            Why::IdentityNotAnObject => "userIdentity is not an object",
            Why::NotCloudTrail => "an event that CloudTrail did not write",
            Why::Ocsf => "an OCSF event (Security Lake), which is not read yet; pass the trail's own files",
            Why::NotReduced => "not a reduced event of trimtrail.events/1",
            Why::RecordTooLarge => "record is larger than the limit",
            Why::TooDeep => "record is nested too deeply",
            Why::Torn => "the text ends early; how many records are lost is unknown",
            Why::CompressionTorn => "the compressed data ends early; how many records are lost is unknown",
            Why::CompressionDamaged => "the compressed data is damaged; how many records are lost is unknown",
            Why::BadChecksum => "the checksum of the compressed data is wrong",
            Why::TrailingGarbage => "something else follows the compressed data",
            Why::CompressedTooOften => "compressed too many times over",
            Why::OutputTooLarge => "more comes out of the compressed data than the limit allows",
            Why::ReadFailed => "reading failed; how many records are lost is unknown",
        })
    }
}

/// What CloudTrail writes beside calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotCalls {
    /// A digest file: signatures over trail files.
    Digest,
    /// An Insights event: an unusual rate of calls.
    Insight,
    /// A network activity event: a call seen again at a VPC endpoint.
    NetworkActivity,
    /// An aggregated event: counts, without which call touched what.
    Aggregated,
}

impl fmt::Display for NotCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotCalls::Digest => "digest file",
            NotCalls::Insight => "Insights event",
            NotCalls::NetworkActivity => "network activity event",
            NotCalls::Aggregated => "aggregated event",
        })
    }
}

/// How far reading goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text out of one file.
    pub max_output: u64,
    /// Bytes of text that are unpacked in one go; beyond, the text streams through a buffer of constant size.
    pub one_shot: u64,
    /// Bytes of one record.
    pub max_record: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_output: 4 << 30,
            one_shot: 64 << 20,
            max_record: 4 << 20,
        }
    }
}

/// How the records are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Shape {
    /// Nothing recognised.
    #[default]
    Unknown,
    /// `{"Records": […]}`, as trails deliver and Event history downloads.
    Records,
    /// A JSON array of records.
    Array,
    /// One record after another, one a line or not.
    Events,
    /// LookupEvents output: records as strings in `CloudTrailEvent`.
    LookupEvents,
    /// EventBridge envelopes: records in `detail`.
    EventBridge,
    /// CloudWatch Logs: records as strings in `message`.
    CloudWatchLogs,
    /// A table of the whole record, as Athena writes it.
    AthenaCsv,
    /// The console's Event history as CSV, without ARNs.
    EventHistoryCsv,
    /// A digest file.
    Digest,
    /// `trimtrail.events/1`: events that an engine has counted.
    ReducedEvents,
}

/// How the file is compressed (its outermost layer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip
    Gzip,
    /// Zstandard
    Zstd,
    /// bzip2
    Bzip2,
}

/// What is known of a file once it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Bytes read, as they lie.
    pub bytes_in: u64,
    /// Bytes of text that came out.
    pub bytes_out: u64,
    /// The wrapper of the first records.
    pub shape: Shape,
    /// The compression.
    pub compression: Compression,
    /// Records: events + those skipped + those that are not calls, as handed out.
    pub records: u64,
    /// SHA-256 of the text, where it was asked for and all of it was read.
    pub hash: Option<[u8; 32]>,
}
