//! A ledger with a damaged file: what is told of it, and that the same logs make it whole again.

use std::collections::BTreeSet;
use std::fs;

use super::super::tests::{Folder, all, bytes, fill, rows, sample};
use super::super::{DATA, How, INDEX};
use super::is_made_good;
use crate::source::{self, Source};

/// The whole sample's ledger with its file of one kind, of one account, damaged in some way.
fn damaged(kind: &str, damage: fn(Vec<u8>) -> Option<Vec<u8>>) -> (Folder, String) {
    let ledger = Folder::new();
    fill(&ledger.0, &sample(), &How::default());
    let name = bytes(&ledger.0)
        .into_keys()
        .find(|name| name.starts_with("111122223333") && name.contains(kind))
        .expect("a file of that kind");
    let path = ledger.0.join(DATA).join(&name);
    match damage(fs::read(&path).expect("a file")) {
        Some(bytes) => fs::write(&path, bytes).expect("a file"),
        None => fs::remove_file(&path).expect("a file"),
    }
    (ledger, name)
}

fn flipped(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Some(bytes)
}

fn cut(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    bytes.truncate(bytes.len() / 2);
    Some(bytes)
}

fn emptied(_: Vec<u8>) -> Option<Vec<u8>> {
    Some(Vec::new())
}

fn gone(_: Vec<u8>) -> Option<Vec<u8>> {
    None
}

const KINDS: [&str; 5] = ["calls", "sessions", "objects", "coverage", "signatures"];

/// The sample's files of an account, or of all others.
fn of(account: &str, is: bool) -> Vec<Source> {
    let mut files = sample();
    files.retain(|source| (source.part().0 == account) == is);
    files
}

#[test]
fn the_same_logs_make_a_damaged_ledger_whole_again() {
    let whole = Folder::new();
    fill(&whole.0, &sample(), &How::default());
    let (whole, read) = (bytes(&whole.0), all(&whole.0));
    let flips = KINDS.map(|kind| (kind, flipped as fn(Vec<u8>) -> Option<Vec<u8>>));
    for (kind, damage) in flips
        .into_iter()
        .chain([("calls", cut as fn(_) -> _), ("objects", gone)])
    {
        let (ledger, name) = damaged(kind, damage);
        let summary = fill(&ledger.0, &sample(), &How::default());
        assert_eq!(summary.damaged.len(), 1, "{kind}");
        assert!(summary.damaged[0].contains(&name), "{:?}", summary.damaged);
        // Workloads that stood in a damaged file are joined anew only with the calls.
        if kind != "sessions" {
            assert_eq!(all(&ledger.0), read, "{kind}");
            assert!(bytes(&ledger.0) == whole, "{kind}");
        }
    }
}

/// Some days of the sample.
fn some_days() -> Vec<Source> {
    let mut sources = sample();
    sources.retain(|source| source.part().1.as_str() < "2026-10-03");
    sources
}

/// Files outside AWS's layout: a call, and the opening of its session.
fn undated(folder: &Folder) -> Vec<Source> {
    let head = |number: u32, source: &str, name: &str| {
        format!(
            r#""eventVersion":"1.09","eventTime":"2026-10-02T0{number}:00:00Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","eventID":"undated-{number}","eventType":"AwsApiCall","eventCategory":"Management","managementEvent":true,"recipientAccountId":"111122223333","readOnly":true"#
        )
    };
    let open = format!(
        r#"{{{},"requestParameters":{{"roleArn":"arn:aws:iam::111122223333:role/app","roleSessionName":"s"}},"responseElements":{{"credentials":{{"accessKeyId":"ASIAUNDATED"}},"assumedRoleUser":{{"assumedRoleId":"AROAAPP:s","arn":"arn:aws:sts::111122223333:assumed-role/app/s"}}}},"userIdentity":{{"type":"IAMUser","principalId":"AIDACI","arn":"arn:aws:iam::111122223333:user/ci","accountId":"111122223333"}}}}"#,
        head(1, "sts", "AssumeRole")
    );
    let call = format!(
        r#"{{{},"requestParameters":{{"bucketName":"b"}},"userIdentity":{{"type":"AssumedRole","principalId":"AROAAPP:s","arn":"arn:aws:sts::111122223333:assumed-role/app/s","accountId":"111122223333","accessKeyId":"ASIAUNDATED","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAAPP","arn":"arn:aws:iam::111122223333:role/app","accountId":"111122223333","userName":"app"}}}}}}}}"#,
        head(2, "s3", "GetBucketAcl")
    );
    for (name, record) in [("a.json", open), ("b.json", call)] {
        fs::write(folder.0.join(name), format!("{{\"Records\":[{record}]}}")).expect("a file");
    }
    source::find(&[&folder.0]).expect("two files")
}

