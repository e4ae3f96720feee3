//! A role's use taken apart: the same gap, as if only some of those who stood behind the role had called.
//!
//! What the archive could not have shown, what IAM alone saw and what the trust policy implies is nobody's share: it stays
//! with each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entities::Entities;
use super::evidence::{Callers, Made, Operations, activity, record};
use super::explain::{self, Holdings, Trusts};
use super::lifecycle::Patterns;
use super::{ActionSet, Activity, Doubt, Gap, Granting, LifeCycles, Slice, slice};
use crate::catalog::Catalog;
use crate::grants::{Grants, PrincipalIndex};
use crate::resolve::Operation;
use crate::usage::{Row, Seen, Table, Witness};

/// By role: the calls of each signature, and whether they stand under an earlier id.
type MadeBy<'a> = BTreeMap<PrincipalIndex, Vec<(&'a Seen, Vec<&'a Row>, bool)>>;

/// The calls of some roles, ready to be shared out.
pub struct Shares<'a> {
    catalog: &'a Catalog,
    table: &'a Table,
    grants: &'a Grants,
    trusts: Trusts<'a>,
    entities: Entities,
    operations: Operations<'a>,
    made: MadeBy<'a>,
    life_cycles: bool,
    patterns: Patterns,
}

impl<'a> Shares<'a> {
    /// Gathers the calls of these roles; `life_cycles` says whether what they make keeps what its life cycle will take.
    pub fn of(
        catalog: &'a Catalog,
        table: &'a Table,
        grants: &'a Grants,
        roles: &BTreeSet<PrincipalIndex>,
        life_cycles: bool,
    ) -> Shares<'a> {
        let mut made = MadeBy::new();
        let mut operations = Operations::new();
        if !roles.is_empty() {
            let callers = Callers::of(grants);
            for (seen, rows) in table.signatures.iter().zip(table.rows_of()) {
                let Some((index, earlier)) = callers.find(grants, &seen.signature) else {
                    continue;
                };
                if roles.contains(&index) {
                    let (source, name) = (&*seen.signature.event_source, &*seen.signature.event_name);
                    operations
                        .entry((source, name))
                        .or_insert_with(|| Operation::of(catalog, source, name));
                    made.entry(index).or_default().push((seen, rows, earlier));
                }
            }
        }
        Shares {
            catalog,
            table,
            grants,
            trusts: explain::trusts(grants),
            entities: Entities::of(grants, table),
            operations,
            made,
            life_cycles,
            patterns: Patterns::default(),
        }
    }

    /// The usage that the calls are taken from.
    pub fn table(&self) -> &'a Table {
        self.table
    }

    /// A role's rows.
    pub fn rows(&self, role: PrincipalIndex) -> impl Iterator<Item = &'a Row> + '_ {
        let made = self.made.get(&role).into_iter().flatten();
        made.flat_map(|(_, rows, _)| rows.iter().copied())
    }

    /// The gap of a role as if only these rows had been called.
    pub fn share(&self, gap: &Gap, whose: &dyn Fn(&Row) -> bool) -> Gap {
        let (catalog, grants) = (self.catalog, self.grants);
        let mine: Vec<(Seen, Vec<&Row>, bool)> = self
            .made
            .get(&gap.principal)
            .into_iter()
            .flatten()
            .filter_map(|(seen, rows, earlier)| {
                let rows: Vec<&Row> = rows.iter().copied().filter(|row| whose(row)).collect();
                Some((witnessed(seen, &rows)?, rows, *earlier))
            })
            .collect();
        let made: Vec<Made<'_>> = mine
            .iter()
            .map(|(seen, rows, earlier)| (seen, rows.as_slice(), *earlier))
            .collect();
        let granting: Vec<Granting<'_>> = gap.slices.iter().filter_map(|slice| self.granting(slice)).collect();
        let holdings = Holdings::of(catalog, grants, &granting, &self.trusts, gap.principal);
        let activity = activity(catalog, &made, &self.operations, &self.entities, holdings);
        let mut implied = ActionSet::none();
        for action in gap.trust.implied.iter().flat_map(|pattern| catalog.expand(pattern)) {
            implied.insert(action);
        }
        let account = &grants.principals[gap.principal].account;
        let doubt = Arc::new(Doubt::of(catalog, activity.unexplained.iter()));
        let life_cycles = match self.life_cycles {
            true => Arc::new(LifeCycles::of(catalog, account, &activity, &self.patterns)),
            false => Arc::default(),
        };
        let slices = granting
            .iter()
            .zip(&gap.slices)
            .map(|(granting, whole)| Slice {
                accessed: whole.accessed.clone(),
                service_accessed: whole.service_accessed.clone(),
                unattempted: whole.unattempted.clone(),
                ..slice(catalog, granting, &activity, &implied, (&doubt, &life_cycles))
            })
            .collect();
        Gap {
            activity,
            slices,
            life_cycles,
            ..gap.clone()
        }
    }

    /// What each row of a share bears on.
    pub fn row_by_row(&self, gap: &Gap, whose: &dyn Fn(&Row) -> bool, each: &mut dyn FnMut(&Row, &Activity)) {
        for (seen, rows, _) in self.made.get(&gap.principal).into_iter().flatten() {
            let signature = &seen.signature;
            let operation = &self.operations[&(&*signature.event_source, &*signature.event_name)];
            for row in rows.iter().filter(|row| whose(row)) {
                let mut activity = Activity::default();
                record(self.catalog, operation, seen, &[row], &self.entities, &mut activity);
                each(row, &activity);
            }
        }
    }

    fn granting(&self, slice: &Slice) -> Option<Granting<'a>> {
        let document = self.grants.policies[slice.policy].policy.as_ref().ok()?;
        let mut statements = document.statements.iter();
        Some(Granting {
            policy: slice.policy,
            statement: statements.find(|statement| statement.index == slice.statement)?,
            granted: Arc::clone(&slice.granted),
            view: Arc::clone(&slice.view),
        })
    }
}

/// A signature with the first and last of these rows; the event ids are known where they are those of all rows.
fn witnessed(seen: &Seen, rows: &[&Row]) -> Option<Seen> {
    let first = rows.iter().map(|row| row.first).min()?;
    let last = rows.iter().map(|row| row.last).max()?;
    let witness = |known: &Witness, time: i64| {
        if known.time == time {
            known.clone()
        } else {
            Witness {
                time,
                event_id: String::new(),
            }
        }
    };
    Some(Seen {
        signature: seen.signature.clone(),
        first: witness(&seen.first, first),
        last: witness(&seen.last, last),
    })
}
