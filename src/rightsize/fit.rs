//! Policies that share one quota, each cut as fine as there is room for all of them together.
//!
//! Where there is too little, documents are packed step by step: shorter wildcards, seen and unseen together, statements
//! that differ in one element only as one, then whole services, those first that save most room for each action that then stays. Once all fit, each
//! service is tried without again, the largest first, so that nothing stays for room that the room would hold.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Candidate;
use super::further::Further;
use super::rewrite::{Cut, Form, Plain, SCARCE, Whole, Written};
use crate::gap::ActionSet;
use crate::iam::Effect;

/// How often a packed document is packed again from where it stands.
const ROUNDS: usize = 4;

/// No statement in which seen and unseen stand apart.
pub(super) static TOGETHER: BTreeMap<usize, ActionSet> = BTreeMap::new();

/// A policy's part of what fits.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Fit {
    pub(super) candidate: Candidate,
    /// What nobody may need and stays to save room.
    pub(super) room: ActionSet,
}

/// What fitted already, by a digest of what was asked: thousands of policies that say the same, and of which the same goes,
/// are cut once. It holds for one catalog and one least length of wildcards.
#[derive(Debug, Default)]
pub(super) struct Fits(Mutex<HashMap<[u8; 32], Fitted>>);

type Fitted = Arc<Result<Vec<Fit>, String>>;

impl Fits {
    /// [`fit`], unless it was asked before.
    pub(super) fn fit(&self, cuts: &[Cut<'_>], target: u64) -> Result<Vec<Fit>, String> {
        let asked = asked(cuts, target);
        let known = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&asked)
            .cloned();
        if let Some(known) = known {
            return Result::clone(&known);
        }
        let fitted = fit(cuts, target);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(asked, Arc::new(fitted.clone()));
        fitted
    }
}

