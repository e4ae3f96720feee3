//! Parts of a table against the whole.

use std::collections::BTreeSet;

use super::*;

fn seen(name: &str, first: (i64, &str), last: (i64, &str)) -> Seen {
    let witness = |(time, event_id): (i64, &str)| Witness {
        time,
        event_id: event_id.to_owned(),
    };
    Seen {
        signature: Signature {
            caller: Caller {
                kind: PrincipalKind::Role,
                arn: Arc::default(),
                id: Arc::default(),
                account: Arc::default(),
            },
            account: Arc::default(),
            region: Arc::default(),
            event_source: "s3.amazonaws.com".into(),
            event_name: name.into(),
            error_code: Arc::default(),
            denied_action: Arc::default(),
            facts: Arc::default(),
        },
        first: witness(first),
        last: witness(last),
    }
}

const DAY: i64 = 86_400;

/// Calls from ten minutes past midnight to one minute before the next.
fn row(signature: usize, day: i32, calls: u64) -> Row {
    Row {
        signature,
        day,
        behind: 0,
        calls,
        first: i64::from(day) * DAY + 600,
        last: i64::from(day) * DAY + DAY - 60,
        resources: vec![format!("arn:aws:s3:::bucket-{day}")],
    }
}

/// Two signatures: one on days 0, 1 and 3, one on day 2 alone.
fn table() -> Table {
    Table {
        signatures: vec![
            seen("ListObjects", (600, "first"), (4 * DAY - 60, "last")),
            seen("PutObject", (2 * DAY + 600, "only"), (3 * DAY - 60, "other")),
        ],
        rows: vec![row(0, 0, 3), row(0, 1, 4), row(0, 3, 5), row(1, 2, 1)],
        ..Table::default()
    }
}

/// (name, day, calls) of each row, found through its signature.
fn calls(table: &Table) -> Vec<(Arc<str>, i32, u64)> {
    let name = |row: &Row| table.signatures[row.signature].signature.event_name.clone();
    let mut calls: Vec<_> = table.rows.iter().map(|row| (name(row), row.day, row.calls)).collect();
    calls.sort();
    calls
}

#[test]
fn both_sides_of_any_day_make_up_the_whole() {
    for cut in -1..6 {
        let (before, after) = (table().days(..cut), table().days(cut..));
        let mut both = calls(&before);
        both.extend(calls(&after));
        both.sort();
        assert_eq!(both, calls(&table()), "cut at {cut}");
        assert!(before.rows.iter().all(|row| row.day < cut) && after.rows.iter().all(|row| row.day >= cut));
        for part in [before, after] {
            let used: BTreeSet<usize> = part.rows.iter().map(|row| row.signature).collect();
            assert_eq!(used.len(), part.signatures.len(), "a signature without calls");
        }
    }
}

#[test]
fn all_days_are_the_table() {
    assert_eq!(table().days(..), table());
}

/// What the part with these days says of the first signature's first and last call.
fn check(days: std::ops::Range<i32>, first: (i64, &str), last: (i64, &str)) {
    let part = table().days(days.clone());
    let seen = &part.signatures[0];
    let found = |witness: &Witness| (witness.time, witness.event_id.clone());
    assert_eq!(found(&seen.first), (first.0, first.1.to_owned()), "{days:?}");
    assert_eq!(found(&seen.last), (last.0, last.1.to_owned()), "{days:?}");
}

#[test]
fn an_event_outside_the_days_is_no_witness() {
    check(0..4, (600, "first"), (4 * DAY - 60, "last"));
    check(0..2, (600, "first"), (2 * DAY - 60, ""));
    check(1..4, (DAY + 600, ""), (4 * DAY - 60, "last"));
    check(1..2, (DAY + 600, ""), (2 * DAY - 60, ""));
    check(2..3, (2 * DAY + 600, "only"), (3 * DAY - 60, "other"));
}
