//! What an archive is like, counted from what was written: how much of it repeats.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Distinct things are told apart by 64 bits; the same in every run.
type Distinct = HashSet<u64, BuildHasherDefault<DefaultHasher>>;

/// Figures of an archive, or of a file.
#[derive(Default)]
pub(crate) struct Figures {
    files: u64,
    records: u64,
    json: u64,
    packed: u64,
    data: u64,
    callers: Distinct,
    identities: Distinct,
    operations: Distinct,
    outlines: Distinct,
    data_resources: Distinct,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    user_identity: &'a RawValue,
    event_source: &'a str,
    event_name: &'a str,
    error_code: Option<&'a str>,
    request_parameters: &'a RawValue,
    management_event: bool,
    #[serde(default)]
    resources: Vec<Resource<'a>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    arn: Option<&'a str>,
    principal_id: Option<&'a str>,
    invoked_by: Option<&'a str>,
    #[serde(borrow)]
    session_context: Option<Context<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    #[serde(borrow)]
    session_issuer: Option<Issuer<'a>>,
}

#[derive(Deserialize)]
struct Issuer<'a> {
    arn: &'a str,
}

impl Identity<'_> {
    /// The role behind a session, and anybody else by the name that is there.
    fn caller(&self) -> &str {
        let issuer = self.session_context.as_ref();
        let issuer = issuer.and_then(|context| context.session_issuer.as_ref());
        let named = issuer.map(|issuer| issuer.arn).or(self.arn);
        named.or(self.principal_id).or(self.invoked_by).unwrap_or("")
    }
}

/// A request with blanks for its texts: what repeats where only names and numbers of things differ.
fn blanks(request: &str) -> String {
    let mut out = String::with_capacity(request.len());
    let mut pieces = request.split('"');
    while let Some(outside) = pieces.next() {
        out.push_str(outside);
        let Some(text) = pieces.next() else { break };
        if pieces.clone().next().is_some_and(|after| after.starts_with(':')) {
            out.push_str(text);
        }
        out.push('"');
    }
    out
}

impl Figures {
    /// Those of one file.
    pub(super) fn of(text: &str, packed: usize) -> Self {
        let file: File<'_> = serde_json::from_str(text).expect("records as they were written");
        let hash = BuildHasherDefault::<DefaultHasher>::default();
        let mut figures = Self {
            files: 1,
            records: file.records.len() as u64,
            json: text.len() as u64,
            packed: packed as u64,
            ..Self::default()
        };
        for record in &file.records {
            let raw = record.user_identity.get();
            let identity: Identity<'_> = serde_json::from_str(raw).expect("an identity as it was written");
            figures.callers.insert(hash.hash_one(identity.caller()));
            figures.identities.insert(hash.hash_one(raw));
            let operation = (record.event_source, record.event_name);
            figures.operations.insert(hash.hash_one(operation));
            let request = blanks(record.request_parameters.get());
            let outline = hash.hash_one((operation, record.error_code, request));
            figures.outlines.insert(outline);
            if !record.management_event {
                figures.data += 1;
                let arns = record.resources.iter().map(|resource| hash.hash_one(resource.arn));
                figures.data_resources.extend(arns);
            }
        }
        figures
    }

    /// Both.
    pub(super) fn add(mut self, mut other: Self) -> Self {
        self.files += other.files;
        self.records += other.records;
        self.json += other.json;
        self.packed += other.packed;
        self.data += other.data;
        for (mine, theirs) in [
            (&mut self.callers, &mut other.callers),
            (&mut self.identities, &mut other.identities),
            (&mut self.operations, &mut other.operations),
            (&mut self.outlines, &mut other.outlines),
            (&mut self.data_resources, &mut other.data_resources),
        ] {
            if mine.len() < theirs.len() {
                std::mem::swap(mine, theirs);
            }
            mine.extend(theirs.drain());
        }
        self
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |many: u64, of: usize| many as f64 / of.max(1) as f64;
        let per = |many: u64, of: u64| many / of.max(1);
        writeln!(
            f,
            "{} files of {} bytes, {} records of {} bytes, {} bytes of JSON in {} ({:.1}:1)",
            self.files,
            per(self.json, self.files),
            self.records,
            per(self.json, self.records),
            self.json,
            self.packed,
            each(self.json, self.packed as usize),
        )?;
        writeln!(
            f,
            "{} callers, {} identities ({:.1} a caller, {:.1} calls each), {} operations, {} outlines, \
             {:.0} % data events that name {} resources",
            self.callers.len(),
            self.identities.len(),
            each(self.identities.len() as u64, self.callers.len()),
            each(self.records, self.identities.len()),
            self.operations.len(),
            self.outlines.len(),
            100.0 * each(self.data, self.records as usize),
            self.data_resources.len(),
        )
    }
}
