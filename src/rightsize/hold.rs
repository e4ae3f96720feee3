//! Why a proved suggestion waits: what is too young, too little seen, unreadable or idle, was passed for sessions, works by
//! a calendar that the window has not seen turn twice, or loses the last write of a service.

use std::collections::{BTreeMap, BTreeSet};

use super::{Options, Proposal, guard};
use crate::gap::Gap;
use crate::gap::rhythm::rhythm;
use crate::grants::{Grants, PolicyIndex, PolicyKind, Principal, PrincipalIndex};
use crate::iam::pattern;
use crate::time::{DAY, Window, day_of, days};

/// One reason to wait.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Hold {
    /// The reason, for people.
    why: String,
    /// When time alone will have ended it, so long as the archive goes on; `None` where somebody has to look first.
    until: Option<i64>,
}

impl Hold {
    /// Until somebody has looked.
    pub(super) fn of(why: String) -> Hold {
        Hold { why, until: None }
    }
}

/// All reasons for which something waits.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Holds {
    /// Age, evidence, reading, use: in the order in which they are told.
    guards: Vec<Hold>,
    /// What is true beside those.
    others: Vec<Hold>,
}

impl Holds {
    /// One reason, whatever else there may be.
    pub(super) fn only(why: String) -> Holds {
        Holds {
            guards: vec![Hold::of(why)],
            others: Vec::new(),
        }
    }

    /// One more reason, to be told beside the others.
    pub(super) fn and(mut self, hold: Option<Hold>) -> Holds {
        self.others.extend(hold);
        self
    }

    /// In words: the first guard, whose end mostly ends the others of its kind, and what is true beside it.
    pub(super) fn why(&self) -> Option<String> {
        let told = self.guards.iter().take(1).chain(&self.others);
        let told: Vec<&str> = told.map(|hold| hold.why.as_str()).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// When time alone will have ended all of them, told or not.
    pub(super) fn until(&self) -> Option<i64> {
        let untils: Option<Vec<i64>> = self.guards.iter().chain(&self.others).map(|hold| hold.until).collect();
        untils?.into_iter().max()
    }
}

/// What is held, by whom it is had, when policies and principals were last written and which policies were passed for
/// sessions, as the archive shows it.
pub(super) struct Held<'a> {
    pub grants: &'a Grants,
    pub gaps: &'a [Gap],
    pub policy: Option<PolicyIndex>,
    pub affects: &'a [PrincipalIndex],
    pub window: Window,
    pub policy_writes: &'a BTreeMap<String, i64>,
    pub session_policies: &'a BTreeSet<String>,
    pub options: &'a Options,
}

impl Held<'_> {
    /// Every reason for which it should wait.
    pub(super) fn holds(&self) -> Holds {
        let principals = || self.affects.iter().map(|index| &self.grants.principals[*index]);
        let mut guards = Vec::new();
        guards.extend(self.short_archive());
        guards.extend(principals().filter_map(|principal| cannot_be_judged(principal, self.window, self.options)));
        let unreadable = self
            .affects
            .iter()
            .filter_map(|index| guard::unreadable(self.grants, *index));
        guards.extend(unreadable.map(Hold::of));
        guards.extend(self.in_sessions());
        guards.extend(self.affects.iter().filter_map(|index| self.little_covered(*index)));
        guards.extend(self.within_grace());
        guards.extend(self.idle());
        let rhythm = self.options.wait_for_rhythm.then(|| self.rhythm()).flatten();
        Holds {
            guards,
            others: rhythm.into_iter().collect(),
        }
    }

    fn min_window(&self) -> i64 {
        i64::from(self.options.min_window)
    }

    fn short_archive(&self) -> Option<Hold> {
        let (days, least) = (self.window.days(), self.min_window());
        (days < least).then(|| Hold {
            why: format!("the archive spans {days} days, less than --min-window {least}d"),
            until: Some(self.window.end + (least - days) * DAY),
        })
    }

    fn little_covered(&self, index: PrincipalIndex) -> Option<Hold> {
        let (covered, least) = (covered_days(&self.gaps[index]), self.min_window());
        (covered < least).then(|| Hold {
            why: format!(
                "the archive covers {covered} of {} days for {}, less than --min-window {least}d",
                self.window.days(),
                self.grants.principals[index].arn,
            ),
            until: Some(self.window.end + (least - covered) * DAY),
        })
    }

    /// Who passes a policy for a session has what policy and role both allow: its holders' calls do not tell what it is for.
    fn in_sessions(&self) -> Option<Hold> {
        let policy = &self.grants.policies[self.policy?];
        let mut seen = self.session_policies.iter();
        let passed = policy.kind == PolicyKind::Managed && seen.any(|shape| pattern::matches(shape, &policy.arn));
        passed.then(|| {
            Hold::of("it was passed as a session policy: sessions may need what its holders do not".to_owned())
        })
    }

    fn within_grace(&self) -> Option<Hold> {
        let (end, grace) = (self.window.end, i64::from(self.options.grace));
        let written = self.changed().filter(|written| end - written < grace * DAY)?;
        Some(Hold {
            why: format!(
                "it or its holder changed {} days before the archive ends, within --grace {grace}d",
                ((end - written) / DAY).max(0),
            ),
            until: Some(written + grace * DAY),
        })
    }

    fn idle(&self) -> Option<Hold> {
        let idle = self
            .affects
            .iter()
            .filter(|index| self.gaps[**index].activity.calls == 0);
        let idle: Vec<&str> = idle.map(|index| self.grants.principals[*index].arn.as_str()).collect();
        Some(Hold::of(match idle[..] {
            [] => return None,
            [one] => format!("{one} made no call in the window: is it still needed?"),
            [one, ..] => format!(
                "{one} and {} more made no call in the window: are they still needed?",
                idle.len() - 1
            ),
        }))
    }

    /// When a policy, one of its holders or a boundary of theirs was last made or changed, as far as grants and archive
    /// show it.
    fn changed(&self) -> Option<i64> {
        let written = |arn: &String| self.policy_writes.get(arn).copied();
        let principals = self.affects.iter().map(|index| &self.grants.principals[*index]);
        // What a boundary did not let through stands there as not used.
        let bounded = |one: &Principal| one.permissions_boundary.as_ref().and_then(written);
        let holders = principals.flat_map(|one| {
            [
                one.created.map(|time| time.as_second()),
                written(&one.arn),
                bounded(one),
            ]
        });
        let policy = self.policy.map(|policy| &self.grants.policies[policy]);
        let own = policy.map(|one| [one.updated.map(|time| time.as_second()), written(&one.arn)]);
        holders.chain(own.into_iter().flatten()).flatten().max()
    }

    /// Somebody's next run: the first who waits is told, the last one's day counts.
    fn rhythm(&self) -> Option<Hold> {
        let (first, last) = (day_of(self.window.first), day_of(self.window.last()));
        let (first, last) = (i32::try_from(first).ok()?, i32::try_from(last).ok()?);
        let days = self.window.days();
        let mut waiting = self.affects.iter().filter_map(|principal| {
            let rhythm = rhythm(&self.gaps[*principal].activity.days, (first, last))?;
            (!rhythm.seen_twice(days)).then_some((principal, rhythm))
        });
        let (principal, rhythm) = waiting.next()?;
        let (arn, says) = (&self.grants.principals[*principal].arn, rhythm.says(last));
        let next = |rhythm: crate::gap::rhythm::Rhythm| rhythm.next(last);
        let all: Option<Vec<i32>> = std::iter::once(rhythm)
            .chain(waiting.map(|(_, rhythm)| rhythm))
            .map(next)
            .collect();
        Some(Hold {
            why: format!("{arn} {says}: the window of {days} days has not seen that twice"),
            until: all
                .and_then(|all| all.into_iter().max())
                .map(|day| i64::from(day) * DAY),
        })
    }
}

