//! `collect` from a bucket: only what is new is asked for, and whatever breaks on the way is made good by the next run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use polars_io::prelude::{ParquetReader, SerReader};

use super::bucket::{Bucket, Oddity, etag};
use super::proxy::{Fault, before};
use super::{stderr, stdout, trimtrail};

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-s3-ledger-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sample() -> Bucket {
    Bucket::of(Path::new("sample-logs"))
}

/// The sample without the objects of these days and later.
fn until(day: &str) -> Bucket {
    let mut bucket = sample();
    bucket
        .objects
        .retain(|key, _| !is_log(key) || day_of(key).as_str() < day);
    bucket
}

fn is_log(key: &str) -> bool {
    key.starts_with("AWSLogs/") && key.split('/').count() == 8
}

/// `2026/10/05`
fn day_of(key: &str) -> String {
    key.split('/').skip(4).take(3).collect::<Vec<_>>().join("/")
}

/// The objects of the account and day of this one, itself included.
fn part_of(bucket: &Bucket, key: &str) -> BTreeSet<String> {
    let part = |key: &str| (key.split('/').nth(1).map(str::to_owned), day_of(key));
    let logs = bucket.objects.keys().filter(|other| is_log(other));
    logs.filter(|other| part(other) == part(key)).cloned().collect()
}

/// A log file in the middle of the sample, of a part that holds several.
fn middle(bucket: &Bucket) -> String {
    let logs: Vec<&String> = bucket.objects.keys().filter(|key| is_log(key)).collect();
    let from_middle = logs.iter().skip(logs.len() / 2);
    let several = |key: &&&String| part_of(bucket, key).len() > 2;
    from_middle
        .copied()
        .find(|key| several(&key))
        .expect("a part of several")
        .clone()
}

fn program(address: SocketAddr, ledger: &Folder, more: &[&str]) -> Command {
    let mut command = trimtrail(address);
    command
        .args(["collect", "--logs", "s3://trails/AWSLogs", "--ledger"])
        .arg(&ledger.0)
        .args(more);
    command
}

fn collect(address: SocketAddr, ledger: &Folder, more: &[&str]) -> Output {
    program(address, ledger, more).output().expect("the program")
}

/// Collects all of a bucket, and says what was asked for: each key as often as it was.
#[track_caller]
fn fill(bucket: Bucket, ledger: &Folder) -> Vec<String> {
    let (bucket, address) = bucket.serve();
    let output = collect(address, ledger, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stderr(&output).contains("not read"), "{}", stderr(&output));
    gets(&bucket)
}

fn gets(bucket: &Arc<Bucket>) -> Vec<String> {
    let mut gets = bucket.gets.lock().unwrap().clone();
    gets.sort();
    gets
}

/// Every file of a ledger but its lock.
fn bytes(ledger: &Folder) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in [ledger.0.clone(), ledger.0.join("data")] {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && name != "LOCK" {
                files.insert(name, fs::read(entry.path()).expect("a file"));
            }
        }
    }
    files
}

/// The ledger of one clean run over a bucket.
fn clean(bucket: Bucket) -> BTreeMap<String, Vec<u8>> {
    let ledger = Folder::new();
    fill(bucket, &ledger);
    bytes(&ledger)
}

fn calls(ledger: &Folder) -> String {
    let output = trimtrail(([127, 0, 0, 1], 9).into())
        .args([
            "query",
            "--sql",
            "SELECT SUM(calls) AS calls FROM calls",
            "--format",
            "csv",
            "--ledger",
        ])
        .arg(&ledger.0)
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

/// The same text, compressed otherwise.
fn compressed_anew(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut text)
        .expect("gzip");
    let mut anew = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
    anew.write_all(&text).expect("memory");
    let anew = anew.finish().expect("memory");
    assert_ne!(anew, bytes);
    anew
}

#[test]
fn a_week_later_only_the_objects_of_new_days_are_asked_for() {
    let ledger = Folder::new();
    fill(until("2026/10/08"), &ledger);
    let asked = fill(sample(), &ledger);
    let new: Vec<String> = sample()
        .objects
        .into_keys()
        .filter(|key| is_log(key) && day_of(key).as_str() >= "2026/10/08")
        .collect();
    assert!(new.len() > 20, "the sample is no test");
    assert_eq!(asked, new);
    assert_eq!(fill(sample(), &ledger), Vec::<String>::new());
    assert!(bytes(&ledger) == clean(sample()));
}

