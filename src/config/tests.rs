//! Keys of the file as arguments of one subcommand.

use super::*;

/// A subcommand with `--logs`, `--ledger` in its place, `--threads` (given on the command line), `--wait`, and
/// `--last-accessed`, which takes a value elsewhere.
struct ThisOne;

impl Flags for ThisOne {
    fn takes(&self, flag: &str) -> Option<Flag> {
        let known = matches!(
            flag,
            "logs" | "ledger" | "min-window" | "threads" | "wait" | "last-accessed"
        );
        known.then(|| Flag {
            takes_value: !matches!(flag, "wait" | "last-accessed"),
            overridden: flag == "threads",
            mixed: flag == "last-accessed",
            yields_to: if flag == "logs" {
                vec!["ledger".to_owned()]
            } else {
                Vec::new()
            },
        })
    }

    fn known(&self, subcommand: Option<&str>, flag: &str) -> bool {
        match subcommand {
            Some("other") => flag == "grants",
            Some(_) => self.takes(flag).is_some(),
            None => self.takes(flag).is_some() || flag == "grants",
        }
    }

    fn is_subcommand(&self, name: &str) -> bool {
        matches!(name, "this" | "other")
    }
}

#[track_caller]
fn check(text: &str, expected: Result<&[&str], &str>) {
    let found = arguments(text, "this", &ThisOne).map_err(|error| error.to_string());
    let expected = match expected {
        Ok(words) => Ok(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()),
        Err(why) => Err(why.to_owned()),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_key_is_a_flag() {
    check("logs = 'a b'", Ok(&["--logs=a b"]));
    check("logs = ['a', 'b']", Ok(&["--logs=a", "--logs=b"]));
    check("min_window = 7", Ok(&["--min-window=7"]));
    check("wait = true", Ok(&["--wait"]));
    check("wait = false", Ok(&[]));
}

#[test]
fn what_is_given_elsewhere_counts_more() {
    check("threads = 8", Ok(&[]));
    check("logs = 'a'\nledger = 'l'", Ok(&["--ledger=l"]));
}

#[test]
fn a_key_of_another_subcommand_is_left_to_it_and_a_slip_is_not() {
    check("grants = 'live'", Ok(&[]));
    check("ledgre = 'l'", Err("no flag `--ledgre`"));
    check("[other]\ngrants = 'live'", Ok(&[]));
    check("[other]\nwait = true", Err("`other` has no flag `--wait`"));
    check("[toher]\nwait = true", Err("no subcommand `toher`"));
}

#[test]
fn a_section_counts_before_the_top() {
    check("min_window = 7\n[this]\nmin_window = 9", Ok(&["--min-window=9"]));
    check("logs = 'a'\n[this]\nledger = 'l'", Ok(&["--ledger=l"]));
    check("[this]\nthreads = 3", Ok(&[]));
}

#[test]
fn of_a_flag_with_two_meanings_only_what_fits_is_taken() {
    check("last_accessed = 'file.csv'", Ok(&[]));
    check("last_accessed = true", Ok(&["--last-accessed"]));
    check(
        "[this]\nlast_accessed = 'file.csv'",
        Err("`last-accessed` takes true or false"),
    );
}

#[test]
fn what_is_no_configuration_is_a_sentence() {
    check("wait = true\nlogs = [", Err("line 2: unclosed array, expected `]`"));
    check(
        "logs = 1.5",
        Err("`logs` takes a string, a number, true or false, or a list of strings"),
    );
    check(
        "logs = [1]",
        Err("`logs` takes a string, a number, true or false, or a list of strings"),
    );
}
