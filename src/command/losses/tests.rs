//! Which losses a value of `--accept-loss` takes.

use super::*;

const FILE: &str = "s3://b/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/09/111122223333_CloudTrail_eu-west-1_20261009T0010Z_x.json.gz";

fn loss(first: i64, end: i64) -> Loss {
    Loss {
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        window: Window { first, end },
        why: "torn".to_owned(),
    }
}

/// The hours before and after midnight of 2026-10-09.
fn at_midnight() -> Loss {
    let midnight = midnight(jiff::civil::date(2026, 10, 9));
    loss(midnight - 3600, midnight + 3600)
}

#[track_caller]
fn check(text: &str, taken: bool) {
    let accepted = Accepted::read(text).expect("a value");
    assert_eq!(accepted.takes(FILE, &at_midnight()), taken, "{text}");
}

#[test]
fn a_day_accepts_the_files_delivered_on_it() {
    check("2026-10-09", true);
    check("2026-10-09..2026-10-09", true);
    check("2026-10-01..2026-10-31", true);
    check("2026-10-08", false);
    check("2026-10-10..2026-10-31", false);
}

#[test]
fn a_name_accepts_that_file_with_or_without_its_folders() {
    check(FILE, true);
    check("111122223333_CloudTrail_eu-west-1_20261009T0010Z_x.json.gz", true);
    check("*_eu-west-1_20261009*", true);
    check("eu-west-1", false);
}

#[test]
fn no_days_accept_a_file_that_tells_no_time() {
    let accepted = Accepted::read("2026-10-01..2026-10-31").expect("days");
    assert!(!accepted.takes("export.json.gz", &loss(i64::MIN, i64::MAX)));
}

#[test]
fn half_a_span_of_days_is_an_error() {
    assert!(Accepted::read("2026-10-01..tomorrow").is_err());
}