#[test]
fn of_a_day_that_was_half_there_each_object_is_asked_for_once() {
    let ledger = Folder::new();
    let (mut half, key) = (sample(), middle(&sample()));
    half.objects.remove(&key);
    fill(half, &ledger);
    let asked = fill(sample(), &ledger);
    assert_eq!(asked, part_of(&sample(), &key).into_iter().collect::<Vec<_>>());
    assert!(bytes(&ledger) == clean(sample()));
}

#[test]
fn another_etag_reads_its_day_again_and_nothing_else() {
    let ledger = Folder::new();
    fill(sample(), &ledger);
    let key = middle(&sample());
    let changed = || {
        let mut bucket = sample();
        let object = bucket.objects.get_mut(&key).expect("an object");
        *object = compressed_anew(object);
        bucket
    };
    let asked: BTreeSet<String> = fill(changed(), &ledger).into_iter().collect();
    assert_eq!(asked, part_of(&sample(), &key));
    assert!(bytes(&ledger) == clean(changed()));
}

#[test]
fn an_object_that_was_delivered_again_counts_once() {
    let ledger = Folder::new();
    fill(sample(), &ledger);
    let (once, key) = (calls(&ledger), middle(&sample()));
    let mut again = sample();
    let object = again.objects[&key].clone();
    let anew = compressed_anew(&object);
    again.objects.insert(key.replace(".json.gz", "-again.json.gz"), object);
    again.objects.insert(key.replace(".json.gz", "-anew.json.gz"), anew);
    assert!(!fill(again, &ledger).is_empty());
    assert_eq!(calls(&ledger), once);
}

#[test]
fn the_manifest_holds_key_size_and_etag() {
    let ledger = Folder::new();
    fill(sample(), &ledger);
    let mut listed = BTreeSet::new();
    for entry in fs::read_dir(ledger.0.join("data")).expect("a folder").flatten() {
        if !entry.file_name().to_string_lossy().contains("-objects-") {
            continue;
        }
        let file = fs::File::open(entry.path()).expect("a file");
        let frame = ParquetReader::new(file).finish().expect("Parquet");
        let text = |name: &str| frame.column(name).expect("a column").str().expect("text").clone();
        let sizes = frame.column("bytes").expect("a column").u64().expect("numbers").clone();
        for ((key, bytes), etag) in text("key").iter().zip(sizes.iter()).zip(text("stamp").iter()) {
            listed.insert((key.unwrap().to_owned(), bytes.unwrap(), etag.unwrap().to_owned()));
        }
    }
    let logs = sample().objects.into_iter().filter(|(key, _)| is_log(key));
    let expected: BTreeSet<(String, u64, String)> = logs
        .map(|(key, bytes)| {
            let from_account = key.strip_prefix("AWSLogs/").expect("the layout").to_owned();
            (from_account, bytes.len() as u64, etag(&bytes))
        })
        .collect();
    assert!(expected.len() > 100, "the sample is no test");
    assert_eq!(listed, expected);
}

