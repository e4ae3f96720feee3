//! What a removal takes for granted, in words.

use std::collections::{BTreeMap, BTreeSet};

use super::{EvidenceLevel, Options};
use crate::catalog::Catalog;
use crate::gap::{ActionSet, Gap};
use crate::grants::{PolicyIndex, PrincipalIndex};

/// The assumptions of a suggestion for one policy.
pub(super) fn assumptions(
    catalog: &Catalog,
    gaps: &[Gap],
    index: PolicyIndex,
    affects: &[PrincipalIndex],
    removable: &BTreeMap<usize, ActionSet>,
    options: &Options,
) -> Vec<String> {
    let mut lines = vec![
        "accounts and regions that deliver no events to this archive are not used".to_owned(),
        "actions newer than the catalog are not used".to_owned(),
    ];
    if !options.life_cycles {
        lines.push("life cycles are off: what was made is not changed or deleted by who made it".to_owned());
    }
    let mut unattempted: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for principal in affects {
        for slice in gaps[*principal].slices.iter().filter(|slice| slice.policy == index) {
            let goes = removable
                .get(&slice.statement)
                .map(|goes| goes.intersection(&slice.view.blind));
            let unseen = goes.map(|goes| goes.intersection(&slice.unattempted.actions));
            for action in unseen.iter().flat_map(ActionSet::iter) {
                let services = unattempted.entry(slice.unattempted.why()).or_default();
                services.insert(catalog.service(action));
            }
        }
    }
    for (why, services) in unattempted {
        let services: Vec<&str> = services.into_iter().collect();
        lines.push(format!("{why} of {}, and counts every one", services.join(", ")));
    }
    if options.evidence != EvidenceLevel::Conservative {
        let mut reasons: BTreeSet<&str> = BTreeSet::new();
        for principal in affects {
            for slice in gaps[*principal].slices.iter().filter(|slice| slice.policy == index) {
                let Some(goes) = removable.get(&slice.statement) else {
                    continue;
                };
                let unseen = goes
                    .intersection(&slice.view.blind)
                    .difference(&slice.unattempted.actions);
                reasons.extend(
                    unseen
                        .iter()
                        .filter_map(|action| Some(slice.view.blind_to(action)?.why())),
                );
            }
        }
        lines.extend(
            reasons
                .into_iter()
                .map(|why| format!("not used although unseen: {why}")),
        );
    }
    lines
}
