//! Days of every kind of job, and random ones.

use super::*;

fn day(text: &str) -> i32 {
    number(text.parse().expect("a date")).expect("a day")
}

fn days(texts: &[&str]) -> BTreeSet<i32> {
    texts.iter().map(|text| day(text)).collect()
}

/// What is said of these days on the last day of 2026.
#[track_caller]
fn check(texts: &[&str], says: &str) {
    let said = period(&days(texts)).map(|period| Rhythm::Periodic(period).says(day("2026-12-31")));
    assert_eq!(said.as_deref().unwrap_or("nothing"), says, "{texts:?}");
}

#[track_caller]
fn check_range(from: &str, to: &str, active: impl Fn(i32) -> bool, says: &str) {
    let days: BTreeSet<i32> = (day(from)..=day(to)).filter(|day| active(*day)).collect();
    let said = period(&days).map(|period| Rhythm::Periodic(period).says(day(to)));
    assert_eq!(said.as_deref().unwrap_or("nothing"), says);
}

#[test]
fn the_same_day_of_each_month_is_monthly() {
    check(
        &["2026-08-14", "2026-09-14", "2026-10-14"],
        "runs on the 14th of each month; next expected 2027-01-14",
    );
}

#[test]
fn two_months_on_the_same_day_show_a_month() {
    check(
        &["2026-11-03", "2026-12-03"],
        "runs on the 3rd of each month; next expected 2027-01-03",
    );
}

#[test]
fn a_run_over_midnight_is_timed_by_its_first_day() {
    check(
        &["2026-09-14", "2026-10-14", "2026-10-15", "2026-11-14", "2026-11-15"],
        "runs on the 14th of each month; next expected 2027-01-14",
    );
}

