//! Rows before and after their sessions are joined.

use proptest::prelude::*;

use super::super::table::{Caller, Seen, Signature, Witness};
use super::*;
use crate::attribute::opening::{Opener, Opening};
use crate::attribute::{PrincipalKind, WorkloadKind};

fn signature(role: u8, name: u8) -> Seen {
    let witness = || Witness {
        time: 0,
        event_id: String::new(),
    };
    Seen {
        signature: Signature {
            caller: Caller {
                kind: PrincipalKind::Role,
                arn: format!("arn:aws:iam::111122223333:role/{role}").into(),
                id: format!("AROA{role}").into(),
                account: "111122223333".into(),
            },
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            event_source: "s3.amazonaws.com".into(),
            event_name: format!("Get{name}").into(),
            error_code: Arc::default(),
            denied_action: Arc::default(),
            facts: Arc::default(),
        },
        first: witness(),
        last: witness(),
    }
}

fn named(name: usize) -> Workload {
    Workload {
        kind: WorkloadKind::ServiceAccount,
        cluster: None,
        namespace: Some("shop".to_owned()),
        name: format!("app-{name:04}"),
    }
}

/// One call of a session on day 0, and what opened the session; its key is the role's alone.
fn part(role: u8, name: u8, key: usize, opener: Option<usize>) -> Table {
    keyed(role, name, &format!("ASIA{role}K{key}"), opener)
}

fn keyed(role: u8, name: u8, key: &str, opener: Option<usize>) -> Table {
    let opened = opener.map(|opener| Opening {
        opener: Opener::Named(named(opener)).into(),
        from: 0,
        until: 3600,
        sessions: Arc::default(),
    });
    Table {
        signatures: vec![signature(role, name)],
        rows: vec![Row {
            signature: 0,
            day: 0,
            behind: 1,
            calls: 1,
            first: 60,
            last: 60,
            resources: vec![format!("arn:aws:s3:::{key}")],
        }],
        behind: vec![Behind::Nobody, Behind::Session(key.into())],
        workloads: Vec::new(),
        clusters: Default::default(),
        sessions: opened
            .map(|opening| Session {
                role_id: format!("AROA{role}").into(),
                access_key_id: key.into(),
                shown: None,
                provider: Arc::default(),
                opened: Openings::from_iter([opening]),
            })
            .into_iter()
            .collect(),
    }
}

fn joined(parts: impl IntoIterator<Item = Table>) -> Table {
    let mut table = Table::merge(parts);
    table.join_sessions();
    table
}

/// Calls by role, name and workload, counted one by one.
type Counts = BTreeMap<(String, String, Option<Workload>), u64>;

fn counts(table: &Table) -> Counts {
    let mut counts = Counts::new();
    for row in &table.rows {
        let signature = &table.signatures[row.signature].signature;
        let actor = table.actor(row).expect("a role's row");
        let place = (
            signature.caller.id.to_string(),
            signature.event_name.to_string(),
            actor.workload.clone(),
        );
        *counts.entry(place).or_default() += row.calls;
    }
    counts
}

proptest! {
    /// However the calls are cut into shards, and whichever comes first.
    #[test]
    fn sums_over_workloads_are_the_roles_calls(
        calls in proptest::collection::vec((0..3_u8, 0..3_u8, 0..12_usize, any::<bool>(), 0..4_usize), 1..40),
        turn in any::<usize>(),
    ) {
        // A key is one workload's.
        let parts: Vec<Table> = calls
            .iter()
            .map(|(role, name, key, seen, _)| part(*role, *name, *key, seen.then_some(key % 5)))
            .collect();
        let whole = joined(parts.clone());
        let mut expected = Counts::new();
        for (role, name, key, ..) in &calls {
            let opened = calls.iter().any(|(of, _, other, seen, _)| of == role && other == key && *seen);
            let place = (format!("AROA{role}"), format!("Get{name}"), opened.then(|| named(key % 5)));
            *expected.entry(place).or_default() += 1;
        }
        prop_assert_eq!(counts(&whole), expected);
        let total: u64 = whole.workloads.iter().map(|known| known.calls).sum();
        prop_assert_eq!(total, calls.len() as u64);

        let mut shards: Vec<Vec<Table>> = vec![Vec::new(); 4];
        for (part, (.., shard)) in parts.into_iter().zip(&calls) {
            shards[*shard].push(part);
        }
        shards.rotate_left(turn % 4);
        let merged = joined(shards.into_iter().map(Table::merge));
        prop_assert_eq!(merged, whole);
    }
}

#[test]
fn beyond_256_workloads_of_a_role_the_rest_are_one() {
    let parts = |names: std::ops::Range<usize>| names.map(|name| part(0, 0, name, Some(name)));
    let table = joined(parts(0..300).chain([part(1, 0, 0, Some(299))]));
    let of = |role: &str| -> Vec<(Option<String>, u64)> {
        let known = table.workloads.iter().filter(|known| known.role_id == role);
        known
            .map(|known| {
                (
                    known.actor.workload.as_ref().map(|known| known.name.clone()),
                    known.calls,
                )
            })
            .collect()
    };
    let calls: u64 = of("AROA0").iter().map(|(_, calls)| calls).sum();
    assert_eq!((of("AROA0").len(), calls), (257, 300));
    assert_eq!(of("AROA0")[0], (None, 44));
    assert_eq!(of("AROA0")[1].0.as_deref(), Some("app-0000"));
    // Another role's are told apart as before.
    assert_eq!(of("AROA1"), [(Some("app-0299".to_owned()), 1)]);
    let backwards = joined(parts(0..300).rev().chain([part(1, 0, 0, Some(299))]));
    assert_eq!(backwards, table);
}

#[test]
fn rows_of_several_sessions_of_one_workload_are_one() {
    let table = joined([part(0, 0, 1, Some(7)), part(0, 0, 2, Some(7)), part(0, 0, 3, None)]);
    let rows: Vec<(u64, usize)> = table.rows.iter().map(|row| (row.calls, row.resources.len())).collect();
    assert_eq!(rows, [(1, 1), (2, 2)]);
}

#[test]
fn a_key_that_two_roles_show_names_nobody() {
    let one = || keyed(0, 0, "ASIASAME", Some(7));
    let named_by = |parts: Vec<Table>| {
        counts(&joined(parts))
            .into_keys()
            .filter(|(.., who)| who.is_some())
            .count()
    };
    assert_eq!(named_by(vec![one()]), 1);
    assert_eq!(named_by(vec![one(), keyed(1, 0, "ASIAOTHER", None)]), 1);
    for opener in [None, Some(7), Some(8)] {
        assert_eq!(named_by(vec![one(), keyed(1, 0, "ASIASAME", opener)]), 0);
    }
}
