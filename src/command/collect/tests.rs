//! The ready files: each is what its reader takes, with the parameters filled in.

use clap::{Parser, ValueEnum};
#[cfg(feature = "aws")]
use serde::Deserialize as _;
#[cfg(feature = "aws")]
use serde_json::Value;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    collect: CollectArgs,
}

fn example(kind: Example) -> String {
    let words = [
        "collect",
        "--logs",
        "s3://trail/org",
        "lookup:eu-west-1",
        "--ledger",
        "/data/ledger",
        "--keep",
        "200d",
    ];
    Line::try_parse_from(words).expect("arguments").collect.example(kind)
}

#[test]
fn nothing_is_left_to_fill_in() {
    for kind in Example::value_variants() {
        let text = example(*kind);
        for hole in ["@logs@", "@log@", "@logs_list@", "@ledger@", "@keep@", "@version@"] {
            assert!(!text.contains(hole), "{kind:?} holds {hole}");
        }
    }
}

#[test]
fn the_policy_reads_logs_and_grants_and_writes_nothing() {
    let text = example(Example::Policy);
    crate::iam::Policy::parse(&text).expect("a policy");
    for held in [
        "\"arn:aws:s3:::trail\"",
        "\"arn:aws:s3:::trail/org/*\"",
        "cloudtrail:LookupEvents",
        "kms:Decrypt",
        "iam:GetAccountAuthorizationDetails",
    ] {
        assert!(text.contains(held), "{held} is not in {text}");
    }
    for verb in ["Put", "Delete", "Create", "Update", "Action\": \"*"] {
        assert!(!text.contains(verb), "{verb}");
    }
}

/// Each run of the program in a ready file, as words.
#[cfg(feature = "aws")]
fn runs(kind: Example) -> Vec<Vec<String>> {
    let text = example(kind);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let after = |start: &str| -> Vec<Vec<String>> {
        let lines = text.lines().filter_map(|line| line.split_once(start));
        lines
            .map(|(_, line)| words(line.split(" >> ").next().unwrap_or(line)))
            .collect()
    };
    match kind {
        Example::Systemd => after("ExecStart=/usr/local/bin/trimtrail "),
        Example::Container => after(&format!("/data trimtrail:{} ", env!("CARGO_PKG_VERSION"))),
        Example::Policy | Example::PullRequests => Vec::new(),
        Example::Gitlab => {
            // The file names the component; what runs stands there.
            let component = include_str!("../../../templates/trimtrail/template.yml");
            let (_, jobs) = component.split_once("\n---\n").expect("two documents");
            let jobs: Value = serde_yaml_ng::from_str(jobs).expect("YAML");
            let lines = jobs["trimtrail weekly"]["script"].as_array().expect("lines").iter();
            let ours = lines.filter_map(|line| line.as_str()?.strip_prefix("trimtrail "));
            let line = |line: &str| line.replace("\"$KEEP\"", "400d");
            ours.map(|each| words(line(each).split(" > ").next().unwrap_or(each)))
                .collect()
        }
        Example::Github => {
            let workflow: Value = serde_yaml_ng::from_str(&text).expect("YAML");
            let steps = workflow["jobs"]["weekly"]["steps"].as_array().expect("steps");
            let lines = steps.iter().filter_map(|step| step["run"].as_str());
            let ours = lines.filter_map(|line| line.strip_prefix("trimtrail "));
            ours.map(|line| words(line.split(" >> ").next().unwrap_or(line)))
                .collect()
        }
        Example::Cronjob => {
            let documents = serde_yaml_ng::Deserializer::from_str(&text);
            let documents = documents.map(|document| Value::deserialize(document).expect("YAML"));
            let job = documents.last().expect("a document");
            assert_eq!(job["kind"], "CronJob");
            let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
            let containers = ["initContainers", "containers"].map(|list| pod[list].as_array().expect("containers"));
            let words = |words: &Value| serde_json::from_value(words.clone()).expect("words");
            containers
                .into_iter()
                .flatten()
                .map(|container| words(&container["args"]))
                .collect()
        }
    }
}

/// Whoever takes a ready file has a weekly job: the program takes every line of it, and nothing that the job reads is
/// missing.
#[cfg(feature = "aws")] // `grants` asks the live API
#[test]
fn ready_files_run_the_whole_week() {
    for kind in Example::value_variants() {
        let subcommands: Vec<String> = runs(*kind)
            .into_iter()
            .map(|words| {
                let line = [vec!["trimtrail".to_owned()], words].concat();
                if let Err(error) = crate::command::Cli::try_parse_from(&line) {
                    panic!("{kind:?}: {line:?}: {error}");
                }
                line[1].clone()
            })
            .collect();
        let expected: &[&str] = match kind {
            Example::Systemd | Example::Cronjob | Example::Github => &["collect", "grants", "analyze", "report"],
            // The last one prints the script.
            Example::Gitlab => &["collect", "grants", "analyze", "collect"],
            Example::Container => &["collect"],
            Example::Policy | Example::PullRequests => &[],
        };
        assert_eq!(subcommands, expected, "{kind:?}");
    }
}

#[test]
fn a_shard_is_a_number_of_so_many() {
    assert_eq!(shard("3/16"), Ok(Shard { number: 3, of: 16 }));
    for wrong in ["0/4", "5/4", "1", "a/b", "1/0", ""] {
        assert!(shard(wrong).is_err(), "{wrong}");
    }
}