#[test]
fn the_last_day_of_a_month_counts_short_months() {
    check(
        &["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        "runs on the last day of each month; next expected 2027-01-31",
    );
}

#[test]
fn the_last_day_of_february_in_a_leap_year_is_the_29th() {
    check(
        &["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"],
        "runs on the last day of each month; next expected 2027-01-31",
    );
}

#[test]
fn the_30th_is_the_28th_in_february() {
    check(
        &["2025-12-30", "2026-01-30", "2026-02-28", "2026-03-30"],
        "runs on the 30th of each month; next expected 2027-01-30",
    );
}

#[test]
fn the_last_working_day_stops_before_a_weekend() {
    // 31 October is a Saturday.
    check(
        &["2026-08-31", "2026-09-30", "2026-10-30", "2026-11-30"],
        "runs on the last working day of each month; next expected 2027-01-29",
    );
}

#[test]
fn the_third_working_day_waits_for_a_weekend() {
    check(
        &["2026-08-05", "2026-09-03", "2026-10-05", "2026-11-04"],
        "runs on the 3rd working day of each month; next expected 2027-01-05",
    );
}

#[test]
fn the_second_tuesday_of_a_month_is_its_own_rule() {
    check(
        &["2026-08-11", "2026-09-08", "2026-10-13", "2026-11-10"],
        "runs on the 2nd Tuesday of each month; next expected 2027-01-12",
    );
}

#[test]
fn the_last_friday_of_a_month_may_be_the_fourth_or_the_fifth() {
    // The last working day in two of them, not in October 2025.
    check(
        &["2025-08-29", "2025-09-26", "2025-10-31", "2025-11-28", "2025-12-26"],
        "runs on the last Friday of each month; next expected 2027-01-29",
    );
}

#[test]
fn a_month_that_was_missed_once_does_not_end_the_rhythm() {
    check(
        &["2026-04-01", "2026-05-01", "2026-06-01", "2026-08-01", "2026-09-01"],
        "runs on the 1st of each month; next expected 2027-01-01",
    );
}

#[test]
fn a_bill_waits_for_monday() {
    // 14 and 15 November 2026 are a weekend, as 15 and 16 August are.
    check(
        &["2026-07-15", "2026-08-17", "2026-09-15", "2026-10-15", "2026-11-16"],
        "runs on the 15th, or the Monday after a weekend, of each month; next expected 2027-01-15",
    );
}

#[test]
fn a_bill_before_a_weekend_comes_on_friday() {
    check(
        &["2026-07-15", "2026-08-14", "2026-09-15", "2026-10-15", "2026-11-13"],
        "runs on the 15th, or the Friday before a weekend, of each month; next expected 2027-01-15",
    );
}

#[test]
fn a_day_here_or_there_is_about_the_same_day() {
    check(
        &["2026-07-08", "2026-08-09", "2026-09-07", "2026-10-08", "2026-11-09"],
        "runs about on the 8th of each month; next expected 2027-01-08",
    );
}

#[test]
fn a_close_that_takes_days_with_a_weekend_inside_is_one_run() {
    check(
        &[
            "2026-08-31",
            "2026-09-01",
            "2026-09-30",
            "2026-10-01",
            "2026-10-31",
            "2026-11-02",
            "2026-11-03",
        ],
        "runs on the last day of each month; next expected 2027-01-31",
    );
}

#[test]
fn the_end_of_each_quarter_is_quarterly() {
    check(
        &["2026-03-31", "2026-06-30", "2026-09-30"],
        "runs on the last day of every 3rd month; next expected 2027-03-31",
    );
    let period = period(&days(&["2026-06-30", "2026-09-30"])).expect("two quarters");
    assert_eq!(Rhythm::Periodic(period).every().as_deref(), Some("quarter"));
}

#[test]
fn the_same_day_of_two_years_is_yearly() {
    check(
        &["2024-11-27", "2025-11-27"],
        "runs on the 27th of November each year; next expected 2027-11-27",
    );
}

#[test]
fn the_29th_of_february_is_the_28th_in_other_years() {
    check(
        &["2024-02-29", "2025-02-28", "2026-02-28"],
        "runs on the last day of February each year; next expected 2027-02-28",
    );
}

#[test]
fn a_yearly_job_over_the_end_of_years_is_one_run() {
    check(
        &["2024-12-31", "2025-01-01", "2025-12-31", "2026-01-01"],
        "runs on the last day of December each year; next expected 2027-12-31",
    );
}

#[test]
fn each_monday_is_weekly() {
    check_range(
        "2026-10-01",
        "2026-10-31",
        |day| bit(day) == 1,
        "runs each Monday; next expected 2026-11-02",
    );
}

#[test]
fn two_days_of_each_week_are_weekly() {
    check_range(
        "2026-12-01",
        "2027-01-10",
        |day| bit(day) & 0b1001 != 0,
        "runs each Monday and Thursday; next expected 2027-01-11",
    );
}

#[test]
fn monday_to_friday_are_working_days() {
    check_range(
        "2026-10-01",
        "2026-10-31",
        |day| bit(day) & WORKING_DAYS != 0,
        "runs on working days (Monday to Friday); next expected 2026-11-02",
    );
}

#[test]
fn a_daily_job_has_no_rhythm_of_weeks() {
    check_range("2026-10-01", "2026-10-31", |_| true, "nothing");
}

#[test]
fn a_daily_job_that_paused_has_none() {
    check_range("2026-10-01", "2026-10-31", |at| at != day("2026-10-11"), "nothing");
    check_range("2026-10-01", "2026-10-15", |at| at != day("2026-10-09"), "nothing");
}

#[test]
fn a_daily_job_of_one_week_has_none() {
    check_range("2026-10-05", "2026-10-09", |_| true, "nothing");
}

#[test]
fn thirty_days_are_not_a_month() {
    check_range(
        "2026-01-01",
        "2026-10-31",
        |at| (at - day("2026-01-01")) % 30 == 0,
        "runs every 30 days; next expected 2026-11-27",
    );
}

#[test]
fn each_other_week_is_so_many_days() {
    check_range(
        "2026-09-01",
        "2026-10-31",
        |at| (at - day("2026-09-01")) % 14 == 0,
        "runs every 14 days; next expected 2026-11-10",
    );
}

#[test]
fn a_weekly_job_about_midnight_may_be_a_day_off() {
    check(
        &[
            "2026-09-06",
            "2026-09-14",
            "2026-09-20",
            "2026-09-27",
            "2026-10-05",
            "2026-10-11",
            "2026-10-18",
        ],
        "runs about every 7 days; next expected 2027-01-03",
    );
}

#[test]
fn one_day_in_a_fortnight_is_said_with_the_month_that_it_may_be() {
    let window = (day("2026-10-01"), day("2026-10-14"));
    let once = rhythm(&days(&["2026-10-14"]), window).expect("quiet before");
    assert_eq!(
        once.says(window.1),
        "ran on 2026-10-14 alone; if it comes each month, next expected 2026-11-14"
    );
    assert!(!once.seen_twice(14));
}

#[test]
fn one_day_in_a_week_is_nothing_special() {
    let window = (day("2026-10-08"), day("2026-10-14"));
    assert_eq!(rhythm(&days(&["2026-10-14"]), window), None);
}

#[test]
fn a_window_sees_a_month_twice_in_62_days() {
    let month = rhythm(&days(&["2026-09-14", "2026-10-14"]), (0, 0)).expect("monthly");
    assert!(!month.seen_twice(40));
    assert!(month.seen_twice(62));
}

#[test]
fn a_window_sees_a_quarter_twice_in_half_a_year() {
    let quarter = rhythm(&days(&["2026-07-01", "2026-10-01"]), (0, 0)).expect("quarterly");
    assert!(!quarter.seen_twice(120));
    assert!(quarter.seen_twice(186));
}

#[test]
fn a_rhythm_that_was_seen_three_times_is_known() {
    let month = rhythm(&days(&["2026-01-31", "2026-02-28", "2026-03-31"]), (0, 0)).expect("monthly");
    assert!(month.seen_twice(60));
}

#[test]
fn days_at_the_ends_of_time_say_nothing() {
    let ends: BTreeSet<i32> = [i32::MIN, -1, 0, i32::MAX].into();
    assert_eq!(period(&ends), None);
    assert_eq!(rhythm(&ends, (i32::MIN, i32::MAX)), None);
    for edge in [i32::MIN, i32::MAX] {
        let once = rhythm(&BTreeSet::from([edge]), (i32::MIN, i32::MAX)).expect("alone");
        assert!(once.says(edge).starts_with("ran on day "), "{}", once.says(edge));
    }
}

/// Days at random, of every density: nearly none has a rhythm.
#[test]
fn random_days_have_no_rhythm() {
    let mut state = 20_261_129_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    };
    let (mut found, mut rare) = (0, 0);
    for _ in 0..4_000 {
        let window = [14, 31, 90, 180, 400][random(5) as usize];
        let wanted = 3 + random(window / 2);
        let days: BTreeSet<i32> = (0..wanted).map(|_| 20_000 + random(window) as i32).collect();
        rare += usize::from(days.len() < 6);
        if let Some(period) = period(&days) {
            found += 1;
            // What is said explains each day that it was said of.
            assert!(period.seen >= 2, "{days:?}: {period:?}");
        }
    }
    assert!(rare > 100, "{rare} sets of few days");
    assert!(found <= 40, "{found} of 4,000 random sets have a rhythm");
}
