//! What `--evidence balanced` removes beyond what the archive would have shown: unobservable actions, where everything
//! speaks against their use.

use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::gap::{ActionSet, Blind, Gap, Grade, Slice, unvouched};
use crate::iam::{ActionPart, Statement};

/// The actions of a slice that go although nobody could have seen them: of regions without any event, and those that are
/// granted by `*` or NotAction alone, belong to a service that IAM says was never touched, connect nothing, and are no
/// possible dependent of a used action.
pub(super) fn removable(catalog: &Catalog, gap: &Gap, slice: &Slice, statement: &Statement) -> ActionSet {
    let mut goes = ActionSet::none();
    for action in slice.with_grade(Grade::OutsideCoverage).iter() {
        if matches!(slice.view.blind_to(action), Some(Blind::NoRegion(_))) && !slice.service_accessed.contains(action) {
            goes.insert(action);
        }
    }
    if gap.accessed.untouched.is_empty() {
        return goes;
    }
    let mut stays = slice.unmapped.clone();
    stays.extend(&unvouched(catalog, &gap.activity));
    for action in slice.with_grade(Grade::Unobservable).difference(&stays).iter() {
        let untouched = gap
            .accessed
            .untouched
            .contains(&catalog.service(action).to_ascii_lowercase());
        if untouched
            && by_everything(catalog, statement, action)
            && catalog.access_level(action) != AccessLevel::Tagging
        {
            goes.insert(action);
        }
    }
    goes
}

/// Whether a statement grants an action by `*` or NotAction, and by no pattern that says more.
fn by_everything(catalog: &Catalog, statement: &Statement, action: ActionId) -> bool {
    match &statement.action {
        ActionPart::NotAction(_) => true,
        ActionPart::Action(patterns) => patterns
            .iter()
            .filter(|pattern| pattern.text() != "*")
            .all(|pattern| !catalog.expand(pattern.lower()).contains(&action)),
    }
}
