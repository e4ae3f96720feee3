//! One digest file as CloudTrail writes it, and the text that its signature is over.
//!
//! Fields and signing string: CloudTrail user guide, "CloudTrail digest file structure" and "Custom implementations of
//! CloudTrail log file integrity validation"; a missing previous signature is signed as `null` (aws-cli,
//! `customizations/cloudtrail/validation.py`).

use serde::Deserialize;

use crate::decode::{DigestKey, Time};

/// What a digest file says.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Digest {
    pub(super) aws_account_id: String,
    pub(super) digest_start_time: String,
    pub(super) digest_end_time: String,
    digest_s3_bucket: String,
    pub(super) digest_s3_object: String,
    pub(super) digest_public_key_fingerprint: String,
    digest_signature_algorithm: String,
    pub(super) previous_digest_s3_object: Option<String>,
    pub(super) previous_digest_hash_value: Option<String>,
    pub(super) previous_digest_signature: Option<String>,
    pub(super) log_files: Vec<LogFile>,
}

/// A log file that a digest answers for.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogFile {
    pub(super) s3_object: String,
    pub(super) hash_value: String,
    hash_algorithm: String,
}

/// The digest files of one trail in one region.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Stream {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) trail: String,
    pub(super) backfill: bool,
}

/// The only algorithms that AWS documents.
const HASH: &str = "SHA-256";
const SIGNATURE: &str = "SHA256withRSA";

impl Digest {
    /// Reads the uncompressed text of a digest file. `Err`: what is wrong with it.
    pub(super) fn parse(text: &[u8]) -> Result<Digest, String> {
        let digest: Digest = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if digest.digest_signature_algorithm != SIGNATURE {
            return Err("signed with an unknown algorithm".to_owned());
        }
        if digest.log_files.iter().any(|file| file.hash_algorithm != HASH) {
            return Err("a log file's hash is of an unknown algorithm".to_owned());
        }
        match digest.period() {
            Some((start, end)) if start < end => Ok(digest),
            Some(_) | None => Err("its period is none".to_owned()),
        }
    }

    /// First and last second that it answers for.
    pub(super) fn period(&self) -> Option<(i64, i64)> {
        let time = |text: &str| Some(Time::parse(text)?.seconds());
        Some((time(&self.digest_start_time)?, time(&self.digest_end_time)?))
    }

    fn key(&self) -> Option<DigestKey<'_>> {
        DigestKey::read(&self.aws_account_id, &self.digest_s3_object)
    }

    /// The region of the log files.
    pub(super) fn region(&self) -> &str {
        self.key().map_or("", |key| key.region)
    }

    /// Whose chain it belongs to.
    pub(super) fn stream(&self) -> Stream {
        let key = self.key();
        Stream {
            account: self.aws_account_id.clone(),
            region: self.region().to_owned(),
            trail: key.and_then(|key| key.trail).unwrap_or("").to_owned(),
            backfill: key.is_some_and(|key| key.backfill),
        }
    }

    /// What CloudTrail signs of a digest file whose uncompressed text has this hash, in hexadecimal.
    pub(super) fn signing_string(&self, hash: &str) -> String {
        format!(
            "{}\n{}/{}\n{hash}\n{}",
            self.digest_end_time,
            self.digest_s3_bucket,
            self.digest_s3_object,
            self.previous_digest_signature.as_deref().unwrap_or("null"),
        )
    }
}

/// A file's own name, however it is compressed: what tells the files of an archive apart wherever they were copied.
pub(super) fn base(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.strip_suffix(".gz").unwrap_or(name)
}

/// Account, region and minute of delivery of a log file, by its name
/// `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json` (CloudTrail user guide, "CloudTrail log file name format").
pub(super) fn delivery(base: &str) -> Option<(&str, &str, i64)> {
    let mut parts = base.split('_');
    let (account, kind, region, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let digits =
        |range: std::ops::Range<usize>| time.get(range).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let text = format!(
        "{}-{}-{}T{}:{}:00Z",
        digits(0..4)?,
        digits(4..6)?,
        digits(6..8)?,
        digits(9..11)?,
        digits(11..13)?
    );
    (kind == "CloudTrail").then_some((account, region, Time::parse(&text)?.seconds()))
}
