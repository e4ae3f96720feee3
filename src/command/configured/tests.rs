//! Every key of the file for every subcommand, and what stands beside it on the command line.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::CommandFactory;

use super::super::Cli;
use super::words;

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("trimtrail-configured-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

/// The words that a file adds to a command line; the error as a text.
fn added(name: &str, text: &str, line: &str) -> Result<Vec<String>, String> {
    let path = folder(name).join("trimtrail.toml");
    std::fs::write(&path, text).expect("a file");
    let mut given: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    given.insert(1, path.into_os_string());
    given.insert(1, "--config".into());
    let before = given.len();
    let all = words(&Cli::command(), given).map_err(|error| format!("{error:#}"))?;
    Ok(all[before..]
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect())
}

#[track_caller]
fn check(name: &str, text: &str, line: &str, expected: &[&str]) {
    let found = added(name, text, line).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found, expected, "{text} for `{line}`");
}

#[test]
fn a_key_that_every_subcommand_has_counts_for_every_subcommand() {
    for subcommand in Cli::command().get_subcommands() {
        let line = format!("trimtrail {}", subcommand.get_name());
        check("general", "quiet = true", &line, &["--quiet"]);
        check("general", "color = 'never'", &line, &["--color=never"]);
        check("general", "quiet = true", &format!("{line} -v"), &[]);
    }
}

/// Each flag as a key at the top, for each subcommand, and in the section of each that has it: a word of the command line
/// there, nothing elsewhere, and never the end of the run.
#[test]
fn every_key_is_read_for_every_subcommand() {
    let command = Cli::command();
    // The environment of this run counts before the file.
    let unset = |flag: &&clap::Arg| flag.get_env().is_none_or(|name| std::env::var_os(name).is_none());
    let flags = |of: &clap::Command| -> BTreeSet<(String, bool)> {
        of.get_arguments()
            .filter(|flag| !flag.is_positional())
            .filter(unset)
            .filter_map(|flag| Some((flag.get_long()?.to_owned(), flag.get_action().takes_values())))
            .filter(|(flag, _)| !matches!(flag.as_str(), "help" | "version" | "config"))
            .collect()
    };
    let keys: BTreeSet<(String, bool)> = command.get_subcommands().chain([&command]).flat_map(flags).collect();
    assert!(keys.len() > 50, "{}", keys.len());
    for key in &keys {
        let (flag, takes_value) = key;
        let (value, word) = if *takes_value {
            ("'7'", format!("--{flag}=7"))
        } else {
            ("true", format!("--{flag}"))
        };
        let setting = format!("{} = {value}", flag.replace('-', "_"));
        for subcommand in command.get_subcommands() {
            let name = subcommand.get_name();
            let line = format!("trimtrail {name}");
            if flags(subcommand).contains(key) || flags(&command).contains(key) {
                check("every", &setting, &line, &[&word]);
                check("every", &format!("[{name}]\n{setting}"), &line, &[&word]);
            } else {
                check("every", &setting, &line, &[]);
            }
        }
    }
}

#[cfg(feature = "aws")]
#[test]
fn what_the_command_line_gives_in_short_counts_as_given() {
    check("short", "output = 'a.json'", "trimtrail grants -o b.json", &[]);
    check("short", "output = 'a.json'", "trimtrail grants", &["--output=a.json"]);
    check("short", "out = 'result'", "trimtrail grants -o b.json", &[]);
    check("short", "verbose = true", "trimtrail -q catalog", &[]);
}

#[test]
fn a_file_called_like_a_subcommand_is_not_taken_for_it() {
    let line = "trimtrail report patch --role analyze";
    check("called", "min_window = '7d'\nformat = 'json'", line, &["--format=json"]);
    let folder = folder("patch");
    std::fs::write(folder.join("patch"), "min_window = '7d'").expect("a file");
    let given = [
        "trimtrail",
        "--config",
        &folder.join("patch").display().to_string(),
        "analyze",
    ];
    let all = words(&Cli::command(), given.iter().map(OsString::from).collect()).expect("words");
    assert_eq!(
        all.last().map(|word| word.to_string_lossy().into_owned()).as_deref(),
        Some("--min-window=7d")
    );
}