/// All that the answer depends on, beside the catalog.
fn asked(cuts: &[Cut<'_>], target: u64) -> [u8; 32] {
    /// Takes the words of a hash into a digest: two that differ anywhere are not taken for one.
    struct Words(Sha256);

    impl Hasher for Words {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        /// Nobody asks: the digest is taken in its place.
        fn finish(&self) -> u64 {
            0
        }
    }

    let mut words = Words(Sha256::new());
    (target, cuts.len()).hash(&mut words);
    for cut in cuts {
        let Cut {
            catalog: _,
            names: _,
            kind,
            written,
            document,
            removable,
            seen,
            spelled,
            least,
        } = cut;
        let meant = format!("{document:?}");
        (kind, written.to_string(), meant, removable, seen, spelled, least).hash(&mut words);
    }
    words.0.finalize().into()
}

/// The finest documents that fit together into so many characters, in the order of the policies.
///
/// # Errors
/// Why none do.
pub(super) fn fit(cuts: &[Cut<'_>], target: u64) -> Result<Vec<Fit>, String> {
    let mut written = once(cuts, target)?;
    // What is put together or kept whole may leave room that shows only from where it stands.
    for _ in 0..ROUNDS {
        let packed = written.iter().any(|one| one.packed);
        match packed.then(|| again(cuts, &written, target)).flatten() {
            Some(finer) => written = finer,
            None => break,
        }
    }
    Ok(cuts
        .iter()
        .zip(written)
        .map(|(cut, written)| Fit {
            room: room(cut, &written),
            candidate: written.candidate,
        })
        .collect())
}

fn size(written: &[Written]) -> u64 {
    written.iter().map(|one| one.candidate.characters).sum()
}

fn once(cuts: &[Cut<'_>], target: u64) -> Result<Vec<Written>, String> {
    let at_least = |scarce: bool| -> u64 {
        let least = |cut: &Cut<'_>| if scarce { cut.least.min(SCARCE) } else { cut.least };
        cuts.iter().map(|cut| cut.at_least(least(cut), false)).sum()
    };
    let write = |scarce: bool, merged: bool, whole: &[Vec<Range<u32>>]| -> Vec<Written> {
        let all = cuts.iter().zip(whole);
        all.map(|(cut, whole)| cut.write(&form(cut, scarce, merged, whole)))
            .collect()
    };
    if let Some(apart) = apart(cuts, target) {
        return Ok(apart);
    }
    let mut whole: Vec<Vec<Range<u32>>> = vec![Vec::new(); cuts.len()];
    let finest = at_least(false);
    if finest <= target {
        let written = write(false, false, &whole);
        if size(&written) <= target {
            return Ok(written);
        }
    }
    let mut expected = at_least(true);
    // Merging saves what several statements repeat, so with one statement there is nothing to try.
    let mergeable = cuts.iter().any(|cut| cut.document.statements.len() > 1);
    for merged in [false, true] {
        if expected <= target || merged && mergeable {
            let written = write(true, merged, &whole);
            expected = size(&written);
            if expected <= target {
                return Ok(written);
            }
        }
    }
    let mut order: Vec<(usize, Whole)> = Vec::new();
    for (at, cut) in cuts.iter().enumerate() {
        order.extend(cut.services().into_iter().map(|service| (at, service)));
    }
    order.sort_by(|(_, x), (_, y)| y.for_each().total_cmp(&x.for_each()));
    let mut found = None;
    let mut kept = 0;
    for (at, service) in &order {
        kept += 1;
        whole[*at].push(service.range.clone());
        expected = expected.saturating_sub(service.saved);
        if expected > target {
            continue;
        }
        let written = write(true, true, &whole);
        expected = size(&written);
        if expected <= target {
            found = Some(written);
            break;
        }
    }
    let Some(mut written) = found else {
        return Err(format!(
            "what stays takes about {finest} characters by name, {expected} with {} services kept \
             whole, and {target} are allowed",
            order.len(),
        ));
    };
    order.truncate(kept);
    order.sort_by_key(|(_, service)| std::cmp::Reverse(service.going));
    let plain: Vec<Plain<'_>> = cuts.iter().map(Cut::plain).collect();
    for (at, service) in &order {
        let cut = &cuts[*at];
        let now = size(&written);
        if now + service.saved > target && plain[*at].holds(cut.service(service)) {
            continue;
        }
        let without: Vec<Range<u32>> = whole[*at]
            .iter()
            .filter(|range| **range != service.range)
            .cloned()
            .collect();
        let finer = cut.write(&form(cut, true, true, &without));
        if now - written[*at].candidate.characters + finer.candidate.characters <= target {
            written[*at] = finer;
            whole[*at] = without;
        }
    }
    Ok(written)
}

/// The documents with seen and unseen apart, where that is asked for and they fit.
fn apart(cuts: &[Cut<'_>], target: u64) -> Option<Vec<Written>> {
    if cuts.iter().all(|cut| cut.seen.is_empty()) {
        return None;
    }
    [false, true].into_iter().find_map(|scarce| {
        let forms = cuts.iter().map(|cut| Form {
            apart: true,
            ..form(cut, scarce, false, &[])
        });
        let least: u64 = cuts
            .iter()
            .zip(forms.clone())
            .map(|(cut, form)| cut.at_least(form.least, true))
            .sum();
        if least > target {
            return None;
        }
        let written: Vec<Written> = cuts.iter().zip(forms).map(|(cut, form)| cut.write(&form)).collect();
        (size(&written) <= target).then_some(written)
    })
}

fn form<'w>(cut: &Cut<'_>, scarce: bool, merged: bool, whole: &'w [Range<u32>]) -> Form<'w> {
    Form {
        least: if scarce { cut.least.min(SCARCE) } else { cut.least },
        apart: false,
        merged,
        whole,
    }
}

/// Packed documents cut once more, each from what it became; `None` where nothing more goes.
fn again(cuts: &[Cut<'_>], written: &[Written], target: u64) -> Option<Vec<Written>> {
    let now: Option<Vec<Further>> = cuts
        .iter()
        .zip(written)
        .map(|(cut, written)| cut.further(&written.candidate))
        .collect();
    let now = now?;
    // Documents of which nothing more can go stay as they are, and leave the others what room there is.
    let active: Vec<usize> = (0..cuts.len())
        .filter(|at| now[*at].removable.values().any(|goes| !goes.is_empty()))
        .collect();
    let fixed: u64 = size(written) - active.iter().map(|at| written[*at].candidate.characters).sum::<u64>();
    let further: Vec<Cut<'_>> = active.iter().map(|at| cuts[*at].of(&now[*at])).collect();
    let finer = once(&further, target.saturating_sub(fixed)).ok()?;
    let unchanged = |(at, after): (&usize, &Written)| written[*at].candidate.after == after.candidate.after;
    if active.iter().zip(&finer).all(unchanged) {
        return None;
    }
    let mut all = written.to_vec();
    for (at, Written { candidate, packed }) in active.into_iter().zip(finer) {
        let candidate = cuts[at].told_from_here(&written[at].candidate, candidate);
        all[at] = Written { candidate, packed };
    }
    Some(all)
}

/// What a written form still grants although nobody may need it in any statement.
fn room(cut: &Cut<'_>, written: &Written) -> ActionSet {
    if !written.packed {
        return ActionSet::none();
    }
    let Ok(left) = written.candidate.after.policy() else {
        return ActionSet::none();
    };
    let mut room = cut.granted(&left);
    for statement in cut.document.statements.iter().filter(|one| one.effect == Effect::Allow) {
        room = room.difference(&cut.needed(statement));
    }
    room.shrunk()
}

#[cfg(test)]
mod tests;
