//! The ready files: each is what its reader takes, with the parameters filled in.

use clap::{Parser, ValueEnum};

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
        for hole in ["@logs@", "@bucket@", "@prefix@", "@ledger@", "@keep@", "@version@"] {
            assert!(!text.contains(hole), "{kind:?} holds {hole}");
        }
    }
}

#[test]
fn the_policy_reads_the_trail_and_writes_nothing() {
    let text = example(Example::Policy);
    let policy = crate::iam::Policy::parse(&text).expect("a policy");
    assert_eq!(policy.statements.len(), 4);
    assert!(
        text.contains("\"arn:aws:s3:::trail\"") && text.contains("\"arn:aws:s3:::trail/org/AWSLogs/*\""),
        "{text}"
    );
    for verb in ["Put", "Delete", "Create", "Update", "Action\": \"*"] {
        assert!(!text.contains(verb), "{verb}");
    }
}

/// Every word after `trimtrail SUBCOMMAND` in a ready file that starts with `--`, by subcommand.
#[test]
fn the_flags_in_ready_files_exist() {
    use clap::CommandFactory;
    let program = crate::command::Cli::command();
    let mut checked = 0;
    for kind in Example::value_variants() {
        for line in example(*kind).lines() {
            let words: Vec<&str> = line.split([' ', ',', '[']).filter(|word| !word.is_empty()).collect();
            let Some(at) = words
                .iter()
                .position(|word| ["collect", "analyze", "report"].contains(word))
            else {
                continue;
            };
            let subcommand = program.find_subcommand(words[at]).expect("it was just named");
            for flag in words[at..].iter().filter_map(|word| word.strip_prefix("--")) {
                let known = subcommand
                    .get_arguments()
                    .any(|argument| argument.get_long() == Some(flag));
                assert!(known, "{kind:?}: `{} --{flag}`", words[at]);
                checked += 1;
            }
        }
    }
    assert!(checked >= 15, "{checked}");
}

#[test]
fn a_shard_is_a_number_of_so_many() {
    assert_eq!(shard("3/16"), Ok(Shard { number: 3, of: 16 }));
    for wrong in ["0/4", "5/4", "1", "a/b", "1/0", ""] {
        assert!(shard(wrong).is_err(), "{wrong}");
    }
}
