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
            json_bytes,
            file_bytes,
            days: 2,
            accounts: 2,
            principals: 20,
            administrators: false,
            seed,
        };
        corpus::write(&folder.0, &plan).unwrap();
        tree(&folder.0)
    };
    let one = corpus("corpus-a", 7);
    check(&corpus("corpus-b", 7), &one);
    assert!(corpus("corpus-c", 8) != one, "the seed does nothing");
}

/// Reads every file of a corpus with a parser that the generator does not use.
#[test]
fn corpus_is_json_in_the_asked_size() {
    let folder = Folder::new("corpus-json");
    let plan = corpus::Plan {
        json_bytes: 2_000_000,
        file_bytes: 100_000,
        days: 2,
        accounts: 2,
        principals: 40,
        administrators: false,
        seed: 1,
    };
    corpus::write(&folder.0, &plan).unwrap();
    let (mut size, mut records) = (0, 0);
    for (path, bytes) in tree(&folder.0).iter().filter(|(path, _)| path.starts_with("AWSLogs/")) {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
        let account = path.split('/').nth(1).unwrap();
        for record in file["Records"].as_array().unwrap() {
            assert_eq!(record["recipientAccountId"], account, "{path}");
            records += 1;
        }
        size += text.len();
    }
    assert!((1_900_000..2_200_000).contains(&size), "{size} bytes");
    let mean = size / records;
    assert!((1200..2500).contains(&mean), "{mean} bytes a record");
}
