//! What IAM's last-accessed data adds to what the archive shows: it may keep an action, and it may show that the archive
//! has a gap.
//!
//! Service-level data counts every attempt, on data as well; action-level data counts some management actions (IAM user
//! guide, "Refine permissions in AWS using last accessed information").

use std::collections::{BTreeMap, BTreeSet};

use super::{ActionSet, Activity, Slice};
use crate::catalog::{ActionId, Catalog};
use crate::grants::LastAccessed;
use crate::time::Window;

/// How long after the last call that the archive shows IAM may still mean that call.
const SAME: i64 = 24 * 3600;

/// What last-accessed data says of one principal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Accessed {
    /// Services that it never touched, as far back as IAM remembers.
    pub untouched: BTreeSet<String>,
    /// Actions that IAM saw and the archive does not show, and when; seconds since 1970.
    pub actions: BTreeMap<ActionId, i64>,
    /// Services that IAM saw where nothing that the archive cannot show explains it, and when.
    pub services: BTreeMap<String, i64>,
}

impl Accessed {
    /// Reads the data of a principal beside what it did in the window and what it is granted.
    pub(super) fn of(
        catalog: &Catalog,
        data: &LastAccessed,
        activity: &Activity,
        slices: &[Slice],
        window: Window,
    ) -> Accessed {
        let mut accessed = Accessed::default();
        for (name, time) in &data.actions {
            let time = time.as_second();
            let Some(action) = catalog.id(name).filter(|_| time >= window.first) else {
                continue;
            };
            let shown = [&activity.used, &activity.may_need, &activity.denied]
                .into_iter()
                .any(|evidence| evidence.contains_key(&action));
            if !shown {
                accessed.actions.insert(action, time);
            }
        }
        for (service, time) in &data.services {
            let Some(time) = time.map(|time| time.as_second()) else {
                accessed.untouched.insert(service.clone());
                continue;
            };
            let last_shown = last_shown(catalog, activity, service);
            // What came after the window is no gap where the service was used before.
            let explained = match last_shown {
                Some(last) => time <= last + SAME || time >= window.end,
                None => time < window.first,
            };
            let hidden = slices
                .iter()
                .flat_map(|slice| slice.granted.intersection(&slice.view.blind).iter().collect::<Vec<_>>())
                .any(|action| catalog.service(action).eq_ignore_ascii_case(service));
            if !explained && !hidden {
                accessed.services.insert(service.clone(), time);
            }
        }
        accessed
    }

    /// The actions of a slice that stay because IAM saw them, or saw their service.
    pub(super) fn keeps(&self, catalog: &Catalog, granted: &ActionSet) -> (ActionSet, ActionSet) {
        let mut actions = ActionSet::none();
        self.actions.keys().for_each(|action| actions.insert(*action));
        let mut services = ActionSet::none();
        for service in self.services.keys() {
            for action in catalog.service_range(service) {
                services.insert(ActionId::from_index(action as usize));
            }
        }
        (actions.intersection(granted), services.intersection(granted))
    }
}

/// The last call to a service that the archive shows, whatever became of it.
fn last_shown(catalog: &Catalog, activity: &Activity, service: &str) -> Option<i64> {
    let of_actions = [&activity.used, &activity.may_need, &activity.denied]
        .into_iter()
        .flatten()
        .filter(|(action, _)| catalog.service(**action).eq_ignore_ascii_case(service))
        .filter_map(|(_, evidence)| Some(evidence.last.as_ref()?.time));
    let unmapped = activity
        .unmapped
        .iter()
        .filter(|operation| {
            operation
                .prefixes
                .iter()
                .any(|prefix| prefix.eq_ignore_ascii_case(service))
        })
        .filter_map(|_| activity.last_seen);
    of_actions.chain(unmapped).max()
}
