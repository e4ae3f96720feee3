//! Hours and regions that an archive lacks, and what accounts for them.

use serde_json::{Value, json};
use trimtrail::inside::gap::Grade;
use trimtrail::inside::rightsize::EvidenceLevel;

use super::{Case, background, basic, by_app, digest, event, full, trail};

/// Somebody's reads and writes every hour of the 1st to the 4th and of the 9th to the 14th.
fn with_a_silence() -> Vec<Value> {
    let mut events = background([1, 2, 3, 4, 9, 10, 11, 12, 13, 14].into_iter(), true);
    let mut more = Vec::new();
    for event in &events {
        for hour in [0, 6, 18, 23] {
            let mut event = event.clone();
            let day = event["eventTime"].as_str().expect("a time")[..10].to_owned();
            event["eventTime"] = json!(format!("{day}T{hour:02}:00:00Z"));
            event["eventID"] = json!(format!("{}-{hour}", event["eventID"]));
            more.push(event);
        }
    }
    events.extend(more);
    events
}

#[test]
fn a_long_silence_is_a_hole_unless_digests_account_for_it_whatever_the_configuration() {
    let case = || Case::of(with_a_silence(), "sqs:*", "arn:aws:sqs:eu-west-1:111122223333:q");
    case().check("sqs:DeleteQueue", Grade::OutsideCoverage);
    let mut quiet = case();
    quiet.digests = (5..=8)
        .flat_map(|day| (0..24).map(move |hour| digest(day, hour, &[])))
        .collect();
    quiet.check("sqs:DeleteQueue", Grade::Unused);
    let mut configured = case();
    configured.trail_config = trail(&basic("All", &[], &[]));
    configured.check("sqs:DeleteQueue", Grade::OutsideCoverage);
    configured.digests = quiet.digests;
    configured.check("sqs:DeleteQueue", Grade::Unused);
}

#[test]
fn a_file_that_a_digest_names_and_that_is_not_there_is_a_hole() {
    let mut case = Case::of(full(), "sqs:*", "arn:aws:sqs:eu-west-1:111122223333:q");
    case.digests = vec![digest(5, 12, &["2026-10-05T12:00:00Z"])];
    case.check("sqs:DeleteQueue", Grade::Unused);
    case.digests = vec![digest(5, 13, &["2026-10-05T13:30:00Z"])];
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
    // No configuration fills that hole.
    case.trail_config = trail(&basic("All", &[], &[]));
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
}

#[test]
fn a_region_without_a_file_is_kept_and_goes_as_an_assumption_under_balanced() {
    let queue = "arn:aws:sqs:ap-south-1:111122223333:q";
    let mut case = Case::of(full(), "sqs:*", queue);
    case.events
        .push(by_app(event(3, "ec2", "DescribeVpcs", true, &json!({}))));
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
    assert!(case.run().suggestions.is_empty());
    case.evidence = EvidenceLevel::Balanced;
    let report = case.run();
    let suggestion = report.suggestions.first().expect("a suggestion");
    assert!(suggestion.removed_actions > 0);
    let assumed = |text: &&String| text.contains("no event of account 111122223333 in ap-south-1");
    assert!(
        suggestion.assumptions.iter().any(|text| assumed(&text)),
        "{:?}",
        suggestion.assumptions
    );
    // A trail in all regions does not say that its files are here.
    case.evidence = EvidenceLevel::Conservative;
    case.trail_config = trail(&basic("All", &[], &[]));
    case.check("sqs:DeleteQueue", Grade::OutsideCoverage);
}

#[test]
fn a_trail_of_one_region_says_nothing_of_others() {
    let mut config = trail(&basic("All", &[], &[]));
    config[0]["trailList"][0]["IsMultiRegionTrail"] = json!(false);
    let mut case = Case::of(full(), "ec2:*", "arn:aws:ec2:eu-west-1:111122223333:vpc/*");
    case.trail_config = config.clone();
    case.check("ec2:DeleteVpc", Grade::Unused);
    let mut case = Case::of(full(), "ec2:*", "arn:aws:ec2:us-east-1:111122223333:vpc/*");
    case.trail_config = config;
    case.check("ec2:DeleteVpc", Grade::Unobservable);
}
