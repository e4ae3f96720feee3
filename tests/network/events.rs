//! `lookup:REGION` against a fake that throttles, and whose page tokens run out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{stderr, stdout, trimtrail};
use crate::http::{Request, Response, serve};

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/x</Arn>\
    <UserId>AIDAX</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

/// Yesterday's noon, which LookupEvents still reaches.
fn noon() -> i64 {
    let now = jiff::Timestamp::now().as_second();
    now.div_euclid(86_400) * 86_400 - 43_200
}

fn text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).expect("a time").to_string()
}

/// 120 events, newest first, seven in each second.
fn events() -> Vec<(i64, Value)> {
    (0..120_i64)
        .map(|index| {
            let time = noon() - index / 7;
            let record = json!({"eventVersion": "1.09", "eventTime": text(time), "eventSource": "ec2.amazonaws.com",
                "eventName": "DescribeVpcs", "awsRegion": "eu-west-1", "eventID": format!("id-{index}"),
                "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "readOnly": true,
                "recipientAccountId": "111122223333", "userIdentity": {"type": "IAMUser", "principalId": "AIDAX",
                "arn": "arn:aws:iam::111122223333:user/x", "accountId": "111122223333"}});
            (time, record)
        })
        .collect()
}

#[derive(Clone, Copy, Default)]
struct Moods {
    /// The n-th lookup and those after it are throttled so often.
    throttled: Option<(usize, usize)>,
    /// The token of the n-th lookup is refused.
    stale: Option<usize>,
    refuses: Option<&'static str>,
    /// The n-th lookup and all after it are refused.
    refuses_from: Option<(usize, &'static str)>,
}

fn cloudtrail(moods: Moods) -> SocketAddr {
    counted(moods).0
}

/// The fake, and how many lookups it has seen.
fn counted(moods: Moods) -> (SocketAddr, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&lookups);
    let address = serve(move |request: &Request| {
        if request.field("Action").as_deref() == Some("GetCallerIdentity") {
            return Response::new(200, IDENTITY).with("content-type", "text/xml");
        }
        assert!(request.header("x-amz-target").ends_with(".LookupEvents"));
        let error = |code: &str| {
            let body = json!({"__type": code, "message": "said so"}).to_string();
            Response::new(400, body).with("content-type", "application/x-amz-json-1.1")
        };
        if let Some(code) = moods.refuses {
            return error(code);
        }
        let asked: Value = serde_json::from_str(&request.body).expect("JSON");
        let most = asked["MaxResults"].as_u64().expect("a number");
        let index = if most == 1 {
            0
        } else {
            lookups.fetch_add(1, Ordering::Relaxed)
        };
        if let Some((from, times)) = moods.throttled
            && (from..from + times).contains(&index)
        {
            return error("ThrottlingException");
        }
        if let Some((_, code)) = moods.refuses_from.filter(|(from, _)| most > 1 && *from <= index) {
            return error(code);
        }
        let token = asked["NextToken"].as_str();
        if moods.stale == Some(index) && token.is_some() {
            return error("InvalidNextTokenException");
        }
        let begin: usize = token.map_or(0, |token| token.parse().expect("a token"));
        let bound = |name: &str| asked[name].as_f64().map(|seconds| seconds as i64);
        let (start, end) = (bound("StartTime").unwrap_or(0), bound("EndTime").unwrap_or(i64::MAX));
        let events: Vec<(i64, Value)> = events()
            .into_iter()
            .filter(|(time, _)| (start..=end).contains(time))
            .collect();
        let page: Vec<Value> = events[begin.min(events.len())..]
            .iter()
            .take(usize::try_from(most).expect("small"))
            .map(|(time, record)| json!({"EventId": record["eventID"], "EventTime": time, "CloudTrailEvent": record.to_string()}))
            .collect();
        let next = begin + page.len();
        let mut answer = json!({"Events": page});
        if next < events.len() {
            answer["NextToken"] = json!(next.to_string());
        }
        Response::new(200, answer.to_string()).with("content-type", "application/x-amz-json-1.1")
    });
    (address, seen)
}

