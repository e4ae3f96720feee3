//! Holds the sample: the generator makes the committed bytes, and the same corpus twice.

#[path = "generator/mod.rs"]
mod generator;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use generator::{corpus, sample};

/// Every file under a folder by its path, with `/` between the parts.
fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, dir: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, out);
            } else {
                let inside: Vec<_> = path
                    .strip_prefix(root)
                    .unwrap()
                    .iter()
                    .map(|part| part.to_str().unwrap())
                    .collect();
                out.insert(inside.join("/"), fs::read(&path).unwrap());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(root, root, &mut out);
    out
}

/// A folder that goes away when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trimtrail-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn check(made: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    let help = "run: cargo run --example make-logs -- sample sample-logs";
    assert!(made.keys().eq(expected.keys()), "other files than before; {help}");
    for (path, bytes) in made {
        assert!(bytes == &expected[path], "{path} differs; {help}");
    }
}

#[test]
fn generator_makes_the_committed_sample() {
    let folder = Folder::new("sample");
    sample::write(&folder.0).unwrap();
    let mut committed = tree(Path::new("sample-logs"));
    // Written by hand, as people write it.
    committed.retain(|path, _| !path.starts_with("infra/"));
    check(&tree(&folder.0), &committed);
}

#[test]
fn sample_stays_small() {
    let bytes: usize = tree(Path::new("sample-logs")).values().map(Vec::len).sum();
    assert!(bytes < 1 << 20, "{bytes} bytes");
}

#[test]
fn same_seed_makes_the_same_corpus() {
    let corpus = |name: &str, seed| {
        let folder = Folder::new(name);
        let [json_bytes, file_bytes] = [corpus::bytes("1MB").unwrap(), corpus::bytes("100kB").unwrap()];
        let plan = corpus::Plan {
            kind: corpus::Kind::Steady,
            json_bytes,
            file_bytes,
            days: 2,
            accounts: 2,
            principals: 20,
            administrators: None,
            seed,
        };
        corpus::write(&folder.0, &plan).unwrap();
        tree(&folder.0)
    };
    let one = corpus("corpus-a", 7);
    check(&corpus("corpus-b", 7), &one);
    assert!(corpus("corpus-c", 8) != one, "the seed does nothing");
}

/// The records of a corpus of 2 MB, read with a parser that the generator does not use, and how much text they are.
fn records(kind: corpus::Kind) -> (Vec<serde_json::Value>, usize) {
    let folder = Folder::new(&format!("corpus-{kind:?}"));
    let plan = corpus::Plan {
        kind,
        json_bytes: 2_000_000,
        file_bytes: 100_000,
        days: 2,
        accounts: 2,
        principals: 40,
        administrators: None,
        seed: 1,
    };
    corpus::write(&folder.0, &plan).unwrap();
    let (mut all, mut size) = (Vec::new(), 0);
    for (path, bytes) in tree(&folder.0).iter().filter(|(path, _)| path.starts_with("AWSLogs/")) {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
        let mut file: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
        let account = path.split('/').nth(1).unwrap();
        for record in file["Records"].as_array_mut().unwrap() {
            assert_eq!(record["recipientAccountId"], account, "{path}");
            all.push(record.take());
        }
        size += text.len();
    }
    (all, size)
}

#[test]
fn corpus_is_json_in_the_asked_size() {
    let (records, size) = records(corpus::Kind::Steady);
    assert!((1_900_000..2_200_000).contains(&size), "{size} bytes");
    let mean = size / records.len();
    assert!((1200..2500).contains(&mean), "{mean} bytes a record");
}

/// How many of the records say something else at a place than all others do.
fn distinct(records: &[serde_json::Value], pointer: &str) -> usize {
    let all: std::collections::BTreeSet<String> = records
        .iter()
        .filter_map(|record| Some(record.pointer(pointer)?.to_string()))
        .collect();
    all.len()
}

#[test]
fn sessions_of_a_churning_corpus_have_some_four_calls() {
    let (records, _) = records(corpus::Kind::Churning);
    let keyed = records
        .iter()
        .filter_map(|record| record.pointer("/userIdentity/accessKeyId")?.as_str());
    let calls = keyed.filter(|key| key.starts_with("ASIA")).count();
    let keys = distinct(&records, "/userIdentity/accessKeyId");
    assert!((2 * keys..5 * keys).contains(&calls), "{calls} calls, {keys} keys");
}

#[test]
fn half_of_a_data_heavy_corpus_is_data() {
    let (records, _) = records(corpus::Kind::DataHeavy);
    let data = records
        .iter()
        .filter(|record| record["managementEvent"] == false)
        .count();
    let share = 100 * data / records.len();
    assert!((40..60).contains(&share), "{share} %");
}

#[test]
fn nothing_repeats_in_a_hostile_corpus() {
    let (records, _) = records(corpus::Kind::Hostile);
    for place in [
        "/userIdentity",
        "/userAgent",
        "/requestParameters",
        "/resources",
        "/tlsDetails",
    ] {
        assert_eq!(distinct(&records, place), records.len(), "{place}");
    }
}
