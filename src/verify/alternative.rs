//! The proofs of alternatives: with it nothing more is allowed than without, and every observed call still is.

use std::ops::Deref;

use super::{Refusal, Replayed, narrower, replay};
use crate::catalog::Catalog;
use crate::gap::Gap;
use crate::rightsize::Alternative;

/// An alternative that was proved, and what was replayed. Only [`alternative`] makes one, and nobody changes it.
#[derive(Debug)]
pub struct ProvedAlternative {
    alternative: Alternative,
    replayed: Replayed,
}

impl ProvedAlternative {
    /// What was replayed.
    pub fn replayed(&self) -> Replayed {
        self.replayed
    }
}

impl Deref for ProvedAlternative {
    type Target = Alternative;

    fn deref(&self) -> &Alternative {
        &self.alternative
    }
}

/// Proves an alternative on what is allowed with it and without it.
///
/// # Errors
/// The alternative, with the request that only one of them allows, or what could not be shown.
pub fn alternative(
    catalog: &Catalog,
    gaps: &[Gap],
    alternative: Alternative,
) -> Result<ProvedAlternative, Box<(Alternative, Refusal)>> {
    let mut replayed = Replayed::default();
    let mut proof = narrower(&alternative.before, &alternative.after);
    for principal in &alternative.affects {
        let (before, after) = (&alternative.before, &alternative.after);
        let gap = alternative.share.as_deref().unwrap_or(&gaps[*principal]);
        proof = proof.and_then(|()| replay(catalog, before, after, gap, &mut replayed));
    }
    match proof {
        Ok(()) => Ok(ProvedAlternative { alternative, replayed }),
        Err(refusal) => Err(Box::new((alternative, refusal))),
    }
}
