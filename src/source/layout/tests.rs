//! What names say.

use super::{Holds, holds, is_named_like_a_log, part, wholes};
use crate::time::minute;

#[test]
fn a_part_is_an_account_and_a_delivery_date() {
    let expected = ("111122223333".to_owned(), "2026-10-11".to_owned());
    assert_eq!(
        part("s3://b/AWSLogs/o-x/111122223333/CloudTrail/eu-west-1/2026/10/11/a.json.gz"),
        expected
    );
    assert_eq!(part("a/b/c/d/e/f/g"), (String::new(), String::new()));
}

#[track_caller]
fn check(name: &str, account: &str, region: &str, times: (&str, &str)) {
    let Holds::Events {
        account: found,
        region: place,
        window,
    } = holds(name)
    else {
        panic!("{name}: {:?}", holds(name));
    };
    let shown = (minute(window.first), minute(window.end));
    assert_eq!(
        (found.as_str(), place.as_str(), shown.0.as_str(), shown.1.as_str()),
        (account, region, times.0, times.1),
        "{name}"
    );
}

#[test]
fn a_log_files_name_tells_whose_events_it_holds_and_when() {
    let file = "111122223333_CloudTrail_eu-west-1_20261009T1210Z_6kVYTl8A1XYIsJeH.json.gz";
    let hours = ("2026-10-09T11:00Z", "2026-10-09T13:00Z");
    for folder in [
        "s3://b/AWSLogs/o-x/111122223333/CloudTrail/eu-west-1/2026/10/09/",
        "C:\\logs\\",
        "",
    ] {
        check(&format!("{folder}{file}"), "111122223333", "eu-west-1", hours);
    }
}

#[test]
fn a_file_of_another_name_holds_the_day_of_its_folder() {
    let day = ("2026-10-08T23:00Z", "2026-10-10T00:00Z");
    check(
        "x/111122223333/CloudTrail/eu-west-1/2026/10/09/part-1",
        "111122223333",
        "eu-west-1",
        day,
    );
}

#[test]
fn a_folder_that_cannot_be_listed_holds_all_that_it_may() {
    let at = "s3://b/p/AWSLogs/111122223333/CloudTrail/";
    let month = ("2026-01-31T23:00Z", "2026-03-01T00:00Z");
    check(&format!("{at}eu-west-1/2026/02/"), "111122223333", "eu-west-1", month);
    let year = ("2025-12-31T23:00Z", "2027-01-01T00:00Z");
    check(&format!("{at}eu-west-1/2026/"), "111122223333", "eu-west-1", year);
    check(&format!("{at}eu-west-1/"), "111122223333", "eu-west-1", ("", ""));
    check(at, "111122223333", "", ("", ""));
    check("s3://b/p/AWSLogs/111122223333/", "111122223333", "", ("", ""));
    assert_eq!(holds("s3://b/p/AWSLogs/"), Holds::Unknown);
}

#[test]
fn lookups_hold_the_day_that_was_asked_for() {
    let day = ("2026-10-09T00:00Z", "2026-10-10T00:00Z");
    check(
        "lookup:eu-west-1/111122223333/2026-10-09",
        "111122223333",
        "eu-west-1",
        day,
    );
    let before = ("", "2026-10-09T00:00Z");
    check(
        "lookup:eu-west-1/111122223333/before 2026-10-09",
        "111122223333",
        "eu-west-1",
        before,
    );
}

#[test]
fn other_files_hold_no_events() {
    for name in [
        "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/10/09/111122223333_CloudTrail-Digest_eu-west-1_t_eu-west-1_20261009T120000Z.json.gz",
        "AWSLogs/111122223333/CloudTrail-Insight/eu-west-1/2026/10/09/x.json.gz",
        "AWSLogs/111122223333/elasticloadbalancing/eu-west-1/2026/10/09/x.log.gz",
    ] {
        assert_eq!(holds(name), Holds::Nothing, "{name}");
    }
}

#[test]
fn a_name_of_ones_own_does_not_tell_and_may_be_a_logs() {
    for (name, is_log) in [
        ("-", true),
        ("export.json.gz", true),
        ("events.CSV", true),
        ("logs/part-00000", true),
        ("logs/README.md", false),
        ("plot.png", false),
    ] {
        assert_eq!(
            (holds(name), is_named_like_a_log(name)),
            (Holds::Unknown, is_log),
            "{name}"
        );
    }
}

#[test]
fn a_part_is_of_the_log_whose_name_it_goes_on_from() {
    let log = "a/111122223333_CloudTrail_eu-west-1_20261009T1210Z_6kVYTl8A1XYIsJeH.json";
    let unpacked = log.to_owned();
    let packed = format!("{log}.gz");
    for name in [
        format!("{packed}.part"),
        format!("{packed}~"),
        packed.replace("a/", "a/.") + ".x1Y2z3",
    ] {
        let found: Vec<String> = wholes(&name).collect();
        assert_eq!(found, [unpacked.clone(), packed.clone()], "{name}");
    }
    for name in [
        packed,
        unpacked,
        "a/export.json.j2".to_owned(),
        "a/._export.json.gz".to_owned(),
    ] {
        assert_eq!(wholes(&name).next(), None, "{name}");
    }
}
