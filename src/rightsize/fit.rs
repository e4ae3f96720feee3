//! Policies that share one quota, each cut as fine as there is room for all of them together.
//!
//! Where there is too little, documents are packed step by step: shorter wildcards, seen and unseen together, statements
//! that differ in one element only as one, then whole services, those first that save most room for each action that then stays. Once all fit, each
//! service is tried without again, the largest first, so that nothing stays for room that the room would hold.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::Candidate;
use super::further::Further;
use super::rewrite::{Cut, Form, Plain, SCARCE, Whole, Written};
use super::twice::{EACH, Wider};
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
    /// Whether something stays, or stands together, to save room.
    pub(super) packed: bool,
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
            packed: written.packed,
            candidate: written.candidate,
        })
        .collect())
}

fn size(written: &[Written]) -> u64 {
    written.iter().map(|one| one.candidate.takes()).sum()
}

/// Documents that are written together, in one form after the other.
struct Pack<'p, 'a> {
    cuts: &'p [Cut<'a>],
    /// Worked out where room is scarce.
    wider: OnceCell<Vec<Wider>>,
}

impl Pack<'_, '_> {
    /// The form that names each action by itself, with more wildcards where room is scarce.
    fn form(&self, at: usize, scarce: bool) -> Form<'_> {
        let cut = &self.cuts[at];
        let wider = || self.wider.get_or_init(|| self.cuts.iter().map(Cut::wider).collect());
        Form {
            least: if scarce { cut.least.min(SCARCE) } else { cut.least },
            apart: false,
            merged: false,
            whole: &[],
            wider: if scarce { &wider()[at] } else { &EACH },
        }
    }

    /// The most that can be packed, with these services whole.
    fn packed<'w>(&'w self, at: usize, whole: &'w [Range<u32>]) -> Form<'w> {
        Form {
            merged: true,
            whole,
            ..self.form(at, true)
        }
    }

    fn at_least<'w>(&'w self, form: impl Fn(usize) -> Form<'w>) -> u64 {
        let all = self.cuts.iter().enumerate();
        all.map(|(at, cut)| cut.at_least(&form(at))).sum()
    }

    fn write<'w>(&'w self, form: impl Fn(usize) -> Form<'w>) -> Vec<Written> {
        let all = self.cuts.iter().enumerate();
        all.map(|(at, cut)| cut.write(&form(at))).collect()
    }
}

fn once(cuts: &[Cut<'_>], target: u64) -> Result<Vec<Written>, String> {
    let pack = Pack {
        cuts,
        wider: OnceCell::new(),
    };
    let mut expected = 0;
    // With seen and unseen apart, where that is asked for.
    let stand_apart = cuts.iter().any(|cut| !cut.seen.is_empty());
    for (apart, scarce) in [(true, false), (true, true), (false, false), (false, true)] {
        let form = |at: usize| Form {
            apart,
            ..pack.form(at, scarce)
        };
        if apart && !stand_apart {
            continue;
        }
        expected = pack.at_least(form);
        if expected <= target {
            let written = pack.write(form);
            expected = size(&written);
            if expected <= target {
                return Ok(written);
            }
        }
    }
    let mut whole: Vec<Vec<Range<u32>>> = vec![Vec::new(); cuts.len()];
    // Merging saves what several statements repeat, so with one statement there is nothing to try.
    if cuts.iter().any(|cut| cut.document.statements.len() > 1) {
        let written = pack.write(|at| pack.packed(at, &[]));
        expected = size(&written);
        if expected <= target {
            return Ok(written);
        }
    }
    let mut order: Vec<(usize, Whole)> = Vec::new();
    for (at, cut) in cuts.iter().enumerate() {
        let services = cut.services(pack.form(at, true).wider);
        order.extend(services.into_iter().map(|service| (at, service)));
    }
    order.sort_by(|(_, x), (_, y)| y.for_each().total_cmp(&x.for_each()));
    let mut found = None;
    let mut kept = 0;
    for (at, service) in &order {
        kept += 1;
        whole[*at].push(service.range.clone());
        expected = expected.saturating_sub(service.saved);
        // What is merged may save more than was expected.
        if expected > target && kept < order.len() {
            continue;
        }
        let written = pack.write(|at| pack.packed(at, &whole[at]));
        expected = size(&written);
        if expected <= target {
            found = Some(written);
            break;
        }
    }
    let Some(mut written) = found else {
        let finest = pack.at_least(|at| pack.form(at, false));
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
        let mut without = whole[*at].clone();
        without.retain(|range| *range != service.range);
        let finer = cut.write(&pack.packed(*at, &without));
        if now - written[*at].candidate.takes() + finer.candidate.takes() <= target {
            written[*at] = finer;
            whole[*at] = without;
        }
    }
    Ok(written)
}

/// Packed documents cut once more, each from what it became; `None` where nothing more goes.
fn again(cuts: &[Cut<'_>], written: &[Written], target: u64) -> Option<Vec<Written>> {
    let all = cuts.iter().zip(written).enumerate();
    let now = all.filter_map(|(at, (cut, written))| Some((at, cut.further(&written.candidate)?)));
    // Documents that are gone, or of which nothing more can go, stay as they are, and leave the others what room there is.
    let active: Vec<(usize, Further)> = now
        .filter(|(_, further)| further.removable.values().any(|goes| !goes.is_empty()))
        .collect();
    let further: Vec<Cut<'_>> = active.iter().map(|(at, further)| cuts[*at].of(further)).collect();
    let active: Vec<usize> = active.iter().map(|(at, _)| *at).collect();
    let fixed: u64 = size(written) - active.iter().map(|at| written[*at].candidate.takes()).sum::<u64>();
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
