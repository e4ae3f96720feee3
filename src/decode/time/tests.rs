//! Times: each form, and the calendar against another library's.

use proptest::prelude::*;

use super::Time;

fn check(text: &str, expected: Option<&str>) {
    assert_eq!(
        Time::parse(text).map(|time| time.to_string()).as_deref(),
        expected,
        "{text}"
    );
}

#[test]
fn forms_that_trails_write() {
    check("2023-07-10T11:42:36Z", Some("2023-07-10T11:42:36Z"));
    check("2023-07-10T11:42:36.789Z", Some("2023-07-10T11:42:36Z"));
    check("20230710T114236Z", Some("2023-07-10T11:42:36Z"));
    check("2025-02-19 20:13:49", Some("2025-02-19T20:13:49Z"));
    check("2025-02-19 20:13:49.000000000", Some("2025-02-19T20:13:49Z"));
    check("2022-02-08 09:23:37+11:00", Some("2022-02-07T22:23:37Z"));
    check("2022-02-07T17:23:37-0500", Some("2022-02-07T22:23:37Z"));
    check("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z"));
    check("1969-12-31T23:59:59Z", Some("1969-12-31T23:59:59Z"));
    check("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z"));
}

#[test]
fn what_is_no_time() {
    for text in [
        "",
        "string",
        "2023-07-10",
        "2023-0710T11:42:36Z",
        "2023-07-10T11:4236Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-07-10T24:00:00Z",
        "2023-07-10T11:42:36.Z",
        "2023-07-10T11:42:36Zjunk",
        "2023-07-10T11:42:36+1",
        "２０２３-07-10T11:42:36Z",
        "1688989356",
    ] {
        check(text, None);
    }
}

proptest! {
    #[test]
    fn agrees_with_jiff(seconds in -62_135_596_800..=jiff::Timestamp::MAX.as_second()) {
        let theirs = jiff::Timestamp::from_second(seconds).unwrap().to_string();
        prop_assert_eq!(Time::from_seconds(seconds).to_string(), theirs.clone());
        prop_assert_eq!(Time::parse(&theirs), Some(Time::from_seconds(seconds)));
    }

    #[test]
    fn never_panics(text in "\\PC{0,40}", cut in 0_usize..30) {
        let _ = Time::parse(&text);
        let good = "2023-07-10T11:42:36.789+02:00";
        let _ = Time::parse(&good[..cut.min(good.len())]);
    }
}
