//! Lengths of windows and the spans that people type.

use super::*;

#[track_caller]
fn check(first: i64, end: i64, days: i64) {
    assert_eq!(Window { first, end }.days(), days, "{first}..{end}");
}

#[test]
fn a_window_from_midnight_to_midnight_has_that_many_days() {
    check(0, 7 * DAY, 7);
    check(5, 5 + 7 * DAY, 7);
    check(-DAY, DAY, 2);
}

#[test]
fn a_begun_day_counts_whole_and_nothing_counts_nothing() {
    check(0, 1, 1);
    check(0, 7 * DAY + 1, 8);
    check(10, 10 + 90 * DAY - 3600, 90);
    check(10, 10, 0);
    check(10, 5, 0);
}

#[test]
fn a_window_of_its_first_and_last_second_is_one_second_longer_than_their_difference() {
    let window = Window::of(0, 7 * DAY - 1);
    assert_eq!(
        (window.seconds(), window.last(), window.days()),
        (7 * DAY, 7 * DAY - 1, 7)
    );
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    check(i64::MIN, i64::MAX, i64::MAX / DAY + 1);
    assert_eq!(Window::of(0, i64::MAX).end, i64::MAX);
    assert_eq!(date(i64::MAX), "");
    assert_eq!(moment(i64::MIN), "");
}

#[test]
fn windows_that_touch_have_nothing_in_common() {
    let (first, second) = (Window { first: 0, end: 10 }, Window { first: 10, end: 20 });
    assert_eq!(first.intersection(second), None);
    assert_eq!(
        first.intersection(Window { first: 9, end: 20 }),
        Some(Window { first: 9, end: 10 })
    );
}

#[test]
fn typed_days_are_bounded() {
    assert_eq!(typed_days("90d"), Ok(90));
    assert_eq!(typed_days("0"), Ok(0));
    assert_eq!(typed_days("36500d"), Ok(36_500));
    for too_many in ["36501d", "106751991167301d", "99999999999999999999999d"] {
        assert_eq!(
            typed_days(too_many),
            Err(format!("`{too_many}` is more than 36500 days"))
        );
    }
    for wrong in ["", "d", "-1d", "+1d", "1.5d", "90days", " 90d"] {
        assert_eq!(
            typed_days(wrong),
            Err(format!("`{wrong}` is no number of days; write 90d"))
        );
    }
}

#[test]
fn moments_are_written_as_rfc_3339() {
    assert_eq!(moment(1_791_000_000), "2026-10-03T04:00:00Z");
    assert_eq!(minute(1_791_000_000), "2026-10-03T04:00Z");
    assert_eq!(date(day_of(1_791_000_000)), "2026-10-03");
    assert_eq!(midnight(jiff::civil::date(2026, 10, 3)), 1_790_985_600);
}
