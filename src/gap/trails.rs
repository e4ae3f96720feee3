//! What each trail was told to log, stretch by stretch: from the calls that changed it and from its configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::selectors::{asks_by_action, asks_by_caller};
use crate::coverage::{CHANGES, Coverage, Selectors, TrailChange};
use crate::grants::TrailConfig;
use crate::time::Window;

/// A stretch that is too short to ask for events of every class.
pub(super) const SHORT: i64 = 24 * 3600;

/// Account, home region and name.
type TrailKey = (String, String, String);

/// Whether a trail delivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Delivers {
    /// It does, or nothing says that it does not.
    Yes,
    /// It was stopped or deleted: what it alone delivered is missing.
    Stopped,
    /// It was made in this archive's time and has not begun.
    NotYet,
}

/// What is known of one trail in one stretch.
#[derive(Clone, Debug)]
pub(super) struct State<'a> {
    /// `NAME of ACCOUNT`
    pub(super) label: String,
    /// The trail's name.
    pub(super) name: &'a str,
    pub(super) home: &'a str,
    /// What it logs; what is not known is empty, and two that should be one must agree.
    pub(super) selectors: Vec<&'a Selectors>,
    /// Whether somebody gave its configuration, which then also counts for what it leaves out.
    pub(super) configured: bool,
    pub(super) multi_region: bool,
    pub(super) global_events: bool,
    pub(super) delivers: Delivers,
}

impl State<'_> {
    /// Whether it logs what happens in a region.
    pub(super) fn is_in(&self, region: &str) -> bool {
        self.multi_region || self.home == region
    }
}

/// A stretch of the window between two changes to trails of an account.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'a> {
    /// First second; `i64::MIN` where the window begins.
    pub(super) from: i64,
    /// The second that is no longer part of it; `i64::MAX` where the window ends.
    pub(super) to: i64,
    /// The trails that serve the account.
    pub(super) trails: Vec<State<'a>>,
}

impl Stretch<'_> {
    /// All of the window.
    pub(super) const WHOLE: Stretch<'static> = Stretch {
        from: i64::MIN,
        to: i64::MAX,
        trails: Vec::new(),
    };

    /// Whether a trail delivers from all regions.
    pub(super) fn is_in_all_regions(&self) -> bool {
        let delivers = |state: &State<'_>| state.multi_region && state.delivers == Delivers::Yes;
        self.trails.iter().any(delivers)
    }
}

/// All trails that changes or configurations name.
pub(super) struct Trails<'a> {
    changes: BTreeMap<TrailKey, Vec<&'a TrailChange>>,
    configs: BTreeMap<TrailKey, &'a TrailConfig>,
    window: Window,
    /// More changes than were remembered.
    pub(super) too_many: bool,
    /// Whether some selector asks for the caller, or for the service or name of an event.
    pub(super) by_caller: bool,
    pub(super) by_action: bool,
}