/// Days of the window that the archive covers for a principal.
pub fn covered_days(gap: &Gap) -> i64 {
    days(gap.covered)
}

/// Why somebody is left alone as a whole: by a rule of the keep-list.
pub fn kept_whole(principal: &Principal, options: &Options) -> Option<String> {
    let mut rules = options.keep.0.iter();
    let rule = rules.find(|rule| rule.action.is_none() && rule.fits(principal))?;
    Some(format!("{} is on the keep-list: {}", principal.arn, rule.reason))
}

/// Why somebody cannot be judged: by the keep-list, or by an age that is unknown or below `--min-window`.
fn cannot_be_judged(principal: &Principal, window: Window, options: &Options) -> Option<Hold> {
    if let Some(kept) = kept_whole(principal, options) {
        return Some(Hold::of(kept));
    }
    let Some(created) = principal.created.map(|time| time.as_second()) else {
        return Some(Hold::of(format!(
            "age unknown: the grants give no creation date of {} that can be read",
            principal.arn
        )));
    };
    let least = i64::from(options.min_window);
    (window.end - created < least * DAY).then(|| Hold {
        why: format!(
            "{} is {} days old, younger than --min-window {least}d",
            principal.arn,
            ((window.end - created) / DAY).max(0),
        ),
        until: Some(created + least * DAY),
    })
}

/// Why nothing is said of what somebody did not do: what holds for suggestions, a rule of the keep-list that keeps some of its
/// actions, and `--grace` after its making or its last change.
pub fn spared(principal: &Principal, changed: Option<i64>, window: Window, options: &Options) -> Option<String> {
    let in_part = || {
        let mut rules = options.keep.0.iter();
        let rule = rules.find(|rule| rule.fits(principal))?;
        let action = rule.action.as_deref().unwrap_or("*");
        Some(format!(
            "the keep-list keeps {action} for {}: {}",
            principal.arn, rule.reason
        ))
    };
    let recent = |what: &str, time: Option<i64>| {
        let days = (window.end - time?).max(0) / DAY;
        let grace = options.grace;
        (days < i64::from(grace)).then(|| format!("{} {what} {days} days ago, within --grace {grace}d", principal.arn))
    };
    let created = principal.created.map(|time| time.as_second());
    cannot_be_judged(principal, window, options)
        .map(|hold| hold.why)
        .or_else(in_part)
        .or_else(|| recent("was made", created))
        .or_else(|| recent("or a policy of it changed", changed))
}

impl Proposal {
    /// Holds it for what a backtest broke. A longer archive learns from more, so that a day on which other reasons end
    /// stays the day to look again.
    pub fn hold(&mut self, why: &str) {
        match &mut self.held {
            Some(held) => held.push_str(&format!("; {why}")),
            None => {
                self.held = Some(why.to_owned());
                self.confidence.lower("it is held");
            }
        }
    }
}
