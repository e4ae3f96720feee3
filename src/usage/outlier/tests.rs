//! Which times and regions cannot be.

use super::{is_region, name, why};
use crate::decode::{Event, Many, Time};

#[track_caller]
fn check(time: &str, expected: &str) {
    let event = Event {
        time: Time::parse(time).expect("a time"),
        ..Event::default()
    };
    let latest = Time::parse("2026-11-01T00:00:00Z").map(Time::seconds);
    assert!(why(&event, latest).unwrap_or("").contains(expected), "{time}");
    assert_eq!(why(&event, latest).is_none(), expected.is_empty(), "{time}");
}

#[test]
fn times_without_a_trail() {
    for early in [
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2013-10-31T23:59:59Z",
    ] {
        check(early, "before CloudTrail existed");
    }
    for late in ["2026-11-01T00:00:01Z", "2099-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        check(late, "later than the present");
    }
    for time in ["2013-11-01T00:00:00Z", "2026-11-01T00:00:00Z"] {
        check(time, "");
    }
}

#[test]
fn without_a_clock_nothing_is_late() {
    let event = Event {
        time: Time::parse("2099-01-01T00:00:00Z").expect("a time"),
        ..Event::default()
    };
    assert_eq!(why(&event, None), None);
}

#[test]
fn last_of_many_counts_too() {
    let time = Time::parse("2026-10-01T00:00:00Z").expect("a time");
    let many = Many {
        calls: 2,
        last: Time::parse("2099-01-01T00:00:00Z").expect("a time"),
        ..Many::default()
    };
    let event = Event {
        time,
        many: Some(many.into()),
        ..Event::default()
    };
    assert!(why(&event, Some(time.seconds())).is_some());
}

#[test]
fn regions_that_a_partition_could_have() {
    for region in [
        "us-east-1",
        "eu-central-2",
        "ap-southeast-7",
        "mx-central-1",
        "il-central-1",
        "cn-northwest-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "us-isof-south-1",
        "eu-isoe-west-1",
        "eusc-de-east-1",
    ] {
        assert!(is_region(region), "{region}");
    }
    for text in [
        "",
        "xx-nowhere-1",
        "us",
        "us-east",
        "us-east-",
        "us-east-1a",
        "us--1",
        "us-east-1\u{1b}[2J",
        "US-EAST-1",
        "global",
    ] {
        assert!(!is_region(text), "{text}");
    }
}

#[test]
fn name_is_cut() {
    let event = Event {
        id: Some("é".repeat(1000).into()),
        ..Event::default()
    };
    assert!(name(&event).len() < 200);
}