impl<'a> Trails<'a> {
    pub(super) fn new(coverage: &'a Coverage, configs: &'a [TrailConfig], window: Window) -> Trails<'a> {
        let mut trails = Trails {
            changes: BTreeMap::new(),
            configs: BTreeMap::new(),
            window,
            too_many: coverage.trail_changes.len() >= CHANGES,
            by_caller: false,
            by_action: false,
        };
        for change in &coverage.trail_changes {
            let key = (change.account.clone(), change.region.clone(), change.trail.clone());
            trails.changes.entry(key).or_default().push(change);
        }
        for config in configs {
            let key = (config.account.clone(), config.home_region.clone(), config.name.clone());
            trails.configs.insert(key, config);
        }
        let changed = coverage
            .trail_changes
            .iter()
            .filter_map(|change| change.selectors.as_ref());
        for selectors in configs
            .iter()
            .filter_map(|config| config.selectors.as_ref())
            .chain(changed)
        {
            trails.by_caller |= asks_by_caller(selectors);
            trails.by_action |= asks_by_action(selectors);
        }
        trails
    }

    /// The stretches of an account, in order; one without changes and configurations.
    pub(super) fn stretches(&self, account: &str) -> Vec<Stretch<'_>> {
        let keys: BTreeSet<&TrailKey> = self
            .changes
            .keys()
            .chain(self.configs.keys())
            .filter(|key| key.0 == account || self.is_organization(key))
            .collect();
        let mut bounds: BTreeSet<i64> = keys
            .iter()
            .flat_map(|key| self.changes.get(*key).into_iter().flatten())
            .map(|change| change.time)
            .filter(|time| self.window.first < *time && *time < self.window.end)
            .collect();
        bounds.insert(i64::MIN);
        let ends: Vec<i64> = bounds.iter().skip(1).copied().chain([i64::MAX]).collect();
        bounds
            .into_iter()
            .zip(ends)
            .map(|(from, to)| Stretch {
                from,
                to,
                trails: keys
                    .iter()
                    .map(|key| self.state(key, from.max(self.window.first)))
                    .collect(),
            })
            .collect()
    }

    fn is_organization(&self, key: &TrailKey) -> bool {
        let changed = self.changes.get(key).into_iter().flatten();
        self.configs.get(key).is_some_and(|config| config.organization)
            || changed.into_iter().any(|change| change.organization == Some(true))
    }

    /// What is known of a trail from a moment on, up to the next change.
    fn state<'s>(&'s self, key: &'s TrailKey, at: i64) -> State<'s> {
        let all = self.changes.get(key).map_or(&[][..], Vec::as_slice);
        let config = self.configs.get(key).copied();
        let (before, after) = all.split_at(all.partition_point(|change| change.time <= at));
        let sets_selectors =
            |change: &&&TrailChange| matches!(change.name.as_str(), "PutEventSelectors" | "CreateTrail");
        let mut selectors = Vec::new();
        if let Some(change) = before.iter().rev().find(sets_selectors) {
            selectors.extend(&change.selectors);
        }
        // Today's configuration holds back to the last change of it.
        let holds = !after
            .iter()
            .any(|change| sets_selectors(&change) || change.name == "DeleteTrail");
        let configured = config.filter(|_| holds).and_then(|config| config.selectors.as_ref());
        selectors.extend(configured);
        let flag = |of_change: fn(&TrailChange) -> Option<bool>, of_config: Option<bool>| {
            let last = before.iter().rev().find_map(|change| of_change(change));
            let later = after
                .iter()
                .any(|change| of_change(change).is_some() || change.name == "DeleteTrail");
            let config = of_config.filter(|_| !later);
            [last, config]
                .into_iter()
                .flatten()
                .reduce(|a, b| a && b)
                .unwrap_or(false)
        };
        let made = all
            .iter()
            .any(|change| change.name == "CreateTrail" && change.time > self.window.first);
        let delivers = before.iter().rev().find_map(|change| match change.name.as_str() {
            "StartLogging" => Some(Delivers::Yes),
            // What came before a trail was made in this time came from another one, which goes on.
            "StopLogging" | "DeleteTrail" if made => Some(Delivers::NotYet),
            "StopLogging" | "DeleteTrail" => Some(Delivers::Stopped),
            "CreateTrail" => Some(Delivers::NotYet),
            _ => None,
        });
        let stopped_now = after.is_empty() && config.is_some_and(|config| config.logging == Some(false));
        State {
            label: if key.2.is_empty() {
                format!("a trail of {}", key.0)
            } else {
                format!("trail {} of {}", key.2, key.0)
            },
            name: &key.2,
            home: &key.1,
            selectors,
            configured: configured.is_some(),
            multi_region: flag(
                |change| change.multi_region,
                config.and_then(|config| config.multi_region),
            ),
            global_events: flag(
                |change| change.global_events,
                config.and_then(|config| config.global_events),
            ),
            delivers: if stopped_now {
                Delivers::Stopped
            } else {
                delivers.unwrap_or(Delivers::Yes)
            },
        }
    }
}
