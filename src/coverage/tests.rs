//! Hours, days, holes, and that parts merge in any order.

use super::*;
use crate::time::DAY;

fn hours(list: &[i64]) -> Hours {
    let mut hours = Hours::default();
    list.iter().for_each(|hour| hours.add(hour * 3600));
    hours
}

fn between(first: i64, end: i64) -> Window {
    Window {
        first: first * 3600,
        end: end * 3600,
    }
}

/// From 1970 to the end of an hour.
fn until(last: i64) -> Window {
    between(0, last + 1)
}

#[test]
fn a_silence_beyond_a_day_is_a_hole() {
    let heard = hours(&[0, 1, 2, 30, 31]);
    assert_eq!(heard.holes(&Hours::default(), until(31)), [between(3, 30)]);
}

#[test]
fn a_stream_that_is_mostly_silent_may_be_silent_for_long() {
    let heard = hours(&[0, 12, 24, 36, 100]);
    assert_eq!(heard.holes(&Hours::default(), until(100)), []);
}

#[test]
fn hours_with_a_digest_are_no_silence() {
    let heard = hours(&[0, 1, 2, 30, 31]);
    assert_eq!(heard.holes(&hours(&(3..30).collect::<Vec<_>>()), until(31)), []);
    // One digest in the middle leaves two silences, of which none is long.
    assert_eq!(heard.holes(&hours(&[16]), until(31)), []);
}

#[test]
fn a_file_that_a_digest_names_and_nobody_read_is_a_hole() {
    let mut coverage = Coverage::default();
    let key = |class| ("1".to_owned(), "r".to_owned(), class);
    coverage
        .streams
        .insert(key(Class::ManagementRead), hours(&[0, 1, 2, 4]));
    let digests = coverage
        .digests
        .entry(("1".to_owned(), "r".to_owned(), "t".to_owned()))
        .or_default();
    digests.named = hours(&[2, 3]);
    let hole = Hole {
        window: between(3, 4),
        why: Why::Missing,
    };
    assert_eq!(coverage.holes("1", "r", between(0, 5)), [hole]);
}

#[test]
fn only_what_lies_wholly_between_counts() {
    let heard = hours(&[10]);
    assert!(heard.any_within(10 * 3600, 11 * 3600));
    assert!(!heard.any_within(10 * 3600 + 1, 12 * 3600));
    assert!(!heard.any_within(9 * 3600, 11 * 3600 - 1));
    assert!(heard.any_within(i64::MIN, i64::MAX));
    // A stretch within the last hour of a day begins, in whole hours, on the next day.
    assert!(!heard.any_within(DAY - 1_800, DAY - 900));
    assert!(!heard.any_within(DAY, 0));
    let mut days = Days::default();
    days.add(40 * DAY + 5);
    days.add(-1);
    assert_eq!(days.iter().collect::<Vec<_>>(), [-1, 40]);
    assert!(days.any_within(40 * DAY, 41 * DAY));
    assert!(days.any_within(i64::MIN, i64::MAX));
    assert!(!days.any_within(40 * DAY + 1, 50 * DAY));
    assert!(!days.any_within(41 * DAY, 40 * DAY));
}

/// Parts of one archive in every order and grouping give one coverage.
#[test]
fn merging_is_associative_and_commutative() {
    let part = |name: &str, time: i64| {
        let mut coverage = Coverage::default();
        coverage.data_root("1", "r", "AWS::S3::Object", name, time % 2 == 0, time);
        coverage.access_key("AKIA1", name, time);
        coverage.instance_client("AROA1", name, time);
        coverage.taken("AROA1", time);
        coverage.exclude("rule", 1);
        coverage.skip("file", name, "why", 1);
        coverage.trail_change(TrailChange {
            time,
            ..TrailChange::default()
        });
        coverage
            .digests
            .entry((name.to_owned(), "r".to_owned(), "t".to_owned()))
            .or_default()
            .proved
            .add(time);
        coverage
            .excludable_sources
            .entry(("1".to_owned(), "r".to_owned(), name.to_owned()))
            .or_default()
            .add(time);
        coverage.at(time);
        coverage
    };
    let parts = [part("a", 5), part("b", DAY), part("a", 70 * DAY)];
    let of = |order: [usize; 3]| {
        let mut all = Coverage::default();
        order.iter().for_each(|index| all.merge(parts[*index].clone()));
        all
    };
    let mut grouped = parts[1].clone();
    grouped.merge(parts[2].clone());
    let mut all = parts[0].clone();
    all.merge(grouped);
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        assert_eq!(of(order), all);
    }
}

#[test]
fn most_roots_are_remembered_whatever_the_order() {
    let of = |numbers: &mut dyn Iterator<Item = usize>| {
        let mut coverage = Coverage::default();
        for number in numbers {
            coverage.data_root("1", "r", "t", &format!("{number:06}"), true, 0);
        }
        coverage
    };
    let (up, down) = (of(&mut (0..5000)), of(&mut (0..5000).rev()));
    assert_eq!(up, down);
    assert_eq!(up.data_roots.values().next().map(BTreeMap::len), Some(4096));
}

#[test]
fn coverage_reads_back_as_it_was_written() {
    let mut coverage = Coverage {
        files: 3,
        ..Coverage::default()
    };
    coverage.at(DAY);
    coverage.skip("a.json.gz", "record 3", "lacks eventTime", 1);
    coverage.data_root("1", "r", "AWS::S3::Object", "arn:aws:s3:::a", true, DAY);
    for class in [Class::ManagementRead, Class::Data("AWS::S3::Object".to_owned())] {
        let key = ("1".to_owned(), "r".to_owned(), class);
        coverage.streams.entry(key).or_default().add(90_000);
    }
    let key = ("1".to_owned(), "r".to_owned(), "kms.amazonaws.com".to_owned());
    coverage.excludable_sources.entry(key).or_default().add(DAY);
    let key = ("1".to_owned(), "r".to_owned(), "trail".to_owned());
    coverage.digests.entry(key).or_default().proved.add(DAY);
    coverage.access_key("AKIAEXAMPLE", "arn:aws:iam::1:user/a", DAY);
    coverage.instance_client("AROAEXAMPLE", "aws-cli", DAY);
    coverage.taken("AROAEXAMPLE", DAY);
    coverage.exclude("key AKIAEXAMPLE", 1);
    coverage.trail_change(TrailChange {
        selectors: Some(Selectors(vec![Selector::default()])),
        ..TrailChange::default()
    });
    coverage
        .mapping_disagreements
        .insert("a.amazonaws.com B: a:C".to_owned());
    let text = serde_json::to_string(&coverage).expect("no key that JSON cannot hold");
    assert_eq!(
        serde_json::from_str::<Coverage>(&text).expect("JSON"),
        coverage,
        "{text}"
    );
}

#[test]
fn a_field_that_an_older_version_lacks_is_empty() {
    let coverage: Coverage = serde_json::from_str(r#"{"files": 2}"#).expect("JSON");
    assert_eq!((coverage.files, coverage.records), (2, 0));
}

#[test]
fn calls_that_name_nobody_of_more_accounts_than_are_told_apart_are_of_any() {
    let mut coverage = Coverage::default();
    for account in 0..SHOWN + 3 {
        let key = (format!("{account:012}"), "s".to_owned(), "n".to_owned());
        coverage.nobodys(&key, 1);
        coverage.nobodys(&key, 1);
    }
    assert_eq!(coverage.nobodys.len(), SHOWN);
    assert_eq!(coverage.nobodys.values().sum::<u64>(), 2 * (SHOWN as u64 + 3));
    assert!(coverage.nobodys.contains_key(&Default::default()));
}
