//! The sample that ships with the project: two weeks of two accounts, in which every actor makes a point.

mod cast;
mod cluster;
mod data;
mod deploy;
mod jobs;
mod node;
mod orders;
mod people;
mod story;
mod trouble;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::archive;
use super::event::{Event, Seconds, iso};
use super::grants::Grants;
use super::rng::Rng;
use cast::{DATA, EU, SHOP, US, at, data_role};
use story::{Story, Told};

/// The sample: each file by its path, and the numbers that its README names.
pub(crate) struct Sample {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    numbers: BTreeMap<String, usize>,
}

/// Writes the sample and says what is in it.
pub(crate) fn write(dir: &Path) -> io::Result<String> {
    let sample = make()?;
    for old in ["AWSLogs", "grants"] {
        match std::fs::remove_dir_all(dir.join(old)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for (path, bytes) in &sample.files {
        archive::write(dir, path, bytes)?;
    }
    let mut summary = String::new();
    for (name, number) in &sample.numbers {
        let _ = writeln!(summary, "{number:>7}  {name}");
    }
    let bytes: usize = sample.files.values().map(Vec::len).sum();
    let _ = writeln!(summary, "{bytes:>7}  bytes in {} files", sample.files.len());
    Ok(summary)
}

/// Makes the sample in memory.
pub(crate) fn make() -> io::Result<Sample> {
    let mut story = Story::new();
    cluster::tell(&mut story);
    orders::tell(&mut story);
    node::tell(&mut story);
    deploy::tell(&mut story);
    people::tell(&mut story);
    jobs::tell(&mut story);
    data::tell(&mut story);
    trouble::tell(&mut story);

    let mut files = BTreeMap::new();
    let mut numbers: BTreeMap<String, usize> = story
        .counts()
        .into_iter()
        .map(|(actor, count)| (format!("records of {actor}"), count))
        .collect();
    numbers.insert("records, each once".into(), story.told.len());
    lay_out(&story.told, &mut files, &mut numbers)?;
    torn(&mut story, &mut files, &mut numbers)?;
    digest(&mut files)?;
    insight(&mut files)?;
    let logs = files.keys().filter(|key| key.contains("/CloudTrail/")).count();
    numbers.insert("log files".into(), logs);
    for (account, grants) in [(SHOP, shop_grants()), (DATA, data_grants())] {
        let mut text = serde_json::to_string_pretty(&grants)?;
        text.push('\n');
        files.insert(format!("grants/{account}.json"), text.into_bytes());
    }
    files.insert("README.md".into(), readme(&numbers)?.into_bytes());
    Ok(Sample { files, numbers })
}

fn shop_grants() -> Value {
    let mut shop = Grants::new(SHOP, false);
    let (logs, metrics) = jobs::shared(&mut shop);
    cluster::grant(&mut shop);
    orders::grant(&mut shop, &logs);
    node::grant(&mut shop);
    deploy::grant(&mut shop, &metrics);
    people::grant(&mut shop);
    jobs::grant(&mut shop, &logs, &metrics);
    shop.finish()
}

fn data_grants() -> Value {
    let mut data = Grants::new(DATA, true);
    data::grant(&mut data);
    data.finish()
}

/// When CloudTrail cuts the file in which a record lands: four times a day where much happens, else twice.
fn cut(told: &Told) -> Seconds {
    let hours = if told.account == SHOP && told.region == EU {
        6
    } else {
        12
    };
    let period = hours * 3600;
    // Ten minutes before the hour, so that the last files of a day are delivered on it.
    (told.time + 600).div_euclid(period) * period + period - 600
}

/// Delivery comes five minutes after the cut.
const DELIVERY: Seconds = 300;

type Files = BTreeMap<String, Vec<u8>>;
type Numbers = BTreeMap<String, usize>;

fn lay_out(told: &[Told], files: &mut Files, numbers: &mut Numbers) -> io::Result<()> {
    let mut streams: BTreeMap<(&str, &str, Seconds), Vec<&Told>> = BTreeMap::new();
    for one in told {
        streams
            .entry((&one.account, &one.region, cut(one)))
            .or_default()
            .push(one);
    }
    // Three records come a second time, in the next file of the day.
    let repeated: Vec<Value> = streams
        .get(&(SHOP, EU, at(5, 11, 50, 0)))
        .map(|records| records.iter().take(3).map(|told| told.record.clone()).collect())
        .unwrap_or_default();
    numbers.insert("records repeated in another file".into(), repeated.len());
    for ((account, region, cut), mut told) in streams {
        told.sort_by_key(|told| told.time);
        let mut records: Vec<Value> = told.into_iter().map(|told| told.record.clone()).collect();
        if (account, region, cut) == (SHOP, EU, at(5, 17, 50, 0)) {
            records.extend(repeated.iter().cloned());
        }
        let mut rng = Rng::named(cut as u64, &format!("{account}/{region}"));
        let bytes = archive::gzip(&archive::records(&records)?, 9)?;
        files.insert(
            archive::key("CloudTrail", account, region, cut + DELIVERY, &mut rng),
            bytes.clone(),
        );
        if (account, region, cut) == (SHOP, EU, at(8, 17, 50, 0)) {
            numbers.insert("records of the file that lies there twice".into(), records.len());
            files.insert(
                archive::key("CloudTrail", account, region, cut + DELIVERY, &mut rng),
                bytes,
            );
        }
    }
    Ok(())
}

/// A file whose upload broke off.
fn torn(story: &mut Story, files: &mut Files, numbers: &mut Numbers) -> io::Result<()> {
    story.actor("AWSServiceRoleForAutoScaling (torn file)");
    let mut role = data_role("AWSServiceRoleForAutoScaling").path("/aws-service-role/autoscaling.amazonaws.com/");
    // The shop has a role of that name too, under an id of its own.
    role.id = super::rng::fake_id("AROA", "AWSServiceRoleForAutoScaling of the data account");
    let time = at(9, 12, 0, 0);
    let who = role
        .session("AutoScaling", "ASIAEXAMPLESCALING09", &iso(time))
        .through("autoscaling.amazonaws.com");
    let mut records: Vec<Value> = (0..19)
        .map(|i| {
            Event::read(&who, time + 15 * i, US, "ec2", "DescribeInstanceStatus")
                .parameters(json!({"instancesSet": {}, "filterSet": {}, "includeAllInstances": true}))
                .record(&mut story.rng)
        })
        .collect();
    // The one call in which the bill's export needs what it needs once a year; it lies behind the tear.
    let export = data_role("cost-export").session("cost-export", "ASIAEXAMPLECOSTEXP09", &iso(time));
    let yearly = Event::new(&export, time + 300, US, "ce", "StartCostAllocationTagBackfill")
        .parameters(json!({"backfillFrom": "2026-01-01T00:00:00Z"}));
    records.push(yearly.record(&mut story.rng));
    let mut bytes = archive::gzip(&archive::records(&records)?, 9)?;
    bytes.truncate(bytes.len() * 6 / 10);
    numbers.insert("records written to the torn file".into(), records.len());
    numbers.insert("records of the torn file that are whole".into(), whole_records(&bytes));
    files.insert(
        archive::key("CloudTrail", DATA, US, at(9, 12, 10, 0), &mut story.rng),
        bytes,
    );
    Ok(())
}

/// How many records can be read before a gzip file breaks off.
fn whole_records(gzip: &[u8]) -> usize {
    let mut text = Vec::new();
    let mut decoder = GzDecoder::new(gzip);
    let mut piece = [0; 512];
    while let Ok(length @ 1..) = decoder.read(&mut piece) {
        text.extend_from_slice(&piece[..length]);
    }
    let (mut depth, mut quoted, mut escaped, mut whole) = (0, false, false, 0);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => {
                depth -= 1;
                // {"Records":[ … ]}: a record is an object at depth three.
                whole += usize::from(byte == b'}' && depth == 2);
            }
            _ => {}
        }
    }
    whole
}

