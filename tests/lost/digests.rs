//! Log files that a digest names, and that are gone or are not what was delivered.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ACCOUNT, Answer, DAY, Folder, THAT_DAY, analyze, event, gzip, key, whole};
#[cfg(feature = "polars")]
use super::{trimtrail, usual};

/// Writes a digest that names files of the one day, and their contents, as they are.
fn name_files(folder: &Folder, numbers: &[u32]) {
    let files = numbers.iter().map(|number| {
        let packed = fs::read(folder.0.join(key(DAY, *number))).expect("a file");
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut content).expect("a gzip file");
        let hash: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        json!({"s3Bucket": "b", "s3Object": key(DAY, *number).replace("logs/", ""), "hashValue": hash, "hashAlgorithm": "SHA-256",
            "oldestEventTime": "2025-07-31T11:01:00Z", "newestEventTime": "2025-07-31T11:30:00Z"})
    });
    let files: Vec<Value> = files.collect();
    let name = format!(
        "AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2025/07/31/{ACCOUNT}_CloudTrail-Digest_us-east-1_main_us-east-1_{THAT_DAY}T123000Z.json.gz"
    );
    let digest = json!({"awsAccountId": ACCOUNT, "digestStartTime": "2025-07-31T11:30:00Z", "digestEndTime": "2025-07-31T12:30:00Z",
        "digestS3Bucket": "b", "digestS3Object": name, "logFiles": files});
    folder.write(&format!("logs/{name}"), digest.to_string().as_bytes());
}

fn check_whole(answer: &Answer) {
    assert_eq!(answer.ready, ["sns:CreateTopic"], "{}", answer.said);
    assert_eq!(answer.code, Some(0), "{}", answer.said);
}

fn check_loss(answer: &Answer, why: &str) {
    assert_eq!((&answer.ready, answer.code), (&Vec::new(), Some(10)), "{}", answer.said);
    assert!(answer.said.contains(why), "{}", answer.said);
}

const CHANGED: &str = "its content is not what a digest says was delivered";
#[cfg(feature = "polars")]
const GONE: &str = "a digest names it, and it is not there";

#[cfg(feature = "polars")]
fn collected(folder: &Folder) -> Answer {
    let (logs, ledger) = (folder.at("logs"), folder.at("ledger"));
    let output = trimtrail(&["-q", "collect", "--logs", &logs, "--ledger", &ledger]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    analyze(folder, &["--ledger", &ledger])
}

#[test]
fn a_file_that_is_not_what_was_delivered_is_a_hole() {
    let folder = whole();
    name_files(&folder, &[1, 2]);
    check_whole(&analyze(&folder, &[]));
    folder.write(&key(DAY, 2), &gzip(&[event(DAY, 30, "sqs", "ListQueues", true)]));
    check_loss(&analyze(&folder, &[]), CHANGED);
}

#[test]
fn a_file_that_was_unpacked_is_what_was_delivered() {
    let folder = whole();
    name_files(&folder, &[1, 2]);
    let packed = fs::read(folder.0.join(key(DAY, 2))).expect("a file");
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut content).expect("a gzip file");
    fs::remove_file(folder.0.join(key(DAY, 2))).expect("it was there");
    folder.write(key(DAY, 2).trim_end_matches(".gz"), &content);
    check_whole(&analyze(&folder, &[]));
}

#[cfg(feature = "polars")]
#[test]
fn a_ledger_remembers_a_changed_file_until_it_is_what_was_delivered() {
    let folder = whole();
    name_files(&folder, &[1, 2]);
    let good = fs::read(folder.0.join(key(DAY, 2))).expect("a file");
    folder.write(&key(DAY, 2), &gzip(&[event(DAY, 30, "sqs", "ListQueues", true)]));
    check_loss(&collected(&folder), CHANGED);
    // Another file of the day makes the ledger read the day again.
    folder.write(&key(DAY, 3), &gzip(&usual(DAY)));
    check_loss(&collected(&folder), CHANGED);
    folder.write(&key(DAY, 2), &good);
    check_whole(&collected(&folder));
}

#[cfg(feature = "polars")]
#[test]
fn a_ledger_remembers_a_file_that_a_digest_names_and_that_is_gone_until_it_is_there() {
    let folder = whole();
    name_files(&folder, &[1, 2]);
    let good = fs::read(folder.0.join(key(DAY, 2))).expect("a file");
    fs::remove_file(folder.0.join(key(DAY, 2))).expect("it was there");
    check_loss(&collected(&folder), GONE);
    check_loss(&collected(&folder), GONE);
    folder.write(&key(DAY, 3), &gzip(&usual(DAY)));
    check_loss(&collected(&folder), GONE);
    folder.write(&key(DAY, 2), &good);
    check_whole(&collected(&folder));
}

#[cfg(feature = "polars")]
#[test]
fn a_file_that_an_earlier_run_read_may_go() {
    let folder = whole();
    check_whole(&collected(&folder));
    name_files(&folder, &[1, 2]);
    fs::remove_file(folder.0.join(key(DAY, 2))).expect("it was there");
    check_whole(&collected(&folder));
}