#[test]
fn what_fails_on_the_way_is_made_good_by_the_next_run() {
    let expected = clean(sample());
    let logs: Vec<String> = sample().objects.into_keys().filter(|key| is_log(key)).collect();
    let cases = [
        (logs.len() / 7, 403, "AccessDenied"),
        (logs.len() / 3, 404, "NoSuchKey"),
        (logs.len() / 2, 403, "InvalidObjectState"),
        (logs.len() - 1, 412, "PreconditionFailed"),
    ];
    for (at, status, code) in cases {
        let (ledger, bucket) = (Folder::new(), sample());
        let refusal = Oddity::Refuses(status, code);
        bucket.oddities.lock().unwrap().insert(logs[at].clone(), refusal);
        let (bucket, address) = bucket.serve();
        let output = collect(address, &ledger, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let said = format!(
            "not read, and tried again next time: s3://trails/{}: cannot be opened",
            logs[at]
        );
        assert!(stderr(&output).contains(&said), "{}", stderr(&output));
        assert!(bytes(&ledger) != expected, "{code}");

        // As long as it cannot be read, nothing else is asked for: the fake does not count what it refuses.
        let before = gets(&bucket).len();
        let again = collect(address, &ledger, &[]);
        assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
        assert!(stderr(&again).contains(&said), "{}", stderr(&again));
        assert_eq!(gets(&bucket).len() - before, 0, "{code}");

        let asked: BTreeSet<String> = fill(sample(), &ledger).into_iter().collect();
        assert_eq!(asked, part_of(&sample(), &logs[at]), "{code}");
        assert!(bytes(&ledger) == expected, "{code}");
    }
}

#[test]
fn of_all_that_lies_in_glacier_a_few_are_asked_for() {
    let (ledger, mut bucket) = (Folder::new(), sample());
    let logs = bucket.objects.keys().filter(|key| is_log(key));
    // Whole days, and half of the day after them.
    let old: BTreeSet<String> = logs
        .filter(|key| day_of(key).as_str() < "2026/10/04")
        .cloned()
        .collect();
    let half = part_of(&bucket, &middle(&bucket)).into_iter().step_by(2);
    let archived: BTreeSet<String> = old.into_iter().chain(half).collect();
    assert!(archived.len() > 20, "the sample is no test");
    bucket.archived = archived.iter().map(|key| (key.clone(), false)).collect();
    let (bucket, address) = bucket.serve();
    for first in [true, false] {
        let before = gets(&bucket).len();
        let output = collect(address, &ledger, &["--in-flight", "2"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let said = stderr(&output);
        assert!(
            said.contains("cannot be opened: archived (Glacier) and not restored"),
            "{said}"
        );
        assert!(
            said.contains(&format!("{} files cannot be read", archived.len())),
            "{said}"
        );
        let asked = bucket.gets.lock().unwrap()[before..].to_vec();
        let vain = asked.iter().filter(|key| archived.contains(*key)).count();
        assert!((1..=4).contains(&vain), "{vain} were asked for in vain");
        assert_eq!(asked.len() > vain, first, "{asked:?}");
    }
    let mut restored = sample();
    restored.archived = archived.iter().map(|key| (key.clone(), true)).collect();
    fill(restored, &ledger);
    assert!(bytes(&ledger) == clean(sample()));
}

#[test]
fn an_object_that_is_gone_stays_a_hole_after_the_next_run() {
    let (ledger, mut bucket) = (Folder::new(), sample());
    bucket
        .ghosts
        .insert(middle(&sample()).replace(".json.gz", "-gone.json.gz"));
    let (_, address) = bucket.serve();
    let output = collect(address, &ledger, &[]);
    assert!(
        stderr(&output).contains("gone: deleted after it was listed"),
        "{}",
        stderr(&output)
    );
    fill(sample(), &ledger);
    let output = trimtrail(address)
        .args(["coverage", "--ledger", &ledger.0.display().to_string()])
        .output()
        .expect("the program");
    let text = stdout(&output);
    assert!(text.contains("gone.json.gz was not read whole"), "{text}");
}

#[test]
fn a_network_that_goes_away_loses_nothing() {
    let ledger = Folder::new();
    let (_, address) = sample().serve();
    let proxy = before(address, |connection| {
        if connection < 3 {
            Fault::Cut(60_000)
        } else {
            Fault::Reset
        }
    });
    let output = collect(proxy, &ledger, &["--in-flight", "4"]);
    assert!(stderr(&output).contains("cannot be"), "{}", stderr(&output));
    fill(sample(), &ledger);
    assert!(bytes(&ledger) == clean(sample()));
}

#[test]
fn killed_at_any_moment_the_next_run_makes_the_ledger_of_a_clean_one() {
    let expected = clean(sample());
    let slow = || Bucket {
        latency: Duration::from_millis(10),
        ..sample()
    };
    let (_, address) = slow().serve();
    let begun = Instant::now();
    collect(address, &Folder::new(), &[]);
    let took = begun.elapsed();
    for share in [1, 3, 5, 7, 9] {
        let ledger = Folder::new();
        let mut child = program(address, &ledger, &["--in-flight", "8"])
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        std::thread::sleep(took * share / 10);
        child.kill().expect("a child");
        child.wait().expect("a child");
        fill(sample(), &ledger);
        assert!(bytes(&ledger) == expected, "killed after {share} tenths");
    }
}

#[test]
fn credentials_that_run_out_end_the_run_and_lose_nothing() {
    let ledger = Folder::new();
    let (_, address) = Bucket {
        refuses_after: Some((60, 400, "ExpiredToken")),
        ..sample()
    }
    .serve();
    let output = collect(address, &ledger, &["--in-flight", "4"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("after 60 objects the credentials have expired"), "{said}");
    assert!(said.contains("help: sign in again: aws sso login"), "{said}");
    fill(sample(), &ledger);
    assert!(bytes(&ledger) == clean(sample()));
}

#[test]
fn where_no_object_can_be_read_the_run_fails_and_says_the_way_out() {
    let cases = [
        (403, "AccessDenied", "--request-payer"),
        (400, "KMS.DisabledException", "kms:Decrypt"),
        (400, "ExpiredToken", "aws sso login"),
        (403, "InvalidObjectState", "restore the objects"),
        (404, "NoSuchKey", "run again"),
    ];
    for (status, code, way_out) in cases {
        let (_, address) = Bucket {
            refuses_after: Some((0, status, code)),
            ..sample()
        }
        .serve();
        let logs = ["--logs", "s3://trails/AWSLogs"];
        let ledger = Folder::new();
        let folder = ledger.0.display().to_string();
        for arguments in [
            &["coverage"][..],
            &["resolve"],
            &["analyze", "--grants", "sample-logs/grants"],
            &["collect", "--ledger", &folder],
        ] {
            let output = trimtrail(address)
                .args(arguments)
                .args(logs)
                .output()
                .expect("the program");
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{code} {arguments:?} {said}");
            assert!(
                said.contains("error: `s3://trails`: none of "),
                "{code} {arguments:?} {said}"
            );
            assert!(said.contains(way_out), "{code} {arguments:?} {said}");
        }
    }
}

#[test]
fn what_is_not_asked_for_is_neither_listed_nor_read() {
    let folders = |more: &[&str]| {
        let (bucket, address) = sample().serve();
        let output = collect(address, &Folder::new(), more);
        let listings = bucket.listings.lock().unwrap().clone();
        let listed: BTreeSet<String> = listings.into_iter().map(|(prefix, _)| prefix).collect();
        (output.status.code(), listed, gets(&bucket))
    };
    let (code, listed, asked) = folders(&["--account", "444455556666", "--since", "2026-10-12"]);
    assert_eq!(code, Some(0));
    assert!(!asked.is_empty());
    for prefix in &listed {
        assert!(!prefix.contains("/111122223333/"), "{prefix} was listed");
    }
    for key in &asked {
        assert!(
            key.contains("/444455556666/") && day_of(key).as_str() >= "2026/10/12",
            "{key}"
        );
    }
    let days = |prefix: &str| {
        prefix
            .split('/')
            .nth(6)
            .filter(|day| !day.is_empty())
            .map(str::to_owned)
    };
    let days: BTreeSet<String> = listed.iter().filter_map(|prefix| days(prefix)).collect();
    assert!(days.iter().all(|day| day.as_str() >= "12"), "{days:?}");

    // From a day on, one request shows a region; in a bucket whose pages are small, folder by folder says the same.
    let since = |page: usize| {
        let (bucket, address) = Bucket { page, ..sample() }.serve();
        let output = collect(address, &Folder::new(), &["--since", "2026-10-12"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let listings = bucket.listings.lock().unwrap().clone();
        let below_regions = listings
            .iter()
            .filter(|(prefix, _)| prefix.split('/').count() > 5)
            .count();
        (below_regions, gets(&bucket))
    };
    let ((few, at_once), (many, by_folder)) = (since(1000), since(2));
    assert_eq!(at_once, by_folder);
    assert!(!at_once.is_empty() && few == 0 && many > 0, "{few} {many}");

    // The sample is older than a day: of the bucket no year is looked into.
    let (code, listed, asked) = folders(&["--keep-days", "1"]);
    assert_eq!((code, asked), (Some(3), Vec::new()));
    assert!(listed.iter().all(|prefix| !prefix.contains("/2026/10/")), "{listed:?}");
}
