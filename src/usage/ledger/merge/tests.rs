//! Merging does not depend on order, number or repetition, and refuses what would count twice.

use std::collections::BTreeSet;

use super::*;
use crate::attribute::{Actor, Known, Shown, Workload, WorkloadKind};
use crate::coverage::Coverage;
use crate::usage::Behind;
use crate::usage::ledger::part::{Calls, Fact, Object, Session};
use crate::usage::ledger::signatures::SignatureId;

/// What reading these files into one part gives: each file one call of a signature of its own and one of `shared`.
fn part(files: &[u128]) -> Part {
    let mut part = Part::default();
    for file in files {
        let mut coverage = Coverage::default();
        coverage.files = 1;
        coverage.records = 2;
        let id = |number: u128| -> SignatureId { format!("{number:032x}").parse().expect("32 digits") };
        let call = |signature, resource: String| Calls {
            signature,
            day: 20_000,
            behind: Behind::Session("0000000000000007".into()),
            calls: 1,
            first: 1_728_000_000 + *file as i64,
            last: 1_728_000_000 + *file as i64,
            resources: vec![resource],
        };
        part.add(Part {
            calls: vec![
                call(id(0), format!("arn:aws:s3:::bucket-{file}")),
                call(id(*file), "arn:aws:s3:::one".to_owned()),
            ],
            sessions: vec![Session {
                role_id: "AROAONE".to_owned(),
                session: format!("{:016x}", file % 3),
                fact: Fact::Shown(Box::new(Shown {
                    said: false,
                    workload: Workload::plain(WorkloadKind::Ec2, "i-1"),
                })),
            }],
            coverage,
            objects: vec![Object {
                key: format!("file-{file}"),
                bytes: 1,
                digest: format!("{file:032x}"),
                stamp: String::new(),
            }],
            unread: 0,
        });
    }
    part
}

#[track_caller]
fn check(versions: &[&[u128]], expected: Option<&[u128]>) {
    let expected = expected.map(part);
    let mut versions: Vec<Part> = versions.iter().map(|files| part(files)).collect();
    assert_eq!(one(&PartKey::default(), versions.clone()), expected);
    versions.reverse();
    assert_eq!(
        one(&PartKey::default(), versions.clone()),
        expected,
        "the other way around"
    );
    versions.extend(versions.clone());
    assert_eq!(one(&PartKey::default(), versions), expected, "each twice");
}

#[test]
fn versions_of_a_part() {
    check(&[&[1, 2], &[1, 2]], Some(&[1, 2]));
    check(&[&[1], &[2], &[3]], Some(&[1, 2, 3]));
    check(&[&[1, 2], &[1, 2, 3]], Some(&[1, 2, 3]));
    check(&[&[1], &[2], &[1, 2]], Some(&[1, 2]));
    check(&[&[1, 2], &[2, 3]], None);
    check(&[&[1, 2], &[3], &[3, 4], &[2, 9]], None);
    check(&[&[]], Some(&[]));
}

#[test]
fn more_resources_than_a_node_has_children_collapse_in_any_grouping() {
    let all: Vec<u128> = (1..=50).collect();
    let whole = part(&all);
    assert!(
        whole.calls[0].resources == ["arn:aws:s3:::*"],
        "{:?}",
        whole.calls[0].resources
    );
    for cut in [1, 20, 33, 49] {
        let (a, b) = all.split_at(cut);
        assert_eq!(
            one(&PartKey::default(), vec![part(a), part(b)]),
            Some(whole.clone()),
            "cut at {cut}"
        );
    }
}

#[test]
fn of_equal_parts_the_one_whose_sessions_are_joined_stays() {
    let open = part(&[1, 2]);
    let mut joined = open.clone();
    joined.sessions = Vec::new();
    for row in &mut joined.calls {
        row.behind = Behind::Actor(std::sync::Arc::new(Actor::unknown(Known::Unseen)));
    }
    assert_eq!(
        one(&PartKey::default(), vec![open.clone(), joined.clone()]),
        Some(joined.clone())
    );
    assert_eq!(one(&PartKey::default(), vec![joined.clone(), open]), Some(joined));
}

proptest::proptest! {
    #[test]
    fn merging_is_associative_and_commutative_where_it_is_defined(groups in proptest::collection::vec(0..4_usize, 1..9)) {
        // Files fall into at most four ledgers, so that no two overlap.
        let ledgers: Vec<Vec<u128>> = (0..4)
            .map(|ledger| (1..).zip(&groups).filter(|(_, group)| **group == ledger).map(|(file, _)| file).collect())
            .collect();
        let parts: Vec<Part> = ledgers.iter().filter(|files| !files.is_empty()).map(|files| part(files)).collect();
        let left = parts.iter().cloned().reduce(|a, b| one(&PartKey::default(), vec![a, b]).unwrap());
        let right = parts.iter().rev().cloned().reduce(|a, b| one(&PartKey::default(), vec![b, a]).unwrap());
        let all: BTreeSet<u128> = ledgers.into_iter().flatten().collect();
        let all: Vec<u128> = all.into_iter().collect();
        proptest::prop_assert_eq!(&left, &right);
        proptest::prop_assert_eq!(left, Some(part(&all)));
    }
}