/// Damages each file of a ledger of these sources in each way, one of this kind among them.
#[track_caller]
fn check_each(sources: &[Source], among: &str) {
    let whole = Folder::new();
    fill(&whole.0, sources, &How::default());
    let (files, read) = (bytes(&whole.0), all(&whole.0));
    let names: Vec<&String> = files.keys().filter(|name| *name != INDEX).collect();
    assert!(names.iter().any(|name| name.starts_with(among)), "{names:?}");
    for name in names {
        for (how, damage) in [
            ("flipped", flipped as fn(Vec<u8>) -> Option<Vec<u8>>),
            ("cut", cut),
            ("emptied", emptied),
            ("gone", gone),
        ] {
            let ledger = Folder::new();
            fs::create_dir(ledger.0.join(DATA)).expect("a folder");
            for (known, content) in &files {
                let content = if known == name {
                    damage(content.clone())
                } else {
                    Some(content.clone())
                };
                let below = if known == INDEX {
                    known.clone()
                } else {
                    format!("{DATA}/{known}")
                };
                if let Some(content) = content {
                    fs::write(ledger.0.join(below), content).expect("a file");
                }
            }
            let summary = fill(&ledger.0, sources, &How::default());
            assert_eq!(summary.damaged.len(), 1, "{name} {how}");
            assert!(summary.damaged[0].contains(name.as_str()), "{:?}", summary.damaged);
            let again = all(&ledger.0);
            assert_eq!(again.coverage, read.coverage, "{name} {how}");
            if name.contains("-sessions-") {
                assert_eq!(rows(&again.table), rows(&read.table), "{name} {how}");
            } else {
                assert!(bytes(&ledger.0) == files, "{name} {how}");
            }
        }
    }
}

#[test]
fn each_file_damaged_in_each_way_is_made_of_the_same_logs_again() {
    let logs = Folder::new();
    check_each(&[some_days(), undated(&logs)].concat(), "other-undated-calls-");
}

#[test]
fn a_table_without_rows_is_written_again_where_it_was_damaged() {
    let logs = Folder::new();
    let file = logs.0.join("a.json");
    fs::write(&file, r#"{"Records":[]}"#).expect("a file");
    let undated = source::find(&[file]).expect("a file");
    check_each(&[some_days(), undated].concat(), "other-undated-calls-");
}

#[test]
fn a_reader_tells_what_is_lost_and_reads_the_rest() {
    let whole = Folder::new();
    fill(&whole.0, &sample(), &How::default());
    let whole = all(&whole.0);
    for kind in ["calls", "coverage", "signatures"] {
        let (ledger, name) = damaged(kind, flipped);
        let read = all(&ledger.0);
        assert!(read.damaged[0].contains(&name), "{:?}", read.damaged);
        // Digests and insights hold no events.
        let mut files: BTreeSet<String> = of("111122223333", true).iter().map(Source::name).collect();
        files.retain(|name| name.contains("/CloudTrail/"));
        let lost = read.coverage.lost.keys().filter(|name| name.starts_with("1111"));
        let lost: BTreeSet<String> = lost.map(|name| format!("sample-logs/AWSLogs/{name}")).collect();
        assert_eq!(lost, files, "{kind}");
        let accounts = |read: &super::super::Read| -> BTreeSet<String> {
            let signatures = read.table.signatures.iter();
            signatures.map(|seen| seen.signature.account.to_string()).collect()
        };
        assert!(accounts(&whole).contains("111122223333"));
        assert_eq!(accounts(&read), BTreeSet::from(["444455556666".to_owned()]), "{kind}");
    }
}

#[test]
fn without_sessions_calls_stay_and_nothing_is_lost() {
    let whole = Folder::new();
    fill(&whole.0, &sample(), &How::default());
    let whole = all(&whole.0);
    let (ledger, _) = damaged("sessions", flipped);
    for collected in [false, true] {
        if collected {
            fill(&ledger.0, &[], &How::default());
        }
        let read = all(&ledger.0);
        // Whoever stood behind calls that were not joined yet is not known any more.
        assert_eq!(rows(&read.table), rows(&whole.table));
        assert_eq!(read.coverage, whole.coverage);
    }
}

#[test]
fn what_is_not_given_again_stays_lost_until_it_is() {
    for kind in KINDS.into_iter().filter(|kind| *kind != "sessions") {
        let (ledger, _) = damaged(kind, gone);
        let theirs = of("111122223333", true);
        fill(&ledger.0, &of("111122223333", false), &How::default());
        let lost = all(&ledger.0).coverage.lost;
        assert!(lost.len() > 1, "{kind}: {lost:?}");
        // Half of the files of a day: the others are still lost, be it that a later run finds more of them.
        let (last, others) = theirs.split_last().expect("files");
        fill(&ledger.0, &others[..3], &How::default());
        fill(&ledger.0, others, &How::default());
        let still = all(&ledger.0).coverage.lost;
        let day = last.part().1;
        let names_it = |name: &String| last.name().ends_with(name.as_str()) || name.contains(&day);
        assert!(still.keys().any(names_it), "{kind}: {still:?}");
        fill(&ledger.0, &theirs, &How::default());
        let whole = Folder::new();
        fill(&whole.0, &sample(), &How::default());
        assert_eq!(all(&ledger.0).coverage.lost, all(&whole.0).coverage.lost, "{kind}");
        assert_eq!(all(&ledger.0).table, all(&whole.0).table, "{kind}");
    }
}

#[test]
fn files_without_names_are_there_again_when_as_many_are_given() {
    let loss = "12 files of account 1 on 2026-10-03 that the ledger no longer names";
    assert!(!is_made_good(loss, 11));
    assert!(is_made_good(loss, 12));
    assert!(!is_made_good("12 files of account 1", 12));
    assert!(!is_made_good("logs/12.json.gz", 12));
}
