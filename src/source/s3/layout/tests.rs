//! Which folders need not be looked into.

use super::{Depth, Layout, Wanted};

const DAY: i64 = 86_400;
/// 2026-10-10
const OCTOBER_10: i64 = 20_736 * DAY;

fn wanted() -> Wanted {
    Wanted {
        since: Some(OCTOBER_10),
        until: Some(OCTOBER_10 + 5 * DAY),
        accounts: ["111122223333".to_owned()].into(),
        regions: ["eu-west-1".to_owned()].into(),
    }
}

#[track_caller]
fn check(prefix: &str, expected: bool) {
    assert_eq!(Layout::of(prefix).may_hold(&wanted()), expected, "{prefix}");
}

#[test]
fn accounts_regions_and_days_that_are_not_wanted_are_passed_over() {
    check("", true);
    check("trail/AWSLogs/", true);
    check("trail/AWSLogs/111122223333/", true);
    check("trail/AWSLogs/444455556666/", false);
    check("trail/AWSLogs/o-a1b2c3/444455556666/CloudTrail/", false);
    check("AWSLogs/o-a1b2c3/111122223333/CloudTrail/eu-west-1/2026/", true);
    check("AWSLogs/111122223333/CloudTrail/us-west-2/", false);
    check("AWSLogs/111122223333/vpcflowlogs/", false);
    check("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/10/", true);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2025/", false);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/", false);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/", true);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/09/", false);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/10/", true);
}

#[test]
fn what_is_delivered_late_is_still_looked_at() {
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/17/", true);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/18/", false);
}

#[test]
fn what_follows_no_layout_is_always_looked_at() {
    check("exports/2020/01/01/", true);
    check("AWSLogs/strange/2020/01/", true);
}

#[test]
fn keys_are_judged_by_their_folder() {
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/09/a.json.gz", false);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/11/a.json.gz", true);
}

#[test]
fn global_events_lay_in_every_region_once() {
    let wanted = Wanted {
        regions: ["us-east-1".to_owned()].into(),
        ..Wanted::default()
    };
    let check = |prefix: &str, expected: bool| assert_eq!(Layout::of(prefix).may_hold(&wanted), expected, "{prefix}");
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2020/", true);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2021/11/", true);
    check("AWSLogs/111122223333/CloudTrail/eu-west-1/2021/12/", false);
    check("AWSLogs/111122223333/CloudTrail/us-east-1/2021/12/", true);
}

#[test]
fn depth_says_what_follows() {
    let depth = |prefix: &str| Layout::of(prefix).depth();
    assert_eq!(depth("a/b/"), Depth::Above(2));
    assert_eq!(depth("a/AWSLogs/"), Depth::Folders);
    assert_eq!(
        depth("AWSLogs/o-x/111122223333/CloudTrail/eu-west-1/2026/"),
        Depth::Folders
    );
    assert_eq!(depth("AWSLogs/111122223333/CloudTrail/eu-west-1/"), Depth::Region);
    assert_eq!(
        depth("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/"),
        Depth::Month
    );
    assert_eq!(
        depth("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/11/"),
        Depth::Files
    );
    assert_eq!(depth("AWSLogs/strange/"), Depth::Files);
}

#[test]
fn what_is_wanted_from_a_day_on_may_come_at_once() {
    let check = |folder: &str, (since, until): (Option<i64>, Option<i64>), expected: Option<&str>| {
        let wanted = Wanted {
            since,
            until,
            ..Wanted::default()
        };
        let folder = format!("AWSLogs/111122223333/CloudTrail/eu-west-1/{folder}");
        assert_eq!(
            Layout::of(&folder).wanted_from(&wanted).as_deref(),
            expected,
            "{folder} {wanted:?}"
        );
    };
    let (since, until) = (Some(OCTOBER_10), Some(OCTOBER_10 + 5 * DAY));
    check("", (since, None), Some("2026/10/10"));
    check("", (None, None), Some(""));
    check("", (since, until), None);
    check("2026/10/", (since, None), Some("10"));
    check("2026/10/", (None, None), Some(""));
    check("2026/11/", (since, None), Some(""));
    check("2026/10/", (since, until), None);
    check("2026/09/", (None, until), Some(""));
}
