//! Archives that somebody meddled with: each starts as the signed one in `tests/digests`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::source;

const LOGS: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/01/111122223333_CloudTrail_eu-west-1_20261001T";
const DIGESTS: &str = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/10/01/111122223333_CloudTrail-Digest_eu-west-1_main_eu-west-1_20261001T";

/// A copy of the signed archive that goes when the test does.
struct Archive(PathBuf);

impl Archive {
    fn new() -> Archive {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-integrity-{}-{number}", std::process::id()));
        copy(Path::new("tests/digests/AWSLogs"), &path.join("AWSLogs"));
        Archive(path)
    }

    /// The file of which this is the name behind the usual beginning.
    fn at(&self, start: &str, end: &str) -> PathBuf {
        self.0.join(format!("{start}{end}"))
    }

    fn validate(&self, evidence: &Evidence) -> Integrity {
        let sources = source::find(&[self.0.display().to_string()]).expect("the archive is there");
        validate(&sources, evidence, u64::MAX, &Progress::silent())
    }

    /// What is wrong with the archive by the last part of each file's name, and the proved log files.
    fn wrong(&self) -> (Vec<String>, u64) {
        let integrity = self.validate(&with_keys());
        let wrong = integrity.wrong.iter().map(|finding| {
            let why = finding
                .why
                .split(':')
                .next()
                .unwrap_or("")
                .split(" although")
                .next()
                .unwrap_or("");
            format!("{} {why}", &finding.what[finding.what.len() - 24..])
        });
        (wrong.collect(), integrity.intact_proved)
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

fn with_keys() -> Evidence {
    let mut keys = PublicKeys::default();
    keys.add(&fs::read_to_string("tests/digests/public-keys.json").expect("the keys"))
        .expect("keys");
    Evidence {
        keys: Some(keys),
        ..Evidence::default()
    }
}

/// Meddles with a copy of the archive and compares what is found wrong and how many log files stay proved.
fn check(meddle: impl FnOnce(&Archive), wrong: &[&str], proved: u64) {
    let archive = Archive::new();
    meddle(&archive);
    assert_eq!(
        archive.wrong(),
        (wrong.iter().map(|text| (*text).to_owned()).collect(), proved)
    );
}

/// Writes a gzip file again with its text changed.
fn rewrite(path: &Path, change: impl FnOnce(String) -> String) {
    let mut text = String::new();
    let file = fs::File::open(path).expect("the file");
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    let mut out = flate2::write::GzEncoder::new(fs::File::create(path).expect("a file"), flate2::Compression::fast());
    std::io::Write::write_all(&mut out, change(text).as_bytes()).expect("written");
    out.finish().expect("written");
}

#[test]
fn as_delivered() {
    let integrity = Archive::new().validate(&with_keys());
    assert_eq!((integrity.digests, integrity.digests_proved), (4, 4));
    assert_eq!((integrity.intact, integrity.intact_proved), (5, 5));
    assert_eq!((integrity.wrong, integrity.open), (vec![], vec![]));
    assert_eq!(integrity.uncovered, BTreeMap::new());
    let hour = 1_790_852_409; // 2026-10-01T11:00:09Z
    let stream = ("111122223333".to_owned(), "eu-west-1".to_owned(), "main".to_owned());
    assert_eq!(integrity.empty, BTreeMap::from([(stream, vec![(hour, hour + 3600)])]));
}

#[test]
fn compressing_anew_changes_nothing() {
    check(
        |archive| rewrite(&archive.at(LOGS, "1015Z_AAAAAAAAAAAAAAAA.json.gz"), |text| text),
        &[],
        5,
    );
}

#[test]
fn a_changed_log_file() {
    let change = |archive: &Archive| {
        rewrite(&archive.at(LOGS, "1015Z_AAAAAAAAAAAAAAAA.json.gz"), |text| {
            text.replace("ana", "eve")
        });
    };
    check(change, &["AAAAAAAAAAAAAAAA.json.gz changed"], 4);
}

#[test]
fn a_torn_log_file() {
    let tear = |archive: &Archive| {
        let path = archive.at(LOGS, "1305Z_DDDDDDDDDDDDDDDD.json.gz");
        let bytes = fs::read(&path).expect("the file");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    };
    check(tear, &["DDDDDDDDDDDDDDDD.json.gz changed"], 4);
}

#[test]
fn a_missing_log_file() {
    let remove =
        |archive: &Archive| fs::remove_file(archive.at(LOGS, "1220Z_CCCCCCCCCCCCCCCC.json.gz")).expect("removed");
    check(remove, &["CCCCCCCCCCCCCCCC.json.gz missing"], 4);
}

#[test]
fn a_log_file_that_no_digest_names() {
    let add = |archive: &Archive| {
        let file = archive.at(LOGS, "1220Z_CCCCCCCCCCCCCCCC.json.gz");
        fs::copy(&file, archive.at(LOGS, "1230Z_FFFFFFFFFFFFFFFF.json.gz")).expect("a copy");
        fs::copy(&file, archive.at(LOGS, "2230Z_GGGGGGGGGGGGGGGG.json.gz")).expect("a copy");
    };
    check(add, &["FFFFFFFFFFFFFFFF.json.gz in no digest file,"], 5);
}

#[test]
fn a_missing_digest_breaks_the_chain() {
    let remove = |archive: &Archive| fs::remove_file(archive.at(DIGESTS, "130009Z.json.gz")).expect("removed");
    // The one before the missing one is empty and no longer signed; the oldest still is.
    check(remove, &["20261001T130009Z.json.gz missing"], 4);
}

#[test]
fn the_oldest_digests_may_be_elsewhere() {
    let archive = Archive::new();
    for hour in ["110009Z.json.gz", "120009Z.json.gz"] {
        fs::remove_file(archive.at(DIGESTS, hour)).expect("removed");
    }
    let integrity = archive.validate(&with_keys());
    assert_eq!(integrity.wrong, vec![]);
    let reasons: Vec<&str> = integrity.open.iter().map(|finding| finding.why.as_str()).collect();
    assert_eq!(reasons, ["the digest file before this one is not in the archive"]);
    assert_eq!(integrity.intact_proved, 3);
    assert_eq!(integrity.uncovered.values().sum::<u64>(), 2);
}

#[test]
fn a_changed_digest_is_neither_hashed_nor_signed() {
    let change = |archive: &Archive| {
        rewrite(&archive.at(DIGESTS, "130009Z.json.gz"), |text| {
            text.replace("12:20", "12:21").replace("T12:00:30Z", "T12:00:31Z")
        });
    };
    // Its signature stands in the digest that follows it, and what it names is proved no longer.
    check(
        change,
        &[
            "20261001T130009Z.json.gz changed",
            "20261001T130009Z.json.gz the signature does not fit",
        ],
        4,
    );
}

#[test]
fn a_chain_made_by_somebody_else() {
    let forge = |archive: &Archive| {
        rewrite(&archive.at(DIGESTS, "140009Z.json.gz"), |text| {
            text.replace("DDDDDDDDDDDDDDDD", "XXXXXXXXXXXXXXXX")
        });
    };
    check(
        forge,
        &[
            "20261001T140009Z.json.gz the signature does not fit",
            "DDDDDDDDDDDDDDDD.json.gz in no digest file,",
            "XXXXXXXXXXXXXXXX.json.gz missing",
        ],
        3,
    );
}

#[test]
fn without_keys_or_signatures_hashes_still_count() {
    let archive = Archive::new();
    let integrity = archive.validate(&Evidence::default());
    assert_eq!(
        (integrity.intact, integrity.intact_proved, integrity.wrong.len()),
        (5, 0, 0)
    );
    let reasons: BTreeSet<&str> = integrity.open.iter().map(|finding| finding.why.as_str()).collect();
    assert_eq!(reasons, BTreeSet::from(["signed, not checked: no public keys given"]));

    fs::remove_file(archive.at(DIGESTS, "140009Z.json.gz.sig")).expect("removed");
    let integrity = archive.validate(&with_keys());
    let open: Vec<&str> = integrity.open.iter().map(|finding| finding.why.as_str()).collect();
    assert_eq!(open, ["unsigned: signature not given"]);
    // The newest digest is not proved; those before it carry their signatures in the ones that follow them.
    assert_eq!((integrity.digests_proved, integrity.intact_proved), (3, 3));
}

#[test]
fn a_signature_given_apart() {
    let archive = Archive::new();
    let beside = archive.at(DIGESTS, "140009Z.json.gz.sig");
    let head: serde_json::Value = serde_json::from_str(&fs::read_to_string(&beside).expect("the file")).expect("JSON");
    fs::remove_file(&beside).expect("removed");
    let signature = head["Metadata"]["signature"].as_str().expect("a signature");
    let map = serde_json::json!({ format!("s3://trail-bucket/{DIGESTS}140009Z.json.gz"): signature }).to_string();
    let evidence = Evidence {
        signatures: Signatures::parse(&map).expect("a map"),
        ..with_keys()
    };
    assert_eq!(archive.validate(&evidence).digests_proved, 4);
    fs::write(&beside, format!("{signature}\n")).expect("written");
    assert_eq!(archive.validate(&with_keys()).digests_proved, 4);
}

#[test]
fn a_key_that_is_not_among_those_given() {
    let evidence = Evidence {
        keys: Some(PublicKeys::default()),
        ..Evidence::default()
    };
    let integrity = Archive::new().validate(&evidence);
    assert_eq!((integrity.digests_proved, integrity.wrong.len()), (0, 0));
    assert!(
        integrity
            .open
            .iter()
            .all(|finding| finding.why.starts_with("signed, not checked: no public key "))
    );
}

#[test]
fn what_is_no_digest() {
    let spoil = |archive: &Archive| {
        rewrite(&archive.at(DIGESTS, "110009Z.json.gz"), |text| {
            text.replace("SHA256withRSA", "none")
        })
    };
    let (wrong, _) = {
        let archive = Archive::new();
        spoil(&archive);
        archive.wrong()
    };
    assert_eq!(wrong, ["20261001T110009Z.json.gz no digest file that can be read"]);
    assert!(PublicKeys::default().add("{}").is_err());
    assert!(Signatures::parse("[]").is_err());
}

#[test]
fn two_trails_into_one_bucket_are_two_chains() {
    let archive = Archive::new();
    for (from, to) in [("110009Z", "110009Z"), ("140009Z", "140009Z")] {
        let path = archive.at(DIGESTS, &format!("{from}.json.gz"));
        let other = archive
            .0
            .join(format!("{}{to}.json.gz", DIGESTS.replace("_main_", "_other_trail_")));
        fs::copy(&path, &other).expect("a copy");
        rewrite(&other, |text| text.replace("_main_", "_other_trail_"));
        fs::remove_file(&path).expect("removed");
    }
    // The newer digest of either trail follows one that is not here; only the other trail's is known to be missing.
    let (wrong, _) = archive.wrong();
    assert_eq!(
        wrong.iter().filter(|line| line.ends_with("missing")).count(),
        1,
        "{wrong:?}"
    );
}

#[test]
fn names_of_log_files() {
    let name = "111122223333_CloudTrail_eu-west-1_20261001T1015Z_AAAAAAAAAAAAAAAA.json";
    assert_eq!(delivery(name), Some(("111122223333", "eu-west-1", 1_790_849_700)));
    assert_eq!(delivery("notes_CloudTrail_x_2026_y.json"), None);
    assert_eq!(base("s3://b/AWSLogs/x.json.gz"), base("C:\\x.json"));
}
