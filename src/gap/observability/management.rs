//! Whether a management event would have been seen, in one account and region.

use super::super::selectors::{Asked, Takes};
use super::super::trails::{Delivers, State, Stretch};
use super::silence::{Silence, missing};
use super::walk::{NotShown, Question, walk};
use super::{Blind, Views};
use crate::catalog::ActionId;
use crate::coverage::{Class, Hole, Hours, Why};
use crate::time::{Window, minute};

/// Who acts, where and how: what decides whether management events are seen.
pub(super) struct Management<'v> {
    pub account: &'v str,
    pub region: &'v str,
    pub reads: bool,
    pub action: ActionId,
    /// Whether the service's events are delivered in one region only.
    pub global: bool,
    /// The source, of those that a trail may leave out as a whole.
    pub source: Option<&'v str>,
    pub callers: &'v [String],
}

impl Management<'_> {
    fn class(&self) -> Class {
        if self.reads {
            Class::ManagementRead
        } else {
            Class::ManagementWrite
        }
    }

    fn name(&self) -> &'static str {
        if self.reads { "read" } else { "write" }
    }
}

/// What is asked of each stretch.
struct Logged<'q, 'a> {
    views: &'q Views<'a>,
    asked: &'q Management<'q>,
    silence: &'q Silence,
    /// Hours with such events of anyone, in this region.
    heard: Option<&'q Hours>,
    /// Whether any region has them.
    anywhere: bool,
}

impl Views<'_> {
    /// Why management events of a kind would not all have been seen in a region.
    pub(super) fn management(&self, asked: &Management<'_>, stretches: &[Stretch<'_>]) -> Option<Blind> {
        let (account, region) = (asked.account, asked.region);
        let nothing = Silence {
            nothing: true,
            ..Silence::default()
        };
        let key = (account.to_owned(), region.to_owned());
        let silence = self.silences.get(&key).unwrap_or(&nothing);
        // What is known to be lost is no matter of what may be taken for granted.
        let is_lost = |hole: &&Hole| matches!(hole.why, Why::Lost { .. });
        if let Some(hole) = silence.holes.iter().find(is_lost) {
            return Some(Blind::Gap(missing(account, region, hole)));
        }
        if silence.nothing {
            return Some(Blind::NoRegion(format!(
                "the archive has no event of account {account} in {region}"
            )));
        }
        if self.trails.too_many {
            return Some(Blind::Gap(
                "its trails were changed more often than can be followed".to_owned(),
            ));
        }
        let (class, streams) = (asked.class(), &self.coverage.streams);
        let logged = Logged {
            views: self,
            asked,
            silence,
            anywhere: streams
                .keys()
                .any(|(owner, _, known)| owner == account && *known == class),
            heard: streams.get(&(account.to_owned(), region.to_owned(), class)),
        };
        walk(&logged, stretches, self.window)
    }

    /// A trail may leave out the management events of KMS and of the RDS Data API (CloudTrail user guide, "Logging
    /// management events"): those services must be seen at all. A trail leaves them out in all its regions.
    fn heard_source(&self, account: &str, source: &str, stretch: &Stretch<'_>) -> bool {
        self.coverage
            .excludable_sources
            .iter()
            .filter(|((owner, _, known), _)| owner == account && known == source)
            .any(|(_, days)| days.any_within(stretch.from, stretch.to))
    }
}

impl Question for Logged<'_, '_> {
    fn taken(&self, state: &State<'_>) -> Option<Takes> {
        let in_place = if self.asked.global {
            state.global_events
        } else {
            state.is_in(self.asked.region)
        };
        let wanted = Asked {
            data_type: None,
            reads: Some(self.asked.reads),
            action: self.asked.action,
            resources: &[],
            callers: self.asked.callers,
        };
        in_place.then(|| self.views.state_takes(state, &wanted))
    }

    fn is_here(&self, state: &State<'_>) -> bool {
        self.anywhere || self.views.has_digest(self.asked.account, state)
    }

    fn hole(&self, asked: Window, all_regions: bool) -> Option<Blind> {
        let holes = &self.silence.holes;
        let hole = self.silence.between(holes, asked.first, asked.end, all_regions)?;
        Some(Blind::Gap(missing(self.asked.account, self.asked.region, hole)))
    }

    fn never_shown(&self) -> Option<Blind> {
        let Management { account, region, .. } = self.asked;
        self.heard.is_none().then(|| {
            Blind::Gap(format!(
                "no management {} event of anyone in account {account}, {region}: its trail may not log them",
                self.asked.name()
            ))
        })
    }

    fn not_shown(&self, stretch: &Stretch<'_>) -> Option<NotShown<'_>> {
        let (account, region, name) = (self.asked.account, self.asked.region, self.asked.name());
        let heard = |from: i64| self.heard.is_some_and(|days| days.any_within(from, stretch.to));
        let stopped = stretch.trails.iter().find(|state| state.delivers == Delivers::Stopped);
        // The call that stopped it was still delivered.
        if let Some(stopped) = stopped.filter(|_| !heard(stretch.from.saturating_add(1))) {
            let (label, stopped) = (stopped.label.clone(), stretch.from);
            return Some(NotShown {
                at_once: true,
                answer: Box::new(move |asked| {
                    let (from, to) = (minute(asked.first.max(stopped)), minute(asked.end));
                    Blind::Gap(format!("{label} was stopped from {from} to {to}"))
                }),
            });
        }
        let heard_source = |stretch: &Stretch<'_>| {
            let source = self.asked.source;
            source.is_none_or(|source| self.views.heard_source(account, source, stretch))
        };
        let class_is_seen = heard(stretch.from);
        if class_is_seen && heard_source(stretch) {
            return None;
        }
        let source = self.asked.source.filter(|_| class_is_seen);
        Some(NotShown {
            // What was never seen is not excused by stretches too short to show it.
            at_once: !heard_source(&Stretch::WHOLE),
            answer: Box::new(move |asked| {
                let (from, to) = (minute(asked.first), minute(asked.end));
                Blind::Gap(match source {
                    Some(source) => format!(
                        "no event of {source} in account {account} from {from} to {to}: its trail may leave them out"
                    ),
                    None => format!(
                        "the trail of account {account} was changed, and no management {name} event in {region} shows \
                         what it logged from {from} to {to}"
                    ),
                })
            }),
        })
    }

    fn left_out(&self, why: String) -> Blind {
        Blind::LeftOut(why)
    }
}
