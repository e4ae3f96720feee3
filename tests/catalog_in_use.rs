//! `--catalog DIR`: a newer catalog in the place of the program's own, for every subcommand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use trimtrail::inside::iam::ActionPattern;

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

/// A row written by hand names an action that the catalog at hand lacks: the call's second actions are no reason to let
/// the first one go.
#[test]
fn a_call_keeps_the_action_that_only_its_row_knows() {
    let folder = Folder::new();
    let dir = catalog(&folder, "2098-01-01");
    let services = dir.join("services");
    let ecs = fs::read_to_string(services.join("ecs.tsv")).expect("a service");
    let name = "CreateExpressGatewayService";
    let without = ecs
        .lines()
        .filter(|line| !line.starts_with(&format!("action\t{name}\t")));
    fs::write(
        services.join("ecs.tsv"),
        without.map(|line| format!("{line}\n")).collect::<String>(),
    )
    .expect("a file");
    let event = call(3, "ecs", name, json!({"requestParameters": {"serviceName": "s"}}));
    let other = call(4, "ecs", "ListClusters", json!({}));
    fs::write(
        folder.0.join("logs.json"),
        json!({"Records": [event, other]}).to_string(),
    )
    .expect("a file");
    let document = super::journey::allow(&json!(["ecs:*"]), &json!("*"));
    fs::write(
        folder.0.join("grants.json"),
        super::journey::role(&document).to_string(),
    )
    .expect("a file");
    let dir = dir.display().to_string();
    for level in ["conservative", "aggressive"] {
        let (_, said, error) = run(
            &folder,
            &[
                "-q",
                "analyze",
                "--logs",
                "logs.json",
                "--grants",
                "grants.json",
                "--catalog",
                &dir,
                "--evidence",
                level,
                "--min-window",
                "0d",
                "--grace",
                "0d",
                "--format",
                "json",
            ],
        );
        let result: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{error}"));
        let after = &result["suggestions"][0]["after"];
        let allows = |action: &str| {
            let statements = after["Statement"].as_array().expect("a list").iter();
            let patterns = statements.flat_map(|statement| match &statement["Action"] {
                serde_json::Value::Array(patterns) => patterns.clone(),
                one => vec![one.clone()],
            });
            let mut patterns = patterns.map(|pattern| ActionPattern::new(pattern.as_str().expect("a text")));
            patterns.any(|pattern| pattern.matches(action))
        };
        assert!(allows(&format!("ecs:{name}")), "{level}: {after}");
        assert!(!allows("ecs:ListServices"), "{level}: {after}");
    }
}
