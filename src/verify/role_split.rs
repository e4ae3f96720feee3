//! The proof of a role's split: no part allows more than the role, each keeps what its workload did, and all of them
//! together keep what the role did.

use std::ops::Deref;

use serde_json::Value;

use super::{Refusal, Replayed, life_cycle_losses, narrower, replay};
use crate::catalog::Catalog;
use crate::gap::Gap;
use crate::iam::Policy;
use crate::rightsize::{self, Part, RoleSplit};

/// A split that was proved, and what was replayed. Only [`role_split`] makes one, and nobody changes it.
#[derive(Debug)]
pub struct ProvedSplit {
    split: RoleSplit,
    chosen: Vec<(Value, Replayed)>,
    replayed: Replayed,
}

impl ProvedSplit {
    /// What was replayed under all parts together.
    pub fn replayed(&self) -> Replayed {
        self.replayed
    }

    /// Each part with the document that was proved of it, and what was replayed under that.
    pub fn parts(&self) -> impl Iterator<Item = (&Part, &Value, Replayed)> {
        let chosen = self.split.parts.iter().zip(&self.chosen);
        chosen.map(|(part, (document, replayed))| (part, document, *replayed))
    }
}

impl Deref for ProvedSplit {
    type Target = RoleSplit;

    fn deref(&self) -> &RoleSplit {
        &self.split
    }
}

/// Proves a role's split, with the narrowest document of each part of which it can be proved. A trust policy that is not
/// shown to let in nobody new is left out.
///
/// # Errors
/// What one of the proofs says, with the part that it is about.
pub fn role_split(catalog: &Catalog, gap: &Gap, mut split: RoleSplit) -> Result<ProvedSplit, Box<(RoleSplit, String)>> {
    let mut chosen = Vec::new();
    let mut union: Option<Policy> = None;
    for part in &split.parts {
        let mut refusal = None;
        let proved = part.candidates.iter().find_map(|document| {
            let after = match part.after(document) {
                Ok(after) => after,
                Err(why) => {
                    refusal = Some(Refusal::NotAPolicy(why));
                    return None;
                }
            };
            if let Err(why) = rightsize::in_managed_policies(document, part.attach.len()) {
                refusal = Some(Refusal::NotShown(why));
                return None;
            }
            match prove(catalog, &split.before, &after, &part.gap) {
                Ok(replayed) => Some((document.clone(), after, replayed)),
                Err(why) => {
                    refusal = Some(why);
                    None
                }
            }
        });
        let Some((document, after, replayed)) = proved else {
            let why = refusal.map_or_else(|| "no document".to_owned(), |why| why.to_string());
            let why = format!("{}: {why}", part.name);
            return Err(Box::new((split, why)));
        };
        match &mut union {
            Some(union) => union.statements.extend(after.statements),
            None => union = Some(after),
        }
        chosen.push((document, replayed));
    }
    let mut replayed = Replayed::default();
    if let Some(union) = &union
        && let Err(why) = replay(catalog, &split.before, union, gap, &mut replayed)
    {
        let why = format!("all parts together: {why}");
        return Err(Box::new((split, why)));
    }
    for part in &mut split.parts {
        let narrower = match &part.trust {
            Ok(trust) => Policy::from_value(trust)
                .map_err(|error| error.to_string())
                .and_then(|trust| narrower(&split.trust, &trust).map_err(|why| why.to_string())),
            Err(_) => Ok(()),
        };
        if let Err(why) = narrower {
            part.trust = Err(format!("not shown to let in nobody new: {why}"));
        }
    }
    Ok(ProvedSplit {
        split,
        chosen,
        replayed,
    })
}

fn prove(catalog: &Catalog, before: &Policy, after: &Policy, gap: &Gap) -> Result<Replayed, Refusal> {
    narrower(before, after)?;
    let mut replayed = Replayed::default();
    replay(catalog, before, after, gap, &mut replayed)?;
    match life_cycle_losses(catalog, before, after, gap).into_iter().next() {
        Some(loss) => Err(Refusal::Loses(loss.not_kept)),
        None => Ok(replayed),
    }
}

#[cfg(test)]
mod tests;
