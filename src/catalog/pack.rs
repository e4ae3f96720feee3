//! Build script: packs the catalog's sorted text into compressed sections that `catalog` embeds and unpacks on demand.
//!
//! It only moves text about; everything that needs thought happened when the text was made (`catalog::refresh`).

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const DATA: &str = "src/catalog/data";
/// Tables written by hand, and the generated list of sources: embedded as they are.
const TABLES: [&str; 11] = [
    "aliases",
    "bindings",
    "clients",
    "global",
    "hand",
    "logged",
    "logging",
    "mixed",
    "parameters",
    "passed_to",
    "sources",
];

fn main() {
    println!("cargo::rerun-if-changed={DATA}");
    println!("cargo::rerun-if-changed=src/catalog/pack.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("catalog");
    fs::create_dir_all(&out).expect("OUT_DIR is writable");

    // Keys are lower case, so that the order is the one in which `catalog` searches.
    let mut actions: BTreeMap<String, String> = BTreeMap::new();
    let mut details: BTreeMap<String, String> = BTreeMap::new();
    let mut arns: BTreeMap<String, String> = BTreeMap::new();
    let mut operations: BTreeMap<String, String> = BTreeMap::new();
    let mut services: BTreeMap<String, String> = BTreeMap::new();
    for path in service_files() {
        let prefix = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("named after a prefix");
        for line in rows(&read(&path)) {
            let (kind, rest) = line.split_once('\t').expect("kind, then fields");
            let (name, fields) = rest.split_once('\t').expect("name, then fields");
            let key = format!("{prefix}:{}", name.to_ascii_lowercase());
            match kind {
                "service" => services.insert(prefix.to_owned(), format!("{prefix}\t{fields}")),
                "action" => {
                    let mut columns = fields.splitn(3, '\t');
                    let level = columns.next().expect("access level");
                    let api = columns.next().expect("api or -");
                    let detail = columns.next().expect("resource types, condition keys, dependents");
                    details.insert(key.clone(), detail.to_owned());
                    actions.insert(key, format!("{prefix}:{name}\t{level}\t{api}"))
                }
                "arn" => arns.insert(key, format!("{prefix}:{name}\t{fields}")),
                "operation" => operations.insert(key, format!("{prefix}:{name}\t{fields}")),
                other => panic!("{}: unknown kind of line: {other}", path.display()),
            };
        }
    }
    section(&out, "services", &joined(&services));
    section(&out, "actions", &joined(&actions));
    section(&out, "details", &joined(&details));
    section(&out, "arns", &joined(&arns));
    section(&out, "operations", &joined(&operations));
    for table in TABLES {
        section(&out, table, &read(&Path::new(DATA).join(format!("{table}.tsv"))));
    }
    fs::copy(
        Path::new(DATA).join("managed_policies.tsv.gz"),
        out.join("managed_policies.gz"),
    )
    .expect("managed_policies.tsv.gz is there");
}

fn service_files() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(Path::new(DATA).join("services"))
        .expect("data/services is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tsv"))
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn joined(rows: &BTreeMap<String, String>) -> String {
    rows.values().flat_map(|row| [row.as_str(), "\n"]).collect()
}

fn section(out: &Path, name: &str, text: &str) {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("writing to memory");
    let packed = encoder.finish().expect("writing to memory");
    fs::write(out.join(format!("{name}.z")), packed).expect("OUT_DIR is writable");
}
