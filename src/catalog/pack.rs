//! Build script: packs the catalog's sorted text into compressed sections that `catalog` embeds and unpacks on demand.
//!
//! It only moves text about; everything that needs thought happened when the text was made (`catalog::refresh`).

mod sections;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const DATA: &str = "src/catalog/data";
/// Tables written by hand, and the generated life cycles and list of sources: embedded as they are.
const TABLES: [&str; 15] = [
    "aliases",
    "bindings",
    "clients",
    "global",
    "hand",
    "handles",
    "lifecycles",
    "lifecycles_by_hand",
    "linked_roles",
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
    println!("cargo::rerun-if-changed=src/catalog/sections.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("catalog");
    fs::create_dir_all(&out).expect("OUT_DIR is writable");

    let files: Vec<(String, String)> = service_files()
        .iter()
        .map(|path| {
            let prefix = path.file_stem().and_then(|name| name.to_str());
            (prefix.expect("named after a prefix").to_owned(), read(path))
        })
        .collect();
    let files = files.iter().map(|(prefix, text)| (prefix.as_str(), text.as_str()));
    let packed = sections::sections(files).unwrap_or_else(|why| panic!("{why}"));
    section(&out, "services", &packed.services);
    section(&out, "actions", &packed.actions);
    section(&out, "details", &packed.details);
    section(&out, "arns", &packed.arns);
    section(&out, "operations", &packed.operations);
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

fn section(out: &Path, name: &str, text: &str) {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("writing to memory");
    let packed = encoder.finish().expect("writing to memory");
    fs::write(out.join(format!("{name}.z")), packed).expect("OUT_DIR is writable");
}
