//! The sample's story has something for each of the twelve practices, as its README says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::json;
use trimtrail::inside::analysis::{self, When};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::coverage::Coverage;
use trimtrail::inside::grants::{self, Grants};
use trimtrail::inside::hygiene::{self, Practice};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::report::{self, Given, State};
use trimtrail::inside::rightsize::Options;
use trimtrail::inside::source;
use trimtrail::inside::usage::{self, Table};

use super::journey::{Folder, allow, background, call, role};
use super::reported;

/// The rows of the README's table: the practice's title, and what shows it.
fn told() -> BTreeMap<u8, (String, BTreeSet<String>)> {
    let readme = fs::read_to_string("sample-logs/README.md").expect("the sample's README");
    let table = readme.split("## The twelve practices").nth(1).expect("the table");
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (number, title) = cells.get(1)?.split_once(' ')?;
        let ids = cells.get(2)?.split('`').skip(1).step_by(2);
        let ids = ids.filter(|id| hygiene::check_of(id).is_some()).map(str::to_owned);
        Some((number.parse().ok()?, (title.to_owned(), ids.collect())))
    });
    rows.collect()
}

/// The calls and grants of the sample.
fn sample() -> ((Table, Coverage), Grants) {
    let sources = source::find(&["sample-logs".to_owned()]).expect("the sample");
    let read = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let grants = ["111122223333", "444455556666"].map(|account| {
        let path = format!("sample-logs/grants/{account}.json");
        (path.clone(), fs::read_to_string(path).expect("the sample's grants"))
    });
    (read, grants::read(&grants).expect("grants"))
}

/// The scorecard alone and the one of a whole report are one; what it says of unnecessary permissions.
#[track_caller]
fn check(table: &Table, coverage: &Coverage, grants: &Grants, options: &analysis::Options) -> String {
    let archive = analysis::Archive::new(table, coverage);
    let alone = report::scorecard(&report::Inputs {
        version: "0",
        catalog: Catalog::embedded(),
        archive: &archive,
        grants,
        options,
        analysis: analysis::judge(Catalog::embedded(), &archive, grants, options),
    });
    assert_eq!(alone.practices, reported((table, coverage), grants, options).practices);
    let line = &alone.practices[1];
    line.evidence.join("\n")
}

fn tried(when: When, shown: Option<BTreeSet<usize>>) -> analysis::Options {
    analysis::Options {
        shown,
        backtest: when,
        ..analysis::Options::of(&Options {
            min_window: 7,
            grace: 0,
            ..Options::default()
        })
    }
}

#[test]
fn the_scorecard_alone_says_what_a_whole_report_says() {
    let ((table, coverage), grants) = sample();
    let nothing = (Table::default(), Coverage::default());
    let one = grants.principals.len() / 2;
    check(
        &table,
        &coverage,
        &grants,
        &tried(When::Never, Some(BTreeSet::from([one]))),
    );
    check(&table, &coverage, &grants, &tried(When::Auto, None));
    check(&nothing.0, &nothing.1, &grants, &tried(When::Auto, None));
}

#[test]
fn what_a_backtest_holds_the_scorecard_holds() {
    // Once in the last third: whoever had learnt from the rest would have taken it away.
    let often = (1..=14).map(|day| call(day, "ec2", "DescribeVpcs", json!({})));
    let once = call(13, "ec2", "DescribeSubnets", json!({}));
    let events = [background(), often.chain([once]).collect()].concat();
    let folder = Folder::new();
    fs::write(folder.0.join("a.json"), json!({"Records": events}).to_string()).expect("a file");
    let sources = source::find(&[folder.0.display().to_string()]).expect("a file");
    let (table, coverage) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let actions = json!(["ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeImages"]);
    let roles = role(&allow(&actions, &json!("*")));
    let grants = grants::read(&[("g".to_owned(), roles.to_string())]).expect("grants");
    let says = |when: When| check(&table, &coverage, &grants, &tried(when, None));
    assert_eq!(says(When::Never), "1 policies could be smaller now, 0 wait");
    assert_eq!(says(When::Auto), "0 policies could be smaller now, 1 wait");
}

#[test]
fn the_sample_has_something_for_each_practice() {
    let ((table, coverage), grants) = sample();
    let options = analysis::Options::of(&Options {
        min_window: 7,
        grace: 0,
        ..Options::default()
    });
    let report = reported((&table, &coverage), &grants, &options);
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (_, finding) in report.findings() {
        found.entry(&finding.practice).or_default().insert(finding.id.clone());
    }
    let given = Given {
        grants: true,
        logs: true,
        unheard: false,
        credential_report: false,
        old_credential_report: false,
        trail_config: false,
    };
    let card = report::practices(&report, given).practices;
    let told = told();
    assert_eq!(told.len(), 12);
    for (practice, line) in Practice::ALL.iter().zip(&card) {
        let (title, ids) = &told[&practice.number()];
        assert_eq!(title, practice.title());
        // Who made no call, and what could be smaller, is more than a check's finding; what people know is in no file.
        let expected = match practice {
            Practice::ReviewRoles | Practice::UnnecessaryPermissions => State::ToDo,
            Practice::Educate => {
                assert!(line.next.contains("trimtrail explain "), "{}", line.next);
                State::CannotBeJudged
            }
            _ => {
                assert!(!ids.is_empty(), "nothing for {title}");
                State::ToDo
            }
        };
        assert_eq!(&found.remove(practice.title()).unwrap_or_default(), ids, "{title}");
        assert_eq!(line.state, expected, "{title}");
    }
}
