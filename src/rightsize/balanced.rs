//! What `--evidence balanced` removes beyond what the archive would have shown: unobservable actions, where everything
//! speaks against their use.

use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::gap::{ActionSet, Blind, Gap, Grade, Slice};
use crate::iam::{ActionPart, Statement};

/// Services and actions by which something connects: IAM's own last-accessed data does not vouch for them.
const CONNECTIONS: [&str; 15] = [
    "aoss:APIAccessAll",
    "appmesh:StreamAggregatedResources",
    "dax:*",
    "dsql:DbConnect*",
    "ec2messages:*",
    "elasticache:Connect",
    "elasticfilesystem:Client*",
    "es:ESHttp*",
    "execute-api:*",
    "iot:*",
    "kafka-cluster:*",
    "memorydb:Connect",
    "neptune-db:*",
    "rds-db:*",
    "ssmmessages:*",
];

/// Actions that another call may need without showing it.
const BESIDE: [&str; 5] = [
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

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
    for pattern in CONNECTIONS.iter().chain(&BESIDE) {
        catalog
            .expand(pattern)
            .into_iter()
            .for_each(|action| stays.insert(action));
    }
    for action in gap.activity.may_need.keys().chain(gap.activity.used.keys()) {
        catalog
            .dependents(*action)
            .iter()
            .for_each(|dependent| stays.insert(*dependent));
    }
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
