//! `--catalog DIR`: a newer catalog in the place of the program's own, for every subcommand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::journey::{Folder, call};

/// A catalog of another day that knows one service more.
fn catalog(folder: &Folder, date: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/data");
    let to = folder.0.join("catalog");
    fs::create_dir_all(to.join("services")).expect("a folder");
    for entry in fs::read_dir(from.join("services")).expect("services") {
        let path = entry.expect("a file").path();
        fs::copy(&path, to.join("services").join(path.file_name().expect("a name"))).expect("a copy");
    }
    let service = "service\tbrandnew\tBrand New\naction\tGetThing\tRead\tapi\t\t\t\n";
    fs::write(to.join("services/brandnew.tsv"), service).expect("a file");
    fs::write(to.join("sources.tsv"), format!("date\t{date}\n")).expect("a file");
    to
}

/// Exit code, stdout and stderr.
fn run(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    let output = program
        .args(arguments)
        .current_dir(&folder.0)
        .output()
        .expect("the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_newer_catalog_names_what_the_program_does_not_know() {
    let folder = Folder::new();
    let dir = catalog(&folder, "2098-01-01").display().to_string();
    let logs = folder.0.join("logs.json");
    let events = [call(3, "brandnew", "GetThing", json!({}))];
    fs::write(&logs, json!({ "Records": events }).to_string()).expect("a file");
    let logs = logs.display().to_string();
    let knows = |arguments: &[&str]| run(&folder, arguments).1.contains("brandnew:GetThing");
    assert!(!knows(&["resolve", "--logs", &logs]));
    assert!(knows(&["resolve", "--logs", &logs, "--catalog", &dir]));
    assert!(knows(&["--catalog", &dir, "catalog", "brandnew:*"]));
    // As a key of the configuration file.
    fs::write(folder.0.join("trimtrail.toml"), format!("catalog = {dir:?}\n")).expect("a file");
    assert!(knows(&["resolve", "--logs", &logs]));
    let (_, said, _) = run(&folder, &["catalog"]);
    assert!(said.contains("catalog of 2098-01-01") && said.contains(&dir), "{said}");
}

#[test]
fn an_older_catalog_is_an_error_with_a_way_out() {
    let folder = Folder::new();
    let dir = catalog(&folder, "2020-01-01").display().to_string();
    for arguments in [&["catalog"][..], &["doctor", "--offline"], &["coverage", "--logs", "."]] {
        let (code, _, said) = run(&folder, &[arguments, &["--catalog", &dir]].concat());
        assert_eq!(code, 1, "{arguments:?}");
        assert!(
            said.contains("is of 2020-01-01, older than this program's own"),
            "{said}"
        );
        assert!(
            said.contains("help: give the folder that `trimtrail catalog refresh --to DIR` wrote"),
            "{said}"
        );
    }
}

#[test]
fn doctor_and_catalog_say_how_old_the_catalog_is() {
    let folder = Folder::new();
    let (_, said, _) = run(&folder, &["catalog"]);
    assert!(
        said.contains("this program's own, ") && said.contains(" days old"),
        "{said}"
    );
    let (_, _, said) = run(&folder, &["doctor", "--offline"]);
    assert!(said.contains("catalog of 20"), "{said}");
}
