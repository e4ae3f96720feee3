//! Whether a data event would have been seen, for some resources of one account.

use std::collections::{BTreeMap, BTreeSet};

use super::super::selectors::{Asked, Takes};
use super::super::trails::{Delivers, State, Stretch};
use super::events::named_by_events;
use super::silence::{Silence, missing};
use super::walk::{NotShown, Question, walk};
use super::{Blind, Views};
use crate::coverage::{Days, RootDays};
use crate::iam::pattern;
use crate::time::{Window, minute};

/// What is asked of each stretch.
struct Logged<'q, 'a> {
    views: &'q Views<'a>,
    account: &'q str,
    resource_type: &'q str,
    asked: Asked<'q>,
    /// Regions of the resources; `*` where they name none.
    regions: Vec<&'q str>,
    /// Where such events are delivered.
    places: Vec<(&'q str, &'q Silence)>,
    /// Days with such events, by what lies first in the resource's name.
    roots: Vec<(&'q String, &'q RootDays)>,
}

impl<'a> Views<'a> {
    /// Why data events would not all have been seen. They are known to be logged only for the resources for which some
    /// were seen, or for which a trail is told to log them.
    pub(super) fn data(
        &self,
        account: &str,
        resource_type: &str,
        asked: &Asked<'_>,
        stretches: &[Stretch<'_>],
        known: &BTreeSet<String>,
    ) -> Option<Blind> {
        let events: Vec<String> = asked.resources.iter().map(|arn| named_by_events(arn)).collect();
        let logged = Logged {
            views: self,
            account,
            resource_type,
            asked: Asked {
                resources: &events,
                ..*asked
            },
            regions: events.iter().map(|arn| arn.split(':').nth(3).unwrap_or("*")).collect(),
            places: self.places_of_data(account, resource_type, &events, known),
            roots: self
                .coverage
                .data_roots
                .iter()
                .filter(|((owner, _, kind), _)| owner == account && kind == resource_type)
                .flat_map(|(_, roots)| roots)
                .collect(),
        };
        if self.trails.too_many {
            return Some(logged.blind("its trails were changed more often than can be followed".to_owned()));
        }
        walk(&logged, stretches, self.window)
    }

    /// Where the data events of some resources are delivered: in the regions where theirs were seen, else in those where
    /// any of their type were, else in all that are known.
    fn places_of_data(
        &self,
        account: &str,
        resource_type: &str,
        resources: &[String],
        known: &BTreeSet<String>,
    ) -> Vec<(&str, &Silence)> {
        let of_type = self.coverage.data_roots.iter();
        let of_type = of_type
            .filter(|((owner, region, kind), _)| owner == account && kind == resource_type && known.contains(region));
        let is_asked = |roots: &BTreeMap<String, RootDays>| {
            let mut asked = resources.iter().map(|resource| crate::resolve::root(resource));
            asked.any(|root| roots.keys().any(|known| pattern::matches(root, known)))
        };
        let theirs = of_type.clone().filter(|(_, roots)| is_asked(roots));
        let regions = |found: &mut dyn Iterator<Item = &'a str>| -> BTreeSet<&'a str> { found.collect() };
        let mut places = regions(&mut theirs.map(|((_, region, _), _)| region.as_str()));
        if places.is_empty() {
            places = regions(&mut of_type.map(|((_, region, _), _)| region.as_str()));
        }
        let heard = self.silences.iter();
        heard
            .filter(|((owner, region), silence)| {
                let is_place = if places.is_empty() {
                    known.contains(region) && !silence.nothing
                } else {
                    places.contains(region.as_str())
                };
                owner == account && is_place
            })
            .map(|((_, region), silence)| (region.as_str(), silence))
            .collect()
    }
}

impl Logged<'_, '_> {
    fn blind(&self, why: String) -> Blind {
        Blind::DataEvents {
            resource_type: self.resource_type.to_owned(),
            why,
        }
    }

    /// Why the data events that were seen in a stretch do not show that all of the resources are logged.
    fn roots_missing(&self, stretch: &Stretch<'_>) -> Option<String> {
        let (resource_type, asked, roots) = (self.resource_type, &self.asked, &self.roots);
        if roots.is_empty() {
            return Some(format!("the archive has no data events of {resource_type}"));
        }
        for resource in asked.resources {
            let root = crate::resolve::root(resource);
            if root.contains(['*', '?', '$']) {
                return Some(format!(
                    "data events of {resource_type} are seen for {} of its resources, not for all of `{resource}`",
                    roots.len()
                ));
            }
            let seen = |of: fn(&RootDays) -> &Days| {
                roots
                    .iter()
                    .any(|(known, days)| pattern::matches(root, known) && of(days).any_within(stretch.from, stretch.to))
            };
            let (reads, writes) = (seen(|days| &days.reads), seen(|days| &days.writes));
            let (shown, kind) = match asked.reads {
                Some(true) => (reads, "reading "),
                Some(false) => (writes, "writing "),
                // A trail may be told to log one of the two, and which of them this is nobody knows.
                None if reads != writes => {
                    let (shown, other) = if reads {
                        ("reading", "writes")
                    } else {
                        ("writing", "reads")
                    };
                    return Some(format!(
                        "the archive shows only {shown} data events of {resource_type} for {root}, and it is not known whether the action {other}"
                    ));
                }
                None => (reads, ""),
            };
            if !shown {
                return Some(format!(
                    "the archive has no {kind}data events of {resource_type} for {root}"
                ));
            }
        }
        None
    }
}

impl Question for Logged<'_, '_> {
    fn taken(&self, state: &State<'_>) -> Option<Takes> {
        // A bucket may lie in any region.
        let in_place = state.multi_region || self.regions.iter().all(|region| *region == state.home);
        in_place.then(|| self.views.state_takes(state, &self.asked))
    }

    fn is_here(&self, state: &State<'_>) -> bool {
        !self.roots.is_empty() || self.views.has_digest(self.account, state)
    }

    fn hole(&self, asked: Window, all_regions: bool) -> Option<Blind> {
        self.places.iter().find_map(|(region, silence)| {
            let hole = silence.between(&silence.data_holes, asked.first, asked.end, all_regions)?;
            Some(Blind::Gap(missing(self.account, region, hole)))
        })
    }

    fn never_shown(&self) -> Option<Blind> {
        // What was never seen is not excused by stretches too short to show it.
        self.roots_missing(&Stretch::WHOLE).map(|why| self.blind(why))
    }

    fn not_shown(&self, stretch: &Stretch<'_>) -> Option<NotShown<'_>> {
        let why = self.roots_missing(stretch)?;
        Some(NotShown {
            at_once: stretch.trails.iter().any(|state| state.delivers == Delivers::Stopped),
            answer: Box::new(move |asked| {
                let (from, to) = (minute(asked.first), minute(asked.end));
                self.blind(format!("{why} from {from} to {to}"))
            }),
        })
    }

    fn left_out(&self, why: String) -> Blind {
        self.blind(why)
    }
}
