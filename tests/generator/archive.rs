//! How a trail lies in its bucket: key layout, file names, gzip.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use serde_json::Value;

use super::event::{Seconds, iso};
use super::rng::{ALNUM, Rng};

/// `AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHMMZ_RANDOM.json.gz`;
/// the date is that of the delivery.
pub(crate) fn key(class: &str, account: &str, region: &str, delivered: Seconds, rng: &mut Rng) -> String {
    let time = iso(delivered);
    let (date, clock) = time.split_once('T').expect("an ISO time");
    let compact = format!("{}T{}{}Z", date.replace('-', ""), &clock[..2], &clock[3..5]);
    let day = date.replace('-', "/");
    let unique = rng.text(ALNUM, 16);
    format!("AWSLogs/{account}/{class}/{region}/{day}/{account}_{class}_{region}_{compact}_{unique}.json.gz")
}

/// A log file's text: one line, as CloudTrail writes it.
pub(crate) fn records(records: &[Value]) -> io::Result<Vec<u8>> {
    let mut out = br#"{"Records":["#.to_vec();
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, record)?;
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}

/// Gzip without a time and a name, so that the same text gives the same bytes.
pub(crate) fn gzip(text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut out = GzBuilder::new()
        .mtime(0)
        .write(Vec::with_capacity(text.len() / 8), Compression::new(level));
    out.write_all(text)?;
    out.finish()
}

/// Writes one file and the folders above it.
pub(crate) fn write(root: &Path, key: &str, bytes: &[u8]) -> io::Result<()> {
    let path: PathBuf = root.join(key);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, bytes)
}