/// The digest of one hour: which log files were delivered, with their hashes.
fn digest(files: &mut Files) -> io::Result<()> {
    let start = at(2, 5, 2, 9);
    let name = iso(start + 3600).replace(['-', ':'], "");
    let stem = format!("AWSLogs/{SHOP}/CloudTrail/{EU}/2026/10/02/{SHOP}_CloudTrail_{EU}_20261002T0555Z");
    let logs: Vec<Value> = files
        .iter()
        .filter(|(key, _)| key.starts_with(&stem))
        .map(|(key, bytes)| {
            let mut text = Vec::new();
            GzDecoder::new(&bytes[..]).read_to_end(&mut text)?;
            let parsed: Value = serde_json::from_slice(&text)?;
            let mut times: Vec<String> = parsed["Records"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|record| record["eventTime"].as_str().map(str::to_owned))
                .collect();
            times.sort();
            // The hash is that of the uncompressed file.
            let hash = Sha256::digest(&text).iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            Ok(json!({
                "s3Bucket": "shop-trail", "s3Object": key, "hashValue": hash, "hashAlgorithm": "SHA-256",
                "newestEventTime": times.last(), "oldestEventTime": times.first(),
            }))
        })
        .collect::<io::Result<_>>()?;
    let key = format!(
        "AWSLogs/{SHOP}/CloudTrail-Digest/{EU}/2026/10/02/{SHOP}_CloudTrail-Digest_{EU}_shop-trail_{EU}_{name}.json.gz"
    );
    let text = serde_json::to_vec(&json!({
        "awsAccountId": SHOP, "digestStartTime": iso(start), "digestEndTime": iso(start + 3600),
        "digestS3Bucket": "shop-trail", "digestS3Object": key,
        "digestPublicKeyFingerprint": "00000000000000000000000000000000", "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": logs.first().map(|log| &log["newestEventTime"]),
        "oldestEventTime": logs.first().map(|log| &log["oldestEventTime"]),
        "previousDigestS3Bucket": null, "previousDigestS3Object": null, "previousDigestHashValue": null,
        "previousDigestHashAlgorithm": null, "previousDigestSignature": null, "logFiles": logs,
    }))?;
    files.insert(key, archive::gzip(&text, 9)?);
    Ok(())
}