#[test]
fn a_section_counts_before_the_top_and_for_its_subcommand_alone() {
    let text = "min_window = '90d'\n[analyze]\nmin_window = '7d'";
    check("section", text, "trimtrail analyze", &["--min-window=7d"]);
    check("section", text, "trimtrail backtest", &["--min-window=90d"]);
    check("section", text, "trimtrail analyze --min-window 1d", &[]);
}

#[test]
fn a_flag_with_a_value_here_and_none_there_takes_what_fits() {
    let command = Cli::command();
    let kinds = |flag: &str| -> Vec<bool> {
        let of = |subcommand: &clap::Command| super::of(subcommand, flag).map(|flag| flag.get_action().takes_values());
        command.get_subcommands().filter_map(of).collect()
    };
    for flag in ["last-accessed", "org", "logs"] {
        let mixed = kinds(flag).contains(&true) && kinds(flag).contains(&false);
        for subcommand in command.get_subcommands() {
            let Some(own) = super::of(subcommand, flag) else {
                continue;
            };
            let text = format!("{} = 'file'", flag.replace('-', "_"));
            let line = format!("trimtrail {}", subcommand.get_name());
            let expected = format!("--{flag}=file");
            match (mixed, own.get_action().takes_values()) {
                (true, false) => check("mixed", &text, &line, &[]),
                (_, true) => check("mixed", &text, &line, &[&expected]),
                (false, false) => assert!(added("mixed", &text, &line).is_err(), "{line}"),
            }
        }
    }
}

#[test]
fn the_last_word_of_the_line_stays_behind_its_dashes() {
    let given = "trimtrail verify -- old.json new.json";
    let path = folder("dashes").join("trimtrail.toml");
    std::fs::write(&path, "format = 'json'").expect("a file");
    let mut words: Vec<OsString> = given.split_whitespace().map(OsString::from).collect();
    words.insert(1, format!("--config={}", path.display()).into());
    let all = super::words(&Cli::command(), words).expect("words");
    let at = |word: &str| all.iter().position(|known| known == word);
    assert!(at("--format=json") < at("--"), "{all:?}");
}

#[test]
fn a_slip_in_the_file_is_an_error_and_a_missing_file_is_none() {
    let error = |text: &str| added("slip", text, "trimtrail analyze").expect_err(text);
    assert!(
        error("min_windwo = '7d'").ends_with("no flag `--min-windwo`"),
        "{}",
        error("min_windwo = '7d'")
    );
    assert!(error("[analyse]\nmin_window = '7d'").ends_with("no subcommand `analyse`"));
    assert!(error("[analyze]\nwait = true").ends_with("`analyze` has no flag `--wait`"));
    assert!(
        error("quiet = 'yes'").contains("`quiet` takes"),
        "{}",
        error("quiet = 'yes'")
    );
    let given: Vec<OsString> = vec!["trimtrail".into(), "--config=/nowhere/at/all.toml".into(), "man".into()];
    let error = words(&Cli::command(), given).expect_err("a file that is named");
    assert!(
        format!("{error:#}").starts_with("cannot read `/nowhere/at/all.toml`"),
        "{error:#}"
    );
}

/// A folder may have a name that is no UTF-8; a flag that takes a path takes it.
#[cfg(unix)]
#[test]
fn words_that_are_no_utf_8_stay_what_they_are() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(b"logs-\xff".to_vec());
    let given: Vec<OsString> = vec!["trimtrail".into(), "report".into(), odd.clone()];
    let path = folder("odd").join("trimtrail.toml");
    std::fs::write(&path, "format = 'json'").expect("a file");
    let mut with_file = given;
    with_file.insert(1, format!("--config={}", path.display()).into());
    let all = words(&Cli::command(), with_file).expect("words");
    assert!(all.contains(&odd), "{all:?}");
    assert_eq!(all.last().map(|word| word == "--format=json"), Some(true));
}
