//! That no check is forgotten, and that none is silent about itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

#[test]
fn every_file_is_a_registered_check_of_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hygiene");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("this folder")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| !matches!(name.as_str(), "mod" | "tests"))
        .collect();
    let registered: BTreeSet<String> = CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, registered);
    for (name, check) in CHECKS {
        assert_eq!(check.id, name.replace('_', "-"));
    }
}

#[test]
fn every_check_says_what_it_is_how_it_is_abused_and_where_aws_tells_of_it() {
    for check in checks() {
        let About {
            what,
            abuse,
            instead,
            page,
        } = check.about;
        for text in [what, abuse, instead] {
            assert!(text.len() > 40 && text.ends_with('.'), "{}: {text}", check.id);
        }
        assert!(page.starts_with("https://docs.aws.amazon.com/"), "{}: {page}", check.id);
    }
}

#[test]
fn practices_are_twelve_in_their_order() {
    let numbers: Vec<u8> = Practice::ALL.iter().map(|practice| practice.number()).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<u8>>());
}
