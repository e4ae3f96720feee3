//! The inputs that fuzzing kept, through the checks that it makes.

use std::collections::BTreeSet;
use std::fs;

#[path = "fuzz/checks.rs"]
mod checks;

#[test]
fn kept_inputs_hold() {
    for (name, check) in checks::ALL {
        let folder = format!("tests/fuzz/corpus/{name}");
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let mut inputs = 0;
        for entry in entries {
            check(&fs::read(entry.expect("an entry").path()).expect("a file"));
            inputs += 1;
        }
        assert!(inputs > 0, "{folder} is empty");
    }
}

#[test]
fn every_check_is_a_target() {
    let targets: BTreeSet<String> = fs::read_dir("tests/fuzz/targets")
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .replace(".rs", "")
        })
        .collect();
    let checks: BTreeSet<String> = checks::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(targets, checks);
}
