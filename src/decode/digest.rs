//! Digest files: what they say of the hour for which they answer.
//!
//! CloudTrail writes one an hour for each region of a trail, also where it delivered nothing (CloudTrail user guide,
//! "CloudTrail digest file structure").

use super::Time;
use super::json::{self, Value};
use crate::time::Window;

/// Most log files of one digest that are looked at; a trail delivers a few dozen an hour.
const MOST: usize = 10_000;

/// One digest file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The account whose log files it names.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trail that wrote it.
    pub trail: String,
    /// From when on it answers, seconds since 1970.
    pub start: i64,
    /// The files that it names.
    pub named: Vec<NamedFile>,
}

/// A log file that a digest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Its key; empty where the digest does not say it.
    pub key: String,
    /// From the oldest to the newest event in it.
    pub window: Window,
    /// SHA-256 of its content without compression, where the digest tells it.
    pub hash: Option<[u8; 32]>,
}

/// Where a digest file belongs, by the key under which it is delivered
/// (`…/CloudTrail-Digest/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_TIME[_backfill].json.gz`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestKey<'k> {
    /// The region of the log files that it names.
    pub region: &'k str,
    /// The trail, where the file's name shows it.
    pub trail: Option<&'k str>,
    /// Whether it names files that came late, in a chain of its own.
    pub backfill: bool,
}

impl<'k> DigestKey<'k> {
    /// Reads the key of a digest of this account; `None` where its folders are not those of a digest.
    pub fn read(account: &str, key: &'k str) -> Option<DigestKey<'k>> {
        let (_, rest) = key.split_once("CloudTrail-Digest/")?;
        let (region, rest) = rest.split_once('/')?;
        let name = rest.rsplit('/').next()?;
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let name = name.strip_suffix(".json").unwrap_or(name);
        let late = name.strip_suffix("_backfill");
        let start = format!("{account}_CloudTrail-Digest_{region}_");
        let rest = late.unwrap_or(name).strip_prefix(&start);
        Some(DigestKey {
            region,
            // The name of a trail may hold underscores, a region and a time do not.
            trail: rest.and_then(|rest| rest.rsplitn(3, '_').nth(2)),
            backfill: late.is_some(),
        })
    }
}

impl Digest {
    /// Reads a whole digest file; `None` where it lacks what makes it useful.
    pub(super) fn read(text: &str) -> Option<Digest> {
        let digest = json::parse(text)?;
        let account = digest.get("awsAccountId")?.as_str()?.to_owned();
        let key = DigestKey::read(&account, digest.get("digestS3Object")?.as_str()?)?;
        let (region, trail) = (key.region, key.trail?);
        let time = |value: &Value<'_>, name: &str| Some(Time::parse(value.get(name)?.as_str()?)?.seconds());
        let files = digest.get("logFiles").map_or(&[][..], Value::elements);
        Some(Digest {
            region: region.to_owned(),
            trail: trail.to_owned(),
            start: time(&digest, "digestStartTime")?,
            named: files
                .iter()
                .take(MOST)
                .filter_map(|file| {
                    let (oldest, newest) = (time(file, "oldestEventTime"), time(file, "newestEventTime"));
                    let text = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default();
                    Some(NamedFile {
                        key: text("s3Object").to_owned(),
                        window: Window::of(oldest.or(newest)?, newest.or(oldest)?),
                        hash: sha256(text("hashValue")).filter(|_| text("hashAlgorithm") == "SHA-256"),
                    })
                })
                .collect(),
            account,
        })
    }
}

/// A SHA-256 as a digest file writes it.
fn sha256(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes().chunks_exact(2);
    let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes?.try_into().ok().filter(|_| hex.len() == 64)
}
