//! Keys of the file as arguments of one subcommand.

use super::*;

/// A subcommand with `--logs`, `--ledger` in its place, `--threads` (given on the command line), and `--wait`.
fn takes(flag: &str) -> Option<Flag> {
    let (takes_value, overridden, yields_to) = match flag {
        "logs" => (true, false, Some("ledger")),
        "ledger" | "min-window" => (true, false, None),
        "threads" => (true, true, None),
        "wait" => (false, false, None),
        _ => return None,
    };
    Some(Flag {
        takes_value,
        overridden,
        yields_to,
    })
}

#[track_caller]
fn check(text: &str, expected: Result<&[&str], &str>) {
    let found = arguments(text, &takes, &|flag| flag == "grants").map_err(|error| error.to_string());
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
