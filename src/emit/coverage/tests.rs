//! The report at any width, whatever strangers wrote into it.

use std::collections::BTreeMap;

use super::*;
use crate::report::coverage::{CoverageReport, DataReport, DigestReport, HoleReport, StreamReport, UnprovedReport};
use crate::report::explained::{ExplainedCalls, ExplainedReport};

fn stream(account: &str, region: &str) -> StreamReport {
    StreamReport {
        account: account.to_owned(),
        region: region.to_owned(),
        hours_by_day: BTreeMap::from([("2026-10-01".to_owned(), 24), ("2026-10-03".to_owned(), 2)]),
        management_read_hours: 26,
        management_write_hours: 0,
        kms: true,
        holes: vec![HoleReport {
            from: "2026-10-01T23:00:00Z".to_owned(),
            to: "2026-10-03T10:00:00Z".to_owned(),
            why: "silence".to_owned(),
        }],
        digests: vec![DigestReport {
            trail: "main".to_owned(),
            hours: 3,
            empty_hours: 1,
            from: "2026-10-01T00:00:00Z".to_owned(),
            to: "2026-10-01T02:00:00Z".to_owned(),
        }],
    }
}

fn explained(name: &str) -> ExplainedReport {
    let operation = ExplainedCalls {
        event_source: "s3.amazonaws.com".to_owned(),
        event_name: "GetObject".to_owned(),
        calls: 200,
        explained: 199,
        unmapped: false,
        percent: 99.5,
        actions: vec!["s3:GetObject".to_owned()],
        resources: vec![name.to_owned()],
    };
    ExplainedReport {
        calls: 200,
        explained: 199,
        unmapped: 0,
        percent: 99.5,
        services: Vec::new(),
        operations: vec![operation],
    }
}

fn report(stream: StreamReport, name: &str) -> CoverageReport {
    CoverageReport {
        schema: "trimtrail.coverage/1".to_owned(),
        from: "2026-10-01T00:00:00Z".to_owned(),
        to: "2026-10-04T12:00:00Z".to_owned(),
        files: 1,
        records: 2,
        events_used: 2,
        events_unmapped: 0,
        events_unattributed: 0,
        events_not_calls: 0,
        records_skipped: 0,
        events_own: 0,
        events_sharing_id: 0,
        streams: vec![stream],
        data_events: vec![DataReport {
            account: "1".to_owned(),
            region: "r".to_owned(),
            resource_type: "AWS::S3::Object".to_owned(),
            resources: 1,
            names: vec![name.to_owned()],
            reads: true,
            writes: false,
        }],
        data_events_off: Vec::new(),
        trails: Vec::new(),
        trail_changes: Vec::new(),
        unproved: vec![UnprovedReport {
            what: "log data events of AWS::SQS::Queue".to_owned(),
            actions: 9,
            risk: 9,
            is_change: true,
        }],
        would_prove_most: Some("log data events of AWS::SQS::Queue".to_owned()),
        never_shown: 4,
        of_actions: 40,
        with_grants: true,
        skipped: vec![(name.to_owned(), "why".to_owned(), 1)],
        mapping_disagreements: Vec::new(),
        explained: Some(explained(name)),
        integrity: None,
    }
}

fn page(report: &CoverageReport, width: usize) -> String {
    let mut out = Vec::new();
    coverage(report, width, false, &mut out).expect("memory");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn days_holes_and_the_one_change() {
    let text = page(&report(stream("111122223333", "eu-west-1"), "arn:aws:s3:::a"), 80);
    for expected in [
        "  111122223333 eu-west-1  █.░.\n",
        "\nHoles: 1\n  111122223333 eu-west-1: 2026-10-01T23:00:00Z to 2026-10-03T10:00:00Z, silence\n",
        "no management events that write",
        "trail main answers for 3 hours",
        "AWS::S3::Object in 1 r, reads only: arn:aws:s3:::a\n",
        "\nWould prove the most: log data events of AWS::SQS::Queue\n",
        "\nExplained by the grants: 99.50 % of 200 authorised calls (1 unexplained, 0",
        "  1 of 200 calls s3.amazonaws.com GetObject: nothing allows s3:GetObject on",
    ] {
        assert!(text.contains(expected), "{expected:?} in\n{text}");
    }
}

#[test]
fn a_long_window_fits_the_page() {
    let mut long = report(stream("111122223333", "eu-west-1"), "x");
    "2025-10-05T00:00:00Z".clone_into(&mut long.from);
    let text = page(&long, 80);
    assert!(text.contains("a column 7 days"), "{text}");
}

#[test]
fn what_strangers_wrote_neither_moves_the_cursor_nor_breaks_the_page() {
    let hostile = "\u{1b}[2J\r\n\u{202e}".to_owned() + &"long".repeat(100);
    let text = page(&report(stream(&hostile, &hostile), &hostile), 80);
    assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']));
    for line in text.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
}