fn coverage(address: SocketAddr, more: &[&str]) -> std::process::Output {
    let (since, until) = (text(noon() - 3600), text(noon() + 3600));
    trimtrail(address)
        .args([
            "coverage",
            "--logs",
            "lookup:eu-west-1",
            "--since",
            &since,
            "--until",
            &until,
            "--patience",
            "2",
        ])
        .args(more)
        .output()
        .expect("the program")
}

#[track_caller]
fn check_all(moods: Moods) {
    let output = coverage(cloudtrail(moods), &[]);
    let text = stdout(&output);
    assert!(
        text.starts_with("1 files, 120 records: 120 used"),
        "{text}{}",
        stderr(&output)
    );
    assert!(!text.contains("Skipped"), "{text}");
    assert!(text.contains("Data events: none, so no object read"), "{text}");
}

#[test]
fn every_event_once() {
    check_all(Moods::default());
}

#[test]
fn throttling_passes() {
    check_all(Moods {
        throttled: Some((1, 4)),
        ..Moods::default()
    });
}

#[test]
fn a_lookup_is_resumed_where_its_token_ran_out() {
    check_all(Moods {
        stale: Some(1),
        ..Moods::default()
    });
    check_all(Moods {
        stale: Some(2),
        ..Moods::default()
    });
}

#[test]
fn how_far_it_came_is_said() {
    let output = coverage(
        cloudtrail(Moods {
            throttled: Some((1, 1000)),
            ..Moods::default()
        }),
        &[],
    );
    let said = stdout(&output);
    assert!(said.contains("50 used"), "{said}");
    assert!(said.contains("too many requests"), "{said}");
    assert!(
        said.contains(&format!("events before {} of that day were not read", text(noon() - 7))),
        "{said}"
    );
}

#[test]
fn days_out_of_reach_are_named() {
    let until = text(noon() + 3600);
    let output = trimtrail(cloudtrail(Moods::default()))
        .args([
            "coverage",
            "--logs",
            "lookup:eu-west-1",
            "--since",
            "2020-01-01",
            "--until",
            &until,
        ])
        .args(["--region", "us-east-1"])
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(3), "another region was asked for");
    let since = text(noon() - 400 * 86_400);
    let before = text(noon() - 89 * 86_400 - 43_200);
    let output = trimtrail(cloudtrail(Moods::default()))
        .args([
            "coverage",
            "--logs",
            "lookup:eu-west-1",
            "--since",
            &since,
            "--until",
            &before,
        ])
        .output()
        .expect("the program");
    assert!(stderr(&output).contains("reaches 90 days back"), "{}", stderr(&output));
}

#[test]
fn whoever_may_not_look_up_is_told_so() {
    for (code, said) in [
        ("AccessDeniedException", "access denied"),
        ("ExpiredTokenException", "expired"),
    ] {
        let output = coverage(
            cloudtrail(Moods {
                refuses: Some(code),
                ..Moods::default()
            }),
            &[],
        );
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(1));
    }
}

/// A ledger that keeps more than LookupEvents reaches: said when it is made, never a file that is missing.
#[cfg(feature = "polars")]
#[test]
fn what_was_out_of_reach_from_the_start_is_said_once() {
    let folder = std::env::temp_dir().join(format!("trimtrail-reach-{}", std::process::id()));
    let ledger = folder.display().to_string();
    // Two days, so that little is asked for.
    let until = text(noon() - 87 * 86_400);
    let address = cloudtrail(Moods::default());
    let run = |more: &[&str]| {
        let output = trimtrail(address)
            .args([
                "collect",
                "--logs",
                "lookup:eu-west-1",
                "--ledger",
                &ledger,
                "--until",
                &until,
            ])
            .args(more)
            .output()
            .expect("the program");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!stderr(&output).contains("tried again"), "{}", stderr(&output));
        assert!(!stderr(&output).contains("cannot be read"), "{}", stderr(&output));
        stderr(&output).matches("LookupEvents reaches 90 days back").count()
    };
    assert_eq!(run(&["--keep-days", "400d"]), 1, "a new ledger");
    assert_eq!(run(&["--keep-days", "400d"]), 0, "the next week");
    assert_eq!(
        run(&["--since", &text(noon() - 200 * 86_400)]),
        1,
        "somebody asks for it"
    );
    let _ = std::fs::remove_dir_all(folder);
}