/// An Insights event: that calls were unusually many, without saying whose. It is no call.
fn insight(files: &mut Files) -> io::Result<()> {
    let mut rng = Rng::named(0, "insight");
    let shared = rng.uuid();
    let records: Vec<Value> = [("Start", 0), ("End", 300)]
        .into_iter()
        .map(|(state, offset)| {
            json!({
                "eventVersion": "1.07", "eventTime": iso(at(8, 11, 10, 0) + offset), "awsRegion": EU, "eventID": rng.uuid(),
                "eventType": "AwsCloudTrailInsight", "recipientAccountId": SHOP, "sharedEventID": shared,
                "insightDetails": {
                    "state": state, "eventSource": "elasticloadbalancing.amazonaws.com", "eventName": "DescribeTargetHealth",
                    "insightType": "ApiErrorRateInsight", "errorCode": "ThrottlingException",
                    "insightContext": {"statistics": {
                        "baseline": {"average": 0.01}, "insight": {"average": 3.0}, "insightDuration": 5, "baselineDuration": 10080,
                    }},
                },
                "eventCategory": "Insight",
            })
        })
        .collect();
    let key = archive::key("CloudTrail-Insight", SHOP, EU, at(8, 11, 25, 0), &mut rng);
    files.insert(key, archive::gzip(&archive::records(&records)?, 9)?);
    Ok(())
}

/// The story in words; `{{name}}` stands for a number.
fn readme(numbers: &Numbers) -> io::Result<String> {
    let mut rest = include_str!("README.template.md");
    let mut out = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let number = numbers
            .get(name)
            .or_else(|| numbers.get(&format!("records of {name}")))
            .ok_or_else(|| io::Error::other(format!("the README's template names `{name}`, which nothing counts")))?;
        let _ = write!(out, "{before}{number}");
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
