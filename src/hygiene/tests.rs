//! That no check is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

#[test]
fn every_file_is_a_registered_check() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hygiene");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("this folder")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| !matches!(name.as_str(), "mod" | "tests"))
        .collect();
    let mut registered: BTreeSet<String> = CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    // Of whole accounts.
    registered.insert("root".to_owned());
    assert_eq!(files, registered);
}