/// The first of eight days, of which the last is today.
fn a_week_ago() -> String {
    text(noon() - 6 * 86_400)[..10].to_owned()
}

/// What a run over these eight days says, on one thread.
fn week(address: SocketAddr, arguments: &[&str]) -> std::process::Output {
    trimtrail(address)
        .args(arguments)
        .args(["--logs", "lookup:eu-west-1", "--since", &a_week_ago(), "--threads", "1"])
        .output()
        .expect("the program")
}

#[test]
fn where_no_day_can_be_read_the_run_fails_and_says_the_way_out() {
    let folder = std::env::temp_dir().join(format!("trimtrail-no-day-{}", std::process::id()));
    let ledger = folder.display().to_string();
    let mut runs = vec![
        vec!["coverage"],
        vec!["resolve"],
        vec!["analyze", "--grants", "sample-logs/grants"],
    ];
    if cfg!(feature = "polars") {
        // The ledger remembers what could not be read, and the run fails all the same.
        let collect = vec!["collect", "--ledger", &ledger];
        runs.extend([collect.clone(), collect]);
    }
    for arguments in runs {
        let (address, lookups) = counted(Moods {
            refuses_from: Some((0, "AccessDeniedException")),
            ..Moods::default()
        });
        let output = week(address, &arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?} {said}");
        let sentence = "error: `lookup:eu-west-1`: none of 8 days can be read, the first one: access denied";
        assert!(said.contains(sentence), "{arguments:?} {said}");
        assert!(said.contains("help: `trimtrail doctor` prints the policy"), "{said}");
        assert_eq!(
            lookups.load(Ordering::Relaxed),
            3,
            "{arguments:?}: the other days were asked for"
        );
    }
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn credentials_that_run_out_on_the_way_end_the_run() {
    let address = cloudtrail(Moods {
        refuses_from: Some((2, "ExpiredTokenException")),
        ..Moods::default()
    });
    let output = week(address, &["coverage"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("after 2 days the credentials have expired"), "{said}");
    assert!(said.contains("; 6 were not read"), "{said}");
    assert!(said.contains("help: sign in again: aws sso login"), "{said}");
}

#[cfg(feature = "polars")]
#[test]
fn days_that_are_long_over_are_asked_for_once() {
    let folder = std::env::temp_dir().join(format!("trimtrail-days-{}", std::process::id()));
    let ledger = folder.display().to_string();
    let index = || std::fs::read(folder.join("ledger.json")).expect("a ledger");
    let (address, lookups) = counted(Moods::default());
    let run = |more: &[&str]| {
        let before = lookups.load(Ordering::Relaxed);
        let output = week(address, &[&["collect", "--ledger", &ledger], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        lookups.load(Ordering::Relaxed) - before
    };
    // Yesterday's events are three pages. One more request looks whether we may; two a second are allowed.
    let begun = std::time::Instant::now();
    assert_eq!(run(&[]), 7 + 3);
    let took = begun.elapsed();
    assert!(
        took >= std::time::Duration::from_millis(500) * (7 + 3),
        "{took:?}: more than two a second"
    );
    let first = index();
    // Of yesterday something might still come.
    assert_eq!(run(&[]), 1 + 3);
    assert!(index() == first);
    // What was asked for ends within a day, and the day is whole all the same.
    assert_eq!(run(&["--until", &text(noon() - 10)]), 3);
    assert!(index() == first);
    let _ = std::fs::remove_dir_all(folder);
}
