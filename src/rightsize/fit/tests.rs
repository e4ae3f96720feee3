//! What was fitted before is what each would have been cut to alone.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::catalog::Catalog;
use crate::grants::PolicyKind;
use crate::iam::Policy;
use crate::rightsize::Names;

/// A policy to cut.
#[derive(Clone, PartialEq, Debug)]
struct Asked {
    kind: PolicyKind,
    written: Value,
    removable: BTreeMap<usize, ActionSet>,
    seen: BTreeMap<usize, ActionSet>,
    spelled: BTreeSet<String>,
    least: usize,
}

fn documents() -> [Value; 4] {
    let both = json!({"Effect": "Allow", "Action": ["sqs:*", "sns:*"], "Resource": "*"});
    let tagged = json!({"StringEquals": {"aws:ResourceTag/team": "a"}});
    [
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}}),
        json!({"Version": "2012-10-17", "Statement": [both]}),
        json!({"Version": "2008-10-17", "Statement": [both]}),
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Queues", "Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:*:1:*"},
            {"Sid": "Topics", "Effect": "Allow", "Action": "sns:*", "Resource": "*", "Condition": tagged}]}),
    ]
}

/// Of each statement's actions those stay whose number, modulo 8, has its bit in `stays`; of them were seen those in `seen`.
fn asked(document: usize, kind: PolicyKind, stays: u8, seen: Option<u8>, spelled: bool, least: usize) -> Asked {
    let (catalog, written) = (Catalog::embedded(), documents()[document].clone());
    let policy = Policy::from_value(&written).expect("a policy");
    let names = Names::new(catalog);
    let of = |bits: u8| -> BTreeMap<usize, ActionSet> {
        let statements = policy.statements.iter().map(|statement| {
            let mut set = ActionSet::none();
            let all = names.of_statement(statement);
            let chosen = all.iter().filter(|action| bits >> (action.index() % 8) & 1 == 1);
            chosen.for_each(|action| set.insert(action));
            (statement.index, set)
        });
        statements.collect()
    };
    Asked {
        kind,
        removable: of(!stays),
        seen: seen.map(|seen| of(stays & seen)).unwrap_or_default(),
        spelled: spelled.then(|| "sqs:SendSomething".to_owned()).into_iter().collect(),
        written,
        least,
    }
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let kind = prop_oneof![Just(PolicyKind::Inline), Just(PolicyKind::Managed)];
    let bits = || prop_oneof![Just(0_u8), Just(1), Just(0x5a), Just(0x7f)];
    (
        0..4_usize,
        kind,
        bits(),
        prop::option::of(bits()),
        any::<bool>(),
        2..4_usize,
    )
        .prop_map(|(document, kind, stays, seen, spelled, least)| asked(document, kind, stays, seen, spelled, least))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn shared_answers_are_those_of_each_alone(
        few in prop::collection::vec(any_asked(), 1..4),
        requests in prop::collection::vec(
            (prop::collection::vec(any::<prop::sample::Index>(), 1..3), prop_oneof![Just(150_u64), Just(400), Just(6_144)]),
            1..12,
        ),
    ) {
        let catalog = Catalog::embedded();
        let names = Names::new(catalog);
        let fits = Fits::default();
        let mut distinct: Vec<(Vec<&Asked>, u64)> = Vec::new();
        for (chosen, target) in &requests {
            let chosen: Vec<&Asked> = chosen.iter().map(|one| one.get(&few)).collect();
            let parsed: Vec<Policy> = chosen
                .iter()
                .map(|one| Policy::from_value(&one.written).expect("a policy"))
                .collect();
            let cuts: Vec<Cut<'_>> = chosen
                .iter()
                .zip(&parsed)
                .map(|(one, document)| Cut {
                    catalog,
                    names: &names,
                    kind: one.kind,
                    written: &one.written,
                    document,
                    removable: &one.removable,
                    seen: &one.seen,
                    spelled: &one.spelled,
                    least: one.least,
                })
                .collect();
            prop_assert_eq!(fits.fit(&cuts, *target), fit(&cuts, *target));
            if !distinct.contains(&(chosen.clone(), *target)) {
                distinct.push((chosen, *target));
            }
        }
        // Nothing is fitted twice, and nothing takes another's answer.
        let known = fits.0.into_inner().expect("nobody panicked");
        prop_assert_eq!(known.len(), distinct.len());
    }
}
