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
    checks::tidy();
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
    let mut checks: BTreeSet<String> = checks::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    if cfg!(not(feature = "polars")) {
        checks.insert("ledger".to_owned());
    }
    assert_eq!(targets, checks);
    let nightly = fs::read_to_string(".github/workflows/nightly.yml").expect("the workflow");
    let lines = nightly.lines().filter_map(|line| line.trim().strip_prefix("- "));
    let every_night: BTreeSet<&str> = lines
        .filter(|line| line.split(' ').all(|word| checks.contains(word)))
        .flat_map(|line| line.split(' '))
        .collect();
    assert!(every_night.iter().copied().eq(checks.iter()), "{every_night:?}");
}
